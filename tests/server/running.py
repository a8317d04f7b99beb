"""A Tallystick in processes of its own: started on a data directory, asked over HTTP, stopped or killed."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tallystick.db.local_postgres import LocalPostgres
from tallystick.db.migrations import migrate
from tallystick.db.session import Database
from tests.live import free_port
from tests.studio import KEY, Studio, found_studio

PATIENCE = 60.0
COMPILED = str(Path(tempfile.gettempdir()) / "tallystick-tests-compiled")


@dataclass
class Running:
    """A server that has said that it serves."""

    process: subprocess.Popen[str]
    port: int
    data: Path

    @property
    def workers(self) -> set[int]:
        """The process ids of the workers that live."""
        return {pid for pid in children(self.process.pid) if "spawn_main" in command(pid)}

    def ask(
        self, method: str, path: str, json_body: Any = None, token: str = "", timeout: float = 30, **headers: str
    ) -> tuple[int, Any]:
        """Status and JSON of one request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        body = None
        if json_body is not None:
            body = json.dumps(json_body)
            sent["Content-Type"] = "application/json"
        with contextlib.closing(connection):
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text else None

    def stop(self, order: signal.Signals = signal.SIGTERM) -> int:
        """Stop in order; answers the exit code."""
        self.process.send_signal(order)
        return self.process.wait(timeout=PATIENCE)


@contextlib.contextmanager
def running(
    data: Path, *words: str, port: int | None = None, says: str = "serves", **environment: str
) -> Generator[Running]:
    """`tallystick serve` (or other words) on a data directory, once it has said so; killed at the end if it lives."""
    server = start(data, *words, port=port, says=says, **environment)
    try:
        yield server
    finally:
        end(server)


def start(data: Path, *words: str, port: int | None = None, says: str = "serves", **environment: str) -> Running:
    """Start and wait for the line that says that it serves."""
    port = port or free_port()
    command_line = [
        sys.executable,
        "-m",
        "tallystick",
        *(words or ("serve",)),
        "--data",
        str(data),
        "--port",
        str(port),
    ]
    process = subprocess.Popen(command_line, env=clean_environment(**environment), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if says in line:
            return Running(process, port, data)
    process.stdout.close()
    raise AssertionError(f"It ended with {process.wait()} before it said {says!r}.")


def end(server: Running) -> None:
    """Stop what still runs; of one that was killed, its PostgreSQL."""
    if server.process.poll() is None:
        server.stop()
    assert server.process.stdout is not None
    server.process.stdout.close()
    if (server.data / "postgres" / "postmaster.pid").exists():
        with LocalPostgres(server.data):
            pass  # whoever leaves last stops it


def founded_in(data: Path) -> Studio:
    """The tests' studio, in the database of a data directory that nobody serves yet."""
    with LocalPostgres(data) as url:
        (data / "secret.key").touch(mode=0o600)
        (data / "secret.key").write_bytes(KEY)
        migrate(url)
        database = Database(url, size=2)
        database.open()
        studio = found_studio(database, KEY)
        database.close()
    return studio


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command that ends by itself."""
    return subprocess.run(
        [sys.executable, "-m", "tallystick", *words],
        check=False, env=clean_environment(**environment), capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip


def clean_environment(**environment: str) -> dict[str, str]:
    """No settings of whoever runs the tests, and compiled modules kept for the next start."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("TALLYSTICK_")}
    ours.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**ours, "PYTHONPYCACHEPREFIX": COMPILED, "COLUMNS": "200", **environment}


def children(pid: int) -> list[int]:
    """Process ids of the children of a process."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def command(pid: int) -> str:
    """The command line of a process; none when it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def until(done: Callable[[], Any], seconds: float = PATIENCE, says: Callable[[], object] = str) -> Any:
    """Ask again until the answer is true, and answer it; fail with what `says` says when that takes too long."""
    deadline = time.monotonic() + seconds
    while not (found := done()):
        assert time.monotonic() < deadline, f"It did not come to pass in time. {says()}"
        time.sleep(0.02)
    return found


def ready(server: Running) -> bool:
    """Whether it reaches its database."""
    try:
        return server.ask("GET", "/readyz", timeout=5)[0] == 200
    except (OSError, http.client.HTTPException):
        return False
