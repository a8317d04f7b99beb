"""Series of numbers, credit notes, client credit, refunds, write-offs, and what was issued."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tallystick.db.migrations import security

revision = "0008"
down_revision = "0007"

NEW_TABLES: Final = (
    "number_jumps",
    "credit_notes",
    "credit_note_lines",
    "credit_note_taxes",
    "refunds",
    "client_credits",
    "client_credit_entries",
    "issued_documents",
)
APPEND_ONLY: Final = (
    "number_jumps",
    "credit_notes",
    "credit_note_lines",
    "credit_note_taxes",
    "client_credit_entries",
    "issued_documents",
)
CATEGORIES: Final = "('STANDARD', 'ZERO', 'EXEMPT', 'REVERSE_CHARGE', 'INTRA_EU', 'EXPORT', 'OUTSIDE_SCOPE')"
PERCENT: Final = (
    "CASE category WHEN 'STANDARD' THEN rate > 0 AND rate <= 100 "
    "WHEN 'OUTSIDE_SCOPE' THEN rate IS NULL ELSE rate = 0 END IS TRUE"
)
LIVE_EXTERNAL_ID: Final = "external_id IS NOT NULL AND deleted_at IS NULL"


def upgrade() -> None:
    series()
    invoices()
    credit_notes()
    payments()
    client_credit()
    issued_documents()
    for table in NEW_TABLES:
        for statement in security.tenant_table(table):
            op.execute(statement)
    for table in APPEND_ONLY:
        for statement in security.append_only(table):
            op.execute(statement)
    op.execute(security.SETTLED_INVOICES)
    op.execute(security.CREDITED_LINES)


def series() -> None:
    """How numbers are written, and with which they go on."""
    for kind, prefix in (("invoice", None), ("credit_note", "CN-")):
        if prefix is not None:
            added("workspaces", sa.Column(f"{kind}_prefix", sa.Text(), nullable=False), f"'{prefix}'")
        added("workspaces", sa.Column(f"{kind}_digits", sa.BigInteger(), nullable=False), "4")
        added("workspaces", sa.Column(f"{kind}_yearly", sa.Boolean(), nullable=False), "false")
    op.create_check_constraint(
        op.f("ck_workspaces_digits"),
        "workspaces",
        "invoice_digits BETWEEN 1 AND 12 AND credit_note_digits BETWEEN 1 AND 12",
    )
    tenant(
        "number_jumps",
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        identity("created_by", nullable=True),
        instant("created_at"),
        within("number_jumps", "created_by", "members", "user_id"),
        check("number_jumps", "value", "value >= 1"),
    )
    op.create_index("ix_number_jumps_series", "number_jumps", ["workspace_id", "series", "value"], unique=False)


def invoices() -> None:
    """What is credited, returned and written off, and what is open."""
    for name in ("amount_credited", "amount_refunded", "amount_written_off"):
        added("invoices", money(name), "0")
    op.add_column("invoices", instant("written_off_at", nullable=True))
    op.add_column("invoices", sa.Column("write_off_reason", sa.Text(), nullable=True))
    op.drop_column("invoices", "payment_status")
    computed(
        "invoices",
        "payment_status",
        sa.Text(),
        "CASE WHEN amount_refunded > 0 AND amount_paid = 0 THEN 'refunded' WHEN status = 'PAID' THEN 'paid' "
        "WHEN amount_paid > 0 THEN 'partially_paid' ELSE 'unpaid' END",
    )
    computed(
        "invoices",
        "balance",
        sa.Numeric(19, 4),
        "total - amount_paid - amount_credited - amount_written_off",
    )
    for name in ("paid_in_full", "paid"):
        op.drop_constraint(op.f(f"ck_invoices_{name}"), "invoices")
    for name, condition in (
        ("paid", "0 <= settled AND 0 <= amount_paid AND amount_paid <= total"),
        ("credited", "amount_credited BETWEEN 0 AND total"),
        ("balance", "amount_paid + amount_credited + amount_written_off <= total"),
        ("not_negative", "amount_refunded >= 0 AND amount_written_off >= 0"),
        ("paid_in_full", "status <> 'PAID' OR amount_paid + amount_credited = total"),
        ("drafts_have_no_past", "status <> 'DRAFT' OR amount_credited + amount_refunded = 0"),
        (
            "written_off",
            (
                "(amount_written_off > 0) = (written_off_at IS NOT NULL) "
                "AND (amount_written_off > 0) = (write_off_reason IS NOT NULL) "
                "AND (status = 'SENT' OR amount_written_off = 0)"
            ),
        ),
    ):
        op.create_check_constraint(op.f(f"ck_invoices_{name}"), "invoices", condition)


def credit_notes() -> None:
    """Credit notes, what they take back of which line, and the numbers they have."""
    op.add_column(
        "invoice_lines", sa.Column("credited", sa.Numeric(19, 4), server_default=sa.text("0"), nullable=False)
    )
    op.create_check_constraint(
        op.f("ck_invoice_lines_credited"), "invoice_lines", "credited BETWEEN 0 AND COALESCE(gross_total, total)"
    )
    tenant(
        "credit_notes",
        sa.Column("serial", sa.BigInteger(), sa.Identity(), nullable=False),
        identity("invoice_id"),
        identity("client_id"),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("issue_date", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        *(money(name) for name in ("subtotal", "discount_amount", "tax_amount", "total", "applied", "surplus")),
        identity("created_by", nullable=True),
        instant("created_at"),
        unique("credit_notes", "workspace_id", "serial"),
        unique("credit_notes", "workspace_id", "number"),
        within("credit_notes", "invoice_id", "invoices"),
        within("credit_notes", "client_id", "clients"),
        within("credit_notes", "created_by", "members", "user_id"),
        check("credit_notes", "adds_up", "total = subtotal - discount_amount + tax_amount AND total > 0"),
        check("credit_notes", "not_negative", "discount_amount BETWEEN 0 AND subtotal AND tax_amount >= 0"),
        check("credit_notes", "goes_somewhere", "applied >= 0 AND surplus >= 0 AND applied + surplus = total"),
    )
    for name, columns in (
        ("created", ["created_at", "id"]),
        ("invoice", ["invoice_id"]),
        ("client", ["client_id"]),
    ):
        op.create_index(f"ix_credit_notes_{name}", "credit_notes", ["workspace_id", *columns], unique=False)
    tenant(
        "credit_note_lines",
        identity("credit_note_id"),
        identity("line_id"),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        money("quantity"),
        sa.Column("unit", sa.Text(), nullable=False),
        money("rate"),
        money("discount_percent", nullable=True),
        money("discount_amount"),
        money("total"),
        money("gross_discount", nullable=True),
        money("gross_total", nullable=True),
        sa.Column("tax_category", sa.Text(), nullable=False),
        money("tax_rate", nullable=True),
        sa.Column("whole", sa.Boolean(), nullable=False),
        within("credit_note_lines", "credit_note_id", "credit_notes"),
        within("credit_note_lines", "line_id", "invoice_lines"),
        sa.UniqueConstraint("workspace_id", "credit_note_id", "line_id", name=op.f("uq_credit_note_lines_line")),
        check("credit_note_lines", "tax_category", f"tax_category IN {CATEGORIES}"),
        check("credit_note_lines", "total", "total >= 0 AND (total > 0 OR gross_total > 0)"),
    )
    op.create_index("ix_credit_note_lines_line", "credit_note_lines", ["workspace_id", "line_id"], unique=False)
    tenant(
        "credit_note_taxes",
        identity("credit_note_id"),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        money("rate", nullable=True),
        *(money(name) for name in ("subtotal", "discount", "basis", "amount")),
        within("credit_note_taxes", "credit_note_id", "credit_notes"),
        sa.UniqueConstraint("workspace_id", "credit_note_id", "position", name=op.f("uq_credit_note_taxes_position")),
        check("credit_note_taxes", "category", f"category IN {CATEGORIES}"),
        check("credit_note_taxes", "rate", PERCENT),
        check("credit_note_taxes", "basis", "basis = subtotal - discount AND discount >= 0 AND basis >= 0"),
        check("credit_note_taxes", "amount", "amount >= 0 AND (category = 'STANDARD' OR amount = 0)"),
    )
    op.add_column("issued_numbers", identity("credit_note_id", nullable=True))
    op.alter_column("issued_numbers", "invoice_id", nullable=True)
    op.create_foreign_key(
        op.f("fk_issued_numbers_workspace_id_credit_note_id"),
        "issued_numbers",
        "credit_notes",
        ["workspace_id", "credit_note_id"],
        ["workspace_id", "id"],
    )
    op.create_check_constraint(
        op.f("ck_issued_numbers_of_one"), "issued_numbers", "num_nonnulls(invoice_id, credit_note_id) = 1"
    )


def payments() -> None:
    """Surplus, fees, and what was returned."""
    added("payments", money("surplus"), "0")
    op.add_column("payments", money("fee", nullable=True))
    added("payments", sa.Column("from_credit", sa.Boolean(), nullable=False), "false")
    added("payments", money("amount_refunded"), "0")
    computed("payments", "status", sa.Text(), "CASE WHEN amount_refunded = amount THEN 'refunded' ELSE 'paid' END")
    for name, condition in (
        ("surplus", "surplus BETWEEN 0 AND amount"),
        ("fee", "fee >= 0"),
        ("refunded", "amount_refunded BETWEEN 0 AND amount"),
        ("from_credit", "NOT from_credit OR (surplus = 0 AND amount_refunded = 0)"),
    ):
        op.create_check_constraint(op.f(f"ck_payments_{name}"), "payments", condition)
    tenant(
        "refunds",
        sa.Column("serial", sa.BigInteger(), sa.Identity(), nullable=False),
        identity("payment_id"),
        identity("invoice_id"),
        money("amount"),
        money("from_credit"),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("refunded_on", sa.Date(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("tags", sa.ARRAY(sa.Text()), nullable=False),
        identity("created_by", nullable=True),
        instant("created_at"),
        instant("deleted_at", nullable=True),
        unique("refunds", "workspace_id", "serial"),
        within("refunds", "payment_id", "payments"),
        within("refunds", "invoice_id", "invoices"),
        within("refunds", "created_by", "members", "user_id"),
        check("refunds", "amount", "amount > 0 AND from_credit BETWEEN 0 AND amount"),
    )
    op.create_index(
        "uq_refunds_external_id",
        "refunds",
        ["workspace_id", "external_id"],
        unique=True,
        postgresql_where=LIVE_EXTERNAL_ID,
    )
    op.create_index("ix_refunds_payment", "refunds", ["workspace_id", "payment_id"], unique=False)
    op.create_index("ix_refunds_invoice", "refunds", ["workspace_id", "invoice_id", "created_at"], unique=False)


def issued_documents() -> None:
    """What was issued, byte for byte."""
    tenant(
        "issued_documents",
        sa.Column("number", sa.Text(), nullable=False),
        identity("invoice_id", nullable=True),
        identity("credit_note_id", nullable=True),
        *(
            sa.Column(name, postgresql.BYTEA(), nullable=nullable)
            for name, nullable in (
                ("facts", False),
                ("facts_sha256", False),
                ("pdf", False),
                ("pdf_sha256", False),
                ("xml", True),
                ("xml_sha256", True),
                ("timesheet", True),
                ("timesheet_sha256", True),
            )
        ),
        sa.Column("profile", sa.Text(), nullable=True),
        instant("issued_at"),
        within("issued_documents", "invoice_id", "invoices"),
        within("issued_documents", "credit_note_id", "credit_notes"),
        unique("issued_documents", "workspace_id", "number"),
        check("issued_documents", "profile", "profile IN ('cii', 'ubl', 'xrechnung', 'peppol')"),
        check("issued_documents", "of_one", "num_nonnulls(invoice_id, credit_note_id) = 1"),
        check("issued_documents", "xml", "num_nonnulls(profile, xml, xml_sha256) IN (0, 3)"),
        check(
            "issued_documents",
            "hashes",
            "facts_sha256 = sha256(facts) AND pdf_sha256 = sha256(pdf) AND xml_sha256 = sha256(xml) "
            "AND timesheet_sha256 = sha256(timesheet)",
        ),
        check("issued_documents", "timesheet", "(timesheet IS NULL) = (timesheet_sha256 IS NULL)"),
    )


def client_credit() -> None:
    """What clients have, and how it came about."""
    tenant(
        "client_credits",
        identity("client_id"),
        sa.Column("currency", sa.Text(), nullable=False),
        money("amount"),
        within("client_credits", "client_id", "clients"),
        sa.UniqueConstraint("workspace_id", "client_id", "currency", name="uq_client_credits_currency"),
        check("client_credits", "amount", "amount >= 0"),
    )
    tenant(
        "client_credit_entries",
        identity("client_id"),
        sa.Column("currency", sa.Text(), nullable=False),
        money("amount"),
        sa.Column("cause", sa.Text(), nullable=False),
        identity("invoice_id"),
        identity("payment_id", nullable=True),
        identity("credit_note_id", nullable=True),
        identity("refund_id", nullable=True),
        identity("created_by", nullable=True),
        instant("created_at"),
        within("client_credit_entries", "client_id", "clients"),
        within("client_credit_entries", "invoice_id", "invoices"),
        within("client_credit_entries", "payment_id", "payments"),
        within("client_credit_entries", "credit_note_id", "credit_notes"),
        within("client_credit_entries", "refund_id", "refunds"),
        within("client_credit_entries", "created_by", "members", "user_id"),
        check("client_credit_entries", "cause", "cause IN ('OVERPAYMENT', 'CREDIT_NOTE', 'APPLIED', 'REFUND')"),
        check("client_credit_entries", "amount", "amount <> 0"),
    )
    op.create_index(
        "ix_client_credit_entries_client",
        "client_credit_entries",
        ["workspace_id", "client_id", "created_at"],
        unique=False,
    )
    op.create_index(
        "ix_client_credit_entries_invoice", "client_credit_entries", ["workspace_id", "invoice_id"], unique=False
    )


# --- how the tables above are written down


def tenant(table: str, *parts: Any) -> None:
    op.create_table(
        table,
        *parts,
        identity("id"),
        identity("workspace_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f(f"fk_{table}_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        unique(table, "workspace_id", "id"),
    )


def identity(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.UUID(as_uuid=False), nullable=nullable)


def money(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Numeric(19, 4), nullable=nullable)


def instant(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, postgresql.TIMESTAMP(timezone=True), nullable=nullable)


def added(table: str, column: sa.Column[Any], value: str) -> None:
    """A column of a table that has rows, which have this value in it."""
    column.server_default = sa.DefaultClause(sa.text(value))
    op.add_column(table, column)
    op.alter_column(table, column.name, server_default=None)


def computed(table: str, name: str, kind: Any, expression: str) -> None:
    op.add_column(table, sa.Column(name, kind, sa.Computed(expression, persisted=True), nullable=False))


def check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def unique(table: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=op.f(f"uq_{table}_{'_'.join(columns)}"))


def within(table: str, column: str, target: str, key: str = "id") -> sa.ForeignKeyConstraint:
    """A foreign key by `(workspace_id, column)`."""
    return sa.ForeignKeyConstraint(
        ["workspace_id", column],
        [f"{target}.workspace_id", f"{target}.{key}"],
        name=op.f(f"fk_{table}_workspace_id_{column}"),
    )
