"""Every operation of the Expensicat-compatible API, every field, every parameter, each with every bad value."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from tallystick.api.expensicat.operations import OPERATIONS
from tallystick.api.expensicat.wire import PREFIXES, parameters_of
from tallystick.api.wire import Operation
from tallystick.auth import sessions
from tallystick.db.session import Database
from tests.hostile.corpus import HEADERS, IN_QUERIES, NOBODY, PATH_PARTS, RAW_QUERIES, in_bodies
from tests.hostile.wsgi import Attacker, assert_civil
from tests.sign_in.conftest import ISSUER
from tests.studio import KEY, app_client, found_studio

WRITING = [pytest.param(one, id=one.id) for one in OPERATIONS if one.writes]
READING = [pytest.param(one, id=one.id) for one in OPERATIONS if not one.writes]
EVERY = [pytest.param(one, id=one.id) for one in OPERATIONS]
AGREE = {"start_time": ("end_time",), "start_date": ("end_date",), "end_date": ("start_date",)}
"""Fields that a refusal may name in place of the one that was changed."""
REFUSALS = {400: "VALIDATION_ERROR", 404: "NOT_FOUND", 409: "CONFLICT"}


@pytest.fixture(scope="module", params=PREFIXES)
def attack(request: pytest.FixtureRequest, database: Database, tmp_path_factory: pytest.TempPathFactory) -> Attacker:
    """Somebody signed in, at one of the places where the API is."""
    studio = found_studio(database, KEY)
    client = app_client(database, studio.clock, tmp_path_factory.mktemp("limits"))
    with studio.context() as ctx:
        session, _ = sessions.begin(ctx, KEY)
    jwt = sessions.jwt_of(KEY, session, issuer=ISSUER, now=studio.clock())
    return Attacker(client.app, studio, prefix=request.param, token=jwt.token)


def whole_body(attack: Attacker, operation: Operation) -> dict[str, Any]:
    """A body that would do, for the fields that we know a value for."""
    known = {
        "name": "N", "role": "member", "description": "D",
        "start_time": "2026-06-11T07:00:00Z", "end_time": "2026-06-11T08:00:00Z",
        "project_id": attack.studio.ids["project"], "customer_id": attack.studio.ids["client"],
        "frequency": "monthly", "start_date": "2026-06-30", "items": [{"name": "N", "quantity": 1, "price": 1}],
    }  # fmt: skip
    fields = () if operation.body is None else operation.body.__struct_encode_fields__
    return {name: value for name, value in known.items() if name in fields}


def place(attack: Attacker, operation: Operation) -> str:
    """The operation's path, with the id of something that is there where we know how to make one."""
    makings = {
        "customers": {"name": "C"},
        "projects": {"name": "P", "customer_id": attack.studio.ids["client"]},
        "time-entries": {"start_time": "2026-06-11T07:00:00Z", "end_time": "2026-06-11T08:00:00Z", "description": "D"},
        "recurring-invoices": {
            "customer_id": attack.studio.ids["client"],
            "frequency": "monthly",
            "start_date": "2026-06-30",
            "items": [{"name": "N", "quantity": 1, "price": 1}],
        },
    }
    head = operation.path.split("/")[1]
    here = attack.studio.people["second"].user_id if head == "members" else NOBODY
    if "{" in operation.path and head in makings:
        made = attack("POST", f"/{head}", json.dumps(makings[head]))
        assert made.status == 201, made.body
        here = made.json["data"]["id"]
    return "/".join(here if part.startswith("{") else part for part in operation.path.split("/"))


def asked(attack: Attacker, operation: Operation) -> str:
    """The query without which an operation answers nothing."""
    del attack
    return "start_date=2026-01-01&end_date=2026-12-31" if operation.id == "getProfitLoss" else ""


@pytest.mark.parametrize("operation", WRITING)
def test_every_bad_value_of_every_field_is_refused_by_name_or_handled(attack: Attacker, operation: Operation) -> None:
    path = place(attack, operation)
    whole = {name: json.dumps(value) for name, value in whole_body(attack, operation).items()}
    names = [*operation.body.__struct_encode_fields__, "nonsense"] if operation.body else ["nonsense"]
    for name in names:
        for value in in_bodies():
            body = {**whole, name: value}
            answer = attack(operation.method, path, "{" + ",".join(f'"{key}":{raw}' for key, raw in body.items()) + "}")
            assert_civil(answer)
            assert answer.status in {operation.status, *REFUSALS}, answer.asked
            if answer.status == 400 and answer.error["code"] == "VALIDATION_ERROR":
                assert answer.named <= {name, *AGREE.get(name, ())}, f"{answer.asked} -> {answer.body!r}"
            if name == "nonsense" and answer.status != 404:  # deleted once, it is not there a second time
                unread = answer.status == 400 and answer.error["code"] == "BAD_REQUEST"
                assert answer.status == operation.status or unread, f"{answer.asked} -> {answer.body!r}"


@pytest.mark.parametrize("operation", [one for one in WRITING if one.values[0].body])  # type: ignore[attr-defined]
@pytest.mark.parametrize("value", ["[[]]", '{"a":1}'])
def test_all_fields_wrong_at_once_are_all_named(attack: Attacker, operation: Operation, value: str) -> None:
    assert operation.body is not None
    names = operation.body.__struct_encode_fields__
    body = "{" + ",".join(f'"{name}":{value}' for name in (*names, "nonsense")) + "}"
    answer = attack(operation.method, place(attack, operation), body)
    assert_civil(answer)
    assert (answer.status, answer.named) == (400, set(names)) if names else answer.status == operation.status


@pytest.mark.parametrize("operation", READING)
def test_every_bad_parameter_is_refused_by_name_or_handled(attack: Attacker, operation: Operation) -> None:
    path, needed = place(attack, operation), asked(attack, operation)
    for name in (*parameters_of(operation), "nonsense"):
        rest = "&".join(part for part in needed.split("&") if not part.startswith(f"{name}="))
        for text in IN_QUERIES:
            answer = attack("GET", path, query=f"{name}={quote(text, safe='')}&{rest}")
            assert_civil(answer)
            assert answer.status in {200, 400}, answer.asked
            if answer.status == 400:
                assert answer.named <= {name, *AGREE.get(name, ())}, f"{answer.asked} -> {answer.body!r}"
            if name == "nonsense":
                assert answer.status == 200, answer.asked
        for raw in ("%", "%zz", "%ff", "%ed%a0%80", "%c0%80"):
            answer = attack("GET", path, query=f"{name}={raw}&{rest}")
            assert_civil(answer)
            assert answer.status in {200, 400}, answer.asked
        if name != "nonsense":
            answer = attack("GET", path, query=f"{name}=7&{name}=8&{rest}")
            assert_civil(answer)
            assert (answer.status, name in answer.named) == (400, True), answer.asked
    for raw in RAW_QUERIES:
        assert_civil(attack("GET", path, query=raw))


@pytest.mark.parametrize("operation", [one for one in EVERY if "{" in one.values[0].path])  # type: ignore[attr-defined]
def test_every_bad_id_is_not_found(attack: Attacker, operation: Operation) -> None:
    body = json.dumps(whole_body(attack, operation)) if operation.writes else None
    for bad in PATH_PARTS:
        path = "/".join(bad if part.startswith("{") else part for part in operation.path.split("/"))
        answer = attack(operation.method, path, body)
        assert_civil(answer)
        assert answer.status in {200, 201, 400, 404, 405}, answer.asked
        if bad not in ("%2f", ".", ".."):
            assert answer.status == 404, f"{answer.asked} -> {answer.status} {answer.body!r}"


@pytest.mark.parametrize("operation", EVERY)
def test_every_bad_header_is_refused_or_ignored(attack: Attacker, operation: Operation) -> None:
    path = place(attack, operation)
    body = "[]" if operation.writes else None  # which changes nothing
    for name in (
        "Authorization", "Idempotency-Key", "Content-Type", "Content-Encoding", "Transfer-Encoding", "Accept",
        "X-Forwarded-For", "If-Match", "If-None-Match", "X-Request-Id", "Origin", "Cookie", "Expect", "Content-Length",
    ):  # fmt: skip
        for value in HEADERS:
            answer = attack(operation.method, path, body, headers={name: value})
            assert_civil(answer)
            if name == "Authorization":
                assert answer.status == 401, answer.asked


@pytest.mark.parametrize("operation", EVERY)
def test_every_operation_asks_who_it_is_first(attack: Attacker, operation: Operation) -> None:
    path = place(attack, operation)
    personal = f"Bearer {attack.studio.owner.token}"
    for header in (None, "", "Bearer", "Bearer ", "Basic dTpw", attack.token, personal, f"Bearer {attack.token}x"):
        answer = attack(operation.method, path, "{" if operation.writes else None, headers={"Authorization": header})
        assert_civil(answer)
        assert (answer.status, answer.error["code"]) == (401, "UNAUTHORIZED")
        assert answer.headers["Www-Authenticate"].startswith("Bearer")
