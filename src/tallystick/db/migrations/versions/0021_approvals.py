"""Weeks that are submitted and approved, and the lock date of a workspace."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tallystick.db.migrations import following, security

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    for column in (
        sa.Column("week_start", sa.Text(), nullable=False, server_default="monday"),
        sa.Column("approve_weeks", sa.Boolean(), nullable=False, server_default=sa.text("false")),
        sa.Column("lock_submitted_weeks", sa.Boolean(), nullable=False, server_default=sa.text("true")),
        sa.Column("bill_approved_only", sa.Boolean(), nullable=False, server_default=sa.text("false")),
        sa.Column("locked_until", sa.Date(), nullable=True),
        sa.Column("lock_month_after_days", sa.BigInteger(), nullable=True),
    ):
        op.add_column("workspaces", column)
    op.create_check_constraint(
        op.f("ck_workspaces_week_start"), "workspaces", "week_start IN ('monday', 'sunday', 'saturday')"
    )
    op.create_check_constraint(
        op.f("ck_workspaces_lock_month_after_days"), "workspaces", "lock_month_after_days BETWEEN 0 AND 365"
    )
    op.create_table(
        "weeks",
        sa.Column("user_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("duration_seconds", sa.BigInteger(), nullable=False),
        sa.Column("submitted_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("submitted_by", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("decided_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("decided_by", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.CheckConstraint("status IN ('OPEN', 'SUBMITTED', 'APPROVED', 'RETURNED')", name=op.f("ck_weeks_status")),
        sa.CheckConstraint("duration_seconds >= 0", name=op.f("ck_weeks_duration")),
        sa.CheckConstraint("status <> 'RETURNED' OR reason IS NOT NULL", name=op.f("ck_weeks_returned_with_a_reason")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_weeks_workspace_id")),
        *(
            sa.ForeignKeyConstraint(
                ["workspace_id", column],
                ["members.workspace_id", "members.user_id"],
                name=op.f(f"fk_weeks_workspace_id_{column}"),
            )
            for column in ("user_id", "submitted_by", "decided_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_weeks")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_weeks_workspace_id_id")),
        sa.UniqueConstraint(
            "workspace_id", "user_id", "first_day", name=op.f("uq_weeks_workspace_id_user_id_first_day")
        ),
    )
    op.create_index(
        "ix_weeks_waiting",
        "weeks",
        ["workspace_id", "first_day"],
        unique=False,
        postgresql_where=sa.text("status = 'SUBMITTED'"),
    )
    for statement in (
        *security.tenant_table("weeks"),
        "REVOKE DELETE ON weeks FROM tallystick_app",
        *following.follow_kept("weeks", "week"),
        *security.CLOSED_TIME,
    ):
        op.execute(statement)
