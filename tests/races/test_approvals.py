"""Who closes time and who writes it at the same moment: what was approved stands, and what is closed stays so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from falcon import testing

from tallystick.domain import approvals, time_entries, workspaces
from tests.races.arena import Arena, at_once, statuses
from tests.studio import Api

MONDAY = date(2026, 6, 8)
ROUNDS = 8
NO_SHARED_LOCK = """
CREATE OR REPLACE FUNCTION time_key(studio uuid, person uuid) RETURNS bigint LANGUAGE sql VOLATILE
AS $$ SELECT (random() * 1e15)::bigint $$
"""
APPROVED_AND_NOT_SO = """
    SELECT count(*) FROM weeks AS week WHERE workspace_id = %s AND status = 'APPROVED' AND duration_seconds <> (
        SELECT COALESCE(sum(duration_seconds), 0) FROM time_entries AS entry
        WHERE entry.workspace_id = week.workspace_id AND entry.user_id = week.user_id AND entry.deleted_at IS NULL
          AND entry.entry_date BETWEEN week.first_day AND week.first_day + 6)
"""


def entry_in(arena: Arena, day: date) -> str:
    with arena.studio.context() as ctx:
        return time_entries.log(ctx, project_id=arena.studio.ids["project"], entry_date=day, duration_seconds=60).id


def week_of(arena: Arena, first_day: date) -> str:
    with arena.studio.context() as ctx:
        workspaces.change(ctx, approve_weeks=True)
        return approvals.submit(ctx, first_day).id


def writers(arena: Arena, api: Api, entry_id: str, day: date) -> list[Callable[[], testing.Result]]:
    """Approvers may still correct a submitted week: an edit, a new entry, a deletion."""
    logged = {"projectId": arena.studio.ids["project"], "entryDate": day.isoformat(), "durationSeconds": 60}
    return [
        lambda: api("PATCH", f"/time-entries/{entry_id}", {"durationSeconds": 3600}),
        lambda: api("POST", "/time-entries", logged),
        lambda: api("POST", "/time-entries", logged),
    ]


@pytest.mark.parametrize("round_", range(3))
def test_what_was_approved_is_what_stands(arena: Arena, round_: int) -> None:
    first_day = MONDAY - timedelta(days=7 * round_)
    entry_id, week_id = entry_in(arena, first_day), week_of(arena, first_day)
    api = arena.api()
    calls = writers(arena, api, entry_id, first_day) * 3
    results = at_once([*calls, lambda: arena.api("admin")("POST", f"/weeks/{week_id}/approve", {})])
    assert results[-1].status_code == 200, results[-1].text
    refused = {one.json["error"]["reason"] for one in results[:-1] if one.status_code >= 400}
    assert set(statuses(results[:-1])) <= {200, 201, 409}
    assert refused <= {"week_approved"}
    assert arena.one(APPROVED_AND_NOT_SO) == 0


def test_of_two_approvers_at_once_one_decides(arena: Arena) -> None:
    week_id = week_of(arena, MONDAY)
    ways = ("approve", "return")
    results = at_once(
        [
            (lambda who=who, way=way: arena.api(who)("POST", f"/weeks/{week_id}/{way}", _body(way)))
            for who in ("owner", "admin", "manager")
            for way in ways
        ]
    )
    assert statuses(results) == {200: 1, 409: 5}
    assert {one.json["error"]["reason"] for one in results if one.status_code == 409} == {"week_state"}
    moves = "SELECT count(*) FROM events WHERE workspace_id = %s AND type IN ('week.approved', 'week.returned')"
    assert arena.one(moves) == 1


def _body(way: str) -> dict[str, str]:
    return {"reason": "why"} if way == "return" else {}


def test_a_week_is_submitted_once_however_many_submit_it(arena: Arena) -> None:
    with arena.studio.context() as ctx:
        workspaces.change(ctx, approve_weeks=True)
    api = arena.api()
    results = at_once([lambda: api("POST", "/weeks/submit", {"firstDay": MONDAY.isoformat()})] * ROUNDS)
    assert statuses(results) == {200: 1, 409: ROUNDS - 1}
    assert arena.one("SELECT count(*) FROM weeks WHERE workspace_id = %s") == 1


def test_nothing_is_logged_behind_a_lock_date_once_it_was_answered(arena: Arena) -> None:
    api, day = arena.api(), MONDAY.isoformat()
    logged = {"projectId": arena.studio.ids["project"], "entryDate": day, "durationSeconds": 60}
    results = at_once(
        [
            *[lambda: api("POST", "/time-entries", logged)] * ROUNDS,
            lambda: arena.api("admin")("PATCH", "/organization", {"lockedUntil": day}),
        ]
    )
    assert results[-1].status_code == 200
    assert set(statuses(results[:-1])) <= {201, 409}
    assert {one.json["error"]["reason"] for one in results[:-1] if one.status_code == 409} <= {"time_locked"}
    late = """
        SELECT count(*) FROM audit_log AS told JOIN events AS event ON event.id = ANY(told.event_ids)
        WHERE told.workspace_id = %s AND event.type = 'time_entry.created' AND told.sequence > (
            SELECT max(locked.sequence) FROM audit_log AS locked JOIN events AS it ON it.id = ANY(locked.event_ids)
            WHERE locked.workspace_id = told.workspace_id AND it.type = 'workspace.time_settings_changed')
    """
    assert arena.one(late) == 0
    count = "SELECT count(*) FROM time_entries WHERE workspace_id = %s AND deleted_at IS NULL"
    assert arena.one(count) == statuses(results)[201]


def test_without_the_locks_an_edit_slips_past_the_approval(weak_arena: Arena) -> None:
    """The race itself: it is there to be lost. The edit looks, the week is approved, the edit writes."""
    entry_id, week_id = entry_in(weak_arena, MONDAY), week_of(weak_arena, MONDAY)
    weak_arena.sabotage(NO_SHARED_LOCK, "DROP TRIGGER keep_closed ON time_entries")
    with weak_arena.studio.context() as late:
        approvals.check_open(late, weak_arena.studio.owner.user_id, MONDAY)
        with weak_arena.studio.context("admin") as ctx:
            approvals.approve(ctx, week_id)
        late.change(late.find(time_entries.TimeEntry, entry_id), duration_seconds=7200)
    assert weak_arena.one(APPROVED_AND_NOT_SO) == 1


def test_an_approval_waits_for_an_edit_that_is_under_way(arena: Arena) -> None:
    entry_id, week_id = entry_in(arena, MONDAY), week_of(arena, MONDAY)
    with arena.studio.context() as early:
        time_entries.change(early, entry_id, duration_seconds=7200)
        result = arena.api("admin")("POST", f"/weeks/{week_id}/approve", {})
        assert result.status_code in (409, 503), "it waited, and gave up after the lock timeout"
    assert arena.api("admin").post(f"/weeks/{week_id}/approve", status=200)["durationSeconds"] == 7200
