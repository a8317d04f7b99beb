"""`tallystick invoice send`, `remind` and `link`, and `tallystick member invite`: what goes out by mail."""

from __future__ import annotations

from typing import Annotated

import typer

from tallystick.auth import invitations
from tallystick.cli.console import CommandError, Data, Json, open_database, say
from tallystick.cli.invoices import find_invoice
from tallystick.cli.workspaces import Which, inside
from tallystick.domain import sending
from tallystick.domain.invitations import Invited
from tallystick.domain.invoices import links
from tallystick.domain.sending import Message, Sent

Number = Annotated[str, typer.Argument(help="The invoice, by its number or id.")]
To = Annotated[list[str] | None, typer.Option("--to", help="Who gets it; the client unless told.")]
Cc = Annotated[list[str] | None, typer.Option("--cc", help="Who gets a copy.")]
Subject = Annotated[str | None, typer.Option("--subject", help="In place of the template's.")]
Body = Annotated[str | None, typer.Option("--message", help="In place of the template's.")]
Attach = Annotated[list[str] | None, typer.Option("--attach", help="pdf, xml, timesheet, receipts; may be said again.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the groups that are there."""
    groups = {one.name: one.typer_instance for one in app.registered_groups}
    invoice, member = groups["invoice"], groups["member"]
    assert invoice is not None  # noqa: S101 - registered before us
    assert member is not None  # noqa: S101
    invoice.command("send", epilog="Example: tallystick invoice send DRAFT-1A2B3C4D --cc boss@globex.example")(send)
    invoice.command("remind", epilog="Example: tallystick invoice remind INV-0007")(remind)
    invoice.command("link", epilog="Example: tallystick invoice link INV-0007 --regenerate")(link)
    member.command("invite", epilog="Example: tallystick member invite lin@studio.example --role MANAGER")(invite)


def send(
    number: Number,
    *,
    to: To = None,
    cc: Cc = None,
    subject: Subject = None,
    message: Body = None,
    attach: Attach = None,
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Issue a draft and mail it to its client; mail an issued one again. A worker delivers it."""
    said = Message(to=to or None, cc=cc or (), subject=subject, body=message, files=attach or None)
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        sent = sending.send(ctx, find_invoice(ctx, number).id, said)
    _tell(sent, json=json)


def remind(
    number: Number,
    *,
    to: To = None,
    cc: Cc = None,
    subject: Subject = None,
    message: Body = None,
    attach: Attach = None,
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Remind a client of an invoice that is overdue."""
    said = Message(to=to or None, cc=cc or (), subject=subject, body=message, files=attach or ())
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        sent = sending.remind(ctx, find_invoice(ctx, number).id, said)
    _tell(sent, json=json)


def link(
    number: Number,
    *,
    regenerate: Annotated[bool, typer.Option("--regenerate", help="Make another; the one until now ends.")] = False,
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Show the public address of an invoice, and how often it was looked at."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        invoice_id = find_invoice(ctx, number).id
        found = links.regenerate(ctx, invoice_id) if regenerate else links.of_invoice(ctx, invoice_id)
        url = None if found is None else links.url_of(ctx, found)
    if found is None or url is None:
        raise CommandError(f"{number} has no public address: only an issued invoice has one.")
    told = {"url": url, "view_count": found.view_count, "last_viewed_at": found.last_viewed_at}
    say(told, json=json, text=url)


def invite(
    email: Annotated[str, typer.Argument(help="Their e-mail.")],
    *,
    role: Annotated[Invited, typer.Option("--role", case_sensitive=False, help="What they may do.")],
    name: Annotated[str | None, typer.Option("--name", help="How the mail greets them.")] = None,
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Invite somebody by mail: a member once they accept, within a week."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        made = invitations.invite(ctx, email=email, role=role, name=name)
    told = {"id": made.id, "email": made.email, "role": made.role, "expires_at": made.expires_at}
    say(told, json=json, text=f"Invited {made.email} as {made.role}, until {made.expires_at:%Y-%m-%d %H:%M} UTC.")


def _tell(sent: Sent, *, json: bool) -> None:
    told = {"number": sent.invoice.number, "mail_id": sent.mail.id, "to": sent.mail.recipients, "cc": sent.mail.cc}
    say(told, json=json, text=f"{sent.invoice.number} is on its way to {', '.join(sent.mail.recipients)}.")
