"""What another rate would do to work that is not billed yet, and doing it: nothing that is billed changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Final, NamedTuple

import psycopg
from sqlalchemy import text

from tallystick.db.session import Prepared
from tallystick.domain import dated_rates, rates
from tallystick.domain.access import Permission
from tallystick.domain.clients import Client
from tallystick.domain.context import Context, Lock
from tallystick.domain.dated_rates import Rate, Scope, sql_on_day
from tallystick.domain.invoices import work
from tallystick.domain.invoices.work import LAST_DAY, Picked, Worked
from tallystick.domain.rates import Priced
from tallystick.domain.workspaces import current
from tallystick.values.errors import Conflict, Invalid

NAMED: Final = 1_000
"""So many entries are named by their ids; all are counted."""


@dataclass(frozen=True, slots=True)
class Change:
    """Another rate for a place, from a day on; up to a day, or until the next rate of the place begins."""

    amount: Decimal | None
    effective_from: date | None = None
    """None: today."""
    effective_to: date | None = None
    client_id: str | None = None
    project_id: str | None = None
    task_id: str | None = None

    @property
    def ids(self) -> dict[str, str | None]:
        return {"client_id": self.client_id, "project_id": self.project_id, "task_id": self.task_id}

    def place(self, ctx: Context, lock: Lock | None) -> Priced:
        """Where it holds."""
        return rates.place_of(
            ctx, lock=lock, client_id=self.client_id, project_id=self.project_id, task_id=self.task_id
        )


class Kept(NamedTuple):
    """An entry in the period that keeps its rate, and why: it is `invoiced`, or `written_off`."""

    entry_id: str
    reason: str
    invoice_number: str | None


class Part(NamedTuple):
    """What becomes of the unbilled work of one project: amounts as a draft of this work alone would have them."""

    client_id: str
    client_name: str
    project_id: str
    project_name: str
    currency: str
    entries: int
    seconds: int
    old_amount: Decimal
    new_amount: Decimal

    @property
    def difference(self) -> Decimal:
        return self.new_amount - self.old_amount


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change would do, or did."""

    effective_from: date
    effective_to: date | None
    """The last day of the period; None: it is open."""
    parts: list[Part]
    entry_ids: list[str]
    """Whose rate becomes another; at most `NAMED` of them."""
    kept: list[Kept]
    """Whose rate would be another, were they not billed or written off; at most `NAMED` of them."""
    rate: Rate | None = None
    """The rate as it was set; None: nothing was done."""

    @property
    def entries(self) -> int:
        return sum(part.entries for part in self.parts)

    @property
    def seconds(self) -> int:
        return sum(part.seconds for part in self.parts)


class _Found(NamedTuple):
    id: str
    client_id: str
    client_name: str
    currency: str
    project_id: str
    project_name: str
    task_id: str | None
    task_name: str | None
    entry_date: date
    seconds: int
    old: Decimal | None
    new: Decimal | None
    invoice_id: str | None
    invoice_number: str | None
    written_off: bool

    @property
    def changes(self) -> bool:
        return self.old != self.new


def preview(ctx: Context, change: Change) -> Effect:
    """What a change of rates would do to unbilled work: which entries, and the difference to the cent."""
    ctx.require(Permission.CHANGE_RATES)
    place = change.place(ctx, None)
    first, last = _period(ctx, place, change)
    return _effect(ctx, change, first, last, _found(ctx, change, first, last))


def apply(ctx: Context, change: Change, *, re_rate: bool) -> Effect:
    """Set a rate for a period. `re_rate`: unbilled work in it takes the rate too; otherwise it keeps the one it has.

    With a last day, what was in force there on the day after comes back; without, it holds until the next rate begins.
    """
    ctx.require(Permission.CHANGE_RATES)
    place = change.place(ctx, "update")
    first, last = _period(ctx, place, change)
    found = _found(ctx, change, first, last, lock=True) if re_rate else []
    effect = _effect(ctx, change, first, last, found)
    rate = _set(ctx, place, change, first, last)
    if re_rate:
        changing = [one for one in found if one.changes and not _held(one)]
        ctx.write(_RE_RATE, ids=[one.id for one in changing], rates=[one.new for one in changing], now=ctx.now)
        if changing:
            ids = [one.id for one in changing]
            ctx.record_facts("applied", rate, time_entries=ids, effective_from=first, effective_to=last)
    return Effect(first, effect.effective_to, effect.parts, effect.entry_ids, effect.kept, rate)


def _period(ctx: Context, place: Priced, change: Change) -> tuple[date, date]:
    first = change.effective_from or ctx.today()
    if change.effective_to is not None:
        if change.effective_to < first:
            raise Invalid(fields={"effective_to": "must not be before effectiveFrom"})
        return first, change.effective_to
    following = ctx.row(_NEXT, place_id=place.row.id, day=first)
    return first, LAST_DAY if following is None else following[0] - timedelta(days=1)


def _set(ctx: Context, place: Priced, change: Change, first: date, last: date) -> Rate:
    """The rate as rows; what began within a given period is gone, what was in force after it stays."""
    if change.effective_to is not None and last < LAST_DAY:
        behind = last + timedelta(days=1)
        after = dated_rates.own_on(ctx, place.row, place.column, behind)
        dated_rates.begin(ctx, place.row, place.column, after, behind)
        for (rate_id,) in ctx.rows(_WITHIN, place_id=place.row.id, first=first, last=last):
            gone = ctx.find(Rate, rate_id, lock="update")
            ctx.change(gone, deleted_at=ctx.now)
            ctx.record("deleted", gone)
    return dated_rates.begin(ctx, place.row, place.column, change.amount, first)


def _found(ctx: Context, change: Change, first: date, last: date, *, lock: bool = False) -> list[_Found]:
    """Work in the period of which this place says the rate."""
    statement = (_LOCKED if lock else _READ)[_scope(change)]
    values = {**change.ids, "amount": change.amount, "first": first, "last": last}
    try:
        return [_Found(*row) for row in ctx.rows(statement, **values)]
    except psycopg.errors.LockNotAvailable:
        raise Conflict(
            "Somebody is billing or changing this work at this moment. Try again.", reason="try_again"
        ) from None


def _scope(change: Change) -> Scope:
    if change.task_id is not None:
        return "TASK"
    if change.project_id is not None:
        return "PROJECT"
    return "WORKSPACE" if change.client_id is None else "CLIENT"


def _held(one: _Found) -> bool:
    return one.invoice_id is not None or one.written_off


def _effect(ctx: Context, change: Change, first: date, last: date, found: Sequence[_Found]) -> Effect:
    differing = [one for one in found if one.changes]
    changing = [one for one in differing if not _held(one)]
    kept = [
        Kept(one.id, "written_off" if one.invoice_id is None else "invoiced", one.invoice_number)
        for one in differing
        if _held(one)
    ]
    until = None if last == LAST_DAY and change.effective_to is None else last
    return Effect(first, until, _parts(ctx, changing), [one.id for one in changing[:NAMED]], kept[:NAMED])


def _parts(ctx: Context, changing: Iterable[_Found]) -> list[Part]:
    studio = current(ctx)
    parts: list[Part] = []
    ordered = sorted(changing, key=lambda one: (one.client_name, one.client_id, one.project_name, one.project_id))
    for client_id, of_client in groupby(ordered, key=lambda one: one.client_id):
        rule = ctx.find(Client, client_id).rounding(studio)
        for project_id, grouped in groupby(of_client, key=lambda one: one.project_id):
            entries = list(grouped)
            head = entries[0]
            old, new = (
                sum(
                    (line.total for line in work.plan(Picked(worked, []), "PROJECT_TASK", rule, head.currency)[0]),
                    Decimal(0),
                )
                for worked in ([_worked(one, one.old) for one in entries], [_worked(one, one.new) for one in entries])
            )
            seconds = sum(one.seconds for one in entries)
            parts.append(
                Part(
                    client_id, head.client_name, project_id, head.project_name, head.currency, len(entries), seconds,
                    old, new,
                )
            )  # fmt: skip
    return parts


def _worked(one: _Found, rate: Decimal | None) -> Worked:
    return Worked(
        one.id, one.project_id, one.task_id, one.entry_date, one.seconds, None, rate, one.project_name, one.task_name
    )


_CASCADE: Final[tuple[tuple[Scope, str, str], ...]] = (
    ("TASK", "task", "hourly_rate"),
    ("PROJECT", "project", "hourly_rate"),
    ("CLIENT", "client", "default_rate"),
    ("WORKSPACE", "studio", "default_rate"),
)
_IN: Final[dict[Scope, str]] = {
    "TASK": "entry.task_id = CAST(:task_id AS uuid)",
    "PROJECT": "entry.project_id = CAST(:project_id AS uuid)",
    "CLIENT": "project.client_id = CAST(:client_id AS uuid)",
    "WORKSPACE": "true",
}


def _statement(scope: Scope, *, lock: bool) -> Prepared:
    """Work in a scope for which no nearer place has a rate, with the rate it has and the one it would have."""
    place = next(number for number, (name, _, _) in enumerate(_CASCADE) if name == scope)
    on_its_day = [sql_on_day(alias, column, "entry.entry_date") for _, alias, column in _CASCADE]
    nearer, farther = on_its_day[:place], on_its_day[place + 1 :]
    nobody_nearer = " AND ".join(f"{one} IS NULL" for one in nearer) or "true"
    return Prepared(
        text(f"""
            SELECT entry.id, client.id, client.name, client.currency, project.id, project.name, task.id, task.name,
                   entry.entry_date, entry.duration_seconds,
                   COALESCE(entry.hourly_rate, {work.RATE_THEN}),
                   COALESCE({", ".join(["CAST(:amount AS numeric)", *farther])}),
                   entry.invoice_id, invoice.number, entry.written_off_at IS NOT NULL
            FROM time_entries AS entry
            JOIN projects AS project ON project.workspace_id = entry.workspace_id AND project.id = entry.project_id
            JOIN clients AS client ON client.workspace_id = entry.workspace_id AND client.id = project.client_id
            JOIN workspaces AS studio ON studio.id = entry.workspace_id
            LEFT JOIN tasks AS task ON task.workspace_id = entry.workspace_id AND task.id = entry.task_id
            LEFT JOIN invoices AS invoice
              ON invoice.workspace_id = entry.workspace_id AND invoice.id = entry.invoice_id
            WHERE entry.workspace_id = :workspace AND entry.deleted_at IS NULL AND entry.billable
              AND project.rate_type <> 'FIXED' AND entry.entry_date BETWEEN :first AND :last
              AND {_IN[scope]} AND {nobody_nearer}
            ORDER BY entry.id
            {"FOR UPDATE OF entry" if lock else ""}
        """)
    )


_READ = {scope: _statement(scope, lock=False) for scope, _, _ in _CASCADE}
_LOCKED = {scope: _statement(scope, lock=True) for scope, _, _ in _CASCADE}
_RE_RATE = Prepared(
    text("""
        UPDATE time_entries AS entry SET hourly_rate = rated.rate, updated_at = :now
        FROM unnest(CAST(:ids AS uuid[]), CAST(:rates AS numeric[])) AS rated (id, rate)
        WHERE entry.workspace_id = :workspace AND entry.id = rated.id AND entry.invoice_id IS NULL
          AND entry.written_off_at IS NULL
    """)
)
_OF_PLACE: Final = "workspace_id = :workspace AND place_id = :place_id AND deleted_at IS NULL"
_NEXT = Prepared(
    text(f"SELECT min(effective_from) FROM rates WHERE {_OF_PLACE} AND effective_from > :day HAVING count(*) > 0")
)
_WITHIN = Prepared(
    text(f"SELECT id FROM rates WHERE {_OF_PLACE} AND effective_from > :first AND effective_from <= :last ORDER BY 1")
)
