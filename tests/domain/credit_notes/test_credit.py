"""Credit notes: in full, by line, in part; what becomes of the invoice, of its work, and of what was paid."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tallystick.domain import client_credit, payments, refunds
from tallystick.domain.context import Context
from tallystick.domain.credit_notes import credit_note as credit_notes
from tallystick.domain.credit_notes import papers
from tallystick.domain.credit_notes.credit import CreditLine, credit
from tallystick.domain.credit_notes.credit_note import CreditNote
from tallystick.domain.invoices import balance, links
from tallystick.domain.invoices.draft import CustomLine
from tallystick.domain.invoices.invoice import Invoice
from tallystick.domain.invoices.totals import Discount
from tallystick.domain.tax_rates import Said
from tallystick.values.errors import Absent, Conflict, Forbidden, Invalid, Refusal
from tests.domain.invoices.conftest import Bench
from tests.domain.test_refunds import TODAY, do, refund


def take_back(bench: Bench, invoice: Invoice, *lines: CreditLine, reason: str = "Wrong") -> tuple[CreditNote, Invoice]:
    with bench.studio.context("manager") as ctx:
        return credit(ctx, invoice.id, reason=reason, lines=list(lines) or None)


def of(bench: Bench, invoice: Invoice, number: int, amount: str | None = None) -> CreditLine:
    """Of the line of that place, so much."""
    return CreditLine(bench.lines(invoice.id)[number - 1].id, None if amount is None else Decimal(amount))


def several(bench: Bench, **facts: Any) -> Invoice:
    """An invoice of three lines and two taxes, with a discount."""
    lines = [
        CustomLine("Design", Decimal(3), Decimal("33.33"), tax=Said(tax_rate=Decimal(19))),
        CustomLine("Book", Decimal(1), Decimal("50.01"), tax=Said(tax_rate=Decimal(7))),
        CustomLine("Care", Decimal(1), Decimal("0.99"), tax=Said(tax_rate=Decimal(19))),
    ]
    given = {"discount": Discount(percent=Decimal("3.3")), **facts}
    return bench.send(bench.draft(project_ids=[], lines=lines, **given).invoice.id)


def credit_of(bench: Bench) -> Decimal:
    with bench.studio.context() as ctx:
        return client_credit.available(ctx, bench.client, "EUR")


class TestInFull:
    def test_an_unpaid_invoice_is_cancelled_and_its_work_free(self, bench: Bench):
        entry_id = bench.log()
        sent = bench.send(bench.draft(tax_rate=Decimal(19)).invoice.id)
        note, after = take_back(bench, sent, reason=" Billed twice ")
        assert (note.number, note.issue_date, note.reason) == ("CN-0001", TODAY, "Billed twice")
        assert (note.subtotal, note.tax_amount, note.total) == (90, Decimal("17.10"), Decimal("107.10"))
        assert (note.applied, note.surplus) == (note.total, 0)
        assert (after.status, after.amount_credited, after.balance, after.sent_at) == ("CANCELLED", note.total, 0, None)
        assert after.payment_status == "unpaid"
        assert bench.entry(entry_id).invoice_id is None
        assert bench.draft().invoice.subtotal == 90
        assert bench.events(note.id) == ["credit_note.issued"]
        assert bench.events(sent.id)[-1] == "invoice.cancelled"

    def test_a_paid_invoice_stays_paid_and_the_money_is_the_clients_credit(self, bench: Bench):
        sent = bench.sent("100")
        payment, _ = bench.pay(sent.id, "100")
        note, after = take_back(bench, sent)
        assert (note.applied, note.surplus, credit_of(bench)) == (0, 100, 100)
        assert (after.status, after.payment_status, after.amount_paid, after.balance) == ("PAID", "paid", 0, 0)
        back = refund(bench, payment)
        assert (back.status, back.payment_status, credit_of(bench)) == ("PAID", "refunded", 0)

    def test_one_that_is_paid_in_part_is_paid_then(self, bench: Bench):
        sent = bench.sent("100")
        bench.pay(sent.id, "60")
        note, after = take_back(bench, sent)
        assert (note.applied, note.surplus, after.status, credit_of(bench)) == (40, 60, "PAID", 60)

    def test_one_that_was_settled_without_a_payment_gives_credit_too(self, bench: Bench):
        paid = bench.mark_paid(bench.sent("100").id)
        _, after = take_back(bench, paid, of(bench, paid, 1, "40"))
        assert (after.status, after.amount_paid, after.settled, credit_of(bench)) == ("PAID", 60, 100, 40)

    def test_one_whose_payment_never_came_is_cancelled(self, bench: Bench):
        sent = bench.sent("100")
        payment, _ = bench.pay(sent.id, "100")
        take_back(bench, sent)
        after = do(bench, payments.delete, sent.id, payment.id)
        assert (after.status, after.payment_status, after.balance, credit_of(bench)) == ("CANCELLED", "unpaid", 0, 0)
        assert (after.paid_at, after.sent_at) == (None, None)
        assert bench.events(sent.id)[-1] == "invoice.cancelled"
        with bench.studio.context() as ctx:
            assert links.live(ctx, sent.id) is None

    @pytest.mark.parametrize("first", ["refund", "credit"])
    def test_one_whose_payment_was_returned_stays_paid_whichever_came_first(self, bench: Bench, first: str):
        sent = bench.sent("100")
        payment, _ = bench.pay(sent.id, "100")
        steps = [lambda: refund(bench, payment), lambda: take_back(bench, sent)]
        for step in steps if first == "refund" else reversed(steps):
            step()
        after = bench.read(sent.id)
        assert (after.status, after.payment_status, after.balance, credit_of(bench)) == ("PAID", "refunded", 0, 0)

    def test_a_refund_by_mistake_is_taken_back_from_it(self, bench: Bench):
        sent = bench.sent("100")
        payment, _ = bench.pay(sent.id, "100")
        take_back(bench, sent)
        refund(bench, payment)
        (back,) = do(bench, refunds.of_invoice, sent.id)
        after = do(bench, refunds.delete, sent.id, payment.id, back.id)
        assert (after.status, after.payment_status, credit_of(bench)) == ("PAID", "paid", 100)

    def test_it_is_the_invoice_in_every_tax(self, bench: Bench):
        sent = several(bench)
        note, after = take_back(bench, sent)
        assert (note.subtotal, note.discount_amount, note.tax_amount, note.total) == (
            sent.subtotal, sent.discount_amount, sent.tax_amount, sent.total,
        )  # fmt: skip
        assert after.status == "CANCELLED"
        with bench.studio.context() as ctx:
            lines = credit_notes.lines(ctx, note.id)
        assert [(one.description, one.quantity, one.rate, one.whole) for one in lines] == [
            ("Design", 3, Decimal("33.33"), True),
            ("Book", 1, Decimal("50.01"), True),
            ("Care", 1, Decimal("0.99"), True),
        ]

    def test_there_is_no_second_time(self, bench: Bench):
        sent = bench.sent("100")
        bench.pay(sent.id, "100")
        take_back(bench, sent)
        with pytest.raises(Conflict, match="credited already"):
            take_back(bench, sent)

    def test_a_credited_invoice_is_not_made_a_draft_again(self, bench: Bench):
        sent = bench.sent("100")
        take_back(bench, sent)
        with pytest.raises(Conflict, match="Duplicate it"):
            bench.restore(sent.id)


class TestInPart:
    def test_the_balance_is_lower_and_the_work_stays_billed(self, bench: Bench):
        entry_id = bench.log()
        sent = bench.send(bench.draft(tax_rate=Decimal(19)).invoice.id)
        note, after = take_back(bench, sent, of(bench, sent, 1, "10"))
        assert (note.total, after.balance, after.status) == (Decimal("11.90"), Decimal("95.20"), "SENT")
        assert bench.entry(entry_id).invoice_id == sent.id
        assert bench.pay(sent.id, "95.20")[1].status == "PAID"

    def test_parts_are_together_the_invoice(self, bench: Bench):
        for including in (False, True):
            sent = several(bench, prices_include_tax=including)
            notes = [
                take_back(bench, sent, of(bench, sent, 1, "0.01"), of(bench, sent, 2, "13.37"))[0],
                take_back(bench, sent, of(bench, sent, 3))[0],
                take_back(bench, sent, of(bench, sent, 1, "50"))[0],
                take_back(bench, sent)[0],
            ]
            for name in ("subtotal", "discount_amount", "tax_amount", "total"):
                assert sum(getattr(note, name) for note in notes) == getattr(sent, name), (including, name)
            assert bench.read(sent.id).status == "CANCELLED"

    def test_a_whole_line(self, bench: Bench):
        sent = several(bench)
        note, _ = take_back(bench, sent, of(bench, sent, 2))
        assert note.subtotal == Decimal("50.01")
        with pytest.raises(Conflict, match="credited already"):
            take_back(bench, sent, of(bench, sent, 2))

    @pytest.mark.parametrize("amount", ["0", "-1", "0.001", "100.01", "NaN"])
    def test_an_amount_that_cannot_be_is_refused(self, bench: Bench, amount: str):
        sent = bench.sent("100")
        with pytest.raises(Invalid) as refused:
            take_back(bench, sent, of(bench, sent, 1, amount))
        assert "line 1" in refused.value.fields["lines"]

    def test_never_more_than_what_is_left_of_a_line(self, bench: Bench):
        sent = bench.sent("100")
        take_back(bench, sent, of(bench, sent, 1, "70"))
        with pytest.raises(Invalid) as refused:
            take_back(bench, sent, of(bench, sent, 1, "30.01"))
        assert "what is left of it, 30.00 EUR" in refused.value.fields["lines"]
        assert take_back(bench, sent, of(bench, sent, 1, "30"))[1].status == "CANCELLED"

    def test_a_line_of_another_invoice_or_named_twice_is_refused(self, bench: Bench):
        sent, other = bench.sent("100"), bench.sent("100")
        with pytest.raises(Absent):
            take_back(bench, sent, of(bench, other, 1))
        with pytest.raises(Invalid):
            take_back(bench, sent, of(bench, sent, 1, "1"), of(bench, sent, 1, "1"))
        with pytest.raises(Invalid), bench.studio.context() as ctx:
            credit(ctx, sent.id, reason="Wrong", lines=[])


class TestWhen:
    def test_drafts_and_cancelled_ones_are_not_credited(self, bench: Bench):
        made = bench.draft(project_ids=[], lines=[CustomLine("Fee", Decimal(1), Decimal(1))]).invoice
        for invoice in (made, bench.cancel(made.id)):
            with pytest.raises(Conflict, match="not credited"):
                take_back(bench, invoice)

    def test_nor_one_that_is_written_off_or_comes_to_nothing(self, bench: Bench):
        sent = bench.sent("100")
        do(bench, balance.write_off, sent.id, reason="Insolvent")
        with pytest.raises(Conflict, match="written off"):
            take_back(bench, sent)
        with pytest.raises(Conflict, match="credited already"):
            take_back(bench, bench.sent("0"))

    def test_a_reason_is_needed(self, bench: Bench):
        with pytest.raises(Invalid):
            take_back(bench, bench.sent("100"), reason=" ")

    def test_members_may_not(self, bench: Bench):
        sent = bench.sent("100")
        with bench.studio.context("member") as ctx, pytest.raises(Forbidden):
            credit(ctx, sent.id, reason="Wrong")

    def test_a_credited_invoice_is_not_cancelled_by_hand(self, bench: Bench):
        sent = bench.sent("100")
        take_back(bench, sent, of(bench, sent, 1, "1"))
        with pytest.raises(Conflict, match="Credit what is left"):
            bench.cancel(sent.id)

    def test_a_refused_one_burns_no_number(self, bench: Bench):
        sent = bench.sent("100")
        with pytest.raises(Invalid):
            take_back(bench, sent, of(bench, sent, 1, "101"))
        assert take_back(bench, sent)[0].number == "CN-0001"

    def test_a_deleted_payment_takes_its_credit_along(self, bench: Bench):
        sent = bench.sent("100")
        payment, _ = bench.pay(sent.id, "100")
        take_back(bench, sent, of(bench, sent, 1, "40"))
        after = do(bench, payments.delete, sent.id, payment.id)
        assert (after.status, after.amount_paid, after.balance, credit_of(bench)) == ("SENT", 0, 60, 0)

    def test_what_is_returned_beyond_the_credit_is_open_again(self, bench: Bench):
        sent = bench.sent("100")
        payment, _ = bench.pay(sent.id, "100")
        take_back(bench, sent, of(bench, sent, 1, "40"))
        back = refund(bench, payment, "70")
        assert (back.status, back.amount_paid, back.balance, credit_of(bench)) == ("SENT", 30, 30, 0)


class TestGuards:
    def test_the_database_refuses_to_rewrite_a_credit_note(self, bench: Bench):
        note, _ = take_back(bench, bench.sent("100"))
        for statement in (
            "UPDATE credit_notes SET total = 1 WHERE id = :id",
            "DELETE FROM credit_notes WHERE id = :id",
            "UPDATE credit_note_lines SET total = 1 WHERE credit_note_id = :id",
            "DELETE FROM credit_note_taxes WHERE credit_note_id = :id",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                bench.sql(statement, id=note.id)

    def test_the_database_refuses_more_than_is_left_of_a_line(self, bench: Bench):
        sent = bench.sent("100")
        for credited in ("101", "-1"):
            with pytest.raises(psycopg.errors.CheckViolation):
                bench.sql(f"UPDATE invoice_lines SET credited = {credited} WHERE invoice_id = :id", id=sent.id)
        with pytest.raises(psycopg.errors.RestrictViolation):
            bench.sql("UPDATE invoice_lines SET credited = 1, total = 2 WHERE invoice_id = :id", id=sent.id)

    def test_16_at_once_take_back_no_more_than_there_is(self, bench: Bench):
        sent = bench.sent("100")
        line = of(bench, sent, 1, "30")
        answers = bench.refused(16, lambda ctx: credit(ctx, sent.id, reason="Wrong", lines=[line]), who="manager")
        done = [one for one in answers if not isinstance(one, Refusal)]
        assert len(done) == 3
        assert sorted(note.number for note, _ in done) == ["CN-0001", "CN-0002", "CN-0003"]
        assert bench.read(sent.id).amount_credited == 90

    def test_credit_notes_payments_and_refunds_at_once_add_up(self, bench: Bench):
        sent = bench.sent("100")
        payment, _ = bench.pay(sent.id, "50")
        line = of(bench, sent, 1, "30")
        acts = iter(
            [
                lambda ctx: credit(ctx, sent.id, reason="Wrong", lines=[line]),
                lambda ctx: payments.record(ctx, sent.id, amount=Decimal(20), paid_on=TODAY),
                lambda ctx: refunds.record(ctx, sent.id, payment.id, amount=Decimal(20), refunded_on=TODAY),
                lambda ctx: payments.record(ctx, sent.id, amount=Decimal(70), paid_on=TODAY, overpayment="credit"),
            ]
            * 4
        )

        def act(ctx: Context) -> Any:
            return next(acts)(ctx)

        bench.refused(16, act)
        after = bench.read(sent.id)
        assert 0 <= after.amount_paid + after.amount_credited <= 100
        assert after.balance == 100 - after.amount_paid - after.amount_credited


class TestPaper:
    def test_it_says_of_what_it_takes_back_how_much(self, bench: Bench):
        sent = several(bench)
        note, _ = take_back(bench, sent, of(bench, sent, 1, "10"), of(bench, sent, 2))
        with bench.studio.context() as ctx:
            paper = papers.of_credit_note(ctx, note.id)
        assert (paper.kind, paper.number, paper.preceding_number, paper.reason) == (
            "CREDIT_NOTE", "CN-0001", sent.number, "Wrong",
        )  # fmt: skip
        first, second = paper.lines
        assert (first.description, first.quantity, first.price, first.total) == ("Design", 1, 10, 10)
        assert (second.quantity, second.price, second.total) == (1, Decimal("50.01"), Decimal("50.01"))
        assert sum(line.total for line in paper.lines) == paper.subtotal == note.subtotal
        assert sum(one.amount for one in paper.discounts) == paper.discount
        assert sum(tax.amount for tax in paper.taxes) == paper.tax
        assert sum(tax.basis for tax in paper.taxes) == paper.net
        assert paper.net + paper.tax == paper.total == note.total
