"""`tallystick member reset-link` and `second-factor-off`: for whoever lost what they sign in with."""

from __future__ import annotations

from typing import Annotated

import typer

from tallystick.auth.sessions import Place, offer_password_link, places_of
from tallystick.cli.console import CommandError, Data, Json, Operator, open_database, say
from tallystick.domain import members
from tallystick.domain.sessions import LINK_LIFETIME


def register(app: typer.Typer) -> None:
    """Add the command to the group `member`, which may be there already."""
    group = next((one.typer_instance for one in app.registered_groups if one.name == "member"), None)
    if group is None:
        group = typer.Typer(help="Who belongs to a workspace, and what they may do.", no_args_is_help=True)

        @group.callback()
        def member() -> None:  # pyright: ignore[reportUnusedFunction] - typer's; with it one command is still named
            pass

        app.add_typer(group, name="member")
    group.command("reset-link", epilog="Example: tallystick member reset-link lin@studio.example")(reset_link)
    group.command("second-factor-off", epilog="Example: tallystick member second-factor-off lin@studio.example")(
        second_factor_off
    )


def reset_link(
    email: Annotated[str, typer.Argument(help="Their e-mail.")], data: Data = None, json: Json = False
) -> None:
    """Print a link with which a person sets their password, once, within a day. Links made before end."""
    address = email.strip().lower()
    with open_database(data=data) as operator:
        place = _place_of(operator, address)
        with operator.transaction(place.id, workspace_name=place.name) as ctx:
            member = members.by_email(ctx, address)
            secret = offer_password_link(ctx, operator.key, member.user_id)
            expires_at = ctx.now + LINK_LIFETIME
        link = f"{operator.settings.public_url}/reset/{secret}"
    say(
        {"email": address, "link": link, "expires_at": expires_at},
        json=json,
        text=f"{link}\nGive it to {address} by a safe way. It works once, until {expires_at:%Y-%m-%d %H:%M} UTC.",
    )


def second_factor_off(
    email: Annotated[str, typer.Argument(help="Their e-mail.")], data: Data = None, json: Json = False
) -> None:
    """Let somebody sign in with the password alone, who lost their authenticator and backup codes."""
    address = email.strip().lower()
    with open_database(data=data) as operator:
        place = _place_of(operator, address)
        with operator.transaction(place.id, workspace_name=place.name) as ctx:
            members.turn_off_second_factor(ctx, members.by_email(ctx, address).user_id)
    say({"email": address, "second_factor": False}, json=json, text=f"{address} signs in with the password alone.")


def _place_of(operator: Operator, address: str) -> Place:
    """A workspace of theirs: people are reached through one."""
    with operator.database.transaction() as connection:
        places = places_of(connection, address)
    if not places:
        raise CommandError(f"Nobody with the e-mail {address} belongs to a workspace.")
    return places[0]
