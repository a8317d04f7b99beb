"""Rates that begin on a day: entry, task, project, client, workspace, each as it was on the day of the work."""

from __future__ import annotations

import contextlib
from decimal import Decimal
from typing import Any

import pytest

from tallystick.db.session import owner_connection
from tallystick.domain import invariants, tasks, time_entries, workspaces
from tests.conformance.world import World


def rate_of(world: World, entry: dict[str, Any]) -> Decimal | None:
    with world.studio.context() as ctx:
        return time_entries.read(ctx, entry["id"]).hourly_rate


def log(world: World, day: str, **facts: Any) -> Any:
    given = {"projectId": world.studio.ids["project"], "entryDate": day, "durationSeconds": 3600, **facts}
    return world.api().post("/time-entries", given)


def begin(world: World, amount: Any, day: str | None, **place: Any) -> Any:
    return world.api().post("/rates", {"amount": amount, "effectiveFrom": day, **place})


@pytest.mark.parametrize(
    ("day", "rate"),
    [("2020-01-01", 90), ("2026-06-30", 90), ("2026-07-01", 100), ("2026-12-31", 100), ("2027-01-01", 110)],
)
def test_work_has_the_rate_of_its_day(fresh: World, day: str, rate: int) -> None:
    client = fresh.studio.ids["client"]
    begin(fresh, 110, "2027-01-01", clientId=client)
    begin(fresh, "100.00", "2026-07-01", clientId=client)
    assert rate_of(fresh, log(fresh, day)) == rate


CASCADE = [
    # the task's, the project's, the client's and the workspace's rate from July on; what holds in June, what in July
    ((None, None, None, None), 90, 90),
    ((None, None, None, 50), 90, 90),
    ((None, None, 95, 50), 90, 95),
    ((None, 105, 95, 50), 90, 105),
    ((120, 105, 95, 50), 90, 120),
    ((0, 105, 95, 50), 90, 0),
]


@pytest.mark.parametrize(("begins", "june", "july"), CASCADE)
def test_the_nearest_place_that_has_a_rate_on_the_day_says_it(
    fresh: World, begins: tuple[int | None, ...], june: int, july: int
) -> None:
    ids = fresh.studio.ids
    places = ({"taskId": ids["task"]}, {"projectId": ids["project"]}, {"clientId": ids["client"]}, {})
    for place, amount in zip(places, begins, strict=True):
        if amount is not None:
            begin(fresh, amount, "2026-07-01", **place)
    assert rate_of(fresh, log(fresh, "2026-06-30", taskId=ids["task"])) == june
    assert rate_of(fresh, log(fresh, "2026-07-01", taskId=ids["task"])) == july


def test_a_place_without_an_amount_has_no_rate_of_its_own_from_that_day_on(fresh: World) -> None:
    hidden = fresh.studio.ids["hidden_project"]
    begin(fresh, None, "2026-07-01", projectId=hidden)
    with fresh.studio.context() as ctx:
        workspaces.change(ctx, default_rate=Decimal(60))
    assert rate_of(fresh, log(fresh, "2026-06-30", projectId=hidden)) == 120
    assert rate_of(fresh, log(fresh, "2026-07-01", projectId=hidden)) == 60


def test_the_wire_shows_todays_rate_and_moves_with_the_days(fresh: World) -> None:
    api, ids = fresh.api(), fresh.studio.ids
    begin(fresh, 100, "2026-06-17", clientId=ids["client"])
    begin(fresh, 130, "2026-06-17", projectId=ids["hidden_project"])

    def shown() -> tuple[str, ...]:
        listed = {one["id"]: one for one in api.get("/projects")}
        project = api.get(f"/projects/{ids['hidden_project']}")
        assert listed[project["id"]] == project
        client = api.get(f"/clients/{ids['client']}")
        assert client in api.get("/clients")
        return client["defaultRate"], project["hourlyRate"]

    assert shown() == ("90.00", "120.00")
    fresh.later(days=2)
    assert shown() == ("100.00", "130.00")


def test_a_rate_that_is_changed_holds_from_today_on(fresh: World) -> None:
    api, client = fresh.api(), fresh.studio.ids["client"]
    fresh.later(days=10)  # 25 June
    assert api("PATCH", f"/clients/{client}", {"defaultRate": "100"}).json["data"]["defaultRate"] == "100.00"
    assert [rate_of(fresh, log(fresh, day)) for day in ("2026-06-24", "2026-06-25", "2026-07-24")] == [90, 100, 100]
    schedule = [(one["effectiveFrom"], one["amount"]) for one in api.get("/rates?sort=effectiveFrom")]
    assert schedule == [("0001-01-01", "90.00"), ("2026-06-25", "100.00")]


def test_a_slip_of_the_same_day_is_corrected_where_it_begins(fresh: World) -> None:
    api, project = fresh.api(), fresh.studio.ids["project"]
    fresh.later(days=10)
    for amount in ("9", "95"):  # it had none before: from the beginning, and corrected there
        api("PATCH", f"/projects/{project}", {"hourlyRate": amount})
    assert rate_of(fresh, log(fresh, "2026-01-01")) == 95
    fresh.later(days=1)
    for amount in ("1000", "100"):
        api("PATCH", f"/projects/{project}", {"hourlyRate": amount})
    assert [rate_of(fresh, log(fresh, day)) for day in ("2026-06-25", "2026-06-26")] == [95, 100]
    assert len(api.get("/rates")) == 2


def test_on_the_day_a_place_is_made_its_rate_is_corrected_for_all_days(fresh: World) -> None:
    api = fresh.api()
    api("PATCH", f"/clients/{fresh.studio.ids['client']}", {"defaultRate": "91"})
    assert rate_of(fresh, log(fresh, "2026-01-01")) == 91
    assert api.get("/rates") == []


def test_a_later_rate_leaves_recorded_time_alone(fresh: World) -> None:
    entry = log(fresh, "2026-07-02")
    begin(fresh, 100, "2026-07-01", clientId=fresh.studio.ids["client"])
    assert rate_of(fresh, entry) == 90


def test_an_entry_that_goes_to_another_day_takes_the_rate_of_that_day(fresh: World) -> None:
    api = fresh.api()
    begin(fresh, 100, "2026-07-01", clientId=fresh.studio.ids["client"])
    entry = log(fresh, "2026-07-01")
    api("PATCH", f"/time-entries/{entry['id']}", {"entryDate": "2026-06-30"})
    assert rate_of(fresh, entry) == 90
    with fresh.studio.context() as ctx:
        ctx.change(time_entries.read(ctx, entry["id"]), hourly_rate=Decimal(77))  # one of its own
    api("PATCH", f"/time-entries/{entry['id']}", {"entryDate": "2026-07-01"})
    assert rate_of(fresh, entry) == 77


def test_a_timer_has_the_rate_of_the_day_on_which_it_starts(fresh: World) -> None:
    api = fresh.api()
    begin(fresh, 100, "2026-06-16", clientId=fresh.studio.ids["client"])
    first = api.post("/time-entries/start", {"projectId": fresh.studio.ids["project"]})
    fresh.later(days=1)
    second = api.post("/time-entries/start", {"projectId": fresh.studio.ids["project"]})
    assert (rate_of(fresh, first), rate_of(fresh, second)) == (90, 100)


def test_the_same_day_again_replaces_and_a_rate_taken_away_never_was(fresh: World) -> None:
    api, client = fresh.api(), fresh.studio.ids["client"]
    first = begin(fresh, 100, "2026-07-01", clientId=client)
    again = begin(fresh, 101, "2026-07-01", clientId=client)
    assert (again["id"], again["amount"]) == (first["id"], "101.00")
    assert api.get(f"/rates/{first['id']}") == again
    assert api("DELETE", f"/rates/{first['id']}").status_code == 204
    assert rate_of(fresh, log(fresh, "2026-07-01")) == 90
    assert api("GET", f"/rates/{first['id']}").status_code == 404


def test_a_rate_is_of_one_place(fresh: World) -> None:
    ids = fresh.studio.ids
    both = {"amount": 1, "clientId": ids["client"], "projectId": ids["project"]}
    result = fresh.api()("POST", "/rates", both)
    assert result.status_code == 422
    assert set(result.json["error"]["fields"]) == {"clientId", "projectId"}
    nothing = fresh.api()("POST", "/rates", {"effectiveFrom": "2026-07-01"})
    assert list(nothing.json["error"]["fields"]) == ["amount"]


def test_only_who_may_change_settings_sets_the_rate_of_the_workspace(fresh: World) -> None:
    assert fresh.api("manager")("POST", "/rates", {"amount": 50}).status_code == 403
    assert fresh.api("admin")("POST", "/rates", {"amount": 50}).status_code == 201
    assert fresh.api("member")("GET", "/rates").status_code == 403


def test_unpriced_work_is_billed_at_the_rate_of_its_day(fresh: World) -> None:
    api = fresh.api()
    client = api.post("/clients", {"name": "Hooli", "currency": "EUR"})
    project = api.post("/projects", {"clientId": client["id"], "name": "Nucleus"})
    for day in ("2026-06-10", "2026-07-10"):
        log(fresh, day, projectId=project["id"])
    begin(fresh, 80, "2026-01-01", projectId=project["id"])
    begin(fresh, 85, "2026-07-01", projectId=project["id"])
    lines = api.post("/invoices", {"clientId": client["id"]})["lines"]
    assert sorted(line["rate"] for line in lines) == ["80.00", "85.00"]


# --- preview and apply


def test_a_preview_tells_the_difference_to_the_cent_and_changes_nothing(fresh: World) -> None:
    api, ids = fresh.api(), fresh.studio.ids
    entries = [log(fresh, "2026-07-01", durationSeconds=1000), log(fresh, "2026-07-02", durationSeconds=500)]
    log(fresh, "2026-06-30")
    log(fresh, "2026-07-01", projectId=ids["hidden_project"])
    change = {"amount": "100.10", "effectiveFrom": "2026-07-01", "clientId": ids["client"]}
    told = api.post("/rates/preview", change, status=200)
    (part,) = told.pop("parts")
    assert told == {
        "effectiveFrom": "2026-07-01", "effectiveTo": None, "entries": 2, "durationSeconds": 1500,
        "entryIds": sorted(one["id"] for one in entries), "kept": [],
    }  # fmt: skip
    # 1500 s are 0.4167 h: 37.503 and 41.71167
    amounts = (part["oldAmount"], part["newAmount"], part["difference"], part["currency"], part["entries"])
    assert amounts == ("37.50", "41.71", "4.21", "EUR", 2)
    assert api.get("/rates") == []
    assert [rate_of(fresh, one) for one in entries] == [90, 90]


def test_a_preview_looks_no_further_than_the_next_rate_and_past_nearer_ones(fresh: World) -> None:
    api, ids = fresh.api(), fresh.studio.ids
    begin(fresh, 110, "2026-08-01", clientId=ids["client"])
    begin(fresh, 70, "2026-07-15", taskId=ids["task"])
    seen = log(fresh, "2026-07-31")
    log(fresh, "2026-08-01")
    log(fresh, "2026-07-20", taskId=ids["task"])
    change = {"amount": "100", "effectiveFrom": "2026-07-01", "clientId": ids["client"]}
    told = api.post("/rates/preview", change, status=200)
    assert (told["effectiveTo"], told["entryIds"]) == ("2026-07-31", [seen["id"]])


def test_applied_to_unbilled_work_never_to_billed_work(fresh: World) -> None:
    api, ids = fresh.api(), fresh.studio.ids
    billed = log(fresh, "2026-07-01")
    invoice = api.post("/invoices", {"clientId": ids["client"]})
    free = log(fresh, "2026-07-01")
    later = log(fresh, "2026-07-11")
    change = {
        "amount": "100", "effectiveFrom": "2026-07-01", "effectiveTo": "2026-07-10", "clientId": ids["client"],
    }  # fmt: skip
    plain = api.post("/rates/apply", change, status=200)
    assert (plain["entries"], rate_of(fresh, free)) == (0, 90)
    done = api.post("/rates/apply", {**change, "reRate": True}, status=200)
    assert (done["entryIds"], done["rate"]["amount"]) == ([free["id"]], "100.00")
    assert done["kept"] == [{"entryId": billed["id"], "why": "invoiced", "invoiceNumber": invoice["number"]}]
    assert [rate_of(fresh, one) for one in (billed, free, later)] == [90, 100, 90]
    assert [rate_of(fresh, log(fresh, day)) for day in ("2026-07-10", "2026-07-11")] == [100, 90]
    wrong = api("POST", "/rates/apply", {**change, "effectiveTo": "2026-06-30"})
    assert wrong.json["error"]["fields"] == {"effectiveTo": "must not be before effectiveFrom"}


def test_the_rounding_of_a_client_goes_before_that_of_the_workspace(fresh: World) -> None:
    api, client = fresh.api(), fresh.studio.ids["client"]
    with fresh.studio.context() as ctx:
        workspaces.change(ctx, rounding_minutes=15, rounding_mode="UP")
    log(fresh, "2026-06-10", durationSeconds=60)

    def quantity() -> str:
        made = api.post("/invoices", {"clientId": client})
        api("DELETE", f"/invoices/{made['id']}")
        return made["lines"][0]["quantity"]

    assert quantity() == "0.25"
    shown = api("PATCH", f"/clients/{client}", {"roundingMinutes": 6, "roundingMode": "NEAREST"}).json["data"]
    assert (shown["roundingMinutes"], shown["roundingMode"]) == (6, "NEAREST")
    assert quantity() == "0.00"
    api("PATCH", f"/clients/{client}", {"roundingMode": None})
    assert quantity() == "0.10"
    assert api("PATCH", f"/clients/{client}", {"roundingMinutes": 7}).status_code == 422


def test_task_rates_are_kept_by_their_days(fresh: World) -> None:
    task = fresh.studio.ids["task"]
    with fresh.studio.context() as ctx:
        tasks.change(ctx, task, hourly_rate=Decimal(150))
    fresh.later(days=1)
    with fresh.studio.context() as ctx:
        assert tasks.change(ctx, task, hourly_rate=Decimal(160)).hourly_rate == 160
    assert rate_of(fresh, log(fresh, "2026-06-15", taskId=task)) == 150
    assert rate_of(fresh, log(fresh, "2026-06-16", taskId=task)) == 160


def test_the_doctor_sees_a_place_that_does_not_know_its_rates(fresh: World) -> None:
    begin(fresh, 100, "2026-07-01", clientId=fresh.studio.ids["client"])
    with contextlib.closing(owner_connection(fresh.studio.database.url)) as owner:
        owner.execute("UPDATE clients SET rates_from = NULL WHERE id = %s", [fresh.studio.ids["client"]])
        found = invariants.check(owner, now=fresh.studio.clock(), workspace_id=fresh.studio.workspace_id)
        assert [one.rule for one in found if not one.holds] == ["rates"]
        owner.rollback()
