"""Reports: time, revenue, projects, what is not billed, utilisation. The address holds what is shown; views keep it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from markupsafe import Markup

from tallystick.domain.access import Permission
from tallystick.domain.desk import shell, work
from tallystick.domain.desk.time import Sought
from tallystick.domain.projects import STATUSES
from tallystick.domain.reports import paper, profitability, revenue, time, uninvoiced, utilisation, views
from tallystick.domain.reports.paper import Paper, Pen
from tallystick.domain.reports.time import Wanted
from tallystick.domain.reports.views import ReportName
from tallystick.values.errors import Invalid
from tallystick.values.report import FORMATS
from tallystick.web.app import charts
from tallystick.web.app.charts import Point
from tallystick.web.app.time import periods
from tallystick.web.app.visit import Answer, File, Page, Visit

SHOWN: Final = 100
"""How many entries and groups the page of the time report shows at first; its sums count all, and so do its files."""
MOST_SHOWN: Final = 2000
OF_EACH: Final = 20
"""Entries of one group."""
DAYS_DRAWN: Final = 62
PATHS: Final[dict[str, str]] = {
    "time": "/reports",
    "revenue": "/reports/revenue",
    "projects": "/reports/projects",
    "uninvoiced": "/reports/uninvoiced",
    "utilisation": "/reports/utilisation",
}
TABS: Final = (
    ("time", "Time", Permission.TRACK_TIME),
    ("revenue", "Revenue", Permission.SEE_MONEY),
    ("projects", "Projects", Permission.READ_PROJECTS),
    ("uninvoiced", "Not billed yet", Permission.SEE_MONEY),
    ("utilisation", "Utilisation", Permission.TRACK_TIME),
)
GROUP_NAMES: Final = {
    "none": "No groups",
    "client": "By client",
    "project": "By project",
    "member": "By member",
    "day": "By day",
    "task": "By task",
}
SORT_NAMES: Final = {
    "-date": "Latest first",
    "date": "Oldest first",
    "-duration": "Longest first",
    "duration": "Shortest first",
    "member": "Member A–Z",
    "project": "Project A–Z",
    "client": "Client A–Z",
    "-amount": "Largest amount first",
}


def time_page(visit: Visit) -> Answer:
    ctx, say = visit.ctx, visit.say
    ignored = _leave_out(visit)
    found = time.report(ctx, _wanted(visit))
    wanted = found.wanted
    rows = _rows(visit)
    entries = time.entries(ctx, wanted, limit=rows, each=OF_EACH)
    sections = _sections(found, entries)
    could = sum(min(one.entries, OF_EACH) for one in found.groups) if found.groups else found.total.entries
    hides = not visit.sees_money
    title = say("Hours") + " · " + say(GROUP_NAMES[wanted.group])
    if wanted.group == "day":
        chart = _day_chart(visit, found, title)
    else:
        points = [_hours_point(visit, _named(visit, one), one.seconds, one.billable) for one in found.groups]
        chart = charts.lying(title, sorted(points, key=lambda one: -one.values[0]))
    return visit.show(
        "report_time.html",
        **_frame(visit, "time", found.days, ignored),
        report=found,
        wanted=wanted,
        sections=sections,
        shown=len(entries),
        summed=found.groups[:rows],
        more=visit.here(rows=rows + SHOWN)
        if rows < MOST_SHOWN and (could > len(entries) or len(found.groups) > rows)
        else "",
        alone={
            group.key: _alone(visit, wanted, group) for group, some in sections if group and group.entries > len(some)
        },
        chart=chart,
        names={one.key: _heading(visit, wanted.group, one) for one in found.groups},
        groups=[(name, say(text)) for name, text in GROUP_NAMES.items() if not (hides and name in time.HIDDEN_GROUPS)],
        sorts=[
            (name, say(text))
            for name, text in SORT_NAMES.items()
            if not (hides and name.removeprefix("-") in time.HIDDEN_SORTS)
        ],
        filtered=any(visit.query.kept(name) for name in ("clientId", "projectId", "taskId", "userId", "billable")),
        tasks=_tasks(visit, wanted),
    )


def revenue_page(visit: Visit) -> Answer:
    found = revenue.report(visit.ctx, **_revenue(visit))
    formats, say = visit.formats, visit.say
    last = revenue.last_day(found.last_month)
    points = [
        Point(
            formats.short_month(one.month or date.min),
            (one.invoiced - one.credited, one.received),
            say(
                "{invoiced} invoiced, {received} received",
                invoiced=formats.money(one.invoiced - one.credited, one.currency),
                received=formats.money(one.received, one.currency),
            ),
        )
        for one in found.months
    ]
    currency = found.months[0].currency
    most = max((max(one.invoiced - one.credited, one.received) for one in found.months), default=None)
    return visit.show(
        "report_revenue.html",
        **_frame(visit, "revenue", (found.first_month, last)),
        report=found,
        chart=charts.standing(
            say("Invoiced and received by month, in {currency}", currency=currency), points,
            most=formats.money(most, currency) if most else "",
        ),
        currency=currency,
        groups=[("month", say("By month")), ("client", say("By client")), ("both", say("By month and client"))],
    )  # fmt: skip


def projects_page(visit: Visit) -> Answer:
    ignored = _leave_out(visit)
    found = profitability.report(visit.ctx, **_projects(visit))
    say = visit.say
    points = [
        _hours_point(visit, one.project, one.seconds, one.billable)
        for one in sorted(found, key=lambda one: -one.seconds)
        if one.seconds
    ]
    return visit.show(
        "report_projects.html",
        **_frame(visit, "projects", None, ignored),
        report=found,
        chart=charts.lying(say("Hours by project"), points),
        status=_status(visit) or "ALL",
        statuses=[
            ("ACTIVE", say("Active")),
            ("COMPLETED", say("Completed")),
            ("ARCHIVED", say("Archived")),
            ("ALL", say("All projects")),
        ],
    )


def uninvoiced_page(visit: Visit) -> Answer:
    found = uninvoiced.report(visit.ctx, **_uninvoiced(visit))
    formats, say = visit.formats, visit.say
    most = max(found.totals, key=lambda one: one.amount, default=None)
    points = [
        Point(
            (one.client or "") + (f" · {one.project}" if one.project else ""),
            (one.amount,),
            formats.money(one.amount, one.currency),
        )
        for one in sorted(found.rows, key=lambda one: -one.amount)
        if most is not None and one.currency == most.currency
    ]
    return visit.show(
        "report_uninvoiced.html",
        **_frame(visit, "uninvoiced", None),
        report=found,
        chart=charts.lying(say("Not billed yet, in {currency}", currency=most.currency), points) if most else "",
        groups=[("client", say("By client")), ("project", say("By project"))],
    )


def utilisation_page(visit: Visit) -> Answer:
    found = utilisation.report(visit.ctx, **_utilisation(visit), first_weekday=visit.formats.first_weekday)
    formats, say = visit.formats, visit.say
    cells = {(one.user_id, one.week): one for one in found.rows}
    points = [
        Point(one.person, (one.seconds, one.billable), f"{formats.hours(one.seconds)}, {formats.percent(one.share)}")
        for one in found.people
        if one.share is not None
    ]
    return visit.show(
        "report_utilisation.html",
        **_frame(visit, "utilisation", (found.date_from, found.date_to)),
        report=found,
        cells=cells,
        chart=charts.lying(say("Hours by member, and what of them is billable"), points),
    )


# --- files


def time_file(visit: Visit) -> Answer:
    return _file(paper.time_paper(visit.ctx, _wanted(visit), _form(visit), _pen(visit)))


def time_csv(visit: Visit) -> Answer:
    """`/api/reports/time.csv`, for who is signed in by cookie (contract hoursmith 3.12)."""
    return _file(paper.time_paper(visit.ctx, _wanted(visit), "csv"))


def revenue_file(visit: Visit) -> Answer:
    return _file(paper.revenue_paper(visit.ctx, _form(visit), _pen(visit), **_revenue(visit)))


def projects_file(visit: Visit) -> Answer:
    return _file(paper.profitability_paper(visit.ctx, _form(visit), _pen(visit), **_projects(visit)))


def uninvoiced_file(visit: Visit) -> Answer:
    return _file(paper.uninvoiced_paper(visit.ctx, _form(visit), _pen(visit), **_uninvoiced(visit)))


def utilisation_file(visit: Visit) -> Answer:
    return _file(paper.utilisation_paper(visit.ctx, _form(visit), _pen(visit), **_utilisation(visit)))


# --- views


def save_view(visit: Visit) -> Answer:
    form = visit.form
    name, query = form.need("name", longest=views.LONGEST_NAME), form.text("query", longest=2000)
    report = form.choice("report", views.REPORTS)
    form.check()
    view = views.save(visit.ctx, name=name, report=report or "", query=query or "", shared=form.flag("shared"))
    return visit.go(_address(view.report, view.query), "{name} is saved.", name=view.name)


def delete_view(visit: Visit) -> Answer:
    views.delete(visit.ctx, visit.id())
    return visit.back("/reports", "Deleted.")


# --- what is asked for


def _leave_out(visit: Visit) -> bool:
    """Forget what the visitor may not filter by, as a view of somebody else may have it; whether there was any."""
    given = visit.query.given
    hidden = views.left_out(visit.ctx, {name: values[0] for name, values in given.items() if values})
    for name in hidden:
        del given[name]
    return bool(hidden)


def _rows(visit: Visit) -> int:
    """How many are shown: a hundred, and as many again each time somebody wants more."""
    wanted = visit.query.whole("rows", least=1, most=MOST_SHOWN)
    visit.query.check()
    return wanted or SHOWN


def _alone(visit: Visit, wanted: Wanted, group: time.Grouped) -> str:
    """The address of one group's entries; none for what has no project, client or task."""
    if group.key is None:
        return ""
    if wanted.group == "day":
        return visit.here(**{"from": group.key, "to": group.key, "group": None, "rows": None})
    field = {"client": "clientId", "project": "projectId", "member": "userId", "task": "taskId"}[wanted.group]
    return visit.here(**{field: group.key, "group": None, "rows": None})


def _wanted(visit: Visit) -> Wanted:
    query = visit.query
    first, last = _days(visit)
    wanted = Wanted(
        first, last, query.id("clientId"), query.id("projectId"), query.id("taskId"), query.id("userId"),
        _flag(visit, "billable"), query.text("group") or "none", query.text("sort") or "-date",
    )  # fmt: skip
    query.check()
    return wanted


def _revenue(visit: Visit) -> dict[str, Any]:
    first, last = _days(visit)
    client, group = visit.query.id("clientId"), visit.query.text("group") or "month"
    visit.query.check()
    return {"date_from": first, "date_to": last, "client_id": client, "group": group}


def _projects(visit: Visit) -> dict[str, Any]:
    client, status = visit.query.id("clientId"), _status(visit)
    visit.query.check()
    return {"client_id": client, "status": status}


def _status(visit: Visit) -> str | None:
    """Active projects where nothing is said; all of them where it says so."""
    chosen = visit.query.choice("status", (*STATUSES, "ALL")) or "ACTIVE"
    return None if chosen == "ALL" else chosen


def _uninvoiced(visit: Visit) -> dict[str, Any]:
    client, group = visit.query.id("clientId"), visit.query.text("group") or "client"
    visit.query.check()
    return {"client_id": client, "group": group}


def _utilisation(visit: Visit) -> dict[str, Any]:
    first, last = _days(visit)
    person = visit.query.id("userId")
    visit.query.check()
    return {"date_from": first, "date_to": last, "user_id": person}


def _days(visit: Visit) -> tuple[date | None, date | None]:
    first, last = visit.query.day("from"), visit.query.day("to")
    return (last, first) if first and last and last < first else (first, last)


def _flag(visit: Visit, name: str) -> bool | None:
    text = visit.query.text(name)
    if text is None:
        return None
    known = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
    if text.lower() not in known:
        visit.query.wrong[name] = "choose one of the list"
    return known.get(text.lower())


def _form(visit: Visit) -> str:
    form = visit.query.choice("format", FORMATS) or "csv"
    visit.query.check()
    return form


# --- what is shown


def _frame(visit: Visit, report: ReportName, days: tuple[date, date] | None, ignored: bool = False) -> dict[str, Any]:
    """What every report has: tabs, days, filters, files and views."""
    ctx = visit.ctx
    query = urlencode([(name, visit.query.kept(name)) for name in views.FILTERS[report] if visit.query.kept(name)])
    kept = views.listed(ctx, report)
    export = f"{'/reports/time' if report == 'time' else PATHS[report]}/export"
    everyone = ctx.actor.sees_everyone
    return {
        "tab": report,
        "ignored": ignored,
        "tabs": [(PATHS[name], label, name == report) for name, label, needs in TABS if visit.actor.may(needs)],
        "path": PATHS[report],
        "query": query,
        "days": days,
        "periods": periods(visit, Sought(*days)) if days else None,
        "files": [
            (visit.say(label), f"{export}?{urlencode({'format': form})}{'&' if query else ''}{query}")
            for form, label in (("csv", "CSV"), ("xlsx", "Excel (XLSX)"), ("pdf", "PDF"))
        ],
        "views": [(one, _address(one.report, one.query), one.user_id == ctx.actor.user_id) for one in kept],
        "here": _address(report, views.canonical(report, query)),
        "people": [(one[0], one[1]) for one in shell.colleagues(ctx)] if everyone else [],
        "clients": [(one[0], one[1]) for one in work.client_names(ctx)] if everyone else [],
        "project_names": [(one[0], one[1]) for one in work.project_names(ctx)],
    }


def _address(report: str, query: str) -> str:
    return PATHS[report] + (f"?{query}" if query else "")


def _named(visit: Visit, group: time.Grouped) -> str:
    return group.name or visit.say("None")


def _heading(visit: Visit, by: str, group: time.Grouped) -> str:
    return visit.formats.day(date.fromisoformat(group.key)) if by == "day" and group.key else _named(visit, group)


def _hours_point(visit: Visit, name: str, seconds: int, billable: int) -> Point:
    """Hours, and what of them is billable."""
    hours = visit.formats.hours
    return Point(name, (seconds, billable), f"{hours(seconds)}, " + visit.say("{time} billable", time=hours(billable)))


def _day_chart(visit: Visit, report: time.TimeReport, title: str) -> Markup:
    """Every day of a short period; of a long one those with time."""
    known = {one.key: one for one in report.groups}
    first, last = report.days
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    if len(days) > DAYS_DRAWN:
        days = sorted(date.fromisoformat(key) for key in known if key)[-DAYS_DRAWN:]
    points: list[Point] = []
    for day in days:
        found = known.get(day.isoformat())
        seconds, billable = (found.seconds, found.billable) if found else (0, 0)
        points.append(_hours_point(visit, visit.formats.short_day(day), seconds, billable))
    most = max((one.seconds for one in report.groups), default=0)
    return charts.standing(title, points, most=visit.formats.hours(most))


def _sections(
    report: time.TimeReport, entries: list[time.Reported]
) -> list[tuple[time.Grouped | None, list[time.Reported]]]:
    """The groups with those of their entries that are shown."""
    if not report.groups:
        return [(None, entries)] if entries else []
    of: dict[str | None, list[time.Reported]] = {}
    for entry in entries:
        of.setdefault(entry.key, []).append(entry)
    return [(group, of.get(group.key, [])) for group in report.groups]


def _tasks(visit: Visit, wanted: Wanted) -> Iterable[tuple[str, str]]:
    """The tasks to choose from, once a project is chosen."""
    if wanted.project_id is None:
        return []
    return [(one.id, one.name) for one in work.tasks(visit.ctx, project_id=wanted.project_id, shelved=True)]


def _pen(visit: Visit) -> Pen:
    """As the reader reads it, with the names of what was chosen."""
    query, ctx = visit.query, visit.ctx
    everyone = ctx.actor.sees_everyone
    named: list[tuple[str, str, Callable[[], Iterable[tuple[str, ...]]]]] = [
        ("clientId", "Client", lambda: [one[:2] for one in work.client_names(ctx)] if everyone else []),
        ("projectId", "Project", lambda: [one[:2] for one in work.project_names(ctx)]),
        ("userId", "Member", lambda: [one[:2] for one in shell.colleagues(ctx)] if everyone else []),
    ]
    about: list[tuple[str, str]] = []
    for name, label, choices in named:
        chosen = query.kept(name)
        text = next((shown for identity, shown in choices() if identity == chosen), "") if chosen else ""
        if text:
            about.append((visit.say(label), text))
    if (billable := _flag(visit, "billable")) is not None:
        about.append((visit.say("Billable"), visit.say("yes") if billable else visit.say("no")))
    if query.wrong:
        raise Invalid(fields=query.wrong)
    return Pen(visit.say, visit.words.language, str(visit.formats.locale), tuple(about), visit.formats.first_weekday)


def _file(made: Paper) -> File:
    return File(made.name, made.media, made.make)


_TRACK, _READ, _MONEY = Permission.TRACK_TIME, Permission.READ_PROJECTS, Permission.SEE_MONEY
TIME_CSV: Final = Page("/api/reports/time.csv", _TRACK, time_csv)
"""Its place among the APIs is `main`'s to give: there a token opens it, too."""

PAGES = (
    Page("/reports", _TRACK, time_page, label="Report: time", section="reports", icon="chart"),
    Page("/reports/time/export", _TRACK, time_file, file=True),
    Page("/reports/revenue", _MONEY, revenue_page, label="Report: revenue", section="reports", icon="chart"),
    Page("/reports/revenue/export", _MONEY, revenue_file, file=True),
    Page("/reports/projects", _READ, projects_page, label="Report: projects", section="reports", icon="chart"),
    Page("/reports/projects/export", _READ, projects_file, file=True),
    Page(
        "/reports/uninvoiced", _MONEY, uninvoiced_page, label="Report: not billed yet", section="reports",
        icon="chart",
    ),
    Page("/reports/uninvoiced/export", _MONEY, uninvoiced_file, file=True),
    Page(
        "/reports/utilisation", _TRACK, utilisation_page, label="Report: utilisation", section="reports", icon="chart"
    ),
    Page("/reports/utilisation/export", _TRACK, utilisation_file, file=True),
    Page("/reports/views", _TRACK, post=save_view),
    Page("/reports/views/{id}/delete", _TRACK, post=delete_view),
)  # fmt: skip
