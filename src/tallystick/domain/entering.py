"""What is committed enters the change feed and the audit log: when somebody reads one of them, or a moment later.

Writing notes what changed in a queue, in its own transaction, and waits for nobody (`db.migrations.following`). Numbers
and hashes come afterwards, to whole transactions, behind a lock that only those take who enter (decision 0028).
"""

from __future__ import annotations

import logging

import psycopg
from sqlalchemy import BigInteger, CheckConstraint, Identity
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Blob, Id, Row, within_workspace
from tallystick.db.session import Connection, Prepared
from tallystick.domain.context import Context, open_workspace


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

    Not this transaction's own part, which is not over. To be called in a transaction that ends soon: until then others
    who enter wait. A connection that reads enters in trips, each a transaction of its own (`Connection.entering`).
    """
    while True:
        last, more = ctx.row(_ENTER) or (0, False)
        if not more:
            return last


def enter_all(connection: Connection) -> None:
    """`enter` in every workspace in which something waits, each in a transaction of its own; as owner of the tables.

    What cannot be entered is told of and stays; it stops no other workspace.
    """
    waiting = connection.run(_WAITING, {}).fetchall()
    connection.commit()
    for (workspace_id,) in waiting:
        more = True
        while more:
            try:
                open_workspace(connection, workspace_id)
                connection.later(_SOON, {})
                _, more = connection.run(_ENTER, {}).fetchone() or (0, False)
                connection.commit()
            except psycopg.Error as error:
                connection.rollback()
                log.warning("changes of workspace %s cannot be entered: %s", workspace_id, error)
                break


def has_changes(ctx: Context, after: int) -> bool:
    """Whether anything changed behind a number, entered or not; for whoever waits, and takes no lock."""
    (found,) = ctx.row(_HAS_CHANGES, after=after) or (False,)
    return found


log = logging.getLogger("tallystick.entering")
_ENTER = Prepared("SELECT last, more FROM enter_changes()")
_SOON = Prepared("SET LOCAL lock_timeout = '1s'")
_HAS_CHANGES = Prepared("SELECT has_changes(%(after)s::bigint)")
_WAITING = Prepared("SELECT DISTINCT workspace_id FROM change_queue")
