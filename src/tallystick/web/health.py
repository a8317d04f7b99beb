"""Whether the server lives, and whether it can work and keeps up with its jobs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

import falcon

LOOK_AGAIN: Final = timedelta(seconds=1)
"""How long what was seen of the queue is told: anybody may ask, and counting has its price."""


class Pingable(Protocol):
    def ping(self) -> bool: ...


class Alive:
    """`/healthz`: the process answers."""

    def on_get(self, _request: falcon.Request, response: falcon.Response) -> None:
        response.media = {"status": "ok"}

    on_head = on_get


class Ready:
    """`/readyz`: it can reach its database. What waits in the queue is told, and does not count against it.

    `queue` answers what is told of the jobs; None: that cannot be seen.
    """

    def __init__(
        self, database: Pingable, queue: Callable[[], dict[str, Any] | None], clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._queue = queue
        self._clock = clock
        self._seen: tuple[datetime, dict[str, Any] | None] | None = None

    def on_get(self, _request: falcon.Request, response: falcon.Response) -> None:
        if self._database.ping():
            jobs = self._jobs()
            response.media = {"status": "ready"} if jobs is None else {"status": "ready", "jobs": jobs}
            return
        response.status = 503
        response.set_header("Retry-After", "1")
        response.media = {"status": "unavailable", "database": "unreachable"}

    on_head = on_get

    def _jobs(self) -> dict[str, Any] | None:
        now = self._clock()
        seen = self._seen
        if seen is None or not seen[0] <= now < seen[0] + LOOK_AGAIN:
            seen = self._seen = now, self._queue()
        return seen[1]
