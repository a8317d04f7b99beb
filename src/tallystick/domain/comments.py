"""Comments: what people say about a task, or about one step of a checklist."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, ColumnElement, Index, exists, or_
from sqlalchemy.orm import Mapped

from tallystick.db.base import Counted, Id, table_of, within_workspace
from tallystick.domain.checklists import ChecklistItem
from tallystick.domain.projects import on_project
from tallystick.domain.tasks import Task


class Comment(Counted):
    """What somebody said, of a task or of an item of a checklist."""

    __tablename__ = "comments"
    noun: ClassVar[str] = "comment"

    task_id: Mapped[Id | None]
    checklist_item_id: Mapped[Id | None]
    text: Mapped[str]
    created_by: Mapped[Id | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("task_id", "tasks.id"),
            within_workspace("checklist_item_id", "checklist_items.id"),
            within_workspace("created_by", "members.user_id"),
            CheckConstraint("num_nonnulls(task_id, checklist_item_id) = 1", name="task_or_checklist_item"),
            Index(
                "ix_comments_task", "workspace_id", "task_id", "created_at", postgresql_where="task_id IS NOT NULL"
            ),
            Index(
                "ix_comments_checklist_item", "workspace_id", "checklist_item_id", "created_at",
                postgresql_where="checklist_item_id IS NOT NULL",
            ),
        )  # fmt: skip

    @classmethod
    def seen_by(cls, user_id: ColumnElement[str]) -> ColumnElement[bool] | None:
        own, task, item = table_of(cls).c, table_of(Task).c, table_of(ChecklistItem).c
        of_task = exists().where(task.id == own.task_id, on_project(task.project_id, user_id))
        of_item = exists().where(item.id == own.checklist_item_id, ChecklistItem.seen_by(user_id))
        return or_(of_task, of_item)
