"""Exports: everything as one zip, in pieces, kept for a week."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tallystick.db.migrations import security

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.create_table(
        "exports",
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("progress", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("created_by", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("finished_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.CheckConstraint("state IN ('queued', 'running', 'done', 'failed')", name=op.f("ck_exports_state")),
        sa.CheckConstraint("progress BETWEEN 0 AND 100", name=op.f("ck_exports_progress")),
        sa.CheckConstraint(
            "(state IN ('done', 'failed')) = (finished_at IS NOT NULL)", name=op.f("ck_exports_finished_at")
        ),
        sa.CheckConstraint("(state = 'done') = (expires_at IS NOT NULL)", name=op.f("ck_exports_expires_at")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_exports_workspace_id")),
        sa.ForeignKeyConstraint(
            ["workspace_id", "created_by"],
            ["members.workspace_id", "members.user_id"],
            name=op.f("fk_exports_workspace_id_created_by"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exports")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_exports_workspace_id_id")),
    )
    op.create_index(
        "uq_exports_under_way",
        "exports",
        ["workspace_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('queued', 'running')"),
    )
    op.create_table(
        "export_pieces",
        sa.Column("export_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_export_pieces_workspace_id")),
        sa.ForeignKeyConstraint(
            ["workspace_id", "export_id"],
            ["exports.workspace_id", "exports.id"],
            name=op.f("fk_export_pieces_workspace_id_export_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export_pieces")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_export_pieces_workspace_id_id")),
        sa.UniqueConstraint(
            "workspace_id", "export_id", "position", name=op.f("uq_export_pieces_workspace_id_export_id_position")
        ),
    )
    for table in ("exports", "export_pieces"):
        for statement in security.tenant_table(table):
            op.execute(statement)
