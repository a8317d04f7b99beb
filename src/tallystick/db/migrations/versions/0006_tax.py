"""Taxes on lines: rates, categories, sums for each; headings and discounts of lines."""

from __future__ import annotations

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    pass
