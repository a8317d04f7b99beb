"""The client portal: links that let somebody in once, sessions of one client each, and what a client is shown."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tallystick.db.migrations import security

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.add_column(
        "clients", sa.Column("portal_shows", sa.ARRAY(sa.Text()), nullable=False, server_default="{invoices}")
    )
    op.alter_column("clients", "portal_shows", server_default=None)
    op.create_check_constraint(
        op.f("ck_clients_portal_shows"),
        "clients",
        "portal_shows <@ ARRAY['invoices', 'hours', 'notes', 'budget']::text[] AND cardinality(portal_shows) <= 4",
    )
    for table, kinds in (
        ("mails", "'invoice', 'reminder', 'payment', 'test', 'invitation', 'password', 'portal'"),
        ("mail_templates", "'invoice', 'reminder', 'portal'"),
    ):
        op.drop_constraint(op.f(f"ck_{table}_kind"), table)
        op.create_check_constraint(op.f(f"ck_{table}_kind"), table, f"kind IN ({kinds})")
    op.create_table(
        "portal_links",
        sa.Column("client_id", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("used_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_portal_links_email_is_lower")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_portal_links_workspace_id")),
        sa.ForeignKeyConstraint(
            ["workspace_id", "client_id"],
            ["clients.workspace_id", "clients.id"],
            name=op.f("fk_portal_links_workspace_id_client_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portal_links")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_portal_links_workspace_id_id")),
    )
    op.create_index("uq_portal_links_digest", "portal_links", ["digest"], unique=True)
    op.create_index("ix_portal_links_email", "portal_links", ["workspace_id", "email"], unique=False)
    op.create_table(
        "portal_sessions",
        sa.Column("client_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("ended_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_portal_sessions_email_is_lower")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_portal_sessions_workspace_id")),
        sa.ForeignKeyConstraint(
            ["workspace_id", "client_id"],
            ["clients.workspace_id", "clients.id"],
            name=op.f("fk_portal_sessions_workspace_id_client_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portal_sessions")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_portal_sessions_workspace_id_id")),
    )
    op.create_index(
        "uq_portal_sessions_live", "portal_sessions", ["digest", "client_id"], unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )  # fmt: skip
    op.create_index("ix_portal_sessions_client", "portal_sessions", ["workspace_id", "client_id"], unique=False)
    for table in ("portal_links", "portal_sessions"):
        for statement in security.tenant_table(table):
            op.execute(statement)
    for statement in security.PORTAL:
        op.execute(statement)
