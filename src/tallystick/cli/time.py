"""`tallystick time`: up to which day time is closed, and the weeks that wait to be approved."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final

import typer

from tallystick.cli.console import CommandError, Data, Json, open_database, say
from tallystick.cli.invoices import day
from tallystick.cli.workspaces import Which, inside, print_rows
from tallystick.domain import workspaces
from tallystick.domain.approvals import STATUSES, WEEKS
from tallystick.domain.members import MEMBERS
from tallystick.domain.workspaces import Workspace

EVERYBODY: Final = 10_000
Status = Annotated[str | None, typer.Option("--status", help=f"One of {', '.join(STATUSES)}.", show_default=False)]
AfterDays = Annotated[
    int | None,
    typer.Option(
        "--month-after-days", help="Close each month by itself so many days after its end.", show_default=False
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    commands = typer.Typer(help="The lock date, and weeks to be approved.", no_args_is_help=True)
    commands.command("lock", epilog="Example: tallystick time lock 2026-05-31")(lock)
    commands.command("unlock", epilog="Example: tallystick time unlock")(unlock)
    commands.command("weeks", epilog="Example: tallystick time weeks --status SUBMITTED")(weeks)
    app.add_typer(commands, name="time")


def lock(
    until: Annotated[
        date | None, typer.Argument(parser=day, metavar="[DATE]", help="The last day that is closed.")
    ] = None,
    *,
    month_after_days: AfterDays = None,
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Close time up to and including a day, or every month some days after its end. Without either: say how it is."""
    facts: dict[str, Any] = {}
    if until is not None:
        facts["locked_until"] = until
    if month_after_days is not None:
        facts["lock_month_after_days"] = month_after_days
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        studio = workspaces.change(ctx, **facts) if facts else workspaces.read(ctx)
    _tell(studio, json=json)


def unlock(workspace: Which = None, data: Data = None, json: Json = False) -> None:
    """Open all time again: no lock date, and no month closes by itself. Approved weeks stay approved."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        studio = workspaces.change(ctx, locked_until=None, lock_month_after_days=None)
    _tell(studio, json=json)


def weeks(status: Status = None, *, workspace: Which = None, data: Data = None, json: Json = False) -> None:
    """List the newest 200 weeks that were submitted once, of one state or of all."""
    if status is not None and status not in STATUSES:
        raise CommandError(f"--status: one of {', '.join(STATUSES)}")
    names = ("first_day", "user_id", "status", "duration_seconds", "reason", "id")
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        page = WEEKS.page(ctx, names, {"status": status}, sort="-first_day", limit=200)
        known = MEMBERS.page(ctx, ("user_id", "name"), {}, sort="created_at", limit=EVERYBODY).rows
    people = {row[0]: row[1] for row in known}
    found: list[dict[str, Any]] = [dict(zip(names, row, strict=True)) for row in page.rows]
    for row in found:
        row["first_day"] = row["first_day"].isoformat()
        row["person"] = people.get(row["user_id"], "")
    print_rows(found, json=json, empty="No weeks were submitted.")


def _tell(studio: Workspace, *, json: bool) -> None:
    until, days = studio.locked_until, studio.lock_month_after_days
    said = "No day is closed." if until is None else f"Time up to and including {until.isoformat()} is closed."
    if days is not None:
        said += f" Each month closes {days} days after its end."
    told = {"locked_until": None if until is None else until.isoformat(), "lock_month_after_days": days}
    say(told, json=json, text=said)
