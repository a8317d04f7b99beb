"""Invoices that recur, and tracked time that bills itself."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tallystick.db.migrations import security

revision = "0012"
down_revision = "0011"

NEW_TABLES: Final = ("recurring_invoices", "recurring_runs", "automatic_billing", "billing_runs")
PERIODS: Final = "every IN ('WEEK', 'TWO_WEEKS', 'MONTH')"


def upgrade() -> None:
    recurring_invoices()
    recurring_runs()
    automatic_billing()
    billing_runs()
    for table in NEW_TABLES:
        for statement in security.tenant_table(table):
            op.execute(statement)


def recurring_invoices() -> None:
    table = "recurring_invoices"
    tenant(
        table,
        identity("client_id"),
        *words("name", "status", "mode"),
        sa.Column("template", postgresql.JSONB(), nullable=False),
        *words("currency", "rule"),
        sa.Column("start_date", sa.Date(), nullable=False),
        *words("time_zone", "month_end", "catch_up"),
        sa.Column("next_run_on", sa.Date(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        moment("paused_at", nullable=True),
        identity("created_by", nullable=True),
        moment("created_at"),
        moment("updated_at"),
        moment("deleted_at", nullable=True),
        within(table, "client_id", "clients"),
        within(table, "created_by", "members", "user_id"),
        one_of(table, "status", "ACTIVE", "PAUSED", "ENDED", "CANCELLED"),
        one_of(table, "mode", "DRAFT", "SEND"),
        one_of(table, "month_end", "LAST_DAY", "SKIP"),
        one_of(table, "catch_up", "ALL", "LATEST", "NONE"),
        check(table, "paused_at", "(status = 'PAUSED') = (paused_at IS NOT NULL)"),
        check(table, "over", "(status IN ('ENDED', 'CANCELLED')) = (next_run_on IS NULL AND failure IS NULL)"),
    )
    op.create_index("ix_recurring_invoices_created", table, ["workspace_id", "created_at", "id"])
    op.create_index("ix_recurring_invoices_due", table, ["next_run_on"], postgresql_where=sa.text("status = 'ACTIVE'"))


def recurring_runs() -> None:
    table = "recurring_runs"
    tenant(
        table,
        identity("recurring_id"),
        sa.Column("occurs_on", sa.Date(), nullable=False),
        *words("outcome"),
        identity("invoice_id", nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        moment("retry_at", nullable=True),
        moment("created_at"),
        moment("updated_at"),
        within(table, "recurring_id", "recurring_invoices"),
        within(table, "invoice_id", "invoices"),
        one_of(table, "outcome", "MADE", "SKIPPED", "PASSED", "FAILED"),
        check(table, "invoice_id", "(outcome = 'MADE') = (invoice_id IS NOT NULL)"),
        check(table, "failure", "(outcome = 'FAILED') = (failure IS NOT NULL)"),
        check(table, "retry_at", "(outcome = 'FAILED') = (retry_at IS NOT NULL)"),
    )
    op.create_index("uq_recurring_runs_day", table, ["workspace_id", "recurring_id", "occurs_on"], unique=True)
    op.create_index("uq_recurring_runs_invoice", table, ["workspace_id", "invoice_id"], unique=True)


def automatic_billing() -> None:
    table = "automatic_billing"
    groupings = ("ITEMIZED", "PROJECT", "TASK", "PROJECT_TASK", "PROJECT_TIME")
    tenant(
        table,
        identity("client_id"),
        *words("every"),
        sa.Column("weekday", sa.Text(), nullable=True),
        sa.Column("month_day", sa.BigInteger(), nullable=True),
        amount("amount"),
        amount("hours"),
        *words("mode", "grouping"),
        sa.Column("include_expenses", sa.Boolean(), nullable=False),
        amount("minimum_amount"),
        sa.Column("period_ends_on", sa.Date(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        identity("created_by", nullable=True),
        moment("created_at"),
        moment("updated_at"),
        within(table, "client_id", "clients"),
        within(table, "created_by", "members", "user_id"),
        one_of(table, "every", "WEEK", "TWO_WEEKS", "MONTH", "AMOUNT", "HOURS"),
        one_of(table, "mode", "DRAFT", "SEND"),
        one_of(table, "grouping", *groupings),
        one_of(table, "weekday", "MO", "TU", "WE", "TH", "FR", "SA", "SU"),
        check(table, "has_weekday", "(every IN ('WEEK', 'TWO_WEEKS')) = (weekday IS NOT NULL)"),
        check(table, "has_month_day", "(every = 'MONTH') = (month_day IS NOT NULL)"),
        check(table, "month_day", "month_day BETWEEN -28 AND 31 AND month_day <> 0"),
        check(table, "has_amount", "(every = 'AMOUNT') = (amount IS NOT NULL)"),
        check(table, "has_hours", "(every = 'HOURS') = (hours IS NOT NULL)"),
        check(table, "has_period", f"({PERIODS}) = (period_ends_on IS NOT NULL)"),
        check(table, "more_than_nothing", "amount > 0 AND hours > 0"),
        check(table, "minimum_amount", "minimum_amount >= 0"),
        sa.UniqueConstraint("workspace_id", "client_id", name=op.f("uq_automatic_billing_workspace_id_client_id")),
    )


def billing_runs() -> None:
    table = "billing_runs"
    tenant(
        table,
        identity("client_id"),
        *words("every"),
        sa.Column("period_to", sa.Date(), nullable=False),
        *words("outcome"),
        identity("invoice_id", nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        moment("retry_at", nullable=True),
        moment("created_at"),
        moment("updated_at"),
        within(table, "client_id", "clients"),
        within(table, "invoice_id", "invoices"),
        one_of(table, "every", "WEEK", "TWO_WEEKS", "MONTH", "AMOUNT", "HOURS"),
        one_of(table, "outcome", "MADE", "NOTHING", "BELOW_MINIMUM", "FAILED"),
        check(table, "invoice_id", "(outcome = 'MADE') = (invoice_id IS NOT NULL)"),
        check(table, "failure", "(outcome = 'FAILED') = (failure IS NOT NULL)"),
        check(table, "retry_at", "(outcome = 'FAILED') = (retry_at IS NOT NULL)"),
    )
    op.create_index(
        "uq_billing_runs_period",
        table,
        ["workspace_id", "client_id", "period_to"],
        unique=True,
        postgresql_where=sa.text(PERIODS),
    )
    op.create_index("uq_billing_runs_invoice", table, ["workspace_id", "invoice_id"], unique=True)


# --- how tables are declared here


def tenant(table: str, *parts: Any) -> None:
    op.create_table(
        table,
        *parts,
        identity("id"),
        identity("workspace_id"),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f(f"fk_{table}_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f(f"uq_{table}_workspace_id_id")),
    )


def identity(name: str, *, nullable: bool = False) -> Any:
    return sa.Column(name, sa.UUID(as_uuid=False), nullable=nullable)


def words(*names: str) -> list[Any]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def amount(name: str) -> Any:
    return sa.Column(name, sa.Numeric(19, 4), nullable=True)


def moment(name: str, *, nullable: bool = False) -> Any:
    return sa.Column(name, postgresql.TIMESTAMP(timezone=True), nullable=nullable)


def check(table: str, name: str, condition: str) -> Any:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def one_of(table: str, column: str, *values: str) -> Any:
    listed = ", ".join(f"'{value}'" for value in values)
    return check(table, column, f"{column} IN ({listed})")


def within(table: str, column: str, target: str, key: str = "id") -> Any:
    return sa.ForeignKeyConstraint(
        ["workspace_id", column],
        [f"{target}.workspace_id", f"{target}.{key}"],
        name=op.f(f"fk_{table}_workspace_id_{column}"),
    )
