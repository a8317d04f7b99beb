"""Milestones: the parts of a project, in order; the tasks of no other are in its uncategorised one."""

from __future__ import annotations

from typing import Final

from sqlalchemy import ARRAY, BigInteger, bindparam, func, literal_column, select, update

from tallystick.db.base import table_of
from tallystick.db.session import Prepared
from tallystick.domain import tasks
from tallystick.domain.access import Permission
from tallystick.domain.context import SENTENCES, Context, workspace
from tallystick.domain.listing import Listing
from tallystick.domain.projects import Milestone, Project, uncategorised
from tallystick.domain.tasks import Task
from tallystick.values.errors import Absent, Conflict, Invalid

TAKEN: Final = "This project has a milestone with this title already."
LONGEST_TITLE: Final = 200
LONGEST_COLOR: Final = 30

_table, _task = table_of(Milestone), table_of(Task)
_TASKS_COUNT = literal_column(
    "(SELECT count(*) FROM tasks WHERE tasks.workspace_id = milestones.workspace_id "
    "AND tasks.milestone_id = milestones.id AND tasks.deleted_at IS NULL)",
    BigInteger(),
)

MILESTONES = Listing(
    Milestone,
    sorts=("title", "position", "created_at"),
    search=("title",),
    exact=("project_id", "uncategorised"),
    computed={"tasks_count": _TASKS_COUNT},
    names=("title",),
)


def create(ctx: Context, *, project_id: str, title: str, color: str = "default") -> Milestone:
    """Add a milestone to a project, behind the others. A project has a title once."""
    ctx.require(Permission.CHANGE_PROJECTS)
    project = ctx.reference(Project, project_id, "project_id", lock="update")  # those who add one queue up
    title = _checked(title, color)
    _refuse_taken(ctx, project.id, title)
    (position,) = ctx.row(_NEXT, project_id=project.id) or (1,)
    milestone = ctx.add(Milestone(project_id=project.id, title=title, color=color, position=position))
    ctx.record("created", milestone)
    return milestone


def read(ctx: Context, milestone_id: str) -> Milestone:
    """One milestone."""
    ctx.require(Permission.READ_PROJECTS)
    return ctx.find(Milestone, milestone_id)


def change(ctx: Context, milestone_id: str, *, title: str, color: str) -> Milestone:
    """Change title and color."""
    ctx.require(Permission.CHANGE_PROJECTS)
    milestone = ctx.find(Milestone, milestone_id, lock="update")
    title = _checked(title, color)
    if title.lower() != milestone.title.lower():
        _refuse_taken(ctx, milestone.project_id, title)
    if ctx.change(milestone, title=title, color=color):
        ctx.record("updated", milestone)
    return milestone


def delete(ctx: Context, milestone_id: str, *, with_tasks: bool = False) -> None:
    """Delete a milestone. Its tasks go to the uncategorised one, or are put away with it; their time stays."""
    ctx.require(Permission.CHANGE_PROJECTS)
    milestone = ctx.find(Milestone, milestone_id, lock="update")
    if milestone.uncategorised:
        raise Conflict("This is the project's default milestone. It cannot be deleted.")
    for (task_id,) in ctx.rows(_TASKS, id=milestone.id) if with_tasks else ():
        tasks.archive(ctx, task_id)
    ctx.write(_MOVE_TASKS, id=milestone.id, target=uncategorised(ctx, milestone.project_id), now=ctx.now)
    ctx.change(milestone, deleted_at=ctx.now)
    ctx.record("deleted", milestone)


def put_in_order(ctx: Context, milestone_ids: list[str]) -> None:
    """Give milestones of one project their positions, from 1, in this order."""
    ctx.require(Permission.CHANGE_PROJECTS)
    wanted = list(dict.fromkeys(milestone_ids))
    known: dict[str, str] = dict(ctx.rows(_THESE, ids=wanted))  # type: ignore[arg-type]  # rows of two
    if len(known) < len(wanted):
        raise Absent(fields={"milestones": "no such milestone"})
    if len(set(known.values())) > 1:
        raise Invalid(fields={"milestones": "must be milestones of one project"})
    for project_id in set(known.values()):
        ctx.find(Project, project_id, lock="update")  # those who put it in another order queue up
        ctx.write(_PLACE, ids=wanted, now=ctx.now)
        ctx.record_facts("ordered", ctx.find(Milestone, wanted[0]), project_id=project_id, milestones=wanted)


def _checked(title: str, color: str) -> str:
    title = title.strip()
    wrong: dict[str, str] = {}
    if not 1 <= len(title) <= LONGEST_TITLE:
        wrong["title"] = f"1 to {LONGEST_TITLE} characters"
    if not 1 <= len(color) <= LONGEST_COLOR:
        wrong["color"] = f"1 to {LONGEST_COLOR} characters"
    if wrong:
        raise Invalid(fields=wrong)
    return title


def _refuse_taken(ctx: Context, project_id: str, title: str) -> None:
    if ctx.row(_TITLED, project_id=project_id, title=title) is not None:
        raise Conflict(TAKEN)


_id = bindparam("id", type_=_table.c.id.type)
_ids = bindparam("ids", type_=ARRAY(_table.c.id.type))
_project_id = bindparam("project_id", type_=_table.c.id.type)
_now = bindparam("now", type_=_table.c.updated_at.type)
_here = (_table.c.workspace_id == workspace(), _table.c.project_id == _project_id, _table.c.deleted_at.is_(None))
_NEXT = Prepared(select(func.coalesce(func.max(_table.c.position), 0) + 1).where(*_here))
_TITLED = Prepared(
    select(_table.c.id).where(
        *_here, func.lower(_table.c.title) == func.lower(bindparam("title", type_=_table.c.title.type))
    )
)
_THESE = Prepared(
    select(_table.c.id, _table.c.project_id).where(
        _table.c.workspace_id == workspace(), _table.c.id == func.any(_ids), _table.c.deleted_at.is_(None)
    )
)
_PLACE = Prepared(
    update(_table)
    .where(_table.c.workspace_id == workspace(), _table.c.id == func.any(_ids))
    .values(position=func.array_position(_ids, _table.c.id), updated_at=_now)
)
_TASKS = Prepared(
    select(_task.c.id)
    .where(_task.c.workspace_id == workspace(), _task.c.milestone_id == _id, _task.c.deleted_at.is_(None))
    .order_by(_task.c.id)
)
_MOVE_TASKS = Prepared(
    # What was put away goes along: nothing is left that refers to the milestone.
    update(_task)
    .where(_task.c.workspace_id == workspace(), _task.c.milestone_id == _id)
    .values(milestone_id=bindparam("target", type_=_table.c.id.type), updated_at=_now)
)

SENTENCES["uq_milestones_title"] = Conflict(TAKEN)
