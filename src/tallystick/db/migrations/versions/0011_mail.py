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
    "mail_templates",
    "mails",
    "invitations",
    "invoice_links",
    "invoice_views",
    "reminders",
    "reminder_pauses",
)


def upgrade() -> None:
    queue.install(op.get_bind().connection.driver_connection)  # type: ignore[arg-type]
    op.execute(security.DEFER_JOB)
    tables()
    op.execute(security.OPEN_BY_INVOICE_LINK)
    op.execute(security.OPEN_BY_INVITATION)
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
        "mail_templates",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.CheckConstraint("kind IN ('invoice', 'reminder')", name=op.f("ck_mail_templates_kind")),
        sa.CheckConstraint("language ~ '^[a-z]{2,3}(-[A-Z]{2})?$'", name=op.f("ck_mail_templates_language")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_mail_templates_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_templates")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_mail_templates_workspace_id_id")),
        sa.UniqueConstraint(
            "workspace_id", "kind", "language", name=op.f("uq_mail_templates_workspace_id_kind_language")
        ),
    )
    op.create_table(
        "invitations",
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("digest", postgresql.BYTEA(), nullable=False),
        sa.Column("created_by", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("accepted_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("ended_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.CheckConstraint("role IN ('ADMIN', 'MANAGER', 'MEMBER')", name=op.f("ck_invitations_role")),
        sa.CheckConstraint("accepted_at IS NULL OR ended_at IS NOT NULL", name=op.f("ck_invitations_accepted_is_over")),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_invitations_email_is_lower")),
        sa.ForeignKeyConstraint(
            ["workspace_id", "created_by"],
            ["members.workspace_id", "members.user_id"],
            name=op.f("fk_invitations_workspace_id_created_by"),
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_invitations_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("digest", name=op.f("uq_invitations_digest")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_invitations_workspace_id_id")),
    )
    op.create_index(
        "uq_invitations_live",
        "invitations",
        ["workspace_id", "email"],
        unique=True,
        postgresql_where="ended_at IS NULL",
    )
    op.create_table(
        "invoice_links",
        sa.Column("invoice_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("digest", postgresql.BYTEA(), nullable=False),
        sa.Column("token", postgresql.BYTEA(), nullable=False),
        sa.Column("view_count", sa.BigInteger(), nullable=False),
        sa.Column("last_viewed_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("ended_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.CheckConstraint("view_count >= 0", name=op.f("ck_invoice_links_view_count")),
        sa.ForeignKeyConstraint(
            ["workspace_id", "invoice_id"],
            ["invoices.workspace_id", "invoices.id"],
            name=op.f("fk_invoice_links_workspace_id_invoice_id"),
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_invoice_links_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_links")),
        sa.UniqueConstraint("digest", name=op.f("uq_invoice_links_digest")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_invoice_links_workspace_id_id")),
    )
    op.create_index(
        "uq_invoice_links_live",
        "invoice_links",
        ["workspace_id", "invoice_id"],
        unique=True,
        postgresql_where="ended_at IS NULL",
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
            "kind IN ('invoice', 'reminder', 'payment', 'test', 'invitation', 'password')", name=op.f("ck_mails_kind")
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
    op.create_table(
        "reminder_pauses",
        sa.Column("client_id", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("invoice_id", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("created_by", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.CheckConstraint(
            "num_nonnulls(client_id, invoice_id) = 1", name=op.f("ck_reminder_pauses_client_or_invoice")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "client_id"],
            ["clients.workspace_id", "clients.id"],
            name=op.f("fk_reminder_pauses_workspace_id_client_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "created_by"],
            ["members.workspace_id", "members.user_id"],
            name=op.f("fk_reminder_pauses_workspace_id_created_by"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "invoice_id"],
            ["invoices.workspace_id", "invoices.id"],
            name=op.f("fk_reminder_pauses_workspace_id_invoice_id"),
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_reminder_pauses_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminder_pauses")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_reminder_pauses_workspace_id_id")),
    )
    op.create_index(
        "uq_reminder_pauses_client",
        "reminder_pauses",
        ["client_id"],
        unique=True,
        postgresql_where="client_id IS NOT NULL",
    )
    op.create_index(
        "uq_reminder_pauses_invoice",
        "reminder_pauses",
        ["invoice_id"],
        unique=True,
        postgresql_where="invoice_id IS NOT NULL",
    )
    op.create_table(
        "invoice_views",
        sa.Column("link_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("visitor", postgresql.BYTEA(), nullable=False),
        sa.Column("counted_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "link_id"],
            ["invoice_links.workspace_id", "invoice_links.id"],
            name=op.f("fk_invoice_views_workspace_id_link_id"),
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_invoice_views_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_views")),
        sa.UniqueConstraint("link_id", "visitor", name=op.f("uq_invoice_views_link_id_visitor")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_invoice_views_workspace_id_id")),
    )
    op.create_index("ix_invoice_views_counted", "invoice_views", ["counted_at"], unique=False)
    op.create_table(
        "reminders",
        sa.Column("invoice_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=False),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.Column("mail_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "invoice_id"],
            ["invoices.workspace_id", "invoices.id"],
            name=op.f("fk_reminders_workspace_id_invoice_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "mail_id"],
            ["mails.workspace_id", "mails.id"],
            name=op.f("fk_reminders_workspace_id_mail_id"),
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_reminders_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminders")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_reminders_workspace_id_id")),
        sa.UniqueConstraint(
            "workspace_id",
            "invoice_id",
            "due_date",
            "step",
            name=op.f("uq_reminders_workspace_id_invoice_id_due_date_step"),
        ),
    )
