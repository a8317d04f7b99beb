"""What electronic invoices ask of sellers and buyers."""

from __future__ import annotations

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    pass
