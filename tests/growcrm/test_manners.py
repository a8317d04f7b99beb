"""What every operation has in common: credentials, errors, bodies, retries, limits, the document."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from falcon import testing
from openapi_spec_validator import validate

from tallystick.api.growcrm.operations import OPERATIONS
from tallystick.api.wire import Operation
from tallystick.auth import api_keys as key_texts
from tallystick.db.session import Database
from tallystick.domain import api_keys, members
from tests.growcrm.world import FORM, GrowCrm, key_of, number
from tests.studio import Api, Studio, app_client

UNAUTHORIZED = {"message": "Unauthorized. A valid API key is required."}


def path_of(operation: Operation) -> str:
    return operation.path.replace("{id}", "1").replace("{comment_id}", "1")


def timesheet(studio: Studio) -> dict[str, Any]:
    task = number(studio, "task", studio.ids["task"])
    return {"task_id": task, "user_id": 1, "hours": 1, "minutes": 0, "timer_created": "2026-06-12"}


# --- who asks


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Bearer nonsense", "Basic abc", "Bearer hgk_0123456789ab_" + "x" * 32]
)
def test_without_a_valid_key_everything_is_401(app: testing.TestClient, header: str | None) -> None:
    api = GrowCrm(app, None)
    headers = {} if header is None else {"Authorization": header}
    for operation in OPERATIONS:
        result = api(operation.method, path_of(operation), headers=headers)
        assert (result.status_code, result.json) == (401, UNAUTHORIZED)


def test_other_credentials_open_nothing_here_and_a_key_nothing_elsewhere(
    app: testing.TestClient, studio: Studio
) -> None:
    GrowCrm(app, studio.owner.token).refused("GET", "/timesheets", status=401)
    key = key_of(studio)
    assert Api(app, key)("GET", "/me").status_code == 401
    assert app.simulate_get("/v1/time-entries", headers={"Authorization": f"Bearer {key}"}).status_code == 401
    assert GrowCrm(app, key).get("/timesheets") == []


def test_a_revoked_key_is_refused_at_once(app: testing.TestClient, studio: Studio) -> None:
    key = key_of(studio)
    api = GrowCrm(app, key)
    assert api.get("/timesheets") == []
    with studio.context() as ctx:
        api_keys.revoke(ctx, next(one for one in api_keys.all_of(ctx) if one.prefix == key_texts.prefix_of(key)))
    for _ in range(2):
        assert api.refused("GET", "/timesheets", status=401) == UNAUTHORIZED
        api.refused("GET", "/timesheets/x", status=401)


def test_a_key_acts_as_the_owner_whoever_that_is_and_records_as_the_founder(api: GrowCrm, studio: Studio) -> None:
    with studio.context() as ctx:
        members.set_role(ctx, members.active(ctx, studio.people["admin"].user_id), "OWNER")
    made = api.post("/timesheets", timesheet(studio) | {"user_id": 2})
    assert (made["worked_by_id"], made["recorded_by_id"]) == (2, 1)
    assert api.get("/team/2")["role"]["id"] == 1


def test_a_plan_without_api_has_none(api: GrowCrm, studio: Studio) -> None:
    with studio.context() as ctx:
        ctx.connection.execute("UPDATE workspaces SET plan = 'free' WHERE id = %s", [studio.workspace_id])
    api.refused("GET", "/team", status=402)


# --- what is asked


@pytest.mark.parametrize("path", ["", "/", "/nothing", "/timesheets/1/nothing", "/v12", "/growcrm", "/estimates"])
def test_unknown_paths_answer_in_the_same_shape(api: GrowCrm, path: str) -> None:
    for method in ("GET", "POST", "PATCH"):
        assert api.refused(method, path, status=404) == {"message": "Resource not found."}


def test_the_paths_of_other_apis_stay_theirs(app: testing.TestClient, api: GrowCrm, studio: Studio) -> None:
    assert set(api("GET", "/v1/nothing").json) == {"error"}
    assert set(Api(app, studio.owner.token)("GET", "/nothing").json) == {"error"}
    assert app.simulate_get("/api/openapi.json").json["info"]["title"] == "Tallystick API"
    assert app.simulate_get("/api-docs").headers["Content-Type"].startswith("text/html")
    assert app.simulate_post("/api/auth/sign-in/email", json={}).json != {"message": "Resource not found."}


@pytest.mark.parametrize(
    "text", ["x", "0", "-1", "1.5", "1e3", "9" * 19, "%C2%B2", "01a1fd8b-a052-7000-b35b-40d33", "%00"]
)
def test_an_id_that_is_no_number_is_nothing(api: GrowCrm, text: str) -> None:
    for path in ("/timesheets", "/tasks", "/team"):
        assert api.refused("GET", f"{path}/{text}", status=404) == {"message": "Resource not found."}


def test_leading_zeros_do_not_matter(api: GrowCrm) -> None:
    assert api.get("/team/0001")["id"] == 1


def test_a_wrong_method_says_which_are_right(api: GrowCrm) -> None:
    result = api("PUT", "/timesheets")
    assert (result.status_code, result.headers["Allow"]) == (405, "GET, POST")
    assert set(result.json) == {"message"}


def test_answers_are_json_whatever_is_accepted(api: GrowCrm, studio: Studio) -> None:
    for accept in ("text/html", "application/xml", "application/problem+json", "*/*"):
        for path in ("/team", "/nothing", "/timesheets?date_start=x"):
            result = api("GET", path.partition("?")[0], params={"date_start": "x"}, headers={"Accept": accept})
            assert result.headers["Content-Type"] == "application/json"


def test_head_and_options_answer_as_elsewhere(api: GrowCrm) -> None:
    head = api("HEAD", "/team")
    assert (head.status_code, head.content) == (200, b"")
    options = api("OPTIONS", "/team")
    assert (options.status_code, options.headers["Allow"]) == (204, "GET, POST")


# --- bodies


def test_every_verb_reads_forms_parts_and_json(api: GrowCrm, studio: Studio) -> None:
    task = f"/tasks/{number(studio, 'task', studio.ids['task'])}"
    parts = '--x\r\nContent-Disposition: form-data; name="status"\r\n\r\n2\r\n--x--\r\n'
    multipart = {"Content-Type": "multipart/form-data; boundary=x"}
    assert api("PUT", f"{task}/status", {"status": 2}).json["data"]["status"]["id"] == 2
    assert api("PUT", f"{task}/status", json={"status": 3}).json["data"]["status"]["id"] == 3
    assert api("PUT", f"{task}/status", body=parts, headers=multipart).json["data"]["status"]["id"] == 2
    entry = api.post("/timesheets", timesheet(studio))["id"]
    assert api("DELETE", f"/timesheets/{entry}", {"anything": 1}).status_code == 200


def test_fields_may_stand_in_the_query_and_the_body_goes_before(api: GrowCrm, studio: Studio) -> None:
    given = timesheet(studio)
    assert api("POST", "/timesheets", params=given).status_code == 201
    result = api("POST", "/timesheets", {"hours": 2}, params=given)
    assert result.json["data"]["time_seconds"] == 7200


def test_the_last_of_a_repeated_name_wins_and_unknown_ones_are_ignored(api: GrowCrm, studio: Studio) -> None:
    pairs = [*timesheet(studio).items(), ("hours", 3), ("secret", 1), ("timer_id", 7), ("a[b]", "c")]
    assert api.post("/timesheets", pairs)["time_seconds"] == 3 * 3600


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {"Content-Type": "application/json"}, 400),
        (b"[]", {"Content-Type": "application/json"}, 400),
        (b"a=%ff", FORM, 400),
        (b"a=\xff", FORM, 400),
        (b"&".join([b"a=1"] * 10_000), FORM, 400),
        (b"a" + b"[b]" * 50 + b"=1", FORM, 400),
        (b"hours=%00", FORM, 422),
        (b"timer_created=%00&hours[]=1&minutes[a][b]=2&task_id=" + b"9" * 5000, FORM, 422),
        (b"hours=1", {**FORM, "Content-Encoding": "gzip"}, 415),
        (b"x", {"Content-Type": "text/plain"}, 415),
        (b"x", {"Content-Type": "multipart/form-data"}, 400),
        (b" " * (1024 * 1024 + 1), FORM, 413),
    ],
)  # fmt: skip
def test_hostile_bodies_are_refused_in_shape(api: GrowCrm, body: bytes, headers: dict[str, str], status: int) -> None:
    for method, path in (("POST", "/timesheets"), ("PATCH", "/timesheets/1"), ("PUT", "/tasks/1/status")):
        api.refused(method, path, status=status, body=body, headers=headers)


def test_hostile_queries_are_refused_or_find_nothing(api: GrowCrm) -> None:
    assert api.get("/timesheets", **{"task_id[]": "1"}) == []
    assert api.get("/tasks", search="\x00") == []
    assert api.get("/tasks", search="x" * 300) == []
    for query in ("status=%ff", "a" + "[b]" * 9 + "=1", "&".join(["a=1"] * 200)):
        api.refused("GET", "/timesheets", status=400, query_string=query)


# --- retries and limits


def test_a_key_of_ones_own_is_honoured_and_never_required(api: GrowCrm, studio: Studio) -> None:
    headers = {"Idempotency-Key": "once"}
    first = api("POST", "/timesheets", timesheet(studio), headers=headers)
    again = api("POST", "/timesheets", timesheet(studio), headers=headers)
    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert api("POST", "/timesheets", json=timesheet(studio), headers=headers).status_code == 409
    api.refused("POST", "/timesheets", timesheet(studio) | {"hours": 2}, status=409, headers=headers)
    api.refused("POST", "/timesheets", timesheet(studio), status=422, headers={"Idempotency-Key": "a b"})
    assert api.page("/timesheets")["meta"]["total"] == 1


def test_too_many_requests_are_told_when_to_come_back(database: Database, studio: Studio, tmp_path: Path) -> None:
    api = GrowCrm(app_client(database, studio.clock, tmp_path, burst=2), key_of(studio))
    assert [api("GET", "/team").status_code for _ in range(3)] == [200, 200, 429]
    result = api("GET", "/team")
    assert result.json == {"message": "Too Many Attempts."}
    assert int(result.headers["Retry-After"]) >= 1


# --- the document


class TestDocument:
    @pytest.fixture
    def document(self, app: testing.TestClient) -> Any:
        result = app.simulate_get("/api/growcrm/openapi.json")
        assert result.status_code == 200
        return msgspec.json.decode(result.content)

    def test_it_is_valid_and_has_every_operation(self, document: Any) -> None:
        validate(document)
        listed = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
        assert listed == {(one.method, one.path) for one in OPERATIONS}

    def test_it_says_what_is_true_here(self, document: Any) -> None:
        create = document["paths"]["/timesheets"]["post"]
        assert set(create["requestBody"]["content"]) == {"application/json", "application/x-www-form-urlencoded"}
        schema = create["requestBody"]["content"]["application/json"]["schema"]
        assert schema["required"] == ["task_id", "user_id", "hours", "minutes", "timer_created"]
        assert schema["additionalProperties"] is True
        assert "403" not in create["responses"]
        page = document["paths"]["/timesheets"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        assert page["required"] == ["data", "message", "meta"]
        (hole,) = [one for one in document["paths"]["/timesheets/{id}"]["get"]["parameters"] if one["in"] == "path"]
        assert hole["schema"]["type"] == "integer"
        names = [one["name"] for one in document["paths"]["/timesheets"]["get"]["parameters"]]
        assert names == [
            "page", "limit", "sort", "order", "task_id", "project_id", "client_id", "user_id", "status",
            "billing_status", "date_start", "date_end",
        ]  # fmt: skip

    def test_its_page_is_there(self, app: testing.TestClient) -> None:
        result = app.simulate_get("/api/growcrm/docs")
        assert result.status_code == 200
        for operation in OPERATIONS:
            assert f'id="{operation.id}"' in result.text
        assert "-d &#39;task_id=43&#39;" in result.text or "task_id=43" in result.text


def test_every_operation_says_what_it_did() -> None:
    for operation in OPERATIONS:
        assert operation.message.endswith(" successfully."), operation.id
