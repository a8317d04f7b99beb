"""Payments: money received for an invoice, up to its balance; more only where the rest becomes the client's credit."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar, Literal

from sqlalchemy import CheckConstraint, Computed, Index, bindparam, select
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Counted, Id, Money, table_of, within_workspace
from tallystick.db.session import Prepared
from tallystick.domain.access import Permission
from tallystick.domain.client_credit import available, book, given_by
from tallystick.domain.clients import each_tag_once
from tallystick.domain.context import SENTENCES, Context, cast_rows, hydrate, workspace
from tallystick.domain.invoices.balance import NOTHING, check_not_written_off, stand
from tallystick.domain.invoices.invoice import Invoice
from tallystick.domain.invoices.totals import check_decimals
from tallystick.domain.listing import Listing
from tallystick.values.errors import Conflict, Invalid, NotFound
from tallystick.values.money import minor_unit, round_money

Overpayment = Literal["credit"]
"""What becomes of money beyond the balance."""
KNOWN_ALREADY = "A payment with this external id is recorded already, with another amount or on another invoice."


class Payment(Counted):
    """Money received, in the invoice's currency. One recorded by mistake is deleted; its row stays."""

    __tablename__ = "payments"
    noun: ClassVar[str] = "payment"
    money: ClassVar[frozenset[str]] = frozenset({"amount", "surplus", "fee", "amount_refunded"})

    invoice_id: Mapped[Id]
    amount: Mapped[Money]
    """All of it, with the surplus."""
    surplus: Mapped[Money] = mapped_column(default=Decimal(0))
    """What of it was more than the balance, and became the client's credit."""
    fee: Mapped[Money | None]
    """Collected on top, for processing the payment; on no invoice."""
    from_credit: Mapped[bool] = mapped_column(default=False)
    """No money came: the client's credit was spent."""
    amount_refunded: Mapped[Money] = mapped_column(default=Decimal(0))
    status: Mapped[str] = mapped_column(
        Computed("CASE WHEN amount_refunded = amount THEN 'refunded' ELSE 'paid' END", persisted=True)
    )
    currency: Mapped[str]
    paid_on: Mapped[date]
    note: Mapped[str | None]
    external_id: Mapped[str | None]
    """What the bank or gateway calls it: the same one is recorded once."""
    gateway: Mapped[str] = mapped_column(default="bank")
    """By which way it came."""
    transaction_id: Mapped[str | None]
    """What people wrote down of it; unlike `external_id`, it says nothing about whether it is the same one."""
    tags: Mapped[list[str]] = mapped_column(default=[])
    created_by: Mapped[Id | None]
    created_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("invoice_id", "invoices.id"),
            within_workspace("created_by", "members.user_id"),
            CheckConstraint("amount > 0", name="amount"),
            CheckConstraint("surplus BETWEEN 0 AND amount", name="surplus"),
            CheckConstraint("fee >= 0", name="fee"),
            CheckConstraint("amount_refunded BETWEEN 0 AND amount", name="refunded"),
            CheckConstraint("NOT from_credit OR (surplus = 0 AND amount_refunded = 0)", name="from_credit"),
            Index(
                "uq_payments_external_id",
                "workspace_id",
                "external_id",
                unique=True,
                postgresql_where="external_id IS NOT NULL AND deleted_at IS NULL",
            ),
            Index("ix_payments_invoice", "workspace_id", "invoice_id", "created_at"),
        )


class Refund(Counted):
    """Money returned of a payment. One recorded by mistake is deleted; its row stays."""

    __tablename__ = "refunds"
    noun: ClassVar[str] = "refund"
    money: ClassVar[frozenset[str]] = frozenset({"amount", "from_credit"})

    payment_id: Mapped[Id]
    invoice_id: Mapped[Id]
    """The payment's."""
    amount: Mapped[Money]
    from_credit: Mapped[Money] = mapped_column(default=Decimal(0))
    """What of it was the client's credit; only the rest is open on the invoice again."""
    currency: Mapped[str]
    refunded_on: Mapped[date]
    note: Mapped[str | None]
    external_id: Mapped[str | None]
    """What the bank or gateway calls it: the same one is recorded once."""
    tags: Mapped[list[str]] = mapped_column(default=[])
    created_by: Mapped[Id | None]
    created_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("payment_id", "payments.id"),
            within_workspace("invoice_id", "invoices.id"),
            within_workspace("created_by", "members.user_id"),
            CheckConstraint("amount > 0 AND from_credit BETWEEN 0 AND amount", name="amount"),
            Index(
                "uq_refunds_external_id",
                "workspace_id",
                "external_id",
                unique=True,
                postgresql_where="external_id IS NOT NULL AND deleted_at IS NULL",
            ),
            Index("ix_refunds_payment", "workspace_id", "payment_id"),
            Index("ix_refunds_invoice", "workspace_id", "invoice_id", "created_at"),
        )


PAYMENTS = Listing(Payment, sorts=("created_at", "id"))
REFUNDS = Listing(Refund, sorts=("created_at", "id"))


def record(
    ctx: Context,
    invoice_id: str,
    *,
    amount: Decimal,
    paid_on: date,
    note: str | None = None,
    external_id: str | None = None,
    gateway: str = "bank",
    transaction_id: str | None = None,
    fee: Decimal | None = None,
    overpayment: Overpayment | None = None,
) -> tuple[Payment, Invoice]:
    """Record money received on a sent invoice; what settles the balance makes it paid.

    More than the balance is refused, unless `overpayment` says that the rest becomes the client's credit. The same
    `external_id` with the same amount on the same invoice is the same payment: it is answered, not added.
    """
    ctx.require(Permission.RECORD_PAYMENTS)
    invoice = ctx.find(Invoice, invoice_id, lock="update")  # payments of one invoice queue up here
    if external_id is not None and (known := _replayed(ctx, invoice, external_id, amount)) is not None:
        return known, invoice
    if invoice.status in ("DRAFT", "CANCELLED"):
        raise Conflict(f"{invoice.status.title()} invoices take no payments", reason="invoice_state")
    check_not_written_off(invoice)
    _check(ctx, invoice, amount, paid_on, None if overpayment == "credit" else invoice.balance)
    if fee is not None:
        check_decimals(fee, "fee", minor_unit(invoice.currency))
        if fee < 0:
            raise Invalid(fields={"fee": "must not be negative"})
    surplus = max(amount - invoice.balance, Decimal(0))
    payment = ctx.add(
        Payment(
            invoice_id=invoice.id,
            amount=amount,
            surplus=surplus,
            fee=fee,
            currency=invoice.currency,
            paid_on=paid_on,
            note=note,
            external_id=external_id,
            gateway=gateway,
            transaction_id=transaction_id,
        )
    )
    payment.status = "paid"
    ctx.record("recorded", payment)
    book(ctx, invoice.client_id, invoice.currency, surplus, "OVERPAYMENT", invoice_id=invoice.id, payment_id=payment.id)
    if amount > surplus:
        given = given_by(ctx, invoice.id)
        stand(ctx, invoice, given=given, amount_paid=invoice.amount_paid + amount - surplus)
    return payment, invoice


def apply_credit(ctx: Context, invoice_id: str, *, amount: Decimal | None = None) -> tuple[Payment, Invoice]:
    """Pay a sent invoice with what its client has. No amount: as much of the balance as that covers."""
    ctx.require(Permission.RECORD_PAYMENTS)
    invoice = ctx.find(Invoice, invoice_id, lock="update")
    if invoice.status != "SENT":
        raise Conflict(f"{invoice.status.title()} invoices take no payments", reason="invoice_state")
    check_not_written_off(invoice)
    there_is = available(ctx, invoice.client_id, invoice.currency)
    if amount is None:
        amount = min(there_is, invoice.balance)
    if there_is == 0 or amount > there_is:
        left = f"{round_money(there_is, invoice.currency)} {invoice.currency}"
        raise Invalid(fields={"amount": f"is more than the client's credit of {left}"})
    _check(ctx, invoice, amount, ctx.today(), invoice.balance)
    payment = ctx.add(
        Payment(
            invoice_id=invoice.id,
            amount=amount,
            from_credit=True,
            currency=invoice.currency,
            paid_on=ctx.today(),
            gateway="credit",
        )
    )
    payment.status = "paid"
    ctx.record("recorded", payment)
    book(ctx, invoice.client_id, invoice.currency, -amount, "APPLIED", invoice_id=invoice.id, payment_id=payment.id)
    stand(ctx, invoice, given=given_by(ctx, invoice.id), amount_paid=invoice.amount_paid + amount)
    return payment, invoice


def change(ctx: Context, payment_id: str, **facts: Any) -> Payment:
    """Correct `amount`, `paid_on`, `note`, `gateway`, `transaction_id` or `tags` of a payment; its invoice follows.

    A paid invoice whose balance reopens is sent again; then also what `mark_paid` had settled on top is open.
    """
    ctx.require(Permission.RECORD_PAYMENTS)
    invoice = ctx.find(Invoice, ctx.find(Payment, payment_id).invoice_id, lock="update")
    payment = ctx.find(Payment, payment_id, lock="update")
    if facts.keys() - {"amount", "paid_on", "note", "gateway", "transaction_id", "tags"}:
        raise TypeError("Only amount, day, note, gateway, transaction and tags change.")
    amount: Decimal = facts.get("amount", payment.amount)
    if (amount, facts.get("paid_on", payment.paid_on)) != (payment.amount, payment.paid_on):
        if amount != payment.amount and (payment.surplus or payment.from_credit or payment.amount_refunded):
            raise Conflict(
                "The amount of a payment that was returned, or has to do with client credit, does not change. "
                "Delete it, and record it anew.",
                reason="payment_state",
            )
        if amount > payment.amount:
            check_not_written_off(invoice)
        _check(ctx, invoice, amount, facts.get("paid_on", payment.paid_on), invoice.balance + payment.amount)
        if amount < payment.amount:
            _lose(ctx, invoice, payment, payment.amount - amount)
        elif amount > payment.amount:
            paid = invoice.amount_paid - payment.amount + amount
            stand(ctx, invoice, given=given_by(ctx, invoice.id), amount_paid=paid)
    if _change(ctx, payment, **each_tag_once(facts)):
        ctx.record("updated", payment)
    return payment


def delete(ctx: Context, invoice_id: str, payment_id: str) -> Invoice:
    """Delete a payment recorded by mistake, with what was returned of it. A paid invoice whose balance reopens is sent.

    What `mark_paid` had settled on top is open again too: it was said of an invoice that had this payment. What became
    the client's credit is taken back, unless it was spent; credit that was spent is the client's again.
    """
    ctx.require(Permission.RECORD_PAYMENTS)
    invoice = ctx.find(Invoice, invoice_id, lock="update")
    payment = ctx.find(Payment, payment_id, lock="update")
    if payment.invoice_id != invoice.id:
        raise NotFound("No such payment.")
    returned = ctx.select(Refund, Refund.payment_id == bindparam("payment_id"), _LIVE_REFUND, payment_id=payment.id)
    for refund in returned:
        ctx.change(refund, deleted_at=ctx.now)
        ctx.record("deleted", refund)
    ctx.change(payment, deleted_at=ctx.now)
    ctx.record("deleted", payment)
    if payment.from_credit:
        of = {"invoice_id": invoice.id, "payment_id": payment.id}
        book(ctx, invoice.client_id, invoice.currency, payment.amount, "APPLIED", **of)
    surplus = payment.surplus - sum((refund.from_credit for refund in returned), Decimal(0))
    kept = payment.amount - payment.amount_refunded
    _lose(ctx, invoice, payment, kept, surplus=max(surplus, NOTHING), refunded=payment.amount_refunded)
    return invoice


def of_invoice(ctx: Context, invoice_id: str) -> list[Payment]:
    """The payments of an invoice, in the order in which they were recorded."""
    ctx.require(Permission.READ_INVOICES)
    invoice = ctx.find(Invoice, invoice_id)
    return cast_rows(ctx.rows(_OF_INVOICE, invoice_id=invoice.id), Payment)


def _replayed(ctx: Context, invoice: Invoice, external_id: str, amount: Decimal) -> Payment | None:
    found = ctx.row(_BY_EXTERNAL_ID, external_id=external_id)
    if found is None:
        return None
    known = hydrate(Payment, found)
    if (known.invoice_id, known.amount) != (invoice.id, amount):
        raise Conflict(KNOWN_ALREADY, reason="external_id")
    return known


def _change(ctx: Context, payment: Payment, **facts: Any) -> list[str]:
    """`ctx.change` for a payment: what the database computes follows on the row at hand."""
    changed = ctx.change(payment, **facts)
    payment.status = "refunded" if payment.amount_refunded == payment.amount else "paid"
    return changed


def _lose(
    ctx: Context,
    invoice: Invoice,
    payment: Payment,
    lost: Decimal,
    *,
    surplus: Decimal = NOTHING,
    refunded: Decimal = NOTHING,
) -> None:
    """So much was never received. The surplus of it is no credit any more, and nothing else that is not covered now.

    What `mark_paid` had settled on top is open too, where the invoice had anything of this.
    """
    given = given_by(ctx, invoice.id)
    received = invoice.amount_paid - invoice.settled
    kept = received + given - lost
    back = max(min(surplus, given), given - kept)
    book(ctx, invoice.client_id, invoice.currency, -back, "OVERPAYMENT", invoice_id=invoice.id, payment_id=payment.id)
    left = kept - (given - back)
    settled = invoice.settled if left == received else Decimal(0)
    returned = invoice.amount_refunded - refunded
    stand(ctx, invoice, given=given - back, amount_paid=left + settled, settled=settled, amount_refunded=returned)


def _check(ctx: Context, invoice: Invoice, amount: Decimal, paid_on: date, balance: Decimal | None) -> None:
    """`balance` None: it may be more."""
    check_decimals(amount, "amount", minor_unit(invoice.currency))
    if amount <= 0:
        raise Invalid(fields={"amount": "must be more than 0"})
    if balance is not None and amount > balance:
        left = round_money(balance, invoice.currency)
        raise Invalid(fields={"amount": f"{amount} is more than the balance of {left} {invoice.currency}"})
    if paid_on > ctx.today():
        raise Invalid(fields={"paid_on": "must not be in the future"})


_table = table_of(Payment)
_LIVE_REFUND = table_of(Refund).c.deleted_at.is_(None)
_OF_INVOICE = Prepared(
    select(_table)
    .where(
        _table.c.workspace_id == workspace(),
        _table.c.invoice_id == bindparam("invoice_id", type_=_table.c.id.type),
        _table.c.deleted_at.is_(None),
    )
    .order_by(_table.c.created_at, _table.c.id)
)
_BY_EXTERNAL_ID = Prepared(
    select(_table).where(
        _table.c.workspace_id == workspace(),
        _table.c.external_id == bindparam("external_id", type_=_table.c.external_id.type),
        _table.c.deleted_at.is_(None),
    )
)

SENTENCES["uq_payments_external_id"] = Conflict(KNOWN_ALREADY, reason="external_id")
