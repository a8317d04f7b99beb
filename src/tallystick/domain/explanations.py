"""Explanations: where each figure of an invoice or of a time entry comes from, step by step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Final, Literal, NamedTuple

from sqlalchemy import bindparam, text

from tallystick.db.session import Prepared
from tallystick.domain import payments, refunds
from tallystick.domain.access import Permission
from tallystick.domain.client_credit import given_by
from tallystick.domain.clients import Client
from tallystick.domain.context import Context
from tallystick.domain.credit_notes.credit_note import CreditNote
from tallystick.domain.dated_rates import sql_on_day
from tallystick.domain.invoices import invoice as invoices
from tallystick.domain.invoices.invoice import Invoice, InvoiceLine, InvoiceTax
from tallystick.domain.projects import Project
from tallystick.domain.time_entries import TimeEntry
from tallystick.domain.workspaces import current
from tallystick.values.duration import RoundingRule, hours, rounded_seconds
from tallystick.values.money import decimal_text, line_total
from tallystick.values.phrase import Phrase, counted, phrase

What = Literal[
    "balance", "total", "subtotal", "line", "quantity", "entry", "tracked", "rounding", "more", "rate", "price",
    "discount", "share", "tax", "basis", "paid", "payment", "settled", "amount", "billable", "refund", "client_credit",
    "credited", "credit_note", "written_off",
]  # fmt: skip
SHOWN: Final = 200
"""So many entries of one line are told one by one; the others together."""


@dataclass(frozen=True, slots=True)
class Step:
    """One figure: what it is, how it is made in words, and the figures it is made from."""

    what: What
    how: Phrase
    value: str | None = None
    unit: str | None = None
    """A currency, `h`, `s` or `%`."""
    resource: str | None = None
    """The noun that it comes from, and which one."""
    resource_id: str | None = None
    steps: tuple[Step, ...] = ()

    @property
    def text(self) -> str:
        """How it is made, in English."""
        return str(self.how)


class Origin(NamedTuple):
    """Where the rate of a time entry is from."""

    rate: Decimal | None
    scope: str
    """`task`, `project`, `client`, `workspace`; `time_entry`: it was kept when the entry was made, and none of these
    has it any more; empty: nobody set one."""
    scope_id: str | None
    name: str | None
    since: date | None
    """The first day on which it counts; None: from the beginning."""


def of_invoice(ctx: Context, invoice_id: str) -> Step:
    """From the balance of an invoice down to the seconds that were tracked."""
    ctx.require(Permission.READ_INVOICES)
    invoice = ctx.find(Invoice, invoice_id)
    currency = invoice.currency
    paid = _paid(ctx, invoice)
    how = phrase("total {total} − paid {paid}", total=invoice.total, paid=invoice.amount_paid)
    steps = [_total(ctx, invoice), paid]
    if invoice.amount_credited:
        how = phrase("{figure} − credited {amount}", figure=how, amount=invoice.amount_credited)
        steps.append(_credited(ctx, invoice))
    if invoice.amount_written_off:
        lost = invoice.amount_written_off
        how = phrase("{figure} − written off {amount}", figure=how, amount=lost)
        reason = phrase("{reason}", reason=invoice.write_off_reason or "")
        steps.append(Step("written_off", reason, decimal_text(lost), currency))
    return Step("balance", how, decimal_text(invoice.balance), currency, "invoice", invoice.id, tuple(steps))


def of_time_entry(ctx: Context, entry_id: str) -> Step:
    """What a time entry comes to by itself. Who sees no money hears of the time only."""
    ctx.require(Permission.TRACK_TIME)
    entry = ctx.find(TimeEntry, entry_id)
    client = _client_of(ctx, entry)
    rule = current(ctx).rounding if client is None else client.rounding(current(ctx))
    billed = ctx.row(_BILLED, id=entry.id)
    seconds, billed_seconds = (entry.duration_seconds, None) if billed is None else billed
    rounded = rounded_seconds(seconds, rule) if billed_seconds is None else billed_seconds
    time = Step(
        "quantity",
        _as_rounded(seconds, rounded, rule, billed=billed is not None),
        decimal_text(hours(rounded)),
        "h",
        steps=(Step("tracked", _as_tracked(entry), str(seconds), "s"),),
    )
    said = _billable(entry)
    if not ctx.actor.sees_money:
        return Step(
            "quantity", time.how, time.value, time.unit, "time_entry", entry.id, (*time.steps, *said),
        )  # fmt: skip
    currency = current(ctx).default_currency if client is None else client.currency
    origin = _origins(ctx, [entry.id])[entry.id]
    rate = origin.rate or Decimal(0)
    amount = line_total(hours(rounded), rate, currency) if entry.billable else Decimal(0)
    how = phrase("{hours} h × {rate}", hours=hours(rounded), rate=rate) if entry.billable else phrase("not billable")
    return Step(
        "amount",
        phrase("{figure}; on an invoice, entries of one line are added before they are multiplied", figure=how),
        decimal_text(amount),
        currency,
        "time_entry",
        entry.id,
        (time, _rate(origin, currency), *said),
    )


# --- an invoice, from the total down


def _total(ctx: Context, invoice: Invoice) -> Step:
    lines, taxes = invoices.lines(ctx, invoice.id), invoices.taxes(ctx, invoice.id)
    work = _work(ctx, invoice)
    subtotal = Step(
        "subtotal",
        counted("the sum of {count} line, net", "the sum of {count} lines, net", len(lines)),
        decimal_text(invoice.subtotal),
        invoice.currency,
        steps=tuple(_line(line, invoice, work) for line in lines),
    )
    how = phrase("subtotal {amount}", amount=invoice.subtotal)
    steps = [subtotal]
    if invoice.discount_amount:
        how = phrase("{figure} − discount {amount}", figure=how, amount=invoice.discount_amount)
        steps.append(_discount(invoice, lines, taxes))
    how = phrase("{figure} + tax {amount}", figure=how, amount=invoice.tax_amount)
    steps.append(
        Step(
            "tax",
            counted("the sum of {count} tax", "the sum of {count} taxes", len(taxes)),
            decimal_text(invoice.tax_amount),
            invoice.currency,
            steps=tuple(_tax(one, invoice) for one in taxes),
        )
    )
    return Step("total", how, decimal_text(invoice.total), invoice.currency, steps=tuple(steps))


def _line(line: InvoiceLine, invoice: Invoice, work: _Work) -> Step:
    currency = invoice.currency
    price = line_total(line.quantity, line.rate, currency)
    off = line.discount_amount if line.gross_discount is None else line.gross_discount
    how = phrase(
        "{description}: {quantity} {unit} × {rate} = {price}",
        description=line.description, quantity=line.quantity, unit=line.unit or "", rate=line.rate, price=price,
    )  # fmt: skip
    steps: list[Step] = [_quantity(line, work), _rate_of(line, invoice, work)]
    if off:
        how = phrase("{figure} − discount {amount}", figure=how, amount=off)
        asked = _part(line.discount_percent, price)
        steps.append(Step("discount", asked, decimal_text(off), currency))
    if line.gross_total is not None:
        how = phrase("{figure}; with the tax in it {gross}, of which this is net", figure=how, gross=line.gross_total)
        steps.append(
            Step(
                "share",
                phrase(
                    "its share of the net amount of all lines with {tax}, in whole units of the currency",
                    tax=_treatment(line.tax_category, line.tax_rate),
                ),
                decimal_text(line.total),
                currency,
            )
        )
    return Step("line", how, decimal_text(line.total), currency, "invoice_line", line.id, tuple(steps))


def _quantity(line: InvoiceLine, work: _Work) -> Step:
    entries = work.entries.get(line.id, ())
    if not entries:
        return Step("quantity", _GIVEN.get(line.kind, _AS_GIVEN), decimal_text(line.quantity), line.unit)
    told = [_entry(one, work.rule) for one in entries[:SHOWN]]
    rest = entries[SHOWN:]
    if rest:
        seconds = sum(one.billed_seconds for one in rest)
        told.append(Step("more", phrase("{count} more entries", count=len(rest)), decimal_text(hours(seconds)), "h"))
    return Step(
        "quantity",
        counted(
            "the hours of {count} entry, added and then rounded to 4 decimals",
            "the hours of {count} entries, added and then rounded to 4 decimals",
            len(entries),
        ),
        decimal_text(line.quantity),
        line.unit,
        steps=tuple(told),
    )


def _entry(one: _Entry, rule: RoundingRule) -> Step:
    return Step(
        "entry",
        phrase("{day}: {how}", day=one.day, how=_as_rounded(one.seconds, one.billed_seconds, rule, billed=True)),
        decimal_text(hours(one.billed_seconds)),
        "h",
        "time_entry",
        one.id,
        (Step("tracked", phrase("as it was tracked"), str(one.seconds), "s"),),
    )


def _rate_of(line: InvoiceLine, invoice: Invoice, work: _Work) -> Step:
    def said(how: Phrase) -> Phrase:
        return phrase("{figure}, with the tax in it", figure=how) if invoice.prices_include_tax else how

    entries = work.entries.get(line.id, ())
    value, currency = decimal_text(line.rate), invoice.currency
    if not entries:
        how = phrase("what the expense cost") if line.kind == "EXPENSE" else _GIVEN.get(line.kind, _AS_GIVEN)
        return Step("rate", said(how), value, currency)
    found = {work.origins[one.id][1:]: work.origins[one.id] for one in entries if one.id in work.origins}
    told = tuple(_rate(origin, currency) for origin in found.values())
    if len(told) == 1:
        return Step("rate", said(told[0].how), value, currency, told[0].resource, told[0].resource_id)
    return Step("rate", said(phrase("the same from several places")), value, currency, steps=told)


def _rate(origin: Origin, currency: str) -> Step:
    value = None if origin.rate is None else decimal_text(origin.rate)
    match origin.scope:
        case "":
            how = phrase("nobody set a rate: neither for the task, nor the project, the client or the workspace")
        case "time_entry":
            how = phrase("the rate that was found when the entry was made, and kept")
        case scope:
            how = phrase(RATES[scope], name=origin.name or "")
    if origin.since is not None:
        how = phrase("{figure}, since {day}", figure=how, day=origin.since)
    return Step("rate", how, value, currency, origin.scope or None, origin.scope_id)


def _discount(invoice: Invoice, lines: Sequence[InvoiceLine], taxes: Sequence[InvoiceTax]) -> Step:
    currency = invoice.currency
    listed = invoice.subtotal
    if invoice.prices_include_tax:
        listed = sum((line.gross_total or Decimal(0) for line in lines), Decimal(0))
    asked = _part(invoice.discount_percent, listed)
    if invoice.gross_discount is not None:
        asked = phrase(
            "{figure}: {gross} with the tax in it, of which this is net", figure=asked, gross=invoice.gross_discount
        )
    return Step(
        "discount",
        phrase("{figure}; spread over the taxes by what their lines come to", figure=asked),
        decimal_text(invoice.discount_amount),
        currency,
        steps=tuple(
            Step(
                "share",
                phrase("of {tax}", tax=_treatment(one.category, one.rate)),
                decimal_text(one.discount),
                currency,
            )
            for one in taxes
        ),
    )


def _tax(tax: InvoiceTax, invoice: Invoice) -> Step:
    currency = invoice.currency
    rate = _treatment(tax.category, tax.rate)
    how = phrase("{tax} of {amount}, rounded once", tax=rate, amount=tax.basis)
    if invoice.prices_include_tax:
        whole = tax.basis + tax.amount
        how = phrase("{tax} in {amount}: × rate / (100 + rate), rounded once", tax=rate, amount=whole)
    basis = Step(
        "basis",
        phrase("lines {amount} − discount {discount}", amount=tax.subtotal, discount=tax.discount),
        decimal_text(tax.basis),
        currency,
    )
    return Step("tax", how, decimal_text(tax.amount), currency, steps=(basis,))


def _paid(ctx: Context, invoice: Invoice) -> Step:
    received = payments.of_invoice(ctx, invoice.id)
    steps = [
        Step("payment", phrase("received on {day}", day=one.paid_on), decimal_text(one.amount), one.currency,
             "payment", one.id)
        for one in received
    ]  # fmt: skip
    steps += [
        Step("refund", phrase("returned on {day}", day=one.refunded_on), decimal_text(-one.amount), one.currency,
             "refund", one.id)
        for one in refunds.of_invoice(ctx, invoice.id)
    ]  # fmt: skip
    if given := given_by(ctx, invoice.id):
        steps.append(Step("client_credit", phrase("is the client's credit"), decimal_text(-given), invoice.currency))
    if invoice.settled:
        steps.append(
            Step("settled", phrase("settled without a payment"), decimal_text(invoice.settled), invoice.currency)
        )
    how = phrase("nothing yet")
    if steps:
        how = counted("the sum of {count} payment", "the sum of {count} payments", len(received))
    return Step("paid", how, decimal_text(invoice.amount_paid), invoice.currency, steps=tuple(steps))


def _credited(ctx: Context, invoice: Invoice) -> Step:
    notes = ctx.select(CreditNote, CreditNote.invoice_id == bindparam("invoice_id"), invoice_id=invoice.id)
    steps = tuple(
        Step(
            "credit_note",
            phrase("{number}: {reason}", number=one.number or "", reason=one.reason),
            decimal_text(one.total),
            one.currency,
            "credit_note",
            one.id,
        )
        for one in notes
    )
    how = counted("the sum of {count} credit note", "the sum of {count} credit notes", len(notes))
    return Step("credited", how, decimal_text(invoice.amount_credited), invoice.currency, steps=steps)


# --- the work behind it


class _Entry(NamedTuple):
    line_id: str
    id: str
    day: date
    seconds: int
    billed_seconds: int


class _Work(NamedTuple):
    """The entries of each line, where their rates are from, and how hours are rounded."""

    entries: dict[str, list[_Entry]]
    origins: dict[str, Origin]
    rule: RoundingRule


def _work(ctx: Context, invoice: Invoice) -> _Work:
    entries = [_Entry._make(row) for row in ctx.rows(_ENTRIES, invoice_id=invoice.id)]
    client = ctx.find(Client, invoice.client_id)
    return _Work(
        {line_id: list(group) for line_id, group in groupby(entries, key=lambda one: one.line_id)},
        _origins(ctx, [one.id for one in entries]),
        client.rounding(current(ctx)),
    )


def _origins(ctx: Context, entry_ids: Iterable[str]) -> dict[str, Origin]:
    """Where the rate of each entry is from: the first place on the way that has it on the day of the work."""
    found: dict[str, Origin] = {}
    for row in ctx.rows(_ORIGINS, ids=list(entry_ids)):
        entry_id, own, *places = row
        found[entry_id] = _origin(own, [_Place._make(places[start : start + 5]) for start in range(0, 20, 5)])
    return found


class _Place(NamedTuple):
    scope: str
    id: str | None
    name: str | None
    rate: Decimal | None
    since: date | None


def _origin(own: Decimal | None, places: Sequence[_Place]) -> Origin:
    first = next((place for place in places if place.rate is not None), None)
    if first is not None and own in (None, first.rate):
        since = None if first.since == date.min else first.since
        return Origin(first.rate, first.scope, first.id, first.name, since)
    return Origin(own, "time_entry" if own is not None else "", None, None, None)


def _client_of(ctx: Context, entry: TimeEntry) -> Client | None:
    """The client that the work is for: read as the workspace's own, for whoever sees the entry."""
    if entry.project_id is None:
        return None
    found = ctx.select(Project, Project.id == bindparam("id"), id=entry.project_id)
    client_id = found[0].client_id if found else None
    clients = [] if client_id is None else ctx.select(Client, Client.id == bindparam("id"), id=client_id)
    return clients[0] if clients else None


def _as_tracked(entry: TimeEntry) -> Phrase:
    if entry.started_at is None:
        return phrase("written down for {day}", day=entry.entry_date)
    if entry.stopped_at is None:
        return phrase("a timer that runs since {start}", start=entry.started_at)
    return phrase("from {start} to {end}", start=entry.started_at, end=entry.stopped_at)


def _as_rounded(seconds: int, rounded: int, rule: RoundingRule, *, billed: bool) -> Phrase:
    if seconds == rounded and (billed or rule.minutes == 0):
        return phrase("not rounded")
    if billed and rounded_seconds(seconds, rule) != rounded:
        return phrase("{hours} h rounded by the rule of that day", hours=hours(seconds))
    one, many = ROUNDED[rule.mode]
    return counted(one, many, rule.minutes, hours=hours(seconds))


def _billable(entry: TimeEntry) -> tuple[Step, ...]:
    if entry.invoice_id is not None:
        return (Step("billable", phrase("on an invoice, and locked"), None, None, "invoice", entry.invoice_id),)
    how = phrase("billable, and not billed yet") if entry.billable else phrase("not billable")
    return (Step("billable", how),)


def _part(percent: Decimal | None, whole: Decimal) -> Phrase:
    """What a discount was asked as."""
    if percent is None:
        return phrase("an amount")
    return phrase("{percent} % of {amount}", percent=percent, amount=whole)


def _treatment(category: str, rate: Decimal | None) -> Phrase:
    if category != "STANDARD" or rate is None:
        return _TREATED.get(category, phrase("untaxed"))
    return phrase("{percent} %", percent=rate)


_AS_GIVEN: Final = phrase("as it was given")
_GIVEN: Final = {
    "EXPENSE": phrase("an expense"),
    "MILESTONE": phrase("a milestone of a fixed fee"),
    "FEE": phrase("a fixed fee"),
}
_TREATED: Final = {
    "STANDARD": phrase("taxed"),
    "ZERO": phrase("zero-rated"),
    "EXEMPT": phrase("exempt from tax"),
    "REVERSE_CHARGE": phrase("reverse charge"),
    "INTRA_EU": phrase("supply within the EU"),
    "EXPORT": phrase("export"),
    "OUTSIDE_SCOPE": phrase("no tax shown"),
}
RATES: Final = {
    "task": "the rate of the task {name}",
    "project": "the rate of the project {name}",
    "client": "the rate of the client {name}",
    "workspace": "the rate of the workspace",
}
ROUNDED: Final = {
    "UP": (
        "{hours} h rounded up, in steps of {count} minute",
        "{hours} h rounded up, in steps of {count} minutes",
    ),
    "NEAREST": (
        "{hours} h rounded to the nearest, in steps of {count} minute",
        "{hours} h rounded to the nearest, in steps of {count} minutes",
    ),
    "DOWN": (
        "{hours} h rounded down, in steps of {count} minute",
        "{hours} h rounded down, in steps of {count} minutes",
    ),
}
"""By the way of rounding: for one minute, and for more."""
_ENTRIES = Prepared(
    text("""
        SELECT billed.line_id, entry.id, entry.entry_date, billed.seconds, billed.billed_seconds
        FROM billed_work AS billed
        JOIN time_entries AS entry ON entry.workspace_id = billed.workspace_id AND entry.id = billed.entry_id
        WHERE billed.workspace_id = :workspace AND billed.invoice_id = :invoice_id
        ORDER BY billed.line_id, entry.entry_date, entry.id
    """)
)
_BILLED = Prepared(
    text("""
        SELECT seconds, billed_seconds FROM billed_work
        WHERE workspace_id = :workspace AND entry_id = :id AND released_at IS NULL
    """)
)


def _place(scope: str, alias: str, column: str, name: str) -> str:
    """What a place has to say: scope, id, name, its rate on the day, and since when that counts."""
    studio = "studio.id" if alias == "studio" else f"{alias}.workspace_id"
    return f"""
        '{scope}', {alias}.id, {name}, {sql_on_day(alias, column, "entry.entry_date")},
        CASE WHEN {alias}.rates_from <= entry.entry_date THEN (
            SELECT max(dated.effective_from) FROM rates AS dated
            WHERE dated.workspace_id = {studio} AND dated.place_id = {alias}.id
              AND dated.effective_from <= entry.entry_date AND dated.deleted_at IS NULL) END
    """


_ORIGINS = Prepared(
    text(f"""
        SELECT entry.id, entry.hourly_rate,
               {_place("task", "task", "hourly_rate", "task.name")},
               {_place("project", "project", "hourly_rate", "project.name")},
               {_place("client", "client", "default_rate", "client.name")},
               {_place("workspace", "studio", "default_rate", "studio.name")}
        FROM time_entries AS entry
        JOIN workspaces AS studio ON studio.id = entry.workspace_id
        LEFT JOIN projects AS project ON project.workspace_id = entry.workspace_id AND project.id = entry.project_id
        LEFT JOIN clients AS client ON client.workspace_id = entry.workspace_id AND client.id = project.client_id
        LEFT JOIN tasks AS task ON task.workspace_id = entry.workspace_id AND task.id = entry.task_id
        WHERE entry.workspace_id = :workspace AND entry.id = ANY(CAST(:ids AS uuid[]))
    """)
)
