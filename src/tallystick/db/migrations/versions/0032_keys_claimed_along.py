"""An idempotency key is claimed along with the first statement of its request, which does not run where it is known."""

from __future__ import annotations

from alembic import op

from tallystick.db.migrations import security

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    for statement in security.CLAIM_KEY:
        op.execute(statement)
