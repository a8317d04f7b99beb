"""Clients and projects as a whole: deleted with all that hangs on them, as long as nothing was billed; copied."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from sqlalchemy import text

from tallystick.db.session import Prepared
from tallystick.domain import approvals, checklists, clients, milestones, projects, tasks, time_entries
from tallystick.domain.access import Permission
from tallystick.domain.clients import Client
from tallystick.domain.context import Context
from tallystick.domain.invoices import draft
from tallystick.domain.projects import Milestone, Project, uncategorised
from tallystick.domain.tasks import Task
from tallystick.values.errors import Conflict, Invalid

MONEY: Final = ("hourly_rate", "fixed_fee_amount", "budget_amount", "estimated_costs")
COPIED: Final = (
    *MONEY,
    "assigned_work_on_tasks",
    "budget_hours",
    "category_id",
    "client_id",
    "clients_create_tasks",
    "clients_see_expenses",
    "clients_see_tasks",
    "clients_see_time",
    "clients_work_on_tasks",
    "color",
    "description",
    "due_date",
    "estimated_hours",
    "rate_type",
    "start_date",
)


def delete_client(ctx: Context, client_id: str) -> None:
    """Delete a client with its projects, drafts and unbilled expenses. What was issued or billed keeps it."""
    ctx.require(Permission.CHANGE_CLIENTS)
    client = ctx.find(Client, client_id, lock="update")
    _throw_drafts_away(ctx, client_id=client.id)
    if ctx.row(_ISSUED, client_id=client.id) is not None:
        raise Conflict("This client has issued invoices or billed work. Suspend it instead.", reason="invoiced")
    for (project_id,) in ctx.rows(_PROJECTS, client_id=client.id):
        delete_project(ctx, project_id)
    ctx.write(_DELETE_EXPENSES, client_id=client.id, now=ctx.now)
    clients.delete(ctx, client.id)


def delete_project(ctx: Context, project_id: str) -> None:
    """Delete a project with its tasks, its unbilled time and its drafts; expenses stay with the client.

    What was issued or billed keeps it.
    """
    ctx.require(Permission.CHANGE_PROJECTS)
    project = ctx.find(Project, project_id, lock="update")
    _throw_drafts_away(ctx, project_id=project.id)
    if ctx.row(_BILLED, project_id=project.id) is not None:
        raise Conflict("This project has invoices or billed work. Archive it instead.", reason="invoiced")
    ctx.require(Permission.CHANGE_ANY_TIME)
    approvals.check_project_open(ctx, project.id)
    time_entries.stop_all(ctx, project_id=project.id)
    gone = [entry_id for (entry_id,) in ctx.rows(_DELETE_TIME, project_id=project.id, now=ctx.now)]
    if gone:
        ctx.record_facts("time_deleted", project, time_entries=sorted(gone))
    ctx.write(_DETACH_EXPENSES, project_id=project.id, now=ctx.now)
    projects.delete(ctx, project.id)


def copy_project(
    ctx: Context,
    project_id: str,
    *,
    name: str,
    with_milestones: bool = False,
    with_tasks: bool = False,
    with_checklists: bool = False,
    with_invoices: bool = False,
    **facts: Any,
) -> Project:
    """Start a project like another, with what is asked for of what it has: nothing in it is done, worked or billed.

    Facts are those of a project, such as another `client_id`, whose currency then must be the same. Invoices become
    drafts. Without milestones, tasks are in none.
    """
    ctx.require(Permission.CHANGE_PROJECTS)
    source = ctx.find(Project, project_id, lock="share")
    copied = {one: getattr(source, one) for one in COPIED}
    if "start_date" in facts and "due_date" not in facts:
        copied["due_date"] = _later(source.start_date, facts["start_date"], source.due_date)
    _check_currency(ctx, source, facts.get("client_id", source.client_id))
    target = projects.create(ctx, name=name, **{**copied, **facts})
    places = _copy_milestones(ctx, source, target) if with_milestones else {}
    if with_tasks:
        _copy_tasks(ctx, source, target, places, with_checklists=with_checklists)
    if with_invoices:
        day = ctx.today()
        for (invoice_id,) in ctx.rows(_INVOICES, project_id=source.id):
            draft.duplicate(ctx, invoice_id, client_id=target.client_id, issue_date=day, project_id=target.id)
    return target


def _throw_drafts_away(ctx: Context, *, client_id: str | None = None, project_id: str | None = None) -> None:
    for (invoice_id,) in ctx.rows(_DRAFTS, client_id=client_id, project_id=project_id):
        draft.delete(ctx, invoice_id)


def _later(started: date | None, starts: date | None, due: date | None) -> date | None:
    """A day as long after the new start as it was after the old one."""
    if due is None or started is None or starts is None:
        return None
    return date.fromordinal(min(starts.toordinal() + (due - started).days, date.max.toordinal()))


def _check_currency(ctx: Context, source: Project, client_id: str | None) -> None:
    """Amounts are not converted."""
    if client_id == source.client_id or client_id is None or source.client_id is None:
        return
    ours = ctx.find(Client, source.client_id).currency
    priced = any(getattr(source, name) is not None for name in MONEY)
    if priced and ctx.reference(Client, client_id, "client_id").currency != ours:
        raise Invalid(fields={"client_id": f"must be a client in {ours}, as the amounts of the project are"})


def _copy_milestones(ctx: Context, source: Project, target: Project) -> dict[str, str]:
    """The milestones of a project for another: old ids → new ones."""
    rows = ctx.select(
        Milestone, Milestone.project_id == source.id, Milestone.deleted_at.is_(None), ~Milestone.uncategorised
    )
    return {
        one.id: milestones.create(
            ctx,
            project_id=target.id,
            title=one.title,
            color=one.color,
            amount=one.amount if target.fixed_fee_amount == source.fixed_fee_amount else None,
        ).id
        for one in sorted(rows, key=lambda row: (row.position, row.id))
    }


def _copy_tasks(
    ctx: Context, source: Project, target: Project, places: dict[str, str], *, with_checklists: bool
) -> None:
    nowhere = uncategorised(ctx, target.id)
    rows = ctx.select(Task, Task.project_id == source.id, Task.deleted_at.is_(None))
    for task in sorted(rows, key=lambda row: (row.position, row.id)):
        milestone_id = places.get(task.milestone_id, nowhere)
        copy = tasks.clone(ctx, task.id, project_id=target.id, name=task.name, milestone_id=milestone_id)
        if with_checklists:
            checklists.copy(ctx, task, copy)


_HERE: Final = "workspace_id = :workspace AND deleted_at IS NULL"
_DRAFTS = Prepared(
    text(f"""
        SELECT id FROM invoices
        WHERE {_HERE} AND status = 'DRAFT'
          AND (client_id = CAST(:client_id AS uuid) OR project_id = CAST(:project_id AS uuid))
        ORDER BY id
    """)
)
_ISSUED = Prepared(
    text(f"""
        SELECT 1 FROM invoices WHERE {_HERE} AND client_id = :client_id
        UNION ALL SELECT 1 FROM expenses WHERE {_HERE} AND client_id = :client_id
                  AND num_nonnulls(invoice_id, written_off_at) > 0
        LIMIT 1
    """)
)
_BILLED = Prepared(
    text(f"""
        SELECT 1 FROM time_entries WHERE {_HERE} AND project_id = :project_id
                  AND num_nonnulls(invoice_id, written_off_at) > 0
        UNION ALL SELECT 1 FROM expenses WHERE {_HERE} AND project_id = :project_id
                  AND num_nonnulls(invoice_id, written_off_at) > 0
        UNION ALL SELECT 1 FROM invoices WHERE {_HERE} AND project_id = :project_id
        LIMIT 1
    """)
)
_PROJECTS = Prepared(text(f"SELECT id FROM projects WHERE {_HERE} AND client_id = :client_id ORDER BY id"))
_INVOICES = Prepared(text(f"SELECT id FROM invoices WHERE {_HERE} AND project_id = :project_id ORDER BY id"))
_DELETE_TIME = Prepared(
    text(f"""
        UPDATE time_entries SET deleted_at = :now, updated_at = :now
        WHERE {_HERE} AND project_id = :project_id AND invoice_id IS NULL
        RETURNING id
    """)
)
_DETACH_EXPENSES = Prepared(
    text(f"UPDATE expenses SET project_id = NULL, updated_at = :now WHERE {_HERE} AND project_id = :project_id")
)
_DELETE_EXPENSES = Prepared(
    text(f"""
        UPDATE expenses SET deleted_at = :now, updated_at = :now
        WHERE {_HERE} AND client_id = :client_id AND invoice_id IS NULL
    """)
)
