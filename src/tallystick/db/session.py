"""Connections and statements: pools under the application role, and statements compiled once and run on the driver."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Generator
from typing import LiteralString, cast

import psycopg
from psycopg.adapt import AdaptersMap
from psycopg.types.string import TextLoader
from psycopg_pool import ConnectionPool, PoolTimeout, TooManyRequests
from sqlalchemy import bindparam

from tallystick.db.base import Row, table_of
from tallystick.db.connection import Answer, Check, Connection, Prepared, Values
from tallystick.telemetry.numbers import numbers
from tallystick.telemetry.work import current

__all__ = ("Answer", "Check", "Connection", "Database", "Prepared", "Values")

APPLICATION_ROLE = "tallystick_app"

logging.getLogger("psycopg.pool").setLevel(logging.WARNING)  # it tells of every connection that comes and goes


def insert_of(kind: type[Row]) -> Prepared:
    """The INSERT of all columns of a row that the database does not compute."""
    table = table_of(kind)
    given = [column for column in table.columns if column.computed is None and column.identity is None]
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
            connection_class=Connection,
            kwargs={"prepare_threshold": None},  # psycopg's own; ours are in db.connection
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
    def transaction(self, *, reading: bool = False, entering: bool = False) -> Generator[Connection]:
        """One transaction: committed at the end of the block, rolled back when it raises."""
        connection = self._borrowed()
        connection.start(reading=reading, entering=entering)
        try:
            yield connection
            connection.commit()
        except BaseException as error:
            try:
                if isinstance(error, Exception):
                    connection.settle()
            finally:
                with contextlib.suppress(psycopg.Error):
                    connection.rollback()
            raise
        finally:
            self._pool.putconn(connection)

    @contextlib.contextmanager
    def as_owner(self) -> Generator[Connection]:
        """One transaction as the role that owns the tables, for what the server asks of itself. It ends with it."""
        with self.transaction() as connection:
            connection.execute("SET LOCAL ROLE NONE")
            yield connection

    def _borrowed(self) -> Connection:
        """A connection, as soon as there is one. What that takes is the request's or job's."""
        began = time.perf_counter()
        try:
            connection = self._pool.getconn()
        except (PoolTimeout, TooManyRequests):
            numbers.count("tallystick_connection_refusals")
            raise
        work = current.get()
        if work is not None:
            work.waited += time.perf_counter() - began
        return connection


def owner_connection(url: str) -> Connection:
    """A connection of the owner role, for migrations and for what an operator does across workspaces."""
    connection = Connection.connect(url, prepare_threshold=None)
    _register(connection.adapters)
    return connection


def run(connection: Connection, statement: Prepared, values: Values) -> Answer:
    """Run a compiled statement on the driver."""
    return connection.run(statement, values)


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


def constraint_of(error: psycopg.Error) -> str | None:
    """The name of the constraint that refused a statement."""
    return error.diag.constraint_name
