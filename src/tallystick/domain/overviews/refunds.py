"""Refunds by number: each with its payment, invoice and client."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from sqlalchemy import Date, bindparam, exists

from tallystick.db.base import table_of
from tallystick.domain.access import Permission
from tallystick.domain.clients import Client
from tallystick.domain.context import Context
from tallystick.domain.invoices.invoice import Invoice
from tallystick.domain.listing import Filter, Listing
from tallystick.domain.overviews import beside, creator, numbered, tagged
from tallystick.domain.payments import Payment, Refund


class RefundSeen(NamedTuple):
    """A refund, with numbers and names of what stands around it."""

    id: str
    serial: int
    amount: Decimal
    refunded_on: date
    note: str | None
    payment: int
    invoice: int
    client: int
    client_name: str
    creator: int
    created_at: datetime
    tags: list[str]


def one(ctx: Context, identity: str | int) -> RefundSeen:
    """One refund: by its number, or by its id where that is at hand."""
    ctx.require(Permission.READ_INVOICES)
    by = "serial" if isinstance(identity, int) else "id"
    return RefundSeen._make(REFUNDS.one(ctx, RefundSeen._fields, identity, by))


def page(ctx: Context, filters: dict[str, Any], **where: Any) -> tuple[list[RefundSeen], int]:
    """One page of refunds by its number, and how many there are on all of them."""
    ctx.require(Permission.READ_INVOICES)
    found = REFUNDS.numbered(ctx, RefundSeen._fields, filters, **where)
    return [RefundSeen._make(row) for row in found.rows], found.total


_refund, _invoice = table_of(Refund), table_of(Invoice)
_its_invoice = (_invoice.c.workspace_id == _refund.c.workspace_id, _invoice.c.id == _refund.c.invoice_id)
_client_id = beside(Refund, Invoice, "client_id", _refund.c.invoice_id)

REFUNDS: Final = Listing(
    Refund,
    sorts=("created_at", "refunded_on", "amount"),
    searched=(_refund.c.note, beside(Refund, Invoice, "number", _refund.c.invoice_id)),
    computed={
        "payment": beside(Refund, Payment, "serial", _refund.c.payment_id),
        "invoice": beside(Refund, Invoice, "serial", _refund.c.invoice_id),
        "client": beside(Refund, Client, "serial", _client_id),
        "client_name": beside(Refund, Client, "name", _client_id),
        "creator": creator(Refund),
    },
    extra={
        "payment": Filter("number", _refund.c.payment_id == numbered(Payment, "payment")),
        "invoice": Filter("number", _refund.c.invoice_id == numbered(Invoice, "invoice")),
        "client": Filter("number", exists().where(*_its_invoice, _invoice.c.client_id == numbered(Client, "client"))),
        "date_from": Filter("day", _refund.c.refunded_on >= bindparam("date_from", type_=Date())),
        "date_to": Filter("day", _refund.c.refunded_on <= bindparam("date_to", type_=Date())),
        "tags": tagged(Refund),
    },
)
"""Refunds of the workspace, by pages with numbers."""
