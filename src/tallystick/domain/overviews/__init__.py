"""Reads by number: each row with what stands around it, for APIs whose ids are whole numbers."""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import ARRAY, ColumnElement, Select, Text, bindparam, func, select

from tallystick.db.base import Tenant, table_of
from tallystick.db.session import Prepared
from tallystick.domain.context import Context, actor, workspace
from tallystick.domain.listing import Filter
from tallystick.domain.members import Member
from tallystick.values.errors import NotFound

By = Literal["serial", "number"]


def numbered(kind: type[Tenant], name: str, *, column: str = "id", by: By = "serial") -> Any:
    """The id of the row with the number bound as `name`, as a part of another statement."""
    table = table_of(kind)
    found: Select[Any] = select(table.c[column]).where(
        table.c.workspace_id == workspace(), table.c[by] == bindparam(name, type_=table.c[by].type)
    )
    return found.scalar_subquery()


def id_of(ctx: Context, kind: type[Tenant], number: int, *, column: str = "id", by: By = "serial") -> str:
    """The id of the row with this number, as far as the actor may see it. Raises NotFound."""
    key = (kind, column, by, ctx.actor.sees_everyone)
    statement = _ids.get(key)
    if statement is None:
        statement = _ids[key] = Prepared(_one(kind, column, by, everyone=ctx.actor.sees_everyone))
    found = ctx.row(statement, number=number)
    if found is None:
        raise NotFound(f"No such {kind.noun}.")
    return found[0]


def beside(own: type[Tenant], kind: type[Tenant], column: str, identity: ColumnElement[Any], *, by: str = "id") -> Any:
    """A column of the row that stands beside one of `own`: the one whose `by` is this."""
    here, there = table_of(own), table_of(kind)
    found: Select[Any] = select(there.c[column]).where(
        there.c.workspace_id == here.c.workspace_id, there.c[by] == identity
    )
    return found.correlate(here).scalar_subquery()


def creator(own: type[Tenant]) -> Any:
    """The number of whoever made a row: the founder's where nobody knows who it was."""
    return func.coalesce(beside(own, Member, "number", table_of(own).c.created_by, by="user_id"), 1)


def tagged(own: type[Tenant]) -> Filter:
    """The filter by tags: rows that have at least one of them."""
    return Filter("texts", table_of(own).c.tags.bool_op("&&")(bindparam("tags", type_=ARRAY(Text()))))


def _one(kind: type[Tenant], column: str, by: By, *, everyone: bool) -> Select[Any]:
    table = table_of(kind)
    query: Select[Any] = select(table.c[column]).where(
        table.c.workspace_id == workspace(), table.c[by] == bindparam("number", type_=table.c[by].type)
    )
    for gone in ("deleted_at", "removed_at"):
        if gone in table.c:
            query = query.where(table.c[gone].is_(None))
    seen: ColumnElement[bool] | None = None if everyone else kind.seen_by(actor())
    return query if seen is None else query.where(seen)


_ids: dict[tuple[type[Tenant], str, By, bool], Prepared] = {}
