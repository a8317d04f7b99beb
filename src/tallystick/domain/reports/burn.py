"""How a project uses its budget up, week by week, and when it will be used up if work goes on like that.

Members see their own hours, and no budget.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from sqlalchemy import text

from tallystick.db.session import Prepared
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.projects import Project
from tallystick.domain.reports.time import AMOUNT, PLACES

PACE_WEEKS: Final = 4
"""Of how many weeks, up to today, the pace is the mean."""
AHEAD_WEEKS: Final = 26
"""How far a forecast looks."""
MOST_WEEKS: Final = 156


class BurnWeek(NamedTuple):
    """A week from its Monday, and the sums until its end."""

    week: date
    seconds: int
    total_seconds: int
    amount: Decimal | None
    """What the billable time of the week is worth; None for those who see no money."""
    total_amount: Decimal | None


class Burn(NamedTuple):
    weeks: tuple[BurnWeek, ...]
    """Every week from the first with work until today's."""
    budget_seconds: int | None
    budget_amount: Decimal | None
    pace_seconds: int
    """A week's hours of late."""
    pace_amount: Decimal | None
    used_up_on: date | None
    """When the budget is used up at that pace; None: it has none, it is used up already, or not before long."""


def burn(ctx: Context, project_id: str) -> Burn:
    """The use of a project's budget until today."""
    ctx.require(Permission.READ_PROJECTS)
    project = ctx.find(Project, project_id)
    money = ctx.actor.sees_money
    rows = ctx.rows(
        _WEEKS,
        project=project.id,
        everyone=ctx.actor.sees_everyone,
        whose=None if ctx.actor.sees_everyone else ctx.actor.user_id,
    )
    known: dict[date, tuple[int, Decimal]] = {week: (seconds, amount) for week, seconds, amount in rows}
    today = ctx.today()
    weeks = tuple(_weeks(known, today, money=money))[-MOST_WEEKS:]
    late = weeks[-PACE_WEEKS:]
    pace_seconds = sum(one.seconds for one in late) // PACE_WEEKS
    pace_amount = sum((one.amount or Decimal(0) for one in late), Decimal(0)) / PACE_WEEKS if money else None
    budget_seconds = int(project.budget_hours * 3600) if money and project.budget_hours else None
    budget_amount = project.budget_amount if money else None
    used_up = None
    if weeks:
        last = weeks[-1]
        if budget_seconds:
            used_up = _until(today, Decimal(budget_seconds - last.total_seconds), Decimal(pace_seconds))
        elif budget_amount and pace_amount is not None:
            used_up = _until(today, budget_amount - (last.total_amount or Decimal(0)), pace_amount)
    return Burn(weeks, budget_seconds, budget_amount, pace_seconds, pace_amount, used_up)


def _weeks(known: dict[date, tuple[int, Decimal]], today: date, *, money: bool) -> Sequence[BurnWeek]:
    if not known:
        return []
    found: list[BurnWeek] = []
    week, last = min(known), max(*known, today - timedelta(days=today.weekday()))
    seconds, amount = 0, Decimal(0)
    while week <= last:
        more = known.get(week, (0, Decimal(0)))
        seconds, amount = seconds + more[0], amount + more[1]
        found.append(BurnWeek(week, more[0], seconds, more[1] if money else None, amount if money else None))
        week += timedelta(days=7)
    return found


def _until(today: date, left: Decimal, pace: Decimal) -> date | None:
    """The day on which so much is used up at a week's pace."""
    if left <= 0 or pace <= 0 or left > pace * AHEAD_WEEKS:
        return None
    return today + timedelta(days=int(left * 7 / pace))


_WEEKS = Prepared(
    text(f"""
        WITH {PLACES}
        SELECT CAST(date_trunc('week', entry.entry_date) AS date), sum(entry.duration_seconds)::bigint,
               COALESCE(sum({AMOUNT}) FILTER (WHERE entry.billable), 0)
        FROM time_entries AS entry
        JOIN place ON place.id = entry.project_id
        WHERE entry.workspace_id = :workspace AND entry.project_id = CAST(:project AS uuid)
          AND entry.deleted_at IS NULL AND (entry.started_at IS NULL OR entry.stopped_at IS NOT NULL)
          AND (CAST(:whose AS uuid) IS NULL OR entry.user_id = CAST(:whose AS uuid))
        GROUP BY 1
        ORDER BY 1
    """)
)
