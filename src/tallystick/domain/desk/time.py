"""Time as pages list it: entries with their names, sums of the same entries, and a week as a grid."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from sqlalchemy import text

from tallystick.db.session import Prepared
from tallystick.domain.access import Permission
from tallystick.domain.approvals import CLOSED_SQL, Closing, Why
from tallystick.domain.context import Context
from tallystick.domain.workspaces import current
from tallystick.values.duration import elapsed_seconds
from tallystick.values.errors import Invalid

SHOWN: Final = 1000
"""How many entries one page shows at most; its sums count all."""
LONGEST: Final = timedelta(days=1830)


@dataclass(frozen=True, slots=True)
class Sought:
    """Which entries: both days count; None leaves a fact open."""

    date_from: date
    date_to: date
    user_id: str | None = None
    client_id: str | None = None
    project_id: str | None = None
    task_id: str | None = None
    billable: bool | None = None
    billed: bool | None = None
    invoice_id: str | None = None
    text: str = ""


class Entry(NamedTuple):
    """A time entry with what it belongs to; the last six are None for those who do not see money."""

    id: str
    user_id: str
    person: str
    project_id: str | None
    project: str | None
    color: str | None
    task_id: str | None
    task: str | None
    entry_date: date
    duration_seconds: int
    billable: bool
    note: str | None
    started_at: datetime | None
    stopped_at: datetime | None
    billed: bool
    """It is on an invoice."""
    closed: Why | None
    """Why its day is closed for whoever looks: then it cannot be changed either."""
    client_id: str | None
    client: str | None
    invoice_id: str | None
    invoice: str | None
    hourly_rate: Decimal | None
    currency: str | None

    @property
    def locked(self) -> bool:
        """Whoever looks cannot change it."""
        return self.billed or self.closed is not None

    @property
    def running(self) -> bool:
        return self.started_at is not None and self.stopped_at is None

    def seconds(self, now: datetime) -> int:
        """What was worked; so far, while it runs."""
        if self.started_at is None or self.stopped_at is not None:
            return self.duration_seconds
        return elapsed_seconds(self.started_at, now)

    @property
    def place(self) -> str | None:
        """Project and task as one value of a form (`shell.Place.key`)."""
        return f"{self.project_id}:{self.task_id}" if self.task_id else self.project_id


class Sums(NamedTuple):
    """Of all entries sought: how many, and their seconds."""

    entries: int
    seconds: int
    billable: int
    unbilled: int
    """Billable seconds that are on no invoice."""


def entries(ctx: Context, sought: Sought, *, limit: int = SHOWN) -> list[Entry]:
    """Entries, the latest day first and within a day the latest begun; Members see their own."""
    ctx.require(Permission.TRACK_TIME)
    rows = ctx.rows(_ENTRIES, **_values(ctx, sought), **_looking(ctx), limit=limit)
    if ctx.actor.sees_money:
        return [Entry._make(row) for row in rows]
    blind = (None,) * 6
    return [Entry._make((*row[:16], *blind)) for row in rows]


def sums(ctx: Context, sought: Sought) -> Sums:
    """What the same entries come to. A running timer counts as far as it ran."""
    ctx.require(Permission.TRACK_TIME)
    found = ctx.row(_SUMS, **_values(ctx, sought), now=ctx.now)
    assert found is not None  # noqa: S101 - an aggregate has one row
    return Sums._make(found)


def one(ctx: Context, entry_id: str) -> Entry | None:
    """One entry as the list shows it."""
    ctx.require(Permission.TRACK_TIME)
    whose = None if ctx.actor.sees_everyone else ctx.actor.user_id
    row = ctx.row(_ENTRY, entry=entry_id, whose=whose, **_looking(ctx))
    if row is None:
        return None
    return Entry._make(row if ctx.actor.sees_money else (*row[:16], *(None,) * 6))


@dataclass(slots=True)
class Cell:
    """A day of a row of the grid."""

    day: date
    entries: list[Entry] = field(default_factory=list[Entry])
    total: int = 0
    closing: Closing | None = None
    """Why nothing can be logged on its day."""

    @property
    def locked(self) -> bool:
        """Nothing in it can be changed."""
        return self.closing is not None or (bool(self.entries) and all(entry.locked for entry in self.entries))

    @property
    def why(self) -> Why | None:
        """What closes its day; None: what stands there is on invoices."""
        if self.closing is not None:
            return self.closing.why
        return next((entry.closed for entry in self.entries if not entry.billed), None)

    @property
    def running(self) -> bool:
        return any(entry.running for entry in self.entries)

    @property
    def note(self) -> str:
        return note_of(self.entries)


@dataclass(slots=True)
class GridRow:
    """A project or task, with its days."""

    project_id: str | None
    task_id: str | None
    project: str | None
    task: str | None
    client: str | None
    color: str | None
    cells: list[Cell]

    @property
    def place(self) -> str:
        return f"{self.project_id}:{self.task_id}" if self.task_id else self.project_id or ""

    @property
    def total(self) -> int:
        return sum(cell.total for cell in self.cells)


def note_of(entries: Iterable[Entry]) -> str:
    """What is noted on a day of a row, by its entries in their order."""
    return "\n".join(entry.note for entry in entries if entry.note)


def week(ctx: Context, first_day: date, user_id: str) -> list[GridRow]:
    """Seven days of a person from a day on, a row for each project and task, by name."""
    if not ctx.actor.sees_everyone:
        user_id = ctx.actor.user_id
    days = [first_day + timedelta(days=n) for n in range(7)]
    found = entries(ctx, Sought(days[0], days[-1], user_id=user_id))
    rows: dict[tuple[str | None, str | None], GridRow] = {}
    for entry in reversed(found):
        key = (entry.project_id, entry.task_id)
        row = rows.get(key)
        if row is None:
            row = rows[key] = GridRow(
                entry.project_id, entry.task_id, entry.project, entry.task, entry.client, entry.color,
                [Cell(day) for day in days],
            )  # fmt: skip
        cell = row.cells[(entry.entry_date - first_day).days]
        cell.entries.append(entry)
        cell.total += entry.seconds(ctx.now)
    return sorted(rows.values(), key=lambda row: ((row.project or "").casefold(), (row.task or "").casefold()))


def rows_before(ctx: Context, first_day: date, user_id: str) -> list[GridRow]:
    """The rows of the latest week with work before this one, without their days: what a new week begins with."""
    if not ctx.actor.sees_everyone:
        user_id = ctx.actor.user_id
    found = ctx.row(_LATEST, person=user_id, before=first_day)
    if found is None or found[0] is None:
        return []
    begin = first_day - timedelta(days=-(-(first_day - found[0]).days // 7) * 7)
    rows = week(ctx, begin, user_id)
    for row in rows:
        row.cells = [Cell(first_day + timedelta(days=n)) for n in range(7)]
    return [row for row in rows if row.project_id]


def by_day(ctx: Context, date_from: date, date_to: date, user_id: str | None = None) -> dict[date, int]:
    """Seconds of each day with work, of one person or of all."""
    ctx.require(Permission.TRACK_TIME)
    whose = user_id if ctx.actor.sees_everyone else ctx.actor.user_id
    return dict(ctx.rows(_BY_DAY, whose=whose, date_from=date_from, date_to=date_to, now=ctx.now))  # type: ignore[arg-type]


class PersonWeek(NamedTuple):
    """What somebody worked in a period."""

    user_id: str
    name: str
    seconds: int
    billable: int
    running: str | None
    """On what their timer runs now."""


def by_person(ctx: Context, date_from: date, date_to: date) -> list[PersonWeek]:
    """Each member with their hours, by name (manage tier)."""
    ctx.require(Permission.SEE_EVERYONE)
    found = ctx.rows(_BY_PERSON, date_from=date_from, date_to=date_to, now=ctx.now)
    return [PersonWeek._make(row) for row in found]


def _values(ctx: Context, sought: Sought) -> dict[str, object]:
    if sought.date_to - sought.date_from > LONGEST:
        raise Invalid(fields={"date_to": "choose at most five years"})
    words: Sequence[str] = sought.text.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").split()
    return {
        "date_from": sought.date_from,
        "date_to": sought.date_to,
        "person": sought.user_id if ctx.actor.sees_everyone else ctx.actor.user_id,
        "client": sought.client_id if ctx.actor.sees_everyone else None,
        "project": sought.project_id,
        "task": sought.task_id,
        "billable": sought.billable,
        "billed": sought.billed,
        "invoice": sought.invoice_id if ctx.actor.sees_everyone else None,
        "words": [f"%{word}%" for word in words[:8]],
    }


def _looking(ctx: Context) -> dict[str, object]:
    """What it depends on which days are closed."""
    return {"now": ctx.now, "corrects": ctx.actor.may(Permission.CHANGE_ANY_TIME)}


def default_currency(ctx: Context) -> str:
    """The workspace's currency."""
    return current(ctx).default_currency


_COLUMNS: Final = f"""
    entry.id, entry.user_id, person.name, entry.project_id, project.name, project.color, entry.task_id, task.name,
    entry.entry_date, entry.duration_seconds, entry.billable, entry.note, entry.started_at, entry.stopped_at,
    entry.invoice_id IS NOT NULL, {CLOSED_SQL}, client.id, client.name, entry.invoice_id, invoice.number,
    entry.hourly_rate, COALESCE(client.currency, studio.default_currency)
"""
_JOINED: Final = """
    time_entries AS entry
    JOIN workspaces AS studio ON studio.id = entry.workspace_id
    JOIN people AS person ON person.id = entry.user_id
    LEFT JOIN projects AS project ON project.workspace_id = entry.workspace_id AND project.id = entry.project_id
    LEFT JOIN tasks AS task ON task.workspace_id = entry.workspace_id AND task.id = entry.task_id
    LEFT JOIN clients AS client ON client.workspace_id = entry.workspace_id AND client.id = project.client_id
    LEFT JOIN invoices AS invoice ON invoice.workspace_id = entry.workspace_id AND invoice.id = entry.invoice_id
"""
_WHERE: Final = """
    entry.workspace_id = :workspace AND entry.deleted_at IS NULL
    AND entry.entry_date BETWEEN CAST(:date_from AS date) AND CAST(:date_to AS date)
    AND (CAST(:person AS uuid) IS NULL OR entry.user_id = CAST(:person AS uuid))
    AND (CAST(:client AS uuid) IS NULL OR project.client_id = CAST(:client AS uuid))
    AND (CAST(:project AS uuid) IS NULL OR entry.project_id = CAST(:project AS uuid))
    AND (CAST(:task AS uuid) IS NULL OR entry.task_id = CAST(:task AS uuid))
    AND (CAST(:invoice AS uuid) IS NULL OR entry.invoice_id = CAST(:invoice AS uuid))
    AND (CAST(:billable AS boolean) IS NULL OR entry.billable = CAST(:billable AS boolean))
    AND (CAST(:billed AS boolean) IS NULL OR (entry.invoice_id IS NOT NULL) = CAST(:billed AS boolean))
    AND lower(concat_ws(' ', entry.note, project.name, task.name)) LIKE ALL (CAST(:words AS text[]))
"""
_SECONDS: Final = """
    CASE WHEN entry.started_at IS NOT NULL AND entry.stopped_at IS NULL
         THEN GREATEST(0, floor(EXTRACT(EPOCH FROM CAST(:now AS timestamptz) - entry.started_at)))::bigint
         ELSE entry.duration_seconds END
"""
_ENTRIES = Prepared(
    text(f"""
        SELECT {_COLUMNS} FROM {_JOINED} WHERE {_WHERE}
        ORDER BY entry.entry_date DESC, entry.begins_at DESC, entry.created_at DESC, entry.id DESC
        LIMIT :limit
    """)
)
_ENTRY = Prepared(
    text(f"""
        SELECT {_COLUMNS} FROM {_JOINED}
        WHERE entry.workspace_id = :workspace AND entry.deleted_at IS NULL AND entry.id = :entry
          AND (CAST(:whose AS uuid) IS NULL OR entry.user_id = CAST(:whose AS uuid))
    """)
)
_SUMS = Prepared(
    text(f"""
        SELECT count(*), COALESCE(sum(seconds), 0)::bigint,
               COALESCE(sum(seconds) FILTER (WHERE billable), 0)::bigint,
               COALESCE(sum(seconds) FILTER (WHERE billable AND invoice_id IS NULL), 0)::bigint
        FROM (SELECT {_SECONDS} AS seconds, entry.billable, entry.invoice_id
              FROM time_entries AS entry
              LEFT JOIN projects AS project
                ON project.workspace_id = entry.workspace_id AND project.id = entry.project_id
              LEFT JOIN tasks AS task ON task.workspace_id = entry.workspace_id AND task.id = entry.task_id
              WHERE {_WHERE}) AS sought
    """)
)
_LATEST = Prepared(
    text("""
        SELECT max(entry_date) FROM time_entries
        WHERE workspace_id = :workspace AND user_id = CAST(:person AS uuid) AND deleted_at IS NULL
          AND entry_date < CAST(:before AS date)
    """)
)
_BY_DAY = Prepared(
    text(f"""
        SELECT entry.entry_date, sum({_SECONDS})::bigint FROM time_entries AS entry
        WHERE entry.workspace_id = :workspace AND entry.deleted_at IS NULL
          AND entry.entry_date BETWEEN CAST(:date_from AS date) AND CAST(:date_to AS date)
          AND (CAST(:whose AS uuid) IS NULL OR entry.user_id = CAST(:whose AS uuid))
        GROUP BY entry.entry_date
    """)
)
_BY_PERSON = Prepared(
    text(f"""
        SELECT member.user_id, person.name,
               COALESCE(sum({_SECONDS}), 0)::bigint,
               COALESCE(sum({_SECONDS}) FILTER (WHERE entry.billable), 0)::bigint,
               (SELECT COALESCE(project.name, '') FROM time_entries AS running
                LEFT JOIN projects AS project
                  ON project.workspace_id = running.workspace_id AND project.id = running.project_id
                WHERE running.workspace_id = :workspace AND running.user_id = member.user_id
                  AND running.deleted_at IS NULL AND running.started_at IS NOT NULL AND running.stopped_at IS NULL)
        FROM members AS member
        JOIN people AS person ON person.id = member.user_id
        LEFT JOIN time_entries AS entry
          ON entry.workspace_id = :workspace AND entry.user_id = member.user_id AND entry.deleted_at IS NULL
             AND entry.entry_date BETWEEN CAST(:date_from AS date) AND CAST(:date_to AS date)
        WHERE member.workspace_id = :workspace AND member.removed_at IS NULL
        GROUP BY member.user_id, person.name
        ORDER BY lower(person.name), member.user_id
    """)
)
