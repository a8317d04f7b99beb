"""`tallystick cards`: payments by card through Stripe."""

from __future__ import annotations

import sys
from decimal import Decimal
from typing import Annotated, Any

import typer

from tallystick.cli.console import CommandError, Data, Json, open_database, say
from tallystick.cli.invoices import Number, decimal, find_invoice
from tallystick.cli.workspaces import Which, inside, print_rows
from tallystick.domain.cards import checkouts, settings
from tallystick.domain.cards.checkouts import CardCheckout
from tallystick.domain.cards.settings import CardSettings, Method
from tallystick.domain.context import Context
from tallystick.domain.invoices.invoice import Invoice
from tallystick.values.money import decimal_text


def register(app: typer.Typer) -> None:
    """Add the commands."""
    commands = typer.Typer(help="Payments by card through Stripe.", no_args_is_help=True)
    commands.command("set", epilog="Example: tallystick cards set --keys-stdin --fee 2.9 < keys.txt")(change)
    commands.command("show")(show)
    commands.command("checkout", epilog="Example: tallystick cards checkout INV-0007")(checkout)
    commands.command("list", epilog="Example: tallystick cards list --flagged")(list_all)
    app.add_typer(commands, name="cards")


def change(
    *,
    keys_stdin: Annotated[
        bool,
        typer.Option("--keys-stdin", help="Read two lines: the secret key, and the secret of the webhook endpoint."),
    ] = False,
    method: Annotated[
        Method | None,
        typer.Option("--method", case_sensitive=False, help="How invoices are paid.", show_default=False),
    ] = None,
    fee: Annotated[
        Decimal | None,
        typer.Option("--fee", parser=decimal, metavar="PERCENT", help="Paid on top, at most 10; 0 for none."),
    ] = None,
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Say how cards are taken; what is left out stays."""
    facts: dict[str, Any] = {}
    if method is not None:
        facts["method"] = method
    if fee is not None:
        facts["fee_percent"] = fee or None
    if keys_stdin:
        lines = [line.strip() for line in sys.stdin.read().splitlines() if line.strip()]
        if len(lines) != 2:
            raise CommandError("Standard input must have two lines: the secret key (sk_…), and the secret (whsec_…).")
        facts |= {"secret_key": lines[0], "webhook_secret": lines[1]}
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        row = _row(ctx, settings.change(ctx, **facts))
    say(row, json=json, text=_sentence(row))


def show(workspace: Which = None, data: Data = None, json: Json = False) -> None:
    """Show how cards are taken, and the address to register at Stripe."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        row = _row(ctx, settings.read(ctx))
    say(row, json=json, text=_sentence(row))


def checkout(number: Number, workspace: Which = None, data: Data = None, json: Json = False) -> None:
    """Print the address of a page where the balance of an invoice is paid by card."""
    with open_database(data=data) as operator:
        with inside(operator, workspace) as ctx:
            invoice_id = find_invoice(ctx, number).id
        made = checkouts.open_checkout(lambda: inside(operator, workspace), invoice_id)
    row = {"url": made.url, "amount": decimal_text(made.amount), "fee": decimal_text(made.fee)}
    say(row, json=json, text=made.url or "")


def list_all(
    flagged: Annotated[bool, typer.Option("--flagged", help="Only those that somebody has to look at.")] = False,
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """List checkouts and what became of them, the latest first."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        found = [one for one in ctx.select(CardCheckout) if not flagged or one.status == "FLAGGED"]
        found.sort(key=lambda one: one.id, reverse=True)
        rows: list[dict[str, object]] = [
            {
                "invoice": ctx.find(Invoice, one.invoice_id).number,
                "status": one.status,
                "amount": decimal_text(one.amount),
                "fee": decimal_text(one.fee),
                "currency": one.currency,
                "session": one.session_id,
                "note": one.note,
            }
            for one in found
        ]
    print_rows(rows, json=json, empty="No checkouts.")


def _row(ctx: Context, found: CardSettings) -> dict[str, object]:
    return {
        "method": found.method,
        "fee_percent": None if found.fee_percent is None else decimal_text(found.fee_percent),
        "takes_cards": found.takes_cards,
        "webhook_url": f"{ctx.server.public_url}/stripe/webhook/{ctx.actor.workspace_id}",
    }


def _sentence(row: dict[str, object]) -> str:
    taken = "Cards are taken" if row["takes_cards"] else "Cards are not taken: the keys are missing"
    fee = f", with a fee of {row['fee_percent']} %" if row["fee_percent"] else ""
    return f"{taken}{fee}. Invoices are paid by {row['method']}. The address for Stripe is {row['webhook_url']}"
