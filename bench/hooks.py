"""How soon webhooks arrive at a healthy receiver, while events keep coming and another receiver beside it hangs."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import re
import statistics
import threading
import time
from collections.abc import Generator
from uuid import uuid4

from fill import Studio

PER_SECOND = 200
SENDERS = 4
PATIENCE = 60.0
"""Seconds until what has not arrived counts as lost."""
EVENT = "time_entry.created"
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_NUMBER = re.compile(rb"number (\d+) ends")


def measured(port: int, studio: Studio, seconds: float) -> dict[str, float]:
    """Log entries at a steady rate; seconds from each one's request to its webhook, and from request to answer."""
    arrived: dict[int, float] = {}
    begun: dict[int, float] = {}
    answered: dict[int, float] = {}
    whole = int(PER_SECOND * seconds)
    with _receivers(arrived) as (healthy, hanging):
        hooks = [_made(port, studio, f"http://127.0.0.1:{there}/hook") for there in (healthy, hanging)]
        start = time.perf_counter() + 0.5

        def send(first: int) -> None:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            for number in range(first, whole, SENDERS):
                time.sleep(max(start + number / PER_SECOND - time.perf_counter(), 0))
                facts = {"projectId": studio.project_id, "entryDate": "2025-12-31", "durationSeconds": 900}
                begun[number] = time.perf_counter()
                _asked(connection, "POST", "/api/v1/time-entries", studio, {**facts, "note": f"number {number} ends"})
                answered[number] = time.perf_counter()

        senders = [threading.Thread(target=send, args=(first,)) for first in range(SENDERS)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        took = time.perf_counter() - start
        until = time.perf_counter() + PATIENCE
        while len(arrived) < whole and time.perf_counter() < until:
            time.sleep(0.05)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        for hook in hooks:
            _asked(connection, "DELETE", f"/api/v1/webhook-endpoints/{hook}", studio, None)
        connection.close()
    if len(arrived) < whole:
        raise SystemExit(f"{whole - len(arrived)} of {whole} webhooks did not arrive.")
    waited = sorted(arrived[number] - begun[number] for number in range(whole))
    return {
        "per_second": whole / took,
        "p50": statistics.median(waited),
        "p95": waited[whole * 95 // 100],
        "p99": waited[whole * 99 // 100],
        "floor": sorted(answered[number] - begun[number] for number in range(whole))[whole * 95 // 100],
    }


def _made(port: int, studio: Studio, url: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    made = _asked(connection, "POST", "/api/v1/webhook-endpoints", studio, {"url": url, "events": [EVENT]})
    connection.close()
    return json.loads(made)["data"]["id"]


def _asked(connection: http.client.HTTPConnection, method: str, path: str, studio: Studio, body: object) -> bytes:
    headers = {"Authorization": f"Bearer {studio.token}", "Content-Type": "application/json"}
    sent = None if body is None else json.dumps(body)
    connection.request(method, path, sent, {**headers, "Idempotency-Key": uuid4().hex})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status not in (200, 201, 204):
        raise SystemExit(f"{method} {path} was answered {answer.status}: {text.decode()[:500]}")
    return text


@contextlib.contextmanager
def _receivers(arrived: dict[int, float]) -> Generator[tuple[int, int]]:
    """A receiver that answers at once and one that never does: their ports."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            body = await reader.readexactly(int(length[1]) if length else 0)
            number = _NUMBER.search(body)
            if number:
                arrived.setdefault(int(number[1]), time.perf_counter())
            writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            await writer.drain()
        writer.close()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            while await reader.read(65536):
                pass
        writer.close()

    async def opened() -> list[asyncio.Server]:
        return [await asyncio.start_server(one, "127.0.0.1", 0) for one in (take, hang)]

    async def closed(servers: list[asyncio.Server]) -> None:
        for server in servers:
            server.close()
        holding = asyncio.all_tasks() - {asyncio.current_task()}
        for task in holding:
            task.cancel()
        await asyncio.gather(*holding, return_exceptions=True)

    servers = asyncio.run_coroutine_threadsafe(opened(), loop).result()
    try:
        yield servers[0].sockets[0].getsockname()[1], servers[1].sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(closed(servers), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()
