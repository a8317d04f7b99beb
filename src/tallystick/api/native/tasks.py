"""Tasks on the wire (contract hoursmith 2.6)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from tallystick.api.fields import Hours, Uuid
from tallystick.api.native.views import View
from tallystick.api.native.wire import lists, read_only
from tallystick.api.wire import Ask, Nothing, Operation
from tallystick.domain import tasks
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.tasks import Priority, Status, Task

Text = Annotated[str, Meta(max_length=10_000)]
Tag = Annotated[str, Meta(min_length=1, max_length=60)]


class TaskJson(Struct, rename="camel", gc=False):
    id: str
    org_id: str
    project_id: str
    name: str
    description: str | None
    status: Status
    priority: Priority
    billable: bool
    estimated_hours: str | None
    assignee_ids: list[str]
    tags: list[str]
    start_date: date | None
    due_date: date | None
    end_date: date | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


class TaskFields(Struct, rename="camel"):
    project_id: Uuid | UnsetType = UNSET
    name: Annotated[str, Meta(min_length=1, max_length=200)] | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET
    status: Status | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    billable: bool | UnsetType = UNSET
    estimated_hours: Hours | UnsetType | None = UNSET
    assignee_ids: Annotated[list[Uuid], Meta(max_length=100)] | UnsetType = UNSET
    tags: Annotated[list[Tag], Meta(max_length=50)] | UnsetType = UNSET
    start_date: date | UnsetType | None = UNSET
    due_date: date | UnsetType | None = UNSET
    end_date: date | UnsetType | None = UNSET


TASK = View(Task, TaskJson)
_READ_ONLY = read_only(TaskJson, TaskFields)


def create_task(ctx: Context, ask: Ask) -> Struct:
    return TASK.one(ctx.actor, tasks.create(ctx, **ask.facts))


def get_task(ctx: Context, ask: Ask) -> Struct:
    return TASK.one(ctx.actor, tasks.read(ctx, ask.id))


def update_task(ctx: Context, ask: Ask) -> Struct:
    return TASK.one(ctx.actor, tasks.change(ctx, ask.id, **ask.facts))


def archive_task(ctx: Context, ask: Ask) -> Struct:
    return TASK.one(ctx.actor, tasks.archive(ctx, ask.id))


def delete_task(ctx: Context, ask: Ask) -> None:
    tasks.archive(ctx, ask.id)


OPERATIONS = (
    Operation(
        "listTasks", "GET", "/tasks", lists(tasks.TASKS, TASK), "List tasks",
        Permission.READ_TASKS, TaskJson, listing=tasks.TASKS, tag="Tasks",
    ),
    Operation(
        "createTask", "POST", "/tasks", create_task, "Create a task", Permission.CHANGE_TASKS, TaskJson,
        status=201, body=TaskFields, required=("project_id", "name"), read_only=_READ_ONLY, tag="Tasks",
    ),
    Operation("getTask", "GET", "/tasks/{id}", get_task, "Get a task", Permission.READ_TASKS, TaskJson, tag="Tasks"),
    Operation(
        "updateTask", "PATCH", "/tasks/{id}", update_task, "Change a task; Members those assigned to them",
        Permission.CHANGE_OWN_TASKS, TaskJson, body=TaskFields, read_only=_READ_ONLY, tag="Tasks",
    ),
    Operation(
        "archiveTask", "POST", "/tasks/{id}/archive", archive_task, "Archive a task; its time stays",
        Permission.CHANGE_TASKS, TaskJson, body=Nothing, tag="Tasks",
    ),
    Operation(
        "deleteTask", "DELETE", "/tasks/{id}", delete_task, "Archive a task",
        Permission.CHANGE_TASKS, status=204, body=Nothing, tag="Tasks",
    ),
)  # fmt: skip
