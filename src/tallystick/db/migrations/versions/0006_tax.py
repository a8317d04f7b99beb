"""Taxes on lines: rates, categories, sums for each; headings and discounts of lines; rates with names."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tallystick.db.migrations import security

revision = "0006"
down_revision = "0005"

CATEGORIES: Final = "('STANDARD', 'ZERO', 'EXEMPT', 'REVERSE_CHARGE', 'INTRA_EU', 'EXPORT', 'OUTSIDE_SCOPE')"
NEW_ID: Final = """
CAST(encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) PLACING
    substring(int8send(CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)) FROM 3) FROM 1 FOR 6),
    52, 1), 53, 1), 'hex') AS uuid)
"""
"""A UUIDv7, also on PostgreSQL before 18."""
OF_RATE: Final = "CASE WHEN {rate} IS NULL THEN 'OUTSIDE_SCOPE' WHEN {rate} = 0 THEN 'ZERO' ELSE 'STANDARD' END"


def upgrade() -> None:
    tax_rates()
    defaults()
    for table in ("invoices", "invoice_lines"):  # what was issued gets columns it did not have; what it says stays
        op.execute(f"ALTER TABLE {table} DISABLE TRIGGER keep_issued")
    invoices()
    lines()
    for table in ("invoices", "invoice_lines"):
        op.execute(f"ALTER TABLE {table} ENABLE TRIGGER keep_issued")
    taxes()
    for table in ("tax_rates", "invoice_taxes"):
        for statement in security.tenant_table(table):
            op.execute(statement)
    op.execute(security.ISSUED_TAXES)


def tax_rates() -> None:
    tenant(
        "tax_rates",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        money("percent"),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.UUID(as_uuid=False), nullable=True),
        *(
            sa.Column(name, postgresql.TIMESTAMP(timezone=True), nullable=nullable)
            for name, nullable in (("created_at", False), ("updated_at", False), ("deleted_at", True))
        ),
        check("tax_rates", "number", "number >= 2"),
        check("tax_rates", "category", f"category IN {CATEGORIES}"),
        check("tax_rates", "percent", percent("category", "percent")),
        check("tax_rates", "reason", "reason IS NULL OR category NOT IN ('STANDARD', 'ZERO')"),
        check("tax_rates", "default_is_live", "NOT is_default OR (NOT archived AND deleted_at IS NULL)"),
        within("tax_rates", "created_by", "members", "user_id"),
        sa.UniqueConstraint("workspace_id", "number", name=op.f("uq_tax_rates_workspace_id_number")),
    )
    op.create_index(
        "uq_tax_rates_name",
        "tax_rates",
        ["workspace_id", sa.text("lower(name)")],
        unique=True,
        postgresql_where="deleted_at IS NULL",
    )
    op.create_index("uq_tax_rates_default", "tax_rates", ["workspace_id"], unique=True, postgresql_where="is_default")


def defaults() -> None:
    """What client and workspace say of the tax of their invoices."""
    op.add_column("workspaces", sa.Column("tax_label", sa.Text(), nullable=True))
    added("workspaces", sa.Column("prices_include_tax", sa.Boolean(), nullable=False), "false")
    op.add_column("clients", sa.Column("default_tax_category", sa.Text(), nullable=True))
    op.add_column("clients", sa.Column("prices_include_tax", sa.Boolean(), nullable=True))
    constrain("clients", "default_tax_category", f"default_tax_category IN {CATEGORIES}")


def invoices() -> None:
    for name in ("tax_category", "default_tax_category", "default_tax_reason"):
        op.add_column("invoices", sa.Column(name, sa.Text(), nullable=True))
    for name in ("default_tax_rate", "gross_discount"):
        op.add_column("invoices", money(name))
    op.add_column("invoices", sa.Column("default_tax_rate_id", sa.UUID(as_uuid=False), nullable=True))
    for name in ("prices_include_tax", "taxed_by_line"):
        added("invoices", sa.Column(name, sa.Boolean(), nullable=False), "false")
    category = OF_RATE.format(rate="tax_rate")
    op.execute(f"""
        UPDATE invoices SET tax_category = {category}, default_tax_category = {category}, default_tax_rate = tax_rate
    """)
    op.alter_column("invoices", "default_tax_category", nullable=False)
    constrain("invoices", "tax_category", f"tax_category IN {CATEGORIES}")
    constrain("invoices", "default_tax_category", f"default_tax_category IN {CATEGORIES}")
    constrain("invoices", "default_tax_rate", percent("default_tax_category", "default_tax_rate"))
    constrain("invoices", "gross_discount", "prices_include_tax = (gross_discount IS NOT NULL) AND gross_discount >= 0")
    reference("invoices", "default_tax_rate_id", "tax_rates")


def lines() -> None:
    for name in ("heading", "tax_category", "tax_reason"):
        op.add_column("invoice_lines", sa.Column(name, sa.Text(), nullable=True))
    for name in ("discount_percent", "tax_rate", "gross_discount", "gross_total"):
        op.add_column("invoice_lines", money(name))
    op.add_column("invoice_lines", sa.Column("tax_rate_id", sa.UUID(as_uuid=False), nullable=True))
    added("invoice_lines", money("discount_amount", nullable=False), "0")
    added("invoice_lines", sa.Column("tax_given", sa.Boolean(), nullable=False), "false")
    op.execute("""
        UPDATE invoice_lines AS line
        SET tax_category = invoice.default_tax_category, tax_rate = invoice.default_tax_rate
        FROM invoices AS invoice
        WHERE invoice.workspace_id = line.workspace_id AND invoice.id = line.invoice_id
    """)
    op.alter_column("invoice_lines", "tax_category", nullable=False)
    constrain("invoice_lines", "tax_category", f"tax_category IN {CATEGORIES}")
    constrain("invoice_lines", "tax_rate", percent("tax_category", "tax_rate"))
    constrain("invoice_lines", "discount", "discount_amount >= 0 AND discount_percent BETWEEN 0 AND 100")
    constrain(
        "invoice_lines",
        "gross",
        "(gross_total IS NULL) = (gross_discount IS NULL) "
        "AND gross_total >= total AND gross_discount >= discount_amount",
    )
    reference("invoice_lines", "tax_rate_id", "tax_rates")


def taxes() -> None:
    tenant(
        "invoice_taxes",
        sa.Column("invoice_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        money("rate"),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("reason_code", sa.Text(), nullable=True),
        *(money(name, nullable=False) for name in ("subtotal", "discount", "basis", "amount")),
        within("invoice_taxes", "invoice_id", "invoices"),
        check("invoice_taxes", "category", f"category IN {CATEGORIES}"),
        check("invoice_taxes", "rate", percent("category", "rate")),
        check("invoice_taxes", "basis", "basis = subtotal - discount AND discount >= 0 AND basis >= 0"),
        check("invoice_taxes", "amount", "amount >= 0 AND (category = 'STANDARD' OR amount = 0)"),
        check(
            "invoice_taxes", "reason", "category NOT IN ('STANDARD', 'ZERO') OR num_nonnulls(reason, reason_code) = 0"
        ),
    )
    op.create_index(
        "uq_invoice_taxes_category",
        "invoice_taxes",
        ["workspace_id", "invoice_id", "category", sa.text("COALESCE(rate, -1)")],
        unique=True,
    )
    op.execute(f"""
        INSERT INTO invoice_taxes (id, workspace_id, invoice_id, position, category, rate, reason_code,
                                   subtotal, discount, basis, amount)
        SELECT {NEW_ID}, workspace_id, id, 1, default_tax_category, tax_rate,
               CASE default_tax_category WHEN 'OUTSIDE_SCOPE' THEN 'VATEX-EU-O' END,
               subtotal, discount_amount, subtotal - discount_amount, tax_amount
        FROM invoices AS invoice
        WHERE EXISTS (SELECT FROM invoice_lines AS line
                      WHERE line.workspace_id = invoice.workspace_id AND line.invoice_id = invoice.id)
    """)


# --- how it is written down


def tenant(table: str, *parts: Any) -> None:
    op.create_table(
        table,
        *parts,
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f(f"fk_{table}_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f(f"uq_{table}_workspace_id_id")),
    )


def money(name: str, *, nullable: bool = True) -> Any:
    return sa.Column(name, sa.Numeric(19, 4), nullable=nullable)


def percent(category: str, rate: str) -> str:
    """What a rate is in each category."""
    return (
        f"CASE {category} WHEN 'STANDARD' THEN {rate} > 0 AND {rate} <= 100 "
        f"WHEN 'OUTSIDE_SCOPE' THEN {rate} IS NULL ELSE {rate} = 0 END IS TRUE"
    )


def check(table: str, name: str, condition: str) -> Any:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def constrain(table: str, name: str, condition: str) -> None:
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)


def within(table: str, column: str, target: str, key: str = "id") -> Any:
    return sa.ForeignKeyConstraint(
        ["workspace_id", column],
        [f"{target}.workspace_id", f"{target}.{key}"],
        name=op.f(f"fk_{table}_workspace_id_{column}"),
    )


def reference(table: str, column: str, target: str) -> None:
    name = op.f(f"fk_{table}_workspace_id_{column}")
    op.create_foreign_key(name, table, target, ["workspace_id", column], ["workspace_id", "id"])


def added(table: str, column: Any, value: str) -> None:
    """A column that rows of before have this value in; those to come say their own."""
    column.server_default = sa.DefaultClause(sa.text(value))
    op.add_column(table, column)
    op.alter_column(table, column.name, server_default=None)
