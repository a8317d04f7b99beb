"""What an hour of work costs: the rate found first on the way entry → task → project → client → workspace."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, NamedTuple

from sqlalchemy import and_, bindparam, func, select

from tallystick.db.base import table_of
from tallystick.db.session import Prepared
from tallystick.domain.clients import Client
from tallystick.domain.context import Context, actor, workspace
from tallystick.domain.projects import Project
from tallystick.domain.tasks import Task
from tallystick.domain.workspaces import Workspace
from tallystick.values.errors import Absent


class Place(NamedTuple):
    """Where work is done, as far as recording and pricing it asks."""

    project_id: str | None
    """None: on no project."""
    task_id: str | None
    client_id: str | None
    status: str
    rate_type: str
    rate: Decimal | None
    """Per hour in the client's currency; None where nobody set one."""
    task_billable: bool | None

    @property
    def billable(self) -> bool:
        """Whether work here is billable unless said otherwise."""
        return self.rate_type != "NON_BILLABLE" and self.client_id is not None and self.task_billable is not False


NOWHERE: Final = Place(None, None, None, "ACTIVE", "NON_BILLABLE", None, None)
"""Where work is done that is on no project: it costs nothing and is billed to nobody."""


def place(ctx: Context, project_id: str | None, task_id: str | None = None) -> Place:
    """The project, the task in it, and the rate there: one statement, through the actor."""
    if project_id is None:
        if task_id is not None:
            raise Absent(fields={"task_id": "no such task in this project"})
        return NOWHERE
    statement = _EVERYWHERE if ctx.actor.sees_everyone else _WHERE_I_AM
    found = ctx.row(statement, project_id=project_id, task_id=task_id)
    if found is None:
        raise Absent(fields={"project_id": "no such project"})
    here = Place(*found)
    if task_id is not None and here.task_id is None:
        raise Absent(fields={"task_id": "no such task in this project"})
    return here


def _statement(*, everyone: bool) -> Prepared:
    project, task = table_of(Project), table_of(Task)
    client, studio = table_of(Client), table_of(Workspace)
    wanted = bindparam("task_id", type_=task.c.id.type)
    query = (
        select(
            project.c.id,
            task.c.id,
            project.c.client_id,
            project.c.status,
            project.c.rate_type,
            func.coalesce(task.c.hourly_rate, project.c.hourly_rate, client.c.default_rate, studio.c.default_rate),
            task.c.billable,
        )
        .select_from(project)
        .join(studio, studio.c.id == project.c.workspace_id)
        .outerjoin(client, client.c.id == project.c.client_id)
        .outerjoin(task, and_(task.c.id == wanted, task.c.project_id == project.c.id, task.c.deleted_at.is_(None)))
        .where(
            project.c.id == bindparam("project_id", type_=project.c.id.type),
            project.c.workspace_id == workspace(),
            project.c.deleted_at.is_(None),
        )
    )
    seen = None if everyone else Project.seen_by(actor())
    return Prepared(query if seen is None else query.where(seen))


_EVERYWHERE = _statement(everyone=True)
_WHERE_I_AM = _statement(everyone=False)
