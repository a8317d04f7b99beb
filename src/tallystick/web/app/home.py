"""The first page of a day, by role, and the search behind the palette."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from tallystick.domain import pins, time_entries, timesheet, workspaces
from tallystick.domain.access import Permission
from tallystick.domain.desk import money, shell, weeks, work
from tallystick.domain.desk import time as desk
from tallystick.domain.desk.time import Sought
from tallystick.domain.desk.work import ProjectSeen
from tallystick.web.app.visit import Answer, Page, Visit

NEAR: Final = 80
"""Percent of a budget, from which on a project is shown."""


def home(visit: Visit) -> Answer:
    """One's own week for everybody; for the manage tier also the team, and what is to be billed and paid."""
    ctx = visit.ctx
    today = ctx.today()
    first = visit.formats.week_of(today)
    days = [first + timedelta(days=n) for n in range(7)]
    mine = desk.by_day(ctx, days[0], days[-1], ctx.actor.user_id)
    manages = ctx.actor.sees_everyone
    running = time_entries.running(ctx)
    approves = visit.shell.approve_weeks
    return visit.show(
        "home.html",
        days=[(day, mine.get(day, 0)) for day in days],
        today_seconds=mine.get(today, 0),
        week_seconds=sum(mine.values()),
        pinned=[place for place in shell.places(ctx, limit=pins.MOST) if place.pinned],
        recent=shell.places(ctx, limit=6, recent=True),
        latest=desk.entries(ctx, Sought(today - timedelta(days=6), today, user_id=ctx.actor.user_id), limit=6),
        tasks=work.tasks(ctx, assignee_id=ctx.actor.user_id, limit=50),
        glances=money.glances(ctx) if manages else [],
        unbilled=money.unbilled(ctx)[:5] if manages else [],
        overdue=money.invoices(ctx, status="OVERDUE", limit=5) if manages else [],
        team=desk.by_person(ctx, days[0], days[-1]) if manages else [],
        near=_near_budget(visit) if manages else [],
        forgotten=running is not None and timesheet.is_forgotten(ctx, running),
        waiting=weeks.waiting(ctx) if approves and ctx.actor.may(Permission.APPROVE_TIME) else 0,
        unsubmitted=weeks.missing(ctx, workspaces.current(ctx), ctx.actor.user_id) if approves else [],
        hour=ctx.now.astimezone(visit.formats.zone).hour,
    )


def _near_budget(visit: Visit) -> list[ProjectSeen]:
    """Active projects that used up most of their budget, the fullest first."""
    found = [one for one in work.projects(visit.ctx) if one.spent is not None and one.spent >= NEAR]
    return sorted(found, key=lambda one: -(one.spent or 0))[:5]


def search(visit: Visit) -> Answer:
    """What has these words in its name."""
    sought = visit.query.text("q", longest=200) or ""
    return visit.show("search.html", sought=sought, hits=shell.search(visit.ctx, sought, limit=12))


PAGES = (
    Page("/", Permission.READ_SELF, home, label="Home", section="home", icon="home"),
    Page("/search", Permission.READ_SELF, search, label="Search", icon="search"),
)
