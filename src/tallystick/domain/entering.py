"""What is committed enters the change feed and the audit log: when somebody reads one of them, or a moment later.

Writing notes what changed in a queue, in its own transaction, and waits for nobody (`db.migrations.following`). Numbers
and hashes come afterwards, to whole transactions, behind a lock that only those take who enter (decision 0028).
"""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Identity
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Blob, Id, Row, within_workspace
from tallystick.db.session import Connection, Prepared
from tallystick.domain.context import Context


class ChangeHead(Row):
    """The last change and the last audit entry of a workspace; the lock of whoever enters more."""

    __tablename__ = "change_heads"

    workspace_id: Mapped[Id] = mapped_column(primary_key=True)
    last: Mapped[int]
    audited: Mapped[int]
    audit_hash: Mapped[Blob]

    __table_args__ = (
        within_workspace("workspace_id", "workspaces.id"),
        CheckConstraint("last >= 0", name="last"),
        CheckConstraint("audited >= 0", name="audited"),
    )


class QueuedChange(Row):
    """A change, or an event, that was written and is not entered yet (`enter`). Nobody sees one."""

    __tablename__ = "change_queue"

    workspace_id: Mapped[Id] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    transaction: Mapped[int]
    resource: Mapped[str]
    resource_id: Mapped[Id]
    person_id: Mapped[Id | None]
    what: Mapped[str]


def enter(ctx: Context) -> int:
    """Enter what is committed in the feed and the audit log; answers the number of the workspace's last change, or 0.

    Not this transaction's own part, which is not over; and of a long queue only its beginning, some thousand rows.
    """
    (last,) = ctx.row(_ENTER) or (0,)
    return last


def waiting(connection: Connection) -> list[str]:
    """Workspaces in which something is committed and not entered yet; asked as the owner of the tables."""
    return [workspace_id for (workspace_id,) in connection.run(_WAITING, {}).fetchall()]


_ENTER = Prepared("SELECT enter_changes()")
_WAITING = Prepared("SELECT DISTINCT workspace_id FROM change_queue")
