"""The change feed follows milestones, dated rates, tax rates, credit notes, refunds and recurring invoices too."""

from __future__ import annotations

from typing import Final

from alembic import op

from tallystick.db.migrations import following

revision = "0020"
down_revision = "0019"

FOLLOWED: Final = {
    "milestones": "milestone",
    "rates": "rate",
    "tax_rates": "taxRate",
    "credit_notes": "creditNote",
    "refunds": "refund",
    "recurring_invoices": "recurringInvoice",
}


def upgrade() -> None:
    statements = [
        *following.enter_older_rows(FOLLOWED),
        *(one for table, resource in FOLLOWED.items() for one in following.follow(table, resource)),
        *following.follow_rates(),
        *following.follow_milestone_access("project_members"),
        *following.follow_changing_part("recurring_runs", "recurringInvoice", "recurring_id"),
    ]
    for statement in statements:
        op.execute(statement)
