"""Crediting an invoice: all that is left of it, or amounts of its lines, never more than is left of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from msgspec.structs import replace
from sqlalchemy import text

from tallystick.db.session import Prepared
from tallystick.domain.access import Permission
from tallystick.domain.client_credit import book, given_by
from tallystick.domain.clients import Client
from tallystick.domain.context import SENTENCES, Context
from tallystick.domain.credit_notes import papers
from tallystick.domain.credit_notes.credit_note import CreditNote, CreditNoteLine, CreditNoteTax
from tallystick.domain.credit_notes.shares import NOTHING, Credited, Group, credited
from tallystick.domain.invoices import conformity, series, work
from tallystick.domain.invoices import invoice as invoices
from tallystick.domain.invoices.balance import check_not_written_off, stand
from tallystick.domain.invoices.invoice import Invoice, InvoiceLine, InvoiceTax
from tallystick.domain.invoices.issued import freeze
from tallystick.domain.invoices.totals import check_decimals
from tallystick.domain.workspaces import current
from tallystick.values.duration import local_date
from tallystick.values.errors import Absent, Conflict, Invalid
from tallystick.values.ids import new_id
from tallystick.values.money import minor_unit, round_money


class CreditLine(NamedTuple):
    """What to take back of a line of the invoice; no amount: all that is left of it.

    The amount is as the prices are: net, or with the tax where they include it.
    """

    line_id: str
    amount: Decimal | None = None


def credit(
    ctx: Context, invoice_id: str, *, reason: str, lines: Sequence[CreditLine] | None = None
) -> tuple[CreditNote, Invoice]:
    """Credit an issued invoice; no lines: all that is left of it.

    It lowers the balance; what was paid already becomes the client's credit. Credited in full, an unpaid invoice is
    cancelled, a paid one stays paid, and the work on it can be billed again (docs/invoices.md).
    """
    ctx.require(Permission.CHANGE_INVOICES)
    if not reason.strip():
        raise Invalid(fields={"reason": "required"})
    invoice = ctx.find(Invoice, invoice_id, lock="update")  # credit notes, payments and refunds queue up here
    if invoice.status not in ("SENT", "PAID"):
        raise Conflict(f"{invoice.status.title()} invoices are not credited", reason="invoice_state")
    check_not_written_off(invoice)
    of_invoice = invoices.lines(ctx, invoice.id)
    wanted = _wanted(invoice, of_invoice, lines)
    groups = _credited(ctx, invoice, of_invoice, wanted)
    total = sum((one.basis + one.tax for _, one in groups), NOTHING)
    if total <= 0:
        raise Invalid("There is nothing to credit: it would come to 0.", fields={"lines": "come to 0"})
    applied = min(total, invoice.balance)
    today = local_date(ctx.now, current(ctx).time_zone)
    note = CreditNote(
        id=new_id(),
        invoice_id=invoice.id,
        client_id=invoice.client_id,
        number=invoices.provisional_number(),
        currency=invoice.currency,
        issue_date=today,
        reason=reason.strip(),
        subtotal=sum((one.subtotal for _, one in groups), NOTHING),
        discount_amount=sum((one.discount for _, one in groups), NOTHING),
        tax_amount=sum((one.tax for _, one in groups), NOTHING),
        total=total,
        applied=applied,
        surplus=total - applied,
    )
    taken, taxes = _lines(note, of_invoice, wanted, groups), _taxes(note, groups)
    said, client = papers.said_by(ctx, note, taken, taxes), ctx.find(Client, note.client_id)
    conformity.gate(ctx, client, lambda: said)
    # From here on others who issue wait for us: the official rules, which take longest, have been asked.
    drawn = series.draw(ctx, "credit_note", today)
    note.number = drawn.number
    ctx.add(note)
    for row in (*taken, *taxes):
        ctx.add(row, later=True)
    for line_id, amount in wanted.items():
        ctx.write(_CREDIT_LINE, id=line_id, amount=amount)
    series.enter(ctx, drawn, credit_note_id=note.id)
    freeze(ctx, replace(said, number=note.number), conformity.profile_of(client), credit_note_id=note.id)
    ctx.record("issued", note)
    of = {"invoice_id": invoice.id, "credit_note_id": note.id}
    book(ctx, invoice.client_id, invoice.currency, note.surplus, "CREDIT_NOTE", **of)
    stand(
        ctx,
        invoice,
        given=given_by(ctx, invoice.id),
        amount_paid=invoice.amount_paid - note.surplus,
        amount_credited=invoice.amount_credited + total,
    )
    if invoice.amount_credited == invoice.total:
        work.release(ctx, invoice)
    return note, invoice


def _wanted(
    invoice: Invoice, of_invoice: Sequence[InvoiceLine], lines: Sequence[CreditLine] | None
) -> dict[str, Decimal]:
    """What to credit of each line, as its prices are, in the order of the invoice."""
    left = {line.id: line.listed - line.credited for line in of_invoice}
    if lines is None:
        wanted = {line_id: amount for line_id, amount in left.items() if amount > 0}
        if not wanted:
            raise Conflict("All of this invoice is credited already.", reason="credited")
        return wanted
    if not lines:
        raise Invalid(fields={"lines": "at least one; leave them out to credit all that is left"})
    named: dict[str, Decimal] = {}
    for number, line in enumerate(lines, 1):
        if line.line_id not in left:
            raise Absent(fields={"lines": f"line {number}: no such line of this invoice"})
        if line.line_id in named:
            raise Invalid(fields={"lines": f"line {number}: is named twice"})
        named[line.line_id] = _amount(invoice, number, left[line.line_id], line.amount)
    return {line_id: named[line_id] for line_id in left if line_id in named}


def _amount(invoice: Invoice, number: int, left: Decimal, amount: Decimal | None) -> Decimal:
    if amount is None:
        if left == 0:
            raise Conflict(f"All of line {number} is credited already.", reason="credited")
        return left
    try:
        check_decimals(amount, "lines", minor_unit(invoice.currency))
    except Invalid as refusal:
        raise Invalid(fields={"lines": f"line {number}: {refusal.fields['lines']}"}) from None
    if amount <= 0:
        raise Invalid(fields={"lines": f"line {number}: must be more than 0"})
    if amount > left:
        there_is = f"{round_money(left, invoice.currency)} {invoice.currency}"
        raise Invalid(fields={"lines": f"line {number}: {amount} is more than what is left of it, {there_is}"})
    return amount


def _credited(
    ctx: Context, invoice: Invoice, of_invoice: Sequence[InvoiceLine], wanted: Mapping[str, Decimal]
) -> list[tuple[InvoiceTax, Credited]]:
    """What goes with it in each tax category of which anything is credited."""
    found: list[tuple[InvoiceTax, Credited]] = []
    for tax in invoices.taxes(ctx, invoice.id):
        lines = [line for line in of_invoice if (line.tax_category, line.tax_rate) == (tax.category, tax.rate)]
        now = {line.id: wanted[line.id] for line in lines if line.id in wanted}
        if not now:
            continue
        group = Group(
            {line.id: line.listed for line in lines}, invoice.prices_include_tax, tax.discount, tax.basis, tax.amount
        )
        before = sum((line.credited for line in lines), NOTHING)
        found.append((tax, credited(group, before, now, invoice.currency)))
    return found


def _lines(
    note: CreditNote,
    of_invoice: Sequence[InvoiceLine],
    wanted: Mapping[str, Decimal],
    groups: Sequence[tuple[InvoiceTax, Credited]],
) -> list[CreditNoteLine]:
    nets = {line_id: net for _, one in groups for line_id, net in one.lines.items()}
    credited_lines = [line for line in of_invoice if line.id in wanted]
    return [
        CreditNoteLine(
            credit_note_id=note.id,
            line_id=line.id,
            position=position,
            description=line.description,
            tax_category=line.tax_category,
            tax_rate=line.tax_rate,
            **_priced(line, wanted[line.id], nets[line.id]),
        )
        for position, line in enumerate(credited_lines, 1)
    ]


def _taxes(note: CreditNote, groups: Sequence[tuple[InvoiceTax, Credited]]) -> list[CreditNoteTax]:
    return [
        CreditNoteTax(
            credit_note_id=note.id,
            position=position,
            category=tax.category,
            rate=tax.rate,
            subtotal=one.subtotal,
            discount=one.discount,
            basis=one.basis,
            amount=one.tax,
        )
        for position, (tax, one) in enumerate(groups, 1)
    ]


def _priced(line: InvoiceLine, listed: Decimal, net: Decimal) -> dict[str, Any]:
    """The whole line as it was; a part of it as an amount."""
    gross = line.gross_total is not None
    if listed == line.listed and net == line.total:
        names = ("quantity", "unit", "rate", "discount_percent", "discount_amount", "gross_discount")
        priced = {name: getattr(line, name) for name in names} | {"whole": True}
    else:
        off = NOTHING if gross else None
        priced = {"quantity": Decimal(1), "unit": PART, "rate": listed, "gross_discount": off, "whole": False}
    return {**priced, "total": net, "gross_total": listed if gross else None}


PART = "amount"
_CREDIT_LINE = Prepared(
    text("UPDATE invoice_lines SET credited = credited + :amount WHERE workspace_id = :workspace AND id = :id")
)

SENTENCES["ck_invoice_lines_credited"] = SENTENCES["ck_invoices_credited"] = Conflict(
    "Somebody credited this invoice at this moment: less is left of it. Look at it again.", reason="try_again"
)
