"""What is open of an issued invoice, and the state that follows from it; writing off what will not come."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.invoices import invoice as invoices
from tallystick.domain.invoices import links
from tallystick.domain.invoices.invoice import Invoice, become
from tallystick.values.errors import Conflict, Invalid

NOTHING = Decimal(0)


def stand(ctx: Context, invoice: Invoice, *, given: Decimal, **amounts: Decimal) -> None:
    """Amounts of an issued invoice change, and its state follows from them, whichever of them came first.

    Something open makes it SENT, nothing open PAID; but CANCELLED where it is all credited, and no money ever came for
    it: neither is any there, nor is it the client's credit (`given`), nor was it returned. What is written off stays
    SENT: nobody paid, and the claim is not withdrawn.
    """
    state = _state(invoice, given, {**{name: getattr(invoice, name) for name in _AMOUNTS}, **amounts})
    if state == invoice.status:
        invoices.change(ctx, invoice, **amounts)
        ctx.record("updated", invoice)
    elif state == "SENT":
        become(ctx, invoice, "SENT", **amounts, paid_at=None)
        ctx.record("reopened", invoice)
    elif state == "PAID":
        become(ctx, invoice, "PAID", **amounts, paid_at=ctx.now)
        ctx.record("paid", invoice)
    else:
        become(ctx, invoice, "CANCELLED", **amounts, cancelled_at=ctx.now, sent_at=None, paid_at=None)
        links.end(ctx, invoice)
        ctx.record("cancelled", invoice)


def write_off(ctx: Context, invoice_id: str, *, reason: str) -> Invoice:
    """Wait no longer for what is open of a sent invoice. The claim stays: the invoice is neither paid nor cancelled."""
    ctx.require(Permission.RECORD_PAYMENTS)
    if not reason.strip():
        raise Invalid(fields={"reason": "required"})
    invoice = ctx.find(Invoice, invoice_id, lock="update")
    if invoice.status != "SENT" or invoice.balance == 0:
        raise Conflict("Only what is open of a Sent invoice is written off.", reason="invoice_state")
    lost = invoice.amount_written_off + invoice.balance  # a refund opens more of it
    invoices.change(ctx, invoice, amount_written_off=lost, written_off_at=ctx.now, write_off_reason=reason.strip())
    ctx.record("written_off", invoice)
    return invoice


def expect_again(ctx: Context, invoice_id: str) -> Invoice:
    """Take a write-off back: what was written off is open again, and can be paid or credited."""
    ctx.require(Permission.RECORD_PAYMENTS)
    invoice = ctx.find(Invoice, invoice_id, lock="update")
    if invoice.amount_written_off == 0:
        raise Conflict("Nothing of this invoice is written off.", reason="invoice_state")
    nothing: dict[str, Any] = {"written_off_at": None, "write_off_reason": None}
    invoices.change(ctx, invoice, amount_written_off=NOTHING, **nothing)
    ctx.record("write_off_taken_back", invoice)
    return invoice


def check_not_written_off(invoice: Invoice) -> None:
    """Money and credit notes for an invoice that is written off come after the write-off is taken back."""
    if invoice.amount_written_off > 0:
        raise Conflict(
            "This invoice is written off. Take the write-off back first: "
            "`DELETE /invoices/{id}/write-off`, or `tallystick invoice write-off --take-back`.",
            reason="written_off",
        )


def _state(invoice: Invoice, given: Decimal, held: Mapping[str, Decimal]) -> str:
    if invoice.status == "CANCELLED" or held["amount_written_off"] > 0:
        return invoice.status
    if held["amount_paid"] + held["amount_credited"] < invoice.total:
        return "SENT"
    came = held["amount_paid"] + given + held["amount_refunded"]
    return "PAID" if came > 0 or held["amount_credited"] == 0 else "CANCELLED"


_AMOUNTS = ("amount_paid", "amount_credited", "amount_refunded", "amount_written_off")
