"""`tallystick apikey`: keys of a workspace, for the Grow CRM-compatible API."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from sqlalchemy import bindparam

from tallystick.auth import api_keys as texts
from tallystick.cli.console import CommandError, Data, Json, err, open_database, print_json, say
from tallystick.cli.workspaces import Which, filled, inside, print_rows
from tallystick.domain import api_keys
from tallystick.domain.api_keys import ApiKey

PREFIX: Final = re.compile(r"(?:hgk_)?([0-9a-f]{12})(?:_[0-9A-Za-z]{32})?", re.ASCII)
"""Also a whole key: whoever found one may end it with what they have."""


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
    match = PREFIX.fullmatch(prefix.strip())
    if match is None:
        raise CommandError("Name a key by its prefix, the twelve characters that tallystick apikey list shows.")
    wanted = match[1]
    with open_database(data=data) as operator:
        known = operator.workspaces() if workspace is None else [operator.find_workspace(workspace)]
        for workspace_id, name, _ in known:
            with operator.transaction(workspace_id, workspace_name=name) as ctx:
                for key in ctx.select(ApiKey, ApiKey.prefix == bindparam("prefix"), prefix=wanted):
                    ended = key.revoked_at
                    api_keys.revoke(ctx, key)
                    text = f"Revoked {key.name} ({wanted})." if ended is None else f"{wanted} was revoked before."
                    say({"prefix": wanted, "revoked_at": key.revoked_at}, json=json, text=text)
                    return
    raise CommandError(f"There is no API key with the prefix {wanted}.")


def _row(key: ApiKey) -> dict[str, object]:
    return {
        "prefix": key.prefix,
        "name": key.name,
        "state": "live" if key.revoked_at is None else "revoked",
        "last_used_at": _at(key.last_used_at),
        "created_at": _at(key.created_at),
    }


def _at(instant: datetime | None) -> str | None:
    return None if instant is None else instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
