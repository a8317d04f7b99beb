"""Reports on the wire: time, revenue, what is not billed, projects, utilisation; and saved views. Ours."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from msgspec import UNSET, Struct, UnsetType

from tallystick.api.native.wire import read_only
from tallystick.api.wire import Ask, File, Nothing, Operation
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.listing import Filter
from tallystick.domain.reports import paper, profitability, revenue, time, uninvoiced, utilisation, views
from tallystick.domain.reports.paper import Paper
from tallystick.domain.reports.profitability import Profit
from tallystick.domain.reports.revenue import Revenue
from tallystick.domain.reports.time import Sums, Wanted
from tallystick.domain.reports.uninvoiced import Uninvoiced
from tallystick.domain.reports.views import ReportView
from tallystick.values.money import decimal_text
from tallystick.values.report import FORMATS, MEDIA


class TimeSumJson(Struct, rename="camel", gc=False):
    entries: int
    seconds: int
    billable_seconds: int
    amount: str | UnsetType = UNSET
    currency: str | UnsetType = UNSET


class TimeGroupJson(Struct, rename="camel", gc=False):
    key: str | None
    name: str | None
    sums: list[TimeSumJson]


class TimeReportJson(Struct, rename="camel", gc=False):
    date_from: date
    date_to: date
    group: str
    groups: list[TimeGroupJson]
    totals: list[TimeSumJson]


class RevenueJson(Struct, rename="camel", gc=False):
    month: date | None
    client_id: str | None
    client_name: str | None
    currency: str
    invoiced: str
    credited: str
    net: str
    collected: str
    refunded: str
    outstanding: str


class RevenueReportJson(Struct, rename="camel", gc=False):
    first_month: date
    last_month: date
    group: str
    rows: list[RevenueJson]
    totals: list[RevenueJson]


class UninvoicedJson(Struct, rename="camel", gc=False):
    client_id: str | None
    client_name: str | None
    project_id: str | None
    project_name: str | None
    currency: str
    seconds: int
    time: str
    expenses: str
    fees: str
    amount: str
    since: date | None


class UninvoicedReportJson(Struct, rename="camel", gc=False):
    group: str
    rows: list[UninvoicedJson]
    totals: list[UninvoicedJson]


class ProfitJson(Struct, rename="camel", gc=False):
    project_id: str
    project_name: str
    status: str
    seconds: int
    billable_seconds: int
    client_id: str | UnsetType | None = UNSET
    client_name: str | UnsetType | None = UNSET
    currency: str | UnsetType = UNSET
    rate_type: str | UnsetType = UNSET
    worth: str | UnsetType = UNSET
    billed: str | UnsetType = UNSET
    unbilled: str | UnsetType = UNSET
    written_off: str | UnsetType = UNSET
    fixed_fee_amount: str | UnsetType | None = UNSET
    costs: str | UnsetType = UNSET
    profit: str | UnsetType = UNSET
    profit_per_hour: str | UnsetType | None = UNSET
    budget_used: str | UnsetType | None = UNSET


class UtilisationJson(Struct, rename="camel", gc=False):
    user_id: str
    user_name: str
    week: date
    seconds: int
    billable_seconds: int
    billable_share: str | None
    capacity_seconds: int
    utilisation: str | None


class UtilisedJson(Struct, rename="camel", gc=False):
    user_id: str
    user_name: str
    seconds: int
    billable_seconds: int
    billable_share: str | None
    capacity_seconds: int
    utilisation: str | None


class UtilisationReportJson(Struct, rename="camel", gc=False):
    date_from: date
    date_to: date
    rows: list[UtilisationJson]
    people: list[UtilisedJson]


class ReportViewJson(Struct, rename="camel", gc=False):
    id: str
    user_id: str
    name: str
    report: str
    query: str
    shared: bool
    created_at: datetime
    updated_at: datetime


class ReportViewFields(Struct, rename="camel"):
    name: str | UnsetType = UNSET
    report: str | UnsetType = UNSET
    query: str | UnsetType = UNSET
    shared: bool | UnsetType = UNSET


class ReportViewChanges(Struct, rename="camel"):
    name: str | UnsetType = UNSET
    query: str | UnsetType = UNSET
    shared: bool | UnsetType = UNSET


def get_time_report(ctx: Context, ask: Ask) -> Struct:
    found = time.report(ctx, wanted_by(ask))
    groups = [TimeGroupJson(one.key, one.name, [_time_sum(sums) for sums in one.sums]) for one in found.groups]
    return TimeReportJson(*found.days, found.wanted.group, groups, [_time_sum(one) for one in found.total.sums])


def get_revenue_report(ctx: Context, ask: Ask) -> Struct:
    found = revenue.report(ctx, **_given(ask))
    rows, totals = ([_revenue(one) for one in some] for some in (found.rows, found.totals))
    return RevenueReportJson(found.first_month, found.last_month, found.group, rows, totals)


def get_uninvoiced_report(ctx: Context, ask: Ask) -> Struct:
    found = uninvoiced.report(ctx, **_given(ask))
    rows, totals = ([_uninvoiced(one) for one in some] for some in (found.rows, found.totals))
    return UninvoicedReportJson(found.group, rows, totals)


def get_projects_report(ctx: Context, ask: Ask) -> list[Struct]:
    given = _given(ask)
    return [_profit(one) for one in profitability.report(ctx, **{"status": None, **given})]


def get_utilisation_report(ctx: Context, ask: Ask) -> Struct:
    found = utilisation.report(ctx, **_given(ask))
    rows = [
        UtilisationJson(
            one.user_id,
            one.person,
            one.week,
            one.seconds,
            one.billable,
            _percent(one.share),
            one.capacity,
            _percent(one.used),
        )
        for one in found.rows
    ]
    people = [
        UtilisedJson(
            one.user_id, one.person, one.seconds, one.billable, _percent(one.share), one.capacity, _percent(one.used)
        )
        for one in found.people
    ]
    return UtilisationReportJson(found.date_from, found.date_to, rows, people)


def _percent(share: Decimal | None) -> str | None:
    return None if share is None else f"{share}"


def export_time_report(ctx: Context, ask: Ask) -> File:
    return _file(paper.time_paper(ctx, wanted_by(ask), ask.query.get("format", "csv")))


def get_time_report_csv(ctx: Context, ask: Ask) -> File:
    return _file(paper.time_paper(ctx, wanted_by(ask), "csv"))


def _exports(write: Callable[..., Paper], **usual: Any) -> Callable[[Context, Ask], File]:
    def export(ctx: Context, ask: Ask) -> File:
        return _file(write(ctx, ask.query.get("format", "csv"), **{**usual, **_given(ask)}))

    return export


def list_report_views(ctx: Context, ask: Ask) -> list[Struct]:
    return [_view(one) for one in views.listed(ctx, ask.query.get("report"))]


def create_report_view(ctx: Context, ask: Ask) -> Struct:
    return _view(views.save(ctx, **ask.facts))


def get_report_view(ctx: Context, ask: Ask) -> Struct:
    return _view(views.read(ctx, ask.id))


def update_report_view(ctx: Context, ask: Ask) -> Struct:
    return _view(views.change(ctx, ask.id, **ask.facts))


def delete_report_view(ctx: Context, ask: Ask) -> None:
    views.delete(ctx, ask.id)


def wanted_by(ask: Ask) -> Wanted:
    """The time report that a query asks for."""
    query = ask.query
    return Wanted(
        query.get("from"),
        query.get("to"),
        query.get("client_id"),
        query.get("project_id"),
        query.get("task_id"),
        query.get("user_id"),
        query.get("billable"),
        query.get("group", "none"),
        query.get("sort", "-date"),
    )


def _given(ask: Ask) -> dict[str, Any]:
    """The filters by the names of the domain."""
    names = {"from": "date_from", "to": "date_to"}
    return {names.get(name, name): value for name, value in ask.query.items() if name != "format"}


def _file(made: Paper) -> File:
    return File(made.name, made.media, made.make)


def _time_sum(one: Sums) -> TimeSumJson:
    if one.amount is None or one.currency is None:
        return TimeSumJson(one.entries, one.seconds, one.billable)
    return TimeSumJson(one.entries, one.seconds, one.billable, decimal_text(one.amount), one.currency)


def _revenue(one: Revenue) -> RevenueJson:
    return RevenueJson(
        one.month, one.client_id, one.client, one.currency, *[decimal_text(amount) for amount in one[4:]]
    )


def _uninvoiced(one: Uninvoiced) -> UninvoicedJson:
    time_worth, expenses, fees, amount = map(decimal_text, (one.time, one.expenses, one.fees, one.amount))
    return UninvoicedJson(*one[:6], time_worth, expenses, fees, amount, one.since)


def _profit(one: Profit) -> ProfitJson:
    shown = ProfitJson(one.project_id, one.project, one.status, one.seconds, one.billable)
    if one.currency is None:
        return shown
    shown.client_id, shown.client_name, shown.currency = one.client_id, one.client, one.currency
    shown.rate_type = one.rate_type or UNSET
    for name, amount in (
        ("worth", one.worth),
        ("billed", one.billed),
        ("unbilled", one.unbilled),
        ("written_off", one.written_off),
        ("fixed_fee_amount", one.fee),
        ("costs", one.costs),
        ("profit", one.profit),
        ("profit_per_hour", one.per_hour),
    ):
        setattr(shown, name, None if amount is None else decimal_text(amount))
    shown.budget_used = None if one.spent is None else f"{round(one.spent, 1)}"
    return shown


def _view(one: ReportView) -> ReportViewJson:
    return ReportViewJson(
        one.id, one.user_id, one.name, one.report, one.query, one.shared, one.created_at, one.updated_at
    )


_NONE: Final[Any] = None
_TAG: Final = "Reports"
_DAYS: Final = {
    "from": Filter("day", _NONE, about="The first day, YYYY-MM-DD."),
    "to": Filter("day", _NONE, about="The last day, YYYY-MM-DD; it is included."),
}
_CLIENT: Final = {"client_id": Filter("id", _NONE, about="Only this client.", permission=Permission.READ_CLIENTS)}
_PERSON: Final = {
    "user_id": Filter("id", _NONE, about="Whose time. Members see their own whatever they send.", members=False)
}
_TIME: Final = {
    **_DAYS,
    **_CLIENT,
    "project_id": Filter("id", _NONE, about="Only this project."),
    "task_id": Filter("id", _NONE, about="Only this task."),
    **_PERSON,
    "billable": Filter("flag", _NONE, about="Only billable time, or only what is not."),
    "group": Filter("choice", _NONE, choices=time.GROUPS, about="What the sums are of."),
    "sort": Filter(
        "text", _NONE, about=f"The order of entries: {', '.join(time.SORTS)}, with - in front for descending."
    ),
}
_REVENUE: Final = {**_DAYS, **_CLIENT, "group": Filter("choice", _NONE, choices=revenue.GROUPS)}
_UNINVOICED: Final = {**_CLIENT, "group": Filter("choice", _NONE, choices=uninvoiced.GROUPS)}
_PROJECTS: Final = {
    **_CLIENT,
    "status": Filter(
        "choice", _NONE, choices=("ACTIVE", "COMPLETED", "ARCHIVED"), about="Only projects of this status."
    ),
}
_UTILISATION: Final = {**_DAYS, **_PERSON}
_FORMAT: Final = {
    "format": Filter("choice", _NONE, choices=FORMATS, about="What the file is; csv where nothing is said.")
}
_FILES: Final = tuple(media.partition(";")[0] for media in MEDIA.values())
_VIEW_READ_ONLY: Final = read_only(ReportViewJson, ReportViewChanges)

OPERATIONS = (
    Operation(
        "getTimeReport", "GET", "/reports/time", get_time_report, "Recorded time in groups, with their sums",
        Permission.TRACK_TIME, TimeReportJson, tag=_TAG, parameters=_TIME,
    ),
    Operation(
        "exportTimeReport", "GET", "/reports/time/export", export_time_report,
        "The time report as a file, with every entry", Permission.TRACK_TIME, file=_FILES, tag=_TAG,
        parameters={**_TIME, **_FORMAT}, conflicts="the report has more entries than a file of this form takes",
    ),
    Operation(
        "getTimeReportCsv", "GET", "/reports/time.csv", get_time_report_csv,
        "The time report as CSV; also at `/api/reports/time.csv`", Permission.TRACK_TIME, file=("text/csv",),
        tag=_TAG, parameters=_TIME, conflicts="the report has more entries than a file takes",
    ),
    Operation(
        "getRevenueReport", "GET", "/reports/revenue", get_revenue_report,
        "What was invoiced, credited, collected and returned in each month, and what is open", Permission.SEE_MONEY,
        RevenueReportJson, tag=_TAG, parameters=_REVENUE,
    ),
    Operation(
        "exportRevenueReport", "GET", "/reports/revenue/export", _exports(paper.revenue_paper),
        "The revenue report as a file", Permission.SEE_MONEY, file=_FILES, tag=_TAG,
        parameters={**_REVENUE, **_FORMAT},
    ),
    Operation(
        "getUninvoicedReport", "GET", "/reports/uninvoiced", get_uninvoiced_report,
        "Work that is on no invoice yet, by client or project", Permission.SEE_MONEY, UninvoicedReportJson, tag=_TAG,
        parameters=_UNINVOICED,
    ),
    Operation(
        "exportUninvoicedReport", "GET", "/reports/uninvoiced/export", _exports(paper.uninvoiced_paper),
        "The report of work that is on no invoice as a file", Permission.SEE_MONEY, file=_FILES, tag=_TAG,
        parameters={**_UNINVOICED, **_FORMAT},
    ),
    Operation(
        "getProjectsReport", "GET", "/reports/projects", get_projects_report,
        "The hours of projects, and how they pay", Permission.READ_PROJECTS, ProfitJson, many=True, tag=_TAG,
        parameters=_PROJECTS,
    ),
    Operation(
        "exportProjectsReport", "GET", "/reports/projects/export",
        _exports(paper.profitability_paper, status=None), "The report of projects as a file", Permission.READ_PROJECTS,
        file=_FILES, tag=_TAG, parameters={**_PROJECTS, **_FORMAT},
    ),
    Operation(
        "getUtilisationReport", "GET", "/reports/utilisation", get_utilisation_report,
        "How much everybody worked each week, and how much of it was billable", Permission.TRACK_TIME,
        UtilisationReportJson, tag=_TAG, parameters=_UTILISATION,
    ),
    Operation(
        "exportUtilisationReport", "GET", "/reports/utilisation/export", _exports(paper.utilisation_paper),
        "The report of utilisation as a file", Permission.TRACK_TIME, file=_FILES, tag=_TAG,
        parameters={**_UTILISATION, **_FORMAT},
    ),
    Operation(
        "listReportViews", "GET", "/report-views", list_report_views, "One's saved views, and those that are shared",
        Permission.TRACK_TIME, ReportViewJson, many=True, tag=_TAG,
        parameters={"report": Filter("choice", _NONE, choices=views.REPORTS, about="Only views of this report.")},
    ),
    Operation(
        "createReportView", "POST", "/report-views", create_report_view, "Save a report with its filters",
        Permission.TRACK_TIME, ReportViewJson, 201, body=ReportViewFields, required=("name", "report"),
        read_only=read_only(ReportViewJson, ReportViewFields), tag=_TAG, conflicts="200 views are kept already",
    ),
    Operation(
        "getReportView", "GET", "/report-views/{id}", get_report_view, "Read a saved view", Permission.TRACK_TIME,
        ReportViewJson, tag=_TAG,
    ),
    Operation(
        "updateReportView", "PATCH", "/report-views/{id}", update_report_view, "Change or share a view of one's own",
        Permission.TRACK_TIME, ReportViewJson, body=ReportViewChanges, read_only=_VIEW_READ_ONLY, tag=_TAG,
        conflicts="a view of this name is there already",
    ),
    Operation(
        "deleteReportView", "DELETE", "/report-views/{id}", delete_report_view, "Delete a view of one's own",
        Permission.TRACK_TIME, status=204, body=Nothing, tag=_TAG,
    ),
)  # fmt: skip
