"""Invoices by number: each with its client, category, lines, and how it stands today."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import ARRAY, Date, Select, Text, and_, bindparam, func, select

from tallystick.db.base import table_of
from tallystick.db.session import Prepared
from tallystick.domain.access import Permission
from tallystick.domain.categories import Category
from tallystick.domain.clients import Client
from tallystick.domain.context import Context, workspace
from tallystick.domain.invoices.invoice import STATUSES, Invoice, InvoiceLine, InvoiceTax
from tallystick.domain.listing import Filter, Listing
from tallystick.domain.overviews import beside, numbered, tagged
from tallystick.domain.projects import Project
from tallystick.domain.tax_rates import TaxRate
from tallystick.values.tax import TaxCategory

Standing = Literal["DRAFT", "DUE", "OVERDUE", "PART_PAID", "PAID", "CANCELLED"]
"""How an invoice stands: what is sent is due, overdue, or paid in part, which says more."""


class InvoiceSeen(NamedTuple):
    """An invoice, with numbers and names of what stands around it."""

    id: str
    serial: int
    status: str
    client: int
    client_name: str
    project: int | None
    category: int
    category_name: str
    issue_date: date
    due_date: date | None
    created_at: datetime
    notes: str | None
    terms: str | None
    subtotal: Decimal
    discount_percent: Decimal | None
    discount_amount: Decimal
    tax_rate: Decimal | None
    """Of all lines; None: they have several, or no tax is shown."""
    tax_amount: Decimal
    tax_name: str | None
    """Of the named rate of lines that do not say otherwise."""
    tax_label: str | None
    """What the studio called its tax when the invoice was drafted."""
    taxed_by_line: bool
    total: Decimal
    amount_paid: Decimal
    tags: list[str]

    def standing(self, today: date) -> Standing:
        """How it stands on a day."""
        if self.status == "SENT":
            if self.amount_paid > 0:
                return "PART_PAID"
            return "OVERDUE" if self.due_date is not None and self.due_date < today else "DUE"
        standing: Standing = self.status  # type: ignore[assignment]  # the CHECK says so
        return standing


class LineSeen(NamedTuple):
    """A line of an invoice."""

    serial: int
    kind: str
    description: str
    quantity: Decimal
    unit: str
    rate: Decimal
    """Net, or with the tax; see `net_rate`."""
    total: Decimal
    discount_percent: Decimal | None
    discount_amount: Decimal
    gross_total: Decimal | None
    tax_category: TaxCategory
    tax_rate: Decimal | None
    tax_given: bool
    tax_name: str | None
    """Of its named rate."""

    @property
    def net_rate(self) -> Decimal:
        """The rate without tax, of which total and discount are made."""
        if self.gross_total is None or not self.quantity:
            return self.rate
        return (self.total + self.discount_amount) / self.quantity

    @property
    def says_more(self) -> bool:
        """Whether it says itself how it is taxed, or has a discount."""
        return self.tax_given or self.discount_percent is not None or self.discount_amount > 0


def one(ctx: Context, identity: str | int) -> tuple[InvoiceSeen, list[LineSeen]]:
    """One invoice with its lines: by its number, or by its id where that is at hand."""
    ctx.require(Permission.READ_INVOICES)
    by = "serial" if isinstance(identity, int) else "id"
    found = InvoiceSeen._make(INVOICES.one(ctx, InvoiceSeen._fields, identity, by))
    return found, _lines(ctx, [found.id]).get(found.id, [])


def page(
    ctx: Context, filters: dict[str, Any], *, standing: Standing | None = None, **where: Any
) -> tuple[list[tuple[InvoiceSeen, list[LineSeen]]], int]:
    """One page of invoices by its number, and how many there are on all of them."""
    ctx.require(Permission.READ_INVOICES)
    if standing is not None:
        filters = {**filters, **_stands(standing, ctx.today())}
    found = INVOICES.numbered(ctx, InvoiceSeen._fields, filters, **where)
    rows = [InvoiceSeen._make(row) for row in found.rows]
    lines = _lines(ctx, [row.id for row in rows])
    return [(row, lines.get(row.id, [])) for row in rows], found.total


def _stands(standing: Standing, today: date) -> dict[str, Any]:
    """The filters that leave invoices which stand so."""
    match standing:
        case "DUE":
            return {"status": "SENT", "part_paid": False, "due_from": today}
        case "OVERDUE":
            return {"status": "SENT", "part_paid": False, "due_before": today}
        case "PART_PAID":
            return {"status": "SENT", "part_paid": True}
        case _:
            return {"status": standing}


def _lines(ctx: Context, invoice_ids: Sequence[str]) -> Mapping[str, list[LineSeen]]:
    lines: dict[str, list[LineSeen]] = {}
    for invoice_id, *columns in ctx.rows(_LINES, invoice_ids=list(invoice_ids)) if invoice_ids else ():
        lines.setdefault(invoice_id, []).append(LineSeen._make(columns))
    return lines


_invoice, _line, _tax, _rate = table_of(Invoice), table_of(InvoiceLine), table_of(InvoiceTax), table_of(TaxRate)


def _label() -> Any:
    found: Select[Any] = select(_tax.c.name).where(
        _tax.c.workspace_id == _invoice.c.workspace_id, _tax.c.invoice_id == _invoice.c.id
    )
    return found.order_by(_tax.c.position).limit(1).correlate(_invoice).scalar_subquery()


INVOICES: Final = Listing(
    Invoice,
    sorts=("issue_date", "due_date", "total", "created_at"),
    searched=(_invoice.c.number, beside(Invoice, Client, "name", _invoice.c.client_id)),
    computed={
        "client": beside(Invoice, Client, "serial", _invoice.c.client_id),
        "client_name": beside(Invoice, Client, "name", _invoice.c.client_id),
        "project": beside(Invoice, Project, "serial", _invoice.c.project_id),
        "category": beside(Invoice, Category, "number", _invoice.c.category_id),
        "category_name": beside(Invoice, Category, "name", _invoice.c.category_id),
        "tax_name": beside(Invoice, TaxRate, "name", _invoice.c.default_tax_rate_id),
        "tax_label": _label(),
    },
    extra={
        "status": Filter("choice", _invoice.c.status == bindparam("status", type_=Text()), choices=STATUSES),
        "part_paid": Filter("switch", _invoice.c.amount_paid > 0),
        "due_from": Filter("day", _invoice.c.due_date >= bindparam("due_from", type_=Date())),
        "due_before": Filter("day", _invoice.c.due_date < bindparam("due_before", type_=Date())),
        "client": Filter("number", _invoice.c.client_id == numbered(Client, "client")),
        "project": Filter("number", _invoice.c.project_id == numbered(Project, "project")),
        "category": Filter("number", _invoice.c.category_id == numbered(Category, "category", by="number")),
        "tags": tagged(Invoice),
    },
)
"""Invoices of the workspace, by pages with numbers."""

_LINES: Final = Prepared(
    select(_line.c.invoice_id, *(_line.c[name] for name in LineSeen._fields[:-1]), _rate.c.name)
    .outerjoin_from(_line, _rate, and_(_rate.c.workspace_id == _line.c.workspace_id, _rate.c.id == _line.c.tax_rate_id))
    .where(
        _line.c.workspace_id == workspace(),
        _line.c.invoice_id == func.any(bindparam("invoice_ids", type_=ARRAY(_line.c.id.type))),
    )
    .order_by(_line.c.invoice_id, _line.c.position, _line.c.id)
)
