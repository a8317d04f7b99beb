"""Timers: the contract reads them (hoursmith 2.7); starting and stopping is ours, under the same manners."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.conformance.test_time_entries import ENTRY
from tests.conformance.world import NOBODY, World, assert_shape, instant, invalid, listed, refused

BERLIN = ZoneInfo("Europe/Berlin")


def start(world: World, who: str = "owner", /, **facts: Any) -> Any:
    return world.api(who).post("/time-entries/start", {"projectId": world.studio.ids["project"], **facts})


def stop(world: World, who: str = "owner") -> Any:
    return world.api(who).post("/time-entries/stop", status=200)


def running(world: World, who: str = "owner") -> Any:
    return world.api(who).get("/time-entries/running")


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


def test_nothing_running_is_null_not_missing(fresh: World) -> None:
    result = fresh.api()("GET", "/time-entries/running")
    assert (result.status_code, result.json) == (200, {"data": None})


def test_a_timer_runs_until_it_is_stopped(fresh: World) -> None:
    timer = start(fresh, note="Call", taskId=fresh.studio.ids["task"])
    assert_shape(timer, ENTRY)
    assert (timer["durationSeconds"], timer["stoppedAt"], timer["startedAt"]) == (0, None, "2026-06-15T09:30:00Z")
    assert (timer["note"], timer["taskId"], timer["entryDate"]) == ("Call", fresh.studio.ids["task"], "2026-06-15")
    assert timer["userId"] == fresh.studio.owner.user_id
    assert running(fresh) == timer
    assert running(fresh, "admin") is None
    fresh.later(minutes=90)
    stopped = stop(fresh)
    assert_shape(stopped, ENTRY)
    assert (stopped["id"], stopped["durationSeconds"]) == (timer["id"], 5400)
    assert (stopped["startedAt"], stopped["stoppedAt"]) == ("2026-06-15T09:30:00Z", "2026-06-15T11:00:00Z")
    assert running(fresh) is None
    assert fresh.api().get(f"/time-entries/{timer['id']}") == stopped


def test_starting_stops_what_runs_without_gap_or_overlap(fresh: World) -> None:
    first = start(fresh)
    fresh.later(seconds=59, milliseconds=700)
    second = start(fresh, projectId=fresh.studio.ids["hidden_project"])
    before = fresh.api().get(f"/time-entries/{first['id']}")
    assert before["stoppedAt"] == second["startedAt"]
    assert before["durationSeconds"] == (instant(before["stoppedAt"]) - instant(before["startedAt"])).seconds
    assert [row["id"] for row in listed(fresh.api(), "/time-entries", running="true")] == [second["id"]]


def test_everybody_has_a_timer_of_their_own(fresh: World) -> None:
    timers = {who: start(fresh, who)["id"] for who in ("owner", "manager", "member")}
    assert {row["id"] for row in listed(fresh.api(), "/time-entries", running="1")} == set(timers.values())
    for who, timer in timers.items():
        assert running(fresh, who)["id"] == timer
    assert [row["id"] for row in listed(fresh.api("member"), "/time-entries", running="1")] == [timers["member"]]


def test_stopping_what_does_not_run_is_a_conflict(fresh: World) -> None:
    refused(fresh.api()("POST", "/time-entries/stop"), 409, "conflict")
    timer = start(fresh)
    fresh.api().post(f"/time-entries/{timer['id']}/stop", status=200)
    refused(fresh.api()("POST", f"/time-entries/{timer['id']}/stop"), 409, "conflict")
    refused(fresh.api()("POST", f"/time-entries/{NOBODY}/stop"), 404, "not_found")


def test_a_member_stops_no_timer_but_their_own(fresh: World) -> None:
    owners, own = start(fresh), start(fresh, "member")
    refused(fresh.api("member")("POST", f"/time-entries/{owners['id']}/stop"), 404, "not_found")
    assert fresh.api("manager").post(f"/time-entries/{own['id']}/stop", status=200)["id"] == own["id"]
    assert running(fresh)["id"] == owners["id"]


def test_start_says_what_is_wrong(fresh: World, stranger: World) -> None:
    api = fresh.api()
    invalid(api("POST", "/time-entries/start", {}), projectId="required")
    wrong = {"projectId": 1, "taskId": "x", "note": [], "billable": "no", "entryDate": "2026-06-01"}
    invalid(api("POST", "/time-entries/start", wrong), *wrong)
    for project in (NOBODY, stranger.studio.ids["project"]):
        invalid(api("POST", "/time-entries/start", {"projectId": project}), "projectId")
    hidden = {"projectId": fresh.studio.ids["hidden_project"]}
    invalid(fresh.api("member")("POST", "/time-entries/start", hidden), "projectId")
    assert running(fresh) is None


def test_a_running_timer_keeps_its_day_and_duration_until_it_stops(fresh: World) -> None:
    timer = start(fresh)
    for facts in ({"durationSeconds": 60}, {"duration": "1m"}, {"entryDate": "2026-06-14"}):
        refused(fresh.api()("PATCH", f"/time-entries/{timer['id']}", facts), 409, "conflict")
    noted = fresh.api()("PATCH", f"/time-entries/{timer['id']}", {**timer, "note": "while it runs"})
    assert noted.status_code == 200
    assert running(fresh)["note"] == "while it runs"


def test_a_deleted_timer_no_longer_runs(fresh: World) -> None:
    timer = start(fresh)
    assert fresh.api()("DELETE", f"/time-entries/{timer['id']}").status_code == 204
    assert running(fresh) is None
    start(fresh)


@pytest.mark.parametrize("back", [timedelta(seconds=1), timedelta(hours=1), timedelta(days=400)])
def test_a_clock_that_goes_back_never_makes_negative_time(fresh: World, back: timedelta) -> None:
    timer = start(fresh)
    fresh.studio.clock.now -= back
    stopped = stop(fresh)
    assert (stopped["durationSeconds"], stopped["stoppedAt"]) == (0, timer["startedAt"])


def test_a_clock_that_goes_back_between_two_starts_makes_no_overlap(fresh: World) -> None:
    first = start(fresh)
    fresh.later(hours=-1)
    second = start(fresh)
    before = fresh.api().get(f"/time-entries/{first['id']}")
    assert before["durationSeconds"] == 0
    assert before["stoppedAt"] == second["startedAt"] == first["startedAt"]
    fresh.later(hours=2)
    assert stop(fresh)["durationSeconds"] == 3600


def test_a_clock_that_jumps_a_day_counts_the_day(fresh: World) -> None:
    start(fresh)
    fresh.later(days=1, seconds=1)
    assert stop(fresh)["durationSeconds"] == 86_401


def test_a_timer_across_midnight_belongs_to_the_local_day_it_began(fresh: World) -> None:
    fresh.studio.clock.now = local("2026-06-15T23:59:30")
    timer = start(fresh)
    assert (timer["entryDate"], timer["startedAt"]) == ("2026-06-15", "2026-06-15T21:59:30Z")
    fresh.later(minutes=1)
    assert running(fresh)["id"] == timer["id"]
    stopped = stop(fresh)
    assert (stopped["entryDate"], stopped["durationSeconds"]) == ("2026-06-15", 60)
    assert start(fresh)["entryDate"] == "2026-06-16"


@pytest.mark.parametrize(
    ("begins", "ends", "hours"),
    [("2026-03-29T00:30:00", "2026-03-29T04:30:00", 3), ("2026-10-25T00:30:00", "2026-10-25T04:30:00", 5)],
)
def test_the_night_the_clocks_change_counts_real_hours(fresh: World, begins: str, ends: str, hours: int) -> None:
    fresh.studio.clock.now = local(begins)
    assert start(fresh)["entryDate"] == begins[:10]
    fresh.studio.clock.now = local(ends)
    stopped = stop(fresh)
    assert stopped["durationSeconds"] == hours * 3600
    assert instant(stopped["stoppedAt"]) - instant(stopped["startedAt"]) == timedelta(hours=hours)


def test_correcting_a_stopped_timer_keeps_evidence_and_duration_together(fresh: World) -> None:
    start(fresh)
    fresh.later(hours=1)
    entry = stop(fresh)
    for facts in (
        {"durationSeconds": 1800},
        {"entryDate": "2026-10-25"},
        {"duration": "10h", "entryDate": "2026-03-29"},
    ):
        changed = fresh.api()("PATCH", f"/time-entries/{entry['id']}", facts).json["data"]
        gone = instant(changed["stoppedAt"]) - instant(changed["startedAt"])
        assert gone.total_seconds() == changed["durationSeconds"]
        assert instant(changed["startedAt"]).astimezone(BERLIN).date().isoformat() == changed["entryDate"]


def test_start_follows_the_project_on_billable_and_an_archived_one_takes_no_time(fresh: World) -> None:
    client = fresh.studio.ids["client"]
    project = fresh.api().post("/projects", {"clientId": client, "name": "Pro bono", "rateType": "NON_BILLABLE"})
    assert start(fresh, projectId=project["id"])["billable"] is False
    assert start(fresh, projectId=project["id"], billable=True)["billable"] is True
    stop(fresh)
    fresh.api().post(f"/projects/{project['id']}/archive", status=200)
    invalid(fresh.api()("POST", "/time-entries/start", {"projectId": project["id"]}), "projectId")
