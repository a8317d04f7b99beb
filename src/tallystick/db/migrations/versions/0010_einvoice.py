"""What electronic invoices ask of sellers and buyers."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

OF_A_WORKSPACE: Final = (
    "business_line1",
    "business_line2",
    "business_city",
    "business_postal_code",
    "business_region",
    "country_code",
    "registration",
    "tax_number",
    "contact_name",
    "endpoint_scheme",
    "endpoint",
)
OF_A_CLIENT: Final = ("registration", "buyer_reference", "einvoice_profile", "endpoint_scheme", "endpoint")


def upgrade() -> None:
    for column in OF_A_WORKSPACE:
        op.add_column("workspaces", sa.Column(column, sa.Text))
    for column in OF_A_CLIENT:
        op.add_column("clients", sa.Column(column, sa.Text))
    op.create_check_constraint(op.f("ck_workspaces_country_code"), "workspaces", "country_code ~ '^[A-Z]{2}$'")
    op.create_check_constraint(
        op.f("ck_clients_einvoice_profile"), "clients", "einvoice_profile IN ('cii', 'ubl', 'xrechnung', 'peppol')"
    )
    for table in ("workspaces", "clients"):
        op.create_check_constraint(
            op.f(f"ck_{table}_endpoint"), table, "(endpoint_scheme IS NULL) = (endpoint IS NULL)"
        )
