"""Time: entries logged by hand and timers that run. An entry's truth is a local day and its seconds."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, ColumnElement, Index, bindparam, select
from sqlalchemy.orm import Mapped

from tallystick.db.base import Id, Money, Tenant, table_of, within_workspace
from tallystick.db.session import Prepared
from tallystick.domain import members, rates, tasks
from tallystick.domain.access import Permission
from tallystick.domain.context import SENTENCES, Context, actor, hydrate, workspace
from tallystick.domain.listing import Filter, Listing
from tallystick.domain.members import Member
from tallystick.values.duration import elapsed_seconds, local_date
from tallystick.values.errors import Conflict, Forbidden, Invalid, NotFound

LOCKED = "Invoiced time entries are locked"
RUNNING_INDEX = "uq_time_entries_running"


class TimeEntry(Tenant):
    """Work done by a person on a day. `started_at` and `stopped_at` are evidence where known; open = running."""

    __tablename__ = "time_entries"
    noun: ClassVar[str] = "time entry"
    money: ClassVar[frozenset[str]] = frozenset({"hourly_rate"})

    user_id: Mapped[Id]
    project_id: Mapped[Id | None]
    task_id: Mapped[Id | None]
    invoice_id: Mapped[Id | None]
    """The live invoice it is on: set = locked, for everyone."""
    duration_seconds: Mapped[int]
    billable: Mapped[bool]
    note: Mapped[str | None]
    entry_date: Mapped[date]
    started_at: Mapped[datetime | None]
    stopped_at: Mapped[datetime | None]
    hourly_rate: Mapped[Money | None]
    """The rate found when the entry was made; later changes of rates leave it alone."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        live = "deleted_at IS NULL"
        return (
            *super().constraints(),
            within_workspace("user_id", "members.user_id"),
            within_workspace("project_id", "projects.id"),
            within_workspace("task_id", "tasks.id"),
            within_workspace("invoice_id", "invoices.id"),
            CheckConstraint("duration_seconds >= 0", name="duration"),
            CheckConstraint("hourly_rate >= 0", name="hourly_rate"),
            CheckConstraint("started_at IS NOT NULL OR stopped_at IS NULL", name="stopped_after_start"),
            CheckConstraint(
                "stopped_at IS NULL OR duration_seconds = EXTRACT(EPOCH FROM stopped_at - started_at)",
                name="duration_is_elapsed",
            ),
            CheckConstraint("invoice_id IS NULL OR deleted_at IS NULL", name="billed_is_live"),
            Index(
                RUNNING_INDEX,
                "workspace_id",
                "user_id",
                unique=True,
                postgresql_where=f"started_at IS NOT NULL AND stopped_at IS NULL AND {live}",
            ),
            Index("ix_time_entries_created", "workspace_id", "created_at", "id", postgresql_where=live),
            Index("ix_time_entries_date", "workspace_id", "entry_date", "id", postgresql_where=live),
            Index(
                "ix_time_entries_project_created", "workspace_id", "project_id", "created_at", "id",
                postgresql_where=live,
            ),
            Index(
                "ix_time_entries_project_date", "workspace_id", "project_id", "entry_date", "id",
                postgresql_where=live,
            ),
            Index(
                "ix_time_entries_user_created", "workspace_id", "user_id", "created_at", "id",
                postgresql_where=live,
            ),
            Index(
                "ix_time_entries_user_date", "workspace_id", "user_id", "entry_date", "id",
                postgresql_where=live,
            ),
            Index("ix_time_entries_task", "workspace_id", "task_id", postgresql_where="task_id IS NOT NULL"),
            Index("ix_time_entries_invoice", "workspace_id", "invoice_id", postgresql_where="invoice_id IS NOT NULL"),
        )  # fmt: skip

    @classmethod
    def seen_by(cls, user_id: ColumnElement[str]) -> ColumnElement[bool] | None:
        return table_of(cls).c.user_id == user_id

    @property
    def running(self) -> bool:
        return self.started_at is not None and self.stopped_at is None


_table = table_of(TimeEntry)
_RUNNING = _table.c.started_at.is_not(None) & _table.c.stopped_at.is_(None)

TIME_ENTRIES = Listing(
    TimeEntry,
    sorts=("created_at", "duration_seconds", "entry_date", "id", "updated_at"),
    search=("note",),
    exact=("project_id", "task_id", "billable"),
    dates=("entry_date",),
    instants=("created_at",),
    counts=("duration_seconds",),
    extra={
        "user_id": Filter(
            "id",
            _table.c.user_id == bindparam("user_id", type_=_table.c.user_id.type),
            about="Whose time. Members see their own whatever they send.",
            members=False,
        ),
        "running": Filter("switch", _RUNNING, about="Only running timers, or only stopped time."),
    },
)


def log(
    ctx: Context,
    *,
    project_id: str,
    entry_date: date,
    duration_seconds: int,
    task_id: str | None = None,
    note: str | None = None,
    billable: bool | None = None,
    user_id: str | None = None,
    rate: Decimal | None = None,
    started_at: datetime | None = None,
    stopped_at: datetime | None = None,
) -> TimeEntry:
    """Record time that was worked. The rate found now is kept with it."""
    ctx.require(Permission.TRACK_TIME)
    here = _workable(ctx, project_id, task_id)
    entry = ctx.add(
        TimeEntry(
            user_id=_whose(ctx, user_id),
            project_id=here.project_id,
            task_id=here.task_id,
            duration_seconds=duration_seconds,
            billable=here.billable if billable is None else billable,
            note=note,
            entry_date=entry_date,
            started_at=started_at,
            stopped_at=stopped_at,
            hourly_rate=here.rate if rate is None else rate,
        ),
        later=True,
    )
    ctx.record("created", entry)
    return entry


def start(
    ctx: Context,
    *,
    project_id: str,
    task_id: str | None = None,
    note: str | None = None,
    billable: bool | None = None,
) -> TimeEntry:
    """Start the actor's timer. One that runs stops in the same instant: no gap, no overlap."""
    ctx.require(Permission.TRACK_TIME)
    here = _workable(ctx, project_id, task_id)
    previous = _queue_for_timer(ctx)
    instant = ctx.tick().replace(microsecond=0)
    if previous is not None:
        instant = _stop(ctx, previous, instant)
    entry = ctx.add(
        TimeEntry(
            user_id=ctx.actor.user_id,
            project_id=here.project_id,
            task_id=here.task_id,
            duration_seconds=0,
            billable=here.billable if billable is None else billable,
            note=note,
            entry_date=local_date(instant, ctx.actor.time_zone),
            started_at=instant,
            hourly_rate=here.rate,
        ),
    )
    ctx.record("started", entry)
    return entry


def stop(ctx: Context, entry_id: str | None = None) -> TimeEntry:
    """Stop a timer: the actor's own, or the given one. Every second is kept, also of a timer of three."""
    ctx.require(Permission.TRACK_TIME)
    if entry_id is None:
        entry = _queue_for_timer(ctx)
        if entry is None:
            raise Conflict("No timer is running.", reason="no_running_timer")
    else:
        entry = ctx.find(TimeEntry, entry_id, lock="update")
        if not entry.running:
            raise Conflict("This timer is not running.", reason="no_running_timer")
    _stop(ctx, entry, ctx.tick().replace(microsecond=0))
    return entry


def running(ctx: Context) -> TimeEntry | None:
    """The actor's running timer."""
    ctx.require(Permission.TRACK_TIME)
    found = ctx.row(_MY_TIMER)
    return None if found is None else hydrate(TimeEntry, found)


def read(ctx: Context, entry_id: str) -> TimeEntry:
    """One entry; a Member's own only."""
    ctx.require(Permission.TRACK_TIME)
    return ctx.find(TimeEntry, entry_id)


def change(ctx: Context, entry_id: str, **facts: Any) -> TimeEntry:
    """Correct an entry that is on no invoice. A new project or task means the rate found there now."""
    ctx.require(Permission.TRACK_TIME)
    entry = _unlocked(ctx, entry_id)
    user_id = facts.pop("user_id", None) or entry.user_id
    if user_id != entry.user_id:
        ctx.require(Permission.REASSIGN_TIME)  # also to take it for oneself
        facts["user_id"] = members.active(ctx, user_id).user_id
    project_id = facts.get("project_id", entry.project_id)
    if project_id != entry.project_id:
        facts.setdefault("task_id", None)
    if project_id is not None and (project_id, facts.get("task_id", entry.task_id)) != (
        entry.project_id,
        entry.task_id,
    ):
        here = _workable(ctx, project_id, facts.get("task_id", entry.task_id))
        facts["hourly_rate"] = here.rate
    _keep_evidence(ctx, entry, facts)
    if ctx.change(entry, **facts):
        ctx.record("updated", entry)
    return entry


def delete(ctx: Context, entry_id: str) -> None:
    """Delete an entry that is on no invoice."""
    ctx.require(Permission.TRACK_TIME)
    entry = _unlocked(ctx, entry_id)
    ctx.change(entry, deleted_at=ctx.now)
    ctx.record("deleted", entry)


def let_go(ctx: Context, member: Member) -> None:
    """End a membership, with what hangs on it: a timer stops, tasks are free, tokens die, recorded time stays."""
    ctx.require(Permission.CHANGE_MEMBERS)
    ctx.find(Member, member.id, lock="update")  # starts of this person queue up behind it, and then find nobody
    timer = ctx.row(_TIMER_OF, user_id=member.user_id)
    if timer is not None:
        _stop(ctx, hydrate(TimeEntry, timer), ctx.now.replace(microsecond=0))
    tasks.unassign_all(ctx, member)
    members.remove(ctx, member)


def _whose(ctx: Context, user_id: str | None) -> str:
    """The person whose time it is: the actor, or another active member if the actor's role allows it."""
    if user_id is None or user_id == ctx.actor.user_id:
        return ctx.actor.user_id
    ctx.require(Permission.REASSIGN_TIME)
    return members.active(ctx, user_id).user_id


def _workable(ctx: Context, project_id: str, task_id: str | None) -> rates.Place:
    here = rates.place(ctx, project_id, task_id)
    if here.status == "ARCHIVED":
        raise Invalid(fields={"project_id": "this project is archived; make it active again first"})
    return here


def _unlocked(ctx: Context, entry_id: str) -> TimeEntry:
    entry = ctx.find(TimeEntry, entry_id, lock="update")
    if entry.invoice_id is not None:
        raise Conflict(LOCKED, reason="invoiced")
    if entry.user_id != ctx.actor.user_id and not ctx.actor.may(Permission.CHANGE_ANY_TIME):
        raise Forbidden("You may change only your own time.")
    return entry


def _queue_for_timer(ctx: Context) -> TimeEntry | None:
    """Lock the person's membership, so that starts and stops queue up, and load what runs now."""
    if ctx.row(_MY_MEMBERSHIP) is None:
        raise NotFound("No such member.")
    found = ctx.row(_MY_TIMER_LOCKED)
    return None if found is None else hydrate(TimeEntry, found)


def _stop(ctx: Context, entry: TimeEntry, instant: datetime) -> datetime:
    """Stop a timer at an instant; a clock that went backwards never makes negative time."""
    started = entry.started_at
    assert started is not None  # noqa: S101 - only running entries get here
    instant = max(instant, started)
    ctx.change(entry, stopped_at=instant, duration_seconds=elapsed_seconds(started, instant))
    ctx.record("stopped", entry)
    return instant


def _keep_evidence(ctx: Context, entry: TimeEntry, facts: dict[str, Any]) -> None:
    """Where start and stop are known they follow a corrected day or duration."""
    seconds = facts.get("duration_seconds", entry.duration_seconds)
    day = facts.get("entry_date", entry.entry_date)
    if seconds == entry.duration_seconds and day == entry.entry_date:
        return
    if entry.running:
        raise Conflict("This timer is running. Stop it before you change its day or duration.", reason="running")
    if entry.started_at is None:
        return
    zone = ZoneInfo(ctx.actor.time_zone)
    local = entry.started_at.astimezone(zone)
    started = (local + timedelta(days=(day - entry.entry_date).days)).astimezone(ZoneInfo("UTC"))
    facts["started_at"] = started
    facts["stopped_at"] = started + timedelta(seconds=seconds)


_mine = (_table.c.workspace_id == workspace()) & (_table.c.user_id == actor()) & _table.c.deleted_at.is_(None)
_MY_TIMER = Prepared(select(_table).where(_mine, _RUNNING))
_MY_TIMER_LOCKED = Prepared(select(_table).where(_mine, _RUNNING).with_for_update(key_share=True))
_TIMER_OF = Prepared(
    select(_table)
    .where(
        _table.c.workspace_id == workspace(),
        _table.c.user_id == bindparam("user_id", type_=_table.c.user_id.type),
        _table.c.deleted_at.is_(None),
        _RUNNING,
    )
    .with_for_update(key_share=True)
)
_membership = table_of(Member)
_MY_MEMBERSHIP = Prepared(
    select(_membership.c.id)
    .where(
        _membership.c.workspace_id == workspace(),
        _membership.c.user_id == actor(),
        _membership.c.removed_at.is_(None),
    )
    .with_for_update(key_share=True)
)

SENTENCES[RUNNING_INDEX] = Conflict("This person's timer is running already.", reason="timer_running")
