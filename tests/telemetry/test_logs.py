"""Log lines: one an event, whatever an input holds, and never what stands in an address."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import psycopg
import pytest
from falcon import testing

from tallystick.db.session import owner_connection
from tallystick.telemetry.work import Work, current
from tests.studio import Api, Studio
from tests.telemetry.conftest import Logging, Told, client

HOSTILE = (
    "a\nb", "a\r\nb", "\x1b[31mred\x1b[0m", "\x9b2J", "a\u2028b", "a\u0085b", "\x00", '{"level":"error"}', "\u202eabc",
    "x\x0b\x0cy", '"},\n{"event":"forged"}',
)  # fmt: skip

log = logging.getLogger("tallystick.test")


def test_a_request_is_one_line_with_what_it_was(api: Api, studio: Studio, told: Told):
    answer = api("GET", f"/clients/{studio.ids['client']}")
    assert answer.status_code == 200
    (line,) = told.requests()
    assert line["request_id"] == answer.headers["X-Request-Id"]
    assert (line["method"], line["route"], line["status"]) == ("GET", "/api/v1/clients/{id}", 200)
    assert (line["api"], line["operation"]) == ("native", "getClient")
    assert (line["workspace"], line["credential"]) == (studio.workspace_id, "token")
    assert line["statements"] >= 2
    assert line["milliseconds"] > 0
    assert line["time"].endswith("Z")
    assert line["level"] == "info"


def test_a_path_and_a_query_are_never_told(server: testing.TestClient, api: Api, told: Told):
    secret = "s3cr3tINTHEPATH"
    for path in (f"/i/{secret}", f"/reset/{secret}", f"/portal/{secret}", f"/nowhere/{secret}", f"/api/v1/{secret}"):
        server.simulate_get(path, query_string=f"key={secret}")
    api("GET", "/clients", query_string=f"search={secret}")
    assert len(told.requests()) == 6
    assert secret not in told.text


def test_an_address_that_leads_nowhere_is_an_unknown_route(server: testing.TestClient, told: Told):
    server.simulate_get("/api/v1/nothing/here")
    server.simulate_request("GET", "/nothing/at/all")
    assert [(line["route"], line["status"]) for line in told.requests()] == [("unknown", 401), ("unknown", 404)]


def test_probes_are_told_of_only_where_they_fail(server: testing.TestClient, told: Told):
    server.simulate_get("/healthz")
    server.simulate_get("/readyz")
    assert told.requests() == []
    server.simulate_get("/metrics")
    assert [line["status"] for line in told.requests()] == [401]


def test_requests_are_not_told_above_info(studio: Studio, tmp_path: Path, logging_as: Logging):
    told = logging_as("json", "warning")
    client(studio.database, tmp_path).simulate_get("/sign-in")
    assert told.text == ""


def test_for_people_requests_are_told_where_somebody_debugs(studio: Studio, tmp_path: Path, logging_as: Logging):
    server = client(studio.database, tmp_path)
    told = logging_as("text", "info")
    server.simulate_get("/sign-in")
    assert told.text == ""
    told = logging_as("text", "debug")
    server.simulate_get("/sign-in")
    assert "GET /sign-in 200, " in told.text


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_input_splits_a_line(form: str, hostile: str, logging_as: Logging):
    told = logging_as(form)
    log.warning("sign-in failed for %s", hostile)
    log.warning("with a field", extra={"given": hostile})
    lines = told.text.splitlines()
    assert len(lines) == 2
    assert all(one.isprintable() for one in lines)
    if form == "json":
        assert told.lines[0]["event"] == f"sign-in failed for {hostile}"
        assert told.lines[1]["given"] == hostile


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_traceback_is_told_and_forges_no_line(form: str, logging_as: Logging):
    told = logging_as(form)
    error = ValueError("wrong\n2026-11-30T00:00:00Z ERROR tallystick.test forged\x1b[2J")
    log.error("internal error", exc_info=error)
    if form == "json":
        (line,) = told.lines
        assert "ValueError: wrong\n" in line["exception"]
    else:
        first, *others = told.text.splitlines()
        assert "ERROR tallystick.test internal error" in first
        assert others
        assert all(one.startswith("    ") for one in others)
    assert "\x1b" not in told.text


def test_what_the_database_says_is_told_without_the_values_of_a_row(database_url: str, told: Told):
    with owner_connection(database_url) as connection:
        connection.execute("CREATE TEMP TABLE kept (name text UNIQUE, other text NOT NULL)")
        connection.execute("INSERT INTO kept VALUES ('c4n4ry', 'x')")
        for values in ("'c4n4ry', 'y'", "'c4n4ry2', NULL"):
            with pytest.raises(psycopg.IntegrityError) as caught, connection.transaction():
                connection.execute(f"INSERT INTO kept VALUES ({values})")  # type: ignore[arg-type]
            log.warning("refused: %s", caught.value)
            log.error("internal error", exc_info=caught.value)
            around = RuntimeError("around it")
            around.__cause__ = caught.value
            log.error("internal error", exc_info=around)
    assert "duplicate key value violates unique constraint" in told.text
    assert "violates not-null constraint" in told.text
    assert "c4n4ry" not in told.text


def test_a_line_says_which_request_or_job_it_belongs_to(told: Told):
    token = current.set(Work(request_id="r-1"))
    log.warning("one")
    current.set(Work(name="send_mail 42"))
    log.warning("two")
    current.reset(token)
    log.warning("three")
    one, two, three = told.lines
    assert one["request_id"] == "r-1"
    assert two["job"] == "send_mail 42"
    assert not {"request_id", "job"} & set(three)


def test_libraries_are_heard_from_warnings_on(logging_as: Logging):
    told = logging_as("json", "debug")
    library = logging.getLogger("httpcore.connection")
    library.debug("send_request_headers Authorization: Bearer c4n4ry")
    library.info("HTTP Request: GET https://login.example/?code=c4n4ry")
    log.debug("ours")
    library.warning("retrying")
    assert [line["event"] for line in told.lines] == ["ours", "retrying"]
    told = logging_as("json", "error")
    library.warning("retrying")
    assert told.text == ""


def test_what_nobody_caught_in_a_thread_is_told(told: Told):
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()
    (line,) = told.lines
    assert line["level"] == "critical"
    assert "ZeroDivisionError" in line["exception"]


def test_a_slow_request_is_a_warning(studio: Studio, tmp_path: Path, logging_as: Logging, monkeypatch):
    server = client(studio.database, tmp_path, slow_request_ms=3_600_000)
    told = logging_as("json", "warning")
    server.simulate_get("/sign-in")
    assert told.requests() == []
    began = Work.__init__

    def long_ago(self: Work, **about: str) -> None:
        began(self, **about)
        self.began -= 3601

    monkeypatch.setattr(Work, "__init__", long_ago)
    server.simulate_get("/sign-in")
    (line,) = told.requests()
    assert (line["event"], line["level"], line["route"]) == ("slow request", "warning", "/sign-in")
    told = logging_as("text", "warning")
    server.simulate_get("/sign-in")
    assert "slow request: GET /sign-in 200, 3601" in told.text
