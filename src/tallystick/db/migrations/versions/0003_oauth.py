"""OAuth: apps, grants, codes and tokens."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tallystick.db.migrations import security

revision = "0003"
down_revision = "0002"

TENANT_TABLES: Final = ("oauth_apps", "oauth_codes", "oauth_grants", "oauth_tokens")


def upgrade() -> None:
    tables()
    for table in TENANT_TABLES:
        for statement in security.tenant_table(table):
            op.execute(statement)
    op.execute(security.OPEN_BY_OAUTH)
    op.execute(security.END_OAUTH_GRANTS_OF)


def tables() -> None:
    op.create_table(
        "oauth_apps",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("redirect_uris", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("secret_digest", postgresql.BYTEA(), nullable=True),
        sa.Column("verified", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("revoked_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.CheckConstraint("cardinality(redirect_uris) BETWEEN 1 AND 20", name=op.f("ck_oauth_apps_redirect_uris")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_oauth_apps_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oauth_apps")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_oauth_apps_workspace_id_id")),
    )
    op.create_table(
        "oauth_grants",
        sa.Column("app_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("user_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("last_used_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("ended_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("ending", sa.Text(), nullable=True),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.CheckConstraint(
            "ending IN ('revoked', 'replayed', 'password_changed', 'removed', 'app_revoked')",
            name=op.f("ck_oauth_grants_ending"),
        ),
        sa.CheckConstraint("(ended_at IS NULL) = (ending IS NULL)", name=op.f("ck_oauth_grants_ended_for_a_reason")),
        sa.ForeignKeyConstraint(
            ["workspace_id", "app_id"],
            ["oauth_apps.workspace_id", "oauth_apps.id"],
            name=op.f("fk_oauth_grants_workspace_id_app_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "user_id"],
            ["members.workspace_id", "members.user_id"],
            name=op.f("fk_oauth_grants_workspace_id_user_id"),
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_oauth_grants_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oauth_grants")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_oauth_grants_workspace_id_id")),
    )
    op.create_index("ix_oauth_grants_of_app", "oauth_grants", ["workspace_id", "app_id"], unique=False)
    op.create_index("ix_oauth_grants_of_member", "oauth_grants", ["workspace_id", "user_id"], unique=False)
    op.create_table(
        "oauth_codes",
        sa.Column("grant_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("digest", postgresql.BYTEA(), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("challenge", sa.Text(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("used_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "grant_id"],
            ["oauth_grants.workspace_id", "oauth_grants.id"],
            name=op.f("fk_oauth_codes_workspace_id_grant_id"),
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_oauth_codes_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oauth_codes")),
        sa.UniqueConstraint("digest", name=op.f("uq_oauth_codes_digest")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_oauth_codes_workspace_id_id")),
    )
    op.create_table(
        "oauth_tokens",
        sa.Column("grant_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("digest", postgresql.BYTEA(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("spent_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("successor_id", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("sealed_successor", postgresql.BYTEA(), nullable=True),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.CheckConstraint("kind = 'refresh' OR spent_at IS NULL", name=op.f("ck_oauth_tokens_only_refresh_is_spent")),
        sa.CheckConstraint("kind IN ('access', 'refresh')", name=op.f("ck_oauth_tokens_kind")),
        sa.ForeignKeyConstraint(
            ["workspace_id", "grant_id"],
            ["oauth_grants.workspace_id", "oauth_grants.id"],
            name=op.f("fk_oauth_tokens_workspace_id_grant_id"),
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_oauth_tokens_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oauth_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_oauth_tokens_digest")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_oauth_tokens_workspace_id_id")),
    )
    op.create_index("ix_oauth_tokens_of_grant", "oauth_tokens", ["workspace_id", "grant_id"], unique=False)


def downgrade() -> None:
    for table in ("oauth_tokens", "oauth_codes", "oauth_grants", "oauth_apps"):
        op.drop_table(table)
    op.execute("DROP FUNCTION open_by_oauth_app(uuid), open_by_oauth_secret(bytea), open_by_access_token(bytea)")
