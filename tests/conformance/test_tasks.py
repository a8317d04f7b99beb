"""Tasks (contract hoursmith 2.6)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.lists import Listed, assert_ids, assert_list, assert_sorted, directions
from tests.conformance.world import (
    AT,
    FLAG,
    ID,
    NOBODY,
    ON,
    PRICE,
    TEXT,
    Form,
    World,
    assert_shape,
    invalid,
    listed,
    refused,
)

STATUSES = ("TODO", "IN_PROGRESS", "DONE")
PRIORITIES = ("LOW", "MEDIUM", "HIGH")
TASK = {
    "id": ID, "orgId": ID, "projectId": ID, "name": TEXT, "description": TEXT | None, "status": Form(STATUSES),
    "priority": Form(PRIORITIES), "billable": FLAG, "estimatedHours": PRICE | None, "assigneeIds": Form(list),
    "tags": Form(list), "startDate": ON | None, "dueDate": ON | None, "endDate": ON | None, "createdAt": AT,
    "updatedAt": AT, "deletedAt": AT | None,
}  # fmt: skip
TASKS = Listed(
    "/tasks",
    ("createdAt", "dueDate", "endDate", "id", "name", "priority", "startDate", "status", "updatedAt"),
    search=("name", "description"),
    exact=("projectId",),
    choices={"status": STATUSES, "priority": PRIORITIES},
    flags=("billable",),
    dates=("startDate", "dueDate", "endDate"),
)


def make(world: World, /, **facts: Any) -> Any:
    return world.api().post("/tasks", {"projectId": world.studio.ids["project"], "name": "T", **facts})


def patch(world: World, task: dict[str, Any], who: str = "owner", /, **facts: Any) -> Any:
    return world.api(who)("PATCH", f"/tasks/{task['id']}", facts)


@pytest.fixture(scope="module")
def rows(world: World) -> list[dict[str, Any]]:
    made = (
        {"name": "alpha", "startDate": "2026-06-01", "dueDate": "2026-06-30", "priority": "HIGH"},
        {"name": "bravo 5%", "description": "snake_case", "endDate": "2026-06-15", "status": "DONE"},
        {"name": "charlie", "startDate": "2026-06-15", "billable": False, "priority": "LOW"},
        {"name": "delta", "projectId": world.studio.ids["hidden_project"], "endDate": "2026-06-01"},
        {"name": "echo", "description": "It's a\\b", "status": "IN_PROGRESS", "dueDate": "2026-06-15"},
        {"name": "foxtrot", "startDate": "2025-12-31", "dueDate": "2025-12-31", "endDate": "2025-12-31"},
    )
    for number, facts in enumerate(made):
        make(world, **facts)
        if number % 2:
            world.later(days=1, hours=3)
    patch(world, listed(world.api(), "/tasks", sort="createdAt")[0], description="touched last")
    return listed(world.api(), "/tasks")


def test_a_task_has_exactly_the_documented_fields(world: World) -> None:
    people = world.studio.people
    facts = {
        "projectId": world.studio.ids["project"], "name": "Full", "description": "All", "status": "IN_PROGRESS",
        "priority": "LOW", "billable": False, "estimatedHours": "7.5", "tags": ["b", "a", "ü"],
        "assigneeIds": sorted([people["member"].user_id, people["owner"].user_id]), "startDate": "2026-06-01",
        "dueDate": "2026-06-02", "endDate": "2026-06-03",
    }  # fmt: skip
    made = world.api().post("/tasks", facts)
    assert_shape(made, TASK)
    assert {name: made[name] for name in facts} == {**facts, "estimatedHours": "7.50"}
    assert world.api().get(f"/tasks/{made['id']}") == made
    assert made in listed(world.api(), "/tasks")


def test_a_new_task_is_to_do_medium_billable_and_nobodys(world: World) -> None:
    made = make(world)
    assert_shape(made, TASK)
    assert (made["status"], made["priority"], made["billable"]) == ("TODO", "MEDIUM", True)
    assert (made["assigneeIds"], made["tags"]) == ([], [])


def test_project_and_name_are_required(world: World) -> None:
    invalid(world.api()("POST", "/tasks", {}), projectId="required", name="required")
    invalid(world.api()("POST", "/tasks", {"projectId": NOBODY, "name": "x"}), "projectId")


def test_every_wrong_field_is_named_at_once(world: World) -> None:
    wrong = {
        "projectId": "x", "name": 1, "description": {}, "status": "todo", "priority": "URGENT", "billable": "yes",
        "estimatedHours": -1, "assigneeIds": "me", "tags": [1], "startDate": 1, "dueDate": "x", "endDate": [],
        "hourlyRate": 1,
    }  # fmt: skip
    invalid(world.api()("POST", "/tasks", wrong), *wrong)
    invalid(patch(world, make(world), **wrong), *wrong)


def test_assignees_are_members_and_each_counts_once(world: World, stranger: World) -> None:
    member = world.studio.people["member"].user_id
    assert make(world, assigneeIds=[member, member])["assigneeIds"] == [member]
    for wrong in (NOBODY, stranger.studio.owner.user_id, world.studio.owner.member_id):
        body = {"projectId": world.studio.ids["project"], "name": "x", "assigneeIds": [wrong]}
        invalid(world.api()("POST", "/tasks", body), "assigneeIds")
        task = make(world, assigneeIds=[member])
        invalid(patch(world, task, assigneeIds=[wrong]), "assigneeIds")
        assert world.api().get(f"/tasks/{task['id']}") == task


def test_assigning_a_member_puts_them_on_the_project(fresh: World) -> None:
    second = fresh.studio.people["second"].user_id
    assert listed(fresh.api("second"), "/projects") == []
    task = make(fresh, assigneeIds=[second])
    assert [row["id"] for row in listed(fresh.api("second"), "/projects")] == [fresh.studio.ids["project"]]
    assert fresh.api("second").get(f"/tasks/{task['id']}") == task
    patch(fresh, task, assigneeIds=[])
    assert [row["id"] for row in listed(fresh.api("second"), "/projects")] == [fresh.studio.ids["project"]]


def test_patch_is_partial_or_full_and_null_clears(world: World) -> None:
    member = world.studio.people["member"].user_id
    made = make(world, description="d", estimatedHours=1, startDate="2026-06-01", assigneeIds=[member], tags=["x"])
    world.later(seconds=1)
    data = patch(world, made, description="", estimatedHours=None, startDate=None).json["data"]
    assert {data[name] for name in ("description", "estimatedHours", "startDate")} == {None}
    assert (data["assigneeIds"], data["tags"]) == ([member], ["x"])
    again = patch(world, made, **{**made, "name": "Back"}).json["data"]
    assert again == {**made, "name": "Back", "updatedAt": again["updatedAt"]}
    for name in ("name", "projectId", "status", "priority", "billable", "assigneeIds", "tags"):
        invalid(patch(world, made, **{name: None}), name)


def test_due_is_not_before_start(world: World) -> None:
    body = {"projectId": world.studio.ids["project"], "name": "x", "startDate": "2026-06-02", "dueDate": "2026-06-01"}
    invalid(world.api()("POST", "/tasks", body), "dueDate")
    task = make(world, startDate="2026-06-02")
    invalid(patch(world, task, dueDate="2026-06-01"), "dueDate")


def test_a_task_moves_to_another_project_of_the_workspace(world: World, stranger: World) -> None:
    task = make(world)
    moved = patch(world, task, projectId=world.studio.ids["hidden_project"]).json["data"]
    assert moved["projectId"] == world.studio.ids["hidden_project"]
    for wrong in (NOBODY, stranger.studio.ids["project"]):
        invalid(patch(world, task, projectId=wrong), "projectId")


@pytest.mark.parametrize("way", ["archive", "delete"])
def test_an_archived_task_is_no_longer_there_but_its_time_is(world: World, way: str) -> None:
    task = make(world)
    body = {
        "projectId": task["projectId"], "taskId": task["id"], "entryDate": "2026-06-01", "durationSeconds": 60,
    }  # fmt: skip
    entry = world.api().post("/time-entries", body)
    if way == "archive":
        archived = world.api()("POST", f"/tasks/{task['id']}/archive")
        assert archived.status_code == 200
        assert_shape(archived.json["data"], TASK)
        assert archived.json["data"]["deletedAt"] is not None
    else:
        gone = world.api()("DELETE", f"/tasks/{task['id']}")
        assert (gone.status_code, gone.content) == (204, b"")
    refused(world.api()("GET", f"/tasks/{task['id']}"), 404, "not_found")
    assert task["id"] not in {row["id"] for row in listed(world.api(), "/tasks")}
    assert world.api().get(f"/time-entries/{entry['id']}") == entry
    invalid(world.api()("POST", "/time-entries", body), "taskId")


def test_a_member_reads_the_tasks_of_their_projects(world: World) -> None:
    hidden = make(world, projectId=world.studio.ids["hidden_project"])
    seen = listed(world.api("member"), "/tasks")
    assert {row["projectId"] for row in seen} == {world.studio.ids["project"]}
    assert_shape(seen[0], TASK)
    refused(world.api("member")("GET", f"/tasks/{hidden['id']}"), 404, "not_found")
    assert listed(world.api("second"), "/tasks") == []


def test_a_member_edits_only_tasks_assigned_to_them(world: World) -> None:
    member = world.studio.people["member"].user_id
    own, other = make(world, assigneeIds=[member]), make(world)
    changed = patch(world, own, "member", status="DONE", description="did it")
    assert changed.json["data"]["status"] == "DONE"
    refused(patch(world, other, "member", status="DONE"), 403, "forbidden_scope")
    hidden = make(world, projectId=world.studio.ids["hidden_project"])
    refused(patch(world, hidden, "member", status="DONE"), 404, "not_found")
    body = {"projectId": world.studio.ids["project"], "name": "x"}
    for method, path, sent in (
        ("POST", "/tasks", body), ("POST", f"/tasks/{own['id']}/archive", None),
        ("DELETE", f"/tasks/{own['id']}", None),
    ):  # fmt: skip
        refused(world.api("member")(method, path, sent), 403, "forbidden_scope")


def test_a_member_sends_back_what_they_read_but_moves_and_reassigns_nothing(world: World) -> None:
    member, second = world.studio.people["member"].user_id, world.studio.people["second"].user_id
    own = make(world, assigneeIds=[member])
    assert patch(world, own, "member", **{**own, "name": "Same"}).status_code == 200
    refused(patch(world, own, "member", assigneeIds=[second]), 403, "forbidden_scope")
    refused(patch(world, own, "member", projectId=world.studio.ids["hidden_project"]), 403, "forbidden_scope")


def test_tasks_of_another_workspace_do_not_exist(world: World, stranger: World) -> None:
    theirs = f"/tasks/{stranger.studio.ids['task']}"
    for method, path in (("GET", theirs), ("PATCH", theirs), ("DELETE", theirs), ("POST", f"{theirs}/archive")):
        refused(world.api()(method, path, {} if method == "PATCH" else None), 404, "not_found")


@pytest.mark.parametrize("sort", directions(TASKS))
def test_tasks_come_in_the_order_asked_for(world: World, rows: list[dict[str, Any]], sort: str) -> None:
    if sort.endswith("name"):
        found = [row["name"].lower() for row in listed(world.api(), "/tasks", sort=sort)]
        assert found == sorted(found, reverse=sort.startswith("-"))
    else:
        span = {"createdAtFrom": rows[-1]["createdAt"], "createdAtTo": rows[0]["createdAt"]}
        assert_sorted(world.api(), TASKS, sort, **span)


def test_tasks_filter_as_documented(world: World, rows: list[dict[str, Any]]) -> None:
    assert_list(world.api(), TASKS)


def test_tasks_are_found_by_assignee(world: World) -> None:
    owner, member = world.studio.owner.user_id, world.studio.people["member"].user_id
    make(world, assigneeIds=[owner, member])
    make(world, assigneeIds=[owner])
    every = listed(world.api(), "/tasks")
    for user_id in (owner, member, world.studio.people["admin"].user_id):
        assert_ids(
            listed(world.api(), "/tasks", assigneeId=user_id), [row for row in every if user_id in row["assigneeIds"]]
        )
    invalid(world.api()("GET", "/tasks", query_string="assigneeId=me"), "assigneeId")


def test_a_name_comes_back_letter_for_letter(world: World) -> None:
    for name in (
        "🕰️ 時計 ⏱",
        "\u202eסדר\u202c العمل",
        "a\u0301 é",
        "tab\tline\nend",
        "'; DROP TABLE tasks; --",
        "<b>&amp;",
    ):
        made = make(world, name=name, description=name, tags=[name])
        assert (made["name"], made["description"], made["tags"]) == (name, name, [name])
        assert world.api().get(f"/tasks/{made['id']}") == made
        assert made["id"] in {row["id"] for row in listed(world.api(), "/tasks", search=name)}
