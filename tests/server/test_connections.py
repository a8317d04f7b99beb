"""Slow clients: which bodies and connections are cut, which are left alone, and that nobody else waits for them."""

from __future__ import annotations

import contextlib
import io
import json
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tallystick.api.wire import BODY_SECONDS, TooSlow, Unavailable
from tallystick.server.connections import (
    CROWDED_SECONDS,
    QUIET_LOOKS,
    QUIET_SECONDS,
    Bodies,
    Body,
    Connection,
    Warden,
    connections_on,
)
from tests.server.running import Running, founded_in, running

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells when data came and went")


class Stuck:
    """A body that comes when it is let go."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.let_go = threading.Event()

    def read(self, size: int = -1, /) -> bytes:
        self.asked.set()
        assert self.let_go.wait(30)
        return b"half"


class Line:
    """A client's connection, as the kernel would tell of it."""

    def __init__(self, *, sent: float, received: float, inode: str = "socket:[1]") -> None:
        self.sent, self.received, self.inode = sent, received, inode
        self.shut: list[int] = []

    @property
    def seen(self) -> Connection:
        return Connection(self.inode, self.sent, self.received, self.shut.append)

    def grow_older(self, seconds: float, *, talks: bool = False) -> None:
        self.sent += seconds
        self.received = 0.1 if talks else self.received + seconds


def app_of(bodies_most: int = 8) -> Bodies:
    return Bodies(lambda _environ, _start: [], most=bodies_most)


@contextlib.contextmanager
def waiting(bodies: Bodies, count: int = 1) -> Iterator[list[Body]]:
    """Requests that wait for their bodies since this moment."""
    streams = [Stuck() for _ in range(count)]
    waiters = [Body(stream, bodies) for stream in streams]
    threads = [threading.Thread(target=_read_quietly, args=(body,)) for body in waiters]
    for thread, stream in zip(threads, streams, strict=True):
        thread.start()
        assert stream.asked.wait(30)
    yield waiters
    for stream, thread in zip(streams, threads, strict=True):
        stream.let_go.set()
        thread.join()


def _read_quietly(body: Body) -> None:
    with contextlib.suppress(TooSlow):
        body.read()


def look_each_second(warden: Warden, lines: list[Line], seconds: int, *, talks: bool = False) -> None:
    """Let time pass: the warden looks every second, and the connections grow older."""
    begun = time.monotonic()
    for second in range(1, seconds + 1):
        for line in lines:
            line.grow_older(1, talks=talks)
        warden.look(begun + second)


@pytest.mark.parametrize("talks", [True, False], ids=["drips", "stalls"])
def test_a_body_that_does_not_come_has_its_input_shut_after_ten_seconds(talks: bool):
    bodies, line = app_of(), Line(sent=0.5, received=0.1)
    warden = Warden(bodies, lambda: [line.seen])
    with waiting(bodies) as (body,):
        look_each_second(warden, [line], int(BODY_SECONDS) - 1, talks=talks)
        assert line.shut == []
        look_each_second_more(warden, line, int(BODY_SECONDS) + 1, talks=talks)
        assert line.shut == [socket.SHUT_RD]
        assert body.cut


def look_each_second_more(warden: Warden, line: Line, at: int, *, talks: bool) -> None:
    line.grow_older(1, talks=talks)
    warden.look(time.monotonic() + at)


def test_a_client_who_was_answered_is_left_alone_while_bodies_are_overdue():
    bodies = app_of()
    idle = Line(sent=1.0, received=1.2)  # the answer came after the question
    warden = Warden(bodies, lambda: [idle.seen])
    with waiting(bodies):
        look_each_second(warden, [idle], int(BODY_SECONDS) + 3)
    assert idle.shut == []


def test_a_client_who_began_a_moment_ago_is_left_alone_while_bodies_are_overdue():
    bodies = app_of()
    slow, fresh = Line(sent=0.5, received=0.1), Line(sent=20, received=0.0, inode="socket:[2]")
    lines = [slow]
    warden = Warden(bodies, lambda: [line.seen for line in lines])
    with waiting(bodies):
        look_each_second(warden, [slow], int(BODY_SECONDS) - 2, talks=True)
        lines.append(fresh)
        begun = time.monotonic() + BODY_SECONDS
        warden.look(begun - 1)
        warden.look(begun + 1)
    assert slow.shut == [socket.SHUT_RD]
    assert fresh.shut == []


def test_nothing_is_looked_at_while_every_body_comes_in_time():
    bodies = app_of()

    def nobody() -> list[Connection]:
        raise AssertionError("looked")

    warden = Warden(bodies, nobody)
    for second in range(1, QUIET_LOOKS):
        warden.look(time.monotonic() + second)


def test_a_crowd_is_given_less_time():
    bodies = app_of(bodies_most=4)
    with waiting(bodies, 2):
        assert bodies.patience == BODY_SECONDS
    with waiting(bodies, 3) as crowd:
        assert bodies.patience == CROWDED_SECONDS
        assert len(bodies.overdue(time.monotonic() + CROWDED_SECONDS + 1)) == len(crowd)


def test_one_body_too_many_is_refused_at_once():
    bodies = app_of(bodies_most=2)
    with waiting(bodies, 2), pytest.raises(Unavailable):
        Body(io.BytesIO(b"{}"), bodies).read()
    assert Body(io.BytesIO(b"{}"), bodies).read() == b"{}"


def test_a_body_that_was_cut_is_too_slow_and_one_that_came_is_itself():
    bodies, stream = app_of(), Stuck()
    body = Body(stream, bodies)
    refused: list[TooSlow] = []

    def read() -> None:
        try:
            body.read()
        except TooSlow as error:
            refused.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    assert stream.asked.wait(30)
    Warden(bodies, list).look(time.monotonic() + BODY_SECONDS + 1)
    stream.let_go.set()
    reader.join()
    assert len(refused) == 1
    assert Body(io.BytesIO(b"{}"), bodies).read() == b"{}"


def test_a_client_who_takes_nothing_is_cut_off():
    stuck, busy = Line(sent=QUIET_SECONDS + 1, received=1), Line(sent=1, received=QUIET_SECONDS + 1)
    warden = Warden(app_of(), lambda: [stuck.seen, busy.seen])
    for _ in range(QUIET_LOOKS):
        warden.look(time.monotonic())
    assert stuck.shut == [socket.SHUT_RDWR]
    assert busy.shut == []


@pytest.mark.parametrize(
    ("environ", "timed"),
    [
        ({"CONTENT_LENGTH": "3"}, True),
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, True),
        ({"CONTENT_LENGTH": "0"}, False),
        ({}, False),
    ],
)
def test_only_requests_with_a_body_are_timed(environ: dict[str, Any], timed: bool):
    seen: list[Any] = []
    app = Bodies(lambda given, _start: [seen.append(given["wsgi.input"]) or b""], most=1)
    app({"wsgi.input": io.BytesIO(b"abc"), **environ}, lambda *_: None)
    assert isinstance(seen[0], Body) is timed


@linux
def test_the_kernel_tells_who_spoke_last():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert list(connections_on(port)) == []  # listening is no connection
        with socket.create_connection(("127.0.0.1", port)) as client, listener.accept()[0] as accepted:
            client.sendall(b"GET")
            assert accepted.recv(3) == b"GET"
            (line,) = connections_on(port)
            assert line.unanswered
        with socket.create_connection(("127.0.0.1", port)) as client, listener.accept()[0] as accepted:
            for line in connections_on(port):
                line.shut(socket.SHUT_RD)
            assert accepted.recv(3) == b""
            accepted.sendall(b"408")
            assert client.recv(3) == b"408"


@linux
@pytest.mark.long
def test_slow_clients_hold_up_nobody(tmp_path: Path):
    """G3: bodies that drip and bodies that stall are answered 408; requests without a body do not notice."""
    token = founded_in(tmp_path / "data").owner.token
    limits = {"TALLYSTICK_RATE_LIMIT_BURST": "0", "TALLYSTICK_RATE_LIMIT_SUSTAINED": "0"}
    with running(tmp_path / "data", TALLYSTICK_WORKERS="1", **limits) as server, contextlib.ExitStack() as open_ones:
        clients = [open_ones.enter_context(_half_a_body(server, token)) for _ in range(150)]
        for _ in range(40):
            assert server.ask("GET", "/readyz", timeout=5)[0] == 200
        for number, client in enumerate(clients):
            if number % 2:
                client.sendall(b" ")
        for client in clients:
            answer = client.recv(4096)
            assert answer.startswith(b"HTTP/1.1 408"), answer
            assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["reason"] == "body_too_slow"
            assert client.recv(1) == b""
        assert server.ask("GET", "/readyz")[0] == 200


def _half_a_body(server: Running, token: str) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", server.port), timeout=60)
    client.sendall(
        f"POST /api/v1/clients HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {token}\r\n"
        "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{".encode()
    )
    return client
