"""What this thread is at: the request or job that statements and log lines belong to."""

from __future__ import annotations

import time
from contextvars import ContextVar
from typing import Any, Final


class Work:
    """One request or job under way, and what it has cost so far. It belongs to one thread at a time."""

    __slots__ = (
        "api", "began", "credential", "database_seconds", "idle", "name", "operation", "request_id", "span",
        "statements", "trips", "waited", "workspace",
    )  # fmt: skip

    def __init__(self, *, request_id: str = "", name: str = "") -> None:
        self.request_id = request_id
        self.name = name
        """Of a job: its task and number; empty: it is a request."""
        self.api = "web"
        """Which of the APIs answers; `web`: a page, or nothing that is known."""
        self.operation = ""
        """What is asked of it, by its published name."""
        self.workspace = ""
        self.credential = ""
        """The public name of the credential; never the secret."""
        self.statements = 0
        self.trips = 0
        """Round trips to the database."""
        self.database_seconds = 0.0
        self.waited = 0.0
        """Seconds until there was a connection."""
        self.idle = False
        """Whether it waits for news on purpose: it is not slow then."""
        self.span: Any = None
        self.began = time.perf_counter()

    def is_of(self, workspace: str, credential: str) -> None:
        """Who asks is known now."""
        self.workspace = workspace
        self.credential = credential


current: Final[ContextVar[Work | None]] = ContextVar("tallystick.work", default=None)
