"""Invoices that recur, and tracked time that bills itself."""

from __future__ import annotations

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    pass
