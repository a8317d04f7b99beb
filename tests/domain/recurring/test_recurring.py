"""Recurring invoices: made on their days, once, in their time zone, and what becomes of days that were missed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tallystick.domain import clients
from tallystick.domain.invoices import draft as drafts
from tallystick.domain.invoices.draft import CustomLine
from tallystick.domain.invoices.totals import Discount
from tallystick.domain.recurring import attempts, recurring, runs
from tallystick.domain.recurring.recurring import RECURRING_INVOICES, Template
from tallystick.values.errors import Conflict, Forbidden, Invalid, Refusal
from tallystick.values.letter import Sender
from tests.domain.recurring.conftest import RETAINER, Calendar
from tests.studio import SERVER


def days(found: list[Any]) -> list[str]:
    return [one.occurs_on.isoformat() for one in found]


# --- made on its days


def test_a_retainer_is_drafted_at_the_end_of_each_month(calendar: Calendar) -> None:
    made = calendar.on("2026-06-15").create("FREQ=MONTHLY", "2026-01-31")
    assert (made.next_run_on, made.status, made.currency) == (date(2026, 6, 30), "ACTIVE", "EUR")
    assert calendar.run() == []
    assert days(calendar.on("2026-06-30").run()) == ["2026-06-30"]
    assert calendar.run() == []
    (invoice,) = calendar.invoices()
    assert (invoice.status, invoice.total, invoice.created_by) == ("DRAFT", 1500, None)
    assert calendar.descriptions(invoice) == ["Retainer 06/2026"]
    assert calendar.read(made).next_run_on == date(2026, 7, 31)
    assert days(calendar.on("2026-07-31").run()) == ["2026-07-31"]
    assert calendar.read(made).next_run_on == date(2026, 8, 31)


def test_one_that_sends_itself_issues_its_invoice_on_the_day(calendar: Calendar) -> None:
    calendar.on("2026-06-15").create(mode="SEND")
    calendar.on("2026-06-30").run()
    (invoice,) = calendar.invoices()
    assert (invoice.status, invoice.number, invoice.issue_date) == ("SENT", "INV-0001", date(2026, 6, 30))
    assert invoice.due_date == date(2026, 7, 14)


def test_one_that_sends_itself_is_mailed_once_where_mail_is_set_up(
    calendar: Calendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = Sender(host="127.0.0.1", port=25, tls="none", from_address="tally@studio.example")
    monkeypatch.setattr(calendar, "server", replace(SERVER, sender=sender))
    made = calendar.on("2026-06-15").create(mode="SEND")
    assert calendar.on("2026-06-30").run() == []
    assert "no e-mail address of Globex is known" in (calendar.read(made).failure or "")
    calendar.do(clients.change, calendar.studio.ids["client"], email="ap@globex.example")
    calendar.on("2026-07-01").run()
    assert calendar.run() == []
    assert calendar.rows("SELECT kind, state FROM mails") == [("invoice", "queued")]
    assert [one.status for one in calendar.invoices()] == ["SENT"]


def test_the_facts_of_the_template_are_on_the_invoice(calendar: Calendar) -> None:
    template = Template(
        lines=(
            CustomLine("Hosting {{yy}}-{{mm}}-{{dd}}", Decimal(3), Decimal("19.90"), unit="server"),
            CustomLine("Care", Decimal(1), Decimal(100), project_id=calendar.studio.ids["project"]),
        ),
        discount=Discount(percent=Decimal(10)),
        tax_rate=Decimal(19),
        notes="For {{mm}}/{{yyyy}}",
        po_number="PO-{{yyyy}}",
    )
    calendar.create(template=template)
    calendar.on("2026-06-30").run()
    (invoice,) = calendar.invoices()
    assert calendar.descriptions(invoice) == ["Hosting 26-06-30", "Care"]
    assert (invoice.subtotal, invoice.discount_amount, invoice.tax_amount) == (
        Decimal("159.70"), Decimal("15.97"), Decimal("27.31"),
    )  # fmt: skip
    assert (invoice.notes, invoice.po_number) == ("For 06/2026", "PO-2026")


def test_a_day_begins_where_the_invoice_lives(calendar: Calendar) -> None:
    calendar.on("2026-06-20")
    auckland = calendar.create(start="2026-06-30", time_zone="Pacific/Auckland", mode="SEND")
    berlin = calendar.create(start="2026-06-30")
    honolulu = calendar.create(start="2026-06-30", time_zone="Pacific/Honolulu")
    assert berlin.time_zone == "Europe/Berlin"

    def ran(moment: str) -> set[str]:
        return {run.recurring_id for run in calendar.at(moment).run()}

    assert ran("2026-06-29T11:59:59+00:00") == set()
    assert ran("2026-06-29T12:00:00+00:00") == {auckland.id}
    assert calendar.invoices()[0].issue_date == date(2026, 6, 30)
    assert ran("2026-06-29T21:59:59+00:00") == set()
    assert ran("2026-06-29T22:00:00+00:00") == {berlin.id}
    assert ran("2026-06-30T10:00:00+00:00") == {honolulu.id}


@pytest.mark.parametrize(
    ("zone", "day", "before", "begun"),
    [
        # Clocks go forward at 2:00 on March 29th, and back at 3:00 on October 25th.
        ("Europe/Berlin", "2026-03-29", "2026-03-28T22:59:59+00:00", "2026-03-28T23:00:00+00:00"),
        ("Europe/Berlin", "2026-03-30", "2026-03-29T21:59:59+00:00", "2026-03-29T22:00:00+00:00"),
        ("Europe/Berlin", "2026-10-26", "2026-10-25T22:59:59+00:00", "2026-10-25T23:00:00+00:00"),
        # There is no midnight on this day: it begins at 1:00.
        ("Asia/Beirut", "2026-03-29", "2026-03-28T21:59:59+00:00", "2026-03-28T22:00:00+00:00"),
    ],
)
def test_daylight_saving_moves_no_day(calendar: Calendar, zone: str, day: str, before: str, begun: str) -> None:
    calendar.on("2026-03-01").create("FREQ=DAILY", day, time_zone=zone)
    assert calendar.at(before).run() == []
    assert days(calendar.at(begun).run()) == [day]


def test_february_of_a_leap_year_has_its_own_last_day(calendar: Calendar) -> None:
    calendar.on("2028-01-15").create("FREQ=MONTHLY", "2028-01-31")
    for day in ("2028-01-31", "2028-02-29", "2028-03-31"):
        assert days(calendar.on(day).run()) == [day]


def test_count_and_until_end_it(calendar: Calendar) -> None:
    counted = calendar.on("2026-06-15").create("FREQ=MONTHLY;COUNT=2")
    until = calendar.create("FREQ=MONTHLY;UNTIL=20260629", "2026-06-29")
    calendar.on("2026-06-30").run()
    assert [calendar.read(one).status for one in (counted, until)] == ["ACTIVE", "ENDED"]
    calendar.on("2026-07-30").run()
    ended = calendar.read(counted)
    assert (ended.status, ended.next_run_on) == ("ENDED", None)
    assert calendar.on("2026-12-30").run() == []
    assert len(calendar.invoices()) == 3


def test_what_a_client_is_billed_stays_theirs_when_they_move_to_another_currency(calendar: Calendar) -> None:
    made = calendar.create()
    calendar.do(clients.change, calendar.studio.ids["client"], currency="USD")
    assert calendar.on("2026-06-30").run() == []
    assert calendar.read(made).failure == (
        "Its prices are in EUR, but Globex is billed in USD now. Give it lines with prices in that currency."
    )
    calendar.do(recurring.change, made.id, lines=RETAINER.lines)
    assert days(calendar.do(runs.run_now, made.id)) == ["2026-06-30"]
    assert calendar.invoices()[0].currency == "USD"


# --- catching up


@pytest.mark.parametrize(
    ("catch_up", "history"),
    [
        ("ALL", [("2026-06-30", "MADE"), ("2026-07-30", "MADE"), ("2026-08-30", "MADE")]),
        ("LATEST", [("2026-06-30", "PASSED"), ("2026-07-30", "PASSED"), ("2026-08-30", "MADE")]),
        ("NONE", [("2026-06-30", "PASSED"), ("2026-07-30", "PASSED"), ("2026-08-30", "PASSED")]),
    ],
)
def test_after_three_months_of_downtime(calendar: Calendar, catch_up: Any, history: list[tuple[str, str]]) -> None:
    made = calendar.on("2026-06-15").create(catch_up=catch_up)
    ran = calendar.on("2026-09-15").run()
    assert calendar.history(made) == history
    assert days(ran) == [day for day, outcome in history if outcome == "MADE"]
    assert calendar.read(made).next_run_on == date(2026, 9, 30)
    assert calendar.run() == []


@pytest.mark.parametrize(("catch_up", "count"), [("ALL", 3), ("LATEST", 1), ("NONE", 1)])
def test_today_is_not_late(calendar: Calendar, catch_up: Any, count: int) -> None:
    calendar.on("2026-06-15").create(catch_up=catch_up)
    assert days(calendar.on("2026-08-30").run())[-1] == "2026-08-30"
    assert len(calendar.invoices()) == count


def test_invoices_that_are_late_are_dated_when_they_are_sent(calendar: Calendar) -> None:
    calendar.on("2026-06-15").create(mode="SEND")
    calendar.on("2026-08-05").run()
    found = calendar.invoices()
    assert [(one.number, one.issue_date) for one in found] == [
        ("INV-0001", date(2026, 8, 5)), ("INV-0002", date(2026, 8, 5)),
    ]  # fmt: skip
    assert [calendar.descriptions(one) for one in found] == [["Retainer 06/2026"], ["Retainer 07/2026"]]


def test_a_start_in_the_past_bills_nothing_of_the_past(calendar: Calendar) -> None:
    made = calendar.on("2026-06-15").create("FREQ=MONTHLY;COUNT=12", "2026-01-10")
    assert made.next_run_on == date(2026, 7, 10)
    assert calendar.run() == []
    calendar.on("2027-06-15").run()
    assert len(calendar.invoices()) == 6  # the twelfth day is December 10th


# --- pausing, skipping, ending


def test_days_of_a_pause_are_passed_over(calendar: Calendar) -> None:
    made = calendar.on("2026-06-15").create()
    calendar.do(recurring.pause, made.id)
    assert calendar.on("2026-08-05").run() == []
    resumed = calendar.do(recurring.resume, made.id)
    assert (resumed.status, resumed.next_run_on, resumed.paused_at) == ("ACTIVE", date(2026, 8, 30), None)
    assert calendar.history(made) == [("2026-06-30", "PASSED"), ("2026-07-30", "PASSED")]
    assert calendar.run() == []


def test_a_pause_behind_the_last_day_ends_it(calendar: Calendar) -> None:
    made = calendar.create("FREQ=MONTHLY;COUNT=1")
    calendar.do(recurring.pause, made.id)
    assert calendar.on("2026-08-05").do(recurring.resume, made.id).status == "ENDED"


def test_the_next_day_is_skipped(calendar: Calendar) -> None:
    made = calendar.on("2026-06-15").create("FREQ=MONTHLY;COUNT=3")
    assert calendar.do(recurring.skip, made.id).next_run_on == date(2026, 7, 30)
    assert calendar.on("2026-06-30").run() == []
    assert days(calendar.on("2026-07-30").run()) == ["2026-07-30"]
    assert calendar.do(recurring.skip, made.id).status == "ENDED"
    assert calendar.history(made) == [("2026-06-30", "SKIPPED"), ("2026-07-30", "MADE"), ("2026-08-30", "SKIPPED")]


def test_what_is_cancelled_makes_nothing_until_it_is_resumed(calendar: Calendar) -> None:
    made = calendar.on("2026-06-15").create()
    ended = calendar.do(recurring.cancel, made.id)
    assert (ended.status, ended.next_run_on) == ("CANCELLED", None)
    assert calendar.on("2026-07-10").run() == []
    with pytest.raises(Conflict, match="cancelled"):
        calendar.do(runs.run_now, made.id)
    with pytest.raises(Conflict, match="cancelled already"):
        calendar.do(recurring.cancel, made.id)
    assert calendar.do(recurring.resume, made.id).next_run_on == date(2026, 7, 30)


@pytest.mark.parametrize("verb", [recurring.pause, recurring.skip])
def test_no_verb_goes_where_the_table_does_not(calendar: Calendar, verb: Any) -> None:
    made = calendar.create()
    calendar.do(recurring.cancel, made.id)
    with pytest.raises(Conflict) as refused:
        calendar.do(verb, made.id)
    assert refused.value.reason == "recurring_state"


def test_a_deleted_one_makes_nothing(calendar: Calendar) -> None:
    made = calendar.create()
    calendar.do(recurring.delete, made.id)
    assert calendar.on("2026-06-30").run() == []
    with pytest.raises(Refusal):
        calendar.read(made)


def test_a_draft_that_was_thrown_away_is_not_made_again(calendar: Calendar) -> None:
    calendar.create()
    calendar.on("2026-06-30").run()
    calendar.do(drafts.delete, calendar.invoices()[0].id)
    assert calendar.on("2026-07-01").run() == []


# --- changing


def test_a_changed_schedule_counts_from_today(calendar: Calendar) -> None:
    made = calendar.on("2026-06-15").create()
    calendar.on("2026-06-30").run()
    changed = calendar.do(recurring.change, made.id, rule="FREQ=WEEKLY;BYDAY=TU", start_date=date(2026, 1, 1))
    assert changed.next_run_on == date(2026, 7, 7)  # the 30th is a Tuesday, and has its invoice
    assert calendar.do(recurring.change, made.id, rule="FREQ=WEEKLY;BYDAY=WE").next_run_on == date(2026, 7, 1)


def test_one_that_ended_goes_on_by_another_rule(calendar: Calendar) -> None:
    made = calendar.create("FREQ=MONTHLY;COUNT=1")
    calendar.on("2026-06-30").run()
    assert calendar.read(made).status == "ENDED"
    changed = calendar.do(recurring.change, made.id, rule="FREQ=MONTHLY;COUNT=3")
    assert (changed.status, changed.next_run_on) == ("ACTIVE", date(2026, 7, 30))


def test_what_is_changed_is_on_the_next_invoice_only(calendar: Calendar) -> None:
    made = calendar.create()
    calendar.on("2026-06-30").run()
    dearer = (CustomLine("Retainer", Decimal(1), Decimal(1800)),)
    calendar.do(recurring.change, made.id, lines=dearer, tax_rate=None, name="Dearer", mode="SEND")
    calendar.on("2026-07-30").run()
    assert [(one.total, one.status) for one in calendar.invoices()] == [(1500, "DRAFT"), (1800, "SENT")]
    assert calendar.read(made).name == "Dearer"
    assert calendar.rows("SELECT type FROM events WHERE resource_id = :id ORDER BY id", id=made.id) == [
        ("recurring_invoice.created",), ("recurring_invoice.run",), ("recurring_invoice.updated",),
        ("recurring_invoice.run",),
    ]  # fmt: skip


def test_nothing_changed_is_no_event(calendar: Calendar) -> None:
    made = calendar.create()
    calendar.do(recurring.change, made.id, name=made.name, lines=RETAINER.lines, rule="freq=monthly")
    assert len(calendar.rows("SELECT 1 FROM events WHERE resource_id = :id", id=made.id)) == 1


# --- refused


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"rule": "FREQ=HOURLY"}, "rule"),
        ({"rule": "FREQ=MONTHLY;UNTIL=20260614"}, "rule"),
        ({"rule": "FREQ=MONTHLY;COUNT=1", "start": "2026-01-01"}, "rule"),
        ({"start": "1999-12-31"}, "start_date"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"template": Template(lines=())}, "lines"),
        ({"template": Template(lines=(CustomLine("x", Decimal(0), Decimal(1)),))}, "lines"),
        ({"template": Template(lines=RETAINER.lines, discount=Discount(amount=Decimal(1501)))}, "discount"),
        ({"template": Template(lines=RETAINER.lines, tax_rate=Decimal(101))}, "tax_rate"),
    ],
)
def test_what_cannot_be_is_refused_with_its_field(calendar: Calendar, facts: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        calendar.create(**facts)
    assert list(refused.value.fields) == [field]
    assert calendar.invoices() == []
    assert calendar.rows("SELECT 1 FROM recurring_invoices") == []


def test_trying_its_first_invoice_out_leaves_no_trace(calendar: Calendar) -> None:
    calendar.create()
    assert calendar.rows("SELECT 1 FROM invoices") == calendar.rows("SELECT 1 FROM invoice_lines") == []
    assert calendar.rows("SELECT 1 FROM events WHERE resource = 'invoice'") == []


def test_one_that_sends_itself_has_the_po_number_that_its_client_requires(calendar: Calendar) -> None:
    calendar.do(clients.change, calendar.studio.ids["client"], require_po_number=True)
    calendar.create()
    with pytest.raises(Invalid) as refused:
        calendar.create(mode="SEND")
    assert list(refused.value.fields) == ["po_number"]


def test_a_member_neither_makes_nor_sees_one(calendar: Calendar) -> None:
    made = calendar.create()
    for verb, words in (
        (recurring.read, [made.id]), (recurring.pause, [made.id]), (recurring.runs, [made.id]),
        (recurring.occurrences, [made.id]), (runs.run_now, [made.id]), (runs.due, []), (recurring.made, [[made.id]]),
    ):  # fmt: skip
        with pytest.raises(Forbidden):
            calendar.do(verb, *words, who="member")


# --- failing


def stubborn(calendar: Calendar) -> recurring.RecurringInvoice:
    """One whose client refuses to be sent an invoice without a PO number."""
    made = calendar.on("2026-06-15").create(mode="SEND")
    client = calendar.studio.ids["client"]
    calendar.do(clients.change, client, require_po_number=True, email="ap@globex.example")
    return made


def test_one_that_fails_stops_no_other_and_loses_no_day(calendar: Calendar) -> None:
    failing = stubborn(calendar)
    fine = calendar.create(client_id=calendar.studio.ids["other_client"])
    ran = calendar.on("2026-06-30").run()
    assert {run.recurring_id for run in ran} == {fine.id}
    found = calendar.read(failing)
    assert found.failure == ("Request validation failed. po_number: Globex requires a PO number on every invoice.")
    assert (found.status, found.next_run_on) == ("ACTIVE", date(2026, 7, 30))
    assert [one.client_id for one in calendar.invoices()] == [calendar.studio.ids["other_client"]]
    assert calendar.do(recurring.occurrences, failing.id, 2)[0] == (date(2026, 6, 30), True)
    calendar.do(clients.change, calendar.studio.ids["client"], require_po_number=False)
    assert calendar.run() == []  # it is not its time yet
    assert days(calendar.on("2026-06-30", 13).run()) == ["2026-06-30"]
    assert (calendar.read(failing).failure, calendar.history(failing)) == (None, [("2026-06-30", "MADE")])


@pytest.mark.parametrize("catch_up", recurring.CATCH_UPS)
def test_a_day_that_failed_is_made_up_for_whatever_the_policy(calendar: Calendar, catch_up: Any) -> None:
    made = stubborn(calendar)
    calendar.do(recurring.change, made.id, catch_up=catch_up, po_number="PO-1")
    calendar.do(recurring.change, made.id, po_number=None, mode="DRAFT")
    with calendar.studio.context() as ctx:
        ctx.change(ctx.find(recurring.RecurringInvoice, made.id), mode="SEND")
    assert calendar.on("2026-06-30").run() == calendar.on("2026-07-30").run() == []
    assert calendar.history(made) == [("2026-06-30", "FAILED"), ("2026-07-30", "FAILED")]
    calendar.do(clients.change, calendar.studio.ids["client"], require_po_number=False)
    assert sorted(days(calendar.on("2026-08-15").run())) == ["2026-06-30", "2026-07-30"]


@pytest.mark.parametrize(
    ("catch_up", "history"),
    [
        ("LATEST", [("2026-06-30", "PASSED"), ("2026-07-30", "PASSED"), ("2026-08-30", "FAILED")]),
        ("NONE", [("2026-06-30", "PASSED"), ("2026-07-30", "PASSED"), ("2026-08-30", "FAILED")]),
    ],
)
def test_a_day_that_fails_behind_days_that_were_missed_is_told(
    calendar: Calendar, catch_up: Any, history: list[tuple[str, str]]
) -> None:
    made = stubborn(calendar)
    with calendar.studio.context() as ctx:
        ctx.change(ctx.find(recurring.RecurringInvoice, made.id), catch_up=catch_up)
    assert calendar.on("2026-08-30").run() == []
    assert calendar.history(made) == history
    found = calendar.read(made)
    assert (found.failure is not None, found.next_run_on) == (True, date(2026, 9, 30))
    calendar.do(clients.change, calendar.studio.ids["client"], require_po_number=False)
    assert days(calendar.on("2026-08-31").run()) == ["2026-08-30"]


def test_it_is_tried_again_less_and_less_often(calendar: Calendar) -> None:
    made = stubborn(calendar)
    tries: list[tuple[int, str]] = []
    for moment in ("06-30T12:00", "06-30T12:14", "06-30T12:15", "06-30T13:15", "06-30T17:15", "07-01T17:15"):
        calendar.at(f"2026-{moment}:00+00:00").run()
        ((count, at),) = calendar.rows("SELECT attempts, retry_at FROM recurring_runs")
        tries.append((count, at.strftime("%dT%H:%M")))
    assert tries == [
        (1, "30T12:15"), (1, "30T12:15"), (2, "30T13:15"), (3, "30T17:15"), (4, "01T17:15"), (5, "02T17:15"),
    ]  # fmt: skip
    assert calendar.read(made).failure is not None


def test_the_last_day_that_failed_keeps_it_alive(calendar: Calendar) -> None:
    made = stubborn(calendar)
    with calendar.studio.context() as ctx:
        ctx.change(ctx.find(recurring.RecurringInvoice, made.id), rule="FREQ=MONTHLY;COUNT=1")
    calendar.on("2026-06-30").run()
    found = calendar.read(made)
    assert (found.status, found.next_run_on, found.failure is None) == ("ACTIVE", None, False)
    skipped = calendar.do(recurring.skip, made.id)
    assert (skipped.status, skipped.failure) == ("ENDED", None)
    assert calendar.history(made) == [("2026-06-30", "SKIPPED")]


def test_to_run_it_now_says_why_it_fails_and_keeps_nothing(calendar: Calendar) -> None:
    made = stubborn(calendar)
    with pytest.raises(Conflict, match="Nothing is due before 2026-06-30"):
        calendar.do(runs.run_now, made.id)
    calendar.on("2026-06-30")
    with pytest.raises(Invalid) as refused:
        calendar.do(runs.run_now, made.id)
    assert list(refused.value.fields) == ["po_number"]
    assert calendar.history(made) == []


def test_a_client_that_is_gone_fails_in_words(calendar: Calendar) -> None:
    client = calendar.do(clients.create, name="Hooli")
    made = calendar.create(client_id=client.id)
    calendar.do(clients.delete, client.id)
    assert calendar.on("2026-06-30").run() == []
    assert calendar.read(made).failure == "Request validation failed. client_id: no such client."


def test_a_fault_of_ours_is_kept_like_a_refusal(calendar: Calendar, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = calendar.create()
    fine = calendar.create(start="2026-06-29")
    whole = runs.draft_of

    def breaks(ctx: Any, one: Any, *words: Any, **facts: Any) -> Any:
        if one.id == broken.id:
            raise ZeroDivisionError
        return whole(ctx, one, *words, **facts)

    monkeypatch.setattr(runs, "draft_of", breaks)
    assert [run.recurring_id for run in calendar.on("2026-06-30").run()] == [fine.id]
    assert calendar.read(broken).failure == attempts.OURS


# --- lists


def test_the_list_finds_by_client_state_and_day(calendar: Calendar) -> None:
    first = calendar.create(name="First")
    second = calendar.create(client_id=calendar.studio.ids["other_client"], start="2026-07-31", name="Second")
    calendar.do(recurring.pause, second.id)

    def found(**filters: Any) -> list[str]:
        with calendar.studio.context() as ctx:
            page = RECURRING_INVOICES.page(ctx, ("name",), filters, sort="name")
            return [name for (name,) in page.rows]

    assert found() == ["First", "Second"]
    assert found(status="PAUSED") == found(client_id=second.client_id) == found(client_name="initech") == ["Second"]
    assert found(next_run_on_to=date(2026, 6, 30)) == found(search="fir") == ["First"]
    assert first.name == "First"


def test_occurrences_tell_the_days_to_come(calendar: Calendar) -> None:
    made = calendar.on("2026-06-15").create("FREQ=MONTHLY;COUNT=3")
    found = calendar.do(recurring.occurrences, made.id)
    assert found == [(date(2026, 6, 30), False), (date(2026, 7, 30), False), (date(2026, 8, 30), False)]
    assert len(calendar.do(recurring.occurrences, made.id, 2)) == 2
    assert calendar.on("2026-07-01").do(recurring.occurrences, made.id, 1) == [(date(2026, 6, 30), True)]
    calendar.run()
    assert calendar.do(recurring.made, [made.id]) == {made.id: (1, date(2026, 6, 30))}
