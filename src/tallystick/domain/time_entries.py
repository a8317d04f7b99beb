"""Time: entries logged by hand and timers that run. An entry's truth is a local day and its seconds."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, ColumnElement, Computed, Index, bindparam, func, select
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Counted, Id, Money, table_of, within_workspace
from tallystick.db.session import Prepared
from tallystick.domain import approvals, members, rates, tasks
from tallystick.domain.access import Permission
from tallystick.domain.context import SENTENCES, Context, actor, columns_in, hydrate, workspace
from tallystick.domain.listing import Filter, Listing
from tallystick.domain.members import Member, Person
from tallystick.domain.projects import Project
from tallystick.domain.tasks import Task
from tallystick.domain.workspaces import Workspace
from tallystick.values.duration import LONGEST_SECONDS, elapsed_seconds, local_date, midnight_seconds
from tallystick.values.errors import Conflict, Forbidden, Invalid, NotFound

LOCKED = "Invoiced time entries are locked"
WRITTEN_OFF = "Time that was written off is locked. Undo the write-off before you change it."
RUNNING_INDEX = "uq_time_entries_running"
AHEAD: Final = timedelta(minutes=5)
"""How far a client's clock may be ahead of ours when it says that a timer runs."""


class TimeEntry(Counted):
    """Work done by a person on a day. `started_at` and `stopped_at` are evidence where known; open = running."""

    __tablename__ = "time_entries"
    noun: ClassVar[str] = "time entry"
    money: ClassVar[frozenset[str]] = frozenset({"hourly_rate", "write_off_reason"})

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
    day_begins: Mapped[int] = mapped_column(default=0, server_default="0")
    """Seconds from midnight UTC to the beginning of `entry_date` where the person was: −7200 in a Berlin summer."""
    begins_at: Mapped[datetime] = mapped_column(
        Computed(
            "COALESCE(started_at, (entry_date + make_interval(secs => day_begins)) AT TIME ZONE 'UTC')", persisted=True
        )
    )
    """When it started; where only a day and a duration are known, the beginning of that day."""
    hourly_rate: Mapped[Money | None]
    """The rate found when the entry was made; later changes of rates leave it alone."""
    written_off_at: Mapped[datetime | None]
    """Set: nobody is billed for it, and it is locked until that is undone."""
    write_off_reason: Mapped[str | None]
    created_by: Mapped[Id | None]
    """Who recorded it; not known of entries from before."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        live = "deleted_at IS NULL"
        return (
            *super().constraints(),
            within_workspace("user_id", "members.user_id"),
            within_workspace("created_by", "members.user_id"),
            within_workspace("project_id", "projects.id"),
            within_workspace("task_id", "tasks.id"),
            within_workspace("invoice_id", "invoices.id"),
            CheckConstraint("duration_seconds >= 0", name="duration"),
            CheckConstraint("hourly_rate >= 0", name="hourly_rate"),
            CheckConstraint("project_id IS NOT NULL OR NOT billable", name="billed_to_somebody"),
            CheckConstraint("day_begins BETWEEN -86400 AND 86400", name="day_begins"),
            CheckConstraint("started_at IS NOT NULL OR stopped_at IS NULL", name="stopped_after_start"),
            CheckConstraint(
                "stopped_at IS NULL OR duration_seconds = EXTRACT(EPOCH FROM stopped_at - started_at)",
                name="duration_is_elapsed",
            ),
            CheckConstraint("invoice_id IS NULL OR deleted_at IS NULL", name="billed_is_live"),
            CheckConstraint("(written_off_at IS NULL) = (write_off_reason IS NULL)", name="write_off_reason"),
            CheckConstraint(
                "written_off_at IS NULL OR (billable AND invoice_id IS NULL AND deleted_at IS NULL)",
                name="written_off_is_unbilled",
            ),
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
            Index("ix_time_entries_begins", "workspace_id", "begins_at", "id", postgresql_where=live),
            Index(
                "ix_time_entries_project_begins", "workspace_id", "project_id", "begins_at", "id",
                postgresql_where=live,
            ),
            Index("ix_time_entries_user_begins", "workspace_id", "user_id", "begins_at", "id", postgresql_where=live),
            Index(
                "ix_time_entries_unbilled", "workspace_id", "project_id",
                postgresql_where=f"billable AND invoice_id IS NULL AND written_off_at IS NULL AND {live}",
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

    @property
    def ends_at(self) -> datetime | None:
        """When it ended, or would have without a break; None while it runs."""
        return None if self.running else end_of(self.begins_at, self.duration_seconds)


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
    project_id: str | None,
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
    """Record time that was worked. The rate of its day is kept with it. On no project it is billed to nobody."""
    ctx.require(Permission.TRACK_TIME)
    whose = _whose(ctx, user_id)
    here = _workable(ctx, project_id, task_id, entry_date, whose)
    entry = _add(
        ctx,
        TimeEntry(
            user_id=whose,
            project_id=here.project_id,
            task_id=here.task_id,
            duration_seconds=duration_seconds,
            billable=_billable(here, billable),
            note=note,
            entry_date=entry_date,
            day_begins=midnight_seconds(entry_date, _zone(ctx, whose)),
            started_at=started_at,
            stopped_at=stopped_at,
            hourly_rate=here.rate if rate is None else rate,
        ),
        later=True,
    )
    ctx.record("created", entry)
    return entry


def log_interval(
    ctx: Context, *, project_id: str | None, started_at: datetime, stopped_at: datetime, **facts: Any
) -> TimeEntry:
    """`log` for work of which start and stop are known: its day is the actor's local day, its seconds what went by."""
    started, stopped = _whole(started_at), _whole(stopped_at)
    return log(
        ctx,
        project_id=project_id,
        entry_date=_day_of(started, ctx.actor.time_zone),
        duration_seconds=_seconds_between(started, stopped),
        started_at=started,
        stopped_at=stopped,
        **facts,
    )


def start(
    ctx: Context,
    *,
    project_id: str | None,
    task_id: str | None = None,
    note: str | None = None,
    billable: bool | None = None,
    started_at: datetime | None = None,
) -> TimeEntry:
    """Start the actor's timer. One that runs stops in the same instant: no gap, no overlap.

    `started_at`: it has been running since then. What ran before it stops there too, unless it began later: then it
    stops now, so that no time is lost.
    """
    ctx.require(Permission.TRACK_TIME)
    assumed = _day_of(_whole(started_at or ctx.now), ctx.actor.time_zone)
    here = _workable(ctx, project_id, task_id, assumed, ctx.actor.user_id)
    previous = _queue_for_timer(ctx)
    now = ctx.tick().replace(microsecond=0)
    instant = now if started_at is None else _running_since(ctx, started_at)
    if previous is not None:
        began_before = previous.begins_at <= instant <= now
        stopped = _stop(ctx, previous, instant if began_before else now)
        instant = stopped if started_at is None else instant
    day = _day_of(instant, ctx.actor.time_zone)
    if day != assumed:  # midnight went by while it waited
        here = _workable(ctx, project_id, task_id, day, ctx.actor.user_id)
    entry = _add(
        ctx,
        TimeEntry(
            user_id=ctx.actor.user_id,
            project_id=here.project_id,
            task_id=here.task_id,
            duration_seconds=0,
            billable=_billable(here, billable),
            note=note,
            entry_date=day,
            day_begins=midnight_seconds(day, ctx.actor.time_zone),
            started_at=instant,
            hourly_rate=here.rate,
        ),
    )
    ctx.record("started", entry)
    return entry


def stop(ctx: Context, entry_id: str | None = None, *, stopped_at: datetime | None = None) -> TimeEntry:
    """Stop a timer: the actor's own, or the given one. Every second is kept, also of a timer of three.

    `stopped_at`: it was stopped then, not before it began and not later than now.
    """
    ctx.require(Permission.TRACK_TIME)
    if entry_id is None:
        entry = _queue_for_timer(ctx)
        if entry is None:
            raise Conflict("No timer is running.", reason="no_running_timer")
    else:
        entry = ctx.find(TimeEntry, entry_id, lock="update")
        if not entry.running:
            raise Conflict("This timer is not running.", reason="no_running_timer")
    now = ctx.tick().replace(microsecond=0)
    _stop(ctx, entry, now if stopped_at is None else _ended(entry, stopped_at, now))
    return entry


def waiting_for_timer(ctx: Context) -> TimeEntry | None:
    """What the actor's timer runs on, once everybody else who starts or stops it is done; they wait until we are."""
    ctx.require(Permission.TRACK_TIME)
    return _queue_for_timer(ctx)


def stop_all(ctx: Context, *, task_id: str | None = None, project_id: str | None = None) -> list[TimeEntry]:
    """Stop every timer that runs on a task or on a project, all in the same instant; a Member's own only."""
    ctx.require(Permission.TRACK_TIME)
    queue_up, timers = _ON_PROJECT if task_id is None else _ON_TASK
    place = (ctx.find(Project, project_id) if task_id is None else ctx.find(Task, task_id)).id
    whose = None if ctx.actor.may(Permission.CHANGE_ANY_TIME) else ctx.actor.user_id
    ctx.rows(queue_up, place=place, whose=whose)  # behind the starts and stops of these people
    found = [hydrate(TimeEntry, row) for row in ctx.rows(timers, place=place, whose=whose)]
    instant = ctx.tick().replace(microsecond=0)
    for entry in found:
        _stop(ctx, entry, instant)
    return found


def running(ctx: Context) -> TimeEntry | None:
    """The actor's running timer."""
    ctx.require(Permission.TRACK_TIME)
    found = ctx.row(_MY_TIMER)
    return None if found is None else hydrate(TimeEntry, found)


def read(ctx: Context, entry_id: str) -> TimeEntry:
    """One entry; a Member's own only."""
    ctx.require(Permission.TRACK_TIME)
    return ctx.find(TimeEntry, entry_id)


def read_shown(ctx: Context, entry_id: str, columns: tuple[str, ...]) -> tuple[Any, ...]:
    """`read` of these columns alone, for who only shows them."""
    ctx.require(Permission.TRACK_TIME)
    return TIME_ENTRIES.one(ctx, columns, entry_id)


def change(ctx: Context, entry_id: str, **facts: Any) -> TimeEntry:
    """Correct an entry that is on no invoice, on a day that is open. A new project or task means the rate found there.

    `started_at` and `stopped_at` bring the day and the seconds with them; `stopped_at=None` lets it run again.
    """
    ctx.require(Permission.TRACK_TIME)
    entry = _unlocked(ctx, entry_id, ending=facts.keys() == {"stopped_at"} and facts["stopped_at"] is not None)
    user_id = facts.pop("user_id", None) or entry.user_id
    if user_id != entry.user_id:
        ctx.require(Permission.REASSIGN_TIME)  # also to take it for oneself
        facts["user_id"] = members.active(ctx, user_id).user_id
    project_id = facts.get("project_id", entry.project_id)
    if project_id != entry.project_id:
        facts.setdefault("task_id", None)
    was_running = entry.running
    if facts.keys() & {"started_at", "stopped_at"}:
        _move(ctx, entry, facts)
    else:
        _keep_evidence(ctx, entry, facts)
    day: date = facts.get("entry_date", entry.entry_date)
    if (user_id, day) != (entry.user_id, entry.entry_date):
        approvals.check_open(ctx, user_id, day)
    if (project_id, facts.get("task_id", entry.task_id)) != (entry.project_id, entry.task_id):
        here = _workable(ctx, project_id, facts.get("task_id", entry.task_id), day, user_id)
        facts["hourly_rate"] = here.rate
        wanted = facts.get("billable", None if entry.project_id is None else entry.billable)
        facts["billable"] = _billable(here, wanted)
    else:
        if facts.get("billable") and not entry.billable:
            facts["billable"] = _has_client(ctx, entry.project_id)
        if day != entry.entry_date:
            facts["hourly_rate"] = _rate_of_day(ctx, entry, day)
    if ctx.change(entry, **facts):
        columns_in(entry)["begins_at"] = _begins_at(entry)
        ctx.record("stopped" if was_running and not entry.running else "updated", entry)
    return entry


def delete(ctx: Context, entry_id: str) -> None:
    """Delete an entry that is on no invoice, on a day that is open."""
    ctx.require(Permission.TRACK_TIME)
    entry = _unlocked(ctx, entry_id, ending=True)
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


def _workable(ctx: Context, project_id: str | None, task_id: str | None, day: date, whose: str) -> rates.Place:
    here = rates.place(ctx, project_id, task_id, day, user_id=whose)
    if here.status == "ARCHIVED":
        raise Invalid(fields={"project_id": "this project is archived; make it active again first"})
    return here


def _rate_of_day(ctx: Context, entry: TimeEntry, day: date) -> Decimal | None:
    """The rate of an entry that goes to another day: that day's, unless it had one of its own."""
    was, will_be = (rates.rate_on(ctx, entry.project_id, entry.task_id, one) for one in (entry.entry_date, day))
    return will_be if entry.hourly_rate == was else entry.hourly_rate


def _billable(here: rates.Place, wanted: bool | None) -> bool:
    """Work without a client is billed to nobody, whatever is wished."""
    if here.client_id is None:
        return False
    return here.billable if wanted is None else wanted


def _has_client(ctx: Context, project_id: str | None) -> bool:
    return ctx.row(_CLIENT_OF, project_id=project_id) not in (None, (None,))


def _add(ctx: Context, entry: TimeEntry, *, later: bool = False) -> TimeEntry:
    """`ctx.add` for an entry: what the database computes is on the row at hand too."""
    ctx.add(entry, later=later)
    columns_in(entry)["begins_at"] = _begins_at(entry)
    return entry


def _begins_at(entry: TimeEntry) -> datetime:
    """As the generated column has it."""
    midnight = datetime.combine(entry.entry_date, datetime.min.time(), UTC)
    return entry.started_at or midnight + timedelta(seconds=entry.day_begins)


def _unlocked(ctx: Context, entry_id: str, *, ending: bool) -> TimeEntry:
    """An entry that may be changed. `ending`: a timer that runs into a closed day is yet stopped or thrown away."""
    entry = ctx.find(TimeEntry, entry_id, lock="update")
    if entry.invoice_id is not None:
        raise Conflict(LOCKED, reason="invoiced")
    if entry.written_off_at is not None:
        raise Conflict(WRITTEN_OFF, reason="written_off")
    if entry.user_id != ctx.actor.user_id and not ctx.actor.may(Permission.CHANGE_ANY_TIME):
        raise Forbidden("You may change only your own time.")
    if not (ending and entry.running):
        approvals.check_open(ctx, entry.user_id, entry.entry_date)
    return entry


def _queue_for_timer(ctx: Context) -> TimeEntry | None:
    """Lock the person's membership, so that starts and stops queue up, and load what runs now."""
    _queue_up(ctx, ctx.actor.user_id)
    found = ctx.row(_MY_TIMER_LOCKED)
    return None if found is None else hydrate(TimeEntry, found)


def _queue_up(ctx: Context, user_id: str) -> None:
    if ctx.row(_MEMBERSHIP, user_id=user_id) is None:
        raise NotFound("No such member.")


def _stop(ctx: Context, entry: TimeEntry, instant: datetime) -> datetime:
    """Stop a timer at an instant; a clock that went backwards never makes negative time."""
    started = entry.started_at
    assert started is not None  # noqa: S101 - only running entries get here
    instant = max(instant, started)
    ctx.change(entry, stopped_at=instant, duration_seconds=elapsed_seconds(started, instant))
    ctx.record("stopped", entry)
    return instant


def _move(ctx: Context, entry: TimeEntry, facts: dict[str, Any]) -> None:
    """Another start or stop. To say again what is so changes nothing, also for an entry of a day and a duration."""
    started: datetime = _whole(facts.pop("started_at", entry.begins_at))
    stopped: datetime | None = facts.pop("stopped_at", entry.ends_at)
    stopped = None if stopped is None else _whole(stopped)
    if (started, stopped) == (entry.begins_at, entry.ends_at):
        return
    if stopped is None:
        if not entry.running:
            _queue_up(ctx, entry.user_id)
        started = _running_since(ctx, started)
    facts |= {
        "started_at": started,
        "stopped_at": stopped,
        "duration_seconds": 0 if stopped is None else _seconds_between(started, stopped),
    }
    if started != entry.begins_at:
        zone = _zone(ctx, entry.user_id)
        day = _day_of(started, zone)
        facts |= {"entry_date": day, "day_begins": midnight_seconds(day, zone)}


def _running_since(ctx: Context, started_at: datetime) -> datetime:
    """A timer that runs has started, within the last year."""
    started = _whole(started_at)
    if started > ctx.now + AHEAD:
        raise Invalid(fields={"started_at": "must not be in the future while there is no end"})
    if elapsed_seconds(started, ctx.now) > LONGEST_SECONDS:
        raise Invalid(fields={"started_at": "must be within the last year while there is no end"})
    return started


def _ended(entry: TimeEntry, stopped_at: datetime, now: datetime) -> datetime:
    """When a timer was stopped, by who says so now."""
    stopped = _whole(stopped_at)
    if stopped < entry.begins_at:
        raise Invalid(fields={"stopped_at": "must not be before the start"})
    if stopped > now + AHEAD:
        raise Invalid(fields={"stopped_at": "must not be in the future"})
    return min(stopped, now)


def _seconds_between(started: datetime, stopped: datetime) -> int:
    if stopped < started:
        raise Invalid(fields={"stopped_at": "must not be before the start"})
    seconds = elapsed_seconds(started, stopped)
    if seconds > LONGEST_SECONDS:
        raise Invalid(fields={"stopped_at": "must be within a year of the start"})
    return seconds


def _day_of(instant: datetime, zone: str) -> date:
    try:
        return local_date(instant, zone)
    except OverflowError:
        raise Invalid(fields={"started_at": "is not on any day of the calendar"}) from None


def _whole(instant: datetime) -> datetime:
    """An instant as it is kept: in UTC, to the second."""
    return instant.astimezone(UTC).replace(microsecond=0)


def end_of(begins_at: datetime, seconds: int) -> datetime:
    """The instant so many seconds later, within the calendar."""
    try:
        return begins_at + timedelta(seconds=seconds)
    except OverflowError:
        return datetime.max.replace(microsecond=0, tzinfo=UTC)


def _zone(ctx: Context, user_id: str) -> str:
    """The time zone of the person whose time it is."""
    if user_id == ctx.actor.user_id:
        return ctx.actor.time_zone
    (zone,) = ctx.row(_ZONE_OF, user_id=user_id) or (ctx.actor.time_zone,)
    return zone


def _keep_evidence(ctx: Context, entry: TimeEntry, facts: dict[str, Any]) -> None:
    """Where start and stop are known they follow a corrected day or duration."""
    seconds = facts.get("duration_seconds", entry.duration_seconds)
    day = facts.get("entry_date", entry.entry_date)
    user_id = facts.get("user_id", entry.user_id)
    if (seconds, day, user_id) == (entry.duration_seconds, entry.entry_date, entry.user_id):
        return
    if (day, user_id) != (entry.entry_date, entry.user_id):
        facts["day_begins"] = midnight_seconds(day, _zone(ctx, user_id))
    if seconds == entry.duration_seconds and day == entry.entry_date:
        return
    if entry.running:
        raise Conflict("This timer is running. Stop it before you change its day or duration.", reason="running")
    if entry.started_at is None:
        return
    zone = ZoneInfo(_zone(ctx, user_id))
    local = entry.started_at.astimezone(zone)
    started = (local + timedelta(days=(day - entry.entry_date).days)).astimezone(ZoneInfo("UTC"))
    facts["started_at"] = started
    facts["stopped_at"] = started + timedelta(seconds=seconds)


_mine = (_table.c.workspace_id == workspace()) & (_table.c.user_id == actor()) & _table.c.deleted_at.is_(None)
_MY_TIMER = Prepared(select(_table).where(_mine, _RUNNING))
_MY_TIMER_LOCKED = Prepared(select(_table).where(_mine, _RUNNING).with_for_update(key_share=True))
_user_id = bindparam("user_id", type_=_table.c.user_id.type)
_TIMER_OF = Prepared(
    select(_table)
    .where(
        _table.c.workspace_id == workspace(),
        _table.c.user_id == _user_id,
        _table.c.deleted_at.is_(None),
        _RUNNING,
    )
    .with_for_update(key_share=True)
)
_membership = table_of(Member)
_MEMBERSHIP = Prepared(
    select(_membership.c.id)
    .where(
        _membership.c.workspace_id == workspace(),
        _membership.c.user_id == _user_id,
        _membership.c.removed_at.is_(None),
    )
    .with_for_update(key_share=True)
)


def _timers_at(place: ColumnElement[str | None]) -> tuple[Prepared, Prepared]:
    """Whose timers run on a task or project, locked in the order of people; and those timers, locked."""
    whose = bindparam("whose", type_=_table.c.id.type)
    there = (
        _table.c.workspace_id == workspace(),
        place == bindparam("place", type_=_table.c.id.type),
        whose.is_(None) | (_table.c.user_id == whose),
        _table.c.deleted_at.is_(None),
        _RUNNING,
    )
    people = (
        select(_membership.c.id)
        .where(_membership.c.workspace_id == workspace())
        .where(_membership.c.user_id.in_(select(_table.c.user_id).where(*there)))
        .order_by(_membership.c.user_id)
    )
    timers = select(_table).where(*there).order_by(_table.c.user_id)
    return Prepared(people.with_for_update(key_share=True)), Prepared(timers.with_for_update(key_share=True))


_ON_TASK, _ON_PROJECT = _timers_at(_table.c.task_id), _timers_at(_table.c.project_id)
_person, _studio, _project = table_of(Person), table_of(Workspace), table_of(Project)
_ZONE_OF = Prepared(
    select(func.coalesce(_person.c.time_zone, _studio.c.time_zone))
    .select_from(_person.join(_studio, _studio.c.id == workspace()))
    .where(_person.c.id == _user_id)
)
_CLIENT_OF = Prepared(
    select(_project.c.client_id).where(
        _project.c.workspace_id == workspace(), _project.c.id == bindparam("project_id", type_=_project.c.id.type)
    )
)

SENTENCES[RUNNING_INDEX] = Conflict("This person's timer is running already.", reason="timer_running")
