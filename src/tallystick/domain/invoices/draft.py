"""Drafts: unbilled work and lines of one's own become an invoice that can still be changed, rebuilt or thrown away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any, Final

from msgspec import UNSET, UnsetType
from sqlalchemy import text

from tallystick.db.session import Prepared
from tallystick.domain import categories
from tallystick.domain.access import Permission
from tallystick.domain.clients import Client
from tallystick.domain.context import Context
from tallystick.domain.invoices import appendix, taxes, work
from tallystick.domain.invoices import invoice as invoices
from tallystick.domain.invoices.invoice import GROUPINGS, Grouping, Invoice, InvoiceLine
from tallystick.domain.invoices.totals import (
    LARGEST,
    Discount,
    LineSums,
    Totals,
    check_decimals,
    sums_of,
    taken_off,
)
from tallystick.domain.invoices.work import FIXED_FEE, Planned, Selection, Warned
from tallystick.domain.tax_rates import AS_USUAL, NO_USUAL, Said
from tallystick.domain.workspaces import current
from tallystick.values.errors import Absent, Conflict, Invalid, NotFound
from tallystick.values.money import line_total
from tallystick.values.tax import NO_TAX, TaxCategory, Treatment

ONLY_DRAFTS_CHANGE: Final = "Only Draft invoices can be edited"
ONLY_DRAFTS_GO: Final = "Only Draft invoices can be deleted"


@dataclass(frozen=True, slots=True)
class CustomLine:
    """A line of one's own. Its quantity is taken as it is."""

    description: str
    quantity: Decimal
    rate: Decimal
    unit: str | None = None
    project_id: str | None = None
    heading: str | None = None
    discount: Discount | None = None
    tax: Said = AS_USUAL
    """How it is taxed; what is not said is as the invoice says."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft as it is now, and what to know about it."""

    invoice: Invoice
    lines: list[InvoiceLine]
    warnings: list[Warned]


def draft(
    ctx: Context,
    *,
    client_id: str,
    date_from: date | None = None,
    date_to: date | None = None,
    project_ids: Sequence[str] | None = None,
    grouping: Grouping = "PROJECT_TASK",
    include_expenses: bool = False,
    include_milestones: bool = True,
    include_fees: bool = False,
    lines: Sequence[CustomLine] = (),
    discount: Discount | None = None,
    tax_rate: Decimal | UnsetType | None = UNSET,
    tax_category: TaxCategory | None = None,
    tax_reason: str | UnsetType | None = UNSET,
    tax_rate_id: str | None = None,
    prices_include_tax: bool | None = None,
    notes: str | None = None,
    issue_date: date | None = None,
    due_date: date | None = None,
    po_number: str | None = None,
    attach_timesheet: bool = False,
    attach_receipts: bool = False,
    receipt_ids: Sequence[str] = (),
) -> Draft:
    """Draft an invoice from a client's unbilled work, and from lines of one's own.

    Both days count. No `project_ids`: all of the client's projects; an empty list: no work, only the given lines.
    Facts of tax are the default of lines that do not say it; not given: the client's, else the workspace's. A
    `tax_rate` of None: no tax. No `prices_include_tax`, no notes: as client or workspace say.
    """
    ctx.require(Permission.CHANGE_INVOICES)
    client = ctx.reference(Client, client_id, "client_id", lock="share")
    studio = current(ctx)
    selection = Selection(
        date_from,
        date_to,
        None if project_ids is None else tuple(project_ids),
        include_expenses,
        include_milestones,
        include_fees,
    )
    grouping = _known(grouping)
    picked = work.pick(ctx, client.id, selection)
    planned, warnings = work.plan(picked, grouping, client.rounding(studio), client.currency)
    taxing = taxes.taxing(ctx, client, studio)
    default = taxing.of(Said(tax_rate, tax_category, tax_reason, tax_rate_id))
    planned += _custom_lines(ctx, client.id, lines, client.currency, partial(taxing.of, otherwise=default))
    if not planned:
        raise _nothing_to_bill(client.name, selection, len(picked.waiting))
    if prices_include_tax is None:
        prices_include_tax = taxes.prices_include_tax(client, studio)
    sums = sums_of(
        [line.priced(default) for line in planned],
        client.currency,
        usual=default,
        discount=discount,
        prices_include_tax=prices_include_tax,
    )
    for line, line_sums in zip(planned, sums.lines, strict=True):
        line.sums = line_sums
    day = issue_date or ctx.today()
    invoices.check_due(day, due_date)
    made = _open(
        ctx,
        client,
        sums.totals,
        default,
        notes=studio.invoice_notes if notes is None else notes or None,
        po_number=po_number,
        attach_timesheet=attach_timesheet,
        attach_receipts=attach_receipts,
        receipt_ids=list(dict.fromkeys(receipt_ids)),
        issue_date=day,
        issue_date_given=issue_date is not None,
        due_date=due_date,
        grouping=grouping,
        selection=selection.to_json(),
    )
    work.write(ctx, made, planned)
    taxes.write(ctx, made, sums.taxes)
    appendix.check_receipts(ctx, made.id, made.receipt_ids)
    ctx.record("created", made)
    return Draft(made, invoices.lines(ctx, made.id), warnings)


def blank(
    ctx: Context,
    *,
    client_id: str,
    issue_date: date,
    due_date: date | None = None,
    project_id: str | None = None,
    prices_include_tax: bool | None = None,
    **facts: Any,
) -> Invoice:
    """Open a draft of this date on which nothing is yet. It is sent only when it has lines.

    No `due_date`: by the client's terms. No `prices_include_tax`: as client or workspace say. Other facts:
    `category_id`, `notes` (else the workspace's), `terms`, `taxed_by_line`.
    """
    ctx.require(Permission.CHANGE_INVOICES)
    client = ctx.reference(Client, client_id, "client_id", lock="share")
    studio = current(ctx)
    due_date = due_date or invoices.usual_due_date(client, studio, issue_date)
    invoices.check_due(issue_date, due_date)
    _check_project(ctx, client.id, project_id)
    facts.setdefault("notes", studio.invoice_notes)
    usual = taxes.taxing(ctx, client, studio).usual
    if prices_include_tax is None:
        prices_include_tax = taxes.prices_include_tax(client, studio)
    made = _open(
        ctx,
        client,
        sums_of((), client.currency, usual=usual, prices_include_tax=prices_include_tax).totals,
        usual,
        issue_date=issue_date,
        issue_date_given=True,
        due_date=due_date,
        project_id=project_id,
        selection=Selection(project_ids=()).to_json(),
        **facts,
    )
    ctx.record("created", made)
    return made


def itemize(
    ctx: Context, invoice_id: str, lines: Sequence[CustomLine], *, taxed: bool | None = None, **facts: Any
) -> Draft:
    """Put exactly these lines on a draft that bills no recorded work. `taxed`: at the usual rate, or not at all.

    Other facts as in `change`: a `tax_rate_id`, for instance.
    """
    ctx.require(Permission.CHANGE_INVOICES)
    invoice = ctx.find(Invoice, invoice_id, lock="update")
    if any(line.kind != "CUSTOM" for line in invoices.lines(ctx, invoice.id)):
        raise Conflict("This invoice bills recorded time or expenses: its lines come from them, and are not replaced.")
    if taxed is not None:
        usual = taxes.taxing(ctx, ctx.find(Client, invoice.client_id), current(ctx)).usual
        if taxed and usual == NO_TAX:
            raise Absent(fields={"tax_rate": NO_USUAL})
        facts["treatment"] = usual if taxed else NO_TAX
    return change(ctx, invoice.id, lines=lines, **facts)


def change(ctx: Context, invoice_id: str, **facts: Any) -> Draft:
    """Change a draft. Facts are those of `draft`; `lines` replaces the custom lines, and the sums follow.

    A fact of the selection (dates, projects, grouping, expenses) releases the work and picks it anew. A fact of tax
    changes the lines that do not say it themselves; `treatment` is all such facts at once. With `taxed_by_line` off no
    line says anything of its tax, nor has a discount.
    """
    ctx.require(Permission.CHANGE_INVOICES)
    invoice = ctx.find(Invoice, invoice_id, lock="update")
    if invoice.status != "DRAFT":
        raise Conflict(ONLY_DRAFTS_CHANGE, reason="invoice_state")
    _check_facts(invoice, facts)
    warnings: list[Warned] = []
    changed: list[str] = []
    default: Treatment = facts.get("treatment") or invoice.default_treatment
    if facts.keys() & {"lines", *_TAXING}:
        taxing = taxes.taxing(ctx, ctx.find(Client, invoice.client_id), current(ctx))
        default = taxing.of(Said(**{name: facts[name] for name in _TAXING if name in facts}), default)
        if "lines" in facts:
            _replace_custom_lines(ctx, invoice, facts["lines"], partial(taxing.of, otherwise=default))
            changed.append("lines")
    if facts.keys() & _SELECTING:
        warnings = _rebuild(ctx, invoice, facts)
        changed.append("lines")
    drawn = invoices.lines(ctx, invoice.id)
    if facts.get("taxed_by_line") is False:
        for line in drawn:
            changed += ctx.change(line, tax_given=False, **_discounted(invoice, None))
    if changed and not drawn:
        raise _nothing_to_bill(invoice.bill_to_name or "this client", Selection.of(invoice), 0)
    plain = {name: facts[name] for name in _PLAIN if name in facts}
    if "receipt_ids" in facts:
        plain["receipt_ids"] = list(dict.fromkeys(facts["receipt_ids"] or ()))
        appendix.check_receipts(ctx, invoice.id, plain["receipt_ids"])
    if plain.get("project_id", invoice.project_id) != invoice.project_id:
        _check_project(ctx, invoice.client_id, plain["project_id"])
    if facts.get("category_id", invoice.category_id) != invoice.category_id:
        plain["category_id"] = categories.filed_under(ctx, "invoice", facts["category_id"])
    if "issue_date" in facts:
        plain["issue_date_given"] = facts["issue_date"] is not None
        plain["issue_date"] = facts["issue_date"] or ctx.today()
    invoices.check_due(plain.get("issue_date", invoice.issue_date), plain.get("due_date", invoice.due_date))
    including = facts.get("prices_include_tax")
    changed += settle(
        ctx,
        invoice,
        drawn,
        discount=facts.get("discount", UNSET),
        default=default,
        prices_include_tax=invoice.prices_include_tax if including is None else including,
        **plain,
    )
    if changed:
        ctx.record("updated", invoice)
    return Draft(invoice, drawn, warnings)


def change_line(ctx: Context, invoice_id: str, line_id: str, *, tax_as_usual: bool = False, **facts: Any) -> Draft:
    """Change one line of a draft: its description, heading, discount or tax; of a custom line also the rest.

    `tax_as_usual`: it says nothing of its tax any more. Lines of recorded work are as new when the work is picked anew.
    """
    ctx.require(Permission.CHANGE_INVOICES)
    invoice = ctx.find(Invoice, invoice_id, lock="update")
    if invoice.status != "DRAFT":
        raise Conflict(ONLY_DRAFTS_CHANGE, reason="invoice_state")
    drawn = invoices.lines(ctx, invoice.id)
    line = next((one for one in drawn if one.id == line_id), None)
    if line is None:
        raise NotFound("No such invoice line.")
    plain = {name: facts[name] for name in _OF_CUSTOM_LINES if name in facts}
    if line.kind != "CUSTOM" and plain:
        raise Invalid(fields=dict.fromkeys(plain, "comes from the recorded work, and changes with it"))
    if "description" in facts:
        plain["description"] = facts["description"].strip()
        if not plain["description"]:
            raise Invalid(fields={"description": "required"})
    if "heading" in facts:
        plain["heading"] = (facts["heading"] or "").strip() or None
    if "unit" in facts:
        plain["unit"] = (facts["unit"] or "").strip() or FIXED_FEE
    if facts.get("project_id") is not None:
        work.check_projects(work.client_projects(ctx, invoice.client_id), [facts["project_id"]], "project_id")
    discount = facts.get("discount", line.discount)
    quantity, rate = plain.get("quantity", line.quantity), plain.get("rate", line.rate)
    if line.kind == "CUSTOM":
        _check_line(plain.get("description", line.description), quantity, rate, discount, invoice.currency)
    elif discount is not None:
        taken_off(line_total(quantity, rate, invoice.currency), discount, invoice.currency, "discount", "the line")
    if "discount" in facts:
        plain |= _discounted(invoice, discount)
    if tax_as_usual:
        plain["tax_given"] = False
    elif facts.keys() & set(_TAXING):
        taxing = taxes.taxing(ctx, ctx.find(Client, invoice.client_id), current(ctx))
        treatment = taxing.of(Said(**{name: facts[name] for name in _TAXING if name in facts}), line.treatment)
        plain["tax_given"] = True
        plain["tax_category"], plain["tax_rate"], plain["tax_reason"], plain["tax_rate_id"] = treatment
    changed = ctx.change(line, **plain)
    changed += settle(ctx, invoice, drawn)
    if changed:
        ctx.record("updated", invoice)
    return Draft(invoice, drawn, [])


def delete(ctx: Context, invoice_id: str) -> None:
    """Throw a draft away. Its work is free again; no number is lost, it had none."""
    ctx.require(Permission.CHANGE_INVOICES)
    invoice = ctx.find(Invoice, invoice_id, lock="update")
    if invoice.status != "DRAFT":
        raise Conflict(ONLY_DRAFTS_GO, reason="invoice_state")
    work.release(ctx, invoice)
    invoices.change(ctx, invoice, deleted_at=ctx.now)
    ctx.record("deleted", invoice)


def duplicate(
    ctx: Context,
    invoice_id: str,
    *,
    client_id: str | None = None,
    issue_date: date | None = None,
    due_date: date | None = None,
    project_id: str | None = None,
) -> Draft:
    """A new draft with the same lines, as lines of one's own: hours are billed once, a copy has none of them.

    For the same client, or another whose invoices are in the same currency. No `issue_date`: the day it is sent.
    """
    ctx.require(Permission.CHANGE_INVOICES)
    original = ctx.find(Invoice, invoice_id)
    if client_id is None:
        client = ctx.find(Client, original.client_id, lock="share")
    else:
        client = ctx.reference(Client, client_id, "client_id", lock="share")
    elsewhere = client.id != original.client_id
    if elsewhere and client.currency != original.currency:
        raise Invalid(fields={"client_id": f"must be a client whose invoices are in {original.currency}"})
    day = issue_date or ctx.today()
    invoices.check_due(day, due_date)
    _check_project(ctx, client.id, project_id)
    copy = _open(
        ctx,
        client,
        Totals(**{name: getattr(original, name) for name in Totals._fields}),
        original.default_treatment,
        taxed_by_line=original.taxed_by_line,
        currency=original.currency,
        notes=original.notes,
        terms=original.terms,
        category_id=original.category_id,
        project_id=project_id,
        issue_date=day,
        issue_date_given=issue_date is not None,
        due_date=due_date,
        grouping=original.grouping,
        selection=Selection(project_ids=()).to_json(),
    )
    planned = [
        Planned(
            "CUSTOM", line.description, line.quantity, line.unit, line.rate, line.total,
            None if elsewhere else line.project_id, heading=line.heading,
            treatment=line.treatment if line.tax_given else None, sums=sums_on(line),
        )
        for line in invoices.lines(ctx, original.id)
    ]  # fmt: skip
    work.write(ctx, copy, planned)
    taxes.write(ctx, copy, [taxes.sums_on(tax) for tax in invoices.taxes(ctx, original.id)])
    ctx.record("created", copy)
    return Draft(copy, invoices.lines(ctx, copy.id), [])


def settle(
    ctx: Context,
    invoice: Invoice,
    lines: Sequence[InvoiceLine],
    *,
    discount: Discount | UnsetType | None = UNSET,
    default: Treatment | None = None,
    prices_include_tax: bool | None = None,
    **facts: Any,
) -> list[str]:
    """Sum a draft up anew and write what differs: its lines (all of them are given), taxes and totals, and the facts.

    Discount, default and kind of prices are what they were unless given. Answers the names of what changed.
    """
    default = invoice.default_treatment if default is None else default
    treatments = [line.treatment if line.tax_given else default for line in lines]
    sums = sums_of(
        [line.priced._replace(treatment=treatment) for line, treatment in zip(lines, treatments, strict=True)],
        invoice.currency,
        usual=default,
        discount=invoice.discount if discount is UNSET else discount,
        prices_include_tax=invoice.prices_include_tax if prices_include_tax is None else prices_include_tax,
    )
    other = [
        (line, treatment, line_sums)
        for line, treatment, line_sums in zip(lines, treatments, sums.lines, strict=True)
        if (line.treatment, sums_on(line)) != (treatment, line_sums)
    ]
    if other:
        work.rewrite_sums(ctx, invoice, other)
    changed = invoices.change(
        ctx,
        invoice,
        default_tax_category=default.category,
        default_tax_rate=default.rate,
        default_tax_reason=default.reason,
        default_tax_rate_id=default.tax_rate_id,
        **sums.totals._asdict(),
        **facts,
    )
    if taxes.write(ctx, invoice, sums.taxes) or other:
        changed.append("taxes")
    return changed


def sums_on(line: InvoiceLine) -> LineSums:
    """The sums that stand on a line."""
    return LineSums(**{name: getattr(line, name) for name in LineSums._fields})


def _discounted(invoice: Invoice, discount: Discount | None) -> dict[str, Any]:
    """The columns of a line with a discount, until the draft is summed up."""
    given = discount or Discount()
    amount = given.amount or Decimal(0)
    gross = amount if invoice.prices_include_tax else None
    return {"discount_percent": given.percent, "discount_amount": amount, "gross_discount": gross}


_PLAIN: Final = (
    "attach_receipts", "attach_timesheet", "due_date", "notes", "po_number", "project_id", "taxed_by_line", "terms",
)  # fmt: skip
_OF_CUSTOM_LINES: Final = ("quantity", "rate", "unit", "project_id")
_TAXING: Final = ("tax_rate", "tax_category", "tax_reason", "tax_rate_id")
_SELECTING: Final = frozenset(
    {"date_from", "date_to", "project_ids", "grouping", "include_expenses", "include_milestones", "include_fees"}
)
_CHANGEABLE: Final = _SELECTING | {
    "category_id",
    "client_id",
    "discount",
    "issue_date",
    "lines",
    "prices_include_tax",
    "receipt_ids",
    "treatment",
    *_PLAIN,
    *_TAXING,
}


def _open(ctx: Context, client: Client, totals: Totals, default: Treatment, **facts: Any) -> Invoice:
    """Add the row of a draft for a client."""
    facts.setdefault("currency", client.currency)
    return invoices.add(
        ctx,
        Invoice(
            client_id=client.id,
            number=invoices.provisional_number(),
            default_tax_category=default.category,
            default_tax_rate=default.rate,
            default_tax_reason=default.reason,
            default_tax_rate_id=default.tax_rate_id,
            **facts,
            **totals._asdict(),
            **invoices.bill_to(client),
            **invoices.issuer(current(ctx)),
        ),
    )


def _check_project(ctx: Context, client_id: str, project_id: str | None) -> None:
    """The project an invoice is about is its client's."""
    if project_id is not None and project_id not in work.client_projects(ctx, client_id):
        raise Absent(fields={"project_id": "no such project of this client"})


def _check_facts(invoice: Invoice, facts: dict[str, Any]) -> None:
    unknown = facts.keys() - _CHANGEABLE
    if unknown:
        raise TypeError(f"An invoice has no {', '.join(sorted(unknown))} to change.")
    if facts.get("client_id", invoice.client_id) != invoice.client_id:
        raise Invalid(fields={"client_id": "an invoice stays with its client; draft another one"})


def _known(grouping: Any) -> Grouping:
    if grouping not in GROUPINGS:
        raise Invalid(fields={"grouping": f"one of {', '.join(GROUPINGS)}"})
    return GROUPINGS[GROUPINGS.index(grouping)]


def _custom_lines(
    ctx: Context, client_id: str, lines: Sequence[CustomLine], currency: str, tax: Callable[[Said], Treatment]
) -> list[Planned]:
    wanted = [line.project_id for line in lines if line.project_id is not None]
    if wanted:
        work.check_projects(work.client_projects(ctx, client_id), wanted, "lines")
    planned: list[Planned] = []
    for number, line in enumerate(lines, 1):
        try:
            planned.append(_custom_line(line, currency, tax))
        except Invalid as refusal:
            field, why = next(iter(refusal.fields.items()))
            told = why if field == "lines" else f"{field.replace('_', ' ')}: {why}"
            raise type(refusal)(fields={"lines": f"line {number}: {told}"}) from None
    return planned


def _custom_line(line: CustomLine, currency: str, tax: Callable[[Said], Treatment]) -> Planned:
    total = _check_line(line.description, line.quantity, line.rate, line.discount, currency)
    return Planned(
        "CUSTOM",
        line.description.strip(),
        line.quantity,
        (line.unit or "").strip() or FIXED_FEE,
        line.rate,
        total,
        line.project_id,
        heading=(line.heading or "").strip() or None,
        discount=line.discount,
        treatment=None if line.tax.nothing else tax(line.tax),
    )


def _check_line(
    description: str, quantity: Decimal, rate: Decimal, discount: Discount | None, currency: str
) -> Decimal:
    """Refuse what no line can be; answers quantity × rate."""
    if not description.strip():
        raise Invalid(fields={"description": "required"})
    for name, value in (("quantity", quantity), ("rate", rate)):
        check_decimals(value, name)
    if quantity <= 0:
        raise Invalid(fields={"quantity": "must be more than 0"})
    if rate < 0:
        raise Invalid(fields={"rate": "must not be negative"})
    total = line_total(quantity, rate, currency)
    if total >= LARGEST:
        raise Invalid(fields={"rate": "comes to more than an invoice can hold"})
    if discount is not None:
        taken_off(total, discount, currency, "discount", "the line")
    return total


def _nothing_to_bill(client: str, selection: Selection, waiting: int) -> Invalid:
    if selection.project_ids == ():
        return Invalid("There is nothing to bill: add a line, or choose work.", reason="nothing_to_bill")
    days = ""
    if selection.date_from is not None:
        days += f" from {selection.date_from.isoformat()}"
    if selection.date_to is not None:
        days += f" until {selection.date_to.isoformat()}"
    if waiting:
        what = "1 time entry is" if waiting == 1 else f"{waiting} time entries are"
        return Invalid(
            f"There is nothing to bill yet: {what} not approved{days}, and this workspace bills only what is.",
            reason="nothing_to_bill",
        )
    return Invalid(
        f"There is nothing to bill: {client} has no unbilled work{days} that is billable and stopped. "
        "Choose other days or projects, or add a line of your own.",
        reason="nothing_to_bill",
    )


def _replace_custom_lines(
    ctx: Context, invoice: Invoice, lines: Sequence[CustomLine], tax: Callable[[Said], Treatment]
) -> None:
    planned = _custom_lines(ctx, invoice.client_id, lines, invoice.currency, tax)
    ctx.write(_DROP_CUSTOM_LINES, invoice_id=invoice.id)
    work.write(ctx, invoice, planned, first=len(invoices.lines(ctx, invoice.id)) + 1)


def _rebuild(ctx: Context, invoice: Invoice, facts: dict[str, Any]) -> list[Warned]:
    """Release the work of a draft and pick it anew by the changed selection. Custom lines stay, below."""
    was = Selection.of(invoice)
    project_ids = facts.get("project_ids", was.project_ids)
    selection = Selection(
        date_from=facts.get("date_from", was.date_from),
        date_to=facts.get("date_to", was.date_to),
        project_ids=None if project_ids is None else tuple(project_ids),
        include_expenses=facts.get("include_expenses", was.include_expenses),
        include_milestones=facts.get("include_milestones", was.include_milestones),
        include_fees=facts.get("include_fees", was.include_fees),
    )
    grouping = _known(facts.get("grouping", invoice.grouping))
    work.release(ctx, invoice)
    picked = work.pick(ctx, invoice.client_id, selection)
    invoices.change(ctx, invoice, grouping=grouping, selection=selection.to_json())
    return rewrite(ctx, invoice, picked)


def rewrite(ctx: Context, invoice: Invoice, picked: work.Picked) -> list[Warned]:
    """Put these lines of work in the place of those that a draft had; its work was released before."""
    grouping: Grouping = invoice.grouping  # type: ignore[assignment]  # the CHECK says so
    rounding = ctx.find(Client, invoice.client_id).rounding(current(ctx))
    planned, warnings = work.plan(picked, grouping, rounding, invoice.currency)
    work.clear(ctx, invoice)
    custom = invoices.lines(ctx, invoice.id)
    ctx.write(
        _MOVE_CUSTOM_LINES,
        invoice_id=invoice.id,
        below=len(planned),
        first=min((c.position for c in custom), default=1),
    )
    work.write(ctx, invoice, planned)
    return warnings


_CUSTOM: Final = "workspace_id = :workspace AND invoice_id = :invoice_id AND kind = 'CUSTOM'"
_DROP_CUSTOM_LINES = Prepared(text(f"DELETE FROM invoice_lines WHERE {_CUSTOM}"))
_MOVE_CUSTOM_LINES = Prepared(
    text(f"UPDATE invoice_lines SET position = position - :first + 1 + :below WHERE {_CUSTOM}")
)
