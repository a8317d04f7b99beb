"""Recurring invoices on the wire (contract expensicat 6): those of the record, by five words for their rule."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal, get_args

from msgspec import UNSET, Meta, Struct, UnsetType

from tallystick.api.expensicat.wire import Part, number, page_of
from tallystick.api.fields import Money, Quantity, Uuid
from tallystick.api.wire import Ask, Operation
from tallystick.domain import clients
from tallystick.domain.access import Permission
from tallystick.domain.context import Context, columns_in
from tallystick.domain.invoices.draft import CustomLine
from tallystick.domain.listing import Filter
from tallystick.domain.recurring import recurring
from tallystick.domain.recurring.recurring import RECURRING_INVOICES, RecurringInvoice, Template
from tallystick.values.errors import Invalid
from tallystick.values.recurrence import Frequency, Rule, every, parse_rule

Often = Literal["weekly", "biweekly", "monthly", "quarterly", "yearly"]
OFTEN: Final[dict[str, tuple[Frequency, int]]] = {
    "weekly": ("WEEKLY", 1),
    "biweekly": ("WEEKLY", 2),
    "monthly": ("MONTHLY", 1),
    "quarterly": ("MONTHLY", 3),
    "yearly": ("YEARLY", 1),
}
Status = Literal["active", "paused", "cancelled", "completed"]
STATUSES: Final[dict[str, str]] = {
    "active": "ACTIVE",
    "paused": "PAUSED",
    "cancelled": "CANCELLED",
    "completed": "ENDED",
}
"""Their word → ours."""
MOST_INVOICES: Final = 10_000
PIECE: Final = "each"

Text = Annotated[str, Meta(max_length=10_000)]


class ItemJson(Struct, gc=False):
    name: str
    description: str | None
    quantity: Any
    price: Any


class Customer(Struct, gc=False):
    id: str
    name: str
    email: str | None


class RecurringInvoiceJson(Struct, gc=False):
    id: str
    organization_id: str
    customer_id: str
    frequency: str
    start_date: date
    end_date: date | None
    max_invoices: int | None
    invoices_generated: int
    items: list[ItemJson]
    notes: str | None
    auto_send: bool
    status: Status
    next_generation_date: date | None
    last_generated_date: date | None
    created_by: str | None
    created_at: datetime
    updated_at: datetime
    customer: Customer | None


class ItemFields(Struct):
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    quantity: Quantity
    price: Money
    description: Annotated[str, Meta(max_length=1_700)] | None = None


class RecurringInvoiceFields(Struct):
    customer_id: Uuid | UnsetType = UNSET
    frequency: Often | UnsetType = UNSET
    start_date: date | UnsetType = UNSET
    items: Annotated[list[ItemFields], Meta(min_length=1, max_length=500)] | UnsetType = UNSET
    end_date: date | UnsetType | None = UNSET
    max_invoices: Annotated[int, Meta(ge=1, le=MOST_INVOICES)] | UnsetType | None = UNSET
    notes: Text | UnsetType | None = UNSET
    auto_send: bool | UnsetType = UNSET


class RecurringInvoiceChanges(RecurringInvoiceFields):
    status: Status | UnsetType = UNSET


def list_recurring_invoices(ctx: Context, ask: Ask) -> Part:
    status = ask.query.get("status")
    filters = {"client_id": ask.query.get("customer_id"), "status": STATUSES.get(status) if status else None}
    page = RECURRING_INVOICES.page(ctx, _COLUMNS, filters, **page_of(ask.query))
    rows: list[dict[str, Any]] = [dict(zip(_COLUMNS, row, strict=True)) for row in page.rows]
    return Part(_shown(ctx, rows), page.after)


def create_recurring_invoice(ctx: Context, ask: Ask) -> Struct:
    facts = ask.facts
    rule = _rule(facts["frequency"], facts.get("max_invoices"), facts.get("end_date"))
    with _ending(facts):
        made = recurring.create(
            ctx,
            client_id=facts["customer_id"],
            rule=str(rule),
            start_date=facts["start_date"],
            template=Template(lines=_lines(facts["items"]), notes=facts.get("notes") or None),
            mode="SEND" if facts.get("auto_send") else "DRAFT",
        )
    return _one(ctx, made)


def get_recurring_invoice(ctx: Context, ask: Ask) -> Struct:
    return _one(ctx, recurring.read(ctx, ask.id))


def update_recurring_invoice(ctx: Context, ask: Ask) -> Struct:
    facts = ask.facts
    found = recurring.read(ctx, ask.id)
    changes: dict[str, Any] = {name: facts[name] for name in ("start_date",) if name in facts}
    if "customer_id" in facts:
        changes["client_id"] = facts["customer_id"]
    if facts.keys() & {"frequency", "max_invoices", "end_date"}:
        known = parse_rule(found.rule)
        count, until = facts.get("max_invoices", known.count), facts.get("end_date", known.until)
        often = facts.get("frequency", _frequency(known))
        changes["rule"] = str(
            _rule(often, count, until) if often in OFTEN else Rule(**{**_parts(known), "count": count, "until": until})
        )
    if "items" in facts:
        changes["lines"] = _lines(facts["items"])
    if "notes" in facts:
        changes["notes"] = facts["notes"] or None
    if "auto_send" in facts:
        changes["mode"] = "SEND" if facts["auto_send"] else "DRAFT"
    if changes:
        with _ending(facts):
            found = recurring.change(ctx, ask.id, **changes)
    if "status" in facts and STATUSES[facts["status"]] != found.status:
        found = _turned(ctx, ask.id, facts["status"])
    return _one(ctx, found)


def delete_recurring_invoice(ctx: Context, ask: Ask) -> None:
    recurring.delete(ctx, ask.id)


@contextlib.contextmanager
def _ending(facts: dict[str, Any]) -> Generator[None]:
    """A rule that falls on no day is the fault of its end, where one is given."""
    try:
        yield
    except Invalid as refusal:
        if "rule" in refusal.fields and facts.get("end_date"):
            raise Invalid(fields={"end_date": "there is no day to come before it on which an invoice is due"}) from None
        raise


def _turned(ctx: Context, identity: str, status: str) -> RecurringInvoice:
    verbs = {"active": recurring.resume, "paused": recurring.pause, "cancelled": recurring.cancel}
    if status not in verbs:
        raise Invalid(fields={"status": "becomes completed by itself, after the last invoice"})
    return verbs[status](ctx, identity)


def _rule(often: str, count: int | None, until: date | None) -> Rule:
    frequency, interval = OFTEN[often]
    return every(frequency, interval, count=count, until=until)


def _parts(rule: Rule) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in rule.__struct_fields__}


def _frequency(rule: Rule) -> str:
    """Their word for a rule; one that they have no word for is `custom`."""
    if rule.days or rule.month_days:
        return "custom"
    return next((word for word, known in OFTEN.items() if known == (rule.frequency, rule.interval)), "custom")


def _lines(items: list[ItemFields]) -> tuple[CustomLine, ...]:
    """An item's name is the first line of what the invoice says."""
    lines: list[CustomLine] = []
    for item in items:
        name = " ".join(item.name.split()) or item.name
        said = "\n".join(part for part in (name, item.description) if part)
        lines.append(CustomLine(said, item.quantity, item.price, unit=PIECE))
    return tuple(lines)


def _one(ctx: Context, row: RecurringInvoice) -> Struct:
    return _shown(ctx, [columns_in(row)])[0]


def _shown(ctx: Context, rows: list[dict[str, Any]]) -> list[Struct]:
    made = recurring.made(ctx, [row["id"] for row in rows])
    customers = clients.named(ctx, [row["client_id"] for row in rows])
    found: list[Struct] = []
    for row in rows:
        template, rule = recurring.template_of(row["template"]), parse_rule(row["rule"])
        count, last = made.get(row["id"], (0, None))
        customer = customers.get(row["client_id"])
        found.append(
            RecurringInvoiceJson(
                id=row["id"],
                organization_id=ctx.actor.workspace_id,
                customer_id=row["client_id"],
                frequency=_frequency(rule),
                start_date=row["start_date"],
                end_date=rule.until,
                max_invoices=rule.count,
                invoices_generated=count,
                items=[_item(line) for line in template.lines],
                notes=template.notes,
                auto_send=row["mode"] == "SEND",
                status=next(word for word in get_args(Status) if STATUSES[word] == row["status"]),
                next_generation_date=row["next_run_on"],
                last_generated_date=last,
                created_by=row["created_by"],
                created_at=row["created_at"],
                updated_at=row["updated_at"],
                customer=None if customer is None else Customer(row["client_id"], *customer),
            )
        )
    return found


def _item(line: CustomLine) -> ItemJson:
    name, _, description = line.description.partition("\n")
    return ItemJson(name, description or None, number(line.quantity), number(line.rate))


_COLUMNS = (
    "id", "client_id", "rule", "start_date", "mode", "status", "next_run_on", "template", "created_by", "created_at",
    "updated_at",
)  # fmt: skip
_NONE: Any = None
_READ, _WRITE, _TAG = "invoices:read", "invoices:write", "Recurring invoices"

OPERATIONS = (
    Operation(
        "listRecurringInvoices", "GET", "/recurring-invoices", list_recurring_invoices,
        "List recurring invoices, newest first", Permission.READ_INVOICES, RecurringInvoiceJson,
        listing=RECURRING_INVOICES,
        parameters={
            "status": Filter("choice", _NONE, choices=tuple(STATUSES)),
            "customer_id": RECURRING_INVOICES.filters["client_id"],
        },
        scope=_READ, tag=_TAG,
    ),
    Operation(
        "createRecurringInvoice", "POST", "/recurring-invoices", create_recurring_invoice, "Let an invoice recur",
        Permission.CHANGE_INVOICES, RecurringInvoiceJson, status=201, body=RecurringInvoiceFields,
        required=("customer_id", "frequency", "start_date", "items"), scope=_WRITE, tag=_TAG,
    ),
    Operation(
        "getRecurringInvoice", "GET", "/recurring-invoices/{id}", get_recurring_invoice, "Get a recurring invoice",
        Permission.READ_INVOICES, RecurringInvoiceJson, scope=_READ, tag=_TAG,
    ),
    Operation(
        "updateRecurringInvoice", "PATCH", "/recurring-invoices/{id}", update_recurring_invoice,
        "Update a recurring invoice", Permission.CHANGE_INVOICES, RecurringInvoiceJson, body=RecurringInvoiceChanges,
        conflicts="Its status does not allow it.", scope=_WRITE, tag=_TAG,
    ),
    Operation(
        "deleteRecurringInvoice", "DELETE", "/recurring-invoices/{id}", delete_recurring_invoice,
        "Delete a recurring invoice; its invoices stay", Permission.CHANGE_INVOICES, status=204, scope=_WRITE,
        tag=_TAG,
    ),
)  # fmt: skip
