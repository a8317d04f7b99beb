"""Tasks by number: each with its status and priority, where it belongs, who is on it, and the time it took."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Numeric,
    and_,
    bindparam,
    exists,
    extract,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from tallystick.db.base import Tenant, table_of
from tallystick.db.session import Prepared
from tallystick.domain.access import Permission
from tallystick.domain.clients import Client
from tallystick.domain.context import Context, workspace
from tallystick.domain.listing import Filter, Listing
from tallystick.domain.members import Member, Person
from tallystick.domain.overviews import numbered
from tallystick.domain.projects import Milestone, Project
from tallystick.domain.task_statuses import TaskPriority, TaskStatus
from tallystick.domain.tasks import Task, TaskAssignee
from tallystick.domain.time_entries import TimeEntry


class TaskSeen(NamedTuple):
    """A task, with numbers and names of what stands around it."""

    id: str
    serial: int
    name: str
    description: str | None
    status_number: int
    status_title: str
    status_color: str
    priority_number: int
    priority_title: str
    priority_color: str
    archived_at: datetime | None
    client_visible: bool
    billable: bool
    project: int
    project_name: str
    client: int | None
    client_name: str | None
    milestone: int
    milestone_title: str
    start_date: date | None
    due_date: date | None
    created_at: datetime
    updated_at: datetime
    assignees: list[int] | None
    assignee_names: list[str] | None
    tags: list[str]
    logged_seconds: int
    timers: int
    """How many timers run on it."""
    timers_since: Any
    """The sum of the instants at which those began, in seconds since 1970."""

    def time_logged(self, now: datetime) -> int:
        """Seconds worked on it; those of running timers so far."""
        return self.logged_seconds + max(0, int(self.timers * int(now.timestamp()) - self.timers_since))


class TimerSeen(NamedTuple):
    """An entry of a task's time, with whose it is."""

    serial: int
    worker: int
    worker_name: str
    started_at: datetime | None
    stopped_at: datetime | None
    duration_seconds: int
    invoiced: bool


def one(ctx: Context, identity: str | int) -> TaskSeen:
    """One task: by its number, or by its id where that is at hand."""
    ctx.require(Permission.READ_TASKS)
    by = "serial" if isinstance(identity, int) else "id"
    return TaskSeen._make(TASKS.one(ctx, TaskSeen._fields, identity, by))


def page(ctx: Context, filters: dict[str, Any], **where: Any) -> tuple[list[TaskSeen], int]:
    """One page of tasks by its number, and how many there are on all of them."""
    ctx.require(Permission.READ_TASKS)
    found = TASKS.numbered(ctx, TaskSeen._fields, filters, **where)
    return [TaskSeen._make(row) for row in found.rows], found.total


def timers(ctx: Context, task_id: str) -> list[TimerSeen]:
    """The time recorded on a task, newest first: the last ten thousand."""
    ctx.require(Permission.SEE_EVERYONE)
    return [TimerSeen._make(row) for row in ctx.rows(_TIMERS, task_id=task_id)]


_task, _project, _client, _milestone = table_of(Task), table_of(Project), table_of(Client), table_of(Milestone)
_status, _priority, _entry = table_of(TaskStatus), table_of(TaskPriority), table_of(TimeEntry)
_assigned, _member, _person = table_of(TaskAssignee), table_of(Member), table_of(Person)


def _same(table: Any, identity: ColumnElement[Any]) -> ColumnElement[bool]:
    return and_(table.c.workspace_id == _task.c.workspace_id, table.c.id == identity)


_people = (
    select(
        func.array_agg(aggregate_order_by(_member.c.number, _member.c.number), type_=ARRAY(BigInteger())).label(
            "numbers"
        ),
        func.array_agg(aggregate_order_by(_person.c.name, _member.c.number), type_=ARRAY(_person.c.name.type)).label(
            "names"
        ),
    )
    .select_from(
        _assigned.join(
            _member,
            and_(_member.c.workspace_id == _assigned.c.workspace_id, _member.c.user_id == _assigned.c.user_id),
        ).join(_person, _person.c.id == _assigned.c.user_id)
    )
    .where(_assigned.c.workspace_id == _task.c.workspace_id, _assigned.c.task_id == _task.c.id)
    .lateral("people")
)
_runs = and_(_entry.c.started_at.is_not(None), _entry.c.stopped_at.is_(None))
_began = extract("epoch", _entry.c.started_at)
_logged = (
    select(
        func.coalesce(func.sum(_entry.c.duration_seconds), 0).cast(BigInteger).label("seconds"),
        func.count().filter(_runs).label("timers"),
        func.coalesce(func.sum(_began).filter(_runs), 0).cast(Numeric).label("since"),
    )
    .where(
        _entry.c.workspace_id == _task.c.workspace_id,
        _entry.c.task_id == _task.c.id,
        _entry.c.deleted_at.is_(None),
    )
    .lateral("logged")
)


def _of(kind: type[Tenant], name: str) -> Any:
    return numbered(kind, name, by="number")


TASKS: Final = Listing(
    Task,
    sorts=("created_at", "name", "due_date", "position"),
    search=("name",),
    computed={
        "status_number": _status.c.number,
        "status_title": _status.c.title,
        "status_color": _status.c.color,
        "priority_number": _priority.c.number,
        "priority_title": _priority.c.title,
        "priority_color": _priority.c.color,
        "project": _project.c.serial,
        "project_name": _project.c.name,
        "client": _client.c.serial,
        "client_name": _client.c.name,
        "milestone": _milestone.c.serial,
        "milestone_title": _milestone.c.title,
        "assignees": _people.c.numbers,
        "assignee_names": _people.c.names,
        "logged_seconds": _logged.c.seconds,
        "timers": _logged.c.timers,
        "timers_since": _logged.c.since,
    },
    source=_task.join(_project, _same(_project, _task.c.project_id))
    .join(_status, _same(_status, _task.c.status_id))
    .join(_priority, _same(_priority, _task.c.priority_id))
    .join(_milestone, _same(_milestone, _task.c.milestone_id))
    .outerjoin(_client, _same(_client, _project.c.client_id))
    .outerjoin(_people, true())
    .outerjoin(_logged, true()),
    extra={
        "project": Filter("number", _task.c.project_id == numbered(Project, "project")),
        "client": Filter(
            "number",
            _task.c.project_id.in_(
                select(_project.c.id).where(
                    _project.c.workspace_id == workspace(), _project.c.client_id == numbered(Client, "client")
                )
            ),
        ),
        "status": Filter("number", _task.c.status_id == _of(TaskStatus, "status")),
        "priority": Filter("number", _task.c.priority_id == _of(TaskPriority, "priority")),
        "milestone": Filter("number", _task.c.milestone_id == numbered(Milestone, "milestone")),
        "archived": Filter("switch", _task.c.archived_at.is_not(None)),
        "assignee": Filter(
            "number",
            exists().where(
                _assigned.c.workspace_id == _task.c.workspace_id,
                _assigned.c.task_id == _task.c.id,
                _assigned.c.user_id == numbered(Member, "assignee", column="user_id", by="number"),
            ),
        ),
    },
)
"""Tasks of the whole workspace, or of a Member's projects, by pages with numbers."""

_of_task = bindparam("task_id", type_=_task.c.id.type)
_TIMERS: Final = Prepared(
    select(
        _entry.c.serial,
        _member.c.number,
        _person.c.name,
        _entry.c.started_at,
        _entry.c.stopped_at,
        _entry.c.duration_seconds,
        _entry.c.invoice_id.is_not(None),
    )
    .select_from(
        _entry.join(
            _member, and_(_member.c.workspace_id == _entry.c.workspace_id, _member.c.user_id == _entry.c.user_id)
        ).join(_person, _person.c.id == _entry.c.user_id)
    )
    .where(_entry.c.workspace_id == workspace(), _entry.c.task_id == _of_task, _entry.c.deleted_at.is_(None))
    .order_by(_entry.c.serial.desc())
    .limit(literal_column("10000"))
)
