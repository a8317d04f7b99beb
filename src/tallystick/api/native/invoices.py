"""Invoices and payments on the wire (contract hoursmith 2.9 for reading; making and collecting them is ours)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from tallystick.api.fields import Money, Percent, Quantity, Uuid
from tallystick.api.native.views import View
from tallystick.api.native.wire import camel, lists, read_only
from tallystick.api.wire import Ask, File, Nothing, Operation, file_name
from tallystick.domain import explanations, payments, refunds
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.invoices import appendix, balance, conformity, draft, invoice, lifecycle
from tallystick.domain.invoices.draft import CustomLine, Draft
from tallystick.domain.invoices.invoice import Invoice, InvoiceLine, InvoiceTax, LineKind, PaymentStatus, Status
from tallystick.domain.invoices.totals import Discount
from tallystick.domain.listing import Filter
from tallystick.domain.payments import Overpayment, Payment, Refund
from tallystick.domain.tax_rates import Said
from tallystick.values.document import PROFILES
from tallystick.values.errors import Invalid
from tallystick.values.tax import TaxCategory, reason_of

Text = Annotated[str, Meta(max_length=10_000)]
Line = Annotated[str, Meta(max_length=200)]
Description = Annotated[str, Meta(min_length=1, max_length=2_000)]
Unit = Annotated[str, Meta(max_length=40)]
Reason = Annotated[str, Meta(max_length=500)]


class InvoiceJson(Struct, rename="camel", gc=False):
    id: str
    org_id: str
    client_id: str
    number: str
    status: Status
    payment_status: PaymentStatus
    subtotal: str
    discount_amount: str
    tax_rate: str | None
    total: str
    amount_paid: str
    currency: str
    notes: str | None
    bill_to_name: str | None
    issue_date: date
    due_date: date | None
    sent_at: datetime | None
    paid_at: datetime | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    tax_amount: str
    po_number: str | None
    tax_category: TaxCategory | None
    prices_include_tax: bool
    discount_percent: str | None
    gross_discount: str | None
    default_tax_category: TaxCategory
    default_tax_rate: str | None
    default_tax_reason: str | None
    amount_credited: str
    amount_refunded: str
    amount_written_off: str
    balance: str
    written_off_at: datetime | None
    write_off_reason: str | None
    attach_timesheet: bool
    attach_receipts: bool
    receipt_ids: list[str]


class LineJson(Struct, rename="camel", gc=False):
    id: str
    kind: LineKind
    description: str
    quantity: str
    unit: str
    rate: str
    total: str
    project_id: str | None
    task_id: str | None
    entry_ids: tuple[str, ...]
    expense_ids: tuple[str, ...]
    heading: str | None
    discount_percent: str | None
    discount_amount: str
    tax_category: TaxCategory
    tax_rate: str | None
    tax_reason: str | None
    tax_rate_id: str | None
    gross_discount: str | None
    gross_total: str | None


class TaxJson(Struct, rename="camel", gc=False):
    category: TaxCategory
    rate: str | None
    reason: str | None
    reason_code: str | None
    subtotal: str
    discount: str
    basis: str
    amount: str


class StepJson(Struct, rename="camel", gc=False):
    """One figure, how it is made, and the figures it is made from."""

    what: explanations.What
    text: str
    value: str | None
    unit: str | None
    resource: str | None
    resource_id: str | None
    steps: list[StepJson]


class Warned(Struct, rename="camel", gc=False):
    code: str
    message: str
    entry_ids: tuple[str, ...] = ()
    expense_ids: tuple[str, ...] = ()


class DraftJson(InvoiceJson, rename="camel", gc=False):
    """An invoice as just made or changed: with its lines, and what the person who drafts should know."""

    lines: list[LineJson] = []
    taxes: list[TaxJson] = []
    warnings: list[Warned] = []


class PaymentJson(Struct, rename="camel", gc=False):
    id: str
    org_id: str
    invoice_id: str
    amount: str
    currency: str
    paid_on: date
    note: str | None
    created_at: datetime
    status: Literal["paid", "refunded"]
    amount_refunded: str
    surplus: str
    fee: str | None
    from_credit: bool


class RefundJson(Struct, rename="camel", gc=False):
    id: str
    org_id: str
    payment_id: str
    invoice_id: str
    amount: str
    from_credit: str
    currency: str
    refunded_on: date
    note: str | None
    created_at: datetime


class DiscountFields(Struct, forbid_unknown_fields=True):
    amount: Money | None = None
    percent: Percent | None = None


class LineFields(Struct, rename="camel", forbid_unknown_fields=True):
    description: Description
    quantity: Quantity
    rate: Money
    unit: Unit | None = None
    project_id: Uuid | None = None
    heading: Line | None = None
    discount: DiscountFields | None = None
    tax_rate: Percent | UnsetType | None = UNSET
    tax_category: TaxCategory | None = None
    tax_reason: Reason | None = None
    tax_rate_id: Uuid | None = None


class LineChange(Struct, rename="camel"):
    description: Description | UnsetType = UNSET
    quantity: Quantity | UnsetType = UNSET
    rate: Money | UnsetType = UNSET
    unit: Unit | UnsetType | None = UNSET
    project_id: Uuid | UnsetType | None = UNSET
    heading: Line | UnsetType | None = UNSET
    discount: DiscountFields | UnsetType | None = UNSET
    tax_rate: Percent | UnsetType | None = UNSET
    tax_category: TaxCategory | UnsetType | None = UNSET
    tax_reason: Reason | UnsetType | None = UNSET
    tax_rate_id: Uuid | UnsetType | None = UNSET
    tax_as_usual: bool | UnsetType = UNSET


class Grouping(str):
    """How work becomes lines; words and case are forgiven: `by project and task` is PROJECT_TASK."""

    __slots__ = ()

    @classmethod
    def read(cls, given: object) -> Grouping:
        """The grouping, or ValueError with the known ones."""
        if isinstance(given, str) and len(given) <= 40:
            words = given.upper().replace("&", " ").replace("-", " ").replace("_", " ").split()
            name = "_".join(word for word in words if word not in ("BY", "AND"))
            if name in invoice.GROUPINGS:
                return cls(name)
        raise ValueError(f"must be one of {', '.join(invoice.GROUPINGS)}")

    @classmethod
    def schema(cls) -> dict[str, Any]:
        """Its JSON Schema."""
        return {"type": "string", "enum": list(invoice.GROUPINGS)}


def _invoice_names(name: str) -> str:
    return {"date_from": "from", "date_to": "to"}.get(name, camel(name))


class InvoiceFields(Struct, rename=_invoice_names):
    client_id: Uuid | UnsetType = UNSET
    date_from: date | UnsetType | None = UNSET
    date_to: date | UnsetType | None = UNSET
    project_ids: Annotated[list[Uuid], Meta(max_length=200)] | UnsetType | None = UNSET
    grouping: Grouping | UnsetType | None = UNSET
    include_expenses: bool | UnsetType = UNSET
    include_milestones: bool | UnsetType = UNSET
    include_fees: bool | UnsetType = UNSET
    lines: Annotated[list[LineFields], Meta(max_length=500)] | UnsetType = UNSET
    discount: DiscountFields | UnsetType | None = UNSET
    tax_rate: Percent | UnsetType | None = UNSET
    tax_category: TaxCategory | UnsetType | None = UNSET
    tax_reason: Reason | UnsetType | None = UNSET
    tax_rate_id: Uuid | UnsetType | None = UNSET
    prices_include_tax: bool | UnsetType | None = UNSET
    notes: Text | UnsetType | None = UNSET
    issue_date: date | UnsetType | None = UNSET
    due_date: date | UnsetType | None = UNSET
    po_number: Line | UnsetType | None = UNSET
    attach_timesheet: bool | UnsetType = UNSET
    attach_receipts: bool | UnsetType = UNSET
    receipt_ids: Annotated[list[Uuid], Meta(max_length=500)] | UnsetType | None = UNSET


class PaymentFields(Struct, rename="camel"):
    amount: Money | UnsetType = UNSET
    paid_on: date | UnsetType = UNSET
    note: Annotated[str, Meta(max_length=2_000)] | UnsetType | None = UNSET
    fee: Money | UnsetType | None = UNSET
    overpayment: Overpayment | UnsetType | None = UNSET


class ApplyCreditFields(Struct, rename="camel"):
    amount: Money | UnsetType | None = UNSET


class RefundFields(Struct, rename="camel"):
    amount: Money | UnsetType | None = UNSET
    refunded_on: date | UnsetType = UNSET
    note: Annotated[str, Meta(max_length=2_000)] | UnsetType | None = UNSET


class InvoiceWriteOffFields(Struct, rename="camel"):
    reason: Annotated[str, Meta(min_length=1, max_length=2_000)] | UnsetType = UNSET


INVOICE = View(Invoice, InvoiceJson)
LINE = View(InvoiceLine, LineJson)
TAX = View(InvoiceTax, TaxJson)
PAYMENT = View(Payment, PaymentJson)
REFUND = View(Refund, RefundJson)
_READ_ONLY = read_only(DraftJson, InvoiceFields)
_OF_LINE = read_only(DraftJson, LineChange)


def get_invoice(ctx: Context, ask: Ask) -> Struct:
    return INVOICE.one(ctx.actor, invoice.read(ctx, ask.id))


def list_lines(ctx: Context, ask: Ask) -> list[Struct]:
    return [LINE.one(ctx.actor, line) for line in invoice.lines_of(ctx, ask.id)]


def get_pdf(ctx: Context, ask: Ask) -> File:
    return File(*appendix.pdf(ctx, ask.id), inline=True)


def get_timesheet(ctx: Context, ask: Ask) -> File:
    wanted = ask.query.get("format", "pdf")
    made = appendix.timesheet_csv(ctx, ask.id) if wanted == "csv" else appendix.timesheet_pdf(ctx, ask.id)
    return File(*made, inline=wanted == "pdf")


def get_documents(ctx: Context, ask: Ask) -> File:
    return File(*appendix.bundle(ctx, ask.id))


def get_xml(ctx: Context, ask: Ask) -> File:
    data = conformity.xml(ctx, ask.id, ask.query.get("format"))
    return File(file_name(data.number, "xml"), "application/xml", data.make)


def list_taxes(ctx: Context, ask: Ask) -> list[Struct]:
    return _taxes(ctx, invoice.taxes_of(ctx, ask.id))


def update_line(ctx: Context, ask: Ask) -> Struct:
    return _draft_json(ctx, draft.change_line(ctx, ask.id, ask.ids["lineId"], **_words(ask.facts)))


def explain_invoice(ctx: Context, ask: Ask) -> Struct:
    return step_json(explanations.of_invoice(ctx, ask.id))


def step_json(step: explanations.Step) -> StepJson:
    """A figure with all that it is made from."""
    return StepJson(
        step.what, step.text, step.value, step.unit, step.resource, step.resource_id,
        [step_json(one) for one in step.steps],
    )  # fmt: skip


def create_invoice(ctx: Context, ask: Ask) -> Struct:
    given = {name: value for name, value in _words(ask.facts).items() if value is not None}
    return _draft_json(ctx, draft.draft(ctx, **given))


def update_invoice(ctx: Context, ask: Ask) -> Struct:
    return _draft_json(ctx, draft.change(ctx, ask.id, **_words(ask.facts)))


def delete_invoice(ctx: Context, ask: Ask) -> None:
    draft.delete(ctx, ask.id)


def duplicate_invoice(ctx: Context, ask: Ask) -> Struct:
    return _draft_json(ctx, draft.duplicate(ctx, ask.id))


def mark_sent(ctx: Context, ask: Ask) -> Struct:
    return INVOICE.one(ctx.actor, lifecycle.mark_sent(ctx, ask.id))


def mark_paid(ctx: Context, ask: Ask) -> Struct:
    return INVOICE.one(ctx.actor, lifecycle.mark_paid(ctx, ask.id))


def cancel_invoice(ctx: Context, ask: Ask) -> Struct:
    return INVOICE.one(ctx.actor, lifecycle.cancel(ctx, ask.id))


def restore_invoice(ctx: Context, ask: Ask) -> Struct:
    return _draft_json(ctx, lifecycle.restore(ctx, ask.id))


def list_payments(ctx: Context, ask: Ask) -> list[Struct]:
    return [PAYMENT.one(ctx.actor, payment) for payment in payments.of_invoice(ctx, ask.id)]


def create_payment(ctx: Context, ask: Ask) -> Struct:
    payment, _ = payments.record(ctx, ask.id, **ask.facts)
    return PAYMENT.one(ctx.actor, payment)


def delete_payment(ctx: Context, ask: Ask) -> None:
    payments.delete(ctx, ask.id, ask.ids["paymentId"])


def apply_credit(ctx: Context, ask: Ask) -> Struct:
    payment, _ = payments.apply_credit(ctx, ask.id, **ask.facts)
    return PAYMENT.one(ctx.actor, payment)


def list_refunds(ctx: Context, ask: Ask) -> list[Struct]:
    return [REFUND.one(ctx.actor, refund) for refund in refunds.of_invoice(ctx, ask.id)]


def create_refund(ctx: Context, ask: Ask) -> Struct:
    refund, _, _ = refunds.record(ctx, ask.id, ask.ids["paymentId"], **ask.facts)
    return REFUND.one(ctx.actor, refund)


def delete_refund(ctx: Context, ask: Ask) -> None:
    refunds.delete(ctx, ask.id, ask.ids["paymentId"], ask.ids["refundId"])


def write_off(ctx: Context, ask: Ask) -> Struct:
    return INVOICE.one(ctx.actor, balance.write_off(ctx, ask.id, **ask.facts))


def take_write_off_back(ctx: Context, ask: Ask) -> Struct:
    return INVOICE.one(ctx.actor, balance.expect_again(ctx, ask.id))


def check_discount(facts: dict[str, Any]) -> None:
    """A discount is one of its two kinds."""
    discount: DiscountFields | None = facts.get("discount")
    if discount is not None and (discount.amount is None) == (discount.percent is None):
        raise Invalid(fields={"discount": "either an amount or a percent"})


def custom_line(line: LineFields) -> CustomLine:
    """A line of a body in the domain's words."""
    return CustomLine(
        description=line.description,
        quantity=line.quantity,
        rate=line.rate,
        unit=line.unit,
        project_id=line.project_id,
        heading=line.heading,
        discount=_discount(line.discount),
        tax=Said(line.tax_rate, line.tax_category, UNSET if line.tax_reason is None else line.tax_reason,
                 line.tax_rate_id),
    )  # fmt: skip


def _discount(discount: DiscountFields | None) -> Discount | None:
    return None if discount is None else Discount(amount=discount.amount, percent=discount.percent)


def _words(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts of a body in the domain's words."""
    said = dict(facts)
    if said.get("lines") is not None:
        said["lines"] = tuple(custom_line(line) for line in said["lines"])
    if "discount" in said:
        said["discount"] = _discount(said["discount"])
    return said


def _draft_json(ctx: Context, made: Draft) -> Struct:
    shown = INVOICE.one(ctx.actor, made.invoice)
    return DraftJson(
        **{name: getattr(shown, name) for name in InvoiceJson.__struct_fields__},
        lines=[LINE.one(ctx.actor, line) for line in made.lines],  # type: ignore[misc]
        taxes=_taxes(ctx, invoice.taxes_of(ctx, made.invoice.id)),  # type: ignore[arg-type]
        warnings=[Warned(one.code, one.message, one.entry_ids, one.expense_ids) for one in made.warnings],
    )


def _taxes(ctx: Context, taxes: list[InvoiceTax]) -> list[Struct]:
    """Each with its reason, the usual one in English."""
    shown = [TAX.one(ctx.actor, tax) for tax in taxes]
    for one in shown:
        if isinstance(one, TaxJson):
            one.reason = one.reason or reason_of(one.category, "en")
    return shown


_NO_CLAUSE: Any = None
FORMAT = Filter("choice", _NO_CLAUSE, choices=PROFILES, about="The profile; none said: the client's, else cii.")
_ONLY_DRAFTS = "Only Draft invoices can be edited or deleted."

OPERATIONS = (
    Operation(
        "listInvoices", "GET", "/invoices", lists(invoice.INVOICES, INVOICE), "List invoices",
        Permission.READ_INVOICES, InvoiceJson, listing=invoice.INVOICES, tag="Invoices",
    ),
    Operation(
        "createInvoice", "POST", "/invoices", create_invoice, "Draft an invoice from unbilled work",
        Permission.CHANGE_INVOICES, DraftJson, status=201, body=InvoiceFields, required=("client_id",),
        read_only=_READ_ONLY, check=check_discount, tag="Invoices",
    ),
    Operation(
        "getInvoice", "GET", "/invoices/{id}", get_invoice, "Get an invoice",
        Permission.READ_INVOICES, InvoiceJson, tag="Invoices",
    ),
    Operation(
        "updateInvoice", "PATCH", "/invoices/{id}", update_invoice, "Change a draft",
        Permission.CHANGE_INVOICES, DraftJson, body=InvoiceFields, read_only=_READ_ONLY, check=check_discount,
        conflicts=_ONLY_DRAFTS, tag="Invoices",
    ),
    Operation(
        "deleteInvoice", "DELETE", "/invoices/{id}", delete_invoice, "Delete a draft; its work is free again",
        Permission.CHANGE_INVOICES, status=204, body=Nothing, conflicts=_ONLY_DRAFTS, tag="Invoices",
    ),
    Operation(
        "listInvoiceLines", "GET", "/invoices/{id}/lines", list_lines, "The lines of an invoice",
        Permission.READ_INVOICES, LineJson, many=True, tag="Invoices",
    ),
    Operation(
        "getInvoicePdf", "GET", "/invoices/{id}/pdf", get_pdf, "The invoice as PDF",
        Permission.READ_INVOICES, file=("application/pdf",), tag="Invoices",
    ),
    Operation(
        "getInvoiceTimesheet", "GET", "/invoices/{id}/timesheet", get_timesheet, "The hours behind an invoice",
        Permission.READ_INVOICES, file=("application/pdf", "text/csv"),
        parameters={"format": Filter("choice", _NO_CLAUSE, choices=("pdf", "csv"), about="pdf unless told.")},
        tag="Invoices",
    ),
    Operation(
        "getInvoiceDocuments", "GET", "/invoices/{id}/documents.zip", get_documents,
        "The invoice, its timesheet and its receipts as one zip", Permission.READ_INVOICES,
        file=("application/zip",), tag="Invoices",
    ),
    Operation(
        "getInvoiceXml", "GET", "/invoices/{id}/xml", get_xml, "An invoice as data (EN 16931)",
        Permission.READ_INVOICES, parameters={"format": FORMAT}, file=("application/xml",), tag="Invoices",
    ),
    Operation(
        "updateInvoiceLine", "PATCH", "/invoices/{id}/lines/{lineId}", update_line, "Change a line of a draft",
        Permission.CHANGE_INVOICES, DraftJson, body=LineChange, read_only=_OF_LINE, check=check_discount,
        conflicts=_ONLY_DRAFTS, tag="Invoices",
    ),
    Operation(
        "listInvoiceTaxes", "GET", "/invoices/{id}/taxes", list_taxes,
        "The taxes of an invoice, one for each category and rate", Permission.READ_INVOICES, TaxJson, many=True,
        tag="Invoices",
    ),
    Operation(
        "explainInvoice", "GET", "/invoices/{id}/explain", explain_invoice,
        "Where each figure of an invoice comes from", Permission.READ_INVOICES, StepJson, tag="Invoices",
    ),
    Operation(
        "markInvoiceSent", "POST", "/invoices/{id}/mark-sent", mark_sent,
        "Issue a draft: it gets its number, and from now on it cannot change", Permission.CHANGE_INVOICES, InvoiceJson,
        body=Nothing, conflicts="The invoice is not a draft.", tag="Invoices",
    ),
    Operation(
        "markInvoicePaid", "POST", "/invoices/{id}/mark-paid", mark_paid,
        "Settle a sent invoice without recording a payment", Permission.CHANGE_INVOICES, InvoiceJson, body=Nothing,
        conflicts="The invoice is not sent, or is paid.", tag="Invoices",
    ),
    Operation(
        "cancelInvoice", "POST", "/invoices/{id}/cancel", cancel_invoice,
        "Cancel an invoice: its work is free again, its number stays used", Permission.CHANGE_INVOICES, InvoiceJson,
        body=Nothing, conflicts="The invoice is paid or has payments.", tag="Invoices",
    ),
    Operation(
        "restoreInvoice", "POST", "/invoices/{id}/restore", restore_invoice,
        "Make a cancelled invoice a draft again", Permission.CHANGE_INVOICES, DraftJson, body=Nothing,
        conflicts="The invoice is not cancelled.", tag="Invoices",
    ),
    Operation(
        "duplicateInvoice", "POST", "/invoices/{id}/duplicate", duplicate_invoice,
        "A new draft with the same lines", Permission.CHANGE_INVOICES, DraftJson, status=201, body=Nothing,
        tag="Invoices",
    ),
    Operation(
        "listInvoicePayments", "GET", "/invoices/{id}/payments", list_payments, "The payments of an invoice",
        Permission.READ_INVOICES, PaymentJson, many=True, tag="Payments",
    ),
    Operation(
        "createInvoicePayment", "POST", "/invoices/{id}/payments", create_payment, "Record a payment",
        Permission.RECORD_PAYMENTS, PaymentJson, status=201, body=PaymentFields, required=("amount", "paid_on"),
        read_only=read_only(PaymentJson, PaymentFields), conflicts="The invoice is a draft, cancelled or written off.",
        tag="Payments",
    ),
    Operation(
        "deleteInvoicePayment", "DELETE", "/invoices/{id}/payments/{paymentId}", delete_payment,
        "Delete a payment recorded by mistake", Permission.RECORD_PAYMENTS, status=204, body=Nothing,
        conflicts="What became the client's credit was spent.", tag="Payments",
    ),
    Operation(
        "applyClientCredit", "POST", "/invoices/{id}/apply-credit", apply_credit,
        "Pay an invoice with the client's credit", Permission.RECORD_PAYMENTS, PaymentJson, status=201,
        body=ApplyCreditFields, read_only=read_only(PaymentJson, ApplyCreditFields),
        conflicts="The invoice is not sent, or is written off.", tag="Payments",
    ),
    Operation(
        "listInvoiceRefunds", "GET", "/invoices/{id}/refunds", list_refunds, "The refunds of an invoice",
        Permission.READ_INVOICES, RefundJson, many=True, tag="Payments",
    ),
    Operation(
        "refundInvoicePayment", "POST", "/invoices/{id}/payments/{paymentId}/refund", create_refund,
        "Record money returned of a payment", Permission.RECORD_PAYMENTS, RefundJson, status=201, body=RefundFields,
        required=("refunded_on",), read_only=read_only(RefundJson, RefundFields),
        conflicts="All of it is returned, or was the client's credit.", tag="Payments",
    ),
    Operation(
        "deleteInvoiceRefund", "DELETE", "/invoices/{id}/payments/{paymentId}/refunds/{refundId}", delete_refund,
        "Delete a refund recorded by mistake", Permission.RECORD_PAYMENTS, status=204, body=Nothing,
        conflicts="The balance was settled otherwise meanwhile.", tag="Payments",
    ),
    Operation(
        "writeInvoiceOff", "POST", "/invoices/{id}/write-off", write_off,
        "Wait no longer for what is open of an invoice", Permission.RECORD_PAYMENTS, InvoiceJson,
        body=InvoiceWriteOffFields, required=("reason",), read_only=read_only(InvoiceJson, InvoiceWriteOffFields),
        conflicts="The invoice is not sent, or nothing of it is open.", tag="Invoices",
    ),
    Operation(
        "takeWriteOffBack", "DELETE", "/invoices/{id}/write-off", take_write_off_back,
        "Take a write-off back: the rest is open again", Permission.RECORD_PAYMENTS, InvoiceJson, body=Nothing,
        conflicts="Nothing of it is written off.", tag="Invoices",
    ),
)  # fmt: skip
