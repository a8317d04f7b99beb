"""Clients, projects and tasks as pages list them: with their hours, budgets and what is still to be billed."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Final, NamedTuple

from sqlalchemy import text

from tallystick.db.session import Prepared
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.reconciliation import worth_sql
from tallystick.values.money import round_money


class ClientSeen(NamedTuple):
    """A client with what is going on."""

    id: str
    name: str
    contact_name: str | None
    email: str | None
    currency: str
    status: str
    projects: int
    """Active ones."""
    unbilled_seconds: int
    unbilled: Decimal
    """What the unbilled hours come to before rounding."""
    open: Decimal
    """Still to be paid on sent invoices."""
    overdue: Decimal


class ProjectSeen(NamedTuple):
    """A project with its hours; what concerns money is None for those who do not see it."""

    id: str
    name: str
    color: str | None
    status: str
    due_date: date | None
    client_id: str | None
    client: str | None
    seconds: int
    """Everybody's; a Member's own for a Member."""
    tasks: int
    tasks_done: int
    rate_type: str | None
    currency: str | None
    budget_hours: Decimal | None
    budget_amount: Decimal | None
    unbilled_seconds: int | None
    worth: Decimal | None
    """What its billable hours come to."""

    @property
    def spent(self) -> Decimal | None:
        """How much of the budget is used, in percent; None where there is none."""
        if self.budget_hours:
            return Decimal(self.seconds) / 36 / self.budget_hours
        if self.budget_amount and self.worth is not None:
            return self.worth * 100 / self.budget_amount
        return None


class TaskSeen(NamedTuple):
    """A task with its project, people and hours."""

    id: str
    name: str
    status: str
    priority: str
    due_date: date | None
    project_id: str
    project: str
    color: str | None
    assignees: list[str]
    assignee_ids: list[str]
    seconds: int
    estimated_hours: Decimal | None
    shelved: bool
    updated_at: datetime


def clients(
    ctx: Context, *, search: str = "", archived: bool = False, client_id: str | None = None
) -> list[ClientSeen]:
    """Clients by name; archived ones only where asked."""
    ctx.require(Permission.READ_CLIENTS)
    rows = ctx.rows(
        _CLIENTS, words=_words(search), status="SUSPENDED" if archived else "ACTIVE", one=client_id, today=ctx.today()
    )
    found = [ClientSeen._make(row) for row in rows]
    return [one._replace(unbilled=round_money(one.unbilled, one.currency)) for one in found]


def client_names(ctx: Context) -> list[tuple[str, str, str]]:
    """Id, name and currency of the clients one works for, by name."""
    ctx.require(Permission.READ_CLIENTS)
    return [(identity, name, currency) for identity, name, currency in ctx.rows(_CLIENT_NAMES)]


def project_names(ctx: Context, client_id: str | None = None) -> list[tuple[str, str, str | None]]:
    """Id, name and client id of the projects the actor sees and that are not put away, by name."""
    ctx.require(Permission.READ_PROJECTS)
    rows = ctx.rows(_PROJECT_NAMES, everyone=ctx.actor.sees_everyone, client=client_id)
    return [(identity, name, client) for identity, name, client in rows]


def projects(
    ctx: Context,
    *,
    search: str = "",
    status: str | None = "ACTIVE",
    client_id: str | None = None,
    project_id: str | None = None,
) -> list[ProjectSeen]:
    """Projects by name; of one status, or of all where it is None."""
    ctx.require(Permission.READ_PROJECTS)
    everyone = ctx.actor.sees_everyone
    rows = ctx.rows(
        _PROJECTS,
        everyone=everyone,
        words=_words(search),
        status=status,
        client=client_id,
        one=project_id,
    )
    if everyone:
        found = [ProjectSeen._make(row) for row in rows]
        return [one._replace(worth=round_money(one.worth or Decimal(0), one.currency or "USD")) for one in found]
    return [ProjectSeen._make((*row[:5], None, None, *row[7:10], *(None,) * 6)) for row in rows]


def tasks(
    ctx: Context,
    *,
    project_id: str | None = None,
    assignee_id: str | None = None,
    status: str | None = None,
    search: str = "",
    shelved: bool = False,
    limit: int = 500,
) -> list[TaskSeen]:
    """Tasks of active projects, by status, then what is due first; those put aside only where asked."""
    ctx.require(Permission.READ_TASKS)
    rows = ctx.rows(
        _TASKS,
        everyone=ctx.actor.sees_everyone,
        project=project_id,
        assignee=assignee_id,
        status=status,
        words=_words(search),
        shelved=shelved,
        limit=limit,
    )
    return [TaskSeen._make(row) for row in rows]


class Staff(NamedTuple):
    """Somebody and whether they are on a project, with their hours there."""

    user_id: str
    name: str
    role: str
    on: bool
    seconds: int


def staff(ctx: Context, project_id: str) -> list[Staff]:
    """The members of the workspace as a project sees them, by name (manage tier)."""
    ctx.require(Permission.SEE_EVERYONE)
    return [Staff._make(row) for row in ctx.rows(_STAFF, project=project_id)]


def burn(ctx: Context, project_id: str) -> list[tuple[date, int]]:
    """Seconds worked on a project in each week (from Monday) with work, oldest first; a Member's own for a Member."""
    ctx.require(Permission.READ_PROJECTS)
    whose = None if ctx.actor.sees_everyone else ctx.actor.user_id
    return [(week, seconds) for week, seconds in ctx.rows(_BURN, project=project_id, whose=whose)]


def _words(sought: str) -> list[str]:
    plain = sought.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return [f"%{word}%" for word in plain.split()[:8]]


_SEEN: Final = """
    (CAST(:everyone AS boolean) OR EXISTS (SELECT FROM project_members AS staff
     WHERE staff.workspace_id = :workspace AND staff.project_id = project.id AND staff.user_id = :actor))
"""
_CLIENTS = Prepared(
    text(f"""
        SELECT client.id, client.name, client.contact_name, client.email, client.currency, client.status,
               (SELECT count(*) FROM projects AS project
                WHERE project.workspace_id = :workspace AND project.client_id = client.id
                  AND project.deleted_at IS NULL AND project.status = 'ACTIVE'),
               COALESCE(work.seconds, 0)::bigint, COALESCE(work.worth, 0), COALESCE(bills.open, 0),
               COALESCE(bills.overdue, 0)
        FROM clients AS client
        LEFT JOIN (
            SELECT project.client_id, sum(entry.duration_seconds) AS seconds,
                   sum({worth_sql("payer.currency")}) AS worth
            FROM time_entries AS entry
            JOIN projects AS project ON project.workspace_id = :workspace AND project.id = entry.project_id
            JOIN clients AS payer ON payer.workspace_id = :workspace AND payer.id = project.client_id
            WHERE entry.workspace_id = :workspace AND entry.deleted_at IS NULL AND entry.invoice_id IS NULL
              AND entry.written_off_at IS NULL AND entry.billable AND project.rate_type <> 'FIXED'
              AND (entry.started_at IS NULL OR entry.stopped_at IS NOT NULL)
            GROUP BY project.client_id
        ) AS work ON work.client_id = client.id
        LEFT JOIN (
            SELECT client_id, sum(balance) AS open,
                   sum(balance) FILTER (WHERE due_date < CAST(:today AS date)) AS overdue
            FROM invoices
            WHERE workspace_id = :workspace AND deleted_at IS NULL AND status = 'SENT'
            GROUP BY client_id
        ) AS bills ON bills.client_id = client.id
        WHERE client.workspace_id = :workspace AND client.deleted_at IS NULL
          AND (CAST(:one AS uuid) IS NULL AND client.status = :status OR client.id = CAST(:one AS uuid))
          AND lower(concat_ws(' ', client.name, client.contact_name, client.email)) LIKE ALL (CAST(:words AS text[]))
        ORDER BY lower(client.name), client.id
        LIMIT 1000
    """)
)
_CLIENT_NAMES = Prepared(
    text("""
        SELECT id, name, currency FROM clients
        WHERE workspace_id = :workspace AND deleted_at IS NULL AND status = 'ACTIVE'
        ORDER BY lower(name), id LIMIT 2000
    """)
)
_PROJECT_NAMES = Prepared(
    text(f"""
        SELECT project.id, project.name, project.client_id FROM projects AS project
        WHERE project.workspace_id = :workspace AND project.deleted_at IS NULL AND project.status <> 'ARCHIVED'
          AND (CAST(:client AS uuid) IS NULL OR project.client_id = CAST(:client AS uuid)) AND {_SEEN}
        ORDER BY lower(project.name), project.id LIMIT 2000
    """)
)
_PROJECTS = Prepared(
    text(f"""
        SELECT project.id, project.name, project.color, project.status, project.due_date, client.id, client.name,
               COALESCE(work.seconds, 0)::bigint, COALESCE(todo.count, 0), COALESCE(todo.done, 0),
               project.rate_type, COALESCE(client.currency, studio.default_currency),
               project.budget_hours, project.budget_amount, COALESCE(work.unbilled, 0)::bigint,
               COALESCE(work.worth, 0)
        FROM projects AS project
        JOIN workspaces AS studio ON studio.id = project.workspace_id
        LEFT JOIN clients AS client ON client.workspace_id = :workspace AND client.id = project.client_id
        LEFT JOIN LATERAL (
            SELECT sum(duration_seconds) AS seconds,
                   sum(duration_seconds)
                       FILTER (WHERE billable AND invoice_id IS NULL AND written_off_at IS NULL) AS unbilled,
                   sum({worth_sql("COALESCE(client.currency, studio.default_currency)")})
                       FILTER (WHERE billable) AS worth
            FROM time_entries AS entry
            WHERE workspace_id = :workspace AND project_id = project.id AND deleted_at IS NULL
              AND (CAST(:everyone AS boolean) OR user_id = :actor)
        ) AS work ON true
        LEFT JOIN LATERAL (
            SELECT count(*) AS count, count(*) FILTER (WHERE status = 'DONE') AS done FROM tasks
            WHERE workspace_id = :workspace AND project_id = project.id AND deleted_at IS NULL
              AND archived_at IS NULL
        ) AS todo ON true
        WHERE project.workspace_id = :workspace AND project.deleted_at IS NULL AND {_SEEN}
          AND (CAST(:one AS uuid) IS NULL OR project.id = CAST(:one AS uuid))
          AND (CAST(:status AS text) IS NULL OR project.status = CAST(:status AS text))
          AND (CAST(:client AS uuid) IS NULL OR project.client_id = CAST(:client AS uuid))
          AND lower(concat_ws(' ', CASE WHEN CAST(:everyone AS boolean) THEN client.name END, project.name))
              LIKE ALL (CAST(:words AS text[]))
        ORDER BY lower(project.name), project.id
        LIMIT 1000
    """)
)
_TASKS = Prepared(
    text(f"""
        SELECT task.id, task.name, task.status, task.priority, task.due_date, project.id, project.name, project.color,
               ARRAY(SELECT person.name FROM task_assignees AS assigned JOIN people AS person
                     ON person.id = assigned.user_id
                     WHERE assigned.workspace_id = :workspace AND assigned.task_id = task.id
                     ORDER BY lower(person.name)),
               ARRAY(SELECT assigned.user_id::text FROM task_assignees AS assigned
                     WHERE assigned.workspace_id = :workspace AND assigned.task_id = task.id),
               COALESCE((SELECT sum(duration_seconds) FROM time_entries AS entry
                         WHERE entry.workspace_id = :workspace AND entry.task_id = task.id
                           AND entry.deleted_at IS NULL
                           AND (CAST(:everyone AS boolean) OR entry.user_id = :actor)), 0)::bigint,
               task.estimated_hours, task.archived_at IS NOT NULL, task.updated_at
        FROM tasks AS task
        JOIN projects AS project ON project.workspace_id = :workspace AND project.id = task.project_id
        WHERE task.workspace_id = :workspace AND task.deleted_at IS NULL
          AND (task.archived_at IS NOT NULL) = CAST(:shelved AS boolean)
          AND project.deleted_at IS NULL AND (CAST(:project AS uuid) IS NOT NULL OR project.status = 'ACTIVE')
          AND {_SEEN}
          AND (CAST(:project AS uuid) IS NULL OR task.project_id = CAST(:project AS uuid))
          AND (CAST(:status AS text) IS NULL OR task.status = CAST(:status AS text))
          AND (CAST(:assignee AS uuid) IS NULL OR EXISTS (
              SELECT FROM task_assignees AS assigned
              WHERE assigned.workspace_id = :workspace AND assigned.task_id = task.id
                AND assigned.user_id = CAST(:assignee AS uuid)))
          AND lower(concat_ws(' ', project.name, task.name)) LIKE ALL (CAST(:words AS text[]))
        ORDER BY CASE task.status WHEN 'IN_PROGRESS' THEN 1 WHEN 'TODO' THEN 2 ELSE 3 END,
                 CASE WHEN task.status = 'DONE' THEN NULL ELSE task.due_date END NULLS LAST,
                 CASE task.priority WHEN 'HIGH' THEN 1 WHEN 'MEDIUM' THEN 2 ELSE 3 END,
                 task.completed_at DESC NULLS FIRST, lower(task.name), task.id
        LIMIT :limit
    """)
)
_STAFF = Prepared(
    text("""
        SELECT member.user_id, person.name, member.role,
               EXISTS (SELECT FROM project_members AS staff WHERE staff.workspace_id = :workspace
                       AND staff.project_id = :project AND staff.user_id = member.user_id),
               COALESCE((SELECT sum(duration_seconds) FROM time_entries AS entry
                         WHERE entry.workspace_id = :workspace AND entry.user_id = member.user_id
                           AND entry.project_id = :project AND entry.deleted_at IS NULL), 0)::bigint
        FROM members AS member JOIN people AS person ON person.id = member.user_id
        WHERE member.workspace_id = :workspace AND member.removed_at IS NULL
        ORDER BY lower(person.name), member.user_id
    """)
)
_BURN = Prepared(
    text("""
        SELECT CAST(date_trunc('week', entry_date) AS date), sum(duration_seconds)::bigint
        FROM time_entries
        WHERE workspace_id = :workspace AND project_id = :project AND deleted_at IS NULL
          AND (CAST(:whose AS uuid) IS NULL OR user_id = CAST(:whose AS uuid))
        GROUP BY 1 ORDER BY 1
    """)
)
