"""Tasks: what is to be done in a project, by whom, and how far it is."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    ColumnElement,
    ForeignKeyConstraint,
    Index,
    bindparam,
    delete,
    exists,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import UUID, insert
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Counted, Id, Money, Row, one_of, table_of, within_workspace
from tallystick.db.session import Prepared
from tallystick.domain import dated_rates, members, task_statuses
from tallystick.domain.access import Permission
from tallystick.domain.clients import each_tag_once
from tallystick.domain.context import Context, workspace
from tallystick.domain.listing import Filter, Listing
from tallystick.domain.members import Member
from tallystick.domain.projects import Milestone, Project, ProjectMember, on_project, put_on, uncategorised
from tallystick.domain.projects import take_off as take_off_project
from tallystick.domain.task_statuses import TaskPriority, TaskStatus
from tallystick.values.errors import Conflict, Forbidden, Invalid

Status = task_statuses.Kind
Priority = task_statuses.Level
STATUSES = task_statuses.KINDS
PRIORITIES = task_statuses.LEVELS


def _together(column: str, agrees: str, target: str) -> ForeignKeyConstraint:
    """A reference to a row of the workspace with which another column agrees."""
    table, _ = target.split(".")
    return ForeignKeyConstraint(["workspace_id", column, agrees], [f"{table}.workspace_id", f"{table}.id", target])


_CLONED = ("description", "priority_id", "billable", "estimated_hours", "hourly_rate", "start_date", "due_date", "tags")


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


class Task(Counted):
    """A task of a project. It may have a rate of its own."""

    __tablename__ = "tasks"
    noun: ClassVar[str] = "task"
    told: ClassVar[tuple[str, ...]] = ("assignee_ids",)
    money: ClassVar[frozenset[str]] = frozenset({"hourly_rate"})

    project_id: Mapped[Id]
    name: Mapped[str]
    description: Mapped[str | None]
    status: Mapped[str] = mapped_column(default="TODO")
    priority: Mapped[str] = mapped_column(default="MEDIUM")
    billable: Mapped[bool] = mapped_column(default=True)
    estimated_hours: Mapped[Money | None]
    hourly_rate: Mapped[Money | None]
    """Today's: what it is on other days, where it was or will be another, is in `rates`."""
    rates_from: Mapped[date | None]
    """Since when its rows in `rates` count; before, and where there are none, the column does."""
    tags: Mapped[list[str]] = mapped_column(default=[])
    start_date: Mapped[date | None]
    due_date: Mapped[date | None]
    end_date: Mapped[date | None]
    status_id: Mapped[Id]
    priority_id: Mapped[Id]
    milestone_id: Mapped[Id]
    position: Mapped[int] = mapped_column(default=0)
    client_visible: Mapped[bool] = mapped_column(default=False)
    status_changed_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    completed_by: Mapped[Id | None]
    archived_at: Mapped[datetime | None]
    """Put aside (`shelve`), not away: it is still found."""
    created_by: Mapped[Id | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    assignee_ids: tuple[str, ...] = ()
    """User ids of the assignees; filled by the verbs of this module."""

    @classmethod
    def read_as(cls) -> dict[str, ColumnElement[Any]]:
        return {"hourly_rate": dated_rates.on_day(table_of(cls), "hourly_rate", dated_rates.today())}

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("project_id", "projects.id"),
            within_workspace("completed_by", "members.user_id"),
            within_workspace("created_by", "members.user_id"),
            # A task's status and priority are the kinds of its own, and its milestone is one of its project.
            _together("status_id", "status", "task_statuses.kind"),
            _together("priority_id", "priority", "task_priorities.kind"),
            _together("milestone_id", "project_id", "milestones.project_id"),
            CheckConstraint("(status = 'DONE') = (completed_at IS NOT NULL)", name="completed_at"),
            one_of("status", STATUSES),
            one_of("priority", PRIORITIES),
            CheckConstraint("estimated_hours >= 0 AND hourly_rate >= 0", name="not_negative"),
            CheckConstraint("due_date >= start_date", name="due_date"),
            Index("ix_tasks_created", "workspace_id", "created_at", "id"),
            Index("ix_tasks_project", "workspace_id", "project_id", "created_at", "id"),
            Index("ix_tasks_milestone", "workspace_id", "milestone_id"),
            Index("ix_tasks_status", "workspace_id", "status_id"),
            Index("ix_tasks_priority", "workspace_id", "priority_id"),
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
    facts = _placed(ctx, project.id, facts)
    if facts["status"] == "DONE":
        facts |= {"completed_at": ctx.now, "completed_by": ctx.actor.maker}
    task = Task(project_id=project.id, name=name, **each_tag_once(facts))
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
    facts = each_tag_once(_in_step(ctx, task, facts, moved_to=project_id if moved else None))
    completed = facts.get("status") == "DONE" and task.status != "DONE"
    priced = "hourly_rate" in facts and dated_rates.settle(ctx, task, "hourly_rate", facts.pop("hourly_rate"))
    changed = ctx.change(task, **facts) + ["hourly_rate"] * priced
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


def shelve(ctx: Context, task_id: str) -> Task:
    """Put a task aside. It stays where it is, and is found."""
    ctx.require(Permission.CHANGE_TASKS)
    task = _with_assignees(ctx, ctx.find(Task, task_id, lock="update"))
    if task.archived_at is None:
        ctx.change(task, archived_at=ctx.now)
        ctx.record("shelved", task)
    return task


def unshelve(ctx: Context, task_id: str) -> Task:
    """Take a task up again that was put aside."""
    ctx.require(Permission.CHANGE_TASKS)
    task = _with_assignees(ctx, ctx.find(Task, task_id, lock="update"))
    if ctx.change(task, archived_at=None):
        ctx.record("unshelved", task)
    return task


def clone(ctx: Context, task_id: str, *, project_id: str, name: str, **facts: Any) -> Task:
    """A new task like another, in the same project or elsewhere; nobody is assigned, nothing done or worked yet."""
    ctx.require(Permission.CHANGE_TASKS)
    source = ctx.find(Task, task_id)
    return create(ctx, project_id=project_id, name=name, **{one: getattr(source, one) for one in _CLONED}, **facts)


def staff(ctx: Context, project_id: str, user_ids: list[str]) -> Project:
    """Say who is on a project: exactly these people. Who no longer is is taken off its tasks; their time stays."""
    ctx.require(Permission.CHANGE_PROJECTS)
    project = ctx.find(Project, project_id, lock="update")
    wanted = {user_id: members.active(ctx, user_id, "assigned") for user_id in sorted(set(user_ids))}
    for (user_id,) in ctx.rows(_STAFF, project_id=project.id):
        if user_id not in wanted:
            ctx.write(_OFF, project_id=project.id, user_id=user_id)
            ctx.write(_UNASSIGN, project_id=project.id, user_id=user_id)
    for member in wanted.values():
        put_on(ctx, project, member)
    ctx.change(project, updated_at=ctx.now)
    ctx.record_facts("staffed", project, assigned=list(wanted))
    return project


def to_work_on(ctx: Context, task_id: str) -> Task:
    """A task for whoever may change it; nobody else changes it until the transaction ends."""
    ctx.require(Permission.CHANGE_OWN_TASKS)
    task = _with_assignees(ctx, ctx.find(Task, task_id, lock="update"))
    if not ctx.actor.may(Permission.CHANGE_TASKS):
        _check_own(ctx, task, {})
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


def _placed(ctx: Context, project_id: str, facts: dict[str, Any]) -> dict[str, Any]:
    """Facts of a new task with a status, a priority and a milestone: those given, else the usual ones."""
    facts = {**facts, **_chosen(ctx, project_id, facts)}
    facts.setdefault("status", "TODO")
    facts.setdefault("priority", "MEDIUM")
    usual = ctx.row(_USUAL, project_id=project_id, status=facts["status"], priority=facts["priority"])
    assert usual is not None  # noqa: S101 - a SELECT without FROM answers a row
    names = ("status_id", "priority_id", "milestone_id", "position")
    return {**dict(zip(names, usual, strict=True)), **facts}


def _in_step(ctx: Context, task: Task, facts: dict[str, Any], *, moved_to: str | None) -> dict[str, Any]:
    """What a change brings with it: a status is of its kind, a priority too, and a milestone is of the project.

    `status` and `priority` given as kinds stand for the usual one of that kind, unless the task is of it already.
    """
    chosen = _chosen(ctx, moved_to or task.project_id, facts, task)
    facts = {**facts, **chosen}
    if "status" in facts and "status_id" not in chosen and facts["status"] != task.status:
        facts["status_id"] = task_statuses.of_kind(ctx, TaskStatus, facts["status"])
    if "priority" in facts and "priority_id" not in chosen and facts["priority"] != task.priority:
        facts["priority_id"] = task_statuses.of_kind(ctx, TaskPriority, facts["priority"])
    if moved_to is not None and "milestone_id" not in chosen:
        facts["milestone_id"] = uncategorised(ctx, moved_to)
    if facts.get("status_id", task.status_id) != task.status_id:
        facts["status_changed_at"] = ctx.now
    if facts.get("status", task.status) != task.status:
        done = facts["status"] == "DONE"
        facts |= {"completed_at": ctx.now if done else None, "completed_by": ctx.actor.maker if done else None}
    return facts


def _chosen(ctx: Context, project_id: str, facts: dict[str, Any], task: Task | None = None) -> dict[str, Any]:
    """What the ids among the facts stand for; each is there until the transaction ends.

    Those that `task` has already are not asked for again: whoever deletes a milestone waits for its tasks.
    """
    chosen: dict[str, Any] = {}
    if task is not None:
        for name, agrees in (("status_id", "status"), ("priority_id", "priority"), ("milestone_id", "project_id")):
            if facts.get(name) == getattr(task, name) and (name != "milestone_id" or project_id == task.project_id):
                chosen |= {name: facts[name], agrees: getattr(task, agrees)}
    if facts.get("status_id") is not None and "status_id" not in chosen:
        status = ctx.reference(TaskStatus, facts["status_id"], "status_id", lock="share")
        chosen |= {"status_id": status.id, "status": status.kind}
    if facts.get("priority_id") is not None and "priority_id" not in chosen:
        priority = ctx.reference(TaskPriority, facts["priority_id"], "priority_id", lock="share")
        chosen |= {"priority_id": priority.id, "priority": priority.kind}
    if facts.get("milestone_id") is not None and "milestone_id" not in chosen:
        milestone = ctx.reference(Milestone, facts["milestone_id"], "milestone_id", lock="share")
        if milestone.project_id != project_id:
            raise Conflict("This milestone is of another project.")
        chosen["milestone_id"] = milestone.id
    return chosen


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
_USUAL = Prepared(
    text("""
        SELECT (SELECT id FROM task_statuses WHERE workspace_id = :workspace AND kind = :status
                AND deleted_at IS NULL ORDER BY number LIMIT 1),
               (SELECT id FROM task_priorities WHERE workspace_id = :workspace AND kind = :priority
                AND deleted_at IS NULL ORDER BY number LIMIT 1),
               (SELECT id FROM milestones WHERE workspace_id = :workspace AND project_id = :project_id
                AND uncategorised),
               (SELECT COALESCE(max(position), 0) + 1 FROM tasks
                WHERE workspace_id = :workspace AND project_id = :project_id)
    """)
)
_HAS_TIME = Prepared(text("SELECT 1 FROM time_entries WHERE task_id = :task_id AND deleted_at IS NULL LIMIT 1"))
_UNASSIGN_ALL = Prepared(delete(TaskAssignee).where(_assigned.c.user_id == _user_id))
_OFF_ALL = Prepared(delete(ProjectMember).where(table_of(ProjectMember).c.user_id == _user_id))
_on = table_of(ProjectMember)
_here = _on.c.project_id == bindparam("project_id", type_=_table.c.id.type)
_STAFF = Prepared(select(_on.c.user_id).where(_here).order_by(_on.c.user_id))
_OFF = Prepared(delete(ProjectMember).where(_here, _on.c.user_id == _user_id))
_UNASSIGN = Prepared(
    delete(TaskAssignee).where(
        _assigned.c.user_id == _user_id,
        _assigned.c.task_id.in_(
            select(_table.c.id).where(_table.c.project_id == bindparam("project_id", type_=_table.c.id.type))
        ),
    )
)
