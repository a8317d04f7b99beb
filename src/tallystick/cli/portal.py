"""`tallystick portal`: a link for somebody at a client, and who looks."""

from __future__ import annotations

from typing import Annotated

import typer

from tallystick.cli.console import Data, Json, open_database, say
from tallystick.cli.invoices import find_client
from tallystick.cli.workspaces import Which, inside, print_rows
from tallystick.domain import portal

Client = Annotated[str, typer.Argument(help="The client, by name or id.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    commands = typer.Typer(help="What clients see of their work and invoices.", no_args_is_help=True)
    commands.command("send", epilog="Example: tallystick portal send Globex --email ada@globex.example")(send)
    commands.command("sessions")(sessions)
    commands.command("end")(end)
    app.add_typer(commands, name="portal")


def send(
    client: Client,
    email: Annotated[str | None, typer.Option(help="One of the client's addresses; the first unless told.")] = None,
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Mail somebody at a client a link to the portal; it works once, within 30 minutes."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        mail = portal.send_link(ctx, find_client(ctx, client).id, email)
    say(
        {"id": mail.id, "state": mail.state, "to": mail.recipients},
        json=json,
        text=f"Queued a portal link to {mail.recipients[0]}.",
    )


def sessions(client: Client, workspace: Which = None, data: Data = None, json: Json = False) -> None:
    """List who at a client can look now."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        found: list[dict[str, object]] = [
            {"email": one.email, "last_seen_at": one.last_seen_at, "expires_at": one.expires_at, "address": one.address}
            for one in portal.sessions_of(ctx, find_client(ctx, client).id)
        ]
    print_rows(found, json=json, empty="Nobody is signed in.")


def end(client: Client, workspace: Which = None, data: Data = None, json: Json = False) -> None:
    """End every session of a client's people."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        count = portal.end_sessions(ctx, find_client(ctx, client).id)
    say({"ended": count}, json=json, text=f"Ended {count}.")
