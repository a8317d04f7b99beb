"""Unbilled work on its way to lines and back: picked under a lock, priced, grouped, written, released."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any, Final, NamedTuple

import msgspec
import psycopg
from sqlalchemy import bindparam, select, text

from tallystick.db.base import table_of
from tallystick.db.session import Prepared
from tallystick.domain.approvals import WAITS_SQL
from tallystick.domain.context import Context, workspace
from tallystick.domain.dated_rates import cascade_on
from tallystick.domain.expenses import Expense
from tallystick.domain.invoices.invoice import Grouping, Invoice, InvoiceLine, LineKind
from tallystick.domain.invoices.totals import LARGEST, Discount, LineSums, Priced
from tallystick.domain.projects import Project
from tallystick.values.duration import RoundingRule, hours, rounded_seconds
from tallystick.values.errors import Conflict, Invalid
from tallystick.values.ids import new_id
from tallystick.values.money import line_total
from tallystick.values.tax import Treatment

HOUR: Final = "h"
PIECE: Final = "each"
FIXED_FEE: Final = "fixed fee"
FIRST_DAY: Final = date.min
LAST_DAY: Final = date.max
MANY: Final = 500
"""So many parts are worth planning anew for."""


class Selection(msgspec.Struct, frozen=True):
    """By what work is picked. No project ids: all of the client's; an empty list: no work, only lines of one's own."""

    date_from: date | None = None
    date_to: date | None = None
    project_ids: tuple[str, ...] | None = None
    include_expenses: bool = False
    include_milestones: bool = True
    include_fees: bool = False

    def check(self) -> None:
        """The first day is not after the last."""
        if self.date_from is not None and self.date_to is not None and self.date_to < self.date_from:
            raise Invalid(fields={"date_to": "must not be before the first day"})

    def to_json(self) -> str:
        """As the invoice keeps it."""
        return msgspec.json.encode(self, enc_hook=str).decode()

    @classmethod
    def of(cls, invoice: Invoice) -> Selection:
        """What an invoice was picked by; one that was not picked from work selects none."""
        if invoice.selection is None:
            return cls(project_ids=())
        return msgspec.json.decode(invoice.selection, type=cls)


@dataclass(frozen=True, slots=True)
class Warned:
    """Something the person who drafts should know; the draft is made all the same."""

    code: str
    """`no_rate`, `other_currency`, `not_approved`, `work_gone` or `discount_reduced`."""
    message: str
    entry_ids: tuple[str, ...] = ()
    expense_ids: tuple[str, ...] = ()


class Worked(NamedTuple):
    """An unbilled time entry, with what its line says."""

    id: str
    project_id: str
    task_id: str | None
    entry_date: date
    seconds: int
    note: str | None
    rate: Decimal | None
    """Its own, else the one found now; None where nobody set one."""
    project: str
    task: str | None


class Spent(NamedTuple):
    """An unbilled expense, with what its line says."""

    id: str
    project_id: str | None
    description: str
    amount: Decimal
    currency: str
    expense_date: date


class Reached(NamedTuple):
    """A milestone that is reached, with its part of the fee."""

    id: str
    project_id: str
    title: str
    amount: Decimal
    reached_on: date
    project: str


class Fee(NamedTuple):
    """What the milestones of a project leave of its fixed fee."""

    project_id: str
    project: str
    amount: Decimal


class Picked(NamedTuple):
    """What was found and locked."""

    worked: Sequence[Worked]
    spent: Sequence[Spent]
    reached: Sequence[Reached] = ()
    fees: Sequence[Fee] = ()
    waiting: Sequence[str] = ()
    """Entries that would be billed, were they approved."""


class Part(NamedTuple):
    """One entry, expense or milestone within a line, or the project whose fee it is."""

    id: str
    seconds: int = 0
    billed_seconds: int = 0
    rate: Decimal | None = None


@dataclass(slots=True)
class Planned:
    """A line before it is written."""

    kind: LineKind
    description: str
    quantity: Decimal
    unit: str
    rate: Decimal
    total: Decimal
    """Quantity × rate."""
    project_id: str | None = None
    task_id: str | None = None
    parts: list[Part] = field(default_factory=list)
    heading: str | None = None
    discount: Discount | None = None
    treatment: Treatment | None = None
    """How it is taxed, where it says so itself; None: by the invoice's default."""
    sums: LineSums | None = None
    """None: those of the invoice are still to be settled."""

    def priced(self, default: Treatment) -> Priced:
        """What its sums are made from."""
        return Priced(self.quantity, self.rate, self.treatment or default, self.discount)


def pick(ctx: Context, client_id: str, selection: Selection) -> Picked:
    """Find and lock a client's unbilled work: billable, stopped, live, in the range, both days included.

    Work on FIXED projects is not picked: their fee is billed, by reached milestones and by what these leave of it.
    Callers at once queue up behind the same rows; what the first one bills, the others no longer find.
    """
    selection.check()
    projects = _projects(ctx, client_id, selection.project_ids)
    days = {"date_from": selection.date_from or FIRST_DAY, "date_to": selection.date_to or LAST_DAY}
    worked = _rows(ctx, _PICK_ENTRIES, client_id=client_id, project_ids=projects, **days) if projects else []
    spent: list[tuple[Any, ...]] = []
    if selection.include_expenses:
        wanted = None if selection.project_ids is None else projects
        spent = _rows(ctx, _PICK_EXPENSES, client_id=client_id, project_ids=wanted, **days)
    fees = _fees(ctx, projects) if selection.include_fees and projects else []
    reached: list[tuple[Any, ...]] = []
    if selection.include_milestones and projects:
        reached = _rows(ctx, _PICK_MILESTONES, project_ids=projects, **days)
    return _picked(worked, spent, reached, fees)


def pick_again(
    ctx: Context,
    client_id: str,
    entry_ids: Sequence[str],
    expense_ids: Sequence[str],
    *,
    milestone_ids: Sequence[str] = (),
    fee_project_ids: Sequence[str] = (),
) -> Picked:
    """Of work that was on an invoice before, find and lock what is still there to be billed."""
    worked = _rows(ctx, _PICK_THESE_ENTRIES, client_id=client_id, entry_ids=list(entry_ids))
    spent = _rows(ctx, _PICK_THESE_EXPENSES, client_id=client_id, expense_ids=list(expense_ids))
    own = client_projects(ctx, client_id)
    fees = _fees(ctx, sorted(own & set(fee_project_ids))) if fee_project_ids else []
    reached: list[tuple[Any, ...]] = []
    if milestone_ids:
        reached = _rows(ctx, _PICK_THESE_MILESTONES, project_ids=sorted(own), milestone_ids=list(milestone_ids))
    return _picked(worked, spent, reached, fees)


def plan(picked: Picked, grouping: Grouping, rule: RoundingRule, currency: str) -> tuple[list[Planned], list[Warned]]:
    """Lines for picked work, time first, then fees, then expenses; always in the same order for the same work."""
    warnings = [
        *_without_rate(picked.worked, currency),
        *_in_other_currency(picked.spent, currency),
        *_not_approved(picked.waiting),
    ]
    lines = _time_lines(picked.worked, grouping, rule, currency)
    lines += [_milestone_line(one, currency) for one in sorted(picked.reached, key=_in_order)]
    lines += [_fee_line(one, currency) for one in sorted(picked.fees, key=lambda one: (one.project, one.project_id))]
    spent = [expense for expense in picked.spent if expense.currency == currency]
    lines += [_expense_line(one) for one in sorted(spent, key=lambda one: (one.expense_date, one.description, one.id))]
    return lines, warnings


def write(ctx: Context, invoice: Invoice, lines: Sequence[Planned], *, first: int = 1) -> None:
    """Write lines from a position on, and put their work on the invoice: from now on it is locked."""
    ids = [new_id() for _ in lines]
    gross = invoice.prices_include_tax
    sums = [line.sums or _unsettled(line, gross=gross) for line in lines]
    treatments = [line.treatment or invoice.default_treatment for line in lines]
    ctx.write(
        _ADD_LINES,
        invoice_id=invoice.id,
        ids=ids,
        positions=list(range(first, first + len(lines))),
        kinds=[line.kind for line in lines],
        descriptions=[line.description for line in lines],
        quantities=[line.quantity for line in lines],
        units=[line.unit for line in lines],
        rates=[line.rate for line in lines],
        totals=[one.total for one in sums],
        project_ids=[line.project_id for line in lines],
        task_ids=[line.task_id for line in lines],
        headings=[line.heading for line in lines],
        discount_percents=[one.discount_percent for one in sums],
        discount_amounts=[one.discount_amount for one in sums],
        gross_discounts=[one.gross_discount for one in sums],
        gross_totals=[one.gross_total for one in sums],
        tax_categories=[one.category for one in treatments],
        tax_rates=[one.rate for one in treatments],
        tax_reasons=[one.reason for one in treatments],
        tax_rate_ids=[one.tax_rate_id for one in treatments],
        taxes_given=[line.treatment is not None for line in lines],
    )
    parts = [(line_id, line.kind, part) for line_id, line in zip(ids, lines, strict=True) for part in line.parts]
    if not parts:
        return
    entries = [(part.id, part.rate) for _, kind, part in parts if kind == "TIME"]
    expenses = [part.id for _, kind, part in parts if kind == "EXPENSE"]
    milestones = [part.id for _, kind, part in parts if kind == "MILESTONE"]
    taken = ctx.write(
        _BILL_ENTRIES,
        invoice_id=invoice.id,
        now=ctx.now,
        ids=[identity for identity, _ in entries],
        rates=[rate for _, rate in entries],
    )
    taken += ctx.write(_BILL_EXPENSES, invoice_id=invoice.id, now=ctx.now, ids=expenses)
    if milestones:
        taken += ctx.write(_BILL_MILESTONES, invoice_id=invoice.id, now=ctx.now, ids=milestones)
    taken += sum(kind == "FEE" for _, kind, _ in parts)  # its unique index is what locks it
    if taken != len(parts):  # cannot be while the rows are locked; the unique indexes would refuse it as well
        raise Conflict("Some of this work was put on another invoice at this moment. Try again.", reason="try_again")
    if len(parts) > MANY:
        ctx.write(_PLAN_ANEW)
    ctx.write(
        _ADD_BILLED,
        invoice_id=invoice.id,
        ids=[new_id() for _ in parts],
        line_ids=[line_id for line_id, _, _ in parts],
        entry_ids=[part.id if kind == "TIME" else None for _, kind, part in parts],
        expense_ids=[part.id if kind == "EXPENSE" else None for _, kind, part in parts],
        milestone_ids=[part.id if kind == "MILESTONE" else None for _, kind, part in parts],
        fee_project_ids=[part.id if kind == "FEE" else None for _, kind, part in parts],
        seconds=[part.seconds for _, _, part in parts],
        billed_seconds=[part.billed_seconds for _, _, part in parts],
    )


def rewrite_sums(ctx: Context, invoice: Invoice, lines: Sequence[tuple[InvoiceLine, Treatment, LineSums]]) -> None:
    """Write how lines are taxed and what they come to; the rows at hand carry it too."""
    for line, treatment, sums in lines:
        line.tax_category, line.tax_rate, line.tax_reason, line.tax_rate_id = treatment
        for name, value in sums._asdict().items():
            setattr(line, name, value)
    ctx.write(
        _REWRITE_SUMS,
        invoice_id=invoice.id,
        ids=[line.id for line, _, _ in lines],
        discount_percents=[sums.discount_percent for _, _, sums in lines],
        discount_amounts=[sums.discount_amount for _, _, sums in lines],
        totals=[sums.total for _, _, sums in lines],
        gross_discounts=[sums.gross_discount for _, _, sums in lines],
        gross_totals=[sums.gross_total for _, _, sums in lines],
        tax_categories=[treatment.category for _, treatment, _ in lines],
        tax_rates=[treatment.rate for _, treatment, _ in lines],
        tax_reasons=[treatment.reason for _, treatment, _ in lines],
        tax_rate_ids=[treatment.tax_rate_id for _, treatment, _ in lines],
    )


def release(ctx: Context, invoice: Invoice) -> None:
    """Take the work off an invoice: it can be changed and billed again. The invoice still says what it had."""
    ctx.write(_FREE_ENTRIES, invoice_id=invoice.id, now=ctx.now)
    ctx.write(_FREE_EXPENSES, invoice_id=invoice.id, now=ctx.now)
    ctx.write(_FREE_MILESTONES, invoice_id=invoice.id, now=ctx.now)
    ctx.write(_RELEASE, invoice_id=invoice.id, now=ctx.now)


def clear(ctx: Context, invoice: Invoice) -> None:
    """Remove the work lines of a draft that is built anew; its work was released before."""
    ctx.write(_FORGET, invoice_id=invoice.id)
    ctx.write(_DROP_WORK_LINES, invoice_id=invoice.id)


def released(ctx: Context, invoice: Invoice) -> tuple[list[str], list[str]]:
    """Ids of the entries and the expenses that an invoice had."""
    rows = ctx.rows(_RELEASED, invoice_id=invoice.id)
    return [entry for entry, _ in rows if entry is not None], [expense for _, expense in rows if expense is not None]


def released_fees(ctx: Context, invoice: Invoice) -> tuple[list[str], list[str]]:
    """Ids of the milestones that an invoice had, and of the projects whose fee it billed."""
    rows = ctx.rows(_RELEASED_FEES, invoice_id=invoice.id)
    return [one for one, _ in rows if one is not None], [project for _, project in rows if project is not None]


def client_projects(ctx: Context, client_id: str) -> set[str]:
    """Ids of a client's projects."""
    return {identity for (identity,) in ctx.rows(_PROJECTS, client_id=client_id)}


def check_projects(own: Collection[str], wanted: Iterable[str], field: str) -> None:
    """Projects of another client, or of nobody, are a wrong value of the field."""
    for project_id in wanted:
        if project_id not in own:
            raise Invalid(fields={field: f"no such project of this client: {project_id}"})


def _projects(ctx: Context, client_id: str, wanted: Collection[str] | None) -> list[str]:
    """The projects to look at, which must be the client's."""
    own = client_projects(ctx, client_id)
    if wanted is None:
        return sorted(own)
    check_projects(own, wanted, "project_ids")
    return sorted(set(wanted))


def _rows(ctx: Context, statement: Prepared, **values: Any) -> list[tuple[Any, ...]]:
    """Rows under a lock; whoever waits too long for another draft is told so."""
    try:
        return ctx.rows(statement, **values)
    except psycopg.errors.LockNotAvailable:
        raise Conflict(
            "Somebody is billing or changing this work at this moment. Try again.", reason="try_again"
        ) from None


def _fees(ctx: Context, project_ids: Sequence[str]) -> list[tuple[Any, ...]]:
    """What is left of fees. The projects are locked before it is asked for: whoever had the lock may change it."""
    _rows(ctx, _LOCK_FIXED, project_ids=project_ids)
    return _rows(ctx, _PICK_FEES, project_ids=project_ids)


class _Group(NamedTuple):
    """What the entries of one line have in common, in the order of the lines."""

    project: str
    task: str
    day: date
    entry: str
    key: tuple[str, ...]
    rate: Decimal


def _time_lines(worked: Sequence[Worked], grouping: Grouping, rule: RoundingRule, currency: str) -> list[Planned]:
    def group(one: Worked) -> _Group:
        return _group(one, grouping)

    ordered = sorted(worked, key=lambda one: (group(one), one.id))
    return [
        _time_line(list(entries), grouping, rule, common.rate, currency)
        for common, entries in groupby(ordered, key=group)
    ]


def _group(one: Worked, grouping: Grouping) -> _Group:
    """Different rates never share a line, whatever the grouping. Ids part what happens to have the same name."""
    rate = one.rate or Decimal(0)
    project, task = one.project.casefold(), (one.task or "").casefold()
    match grouping:
        case "ITEMIZED":
            return _Group(project, task, one.entry_date, one.id, (), rate)
        case "PROJECT":
            return _Group(project, "", FIRST_DAY, "", (one.project_id,), rate)
        case "PROJECT_TASK":
            return _Group(project, task, FIRST_DAY, "", (one.project_id, one.task_id or ""), rate)
        case "PROJECT_TIME":
            return _Group(project, "", one.entry_date, "", (one.project_id,), rate)
        case "TASK":  # tasks of one name are one kind of work, in whichever project; without a task it is the project's
            return _Group("" if task else project, task, FIRST_DAY, "", ("" if task else one.project_id,), rate)


def _time_line(
    worked: Sequence[Worked], grouping: Grouping, rule: RoundingRule, rate: Decimal, currency: str
) -> Planned:
    parts = [Part(one.id, one.seconds, rounded_seconds(one.seconds, rule), one.rate) for one in worked]
    quantity = hours(sum(part.billed_seconds for part in parts))
    project_ids = {one.project_id for one in worked}
    task_ids = {one.task_id for one in worked}
    return Planned(
        kind="TIME",
        description=_description(worked[0], grouping),
        quantity=quantity,
        unit=HOUR,
        rate=rate,
        total=_total(quantity, rate, currency),
        project_id=worked[0].project_id if len(project_ids) == 1 else None,
        task_id=worked[0].task_id if len(task_ids) == 1 else None,
        parts=parts,
    )


def _description(one: Worked, grouping: Grouping) -> str:
    """What a client reads: names and days."""
    day = one.entry_date.isoformat()
    said: tuple[str | None, ...]
    match grouping:
        case "ITEMIZED":
            said = (one.project, one.task, day, one.note)
        case "PROJECT":
            said = (one.project,)
        case "PROJECT_TASK":
            said = (one.project, one.task)
        case "PROJECT_TIME":
            said = (one.project, day)
        case "TASK":
            said = (one.task or one.project,)
    return " · ".join(part for part in said if part)


def _expense_line(one: Spent) -> Planned:
    return Planned(
        kind="EXPENSE",
        description=f"{one.description} · {one.expense_date.isoformat()}",
        quantity=Decimal(1),
        unit=PIECE,
        rate=one.amount,
        total=_total(Decimal(1), one.amount, one.currency),
        project_id=one.project_id,
        parts=[Part(one.id)],
    )


def _unsettled(line: Planned, *, gross: bool) -> LineSums:
    """What stands on a line until the sums of its invoice are settled: its discount, for whoever settles them."""
    given = line.discount or Discount()
    off = Decimal(0) if given.amount is None else given.amount
    with_tax = (off, line.total) if gross else (None, None)
    return LineSums(given.percent, off, line.total, *with_tax)


def _in_order(one: Reached) -> tuple[str, str, date, str, str]:
    return one.project, one.project_id, one.reached_on, one.title, one.id


def _milestone_line(one: Reached, currency: str) -> Planned:
    return Planned(
        kind="MILESTONE",
        description=f"{one.project} · {one.title}",
        quantity=Decimal(1),
        unit=FIXED_FEE,
        rate=one.amount,
        total=_total(Decimal(1), one.amount, currency),
        project_id=one.project_id,
        parts=[Part(one.id)],
    )


def _fee_line(one: Fee, currency: str) -> Planned:
    return Planned(
        kind="FEE",
        description=one.project,
        quantity=Decimal(1),
        unit=FIXED_FEE,
        rate=one.amount,
        total=_total(Decimal(1), one.amount, currency),
        project_id=one.project_id,
        parts=[Part(one.project_id)],
    )


def _total(quantity: Decimal, rate: Decimal, currency: str) -> Decimal:
    total = line_total(quantity, rate, currency)
    if total >= LARGEST:
        raise Invalid("A line comes to more than an invoice can hold.")
    return total


def _picked(
    worked: Sequence[tuple[Any, ...]],
    spent: Sequence[tuple[Any, ...]],
    reached: Sequence[tuple[Any, ...]],
    fees: Sequence[tuple[Any, ...]],
) -> Picked:
    return Picked(
        [Worked(*row[:-1]) for row in worked if not row[-1]],
        [Spent(*row) for row in spent],
        [Reached(*row) for row in reached],
        [Fee(*row) for row in fees],
        [row[0] for row in worked if row[-1]],
    )


def _without_rate(worked: Sequence[Worked], currency: str) -> list[Warned]:
    unpriced = sorted(
        (one for one in worked if one.rate is None), key=lambda one: (one.project, one.project_id, one.id)
    )
    warnings: list[Warned] = []
    for (project, _), entries in groupby(unpriced, key=lambda one: (one.project, one.project_id)):
        ids = tuple(one.id for one in entries)
        what = "1 entry" if len(ids) == 1 else f"{len(ids)} entries"
        warnings.append(
            Warned(
                "no_rate",
                f"No rate is set for {project}: {what} billed at {line_total(Decimal(0), Decimal(0), currency)}. "
                "Set a rate on the project, the client or the workspace.",
                entry_ids=ids,
            )
        )
    return warnings


def _not_approved(entry_ids: Sequence[str]) -> list[Warned]:
    if not entry_ids:
        return []
    what = "1 time entry" if len(entry_ids) == 1 else f"{len(entry_ids)} time entries"
    return [
        Warned(
            "not_approved",
            f"{what} left out: not approved yet, and this workspace bills only what is.",
            entry_ids=tuple(entry_ids),
        )
    ]


def _in_other_currency(spent: Sequence[Spent], currency: str) -> list[Warned]:
    others = [one for one in spent if one.currency != currency]
    if not others:
        return []
    found = ", ".join(sorted({one.currency for one in others}))
    what = "1 expense" if len(others) == 1 else f"{len(others)} expenses"
    return [
        Warned(
            "other_currency",
            f"{what} in {found} left out: this invoice is in {currency}, and nothing is converted.",
            expense_ids=tuple(one.id for one in others),
        )
    ]


_project = table_of(Project)
_expense = table_of(Expense)
_client_id = bindparam("client_id", type_=_project.c.id.type)

_PROJECTS = Prepared(
    select(_project.c.id).where(
        _project.c.workspace_id == workspace(), _project.c.client_id == _client_id, _project.c.deleted_at.is_(None)
    )
)


RATE_THEN: Final = cascade_on("entry.entry_date")
"""The rate on the day of an entry where it was worked, for entries without one of their own."""


def _entries(where: str) -> Prepared:
    """Unbilled time of a client with the rate found on the way entry → task → project → client → workspace.

    `FOR UPDATE` makes those who bill the same work queue up in the order of the ids; after the wait the conditions
    are looked at again, so that what is on an invoice by then drops out.
    """
    return Prepared(
        text(f"""
            SELECT entry.id, entry.project_id, entry.task_id, entry.entry_date, entry.duration_seconds, entry.note,
                   COALESCE(entry.hourly_rate, {RATE_THEN}),
                   project.name, task.name, {WAITS_SQL}
            FROM time_entries AS entry
            JOIN projects AS project ON project.workspace_id = entry.workspace_id AND project.id = entry.project_id
            JOIN clients AS client ON client.workspace_id = entry.workspace_id AND client.id = project.client_id
            JOIN workspaces AS studio ON studio.id = entry.workspace_id
            LEFT JOIN tasks AS task ON task.workspace_id = entry.workspace_id AND task.id = entry.task_id
            WHERE entry.workspace_id = :workspace AND entry.deleted_at IS NULL AND entry.invoice_id IS NULL
              AND entry.written_off_at IS NULL AND entry.billable
              AND (entry.started_at IS NULL OR entry.stopped_at IS NOT NULL)
              AND project.client_id = :client_id AND project.rate_type <> 'FIXED'
              AND {where}
            ORDER BY entry.id
            FOR UPDATE OF entry
        """)
    )


def _expenses(where: str) -> Prepared:
    return Prepared(
        text(f"""
            SELECT id, project_id, description, amount, currency, expense_date
            FROM expenses
            WHERE workspace_id = :workspace AND deleted_at IS NULL AND invoice_id IS NULL AND billable
              AND written_off_at IS NULL AND client_id = :client_id AND {where}
            ORDER BY id
            FOR UPDATE
        """)
    )


_PICK_ENTRIES = _entries(
    "entry.project_id = ANY(CAST(:project_ids AS uuid[])) AND entry.entry_date BETWEEN :date_from AND :date_to"
)
_PICK_THESE_ENTRIES = _entries("entry.id = ANY(CAST(:entry_ids AS uuid[]))")
_PICK_EXPENSES = _expenses(
    "expense_date BETWEEN :date_from AND :date_to "
    "AND (CAST(:project_ids AS uuid[]) IS NULL OR project_id = ANY(CAST(:project_ids AS uuid[])))"
)
_PICK_THESE_EXPENSES = _expenses("id = ANY(CAST(:expense_ids AS uuid[]))")


def _milestones(where: str) -> Prepared:
    return Prepared(
        text(f"""
            SELECT milestone.id, milestone.project_id, milestone.title, milestone.amount, milestone.reached_on,
                   project.name
            FROM milestones AS milestone
            JOIN projects AS project
              ON project.workspace_id = milestone.workspace_id AND project.id = milestone.project_id
            WHERE milestone.workspace_id = :workspace AND milestone.deleted_at IS NULL
              AND milestone.invoice_id IS NULL AND milestone.amount IS NOT NULL AND project.rate_type = 'FIXED'
              AND milestone.project_id = ANY(CAST(:project_ids AS uuid[])) AND {where}
            ORDER BY milestone.id
            FOR NO KEY UPDATE OF milestone
        """)
    )


_PICK_MILESTONES = _milestones("milestone.reached_on BETWEEN :date_from AND :date_to")
_PICK_THESE_MILESTONES = _milestones(
    "milestone.reached_on IS NOT NULL AND milestone.id = ANY(CAST(:milestone_ids AS uuid[]))"
)
_LOCK_FIXED = Prepared(
    text("""
        SELECT id FROM projects
        WHERE workspace_id = :workspace AND id = ANY(CAST(:project_ids AS uuid[])) AND rate_type = 'FIXED'
        ORDER BY id FOR NO KEY UPDATE
    """)
)
_PICK_FEES = Prepared(
    text("""
        SELECT * FROM (
            SELECT project.id, project.name, project.fixed_fee_amount - (
                       SELECT COALESCE(sum(amount), 0) FROM milestones
                       WHERE milestones.workspace_id = project.workspace_id AND milestones.project_id = project.id
                         AND milestones.deleted_at IS NULL) AS rest
            FROM projects AS project
            WHERE project.workspace_id = :workspace AND project.id = ANY(CAST(:project_ids AS uuid[]))
              AND project.rate_type = 'FIXED' AND project.deleted_at IS NULL
              AND NOT EXISTS (
                  SELECT FROM billed_work
                  WHERE workspace_id = :workspace AND fee_project_id = project.id AND released_at IS NULL)
        ) AS left_of WHERE rest > 0
    """)
)

_ADD_LINES = Prepared(
    text("""
        INSERT INTO invoice_lines (workspace_id, invoice_id, id, position, kind, description, quantity, unit, rate,
                                   total, project_id, task_id, heading, discount_percent, discount_amount,
                                   gross_discount, gross_total, tax_category, tax_rate, tax_reason, tax_rate_id,
                                   tax_given)
        SELECT CAST(:workspace AS uuid), CAST(:invoice_id AS uuid), line.*
        FROM unnest(CAST(:ids AS uuid[]), CAST(:positions AS bigint[]), CAST(:kinds AS text[]),
                    CAST(:descriptions AS text[]), CAST(:quantities AS numeric[]), CAST(:units AS text[]),
                    CAST(:rates AS numeric[]), CAST(:totals AS numeric[]), CAST(:project_ids AS uuid[]),
                    CAST(:task_ids AS uuid[]), CAST(:headings AS text[]), CAST(:discount_percents AS numeric[]),
                    CAST(:discount_amounts AS numeric[]), CAST(:gross_discounts AS numeric[]),
                    CAST(:gross_totals AS numeric[]), CAST(:tax_categories AS text[]), CAST(:tax_rates AS numeric[]),
                    CAST(:tax_reasons AS text[]), CAST(:tax_rate_ids AS uuid[]),
                    CAST(:taxes_given AS boolean[])) AS line
    """)
)
_REWRITE_SUMS = Prepared(
    text("""
        UPDATE invoice_lines AS line
        SET discount_percent = now.discount_percent, discount_amount = now.discount_amount, total = now.total,
            gross_discount = now.gross_discount, gross_total = now.gross_total, tax_category = now.tax_category,
            tax_rate = now.tax_rate, tax_reason = now.tax_reason, tax_rate_id = now.tax_rate_id
        FROM unnest(CAST(:ids AS uuid[]), CAST(:discount_percents AS numeric[]), CAST(:discount_amounts AS numeric[]),
                    CAST(:totals AS numeric[]), CAST(:gross_discounts AS numeric[]), CAST(:gross_totals AS numeric[]),
                    CAST(:tax_categories AS text[]), CAST(:tax_rates AS numeric[]), CAST(:tax_reasons AS text[]),
                    CAST(:tax_rate_ids AS uuid[]))
             AS now (id, discount_percent, discount_amount, total, gross_discount, gross_total, tax_category, tax_rate,
                     tax_reason, tax_rate_id)
        WHERE line.workspace_id = :workspace AND line.invoice_id = :invoice_id AND line.id = now.id
    """)
)
_BILL_ENTRIES = Prepared(
    text("""
        UPDATE time_entries AS entry
        SET invoice_id = :invoice_id, hourly_rate = COALESCE(entry.hourly_rate, billed.rate), updated_at = :now
        FROM unnest(CAST(:ids AS uuid[]), CAST(:rates AS numeric[])) AS billed (id, rate)
        WHERE entry.workspace_id = :workspace AND entry.id = billed.id AND entry.invoice_id IS NULL
    """)
)
_BILL_EXPENSES = Prepared(
    text("""
        UPDATE expenses SET invoice_id = :invoice_id, updated_at = :now
        WHERE workspace_id = :workspace AND id = ANY(CAST(:ids AS uuid[])) AND invoice_id IS NULL
    """)
)
_BILL_MILESTONES = Prepared(
    text("""
        UPDATE milestones SET invoice_id = :invoice_id, updated_at = :now
        WHERE workspace_id = :workspace AND id = ANY(CAST(:ids AS uuid[])) AND invoice_id IS NULL
    """)
)
_PLAN_ANEW = Prepared("DISCARD PLANS")
"""The check that a line exists was planned when there were few, and may read all lines of a workspace for each part."""
_ADD_BILLED = Prepared(
    text("""
        INSERT INTO billed_work (workspace_id, invoice_id, id, line_id, entry_id, expense_id, milestone_id,
                                 fee_project_id, seconds, billed_seconds)
        SELECT CAST(:workspace AS uuid), CAST(:invoice_id AS uuid), work.*
        FROM unnest(CAST(:ids AS uuid[]), CAST(:line_ids AS uuid[]), CAST(:entry_ids AS uuid[]),
                    CAST(:expense_ids AS uuid[]), CAST(:milestone_ids AS uuid[]), CAST(:fee_project_ids AS uuid[]),
                    CAST(:seconds AS bigint[]), CAST(:billed_seconds AS bigint[])) AS work
    """)
)
_HERE: Final = "workspace_id = :workspace AND invoice_id = :invoice_id"


def _free(table: str) -> Prepared:
    """In the order of the ids, as they are taken: whoever takes them meanwhile waits, and nobody for each other."""
    locked = f"SELECT id FROM {table} WHERE {_HERE} ORDER BY id FOR UPDATE"
    return Prepared(text(f"UPDATE {table} SET invoice_id = NULL, updated_at = :now WHERE id IN ({locked})"))


_FREE_ENTRIES = _free("time_entries")
_FREE_EXPENSES = _free("expenses")
_FREE_MILESTONES = _free("milestones")
_RELEASE = Prepared(text(f"UPDATE billed_work SET released_at = :now WHERE {_HERE} AND released_at IS NULL"))
_FORGET = Prepared(text(f"DELETE FROM billed_work WHERE {_HERE}"))
_DROP_WORK_LINES = Prepared(text(f"DELETE FROM invoice_lines WHERE {_HERE} AND kind <> 'CUSTOM'"))
_RELEASED = Prepared(text(f"SELECT entry_id, expense_id FROM billed_work WHERE {_HERE} ORDER BY id"))
_RELEASED_FEES = Prepared(text(f"SELECT milestone_id, fee_project_id FROM billed_work WHERE {_HERE} ORDER BY id"))
