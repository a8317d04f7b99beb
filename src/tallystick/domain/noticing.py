"""What nobody does but everybody wants to hear of: looked for now and then, told once (`notifications`).

Each look is one transaction. What was told stands in the table of notifications; a look leaves it out, and where two
look at the same moment `uq_notifications_once` decides.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import text

from tallystick.db.session import Prepared
from tallystick.domain import approvals
from tallystick.domain.context import Context
from tallystick.domain.notifications import notification as notifications
from tallystick.domain.reconciliation import worth_sql
from tallystick.domain.sending import today_of
from tallystick.domain.workspaces import current
from tallystick.values.money import decimal_text

LEVELS: Final = (80, 100)
"""Percentages of a budget at which somebody is told; the first is where the meters of pages change their colour."""
LATELY: Final = timedelta(days=7)
"""What changed or fell due longer ago is no news: nobody is flooded by the first look at an old workspace."""
MORNING: Final = 8
"""From this hour of the workspace's day on people hear of what a day brought."""


def budgets(ctx: Context) -> None:
    """Tell of projects whose use of their budget has reached a level, and arm those again that fell below it."""
    told = set(notifications.told_of(ctx, "budget_threshold"))
    rows = ctx.rows(_BUDGETS, since=ctx.now - LATELY, told=sorted({project_id for project_id, _ in told}))
    percents: dict[str, Decimal] = {}
    for project_id, name, currency, hours, amount, seconds, worth, news in rows:
        used = Decimal(seconds) / 3600 if hours else worth
        budget = hours or amount
        percents[project_id] = percent = used * 100 / budget
        reached = [level for level in LEVELS if percent >= level]
        if not reached or not news:
            continue
        facts: dict[str, Any] = {
            "project": name,
            "level": reached[-1],
            "percent": min(round(percent), 99) if percent < 100 else round(percent),  # as pages round it
            "measure": "hours" if hours else "money",
            "used": decimal_text(round(used, 2)),
            "budget": decimal_text(budget),
            "currency": None if hours else currency,
        }
        for level in reached:
            if (project_id, str(level)) not in told:
                # Who hears that it is used up need not hear that much of it is.
                passed = level < reached[-1]
                notifications.tell(ctx, "budget_threshold", project_id, str(level), facts, silently=passed)
    for project_id, level in sorted(told):
        if percents.get(project_id, Decimal(0)) < int(level):
            notifications.clear(ctx, "budget_threshold", project_id, level)


def overdue(ctx: Context) -> None:
    """Tell of invoices that are not paid and were due yesterday, or a few days ago while nobody looked."""
    if not _is_morning(ctx):
        return
    today = today_of(ctx)
    for invoice_id, number, client, due_date, balance, currency in ctx.rows(
        _OVERDUE, today=today, earliest=today - LATELY
    ):
        facts = {
            "number": number,
            "client": client,
            "due_date": due_date,
            "balance": decimal_text(balance),
            "currency": currency,
        }
        notifications.tell(ctx, "invoice_overdue", invoice_id, due_date.isoformat(), facts)


def timers(ctx: Context) -> None:
    """Tell people of a timer of theirs that has run for longer than the workspace finds likely."""
    for entry_id, user_id, project, task, started_at, minutes in ctx.rows(_FORGOTTEN, now=ctx.now):
        facts = {"project": project, "task": task, "started_at": started_at, "limit_minutes": minutes}
        notifications.tell(ctx, "timer_forgotten", entry_id, "", facts, to=user_id)


def weeks(ctx: Context) -> None:
    """Tell people of their time of last week, where weeks are approved and they have not submitted it."""
    studio = current(ctx)
    if not studio.approve_weeks or not _is_morning(ctx):
        return
    last_day = approvals.first_day_of(studio, today_of(ctx)) - timedelta(days=1)
    first_day = last_day - approvals.WEEK
    facts = {"first_day": first_day, "last_day": last_day}
    for (user_id,) in ctx.rows(_NOT_SUBMITTED, first=first_day, last=last_day, occasion=first_day.isoformat()):
        notifications.tell(ctx, "week_not_submitted", user_id, first_day.isoformat(), facts, to=user_id)


LOOKS: Final[tuple[Callable[[Context], None], ...]] = (budgets, overdue, timers, weeks)


def _is_morning(ctx: Context) -> bool:
    return ctx.now.astimezone(ZoneInfo(current(ctx).time_zone)).hour >= MORNING


_BUDGETS = Prepared(
    text(f"""
        SELECT project.id, project.name, COALESCE(client.currency, studio.default_currency), project.budget_hours,
               project.budget_amount, COALESCE(work.seconds, 0)::bigint, COALESCE(work.worth, 0),
               project.status = 'ACTIVE' AND
                   GREATEST(project.updated_at, work.changed_at) >= CAST(:since AS timestamptz)
        FROM projects AS project
        JOIN workspaces AS studio ON studio.id = project.workspace_id
        LEFT JOIN clients AS client ON client.workspace_id = :workspace AND client.id = project.client_id
        LEFT JOIN LATERAL (
            SELECT sum(duration_seconds) AS seconds, max(updated_at) AS changed_at,
                   sum({worth_sql("COALESCE(client.currency, studio.default_currency)")})
                       FILTER (WHERE billable) AS worth
            FROM time_entries AS entry
            WHERE workspace_id = :workspace AND project_id = project.id AND deleted_at IS NULL
        ) AS work ON true
        WHERE project.workspace_id = :workspace AND project.deleted_at IS NULL
          AND (project.budget_hours > 0 OR project.budget_amount > 0)
          AND (project.status = 'ACTIVE' OR project.id = ANY (CAST(:told AS uuid[])))
        ORDER BY project.id
    """)
)
_UNTOLD: Final = """
    NOT EXISTS (SELECT FROM notifications AS told
                WHERE told.workspace_id = :workspace AND told.kind = '{kind}' AND told.subject_id = {subject}
                  AND told.occasion = {occasion} AND told.cleared_at IS NULL)
"""
_OVERDUE = Prepared(
    text(f"""
        SELECT invoice.id, invoice.number, invoice.bill_to_name, invoice.due_date, invoice.balance, invoice.currency
        FROM invoices AS invoice
        WHERE invoice.workspace_id = :workspace AND invoice.deleted_at IS NULL AND invoice.status = 'SENT'
          AND invoice.balance > 0 AND invoice.due_date < CAST(:today AS date)
          AND invoice.due_date >= CAST(:earliest AS date)
          AND {_UNTOLD.format(kind="invoice_overdue", subject="invoice.id", occasion="invoice.due_date::text")}
        ORDER BY invoice.id
    """)
)
_FORGOTTEN = Prepared(
    text("""
        SELECT entry.id, entry.user_id, project.name, task.name, entry.started_at, studio.timer_limit_minutes
        FROM time_entries AS entry
        JOIN workspaces AS studio ON studio.id = :workspace
        LEFT JOIN projects AS project ON project.workspace_id = :workspace AND project.id = entry.project_id
        LEFT JOIN tasks AS task ON task.workspace_id = :workspace AND task.id = entry.task_id
        WHERE entry.workspace_id = :workspace AND entry.deleted_at IS NULL
          AND entry.started_at IS NOT NULL AND entry.stopped_at IS NULL
          AND entry.started_at < CAST(:now AS timestamptz) - make_interval(mins => studio.timer_limit_minutes::int)
          AND NOT EXISTS (SELECT FROM notifications AS told
                          WHERE told.workspace_id = :workspace AND told.kind = 'timer_forgotten'
                            AND told.subject_id = entry.id AND told.cleared_at IS NULL)
        ORDER BY entry.id
    """)
)
_NOT_SUBMITTED = Prepared(
    text(f"""
        SELECT late.user_id FROM (
            SELECT DISTINCT user_id FROM time_entries
            WHERE workspace_id = :workspace AND deleted_at IS NULL
              AND entry_date BETWEEN CAST(:first AS date) AND CAST(:last AS date)
        ) AS late
        LEFT JOIN weeks AS week
          ON week.workspace_id = :workspace AND week.user_id = late.user_id AND week.first_day = CAST(:first AS date)
        WHERE COALESCE(week.status, 'OPEN') = 'OPEN'
          AND {_UNTOLD.format(kind="week_not_submitted", subject="late.user_id", occasion="CAST(:occasion AS text)")}
        ORDER BY late.user_id
    """)
)
