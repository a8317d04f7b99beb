"""Jobs, mail, links to invoices, reminders."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tallystick.db.migrations import queue, security

revision = "0011"
down_revision = "0010"

TENANT_TABLES: Final = (
    "mail_settings",
    "mails",
)


def upgrade() -> None:
    queue.install(op.get_bind().connection.driver_connection)  # type: ignore[arg-type]
    op.execute(security.DEFER_JOB)
    tables()
    for table in TENANT_TABLES:
        for statement in security.tenant_table(table):
            op.execute(statement)


def tables() -> None:
    op.create_table(
        "mail_settings",
        sa.Column("smtp_host", sa.Text(), nullable=True),
        sa.Column("smtp_port", sa.BigInteger(), nullable=True),
        sa.Column("smtp_tls", sa.Text(), nullable=True),
        sa.Column("smtp_user", sa.Text(), nullable=True),
        sa.Column("smtp_password", postgresql.BYTEA(), nullable=True),
        sa.Column("from_name", sa.Text(), nullable=True),
        sa.Column("from_address", sa.Text(), nullable=True),
        sa.Column("reply_to", sa.Text(), nullable=True),
        sa.Column("reminder_days", sa.ARRAY(sa.Integer()), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.CheckConstraint("smtp_tls IN ('implicit', 'starttls')", name=op.f("ck_mail_settings_smtp_tls")),
        sa.CheckConstraint("cardinality(reminder_days) <= 10", name=op.f("ck_mail_settings_reminder_days")),
        sa.CheckConstraint(
            "smtp_host IS NOT NULL OR smtp_password IS NULL", name=op.f("ck_mail_settings_password_of_a_host")
        ),
        sa.CheckConstraint(
            "smtp_host IS NULL OR num_nonnulls(smtp_port, smtp_tls, from_address) = 3",
            name=op.f("ck_mail_settings_smtp_is_whole"),
        ),
        sa.CheckConstraint("smtp_port BETWEEN 1 AND 65535", name=op.f("ck_mail_settings_smtp_port")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_mail_settings_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_settings")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_mail_settings_workspace_id_id")),
        sa.UniqueConstraint("workspace_id", name=op.f("uq_mail_settings_workspace_id")),
    )
    op.create_table(
        "mails",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("recipients", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("cc", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("content", postgresql.BYTEA(), nullable=True),
        sa.Column("attachments", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("invoice_id", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("attempted_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("handed_over_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("next_attempt_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("sent_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_by", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name=op.f("ck_mails_sent_at")),
        sa.CheckConstraint(
            "kind IN ('invoice', 'reminder', 'test', 'invitation', 'password')", name=op.f("ck_mails_kind")
        ),
        sa.CheckConstraint("state IN ('queued', 'sending', 'sent', 'failed')", name=op.f("ck_mails_state")),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_mails_attempts")),
        sa.CheckConstraint("cardinality(recipients) >= 1", name=op.f("ck_mails_to_somebody")),
        sa.ForeignKeyConstraint(
            ["workspace_id", "created_by"],
            ["members.workspace_id", "members.user_id"],
            name=op.f("fk_mails_workspace_id_created_by"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "invoice_id"],
            ["invoices.workspace_id", "invoices.id"],
            name=op.f("fk_mails_workspace_id_invoice_id"),
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_mails_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mails")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_mails_workspace_id_id")),
    )
    op.create_index("ix_mails_created", "mails", ["workspace_id", "created_at", "id"], unique=False)
    op.create_index("ix_mails_invoice", "mails", ["workspace_id", "invoice_id"], unique=False)
    op.create_index(
        "ix_mails_unsettled", "mails", ["created_at"], unique=False, postgresql_where="state IN ('queued', 'sending')"
    )
