"""`tallystick write-off` and `tallystick report`: work that is given up, and what became of all work."""

from __future__ import annotations

from typing import Annotated

import typer

from tallystick.cli.console import Data, Json, open_database, out, print_json, say
from tallystick.cli.invoices import find_client
from tallystick.cli.places import find_project
from tallystick.cli.workspaces import Which, inside, print_rows
from tallystick.domain import reconciliation, write_offs
from tallystick.domain.expenses import Expense
from tallystick.domain.time_entries import TimeEntry
from tallystick.domain.write_offs import Work
from tallystick.values.money import decimal_text

Ids = Annotated[list[str], typer.Argument(help="Which, by their ids; at most 200.")]
Undo = Annotated[bool, typer.Option("--undo", help="Take the write-off back.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the record.", show_default=False)]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    commands = typer.Typer(help="Give unbilled work up, or take that back.", no_args_is_help=True)
    commands.command("time", epilog="Example: tallystick write-off time 0198f0c4-… --reason goodwill")(time)
    commands.command("expenses", epilog="Example: tallystick write-off expenses 0198f0c4-… --undo")(expenses)
    app.add_typer(commands, name="write-off")
    reports = typer.Typer(help="What became of the work.", no_args_is_help=True)
    reports.command("reconciliation", epilog="Example: tallystick report reconciliation --client Globex")(reconcile)
    reports.command("project", epilog="Example: tallystick report project Relaunch")(project)
    app.add_typer(reports, name="report")


def time(
    ids: Ids, *, reason: Reason = "", undo: Undo = False, workspace: Which = None, data: Data = None, json: Json = False
) -> None:
    """Write time entries off, all of them or none."""
    _write_off(TimeEntry, ids, reason, workspace, undo=undo, data=data, json=json)


def expenses(
    ids: Ids, *, reason: Reason = "", undo: Undo = False, workspace: Which = None, data: Data = None, json: Json = False
) -> None:
    """Write expenses off, all of them or none."""
    _write_off(Expense, ids, reason, workspace, undo=undo, data=data, json=json)


def reconcile(
    client: Annotated[
        str | None, typer.Option("--client", help="Only this client, by name or id.", show_default=False)
    ] = None,
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """For each client: tracked = billed + unbilled + non-billable + written off. Ends with 1 where it is not so."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        found = reconciliation.reconcile(ctx, client_id=None if client is None else find_client(ctx, client).id)
    rows = [
        {
            "client": one.client_name or "(nobody)",
            "work": name,
            **{part: _said(getattr(sums, part), time=name == "time") for part in sums._fields},
            "currency": one.currency,
            "adds_up": sums.adds_up,
        }
        for one in found
        for name, sums in (("time", one.time), ("expenses", one.expenses))
    ]
    print_rows(rows, json=json, empty="No work is recorded.")
    if not all(one.adds_up for one in found):
        raise typer.Exit(1)


def project(
    named: Annotated[str, typer.Argument(metavar="PROJECT", help="The project, by name or id.")],
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """What became of the work on a project, and of its fixed fee."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        found = reconciliation.of_project(ctx, find_project(ctx, named).id)
    if json:
        rate = found.effective_hourly_rate
        print_json(
            {
                "currency": found.currency,
                "time": {name: _said(one, time=True) for name, one in found.time._asdict().items()},
                "expenses": {name: _said(one, time=False) for name, one in found.expenses._asdict().items()},
                "fee": None if found.fee is None else {n: decimal_text(v) for n, v in found.fee._asdict().items()},
                "effective_hourly_rate": None if rate is None else decimal_text(rate),
            }
        )
        return
    for name, sums in (("time", found.time), ("expenses", found.expenses)):
        said = ", ".join(f"{part} {_said(getattr(sums, part), time=name == 'time')}" for part in sums._fields)
        out.print(f"{name}: {said} {found.currency}", markup=False)
    if found.fee is not None:
        rate = found.effective_hourly_rate
        an_hour = "" if rate is None else f", {decimal_text(rate)} an hour"
        agreed, billed = decimal_text(found.fee.agreed), decimal_text(found.fee.billed)
        out.print(f"fee: {agreed} {found.currency}, {billed} of it billed{an_hour}", markup=False)


def _write_off(
    kind: type[Work],
    ids: list[str],
    reason: str,
    workspace: str | None,
    *,
    undo: bool,
    data: Data,
    json: bool,
) -> None:
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        if undo:
            done = write_offs.undo(ctx, kind, ids, field="ids")
        else:
            done = write_offs.write_off(ctx, kind, ids, reason, field="ids")
        changed = [one.id for one in done]
    what = "unbilled again" if undo else "written off"
    say({"ids": changed, "written_off": not undo}, json=json, text=f"{len(changed)} are {what}.")


def _said(one: reconciliation.Sum, *, time: bool) -> str:
    amount = decimal_text(one.amount)
    return f"{one.seconds} s, {amount}" if time else amount
