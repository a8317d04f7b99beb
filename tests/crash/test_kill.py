"""The server is killed under load, again and again: what was acknowledged is there, once, and the next start works."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import signal
import threading
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.live import free_port
from tests.server.running import Running, end, founded_in, ready, run, start, until
from tests.studio import Studio

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks at processes in /proc")

WRITERS = 6
"""Each waits for its answer before it goes on; all together keep the server busy."""
ENVIRONMENT = {
    "TALLYSTICK_RATE_LIMIT_BURST": "0",
    "TALLYSTICK_RATE_LIMIT_SUSTAINED": "0",
    "TALLYSTICK_WORKERS": "1",
    "TALLYSTICK_LOG_LEVEL": "error",
}


@dataclass
class Log:
    """What the writers were told."""

    acknowledged: dict[str, str] = field(default_factory=dict)
    """Key → id of the entry."""
    sent: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    retried: int = 0
    trouble: str = ""
    """Why the last retry was needed."""


class Writer(threading.Thread):
    """Logs time, each entry under a key of its own that is sent again until it is acknowledged."""

    def __init__(self, port: int, token: str, project_id: str, log: Log, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._token = token
        self._project_id = project_id
        self._log = log
        self._stop_now = stop
        self._connection: http.client.HTTPConnection | None = None
        self.abandoned = False

    def run(self) -> None:
        while not self._stop_now.is_set():
            key = str(uuid.uuid4())
            self._log.sent.add(key)
            while not self._sent(key):
                if self.abandoned:
                    return
                self._log.retried += 1
                time.sleep(0.05)
        if self._connection is not None:
            self._connection.close()

    def _sent(self, key: str) -> bool:
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
        body = {"projectId": self._project_id, "entryDate": "2026-06-15", "durationSeconds": 60, "note": key}
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Content-Type": "application/json",
            "Idempotency-Key": key,
        }
        try:
            self._connection.request("POST", "/api/v1/time-entries", json.dumps(body), headers)
            answer = self._connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._log.trouble = repr(error)
            self._connection.close()
            self._connection = None
            return False
        if answer.status == 201:
            self._log.acknowledged[key] = json.loads(text)["data"]["id"]
            return True
        if answer.status < 500 and not (answer.status == 409 and b"idempotency_in_progress" in text):
            self._log.refused.append(f"{answer.status} {text.decode()}")
            return True
        self._log.trouble = f"{answer.status} {text.decode()}"
        return False


def kill_everything(server: Running) -> None:
    """The parent and its workers at the same moment, as a machine does when it runs out of memory."""
    for pid in [server.process.pid, *server.workers]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    server.process.wait()


def kill_the_parent(server: Running) -> None:
    """The parent alone: its workers have to notice."""
    server.process.kill()
    server.process.wait()


def kill_with_postgresql(server: Running) -> None:
    """And the database with it."""
    postmaster = int((server.data / "postgres" / "postmaster.pid").read_text().split()[0])
    kill_everything(server)
    os.kill(postmaster, signal.SIGKILL)


@pytest.mark.parametrize(
    "kills", [pytest.param(10, id="10 kills"), pytest.param(200, id="200 kills", marks=pytest.mark.long)]
)
def test_what_was_acknowledged_outlives_a_server_that_is_killed(tmp_path: Path, kills: int):
    data = tmp_path / "data"
    studio = founded_in(data)
    chance = random.Random(kills)
    log, stop, port = Log(), threading.Event(), free_port()
    server = start(data, port=port, **ENVIRONMENT)
    writers = [
        Writer(port, studio.people[who].token, studio.ids["project"], log, stop)
        for who in ("owner", "admin", "manager", "member") * 2
    ][:WRITERS]
    for writer in writers:
        writer.start()
    try:
        for number in range(kills):
            wanted = len(log.acknowledged) + chance.randrange(3, 30)
            until(lambda wanted=wanted: len(log.acknowledged) >= wanted, says=lambda: log.trouble)
            kill = kill_with_postgresql if number % 5 == 4 else kill_the_parent if number % 2 else kill_everything
            kill(server)
            assert server.process.stdout is not None
            server.process.stdout.close()
            server = start(data, port=port, **ENVIRONMENT)
            assert ready(server)
        stop.set()
        for writer in writers:
            writer.join(timeout=30)
            assert not writer.is_alive()
        _check(server, studio, log)
        found = run("doctor", "--data", str(data))
        assert found.returncode == 0, found.stdout + found.stderr
    finally:
        stop.set()
        for writer in writers:
            writer.abandoned = True
        end(server)
    assert log.retried > kills  # they were interrupted


def _check(server: Running, studio: Studio, log: Log) -> None:
    """Every acknowledged entry is there once, under the id that was told; nothing is there that nobody sent."""
    assert log.refused == []
    kept = _entries(server, studio.people["owner"].token)
    notes = [entry["note"] for entry in kept]
    assert len(set(notes)) == len(notes)
    assert set(notes) == set(log.acknowledged) == log.sent
    assert {entry["note"]: entry["id"] for entry in kept} == log.acknowledged


def _entries(server: Running, token: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    path = "/api/v1/time-entries?limit=200"
    while path:
        status, page = server.ask("GET", path, token=token)
        assert status == 200
        found += page["data"]
        cursor = page["pagination"]["nextCursor"]
        path = f"/api/v1/time-entries?limit=200&cursor={cursor}" if cursor else ""
    return found
