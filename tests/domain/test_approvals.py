"""Weeks that are submitted and approved, lock dates, and what then becomes of time by every way in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tallystick.db.session import Database, owner_connection
from tallystick.domain import approvals, time_entries, timesheet, wholes, workspaces
from tallystick.domain.context import Context
from tallystick.domain.desk import money
from tallystick.domain.desk import time as desk
from tallystick.domain.invoices import draft, lifecycle
from tallystick.values.errors import Conflict, Forbidden, Invalid, NotFound, Refusal
from tests.studio import KEY, Studio, found_studio

MONDAY = date(2026, 6, 8)
"""The clock stands on Monday the 15th: the week before it."""
WEDNESDAY = MONDAY + timedelta(days=2)
BEFORE = MONDAY - timedelta(days=3)


@pytest.fixture
def studio(database: Database) -> Studio:
    studio = found_studio(database, KEY)
    with studio.context() as ctx:
        workspaces.change(ctx, approve_weeks=True)
    return studio


def log(studio: Studio, day: date = WEDNESDAY, seconds: int = 3600, who: str = "member", **facts: Any) -> str:
    with studio.context(who) as ctx:
        return time_entries.log(
            ctx, project_id=studio.ids["project"], entry_date=day, duration_seconds=seconds, **facts
        ).id


def submit(studio: Studio, who: str = "member", first_day: date = MONDAY) -> str:
    with studio.context(who) as ctx:
        return approvals.submit(ctx, first_day).id


def approved(studio: Studio, who: str = "member") -> str:
    week_id = submit(studio, who)
    with studio.context() as ctx:
        return approvals.approve(ctx, week_id).id


def refused(studio: Studio, act: Callable[[Context], object], who: str = "member") -> Refusal:
    with pytest.raises(Refusal) as caught, studio.context(who) as ctx:
        act(ctx)
    return caught.value


# --- the life of a week


def test_a_week_is_submitted_returned_with_a_reason_submitted_again_approved_and_reopened(studio: Studio) -> None:
    log(studio, seconds=5400)
    with studio.context("member") as ctx:
        week = approvals.submit(ctx, MONDAY)
    assert (week.status, week.duration_seconds, week.submitted_by) == (
        "SUBMITTED", 5400, studio.people["member"].user_id,
    )  # fmt: skip
    with studio.context("manager") as ctx:
        back = approvals.return_(ctx, week.id, " The workshop is missing ")
    assert (back.status, back.reason, back.decided_by) == (
        "RETURNED", "The workshop is missing", studio.people["manager"].user_id,
    )  # fmt: skip
    log(studio, seconds=1800)
    assert submit(studio) == week.id, "one row a week"
    with studio.context() as ctx:
        done = approvals.approve(ctx, week.id)
        assert (done.status, done.duration_seconds, done.reason) == ("APPROVED", 7200, None)
        assert approvals.reopen(ctx, week.id, "A day too many").status == "OPEN"
    told = [row[0] for row in _events(studio)]
    assert told == ["week.submitted", "week.returned", "week.submitted", "week.approved", "week.reopened"]
    log(studio)


def _events(studio: Studio) -> list[tuple[Any, ...]]:
    with owner_connection(studio.database.url) as connection:
        query = b"SELECT type FROM events WHERE workspace_id = %s AND resource = 'week' ORDER BY occurred_at, id"
        return connection.execute(query, [studio.workspace_id]).fetchall()


@pytest.mark.parametrize(
    ("status", "step"),
    [
        (status, step)
        for status in approvals.STATUSES
        for step, (origins, _) in approvals.MOVES.items()
        if status not in origins
    ],
)
def test_a_move_that_is_not_in_the_table_is_refused(studio: Studio, status: str, step: str) -> None:
    week_id = submit(studio)
    with studio.context() as ctx:
        week = ctx.find(approvals.Week, week_id)
        ctx.change(week, status=status, reason="set by the test")
    moves: dict[str, Callable[[Context], object]] = {
        "submitted": lambda ctx: approvals.submit(ctx, MONDAY, user_id=studio.people["member"].user_id),
        "approved": lambda ctx: approvals.approve(ctx, week_id),
        "returned": lambda ctx: approvals.return_(ctx, week_id, "why"),
        "reopened": lambda ctx: approvals.reopen(ctx, week_id, "why"),
        "withdrawn": lambda ctx: approvals.withdraw(ctx, week_id),
    }
    refusal = refused(studio, moves[step], "member" if step == "withdrawn" else "owner")
    assert (type(refusal), refusal.reason) == (Conflict, "week_state")


def test_a_week_is_withdrawn_by_whose_it_is_and_by_approvers(studio: Studio) -> None:
    week_id = submit(studio)
    assert isinstance(refused(studio, lambda ctx: approvals.withdraw(ctx, week_id), "second"), NotFound)
    with studio.context("member") as ctx:
        assert approvals.withdraw(ctx, week_id).status == "OPEN"
    log(studio)
    submit(studio)
    with studio.context("manager") as ctx:
        assert approvals.withdraw(ctx, week_id).status == "OPEN"


def test_members_decide_on_nothing_and_managers_not_on_their_own_week(studio: Studio) -> None:
    week_id, own, owners = submit(studio), submit(studio, "manager"), submit(studio, "owner")
    for act in (
        lambda ctx: approvals.approve(ctx, week_id),
        lambda ctx: approvals.return_(ctx, week_id, "why"),
        lambda ctx: approvals.reopen(ctx, week_id, "why"),
        lambda ctx: approvals.approve_many(ctx, [week_id]),
        lambda ctx: approvals.submit(ctx, MONDAY, user_id=studio.people["second"].user_id),
    ):
        assert isinstance(refused(studio, act), Forbidden)
    assert isinstance(refused(studio, lambda ctx: approvals.approve(ctx, own), "manager"), Forbidden)
    assert isinstance(refused(studio, lambda ctx: approvals.approve_many(ctx, [own]), "manager"), Forbidden)
    with studio.context() as ctx:
        assert approvals.approve(ctx, owners).status == "APPROVED", "the owner may have nobody above them"
        assert approvals.approve(ctx, own).decided_by == studio.owner.user_id


def test_several_weeks_are_approved_all_or_none(studio: Studio) -> None:
    first, second = submit(studio), submit(studio, "second")
    with studio.context("second") as ctx:
        approvals.withdraw(ctx, second)
    refusal = refused(studio, lambda ctx: approvals.approve_many(ctx, [first, second]), "manager")
    assert (refusal.reason, refusal.fields) == ("week_state", {"week_ids": second})
    with studio.context() as ctx:
        assert approvals.read(ctx, first).status == "SUBMITTED"
        done, skipped = approvals.decide_each(ctx, [first, second], reason=None)
    assert ([one.id for one in done], [one.week_id for one in skipped]) == ([first], [second])


def test_what_an_approver_did_not_see_is_not_approved(studio: Studio) -> None:
    with studio.context() as ctx:
        workspaces.change(ctx, lock_submitted_weeks=False)
    week_id = submit(studio)
    log(studio)
    refusal = refused(studio, lambda ctx: approvals.approve(ctx, week_id, seen_seconds=0), "owner")
    assert refusal.reason == "week_changed"


def test_no_week_with_a_running_timer_is_handed_in(studio: Studio) -> None:
    with studio.context("member") as ctx:
        time_entries.start(ctx, project_id=studio.ids["project"])
    this_week = MONDAY + timedelta(days=7)
    assert refused(studio, lambda ctx: approvals.submit(ctx, this_week)).reason == "running"


def test_weeks_begin_as_the_workspace_says(studio: Studio) -> None:
    for wrong in (WEDNESDAY, date.max, date(9999, 12, 27)):
        assert isinstance(refused(studio, lambda ctx, day=wrong: approvals.submit(ctx, day)), Invalid)
    with studio.context() as ctx:
        workspaces.change(ctx, week_start="sunday")
        assert approvals.first_day_of(workspaces.current(ctx), MONDAY) == MONDAY - timedelta(days=1)
        assert approvals.first_day_of(workspaces.current(ctx), date.min) == date.min
    submit(studio, first_day=MONDAY - timedelta(days=1))
    assert "Sunday" in refused(studio, lambda ctx: approvals.submit(ctx, MONDAY)).fields["first_day"]


def test_where_weeks_are_not_approved_nothing_of_it_is_there(studio: Studio) -> None:
    entry_id = log(studio)
    approved(studio)
    with studio.context() as ctx:
        workspaces.change(ctx, approve_weeks=False)
    with studio.context("member") as ctx:
        time_entries.change(ctx, entry_id, note="free again")
    assert refused(studio, lambda ctx: approvals.submit(ctx, MONDAY)).reason == "approvals_off"


# --- what an approved week refuses


def _ways_to_change(studio: Studio, entry_id: str, elsewhere: str) -> dict[str, Callable[[Context], object]]:
    """Everything that would change the time of the week, or bring time into it."""
    project, noon = studio.ids["project"], datetime(2026, 6, 10, 12, tzinfo=UTC)
    later = noon + timedelta(hours=1)
    return {
        "log": lambda ctx: time_entries.log(ctx, project_id=project, entry_date=MONDAY, duration_seconds=60),
        "log an interval": lambda ctx: time_entries.log_interval(
            ctx, project_id=project, started_at=noon, stopped_at=noon + timedelta(hours=1)
        ),
        "start in the past": lambda ctx: time_entries.start(ctx, project_id=project, started_at=noon),
        "note": lambda ctx: time_entries.change(ctx, entry_id, note="another"),
        "billable": lambda ctx: time_entries.change(ctx, entry_id, billable=False),
        "task": lambda ctx: time_entries.change(ctx, entry_id, task_id=studio.ids["task"]),
        "duration": lambda ctx: time_entries.change(ctx, entry_id, duration_seconds=60),
        "run again": lambda ctx: time_entries.change(ctx, entry_id, stopped_at=None),
        "move out": lambda ctx: time_entries.change(ctx, entry_id, entry_date=BEFORE),
        "move in": lambda ctx: time_entries.change(ctx, elsewhere, entry_date=WEDNESDAY),
        "drag in": lambda ctx: time_entries.change(ctx, elsewhere, started_at=noon, stopped_at=later),
        "delete": lambda ctx: time_entries.delete(ctx, entry_id),
        "grid, a cell with time": lambda ctx: timesheet.put(
            ctx, project_id=project, task_id=None, day=WEDNESDAY, seconds=60
        ),
        "grid, an empty cell": lambda ctx: timesheet.put(
            ctx, project_id=project, task_id=None, day=MONDAY, seconds=60
        ),
    }  # fmt: skip


WAYS = (
    "log", "log an interval", "start in the past", "note", "billable", "task", "duration", "run again", "move out",
    "move in", "drag in", "delete", "grid, a cell with time", "grid, an empty cell",
)  # fmt: skip


@pytest.mark.parametrize("closing", ["approved", "submitted", "locked"])
def test_time_of_a_closed_week_is_changed_by_no_way(studio: Studio, closing: str) -> None:
    entry_id, elsewhere = log(studio), log(studio, BEFORE if closing != "locked" else MONDAY + timedelta(days=7))
    reasons = {"approved": "week_approved", "submitted": "week_submitted", "locked": "time_locked"}
    if closing == "approved":
        approved(studio)
    elif closing == "submitted":
        submit(studio)
    else:
        with studio.context() as ctx:
            workspaces.change(ctx, locked_until=MONDAY + timedelta(days=6))
    ways = _ways_to_change(studio, entry_id, elsewhere)
    assert tuple(ways) == WAYS
    for way, act in ways.items():
        refusal = refused(studio, act)
        assert (type(refusal), refusal.reason) == (Conflict, reasons[closing]), way
        assert ("2026-06-08" if closing != "locked" else "2026-06-14") in refusal.message, way
    with studio.context("member") as ctx:
        entry = time_entries.read(ctx, entry_id)
        assert (entry.entry_date, entry.duration_seconds, entry.note) == (WEDNESDAY, 3600, None)


def test_an_approved_week_is_closed_for_its_approvers_too(studio: Studio) -> None:
    entry_id = log(studio)
    approved(studio)
    member = studio.people["member"].user_id
    for act in (
        lambda ctx: time_entries.change(ctx, entry_id, note="x"),
        lambda ctx: time_entries.change(ctx, entry_id, user_id=studio.people["second"].user_id),
        lambda ctx: time_entries.log(
            ctx, project_id=studio.ids["project"], entry_date=MONDAY, duration_seconds=1, user_id=member
        ),
        lambda ctx: wholes.delete_project(ctx, studio.ids["project"]),
    ):
        assert refused(studio, act, "owner").reason == "week_approved"
    own = log(studio, who="owner")
    refusal = refused(studio, lambda ctx: time_entries.change(ctx, own, user_id=member), "owner")
    assert refusal.reason == "week_approved", "nobody gives time to an approved week"


def test_a_submitted_week_is_corrected_by_approvers_and_by_whose_it_is_where_the_workspace_says_so(
    studio: Studio,
) -> None:
    entry_id = log(studio)
    submit(studio)
    with studio.context("manager") as ctx:
        time_entries.change(ctx, entry_id, note="corrected")
    with studio.context() as ctx:
        workspaces.change(ctx, lock_submitted_weeks=False)
    with studio.context("member") as ctx:
        time_entries.change(ctx, entry_id, note="mine")


def test_bulk_edits_skip_what_is_closed_and_name_it(studio: Studio) -> None:
    closed, free = log(studio), log(studio, BEFORE)
    approved(studio)
    with studio.context("member") as ctx:
        changed = timesheet.change_many(ctx, [closed, free], billable=False)
        gone = timesheet.delete_many(ctx, [closed, free])
    assert (changed.changed, gone.changed) == ([free], [free])
    for done in (changed, gone):
        assert [one.entry_id for one in done.skipped] == [closed]
        assert "2026-06-08 to 2026-06-14 is approved" in done.skipped[0].why


def test_a_copied_week_leaves_closed_days_alone(studio: Studio) -> None:
    log(studio, WEDNESDAY - timedelta(days=7))
    log(studio, WEDNESDAY - timedelta(days=4))
    with studio.context() as ctx:
        workspaces.change(ctx, locked_until=WEDNESDAY)
    with studio.context("member") as ctx:
        assert timesheet.copy_week(ctx, MONDAY, source=MONDAY - timedelta(days=7)) == 1


# --- lock dates


def test_a_month_closes_by_itself_some_days_after_its_end_in_the_workspaces_days(studio: Studio) -> None:
    may, june = date(2026, 5, 31), date(2026, 6, 1)
    with studio.context() as ctx:
        workspaces.change(ctx, lock_month_after_days=5)
    studio.clock.now = datetime(2026, 6, 5, 21, 59, tzinfo=UTC)  # in Berlin still the 5th
    log(studio, may)
    studio.clock.now = datetime(2026, 6, 5, 22, 0, tzinfo=UTC)
    refusal = refused(
        studio,
        lambda ctx: time_entries.log(ctx, project_id=studio.ids["project"], entry_date=may, duration_seconds=1),
    )
    assert (refusal.reason, "days after its end" in refusal.message) == ("time_locked", True)
    assert "2026-05-31" in refusal.message
    log(studio, june)


def test_a_lock_date_is_no_day_to_come(studio: Studio) -> None:
    for wrong in ({"locked_until": date(2026, 6, 16)}, {"lock_month_after_days": -1}, {"week_start": "friday"}):
        refusal = refused(studio, lambda ctx, facts=wrong: workspaces.change(ctx, **facts), "owner")
        assert set(refusal.fields) == set(wrong)
    with studio.context() as ctx:
        workspaces.change(ctx, locked_until=date(2026, 6, 15))


def test_a_timer_that_runs_into_a_closed_day_is_stopped_trimmed_or_discarded_and_nothing_else(studio: Studio) -> None:
    for choice in ("stop", "keep", "trim", "discard"):
        studio.clock.now = datetime(2026, 6, 12, 9, 30, tzinfo=UTC)
        with studio.context() as ctx:
            workspaces.change(ctx, locked_until=None)
        with studio.context("member") as ctx:
            timer = time_entries.start(ctx, project_id=studio.ids["project"])
        studio.clock.now += timedelta(hours=20)
        with studio.context() as ctx:
            workspaces.change(ctx, locked_until=date(2026, 6, 12))
        refusal = refused(studio, lambda ctx, which=timer.id: time_entries.change(ctx, which, note="x"))
        assert refusal.reason == "time_locked"
        with studio.context("member") as ctx:
            if choice == "stop":
                kept: time_entries.TimeEntry | None = time_entries.stop(ctx)
            else:
                kept = timesheet.settle(ctx, choice)  # type: ignore[arg-type]
        hours = None if kept is None else kept.duration_seconds // 3600
        assert hours == {"stop": 20, "keep": 20, "trim": 8, "discard": None}[choice]
        with studio.context("member") as ctx:
            assert time_entries.running(ctx) is None


# --- money


def test_approved_time_is_billed_and_freed_again_without_being_changed(studio: Studio) -> None:
    entry_id = log(studio)
    approved(studio)
    with studio.context() as ctx:
        made = draft.draft(ctx, client_id=studio.ids["client"])
        invoice_id = made.invoice.id
        assert time_entries.read(ctx, entry_id).invoice_id == invoice_id
        draft.delete(ctx, invoice_id)
        assert time_entries.read(ctx, entry_id).invoice_id is None


def test_where_only_approved_time_is_billed_the_rest_is_left_out_and_said(studio: Studio) -> None:
    waiting, done = log(studio, seconds=3600, who="owner"), log(studio, seconds=7200)
    with studio.context() as ctx:
        workspaces.change(ctx, bill_approved_only=True)
    refusal = refused(studio, lambda ctx: draft.draft(ctx, client_id=studio.ids["client"]), "owner")
    assert (refusal.reason, "2 time entries are not approved" in refusal.message) == ("nothing_to_bill", True)
    with studio.context() as ctx:
        assert money.unbilled(ctx) == []
    approved(studio)
    with studio.context() as ctx:
        (ready,) = money.unbilled(ctx)
        assert (ready.seconds, ready.amount) == (7200, Decimal(180))
        made = draft.draft(ctx, client_id=studio.ids["client"])
        warned = {one.code: one.entry_ids for one in made.warnings}
        assert warned == {"not_approved": (waiting,)}
        assert time_entries.read(ctx, done).invoice_id == made.invoice.id
        lifecycle.cancel(ctx, made.invoice.id)
    with studio.context() as ctx:
        workspaces.change(ctx, approve_weeks=False)
        assert len(draft.draft(ctx, client_id=studio.ids["client"]).warnings) == 0


# --- what pages and the record tell


def test_entries_say_why_they_are_closed_to_whoever_looks(studio: Studio) -> None:
    entry_id = log(studio)
    submit(studio)
    said: dict[str, Any] = {}
    for who in ("member", "manager"):
        with studio.context(who) as ctx:
            entry = desk.one(ctx, entry_id)
            assert entry is not None
            said[who] = (entry.closed, entry.locked, entry.billed)
            assert len(approvals.closed_days(ctx, studio.people["member"].user_id, BEFORE, WEDNESDAY)) == (
                3 if who == "member" else 0
            )
    assert said == {"member": ("submitted", True, False), "manager": (None, False, False)}


def test_settings_about_time_leave_an_event_with_what_was_set(studio: Studio) -> None:
    with studio.context() as ctx:
        workspaces.change(ctx, locked_until=MONDAY, name="Studio South")
    with owner_connection(studio.database.url) as connection:
        query = b"SELECT data FROM events WHERE workspace_id = %s AND type = 'workspace.time_settings_changed'"
        rows = connection.execute(query, [studio.workspace_id]).fetchall()
    assert sorted(row[0] for row in rows) == ['{"approve_weeks": true}', '{"locked_until": "2026-06-08"}']


def test_the_database_keeps_closed_time_without_the_verbs(studio: Studio) -> None:
    entry_id = log(studio)
    approved(studio)
    with studio.context() as ctx:
        entry = ctx.find(time_entries.TimeEntry, entry_id)
        with pytest.raises(Conflict) as caught:
            ctx.change(entry, duration_seconds=1)
    assert caught.value.reason == "time_locked"
    with studio.context() as ctx:
        entry = ctx.find(time_entries.TimeEntry, entry_id)
        ctx.change(entry, hourly_rate=Decimal(1))  # money is not time
        with pytest.raises(Conflict):
            ctx.change(entry, deleted_at=ctx.now)


def test_what_a_transaction_closes_is_closed_for_the_rest_of_it(studio: Studio) -> None:
    with studio.context() as ctx:
        workspaces.change(ctx, approve_weeks=False)
    with studio.context() as ctx:
        entry = time_entries.log(ctx, project_id=studio.ids["project"], entry_date=MONDAY, duration_seconds=3600)
        ctx.change(entry, note="Nothing is closed")
        workspaces.change(ctx, locked_until=MONDAY)
        with pytest.raises(Conflict) as caught:
            ctx.change(entry, note="Now it is")
    assert caught.value.reason == "time_locked"
