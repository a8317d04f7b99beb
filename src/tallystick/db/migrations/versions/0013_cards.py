"""Card payments."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tallystick.db.migrations import security

revision = "0013"
down_revision = "0012"

NEW_TABLES: Final = ("card_settings", "payment_methods", "card_checkouts", "card_events")
METHODS: Final = "method IN ('BANK', 'CARD', 'BOTH')"


def upgrade() -> None:
    how_to_pay()
    checkouts()
    for table in NEW_TABLES:
        for statement in security.tenant_table(table):
            op.execute(statement)


def how_to_pay() -> None:
    table = "card_settings"
    tenant(
        table,
        words("method"),
        sa.Column("fee_percent", sa.Numeric(19, 4), nullable=True),
        sa.Column("secret_key", postgresql.BYTEA(), nullable=True),
        sa.Column("webhook_secret", postgresql.BYTEA(), nullable=True),
        moment("created_at"),
        moment("updated_at"),
        check(table, "method", METHODS),
        check(table, "fee_percent", "fee_percent > 0 AND fee_percent <= 10"),
        unique(table, "workspace_id"),
    )
    table = "payment_methods"
    tenant(
        table,
        identity("client_id", nullable=True),
        identity("invoice_id", nullable=True),
        words("method"),
        moment("created_at"),
        moment("updated_at"),
        within(table, "client_id", "clients"),
        within(table, "invoice_id", "invoices"),
        check(table, "method", METHODS),
        check(table, "client_or_invoice", "num_nonnulls(client_id, invoice_id) = 1"),
        unique(table, "workspace_id", "client_id"),
        unique(table, "workspace_id", "invoice_id"),
    )


def checkouts() -> None:
    table = "card_checkouts"
    tenant(
        table,
        identity("invoice_id"),
        words("session_id", nullable=True),
        words("url", nullable=True),
        sa.Column("amount", sa.Numeric(19, 4), nullable=False),
        sa.Column("fee", sa.Numeric(19, 4), nullable=False),
        words("currency"),
        words("status"),
        words("note", nullable=True),
        words("payment_intent", nullable=True),
        identity("payment_id", nullable=True),
        moment("expires_at"),
        identity("created_by", nullable=True),
        moment("created_at"),
        moment("updated_at"),
        within(table, "invoice_id", "invoices"),
        within(table, "payment_id", "payments"),
        within(table, "created_by", "members", "user_id"),
        check(table, "status", "status IN ('OPENING', 'OPEN', 'PAID', 'FAILED', 'EXPIRED', 'FLAGGED')"),
        check(table, "amount", "amount > 0 AND fee >= 0"),
        check(table, "payment_id", "(status = 'PAID') = (payment_id IS NOT NULL)"),
        check(table, "url", "(session_id IS NULL) = (url IS NULL)"),
        check(
            table,
            "session_id",
            "CASE status WHEN 'OPENING' THEN session_id IS NULL WHEN 'EXPIRED' THEN true "
            "ELSE session_id IS NOT NULL END",
        ),
        unique(table, "workspace_id", "session_id"),
    )
    op.create_index(
        "uq_card_checkouts_open",
        table,
        ["workspace_id", "invoice_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('OPENING', 'OPEN')"),
    )
    table = "card_events"
    tenant(
        table,
        words("event_id"),
        words("type"),
        words("session_id", nullable=True),
        words("payment_intent", nullable=True),
        sa.Column("refunded", sa.BigInteger(), nullable=True),
        words("outcome"),
        words("note", nullable=True),
        moment("created_at"),
        check(table, "outcome", "outcome IN ('APPLIED', 'NOTHING', 'WAITING', 'FLAGGED')"),
        sa.UniqueConstraint("workspace_id", "event_id", name=op.f("uq_card_events_workspace_id_event_id")),
    )
    op.create_index("ix_card_events_intent", table, ["workspace_id", "payment_intent"])


# --- how tables are declared here


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


def identity(name: str, *, nullable: bool = False) -> Any:
    return sa.Column(name, sa.UUID(as_uuid=False), nullable=nullable)


def words(name: str, *, nullable: bool = False) -> Any:
    return sa.Column(name, sa.Text(), nullable=nullable)


def moment(name: str) -> Any:
    return sa.Column(name, postgresql.TIMESTAMP(timezone=True), nullable=False)


def check(table: str, name: str, condition: str) -> Any:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def unique(table: str, *columns: str) -> Any:
    return sa.UniqueConstraint(*columns, name=op.f(f"uq_{table}_{'_'.join(columns)}"))


def within(table: str, column: str, target: str, key: str = "id") -> Any:
    return sa.ForeignKeyConstraint(
        ["workspace_id", column],
        [f"{target}.workspace_id", f"{target}.{key}"],
        name=op.f(f"fk_{table}_workspace_id_{column}"),
    )
