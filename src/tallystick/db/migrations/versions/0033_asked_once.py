"""Writing asks once whether a workspace and a day are open; entering joins what waits with nothing."""

from __future__ import annotations

from alembic import op

from tallystick.db.migrations import closing, following, security

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    for statement in (*security.NEVER_CLOSED, closing.KEEP_CLOSED_ASKED_ONCE, *following.ENTER_CHANGES_IN_ONE_PASS):
        op.execute(statement)
