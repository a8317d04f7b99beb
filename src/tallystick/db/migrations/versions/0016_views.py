"""Saved views of reports, and the index that finds what is not billed yet among all that is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tallystick.db.migrations import security

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "report_views",
        sa.Column("user_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.CheckConstraint(
            "report IN ('time', 'revenue', 'uninvoiced', 'projects', 'utilisation')",
            name=op.f("ck_report_views_report"),
        ),
        sa.CheckConstraint("char_length(name) BETWEEN 1 AND 80", name=op.f("ck_report_views_name")),
        sa.CheckConstraint("char_length(query) <= 1000", name=op.f("ck_report_views_query")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_report_views_workspace_id")),
        sa.ForeignKeyConstraint(
            ["workspace_id", "user_id"],
            ["members.workspace_id", "members.user_id"],
            name=op.f("fk_report_views_workspace_id_user_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_views")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_report_views_workspace_id_id")),
    )
    op.create_index(
        "uq_report_views_name",
        "report_views",
        ["workspace_id", "user_id", "report", "name"],
        unique=True,
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_index(
        "ix_report_views_shared",
        "report_views",
        ["workspace_id", "report"],
        unique=False,
        postgresql_where=sa.text("shared AND deleted_at IS NULL"),
    )
    op.create_index(
        "ix_time_entries_unbilled",
        "time_entries",
        ["workspace_id", "project_id"],
        unique=False,
        postgresql_where=sa.text("billable AND invoice_id IS NULL AND written_off_at IS NULL AND deleted_at IS NULL"),
    )
    for statement in security.tenant_table("report_views"):
        op.execute(statement)
