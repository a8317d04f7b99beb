"""Metrics on the wire (contract expensicat 6): those that invoices and expenses can answer, in the base currency."""

from __future__ import annotations

from datetime import date
from typing import Any

from msgspec import Struct

from tallystick.api.expensicat.wire import number
from tallystick.api.wire import Ask, Operation
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.listing import Filter
from tallystick.domain.reports import joined as reports


class ProfitLoss(Struct, gc=False):
    period: date
    """The first day of the month."""
    total_revenue: float
    total_expenses: float
    net_profit_loss: float


class InvoiceAging(Struct, gc=False):
    total_outstanding: float
    invoice_count: int
    current_amount: float
    overdue_0_to_30: float
    overdue_31_to_60: float
    overdue_60_plus: float
    expected_14_days: float
    expected_30_days: float
    expected_60_days: float


def profit_loss(ctx: Context, ask: Ask) -> list[ProfitLoss]:
    months = reports.profit_and_loss(ctx, ask.query["date_from"], ask.query["date_to"])
    return [
        ProfitLoss(
            month.first_day, number(month.revenue), number(month.expenses), number(month.revenue - month.expenses)
        )
        for month in months
    ]


def invoice_aging(ctx: Context, _ask: Ask) -> Struct:
    aging = reports.invoice_aging(ctx)
    return InvoiceAging(
        total_outstanding=number(aging.outstanding),
        invoice_count=aging.invoices,
        current_amount=number(aging.current),
        overdue_0_to_30=number(aging.overdue_30),
        overdue_31_to_60=number(aging.overdue_60),
        overdue_60_plus=number(aging.overdue_more),
        expected_14_days=number(aging.expected_14),
        expected_30_days=number(aging.expected_30),
        expected_60_days=number(aging.expected_60),
    )


_NONE: Any = None
_PERIOD = {
    "start_date": Filter("day", _NONE, about="The first day, YYYY-MM-DD.", required=True),
    "end_date": Filter("day", _NONE, about="The last day, YYYY-MM-DD; it is included.", required=True),
}
_READ, _TAG = "analytics:read", "Metrics"

OPERATIONS = (
    Operation(
        "getProfitLoss", "GET", "/metrics/profit-loss", profit_loss,
        "Revenue of issued invoices without tax, and expenses, by month", Permission.READ_INVOICES,
        list[ProfitLoss], parameters=_PERIOD, scope=_READ, tag=_TAG,
    ),
    Operation(
        "getInvoiceAging", "GET", "/metrics/invoice-aging", invoice_aging, "Open balances by when they are due",
        Permission.READ_INVOICES, InvoiceAging, scope=_READ, tag=_TAG,
    ),
)  # fmt: skip
