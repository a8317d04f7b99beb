"""The invoice builder: a client's work, lines of one's own, tax and discount; beside them the paper itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from msgspec import UNSET

from tallystick.domain import tax_rates
from tallystick.domain.access import Permission
from tallystick.domain.clients import Client
from tallystick.domain.desk import money, work
from tallystick.domain.desk.money import Previewed
from tallystick.domain.invoices import appendix
from tallystick.domain.invoices import draft as drafts
from tallystick.domain.invoices import invoice as invoices
from tallystick.domain.invoices.draft import CustomLine, Draft
from tallystick.domain.invoices.invoice import GROUPINGS, Grouping, Invoice, InvoiceLine
from tallystick.domain.invoices.totals import Discount
from tallystick.domain.invoices.work import Selection
from tallystick.domain.tax_rates import AS_USUAL, Said
from tallystick.domain.workspaces import current
from tallystick.values.errors import NotFound, Refusal
from tallystick.values.ids import parse_id
from tallystick.values.tax import TAX_CATEGORIES, TaxCategory, Treatment
from tallystick.web.app.forms import Fields
from tallystick.web.app.pictures import sheets
from tallystick.web.app.visit import Answer, Go, Page, Visit

GROUPING_NAMES: Final[Mapping[Grouping, str]] = {
    "PROJECT_TASK": "By project and task",
    "PROJECT": "By project",
    "TASK": "By task",
    "ITEMIZED": "Every entry",
    "PROJECT_TIME": "By project and day",
}
TAX_NAMES: Final[Mapping[TaxCategory, str]] = {
    "STANDARD": "Taxed",
    "ZERO": "Zero-rated",
    "EXEMPT": "Exempt from tax",
    "REVERSE_CHARGE": "Reverse charge",
    "INTRA_EU": "Supply within the EU",
    "EXPORT": "Export outside the EU",
    "OUTSIDE_SCOPE": "No tax shown",
}
LINE: Final = ("description", "quantity", "unit", "rate", "heading", "discount", "tax", "project")
"""The columns of a line of one's own in a form, each `line_…`."""
PAGES_SHOWN: Final = 3
"""So many pages of the paper stand beside the form; the rest is a click away."""


def new_page(visit: Visit) -> Answer:
    """Choose a client and its work; beside it, what the invoice would say."""
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
        groupings=groupings(visit),
        taxes=tax_choices(visit),
        line_taxes=tax_choices(visit, _percents(visit, client_id)),
        fields=fields,
        rows=line_rows(fields),
        preview=preview,
        why_none=problem,
        unbilled=money.unbilled(visit.ctx) if client_id is None else [],
        late={"sheets": _sheets(visit, preview)},
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
    preview, problem = _preview_of(visit, invoice)
    custom = [line for line in lines if line.kind == "CUSTOM"]
    return visit.show(
        "invoice_edit.html",
        invoice=invoice,
        selection=Selection.of(invoice),
        rows=line_rows(visit.form) if visit.form else [_row(visit, line) for line in custom],
        work_lines=[line for line in lines if line.kind != "CUSTOM"],
        saved_lines=lines,
        groupings=groupings(visit),
        taxes=tax_choices(visit),
        tax=_default_tax(invoice.default_treatment),
        tax_rate=invoice.default_tax_rate if invoice.default_tax_category == "STANDARD" else None,
        line_taxes=tax_choices(visit, {*_percents(visit, invoice.client_id), *_own_percents(custom)}),
        discount=written(visit, invoice.discount),
        projects=work.project_names(visit.ctx, invoice.client_id),
        receipts=appendix.pickable_receipts(visit.ctx, invoice.id),
        preview=preview,
        why_none=problem,
        late={"sheets": _sheets(visit, preview)},
    )


def edit(visit: Visit) -> Answer:
    """Save it; or, with `preview`, only show what it would be."""
    if visit.form.has("preview"):
        return edit_page(visit)
    invoice = invoices.read(visit.ctx, visit.id())
    return _shown(visit, drafts.change(visit.ctx, invoice.id, **_changes(visit, invoice)), "Saved.")


def line_page(visit: Visit) -> Answer:
    """One line of recorded work: its words, heading, discount and tax; the rest comes from the work."""
    invoice = invoices.read(visit.ctx, visit.id())
    line = _line(visit, invoice)
    return visit.show(
        "invoice_line.html",
        invoice=invoice,
        line=line,
        tax=_line_tax(line),
        discount=written(visit, line.discount),
        line_taxes=tax_choices(visit, {*_percents(visit, invoice.client_id), *_own_percents([line])}),
    )


def change_line(visit: Visit) -> Answer:
    form = visit.form
    invoice = invoices.read(visit.ctx, visit.id())
    line = _line(visit, invoice)
    facts: dict[str, Any] = {
        "description": form.need("description", longest=2000),
        "heading": form.text("heading", longest=200),
        "discount": discount_in(visit, form.text("discount", longest=40)),
    }
    said = _said(visit, form.kept("tax"))
    form.check()
    if form.kept("tax") != _line_tax(line):
        facts |= {"tax_as_usual": True} if said == AS_USUAL else _tax_facts(said)
    return _shown(visit, drafts.change_line(visit.ctx, invoice.id, line.id, **facts), "Saved.")


# --- what forms of lines share


def groupings(visit: Visit) -> list[tuple[str, str]]:
    """Value and name of each way to make lines of work."""
    return [(value, visit.say(name)) for value, name in GROUPING_NAMES.items()]


def tax_choices(visit: Visit, percents: set[Decimal] | None = None) -> list[tuple[str, str]]:
    """Value and name of each way to tax: named rates, plain percentages, and what is not taxed."""
    named = tax_rates.choices(visit.ctx, reading=True)
    found = [(f"id:{identity}", rate.name) for identity, rate in named.items()]
    known = {rate.percent for rate in named.values() if rate.category == "STANDARD"}
    plain = sorted((percents or set()) - known, reverse=True)
    found += [(f"={percent.normalize():f}", f"{visit.formats.number(percent, 4)} %") for percent in plain]
    return found + [(value, visit.say(name)) for value, name in TAX_NAMES.items() if value != "STANDARD"]


def line_rows(fields: Fields) -> list[dict[str, str]]:
    """The lines as they stand in a form, to be shown again."""
    columns = [fields.given.get(f"line_{name}", []) for name in LINE]
    count = len(columns[0])
    return [{name: column[n] if n < len(column) else "" for name, column in zip(LINE, columns, strict=True)}
            for n in range(count)]  # fmt: skip


def lines_in(visit: Visit) -> list[CustomLine]:
    """Lines of one's own, as they stand in the form; empty ones are left out."""
    found: list[CustomLine] = []
    for number, row in enumerate(line_rows(visit.form), 1):
        if not row["description"].strip() and not row["rate"].strip():
            continue
        try:
            quantity = visit.formats.parse_number(row["quantity"]) if row["quantity"].strip() else Decimal(1)
            rate = visit.formats.parse_number(row["rate"])
        except ValueError:
            visit.form.wrong["lines"] = "the quantity and the price of a line are numbers"
            continue
        found.append(
            CustomLine(
                description=row["description"].strip()[:2000].replace("\0", ""),
                quantity=quantity,
                rate=rate,
                unit=row["unit"].strip()[:40].replace("\0", "") or None,
                project_id=parse_id(row["project"]),
                heading=row["heading"].strip()[:200].replace("\0", "") or None,
                discount=discount_in(visit, row["discount"].strip() or None, "lines", number),
                tax=_said(visit, row["tax"], "lines"),
            )
        )
    return found


def row_of(visit: Visit, line: CustomLine) -> dict[str, str]:
    """A line as a form shows it."""
    tax = line.tax
    shown = (
        "" if tax == AS_USUAL else f"id:{tax.tax_rate_id}" if tax.tax_rate_id else tax.tax_category or "OUTSIDE_SCOPE"
    )
    if isinstance(tax.tax_rate, Decimal) and not tax.tax_rate_id:
        shown = f"={tax.tax_rate.normalize():f}"
    return {
        "description": line.description,
        "quantity": visit.formats.editable(line.quantity),
        "unit": line.unit or "",
        "rate": visit.formats.editable(line.rate),
        "heading": line.heading or "",
        "discount": written(visit, line.discount),
        "tax": shown,
        "project": line.project_id or "",
    }


def discount_in(visit: Visit, text: str | None, field: str = "discount", number: int = 0) -> Discount | None:
    """`10 %` or `50`: a percentage, or an amount."""
    if text is None:
        return None
    try:
        value = visit.formats.parse_number(text.removesuffix("%").strip())
    except ValueError:
        wrong = "write an amount, or a percentage such as 10 %"
        visit.form.wrong[field] = f"line {number}: {wrong}" if number else wrong
        return None
    return Discount(percent=value) if text.endswith("%") else Discount(amount=value)


# --- what only this page asks


def _shown(visit: Visit, made: Draft, said: str) -> Answer:
    """On to a draft; what its maker should know goes before what was done."""
    goal = visit.go(f"/invoices/{made.invoice.id}", said)
    return Go(goal.path, made.warnings[0].message) if made.warnings else goal


def _sheets(visit: Visit, preview: Previewed | None) -> Any:
    renderer = visit.ctx.server.renderer
    paper = None if preview is None else preview.paper
    return lambda: [] if paper is None else sheets(renderer, paper, PAGES_SHOWN)


def _preview(visit: Visit) -> tuple[Previewed | None, str]:
    """What the builder would make, or why it would make nothing."""
    form = visit.form
    visit.form = form or visit.query
    try:
        return money.preview(visit.ctx, **_facts(visit)), ""
    except Refusal as refusal:
        return None, visit.words.refusal(next(iter(refusal.fields.values()), refusal.message))
    finally:
        visit.form = form


def _preview_of(visit: Visit, invoice: Invoice) -> tuple[Previewed | None, str]:
    """What a draft would be with the changes of the form, or as it is."""
    try:
        facts = _changes(visit, invoice) if visit.form else {}
        return money.preview(visit.ctx, invoice.id, **facts), ""
    except Refusal as refusal:
        return None, visit.words.refusal(next(iter(refusal.fields.values()), refusal.message))


def _facts(visit: Visit) -> dict[str, Any]:
    form = visit.form
    client_id = form.id("client_id")
    if client_id is None:
        form.wrong.setdefault("client_id", "required")
    facts: dict[str, Any] = {
        "client_id": client_id,
        **_chosen_work(visit),
        "grouping": _grouping(visit),
        "lines": lines_in(visit),
        "discount": discount_in(visit, form.text("discount", longest=40)),
        "prices_include_tax": _prices(visit),
        "issue_date": form.day("issue_date"),
        "due_date": form.day("due_date"),
        "po_number": form.text("po_number", longest=100),
        "attach_timesheet": form.flag("attach_timesheet"),
        "attach_receipts": form.flag("attach_receipts"),
        "notes": form.text("notes"),
    }
    facts |= _tax_facts(_tax(visit))
    form.check()
    return facts


def _changes(visit: Visit, invoice: Invoice) -> dict[str, Any]:
    """What the form says of a draft, where that is something else than it has."""
    form = visit.form
    selection = Selection.of(invoice)
    facts: dict[str, Any] = {
        "notes": form.text("notes"),
        "issue_date": form.day("issue_date"),
        "due_date": form.day("due_date"),
        "po_number": form.text("po_number", longest=100),
        "attach_timesheet": form.flag("attach_timesheet"),
        "attach_receipts": form.flag("attach_receipts"),
        "lines": lines_in(visit),
        **picked_receipts(visit, invoice),
    }
    discount = discount_in(visit, form.text("discount", longest=40))
    if discount != invoice.discount:
        facts["discount"] = discount
    prices = _prices(visit)
    if prices is not None:
        facts["prices_include_tax"] = prices
    said = _tax(visit)
    now = invoice.default_treatment
    if (form.kept("tax"), said.tax_rate) != (_default_tax(now), UNSET if now.rate is None else now.rate):
        facts |= _tax_facts(said)
    grouping = _grouping(visit)
    chosen = _chosen_work(visit)
    form.check()
    if form.has("reselects"):
        facts |= {name: value for name, value in chosen.items() if value != getattr(selection, name)}
        if grouping != invoice.grouping:
            facts["grouping"] = grouping
    return facts


def picked_receipts(visit: Visit, invoice: Invoice) -> dict[str, Any]:
    """Which receipts go along, where the form shows them: all of them is said by naming none."""
    if not visit.form.has("picks_receipts"):
        return {}
    ids = [one.id for one in appendix.pickable_receipts(visit.ctx, invoice.id)]
    picked = [one for one in visit.form.ids("receipt_ids") if one in ids]
    return {"receipt_ids": [] if len(picked) == len(ids) else picked, "attach_receipts": bool(picked)}


def _chosen_work(visit: Visit) -> dict[str, Any]:
    form = visit.form
    every = form.kept("which", "all") == "all"
    return {
        "project_ids": None if every else tuple(form.ids("projects")),
        "date_from": form.day("from"),
        "date_to": form.day("to"),
        "include_expenses": form.flag("expenses"),
        "include_milestones": form.flag("milestones") or not form.has("chosen"),
        "include_fees": form.flag("fees"),
    }


def _prices(visit: Visit) -> bool | None:
    return {"gross": True, "net": False}.get(visit.form.choice("prices", ("gross", "net")) or "")


def _grouping(visit: Visit) -> Grouping:
    chosen = visit.form.choice("grouping", GROUPINGS)
    return GROUPINGS[GROUPINGS.index(chosen)] if chosen in GROUPINGS else "PROJECT_TASK"


def _tax(visit: Visit) -> Said:
    """How the whole is taxed: a choice of the list, or a percentage."""
    said = _said(visit, visit.form.kept("tax"))
    percent = visit.form.number("tax_rate")
    return Said(tax_rate=percent) if said == AS_USUAL and percent is not None else said


def _said(visit: Visit, value: str, field: str = "tax") -> Said:
    """A choice of `tax_choices` in the domain's words."""
    if not value:
        return AS_USUAL
    if value.startswith("id:") and len(value) < 60:
        return Said(tax_rate_id=value[3:])
    if value.startswith("=") and value[1:].replace(".", "", 1).isdecimal() and len(value) < 12:
        return Said(tax_rate=Decimal(value[1:]))
    if value not in TAX_CATEGORIES:
        visit.form.wrong[field] = "choose one of the list"
        return AS_USUAL
    return Said(tax_category=TAX_CATEGORIES[TAX_CATEGORIES.index(value)])


def _tax_facts(said: Said) -> dict[str, Any]:
    """What is said, for a verb that takes the facts one by one."""
    facts = {"tax_rate": said.tax_rate, "tax_category": said.tax_category, "tax_rate_id": said.tax_rate_id}
    return {name: value for name, value in facts.items() if value is not UNSET and value is not None}


def _default_tax(treatment: Treatment) -> str:
    """The choice that a treatment of the whole is."""
    if treatment.tax_rate_id is not None:
        return f"id:{treatment.tax_rate_id}"
    return "" if treatment.category == "STANDARD" else treatment.category


def _line_tax(line: InvoiceLine) -> str:
    """The choice that a line's tax is; empty: as the invoice."""
    if not line.tax_given:
        return ""
    treatment = line.treatment
    if treatment.tax_rate_id is None and treatment.category == "STANDARD" and treatment.rate is not None:
        return f"={treatment.rate.normalize():f}"
    return _default_tax(treatment)


def _row(visit: Visit, line: InvoiceLine) -> dict[str, str]:
    return {
        "description": line.description,
        "quantity": visit.formats.editable(line.quantity),
        "unit": line.unit,
        "rate": visit.formats.editable(line.rate),
        "heading": line.heading or "",
        "discount": written(visit, line.discount),
        "tax": _line_tax(line),
        "project": line.project_id or "",
    }


def written(visit: Visit, discount: Discount | None) -> str:
    """A discount as people write it."""
    if discount is None:
        return ""
    if discount.percent is not None:
        return f"{visit.formats.editable(discount.percent)} %"
    return visit.formats.editable(discount.amount)


def _line(visit: Visit, invoice: Invoice) -> InvoiceLine:
    wanted = visit.id("line")
    found = next((one for one in invoices.lines_of(visit.ctx, invoice.id) if one.id == wanted), None)
    if found is None:
        raise NotFound("No such invoice line.")
    return found


def _percents(visit: Visit, client_id: str | None) -> set[Decimal]:
    """Percentages that stand to reason: the client's and the workspace's."""
    client = None if client_id is None else visit.ctx.find(Client, client_id)
    usual = (current(visit.ctx).default_tax_rate, None if client is None else client.default_tax_rate)
    return {rate for rate in usual if rate}


def _own_percents(lines: Sequence[InvoiceLine]) -> set[Decimal]:
    return {line.tax_rate for line in lines if line.tax_given and line.tax_rate and line.tax_category == "STANDARD"}


_CHANGE = Permission.CHANGE_INVOICES

PAGES = (
    Page("/invoices/new", _CHANGE, new_page, create, label="New invoice", section="invoices", icon="plus"),
    Page("/invoices/{id}/edit", _CHANGE, edit_page, edit, section="invoices"),
    Page("/invoices/{id}/lines/{line}", _CHANGE, line_page, change_line, section="invoices"),
)
