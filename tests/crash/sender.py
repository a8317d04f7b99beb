"""Sends an invoice again and again, each time in a process that kills itself before its n-th statement, n = 1, 2, 3 …

Prints a line of JSON for each: how far it came, and what the record says afterwards.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from tallystick.db.connection import Connection
from tallystick.db.session import Database, owner_connection
from tallystick.domain.access import Actor
from tallystick.domain.context import Context, open_workspace
from tallystick.domain.credit_notes.credit import credit
from tallystick.domain.invoices import lifecycle
from tests.studio import SERVER, Clock

STATE = """
    SELECT status, number, (SELECT count(*) FROM issued_numbers WHERE workspace_id = %(workspace)s),
           (SELECT COALESCE(max(next), 1) FROM invoice_series WHERE workspace_id = %(workspace)s),
           (SELECT count(*) FROM issued_documents WHERE workspace_id = %(workspace)s),
           (SELECT count(*) FROM credit_notes WHERE workspace_id = %(workspace)s),
           (SELECT count(*) FROM events WHERE workspace_id = %(workspace)s
            AND type IN ('invoice.sent', 'credit_note.issued'))
    FROM invoices WHERE id = %(invoice)s
"""


def die_before(n: int) -> None:
    """Let this process die by SIGKILL before its n-th statement, commits counted."""
    count = 0

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **facts: Any) -> Any:
            nonlocal count
            count += 1
            if count == n:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **facts)

        return call

    for name in ("run", "later", "commit"):
        setattr(Connection, name, counted(getattr(Connection, name)))


def act(url: str, workspace: str, user: str, invoice: str, what: str) -> None:
    database = Database(url, size=1)
    database.open()
    with database.transaction() as connection:
        open_workspace(connection, workspace)
        ctx = Context(Actor(workspace, user, "OWNER"), connection, Clock(), SERVER)
        if what == "send":
            lifecycle.mark_sent(ctx, invoice)
        else:
            credit(ctx, invoice, reason="Wrong")


def main() -> None:
    url, workspace, user, invoice, what = sys.argv[1:]
    for n in range(1, 200):
        child = os.fork()
        if child == 0:
            die_before(n)
            act(url, workspace, user, invoice, what)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        with owner_connection(url) as connection:
            (state,) = connection.execute(STATE.encode(), {"workspace": workspace, "invoice": invoice}).fetchall()
        print(json.dumps({"n": n, "killed": os.WIFSIGNALED(status), "state": state}), flush=True)
        if not os.WIFSIGNALED(status):
            sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
