"""Projects on the wire (contract growcrm 4): how far they are, how they are billed, who is on them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any, Final, Literal

from msgspec import UNSET, Struct, UnsetType

from tallystick.api.growcrm import laravel
from tallystick.api.growcrm.laravel import Amount, AtLeastNothing, Flag, Whole, in_terms_of
from tallystick.api.growcrm.numbers import YesNo, money, stamp, yes_no
from tallystick.api.growcrm.parts import Named, TagsField, Title, named, people, referred, told
from tallystick.api.growcrm.tasks import AssignedField
from tallystick.api.growcrm.wire import NOTHING, Id, Page, page_of
from tallystick.api.wire import Ask, Nothing, Operation
from tallystick.domain import overviews, projects, tasks, time_entries, wholes
from tallystick.domain.access import Permission
from tallystick.domain.categories import Category
from tallystick.domain.clients import Client
from tallystick.domain.context import Context
from tallystick.domain.listing import Filter
from tallystick.domain.members import Member
from tallystick.domain.overviews.projects import ProjectSeen, one, page
from tallystick.domain.projects import Project

Stage = Literal["not_started", "in_progress", "on_hold", "cancelled", "completed"]
BillingType = Literal["hourly", "fixed"]
STAGES: Final[tuple[Stage, ...]] = ("not_started", "in_progress", "on_hold", "cancelled", "completed")


class ProjectDates(Struct, gc=False):
    start: date | None
    due: date | None
    created: str
    updated: str


class ProjectBilling(Struct, gc=False):
    type: BillingType
    rate: str
    estimated_hours: float
    costs_estimate: str


class ProjectPermissions(Struct, gc=False):
    clientperm_tasks_view: YesNo
    clientperm_tasks_collaborate: YesNo
    clientperm_tasks_create: YesNo
    clientperm_timesheets_view: YesNo
    clientperm_expenses_view: YesNo
    assignedperm_tasks_collaborate: YesNo


class ProjectJson(Struct, gc=False):
    id: int
    title: str
    description: str | None
    reference: str | None
    status: Stage
    active_state: Literal["active", "archived"]
    progress: int
    progress_manually: YesNo
    client: Named | None
    category: Named
    dates: ProjectDates
    billing: ProjectBilling
    permissions: ProjectPermissions
    assigned: list[Named]
    managers: list[Named]
    tags: list[str]


class ProjectChange(Struct):
    project_title: Title | UnsetType = UNSET
    project_date_start: date | UnsetType = UNSET
    project_categoryid: Whole | UnsetType = UNSET
    project_creatorid: Whole | UnsetType = UNSET
    project_date_due: date | UnsetType | None = UNSET
    project_description: str | UnsetType | None = UNSET
    project_billing_type: BillingType | UnsetType = UNSET
    project_billing_rate: Amount | UnsetType | None = UNSET
    project_billing_estimated_hours: AtLeastNothing | UnsetType | None = UNSET
    project_billing_costs_estimate: Amount | UnsetType | None = UNSET
    project_progress_manually: Flag | UnsetType | None = UNSET
    clientperm_tasks_view: Flag | UnsetType | None = UNSET
    clientperm_tasks_collaborate: Flag | UnsetType | None = UNSET
    clientperm_tasks_create: Flag | UnsetType | None = UNSET
    clientperm_timesheets_view: Flag | UnsetType | None = UNSET
    clientperm_expenses_view: Flag | UnsetType | None = UNSET
    assignedperm_tasks_collaborate: Flag | UnsetType | None = UNSET


class ProjectFields(ProjectChange):
    project_clientid: Whole | UnsetType = UNSET


class ProjectCopy(Struct):
    project_title: Title | UnsetType = UNSET
    project_clientid: Whole | UnsetType = UNSET
    project_categoryid: Whole | UnsetType = UNSET
    project_date_start: date | UnsetType = UNSET
    project_date_due: date | UnsetType = UNSET
    copy_milestones: Flag | UnsetType | None = UNSET
    copy_tasks: Flag | UnsetType | None = UNSET
    copy_tasks_files: Flag | UnsetType | None = UNSET
    copy_tasks_checklist: Flag | UnsetType | None = UNSET
    copy_invoices: Flag | UnsetType | None = UNSET
    copy_estimates: Flag | UnsetType | None = UNSET
    copy_files: Flag | UnsetType | None = UNSET


class ManagerField(Struct):
    manager: Whole | UnsetType | None = UNSET


class StageField(Struct):
    status: Stage | UnsetType = UNSET


class ProgressField(Struct):
    progress: Whole | UnsetType = UNSET


def list_projects(ctx: Context, ask: Ask) -> Page:
    query = ask.query
    if NOTHING in query:
        return Page([], 0)
    filters = {"client": query.get("client_id"), "category": query.get("category_id"), "search": query.get("search")}
    filters["stage"] = query["status"].upper() if "status" in query else None
    rows, total = page(ctx, filters, **page_of(query))
    return Page([_shown(row) for row in rows], total)


def get_project(ctx: Context, ask: Ask) -> Struct:
    return _shown(one(ctx, int(ask.id)))


def create_project(ctx: Context, ask: Ask) -> Struct:
    with in_terms_of(_NAMES):
        facts = {**_facts(ctx, ask.facts), **_price(ask.facts, "HOURLY")}
        made = projects.create(ctx, **facts)
    return _shown(one(ctx, made.id))


def update_project(ctx: Context, ask: Ask) -> Struct:
    was = projects.read(ctx, _id(ctx, ask))
    with in_terms_of(_NAMES):
        projects.change(ctx, was.id, **_facts(ctx, ask.facts), **_price(ask.facts, was.rate_type, was.fixed_fee_amount))
    return _shown(one(ctx, was.id))


def delete_project(ctx: Context, ask: Ask) -> Id:
    wholes.delete_project(ctx, _id(ctx, ask))
    return Id(int(ask.id))


def assign_project(ctx: Context, ask: Ask) -> Struct:
    project_id = _id(ctx, ask)
    tasks.staff(ctx, project_id, people(ctx, ask.facts.get("assigned"), "assigned"))
    return _shown(one(ctx, project_id))


def set_project_manager(ctx: Context, ask: Ask) -> Struct:
    project_id = _id(ctx, ask)
    number = ask.facts.get("manager")
    projects.set_managers(ctx, project_id, people(ctx, None if number is None else [number], "manager"))
    return _shown(one(ctx, project_id))


def set_project_status(ctx: Context, ask: Ask) -> Struct:
    changed = projects.change(ctx, _id(ctx, ask), stage=ask.facts["status"].upper())
    return _shown(one(ctx, changed.id))


def set_project_progress(ctx: Context, ask: Ask) -> Struct:
    with in_terms_of({}):
        changed = projects.change(ctx, _id(ctx, ask), progress=ask.facts["progress"], progress_manually=True)
    return _shown(one(ctx, changed.id))


def set_project_tags(ctx: Context, ask: Ask) -> Struct:
    return _shown(one(ctx, projects.change(ctx, _id(ctx, ask), tags=ask.facts.get("tags") or []).id))


def archive_project(ctx: Context, ask: Ask) -> Struct:
    return _shown(one(ctx, projects.archive(ctx, _id(ctx, ask)).id))


def restore_project(ctx: Context, ask: Ask) -> Struct:
    return _shown(one(ctx, projects.restore(ctx, _id(ctx, ask)).id))


def stop_project_timers(ctx: Context, ask: Ask) -> Id:
    time_entries.stop_all(ctx, project_id=_id(ctx, ask))
    return Id(int(ask.id))


def clone_project(ctx: Context, ask: Ask) -> Struct:
    given = ask.facts
    with in_terms_of(_NAMES):
        made = wholes.copy_project(
            ctx,
            _id(ctx, ask),
            name=given["project_title"],
            with_milestones=bool(given.get("copy_milestones")),
            with_tasks=bool(given.get("copy_tasks")),
            with_checklists=bool(given.get("copy_tasks_checklist")),
            with_invoices=bool(given.get("copy_invoices")),
            **told(given, {"project_date_start": "start_date", "project_date_due": "due_date"}),
            **referred(ctx, given, _REFERRED),
        )
    return _shown(one(ctx, made.id))


def _id(ctx: Context, ask: Ask) -> str:
    return overviews.id_of(ctx, Project, int(ask.id))


def _facts(ctx: Context, given: dict[str, Any]) -> dict[str, Any]:
    boxes = {domain: bool(given[wire]) for wire, domain in _BOXES.items() if wire in given}
    return {**told(given, _PLAIN), **boxes, **referred(ctx, given, _REFERRED)}


def _price(given: dict[str, Any], rate_type: str, fee: Decimal | None = None) -> dict[str, Any]:
    """How a project is billed; a fee that nobody says is nothing."""
    wanted = given.get("project_billing_type")
    if wanted is None and "project_billing_rate" not in given:
        return {}
    if wanted == "fixed" or (wanted is None and rate_type == "FIXED"):
        said = given.get("project_billing_rate", fee)
        return {"rate_type": "FIXED", "fixed_fee_amount": Decimal(0) if said is None else said}
    return {
        "rate_type": "HOURLY" if wanted else rate_type,
        "fixed_fee_amount": None,
        **told(given, {"project_billing_rate": "hourly_rate"}),
    }


def _check_dates(given: dict[str, Any]) -> None:
    start, due = given.get("project_date_start"), given.get("project_date_due")
    if start is not None and due is not None and due < start:
        raise laravel.wrong("project_date_due", "must be a date after or equal to project date start.")


def _check_progress(given: dict[str, Any]) -> None:
    if not 0 <= given["progress"] <= 100:
        raise laravel.wrong("progress", "must be between 0 and 100.")


def _shown(row: ProjectSeen) -> ProjectJson:
    return ProjectJson(
        row.serial,
        row.name,
        row.description,
        row.reference,
        STAGES[[stage.upper() for stage in STAGES].index(row.stage)],
        "archived" if row.status == "ARCHIVED" else "active",
        row.percent,
        yes_no(row.progress_manually),
        named(row.client, row.client_name),
        Named(row.category, row.category_name),
        ProjectDates(row.start_date, row.due_date, stamp(row.created_at), stamp(row.updated_at)),
        ProjectBilling(
            "fixed" if row.rate_type == "FIXED" else "hourly",
            money(Decimal(0) if row.price is None or row.rate_type == "NON_BILLABLE" else row.price),
            float(row.estimated_hours or 0),
            money(row.estimated_costs or Decimal(0)),
        ),
        ProjectPermissions(
            yes_no(row.clients_see_tasks),
            yes_no(row.clients_work_on_tasks),
            yes_no(row.clients_create_tasks),
            yes_no(row.clients_see_time),
            yes_no(row.clients_see_expenses),
            yes_no(row.assigned_work_on_tasks),
        ),
        _named(row.assigned, row.assigned_names),
        _named(row.managers, row.manager_names),
        row.tags,
    )


def _named(numbers: Iterable[int] | None, names: Iterable[str] | None) -> list[Named]:
    return [Named(number, name) for number, name in zip(numbers or (), names or (), strict=True)]


_PLAIN: Final = {
    "project_title": "name",
    "project_date_start": "start_date",
    "project_date_due": "due_date",
    "project_description": "description",
    "project_billing_estimated_hours": "estimated_hours",
    "project_billing_costs_estimate": "estimated_costs",
}
_BOXES: Final = {
    "project_progress_manually": "progress_manually",
    "clientperm_tasks_view": "clients_see_tasks",
    "clientperm_tasks_collaborate": "clients_work_on_tasks",
    "clientperm_tasks_create": "clients_create_tasks",
    "clientperm_timesheets_view": "clients_see_time",
    "clientperm_expenses_view": "clients_see_expenses",
    "assignedperm_tasks_collaborate": "assigned_work_on_tasks",
}
_REFERRED: Final = {
    "project_clientid": ("client_id", Client),
    "project_categoryid": ("category_id", Category),
    "project_creatorid": ("created_by", Member),
}
_NAMES: Final = {
    **{domain: wire for wire, domain in _PLAIN.items()},
    **{domain: wire for wire, (domain, _) in _REFERRED.items()},
    "hourly_rate": "project_billing_rate",
    "fixed_fee_amount": "project_billing_rate",
}
_NONE: Final[Any] = None
_PARAMETERS: Final = {
    "status": Filter("choice", _NONE, choices=STAGES),
    "client_id": Filter("number", _NONE),
    "category_id": Filter("number", _NONE),
    "search": Filter("text", _NONE, about="A part of the title, in whatever case."),
}
_SORTS: Final = {
    "project_created": "created_at",
    "project_title": "name",
    "project_status": "stage",
    "project_date_start": "start_date",
    "project_date_due": "due_date",
    "project_progress": "percent",
}
_REQUIRED: Final = ("project_title", "project_date_start", "project_categoryid")
_CHANGE: Final = Permission.CHANGE_PROJECTS
_TAG: Final = "Projects"

OPERATIONS = (
    Operation(
        "listProjects", "GET", "/projects", list_projects, "List and search projects", Permission.READ_PROJECTS,
        ProjectJson, parameters=_PARAMETERS, sorts=_SORTS, message="Projects retrieved successfully.", tag=_TAG,
    ),
    Operation(
        "createProject", "POST", "/projects", create_project, "Create a project", _CHANGE, ProjectJson, status=201,
        body=ProjectFields, required=("project_clientid", *_REQUIRED), check=_check_dates,
        message="Project created successfully.", tag=_TAG,
    ),
    Operation(
        "getProject", "GET", "/projects/{id}", get_project, "Get a project", Permission.READ_PROJECTS, ProjectJson,
        message="Project retrieved successfully.", tag=_TAG,
    ),
    Operation(
        "updateProject", "PATCH", "/projects/{id}", update_project,
        "Change a project; its client stays, and what is left out", _CHANGE, ProjectJson, body=ProjectChange,
        required=_REQUIRED, check=_check_dates, message="Project updated successfully.", tag=_TAG,
    ),
    Operation(
        "deleteProject", "DELETE", "/projects/{id}", delete_project,
        "Delete a project with its tasks, milestones, drafts and time that is not billed", _CHANGE, Id,
        conflicts="The project has issued invoices or billed work.", message="Project deleted successfully.", tag=_TAG,
    ),
    Operation(
        "assignProject", "PUT", "/projects/{id}/assign", assign_project,
        "Set who is on a project: exactly these people", _CHANGE, ProjectJson, body=AssignedField,
        message="Project assignees updated successfully.", tag=_TAG,
    ),
    Operation(
        "setProjectManager", "PUT", "/projects/{id}/manager", set_project_manager,
        "Set who manages a project; empty: nobody", _CHANGE, ProjectJson, body=ManagerField,
        message="Project manager updated successfully.", tag=_TAG,
    ),
    Operation(
        "setProjectStatus", "PUT", "/projects/{id}/status", set_project_status, "Set the status of a project",
        _CHANGE, ProjectJson, body=StageField, required=("status",), message="Project status updated successfully.",
        tag=_TAG,
    ),
    Operation(
        "setProjectProgress", "PUT", "/projects/{id}/progress", set_project_progress,
        "Set the progress of a project by hand, in percent", _CHANGE, ProjectJson, body=ProgressField,
        required=("progress",), check=_check_progress, message="Project progress updated successfully.", tag=_TAG,
    ),
    Operation(
        "setProjectTags", "PUT", "/projects/{id}/tags", set_project_tags, "Set the tags of a project: exactly these",
        _CHANGE, ProjectJson, body=TagsField, message="Project tags updated successfully.", tag=_TAG,
    ),
    Operation(
        "archiveProject", "PUT", "/projects/{id}/archive", archive_project, "Archive a project", _CHANGE, ProjectJson,
        body=Nothing, message="Project archived successfully.", tag=_TAG,
    ),
    Operation(
        "restoreProject", "PUT", "/projects/{id}/restore", restore_project, "Take a project out of the archive",
        _CHANGE, ProjectJson, body=Nothing, message="Project restored successfully.", tag=_TAG,
    ),
    Operation(
        "stopProjectTimers", "PUT", "/projects/{id}/stop-timers", stop_project_timers,
        "Stop every timer that runs on a project", Permission.TRACK_TIME, Id, body=Nothing,
        message="Project timers stopped successfully.", tag=_TAG,
    ),
    Operation(
        "cloneProject", "POST", "/projects/{id}/clone", clone_project, "Start a project like another", _CHANGE,
        ProjectJson, status=201, body=ProjectCopy, required=("project_title",), check=_check_dates,
        message="Project cloned successfully.", tag=_TAG,
    ),
)  # fmt: skip
