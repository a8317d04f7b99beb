"""How projects pay: their hours, what they earn, what they cost, and what an hour of them brings.

All of a project's time counts, from its first day. By the hour, it earns what its billable time is worth and was not
written off; for a fixed fee, the fee. It costs the expenses that no client pays. Members see hours only, their own.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final, NamedTuple

from sqlalchemy import text

from tallystick.db.session import Prepared
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.projects import STATUSES
from tallystick.domain.reports.plan import require_feature
from tallystick.domain.reports.time import AMOUNT, CURRENCY, PLACES
from tallystick.values.errors import Invalid
from tallystick.values.money import round_money


class Profit(NamedTuple):
    """One project; from `client` on None for those who see no money."""

    project_id: str
    project: str
    color: str | None
    status: str
    seconds: int
    billable: int
    client_id: str | None
    client: str | None
    currency: str | None
    rate_type: str | None
    worth: Decimal | None
    """What its billable time is worth."""
    billed: Decimal | None
    """What of that is on invoices."""
    unbilled: Decimal | None
    written_off: Decimal | None
    fee: Decimal | None
    """The fixed fee; None where it is billed by the hour."""
    costs: Decimal | None
    """Expenses that nobody is billed for."""
    budget_hours: Decimal | None
    budget_amount: Decimal | None

    @property
    def earned(self) -> Decimal | None:
        if self.worth is None or self.written_off is None:
            return None
        return self.worth - self.written_off if self.fee is None else self.fee

    @property
    def profit(self) -> Decimal | None:
        return None if self.earned is None or self.costs is None else self.earned - self.costs

    @property
    def per_hour(self) -> Decimal | None:
        """What an hour brings; None before the first second."""
        if self.profit is None or self.currency is None or not self.seconds:
            return None
        return round_money(self.profit * 3600 / self.seconds, self.currency)

    @property
    def spent(self) -> Decimal | None:
        """How much of the budget is used, in percent; None where there is none, or it is not seen."""
        if self.budget_hours:
            return Decimal(self.seconds) / 36 / self.budget_hours
        if self.budget_amount and self.worth is not None:
            return self.worth * 100 / self.budget_amount
        return None


def report(
    ctx: Context, *, client_id: str | None = None, status: str | None = "ACTIVE", project_id: str | None = None
) -> list[Profit]:
    """Projects by name; of one status, or of all where it is None."""
    ctx.require(Permission.READ_PROJECTS)
    require_feature(ctx, "reports")
    return numbers(ctx, client_id=client_id, status=status, project_id=project_id)


def numbers(
    ctx: Context, *, client_id: str | None = None, status: str | None = None, project_id: str | None = None
) -> list[Profit]:
    """The same figures for a project's own page, which every plan has."""
    ctx.require(Permission.READ_PROJECTS)
    everyone = ctx.actor.sees_everyone
    if status is not None and status not in STATUSES:
        raise Invalid(fields={"status": f"must be one of {', '.join(STATUSES)}"})
    if client_id is not None and not everyone:
        raise Invalid(fields={"client_id": "you do not see clients"})
    rows = ctx.rows(_ALL if everyone else _MINE, client=client_id, status=status, project=project_id, everyone=everyone)
    return [Profit._make(row) for row in rows]


_COUNTED: Final = """
    entry.workspace_id = :workspace AND entry.deleted_at IS NULL
    AND (entry.started_at IS NULL OR entry.stopped_at IS NOT NULL)
    {of}
"""
_CHOSEN: Final = """
    project.workspace_id = :workspace AND project.deleted_at IS NULL
    AND (CAST(:status AS text) IS NULL OR project.status = CAST(:status AS text))
    AND (CAST(:client AS uuid) IS NULL OR project.client_id = CAST(:client AS uuid))
    AND (CAST(:project AS uuid) IS NULL OR project.id = CAST(:project AS uuid))
"""
_THIS: Final = "AND entry.project_id = CAST(:project AS uuid)"
"""Said without “or none”, so that the index finds the time of one project."""


def _figures(of: str) -> Prepared:
    return Prepared(
        text(f"""
        WITH {PLACES}
        SELECT project.id, project.name, project.color, project.status, COALESCE(work.seconds, 0)::bigint,
               COALESCE(work.billable, 0)::bigint, client.id, client.name, {CURRENCY}, project.rate_type,
               COALESCE(work.worth, 0), COALESCE(work.billed, 0),
               CASE WHEN project.rate_type = 'FIXED' THEN 0 ELSE COALESCE(work.unbilled, 0) END,
               COALESCE(work.written_off, 0), project.fixed_fee_amount, COALESCE(spent.costs, 0),
               project.budget_hours, project.budget_amount
        FROM projects AS project
        JOIN workspaces AS studio ON studio.id = project.workspace_id
        LEFT JOIN clients AS client ON client.workspace_id = project.workspace_id AND client.id = project.client_id
        LEFT JOIN (
            SELECT project_id, sum(seconds) AS seconds, sum(seconds) FILTER (WHERE billable) AS billable,
                   sum(amount) FILTER (WHERE billable) AS worth, sum(amount) FILTER (WHERE billed) AS billed,
                   sum(amount) FILTER (WHERE billable AND NOT billed AND NOT gone) AS unbilled,
                   sum(amount) FILTER (WHERE gone) AS written_off
            FROM (
                SELECT entry.project_id, entry.duration_seconds AS seconds, entry.billable,
                       entry.invoice_id IS NOT NULL AS billed, entry.written_off_at IS NOT NULL AS gone,
                       {AMOUNT} AS amount
                FROM time_entries AS entry
                JOIN place ON place.id = entry.project_id
                WHERE {_COUNTED.format(of=of)}
                  AND (CAST(:status AS text) IS NULL OR place.status = CAST(:status AS text))
                  AND (CAST(:client AS uuid) IS NULL OR place.client_id = CAST(:client AS uuid))
                OFFSET 0
            ) AS entry
            GROUP BY project_id
        ) AS work ON work.project_id = project.id
        LEFT JOIN (
            SELECT expense.project_id, expense.currency, sum(expense.amount) AS costs
            FROM expenses AS expense
            WHERE expense.workspace_id = :workspace AND expense.deleted_at IS NULL AND expense.invoice_id IS NULL
              AND (NOT expense.billable OR expense.client_id IS NULL OR expense.written_off_at IS NOT NULL)
              AND (CAST(:project AS uuid) IS NULL OR expense.project_id = CAST(:project AS uuid))
            GROUP BY expense.project_id, expense.currency
        ) AS spent ON spent.project_id = project.id AND spent.currency = {CURRENCY}
        WHERE {_CHOSEN} AND CAST(:everyone AS boolean)
        ORDER BY lower(project.name), project.id
        LIMIT 2000
    """)
    )


_ALL, _ONE = _figures(""), _figures(_THIS)
_MINE = Prepared(
    text(f"""
        SELECT project.id, project.name, project.color, project.status,
               COALESCE(sum(entry.duration_seconds), 0)::bigint,
               COALESCE(sum(entry.duration_seconds) FILTER (WHERE entry.billable), 0)::bigint,
               {", ".join(["NULL"] * 12)}
        FROM projects AS project
        LEFT JOIN time_entries AS entry
          ON entry.project_id = project.id AND entry.user_id = :actor AND {_COUNTED.format(of="")}
        WHERE {_CHOSEN} AND NOT CAST(:everyone AS boolean)
          AND EXISTS (SELECT FROM project_members AS staff WHERE staff.workspace_id = :workspace
                      AND staff.project_id = project.id AND staff.user_id = :actor)
        GROUP BY project.id, project.name, project.color, project.status
        ORDER BY lower(project.name), project.id
        LIMIT 2000
    """)
)
