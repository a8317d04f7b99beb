"""Credit notes: the list, one with its paper, and crediting an invoice, all of it or amounts of its lines."""

from __future__ import annotations

from decimal import Decimal

from tallystick.domain.access import Permission
from tallystick.domain.clients import Client
from tallystick.domain.credit_notes import credit as crediting
from tallystick.domain.credit_notes import credit_note as credit_notes
from tallystick.domain.credit_notes import papers
from tallystick.domain.credit_notes.credit import CreditLine
from tallystick.domain.desk import money, work
from tallystick.domain.invoices import appendix, issued
from tallystick.domain.invoices import invoice as invoices
from tallystick.web.app.pictures import sheets
from tallystick.web.app.visit import Answer, File, Page, Visit


def list_page(visit: Visit) -> Answer:
    query = visit.query
    search = query.text("q", longest=200) or ""
    return visit.show(
        "credit_notes.html",
        notes=money.credit_notes(visit.ctx, search=search, client_id=query.id("client")),
        search=search,
        client=query.id("client"),
        clients=work.client_names(visit.ctx),
    )


def page(visit: Visit) -> Answer:
    ctx = visit.ctx
    note = credit_notes.read(ctx, visit.id())
    document, renderer = papers.of_credit_note(ctx, note.id), ctx.server.renderer
    kept = issued.issued_as(ctx, note.number)
    return visit.show(
        "credit_note.html",
        note=note,
        invoice=invoices.read(ctx, note.invoice_id),
        client=ctx.find(Client, note.client_id),
        lines=credit_notes.lines_of(ctx, note.id),
        taxes=credit_notes.taxes_of(ctx, note.id),
        has_xml=kept is not None and kept.xml is not None,
        late={"sheets": lambda: sheets(renderer, document, 5)},
    )


def pdf(visit: Visit) -> Answer:
    made = papers.pdf(visit.ctx, visit.id())
    return File(made.name, made.media, made.make, inline=not visit.query.has("save"))


def xml(visit: Visit) -> Answer:
    data = papers.xml(visit.ctx, visit.id())
    return File(f"{appendix.stem(data.number)}.xml", "application/xml", data.make)


def credit_page(visit: Visit) -> Answer:
    invoice = invoices.read(visit.ctx, visit.id())
    lines = invoices.lines_of(visit.ctx, invoice.id)
    return visit.show(
        "credit_form.html", invoice=invoice, lines=[line for line in lines if line.listed > line.credited]
    )


def credit(visit: Visit) -> Answer:
    """All that is left, or the amounts that stand beside the lines."""
    form = visit.form
    reason = form.need("reason", longest=2000)
    wanted = None if form.kept("what", "all") == "all" else _lines(visit)
    form.check()
    note, _ = crediting.credit(visit.ctx, visit.id(), reason=reason, lines=wanted)
    return visit.go(f"/credit-notes/{note.id}", "It is credit note {number}.", number=note.number)


def _lines(visit: Visit) -> list[CreditLine]:
    found: list[CreditLine] = []
    for line in invoices.lines_of(visit.ctx, visit.id()):
        name = f"amount-{line.id}"
        amount = visit.form.number(name)
        if name in visit.form.wrong:
            visit.form.wrong["lines"] = visit.form.wrong.pop(name)
        if amount:
            left = line.listed - line.credited
            found.append(CreditLine(line.id, None if amount == left else Decimal(amount)))
    if not found:
        visit.form.wrong.setdefault("lines", "say an amount beside at least one line")
    return found


_READ, _CHANGE = Permission.READ_INVOICES, Permission.CHANGE_INVOICES

PAGES = (
    Page("/credit-notes", _READ, list_page, label="Credit notes", section="invoices", icon="receipt"),
    Page("/credit-notes/{id}", _READ, page, section="invoices"),
    Page("/credit-notes/{id}/pdf", _READ, pdf, file=True),
    Page("/credit-notes/{id}/xml", _READ, xml, file=True),
    Page("/invoices/{id}/credit", _CHANGE, credit_page, credit, section="invoices"),
)
