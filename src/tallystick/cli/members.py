"""`tallystick member`: who belongs to a workspace, and what they may do."""

from __future__ import annotations

from typing import Annotated

import typer

from tallystick.cli.console import Data, Json, open_database, say
from tallystick.cli.workspaces import EVERYBODY, Which, filled, inside, print_rows
from tallystick.domain import members, time_entries
from tallystick.domain.access import Role
from tallystick.domain.members import MEMBERS

Email = Annotated[str, typer.Argument(help="Their e-mail.")]
RoleOption = Annotated[Role, typer.Option("--role", case_sensitive=False, help="What they may do.")]
RoleArgument = Annotated[Role, typer.Argument(case_sensitive=False, help="What they may do from now on.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    commands = typer.Typer(help="Who belongs to a workspace, and what they may do.", no_args_is_help=True)
    commands.command(
        "add", epilog="Example: tallystick member add lin@studio.example --name 'Lin Park' --role MANAGER"
    )(add)
    commands.command("list")(list_all)
    commands.command("set-role", epilog="Example: tallystick member set-role lin@studio.example ADMIN")(set_role)
    commands.command("remove", epilog="Example: tallystick member remove lin@studio.example")(remove)
    app.add_typer(commands, name="member")


def add(
    email: Email,
    *,
    name: Annotated[str, typer.Option("--name", help="Their name.")],
    role: RoleOption,
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Add a person. Somebody known by that e-mail joins with their own sign-in; a former member comes back."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        added = members.add(ctx, email=email, name=filled(name, "The name"), role=role)
        member = members.read(ctx, added.id)
    result = {"id": member.id, "user_id": member.user_id, "email": member.email, "name": member.name, "role": role}
    say(result, json=json, text=f"Added {member.name} <{member.email}> as {role}.")


def list_all(workspace: Which = None, data: Data = None, json: Json = False) -> None:
    """List the members of a workspace."""
    columns = ("id", "user_id", "email", "name", "role")
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        rows = MEMBERS.page(ctx, columns, {}, sort="role", limit=EVERYBODY).rows
    found: list[dict[str, object]] = [dict(zip(columns, row, strict=True)) for row in rows]
    print_rows(found, json=json, empty="Nobody yet.")


def set_role(email: Email, role: RoleArgument, workspace: Which = None, data: Data = None, json: Json = False) -> None:
    """Change what a member may do. OWNER hands the workspace over: the owner until now becomes ADMIN."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        member = members.set_role(ctx, members.by_email(ctx, email), role)
    say({"id": member.id, "user_id": member.user_id, "role": role}, json=json, text=f"{email} is {role} now.")


def remove(email: Email, workspace: Which = None, data: Data = None, json: Json = False) -> None:
    """End a membership: their timer stops, their tokens end at once, their time stays."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        member = members.by_email(ctx, email)
        time_entries.let_go(ctx, member)
    say({"id": member.id, "user_id": member.user_id, "removed": True}, json=json, text=f"Removed {email}.")
