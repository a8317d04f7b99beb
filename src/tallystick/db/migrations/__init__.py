"""The schema, step by step: brought up to date under a lock, by the owner role, when a server starts."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import psycopg
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from tallystick.db.session import APPLICATION_ROLE, text_query

OLDEST_POSTGRESQL: Final = 15
_LOCK: Final = 7_461_209_438_110_571_008
"""Any constant: the advisory lock that lets one server migrate while others wait."""


class MigrationError(Exception):
    """Why the schema cannot be brought up to date; the sentence says what to do."""


def migrate(url: str) -> list[str]:
    """Bring the schema of a database up to date; answers the revisions applied. Concurrent callers queue up."""
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=NullPool)
    scripts = ScriptDirectory.from_config(_config())
    applied: list[str] = []
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
        try:
            _check_server(connection.connection.driver_connection)  # type: ignore[arg-type]
            _make_role(connection.connection.driver_connection)  # type: ignore[arg-type]
            connection.commit()

            def upgrade(current: tuple[str, ...] | str, _context: object) -> list[object]:
                _check_known(scripts, current)
                steps = scripts._upgrade_revs("head", current)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage, reportArgumentType] - as alembic.command does
                applied.extend(step.revision.revision for step in steps)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType]
                return list(steps)

            with EnvironmentContext(_config(), scripts, fn=upgrade) as environment:
                environment.configure(connection=connection, transaction_per_migration=True)
                environment.run_migrations()
            connection.commit()
        finally:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _LOCK})
            connection.commit()
    engine.dispose()
    return applied


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    return config


def _check_server(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    if connection.info.server_version // 10_000 < OLDEST_POSTGRESQL:
        raise MigrationError(
            f"This is PostgreSQL {connection.info.server_version // 10_000}; "
            f"Tallystick needs {OLDEST_POSTGRESQL} or newer."
        )
    for setting in ("fsync", "full_page_writes"):
        row = connection.execute(text_query(f"SHOW {setting}")).fetchone()
        if row is not None and row[0] == "off":
            raise MigrationError(f"PostgreSQL runs with {setting} = off and may lose what it acknowledged. Turn it on.")


def _make_role(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """The application role owns nothing; the owner role may become it."""
    known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [APPLICATION_ROLE]).fetchone()
    try:
        if known is None:
            connection.execute(text_query(f"CREATE ROLE {APPLICATION_ROLE} NOLOGIN"))
        # Whoever creates a role on 16 or newer administers it, but may become it only when granted that.
        way = "SET" if connection.info.server_version >= 160_000 else "MEMBER"
        member = connection.execute("SELECT pg_has_role(current_user, %s, %s)", [APPLICATION_ROLE, way]).fetchone()
        superuser = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
        if member != (True,) and superuser != (True,):
            connection.execute(text_query(f"GRANT {APPLICATION_ROLE} TO CURRENT_USER"))
    except psycopg.errors.InsufficientPrivilege as error:
        raise MigrationError(
            f"The database role may not create or join the role {APPLICATION_ROLE}. As a superuser run: "
            f"CREATE ROLE {APPLICATION_ROLE} NOLOGIN; GRANT {APPLICATION_ROLE} TO your_role;"
        ) from error


def _check_known(scripts: ScriptDirectory, current: tuple[str, ...] | str) -> None:
    known = {script.revision for script in scripts.walk_revisions()}
    for revision in (current,) if isinstance(current, str) else current:
        if revision not in known:
            raise MigrationError(
                f"The database has revision {revision}, which this version of Tallystick does not know: it was "
                "upgraded by a newer version. Start that version, or restore the backup made before the upgrade."
            )
