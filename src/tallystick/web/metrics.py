"""`/metrics`: what the processes of this machine counted, and what waits in the queue, in Prometheus' format."""

from __future__ import annotations

import hashlib
import hmac
import platform
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import falcon

from tallystick import __version__
from tallystick.telemetry.exposition import Gauge, exposed
from tallystick.telemetry.numbers import Ledger
from tallystick.values.errors import TooMany

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class Queue(Protocol):
    """What is seen of the jobs."""

    @property
    def oldest_due_seconds(self) -> float: ...

    @property
    def by_task(self) -> Sequence[tuple[str, str, int]]:
        """Task, state (`waiting`, `running`, `failed`) and how many there are."""
        ...


class Metrics:
    """For whoever knows the token; `failed` is told of those who do not, and refuses whoever guesses."""

    def __init__(
        self,
        token: str,
        ledger: Ledger,
        queue: Callable[[], Queue | None],
        failed: Callable[[falcon.Request], None],
    ) -> None:
        self._digest = _digest(token)
        self._ledger = ledger
        self._queue = queue
        self._failed = failed

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        response.set_header("Cache-Control", "no-store")
        response.content_type = "text/plain; charset=utf-8"
        scheme, _, given = (request.get_header("Authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(_digest(given.strip()), self._digest):
            try:
                self._failed(request)
            except TooMany as refusal:
                response.status = 429
                response.set_header("Retry-After", str(refusal.retry_after))
                response.text = f"{refusal.message}\n"
                return
            response.status = 401
            response.set_header("WWW-Authenticate", "Bearer")
            response.text = "Send TALLYSTICK_METRICS_TOKEN as a bearer token.\n"
            return
        response.content_type = CONTENT_TYPE
        response.data = exposed(self._ledger.together(), self._gauges())

    def _gauges(self) -> list[Gauge]:
        build = {"version": __version__, "python": platform.python_version()}
        found = [Gauge("tallystick_build", [(build, 1)])]
        queue = self._queue()
        if queue is not None:
            found += [
                Gauge(
                    "tallystick_jobs",
                    [({"task": task, "state": state}, count) for task, state, count in queue.by_task],
                ),
                Gauge("tallystick_jobs_oldest_due_seconds", [({}, queue.oldest_due_seconds)]),
            ]
        return found


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
