"""`tallystick automatic-billing`: tracked time that bills itself."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated

import typer

from tallystick.cli.console import Data, Json, open_database, say
from tallystick.cli.invoices import ClientArgument, day, decimal, find_client
from tallystick.cli.workspaces import Which, inside, print_rows
from tallystick.domain.clients import Client
from tallystick.domain.invoices.invoice import Grouping
from tallystick.domain.recurring import automatic_billing
from tallystick.domain.recurring.automatic_billing import AutomaticBilling, Every
from tallystick.values.money import decimal_text
from tallystick.values.recurrence import Weekday


def register(app: typer.Typer) -> None:
    """Add the commands."""
    commands = typer.Typer(help="Tracked time that bills itself.", no_args_is_help=True)
    commands.command("set", epilog="Example: tallystick automatic-billing set Globex --every MONTH --send")(arrange)
    commands.command("list")(list_all)
    commands.command("runs", epilog="Example: tallystick automatic-billing runs Globex")(runs)
    commands.command("stop", epilog="Example: tallystick automatic-billing stop Globex")(stop)
    app.add_typer(commands, name="automatic-billing")


def arrange(
    client: ClientArgument,
    *,
    every: Annotated[Every, typer.Option("--every", case_sensitive=False, help="A period, or so much unbilled.")],
    weekday: Annotated[
        Weekday | None,
        typer.Option("--weekday", case_sensitive=False, help="The last day of a week; else SU.", show_default=False),
    ] = None,
    month_day: Annotated[
        int | None,
        typer.Option("--month-day", min=-28, max=31, help="The last day of a month's period; else -1, its last one."),
    ] = None,
    amount: Annotated[
        Decimal | None, typer.Option("--amount", parser=decimal, metavar="AMOUNT", help="With AMOUNT: so much, net.")
    ] = None,
    hours: Annotated[
        Decimal | None, typer.Option("--hours", parser=decimal, metavar="HOURS", help="With HOURS: so many.")
    ] = None,
    send: Annotated[bool, typer.Option("--send", help="Issue each invoice; else it is left as a draft.")] = False,
    grouping: Annotated[
        Grouping, typer.Option("--grouping", case_sensitive=False, help="What one line holds.")
    ] = "PROJECT_TASK",
    expenses: Annotated[bool, typer.Option("--expenses", help="Bill expenses too.")] = False,
    minimum: Annotated[
        Decimal | None,
        typer.Option("--minimum", parser=decimal, metavar="AMOUNT", help="Less, net, waits for the next period."),
    ] = None,
    period_ends: Annotated[
        date | None,
        typer.Option("--period-ends", parser=day, metavar="DATE", help="The last day of the first period."),
    ] = None,
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Let a client's unbilled work bill itself, in this way and no other."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        billed = find_client(ctx, client)
        found = automatic_billing.arrange(
            ctx,
            billed.id,
            every=every,
            weekday=weekday,
            month_day=month_day,
            amount=amount,
            hours=hours,
            mode="SEND" if send else "DRAFT",
            grouping=grouping,
            include_expenses=expenses,
            minimum_amount=minimum,
            period_ends_on=period_ends,
        )
        row = _row(found, billed)
    until = f", next when {found.period_ends_on} is over" if found.period_ends_on else ""
    say(row, json=json, text=f"The work for {billed.name} bills itself{until}.")


def list_all(workspace: Which = None, data: Data = None, json: Json = False) -> None:
    """List the clients whose work bills itself."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        rows = [_row(one, ctx.find(Client, one.client_id)) for one in ctx.select(AutomaticBilling)]
    print_rows(sorted(rows, key=lambda row: str(row["client"])), json=json, empty="No work bills itself.")


def runs(client: ClientArgument, workspace: Which = None, data: Data = None, json: Json = False) -> None:
    """Show what became of a client's periods."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        found = automatic_billing.runs(ctx, find_client(ctx, client).id)
    rows: list[dict[str, object]] = [
        {
            "period_to": one.period_to,
            "outcome": one.outcome,
            "invoice": one.invoice_id,
            "note": one.note or one.failure,
        }
        for one in found
    ]
    print_rows(rows, json=json, empty="Nothing yet.")


def stop(client: ClientArgument, workspace: Which = None, data: Data = None, json: Json = False) -> None:
    """Let a client's work wait for somebody to bill it."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        billed = find_client(ctx, client)
        automatic_billing.stop(ctx, billed.id)
    say({"client": billed.name}, json=json, text=f"The work for {billed.name} waits for somebody to bill it.")


def _row(found: AutomaticBilling, client: Client) -> dict[str, object]:
    def shown(value: Decimal | None) -> str | None:
        return None if value is None else decimal_text(value)

    return {
        "client": client.name,
        "every": found.every,
        "when": found.weekday or found.month_day or shown(found.amount) or shown(found.hours),
        "mode": found.mode,
        "minimum": shown(found.minimum_amount),
        "period_ends_on": found.period_ends_on,
        "failure": found.failure,
    }
