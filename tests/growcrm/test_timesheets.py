"""Timesheets (contract growcrm 2, seed 003): five operations on time entries of the record."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from tallystick.domain import approvals, clients, projects, tasks, time_entries, workspaces
from tallystick.domain.invoices import draft
from tallystick.values.duration import LONGEST_SECONDS
from tests.growcrm.world import GrowCrm, number
from tests.studio import Studio

DAY = date(2026, 6, 12)


@pytest.fixture
def task(studio: Studio) -> int:
    return number(studio, "task", studio.ids["task"])


def body(task: int, **more: Any) -> dict[str, Any]:
    return {"task_id": task, "user_id": 1, "hours": 1, "minutes": 30, "timer_created": "2026-06-20", **more}


def logged(studio: Studio, who: str = "owner", **facts: Any) -> int:
    facts = {
        "project_id": studio.ids["project"], "task_id": studio.ids["task"], "entry_date": DAY,
        "duration_seconds": 3600, **facts,
    }  # fmt: skip
    with studio.context(who) as ctx:
        entry = time_entries.log(ctx, **facts)
    return number(studio, "entry", entry.id)


def started(studio: Studio, who: str = "owner", **facts: Any) -> int:
    with studio.context(who) as ctx:
        entry = time_entries.start(ctx, **{"project_id": studio.ids["project"], "task_id": studio.ids["task"], **facts})
    return number(studio, "entry", entry.id)


def invoiced(studio: Studio) -> str:
    with studio.context() as ctx:
        return draft.draft(ctx, client_id=studio.ids["client"]).invoice.id


# --- the object


def test_a_recorded_timesheet_is_the_object_of_the_page(api: GrowCrm, studio: Studio, task: int) -> None:
    result = api("POST", "/timesheets", body(task, user_id=4))
    assert result.status_code == 201
    assert result.json == {
        "data": {
            "id": result.json["data"]["id"],
            "task_id": task,
            "project_id": number(studio, "project", studio.ids["project"]),
            "client_id": number(studio, "client", studio.ids["client"]),
            "worked_by_id": 4,
            "recorded_by_id": 1,
            "time_seconds": 5400,
            "time_readable": "1h 30m",
            "status": "stopped",
            "billing": {"status": "not_invoiced", "invoice_id": None},
            "dates": {"created": "2026-06-20", "started": None, "stopped": None},
        },
        "message": "Timesheet created successfully.",
    }
    one = api("GET", f"/timesheets/{result.json['data']['id']}")
    assert (one.status_code, one.json["message"]) == (200, "Timesheet retrieved successfully.")
    assert one.json["data"] == result.json["data"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(5400, "1h 30m"), (7200, "2h"), (2700, "45m"), (0, "0m"), (59, "0m"), (60, "1m"), (8100, "2h 15m"),
     (360_059, "100h"), (86_460, "24h 1m")],
)  # fmt: skip
def test_readable_time(api: GrowCrm, studio: Studio, seconds: int, text: str) -> None:
    seen = api.get(f"/timesheets/{logged(studio, duration_seconds=seconds)}")
    assert (seen["time_seconds"], seen["time_readable"]) == (seconds, text)


def test_a_running_timer_shows_the_seconds_so_far(api: GrowCrm, studio: Studio) -> None:
    running = started(studio)
    studio.clock.now += timedelta(minutes=45, seconds=7)
    seen = api.get(f"/timesheets/{running}")
    assert (seen["time_seconds"], seen["time_readable"], seen["status"]) == (2707, "45m", "running")
    assert seen["dates"] == {"created": "2026-06-15", "started": "2026-06-15T09:30:00.000000Z", "stopped": None}
    assert [one["time_seconds"] for one in api.get("/timesheets")] == [2707]
    with studio.context() as ctx:
        time_entries.stop(ctx)
    assert api.get(f"/timesheets/{running}")["dates"]["stopped"] == "2026-06-15T10:15:07.000000Z"


def test_what_is_on_no_task_or_project_is_listed_with_null(api: GrowCrm, studio: Studio) -> None:
    loose = logged(studio, "second", project_id=None, task_id=None)
    seen = api.get(f"/timesheets/{loose}")
    assert (seen["task_id"], seen["project_id"], seen["client_id"]) == (None, None, None)
    number_of_second = number(studio, "user", studio.people["second"].user_id)
    assert (seen["worked_by_id"], seen["recorded_by_id"]) == (number_of_second, number_of_second)


def test_an_invoiced_timesheet_names_its_invoice(api: GrowCrm, studio: Studio) -> None:
    entry = logged(studio)
    invoice = invoiced(studio)
    assert api.get(f"/timesheets/{entry}")["billing"] == {
        "status": "invoiced", "invoice_id": number(studio, "invoice", invoice),
    }  # fmt: skip


# --- record


@pytest.mark.parametrize(
    ("hours", "minutes", "seconds"),
    [("1", "30", 5400), ("0", "1", 60), ("1.5", "0", 5400), ("0", "90", 5400), ("0.25", "0.5", 930),
     ("00", "01", 60), (" 2 ", "0", 7200), ("1e0", "0", 3600), (".5", "0", 1800)],
)  # fmt: skip
def test_hours_and_minutes_add_up(api: GrowCrm, task: int, hours: str, minutes: str, seconds: int) -> None:
    assert api.post("/timesheets", body(task, hours=hours, minutes=minutes))["time_seconds"] == seconds


def test_json_with_numbers_or_text_does_as_well_as_a_form(api: GrowCrm, task: int) -> None:
    for given in (body(task), {name: str(value) for name, value in body(task).items()}, body(task, hours=1.0)):
        assert api.post("/timesheets", json=given)["time_seconds"] == 5400


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        ("task_id", "The task id field is required."),
        ("user_id", "The user id field is required."),
        ("hours", "The hours field is required."),
        ("minutes", "The minutes field is required."),
        ("timer_created", "The timer created field is required."),
    ],
)
def test_each_field_is_required_also_where_it_is_empty(api: GrowCrm, task: int, missing: str, sentence: str) -> None:
    given = body(task)
    for wrong in ({**given, missing: ""}, {name: one for name, one in given.items() if name != missing}):
        answer = api.refused("POST", "/timesheets", wrong, status=422)
        assert answer == {"message": "The given data was invalid.", "errors": {missing: [sentence]}}


def test_every_wrong_field_is_named_at_once(api: GrowCrm) -> None:
    wrong = {"task_id": "x", "user_id": "1.5", "hours": "many", "minutes": "-1", "timer_created": "2026-02-30"}
    assert api.refused("POST", "/timesheets", wrong, status=422)["errors"] == {
        "task_id": ["The task id must be an integer."],
        "user_id": ["The user id must be an integer."],
        "hours": ["The hours must be a number."],
        "minutes": ["The minutes must be at least 0."],
        "timer_created": ["The timer created is not a valid date."],
    }


@pytest.mark.parametrize(
    ("time", "field"),
    [(("0", "0"), "minutes"), (("0", "0.99"), "minutes"), (("0.01", "0"), "minutes"), (("8784", "1"), "hours"),
     (("0", "1000000000"), "hours")],
)  # fmt: skip
def test_less_than_a_minute_or_more_than_a_year_is_refused(
    api: GrowCrm, studio: Studio, task: int, time: tuple[str, str], field: str
) -> None:
    entry = logged(studio)
    for method, path in (("POST", "/timesheets"), ("PATCH", f"/timesheets/{entry}")):
        answer = api.refused(method, path, body(task, hours=time[0], minutes=time[1]), status=422)
        assert list(answer["errors"]) == [field]
    assert api.get(f"/timesheets/{entry}")["time_seconds"] == 3600
    assert api.post("/timesheets", body(task, hours=8784, minutes=0))["time_seconds"] == LONGEST_SECONDS


def test_who_and_what_must_exist(api: GrowCrm, studio: Studio, task: int) -> None:
    assert api.refused("POST", "/timesheets", body(999_999), status=404)["message"] == "Resource not found."
    answer = api.refused("POST", "/timesheets", body(task, user_id=99), status=422)
    assert answer["errors"] == {"user_id": ["The selected user id is invalid."]}
    with studio.context() as ctx:
        tasks.archive(ctx, studio.ids["task"])
    api.refused("POST", "/timesheets", body(task), status=404)


def test_whoever_left_records_nothing(api: GrowCrm, studio: Studio, task: int) -> None:
    from tallystick.domain import members

    who = number(studio, "user", studio.people["member"].user_id)
    with studio.context() as ctx:
        time_entries.let_go(ctx, members.active(ctx, studio.people["member"].user_id))
    answer = api.refused("POST", "/timesheets", body(task, user_id=who), status=422)
    assert answer["errors"] == {"user_id": ["The selected user id is invalid."]}


def test_an_archived_project_takes_no_time(api: GrowCrm, studio: Studio, task: int) -> None:
    with studio.context() as ctx:
        projects.archive(ctx, studio.ids["project"])
    answer = api.refused("POST", "/timesheets", body(task), status=422)
    assert answer["errors"] == {"task_id": ["This project is archived; make it active again first."]}


def test_anybody_active_may_be_recorded_on_the_project_or_not(api: GrowCrm, studio: Studio) -> None:
    """`second` is on no project."""
    who = number(studio, "user", studio.people["second"].user_id)
    with studio.context() as ctx:
        hidden = tasks.create(ctx, project_id=studio.ids["hidden_project"], name="Migrate").id
    made = api.post("/timesheets", body(number(studio, "task", hidden), user_id=who))
    assert (made["worked_by_id"], made["recorded_by_id"]) == (who, 1)


# --- change and delete


def test_only_the_time_of_a_timesheet_changes(api: GrowCrm, task: int) -> None:
    made = api.post("/timesheets", body(task))
    result = api(
        "PATCH", f"/timesheets/{made['id']}", body(999, user_id=3, hours=2, minutes=0, timer_created="2020-01-01")
    )
    assert (result.status_code, result.json["message"]) == (200, "Timesheet updated successfully.")
    assert result.json["data"] == {**made, "time_seconds": 7200, "time_readable": "2h"}
    assert api.refused("PATCH", f"/timesheets/{made['id']}", {"hours": "1"}, status=422)["errors"] == {
        "minutes": ["The minutes field is required."]
    }


def test_a_stopped_timer_moves_its_end_and_a_running_one_is_left_alone(api: GrowCrm, studio: Studio) -> None:
    entry = started(studio)
    assert "running" in api.refused("PATCH", f"/timesheets/{entry}", {"hours": 1, "minutes": 0}, status=409)["message"]
    studio.clock.now += timedelta(minutes=10)
    with studio.context() as ctx:
        time_entries.stop(ctx)
    changed = api.patch(f"/timesheets/{entry}", {"hours": 1, "minutes": 0})
    assert changed["dates"]["stopped"] == "2026-06-15T10:30:00.000000Z"


def test_a_deleted_timesheet_is_gone(api: GrowCrm, task: int) -> None:
    made = api.post("/timesheets", body(task))
    result = api("DELETE", f"/timesheets/{made['id']}")
    assert (result.status_code, result.json) == (
        200, {"data": {"id": made["id"]}, "message": "Timesheet deleted successfully."}
    )  # fmt: skip
    for method in ("GET", "DELETE"):
        api.refused(method, f"/timesheets/{made['id']}", status=404)
    api.refused("PATCH", f"/timesheets/{made['id']}", {"hours": 1, "minutes": 0}, status=404)
    assert api.get("/timesheets") == []


def test_an_invoiced_timesheet_is_locked_until_its_draft_is_gone(api: GrowCrm, studio: Studio) -> None:
    entry = logged(studio)
    invoice = invoiced(studio)
    for method, form in (("PATCH", {"hours": 2, "minutes": 0}), ("DELETE", None)):
        assert api.refused(method, f"/timesheets/{entry}", form, status=409) == {
            "message": "Invoiced time entries are locked"
        }
    with studio.context() as ctx:
        draft.delete(ctx, invoice)
    assert api.patch(f"/timesheets/{entry}", {"hours": 2, "minutes": 0})["time_seconds"] == 7200
    assert api.delete(f"/timesheets/{entry}") == {"id": entry}


def test_time_of_a_closed_day_and_of_an_approved_week_is_locked(api: GrowCrm, task: int, studio: Studio) -> None:
    member = studio.people["member"].user_id
    closed, approved = logged(studio, entry_date=DAY - timedelta(7)), logged(studio, "member", entry_date=DAY)
    with studio.context() as ctx:
        workspaces.change(ctx, approve_weeks=True, locked_until=DAY - timedelta(7))
        approvals.approve(ctx, approvals.submit(ctx, DAY - timedelta(4), user_id=member).id)
    for entry, says in ((closed, "is closed"), (approved, "approved")):
        before = api.get(f"/timesheets/{entry}")
        for method, form in (("PATCH", {"hours": 2, "minutes": 0}), ("DELETE", None)):
            assert says in api.refused(method, f"/timesheets/{entry}", form, status=409)["message"]
        assert api.get(f"/timesheets/{entry}") == before
    api.refused("POST", "/timesheets", body(task, timer_created="2026-06-05"), status=409)


# --- lists


@pytest.fixture
def three(studio: Studio) -> dict[str, int]:
    """An entry of a member, one of the owner on another client's task, one that runs."""
    with studio.context() as ctx:
        other = tasks.create(ctx, project_id=studio.ids["hidden_project"], name="Migrate").id
        studio.ids["other_task"] = other
    return {
        "member": logged(studio, "member", entry_date=DAY, duration_seconds=60),
        "other": logged(studio, project_id=studio.ids["hidden_project"], task_id=other, entry_date=DAY + timedelta(1)),
        "running": started(studio, "admin"),
    }


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["running", "other", "member"]),
        ({"task_id": "task"}, ["running", "member"]),
        ({"task_id": "other_task"}, ["other"]),
        ({"project_id": "hidden_project"}, ["other"]),
        ({"client_id": "client"}, ["running", "member"]),
        ({"client_id": "other_client"}, ["other"]),
        ({"user_id": 1}, ["other"]),
        ({"user_id": 2}, ["running"]),
        ({"status": "running"}, ["running"]),
        ({"status": "stopped"}, ["other", "member"]),
        ({"billing_status": "not_invoiced"}, ["running", "other", "member"]),
        ({"billing_status": "invoiced"}, []),
        ({"date_start": "2026-06-13"}, ["running", "other"]),
        ({"date_end": "2026-06-13"}, ["other", "member"]),
        ({"date_start": "2026-06-12", "date_end": "2026-06-12"}, ["member"]),
        ({"date_start": "2026-06-13", "date_end": "2026-06-12"}, []),
        ({"task_id": "task", "status": "stopped", "date_end": "2026-06-12"}, ["member"]),
        ({"task_id": "", "project_id": " ", "unknown": "x"}, ["running", "other", "member"]),
        ({"task_id": "seven"}, []),
        ({"task_id": "0"}, []),
        ({"task_id": "9999999999999999999"}, []),
        ({"user_id": "99"}, []),
        ({"status": "paused"}, []),
        ({"billing_status": "x"}, []),
        ({"sort": "timer_time"}, ["other", "member", "running"]),
        ({"sort": "timer_time", "order": "asc"}, ["running", "member", "other"]),
        ({"order": "asc"}, ["member", "other", "running"]),
        ({"order": "ASC", "sort": "timer_created"}, ["member", "other", "running"]),
        ({"sort": "secret", "order": "sideways"}, ["running", "other", "member"]),
    ],
)
def test_filters_and_sorts(
    api: GrowCrm, studio: Studio, three: dict[str, int], asked: dict[str, Any], found: list[str]
) -> None:
    nouns = {"task": "task", "other_task": "task", "project": "project", "hidden_project": "project",
             "client": "client", "other_client": "client"}  # fmt: skip
    params = {
        name: number(studio, nouns[value], studio.ids[value]) if value in nouns else value
        for name, value in asked.items()
    }
    seen = api.page("/timesheets", **params)
    assert [one["id"] for one in seen["data"]] == [three[name] for name in found]
    assert seen["meta"] == {"current_page": 1, "per_page": 25, "total": len(found), "last_page": 1}
    assert seen["message"] == "Timesheets retrieved successfully."


def test_a_day_that_is_none_is_refused(api: GrowCrm) -> None:
    answer = api.refused("GET", "/timesheets", status=422, params={"date_start": "yesterday", "date_end": "2026-13-01"})
    assert answer["errors"] == {
        "date_start": ["The date start is not a valid date."], "date_end": ["The date end is not a valid date."],
    }  # fmt: skip


def test_pages_have_numbers_and_know_how_many_there_are(api: GrowCrm, studio: Studio) -> None:
    made = [logged(studio, entry_date=DAY - timedelta(days), duration_seconds=60) for days in range(7)]
    seen = [api.page("/timesheets", limit=3, page=page) for page in (1, 2, 3, 4)]
    assert [[one["id"] for one in page["data"]] for page in seen] == [made[:3], made[3:6], made[6:], []]
    assert [page["meta"] for page in seen] == [
        {"current_page": page, "per_page": 3, "total": 7, "last_page": 3} for page in (1, 2, 3, 4)
    ]


@pytest.mark.parametrize(
    ("asked", "page", "limit"),
    [
        ({"limit": "100"}, 1, 100), ({"limit": "101"}, 1, 100), ({"limit": "99999999999999999999"}, 1, 100),
        ({"limit": "0"}, 1, 25), ({"limit": "-5"}, 1, 25), ({"limit": "many"}, 1, 25), ({"limit": "2.5"}, 1, 25),
        ({"page": "0"}, 1, 25), ({"page": "-1"}, 1, 25), ({"page": "x"}, 1, 25), ({"page": ""}, 1, 25),
        ({"page[]": "3"}, 1, 25), ({"page": "7", "limit": "50"}, 7, 50),
        ({"page": "99999999999999999999"}, 1_000_000, 25),
    ],
)  # fmt: skip
def test_wrong_page_numbers_are_the_usual_ones(api: GrowCrm, asked: dict[str, str], page: int, limit: int) -> None:
    meta = api.page("/timesheets", **asked)["meta"]
    assert (meta["current_page"], meta["per_page"]) == (page, limit)


def test_the_total_counts_only_so_far_behind_the_page(
    api: GrowCrm, studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tallystick.domain import listing

    monkeypatch.setattr(listing, "COUNTED_AHEAD", 2)
    for days in range(9):
        logged(studio, entry_date=DAY - timedelta(days), duration_seconds=60)
    totals = [api.page("/timesheets", limit=2, page=page)["meta"]["total"] for page in (1, 2, 3, 4, 5)]
    assert totals == [4, 6, 8, 9, 9], "it is never less than one page more, as long as there is one"


def test_time_that_was_there_before_has_numbers_too(api: GrowCrm, studio: Studio) -> None:
    """Whose maker nobody knows was recorded by whoever worked."""
    entry = logged(studio, "member")
    with studio.context() as ctx:
        ctx.connection.execute(b"UPDATE time_entries SET created_by = NULL")
    seen = api.get(f"/timesheets/{entry}")
    assert seen["recorded_by_id"] == seen["worked_by_id"] == number(studio, "user", studio.people["member"].user_id)


def test_the_clients_projects_stay_apart(api: GrowCrm, studio: Studio) -> None:
    with studio.context() as ctx:
        lonely = clients.create(ctx, name="Hooli").id
    assert api.get("/timesheets", client_id=number(studio, "client", lonely)) == []
