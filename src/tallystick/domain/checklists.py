"""Checklists: the small steps of a task or a project, in order, each done or not."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ColumnElement,
    Index,
    bindparam,
    exists,
    func,
    literal_column,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Counted, Id, table_of, within_workspace
from tallystick.db.session import Prepared
from tallystick.domain import tasks
from tallystick.domain.access import Permission
from tallystick.domain.context import Context, cast_rows, workspace
from tallystick.domain.listing import Listing
from tallystick.domain.projects import Project, on_project
from tallystick.domain.tasks import Task
from tallystick.values.errors import Absent, Invalid, NotFound

LONGEST_TEXT: Final = 10_000


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
    def seen_by(cls, user_id: ColumnElement[str]) -> ColumnElement[bool]:
        own, task = table_of(cls).c, table_of(Task).c
        of_task = exists().where(task.id == own.task_id, on_project(task.project_id, user_id))
        return or_(on_project(own.project_id, user_id), of_task)


_table = table_of(ChecklistItem)
_COMMENTS_COUNT = literal_column(
    # By table, not by class: comments are a noun above this one.
    "(SELECT count(*) FROM comments WHERE comments.workspace_id = checklist_items.workspace_id "
    "AND comments.checklist_item_id = checklist_items.id AND comments.deleted_at IS NULL)",
    BigInteger(),
)

CHECKLISTS = Listing(
    ChecklistItem,
    sorts=("position", "done", "created_at"),
    exact=("task_id", "project_id", "done"),
    computed={"comments_count": _COMMENTS_COUNT},
)


def create(ctx: Context, *, text: str, task_id: str | None = None, project_id: str | None = None) -> ChecklistItem:
    """Add a step at the end of the checklist of a task or of a project."""
    checked = _checked(text)
    try:
        _queue_up(ctx, task_id, project_id)
    except NotFound as error:
        raise Absent(fields={"task_id" if project_id is None else "project_id": error.message}) from None
    (position,) = ctx.row(_NEXT, task_id=task_id, project_id=project_id) or (1,)
    item = ctx.add(ChecklistItem(task_id=task_id, project_id=project_id, text=checked, position=position))
    ctx.record("created", item)
    return item


def read(ctx: Context, item_id: str) -> ChecklistItem:
    """One step, of a task or project that is still there."""
    ctx.require(Permission.READ_TASKS)
    item = ctx.find(ChecklistItem, item_id)
    if item.task_id is not None:
        ctx.find(Task, item.task_id)
    else:
        ctx.find(Project, item.project_id)
    return item


def change(ctx: Context, item_id: str, *, text: str) -> ChecklistItem:
    """Put a step into other words."""
    item = _locked(ctx, item_id)
    if ctx.change(item, text=_checked(text)):
        ctx.record("updated", item)
    return item


def tick(ctx: Context, item_id: str, *, done: bool) -> ChecklistItem:
    """Say that a step is done, or that it is not."""
    item = _locked(ctx, item_id)
    if ctx.change(item, done=done):
        ctx.record("ticked" if done else "unticked", item)
    return item


def delete(ctx: Context, item_id: str) -> None:
    """Delete a step, with what was said about it."""
    item = _locked(ctx, item_id)
    ctx.write(_DELETE_COMMENTS, id=item.id, now=ctx.now)
    ctx.change(item, deleted_at=ctx.now)
    ctx.record("deleted", item)


def put_in_order(ctx: Context, item_ids: list[str]) -> None:
    """Give the steps of one checklist their positions, from 1, in this order."""
    wanted = list(dict.fromkeys(item_ids))
    known = cast_rows(ctx.rows(_THESE, ids=wanted), ChecklistItem)
    if len(known) < len(wanted):
        raise Absent(fields={"checklist_ids": "no such checklist item"})
    places = {(item.task_id, item.project_id) for item in known}
    if len(places) > 1:
        raise Invalid(fields={"checklist_ids": "must be items of one checklist"})
    for task_id, project_id in places:
        try:
            _queue_up(ctx, task_id, project_id)
        except NotFound:
            raise Absent(fields={"checklist_ids": "no such checklist item"}) from None
        ctx.write(_PLACE, ids=wanted, now=ctx.now)
        ctx.record_facts("ordered", known[0], items=wanted)


def progress(ctx: Context, *, task_id: str | None = None, project_id: str | None = None) -> tuple[int, int]:
    """How many steps a checklist has, and how many of them are done."""
    ctx.require(Permission.READ_TASKS)
    total, done = ctx.row(_PROGRESS, task_id=task_id, project_id=project_id) or (0, 0)
    return total, done


def copy(ctx: Context, source: Task, target: Task) -> list[ChecklistItem]:
    """Give a task the steps of another, none of them done."""
    copied: list[ChecklistItem] = []
    for position, item in enumerate(cast_rows(ctx.rows(_OF_TASK, task_id=source.id), ChecklistItem), 1):
        made = ctx.add(ChecklistItem(task_id=target.id, text=item.text, position=position), later=True)
        ctx.record("created", made)
        copied.append(made)
    return copied


def _locked(ctx: Context, item_id: str) -> ChecklistItem:
    """A step for whoever may change it, behind whoever else is at its checklist."""
    item = ctx.find(ChecklistItem, item_id)
    _queue_up(ctx, item.task_id, item.project_id)
    return ctx.find(ChecklistItem, item_id, lock="update")


def _queue_up(ctx: Context, task_id: str | None, project_id: str | None) -> None:
    """Whoever may change a task may change its steps; those of a project are for whoever may change that."""
    if project_id is None:
        tasks.to_work_on(ctx, task_id or "")
    else:
        ctx.require(Permission.CHANGE_PROJECTS)
        ctx.find(Project, project_id, lock="update")


def _checked(text: str) -> str:
    text = text.strip()
    if not 1 <= len(text) <= LONGEST_TEXT:
        raise Invalid(fields={"text": f"1 to {LONGEST_TEXT} characters"})
    return text


_ids = bindparam("ids", type_=ARRAY(_table.c.id.type))
_live = (_table.c.workspace_id == workspace(), _table.c.deleted_at.is_(None))
_here = (
    *_live,
    # One of the two is null: `= NULL` is true of no row.
    or_(
        _table.c.task_id == bindparam("task_id", type_=_table.c.id.type),
        _table.c.project_id == bindparam("project_id", type_=_table.c.id.type),
    ),
)
_NEXT = Prepared(select(func.coalesce(func.max(_table.c.position), 0) + 1).where(*_here))
_PROGRESS = Prepared(select(func.count(), func.count().filter(_table.c.done)).where(*_here))
_OF_TASK = Prepared(
    select(_table)
    .where(*_live, _table.c.task_id == bindparam("task_id", type_=_table.c.id.type))
    .order_by(_table.c.position, _table.c.id)
)
_THESE = Prepared(select(_table).where(*_live, _table.c.id == func.any(_ids)))
_PLACE = Prepared(
    update(_table)
    .where(*_live, _table.c.id == func.any(_ids))
    .values(
        position=func.array_position(_ids, _table.c.id), updated_at=bindparam("now", type_=_table.c.updated_at.type)
    )
)
_DELETE_COMMENTS = Prepared(
    text("""
        UPDATE comments SET deleted_at = :now, updated_at = :now
        WHERE workspace_id = :workspace AND checklist_item_id = :id AND deleted_at IS NULL
    """)
)
