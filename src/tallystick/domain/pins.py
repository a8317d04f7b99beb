"""Pinned work: projects and tasks that a person wants at hand, in their order, before what they worked on lately."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Final, NamedTuple

from sqlalchemy import CheckConstraint, ColumnElement, Index, text
from sqlalchemy.orm import Mapped

from tallystick.db.base import Id, Tenant, table_of, within_workspace
from tallystick.db.session import Prepared
from tallystick.domain import members
from tallystick.domain.access import Permission
from tallystick.domain.context import SENTENCES, Context
from tallystick.domain.members import Member
from tallystick.domain.projects import Project
from tallystick.domain.tasks import Task
from tallystick.values.errors import Conflict, Invalid, NotFound

MOST: Final = 50
"""Pins of one person."""


class PinnedWork(Tenant):
    """A project or a task that a person pinned. Nobody else sees it."""

    __tablename__ = "pinned_work"
    noun: ClassVar[str] = "pinned work"

    user_id: Mapped[Id]
    project_id: Mapped[Id | None]
    task_id: Mapped[Id | None]
    position: Mapped[int]
    """1 stands first."""
    created_at: Mapped[datetime]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("user_id", "members.user_id"),
            within_workspace("project_id", "projects.id"),
            within_workspace("task_id", "tasks.id"),
            CheckConstraint("(project_id IS NULL) <> (task_id IS NULL)", name="of_one"),
            CheckConstraint("position > 0", name="position"),
            Index(
                "uq_pinned_work_project",
                "workspace_id",
                "user_id",
                "project_id",
                unique=True,
                postgresql_where="project_id IS NOT NULL",
            ),
            Index(
                "uq_pinned_work_task",
                "workspace_id",
                "user_id",
                "task_id",
                unique=True,
                postgresql_where="task_id IS NOT NULL",
            ),
            Index("ix_pinned_work_project", "workspace_id", "project_id", postgresql_where="project_id IS NOT NULL"),
            Index("ix_pinned_work_task", "workspace_id", "task_id", postgresql_where="task_id IS NOT NULL"),
        )

    @classmethod
    def seen_by(cls, user_id: ColumnElement[str]) -> ColumnElement[bool] | None:
        return table_of(cls).c.user_id == user_id


class Pin(NamedTuple):
    """Pinned work with its names; `id` is the task's, else the project's."""

    id: str
    project_id: str
    task_id: str | None
    project: str
    task: str | None
    position: int
    created_at: datetime


def pin(ctx: Context, work_id: str, *, position: int | None = None) -> Pin:
    """Pin a project or a task, at a position or below the others; what is pinned already moves there."""
    ctx.require(Permission.TRACK_TIME)
    task_id = _task_of(ctx, work_id)
    project_id = None if task_id is not None else ctx.find(Project, work_id).id
    there = _mine(ctx)
    known = work_id in there
    if not known:
        if len(there) >= MOST:
            raise Conflict(f"You pinned {MOST} things already. Unpin one first.", reason="too_many_pins")
        there.append(work_id)
        ctx.add(PinnedWork(user_id=ctx.actor.user_id, project_id=project_id, task_id=task_id, position=len(there)))
    if position is not None:
        if position < 1:
            raise Invalid(fields={"position": "must be 1 or more"})
        there.remove(work_id)
        there.insert(position - 1, work_id)
    _number(ctx, there)
    return next(one for one in pinned(ctx, hidden=True) if one.id == work_id)


def unpin(ctx: Context, work_id: str) -> None:
    """Take a pin away."""
    ctx.require(Permission.TRACK_TIME)
    there = _mine(ctx)
    if work_id not in there:
        raise NotFound("This is not pinned.")
    ctx.write(_UNPIN, work=work_id)
    _number(ctx, [one for one in there if one != work_id])


def arrange(ctx: Context, work_ids: list[str]) -> None:
    """Put one's pins in this order; those that are not named come behind."""
    ctx.require(Permission.TRACK_TIME)
    there = _mine(ctx)
    named = [one for one in dict.fromkeys(work_ids) if one in there]
    _number(ctx, [*named, *(one for one in there if one not in named)])


def pinned(ctx: Context, *, hidden: bool = False) -> list[Pin]:
    """One's pins in their order: of work that one sees and that goes on; `hidden`: also of work that is at rest."""
    ctx.require(Permission.TRACK_TIME)
    return [Pin._make(row) for row in ctx.rows(_PINNED, everyone=ctx.actor.sees_everyone, hidden=hidden)]


def _task_of(ctx: Context, work_id: str) -> str | None:
    try:
        return ctx.find(Task, work_id).id
    except NotFound:
        return None


def _mine(ctx: Context) -> list[str]:
    """What is pinned, in its order, while nobody else changes it."""
    ctx.find(Member, members.active(ctx, ctx.actor.user_id).id, lock="update")
    return [work_id for (work_id,) in ctx.rows(_IDS)]


def _number(ctx: Context, work_ids: list[str]) -> None:
    ctx.write(_NUMBER, works=work_ids)


_IDS = Prepared(
    text("""
        SELECT COALESCE(task_id, project_id) FROM pinned_work
        WHERE workspace_id = :workspace AND user_id = :actor ORDER BY position, id
    """)
)
_UNPIN = Prepared(
    text("""
        DELETE FROM pinned_work
        WHERE workspace_id = :workspace AND user_id = :actor AND COALESCE(task_id, project_id) = CAST(:work AS uuid)
    """)
)
_NUMBER = Prepared(
    text("""
        UPDATE pinned_work SET position = wanted.position
        FROM unnest(CAST(:works AS uuid[])) WITH ORDINALITY AS wanted (work, position)
        WHERE workspace_id = :workspace AND user_id = :actor AND COALESCE(task_id, project_id) = wanted.work
          AND pinned_work.position <> wanted.position
    """)
)
_PINNED = Prepared(
    text("""
        SELECT COALESCE(pin.task_id, pin.project_id), project.id, task.id, project.name, task.name, pin.position,
               pin.created_at
        FROM pinned_work AS pin
        LEFT JOIN tasks AS task ON task.workspace_id = :workspace AND task.id = pin.task_id
        JOIN projects AS project
          ON project.workspace_id = :workspace AND project.id = COALESCE(pin.project_id, task.project_id)
        WHERE pin.workspace_id = :workspace AND pin.user_id = :actor AND project.deleted_at IS NULL
          AND task.deleted_at IS NULL
          AND (CAST(:hidden AS boolean) OR (project.status = 'ACTIVE' AND task.archived_at IS NULL
               AND task.status IS DISTINCT FROM 'DONE'))
          AND (CAST(:everyone AS boolean) OR EXISTS (SELECT FROM project_members AS staff
               WHERE staff.workspace_id = :workspace AND staff.project_id = project.id AND staff.user_id = :actor))
        ORDER BY pin.position, pin.id
    """)
)
SENTENCES["uq_pinned_work_project"] = SENTENCES["uq_pinned_work_task"] = Conflict(
    "This is pinned already.", reason="pinned_already"
)
