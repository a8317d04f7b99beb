"""What an hour of work costs: the rate found first on the way entry → task → project → client → workspace, on its day.

Rates begin on days (`dated_rates`); the verbs that set them for a place are here.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Final, NamedTuple

from sqlalchemy import text

from tallystick.db.session import Prepared
from tallystick.domain import approvals, dated_rates, workspaces
from tallystick.domain.access import Permission
from tallystick.domain.approvals import CLOSING_SQL
from tallystick.domain.clients import Client
from tallystick.domain.context import Context, Lock
from tallystick.domain.dated_rates import SCOPES, Rate, cascade_on
from tallystick.domain.listing import Listing
from tallystick.domain.projects import Project
from tallystick.domain.tasks import Task
from tallystick.domain.workspaces import Workspace
from tallystick.values.errors import Absent, Invalid

RATES = Listing(
    Rate,
    sorts=("created_at", "effective_from", "id"),
    exact=("scope", "client_id", "project_id", "task_id"),
    choices={"scope": SCOPES},
    dates=("effective_from",),
)
"""Rates that begin on a day. A place that has had one rate only says it itself."""


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


def place(ctx: Context, project_id: str | None, task_id: str | None, day: date, *, user_id: str) -> Place:
    """Where a person works on a day: the project, the task in it, and the rate. One statement, through the actor.

    Refuses a day that is closed to that person.
    """
    if project_id is None:
        if task_id is not None:
            raise Absent(fields={"task_id": "no such task in this project"})
        approvals.check_open(ctx, user_id, day)
        return NOWHERE
    statement = _EVERYWHERE if ctx.actor.sees_everyone else _WHERE_I_AM
    found = ctx.row(statement, project_id=project_id, task_id=task_id, day=day, user_id=user_id, now=ctx.now)
    if found is None:
        raise Absent(fields={"project_id": "no such project"})
    here = Place(*found[: len(Place._fields)])
    approvals.refuse_closed(ctx, found[len(Place._fields) :])
    if task_id is not None and here.task_id is None:
        raise Absent(fields={"task_id": "no such task in this project"})
    return here


def rate_on(ctx: Context, project_id: str | None, task_id: str | None, day: date) -> Decimal | None:
    """What an hour of recorded work costs on a day, whoever asks and whatever became of its project and task."""
    found = ctx.row(_RATE_ON, project_id=project_id, task_id=task_id, day=day)
    return None if found is None else found[0]


class Priced(NamedTuple):
    """A place that has a rate of its own, and the column that shows it."""

    row: Workspace | Client | Project | Task
    column: str


def begin(
    ctx: Context,
    *,
    amount: Decimal | None,
    effective_from: date | None = None,
    client_id: str | None = None,
    project_id: str | None = None,
    task_id: str | None = None,
) -> Rate:
    """Let a rate begin on a day, else today, for a task, a project, a client, or the whole workspace.

    One that began on that day is replaced. No amount: from then on the place has no rate of its own. Recorded work
    keeps its rate (`invoices.rerating` changes it).
    """
    ctx.require(Permission.CHANGE_RATES)
    place = place_of(ctx, client_id=client_id, project_id=project_id, task_id=task_id)
    return dated_rates.begin(ctx, place.row, place.column, amount, effective_from or ctx.today())


def read(ctx: Context, rate_id: str) -> Rate:
    """One rate that begins on a day."""
    ctx.require(Permission.SEE_MONEY)
    return ctx.find(Rate, rate_id)


def remove(ctx: Context, rate_id: str) -> None:
    """Take a rate away, as if it had never begun: what held before it holds on. Recorded work keeps its rate."""
    ctx.require(Permission.CHANGE_RATES)
    rate = ctx.find(Rate, rate_id)
    place = place_of(ctx, client_id=rate.client_id, project_id=rate.project_id, task_id=rate.task_id)
    rate = ctx.find(Rate, rate_id, lock="update")
    ctx.change(rate, deleted_at=ctx.now)
    dated_rates.refresh(ctx, place.row, place.column)
    ctx.record("deleted", rate)


def place_of(ctx: Context, *, lock: Lock | None = "update", **ids: str | None) -> Priced:
    """The place of a rate; locked, so that whoever changes its rates queues up. No id: the workspace."""
    given = {name: identity for name, identity in ids.items() if identity is not None}
    if len(given) > 1:
        for name, identity in given.items():
            ctx.reference(_PLACES[name][0], identity, name)
        raise Invalid(fields=dict.fromkeys(given, "a rate is of one task, project or client; give one of them"))
    if not given:
        ctx.require(Permission.CHANGE_WORKSPACE)
        return Priced(workspaces.current(ctx) if lock is None else workspaces.locked(ctx), "default_rate")
    ((name, identity),) = given.items()
    kind, column = _PLACES[name]
    return Priced(ctx.reference(kind, identity, name, lock=lock), column)


_PLACES: Final[dict[str, Any]] = {
    "client_id": (Client, "default_rate"),
    "project_id": (Project, "hourly_rate"),
    "task_id": (Task, "hourly_rate"),
}


def _statement(*, everyone: bool) -> Prepared:
    mine = """
        AND EXISTS (SELECT FROM project_members AS mine
                    WHERE mine.project_id = project.id AND mine.user_id = CAST(:actor AS uuid))
    """
    return Prepared(
        text(f"""
            SELECT project.id, task.id, project.client_id, project.status, project.rate_type,
                   {cascade_on("CAST(:day AS date)")}, task.billable,
                   closing.why, closing.first_day, closing.until, closing.automatic
            FROM projects AS project
            JOIN workspaces AS studio ON studio.id = project.workspace_id
            LEFT JOIN clients AS client ON client.id = project.client_id
            LEFT JOIN tasks AS task ON task.id = CAST(:task_id AS uuid) AND task.project_id = project.id
                                   AND task.deleted_at IS NULL
            LEFT JOIN LATERAL {CLOSING_SQL} AS closing ON true
            WHERE project.id = CAST(:project_id AS uuid) AND project.workspace_id = :workspace
              AND project.deleted_at IS NULL {"" if everyone else mine}
        """)
    )


_EVERYWHERE = _statement(everyone=True)
_WHERE_I_AM = _statement(everyone=False)
_RATE_ON = Prepared(
    text(f"""
        SELECT {cascade_on("CAST(:day AS date)")}
        FROM projects AS project
        JOIN workspaces AS studio ON studio.id = project.workspace_id
        LEFT JOIN clients AS client ON client.workspace_id = project.workspace_id AND client.id = project.client_id
        LEFT JOIN tasks AS task ON task.workspace_id = project.workspace_id AND task.id = CAST(:task_id AS uuid)
        WHERE project.workspace_id = :workspace AND project.id = CAST(:project_id AS uuid)
    """)
)
