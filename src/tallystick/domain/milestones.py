"""Milestones: the parts of a project, in order; the tasks of no other are in its uncategorised one.

On a project with a fixed fee a milestone may have a part of it, which is billed once the milestone is reached.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import ARRAY, BigInteger, bindparam, func, literal_column, select, update

from tallystick.db.base import table_of
from tallystick.db.session import Prepared
from tallystick.domain import tasks
from tallystick.domain.access import Permission
from tallystick.domain.context import SENTENCES, Context, workspace
from tallystick.domain.listing import Listing
from tallystick.domain.projects import MILESTONE_STATES, Milestone, Project, uncategorised
from tallystick.domain.projects import promised as promised_of
from tallystick.domain.tasks import Task
from tallystick.values.errors import Absent, Conflict, Invalid
from tallystick.values.money import minor_unit

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
    sorts=("title", "position", "created_at", "id"),
    search=("title",),
    exact=("project_id", "uncategorised", "state"),
    choices={"state": MILESTONE_STATES},
    computed={"tasks_count": _TASKS_COUNT},
    names=("title",),
)


def create(
    ctx: Context, *, project_id: str, title: str, color: str = "default", amount: Decimal | None = None
) -> Milestone:
    """Add a milestone to a project, behind the others. A project has a title once."""
    ctx.require(Permission.CHANGE_PROJECTS)
    project = ctx.reference(Project, project_id, "project_id", lock="update")  # those who add one queue up
    title = _checked(title, color)
    _refuse_taken(ctx, project.id, title)
    if amount is not None:
        _check_amount(ctx, project, amount)
    (position,) = ctx.row(_NEXT, project_id=project.id) or (1,)
    milestone = ctx.add(Milestone(project_id=project.id, title=title, color=color, position=position, amount=amount))
    milestone.state = "OPEN"
    ctx.record("created", milestone)
    return milestone


def read(ctx: Context, milestone_id: str) -> Milestone:
    """One milestone."""
    ctx.require(Permission.READ_PROJECTS)
    return ctx.find(Milestone, milestone_id)


def change(ctx: Context, milestone_id: str, **facts: Any) -> Milestone:
    """Change title, color, or the part of the fee, which stays as it is once it is billed."""
    ctx.require(Permission.CHANGE_PROJECTS)
    project = ctx.find(Project, ctx.find(Milestone, milestone_id).project_id, lock="update")
    milestone = ctx.find(Milestone, milestone_id, lock="update")
    title = _checked(facts.get("title", milestone.title), facts.get("color", milestone.color))
    if title.lower() != milestone.title.lower():
        _refuse_taken(ctx, milestone.project_id, title)
    if "title" in facts:
        facts["title"] = title
    amount = facts.get("amount", milestone.amount)
    if amount != milestone.amount:
        _refuse_billed(milestone)
        if amount is not None and milestone.uncategorised:
            raise Invalid(fields={"amount": "the project's default milestone has none; add a milestone for it"})
        if amount is not None:
            _check_amount(ctx, project, amount, milestone)
    if ctx.change(milestone, **facts):
        ctx.record("updated", milestone)
    return milestone


def reach(ctx: Context, milestone_id: str, *, on: date | None = None) -> Milestone:
    """Say that a milestone is reached, on a day, else today: what it has of the fee can be billed from then on."""
    ctx.require(Permission.CHANGE_PROJECTS)
    milestone = ctx.find(Milestone, milestone_id, lock="update")
    day = on or milestone.reached_on or ctx.today()
    if day != milestone.reached_on:
        _refuse_billed(milestone)
        ctx.change(milestone, reached_on=day)
        milestone.state = "REACHED"
        ctx.record("reached", milestone)
    return milestone


def reopen(ctx: Context, milestone_id: str) -> Milestone:
    """Say that a milestone is not reached after all."""
    ctx.require(Permission.CHANGE_PROJECTS)
    milestone = ctx.find(Milestone, milestone_id, lock="update")
    if milestone.reached_on is not None:
        _refuse_billed(milestone)
        ctx.change(milestone, reached_on=None)
        milestone.state = "OPEN"
        ctx.record("reopened", milestone)
    return milestone


def delete(ctx: Context, milestone_id: str, *, with_tasks: bool = False) -> None:
    """Delete a milestone. Its tasks go to the uncategorised one, or are put away with it; their time stays."""
    ctx.require(Permission.CHANGE_PROJECTS)
    milestone = ctx.find(Milestone, milestone_id, lock="update")
    if milestone.uncategorised:
        raise Conflict("This is the project's default milestone. It cannot be deleted.")
    _refuse_billed(milestone)
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


def _refuse_billed(milestone: Milestone) -> None:
    if milestone.invoice_id is not None:
        raise Conflict("This milestone is on an invoice, and locked.", reason="invoiced")


def _check_amount(ctx: Context, project: Project, amount: Decimal, milestone: Milestone | None = None) -> None:
    """A part of the fee is more than nothing, and all together are no more than the fee. The project is locked."""
    if project.fixed_fee_amount is None:
        raise Invalid(fields={"amount": "only on a project with a fixed fee (rateType FIXED)"})
    promised = promised_of(ctx, project.id)
    places = minor_unit(promised.currency)
    if amount <= 0:
        raise Invalid(fields={"amount": "must be more than 0"})
    if amount != round(amount, places):
        raise Invalid(fields={"amount": f"at most {places} decimals in {promised.currency}"})
    own = milestone.amount if milestone is not None else None
    left = project.fixed_fee_amount - promised.in_all + (own or Decimal(0))
    if amount > left:
        raise Invalid(fields={"amount": f"is more than what is left of the fixed fee: {max(left, Decimal(0)):f}"})


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
