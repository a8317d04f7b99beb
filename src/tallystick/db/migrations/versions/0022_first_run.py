"""The first workspace of a server: whether there is one, and who may make it."""

from __future__ import annotations

from alembic import op

from tallystick.db.migrations import security

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.execute(security.FIRST_RUN)
