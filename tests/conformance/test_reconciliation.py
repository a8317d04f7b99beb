"""Write-offs, and tracked = billed + unbilled + non-billable + written off."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from tallystick.db.session import owner_connection
from tallystick.domain import invariants
from tests.conformance.world import World


def log(world: World, seconds: int = 3600, **facts: Any) -> Any:
    given = {"projectId": world.studio.ids["project"], "entryDate": "2026-06-11", "durationSeconds": seconds, **facts}
    return world.api().post("/time-entries", given)


def spend(world: World, amount: str = "12.50") -> Any:
    given = {
        "clientId": world.studio.ids["client"], "description": "Taxi", "amount": amount, "expenseDate": "2026-06-11",
    }  # fmt: skip
    return world.api().post("/expenses", given)


def of_client(world: World) -> Any:
    client = world.studio.ids["client"]
    (found,) = world.api().get(f"/reports/reconciliation?clientId={client}")
    assert found["addsUp"]
    return found


def test_what_is_written_off_is_neither_billed_nor_unbilled_and_locked(fresh: World) -> None:
    api, entry, taxi = fresh.api(), log(fresh), spend(fresh)
    for path in (f"/time-entries/{entry['id']}", f"/expenses/{taxi['id']}"):
        done = api.post(f"{path}/write-off", {"reason": "goodwill"}, status=200)
        assert (done["writtenOffAt"], done["writeOffReason"]) == ("2026-06-15T09:30:00Z", "goodwill")
        for refused in (api("PATCH", path, {"billable": False}), api("DELETE", path)):
            assert (refused.status_code, refused.json["error"]["reason"]) == (409, "written_off")
        assert api.post(f"{path}/write-off", {"reason": "again"}, status=200)["writeOffReason"] == "goodwill"
    nothing = api("POST", "/invoices", {"clientId": fresh.studio.ids["client"], "includeExpenses": True})
    assert nothing.status_code == 422
    for path in (f"/time-entries/{entry['id']}", f"/expenses/{taxi['id']}"):
        undone = api.post(f"{path}/undo-write-off", {}, status=200)
        assert (undone["writtenOffAt"], undone["writeOffReason"]) == (None, None)
    made = api.post("/invoices", {"clientId": fresh.studio.ids["client"], "includeExpenses": True})
    assert [line["kind"] for line in made["lines"]] == ["TIME", "EXPENSE"]


def test_only_unbilled_work_can_be_written_off(fresh: World) -> None:
    api = fresh.api()
    billed, plain = log(fresh), log(fresh, billable=False)
    api.post("/invoices", {"clientId": fresh.studio.ids["client"]})
    timer = api.post("/time-entries/start", {"projectId": fresh.studio.ids["project"]})
    for entry, reason in ((billed, "invoiced"), (plain, "not_billable"), (timer, "running")):
        refused = api("POST", f"/time-entries/{entry['id']}/write-off", {"reason": "x"})
        assert (refused.status_code, refused.json["error"]["reason"]) == (409, reason)
    assert api("POST", f"/time-entries/{plain['id']}/write-off", {}).status_code == 422
    member = fresh.api("member")("POST", f"/time-entries/{billed['id']}/write-off", {"reason": "x"})
    assert member.status_code == 403


def test_several_are_written_off_or_none(fresh: World) -> None:
    api = fresh.api()
    billed = log(fresh)
    api.post("/invoices", {"clientId": fresh.studio.ids["client"]})
    free = [log(fresh)["id"], log(fresh)["id"]]
    refused = api("POST", "/time-entries/write-off", {"entryIds": [*free, billed["id"]], "reason": "old"})
    assert refused.json["error"]["fields"] == {"entryIds": billed["id"]}
    assert of_client(fresh)["time"]["writtenOff"]["seconds"] == 0
    done = api.post("/time-entries/write-off", {"entryIds": free, "reason": "old"}, status=200)
    assert [one["writeOffReason"] for one in done] == ["old", "old"]
    assert of_client(fresh)["time"]["writtenOff"] == {"seconds": 7200, "amount": "180.00"}
    api.post("/time-entries/undo-write-off", {"entryIds": free}, status=200)
    assert of_client(fresh)["time"]["writtenOff"]["seconds"] == 0
    missing = api("POST", "/time-entries/write-off", {"entryIds": [fresh.studio.workspace_id], "reason": "x"})
    assert (missing.status_code, list(missing.json["error"]["fields"])) == (422, ["entryIds"])
    two = [spend(fresh)["id"], spend(fresh)["id"]]
    api.post("/expenses/write-off", {"expenseIds": two, "reason": "ours"}, status=200)
    assert of_client(fresh)["expenses"]["writtenOff"]["amount"] == "25.00"
    assert len(api.post("/expenses/undo-write-off", {"expenseIds": two}, status=200)) == 2


def test_everything_tracked_is_in_exactly_one_part(fresh: World) -> None:
    api, client = fresh.api(), fresh.studio.ids["client"]
    log(fresh, 1001, entryDate="2026-06-01")
    spend(fresh, "10.01")
    api.post("/invoices", {"clientId": client, "to": "2026-06-11", "includeExpenses": True})
    log(fresh, 1003)
    log(fresh, 1007, billable=False)
    gone = log(fresh, 1013)
    api.post(f"/time-entries/{gone['id']}/write-off", {"reason": "goodwill"}, status=200)
    spend(fresh, "20.02")
    fixed = api.post(
        "/projects", {"clientId": client, "name": "Relaunch", "rateType": "FIXED", "fixedFeeAmount": "500"}
    )
    log(fresh, 7200, projectId=fixed["id"])
    api.post("/time-entries/start", {"projectId": fresh.studio.ids["project"]})
    told = of_client(fresh)
    assert told["time"] == {
        "tracked": {"seconds": 11224, "amount": "280.62"},
        "billed": {"seconds": 1001, "amount": "25.03"},
        "unbilled": {"seconds": 1003, "amount": "25.08"},
        "nonBillable": {"seconds": 8207, "amount": "205.18"},
        "writtenOff": {"seconds": 1013, "amount": "25.33"},
    }
    assert told["expenses"]["billed"]["amount"] == "10.01"
    assert told["expenses"]["unbilled"]["amount"] == "20.02"
    assert told["fees"] == {"agreed": "500.00", "billed": "0.00", "unbilled": "500.00"}
    assert told["invoiced"]["seconds"] == 1001
    numbers = api.get(f"/projects/{fixed['id']}/numbers")
    assert numbers["fee"] == {"agreed": "500.00", "billed": "0.00", "unbilled": "500.00"}
    assert numbers["effectiveHourlyRate"] == "250.00"  # 500 by two hours
    assert api.get(f"/projects/{fresh.studio.ids['project']}/numbers")["effectiveHourlyRate"] is None
    assert fresh.api("member")("GET", f"/projects/{fixed['id']}/numbers").status_code == 403
    assert fresh.api("member")("GET", "/reports/reconciliation").status_code == 403


CORRUPTIONS = [
    "UPDATE billed_work SET released_at = now()",  # locked, but on no line
    "UPDATE time_entries SET invoice_id = NULL",  # on a line, and unbilled too
]


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_the_doctor_names_the_client_of_whom_it_does_not_add_up(fresh: World, corruption: str) -> None:
    log(fresh)
    fresh.api().post("/invoices", {"clientId": fresh.studio.ids["client"]})
    workspace = fresh.studio.workspace_id
    with contextlib.closing(owner_connection(fresh.studio.database.url)) as owner:
        owner.execute(f"{corruption} WHERE workspace_id = '{workspace}'".encode())
        found = invariants.check(owner, now=fresh.studio.clock(), workspace_id=workspace)
        owner.rollback()
    (rule,) = [one for one in found if one.rule == "reconciled"]
    assert f"clients {fresh.studio.ids['client']} time_entries" in rule.rows
