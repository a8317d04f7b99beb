"""How much members work in a week, by which utilisation is measured."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.add_column(
        "workspaces",
        sa.Column("weekly_capacity_hours", sa.Numeric(19, 4), nullable=False, server_default=sa.text("40")),
    )
    op.add_column("members", sa.Column("weekly_capacity_hours", sa.Numeric(precision=19, scale=4), nullable=True))
    for table in ("workspaces", "members"):
        op.create_check_constraint(
            op.f(f"ck_{table}_weekly_capacity_hours"), table, "weekly_capacity_hours BETWEEN 0 AND 168"
        )
