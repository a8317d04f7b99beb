"""Slow clients: bodies that do not arrive in time, and connections that take nothing off our hands, are cut.

The server underneath waits for a body for as long as the client likes and leaves the thread no way to give up. What
ends the wait is the end of the connection's input, and that can be brought about from outside: Linux tells of each
connection when data last came and went. One that has been talking for ten seconds without an answer, while bodies are
overdue, gets its input shut; the read comes back, and the request is answered with 408.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from tallystick.api.wire import BODY_SECONDS, TooSlow, Unavailable

LOOK_SECONDS: Final = 1.0
LATE_SECONDS: Final = 1.0
"""A body that takes longer than that makes us look at the connections."""
CROWDED_SECONDS: Final = 2.0
QUIET_SECONDS: Final = 26.0
"""A client who was sent nothing for so long has nothing to come, or does not take it; the next look ends that."""
QUIET_LOOKS: Final = 4
_AGES: Final = struct.Struct("=44xI4xI")  # of struct tcp_info: tcpi_last_data_sent and tcpi_last_data_recv, in ms

Environ = dict[str, Any]
WsgiApp = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


class Bodies:
    """A WSGI app that knows which request bodies are on their way, and since when.

    At most `most` at once, so that however many clients send slowly, requests without a body find a free thread.
    """

    def __init__(self, app: WsgiApp, *, most: int) -> None:
        self._app = app
        self._most = most
        self._coming: set[Body] = set()

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("CONTENT_LENGTH", "0") != "0" or "HTTP_TRANSFER_ENCODING" in environ:
            environ["wsgi.input"] = Body(environ["wsgi.input"], self)
        return self._app(environ, start_response)

    def expect(self, body: Body) -> None:
        """A body is being waited for. Raises Unavailable where too many are."""
        if len(self._coming) >= self._most:
            raise Unavailable("Too many request bodies are on their way.")
        self._coming.add(body)

    def settle(self, body: Body) -> None:
        """What was waited for is there, or will not come."""
        self._coming.discard(body)

    def late(self, now: float) -> bool:
        """Whether a body takes longer than most."""
        return any(now - body.since > LATE_SECONDS for body in self._coming.copy())

    def overdue(self, now: float) -> list[Body]:
        """The bodies that have had their time: less of it while half of the places are taken."""
        return [body for body in self._coming.copy() if now - body.since > self.patience]

    @property
    def patience(self) -> float:
        """Seconds that a body may take."""
        return CROWDED_SECONDS if len(self._coming) * 2 > self._most else BODY_SECONDS


class Body:
    """What the app reads a body from."""

    __slots__ = ("_bodies", "_stream", "cut", "since")

    def __init__(self, stream: Readable, bodies: Bodies) -> None:
        self._stream = stream
        self._bodies = bodies
        self.since = 0.0
        self.cut = False

    def read(self, size: int = -1) -> bytes:
        """The next bytes. Raises TooSlow where the rest was not waited for."""
        self.since = self.since or time.monotonic()
        self._bodies.expect(self)
        try:
            data = self._stream.read(size)
        finally:
            self._bodies.settle(self)
        if self.cut:
            raise TooSlow("The body did not arrive in time.")
        return data


@dataclass(frozen=True, slots=True)
class Connection:
    """A client's connection, as the kernel sees it. Ages are seconds since data last went out and came in."""

    inode: str
    sent_age: float
    received_age: float
    shut: Callable[[int], None]

    @property
    def unanswered(self) -> bool:
        """The client spoke last; also where both spoke in the same tick of the kernel's clock."""
        return self.received_age <= self.sent_age


class Warden:
    """Looks at the connections of this process every second, and ends what waits for nothing."""

    def __init__(self, bodies: Bodies, connections: Callable[[], Iterable[Connection]]) -> None:
        self._bodies = bodies
        self._connections = connections
        self._unanswered: dict[str, float] = {}
        self._looks = 0

    def start(self) -> None:
        """Look from now on. Only Linux tells what there is to see; elsewhere a proxy has to keep slow clients away."""
        if sys.platform == "linux":
            threading.Thread(target=self._watch, name="connections", daemon=True).start()

    def _watch(self) -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            self.look(time.monotonic())

    def look(self, now: float) -> None:
        """Cut what is overdue at a monotonic time."""
        self._looks += 1
        if self._bodies.late(now):
            self._cut_bodies(now)
        else:
            self._unanswered.clear()
        if self._looks % QUIET_LOOKS == 0:
            for connection in self._connections():
                if connection.sent_age > QUIET_SECONDS:
                    connection.shut(socket.SHUT_RDWR)

    def _cut_bodies(self, now: float) -> None:
        overdue = self._bodies.overdue(now)
        for body in overdue:
            body.cut = True
        seen: dict[str, float] = {}
        for connection in self._connections():
            if not connection.unanswered:
                continue
            since = seen[connection.inode] = self._unanswered.get(connection.inode, now)
            # It was first seen talking when a body was late already.
            if overdue and now - since > self._bodies.patience - LATE_SECONDS - 2 * LOOK_SECONDS:
                connection.shut(socket.SHUT_RD)
        self._unanswered = seen


def connections_on(port: int) -> Generator[Connection]:
    """The open connections that this process has accepted on a port."""
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            inode = str(descriptor.readlink())
            copy = os.dup(int(descriptor.name)) if inode.startswith("socket:") else -1
        except OSError:
            continue  # closed meanwhile
        if copy >= 0:
            # Our own copy: whatever becomes of the number, this stays the connection that we look at.
            with socket.socket(fileno=copy) as client, contextlib.suppress(OSError):
                if client.family in (socket.AF_INET, socket.AF_INET6) and client.getsockname()[1] == port:
                    client.getpeername()
                    information = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _AGES.size)
                    sent, received = _AGES.unpack(information)
                    yield Connection(inode, sent / 1000, received / 1000, client.shutdown)
