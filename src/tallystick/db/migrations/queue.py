"""The job queue's schema: procrastinate's own, as its package brings it, of versions that are known here.

Its text is another project's and is not copied. A digest makes sure that what is applied is what was tried
(docs/decisions/0011).
"""

from __future__ import annotations

import hashlib
from importlib.resources import files
from typing import Final

from psycopg import Connection

from tallystick.db.migrations import MigrationError
from tallystick.db.session import text_query

SCHEMA: Final = "jobs"
KNOWN: Final = {
    "c70ec4b400a60ad9592787653aae5ae77ae41bf801d56b5bd2712751a07f2009": (
        "03.04.00_50_post_add_retry_failed_job_procedure"
    ),
}
"""SHA-256 of procrastinate's `schema.sql` → the last of its migrations that is in it.

A later version whose schema is another gets a line here, and a migration of ours that applies its migrations behind
that which `jobs` is marked with.
"""

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


def install(connection: Connection[tuple[object, ...]]) -> None:
    """Make the queue in a schema of its own, marked with what is in it. Raises MigrationError for a version unknown."""
    text = (files("procrastinate.sql") / "schema.sql").read_text(encoding="utf-8")
    digest = hashlib.sha256(text.encode()).hexdigest()
    last = KNOWN.get(digest)
    if last is None:
        raise MigrationError(
            f"The installed procrastinate has a schema that this Tallystick does not know (SHA-256 {digest}). "
            "Install the version that requirements.txt names."
        )
    for statement in (
        f"CREATE SCHEMA {SCHEMA}",
        f"SET LOCAL search_path = {SCHEMA}",
        text,
        "SET LOCAL search_path TO DEFAULT",
        _OWN_SEARCH_PATH,
        f"COMMENT ON SCHEMA {SCHEMA} IS 'procrastinate {last}'",
    ):
        connection.execute(text_query(statement))
