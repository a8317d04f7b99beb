"""Every request is watched: it gets an id, is counted, and is told of in the log."""

from __future__ import annotations

import time
from typing import Final

import falcon

from tallystick.domain.access import Actor
from tallystick.domain.api_keys import KEY
from tallystick.domain.oauth import GRANT
from tallystick.domain.sessions import SESSION
from tallystick.telemetry import logs, spans
from tallystick.telemetry.numbers import numbers
from tallystick.telemetry.work import Work, current
from tallystick.values.ids import new_id

QUIET: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""What machines ask every few seconds is told of only where it fails."""
UNKNOWN: Final = "unknown"
"""The route of an address that leads nowhere."""
_KINDS: Final = {"": "", SESSION: "session", GRANT: "grant", KEY: "key"}
"""By the first four characters of a credential's public name."""
_METHODS: Final = frozenset(falcon.COMBINED_METHODS)
_CLASSES: Final = ("", "1xx", "2xx", "3xx", "4xx", "5xx")


class Watch:
    """Around each request. What it tells of an address is its route's template, never what stood there."""

    def __init__(self, slow_request_ms: int) -> None:
        self._slow = slow_request_ms / 1000 if slow_request_ms else float("inf")

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        del req, resp
        work = Work(request_id=new_id())
        current.set(work)
        spans.start(work)

    def process_response(
        self, req: falcon.Request, resp: falcon.Response, resource: object, req_succeeded: bool
    ) -> None:
        del resource, req_succeeded
        work = current.get()
        if work is None:
            return
        current.set(None)
        if resp.get_header("X-Request-Id") is None:
            resp.set_header("X-Request-Id", work.request_id)
        seconds = time.perf_counter() - work.began
        status = resp.status_code
        method = req.method if req.method in _METHODS else "OTHER"
        route = req.uri_template or UNKNOWN
        operation = work.operation or (f"{method} {route}" if req.uri_template else UNKNOWN)
        numbers.answered(work, operation, _CLASSES[status // 100], seconds)
        slow = seconds >= self._slow and not work.idle
        if slow or status >= 400 or route not in QUIET:
            logs.answered(
                work,
                method=method,
                route=route,
                status=status,
                seconds=seconds,
                credential=_KINDS.get(work.credential[:4], "token"),
                slow=slow,
            )
        if work.span is not None:
            facts: dict[str, str | int] = {
                "http.request.method": method,
                "http.route": route,
                "http.response.status_code": status,
                "tallystick.request_id": work.request_id,
                "tallystick.operation": operation,
            }
            spans.finish(work, operation, facts, failed=status >= 500)


def note(actor: Actor) -> None:
    """Whose request it is."""
    work = current.get()
    if work is not None:
        work.is_of(actor.workspace_id, actor.credential)
