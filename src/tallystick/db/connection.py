"""A connection that sends statements together: what can wait for its answer travels with what cannot."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import psycopg
from psycopg import abc, adapt, generators, pq
from psycopg import waiting as waits
from psycopg.adapt import PyFormat
from psycopg.errors import error_from_result
from psycopg.rows import RowFactory, tuple_row
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.sql import ClauseElement

from tallystick.telemetry import statements

Values = Mapping[str, Any]
Row = tuple[Any, ...]
Check = Callable[[Row | None], None]

WAIT_SECONDS: Final = 1.0
"""How often a waiting thread looks whether it was interrupted."""
PREPARED_AT_MOST: Final = 200
"""Statements that a connection keeps prepared; with one more it begins anew."""
_DIALECT = PGDialect_psycopg()
_PARAMETER = re.compile(r"%\((\w+)\)s|%%")
_ANSWERED: Final = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)


class Prepared:
    """A Core statement, compiled once to the server's own SQL, with `$1` where a value goes."""

    __slots__ = ("_formats", "constants", "dated", "names", "query", "sql")

    def __init__(self, statement: ClauseElement | str) -> None:
        compiled = None if isinstance(statement, str) else statement.compile(dialect=_DIALECT)
        self.sql = str(compiled or statement)
        """Psycopg's SQL: a value is `%(name)s`."""
        self.names: list[str] = []
        self.query = _PARAMETER.sub(self._numbered, self.sql).encode()
        self._formats = [PyFormat.AUTO] * len(self.names)
        self.dated = "today" in self.names
        """Whether it asks for the day."""
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

    def __init__(self, rows: list[Row], rowcount: int) -> None:
        self._rows = rows
        self.rowcount = rowcount

    def fetchall(self) -> list[Row]:
        return self._rows

    def fetchone(self) -> Row | None:
        return self._rows[0] if self._rows else None


class Connection(psycopg.Connection[Row]):
    """A psycopg connection whose compiled statements are prepared, and share round trips.

    A round trip costs more than most statements do. `later` keeps a statement until the next `run` or `commit` and
    sends both in one; the BEGIN of a transaction goes the same way. What goes wrong with one of them is raised there.

    A connection that is only `reading` has no BEGIN and no COMMIT: each trip is a transaction of its own, which sees
    what statements of one would see (READ COMMITTED). `reopen` is told the statement that shows the workspace again.
    """

    reading = False
    entering = False
    """Of one that reads: whether a trip may enter what is committed in the change feed and the audit log."""
    _reopening: tuple[Prepared, Values] | None = None

    def __init__(self, pgconn: pq.abc.PGconn, row_factory: RowFactory[Row] = tuple_row) -> None:
        super().__init__(pgconn, row_factory)
        self._waiting: list[tuple[Prepared, Values, Check | None]] = []
        self._undecided = False
        """Whether something waits that may yet refuse."""
        self._opened = False
        self._names: dict[tuple[bytes, tuple[int, ...]], bytes] = {}
        self._numbers = itertools.count()
        self._transformer: abc.Transformer = adapt.Transformer(self)

    def run(self, statement: Prepared, values: Values) -> Answer:
        """Run a statement, after those that wait."""
        self._waiting.append((statement, values, None))
        return self._together()

    def later(self, statement: Prepared, values: Values, check: Check | None = None, *, decides: bool = True) -> None:
        """Run a statement with the next one, or with the commit. `check` sees its first row before all that follows.

        One that only listens, and `decides` nothing, is told as late as along with the commit.
        """
        self._waiting.append((statement, values, check))
        self._undecided |= check is not None and decides

    def flush(self) -> None:
        """Run what waits."""
        if self._waiting:
            self._together()

    def execute(self, *args: Any, **more: Any) -> psycopg.Cursor[Row]:
        """Psycopg's own way, after the statements that wait."""
        self.flush()
        began = time.perf_counter()
        try:
            return super().execute(*args, **more)
        finally:
            statements.ran(1, time.perf_counter() - began, lambda: args[:1])

    def commit(self) -> None:
        """Commit, with the statements that wait."""
        self.settle()  # a commit does not travel with what may yet turn out wrong
        if self._waiting:
            self._together(None if self.reading else b"COMMIT")
        elif self.pgconn.transaction_status != pq.TransactionStatus.IDLE:
            self._together(b"COMMIT")

    def reopen(self, statement: Prepared, values: Values) -> None:
        """Begin each trip of a reading connection with this statement: those after the next, where one waits for it."""
        self._reopening = statement, values
        self._opened = bool(self._waiting)

    def settle(self) -> None:
        """Run what still waits for a check: nothing may be told that was decided before it."""
        if self._undecided:
            self._together()

    def rollback(self) -> None:
        """Roll back; what waits is forgotten."""
        self._waiting.clear()
        self._undecided = False
        super().rollback()

    def start(self, *, reading: bool, entering: bool = False) -> None:
        """Begin anew; `reading` is a promise to write nothing, but with `entering` to enter what is committed."""
        self.reading, self.entering = reading, entering
        self._reopening = None
        if len(self._names) > PREPARED_AT_MOST:
            self.pgconn.exec_(b"DEALLOCATE ALL")
            self._names.clear()

    def _together(self, last: bytes | None = None) -> Answer:
        """Send all that waits in one round trip. Answers what the last statement did; raises the first error."""
        waiting, self._waiting, self._undecided = self._waiting, [], False
        began = time.perf_counter()
        try:
            return self._sent(waiting, last)
        finally:
            statements.ran(
                len(waiting), time.perf_counter() - began, lambda: [one.sql for one, *_ in waiting] or [last]
            )

    def _sent(self, waiting: list[tuple[Prepared, Values, Check | None]], last: bytes | None) -> Answer:
        server = self.pgconn
        if self.reading and self._reopening is not None and not self._opened:
            waiting.insert(0, (*self._reopening, None))
        self._opened = False
        checks: list[Check | None] = []
        prepared: dict[int, tuple[bytes, tuple[int, ...]]] = {}
        """Which of the commands prepares what."""
        dumped = [(statement, *statement.dumped(values, self._transformer)) for statement, values, _ in waiting]
        server.enter_pipeline_mode()
        try:
            if not self.reading and server.transaction_status == pq.TransactionStatus.IDLE:
                server.send_query_params(b"BEGIN", None)
                checks.append(None)
            for (statement, parameters, types, formats), (*_, check) in zip(dumped, waiting, strict=True):
                known = (statement.query, types)
                name = self._names.get(known)
                if name is None:
                    name = self._names[known] = b"t%d" % next(self._numbers)
                    prepared[len(checks)] = known
                    server.send_prepare(name, statement.query, types)
                    checks.append(None)
                server.send_query_prepared(name, parameters, formats)
                checks.append(check)
            if last is not None:
                server.send_query_params(last, None)
                checks.append(None)
            server.pipeline_sync()
            if server.flush():
                waits.wait(generators.send(server), server.socket, WAIT_SECONDS)
            results = [self._result() for _ in checks]
            self._arrived()  # the end of the pipeline
            server.exit_pipeline_mode()
        except BaseException:
            self.close()  # in the middle of who knows what
            raise
        for number, known in prepared.items():
            if results[number].status not in _ANSWERED:
                del self._names[known]
        for result, check in zip(results, checks, strict=True):
            if result.status not in _ANSWERED:
                raise error_from_result(result, self.info.encoding)
            if check is not None:
                check(self._answer(result).fetchone())
        return self._answer(results[-1])

    def _answer(self, result: pq.abc.PGresult) -> Answer:
        if result.status != pq.ExecStatus.TUPLES_OK:
            return Answer([], result.command_tuples or 0)
        self._transformer.set_pgresult(result)
        return Answer(self._transformer.load_rows(0, result.ntuples, tuple), result.ntuples)

    def _result(self) -> pq.abc.PGresult:
        """The result of the next command. It ends with a None, which libpq has at hand."""
        result = self._arrived()
        self.pgconn.get_result()
        return result

    def _arrived(self) -> pq.abc.PGresult:
        server = self.pgconn
        if server.is_busy():
            result = waits.wait(generators.fetch(server), server.socket, WAIT_SECONDS)
        else:
            result = server.get_result()
        if result is None:
            raise psycopg.OperationalError("the connection to the database is lost")
        return result
