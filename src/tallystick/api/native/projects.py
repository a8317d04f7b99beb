"""Projects on the wire (contract hoursmith 2.5)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from tallystick.api.fields import Hours, Money, Uuid
from tallystick.api.native.views import View
from tallystick.api.native.wire import lists, read_only
from tallystick.api.wire import Ask, Nothing, Operation
from tallystick.domain import projects
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.projects import Project, RateType, Status

Text = Annotated[str, Meta(max_length=10_000)]


class ProjectJson(Struct, rename="camel", gc=False):
    id: str
    org_id: str
    client_id: str | None
    name: str
    description: str | None
    color: str | None
    status: Status
    rate_type: RateType
    hourly_rate: str | None
    fixed_fee_amount: str | None
    budget_hours: str | None
    budget_amount: str | None
    start_date: date | None
    due_date: date | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


class ProjectFields(Struct, rename="camel"):
    client_id: Uuid | UnsetType = UNSET
    name: Annotated[str, Meta(min_length=1, max_length=200)] | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET
    color: Annotated[str, Meta(max_length=32)] | UnsetType | None = UNSET
    status: Status | UnsetType = UNSET
    rate_type: RateType | UnsetType = UNSET
    hourly_rate: Money | UnsetType | None = UNSET
    fixed_fee_amount: Money | UnsetType | None = UNSET
    budget_hours: Hours | UnsetType | None = UNSET
    budget_amount: Money | UnsetType | None = UNSET
    start_date: date | UnsetType | None = UNSET
    due_date: date | UnsetType | None = UNSET


PROJECT = View(Project, ProjectJson)
_READ_ONLY = read_only(ProjectJson, ProjectFields)


def create_project(ctx: Context, ask: Ask) -> Struct:
    return PROJECT.one(ctx.actor, projects.create(ctx, **ask.facts))


def get_project(ctx: Context, ask: Ask) -> Struct:
    return PROJECT.one(ctx.actor, projects.read(ctx, ask.id))


def update_project(ctx: Context, ask: Ask) -> Struct:
    return PROJECT.one(ctx.actor, projects.change(ctx, ask.id, **ask.facts))


def archive_project(ctx: Context, ask: Ask) -> Struct:
    return PROJECT.one(ctx.actor, projects.archive(ctx, ask.id))


def delete_project(ctx: Context, ask: Ask) -> None:
    projects.archive(ctx, ask.id)


OPERATIONS = (
    Operation(
        "listProjects", "GET", "/projects", lists(projects.PROJECTS, PROJECT), "List projects",
        Permission.READ_PROJECTS, ProjectJson, listing=projects.PROJECTS, tag="Projects",
    ),
    Operation(
        "createProject", "POST", "/projects", create_project, "Create a project", Permission.CHANGE_PROJECTS,
        ProjectJson, status=201, body=ProjectFields, required=("client_id", "name"), read_only=_READ_ONLY,
        tag="Projects",
    ),
    Operation(
        "getProject", "GET", "/projects/{id}", get_project, "Get a project",
        Permission.READ_PROJECTS, ProjectJson, tag="Projects",
    ),
    Operation(
        "updateProject", "PATCH", "/projects/{id}", update_project, "Change a project", Permission.CHANGE_PROJECTS,
        ProjectJson, body=ProjectFields, read_only=_READ_ONLY, tag="Projects",
    ),
    Operation(
        "archiveProject", "POST", "/projects/{id}/archive", archive_project,
        "Archive a project; its tasks and time stay", Permission.CHANGE_PROJECTS, ProjectJson, body=Nothing,
        tag="Projects",
    ),
    Operation(
        "deleteProject", "DELETE", "/projects/{id}", delete_project, "Archive a project",
        Permission.CHANGE_PROJECTS, status=204, body=Nothing, tag="Projects",
    ),
)  # fmt: skip
