"""Which schema a database has, which ones this program knows, and where the two differ."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import psycopg
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, create_engine
from sqlalchemy.pool import NullPool

from tallystick.db import migrations
from tallystick.db.base import Row
from tallystick.db.session import Connection


def known_revisions() -> list[str]:
    """The revisions of this program, newest first."""
    scripts = ScriptDirectory(str(Path(migrations.__file__).parent))
    return [script.revision for script in scripts.walk_revisions()]


def revision_of(connection: Connection) -> str | None:
    """The revision of a database; None where there is no schema yet."""
    if connection.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,):
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else row[0]


def differences(url: str) -> list[str]:
    """What the database has otherwise than the row classes that are imported say; nothing is changed."""
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=NullPool)
    try:
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True, "transactional_ddl": True})
            found = [_named(difference) for difference in compare_metadata(context, Row.metadata)]
    finally:
        engine.dispose()
    with psycopg.connect(url) as connection:
        return sorted([*found, *_checks_missing(connection), *_unfinished(connection)])


def _named(difference: object) -> str:
    """`remove_index ix_…` out of what alembic answers: a tuple, or a list of them for one column."""
    while isinstance(difference, list):
        difference = cast("list[object]", difference)[0]
    parts = cast("tuple[object, ...]", difference)
    return " ".join(str(getattr(part, "name", part)) for part in parts[:4] if part is not None)


def _checks_missing(connection: psycopg.Connection[tuple[object, ...]]) -> list[str]:
    """Alembic does not compare CHECK constraints; their names tell."""
    rows = connection.execute("SELECT conname FROM pg_constraint WHERE contype = 'c' AND convalidated").fetchall()
    present = {str(name) for (name,) in rows}
    return [
        f"add_check {constraint.name}"
        for table in Row.metadata.sorted_tables
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint) and str(constraint.name) not in present
    ]


def _unfinished(connection: psycopg.Connection[tuple[object, ...]]) -> list[str]:
    """Foreign keys that were never checked, and indexes whose building was broken off."""
    rows = connection.execute("""
        SELECT 'validate ' || conname FROM pg_constraint WHERE NOT convalidated AND contype = 'f'
        UNION ALL SELECT 'rebuild ' || indexrelid::regclass FROM pg_index WHERE NOT indisvalid
    """).fetchall()
    return [str(name) for (name,) in rows]
