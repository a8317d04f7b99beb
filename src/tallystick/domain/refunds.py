"""Refunds: money returned of a payment, never more than is left of it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import bindparam, select

from tallystick.db.base import table_of
from tallystick.db.session import Prepared
from tallystick.domain.access import Permission
from tallystick.domain.client_credit import available, book, given_by
from tallystick.domain.clients import each_tag_once
from tallystick.domain.context import SENTENCES, Context, cast_rows, hydrate, workspace
from tallystick.domain.invoices.balance import stand
from tallystick.domain.invoices.invoice import Invoice
from tallystick.domain.invoices.totals import check_decimals
from tallystick.domain.payments import Payment, Refund
from tallystick.values.errors import Conflict, Invalid, NotFound
from tallystick.values.money import minor_unit, round_money

KNOWN_ALREADY = "A refund with this external id is recorded already, with another amount or of another payment."


def record(
    ctx: Context,
    invoice_id: str,
    payment_id: str,
    *,
    refunded_on: date,
    amount: Decimal | None = None,
    note: str | None = None,
    external_id: str | None = None,
) -> tuple[Refund, Payment, Invoice]:
    """Record money returned of a payment; no amount: all that is left of it.

    Credit that the client has from this invoice is returned first; what is returned beyond it is open on the invoice
    again. The same `external_id` with the same amount of the same payment is the same refund: answered, not added.
    """
    ctx.require(Permission.RECORD_PAYMENTS)
    invoice, payment = _found(ctx, invoice_id, payment_id)
    if external_id is not None and (known := _replayed(ctx, payment, external_id, amount)) is not None:
        return known, payment, invoice
    if payment.from_credit:
        raise Conflict(
            "No money came with this payment, it was the client's credit. Delete it, and the credit is theirs again.",
            reason="payment_state",
        )
    left = payment.amount - payment.amount_refunded
    if left == 0:
        raise Conflict("All of this payment is returned already.", reason="refunded")
    amount = left if amount is None else amount
    _check(ctx, payment, amount, left, refunded_on)
    there_is = available(ctx, invoice.client_id, invoice.currency)
    from_credit = max(min(amount, there_is, given_by(ctx, invoice.id)), Decimal(0))
    if amount - from_credit > invoice.amount_paid:
        most = f"{round_money(invoice.amount_paid + from_credit, invoice.currency)} {invoice.currency}"
        raise Conflict(
            f"At most {most} can be returned of it: the rest is credit that the client spent on other invoices.",
            reason="credit_spent",
        )
    refund = ctx.add(
        Refund(
            payment_id=payment.id,
            invoice_id=invoice.id,
            amount=amount,
            from_credit=from_credit,
            currency=invoice.currency,
            refunded_on=refunded_on,
            note=note,
            external_id=external_id,
        )
    )
    ctx.record("recorded", refund)
    _returned(ctx, payment, payment.amount_refunded + amount)
    of = {"invoice_id": invoice.id, "payment_id": payment.id, "refund_id": refund.id}
    book(ctx, invoice.client_id, invoice.currency, -from_credit, "REFUND", **of)
    stand(
        ctx,
        invoice,
        given=given_by(ctx, invoice.id),
        amount_paid=invoice.amount_paid - (amount - from_credit),
        amount_refunded=invoice.amount_refunded + amount,
    )
    return refund, payment, invoice


def change(ctx: Context, refund_id: str, **facts: Any) -> Refund:
    """Correct `refunded_on`, `note` or `tags` of a refund."""
    ctx.require(Permission.RECORD_PAYMENTS)
    if facts.keys() - {"refunded_on", "note", "tags"}:
        raise TypeError("Only day, note and tags change.")
    refund = ctx.find(Refund, refund_id, lock="update")
    if facts.get("refunded_on", refund.refunded_on) != refund.refunded_on:
        _check_day(ctx, ctx.find(Payment, refund.payment_id), facts["refunded_on"])
    if ctx.change(refund, **each_tag_once(facts)):
        ctx.record("updated", refund)
    return refund


def delete(ctx: Context, invoice_id: str, payment_id: str, refund_id: str) -> Invoice:
    """Delete a refund recorded by mistake: its money pays the invoice again, its credit is the client's again.

    Where the balance was paid otherwise meanwhile, that comes first.
    """
    ctx.require(Permission.RECORD_PAYMENTS)
    invoice, payment = _found(ctx, invoice_id, payment_id)
    refund = ctx.find(Refund, refund_id, lock="update")
    if refund.payment_id != payment.id:
        raise NotFound("No such refund.")
    again = refund.amount - refund.from_credit
    if again > invoice.balance or invoice.status == "CANCELLED":
        raise Conflict(
            "What was returned is no longer open on this invoice: it was paid, credited, written off or cancelled "
            "meanwhile. Take that back first.",
            reason="invoice_state",
        )
    ctx.change(refund, deleted_at=ctx.now)
    ctx.record("deleted", refund)
    _returned(ctx, payment, payment.amount_refunded - refund.amount)
    of = {"invoice_id": invoice.id, "payment_id": payment.id, "refund_id": refund.id}
    book(ctx, invoice.client_id, invoice.currency, refund.from_credit, "REFUND", **of)
    stand(
        ctx,
        invoice,
        given=given_by(ctx, invoice.id),
        amount_paid=invoice.amount_paid + again,
        amount_refunded=invoice.amount_refunded - refund.amount,
    )
    return invoice


def take_back(ctx: Context, invoice_id: str, payment_id: str) -> Invoice:
    """Delete all refunds of a payment, as `delete` does with one."""
    ctx.require(Permission.RECORD_PAYMENTS)
    invoice, payment = _found(ctx, invoice_id, payment_id)
    of_payment = [refund for refund in of_invoice(ctx, invoice.id) if refund.payment_id == payment.id]
    if not of_payment:
        raise NotFound("Nothing of this payment was returned.")
    for refund in of_payment:
        invoice = delete(ctx, invoice.id, payment.id, refund.id)
    return invoice


def of_invoice(ctx: Context, invoice_id: str) -> list[Refund]:
    """The refunds of an invoice, in the order in which they were recorded."""
    ctx.require(Permission.READ_INVOICES)
    invoice = ctx.find(Invoice, invoice_id)
    return cast_rows(ctx.rows(_OF_INVOICE, invoice_id=invoice.id), Refund)


def _found(ctx: Context, invoice_id: str, payment_id: str) -> tuple[Invoice, Payment]:
    invoice = ctx.find(Invoice, invoice_id, lock="update")  # payments and refunds of one invoice queue up here
    payment = ctx.find(Payment, payment_id, lock="update")
    if payment.invoice_id != invoice.id:
        raise NotFound("No such payment.")
    return invoice, payment


def _replayed(ctx: Context, payment: Payment, external_id: str, amount: Decimal | None) -> Refund | None:
    found = ctx.row(_BY_EXTERNAL_ID, external_id=external_id)
    if found is None:
        return None
    known = hydrate(Refund, found)
    if known.payment_id != payment.id or (amount is not None and known.amount != amount):
        raise Conflict(KNOWN_ALREADY, reason="external_id")
    return known


def _returned(ctx: Context, payment: Payment, amount: Decimal) -> None:
    ctx.change(payment, amount_refunded=amount)
    payment.status = "refunded" if amount == payment.amount else "paid"
    ctx.record("updated", payment)


def _check(ctx: Context, payment: Payment, amount: Decimal, left: Decimal, refunded_on: date) -> None:
    check_decimals(amount, "amount", minor_unit(payment.currency))
    if amount <= 0:
        raise Invalid(fields={"amount": "must be more than 0"})
    if amount > left:
        there_is = f"{round_money(left, payment.currency)} {payment.currency}"
        raise Invalid(fields={"amount": f"{amount} is more than what is left of the payment, {there_is}"})
    _check_day(ctx, payment, refunded_on)


def _check_day(ctx: Context, payment: Payment, refunded_on: date) -> None:
    if refunded_on > ctx.today():
        raise Invalid(fields={"refunded_on": "must not be in the future"})
    if refunded_on < payment.paid_on:
        raise Invalid(fields={"refunded_on": "must not be before the day of the payment"})


_table = table_of(Refund)
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

SENTENCES["uq_refunds_external_id"] = Conflict(KNOWN_ALREADY, reason="external_id")
