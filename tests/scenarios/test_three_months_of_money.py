"""Three months of a studio's money: each month's sums are those of a calculation in cents of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from tallystick.db.session import Prepared
from tallystick.domain import clients, payments, refunds, sending, time_entries
from tallystick.domain.credit_notes import credit as crediting
from tallystick.domain.credit_notes.credit import CreditLine
from tallystick.domain.invoices import draft as drafts
from tallystick.domain.invoices import invoice as invoices
from tallystick.domain.invoices.draft import CustomLine
from tallystick.domain.invoices.invoice import Invoice
from tallystick.domain.invoices.totals import Discount
from tallystick.domain.mails import settings as mail_settings
from tallystick.domain.mails.mail import Mail
from tallystick.domain.recurring import recurring, runs
from tallystick.domain.recurring.recurring import Template
from tallystick.domain.tax_rates import Said
from tallystick.jobs import tasks
from tests.mail.conftest import Office, box, office

__all__ = ["box", "office"]

MONTHS = (date(2026, 9, 1), date(2026, 10, 1), date(2026, 11, 1))
"""The clocks go back in the second."""
RATE, SEATS, RETAINER = 9_000, 1_999, 123_456
"""Cents: an hour, a seat, a month."""


@dataclass
class Books:
    """What must have been billed, paid, credited and returned, in cents."""

    billed: list[int] = field(default_factory=list)
    paid: int = 0
    fees: int = 0
    credited: int = 0
    refunded: int = 0


def tax(cents: int, percent: int) -> int:
    """Half a cent is rounded up."""
    return (cents * percent * 2 + 100) // 200


def euros(cents: int) -> Decimal:
    return Decimal(cents) / 100


def travel(office: Office, day: date, hour: int = 10) -> None:
    office.studio.clock.now = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def work_off(office: Office) -> None:
    """What workers do on a day: bill what recurs, remind, and deliver."""
    runs.run_due(lambda: office.desk.workspace(office.studio.workspace_id))
    for _ in range(2):  # a job may run twice
        tasks.remind(office.desk)
    with office.context() as ctx:
        waiting = ctx.select(Mail, Mail.state == "queued")
    for mail in waiting:
        assert office.send(mail) is None


def bill(office: Office, books: Books, month: date) -> Invoice:
    """Draft a month's hours with seats at another rate and a discount, and send it."""
    hours = [1 + (month.month + day) % 4 for day in range(1, 11)]
    ids = office.studio.ids
    with office.context("manager") as ctx:
        for day, one in enumerate(hours, 1):
            time_entries.log(
                ctx, project_id=ids["project"], entry_date=month.replace(day=day), duration_seconds=one * 3600 + 900
            )
    with office.context() as ctx:
        line = CustomLine(
            "Seats", Decimal(3), euros(SEATS), discount=Discount(percent=Decimal(10)), tax=Said(tax_rate=Decimal(7))
        )
        made = drafts.draft(
            ctx, client_id=ids["client"], date_to=month.replace(day=28), lines=[line], tax_rate=Decimal(19),
            due_date=month.replace(day=28) - timedelta(days=4),
        )  # fmt: skip
        sent = sending.send(ctx, made.invoice.id).invoice
    worked = (sum(hours) * 4 + len(hours)) * RATE // 4
    seats = 3 * SEATS - (3 * SEATS * 10 * 2 + 100) // 200
    books.billed.append(worked + seats + tax(worked, 19) + tax(seats, 7))
    return sent


@pytest.mark.usefixtures("sound")
def test_each_month_s_sums_are_those_of_another_calculation(office: Office) -> None:
    books, ids = Books(), office.studio.ids
    travel(office, MONTHS[0])
    with office.context() as ctx:
        for client in ("client", "other_client"):
            clients.change(ctx, ids[client], email=f"{client.replace('_', '.')}@globex.example")
        mail_settings.change(ctx, reminder_days=[-3, 1, 7])
        recurring.create(
            ctx, client_id=ids["other_client"], rule="FREQ=MONTHLY;BYMONTHDAY=-1", start_date=MONTHS[0], mode="SEND",
            template=Template(lines=(CustomLine("Retainer", Decimal(1), euros(RETAINER)),), tax_rate=Decimal(19)),
        )  # fmt: skip
    sent: list[Invoice] = []
    day = MONTHS[0]
    while day < date(2026, 12, 1):
        travel(office, day)
        if day.day == 11:
            sent.append(bill(office, books, day.replace(day=1)))
        if day.day == 20:  # a part comes in, less what the bank takes
            part = books.billed[-1] * 2 // 5
            with office.context() as ctx:
                payments.record(ctx, sent[-1].id, amount=euros(part), paid_on=day, fee=Decimal("1.50"))
            books.paid, books.fees = books.paid + part, books.fees + 150
        if day.day == 27 and day.month != 11:  # the rest, late by three days
            with office.context() as ctx:
                rest = ctx.find(Invoice, sent[-1].id).balance
                payments.record(ctx, sent[-1].id, amount=rest, paid_on=day)
            books.paid += books.billed[-1] - books.billed[-1] * 2 // 5
        if day == date(2026, 11, 12):  # a part of the hours was wrong: it lowers what is open
            with office.context() as ctx:
                hours = next(one for one in invoices.lines(ctx, sent[-1].id) if one.kind != "CUSTOM")
                crediting.credit(ctx, sent[-1].id, reason="Too many hours", lines=[CreditLine(hours.id, Decimal(50))])
            books.credited += 5_000 + tax(5_000, 19)
            books.billed[-1] -= 5_000 + tax(5_000, 19)
        if day == date(2026, 10, 29):  # a part of what was paid goes back
            with office.context() as ctx:
                first = payments.of_invoice(ctx, sent[-1].id)[0]
                refunds.record(ctx, sent[-1].id, first.id, amount=Decimal(20), refunded_on=day)
            books.refunded += 2_000
        for hour in (5, 9, 23):
            travel(office, day, hour)
            work_off(office)
        if (day + timedelta(days=1)).day == 1:
            agree(office, books)
        day += timedelta(days=1)
    with office.context() as ctx:
        letters = ctx.select(Mail)
    kinds = [one.kind for one in letters if one.state == "sent"]
    assert (kinds.count("invoice"), len(letters) - len(kinds)) == (6, 0)
    reminded = sorted(f"{one.created_at:%m-%d}" for one in letters if one.kind == "reminder")
    assert reminded == sorted([
        "09-21", "09-25",
        "10-21", "10-25", "10-31",  # what was returned is open again
        "11-21", "11-25",
        "10-11", "10-15", "10-21", "11-11", "11-15", "11-21",  # the retainers, which nobody pays
    ])  # fmt: skip
    assert len({letter["Message-ID"] for letter in office.box.letters}) == len(office.box.letters) == len(letters)


def agree(office: Office, books: Books) -> None:
    """The record says the same as the books."""
    with office.context() as ctx:
        ((invoiced, paid, open_still),) = ctx.rows(
            Prepared(
                text("""
                    SELECT sum(total - amount_credited), sum(amount_paid), sum(balance) FROM invoices
                    WHERE workspace_id = :workspace AND status <> 'DRAFT'
                """)
            )
        )
        ((fees, returned),) = ctx.rows(
            Prepared(text("SELECT sum(fee), sum(amount_refunded) FROM payments WHERE workspace_id = :workspace"))
        )
        retainers = len(ctx.select(Invoice, Invoice.client_id == office.studio.ids["other_client"]))
    owed = sum(books.billed) + retainers * (RETAINER + tax(RETAINER, 19))
    assert retainers == len(books.billed)
    assert invoiced == euros(owed)
    assert paid == euros(books.paid - books.refunded)
    assert open_still == euros(owed - books.paid + books.refunded)
    assert (fees, returned) == (euros(books.fees), euros(books.refunded))
