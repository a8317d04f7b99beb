"""`tallystick demo`: a small believable studio, served on this machine with everything needed to look around."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final
from uuid import uuid4
from zoneinfo import ZoneInfo

import typer
from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from tallystick.cli.console import CommandError, Operator, out, read_settings
from tallystick.cli.serve import serve
from tallystick.db.local_postgres.files import make_data_directory
from tallystick.demo import nordlicht, sign_ins
from tallystick.demo.doors import hang_up_keys, open_doors, open_portal
from tallystick.demo.load import load
from tallystick.demo.sign_ins import SignIn, SignIns
from tallystick.documents import Documents
from tallystick.main import lent
from tallystick.settings import Settings, default_data

HERE: Final = "127.0.0.1"


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("demo")
    def demo_command(  # pyright: ignore[reportUnusedFunction] - typer's
        data: Annotated[
            Path | None, typer.Option("--data", help="Where the demo is kept.", file_okay=False, show_default=False)
        ] = None,
        port: Annotated[int | None, typer.Option(help="The port to listen on.", show_default=False)] = None,
        credentials: Annotated[
            Path | None,
            typer.Option(help="Write sign-ins and tokens to this file once the server answers.", dir_okay=False),
        ] = None,
    ) -> None:
        """Serve a small believable studio to look around in; prints the address, sign-ins and tokens."""
        settings = read_settings(data or default_data(os.environ) / "demo", host=HERE, port=port)
        demo(replace(settings, public_url=f"http://{HERE}:{settings.port}"), credentials)


def demo(settings: Settings, credentials: Path | None) -> None:
    """Load the studio where it is missing, then serve it until stopped."""
    if credentials is not None:
        credentials.unlink(missing_ok=True)  # whoever waits for the file must not read the last run's
    known: list[tuple[SignIns, dict[str, str]]] = []

    def prepare(operator: Operator) -> None:
        with out.status("Loading the studio ...") as status:
            signed = sign_ins.kept_in(make_data_directory(settings.data), settings.env)
            _refuse_strangers(operator, signed)
            load(operator.database, lent(settings, operator.key), signed, datetime.now(UTC), status.update)
            Documents.rules.close()  # this process asks for no e-invoice any more; those that serve have their own
            signed.expensicat = open_doors(
                operator.database, operator.key, signed, settings.public_url, datetime.now(UTC)
            )
            signed.portal = open_portal(operator.database, operator.key, signed, settings.public_url, datetime.now(UTC))
            hang_up_keys(operator.database, operator.key, signed, datetime.now(UTC))
            known.append((signed, _projects(operator, signed)))

    def ready(url: str) -> None:
        signed, projects = known[0]
        signed.url = url
        if credentials is not None:
            sign_ins.write(credentials, signed)
        _show(signed, projects, settings)

    serve(settings, prepare=prepare, ready=ready)


def _refuse_strangers(operator: Operator, signed: SignIns) -> None:
    """The demo's people have passwords that were printed; they must not live beside real work."""
    ours = {signed.workspace.id, signed.other.workspace.id, signed.free.workspace.id}
    strangers = [name for workspace_id, name, _ in operator.workspaces() if workspace_id not in ours]
    if strangers:
        raise CommandError(
            f"This database holds {strangers[0]}, which is not the demo's. "
            "Give the demo a data directory of its own with --data, and no TALLYSTICK_DATABASE_URL."
        )


def _projects(operator: Operator, signed: SignIns) -> dict[str, str]:
    with operator.transaction(signed.workspace.id) as ctx:
        return dict(ctx.connection.execute("SELECT name, id FROM projects").fetchall())


def _show(signed: SignIns, projects: dict[str, str], settings: Settings) -> None:
    """The panel, and below it, without a frame or a break, what is there to be copied."""
    people = Table.grid(padding=(0, 2))
    for who in ("owner", "admin", "manager", "member"):
        one: SignIn = getattr(signed, who)
        people.add_row(Text(who, style="bold"), one.email, one.password)
    out.print(
        Panel(
            Group(Text(signed.url, style="bold cyan"), Text(f"sign in: {signed.url}/sign-in"), "", people),
            title=f"Tallystick demo: {signed.workspace.name}",
            subtitle="Ctrl-C stops it",
            border_style="cyan",
            expand=False,
            padding=(1, 2),
        )
    )
    shop = projects.get("Online shop relaunch", "")
    lines = {
        "Tokens": "\n".join(f"{who:8} {getattr(signed, who).token}" for who in ("owner", "admin", "manager", "member")),
        "Time of a project in the last thirty days": _recent_time(signed, shop),
        "Log an hour and a half": _log_time(signed, shop),
        "Unpaid invoices": _unpaid(signed),
        "For Expensicat clients: their addresses, and the owner's session token": _expensicat(signed),
        "The running timer, as they see it": _running(signed),
        "What a client sees in the portal, by a link that works once and soon": _portal(signed),
        "For Grow CRM clients: their address, and an API key": _growcrm(signed),
        "The timers that run now, as they see them": _timesheets(signed),
    }
    for title, text in lines.items():
        out.print(f"\n# {title}", style="bold", markup=False)
        out.print(text, markup=False)
    out.print(f"\nIt is kept in {settings.data}; the next start finds everything as it was.", markup=False)


def _recent_time(signed: SignIns, project: str) -> str:
    first = datetime.now(ZoneInfo(nordlicht.ZONE)).date() - timedelta(days=30)
    return _curl(signed, "manager", f"/time-entries?projectId={project}&entryDateFrom={first}&sort=-entryDate")


def _log_time(signed: SignIns, project: str) -> str:
    yesterday = datetime.now(ZoneInfo(nordlicht.ZONE)).date() - timedelta(days=1)  # today may be younger than that
    body = f'{{"projectId": "{project}", "entryDate": "{yesterday}", "duration": "1h30m", "note": "First look around"}}'
    return _curl(
        signed,
        "member",
        "/time-entries",
        f"-H 'Idempotency-Key: {uuid4()}' -H 'Content-Type: application/json' -d '{body}'",
    )


def _unpaid(signed: SignIns) -> str:
    return _curl(signed, "owner", "/invoices?status=SENT&sort=dueDate")


def _expensicat(signed: SignIns) -> str:
    if signed.expensicat is None:
        return ""
    return "\n".join(
        (
            f"{signed.url}/v1",
            f"{signed.url}/expensicat   where /api/v1 is appended",
            signed.expensicat.session_token,
        )
    )


def _running(signed: SignIns) -> str:
    token = signed.expensicat.member_session_token if signed.expensicat else ""
    return f"curl -s '{signed.url}/v1/time-entries?user_id=me&limit=1' -H 'Authorization: Bearer {token}'"


def _portal(signed: SignIns) -> str:
    return signed.portal.url if signed.portal else ""


def _growcrm(signed: SignIns) -> str:
    return f"{signed.url}/api\n{signed.growcrm.api_key if signed.growcrm else ''}"


def _timesheets(signed: SignIns) -> str:
    key = signed.growcrm.api_key if signed.growcrm else ""
    return f"curl -s '{signed.url}/api/timesheets?status=running' -H 'Authorization: Bearer {key}'"


def _curl(signed: SignIns, who: str, path: str, more: str = "") -> str:
    person: SignIn = getattr(signed, who)
    return f"curl -s '{signed.url}/api/v1{path}' -H 'Authorization: Bearer {person.token}'" + (more and f" {more}")
