from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from falcon import testing

from tallystick.db.session import Database, text_query
from tallystick.domain import context
from tallystick.domain.context import Transactions
from tests.conftest import TEMPLATE, create_database, superuser, with_database
from tests.races.arena import CONNECTIONS, Arena, Ticking
from tests.studio import KEY, app_client, found_studio


@pytest.fixture(scope="session")
def crowded(database_url: str) -> Iterator[Database]:
    """A pool for many threads."""
    pool = Database(database_url, size=CONNECTIONS, wait_seconds=60)
    pool.open()
    yield pool
    pool.close()


def _arena(url: str, database: Database, data: Path) -> Arena:
    clock = Ticking()

    def app(transactions: Transactions) -> testing.TestClient:
        return app_client(transactions, clock, data)  # type: ignore[arg-type]

    return Arena(url, database, found_studio(database, KEY), app(database), app)


@pytest.fixture
def arena(crowded: Database, database_url: str, tmp_path: Path) -> Arena:
    return _arena(database_url, crowded, tmp_path)


@pytest.fixture
def weak_arena(cluster_url: str, tmp_path: Path) -> Iterator[Arena]:
    """An arena in a database of the test's own, to be sabotaged."""
    name = f"tallystick_own_{uuid4().hex[:12]}"
    create_database(cluster_url, name, template=TEMPLATE)
    url = with_database(cluster_url, name)
    pool = Database(url, size=CONNECTIONS, wait_seconds=60)
    pool.open()
    try:
        yield _arena(url, pool, tmp_path)
    finally:
        pool.close()
        with psycopg.connect(superuser(cluster_url), autocommit=True) as connection:
            connection.execute(text_query(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def without_locks(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let `ctx.find` lock nothing."""
    locked = context._find

    def take_away() -> None:
        monkeypatch.setattr(context, "_find", lambda kind, everyone, lock: locked(kind, everyone, None))

    return take_away
