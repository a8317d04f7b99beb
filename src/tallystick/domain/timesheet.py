"""Many entries as one thing: a day of a week's grid, a week copied, entries changed together, a forgotten timer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, Final, Literal, NamedTuple

from tallystick.domain import approvals, members, time_entries
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.desk import time as desk
from tallystick.domain.desk.shell import places
from tallystick.domain.desk.time import Entry, Sought
from tallystick.domain.members import Member
from tallystick.domain.time_entries import TimeEntry
from tallystick.domain.workspaces import current
from tallystick.values.duration import LONGEST_SECONDS, elapsed_seconds
from tallystick.values.errors import Conflict, Forbidden, Invalid, NotFound

TOGETHER: Final = 200
"""How many entries are changed at once at most."""
DAY_SECONDS: Final = 24 * 3600
Choice = Literal["keep", "trim", "discard"]
CHANGED: Final = "Somebody changed {day} meanwhile: it has {hours} now. Yours is not saved; save it again to keep it."


class Skipped(NamedTuple):
    """An entry that was left as it is, and why."""

    entry_id: str
    why: str


class Done(NamedTuple):
    """What became of entries changed together."""

    changed: list[str]
    skipped: list[Skipped]


class Shown(NamedTuple):
    """What a day of a grid showed to whoever changes it: nothing else is overwritten unseen."""

    seconds: int
    note: str


def put(
    ctx: Context,
    *,
    project_id: str,
    task_id: str | None,
    day: date,
    seconds: int,
    user_id: str | None = None,
    note: str | None = None,
    shown: Shown | None = None,
) -> None:
    """Let a person's day on a project or task come to so many seconds; 0 empties it. `note`: of its latest entry.

    `shown`: refused where the day has changed since it showed that, unless it is as wanted already.

    Where there are several entries the latest one that is on no invoice gives way; it never takes from the others.
    """
    ctx.require(Permission.TRACK_TIME)
    if seconds > DAY_SECONDS:
        raise Invalid(fields={"seconds": "a day has 24 hours"})
    _queue_up(ctx, user_id)
    there = _day(ctx, project_id, task_id, day, user_id)
    if any(entry.running for entry in there):
        raise Conflict("A timer is running here. Stop it before you change this day.", reason="running")
    total = sum(entry.duration_seconds for entry in there)
    free = next((entry for entry in there if not entry.locked), None)
    if shown is not None and _is_late(there, shown, seconds, note):
        facts = {"day": day, "hours": f"{total // 3600}:{total // 60 % 60:02d}"}
        raise Conflict(CHANGED, reason="changed_meanwhile", facts=facts)
    if seconds == total:
        if free is not None and note is not None and (note or None) != free.note:
            time_entries.change(ctx, free.id, note=note or None)
        return
    if free is None:
        if there:
            approvals.check_open(ctx, user_id or ctx.actor.user_id, day)
            raise Conflict(time_entries.LOCKED, reason="invoiced")
        time_entries.log(
            ctx,
            project_id=project_id,
            task_id=task_id,
            entry_date=day,
            duration_seconds=seconds,
            note=note or None,
            user_id=user_id,
        )
        return
    wanted = free.duration_seconds + seconds - total
    if seconds == 0 and not any(entry.locked for entry in there):
        for entry in there:
            time_entries.delete(ctx, entry.id)
    elif wanted < 0 or wanted > LONGEST_SECONDS:
        raise Conflict("There are several entries on this day. Change them in the list of the day.")
    elif wanted == 0:
        time_entries.delete(ctx, free.id)
    else:
        noted: dict[str, Any] = {} if note is None else {"note": note or None}
        time_entries.change(ctx, free.id, duration_seconds=wanted, **noted)


def copy_week(ctx: Context, first_day: date, *, source: date, user_id: str | None = None) -> int:
    """Log the entries of the week from `source` on again, seven days in place of seven; answers how many.

    A day on a project or task that has time already is left as it is, so copying twice adds nothing. What can no
    longer be worked on is left out, and so are days that are closed.
    """
    ctx.require(Permission.TRACK_TIME)
    _queue_up(ctx, user_id)
    whose = user_id or ctx.actor.user_id
    shift = first_day - source
    week = timedelta(days=6)
    taken = {
        (entry.project_id, entry.task_id, entry.entry_date)
        for entry in desk.entries(ctx, Sought(first_day, first_day + week, user_id=whose))
    }
    workable = {(place.project_id, place.task_id) for place in places(ctx, limit=5000)}
    closed = approvals.closed_days(ctx, whose, first_day, first_day + week)
    copied = 0
    for entry in reversed(desk.entries(ctx, Sought(source, source + week, user_id=whose))):
        day = entry.entry_date + shift
        if entry.running or not entry.duration_seconds or (entry.project_id, entry.task_id, day) in taken:
            continue
        if (entry.project_id, entry.task_id) not in workable:
            continue
        if day in closed:
            continue
        time_entries.log(
            ctx,
            project_id=entry.project_id,
            task_id=entry.task_id,
            entry_date=day,
            duration_seconds=entry.duration_seconds,
            note=entry.note,
            billable=entry.billable,
            user_id=whose,
        )
        copied += 1
    return copied


def change_many(ctx: Context, entry_ids: list[str], **facts: Any) -> Done:
    """Change these facts of many entries. Those that cannot be changed are left as they are, and named."""
    return _many(ctx, entry_ids, lambda entry_id: time_entries.change(ctx, entry_id, **facts))


def delete_many(ctx: Context, entry_ids: list[str]) -> Done:
    """Delete many entries. Those that cannot be deleted stay, and are named."""
    return _many(ctx, entry_ids, lambda entry_id: time_entries.delete(ctx, entry_id))


def is_forgotten(ctx: Context, timer: TimeEntry) -> bool:
    """Whether a timer has run for longer than the workspace finds likely."""
    assert timer.started_at is not None  # noqa: S101 - a timer that runs has started
    return elapsed_seconds(timer.started_at, ctx.now) > current(ctx).timer_limit_minutes * 60


def settle(ctx: Context, choice: Choice) -> TimeEntry | None:
    """Stop the actor's timer that was forgotten: keep all of it, trim it to the workspace's limit, or discard it.

    Where its day was closed meanwhile that is still so: what ended is another thing than what is changed later.
    """
    timer = time_entries.running(ctx)
    if timer is not None and approvals.closed_days(ctx, timer.user_id, timer.entry_date, timer.entry_date):
        return _settle_closed(ctx, timer, choice)
    entry = time_entries.stop(ctx)
    if choice == "discard":
        time_entries.delete(ctx, entry.id)
        return None
    limit = timedelta(minutes=current(ctx).timer_limit_minutes)
    if choice == "trim" and entry.duration_seconds > limit.total_seconds():
        assert entry.started_at is not None  # noqa: S101 - it ran
        return time_entries.change(ctx, entry.id, stopped_at=entry.started_at + limit)
    return entry


def _settle_closed(ctx: Context, timer: TimeEntry, choice: Choice) -> TimeEntry | None:
    """`settle` in one step for a timer on a closed day, whose time could not be changed once it is stopped."""
    if choice == "discard":
        time_entries.delete(ctx, timer.id)
        return None
    assert timer.started_at is not None  # noqa: S101 - it runs
    limit = timedelta(minutes=current(ctx).timer_limit_minutes)
    if choice == "trim" and ctx.now - timer.started_at > limit:
        return time_entries.change(ctx, timer.id, stopped_at=timer.started_at + limit)
    return time_entries.stop(ctx)


def _is_late(there: list[Entry], shown: Shown, seconds: int, note: str | None) -> bool:
    """Whether writing this would overwrite what was not shown."""
    total = sum(entry.duration_seconds for entry in there)
    said = desk.note_of(reversed(there))
    return total not in (seconds, shown.seconds) or (note is not None and said not in (note, shown.note))


def _many(ctx: Context, entry_ids: list[str], change: Callable[[str], object]) -> Done:
    ctx.require(Permission.TRACK_TIME)
    wanted = list(dict.fromkeys(entry_ids))
    if len(wanted) > TOGETHER:
        raise Invalid(f"At most {TOGETHER} entries are changed together.", fields={"entries": f"at most {TOGETHER}"})
    done = Done([], [])
    for entry_id in sorted(wanted):  # in one order, so that two who change the same do not wait for each other
        try:
            change(entry_id)
        except (Conflict, Forbidden, NotFound, Invalid) as refusal:
            # Each of these is raised before anything of the entry was written.
            done.skipped.append(Skipped(entry_id, next(iter(refusal.fields.values()), refusal.message)))
        else:
            done.changed.append(entry_id)
    return done


def _queue_up(ctx: Context, user_id: str | None) -> None:
    """Those who change a person's days at the same moment do so one after the other."""
    ctx.find(Member, members.active(ctx, user_id or ctx.actor.user_id).id, lock="update")


def _day(ctx: Context, project_id: str, task_id: str | None, day: date, user_id: str | None) -> list[Entry]:
    """A person's entries of a day on exactly this project or task, the latest first."""
    whose = user_id or ctx.actor.user_id
    found = desk.entries(ctx, Sought(day, day, user_id=whose, project_id=project_id))
    return [entry for entry in found if entry.task_id == task_id]
