"""Connections and statements: pools under the application role, and statements compiled once and run on the driver."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Mapping
from typing import Any, LiteralString, cast

import psycopg
from psycopg.adapt import AdaptersMap
from psycopg.types.string import TextLoader
from psycopg_pool import ConnectionPool, PoolTimeout
from sqlalchemy import bindparam
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.sql import ClauseElement

from tallystick.db.base import Row, table_of

APPLICATION_ROLE = "tallystick_app"
Values = Mapping[str, Any]
Connection = psycopg.Connection[tuple[Any, ...]]

_DIALECT = PGDialect_psycopg()


class Prepared:
    """A Core statement, compiled once to the driver's own SQL. Parameters stay named; a list is `= ANY(:ids)`."""

    __slots__ = ("_query", "constants", "sql")

    def __init__(self, statement: ClauseElement) -> None:
        compiled = statement.compile(dialect=_DIALECT)
        self.sql = str(compiled)
        self._query = self.sql.encode()
        self.constants = {name: value for name, value in (compiled.params or {}).items() if value is not None}
        """Parameters that the statement brings along: the plain values in its conditions."""

    @property
    def query(self) -> bytes:
        return self._query


def insert_of(kind: type[Row]) -> Prepared:
    """The INSERT of all columns of a row that the database does not compute."""
    table = table_of(kind)
    given = [column for column in table.columns if column.computed is None]
    return Prepared(table.insert().values({column.key: bindparam(column.key, type_=column.type) for column in given}))


class Database:
    """The pool of one process, under the application role: it owns no table and sees no row without a workspace."""

    def __init__(self, url: str, *, size: int = 8, wait_seconds: float = 10.0) -> None:
        self.url = url
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            url,
            min_size=1,
            max_size=size,
            timeout=wait_seconds,
            max_waiting=0,
            kwargs={"prepare_threshold": 2},
            configure=_configure,
            check=None,
            open=False,
            name="tallystick",
        )

    def open(self) -> None:
        """Connect. Called in the process that uses the pool: connections do not survive a fork."""
        self._pool.open()

    def close(self) -> None:
        self._pool.close()

    def ping(self) -> bool:
        """Whether the database answers."""
        try:
            with self.transaction() as connection:
                connection.execute("SELECT 1")
        except (psycopg.Error, PoolTimeout):
            return False
        return True

    @contextlib.contextmanager
    def transaction(self) -> Generator[Connection]:
        """One transaction: committed at the end of the block, rolled back when it raises."""
        connection = self._pool.getconn()
        try:
            yield connection
            connection.commit()
        except BaseException:
            with contextlib.suppress(psycopg.Error):
                connection.rollback()
            raise
        finally:
            self._pool.putconn(connection)


def owner_connection(url: str) -> Connection:
    """A connection of the owner role, for migrations and for what an operator does across workspaces."""
    connection = psycopg.connect(url)
    _register(connection.adapters)
    return connection


def run(connection: Connection, statement: Prepared, values: Values) -> psycopg.Cursor[tuple[Any, ...]]:
    """Run a compiled statement on the driver."""
    if statement.constants:
        values = {**statement.constants, **values}
    return connection.execute(statement.query, values)


def text_query(sql: str) -> LiteralString:
    """SQL of our own making, for the driver, whose types ask for literal text."""
    return cast("LiteralString", sql)


def _configure(connection: Connection) -> None:
    _register(connection.adapters)
    with connection.cursor() as cursor:
        cursor.execute(text_query(f"SET ROLE {APPLICATION_ROLE}"))
        cursor.execute("SET TIME ZONE 'UTC'")
        cursor.execute("SET lock_timeout = '3s'")
        cursor.execute("SET statement_timeout = '15s'")
        cursor.execute("SET idle_in_transaction_session_timeout = '15s'")
    connection.commit()


def _register(adapters: AdaptersMap) -> None:
    adapters.register_loader("uuid", TextLoader)
    adapters.register_loader("jsonb", TextLoader)


def columns_of(kind: type[Row]) -> tuple[str, ...]:
    """The attribute names of a row's columns, in order."""
    return tuple(column.key for column in table_of(kind).columns)


def constraint_of(error: psycopg.Error) -> str | None:
    """The name of the constraint that refused a statement."""
    return error.diag.constraint_name
