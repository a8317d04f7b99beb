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


def entries(ctx: Context, wanted: Wanted, *, limit: int, each: int | None = None) -> list[Reported]:
    """The entries behind the sums, group by group; of each group the first so many."""
    wanted = checked(ctx, wanted)
    few = each is not None and wanted.group != "none"
    statement = _entries(wanted.group, wanted.sort, money=ctx.actor.sees_money, few=few)
    most = {"each": each} if few else {}
    return [Reported._make(row) for row in ctx.rows(statement, **_values(ctx, wanted), limit=limit, **most)]


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
RATE: Final = f"""
    COALESCE(entry.hourly_rate, (
        SELECT {RATE_THEN} FROM workspaces AS studio
        LEFT JOIN projects AS project ON project.workspace_id = studio.id AND project.id = entry.project_id
        LEFT JOIN clients AS client ON client.workspace_id = studio.id AND client.id = project.client_id
        LEFT JOIN tasks AS task ON task.workspace_id = studio.id AND task.id = entry.task_id
        WHERE studio.id = entry.workspace_id), 0)
"""
"""The rate of an entry; the places are only asked for what has none of its own, so that the others need no joins."""
PLACES: Final = f"""
    studio AS MATERIALIZED (
        SELECT default_currency AS currency, {minor_unit_sql("default_currency")} AS decimals
        FROM workspaces WHERE id = :workspace
    ),
    place AS MATERIALIZED (
        SELECT project.id, project.name, project.color, project.status, project.rate_type, client.id AS client_id,
               client.name AS client, {CURRENCY} AS currency, {minor_unit_sql(CURRENCY)} AS decimals
        FROM projects AS project
        JOIN workspaces AS studio ON studio.id = project.workspace_id
        LEFT JOIN clients AS client ON client.workspace_id = project.workspace_id AND client.id = project.client_id
        WHERE project.workspace_id = :workspace
          AND (CAST(:everyone AS boolean) OR EXISTS (SELECT FROM project_members AS staff
               WHERE staff.workspace_id = :workspace AND staff.project_id = project.id AND staff.user_id = :actor))
    )
"""
"""The projects that the actor sees, with their client and currency, found once and not for each entry."""
AMOUNT: Final = (
    f"round(entry.duration_seconds * {RATE} / 3600, COALESCE(place.decimals, (SELECT decimals FROM studio)))"
)
_WORTH: Final = f"CASE WHEN entry.billable THEN {AMOUNT} ELSE 0 END"
_IN: Final = "COALESCE(place.currency, (SELECT currency FROM studio))"
_FROM: Final = "time_entries AS entry LEFT JOIN place ON place.id = entry.project_id"
_WHERE: Final = """
    entry.workspace_id = :workspace AND entry.deleted_at IS NULL
    AND (entry.started_at IS NULL OR entry.stopped_at IS NOT NULL)
    AND entry.entry_date BETWEEN CAST(:date_from AS date) AND CAST(:date_to AS date)
    AND (CAST(:person AS uuid) IS NULL OR entry.user_id = CAST(:person AS uuid))
    AND (CAST(:client AS uuid) IS NULL OR place.client_id = CAST(:client AS uuid))
    AND (CAST(:project AS uuid) IS NULL OR entry.project_id = CAST(:project AS uuid))
    AND (CAST(:task AS uuid) IS NULL OR entry.task_id = CAST(:task AS uuid))
    AND (CAST(:billable AS boolean) IS NULL OR entry.billable = CAST(:billable AS boolean))
"""
_KEYS: Final = {
    "none": ("CAST(NULL AS text)", "CAST(NULL AS text)", ""),
    "client": (
        "place.client_id", "client.name",
        "LEFT JOIN clients AS client ON client.workspace_id = :workspace AND client.id = {key}",
    ),
    "project": ("place.id", "named.name", "LEFT JOIN place AS named ON named.id = {key}"),
    "member": ("entry.user_id", "person.name", "JOIN people AS person ON person.id = {key}"),
    "day": ("entry.entry_date", "CAST({key} AS text)", ""),
    "task": (
        "CASE WHEN CAST(:everyone AS boolean) OR place.id IS NOT NULL THEN entry.task_id END", "task.name",
        "LEFT JOIN tasks AS task ON task.workspace_id = :workspace AND task.id = {key}",
    ),
}  # fmt: skip
"""Group → its key, its name, and how the name is found once the sums are made."""
_SORTS: Final = {
    "date": "entry.entry_date {d}, entry.begins_at {d}",
    "duration": "entry.duration_seconds {d}, entry.entry_date DESC",
    "member": "lower(person.name) {d}, entry.entry_date DESC",
    "project": "lower(place.name) {d} NULLS LAST, entry.entry_date DESC",
    "client": "lower(place.client) {d} NULLS LAST, entry.entry_date DESC",
    "amount": f"{_WORTH} {{d}}, entry.entry_date DESC",
}


@lru_cache(maxsize=64)
def _groups(group: str, *, money: bool) -> Prepared:
    key, name, named = _KEYS[group]
    currency, amount = (_IN, _WORTH) if money else ("CAST(NULL AS text)", "CAST(NULL AS numeric)")
    return Prepared(
        text(f"""
            WITH {PLACES},
            found AS (
                SELECT {key} AS key, {currency} AS currency, count(*) AS entries,
                       sum(entry.duration_seconds)::bigint AS seconds,
                       COALESCE(sum(entry.duration_seconds) FILTER (WHERE entry.billable), 0)::bigint AS billable,
                       sum({amount}) AS amount
                FROM {_FROM} WHERE {_WHERE}
                GROUP BY 1, 2
            )
            SELECT CAST(found.key AS text), {name.format(key="found.key")}, found.currency, found.entries,
                   found.seconds, found.billable, found.amount
            FROM found {named.format(key="found.key")}
            ORDER BY lower({name.format(key="found.key")}) NULLS LAST, CAST(found.key AS text), found.currency
        """)
    )


@lru_cache(maxsize=256)
def _entries(group: str, sort: str, *, money: bool, few: bool) -> Prepared:
    """Found and ordered with few columns; what is shown is joined for those that are left."""
    key = _KEYS[group][0]
    down = "DESC" if sort.startswith("-") else "ASC"
    order = _SORTS[sort.removeprefix("-")].format(d=down)
    grouped = {
        "none": "",
        "client": "lower(place.client) NULLS LAST, CAST(place.client_id AS text),",
        "project": "lower(place.name) NULLS LAST, CAST(place.id AS text),",
        "member": "lower(person.name), CAST(entry.user_id AS text),",
        "day": f"entry.entry_date {'ASC' if sort == 'date' else 'DESC'},",
        "task": f"lower(task.name) NULLS LAST, CAST({key} AS text),",
    }[group]
    seen = (
        ("place.client", RATE, _WORTH, _IN, "CASE WHEN invoice.status <> 'DRAFT' THEN invoice.number END")
        if money
        else ("CAST(NULL AS text)", *("NULL",) * 4)
    )
    client, rate, amount, currency, invoice = seen
    ordered = f"{grouped} {order}, entry.created_at DESC, entry.id DESC"
    joined = "JOIN people AS person ON person.id = entry.user_id" if {group, sort.strip("-")} & {"member"} else ""
    if group == "task":
        joined += f" LEFT JOIN tasks AS task ON task.workspace_id = :workspace AND task.id = {key}"
    chosen = f"SELECT entry.id FROM {_FROM} {joined} WHERE {_WHERE} ORDER BY {ordered} LIMIT :limit"
    if few:
        chosen = f"""
            SELECT id FROM (
                SELECT entry.id, row_number() OVER (ORDER BY {ordered}) AS position,
                       row_number() OVER (
                           PARTITION BY {key} ORDER BY {order}, entry.created_at DESC, entry.id DESC) AS place
                FROM {_FROM} {joined} WHERE {_WHERE}
            ) AS ranked
            WHERE place <= :each ORDER BY position LIMIT :limit
        """
    return Prepared(
        text(f"""
            WITH {PLACES},
            chosen AS ({chosen})
            SELECT CAST({key} AS text), entry.id, entry.entry_date, entry.started_at, entry.stopped_at, {client},
                   place.name, place.color, task.name, entry.user_id, person.name, entry.note, entry.billable,
                   entry.duration_seconds, {rate}, {amount}, {currency}, {invoice}
            FROM chosen
            JOIN time_entries AS entry ON entry.workspace_id = :workspace AND entry.id = chosen.id
            LEFT JOIN place ON place.id = entry.project_id
            LEFT JOIN tasks AS task ON task.workspace_id = :workspace AND task.id = entry.task_id
                AND (CAST(:everyone AS boolean) OR place.id IS NOT NULL)
            JOIN people AS person ON person.id = entry.user_id
            LEFT JOIN invoices AS invoice ON invoice.workspace_id = :workspace AND invoice.id = entry.invoice_id
            ORDER BY {ordered}
        """)
    )
