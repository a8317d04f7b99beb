"""The app: how a person likes to read it, and when a timer looks forgotten."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("people", sa.Column("language", sa.Text(), nullable=True))
    op.add_column("people", sa.Column("clock", sa.Text(), nullable=True))
    op.add_column("people", sa.Column("week_start", sa.Text(), nullable=True))
    for name, values in (
        ("language", "'en', 'de'"),
        ("clock", "'12', '24'"),
        ("week_start", "'monday', 'sunday', 'saturday'"),
    ):
        op.create_check_constraint(op.f(f"ck_people_{name}"), "people", f"{name} IN ({values})")
    op.add_column(
        "people", sa.Column("backup_codes", sa.ARRAY(sa.Text()), nullable=False, server_default=sa.text("'{}'"))
    )
    op.create_check_constraint(
        op.f("ck_people_backup_codes"), "people", "cardinality(backup_codes) = 0 OR totp_secret IS NOT NULL"
    )
    op.add_column(
        "workspaces", sa.Column("timer_limit_minutes", sa.BigInteger(), nullable=False, server_default=sa.text("480"))
    )
    op.create_check_constraint(
        op.f("ck_workspaces_timer_limit_minutes"), "workspaces", "timer_limit_minutes BETWEEN 1 AND 1440"
    )
