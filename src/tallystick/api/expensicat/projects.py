"""Projects on the wire (contract expensicat 3)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from tallystick.api.expensicat.wire import Part, filters_of, in_domain, page_of
from tallystick.api.fields import Money, Uuid
from tallystick.api.wire import Ask, Operation
from tallystick.domain import projects
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.reports import joined as reports
from tallystick.domain.reports.joined import PROJECTS, ProjectSeen
from tallystick.values.money import decimal_text


class ProjectCustomer(Struct, gc=False):
    id: str
    name: str
    email: str | None


class ProjectJson(Struct, gc=False):
    id: str
    organization_id: str
    name: str
    customer_id: str | None
    hourly_rate: str | None
    currency: str | None
    active: bool
    created_at: datetime
    updated_at: datetime
    customer: ProjectCustomer | None


class ProjectFields(Struct):
    name: Annotated[str, Meta(min_length=1, max_length=200)] | UnsetType = UNSET
    customer_id: Uuid | UnsetType | None = UNSET
    hourly_rate: Money | UnsetType | None = UNSET
    currency: Annotated[str, Meta(pattern="^[A-Za-z]{3}$")] | UnsetType | None = UNSET


class ProjectChanges(ProjectFields):
    active: bool | UnsetType | None = UNSET


def list_projects(ctx: Context, ask: Ask) -> Part:
    rows, after = reports.page(
        ctx, PROJECTS, ProjectSeen, filters_of(ask.query), sort="-created_at", **page_of(ask.query)
    )
    return Part([_shown(ctx, row) for row in rows], after)


def create_project(ctx: Context, ask: Ask) -> Struct:
    facts = _facts(ask)
    return _one(ctx, projects.create(ctx, client_id=facts.pop("client_id", None), **facts).id)


def get_project(ctx: Context, ask: Ask) -> Struct:
    return _one(ctx, ask.id)


def update_project(ctx: Context, ask: Ask) -> Struct:
    facts = _facts(ask)
    active: bool | None = facts.pop("active", None)
    project = projects.change(ctx, ask.id, **facts)
    if active is False:
        projects.archive(ctx, ask.id)
    elif active and project.status == "ARCHIVED":
        projects.change(ctx, ask.id, status="ACTIVE")
    return _one(ctx, ask.id)


def delete_project(ctx: Context, ask: Ask) -> None:
    projects.archive(ctx, ask.id)


def _facts(ask: Ask) -> dict[str, Any]:
    facts = in_domain(ask.facts)
    if facts.get("currency") is not None:
        facts["currency"] = facts["currency"].upper()
    return facts


def _one(ctx: Context, project_id: str) -> Struct:
    return _shown(ctx, reports.project(ctx, project_id))


def _shown(ctx: Context, row: ProjectSeen) -> ProjectJson:
    customer = None
    if row.client_id is not None and row.client_name is not None:
        customer = ProjectCustomer(row.client_id, row.client_name, row.client_email)
    return ProjectJson(
        id=row.id,
        organization_id=ctx.actor.workspace_id,
        name=row.name,
        customer_id=row.client_id,
        hourly_rate=None if row.hourly_rate is None else decimal_text(row.hourly_rate),
        currency=row.currency,
        active=row.status != "ARCHIVED",
        created_at=row.created_at,
        updated_at=row.updated_at,
        customer=customer,
    )


_READ, _WRITE, _TAG = "entries:read", "entries:write", "Projects"

OPERATIONS = (
    Operation(
        "listProjects", "GET", "/projects", list_projects, "List projects, newest first", Permission.READ_PROJECTS,
        ProjectJson, listing=PROJECTS.everyone, parameters={"q": PROJECTS.everyone.filters["search"]}, scope=_READ,
        tag=_TAG,
    ),
    Operation(
        "createProject", "POST", "/projects", create_project, "Create a project", Permission.CHANGE_PROJECTS,
        ProjectJson, status=201, body=ProjectFields, required=("name",), scope=_WRITE, tag=_TAG,
    ),
    Operation(
        "getProject", "GET", "/projects/{id}", get_project, "Get a project", Permission.READ_PROJECTS, ProjectJson,
        scope=_READ, tag=_TAG,
    ),
    Operation(
        "updateProject", "PATCH", "/projects/{id}", update_project, "Update project fields",
        Permission.CHANGE_PROJECTS, ProjectJson, body=ProjectChanges, scope=_WRITE, tag=_TAG,
    ),
    Operation(
        "deleteProject", "DELETE", "/projects/{id}", delete_project, "Archive a project; its time stays",
        Permission.CHANGE_PROJECTS, status=204, scope=_WRITE, tag=_TAG,
    ),
)  # fmt: skip
