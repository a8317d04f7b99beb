"""Rates that begin on a day, rounding for a client, fees by milestone, and work that is written off."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tallystick.db.migrations import security

revision = "0007"
down_revision = "0006"

LIVE: Final = "deleted_at IS NULL"
LINE_KINDS: Final = "kind IN ('TIME', 'EXPENSE', 'MILESTONE', 'FEE', 'CUSTOM')"


def upgrade() -> None:
    rates()
    rounding()
    milestones()
    billed_work()
    write_offs()


def rates() -> None:
    """A place that has one rate keeps it in its column; rows are made when a second one begins."""
    op.create_table(
        "rates",
        *(sa.Column(name, sa.UUID(as_uuid=False), nullable=True) for name in ("client_id", "project_id", "task_id")),
        sa.Column(
            "scope",
            sa.Text(),
            sa.Computed(
                "CASE WHEN task_id IS NOT NULL THEN 'TASK' WHEN project_id IS NOT NULL THEN 'PROJECT' "
                "WHEN client_id IS NOT NULL THEN 'CLIENT' ELSE 'WORKSPACE' END",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.Column(
            "place_id",
            sa.UUID(as_uuid=False),
            sa.Computed("COALESCE(task_id, project_id, client_id, workspace_id)", persisted=True),
            nullable=False,
        ),
        sa.Column("amount", sa.Numeric(19, 4), nullable=True),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("created_by", sa.UUID(as_uuid=False), nullable=True),
        *(
            sa.Column(name, postgresql.TIMESTAMP(timezone=True), nullable=nullable)
            for name, nullable in (("created_at", False), ("updated_at", False), ("deleted_at", True))
        ),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.CheckConstraint("num_nonnulls(client_id, project_id, task_id) <= 1", name=op.f("ck_rates_one_place")),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_rates_amount")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_rates_workspace_id")),
        within("rates", "client_id", "clients"),
        within("rates", "project_id", "projects"),
        within("rates", "task_id", "tasks"),
        within("rates", "created_by", "members", "user_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rates")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_rates_workspace_id_id")),
    )
    op.create_index(
        "uq_rates_day", "rates", ["workspace_id", "place_id", "effective_from"], unique=True, postgresql_where=LIVE
    )
    op.create_index("ix_rates_created", "rates", ["workspace_id", "created_at", "id"], postgresql_where=LIVE)
    for statement in security.tenant_table("rates"):
        op.execute(statement)
    for table in ("workspaces", "clients", "projects", "tasks"):
        op.add_column(table, sa.Column("rates_from", sa.Date(), nullable=True))


def rounding() -> None:
    op.add_column("clients", sa.Column("rounding_minutes", sa.BigInteger(), nullable=True))
    op.add_column("clients", sa.Column("rounding_mode", sa.Text(), nullable=True))
    check("clients", "rounding_minutes", "rounding_minutes IN (0, 1, 5, 6, 10, 15, 30, 60)")
    check("clients", "rounding_mode", "rounding_mode IN ('UP', 'NEAREST', 'DOWN')")


def milestones() -> None:
    op.add_column("milestones", sa.Column("amount", sa.Numeric(19, 4), nullable=True))
    op.add_column("milestones", sa.Column("reached_on", sa.Date(), nullable=True))
    op.add_column("milestones", sa.Column("invoice_id", sa.UUID(as_uuid=False), nullable=True))
    op.add_column(
        "milestones",
        sa.Column(
            "state",
            sa.Text(),
            sa.Computed(
                "CASE WHEN invoice_id IS NOT NULL THEN 'BILLED' WHEN reached_on IS NOT NULL THEN 'REACHED' "
                "ELSE 'OPEN' END",
                persisted=True,
            ),
            nullable=False,
        ),
    )
    foreign_key("milestones", "invoice_id", "invoices")
    check("milestones", "amount", "amount > 0")
    check("milestones", "priced_has_a_title", "amount IS NULL OR NOT uncategorised")
    check(
        "milestones",
        "billed_was_reached",
        "invoice_id IS NULL OR (amount IS NOT NULL AND reached_on IS NOT NULL AND deleted_at IS NULL)",
    )
    op.create_index(
        "ix_milestones_invoice",
        "milestones",
        ["workspace_id", "invoice_id"],
        postgresql_where="invoice_id IS NOT NULL",
    )
    op.create_index("ix_milestones_created", "milestones", ["workspace_id", "created_at", "id"])


def billed_work() -> None:
    op.drop_constraint(op.f("ck_invoice_lines_kind"), "invoice_lines")
    check("invoice_lines", "kind", LINE_KINDS)
    op.drop_constraint(op.f("ck_billed_work_entry_or_expense"), "billed_work")
    for name, target in (("milestone_id", "milestones"), ("fee_project_id", "projects")):
        op.add_column("billed_work", sa.Column(name, sa.UUID(as_uuid=False), nullable=True))
        foreign_key("billed_work", name, target)
    check("billed_work", "one_piece_of_work", "num_nonnulls(entry_id, expense_id, milestone_id, fee_project_id) = 1")
    for name, column in (
        ("uq_billed_work_milestone", "milestone_id"),
        ("uq_billed_work_fee", "fee_project_id"),
    ):
        op.create_index(name, "billed_work", [column], unique=True, postgresql_where="released_at IS NULL")


def write_offs() -> None:
    for table in ("time_entries", "expenses"):
        op.add_column(table, sa.Column("written_off_at", postgresql.TIMESTAMP(timezone=True), nullable=True))
        op.add_column(table, sa.Column("write_off_reason", sa.Text(), nullable=True))
        check(table, "write_off_reason", "(written_off_at IS NULL) = (write_off_reason IS NULL)")
        check(
            table,
            "written_off_is_unbilled",
            "written_off_at IS NULL OR (billable AND invoice_id IS NULL AND deleted_at IS NULL)",
        )


# --- how it is written down


def check(table: str, name: str, condition: str) -> None:
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)


def within(table: str, column: str, target: str, key: str = "id") -> Any:
    return sa.ForeignKeyConstraint(
        ["workspace_id", column],
        [f"{target}.workspace_id", f"{target}.{key}"],
        name=op.f(f"fk_{table}_workspace_id_{column}"),
    )


def foreign_key(table: str, column: str, target: str) -> None:
    name = op.f(f"fk_{table}_workspace_id_{column}")
    op.create_foreign_key(name, table, target, ["workspace_id", column], ["workspace_id", "id"])
