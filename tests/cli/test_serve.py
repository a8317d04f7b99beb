"""`tallystick serve` in processes of its own, with its own PostgreSQL: starts, refuses, outlives, stops."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import free_port
from tests.server.running import Running, children, command, ready, run, running, until

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks at processes in /proc")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that every test leaves running."""
    with running(tmp_path_factory.mktemp("served") / "data", TALLYSTICK_WORKERS="2") as server:
        yield server


def test_it_says_one_line_and_answers(tmp_path: Path):
    port = free_port()
    with running(tmp_path / "data", port=port, says=f"Tallystick serves http://127.0.0.1:{port}") as server:
        status, said = server.ask("GET", "/readyz")
        assert (status, said["status"]) == (200, "ready")
        assert said["jobs"].keys() == {"waiting", "due", "oldest_due_seconds"}
        assert server.ask("GET", "/api/v1/clients")[0] == 401


def test_a_second_server_on_the_same_data_is_told_which_one_serves(server: Running):
    second = run("serve", "--data", str(server.data), "--port", str(free_port()))
    assert second.returncode == 1
    assert f"Tallystick already serves {server.data} (process {server.process.pid})" in second.stderr
    assert second.stdout == ""
    assert ready(server)


def test_a_port_that_is_taken_is_refused_before_anything_is_started(server: Running, tmp_path: Path):
    refused = run("serve", "--data", str(tmp_path / "data"), "--port", str(server.port))
    assert refused.returncode == 1
    assert f"cannot listen on 127.0.0.1, port {server.port} (Address already in use)" in refused.stderr
    assert not (tmp_path / "data" / "postgres").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--host", "no-such-host.invalid"), "no-such-host.invalid is not an address of this machine"),
        (("--port", "99999"), "TALLYSTICK_PORT is '99999'; write a whole number from 1 to 65535."),
        (("--workers", "0"), "TALLYSTICK_WORKERS is '0'; write a whole number from 1 to 256."),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(tmp_path: Path, words: tuple[str, ...], sentence: str):
    refused = run("serve", "--data", str(tmp_path / "data"), *words)
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert refused.stderr.startswith(sentence)


def test_other_commands_work_beside_it(server: Running):
    listed = run("migrate", "--data", str(server.data), "--json")
    assert (listed.returncode, listed.stdout) == (0, '{\n  "applied": []\n}\n')
    assert ready(server)


def test_a_worker_that_is_killed_is_replaced(server: Running):
    before = until(lambda: len(server.workers) == 2 and server.workers)
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    until(lambda: len(server.workers) == 2 and victim not in server.workers)
    until(lambda: ready(server))


def test_workers_that_die_again_and_again_do_not_take_the_server_along(server: Running):
    for _ in range(3):
        for pid in until(lambda: server.workers):
            os.kill(pid, signal.SIGKILL)
        until(lambda: ready(server))
    assert server.process.poll() is None


def test_its_postgresql_is_started_anew_when_it_is_killed(server: Running):
    postmaster = int((server.data / "postgres" / "postmaster.pid").read_text().split()[0])
    os.kill(postmaster, signal.SIGKILL)
    until(lambda: not ready(server))
    assert server.ask("GET", "/healthz")[0] == 200
    until(lambda: ready(server))


@pytest.mark.parametrize("order", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_stops_in_order_and_takes_its_processes_along(tmp_path: Path, order: signal.Signals):
    with running(tmp_path / "data", TALLYSTICK_WORKERS="2") as server:
        family = set(children(server.process.pid))
        assert any("postgres" in command(pid) for pid in family)
        assert server.stop(order) == 0
        until(lambda: not [command(pid) for pid in family if command(pid)])
        assert not (tmp_path / "data" / "postgres" / "postmaster.pid").exists()


def test_a_request_under_way_is_answered_before_it_stops(tmp_path: Path):
    with running(tmp_path / "data", TALLYSTICK_WORKERS="1") as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as client:
            client.sendall(
                b"POST /api/v1/clients HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
                b"Expect: 100-continue\r\nContent-Length: 15\r\n\r\n"
            )
            assert client.recv(1024).startswith(b"HTTP/1.1 100")  # now somebody waits for the body
            (worker,) = server.workers
            stopping = threading.Thread(target=server.stop)
            stopping.start()
            until(lambda: not _listens(server.port))
            assert command(worker)
            client.sendall(b'{"name": "Ada"}')
            assert client.recv(1024).startswith(b"HTTP/1.1 401")
        stopping.join()
        assert server.process.returncode == 0


def test_a_killed_server_leaves_nothing_that_keeps_the_next_from_starting(tmp_path: Path):
    data = tmp_path / "data"
    with running(data, TALLYSTICK_WORKERS="2") as first:
        workers = first.workers
        first.process.kill()
        first.process.wait()
        with running(data, port=first.port, TALLYSTICK_WORKERS="2") as second:
            assert ready(second)
            assert not [pid for pid in workers if command(pid)]


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
        return True
    return False
