"""Payments: what is received, never more than the balance, each once, and taken back when it was a mistake."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from tallystick.domain import payments
from tallystick.domain.context import Context
from tallystick.domain.invoices.draft import CustomLine
from tallystick.domain.payments import Payment
from tallystick.values.errors import Conflict, Forbidden, Invalid, NotFound, Refusal
from tests.domain.invoices.conftest import Bench

TODAY = date(2026, 6, 15)


class TestRecord:
    def test_a_part_of_it(self, bench: Bench):
        sent = bench.sent("100")
        payment, left = bench.pay(sent.id, "30", note="By bank")
        assert (payment.amount, payment.currency, payment.paid_on, payment.note) == (30, "EUR", TODAY, "By bank")
        assert (left.status, left.payment_status, left.amount_paid) == ("SENT", "partially_paid", 30)
        assert bench.read(sent.id).payment_status == "partially_paid"
        assert bench.events(payment.id) == ["payment.recorded"]

    def test_what_settles_the_balance_makes_it_paid(self, bench: Bench):
        sent = bench.sent("100")
        bench.pay(sent.id, "30")
        _, paid = bench.pay(sent.id, "70")
        assert (paid.status, paid.payment_status, paid.amount_paid) == ("PAID", "paid", 100)
        assert paid.paid_at == bench.studio.clock.now
        assert paid.settled == 0
        assert bench.events(sent.id)[-1] == "invoice.paid"

    def test_more_than_the_balance_is_refused(self, bench: Bench):
        sent = bench.sent("100")
        bench.pay(sent.id, "30")
        with pytest.raises(Invalid) as refused:
            bench.pay(sent.id, "70.01")
        assert refused.value.fields == {"amount": "70.01 is more than the balance of 70.00 EUR"}
        bench.pay(sent.id, "70")
        with pytest.raises(Invalid) as refused:
            bench.pay(sent.id, "0.01")
        assert "balance of 0.00 EUR" in refused.value.fields["amount"]

    @pytest.mark.parametrize("amount", ["0", "-1", "0.001", "NaN", "1e30"])
    def test_an_amount_that_cannot_be_is_refused(self, bench: Bench, amount: str):
        with pytest.raises(Invalid) as refused:
            bench.pay(bench.sent("100").id, amount)
        assert "amount" in refused.value.fields

    def test_yen_have_no_decimals(self, bench: Bench):
        bench.client_is(currency="JPY")
        sent = bench.sent("100")
        with pytest.raises(Invalid):
            bench.pay(sent.id, "0.5")
        bench.pay(sent.id, "50")

    def test_tomorrow_is_too_early(self, bench: Bench):
        sent = bench.sent("100")
        with pytest.raises(Invalid) as refused:
            bench.pay(sent.id, "1", paid_on=TODAY + timedelta(days=1))
        assert "paid_on" in refused.value.fields

    def test_a_draft_takes_none(self, bench: Bench):
        made = bench.draft(lines=[CustomLine("Fee", Decimal(1), Decimal(100))]).invoice
        with pytest.raises(Conflict, match="Draft invoices take no payments"):
            bench.pay(made.id, "1")
        bench.cancel(made.id)
        with pytest.raises(Conflict, match="Cancelled invoices take no payments"):
            bench.pay(made.id, "1")

    @pytest.mark.parametrize("who", ["manager", "member"])
    def test_only_owner_and_admin_record(self, bench: Bench, who: str):
        sent = bench.sent("100")
        payment, _ = bench.pay(sent.id, "1")
        with bench.studio.context(who) as ctx:
            with pytest.raises(Forbidden):
                payments.record(ctx, sent.id, amount=Decimal(1), paid_on=TODAY)
            with pytest.raises(Forbidden):
                payments.delete(ctx, sent.id, payment.id)

    def test_another_studio_finds_no_invoice(self, bench: Bench, other_studio):
        sent = bench.sent("100")
        with other_studio.context() as ctx, pytest.raises(NotFound):
            payments.record(ctx, sent.id, amount=Decimal(1), paid_on=TODAY)


class TestExternalId:
    def test_the_same_one_is_recorded_once(self, bench: Bench):
        sent = bench.sent("100")
        first, _ = bench.pay(sent.id, "100", external_id="ch_1")
        again, paid = bench.pay(sent.id, "100.00", external_id="ch_1")
        assert (again.id, paid.amount_paid) == (first.id, 100)

    def test_with_other_facts_it_is_refused(self, bench: Bench):
        sent, other = bench.sent("100"), bench.sent("100")
        bench.pay(sent.id, "30", external_id="ch_1")
        with pytest.raises(Conflict, match="external id"):
            bench.pay(sent.id, "31", external_id="ch_1")
        with pytest.raises(Conflict, match="external id"):
            bench.pay(other.id, "30", external_id="ch_1")

    def test_a_deleted_one_may_be_recorded_again(self, bench: Bench):
        sent = bench.sent("100")
        payment, _ = bench.pay(sent.id, "30", external_id="ch_1")
        with bench.studio.context("admin") as ctx:
            payments.delete(ctx, sent.id, payment.id)
        assert bench.pay(sent.id, "30", external_id="ch_1")[0].id != payment.id

    def test_two_invoices_at_once_do_not_share_it(self, bench: Bench):
        sent = iter([bench.sent("100").id for _ in range(8)])
        answers = bench.refused(
            8, lambda ctx: payments.record(ctx, next(sent), amount=Decimal(1), paid_on=TODAY, external_id="ch_9")
        )
        assert sum(not isinstance(answer, Refusal) for answer in answers) == 1
        assert all(isinstance(answer, Conflict) for answer in answers if isinstance(answer, Refusal))


class TestDelete:
    def test_the_balance_reopens_and_a_paid_invoice_is_sent_again(self, bench: Bench):
        sent = bench.sent("100")
        bench.pay(sent.id, "30")
        payment, _ = bench.pay(sent.id, "70")
        with bench.studio.context("admin") as ctx:
            reopened = payments.delete(ctx, sent.id, payment.id)
        assert (reopened.status, reopened.amount_paid, reopened.paid_at) == ("SENT", 30, None)
        assert (reopened.sent_at, reopened.number) == (sent.sent_at, sent.number)
        assert bench.events(payment.id) == ["payment.recorded", "payment.deleted"]
        assert bench.events(sent.id)[-1] == "invoice.reopened"
        with bench.studio.context() as ctx:
            assert [one.amount for one in payments.of_invoice(ctx, sent.id)] == [30]

    def test_what_was_settled_on_top_is_open_again_too(self, bench: Bench):
        sent = bench.sent("100")
        payment, _ = bench.pay(sent.id, "30")
        bench.mark_paid(sent.id)
        with bench.studio.context("admin") as ctx:
            payments.delete(ctx, sent.id, payment.id)
        after = bench.read(sent.id)
        assert (after.status, after.amount_paid, after.settled) == ("SENT", 0, 0)
        bench.cancel(sent.id)

    def test_a_payment_of_another_invoice_is_not_found(self, bench: Bench):
        sent, other = bench.sent("100"), bench.sent("100")
        payment, _ = bench.pay(sent.id, "30")
        with bench.studio.context("admin") as ctx, pytest.raises(NotFound):
            payments.delete(ctx, other.id, payment.id)

    def test_it_is_deleted_once(self, bench: Bench):
        sent = bench.sent("100")
        payment, _ = bench.pay(sent.id, "30")
        with bench.studio.context("admin") as ctx:
            payments.delete(ctx, sent.id, payment.id)
            with pytest.raises(NotFound):
                payments.delete(ctx, sent.id, payment.id)
        assert bench.read(sent.id).amount_paid == 0


def paid_as_recorded(bench: Bench, invoice_id: str) -> Decimal:
    """The sum of the payments, which must be what the invoice says, and at most its total."""
    (recorded,) = bench.sql(
        "SELECT coalesce(sum(amount), 0) FROM payments WHERE workspace_id = :workspace AND invoice_id = :id",
        id=invoice_id,
    )[0]
    after = bench.read(invoice_id)
    assert recorded == after.amount_paid <= after.total
    return recorded


class TestAtOnce:
    def test_of_32_payments_of_30_on_100_three_are_taken(self, bench: Bench):
        sent = bench.sent("100")
        answers = bench.refused(32, lambda ctx: payments.record(ctx, sent.id, amount=Decimal(30), paid_on=TODAY))
        assert paid_as_recorded(bench, sent.id) == 90
        taken = [answer for answer in answers if not isinstance(answer, Refusal)]
        assert len(taken) == 3
        assert all(isinstance(answer, Invalid) for answer in answers if isinstance(answer, Refusal))

    def test_without_the_lock_on_the_invoice_the_sums_drift(self, bench: Bench, monkeypatch):
        """The guard seen to fail: the same callers, with the lock taken out."""
        import threading

        sent = bench.sent("100")
        have_read = threading.Barrier(3)
        locked = Context.find

        def unlocked(ctx, kind, identity, *, lock=None):
            found = locked(ctx, kind, identity)
            have_read.wait(30)
            return found

        monkeypatch.setattr(Context, "find", unlocked)
        bench.refused(3, lambda ctx: payments.record(ctx, sent.id, amount=Decimal(30), paid_on=TODAY))
        monkeypatch.setattr(Context, "find", locked)
        with pytest.raises(AssertionError):
            paid_as_recorded(bench, sent.id)

    def test_payments_and_deletions_at_once_keep_the_sums(self, bench: Bench):
        sent = bench.sent("100")
        first = iter([bench.pay(sent.id, "10")[0].id for _ in range(8)])

        def act(ctx: Context) -> object:
            try:
                payment_id = next(first)
            except StopIteration:
                return payments.record(ctx, sent.id, amount=Decimal(30), paid_on=TODAY)
            return payments.delete(ctx, sent.id, payment_id)

        bench.refused(16, act)
        (recorded,) = bench.sql(
            "SELECT coalesce(sum(amount), 0) FROM payments "
            "WHERE workspace_id = :workspace AND invoice_id = :id AND deleted_at IS NULL",
            id=sent.id,
        )[0]
        assert recorded == bench.read(sent.id).amount_paid <= 100


def test_an_amount_is_hidden_from_the_money_blind():
    assert "amount" in Payment.money
