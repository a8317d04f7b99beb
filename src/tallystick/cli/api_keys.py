"""`tallystick apikey`: keys of a workspace, for the Grow CRM-compatible API."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from tallystick.auth import api_keys as texts
from tallystick.cli.console import Data, Json, err, open_database, print_json
from tallystick.cli.credentials import Kind, at, end
from tallystick.cli.workspaces import Which, filled, inside, print_rows
from tallystick.domain import api_keys
from tallystick.domain.api_keys import ApiKey

KIND: Final = Kind("API key", "a key", "apikey", "hgk_")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    commands = typer.Typer(help="API keys, with which programs act as the workspace's owner.", no_args_is_help=True)
    commands.command("create", epilog="Example: tallystick apikey create Bookkeeping")(create)
    commands.command("list", epilog="Example: tallystick apikey list")(list_all)
    commands.command("revoke", epilog="Example: tallystick apikey revoke 3f9c0a7be214")(revoke)
    app.add_typer(commands, name="apikey")


def create(
    name: Annotated[str, typer.Argument(help="What it is for, to tell it from others.")],
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Make a key and show it, this one time. It alone goes to standard output, for a pipe or a file."""
    text = texts.mint()
    prefix = texts.prefix_of(text)
    assert prefix is not None  # noqa: S101 - it was just made
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        digest = texts.digest(operator.key, text)
        key = api_keys.issue(ctx, name=filled(name, "The name"), prefix=prefix, digest=digest)
    if json:
        print_json({"key": text, **_row(key)})
        return
    err.print(
        "A key with all rights of the owner, on the Grow CRM-compatible API. Keep it now: it is not shown again.",
        markup=False,
    )
    typer.echo(text)


def list_all(workspace: Which = None, data: Data = None, json: Json = False) -> None:
    """List keys, newest first: what is known of them, never the keys themselves."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        rows = [_row(key) for key in api_keys.all_of(ctx)]
    print_rows(rows, json=json, empty="No API keys.")


def revoke(
    prefix: Annotated[str, typer.Argument(help="The twelve characters after hgk_, as apikey list shows them.")],
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """End a key; the very next request with it is refused. All workspaces are searched unless one is named."""
    end(KIND, ApiKey, api_keys.revoke, prefix, workspace=workspace, data=data, json=json)


def _row(key: ApiKey) -> dict[str, object]:
    return {
        "prefix": key.prefix,
        "name": key.name,
        "state": "live" if key.revoked_at is None else "revoked",
        "last_used_at": at(key.last_used_at),
        "created_at": at(key.created_at),
    }
