"""Weeks that are submitted and approved, and days that are closed: what then happens to recorded time, and by whom.

A week is a row once somebody submits it; before, and in workspaces that approve nothing, there is none. Whoever writes
time asks here first whether its day is open. The database asks the same again (`db.migrations.security.CLOSED_TIME`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Final, Literal, NamedTuple, get_args

from sqlalchemy import CheckConstraint, ColumnElement, Index, UniqueConstraint, bindparam, select, text
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Id, Tenant, one_of, table_of, within_workspace
from tallystick.db.session import Prepared
from tallystick.domain import members
from tallystick.domain.access import Permission
from tallystick.domain.context import SENTENCES, Context, hydrate, workspace
from tallystick.domain.listing import Filter, Listing
from tallystick.domain.notifications import notification as notifications
from tallystick.domain.workspaces import Workspace, current
from tallystick.values.errors import Conflict, Forbidden, Invalid, NotFound, Refusal

Status = Literal["OPEN", "SUBMITTED", "APPROVED", "RETURNED"]
STATUSES: Final[tuple[Status, ...]] = get_args(Status)
Step = Literal["submitted", "withdrawn", "approved", "returned", "reopened"]
Why = Literal["approved", "submitted", "locked"]
WEEK: Final = timedelta(days=6)
"""From the first day of a week to its last."""
TOGETHER: Final = 200
"""How many weeks are decided on at once at most."""
LONGEST_REASON: Final = 500
_WEEKDAYS: Final = {"monday": 0, "saturday": 5, "sunday": 6}
_DAY_NAMES: Final = {"monday": "a Monday", "saturday": "a Saturday", "sunday": "a Sunday"}


class Week(Tenant):
    """Seven days of a person that were submitted once. `duration_seconds` is what they came to at the last step."""

    __tablename__ = "weeks"
    noun: ClassVar[str] = "week"

    user_id: Mapped[Id]
    first_day: Mapped[date]
    status: Mapped[str] = mapped_column(default="OPEN")
    duration_seconds: Mapped[int] = mapped_column(default=0)
    submitted_at: Mapped[datetime | None]
    submitted_by: Mapped[Id | None]
    decided_at: Mapped[datetime | None]
    """When it was approved, returned or reopened last."""
    decided_by: Mapped[Id | None]
    """By whom; null also when the operator did it."""
    reason: Mapped[str | None]
    """Why it was returned or reopened; gone when it is submitted again."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("user_id", "members.user_id"),
            within_workspace("submitted_by", "members.user_id"),
            within_workspace("decided_by", "members.user_id"),
            one_of("status", STATUSES),
            CheckConstraint("duration_seconds >= 0", name="duration"),
            CheckConstraint("status <> 'RETURNED' OR reason IS NOT NULL", name="returned_with_a_reason"),
            UniqueConstraint("workspace_id", "user_id", "first_day"),
            Index("ix_weeks_waiting", "workspace_id", "first_day", postgresql_where="status = 'SUBMITTED'"),
        )

    @classmethod
    def seen_by(cls, user_id: ColumnElement[str]) -> ColumnElement[bool] | None:
        return table_of(cls).c.user_id == user_id

    @property
    def last_day(self) -> date:
        return self.first_day + WEEK


MOVES: Final[dict[Step, tuple[tuple[Status, ...], Status]]] = {
    "submitted": (("OPEN", "RETURNED"), "SUBMITTED"),
    "withdrawn": (("SUBMITTED",), "OPEN"),
    "approved": (("SUBMITTED",), "APPROVED"),
    "returned": (("SUBMITTED",), "RETURNED"),
    "reopened": (("APPROVED",), "OPEN"),
}
"""Step → from which states it is taken, and where it leads. There is no other way."""

_table = table_of(Week)
WEEKS = Listing(
    Week,
    sorts=("created_at", "first_day", "id", "submitted_at", "updated_at"),
    exact=("status",),
    choices={"status": STATUSES},
    dates=("first_day",),
    names=(),
    live=_table.c.id.is_not(None),
    extra={
        "user_id": Filter(
            "id",
            _table.c.user_id == bindparam("user_id", type_=_table.c.user_id.type),
            about="Whose weeks. Members see their own whatever they send.",
            members=False,
        ),
    },
)


# --- weeks


def first_day_of(studio: Workspace, day: date) -> date:
    """The day with which the week of a day begins, as the workspace counts."""
    back = timedelta(days=(day.weekday() - _WEEKDAYS[studio.week_start]) % 7)
    return day - back if day - date.min >= back else date.min


def read(ctx: Context, week_id: str) -> Week:
    """One week; a Member's own only."""
    ctx.require(Permission.TRACK_TIME)
    return ctx.find(Week, week_id)


def of_person(ctx: Context, user_id: str, first_day: date) -> Week | None:
    """A person's week, where it was submitted once."""
    ctx.require(Permission.TRACK_TIME)
    whose = user_id if ctx.actor.sees_everyone else ctx.actor.user_id
    found = ctx.row(_OF_PERSON, user_id=whose, first_day=first_day)
    return None if found is None else hydrate(Week, found)


def submit(ctx: Context, first_day: date, *, user_id: str | None = None) -> Week:
    """Hand a week in to be approved: one's own, or as an approver somebody else's. No timer may run in it."""
    ctx.require(Permission.TRACK_TIME)
    whose = ctx.actor.user_id
    if user_id is not None and user_id != whose:
        ctx.require(Permission.APPROVE_TIME)
        whose = members.active(ctx, user_id).user_id
    studio = _approving(ctx)
    if first_day.weekday() != _WEEKDAYS[studio.week_start] or date.max - first_day < WEEK:
        raise Invalid(fields={"first_day": f"must be {_DAY_NAMES[studio.week_start]}: weeks begin on that day here"})
    _queue_up(ctx, whose)
    found = ctx.row(_OF_PERSON_LOCKED, user_id=whose, first_day=first_day)
    week = ctx.add(Week(user_id=whose, first_day=first_day)) if found is None else hydrate(Week, found)
    return _move(ctx, week, "submitted", submitted_at=ctx.now, submitted_by=ctx.actor.maker, reason=None)


def withdraw(ctx: Context, week_id: str) -> Week:
    """Take a week back, as long as nobody decided on it: one's own, or as an approver somebody else's."""
    ctx.require(Permission.TRACK_TIME)
    week = ctx.find(Week, week_id)
    if week.user_id != ctx.actor.user_id:
        ctx.require(Permission.APPROVE_TIME)
    return _move(ctx, _locked(ctx, week), "withdrawn")


def approve(ctx: Context, week_id: str, *, seen_seconds: int | None = None) -> Week:
    """Say that a submitted week is right: from now on its time is fixed, for everybody.

    `seen_seconds`: what it came to when the approver looked; where it comes to something else by now, it is refused.
    """
    week = _to_decide(ctx, week_id)
    if seen_seconds is not None and seen_seconds != _seconds_of(ctx, week):
        raise Conflict("This week has changed since you looked at it. Look again.", reason="week_changed")
    return _decide(ctx, week, "approved", None)


def return_(ctx: Context, week_id: str, reason: str) -> Week:
    """Give a submitted week back to be corrected, and say why; whose it is hears of it."""
    week = _decide(ctx, _to_decide(ctx, week_id), "returned", _said(reason))
    if week.user_id != ctx.actor.user_id and week.submitted_at is not None:
        facts = {"first_day": week.first_day, "last_day": week.last_day, "reason": week.reason}
        occasion = week.submitted_at.isoformat()
        notifications.tell(ctx, "week_returned", week.id, occasion, facts, to=week.user_id)
    return week


def reopen(ctx: Context, week_id: str, reason: str) -> Week:
    """Open an approved week again, and say why. What of it is on an invoice stays there, and locked."""
    return _decide(ctx, _to_decide(ctx, week_id), "reopened", _said(reason))


def approve_many(ctx: Context, week_ids: Sequence[str], *, field: str = "week_ids") -> list[Week]:
    """Approve several weeks, all of them or none."""
    ctx.require(Permission.APPROVE_TIME)
    wanted = sorted(set(week_ids))
    if not 1 <= len(wanted) <= TOGETHER:
        raise Invalid(fields={field: f"1 to {TOGETHER} ids"})
    found = [ctx.reference(Week, one, field) for one in wanted]
    for week in found:
        _refuse_own(ctx, week)
    done: list[Week] = []
    for week in sorted(found, key=lambda one: (one.user_id, one.first_day)):  # in one order: nobody waits in a circle
        try:
            done.append(_decide(ctx, _locked(ctx, week), "approved", None))
        except Conflict as refusal:
            raise Conflict(refusal.text, fields={field: week.id}, reason=refusal.reason, facts=refusal.facts) from None
    return done


class Skipped(NamedTuple):
    """A week that was left as it is, and why."""

    week_id: str
    refusal: Refusal


def decide_each(ctx: Context, week_ids: Sequence[str], *, reason: str | None) -> tuple[list[Week], list[Skipped]]:
    """Approve each of these weeks, or with a reason return each; those that cannot be are left, and named."""
    ctx.require(Permission.APPROVE_TIME)
    wanted = sorted(set(week_ids))
    if len(wanted) > TOGETHER:
        raise Invalid(fields={"weeks": f"at most {TOGETHER}"})
    done: list[Week] = []
    skipped: list[Skipped] = []
    for week_id in wanted:
        try:  # what refuses does so before anything of the week was written
            done.append(approve(ctx, week_id) if reason is None else return_(ctx, week_id, reason))
        except (Conflict, Forbidden, NotFound) as refusal:
            skipped.append(Skipped(week_id, refusal))
    return done, skipped


# --- days


class Closing(NamedTuple):
    """Why a day of a person is closed, and what closes it."""

    why: Why
    first_day: date | None
    """Of the week that is submitted or approved."""
    until: date | None
    """The last day that is closed for everybody."""
    automatic: bool
    """Whether that is so because its month ended long enough ago."""

    def refusal(self) -> Conflict:
        """What somebody hears who wants to change time there."""
        if self.why == "locked":
            return Conflict(_CLOSED_BY_ITSELF if self.automatic else _CLOSED, reason="time_locked", facts=self.facts)
        if self.why == "approved":
            return Conflict(_APPROVED, reason="week_approved", facts=self.facts)
        return Conflict(_SUBMITTED, reason="week_submitted", facts=self.facts)

    @property
    def facts(self) -> dict[str, date]:
        if self.first_day is None or self.why == "locked":
            return {"until": self.until or date.min}
        return {"first": self.first_day, "last": self.first_day + WEEK}


def closed_days(ctx: Context, user_id: str, first: date, last: date) -> dict[date, Closing]:
    """Which days of a person the actor cannot change time on."""
    found = ctx.rows(_CLOSED_DAYS, user_id=user_id, first=first, last=last, now=ctx.now)
    closings = [(row[0], _closing(ctx, row[1:])) for row in found]
    return {day: closing for day, closing in closings if closing is not None}


def check_open(ctx: Context, user_id: str, *days: date) -> None:
    """Refuse where one of these days of a person is closed. Until the transaction ends nobody closes them."""
    for day in days:
        refuse_closed(ctx, ctx.row(_CLOSING, user_id=user_id, day=day, now=ctx.now))


def refuse_closed(ctx: Context, found: tuple[Any, ...] | None) -> None:
    """`check_open` for who has asked with a statement of their own: `found` is its row of `CLOSING_SQL`."""
    closing = _closing(ctx, found)
    if closing is not None:
        raise closing.refusal()


def check_project_open(ctx: Context, project_id: str) -> None:
    """Refuse where time of a project lies on a closed day: the project cannot go with its time."""
    found = ctx.row(_CLOSED_ON_PROJECT, project_id=project_id, now=ctx.now)
    if found is not None:
        check_open(ctx, found[0], found[1])


CLOSING_SQL: Final = """
    closing_of(CAST(:workspace AS uuid), CAST(:user_id AS uuid), CAST(:day AS date), CAST(:now AS timestamptz))
"""
"""Why a day of a person is closed: a row of `why, first_day, until, automatic`, or none where it is open."""

WAITS_SQL: Final = """
    (studio.approve_weeks AND studio.bill_approved_only AND NOT EXISTS (
        SELECT FROM weeks AS week
        WHERE week.workspace_id = entry.workspace_id AND week.user_id = entry.user_id AND week.status = 'APPROVED'
          AND week.first_day BETWEEN entry.entry_date - 6 AND entry.entry_date))
"""
"""Whether an `entry` of a `studio` must be approved before it is billed, and is not."""

CLOSED_SQL: Final = """
    CASE WHEN entry.entry_date <= time_closed_until(
             studio.locked_until, studio.lock_month_after_days, studio.time_zone, CAST(:now AS timestamptz))
         THEN 'locked'
         WHEN studio.approve_weeks THEN (
             SELECT CASE WHEN week.status = 'APPROVED' THEN 'approved' ELSE 'submitted' END FROM weeks AS week
             WHERE week.workspace_id = entry.workspace_id AND week.user_id = entry.user_id
               AND (week.status = 'APPROVED'
                    OR week.status = 'SUBMITTED' AND studio.lock_submitted_weeks AND NOT CAST(:corrects AS boolean))
               AND week.first_day BETWEEN entry.entry_date - 6 AND entry.entry_date
             ORDER BY week.status LIMIT 1) END
"""
"""Why the day of an `entry` is closed for an actor who may correct anybody's time, or not (`:corrects`); else null."""

_APPROVED: Final = (
    "The week from {first} to {last} is approved. An owner, admin or manager has to reopen it before its time changes."
)
_SUBMITTED: Final = "The week from {first} to {last} is submitted. Withdraw it before you change its time."
_CLOSED: Final = (
    "Time up to and including {until} is closed. An owner or admin has to move the lock date before it changes."
)
_CLOSED_BY_ITSELF: Final = (
    "Time up to and including {until} is closed, as every month is some days after its end. "
    "An owner or admin has to give it more days before it changes."
)


def _approving(ctx: Context) -> Workspace:
    studio = current(ctx)
    if not studio.approve_weeks:
        raise Conflict("This workspace does not approve weeks. Its settings turn that on.", reason="approvals_off")
    return studio


def _to_decide(ctx: Context, week_id: str) -> Week:
    ctx.require(Permission.APPROVE_TIME)
    week = ctx.find(Week, week_id)
    _refuse_own(ctx, week)
    return _locked(ctx, week)


def _refuse_own(ctx: Context, week: Week) -> None:
    """A manager's week is for somebody else to decide on; owners and admins may have nobody above them."""
    if week.user_id == ctx.actor.user_id and not ctx.actor.may(Permission.CHANGE_WORKSPACE):
        raise Forbidden("Somebody else has to decide on your own week.")


def _locked(ctx: Context, week: Week) -> Week:
    """The week as it is once those are through who write time in it or decide on it."""
    _queue_up(ctx, week.user_id)
    return ctx.find(Week, week.id, lock="update")


def _decide(ctx: Context, week: Week, step: Step, reason: str | None) -> Week:
    _approving(ctx)
    return _move(ctx, week, step, decided_at=ctx.now, decided_by=ctx.actor.maker, reason=reason)


def _move(ctx: Context, week: Week, step: Step, **facts: Any) -> Week:
    """The one door between states."""
    origins, goal = MOVES[step]
    if week.status not in origins:
        raise Conflict(_NOT_NOW[step], reason="week_state")
    if goal in ("SUBMITTED", "APPROVED"):
        if ctx.row(_RUNNING, **_span(week)) is not None:
            raise Conflict("A timer is running in this week. Stop it first.", reason="running")
        facts["duration_seconds"] = _seconds_of(ctx, week)
    ctx.change(week, status=goal, **facts)
    ctx.record(step, week)
    return week


def _said(reason: str) -> str:
    reason = reason.strip()
    if not 1 <= len(reason) <= LONGEST_REASON:
        raise Invalid(fields={"reason": f"say why, in at most {LONGEST_REASON} characters"})
    return reason


def _seconds_of(ctx: Context, week: Week) -> int:
    found = ctx.row(_SECONDS, **_span(week))
    return 0 if found is None else found[0]


def _span(week: Week) -> dict[str, Any]:
    return {"user_id": week.user_id, "first": week.first_day, "last": week.last_day}


def _queue_up(ctx: Context, user_id: str) -> None:
    """Wait for those who write time of a person or decide on their weeks, and let others wait."""
    ctx.row(_LOCK_WEEKS, user_id=user_id)


def _closing(ctx: Context, found: tuple[Any, ...] | None) -> Closing | None:
    """Why a day is closed for the actor: what is only submitted, who may change anybody's time still corrects."""
    if found is None or found[0] is None:
        return None
    closing = Closing(*found)
    return None if closing.why == "submitted" and ctx.actor.may(Permission.CHANGE_ANY_TIME) else closing


_NOT_NOW: Final[dict[Step, str]] = {
    "submitted": "This week is submitted or approved already.",
    "withdrawn": "Only a week that waits for approval can be withdrawn.",
    "approved": "Only a week that is submitted can be approved.",
    "returned": "Only a week that is submitted can be returned.",
    "reopened": "Only a week that is approved can be reopened.",
}
_this_week = select(_table).where(
    _table.c.workspace_id == workspace(),
    _table.c.user_id == bindparam("user_id", type_=_table.c.user_id.type),
    _table.c.first_day == bindparam("first_day", type_=_table.c.first_day.type),
)
_OF_PERSON = Prepared(_this_week)
_OF_PERSON_LOCKED = Prepared(_this_week.with_for_update(key_share=True))
_IN_WEEK: Final = """
    workspace_id = :workspace AND user_id = CAST(:user_id AS uuid) AND deleted_at IS NULL
    AND entry_date BETWEEN CAST(:first AS date) AND CAST(:last AS date)
"""
_SECONDS = Prepared(text(f"SELECT COALESCE(sum(duration_seconds), 0)::bigint FROM time_entries WHERE {_IN_WEEK}"))
_RUNNING = Prepared(
    text(f"SELECT 1 FROM time_entries WHERE {_IN_WEEK} AND started_at IS NOT NULL AND stopped_at IS NULL LIMIT 1")
)
_CLOSING = Prepared(text(f"SELECT why, first_day, until, automatic FROM {CLOSING_SQL}"))
_CLOSED_DAYS = Prepared(
    text("""
        SELECT one.day::date, closing.why, closing.first_day, closing.until, closing.automatic
        FROM generate_series(CAST(:first AS date), CAST(:last AS date), interval '1 day') AS one (day),
             LATERAL closing_of(CAST(:workspace AS uuid), CAST(:user_id AS uuid), one.day::date,
                                CAST(:now AS timestamptz)) AS closing
        WHERE closing.why IS NOT NULL
    """)
)
_CLOSED_ON_PROJECT = Prepared(
    text(f"""
        SELECT entry.user_id, entry.entry_date
        FROM time_entries AS entry JOIN workspaces AS studio ON studio.id = entry.workspace_id
        WHERE entry.workspace_id = :workspace AND entry.project_id = CAST(:project_id AS uuid)
          AND entry.deleted_at IS NULL AND ({CLOSED_SQL.replace("CAST(:corrects AS boolean)", "true")}) IS NOT NULL
        ORDER BY entry.entry_date, entry.id LIMIT 1
    """)
)
_LOCK_WEEKS = Prepared(text("SELECT pg_advisory_xact_lock(time_key(CAST(:workspace AS uuid), CAST(:user_id AS uuid)))"))

SENTENCES["time_is_closed"] = Conflict(
    "This day was closed at this moment: its week is approved, or it lies before the lock date.", reason="time_locked"
)
