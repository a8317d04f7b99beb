"""Whether the server lives, and whether it can work."""

from __future__ import annotations

from typing import Protocol

import falcon


class Pingable(Protocol):
    def ping(self) -> bool: ...


class Alive:
    """`/healthz`: the process answers."""

    def on_get(self, _request: falcon.Request, response: falcon.Response) -> None:
        response.media = {"status": "ok"}

    on_head = on_get


class Ready:
    """`/readyz`: it can reach its database."""

    def __init__(self, database: Pingable) -> None:
        self._database = database

    def on_get(self, _request: falcon.Request, response: falcon.Response) -> None:
        if self._database.ping():
            response.media = {"status": "ready"}
            return
        response.status = 503
        response.set_header("Retry-After", "1")
        response.media = {"status": "unavailable", "database": "unreachable"}

    on_head = on_get
