"""Four workers look at the same moment: each is told once, and mailed once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest

from tallystick.domain import noticing, projects, time_entries, workspaces
from tallystick.domain.context import Context
from tallystick.domain.invoices import lifecycle
from tallystick.domain.invoices.draft import CustomLine, draft
from tallystick.domain.notifications import notification
from tallystick.domain.notifications.choices import KINDS, USUAL, Kind
from tallystick.jobs.desk import Desk
from tests.notifications.test_letters import FACTS
from tests.races.arena import Arena, at_once, meet
from tests.studio import SERVER

WORKERS = 4
TODAY = date(2026, 6, 15)
LAST_MONDAY = TODAY - timedelta(days=7)
COUNT = """
    SELECT count(*), count(DISTINCT (user_id, subject_id, occasion)) FROM notifications
    WHERE workspace_id = %s AND kind = %s AND in_app
"""
LETTERS = "SELECT count(*) FROM mails WHERE workspace_id = %s AND kind = 'notice'"


def budget(arena: Arena) -> None:
    with arena.studio.context() as ctx:
        projects.change(ctx, arena.studio.ids["project"], budget_hours=Decimal(10))
        time_entries.log(ctx, project_id=arena.studio.ids["project"], entry_date=TODAY, duration_seconds=33_000)


def invoice(arena: Arena) -> None:
    with arena.studio.context() as ctx:
        late: Any = {"issue_date": TODAY - timedelta(days=14), "due_date": TODAY - timedelta(days=1)}
        line = CustomLine("Concept", Decimal(1), Decimal(50))
        made = draft(ctx, client_id=arena.studio.ids["client"], project_ids=[], lines=[line], **late)
        lifecycle.mark_sent(ctx, made.invoice.id)


def timer(arena: Arena) -> None:
    with arena.studio.context("member") as ctx:
        time_entries.start(ctx, project_id=arena.studio.ids["project"])
    arena.studio.clock.now += timedelta(hours=9)


def week(arena: Arena) -> None:
    with arena.studio.context() as ctx:
        workspaces.change(ctx, approve_weeks=True)
        time_entries.log(ctx, project_id=arena.studio.ids["project"], entry_date=LAST_MONDAY, duration_seconds=60)


Look = Callable[[Context], None]
CASES: dict[str, tuple[Callable[[Arena], None], Look, int, int]] = {
    "budget_threshold": (budget, noticing.budgets, 3, 3),
    "invoice_overdue": (invoice, noticing.overdue, 3, 0),
    "timer_forgotten": (timer, noticing.timers, 1, 1),
    "week_not_submitted": (week, noticing.weeks, 1, 1),
}
"""Kind → how it comes about, who finds it, how many are told and mailed."""


def race(arena: Arena, look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    """All workers have found it before any of them tells."""
    meeting, tell = Barrier(WORKERS), notification.tell
    desk = Desk(arena.url, arena.database, SERVER, arena.studio.clock)

    def together(ctx: Context, *about: Any, **more: Any) -> int:
        meet(meeting)
        return tell(ctx, *about, **more)

    monkeypatch.setattr(notification, "tell", together)

    def work() -> None:
        with desk.workspace(arena.studio.workspace_id) as ctx:
            look(ctx)

    at_once([work] * WORKERS)


@pytest.mark.parametrize("kind", CASES)
def test_four_workers_at_once_tell_each_once(arena: Arena, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    prepare, look, people, letters = CASES[kind]
    prepare(arena)
    race(arena, look, monkeypatch)
    assert arena.rows(COUNT, kind) == [(people, people)]
    assert arena.one(LETTERS) == letters


@pytest.mark.parametrize("kind", KINDS)
def test_whoever_tells_the_same_at_the_same_moment_one_of_them_does(arena: Arena, kind: Kind) -> None:
    meeting = Barrier(WORKERS)
    desk = Desk(arena.url, arena.database, SERVER, arena.studio.clock)

    def tell() -> int:
        with desk.workspace(arena.studio.workspace_id) as ctx:
            meet(meeting)
            return notification.tell(ctx, kind, arena.studio.ids["project"], "once", dict(FACTS[kind]))

    told = sum(at_once([tell] * WORKERS))
    assert arena.rows(COUNT, kind) == [(told, told)]
    assert told == (2 if kind.startswith("webhook") else 3 if kind in ("budget_threshold", "invoice_overdue") else 5)
    assert arena.one(LETTERS) == (told if USUAL[kind].by_mail else 0)


def test_without_the_index_they_would_be_told_more_than_once(
    weak_arena: Arena, monkeypatch: pytest.MonkeyPatch
) -> None:
    weak_arena.sabotage("DROP INDEX uq_notifications_once")
    timer(weak_arena)
    race(weak_arena, noticing.timers, monkeypatch)
    assert weak_arena.rows(COUNT, "timer_forgotten") == [(WORKERS, 1)]
