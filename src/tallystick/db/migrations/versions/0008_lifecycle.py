"""Series of numbers, credit notes, refunds, write-offs, frozen documents."""

from __future__ import annotations

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    pass
