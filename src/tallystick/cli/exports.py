"""`tallystick export`: everything of a workspace as one zip."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tallystick.cli.console import CommandError, Data, Json, open_database, say
from tallystick.cli.workspaces import Which, inside
from tallystick.domain import exports
from tallystick.domain.context import open_workspace, utc_now
from tallystick.domain.entering import enter


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("export", epilog="Example: tallystick export --output studio.zip")(export)


def export(
    output: Annotated[Path, typer.Option(help="The file to write; it must not be there yet.", dir_okay=False)],
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Write everything of a workspace into a zip: tables as CSV and JSON Lines, receipts, issued documents."""
    with open_database(data=data) as operator:
        with inside(operator, workspace) as ctx:
            workspace_id, named = ctx.actor.workspace_id, ctx.actor.workspace_name
            enter(ctx)
        try:
            with output.open("xb") as file, operator.database.transaction() as connection:
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                connection.execute("SET LOCAL statement_timeout = 0")
                connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
                open_workspace(connection, workspace_id)
                size = exports.write(
                    connection,
                    workspace_id,
                    named,
                    sink=lambda content: void(file.write(content)),
                    ahead=void,
                    at=utc_now(),
                )
        except OSError as error:
            raise CommandError(f"{output} cannot be written: {error.strerror}.") from None
    say({"file": str(output), "size": size}, json=json, text=f"Wrote {output} ({size:,} bytes).")


def void(_told: int) -> None:
    """Nobody is told."""
