"""`tallystick invoice`: from unbilled work to a draft, sent, and paid."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import typer
from msgspec import UNSET
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree
from sqlalchemy import bindparam

from tallystick.cli.console import CommandError, Data, Json, err, open_database, out, print_json, say
from tallystick.cli.workspaces import Which, inside, print_rows
from tallystick.db.base import Tenant
from tallystick.domain import explanations, payments, refunds
from tallystick.domain.access import Permission
from tallystick.domain.client_credit import of_client
from tallystick.domain.clients import Client
from tallystick.domain.context import Context
from tallystick.domain.credit_notes import credit as crediting
from tallystick.domain.credit_notes import papers as credit_papers
from tallystick.domain.credit_notes.credit import CreditLine
from tallystick.domain.credit_notes.credit_note import CreditNote
from tallystick.domain.invoices import appendix, balance, conformity, lifecycle
from tallystick.domain.invoices import draft as drafts
from tallystick.domain.invoices import series as number_series
from tallystick.domain.invoices.draft import Draft
from tallystick.domain.invoices.invoice import INVOICES, Grouping, Invoice, InvoiceLine, Status, lines_of
from tallystick.domain.invoices.series import Kind
from tallystick.domain.invoices.totals import Discount
from tallystick.domain.listing import After
from tallystick.domain.projects import Project
from tallystick.values.document import Profile
from tallystick.values.ids import parse_id
from tallystick.values.money import decimal_text, round_money
from tallystick.values.tax import TaxCategory

_NUMBER: Final = re.compile(r"[0-9]{1,14}(\.[0-9]{1,4})?", re.ASCII)


def day(text: str) -> date:
    """A day as typed; what is none is a usage error."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text} is no day; write it as 2026-11-20.") from None


def decimal(text: str) -> Decimal:
    """An amount as typed."""
    if _NUMBER.fullmatch(text.strip()) is None:
        raise typer.BadParameter(f"{text} is no amount; write it as 1250 or 1250.50.")
    return Decimal(text.strip())


def discount(text: str) -> Discount:
    """An amount, or a percentage with its sign."""
    if text.strip().endswith("%"):
        return Discount(percent=decimal(text.strip().removesuffix("%")))
    return Discount(amount=decimal(text))


ClientArgument = Annotated[str, typer.Argument(help="Whom to bill, by name or id.")]
ProfileOption = Annotated[
    Profile | None,
    typer.Option("--format", case_sensitive=False, help="The profile; else the client's.", show_default=False),
]
Number = Annotated[str, typer.Argument(help="The invoice, by its number or id.")]
Either = Annotated[str, typer.Argument(metavar="NUMBER", help="The invoice or credit note, by its number or id.")]
Named = TypeVar("Named", bound=Tenant)

PAGE: Final = 200
LISTED: Final = ("number", "status", "bill_to_name", "currency", "total", "balance", "issue_date", "due_date", "id")


def _on_day(flag: str, about: str) -> Any:
    return typer.Option(flag, parser=day, metavar="DATE", show_default=False, help=about)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    commands = typer.Typer(help="From unbilled work to a draft, sent, and paid.", no_args_is_help=True)
    commands.command(
        "draft", epilog="Example: tallystick invoice draft Globex --from 2026-11-01 --to 2026-11-30 --expenses"
    )(draft)
    commands.command("mark-sent", epilog="Example: tallystick invoice mark-sent DRAFT-1A2B3C4D")(mark_sent)
    commands.command("pay", epilog="Example: tallystick invoice pay INV-0007 1250.00 --on 2026-11-18")(pay)
    commands.command("credit", epilog="Example: tallystick invoice credit INV-0007 --reason 'Billed twice'")(credit)
    commands.command("credit-notes", epilog="Example: tallystick invoice credit-notes --client Globex")(credit_notes)
    commands.command("apply-credit", epilog="Example: tallystick invoice apply-credit INV-0008")(apply_credit)
    commands.command("client-credit", epilog="Example: tallystick invoice client-credit Globex")(client_credit)
    commands.command("refund", epilog="Example: tallystick invoice refund INV-0007 --amount 250 --on 2026-11-20")(
        refund
    )
    commands.command("write-off", epilog="Example: tallystick invoice write-off INV-0007 --reason Insolvent")(write_off)
    commands.command(
        "series", epilog="Example: tallystick invoice series invoice --prefix 'INV-{{yyyy}}-' --yearly --next 120"
    )(series)
    commands.command("pdf", epilog="Example: tallystick invoice pdf INV-0007 --out invoice.pdf")(pdf)
    commands.command("explain", epilog="Example: tallystick invoice explain INV-0007")(explain)
    commands.command("xml", epilog="Example: tallystick invoice xml INV-0007 --format xrechnung --output INV-0007.xml")(
        xml
    )
    commands.command("ready", epilog="Example: tallystick invoice ready Globex --format peppol")(ready)
    commands.command("list", epilog="Example: tallystick invoice list --client Globex --unpaid")(list_all)
    app.add_typer(commands, name="invoice")


def draft(
    client: ClientArgument,
    *,
    date_from: Annotated[date | None, _on_day("--from", "Work from this day on, as 2026-11-01.")] = None,
    date_to: Annotated[date | None, _on_day("--to", "Work up to this day, with it.")] = None,
    project: Annotated[
        list[str] | None,
        typer.Option(
            "--project",
            metavar="PROJECT",
            help="Only this project, by name or id; may be said again.",
            show_default=False,
        ),
    ] = None,
    grouping: Annotated[
        Grouping, typer.Option("--grouping", case_sensitive=False, help="What one line holds.")
    ] = "PROJECT_TASK",
    expenses: Annotated[bool, typer.Option("--expenses", help="Bill expenses too.")] = False,
    milestones: Annotated[
        bool, typer.Option("--milestones/--no-milestones", help="Bill reached milestones of fixed fees.")
    ] = True,
    fees: Annotated[bool, typer.Option("--fees", help="Bill what milestones leave of fixed fees.")] = False,
    discount: Annotated[
        Discount | None,
        typer.Option("--discount", parser=discount, metavar="AMOUNT|PERCENT%", help="Taken off: 100 or 5%."),
    ] = None,
    tax_rate: Annotated[
        Decimal | None,
        typer.Option("--tax-rate", parser=decimal, metavar="PERCENT", help="Else the client's or the workspace's."),
    ] = None,
    tax_category: Annotated[
        TaxCategory | None,
        typer.Option("--tax-category", case_sensitive=False, help="By the rate unless told.", show_default=False),
    ] = None,
    tax_reason: Annotated[
        str | None, typer.Option("--tax-reason", help="Why it is not taxed, in your own words.", show_default=False)
    ] = None,
    prices_include_tax: Annotated[
        bool | None,
        typer.Option(
            "--gross/--net",
            help="Whether rates have the tax in them; else as client or workspace say.",
            show_default=False,
        ),
    ] = None,
    notes: Annotated[str | None, typer.Option("--notes", help="Else the workspace's.", show_default=False)] = None,
    po_number: Annotated[str | None, typer.Option("--po-number", help="The client's order number.")] = None,
    with_timesheet: Annotated[bool, typer.Option("--with-timesheet", help="The client gets the hours, too.")] = False,
    with_receipts: Annotated[bool, typer.Option("--with-receipts", help="And the receipts of its expenses.")] = False,
    issue_date: Annotated[date | None, _on_day("--issue-date", "Else the day on which it is sent.")] = None,
    due_date: Annotated[date | None, _on_day("--due-date", "Else by the terms of the client.")] = None,
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Draft an invoice from a client's unbilled work. What is on it is locked until the draft is deleted."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        billed = find_client(ctx, client)
        made = drafts.draft(
            ctx,
            client_id=billed.id,
            date_from=date_from,
            date_to=date_to,
            project_ids=None if not project else [find_project(ctx, billed, one).id for one in project],
            grouping=grouping,
            include_expenses=expenses,
            include_milestones=milestones,
            include_fees=fees,
            discount=discount,
            tax_rate=UNSET if tax_rate is None else tax_rate,
            tax_category=tax_category,
            tax_reason=UNSET if tax_reason is None else tax_reason,
            prices_include_tax=prices_include_tax,
            notes=notes,
            po_number=po_number,
            attach_timesheet=with_timesheet,
            attach_receipts=with_receipts,
            issue_date=issue_date,
            due_date=due_date,
        )
    if json:
        print_json(
            {
                "invoice": _row(made.invoice, billed.name),
                "lines": [_line(line, made.invoice.currency) for line in made.lines],
                "warnings": [{"code": one.code, "message": one.message} for one in made.warnings],
            }
        )
    else:
        _print_draft(made, billed.name)


def mark_sent(number: Number, workspace: Which = None, data: Data = None, json: Json = False) -> None:
    """Give a draft its number and dates. From now on it cannot change."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        invoice = lifecycle.mark_sent(ctx, find_invoice(ctx, number).id)
        row = _row(invoice, invoice.bill_to_name)
    say(row, json=json, text=f"{invoice.number} is sent: {row['total']} {invoice.currency}, due {invoice.due_date}.")


def pay(
    number: Number,
    amount: Annotated[Decimal, typer.Argument(parser=decimal, metavar="AMOUNT", help="In the invoice's currency.")],
    *,
    on: Annotated[date | None, _on_day("--on", "The day it came in; else today.")] = None,
    note: Annotated[str | None, typer.Option("--note", help="A word about it.", show_default=False)] = None,
    external_id: Annotated[
        str | None,
        typer.Option("--external-id", help="What the bank calls it: recorded once, however often you ask."),
    ] = None,
    fee: Annotated[
        Decimal | None,
        typer.Option("--fee", parser=decimal, metavar="AMOUNT", help="Collected on top, for processing it."),
    ] = None,
    surplus_is_credit: Annotated[
        bool, typer.Option("--surplus-is-credit", help="What is more than the balance becomes the client's credit.")
    ] = False,
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Record money received for an invoice, up to its balance. What settles it makes it paid."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        found = find_invoice(ctx, number)
        payment, invoice = payments.record(
            ctx,
            found.id,
            amount=amount,
            paid_on=on or ctx.today(),
            note=note,
            external_id=external_id,
            fee=fee,
            overpayment="credit" if surplus_is_credit else None,
        )
        row = _row(invoice, invoice.bill_to_name)
    left = "It is paid." if invoice.status == "PAID" else f"{row['balance']} {invoice.currency} are open."
    received = _money(payment.amount, payment.currency)
    if payment.surplus:
        left += f" {_money(payment.surplus, payment.currency)} {payment.currency} are the client's credit."
    result = {
        "payment_id": payment.id,
        "amount": received,
        "surplus": _money(payment.surplus, payment.currency),
        "paid_on": payment.paid_on,
        "invoice": row,
    }
    say(result, json=json, text=f"Recorded {received} {payment.currency} for {invoice.number}. {left}")


def credit(
    number: Number,
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why; the client reads it.")],
    line: Annotated[
        list[str] | None,
        typer.Option(
            "--line",
            metavar="NUMBER[=AMOUNT]",
            help="Only of this line, counted from 1: all of it, or an amount. May be said again.",
            show_default=False,
        ),
    ] = None,
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Take back an invoice, or some of it, with a credit note of its own number."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        found = find_invoice(ctx, number)
        lines = None if not line else [_credit_line(one, lines_of(ctx, found.id)) for one in line]
        note, invoice = crediting.credit(ctx, found.id, reason=reason, lines=lines)
        row = _row(invoice, invoice.bill_to_name)
    total = _money(note.total, note.currency)
    result = {"credit_note_id": note.id, "number": note.number, "total": total, "invoice": row}
    text = f"{note.number} credits {total} {note.currency} of {invoice.number}."
    if note.surplus:
        text += f" {_money(note.surplus, note.currency)} {note.currency} were paid, and are the client's credit."
    say(result, json=json, text=text)


def credit_notes(
    client: Annotated[
        str | None, typer.Option("--client", help="Only this client's, by name or id.", show_default=False)
    ] = None,
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """List credit notes, newest first."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        ctx.require(Permission.READ_INVOICES)
        given = None if client is None else find_client(ctx, client).id
        where = () if given is None else (CreditNote.client_id == bindparam("client"),)
        found = ctx.select(CreditNote, *where, **({} if given is None else {"client": given}))
        numbers = {one.id: one.number for one in ctx.select(Invoice)}
    rows: list[dict[str, object]] = [
        {
            "number": one.number,
            "invoice": numbers[one.invoice_id],
            "total": _money(one.total, one.currency),
            "currency": one.currency,
            "issue_date": one.issue_date,
            "reason": one.reason,
        }
        for one in sorted(found, key=lambda one: one.serial, reverse=True)
    ]
    print_rows(rows, json=json, empty="No credit notes.")


def _credit_line(said: str, lines: Sequence[InvoiceLine]) -> CreditLine:
    place, _, amount = said.partition("=")
    if not place.isascii() or not place.isdigit() or not 1 <= int(place) <= len(lines):
        raise CommandError(f"There is no line {place}: the invoice has lines 1 to {len(lines)}.")
    return CreditLine(lines[int(place) - 1].id, decimal(amount) if amount else None)


def apply_credit(
    number: Number,
    amount: Annotated[
        Decimal | None,
        typer.Option("--amount", parser=decimal, metavar="AMOUNT", help="Else as much as the credit covers."),
    ] = None,
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Pay an invoice with the credit of its client."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        payment, invoice = payments.apply_credit(ctx, find_invoice(ctx, number).id, amount=amount)
        row = _row(invoice, invoice.bill_to_name)
    spent = _money(payment.amount, payment.currency)
    left = "It is paid." if invoice.status == "PAID" else f"{row['balance']} {invoice.currency} are open."
    result = {"payment_id": payment.id, "amount": spent, "invoice": row}
    say(result, json=json, text=f"Paid {spent} {payment.currency} of {invoice.number} with credit. {left}")


def client_credit(client: ClientArgument, workspace: Which = None, data: Data = None, json: Json = False) -> None:
    """Show what a client has as credit, for other invoices or to be paid back."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        found = of_client(ctx, find_client(ctx, client).id)
    rows: list[dict[str, object]] = [
        {"currency": one.currency, "amount": _money(one.amount, one.currency)} for one in found.balances
    ]
    print_rows(rows, json=json, empty="No credit.")


def refund(
    number: Number,
    *,
    payment_id: Annotated[
        str | None,
        typer.Option(
            "--payment", help="Of this payment, by its id; not needed where there is only one.", show_default=False
        ),
    ] = None,
    amount: Annotated[
        Decimal | None,
        typer.Option("--amount", parser=decimal, metavar="AMOUNT", help="Else all that is left of the payment."),
    ] = None,
    on: Annotated[date | None, _on_day("--on", "The day it went out; else today.")] = None,
    note: Annotated[str | None, typer.Option("--note", help="A word about it.", show_default=False)] = None,
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Record money returned of a payment. What was no credit of the client's is open on the invoice again."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        found = find_invoice(ctx, number)
        if payment_id is None:
            left = [one for one in payments.of_invoice(ctx, found.id) if not one.from_credit and one.status == "paid"]
            if len(left) != 1:
                ids = ", ".join(one.id for one in left) or "none"
                raise CommandError(f"Say which payment of {found.number} with --payment: {ids}.")
            payment_id = left[0].id
        made, payment, invoice = refunds.record(
            ctx, found.id, payment_id, amount=amount, refunded_on=on or ctx.today(), note=note
        )
        row = _row(invoice, invoice.bill_to_name)
    returned = _money(made.amount, made.currency)
    result = {"refund_id": made.id, "payment_id": payment.id, "amount": returned, "invoice": row}
    text = f"Returned {returned} {made.currency} of {invoice.number}. {row['balance']} {invoice.currency} are open."
    say(result, json=json, text=text)


def write_off(
    number: Number,
    *,
    reason: Annotated[str | None, typer.Option("--reason", help="Why it will not come.", show_default=False)] = None,
    take_back: Annotated[bool, typer.Option("--take-back", help="Expect it again.")] = False,
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Wait no longer for what is open of an invoice; it is neither paid nor cancelled by that."""
    if (reason is None) != take_back:
        raise CommandError("Say either why it is written off, with --reason, or --take-back.")
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        found = find_invoice(ctx, number).id
        invoice = balance.expect_again(ctx, found) if reason is None else balance.write_off(ctx, found, reason=reason)
        row = _row(invoice, invoice.bill_to_name)
    lost = f"{row['amount_written_off']} {invoice.currency} of {invoice.number} are written off."
    open_again = f"{row['balance']} {invoice.currency} of {invoice.number} are open again."
    say(row, json=json, text=open_again if take_back else lost)


def series(
    kind: Annotated[Kind | None, typer.Argument(help="Which to change; none: show both.", show_default=False)] = None,
    *,
    prefix: Annotated[
        str | None,
        typer.Option("--prefix", help="In front; may hold {{yyyy}}, {{yy}}, {{mm}}, {{dd}}.", show_default=False),
    ] = None,
    digits: Annotated[int | None, typer.Option("--digits", help="At least so many digits.", show_default=False)] = None,
    yearly: Annotated[
        bool | None, typer.Option("--yearly/--no-yearly", help="Begin anew with each year.", show_default=False)
    ] = None,
    next_number: Annotated[
        int | None, typer.Option("--next", help="Go on with this number.", show_default=False)
    ] = None,
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Show how invoices and credit notes are numbered, or change it."""
    told = {"prefix": prefix, "digits": digits, "yearly_reset": yearly, "next": next_number}
    changes: dict[str, Any] = {name: value for name, value in told.items() if value is not None}
    if kind is None and changes:
        raise CommandError("Say which series: invoice or credit_note.")
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        if kind is not None and changes:
            number_series.change(ctx, kind, **changes)
        found = [one for one in number_series.read(ctx) if kind in (None, one.kind)]
    rows: list[dict[str, object]] = [
        {
            "kind": one.kind,
            "prefix": one.prefix,
            "digits": one.digits,
            "yearly_reset": one.yearly_reset,
            "next": one.next,
            "next_number": one.next_number,
        }
        for one in found
    ]
    print_rows(rows, json=json, empty="No series.")


def pdf(
    number: Either,
    *,
    file: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Else NUMBER.pdf, here.", dir_okay=False)
    ] = None,
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Write an invoice or a credit note as PDF."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        found = find_either(ctx, number)
        made = (appendix if isinstance(found, Invoice) else credit_papers).pdf(ctx, found.id)
        content = made.make()
    path = file or Path(made.name)
    try:
        path.write_bytes(content)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from None
    say({"file": str(path), "bytes": len(content)}, json=json, text=f"{path}: {len(content) // 1024 + 1} KiB.")


def explain(number: Number, workspace: Which = None, data: Data = None, json: Json = False) -> None:
    """Show where each figure comes from, from the balance down to the seconds that were tracked."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        step = explanations.of_invoice(ctx, find_invoice(ctx, number).id)
    if json:
        print_json(_facts_of(step))
        return
    tree = Tree(_told(step))
    _grow(tree, step)
    out.print(tree)


def xml(
    number: Either,
    *,
    profile: ProfileOption = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write; else standard output.", show_default=False)
    ] = None,
    workspace: Which = None,
    data: Data = None,
) -> None:
    """Write an invoice or a credit note as data (EN 16931)."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        found = find_either(ctx, number)
        made = (conformity if isinstance(found, Invoice) else credit_papers).xml(ctx, found.id, profile)
    if output is None:
        typer.echo(made.make(), nl=False)
        return
    try:
        output.write_bytes(made.make())
    except OSError as error:
        raise CommandError(f"{output} cannot be written: {error.strerror}.") from None
    out.print(f"{made.number} is in {output} ({made.profile}).", markup=False, soft_wrap=True)


def ready(
    client: ClientArgument,
    *,
    profile: ProfileOption = None,
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Ask the official rules whether a client's invoices would conform. Exits 1, and says what to do, where not."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        found = find_client(ctx, client)
        ask = conformity.readiness(ctx, found.id)
        chosen = profile or conformity.profile_of(found)
    asked = [one for one in ask() if chosen in (None, one.profile)]
    if json:
        print_json([{"profile": one.profile, "ready": one.ready, "problems": [each._asdict() for each in one.problems]}
                    for one in asked])  # fmt: skip
    for one in () if json else asked:
        out.print(f"{one.profile}: {'ready' if one.ready else 'not ready'}", markup=False)
        for each in one.problems:
            out.print(f"  {each.rule}  {each.field}\n    {each.message}\n    {each.remedy}", markup=False)
    if not all(one.ready for one in asked):
        raise typer.Exit(1)


def list_all(
    status: Annotated[
        Status | None, typer.Option("--status", case_sensitive=False, help="Only these.", show_default=False)
    ] = None,
    client: Annotated[
        str | None, typer.Option("--client", help="Only this client's, by name or id.", show_default=False)
    ] = None,
    *,
    unpaid: Annotated[bool, typer.Option("--unpaid", help="Only sent ones with a balance.")] = False,
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """List invoices, newest first."""
    if unpaid and status not in (None, "SENT"):
        raise CommandError(f"{status} invoices have no open balance: leave --status or --unpaid out.")
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        client_id = None if client is None else find_client(ctx, client).id
        found = _pages(ctx, status="SENT" if unpaid else status, client_id=client_id)
        today = ctx.today()
    rows = [_listed(dict(zip(LISTED, one, strict=True)), today) for one in found]
    if unpaid:
        rows = [row for row in rows if Decimal(str(row["balance"])) > 0]
    if not json:  # a number names an invoice well enough
        rows = [{name: value for name, value in row.items() if name != "id"} for row in rows]
    print_rows(rows, json=json, empty="No invoices.")


# --- finding what was named


def find_client(ctx: Context, named: str) -> Client:
    if (identity := parse_id(named)) is not None:
        return ctx.find(Client, identity)
    found = ctx.select(Client, Client.name == bindparam("name"), Client.deleted_at.is_(None), name=named)
    return only(found, "client", named)


def find_project(ctx: Context, client: Client, named: str) -> Project:
    """A project of a client by its name or its id."""
    if (identity := parse_id(named)) is not None:
        return ctx.find(Project, identity)
    found = ctx.select(
        Project,
        Project.name == bindparam("name"),
        Project.client_id == bindparam("client"),
        Project.deleted_at.is_(None),
        name=named,
        client=client.id,
    )
    return only(found, f"project of {client.name}", named)


def find_invoice(ctx: Context, named: str) -> Invoice:
    """An invoice by its number or its id."""
    if (identity := parse_id(named)) is not None:
        return ctx.find(Invoice, identity)
    found = ctx.select(Invoice, Invoice.number == bindparam("number"), Invoice.deleted_at.is_(None), number=named)
    return only(found, "invoice", named)


def find_either(ctx: Context, named: str) -> Invoice | CreditNote:
    """An invoice or a credit note by its number or its id: no number is of both."""
    column, value = ("number", named) if parse_id(named) is None else ("id", named.lower())
    found: list[Invoice | CreditNote] = [
        *ctx.select(Invoice, getattr(Invoice, column) == bindparam("one"), Invoice.deleted_at.is_(None), one=value),
        *ctx.select(CreditNote, getattr(CreditNote, column) == bindparam("one"), one=value),
    ]
    return only(found, "invoice or credit note", named)


def only(found: Sequence[Named], what: str, named: str) -> Named:
    if not found:
        raise CommandError(f"There is no {what} called {named}.")
    if len(found) > 1:
        ids = ", ".join(one.id for one in found)
        raise CommandError(f"More than one {what} is called {named}. Name it by its id: {ids}.")
    return found[0]


# --- showing


def _pages(ctx: Context, **filters: str | None) -> list[tuple[Any, ...]]:
    """All invoices, a page at a time."""
    found: list[tuple[Any, ...]] = []
    after: After | None = None
    while True:
        page = INVOICES.page(ctx, LISTED, filters, limit=PAGE, after=after)
        found += page.rows
        after = page.after
        if after is None:
            return found


def _facts_of(step: explanations.Step) -> dict[str, object]:
    return {
        "what": step.what, "text": step.text, "value": step.value, "unit": step.unit, "resource": step.resource,
        "resource_id": step.resource_id, "steps": [_facts_of(one) for one in step.steps],
    }  # fmt: skip


def _told(step: explanations.Step) -> str:
    value = "" if step.value is None else f" {step.value} {step.unit or ''}".rstrip()
    return escape(f"{step.what}{value}: {step.text}")


def _grow(tree: Tree, step: explanations.Step) -> None:
    for one in step.steps:
        _grow(tree.add(_told(one)), one)


def _listed(one: dict[str, Any], today: date) -> dict[str, object]:
    overdue = one["status"] == "SENT" and one["due_date"] < today and one["balance"] > 0
    return {
        "number": one["number"],
        "client": one["bill_to_name"],
        "status": f"{one['status']} (overdue)" if overdue else one["status"],
        "total": _money(one["total"], one["currency"]),
        "balance": _money(one["balance"], one["currency"]),
        "currency": one["currency"],
        "issue_date": one["issue_date"],
        "due_date": one["due_date"],
        "id": one["id"],
    }


def _row(invoice: Invoice, client: str | None) -> dict[str, object]:
    """An invoice for programs."""
    amounts = (
        "subtotal", "discount_amount", "tax_amount", "total", "amount_paid", "amount_credited", "amount_refunded",
        "amount_written_off", "balance",
    )  # fmt: skip
    return {
        "id": invoice.id,
        "number": invoice.number,
        "client": client,
        "status": invoice.status,
        "payment_status": invoice.payment_status,
        "currency": invoice.currency,
        **{name: _money(getattr(invoice, name), invoice.currency) for name in amounts},
        "tax_rate": None if invoice.tax_rate is None else decimal_text(invoice.tax_rate),
        "issue_date": invoice.issue_date,
        "due_date": invoice.due_date,
    }


def _line(line: InvoiceLine, currency: str) -> dict[str, str]:
    return {
        "description": line.description,
        "quantity": decimal_text(line.quantity),
        "unit": line.unit,
        "rate": decimal_text(line.rate),
        "total": _money(line.total, currency),
    }


def _print_draft(made: Draft, client: str) -> None:
    invoice = made.invoice
    currency = invoice.currency
    out.print(f"{invoice.number} for {client}, in {currency}", markup=False)
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("description")
    for name in ("quantity", "unit", "rate", "total"):
        table.add_column(name, justify="left" if name == "unit" else "right")
    for line in made.lines:
        table.add_row(*(escape(value) for value in _line(line, currency).values()))
    for name in ("subtotal", "discount_amount", "tax_amount", "total"):
        if name in ("subtotal", "total") or getattr(invoice, name):
            table.add_row(name.removesuffix("_amount"), "", "", "", _money(getattr(invoice, name), currency))
    out.print(table)
    for warning in made.warnings:
        err.print(f"Mind: {warning.message}", style="yellow", markup=False)


def _money(amount: Decimal, currency: str) -> str:
    """With the decimals of its currency."""
    return f"{round_money(amount, currency):f}"
