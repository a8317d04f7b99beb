"""The job queue's schema: procrastinate's own migrations up to a given one, as its package brings them.

Its migrations are named by version and never change once released, so a migration of ours that names the last one to
apply does the same for ever; the digest makes sure of it (docs/decisions/0006). What this applies is not copied here:
it is another project's text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from importlib.resources import files
from typing import Final

from psycopg import Connection

from tallystick.db.migrations import MigrationError

SCHEMA: Final = "jobs"

_OWN_SEARCH_PATH: Final = f"""
DO $$
DECLARE one regprocedure;
BEGIN
  -- Its functions name its tables without a schema; whoever calls them has another search path than a worker.
  FOR one IN SELECT oid FROM pg_proc WHERE pronamespace = '{SCHEMA}'::regnamespace LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = {SCHEMA}, pg_temp', one);
  END LOOP;
END $$
"""


def steps(after: str, last: str) -> Iterator[tuple[str, str]]:
    """Name and SQL of procrastinate's migrations behind `after`, up to and with `last`, in their order."""
    folder = files("procrastinate.sql.migrations")
    names = sorted(one.name.removesuffix(".sql") for one in folder.iterdir() if one.name.endswith(".sql"))
    for name in names:
        if after < name <= last:
            yield name, (folder / f"{name}.sql").read_text(encoding="utf-8")


def upgrade(connection: Connection[tuple[object, ...]], *, after: str = "", last: str, digest: str) -> None:
    """Apply procrastinate's migrations behind `after`, up to and with `last`, in a schema of their own.

    `digest` is the SHA-256 of their names and texts. Raises MigrationError where they are others.
    """
    found = list(steps(after, last))
    told = hashlib.sha256("".join(f"{name}\n{text}" for name, text in found).encode()).hexdigest()
    if told != digest:
        raise MigrationError(
            f"The installed procrastinate does not bring its migrations up to {last} as they were (SHA-256 {told}). "
            "Install the version that requirements.txt names."
        )
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}".encode())
    connection.execute(f"SET LOCAL search_path = {SCHEMA}".encode())
    for _, text in found:
        connection.execute(text.encode())
    connection.execute(b"SET LOCAL search_path TO DEFAULT")
    connection.execute(_OWN_SEARCH_PATH.encode())
