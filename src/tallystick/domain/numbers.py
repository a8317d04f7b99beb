"""Numbers counted from 1 in each workspace: people, task statuses and priorities, categories."""

from __future__ import annotations

from sqlalchemy import func, select, text

from tallystick.db.base import Tenant, table_of
from tallystick.db.session import Prepared
from tallystick.domain.context import Context, workspace


def draw(ctx: Context, kind: type[Tenant]) -> int:
    """The next number of a kind, under the lock of the workspace's row: whoever draws at the same time waits."""
    queue_up(ctx)
    drawn = ctx.row(_next(kind))
    assert drawn is not None  # noqa: S101 - an aggregate answers a row
    return drawn[0]


def queue_up(ctx: Context) -> None:
    """Wait until nobody else draws a number in this workspace, and hold the others off until the commit."""
    ctx.row(_QUEUE_UP)


def _next(kind: type[Tenant]) -> Prepared:
    prepared = _statements.get(kind)
    if prepared is None:
        table = table_of(kind)
        highest = select(func.coalesce(func.max(table.c.number), 0) + 1)
        prepared = _statements[kind] = Prepared(highest.where(table.c.workspace_id == workspace()))
    return prepared


_statements: dict[type[Tenant], Prepared] = {}
_QUEUE_UP = Prepared(text("SELECT 1 FROM workspaces WHERE id = :workspace FOR NO KEY UPDATE"))
