"""Time as intervals: when each entry begins, whatever is known of it; a client's country code, a workspace's logo."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"

BEGINS_AT: Final = "COALESCE(started_at, (entry_date + make_interval(secs => day_begins)) AT TIME ZONE 'UTC')"

DAY_BEGINS: Final = """
UPDATE time_entries AS entry
SET day_begins = EXTRACT(EPOCH FROM (entry_date::timestamp AT TIME ZONE COALESCE(person.time_zone, studio.time_zone))
                                    - (entry_date::timestamp AT TIME ZONE 'UTC'))
FROM people AS person, workspaces AS studio
WHERE person.id = entry.user_id AND studio.id = entry.workspace_id AND entry_date > '0001-01-01'
"""
"""The day of an entry made before began where its person lives now: more is not known of it."""


def upgrade() -> None:
    op.add_column("time_entries", sa.Column("day_begins", sa.BigInteger(), server_default="0", nullable=False))
    # Work on no project is billed to nobody.
    op.execute("UPDATE time_entries SET billable = false WHERE project_id IS NULL AND billable")
    op.execute(DAY_BEGINS)
    op.add_column(
        "time_entries",
        sa.Column(
            "begins_at",
            postgresql.TIMESTAMP(timezone=True),
            sa.Computed(BEGINS_AT, persisted=True),
            nullable=False,
        ),
    )
    op.create_check_constraint(
        op.f("ck_time_entries_billed_to_somebody"), "time_entries", "project_id IS NOT NULL OR NOT billable"
    )
    op.create_check_constraint(
        op.f("ck_time_entries_day_begins"), "time_entries", "day_begins BETWEEN -86400 AND 86400"
    )
    for name, column in (("begins", None), ("project_begins", "project_id"), ("user_begins", "user_id")):
        op.create_index(
            f"ix_time_entries_{name}",
            "time_entries",
            ["workspace_id", *([column] if column else []), "begins_at", "id"],
            unique=False,
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
    op.add_column("clients", sa.Column("country_code", sa.Text(), nullable=True))
    op.create_check_constraint(op.f("ck_clients_country_code"), "clients", "country_code ~ '^[A-Z]{2}$'")
    op.add_column("workspaces", sa.Column("logo", sa.Text(), nullable=True))
