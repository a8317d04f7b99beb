"""`tallystick rate`: what an hour costs from a day on, and what another rate would do."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final

import typer

from tallystick.cli.console import CommandError, Data, Json, open_database, out, print_json, say
from tallystick.cli.invoices import day, decimal
from tallystick.cli.places import Client, Place, Project, Task, place_of
from tallystick.cli.workspaces import Which, inside, print_rows
from tallystick.domain import rates
from tallystick.domain.context import Context
from tallystick.domain.invoices import rerating
from tallystick.domain.invoices.rerating import Change, Effect
from tallystick.values.money import decimal_text

LISTED: Final = ("scope", "effective_from", "amount", "client_id", "project_id", "task_id", "id")
Amount = Annotated[
    str, typer.Argument(metavar="AMOUNT|none", help="Per hour; none: from then on it has no rate of its own.")
]
From = Annotated[date | None, typer.Option("--from", parser=day, metavar="DATE", help="Its first day; else today.")]
To = Annotated[
    date | None,
    typer.Option("--to", parser=day, metavar="DATE", help="Its last day; else until the next one begins."),
]
ReRate = Annotated[bool, typer.Option("--re-rate", help="For unbilled work in the period too, never for billed work.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    commands = typer.Typer(help="What an hour costs from a day on.", no_args_is_help=True)
    commands.command("list", epilog="Example: tallystick rate list --client Globex")(list_all)
    commands.command("preview", epilog="Example: tallystick rate preview 110 --client Globex --from 2027-01-01")(
        preview
    )
    commands.command("set", epilog="Example: tallystick rate set 110 --client Globex --from 2027-01-01")(begin)
    commands.command("remove", epilog="Example: tallystick rate remove 0198f0c4-…")(remove)
    app.add_typer(commands, name="rate")


def list_all(
    client: Client = None,
    project: Project = None,
    task: Task = None,
    *,
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """List rates that begin on a day, of all places or of one. A place that had one rate only says it itself."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        place = place_of(ctx, client, project, task)
        filters = {name: value for name, value in place.ids.items() if value is not None}
        found: list[tuple[Any, ...]] = []
        after = None
        while True:
            page = rates.RATES.page(ctx, LISTED, filters, sort="effective_from", limit=200, after=after)
            found += page.rows
            after = page.after
            if after is None:
                break
    rows: list[dict[str, Any]] = [dict(zip(LISTED, row, strict=True)) for row in found]
    for row in rows:
        row["amount"] = None if row["amount"] is None else decimal_text(row["amount"])
    print_rows(rows, json=json, empty="No rates that begin on a day.")


def preview(
    amount: Amount,
    client: Client = None,
    project: Project = None,
    task: Task = None,
    *,
    date_from: From = None,
    date_to: To = None,
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Tell what another rate would do to unbilled work. It changes nothing."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        effect = rerating.preview(ctx, _change(ctx, amount, place_of(ctx, client, project, task), date_from, date_to))
    _print(effect, json=json)


def begin(
    amount: Amount,
    client: Client = None,
    project: Project = None,
    task: Task = None,
    *,
    date_from: From = None,
    date_to: To = None,
    re_rate: ReRate = False,
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Let a rate begin on a day: of a task, a project, a client, or of the whole workspace."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        change = _change(ctx, amount, place_of(ctx, client, project, task), date_from, date_to)
        effect = rerating.apply(ctx, change, re_rate=re_rate)
    _print(effect, json=json)


def remove(
    rate: Annotated[str, typer.Argument(help="The rate, by its id.")],
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Take a rate away: what held before it holds on. Recorded work keeps its rate."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        rates.remove(ctx, rate)
    say({"id": rate, "removed": True}, json=json, text="The rate is gone; what held before it holds on.")


def _change(ctx: Context, amount: str, place: Place, first: date | None, last: date | None) -> Change:
    del ctx
    if amount.strip().lower() == "none":
        return Change(None, first, last, **place.ids)
    try:
        return Change(decimal(amount), first, last, **place.ids)
    except typer.BadParameter as error:
        raise CommandError(str(error)) from None


def _print(effect: Effect, *, json: bool) -> None:
    rows = [
        {
            "client": part.client_name,
            "project": part.project_name,
            "entries": part.entries,
            "hours": decimal_text(Decimal(part.seconds) / 3600),
            "old": f"{part.old_amount:f}",
            "new": f"{part.new_amount:f}",
            "difference": f"{part.difference:f}",
            "currency": part.currency,
        }
        for part in effect.parts
    ]
    if json:
        print_json(
            {
                "effective_from": effect.effective_from,
                "effective_to": effect.effective_to,
                "parts": rows,
                "entry_ids": effect.entry_ids,
                "kept": [one._asdict() for one in effect.kept],
                "rate_id": None if effect.rate is None else effect.rate.id,
            }
        )
        return
    until = "on" if effect.effective_to is None else f"until {effect.effective_to}"
    done = "The rate holds" if effect.rate is not None else "It would hold"
    out.print(f"{done} from {effect.effective_from} {until}.", markup=False)
    print_rows(rows, json=False, empty="No recorded work changes.")
    if effect.kept:
        out.print(f"{len(effect.kept)} keep their rate: they are on invoices, or written off.", markup=False)
