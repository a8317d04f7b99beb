"""`tallystick audit`: who did what in a workspace, and the proof that nobody rewrote it."""

from __future__ import annotations

import json as standard_json
from typing import Annotated, Any

import typer

from tallystick.cli.console import CommandError, Data, Json, open_database, say
from tallystick.cli.workspaces import Which, inside, print_rows
from tallystick.domain import audit
from tallystick.domain.audit import Entry
from tallystick.domain.entering import enter


def register(app: typer.Typer) -> None:
    """Add the commands."""
    commands = typer.Typer(help="The audit log: who did what, and that nobody rewrote it.", no_args_is_help=True)
    commands.command("list", epilog="Example: tallystick audit list --limit 20")(list_all)
    commands.command("verify", epilog="Example: tallystick audit verify")(verify)
    app.add_typer(commands, name="audit")


def list_all(
    limit: Annotated[int, typer.Option(help="How many entries, the newest first.", min=1, max=10_000)] = 50,
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """List entries of the audit log, the newest first."""
    with open_database(data=data) as operator:
        with inside(operator, workspace) as ctx:
            enter(ctx)
        with inside(operator, workspace) as ctx:
            found, _ = audit.page(ctx, limit=limit)
    print_rows([_row(entry) for entry in found], json=json, empty="Nothing happened yet.")


def verify(workspace: Which = None, data: Data = None, json: Json = False) -> None:
    """Check the chain of every entry. Exit code 1 where an entry or one of its events was changed or removed."""
    with open_database(data=data) as operator:
        with inside(operator, workspace) as ctx:
            enter(ctx)
        with inside(operator, workspace) as ctx:
            broken, length = list(audit.broken(ctx)), audit.length(ctx)
    if broken:
        shown = ", ".join(str(number) for number in broken[:20])
        raise CommandError(f"The audit log was tampered with at {len(broken)} of {length} entries: {shown}.")
    say({"entries": length, "broken": broken}, json=json, text=f"All {length} entries are as they were written.")


def _row(entry: Entry) -> dict[str, object]:
    origin: dict[str, Any] = standard_json.loads(entry.origin) if entry.origin else {}
    events: list[dict[str, Any]] = standard_json.loads(entry.events)
    return {
        "number": entry.sequence,
        "when": entry.occurred_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "who": entry.actor_name or "operator",
        "action": origin.get("action"),
        "what": ", ".join(dict.fromkeys(str(event["type"]) for event in events)),
    }
