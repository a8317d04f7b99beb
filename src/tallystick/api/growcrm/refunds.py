"""Refunds on the wire (contract growcrm 7.4): what of a payment was returned."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from msgspec import UNSET, Struct, UnsetType

from tallystick.api.growcrm.laravel import Whole, in_terms_of
from tallystick.api.growcrm.numbers import money, stamp
from tallystick.api.growcrm.parts import Booked, Named, TagsField, reference, told
from tallystick.api.growcrm.wire import NOTHING, Id, Page, page_of
from tallystick.api.wire import Ask, Operation
from tallystick.domain import overviews, refunds
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.listing import Filter
from tallystick.domain.overviews.refunds import RefundSeen, one, page
from tallystick.domain.payments import Payment, Refund


class RefundedPayment(Struct, gc=False):
    id: int


class RefundJson(Struct, gc=False):
    id: int
    formatted_id: str
    amount: str
    date: date
    notes: str | None
    payment: RefundedPayment
    invoice_id: int
    client: Named
    creator_id: int
    dates: Booked
    tags: list[str]


class RefundChange(Struct):
    refund_date: date | UnsetType = UNSET
    refund_notes: str | UnsetType | None = UNSET


class RefundFields(RefundChange):
    refund_paymentid: Whole | UnsetType = UNSET


def list_refunds(ctx: Context, ask: Ask) -> Page:
    if NOTHING in ask.query:
        return Page([], 0)
    filters = {domain: ask.query.get(wire) for wire, domain in _FILTERS.items()}
    rows, total = page(ctx, filters, **page_of(ask.query))
    return Page([_shown(row) for row in rows], total)


def get_refund(ctx: Context, ask: Ask) -> Struct:
    return _shown(one(ctx, int(ask.id)))


def create_refund(ctx: Context, ask: Ask) -> Struct:
    payment_id = reference(ctx, Payment, ask.facts["refund_paymentid"], "refund_paymentid")
    return _shown(one(ctx, returned(ctx, payment_id, ask.facts).id))


def update_refund(ctx: Context, ask: Ask) -> Struct:
    with in_terms_of(_NAMES):
        changed = refunds.change(ctx, _id(ctx, ask), **told(ask.facts, _PLAIN))
    return _shown(one(ctx, changed.id))


def delete_refund(ctx: Context, ask: Ask) -> Id:
    refund = ctx.find(Refund, _id(ctx, ask))
    refunds.delete(ctx, refund.invoice_id, refund.payment_id, refund.id)
    return Id(int(ask.id))


def set_refund_tags(ctx: Context, ask: Ask) -> Struct:
    changed = refunds.change(ctx, _id(ctx, ask), tags=ask.facts.get("tags") or [])
    return _shown(one(ctx, changed.id))


def returned(ctx: Context, payment_id: str, given: dict[str, Any]) -> Refund:
    """Record that all that is left of a payment was returned."""
    payment = ctx.find(Payment, payment_id)
    with in_terms_of(_NAMES):
        refund, _, _ = refunds.record(ctx, payment.invoice_id, payment.id, **told(given, _PLAIN))
    return refund


def _id(ctx: Context, ask: Ask) -> str:
    return overviews.id_of(ctx, Refund, int(ask.id))


def _shown(row: RefundSeen) -> RefundJson:
    return RefundJson(
        row.serial,
        f"#{row.serial:06}",
        money(row.amount),
        row.refunded_on,
        row.note,
        RefundedPayment(row.payment),
        row.invoice,
        Named(row.client, row.client_name),
        row.creator,
        Booked(row.refunded_on, stamp(row.created_at)),
        row.tags,
    )


_PLAIN: Final = {"refund_date": "refunded_on", "refund_notes": "note"}
_NAMES: Final = {domain: wire for wire, domain in _PLAIN.items()}
_FILTERS: Final = {
    "payment_id": "payment",
    "client_id": "client",
    "invoice_id": "invoice",
    "date_start": "date_from",
    "date_end": "date_to",
    "search": "search",
    "tags": "tags",
}
_NONE: Final[Any] = None
_PARAMETERS: Final = {
    **dict.fromkeys(("payment_id", "client_id", "invoice_id"), Filter("number", _NONE)),
    "date_start": Filter("day", _NONE, about="The first day, YYYY-MM-DD."),
    "date_end": Filter("day", _NONE, about="The last day, YYYY-MM-DD; it is included."),
    "search": Filter("text", _NONE, about="A part of the notes or the invoice's number."),
    "tags": Filter("texts", _NONE, about="At least one of these."),
}
_SORTS: Final = {"refund_created": "created_at", "refund_date": "refunded_on", "refund_amount": "amount"}
_RECORD: Final = Permission.RECORD_PAYMENTS
_TAG: Final = "Refunds"
REFUNDED: Final = "All of the payment is returned already, or it was the client's credit."
OPEN_NO_MORE: Final = "What was returned was paid, credited or written off otherwise meanwhile."

OPERATIONS = (
    Operation(
        "listRefunds", "GET", "/refunds", list_refunds, "List and search refunds", Permission.READ_INVOICES,
        RefundJson, parameters=_PARAMETERS, sorts=_SORTS, message="Refunds retrieved successfully.", tag=_TAG,
    ),
    Operation(
        "createRefund", "POST", "/refunds", create_refund, "Record that a payment was returned", _RECORD, RefundJson,
        status=201, body=RefundFields, required=("refund_paymentid", "refund_date"), conflicts=REFUNDED,
        message="Refund created successfully.", tag=_TAG,
    ),
    Operation(
        "getRefund", "GET", "/refunds/{id}", get_refund, "Get a refund", Permission.READ_INVOICES, RefundJson,
        message="Refund retrieved successfully.", tag=_TAG,
    ),
    Operation(
        "updateRefund", "PATCH", "/refunds/{id}", update_refund, "Correct a refund; its amount stays", _RECORD,
        RefundJson, body=RefundChange, required=("refund_date",), message="Refund updated successfully.", tag=_TAG,
    ),
    Operation(
        "deleteRefund", "DELETE", "/refunds/{id}", delete_refund, "Delete a refund; payment and invoice follow",
        _RECORD, Id, conflicts=OPEN_NO_MORE, message="Refund deleted successfully.", tag=_TAG,
    ),
    Operation(
        "setRefundTags", "PUT", "/refunds/{id}/tags", set_refund_tags, "Set the tags of a refund: exactly these",
        _RECORD, RefundJson, body=TagsField, message="Refund tags updated successfully.", tag=_TAG,
    ),
)  # fmt: skip
