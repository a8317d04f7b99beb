"""Webhooks: endpoints, the messages that they are sent, deliveries and their attempts; mail that gives notice."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tallystick.db.migrations import security

revision = "0025"
down_revision = "0024"

NEW_TABLES: Final = (
    "webhook_endpoints",
    "webhook_heads",
    "webhook_messages",
    "webhook_deliveries",
    "webhook_attempts",
)


def upgrade() -> None:
    op.create_table(
        "webhook_endpoints",
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("events", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("disabled_reason", sa.Text(), nullable=True),
        sa.Column("secret", postgresql.BYTEA(), nullable=False),
        sa.Column("secret_prefix", sa.Text(), nullable=False),
        sa.Column("previous_secret", postgresql.BYTEA(), nullable=True),
        sa.Column("previous_secret_until", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("failing_since", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("last_success_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("created_by", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.CheckConstraint(
            "(status = 'disabled') = (disabled_reason IS NOT NULL)",
            name=op.f("ck_webhook_endpoints_disabled_for_a_reason"),
        ),
        sa.CheckConstraint(
            "disabled_reason IN ('paused', 'gone', 'unreachable')", name=op.f("ck_webhook_endpoints_disabled_reason")
        ),
        sa.CheckConstraint("status IN ('enabled', 'failing', 'disabled')", name=op.f("ck_webhook_endpoints_status")),
        sa.CheckConstraint("cardinality(events) >= 1", name=op.f("ck_webhook_endpoints_events")),
        sa.CheckConstraint("failures >= 0", name=op.f("ck_webhook_endpoints_failures")),
        sa.ForeignKeyConstraint(
            ["workspace_id", "created_by"],
            ["members.workspace_id", "members.user_id"],
            name=op.f("fk_webhook_endpoints_workspace_id_created_by"),
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_webhook_endpoints_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoints")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_webhook_endpoints_workspace_id_id")),
    )
    op.create_index(
        "ix_webhook_endpoints_live",
        "webhook_endpoints",
        ["workspace_id"],
        unique=False,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "webhook_heads",
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("audited", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_webhook_heads_workspace_id")),
        sa.PrimaryKeyConstraint("workspace_id", name=op.f("pk_webhook_heads")),
    )
    op.create_table(
        "webhook_messages",
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("body", postgresql.BYTEA(), nullable=False),
        sa.Column("occurred_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.CheckConstraint("sequence >= 0", name=op.f("ck_webhook_messages_sequence")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_webhook_messages_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_messages")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_webhook_messages_workspace_id_id")),
    )
    op.create_index(
        "ix_webhook_messages_occurred", "webhook_messages", ["workspace_id", "occurred_at", "id"], unique=False
    )
    op.create_index(
        "uq_webhook_messages_sequence",
        "webhook_messages",
        ["workspace_id", "sequence"],
        unique=True,
        postgresql_where=sa.text("sequence > 0"),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("endpoint_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("event_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("next_attempt_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("leased_until", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("last_status", sa.BigInteger(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("finished_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.CheckConstraint(
            "(state = 'pending') = (next_attempt_at IS NOT NULL)", name=op.f("ck_webhook_deliveries_next_attempt_at")
        ),
        sa.CheckConstraint(
            "state = 'pending' OR leased_until IS NULL", name=op.f("ck_webhook_deliveries_leased_until")
        ),
        sa.CheckConstraint("state IN ('pending', 'delivered', 'failed')", name=op.f("ck_webhook_deliveries_state")),
        sa.ForeignKeyConstraint(
            ["workspace_id", "endpoint_id"],
            ["webhook_endpoints.workspace_id", "webhook_endpoints.id"],
            name=op.f("fk_webhook_deliveries_workspace_id_endpoint_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "event_id"],
            ["webhook_messages.workspace_id", "webhook_messages.id"],
            name=op.f("fk_webhook_deliveries_workspace_id_event_id"),
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_webhook_deliveries_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_webhook_deliveries_workspace_id_id")),
    )
    op.create_index(
        "ix_webhook_deliveries_created",
        "webhook_deliveries",
        ["workspace_id", "endpoint_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_webhook_deliveries_due",
        "webhook_deliveries",
        ["endpoint_id", "next_attempt_at", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "ix_webhook_deliveries_leased",
        "webhook_deliveries",
        ["leased_until"],
        unique=False,
        postgresql_where=sa.text("leased_until IS NOT NULL"),
    )
    op.create_index(
        "ix_webhook_deliveries_of_message", "webhook_deliveries", ["workspace_id", "event_id"], unique=False
    )
    op.create_index(
        "uq_webhook_deliveries_event", "webhook_deliveries", ["workspace_id", "endpoint_id", "event_id"], unique=True
    )
    op.create_table(
        "webhook_attempts",
        sa.Column("delivery_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("attempted_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("milliseconds", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=True),
        sa.Column("answer", postgresql.BYTEA(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "delivery_id"],
            ["webhook_deliveries.workspace_id", "webhook_deliveries.id"],
            name=op.f("fk_webhook_attempts_workspace_id_delivery_id"),
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_webhook_attempts_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_attempts")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_webhook_attempts_workspace_id_id")),
    )
    op.create_index(
        "ix_webhook_attempts_of_delivery", "webhook_attempts", ["workspace_id", "delivery_id", "number"], unique=False
    )
    op.drop_constraint(op.f("ck_mails_kind"), "mails")
    op.create_check_constraint(
        op.f("ck_mails_kind"),
        "mails",
        "kind IN ('invoice', 'reminder', 'payment', 'test', 'invitation', 'password', 'portal', 'notice')",
    )
    for table in NEW_TABLES:
        for statement in security.tenant_table(table):
            op.execute(statement)
