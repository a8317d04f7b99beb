"""Whether the server lives, whether it can work, and what an answer is called."""

from __future__ import annotations

from typing import Protocol

import falcon

from tallystick.values.ids import new_id


class Pingable(Protocol):
    def ping(self) -> bool: ...


class RequestIds:
    """Every answer has an id to ask about; the APIs give theirs, this gives the rest."""

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, resource: object, req_succeeded: bool
    ) -> None:
        del req, resource, req_succeeded
        if resp.get_header("X-Request-Id") is None:
            resp.set_header("X-Request-Id", new_id())


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
