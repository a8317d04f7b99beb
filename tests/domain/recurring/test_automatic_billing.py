"""Tracked time bills itself: when a period is over, or when it has become enough; each piece of work once."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tallystick.domain import clients, expenses, projects, time_entries
from tallystick.domain.invoices import draft as drafts
from tallystick.domain.recurring import automatic_billing
from tallystick.domain.recurring.automatic_billing import AutomaticBilling, BillingRun
from tallystick.values.errors import Conflict, Forbidden, Invalid, NotFound
from tests.domain.recurring.conftest import Calendar


class Desk(Calendar):
    """A calendar with time tracked for Globex, at 90 an hour."""

    @property
    def client(self) -> str:
        return self.studio.ids["client"]

    def arrange(self, every: str = "MONTH", **facts: Any) -> AutomaticBilling:
        return self.do(automatic_billing.arrange, self.client, every=every, **facts)

    def log(self, day: str, hours: float = 1, **facts: Any) -> str:
        with self.studio.context("manager") as ctx:
            return time_entries.log(
                ctx,
                project_id=facts.pop("project", self.studio.ids["project"]),
                entry_date=date.fromisoformat(day),
                duration_seconds=int(hours * 3600),
                **facts,
            ).id

    def bill(self) -> list[BillingRun]:
        return automatic_billing.run_due(self.itself)

    def billing(self) -> AutomaticBilling:
        return self.do(automatic_billing.of_client, self.client)

    def told(self) -> list[tuple[str, str]]:
        """Period and outcome of every run, in order."""
        found = self.do(automatic_billing.runs, self.client)
        return [(run.period_to.isoformat(), run.outcome) for run in reversed(found)]

    def totals(self) -> list[int]:
        return [int(one.subtotal) for one in self.invoices()]


@pytest.fixture
def desk(studio: Any) -> Desk:
    return Desk(studio)


# --- periods


def test_a_month_is_billed_when_it_is_over(desk: Desk) -> None:
    made = desk.on("2026-06-15").arrange()
    assert (made.month_day, made.period_ends_on, made.mode) == (-1, date(2026, 6, 30), "DRAFT")
    desk.log("2026-05-30", 2)  # entered late: it is billed all the same
    desk.log("2026-06-30")
    assert desk.on("2026-06-30").bill() == []
    assert [run.outcome for run in desk.at("2026-06-30T22:00:00+00:00").bill()] == ["MADE"]
    desk.log("2026-07-01")
    assert desk.bill() == []
    (invoice,) = desk.invoices()
    assert (invoice.status, invoice.subtotal, invoice.created_by) == ("DRAFT", 270, None)
    assert desk.billing().period_ends_on == date(2026, 7, 31)
    assert desk.told() == [("2026-06-30", "MADE")]


@pytest.mark.parametrize(
    ("facts", "ends"),
    [
        ({"every": "WEEK"}, ["2026-06-21", "2026-06-28", "2026-07-05"]),
        ({"every": "WEEK", "weekday": "MO"}, ["2026-06-15", "2026-06-22", "2026-06-29"]),
        ({"every": "TWO_WEEKS"}, ["2026-06-21", "2026-07-05", "2026-07-19"]),
        ({"every": "TWO_WEEKS", "weekday": "FR", "period_ends_on": date(2026, 6, 26)},
         ["2026-06-26", "2026-07-10", "2026-07-24"]),
        ({"every": "MONTH", "month_day": 15}, ["2026-06-15", "2026-07-15", "2026-08-15"]),
        ({"every": "MONTH", "month_day": 31}, ["2026-06-30", "2026-07-31", "2026-08-31"]),
        ({"every": "MONTH", "month_day": -2}, ["2026-06-29", "2026-07-30", "2026-08-30"]),
    ],
)  # fmt: skip
def test_periods_end_on_their_day(desk: Desk, facts: dict[str, Any], ends: list[str]) -> None:
    desk.on("2026-06-15").arrange(**facts)
    found: list[str] = []
    for _ in ends:
        end = desk.billing().period_ends_on
        assert end is not None
        found.append(end.isoformat())
        desk.on(end.isoformat()).log(end.isoformat())
        assert desk.on(end.isoformat()).bill() == []
        desk.on(date.fromordinal(end.toordinal() + 1).isoformat()).bill()
    assert found == ends
    assert desk.told() == [(end, "MADE") for end in ends]


def test_the_last_of_february_ends_a_period(desk: Desk) -> None:
    desk.on("2028-02-10").arrange(month_day=30)
    assert desk.billing().period_ends_on == date(2028, 2, 29)


def test_days_are_those_of_the_workspace(desk: Desk) -> None:
    desk.on("2026-03-23").arrange("WEEK", weekday="SA")
    desk.on("2026-03-28").log("2026-03-28")
    # In Berlin March 28th is over an hour before it is in UTC, and the next day has 23 hours.
    assert desk.at("2026-03-28T22:59:59+00:00").bill() == []
    desk.log("2026-03-21")
    assert [run.period_to for run in desk.at("2026-03-28T23:00:00+00:00").bill()] == [date(2026, 3, 28)]


def test_missed_months_are_billed_one_by_one(desk: Desk) -> None:
    desk.on("2026-06-15").arrange()
    for day, hours in (("2026-06-20", 1), ("2026-07-20", 2), ("2026-09-02", 4)):
        desk.on(day).log(day, hours)
    desk.on("2026-09-15").bill()
    assert desk.told() == [("2026-06-30", "MADE"), ("2026-07-31", "MADE"), ("2026-08-31", "NOTHING")]
    assert desk.totals() == [90, 180]
    assert desk.billing().period_ends_on == date(2026, 9, 30)


def test_too_little_waits_for_the_next_period(desk: Desk) -> None:
    desk.on("2026-06-15").arrange(minimum_amount=Decimal(200))
    desk.log("2026-06-15", 2)
    desk.on("2026-07-01").bill()
    assert desk.invoices() == []
    desk.log("2026-06-30", 1)
    desk.on("2026-08-01").bill()
    assert desk.told() == [("2026-06-30", "BELOW_MINIMUM"), ("2026-07-31", "MADE")]
    assert desk.totals() == [270]


def test_nothing_is_locked_by_what_waits(desk: Desk) -> None:
    desk.on("2026-06-15").arrange(minimum_amount=Decimal(200))
    entry = desk.log("2026-06-15", 2)
    desk.on("2026-07-01").bill()
    desk.do(time_entries.change, entry, duration_seconds=60)
    assert desk.rows("SELECT count(*) FROM billed_work") == [(0,)]
    assert desk.rows("SELECT count(*) FROM events WHERE resource = 'invoice'") == [(0,)]


def test_how_it_is_billed_is_for_the_studio_to_say(desk: Desk) -> None:
    desk.on("2026-06-15").arrange(mode="SEND", grouping="ITEMIZED", include_expenses=True)
    desk.log("2026-06-15", 1, note="Logo")
    desk.log("2026-06-16", 1, note="Type")
    desk.do(
        expenses.record, client_id=desk.client, description="Train", amount=Decimal("9.50"),
        expense_date=date(2026, 6, 15),
    )  # fmt: skip
    desk.on("2026-07-01").bill()
    (invoice,) = desk.invoices()
    assert (invoice.status, invoice.number, invoice.issue_date) == ("SENT", "INV-0001", date(2026, 7, 1))
    assert len(desk.descriptions(invoice)) == 3


def test_what_somebody_should_look_at_is_left_as_a_draft(desk: Desk) -> None:
    desk.on("2026-06-15").arrange(mode="SEND")
    free = desk.do(projects.create, client_id=desk.client, name="Free")
    desk.do(clients.change, desk.client, default_rate=None)
    desk.log("2026-06-15", project=free.id)
    (run,) = desk.on("2026-07-01").bill()
    assert run.note is not None
    assert "rate" in run.note
    assert desk.invoices()[0].status == "DRAFT"


# --- thresholds


def test_enough_hours_bill_themselves(desk: Desk) -> None:
    made = desk.on("2026-06-15").arrange("HOURS", hours=Decimal("2.5"))
    assert made.period_ends_on is None
    desk.log("2026-06-15", 2)
    assert desk.bill() == []
    desk.log("2026-06-15", 0.5)
    assert [run.outcome for run in desk.bill()] == ["MADE"]
    assert desk.bill() == []
    desk.log("2026-06-15", 2.5)
    desk.bill()  # twice on a day, where that is so much work
    assert desk.told() == [("2026-06-15", "MADE"), ("2026-06-15", "MADE")]
    assert desk.totals() == [225, 225]


def test_an_amount_that_is_enough_bills_itself(desk: Desk) -> None:
    desk.on("2026-06-15").arrange("AMOUNT", amount=Decimal(180))
    desk.log("2026-06-15", 1)
    assert desk.bill() == []
    assert desk.told() == []
    desk.log("2026-06-15", 1)
    desk.bill()
    assert desk.totals() == [180]


# --- changing it


def test_it_is_what_was_said_last(desk: Desk) -> None:
    first = desk.on("2026-06-15").arrange(mode="SEND", minimum_amount=Decimal(50))
    again = desk.arrange("HOURS", hours=Decimal(10))
    assert again.id == first.id
    assert (again.mode, again.minimum_amount, again.month_day, again.period_ends_on) == ("DRAFT", None, None, None)
    kept = desk.arrange("WEEK", period_ends_on=date(2026, 6, 28))
    assert desk.arrange("WEEK", mode="SEND").period_ends_on == kept.period_ends_on
    assert desk.arrange("WEEK", weekday="FR").period_ends_on == date(2026, 6, 19)


def test_a_period_that_was_billed_is_not_billed_again(desk: Desk) -> None:
    desk.on("2026-06-15").arrange()
    desk.log("2026-06-15")
    desk.on("2026-07-01").bill()
    desk.do(automatic_billing.stop, desk.client)
    desk.on("2026-06-30")  # a clock that was set back
    with pytest.raises(Invalid) as refused:
        desk.arrange(period_ends_on=date(2026, 6, 30))
    assert list(refused.value.fields) == ["period_ends_on"]
    assert desk.arrange().period_ends_on == date(2026, 7, 31)


def test_what_was_stopped_bills_nothing(desk: Desk) -> None:
    desk.on("2026-06-15").arrange()
    desk.log("2026-06-15")
    desk.do(automatic_billing.stop, desk.client)
    assert desk.on("2026-07-01").bill() == []
    for verb in (automatic_billing.of_client, automatic_billing.stop):
        with pytest.raises(NotFound):
            desk.do(verb, desk.client)


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"every": "MONTH", "weekday": "MO"}, "weekday"),
        ({"every": "WEEK", "month_day": 1}, "month_day"),
        ({"every": "MONTH", "month_day": 0}, "month_day"),
        ({"every": "AMOUNT"}, "amount"),
        ({"every": "AMOUNT", "amount": Decimal(0)}, "amount"),
        ({"every": "AMOUNT", "amount": Decimal("1.001")}, "amount"),
        ({"every": "HOURS"}, "hours"),
        ({"every": "HOURS", "hours": Decimal(0)}, "hours"),
        ({"every": "WEEK", "hours": Decimal(1)}, "hours"),
        ({"every": "HOURS", "hours": Decimal(1), "period_ends_on": date(2026, 6, 30)}, "period_ends_on"),
        ({"every": "MONTH", "period_ends_on": date(2026, 6, 29)}, "period_ends_on"),
        ({"every": "MONTH", "period_ends_on": date(2026, 5, 31)}, "period_ends_on"),
        ({"every": "MONTH", "minimum_amount": Decimal("1.001")}, "minimum_amount"),
    ],
)
def test_what_cannot_be_is_refused_with_its_field(desk: Desk, facts: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        desk.on("2026-06-15").arrange(**facts)
    assert list(refused.value.fields) == [field]


def test_what_needs_a_po_number_is_not_sent_by_itself(desk: Desk) -> None:
    desk.do(clients.change, desk.client, require_po_number=True)
    with pytest.raises(Invalid) as refused:
        desk.arrange(mode="SEND")
    assert list(refused.value.fields) == ["mode"]


def test_a_member_neither_arranges_nor_sees_it(desk: Desk) -> None:
    desk.arrange()
    for verb in (automatic_billing.of_client, automatic_billing.stop, automatic_billing.runs):
        with pytest.raises(Forbidden):
            desk.do(verb, desk.client, who="member")
    with pytest.raises(Forbidden):
        desk.do(automatic_billing.arrange, desk.client, every="MONTH", who="member")


# --- failing


def test_one_that_fails_is_told_and_tried_again(desk: Desk) -> None:
    desk.on("2026-06-15").arrange(mode="SEND")
    desk.log("2026-06-15")
    other = desk.studio.ids["other_client"]
    desk.do(automatic_billing.arrange, other, every="MONTH")
    desk.log("2026-06-15", project=desk.studio.ids["hidden_project"])
    desk.do(clients.change, desk.client, require_po_number=True)
    ran = desk.on("2026-07-01").bill()
    assert [run.client_id for run in ran] == [other]
    assert "PO number" in (desk.billing().failure or "")
    assert (desk.told(), desk.billing().period_ends_on) == ([("2026-06-30", "FAILED")], date(2026, 7, 31))
    desk.do(clients.change, desk.client, require_po_number=False)
    assert desk.bill() == []
    assert [run.outcome for run in desk.on("2026-07-01", 13).bill()] == ["MADE"]
    assert (desk.billing().failure, desk.told()) == (None, [("2026-06-30", "MADE")])


def test_enough_that_fails_is_tried_again(desk: Desk) -> None:
    desk.on("2026-06-15").arrange("HOURS", hours=Decimal(1), mode="SEND")
    desk.log("2026-06-15")
    desk.do(clients.change, desk.client, require_po_number=True)
    for moment in ("2026-06-15T12:00:00+00:00", "2026-06-15T12:05:00+00:00", "2026-06-15T12:30:00+00:00"):
        assert desk.at(moment).bill() == []
    ((attempts,),) = desk.rows("SELECT attempts FROM billing_runs")
    assert attempts == 2
    desk.do(clients.change, desk.client, require_po_number=False)
    assert [run.outcome for run in desk.on("2026-06-16").bill()] == ["MADE"]
    assert desk.billing().failure is None


def test_work_that_somebody_drafts_meanwhile_is_not_billed_again(desk: Desk) -> None:
    desk.on("2026-06-15").arrange()
    desk.log("2026-06-15")
    desk.do(drafts.draft, client_id=desk.client)
    assert [run.outcome for run in desk.on("2026-07-01").bill()] == ["NOTHING"]
    assert len(desk.invoices()) == 1


def test_a_draft_with_nothing_on_it_says_so_to_programs(desk: Desk) -> None:
    with pytest.raises(Invalid) as refused:
        desk.do(drafts.draft, client_id=desk.client)
    assert refused.value.reason == "nothing_to_bill"


def test_a_conflict_that_passes_is_no_failure(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.on("2026-06-15").arrange()
    desk.log("2026-06-15")

    def busy(*_: Any, **__: Any) -> Any:
        raise Conflict("Somebody is billing this.", reason="try_again")

    monkeypatch.setattr(automatic_billing.drafts, "draft", busy)
    assert desk.on("2026-07-01").bill() == []
    assert (desk.told(), desk.billing().failure) == ([], None)
