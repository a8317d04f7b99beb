"""Fees, rates and write-offs under several hands at once: a milestone is billed once, an entry has a rate that held."""

from __future__ import annotations

from threading import Barrier
from typing import Any

import pytest
from falcon import testing
from sqlalchemy import text

from tallystick.db.session import Prepared
from tallystick.domain.invoices import work
from tests.races.arena import Arena, at_once, meet, statuses
from tests.races.test_money import sql_of

HELD_TWICE = """
    SELECT count(*) FROM (SELECT milestone_id FROM billed_work
                          WHERE workspace_id = %s AND released_at IS NULL AND milestone_id IS NOT NULL
                          GROUP BY milestone_id HAVING count(*) > 1) AS twice
"""
SPOKEN_FOR = """
    SELECT (SELECT COALESCE(sum(amount), 0) FROM milestones WHERE workspace_id = %s AND deleted_at IS NULL)
         + (SELECT COALESCE(sum(line.rate), 0) FROM invoice_lines AS line
            JOIN billed_work AS billed ON billed.line_id = line.id
            WHERE billed.fee_project_id IS NOT NULL AND billed.released_at IS NULL
              AND line.workspace_id = %s)
"""


def fixed(arena: Arena, *amounts: int) -> str:
    """A project with a fee of 100, and reached milestones of these amounts."""
    api = arena.api()
    facts = {"clientId": arena.studio.ids["client"], "name": "Relaunch", "rateType": "FIXED", "fixedFeeAmount": "100"}
    project = api.post("/projects", facts)["id"]
    for number, amount in enumerate(amounts):
        made = api.post("/milestones", {"projectId": project, "title": f"Part {number}", "amount": amount})
        api.post(f"/milestones/{made['id']}/reach", {"reachedOn": "2026-06-15"}, status=200)
    return project


def bill(arena: Arena, copies: int, **facts: Any) -> list[testing.Result]:
    apis = [arena.api(who) for who in ("owner", "admin", "manager")]
    body = {"clientId": arena.studio.ids["client"], **facts}
    return at_once([lambda api=apis[at % 3]: api("POST", "/invoices", body) for at in range(copies)])


def test_two_drafts_bill_a_milestone_once(arena: Arena) -> None:
    fixed(arena, 30, 20)
    results = bill(arena, 8)
    assert set(statuses(results)) <= {201, 409, 422}, statuses(results)
    (done,) = [one for one in results if one.status_code == 201]
    assert done.json["data"]["subtotal"] == "50.00"
    assert arena.one(HELD_TWICE) == 0


def test_two_drafts_bill_a_fee_once(arena: Arena) -> None:
    fixed(arena, 30)
    results = bill(arena, 8, includeMilestones=False, includeFees=True)
    assert set(statuses(results)) <= {201, 409, 422}, statuses(results)
    (done,) = [one for one in results if one.status_code == 201]
    assert done.json["data"]["subtotal"] == "70.00"


def careless(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Everybody has picked the milestones before anybody bills them, and nobody asks again."""
    loose = Prepared(text(sql_of(work._PICK_MILESTONES).replace("FOR NO KEY UPDATE OF milestone", "")))
    monkeypatch.setattr(work, "_PICK_MILESTONES", loose)
    blind = Prepared(text(sql_of(work._BILL_MILESTONES).replace("AND invoice_id IS NULL", "")))
    monkeypatch.setattr(work, "_BILL_MILESTONES", blind)
    together = Barrier(count)
    whole = work.pick

    def pick_together(*given: Any) -> work.Picked:
        found = whole(*given)
        meet(together)
        return found

    monkeypatch.setattr(work, "pick", pick_together)


def test_the_index_alone_bills_a_milestone_once(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    fixed(arena, 30)
    careless(monkeypatch, 3)
    results = bill(arena, 3)
    assert statuses(results) == {201: 1, 409: 2}, [one.text for one in results]
    assert arena.one(HELD_TWICE) == 0


def test_without_both_walls_a_milestone_is_billed_twice(weak_arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    """The race itself: it is there to be lost."""
    fixed(weak_arena, 30)
    careless(monkeypatch, 3)
    weak_arena.sabotage("DROP INDEX uq_billed_work_milestone")
    results = bill(weak_arena, 3)
    assert statuses(results) == {201: 3}, [one.text for one in results]
    assert weak_arena.one(HELD_TWICE) == 1


def test_milestones_and_the_rest_of_the_fee_never_come_to_more_than_the_fee(arena: Arena) -> None:
    project = fixed(arena)
    api = arena.api()
    body = {"clientId": arena.studio.ids["client"], "includeFees": True}
    calls = [
        lambda number=number: api("POST", "/milestones", {"projectId": project, "title": f"M{number}", "amount": 40})
        for number in range(6)
    ]
    results = at_once([*calls[:3], lambda: api("POST", "/invoices", body), *calls[3:]])
    assert set(statuses(results)) <= {201, 409, 422}, [one.text for one in results]
    workspace = arena.studio.workspace_id
    assert arena.one(SPOKEN_FOR, workspace) <= 100


def test_time_that_is_logged_while_the_rate_changes_has_one_of_the_two(arena: Arena) -> None:
    api, ids = arena.api(), arena.studio.ids
    entry = {"projectId": ids["project"], "entryDate": "2026-07-01", "durationSeconds": 3600}
    rate = {"clientId": ids["client"], "amount": "100", "effectiveFrom": "2026-07-01"}
    logs = [lambda: api("POST", "/time-entries", entry) for _ in range(8)]
    sets = [lambda: api("POST", "/rates", rate) for _ in range(4)]
    results = at_once([*logs[:4], *sets, *logs[4:]])
    assert statuses(results) == {201: 12}, [one.text for one in results]
    kept = {rate for (rate,) in arena.rows("SELECT DISTINCT hourly_rate FROM time_entries WHERE workspace_id = %s")}
    assert kept <= {90, 100}
    days = "SELECT effective_from FROM rates WHERE workspace_id = %s AND deleted_at IS NULL ORDER BY 1"
    assert [day.isoformat() for (day,) in arena.rows(days)] == ["0001-01-01", "2026-07-01"]
    later = api.post("/time-entries", entry)
    assert arena.one("SELECT hourly_rate FROM time_entries WHERE workspace_id = %s AND id = %s", later["id"]) == 100


def test_work_is_written_off_or_billed_never_both(arena: Arena) -> None:
    api = arena.api()
    entry = {"projectId": arena.studio.ids["project"], "entryDate": "2026-06-15", "durationSeconds": 3600}
    ids = [api.post("/time-entries", entry)["id"] for _ in range(6)]
    body = {"clientId": arena.studio.ids["client"]}
    away = {"entryIds": ids, "reason": "goodwill"}
    results = at_once(
        [lambda: api("POST", "/invoices", body), lambda: api("POST", "/time-entries/write-off", away)] * 2
    )
    assert set(statuses(results)) <= {200, 201, 409, 422}, [one.text for one in results]
    both = "SELECT count(*) FROM time_entries WHERE workspace_id = %s AND num_nonnulls(invoice_id, written_off_at) <> 1"
    assert arena.one(both) == 0
