"""Credit notes on the wire; Hoursmith has none."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from tallystick.api.fields import Money, Uuid
from tallystick.api.native.invoices import FORMAT
from tallystick.api.native.views import View
from tallystick.api.native.wire import lists, read_only
from tallystick.api.wire import Ask, File, Operation, file_name
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.credit_notes import credit, credit_note, papers
from tallystick.domain.credit_notes.credit import CreditLine
from tallystick.domain.credit_notes.credit_note import CREDIT_NOTES, CreditNote, CreditNoteLine


class CreditNoteJson(Struct, rename="camel", gc=False):
    id: str
    org_id: str
    invoice_id: str
    client_id: str
    number: str
    issue_date: date
    reason: str
    currency: str
    subtotal: str
    discount_amount: str
    tax_amount: str
    total: str
    applied: str
    surplus: str
    created_at: datetime


class CreditNoteLineJson(Struct, rename="camel", gc=False):
    id: str
    line_id: str
    description: str
    quantity: str
    unit: str
    rate: str
    discount_amount: str
    total: str
    gross_total: str | None
    tax_category: str
    tax_rate: str | None


class CreditLineFields(Struct, rename="camel", forbid_unknown_fields=True):
    line_id: Uuid
    amount: Money | None = None


class CreditFields(Struct, rename="camel"):
    reason: Annotated[str, Meta(min_length=1, max_length=2_000)] | UnsetType = UNSET
    lines: Annotated[list[CreditLineFields], Meta(max_length=500)] | UnsetType | None = UNSET


CREDIT_NOTE = View(CreditNote, CreditNoteJson)
LINE = View(CreditNoteLine, CreditNoteLineJson)


def credit_invoice(ctx: Context, ask: Ask) -> Struct:
    lines: list[CreditLineFields] | None = ask.facts.get("lines")
    wanted = None if lines is None else [CreditLine(line.line_id, line.amount) for line in lines]
    note, _ = credit.credit(ctx, ask.id, reason=ask.facts["reason"], lines=wanted)
    return CREDIT_NOTE.one(ctx.actor, note)


def get_credit_note(ctx: Context, ask: Ask) -> Struct:
    return CREDIT_NOTE.one(ctx.actor, credit_note.read(ctx, ask.id))


def get_pdf(ctx: Context, ask: Ask) -> File:
    return File(*papers.pdf(ctx, ask.id), inline=True)


def get_xml(ctx: Context, ask: Ask) -> File:
    data = papers.xml(ctx, ask.id, ask.query.get("format"))
    return File(file_name(data.number, "xml"), "application/xml", data.make)


def list_lines(ctx: Context, ask: Ask) -> list[Struct]:
    return [LINE.one(ctx.actor, line) for line in credit_note.lines_of(ctx, ask.id)]


OPERATIONS = (
    Operation(
        "creditInvoice", "POST", "/invoices/{id}/credit", credit_invoice,
        "Credit an invoice: all that is left of it, or amounts of its lines", Permission.CHANGE_INVOICES,
        CreditNoteJson, status=201, body=CreditFields, required=("reason",),
        read_only=read_only(CreditNoteJson, CreditFields),
        conflicts="The invoice is not issued, is written off, or all of it is credited.", tag="Credit notes",
    ),
    Operation(
        "listCreditNotes", "GET", "/credit-notes", lists(CREDIT_NOTES, CREDIT_NOTE), "List credit notes",
        Permission.READ_INVOICES, CreditNoteJson, listing=CREDIT_NOTES, tag="Credit notes",
    ),
    Operation(
        "getCreditNote", "GET", "/credit-notes/{id}", get_credit_note, "Get a credit note",
        Permission.READ_INVOICES, CreditNoteJson, tag="Credit notes",
    ),
    Operation(
        "listCreditNoteLines", "GET", "/credit-notes/{id}/lines", list_lines, "The lines of a credit note",
        Permission.READ_INVOICES, CreditNoteLineJson, many=True, tag="Credit notes",
    ),
    Operation(
        "getCreditNotePdf", "GET", "/credit-notes/{id}/pdf", get_pdf, "The credit note as PDF",
        Permission.READ_INVOICES, file=("application/pdf",), tag="Credit notes",
    ),
    Operation(
        "getCreditNoteXml", "GET", "/credit-notes/{id}/xml", get_xml, "A credit note as data (EN 16931)",
        Permission.READ_INVOICES, parameters={"format": FORMAT}, file=("application/xml",), tag="Credit notes",
    ),
)  # fmt: skip
