"""An invoice's life after the draft: sent with a number and a date, paid, cancelled, restored."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from msgspec import UNSET

from tallystick.domain.access import Permission
from tallystick.domain.clients import Client
from tallystick.domain.context import Context
from tallystick.domain.invoices import appendix, conformity, links, papers, series, work
from tallystick.domain.invoices import invoice as invoices
from tallystick.domain.invoices.balance import check_not_written_off
from tallystick.domain.invoices.draft import Draft, rewrite, settle
from tallystick.domain.invoices.invoice import Invoice, InvoiceLine, become, no_such_move
from tallystick.domain.invoices.issued import freeze
from tallystick.domain.invoices.totals import Discount
from tallystick.domain.invoices.work import Picked, Warned
from tallystick.domain.workspaces import current
from tallystick.values.duration import local_date
from tallystick.values.errors import Conflict, Invalid
from tallystick.values.money import decimal_text


def mark_sent(ctx: Context, invoice_id: str) -> Invoice:
    """Give a draft its number and its dates; from now on it cannot change, nor follow its client.

    What it says is made into its PDF, and into XML where the client has a profile of e-invoices, and kept as it is.
    What the official rules of the profile forbid is refused, with each rule, field and remedy.
    """
    ctx.require(Permission.CHANGE_INVOICES)
    invoice = ctx.find(Invoice, invoice_id, lock="update")
    if invoice.status != "DRAFT":  # a paid one is sent again only by the deletion of a payment
        raise no_such_move(invoice, "SENT")
    client = ctx.find(Client, invoice.client_id)
    studio = current(ctx)
    _check_ready(ctx, invoice, client)
    issue_date = invoice.issue_date if invoice.issue_date_given else local_date(ctx.now, studio.time_zone)
    due_date = invoice.due_date or invoices.usual_due_date(client, studio, issue_date)
    invoices.check_due(issue_date, due_date)
    said = {**invoices.bill_to(client), **invoices.issuer(studio)}
    invoices.change(ctx, invoice, issue_date=issue_date, due_date=due_date, **said)
    # From here on others who issue wait for us: the official rules, which take longest, have been asked.
    drawn = series.draw(ctx, "invoice", issue_date)
    series.enter(ctx, drawn, invoice_id=invoice.id)
    become(ctx, invoice, "SENT", number=drawn.number, sent_at=ctx.now)
    document, hours = papers.of_invoice(ctx, invoice.id), appendix.timesheet(ctx, invoice.id)
    freeze(ctx, document, conformity.profile_of(client), hours, invoice_id=invoice.id)
    links.mint(ctx, invoice)
    ctx.record("sent", invoice)
    return invoice


def mark_paid(ctx: Context, invoice_id: str) -> Invoice:
    """Settle what is left of an invoice without a payment record."""
    ctx.require(Permission.CHANGE_INVOICES)
    invoice = ctx.find(Invoice, invoice_id, lock="update")
    check_not_written_off(invoice)
    settled, paid = invoice.settled + invoice.balance, invoice.amount_paid + invoice.balance
    become(ctx, invoice, "PAID", settled=settled, amount_paid=paid, paid_at=ctx.now)
    ctx.record("paid", invoice)
    return invoice


def cancel(ctx: Context, invoice_id: str) -> Invoice:
    """Cancel an invoice: its work can be billed again, its number stays used."""
    ctx.require(Permission.CHANGE_INVOICES)
    invoice = ctx.find(Invoice, invoice_id, lock="update")
    if invoice.status == "PAID":  # only the deletion of its payments takes that back
        raise no_such_move(invoice, "CANCELLED")
    if invoice.status == "SENT" and invoice.amount_paid > 0:
        raise Conflict(
            f"Payments of {decimal_text(invoice.amount_paid)} {invoice.currency} are recorded on this invoice. "
            "Delete them before you cancel it.",
            reason="has_payments",
        )
    check_not_written_off(invoice)
    if invoice.status == "SENT" and invoice.amount_credited > 0:
        raise Conflict(
            "Credit notes belong to this invoice. Credit what is left of it: then it is cancelled.",
            reason="invoice_state",
        )
    become(ctx, invoice, "CANCELLED", cancelled_at=ctx.now, sent_at=None)
    work.release(ctx, invoice)
    links.end(ctx, invoice)
    ctx.record("cancelled", invoice)
    return invoice


def restore(ctx: Context, invoice_id: str) -> Draft:
    """Make a cancelled invoice a draft again, with its own lines and as much of its work as is still free.

    Its lines of work are built anew from what the entries say today; what was billed elsewhere or deleted meanwhile
    is left out, and a warning says so (docs/decisions/0004). It is dated and numbered when it is sent again.
    """
    ctx.require(Permission.CHANGE_INVOICES)
    invoice = ctx.find(Invoice, invoice_id, lock="update")
    if invoice.status == "CANCELLED" and invoice.amount_credited + invoice.amount_refunded > 0:
        raise Conflict(
            "Credit notes or refunds belong to this invoice: it stays as it is. Duplicate it instead.",
            reason="invoice_state",
        )
    become(
        ctx,
        invoice,
        "DRAFT",
        number=invoices.provisional_number(),
        cancelled_at=None,
        issue_date=ctx.today(),
        issue_date_given=False,
        due_date=None,
    )
    entry_ids, expense_ids = work.released(ctx, invoice)
    milestone_ids, fee_project_ids = work.released_fees(ctx, invoice)
    picked = work.pick_again(
        ctx,
        invoice.client_id,
        entry_ids,
        expense_ids,
        milestone_ids=milestone_ids,
        fee_project_ids=fee_project_ids,
    )
    warnings = [
        *rewrite(ctx, invoice, picked),
        *_gone(entry_ids, expense_ids, picked, len(milestone_ids) + len(fee_project_ids)),
    ]
    lines = invoices.lines(ctx, invoice.id)
    smaller = _affordable_discount(invoice, lines)
    if smaller is not None:
        warnings.append(
            Warned("discount_reduced", f"The discount was more than what is left; it is {smaller.amount} now.")
        )
    settle(ctx, invoice, lines, discount=smaller or UNSET)
    ctx.record("restored", invoice)
    return Draft(invoice, lines, warnings)


def _check_ready(ctx: Context, invoice: Invoice, client: Client) -> None:
    if not invoices.lines(ctx, invoice.id):
        raise Invalid("An invoice needs at least one line before it is sent.", fields={"lines": "required"})
    if client.require_po_number and not (invoice.po_number or "").strip():
        raise Invalid(fields={"po_number": f"{client.name} requires a PO number on every invoice"})
    conformity.gate(ctx, client, lambda: papers.of_invoice(ctx, invoice.id))


def _gone(entry_ids: list[str], expense_ids: list[str], picked: Picked, fees: int) -> list[Warned]:
    entries = sorted(set(entry_ids) - {one.id for one in picked.worked})
    expenses = sorted(set(expense_ids) - {one.id for one in picked.spent})
    count = len(entries) + len(expenses) + fees - len(picked.reached) - len(picked.fees)
    if count == 0:
        return []
    what = "1 piece of work is" if count == 1 else f"{count} pieces of work are"
    return [
        Warned(
            "work_gone",
            f"{what} no longer on this invoice: billed elsewhere, deleted or made unbillable since it was cancelled.",
            entry_ids=tuple(entries),
            expense_ids=tuple(expenses),
        )
    ]


def _affordable_discount(invoice: Invoice, lines: Sequence[InvoiceLine]) -> Discount | None:
    """A smaller discount where the fixed one is more than what is left to take it from."""
    given = invoice.discount
    if given is None or given.amount is None:
        return None
    left = sum((line.total if line.gross_total is None else line.gross_total for line in lines), Decimal(0))
    return None if given.amount <= left else Discount(amount=left)
