"""Invoices: the list, the builder, and one with its life."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from tallystick.domain import payments
from tallystick.domain.access import Permission
from tallystick.domain.clients import Client
from tallystick.domain.desk import money, work
from tallystick.domain.invoices import draft as drafts
from tallystick.domain.invoices import invoice as invoices
from tallystick.domain.invoices import lifecycle
from tallystick.domain.invoices.draft import CustomLine, Draft
from tallystick.domain.invoices.invoice import GROUPINGS, Grouping
from tallystick.domain.invoices.totals import Discount
from tallystick.domain.invoices.work import Selection
from tallystick.values.errors import Refusal
from tallystick.web.app.visit import Answer, Go, Page, Visit

FILTERS: Final = ("DRAFT", "OPEN", "OVERDUE", "PAID", "CANCELLED")
GROUPING_NAMES: Final = {
    "PROJECT_TASK": "By project and task",
    "PROJECT": "By project",
    "TASK": "By task",
    "ITEMIZED": "Every entry",
    "PROJECT_TIME": "By project and day",
}


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
    client = ctx.find(Client, invoice.client_id)
    return visit.show(
        "invoice.html",
        invoice=invoice,
        client=client,
        lines=invoices.lines_of(ctx, invoice.id),
        payments=payments.of_invoice(ctx, invoice.id),
        timeline=money.timeline(ctx, invoice.id),
        overdue=invoice.status == "SENT"
        and invoice.balance > 0
        and invoice.due_date is not None
        and invoice.due_date < ctx.today(),
        balance=invoice.balance if invoice.status in ("SENT", "PAID") else Decimal(0),
    )


def new_page(visit: Visit) -> Answer:
    """The builder: choose a client and its work; beside it, what the invoice would say."""
    fields = visit.form or visit.query
    client_id = fields.id("client_id")
    clients = work.client_names(visit.ctx)
    preview, problem = (None, "") if client_id is None else _preview(visit)
    return visit.show(
        "invoice_new.html",
        clients=clients,
        client_id=client_id,
        chosen=next((one for one in clients if one[0] == client_id), None),
        projects=work.project_names(visit.ctx, client_id) if client_id else [],
        groupings=[(one, visit.say(GROUPING_NAMES[one])) for one in GROUPING_NAMES],
        fields=fields,
        preview=preview,
        why_none=problem,
        unbilled=money.unbilled(visit.ctx) if client_id is None else [],
    )


def create(visit: Visit) -> Answer:
    """Draft it; or, with `preview`, only show what it would be."""
    if visit.form.has("preview"):
        return new_page(visit)
    made = drafts.draft(visit.ctx, **_facts(visit))
    return _shown(visit, made, "The draft is made.")


def edit_page(visit: Visit) -> Answer:
    invoice = invoices.read(visit.ctx, visit.id())
    lines = invoices.lines_of(visit.ctx, invoice.id)
    return visit.show(
        "invoice_edit.html",
        invoice=invoice,
        selection=Selection.of(invoice),
        lines=[line for line in lines if line.kind == "CUSTOM"],
        work_lines=[line for line in lines if line.kind != "CUSTOM"],
        groupings=[(one, visit.say(GROUPING_NAMES[one])) for one in GROUPING_NAMES],
        projects=work.project_names(visit.ctx, invoice.client_id),
    )


def edit(visit: Visit) -> Answer:
    form = visit.form
    invoice = invoices.read(visit.ctx, visit.id())
    selection = Selection.of(invoice)
    facts: dict[str, Any] = {
        "notes": form.text("notes"),
        "issue_date": form.day("issue_date"),
        "due_date": form.day("due_date"),
        "po_number": form.text("po_number", longest=100),
        "tax_rate": form.number("tax_rate"),
        "discount": _discount(visit),
        "lines": _lines(visit),
    }
    grouping = _grouping(visit)
    chosen = {"date_from": form.day("from"), "date_to": form.day("to"), "include_expenses": form.flag("expenses")}
    form.check()
    if form.has("reselects"):
        differs = {name: value for name, value in chosen.items() if value != getattr(selection, name)}
        facts |= differs
        if grouping != invoice.grouping:
            facts["grouping"] = grouping
    return _shown(visit, drafts.change(visit.ctx, invoice.id, **facts), "Saved.")


def send(visit: Visit) -> Answer:
    invoice = lifecycle.mark_sent(visit.ctx, visit.id())
    return visit.go(f"/invoices/{invoice.id}", "It is invoice {number} now.", number=invoice.number)


def settle(visit: Visit) -> Answer:
    invoice = lifecycle.mark_paid(visit.ctx, visit.id())
    return visit.go(f"/invoices/{invoice.id}", "{number} is paid.", number=invoice.number)


def cancel(visit: Visit) -> Answer:
    invoice = lifecycle.cancel(visit.ctx, visit.id())
    return visit.go(f"/invoices/{invoice.id}", "Cancelled. Its work can be billed again.")


def restore(visit: Visit) -> Answer:
    return _shown(visit, lifecycle.restore(visit.ctx, visit.id()), "It is a draft again.")


def duplicate(visit: Visit) -> Answer:
    made = drafts.duplicate(visit.ctx, visit.id())
    return visit.go(f"/invoices/{made.invoice.id}", "This is the copy.")


def delete(visit: Visit) -> Answer:
    drafts.delete(visit.ctx, visit.id())
    return visit.go("/invoices", "Deleted. Its work can be billed again.")


def payment_page(visit: Visit) -> Answer:
    invoice = invoices.read(visit.ctx, visit.id())
    return visit.show("payment_form.html", invoice=invoice, balance=invoice.balance)


def pay(visit: Visit) -> Answer:
    form = visit.form
    amount, paid_on, note = form.need_number("amount"), form.need_day("paid_on"), form.text("note")
    reference = form.text("transaction_id", longest=200)
    form.check()
    _, invoice = payments.record(
        visit.ctx, visit.id(), amount=amount, paid_on=paid_on, note=note, transaction_id=reference
    )
    said = "{number} is paid." if invoice.status == "PAID" else "The payment is recorded."
    return visit.go(f"/invoices/{invoice.id}", said, number=invoice.number)


def delete_payment(visit: Visit) -> Answer:
    invoice = payments.delete(visit.ctx, visit.id(), visit.id("payment"))
    return visit.go(f"/invoices/{invoice.id}", "The payment is deleted.")


def _shown(visit: Visit, made: Draft, said: str) -> Answer:
    """On to a draft; what its maker should know goes before what was done."""
    goal = visit.go(f"/invoices/{made.invoice.id}", said)
    return Go(goal.path, made.warnings[0].message) if made.warnings else goal


def _preview(visit: Visit) -> tuple[Draft | None, str]:
    """What the builder would make, or why it would make nothing."""
    form = visit.form
    visit.form = form or visit.query
    try:
        return money.preview(visit.ctx, **_facts(visit)), ""
    except Refusal as refusal:
        return None, visit.words.refusal(next(iter(refusal.fields.values()), refusal.message))
    finally:
        visit.form = form


def _facts(visit: Visit) -> dict[str, Any]:
    form = visit.form
    client_id = form.id("client_id")
    if client_id is None:
        form.wrong.setdefault("client_id", "required")
    facts: dict[str, Any] = {
        "client_id": client_id,
        "date_from": form.day("from"),
        "date_to": form.day("to"),
        "grouping": _grouping(visit),
        "include_expenses": form.flag("expenses"),
        "project_ids": None if form.kept("which", "all") == "all" else form.ids("projects"),
        "lines": _lines(visit),
        "discount": _discount(visit),
        "issue_date": form.day("issue_date"),
        "due_date": form.day("due_date"),
        "po_number": form.text("po_number", longest=100),
        "notes": form.text("notes"),
    }
    if form.text("tax_rate") is not None:
        facts["tax_rate"] = form.number("tax_rate")
    form.check()
    return facts


def _grouping(visit: Visit) -> Grouping:
    chosen = visit.form.choice("grouping", GROUPINGS)
    return GROUPINGS[GROUPINGS.index(chosen)] if chosen in GROUPINGS else "PROJECT_TASK"


def _discount(visit: Visit) -> Discount | None:
    """`10 %` or `50`: a percentage, or an amount."""
    text = visit.form.text("discount", longest=40)
    if text is None:
        return None
    try:
        value = visit.formats.parse_number(text.removesuffix("%").strip())
    except ValueError:
        visit.form.wrong["discount"] = "write an amount, or a percentage such as 10 %"
        return None
    return Discount(percent=value) if text.endswith("%") else Discount(amount=value)


def _lines(visit: Visit) -> list[CustomLine]:
    """Lines of one's own, as they stand in the form; empty ones are left out."""
    given = visit.form.given
    columns = [given.get(name, []) for name in ("line_description", "line_quantity", "line_unit", "line_rate")]
    found: list[CustomLine] = []
    for description, quantity, unit, rate in zip(*columns, strict=False):
        if not description.strip() and not rate.strip():
            continue
        try:
            found.append(
                CustomLine(
                    description=description.strip(),
                    quantity=visit.formats.parse_number(quantity) if quantity.strip() else Decimal(1),
                    rate=visit.formats.parse_number(rate),
                    unit=unit.strip()[:40] or None,
                )
            )
        except ValueError:
            visit.form.wrong["lines"] = "the quantity and the price of a line are numbers"
    return found


_READ, _CHANGE, _PAY = Permission.READ_INVOICES, Permission.CHANGE_INVOICES, Permission.RECORD_PAYMENTS

PAGES = (
    Page("/invoices", _READ, list_page, label="Invoices", section="invoices", icon="receipt"),
    Page("/invoices/new", _CHANGE, new_page, create, label="New invoice", section="invoices", icon="plus"),
    Page("/invoices/{id}", _READ, page, section="invoices"),
    Page("/invoices/{id}/edit", _CHANGE, edit_page, edit, section="invoices"),
    Page("/invoices/{id}/send", _CHANGE, post=send, again=page),
    Page("/invoices/{id}/settle", _CHANGE, post=settle, again=page),
    Page("/invoices/{id}/cancel", _CHANGE, post=cancel, again=page),
    Page("/invoices/{id}/restore", _CHANGE, post=restore, again=page),
    Page("/invoices/{id}/duplicate", _CHANGE, post=duplicate, again=page),
    Page("/invoices/{id}/delete", _CHANGE, post=delete, again=page),
    Page("/invoices/{id}/payments/new", _PAY, payment_page, pay, section="invoices"),
    Page("/invoices/{id}/payments/{payment}/delete", _PAY, post=delete_payment, again=page),
)
