"""Rows as JSON: each wire shape once, and the same without its money for people who may not see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct

from tallystick.domain.access import Actor
from tallystick.domain.context import Row, columns_in, decimal_columns
from tallystick.values.money import decimal_text

Shape = TypeVar("Shape", bound=Struct)


MONEY_FIELDS: dict[type[Struct], frozenset[str]] = {}
"""Wire shape → its fields that a money-blind person does not receive; the OpenAPI marks them `x-money`."""


class View(Generic[Shape]):
    """How rows of one kind look on the wire.

    The fields of the struct are the row's columns, by name (`names` says where they differ: `org_id` is the
    workspace). Decimals leave as strings with two to four decimals. For a money-blind person the row's money columns
    are left out, not nulled.
    """

    def __init__(self, kind: type[Row], shape: type[Shape], names: Mapping[str, str] | None = None) -> None:
        self.shape = shape
        renamed = {"org_id": "workspace_id", **(names or {})}
        fields = shape.__struct_fields__
        self._columns = tuple(renamed.get(name, name) for name in fields)
        shown = tuple(name for name in fields if renamed.get(name, name) not in kind.money)
        self.blind: type[Struct] = shape
        wire_names = dict(zip(fields, shape.__struct_encode_fields__, strict=True))
        MONEY_FIELDS[shape] = frozenset(wire_names[name] for name in fields if name not in shown)
        if len(shown) < len(fields):
            self.blind = msgspec.defstruct(
                f"{shape.__name__}ForMember",
                [(name, shape.__annotations__[name]) for name in shown],
                rename="camel",
                gc=False,
            )
        self._exact = decimal_columns(kind)
        self._blind_columns = tuple(renamed.get(name, name) for name in shown)
        self._decimals = self._where_decimals(self._columns)
        self._blind_decimals = self._where_decimals(self._blind_columns)

    def columns(self, actor: Actor) -> tuple[str, ...]:
        """The columns that the actor receives, in the order of the wire's fields."""
        return self._columns if actor.sees_money else self._blind_columns

    def rows(self, actor: Actor, rows: Sequence[tuple[Any, ...]]) -> list[Struct]:
        """Rows of exactly `columns(actor)`."""
        shape, decimals = self._shown(actor)
        if decimals:
            return [shape(*_plain(list(row), decimals)) for row in rows]
        return [shape(*row) for row in rows]

    def one(self, actor: Actor, row: Row) -> Struct:
        """One row object."""
        shape, decimals = self._shown(actor)
        held = columns_in(row)
        return shape(*_plain([held[name] for name in self.columns(actor)], decimals))

    def of_facts(self, facts: Mapping[str, Any]) -> Struct | None:
        """A row as its event tells of it, whole; None where the event does not tell all that is shown."""
        if any(name not in facts for name in self._columns):
            return None
        return self.shape(
            *[
                decimal_text(Decimal(str(facts[name])))
                if name in self._exact and facts[name] is not None
                else facts[name]
                for name in self._columns
            ]
        )

    def _shown(self, actor: Actor) -> tuple[type[Struct], tuple[int, ...]]:
        """The shape that the actor receives, and which of its fields are decimals."""
        return (self.shape, self._decimals) if actor.sees_money else (self.blind, self._blind_decimals)

    def _where_decimals(self, columns: Sequence[str]) -> tuple[int, ...]:
        return tuple(place for place, name in enumerate(columns) if name in self._exact)


def _plain(values: list[Any], decimals: tuple[int, ...]) -> list[Any]:
    """The values of a row, its decimals as text."""
    for place in decimals:
        if values[place].__class__ is Decimal:
            values[place] = decimal_text(values[place])
    return values
