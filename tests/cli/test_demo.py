"""The demo as a visitor finds it: the credentials file opens every door, and the studio is all there."""

from __future__ import annotations

import http.client
import json
import shlex
import stat
from base64 import urlsafe_b64decode
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest

from tallystick.auth.passwords import problem_with, verify_password
from tallystick.db.local_postgres import LocalPostgres
from tallystick.demo import sign_ins
from tallystick.demo.calendar import TIMER_RUNS, work_until
from tallystick.domain.expenses import CATEGORIES
from tallystick.domain.invoices.invoice import STATUSES
from tests.live import free_port
from tests.server.running import Running, run, running

WHO = ("owner", "admin", "manager", "member")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def demo(home: Path) -> Iterator[Running]:
    with running(home / "data", "demo", "--credentials", str(home / "credentials.json"), says="next start") as server:
        yield server


@pytest.fixture(scope="module")
def credentials(demo: Running, home: Path) -> dict[str, Any]:
    return json.loads((home / "credentials.json").read_text())


class Visitor:
    """Requests of one of the demo's people, within the limits of their plan."""

    def __init__(self, demo: Running, token: str) -> None:
        self._demo = demo
        self._token = token

    def get(self, path: str) -> Any:
        status, answer = self._demo.ask("GET", f"/api/v1{path}", token=self._token)
        assert status == 200, answer
        return answer["data"]

    def all(self, path: str) -> list[dict[str, Any]]:
        """A list, page by page."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            query = f"{path}{'&' if '?' in path else '?'}limit=200{cursor}"
            status, answer = self._demo.ask("GET", f"/api/v1{query}", token=self._token)
            assert status == 200, answer
            found += answer["data"]
            if answer["pagination"]["nextCursor"] is None:
                return found
            cursor = f"&cursor={answer['pagination']['nextCursor']}"


@pytest.fixture(scope="module")
def owner(demo: Running, credentials: dict[str, Any]) -> Visitor:
    return Visitor(demo, credentials["owner"]["token"])


def test_the_credentials_file_is_for_its_reader_only_and_the_address_in_it_answers(
    demo: Running, home: Path, credentials: dict[str, Any]
):
    assert stat.S_IMODE((home / "credentials.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((demo.data / "demo.json").stat().st_mode) == 0o600
    assert credentials["url"] == f"http://127.0.0.1:{demo.port}"
    assert not list(home.glob(".*"))  # nothing half-written is left
    assert demo.ask("GET", "/readyz")[0] == 200


@pytest.mark.parametrize("who", WHO)
def test_every_token_opens_the_studio_in_its_role(demo: Running, credentials: dict[str, Any], who: str):
    me = Visitor(demo, credentials[who]["token"]).get("/me")
    assert me["role"] == who.upper()
    assert me["orgId"] == credentials["workspace"]["id"]


def test_every_password_is_the_one_stored_and_a_good_one(demo: Running, credentials: dict[str, Any]):
    people = [credentials[who] for who in WHO] + [credentials[place]["owner"] for place in ("other", "free")]
    with LocalPostgres(demo.data) as url, psycopg.connect(url) as connection:
        stored = dict(connection.execute("SELECT email, password_hash FROM people").fetchall())
    assert len({person["password"] for person in people}) == 6
    for person in people:
        assert verify_password(stored[person["email"]], person["password"])
        assert problem_with(person["password"], words=[person["email"], "Nordlicht"]) is None


def test_the_other_studio_is_another_one_and_the_free_one_has_no_api(demo: Running, credentials: dict[str, Any]):
    other = Visitor(demo, credentials["other"]["owner"]["token"])
    assert [client["name"] for client in other.get("/clients")] == ["Threadneedle Books"]
    status, refused = demo.ask("GET", "/api/v1/clients", token=credentials["free"]["owner"]["token"])
    assert (status, refused["error"]["code"]) == (402, "forbidden_plan")


def test_months_of_time_are_there(owner: Visitor):
    entries = owner.all("/time-entries")
    assert 1_400 <= len(entries) <= 1_650
    assert [entry["note"] for entry in entries if entry["startedAt"] and not entry["stoppedAt"]] == [
        "Gift cards: partial redemption"
    ]
    kept = [entry for entry in entries if entry["stoppedAt"]]
    assert 100 < len(kept) < len(entries) / 2  # some by timer, most written down
    days = {date.fromisoformat(entry["entryDate"]) for entry in entries if entry["stoppedAt"] or not entry["startedAt"]}
    assert all(day.weekday() < 5 for day in days)
    assert max(days) - min(days) > timedelta(days=90)
    assert len({entry["userId"] for entry in entries}) == 6
    assert any(entry["invoiceId"] for entry in entries)


def test_projects_and_expenses_are_of_every_kind(owner: Visitor):
    projects = owner.all("/projects")
    assert {project["rateType"] for project in projects} == {"HOURLY", "FIXED", "NON_BILLABLE"}
    assert {project["status"] for project in projects} == {"ACTIVE", "COMPLETED", "ARCHIVED"}
    assert any(project["budgetHours"] for project in projects)
    assert any(project["budgetAmount"] for project in projects)
    assert {expense["category"] for expense in owner.all("/expenses")} == set(CATEGORIES)
    tasks = owner.all("/tasks")
    assert all(task["assigneeIds"] for task in tasks)
    assert {task["status"] for task in tasks} == {"TODO", "IN_PROGRESS", "DONE"}


def test_invoices_are_in_every_state_and_in_three_currencies(owner: Visitor):
    assert len(owner.all("/clients")) == 5
    invoices = owner.all("/invoices")
    assert {invoice["currency"] for invoice in invoices} == {"EUR", "USD", "JPY"}
    assert {invoice["status"] for invoice in invoices} == set(STATUSES)
    states = Counter((invoice["status"], invoice["paymentStatus"]) for invoice in invoices)
    assert states["SENT", "partially_paid"] == 2
    assert states["SENT", "unpaid"] >= 2
    assert states["DRAFT", "unpaid"] == 2
    assert states["PAID", "paid"] >= 4
    today = datetime.now(UTC).date().isoformat()
    open_ones = [invoice for invoice in invoices if invoice["status"] == "SENT"]
    assert any(invoice["dueDate"] < today for invoice in open_ones)
    assert any(invoice["dueDate"] >= today for invoice in open_ones)
    assert all(invoice["total"].partition(".")[2] in ("", "00") for invoice in invoices if invoice["currency"] == "JPY")
    numbers = [invoice["number"] for invoice in invoices if invoice["status"] != "DRAFT"]
    assert len(set(numbers)) == len(numbers)
    (note,) = owner.all("/credit-notes")
    assert note["total"] == next(one["amountCredited"] for one in invoices if one["id"] == note["invoiceId"])


def test_the_lines_that_it_prints_can_be_pasted_also_after_a_restart(tmp_path: Path):
    file = tmp_path / "credentials.json"
    with running(tmp_path / "data", "demo", "--credentials", str(file), says="next start") as first:
        credentials = json.loads(file.read_text())
        count = len(Visitor(first, credentials["owner"]["token"]).all("/time-entries"))
        assert first.stop() == 0
    words = ("demo", "--credentials", str(file))
    with running(tmp_path / "data", *words, port=first.port, says="# Tokens") as again:
        assert again.process.stdout is not None
        printed: list[str] = []
        while "next start" not in (line := again.process.stdout.readline()):
            printed.append(line.rstrip())
        for who in WHO:
            assert f"{who:8} {credentials[who]['token']}" in printed
        pasted = [_curl(again, line) for line in printed if line.startswith("curl")]
        assert [status for status, _ in pasted] == [200, 201, 200, 200, 200]
        recent, logged, unpaid, running_now, timesheets = (answer["data"] for _, answer in pasted)
        assert recent
        assert logged["durationSeconds"] == 5400
        assert {invoice["status"] for invoice in unpaid} == {"SENT"}
        assert [(entry["description"], entry["end_time"]) for entry in running_now] == [
            ("Gift cards: partial redemption", None)
        ]
        assert [(one["status"], one["recorded_by_id"] > 0) for one in timesheets] == [("running", True)]
        assert len(Visitor(again, credentials["owner"]["token"]).all("/time-entries")) == count + 1
        assert json.loads(file.read_text())["growcrm"] == credentials["growcrm"]
        before, now = credentials["expensicat"], json.loads(file.read_text())["expensicat"]
        for given in (before, now):
            assert again.ask("GET", "/v1/time-entries", token=given["sessionToken"])[0] == 200
        assert before["sessionToken"] != now["sessionToken"]
        assert before["oauth"] == now["oauth"]
        found = run("doctor", "--data", str(again.data))
        assert found.returncode == 0, found.stdout + found.stderr


def test_the_session_tokens_are_the_owner_s_the_member_s_and_the_other_studio_s_for_a_month(
    demo: Running, credentials: dict[str, Any]
):
    expensicat = credentials["expensicat"]
    seen = {
        name: demo.ask("GET", "/v1/members", token=expensicat[f"{name}Token"])[1]["data"]
        for name in ("session", "memberSession", "otherSession")
    }
    emails = {name: {member["user"]["email"] for member in members} for name, members in seen.items()}
    assert {credentials[who]["email"] for who in WHO} < emails["session"]
    assert emails["memberSession"] == {credentials["member"]["email"]}
    assert emails["otherSession"] == {credentials["other"]["owner"]["email"]}
    now = datetime.now(UTC)
    for name in seen:
        claims = json.loads(urlsafe_b64decode(expensicat[f"{name}Token"].split(".")[1] + "=="))
        assert claims["iss"] == credentials["url"]
        assert timedelta(days=29, hours=23) < datetime.fromtimestamp(claims["exp"], UTC) - now < timedelta(days=30)


def test_the_api_keys_are_the_studio_s_and_the_other_one_s(demo: Running, credentials: dict[str, Any]):
    keys = credentials["growcrm"]
    assert set(keys) == {"apiKey", "otherApiKey"}
    emails = {}
    for name, key in keys.items():
        status, answer = demo.ask("GET", "/api/team?limit=100", token=key)
        assert status == 200
        emails[name] = {one["email"] for one in answer["data"]}
    assert {credentials[who]["email"] for who in WHO} < emails["apiKey"]
    assert emails["otherApiKey"] == {credentials["other"]["owner"]["email"]}
    status, answer = demo.ask("GET", "/api/timesheets?limit=100", token=keys["apiKey"])
    assert (status, len(answer["data"])) == (200, 100)
    assert answer["meta"]["total"] > 1000


def test_sign_ins_of_before_get_keys_and_keep_the_rest(tmp_path: Path):
    drawn = sign_ins.kept_in(tmp_path, "live")
    plain = json.loads((tmp_path / "demo.json").read_text())
    del plain["growcrm"]
    (tmp_path / "demo.json").write_text(json.dumps(plain))
    again = sign_ins.kept_in(tmp_path, "live")
    assert again.growcrm is not None
    assert again.growcrm != drawn.growcrm
    assert again.owner == drawn.owner
    assert sign_ins.kept_in(tmp_path, "live") == again


def test_its_people_sign_in_with_their_passwords(demo: Running, credentials: dict[str, Any]):
    for who in WHO:
        body = {name: credentials[who][name] for name in ("email", "password")}
        status, answer = demo.ask("POST", "/api/auth/sign-in/email", body)
        assert (status, answer["user"]["email"]) == (200, body["email"])
        assert demo.ask("GET", "/v1/organizations/current", token=answer["token"])[0] == 200


def test_its_app_is_known_and_asks_whoever_is_not_signed_in_to_do_so(demo: Running, credentials: dict[str, Any]):
    app = credentials["expensicat"]["oauth"]
    query = {
        "client_id": app["clientId"], "redirect_uri": app["redirectUri"], "response_type": "code", "state": "s",
        "scope": "entries:read", "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }  # fmt: skip
    connection = http.client.HTTPConnection("127.0.0.1", demo.port, timeout=30)
    connection.request("GET", f"/api/auth/oauth2/authorize?{urlencode(query)}")
    answer = connection.getresponse()
    connection.close()
    assert answer.status in (302, 303)
    assert (answer.getheader("Location") or "").startswith("/sign-in?")


def test_it_does_not_move_in_with_real_work(tmp_path: Path):
    data = str(tmp_path / "data")
    founded = run(
        "workspace",
        "create",
        "Real work",
        "--owner-email",
        "ada@real.example",
        "--owner-name",
        "Ada",
        "--currency",
        "EUR",
        "--time-zone",
        "UTC",
        "--data",
        data,
    )
    assert founded.returncode == 0, founded.stderr
    refused = run("demo", "--data", data, "--port", str(free_port()))
    assert refused.returncode == 1
    assert "This database holds Real work, which is not the demo's." in refused.stderr


@pytest.mark.parametrize(
    "now", ["2026-03-01T00:02+01:00", "2026-10-25T02:30+02:00", "2028-02-29T23:59+01:00", "2026-11-23T17:00+01:00"]
)
def test_on_any_day_nobody_did_two_things_at_once_or_anything_yet_to_come(now: str):
    instant = datetime.fromisoformat(now)
    work = work_until(instant)
    assert work == work_until(instant)
    assert 1_400 <= len(work) <= 1_650
    ends: dict[str, datetime] = {}
    for one in sorted(work, key=lambda one: one.begin):
        assert one.begin >= ends.get(one.person, one.begin)
        assert one.begin.date() == one.end.date()
        ends[one.person] = one.end
    assert max(ends.values()) < instant - TIMER_RUNS


def _curl(demo: Running, line: str) -> tuple[int, Any]:
    """What curl would do with a printed line."""
    words = shlex.split(line)
    headers = dict(words[at + 1].split(": ", 1) for at, word in enumerate(words) if word == "-H")
    body = words[words.index("-d") + 1] if "-d" in words else None
    path = next(word for word in words if word.startswith("http")).removeprefix(f"http://127.0.0.1:{demo.port}")
    connection = http.client.HTTPConnection("127.0.0.1", demo.port, timeout=30)
    connection.request("POST" if body else "GET", path, body, headers)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, json.loads(text)
