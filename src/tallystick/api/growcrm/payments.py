"""Payments on the wire (contract growcrm 7.3): money received for an invoice."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from tallystick.api.growcrm import laravel
from tallystick.api.growcrm.laravel import Amount, Flag, Whole, in_terms_of
from tallystick.api.growcrm.numbers import YesNo, money, stamp
from tallystick.api.growcrm.parts import Booked, Name, Named, TagsField, Title, reference, told
from tallystick.api.growcrm.refunds import OPEN_NO_MORE, REFUNDED, RefundChange, returned
from tallystick.api.growcrm.wire import NOTHING, Id, Page, page_of
from tallystick.api.wire import Ask, Operation
from tallystick.domain import overviews, payments, refunds, sending
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.invoices.invoice import Invoice
from tallystick.domain.listing import Filter
from tallystick.domain.overviews.payments import PaymentSeen, one, page
from tallystick.domain.payments import Payment


class PaidInvoice(Struct, gc=False):
    id: int
    formatted_id: str


class PaymentRefund(Struct, gc=False):
    """What was returned; of several, the last one with the sum of all."""

    has_refund: YesNo = "no"
    id: int | None = None
    amount: str | None = None
    date: str | None = None
    notes: str | None = None


class PaymentJson(Struct, gc=False):
    id: int
    status: Literal["paid", "refunded"]
    amount: str
    date: date
    gateway: str
    transaction_id: str | None
    notes: str | None
    invoice: PaidInvoice
    client: Named
    project_id: int | None
    creator_id: int
    dates: Booked
    refund: PaymentRefund
    tags: list[str]


class PaymentChange(Struct):
    payment_amount: Amount | UnsetType = UNSET
    payment_date: date | UnsetType = UNSET
    payment_gateway: Name | UnsetType = UNSET
    payment_transaction_id: Title | UnsetType | None = UNSET
    payment_notes: str | UnsetType | None = UNSET


class PaymentFields(PaymentChange):
    payment_invoiceid: Whole | UnsetType = UNSET
    send_payment_email: Annotated[Flag | UnsetType | None, Meta(description="`yes` thanks the client by mail.")] = UNSET


def list_payments(ctx: Context, ask: Ask) -> Page:
    if NOTHING in ask.query:
        return Page([], 0)
    filters = {domain: ask.query.get(wire) for wire, domain in _FILTERS.items()}
    rows, total = page(ctx, filters, **page_of(ask.query))
    return Page([_shown(row) for row in rows], total)


def get_payment(ctx: Context, ask: Ask) -> Struct:
    return _shown(one(ctx, int(ask.id)))


def create_payment(ctx: Context, ask: Ask) -> Struct:
    invoice_id = reference(ctx, Invoice, ask.facts["payment_invoiceid"], "payment_invoiceid")
    with in_terms_of(_NAMES):
        made, _ = payments.record(ctx, invoice_id, **told(ask.facts, _PLAIN))
    if ask.facts.get("send_payment_email"):
        sending.thank(ctx, made.id)
    return _shown(one(ctx, made.id))


def update_payment(ctx: Context, ask: Ask) -> Struct:
    with in_terms_of(_NAMES):
        changed = payments.change(ctx, _id(ctx, ask), **told(ask.facts, _PLAIN))
    return _shown(one(ctx, changed.id))


def delete_payment(ctx: Context, ask: Ask) -> Id:
    payment = ctx.find(Payment, _id(ctx, ask))
    payments.delete(ctx, payment.invoice_id, payment.id)
    return Id(int(ask.id))


def set_payment_tags(ctx: Context, ask: Ask) -> Struct:
    changed = payments.change(ctx, _id(ctx, ask), tags=ask.facts.get("tags") or [])
    return _shown(one(ctx, changed.id))


def refund_payment(ctx: Context, ask: Ask) -> Struct:
    return _shown(one(ctx, returned(ctx, _id(ctx, ask), ask.facts).payment_id))


def delete_payment_refund(ctx: Context, ask: Ask) -> Struct:
    payment = ctx.find(Payment, _id(ctx, ask))
    refunds.take_back(ctx, payment.invoice_id, payment.id)
    return _shown(one(ctx, payment.id))


def _id(ctx: Context, ask: Ask) -> str:
    return overviews.id_of(ctx, Payment, int(ask.id))


def _check_amount(given: dict[str, Any]) -> None:
    if given["payment_amount"] == 0:
        raise laravel.wrong("payment_amount", "must be greater than 0.")


def _shown(row: PaymentSeen) -> PaymentJson:
    return PaymentJson(
        row.serial,
        "refunded" if row.status == "refunded" else "paid",
        money(row.amount),
        row.paid_on,
        row.gateway,
        row.transaction_id,
        row.note,
        PaidInvoice(row.invoice, row.invoice_number),
        Named(row.client, row.client_name),
        row.project,
        row.creator,
        Booked(row.paid_on, stamp(row.created_at)),
        _refund(row),
        row.tags,
    )


def _refund(row: PaymentSeen) -> PaymentRefund:
    if row.refund is None:
        return PaymentRefund()
    day = None if row.refunded_on is None else row.refunded_on.isoformat()
    return PaymentRefund("yes", row.refund, money(row.amount_refunded), day, row.refund_note)


_PLAIN: Final = {
    "payment_amount": "amount",
    "payment_date": "paid_on",
    "payment_gateway": "gateway",
    "payment_transaction_id": "transaction_id",
    "payment_notes": "note",
}
_NAMES: Final = {domain: wire for wire, domain in _PLAIN.items()}
_FILTERS: Final = {
    "invoice_id": "invoice",
    "client_id": "client",
    "project_id": "project",
    "gateway": "gateway",
    "amount_min": "amount_min",
    "amount_max": "amount_max",
    "date_start": "date_from",
    "date_end": "date_to",
    "search": "search",
    "tags": "tags",
}
_NONE: Final[Any] = None
_PARAMETERS: Final = {
    **dict.fromkeys(("invoice_id", "client_id", "project_id"), Filter("number", _NONE)),
    "gateway": Filter("text", _NONE),
    "amount_min": Filter("least", _NONE),
    "amount_max": Filter("most", _NONE),
    "date_start": Filter("day", _NONE, about="The first day, YYYY-MM-DD."),
    "date_end": Filter("day", _NONE, about="The last day, YYYY-MM-DD; it is included."),
    "search": Filter("text", _NONE, about="A part of the transaction, the notes or the invoice's number."),
    "tags": Filter("texts", _NONE, about="At least one of these."),
}
_SORTS: Final = {"payment_created": "created_at", "payment_date": "paid_on", "payment_amount": "amount"}
_TAG: Final = "Payments"

OPERATIONS = (
    Operation(
        "listPayments", "GET", "/payments", list_payments, "List and search payments", Permission.READ_INVOICES,
        PaymentJson, parameters=_PARAMETERS, sorts=_SORTS, message="Payments retrieved successfully.", tag=_TAG,
    ),
    Operation(
        "createPayment", "POST", "/payments", create_payment, "Record a payment of an issued invoice",
        Permission.RECORD_PAYMENTS, PaymentJson, status=201, body=PaymentFields,
        required=("payment_invoiceid", "payment_amount", "payment_date"), check=_check_amount,
        conflicts="The invoice is a draft, cancelled or written off.", message="Payment created successfully.",
        tag=_TAG,
    ),
    Operation(
        "getPayment", "GET", "/payments/{id}", get_payment, "Get a payment", Permission.READ_INVOICES, PaymentJson,
        message="Payment retrieved successfully.", tag=_TAG,
    ),
    Operation(
        "updatePayment", "PATCH", "/payments/{id}", update_payment, "Correct a payment; its invoice follows",
        Permission.RECORD_PAYMENTS, PaymentJson, body=PaymentChange, required=("payment_amount", "payment_date"),
        check=_check_amount, conflicts="Its amount does not change: something of it was returned, or it is credit.",
        message="Payment updated successfully.", tag=_TAG,
    ),
    Operation(
        "deletePayment", "DELETE", "/payments/{id}", delete_payment, "Delete a payment; its invoice follows",
        Permission.RECORD_PAYMENTS, Id, conflicts="The client spent what of it was credit.",
        message="Payment deleted successfully.", tag=_TAG,
    ),
    Operation(
        "setPaymentTags", "PUT", "/payments/{id}/tags", set_payment_tags, "Set the tags of a payment: exactly these",
        Permission.RECORD_PAYMENTS, PaymentJson, body=TagsField, message="Payment tags updated successfully.",
        tag=_TAG,
    ),
    Operation(
        "refundPayment", "POST", "/payments/{id}/refund", refund_payment, "Record that a payment was returned",
        Permission.RECORD_PAYMENTS, PaymentJson, status=201, body=RefundChange, required=("refund_date",),
        conflicts=REFUNDED, message="Payment refunded successfully.", tag=_TAG,
    ),
    Operation(
        "deletePaymentRefund", "DELETE", "/payments/{id}/refund", delete_payment_refund,
        "Delete what was recorded as returned of a payment; its invoice follows", Permission.RECORD_PAYMENTS,
        PaymentJson, conflicts=OPEN_NO_MORE, message="Payment refund deleted successfully.", tag=_TAG,
    ),
)  # fmt: skip
