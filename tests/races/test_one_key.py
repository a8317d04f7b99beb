"""Copies of one request at the same moment: one effect, and every other one hears so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from falcon import testing

from tallystick.domain import idempotency
from tests.races.arena import Arena, Together, at_once, statuses

COPIES = 64
Ask = tuple[str, str, dict[str, Any]]


def client(arena: Arena) -> tuple[Ask, str, str]:
    return (
        ("POST", "/clients", {"name": "Umbrella"}),
        "clients WHERE workspace_id = %s AND name = 'Umbrella'",
        "client.created",
    )


def entry(arena: Arena) -> tuple[Ask, str, str]:
    body = {"projectId": arena.studio.ids["project"], "entryDate": "2026-06-15", "durationSeconds": 60}
    return ("POST", "/time-entries", body), "time_entries WHERE workspace_id = %s", "time_entry.created"


def timer(arena: Arena) -> tuple[Ask, str, str]:
    body = {"projectId": arena.studio.ids["project"]}
    return ("POST", "/time-entries/start", body), "time_entries WHERE workspace_id = %s", "time_entry.started"


def invoice(arena: Arena) -> tuple[Ask, str, str]:
    body = {"clientId": arena.studio.ids["client"], "lines": [{"description": "x", "quantity": "1", "rate": "100"}]}
    return ("POST", "/invoices", body), "invoices WHERE workspace_id = %s", "invoice.created"


def payment(arena: Arena) -> tuple[Ask, str, str]:
    _, path, body = invoice(arena)[0]
    api = arena.api()
    made = api.post(path, body)["id"]
    api.post(f"/invoices/{made}/mark-sent", status=200)
    ask = ("POST", f"/invoices/{made}/payments", {"amount": "10", "paidOn": "2026-06-15"})
    return ask, "payments WHERE workspace_id = %s", "payment.recorded"


def copies(arena: Arena, ask: Ask, count: int, app: testing.TestClient | None = None) -> list[testing.Result]:
    """The same request with the same key, `count` times at once."""
    api = arena.api(app=app)
    method, path, body = ask
    return at_once([lambda: api(method, path, body, headers={"Idempotency-Key": "k"})] * count)


@pytest.mark.parametrize("what", [client, entry, timer, invoice, payment], ids=lambda what: what.__name__)
def test_copies_of_a_request_have_one_effect(what: Callable[[Arena], tuple[Ask, str, str]], arena: Arena) -> None:
    ask, rows, event = what(arena)
    events = "SELECT count(*) FROM events WHERE workspace_id = %s AND type = %s"
    before = arena.one(events, event)
    results = copies(arena, ask, COPIES)
    assert set(statuses(results)) <= {201, 409}, statuses(results)
    done = [one for one in results if one.status_code == 201 and "idempotent-replayed" not in one.headers]
    assert len(done) == 1
    for one in results:
        if one.status_code == 409:
            assert one.json["error"]["reason"] == "idempotency_in_progress"
            assert one.headers["retry-after"] == "1"
        else:
            assert one.content == done[0].content
    assert arena.one(f"SELECT count(*) FROM {rows}") == 1
    assert arena.one(events, event) == before + 1
    method, path, body = ask
    later = arena.api()(method, path, body, headers={"Idempotency-Key": "k"})
    assert (later.content, later.headers["idempotent-replayed"]) == (done[0].content, "true")


def test_the_primary_key_alone_lets_one_through(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    """The advisory lock gives the early answer; without it nothing happens twice either."""
    monkeypatch.setattr(idempotency, "claim_new", lambda *_: None)
    ask, rows, _ = client(arena)
    results = copies(arena, ask, COPIES)
    assert statuses(results) == {201: 1, 409: COPIES - 1}
    assert arena.one(f"SELECT count(*) FROM {rows}") == 1


def test_without_both_walls_the_work_is_done_twice(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    """The race itself: it is there to be lost."""
    monkeypatch.setattr(idempotency, "claim_new", lambda *_: None)
    monkeypatch.setattr(idempotency, "keep", lambda *_, **__: None)
    ask, rows, _ = client(arena)
    results = copies(arena, ask, 8, arena.rivals(Together(arena.database, 8)))
    assert statuses(results) == {201: 8}
    assert arena.one(f"SELECT count(*) FROM {rows}") == 8
