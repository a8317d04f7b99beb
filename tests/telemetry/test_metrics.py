"""`/metrics`: who may read it, what is counted, and by what labels."""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path

import pytest
from falcon import testing

from tallystick.db.session import owner_connection
from tallystick.telemetry.exposition import LOOKED_AT
from tallystick.telemetry.numbers import COUNTED, Ledger, Numbers
from tallystick.telemetry.work import Work
from tests.studio import Api, Studio
from tests.telemetry.conftest import TOKEN, client, scrape

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"


def test_without_the_setting_there_is_nothing(studio: Studio, tmp_path: Path):
    server = client(studio.database, tmp_path, metrics_token=None)
    for headers in ({}, {"Authorization": f"Bearer {TOKEN}"}, {"Authorization": "Bearer "}):
        assert server.simulate_get("/metrics", headers=headers).status_code == 404


@pytest.mark.parametrize(
    "given", [None, "", "Bearer", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", "é"]
)
def test_whoever_has_not_the_token_is_told_nothing(server: testing.TestClient, given: str | None):
    answer = server.simulate_get("/metrics", headers={} if given is None else {"Authorization": given})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert "tallystick_" not in answer.text


def test_an_access_token_is_none(server: testing.TestClient, studio: Studio):
    answer = server.simulate_get("/metrics", headers={"Authorization": f"Bearer {studio.owner.token}"})
    assert answer.status_code == 401


def test_whoever_guesses_is_slowed_down(studio: Studio, tmp_path: Path):
    server = client(studio.database, tmp_path, studio.clock, rate_limit_address=3)
    guesses = [server.simulate_get("/metrics", headers={"Authorization": "Bearer no"}) for _ in range(5)]
    assert [one.status_code for one in guesses] == [401, 401, 401, 429, 429]
    assert int(guesses[-1].headers["Retry-After"]) > 0
    assert scrape(server)("tallystick_build", version="0.1.0", python=_python()) == 1


def test_requests_are_counted_by_api_operation_and_class(server: testing.TestClient, api: Api, studio: Studio):
    before = scrape(server)
    api.get(f"/clients/{studio.ids['client']}")
    api.get(f"/clients/{studio.ids['other_client']}")
    api("GET", "/clients/00000000-0000-7000-8000-000000000000")
    server.simulate_get("/sign-in")
    server.simulate_get("/api/v1/none/such")
    after = scrape(server)

    def more(name: str, **labels: str) -> float:
        return after(name, **labels) - before(name, **labels)

    assert more("tallystick_requests_total", api="native", operation="getClient", status="2xx") == 2
    assert more("tallystick_requests_total", api="native", operation="getClient", status="4xx") == 1
    assert more("tallystick_requests_total", api="native", operation="unknown", status="4xx") == 1
    assert more("tallystick_requests_total", api="web", operation="GET /sign-in", status="2xx") == 1
    assert more("tallystick_request_seconds_count", api="native") == 4
    assert more("tallystick_request_seconds_bucket", api="native", le="+Inf") == 4
    assert more("tallystick_request_seconds_sum", api="native") > 0
    assert more("tallystick_statements_total", by="request") >= 6
    assert more("tallystick_round_trips_total", by="request") >= 3
    assert more("tallystick_database_seconds_total", by="request") > 0
    assert more("tallystick_connection_wait_seconds_count") >= 4


def test_labels_are_bounded(server: testing.TestClient, api: Api, studio: Studio):
    guid = studio.ids["client"]
    for path in (f"/clients/{guid}", "/clients/" + "z" * 40, f"/{guid}/x"):
        api("GET", path, query_string=f"q={guid}")
    server.simulate_get(f"/i/{guid}")
    server.simulate_get(f"/{guid}/{studio.workspace_id}", headers={"Host": guid})
    seen = scrape(server)
    for name in ("operation", "api", "status", "task", "state", "outcome", "by"):
        for value in seen.labels(name):
            assert not re.search(r"[0-9a-f]{8}-|zzz", value), value
            assert value.isprintable()
    assert seen.labels("status") <= {"2xx", "3xx", "4xx", "5xx"}
    assert seen.labels("api") <= {"native", "expensicat", "growcrm", "web"}


def test_every_metric_is_on_the_page_and_the_page_has_no_other():
    shown = {f"{name}_total" if family.kind == "counter" else name for name, family in {**COUNTED, **LOOKED_AT}.items()}
    said = set(re.findall(r"^\| `(tallystick_\w+)` \|", OPERATIONS.read_text(), re.MULTILINE))
    assert said == shown


def test_jobs_are_shown_by_task_and_state(server: testing.TestClient, database_url: str):
    before = scrape(server)
    with owner_connection(database_url) as connection:
        connection.execute(
            "INSERT INTO jobs.procrastinate_jobs (queue_name, task_name, args, status, scheduled_at) VALUES "
            "('default', 'send_mail', '{}', 'todo', now() - interval '1 hour'), "
            "('default', 'send_mail', '{}', 'todo', now() + interval '1 hour'), "
            "('default', 'remind', '{}', 'failed', NULL)"
        )
    try:
        after = scrape(server)
        assert after("tallystick_jobs", task="send_mail", state="waiting") == (
            before("tallystick_jobs", task="send_mail", state="waiting") + 2
        )
        assert after("tallystick_jobs", task="remind", state="failed") == (
            before("tallystick_jobs", task="remind", state="failed") + 1
        )
        assert after("tallystick_jobs_oldest_due_seconds") >= 3600
    finally:
        with owner_connection(database_url) as connection:
            connection.execute("DELETE FROM jobs.procrastinate_jobs WHERE args = '{}'")


# --- several processes


def answered(numbers: Numbers, times: int = 1) -> None:
    work = Work(request_id="one")
    work.api, work.trips, work.statements, work.waited = "native", 2, 5, 0.002
    for _ in range(times):
        numbers.answered(work, "getClient", "2xx", 0.03)


def requests(ledger: Ledger) -> dict[tuple[str, ...], float]:
    return dict(ledger.together().counts)


KEY = ("tallystick_requests", "native", "getClient", "2xx")


def test_the_numbers_of_all_processes_are_added_up(tmp_path: Path):
    first, second = Numbers(), Numbers()
    mine, theirs = Ledger(tmp_path / "metrics", first), Ledger(tmp_path / "metrics", second)
    answered(first, 2)
    answered(second, 3)
    assert requests(mine)[KEY] == 2  # the other has not written anything down yet
    theirs.keep()
    answered(first)
    assert requests(mine)[KEY] == 6  # its own as they are now


def test_no_number_goes_down_whichever_process_is_asked(tmp_path: Path):
    first, second = Numbers(), Numbers()
    mine, theirs = Ledger(tmp_path / "metrics", first), Ledger(tmp_path / "metrics", second)
    answered(second, 3)
    theirs.keep()
    answered(first, 3)
    assert [requests(one)[KEY] for one in (mine, theirs, mine)] == [6, 6, 6]


def test_histograms_and_statements_are_added_up_too(tmp_path: Path):
    first, second = Numbers(), Numbers()
    mine, theirs = Ledger(tmp_path / "metrics", first), Ledger(tmp_path / "metrics", second)
    answered(first, 3)
    answered(second, 3)
    theirs.keep()
    seen = mine.together()
    times = dict(seen.times)["tallystick_request_seconds", "native"]
    assert sum(times.counts) == 6
    assert times.counts[5] == 6  # up to 0.05 s
    assert times.seconds == pytest.approx(0.18)
    assert dict(seen.counts)["tallystick_statements", "request"] == 30


def test_what_a_process_counted_stays_counted_when_it_is_gone(tmp_path: Path):
    gone, other = Numbers(), Numbers()
    answered(gone, 4)
    Ledger(tmp_path / "metrics", gone).keep()
    assert requests(Ledger(tmp_path / "metrics", other))[KEY] == 4


def test_a_server_that_starts_begins_anew(tmp_path: Path):
    old = Numbers()
    answered(old)
    Ledger(tmp_path / "metrics", old).keep()
    fresh = Ledger(tmp_path / "metrics", Numbers())
    fresh.clear()
    assert requests(fresh) == {}
    assert (tmp_path / "metrics").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("text", [b"", b"{", b'{"counts": 1}', b"\xff"])
def test_a_file_that_cannot_be_read_counts_for_nothing(tmp_path: Path, text: bytes):
    numbers = Numbers()
    answered(numbers)
    ledger = Ledger(tmp_path / "metrics", numbers)
    ledger.keep()
    (tmp_path / "metrics" / "broken.json").write_bytes(text)
    assert requests(ledger)[KEY] == 1


def test_nothing_is_written_where_nothing_was_counted(tmp_path: Path):
    numbers = Numbers()
    ledger = Ledger(tmp_path / "metrics", numbers)
    answered(numbers)
    ledger.keep()
    (path,) = (tmp_path / "metrics").iterdir()
    assert json.loads(path.read_text())
    path.unlink()
    ledger.keep()
    assert not path.exists()
    answered(numbers)
    ledger.keep()
    assert path.exists()


def test_threads_lose_no_count(tmp_path: Path):
    numbers = Numbers()
    threads = [threading.Thread(target=answered, args=(numbers, 2000)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert requests(Ledger(tmp_path, numbers))[KEY] == 16_000


def _python() -> str:
    import platform

    return platform.python_version()
