"""Papers: from the rows of a credit note to the facts that its PDF and its XML are made from."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.credit_notes import credit_note as credit_notes
from tallystick.domain.credit_notes.credit_note import CreditNote, CreditNoteLine
from tallystick.domain.invoices import conformity, issued, papers
from tallystick.domain.invoices.appendix import Named, stem
from tallystick.domain.invoices.invoice import Invoice
from tallystick.values.document import Discount, Document, Line


def of_credit_note(ctx: Context, credit_note_id: str) -> Document:
    """All that a credit note says: the invoice's own words, for as much of it as is taken back."""
    ctx.require(Permission.READ_INVOICES)
    note = ctx.find(CreditNote, credit_note_id)
    invoice = _invoice(ctx, note)
    lines = {line.id: line for line in invoice.lines}
    shares = {(tax.category, tax.rate): tax for tax in credit_notes.taxes(ctx, note.id)}
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
        lines=[
            _line(number, lines[line.line_id], line)
            for number, line in enumerate(credit_notes.lines(ctx, note.id), 1)
        ],
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
        payment=None,
    )  # fmt: skip


def pdf(ctx: Context, credit_note_id: str) -> Named:
    """The credit note on paper, as it was issued."""
    document = of_credit_note(ctx, credit_note_id)
    kept, renderer = issued.issued_as(ctx, document.number), ctx.server.renderer
    content = None if kept is None else kept.pdf
    return Named(f"{stem(document.number)}.pdf", "application/pdf", lambda: content or renderer.pdf(document))


def xml(ctx: Context, credit_note_id: str) -> Named:
    """The credit note as data: as it was issued, else EN 16931 in CII."""
    document = of_credit_note(ctx, credit_note_id)
    kept, renderer = issued.issued_as(ctx, document.number), ctx.server.renderer
    content = None if kept is None else kept.xml
    return Named(
        f"{stem(document.number)}.xml", "application/xml", lambda: content or renderer.xml(document, conformity.USUAL)
    )


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
