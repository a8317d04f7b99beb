"""Each verb means the same through every API: one record, whoever writes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.growcrm.world import number
from tests.scenarios.faces import Faces
from tests.studio import Studio

NINE, TEN = "2026-06-15T07:00:00Z", "2026-06-15T08:00:00Z"


pytestmark = pytest.mark.usefixtures("sound")


def events(studio: Studio, resource_id: str) -> list[str]:
    with studio.context() as ctx:
        rows = ctx.connection.execute(
            "SELECT type FROM events WHERE resource_id = %s ORDER BY occurred_at, id", [resource_id]
        ).fetchall()
    return [kind for (kind,) in rows]


# --- time


def test_an_interval_logged_there_is_an_entry_here(owner: Faces, studio: Studio) -> None:
    made = owner.expensicat.post(
        "/time-entries",
        {"start_time": NINE, "end_time": TEN, "description": "Concept", "project_id": studio.ids["project"]},
    )
    seen = owner.native.get(f"/time-entries/{made['id']}")
    assert seen == {
        "id": made["id"], "orgId": studio.workspace_id, "userId": studio.owner.user_id,
        "projectId": studio.ids["project"], "taskId": None, "invoiceId": None, "durationSeconds": 3600,
        "billable": True, "note": "Concept", "entryDate": "2026-06-15", "startedAt": NINE, "stoppedAt": TEN,
        "createdAt": made["created_at"], "updatedAt": made["updated_at"], "deletedAt": None,
        "writtenOffAt": None, "writeOffReason": None,
    }  # fmt: skip
    assert events(studio, made["id"]) == ["time_entry.created"]


def test_the_same_work_costs_the_same(owner: Faces, studio: Studio) -> None:
    """The rate found when it is made, the default for billable, and what an invoice makes of it."""
    project = studio.ids["project"]
    there = owner.expensicat.post(
        "/time-entries", {"start_time": NINE, "end_time": TEN, "description": "x", "project_id": project}
    )["id"]
    here = owner.native.post(
        "/time-entries", {"projectId": project, "entryDate": "2026-06-15", "durationSeconds": 3600}
    )["id"]
    with studio.context() as ctx:
        rows = ctx.connection.execute(
            "SELECT hourly_rate, billable, entry_date, duration_seconds FROM time_entries WHERE id = ANY(%s::uuid[])",
            [[there, here]],
        ).fetchall()
    assert rows[0] == rows[1]
    invoice = owner.native.post("/invoices", {"clientId": studio.ids["client"]})
    assert invoice["total"] == "180.00"
    for entry in (there, here):
        assert owner.expensicat.get(f"/time-entries/{entry}")["invoice_id"] == invoice["id"]
        owner.expensicat.refused("PATCH", f"/time-entries/{entry}", {"description": "y"}, status=409)
        assert owner.native("PATCH", f"/time-entries/{entry}", {"note": "y"}).status_code == 409
        owner.expensicat.refused("DELETE", f"/time-entries/{entry}", status=409)
        assert owner.native("DELETE", f"/time-entries/{entry}").status_code == 409


def test_a_day_and_a_duration_here_are_an_interval_there(owner: Faces, studio: Studio) -> None:
    body = {"projectId": studio.ids["project"], "entryDate": "2026-06-12", "duration": "1h30m", "note": "Copy"}
    made = owner.native.post("/time-entries", body)
    seen = owner.expensicat.get(f"/time-entries/{made['id']}")
    assert (seen["start_time"], seen["end_time"]) == ("2026-06-11T22:00:00Z", "2026-06-11T23:30:00Z")
    assert (seen["duration"], seen["description"]) == (5400, "Copy")
    path = f"/time-entries/{made['id']}"
    owner.native("PATCH", path, {"entryDate": "2026-06-10", "durationSeconds": 60})
    moved = owner.expensicat.get(path)
    assert (moved["start_time"], moved["end_time"]) == ("2026-06-09T22:00:00Z", "2026-06-09T22:01:00Z")
    assert [one["id"] for one in owner.expensicat.get("/time-entries", end_date="2026-06-10")] == [made["id"]]


def test_corrected_intervals_move_the_day_and_corrected_days_the_interval(owner: Faces, studio: Studio) -> None:
    made = owner.expensicat.post(
        "/time-entries",
        {"start_time": NINE, "end_time": TEN, "description": "x", "project_id": studio.ids["project"]},
    )
    path = f"/time-entries/{made['id']}"
    owner.expensicat.patch(path, {"start_time": "2026-06-14T21:30:00Z"})
    assert owner.native.get(path)["entryDate"] == "2026-06-14"
    assert owner.native.get(path)["durationSeconds"] == 10.5 * 3600
    owner.native("PATCH", path, {"entryDate": "2026-06-13", "durationSeconds": 600})
    seen = owner.expensicat.get(path)
    assert (seen["start_time"], seen["end_time"]) == ("2026-06-13T21:30:00Z", "2026-06-13T21:40:00Z")


def test_there_is_one_timer_whoever_starts_and_stops_it(owner: Faces, studio: Studio) -> None:
    first = owner.native.post("/time-entries/start", {"projectId": studio.ids["project"]})
    open_there = owner.expensicat.get(f"/time-entries/{first['id']}")
    assert (open_there["end_time"], open_there["duration"]) == (None, 0)
    second = owner.expensicat.post("/time-entries", {"start_time": "2026-06-15T09:30:00Z", "description": "next"})
    assert owner.native.get(f"/time-entries/{first['id']}")["stoppedAt"] == "2026-06-15T09:30:00Z"
    assert owner.native.get("/time-entries/running")["id"] == second["id"]
    studio.clock.now = studio.clock.now.replace(hour=10, minute=0)
    owner.expensicat.patch(f"/time-entries/{second['id']}", {"end_time": "2026-06-15T09:45:00Z"})
    assert owner.native.get("/time-entries/running") is None
    third = owner.expensicat.post("/time-entries", {"start_time": "2026-06-15T09:50:00Z", "description": "last"})
    stopped = owner.native.post("/time-entries/stop", status=200)
    assert (stopped["id"], stopped["durationSeconds"]) == (third["id"], 600)
    assert owner.expensicat.get(f"/time-entries/{third['id']}")["end_time"] == "2026-06-15T10:00:00Z"
    for entry in (first, second, third):
        assert events(studio, entry["id"]) == ["time_entry.started", "time_entry.stopped"]


def test_what_is_deleted_there_is_gone_here(owner: Faces, studio: Studio) -> None:
    for delete in (owner.expensicat, owner.native):
        made = owner.native.post(
            "/time-entries", {"projectId": studio.ids["project"], "entryDate": "2026-06-12", "durationSeconds": 60}
        )
        assert delete("DELETE", f"/time-entries/{made['id']}").status_code == 204
        owner.expensicat.refused("GET", f"/time-entries/{made['id']}", status=404)
        assert owner.native("GET", f"/time-entries/{made['id']}").status_code == 404
        assert events(studio, made["id"]) == ["time_entry.created", "time_entry.deleted"]


def test_work_on_nothing_shows_null_here_and_is_billed_to_nobody(owner: Faces, studio: Studio) -> None:
    loose = owner.expensicat.post("/time-entries", {"start_time": NINE, "end_time": TEN, "description": "x"})
    seen = owner.native.get(f"/time-entries/{loose['id']}")
    assert (seen["projectId"], seen["billable"]) == (None, False)
    project = owner.expensicat.post("/projects", {"name": "Ours", "hourly_rate": "50"})
    assert owner.native.get(f"/projects/{project['id']}")["clientId"] is None
    on_it = owner.expensicat.post(
        "/time-entries",
        {"start_time": NINE, "end_time": TEN, "description": "x", "project_id": project["id"], "billable": True},
    )
    assert on_it["billable"] is False
    here = owner.native.post(
        "/time-entries",
        {"projectId": project["id"], "entryDate": "2026-06-15", "durationSeconds": 60, "billable": True},
    )
    assert here["billable"] is False
    for path, body in (("/projects", {"name": "x"}), ("/time-entries", {"entryDate": "2026-06-15"})):
        assert owner.native("POST", path, body).status_code == 422, "native creates require what they always did"
    for path, name in ((f"/projects/{project['id']}", "clientId"), (f"/time-entries/{loose['id']}", "projectId")):
        assert owner.native("PATCH", path, {name: None}).status_code == 422


def sheet(studio: Studio, **more: Any) -> dict[str, Any]:
    """The form of a timesheet of the owner's."""
    task = number(studio, "task", studio.ids["task"])
    return {"task_id": task, "user_id": 1, "hours": 1, "minutes": 30, "timer_created": "2026-06-12", **more}


def entry_of(studio: Studio, timesheet: int) -> str:
    """The id of the entry that a timesheet is."""
    with studio.context() as ctx:
        row = ctx.connection.execute("SELECT id FROM time_entries WHERE serial = %s", [timesheet]).fetchone()
    assert row is not None
    return row[0]


def test_a_timesheet_is_an_entry_in_all_three(owner: Faces, studio: Studio) -> None:
    made = owner.growcrm.post("/timesheets", sheet(studio))
    identity = entry_of(studio, made["id"])
    here, there = owner.native.get(f"/time-entries/{identity}"), owner.expensicat.get(f"/time-entries/{identity}")
    assert (here["durationSeconds"], here["entryDate"], here["taskId"], here["projectId"], here["billable"]) == (
        5400, "2026-06-12", studio.ids["task"], studio.ids["project"], True,
    )  # fmt: skip
    assert (there["start_time"], there["duration"]) == ("2026-06-11T22:00:00Z", 5400)
    owner.growcrm.patch(f"/timesheets/{made['id']}", {"hours": 0, "minutes": 45})
    assert owner.native.get(f"/time-entries/{identity}")["durationSeconds"] == 2700
    owner.native("PATCH", f"/time-entries/{identity}", {"durationSeconds": 7200, "entryDate": "2026-06-10"})
    seen = owner.growcrm.get(f"/timesheets/{made['id']}")
    assert (seen["time_readable"], seen["dates"]["created"]) == ("2h", "2026-06-10")
    assert owner.expensicat("DELETE", f"/time-entries/{identity}").status_code == 204
    owner.growcrm.refused("GET", f"/timesheets/{made['id']}", status=404)
    assert events(studio, identity) == [f"time_entry.{what}" for what in ("created", "updated", "updated", "deleted")]


def test_a_timesheet_costs_what_an_entry_costs_and_is_locked_with_it(owner: Faces, studio: Studio) -> None:
    timesheet = owner.growcrm.post("/timesheets", sheet(studio))["id"]
    body = {
        "projectId": studio.ids["project"], "taskId": studio.ids["task"], "entryDate": "2026-06-12",
        "durationSeconds": 5400,
    }  # fmt: skip
    other = owner.native.post("/time-entries", body)["id"]
    with studio.context() as ctx:
        rows = ctx.connection.execute(
            "SELECT hourly_rate, billable, entry_date, day_begins, duration_seconds, user_id FROM time_entries "
            "WHERE id = ANY(%s::uuid[])",
            [[entry_of(studio, timesheet), other]],
        ).fetchall()
    assert rows[0] == rows[1]
    invoice = owner.native.post("/invoices", {"clientId": studio.ids["client"]})
    seen = owner.growcrm.get("/timesheets", billing_status="invoiced")
    assert {one["billing"]["invoice_id"] for one in seen} == {number(studio, "invoice", invoice["id"])}
    assert len(seen) == 2
    for one in seen:
        owner.growcrm.refused("PATCH", f"/timesheets/{one['id']}", {"hours": 1, "minutes": 0}, status=409)
        owner.growcrm.refused("DELETE", f"/timesheets/{one['id']}", status=409)
    assert owner.native("DELETE", f"/invoices/{invoice['id']}").status_code == 204
    assert owner.growcrm.delete(f"/timesheets/{timesheet}") == {"id": timesheet}


def test_a_timer_of_the_app_is_seen_and_stopped_from_its_task(as_: Callable[[str], Faces], studio: Studio) -> None:
    faces = as_("member")
    begun = faces.native.post("/time-entries/start", {"projectId": studio.ids["project"], "taskId": studio.ids["task"]})
    (running,) = faces.growcrm.get("/timesheets", status="running")
    assert entry_of(studio, running["id"]) == begun["id"]
    studio.clock.now = studio.clock.now.replace(hour=10, minute=0)
    faces.growcrm.put(f"/tasks/{running['task_id']}/stop-timers")
    stopped = faces.native.get(f"/time-entries/{begun['id']}")
    assert (stopped["stoppedAt"], stopped["durationSeconds"]) == ("2026-06-15T10:00:00Z", 1800)
    assert faces.native.get("/time-entries/running") is None
    assert events(studio, begun["id"]) == ["time_entry.started", "time_entry.stopped"]


def test_an_archived_project_takes_no_time_through_any(owner: Faces, studio: Studio) -> None:
    owner.native("POST", f"/projects/{studio.ids['project']}/archive")
    owner.growcrm.refused("POST", "/timesheets", sheet(studio), status=422)


# --- tasks


def test_a_task_is_a_task(owner: Faces, studio: Studio) -> None:
    project = number(studio, "project", studio.ids["project"])
    made = owner.growcrm.post(
        "/tasks",
        {"task_projectid": project, "task_title": "Copy", "task_status": 2, "task_priority": 3, "task_billable": "on"},
    )
    (here,) = [one for one in owner.native.get("/tasks") if one["name"] == "Copy"]
    assert (here["status"], here["priority"], here["billable"]) == ("IN_PROGRESS", "HIGH", True)
    owner.native("PATCH", f"/tasks/{here['id']}", {"status": "DONE", "tags": ["design"], "dueDate": "2026-07-01"})
    seen = owner.growcrm.get(f"/tasks/{made['id']}")
    assert (seen["status"]["id"], seen["tags"], seen["dates"]["due"]) == (3, ["design"], "2026-07-01")
    owner.growcrm.put(f"/tasks/{made['id']}/status", {"status": 1})
    owner.growcrm.put(f"/tasks/{made['id']}/assigned", [("assigned[]", 2)])
    here = owner.native.get(f"/tasks/{here['id']}")
    assert (here["status"], here["assigneeIds"]) == ("TODO", [studio.people["admin"].user_id])
    owner.growcrm.delete(f"/tasks/{made['id']}")
    assert owner.native("GET", f"/tasks/{here['id']}").status_code == 404
    assert events(studio, here["id"])[0] == "task.created"


def test_whoever_is_taken_from_the_team_is_out_everywhere(as_: Callable[[str], Faces], studio: Studio) -> None:
    faces = as_("member")
    assert faces.native("GET", "/me").status_code == 200
    faces.growcrm.delete(f"/team/{number(studio, 'user', studio.people['member'].user_id)}")
    assert faces.native("GET", "/me").status_code == 401
    assert faces.expensicat("GET", "/time-entries").status_code == 401


# --- projects, clients, people


def test_ids_are_the_same_everywhere(owner: Faces) -> None:
    pairs = {"/projects": "/projects", "/customers": "/clients", "/time-entries": "/time-entries"}
    for there, here in pairs.items():
        assert {one["id"] for one in owner.expensicat.get(there)} == {one["id"] for one in owner.native.get(here)}
    assert [one["id"] for one in owner.expensicat.get("/members")] == [
        one["id"] for one in owner.native.get("/members", params={"sort": "createdAt"})
    ]
    assert owner.expensicat.get("/organizations/current")["id"] == owner.native.get("/organization")["id"]


def test_a_customer_is_a_client(owner: Faces, studio: Studio) -> None:
    made = owner.expensicat.post("/customers", {"name": "Hooli", "city": "Berlin", "tax_id": "DE136695976"})
    seen = owner.native.get(f"/clients/{made['id']}")
    assert (seen["name"], seen["billingCity"], seen["taxNumber"], seen["currency"]) == (
        "Hooli",
        "Berlin",
        "DE136695976",
        "EUR",
    )
    owner.native("PATCH", f"/clients/{made['id']}", {"billingCity": "Bern", "contactName": "Gavin"})
    again = owner.expensicat.get(f"/customers/{made['id']}")
    assert (again["city"], again["contact_person"]) == ("Bern", "Gavin")
    owner.expensicat.post("/projects", {"name": "x", "customer_id": made["id"], "currency": "CHF"})
    assert owner.native.get(f"/clients/{made['id']}")["currency"] == "CHF"
    assert owner.native("DELETE", f"/clients/{made['id']}").status_code == 409
    owner.expensicat.refused("DELETE", f"/customers/{made['id']}", status=409)
    assert events(studio, made["id"]) == ["client.created", "client.updated", "client.updated"]


def test_a_project_archived_there_is_archived_here(owner: Faces, studio: Studio) -> None:
    path = f"/projects/{studio.ids['project']}"
    assert owner.expensicat("DELETE", path).status_code == 204
    assert owner.native.get(path)["status"] == "ARCHIVED"
    assert owner.native("PATCH", path, {"status": "ACTIVE"}).status_code == 200
    assert owner.expensicat.get(path)["active"] is True
    body = {"projectId": studio.ids["project"], "entryDate": "2026-06-12", "durationSeconds": 60}
    owner.native("POST", f"{path}/archive")
    assert owner.native("POST", "/time-entries", body).status_code == 422
    owner.expensicat.refused(
        "POST", "/time-entries", {"start_time": NINE, "description": "x", "project_id": body["projectId"]}, status=400
    )


def test_whoever_is_removed_there_is_out_here(as_: Callable[[str], Faces], studio: Studio) -> None:
    member = as_("member").native
    assert member("GET", "/me").status_code == 200
    assert as_("owner").expensicat("DELETE", f"/members/{studio.people['member'].user_id}").status_code == 204
    assert member("GET", "/me").status_code == 401


# --- who may


@pytest.mark.parametrize("who", ["owner", "admin", "manager", "member"])
def test_a_role_sees_the_same_time_and_projects_through_both(
    as_: Callable[[str], Faces], studio: Studio, who: str
) -> None:
    for person in ("owner", "member", "manager"):
        as_(person).native.post(
            "/time-entries", {"projectId": studio.ids["project"], "entryDate": "2026-06-12", "durationSeconds": 60}
        )
    faces = as_(who)
    for path in ("/time-entries", "/projects"):
        there = {one["id"] for one in faces.expensicat.get(path)}
        here = {one["id"] for one in faces.native.get(path)}
        assert there == here
        assert there
        for one in there:
            assert faces.expensicat("GET", f"{path}/{one}").status_code == 200
            assert faces.native("GET", f"{path}/{one}").status_code == 200


@pytest.mark.parametrize("who", ["owner", "admin", "manager", "member"])
def test_a_role_is_refused_the_same_through_both(as_: Callable[[str], Faces], studio: Studio, who: str) -> None:
    """The same request in two languages is done by both, or refused by both."""
    faces = as_(who)
    entry = as_("owner").native.post(
        "/time-entries", {"projectId": studio.ids["project"], "entryDate": "2026-06-12", "durationSeconds": 60}
    )["id"]
    requests: list[tuple[tuple[str, str, Any], tuple[str, str, Any]]] = [
        (("POST", "/clients", {"name": "x"}), ("POST", "/customers", {"name": "x"})),
        (("GET", "/clients", None), ("GET", "/customers", None)),
        (
            ("POST", "/projects", {"name": "x", "clientId": studio.ids["client"]}),
            ("POST", "/projects", {"name": "x", "customer_id": studio.ids["client"]}),
        ),
        (("GET", f"/projects/{studio.ids['hidden_project']}", None),) * 2,
        (("GET", f"/time-entries/{entry}", None),) * 2,
        (
            ("PATCH", f"/time-entries/{entry}", {"note": "x"}),
            ("PATCH", f"/time-entries/{entry}", {"description": "x"}),
        ),
    ]
    for here, there in requests:
        statuses = faces.native(*here).status_code, faces.expensicat(*there).status_code
        assert statuses[0] == statuses[1], (here, statuses)
