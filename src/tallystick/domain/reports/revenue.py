"""What was invoiced, credited, collected and returned in each month, for each client and currency, and what is open.

An invoice counts from its day of issue; one that was cancelled never counted, unless credit notes cancelled it: then
both stand, in their months. Money counts on the day on which it came or went; a client's credit that pays an invoice
is no money that comes. What is open is what is open now, in the month of the invoice.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from decimal import Decimal
from typing import Final, Literal, NamedTuple, get_args

from sqlalchemy import text

from tallystick.db.session import Prepared
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.reports.plan import LONGEST, require_feature
from tallystick.domain.workspaces import current
from tallystick.values.errors import Invalid

Group = Literal["month", "client", "both"]
GROUPS: Final[tuple[Group, ...]] = get_args(Group)
USUAL_MONTHS: Final = 12


class Revenue(NamedTuple):
    """One month, one client, or both, in one currency; the whole where both are None."""

    month: date | None
    """Its first day."""
    client_id: str | None
    client: str | None
    currency: str
    invoiced: Decimal
    """Invoices issued, with tax."""
    credited: Decimal
    """Credit notes issued, with tax."""
    net: Decimal
    """Invoiced less credited, without tax."""
    collected: Decimal
    refunded: Decimal
    outstanding: Decimal
    """Still to be paid on those invoices now."""

    @property
    def received(self) -> Decimal:
        """Collected less returned."""
        return self.collected - self.refunded


class RevenueReport(NamedTuple):
    first_month: date
    last_month: date
    group: Group
    rows: tuple[Revenue, ...]
    totals: tuple[Revenue, ...]
    """One for each currency."""
    months: tuple[Revenue, ...]
    """Every month of the period, also those without, in the workspace's currency where anything is: for a chart."""


def report(
    ctx: Context,
    *,
    date_from: date | None = None,
    date_to: date | None = None,
    client_id: str | None = None,
    group: str = "month",
) -> RevenueReport:
    """Whole months, the oldest first: those that the days lie in; without days the last twelve."""
    ctx.require(Permission.READ_INVOICES)
    ctx.require(Permission.SEE_MONEY)
    require_feature(ctx, "reports")
    chosen: Group | None = next((one for one in GROUPS if one == group), None)
    if chosen is None:
        raise Invalid(fields={"group": f"must be one of {', '.join(GROUPS)}"})
    last = (date_to or max(ctx.today(), date_from or date.min)).replace(day=1)
    first = date_from.replace(day=1) if date_from else month_after(last, 1 - USUAL_MONTHS)
    if last < first:
        raise Invalid(fields={"to": "must not be before the first day"})
    if last - first > LONGEST:
        raise Invalid(fields={"to" if date_to else "from": "choose at most five years"})
    found = [
        Revenue._make(row) for row in ctx.rows(_REVENUE, date_from=first, date_to=last_day(last), client=client_id)
    ]
    rows = found
    if chosen == "month":
        rows = _summed(found, by_month=True, by_client=False)
    elif chosen == "client":
        rows = sorted(_summed(found, by_month=False, by_client=True), key=_by_name)
    totals = _summed(found, by_month=False, by_client=False)
    return RevenueReport(first, last, chosen, tuple(rows), tuple(totals), _months(ctx, found, totals, first, last))


def month_after(month: date, count: int) -> date:
    """The first day of the month so many months later, or earlier."""
    number = max(12, month.year * 12 + month.month - 1 + count)
    return date(number // 12, number % 12 + 1, 1)


def last_day(month: date) -> date:
    """Of a month."""
    return month.replace(day=monthrange(month.year, month.month)[1])


def _by_name(one: Revenue) -> tuple[str, str, str]:
    return ((one.client or "").casefold(), one.client_id or "", one.currency)


def _summed(rows: list[Revenue], *, by_month: bool, by_client: bool) -> list[Revenue]:
    sums: dict[tuple[date | None, str | None, str], Revenue] = {}
    for one in rows:
        month, client_id = one.month if by_month else None, one.client_id if by_client else None
        key = (month, client_id, one.currency)
        before = sums.get(key)
        amounts = one[4:] if before is None else tuple(a + b for a, b in zip(before[4:], one[4:], strict=True))
        sums[key] = Revenue(month, client_id, one.client if by_client else None, one.currency, *amounts)
    return sorted(sums.values(), key=lambda one: (one.month or date.min, one.currency))


def _months(ctx: Context, rows: list[Revenue], totals: list[Revenue], first: date, last: date) -> tuple[Revenue, ...]:
    currency = current(ctx).default_currency
    if totals and all(one.currency != currency for one in totals):
        currency = totals[0].currency
    known = {one.month: one for one in _summed(rows, by_month=True, by_client=False) if one.currency == currency}
    months: list[Revenue] = []
    month = first
    while month <= last:
        months.append(known.get(month) or Revenue(month, None, None, currency, *(Decimal(0),) * 6))
        if month == last:
            break
        month = month_after(month, 1)
    return tuple(months)


COUNTS: Final = "invoice.status IN ('SENT', 'PAID') OR invoice.status = 'CANCELLED' AND invoice.amount_credited > 0"
"""Invoices that were issued and not cancelled otherwise than by credit notes; drafts were not issued."""
_REVENUE = Prepared(
    text(f"""
        SELECT CAST(date_trunc('month', day) AS date) AS month, client.id, client.name, found.currency,
               sum(invoiced), sum(credited), sum(net), sum(collected), sum(refunded), sum(outstanding)
        FROM (
            SELECT invoice.issue_date AS day, invoice.client_id, invoice.currency, invoice.total AS invoiced,
                   0 AS credited, invoice.subtotal - invoice.discount_amount AS net, 0 AS collected, 0 AS refunded,
                   CASE WHEN invoice.status = 'SENT' THEN invoice.balance ELSE 0 END AS outstanding
            FROM invoices AS invoice
            WHERE invoice.workspace_id = :workspace AND invoice.deleted_at IS NULL AND ({COUNTS})
              AND invoice.issue_date BETWEEN CAST(:date_from AS date) AND CAST(:date_to AS date)
            UNION ALL
            SELECT note.issue_date, note.client_id, note.currency, 0, note.total,
                   note.discount_amount - note.subtotal, 0, 0, 0
            FROM credit_notes AS note
            WHERE note.workspace_id = :workspace
              AND note.issue_date BETWEEN CAST(:date_from AS date) AND CAST(:date_to AS date)
            UNION ALL
            SELECT payment.paid_on, invoice.client_id, payment.currency, 0, 0, 0, payment.amount, 0, 0
            FROM payments AS payment
            JOIN invoices AS invoice ON invoice.workspace_id = :workspace AND invoice.id = payment.invoice_id
            WHERE payment.workspace_id = :workspace AND payment.deleted_at IS NULL AND NOT payment.from_credit
              AND payment.paid_on BETWEEN CAST(:date_from AS date) AND CAST(:date_to AS date)
            UNION ALL
            SELECT refund.refunded_on, invoice.client_id, refund.currency, 0, 0, 0, 0, refund.amount, 0
            FROM refunds AS refund
            JOIN invoices AS invoice ON invoice.workspace_id = :workspace AND invoice.id = refund.invoice_id
            WHERE refund.workspace_id = :workspace AND refund.deleted_at IS NULL
              AND refund.refunded_on BETWEEN CAST(:date_from AS date) AND CAST(:date_to AS date)
            UNION ALL
            SELECT settled.day, settled.client_id, settled.currency, 0, 0, 0, settled.amount, 0, 0
            FROM (SELECT CAST(COALESCE(invoice.paid_at, invoice.sent_at) AT TIME ZONE studio.time_zone AS date) AS day,
                         invoice.client_id, invoice.currency, invoice.settled AS amount
                  FROM invoices AS invoice
                  JOIN workspaces AS studio ON studio.id = invoice.workspace_id
                  WHERE invoice.workspace_id = :workspace AND invoice.deleted_at IS NULL AND invoice.settled > 0
                    AND invoice.status IN ('SENT', 'PAID')) AS settled
            WHERE settled.day BETWEEN CAST(:date_from AS date) AND CAST(:date_to AS date)
        ) AS found
        JOIN clients AS client ON client.workspace_id = :workspace AND client.id = found.client_id
        WHERE CAST(:client AS uuid) IS NULL OR client.id = CAST(:client AS uuid)
        GROUP BY 1, client.id, client.name, found.currency
        ORDER BY 1, lower(client.name), client.id, found.currency
    """)
)
