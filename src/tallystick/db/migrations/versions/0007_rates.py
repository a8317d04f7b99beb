"""Rates that begin on a day, fees by milestone, rounding for a client."""

from __future__ import annotations

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    pass
