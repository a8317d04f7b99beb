"""Projects (contract hoursmith 2.5)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.lists import Listed, assert_ids, assert_list, assert_sorted, directions
from tests.conformance.world import (
    AT,
    ID,
    NOBODY,
    ON,
    PRICE,
    TEXT,
    Form,
    World,
    ask,
    assert_shape,
    invalid,
    listed,
    refused,
)

STATUSES = ("ACTIVE", "COMPLETED", "ARCHIVED")
PROJECT = {
    "id": ID, "orgId": ID, "clientId": ID, "name": TEXT, "description": TEXT | None, "color": TEXT | None,
    "status": Form(STATUSES), "rateType": Form(("HOURLY", "FIXED", "NON_BILLABLE")), "hourlyRate": PRICE | None,
    "fixedFeeAmount": PRICE | None, "budgetHours": PRICE | None, "budgetAmount": PRICE | None,
    "startDate": ON | None, "dueDate": ON | None, "createdAt": AT, "updatedAt": AT, "deletedAt": AT | None,
}  # fmt: skip
MONEY = {"hourlyRate", "fixedFeeAmount", "budgetHours", "budgetAmount"}
PROJECTS = Listed(
    "/projects",
    ("createdAt", "dueDate", "id", "name", "startDate", "status", "updatedAt"),
    search=("name", "description"),
    exact=("clientId",),
    choices={"status": STATUSES},
    dates=("startDate", "dueDate"),
)


def make(world: World, /, **facts: Any) -> Any:
    return world.api().post("/projects", {"clientId": world.studio.ids["client"], "name": "P", **facts})


def patch(world: World, project: dict[str, Any], /, **facts: Any) -> Any:
    return world.api()("PATCH", f"/projects/{project['id']}", facts)


@pytest.fixture(scope="module")
def rows(world: World) -> list[dict[str, Any]]:
    """Projects with and without dates, in every state, over several days."""
    made = (
        {"name": "alpha", "startDate": "2026-06-01", "dueDate": "2026-06-30"},
        {"name": "bravo 100%", "description": "snake_case", "dueDate": "2026-06-15"},
        {"name": "charlie", "startDate": "2026-06-15", "status": "COMPLETED"},
        {"name": "delta", "clientId": world.studio.ids["other_client"], "startDate": "2026-06-01"},
        {"name": "echo", "description": "It's a\\b", "status": "ARCHIVED", "dueDate": "2026-06-15"},
        {"name": "foxtrot", "startDate": "2025-12-31", "dueDate": "2025-12-31"},
        {"name": "golf"},
    )
    for number, facts in enumerate(made):
        make(world, **facts)
        if number % 2:
            world.later(days=1, hours=3)
    first = listed(world.api(), "/projects", sort="createdAt")[0]
    patch(world, first, description="touched last")
    return listed(world.api(), "/projects")


def test_a_project_has_exactly_the_documented_fields(world: World) -> None:
    facts = {
        "clientId": world.studio.ids["client"], "name": "Full", "description": "All", "color": "#ff8800",
        "status": "ACTIVE", "rateType": "FIXED", "hourlyRate": "75", "fixedFeeAmount": 5000, "budgetHours": "120.25",
        "startDate": "2026-06-01", "dueDate": "2026-06-01",
    }  # fmt: skip
    made = world.api().post("/projects", facts)
    assert_shape(made, PROJECT)
    sent = {**facts, "hourlyRate": "75.00", "fixedFeeAmount": "5000.00", "budgetHours": "120.25"}
    assert {name: made[name] for name in facts} == sent
    assert made["orgId"] == world.studio.workspace_id
    assert made["budgetAmount"] is None
    assert made["deletedAt"] is None
    assert world.api().get(f"/projects/{made['id']}") == made
    assert made in listed(world.api(), "/projects")


def test_a_new_project_is_active_hourly_and_inherits_its_rate(world: World) -> None:
    made = make(world)
    assert_shape(made, PROJECT)
    assert (made["status"], made["rateType"], made["hourlyRate"]) == ("ACTIVE", "HOURLY", None)


def test_client_and_name_are_required(world: World) -> None:
    invalid(world.api()("POST", "/projects", {}), clientId="required", name="required")
    invalid(world.api()("POST", "/projects", {"clientId": "", "name": None}), clientId="required", name="required")
    for client in (NOBODY, "42", 7, "cl_123"):
        invalid(world.api()("POST", "/projects", {"clientId": client, "name": "x"}), "clientId")


RULES = [
    ({"budgetAmount": 1, "budgetHours": 1}, {"budgetAmount", "budgetHours"}),
    ({"rateType": "FIXED"}, {"fixedFeeAmount"}),
    ({"rateType": "HOURLY", "fixedFeeAmount": 1}, {"fixedFeeAmount"}),
    ({"rateType": "NON_BILLABLE", "fixedFeeAmount": 1}, {"fixedFeeAmount"}),
    ({"fixedFeeAmount": 0}, {"fixedFeeAmount"}),
    ({"startDate": "2026-06-02", "dueDate": "2026-06-01"}, {"dueDate"}),
    (
        {"budgetAmount": 1, "budgetHours": 1, "rateType": "FIXED", "startDate": "2026-06-02", "dueDate": "2026-06-01"},
        {"budgetAmount", "budgetHours", "fixedFeeAmount", "dueDate"},
    ),
]


@pytest.mark.parametrize(("facts", "fields"), RULES)
def test_the_rules_of_a_project_hold_on_create_and_on_patch(
    world: World, facts: dict[str, Any], fields: set[str]
) -> None:
    body = {"clientId": world.studio.ids["client"], "name": "Ruled", **facts}
    invalid(world.api()("POST", "/projects", body), *fields)
    project = make(world, name="Ruled")
    invalid(patch(world, project, **facts), *fields)
    assert world.api().get(f"/projects/{project['id']}") == project


def test_the_rules_look_at_what_the_project_has_already(world: World) -> None:
    fixed = make(world, rateType="FIXED", fixedFeeAmount=10, budgetHours=5, startDate="2026-06-10")
    invalid(patch(world, fixed, rateType="HOURLY"), "fixedFeeAmount")
    invalid(patch(world, fixed, fixedFeeAmount=None), "fixedFeeAmount")
    invalid(patch(world, fixed, budgetAmount=1), "budgetAmount", "budgetHours")
    invalid(patch(world, fixed, dueDate="2026-06-09"), "dueDate")
    moved = patch(
        world, fixed, rateType="HOURLY", fixedFeeAmount=None, budgetAmount="7.5", budgetHours=None, dueDate="2026-06-10"
    )
    assert moved.status_code == 200
    data = moved.json["data"]
    assert (data["rateType"], data["fixedFeeAmount"], data["budgetAmount"], data["budgetHours"]) == (
        "HOURLY", None, "7.50", None,
    )  # fmt: skip


@pytest.mark.parametrize("name", sorted(MONEY))
def test_project_money_has_up_to_four_decimals(world: World, name: str) -> None:
    rate_type = {"rateType": "FIXED", "fixedFeeAmount": 1} if name == "fixedFeeAmount" else {}
    assert make(world, **{**rate_type, name: "1.2345"})[name] == "1.2345"
    assert make(world, **{**rate_type, name: 1.5})[name] == "1.50"
    for wrong in ("1.23456", -1, "x", True, "1e3"):
        body = {"clientId": world.studio.ids["client"], "name": "x", **rate_type, name: wrong}
        invalid(world.api()("POST", "/projects", body), name)


def test_patch_is_partial_or_full_and_null_clears(world: World) -> None:
    made = make(world, description="d", color="red", hourlyRate=1, budgetHours=2, startDate="2026-06-01")
    world.later(seconds=1)
    cleared = patch(world, made, description=None, color="", hourlyRate=None, budgetHours=None, startDate=None)
    data = cleared.json["data"]
    assert {data[name] for name in ("description", "color", "hourlyRate", "budgetHours", "startDate")} == {None}
    again = patch(world, made, **{**made, "name": "Back"})
    assert again.json["data"] == {**made, "name": "Back", "updatedAt": again.json["data"]["updatedAt"]}
    for name in ("name", "clientId", "status", "rateType"):
        invalid(patch(world, made, **{name: None}), name)


def test_enums_in_bodies_are_the_documented_words(world: World) -> None:
    body = {"clientId": world.studio.ids["client"], "name": "x", "status": "DONE", "rateType": "DAILY"}
    invalid(world.api()("POST", "/projects", body), "status", "rateType")


@pytest.mark.parametrize("date", ["2026-02-30", "0000-01-01", "10000-01-01", "2026-6-1", "tomorrow", 0, 20260601, True])
def test_a_date_is_a_calendar_day(world: World, date: Any) -> None:
    body = {"clientId": world.studio.ids["client"], "name": "x", "startDate": date, "dueDate": date}
    invalid(world.api()("POST", "/projects", body), "startDate", "dueDate")


def test_a_project_moves_to_another_client(world: World) -> None:
    made = make(world)
    moved = patch(world, made, clientId=world.studio.ids["other_client"])
    assert moved.json["data"]["clientId"] == world.studio.ids["other_client"]
    invalid(patch(world, made, clientId=NOBODY), "clientId")


@pytest.mark.parametrize("way", ["archive", "delete"])
def test_archiving_is_reversible_and_keeps_tasks_and_time(world: World, way: str) -> None:
    project = make(world)
    task = world.api().post("/tasks", {"projectId": project["id"], "name": "t"})
    entry = world.api().post(
        "/time-entries", {"projectId": project["id"], "entryDate": "2026-06-01", "durationSeconds": 60}
    )
    if way == "archive":
        archived = world.api()("POST", f"/projects/{project['id']}/archive")
        assert archived.status_code == 200
        assert_shape(archived.json["data"], PROJECT)
        assert archived.json["data"]["status"] == "ARCHIVED"
    else:
        gone = world.api()("DELETE", f"/projects/{project['id']}")
        assert (gone.status_code, gone.content) == (204, b"")
    assert world.api().get(f"/projects/{project['id']}")["status"] == "ARCHIVED"
    assert project["id"] in {row["id"] for row in listed(world.api(), "/projects", status="archived")}
    assert world.api().get(f"/tasks/{task['id']}") == task
    assert world.api().get(f"/time-entries/{entry['id']}") == entry
    body = {"projectId": project["id"], "entryDate": "2026-06-01", "durationSeconds": 60}
    invalid(world.api()("POST", "/time-entries", body), "projectId")
    assert patch(world, project, status="ACTIVE").json["data"]["status"] == "ACTIVE"
    assert world.api()("POST", "/time-entries", body).status_code == 201


def test_archive_is_a_post_and_needs_a_key(world: World) -> None:
    project = make(world)
    result = world.app.simulate_post(
        f"/api/v1/projects/{project['id']}/archive", headers={"Authorization": f"Bearer {world.studio.owner.token}"}
    )
    invalid(result, **{"Idempotency-Key": "required"})


def test_a_member_reads_only_the_projects_they_are_on_and_without_money(world: World) -> None:
    api = world.api("member")
    own = world.studio.ids["project"]
    assert [row["id"] for row in listed(api, "/projects")] == [own]
    blind = {name: form for name, form in PROJECT.items() if name not in MONEY}
    assert_shape(api.get(f"/projects/{own}"), blind)
    assert_shape(listed(api, "/projects")[0], blind)
    refused(api("GET", f"/projects/{world.studio.ids['hidden_project']}"), 404, "not_found")
    assert listed(world.api("second"), "/projects") == []


def test_a_member_changes_no_project(world: World) -> None:
    path = f"/projects/{world.studio.ids['project']}"
    body = {"clientId": world.studio.ids["client"], "name": "x"}
    for method, where, sent in (
        ("POST", "/projects", body), ("PATCH", path, {"name": "x"}), ("POST", f"{path}/archive", None),
        ("DELETE", path, None),
    ):  # fmt: skip
        refused(world.api("member")(method, where, sent), 403, "forbidden_scope")


@pytest.mark.parametrize("who", ["admin", "manager"])
def test_the_manage_tier_has_projects_in_full(world: World, who: str) -> None:
    api = world.api(who)
    made = api.post("/projects", {"clientId": world.studio.ids["client"], "name": "x", "hourlyRate": 5})
    assert made["hourlyRate"] == "5.00"
    assert api("PATCH", f"/projects/{made['id']}", {"name": "y"}).status_code == 200
    assert api("POST", f"/projects/{made['id']}/archive").status_code == 200


def test_projects_of_another_workspace_do_not_exist(world: World, stranger: World) -> None:
    theirs = f"/projects/{stranger.studio.ids['project']}"
    for method, path in (("GET", theirs), ("PATCH", theirs), ("DELETE", theirs), ("POST", f"{theirs}/archive")):
        refused(world.api()(method, path, {} if method == "PATCH" else None), 404, "not_found")
    body = {"clientId": stranger.studio.ids["client"], "name": "x"}
    invalid(world.api()("POST", "/projects", body), "clientId")
    assert listed(world.api(), "/projects", clientId=stranger.studio.ids["client"]) == []


@pytest.mark.parametrize("sort", directions(PROJECTS))
def test_projects_come_in_the_order_asked_for(world: World, rows: list[dict[str, Any]], sort: str) -> None:
    query = {"createdAtTo": rows[0]["createdAt"], "createdAtFrom": rows[-1]["createdAt"]}
    if sort.endswith("name"):
        assert_sorted_by_name(world, sort)
    else:
        assert_sorted(world.api(), PROJECTS, sort, **query)


def assert_sorted_by_name(world: World, sort: str) -> None:
    found = [row["name"].lower() for row in listed(world.api(), "/projects", sort=sort)]
    assert found == sorted(found, reverse=sort.startswith("-"))


def test_projects_filter_as_documented(world: World, rows: list[dict[str, Any]]) -> None:
    assert_list(world.api(), PROJECTS)


def test_the_client_is_found_by_part_of_its_name(world: World, rows: list[dict[str, Any]]) -> None:
    every = listed(world.api(), "/projects")
    for text, client in (("GLOB", "client"), ("globex", "client"), ("tech", "other_client")):
        same = [row for row in every if row["clientId"] == world.studio.ids[client]]
        assert same
        assert_ids(listed(world.api(), "/projects", clientName=text), same)
    assert listed(world.api(), "/projects", clientName="%") == []
    invalid(ask(world.api(), "/projects", clientName="x" * 201), "clientName")
    combined = listed(world.api(), "/projects", clientName="globex", status="completed", search="CHARLIE")
    assert [row["name"] for row in combined] == ["charlie"]
