"""Before an invoice goes out: what a careful person would look at. It advises; nothing of it blocks."""

from __future__ import annotations

from typing import Literal, NamedTuple

from tallystick.domain.access import Permission
from tallystick.domain.cards import settings as cards
from tallystick.domain.clients import Client
from tallystick.domain.context import Context
from tallystick.domain.invoices import invoice as invoices
from tallystick.domain.invoices.invoice import Invoice
from tallystick.domain.mails.settings import sender_of
from tallystick.domain.sending import today_of
from tallystick.domain.workspaces import current

What = Literal["mail", "address", "postal", "po_number", "issuer", "tax_id", "payment", "due", "lines"]


class Check(NamedTuple):
    """One thing to look at, and whether it is as it should be."""

    what: What
    fine: bool


def before_sending(ctx: Context, invoice_id: str) -> list[Check]:
    """What to look at before an invoice is sent, in the order of a letter: to whom, from whom, what, how to pay."""
    ctx.require(Permission.CHANGE_INVOICES)
    invoice = ctx.find(Invoice, invoice_id)
    client, studio = ctx.find(Client, invoice.client_id), current(ctx)
    draft = invoice.status == "DRAFT"
    taxed = any(tax.category != "OUTSIDE_SCOPE" for tax in invoices.taxes(ctx, invoice.id))
    to = client.billing_email or client.email or (None if draft else invoice.bill_to_email)
    here = invoices.bill_to(client)["bill_to_address"] if draft else invoice.bill_to_address
    due = invoice.due_date or invoices.usual_due_date(client, studio, invoice.issue_date)
    found = [
        Check("mail", sender_of(ctx) is not None),
        Check("address", to is not None),
        Check("postal", bool(here)),
        Check("issuer", bool(invoices.issuer(studio)["issuer_address"])),
        Check("lines", invoice.total > 0),
        Check("due", due >= today_of(ctx)),
        Check("payment", bool(studio.iban or studio.payment_instructions) or _by_card(ctx, invoice)),
    ]
    if client.require_po_number:
        found.insert(3, Check("po_number", bool((invoice.po_number or "").strip())))
    if taxed:
        found.insert(-3, Check("tax_id", bool(studio.tax_id or studio.tax_number)))
    return found


def _by_card(ctx: Context, invoice: Invoice) -> bool:
    return cards.current(ctx).takes_cards and cards.holds(ctx, invoice) != "BANK"
