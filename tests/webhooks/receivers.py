"""Receivers on loopback: a small HTTP server that answers as a test wants, and writes down what it heard."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, field

Answer = bytes | Callable[[socket.socket], None]
"""What goes back, or who sees to it with the connection at hand."""


@dataclass(frozen=True)
class Heard:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes


def answer(status: int = 200, body: str = "ok", **headers: str) -> bytes:
    """A whole answer; `retry_after="120"` is a header."""
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body.encode())}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


@dataclass
class Receiver:
    """A receiver. `answers` are given in turn, the last of them for ever."""

    port: int
    answers: list[Answer] = field(default_factory=lambda: [answer()])
    heard: list[Heard] = field(default_factory=list)
    connections: int = 0
    holding: threading.Event = field(default_factory=threading.Event)
    """Set: whoever hangs lets go."""
    change: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def wait_for(self, count: int, seconds: float = 60) -> None:
        """Until so many requests came; the time is a net, not a measure."""
        with self.change:
            assert self.change.wait_for(lambda: len(self.heard) >= count, seconds), len(self.heard)

    def hang(self, line: socket.socket) -> None:
        """Say nothing until `holding` is set."""
        del line
        self.holding.wait(60)

    def stream(self, line: socket.socket) -> None:
        """A body that has no end."""
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
        with contextlib.suppress(OSError):
            while not self.holding.is_set():
                line.sendall(b"x" * 65536)


def _serve(listening: socket.socket, receiver: Receiver) -> None:
    with contextlib.suppress(OSError):
        while True:
            line, _ = listening.accept()
            threading.Thread(target=_answer, args=(line, receiver), daemon=True).start()


def _answer(line: socket.socket, receiver: Receiver) -> None:
    receiver.connections += 1
    with contextlib.suppress(OSError), line:
        reading = line.makefile("rb")
        first = reading.readline().decode()
        if not first:
            return
        headers: dict[str, str] = {}
        while text := reading.readline().decode().strip():
            name, _, value = text.partition(":")
            headers[name.lower()] = value.strip()
        body = reading.read(int(headers.get("content-length", "0")))
        with receiver.change:
            said = receiver.answers[min(len(receiver.heard), len(receiver.answers) - 1)]
            receiver.heard.append(Heard(first.split(" ")[1], headers, body))
            receiver.change.notify_all()
        if callable(said):
            said(line)
        else:
            line.sendall(said)


@contextlib.contextmanager
def receiver(*answers: Answer) -> Generator[Receiver]:
    """One that listens on a port of its own."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listening:
        made = Receiver(listening.getsockname()[1])
        if answers:
            made.answers = list(answers)
        threading.Thread(target=_serve, args=(listening, made), daemon=True).start()
        try:
            yield made
        finally:
            made.holding.set()
            listening.shutdown(socket.SHUT_RDWR)
