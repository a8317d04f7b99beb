"""Projects (contract growcrm 4)."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tallystick.domain import checklists, clients, expenses, milestones, projects, tasks, time_entries
from tallystick.domain.invoices import draft, lifecycle
from tests.growcrm.world import GrowCrm, number
from tests.studio import Studio

DAY = date(2026, 6, 12)


@pytest.fixture
def client(studio: Studio) -> int:
    return number(studio, "client", studio.ids["client"])


@pytest.fixture
def project(studio: Studio) -> int:
    return number(studio, "project", studio.ids["project"])


def body(client: int, **more: Any) -> dict[str, Any]:
    return {
        "project_clientid": client, "project_title": "Relaunch", "project_date_start": "2026-07-01",
        "project_categoryid": 1, **more,
    }  # fmt: skip


def test_a_new_project_is_the_object_of_the_page(api: GrowCrm, client: int) -> None:
    result = api(
        "POST",
        "/projects",
        body(
            client, project_date_due="2026-08-01", project_description="All of it", project_billing_type="hourly",
            project_billing_rate="95.5", project_billing_estimated_hours="40", project_billing_costs_estimate="1000",
            project_progress_manually="on", clientperm_tasks_view="on", assignedperm_tasks_collaborate="on",
            project_creatorid="2",
        ),
    )  # fmt: skip
    assert result.status_code == 201, result.text
    made = result.json["data"]
    assert result.json == {
        "data": {
            "id": made["id"],
            "title": "Relaunch",
            "description": "All of it",
            "reference": None,
            "status": "not_started",
            "active_state": "active",
            "progress": 0,
            "progress_manually": "yes",
            "client": {"id": client, "name": "Globex"},
            "category": {"id": 1, "name": "Default"},
            "dates": {
                "start": "2026-07-01", "due": "2026-08-01", "created": "2026-06-15T09:30:00.000000Z",
                "updated": "2026-06-15T09:30:00.000000Z",
            },
            "billing": {"type": "hourly", "rate": "95.50", "estimated_hours": 40.0, "costs_estimate": "1000.00"},
            "permissions": {
                "clientperm_tasks_view": "yes", "clientperm_tasks_collaborate": "no", "clientperm_tasks_create": "no",
                "clientperm_timesheets_view": "no", "clientperm_expenses_view": "no",
                "assignedperm_tasks_collaborate": "yes",
            },
            "assigned": [],
            "managers": [],
            "tags": [],
        },
        "message": "Project created successfully.",
    }  # fmt: skip
    one = api("GET", f"/projects/{made['id']}")
    assert one.json == {"data": made, "message": "Project retrieved successfully."}


def test_without_a_rate_of_its_own_it_shows_what_an_hour_costs(api: GrowCrm, client: int) -> None:
    made = api.post("/projects", body(client))
    assert made["billing"] == {"type": "hourly", "rate": "90.00", "estimated_hours": 0.0, "costs_estimate": "0.00"}
    fixed = api.post("/projects", body(client, project_billing_type="fixed", project_billing_rate="5000"))
    assert (fixed["billing"]["type"], fixed["billing"]["rate"]) == ("fixed", "5000.00")
    required = {name: value for name, value in body(client).items() if name != "project_clientid"}
    path = f"/projects/{fixed['id']}"
    assert api.patch(path, {**required, "project_billing_rate": "6000"})["billing"]["rate"] == "6000.00"
    assert api.patch(path, {**required, "project_billing_type": "hourly"})["billing"]["type"] == "hourly"
    assert api.patch(path, {**required, "project_billing_type": "fixed"})["billing"]["rate"] == "0.00"


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"project_title": ""}, {"project_title": ["The project title field is required."]}),
        ({"project_clientid": ""}, {"project_clientid": ["The project clientid field is required."]}),
        ({"project_date_start": ""}, {"project_date_start": ["The project date start field is required."]}),
        ({"project_categoryid": ""}, {"project_categoryid": ["The project categoryid field is required."]}),
        ({"project_clientid": "99999"}, {"project_clientid": ["The selected project clientid is invalid."]}),
        ({"project_categoryid": "2"}, {"project_categoryid": ["The selected project categoryid is invalid."]}),
        ({"project_creatorid": "99"}, {"project_creatorid": ["The selected project creatorid is invalid."]}),
        (
            {"project_date_due": "2026-06-30"},
            {"project_date_due": ["The project date due must be a date after or equal to project date start."]},
        ),
        ({"project_billing_type": "free"}, {"project_billing_type": ["The selected project billing type is invalid."]}),
        ({"project_billing_rate": "-1"}, {"project_billing_rate": ["The project billing rate must be at least 0."]}),
    ],
)
def test_wrong_values(api: GrowCrm, client: int, change: dict[str, str], errors: dict[str, list[str]]) -> None:
    assert api.refused("POST", "/projects", body(client, **change), status=422)["errors"] == errors
    assert len(api.get("/projects")) == 2


def test_a_change_leaves_what_it_does_not_say_and_the_client(api: GrowCrm, client: int, studio: Studio) -> None:
    made = api.post("/projects", body(client, project_description="x", clientperm_tasks_view="on"))
    other = number(studio, "client", studio.ids["other_client"])
    result = api("PATCH", f"/projects/{made['id']}", body(other, project_title="Again"))
    assert result.json["message"] == "Project updated successfully."
    seen = result.json["data"]
    assert (seen["title"], seen["description"], seen["client"]["id"]) == ("Again", "x", client)
    assert seen["permissions"]["clientperm_tasks_view"] == "yes"
    off = api.patch(f"/projects/{made['id']}", body(other, clientperm_tasks_view=""))
    assert off["permissions"]["clientperm_tasks_view"] == "no"


def test_people_are_on_it_and_manage_it(api: GrowCrm, project: int, studio: Studio) -> None:
    who = number(studio, "user", studio.people["second"].user_id)
    result = api("PUT", f"/projects/{project}/assign", [("assigned[]", who)])
    assert result.json["message"] == "Project assignees updated successfully."
    assert result.json["data"]["assigned"] == [{"id": who, "name": "Second"}]
    assert api.get(f"/tasks/{number(studio, 'task', studio.ids['task'])}")["assigned"] == [], "off the project, off it"
    assert api.put(f"/projects/{project}/assign")["assigned"] == []
    result = api("PUT", f"/projects/{project}/manager", {"manager": 3})
    assert result.json["message"] == "Project manager updated successfully."
    assert result.json["data"]["managers"] == [{"id": 3, "name": "Manager"}]
    assert api.put(f"/projects/{project}/manager", {"manager": ""})["managers"] == []
    answer = api.refused("PUT", f"/projects/{project}/manager", {"manager": "99"}, status=422)
    assert answer["errors"] == {"manager": ["The selected manager is invalid."]}
    answer = api.refused("PUT", f"/projects/{project}/assign", {"assigned[]": "99"}, status=422)
    assert answer["errors"] == {"assigned": ["The selected assigned is invalid."]}


@pytest.mark.parametrize(
    ("status", "native"),
    [("completed", "COMPLETED"), ("on_hold", "ACTIVE"), ("cancelled", "ACTIVE"), ("in_progress", "ACTIVE")],
)
def test_status(api: GrowCrm, project: int, studio: Studio, status: str, native: str) -> None:
    result = api("PUT", f"/projects/{project}/status", {"status": status})
    assert (result.json["data"]["status"], result.json["message"]) == (status, "Project status updated successfully.")
    with studio.context() as ctx:
        assert projects.read(ctx, studio.ids["project"]).status == native


def test_progress_is_that_of_its_tasks_until_somebody_says(api: GrowCrm, project: int, studio: Studio) -> None:
    with studio.context() as ctx:
        tasks.create(ctx, project_id=studio.ids["project"], name="Done", status="DONE")
    seen = api.get(f"/projects/{project}")
    assert (seen["progress"], seen["progress_manually"]) == (50, "no")
    seen = api.put(f"/projects/{project}/progress", {"progress": "80"})
    assert (seen["progress"], seen["progress_manually"]) == (80, "yes")
    for wrong in ("101", "-1"):
        answer = api.refused("PUT", f"/projects/{project}/progress", {"progress": wrong}, status=422)
        assert answer["errors"] == {"progress": ["The progress must be between 0 and 100."]}


def test_tags_archive_and_restore(api: GrowCrm, project: int) -> None:
    assert api.put(f"/projects/{project}/tags", [("tags[]", "a"), ("tags[]", "b")])["tags"] == ["a", "b"]
    assert api.put(f"/projects/{project}/tags", json={"tags": []})["tags"] == []
    assert api.put(f"/projects/{project}/archive")["active_state"] == "archived"
    assert [one["active_state"] for one in api.get("/projects")] == ["active", "archived"]
    assert api.put(f"/projects/{project}/restore")["active_state"] == "active"


def test_every_timer_on_it_stops(api: GrowCrm, project: int, studio: Studio) -> None:
    for who in ("owner", "member"):
        with studio.context(who) as ctx:
            time_entries.start(ctx, project_id=studio.ids["project"])
    with studio.context("admin") as ctx:
        time_entries.start(ctx, project_id=studio.ids["hidden_project"])
    studio.clock.now += timedelta(minutes=30)
    result = api("PUT", f"/projects/{project}/stop-timers")
    assert result.json == {"data": {"id": project}, "message": "Project timers stopped successfully."}
    assert [(one["project_id"], one["time_seconds"]) for one in api.get("/timesheets", status="stopped")] == [
        (project, 1800), (project, 1800)
    ]  # fmt: skip
    assert len(api.get("/timesheets", status="running")) == 1


# --- clone


def test_a_clone_has_what_is_asked_for(api: GrowCrm, project: int, studio: Studio) -> None:
    with studio.context() as ctx:
        concept = milestones.create(ctx, project_id=studio.ids["project"], title="Concept")
        tasks.change(ctx, studio.ids["task"], milestone_id=concept.id, status="DONE")
        checklists.create(ctx, text="Sketch", task_id=studio.ids["task"])
        time_entries.log(
            ctx, project_id=studio.ids["project"], task_id=studio.ids["task"], entry_date=DAY, duration_seconds=60
        )
        made = draft.blank(ctx, client_id=studio.ids["client"], issue_date=DAY, project_id=studio.ids["project"])
        draft.itemize(ctx, made.id, [draft.CustomLine("Fee", Decimal(1), Decimal(100))])
    result = api("POST", f"/projects/{project}/clone", {"project_title": "Bare"})
    assert (result.status_code, result.json["message"]) == (201, "Project cloned successfully.")
    bare = result.json["data"]
    assert (bare["title"], bare["client"]["name"], bare["status"]) == ("Bare", "Globex", "not_started")
    assert api.get("/tasks", project_id=bare["id"]) == []
    whole = api.post(
        f"/projects/{project}/clone",
        {
            "project_title": "Whole", "project_date_start": "2026-09-01", "copy_milestones": "on", "copy_tasks": "on",
            "copy_tasks_checklist": "on", "copy_invoices": "on", "copy_files": "on", "copy_estimates": "on",
        },
    )  # fmt: skip
    assert whole["dates"]["start"] == "2026-09-01"
    [task] = api.get("/tasks", project_id=whole["id"])
    assert (task["title"], task["milestone"]["name"], task["status"]["id"], task["time_logged"]) == (
        "Design", "Concept", 1, 0
    )  # fmt: skip
    [step] = api.get("/checklists", resource_type="task", resource_id=task["id"])
    assert (step["text"], step["status"]) == ("Sketch", "pending")
    [invoice] = api.get("/invoices", project_id=whole["id"])
    assert (invoice["status"]["id"], invoice["totals"]["final_amount"]) == (1, "100.00")


def test_a_clone_for_another_client_does_not_convert_money(api: GrowCrm, studio: Studio) -> None:
    """The hidden project is priced, in dollars; Globex is billed in euros."""
    hidden = number(studio, "project", studio.ids["hidden_project"])
    globex = number(studio, "client", studio.ids["client"])
    answer = api.refused(
        "POST", f"/projects/{hidden}/clone", {"project_title": "X", "project_clientid": globex}, status=422
    )
    assert answer["errors"] == {
        "project_clientid": ["The project clientid must be a client in USD, as the amounts of the project are."]
    }
    with studio.context() as ctx:
        projects.change(ctx, studio.ids["hidden_project"], hourly_rate=None)
    copy = api.post(f"/projects/{hidden}/clone", {"project_title": "X", "project_clientid": globex})
    assert copy["client"]["name"] == "Globex"


# --- delete


def test_a_project_goes_with_its_tasks_and_unbilled_time(api: GrowCrm, project: int, studio: Studio) -> None:
    with studio.context() as ctx:
        entry = time_entries.log(ctx, project_id=studio.ids["project"], entry_date=DAY, duration_seconds=60)
        time_entries.start(ctx, project_id=studio.ids["project"])
        draft.blank(ctx, client_id=studio.ids["client"], issue_date=DAY, project_id=studio.ids["project"])
        spent = expenses.record(
            ctx, description="Train", amount=Decimal(10), expense_date=DAY, project_id=studio.ids["project"]
        )
    shown = number(studio, "entry", entry.id)
    assert api("DELETE", f"/projects/{project}").json == {
        "data": {"id": project}, "message": "Project deleted successfully."
    }  # fmt: skip
    for path in (
        f"/projects/{project}",
        f"/timesheets/{shown}",
        f"/tasks/{number(studio, 'task', studio.ids['task'])}",
    ):
        api.refused("GET", path, status=404)
    assert api.get("/timesheets") == []
    assert api.get("/invoices") == []
    left = api.get(f"/expenses/{number(studio, 'expense', spent.id)}")
    assert (left["project_id"], left["client"]["name"]) == (None, "Globex")


@pytest.mark.parametrize("sent", [False, True])
def test_billed_time_keeps_its_project(api: GrowCrm, project: int, studio: Studio, sent: bool) -> None:
    with studio.context() as ctx:
        time_entries.log(ctx, project_id=studio.ids["project"], entry_date=DAY, duration_seconds=60)
        invoice = draft.draft(ctx, client_id=studio.ids["client"]).invoice
        if sent:
            lifecycle.mark_sent(ctx, invoice.id)
    answer = api.refused("DELETE", f"/projects/{project}", status=409)
    assert answer["message"] == "This project has invoices or billed work. Archive it instead."
    assert len(api.get("/timesheets")) == 1
    assert api.get(f"/projects/{project}")["title"] == "Website"


# --- lists


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["Alpha", "Rollout", "Website"]),
        ({"status": "on_hold"}, ["Alpha"]),
        ({"status": "not_started"}, ["Rollout", "Website"]),
        ({"status": "x"}, []),
        ({"client_id": "client"}, ["Alpha", "Website"]),
        ({"client_id": "777777"}, []),
        ({"category_id": "1"}, ["Alpha", "Rollout", "Website"]),
        ({"category_id": "2"}, []),
        ({"search": "WEB"}, ["Website"]),
        ({"sort": "project_title", "order": "asc"}, ["Alpha", "Rollout", "Website"]),
        ({"sort": "project_status"}, ["Alpha", "Rollout", "Website"]),
        ({"sort": "project_date_start"}, ["Alpha", "Rollout", "Website"]),
        ({"sort": "project_date_due", "order": "asc"}, ["Website", "Rollout", "Alpha"]),
        ({"sort": "project_progress"}, ["Alpha", "Rollout", "Website"]),
    ],
)
def test_filters_and_sorts(api: GrowCrm, studio: Studio, client: int, asked: dict[str, Any], found: list[str]) -> None:
    with studio.context() as ctx:
        projects.create(
            ctx, client_id=studio.ids["client"], name="Alpha", stage="ON_HOLD", start_date=DAY, due_date=DAY,
            progress=10, progress_manually=True, description="web",
        )  # fmt: skip
    asked = {name: client if value == "client" else value for name, value in asked.items()}
    page = api.page("/projects", **asked)
    assert [one["title"] for one in page["data"]] == found
    assert (page["meta"]["total"], page["message"]) == (len(found), "Projects retrieved successfully.")


def test_a_project_of_nobody_is_shown_without_client(api: GrowCrm, studio: Studio) -> None:
    with studio.context() as ctx:
        own = projects.create(ctx, client_id=None, name="Own").id
        clients.create(ctx, name="Nobody")
    seen = api.get(f"/projects/{number(studio, 'project', own)}")
    assert (seen["client"], seen["billing"]["rate"]) == (None, "0.00")
