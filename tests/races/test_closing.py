"""Who closes the workspace while others write in it: what was answered before is there, and nothing comes after."""

from __future__ import annotations

from collections import Counter

import psycopg
import pytest

from tallystick.domain import clients, closing, workspaces
from tallystick.values.errors import Conflict
from tests.races.arena import Arena, at_once

AFTERWARDS = """
    SELECT event.type FROM audit_log AS told JOIN events AS event ON event.id = ANY(told.event_ids)
    WHERE told.workspace_id = %s AND event.type LIKE 'client.%%' AND told.sequence > (
        SELECT shut.sequence FROM audit_log AS shut JOIN events AS it ON it.id = ANY(shut.event_ids)
        WHERE shut.workspace_id = told.workspace_id AND it.type = 'workspace.closed')
"""


def raced(arena: Arena) -> Counter[int]:
    """What eight who write hear while one closes."""
    api = arena.api()

    def close() -> int:
        with arena.studio.context() as ctx:
            closing.close(ctx, name=arena.studio.name)
        return 0

    numbers = iter(range(1000))
    calls = [lambda: api("POST", "/clients", {"name": f"Client {next(numbers)}"}).status_code for _ in range(8)]
    return Counter(at_once([*calls[:4], close, *calls[4:]]))


def test_nothing_is_written_once_the_workspace_is_closed(arena: Arena) -> None:
    heard = raced(arena)
    assert set(heard) <= {0, 201, 401, 409}
    assert arena.rows(AFTERWARDS) == []
    made = "SELECT count(*) FROM events WHERE workspace_id = %s AND type = 'client.created'"
    assert arena.one(made) == 2 + heard[201]  # the studio has two of its own
    assert arena.api()("POST", "/clients", {"name": "Late"}).status_code == 401


def test_who_was_let_in_before_it_was_closed_is_refused(arena: Arena) -> None:
    """Their transaction is open, and has read; the workspace is closed before they write."""
    with pytest.raises(Conflict, match="closed"):
        _late(arena)
    assert arena.rows(AFTERWARDS) == []


def test_a_statement_that_changes_nothing_is_not_refused(arena: Arena) -> None:
    with arena.studio.context() as ctx:
        closing.close(ctx, name=arena.studio.name)
    with arena.studio.context() as ctx:
        ctx.connection.execute("UPDATE clients SET notes = notes WHERE false")
        with pytest.raises(psycopg.errors.CheckViolation, match="closed"):
            ctx.connection.execute("UPDATE clients SET notes = notes")


def test_without_its_guard_the_change_would_come_through(weak_arena: Arena) -> None:
    weak_arena.sabotage("DROP TRIGGER keep_closed ON change_queue")
    _late(weak_arena)
    assert weak_arena.rows(AFTERWARDS) != []


def _late(arena: Arena) -> None:
    with arena.studio.context() as late:
        known = workspaces.current(late)
        with arena.studio.context() as ctx:
            closing.close(ctx, name=known.name)
        clients.create(late, name="Late")
