"""Comments: what people say about a task, or about one step of a checklist."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Final

from sqlalchemy import BigInteger, CheckConstraint, ColumnElement, Index, Text, exists, literal_column, or_
from sqlalchemy.orm import Mapped

from tallystick.db.base import Counted, Id, table_of, within_workspace
from tallystick.domain import checklists
from tallystick.domain.access import Permission
from tallystick.domain.checklists import ChecklistItem
from tallystick.domain.context import Context
from tallystick.domain.listing import Listing
from tallystick.domain.projects import on_project
from tallystick.domain.tasks import Task
from tallystick.values.errors import Forbidden, Invalid, NotFound

LONGEST_TEXT: Final = 10_000


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


_MAKER = (
    "FROM members JOIN people ON people.id = members.user_id WHERE members.workspace_id = comments.workspace_id "
    "AND members.user_id = comments.created_by"
)

COMMENTS = Listing(
    Comment,
    sorts=("created_at",),
    exact=("task_id", "checklist_item_id"),
    computed={
        "creator_name": literal_column(f"(SELECT people.name {_MAKER})", Text()),
        "creator_number": literal_column(f"(SELECT members.number {_MAKER})", BigInteger()),
    },
)


def create(ctx: Context, *, text: str, task_id: str | None = None, checklist_item_id: str | None = None) -> Comment:
    """Say something about a task, or about a step of a checklist."""
    ctx.require(Permission.COMMENT)
    _find_subject(ctx, task_id, checklist_item_id)
    said = text.strip()
    if not 1 <= len(said) <= LONGEST_TEXT:
        raise Invalid(fields={"text": f"1 to {LONGEST_TEXT} characters"})
    comment = ctx.add(Comment(task_id=task_id, checklist_item_id=checklist_item_id, text=said))
    ctx.record("created", comment)
    return comment


def read(ctx: Context, comment_id: str) -> Comment:
    """One comment, on something that is still there."""
    ctx.require(Permission.READ_TASKS)
    comment = ctx.find(Comment, comment_id)
    _find_subject(ctx, comment.task_id, comment.checklist_item_id)
    return comment


def delete(ctx: Context, comment_id: str, *, task_id: str | None = None, checklist_item_id: str | None = None) -> None:
    """Delete a comment of this task or step: one's own, or anybody's for whoever may change tasks."""
    ctx.require(Permission.COMMENT)
    _find_subject(ctx, task_id, checklist_item_id)
    comment = ctx.find(Comment, comment_id, lock="update")
    if (comment.task_id, comment.checklist_item_id) != (task_id, checklist_item_id):
        raise NotFound("No such comment.")
    if comment.created_by != ctx.actor.maker and not ctx.actor.may(Permission.CHANGE_TASKS):
        raise Forbidden("You may delete only your own comments.")
    ctx.change(comment, deleted_at=ctx.now)
    ctx.record("deleted", comment)


def _find_subject(ctx: Context, task_id: str | None, checklist_item_id: str | None) -> None:
    if checklist_item_id is not None:
        checklists.read(ctx, checklist_item_id)
    else:
        ctx.find(Task, task_id)
