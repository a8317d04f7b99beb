"""`tallystick milestone`: the parts of a fixed fee, and which of them are reached."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated

import typer
from sqlalchemy import bindparam

from tallystick.cli.console import Data, Json, open_database, say
from tallystick.cli.invoices import day, decimal, only
from tallystick.cli.places import find_project
from tallystick.cli.workspaces import Which, inside, print_rows
from tallystick.domain import milestones
from tallystick.domain.context import Context
from tallystick.domain.projects import Milestone
from tallystick.values.ids import parse_id
from tallystick.values.money import decimal_text

Project = Annotated[str, typer.Argument(help="The project, by name or id.")]
Title = Annotated[str, typer.Argument(help="The milestone, by title or id.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    commands = typer.Typer(help="The parts of a fixed fee, and which of them are reached.", no_args_is_help=True)
    commands.command("list", epilog="Example: tallystick milestone list Relaunch")(list_all)
    commands.command("add", epilog="Example: tallystick milestone add Relaunch Concept --amount 2500")(add)
    commands.command("change", epilog="Example: tallystick milestone change Relaunch Concept --amount 3000")(change)
    commands.command("reach", epilog="Example: tallystick milestone reach Relaunch Concept --on 2026-11-27")(reach)
    commands.command("reopen", epilog="Example: tallystick milestone reopen Relaunch Concept")(reopen)
    commands.command("delete", epilog="Example: tallystick milestone delete Relaunch Concept")(delete)
    app.add_typer(commands, name="milestone")


def list_all(project: Project, workspace: Which = None, data: Data = None, json: Json = False) -> None:
    """List the milestones of a project in their order."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        found = ctx.select(
            Milestone,
            Milestone.project_id == bindparam("project"),
            Milestone.deleted_at.is_(None),
            project=find_project(ctx, project).id,
        )
    print_rows([_row(one) for one in sorted(found, key=lambda one: one.position)], json=json, empty="No milestones.")


def add(
    project: Project,
    title: Annotated[str, typer.Argument(help="What it is called.")],
    amount: Annotated[
        Decimal | None,
        typer.Option(
            "--amount", parser=decimal, metavar="AMOUNT", help="Its part of the fixed fee.", show_default=False
        ),
    ] = None,
    *,
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Add a milestone to a project, behind the others."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        made = milestones.create(ctx, project_id=find_project(ctx, project).id, title=title, amount=amount)
        row = _row(made)
    say(row, json=json, text=f"{made.title} is added.")


def change(
    project: Project,
    title: Title,
    *,
    amount: Annotated[
        Decimal | None,
        typer.Option(
            "--amount", parser=decimal, metavar="AMOUNT", help="Its part of the fixed fee.", show_default=False
        ),
    ] = None,
    new_title: Annotated[str | None, typer.Option("--title", help="Another title.", show_default=False)] = None,
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Change a milestone's title or its part of the fee."""
    facts: dict[str, object] = {"title": new_title, "amount": amount}
    given = {name: value for name, value in facts.items() if value is not None}
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        changed = milestones.change(ctx, _milestone(ctx, project, title).id, **given)
        row = _row(changed)
    say(row, json=json, text=f"{changed.title} is changed.")


def reach(
    project: Project,
    title: Title,
    *,
    on: Annotated[date | None, typer.Option("--on", parser=day, metavar="DATE", help="The day; else today.")] = None,
    workspace: Which = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Say that a milestone is reached: the next draft bills it."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        reached = milestones.reach(ctx, _milestone(ctx, project, title).id, on=on)
        row = _row(reached)
    say(row, json=json, text=f"{reached.title} is reached since {reached.reached_on}.")


def reopen(project: Project, title: Title, workspace: Which = None, data: Data = None, json: Json = False) -> None:
    """Say that a milestone is not reached after all."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        reopened = milestones.reopen(ctx, _milestone(ctx, project, title).id)
        row = _row(reopened)
    say(row, json=json, text=f"{reopened.title} is open.")


def delete(project: Project, title: Title, workspace: Which = None, data: Data = None, json: Json = False) -> None:
    """Delete a milestone that is on no invoice. Its tasks go to the project's default one."""
    with open_database(data=data) as operator, inside(operator, workspace) as ctx:
        gone = _milestone(ctx, project, title)
        milestones.delete(ctx, gone.id)
    say({"id": gone.id, "deleted": True}, json=json, text=f"{gone.title} is deleted.")


def _milestone(ctx: Context, project: str, named: str) -> Milestone:
    if (identity := parse_id(named)) is not None:
        return ctx.find(Milestone, identity)
    home = find_project(ctx, project)
    found = ctx.select(
        Milestone,
        Milestone.project_id == bindparam("project"),
        Milestone.title == bindparam("title"),
        Milestone.deleted_at.is_(None),
        project=home.id,
        title=named,
    )
    return only(found, f"milestone of {home.name}", named)


def _row(one: Milestone) -> dict[str, object]:
    return {
        "title": one.title,
        "state": one.state,
        "amount": None if one.amount is None else decimal_text(one.amount),
        "reached_on": one.reached_on,
        "id": one.id,
    }
