"""Invoices and expenses as pages list them, and what is unbilled, open and overdue at a glance."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import text

from tallystick.db.session import Prepared
from tallystick.domain.access import Permission
from tallystick.domain.approvals import WAITS_SQL
from tallystick.domain.context import Context
from tallystick.domain.invoices import invoice as invoices_of
from tallystick.domain.invoices import papers
from tallystick.domain.invoices.draft import Draft, change, draft
from tallystick.domain.invoices.invoice import InvoiceTax
from tallystick.domain.reconciliation import worth_sql
from tallystick.values.document import Document
from tallystick.values.money import round_money


class InvoiceSeen(NamedTuple):
    """An invoice as a list shows it."""

    id: str
    number: str
    status: str
    payment_status: str
    client_id: str
    client: str
    currency: str
    total: Decimal
    balance: Decimal
    """Still to be paid; nothing on drafts and cancelled ones."""
    issue_date: date
    due_date: date | None
    overdue: bool


class Glance(NamedTuple):
    """What there is of one currency."""

    currency: str
    unbilled_seconds: int
    unbilled: Decimal
    drafts: Decimal
    open: Decimal
    overdue: Decimal
    paid: Decimal
    """Received in the last 30 days."""


class Unbilled(NamedTuple):
    """A client with work that could be billed."""

    client_id: str
    client: str
    currency: str
    seconds: int
    amount: Decimal
    expenses: Decimal
    since: date | None


class ExpenseSeen(NamedTuple):
    """An expense as a list shows it."""

    id: str
    expense_date: date
    description: str
    category: str
    custom_category: str | None
    amount: Decimal
    currency: str
    billable: bool
    client_id: str | None
    client: str | None
    project_id: str | None
    project: str | None
    invoice_id: str | None
    invoice: str | None


class PaymentSeen(NamedTuple):
    """A payment as a list shows it."""

    id: str
    paid_on: date
    amount: Decimal
    refunded: Decimal
    surplus: Decimal
    currency: str
    gateway: str
    from_credit: bool
    note: str | None
    reference: str | None
    invoice_id: str
    number: str
    client_id: str
    client: str


class CreditNoteSeen(NamedTuple):
    """A credit note as a list shows it."""

    id: str
    number: str
    issue_date: date
    reason: str
    total: Decimal
    currency: str
    invoice_id: str
    invoice: str
    client_id: str
    client: str


class Told(NamedTuple):
    """Something that happened to an invoice."""

    what: str
    """`created`, `updated`, `sent`, `paid`, …: the event's word; with its noun where that is another, such as
    `payment.recorded`, and of a letter its kind: `mail.queued.reminder`."""
    at: datetime
    who: str | None
    amount: str | None
    """Of a payment, a refund or a credit note."""


def invoices(
    ctx: Context,
    *,
    search: str = "",
    status: str | None = None,
    client_id: str | None = None,
    limit: int = 500,
) -> list[InvoiceSeen]:
    """Invoices, the latest dated first. `status`: one of theirs, or OVERDUE, or OPEN for what is sent."""
    ctx.require(Permission.READ_INVOICES)
    rows = ctx.rows(_INVOICES, words=_words(search), status=status, client=client_id, today=ctx.today(), limit=limit)
    return [InvoiceSeen._make(row) for row in rows]


def payments(
    ctx: Context,
    *,
    search: str = "",
    client_id: str | None = None,
    date_from: date | None = None,
    date_to: date | None = None,
    limit: int = 500,
) -> list[PaymentSeen]:
    """Payments, the latest first; searched by number, client, note and reference."""
    ctx.require(Permission.READ_INVOICES)
    rows = ctx.rows(
        _PAYMENTS, words=_words(search), client=client_id, date_from=date_from, date_to=date_to, limit=limit
    )
    return [PaymentSeen._make(row) for row in rows]


def credit_notes(
    ctx: Context, *, search: str = "", client_id: str | None = None, invoice_id: str | None = None, limit: int = 500
) -> list[CreditNoteSeen]:
    """Credit notes, the latest first; searched by their number, the invoice's, client and reason."""
    ctx.require(Permission.READ_INVOICES)
    rows = ctx.rows(_CREDIT_NOTES, words=_words(search), client=client_id, invoice=invoice_id, limit=limit)
    return [CreditNoteSeen._make(row) for row in rows]


def glances(ctx: Context) -> list[Glance]:
    """One for each currency in which there is something, the workspace's first."""
    ctx.require(Permission.READ_INVOICES)
    found = [Glance._make(row) for row in ctx.rows(_GLANCES, today=ctx.today())]
    return [one._replace(unbilled=round_money(one.unbilled, one.currency)) for one in found]


def unbilled(ctx: Context) -> list[Unbilled]:
    """Clients with hours or expenses that could be billed, the most first."""
    ctx.require(Permission.READ_INVOICES)
    found = [Unbilled._make(row) for row in ctx.rows(_UNBILLED)]
    return [one._replace(amount=round_money(one.amount, one.currency)) for one in found]


class Previewed(NamedTuple):
    """What a draft would be: as rows, and as paper."""

    draft: Draft
    taxes: list[InvoiceTax]
    paper: Document


def preview(ctx: Context, invoice_id: str | None = None, **facts: Any) -> Previewed:
    """What these facts would make of a draft, or of a new one: made, and undone, so that it is exactly that."""
    ctx.connection.execute("SAVEPOINT preview")
    try:
        made = draft(ctx, **facts) if invoice_id is None else change(ctx, invoice_id, **facts)
        invoice_id = made.invoice.id
        return Previewed(made, invoices_of.taxes_of(ctx, invoice_id), papers.of_invoice(ctx, invoice_id))
    finally:
        ctx.connection.execute("ROLLBACK TO SAVEPOINT preview")


def timeline(ctx: Context, invoice_id: str) -> list[Told]:
    """The life of an invoice, oldest first. That its row changed is not told where what changed it is."""
    ctx.require(Permission.READ_INVOICES)
    told: list[Told] = []
    for kind, at, who, data in ctx.rows(_TIMELINE, invoice=invoice_id):
        noun, _, what = str(kind).partition(".")
        facts: dict[str, Any] = {} if noun == "invoice" else msgspec.json.decode(data)
        name = what if noun == "invoice" else f"{kind}.{facts['kind']}" if kind == "mail.queued" else kind
        told.append(Told(name, at, who, facts.get("total" if noun == "credit_note" else "amount")))
    plain = {one.at for one in told if not one.what.endswith("updated")}
    return [one for one in told if not (one.what.endswith("updated") and one.at in plain)]


def expenses(
    ctx: Context,
    *,
    date_from: date,
    date_to: date,
    search: str = "",
    client_id: str | None = None,
    project_id: str | None = None,
    category: str | None = None,
    billed: bool | None = None,
) -> list[ExpenseSeen]:
    """Expenses, the latest first."""
    ctx.require(Permission.READ_EXPENSES)
    rows = ctx.rows(
        _EXPENSES,
        date_from=date_from,
        date_to=date_to,
        words=_words(search),
        client=client_id,
        project=project_id,
        category=category,
        billed=billed,
    )
    return [ExpenseSeen._make(row) for row in rows]


def labels(ctx: Context) -> list[str]:
    """The free labels that expenses were given, to be offered again."""
    ctx.require(Permission.READ_EXPENSES)
    return [label for (label,) in ctx.rows(_LABELS)]


def _words(search: str) -> list[str]:
    plain = search.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return [f"%{word}%" for word in plain.split()[:8]]


_INVOICES = Prepared(
    text("""
        SELECT invoice.id, invoice.number, invoice.status, invoice.payment_status, invoice.client_id,
               COALESCE(invoice.bill_to_name, client.name), invoice.currency, invoice.total,
               CASE WHEN invoice.status = 'SENT' THEN invoice.balance ELSE 0 END,
               invoice.issue_date, invoice.due_date,
               COALESCE(invoice.status = 'SENT' AND invoice.balance > 0
                        AND invoice.due_date < CAST(:today AS date), false)
        FROM invoices AS invoice
        JOIN clients AS client ON client.workspace_id = :workspace AND client.id = invoice.client_id
        WHERE invoice.workspace_id = :workspace AND invoice.deleted_at IS NULL
          AND (CAST(:client AS uuid) IS NULL OR invoice.client_id = CAST(:client AS uuid))
          AND CASE CAST(:status AS text)
              WHEN 'OVERDUE' THEN invoice.status = 'SENT' AND invoice.balance > 0
                                  AND invoice.due_date < CAST(:today AS date)
              WHEN 'OPEN' THEN invoice.status = 'SENT' AND invoice.balance > 0
              ELSE CAST(:status AS text) IS NULL OR invoice.status = CAST(:status AS text) END
          AND lower(concat_ws(' ', invoice.number, invoice.bill_to_name)) LIKE ALL (CAST(:words AS text[]))
        ORDER BY invoice.status = 'DRAFT' DESC, invoice.issue_date DESC, invoice.number DESC
        LIMIT :limit
    """)
)
_PAYMENTS = Prepared(
    text("""
        SELECT payment.id, payment.paid_on, payment.amount, payment.amount_refunded, payment.surplus, payment.currency,
               payment.gateway, payment.from_credit, payment.note, payment.transaction_id, invoice.id, invoice.number,
               client.id, COALESCE(invoice.bill_to_name, client.name)
        FROM payments AS payment
        JOIN invoices AS invoice ON invoice.workspace_id = :workspace AND invoice.id = payment.invoice_id
        JOIN clients AS client ON client.workspace_id = :workspace AND client.id = invoice.client_id
        WHERE payment.workspace_id = :workspace AND payment.deleted_at IS NULL
          AND (CAST(:client AS uuid) IS NULL OR invoice.client_id = CAST(:client AS uuid))
          AND payment.paid_on >= COALESCE(CAST(:date_from AS date), '-infinity')
          AND payment.paid_on <= COALESCE(CAST(:date_to AS date), 'infinity')
          AND lower(concat_ws(' ', invoice.number, invoice.bill_to_name, payment.note, payment.transaction_id))
              LIKE ALL (CAST(:words AS text[]))
        ORDER BY payment.paid_on DESC, payment.created_at DESC, payment.id DESC
        LIMIT :limit
    """)
)
_CREDIT_NOTES = Prepared(
    text("""
        SELECT note.id, note.number, note.issue_date, note.reason, note.total, note.currency, invoice.id,
               invoice.number, client.id, COALESCE(invoice.bill_to_name, client.name)
        FROM credit_notes AS note
        JOIN invoices AS invoice ON invoice.workspace_id = :workspace AND invoice.id = note.invoice_id
        JOIN clients AS client ON client.workspace_id = :workspace AND client.id = note.client_id
        WHERE note.workspace_id = :workspace
          AND (CAST(:client AS uuid) IS NULL OR note.client_id = CAST(:client AS uuid))
          AND (CAST(:invoice AS uuid) IS NULL OR note.invoice_id = CAST(:invoice AS uuid))
          AND lower(concat_ws(' ', note.number, invoice.number, invoice.bill_to_name, note.reason))
              LIKE ALL (CAST(:words AS text[]))
        ORDER BY note.issue_date DESC, note.created_at DESC, note.id DESC
        LIMIT :limit
    """)
)
_GLANCES = Prepared(
    text(f"""
        SELECT currency, sum(seconds)::bigint, sum(unbilled), sum(drafts), sum(open), sum(overdue), sum(paid)
        FROM (
            SELECT COALESCE(client.currency, studio.default_currency) AS currency, entry.duration_seconds AS seconds,
                   {worth_sql("COALESCE(client.currency, studio.default_currency)")} AS unbilled,
                   0 AS drafts, 0 AS open, 0 AS overdue, 0 AS paid
            FROM time_entries AS entry
            JOIN workspaces AS studio ON studio.id = entry.workspace_id
            JOIN projects AS project ON project.workspace_id = :workspace AND project.id = entry.project_id
            LEFT JOIN clients AS client ON client.workspace_id = :workspace AND client.id = project.client_id
            WHERE entry.workspace_id = :workspace AND entry.deleted_at IS NULL AND entry.invoice_id IS NULL
              AND entry.written_off_at IS NULL AND entry.billable AND project.rate_type <> 'FIXED'
              AND (entry.started_at IS NULL OR entry.stopped_at IS NOT NULL)
            UNION ALL
            SELECT currency, 0, 0, CASE WHEN status = 'DRAFT' THEN total ELSE 0 END,
                   CASE WHEN status = 'SENT' THEN balance ELSE 0 END,
                   CASE WHEN status = 'SENT' AND due_date < CAST(:today AS date) THEN balance ELSE 0 END, 0
            FROM invoices WHERE workspace_id = :workspace AND deleted_at IS NULL AND status IN ('DRAFT', 'SENT')
            UNION ALL
            SELECT currency, 0, 0, 0, 0, 0, amount FROM payments
            WHERE workspace_id = :workspace AND deleted_at IS NULL
              AND paid_on BETWEEN CAST(:today AS date) - 30 AND CAST(:today AS date)
        ) AS money
        JOIN workspaces AS studio ON studio.id = :workspace
        GROUP BY currency, studio.default_currency
        ORDER BY currency = studio.default_currency DESC, currency
    """)
)
_UNBILLED = Prepared(
    text(f"""
        SELECT client.id, client.name, client.currency, sum(work.seconds)::bigint, sum(work.amount),
               sum(work.spent), min(work.day)
        FROM (
            SELECT project.client_id, entry.duration_seconds AS seconds,
                   {worth_sql("payer.currency")} AS amount, 0 AS spent,
                   entry.entry_date AS day
            FROM time_entries AS entry
            JOIN workspaces AS studio ON studio.id = entry.workspace_id
            JOIN projects AS project ON project.workspace_id = :workspace AND project.id = entry.project_id
            JOIN clients AS payer ON payer.workspace_id = :workspace AND payer.id = project.client_id
            WHERE entry.workspace_id = :workspace AND entry.deleted_at IS NULL AND entry.invoice_id IS NULL
              AND entry.written_off_at IS NULL AND entry.billable AND project.rate_type <> 'FIXED'
              AND (entry.started_at IS NULL OR entry.stopped_at IS NOT NULL)
              AND NOT {WAITS_SQL}
            UNION ALL
            SELECT expense.client_id, 0, 0, expense.amount, expense.expense_date
            FROM expenses AS expense
            WHERE expense.workspace_id = :workspace AND expense.deleted_at IS NULL AND expense.invoice_id IS NULL
              AND expense.written_off_at IS NULL AND expense.billable AND expense.client_id IS NOT NULL
        ) AS work
        JOIN clients AS client ON client.workspace_id = :workspace AND client.id = work.client_id
        WHERE client.deleted_at IS NULL
        GROUP BY client.id, client.name, client.currency
        ORDER BY sum(work.amount) + sum(work.spent) DESC, lower(client.name)
        LIMIT 100
    """)
)
_TIMELINE = Prepared(
    text("""
        SELECT event.type, event.occurred_at, person.name, event.data
        FROM events AS event
        LEFT JOIN people AS person ON person.id = event.actor_id
        WHERE event.workspace_id = :workspace
          AND (event.resource = 'invoice' AND event.resource_id = CAST(:invoice AS uuid)
               OR event.resource = 'payment' AND event.resource_id IN (
                   SELECT id FROM payments WHERE workspace_id = :workspace AND invoice_id = CAST(:invoice AS uuid))
               OR event.resource = 'refund' AND event.resource_id IN (
                   SELECT id FROM refunds WHERE workspace_id = :workspace AND invoice_id = CAST(:invoice AS uuid))
               OR event.type = 'credit_note.issued' AND event.resource_id IN (
                   SELECT id FROM credit_notes WHERE workspace_id = :workspace AND invoice_id = CAST(:invoice AS uuid))
               OR event.type = 'mail.queued' AND event.resource_id IN (
                   SELECT id FROM mails WHERE workspace_id = :workspace AND invoice_id = CAST(:invoice AS uuid))
               OR event.type = 'invoice_link.viewed' AND event.resource_id IN (
                   SELECT id FROM invoice_links
                   WHERE workspace_id = :workspace AND invoice_id = CAST(:invoice AS uuid)))
        ORDER BY event.occurred_at, event.id
        LIMIT 200
    """)
)
_EXPENSES = Prepared(
    text("""
        SELECT expense.id, expense.expense_date, expense.description, expense.category, expense.custom_category,
               expense.amount, expense.currency, expense.billable, client.id, client.name, project.id, project.name,
               invoice.id, invoice.number
        FROM expenses AS expense
        LEFT JOIN clients AS client ON client.workspace_id = :workspace AND client.id = expense.client_id
        LEFT JOIN projects AS project ON project.workspace_id = :workspace AND project.id = expense.project_id
        LEFT JOIN invoices AS invoice ON invoice.workspace_id = :workspace AND invoice.id = expense.invoice_id
        WHERE expense.workspace_id = :workspace AND expense.deleted_at IS NULL
          AND expense.expense_date BETWEEN CAST(:date_from AS date) AND CAST(:date_to AS date)
          AND (CAST(:client AS uuid) IS NULL OR expense.client_id = CAST(:client AS uuid))
          AND (CAST(:project AS uuid) IS NULL OR expense.project_id = CAST(:project AS uuid))
          AND (CAST(:category AS text) IS NULL OR expense.category = CAST(:category AS text))
          AND (CAST(:billed AS boolean) IS NULL OR (expense.invoice_id IS NOT NULL) = CAST(:billed AS boolean))
          AND lower(concat_ws(' ', expense.description, expense.custom_category)) LIKE ALL (CAST(:words AS text[]))
        ORDER BY expense.expense_date DESC, expense.created_at DESC, expense.id DESC
        LIMIT 1000
    """)
)
_LABELS = Prepared(
    text("""
        SELECT DISTINCT custom_category FROM expenses
        WHERE workspace_id = :workspace AND deleted_at IS NULL AND custom_category IS NOT NULL
        ORDER BY 1 LIMIT 50
    """)
)
