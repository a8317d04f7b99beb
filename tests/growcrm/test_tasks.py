"""Tasks (contract growcrm 3): the record's own tasks, with statuses, timers, comments and copies."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tallystick.domain import checklists, milestones, projects, tasks, time_entries
from tallystick.domain.invoices import draft
from tests.growcrm.world import GrowCrm, number
from tests.studio import Studio


@pytest.fixture
def project(studio: Studio) -> int:
    return number(studio, "project", studio.ids["project"])


@pytest.fixture
def task(studio: Studio) -> int:
    return number(studio, "task", studio.ids["task"])


def body(project: int, **more: Any) -> dict[str, Any]:
    return {"task_projectid": project, "task_title": "Copy", "task_status": 1, "task_priority": 2, **more}


def usual(studio: Studio, project: str = "project") -> int:
    """The number of the milestone for what belongs to no other."""
    with studio.context() as ctx:
        row = ctx.connection.execute(
            "SELECT serial FROM milestones WHERE project_id = %s AND uncategorised", [studio.ids[project]]
        ).fetchone()
    assert row is not None
    return row[0]


def milestone(studio: Studio, project: str = "project") -> int:
    with studio.context() as ctx:
        made = milestones.create(ctx, project_id=studio.ids[project], title="Launch", color="info")
    return number(studio, "milestone", made.id)


def timer(studio: Studio, who: str, **facts: Any) -> int:
    with studio.context(who) as ctx:
        entry = time_entries.start(ctx, **{"project_id": studio.ids["project"], "task_id": studio.ids["task"], **facts})
    return number(studio, "entry", entry.id)


def test_a_created_task_is_the_object_of_the_page(api: GrowCrm, studio: Studio, project: int) -> None:
    result = api(
        "POST", "/tasks",
        body(
            project, task_description="Three pages", task_date_start="2026-06-20", task_date_due="2026-07-01",
            task_client_visibility="on", task_billable="on",
        ),
    )  # fmt: skip
    assert result.status_code == 201
    assert result.json == {
        "data": {
            "id": result.json["data"]["id"],
            "title": "Copy",
            "description": "Three pages",
            "status": {"id": 1, "title": "To do", "color": "default"},
            "priority": {"id": 2, "title": "Normal", "color": "default"},
            "active_state": "active",
            "client_visibility": "yes",
            "billable": "yes",
            "project": {"id": project, "title": "Website"},
            "client": {"id": number(studio, "client", studio.ids["client"]), "name": "Globex"},
            "milestone": {"id": usual(studio), "name": "Uncategorised"},
            "dates": {
                "start": "2026-06-20", "due": "2026-07-01",
                "created": "2026-06-15T09:30:00.000000Z", "updated": "2026-06-15T09:30:00.000000Z",
            },
            "time_logged": 0,
            "assigned": [],
            "tags": [],
        },
        "message": "Task created successfully.",
    }  # fmt: skip
    one = api("GET", f"/tasks/{result.json['data']['id']}")
    assert (one.json["data"], one.json["message"]) == (result.json["data"], "Task retrieved successfully.")


def test_boxes_that_are_not_ticked_are_no(api: GrowCrm, project: int) -> None:
    made = api.post("/tasks", body(project))
    assert (made["client_visibility"], made["billable"], made["description"]) == ("no", "no", None)
    assert api.post("/tasks", body(project, task_billable="off"))["billable"] == "no"
    assert api.post("/tasks", json=body(project, task_billable=True))["billable"] == "yes"
    answer = api.refused("POST", "/tasks", body(project, task_billable="perhaps"), status=422)
    assert answer["errors"] == {"task_billable": ["The task billable field must be true or false."]}


@pytest.mark.parametrize(
    ("wrong", "errors"),
    [
        ({"task_projectid": ""}, {"task_projectid": ["The task projectid field is required."]}),
        ({"task_title": "  "}, {"task_title": ["The task title field is required."]}),
        ({"task_status": ""}, {"task_status": ["The task status field is required."]}),
        ({"task_priority": ""}, {"task_priority": ["The task priority field is required."]}),
        ({"task_projectid": 999_999}, {"task_projectid": ["The selected task projectid is invalid."]}),
        ({"task_status": 99}, {"task_status": ["The selected task status is invalid."]}),
        ({"task_priority": 99}, {"task_priority": ["The selected task priority is invalid."]}),
        ({"task_milestoneid": 999_999}, {"task_milestoneid": ["The selected task milestoneid is invalid."]}),
        ({"task_title": "x" * 201}, {"task_title": ["The task title must not be greater than 200 characters."]}),
        ({"task_title[a]": "x"}, {"task_title": ["The task title must be a string."]}),
        (
            {"task_date_start": "2026-07-02", "task_date_due": "2026-07-01"},
            {"task_date_due": ["The task date due must be a date after or equal to task date start."]},
        ),
    ],
)
def test_what_is_wrong_is_named(api: GrowCrm, project: int, wrong: dict[str, Any], errors: dict[str, Any]) -> None:
    assert api.refused("POST", "/tasks", body(project, **wrong), status=422) == {
        "message": "The given data was invalid.", "errors": errors,
    }  # fmt: skip
    assert len(api.get("/tasks")) == 1


def test_a_milestone_is_of_the_project(api: GrowCrm, studio: Studio, project: int) -> None:
    own, other = milestone(studio), milestone(studio, "hidden_project")
    assert api.post("/tasks", body(project, task_milestoneid=own))["milestone"] == {"id": own, "name": "Launch"}
    assert "another project" in api.refused(
        "POST", "/tasks", body(project, task_milestoneid=other), status=409
    )["message"]  # fmt: skip


def test_a_change_says_everything_but_the_milestone(api: GrowCrm, studio: Studio, project: int) -> None:
    own = milestone(studio)
    made = api.post(
        "/tasks",
        body(project, task_milestoneid=own, task_description="x", task_billable="on", task_date_due="2026-07-01"),
    )
    path = f"/tasks/{made['id']}"
    answer = api.refused("PATCH", path, {"task_title": "New"}, status=422)
    assert list(answer["errors"]) == ["task_status", "task_priority"]
    result = api(
        "PATCH", path, {"task_title": "New", "task_status": 2, "task_priority": 4, "task_projectid": 1, "task_id": 7}
    )
    assert (result.status_code, result.json["message"]) == (200, "Task updated successfully.")
    changed = result.json["data"]
    assert (changed["title"], changed["description"], changed["billable"]) == ("New", None, "no")
    assert (changed["dates"]["due"], changed["milestone"]["id"]) == (None, own)
    assert (changed["status"]["id"], changed["priority"]["title"]) == (2, "Urgent")
    assert (changed["id"], changed["project"]) == (made["id"], made["project"])


def test_a_status_is_set_and_the_native_one_with_it(api: GrowCrm, studio: Studio, task: int) -> None:
    result = api("PUT", f"/tasks/{task}/status", {"status": 3})
    assert (result.status_code, result.json["message"]) == (200, "Task status updated successfully.")
    assert result.json["data"]["status"] == {"id": 3, "title": "Completed", "color": "success"}
    with studio.context() as ctx:
        native = tasks.read(ctx, studio.ids["task"])
    assert (native.status, native.completed_at, native.completed_by) == (
        "DONE", studio.clock.now, studio.owner.user_id
    )  # fmt: skip
    assert api.put(f"/tasks/{task}/status", json={"status": "1"})["status"]["title"] == "To do"
    for wrong, sentence in ((99, "The selected status is invalid."), ("x", "The status must be an integer.")):
        answer = api.refused("PUT", f"/tasks/{task}/status", {"status": wrong}, status=422)
        assert answer["errors"] == {"status": [sentence]}
    assert list(api.refused("PUT", f"/tasks/{task}/status", status=422)["errors"]) == ["status"]


def test_assigned_people_are_replaced(api: GrowCrm, studio: Studio, task: int) -> None:
    who = {name: number(studio, "user", person.user_id) for name, person in studio.people.items()}
    path = f"/tasks/{task}/assigned"
    result = api("PUT", path, [("assigned[]", who["admin"]), ("assigned[]", who["second"])])
    assert result.json["message"] == "Task assignees updated successfully."
    assert result.json["data"]["assigned"] == [
        {"id": who["admin"], "name": "Admin"}, {"id": who["second"], "name": "Second"},
    ]  # fmt: skip
    assert [one["id"] for one in api.put(path, json={"assigned": [who["owner"], who["owner"]]})["assigned"]] == [1]
    answer = api.refused("PUT", path, [("assigned[]", 1), ("assigned[]", 99)], status=422)
    assert answer["errors"] == {"assigned": ["The selected assigned is invalid."]}
    answer = api.refused("PUT", path, [("assigned[]", 1), ("assigned[]", "x")], status=422)
    assert answer["errors"] == {"assigned.1": ["The assigned.1 must be an integer."]}
    answer = api.refused("PUT", path, {"assigned": "1"}, status=422)
    assert answer["errors"] == {"assigned": ["The assigned must be an array."]}
    assert [one["id"] for one in api.get(f"/tasks/{task}")["assigned"]] == [1]
    for nobody in ([("assigned[]", "")], [("assigned", "")], []):
        api.put(path, [("assigned[]", 1)])
        assert api.put(path, nobody)["assigned"] == []


def test_tags_are_replaced(api: GrowCrm, task: int) -> None:
    path = f"/tasks/{task}/tags"
    assert api.put(path, [("tags[]", "design"), ("tags[]", "urgent"), ("tags[]", "design")])["tags"] == [
        "design", "urgent",
    ]  # fmt: skip
    assert api.put(path, json={"tags": ["one"]})["tags"] == ["one"]
    assert api.put(path, json={"tags": []})["tags"] == []
    answer = api.refused("PUT", path, [("tags[]", "x" * 61)], status=422)
    assert answer["errors"] == {"tags.0": ["The tags.0 must not be greater than 60 characters."]}


def test_a_task_is_archived_and_taken_out_again(api: GrowCrm, studio: Studio, task: int) -> None:
    assert api.put(f"/tasks/{task}/archive")["active_state"] == "archived"
    assert [one["id"] for one in api.get("/tasks", active_state="archived")] == [task]
    assert api.get("/tasks", active_state="active") == []
    assert [one["id"] for one in api.get("/tasks")] == [task], "both, unless told"
    assert api.put(f"/tasks/{task}/archive")["active_state"] == "archived"
    assert api.put(f"/tasks/{task}/activate")["active_state"] == "active"
    with studio.context() as ctx:
        assert tasks.read(ctx, studio.ids["task"]).archived_at is None


def test_a_deleted_task_leaves_its_time(api: GrowCrm, studio: Studio, task: int) -> None:
    entry = api.post(
        "/timesheets", {"task_id": task, "user_id": 1, "hours": 1, "minutes": 0, "timer_created": "2026-06-12"}
    )
    result = api("DELETE", f"/tasks/{task}")
    assert result.json == {"data": {"id": task}, "message": "Task deleted successfully."}
    for method, path in (("GET", ""), ("DELETE", ""), ("PUT", "/archive"), ("GET", "/timers"), ("GET", "/comments")):
        api.refused(method, f"/tasks/{task}{path}", status=404)
    assert api.get(f"/timesheets/{entry['id']}")["task_id"] == task


def test_a_copy_is_a_task_of_its_own(api: GrowCrm, studio: Studio, task: int, project: int) -> None:
    with studio.context() as ctx:
        checklists.create(ctx, text="Proofread", task_id=studio.ids["task"])
        tasks.change(ctx, studio.ids["task"], description="As agreed", tags=["design"])
    there = number(studio, "project", studio.ids["hidden_project"])
    given = {
        "task_title": "Again", "task_status": 2, "project_id": there,
        "task_milestoneid": usual(studio, "hidden_project"), "copy_checklist": "on", "copy_files": "on",
    }  # fmt: skip
    result = api("POST", f"/tasks/{task}/clone", given)
    assert (result.status_code, result.json["message"]) == (201, "Task cloned successfully.")
    copy = result.json["data"]
    assert copy["id"] != task
    assert (copy["title"], copy["description"], copy["tags"]) == ("Again", "As agreed", ["design"])
    assert (copy["project"]["id"], copy["status"]["id"], copy["assigned"]) == (there, 2, [])
    with studio.context() as ctx:
        copied = ctx.connection.execute(
            "SELECT text FROM checklist_items i JOIN tasks t ON t.id = i.task_id WHERE t.serial = %s", [copy["id"]]
        ).fetchall()
    assert copied == [("Proofread",)]
    answer = api.refused("POST", f"/tasks/{task}/clone", {}, status=422)
    assert list(answer["errors"]) == ["task_title", "task_status", "project_id", "task_milestoneid"]
    wrong = {**given, "project_id": project}
    assert "another project" in api.refused("POST", f"/tasks/{task}/clone", wrong, status=409)["message"]


# --- time


def test_logged_time_is_the_time_of_its_timesheets(api: GrowCrm, studio: Studio, task: int) -> None:
    api.post("/timesheets", {"task_id": task, "user_id": 1, "hours": 1, "minutes": 0, "timer_created": "2026-06-12"})
    timer(studio, "member")
    studio.clock.now += timedelta(minutes=5)
    timer(studio, "admin")
    studio.clock.now += timedelta(minutes=10, seconds=3)
    assert api.get(f"/tasks/{task}")["time_logged"] == 3600 + 903 + 603
    assert sum(one["time_seconds"] for one in api.get("/timesheets", task_id=task)) == 3600 + 903 + 603


def test_timers_are_seen_and_stopped_all_at_once(api: GrowCrm, studio: Studio, task: int) -> None:
    elsewhere = timer(studio, "owner", task_id=None)
    mine, theirs = timer(studio, "admin"), timer(studio, "member")
    studio.clock.now += timedelta(minutes=45)
    seen = api("GET", f"/tasks/{task}/timers")
    assert seen.json["message"] == "Task timers retrieved successfully."
    assert seen.json["data"][1] == {
        "id": mine, "user": {"id": 2, "name": "Admin"}, "started": "2026-06-15T09:30:00.000000Z", "stopped": None,
        "time": 2700, "status": "running", "billing_status": "not_invoiced",
    }  # fmt: skip
    assert [one["id"] for one in seen.json["data"]] == [theirs, mine]
    result = api("PUT", f"/tasks/{task}/stop-timers")
    assert result.status_code == 200
    assert result.json == {"data": {"id": task}, "message": "Task timers stopped successfully."}
    assert [one["id"] for one in api.get("/timesheets", status="running")] == [elsewhere]
    assert {one["stopped"] for one in api.get(f"/tasks/{task}/timers")} == {"2026-06-15T10:15:00.000000Z"}
    assert api.put(f"/tasks/{task}/stop-timers") == {"id": task}, "nothing to stop is no fault"
    with studio.context() as ctx:
        draft.draft(ctx, client_id=studio.ids["client"])
    assert {one["billing_status"] for one in api.get(f"/tasks/{task}/timers")} == {"invoiced"}


# --- comments


def test_comments_are_said_listed_and_deleted(api: GrowCrm, task: int) -> None:
    result = api("POST", f"/tasks/{task}/comments", {"comment": " The client likes it. "})
    assert result.status_code == 201
    first = result.json["data"]
    assert first == {"id": first["id"], "text": "The client likes it.", "creator": {"id": 1, "name": "Owner"}}
    second = api.post(f"/tasks/{task}/comments", json={"comment": "<b>Really</b>"})
    assert api.get(f"/tasks/{task}/comments") == [first, second]
    answer = api.refused("POST", f"/tasks/{task}/comments", {"comment": ""}, status=422)
    assert answer["errors"] == {"comment": ["The comment field is required."]}
    path = f"/tasks/{task}/comments/{first['id']}"
    assert api.delete(path) == {"id": first["id"]}
    api.refused("DELETE", path, status=404)
    assert api.get(f"/tasks/{task}/comments") == [second]


def test_a_comment_is_deleted_from_its_own_task_only(api: GrowCrm, task: int, project: int) -> None:
    comment = api.post(f"/tasks/{task}/comments", {"comment": "x"})["id"]
    other = api.post("/tasks", body(project))["id"]
    api.refused("DELETE", f"/tasks/{other}/comments/{comment}", status=404)
    api.refused("DELETE", f"/tasks/{task}/comments/999999", status=404)
    assert len(api.get(f"/tasks/{task}/comments")) == 1


# --- lists


@pytest.fixture
def board(api: GrowCrm, studio: Studio, project: int, task: int) -> dict[str, int]:
    """`design` is assigned to the member; `copy` is due, urgent and under way; `migrate` is another client's."""
    there = number(studio, "project", studio.ids["hidden_project"])
    studio.clock.now += timedelta(minutes=1)
    copy = api.post("/tasks", body(project, task_status=2, task_priority=4, task_date_due="2026-07-01",
                                   task_milestoneid=milestone(studio)))["id"]  # fmt: skip
    studio.clock.now += timedelta(minutes=1)
    migrate = api.post("/tasks", body(there, task_title="Migrate", task_date_due="2026-06-20"))["id"]
    return {"design": task, "copy": copy, "migrate": migrate, "there": there}


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["migrate", "copy", "design"]),
        ({"order": "asc"}, ["design", "copy", "migrate"]),
        ({"project_id": "there"}, ["migrate"]),
        ({"status": 2}, ["copy"]),
        ({"status": 99}, []),
        ({"priority": 4}, ["copy"]),
        ({"assigned_user_id": 4}, ["design"]),
        ({"assigned_user_id": 1}, []),
        ({"search": "IG"}, ["migrate", "design"]),
        ({"search": "%"}, []),
        ({"active_state": "gone"}, []),
        ({"sort": "task_title", "order": "asc"}, ["copy", "design", "migrate"]),
        ({"sort": "task_date_due", "order": "asc"}, ["design", "migrate", "copy"]),
        ({"sort": "task_date_due"}, ["copy", "migrate", "design"]),
        ({"sort": "task_position", "project_id": "project"}, ["copy", "design"]),
        ({"sort": "task_color"}, ["migrate", "copy", "design"]),
    ],
)
def test_filters_and_sorts(
    api: GrowCrm, project: int, board: dict[str, int], asked: dict[str, Any], found: list[str]
) -> None:
    known = {**board, "project": project}
    seen = api.page("/tasks", **{name: known.get(str(value), value) for name, value in asked.items()})
    assert [one["id"] for one in seen["data"]] == [board[name] for name in found]
    assert seen["meta"]["total"] == len(found)
    assert seen["message"] == "Tasks retrieved successfully."


def test_tasks_of_a_client_and_of_a_milestone(api: GrowCrm, studio: Studio, board: dict[str, int]) -> None:
    client = number(studio, "client", studio.ids["other_client"])
    assert [one["id"] for one in api.get("/tasks", client_id=client)] == [board["migrate"]]
    own = api.get(f"/tasks/{board['copy']}")["milestone"]["id"]
    assert [one["id"] for one in api.get("/tasks", milestone_id=own)] == [board["copy"]]


def test_a_project_without_a_client_has_tasks_without_one(api: GrowCrm, studio: Studio) -> None:
    with studio.context() as ctx:
        ours = projects.create(ctx, client_id=None, name="Ours").id
    made = api.post("/tasks", body(number(studio, "project", ours), task_billable="on"))
    assert made["client"] is None
