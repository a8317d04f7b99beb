"""Changes and events are entered in feed and audit log after the commit, by whoever reads or by the worker."""

from __future__ import annotations

from alembic import op

from tallystick.db.migrations import following

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    # Behind the last transaction of the old kind the queue is empty; from now on its rows outlive theirs.
    op.execute("DROP TRIGGER numbered ON change_queue")
    op.execute("DROP FUNCTION number_changes()")
    op.execute(following.LEAN_NOTES)
    op.execute("DROP INDEX ix_change_queue_transaction")
    op.execute("ALTER TABLE change_queue DROP COLUMN first")
    op.execute("ALTER TABLE change_queue DROP CONSTRAINT pk_change_queue")
    op.create_primary_key("pk_change_queue", "change_queue", ["workspace_id", "position"])
    op.execute("ALTER TABLE change_queue SET LOGGED")
    op.execute(following.AUDIT_DIGEST_PLANNED_FOR_ANY)
    for statement in following.ENTER_CHANGES:
        op.execute(statement)
