"""The record that is measured: twenty studios with a million time entries, and a small one with a thousand."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from tallystick.auth import api_keys as key_texts
from tallystick.auth import tokens as token_texts
from tallystick.db.local_postgres import key_file
from tallystick.db.session import Database
from tallystick.domain import api_keys, clients, members, projects, tasks, tokens, workspaces
from tallystick.domain.access import Actor
from tallystick.domain.context import Context, open_workspace
from tallystick.values.ids import new_id

WORKSPACES = 20
PEOPLE = 8
PROJECTS = 10
TASKS = 4
SMALL, MEDIUM = 1000, 12_500
FIRST_DAY, LAST_DAY = "2024-01-01", "2025-12-31"


class Studio(msgspec.Struct):
    """What the measurements have to know of a workspace."""

    workspace_id: str
    user_id: str
    token: str
    client_id: str
    project_id: str
    task_id: str
    api_key: str
    entry_id: str = ""
    project_number: int = 0
    task_number: int = 0


class Filled(msgspec.Struct):
    large: Studio
    """The largest: a fifth of all entries."""
    small: Studio
    medium: Studio | None = None
    """One with 10,000 entries that are to be billed."""


def fill(data: Path, url: str, entries: int) -> Filled:
    """Fill a migrated database, or answer what an earlier run filled it with."""
    memo = data / "bench.json"
    with contextlib.suppress(FileNotFoundError):
        return msgspec.json.decode(memo.read_bytes(), type=Filled)
    database = Database(url, size=2)
    database.open()
    try:
        studios = [_found(database, key_file(data), f"Studio {number}") for number in range(WORKSPACES)]
        small = _found(database, key_file(data), "Small studio", people=2, work=1)
        medium = _found(database, key_file(data), "Medium studio", people=2, work=1)
    finally:
        database.close()
    # The superuser may leave the triggers of foreign keys out; every row below is right by construction.
    with psycopg.connect(psycopg.conninfo.make_conninfo(url, user="postgres")) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET work_mem = '256MB'")
        connection.execute("SET maintenance_work_mem = '256MB'")
        _write_entries(connection, [studio.workspace_id for studio in studios], entries)
        _write_entries(connection, [small.workspace_id], min(SMALL, entries))
        _write_entries(connection, [medium.workspace_id], min(MEDIUM, entries))
        for studio in (studios[0], small):
            newest = "SELECT id FROM time_entries WHERE workspace_id = %s ORDER BY created_at DESC LIMIT 1"
            (found,) = connection.execute(newest, [studio.workspace_id]).fetchone() or ("",)
            studio.entry_id = str(found)
            serials = "SELECT project.serial, task.serial FROM projects project, tasks task "
            serials += "WHERE project.id = %s AND task.id = %s"
            numbers = connection.execute(serials, [studio.project_id, studio.task_id]).fetchone() or (0, 0)
            studio.project_number, studio.task_number = numbers
    with psycopg.connect(psycopg.conninfo.make_conninfo(url, user="postgres"), autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")
        connection.execute("CHECKPOINT")
    filled = Filled(studios[0], small, medium)
    memo.write_bytes(msgspec.json.encode(filled))
    return filled


def _found(database: Database, key: bytes, name: str, *, people: int = PEOPLE, work: int = PROJECTS) -> Studio:
    """A workspace through the product's own verbs: people with credentials, a client, its projects and tasks."""
    workspace_id, text, api_key = new_id(), token_texts.mint("live"), key_texts.mint()
    shape, prefix = token_texts.shape(text), key_texts.prefix_of(api_key)
    assert shape is not None
    assert prefix is not None
    operator = Actor(workspace_id, "", "OWNER")
    with database.transaction() as connection:
        open_workspace(connection, workspace_id)
        ctx = Context(operator, connection)
        workspaces.found(ctx, name=name, currency="EUR", time_zone="Europe/Berlin")
        staff = [
            members.add(
                ctx,
                email=f"{number}.{workspace_id}@studio.example",
                name=f"Person {number}",
                role="MEMBER" if number else "OWNER",
            )
            for number in range(people)
        ]
        tokens.issue(
            ctx,
            user_id=staff[0].user_id,
            name="bench",
            prefix=shape.prefix,
            digest=token_texts.digest(key, text),
            expires_at=None,
        )
        api_keys.issue(ctx, name="bench", prefix=prefix, digest=key_texts.digest(key, api_key))
        client = clients.create(ctx, name="Globex", currency="EUR", default_rate=Decimal(90))
        for number in range(work):
            project = projects.create(ctx, client_id=client.id, name=f"Project {number}")
            for member in staff:
                projects.put_on(ctx, project, member)
            for task in range(TASKS):
                last = tasks.create(ctx, project_id=project.id, name=f"Task {task}")
    return Studio(workspace_id, staff[0].user_id, text, client.id, project.id, last.id, api_key)


def _write_entries(connection: psycopg.Connection[Any], workspaces: list[str], entries: int) -> None:
    """Entries of two years in the order of time; the first workspace gets a fifth, the others share the rest."""
    connection.execute("CREATE TEMPORARY TABLE studios ON COMMIT DROP AS SELECT * FROM unnest(%s::uuid[]) "
                       "WITH ORDINALITY AS studio (id, number)", [workspaces])  # fmt: skip
    connection.execute("""
        CREATE TEMPORARY TABLE work ON COMMIT DROP AS
        SELECT studio.number, t.workspace_id, t.project_id, t.id AS task_id,
               row_number() OVER (PARTITION BY t.workspace_id ORDER BY t.id) AS place
        FROM tasks t JOIN studios studio ON studio.id = t.workspace_id
    """)
    connection.execute("""
        CREATE TEMPORARY TABLE staff ON COMMIT DROP AS
        SELECT studio.number, m.user_id, row_number() OVER (PARTITION BY m.workspace_id ORDER BY m.user_id) AS place
        FROM members m JOIN studios studio ON studio.id = m.workspace_id
    """)
    connection.execute("CREATE INDEX ON work (number, place)")
    connection.execute("CREATE INDEX ON staff (number, place)")
    connection.execute("ANALYZE studios, work, staff")
    connection.execute(
        """
        INSERT INTO time_entries (id, workspace_id, user_id, project_id, task_id, duration_seconds, billable, note,
                                  entry_date, hourly_rate, created_at, updated_at)
        SELECT uuidv7(at - clock_timestamp()), work.workspace_id, staff.user_id, work.project_id, work.task_id,
               900 * (1 + n %% 12), n %% 5 > 0, 'Worked on what was agreed, part ' || n, at::date, 90, at, at
        FROM (
          SELECT n,
                 %(from)s::timestamptz + n * ((%(to)s::timestamptz - %(from)s::timestamptz) / %(entries)s::int) AS at,
                 CASE WHEN n %% 5 = 0 OR %(studios)s = 1 THEN 1
                      ELSE 2 + n * 7919 / 5 %% (%(studios)s - 1) END AS number,
                 1 + n * 104729 / 7 %% %(places)s AS place, 1 + n * 15485863 / 11 %% %(people)s AS person
          FROM generate_series(0, %(entries)s::bigint - 1) AS n
        ) AS drawn
        JOIN work ON work.number = drawn.number AND work.place = drawn.place
        JOIN staff ON staff.number = drawn.number AND staff.place = drawn.person
        ORDER BY n
        """,
        {
            "from": datetime.fromisoformat(FIRST_DAY).replace(tzinfo=UTC),
            "to": datetime.fromisoformat(LAST_DAY).replace(tzinfo=UTC),
            "entries": entries,
            "studios": len(workspaces),
            "places": (PROJECTS if len(workspaces) > 1 else 1) * TASKS,
            "people": PEOPLE if len(workspaces) > 1 else 2,
        },
    )
    connection.commit()
