"""What must hold in every database at every moment: each rule with a sentence, and SQL that finds the rows against it.

The rules are read over a connection of the owner role, for which row-level security hides nothing. They change nothing.
A rule's SQL answers `(workspace_id, what)`: `what` names a row, `time_entries 0198…`; what belongs to the database as a
whole has no workspace.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Column, ForeignKeyConstraint, LargeBinary, Table

from tallystick.db.base import Row, Tenant, table_of
from tallystick.db.session import APPLICATION_ROLE, Connection, text_query
from tallystick.domain.api_keys import ApiKey
from tallystick.domain.approvals import Week
from tallystick.domain.audit import BROKEN_SQL
from tallystick.domain.categories import FILED, Category
from tallystick.domain.checklists import ChecklistItem
from tallystick.domain.client_credit import ClientCredit, CreditEntry
from tallystick.domain.clients import Client
from tallystick.domain.comments import Comment
from tallystick.domain.contacts import Contact
from tallystick.domain.credit_notes.credit_note import CreditNote, CreditNoteLine, CreditNoteTax
from tallystick.domain.dated_rates import Rate
from tallystick.domain.events import Event
from tallystick.domain.expenses import Expense
from tallystick.domain.idempotency import BODY_LIMIT, Answer
from tallystick.domain.invoices.invoice import BilledWork, Invoice, InvoiceLine, InvoiceTax
from tallystick.domain.invoices.issued import IssuedDocument
from tallystick.domain.invoices.series import IssuedNumber, NumberJump, NumberSeries
from tallystick.domain.members import Member
from tallystick.domain.notes import Note
from tallystick.domain.oauth import OAuthApp, OAuthGrant
from tallystick.domain.payments import Payment, Refund
from tallystick.domain.projects import Milestone, Project
from tallystick.domain.reconciliation import UNPROVEN
from tallystick.domain.reconciliation import minor_unit_sql as _minor_unit
from tallystick.domain.recurring.automatic_billing import AutomaticBilling
from tallystick.domain.recurring.recurring import RecurringInvoice
from tallystick.domain.sessions import PasswordLink, Session
from tallystick.domain.task_statuses import TaskPriority, TaskStatus
from tallystick.domain.tasks import Task
from tallystick.domain.tax_rates import TaxRate
from tallystick.domain.time_entries import TimeEntry
from tallystick.domain.tokens import Token

SHOWN: Final = 50
"""So many rows of one rule are named; the others are counted."""


class Invariant(NamedTuple):
    """A rule. `rule` is its stable name, `sentence` what holds, `sql` what does not."""

    rule: str
    sentence: str
    sql: str


@dataclass(frozen=True, slots=True)
class Finding:
    """How a rule stands: how many rows are against it, and the first of them."""

    rule: str
    sentence: str
    count: int
    rows: list[str]

    @property
    def holds(self) -> bool:
        return self.count == 0


def check(connection: Connection, *, now: datetime, workspace_id: str | None = None) -> list[Finding]:
    """Check every rule, in all workspaces or in one. The connection's transaction gives all of them one moment."""
    return [_check(connection, invariant, now, workspace_id) for invariant in INVARIANTS]


def _check(connection: Connection, invariant: Invariant, now: datetime, workspace_id: str | None) -> Finding:
    rows = connection.execute(
        text_query(f"""
            SELECT what, count(*) OVER () FROM ({invariant.sql}) AS found
            WHERE %(workspace)s::uuid IS NULL OR workspace_id IS NULL OR workspace_id = %(workspace)s::uuid
            ORDER BY what LIMIT {SHOWN}
        """),
        {"workspace": workspace_id, "now": now},
    ).fetchall()
    return Finding(invariant.rule, invariant.sentence, rows[0][1] if rows else 0, [what for what, _ in rows])


# --- rules that follow from how rows are declared

_OTHER_REFERENCES: Final = (
    ("members", "user_id", "people", "id", False),
    ("tokens", "user_id", "members", "user_id", True),
    ("idempotency_answers", "user_id", "members", "user_id", True),
)
"""References that are no foreign keys: table, column, target, its column, whether inside the workspace."""


def _references() -> Iterable[str]:
    for table in Row.metadata.sorted_tables:
        for key in sorted(table.foreign_key_constraints, key=lambda key: str(key.name)):
            yield _reference(table, key)
    for name, column, target, target_column, inside in _OTHER_REFERENCES:
        table = Row.metadata.tables[name]
        within = " AND target.workspace_id = child.workspace_id" if inside else ""
        yield f"""
            SELECT child.workspace_id, '{name} ' || {_identity(table, "child")} || ' {column}' AS what
            FROM {name} AS child
            WHERE NOT EXISTS (SELECT FROM {target} AS target WHERE target.{target_column} = child.{column}{within})
        """


def _reference(table: Table, key: ForeignKeyConstraint) -> str:
    columns = key.column_keys
    named = columns[min(1, len(columns) - 1)]  # behind the workspace; a column that must agree may follow
    target = key.referred_table.name
    same = " AND ".join(
        f"target.{element.column.name} = child.{column}" for column, element in zip(columns, key.elements, strict=True)
    )
    workspace = "child.workspace_id" if "workspace_id" in table.c else "NULL::uuid AS workspace_id"
    return f"""
        SELECT {workspace}, '{table.name} ' || {_identity(table, "child")} || ' {named}' AS what
        FROM {table.name} AS child
        WHERE child.{named} IS NOT NULL AND NOT EXISTS (SELECT FROM {target} AS target WHERE {same})
    """


def _secrets() -> Iterable[str]:
    """The text of whole rows, and of stored answers, whose bytes a row's text shows in hexadecimal only."""
    for table in Row.metadata.sorted_tables:
        if table.name == _ISSUED:  # made of rows that are looked at; in a PDF nobody could read it
            continue
        holders = ["entry::text", *(f"encode({one.name}, 'escape')" for one in table.columns if _is_bytes(one))]
        found = " OR ".join(f"{holder} ~ '{_LETS_IN}'" for holder in holders)
        within = "workspace_id" if "workspace_id" in table.columns else "NULL::uuid"
        workspace = "id" if table.name == "workspaces" else within
        yield f"""
            SELECT {workspace} AS workspace_id, '{table.name} ' || {_identity(table, "entry")} AS what
            FROM {table.name} AS entry WHERE {found}
        """


def _is_bytes(column: Column[object]) -> bool:
    return isinstance(column.type, LargeBinary)


def _identity(table: Table, alias: str) -> str:
    """How a row is named: by its id, else by its whole key without the workspace, where there is more of it."""
    names = [column.name for column in table.primary_key if column.name != "workspace_id"] or ["workspace_id"]
    return " || '/' || ".join(f"{alias}.{name}::text" for name in names)


def _without_events(kinds: Iterable[type[Tenant]]) -> Iterable[str]:
    for kind in kinds:
        yield f"""
            SELECT made.workspace_id, '{table_of(kind).name} ' || made.id AS what FROM {table_of(kind).name} AS made
            WHERE NOT EXISTS (
                SELECT FROM {_EVENTS} AS event WHERE event.workspace_id = made.workspace_id
                AND event.resource = '{kind.noun.replace(" ", "_")}' AND event.resource_id = made.id)
        """


def _all(queries: Iterable[str]) -> str:
    return " UNION ALL ".join(queries)


# --- the rules

_EVENTS: Final = table_of(Event).name
_ENTRIES: Final = table_of(TimeEntry).name
_EXPENSES: Final = table_of(Expense).name
_INVOICES: Final = table_of(Invoice).name
_LINES: Final = table_of(InvoiceLine).name
_TAXES: Final = table_of(InvoiceTax).name
_BILLED: Final = table_of(BilledWork).name
_SERIES: Final = table_of(NumberSeries).name
_NUMBERS: Final = table_of(IssuedNumber).name
_JUMPS: Final = table_of(NumberJump).name
_PAYMENTS: Final = table_of(Payment).name
_CREDIT_NOTES: Final = table_of(CreditNote).name
_CREDIT_LINES: Final = table_of(CreditNoteLine).name
_CREDIT_TAXES: Final = table_of(CreditNoteTax).name
_ISSUED: Final = table_of(IssuedDocument).name
_REFUNDS: Final = table_of(Refund).name
_CREDITS: Final = table_of(ClientCredit).name
_CREDIT_ENTRIES: Final = table_of(CreditEntry).name
_ANSWERS: Final = table_of(Answer).name

_LETS_IN: Final = (
    r"\m(hsk_(live|test)_[0-9a-f]{12}_[0-9A-Za-z]{32}\M"
    r"|hgk_[0-9a-f]{12}_[0-9A-Za-z]{32}\M"
    r"|hs[ocrx]_[0-9A-Za-z]{49}\M"
    r"|hss_[0-9a-f]{32}_[0-9A-Za-z_-]{43}"
    r"|hsl_[0-9A-Za-z_-]{43}"
    r"|hsd_[0-9a-f]{42}_[0-9a-f]{64}"
    r"|eyJ[0-9A-Za-z_-]+\.[0-9A-Za-z_-]+\.[0-9A-Za-z_-]{86})"
)
"""Personal tokens; API keys; OAuth's tokens, codes and secrets; cookies of sessions, links, marks of browsers; JWTs."""
_WORK: Final = ((_ENTRIES, "entry_id"), (_EXPENSES, "expense_id"), ("milestones", "milestone_id"))
_LEDGERS: Final = (_EVENTS, _NUMBERS, _JUMPS, _CREDIT_ENTRIES, _CREDIT_NOTES, _CREDIT_LINES, _CREDIT_TAXES, _ISSUED)
_KEPT: Final = (
    *((table, trigger) for table in _LEDGERS for trigger in ("append_only", "append_only_whole")),
    *((table, "keep_issued") for table in (_INVOICES, _LINES, _TAXES)),
    *((_ENTRIES, trigger) for trigger in ("keep_closed", "keep_closed_new")),
)
"""Tables, and the triggers that keep what is in them from being rewritten."""
_ACCESS: Final = (Token, Session, PasswordLink, OAuthApp, OAuthGrant, ApiKey)
_ABOUT_WORK: Final = (TaskStatus, TaskPriority, Category, Contact, Milestone, ChecklistItem, Comment, Note)
_WORK_AND_MONEY: Final = (
    Client,
    Project,
    Task,
    TimeEntry,
    Week,
    Expense,
    Invoice,
    Payment,
    Refund,
    CreditNote,
    Member,
    Rate,
    TaxRate,
    RecurringInvoice,
    AutomaticBilling,
)
_MADE_BY_VERBS: Final = (*_WORK_AND_MONEY, *_ABOUT_WORK, *_ACCESS)
_TABLES: Final = "relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
_OF_WORKSPACES: Final = f"""
    {_TABLES} AND (relname IN ('workspaces', 'people') OR EXISTS (
        SELECT FROM pg_attribute WHERE attrelid = pg_class.oid AND attname = 'workspace_id' AND NOT attisdropped))
"""

INVARIANTS: Final = (
    Invariant(
        "references",
        "Every reference leads to a row of the same workspace.",
        _all(_references()),
    ),
    Invariant(
        "one-owner",
        "Every workspace has exactly one owner.",
        """
            SELECT id AS workspace_id, 'workspaces ' || id AS what FROM workspaces
            WHERE 1 <> (SELECT count(*) FROM members
                        WHERE workspace_id = workspaces.id AND role = 'OWNER' AND removed_at IS NULL)
        """,
    ),
    Invariant(
        "one-timer",
        "A person has at most one running timer.",
        f"""
            SELECT workspace_id, '{_ENTRIES} ' || id AS what FROM (
                SELECT workspace_id, id, count(*) OVER (PARTITION BY workspace_id, user_id) AS timers FROM {_ENTRIES}
                WHERE started_at IS NOT NULL AND stopped_at IS NULL AND deleted_at IS NULL) AS running
            WHERE timers > 1
        """,
    ),
    Invariant(
        "durations",
        "A duration is the time from start to stop, and never negative.",
        f"""
            SELECT workspace_id, '{_ENTRIES} ' || id AS what FROM {_ENTRIES}
            WHERE duration_seconds < 0 OR (started_at IS NULL AND stopped_at IS NOT NULL) OR stopped_at < started_at
                OR duration_seconds <> EXTRACT(EPOCH FROM stopped_at - started_at)
        """,
    ),
    Invariant(
        "tasks-in-project",
        "The task of a time entry belongs to its project.",
        f"""
            SELECT entry.workspace_id, '{_ENTRIES} ' || entry.id AS what FROM {_ENTRIES} AS entry
            JOIN tasks AS task ON task.workspace_id = entry.workspace_id AND task.id = entry.task_id
            WHERE entry.deleted_at IS NULL AND entry.project_id IS DISTINCT FROM task.project_id
        """,
    ),
    Invariant(
        "of-all",
        "Every workspace has the statuses, priorities and categories that clients know by number, and a first person.",
        """
            SELECT workspaces.id AS workspace_id, 'workspaces ' || workspaces.id || ' ' || wanted.what AS what
            FROM workspaces, (VALUES ('status 1 TODO'), ('status 2 IN_PROGRESS'), ('status 3 DONE'),
                ('priority 1 LOW'), ('priority 2 MEDIUM'), ('priority 3 HIGH'), ('priority 4 HIGH'),
                ('category project'), ('category client'), ('category invoice'), ('category expense'),
                ('member 1')) AS wanted (what)
            WHERE wanted.what NOT IN (
                SELECT 'status ' || number || ' ' || kind FROM task_statuses
                WHERE workspace_id = workspaces.id AND deleted_at IS NULL
                UNION ALL SELECT 'priority ' || number || ' ' || kind FROM task_priorities
                WHERE workspace_id = workspaces.id AND deleted_at IS NULL
                UNION ALL SELECT 'category ' || type FROM categories
                WHERE workspace_id = workspaces.id AND system_default AND deleted_at IS NULL
                UNION ALL SELECT 'member ' || number FROM members WHERE workspace_id = workspaces.id)
        """,
    ),
    Invariant(
        "task-words",
        "A live task has a live status, priority and milestone, and its status and priority are what these count as.",
        """
            SELECT task.workspace_id, 'tasks ' || task.id AS what FROM tasks AS task
            LEFT JOIN task_statuses AS status ON status.workspace_id = task.workspace_id
                AND status.id = task.status_id AND status.kind = task.status AND status.deleted_at IS NULL
            LEFT JOIN task_priorities AS priority ON priority.workspace_id = task.workspace_id
                AND priority.id = task.priority_id AND priority.kind = task.priority AND priority.deleted_at IS NULL
            LEFT JOIN milestones AS milestone ON milestone.workspace_id = task.workspace_id
                AND milestone.id = task.milestone_id AND milestone.project_id = task.project_id
                AND milestone.deleted_at IS NULL
            WHERE task.deleted_at IS NULL AND (
                num_nulls(status.id, priority.id, milestone.id) > 0
                OR (task.status = 'DONE') <> (task.completed_at IS NOT NULL))
        """,
    ),
    Invariant(
        "milestones",
        "Every project has exactly one milestone for the tasks that belong to no other.",
        """
            SELECT workspace_id, 'projects ' || id AS what FROM projects
            WHERE deleted_at IS NULL AND 1 <> (
                SELECT count(*) FROM milestones WHERE milestones.workspace_id = projects.workspace_id
                AND project_id = projects.id AND uncategorised AND milestones.deleted_at IS NULL)
        """,
    ),
    Invariant(
        "categories",
        "What is filed is filed under a live category of its type.",
        _all(
            f"""
                SELECT filed.workspace_id, '{table} ' || filed.id AS what FROM {table} AS filed
                JOIN categories AS category
                  ON category.workspace_id = filed.workspace_id AND category.id = filed.category_id
                WHERE category.type <> '{kind}' OR (category.deleted_at IS NOT NULL AND filed.deleted_at IS NULL)
            """
            for kind, table in FILED.items()
        ),
    ),
    Invariant(
        "primary-contacts",
        "A client that has contacts has exactly one primary contact.",
        """
            SELECT workspace_id, 'clients ' || client_id AS what FROM contacts
            WHERE deleted_at IS NULL GROUP BY workspace_id, client_id
            HAVING count(*) FILTER (WHERE is_primary) <> 1
        """,
    ),
    Invariant(
        "rates",
        "A place knows since when it has rates that begin on days; its column says its rate only where it has none.",
        _all(
            f"""
                SELECT {studio} AS workspace_id, '{table} ' || place.id AS what FROM {table} AS place
                WHERE rates_from IS DISTINCT FROM (
                    SELECT min(effective_from) FROM rates
                    WHERE rates.workspace_id = {studio} AND place_id = place.id AND deleted_at IS NULL)
                   OR (rates_from IS NOT NULL AND {column} IS NOT NULL)
            """
            for table, studio, column in (
                ("workspaces", "place.id", "default_rate"),
                ("clients", "place.workspace_id", "default_rate"),
                ("projects", "place.workspace_id", "hourly_rate"),
                ("tasks", "place.workspace_id", "hourly_rate"),
            )
        ),
    ),
    Invariant(
        "billed-once",
        "A time entry, expense, milestone or fee is on at most one live invoice.",
        _all(
            f"""
                SELECT workspace_id, '{table} ' || {column} AS what FROM {_BILLED}
                WHERE released_at IS NULL AND {column} IS NOT NULL
                GROUP BY workspace_id, {column} HAVING count(*) > 1
            """
            for table, column in (*_WORK, ("projects", "fee_project_id"))
        ),
    ),
    Invariant(
        "fees",
        "Milestones and what is billed beside them are no more than the fee, and a milestone is billed at its amount.",
        f"""
            SELECT workspace_id, 'projects ' || id AS what FROM projects
            WHERE deleted_at IS NULL AND COALESCE(fixed_fee_amount, 0) <
                (SELECT COALESCE(sum(amount), 0) FROM milestones
                 WHERE milestones.workspace_id = projects.workspace_id AND project_id = projects.id
                   AND milestones.deleted_at IS NULL)
                + (SELECT COALESCE(sum(line.rate), 0) FROM {_BILLED} AS billed
                   JOIN {_LINES} AS line ON line.workspace_id = billed.workspace_id AND line.id = billed.line_id
                   WHERE billed.workspace_id = projects.workspace_id AND billed.fee_project_id = projects.id
                     AND billed.released_at IS NULL)
            UNION ALL
            SELECT milestone.workspace_id, 'milestones ' || milestone.id FROM milestones AS milestone
            JOIN {_BILLED} AS billed ON billed.workspace_id = milestone.workspace_id
                AND billed.milestone_id = milestone.id AND billed.released_at IS NULL
            JOIN {_LINES} AS line ON line.workspace_id = billed.workspace_id AND line.id = billed.line_id
            WHERE line.kind <> 'MILESTONE' OR line.quantity <> 1 OR line.rate <> milestone.amount
        """,
    ),
    Invariant(
        "billed-agrees",
        "A time entry, expense or milestone is locked by exactly the live invoice that bills it.",
        _all(
            f"""
                SELECT COALESCE(work.workspace_id, billed.workspace_id) AS workspace_id,
                       '{table} ' || COALESCE(work.id, billed.{column}) AS what
                FROM (SELECT * FROM {table} WHERE invoice_id IS NOT NULL) AS work
                FULL JOIN (SELECT * FROM {_BILLED} WHERE released_at IS NULL AND {column} IS NOT NULL) AS billed
                  ON billed.workspace_id = work.workspace_id AND billed.{column} = work.id
                 AND billed.invoice_id = work.invoice_id
                LEFT JOIN {_INVOICES} AS invoice
                  ON invoice.workspace_id = work.workspace_id AND invoice.id = work.invoice_id
                LEFT JOIN {_LINES} AS line ON line.workspace_id = work.workspace_id AND line.id = billed.line_id
                WHERE work.id IS NULL OR billed.id IS NULL OR work.deleted_at IS NOT NULL
                   OR invoice.id IS NULL OR invoice.deleted_at IS NOT NULL OR invoice.status = 'CANCELLED'
                   OR line.invoice_id IS DISTINCT FROM billed.invoice_id
            """
            for table, column in _WORK
        ),
    ),
    Invariant(
        "reconciled",
        "For each client tracked = billed + unbilled + non-billable + written off, to the second and the cent.",
        UNPROVEN,
    ),
    Invariant(
        "billed-as-tracked",
        "A locked time entry has the seconds with which it was billed.",
        f"""
            SELECT entry.workspace_id, '{_ENTRIES} ' || entry.id AS what FROM {_BILLED} AS billed
            JOIN {_ENTRIES} AS entry ON entry.workspace_id = billed.workspace_id AND entry.id = billed.entry_id
            WHERE billed.released_at IS NULL AND entry.duration_seconds <> billed.seconds
        """,
    ),
    Invariant(
        "billed-hours",
        "The hours of a line are those of the time entries it bills.",
        f"""
            SELECT line.workspace_id, '{_LINES} ' || line.id AS what FROM {_LINES} AS line
            LEFT JOIN {_BILLED} AS billed ON billed.workspace_id = line.workspace_id AND billed.line_id = line.id
            WHERE line.kind = 'TIME' GROUP BY line.id
            HAVING line.quantity <> round(COALESCE(sum(billed.billed_seconds), 0) / 3600, 4)
        """,
    ),
    Invariant(
        "lines",
        "A line's total is its quantity times its rate less its discount, rounded once; with the tax in it where "
        "prices include that.",
        f"""
            SELECT line.workspace_id, '{_LINES} ' || line.id AS what
            FROM (SELECT line.*, invoice.prices_include_tax, {_minor_unit("invoice.currency")} AS places,
                         COALESCE(line.gross_total, line.total) AS listed,
                         COALESCE(line.gross_discount, line.discount_amount) AS off
                  FROM {_LINES} AS line
                  JOIN {_INVOICES} AS invoice
                    ON invoice.workspace_id = line.workspace_id AND invoice.id = line.invoice_id
                  WHERE invoice.deleted_at IS NULL) AS line
            WHERE listed <> round(quantity * rate, places) - off
               OR off <> round(round(quantity * rate, places) * discount_percent * 0.01, places)
               OR (gross_total IS NOT NULL) <> prices_include_tax
               OR total <> round(total, places) OR discount_amount <> round(discount_amount, places)
        """,
    ),
    Invariant(
        "taxes",
        "A tax is its rate on its lines less their share of the discount, rounded once; with prices that include it, "
        "it is taken out of them.",
        f"""
            SELECT COALESCE(tax.workspace_id, line.workspace_id) AS workspace_id,
                   '{_TAXES} ' || COALESCE(tax.id::text, line.invoice_id || ' ' || line.tax_category) AS what
            FROM (SELECT tax.*, invoice.prices_include_tax, places, COALESCE(rate, 0) AS percent,
                         CAST('5e-' || places + 1 AS numeric) AS half
                  FROM {_TAXES} AS tax
                  JOIN {_INVOICES} AS invoice
                    ON invoice.workspace_id = tax.workspace_id AND invoice.id = tax.invoice_id
                  CROSS JOIN LATERAL (SELECT {_minor_unit("invoice.currency")} AS places) AS unit
                  WHERE invoice.deleted_at IS NULL) AS tax
            FULL JOIN (
                SELECT workspace_id, invoice_id, tax_category, tax_rate, sum(total) AS subtotal
                FROM {_LINES} AS line
                WHERE EXISTS (SELECT FROM {_INVOICES} AS invoice WHERE invoice.workspace_id = line.workspace_id
                              AND invoice.id = line.invoice_id AND invoice.deleted_at IS NULL)
                GROUP BY 1, 2, 3, 4) AS line
              ON line.workspace_id = tax.workspace_id AND line.invoice_id = tax.invoice_id
             AND line.tax_category = tax.category AND COALESCE(line.tax_rate, -1) = COALESCE(tax.rate, -1)
            WHERE tax.id IS NULL OR tax.subtotal IS DISTINCT FROM line.subtotal
               OR tax.basis <> tax.subtotal - tax.discount
               OR (NOT tax.prices_include_tax
                   AND tax.amount <> round(tax.basis * percent * 0.01, tax.places))
               OR (tax.prices_include_tax AND NOT (
                   (tax.amount - half) * (100 + percent) <= (tax.basis + tax.amount) * percent
                   AND (tax.basis + tax.amount) * percent < (tax.amount + half) * (100 + percent)))
        """,
    ),
    Invariant(
        "totals",
        "An invoice's total is its lines less the discount plus its taxes; its tax rate is theirs, where there is one.",
        f"""
            SELECT invoice.workspace_id, '{_INVOICES} ' || invoice.id AS what
            FROM (SELECT *, {_minor_unit("currency")} AS places FROM {_INVOICES}) AS invoice
            LEFT JOIN (SELECT workspace_id, invoice_id, sum(total) AS subtotal, sum(gross_total) AS gross
                       FROM {_LINES} GROUP BY 1, 2) AS lines
              ON lines.workspace_id = invoice.workspace_id AND lines.invoice_id = invoice.id
            LEFT JOIN (SELECT workspace_id, invoice_id, sum(discount) AS discount, sum(amount) AS amount,
                              count(DISTINCT COALESCE(rate, -1)) AS rates, max(rate) AS rate
                       FROM {_TAXES} GROUP BY 1, 2) AS taxes
              ON taxes.workspace_id = invoice.workspace_id AND taxes.invoice_id = invoice.id
            WHERE invoice.deleted_at IS NULL AND (
                invoice.subtotal <> COALESCE(lines.subtotal, 0)
                OR invoice.discount_amount <> COALESCE(taxes.discount, 0)
                OR invoice.tax_amount <> COALESCE(taxes.amount, 0)
                OR invoice.tax_rate IS DISTINCT FROM
                   CASE WHEN rates IS NULL THEN default_tax_rate WHEN rates = 1 THEN taxes.rate END
                OR COALESCE(invoice.gross_discount, invoice.discount_amount) <> round(
                    CASE WHEN prices_include_tax THEN lines.gross ELSE lines.subtotal END
                    * invoice.discount_percent * 0.01, places)
                OR (prices_include_tax AND invoice.total <> COALESCE(lines.gross, 0) - invoice.gross_discount)
                OR invoice.discount_amount NOT BETWEEN 0 AND invoice.subtotal
                OR invoice.total <> invoice.subtotal - invoice.discount_amount + invoice.tax_amount)
        """,
    ),
    Invariant(
        "paid",
        "What is paid on an invoice is the sum of its payments, less what went back or became credit, and of what was "
        "settled; with what is credited and written off it is at most the total; its status says so.",
        f"""
            SELECT invoice.workspace_id, '{_INVOICES} ' || invoice.id AS what FROM {_INVOICES} AS invoice
            LEFT JOIN (SELECT workspace_id, invoice_id, sum(amount) AS received FROM {_PAYMENTS}
                       WHERE deleted_at IS NULL GROUP BY 1, 2) AS payments
              ON payments.workspace_id = invoice.workspace_id AND payments.invoice_id = invoice.id
            LEFT JOIN (SELECT workspace_id, invoice_id, sum(amount) AS returned FROM {_REFUNDS}
                       WHERE deleted_at IS NULL GROUP BY 1, 2) AS refunds
              ON refunds.workspace_id = invoice.workspace_id AND refunds.invoice_id = invoice.id
            LEFT JOIN (SELECT workspace_id, invoice_id, sum(amount) AS given FROM {_CREDIT_ENTRIES}
                       WHERE cause <> 'APPLIED' GROUP BY 1, 2) AS credit
              ON credit.workspace_id = invoice.workspace_id AND credit.invoice_id = invoice.id
            WHERE invoice.amount_paid <> COALESCE(received, 0) - COALESCE(returned, 0) - COALESCE(given, 0) + settled
               OR invoice.amount_refunded <> COALESCE(returned, 0)
               OR NOT (0 <= settled AND 0 <= amount_paid AND amount_credited >= 0 AND amount_written_off >= 0
                       AND amount_paid + amount_credited + amount_written_off <= total)
               OR balance <> total - amount_paid - amount_credited - amount_written_off
               OR (status = 'PAID' AND amount_paid + amount_credited <> total)
               OR (status = 'SENT' AND amount_paid + amount_credited = total AND total > 0)
               OR (status IN ('DRAFT', 'CANCELLED') AND amount_paid + amount_written_off <> 0)
        """,
    ),
    Invariant(
        "refunds",
        "What was returned of a payment is the sum of its refunds, and never more than the payment.",
        f"""
            SELECT payment.workspace_id, '{_PAYMENTS} ' || payment.id AS what FROM {_PAYMENTS} AS payment
            LEFT JOIN (SELECT workspace_id, payment_id, sum(amount) AS returned,
                              bool_and(currency = first_currency AND invoice_id = first_invoice) AS alike
                       FROM (SELECT refund.*, paid.currency AS first_currency, paid.invoice_id AS first_invoice
                             FROM {_REFUNDS} AS refund JOIN {_PAYMENTS} AS paid
                               ON paid.workspace_id = refund.workspace_id AND paid.id = refund.payment_id
                             WHERE refund.deleted_at IS NULL) AS refund
                       GROUP BY 1, 2) AS refunds
              ON refunds.workspace_id = payment.workspace_id AND refunds.payment_id = payment.id
            WHERE payment.deleted_at IS NULL AND (
                payment.amount_refunded <> COALESCE(returned, 0) OR payment.amount_refunded > payment.amount
                OR NOT COALESCE(alike, true))
        """,
    ),
    Invariant(
        "client-credit",
        "A client's credit is the sum of its entries, never less than nothing, and what was paid with it left it.",
        f"""
            SELECT COALESCE(held.workspace_id, entries.workspace_id) AS workspace_id,
                   'clients ' || COALESCE(held.client_id, entries.client_id) AS what
            FROM {_CREDITS} AS held
            FULL JOIN (SELECT workspace_id, client_id, currency, sum(amount) AS amount FROM {_CREDIT_ENTRIES}
                       GROUP BY 1, 2, 3) AS entries USING (workspace_id, client_id, currency)
            WHERE COALESCE(held.amount, 0) <> COALESCE(entries.amount, 0) OR held.amount < 0
            UNION ALL
            SELECT payment.workspace_id, '{_PAYMENTS} ' || payment.id FROM {_PAYMENTS} AS payment
            LEFT JOIN (SELECT workspace_id, payment_id, sum(amount) AS spent FROM {_CREDIT_ENTRIES}
                       WHERE cause = 'APPLIED' GROUP BY 1, 2) AS applied
              ON applied.workspace_id = payment.workspace_id AND applied.payment_id = payment.id
            WHERE COALESCE(-spent, 0) <> CASE WHEN from_credit AND deleted_at IS NULL THEN amount ELSE 0 END
        """,
    ),
    Invariant(
        "credited",
        "What is credited of an invoice, and of each of its lines, is the sum of its credit notes: at most all of it.",
        f"""
            SELECT invoice.workspace_id, '{_INVOICES} ' || invoice.id AS what FROM {_INVOICES} AS invoice
            LEFT JOIN (SELECT workspace_id, invoice_id, sum(total) AS credited FROM {_CREDIT_NOTES} GROUP BY 1, 2)
                AS notes ON notes.workspace_id = invoice.workspace_id AND notes.invoice_id = invoice.id
            WHERE invoice.amount_credited <> COALESCE(notes.credited, 0) OR invoice.amount_credited > invoice.total
            UNION ALL
            SELECT line.workspace_id, '{_LINES} ' || line.id FROM {_LINES} AS line
            LEFT JOIN (SELECT workspace_id, line_id, sum(COALESCE(gross_total, total)) AS credited
                       FROM {_CREDIT_LINES} GROUP BY 1, 2) AS notes
              ON notes.workspace_id = line.workspace_id AND notes.line_id = line.id
            WHERE line.credited <> COALESCE(notes.credited, 0) OR line.credited > COALESCE(gross_total, total)
        """,
    ),
    Invariant(
        "credit-notes",
        "A credit note is the sum of its lines and taxes; what of it was paid before became the client's credit. "
        "All credit notes of an invoice that is credited in full are that invoice, in each tax category.",
        f"""
            SELECT note.workspace_id, '{_CREDIT_NOTES} ' || note.id AS what FROM {_CREDIT_NOTES} AS note
            LEFT JOIN (SELECT workspace_id, credit_note_id, sum(total) AS total FROM {_CREDIT_LINES} GROUP BY 1, 2)
                AS lines ON lines.workspace_id = note.workspace_id AND lines.credit_note_id = note.id
            LEFT JOIN (SELECT workspace_id, credit_note_id, sum(subtotal) AS subtotal, sum(discount) AS discount,
                              sum(amount) AS amount FROM {_CREDIT_TAXES} GROUP BY 1, 2)
                AS taxes ON taxes.workspace_id = note.workspace_id AND taxes.credit_note_id = note.id
            LEFT JOIN (SELECT workspace_id, credit_note_id, sum(amount) AS given FROM {_CREDIT_ENTRIES}
                       WHERE cause = 'CREDIT_NOTE' GROUP BY 1, 2)
                AS entries ON entries.workspace_id = note.workspace_id AND entries.credit_note_id = note.id
            WHERE (note.subtotal, note.subtotal, note.discount_amount, note.tax_amount)
                  IS DISTINCT FROM (lines.total, taxes.subtotal, taxes.discount, taxes.amount)
               OR note.surplus <> COALESCE(entries.given, 0) OR note.applied + note.surplus <> note.total
            UNION ALL
            SELECT invoice.workspace_id, '{_INVOICES} ' || invoice.id FROM {_INVOICES} AS invoice
            JOIN {_TAXES} AS tax ON tax.workspace_id = invoice.workspace_id AND tax.invoice_id = invoice.id
            LEFT JOIN (SELECT note.workspace_id, note.invoice_id, share.category, share.rate,
                              sum(share.basis) AS basis, sum(share.amount) AS amount
                       FROM {_CREDIT_NOTES} AS note JOIN {_CREDIT_TAXES} AS share
                         ON share.workspace_id = note.workspace_id AND share.credit_note_id = note.id
                       GROUP BY 1, 2, 3, 4) AS shares
              ON shares.workspace_id = tax.workspace_id AND shares.invoice_id = tax.invoice_id
             AND shares.category = tax.category AND shares.rate IS NOT DISTINCT FROM tax.rate
            WHERE invoice.amount_credited = invoice.total AND invoice.total > 0
              AND (tax.basis, tax.amount) IS DISTINCT FROM (COALESCE(shares.basis, 0), COALESCE(shares.amount, 0))
        """,
    ),
    Invariant(
        "payment-currency",
        "A payment is in the currency of its invoice.",
        f"""
            SELECT payment.workspace_id, '{_PAYMENTS} ' || payment.id AS what FROM {_PAYMENTS} AS payment
            JOIN {_INVOICES} AS invoice
              ON invoice.workspace_id = payment.workspace_id AND invoice.id = payment.invoice_id
            WHERE payment.currency <> invoice.currency
        """,
    ),
    Invariant(
        "external-payments",
        "A payment that a bank or gateway names is recorded once.",
        f"""
            SELECT workspace_id, '{_PAYMENTS} ' || id AS what FROM (
                SELECT workspace_id, id, count(*) OVER (PARTITION BY workspace_id, external_id) AS times
                FROM {_PAYMENTS} WHERE external_id IS NOT NULL AND deleted_at IS NULL) AS named
            WHERE times > 1
        """,
    ),
    Invariant(
        "numbers",
        "The numbers of a series run from 1, or from where somebody let it go on, without a hole; "
        "its counter stands at the next.",
        f"""
            SELECT workspace_id, '{_NUMBERS} ' || series || '/' || value AS what FROM (
                SELECT workspace_id, series, value,
                       lag(value, 1, 0::bigint) OVER (PARTITION BY workspace_id, series ORDER BY value) AS before
                FROM {_NUMBERS}) AS drawn
            WHERE value <> before + 1 AND NOT EXISTS (
                SELECT FROM {_JUMPS} AS jump WHERE jump.workspace_id = drawn.workspace_id
                AND jump.series = drawn.series AND jump.value = drawn.value)
            UNION ALL
            SELECT workspace_id, '{_SERIES} ' || series AS what
            FROM {_SERIES} AS counter
            FULL JOIN (SELECT workspace_id, series, max(value) AS last FROM {_NUMBERS} GROUP BY 1, 2) AS drawn
            USING (workspace_id, series)
            WHERE next IS NULL OR next <= COALESCE(last, 0)
               OR (next <> COALESCE(last, 0) + 1 AND NOT EXISTS (
                   SELECT FROM {_JUMPS} AS jump WHERE jump.workspace_id = counter.workspace_id
                   AND jump.series = counter.series AND jump.value = next))
        """,
    ),
    Invariant(
        "issued-numbers",
        "The number of every issued invoice and credit note is in the ledger of numbers, for it; a draft has none.",
        f"""
            SELECT workspace_id, '{_INVOICES} ' || id AS what FROM {_INVOICES} AS invoice
            WHERE CASE WHEN number ~ '^DRAFT-[0-9A-F]{{8}}$' THEN status NOT IN ('DRAFT', 'CANCELLED')
                  ELSE status = 'DRAFT' OR NOT EXISTS (
                      SELECT FROM {_NUMBERS} AS drawn WHERE drawn.workspace_id = invoice.workspace_id
                      AND drawn.number = invoice.number AND drawn.invoice_id = invoice.id) END
            UNION ALL
            SELECT workspace_id, '{_CREDIT_NOTES} ' || id FROM {_CREDIT_NOTES} AS note
            WHERE NOT EXISTS (
                SELECT FROM {_NUMBERS} AS drawn WHERE drawn.workspace_id = note.workspace_id
                AND drawn.number = note.number AND drawn.credit_note_id = note.id)
        """,
    ),
    Invariant(
        "recurring",
        "A recurring invoice makes invoices of its own client, and nothing is decided of its next day yet.",
        """
            SELECT run.workspace_id, 'recurring_runs ' || run.id AS what FROM recurring_runs AS run
            JOIN recurring_invoices AS recurring
              ON recurring.workspace_id = run.workspace_id AND recurring.id = run.recurring_id
            JOIN invoices AS invoice ON invoice.workspace_id = run.workspace_id AND invoice.id = run.invoice_id
            WHERE invoice.client_id <> recurring.client_id
            UNION ALL
            SELECT recurring.workspace_id, 'recurring_invoices ' || recurring.id FROM recurring_invoices AS recurring
            JOIN recurring_runs AS run ON run.workspace_id = recurring.workspace_id
                AND run.recurring_id = recurring.id AND run.occurs_on = recurring.next_run_on
        """,
    ),
    Invariant(
        "automatic-billing",
        "Automatic billing bills its own client, and the period that is next was not billed yet.",
        """
            SELECT run.workspace_id, 'billing_runs ' || run.id AS what FROM billing_runs AS run
            JOIN invoices AS invoice ON invoice.workspace_id = run.workspace_id AND invoice.id = run.invoice_id
            WHERE invoice.client_id <> run.client_id
            UNION ALL
            SELECT billing.workspace_id, 'automatic_billing ' || billing.id FROM automatic_billing AS billing
            JOIN billing_runs AS run ON run.workspace_id = billing.workspace_id
                AND run.client_id = billing.client_id AND run.period_to >= billing.period_ends_on
            WHERE run.every IN ('WEEK', 'TWO_WEEKS', 'MONTH')
        """,
    ),
    Invariant(
        "issued-documents",
        "What was issued is kept under its number, with its PDF and XML as their hashes say.",
        f"""
            SELECT workspace_id, '{_ISSUED} ' || id AS what FROM {_ISSUED} AS issued
            WHERE facts_sha256 <> sha256(facts) OR pdf_sha256 <> sha256(pdf)
               OR xml_sha256 IS DISTINCT FROM sha256(xml)
               OR NOT EXISTS (
                   SELECT FROM {_NUMBERS} AS drawn WHERE drawn.workspace_id = issued.workspace_id
                   AND drawn.number = issued.number AND drawn.invoice_id IS NOT DISTINCT FROM issued.invoice_id
                   AND drawn.credit_note_id IS NOT DISTINCT FROM issued.credit_note_id)
            UNION ALL
            SELECT workspace_id, '{_NUMBERS} ' || series || '/' || value FROM {_NUMBERS} AS drawn
            WHERE issued_at > (SELECT min(issued_at) FROM {_ISSUED} AS first
                               WHERE first.workspace_id = drawn.workspace_id)
              AND NOT EXISTS (SELECT FROM {_ISSUED} AS issued WHERE issued.workspace_id = drawn.workspace_id
                              AND issued.number = drawn.number)
        """,
    ),
    Invariant(
        "deleted-parents",
        "Nothing live hangs below something deleted.",
        f"""
            SELECT project.workspace_id, 'projects ' || project.id AS what FROM projects AS project
            JOIN clients AS client ON client.workspace_id = project.workspace_id AND client.id = project.client_id
            WHERE client.deleted_at IS NOT NULL AND project.deleted_at IS NULL AND project.status <> 'ARCHIVED'
            UNION ALL
            SELECT entry.workspace_id, '{_ENTRIES} ' || entry.id FROM {_ENTRIES} AS entry
            JOIN projects AS project
              ON project.workspace_id = entry.workspace_id AND project.id = entry.project_id
            LEFT JOIN clients AS client
              ON client.workspace_id = project.workspace_id AND client.id = project.client_id
            WHERE entry.deleted_at IS NULL AND (project.deleted_at IS NOT NULL OR client.deleted_at IS NOT NULL)
            UNION ALL
            SELECT task.workspace_id, 'tasks ' || task.id FROM tasks AS task
            JOIN projects AS project ON project.workspace_id = task.workspace_id AND project.id = task.project_id
            WHERE task.deleted_at IS NULL AND project.deleted_at IS NOT NULL
            UNION ALL
            SELECT milestone.workspace_id, 'milestones ' || milestone.id FROM milestones AS milestone
            JOIN projects AS project
              ON project.workspace_id = milestone.workspace_id AND project.id = milestone.project_id
            WHERE milestone.deleted_at IS NULL AND project.deleted_at IS NOT NULL
            UNION ALL
            SELECT contact.workspace_id, 'contacts ' || contact.id FROM contacts AS contact
            JOIN clients AS client ON client.workspace_id = contact.workspace_id AND client.id = contact.client_id
            WHERE contact.deleted_at IS NULL AND client.deleted_at IS NOT NULL
            UNION ALL
            SELECT comment.workspace_id, 'comments ' || comment.id FROM comments AS comment
            JOIN checklist_items AS item
              ON item.workspace_id = comment.workspace_id AND item.id = comment.checklist_item_id
            WHERE comment.deleted_at IS NULL AND item.deleted_at IS NOT NULL
            UNION ALL
            SELECT expense.workspace_id, '{_EXPENSES} ' || expense.id FROM {_EXPENSES} AS expense
            JOIN clients AS client ON client.workspace_id = expense.workspace_id AND client.id = expense.client_id
            WHERE expense.deleted_at IS NULL AND client.deleted_at IS NOT NULL
            UNION ALL
            SELECT invoice.workspace_id, '{_INVOICES} ' || invoice.id FROM {_INVOICES} AS invoice
            JOIN clients AS client ON client.workspace_id = invoice.workspace_id AND client.id = invoice.client_id
            WHERE invoice.deleted_at IS NULL AND client.deleted_at IS NOT NULL
            UNION ALL
            SELECT payment.workspace_id, '{_PAYMENTS} ' || payment.id FROM {_PAYMENTS} AS payment
            JOIN {_INVOICES} AS invoice
              ON invoice.workspace_id = payment.workspace_id AND invoice.id = payment.invoice_id
            WHERE payment.deleted_at IS NULL AND invoice.deleted_at IS NOT NULL
        """,
    ),
    Invariant(
        "approved-weeks",
        "An approved week holds the time that was approved, and no running timer.",
        f"""
            SELECT week.workspace_id, 'weeks ' || week.id AS what
            FROM weeks AS week JOIN workspaces AS studio ON studio.id = week.workspace_id AND studio.approve_weeks
            WHERE week.status = 'APPROVED' AND (week.duration_seconds, 0) <> (
                SELECT COALESCE(sum(duration_seconds), 0),
                       count(*) FILTER (WHERE started_at IS NOT NULL AND stopped_at IS NULL)
                FROM {_ENTRIES} AS entry
                WHERE entry.workspace_id = week.workspace_id AND entry.user_id = week.user_id
                  AND entry.deleted_at IS NULL AND entry.entry_date BETWEEN week.first_day AND week.first_day + 6)
        """,
    ),
    Invariant(
        "removed-members",
        "Whoever was removed has no live token, session or grant, and no running timer.",
        f"""
            SELECT token.workspace_id, 'tokens ' || token.id AS what FROM tokens AS token
            JOIN members AS member ON member.workspace_id = token.workspace_id AND member.user_id = token.user_id
            WHERE member.removed_at IS NOT NULL AND token.revoked_at IS NULL
              AND (token.expires_at IS NULL OR token.expires_at > %(now)s)
            UNION ALL
            SELECT session.workspace_id, 'sessions ' || session.id FROM sessions AS session
            JOIN members AS member ON member.workspace_id = session.workspace_id AND member.user_id = session.user_id
            WHERE member.removed_at IS NOT NULL AND session.ended_at IS NULL AND session.expires_at > %(now)s
            UNION ALL
            SELECT granted.workspace_id, 'oauth_grants ' || granted.id FROM oauth_grants AS granted
            JOIN members AS member ON member.workspace_id = granted.workspace_id AND member.user_id = granted.user_id
            WHERE member.removed_at IS NOT NULL AND granted.ended_at IS NULL AND granted.expires_at > %(now)s
            UNION ALL
            SELECT entry.workspace_id, '{_ENTRIES} ' || entry.id FROM {_ENTRIES} AS entry
            JOIN members AS member ON member.workspace_id = entry.workspace_id AND member.user_id = entry.user_id
            WHERE member.removed_at IS NOT NULL AND entry.deleted_at IS NULL
              AND entry.started_at IS NOT NULL AND entry.stopped_at IS NULL
        """,
    ),
    Invariant(
        "answers",
        "A stored answer is one that a request can have had: a status, a body of a size we keep, no time to come.",
        f"""
            SELECT workspace_id, '{_ANSWERS} ' || user_id || '/' || key AS what FROM {_ANSWERS}
            WHERE status NOT BETWEEN 200 AND 499 OR status IN (401, 403, 413, 415, 429)
               OR octet_length(fingerprint) = 0 OR octet_length(body) > {BODY_LIMIT}
               OR completed_at > %(now)s::timestamptz + interval '10 minutes'
        """,
    ),
    Invariant(
        "audit",
        "Every entry of the audit log, and every event in it, is as it was written.",
        f"SELECT workspace_id, 'audit_log ' || sequence AS what FROM ({BROKEN_SQL}) AS broken",
    ),
    Invariant(
        "audited",
        "Every event is in the audit log, or waits to enter it.",
        """
            SELECT event.workspace_id, 'events ' || event.id AS what
            FROM events AS event
            JOIN audit_log AS begun ON begun.workspace_id = event.workspace_id AND begun.sequence = 1
             AND begun.event_ids[1] < event.id
            LEFT JOIN (SELECT unnest(event_ids) AS id FROM audit_log
                       UNION ALL SELECT resource_id FROM change_queue WHERE resource = 'event') AS known
              ON known.id = event.id
            WHERE known.id IS NULL
        """,
    ),
    Invariant(
        "events",
        "Every row that was made has an event that tells of it.",
        _all(_without_events(_MADE_BY_VERBS)),
    ),
    Invariant(
        "secrets",
        "No token, code, cookie or link that lets somebody in stands in any text.",
        _all(_secrets()),
    ),
    Invariant(
        "row-security",
        "Row-level security guards every table that holds a workspace's rows.",
        f"""
            SELECT NULL::uuid AS workspace_id, relname::text AS what FROM pg_class
            WHERE {_OF_WORKSPACES} AND (
                NOT relrowsecurity OR NOT EXISTS (SELECT FROM pg_policy WHERE polrelid = pg_class.oid)
                OR EXISTS (SELECT FROM pg_policy WHERE polrelid = pg_class.oid AND polcmd <> 'a'
                           AND (polqual IS NULL OR pg_get_expr(polqual, polrelid) = 'true')))
        """,
    ),
    Invariant(
        "application-role",
        "The role of the requests owns nothing, is no superuser, and does not pass row-level security by.",
        f"""
            SELECT NULL::uuid AS workspace_id,
                   'owns ' || COALESCE(pg_describe_object(classid, objid, objsubid), objid::text) AS what
            FROM pg_shdepend JOIN pg_roles ON pg_roles.oid = refobjid AND rolname = '{APPLICATION_ROLE}'
            WHERE refclassid = 'pg_authid'::regclass AND deptype = 'o'
              AND dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
            UNION ALL
            SELECT NULL, 'role ' || rolname FROM pg_roles
            WHERE rolname = '{APPLICATION_ROLE}' AND (rolsuper OR rolbypassrls)
        """,
    ),
    Invariant(
        "kept",
        "Triggers keep what happened, which numbers were drawn and what was issued from being rewritten.",
        _all(
            f"""
                SELECT NULL::uuid AS workspace_id, '{table} {trigger}' AS what
                WHERE NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = '{table}'::regclass
                                  AND tgname = '{trigger}' AND tgenabled IN ('O', 'A'))
            """
            for table, trigger in _KEPT
        ),
    ),
)
