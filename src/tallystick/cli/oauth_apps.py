"""`tallystick oauth-app`: the programs that may ask people for access."""

from __future__ import annotations

import contextlib
from typing import Annotated

import typer

from tallystick.auth import oauth2
from tallystick.cli.console import CommandError, Data, Json, err, open_database, out, print_json, say
from tallystick.cli.workspaces import Which, inside
from tallystick.domain import oauth
from tallystick.domain.oauth import OAuthApp
from tallystick.values.errors import NotFound
from tallystick.values.ids import parse_id


def register(app: typer.Typer) -> None:
    """Add the commands."""
    commands = typer.Typer(help="Apps that may ask people for access (OAuth 2).", no_args_is_help=True)
    commands.command(
        "create", epilog="Example: tallystick oauth-app create Charts --redirect https://charts.example/callback"
    )(create)
    commands.command("list", epilog="Example: tallystick oauth-app list")(list_all)
    commands.command("revoke", epilog="Example: tallystick oauth-app revoke 0192d3a4-5b6c-7def-8123-456789abcdef")(
        revoke
    )
    app.add_typer(commands, name="oauth-app")


def create(
    name: Annotated[str, typer.Argument(help="What people are asked to allow.")],
    *,
    redirect: Annotated[
        list[str], typer.Option("--redirect", help="Where people go back to: https, or http on 127.0.0.1 or [::1].")
    ],
    confidential: Annotated[
        bool, typer.Option("--confidential", help="It runs on a server and can keep a secret.")
    ] = False,
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Register an app. A confidential one gets a secret, which is shown this one time."""
    secret = oauth2.mint("secret") if confidential else None
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        digest = None if secret is None else oauth2.digest(operator.key, secret)
        app = oauth.create_app(ctx, name=name, redirect_uris=redirect, secret_digest=digest)
    if json:
        print_json({**_row(app), "client_secret": secret})
        return
    out.print(f"client_id      {app.id}", markup=False)
    if secret is not None:
        out.print(f"client_secret  {secret}", markup=False)
        err.print("Keep the secret now: it is not shown again.")


def list_all(workspace: Which = None, data: Data = None, json: Json = False) -> None:
    """List the apps of a workspace, newest first."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        found = oauth.apps(ctx)
    if json:
        print_json([_row(app) for app in found])
        return
    for app in found:
        kind = "public" if app.secret_digest is None else "confidential"
        out.print(f"{app.id}  {kind}  {app.name}  {' '.join(app.redirect_uris)}", markup=False)
    if not found:
        out.print("No apps.")


def revoke(
    client_id: Annotated[str, typer.Argument(help="As oauth-app list shows it.")], data: Data = None, json: Json = False
) -> None:
    """End an app, and with it everything that people granted to it. The very next request of it is refused."""
    wanted = parse_id(client_id.strip())
    with open_database(data=data) as operator:
        for workspace_id, name, _ in operator.workspaces() if wanted else ():
            with operator.transaction(workspace_id, workspace_name=name) as ctx, contextlib.suppress(NotFound):
                app = oauth.revoke_app(ctx, str(wanted))
                say({"client_id": app.id, "revoked_at": app.revoked_at}, json=json, text=f"Revoked {app.name}.")
                return
    raise CommandError(f"There is no app {client_id}.")


def _row(app: OAuthApp) -> dict[str, object]:
    return {
        "client_id": app.id,
        "name": app.name,
        "redirect_uris": app.redirect_uris,
        "confidential": app.secret_digest is not None,
        "created_at": app.created_at,
    }
