"""The first schema: workspaces, people, clients, projects, tasks, time, expenses, invoices, payments and events."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from tallystick.db.migrations import security

revision = "0001"
down_revision = None

TENANT_TABLES: Final = (
    "clients",
    "events",
    "idempotency_answers",
    "invoice_series",
    "members",
    "invoices",
    "projects",
    "tokens",
    "expenses",
    "issued_numbers",
    "payments",
    "project_members",
    "tasks",
    "invoice_lines",
    "task_assignees",
    "time_entries",
    "billed_work",
)


def upgrade() -> None:
    tables()
    op.execute(security.REFUSE_CHANGE)
    for statement in (*security.WORKSPACES, *security.PEOPLE):
        op.execute(statement)
    for table in TENANT_TABLES:
        for statement in security.tenant_table(table):
            op.execute(statement)
    for statement in security.ISSUED_INVOICES:
        op.execute(statement)
    for table in ("events", "issued_numbers"):
        for statement in security.append_only(table):
            op.execute(statement)
    op.execute(security.NAME_KEY)
    op.execute(security.PERSON_BY_EMAIL)
    op.execute(security.OPEN_BY_TOKEN)


def tables() -> None:
    op.create_table(
        "people",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_people_email_is_lower")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
        sa.UniqueConstraint("email", name=op.f("uq_people_email")),
    )
    op.create_table(
        "workspaces",
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("default_currency", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("invoice_prefix", sa.Text(), nullable=False),
        sa.Column("legal_name", sa.Text(), nullable=True),
        sa.Column("tax_id", sa.Text(), nullable=True),
        sa.Column("business_email", sa.Text(), nullable=True),
        sa.Column("business_phone", sa.Text(), nullable=True),
        sa.Column("business_website", sa.Text(), nullable=True),
        sa.Column("business_address", sa.Text(), nullable=True),
        sa.Column("default_rate", sa.Numeric(precision=19, scale=4), nullable=True),
        sa.Column("default_tax_rate", sa.Numeric(precision=19, scale=4), nullable=True),
        sa.Column("payment_terms_days", sa.BigInteger(), nullable=True),
        sa.Column("invoice_notes", sa.Text(), nullable=True),
        sa.Column("rounding_minutes", sa.BigInteger(), nullable=False),
        sa.Column("rounding_mode", sa.Text(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("plan IN ('free', 'studio', 'agency')", name=op.f("ck_workspaces_plan")),
        sa.CheckConstraint("rounding_mode IN ('UP', 'NEAREST', 'DOWN')", name=op.f("ck_workspaces_rounding_mode")),
        sa.CheckConstraint("default_tax_rate BETWEEN 0 AND 100", name=op.f("ck_workspaces_default_tax_rate")),
        sa.CheckConstraint("payment_terms_days BETWEEN 0 AND 365", name=op.f("ck_workspaces_payment_terms_days")),
        sa.CheckConstraint(
            "rounding_minutes IN (0, 1, 5, 6, 10, 15, 30, 60)", name=op.f("ck_workspaces_rounding_minutes")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workspaces")),
    )
    op.create_table(
        "clients",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("contact_name", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("website", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("billing_address", sa.Text(), nullable=True),
        sa.Column("billing_line1", sa.Text(), nullable=True),
        sa.Column("billing_line2", sa.Text(), nullable=True),
        sa.Column("billing_city", sa.Text(), nullable=True),
        sa.Column("billing_region", sa.Text(), nullable=True),
        sa.Column("billing_postal_code", sa.Text(), nullable=True),
        sa.Column("billing_country", sa.Text(), nullable=True),
        sa.Column("tax_number", sa.Text(), nullable=True),
        sa.Column("default_rate", sa.Numeric(precision=19, scale=4), nullable=True),
        sa.Column("default_payment_terms", sa.Text(), nullable=True),
        sa.Column("default_tax_rate", sa.Numeric(precision=19, scale=4), nullable=True),
        sa.Column("require_po_number", sa.Boolean(), nullable=False),
        sa.Column("billing_email", sa.Text(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("deleted_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.CheckConstraint("default_rate >= 0", name=op.f("ck_clients_default_rate")),
        sa.CheckConstraint("default_tax_rate BETWEEN 0 AND 100", name=op.f("ck_clients_default_tax_rate")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_clients_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clients")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_clients_workspace_id_id")),
    )
    op.create_index("ix_clients_created", "clients", ["workspace_id", "created_at", "id"], unique=False)
    op.create_table(
        "events",
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("resource_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("actor_id", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("occurred_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_events_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_events_workspace_id_id")),
    )
    op.create_index(
        "ix_events_of_resource", "events", ["workspace_id", "resource", "resource_id", "occurred_at"], unique=False
    )
    op.create_table(
        "idempotency_answers",
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("user_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", postgresql.BYTEA(), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=False),
        sa.Column("body", postgresql.BYTEA(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("completed_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_idempotency_answers_workspace_id")),
        sa.PrimaryKeyConstraint("workspace_id", "user_id", "key", name=op.f("pk_idempotency_answers")),
    )
    op.create_index("ix_idempotency_answers_completed_at", "idempotency_answers", ["completed_at"], unique=False)
    op.create_table(
        "invoice_series",
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("next", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("next >= 1", name=op.f("ck_invoice_series_next")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_invoice_series_workspace_id")),
        sa.PrimaryKeyConstraint("workspace_id", "series", name=op.f("pk_invoice_series")),
    )
    op.create_table(
        "members",
        sa.Column("user_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("removed_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.CheckConstraint("role IN ('OWNER', 'ADMIN', 'MANAGER', 'MEMBER')", name=op.f("ck_members_role")),
        sa.ForeignKeyConstraint(["user_id"], ["people.id"], name=op.f("fk_members_user_id")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_members_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_members")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_members_workspace_id_id")),
        sa.UniqueConstraint("workspace_id", "user_id", name=op.f("uq_members_workspace_id_user_id")),
    )
    op.create_index(
        "uq_members_owner",
        "members",
        ["workspace_id"],
        unique=True,
        postgresql_where="role = 'OWNER' AND removed_at IS NULL",
    )
    op.create_table(
        "invoices",
        sa.Column("client_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column(
            "payment_status",
            sa.Text(),
            sa.Computed(
                "CASE WHEN status = 'PAID' THEN 'paid' WHEN amount_paid > 0 THEN 'partially_paid' ELSE 'unpaid' END",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("subtotal", sa.Numeric(precision=19, scale=4), nullable=False),
        sa.Column("discount_percent", sa.Numeric(precision=19, scale=4), nullable=True),
        sa.Column("discount_amount", sa.Numeric(precision=19, scale=4), nullable=False),
        sa.Column("tax_rate", sa.Numeric(precision=19, scale=4), nullable=True),
        sa.Column("tax_amount", sa.Numeric(precision=19, scale=4), nullable=False),
        sa.Column("total", sa.Numeric(precision=19, scale=4), nullable=False),
        sa.Column("amount_paid", sa.Numeric(precision=19, scale=4), nullable=False),
        sa.Column("settled", sa.Numeric(precision=19, scale=4), nullable=False),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("po_number", sa.Text(), nullable=True),
        sa.Column("bill_to_name", sa.Text(), nullable=True),
        sa.Column("bill_to_address", sa.Text(), nullable=True),
        sa.Column("bill_to_country", sa.Text(), nullable=True),
        sa.Column("bill_to_tax_number", sa.Text(), nullable=True),
        sa.Column("bill_to_email", sa.Text(), nullable=True),
        sa.Column("issuer_name", sa.Text(), nullable=True),
        sa.Column("issuer_address", sa.Text(), nullable=True),
        sa.Column("issuer_tax_id", sa.Text(), nullable=True),
        sa.Column("issuer_email", sa.Text(), nullable=True),
        sa.Column("issue_date", sa.Date(), nullable=False),
        sa.Column("issue_date_given", sa.Boolean(), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=True),
        sa.Column("sent_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("paid_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("cancelled_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("grouping", sa.Text(), nullable=False),
        sa.Column("selection", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("deleted_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.CheckConstraint(
            "(status = 'CANCELLED') = (cancelled_at IS NOT NULL)", name=op.f("ck_invoices_cancelled_at")
        ),
        sa.CheckConstraint("(status = 'PAID') = (paid_at IS NOT NULL)", name=op.f("ck_invoices_paid_at")),
        sa.CheckConstraint("(status IN ('SENT', 'PAID')) = (sent_at IS NOT NULL)", name=op.f("ck_invoices_sent_at")),
        sa.CheckConstraint("deleted_at IS NULL OR status = 'DRAFT'", name=op.f("ck_invoices_only_drafts_are_deleted")),
        sa.CheckConstraint(
            "grouping IN ('ITEMIZED', 'PROJECT', 'TASK', 'PROJECT_TASK', 'PROJECT_TIME')",
            name=op.f("ck_invoices_grouping"),
        ),
        sa.CheckConstraint("status <> 'PAID' OR amount_paid = total", name=op.f("ck_invoices_paid_in_full")),
        sa.CheckConstraint(
            "status = 'CANCELLED' OR (status = 'DRAFT') = (number ~ '^DRAFT-[0-9A-F]{8}$')",
            name=op.f("ck_invoices_issued_number"),
        ),
        sa.CheckConstraint("status IN ('DRAFT', 'SENT', 'PAID', 'CANCELLED')", name=op.f("ck_invoices_status")),
        sa.CheckConstraint(
            "status NOT IN ('SENT', 'PAID') OR due_date IS NOT NULL", name=op.f("ck_invoices_issued_has_due_date")
        ),
        sa.CheckConstraint(
            "0 <= settled AND settled <= amount_paid AND amount_paid <= total", name=op.f("ck_invoices_paid")
        ),
        sa.CheckConstraint("discount_amount BETWEEN 0 AND subtotal", name=op.f("ck_invoices_discount")),
        sa.CheckConstraint("discount_percent BETWEEN 0 AND 100", name=op.f("ck_invoices_discount_percent")),
        sa.CheckConstraint("tax_amount >= 0", name=op.f("ck_invoices_tax_amount")),
        sa.CheckConstraint("tax_rate BETWEEN 0 AND 100", name=op.f("ck_invoices_tax_rate")),
        sa.CheckConstraint("total = subtotal - discount_amount + tax_amount", name=op.f("ck_invoices_adds_up")),
        sa.ForeignKeyConstraint(
            ["workspace_id", "client_id"],
            ["clients.workspace_id", "clients.id"],
            name=op.f("fk_invoices_workspace_id_client_id"),
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_invoices_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoices")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_invoices_workspace_id_id")),
        sa.UniqueConstraint("workspace_id", "number", name=op.f("uq_invoices_workspace_id_number")),
    )
    op.create_index("ix_invoices_client", "invoices", ["workspace_id", "client_id"], unique=False)
    op.create_index("ix_invoices_created", "invoices", ["workspace_id", "created_at", "id"], unique=False)
    op.create_index("ix_invoices_issue_date", "invoices", ["workspace_id", "issue_date", "id"], unique=False)
    op.create_table(
        "projects",
        sa.Column("client_id", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("color", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("rate_type", sa.Text(), nullable=False),
        sa.Column("hourly_rate", sa.Numeric(precision=19, scale=4), nullable=True),
        sa.Column("fixed_fee_amount", sa.Numeric(precision=19, scale=4), nullable=True),
        sa.Column("budget_hours", sa.Numeric(precision=19, scale=4), nullable=True),
        sa.Column("budget_amount", sa.Numeric(precision=19, scale=4), nullable=True),
        sa.Column("start_date", sa.Date(), nullable=True),
        sa.Column("due_date", sa.Date(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("deleted_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.CheckConstraint(
            "(rate_type = 'FIXED') = (fixed_fee_amount IS NOT NULL)", name=op.f("ck_projects_fixed_fee")
        ),
        sa.CheckConstraint("rate_type IN ('HOURLY', 'FIXED', 'NON_BILLABLE')", name=op.f("ck_projects_rate_type")),
        sa.CheckConstraint("status IN ('ACTIVE', 'COMPLETED', 'ARCHIVED')", name=op.f("ck_projects_status")),
        sa.CheckConstraint("budget_hours >= 0 AND budget_amount >= 0", name=op.f("ck_projects_budget_not_negative")),
        sa.CheckConstraint("budget_hours IS NULL OR budget_amount IS NULL", name=op.f("ck_projects_one_budget")),
        sa.CheckConstraint("due_date >= start_date", name=op.f("ck_projects_due_date")),
        sa.CheckConstraint("hourly_rate >= 0 AND fixed_fee_amount >= 0", name=op.f("ck_projects_not_negative")),
        sa.ForeignKeyConstraint(
            ["workspace_id", "client_id"],
            ["clients.workspace_id", "clients.id"],
            name=op.f("fk_projects_workspace_id_client_id"),
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_projects_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projects")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_projects_workspace_id_id")),
    )
    op.create_index("ix_projects_client", "projects", ["workspace_id", "client_id"], unique=False)
    op.create_index("ix_projects_created", "projects", ["workspace_id", "created_at", "id"], unique=False)
    op.create_table(
        "tokens",
        sa.Column("user_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("digest", postgresql.BYTEA(), nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("expires_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("revoked_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("last_used_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "user_id"],
            ["members.workspace_id", "members.user_id"],
            name=op.f("fk_tokens_workspace_id_user_id"),
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_tokens_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("prefix", name=op.f("uq_tokens_prefix")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_tokens_workspace_id_id")),
    )
    op.create_index("ix_tokens_of_member", "tokens", ["workspace_id", "user_id"], unique=False)
    op.create_table(
        "expenses",
        sa.Column("client_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("project_id", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("invoice_id", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("custom_category", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=19, scale=4), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("billable", sa.Boolean(), nullable=False),
        sa.Column("expense_date", sa.Date(), nullable=False),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("deleted_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.CheckConstraint(
            "category IN ('TRAVEL', 'MEALS', 'SOFTWARE', 'EQUIPMENT', 'CONTRACTORS', 'OTHER')",
            name=op.f("ck_expenses_category"),
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_expenses_amount")),
        sa.CheckConstraint("invoice_id IS NULL OR deleted_at IS NULL", name=op.f("ck_expenses_billed_is_live")),
        sa.ForeignKeyConstraint(
            ["workspace_id", "client_id"],
            ["clients.workspace_id", "clients.id"],
            name=op.f("fk_expenses_workspace_id_client_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "invoice_id"],
            ["invoices.workspace_id", "invoices.id"],
            name=op.f("fk_expenses_workspace_id_invoice_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "project_id"],
            ["projects.workspace_id", "projects.id"],
            name=op.f("fk_expenses_workspace_id_project_id"),
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_expenses_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_expenses")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_expenses_workspace_id_id")),
    )
    op.create_index("ix_expenses_client", "expenses", ["workspace_id", "client_id", "expense_date"], unique=False)
    op.create_index("ix_expenses_created", "expenses", ["workspace_id", "created_at", "id"], unique=False)
    op.create_table(
        "issued_numbers",
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("invoice_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("issued_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("value >= 1", name=op.f("ck_issued_numbers_value")),
        sa.ForeignKeyConstraint(
            ["workspace_id", "invoice_id"],
            ["invoices.workspace_id", "invoices.id"],
            name=op.f("fk_issued_numbers_workspace_id_invoice_id"),
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_issued_numbers_workspace_id")),
        sa.PrimaryKeyConstraint("workspace_id", "series", "value", name=op.f("pk_issued_numbers")),
        sa.UniqueConstraint("workspace_id", "number", name=op.f("uq_issued_numbers_workspace_id_number")),
    )
    op.create_index("ix_issued_numbers_invoice", "issued_numbers", ["workspace_id", "invoice_id"], unique=False)
    op.create_table(
        "payments",
        sa.Column("invoice_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("amount", sa.Numeric(precision=19, scale=4), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("deleted_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_payments_amount")),
        sa.ForeignKeyConstraint(
            ["workspace_id", "invoice_id"],
            ["invoices.workspace_id", "invoices.id"],
            name=op.f("fk_payments_workspace_id_invoice_id"),
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_payments_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_payments_workspace_id_id")),
    )
    op.create_index("ix_payments_invoice", "payments", ["workspace_id", "invoice_id", "created_at"], unique=False)
    op.create_index(
        "uq_payments_external_id",
        "payments",
        ["workspace_id", "external_id"],
        unique=True,
        postgresql_where="external_id IS NOT NULL AND deleted_at IS NULL",
    )
    op.create_table(
        "project_members",
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("project_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("user_id", sa.UUID(as_uuid=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "project_id"],
            ["projects.workspace_id", "projects.id"],
            name=op.f("fk_project_members_workspace_id_project_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "user_id"],
            ["members.workspace_id", "members.user_id"],
            name=op.f("fk_project_members_workspace_id_user_id"),
        ),
        sa.PrimaryKeyConstraint("workspace_id", "project_id", "user_id", name=op.f("pk_project_members")),
    )
    op.create_index(
        "ix_project_members_of_user", "project_members", ["workspace_id", "user_id", "project_id"], unique=False
    )
    op.create_table(
        "tasks",
        sa.Column("project_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column("billable", sa.Boolean(), nullable=False),
        sa.Column("estimated_hours", sa.Numeric(precision=19, scale=4), nullable=True),
        sa.Column("hourly_rate", sa.Numeric(precision=19, scale=4), nullable=True),
        sa.Column("tags", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("start_date", sa.Date(), nullable=True),
        sa.Column("due_date", sa.Date(), nullable=True),
        sa.Column("end_date", sa.Date(), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("deleted_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.CheckConstraint("priority IN ('LOW', 'MEDIUM', 'HIGH')", name=op.f("ck_tasks_priority")),
        sa.CheckConstraint("status IN ('TODO', 'IN_PROGRESS', 'DONE')", name=op.f("ck_tasks_status")),
        sa.CheckConstraint("due_date >= start_date", name=op.f("ck_tasks_due_date")),
        sa.CheckConstraint("estimated_hours >= 0 AND hourly_rate >= 0", name=op.f("ck_tasks_not_negative")),
        sa.ForeignKeyConstraint(
            ["workspace_id", "project_id"],
            ["projects.workspace_id", "projects.id"],
            name=op.f("fk_tasks_workspace_id_project_id"),
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_tasks_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_tasks_workspace_id_id")),
    )
    op.create_index("ix_tasks_created", "tasks", ["workspace_id", "created_at", "id"], unique=False)
    op.create_index("ix_tasks_project", "tasks", ["workspace_id", "project_id", "created_at", "id"], unique=False)
    op.create_table(
        "invoice_lines",
        sa.Column("invoice_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=19, scale=4), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("rate", sa.Numeric(precision=19, scale=4), nullable=False),
        sa.Column("total", sa.Numeric(precision=19, scale=4), nullable=False),
        sa.Column("project_id", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("task_id", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.CheckConstraint("kind IN ('TIME', 'EXPENSE', 'CUSTOM')", name=op.f("ck_invoice_lines_kind")),
        sa.CheckConstraint("quantity >= 0 AND rate >= 0", name=op.f("ck_invoice_lines_not_negative")),
        sa.CheckConstraint("total >= 0", name=op.f("ck_invoice_lines_total")),
        sa.ForeignKeyConstraint(
            ["workspace_id", "invoice_id"],
            ["invoices.workspace_id", "invoices.id"],
            name=op.f("fk_invoice_lines_workspace_id_invoice_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "project_id"],
            ["projects.workspace_id", "projects.id"],
            name=op.f("fk_invoice_lines_workspace_id_project_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "task_id"],
            ["tasks.workspace_id", "tasks.id"],
            name=op.f("fk_invoice_lines_workspace_id_task_id"),
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_invoice_lines_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_lines")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_invoice_lines_workspace_id_id")),
    )
    op.create_index(
        "ix_invoice_lines_invoice", "invoice_lines", ["workspace_id", "invoice_id", "position"], unique=False
    )
    op.create_table(
        "task_assignees",
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("task_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("user_id", sa.UUID(as_uuid=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id", "task_id"],
            ["tasks.workspace_id", "tasks.id"],
            name=op.f("fk_task_assignees_workspace_id_task_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "user_id"],
            ["members.workspace_id", "members.user_id"],
            name=op.f("fk_task_assignees_workspace_id_user_id"),
        ),
        sa.PrimaryKeyConstraint("workspace_id", "task_id", "user_id", name=op.f("pk_task_assignees")),
    )
    op.create_index("ix_task_assignees_of_user", "task_assignees", ["workspace_id", "user_id", "task_id"], unique=False)
    op.create_table(
        "time_entries",
        sa.Column("user_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("project_id", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("task_id", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("invoice_id", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("duration_seconds", sa.BigInteger(), nullable=False),
        sa.Column("billable", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("entry_date", sa.Date(), nullable=False),
        sa.Column("started_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("stopped_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("hourly_rate", sa.Numeric(precision=19, scale=4), nullable=True),
        sa.Column("created_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", postgresql.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("deleted_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.CheckConstraint("duration_seconds >= 0", name=op.f("ck_time_entries_duration")),
        sa.CheckConstraint("hourly_rate >= 0", name=op.f("ck_time_entries_hourly_rate")),
        sa.CheckConstraint("invoice_id IS NULL OR deleted_at IS NULL", name=op.f("ck_time_entries_billed_is_live")),
        sa.CheckConstraint(
            "started_at IS NOT NULL OR stopped_at IS NULL", name=op.f("ck_time_entries_stopped_after_start")
        ),
        sa.CheckConstraint(
            "stopped_at IS NULL OR duration_seconds = EXTRACT(EPOCH FROM stopped_at - started_at)",
            name=op.f("ck_time_entries_duration_is_elapsed"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "invoice_id"],
            ["invoices.workspace_id", "invoices.id"],
            name=op.f("fk_time_entries_workspace_id_invoice_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "project_id"],
            ["projects.workspace_id", "projects.id"],
            name=op.f("fk_time_entries_workspace_id_project_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "task_id"],
            ["tasks.workspace_id", "tasks.id"],
            name=op.f("fk_time_entries_workspace_id_task_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "user_id"],
            ["members.workspace_id", "members.user_id"],
            name=op.f("fk_time_entries_workspace_id_user_id"),
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_time_entries_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_time_entries")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_time_entries_workspace_id_id")),
    )
    op.create_index(
        "ix_time_entries_created",
        "time_entries",
        ["workspace_id", "created_at", "id"],
        unique=False,
        postgresql_where="deleted_at IS NULL",
    )
    op.create_index(
        "ix_time_entries_date",
        "time_entries",
        ["workspace_id", "entry_date", "id"],
        unique=False,
        postgresql_where="deleted_at IS NULL",
    )
    op.create_index(
        "ix_time_entries_invoice",
        "time_entries",
        ["workspace_id", "invoice_id"],
        unique=False,
        postgresql_where="invoice_id IS NOT NULL",
    )
    op.create_index(
        "ix_time_entries_project_created",
        "time_entries",
        ["workspace_id", "project_id", "created_at", "id"],
        unique=False,
        postgresql_where="deleted_at IS NULL",
    )
    op.create_index(
        "ix_time_entries_project_date",
        "time_entries",
        ["workspace_id", "project_id", "entry_date", "id"],
        unique=False,
        postgresql_where="deleted_at IS NULL",
    )
    op.create_index(
        "ix_time_entries_task",
        "time_entries",
        ["workspace_id", "task_id"],
        unique=False,
        postgresql_where="task_id IS NOT NULL",
    )
    op.create_index(
        "ix_time_entries_user_created",
        "time_entries",
        ["workspace_id", "user_id", "created_at", "id"],
        unique=False,
        postgresql_where="deleted_at IS NULL",
    )
    op.create_index(
        "uq_time_entries_running",
        "time_entries",
        ["workspace_id", "user_id"],
        unique=True,
        postgresql_where="started_at IS NOT NULL AND stopped_at IS NULL AND deleted_at IS NULL",
    )
    op.create_table(
        "billed_work",
        sa.Column("invoice_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("line_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("entry_id", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("expense_id", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("seconds", sa.BigInteger(), nullable=False),
        sa.Column("billed_seconds", sa.BigInteger(), nullable=False),
        sa.Column("released_at", postgresql.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("workspace_id", sa.UUID(as_uuid=False), nullable=False),
        sa.CheckConstraint("num_nonnulls(entry_id, expense_id) = 1", name=op.f("ck_billed_work_entry_or_expense")),
        sa.CheckConstraint("seconds >= 0 AND billed_seconds >= 0", name=op.f("ck_billed_work_not_negative")),
        sa.ForeignKeyConstraint(
            ["workspace_id", "entry_id"],
            ["time_entries.workspace_id", "time_entries.id"],
            name=op.f("fk_billed_work_workspace_id_entry_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "expense_id"],
            ["expenses.workspace_id", "expenses.id"],
            name=op.f("fk_billed_work_workspace_id_expense_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "invoice_id"],
            ["invoices.workspace_id", "invoices.id"],
            name=op.f("fk_billed_work_workspace_id_invoice_id"),
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "line_id"],
            ["invoice_lines.workspace_id", "invoice_lines.id"],
            name=op.f("fk_billed_work_workspace_id_line_id"),
        ),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_billed_work_workspace_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billed_work")),
        sa.UniqueConstraint("workspace_id", "id", name=op.f("uq_billed_work_workspace_id_id")),
    )
    op.create_index("ix_billed_work_invoice", "billed_work", ["workspace_id", "invoice_id"], unique=False)
    op.create_index("ix_billed_work_line", "billed_work", ["workspace_id", "line_id"], unique=False)
    op.create_index(
        "uq_billed_work_entry", "billed_work", ["entry_id"], unique=True, postgresql_where="released_at IS NULL"
    )
    op.create_index(
        "uq_billed_work_expense", "billed_work", ["expense_id"], unique=True, postgresql_where="released_at IS NULL"
    )


def downgrade() -> None:
    raise NotImplementedError("There is no schema before the first. Restore a backup instead.")
