"""Money that goes back, money that is over, and money that never comes: refunds, client credit, write-offs."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tallystick.domain import client_credit, payments, refunds
from tallystick.domain.context import Context
from tallystick.domain.invoices import balance
from tallystick.domain.invoices.invoice import Invoice
from tallystick.domain.payments import Payment, Refund
from tallystick.values.errors import Conflict, Forbidden, Invalid, NotFound, Refusal
from tests.domain.invoices.conftest import Bench

TODAY = date(2026, 6, 15)


def refund(bench: Bench, payment: Payment, amount: str | None = None, **facts: Any) -> Invoice:
    with bench.studio.context("admin") as ctx:
        given = None if amount is None else Decimal(amount)
        facts = {"refunded_on": TODAY, **facts}
        return refunds.record(ctx, payment.invoice_id, payment.id, amount=given, **facts)[2]


def over(bench: Bench, amount: str, total: str = "100") -> Payment:
    """A payment of more than an invoice's total."""
    return bench.pay(bench.sent(total).id, amount, overpayment="credit")[0]


def credit(bench: Bench, currency: str = "EUR") -> Decimal:
    with bench.studio.context() as ctx:
        return client_credit.available(ctx, bench.client, currency)


def do(bench: Bench, verb: Any, *words: Any, **facts: Any) -> Any:
    with bench.studio.context("admin") as ctx:
        return verb(ctx, *words, **facts)


class TestRefund:
    def test_all_of_it_makes_it_refunded_and_open_again(self, bench: Bench):
        payment, _ = bench.pay(bench.sent("100").id, "100", note="By bank")
        back = refund(bench, payment)
        assert (back.status, back.payment_status, back.amount_paid, back.balance) == ("SENT", "refunded", 0, 100)
        assert (back.amount_refunded, back.paid_at) == (100, None)
        stored = bench.read(back.id)
        assert (stored.payment_status, stored.balance) == ("refunded", 100)
        assert bench.sql("SELECT status, amount_refunded FROM payments WHERE id = :id", id=payment.id) == [
            ("refunded", 100)
        ]
        assert bench.events(back.id)[-1] == "invoice.reopened"
        with pytest.raises(Conflict, match="returned already"):
            refund(bench, payment)

    def test_a_part_of_it(self, bench: Bench):
        payment, _ = bench.pay(bench.sent("100").id, "100")
        back = refund(bench, payment, "30")
        assert (back.payment_status, back.amount_paid, back.balance) == ("partially_paid", 70, 30)
        back = refund(bench, payment, "69.99")
        assert (back.amount_paid, back.payment_status) == (Decimal("0.01"), "partially_paid")
        with pytest.raises(Invalid) as refused:
            refund(bench, payment, "0.02")
        assert refused.value.fields == {"amount": "0.02 is more than what is left of the payment, 0.01 EUR"}
        again = bench.pay(back.id, "99.99")[1]
        assert (again.status, again.payment_status) == ("PAID", "paid")

    @pytest.mark.parametrize("amount", ["0", "-1", "0.001", "NaN"])
    def test_an_amount_that_cannot_be_is_refused(self, bench: Bench, amount: str):
        payment, _ = bench.pay(bench.sent("100").id, "100")
        with pytest.raises(Invalid) as refused:
            refund(bench, payment, amount)
        assert "amount" in refused.value.fields

    @pytest.mark.parametrize("days", [1, -3])
    def test_not_tomorrow_and_not_before_it_was_paid(self, bench: Bench, days: int):
        payment, _ = bench.pay(bench.sent("100").id, "100", paid_on=TODAY - timedelta(days=1))
        with pytest.raises(Invalid) as refused:
            refund(bench, payment, refunded_on=TODAY + timedelta(days=days))
        assert "refunded_on" in refused.value.fields

    def test_of_another_invoice_there_is_no_such_payment(self, bench: Bench):
        payment, _ = bench.pay(bench.sent("100").id, "100")
        with pytest.raises(NotFound):
            do(bench, refunds.record, bench.sent("5").id, payment.id, refunded_on=TODAY)

    @pytest.mark.parametrize("who", ["manager", "member"])
    def test_only_owner_and_admin_return(self, bench: Bench, who: str):
        payment, _ = bench.pay(bench.sent("100").id, "100")
        with bench.studio.context(who) as ctx, pytest.raises(Forbidden):
            refunds.record(ctx, payment.invoice_id, payment.id, refunded_on=TODAY)

    def test_the_same_external_id_is_one_refund(self, bench: Bench):
        payment, _ = bench.pay(bench.sent("100").id, "100")
        refund(bench, payment, "30", external_id="re_1")
        assert refund(bench, payment, "30", external_id="re_1").amount_refunded == 30
        with pytest.raises(Conflict, match="external id"):
            refund(bench, payment, "31", external_id="re_1")

    def test_a_settled_rest_stays_settled(self, bench: Bench):
        payment, _ = bench.pay(bench.sent("100").id, "30")
        bench.mark_paid(payment.invoice_id)
        back = refund(bench, payment)
        assert (back.status, back.amount_paid, back.settled, back.balance) == ("SENT", 70, 70, 30)

    def test_deleting_it_pays_the_invoice_again(self, bench: Bench):
        payment, _ = bench.pay(bench.sent("100").id, "100")
        refund(bench, payment)
        (row,) = do(bench, refunds.of_invoice, payment.invoice_id)
        after = do(bench, refunds.delete, payment.invoice_id, payment.id, row.id)
        assert (after.status, after.amount_paid, after.amount_refunded) == ("PAID", 100, 0)
        assert do(bench, refunds.of_invoice, payment.invoice_id) == []

    def test_deleting_it_is_refused_where_the_balance_was_paid_otherwise(self, bench: Bench):
        payment, _ = bench.pay(bench.sent("100").id, "100")
        refund(bench, payment)
        bench.pay(payment.invoice_id, "100")
        (row,) = do(bench, refunds.of_invoice, payment.invoice_id)
        with pytest.raises(Conflict, match="no longer open"):
            do(bench, refunds.delete, payment.invoice_id, payment.id, row.id)

    def test_day_note_and_tags_are_corrected(self, bench: Bench):
        payment, _ = bench.pay(bench.sent("100").id, "100")
        refund(bench, payment)
        (row,) = do(bench, refunds.of_invoice, payment.invoice_id)
        changed: Refund = do(bench, refunds.change, row.id, note="By cheque", tags=["a", "a"])
        assert (changed.note, changed.tags) == ("By cheque", ["a"])

    def test_a_payment_that_is_deleted_takes_its_refunds_along(self, bench: Bench):
        payment, _ = bench.pay(bench.sent("100").id, "100")
        refund(bench, payment, "30")
        after = do(bench, payments.delete, payment.invoice_id, payment.id)
        assert (after.amount_paid, after.amount_refunded, after.payment_status) == (0, 0, "unpaid")

    def test_the_amount_of_a_returned_payment_does_not_change(self, bench: Bench):
        payment, _ = bench.pay(bench.sent("100").id, "100")
        refund(bench, payment, "30")
        with pytest.raises(Conflict, match="does not change"):
            do(bench, payments.change, payment.id, amount=Decimal(50))

    def test_an_invoice_that_was_refunded_is_not_made_a_draft_again(self, bench: Bench):
        payment, _ = bench.pay(bench.sent("100").id, "100")
        refund(bench, payment)
        assert bench.cancel(payment.invoice_id).payment_status == "refunded"
        with pytest.raises(Conflict, match="Duplicate it"):
            bench.restore(payment.invoice_id)

    def test_16_at_once_return_no_more_than_was_paid(self, bench: Bench):
        payment, _ = bench.pay(bench.sent("100").id, "100")

        def act(ctx: Context) -> Any:
            return refunds.record(ctx, payment.invoice_id, payment.id, amount=Decimal(30), refunded_on=TODAY)

        answers = bench.refused(16, act)
        assert sum(not isinstance(one, Refusal) for one in answers) == 3
        assert bench.read(payment.invoice_id).amount_refunded == 90

    def test_the_database_refuses_to_return_more(self, bench: Bench):
        payment, _ = bench.pay(bench.sent("100").id, "100")
        with pytest.raises(psycopg.errors.CheckViolation):
            bench.sql("UPDATE payments SET amount_refunded = 101 WHERE id = :id", id=payment.id)


class TestOverpayment:
    def test_the_surplus_is_the_clients_credit(self, bench: Bench):
        payment = over(bench, "130")
        paid = bench.read(payment.invoice_id)
        assert (paid.status, paid.amount_paid, payment.surplus, credit(bench)) == ("PAID", 100, 30, 30)

    def test_on_a_paid_invoice_all_of_it_is(self, bench: Bench):
        payment = over(bench, "100")
        second, invoice = bench.pay(payment.invoice_id, "20", overpayment="credit")
        assert (second.surplus, invoice.amount_paid, credit(bench)) == (20, 100, 20)

    def test_without_the_word_it_is_refused(self, bench: Bench):
        with pytest.raises(Invalid):
            bench.pay(bench.sent("100").id, "100.01")

    def test_the_word_alone_makes_no_credit(self, bench: Bench):
        assert over(bench, "40").surplus == 0
        assert credit(bench) == 0

    def test_it_pays_another_invoice(self, bench: Bench):
        over(bench, "130")
        other = bench.sent("100")
        payment, left = do(bench, payments.apply_credit, other.id)
        assert (payment.amount, payment.from_credit, left.balance, credit(bench)) == (30, True, 70, 0)
        with pytest.raises(Invalid):
            do(bench, payments.apply_credit, other.id)
        with pytest.raises(Conflict, match="credit"):
            refund(bench, payment)
        after = do(bench, payments.delete, other.id, payment.id)
        assert (after.balance, credit(bench)) == (100, 30)

    def test_a_part_of_it_and_never_more_than_there_is_or_is_open(self, bench: Bench):
        over(bench, "130")
        other = bench.sent("20")
        do(bench, payments.apply_credit, other.id, amount=Decimal(5))
        for amount in ("30", "16"):
            with pytest.raises(Invalid) as refused:
                do(bench, payments.apply_credit, other.id, amount=Decimal(amount))
            assert "amount" in refused.value.fields
        paid = do(bench, payments.apply_credit, other.id)[1]
        assert (paid.status, credit(bench)) == ("PAID", 10)

    def test_credit_is_of_a_currency(self, bench: Bench):
        over(bench, "130")
        bench.client_is(currency="USD")
        with pytest.raises(Invalid):
            do(bench, payments.apply_credit, bench.sent("100").id)

    def test_what_is_returned_is_taken_from_it_first(self, bench: Bench):
        payment = over(bench, "130")
        back = refund(bench, payment, "30")
        assert (back.status, back.payment_status, back.amount_paid, credit(bench)) == ("PAID", "paid", 100, 0)
        back = refund(bench, payment, "100")
        assert (back.status, back.payment_status, back.balance) == ("SENT", "refunded", 100)

    def test_what_was_spent_elsewhere_is_not_returned(self, bench: Bench):
        payment = over(bench, "130")
        do(bench, payments.apply_credit, bench.sent("30").id)
        with pytest.raises(Conflict, match=r"At most 100.00 EUR") as refused:
            refund(bench, payment)
        assert refused.value.reason == "credit_spent"
        assert refund(bench, payment, "100").payment_status == "refunded"

    def test_a_payment_whose_surplus_was_spent_is_not_deleted(self, bench: Bench):
        payment = over(bench, "130")
        applied = do(bench, payments.apply_credit, bench.sent("30").id)[0]
        with pytest.raises(Conflict, match="spent"):
            do(bench, payments.delete, payment.invoice_id, payment.id)
        do(bench, payments.delete, applied.invoice_id, applied.id)
        after = do(bench, payments.delete, payment.invoice_id, payment.id)
        assert (after.status, after.balance, credit(bench)) == ("SENT", 100, 0)

    def test_a_second_one_that_was_all_surplus_leaves_the_first_alone(self, bench: Bench):
        payment = over(bench, "100")
        second, _ = bench.pay(payment.invoice_id, "20", overpayment="credit")
        after = do(bench, payments.delete, payment.invoice_id, second.id)
        assert (after.status, after.amount_paid, credit(bench)) == ("PAID", 100, 0)

    def test_16_at_once_spend_it_once(self, bench: Bench):
        over(bench, "130")
        sent = iter([bench.sent("30").id for _ in range(16)])
        answers = bench.refused(16, lambda ctx: payments.apply_credit(ctx, next(sent)))
        assert sum(not isinstance(one, Refusal) for one in answers) == 1
        assert credit(bench) == 0

    def test_the_database_refuses_credit_below_nothing(self, bench: Bench):
        over(bench, "130")
        with pytest.raises(psycopg.errors.CheckViolation):
            bench.sql("UPDATE client_credits SET amount = -1 WHERE workspace_id = :workspace")
        with bench.studio.context() as ctx, pytest.raises(Conflict, match="spent"):
            client_credit.book(ctx, bench.client, "EUR", Decimal(-31), "REFUND", invoice_id=bench.sent().id)

    def test_movements_are_kept(self, bench: Bench):
        payment = over(bench, "130")
        refund(bench, payment, "10")
        with bench.studio.context() as ctx:
            found = client_credit.of_client(ctx, bench.client)
        assert [(one.currency, one.amount) for one in found.balances] == [("EUR", 20)]
        assert [(one.cause, one.amount) for one in found.entries] == [("REFUND", -10), ("OVERPAYMENT", 30)]


class TestFee:
    def test_it_is_noted_and_on_no_invoice(self, bench: Bench):
        payment, paid = bench.pay(bench.sent("100").id, "100", fee=Decimal("2.90"))
        assert (payment.fee, paid.total, paid.amount_paid) == (Decimal("2.90"), 100, 100)

    def test_it_is_not_negative(self, bench: Bench):
        with pytest.raises(Invalid) as refused:
            bench.pay(bench.sent("100").id, "100", fee=Decimal(-1))
        assert "fee" in refused.value.fields


class TestWriteOff:
    def test_nothing_is_open_and_nothing_was_paid(self, bench: Bench):
        sent = bench.sent("100")
        bench.pay(sent.id, "40")
        lost = do(bench, balance.write_off, sent.id, reason=" Insolvent ")
        assert (lost.status, lost.payment_status, lost.amount_written_off, lost.balance) == (
            "SENT", "partially_paid", 60, 0,
        )  # fmt: skip
        assert (lost.write_off_reason, lost.written_off_at) == ("Insolvent", bench.studio.clock.now)
        assert bench.events(sent.id)[-1] == "invoice.written_off"
        for act in (
            lambda: bench.pay(sent.id, "1"),
            lambda: bench.mark_paid(sent.id),
            lambda: do(bench, payments.apply_credit, sent.id),
        ):
            with pytest.raises(Conflict) as refused:
                act()
            assert refused.value.reason == "written_off"

    def test_it_is_taken_back(self, bench: Bench):
        sent = bench.sent("100")
        do(bench, balance.write_off, sent.id, reason="Insolvent")
        again = do(bench, balance.expect_again, sent.id)
        assert (again.balance, again.amount_written_off, again.write_off_reason) == (100, 0, None)
        assert bench.pay(sent.id, "100")[1].status == "PAID"
        with pytest.raises(Conflict):
            do(bench, balance.expect_again, sent.id)

    def test_a_written_off_invoice_is_not_cancelled(self, bench: Bench):
        sent = bench.sent("100")
        do(bench, balance.write_off, sent.id, reason="Insolvent")
        with pytest.raises(Conflict, match="written off"):
            bench.cancel(sent.id)

    def test_only_what_is_open_of_a_sent_one(self, bench: Bench):
        paid = bench.mark_paid(bench.sent("100").id)
        for invoice_id in (paid.id, bench.cancel(bench.sent("5").id).id):
            with pytest.raises(Conflict):
                do(bench, balance.write_off, invoice_id, reason="Insolvent")

    def test_a_reason_is_needed(self, bench: Bench):
        with pytest.raises(Invalid) as refused:
            do(bench, balance.write_off, bench.sent("100").id, reason="  ")
        assert "reason" in refused.value.fields

    def test_a_payment_deleted_afterwards_is_open_again(self, bench: Bench):
        sent = bench.sent("100")
        payment, _ = bench.pay(sent.id, "40")
        do(bench, balance.write_off, sent.id, reason="Insolvent")
        after = do(bench, payments.delete, sent.id, payment.id)
        assert (after.balance, after.amount_written_off) == (40, 60)
