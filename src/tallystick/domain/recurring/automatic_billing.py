"""Tracked time that bills itself: a client's unbilled work, when a period ends or when it has become enough."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar, Final, Literal, NamedTuple, cast, get_args

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Id, Money, Tenant, columns_of, one_of, table_of, within_workspace
from tallystick.db.session import Prepared
from tallystick.domain.access import Permission
from tallystick.domain.clients import Client
from tallystick.domain.context import SENTENCES, Context, cast_rows, hydrate
from tallystick.domain.invoices import draft as drafts
from tallystick.domain.invoices.draft import Draft
from tallystick.domain.invoices.invoice import GROUPINGS, Grouping
from tallystick.domain.invoices.totals import check_decimals
from tallystick.domain.recurring.attempts import Contexts, Failed, attempt, retry_at, send, work_off
from tallystick.domain.recurring.recurring import MODES, Mode
from tallystick.domain.workspaces import current
from tallystick.values.duration import local_date
from tallystick.values.errors import Conflict, Invalid, NotFound
from tallystick.values.money import minor_unit
from tallystick.values.recurrence import WEEKDAYS, Day, Rule, Weekday

Every = Literal["WEEK", "TWO_WEEKS", "MONTH", "AMOUNT", "HOURS"]
EVERY: Final[tuple[Every, ...]] = get_args(Every)
"""A period that ends on a day, or so much that is unbilled."""
PERIODS: Final = ("WEEK", "TWO_WEEKS", "MONTH")
BillingOutcome = Literal["MADE", "NOTHING", "BELOW_MINIMUM", "FAILED"]
OUTCOMES: Final[tuple[BillingOutcome, ...]] = get_args(BillingOutcome)

GOES_WITH: Final[dict[str, tuple[str, ...]]] = {
    "weekday": ("WEEK", "TWO_WEEKS"),
    "month_day": ("MONTH",),
    "period_ends_on": PERIODS,
    "amount": ("AMOUNT",),
    "hours": ("HOURS",),
}
"""Which facts belong to which kind."""


class AutomaticBilling(Tenant):
    """When and how a client's unbilled work bills itself. Its days are days of the workspace."""

    __tablename__ = "automatic_billing"
    noun: ClassVar[str] = "automatic billing"
    money: ClassVar[frozenset[str]] = frozenset({"amount", "minimum_amount"})

    client_id: Mapped[Id]
    every: Mapped[str]
    weekday: Mapped[str | None]
    """The last day of a week: SU unless told."""
    month_day: Mapped[int | None]
    """The last day of a month's period, from its end where negative: -1 unless told."""
    amount: Mapped[Money | None]
    """Net, in the client's currency."""
    hours: Mapped[Money | None]
    """As tracked."""
    mode: Mapped[str] = mapped_column(default="DRAFT")
    grouping: Mapped[str] = mapped_column(default="PROJECT_TASK")
    include_expenses: Mapped[bool] = mapped_column(default=False)
    minimum_amount: Mapped[Money | None]
    """Less than this, net, waits for the next period."""
    period_ends_on: Mapped[date | None]
    """The last day of the period that is billed next, as soon as that day is over."""
    failure: Mapped[str | None]
    """Why the last try failed, while it waits to be tried again."""
    created_by: Mapped[Id | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        periods = ", ".join(f"'{one}'" for one in PERIODS)
        return (
            *super().constraints(),
            within_workspace("client_id", "clients.id"),
            within_workspace("created_by", "members.user_id"),
            one_of("every", EVERY),
            one_of("mode", MODES),
            one_of("grouping", GROUPINGS),
            one_of("weekday", WEEKDAYS),
            CheckConstraint("(every IN ('WEEK', 'TWO_WEEKS')) = (weekday IS NOT NULL)", name="has_weekday"),
            CheckConstraint("(every = 'MONTH') = (month_day IS NOT NULL)", name="has_month_day"),
            CheckConstraint("month_day BETWEEN -28 AND 31 AND month_day <> 0", name="month_day"),
            CheckConstraint("(every = 'AMOUNT') = (amount IS NOT NULL)", name="has_amount"),
            CheckConstraint("(every = 'HOURS') = (hours IS NOT NULL)", name="has_hours"),
            CheckConstraint(f"(every IN ({periods})) = (period_ends_on IS NOT NULL)", name="has_period"),
            CheckConstraint("amount > 0 AND hours > 0", name="more_than_nothing"),
            CheckConstraint("minimum_amount >= 0", name="minimum_amount"),
            UniqueConstraint("workspace_id", "client_id"),
        )

    def rule(self) -> Rule:
        """On which days its periods end."""
        if self.every == "MONTH":
            return Rule(frequency="MONTHLY", month_days=(self.month_day or -1,))
        interval = 2 if self.every == "TWO_WEEKS" else 1
        return Rule(frequency="WEEKLY", interval=interval, days=(Day(cast("Weekday", self.weekday)),))


class BillingRun(Tenant):
    """What became of a period, or of an amount or hours that were reached."""

    __tablename__ = "billing_runs"
    noun: ClassVar[str] = "billing run"

    client_id: Mapped[Id]
    every: Mapped[str]
    period_to: Mapped[date]
    """Work up to this day, with it, was billed."""
    outcome: Mapped[str]
    invoice_id: Mapped[Id | None]
    note: Mapped[str | None]
    """What to know about it: why it was not sent by itself."""
    failure: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(default=1)
    retry_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        periods = ", ".join(f"'{one}'" for one in PERIODS)
        return (
            *super().constraints(),
            within_workspace("client_id", "clients.id"),
            within_workspace("invoice_id", "invoices.id"),
            one_of("every", EVERY),
            one_of("outcome", OUTCOMES),
            CheckConstraint("(outcome = 'MADE') = (invoice_id IS NOT NULL)", name="invoice_id"),
            CheckConstraint("(outcome = 'FAILED') = (failure IS NOT NULL)", name="failure"),
            CheckConstraint("(outcome = 'FAILED') = (retry_at IS NOT NULL)", name="retry_at"),
            Index(
                "uq_billing_runs_period",
                "workspace_id",
                "client_id",
                "period_to",
                unique=True,
                postgresql_where=f"every IN ({periods})",
            ),
            Index("uq_billing_runs_invoice", "workspace_id", "invoice_id", unique=True),
        )


class Due(NamedTuple):
    """What is to be billed: work up to a day, and the run of it where it was tried before."""

    day: date
    run: BillingRun | None


def of_client(ctx: Context, client_id: str) -> AutomaticBilling:
    """How a client's work bills itself. Not found where it does not."""
    ctx.require(Permission.READ_INVOICES)
    ctx.find(Client, client_id)
    found = ctx.row(_OF_CLIENT, client_id=client_id)
    if found is None:
        raise NotFound("This client has no automatic billing.")
    return hydrate(AutomaticBilling, found)


def arrange(
    ctx: Context,
    client_id: str,
    *,
    every: Every,
    mode: Mode = "DRAFT",
    grouping: Grouping = "PROJECT_TASK",
    include_expenses: bool = False,
    minimum_amount: Decimal | None = None,
    **facts: Any,
) -> AutomaticBilling:
    """Let a client's unbilled work bill itself, in this way and no other.

    Facts: `weekday` (WEEK, TWO_WEEKS), `month_day` (MONTH), `amount` (AMOUNT), `hours` (HOURS), and `period_ends_on`,
    the last day of the first period; unless told, the first such day from today on.
    """
    ctx.require(Permission.CHANGE_INVOICES)
    client = ctx.find(Client, client_id, lock="update")  # callers at once queue up here
    facts = {name: facts.pop(name, None) for name in GOES_WITH} | facts
    _check(client, every, mode, minimum_amount, facts)
    if every in ("WEEK", "TWO_WEEKS"):
        facts["weekday"] = facts["weekday"] or "SU"
    elif every == "MONTH":
        facts["month_day"] = facts["month_day"] or -1
    meant = {
        **facts,
        "every": every,
        "mode": mode,
        "grouping": GROUPINGS[GROUPINGS.index(grouping)],  # an API may hand over a text of its own kind
        "include_expenses": include_expenses,
        "minimum_amount": minimum_amount,
    }
    row = ctx.row(_LOCK, client_id=client.id)
    known = None if row is None else hydrate(AutomaticBilling, row)
    if every in PERIODS:
        meant["period_ends_on"] = _first_end(ctx, AutomaticBilling(client_id=client.id, **meant), known)
    if known is None:
        made = ctx.add(AutomaticBilling(client_id=client.id, **meant))
        ctx.record("created", made)
        return made
    if ctx.change(known, **meant):
        ctx.record("updated", known)
    return known


def stop(ctx: Context, client_id: str) -> None:
    """Let a client's work wait for somebody to bill it. What was billed stays."""
    ctx.require(Permission.CHANGE_INVOICES)
    ctx.find(Client, client_id)
    found = ctx.row(_LOCK, client_id=client_id)
    if found is None:
        raise NotFound("This client has no automatic billing.")
    billing = hydrate(AutomaticBilling, found)
    ctx.write(_GIVE_UP, client_id=client_id, now=ctx.now)
    ctx.write(_STOP, client_id=client_id)
    ctx.record("deleted", billing)


def runs(ctx: Context, client_id: str) -> list[BillingRun]:
    """What became of a client's periods, the last one first: the last 200."""
    ctx.require(Permission.READ_INVOICES)
    client = ctx.find(Client, client_id)
    return cast_rows(ctx.rows(_RUNS, client_id=client.id), BillingRun)


def run_due(contexts: Contexts) -> list[BillingRun]:
    """Bill all that is due in a workspace; each client and period in a transaction of its own."""
    with contexts() as ctx:
        keys = due(ctx)
    return work_off(contexts, keys, run_next, fail)


def due(ctx: Context) -> list[str]:
    """Ids of clients of whom something may be due; `run_next` says."""
    ctx.require(Permission.CHANGE_INVOICES)
    return [identity for (identity,) in ctx.rows(_DUE, now=ctx.now, today=_today(ctx))]


def run_next(ctx: Context, client_id: str) -> BillingRun | None:
    """Bill the first of a client's periods that is over, or what has become enough; None: nothing is due."""
    ctx.require(Permission.CHANGE_INVOICES)
    row = ctx.row(_LOCK, client_id=client_id)
    billing = None if row is None else hydrate(AutomaticBilling, row)
    found = None if billing is None else _due(ctx, billing)
    if billing is None or found is None:
        return None
    return attempt(found.day, lambda: _bill(ctx, billing, found))


def fail(ctx: Context, client_id: str, failed: Failed) -> None:
    """Keep that it failed, and why; it is tried again, and later periods go on meanwhile."""
    ctx.require(Permission.CHANGE_INVOICES)
    row = ctx.row(_LOCK, client_id=client_id)
    if row is None:
        return
    billing, day = hydrate(AutomaticBilling, row), cast("date", failed.piece)
    run = next((one for one in _failed(ctx, billing) if one.period_to == day or billing.every not in PERIODS), None)
    if run is not None:
        attempts = run.attempts + 1
        ctx.change(run, failure=failed.sentence, attempts=attempts, retry_at=retry_at(ctx.now, attempts))
    elif billing.every not in PERIODS or billing.period_ends_on == day:
        ctx.add(
            BillingRun(
                client_id=client_id,
                every=billing.every,
                period_to=day,
                outcome="FAILED",
                failure=failed.sentence,
                retry_at=retry_at(ctx.now, 1),
            )
        )
        _go_on(ctx, billing, day)
    else:
        return
    ctx.change(billing, failure=failed.sentence)
    ctx.record("failed", billing)


# --- private


def _check(client: Client, every: Every, mode: Mode, minimum: Decimal | None, facts: dict[str, Any]) -> None:
    if facts.keys() - GOES_WITH.keys():
        raise TypeError(f"Automatic billing has no {', '.join(sorted(facts.keys() - GOES_WITH.keys()))}.")
    wrong = {
        name: f"goes with every {' or '.join(kinds)}"
        for name, kinds in GOES_WITH.items()
        if facts[name] is not None and every not in kinds
    }
    wrong |= {name: "required" for name in ("amount", "hours") if every in GOES_WITH[name] and facts[name] is None}
    wrong |= {name: "must be more than 0" for name in ("amount", "hours") if facts[name] == 0}
    if facts["month_day"] == 0:
        wrong["month_day"] = "must be 1 to 31, or -1 to -28 counted from the end"
    if mode == "SEND" and client.require_po_number:
        wrong["mode"] = f"must be DRAFT: {client.name} requires a PO number on every invoice"
    if wrong:
        raise Invalid(fields=wrong)
    for name, amount in (("amount", facts["amount"]), ("minimum_amount", minimum)):
        if amount is not None:
            check_decimals(amount, name, minor_unit(client.currency))


def _first_end(ctx: Context, meant: AutomaticBilling, known: AutomaticBilling | None) -> date:
    """The last day of the first period: as told, else as it was, else the first one from today on."""
    today = _today(ctx)
    billed = ctx.row(_BILLED_TO, client_id=meant.client_id)
    last: date | None = None if billed is None else billed[0]
    told = meant.period_ends_on
    if told is not None:
        if meant.rule().first(told, since=told) != told:
            raise Invalid(fields={"period_ends_on": "is no day on which a period ends"})
        if told == (known and known.period_ends_on):
            return told
        if told < today:
            raise Invalid(fields={"period_ends_on": "must not be in the past"})
        if last is not None and told <= last:
            raise Invalid(fields={"period_ends_on": f"must be after {last}: work up to that day was billed"})
        return told
    same = known is not None and all(
        getattr(known, one) == getattr(meant, one) for one in ("every", "weekday", "month_day")
    )
    if same and known is not None and known.period_ends_on is not None:
        return known.period_ends_on
    since = today if last is None or last < today else date.fromordinal(last.toordinal() + 1)
    first = meant.rule().first(since, since=since)
    assert first is not None  # noqa: S101 - a week or a month always ends
    return first


def _today(ctx: Context) -> date:
    return local_date(ctx.now, current(ctx).time_zone)


def _due(ctx: Context, billing: AutomaticBilling) -> Due | None:
    failed = _failed(ctx, billing)
    for run in failed:
        if run.retry_at is not None and run.retry_at <= ctx.now:
            return Due(run.period_to if run.every in PERIODS else _today(ctx), run)
    if billing.period_ends_on is None:
        return None if failed else Due(_today(ctx), None)
    return Due(billing.period_ends_on, None) if billing.period_ends_on < _today(ctx) else None


def _failed(ctx: Context, billing: AutomaticBilling) -> list[BillingRun]:
    return cast_rows(ctx.rows(_FAILED, client_id=billing.client_id), BillingRun)


def _bill(ctx: Context, billing: AutomaticBilling, found: Due) -> BillingRun | None:
    """Draft what there is; what is not enough is taken back, and waits."""
    ctx.connection.execute("SAVEPOINT billing")
    made, outcome = _drafted(ctx, billing, found.day)
    enough = outcome == "MADE"
    note: str | None = None
    if not enough:
        ctx.connection.execute("ROLLBACK TO SAVEPOINT billing")
    ctx.connection.execute("RELEASE SAVEPOINT billing")
    if made is not None and enough and billing.mode == "SEND":
        note = " ".join(one.message for one in made.warnings) or None
        if note is None:
            send(ctx, made.invoice.id)
    if billing.every not in PERIODS and found.run is None and not enough:
        return None
    facts = {"outcome": outcome, "invoice_id": made.invoice.id if made is not None and enough else None, "note": note}
    if found.run is None:
        run = ctx.add(BillingRun(client_id=billing.client_id, every=billing.every, period_to=found.day, **facts))
        _go_on(ctx, billing, found.day)
    else:
        run = found.run
        ctx.change(run, failure=None, retry_at=None, **facts)
    failed = _failed(ctx, billing)
    ctx.change(billing, failure=failed[-1].failure if failed else None)
    ctx.record("run", billing)
    return run


def _drafted(ctx: Context, billing: AutomaticBilling, day: date) -> tuple[Draft | None, BillingOutcome]:
    try:
        made = drafts.draft(
            ctx,
            client_id=billing.client_id,
            date_to=day,
            grouping=cast("Grouping", billing.grouping),
            include_expenses=billing.include_expenses,
            issue_date=_today(ctx) if billing.mode == "SEND" else None,
        )
    except Invalid as refusal:
        if refusal.reason == "nothing_to_bill":
            return None, "NOTHING"
        raise
    subtotal = made.invoice.subtotal
    least = max(billing.amount or Decimal(0), billing.minimum_amount or Decimal(0))
    if subtotal < least:
        return made, "BELOW_MINIMUM"
    if billing.hours is not None:
        ((seconds,),) = ctx.rows(_SECONDS, invoice_id=made.invoice.id)
        if seconds < billing.hours * 3600:
            return made, "BELOW_MINIMUM"
    return made, "MADE"


def _go_on(ctx: Context, billing: AutomaticBilling, day: date) -> None:
    """The next period, behind one that ended on this day."""
    if billing.every in PERIODS:
        following = billing.rule().first(day, since=date.fromordinal(day.toordinal() + 1))
        ctx.change(billing, period_ends_on=following)


_OF: Final = "workspace_id = :workspace AND client_id = :client_id"
_SETTINGS: Final = ", ".join(columns_of(AutomaticBilling))
_COLUMNS: Final = ", ".join(columns_of(BillingRun))
_TABLE: Final = table_of(AutomaticBilling).name
_OF_CLIENT = Prepared(text(f"SELECT {_SETTINGS} FROM {_TABLE} WHERE {_OF}"))
_LOCK = Prepared(text(f"SELECT {_SETTINGS} FROM {_TABLE} WHERE {_OF} FOR NO KEY UPDATE"))
_STOP = Prepared(text(f"DELETE FROM {_TABLE} WHERE {_OF}"))
_RUNS = Prepared(text(f"SELECT {_COLUMNS} FROM billing_runs WHERE {_OF} ORDER BY period_to DESC, id DESC LIMIT 200"))
_FAILED = Prepared(
    text(f"SELECT {_COLUMNS} FROM billing_runs WHERE {_OF} AND outcome = 'FAILED' ORDER BY period_to, id")
)
_GIVE_UP = Prepared(
    text(f"""
        UPDATE billing_runs SET outcome = 'NOTHING', note = failure, failure = NULL, retry_at = NULL, updated_at = :now
        WHERE {_OF} AND outcome = 'FAILED'
    """)
)
_BILLED_TO = Prepared(
    text(f"SELECT max(period_to) FROM billing_runs WHERE {_OF} AND every IN ('WEEK', 'TWO_WEEKS', 'MONTH')")
)
_SECONDS = Prepared(
    text("""
        SELECT coalesce(sum(seconds), 0) FROM billed_work
        WHERE workspace_id = :workspace AND invoice_id = :invoice_id AND entry_id IS NOT NULL
    """)
)
_DUE = Prepared(
    text(f"""
        SELECT billing.client_id FROM {_TABLE} AS billing
        JOIN clients AS client ON client.workspace_id = billing.workspace_id AND client.id = billing.client_id
        WHERE billing.workspace_id = :workspace AND client.deleted_at IS NULL
          AND (billing.period_ends_on IS NULL OR billing.period_ends_on < :today
               OR EXISTS (SELECT FROM billing_runs AS run
                          WHERE run.workspace_id = :workspace AND run.client_id = billing.client_id
                            AND run.outcome = 'FAILED' AND run.retry_at <= :now))
        ORDER BY billing.id
    """)
)

SENTENCES["uq_automatic_billing_workspace_id_client_id"] = Conflict(
    "Somebody arranges the billing of this client at this moment.", reason="try_again"
)
SENTENCES["uq_billing_runs_period"] = Conflict("Somebody bills this period at this moment.", reason="try_again")
