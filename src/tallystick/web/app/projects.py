"""Projects: their budget, tasks, time and people."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from markupsafe import Markup

from tallystick.domain import projects, tasks
from tallystick.domain.access import Permission
from tallystick.domain.desk import time as desk
from tallystick.domain.desk import work
from tallystick.domain.desk.time import Sought
from tallystick.domain.projects import RATE_TYPES, STATUSES, Project
from tallystick.domain.reports import burn, profitability
from tallystick.domain.reports.burn import Burn
from tallystick.values.errors import Invalid, NotFound
from tallystick.values.money import round_money
from tallystick.web.app.charts import Line
from tallystick.web.app.charts import lines as chart_of_lines
from tallystick.web.app.visit import Answer, Page, Visit

WEEKS = 12
"""How many weeks the chart of an overview shows."""
AHEAD: Final = 26
"""How many weeks a forecast shows at most."""


def list_page(visit: Visit) -> Answer:
    query = visit.query
    status = query.kept("status") or "ACTIVE"
    status = status if status in STATUSES else "ACTIVE"
    search = query.text("q", longest=200) or ""
    return visit.show(
        "projects.html",
        projects=work.projects(visit.ctx, search=search, status=status, client_id=query.id("client")),
        status=status,
        search=search,
        client=query.id("client"),
        clients=work.client_names(visit.ctx) if visit.actor.sees_everyone else [],
    )


def _seen(visit: Visit) -> tuple[Project, work.ProjectSeen]:
    project = projects.read(visit.ctx, visit.id())
    found = work.projects(visit.ctx, project_id=project.id, status=None)
    if not found:
        raise NotFound("No such project.")
    return project, found[0]


def overview(visit: Visit) -> Answer:
    project, seen = _seen(visit)
    ctx = visit.ctx
    today = ctx.today()
    monday = today - timedelta(days=today.weekday())
    first = monday - timedelta(weeks=WEEKS - 1)
    worked = dict(work.burn(ctx, project.id))
    weeks = [(first + timedelta(weeks=n), worked.get(first + timedelta(weeks=n), 0)) for n in range(WEEKS)]
    used = burn.burn(ctx, project.id)
    return visit.show(
        "project_overview.html",
        project=project,
        seen=seen,
        weeks=weeks,
        most=max((seconds for _, seconds in weeks), default=0) or 1,
        burn=used,
        charts=burn_charts(visit, used, seen.currency),
        profit=next(iter(profitability.numbers(ctx, project_id=project.id)), None) if visit.sees_money else None,
        tasks=work.tasks(ctx, project_id=project.id, limit=8),
        latest=desk.entries(ctx, Sought(today - timedelta(days=90), today, project_id=project.id), limit=8),
    )


def burn_charts(visit: Visit, used: Burn, currency: str | None) -> list[tuple[str, Markup]]:
    """Hours over time, and money for those who see it: what is used, the budget, and what lies ahead."""
    say, formats = visit.say, visit.formats
    drawn = [
        _burn_chart(
            visit, say("Hours in total"), [(one.week, one.total_seconds) for one in used.weeks], used.pace_seconds,
            used.budget_seconds, lambda value: formats.hours(int(value)),
        )
    ]  # fmt: skip
    if visit.sees_money and currency and used.pace_amount is not None:
        drawn.append(
            _burn_chart(
                visit, say("Worth in total"), [(one.week, one.total_amount or 0) for one in used.weeks],
                used.pace_amount, used.budget_amount,
                lambda value: formats.money(round_money(Decimal(value), currency), currency),
            )
        )  # fmt: skip
    return [one for one in drawn if one[1]]


def _burn_chart(  # noqa: PLR0917 - what a chart is made of
    visit: Visit,
    title: str,
    used: list[tuple[date, int | Decimal]],
    pace: int | Decimal,
    budget: int | Decimal | None,
    shown: Callable[[int | Decimal], str],
) -> tuple[str, Markup]:
    if not used:
        return title, Markup()
    last_week, total = used[-1]
    ahead: list[int | Decimal] = []
    while budget and pace and len(ahead) < AHEAD and (ahead[-1] if ahead else total) < budget:
        ahead.append(total + pace * (len(ahead) + 1))
    names = [visit.formats.short_day(week) for week, _ in used]
    names += [visit.formats.short_day(last_week + timedelta(weeks=n + 1)) for n in range(len(ahead))]
    before: list[int | Decimal | None] = [None] * (len(used) - 1)
    lines = [Line(f"{title}: {shown(total)}", "first", (*(value for _, value in used), *[None] * len(ahead)))]
    said = f"{title}: {shown(total)}"
    if budget:
        lines.append(Line(visit.say("Budget"), "limit", (budget,) * len(names)))
        said += ", " + visit.say("Budget") + f": {shown(budget)}"
    if ahead:
        lines.append(Line(visit.say("Forecast"), "ahead", (*before, total, *ahead)))
    most = max(total, budget or 0, *ahead) if ahead or budget else total
    return title, chart_of_lines(said, names, lines, most=shown(most))


def tasks_page(visit: Visit) -> Answer:
    project, seen = _seen(visit)
    shelved = visit.query.kept("shelved") == "yes"
    return visit.show(
        "project_tasks.html",
        project=project,
        seen=seen,
        tasks=work.tasks(visit.ctx, project_id=project.id, shelved=shelved),
        shelved=shelved,
    )


def time_page(visit: Visit) -> Answer:
    project, seen = _seen(visit)
    today = visit.ctx.today()
    sought = Sought(today - timedelta(days=365), today, project_id=project.id)
    return visit.show(
        "project_time.html",
        project=project,
        seen=seen,
        entries=desk.entries(visit.ctx, sought, limit=200),
        sums=desk.sums(visit.ctx, sought),
        sought=sought,
    )


def members_page(visit: Visit) -> Answer:
    project, seen = _seen(visit)
    return visit.show("project_members.html", project=project, seen=seen, staff=work.staff(visit.ctx, project.id))


def set_members(visit: Visit) -> Answer:
    tasks.staff(visit.ctx, visit.id(), visit.form.ids("people"))
    return visit.go(f"/projects/{visit.id()}/members", "Saved.")


def new_page(visit: Visit) -> Answer:
    return visit.show("project_form.html", project=None, clients=work.client_names(visit.ctx))


def create(visit: Visit) -> Answer:
    project = projects.create(visit.ctx, **_facts(visit))
    return visit.go(f"/projects/{project.id}", "{name} is added.", name=project.name)


def edit_page(visit: Visit) -> Answer:
    project = projects.read(visit.ctx, visit.id())
    return visit.show("project_form.html", project=project, clients=work.client_names(visit.ctx))


def edit(visit: Visit) -> Answer:
    project = projects.change(visit.ctx, visit.id(), **_facts(visit))
    return visit.go(f"/projects/{project.id}", "Saved.")


def set_status(visit: Visit) -> Answer:
    """Complete, put away, or take up again."""
    status = visit.form.choice("status", STATUSES)
    visit.form.check()
    if status is None:
        raise Invalid(fields={"status": "required"})
    if status == "ARCHIVED":
        project = projects.archive(visit.ctx, visit.id())
    else:
        project = projects.change(visit.ctx, visit.id(), status=status)
    said = {"ARCHIVED": "{name} is archived.", "COMPLETED": "{name} is completed.", "ACTIVE": "{name} is active again."}
    return visit.go(f"/projects/{project.id}", said[status], name=project.name)


def delete(visit: Visit) -> Answer:
    projects.delete(visit.ctx, visit.id())
    return visit.go("/projects", "Deleted.")


def _facts(visit: Visit) -> dict[str, Any]:
    form = visit.form
    rate_type = form.choice("rate_type", RATE_TYPES) or "HOURLY"
    budget = form.choice("budget", ("none", "hours", "amount")) or "none"
    amount = form.number("budget_value")
    if budget != "none" and amount is None:
        form.wrong.setdefault("budget_value", "required")
    facts: dict[str, Any] = {
        "name": form.need("name", longest=200),
        "client_id": form.id("client_id"),
        "description": form.text("description"),
        "color": form.text("color", longest=7),
        "rate_type": rate_type,
        "hourly_rate": form.number("hourly_rate"),
        "fixed_fee_amount": form.number("fixed_fee_amount") if rate_type == "FIXED" else None,
        "budget_hours": amount if budget == "hours" else None,
        "budget_amount": amount if budget == "amount" else None,
        "start_date": form.day("start_date"),
        "due_date": form.day("due_date"),
    }
    form.check()
    return facts


_READ, _CHANGE = Permission.READ_PROJECTS, Permission.CHANGE_PROJECTS

PAGES = (
    Page("/projects", _READ, list_page, label="Projects", section="projects", icon="folder"),
    Page("/projects/new", _CHANGE, new_page, create, label="New project", section="projects", icon="plus"),
    Page("/projects/{id}", _READ, overview, section="projects"),
    Page("/projects/{id}/tasks", _READ, tasks_page, section="projects"),
    Page("/projects/{id}/time", _READ, time_page, section="projects"),
    Page("/projects/{id}/members", _CHANGE, members_page, set_members, section="projects"),
    Page("/projects/{id}/edit", _CHANGE, edit_page, edit, section="projects"),
    Page("/projects/{id}/status", _CHANGE, post=set_status, again=overview),
    Page("/projects/{id}/delete", _CHANGE, post=delete, again=overview),
)
