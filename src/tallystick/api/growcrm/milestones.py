"""Milestones on the wire (contract growcrm 6.1): the parts of a project, in order."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from tallystick.api.growcrm.laravel import Flag, Whole, in_terms_of
from tallystick.api.growcrm.parts import Stamps, Title, reference, stamps
from tallystick.api.growcrm.wire import NOTHING, Id, Page, page_of
from tallystick.api.wire import Ask, Operation
from tallystick.domain import milestones, overviews
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.listing import Filter
from tallystick.domain.overviews.milestones import MilestoneSeen, one, page
from tallystick.domain.projects import Milestone, Project

Color = Annotated[str, Meta(max_length=30)]


class MilestoneJson(Struct, gc=False):
    id: int
    title: str
    project_id: int
    type: Literal["categorised", "uncategorised"]
    color: str
    position: int
    creator_id: int
    tasks_count: int
    dates: Stamps


class MilestoneOrder(Struct, gc=False):
    milestones: list[int]


class MilestoneChange(Struct):
    milestone_title: Title | UnsetType = UNSET
    milestone_color: Color | UnsetType = UNSET


class MilestoneFields(MilestoneChange):
    milestone_projectid: Whole | UnsetType = UNSET


class MilestoneRemoval(Struct):
    delete_tasks: Flag | UnsetType | None = UNSET


class MilestonesField(Struct):
    milestones: list[Whole] | UnsetType = UNSET


def list_milestones(ctx: Context, ask: Ask) -> Page:
    query = ask.query
    if NOTHING in query:
        return Page([], 0)
    filters = {"project": query.get("project_id"), "search": query.get("search")}
    filters["uncategorised"] = None if "type" not in query else query["type"] == "uncategorised"
    rows, total = page(ctx, filters, **page_of(query))
    return Page([_shown(row) for row in rows], total)


def get_milestone(ctx: Context, ask: Ask) -> Struct:
    return _shown(one(ctx, int(ask.id)))


def create_milestone(ctx: Context, ask: Ask) -> Struct:
    given = ask.facts
    project_id = reference(ctx, Project, given["milestone_projectid"], "milestone_projectid")
    with in_terms_of(_NAMES):
        made = milestones.create(
            ctx, project_id=project_id, title=given["milestone_title"], color=given["milestone_color"]
        )
    return _shown(one(ctx, made.id))


def update_milestone(ctx: Context, ask: Ask) -> Struct:
    title, color = ask.facts["milestone_title"], ask.facts["milestone_color"]
    with in_terms_of(_NAMES):
        changed = milestones.change(ctx, _id(ctx, ask), title=title, color=color)
    return _shown(one(ctx, changed.id))


def delete_milestone(ctx: Context, ask: Ask) -> Id:
    milestones.delete(ctx, _id(ctx, ask), with_tasks=bool(ask.facts.get("delete_tasks")))
    return Id(int(ask.id))


def set_milestone_positions(ctx: Context, ask: Ask) -> MilestoneOrder:
    numbers: list[int] = ask.facts["milestones"]
    wanted = [reference(ctx, Milestone, number, "milestones") for number in numbers]
    with in_terms_of({}):
        milestones.put_in_order(ctx, wanted)
    return MilestoneOrder(numbers)


def _id(ctx: Context, ask: Ask) -> str:
    return overviews.id_of(ctx, Milestone, int(ask.id))


def _shown(row: MilestoneSeen) -> MilestoneJson:
    return MilestoneJson(
        row.serial,
        row.title,
        row.project,
        "uncategorised" if row.uncategorised else "categorised",
        row.color,
        row.position,
        row.creator,
        row.tasks_count,
        stamps(row.created_at, row.updated_at),
    )


_NAMES: Final = {"title": "milestone_title", "color": "milestone_color"}
_NONE: Final[Any] = None
_PARAMETERS: Final = {
    "project_id": Filter("number", _NONE, required=True),
    "type": Filter("choice", _NONE, choices=("categorised", "uncategorised")),
    "search": Filter("text", _NONE, about="A part of the title, in whatever case."),
}
_SORTS: Final = {
    "milestone_created": "created_at",
    "milestone_title": "title",
    "milestone_position": "position",
}
_CHANGE: Final = Permission.CHANGE_PROJECTS
_TAKEN: Final = "The project has a milestone with this title already."
_TAG: Final = "Milestones"

OPERATIONS = (
    Operation(
        "listMilestones", "GET", "/milestones", list_milestones, "List the milestones of a project",
        Permission.READ_PROJECTS, MilestoneJson, parameters=_PARAMETERS, sorts=_SORTS,
        message="Milestones retrieved successfully.", tag=_TAG,
    ),
    Operation(
        "createMilestone", "POST", "/milestones", create_milestone, "Add a milestone to a project, behind the others",
        _CHANGE, MilestoneJson, status=201, body=MilestoneFields,
        required=("milestone_projectid", "milestone_title", "milestone_color"), conflicts=_TAKEN,
        message="Milestone created successfully.", tag=_TAG,
    ),
    Operation(
        "setMilestonePositions", "PUT", "/milestones/positions", set_milestone_positions,
        "Put milestones of one project in this order", _CHANGE, MilestoneOrder, body=MilestonesField,
        required=("milestones",), message="Milestone positions updated successfully.", tag=_TAG,
    ),
    Operation(
        "getMilestone", "GET", "/milestones/{id}", get_milestone, "Get a milestone", Permission.READ_PROJECTS,
        MilestoneJson, message="Milestone retrieved successfully.", tag=_TAG,
    ),
    Operation(
        "updateMilestone", "PATCH", "/milestones/{id}", update_milestone, "Change a milestone", _CHANGE,
        MilestoneJson, body=MilestoneChange, required=("milestone_title", "milestone_color"), conflicts=_TAKEN,
        message="Milestone updated successfully.", tag=_TAG,
    ),
    Operation(
        "deleteMilestone", "DELETE", "/milestones/{id}", delete_milestone,
        "Delete a milestone; its tasks go to the default one, or with it", _CHANGE, Id, body=MilestoneRemoval,
        conflicts="It is the project's default milestone.", message="Milestone deleted successfully.", tag=_TAG,
    ),
)  # fmt: skip
