"""Payments: money received for an invoice, never more than its balance."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Index, bindparam, select
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Counted, Id, Money, table_of, within_workspace
from tallystick.db.session import Prepared
from tallystick.domain.access import Permission
from tallystick.domain.clients import each_tag_once
from tallystick.domain.context import SENTENCES, Context, cast_rows, hydrate, workspace
from tallystick.domain.invoices import invoice as invoices
from tallystick.domain.invoices.invoice import Invoice, become
from tallystick.domain.invoices.totals import check_decimals
from tallystick.domain.listing import Listing
from tallystick.values.errors import Conflict, Invalid, NotFound
from tallystick.values.money import minor_unit, round_money

KNOWN_ALREADY = "A payment with this external id is recorded already, with another amount or on another invoice."


class Payment(Counted):
    """Money received, in the invoice's currency. One recorded by mistake is deleted; its row stays."""

    __tablename__ = "payments"
    noun: ClassVar[str] = "payment"
    money: ClassVar[frozenset[str]] = frozenset({"amount"})

    invoice_id: Mapped[Id]
    amount: Mapped[Money]
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
            Index(
                "uq_payments_external_id",
                "workspace_id",
                "external_id",
                unique=True,
                postgresql_where="external_id IS NOT NULL AND deleted_at IS NULL",
            ),
            Index("ix_payments_invoice", "workspace_id", "invoice_id", "created_at"),
        )


PAYMENTS = Listing(Payment, sorts=("created_at", "id"))


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
) -> tuple[Payment, Invoice]:
    """Record money received on a sent invoice; what settles the balance makes it paid.

    The same `external_id` with the same amount on the same invoice is the same payment: it is answered, not added.
    """
    ctx.require(Permission.RECORD_PAYMENTS)
    invoice = ctx.find(Invoice, invoice_id, lock="update")  # payments of one invoice queue up here
    if external_id is not None and (known := _replayed(ctx, invoice, external_id, amount)) is not None:
        return known, invoice
    if invoice.status in ("DRAFT", "CANCELLED"):
        raise Conflict(f"{invoice.status.title()} invoices take no payments", reason="invoice_state")
    _check(ctx, invoice, amount, paid_on, invoice.total - invoice.amount_paid)
    payment = ctx.add(
        Payment(
            invoice_id=invoice.id,
            amount=amount,
            currency=invoice.currency,
            paid_on=paid_on,
            note=note,
            external_id=external_id,
            gateway=gateway,
            transaction_id=transaction_id,
        )
    )
    ctx.record("recorded", payment)
    _receive(ctx, invoice, invoice.amount_paid + amount, invoice.settled)
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
        others = invoice.amount_paid - payment.amount
        reopens = amount < payment.amount
        settled = Decimal(0) if reopens else invoice.settled
        left = invoice.total - others
        _check(ctx, invoice, amount, facts.get("paid_on", payment.paid_on), left)
        if amount != payment.amount:
            _receive(ctx, invoice, others + amount - invoice.settled + settled, settled)
    if ctx.change(payment, **each_tag_once(facts)):
        ctx.record("updated", payment)
    return payment


def delete(ctx: Context, invoice_id: str, payment_id: str) -> Invoice:
    """Delete a payment recorded by mistake. A paid invoice whose balance reopens is sent again.

    What `mark_paid` had settled on top is open again too: it was said of an invoice that had this payment.
    """
    ctx.require(Permission.RECORD_PAYMENTS)
    invoice = ctx.find(Invoice, invoice_id, lock="update")
    payment = ctx.find(Payment, payment_id, lock="update")
    if payment.invoice_id != invoice.id:
        raise NotFound("No such payment.")
    ctx.change(payment, deleted_at=ctx.now)
    ctx.record("deleted", payment)
    _receive(ctx, invoice, invoice.amount_paid - payment.amount - invoice.settled, Decimal(0))
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


def _receive(ctx: Context, invoice: Invoice, received: Decimal, settled: Decimal) -> None:
    """So much is received of an invoice: it is paid when that is all, and open again when it no longer is."""
    if received == invoice.total and invoice.status != "PAID":
        become(ctx, invoice, "PAID", amount_paid=received, settled=settled, paid_at=ctx.now)
        ctx.record("paid", invoice)
    elif received < invoice.total and invoice.status == "PAID":
        become(ctx, invoice, "SENT", amount_paid=received, settled=settled, paid_at=None)
        ctx.record("reopened", invoice)
    else:
        invoices.change(ctx, invoice, amount_paid=received, settled=settled)
        ctx.record("updated", invoice)


def _check(ctx: Context, invoice: Invoice, amount: Decimal, paid_on: date, balance: Decimal) -> None:
    check_decimals(amount, "amount", minor_unit(invoice.currency))
    if amount <= 0:
        raise Invalid(fields={"amount": "must be more than 0"})
    if amount > balance:
        left = round_money(balance, invoice.currency)
        raise Invalid(fields={"amount": f"{amount} is more than the balance of {left} {invoice.currency}"})
    if paid_on > ctx.today():
        raise Invalid(fields={"paid_on": "must not be in the future"})


_table = table_of(Payment)
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
