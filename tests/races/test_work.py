"""Clients that go while work comes in, and time that is corrected while it is billed."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import Any

import pytest
from falcon import testing

from tallystick.domain import time_entries
from tallystick.domain.context import Context
from tallystick.domain.members import Member
from tallystick.domain.time_entries import TimeEntry
from tests.races.arena import PATIENCE, Arena, Together, at_once, statuses
from tests.studio import Api

ORPHANS = """
    SELECT count(*) FROM clients AS client WHERE workspace_id = %s AND deleted_at IS NOT NULL AND (
      EXISTS (SELECT 1 FROM projects WHERE client_id = client.id AND deleted_at IS NULL)
      OR EXISTS (SELECT 1 FROM expenses WHERE client_id = client.id AND deleted_at IS NULL)
      OR EXISTS (SELECT 1 FROM invoices WHERE client_id = client.id AND deleted_at IS NULL))
"""
DRIFTED = """
    SELECT count(*) FROM billed_work AS held JOIN time_entries AS entry ON entry.id = held.entry_id
    WHERE held.workspace_id = %s AND held.released_at IS NULL AND (
      entry.deleted_at IS NOT NULL OR entry.duration_seconds <> held.seconds
      OR entry.invoice_id IS DISTINCT FROM held.invoice_id)
"""
LINE = {"description": "Fee", "quantity": "1", "rate": "100"}


def dependents(client_id: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """What may be made for a client."""
    spent = {"clientId": client_id, "description": "x", "amount": "1", "expenseDate": "2026-06-15"}
    return {
        "project": ("/projects", {"clientId": client_id, "name": "Relaunch"}),
        "expense": ("/expenses", spent),
        "invoice": ("/invoices", {"clientId": client_id, "lines": [LINE]}),
    }


@pytest.mark.parametrize("what", ["project", "expense", "invoice"])
def test_a_client_goes_or_stays_with_its_work(what: str, arena: Arena) -> None:
    api = arena.api()
    outcomes = set()
    for _ in range(8):
        client = api.post("/clients", {"name": "Hooli"})["id"]
        path, body = dependents(client)[what]
        went, came = at_once(
            [lambda c=client: api("DELETE", f"/clients/{c}"), lambda p=path, b=body: api("POST", p, b)]
        )
        outcomes.add((went.status_code, came.status_code))
    assert outcomes <= {(204, 422), (409, 201)}
    assert arena.one(ORPHANS) == 0


@pytest.mark.parametrize("what", ["project", "expense"])
def test_without_its_lock_a_client_goes_from_under_its_work(
    what: str, arena: Arena, without_locks: Callable[[], None]
) -> None:
    """The race itself: it is there to be lost."""
    client = arena.api().post("/clients", {"name": "Hooli"})["id"]
    path, body = dependents(client)[what]
    without_locks()
    api = arena.api(app=arena.rivals(Together(arena.database, 2)))
    went, came = at_once([lambda: api("DELETE", f"/clients/{client}"), lambda: api("POST", path, body)])
    assert (went.status_code, came.status_code) == (204, 201)
    assert arena.one(ORPHANS) == 1


def logged(arena: Arena, api: Api, count: int) -> list[str]:
    entry = {"projectId": arena.studio.ids["project"], "entryDate": "2026-06-15", "durationSeconds": 3600}
    return [api.post("/time-entries", entry)["id"] for _ in range(count)]


@pytest.mark.parametrize("round_", range(4))
def test_time_is_corrected_before_it_is_billed_or_not_at_all(round_: int, arena: Arena) -> None:
    api = arena.api()
    entries = logged(arena, api, 6)

    def bill() -> testing.Result:
        return api("POST", "/invoices", {"clientId": arena.studio.ids["client"], "lines": [LINE]})

    def correct(entry: str) -> testing.Result:
        return api("PATCH", f"/time-entries/{entry}", {"durationSeconds": 7200})

    def drop(entry: str) -> testing.Result:
        return api("DELETE", f"/time-entries/{entry}")

    calls: list[Callable[[], testing.Result]] = [lambda entry=entry: correct(entry) for entry in entries[:3]]
    calls += [bill, *[lambda entry=entry: drop(entry) for entry in entries[3:]]]
    results = at_once(calls)
    assert set(statuses(results)) <= {200, 201, 204, 409}
    assert results[3].status_code == 201
    assert arena.one(DRIFTED) == 0
    for entry, result in zip(entries, [*results[:3], *results[4:]], strict=True):
        ((invoice, seconds, deleted),) = arena.rows(
            "SELECT invoice_id, duration_seconds, deleted_at FROM time_entries WHERE workspace_id = %s AND id = %s",
            entry,
        )
        if result.status_code == 409:
            assert result.json["error"]["reason"] == "invoiced"
            assert (invoice is not None, seconds, deleted) == (True, 3600, None)
        elif result.status_code == 204:
            assert (invoice, deleted is not None) == (None, True)
        else:
            assert seconds == 7200


def test_without_its_lock_time_changes_after_it_was_billed(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    """The race itself: it is there to be lost."""
    api = arena.api()
    (entry,) = logged(arena, api, 1)
    looked, billed = Event(), Event()

    def careless(ctx: Context, entry_id: str, *, ending: bool) -> TimeEntry:
        del ending
        found = ctx.find(TimeEntry, entry_id)
        looked.set()
        billed.wait(PATIENCE)
        return found

    monkeypatch.setattr(time_entries, "_unlocked", careless)

    def bill() -> testing.Result:
        looked.wait(PATIENCE)
        try:
            return api("POST", "/invoices", {"clientId": arena.studio.ids["client"]})
        finally:
            billed.set()

    results = at_once([lambda: api("PATCH", f"/time-entries/{entry}", {"durationSeconds": 7200}), bill])
    assert [one.status_code for one in results] == [200, 201]
    assert arena.one(DRIFTED) == 1


def test_an_assignment_and_a_departure_do_not_leave_a_task_to_a_stranger(arena: Arena) -> None:
    """Nobody is put on a task or a project once they have left."""
    api = arena.api()
    who = arena.studio.people["second"]

    def leave() -> None:
        with arena.studio.context() as ctx:
            time_entries.let_go(ctx, ctx.find(Member, who.member_id))

    body = {"projectId": arena.studio.ids["project"], "name": "Type", "assigneeIds": [who.user_id]}
    results = at_once([*[lambda: api("POST", "/tasks", body)] * 4, leave, *[lambda: api("POST", "/tasks", body)] * 4])
    assert {one.status_code for one in results if one is not None} <= {201, 422}
    assert api("POST", "/tasks", body).status_code == 422
