"""Reads that join several nouns: time with its project and invoice, projects with their client, money by month."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Date, and_, bindparam, cast, func, null, text
from sqlalchemy.dialects.postgresql import TIMESTAMP

from tallystick.db.base import table_of
from tallystick.db.session import Prepared
from tallystick.domain.access import Permission
from tallystick.domain.clients import Client
from tallystick.domain.context import Context, actor
from tallystick.domain.dated_rates import on_day, today
from tallystick.domain.invoices.invoice import Invoice
from tallystick.domain.listing import After, Filter, Listing
from tallystick.domain.members import Person
from tallystick.domain.projects import Project, on_project
from tallystick.domain.time_entries import TimeEntry, end_of
from tallystick.domain.workspaces import Workspace, current
from tallystick.values.errors import Invalid

LONGEST_YEARS: Final = 20


class EntrySeen(NamedTuple):
    """A time entry with its person, project, client and invoice, as far as the actor may see them."""

    id: str
    user_id: str
    project_id: str | None
    begins_at: datetime
    stopped_at: datetime | None
    started_at: datetime | None
    duration_seconds: int
    note: str | None
    billable: bool
    invoice_id: str | None
    created_at: datetime
    updated_at: datetime
    user_name: str
    user_email: str
    project_name: str | None
    """None where there is no project, or the actor is not on it."""
    client_id: str | None
    client_name: str | None
    project_rate: Decimal | None
    currency: str | None
    invoice_number: str | None
    invoice_status: str | None
    invoice_date: date | None
    invoice_due: date | None

    @property
    def running(self) -> bool:
        return self.started_at is not None and self.stopped_at is None

    @property
    def ends_at(self) -> datetime | None:
        """When it ended, or would have without a break; None while it runs."""
        return None if self.running else end_of(self.begins_at, self.duration_seconds)


class ProjectSeen(NamedTuple):
    """A project with its client, as far as the actor may see them."""

    id: str
    name: str
    client_id: str | None
    hourly_rate: Decimal | None
    currency: str
    status: str
    created_at: datetime
    updated_at: datetime
    client_name: str | None
    client_email: str | None


Row = TypeVar("Row", EntrySeen, ProjectSeen)


class Joined(NamedTuple):
    """A list of rows that join several nouns: what those see who see everything, and what Members see."""

    permission: Permission
    everyone: Listing
    members: Listing

    def of(self, ctx: Context) -> Listing:
        """The list as the actor sees it."""
        ctx.require(self.permission)
        return self.everyone if ctx.actor.sees_everyone else self.members


def page(
    ctx: Context, joined: Joined, row: type[Row], filters: dict[str, Any], *, limit: int, after: After | None, sort: str
) -> tuple[list[Row], After | None]:
    """One page of joined rows, and where the next one starts."""
    found = joined.of(ctx).page(ctx, row._fields, filters, sort=sort, limit=limit, after=after)
    return [row._make(one) for one in found.rows], found.after


def entry(ctx: Context, entry_id: str) -> EntrySeen:
    """One time entry as `ENTRIES` lists it."""
    return EntrySeen._make(ENTRIES.of(ctx).one(ctx, EntrySeen._fields, entry_id))


def entry_at_end(ctx: Context, entry_id: str) -> Callable[[], EntrySeen]:
    """`entry` of one just written, along with the commit; it can be asked for then."""
    found = ENTRIES.of(ctx).one_at_end(ctx, EntrySeen._fields, entry_id)
    return lambda: EntrySeen._make(found())


def project(ctx: Context, project_id: str) -> ProjectSeen:
    """One project as `PROJECTS` lists it."""
    return ProjectSeen._make(PROJECTS.of(ctx).one(ctx, ProjectSeen._fields, project_id))


class Month(NamedTuple):
    """What was earned and spent in the part of a month that lies in a period, in the workspace's currency."""

    first_day: date
    revenue: Decimal
    """Invoices issued less credit notes, without tax, each in its own month."""
    expenses: Decimal


def profit_and_loss(ctx: Context, date_from: date, date_to: date) -> list[Month]:
    """Each month that the period touches, oldest first. Amounts in other currencies are not counted."""
    ctx.require(Permission.READ_INVOICES)
    ctx.require(Permission.READ_EXPENSES)
    if date_to < date_from:
        raise Invalid(fields={"date_to": "must not be before the first day"})
    if date_to.year - date_from.year >= LONGEST_YEARS:
        raise Invalid(fields={"date_to": f"a period is at most {LONGEST_YEARS} years"})
    values: dict[str, Any] = {"currency": current(ctx).default_currency, "date_from": date_from, "date_to": date_to}
    revenue: dict[date, Decimal] = dict(ctx.rows(_REVENUE, **values))  # type: ignore[arg-type]
    spent: dict[date, Decimal] = dict(ctx.rows(_EXPENSES, **values))  # type: ignore[arg-type]
    nothing = Decimal(0)
    return [
        Month(month, revenue.get(month, nothing), spent.get(month, nothing)) for month in _months(date_from, date_to)
    ]


class Aging(NamedTuple):
    """What is still to be paid on issued invoices, in the workspace's currency, by when it was or is due."""

    outstanding: Decimal
    invoices: int
    current: Decimal
    """Not due yet, or due today."""
    overdue_30: Decimal
    """1 to 30 days overdue."""
    overdue_60: Decimal
    """31 to 60 days overdue."""
    overdue_more: Decimal
    expected_14: Decimal
    """Due from today until 14 days from now."""
    expected_30: Decimal
    """Due from today until 30 days from now: the first 14 are part of it."""
    expected_60: Decimal


def invoice_aging(ctx: Context) -> Aging:
    """Open balances on the actor's today. Invoices in other currencies are not counted."""
    ctx.require(Permission.READ_INVOICES)
    found = ctx.row(_AGING, currency=current(ctx).default_currency, today=ctx.today())
    assert found is not None  # noqa: S101 - an aggregate has one row
    return Aging._make(found)


def _months(date_from: date, date_to: date) -> list[date]:
    months = [date_from.replace(day=1)]
    while (months[-1].year, months[-1].month) < (date_to.year, date_to.month):
        last = months[-1]
        months.append(date(last.year + last.month // 12, last.month % 12 + 1, 1))
    return months


_entry, _person, _project = table_of(TimeEntry), table_of(Person), table_of(Project)
_client, _studio, _invoice = table_of(Client), table_of(Workspace), table_of(Invoice)


def _day(name: str, later: int) -> ColumnElement[datetime]:
    """The instant so many days after a day: a bound for the index, wider than any time zone."""
    return cast(cast(bindparam(name, type_=Date()), Date) + later, TIMESTAMP(timezone=True))


_OF_INVOICE: Final = {
    "invoice_number": "number",
    "invoice_status": "status",
    "invoice_date": "issue_date",
    "invoice_due": "due_date",
}
_ENTRY_FILTERS: Final = {
    "project_id": Filter("id", _entry.c.project_id == bindparam("project_id", type_=_entry.c.project_id.type)),
    "user_id": Filter("id", _entry.c.user_id == bindparam("user_id", type_=_entry.c.user_id.type)),
    "date_from": Filter(
        "day",
        and_(
            _entry.c.entry_date >= bindparam("date_from", type_=Date()),
            _entry.c.begins_at >= _day("date_from", -2),
        ),
        about="The first day, YYYY-MM-DD, compared with the local day of the entry.",
    ),
    "date_to": Filter(
        "day",
        and_(_entry.c.entry_date <= bindparam("date_to", type_=Date()), _entry.c.begins_at < _day("date_to", 3)),
        about="The last day, YYYY-MM-DD; it is included.",
    ),
}


def _entries(*, everyone: bool) -> Listing:
    mine = and_(_project.c.workspace_id == _entry.c.workspace_id, _project.c.id == _entry.c.project_id)
    source = (
        _entry.join(_studio, _studio.c.id == _entry.c.workspace_id)
        .join(_person, _person.c.id == _entry.c.user_id)
        .outerjoin(_project, mine if everyone else and_(mine, on_project(_project.c.id, actor())))
        .outerjoin(_client, _client.c.id == _project.c.client_id)
    )
    computed: dict[str, ColumnElement[Any]] = {
        "user_name": _person.c.name,
        "user_email": _person.c.email,
        "project_name": _project.c.name,
        "client_id": _project.c.client_id,
        "currency": func.coalesce(_client.c.currency, _studio.c.default_currency),
        **dict.fromkeys(("client_name", "project_rate", *_OF_INVOICE), null()),
    }
    if everyone:
        source = source.outerjoin(
            _invoice, and_(_invoice.c.workspace_id == _entry.c.workspace_id, _invoice.c.id == _entry.c.invoice_id)
        )
        computed |= {"client_name": _client.c.name, "project_rate": on_day(_project, "hourly_rate", today())}
        computed |= {name: _invoice.c[column] for name, column in _OF_INVOICE.items()}
    return Listing(
        TimeEntry, sorts=("begins_at",), search=("note",), extra=_ENTRY_FILTERS, computed=computed, source=source
    )


def _projects(*, everyone: bool) -> Listing:
    source = _project.join(_studio, _studio.c.id == _project.c.workspace_id).outerjoin(
        _client, _client.c.id == _project.c.client_id
    )
    computed: dict[str, ColumnElement[Any]] = {
        "client_name": _client.c.name,
        "client_email": _client.c.email,
        "currency": func.coalesce(_client.c.currency, _studio.c.default_currency),
    }
    if not everyone:
        computed |= dict.fromkeys(("client_name", "client_email", "hourly_rate"), null())
    return Listing(Project, sorts=("created_at",), search=("name",), computed=computed, source=source)


ENTRIES: Final = Joined(Permission.TRACK_TIME, _entries(everyone=True), _entries(everyone=False))
"""Time with what it belongs to, to be sorted by when it begins. Members see no client's name, rate or invoice."""
PROJECTS: Final = Joined(Permission.READ_PROJECTS, _projects(everyone=True), _projects(everyone=False))
"""Projects with their client; Members see neither its name nor the rate."""

_REVENUE = Prepared(
    text("""
        SELECT CAST(date_trunc('month', issue_date) AS date), sum(net)
        FROM (
            SELECT issue_date, subtotal - discount_amount AS net
            FROM invoices  -- one that credit notes cancelled was issued nevertheless: they take it back in their month
            WHERE workspace_id = :workspace AND deleted_at IS NULL
              AND (status IN ('SENT', 'PAID') OR amount_credited > 0)
              AND currency = :currency AND issue_date BETWEEN :date_from AND :date_to
            UNION ALL
            SELECT issue_date, discount_amount - subtotal
            FROM credit_notes
            WHERE workspace_id = :workspace AND currency = :currency AND issue_date BETWEEN :date_from AND :date_to
        ) AS issued
        GROUP BY 1
    """)
)
_EXPENSES = Prepared(
    text("""
        SELECT CAST(date_trunc('month', expense_date) AS date), sum(amount)
        FROM expenses
        WHERE workspace_id = :workspace AND deleted_at IS NULL
          AND currency = :currency AND expense_date BETWEEN :date_from AND :date_to
        GROUP BY 1
    """)
)
_AGING = Prepared(
    text("""
        SELECT COALESCE(sum(balance), 0),
               count(*),
               COALESCE(sum(balance) FILTER (WHERE late <= 0), 0),
               COALESCE(sum(balance) FILTER (WHERE late BETWEEN 1 AND 30), 0),
               COALESCE(sum(balance) FILTER (WHERE late BETWEEN 31 AND 60), 0),
               COALESCE(sum(balance) FILTER (WHERE late > 60), 0),
               COALESCE(sum(balance) FILTER (WHERE late BETWEEN -14 AND 0), 0),
               COALESCE(sum(balance) FILTER (WHERE late BETWEEN -30 AND 0), 0),
               COALESCE(sum(balance) FILTER (WHERE late BETWEEN -60 AND 0), 0)
        FROM (
            SELECT balance, CAST(:today AS date) - due_date AS late
            FROM invoices
            WHERE workspace_id = :workspace AND deleted_at IS NULL AND status = 'SENT'
              AND currency = :currency AND balance > 0
        ) AS open
    """)
)
