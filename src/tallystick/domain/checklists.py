"""Checklists: the small steps of a task or a project, in order, each done or not."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, ColumnElement, Index, exists, or_
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Counted, Id, table_of, within_workspace
from tallystick.domain.projects import on_project
from tallystick.domain.tasks import Task


class ChecklistItem(Counted):
    """One step, of a task or of a project."""

    __tablename__ = "checklist_items"
    noun: ClassVar[str] = "checklist item"

    task_id: Mapped[Id | None]
    project_id: Mapped[Id | None]
    """Of a project itself; null where it is of a task."""
    text: Mapped[str]
    done: Mapped[bool] = mapped_column(default=False)
    position: Mapped[int]
    created_by: Mapped[Id | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("task_id", "tasks.id"),
            within_workspace("project_id", "projects.id"),
            within_workspace("created_by", "members.user_id"),
            CheckConstraint("num_nonnulls(task_id, project_id) = 1", name="task_or_project"),
            Index(
                "ix_checklist_items_task", "workspace_id", "task_id", "position",
                postgresql_where="task_id IS NOT NULL",
            ),
            Index(
                "ix_checklist_items_project", "workspace_id", "project_id", "position",
                postgresql_where="project_id IS NOT NULL",
            ),
        )  # fmt: skip

    @classmethod
    def seen_by(cls, user_id: ColumnElement[str]) -> ColumnElement[bool] | None:
        own, task = table_of(cls).c, table_of(Task).c
        of_task = exists().where(task.id == own.task_id, on_project(task.project_id, user_id))
        return or_(on_project(own.project_id, user_id), of_task)
