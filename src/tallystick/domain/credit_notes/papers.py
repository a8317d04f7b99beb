"""Papers: from the rows of a credit note to the facts that its PDF and its XML are made from, and those themselves."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from msgspec.structs import replace

from tallystick.domain.context import Context
from tallystick.domain.credit_notes import credit_note as credit_notes
from tallystick.domain.credit_notes.credit_note import CreditNote, CreditNoteLine, CreditNoteTax
from tallystick.domain.invoices import appendix, conformity, issued, papers
from tallystick.domain.invoices.appendix import Named
from tallystick.domain.invoices.conformity import Data
from tallystick.domain.invoices.invoice import Invoice
from tallystick.domain.invoices.issued import IssuedDocument
from tallystick.values.document import Discount, Document, Line, Payment, Profile


def of_credit_note(ctx: Context, credit_note_id: str) -> Document:
    """What a credit note says."""
    note = credit_notes.read(ctx, credit_note_id)
    return said_by(ctx, note, credit_notes.lines(ctx, note.id), credit_notes.taxes(ctx, note.id))


def said_by(
    ctx: Context, note: CreditNote, taken: Sequence[CreditNoteLine], taxes: Sequence[CreditNoteTax]
) -> Document:
    """All that a credit note of these rows says: the invoice's own words, for as much of it as is taken back."""
    invoice = _invoice(ctx, note)
    lines = {line.id: line for line in invoice.lines}
    shares = {(tax.category, tax.rate): tax for tax in taxes}
    return replace(
        invoice,
        kind="CREDIT_NOTE",
        id=note.id,
        number=note.number,
        draft=False,
        issue_date=note.issue_date,
        due_date=None,
        preceding_number=invoice.number,
        preceding_date=invoice.issue_date,
        reason=note.reason,
        lines=[_line(number, lines[line.line_id], line) for number, line in enumerate(taken, 1)],
        discounts=[
            Discount(
                amount=shares[key].discount, tax_category=one.tax_category, tax_rate=one.tax_rate, reason=one.reason
            )
            for one in invoice.discounts
            if (key := (one.tax_category, one.tax_rate)) in shares and shares[key].discount
        ],
        taxes=[
            replace(tax, basis=shares[key].basis, amount=shares[key].amount)
            for tax in invoice.taxes
            if (key := (tax.category, tax.rate)) in shares
        ],
        subtotal=note.subtotal,
        discount=note.discount_amount,
        net=note.subtotal - note.discount_amount,
        tax=note.tax_amount,
        total=note.total,
        paid=Decimal(0),
        due=note.total,
        notes=None,
        terms=None,
        payment=Payment(reference=invoice.number),  # to no account; XRechnung wants to be told so
    )


def pdf(ctx: Context, credit_note_id: str) -> Named:
    """A credit note on paper, as it was issued."""
    note = credit_notes.read(ctx, credit_note_id)
    return appendix.as_pdf(ctx, note.client_id, *_kept(ctx, note))


def xml(ctx: Context, credit_note_id: str, profile: Profile | None = None) -> Data:
    """A credit note in a profile; none said: the client's, else EN 16931 in CII. What was issued is as it was."""
    note = credit_notes.read(ctx, credit_note_id)
    return conformity.as_data(ctx, note.client_id, *_kept(ctx, note), profile)


def _kept(ctx: Context, note: CreditNote) -> tuple[IssuedDocument | None, Document]:
    kept = issued.issued_as(ctx, note.number)
    return kept, of_credit_note(ctx, note.id) if kept is None else issued.document_of(kept)


def _invoice(ctx: Context, note: CreditNote) -> Document:
    """The invoice as it was issued."""
    kept = issued.issued_as(ctx, ctx.find(Invoice, note.invoice_id).number)
    return papers.of_invoice(ctx, note.invoice_id) if kept is None else issued.document_of(kept)


def _line(number: int, billed: Line, taken: CreditNoteLine) -> Line:
    """The line as it was billed, where all of it is taken back; else an amount of it."""
    if taken.whole:
        return replace(billed, number=number)
    return replace(
        billed,
        number=number,
        quantity=Decimal(1),
        unit=taken.unit,
        unit_code=PIECE,
        price=taken.total,
        discount_percent=None,
        discount_amount=Decimal(0),
        total=taken.total,
        gross_price=taken.gross_total,
        gross_total=taken.gross_total,
    )


PIECE = "C62"
"""UN/ECE Recommendation 20: one."""
