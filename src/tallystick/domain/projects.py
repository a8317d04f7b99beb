"""Projects: a client's piece of work, how it is priced, and which members are on it."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar, Final, Literal, NamedTuple, get_args

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    Computed,
    Index,
    Text,
    UniqueConstraint,
    bindparam,
    exists,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy import delete as delete_rows
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Counted, Id, Money, Row, one_of, table_of, within_workspace
from tallystick.db.session import Prepared
from tallystick.domain import categories, clients, dated_rates
from tallystick.domain.access import Permission
from tallystick.domain.clients import Client, each_tag_once
from tallystick.domain.context import Context, actor, workspace
from tallystick.domain.listing import Filter, Listing
from tallystick.domain.members import Member, active
from tallystick.domain.workspaces import check_currency, current
from tallystick.values.errors import Conflict, Invalid

Status = Literal["ACTIVE", "COMPLETED", "ARCHIVED"]
RateType = Literal["HOURLY", "FIXED", "NON_BILLABLE"]
STATUSES: tuple[Status, ...] = get_args(Status)
RATE_TYPES: tuple[RateType, ...] = get_args(RateType)
Stage = Literal["NOT_STARTED", "IN_PROGRESS", "ON_HOLD", "CANCELLED", "COMPLETED"]
STAGES: tuple[Stage, ...] = get_args(Stage)
MilestoneState = Literal["OPEN", "REACHED", "BILLED"]
MILESTONE_STATES: tuple[MilestoneState, ...] = get_args(MilestoneState)
UNCATEGORISED: Final = "Uncategorised"
"""What a project's milestone is called that holds the tasks of no other."""


class ProjectMember(Row):
    """A member who is on a project. Members see only the projects they are on; the manage tier sees all."""

    __tablename__ = "project_members"

    workspace_id: Mapped[Id] = mapped_column(primary_key=True)
    project_id: Mapped[Id] = mapped_column(primary_key=True)
    user_id: Mapped[Id] = mapped_column(primary_key=True)

    __table_args__ = (
        within_workspace("project_id", "projects.id"),
        within_workspace("user_id", "members.user_id"),
        Index("ix_project_members_of_user", "workspace_id", "user_id", "project_id"),
    )


class ProjectManager(Row):
    """A member who manages a project: said of them, no right of theirs."""

    __tablename__ = "project_managers"

    workspace_id: Mapped[Id] = mapped_column(primary_key=True)
    project_id: Mapped[Id] = mapped_column(primary_key=True)
    user_id: Mapped[Id] = mapped_column(primary_key=True)

    __table_args__ = (
        within_workspace("project_id", "projects.id"),
        within_workspace("user_id", "members.user_id"),
    )


_on = table_of(ProjectMember)


def on_project(project_id: ColumnElement[str], user_id: ColumnElement[str]) -> ColumnElement[bool]:
    """The condition that a person is on a project."""
    return exists().where(_on.c.project_id == project_id, _on.c.user_id == user_id)


class Project(Counted):
    """A project. Budget is in hours or in money, never both; a fixed fee belongs to FIXED and to nothing else."""

    __tablename__ = "projects"
    noun: ClassVar[str] = "project"
    money: ClassVar[frozenset[str]] = frozenset(
        {"hourly_rate", "fixed_fee_amount", "budget_hours", "budget_amount", "estimated_hours", "estimated_costs"}
    )

    client_id: Mapped[Id | None]
    name: Mapped[str]
    description: Mapped[str | None]
    color: Mapped[str | None]
    status: Mapped[str] = mapped_column(default="ACTIVE")
    rate_type: Mapped[str] = mapped_column(default="HOURLY")
    hourly_rate: Mapped[Money | None]
    """Today's; null: the client's, else the workspace's. Of other days see `rates`."""
    rates_from: Mapped[date | None]
    """Since when its rows in `rates` count; before, and where there are none, the column does."""
    fixed_fee_amount: Mapped[Money | None]
    budget_hours: Mapped[Money | None]
    budget_amount: Mapped[Money | None]
    start_date: Mapped[date | None]
    due_date: Mapped[date | None]
    category_id: Mapped[Id]
    stage: Mapped[str] = mapped_column(default="NOT_STARTED")
    """How far it is; COMPLETED says the same as that status. What is put away keeps its stage."""
    reference: Mapped[str | None]
    tags: Mapped[list[str]] = mapped_column(default=[])
    progress: Mapped[int] = mapped_column(default=0)
    """In percent, where somebody says it; otherwise its tasks tell (`PROGRESS`)."""
    progress_manually: Mapped[bool] = mapped_column(default=False)
    estimated_hours: Mapped[Money | None]
    estimated_costs: Mapped[Money | None]
    clients_see_tasks: Mapped[bool] = mapped_column(default=False)
    """What Grow CRM's portal lets the client do, and those assigned: kept. Ours asks the client (`portal_shows`)."""
    clients_work_on_tasks: Mapped[bool] = mapped_column(default=False)
    clients_create_tasks: Mapped[bool] = mapped_column(default=False)
    clients_see_time: Mapped[bool] = mapped_column(default=False)
    clients_see_expenses: Mapped[bool] = mapped_column(default=False)
    assigned_work_on_tasks: Mapped[bool] = mapped_column(default=False)
    created_by: Mapped[Id | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    @classmethod
    def read_as(cls) -> dict[str, ColumnElement[Any]]:
        return {"hourly_rate": dated_rates.on_day(table_of(cls), "hourly_rate", dated_rates.today())}

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("client_id", "clients.id"),
            within_workspace("category_id", "categories.id"),
            within_workspace("created_by", "members.user_id"),
            one_of("stage", STAGES),
            CheckConstraint("status = 'ARCHIVED' OR (status = 'COMPLETED') = (stage = 'COMPLETED')", name="in_step"),
            CheckConstraint("progress BETWEEN 0 AND 100", name="progress"),
            CheckConstraint("estimated_hours >= 0 AND estimated_costs >= 0", name="estimates_not_negative"),
            one_of("status", STATUSES),
            one_of("rate_type", RATE_TYPES),
            CheckConstraint("(rate_type = 'FIXED') = (fixed_fee_amount IS NOT NULL)", name="fixed_fee"),
            CheckConstraint("budget_hours IS NULL OR budget_amount IS NULL", name="one_budget"),
            CheckConstraint("due_date >= start_date", name="due_date"),
            CheckConstraint("hourly_rate >= 0 AND fixed_fee_amount >= 0", name="not_negative"),
            CheckConstraint("budget_hours >= 0 AND budget_amount >= 0", name="budget_not_negative"),
            Index("ix_projects_created", "workspace_id", "created_at", "id"),
            Index("ix_projects_client", "workspace_id", "client_id"),
            Index("ix_projects_category", "workspace_id", "category_id"),
        )

    @classmethod
    def seen_by(cls, user_id: ColumnElement[str]) -> ColumnElement[bool] | None:
        return on_project(table_of(cls).c.id, user_id)

    @property
    def billable(self) -> bool:
        """Whether time on it is billable unless said otherwise."""
        return self.rate_type != "NON_BILLABLE" and self.client_id is not None


class Milestone(Counted):
    """A part of a project. Each project has one for the tasks that belong to no other."""

    __tablename__ = "milestones"
    noun: ClassVar[str] = "milestone"
    money: ClassVar[frozenset[str]] = frozenset({"amount"})

    project_id: Mapped[Id]
    title: Mapped[str]
    color: Mapped[str] = mapped_column(default="default")
    position: Mapped[int]
    uncategorised: Mapped[bool] = mapped_column(default=False)
    amount: Mapped[Money | None]
    """The part of the project's fixed fee that is billed when it is reached."""
    reached_on: Mapped[date | None]
    invoice_id: Mapped[Id | None]
    """The live invoice it is on."""
    state: Mapped[str] = mapped_column(
        Computed(
            "CASE WHEN invoice_id IS NOT NULL THEN 'BILLED' WHEN reached_on IS NOT NULL THEN 'REACHED' ELSE 'OPEN' END",
            persisted=True,
        )
    )
    created_by: Mapped[Id | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("project_id", "projects.id"),
            within_workspace("created_by", "members.user_id"),
            within_workspace("invoice_id", "invoices.id"),
            UniqueConstraint("workspace_id", "id", "project_id"),
            CheckConstraint("amount > 0", name="amount"),
            CheckConstraint("amount IS NULL OR NOT uncategorised", name="priced_has_a_title"),
            CheckConstraint(
                "invoice_id IS NULL OR (amount IS NOT NULL AND reached_on IS NOT NULL AND deleted_at IS NULL)",
                name="billed_was_reached",
            ),
            Index(
                "ix_milestones_invoice", "workspace_id", "invoice_id", postgresql_where="invoice_id IS NOT NULL",
            ),
            Index("ix_milestones_created", "workspace_id", "created_at", "id"),
            Index(
                "uq_milestones_title", "workspace_id", "project_id", text("lower(title)"), unique=True,
                postgresql_where="deleted_at IS NULL",
            ),
            Index(
                "uq_milestones_uncategorised", "workspace_id", "project_id", unique=True,
                postgresql_where="uncategorised",
            ),
        )  # fmt: skip

    @classmethod
    def seen_by(cls, user_id: ColumnElement[str]) -> ColumnElement[bool] | None:
        return on_project(table_of(cls).c.project_id, user_id)


_table = table_of(Project)
_client = table_of(Client)


def client_name_filter(client_id: ColumnElement[Any]) -> Filter:
    """Filter by part of the client's name, for every noun that has a client."""
    sought = func.lower(bindparam("client_name", type_=Text()))
    named = exists().where(_client.c.id == client_id, func.lower(_client.c.name).like(sought))
    about = "Case-insensitive partial match on the related client's name."
    return Filter("text", named, about=about, permission=Permission.READ_CLIENTS)


PROGRESS = literal_column(
    # By table, not by class: tasks are a noun above this one.
    "(CASE WHEN projects.progress_manually THEN projects.progress ELSE COALESCE((SELECT "
    "round(100.0 * count(*) FILTER (WHERE tasks.status = 'DONE') / NULLIF(count(*), 0)) FROM tasks "
    "WHERE tasks.workspace_id = projects.workspace_id AND tasks.project_id = projects.id "
    "AND tasks.deleted_at IS NULL), 0) END)::bigint",
    BigInteger(),
)
"""How far a project is, in percent: as somebody says, else how many of its tasks are done."""

PROJECTS = Listing(
    Project,
    sorts=("created_at", "due_date", "id", "name", "start_date", "status", "updated_at"),
    search=("name", "description"),
    exact=("client_id", "status"),
    choices={"status": STATUSES},
    dates=("start_date", "due_date"),
    instants=("created_at",),
    ranks={"status": STATUSES},
    extra={"client_name": client_name_filter(_table.c.client_id)},
)


def create(ctx: Context, *, client_id: str | None, name: str, currency: str | None = None, **facts: Any) -> Project:
    """Start a project for a client, or for nobody yet: work on it is not billable.

    A project has its client's currency. A `currency` given is that one, or becomes it (`_agree`).
    """
    ctx.require(Permission.CHANGE_PROJECTS)
    client = _client_for(ctx, client_id, currency)
    facts["category_id"] = categories.filed_under(ctx, "project", facts.get("category_id"))
    facts = _in_step("ACTIVE", "NOT_STARTED", facts)
    project = Project(client_id=None if client is None else client.id, name=name, **each_tag_once(facts))
    _check(project, facts.get("rate_type", "HOURLY"))
    ctx.add(project)
    ctx.record("created", project)
    rest = Milestone(project_id=project.id, title=UNCATEGORISED, position=1, uncategorised=True)
    ctx.add(rest, later=True)
    ctx.record("created", rest)
    return project


def read(ctx: Context, project_id: str) -> Project:
    """One project."""
    ctx.require(Permission.READ_PROJECTS)
    return ctx.find(Project, project_id)


def change(ctx: Context, project_id: str, **facts: Any) -> Project:
    """Change some facts of a project. Work already recorded keeps the rate it was recorded with; another rate holds
    from today on (`dated_rates.settle`).
    """
    ctx.require(Permission.CHANGE_PROJECTS)
    project = ctx.find(Project, project_id, lock="update")
    currency: str | None = facts.pop("currency", None)
    client_id = facts.get("client_id", project.client_id)
    if client_id != project.client_id or currency is not None:
        client = _client_for(ctx, client_id, currency, project.id)
        if client_id != project.client_id:
            _check_move(ctx, project, client)
            facts["client_id"] = None if client is None else client.id
    elif client_id is not None and project.status == "ARCHIVED" and facts.get("status", "ARCHIVED") != "ARCHIVED":
        ctx.reference(Client, client_id, "client_id", lock="share")  # its client may be gone meanwhile
    if facts.get("category_id", project.category_id) != project.category_id:
        facts["category_id"] = categories.filed_under(ctx, "project", facts["category_id"])
    facts = _in_step(project.status, project.stage, facts)
    merged = Project(**{name: facts.get(name, getattr(project, name)) for name in _CHECKED})
    _check(merged, merged.rate_type)
    if {"rate_type", "fixed_fee_amount"} & facts.keys():
        _check_fee(ctx, project.id, merged)
    priced = "hourly_rate" in facts and dated_rates.settle(ctx, project, "hourly_rate", facts.pop("hourly_rate"))
    if ctx.change(project, **each_tag_once(facts)) or priced:
        ctx.record("updated", project)
    return project


def archive(ctx: Context, project_id: str) -> Project:
    """Put a project away. Its tasks and time stay; `status: ACTIVE` brings it back."""
    ctx.require(Permission.CHANGE_PROJECTS)
    project = ctx.find(Project, project_id, lock="update")
    if ctx.change(project, status="ARCHIVED"):
        ctx.record("archived", project)
    return project


def restore(ctx: Context, project_id: str) -> Project:
    """Bring a project back that was put away, as far as it was then."""
    ctx.require(Permission.CHANGE_PROJECTS)
    project = ctx.find(Project, project_id, lock="update")
    if project.status != "ARCHIVED":
        return project
    return change(ctx, project.id, status="COMPLETED" if project.stage == "COMPLETED" else "ACTIVE")


def delete(ctx: Context, project_id: str) -> None:
    """Delete a project on which nothing was worked, spent or billed, with its tasks; otherwise it stays."""
    ctx.require(Permission.CHANGE_PROJECTS)
    project = ctx.find(Project, project_id, lock="update")
    if ctx.row(_DEPENDENTS, project_id=project.id) is not None:
        raise Conflict("Cannot delete a project with time entries, expenses or invoices. Archive it instead.")
    for statement in _DELETE_WITH:
        ctx.write(statement, project_id=project.id, now=ctx.now)
    ctx.change(project, deleted_at=ctx.now)
    ctx.record("deleted", project)


def set_managers(ctx: Context, project_id: str, user_ids: list[str]) -> Project:
    """Say who manages a project: exactly these people."""
    ctx.require(Permission.CHANGE_PROJECTS)
    project = ctx.find(Project, project_id, lock="update")
    wanted = [active(ctx, user_id, "managers").user_id for user_id in sorted(set(user_ids))]
    ctx.write(_CLEAR_MANAGERS, project_id=project.id)
    for user_id in wanted:
        ctx.write(_SET_MANAGER, project_id=project.id, user_id=user_id)
    ctx.change(project, updated_at=ctx.now)
    ctx.record_facts("managers_changed", project, managers=wanted)
    return project


def managers_of(ctx: Context, project_id: str) -> list[str]:
    """The user ids of those who manage a project."""
    ctx.require(Permission.READ_PROJECTS)
    return [user_id for (user_id,) in ctx.rows(_MANAGERS, project_id=ctx.find(Project, project_id).id)]


def put_on(ctx: Context, project: Project, member: Member) -> None:
    """Give a member access to a project; the manage tier has it anyway."""
    ctx.require(Permission.CHANGE_PROJECTS)
    ctx.write(_PUT_ON, project_id=project.id, user_id=member.user_id)


def take_off(ctx: Context, project: Project, member: Member) -> None:
    """Take a member's access to a project away: unassigned from its tasks, their time stays (`tasks.take_off`)."""
    ctx.require(Permission.CHANGE_PROJECTS)
    ctx.write(_TAKE_OFF, project_id=project.id, user_id=member.user_id)


def uncategorised(ctx: Context, project_id: str) -> str:
    """The id of the milestone of a project that holds the tasks of no other."""
    found = ctx.row(_UNCATEGORISED, project_id=project_id)
    assert found is not None  # noqa: S101 - every project has one, and it is never deleted
    return found[0]


class Promised(NamedTuple):
    """What of a fixed fee is spoken for."""

    milestones: Decimal
    """The parts of it that its milestones have."""
    billed_rest: Decimal
    """What of the rest is on a live invoice."""
    currency: str

    @property
    def in_all(self) -> Decimal:
        return self.milestones + self.billed_rest


def promised(ctx: Context, project_id: str) -> Promised:
    """What of a project's fixed fee is spoken for."""
    found = ctx.row(_PROMISED, project_id=project_id)
    assert found is not None  # noqa: S101 - of a project at hand
    return Promised(*found)


def of_actor(ctx: Context) -> list[str]:
    """Ids of the projects a member is limited to; empty for the manage tier, which is not limited."""
    if ctx.actor.sees_everyone:
        return []
    return [project_id for (project_id,) in ctx.rows(_MINE)]


def _in_step(status: str, stage: str, facts: dict[str, Any]) -> dict[str, Any]:
    """Status and stage say the same of what is completed: whichever is given brings the other with it."""
    wanted: str | None = facts.get("status")
    if "stage" in facts:
        if facts["stage"] not in STAGES:
            raise Invalid(fields={"stage": f"one of {', '.join(STAGES)}"})
        if wanted is None and status != "ARCHIVED":
            return {**facts, "status": "COMPLETED" if facts["stage"] == "COMPLETED" else "ACTIVE"}
        stage = facts["stage"]
    if wanted == "COMPLETED":
        return {**facts, "stage": "COMPLETED"}
    if wanted == "ACTIVE" and stage == "COMPLETED":
        return {**facts, "stage": "IN_PROGRESS"}
    return facts


_CHECKED = (
    "rate_type",
    "fixed_fee_amount",
    "budget_hours",
    "budget_amount",
    "start_date",
    "due_date",
    "hourly_rate",
    "progress",
    "estimated_hours",
    "estimated_costs",
)


def _check(project: Project, rate_type: str) -> None:
    """The rules of a project, each with the field that breaks it (contract hoursmith 2.5)."""
    wrong: dict[str, str] = {}
    if project.budget_amount is not None and project.budget_hours is not None:
        wrong["budget_amount"] = wrong["budget_hours"] = "set either budgetAmount or budgetHours, not both"
    if rate_type == "FIXED" and project.fixed_fee_amount is None:
        wrong["fixed_fee_amount"] = "required when rateType is FIXED"
    if rate_type != "FIXED" and project.fixed_fee_amount is not None:
        wrong["fixed_fee_amount"] = "only allowed when rateType is FIXED"
    if project.start_date and project.due_date and project.due_date < project.start_date:
        wrong["due_date"] = "must not be before startDate"
    if not 0 <= (project.progress or 0) <= 100:
        wrong["progress"] = "must be between 0 and 100"
    for name in ("estimated_hours", "estimated_costs"):
        if (getattr(project, name) or 0) < 0:
            wrong[name] = "must not be negative"
    if wrong:
        raise Invalid(fields=wrong)


def _check_fee(ctx: Context, project_id: str, project: Project) -> None:
    """A fee is no less than what of it milestones have or invoices bill. The project is locked."""
    spoken_for = promised(ctx, project_id).in_all
    if spoken_for == 0 or (project.fixed_fee_amount or 0) >= spoken_for:
        return
    if project.rate_type != "FIXED":
        raise Invalid(fields={"rate_type": "milestones have parts of the fixed fee, or it is billed; it stays FIXED"})
    raise Invalid(fields={"fixed_fee_amount": f"milestones and invoices have {spoken_for:f} of it already"})


def _client_for(
    ctx: Context, client_id: str | None, currency: str | None, project_id: str | None = None
) -> Client | None:
    """The client of a project, agreed on the currency where one is given."""
    if currency is not None:
        check_currency(currency)
    if client_id is None:
        ours = None if currency is None else current(ctx).default_currency
        if ours != currency:
            raise Invalid(fields={"currency": f"a project without a client is in {ours}, the workspace's currency"})
        return None
    client = ctx.reference(Client, client_id, "client_id", lock="share" if currency is None else "update")
    if currency is not None and currency != client.currency:
        if ctx.row(_SETTLED, client_id=client.id, project_id=project_id) is not None:
            raise Invalid(fields={"currency": f"the client and its projects are in {client.currency}"})
        client = clients.change(ctx, client.id, currency=currency)
    return client


def _check_move(ctx: Context, project: Project, client: Client | None) -> None:
    if ctx.row(_BILLED, project_id=project.id) is not None:
        raise Invalid(fields={"client_id": "this project has invoiced work or expenses, so it stays with its client"})
    if client is None and ctx.row(_WORKED_ON, project_id=project.id) is not None:
        raise Invalid(fields={"client_id": "this project has recorded time, so it stays with a client"})


_project_id = bindparam("project_id", type_=_table.c.id.type)
_user_id = bindparam("user_id", type_=_table.c.id.type)
_PUT_ON = Prepared(
    insert(ProjectMember)
    .values(workspace_id=workspace(), project_id=_project_id, user_id=_user_id)
    .on_conflict_do_nothing()
)
_TAKE_OFF = Prepared(delete_rows(ProjectMember).where(_on.c.project_id == _project_id, _on.c.user_id == _user_id))
_manages = table_of(ProjectManager)
_CLEAR_MANAGERS = Prepared(delete_rows(ProjectManager).where(_manages.c.project_id == _project_id))
_SET_MANAGER = Prepared(
    insert(ProjectManager).values(workspace_id=workspace(), project_id=_project_id, user_id=_user_id)
)
_MANAGERS = Prepared(
    select(_manages.c.user_id).where(_manages.c.project_id == _project_id).order_by(_manages.c.user_id)
)
_milestone = table_of(Milestone)
_UNCATEGORISED = Prepared(
    select(_milestone.c.id).where(
        _milestone.c.workspace_id == workspace(), _milestone.c.project_id == _project_id, _milestone.c.uncategorised
    )
)
_BILLED = Prepared(
    text("""
        SELECT 1 FROM time_entries WHERE project_id = :project_id AND invoice_id IS NOT NULL
        UNION ALL SELECT 1 FROM expenses WHERE project_id = :project_id AND deleted_at IS NULL
        UNION ALL SELECT 1 FROM invoice_lines WHERE project_id = :project_id
        LIMIT 1
    """)
)
_WORKED_ON = Prepared(
    text("SELECT 1 FROM time_entries WHERE project_id = :project_id AND deleted_at IS NULL AND billable LIMIT 1")
)
_DEPENDENTS = Prepared(
    # By table, not by class: these nouns are above this one.
    text("""
        SELECT 1 FROM time_entries WHERE project_id = :project_id AND deleted_at IS NULL
        UNION ALL SELECT 1 FROM expenses WHERE project_id = :project_id AND deleted_at IS NULL
        UNION ALL SELECT 1 FROM invoices WHERE project_id = :project_id AND deleted_at IS NULL
        UNION ALL SELECT 1 FROM invoice_lines JOIN invoices ON invoices.id = invoice_lines.invoice_id
                  WHERE invoice_lines.project_id = :project_id AND invoices.deleted_at IS NULL
        LIMIT 1
    """)
)
_DELETE_WITH = [
    Prepared(
        text(f"""
            UPDATE {table} SET deleted_at = :now, updated_at = :now
            WHERE workspace_id = :workspace AND project_id = :project_id AND deleted_at IS NULL
        """)
    )
    for table in ("tasks", "milestones")
]
_PROMISED = Prepared(
    # By table, not by class: invoices are a noun above this one.
    text("""
        SELECT (SELECT COALESCE(sum(amount), 0) FROM milestones
                WHERE milestones.workspace_id = :workspace AND milestones.project_id = project.id
                  AND milestones.deleted_at IS NULL),
               (SELECT COALESCE(sum(line.rate), 0) FROM billed_work AS billed
                JOIN invoice_lines AS line ON line.workspace_id = billed.workspace_id AND line.id = billed.line_id
                WHERE billed.workspace_id = :workspace AND billed.fee_project_id = project.id
                  AND billed.released_at IS NULL),
               COALESCE(client.currency, studio.default_currency)
        FROM projects AS project
        JOIN workspaces AS studio ON studio.id = project.workspace_id
        LEFT JOIN clients AS client ON client.workspace_id = project.workspace_id AND client.id = project.client_id
        WHERE project.workspace_id = :workspace AND project.id = :project_id
    """)
)
_SETTLED = Prepared(
    # What a client's currency cannot be changed behind: an invoice, or another project.
    text("""
        SELECT 1 FROM invoices WHERE client_id = :client_id AND deleted_at IS NULL
        UNION ALL
        SELECT 1 FROM projects WHERE client_id = :client_id AND deleted_at IS NULL
                                 AND id IS DISTINCT FROM CAST(:project_id AS uuid)
        LIMIT 1
    """)
)
_MINE = Prepared(select(_on.c.project_id).where(_on.c.workspace_id == workspace(), _on.c.user_id == actor()))
