"""The time report: recorded time by its filters, in groups with their sums. Members see their own, without money.

A timer that runs is in no report before it stops. An amount is what a billable entry is worth at its own rate, rounded
to the currency by itself: the same figure as in `reconciliation`, so that sums of sums agree to the cent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from itertools import groupby
from typing import Final, Literal, NamedTuple, get_args

from sqlalchemy import text

from tallystick.db.session import Prepared
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.invoices.work import RATE_THEN
from tallystick.domain.reconciliation import minor_unit_sql
from tallystick.domain.reports.plan import period, require_feature
from tallystick.values.errors import Invalid

Group = Literal["none", "client", "project", "member", "day", "task"]
GROUPS: Final[tuple[Group, ...]] = get_args(Group)
SORTS: Final = ("date", "duration", "member", "project", "client", "amount")
HIDDEN_GROUPS: Final = frozenset({"client"})
HIDDEN_SORTS: Final = frozenset({"client", "amount"})
"""What Members do not see is nothing that they could group or sort by either."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which time, in which groups and order; `checked` makes sure that all of it can be."""

    date_from: date | None = None
    date_to: date | None = None
    client_id: str | None = None
    project_id: str | None = None
    task_id: str | None = None
    user_id: str | None = None
    billable: bool | None = None
    group: str = "none"
    sort: str = "-date"
    """With - in front: the largest or latest first."""


class Sums(NamedTuple):
    """What some entries come to in one currency; no currency: for those who see no money."""

    currency: str | None
    entries: int
    seconds: int
    billable: int
    """Seconds of billable time."""
    amount: Decimal | None


class Grouped(NamedTuple):
    """One group: its sums in each currency."""

    key: str | None
    """The id of the client, project, member or task, or the day; None: time that has none."""
    name: str | None
    sums: tuple[Sums, ...]

    @property
    def entries(self) -> int:
        return sum(one.entries for one in self.sums)

    @property
    def seconds(self) -> int:
        return sum(one.seconds for one in self.sums)

    @property
    def billable(self) -> int:
        return sum(one.billable for one in self.sums)


class TimeReport(NamedTuple):
    """The groups in their order, and the grand total; without groups there is only the total."""

    wanted: Wanted
    """As it was understood."""
    days: tuple[date, date]
    groups: tuple[Grouped, ...]
    total: Grouped


class Reported(NamedTuple):
    """An entry of the report; what the actor may not see is None."""

    key: str | None
    """Of its group."""
    id: str
    entry_date: date
    started_at: datetime | None
    stopped_at: datetime | None
    client: str | None
    project: str | None
    color: str | None
    task: str | None
    user_id: str
    person: str
    note: str | None
    billable: bool
    seconds: int
    rate: Decimal | None
    amount: Decimal | None
    currency: str | None
    invoice: str | None


def report(ctx: Context, wanted: Wanted) -> TimeReport:
    """The sums of recorded time."""
    wanted = checked(ctx, wanted)
    rows = ctx.rows(_groups(wanted.group, money=ctx.actor.sees_money), **_values(ctx, wanted))
    found = [
        Grouped(key, name, tuple(Sums(*row[2:]) for row in some))
        for (key, name), some in ((key, list(some)) for key, some in groupby(rows, key=lambda row: (row[0], row[1])))
    ]
    if wanted.group == "day" and wanted.sort != "date":
        found.reverse()
    total = Grouped(None, None, _added([one for group in found for one in group.sums]))
    return TimeReport(wanted, _days(wanted), tuple(found) if wanted.group != "none" else (), total)


def entries(ctx: Context, wanted: Wanted, *, limit: int) -> list[Reported]:
    """The entries behind the sums, group by group."""
    wanted = checked(ctx, wanted)
    statement = _entries(wanted.group, wanted.sort, money=ctx.actor.sees_money)
    return [Reported._make(row) for row in ctx.rows(statement, **_values(ctx, wanted), limit=limit)]


def checked(ctx: Context, wanted: Wanted) -> Wanted:
    """The report as the actor may ask for it. Raises Invalid with what cannot be."""
    ctx.require(Permission.TRACK_TIME)
    require_feature(ctx, "reports")
    hides = not ctx.actor.sees_money
    wrong: dict[str, str] = {}
    groups = [one for one in GROUPS if not (hides and one in HIDDEN_GROUPS)]
    sorts = [one for one in SORTS if not (hides and one in HIDDEN_SORTS)]
    if wanted.group not in groups:
        wrong["group"] = f"must be one of {', '.join(groups)}"
    if wanted.sort.removeprefix("-") not in sorts:
        wrong["sort"] = f"must be one of {', '.join(sorts)}, with - in front for descending"
    if hides and wanted.client_id is not None:
        wrong["client_id"] = "you do not see clients; choose a project"
    if wrong:
        raise Invalid(fields=wrong)
    first, last = period(ctx, wanted.date_from, wanted.date_to)
    whose = wanted.user_id if ctx.actor.sees_everyone else ctx.actor.user_id
    return replace(wanted, date_from=first, date_to=last, user_id=whose)


def _days(wanted: Wanted) -> tuple[date, date]:
    assert wanted.date_from is not None  # noqa: S101 - `checked` found them
    assert wanted.date_to is not None  # noqa: S101
    return wanted.date_from, wanted.date_to


def _added(sums: Sequence[Sums]) -> tuple[Sums, ...]:
    """The sums of each currency, by its code."""
    ordered = sorted(sums, key=lambda one: one.currency or "")
    return tuple(
        Sums(
            currency,
            sum(one.entries for one in some),
            sum(one.seconds for one in some),
            sum(one.billable for one in some),
            None if currency is None else sum((one.amount or Decimal(0) for one in some), Decimal(0)),
        )
        for currency, some in ((key, list(some)) for key, some in groupby(ordered, key=lambda one: one.currency))
    )


def _values(ctx: Context, wanted: Wanted) -> dict[str, object]:
    return {
        "date_from": wanted.date_from,
        "date_to": wanted.date_to,
        "person": wanted.user_id,
        "client": wanted.client_id,
        "project": wanted.project_id,
        "task": wanted.task_id,
        "billable": wanted.billable,
        "everyone": ctx.actor.sees_everyone,
    }


CURRENCY: Final = "COALESCE(client.currency, studio.default_currency)"
RATE: Final = f"COALESCE(entry.hourly_rate, {RATE_THEN})"
_AMOUNT: Final = f"""
    CASE WHEN entry.billable
         THEN round(entry.duration_seconds * COALESCE({RATE}, 0) / 3600, {minor_unit_sql(CURRENCY)})
         ELSE round(CAST(0 AS numeric), {minor_unit_sql(CURRENCY)}) END
"""
_FROM: Final = """
    time_entries AS entry
    JOIN workspaces AS studio ON studio.id = entry.workspace_id
    JOIN people AS person ON person.id = entry.user_id
    LEFT JOIN projects AS project ON project.workspace_id = entry.workspace_id AND project.id = entry.project_id
        AND (CAST(:everyone AS boolean) OR EXISTS (SELECT FROM project_members AS staff
             WHERE staff.workspace_id = :workspace AND staff.project_id = project.id AND staff.user_id = :actor))
    LEFT JOIN tasks AS task ON task.workspace_id = entry.workspace_id AND task.id = entry.task_id
        AND (CAST(:everyone AS boolean) OR project.id IS NOT NULL)
    LEFT JOIN clients AS client ON client.workspace_id = entry.workspace_id AND client.id = project.client_id
"""
_WHERE: Final = """
    entry.workspace_id = :workspace AND entry.deleted_at IS NULL
    AND (entry.started_at IS NULL OR entry.stopped_at IS NOT NULL)
    AND entry.entry_date BETWEEN CAST(:date_from AS date) AND CAST(:date_to AS date)
    AND (CAST(:person AS uuid) IS NULL OR entry.user_id = CAST(:person AS uuid))
    AND (CAST(:client AS uuid) IS NULL OR project.client_id = CAST(:client AS uuid))
    AND (CAST(:project AS uuid) IS NULL OR entry.project_id = CAST(:project AS uuid))
    AND (CAST(:task AS uuid) IS NULL OR entry.task_id = CAST(:task AS uuid))
    AND (CAST(:billable AS boolean) IS NULL OR entry.billable = CAST(:billable AS boolean))
"""
_KEYS: Final = {
    "none": ("CAST(NULL AS text)", "CAST(NULL AS text)"),
    "client": ("CAST(client.id AS text)", "client.name"),
    "project": ("CAST(project.id AS text)", "project.name"),
    "member": ("CAST(entry.user_id AS text)", "person.name"),
    "day": ("CAST(entry.entry_date AS text)", "CAST(entry.entry_date AS text)"),
    "task": ("CAST(task.id AS text)", "task.name"),
}
"""Group → its key, and its name."""
_SORTS: Final = {
    "date": "entry.entry_date {d}, entry.begins_at {d}",
    "duration": "entry.duration_seconds {d}, entry.entry_date DESC",
    "member": "lower(person.name) {d}, entry.entry_date DESC",
    "project": "lower(project.name) {d} NULLS LAST, entry.entry_date DESC",
    "client": "lower(client.name) {d} NULLS LAST, entry.entry_date DESC",
    "amount": "amount {d}, entry.entry_date DESC",
}


@lru_cache(maxsize=64)
def _groups(group: str, *, money: bool) -> Prepared:
    key, name = _KEYS[group]
    currency, amount = (CURRENCY, _AMOUNT) if money else ("CAST(NULL AS text)", "CAST(NULL AS numeric)")
    return Prepared(
        text(f"""
            SELECT key, name, currency, count(*), sum(seconds)::bigint,
                   COALESCE(sum(seconds) FILTER (WHERE billable), 0)::bigint, sum(amount)
            FROM (SELECT {key} AS key, {name} AS name, {currency} AS currency, entry.duration_seconds AS seconds,
                         entry.billable, {amount} AS amount
                  FROM {_FROM} WHERE {_WHERE}) AS found
            GROUP BY key, name, currency
            ORDER BY lower(name) NULLS LAST, key, currency
        """)
    )


@lru_cache(maxsize=256)
def _entries(group: str, sort: str, *, money: bool) -> Prepared:
    key, name = _KEYS[group]
    down = "DESC" if sort.startswith("-") else "ASC"
    order = _SORTS[sort.removeprefix("-")].format(d=down)
    if group == "day":
        grouped = f"entry.entry_date {'ASC' if sort == 'date' else 'DESC'}, "
    else:
        grouped = "" if group == "none" else f"lower({name}) NULLS LAST, {key}, "
    seen = (
        ("client.name", RATE, _AMOUNT, CURRENCY, "CASE WHEN invoice.status <> 'DRAFT' THEN invoice.number END")
        if money
        else ("CAST(NULL AS text)", *("NULL",) * 4)
    )
    client, rate, amount, currency, invoice = seen
    joined = (
        "LEFT JOIN invoices AS invoice ON invoice.workspace_id = entry.workspace_id AND invoice.id = entry.invoice_id"
        if money
        else ""
    )
    return Prepared(
        text(f"""
            SELECT {key}, entry.id, entry.entry_date, entry.started_at, entry.stopped_at, {client}, project.name,
                   project.color, task.name, entry.user_id, person.name, entry.note, entry.billable,
                   entry.duration_seconds, {rate}, {amount} AS amount, {currency}, {invoice}
            FROM {_FROM} {joined} WHERE {_WHERE}
            ORDER BY {grouped}{order}, entry.created_at DESC, entry.id DESC
            LIMIT :limit
        """)
    )
