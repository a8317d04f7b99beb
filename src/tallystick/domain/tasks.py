"""Tasks: what is to be done in a project, by whom, and how far it is."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar, Literal, get_args

from sqlalchemy import ARRAY, CheckConstraint, ColumnElement, Index, bindparam, delete, exists, func, select, text
from sqlalchemy.dialects.postgresql import UUID, insert
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Id, Money, Row, Tenant, one_of, table_of, within_workspace
from tallystick.db.session import Prepared
from tallystick.domain import members
from tallystick.domain.access import Permission
from tallystick.domain.context import Context, workspace
from tallystick.domain.listing import Filter, Listing
from tallystick.domain.members import Member
from tallystick.domain.projects import Project, ProjectMember, on_project, put_on
from tallystick.domain.projects import take_off as take_off_project
from tallystick.values.errors import Forbidden, Invalid

Status = Literal["TODO", "IN_PROGRESS", "DONE"]
Priority = Literal["LOW", "MEDIUM", "HIGH"]
STATUSES: tuple[Status, ...] = get_args(Status)
PRIORITIES: tuple[Priority, ...] = get_args(Priority)


class TaskAssignee(Row):
    """Who is to do a task."""

    __tablename__ = "task_assignees"

    workspace_id: Mapped[Id] = mapped_column(primary_key=True)
    task_id: Mapped[Id] = mapped_column(primary_key=True)
    user_id: Mapped[Id] = mapped_column(primary_key=True)

    __table_args__ = (
        within_workspace("task_id", "tasks.id"),
        within_workspace("user_id", "members.user_id"),
        Index("ix_task_assignees_of_user", "workspace_id", "user_id", "task_id"),
    )


class Task(Tenant):
    """A task of a project. It may have a rate of its own."""

    __tablename__ = "tasks"
    noun: ClassVar[str] = "task"
    money: ClassVar[frozenset[str]] = frozenset({"hourly_rate"})

    project_id: Mapped[Id]
    name: Mapped[str]
    description: Mapped[str | None]
    status: Mapped[str] = mapped_column(default="TODO")
    priority: Mapped[str] = mapped_column(default="MEDIUM")
    billable: Mapped[bool] = mapped_column(default=True)
    estimated_hours: Mapped[Money | None]
    hourly_rate: Mapped[Money | None]
    tags: Mapped[list[str]] = mapped_column(default=[])
    start_date: Mapped[date | None]
    due_date: Mapped[date | None]
    end_date: Mapped[date | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    assignee_ids: tuple[str, ...] = ()
    """User ids of the assignees; filled by the verbs of this module."""

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("project_id", "projects.id"),
            one_of("status", STATUSES),
            one_of("priority", PRIORITIES),
            CheckConstraint("estimated_hours >= 0 AND hourly_rate >= 0", name="not_negative"),
            CheckConstraint("due_date >= start_date", name="due_date"),
            Index("ix_tasks_created", "workspace_id", "created_at", "id"),
            Index("ix_tasks_project", "workspace_id", "project_id", "created_at", "id"),
        )

    @classmethod
    def seen_by(cls, user_id: ColumnElement[str]) -> ColumnElement[bool] | None:
        return on_project(table_of(cls).c.project_id, user_id)


_table = table_of(Task)
_assigned = table_of(TaskAssignee)
_ASSIGNEES = func.array(
    select(_assigned.c.user_id)
    .where(_assigned.c.task_id == _table.c.id)
    .order_by(_assigned.c.user_id)
    .scalar_subquery(),
    type_=ARRAY(UUID(as_uuid=False)),
)

TASKS = Listing(
    Task,
    sorts=("created_at", "due_date", "end_date", "id", "name", "priority", "start_date", "status", "updated_at"),
    search=("name", "description"),
    exact=("project_id", "status", "priority", "billable"),
    choices={"status": STATUSES, "priority": PRIORITIES},
    dates=("start_date", "due_date", "end_date"),
    instants=("created_at",),
    ranks={"status": STATUSES, "priority": PRIORITIES},
    computed={"assignee_ids": _ASSIGNEES},
    extra={
        "assignee_id": Filter(
            "id",
            exists().where(
                _assigned.c.task_id == _table.c.id,
                _assigned.c.user_id == bindparam("assignee_id", type_=_table.c.id.type),
            ),
        )
    },
)


def create(
    ctx: Context, *, project_id: str, name: str, assignee_ids: tuple[str, ...] | list[str] = (), **facts: Any
) -> Task:
    """Add a task to a project. Assigning a member puts them on the project."""
    ctx.require(Permission.CHANGE_TASKS)
    project = ctx.reference(Project, project_id, "project_id", lock="share")
    task = Task(project_id=project.id, name=name, **_each_tag_once(facts))
    _check(task)
    ctx.add(task)
    _assign(ctx, task, project, assignee_ids)
    ctx.record("created", task)
    if task.status == "DONE":
        ctx.record("completed", task)
    return task


def read(ctx: Context, task_id: str) -> Task:
    """One task."""
    ctx.require(Permission.READ_TASKS)
    return _with_assignees(ctx, ctx.find(Task, task_id))


def change(ctx: Context, task_id: str, **facts: Any) -> Task:
    """Change some facts of a task; a Member only of tasks assigned to them, and not who is assigned or where it is."""
    ctx.require(Permission.CHANGE_OWN_TASKS)
    task = _with_assignees(ctx, ctx.find(Task, task_id, lock="update"))
    if not ctx.actor.may(Permission.CHANGE_TASKS):
        _check_own(ctx, task, facts)
    assignees = facts.pop("assignee_ids", None)
    project_id = facts.get("project_id", task.project_id)
    moved = project_id != task.project_id
    if moved and ctx.row(_HAS_TIME, task_id=task.id) is not None:
        raise Invalid(fields={"project_id": "this task has recorded time, so it stays in its project"})
    project = ctx.reference(Project, project_id, "project_id")
    _check(Task(**{name: facts.get(name, getattr(task, name)) for name in ("start_date", "due_date")}))
    facts = _each_tag_once(facts)
    completed = facts.get("status") == "DONE" and task.status != "DONE"
    changed = ctx.change(task, **facts)
    if assignees is not None and sorted(set(assignees)) != list(task.assignee_ids):
        _assign(ctx, task, project, assignees)
        changed.append("assignee_ids")
        ctx.change(task, updated_at=ctx.now)
    elif moved:
        _assign(ctx, task, project, task.assignee_ids)
    if changed:
        ctx.record("updated", task)
    if completed:
        ctx.record("completed", task)
    return task


def archive(ctx: Context, task_id: str) -> Task:
    """Put a task away: it is no longer listed; its time stays."""
    ctx.require(Permission.CHANGE_TASKS)
    task = _with_assignees(ctx, ctx.find(Task, task_id, lock="update"))
    ctx.change(task, deleted_at=ctx.now)
    ctx.record("archived", task)
    return task


def take_off(ctx: Context, project: Project, member: Member) -> None:
    """Take a member off a project and off its tasks. Their time stays."""
    take_off_project(ctx, project, member)
    ctx.write(_UNASSIGN, project_id=project.id, user_id=member.user_id)


def unassign_all(ctx: Context, member: Member) -> None:
    """Whoever leaves is on no task and no project; a return begins anew."""
    ctx.require(Permission.CHANGE_MEMBERS)
    ctx.write(_UNASSIGN_ALL, user_id=member.user_id)
    ctx.write(_OFF_ALL, user_id=member.user_id)


def _each_tag_once(facts: dict[str, Any]) -> dict[str, Any]:
    return {**facts, "tags": list(dict.fromkeys(facts["tags"]))} if "tags" in facts else facts


def _check(task: Task) -> None:
    if task.start_date and task.due_date and task.due_date < task.start_date:
        raise Invalid(fields={"due_date": "must not be before startDate"})


def _check_own(ctx: Context, task: Task, facts: dict[str, Any]) -> None:
    if ctx.actor.user_id not in task.assignee_ids:
        raise Forbidden("You may change only tasks that are assigned to you.")
    assignees = facts.get("assignee_ids")
    moved = facts.get("project_id", task.project_id) != task.project_id
    if moved or (assignees is not None and sorted(set(assignees)) != list(task.assignee_ids)):
        raise Forbidden("Your role may not move a task or change who it is assigned to.")


def _assign(ctx: Context, task: Task, project: Project, user_ids: tuple[str, ...] | list[str]) -> None:
    ctx.write(_CLEAR, task_id=task.id)
    for user_id in sorted(set(user_ids)):
        member = members.active(ctx, user_id, "assignee_ids")
        ctx.write(_ASSIGN, task_id=task.id, user_id=user_id)
        if member.role == "MEMBER":
            put_on(ctx, project, member)
    task.assignee_ids = tuple(sorted(set(user_ids)))


def _with_assignees(ctx: Context, task: Task) -> Task:
    task.assignee_ids = tuple(user_id for (user_id,) in ctx.rows(_OF_TASK, task_id=task.id))
    return task


_task_id = bindparam("task_id", type_=_table.c.id.type)
_user_id = bindparam("user_id", type_=_table.c.id.type)
_of_task = _assigned.c.task_id == _task_id
_OF_TASK = Prepared(select(_assigned.c.user_id).where(_of_task).order_by(_assigned.c.user_id))
_CLEAR = Prepared(delete(TaskAssignee).where(_of_task))
_ASSIGN = Prepared(
    insert(TaskAssignee).values(workspace_id=workspace(), task_id=_task_id, user_id=_user_id).on_conflict_do_nothing()
)
_HAS_TIME = Prepared(text("SELECT 1 FROM time_entries WHERE task_id = :task_id AND deleted_at IS NULL LIMIT 1"))
_UNASSIGN_ALL = Prepared(delete(TaskAssignee).where(_assigned.c.user_id == _user_id))
_OFF_ALL = Prepared(delete(ProjectMember).where(table_of(ProjectMember).c.user_id == _user_id))
_UNASSIGN = Prepared(
    delete(TaskAssignee).where(
        _assigned.c.user_id == _user_id,
        _assigned.c.task_id.in_(
            select(_table.c.id).where(_table.c.project_id == bindparam("project_id", type_=_table.c.id.type))
        ),
    )
)
