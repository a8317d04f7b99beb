"""How a command names where work is done: a client, a project of theirs, a task of it."""

from __future__ import annotations

from typing import Annotated, NamedTuple, TypedDict

import typer
from sqlalchemy import bindparam

from tallystick.cli.console import CommandError
from tallystick.cli.invoices import find_client, only
from tallystick.domain import projects, tasks
from tallystick.domain.context import Context
from tallystick.values.ids import parse_id

Client = Annotated[str | None, typer.Option("--client", help="The client, by name or id.", show_default=False)]
Project = Annotated[str | None, typer.Option("--project", help="The project, by name or id.", show_default=False)]
Task = Annotated[
    str | None, typer.Option("--task", help="The task, by id, or by name with --project.", show_default=False)
]


class Ids(TypedDict):
    client_id: str | None
    project_id: str | None
    task_id: str | None


class Place(NamedTuple):
    """The nearest of what was named, by its id."""

    ids: Ids


def place_of(ctx: Context, client: str | None, project: str | None, task: str | None) -> Place:
    """The task that was named, else the project, else the client, else the whole workspace."""
    ids: Ids = {"client_id": None, "project_id": None, "task_id": None}
    if task is not None:
        ids["task_id"] = _task(ctx, task, None if project is None else find_project(ctx, project, client)).id
    elif project is not None:
        ids["project_id"] = find_project(ctx, project, client).id
    elif client is not None:
        ids["client_id"] = find_client(ctx, client).id
    return Place(ids)


def find_project(ctx: Context, named: str, client: str | None = None) -> projects.Project:
    """A project by its id, or by its name where only one has it."""
    if (identity := parse_id(named)) is not None:
        return ctx.find(projects.Project, identity)
    where = [projects.Project.name == bindparam("name"), projects.Project.deleted_at.is_(None)]
    values: dict[str, str] = {"name": named}
    if client is not None:
        where.append(projects.Project.client_id == bindparam("client"))
        values["client"] = find_client(ctx, client).id
    return only(ctx.select(projects.Project, *where, **values), "project", named)


def _task(ctx: Context, named: str, project: projects.Project | None) -> tasks.Task:
    if (identity := parse_id(named)) is not None:
        return ctx.find(tasks.Task, identity)
    if project is None:
        raise CommandError("Name a task by its id, or say its --project too.")
    found = ctx.select(
        tasks.Task,
        tasks.Task.name == bindparam("name"),
        tasks.Task.project_id == bindparam("project"),
        tasks.Task.deleted_at.is_(None),
        name=named,
        project=project.id,
    )
    return only(found, f"task of {project.name}", named)
