"""How a row is declared: column types, naming of constraints, and what every tenant table has in common."""

from __future__ import annotations

import functools
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, cast

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    ColumnElement,
    Date,
    ForeignKeyConstraint,
    Identity,
    MetaData,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import BYTEA, JSONB, TIMESTAMP, UUID
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

Id = Annotated[str, mapped_column(UUID(as_uuid=False))]
"""A UUIDv7 in its canonical lower-case form; the driver hands it over as text (half the cost of `uuid.UUID`)."""
Json = Annotated[str, mapped_column(JSONB)]
"""JSON text; it goes to the database as it is and is never parsed on the way."""
Blob = Annotated[bytes, mapped_column(BYTEA)]
Money = Annotated[Decimal, mapped_column(Numeric(19, 4))]
"""An amount or a rate in major units of the row's currency; `NUMERIC(19, 4)`."""
Instant = Annotated[datetime, mapped_column(TIMESTAMP(timezone=True))]


class Row(DeclarativeBase):
    """A row of a table. It is read and written by the verbs of `domain.context.Context`, and by nothing else."""

    __allow_unmapped__ = True
    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        int: BigInteger,
        bool: Boolean,
        date: Date,
        datetime: TIMESTAMP(timezone=True),
        Decimal: Numeric(19, 4),
        list[str]: ARRAY(Text),
    }

    money: ClassVar[frozenset[str]] = frozenset()
    """Names of the columns that a money-blind person never receives."""

    told: ClassVar[tuple[str, ...]] = ()
    """Names of what belongs to a row beside its columns, and is told with it."""

    def __init__(self, **facts: Any) -> None:
        """A row of these facts, by column. SQLAlchemy's own takes each through a session that nobody has."""
        unknown = facts.keys() - columns_of(type(self))
        if unknown:
            raise TypeError(f"{type(self).__name__} has no {', '.join(sorted(unknown))}.")
        cast("dict[str, Any]", self.__dict__).update(facts)

    @classmethod
    def read_as(cls) -> dict[str, ColumnElement[Any]]:
        """Columns that are read through an expression: what a row shows of them depends on the day."""
        return {}

    noun: ClassVar[str] = "record"
    """The word for one such row in a sentence, and the resource of its events (`time_entry`)."""


def table_of(kind: type[Row]) -> Table[Any]:
    """The table of a row class."""
    return cast("Table[Any]", kind.__table__)


@functools.cache
def columns_of(kind: type[Row]) -> tuple[str, ...]:
    """The attribute names of a row's columns, in order."""
    return tuple(column.key for column in table_of(kind).columns)


class Tenant(Row):
    """A row that belongs to a workspace. Row-level security shows it only inside that workspace (see migrations)."""

    __abstract__ = True

    id: Mapped[Id] = mapped_column(primary_key=True)
    workspace_id: Mapped[Id] = mapped_column()

    @declared_attr.directive
    @classmethod
    def __table_args__(cls) -> tuple[Any, ...]:
        return cls.constraints()

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        """Constraints of every tenant table; subclasses add their own."""
        return (UniqueConstraint("workspace_id", "id"), within_workspace("workspace_id", "workspaces.id"))

    @classmethod
    def seen_by(cls, user_id: ColumnElement[str]) -> ColumnElement[bool] | None:
        """What a Member may see of these rows, as a condition on the person; None: all of the workspace."""
        del user_id
        return None


class Counted(Tenant):
    """A row that the database also counts: APIs whose ids are whole numbers call it by its `serial`.

    Serials are counted over all workspaces; a row just added learns its own when it is read again.
    """

    __abstract__ = True

    serial: Mapped[int] = mapped_column(Identity())

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (*super().constraints(), UniqueConstraint("workspace_id", "serial"))


def within_workspace(column: str, target: str) -> ForeignKeyConstraint:
    """A foreign key by `(workspace_id, column)`: a reference into another workspace cannot be stored.

    `within_workspace("project_id", "projects.id")`. The reference to the workspace itself is a plain one.
    """
    table, _ = target.split(".")
    if column == "workspace_id":
        return ForeignKeyConstraint(["workspace_id"], ["workspaces.id"])
    return ForeignKeyConstraint(["workspace_id", column], [f"{table}.workspace_id", target])


def one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    """States are text with a CHECK, not enums: only leakproof operators reach an index under row-level security."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)
