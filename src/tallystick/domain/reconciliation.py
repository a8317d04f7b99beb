"""What became of all work: tracked = billed + unbilled + non-billable + written off, to the second and the cent.

Each part is found by a condition of its own: what is billed by the lines of live invoices, what is unbilled as a draft
would pick it. That every piece of work is in exactly one part is no matter of course; the doctor proves it.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import groupby
from typing import Final, NamedTuple

from iso4217 import Currency
from sqlalchemy import text

from tallystick.db.session import Prepared
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.invoices.work import RATE_THEN
from tallystick.domain.projects import Project
from tallystick.values.money import is_currency, minor_unit, round_money


class Sum(NamedTuple):
    """So much of something."""

    seconds: int
    amount: Decimal
    """What it is worth at its own rates, each piece rounded to the currency."""


class Sums(NamedTuple):
    """All there is, and what became of it."""

    tracked: Sum
    billed: Sum
    unbilled: Sum
    non_billable: Sum
    """What is not billed by itself: it is not billable, or the fee of its project pays for it."""
    written_off: Sum

    @property
    def adds_up(self) -> bool:
        parts = (self.billed, self.unbilled, self.non_billable, self.written_off)
        return self.tracked == Sum(sum(one.seconds for one in parts), sum((one.amount for one in parts), Decimal(0)))


class Fees(NamedTuple):
    """Fixed fees: what was agreed, and what of it is on live invoices."""

    agreed: Decimal
    billed: Decimal

    @property
    def unbilled(self) -> Decimal:
        return self.agreed - self.billed


class OfClient(NamedTuple):
    """What became of the work for a client in one currency; no client: work for nobody."""

    client_id: str | None
    client_name: str | None
    currency: str
    time: Sums
    expenses: Sums
    fees: Fees
    invoiced: Sum
    """The time of the billed part as the lines have it: rounded by the client's rule."""

    @property
    def adds_up(self) -> bool:
        return self.time.adds_up and self.expenses.adds_up


class OfProject(NamedTuple):
    """The numbers of one project."""

    project_id: str
    currency: str
    time: Sums
    expenses: Sums
    fee: Fees | None
    effective_hourly_rate: Decimal | None
    """What an hour of a fixed-fee project brings: the fee by the hours tracked; None before the first second."""


def reconcile(ctx: Context, *, client_id: str | None = None) -> list[OfClient]:
    """For each client what became of its work, by name; of one client, or of all and of work for nobody."""
    ctx.require(Permission.SEE_MONEY)
    ctx.require(Permission.SEE_EVERYONE)
    rows = [tuple(row) for row in ctx.rows(_BY_CLIENT, client_id=client_id)]
    found: list[OfClient] = []
    ordered = sorted(rows, key=lambda row: (row[0] is None, row[1] or "", row[0] or "", row[2]))
    for (identity, name, currency), group in groupby(ordered, key=lambda row: row[:3]):
        facts = {row[3]: row[4:] for row in group}
        found.append(
            OfClient(
                identity, name, currency, _sums(facts.get("time")), _sums(facts.get("expenses")),
                _fees(facts.get("fees")), _first(facts.get("invoiced")),
            )
        )  # fmt: skip
    return found


def of_project(ctx: Context, project_id: str) -> OfProject:
    """What became of the work on a project, and of its fee."""
    ctx.require(Permission.SEE_MONEY)
    ctx.require(Permission.SEE_EVERYONE)
    project = ctx.find(Project, project_id)
    rows = [tuple(row) for row in ctx.rows(_OF_PROJECT, project_id=project.id)]
    (currency,) = ctx.row(_CURRENCY, project_id=project.id) or ("",)
    facts = {row[0]: row[2:] for row in rows if row[1] == currency}
    time = _sums(facts.get("time"))
    fee = rate = None
    if project.fixed_fee_amount is not None:
        fee = Fees(project.fixed_fee_amount, _fees(facts.get("fees")).billed)
        if time.tracked.seconds:
            rate = round_money(project.fixed_fee_amount * 3600 / time.tracked.seconds, currency)
    return OfProject(project.id, currency, time, _sums(facts.get("expenses")), fee, rate)


def _sums(row: Sequence[Decimal] | None) -> Sums:
    numbers = row or (Decimal(0),) * 10
    return Sums(*(Sum(int(numbers[at]), Decimal(numbers[at + 1])) for at in range(0, 10, 2)))


def _fees(row: Sequence[Decimal] | None) -> Fees:
    sums = _sums(row)
    return Fees(sums.tracked.amount, sums.billed.amount)


def _first(row: Sequence[Decimal] | None) -> Sum:
    return _sums(row).tracked


def minor_unit_sql(currency: str) -> str:
    """The decimals of a currency, in SQL; two where nothing else is said."""
    codes = sorted((minor_unit(one.code), one.code) for one in Currency if is_currency(one.code))
    cases = ""
    for places, group in groupby(codes, key=lambda one: one[0]):
        if places != 2:
            listed = ", ".join(f"'{code}'" for _, code in group)
            cases += f" WHEN {currency} IN ({listed}) THEN {places}"
    return f"CASE{cases} ELSE 2 END"


def worth_sql(currency: str) -> str:
    """What the time of an `entry` is worth at its own rate, in SQL: rounded entry by entry."""
    return f"round(entry.duration_seconds * COALESCE(entry.hourly_rate, 0) / 3600, {minor_unit_sql(currency)})"


def _on_live_invoice(column: str, identity: str) -> str:
    return f"""
        EXISTS (SELECT FROM billed_work AS billed
                JOIN invoices AS invoice
                  ON invoice.workspace_id = billed.workspace_id AND invoice.id = billed.invoice_id
                WHERE billed.{column} = {identity} AND billed.released_at IS NULL
                  AND invoice.status <> 'CANCELLED' AND invoice.deleted_at IS NULL)
    """


_CURRENCY_OF: Final = "COALESCE(client.currency, studio.default_currency)"
TIME: Final = f"""
    SELECT entry.workspace_id, client.id AS client_id, client.name AS client_name, {_CURRENCY_OF} AS currency,
           entry.project_id, entry.id, entry.duration_seconds AS seconds,
           round(entry.duration_seconds * COALESCE(entry.hourly_rate, {RATE_THEN}, 0) / 3600,
                 {minor_unit_sql(_CURRENCY_OF)}) AS amount,
           {_on_live_invoice("entry_id", "entry.id")} AS billed,
           entry.invoice_id IS NULL AND entry.written_off_at IS NULL AND entry.billable
               AND project.rate_type <> 'FIXED' AND client.id IS NOT NULL AS unbilled,
           entry.invoice_id IS NULL AND entry.written_off_at IS NULL
               AND (NOT entry.billable OR project.rate_type = 'FIXED') AS non_billable,
           entry.written_off_at IS NOT NULL AS written_off
    FROM time_entries AS entry
    JOIN workspaces AS studio ON studio.id = entry.workspace_id
    LEFT JOIN projects AS project ON project.workspace_id = entry.workspace_id AND project.id = entry.project_id
    LEFT JOIN clients AS client ON client.workspace_id = entry.workspace_id AND client.id = project.client_id
    LEFT JOIN tasks AS task ON task.workspace_id = entry.workspace_id AND task.id = entry.task_id
    WHERE entry.deleted_at IS NULL AND (entry.started_at IS NULL OR entry.stopped_at IS NOT NULL)
"""
"""Time that is recorded, a timer that runs not yet, and which parts it is in."""
EXPENSES: Final = f"""
    SELECT expense.workspace_id, client.id AS client_id, client.name AS client_name, expense.currency,
           expense.project_id, expense.id, 0 AS seconds, expense.amount,
           {_on_live_invoice("expense_id", "expense.id")} AS billed,
           expense.invoice_id IS NULL AND expense.written_off_at IS NULL AND expense.billable
               AND client.id IS NOT NULL AS unbilled,
           expense.invoice_id IS NULL AND expense.written_off_at IS NULL
               AND (NOT expense.billable OR client.id IS NULL) AS non_billable,
           expense.written_off_at IS NOT NULL AS written_off
    FROM expenses AS expense
    LEFT JOIN clients AS client ON client.workspace_id = expense.workspace_id AND client.id = expense.client_id
    WHERE expense.deleted_at IS NULL
"""
FEES: Final = f"""
    SELECT project.workspace_id, client.id AS client_id, client.name AS client_name, {_CURRENCY_OF} AS currency,
           project.id AS project_id, project.fixed_fee_amount AS agreed,
           (SELECT COALESCE(sum(line.rate), 0) FROM billed_work AS billed
            JOIN invoice_lines AS line ON line.workspace_id = billed.workspace_id AND line.id = billed.line_id
            LEFT JOIN milestones AS milestone
              ON milestone.workspace_id = billed.workspace_id AND milestone.id = billed.milestone_id
            WHERE billed.workspace_id = project.workspace_id AND billed.released_at IS NULL
              AND (billed.fee_project_id = project.id OR milestone.project_id = project.id)) AS on_invoices
    FROM projects AS project
    JOIN workspaces AS studio ON studio.id = project.workspace_id
    LEFT JOIN clients AS client ON client.workspace_id = project.workspace_id AND client.id = project.client_id
    WHERE project.deleted_at IS NULL AND project.rate_type = 'FIXED'
"""
PARTS: Final = ("billed", "unbilled", "non_billable", "written_off")
_SUMS: Final = "sum(seconds), sum(amount), " + ", ".join(
    f"COALESCE(sum(seconds) FILTER (WHERE {part}), 0), COALESCE(sum(amount) FILTER (WHERE {part}), 0)" for part in PARTS
)
_ONLY_FEES: Final = "0, sum(agreed), 0, sum(on_invoices), 0, 0, 0, 0, 0, 0"
_INVOICED: Final = """
    SELECT invoice.client_id, client.name, invoice.currency, 'invoiced',
           (SELECT COALESCE(sum(billed.billed_seconds), 0) FROM billed_work AS billed
            JOIN invoices AS live ON live.workspace_id = billed.workspace_id AND live.id = billed.invoice_id
            WHERE billed.workspace_id = :workspace AND billed.released_at IS NULL
              AND live.client_id = invoice.client_id AND live.currency = invoice.currency),
           sum(line.total), 0, 0, 0, 0, 0, 0, 0, 0
    FROM invoice_lines AS line
    JOIN invoices AS invoice ON invoice.workspace_id = line.workspace_id AND invoice.id = line.invoice_id
    JOIN clients AS client ON client.workspace_id = line.workspace_id AND client.id = invoice.client_id
    WHERE line.workspace_id = :workspace AND line.kind = 'TIME' AND invoice.status <> 'CANCELLED'
      AND invoice.deleted_at IS NULL AND (CAST(:client_id AS uuid) IS NULL OR invoice.client_id = :client_id)
    GROUP BY invoice.client_id, client.name, invoice.currency
"""


def _here(work: str, what: str, sums: str, *, by: str, where: str) -> str:
    return f"""
        SELECT {by}, {what}, {sums} FROM ({work}) AS work WHERE workspace_id = :workspace AND {where}
        GROUP BY {by}
    """


_CLIENT: Final = "client_id, client_name, currency"
_THIS_CLIENT: Final = "(CAST(:client_id AS uuid) IS NULL OR client_id = :client_id)"
_BY_CLIENT = Prepared(
    text(
        " UNION ALL ".join(
            [
                *(
                    _here(work, f"'{what}'", sums, by=_CLIENT, where=_THIS_CLIENT)
                    for work, what, sums in (
                        (TIME, "time", _SUMS),
                        (EXPENSES, "expenses", _SUMS),
                        (FEES, "fees", _ONLY_FEES),
                    )
                ),
                _INVOICED,
            ]
        )
    )
)
_OF_PROJECT = Prepared(
    text(
        " UNION ALL ".join(
            f"""
                SELECT '{what}', currency, {sums} FROM ({work}) AS work
                WHERE workspace_id = :workspace AND project_id = :project_id GROUP BY currency
            """
            for work, what, sums in (
                (TIME, "time", _SUMS),
                (EXPENSES, "expenses", _SUMS),
                (FEES, "fees", _ONLY_FEES),
            )
        )
    )
)
_CURRENCY = Prepared(
    text(f"""
        SELECT {_CURRENCY_OF} FROM projects AS project
        JOIN workspaces AS studio ON studio.id = project.workspace_id
        LEFT JOIN clients AS client ON client.workspace_id = project.workspace_id AND client.id = project.client_id
        WHERE project.workspace_id = :workspace AND project.id = :project_id
    """)
)


def _unproven() -> str:
    """What is not in exactly one part; and clients of whom the parts are not the whole."""
    once = " + ".join(f"CAST({part} AS integer)" for part in PARTS)
    parts = " + ".join(f"COALESCE(sum(amount) FILTER (WHERE {part}), 0)" for part in PARTS)
    seconds = " + ".join(f"COALESCE(sum(seconds) FILTER (WHERE {part}), 0)" for part in PARTS)
    found: list[str] = []
    for table, work in (("time_entries", TIME), ("expenses", EXPENSES)):
        found += [
            f"SELECT workspace_id, '{table} ' || id AS what FROM ({work}) AS work WHERE ({once}) IS DISTINCT FROM 1",
            f"""
                SELECT workspace_id, 'clients ' || client_id || ' {table}' AS what FROM ({work}) AS work
                WHERE client_id IS NOT NULL
                GROUP BY workspace_id, client_id, currency
                HAVING sum(seconds) <> {seconds} OR sum(amount) <> {parts}
            """,
        ]
    return " UNION ALL ".join(found)


UNPROVEN: Final = _unproven()
"""What the doctor asks for: nothing is found where all adds up."""
