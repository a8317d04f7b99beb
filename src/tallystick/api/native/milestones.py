"""Milestones on the wire: the parts of a project, and of its fixed fee. Ours."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from tallystick.api.fields import Money, Uuid
from tallystick.api.native.views import View
from tallystick.api.native.wire import lists, read_only
from tallystick.api.wire import Ask, Nothing, Operation
from tallystick.domain import milestones
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.projects import Milestone, MilestoneState


class MilestoneJson(Struct, rename="camel", gc=False):
    id: str
    org_id: str
    project_id: str
    title: str
    color: str
    position: int
    uncategorised: bool
    amount: str | None
    state: MilestoneState
    reached_on: date | None
    invoice_id: str | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


class MilestoneChanges(Struct, rename="camel"):
    title: Annotated[str, Meta(min_length=1, max_length=200)] | UnsetType = UNSET
    color: Annotated[str, Meta(min_length=1, max_length=30)] | UnsetType = UNSET
    amount: Money | UnsetType | None = UNSET


class MilestoneFields(MilestoneChanges, rename="camel"):
    project_id: Uuid | UnsetType = UNSET


class ReachedFields(Struct, rename="camel"):
    reached_on: date | UnsetType | None = UNSET


MILESTONE = View(Milestone, MilestoneJson)
_READ_ONLY: Final = read_only(MilestoneJson, MilestoneFields)


def get_milestone(ctx: Context, ask: Ask) -> Struct:
    return MILESTONE.one(ctx.actor, milestones.read(ctx, ask.id))


def create_milestone(ctx: Context, ask: Ask) -> Struct:
    return MILESTONE.one(ctx.actor, milestones.create(ctx, **ask.facts))


def update_milestone(ctx: Context, ask: Ask) -> Struct:
    return MILESTONE.one(ctx.actor, milestones.change(ctx, ask.id, **ask.facts))


def delete_milestone(ctx: Context, ask: Ask) -> None:
    milestones.delete(ctx, ask.id)


def reach_milestone(ctx: Context, ask: Ask) -> Struct:
    return MILESTONE.one(ctx.actor, milestones.reach(ctx, ask.id, on=ask.facts.get("reached_on")))


def reopen_milestone(ctx: Context, ask: Ask) -> Struct:
    return MILESTONE.one(ctx.actor, milestones.reopen(ctx, ask.id))


_CHANGE: Final = Permission.CHANGE_PROJECTS
_TAG: Final = "Milestones"
_BILLED: Final = "The milestone is on an invoice"

OPERATIONS = (
    Operation(
        "listMilestones", "GET", "/milestones", lists(milestones.MILESTONES, MILESTONE), "List milestones",
        Permission.READ_PROJECTS, MilestoneJson, listing=milestones.MILESTONES, tag=_TAG,
    ),
    Operation(
        "createMilestone", "POST", "/milestones", create_milestone, "Add a milestone to a project", _CHANGE,
        MilestoneJson, status=201, body=MilestoneFields, required=("project_id", "title"), read_only=_READ_ONLY,
        conflicts="The project has a milestone with this title.", tag=_TAG,
    ),
    Operation(
        "getMilestone", "GET", "/milestones/{id}", get_milestone, "Get a milestone", Permission.READ_PROJECTS,
        MilestoneJson, tag=_TAG,
    ),
    Operation(
        "updateMilestone", "PATCH", "/milestones/{id}", update_milestone, "Change a milestone", _CHANGE,
        MilestoneJson, body=MilestoneChanges, read_only=read_only(MilestoneJson, MilestoneChanges),
        conflicts=f"{_BILLED}, or another one has the title.", tag=_TAG,
    ),
    Operation(
        "deleteMilestone", "DELETE", "/milestones/{id}", delete_milestone,
        "Delete a milestone; its tasks go to the project's default one", _CHANGE, status=204, body=Nothing,
        conflicts=f"{_BILLED}, or is the project's default one.", tag=_TAG,
    ),
    Operation(
        "reachMilestone", "POST", "/milestones/{id}/reach", reach_milestone,
        "Say that a milestone is reached: it can be billed", _CHANGE, MilestoneJson, body=ReachedFields,
        conflicts=f"{_BILLED}.", tag=_TAG,
    ),
    Operation(
        "reopenMilestone", "POST", "/milestones/{id}/reopen", reopen_milestone,
        "Say that a milestone is not reached after all", _CHANGE, MilestoneJson, body=Nothing,
        conflicts=f"{_BILLED}.", tag=_TAG,
    ),
)  # fmt: skip
