"""What a worker has at hand: the database, the clock, and what the server lends to verbs."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from tallystick.db.session import Connection, Database, Prepared, owner_connection
from tallystick.domain.access import Actor
from tallystick.domain.context import Clock, Context, Server, open_workspace, utc_now

AT_ONCE: Final = 4
"""Jobs of one worker at a time."""


_STUDIO = Prepared("SELECT name, time_zone FROM workspaces WHERE id = %(workspace)s::uuid")


@dataclass(frozen=True)
class Desk:
    """One for a worker process."""

    owner_url: str
    """The database as the role that owns the queue: requests only add to it, through one function."""
    database: Database
    """The pool under the application role: what jobs do to a workspace, they do under row-level security."""
    server: Server
    clock: Clock = utc_now
    leaving: threading.Event = field(default_factory=threading.Event)
    """Set when the worker is told to stop: what goes through all workspaces leaves the rest to the next time."""

    @contextlib.contextmanager
    def workspace(self, workspace_id: str) -> Generator[Context]:
        """One transaction inside a workspace, as nobody in particular, with the rights of its owner."""
        with self.database.transaction() as connection:
            open_workspace(connection, workspace_id)
            known = connection.run(_STUDIO, {"workspace": workspace_id}).fetchone()
            name, time_zone = known or ("", "UTC")
            actor = Actor(workspace_id, "", "OWNER", workspace_name=name, time_zone=time_zone, credential_name="worker")
            yield Context(actor, connection, self.clock, self.server)

    @contextlib.contextmanager
    def snapshot(self, workspace_id: str) -> Generator[Connection]:
        """One moment of a workspace, for whoever reads all of it, as long as that takes."""
        with self.database.transaction() as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            connection.execute("SET LOCAL statement_timeout = 0")
            connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            open_workspace(connection, workspace_id)
            yield connection

    def opens(self, workspace_id: str) -> Callable[[], AbstractContextManager[Context]]:
        """`workspace`, for verbs that need several transactions."""
        return partial(self.workspace, workspace_id)

    @contextlib.contextmanager
    def owner(self) -> Generator[Connection]:
        """A connection of the owner role, for what spans workspaces."""
        with contextlib.closing(owner_connection(self.owner_url)) as connection, connection:
            yield connection
