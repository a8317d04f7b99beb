"""Files: logos, receipts, and how documents look."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tallystick.db.migrations import security

revision = "0009"
down_revision = "0008"

LANGUAGES: Final = "language IN ('en', 'de', 'fr', 'es', 'it', 'nl', 'pt', 'pl', 'ja', 'ar')"


def upgrade() -> None:
    looks()
    files()
    supporting_documents()
    for table in ("files", "file_contents"):
        for statement in security.tenant_table(table):
            op.execute(statement)


def supporting_documents() -> None:
    """What goes with an invoice to its client."""
    for column, kind, usual in (
        ("attach_timesheet", sa.Boolean(), "false"),
        ("attach_receipts", sa.Boolean(), "false"),
        ("receipt_ids", sa.ARRAY(sa.Text()), "{}"),
    ):
        op.add_column("invoices", sa.Column(column, kind, nullable=False, server_default=usual))
        op.alter_column("invoices", column, server_default=None)


def looks() -> None:
    for column, usual in (
        ("invoice_layout", "classic"),
        ("invoice_paper", "A4"),
        ("brand_color", "#2f5d50"),
        ("language", "en"),
    ):
        op.add_column("workspaces", sa.Column(column, sa.Text(), nullable=False, server_default=usual))
        op.alter_column("workspaces", column, server_default=None)
    for column in ("invoice_footer", "locale", "iban", "bic", "bank_name", "account_holder", "payment_instructions"):
        op.add_column("workspaces", sa.Column(column, sa.Text()))
    for column in ("language", "locale"):
        op.add_column("clients", sa.Column(column, sa.Text()))
    for table, name, rule in (
        ("workspaces", "invoice_layout", "invoice_layout IN ('classic', 'modern', 'minimal', 'bold', 'compact')"),
        ("workspaces", "invoice_paper", "invoice_paper IN ('A4', 'LETTER')"),
        ("workspaces", "brand_color", "brand_color ~ '^#[0-9a-f]{6}$'"),
        ("workspaces", "language", LANGUAGES),
        ("clients", "language", LANGUAGES),
    ):
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, rule)


def files() -> None:
    tenant(
        "files",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("expense_id", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("created_by", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('LOGO', 'RECEIPT')", name=op.f("ck_files_kind")),
        sa.CheckConstraint("(kind = 'RECEIPT') = (expense_id IS NOT NULL)", name=op.f("ck_files_expense_id")),
        sa.CheckConstraint("position BETWEEN 1 AND 10", name=op.f("ck_files_position")),
        sa.CheckConstraint("size BETWEEN 1 AND 10485760", name=op.f("ck_files_size")),
        sa.UniqueConstraint(
            "workspace_id", "expense_id", "position", name=op.f("uq_files_workspace_id_expense_id_position")
        ),
        within("files", "expense_id", "expenses", "id"),
        within("files", "created_by", "members", "user_id"),
    )
    op.create_index(
        op.f("uq_files_logo"), "files", ["workspace_id"], unique=True, postgresql_where=sa.text("kind = 'LOGO'")
    )
    tenant(
        "file_contents",
        sa.Column("file_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("content", postgresql.BYTEA(), nullable=False),
        sa.UniqueConstraint("workspace_id", "file_id", name=op.f("uq_file_contents_workspace_id_file_id")),
        within("file_contents", "file_id", "files", "id"),
    )
    # Pictures and PDFs are compressed already.
    op.execute("ALTER TABLE file_contents ALTER COLUMN content SET STORAGE EXTERNAL")


def tenant(table: str, *parts: Any) -> None:
    """A table of a workspace's rows."""
    op.create_table(
        table,
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        *parts,
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f(f"uq_{table}_workspace_id_id")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f(f"fk_{table}_workspace_id")),
    )


def within(table: str, column: str, target: str, key: str) -> sa.ForeignKeyConstraint:
    """A foreign key that does not leave the workspace."""
    return sa.ForeignKeyConstraint(
        ["workspace_id", column],
        [f"{target}.workspace_id", f"{target}.{key}"],
        name=op.f(f"fk_{table}_workspace_id_{column}"),
    )
