"""Many entries as one thing: the cells of a week, a week copied, entries changed together."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from decimal import Decimal

import pytest

from tallystick.domain import expenses, members, time_entries, timesheet, write_offs
from tallystick.domain.desk import money, shell, work
from tallystick.domain.desk import time as desk
from tallystick.domain.desk.time import Sought
from tallystick.domain.invoices.draft import draft
from tallystick.domain.reports import uninvoiced
from tallystick.domain.timesheet import Shown
from tallystick.values.errors import Conflict, Forbidden, Invalid
from tests.studio import Studio

DAY = date(2026, 6, 10)


def put(studio: Studio, seconds: int, who: str = "owner", **facts: object) -> None:
    with studio.context(who) as ctx:
        given = {"project_id": studio.ids["project"], "task_id": None, "day": DAY, "seconds": seconds, **facts}
        timesheet.put(ctx, **given)  # type: ignore[arg-type]


def on_day(studio: Studio, day: date = DAY, who: str = "owner") -> list[int]:
    with studio.context(who) as ctx:
        found = desk.entries(ctx, Sought(day, day, user_id=studio.people[who].user_id))
        return sorted(entry.duration_seconds for entry in found)


def test_a_cell_makes_changes_and_empties_an_entry(studio: Studio) -> None:
    put(studio, 3600, note="First")
    assert on_day(studio) == [3600]
    put(studio, 5400)
    assert on_day(studio) == [5400]
    with studio.context() as ctx:
        (entry,) = desk.entries(ctx, Sought(DAY, DAY))
        assert entry.note == "First"
    put(studio, 0)
    assert on_day(studio) == []


def test_of_several_entries_the_latest_gives_way_and_no_other(studio: Studio) -> None:
    with studio.context() as ctx:
        for seconds in (3600, 1800):
            time_entries.log(ctx, project_id=studio.ids["project"], entry_date=DAY, duration_seconds=seconds)
            studio.clock.now += timedelta(minutes=1)
    put(studio, 7200)
    assert on_day(studio) == [3600, 3600]
    with pytest.raises(Conflict, match="several entries"):
        put(studio, 1800)
    put(studio, 0)
    assert on_day(studio) == []


def test_what_is_on_an_invoice_stays(studio: Studio) -> None:
    put(studio, 3600)
    with studio.context() as ctx:
        draft(ctx, client_id=studio.ids["client"])
    with pytest.raises(Conflict, match="locked"):
        put(studio, 7200)
    assert on_day(studio) == [3600]


def test_a_day_has_24_hours_and_a_member_their_own(studio: Studio) -> None:
    with pytest.raises(Invalid):
        put(studio, 24 * 3600 + 1)
    put(studio, 3600, "member")
    assert on_day(studio, who="member") == [3600]
    with pytest.raises(Exception):  # noqa: B017 - not found, or not for them
        put(studio, 3600, "member", user_id=studio.owner.user_id)
    assert on_day(studio) == []
    with pytest.raises(Forbidden):
        put(studio, 3600, "manager", user_id=studio.owner.user_id)


def test_two_tabs_fill_a_cell_once(studio: Studio) -> None:
    with ThreadPoolExecutor(8) as crowd:
        list(crowd.map(lambda _: put(studio, 3600), range(8)))
    assert on_day(studio) == [3600]


def test_a_cell_that_changed_since_it_was_shown_is_not_overwritten_unseen(studio: Studio) -> None:
    put(studio, 3600, note="First")
    shown = Shown(3600, "First")
    put(studio, 7200, note="Theirs", shown=shown)
    for late in ({"seconds": 1800}, {"seconds": 0}, {"seconds": 7200, "note": "Mine"}):
        with pytest.raises(Conflict, match="2026-06-10") as refused:
            put(studio, **{"shown": shown, **late})  # type: ignore[arg-type]
        assert refused.value.reason == "changed_meanwhile"
    put(studio, 7200, note="Theirs", shown=shown)  # as it is already: nothing is lost
    assert on_day(studio) == [7200]
    put(studio, 1800, shown=Shown(7200, "Theirs"))
    assert on_day(studio) == [1800]


def test_of_many_who_saw_the_same_cell_one_changes_it(studio: Studio) -> None:
    put(studio, 600)

    def change(seconds: int) -> bool:
        try:
            put(studio, seconds, shown=Shown(600, ""))
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as crowd:
        done = list(crowd.map(change, range(1200, 2000, 100)))
    assert done.count(True) == 1
    assert on_day(studio) == [1200 + 100 * done.index(True)]


def test_a_week_is_copied_once(studio: Studio) -> None:
    monday = date(2026, 6, 8)
    put(studio, 3600, day=monday, note="Again")
    put(studio, 1800, day=monday + timedelta(days=2))
    put(studio, 900, day=monday + timedelta(days=9))
    for expected in (1, 0):
        with studio.context() as ctx:
            assert timesheet.copy_week(ctx, monday + timedelta(days=7), source=monday) == expected
    assert on_day(studio, monday + timedelta(days=7)) == [3600]
    assert on_day(studio, monday + timedelta(days=9)) == [900]


def test_locked_ones_are_skipped_and_named(studio: Studio) -> None:
    put(studio, 3600)
    with studio.context() as ctx:
        (locked,) = desk.entries(ctx, Sought(DAY, DAY))
        draft(ctx, client_id=studio.ids["client"])
        free = time_entries.log(ctx, project_id=studio.ids["project"], entry_date=DAY, duration_seconds=60)
        done = timesheet.change_many(ctx, [locked.id, free.id], billable=False)
        assert (done.changed, [one.entry_id for one in done.skipped]) == ([free.id], [locked.id])
        done = timesheet.delete_many(ctx, [locked.id, free.id])
        assert (done.changed, [one.entry_id for one in done.skipped]) == ([free.id], [locked.id])
        with pytest.raises(Invalid):
            timesheet.delete_many(ctx, [f"{n:032x}" for n in range(201)])


@pytest.mark.parametrize(("choice", "seconds"), [("keep", 36_000), ("trim", 28_800), ("discard", None)])
def test_a_forgotten_timer_is_kept_trimmed_or_discarded(studio: Studio, choice: str, seconds: int | None) -> None:
    with studio.context() as ctx:
        timer = time_entries.start(ctx, project_id=studio.ids["project"])
        assert not timesheet.is_forgotten(ctx, timer)
    studio.clock.now += timedelta(hours=10)
    with studio.context() as ctx:
        assert timesheet.is_forgotten(ctx, timer)
        kept = timesheet.settle(ctx, choice)  # type: ignore[arg-type]
        assert (None if kept is None else kept.duration_seconds) == seconds
        assert time_entries.running(ctx) is None


def test_members_are_given_no_money_clients_or_others(studio: Studio) -> None:
    with studio.context() as ctx:
        member = studio.people["member"].user_id
        time_entries.log(ctx, project_id=studio.ids["project"], entry_date=DAY, duration_seconds=60, user_id=member)
        time_entries.log(ctx, project_id=studio.ids["hidden_project"], entry_date=DAY, duration_seconds=60)
    with studio.context("member") as ctx:
        (entry,) = desk.entries(ctx, Sought(DAY, DAY, user_id=studio.owner.user_id))
        assert (entry.user_id, entry.hourly_rate, entry.client, entry.currency, entry.invoice) == (member, *(None,) * 4)
        assert [project.name for project in work.projects(ctx)] == ["Website"]
        (seen,) = work.projects(ctx)
        assert (seen.client, seen.rate_type, seen.budget_hours, seen.worth, seen.spent) == (None,) * 5
        assert {place.client for place in shell.places(ctx)} == {None}
        assert {place.project for place in shell.places(ctx)} == {"Website"}
        assert {hit.kind for hit in shell.search(ctx, "e")} <= {"project", "task"}
        assert shell.search(ctx, "globex") == []
        assert shell.search(ctx, "rollout") == []
        assert [user_id for user_id, _, _ in shell.colleagues(ctx)] == [member]
    with studio.context() as ctx:
        assert next(iter(work.projects(ctx))).worth is not None
        assert next(hit.name for hit in shell.search(ctx, "globex")) == "Globex"


def test_a_person_says_how_they_read(studio: Studio) -> None:
    with studio.context("member") as ctx:
        members.present(ctx, name="New Name", language="de", clock="24", week_start="sunday", time_zone="Asia/Tokyo")
        here = shell.shell(ctx)
        assert (here.name, here.language, here.clock, here.week_start, here.time_zone) == (
            "New Name", "de", "24", "sunday", "Asia/Tokyo",
        )  # fmt: skip
        for wrong in ({"language": "xx"}, {"name": " "}, {"time_zone": "Mars"}, {"clock": "13"}):
            with pytest.raises(Invalid):
                members.present(ctx, **wrong)


def test_no_one_else_sees_a_workspace(studio: Studio, other_studio: Studio) -> None:
    with other_studio.context() as ctx:
        time_entries.log(ctx, project_id=other_studio.ids["project"], entry_date=DAY, duration_seconds=60)
    with studio.context() as ctx:
        assert desk.entries(ctx, Sought(DAY, DAY)) == []
        assert all(client.id in studio.ids.values() for client in work.clients(ctx))
        assert not any(place.project_id in other_studio.ids.values() for place in shell.places(ctx, limit=500))
        assert Decimal(0) == sum(client.open for client in work.clients(ctx))


def test_what_is_ready_to_bill_is_what_a_report_says_is_not_invoiced(studio: Studio) -> None:
    """Written-off work and timers that run are neither here nor there."""
    project = studio.ids["project"]
    with studio.context() as ctx:
        for seconds in (3600, 1800):
            entry = time_entries.log(ctx, project_id=project, entry_date=DAY, duration_seconds=seconds)
        spent = {"client_id": studio.ids["client"], "amount": Decimal(9), "expense_date": DAY}
        kept, lost = (expenses.record(ctx, description=word, **spent) for word in ("Train", "Bus"))
        write_offs.write_off(ctx, time_entries.TimeEntry, [entry.id], "Ours")
        write_offs.write_off(ctx, expenses.Expense, [lost.id], "Ours")
        time_entries.start(ctx, project_id=project)
        (waiting,) = money.unbilled(ctx)
        (said,) = uninvoiced.report(ctx).rows
        assert (waiting.seconds, waiting.amount, waiting.expenses) == (said.seconds, said.time, kept.amount)
        assert [one.unbilled_seconds for one in money.glances(ctx) if one.unbilled_seconds] == [3600]
