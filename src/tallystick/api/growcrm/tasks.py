"""Tasks on the wire (contract growcrm 3): with status, priority, milestone, people, comments, and their time."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from tallystick.api.growcrm import laravel
from tallystick.api.growcrm.laravel import Flag, Whole, in_terms_of
from tallystick.api.growcrm.numbers import YesNo, stamp, yes_no
from tallystick.api.growcrm.parts import Named, TagsField, Title
from tallystick.api.growcrm.wire import NOTHING, Id, Page, page_of
from tallystick.api.wire import Ask, Nothing, Operation
from tallystick.domain import checklists, comments, overviews, tasks, time_entries
from tallystick.domain.access import Permission
from tallystick.domain.comments import COMMENTS, Comment
from tallystick.domain.context import Context
from tallystick.domain.listing import Filter
from tallystick.domain.overviews.tasks import TaskSeen, TimerSeen, one, page, timers
from tallystick.domain.overviews.team import user_ids
from tallystick.domain.projects import Milestone, Project
from tallystick.domain.task_statuses import TaskPriority, TaskStatus
from tallystick.domain.tasks import Task
from tallystick.values.duration import elapsed_seconds
from tallystick.values.errors import NotFound

Text = Annotated[str, Meta(max_length=10_000)]


class Word(Struct, gc=False):
    id: int
    title: str
    color: str


class Titled(Struct, gc=False):
    id: int
    title: str


class TaskDates(Struct, gc=False):
    start: date | None
    due: date | None
    created: str
    updated: str


class TaskJson(Struct, gc=False):
    id: int
    title: str
    description: str | None
    status: Word
    priority: Word
    active_state: Literal["active", "archived"]
    client_visibility: YesNo
    billable: YesNo
    project: Titled
    client: Named | None
    milestone: Named
    dates: TaskDates
    time_logged: int
    """Seconds."""
    assigned: list[Named]
    tags: list[str]


class TimerJson(Struct, gc=False):
    id: int
    user: Named
    started: str | None
    stopped: str | None
    time: int
    """Seconds."""
    status: Literal["stopped", "running"]
    billing_status: Literal["not_invoiced", "invoiced"]


class CommentJson(Struct, gc=False):
    id: int
    text: str
    creator: Named | None


class TaskFields(Struct):
    task_projectid: Whole | UnsetType = UNSET
    task_title: Title | UnsetType = UNSET
    task_status: Whole | UnsetType = UNSET
    task_priority: Whole | UnsetType = UNSET
    task_milestoneid: Whole | UnsetType | None = UNSET
    task_date_start: date | UnsetType | None = UNSET
    task_date_due: date | UnsetType | None = UNSET
    task_description: Text | UnsetType | None = UNSET
    task_client_visibility: Flag | UnsetType | None = UNSET
    task_billable: Flag | UnsetType | None = UNSET


class TaskChange(Struct):
    task_title: Title | UnsetType = UNSET
    task_status: Whole | UnsetType = UNSET
    task_priority: Whole | UnsetType = UNSET
    task_milestoneid: Whole | UnsetType | None = UNSET
    task_date_start: date | UnsetType | None = UNSET
    task_date_due: date | UnsetType | None = UNSET
    task_description: Text | UnsetType | None = UNSET
    task_client_visibility: Flag | UnsetType | None = UNSET
    task_billable: Flag | UnsetType | None = UNSET


class TaskCopy(Struct):
    task_title: Title | UnsetType = UNSET
    task_status: Whole | UnsetType = UNSET
    project_id: Whole | UnsetType = UNSET
    task_milestoneid: Whole | UnsetType = UNSET
    copy_checklist: Flag | UnsetType | None = UNSET
    copy_files: Flag | UnsetType | None = UNSET


class StatusField(Struct):
    status: Whole | UnsetType = UNSET


class AssignedField(Struct):
    assigned: list[Whole] | UnsetType | None = UNSET


class CommentField(Struct):
    comment: Text | UnsetType = UNSET


def list_tasks(ctx: Context, ask: Ask) -> Page:
    query = ask.query
    if NOTHING in query:
        return Page([], 0)
    filters = {domain: query.get(wire) for wire, domain in _FILTERS.items()}
    filters["archived"] = None if "active_state" not in query else query["active_state"] == "archived"
    rows, total = page(ctx, filters, **page_of(query))
    return Page([_shown(ctx, row) for row in rows], total)


def get_task(ctx: Context, ask: Ask) -> Struct:
    return _shown(ctx, one(ctx, int(ask.id)))


def create_task(ctx: Context, ask: Ask) -> Struct:
    facts = _facts(ctx, ask.facts)
    project_id = _reference(ctx, Project, ask.facts, "task_projectid")
    with in_terms_of(_NAMES):
        task = tasks.create(ctx, project_id=project_id, **facts)
    return _again(ctx, task.id)


def update_task(ctx: Context, ask: Ask) -> Struct:
    task_id = _id(ctx, ask)
    with in_terms_of(_NAMES):
        tasks.change(ctx, task_id, **_facts(ctx, ask.facts))
    return _again(ctx, task_id)


def delete_task(ctx: Context, ask: Ask) -> Id:
    tasks.archive(ctx, _id(ctx, ask))
    return Id(int(ask.id))


def set_status(ctx: Context, ask: Ask) -> Struct:
    task_id = _id(ctx, ask)
    tasks.change(ctx, task_id, status_id=_reference(ctx, TaskStatus, ask.facts, "status"))
    return _again(ctx, task_id)


def set_assigned(ctx: Context, ask: Ask) -> Struct:
    task_id = _id(ctx, ask)
    people = user_ids(ctx, ask.facts.get("assigned") or [])
    if people is None:
        raise laravel.selected("assigned")
    tasks.change(ctx, task_id, assignee_ids=people)
    return _again(ctx, task_id)


def set_tags(ctx: Context, ask: Ask) -> Struct:
    task_id = _id(ctx, ask)
    tasks.change(ctx, task_id, tags=ask.facts.get("tags") or [])
    return _again(ctx, task_id)


def archive_task(ctx: Context, ask: Ask) -> Struct:
    return _again(ctx, tasks.shelve(ctx, _id(ctx, ask)).id)


def activate_task(ctx: Context, ask: Ask) -> Struct:
    return _again(ctx, tasks.unshelve(ctx, _id(ctx, ask)).id)


def clone_task(ctx: Context, ask: Ask) -> Struct:
    facts = ask.facts
    source = ctx.find(Task, _id(ctx, ask))
    project_id = _reference(ctx, Project, facts, "project_id")
    with in_terms_of(_NAMES):
        copy = tasks.clone(
            ctx,
            source.id,
            project_id=project_id,
            name=facts["task_title"],
            status_id=_reference(ctx, TaskStatus, facts, "task_status"),
            milestone_id=_reference(ctx, Milestone, facts, "task_milestoneid"),
        )
    if facts.get("copy_checklist"):
        checklists.copy(ctx, source, copy)
    return _again(ctx, copy.id)


def list_timers(ctx: Context, ask: Ask) -> list[TimerJson]:
    return [_timer(ctx, row) for row in timers(ctx, _id(ctx, ask))]


def stop_timers(ctx: Context, ask: Ask) -> Id:
    time_entries.stop_all(ctx, task_id=_id(ctx, ask))
    return Id(int(ask.id))


def list_comments(ctx: Context, ask: Ask) -> list[CommentJson]:
    return comments_of(ctx, task_id=_id(ctx, ask))


def create_comment(ctx: Context, ask: Ask) -> Struct:
    made = comments.create(ctx, text=ask.facts["comment"], task_id=_id(ctx, ask))
    return shown_comment(ctx, made.id)


def delete_comment(ctx: Context, ask: Ask) -> Id:
    number = int(ask.ids["comment_id"])
    comments.delete(ctx, overviews.id_of(ctx, Comment, number), task_id=_id(ctx, ask))
    return Id(number)


def comments_of(ctx: Context, **subject: str) -> list[CommentJson]:
    """What was said of a task or of a step of a checklist, oldest first."""
    ctx.require(Permission.READ_TASKS)
    found = COMMENTS.page(ctx, _COMMENT, subject, sort="created_at", limit=MOST_COMMENTS)
    return [_comment(row) for row in found.rows]


def shown_comment(ctx: Context, comment_id: str) -> CommentJson:
    """One comment."""
    return _comment(COMMENTS.one(ctx, _COMMENT, comment_id))


def _id(ctx: Context, ask: Ask) -> str:
    return overviews.id_of(ctx, Task, int(ask.id))


def _again(ctx: Context, task_id: str) -> TaskJson:
    return _shown(ctx, one(ctx, task_id))


def _facts(ctx: Context, given: dict[str, Any]) -> dict[str, Any]:
    """The whole of a task by the domain's names: what is not said is empty, a box not ticked; its milestone stays."""
    facts: dict[str, Any] = {
        "name": given["task_title"],
        "status_id": _reference(ctx, TaskStatus, given, "task_status"),
        "priority_id": _reference(ctx, TaskPriority, given, "task_priority"),
        "description": given.get("task_description"),
        "start_date": given.get("task_date_start"),
        "due_date": given.get("task_date_due"),
        "client_visible": bool(given.get("task_client_visibility")),
        "billable": bool(given.get("task_billable")),
    }
    if given.get("task_milestoneid") is not None:
        facts["milestone_id"] = _reference(ctx, Milestone, given, "task_milestoneid")
    return facts


def _reference(ctx: Context, kind: Any, given: dict[str, Any], name: str) -> str:
    """The id behind a number in a body."""
    try:
        return overviews.id_of(ctx, kind, given[name], by="number" if kind in _OWN_NUMBERS else "serial")
    except NotFound:
        raise laravel.selected(name) from None


def _check_dates(given: dict[str, Any]) -> None:
    start, due = given.get("task_date_start"), given.get("task_date_due")
    if start is not None and due is not None and due < start:
        raise laravel.wrong("task_date_due", "must be a date after or equal to task date start.")


def _shown(ctx: Context, row: TaskSeen) -> TaskJson:
    people = zip(row.assignees or (), row.assignee_names or (), strict=True)
    return TaskJson(
        row.serial,
        row.name,
        row.description,
        Word(row.status_number, row.status_title, row.status_color),
        Word(row.priority_number, row.priority_title, row.priority_color),
        "active" if row.archived_at is None else "archived",
        yes_no(row.client_visible),
        yes_no(row.billable),
        Titled(row.project, row.project_name),
        None if row.client is None else Named(row.client, row.client_name or ""),
        Named(row.milestone, row.milestone_title),
        TaskDates(row.start_date, row.due_date, stamp(row.created_at), stamp(row.updated_at)),
        row.time_logged(ctx.now),
        [Named(number, name) for number, name in people],
        row.tags,
    )


def _timer(ctx: Context, row: TimerSeen) -> TimerJson:
    running = row.started_at is not None and row.stopped_at is None
    return TimerJson(
        row.serial,
        Named(row.worker, row.worker_name),
        None if row.started_at is None else stamp(row.started_at),
        None if row.stopped_at is None else stamp(row.stopped_at),
        elapsed_seconds(row.started_at, ctx.now) if running and row.started_at else row.duration_seconds,
        "running" if running else "stopped",
        "invoiced" if row.invoiced else "not_invoiced",
    )


def _comment(row: tuple[Any, ...]) -> CommentJson:
    number, text, author, name = row
    return CommentJson(number, text, None if author is None else Named(author, name))


MOST_COMMENTS: Final = 10_000
"""Comments are not listed by pages."""
_COMMENT: Final = ("serial", "text", "creator_number", "creator_name")
_OWN_NUMBERS: Final = (TaskStatus, TaskPriority)
_NAMES: Final = {
    "project_id": "task_projectid",
    "name": "task_title",
    "status_id": "task_status",
    "priority_id": "task_priority",
    "milestone_id": "task_milestoneid",
    "start_date": "task_date_start",
    "due_date": "task_date_due",
    "description": "task_description",
}
_FILTERS: Final = {
    "project_id": "project",
    "client_id": "client",
    "status": "status",
    "priority": "priority",
    "milestone_id": "milestone",
    "assigned_user_id": "assignee",
    "search": "search",
}
_NONE: Final[Any] = None
_PARAMETERS: Final = {
    **dict.fromkeys(("project_id", "client_id", "status", "priority", "milestone_id"), Filter("number", _NONE)),
    "active_state": Filter("choice", _NONE, choices=("active", "archived"), about="Both unless told."),
    "assigned_user_id": Filter("number", _NONE),
    "search": Filter("text", _NONE, about="A part of the title, in whatever case."),
}
_SORTS: Final = {
    "task_created": "created_at",
    "task_title": "name",
    "task_date_due": "due_date",
    "task_position": "position",
}
_REQUIRED: Final = ("task_title", "task_status", "task_priority")
_ELSEWHERE: Final = "The milestone is of another project."
_TAG: Final = "Tasks"

OPERATIONS = (
    Operation(
        "listTasks", "GET", "/tasks", list_tasks, "List and search tasks", Permission.READ_TASKS, TaskJson,
        parameters=_PARAMETERS, sorts=_SORTS, message="Tasks retrieved successfully.", tag=_TAG,
    ),
    Operation(
        "createTask", "POST", "/tasks", create_task, "Create a task", Permission.CHANGE_TASKS, TaskJson, status=201,
        body=TaskFields, required=("task_projectid", *_REQUIRED), check=_check_dates, conflicts=_ELSEWHERE,
        message="Task created successfully.", tag=_TAG,
    ),
    Operation(
        "getTask", "GET", "/tasks/{id}", get_task, "Get a task", Permission.READ_TASKS, TaskJson,
        message="Task retrieved successfully.", tag=_TAG,
    ),
    Operation(
        "updateTask", "PATCH", "/tasks/{id}", update_task,
        "Change a task; what is left out is empty, except its milestone", Permission.CHANGE_TASKS, TaskJson,
        body=TaskChange, required=_REQUIRED, check=_check_dates, conflicts=_ELSEWHERE,
        message="Task updated successfully.", tag=_TAG,
    ),
    Operation(
        "deleteTask", "DELETE", "/tasks/{id}", delete_task, "Delete a task; the time on it stays",
        Permission.CHANGE_TASKS, Id, message="Task deleted successfully.", tag=_TAG,
    ),
    Operation(
        "setTaskStatus", "PUT", "/tasks/{id}/status", set_status, "Set the status of a task", Permission.CHANGE_TASKS,
        TaskJson, body=StatusField, required=("status",), message="Task status updated successfully.", tag=_TAG,
    ),
    Operation(
        "setTaskAssigned", "PUT", "/tasks/{id}/assigned", set_assigned,
        "Set who is on a task: exactly these people", Permission.CHANGE_TASKS, TaskJson, body=AssignedField,
        message="Task assignees updated successfully.", tag=_TAG,
    ),
    Operation(
        "setTaskTags", "PUT", "/tasks/{id}/tags", set_tags, "Set the tags of a task: exactly these",
        Permission.CHANGE_TASKS, TaskJson, body=TagsField, message="Task tags updated successfully.", tag=_TAG,
    ),
    Operation(
        "archiveTask", "PUT", "/tasks/{id}/archive", archive_task, "Archive a task", Permission.CHANGE_TASKS, TaskJson,
        body=Nothing, message="Task archived successfully.", tag=_TAG,
    ),
    Operation(
        "activateTask", "PUT", "/tasks/{id}/activate", activate_task, "Take a task out of the archive",
        Permission.CHANGE_TASKS, TaskJson, body=Nothing, message="Task activated successfully.", tag=_TAG,
    ),
    Operation(
        "cloneTask", "POST", "/tasks/{id}/clone", clone_task, "Make a task like another", Permission.CHANGE_TASKS,
        TaskJson, status=201, body=TaskCopy, required=("task_title", "task_status", "project_id", "task_milestoneid"),
        conflicts=_ELSEWHERE, message="Task cloned successfully.", tag=_TAG,
    ),
    Operation(
        "listTaskTimers", "GET", "/tasks/{id}/timers", list_timers, "List the time of a task, newest first",
        Permission.SEE_EVERYONE, TimerJson, many=True, message="Task timers retrieved successfully.", tag=_TAG,
    ),
    Operation(
        "stopTaskTimers", "PUT", "/tasks/{id}/stop-timers", stop_timers, "Stop every timer that runs on a task",
        Permission.CHANGE_ANY_TIME, Id, body=Nothing, message="Task timers stopped successfully.", tag=_TAG,
    ),
    Operation(
        "listTaskComments", "GET", "/tasks/{id}/comments", list_comments, "List the comments on a task, oldest first",
        Permission.READ_TASKS, CommentJson, many=True, message="Comments retrieved successfully.", tag=_TAG,
    ),
    Operation(
        "createTaskComment", "POST", "/tasks/{id}/comments", create_comment, "Comment on a task", Permission.COMMENT,
        CommentJson, status=201, body=CommentField, required=("comment",), message="Comment created successfully.",
        tag=_TAG,
    ),
    Operation(
        "deleteTaskComment", "DELETE", "/tasks/{id}/comments/{comment_id}", delete_comment, "Delete a comment",
        Permission.COMMENT, Id, message="Comment deleted successfully.", tag=_TAG,
    ),
)  # fmt: skip
