"""What was done on a device without the network, so that it is done once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tallystick.db.migrations import security

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    op.create_table(
        "device_actions",
        sa.Column("user_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("made_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("received_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.CheckConstraint("kind IN ('start', 'stop', 'log', 'note')", name=op.f("ck_device_actions_kind")),
        sa.CheckConstraint("char_length(key) BETWEEN 1 AND 80", name=op.f("ck_device_actions_key")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_device_actions_workspace_id")),
        sa.ForeignKeyConstraint(
            ["workspace_id", "user_id"],
            ["members.workspace_id", "members.user_id"],
            name=op.f("fk_device_actions_workspace_id_user_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "entry_id"],
            ["time_entries.workspace_id", "time_entries.id"],
            name=op.f("fk_device_actions_workspace_id_entry_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_actions")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_device_actions_workspace_id_id")),
        sa.UniqueConstraint("workspace_id", "user_id", "key", name="uq_device_actions_key"),
    )
    op.create_index("ix_device_actions_received_at", "device_actions", ["received_at"], unique=False)
    op.create_index(
        "ix_device_actions_entry",
        "device_actions",
        ["workspace_id", "entry_id"],
        unique=False,
        postgresql_where=sa.text("entry_id IS NOT NULL"),
    )
    for statement in security.tenant_table("device_actions"):
        op.execute(statement)
