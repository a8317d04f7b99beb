"""Workspaces that are closed, and erased a month later."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tallystick.db.migrations import closing

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.add_column("workspaces", sa.Column("closed_at", sa.TIMESTAMP(timezone=True), nullable=True))
    op.create_index(
        "ix_workspaces_closed_at",
        "workspaces",
        ["closed_at"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NOT NULL"),
    )
    for statement in (
        *closing.end_ways_in(),
        closing.PLACES_OPEN_TO,
        *closing.KEEP_CLOSED,
        closing.ERASE_WORKSPACE,
    ):
        op.execute(statement)
