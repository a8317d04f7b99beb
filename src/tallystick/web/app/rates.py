"""Rates that begin on a day, of the workspace, a client, a project or a task: what holds, and what another would do."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from tallystick.domain import projects, rates, tasks
from tallystick.domain.access import Permission
from tallystick.domain.clients import Client
from tallystick.domain.clients import read as read_client
from tallystick.domain.invoices import rerating
from tallystick.domain.invoices.rerating import Change
from tallystick.domain.rates import RATES
from tallystick.domain.workspaces import read as read_workspace
from tallystick.web.app.visit import Answer, Page, Visit

_RATE: Final = ("id", "amount", "effective_from", "created_at")


class Of(NamedTuple):
    """Whose rates they are."""

    ids: dict[str, str]
    """One of `client_id`, `project_id`, `task_id`; empty: the workspace's."""
    name: str
    path: str
    currency: str
    query: str


def page(visit: Visit) -> Answer:
    return _shown(visit)


def post(visit: Visit) -> Answer:
    """Show what it would do, or with `apply` do it."""
    of = _of(visit)
    change = Change(
        amount=visit.form.number("amount"),
        effective_from=visit.form.day("effective_from"),
        effective_to=visit.form.day("effective_to"),
        **of.ids,
    )
    visit.form.check()
    if not visit.form.has("apply"):
        return _shown(visit, effect=rerating.preview(visit.ctx, change))
    done = rerating.apply(visit.ctx, change, re_rate=visit.form.flag("re_rate"))
    return visit.go(
        f"/rates{of.query}", "It holds from {day} on. {count} entries have it now.",
        day=visit.formats.day(done.effective_from), count=done.entries,
    )  # fmt: skip


def delete(visit: Visit) -> Answer:
    rate = rates.read(visit.ctx, visit.id())
    ids = {"client": rate.client_id, "project": rate.project_id, "task": rate.task_id}
    query = "&".join(f"{name}={identity}" for name, identity in ids.items() if identity)
    rates.remove(visit.ctx, rate.id)
    return visit.go(f"/rates?{query}" if query else "/rates", "Taken away. What held before holds on.")


def _shown(visit: Visit, effect: Any = None) -> Answer:
    of = _of(visit)
    found = RATES.page(visit.ctx, _RATE, of.ids or {"scope": "WORKSPACE"}, sort="-effective_from", limit=100).rows
    return visit.show(
        "rates.html",
        of=of,
        rates=[dict(zip(_RATE, row, strict=True)) for row in found],
        effect=effect,
        may=visit.may("CHANGE_RATES") and (bool(of.ids) or visit.may("CHANGE_WORKSPACE")),
    )


def _of(visit: Visit) -> Of:
    query, ctx = visit.query, visit.ctx
    if (task_id := query.id("task")) is not None:
        task = tasks.read(ctx, task_id)
        project = projects.read(ctx, task.project_id)
        return Of({"task_id": task.id}, task.name, f"/tasks/{task.id}", _currency(visit, project), f"?task={task.id}")
    if (project_id := query.id("project")) is not None:
        project = projects.read(ctx, project_id)
        return Of(
            {"project_id": project.id}, project.name, f"/projects/{project.id}", _currency(visit, project),
            f"?project={project.id}",
        )  # fmt: skip
    if (client_id := query.id("client")) is not None:
        client = read_client(ctx, client_id)
        return Of(
            {"client_id": client.id}, client.name, f"/clients/{client.id}", client.currency, f"?client={client.id}"
        )
    studio = read_workspace(ctx)
    return Of({}, studio.name, "/settings/invoices", studio.default_currency, "")


def _currency(visit: Visit, project: projects.Project) -> str:
    if project.client_id is None:
        return read_workspace(visit.ctx).default_currency
    return visit.ctx.find(Client, project.client_id).currency


_SEE, _CHANGE = Permission.SEE_MONEY, Permission.CHANGE_RATES

PAGES = (
    Page("/rates", _SEE, page, post, label="Rates", section="settings", icon="coin", change=_CHANGE),
    Page("/rates/{id}/delete", _CHANGE, post=delete),
)
