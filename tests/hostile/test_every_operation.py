"""Every operation of the table, every field, every parameter, each with every bad value: refused by name or handled.

The table is the source, so that a new route is attacked from the moment it exists.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from tallystick.api.native.operations import OPERATIONS
from tallystick.api.native.wire import camel, parameters_of
from tallystick.api.wire import Operation
from tallystick.domain import oauth
from tests.hostile.corpus import HEADERS, IN_QUERIES, NOBODY, PATH_PARTS, RAW_QUERIES, in_bodies
from tests.hostile.wsgi import Attacker, assert_civil
from tests.matrix.requests import UPLOADS

WRITING = [pytest.param(one, id=one.id) for one in OPERATIONS if one.writes and one.upload is None]
READING = [pytest.param(one, id=one.id) for one in OPERATIONS if not one.writes]
EVERY = [pytest.param(one, id=one.id) for one in OPERATIONS]
AGREE = {
    "rateType": ("fixedFeeAmount",), "startDate": ("dueDate",), "durationSeconds": ("duration",),
    "budgetHours": ("budgetAmount",), "budgetAmount": ("budgetHours",), "yearlyReset": ("prefix",),
    "from": ("to",), "to": ("from",),
}  # fmt: skip
"""Fields that a refusal may name in place of the one that was changed."""


def whole_body(attack: Attacker, operation: Operation) -> dict[str, Any]:
    """A body that would do, for the fields that we know a value for."""
    ids = attack.studio.ids
    known = {
        "clientId": ids["client"], "projectId": ids["project"], "name": "N", "entryDate": "2026-06-11",
        "expenseDate": "2026-06-11", "durationSeconds": 60, "description": "D", "amount": "1", "paidOn": "2026-06-11",
        "lines": [{"description": "L", "quantity": 1, "rate": 1}], "redirectUris": ["https://app.example/callback"],
        "title": "T", "reason": "R", "url": "https://hooks.example/in", "events": ["invoice.*"],
        "entryIds": [ids.get("a time-entries", NOBODY)],
        "expenseIds": [ids.get("a expenses", NOBODY)],
        "refundedOn": "2026-06-11", "rule": "FREQ=MONTHLY", "startDate": "2026-06-30", "every": "AMOUNT",
        "enabled": True, "kind": "invoice", "language": "en", "fromAddress": "n@n.example",
        "role": "MEMBER", "email": "n@n.example", "report": "time", "firstDay": "2026-03-02",
        "weekIds": [ids.get("a weeks", NOBODY)],
    }  # fmt: skip
    if operation.path.startswith("/webhook-endpoints"):
        known["from"] = "2026-06-01T00:00:00Z"
    if operation.path.startswith("/rates"):
        del known["projectId"]  # a rate is of one place
    if operation.path.startswith("/milestones"):
        del known["amount"]  # only on a project with a fixed fee
    if operation.path.endswith(("/send", "/remind")):
        known["to"] = ["n@n.example"]
    if operation.path.startswith("/tax-rates"):
        del known["reason"]  # only of what is not taxed
    if operation.path == "/notification-settings":
        known["kind"] = "timer_forgotten"
    if operation.id == "creditInvoice":
        del known["lines"]  # of the invoice, by their ids
    assert operation.body is not None
    fields = operation.body.__struct_encode_fields__
    return {name: value for name, value in known.items() if name in fields}


def place(attack: Attacker, operation: Operation) -> str:
    """The operation's path, with the id of something that is there where we know how to make one."""
    ids = attack.studio.ids
    project, day = {"projectId": ids["project"]}, "2026-06-11"
    makings = {
        "clients": {"name": "C"},
        "projects": {"clientId": ids["client"], "name": "P"},
        "tasks": {**project, "name": "T"},
        "time-entries": {**project, "entryDate": day, "durationSeconds": 60},
        "expenses": {"clientId": ids["client"], "description": "D", "amount": 1, "expenseDate": day},
        "recurring-invoices": {
            "clientId": ids["client"],
            "rule": "FREQ=DAILY",
            "startDate": day,
            "lines": [{"description": "L", "quantity": 1, "rate": 1}],
        },
        "oauth-apps": {"name": "A", "redirectUris": ["https://app.example/callback"]},
        "webhook-endpoints": {"url": "https://hooks.example/in", "events": ["*"]},
        "invoices": {"clientId": ids["client"], "lines": [{"description": "L", "quantity": 1, "rate": 1}]},
    }
    head = operation.path.split("/")[1]
    here = ids.setdefault(f"a {head}", attack.studio.owner.member_id if head == "members" else NOBODY)
    if head == "oauth-grants":
        here = grant(attack)
    elif head == "credit-notes" and here == NOBODY and operation.path.endswith("/xml"):
        here = ids["a credit-notes"] = credit_note(attack, json.dumps(makings["invoices"]))
    elif head in makings and attack("GET", f"/{head}/{here}").status in (404, 405):
        made = attack("POST", f"/{head}", json.dumps(makings[head]))
        assert made.status == 201, made.body
        here = ids[f"a {head}"] = made.json["data"]["id"]
    path = operation.path.replace("{id}", here)
    return "/".join(NOBODY if part.startswith("{") else part for part in path.split("/"))


def credit_note(attack: Attacker, invoice: str) -> str:
    """A credit note of an invoice of this body."""
    for series, letter in (("invoice", "I"), ("credit-note", "C")):  # earlier attacks may have left any prefix
        fresh = {"prefix": f"{letter}{attack.keys}-", "yearlyReset": False}
        assert attack("PATCH", f"/number-series/{series}", json.dumps(fresh)).status == 200
    path = f"/invoices/{attack('POST', '/invoices', invoice).json['data']['id']}"
    attack("POST", f"{path}/mark-sent", "{}")
    made = attack("POST", f"{path}/credit", '{"reason": "R"}')
    assert made.status == 201, made.body
    return str(made.json["data"]["id"])


def grant(attack: Attacker) -> str:
    """What the owner just allowed an app: the API itself cannot do that."""
    with attack.studio.context() as ctx:
        app = oauth.create_app(ctx, name="A", redirect_uris=["https://app.example/callback"])
        return oauth.grant(ctx, app, ["entries:read"]).id


@pytest.mark.parametrize("operation", WRITING)
def test_every_bad_value_of_every_field_is_refused_by_name_or_handled(attack: Attacker, operation: Operation) -> None:
    assert operation.body is not None
    path = place(attack, operation)
    whole = {name: json.dumps(value) for name, value in whole_body(attack, operation).items()}
    names = [*operation.body.__struct_encode_fields__, "nonsense"]
    for name in names:
        for value in in_bodies():
            body = {**whole, name: value}
            answer = attack(operation.method, path, "{" + ",".join(f'"{key}":{raw}' for key, raw in body.items()) + "}")
            assert_civil(answer)
            assert answer.status in {operation.status, 400, 404, 409, 422}, answer.asked
            if name == "nonsense":
                assert answer.status in {400, 422}, answer.asked
            # What is wrong is this one field: the refusal is about it, or about what must agree with it.
            if answer.status == 422:
                assert answer.named <= {name, *AGREE.get(name, ())}, f"{answer.asked} -> {answer.body!r}"


@pytest.mark.parametrize("operation", WRITING)
@pytest.mark.parametrize("value", ["[[]]", '"\\u0000"', "1E+1000000", '{"a":1}'])
def test_all_fields_wrong_at_once_are_all_named(attack: Attacker, operation: Operation, value: str) -> None:
    assert operation.body is not None
    names = [*operation.body.__struct_encode_fields__, "nonsense"]
    body = "{" + ",".join(f'"{name}":{value}' for name in names) + "}"
    answer = attack(operation.method, place(attack, operation), body)
    assert_civil(answer)
    assert (answer.status, answer.named) == (422, set(names))


@pytest.mark.parametrize("operation", READING)
def test_every_bad_parameter_is_refused_by_name_or_handled(attack: Attacker, operation: Operation) -> None:
    path = place(attack, operation)
    for name in (*[camel(name) for name in parameters_of(operation)], "nonsense"):
        for text in IN_QUERIES:
            small = "" if name == "limit" or operation.listing is None else "&limit=1"
            answer = attack("GET", path, query=f"{name}={quote(text, safe='')}{small}")
            assert_civil(answer)
            assert answer.status in {200, 422}, answer.asked
            if answer.status == 422:
                assert answer.named == {name}, f"{answer.asked} -> {answer.body!r}"
            if name == "nonsense":
                assert answer.status == 422, answer.asked
        for raw in ("%", "%zz", "%ff", "%ed%a0%80", "%c0%80"):
            answer = attack("GET", path, query=f"{name}={raw}")
            assert_civil(answer)
            assert answer.status in {200, 400, 422}, answer.asked
        if name != "nonsense":
            answer = attack("GET", path, query=f"{name}=7&{name}=8")
            assert_civil(answer)
            assert answer.status == 422, f"given twice: {answer.asked}"
            assert answer.named == {name}
    for raw in RAW_QUERIES:
        assert_civil(attack("GET", path, query=raw))


@pytest.mark.parametrize("operation", EVERY)
def test_every_bad_id_is_not_found(attack: Attacker, operation: Operation) -> None:
    parts = operation.path.split("/")
    holes = [at for at, part in enumerate(parts) if part.startswith("{")]
    body: str | bytes | None = None
    media = "application/json"
    if operation.upload is not None:
        media, body = UPLOADS[operation.id]
    elif operation.writes:
        body = json.dumps(whole_body(attack, operation))
    for hole in holes:
        for bad in PATH_PARTS:
            path = "/".join(bad if at == hole else NOBODY if at in holes else part for at, part in enumerate(parts))
            answer = attack(operation.method, path, body, headers={"Content-Type": media})
            assert_civil(answer)
            assert answer.status in {200, 201, 404, 405, 409, 422}, answer.asked
            if bad not in ("running", "start", "archive", "stop", "%2f", ".", ".."):
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
    for token in (None, "", "Bearer", "Bearer ", "Basic dTpw", attack.studio.owner.token, "Bearer hsk_live_x_y"):
        answer = attack(operation.method, path, "{" if operation.writes else None, headers={"Authorization": token})
        assert_civil(answer)
        assert (answer.status, answer.error["code"]) == (401, "unauthenticated")
        assert answer.headers["Www-Authenticate"].startswith("Bearer")
