"""The one who asks: a few keep-alive connections, each with its next request when the last is answered."""

from __future__ import annotations

import re
import socket
import sys
import threading
import time
import uuid

import msgspec

KEY = b"{key}"
"""Stands for a fresh Idempotency-Key in a request."""
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Order(msgspec.Struct):
    """What to ask, for how long."""

    port: int
    request: str
    status: int
    seconds: float
    connections: int = 4


class Outcome(msgspec.Struct):
    requests: int
    per_second: float
    p50_ms: float
    p99_ms: float
    sample: str


def ask(connection: socket.socket, request: bytes) -> tuple[int, bytes]:
    """One request and its whole answer: status and body."""
    connection.sendall(request.replace(KEY, uuid.uuid4().hex.encode()))
    answer = connection.recv(65536)
    head, end, body = answer.partition(b"\r\n\r\n")
    while not end:
        more = connection.recv(65536)
        if not more:
            raise ConnectionError("the server hung up")
        answer += more
        head, end, body = answer.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    missing = int(length[1] if length else b"0") - len(body)
    parts = [body]
    while missing > 0:
        part = connection.recv(65536)
        if not part:
            raise ConnectionError("the server hung up")
        parts.append(part)
        missing -= len(part)
    return int(head[9:12]), b"".join(parts)


def load(order: Order) -> Outcome:
    """Ask until the time is over. Any other status than the expected one ends it."""
    seconds: list[float] = []
    problems: list[BaseException | str] = []
    samples: list[bytes] = []
    begun = time.perf_counter()
    end = begun + order.seconds

    def client() -> None:
        try:
            with socket.create_connection(("127.0.0.1", order.port)) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                request = order.request.encode()
                now = time.perf_counter()
                while now < end and not problems:
                    status, body = ask(connection, request)
                    before, now = now, time.perf_counter()
                    seconds.append(now - before)
                    if status != order.status:
                        problems.append(f"{status} instead of {order.status}: {body.decode(errors='replace')[:500]}")
                samples.append(body)
        except BaseException as error:  # noqa: BLE001 - told by the main thread
            problems.append(error)

    clients = [threading.Thread(target=client) for _ in range(order.connections)]
    for one in clients:
        one.start()
    for one in clients:
        one.join()
    if problems:
        raise SystemExit(f"{order.request.partition(chr(13))[0]} was answered: {problems[0]!r}")
    took = time.perf_counter() - begun
    seconds.sort()
    return Outcome(
        len(seconds),
        len(seconds) / took,
        seconds[len(seconds) // 2] * 1000,
        seconds[len(seconds) * 99 // 100] * 1000,
        samples[0].decode(errors="replace"),
    )


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(load(msgspec.json.decode(sys.stdin.buffer.read(), type=Order))))
