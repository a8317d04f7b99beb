"""Invoices: the list, and one with its life, its paper and all that can be done with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Final

from tallystick.domain import client_credit, explanations, payments, refunds, reminders
from tallystick.domain.access import Permission
from tallystick.domain.cards import settings as cards
from tallystick.domain.clients import Client
from tallystick.domain.desk import money, work
from tallystick.domain.explanations import Step
from tallystick.domain.invoices import appendix, balance, conformity, issued, lifecycle, links, papers
from tallystick.domain.invoices import draft as drafts
from tallystick.domain.invoices import invoice as invoices
from tallystick.domain.invoices.appendix import Named
from tallystick.domain.invoices.invoice import Invoice
from tallystick.domain.mails.mail import MAILS
from tallystick.domain.sending import today_of
from tallystick.values.document import PROFILES, Document
from tallystick.web.app.pictures import sheets
from tallystick.web.app.visit import Answer, File, Go, Page, Visit

FILTERS: Final = ("DRAFT", "OPEN", "OVERDUE", "PAID", "CANCELLED")
PROFILE_NAMES: Final = {
    "cii": "EN 16931 (CII)",
    "ubl": "EN 16931 (UBL)",
    "xrechnung": "XRechnung",
    "peppol": "Peppol BIS Billing",
}
METHODS: Final = ("BANK", "CARD", "BOTH")
_MAIL: Final = ("id", "kind", "state", "recipients", "last_error", "created_at")


def list_page(visit: Visit) -> Answer:
    query = visit.query
    status = query.kept("status") if query.kept("status") in FILTERS else None
    search = query.text("q", longest=200) or ""
    return visit.show(
        "invoices.html",
        invoices=money.invoices(visit.ctx, search=search, status=status, client_id=query.id("client")),
        glances=money.glances(visit.ctx),
        unbilled=money.unbilled(visit.ctx),
        status=status,
        search=search,
        client=query.id("client"),
        clients=work.client_names(visit.ctx),
        filters=FILTERS,
    )


def page(visit: Visit) -> Answer:
    ctx = visit.ctx
    invoice = invoices.read(ctx, visit.id())
    issued_state = invoice.status in ("SENT", "PAID")
    link = links.of_invoice(ctx, invoice.id)
    said, method = cards.method_of(ctx, "invoice", invoice.id)
    credit = client_credit.of_client(ctx, invoice.client_id)
    shown = MAILS.page(ctx, _MAIL, {"invoice_id": invoice.id}, limit=20).rows
    return visit.show(
        "invoice.html",
        invoice=invoice,
        client=ctx.find(Client, invoice.client_id),
        lines=invoices.lines_of(ctx, invoice.id),
        taxes=invoices.taxes_of(ctx, invoice.id),
        payments=payments.of_invoice(ctx, invoice.id),
        refunds=refunds.of_invoice(ctx, invoice.id),
        credit_notes=money.credit_notes(ctx, invoice_id=invoice.id),
        credit=next((one.amount for one in credit.balances if one.currency == invoice.currency), 0),
        link=link,
        link_url=None if link is None else links.url_of(ctx, link),
        mails=[dict(zip(_MAIL, row, strict=True)) for row in shown],
        reminded=reminders.are_on(ctx, "invoice", invoice.id) if issued_state else True,
        method=method,
        own_method=said,
        timeline=money.timeline(ctx, invoice.id),
        overdue=is_overdue(invoice, today_of(ctx)),
    )


def is_overdue(invoice: Invoice, today: date) -> bool:
    """Whether its day has passed and something is open."""
    late = invoice.due_date is not None and invoice.due_date < today
    return late and invoice.status == "SENT" and invoice.balance > 0


# --- the paper and its files


def document_page(visit: Visit) -> Answer:
    """Every page of the paper, as the PDF has it."""
    invoice = invoices.read(visit.ctx, visit.id())
    document, renderer = _document(visit, invoice), visit.ctx.server.renderer
    profile = conformity.profile_of(visit.ctx.find(Client, invoice.client_id))
    return visit.show(
        "invoice_document.html",
        invoice=invoice,
        profiles=[(one, PROFILE_NAMES[one], one == profile) for one in PROFILES],
        hours=any(line.entry_ids for line in invoices.lines_of(visit.ctx, invoice.id)),
        late={"sheets": lambda: sheets(renderer, document)},
    )


def picture(visit: Visit) -> Answer:
    """The first page of the paper."""
    invoice = invoices.read(visit.ctx, visit.id())
    document, renderer = _document(visit, invoice), visit.ctx.server.renderer
    return File("page-1.png", "image/png", lambda: renderer.pictures(document)[0], inline=True)


def pdf(visit: Visit) -> Answer:
    return _file(appendix.pdf(visit.ctx, visit.id()), inline=not visit.query.has("save"))


def xml(visit: Visit) -> Answer:
    wanted = visit.query.kept("format")
    data = conformity.xml(visit.ctx, visit.id(), next((one for one in PROFILES if one == wanted), None))
    return File(f"{appendix.stem(data.number)}.xml", "application/xml", data.make)


def bundle(visit: Visit) -> Answer:
    return _file(appendix.bundle(visit.ctx, visit.id()))


def timesheet(visit: Visit) -> Answer:
    as_csv = visit.query.kept("format") == "csv"
    made = appendix.timesheet_csv if as_csv else appendix.timesheet_pdf
    return _file(made(visit.ctx, visit.id()), inline=not as_csv)


def explain_page(visit: Visit) -> Answer:
    """Where each figure comes from, down to the seconds."""
    invoice = invoices.read(visit.ctx, visit.id())
    return visit.show("invoice_explain.html", invoice=invoice, step=explanations.of_invoice(visit.ctx, invoice.id),
                      where=_where(visit))  # fmt: skip


# --- its states


def issue(visit: Visit) -> Answer:
    """Issue it without a letter."""
    invoice = lifecycle.mark_sent(visit.ctx, visit.id())
    return visit.go(f"/invoices/{invoice.id}", "It is invoice {number} now.", number=invoice.number)


def settle(visit: Visit) -> Answer:
    invoice = lifecycle.mark_paid(visit.ctx, visit.id())
    return visit.go(f"/invoices/{invoice.id}", "{number} is paid.", number=invoice.number)


def cancel(visit: Visit) -> Answer:
    invoice = lifecycle.cancel(visit.ctx, visit.id())
    return visit.go(f"/invoices/{invoice.id}", "Cancelled. Its work can be billed again.")


def restore(visit: Visit) -> Answer:
    made = lifecycle.restore(visit.ctx, visit.id())
    goal = visit.go(f"/invoices/{made.invoice.id}", "It is a draft again.")
    return Go(goal.path, made.warnings[0].message) if made.warnings else goal


def duplicate(visit: Visit) -> Answer:
    made = drafts.duplicate(visit.ctx, visit.id())
    return visit.go(f"/invoices/{made.invoice.id}", "This is the copy.")


def delete(visit: Visit) -> Answer:
    drafts.delete(visit.ctx, visit.id())
    return visit.go("/invoices", "Deleted. Its work can be billed again.")


def write_off_page(visit: Visit) -> Answer:
    return visit.show("write_off_form.html", invoice=invoices.read(visit.ctx, visit.id()))


def write_off(visit: Visit) -> Answer:
    reason = visit.form.need("reason", longest=2000)
    visit.form.check()
    invoice = balance.write_off(visit.ctx, visit.id(), reason=reason)
    return visit.go(f"/invoices/{invoice.id}", "What was open of it is written off.")


def take_write_off_back(visit: Visit) -> Answer:
    invoice = balance.expect_again(visit.ctx, visit.id())
    return visit.go(f"/invoices/{invoice.id}", "It is open again.")


def choose_method(visit: Visit) -> Answer:
    chosen = visit.form.choice("method", METHODS)
    visit.form.check()
    cards.choose(visit.ctx, "invoice", visit.id(), next((one for one in cards.METHODS if one == chosen), None))
    return visit.go(f"/invoices/{visit.id()}", "Saved.")


def _document(visit: Visit, invoice: Invoice) -> Document:
    """What it says: as it was issued, else as it is."""
    kept = issued.of_invoice(visit.ctx, invoice)
    return papers.of_invoice(visit.ctx, invoice.id) if kept is None else issued.document_of(kept)


def _file(made: Named, *, inline: bool = False) -> File:
    return File(made.name, made.media, made.make, inline)


def _where(visit: Visit) -> Callable[[Step], str]:
    """The page of what a figure comes from, where there is one for the reader."""
    known: dict[str, tuple[str, str]] = {
        "invoice": ("/invoices/", "READ_INVOICES"), "client": ("/clients/", "READ_CLIENTS"),
        "project": ("/projects/", "READ_PROJECTS"), "task": ("/tasks/", "READ_TASKS"),
        "time_entry": ("/time/", "TRACK_TIME"), "credit_note": ("/credit-notes/", "READ_INVOICES"),
    }  # fmt: skip

    def path(step: Step) -> str:
        to, needs = known.get(step.resource or "", ("", ""))
        return f"{to}{step.resource_id}" if to and step.resource_id and visit.may(needs) else ""

    return path


_READ, _CHANGE, _PAY = Permission.READ_INVOICES, Permission.CHANGE_INVOICES, Permission.RECORD_PAYMENTS

PAGES = (
    Page("/invoices", _READ, list_page, label="Invoices", section="invoices", icon="receipt"),
    Page("/invoices/{id}", _READ, page, section="invoices"),
    Page("/invoices/{id}/document", _READ, document_page, section="invoices"),
    Page("/invoices/{id}/picture", _READ, picture, file=True),
    Page("/invoices/{id}/pdf", _READ, pdf, file=True),
    Page("/invoices/{id}/xml", _READ, xml, file=True),
    Page("/invoices/{id}/documents.zip", _READ, bundle, file=True),
    Page("/invoices/{id}/timesheet", _READ, timesheet, file=True),
    Page("/invoices/{id}/explain", _READ, explain_page, section="invoices"),
    Page("/invoices/{id}/issue", _CHANGE, post=issue, again=page),
    Page("/invoices/{id}/settle", _CHANGE, post=settle, again=page),
    Page("/invoices/{id}/cancel", _CHANGE, post=cancel, again=page),
    Page("/invoices/{id}/restore", _CHANGE, post=restore, again=page),
    Page("/invoices/{id}/duplicate", _CHANGE, post=duplicate, again=page),
    Page("/invoices/{id}/delete", _CHANGE, post=delete, again=page),
    Page("/invoices/{id}/write-off", _PAY, write_off_page, write_off, section="invoices"),
    Page("/invoices/{id}/write-off/undo", _PAY, post=take_write_off_back, again=page),
    Page("/invoices/{id}/method", _CHANGE, post=choose_method, again=page),
)
