"""What every operation has in common: errors, credentials, scopes, envelopes, the document."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from falcon import testing
from openapi_spec_validator import validate

from tallystick.api.expensicat.operations import OPERATIONS, SCOPES
from tallystick.api.expensicat.wire import PREFIXES
from tallystick.db.session import Database
from tests.expensicat.world import Expensicat, expensicat_client, token_of
from tests.studio import Studio, app_client


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize(("method", "path"), [("GET", "/nothing"), ("GET", ""), ("POST", "/metrics")])
def test_unknown_paths_answer_in_the_same_shape(
    app: testing.TestClient, studio: Studio, prefix: str, method: str, path: str
) -> None:
    error = Expensicat(app, token_of(studio), prefix).refused(method, path, status=404)
    assert error == {"code": "NOT_FOUND", "message": "Resource not found"}


def test_a_wrong_method_says_which_are_right(api: Expensicat) -> None:
    result = api("PUT", "/time-entries")
    assert (result.status_code, result.json["error"]["code"]) == (405, "METHOD_NOT_ALLOWED")
    assert result.headers["Allow"] == "GET, POST"


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer nonsense", "Basic abc", "Bearer a/b/c"])
def test_without_a_valid_token_everything_is_401(app: testing.TestClient, header: str | None) -> None:
    api = Expensicat(app, None)
    headers = {} if header is None else {"Authorization": header}
    for operation in OPERATIONS:
        path = operation.path.replace("{id}", "x").replace("{user_id}", "x")
        result = api(operation.method, path, headers=headers)
        assert result.status_code == 401
        assert result.json == {"error": {"code": "UNAUTHORIZED", "message": "Sign in, or send a valid token."}}
        assert result.headers["WWW-Authenticate"].startswith("Bearer resource_metadata=")


def test_a_personal_access_token_opens_nothing_here(database: Database, studio: Studio, tmp_path: Path) -> None:
    client = app_client(database, studio.clock, tmp_path)
    for prefix in PREFIXES:
        Expensicat(client, studio.owner.token, prefix).refused("GET", "/time-entries", status=401)


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        ("{", {}, 400, "BAD_REQUEST"),
        ("[]", {}, 400, "BAD_REQUEST"),
        ("name=x", {"Content-Type": "application/x-www-form-urlencoded"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("{}", {"Content-Encoding": "gzip"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        (" " * (1024 * 1024 + 1), {}, 413, "PAYLOAD_TOO_LARGE"),
    ],
)
def test_a_body_that_cannot_be_read(
    api: Expensicat, body: str, headers: dict[str, str], status: int, code: str
) -> None:
    sent = {"Content-Type": "application/json", **headers}
    error = api.refused("POST", "/customers", status=status, body=body, headers=sent)
    assert error["code"] == code


def test_too_many_requests_are_told_when_to_come_back(database: Database, studio: Studio, tmp_path: Path) -> None:
    api = Expensicat(expensicat_client(database, studio.clock, tmp_path, studio, burst=2), token_of(studio))
    assert [api("GET", "/members").status_code for _ in range(3)] == [200, 200, 429]
    result = api("GET", "/members")
    assert result.json["error"]["code"] == "RATE_LIMITED"
    assert int(result.headers["Retry-After"]) >= 1


def test_a_plan_without_api_has_none(api: Expensicat, studio: Studio) -> None:
    with studio.context() as ctx:
        ctx.connection.execute("UPDATE workspaces SET plan = 'free' WHERE id = %s", [studio.workspace_id])
    error = api.refused("GET", "/members", status=402)
    assert (error["code"], error["details"]["required_plan"]) == ("PLAN_REQUIRED", "studio")


def test_nothing_without_a_body_needs_one(api: Expensicat, studio: Studio) -> None:
    path = f"/projects/{studio.ids['project']}"
    assert api("DELETE", path, headers={"Content-Type": "application/json"}).status_code == 204
    assert api("DELETE", path, {"anything": 1}).status_code == 204
    assert api("PATCH", path).status_code == 200


def test_head_and_options_answer_as_elsewhere(api: Expensicat) -> None:
    head = api("HEAD", "/members")
    assert (head.status_code, head.content) == (200, b"")
    options = api("OPTIONS", "/members")
    assert (options.status_code, options.headers["Allow"]) == (204, "GET")


class TestDocument:
    @pytest.fixture(params=PREFIXES)
    def document(self, app: testing.TestClient, request: pytest.FixtureRequest) -> Any:
        result = app.simulate_get(f"{request.param}/openapi.json")
        assert result.status_code == 200
        return msgspec.json.decode(result.content)

    def test_it_is_valid(self, document: Any) -> None:
        validate(document)

    def test_it_has_every_operation_with_its_scope(self, document: Any) -> None:
        listed = {
            (method.upper(), path): one["x-scope"]
            for path, methods in document["paths"].items()
            for method, one in methods.items()
        }
        assert listed == {(one.method, one.path): one.scope for one in OPERATIONS}
        assert set(SCOPES) == {
            "entries:read", "entries:write", "invoices:read", "invoices:write", "team:read", "team:admin",
            "analytics:read",
        }  # fmt: skip

    def test_it_says_what_is_true_here(self, document: Any) -> None:
        create = document["paths"]["/time-entries"]["post"]
        schema = create["requestBody"]["content"]["application/json"]["schema"]
        assert schema["required"] == ["start_time", "description"]
        assert schema["additionalProperties"] is True
        assert {"201", "400", "401", "403", "404", "409"} <= set(create["responses"])
        assert "422" not in create["responses"]
        (key,) = [one for one in create["parameters"] if one["name"] == "Idempotency-Key"]
        assert key["required"] is False
        limit = next(one for one in document["paths"]["/projects"]["get"]["parameters"] if one["name"] == "limit")
        assert limit["schema"] == {"type": "integer", "minimum": 1, "maximum": 100, "default": 20}
        period = document["paths"]["/metrics/profit-loss"]["get"]["parameters"]
        assert [one["required"] for one in period] == [True, True]


def test_what_is_wrong_with_a_time_or_a_code_is_said_in_words(api: Expensicat) -> None:
    for start in ("string", 1, "2026-11-20"):
        refused = api("POST", "/time-entries", {"start_time": start, "description": ""})
        assert refused.json["error"]["details"] == {
            "start_time": "must be an ISO 8601 timestamp such as 2026-06-15T07:00:00Z"
        }
    refused = api("POST", "/customers", {"name": "Globex", "country_code": "N0"})
    assert refused.json["error"]["details"] == {"country_code": "does not have the right form"}
