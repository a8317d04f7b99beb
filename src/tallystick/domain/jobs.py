"""Work for later: put into the queue in the transaction that makes it necessary, done by a worker afterwards."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal, get_args

import msgspec

from tallystick.db.session import Connection, Prepared
from tallystick.domain.context import Context

Task = Literal[
    "send_mail", "send_reset_link", "tell_password_changed", "tell_sign_in_changed", "send_portal_link",
    "export_everything",
]  # fmt: skip
TASKS: Final[tuple[Task, ...]] = get_args(Task)
"""What a worker knows to do; `tallystick.jobs` has a function for each."""


def defer(
    ctx: Context,
    task: Task,
    *,
    lock: str | None = None,
    once: str | None = None,
    at: datetime | None = None,
    **about: Any,
) -> None:
    """Have something done once this transaction is committed; the workspace goes along.

    No two jobs of one `lock` run at a time. Where one waits with the same `once`, it is enough. `at`: not before.
    """
    text = msgspec.json.encode(about).decode()
    ctx.write_later(_DEFER, task=task, about=text, lock=lock, once=once, at=at)


def defer_for_nobody(connection: Connection, task: Task, **about: Any) -> None:
    """`defer` where no workspace is known yet: the job finds out whose it is."""
    text = msgspec.json.encode(about).decode()
    connection.later(_DEFER, {"task": task, "about": text, "lock": None, "once": None, "at": None})


_DEFER = Prepared(
    "SELECT defer_job(%(task)s::text, %(about)s::jsonb, %(lock)s::text, %(once)s::text, %(at)s::timestamptz)"
)
