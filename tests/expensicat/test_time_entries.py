"""Time entries as seed 001 and contract expensicat 2 have them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tallystick.domain import members, projects, time_entries, workspaces
from tallystick.domain.invoices import draft, lifecycle
from tallystick.domain.members import Person
from tests.expensicat.world import Expensicat
from tests.studio import Studio

NINE, TEN = "2026-06-15T07:00:00Z", "2026-06-15T08:00:00Z"
"""Nine and ten in Berlin, on the day on which the studio's clock stands (11:30)."""
KEYS = [
    "id", "organization_id", "user_id", "project_id", "start_time", "end_time", "duration", "description", "billable",
    "invoice_id", "created_at", "updated_at", "user", "project",
]  # fmt: skip
Of = Callable[..., Expensicat]


@pytest.fixture
def entry(api: Expensicat, studio: Studio) -> dict[str, Any]:
    body = {"start_time": NINE, "end_time": TEN, "description": "Concept", "project_id": studio.ids["project"]}
    made: dict[str, Any] = api.post("/time-entries", body)
    return made


def bill(studio: Studio) -> str:
    """Put all of Globex's time on an issued invoice."""
    with studio.context() as ctx:
        invoice = draft.draft(ctx, client_id=studio.ids["client"]).invoice
        lifecycle.mark_sent(ctx, invoice.id)
    return invoice.id


class TestShape:
    def test_a_single_entry_has_exactly_the_documented_fields(self, entry: dict[str, Any], studio: Studio) -> None:
        assert list(entry) == KEYS
        assert entry["organization_id"] == studio.workspace_id
        assert (entry["start_time"], entry["end_time"], entry["duration"]) == (NINE, TEN, 3600)
        assert entry["invoice_id"] is None
        assert entry["user"] == {
            "id": studio.owner.user_id, "full_name": "Owner", "email": studio.owner.email, "avatar_url": None,
        }  # fmt: skip
        assert entry["project"] == {
            "id": studio.ids["project"], "name": "Website", "customer_id": studio.ids["client"], "hourly_rate": None,
            "currency": "EUR", "customer": {"id": studio.ids["client"], "name": "Globex"},
        }  # fmt: skip

    def test_only_list_items_have_an_invoice(self, api: Expensicat, entry: dict[str, Any]) -> None:
        (listed,) = api.get("/time-entries")
        assert list(listed) == [*KEYS, "invoice"]
        assert listed == {**entry, "invoice": None}
        assert api.get(f"/time-entries/{entry['id']}") == entry
        assert list(api.patch(f"/time-entries/{entry['id']}", {})) == KEYS

    def test_a_billed_entry_tells_of_its_invoice(self, api: Expensicat, entry: dict[str, Any], studio: Studio) -> None:
        invoice_id = bill(studio)
        (listed,) = api.get("/time-entries")
        assert listed["invoice_id"] == invoice_id
        assert list(listed["invoice"]) == ["id", "number", "status", "date", "due_date"]
        assert listed["invoice"] == {
            "id": invoice_id, "number": "INV-0001", "status": "sent", "date": "2026-06-15", "due_date": "2026-06-29",
        }  # fmt: skip
        assert api.get(f"/time-entries/{entry['id']}")["invoice_id"] == invoice_id

    def test_the_rate_is_a_number_inside_an_entry(self, api: Expensicat, studio: Studio) -> None:
        made = api.post(
            "/time-entries", {"start_time": NINE, "description": "x", "project_id": studio.ids["hidden_project"]}
        )
        assert made["project"]["hourly_rate"] == 120
        assert not isinstance(made["project"]["hourly_rate"], str)
        assert api.get(f"/projects/{studio.ids['hidden_project']}")["hourly_rate"] == "120.00"

    def test_an_entry_without_project_is_null_there_and_not_billable(self, api: Expensicat) -> None:
        made = api.post("/time-entries", {"start_time": NINE, "description": "", "end_time": TEN, "billable": True})
        assert (made["project_id"], made["project"], made["billable"]) == (None, None, False)
        assert made["description"] == ""

    def test_the_other_mount_is_the_same(self, app: Any, api: Expensicat, entry: dict[str, Any]) -> None:
        other = Expensicat(app, api._token, "/expensicat/api/v1")
        assert other.get(f"/time-entries/{entry['id']}") == entry


class TestCreate:
    def test_what_is_required_is_a_start_and_a_description(self, api: Expensicat) -> None:
        error = api.refused("POST", "/time-entries", {}, status=400)
        assert error["code"] == "VALIDATION_ERROR"
        assert error["details"] == {"start_time": "required", "description": "required"}

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("start_time", "yesterday"), ("start_time", 5), ("start_time", "2026-06-15"), ("start_time", ""),
            ("end_time", "2026-06-15T06:59:59Z"), ("end_time", "2028-06-15T06:59:59Z"), ("end_time", []),
            ("end_time", ""), ("start_time", "0001-01-01T00:00:00+14:00"), ("description", None), ("description", 7),
            ("description", "x" * 10_001), ("description", "a\x00b"), ("project_id", 7), ("project_id", "te_abc123"),
            ("billable", "yes"), ("start_time", "9999-12-31T23:00:00Z"),
        ],
    )  # fmt: skip
    def test_bad_input_is_400_and_names_the_field(self, api: Expensicat, field: str, value: Any) -> None:
        body = {"start_time": NINE, "end_time": TEN, "description": "x", field: value}
        error = api.refused("POST", "/time-entries", body, status=400)
        named = list(error["details"])
        assert named in ([field], ["end_time"]), "a start after the end is said of the end"
        assert api.get("/time-entries") == []

    def test_unknown_fields_are_ignored(self, api: Expensicat, studio: Studio) -> None:
        body = {
            "start_time": NINE, "end_time": TEN, "description": "x", "duration": 7, "user_id": "somebody",
            "invoice_id": studio.ids["client"], "id": 5, "organization_id": None, "tags": ["a"],
        }  # fmt: skip
        made = api.post("/time-entries", body)
        assert (made["duration"], made["user_id"], made["invoice_id"]) == (3600, studio.owner.user_id, None)
        assert made["organization_id"] == studio.workspace_id

    def test_an_unknown_project_is_not_found(self, api: Expensicat, other_studio: Studio) -> None:
        body = {"start_time": NINE, "end_time": TEN, "description": "x"}
        foreign = api.refused("POST", "/time-entries", {**body, "project_id": other_studio.ids["project"]}, status=404)
        nothing = api.refused(
            "POST", "/time-entries", {**body, "project_id": "497f6eca-6276-4993-bfeb-53cbbbba6f08"}, status=404
        )
        assert foreign == nothing
        assert (nothing["code"], nothing["message"]) == ("NOT_FOUND", "Resource not found")

    def test_an_archived_project_takes_no_time(self, api: Expensicat, studio: Studio) -> None:
        assert api("DELETE", f"/projects/{studio.ids['project']}").status_code == 204
        body = {"start_time": NINE, "description": "x", "project_id": studio.ids["project"]}
        assert "project_id" in api.refused("POST", "/time-entries", body, status=400)["details"]

    def test_times_without_a_zone_are_utc_and_fractions_are_dropped(self, api: Expensicat) -> None:
        body = {"start_time": "2026-06-15T07:00:00.900", "end_time": "2026-06-15T10:00:01.100+02:00", "description": ""}
        made = api.post("/time-entries", body)
        assert (made["start_time"], made["end_time"], made["duration"]) == (NINE, "2026-06-15T08:00:01Z", 3601)

    def test_the_day_is_the_local_day_of_the_person(self, api: Expensicat, studio: Studio) -> None:
        body = {"start_time": "2026-06-14T22:30:00Z", "end_time": "2026-06-14T23:00:00Z", "description": "late"}
        made = api.post("/time-entries", body)
        with studio.context() as ctx:
            assert time_entries.read(ctx, made["id"]).entry_date == date(2026, 6, 15)

    def test_a_key_is_honoured_and_not_needed(self, api: Expensicat) -> None:
        body = {"start_time": NINE, "end_time": TEN, "description": "once"}
        first, again = (api("POST", "/time-entries", body, headers={"Idempotency-Key": "k1"}) for _ in range(2))
        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json == again.json
        assert again.headers["Idempotent-Replayed"] == "true"
        assert len(api.get("/time-entries")) == 1
        error = api.refused(
            "POST", "/time-entries", {**body, "description": "other"}, status=409, headers={"Idempotency-Key": "k1"}
        )
        assert error["details"]["reason"] == "idempotency_key_reused"


class TestOpenEntries:
    def test_without_an_end_it_runs(self, api: Expensicat, studio: Studio) -> None:
        made = api.post("/time-entries", {"start_time": NINE, "description": "x"})
        assert (made["start_time"], made["end_time"], made["duration"]) == (NINE, None, 0)
        with studio.context() as ctx:
            timer = time_entries.running(ctx)
            assert timer is not None
            assert timer.id == made["id"]

    def test_a_second_one_stops_the_first_where_it_starts(self, api: Expensicat) -> None:
        first = api.post("/time-entries", {"start_time": NINE, "description": "first"})
        api.post("/time-entries", {"start_time": TEN, "end_time": None, "description": "second"})
        assert api.get(f"/time-entries/{first['id']}")["end_time"] == TEN

    def test_one_that_began_earlier_stops_the_running_one_now(self, api: Expensicat) -> None:
        first = api.post("/time-entries", {"start_time": TEN, "description": "first"})
        api.post("/time-entries", {"start_time": NINE, "description": "second"})
        assert api.get(f"/time-entries/{first['id']}")["duration"] == 90 * 60

    def test_it_cannot_start_tomorrow_or_years_ago(self, api: Expensicat) -> None:
        for start in ("2026-06-16T07:00:00Z", "2024-06-16T07:00:00Z"):
            error = api.refused("POST", "/time-entries", {"start_time": start, "description": "x"}, status=400)
            assert list(error["details"]) == ["start_time"]

    def test_an_end_stops_it_and_no_end_lets_it_run_again(self, api: Expensicat) -> None:
        made = api.post("/time-entries", {"start_time": NINE, "description": "x"})
        path = f"/time-entries/{made['id']}"
        assert api.patch(path, {"end_time": TEN})["duration"] == 3600
        again = api.patch(path, {"end_time": None})
        assert (again["end_time"], again["duration"]) == (None, 0)

    def test_two_cannot_run(self, api: Expensicat, entry: dict[str, Any]) -> None:
        api.post("/time-entries", {"start_time": TEN, "description": "runs"})
        error = api.refused("PATCH", f"/time-entries/{entry['id']}", {"end_time": None}, status=409)
        assert error["code"] == "CONFLICT"


class TestUpdate:
    def test_what_is_not_sent_stays(self, api: Expensicat, entry: dict[str, Any]) -> None:
        changed = api.patch(f"/time-entries/{entry['id']}", {"description": "Better"})
        assert {**changed, "updated_at": ""} == {**entry, "description": "Better", "updated_at": ""}

    def test_times_bring_duration_and_day_with_them(
        self, api: Expensicat, entry: dict[str, Any], studio: Studio
    ) -> None:
        changed = api.patch(f"/time-entries/{entry['id']}", {"start_time": "2026-06-14T21:00:00Z"})
        assert (changed["duration"], changed["end_time"]) == (11 * 3600, TEN)
        with studio.context() as ctx:
            assert time_entries.read(ctx, entry["id"]).entry_date == date(2026, 6, 14)

    def test_the_end_is_not_before_the_start(self, api: Expensicat, entry: dict[str, Any]) -> None:
        error = api.refused("PATCH", f"/time-entries/{entry['id']}", {"start_time": "2026-06-15T09:00:00Z"}, status=400)
        assert list(error["details"]) == ["end_time"]

    def test_null_takes_the_project_away(self, api: Expensicat, entry: dict[str, Any], studio: Studio) -> None:
        changed = api.patch(f"/time-entries/{entry['id']}", {"project_id": None})
        assert (changed["project_id"], changed["project"], changed["billable"]) == (None, None, False)
        back = api.patch(f"/time-entries/{entry['id']}", {"project_id": studio.ids["project"]})
        assert back["billable"] is True

    def test_work_without_project_cannot_be_made_billable(self, api: Expensicat) -> None:
        made = api.post("/time-entries", {"start_time": NINE, "end_time": TEN, "description": "x"})
        assert api.patch(f"/time-entries/{made['id']}", {"billable": True})["billable"] is False

    def test_sending_back_what_was_read_changes_nothing(self, api: Expensicat, studio: Studio) -> None:
        with studio.context() as ctx:
            logged = time_entries.log(
                ctx, project_id=studio.ids["project"], entry_date=date(2026, 6, 12), duration_seconds=5400
            )
        path = f"/time-entries/{logged.id}"
        read = api.get(path)
        assert api.patch(path, read) == read
        with studio.context() as ctx:
            assert time_entries.read(ctx, logged.id).started_at is None

    def test_an_unknown_project_or_entry_is_not_found(self, api: Expensicat, entry: dict[str, Any]) -> None:
        nothing = "497f6eca-6276-4993-bfeb-53cbbbba6f08"
        api.refused("PATCH", f"/time-entries/{entry['id']}", {"project_id": nothing}, status=404)
        for one in (nothing, "te_abc123"):
            api.refused("PATCH", f"/time-entries/{one}", {}, status=404)
            api.refused("GET", f"/time-entries/{one}", status=404)
            api.refused("DELETE", f"/time-entries/{one}", status=404)

    def test_a_billed_entry_is_locked(self, api: Expensicat, entry: dict[str, Any], studio: Studio) -> None:
        bill(studio)
        for method, body in (("PATCH", {"description": "x"}), ("DELETE", None)):
            error = api.refused(method, f"/time-entries/{entry['id']}", body, status=409)
            assert (error["code"], error["details"]) == ("CONFLICT", {"reason": "invoiced"})

    def test_time_of_a_closed_day_is_locked(self, api: Expensicat, entry: dict[str, Any], studio: Studio) -> None:
        with studio.context() as ctx:
            workspaces.change(ctx, locked_until=date(2026, 6, 15))
        body = {"start_time": NINE, "end_time": TEN, "description": "Late", "project_id": studio.ids["project"]}
        path = f"/time-entries/{entry['id']}"
        for method, where, given in (
            ("PATCH", path, {"description": "x"}),
            ("DELETE", path, None),
            ("POST", "/time-entries", body),
        ):
            error = api.refused(method, where, given, status=409)
            assert (error["code"], error["details"]["reason"]) == ("CONFLICT", "time_locked"), method
        assert api.get(path) == entry

    def test_deleting_answers_204_without_a_body(self, api: Expensicat, entry: dict[str, Any]) -> None:
        result = api("DELETE", f"/time-entries/{entry['id']}")
        assert (result.status_code, result.content) == (204, b"")
        assert "content-type" not in {name.lower() for name in result.headers}
        api.refused("GET", f"/time-entries/{entry['id']}", status=404)


class TestList:
    @pytest.fixture
    def entries(self, studio: Studio) -> dict[str, str]:
        made: dict[str, str] = {}
        with studio.context() as ctx:
            tokyo = members.active(ctx, studio.people["second"].user_id)
            person = ctx.select(Person, Person.id == tokyo.user_id)[0]
            ctx.change(person, time_zone="Asia/Tokyo")
            projects.put_on(ctx, ctx.reference(projects.Project, studio.ids["project"], "project_id"), tokyo)
            here = {"project_id": studio.ids["project"]}
            day, start = date(2026, 6, 10), datetime(2026, 6, 10, 7, tzinfo=UTC)
            made["morning"] = time_entries.log_interval(
                ctx, **here, started_at=start, stopped_at=start + timedelta(hours=1), note="Kick-off MEETING"
            ).id
            made["day"] = time_entries.log(ctx, **here, entry_date=day, duration_seconds=3600, note="100% done").id
            made["next"] = time_entries.log(ctx, **here, entry_date=day + timedelta(days=1), duration_seconds=60).id
            made["tokyo"] = time_entries.log(ctx, **here, entry_date=day, duration_seconds=60, user_id=tokyo.user_id).id
            made["loose"] = time_entries.start(
                ctx, project_id=None, started_at=datetime(2026, 6, 15, 9, tzinfo=UTC), note="loose"
            ).id
        return made

    def ids(self, api: Expensicat, **params: Any) -> list[str]:
        return [one["id"] for one in api.get("/time-entries", **params)]

    def test_a_day_and_a_duration_begin_with_the_persons_day(self, api: Expensicat, entries: dict[str, str]) -> None:
        day = api.get(f"/time-entries/{entries['day']}")
        assert (day["start_time"], day["end_time"]) == ("2026-06-09T22:00:00Z", "2026-06-09T23:00:00Z")
        assert api.get(f"/time-entries/{entries['tokyo']}")["start_time"] == "2026-06-09T15:00:00Z"

    def test_the_newest_start_comes_first(self, api: Expensicat, entries: dict[str, str]) -> None:
        assert self.ids(api) == [entries[name] for name in ("loose", "next", "morning", "day", "tokyo")]

    @pytest.mark.parametrize(
        ("params", "found"),
        [
            ({"start_date": "2026-06-10", "end_date": "2026-06-10"}, {"morning", "day", "tokyo"}),
            ({"start_date": "2026-06-11"}, {"next", "loose"}),
            ({"end_date": "2026-06-10"}, {"morning", "day", "tokyo"}),
            ({"end_date": "2026-06-09"}, set()),
            ({"start_date": "2026-06-12", "end_date": "2026-06-11"}, set()),
            ({"start_date": "0001-01-01", "end_date": "9999-12-31"}, {"morning", "day", "next", "tokyo", "loose"}),
            ({"q": "meeting"}, {"morning"}),
            ({"q": "100%"}, {"day"}),
            ({"q": "%"}, {"day"}),
            ({"q": ""}, {"morning", "day", "next", "tokyo", "loose"}),
            ({"user_id": "me"}, {"morning", "day", "next", "loose"}),
            ({"user_id": "none"}, {"morning", "day", "next", "tokyo", "loose"}),
            ({"user_id": "497f6eca-6276-4993-bfeb-53cbbbba6f08"}, set()),
            ({"sort": "id", "billable": "maybe"}, {"morning", "day", "next", "tokyo", "loose"}),
        ],
    )
    def test_filters(self, api: Expensicat, entries: dict[str, str], params: dict[str, str], found: set[str]) -> None:
        assert set(self.ids(api, **params)) == {entries[name] for name in found}

    def test_by_person_and_by_project(self, api: Expensicat, entries: dict[str, str], studio: Studio) -> None:
        assert self.ids(api, user_id=studio.people["second"].user_id) == [entries["tokyo"]]
        assert set(self.ids(api, project_id=studio.ids["project"])) == set(entries.values()) - {entries["loose"]}
        assert self.ids(api, project_id=studio.ids["hidden_project"]) == []

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("limit", "0"), ("limit", "101"), ("limit", "x"), ("limit", "-1"), ("start_date", "10.6.2026"),
            ("start_date", "2026-02-30"), ("end_date", "2026-06-10T00:00:00Z"), ("user_id", "somebody"),
            ("project_id", "proj_123"), ("cursor", "abc"), ("q", "x" * 201), ("q", "a%00"),
        ],
    )  # fmt: skip
    def test_a_bad_parameter_is_400_and_named(self, api: Expensicat, name: str, value: str) -> None:
        query = f"{name}={value}"
        error = api.refused("GET", "/time-entries", status=400, query_string=query)
        assert list(error["details"]) == [name]

    def test_pages_walk_the_whole_list_once(self, api: Expensicat, entries: dict[str, str]) -> None:
        found: list[str] = []
        params: dict[str, Any] = {"limit": 2}
        counts = []
        while True:
            page = api.page("/time-entries", **params)
            assert list(page) == ["data", "meta"]
            assert list(page["meta"]) == ["count", "next_cursor"]
            counts.append(page["meta"]["count"])
            found += [one["id"] for one in page["data"]]
            if page["meta"]["next_cursor"] is None:
                break
            params["cursor"] = page["meta"]["next_cursor"]
        assert counts == [2, 2, 1]
        assert found == self.ids(api)

    def test_twenty_by_default_and_a_hundred_at_most(self, api: Expensicat, studio: Studio) -> None:
        with studio.context() as ctx:
            for _ in range(101):
                time_entries.log(ctx, project_id=None, entry_date=date(2026, 6, 1), duration_seconds=60)
        assert len(self.ids(api)) == 20
        page = api.page("/time-entries", limit=100)
        assert page["meta"]["count"] == 100
        rest = api.page("/time-entries", limit=100, cursor=page["meta"]["next_cursor"])
        assert rest["meta"] == {"count": 1, "next_cursor": None}
        ids = [one["id"] for one in (*page["data"], *rest["data"])]
        assert ids == sorted(ids, reverse=True), "the same start: by id"

    def test_a_cursor_belongs_to_its_filters(self, api: Expensicat, entries: dict[str, str]) -> None:
        cursor = api.page("/time-entries", limit=1)["meta"]["next_cursor"]
        api.refused("GET", "/time-entries", status=400, params={"cursor": cursor, "q": "x"})
        api.refused("GET", "/projects", status=400, params={"cursor": cursor})

    def test_the_last_and_first_day_of_the_calendar(self, api: Expensicat, studio: Studio) -> None:
        with studio.context() as ctx:
            for day in (date.min, date.max):
                time_entries.log(ctx, project_id=None, entry_date=day, duration_seconds=86_400)
        assert len(api.get("/time-entries")) == 2


class TestMembers:
    @pytest.fixture
    def own(self, studio: Studio) -> str:
        with studio.context("owner") as ctx:
            project = ctx.reference(projects.Project, studio.ids["project"], "project_id")
            projects.change(ctx, project.id, hourly_rate=Decimal("77.31"))
            time_entries.log(ctx, project_id=project.id, entry_date=date(2026, 6, 1), duration_seconds=60)
        with studio.context("member") as ctx:
            return time_entries.log(
                ctx, project_id=studio.ids["project"], entry_date=date(2026, 6, 2), duration_seconds=60
            ).id

    def test_see_their_own_only(self, api_as: Of, own: str, studio: Studio) -> None:
        member = api_as("member")
        for params in ({}, {"user_id": "me"}, {"user_id": "none"}, {"user_id": studio.people["member"].user_id}):
            assert [one["id"] for one in member.get("/time-entries", **params)] == [own]
        assert member.get("/time-entries", user_id=studio.owner.user_id) == []

    def test_have_every_field_and_learn_no_amount_client_or_invoice(self, api_as: Of, own: str, studio: Studio) -> None:
        bill(studio)
        (listed,) = api_as("member").get("/time-entries")
        assert list(listed) == [*KEYS, "invoice"]
        assert listed["invoice_id"] is not None
        assert listed["invoice"] is None
        assert listed["project"] == {
            "id": studio.ids["project"], "name": "Website", "customer_id": studio.ids["client"], "hourly_rate": None,
            "currency": "EUR", "customer": None,
        }  # fmt: skip

    def test_do_not_see_a_project_that_they_left(self, api_as: Of, own: str, studio: Studio) -> None:
        with studio.context() as ctx:
            project = ctx.reference(projects.Project, studio.ids["project"], "project_id")
            projects.take_off(ctx, project, members.active(ctx, studio.people["member"].user_id))
        entry = api_as("member").get(f"/time-entries/{own}")
        assert (entry["project_id"], entry["project"]) == (studio.ids["project"], None)

    def test_cannot_work_on_a_hidden_project(self, api_as: Of, studio: Studio) -> None:
        body = {"start_time": NINE, "description": "x", "project_id": studio.ids["hidden_project"]}
        api_as("member").refused("POST", "/time-entries", body, status=404)

    def test_a_manager_corrects_anybodys(self, api_as: Of, own: str) -> None:
        changed = api_as("manager").patch(f"/time-entries/{own}", {"start_time": NINE, "end_time": TEN})
        assert changed["duration"] == 3600
