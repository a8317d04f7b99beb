"""`tallystick token`: credentials for programs that act as a member."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Final

import typer

from tallystick.auth import tokens as texts
from tallystick.cli.console import CommandError, Data, Json, err, open_database, print_json
from tallystick.cli.credentials import Kind, at, end
from tallystick.cli.workspaces import EVERYBODY, Which, filled, inside, print_rows
from tallystick.domain import members, tokens
from tallystick.domain.access import SCOPES, Scope
from tallystick.domain.members import MEMBERS
from tallystick.domain.tokens import Token

LONGEST_DAYS: Final = 3650
KIND: Final = Kind("token", "a token", "token", "hsk_(?:live|test)_")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    commands = typer.Typer(help="Access tokens, with which programs act as a member.", no_args_is_help=True)
    commands.command(
        "create", epilog="Example: tallystick token create lin@studio.example --name Reports --scope read --expires 90d"
    )(create)
    commands.command("list", epilog="Example: tallystick token list lin@studio.example")(list_all)
    commands.command("revoke", epilog="Example: tallystick token revoke 3f9c0a7be214")(revoke)
    app.add_typer(commands, name="token")


def create(
    email: Annotated[str, typer.Argument(help="The member whom the program acts for.")],
    *,
    name: Annotated[str, typer.Option("--name", help="What it is for, to tell it from others.")],
    scope: Annotated[
        list[str] | None,
        typer.Option("--scope", metavar="read|write", help="What it may do; both unless told.", show_default=False),
    ] = None,
    expires: Annotated[str, typer.Option("--expires", help="In days (90d), a date (2027-01-31), or never.")] = "365d",
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Make a token and show it, this one time. It alone goes to standard output, for a pipe or a file."""
    for one in scope or ():
        if one not in SCOPES:
            raise typer.BadParameter(f"{one} is no scope; there are {' and '.join(SCOPES)}.", param_hint="--scope")
    scopes: tuple[Scope, ...] = tuple(one for one in SCOPES if not scope or one in scope)
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        member = members.by_email(ctx, email)
        text = texts.mint(operator.settings.env)
        shape = texts.shape(text)
        assert shape is not None  # noqa: S101 - it was just made
        token = tokens.issue(
            ctx,
            user_id=member.user_id,
            name=filled(name, "The name"),
            prefix=shape.prefix,
            digest=texts.digest(operator.key, text),
            scopes=scopes,
            expires_at=expiry(expires, ctx.now),
        )
    if json:
        print_json({"token": text, **_row(token, email, datetime.now(UTC))})
        return
    ends = "It does not expire." if token.expires_at is None else f"It expires on {token.expires_at:%Y-%m-%d}."
    err.print(f"A token of {email} to {' and '.join(scopes)}. Keep it now: it is not shown again. {ends}", markup=False)
    typer.echo(text)


def list_all(
    email: Annotated[str | None, typer.Argument(help="Only this member's.", show_default=False)] = None,
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """List tokens, newest first: what is known of them, never the tokens themselves."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        people = dict(MEMBERS.page(ctx, ("user_id", "email"), {}, limit=EVERYBODY).rows)
        user_id = None if email is None else members.by_email(ctx, email).user_id
        found = tokens.all_of(ctx) if user_id is None else tokens.of_member(ctx, user_id)
        rows = [_row(token, people.get(token.user_id), ctx.now) for token in found]
    print_rows(rows, json=json, empty="No tokens.")


def revoke(
    prefix: Annotated[str, typer.Argument(help="The twelve characters after hsk_live_, as token list shows them.")],
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """End a token; the very next request with it is refused. All workspaces are searched unless one is named."""
    end(KIND, Token, tokens.revoke, prefix, workspace=workspace, data=data, json=json)


def expiry(said: str, now: datetime) -> datetime | None:
    """`90d` from now, the end of a day in UTC, or never."""
    said = said.strip().lower()
    if said == "never":
        return None
    days = re.fullmatch(r"([0-9]{1,5})d", said)
    if days and 1 <= int(days[1]) <= LONGEST_DAYS:
        return now + timedelta(days=int(days[1]))
    try:
        end = datetime.combine(date.fromisoformat(said), time(23, 59, 59), UTC)
    except ValueError:
        end = now
    if end <= now:
        raise CommandError(
            f"--expires {said} cannot be meant. Write days from 1d to {LONGEST_DAYS}d, a date to come, or never."
        )
    return end


def _row(token: Token, email: str | None, now: datetime) -> dict[str, object]:
    state = "live" if tokens.is_live(token, now) else "expired" if token.revoked_at is None else "revoked"
    return {
        "prefix": token.prefix,
        "member": email,
        "name": token.name,
        "scopes": token.scopes,
        "state": state,
        "expires_at": at(token.expires_at),
        "last_used_at": at(token.last_used_at),
        "created_at": at(token.created_at),
    }
