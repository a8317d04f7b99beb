"""Where races are run: many threads through HTTP at one studio, on a database that a test may take walls away from."""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Barrier, BrokenBarrierError
from typing import Any, TypeVar

import psycopg
from falcon import testing

from tallystick.db.session import Connection, Database, owner_connection
from tallystick.domain.context import Transactions
from tallystick.domain.entering import enter
from tests.studio import Api, Studio

CONNECTIONS = 16
PATIENCE = 20.0
"""Seconds after which a barrier that cannot be met is given up: a test that gets there has failed already."""

Result = TypeVar("Result")


class Ticking:
    """A clock that is a second later each time it is read, whoever reads it."""

    def __init__(self) -> None:
        self._ticks = itertools.count()

    def __call__(self) -> datetime:
        return datetime(2026, 6, 15, 9, 30, tzinfo=UTC) + timedelta(seconds=next(self._ticks))


@dataclass
class Arena:
    """A studio, its app, and its rows as they really are."""

    url: str
    database: Database
    studio: Studio
    app: testing.TestClient
    rivals: Callable[[Transactions], testing.TestClient] = field(repr=False)
    """The same app over other transactions."""

    def api(self, who: str = "owner", app: testing.TestClient | None = None) -> Api:
        return Api(app or self.app, self.studio.people[who].token)

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """What is stored and entered, whoever may see it; `%s` in the place of the workspace comes first."""
        with self.studio.context() as ctx:
            enter(ctx)
        with owner_connection(self.url) as connection:
            return connection.execute(sql.encode(), [self.studio.workspace_id, *values]).fetchall()

    def one(self, sql: str, *values: object) -> Any:
        ((value,),) = self.rows(sql, *values)
        return value

    def sabotage(self, *statements: str) -> None:
        """Take constraints away; the database must be the test's own."""
        assert "_own_" in self.url
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())


def at_once(calls: Sequence[Callable[[], Result]]) -> list[Result]:
    """Call all of them at the same moment, each in its own thread."""
    start = Barrier(len(calls))

    def run(call: Callable[[], Result]) -> Result:
        start.wait(PATIENCE)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(run, call) for call in calls]]


def statuses(results: Sequence[testing.Result]) -> Counter[int]:
    return Counter(result.status_code for result in results)


class Together:
    """Transactions that wait for each other just before they commit: nobody has seen what the others did."""

    def __init__(self, database: Transactions, count: int) -> None:
        self._database = database
        self._meeting = Barrier(count)

    @contextlib.contextmanager
    def transaction(self, **how: Any) -> Generator[Connection]:
        with self._database.transaction(**how) as connection:
            yield connection
            meet(self._meeting)

    def ping(self) -> bool:
        return True


def meet(barrier: Barrier) -> None:
    """Wait for the others; once everybody met, or somebody could not come, go on alone."""
    with contextlib.suppress(BrokenBarrierError):
        barrier.wait(PATIENCE)
        barrier.abort()
