"""What people are told of, and how each of them wants to hear of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tallystick.db.migrations import security

revision = "0029"
down_revision = "0028"

_KINDS = (
    "kind IN ('budget_threshold', 'invoice_overdue', 'timer_forgotten', 'week_not_submitted', 'week_returned', "
    "'webhook_failing', 'webhook_disabled')"
)


def upgrade() -> None:
    op.create_table(
        "notification_choices",
        sa.Column("user_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("in_app", sa.Boolean(), nullable=False),
        sa.Column("by_mail", sa.Boolean(), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.CheckConstraint(_KINDS, name=op.f("ck_notification_choices_kind")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_notification_choices_workspace_id")),
        sa.ForeignKeyConstraint(
            ["workspace_id", "user_id"],
            ["members.workspace_id", "members.user_id"],
            name=op.f("fk_notification_choices_workspace_id_user_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification_choices")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_notification_choices_workspace_id_id")),
        sa.UniqueConstraint("workspace_id", "user_id", "kind", name="uq_notification_choices_kind"),
    )
    op.create_table(
        "notifications",
        sa.Column("user_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("occasion", sa.Text(), nullable=False),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.Column("in_app", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("read_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("cleared_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.CheckConstraint(_KINDS, name=op.f("ck_notifications_kind")),
        sa.CheckConstraint("jsonb_typeof(facts) = 'object'", name=op.f("ck_notifications_facts")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_notifications_workspace_id")),
        sa.ForeignKeyConstraint(
            ["workspace_id", "user_id"],
            ["members.workspace_id", "members.user_id"],
            name=op.f("fk_notifications_workspace_id_user_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_notifications_workspace_id_id")),
    )
    op.create_index(
        "uq_notifications_once",
        "notifications",
        ["workspace_id", "user_id", "kind", "subject_id", "occasion"],
        unique=True,
        postgresql_where=sa.text("cleared_at IS NULL"),
    )
    op.create_index("ix_notifications_created", "notifications", ["created_at"], unique=False)
    for name, columns, where in (
        ("ix_notifications_mine", ["workspace_id", "user_id", "id"], "in_app"),
        ("ix_notifications_unread", ["workspace_id", "user_id", "kind"], "in_app AND read_at IS NULL"),
        ("ix_notifications_subject", ["workspace_id", "kind", "subject_id"], "cleared_at IS NULL"),
    ):
        op.create_index(name, "notifications", columns, unique=False, postgresql_where=sa.text(where))
    for table in ("notification_choices", "notifications"):
        for statement in security.tenant_table(table):
            op.execute(statement)
