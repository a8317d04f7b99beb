"""Payments by number: each with its invoice, client and project."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from sqlalchemy import Date, Select, Text, bindparam, exists, select

from tallystick.db.base import table_of
from tallystick.domain.access import Permission
from tallystick.domain.clients import Client
from tallystick.domain.context import Context
from tallystick.domain.invoices.invoice import Invoice
from tallystick.domain.listing import Filter, Listing
from tallystick.domain.overviews import beside, creator, numbered, tagged
from tallystick.domain.payments import Payment, Refund
from tallystick.domain.projects import Project


class PaymentSeen(NamedTuple):
    """A payment, with numbers and names of what stands around it."""

    id: str
    serial: int
    amount: Decimal
    paid_on: date
    gateway: str
    transaction_id: str | None
    note: str | None
    invoice: int
    invoice_number: str
    client: int
    client_name: str
    project: int | None
    creator: int
    created_at: datetime
    tags: list[str]
    status: str
    amount_refunded: Decimal
    refund: int | None
    """The last one, where there are several."""
    refunded_on: date | None
    refund_note: str | None


def one(ctx: Context, identity: str | int) -> PaymentSeen:
    """One payment: by its number, or by its id where that is at hand."""
    ctx.require(Permission.READ_INVOICES)
    by = "serial" if isinstance(identity, int) else "id"
    return PaymentSeen._make(PAYMENTS.one(ctx, PaymentSeen._fields, identity, by))


def page(ctx: Context, filters: dict[str, Any], **where: Any) -> tuple[list[PaymentSeen], int]:
    """One page of payments by its number, and how many there are on all of them."""
    ctx.require(Permission.READ_INVOICES)
    found = PAYMENTS.numbered(ctx, PaymentSeen._fields, filters, **where)
    return [PaymentSeen._make(row) for row in found.rows], found.total


_payment, _invoice = table_of(Payment), table_of(Invoice)
_its_invoice = (_invoice.c.workspace_id == _payment.c.workspace_id, _invoice.c.id == _payment.c.invoice_id)
_refund = table_of(Refund)


def _last_refund(column: str) -> Any:
    """A column of the last refund of a payment."""
    found: Select[Any] = select(_refund.c[column]).where(
        _refund.c.workspace_id == _payment.c.workspace_id,
        _refund.c.payment_id == _payment.c.id,
        _refund.c.deleted_at.is_(None),
    )
    return found.order_by(_refund.c.serial.desc()).limit(1).correlate(_payment).scalar_subquery()


_client_id = beside(Payment, Invoice, "client_id", _payment.c.invoice_id)

PAYMENTS: Final = Listing(
    Payment,
    sorts=("created_at", "paid_on", "amount"),
    searched=(_payment.c.transaction_id, _payment.c.note, beside(Payment, Invoice, "number", _payment.c.invoice_id)),
    amounts=("amount",),
    computed={
        "invoice": beside(Payment, Invoice, "serial", _payment.c.invoice_id),
        "invoice_number": beside(Payment, Invoice, "number", _payment.c.invoice_id),
        "client": beside(Payment, Client, "serial", _client_id),
        "client_name": beside(Payment, Client, "name", _client_id),
        "project": beside(
            Payment, Project, "serial", beside(Payment, Invoice, "project_id", _payment.c.invoice_id)
        ),
        "creator": creator(Payment),
        "refund": _last_refund("serial"),
        "refunded_on": _last_refund("refunded_on"),
        "refund_note": _last_refund("note"),
    },
    extra={
        "invoice": Filter("number", _payment.c.invoice_id == numbered(Invoice, "invoice")),
        "client": Filter("number", exists().where(*_its_invoice, _invoice.c.client_id == numbered(Client, "client"))),
        "project": Filter(
            "number", exists().where(*_its_invoice, _invoice.c.project_id == numbered(Project, "project"))
        ),
        "gateway": Filter("text", _payment.c.gateway.ilike(bindparam("gateway", type_=Text()))),
        "date_from": Filter("day", _payment.c.paid_on >= bindparam("date_from", type_=Date())),
        "date_to": Filter("day", _payment.c.paid_on <= bindparam("date_to", type_=Date())),
        "tags": tagged(Payment),
    },
)  # fmt: skip
"""Payments of the workspace, by pages with numbers."""
