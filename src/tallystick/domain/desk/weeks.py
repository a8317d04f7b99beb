"""Weeks as pages list them: those that wait, those that were not handed in, and what one's own ask for."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import text

from tallystick.db.session import Prepared
from tallystick.domain import approvals
from tallystick.domain.access import Permission
from tallystick.domain.approvals import WEEK, Status
from tallystick.domain.context import Context
from tallystick.domain.workspaces import Workspace

SHOWN: Final = 200
LATELY: Final = timedelta(days=7 * 8)
"""How far back weeks are missed that nobody handed in."""


class WeekSeen(NamedTuple):
    """A week with whose it is. Without an id nobody handed it in."""

    id: str | None
    user_id: str
    person: str
    first_day: date
    status: Status
    seconds: int
    """As the time is now."""
    billable: int
    submitted_at: datetime | None
    decided_at: datetime | None
    decider: str | None
    reason: str | None

    @property
    def last_day(self) -> date:
        return self.first_day + WEEK


def weeks(ctx: Context, *, status: Status | None, user_id: str | None = None) -> list[WeekSeen]:
    """Weeks that were handed in once: those that wait the longest first, of others the latest (approvers)."""
    ctx.require(Permission.APPROVE_TIME)
    found = ctx.rows(_WEEKS, status=status, person=user_id, limit=SHOWN)
    return [WeekSeen(*row) for row in found]


def waiting(ctx: Context) -> int:
    """How many weeks wait to be approved (approvers)."""
    ctx.require(Permission.APPROVE_TIME)
    found = ctx.row(_WAITING)
    return 0 if found is None else found[0]


def missing(ctx: Context, studio: Workspace, user_id: str | None = None) -> list[WeekSeen]:
    """Past weeks with time that are not handed in, the oldest first; a Member's own only."""
    ctx.require(Permission.TRACK_TIME)
    this_week = approvals.first_day_of(studio, ctx.today())
    found = ctx.rows(
        _MISSING,
        first=this_week - LATELY,
        before=this_week,
        person=user_id if ctx.actor.sees_everyone else ctx.actor.user_id,
        limit=SHOWN,
    )
    return [WeekSeen(*row) for row in found]


_TIME: Final = """
    LEFT JOIN LATERAL (
        SELECT COALESCE(sum(duration_seconds), 0)::bigint AS seconds,
               COALESCE(sum(duration_seconds) FILTER (WHERE billable), 0)::bigint AS billable
        FROM time_entries
        WHERE workspace_id = :workspace AND user_id = week.user_id AND deleted_at IS NULL
          AND entry_date BETWEEN week.first_day AND week.first_day + 6) AS worked ON true
"""
_COLUMNS: Final = """
    week.id, week.user_id, person.name, week.first_day, week.status, worked.seconds, worked.billable,
    week.submitted_at, week.decided_at, decider.name, week.reason
"""
_WEEKS = Prepared(
    text(f"""
        SELECT {_COLUMNS}
        FROM weeks AS week
        JOIN people AS person ON person.id = week.user_id
        LEFT JOIN people AS decider ON decider.id = week.decided_by
        {_TIME}
        WHERE week.workspace_id = :workspace
          AND (CAST(:status AS text) IS NULL OR week.status = CAST(:status AS text))
          AND (CAST(:person AS uuid) IS NULL OR week.user_id = CAST(:person AS uuid))
        ORDER BY week.status = 'SUBMITTED' DESC,
                 CASE WHEN week.status = 'SUBMITTED' THEN week.first_day END,
                 week.first_day DESC, lower(person.name), week.id
        LIMIT :limit
    """)
)
_WAITING = Prepared(text("SELECT count(*) FROM weeks WHERE workspace_id = :workspace AND status = 'SUBMITTED'"))
_MISSING = Prepared(
    text("""
        SELECT week.id, late.user_id, person.name, late.first_day, COALESCE(week.status, 'OPEN'), late.seconds,
               late.billable, week.submitted_at, week.decided_at, decider.name, week.reason
        FROM (
            SELECT user_id, CAST(:first AS date) + (entry_date - CAST(:first AS date)) / 7 * 7 AS first_day,
                   sum(duration_seconds)::bigint AS seconds,
                   COALESCE(sum(duration_seconds) FILTER (WHERE billable), 0)::bigint AS billable
            FROM time_entries
            WHERE workspace_id = :workspace AND deleted_at IS NULL
              AND entry_date >= CAST(:first AS date) AND entry_date < CAST(:before AS date)
              AND (CAST(:person AS uuid) IS NULL OR user_id = CAST(:person AS uuid))
            GROUP BY 1, 2
        ) AS late
        JOIN members AS member
          ON member.workspace_id = :workspace AND member.user_id = late.user_id AND member.removed_at IS NULL
        JOIN people AS person ON person.id = late.user_id
        LEFT JOIN weeks AS week
          ON week.workspace_id = :workspace AND week.user_id = late.user_id AND week.first_day = late.first_day
        LEFT JOIN people AS decider ON decider.id = week.decided_by
        WHERE COALESCE(week.status, 'OPEN') IN ('OPEN', 'RETURNED')
        ORDER BY late.first_day, lower(person.name), late.user_id
        LIMIT :limit
    """)
)
