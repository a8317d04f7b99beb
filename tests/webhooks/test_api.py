"""Webhooks over the API: secrets once, also on a retry; what is refused; and the pages that say so."""

from __future__ import annotations

import ast
import hashlib
import hmac
import re
import time
from pathlib import Path

import pytest

import tallystick.domain
from tallystick.domain.webhooks import catalogue, deliveries
from tallystick.values.webhooks import signed
from tests.studio import Api, Studio
from tests.webhooks.conftest import Hooks
from tests.webhooks.receivers import Receiver

ROOT = Path(__file__).parents[2]
BODY = {"url": "https://hooks.example/in", "events": ["invoice.*", "client.created"], "description": "Ledger"}


def test_a_secret_is_shown_once_and_a_retry_hears_that_it_was(api: Api) -> None:
    key = {"Idempotency-Key": "once"}
    first = api.post("/webhook-endpoints", BODY, headers=key)
    again = api("POST", "/webhook-endpoints", BODY, headers=key)
    assert re.fullmatch(r"wsk_[A-Za-z0-9_-]{43}", first["secret"])
    assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")
    assert again.json["data"] == {**first, "secret": None, "secretShown": True}
    path = f"/webhook-endpoints/{first['id']}"
    shown = api.get(path)
    assert "secret" not in shown
    assert shown["secretPrefix"] == first["secret"][:8]
    assert api.get("/webhook-endpoints") == [shown]
    rotated = api.post(f"{path}/rotate-secret", status=200, headers={"Idempotency-Key": "turn"})
    assert rotated["secret"] not in (None, first["secret"])
    assert rotated["previousSecretUntil"] is not None
    retried = api("POST", f"{path}/rotate-secret", {}, headers={"Idempotency-Key": "turn"})
    assert (retried.json["data"]["secret"], retried.json["data"]["secretShown"]) == (None, True)


def test_an_endpoint_is_changed_paused_tested_and_deleted(api: Api) -> None:
    path = f"/webhook-endpoints/{api.post('/webhook-endpoints', BODY)['id']}"
    changed = api("PATCH", path, {"events": ["*", "client.created"], "description": None}).json["data"]
    assert (changed["events"], changed["description"]) == (["*"], None)
    test = api.post(f"{path}/test")
    assert (test["type"], test["state"], test["attempts"]) == ("webhook_endpoint.test", "pending", 0)
    assert api.get(f"{path}/deliveries") == [test]
    whole = api.get(f"/webhook-endpoints/deliveries/{test['id']}")
    assert '"test":true' in whole["body"]
    assert whole["attemptLog"] == []
    assert api.post(f"/webhook-endpoints/deliveries/{test['id']}/replay", status=200)["eventId"] == test["eventId"]
    assert api.post(f"{path}/replay", {"from": "2026-06-01T00:00:00Z"}, status=200) == {"deliveries": 0}
    assert api("PATCH", path, {"status": "disabled"}).json["data"]["disabledReason"] == "paused"
    assert api("POST", f"{path}/test", {}).json["error"]["reason"] == "endpoint_disabled"
    assert api("PATCH", path, {"status": "enabled"}).json["data"]["disabledReason"] is None
    assert api("DELETE", path).status_code == 204
    assert api("GET", path).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"events": ["*"]}, "url"),
        ({"url": "https://hooks.example/in"}, "events"),
        ({"url": "https://127.0.0.1/", "events": ["*"]}, "url"),
        ({"url": "http://hooks.example/", "events": ["*"]}, "url"),
        ({"url": "https://hooks.example/in", "events": ["invoice.payed"]}, "events"),
    ],
)
def test_what_cannot_be_is_refused_by_the_name_of_its_field(api: Api, body: dict, field: str) -> None:
    refused = api("POST", "/webhook-endpoints", body)
    assert refused.status_code == 422
    assert set(refused.json["error"]["fields"]) == {field}


def test_every_event_is_on_the_page_and_no_other() -> None:
    page = (ROOT / "docs/webhooks.md").read_text()
    table = page[page.index("| resource | events |") :]
    assert re.findall(r"`(\w+\.\w+)`", table) == catalogue.names()
    assert set(re.findall(r"\*\*`(\w+\.\w+)`\*\*", table)) == set(catalogue.HOURSMITH)


def test_every_word_that_a_verb_records_is_in_the_catalogue() -> None:
    known = {what for whats in catalogue.EVENTS.values() for what in whats}
    for path in Path(tallystick.domain.__path__[0]).rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
                if call.func.attr not in {"record", "record_facts"} or not call.args:
                    continue
                words = [one.value for one in ast.walk(call.args[0]) if isinstance(one, ast.Constant)]
                for word in words:
                    assert word in known, f"{path.name} records {word!r}, which no event of the catalogue is"


def test_the_python_of_the_page_verifies_what_we_sign() -> None:
    page = (ROOT / "docs/webhooks.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    spoken: dict = {}
    for block in blocks:
        exec(block, spoken)
    from datetime import UTC, datetime

    body, now = b'{"id":"1"}', datetime.now(UTC)
    headers = signed(["wsk_new", "wsk_old"], "1", body, now)
    for secret in ("wsk_new", "wsk_old"):
        assert spoken["is_ours"](secret, headers["Hoursmith-Signature"], body)
        assert spoken["event_of"](secret, headers, body) == {"id": "1"}
    assert not spoken["is_ours"]("wsk_other", headers["Hoursmith-Signature"], body)
    assert not spoken["is_ours"]("wsk_new", headers["Hoursmith-Signature"], body + b" ")
    late = f"{int(time.time()) - 301}"
    forged = hmac.new(b"wsk_new", late.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert not spoken["is_ours"]("wsk_new", f"t={late},v1={forged}", body)


def test_no_other_module_speaks_http() -> None:
    clients = {
        "requests",
        "httpx",
        "httpx2",
        "httpcore",
        "httpcore2",
        "urllib3",
        "aiohttp",
        "urllib.request",
        "http.client",
    }
    allowed = {
        "outgoing/http.py",
        "server/__init__.py",
        "outgoing/oidc.py",
    }  # the latter asks its own port whether it answers
    source = ROOT / "src/tallystick"
    for path in source.rglob("*.py"):
        for one in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in one.names] if isinstance(one, ast.Import) else []
            names += [one.module or ""] if isinstance(one, ast.ImportFrom) and one.level == 0 else []
            for name in names:
                if name in clients or name.split(".")[0] in clients - {"urllib.request", "http.client"}:
                    assert str(path.relative_to(source)) in allowed, f"{path.name} imports {name}"


def test_another_person_of_the_studio_may_not(api: Api, studio: Studio) -> None:
    api.token = studio.people["manager"].token
    assert api("GET", "/webhook-endpoints").status_code == 403


def test_the_answers_of_a_receiver_are_in_the_log(hooks: Hooks, sink: Receiver, api: Api) -> None:
    made = hooks.endpoint(sink.url, "client.created").endpoint
    hooks.client("Umbrella")
    hooks.carry()
    (told,) = api.get(f"/webhook-endpoints/{made.id}/deliveries?state=delivered")
    whole = api.get(f"/webhook-endpoints/deliveries/{told['id']}")
    assert whole["body"].encode() == sink.heard[0].body
    ((attempt),) = whole["attemptLog"]
    assert (attempt["number"], attempt["status"], attempt["answer"]) == (1, 200, "ok")
    assert deliveries.KEPT.days == 30
