"""What people did on a device without the network: each action done once, as of its instant, or refused with a reason.

A device gives every action a key and keeps it until it hears an answer. The row here is written in the transaction of
the work, so that the answer may get lost and the action may come again. Where the world moved on meanwhile (another
timer, an archived project, a clock that is wrong) nothing is done: the person is asked, and decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Final, Literal, NamedTuple, get_args

from sqlalchemy import CheckConstraint, ColumnElement, Index, UniqueConstraint, bindparam, select
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Id, Tenant, one_of, table_of, within_workspace
from tallystick.db.session import Prepared
from tallystick.domain import time_entries
from tallystick.domain.access import Permission
from tallystick.domain.context import SENTENCES, Context, actor, workspace
from tallystick.domain.time_entries import TimeEntry
from tallystick.domain.workspaces import current
from tallystick.values.duration import elapsed_seconds
from tallystick.values.errors import Conflict, Invalid, NotFound
from tallystick.values.ids import parse_id

Kind = Literal["start", "stop", "log", "note"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
Choice = Literal["replace", "mine", "keep", "trim", "discard"]
CHOICES: Final[tuple[Choice, ...]] = get_args(Choice)
"""What a person may have decided: stop the other timer; take my time for its end; of a timer that was forgotten, keep
all of it, trim it, or discard it."""
TOLERANCE: Final = timedelta(minutes=2)
"""A device's clock that differs by less is right."""
SAME_DAY: Final = timedelta(hours=12)
"""The same for what has a day and no instant."""
OLDEST: Final = timedelta(days=60)
"""What is older is not done unasked: its key may be forgotten, 90 days after it was done."""
LONGEST_KEY: Final = 80


class DeviceAction(Tenant):
    """An action of a person that was done: its key will not be done again."""

    __tablename__ = "device_actions"
    noun: ClassVar[str] = "device action"

    user_id: Mapped[Id]
    key: Mapped[str]
    kind: Mapped[str]
    entry_id: Mapped[Id | None]
    """The time entry that it began, ended or made."""
    made_at: Mapped[datetime]
    """When the person did it: by the device's clock, corrected where it was known to be wrong."""
    received_at: Mapped[datetime] = mapped_column(index=True)

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("user_id", "members.user_id"),
            within_workspace("entry_id", "time_entries.id"),
            one_of("kind", KINDS),
            CheckConstraint(f"char_length(key) BETWEEN 1 AND {LONGEST_KEY}", name="key"),
            UniqueConstraint("workspace_id", "user_id", "key", name="uq_device_actions_key"),
            Index("ix_device_actions_entry", "workspace_id", "entry_id", postgresql_where="entry_id IS NOT NULL"),
        )

    @classmethod
    def seen_by(cls, user_id: ColumnElement[str]) -> ColumnElement[bool] | None:
        return table_of(cls).c.user_id == user_id


@dataclass(frozen=True, slots=True)
class Action:
    """What a device says. Its instants are its own clock's."""

    key: str
    kind: Kind
    made_at: datetime
    sent_at: datetime
    """The device's clock at this moment."""
    ahead: timedelta | None = None
    """By how much the server's clock was ahead of the device's when they last met before the action, if they did."""
    corrected: bool | None = None
    """What the person said of a wrong clock: True, correct the instants by it; False, they are right as they are."""
    choices: frozenset[Choice] = frozenset()
    timer: str | None = None
    """The timer that is meant: an entry's id, or the key of the action that started it."""
    expects: str | None = None
    """The timer that the device saw running when it started another: it stops in that instant."""
    project_id: str | None = None
    task_id: str | None = None
    note: str | None = None
    entry_date: date | None = None
    duration_seconds: int | None = None
    started_at: datetime | None = None
    stopped_at: datetime | None = None


class Done(NamedTuple):
    """What became of an action."""

    entry_id: str | None
    again: bool
    """It was done before."""


def carry_out(ctx: Context, action: Action) -> Done:
    """Do what was done on a device, once. Raises Conflict, Invalid or NotFound where the person has to decide."""
    ctx.require(Permission.TRACK_TIME)
    time_entries.waiting_for_timer(ctx)  # actions of one person come one after the other
    known = known_as(ctx, action.key)
    if known is not None:
        return known
    made_at = _instant(ctx, action, action.made_at)
    entry_id = _DO[action.kind](ctx, action, made_at)
    remember(ctx, action.key, action.kind, entry_id, made_at=made_at)
    return Done(entry_id, False)


def known_as(ctx: Context, key: str) -> Done | None:
    """What became of the actor's action with this key, if it was done."""
    ctx.require(Permission.TRACK_TIME)
    found = ctx.row(_KNOWN, key=key)
    return None if found is None else Done(found[0], True)


def remember(ctx: Context, key: str, kind: Kind, entry_id: str | None, *, made_at: datetime | None = None) -> None:
    """Keep that the actor's action is done, in its transaction."""
    ctx.require(Permission.TRACK_TIME)
    if not 1 <= len(key) <= LONGEST_KEY:
        raise Invalid(fields={"key": f"1 to {LONGEST_KEY} characters"})
    ctx.add(
        DeviceAction(
            user_id=ctx.actor.user_id,
            key=key,
            kind=kind,
            entry_id=entry_id,
            made_at=made_at or ctx.now,
            received_at=ctx.now,
        )
    )


def clock_ahead(ctx: Context, sent_at: datetime) -> timedelta:
    """By how much the server's clock is ahead of a device's."""
    return ctx.now - sent_at


def entry_of(ctx: Context, named: str | None) -> TimeEntry | None:
    """The actor's entry that an action names by its id, or by the key of the action that started it."""
    ctx.require(Permission.TRACK_TIME)
    known = None if named is None else known_as(ctx, named)
    try:
        entry = ctx.find(TimeEntry, _id_of(named) if known is None else known.entry_id)
    except NotFound:
        return None
    return entry if entry.user_id == ctx.actor.user_id else None


def _instant(ctx: Context, action: Action, said: datetime) -> datetime:
    """An instant of the device's clock, by ours. Asks where that clock is wrong, or was set meanwhile."""
    off = clock_ahead(ctx, action.sent_at)
    most = SAME_DAY if action.kind == "log" and action.started_at is None else TOLERANCE
    was_set = action.ahead is not None and abs(off - action.ahead) > most
    if (abs(off) > most or was_set) and action.corrected is None:
        raise Conflict("The clock of this device is wrong, or was set meanwhile.", reason="clock_wrong")
    if action.sent_at - action.made_at > OLDEST and not action.choices and action.corrected is None:
        raise Conflict("This was done long ago. Look whether it was recorded since.", reason="too_old")
    return said + off if action.corrected else min(said, ctx.now)


def _start(ctx: Context, action: Action, instant: datetime) -> str:
    running = time_entries.waiting_for_timer(ctx)
    if running is not None:
        expected = entry_of(ctx, action.expects)
        if (expected is None or expected.id != running.id) and "replace" not in action.choices:
            raise Conflict("Another timer was started meanwhile.", reason="other_timer")
        _ask_if_forgotten(ctx, action, running, max(instant, running.begins_at))
    entry = time_entries.start(
        ctx, project_id=action.project_id, task_id=action.task_id, note=action.note, started_at=instant
    )
    if running is not None:
        _settle(ctx, action, running.id)
    return entry.id


def _stop(ctx: Context, action: Action, instant: datetime) -> str | None:
    entry = _meant(ctx, action)
    if entry.running:
        _ask_if_forgotten(ctx, action, entry, instant)
        time_entries.stop(ctx, entry.id, stopped_at=instant)
        return _settle(ctx, action, entry.id)
    if entry.stopped_at != instant.replace(microsecond=0):
        if "mine" not in action.choices:
            raise Conflict("This timer was stopped elsewhere meanwhile.", reason="timer_stopped")
        time_entries.change(ctx, entry.id, stopped_at=instant)
    return entry.id


def _note(ctx: Context, action: Action, _instant: datetime) -> str:
    return time_entries.change(ctx, _meant(ctx, action).id, note=action.note).id


def _log(ctx: Context, action: Action, _instant_of_making: datetime) -> str:
    facts: dict[str, Any] = {"project_id": action.project_id, "task_id": action.task_id, "note": action.note}
    if action.started_at is not None and action.stopped_at is not None:
        started, stopped = (_instant(ctx, action, one) for one in (action.started_at, action.stopped_at))
        return time_entries.log_interval(ctx, started_at=started, stopped_at=stopped, **facts).id
    if action.entry_date is None or action.duration_seconds is None:
        raise Invalid(fields={"duration": "required: a day and a duration, or a start and an end"})
    return time_entries.log(
        ctx, entry_date=action.entry_date, duration_seconds=action.duration_seconds, **facts
    ).id  # fmt: skip


_DO: Final = {"start": _start, "stop": _stop, "log": _log, "note": _note}


def _meant(ctx: Context, action: Action) -> TimeEntry:
    entry = entry_of(ctx, action.timer)
    if entry is None:
        raise Conflict("This timer was deleted elsewhere meanwhile.", reason="timer_gone")
    return entry


def _ask_if_forgotten(ctx: Context, action: Action, timer: TimeEntry, instant: datetime) -> None:
    seconds = elapsed_seconds(timer.begins_at, max(instant, timer.begins_at))
    if seconds > current(ctx).timer_limit_minutes * 60 and action.choices.isdisjoint({"keep", "trim", "discard"}):
        raise Conflict("This timer ran for long. What shall become of it?", reason="timer_long")


def _settle(ctx: Context, action: Action, entry_id: str) -> str | None:
    """Carry out what the person decided of a timer that was forgotten; it is stopped."""
    limit = timedelta(minutes=current(ctx).timer_limit_minutes)
    if "discard" in action.choices:
        time_entries.delete(ctx, entry_id)
    elif "trim" in action.choices:
        entry = time_entries.read(ctx, entry_id)
        if entry.duration_seconds > limit.total_seconds():
            time_entries.change(ctx, entry_id, stopped_at=entry.begins_at + limit)
    return entry_id


def _id_of(named: str | None) -> str | None:
    return parse_id(named) if named else None


_table = table_of(DeviceAction)
_KNOWN = Prepared(
    select(_table.c.entry_id).where(
        _table.c.workspace_id == workspace(),
        _table.c.user_id == actor(),
        _table.c.key == bindparam("key", type_=_table.c.key.type),
    )
)
SENTENCES["uq_device_actions_key"] = Conflict(
    "This is being recorded at this moment. Try again.", reason="action_in_progress"
)
