"""A connection that sends statements together: what can wait for its answer travels with what cannot."""

from __future__ import annotations

import re
import select
from collections.abc import Mapping, Sequence
from typing import Any, Final

import psycopg
from psycopg import abc, adapt, pq
from psycopg.adapt import PyFormat
from psycopg.errors import error_from_result
from psycopg.rows import RowFactory, tuple_row
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.sql import ClauseElement

Values = Mapping[str, Any]

PREPARED_AT_MOST: Final = 200
"""Statements that a connection keeps prepared; with one more it begins anew."""
_DIALECT = PGDialect_psycopg()
_PARAMETER = re.compile(r"%\((\w+)\)s|%%")
_ANSWERED: Final = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)


class Prepared:
    """A Core statement, compiled once to the server's own SQL, with `$1` where a value goes."""

    __slots__ = ("_formats", "constants", "names", "query", "sql")

    def __init__(self, statement: ClauseElement | str) -> None:
        compiled = None if isinstance(statement, str) else statement.compile(dialect=_DIALECT)
        self.sql = str(compiled or statement)
        """Psycopg's SQL: a value is `%(name)s`."""
        self.names: list[str] = []
        self.query = _PARAMETER.sub(self._numbered, self.sql).encode()
        self._formats = [PyFormat.AUTO] * len(self.names)
        given: Mapping[str, Any] = (compiled and compiled.params) or {}
        self.constants = {name: value for name, value in given.items() if value is not None}
        """Parameters that the statement brings along: the plain values in its conditions."""

    def dumped(
        self, values: Values, by: abc.Transformer
    ) -> tuple[Sequence[Any], tuple[int, ...], Sequence[Any] | None]:
        """The values in the server's form: parameters, their types and formats."""
        if self.constants:
            values = {**self.constants, **values}
        parameters = by.dump_sequence([values[name] for name in self.names], self._formats)
        return parameters, by.types or (), by.formats

    def _numbered(self, found: re.Match[str]) -> str:
        name = found[1]
        if name is None:
            return "%"
        if name not in self.names:
            self.names.append(name)
        return f"${self.names.index(name) + 1}"


class Answer:
    """What a statement answered."""

    __slots__ = ("_rows", "rowcount")

    def __init__(self, rows: list[tuple[Any, ...]], rowcount: int) -> None:
        self._rows = rows
        self.rowcount = rowcount

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self._rows

    def fetchone(self) -> tuple[Any, ...] | None:
        return self._rows[0] if self._rows else None


class Connection(psycopg.Connection[tuple[Any, ...]]):
    """A psycopg connection whose compiled statements are prepared, and share round trips.

    A round trip costs more than most statements do. `later` keeps a statement until the next `run` or `commit` and
    sends both in one; the BEGIN of a transaction goes the same way. What goes wrong with one of them is raised there.

    A connection that is only `reading` has no BEGIN and no COMMIT: each trip is a transaction of its own, which sees
    what statements of one would see (READ COMMITTED). `reopening` is the statement that shows the workspace again.
    """

    reading = False
    reopening: tuple[Prepared, Values] | None = None

    def __init__(self, pgconn: pq.abc.PGconn, row_factory: RowFactory[tuple[Any, ...]] = tuple_row) -> None:
        super().__init__(pgconn, row_factory)
        self._waiting: list[tuple[Prepared, Values]] = []
        self._names: dict[tuple[bytes, tuple[int, ...]], bytes] = {}
        self._transformer: abc.Transformer = adapt.Transformer(self)
        self._socket = select.poll()
        self._socket.register(pgconn.socket, select.POLLIN)

    def run(self, statement: Prepared, values: Values) -> Answer:
        """Run a statement, after those that wait."""
        self._waiting.append((statement, values))
        result = self._together()[-1]
        if result.status == pq.ExecStatus.TUPLES_OK:
            self._transformer.set_pgresult(result)
            return Answer(self._transformer.load_rows(0, result.ntuples, tuple), result.ntuples)
        return Answer([], result.command_tuples or 0)

    def later(self, statement: Prepared, values: Values) -> None:
        """Run a statement with the next one, or with the commit; nobody asks for its answer."""
        self._waiting.append((statement, values))

    def execute(self, *args: Any, **more: Any) -> psycopg.Cursor[tuple[Any, ...]]:
        """Psycopg's own way, after the statements that wait."""
        if self._waiting:
            self._together()
        return super().execute(*args, **more)

    def commit(self) -> None:
        """Commit, with the statements that wait."""
        if self._waiting:
            self._together(b"COMMIT")
        else:
            super().commit()

    def rollback(self) -> None:
        """Roll back; what waits is forgotten."""
        self._waiting.clear()
        super().rollback()

    def start(self, *, reading: bool) -> None:
        """Begin anew; `reading` is a promise to write nothing."""
        self.reading = reading
        self.reopening = None

    def _together(self, last: bytes | None = None) -> list[pq.abc.PGresult]:
        """Send all that waits in one round trip. Answers the results; raises the first error."""
        server = self.pgconn
        waiting, self._waiting = self._waiting, []
        if self.reading and self.reopening is not None:
            waiting.insert(0, self.reopening)
        commands = 0
        names: dict[tuple[bytes, tuple[int, ...]], bytes] = {}
        prepared: list[tuple[int, tuple[bytes, tuple[int, ...]]]] = []
        dumped = [(statement, *statement.dumped(values, self._transformer)) for statement, values in waiting]
        server.enter_pipeline_mode()
        try:
            if not self.reading and server.transaction_status == pq.TransactionStatus.IDLE:
                server.send_query_params(b"BEGIN", None)
                commands += 1
            for statement, parameters, types, formats in dumped:
                known = (statement.query, types)
                name = self._names.get(known) or names.get(known)
                if name is None:
                    name = names[known] = b"t%d" % (len(self._names) + len(names))
                    server.send_prepare(name, statement.query, types)
                    prepared.append((commands, known))
                    commands += 1
                server.send_query_prepared(name, parameters, formats)
                commands += 1
            if last is not None:
                server.send_query_params(last, None)
                commands += 1
            server.pipeline_sync()
            self._flush()
            results = [self._result() for _ in range(commands)]
            self._result(ends=False)
            server.exit_pipeline_mode()
        except BaseException:
            self.close()  # in the middle of who knows what
            raise
        for place, known in prepared:  # what was prepared before something else went wrong stays prepared
            if results[place].status in _ANSWERED:
                self._names[known] = names[known]
        for result in results:
            if result.status not in _ANSWERED:
                raise error_from_result(result, self.info.encoding)
        if len(self._names) > PREPARED_AT_MOST:
            server.exec_(b"DEALLOCATE ALL")
            self._names.clear()
        return results

    def _flush(self) -> None:
        server = self.pgconn
        while server.flush():
            self._socket.modify(server.socket, select.POLLIN | select.POLLOUT)
            self._socket.poll()
            self._socket.modify(server.socket, select.POLLIN)
            server.consume_input()

    def _result(self, *, ends: bool = True) -> pq.abc.PGresult:
        """The result of the next command; each ends with a None, but not the one of the pipeline."""
        server = self.pgconn
        while server.is_busy():
            self._socket.poll()
            server.consume_input()
        result = server.get_result()
        if result is None:
            raise psycopg.OperationalError("the connection to the database is lost")
        if ends:
            while server.is_busy():
                self._socket.poll()
                server.consume_input()
            server.get_result()
        return result
