"""Sending an invoice from the app: the letter with what to look at before, a test, a reminder, and the public link."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, Literal

from tallystick.domain import members, reminders, sending
from tallystick.domain.access import Permission
from tallystick.domain.clients import Client
from tallystick.domain.desk import checks
from tallystick.domain.invoices import appendix, conformity, links
from tallystick.domain.invoices import draft as drafts
from tallystick.domain.invoices import invoice as invoices
from tallystick.domain.mails import mail as mails
from tallystick.domain.mails.templates import LONGEST_BODY, LONGEST_SUBJECT, PLACES
from tallystick.domain.sending import FILES, Message, today_of
from tallystick.web.app.builder import picked_receipts
from tallystick.web.app.invoices import is_overdue
from tallystick.web.app.invoices import page as invoice_page
from tallystick.web.app.visit import Answer, Page, Visit

FINE_NAMES: Final[Mapping[checks.What, str]] = {
    "mail": "Mail is set up",
    "address": "The client's e-mail address is known",
    "postal": "The client's postal address is on it",
    "po_number": "It has the PO number that the client asks for",
    "issuer": "Your own address is on it",
    "tax_id": "Your tax number is on it",
    "lines": "It comes to more than nothing",
    "due": "It is due on a day to come",
    "payment": "It says how to pay",
}
MISSING_NAMES: Final[Mapping[checks.What, str]] = {
    "mail": "Mail is not set up",
    "address": "No e-mail address of the client is known",
    "postal": "The client's postal address is missing",
    "po_number": "The client asks for a PO number",
    "issuer": "Your own address is missing",
    "tax_id": "Your tax number is missing",
    "lines": "It comes to nothing",
    "due": "Its due date is over",
    "payment": "It does not say how to pay",
}
Kind = Literal["invoice", "reminder"]


def send_page(visit: Visit) -> Answer:
    return _letter(visit, "invoice")


def remind_page(visit: Visit) -> Answer:
    return _letter(visit, "reminder")


def send(visit: Visit) -> Answer:
    """Mail it, which issues a draft; or, with `test`, only to oneself."""
    invoice = invoices.read(visit.ctx, visit.id())
    message = _message(visit)
    picked = picked_receipts(visit, invoice) if invoice.status == "DRAFT" else {}
    if picked and not visit.form.has("test"):
        drafts.change(visit.ctx, invoice.id, **picked)
        files = [one for one in message.files or () if one != "receipts"]
        message = replace(message, files=(*files, *(("receipts",) if picked["attach_receipts"] else ())))
    if visit.form.has("test"):
        sent = sending.send_test(visit.ctx, invoice.id, message)
        return visit.go(
            f"/invoices/{invoice.id}/send", "A test is on its way to {address}.", address=sent.mail.recipients[0]
        )
    sent = sending.send(visit.ctx, invoice.id, message)
    return visit.go(
        f"/invoices/{invoice.id}", "{number} is on its way to {address}.",
        number=sent.invoice.number, address=", ".join(sent.mail.recipients),
    )  # fmt: skip


def remind(visit: Visit) -> Answer:
    sent = sending.remind(visit.ctx, visit.id(), _message(visit))
    return visit.go(
        f"/invoices/{sent.invoice.id}", "The reminder is on its way to {address}.",
        address=", ".join(sent.mail.recipients),
    )  # fmt: skip


def regenerate(visit: Visit) -> Answer:
    links.regenerate(visit.ctx, visit.id())
    return visit.go(f"/invoices/{visit.id()}", "It has another link; the one until now leads nowhere.")


def switch_reminders(visit: Visit) -> Answer:
    on = reminders.switch(visit.ctx, "invoice", visit.id(), on=visit.form.flag("on"))
    return visit.go(f"/invoices/{visit.id()}", "It is reminded of." if on else "It is not reminded of.")


def retry(visit: Visit) -> Answer:
    mails.retry(visit.ctx, visit.id("mail"))
    return visit.go(f"/invoices/{visit.id()}", "It is tried again.")


def _letter(visit: Visit, kind: Kind) -> Answer:
    ctx = visit.ctx
    invoice = invoices.read(ctx, visit.id())
    client = ctx.find(Client, invoice.client_id)
    return visit.show(
        "send.html",
        invoice=invoice,
        client=client,
        kind=kind,
        proposal=sending.proposal(ctx, invoice.id, kind),
        checks=[
            (visit.say((FINE_NAMES if one.fine else MISSING_NAMES)[one.what]), one.fine)
            for one in checks.before_sending(ctx, invoice.id)
        ],
        profile=conformity.profile_of(client),
        files=FILES,
        receipts=appendix.pickable_receipts(ctx, invoice.id) if invoice.status == "DRAFT" else [],
        usual_files=sending.usual_files(ctx, invoice),
        places=PLACES,
        overdue=is_overdue(invoice, today_of(ctx)),
        myself=members.address_of(ctx, ctx.actor.user_id),
        late={"problems": conformity.problems_of(ctx, invoice.id) if invoice.status == "DRAFT" else list},
    )


def _message(visit: Visit) -> Message:
    """What the form says; words that stand as they were proposed are as usual."""
    form = visit.form
    to, cc = _addresses(form.text("to", longest=5000)), _addresses(form.text("cc", longest=5000))
    subject, body = form.text("subject", longest=LONGEST_SUBJECT), form.text("message", longest=LONGEST_BODY)
    files = tuple(one for one in FILES if one in form.given.get("attach", []))
    if not to:
        form.wrong.setdefault("to", "required")
    form.check()
    return Message(to=to, cc=cc, subject=subject, body=body, files=files)


def _addresses(text: str | None) -> list[str]:
    parts = (text or "").replace(";", ",").replace("\n", ",").split(",")
    return [one for part in parts if (one := part.strip())]


_READ, _CHANGE = Permission.READ_INVOICES, Permission.CHANGE_INVOICES

PAGES = (
    Page("/invoices/{id}/send", _CHANGE, send_page, send, section="invoices"),
    Page("/invoices/{id}/remind", _CHANGE, remind_page, remind, section="invoices"),
    Page("/invoices/{id}/link", Permission.CHANGE_WORKSPACE, post=regenerate, again=invoice_page),
    Page("/invoices/{id}/reminders", _CHANGE, post=switch_reminders, again=invoice_page),
    Page("/invoices/{id}/mails/{mail}/retry", _CHANGE, post=retry, again=invoice_page),
)
