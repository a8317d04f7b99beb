"""Recurring invoices on the wire; Hoursmith's API has none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from tallystick.api.fields import Percent, Uuid
from tallystick.api.native.invoices import DiscountFields, LineFields, Reason, check_discount, custom_line
from tallystick.api.native.views import View
from tallystick.api.native.wire import LIMIT, Part, read_only
from tallystick.api.wire import Ask, Nothing, Operation
from tallystick.domain.access import Actor, Permission
from tallystick.domain.context import Context, columns_in
from tallystick.domain.invoices.draft import CustomLine
from tallystick.domain.invoices.totals import Discount
from tallystick.domain.listing import Filter
from tallystick.domain.recurring import recurring, runs
from tallystick.domain.recurring.recurring import (
    RECURRING_INVOICES,
    CatchUp,
    Mode,
    Outcome,
    RecurringInvoice,
    RecurringRun,
    Status,
    Template,
)
from tallystick.values.money import decimal_text
from tallystick.values.recurrence import MonthEnd
from tallystick.values.tax import TaxCategory

Text = Annotated[str, Meta(max_length=10_000)]
Line = Annotated[str, Meta(max_length=200)]


class RecurringDiscountJson(Struct, gc=False):
    amount: str | None
    percent: str | None


class RecurringLineJson(Struct, rename="camel", gc=False):
    description: str
    quantity: str
    rate: str
    unit: str | None
    project_id: str | None
    heading: str | None
    discount: RecurringDiscountJson | None
    tax_category: TaxCategory | None
    tax_reason: str | None
    tax_rate_id: str | None
    tax_rate: str | UnsetType | None = UNSET
    """Left out where the line says nothing of it: null is no tax."""


class RecurringInvoiceJson(Struct, rename="camel", gc=False):
    id: str
    org_id: str
    client_id: str
    name: str
    status: Status
    mode: Mode
    rule: str
    start_date: date
    time_zone: str
    month_end: MonthEnd
    catch_up: CatchUp
    next_run_on: date | None
    last_run_on: date | None
    invoices_made: int
    failure: str | None
    currency: str
    lines: list[RecurringLineJson]
    discount: RecurringDiscountJson | None
    tax_rate: str | None
    tax_category: TaxCategory | None
    tax_reason: str | None
    tax_rate_id: str | None
    prices_include_tax: bool | None
    notes: str | None
    po_number: str | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


class RecurringInvoiceFields(Struct, rename="camel"):
    client_id: Uuid | UnsetType = UNSET
    name: Line | UnsetType | None = UNSET
    mode: Mode | UnsetType = UNSET
    rule: Line | UnsetType = UNSET
    start_date: date | UnsetType = UNSET
    time_zone: Annotated[str, Meta(max_length=64)] | UnsetType | None = UNSET
    month_end: MonthEnd | UnsetType = UNSET
    catch_up: CatchUp | UnsetType = UNSET
    lines: Annotated[list[LineFields], Meta(min_length=1, max_length=500)] | UnsetType = UNSET
    discount: DiscountFields | UnsetType | None = UNSET
    tax_rate: Percent | UnsetType | None = UNSET
    tax_category: TaxCategory | UnsetType | None = UNSET
    tax_reason: Reason | UnsetType | None = UNSET
    tax_rate_id: Uuid | UnsetType | None = UNSET
    prices_include_tax: bool | UnsetType | None = UNSET
    notes: Text | UnsetType | None = UNSET
    po_number: Line | UnsetType | None = UNSET


class OccurrenceJson(Struct, rename="camel", gc=False):
    occurs_on: date
    due: bool


class RecurringRunJson(Struct, rename="camel", gc=False):
    id: str
    org_id: str
    recurring_id: str
    occurs_on: date
    outcome: Outcome
    invoice_id: str | None
    failure: str | None
    attempts: int
    retry_at: datetime | None
    created_at: datetime
    updated_at: datetime


RUN = View(RecurringRun, RecurringRunJson)
_READ_ONLY = read_only(RecurringInvoiceJson, RecurringInvoiceFields)
_OF_TEMPLATE = frozenset(Template.__struct_fields__)
_PLAIN = tuple(
    name
    for name in RecurringInvoiceJson.__struct_fields__
    if name not in {"org_id", "last_run_on", "invoices_made", *_OF_TEMPLATE}
)
_COLUMNS = (*_PLAIN, "template")


class RecurringInvoices:
    """Recurring invoices for the change feed: their lines are in a template, and their count is in their runs."""

    def columns(self, actor: Actor) -> tuple[str, ...]:
        """The columns of a row, whoever asks: nobody without money hears of one."""
        del actor
        return _COLUMNS

    def shown(self, ctx: Context, row: tuple[Any, ...]) -> Struct:
        """One row of exactly these columns."""
        return _shown(ctx, [dict(zip(_COLUMNS, row, strict=True))])[0]


RECURRING_INVOICE = RecurringInvoices()


def list_recurring_invoices(ctx: Context, ask: Ask) -> Part:
    query = ask.query
    page = RECURRING_INVOICES.page(
        ctx,
        _COLUMNS,
        {name: value for name, value in query.items() if name in RECURRING_INVOICES.filters},
        sort=query.get("sort", "-created_at"),
        limit=query.get("limit", LIMIT),
        after=query.get("after"),
    )
    return Part(_shown(ctx, [dict(zip(_COLUMNS, row, strict=True)) for row in page.rows]), page.after)


def create_recurring_invoice(ctx: Context, ask: Ask) -> Struct:
    words = _words(ask.facts)
    template = Template(**{name: words.pop(name) for name in _OF_TEMPLATE & words.keys()})
    return _one(ctx, recurring.create(ctx, template=template, **words))


def get_recurring_invoice(ctx: Context, ask: Ask) -> Struct:
    return _one(ctx, recurring.read(ctx, ask.id))


def update_recurring_invoice(ctx: Context, ask: Ask) -> Struct:
    return _one(ctx, recurring.change(ctx, ask.id, **_words(ask.facts)))


def delete_recurring_invoice(ctx: Context, ask: Ask) -> None:
    recurring.delete(ctx, ask.id)


def pause_recurring_invoice(ctx: Context, ask: Ask) -> Struct:
    return _one(ctx, recurring.pause(ctx, ask.id))


def resume_recurring_invoice(ctx: Context, ask: Ask) -> Struct:
    return _one(ctx, recurring.resume(ctx, ask.id))


def skip_recurring_invoice(ctx: Context, ask: Ask) -> Struct:
    return _one(ctx, recurring.skip(ctx, ask.id))


def cancel_recurring_invoice(ctx: Context, ask: Ask) -> Struct:
    return _one(ctx, recurring.cancel(ctx, ask.id))


def run_recurring_invoice(ctx: Context, ask: Ask) -> list[Struct]:
    return [RUN.one(ctx.actor, run) for run in runs.run_now(ctx, ask.id)]


def list_occurrences(ctx: Context, ask: Ask) -> list[Struct]:
    return [OccurrenceJson(*one) for one in recurring.occurrences(ctx, ask.id, ask.query.get("limit", 12))]


def list_runs(ctx: Context, ask: Ask) -> list[Struct]:
    return [RUN.one(ctx.actor, run) for run in recurring.runs(ctx, ask.id)]


def _words(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts of a body in the domain's words."""
    said = dict(facts)
    if "lines" in said:
        said["lines"] = tuple(custom_line(line) for line in said["lines"])
    discount: DiscountFields | None = said.get("discount")
    if discount is not None:
        said["discount"] = Discount(amount=discount.amount, percent=discount.percent)
    return said


def _one(ctx: Context, row: RecurringInvoice) -> Struct:
    return _shown(ctx, [columns_in(row)])[0]


def _shown(ctx: Context, rows: Sequence[dict[str, Any]]) -> list[Struct]:
    made = recurring.made(ctx, [row["id"] for row in rows])
    found: list[Struct] = []
    for row in rows:
        template = recurring.template_of(row["template"])
        count, last = made.get(row["id"], (0, None))
        found.append(
            RecurringInvoiceJson(
                **{name: row[name] for name in _PLAIN},
                org_id=ctx.actor.workspace_id,
                last_run_on=last,
                invoices_made=count,
                lines=[_line(line) for line in template.lines],
                discount=None if template.discount is None else _discount(template.discount),
                tax_rate=None if template.tax_rate is None else decimal_text(template.tax_rate),
                tax_category=template.tax_category,
                tax_reason=template.tax_reason,
                tax_rate_id=template.tax_rate_id,
                prices_include_tax=template.prices_include_tax,
                notes=template.notes,
                po_number=template.po_number,
            )
        )
    return found


def _line(line: CustomLine) -> RecurringLineJson:
    tax = line.tax
    return RecurringLineJson(
        line.description,
        decimal_text(line.quantity),
        decimal_text(line.rate),
        line.unit,
        line.project_id,
        line.heading,
        None if line.discount is None else _discount(line.discount),
        tax.tax_category,
        None if tax.tax_reason is UNSET else tax.tax_reason,
        tax.tax_rate_id,
        decimal_text(tax.tax_rate) if isinstance(tax.tax_rate, Decimal) else tax.tax_rate,
    )


def _discount(discount: Discount) -> RecurringDiscountJson:
    return RecurringDiscountJson(
        None if discount.amount is None else decimal_text(discount.amount),
        None if discount.percent is None else decimal_text(discount.percent),
    )


_TAG = "Recurring invoices"
_MANY: Any = None

OPERATIONS = (
    Operation(
        "listRecurringInvoices", "GET", "/recurring-invoices", list_recurring_invoices, "List recurring invoices",
        Permission.READ_INVOICES, RecurringInvoiceJson, listing=RECURRING_INVOICES, tag=_TAG,
    ),
    Operation(
        "createRecurringInvoice", "POST", "/recurring-invoices", create_recurring_invoice, "Let an invoice recur",
        Permission.CHANGE_INVOICES, RecurringInvoiceJson, status=201, body=RecurringInvoiceFields,
        required=("client_id", "rule", "start_date", "lines"), read_only=_READ_ONLY, check=check_discount, tag=_TAG,
    ),
    Operation(
        "getRecurringInvoice", "GET", "/recurring-invoices/{id}", get_recurring_invoice, "Get a recurring invoice",
        Permission.READ_INVOICES, RecurringInvoiceJson, tag=_TAG,
    ),
    Operation(
        "updateRecurringInvoice", "PATCH", "/recurring-invoices/{id}", update_recurring_invoice,
        "Change a recurring invoice; invoices already made stay", Permission.CHANGE_INVOICES, RecurringInvoiceJson,
        body=RecurringInvoiceFields, read_only=_READ_ONLY, check=check_discount, tag=_TAG,
    ),
    Operation(
        "deleteRecurringInvoice", "DELETE", "/recurring-invoices/{id}", delete_recurring_invoice,
        "Delete a recurring invoice; its invoices stay", Permission.CHANGE_INVOICES, status=204, body=Nothing,
        tag=_TAG,
    ),
    Operation(
        "pauseRecurringInvoice", "POST", "/recurring-invoices/{id}/pause", pause_recurring_invoice,
        "Make nothing until it is resumed", Permission.CHANGE_INVOICES, RecurringInvoiceJson, body=Nothing,
        conflicts="It is not active.", tag=_TAG,
    ),
    Operation(
        "resumeRecurringInvoice", "POST", "/recurring-invoices/{id}/resume", resume_recurring_invoice,
        "Go on from today", Permission.CHANGE_INVOICES, RecurringInvoiceJson, body=Nothing,
        conflicts="It is neither paused nor cancelled.", tag=_TAG,
    ),
    Operation(
        "skipRecurringInvoice", "POST", "/recurring-invoices/{id}/skip", skip_recurring_invoice,
        "Leave out the next day", Permission.CHANGE_INVOICES, RecurringInvoiceJson, body=Nothing,
        conflicts="It has ended or is cancelled.", tag=_TAG,
    ),
    Operation(
        "cancelRecurringInvoice", "POST", "/recurring-invoices/{id}/cancel", cancel_recurring_invoice,
        "End it before its rule does", Permission.CHANGE_INVOICES, RecurringInvoiceJson, body=Nothing,
        conflicts="It has ended already.", tag=_TAG,
    ),
    Operation(
        "runRecurringInvoice", "POST", "/recurring-invoices/{id}/run", run_recurring_invoice,
        "Make now what is due, and what failed before", Permission.CHANGE_INVOICES, RecurringRunJson, body=Nothing,
        many=True, conflicts="Nothing is due.", tag=_TAG,
    ),
    Operation(
        "listRecurringOccurrences", "GET", "/recurring-invoices/{id}/occurrences", list_occurrences,
        "The days to come", Permission.READ_INVOICES, OccurrenceJson, many=True,
        parameters={"limit": Filter("least_count", _MANY, about="So many; 12 unless told, 200 at most.")}, tag=_TAG,
    ),
    Operation(
        "listRecurringRuns", "GET", "/recurring-invoices/{id}/runs", list_runs,
        "What became of its days: the last 200, the latest first", Permission.READ_INVOICES, RecurringRunJson,
        many=True, tag=_TAG,
    ),
)  # fmt: skip
