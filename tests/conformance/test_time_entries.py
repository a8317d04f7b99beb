"""Time entries (contract hoursmith 2.7)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.lists import Listed, assert_ids, assert_list, assert_sorted, directions
from tests.conformance.world import (
    AT,
    COUNT,
    FLAG,
    ID,
    NOBODY,
    ON,
    TEXT,
    World,
    ask,
    assert_shape,
    invalid,
    listed,
    refused,
)

ENTRY = {
    "id": ID, "orgId": ID, "userId": ID, "projectId": ID, "taskId": ID | None, "invoiceId": ID | None,
    "durationSeconds": COUNT, "billable": FLAG, "note": TEXT | None, "entryDate": ON, "startedAt": AT | None,
    "stoppedAt": AT | None, "createdAt": AT, "updatedAt": AT, "deletedAt": AT | None,
    "writtenOffAt": AT | None, "writeOffReason": TEXT | None,
}  # fmt: skip
ENTRIES = Listed(
    "/time-entries",
    ("createdAt", "durationSeconds", "entryDate", "id", "updatedAt"),
    search=("note",),
    exact=("projectId", "taskId", "userId"),
    flags=("billable",),
    dates=("entryDate",),
    counts=("durationSeconds",),
)


def body(world: World, /, **facts: Any) -> dict[str, Any]:
    given = {"projectId": world.studio.ids["project"], "entryDate": "2026-06-11", **facts}
    return given if {"duration", "durationSeconds"} & set(facts) else {**given, "durationSeconds": 5400}


def make(world: World, who: str = "owner", /, **facts: Any) -> Any:
    return world.api(who).post("/time-entries", body(world, **facts))


def patch(world: World, entry: dict[str, Any], who: str = "owner", /, **facts: Any) -> Any:
    return world.api(who)("PATCH", f"/time-entries/{entry['id']}", facts)


@pytest.fixture(scope="module")
def rows(world: World) -> list[dict[str, Any]]:
    ids, people = world.studio.ids, world.studio.people
    made: tuple[dict[str, Any], ...] = (
        {"note": "alpha 100%", "entryDate": "2026-06-01"},
        {"note": "snake_case", "durationSeconds": 0, "billable": False},
        {"note": "It's a\\b", "projectId": ids["hidden_project"], "durationSeconds": 86400},
        {"taskId": ids["task"], "entryDate": "2026-06-30", "durationSeconds": 60},
        {"userId": people["member"].user_id, "entryDate": "2026-05-31"},
        {"userId": people["second"].user_id, "durationSeconds": 59, "entryDate": "2026-07-01"},
    )
    for number, facts in enumerate(made):
        make(world, **facts)
        if number % 2:
            world.later(days=1, hours=3)
    patch(world, listed(world.api(), "/time-entries", sort="createdAt")[0], note="touched last")
    return listed(world.api(), "/time-entries")


def test_an_entry_has_exactly_the_documented_fields(world: World) -> None:
    facts = body(world, taskId=world.studio.ids["task"], note="Homepage layout", billable=True)
    made = world.api().post("/time-entries", facts)
    assert_shape(made, ENTRY)
    assert {name: made[name] for name in facts} == facts
    assert made["userId"] == world.studio.owner.user_id
    assert [made[name] for name in ("invoiceId", "startedAt", "stoppedAt", "deletedAt")] == [None] * 4
    assert world.api().get(f"/time-entries/{made['id']}") == made
    assert made in listed(world.api(), "/time-entries")


def test_project_day_and_a_duration_are_required(world: World) -> None:
    invalid(world.api()("POST", "/time-entries", {}), projectId="required", entryDate="required")
    given = {"projectId": world.studio.ids["project"], "entryDate": "2026-06-11"}
    invalid(world.api()("POST", "/time-entries", given), durationSeconds="required")
    for nothing in (None, ""):
        both = {**given, "durationSeconds": nothing, "duration": nothing}
        invalid(world.api()("POST", "/time-entries", both), durationSeconds="required")


DURATIONS = [
    ("1h30m", 5400), ("1:30", 5400), ("90m", 5400), ("1.5h", 5400), ("1,5h", 5400), ("1h 30m", 5400), ("2h", 7200),
    ("0:01", 60), ("10:00", 36000), ("45s", 45), ("1:30:15", 5415), ("0m", 0), (" 1H30M ", 5400),
]  # fmt: skip


@pytest.mark.parametrize(("duration", "seconds"), DURATIONS)
def test_a_human_duration_is_understood(world: World, duration: str, seconds: int) -> None:
    made = make(world, duration=duration)
    assert made["durationSeconds"] == seconds
    assert "duration" not in made
    assert patch(world, make(world), duration=duration).json["data"]["durationSeconds"] == seconds


@pytest.mark.parametrize(
    "duration", ["90", "1.5", "1:60", "1h30", "-1h", "h", "1d", "one hour", "1:30m", "9999h", 90, 1.5]
)
def test_a_duration_that_could_mean_anything_is_named(world: World, duration: Any) -> None:
    invalid(world.api()("POST", "/time-entries", body(world, duration=duration)), "duration")
    invalid(patch(world, make(world), duration=duration), "duration")


def test_seconds_win_over_a_duration(world: World) -> None:
    assert make(world, durationSeconds=60, duration="1h")["durationSeconds"] == 60
    assert make(world, durationSeconds=0, duration="1h")["durationSeconds"] == 0
    assert make(world, durationSeconds=None, duration="1h")["durationSeconds"] == 3600
    entry = make(world)
    assert patch(world, entry, durationSeconds=120, duration="3h").json["data"]["durationSeconds"] == 120


@pytest.mark.parametrize("seconds", [-1, 1.5, "5400", True, 2**31, 2**63, 2**64, [], "x"])
def test_seconds_are_a_whole_number_within_a_year(world: World, seconds: Any) -> None:
    invalid(world.api()("POST", "/time-entries", body(world, durationSeconds=seconds)), "durationSeconds")


@pytest.mark.parametrize(
    "day", [0, 1718064000, "0000-01-01", "9999-99-99", "10000-01-01", "2026-06-11T00:00:00Z", True]
)
def test_an_entry_date_is_a_calendar_day(world: World, day: Any) -> None:
    invalid(world.api()("POST", "/time-entries", body(world, entryDate=day)), "entryDate")


@pytest.mark.parametrize("day", ["0001-01-01", "2024-02-29", "9999-12-31"])
def test_any_day_of_the_calendar_is_kept(fresh: World, day: str) -> None:
    made = make(fresh, entryDate=day)
    assert made["entryDate"] == day
    assert [row["id"] for row in listed(fresh.api(), "/time-entries", entryDateFrom=day, entryDateTo=day)] == [
        made["id"]
    ]


def test_every_wrong_field_is_named_at_once(world: World) -> None:
    wrong = {
        "projectId": 1, "taskId": "t", "userId": [], "entryDate": 0, "durationSeconds": 1.5, "duration": 5, "note": 1,
        "billable": "yes", "rate": 1,
    }  # fmt: skip
    invalid(world.api()("POST", "/time-entries", wrong), *wrong)
    invalid(patch(world, make(world), **wrong), *wrong)


@pytest.mark.parametrize(("rate_type", "billable"), [("HOURLY", True), ("FIXED", True), ("NON_BILLABLE", False)])
def test_billable_follows_the_project_unless_said(world: World, rate_type: str, billable: bool) -> None:
    fee = {"fixedFeeAmount": 1} if rate_type == "FIXED" else {}
    facts = {"clientId": world.studio.ids["client"], "name": rate_type, "rateType": rate_type, **fee}
    project = world.api().post("/projects", facts)["id"]
    assert make(world, projectId=project)["billable"] is billable
    assert make(world, projectId=project, billable=None)["billable"] is billable
    assert make(world, projectId=project, billable=not billable)["billable"] is not billable


def test_project_and_task_belong_together_and_to_the_workspace(world: World, stranger: World) -> None:
    hidden = world.studio.ids["hidden_project"]
    for wrong in (NOBODY, stranger.studio.ids["project"], "pr_123"):
        invalid(world.api()("POST", "/time-entries", body(world, projectId=wrong)), "projectId")
        invalid(patch(world, make(world), projectId=wrong), "projectId")
    for wrong in (NOBODY, stranger.studio.ids["task"]):
        invalid(world.api()("POST", "/time-entries", body(world, taskId=wrong)), "taskId")
        invalid(patch(world, make(world), taskId=wrong), "taskId")
    invalid(
        world.api()("POST", "/time-entries", body(world, projectId=hidden, taskId=world.studio.ids["task"])), "taskId"
    )
    moved = patch(world, make(world, taskId=world.studio.ids["task"]), projectId=hidden).json["data"]
    assert (moved["projectId"], moved["taskId"]) == (hidden, None)


def test_patch_is_partial_or_full_and_null_clears(world: World) -> None:
    made = make(world, taskId=world.studio.ids["task"], note="n")
    world.later(seconds=1)
    data = patch(world, made, note=None, taskId=None).json["data"]
    assert data == {**made, "note": None, "taskId": None, "updatedAt": data["updatedAt"]}
    again = patch(world, made, **{**made, "invoiceId": NOBODY, "startedAt": "x", "note": ""}).json["data"]
    assert again == {**made, "note": None, "updatedAt": again["updatedAt"]}
    partial = patch(world, made, billable=False).json["data"]
    assert (partial["billable"], partial["durationSeconds"]) == (False, 5400)
    for name in ("projectId", "entryDate"):
        invalid(patch(world, made, **{name: None}), name)


def test_a_deleted_entry_is_gone(world: World) -> None:
    made = make(world)
    gone = world.api()("DELETE", f"/time-entries/{made['id']}")
    assert (gone.status_code, gone.content) == (204, b"")
    for method in ("GET", "PATCH", "DELETE"):
        path = f"/time-entries/{made['id']}"
        refused(world.api()(method, path, {} if method == "PATCH" else None), 404, "not_found")
    assert made["id"] not in {row["id"] for row in listed(world.api(), "/time-entries")}


@pytest.mark.parametrize("who", ["owner", "admin"])
def test_owner_and_admin_record_and_reassign_time_of_others(world: World, who: str, stranger: World) -> None:
    member, second = world.studio.people["member"].user_id, world.studio.people["second"].user_id
    made = make(world, who, userId=member)
    assert made["userId"] == member
    assert patch(world, made, who, userId=second).json["data"]["userId"] == second
    for wrong in (NOBODY, stranger.studio.owner.user_id, world.studio.people["member"].member_id):
        invalid(world.api(who)("POST", "/time-entries", body(world, userId=wrong)), "userId")


def test_a_manager_corrects_anybodys_time_but_does_not_reassign_it(world: World) -> None:
    made = make(world, "member")
    assert patch(world, made, "manager", note="corrected").json["data"]["note"] == "corrected"
    reassigned = patch(world, made, "manager", userId=world.studio.people["manager"].user_id)
    refused(reassigned, 403, "forbidden_scope")
    assert patch(world, made, "manager", userId=made["userId"]).status_code == 200
    assert world.api("manager")("DELETE", f"/time-entries/{made['id']}").status_code == 204


def test_a_member_has_their_own_time_only(world: World) -> None:
    owners, own = make(world), make(world, "member", note="mine")
    assert_shape(own, {name: form for name, form in ENTRY.items() if name != "writeOffReason"})
    assert own["userId"] == world.studio.people["member"].user_id
    assert patch(world, own, "member", duration="2h").json["data"]["durationSeconds"] == 7200
    path = f"/time-entries/{owners['id']}"
    for method in ("GET", "PATCH", "DELETE"):
        refused(world.api("member")(method, path, {} if method == "PATCH" else None), 404, "not_found")
    refused(
        world.api("member")("POST", "/time-entries", body(world, userId=world.studio.owner.user_id)),
        403, "forbidden_scope",
    )  # fmt: skip
    invalid(
        world.api("member")("POST", "/time-entries", body(world, projectId=world.studio.ids["hidden_project"])),
        "projectId",
    )
    assert world.api("member")("DELETE", f"/time-entries/{own['id']}").status_code == 204


def test_a_member_is_pinned_to_themselves_whatever_they_ask(world: World, rows: list[dict[str, Any]]) -> None:
    make(world, "member")
    own = world.studio.people["member"].user_id
    everything = listed(world.api("member"), "/time-entries")
    assert {row["userId"] for row in everything} == {own}
    for user_id in (world.studio.owner.user_id, own, NOBODY):
        assert_ids(listed(world.api("member"), "/time-entries", userId=user_id), everything)


@pytest.mark.parametrize("who", ["owner", "admin", "manager"])
def test_the_manage_tier_asks_for_anybodys_time(world: World, rows: list[dict[str, Any]], who: str) -> None:
    member = world.studio.people["member"].user_id
    found = listed(world.api(who), "/time-entries", userId=member)
    assert {row["userId"] for row in found} == {member}


def test_entries_of_another_workspace_do_not_exist(world: World, stranger: World) -> None:
    theirs = f"/time-entries/{make(stranger)['id']}"
    for method, path in (("GET", theirs), ("PATCH", theirs), ("DELETE", theirs), ("POST", f"{theirs}/stop")):
        refused(world.api()(method, path, {} if method == "PATCH" else None), 404, "not_found")


@pytest.mark.parametrize("sort", directions(ENTRIES))
def test_entries_come_in_the_order_asked_for(world: World, rows: list[dict[str, Any]], sort: str) -> None:
    span = {"createdAtFrom": rows[-1]["createdAt"], "createdAtTo": rows[0]["createdAt"]}
    assert_sorted(world.api(), ENTRIES, sort, **span)


def test_entries_filter_as_documented(world: World, rows: list[dict[str, Any]]) -> None:
    assert_list(world.api(), ENTRIES)


def test_the_month_of_the_documentation_can_be_pulled(world: World, rows: list[dict[str, Any]]) -> None:
    found = listed(
        world.api(), "/time-entries", projectId=world.studio.ids["project"], entryDateFrom="2026-06-01",
        entryDateTo="2026-06-30", sort="-entryDate",
    )  # fmt: skip
    days = [row["entryDate"] for row in found]
    assert days == sorted(days, reverse=True)
    assert (days[0], days[-1]) == ("2026-06-30", "2026-06-01")
    assert {row["projectId"] for row in found} == {world.studio.ids["project"]}


def test_running_is_a_filter_of_its_own(fresh: World) -> None:
    assert ask(fresh.api(), "/time-entries", running="true", limit=1).json["data"] == []
    stopped = make(fresh)
    timer = fresh.api().post("/time-entries/start", {"projectId": fresh.studio.ids["project"]})
    for word in ("true", "1", "YES"):
        assert [row["id"] for row in listed(fresh.api(), "/time-entries", running=word)] == [timer["id"]]
    for word in ("false", "0", "no"):
        assert [row["id"] for row in listed(fresh.api(), "/time-entries", running=word)] == [stopped["id"]]
    invalid(ask(fresh.api(), "/time-entries", running="maybe"), "running")
