"""Projects by number: each with its client, category, price, progress, and who is on it and manages it."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from sqlalchemy import ARRAY, BigInteger, Text, bindparam, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from tallystick.db.base import Row, table_of
from tallystick.domain.access import Permission
from tallystick.domain.categories import Category
from tallystick.domain.clients import Client
from tallystick.domain.context import Context
from tallystick.domain.dated_rates import on_day, today
from tallystick.domain.listing import Filter, Listing
from tallystick.domain.members import Member, Person
from tallystick.domain.overviews import beside, numbered
from tallystick.domain.projects import PROGRESS, STAGES, Project, ProjectManager, ProjectMember
from tallystick.domain.workspaces import Workspace


class ProjectSeen(NamedTuple):
    """A project, with numbers and names of what stands around it."""

    id: str
    serial: int
    name: str
    description: str | None
    reference: str | None
    stage: str
    status: str
    percent: int
    progress_manually: bool
    client: int | None
    client_name: str | None
    category: int
    category_name: str
    start_date: date | None
    due_date: date | None
    created_at: datetime
    updated_at: datetime
    rate_type: str
    price: Decimal | None
    """The fee, or what an hour costs that has no rate of its own."""
    estimated_hours: Decimal | None
    estimated_costs: Decimal | None
    clients_see_tasks: bool
    clients_work_on_tasks: bool
    clients_create_tasks: bool
    clients_see_time: bool
    clients_see_expenses: bool
    assigned_work_on_tasks: bool
    assigned: list[int] | None
    assigned_names: list[str] | None
    managers: list[int] | None
    manager_names: list[str] | None
    tags: list[str]


def one(ctx: Context, identity: str | int) -> ProjectSeen:
    """One project: by its number, or by its id where that is at hand."""
    ctx.require(Permission.SEE_EVERYONE)
    by = "serial" if isinstance(identity, int) else "id"
    return ProjectSeen._make(PROJECTS.one(ctx, ProjectSeen._fields, identity, by))


def page(ctx: Context, filters: dict[str, Any], **where: Any) -> tuple[list[ProjectSeen], int]:
    """One page of projects by its number, and how many there are on all of them."""
    ctx.require(Permission.SEE_EVERYONE)
    found = PROJECTS.numbered(ctx, ProjectSeen._fields, filters, **where)
    return [ProjectSeen._make(row) for row in found.rows], found.total


_project, _client, _studio = table_of(Project), table_of(Client), table_of(Workspace)
_member, _person = table_of(Member), table_of(Person)


def _people(of: type[Row], value: Any, kind: Any) -> Any:
    """Values of the members in a table of them, in the order of their numbers."""
    here = table_of(of)
    return (
        select(func.array_agg(aggregate_order_by(value, _member.c.number), type_=ARRAY(kind)))
        .select_from(
            here.join(
                _member, (_member.c.workspace_id == here.c.workspace_id) & (_member.c.user_id == here.c.user_id)
            ).join(_person, _person.c.id == here.c.user_id)
        )
        .where(here.c.workspace_id == _project.c.workspace_id, here.c.project_id == _project.c.id)
        .correlate(_project)
        .scalar_subquery()
    )


_usual_rate = (
    select(on_day(_studio, "default_rate", today()))
    .where(_studio.c.id == _project.c.workspace_id)
    .correlate(_project)
    .scalar_subquery()
)
_clients_rate = (
    select(on_day(_client, "default_rate", today()))
    .where(_client.c.workspace_id == _project.c.workspace_id, _client.c.id == _project.c.client_id)
    .correlate(_project)
    .scalar_subquery()
)

PROJECTS: Final = Listing(
    Project,
    sorts=("created_at", "name", "stage", "start_date", "due_date", "percent"),
    search=("name",),
    computed={
        "percent": PROGRESS,
        "client": beside(Project, Client, "serial", _project.c.client_id),
        "client_name": beside(Project, Client, "name", _project.c.client_id),
        "category": beside(Project, Category, "number", _project.c.category_id),
        "category_name": beside(Project, Category, "name", _project.c.category_id),
        "price": func.coalesce(
            _project.c.fixed_fee_amount,
            on_day(_project, "hourly_rate", today()),
            _clients_rate,
            _usual_rate,
        ),
        "assigned": _people(ProjectMember, _member.c.number, BigInteger()),
        "assigned_names": _people(ProjectMember, _person.c.name, Text()),
        "managers": _people(ProjectManager, _member.c.number, BigInteger()),
        "manager_names": _people(ProjectManager, _person.c.name, Text()),
    },
    extra={
        "stage": Filter("choice", _project.c.stage == bindparam("stage", type_=Text()), choices=STAGES),
        "client": Filter("number", _project.c.client_id == numbered(Client, "client")),
        "category": Filter("number", _project.c.category_id == numbered(Category, "category", by="number")),
    },
    ranks={"stage": STAGES},
)
"""Projects of the workspace, by pages with numbers."""
