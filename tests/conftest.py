"""One PostgreSQL for the run, one database for each worker, a fresh studio for each test."""

from __future__ import annotations

import contextlib
import gc
import os
import uuid
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from filelock import FileLock

from tallystick.db.local_postgres import LocalPostgres
from tallystick.db.migrations import migrate
from tallystick.db.session import Database, text_query
from tests.matrix.world import World, furnish
from tests.studio import KEY, Clock, Studio, found_studio

TEMPLATE = "tallystick_template"
MEMORY = Path("/dev/shm")
ROOM = 4 << 30
"""Bytes: a whole run takes less than a quarter of it."""


def in_memory() -> bool:
    """Whether the files of a run are kept in memory: a disk would have to make durable what is dropped at once.

    `PYTEST_DEBUG_TEMPROOT` names another place.
    """
    if "PYTEST_DEBUG_TEMPROOT" in os.environ:
        return os.environ["PYTEST_DEBUG_TEMPROOT"] == str(MEMORY)
    if not os.access(MEMORY, os.W_OK):
        return False
    there = os.statvfs(MEMORY)
    return not there.f_flag & os.ST_NOEXEC and there.f_bavail * there.f_frsize > ROOM


if in_memory():
    os.environ["PYTEST_DEBUG_TEMPROOT"] = str(MEMORY)  # also of the workers, which ask again


def pytest_collection_finish() -> None:
    """What is there before the first test stays: the collector of garbage need not look through it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def cluster_url(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """The owner's URL of a server with the migrated template database: `TALLYSTICK_TEST_DATABASE_URL`, or our own."""
    given = os.environ.get("TALLYSTICK_TEST_DATABASE_URL")
    shared = tmp_path_factory.getbasetemp().parent if "PYTEST_XDIST_WORKER" in os.environ else None
    home = shared or tmp_path_factory.mktemp("postgres")
    postgres = None if given else LocalPostgres(home / "data")
    url = given or postgres.start()  # type: ignore[union-attr]
    try:
        with FileLock(home / "template.lock"):
            if not (home / "template.ready").exists():
                create_database(url, TEMPLATE)
                migrate(with_database(url, TEMPLATE))
                (home / "template.ready").touch()
        yield url
    finally:
        if postgres is not None:
            postgres.stop()


@pytest.fixture(scope="session")
def database_url(cluster_url: str) -> Generator[str]:
    """A database of this worker's own, made from the template."""
    with fresh_database(cluster_url) as url:
        yield url


@pytest.fixture(scope="session")
def database(database_url: str) -> Iterator[Database]:
    """The pool that the server would use, under the application role."""
    with opened(database_url) as pool:
        yield pool


@contextlib.contextmanager
def fresh_database(cluster_url: str) -> Generator[str]:
    """A database made from the template. Where a job carries all that waits in a database, its tests have their own."""
    name = f"tallystick_test_{uuid.uuid4().hex[:12]}"
    create_database(cluster_url, name, template=TEMPLATE)
    yield with_database(cluster_url, name)
    drop_database(cluster_url, name)


@contextlib.contextmanager
def opened(url: str) -> Generator[Database]:
    """A pool of connections to a database."""
    pool = Database(url, size=40, wait_seconds=30)
    pool.open()
    yield pool
    pool.close()


@pytest.fixture
def studio(database: Database) -> Studio:
    """A fresh workspace: an owner, an admin, a manager and two members, with tokens; two clients and their projects."""
    return found_studio(database, KEY)


@pytest.fixture
def other_studio(database: Database) -> Studio:
    """A second, separate workspace."""
    return found_studio(database, KEY, name="Canary & Co")


@pytest.fixture(scope="session")
def furnished_template(cluster_url: str) -> Generator[tuple[str, World]]:
    """A database with a furnished studio that nobody is connected to: copying it is quicker than furnishing."""
    name = f"tallystick_furnished_{uuid.uuid4().hex[:12]}"
    create_database(cluster_url, name, template=TEMPLATE)
    pool = Database(with_database(cluster_url, name))
    pool.open()
    world = furnish(pool)
    pool.close()
    yield name, world
    drop_database(cluster_url, name)


@pytest.fixture
def furnished_world(cluster_url: str, furnished_template: tuple[str, World]) -> Generator[World]:
    """A furnished studio of the test's own, in a database of its own, to change at will."""
    template, world = furnished_template
    name = f"tallystick_copy_{uuid.uuid4().hex[:12]}"
    create_database(cluster_url, name, template=template)
    pool = Database(with_database(cluster_url, name), size=8, wait_seconds=30)
    pool.open()
    studio = replace(world.studio, database=pool, clock=Clock(world.studio.clock.now))
    yield World(studio, dict(world.ids))
    pool.close()
    drop_database(cluster_url, name)


def drop_database(url: str, name: str) -> None:
    with psycopg.connect(superuser(url), autocommit=True) as connection:
        connection.execute(text_query(f"DROP DATABASE {name} WITH (FORCE)"))


def create_database(url: str, name: str, *, template: str | None = None) -> None:
    """A database that the role of the URL owns."""
    owner = psycopg.conninfo.conninfo_to_dict(url)["user"]
    with psycopg.connect(superuser(url), autocommit=True) as connection:
        connection.execute(text_query(f"DROP DATABASE IF EXISTS {name}"))
        copied = "STRATEGY FILE_COPY" if in_memory() else ""  # quickest where nothing is to be made durable
        connection.execute(
            text_query(f"CREATE DATABASE {name} TEMPLATE {template or 'template0'} OWNER {owner} {copied}")
        )


def superuser(url: str) -> str:
    """Our own cluster's superuser; a given server's role must be allowed to create databases."""
    if os.environ.get("TALLYSTICK_TEST_DATABASE_URL"):
        return url
    return psycopg.conninfo.make_conninfo(url, user="postgres", dbname="postgres")


def with_database(url: str, name: str) -> str:
    """The same server, another database."""
    return urlsplit(url)._replace(path=f"/{name}").geturl()
