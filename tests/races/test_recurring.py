"""However many runners meet, a day and a period have one invoice, and numbers have no hole."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest

from tallystick.domain import time_entries
from tallystick.domain.access import Actor
from tallystick.domain.context import Context, open_workspace
from tallystick.domain.invoices.draft import CustomLine
from tallystick.domain.recurring import automatic_billing, recurring, runs
from tallystick.domain.recurring.recurring import Template
from tests.races.arena import Arena, at_once, meet
from tests.studio import SERVER

MADE_TWICE = """
    SELECT count(*) FROM (SELECT recurring_id, occurs_on FROM recurring_runs WHERE workspace_id = %s
                          AND outcome = 'MADE' GROUP BY recurring_id, occurs_on HAVING count(*) > 1) AS twice
"""
INVOICES = "SELECT count(*) FROM invoices WHERE workspace_id = %s"


@contextlib.contextmanager
def itself(arena: Arena) -> Generator[Context]:
    """A transaction of the server itself."""
    actor = Actor(arena.studio.workspace_id, "", "OWNER", time_zone="Europe/Berlin")
    with arena.database.transaction() as connection:
        open_workspace(connection, arena.studio.workspace_id)
        yield Context(actor, connection, lambda: arena.studio.clock.now, replace(SERVER, sender=None))


def retainers(arena: Arena, count: int, rule: str = "FREQ=DAILY") -> None:
    template = Template(lines=(CustomLine("Retainer", Decimal(1), Decimal(100)),))
    with itself(arena) as ctx:
        for _ in range(count):
            recurring.create(
                ctx, client_id=arena.studio.ids["client"], rule=rule, start_date=date(2026, 6, 15), mode="SEND",
                template=template,
            )  # fmt: skip


def run(arena: Arena, runners: int) -> list[list[recurring.RecurringRun]]:
    return at_once([lambda: runs.run_due(lambda: itself(arena))] * runners)


def test_many_runners_make_each_day_once(arena: Arena) -> None:
    retainers(arena, 3)
    arena.studio.clock.now = arena.studio.clock.now.replace(day=20)
    done = run(arena, 8)
    assert sum(len(one) for one in done) == 18  # three of them, on six days
    assert arena.one(MADE_TWICE) == 0
    assert arena.one(INVOICES) == 18
    values = arena.rows("SELECT value FROM issued_numbers WHERE workspace_id = %s ORDER BY value")
    assert [value for (value,) in values] == list(range(1, 19))
    assert run(arena, 4) == [[], [], [], []]


def careless(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Everybody has found the day due before anybody makes it."""
    together = Barrier(count)
    whole = runs._due_day

    def found_together(*given: Any, **how: Any) -> Any:
        found = whole(*given, **how)
        meet(together)
        return found

    monkeypatch.setattr(runs, "_due_day", found_together)


def test_the_index_alone_makes_a_day_once(arena: Arena, monkeypatch: pytest.MonkeyPatch, without_locks: Any) -> None:
    retainers(arena, 1, "FREQ=DAILY;COUNT=1")
    without_locks()
    careless(monkeypatch, 4)
    done = run(arena, 4)
    assert sum(len(one) for one in done) == 1
    assert (arena.one(MADE_TWICE), arena.one(INVOICES)) == (0, 1)


def test_without_both_walls_a_day_is_made_twice(
    weak_arena: Arena, monkeypatch: pytest.MonkeyPatch, without_locks: Any
) -> None:
    """The race itself: it is there to be lost."""
    retainers(weak_arena, 1, "FREQ=DAILY;COUNT=1")
    without_locks()
    careless(monkeypatch, 4)
    weak_arena.sabotage("DROP INDEX uq_recurring_runs_day")
    run(weak_arena, 4)
    assert weak_arena.one(INVOICES) == 4
    assert weak_arena.one(MADE_TWICE) == 1


def test_entries_that_come_at_once_reach_an_amount_once(arena: Arena) -> None:
    """Two entries that are enough together, written while runners look: each is billed once, and nothing below it."""
    studio, client = arena.studio, arena.studio.ids["client"]
    with itself(arena) as ctx:
        automatic_billing.arrange(ctx, client, every="AMOUNT", amount=Decimal(180))

    def log() -> list[Any]:
        with studio.context("manager") as ctx:
            time_entries.log(ctx, project_id=studio.ids["project"], entry_date=date(2026, 6, 11), duration_seconds=3600)
        return automatic_billing.run_due(lambda: itself(arena))

    done = at_once([log] * 8)
    done.append(automatic_billing.run_due(lambda: itself(arena)))
    billed = arena.one("SELECT count(*) FROM billed_work WHERE workspace_id = %s")
    assert billed in (7, 8)  # bills of three may leave one alone, which is not enough by itself
    assert arena.one("SELECT min(subtotal) FROM invoices WHERE workspace_id = %s") >= 180
    assert arena.one("SELECT sum(subtotal) FROM invoices WHERE workspace_id = %s") == billed * 90
    assert sum(len(one) for one in done) == arena.one(INVOICES)


def test_many_runners_bill_each_period_once(arena: Arena) -> None:
    ids = arena.studio.ids
    with itself(arena) as ctx:
        for client in (ids["client"], ids["other_client"]):
            automatic_billing.arrange(ctx, client, every="WEEK", mode="SEND")
    with arena.studio.context("manager") as ctx:
        for project in (ids["project"], ids["hidden_project"]):
            for day in (date(2026, 6, 16), date(2026, 6, 23)):
                time_entries.log(ctx, project_id=project, entry_date=day, duration_seconds=3600)
    arena.studio.clock.now = arena.studio.clock.now.replace(month=7, day=1)
    done = at_once([lambda: automatic_billing.run_due(lambda: itself(arena))] * 8)
    assert sum(len(one) for one in done) == 4  # two clients, two weeks
    assert arena.one(INVOICES) == 4
    assert arena.one("SELECT count(*) FROM billed_work WHERE workspace_id = %s") == 4
    assert at_once([lambda: automatic_billing.run_due(lambda: itself(arena))] * 4) == [[], [], [], []]
