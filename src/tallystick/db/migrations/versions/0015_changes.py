"""The change feed and the audit log: every write of a followed table and every event, in one order a workspace."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tallystick.db.migrations import following, security

revision = "0015"
down_revision = "0014"

NEW_TABLES: Final = ("changes", "change_heads", "change_queue", "audit_log")
FOLLOWED: Final = {
    "members": "member",
    "clients": "client",
    "projects": "project",
    "tasks": "task",
    "time_entries": "timeEntry",
    "expenses": "expense",
    "invoices": "invoice",
    "payments": "payment",
}
"""Table → resource, in the order in which older rows enter the feed: what others refer to comes first."""


def upgrade() -> None:
    op.create_table(
        "changes",
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("resource_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("person_id", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("what IN ('created', 'updated', 'deleted')", name=op.f("ck_changes_what")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_changes_workspace_id")),
        sa.PrimaryKeyConstraint("workspace_id", "sequence", name=op.f("pk_changes")),
    )
    op.create_table(
        "change_heads",
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("audited", sa.BigInteger(), nullable=False),
        sa.Column("audit_hash", postgresql.BYTEA(), nullable=False),
        sa.CheckConstraint("last >= 0", name=op.f("ck_change_heads_last")),
        sa.CheckConstraint("audited >= 0", name=op.f("ck_change_heads_audited")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_change_heads_workspace_id")),
        sa.PrimaryKeyConstraint("workspace_id", name=op.f("pk_change_heads")),
    )
    op.create_table(
        "change_queue",
        sa.Column("position", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("transaction", sa.BigInteger(), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("resource_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("person_id", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("first", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_change_queue_workspace_id")),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_change_queue")),
    )
    op.create_index("ix_change_queue_transaction", "change_queue", ["transaction", "workspace_id"], unique=False)
    op.execute(ROWS_OF_BEFORE)
    op.execute(
        "INSERT INTO change_heads (workspace_id, last, audited, audit_hash) "
        "SELECT workspace_id, max(sequence), 0, '' FROM changes GROUP BY 1"
    )
    op.add_column("events", sa.Column("before", postgresql.JSONB(), nullable=True))
    op.add_column("events", sa.Column("origin", postgresql.JSONB(), nullable=True))
    op.create_table(
        "audit_log",
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("occurred_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("actor_id", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("origin", postgresql.JSONB(), nullable=True),
        sa.Column("event_ids", postgresql.ARRAY(sa.UUID(as_uuid=False)), nullable=False),
        sa.Column("hash", postgresql.BYTEA(), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_audit_log_workspace_id")),
        sa.PrimaryKeyConstraint("workspace_id", "sequence", name=op.f("pk_audit_log")),
    )
    op.create_index("ix_audit_log_occurred", "audit_log", ["workspace_id", "occurred_at"], unique=False)
    statements = [
        *following.AUDIT_DIGEST,
        *following.NUMBER_CHANGES,
        *(one for table, resource in FOLLOWED.items() for one in following.follow(table, resource)),
        *following.follow_part("task_assignees", "task", "task_id"),
        *following.follow_access("project_members"),
        *following.follow_people(),
        *following.audit_events(),
        *(one for table in NEW_TABLES for one in security.tenant_table(table)),
        *security.append_only("changes"),
        *security.append_only("audit_log"),
        "REVOKE INSERT ON changes, audit_log FROM tallystick_app",
        "REVOKE INSERT, UPDATE, DELETE ON change_heads FROM tallystick_app",
        "REVOKE ALL ON change_queue FROM tallystick_app",
    ]
    for statement in statements:
        op.execute(statement)


ROWS_OF_BEFORE: Final = (
    """
    INSERT INTO changes (workspace_id, sequence, resource, resource_id, what, changed_at)
    SELECT workspace_id, row_number() OVER (PARTITION BY workspace_id ORDER BY rank, created_at, id), resource, id,
           'created', now()
    FROM ("""
    + " UNION ALL ".join(
        f"SELECT workspace_id, {rank} AS rank, '{resource}' AS resource, id, created_at FROM {table} "
        f"WHERE {following.GONE.get(table, 'deleted_at')} IS NULL"
        for rank, (table, resource) in enumerate(FOLLOWED.items())
    )
    + ") AS known"
)
