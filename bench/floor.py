"""The floor: the same SQL and the same bytes with nothing around them, under the same server.

No framework, no authentication, limits, transactions around reads, row-level security, validation, events or answers
kept. What it asks for comes in its path; what it answers is what the product answers.
"""

from __future__ import annotations

import os
import queue
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec
import psycopg
from psycopg.types.string import TextLoader

from tallystick import server
from tallystick.api.native.time_entries import TimeEntryJson
from tallystick.db.session import Prepared, insert_of
from tallystick.domain.context import columns_of
from tallystick.domain.time_entries import TIME_ENTRIES, TimeEntry
from tallystick.main import POOL_PER_PROCESS
from tallystick.settings import Settings
from tallystick.values.ids import new_id

COLUMNS = tuple({"org_id": "workspace_id"}.get(name, name) for name in TimeEntryJson.__struct_fields__)
_FILTERS = frozenset({"project_id", "entry_date_from", "entry_date_to"})
LIST = Prepared(TIME_ENTRIES._select(COLUMNS, _FILTERS, "-entry_date", None, True)).sql.encode()  # noqa: SLF001
_NAMES = ", ".join(f"time_entries.{name}" for name in COLUMNS)
GET = (
    f"SELECT {_NAMES} FROM time_entries WHERE time_entries.id = %(id)s::UUID "
    "AND time_entries.workspace_id = %(workspace)s::UUID AND time_entries.deleted_at IS NULL"
).encode()
INSERT = insert_of(TimeEntry).sql.encode()
CURSOR = "x" * 143
"""As long as the product's."""

Respond = Callable[[str, list[tuple[str, str]]], Any]


class Page(msgspec.Struct, rename="camel", gc=False):
    limit: int
    next_cursor: str | None


class Listed(msgspec.Struct, gc=False):
    data: list[TimeEntryJson]
    pagination: Page


class Given(msgspec.Struct, rename="camel"):
    project_id: str
    entry_date: date
    duration_seconds: int
    note: str


_ENCODER = msgspec.json.Encoder()
_GIVEN = msgspec.json.Decoder(Given)


def worker() -> Callable[[dict[str, Any], Respond], Iterable[bytes]]:
    """The WSGI app of one worker process."""
    url = os.environ["TALLYSTICK_DATABASE_URL"]
    workspace, user = os.environ["BENCH_WORKSPACE"], os.environ["BENCH_USER"]
    readers: queue.SimpleQueue[psycopg.Connection[Any]] = queue.SimpleQueue()
    writers: queue.SimpleQueue[psycopg.Connection[Any]] = queue.SimpleQueue()
    for _ in range(POOL_PER_PROCESS):
        for pool, autocommit in ((readers, True), (writers, False)):
            connection = psycopg.connect(url, autocommit=autocommit, prepare_threshold=2)
            connection.adapters.register_loader("uuid", TextLoader)
            pool.put(connection)

    def get(identity: str) -> bytes:
        connection = readers.get()
        row = connection.execute(GET, {"id": identity, "workspace": workspace}).fetchone()
        readers.put(connection)
        return _ENCODER.encode({"data": TimeEntryJson(*row)})

    def listed(project: str, since: str, until: str, limit: str) -> bytes:
        many = int(limit)
        values = {
            "workspace": workspace,
            "project_id": project,
            "entry_date_from": date.fromisoformat(since),
            "entry_date_to": date.fromisoformat(until),
            "limit": many + 1,
        }
        connection = readers.get()
        rows = connection.execute(LIST, values).fetchall()
        readers.put(connection)
        return _ENCODER.encode(Listed([TimeEntryJson(*row[:-2]) for row in rows[:many]], Page(many, CURSOR)))

    def create(body: bytes) -> bytes:
        given = _GIVEN.decode(body)
        now = datetime.now(UTC)
        values: dict[str, Any] = dict.fromkeys(columns_of(TimeEntry))
        values.update(
            id=new_id(), workspace_id=workspace, user_id=user, project_id=given.project_id, note=given.note,
            duration_seconds=given.duration_seconds, entry_date=given.entry_date, billable=True,
            hourly_rate=Decimal(90), created_at=now, updated_at=now,
        )  # fmt: skip
        connection = writers.get()
        connection.execute(INSERT, values)
        connection.commit()
        writers.put(connection)
        return _ENCODER.encode({"data": TimeEntryJson(*[values[name] for name in COLUMNS])})

    def app(environ: dict[str, Any], respond: Respond) -> Iterable[bytes]:
        _, what, *rest = environ["PATH_INFO"].split("/")
        status = "200 OK"
        if what == "get":
            body = get(*rest)
        elif what == "list":
            body = listed(*rest)
        else:
            body, status = create(environ["wsgi.input"].read()), "201 Created"
        respond(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    return app


def main() -> None:
    """Serve exactly as the product's server does; only the app is another."""
    settings = Settings.from_environment({k: v for k, v in os.environ.items() if k.startswith("TALLYSTICK_")})
    granian = server._granian(settings)  # noqa: SLF001
    granian.target = "floor:worker"
    granian.serve()


if __name__ == "__main__":
    import multiprocessing

    multiprocessing.set_start_method("spawn", force=True)
    main()
