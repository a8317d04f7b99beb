"""Fixed fees: milestones are reached and billed once each, and so is what they leave of the fee."""

from __future__ import annotations

import contextlib
from decimal import Decimal
from typing import Any

import pytest

from tallystick.db.session import owner_connection
from tallystick.domain import invariants, projects
from tests.conformance.world import World


@pytest.fixture
def fixed(fresh: World) -> Any:
    facts = {"clientId": fresh.studio.ids["client"], "name": "Relaunch", "rateType": "FIXED", "fixedFeeAmount": "5000"}
    return fresh.api().post("/projects", facts)


def add(world: World, project: Any, title: str, amount: Any = None) -> Any:
    given = {"projectId": project["id"], "title": title}
    return world.api().post("/milestones", given if amount is None else {**given, "amount": amount})


def reached(world: World, project: Any, title: str, amount: Any, on: str = "2026-06-10") -> Any:
    made = add(world, project, title, amount)
    return world.api().post(f"/milestones/{made['id']}/reach", {"reachedOn": on}, status=200)


def draft(world: World, **facts: Any) -> Any:
    return world.api().post("/invoices", {"clientId": world.studio.ids["client"], **facts})


def lines(made: Any) -> list[tuple[str, str, str]]:
    return [(line["kind"], line["description"], line["total"]) for line in made["lines"]]


def healthy(world: World) -> bool:
    with contextlib.closing(owner_connection(world.studio.database.url)) as owner:
        found = invariants.check(owner, now=world.studio.clock(), workspace_id=world.studio.workspace_id)
    return [one.rule for one in found if not one.holds] == []


def test_a_milestone_goes_from_open_to_reached_to_billed_and_back(fresh: World, fixed: Any) -> None:
    api = fresh.api()
    made = add(fresh, fixed, "Concept", "1500")
    assert (made["state"], made["amount"], made["reachedOn"], made["uncategorised"]) == ("OPEN", "1500.00", None, False)
    done = api.post(f"/milestones/{made['id']}/reach", {}, status=200)
    assert (done["state"], done["reachedOn"]) == ("REACHED", "2026-06-15")
    invoice = draft(fresh)
    assert lines(invoice) == [("MILESTONE", "Relaunch · Concept", "1500.00")]
    billed = api.get(f"/milestones/{made['id']}")
    assert (billed["state"], billed["invoiceId"]) == ("BILLED", invoice["id"])
    assert [one["id"] for one in api.get("/milestones?state=BILLED")] == [made["id"]]
    assert healthy(fresh)
    api("DELETE", f"/invoices/{invoice['id']}")
    assert api.get(f"/milestones/{made['id']}")["state"] == "REACHED"
    assert api.post(f"/milestones/{made['id']}/reopen", {}, status=200)["state"] == "OPEN"
    assert healthy(fresh)


def test_what_is_billed_is_locked(fresh: World, fixed: Any) -> None:
    api = fresh.api()
    made = reached(fresh, fixed, "Concept", 1500)
    draft(fresh)
    path = f"/milestones/{made['id']}"
    for refused in (
        api("PATCH", path, {"amount": "1400"}),
        api("DELETE", path),
        api("POST", f"{path}/reopen", {}),
        api("POST", f"{path}/reach", {"reachedOn": "2026-06-11"}),
    ):
        assert (refused.status_code, refused.json["error"]["reason"]) == (409, "invoiced")
    assert api("PATCH", path, {"title": "The concept"}).status_code == 200  # its words are ours


def test_only_reached_milestones_in_the_period_are_billed_unless_told_not_to(fresh: World, fixed: Any) -> None:
    add(fresh, fixed, "Later", 100)
    reached(fresh, fixed, "May", 200, on="2026-05-31")
    reached(fresh, fixed, "June", 300, on="2026-06-30")
    june = {"from": "2026-06-01", "to": "2026-06-30"}
    refused = fresh.api()("POST", "/invoices", {"clientId": fresh.studio.ids["client"], "includeMilestones": False})
    assert refused.status_code == 422
    assert lines(draft(fresh, **june)) == [("MILESTONE", "Relaunch · June", "300.00")]
    assert lines(draft(fresh)) == [("MILESTONE", "Relaunch · May", "200.00")]


def test_milestones_are_no_more_than_the_fee_and_the_fee_no_less_than_they(fresh: World, fixed: Any) -> None:
    api = fresh.api()
    first = add(fresh, fixed, "One", "3000")
    over = api("POST", "/milestones", {"projectId": fixed["id"], "title": "Two", "amount": "2000.01"})
    assert over.json["error"]["fields"] == {"amount": "is more than what is left of the fixed fee: 2000.0000"}
    add(fresh, fixed, "Two", "2000.00")
    assert api("PATCH", f"/milestones/{first['id']}", {"amount": "3000.01"}).status_code == 422
    project = f"/projects/{fixed['id']}"
    assert list(api("PATCH", project, {"fixedFeeAmount": "4999"}).json["error"]["fields"]) == ["fixedFeeAmount"]
    hourly = api("PATCH", project, {"rateType": "HOURLY", "fixedFeeAmount": None})
    assert list(hourly.json["error"]["fields"]) == ["rateType"]
    assert api("PATCH", project, {"fixedFeeAmount": "5001"}).status_code == 200
    wrong = api("POST", "/milestones", {"projectId": fresh.studio.ids["project"], "title": "X", "amount": "1"})
    assert list(wrong.json["error"]["fields"]) == ["amount"]
    cents = api("POST", "/milestones", {"projectId": fixed["id"], "title": "X", "amount": "0.001"})
    assert cents.json["error"]["fields"] == {"amount": "at most 2 decimals in EUR"}
    assert healthy(fresh)


def test_the_fee_is_billed_once_and_only_when_asked_for(fresh: World, fixed: Any) -> None:
    api = fresh.api()
    assert api("POST", "/invoices", {"clientId": fresh.studio.ids["client"]}).status_code == 422
    made = draft(fresh, includeFees=True)
    assert lines(made) == [("FEE", "Relaunch", "5000.00")]
    assert api("POST", "/invoices", {"clientId": fresh.studio.ids["client"], "includeFees": True}).status_code == 422
    late = api("POST", "/milestones", {"projectId": fixed["id"], "title": "X", "amount": "1"})
    assert late.status_code == 422  # nothing is left of the fee
    assert healthy(fresh)
    api("DELETE", f"/invoices/{made['id']}")
    reached(fresh, fixed, "Concept", "1500.00")
    assert lines(draft(fresh, includeFees=True)) == [
        ("MILESTONE", "Relaunch · Concept", "1500.00"), ("FEE", "Relaunch", "3500.00"),
    ]  # fmt: skip
    assert healthy(fresh)


def test_a_cancelled_invoice_gives_them_back_and_a_restored_one_takes_them_again(fresh: World, fixed: Any) -> None:
    api = fresh.api()
    concept = reached(fresh, fixed, "Concept", "1500.00")
    made = draft(fresh, includeFees=True)
    api.post(f"/invoices/{made['id']}/mark-sent", {}, status=200)
    api.post(f"/invoices/{made['id']}/cancel", {}, status=200)
    assert api.get(f"/milestones/{concept['id']}")["state"] == "REACHED"
    again = api.post(f"/invoices/{made['id']}/restore", {}, status=200)
    assert (lines(again), again["warnings"]) == (lines(made), [])
    api.post(f"/invoices/{made['id']}/cancel", {}, status=200)
    draft(fresh)  # the milestone goes elsewhere
    less = api.post(f"/invoices/{made['id']}/restore", {}, status=200)
    assert lines(less) == [("FEE", "Relaunch", "3500.00")]
    assert [one["code"] for one in less["warnings"]] == ["work_gone"]
    assert healthy(fresh)


def test_a_draft_is_rebuilt_with_and_without_them(fresh: World, fixed: Any) -> None:
    reached(fresh, fixed, "Concept", "1500.00")
    made = draft(fresh, lines=[{"description": "Hosting", "quantity": 1, "rate": 10}])
    api = fresh.api()
    without = api("PATCH", f"/invoices/{made['id']}", {"includeMilestones": False}).json["data"]
    assert lines(without) == [("CUSTOM", "Hosting", "10.00")]
    both = api("PATCH", f"/invoices/{made['id']}", {"includeMilestones": True, "includeFees": True}).json["data"]
    assert [kind for kind, _, _ in lines(both)] == ["MILESTONE", "FEE", "CUSTOM"]
    assert both["total"] == "5010.00"


def test_members_see_milestones_of_their_projects_without_money(fresh: World, fixed: Any) -> None:
    made = add(fresh, fixed, "Concept", 1500)
    member = fresh.api("member")
    assert member("GET", f"/milestones/{made['id']}").status_code == 404
    with fresh.studio.context() as ctx:
        project = projects.read(ctx, fixed["id"])
        assert projects.promised(ctx, project.id).milestones == Decimal(1500)
    assert [one["title"] for one in member.get("/milestones")] == ["Uncategorised"]
    assert "amount" not in member.get("/milestones")[0]
