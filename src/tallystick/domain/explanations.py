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
    text: str
    value: str | None = None
    unit: str | None = None
    """A currency, `h`, `s` or `%`."""
    resource: str | None = None
    """The noun that it comes from, and which one."""
    resource_id: str | None = None
    steps: tuple[Step, ...] = ()


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
    how = f"total {decimal_text(invoice.total)} − paid {decimal_text(invoice.amount_paid)}"
    steps = [_total(ctx, invoice), paid]
    if invoice.amount_credited:
        how += f" − credited {decimal_text(invoice.amount_credited)}"
        steps.append(_credited(ctx, invoice))
    if invoice.amount_written_off:
        lost = decimal_text(invoice.amount_written_off)
        how += f" − written off {lost}"
        steps.append(Step("written_off", invoice.write_off_reason or "", lost, currency))
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
            "quantity", time.text, time.value, time.unit, "time_entry", entry.id, (*time.steps, *said),
        )  # fmt: skip
    currency = current(ctx).default_currency if client is None else client.currency
    origin = _origins(ctx, [entry.id])[entry.id]
    rate = origin.rate or Decimal(0)
    amount = line_total(hours(rounded), rate, currency) if entry.billable else Decimal(0)
    how = f"{decimal_text(hours(rounded))} h × {decimal_text(rate)}" if entry.billable else "not billable"
    return Step(
        "amount",
        f"{how}; on an invoice, entries of one line are added before they are multiplied",
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
        f"the sum of {_count(len(lines), 'line')}, net",
        decimal_text(invoice.subtotal),
        invoice.currency,
        steps=tuple(_line(line, invoice, work) for line in lines),
    )
    how = f"subtotal {decimal_text(invoice.subtotal)}"
    steps = [subtotal]
    if invoice.discount_amount:
        how += f" − discount {decimal_text(invoice.discount_amount)}"
        steps.append(_discount(invoice, lines, taxes))
    how += f" + tax {decimal_text(invoice.tax_amount)}"
    steps.append(
        Step(
            "tax",
            f"the sum of {_count(len(taxes), 'tax', 'taxes')}",
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
    how = f"{decimal_text(line.quantity)} {line.unit} × {decimal_text(line.rate)} = {decimal_text(price)}"
    steps: list[Step] = [_quantity(line, work), _rate_of(line, invoice, work)]
    if off:
        how += f" − discount {decimal_text(off)}"
        asked = (
            "an amount"
            if line.discount_percent is None
            else f"{_percent(line.discount_percent)} of {decimal_text(price)}"
        )
        steps.append(Step("discount", asked, decimal_text(off), currency))
    if line.gross_total is not None:
        how += f"; with the tax in it {decimal_text(line.gross_total)}, of which this is net"
        steps.append(
            Step(
                "share",
                f"its share of the net amount of all lines with {_treatment(line.tax_category, line.tax_rate)}, "
                "in whole units of the currency",
                decimal_text(line.total),
                currency,
            )
        )
    return Step("line", f"{line.description}: {how}", decimal_text(line.total), currency, "invoice_line", line.id,
                tuple(steps))  # fmt: skip


def _quantity(line: InvoiceLine, work: _Work) -> Step:
    entries = work.entries.get(line.id, ())
    if not entries:
        how = _GIVEN.get(line.kind, "as it was given")
        return Step("quantity", how, decimal_text(line.quantity), line.unit)
    told = [_entry(one, work.rule) for one in entries[:SHOWN]]
    rest = entries[SHOWN:]
    if rest:
        seconds = sum(one.billed_seconds for one in rest)
        told.append(Step("more", f"{len(rest)} more entries", decimal_text(hours(seconds)), "h"))
    return Step(
        "quantity",
        f"the hours of {_count(len(entries), 'entry', 'entries')}, added and then rounded to 4 decimals",
        decimal_text(line.quantity),
        line.unit,
        steps=tuple(told),
    )


def _entry(one: _Entry, rule: RoundingRule) -> Step:
    return Step(
        "entry",
        f"{one.day.isoformat()}: {_as_rounded(one.seconds, one.billed_seconds, rule, billed=True)}",
        decimal_text(hours(one.billed_seconds)),
        "h",
        "time_entry",
        one.id,
        (Step("tracked", "as it was tracked", str(one.seconds), "s"),),
    )


def _rate_of(line: InvoiceLine, invoice: Invoice, work: _Work) -> Step:
    with_tax = ", with the tax in it" if invoice.prices_include_tax else ""
    entries = work.entries.get(line.id, ())
    if not entries:
        how = "what the expense cost" if line.kind == "EXPENSE" else _GIVEN.get(line.kind, "as it was given")
        return Step("rate", how + with_tax, decimal_text(line.rate), invoice.currency)
    found = {work.origins[one.id][1:]: work.origins[one.id] for one in entries if one.id in work.origins}
    told = tuple(_rate(origin, invoice.currency) for origin in found.values())
    if len(told) == 1:
        return Step(
            "rate", told[0].text + with_tax, decimal_text(line.rate), invoice.currency, told[0].resource,
            told[0].resource_id,
        )  # fmt: skip
    return Step("rate", f"the same from several places{with_tax}", decimal_text(line.rate), invoice.currency,
                steps=told)  # fmt: skip


def _rate(origin: Origin, currency: str) -> Step:
    value = None if origin.rate is None else decimal_text(origin.rate)
    since = "" if origin.since is None else f", since {origin.since.isoformat()}"
    match origin.scope:
        case "":
            how = "nobody set a rate: neither for the task, nor the project, the client or the workspace"
        case "time_entry":
            how = "the rate that was found when the entry was made, and kept"
        case "workspace":
            how = f"the rate of the workspace{since}"
        case scope:
            how = f"the rate of the {scope} {origin.name}{since}"
    return Step("rate", how, value, currency, origin.scope or None, origin.scope_id)


def _discount(invoice: Invoice, lines: Sequence[InvoiceLine], taxes: Sequence[InvoiceTax]) -> Step:
    currency = invoice.currency
    listed = invoice.subtotal
    if invoice.prices_include_tax:
        listed = sum((line.gross_total or Decimal(0) for line in lines), Decimal(0))
    asked = "an amount"
    if invoice.discount_percent is not None:
        asked = f"{_percent(invoice.discount_percent)} of {decimal_text(listed)}"
    if invoice.gross_discount is not None:
        asked += f": {decimal_text(invoice.gross_discount)} with the tax in it, of which this is net"
    return Step(
        "discount",
        f"{asked}; spread over the taxes by what their lines come to",
        decimal_text(invoice.discount_amount),
        currency,
        steps=tuple(
            Step("share", f"of {_treatment(one.category, one.rate)}", decimal_text(one.discount), currency)
            for one in taxes
        ),
    )


def _tax(tax: InvoiceTax, invoice: Invoice) -> Step:
    currency = invoice.currency
    how = f"{_treatment(tax.category, tax.rate)} of {decimal_text(tax.basis)}"
    if invoice.prices_include_tax:
        whole = tax.basis + tax.amount
        how = f"{_treatment(tax.category, tax.rate)} in {decimal_text(whole)}: × rate / (100 + rate)"
    basis = Step(
        "basis",
        f"lines {decimal_text(tax.subtotal)} − discount {decimal_text(tax.discount)}",
        decimal_text(tax.basis),
        currency,
    )
    return Step("tax", f"{how}, rounded once", decimal_text(tax.amount), currency, steps=(basis,))


def _paid(ctx: Context, invoice: Invoice) -> Step:
    received = payments.of_invoice(ctx, invoice.id)
    steps = [
        Step("payment", f"received on {one.paid_on.isoformat()}", decimal_text(one.amount), one.currency, "payment",
             one.id)
        for one in received
    ]  # fmt: skip
    steps += [
        Step("refund", f"returned on {one.refunded_on.isoformat()}", decimal_text(-one.amount), one.currency, "refund",
             one.id)
        for one in refunds.of_invoice(ctx, invoice.id)
    ]  # fmt: skip
    if given := given_by(ctx, invoice.id):
        steps.append(Step("client_credit", "is the client's credit", decimal_text(-given), invoice.currency))
    if invoice.settled:
        steps.append(Step("settled", "settled without a payment", decimal_text(invoice.settled), invoice.currency))
    how = f"the sum of {_count(len(received), 'payment')}" if steps else "nothing yet"
    return Step("paid", how, decimal_text(invoice.amount_paid), invoice.currency, steps=tuple(steps))


def _credited(ctx: Context, invoice: Invoice) -> Step:
    notes = ctx.select(CreditNote, CreditNote.invoice_id == bindparam("invoice_id"), invoice_id=invoice.id)
    steps = tuple(
        Step("credit_note", f"{one.number}: {one.reason}", decimal_text(one.total), one.currency, "credit_note", one.id)
        for one in notes
    )
    how = f"the sum of {_count(len(notes), 'credit note')}"
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


def _as_tracked(entry: TimeEntry) -> str:
    if entry.started_at is None:
        return f"written down for {entry.entry_date.isoformat()}"
    started = entry.started_at.isoformat(timespec="seconds")
    if entry.stopped_at is None:
        return f"a timer that runs since {started}"
    return f"from {started} to {entry.stopped_at.isoformat(timespec='seconds')}"


def _as_rounded(seconds: int, rounded: int, rule: RoundingRule, *, billed: bool) -> str:
    if seconds == rounded and (billed or rule.minutes == 0):
        return "not rounded"
    how = {"UP": "up", "NEAREST": "to the nearest", "DOWN": "down"}[rule.mode]
    by = f"rounded {how}, in steps of {_count(rule.minutes, 'minute')}"
    if billed and rounded_seconds(seconds, rule) != rounded:
        by = "rounded by the rule of that day"
    return f"{decimal_text(hours(seconds))} h {by}"


def _billable(entry: TimeEntry) -> tuple[Step, ...]:
    if entry.invoice_id is not None:
        return (Step("billable", "on an invoice, and locked", None, None, "invoice", entry.invoice_id),)
    return (Step("billable", "billable, and not billed yet" if entry.billable else "not billable"),)


def _treatment(category: str, rate: Decimal | None) -> str:
    return f"{_percent(rate)}" if category == "STANDARD" and rate is not None else category


def _percent(value: Decimal) -> str:
    return f"{value.normalize():f} %"


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number} {one if number == 1 else many or f'{one}s'}"


_GIVEN: Final = {"EXPENSE": "an expense", "MILESTONE": "a milestone of a fixed fee", "FEE": "a fixed fee"}
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
