"""Time by number: an entry with its task, project and client, who worked, who recorded it, and its invoice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import BigInteger, Date, and_, bindparam, func, select, text

from tallystick.db.base import table_of
from tallystick.db.session import Prepared
from tallystick.domain.access import Permission
from tallystick.domain.clients import Client
from tallystick.domain.context import Context, workspace
from tallystick.domain.invoices.invoice import Invoice
from tallystick.domain.listing import Filter, Listing
from tallystick.domain.members import Member
from tallystick.domain.overviews import numbered
from tallystick.domain.projects import Project
from tallystick.domain.tasks import Task
from tallystick.domain.time_entries import TimeEntry
from tallystick.values.duration import elapsed_seconds


class Place(NamedTuple):
    """Where work was done, and by whom: ids of what was given as numbers, None for what is not there."""

    task_id: str | None
    project_id: str | None
    user_id: str | None


class Timesheet(NamedTuple):
    """An entry, with the numbers of what it belongs to."""

    id: str
    serial: int
    task: int | None
    project: int | None
    client: int | None
    worker: int
    recorder: int
    """Whoever worked, where nobody wrote down who recorded it."""
    duration_seconds: int
    entry_date: date
    started_at: datetime | None
    stopped_at: datetime | None
    invoice: int | None

    @property
    def running(self) -> bool:
        return self.started_at is not None and self.stopped_at is None

    def seconds(self, now: datetime) -> int:
        """What was worked; so far, while it runs."""
        if self.started_at is None or self.stopped_at is not None:
            return self.duration_seconds
        return elapsed_seconds(self.started_at, now)


def place(ctx: Context, task: int, worker: int) -> Place:
    """The task with its project, and the person, behind two numbers."""
    ctx.require(Permission.REASSIGN_TIME)
    return Place._make(ctx.row(_PLACE, task=task, worker=worker) or (None, None, None))


def one(ctx: Context, identity: str | int) -> Timesheet:
    """One entry: by its number, or by its id where that is at hand."""
    ctx.require(Permission.TRACK_TIME)
    by = "serial" if isinstance(identity, int) else "id"
    return Timesheet._make(TIMESHEETS.one(ctx, Timesheet._fields, identity, by))


def one_at_end(ctx: Context, entry_id: str) -> Callable[[], Timesheet]:
    """`one` of an entry just written, along with the commit; it can be asked for then."""
    found = TIMESHEETS.one_at_end(ctx, Timesheet._fields, entry_id)
    return lambda: Timesheet._make(found())


def page(ctx: Context, filters: dict[str, Any], **where: Any) -> tuple[list[Timesheet], int]:
    """One page of entries by its number, and how many there are on all of them."""
    ctx.require(Permission.TRACK_TIME)
    found = TIMESHEETS.numbered(ctx, Timesheet._fields, filters, **where)
    return [Timesheet._make(row) for row in found.rows], found.total


_entry, _task, _project = table_of(TimeEntry), table_of(Task), table_of(Project)
_client, _invoice = table_of(Client), table_of(Invoice)
_worker, _recorder = table_of(Member).alias("worker"), table_of(Member).alias("recorder")


def _same(table: Any, identity: Any) -> Any:
    return and_(table.c.workspace_id == _entry.c.workspace_id, table.c.id == identity)


def _person(table: Any, identity: Any) -> Any:
    return and_(table.c.workspace_id == _entry.c.workspace_id, table.c.user_id == identity)


TIMESHEETS: Final = Listing(
    TimeEntry,
    sorts=("entry_date", "duration_seconds"),
    computed={
        "task": _task.c.serial,
        "project": _project.c.serial,
        "client": _client.c.serial,
        "worker": _worker.c.number,
        "recorder": func.coalesce(_recorder.c.number, _worker.c.number),
        "invoice": _invoice.c.serial,
    },
    source=_entry.join(_worker, _person(_worker, _entry.c.user_id))
    .outerjoin(_recorder, _person(_recorder, _entry.c.created_by))
    .outerjoin(_task, _same(_task, _entry.c.task_id))
    .outerjoin(_project, _same(_project, _entry.c.project_id))
    .outerjoin(_client, _same(_client, _project.c.client_id))
    .outerjoin(_invoice, _same(_invoice, _entry.c.invoice_id)),
    extra={
        "task": Filter("number", _entry.c.task_id == numbered(Task, "task")),
        "project": Filter("number", _entry.c.project_id == numbered(Project, "project")),
        "client": Filter(
            "number",
            _entry.c.project_id.in_(
                select(_project.c.id).where(
                    _project.c.workspace_id == workspace(), _project.c.client_id == numbered(Client, "client")
                )
            ),
        ),
        "worker": Filter(
            "number", _entry.c.user_id == numbered(Member, "worker", column="user_id", by="number"), members=False
        ),
        "running": Filter("switch", and_(_entry.c.started_at.is_not(None), _entry.c.stopped_at.is_(None))),
        "invoiced": Filter("switch", _entry.c.invoice_id.is_not(None)),
        "date_from": Filter("day", _entry.c.entry_date >= bindparam("date_from", type_=Date())),
        "date_to": Filter("day", _entry.c.entry_date <= bindparam("date_to", type_=Date())),
    },
)
"""Time of the whole workspace, or a Member's own, by pages with numbers."""

_PLACE: Final = Prepared(
    text("""
        SELECT task.id, task.project_id, member.user_id
        FROM (SELECT) AS nothing
        LEFT JOIN tasks task ON task.workspace_id = :workspace AND task.serial = :task AND task.deleted_at IS NULL
        LEFT JOIN members member
          ON member.workspace_id = :workspace AND member.number = :worker AND member.removed_at IS NULL
    """).bindparams(bindparam("task", type_=BigInteger()), bindparam("worker", type_=BigInteger()))
)
