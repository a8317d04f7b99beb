"""`tallystick workspace`: found, list, close and erase them, set their plan; and how commands are told which one."""

from __future__ import annotations

import contextlib
import getpass
import sys
from collections.abc import Generator, Mapping, Sequence
from typing import Annotated, cast

import typer
from rich.markup import escape
from rich.table import Table

from tallystick.auth.passwords import hash_password, problem_with
from tallystick.cli.console import CommandError, Data, Json, Operator, open_database, out, print_json, say
from tallystick.domain import closing, members, workspaces
from tallystick.domain.access import Plan
from tallystick.domain.context import Context, utc_now
from tallystick.domain.members import MEMBERS
from tallystick.values.duration import is_zone
from tallystick.values.errors import NotFound
from tallystick.values.ids import new_id

Which = Annotated[
    str | None,
    typer.Option(
        "--workspace",
        "-w",
        help="The workspace, by name or id; not needed where there is only one.",
        show_default=False,
    ),
]
"""The option of every command that works inside a workspace."""

Named = Annotated[str, typer.Argument(help="Its name or id.")]

EVERYBODY = 10_000
"""More members than a workspace has."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    commands = typer.Typer(
        help="Found workspaces, list them, set their plan, close and erase them.", no_args_is_help=True
    )
    commands.command(
        "create",
        epilog="Example: tallystick workspace create 'Studio North' --currency EUR --time-zone Europe/Berlin "
        "--owner-email ada@studio.example --owner-name Ada",
    )(create)
    commands.command("list")(list_all)
    commands.command("set-plan", epilog="Example: tallystick workspace set-plan 'Studio North' studio")(set_plan)
    commands.command("close", epilog="Example: tallystick workspace close 'Studio North'")(close)
    commands.command("reopen", epilog="Example: tallystick workspace reopen 'Studio North'")(reopen)
    commands.command("erase", epilog="Example: tallystick workspace erase 'Studio North' --name 'Studio North'")(erase)
    app.add_typer(commands, name="workspace")


@contextlib.contextmanager
def inside(operator: Operator, which: str | None) -> Generator[Context]:
    """One transaction inside the workspace that was named, or inside the only one."""
    if which is None:
        known = operator.workspaces()
        if not known:
            raise CommandError("There is no workspace yet. Found one: tallystick workspace create --help")
        if len(known) > 1:
            names = ", ".join(name for _, name, _ in known)
            raise CommandError(f"There is more than one workspace: {names}. Say which one with --workspace.")
        which = known[0][0]
    with operator.workspace(which) as ctx:
        yield ctx


def create(
    name: Annotated[str, typer.Argument(help="What the studio is called.")],
    *,
    currency: Annotated[str, typer.Option("--currency", help="What it bills in unless told otherwise, as EUR.")],
    time_zone: Annotated[str, typer.Option("--time-zone", help="Where its days begin, as Europe/Berlin.")],
    owner_email: Annotated[str, typer.Option("--owner-email", help="The e-mail with which the owner signs in.")],
    owner_name: Annotated[str, typer.Option("--owner-name", help="The owner's name.")],
    plan: Annotated[Plan, typer.Option("--plan", help="What it may use; agency is everything.")] = "agency",
    owner_password_stdin: Annotated[
        bool, typer.Option("--owner-password-stdin", help="Read the owner's password, one line, from standard input.")
    ] = False,
    data: Data = None,
    json: Json = False,
) -> None:
    """Found a workspace with its owner. Somebody known by that e-mail keeps their sign-in."""
    name = filled(name, "The name")
    if not is_zone(time_zone):
        raise CommandError(f"{time_zone} is no time zone. Write one such as Europe/Berlin.")
    password = _password(words=(name, owner_email, owner_name)) if owner_password_stdin else None
    with open_database(data=data) as operator:
        if password is not None and _is_known(operator, owner_email):
            raise CommandError(f"{owner_email} has a sign-in already and keeps its password. Leave the password out.")
        with operator.transaction(new_id(), workspace_name=name) as ctx:
            studio = workspaces.found(ctx, name=name, currency=currency, time_zone=time_zone, plan=plan)
            owner = members.add(
                ctx,
                email=owner_email,
                name=filled(owner_name, "The owner's name"),
                role="OWNER",
                password_hash=None if password is None else hash_password(password),
            )
            email = members.read(ctx, owner.id).email
    result = {
        "id": studio.id,
        "name": studio.name,
        "plan": studio.plan,
        "currency": studio.default_currency,
        "time_zone": studio.time_zone,
        "owner": email,
    }
    say(result, json=json, text=f"Founded {studio.name} ({studio.id}), owned by {email}.")


def list_all(data: Data = None, json: Json = False) -> None:
    """List all workspaces."""
    found: list[dict[str, object]] = []
    with open_database(data=data) as operator:
        for workspace_id, name, plan in operator.workspaces():
            with operator.transaction(workspace_id, workspace_name=name) as ctx:
                studio = workspaces.read(ctx)
                found.append(
                    {
                        "id": workspace_id,
                        "name": name,
                        "plan": plan,
                        "currency": studio.default_currency,
                        "time_zone": studio.time_zone,
                        "owner": _owner(ctx),
                        "members": len(MEMBERS.page(ctx, ("id",), {}, limit=EVERYBODY).rows),
                    }
                )
    print_rows(found, json=json, empty="There is no workspace yet.")


def set_plan(
    workspace: Annotated[str, typer.Argument(help="Its name or id.")],
    plan: Annotated[Plan, typer.Argument(help="free, studio or agency.")],
    data: Data = None,
    json: Json = False,
) -> None:
    """Set what a workspace may use. A self-hosted one has everything (agency) unless you want less."""
    with open_database(data=data) as operator, operator.workspace(workspace) as ctx:
        studio = workspaces.change(ctx, plan=plan)
    say(
        {"id": studio.id, "name": studio.name, "plan": studio.plan},
        json=json,
        text=f"{studio.name} has the plan {studio.plan}.",
    )


def close(workspace: Named, data: Data = None, json: Json = False) -> None:
    """Close a workspace: nobody but its owner is let in, nothing in it goes on, and after 30 days it is erased."""
    with open_database(data=data) as operator, operator.workspace(workspace) as ctx:
        studio = closing.close(ctx, name=ctx.actor.workspace_name)
    erased = closing.erased_at(studio.closed_at or ctx.now)
    said = f"{studio.name} is closed. It is erased for good after {erased:%Y-%m-%d %H:%M} UTC; reopen takes it back."
    say(
        {"id": studio.id, "name": studio.name, "closed_at": studio.closed_at, "erased_at": erased}, json=json, text=said
    )


def reopen(workspace: Named, data: Data = None, json: Json = False) -> None:
    """Take a closed workspace back, as it was."""
    with open_database(data=data) as operator, operator.workspace(workspace) as ctx:
        studio = closing.reopen(ctx)
    say({"id": studio.id, "name": studio.name, "closed_at": None}, json=json, text=f"{studio.name} is open again.")


def erase(
    workspace: Named,
    *,
    name: Annotated[
        str, typer.Option("--name", prompt="Its name, to erase it for good", help="Its name, typed once more.")
    ],
    data: Data = None,
    json: Json = False,
) -> None:
    """Erase a closed workspace for good, without waiting for the 30 days: all its rows, and who is in no other."""
    with open_database(data=data) as operator:
        workspace_id, named, _ = operator.find_workspace(workspace)
        if name.strip() != named.strip():
            raise CommandError(f"The name is not the one of the workspace: {named}. Nothing is erased.")
        with operator.owner() as connection:
            if not closing.erase(connection, workspace_id, utc_now()):
                raise CommandError(f"{named} is not closed. Close it first: tallystick workspace close --help")
    say({"id": workspace_id, "name": named, "erased": True}, json=json, text=f"{named} is erased.")


def print_rows(rows: Sequence[Mapping[str, object]], *, json: bool, empty: str) -> None:
    """A list of like things: JSON for programs, a table for people."""
    if json:
        print_json(rows)
        return
    if not rows:
        out.print(empty)
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in rows[0]:
        table.add_column(name.replace("_", " "), no_wrap=name == "id")
    for row in rows:
        table.add_row(*(escape(_cell(value)) for value in row.values()))
    out.print(table)


def filled(text: str, what: str) -> str:
    """A text that says something, without blanks around it."""
    text = text.strip()
    if not text or not text.isprintable():
        raise CommandError(f"{what} must not be empty, nor hold control characters.")
    return text


def _cell(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(one) for one in cast("list[object]", value))
    return "" if value is None else str(value)


def _password(words: tuple[str, ...]) -> str:
    """One line; a person at the keyboard types it unseen."""
    password = getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    problem = problem_with(password, words=words)
    if problem is not None:
        raise CommandError(problem)
    return password


def _is_known(operator: Operator, email: str) -> bool:
    with operator.owner() as connection:
        known = connection.execute("SELECT 1 FROM people WHERE email = %s", [email.strip().lower()]).fetchone()
    return known is not None


def _owner(ctx: Context) -> str | None:
    try:
        return members.read(ctx, members.owner(ctx).id).email
    except NotFound:
        return None
