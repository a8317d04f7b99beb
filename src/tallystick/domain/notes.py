"""Notes: what people write down, about somebody or something or nothing, for everybody or for themselves."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Final, Literal, get_args

from sqlalchemy import CheckConstraint, ColumnElement, Index, and_, exists, or_
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Counted, Id, one_of, table_of, within_workspace
from tallystick.domain.projects import on_project
from tallystick.domain.tasks import Task

Visibility = Literal["public", "private"]
VISIBILITIES: Final[tuple[Visibility, ...]] = get_args(Visibility)
ResourceType = Literal["client", "project", "task", "user"]
RESOURCE_TYPES: Final[tuple[ResourceType, ...]] = get_args(ResourceType)


class Note(Counted):
    """A note. A private one is its maker's alone."""

    __tablename__ = "notes"
    noun: ClassVar[str] = "note"

    title: Mapped[str]
    description: Mapped[str]
    visibility: Mapped[str] = mapped_column(default="public")
    client_id: Mapped[Id | None]
    project_id: Mapped[Id | None]
    task_id: Mapped[Id | None]
    user_id: Mapped[Id | None]
    tags: Mapped[list[str]] = mapped_column(default=[])
    created_by: Mapped[Id | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("client_id", "clients.id"),
            within_workspace("project_id", "projects.id"),
            within_workspace("task_id", "tasks.id"),
            within_workspace("user_id", "members.user_id"),
            within_workspace("created_by", "members.user_id"),
            one_of("visibility", VISIBILITIES),
            CheckConstraint("num_nonnulls(client_id, project_id, task_id, user_id) <= 1", name="one_resource"),
            Index("ix_notes_created", "workspace_id", "created_at", "id"),
        )

    @classmethod
    def seen_by(cls, user_id: ColumnElement[str]) -> ColumnElement[bool] | None:
        own, task = table_of(cls).c, table_of(Task).c
        about_nothing = and_(own.project_id.is_(None), own.task_id.is_(None), own.user_id.is_(None))
        return or_(
            own.created_by == user_id,
            and_(own.client_id.is_(None), about_nothing),
            own.user_id == user_id,
            on_project(own.project_id, user_id),
            exists().where(task.id == own.task_id, on_project(task.project_id, user_id)),
        )
