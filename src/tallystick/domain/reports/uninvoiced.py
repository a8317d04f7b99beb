"""Work that is on no invoice yet: what a draft would pick, and what is left of fixed fees, by client and project.

Amounts are at the entries' own rates, each rounded to the currency: the unbilled part of `reconciliation`. A draft may
come to more, where the client's rule rounds time up.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Final, Literal, NamedTuple, get_args

from sqlalchemy import text

from tallystick.db.session import Prepared
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.reconciliation import FEES
from tallystick.domain.reports.plan import require_feature
from tallystick.domain.reports.time import AMOUNT, PLACES
from tallystick.values.errors import Invalid

Group = Literal["client", "project"]
GROUPS: Final[tuple[Group, ...]] = get_args(Group)


class Uninvoiced(NamedTuple):
    """A client, or one of its projects, with what waits to be billed; the whole of a currency where both are None."""

    client_id: str | None
    client: str | None
    project_id: str | None
    project: str | None
    """None: expenses of no project."""
    currency: str
    seconds: int
    time: Decimal
    expenses: Decimal
    fees: Decimal
    """What of fixed fees is on no invoice."""
    since: date | None
    """The day of the oldest work."""

    @property
    def amount(self) -> Decimal:
        return self.time + self.expenses + self.fees


class UninvoicedReport(NamedTuple):
    group: Group
    rows: tuple[Uninvoiced, ...]
    """By the names of clients and projects."""
    totals: tuple[Uninvoiced, ...]


def report(ctx: Context, *, client_id: str | None = None, group: str = "client") -> UninvoicedReport:
    """What could be billed today."""
    ctx.require(Permission.READ_INVOICES)
    ctx.require(Permission.SEE_MONEY)
    require_feature(ctx, "reports")
    chosen: Group | None = next((one for one in GROUPS if one == group), None)
    if chosen is None:
        raise Invalid(fields={"group": f"must be one of {', '.join(GROUPS)}"})
    found = [Uninvoiced._make(row) for row in ctx.rows(_UNINVOICED, client=client_id, everyone=True)]
    rows = found if chosen == "project" else _summed(found, by_client=True)
    return UninvoicedReport(chosen, tuple(rows), tuple(_summed(found, by_client=False)))


def _summed(rows: list[Uninvoiced], *, by_client: bool) -> list[Uninvoiced]:
    sums: dict[tuple[str | None, str], Uninvoiced] = {}
    for one in rows:
        key = (one.client_id if by_client else None, one.currency)
        before = sums.get(key)
        if before is None:
            kept = (one.client_id, one.client) if by_client else (None, None)
            sums[key] = Uninvoiced(*kept, None, None, *one[4:])
            continue
        days = [day for day in (before.since, one.since) if day]
        sums[key] = before._replace(
            seconds=before.seconds + one.seconds,
            time=before.time + one.time,
            expenses=before.expenses + one.expenses,
            fees=before.fees + one.fees,
            since=min(days, default=None),
        )
    return list(sums.values()) if by_client else sorted(sums.values(), key=lambda one: one.currency)


_UNINVOICED = Prepared(
    text(f"""
        WITH {PLACES}
        SELECT client.id, client.name, project.id, project.name, found.currency, sum(seconds)::bigint,
               sum(time), sum(expenses), sum(fees), min(day)
        FROM (
            SELECT place.client_id, entry.project_id, place.currency, sum(entry.duration_seconds) AS seconds,
                   sum({AMOUNT}) AS time, CAST(0 AS numeric) AS expenses, CAST(0 AS numeric) AS fees,
                   min(entry.entry_date) AS day
            FROM time_entries AS entry
            JOIN place ON place.id = entry.project_id
            WHERE entry.workspace_id = :workspace AND entry.deleted_at IS NULL AND entry.invoice_id IS NULL
              AND entry.written_off_at IS NULL AND entry.billable AND place.rate_type <> 'FIXED'
              AND (entry.started_at IS NULL OR entry.stopped_at IS NOT NULL)
              AND (CAST(:client AS uuid) IS NULL OR place.client_id = CAST(:client AS uuid))
            GROUP BY 1, 2, 3
            UNION ALL
            SELECT expense.client_id, expense.project_id, expense.currency, 0, 0, expense.amount, 0,
                   expense.expense_date
            FROM expenses AS expense
            WHERE expense.workspace_id = :workspace AND expense.deleted_at IS NULL AND expense.invoice_id IS NULL
              AND expense.written_off_at IS NULL AND expense.billable AND expense.client_id IS NOT NULL
            UNION ALL
            SELECT client_id, project_id, currency, 0, 0, 0, agreed - on_invoices, NULL
            FROM ({FEES}) AS fee
            WHERE fee.workspace_id = :workspace AND fee.client_id IS NOT NULL AND agreed <> on_invoices
        ) AS found
        JOIN clients AS client ON client.workspace_id = :workspace AND client.id = found.client_id
        LEFT JOIN projects AS project ON project.workspace_id = :workspace AND project.id = found.project_id
        WHERE CAST(:client AS uuid) IS NULL OR client.id = CAST(:client AS uuid)
        GROUP BY client.id, client.name, project.id, project.name, found.currency
        ORDER BY lower(client.name), client.id, lower(project.name) NULLS LAST, project.id, found.currency
    """)
)
