"""`tallystick mail`: through whom a workspace's mail goes, and what became of each letter."""

from __future__ import annotations

import sys
from typing import Annotated, Any, Literal

import typer

from tallystick.cli.console import CommandError, Data, Json, open_database, say
from tallystick.cli.workspaces import EVERYBODY, Which, inside, print_rows
from tallystick.domain.context import Context
from tallystick.domain.mails import mail as mails
from tallystick.domain.mails import settings as mail_settings
from tallystick.domain.mails.mail import MAILS, State
from tallystick.domain.mails.settings import MailSettings

Tls = Literal["starttls", "implicit"]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    commands = typer.Typer(help="Through whom mail goes, and what became of it.", no_args_is_help=True)
    commands.command("settings")(settings)
    commands.command("set", epilog="Example: tallystick mail set --from-name 'Studio North' --remind -3 --remind 7")(
        change
    )
    commands.command("test", epilog="Example: tallystick mail test lin@studio.example")(send_test)
    commands.command("list")(list_all)
    commands.command("retry")(retry)
    app.add_typer(commands, name="mail")


def settings(workspace: Which = None, data: Data = None, json: Json = False) -> None:
    """Show through whom a workspace's mail goes."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        told = _told(ctx, mail_settings.read(ctx))
    print_rows([told], json=json, empty="")


def change(
    host: Annotated[str | None, typer.Option(help="An SMTP server of the workspace's own.")] = None,
    port: Annotated[int | None, typer.Option(help="Its port: 587 or 465 unless told.")] = None,
    tls: Annotated[Tls | None, typer.Option(help="starttls unless told, or implicit.")] = None,
    user: Annotated[str | None, typer.Option(help="The user to sign in with.")] = None,
    *,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    from_address: Annotated[str | None, typer.Option(help="The address that mail comes from.")] = None,
    from_name: Annotated[str | None, typer.Option(help="The name that mail comes from.")] = None,
    reply_to: Annotated[str | None, typer.Option(help="Where answers go.")] = None,
    no_host: Annotated[bool, typer.Option("--no-host", help="Back to the server's own mail server.")] = False,
    remind: Annotated[
        list[int] | None, typer.Option(help="A day of reminding, from the due date; say it once for each.")
    ] = None,
    no_reminders: Annotated[bool, typer.Option("--no-reminders", help="Never remind.")] = False,
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Set through whom a workspace's mail goes, and when it reminds. What is not named stays."""
    given: dict[str, Any] = {
        "smtp_host": host,
        "smtp_port": port,
        "smtp_tls": tls,
        "smtp_user": user,
        "from_address": from_address,
        "from_name": from_name,
        "reply_to": reply_to,
        "reminder_days": remind or None,
    }
    facts = {name: value for name, value in given.items() if value is not None}
    if no_host:
        facts["smtp_host"] = None
    if no_reminders:
        facts["reminder_days"] = []
    if password_stdin:
        facts["password"] = sys.stdin.readline().rstrip("\r\n")
    if not facts:
        raise CommandError("Say what to set; --help lists it.")
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        told = _told(ctx, mail_settings.change(ctx, **facts))
    print_rows([told], json=json, empty="")


def send_test(
    address: Annotated[str, typer.Argument(help="Who gets it.")],
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Send a test by the way that a workspace's mail goes. `mail list` says soon after whether it was sent."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        mail = mails.test(ctx, address)
    say({"id": mail.id, "state": mail.state, "to": mail.recipients}, json=json, text=f"Queued a test to {address}.")


def list_all(
    state: Annotated[State | None, typer.Option(help="Only those: queued, sending, sent or failed.")] = None,
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """List what was mailed, the newest first."""
    columns = ("id", "kind", "state", "recipients", "subject", "attempts", "next_attempt_at", "last_error", "sent_at")
    filters = {} if state is None else {"state": state}
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        rows = MAILS.page(ctx, columns, filters, limit=EVERYBODY).rows
    found: list[dict[str, object]] = [dict(zip(columns, row, strict=True)) for row in rows]
    print_rows(found, json=json, empty="Nothing was mailed yet.")


def retry(
    mail: Annotated[str, typer.Argument(help="Its id.")],
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Send a mail that failed once more."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        row = mails.retry(ctx, mail)
    say({"id": row.id, "state": row.state}, json=json, text=f"Queued {row.subject} to {', '.join(row.recipients)}.")


def _told(ctx: Context, found: MailSettings) -> dict[str, object]:
    through = "workspace" if found.smtp_host else "server" if ctx.server.sender else None
    return {
        "sends_through": through,
        "host": found.smtp_host,
        "port": found.smtp_port,
        "tls": found.smtp_tls,
        "user": found.smtp_user,
        "password_set": found.smtp_password is not None,
        "from_address": found.from_address,
        "from_name": found.from_name,
        "reply_to": found.reply_to,
        "reminder_days": found.reminder_days,
    }
