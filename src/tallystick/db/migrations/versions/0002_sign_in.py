"""Signing in: sessions, failures that are counted, links to set a password, and authenticator codes."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tallystick.db.migrations import security

revision = "0002"
down_revision = "0001"

TENANT_TABLES: Final = (
    "password_links",
    "sessions",
)


def upgrade() -> None:
    tables()
    for table in TENANT_TABLES:
        for statement in security.tenant_table(table):
            op.execute(statement)
    op.execute(security.SIGN_IN_COUNTS)
    op.execute(security.SIGN_IN_OF)
    op.execute(security.OPEN_BY_SESSION)
    op.execute(security.OPEN_BY_PASSWORD_LINK)
    op.execute(security.END_PASSWORD_LINKS_OF)
    op.execute(security.END_SESSIONS_OF)


def tables() -> None:
    op.create_table(
        "sign_in_counts",
        sa.Column("key", postgresql.BYTEA(), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("since", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("blocked_until", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("forget_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("failures >= 0", name=op.f("ck_sign_in_counts_failures")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_sign_in_counts")),
    )
    op.create_index("ix_sign_in_counts_forget", "sign_in_counts", ["forget_at"], unique=False)
    op.create_table(
        "password_links",
        sa.Column("user_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("digest", postgresql.BYTEA(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("ended_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "user_id"],
            ["members.workspace_id", "members.user_id"],
            name=op.f("fk_password_links_workspace_id_user_id"),
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_password_links_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_password_links")),
        sa.UniqueConstraint("digest", name=op.f("uq_password_links_digest")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_password_links_workspace_id_id")),
    )
    op.create_index(
        "ix_password_links_live", "password_links", ["user_id"], unique=False, postgresql_where="ended_at IS NULL"
    )
    op.create_table(
        "sessions",
        sa.Column("user_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("digest", postgresql.BYTEA(), nullable=False),
        sa.Column("remember", sa.Boolean(), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("last_seen_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("ended_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("ending", sa.Text(), nullable=True),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.CheckConstraint(
            "ending IN ('signed_out', 'replaced', 'revoked', 'password_changed', 'removed')",
            name=op.f("ck_sessions_ending"),
        ),
        sa.CheckConstraint("(ended_at IS NULL) = (ending IS NULL)", name=op.f("ck_sessions_ended_for_a_reason")),
        sa.ForeignKeyConstraint(
            ["workspace_id", "user_id"],
            ["members.workspace_id", "members.user_id"],
            name=op.f("fk_sessions_workspace_id_user_id"),
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_sessions_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("digest", name=op.f("uq_sessions_digest")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_sessions_workspace_id_id")),
    )
    op.create_index("ix_sessions_live", "sessions", ["user_id"], unique=False, postgresql_where="ended_at IS NULL")
    op.create_index("ix_sessions_of_member", "sessions", ["workspace_id", "user_id"], unique=False)
    op.add_column("people", sa.Column("totp_secret", postgresql.BYTEA(), nullable=True))
    op.add_column("people", sa.Column("totp_step", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("Who was signed in would be lost. Restore the backup made before the upgrade instead.")
