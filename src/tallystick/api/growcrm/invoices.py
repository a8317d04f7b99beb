"""Invoices on the wire (contract growcrm 7.1): drafts with items and their taxes, and what became of them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final, Literal, NamedTuple

from msgspec import UNSET, Struct, UnsetType

from tallystick.api.growcrm import laravel
from tallystick.api.growcrm.laravel import Amount, AtLeastNothing, Numeric, Whole, in_terms_of
from tallystick.api.growcrm.numbers import YesNo, money, stamp
from tallystick.api.growcrm.parts import Named, TagsField, Title, reference, referred, told
from tallystick.api.growcrm.wire import NOTHING, Id, Page, page_of
from tallystick.api.wire import Ask, Nothing, Operation
from tallystick.domain import overviews, sending
from tallystick.domain.access import Permission
from tallystick.domain.categories import Category
from tallystick.domain.clients import Client
from tallystick.domain.context import Context
from tallystick.domain.invoices import draft, invoice, lifecycle
from tallystick.domain.invoices.draft import CustomLine
from tallystick.domain.invoices.invoice import Invoice
from tallystick.domain.invoices.totals import Discount
from tallystick.domain.listing import Filter
from tallystick.domain.overviews.invoices import InvoiceSeen, LineSeen, Standing, one, page
from tallystick.domain.projects import Project
from tallystick.domain.tax_rates import AS_USUAL, Said, TaxRate
from tallystick.values.errors import Conflict, Invalid
from tallystick.values.money import decimal_text
from tallystick.values.tax import REASONED

DiscountType = Literal["none", "fixed", "percentage"]
TaxType = Literal["summary", "inline"]
USUAL_TAX: Final = 1
"""The number of the tax that is usual: the client's, else the workspace's. Rates with names have the others."""


class Stands(NamedTuple):
    """A status of Grow CRM: its number, title and color, and what it is called here."""

    number: int
    title: str
    color: str
    standing: Standing


STATUSES: Final = (
    Stands(1, "Draft", "default", "DRAFT"),
    Stands(2, "Due", "warning", "DUE"),
    Stands(3, "Overdue", "danger", "OVERDUE"),
    Stands(4, "Part Paid", "info", "PART_PAID"),
    Stands(5, "Paid", "success", "PAID"),
    Stands(20, "Cancelled", "default", "CANCELLED"),
)


class InvoiceStatus(Struct, gc=False):
    id: int
    title: str
    color: str


class InvoiceDates(Struct, gc=False):
    date: date
    due_date: date | None
    created: str


class InvoiceTotals(Struct, gc=False):
    subtotal: str
    subtotal_before_discount: str
    discount_type: DiscountType
    discount_percentage: str
    discount_amount: str
    amount_before_tax: str
    tax_total_percentage: str
    tax_total_amount: str
    adjustment_description: str | None
    adjustment_amount: str
    final_amount: str


class LineDiscount(Struct, gc=False):
    type: DiscountType = "none"
    value: str = "0.00"
    amount: str = "0.00"


class LineJson(Struct, gc=False):
    id: int
    description: str
    unit: str
    quantity: str
    rate: str
    total: str
    type: Literal["plain", "time"]
    tax_status: YesNo
    discount: LineDiscount


class TaxJson(Struct, gc=False):
    name: str
    rate: str
    lineitem_id: int | None


class InvoiceJson(Struct, gc=False):
    id: int
    status: InvoiceStatus
    client: Named
    project_id: int | None
    category: Named
    dates: InvoiceDates
    notes: str | None
    terms: str | None
    tax_type: TaxType
    totals: InvoiceTotals
    line_items: list[LineJson]
    taxes: list[TaxJson]
    tags: list[str]


class InvoiceFields(Struct):
    bill_clientid: Whole | UnsetType = UNSET
    bill_categoryid: Whole | UnsetType = UNSET
    bill_date: date | UnsetType = UNSET
    bill_due_date: date | UnsetType | None = UNSET
    bill_projectid: Whole | UnsetType | None = UNSET
    bill_tax_type: TaxType | UnsetType = UNSET
    bill_notes: str | UnsetType | None = UNSET
    bill_terms: str | UnsetType | None = UNSET


class InvoiceChange(Struct):
    bill_categoryid: Whole | UnsetType = UNSET
    bill_date: date | UnsetType = UNSET
    bill_due_date: date | UnsetType | None = UNSET
    bill_projectid: Whole | UnsetType | None = UNSET
    bill_tax_type: TaxType | UnsetType = UNSET
    bill_notes: str | UnsetType | None = UNSET
    bill_terms: str | UnsetType | None = UNSET
    bill_discount_type: DiscountType | UnsetType = UNSET
    bill_discount_percentage: AtLeastNothing | UnsetType | None = UNSET
    bill_discount_amount: Amount | UnsetType | None = UNSET
    bill_adjustment_description: Title | UnsetType | None = UNSET
    bill_adjustment_amount: Numeric | UnsetType | None = UNSET


class ItemFields(Struct):
    description: str | UnsetType = UNSET
    quantity: AtLeastNothing | UnsetType = UNSET
    rate: Amount | UnsetType = UNSET
    unit: Title | UnsetType | None = UNSET
    long_description: str | UnsetType | None = UNSET
    tax_rate_id: Whole | UnsetType | None = UNSET
    discount_type: DiscountType | UnsetType | None = UNSET
    discount_value: Amount | UnsetType | None = UNSET


class ItemsField(Struct):
    items: list[ItemFields] | UnsetType = UNSET
    tax_rate_ids: list[Whole] | UnsetType | None = UNSET


class InvoiceStatusField(Struct):
    status: Whole | UnsetType = UNSET


class InvoiceCopy(Struct):
    bill_clientid: Whole | UnsetType = UNSET
    bill_date: date | UnsetType = UNSET
    bill_due_date: date | UnsetType = UNSET
    bill_projectid: Whole | UnsetType | None = UNSET


def list_invoices(ctx: Context, ask: Ask) -> Page:
    query = ask.query
    standing: Standing | None = None
    if "status" in query:
        standing = next((status.standing for status in STATUSES if status.number == query["status"]), None)
    if NOTHING in query or ("status" in query and standing is None):
        return Page([], 0)
    filters = {domain: query.get(wire) for wire, domain in _FILTERS.items()}
    rows, total = page(ctx, filters, standing=standing, **page_of(query))
    return Page([_shown(ctx, row, lines) for row, lines in rows], total)


def get_invoice(ctx: Context, ask: Ask) -> Struct:
    return _again(ctx, int(ask.id))


def create_invoice(ctx: Context, ask: Ask) -> Struct:
    with in_terms_of(_NAMES):
        facts = {**told(ask.facts, _PLAIN), **referred(ctx, ask.facts, _REFERRED), **_tax_type(ask.facts)}
        made = draft.blank(ctx, prices_include_tax=False, **facts)
    return _again(ctx, made.id)


def update_invoice(ctx: Context, ask: Ask) -> Struct:
    invoice_id = _id(ctx, ask)
    with in_terms_of(_NAMES):
        facts = {**told(ask.facts, _PLAIN), **referred(ctx, ask.facts, _REFERRED), **_tax_type(ask.facts)}
        draft.change(ctx, invoice_id, **facts, **_discount(ask.facts))
    return _again(ctx, invoice_id)


def set_invoice_items(ctx: Context, ask: Ask) -> Struct:
    row, _ = one(ctx, int(ask.id))
    items, taxes = ask.facts["items"], ask.facts.get("tax_rate_ids", UNSET)
    by_line = row.taxed_by_line or any(item.get("tax_rate_id") or _item_discount(item) for item in items)
    usual = AS_USUAL if taxes or not by_line else Said(tax_rate=None)
    lines = [
        CustomLine(
            "\n".join(part for part in (item["description"], item.get("long_description")) if part),
            item["quantity"],
            item["rate"],
            item.get("unit"),
            discount=_item_discount(item),
            tax=_item_tax(ctx, f"items.{place}.tax_rate_id", item.get("tax_rate_id"), usual),
        )
        for place, item in enumerate(items)
    ]
    facts = {} if taxes is UNSET else _taxed(ctx, taxes or ())
    with in_terms_of(_ITEM_NAMES):
        draft.itemize(ctx, row.id, lines, taxed_by_line=by_line, prices_include_tax=False, **facts)
    return _again(ctx, row.id)


def delete_invoice(ctx: Context, ask: Ask) -> Id:
    draft.delete(ctx, _id(ctx, ask))
    return Id(int(ask.id))


def set_invoice_status(ctx: Context, ask: Ask) -> Struct:
    row, _ = one(ctx, int(ask.id))
    wanted = next((status for status in STATUSES if status.number == ask.facts["status"]), None)
    if wanted is None:
        raise laravel.selected("status")
    if row.standing(ctx.today()) != wanted.standing:
        move = _MOVES.get((row.status, wanted.standing))
        if move is None:
            raise _no_such_move(row, wanted)
        with _ready("status"):
            move(ctx, row.id)
    return _again(ctx, row.id)


def set_invoice_tags(ctx: Context, ask: Ask) -> Struct:
    return _again(ctx, invoice.tag(ctx, _id(ctx, ask), ask.facts.get("tags") or []).id)


def publish_invoice(ctx: Context, ask: Ask) -> Struct:
    row, _ = one(ctx, int(ask.id))
    if row.status != "DRAFT":
        raise Conflict("Only a draft is published. This invoice was: it can be mailed once more with send-email.")
    with _ready("invoice"):
        sending.send(ctx, row.id)
    return _again(ctx, row.id)


def email_invoice(ctx: Context, ask: Ask) -> Struct:
    row, _ = one(ctx, int(ask.id))
    if row.status == "DRAFT":
        raise Conflict("A draft is not mailed. Publish it first.")
    with _ready("invoice"):
        sending.send(ctx, row.id)
    return _again(ctx, row.id)


def clone_invoice(ctx: Context, ask: Ask) -> Struct:
    invoice_id = _id(ctx, ask)
    with in_terms_of(_NAMES):
        facts = {**told(ask.facts, _PLAIN), **referred(ctx, ask.facts, _REFERRED)}
        copy = draft.duplicate(ctx, invoice_id, **facts)
    return _again(ctx, copy.invoice.id)


def _id(ctx: Context, ask: Ask) -> str:
    return overviews.id_of(ctx, Invoice, int(ask.id))


def _again(ctx: Context, identity: str | int) -> InvoiceJson:
    return _shown(ctx, *one(ctx, identity))


@contextlib.contextmanager
def _ready(field: str) -> Generator[None]:
    """Why an invoice is not ready to be sent is said of a field of the request."""
    try:
        yield
    except Invalid as refusal:
        told = " ".join(why if why.endswith(".") else f"{why}." for why in refusal.fields.values())
        why = refusal.message if "lines" in refusal.fields else told
        raise laravel.wrong(field, why) from None


def _tax_type(given: Mapping[str, Any]) -> dict[str, Any]:
    return {"taxed_by_line": given["bill_tax_type"] == "inline"} if "bill_tax_type" in given else {}


def _taxed(ctx: Context, numbers: Sequence[int]) -> dict[str, Any]:
    """How items are taxed that do not say it, as `draft.itemize` takes it."""
    found = list(dict.fromkeys(numbers))
    if len(found) > 1:
        raise laravel.wrong("tax_rate_ids", "must not have more than 1 items: nothing is taxed twice.")
    if not found or found[0] == USUAL_TAX:
        return {"taxed": bool(found)}
    return {"tax_rate_id": reference(ctx, TaxRate, found[0], "tax_rate_ids")}


def _item_tax(ctx: Context, field: str, number: int | None, otherwise: Said) -> Said:
    """How an item is taxed; without a number it is `otherwise`."""
    if number is None:
        return otherwise
    return Said(usual=True) if number == USUAL_TAX else Said(tax_rate_id=reference(ctx, TaxRate, number, field))


def _item_discount(item: Mapping[str, Any]) -> Discount | None:
    value = item.get("discount_value")
    match item.get("discount_type"):
        case "percentage" if value:
            return Discount(percent=value)
        case "fixed" if value:
            return Discount(amount=value)
        case _:
            return None


def _discount(given: Mapping[str, Any]) -> dict[str, Any]:
    """The discount by its type; without one, the type is that of what is given."""
    percent, amount = given.get("bill_discount_percentage"), given.get("bill_discount_amount")
    kind = given.get("bill_discount_type") or ("percentage" if percent else "fixed" if amount else None)
    match kind:
        case "none":
            return {"discount": None}
        case "percentage":
            return {"discount": Discount(percent=percent or Decimal(0))}
        case "fixed":
            return {"discount": Discount(amount=amount or Decimal(0))}
        case _:
            return {}


def _check_change(given: dict[str, Any]) -> None:
    _check_dates(given)
    if given.get("bill_adjustment_amount"):
        raise laravel.wrong("bill_adjustment_amount", "is not supported: add an item, or give a discount.")
    if (given.get("bill_discount_percentage") or 0) > 100:
        raise laravel.wrong("bill_discount_percentage", "must not be greater than 100.")


def _check_dates(given: dict[str, Any]) -> None:
    due = given.get("bill_due_date")
    if due is not None and due < given["bill_date"]:
        raise laravel.wrong("bill_due_date", "must be a date after or equal to bill date.")


def _check_items(given: dict[str, Any]) -> None:
    wrong = {
        f"items.{place}.{name}": laravel.sentence(f"items.{place}.{name}", "field is required.")
        for place, item in enumerate(given["items"])
        for name in ("description", "quantity", "rate")
        if item.get(name) is None
    }
    if wrong:
        raise Invalid(laravel.INVALID, fields=wrong)


def _no_such_move(row: InvoiceSeen, wanted: Stands) -> Conflict:
    if row.status == "SENT" and wanted.standing in ("DUE", "OVERDUE", "PART_PAID"):
        return Conflict("Whether an invoice is due, overdue or part paid follows from its due date and its payments.")
    now = {"DRAFT": "draft", "SENT": "issued", "PAID": "paid", "CANCELLED": "cancelled"}[row.status]
    return Conflict(f"The status of this {now} invoice cannot be set to {wanted.title}.")


def _shown(ctx: Context, row: InvoiceSeen, lines: list[LineSeen]) -> InvoiceJson:
    standing = row.standing(ctx.today())
    status = next(status for status in STATUSES if status.standing == standing)
    kinds = {(line.tax_category, line.tax_rate) for line in lines}
    by_line = row.taxed_by_line or len(kinds) > 1 or any(line.says_more for line in lines)
    return InvoiceJson(
        row.serial,
        InvoiceStatus(status.number, status.title, status.color),
        Named(row.client, row.client_name),
        row.project,
        Named(row.category, row.category_name),
        InvoiceDates(row.issue_date, row.due_date, stamp(row.created_at)),
        row.notes,
        row.terms,
        "inline" if by_line else "summary",
        InvoiceTotals(
            money(row.subtotal),
            money(row.subtotal + sum((line.discount_amount for line in lines), Decimal(0))),
            "percentage" if row.discount_percent is not None else "fixed" if row.discount_amount else "none",
            decimal_text(row.discount_percent or Decimal(0)),
            money(row.discount_amount),
            money(row.subtotal - row.discount_amount),
            decimal_text(row.tax_rate or Decimal(0)),
            money(row.tax_amount),
            None,
            money(Decimal(0)),
            money(row.total),
        ),
        [_line(line) for line in lines],
        _taxes(row, lines if by_line else None),
        row.tags,
    )


def _taxes(row: InvoiceSeen, lines: list[LineSeen] | None) -> list[TaxJson]:
    """The taxes of these lines, else the one on their sum. Where no tax is shown there is none."""
    label = row.tax_label or "Tax"
    if lines is None:
        return [] if row.tax_rate is None else [TaxJson(row.tax_name or label, decimal_text(row.tax_rate), None)]
    return [
        TaxJson(line.tax_name or label, decimal_text(line.tax_rate), line.serial)
        for line in lines
        if line.tax_rate is not None
    ]


def _line(line: LineSeen) -> LineJson:
    return LineJson(
        line.serial,
        line.description,
        line.unit,
        decimal_text(line.quantity),
        decimal_text(line.net_rate),
        money(line.total),
        "time" if line.kind == "TIME" else "plain",
        "no" if line.tax_category in REASONED else "yes",
        _line_discount(line),
    )


def _line_discount(line: LineSeen) -> LineDiscount:
    amount = money(line.discount_amount)
    if line.discount_percent is not None:
        return LineDiscount("percentage", decimal_text(line.discount_percent), amount)
    return LineDiscount("fixed", amount, amount) if line.discount_amount else LineDiscount()


_MOVES: Final[Mapping[tuple[str, Standing], Callable[[Context, str], object]]] = {
    ("DRAFT", "DUE"): lifecycle.mark_sent,
    ("DRAFT", "CANCELLED"): lifecycle.cancel,
    ("SENT", "PAID"): lifecycle.mark_paid,
    ("SENT", "CANCELLED"): lifecycle.cancel,
    ("CANCELLED", "DRAFT"): lifecycle.restore,
}
"""Where an invoice is, and as what it is to stand → the verb that takes it there."""

_PLAIN: Final = {
    "bill_date": "issue_date",
    "bill_due_date": "due_date",
    "bill_notes": "notes",
    "bill_terms": "terms",
}
_REFERRED: Final = {
    "bill_clientid": ("client_id", Client),
    "bill_categoryid": ("category_id", Category),
    "bill_projectid": ("project_id", Project),
}
_NAMES: Final = {
    **{domain: wire for wire, domain in _PLAIN.items()},
    **{domain: wire for wire, (domain, _) in _REFERRED.items()},
    "discount": "bill_discount_amount",
}
_ITEM_NAMES: Final = {
    "lines": "items",
    "discount": "items",
    "tax_rate": "tax_rate_ids",
    "tax_rate_id": "tax_rate_ids",
}
_FILTERS: Final = {
    "client_id": "client",
    "project_id": "project",
    "category_id": "category",
    "search": "search",
}
_NONE: Final[Any] = None
_PARAMETERS: Final = {
    "status": Filter("number", _NONE, about="1 Draft, 2 Due, 3 Overdue, 4 Part Paid, 5 Paid, 20 Cancelled."),
    **dict.fromkeys(("client_id", "project_id", "category_id"), Filter("number", _NONE)),
    "search": Filter("text", _NONE, about="A part of the invoice's number or the client's name, in whatever case."),
}
_SORTS: Final = {
    "bill_created": "created_at",
    "bill_date": "issue_date",
    "bill_due_date": "due_date",
    "bill_final_amount": "total",
}
_CHANGE: Final = Permission.CHANGE_INVOICES
_ISSUED: Final = "The invoice is issued, paid or cancelled."
_TAG: Final = "Invoices"

OPERATIONS = (
    Operation(
        "listInvoices", "GET", "/invoices", list_invoices, "List and search invoices", Permission.READ_INVOICES,
        InvoiceJson, parameters=_PARAMETERS, sorts=_SORTS, message="Invoices retrieved successfully.", tag=_TAG,
    ),
    Operation(
        "createInvoice", "POST", "/invoices", create_invoice, "Draft an invoice; its items come later", _CHANGE,
        InvoiceJson, status=201, body=InvoiceFields, required=("bill_clientid", "bill_categoryid", "bill_date"),
        check=_check_dates, message="Invoice created successfully.", tag=_TAG,
    ),
    Operation(
        "getInvoice", "GET", "/invoices/{id}", get_invoice, "Get an invoice", Permission.READ_INVOICES, InvoiceJson,
        message="Invoice retrieved successfully.", tag=_TAG,
    ),
    Operation(
        "updateInvoice", "PATCH", "/invoices/{id}", update_invoice, "Change a draft; what is left out stays", _CHANGE,
        InvoiceJson, body=InvoiceChange, required=("bill_categoryid", "bill_date"), check=_check_change,
        conflicts=_ISSUED, message="Invoice updated successfully.", tag=_TAG,
    ),
    Operation(
        "deleteInvoice", "DELETE", "/invoices/{id}", delete_invoice, "Delete a draft; its work is free again", _CHANGE,
        Id, conflicts=_ISSUED, message="Invoice deleted successfully.", tag=_TAG,
    ),
    Operation(
        "setInvoiceItems", "PUT", "/invoices/{id}/items", set_invoice_items,
        "Set the items of a draft: exactly these; tax 1 is the usual one, no number is no tax", _CHANGE,
        InvoiceJson, body=ItemsField, required=("items",), check=_check_items,
        conflicts="The invoice is no draft, or bills recorded time.", message="Invoice items updated successfully.",
        tag=_TAG,
    ),
    Operation(
        "setInvoiceStatus", "PUT", "/invoices/{id}/status", set_invoice_status,
        "Issue a draft (2), settle (5), cancel (20) or restore (1) an invoice", _CHANGE, InvoiceJson,
        body=InvoiceStatusField, required=("status",), conflicts="The invoice cannot go there from where it is.",
        message="Invoice status updated successfully.", tag=_TAG,
    ),
    Operation(
        "publishInvoice", "PUT", "/invoices/{id}/publish", publish_invoice, "Issue a draft and mail it to its client",
        _CHANGE, InvoiceJson, body=Nothing, conflicts="The invoice is no draft, or mail is not set up.",
        message="Invoice published successfully.", tag=_TAG,
    ),
    Operation(
        "emailInvoice", "POST", "/invoices/{id}/send-email", email_invoice, "Mail an issued invoice to its client",
        _CHANGE, InvoiceJson, body=Nothing,
        conflicts="The invoice is a draft or cancelled, was mailed a moment ago, or mail is not set up.",
        message="Invoice email sent successfully.", tag=_TAG,
    ),
    Operation(
        "setInvoiceTags", "PUT", "/invoices/{id}/tags", set_invoice_tags, "Set the tags of an invoice: exactly these",
        _CHANGE, InvoiceJson, body=TagsField, message="Invoice tags updated successfully.", tag=_TAG,
    ),
    Operation(
        "cloneInvoice", "POST", "/invoices/{id}/clone", clone_invoice, "Draft an invoice with the items of another",
        _CHANGE, InvoiceJson, status=201, body=InvoiceCopy, required=("bill_clientid", "bill_date", "bill_due_date"),
        check=_check_dates, message="Invoice cloned successfully.", tag=_TAG,
    ),
)  # fmt: skip
