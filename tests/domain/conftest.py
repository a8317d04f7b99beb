"""Fixtures that several nouns share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pytest
from sqlalchemy import text

from tallystick.db.base import Row
from tallystick.db.session import Prepared
from tallystick.domain.context import Context
from tests.domain.invoices.conftest import bench, own_database
from tests.studio import Studio

__all__ = ["bench", "own_database"]

Kind = TypeVar("Kind", bound=Row)


class Desk:
    """What the tests of nouns do: verbs of somebody, each in a transaction of its own."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def __getitem__(self, name: str) -> str:
        """The id of what the studio has from the beginning."""
        return self.studio.ids[name]

    def do(self, verb: Callable[..., Any], *words: Any, who: str = "owner", **facts: Any) -> Any:
        with self.studio.context(who) as ctx:
            return verb(ctx, *words, **facts)

    def find(self, kind: type[Kind], identity: str) -> Kind:
        with self.studio.context() as ctx:
            return ctx.find(kind, identity)

    def user(self, who: str) -> str:
        return self.studio.people[who].user_id

    def page(self, listing: Any, columns: tuple[str, ...], who: str = "owner", **how: Any) -> list[tuple[Any, ...]]:
        """The rows of a list, oldest first unless said otherwise."""
        sort = how.pop("sort", "created_at")
        with self.studio.context(who) as ctx:
            return listing.page(ctx, columns, how, sort=sort).rows

    def events(self, identity: str) -> list[str]:
        """What happened to a row, in order."""
        return [
            kind for (kind,) in self.rows("SELECT type FROM events WHERE resource_id = :id ORDER BY id", id=identity)
        ]

    def rows(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        with self.studio.context() as ctx:
            return rows(ctx, sql, **values)


def rows(ctx: Context, sql: str, **values: Any) -> list[tuple[Any, ...]]:
    return ctx.rows(Prepared(text(sql)), **values)


@pytest.fixture
def desk(studio: Studio) -> Desk:
    return Desk(studio)
