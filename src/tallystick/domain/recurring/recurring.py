"""Recurring invoices: what is billed again and again, on which days, and whether it is sent by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from itertools import islice, takewhile
from typing import Any, ClassVar, Final, Literal, NamedTuple, get_args

import msgspec
from msgspec import UNSET
from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Id, Json, Tenant, columns_of, one_of, table_of, within_workspace
from tallystick.db.session import Prepared
from tallystick.domain.access import Permission
from tallystick.domain.clients import Client
from tallystick.domain.context import SENTENCES, Context, cast_rows
from tallystick.domain.invoices import draft as drafts
from tallystick.domain.invoices.draft import CustomLine, Draft
from tallystick.domain.invoices.totals import Discount
from tallystick.domain.listing import Listing
from tallystick.domain.projects import client_name_filter
from tallystick.domain.workspaces import check_time_zone, current
from tallystick.values.duration import local_date
from tallystick.values.errors import Conflict, Invalid
from tallystick.values.ids import new_id
from tallystick.values.recurrence import FIRST, HORIZON, MONTH_ENDS, MonthEnd, Rule, parse_rule
from tallystick.values.tax import TaxCategory

Status = Literal["ACTIVE", "PAUSED", "ENDED", "CANCELLED"]
STATUSES: Final[tuple[Status, ...]] = get_args(Status)
Mode = Literal["DRAFT", "SEND"]
MODES: Final[tuple[Mode, ...]] = get_args(Mode)
CatchUp = Literal["ALL", "LATEST", "NONE"]
CATCH_UPS: Final[tuple[CatchUp, ...]] = get_args(CatchUp)
"""What becomes of days that went by while nothing ran: each is made up for, only the last one, or none."""
Outcome = Literal["MADE", "SKIPPED", "PASSED", "FAILED"]
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)

MOVES: Final[dict[Status, frozenset[Status]]] = {
    "ACTIVE": frozenset({"PAUSED", "ENDED", "CANCELLED"}),
    "PAUSED": frozenset({"ACTIVE", "ENDED", "CANCELLED"}),
    "ENDED": frozenset({"ACTIVE"}),  # when its rule is changed so that it falls on days to come
    "CANCELLED": frozenset({"ACTIVE", "ENDED"}),
}
"""ENDED: no day is left. CANCELLED: somebody ended it before."""


class Template(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What each of its invoices says. Texts may hold the day: `{{yyyy}}`, `{{yy}}`, `{{mm}}`, `{{dd}}`."""

    lines: tuple[CustomLine, ...]
    discount: Discount | None = None
    tax_rate: Decimal | None = None
    """None: as the client, else the workspace has it on that day; likewise all that follows of tax."""
    tax_category: TaxCategory | None = None
    tax_reason: str | None = None
    tax_rate_id: str | None = None
    prices_include_tax: bool | None = None
    notes: str | None = None
    po_number: str | None = None

    def to_json(self) -> str:
        """As the row keeps it."""
        return msgspec.json.encode(self, enc_hook=str).decode()

    def on(self, day: date) -> Template:
        """The same with the day in its texts."""
        return msgspec.structs.replace(
            self,
            lines=tuple(_line_on(line, day) for line in self.lines),
            notes=None if self.notes is None else _dated(self.notes, day),
            po_number=None if self.po_number is None else _dated(self.po_number, day),
        )


class RecurringInvoice(Tenant):
    """An invoice that is made again and again. Its days are local days of its time zone."""

    __tablename__ = "recurring_invoices"
    noun: ClassVar[str] = "recurring invoice"
    money: ClassVar[frozenset[str]] = frozenset({"template"})

    client_id: Mapped[Id]
    name: Mapped[str]
    """What we call it; no invoice shows it."""
    status: Mapped[str] = mapped_column(default="ACTIVE")
    mode: Mapped[str] = mapped_column(default="DRAFT")
    template: Mapped[Json]
    currency: Mapped[str]
    """The client's when it was made: its prices are in it."""
    rule: Mapped[str]
    start_date: Mapped[date]
    time_zone: Mapped[str]
    month_end: Mapped[str] = mapped_column(default="LAST_DAY")
    catch_up: Mapped[str] = mapped_column(default="ALL")
    next_run_on: Mapped[date | None]
    """The first day of which nothing is decided yet; null: there is none any more."""
    failure: Mapped[str | None]
    """Why the last try failed, while a day of it still waits to be made up for."""
    paused_at: Mapped[datetime | None]
    created_by: Mapped[Id | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("client_id", "clients.id"),
            within_workspace("created_by", "members.user_id"),
            one_of("status", STATUSES),
            one_of("mode", MODES),
            one_of("month_end", MONTH_ENDS),
            one_of("catch_up", CATCH_UPS),
            CheckConstraint("(status = 'PAUSED') = (paused_at IS NOT NULL)", name="paused_at"),
            CheckConstraint(
                "(status IN ('ENDED', 'CANCELLED')) = (next_run_on IS NULL AND failure IS NULL)", name="over"
            ),
            Index("ix_recurring_invoices_created", "workspace_id", "created_at", "id"),
            Index("ix_recurring_invoices_due", "next_run_on", postgresql_where="status = 'ACTIVE'"),
        )

    @property
    def facts(self) -> Template:
        """What its invoices say."""
        return template_of(self.template)

    @property
    def schedule(self) -> Rule:
        return parse_rule(self.rule)

    def day_after(self, day: date) -> date | None:
        """The first of its days behind this one."""
        return self.since(date.fromordinal(day.toordinal() + 1))

    def since(self, day: date) -> date | None:
        """The first of its days that is not before this one."""
        month_end: MonthEnd = self.month_end  # type: ignore[assignment]  # the CHECK says so
        return self.schedule.first(self.start_date, month_end, since=day)


class RecurringRun(Tenant):
    """What became of one day of a recurring invoice. A day has one: that is what makes its invoice once."""

    __tablename__ = "recurring_runs"
    noun: ClassVar[str] = "recurring run"

    recurring_id: Mapped[Id]
    occurs_on: Mapped[date]
    outcome: Mapped[str]
    invoice_id: Mapped[Id | None]
    failure: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(default=1)
    retry_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("recurring_id", "recurring_invoices.id"),
            within_workspace("invoice_id", "invoices.id"),
            one_of("outcome", OUTCOMES),
            CheckConstraint("(outcome = 'MADE') = (invoice_id IS NOT NULL)", name="invoice_id"),
            CheckConstraint("(outcome = 'FAILED') = (failure IS NOT NULL)", name="failure"),
            CheckConstraint("(outcome = 'FAILED') = (retry_at IS NOT NULL)", name="retry_at"),
            Index("uq_recurring_runs_day", "workspace_id", "recurring_id", "occurs_on", unique=True),
            Index("uq_recurring_runs_invoice", "workspace_id", "invoice_id", unique=True),
        )


class Occurrence(NamedTuple):
    """A day to come."""

    occurs_on: date
    due: bool
    """Whether it is made with the next run: the day has begun, or it failed before."""


RECURRING_INVOICES = Listing(
    RecurringInvoice,
    sorts=("created_at", "id", "name", "next_run_on", "updated_at"),
    search=("name",),
    exact=("client_id", "status", "mode"),
    choices={"status": STATUSES, "mode": MODES},
    dates=("next_run_on",),
    extra={"client_name": client_name_filter(table_of(RecurringInvoice).c.client_id)},
)


def create(
    ctx: Context,
    *,
    client_id: str,
    rule: str,
    start_date: date,
    template: Template,
    name: str | None = None,
    mode: Mode = "DRAFT",
    time_zone: str | None = None,
    month_end: MonthEnd = "LAST_DAY",
    catch_up: CatchUp = "ALL",
) -> RecurringInvoice:
    """Let an invoice recur from its start on, or from today where that is past. No time zone: the workspace's.

    Its first invoice is tried out: what a draft would refuse is refused here.
    """
    ctx.require(Permission.CHANGE_INVOICES)
    client = ctx.reference(Client, client_id, "client_id", lock="share")
    recurring = RecurringInvoice(
        client_id=client.id,
        name=_name(name, template),
        mode=mode,
        template=template.to_json(),
        currency=client.currency,
        rule=_canonical(rule),
        start_date=start_date,
        time_zone=time_zone or current(ctx).time_zone,
        month_end=month_end,
        catch_up=catch_up,
    )
    _check(recurring)
    recurring.next_run_on = _first_day(ctx, recurring)
    _rehearse(ctx, recurring, client)
    ctx.add(recurring)
    ctx.record("created", recurring)
    return recurring


def read(ctx: Context, recurring_id: str) -> RecurringInvoice:
    """One recurring invoice."""
    ctx.require(Permission.READ_INVOICES)
    return ctx.find(RecurringInvoice, recurring_id)


def change(ctx: Context, recurring_id: str, **facts: Any) -> RecurringInvoice:
    """Change some facts; what is in the template by its own name. Invoices already made stay as they are.

    Of a changed schedule the days from today on count, of which nothing was decided yet.
    """
    ctx.require(Permission.CHANGE_INVOICES)
    recurring = ctx.find(RecurringInvoice, recurring_id, lock="update")
    if facts.keys() - _CHANGEABLE:
        raise TypeError(f"A recurring invoice has no {', '.join(sorted(facts.keys() - _CHANGEABLE))} to change.")
    if facts.get("client_id", recurring.client_id) != recurring.client_id:
        raise Invalid(fields={"client_id": "a recurring invoice stays with its client; make another one"})
    client = ctx.reference(Client, recurring.client_id, "client_id", lock="share")
    given = {one: facts[one] for one in Template.__struct_fields__ if one in facts}
    template = msgspec.structs.replace(recurring.facts, **given)
    plain: dict[str, Any] = {one: facts[one] for one in _PLAIN if one in facts}
    if template != recurring.facts:
        plain["template"] = template.to_json()
    if "lines" in given:
        plain["currency"] = client.currency
    if "name" in plain:
        plain["name"] = _name(plain["name"], template)
    if "rule" in plain:
        plain["rule"] = _canonical(plain["rule"])
    if "time_zone" in plain:
        plain["time_zone"] = plain["time_zone"] or current(ctx).time_zone
    meant = RecurringInvoice(**{one: getattr(recurring, one) for one in columns_of(RecurringInvoice)} | plain)
    _check(meant)
    moved = any(getattr(meant, one) != getattr(recurring, one) for one in _SCHEDULE)
    if moved and recurring.status != "CANCELLED":
        plain["next_run_on"] = meant.next_run_on = _first_day(ctx, meant)
    if given or meant.mode != recurring.mode:
        _rehearse(ctx, meant, client)
    if moved and recurring.status == "ENDED":
        become(ctx, recurring, "ACTIVE", **plain)
        ctx.record("updated", recurring)
    elif ctx.change(recurring, **plain):
        ctx.record("updated", recurring)
    return recurring


def pause(ctx: Context, recurring_id: str) -> RecurringInvoice:
    """Make nothing until it is resumed."""
    recurring = _taken(ctx, recurring_id)
    become(ctx, recurring, "PAUSED", paused_at=ctx.now)
    ctx.record("paused", recurring)
    return recurring


def resume(ctx: Context, recurring_id: str) -> RecurringInvoice:
    """Go on, from today: days that went by meanwhile are passed over."""
    recurring = _taken(ctx, recurring_id)
    if recurring.status not in ("PAUSED", "CANCELLED"):
        raise no_such_move(recurring, "ACTIVE")
    today = local_date(ctx.now, recurring.time_zone)
    day = pass_over(ctx, recurring, before=today) if recurring.status == "PAUSED" else _free_day(ctx, recurring, today)
    over = day is None and recurring.failure is None
    become(ctx, recurring, "ENDED" if over else "ACTIVE", next_run_on=day, paused_at=None)
    ctx.record("resumed", recurring)
    return recurring


def cancel(ctx: Context, recurring_id: str) -> RecurringInvoice:
    """End it for good; what failed is not tried again. Its invoices stay."""
    recurring = _taken(ctx, recurring_id)
    become(ctx, recurring, "CANCELLED", next_run_on=None, failure=None, paused_at=None)
    ctx.write(_GIVE_UP, recurring_id=recurring.id, now=ctx.now)
    ctx.record("cancelled", recurring)
    return recurring


def skip(ctx: Context, recurring_id: str) -> RecurringInvoice:
    """Leave out the next day: one that failed before, else the next one of its rule."""
    recurring = _taken(ctx, recurring_id)
    if recurring.status not in ("ACTIVE", "PAUSED"):
        raise Conflict(f"{recurring.status.title()} recurring invoices have no next one", reason="recurring_state")
    failed = failed_runs(ctx, recurring)
    if failed:
        ctx.change(failed[0], outcome="SKIPPED", failure=None, retry_at=None)
        settle(ctx, recurring, next_run_on=recurring.next_run_on)
    else:
        day = recurring.next_run_on
        assert day is not None  # noqa: S101 - the CHECK says so
        ctx.add(RecurringRun(recurring_id=recurring.id, occurs_on=day, outcome="SKIPPED"))
        settle(ctx, recurring, next_run_on=recurring.day_after(day))
    ctx.record("skipped", recurring)
    return recurring


def delete(ctx: Context, recurring_id: str) -> None:
    """Delete it. Its invoices stay."""
    recurring = _taken(ctx, recurring_id)
    ctx.change(recurring, deleted_at=ctx.now)
    ctx.record("deleted", recurring)


def occurrences(ctx: Context, recurring_id: str, limit: int = 12) -> list[Occurrence]:
    """The next days, in order; those that failed are among them."""
    ctx.require(Permission.READ_INVOICES)
    recurring = ctx.find(RecurringInvoice, recurring_id)
    today = local_date(ctx.now, recurring.time_zone)
    active = recurring.status == "ACTIVE"
    found = [Occurrence(run.occurs_on, active) for run in failed_runs(ctx, recurring)]
    if recurring.next_run_on is not None:
        days = upcoming(recurring, recurring.next_run_on)
        found += [Occurrence(day, active and day <= today) for day in islice(days, limit)]
    return found[:limit]


def runs(ctx: Context, recurring_id: str) -> list[RecurringRun]:
    """What became of its days, the last one first: the last 200."""
    ctx.require(Permission.READ_INVOICES)
    recurring = ctx.find(RecurringInvoice, recurring_id)
    return cast_rows(ctx.rows(_RUNS, recurring_id=recurring.id), RecurringRun)


def made(ctx: Context, recurring_ids: Sequence[str]) -> dict[str, tuple[int, date | None]]:
    """How many invoices each of these made, and for which day the last of them."""
    ctx.require(Permission.READ_INVOICES)
    return {found: (count, last) for found, count, last in ctx.rows(_MADE, ids=list(recurring_ids))}


def template_of(json: str) -> Template:
    """What the invoices of a row say."""
    return msgspec.json.decode(json, type=Template)


# --- for the chapters of this package


def become(ctx: Context, recurring: RecurringInvoice, status: Status, **facts: Any) -> None:
    """The one door between states."""
    was: Status = recurring.status  # type: ignore[assignment]  # the CHECK says so
    if status not in MOVES[was]:
        raise no_such_move(recurring, status)
    ctx.change(recurring, status=status, **facts)


def no_such_move(recurring: RecurringInvoice, status: Status) -> Conflict:
    """The refusal of a move, naming both states."""
    if recurring.status == status:
        return Conflict(f"This recurring invoice is {status.lower()} already", reason="recurring_state")
    sentence = f"{recurring.status.title()} recurring invoices cannot become {status.lower()}"
    return Conflict(sentence, reason="recurring_state")


def upcoming(recurring: RecurringInvoice, since: date) -> Iterator[date]:
    """Its days from this one on."""
    month_end: MonthEnd = recurring.month_end  # type: ignore[assignment]  # the CHECK says so
    for day in recurring.schedule.dates(recurring.start_date, month_end):
        if day >= since:
            yield day


def failed_runs(ctx: Context, recurring: RecurringInvoice) -> list[RecurringRun]:
    """Its days that wait to be tried again, in order."""
    return cast_rows(ctx.rows(_FAILED, recurring_id=recurring.id), RecurringRun)


def settle(ctx: Context, recurring: RecurringInvoice, *, next_run_on: date | None) -> None:
    """Say which day is next, and whether something still failed; with neither it has ended."""
    failed = failed_runs(ctx, recurring)
    failure = failed[-1].failure if failed else None
    if next_run_on is None and failure is None:
        become(ctx, recurring, "ENDED", next_run_on=None, failure=None, paused_at=None)
    else:
        ctx.change(recurring, next_run_on=next_run_on, failure=failure)


def pass_over(ctx: Context, recurring: RecurringInvoice, *, before: date) -> date | None:
    """Note of the undecided days before this one that nothing is made for them; answers the next day."""
    since = recurring.next_run_on
    if since is None or since >= before:
        return since
    passed = list(takewhile(lambda day: day < before, upcoming(recurring, since)))
    ctx.write(_PASS, recurring_id=recurring.id, ids=[new_id() for _ in passed], days=passed, now=ctx.now)
    return recurring.since(before)


def draft_of(ctx: Context, recurring: RecurringInvoice, day: date, **dates: date | None) -> Draft:
    """The invoice of one day, as a draft."""
    template = recurring.facts.on(day)
    return drafts.draft(
        ctx,
        client_id=recurring.client_id,
        project_ids=[],
        lines=template.lines,
        discount=template.discount,
        tax_rate=UNSET if template.tax_rate is None else template.tax_rate,
        tax_category=template.tax_category,
        tax_reason=UNSET if template.tax_reason is None else template.tax_reason,
        tax_rate_id=template.tax_rate_id,
        prices_include_tax=template.prices_include_tax,
        notes=template.notes,
        po_number=template.po_number,
        **dates,  # type: ignore[arg-type]
    )


# --- private


_PLAIN: Final = frozenset({"name", "mode", "rule", "start_date", "time_zone", "month_end", "catch_up"})
_SCHEDULE: Final = frozenset({"rule", "start_date", "time_zone", "month_end"})
_CHANGEABLE: Final = _PLAIN | {"client_id"} | frozenset(Template.__struct_fields__)


def _taken(ctx: Context, recurring_id: str) -> RecurringInvoice:
    ctx.require(Permission.CHANGE_INVOICES)
    return ctx.find(RecurringInvoice, recurring_id, lock="update")


def _name(given: str | None, template: Template) -> str:
    """What it is called; unless told, by its first line."""
    if not template.lines:
        raise Invalid(fields={"lines": "a recurring invoice has at least one line"})
    return (given or "").strip() or template.lines[0].description.strip().partition("\n")[0][:200] or "Recurring"


def _canonical(rule: str) -> str:
    try:
        return str(parse_rule(rule))
    except ValueError as error:
        raise Invalid(fields={"rule": str(error)}) from None


def _check(recurring: RecurringInvoice) -> None:
    check_time_zone(recurring.time_zone)
    if not FIRST <= recurring.start_date <= HORIZON:
        raise Invalid(fields={"start_date": f"must be from {FIRST.isoformat()} to {HORIZON.isoformat()}"})


def _first_day(ctx: Context, recurring: RecurringInvoice) -> date:
    """The first day, from today on, of which nothing is decided."""
    day = _free_day(ctx, recurring, local_date(ctx.now, recurring.time_zone))
    if day is None:
        raise Invalid(fields={"rule": "falls on no day to come from the start date on"})
    return day


def _free_day(ctx: Context, recurring: RecurringInvoice, since: date) -> date | None:
    identity = recurring.__dict__.get("id")
    taken = {day for (day,) in ctx.rows(_DECIDED, recurring_id=identity, since=since)} if identity else set[date]()
    return next((day for day in upcoming(recurring, since) if day not in taken), None)


def _rehearse(ctx: Context, recurring: RecurringInvoice, client: Client) -> None:
    """Draft its next invoice and take that back: what would be refused on the day is refused now."""
    if recurring.mode == "SEND" and client.require_po_number and not (recurring.facts.po_number or "").strip():
        raise Invalid(fields={"po_number": f"{client.name} requires a PO number on every invoice"})
    ctx.connection.execute("SAVEPOINT rehearsal")
    draft_of(ctx, recurring, recurring.next_run_on or recurring.start_date)
    ctx.connection.execute("ROLLBACK TO SAVEPOINT rehearsal")
    ctx.connection.execute("RELEASE SAVEPOINT rehearsal")


def _line_on(line: CustomLine, day: date) -> CustomLine:
    heading = None if line.heading is None else _dated(line.heading, day)
    return replace(line, description=_dated(line.description, day), heading=heading)


def _dated(words: str, day: date) -> str:
    """A text with the day where its tokens stand."""
    for token, form in (("{{yyyy}}", "%Y"), ("{{yy}}", "%y"), ("{{mm}}", "%m"), ("{{dd}}", "%d")):
        words = words.replace(token, day.strftime(form))
    return words


_OF: Final = "workspace_id = :workspace AND recurring_id = :recurring_id"
_COLUMNS: Final = ", ".join(columns_of(RecurringRun))
_FAILED = Prepared(text(f"SELECT {_COLUMNS} FROM recurring_runs WHERE {_OF} AND outcome = 'FAILED' ORDER BY occurs_on"))
_RUNS = Prepared(text(f"SELECT {_COLUMNS} FROM recurring_runs WHERE {_OF} ORDER BY occurs_on DESC LIMIT 200"))
_DECIDED = Prepared(text(f"SELECT occurs_on FROM recurring_runs WHERE {_OF} AND occurs_on >= :since"))
_MADE = Prepared(
    text("""
        SELECT recurring_id, count(*), max(occurs_on) FROM recurring_runs
        WHERE workspace_id = :workspace AND recurring_id = ANY(CAST(:ids AS uuid[])) AND outcome = 'MADE'
        GROUP BY recurring_id
    """)
)
_PASS = Prepared(
    text("""
        INSERT INTO recurring_runs
            (id, workspace_id, recurring_id, occurs_on, outcome, attempts, created_at, updated_at)
        SELECT day.id, :workspace, :recurring_id, day.occurs_on, 'PASSED', 1, :now, :now
        FROM unnest(CAST(:ids AS uuid[]), CAST(:days AS date[])) AS day (id, occurs_on)
        ON CONFLICT DO NOTHING
    """)
)
_GIVE_UP = Prepared(
    text(f"""
        UPDATE recurring_runs SET outcome = 'SKIPPED', failure = NULL, retry_at = NULL, updated_at = :now
        WHERE {_OF} AND outcome = 'FAILED'
    """)
)

SENTENCES["uq_recurring_runs_day"] = Conflict("Somebody makes this invoice at this moment.", reason="try_again")
