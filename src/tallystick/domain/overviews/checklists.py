"""Steps of checklists by number: each with what it is a step of, and how much was said about it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NamedTuple

from tallystick.db.base import table_of
from tallystick.domain import checklists
from tallystick.domain.access import Permission
from tallystick.domain.checklists import ChecklistItem
from tallystick.domain.context import Context
from tallystick.domain.listing import Filter, Listing
from tallystick.domain.overviews import beside, numbered
from tallystick.domain.projects import Project
from tallystick.domain.tasks import Task


class StepSeen(NamedTuple):
    """A step, with the number of its task or its project."""

    id: str
    serial: int
    text: str
    done: bool
    position: int
    task: int | None
    project: int | None
    comments_count: int
    created_at: datetime
    updated_at: datetime


def one(ctx: Context, identity: str | int) -> StepSeen:
    """One step, of a task or project that is still there: by its number, or by its id where that is at hand."""
    ctx.require(Permission.READ_TASKS)
    by = "serial" if isinstance(identity, int) else "id"
    found = StepSeen._make(CHECKLISTS.one(ctx, StepSeen._fields, identity, by))
    checklists.read(ctx, found.id)
    return found


def page(ctx: Context, filters: dict[str, Any], **where: Any) -> tuple[list[StepSeen], int]:
    """One page of steps by its number, and how many there are on all of them."""
    ctx.require(Permission.READ_TASKS)
    found = CHECKLISTS.numbered(ctx, StepSeen._fields, filters, **where)
    return [StepSeen._make(row) for row in found.rows], found.total


_item = table_of(ChecklistItem)

CHECKLISTS: Final = Listing(
    ChecklistItem,
    sorts=("position", "done", "created_at"),
    computed={
        **checklists.CHECKLISTS.computed,
        "task": beside(ChecklistItem, Task, "serial", _item.c.task_id),
        "project": beside(ChecklistItem, Project, "serial", _item.c.project_id),
    },
    extra={
        "task": Filter("number", _item.c.task_id == numbered(Task, "task")),
        "project": Filter("number", _item.c.project_id == numbered(Project, "project")),
    },
)
"""Steps of all checklists, by pages with numbers."""
