"""Reports written down: exactly what a page shows, as CSV, XLSX and PDF."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from tallystick.domain.context import Context
from tallystick.domain.reports import profitability, revenue, time, uninvoiced, utilisation
from tallystick.domain.reports.time import Grouped, Sums, Wanted
from tallystick.values.errors import Conflict, Invalid
from tallystick.values.money import decimal_text
from tallystick.values.report import FORMATS, MEDIA, Column, Fact, Format, Report, Row, Table, csv_of

MOST: Final[dict[Format, int]] = {"csv": 200_000, "xlsx": 50_000, "pdf": 3_000}
"""Entries in one file."""
Say = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Pen:
    """In which language and country's way a report is written, and which filters it was asked for with."""

    say: Say = str
    language: str = "en"
    locale: str = "en_GB"
    about: tuple[tuple[str, str], ...] = ()
    """More filters than the days, in words."""
    first_weekday: int = 0


@dataclass(frozen=True, slots=True)
class Paper:
    """A file: what it is saved as, what it is, and how it is made once the transaction is over."""

    name: str
    media: str
    make: Callable[[], bytes]


def written(ctx: Context, report: Report, form: str) -> Paper:
    """A report as a file. Nobody's text in it is ever a formula."""
    chosen = format_of(form)
    name = f"{report.name}.{chosen}"
    if chosen == "csv":
        return Paper(name, MEDIA[chosen], lambda: csv_of(report))
    clerk = ctx.server.renderer
    return Paper(name, MEDIA[chosen], lambda: clerk.report(report, chosen))


def format_of(name: str) -> Format:
    """A form that reports are written in."""
    found: Format | None = next((one for one in FORMATS if one == name), None)
    if found is None:
        raise Invalid(fields={"format": f"must be one of {', '.join(FORMATS)}"})
    return found


def time_paper(ctx: Context, wanted: Wanted, form: str, pen: Pen = Pen()) -> Paper:
    """Every entry of the time report, and its groups with their sums."""
    most = MOST[format_of(form)]
    found = time.report(ctx, wanted)
    wanted = found.wanted
    if found.total.entries > most:
        raise Conflict(
            f"The report has {found.total.entries} entries, and a file at most {most}. Choose fewer days, or CSV.",
            reason="too_many_entries",
        )
    entries = time.entries(ctx, wanted, limit=most)
    say, money = pen.say, ctx.actor.sees_money
    zone = ZoneInfo(ctx.actor.time_zone)
    columns = [
        Column(say("Date"), "day"),
        *([Column(say("Client"))] if money else []),
        Column(say("Project")),
        Column(say("Task")),
        Column(say("Member")),
        Column(say("Note")),
        Column(say("Start"), "moment"),
        Column(say("End"), "moment"),
        Column(say("Billable"), "word"),
        Column(say("Duration"), "duration"),
    ]
    if money:
        columns += [
            Column(say("Rate"), "money"),
            Column(say("Amount"), "money"),
            Column(say("Currency"), "word"),
            Column(say("Invoice"), "word"),
        ]
    names = {group.key: group for group in found.groups}
    rows: list[Row] = []
    for number, one in enumerate(entries):
        if names and (number == 0 or one.key != entries[number - 1].key):
            group = names[one.key]
            rows += _sums_rows(group.sums, _name_of(group, wanted.group, say), "group", columns, money=money)
        facts: list[Fact] = [one.entry_date]
        if money:
            facts.append(one.client)
        facts += [one.project, one.task, one.person, one.note]
        facts += [None if at is None else at.astimezone(zone) for at in (one.started_at, one.stopped_at)]
        facts += [say("yes") if one.billable else say("no"), one.seconds]
        if money:
            facts += [
                None if one.rate is None else Decimal(decimal_text(one.rate)),
                one.amount,
                one.currency,
                one.invoice,
            ]
        rows.append(Row(tuple(facts)))
    if rows:
        rows += _sums_rows(found.total.sums, say("Total"), "total", columns, money=money)
    tables = [Table(say("Entries"), tuple(columns), tuple(rows))]
    if found.groups:
        tables.insert(0, _groups_table(found.groups, found.total, wanted.group, say, money=money))
    return written(ctx, _report(ctx, pen, ("Time report", "time"), found.days, tables), form)


def revenue_paper(
    ctx: Context,
    form: str,
    pen: Pen = Pen(),
    *,
    date_from: date | None = None,
    date_to: date | None = None,
    client_id: str | None = None,
    group: str = "month",
) -> Paper:
    """The revenue report."""
    found = revenue.report(ctx, date_from=date_from, date_to=date_to, client_id=client_id, group=group)
    say = pen.say
    by_month, by_client = found.group in ("month", "both"), found.group in ("client", "both")
    columns = (
        *([Column(say("Month"), "day")] if by_month else []),
        *([Column(say("Client"))] if by_client else []),
        *(
            Column(say(name), "money")
            for name in ("Invoiced", "Credited", "Net", "Collected", "Refunded", "Outstanding")
        ),
        Column(say("Currency"), "word"),
    )

    def row(one: revenue.Revenue, *, total: bool = False) -> Row:
        heads: list[Fact] = [one.month] if by_month else []
        if by_client:
            heads.append(say("Total") if total else one.client)
        return Row((*heads, *one[4:], one.currency), "total" if total else "row")

    rows = [*map(row, found.rows), *(row(one, total=True) for one in found.totals)]
    table = Table(say("Revenue"), columns, tuple(rows))
    until = revenue.last_day(found.last_month)
    return written(ctx, _report(ctx, pen, ("Revenue", "revenue"), (found.first_month, until), [table]), form)


def uninvoiced_paper(
    ctx: Context, form: str, pen: Pen = Pen(), *, client_id: str | None = None, group: str = "client"
) -> Paper:
    """The report of what is not billed yet."""
    found = uninvoiced.report(ctx, client_id=client_id, group=group)
    say = pen.say
    by_project = found.group == "project"
    columns = (
        Column(say("Client")),
        *([Column(say("Project"))] if by_project else []),
        Column(say("Since"), "day"),
        Column(say("Duration"), "duration"),
        *(Column(say(name), "money") for name in ("Time", "Expenses", "Fixed fees", "Amount")),
        Column(say("Currency"), "word"),
    )

    def row(one: uninvoiced.Uninvoiced, *, total: bool = False) -> Row:
        heads: list[Fact] = [say("Total") if total else one.client]
        if by_project:
            heads.append(one.project)
        return Row(
            (*heads, one.since, one.seconds, one.time, one.expenses, one.fees, one.amount, one.currency),
            "total" if total else "row",
        )

    rows = [*map(row, found.rows), *(row(one, total=True) for one in found.totals)]
    table = Table(say("Not billed yet"), columns, tuple(rows))
    return written(ctx, _report(ctx, pen, ("Not billed yet", "uninvoiced"), (ctx.today(), ctx.today()), [table]), form)


def profitability_paper(
    ctx: Context, form: str, pen: Pen = Pen(), *, client_id: str | None = None, status: str | None = "ACTIVE"
) -> Paper:
    """How projects pay; for Members their hours on them."""
    found = profitability.report(ctx, client_id=client_id, status=status)
    say, money = pen.say, ctx.actor.sees_money
    columns = [
        Column(say("Project")),
        *([Column(say("Client"))] if money else []),
        Column(say("Status"), "word"),
        Column(say("Duration"), "duration"),
        Column(say("Billable"), "duration"),
    ]
    if money:
        columns += [
            *(
                Column(say(name), "money")
                for name in ("Worth", "Billed", "Not billed yet", "Written off", "Fixed fee", "Costs", "Profit")
            ),
            Column(say("Per hour"), "money"),
            Column(say("Currency"), "word"),
            Column(say("Budget used"), "percent"),
        ]
    rows: list[Row] = []
    for one in found:
        facts: list[Fact] = [one.project]
        if money:
            facts.append(one.client)
        facts += [say(one.status.title()), one.seconds, one.billable]
        if money:
            facts += [one.worth, one.billed, one.unbilled, one.written_off, one.fee, one.costs, one.profit]
            facts += [one.per_hour, one.currency, None if one.spent is None else round(one.spent, 1)]
        rows.append(Row(tuple(facts)))
    table = Table(say("Projects"), tuple(columns), tuple(rows))
    return written(ctx, _report(ctx, pen, ("Projects", "projects"), (ctx.today(), ctx.today()), [table]), form)


def utilisation_paper(
    ctx: Context,
    form: str,
    pen: Pen = Pen(),
    *,
    date_from: date | None = None,
    date_to: date | None = None,
    user_id: str | None = None,
) -> Paper:
    """Hours and billable share of everybody, week by week."""
    found = utilisation.report(
        ctx, date_from=date_from, date_to=date_to, user_id=user_id, first_weekday=pen.first_weekday
    )
    say = pen.say
    columns = (
        Column(say("Member")),
        Column(say("Week of"), "day"),
        Column(say("Duration"), "duration"),
        Column(say("Billable"), "duration"),
        Column(say("Share"), "percent"),
        Column(say("Capacity"), "duration"),
        Column(say("Of capacity"), "percent"),
    )
    rows = [
        Row((one.person, one.week, one.seconds, one.billable, one.share, one.capacity, one.used)) for one in found.rows
    ]
    total = found.total
    if rows:
        rows.append(
            Row((say("Total"), None, total.seconds, total.billable, total.share, total.capacity, total.used), "total")
        )
    table = Table(say("Utilisation"), columns, tuple(rows))
    days = (found.date_from, found.date_to)
    return written(ctx, _report(ctx, pen, ("Utilisation", "utilisation"), days, [table]), form)


def _groups_table(groups: Iterable[Grouped], total: Grouped, group: str, say: Say, *, money: bool) -> Table:
    titles = {"client": "Client", "project": "Project", "member": "Member", "day": "Date", "task": "Task"}
    columns = [
        Column(say(titles[group]), "day" if group == "day" else "text"),
        Column(say("Entries"), "count"),
        Column(say("Duration"), "duration"),
        Column(say("Billable"), "duration"),
        *([Column(say("Amount"), "money"), Column(say("Currency"), "word")] if money else []),
    ]

    def facts(name: Fact, one: Sums) -> tuple[Fact, ...]:
        plain = (name, one.entries, one.seconds, one.billable)
        return (*plain, one.amount, one.currency) if money else plain

    rows = [
        Row(facts(date.fromisoformat(one.key or "") if group == "day" else _name_of(one, group, say), sums))
        for one in groups
        for sums in one.sums
    ]
    rows += [Row(facts(None if group == "day" else say("Total"), sums), "total") for sums in total.sums]
    return Table(say("Summary"), tuple(columns), tuple(rows))


def _name_of(group: Grouped, by: str, say: Say) -> str:
    nameless = {"client": "No client", "project": "No project", "task": "No task", "member": "", "day": ""}
    return group.name or say(nameless[by])


def _sums_rows(sums: Iterable[Sums], name: str, kind: str, columns: list[Column], *, money: bool) -> list[Row]:
    """A row of sums for each currency, with the name where the first text stands."""
    rows: list[Row] = []
    first = 1  # behind the day
    for one in sums:
        facts: list[Fact] = [None] * len(columns)
        facts[first] = name
        at = next(number for number, column in enumerate(columns) if column.kind == "duration")
        facts[at] = one.seconds
        if money:
            facts[at + 2], facts[at + 3] = one.amount or Decimal(0), one.currency
        rows.append(Row(tuple(facts), "group" if kind == "group" else "total"))
    return rows


def _report(ctx: Context, pen: Pen, names: tuple[str, str], days_of: tuple[date, date], tables: list[Table]) -> Report:
    """`names`: its title, and what it is saved as."""
    (title, name), (first, last) = names, days_of
    days = f"{first.isoformat()}-{last.isoformat()}" if first != last else first.isoformat()
    return Report(
        pen.say(title),
        f"{name}-{days}",
        ctx.actor.workspace_name,
        pen.about,
        first,
        last,
        tuple(tables),
        pen.language,
        pen.locale,
        ctx.today(),
    )
