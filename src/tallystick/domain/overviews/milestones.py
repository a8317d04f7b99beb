"""Milestones by number: each with its project, its maker, and how many tasks it holds."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NamedTuple

from tallystick.db.base import table_of
from tallystick.domain import milestones
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.listing import Filter, Listing
from tallystick.domain.overviews import beside, creator, numbered
from tallystick.domain.projects import Milestone, Project


class MilestoneSeen(NamedTuple):
    """A milestone, with the number of its project."""

    id: str
    serial: int
    title: str
    project: int
    uncategorised: bool
    color: str
    position: int
    creator: int
    tasks_count: int
    created_at: datetime
    updated_at: datetime


def one(ctx: Context, identity: str | int) -> MilestoneSeen:
    """One milestone: by its number, or by its id where that is at hand."""
    ctx.require(Permission.READ_PROJECTS)
    by = "serial" if isinstance(identity, int) else "id"
    return MilestoneSeen._make(MILESTONES.one(ctx, MilestoneSeen._fields, identity, by))


def page(ctx: Context, filters: dict[str, Any], **where: Any) -> tuple[list[MilestoneSeen], int]:
    """One page of milestones by its number, and how many there are on all of them."""
    ctx.require(Permission.READ_PROJECTS)
    found = MILESTONES.numbered(ctx, MilestoneSeen._fields, filters, **where)
    return [MilestoneSeen._make(row) for row in found.rows], found.total


_milestone = table_of(Milestone)

MILESTONES: Final = Listing(
    Milestone,
    sorts=("created_at", "title", "position"),
    search=("title",),
    computed={
        **milestones.MILESTONES.computed,
        "project": beside(Milestone, Project, "serial", _milestone.c.project_id),
        "creator": creator(Milestone),
    },
    extra={
        "project": Filter("number", _milestone.c.project_id == numbered(Project, "project")),
        "uncategorised": Filter("switch", _milestone.c.uncategorised),
    },
    names=("title",),
)
"""Milestones of all projects, by pages with numbers."""
