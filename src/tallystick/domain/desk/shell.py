"""What every page shows: who is here and how they read, their timer, and the work a timer could run on."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import text

from tallystick.db.session import Prepared
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.notifications.choices import kinds_of
from tallystick.domain.notifications.notification import SHOWN

RECENT: Final = timedelta(days=60)
"""Work older than this is not offered as recent."""


class Timer(NamedTuple):
    """A timer that runs, with the names of what it runs on."""

    id: str
    project_id: str | None
    project: str | None
    color: str | None
    task_id: str | None
    task: str | None
    client: str | None
    """None for those who do not see clients."""
    note: str | None
    started_at: datetime


class Shell(NamedTuple):
    """Who is here, how they read, and their timer."""

    name: str
    email: str
    language: str | None
    clock: str | None
    week_start: str | None
    time_zone: str | None
    """Their own; None: the workspace's."""
    workspace: str
    currency: str
    workspace_zone: str
    timer_limit_minutes: int
    approve_weeks: bool
    closed_at: datetime | None
    """Since when the workspace is closed; only its owner still has pages then."""
    unread: int
    """Notifications that they have not read; of more than `notification.SHOWN`, one more than that."""
    timer: Timer | None


class Place(NamedTuple):
    """A project, or a task of one, that time can be put on."""

    project_id: str
    task_id: str | None
    project: str
    task: str | None
    client: str | None
    color: str | None
    used_on: date | None
    """When the actor last worked on it; None: not lately."""
    pinned: bool = False

    @property
    def id(self) -> str:
        """The task's, else the project's."""
        return self.task_id or self.project_id

    @property
    def key(self) -> str:
        """Both ids as one value of a form."""
        return f"{self.project_id}:{self.task_id}" if self.task_id else self.project_id


def shell(ctx: Context) -> Shell:
    """The frame of the actor's pages."""
    ctx.require(Permission.READ_SELF)
    found = ctx.row(_SHELL, everyone=ctx.actor.sees_everyone, kinds=kinds_of(ctx.actor), most=SHOWN + 1)
    assert found is not None  # noqa: S101 - a session is a member's
    return Shell._make((*found[:13], Timer._make(found[13:]) if found[13] else None))


def places(ctx: Context, sought: str = "", *, limit: int = 30, recent: bool = False) -> list[Place]:
    """Work that time can be put on: what the actor pinned first, then what they did lately.

    `sought`: words that all occur in its names. `recent`: only what they did lately and did not pin.
    """
    ctx.require(Permission.TRACK_TIME)
    return [
        Place(*row)
        for row in ctx.rows(
            _PLACES,
            everyone=ctx.actor.sees_everyone,
            words=_words(sought),
            since=ctx.today() - RECENT,
            recent=recent,
            limit=limit,
        )
    ]


def colleagues(ctx: Context) -> list[tuple[str, str, str]]:
    """Id, name and role of the members of the workspace, by name; a Member sees only themselves."""
    ctx.require(Permission.READ_MEMBERS)
    return [(user_id, name, role) for user_id, name, role in ctx.rows(_COLLEAGUES, everyone=ctx.actor.sees_everyone)]


class Hit(NamedTuple):
    """Something found by its name."""

    kind: str
    """`client`, `project`, `task` or `invoice`."""
    id: str
    name: str
    within: str | None
    """What it belongs to."""


def search(ctx: Context, sought: str, *, limit: int = 12) -> list[Hit]:
    """Clients, projects, tasks and invoices by the words in their names, as far as the actor may see them."""
    ctx.require(Permission.READ_SELF)
    words = _words(sought)
    if not words:
        return []
    return [Hit(*row) for row in ctx.rows(_SEARCH, everyone=ctx.actor.sees_everyone, words=words, limit=limit)]


def _words(sought: str) -> list[str]:
    """Each word as a pattern."""
    plain = sought.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return [f"%{word}%" for word in plain.split()[:8]]


_SHELL = Prepared(
    text("""
        SELECT person.name, person.email, person.language, person.clock, person.week_start, person.time_zone,
               studio.name, studio.default_currency, studio.time_zone, studio.timer_limit_minutes,
               studio.approve_weeks, studio.closed_at,
               (SELECT count(*) FROM (SELECT FROM notifications AS told
                WHERE told.workspace_id = :workspace AND told.user_id = :actor AND told.in_app
                  AND told.read_at IS NULL AND told.kind = ANY (CAST(:kinds AS text[])) LIMIT :most) AS unread),
               entry.id, entry.project_id, project.name, project.color, entry.task_id, task.name, client.name,
               entry.note, entry.started_at
        FROM people AS person
        JOIN workspaces AS studio ON studio.id = :workspace
        LEFT JOIN time_entries AS entry
          ON entry.workspace_id = :workspace AND entry.user_id = person.id AND entry.deleted_at IS NULL
             AND entry.started_at IS NOT NULL AND entry.stopped_at IS NULL
        LEFT JOIN projects AS project ON project.workspace_id = :workspace AND project.id = entry.project_id
        LEFT JOIN tasks AS task ON task.workspace_id = :workspace AND task.id = entry.task_id
        LEFT JOIN clients AS client
          ON CAST(:everyone AS boolean) AND client.workspace_id = :workspace AND client.id = project.client_id
        WHERE person.id = :actor
    """)
)
_SEEN: Final = """
    (CAST(:everyone AS boolean) OR EXISTS (SELECT FROM project_members AS staff
     WHERE staff.workspace_id = :workspace AND staff.project_id = project.id AND staff.user_id = :actor))
"""
_PLACES = Prepared(
    text(f"""
        WITH mine AS (
            SELECT project_id, task_id, max(begins_at) AS used
            FROM time_entries
            WHERE workspace_id = :workspace AND user_id = :actor AND deleted_at IS NULL
              AND entry_date >= CAST(:since AS date) AND project_id IS NOT NULL
            GROUP BY project_id, task_id
        ), places AS (
            SELECT project.id AS project_id, CAST(NULL AS uuid) AS task_id, project.name AS project,
                   CAST(NULL AS text) AS task, project.client_id, project.color
            FROM projects AS project
            WHERE project.workspace_id = :workspace AND project.deleted_at IS NULL AND project.status = 'ACTIVE'
              AND {_SEEN}
            UNION ALL
            SELECT project.id, task.id, project.name, task.name, project.client_id, project.color
            FROM tasks AS task
            JOIN projects AS project ON project.workspace_id = :workspace AND project.id = task.project_id
            WHERE task.workspace_id = :workspace AND task.deleted_at IS NULL AND task.archived_at IS NULL
              AND task.status <> 'DONE' AND project.deleted_at IS NULL AND project.status = 'ACTIVE' AND {_SEEN}
        )
        SELECT places.project_id, places.task_id, places.project, places.task, client.name, places.color,
               CAST(mine.used AS date), pin.id IS NOT NULL
        FROM places
        LEFT JOIN pinned_work AS pin
          ON pin.workspace_id = :workspace AND pin.user_id = :actor
             AND COALESCE(pin.task_id, pin.project_id) = COALESCE(places.task_id, places.project_id)
        LEFT JOIN clients AS client
          ON CAST(:everyone AS boolean) AND client.workspace_id = :workspace AND client.id = places.client_id
        LEFT JOIN mine ON mine.project_id = places.project_id AND mine.task_id IS NOT DISTINCT FROM places.task_id
        WHERE lower(concat_ws(' ', client.name, places.project, places.task)) LIKE ALL (CAST(:words AS text[]))
          AND (NOT CAST(:recent AS boolean) OR (mine.used IS NOT NULL AND pin.id IS NULL))
        ORDER BY pin.position NULLS LAST,
                 mine.used DESC NULLS LAST, lower(places.project), lower(places.task) NULLS FIRST, places.project_id
        LIMIT :limit
    """)
)
_COLLEAGUES = Prepared(
    text("""
        SELECT member.user_id, person.name, member.role
        FROM members AS member JOIN people AS person ON person.id = member.user_id
        WHERE member.workspace_id = :workspace AND member.removed_at IS NULL
          AND (CAST(:everyone AS boolean) OR member.user_id = :actor)
        ORDER BY lower(person.name), member.user_id
    """)
)
_SEARCH = Prepared(
    text(f"""
        SELECT kind, id, name, within FROM (
            SELECT 1 AS rank, 'client' AS kind, id, name, CAST(NULL AS text) AS within, updated_at
            FROM clients
            WHERE CAST(:everyone AS boolean) AND workspace_id = :workspace AND deleted_at IS NULL
              AND lower(concat_ws(' ', name, contact_name, email)) LIKE ALL (CAST(:words AS text[]))
            UNION ALL
            SELECT 2, 'project', project.id, project.name, client.name, project.updated_at
            FROM projects AS project
            LEFT JOIN clients AS client
              ON CAST(:everyone AS boolean) AND client.workspace_id = :workspace AND client.id = project.client_id
            WHERE project.workspace_id = :workspace AND project.deleted_at IS NULL AND {_SEEN}
              AND lower(concat_ws(' ', client.name, project.name)) LIKE ALL (CAST(:words AS text[]))
            UNION ALL
            SELECT 3, 'invoice', invoice.id, invoice.number, invoice.bill_to_name, invoice.updated_at
            FROM invoices AS invoice
            WHERE CAST(:everyone AS boolean) AND invoice.workspace_id = :workspace AND invoice.deleted_at IS NULL
              AND lower(concat_ws(' ', invoice.number, invoice.bill_to_name)) LIKE ALL (CAST(:words AS text[]))
            UNION ALL
            SELECT 4, 'task', task.id, task.name, project.name, task.updated_at
            FROM tasks AS task
            JOIN projects AS project ON project.workspace_id = :workspace AND project.id = task.project_id
            WHERE task.workspace_id = :workspace AND task.deleted_at IS NULL AND {_SEEN}
              AND lower(concat_ws(' ', project.name, task.name)) LIKE ALL (CAST(:words AS text[]))
        ) AS found
        ORDER BY rank, updated_at DESC, id
        LIMIT :limit
    """)
)
