"""Reports add up: against sums that are counted here, entry by entry, in workspaces of random work."""

from __future__ import annotations

import csv as csv_module
import io
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Any

import pytest

from tallystick.domain import clients, expenses, payments, projects, reconciliation, refunds, tasks, time_entries
from tallystick.domain.credit_notes import credit
from tallystick.domain.invoices import lifecycle
from tallystick.domain.invoices.draft import CustomLine, draft
from tallystick.domain.reports import burn, paper, profitability, revenue, time, uninvoiced, utilisation
from tallystick.domain.reports.time import Wanted
from tallystick.values.errors import Invalid
from tests.studio import Studio


def line(description: str, amount: int) -> CustomLine:
    return CustomLine(description=description, quantity=Decimal(1), rate=Decimal(amount))


TODAY = date(2026, 6, 15)
PLACES = {"EUR": 2, "USD": 2, "JPY": 0, "KWD": 3}


@dataclass
class Worked:
    """What the test itself knows of an entry."""

    id: str
    user: str
    client: str | None
    project: str | None
    task: str | None
    day: date
    seconds: int
    billable: bool
    rate: Decimal
    currency: str

    @property
    def amount(self) -> Decimal:
        if not self.billable:
            return Decimal(0)
        exact = self.rate * self.seconds / 3600
        return exact.quantize(Decimal(1).scaleb(-PLACES[self.currency]), ROUND_HALF_UP)


@dataclass
class World:
    studio: Studio
    worked: list[Worked]
    clients: list[str]
    projects: list[str]
    tasks: list[str]

    def counted(self, wanted: Wanted) -> list[Worked]:
        first, last = wanted.date_from or TODAY - timedelta(days=29), wanted.date_to or TODAY
        return [
            one
            for one in self.worked
            if first <= one.day <= last
            and wanted.user_id in (None, one.user)
            and wanted.client_id in (None, one.client)
            and wanted.project_id in (None, one.project)
            and wanted.task_id in (None, one.task)
            and wanted.billable in (None, one.billable)
        ]


def random_world(studio: Studio, random: Random) -> World:
    """Clients in four currencies, projects of every kind, and a few dozen entries."""
    owned: list[tuple[str | None, str | None, str, str, Decimal]] = []
    world = World(studio, [], [], [], [])
    with studio.context() as ctx:
        for number, currency in enumerate(("EUR", "USD", "JPY", "KWD")):
            client = clients.create(ctx, name=f"Client {number}", currency=currency)
            world.clients.append(client.id)
            for kind in ("HOURLY", "FIXED", "NON_BILLABLE"):
                rate = Decimal(random.randrange(1, 2_000_000)) / 10_000
                fee = Decimal(1000) if kind == "FIXED" else None
                project = projects.create(
                    ctx, client_id=client.id, name=f"{kind} {number}", rate_type=kind, hourly_rate=rate,
                    fixed_fee_amount=fee,
                )  # fmt: skip
                task = tasks.create(ctx, project_id=project.id, name=f"Task of {number}")
                world.projects.append(project.id)
                world.tasks.append(task.id)
                owned.append((client.id, project.id, task.id, currency, rate))
        for _ in range(60):
            client_id, project_id, task_id, currency, rate = random.choice(owned)
            on_task = random.random() < 0.5
            day = TODAY - timedelta(days=random.randrange(45))
            user = random.choice(list(studio.people.values())).user_id
            billable = random.random() < 0.7
            seconds = random.randrange(1, 90_000)
            entry = time_entries.log(
                ctx, project_id=project_id, task_id=task_id if on_task else None, entry_date=day,
                duration_seconds=seconds, billable=billable, user_id=user,
            )  # fmt: skip
            world.worked.append(
                Worked(
                    entry.id,
                    user,
                    client_id,
                    project_id,
                    task_id if on_task else None,
                    day,
                    seconds,
                    entry.billable,
                    rate,
                    currency,
                )
            )
        gone = time_entries.log(ctx, project_id=owned[0][1], entry_date=TODAY, duration_seconds=999)
        time_entries.delete(ctx, gone.id)
        time_entries.start(ctx, project_id=owned[0][1])
    return world


@pytest.mark.parametrize("seed", range(3))
def test_the_time_report_is_the_sum_of_its_entries(studio: Studio, seed: int) -> None:
    random = Random(seed)
    world = random_world(studio, random)
    of: dict[str, Any] = {
        "none": lambda one: None, "client": lambda one: one.client, "project": lambda one: one.project,
        "member": lambda one: one.user, "day": lambda one: one.day.isoformat(), "task": lambda one: one.task,
    }  # fmt: skip
    with studio.context() as ctx:
        for group in time.GROUPS:
            for _ in range(6):
                wanted = Wanted(
                    date_from=random.choice([None, TODAY - timedelta(days=40)]),
                    client_id=random.choice([None, None, *world.clients]),
                    project_id=random.choice([None, None, None, *world.projects[:3]]),
                    user_id=random.choice([None, None, studio.people["second"].user_id]),
                    billable=random.choice([None, True, False]),
                    group=group,
                    sort=random.choice([f"{sign}{sort}" for sort in time.SORTS for sign in ("", "-")]),
                )
                expected: dict[Any, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(lambda: [0, 0, 0, 0]))
                counted = world.counted(wanted)
                for one in counted:
                    sums = expected[of[group](one)][one.currency]
                    for at, part in enumerate((1, one.seconds, one.seconds * one.billable, one.amount)):
                        sums[at] += part
                found = time.report(ctx, wanted)
                if group != "none":
                    shown = {one.key: {sums.currency: list(sums[1:]) for sums in one.sums} for one in found.groups}
                    assert shown == expected, group
                total = {sums.currency: sums.amount for sums in found.total.sums}
                assert total == {
                    currency: sum((one.amount for one in counted if one.currency == currency), Decimal(0))
                    for currency in {one.currency for one in counted}
                }
                assert found.total.seconds == sum(one.seconds for one in counted)
                listed = time.entries(ctx, wanted, limit=1000)
                assert sorted(one.id for one in listed) == sorted(one.id for one in counted)
                assert {one.id: one.amount for one in listed} == {one.id: one.amount for one in counted}
                keys = list(dict.fromkeys(one.key for one in listed))
                if group != "none":
                    assert keys == [one.key for one in found.groups], "groups of entries in the order of the groups"
                assert len(keys) == len({one.key for one in listed}), "each group once"


def test_the_file_has_what_is_shown(studio: Studio) -> None:
    world = random_world(studio, Random(7))
    with studio.context() as ctx:
        made = paper.time_paper(ctx, Wanted(group="client"), "csv")
        shown = time.entries(ctx, Wanted(group="client"), limit=1000)
    rows = list(csv_module.DictReader(io.StringIO(made.make().decode("utf-8-sig"), newline="")))
    assert [row["Amount"] for row in rows] == [f"{one.amount:f}" for one in shown]
    assert [row["Duration"] for row in rows] == [
        f"{one.seconds // 3600}:{one.seconds // 60 % 60:02d}:{one.seconds % 60:02d}" for one in shown
    ]
    assert len(rows) == len(world.counted(Wanted()))


def test_members_have_their_own_time_and_no_money(studio: Studio) -> None:
    world = random_world(studio, Random(1))
    me = studio.people["second"].user_id
    with studio.context("second") as ctx:
        for group in ("none", "project", "member", "day", "task"):
            found = time.report(ctx, Wanted(group=group, user_id=studio.owner.user_id))
            assert found.total.seconds == sum(one.seconds for one in world.counted(Wanted(user_id=me)))
            assert {(sums.currency, sums.amount) for sums in found.total.sums} == {(None, None)}
        for one in time.entries(ctx, Wanted(), limit=1000):
            assert (one.client, one.rate, one.amount, one.currency, one.invoice) == (None,) * 5
            assert one.user_id == me
        for wrong in (Wanted(group="client"), Wanted(sort="amount"), Wanted(sort="-client"), Wanted(client_id=me)):
            with pytest.raises(Invalid):
                time.report(ctx, wrong)
        header = paper.time_paper(ctx, Wanted(), "csv").make().decode("utf-8-sig").splitlines()[0]
        assert header == "Date,Project,Task,Member,Note,Start,End,Billable,Duration,Duration (decimal)"
        assert all(one.client is None and one.worth is None for one in profitability.report(ctx))
        assert {one.user_id for one in utilisation.report(ctx).rows} == {me}


@pytest.mark.parametrize("seed", range(2))
def test_the_other_reports_agree_with_the_reconciliation(studio: Studio, seed: int) -> None:
    random = Random(seed)
    world = random_world(studio, random)
    with studio.context() as ctx:
        for client in world.clients[:3]:
            expenses.record(
                ctx, description="Train", amount=Decimal(random.randrange(1, 500)), expense_date=TODAY,
                client_id=client, billable=random.random() < 0.5, project_id=None,
            )  # fmt: skip
        draft(ctx, client_id=world.clients[0], date_to=TODAY)
        known = {one.client_id: one for one in reconciliation.reconcile(ctx)}
        waiting = {one.client_id: one for one in uninvoiced.report(ctx).rows}
        for client_id, one in known.items():
            if client_id is None:
                continue
            found = waiting.get(client_id)
            assert (found.seconds if found else 0) == one.time.unbilled.seconds
            assert (found.time if found else 0) == one.time.unbilled.amount
            assert (found.expenses if found else 0) == one.expenses.unbilled.amount
            assert (found.fees if found else 0) == one.fees.unbilled
        by_project = uninvoiced.report(ctx, group="project")
        assert {one.currency: one.amount for one in by_project.totals} == {
            one.currency: one.amount for one in uninvoiced.report(ctx).totals
        }
        for one in profitability.report(ctx, status=None):
            numbers = reconciliation.of_project(ctx, one.project_id)
            assert one.seconds == numbers.time.tracked.seconds
            assert (one.billed, one.unbilled) == (numbers.time.billed.amount, numbers.time.unbilled.amount)
            assert one.written_off == numbers.time.written_off.amount
            mine = [entry for entry in world.worked if entry.project == one.project_id]
            assert one.worth == sum((entry.amount for entry in mine), Decimal(0))
            used_up = burn.burn(ctx, one.project_id)
            if mine:
                assert used_up.weeks[-1].total_seconds == one.seconds
                assert used_up.weeks[-1].total_amount == one.worth
        used = utilisation.report(ctx, date_from=TODAY - timedelta(days=50))
        weeks: dict[tuple[str, date], list[int]] = defaultdict(lambda: [0, 0])
        for entry in world.worked:
            sums = weeks[entry.user, entry.day - timedelta(days=entry.day.weekday())]
            sums[0] += entry.seconds
            sums[1] += entry.seconds * entry.billable
        assert {(row.user_id, row.week): [row.seconds, row.billable] for row in used.rows} == weeks


def test_revenue_counts_credit_notes_payments_and_refunds_in_their_months(studio: Studio) -> None:
    globex, initech = studio.ids["client"], studio.ids["other_client"]

    def issued(ctx: Any, client: str, day: date, amount: int) -> Any:
        made = draft(ctx, client_id=client, lines=[line("Work", amount)], project_ids=[], issue_date=day)
        return lifecycle.mark_sent(ctx, made.invoice.id)

    with studio.context() as ctx:
        april = issued(ctx, globex, date(2026, 4, 10), 1000)
        may = issued(ctx, globex, date(2026, 5, 10), 500)
        dollars = issued(ctx, initech, date(2026, 5, 11), 70)
        cancelled = issued(ctx, globex, date(2026, 5, 12), 11)
        lifecycle.cancel(ctx, cancelled.id)
        voided = issued(ctx, globex, date(2026, 5, 13), 13)
        credit.credit(ctx, voided.id, reason="Wrong")
        payment, _ = payments.record(ctx, april.id, amount=Decimal(600), paid_on=date(2026, 5, 2))
        refunds.record(ctx, april.id, payment.id, amount=Decimal(50), refunded_on=date(2026, 6, 1))
        lifecycle.mark_paid(ctx, dollars.id)
        draft(ctx, client_id=globex, lines=[line("Draft", 9)], project_ids=[])
        found = revenue.report(ctx)
        by_client = revenue.report(ctx, group="client")
    rows = {(one.month, one.currency): one for one in found.rows}
    assert rows[date(2026, 4, 1), "EUR"][4:] == (1000, 0, 1000, 0, 0, 450)
    assert rows[date(2026, 5, 1), "EUR"][4:] == (513, 0, 513, 600, 0, 500)
    assert rows[date(2026, 6, 1), "EUR"][4:] == (0, 13, -13, 0, 50, 0)
    assert rows[date(2026, 5, 1), "USD"][4:7] == (70, 0, 70)
    assert rows[date(2026, 6, 1), "USD"][4:] == (0, 0, 0, 70, 0, 0)
    assert {one.currency: one[4:] for one in found.totals} == {
        "EUR": (1513, 13, 1500, 600, 50, 950), "USD": (70, 0, 70, 70, 0, 0),
    }  # fmt: skip
    assert [(one.client, one.currency, one.outstanding) for one in by_client.rows] == [
        ("Globex", "EUR", 950), ("Initech", "USD", 0),
    ]  # fmt: skip
    assert [one.month for one in found.months][-3:] == [date(2026, 4, 1), date(2026, 5, 1), date(2026, 6, 1)]
    assert len(found.months) == 12
    assert may.status == "SENT"
    assert found.first_month == date(2025, 7, 1)
    assert datetime(2026, 6, 15, tzinfo=UTC).date() == TODAY


def test_the_forecast_of_a_budget_is_its_pace_of_late(studio: Studio) -> None:
    with studio.context() as ctx:
        projects.change(ctx, studio.ids["project"], budget_hours=Decimal(30))
        for week in range(4):
            day = TODAY - timedelta(weeks=week)
            time_entries.log(ctx, project_id=studio.ids["project"], entry_date=day, duration_seconds=5 * 3600)
        used = burn.burn(ctx, studio.ids["project"])
        assert (used.budget_seconds, used.pace_seconds) == (30 * 3600, 5 * 3600)
        assert used.used_up_on == TODAY + timedelta(weeks=2), "ten hours are left"
        projects.change(ctx, studio.ids["project"], budget_hours=Decimal(20))
        assert burn.burn(ctx, studio.ids["project"]).used_up_on is None, "it is used up"
        assert burn.burn(ctx, studio.ids["hidden_project"]).weeks == ()
    with studio.context("member") as ctx:
        seen = burn.burn(ctx, studio.ids["project"])
        assert (seen.weeks, seen.budget_seconds, seen.budget_amount, seen.pace_amount) == ((), None, None, None)
