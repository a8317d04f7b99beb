"""The floor: the same SQL and the same bytes with nothing around them, under the same server.

Psycopg as its documentation shows it: a pool, a transaction for each request, its own types. No framework, no
authentication, limits, row-level security, validation, events or answers kept. What it asks for comes in its path;
what it answers is what the product answers.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import jinja2
import msgspec
from psycopg_pool import ConnectionPool
from sqlalchemy import bindparam, literal_column

from tallystick import server
from tallystick.api.expensicat import time_entries as expensicat
from tallystick.api.growcrm import timesheets as growcrm
from tallystick.api.growcrm.numbers import readable
from tallystick.api.growcrm.wire import Meta as GrowCrmMeta
from tallystick.api.native.time_entries import TimeEntryJson
from tallystick.db.base import columns_of, table_of
from tallystick.db.session import Prepared, insert_of
from tallystick.domain.listing import COUNTED_AHEAD
from tallystick.domain.overviews.timesheets import TIMESHEETS, Timesheet
from tallystick.domain.reports.joined import ENTRIES, EntrySeen
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
_SEEN = ENTRIES.everyone
_BETWEEN = frozenset({"project_id", "date_from", "date_to"})
_PAGE = _SEEN._select(EntrySeen._fields, _BETWEEN, "-begins_at", None, True)  # noqa: SLF001
_ONE = _SEEN._rows(EntrySeen._fields, everyone=True)  # noqa: SLF001
EXPENSICAT_LIMIT = 50
_LISTED = Prepared(_PAGE.limit(literal_column(str(EXPENSICAT_LIMIT + 1))))
EXPENSICAT_LIST = _LISTED.sql.encode()
_GOT = Prepared(_ONE.where(table_of(TimeEntry).c.id == bindparam("id")))
EXPENSICAT_GET = _GOT.sql.encode()
GROWCRM_LIMIT = 50
_PERIOD = frozenset({"project", "date_from", "date_to"})
_SHEETS, _COUNTED = TIMESHEETS._select_numbered(  # noqa: SLF001
    Timesheet._fields, _PERIOD, "-entry_date", everyone=True, first=True, size=GROWCRM_LIMIT
)
_SHEET = TIMESHEETS._rows(Timesheet._fields, everyone=True)  # noqa: SLF001
GROWCRM_GET = Prepared(_SHEET.where(table_of(TimeEntry).c.id == bindparam("id"))).sql.encode()
MONTH = b"""
    SELECT entry.id, entry.entry_date, person.name, project.name, task.name, client.name, entry.note,
           entry.duration_seconds
    FROM time_entries AS entry JOIN people AS person ON person.id = entry.user_id
    JOIN projects AS project ON project.id = entry.project_id LEFT JOIN tasks AS task ON task.id = entry.task_id
    JOIN clients AS client ON client.id = project.client_id
    WHERE entry.workspace_id = %(workspace)s::uuid AND entry.deleted_at IS NULL
      AND entry.entry_date BETWEEN %(since)s AND %(until)s
    ORDER BY entry.entry_date DESC, entry.begins_at DESC, entry.id DESC LIMIT 1000
"""
TABLE = jinja2.Environment(autoescape=True).from_string(
    "<!doctype html><title>Time</title><table>{% for row in rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>"
    "{% endfor %}</tr>{% endfor %}</table>"
)
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


class Meta(msgspec.Struct, gc=False):
    count: int
    next_cursor: str | None


class Interval(msgspec.Struct):
    project_id: str
    start_time: datetime
    end_time: datetime
    description: str


class Recorded(msgspec.Struct):
    project_id: str
    task_id: str
    seconds: int
    day: date


_ENCODER = msgspec.json.Encoder(decimal_format="number")
_GIVEN = msgspec.json.Decoder(Given)
_INTERVAL = msgspec.json.Decoder(Interval)
_RECORDED = msgspec.json.Decoder(Recorded)


def worker() -> Callable[[dict[str, Any], Respond], Iterable[bytes]]:
    """The WSGI app of one worker process."""
    url = os.environ["TALLYSTICK_DATABASE_URL"]
    workspace, user = os.environ["BENCH_WORKSPACE"], os.environ["BENCH_USER"]
    pool = ConnectionPool(url, min_size=POOL_PER_PROCESS, max_size=POOL_PER_PROCESS, open=True)

    def ask(sql: bytes, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        with pool.connection() as connection:
            return connection.execute(sql, values).fetchall()

    def get(identity: str) -> bytes:
        (row,) = ask(GET, {"id": identity, "workspace": workspace})
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
        rows = ask(LIST, values)
        return _ENCODER.encode(Listed([TimeEntryJson(*row) for row in rows[:many]], Page(many, CURSOR)))

    def entry(**facts: Any) -> dict[str, Any]:
        now = datetime.now(UTC)
        return {
            **dict.fromkeys(columns_of(TimeEntry)), "id": new_id(), "workspace_id": workspace, "user_id": user,
            "billable": True, "hourly_rate": Decimal(90), "day_begins": 0, "created_at": now, "updated_at": now,
            **facts,
        }  # fmt: skip

    def create(body: bytes) -> bytes:
        given = _GIVEN.decode(body)
        values = entry(
            project_id=given.project_id, note=given.note, duration_seconds=given.duration_seconds,
            entry_date=given.entry_date,
        )  # fmt: skip
        with pool.connection() as connection:
            connection.execute(INSERT, values)
        return _ENCODER.encode({"data": TimeEntryJson(*[values[name] for name in COLUMNS])})

    def fields(row: tuple[Any, ...]) -> tuple[Any, ...]:
        """What single and listed entries of an Expensicat client share; all that is measured have a project."""
        seen = EntrySeen._make(row[: len(EntrySeen._fields)])
        customer = expensicat.EntryCustomer(seen.client_id, seen.client_name)
        project = expensicat.EntryProject(
            seen.project_id, seen.project_name, seen.client_id, seen.project_rate, seen.currency, customer
        )
        person = expensicat.Worker(seen.user_id, seen.user_name, seen.user_email, None)
        return (
            seen.id, workspace, seen.user_id, seen.project_id, seen.begins_at,
            seen.begins_at + timedelta(seconds=seen.duration_seconds), seen.duration_seconds, seen.note, seen.billable,
            seen.invoice_id, seen.created_at, seen.updated_at, person, project,
        )  # fmt: skip

    def of_today(prepared: Prepared, **values: Any) -> dict[str, Any]:
        """A rate is that of a day."""
        return {**prepared.constants, "workspace": workspace, "today": datetime.now(UTC).date(), **values}

    def expensicat_get(identity: str) -> bytes:
        (row,) = ask(EXPENSICAT_GET, of_today(_GOT, id=identity))
        return _ENCODER.encode({"data": expensicat.TimeEntryJson(*fields(row))})

    def expensicat_list(project: str, since: str, until: str) -> bytes:
        days = {"date_from": date.fromisoformat(since), "date_to": date.fromisoformat(until)}
        values = of_today(_LISTED, project_id=project, **days)
        rows = ask(EXPENSICAT_LIST, values)[:EXPENSICAT_LIMIT]
        data = [expensicat.ListedTimeEntry(*fields(row), None) for row in rows]
        return _ENCODER.encode({"data": data, "meta": Meta(len(data), CURSOR)})

    def expensicat_create(body: bytes) -> bytes:
        given = _INTERVAL.decode(body)
        values = entry(
            project_id=given.project_id, note=given.description, entry_date=given.start_time.date(),
            started_at=given.start_time, stopped_at=given.end_time,
            duration_seconds=int((given.end_time - given.start_time).total_seconds()),
        )  # fmt: skip
        with pool.connection() as connection:
            connection.execute(INSERT, values)
            (row,) = connection.execute(EXPENSICAT_GET, of_today(_GOT, id=values["id"]))
        return _ENCODER.encode({"data": expensicat.TimeEntryJson(*fields(row))})

    def sheet(row: tuple[Any, ...]) -> growcrm.TimesheetJson:
        """What is measured is stopped and not invoiced."""
        one = Timesheet._make(row)
        return growcrm.TimesheetJson(
            one.serial, one.task, one.project, one.client, one.worker, one.recorder, one.duration_seconds,
            readable(one.duration_seconds), "stopped", growcrm.Billing("not_invoiced", None),
            growcrm.Dates(one.entry_date, None, None),
        )  # fmt: skip

    def growcrm_list(project: str, since: str, until: str) -> bytes:
        values = {
            **_SHEETS.constants,
            **_COUNTED.constants,
            "workspace": workspace,
            "project": int(project),
            "date_from": date.fromisoformat(since),
            "date_to": date.fromisoformat(until),
            "most": GROWCRM_LIMIT + COUNTED_AHEAD,
        }
        with pool.connection() as connection:
            ((total,),) = connection.execute(_COUNTED.sql.encode(), values).fetchall()
            rows = connection.execute(_SHEETS.sql.encode(), values).fetchall()
        meta = GrowCrmMeta(1, GROWCRM_LIMIT, total, -(-total // GROWCRM_LIMIT))
        message = "Timesheets retrieved successfully."
        return _ENCODER.encode({"data": [sheet(row) for row in rows], "meta": meta, "message": message})

    def growcrm_create(body: bytes) -> bytes:
        given = _RECORDED.decode(body)
        values = entry(
            project_id=given.project_id, task_id=given.task_id, duration_seconds=given.seconds, entry_date=given.day
        )
        with pool.connection() as connection:
            connection.execute(INSERT, values)
            (row,) = connection.execute(GROWCRM_GET, {"id": values["id"], "workspace": workspace})
        return _ENCODER.encode({"data": sheet(row), "message": "Timesheet created successfully."})

    def month(studio: str, since: str, until: str) -> bytes:
        return zlib.compress(
            TABLE.render(rows=ask(MONTH, {"workspace": studio, "since": since, "until": until})).encode()
        )

    makers = {"create": create, "expensicat-create": expensicat_create, "growcrm-create": growcrm_create}
    answers = {
        "get": get,
        "list": listed,
        "expensicat-get": expensicat_get,
        "expensicat-list": expensicat_list,
        "growcrm-list": growcrm_list,
        "month": month,
    }

    def app(environ: dict[str, Any], respond: Respond) -> Iterable[bytes]:
        _, what, *rest = environ["PATH_INFO"].split("/")
        status = "200 OK"
        if what in answers:
            body = answers[what](*rest)
        else:
            body, status = makers[what](environ["wsgi.input"].read()), "201 Created"
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
