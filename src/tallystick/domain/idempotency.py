"""Answers already given: one row for each Idempotency-Key, in the transaction of the work it answers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import psycopg
from sqlalchemy import Index, LargeBinary, bindparam, delete, func, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Blob, Id, Row, within_workspace
from tallystick.db.session import Prepared
from tallystick.domain.context import SENTENCES, Context, actor, workspace
from tallystick.values.errors import Conflict

WINDOW: Final = timedelta(hours=24)
BODY_LIMIT: Final = 256 * 1024
KNOWN: Final = "TSKEY"
"""The SQLSTATE with which `claim_key` fails (`db.migrations.security`)."""


class Answer(Row):
    """What a key was answered. The scope is the person, not the token: a rotated token can still retry."""

    __tablename__ = "idempotency_answers"
    __table_args__ = (
        within_workspace("workspace_id", "workspaces.id"),
        Index("ix_idempotency_answers_completed_at", "completed_at"),
    )

    workspace_id: Mapped[Id] = mapped_column(primary_key=True)
    user_id: Mapped[Id] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[Blob]
    status: Mapped[int]
    body: Mapped[Blob]
    request_id: Mapped[str]
    completed_at: Mapped[datetime]


class Replay(NamedTuple):
    """An answer given before."""

    status: int
    body: bytes
    request_id: str


def claim_new(ctx: Context, key: str) -> None:
    """Take a key that nobody used before for the length of this transaction, along with the next statement.

    Where it is known, or being used at this moment, no statement after it runs, and the next one raises what `is_known`
    knows: ask `claim` then, in a new transaction. That way the usual case costs no round trip.
    """
    ctx.row_later(_CLAIM_NEW, _nothing_to_say, key=key)


def is_known(error: psycopg.Error) -> bool:
    """Whether this is how `claim_new` ends for a key that is not new."""
    return error.diag.sqlstate == KNOWN


def claim(ctx: Context, key: str, fingerprint: bytes) -> Replay | None:
    """Take a key for the length of this transaction, or say what it was answered.

    Raises Conflict when the key was used for another request, or is being used at this moment: never waits.
    The lock gives the early answer; the primary key is what makes two answers impossible.
    """
    locked: list[tuple[Any, ...] | None] = []
    ctx.row_later(_LOCK, locked.append, key=key)
    known = ctx.row(_ANSWER, key=key)
    if known is not None and ctx.now - known[4] < WINDOW:
        given_for, status, body, request_id, _ = known
        if given_for != fingerprint:
            raise Conflict("This Idempotency-Key was used for a different request.", reason="idempotency_key_reused")
        if len(body) > BODY_LIMIT:
            raise Conflict(
                "This request was carried out; its answer is too large to repeat.", reason="answer_too_large"
            )
        return Replay(status, body, request_id)
    if locked != [(True,)]:
        raise in_progress()
    if known is not None:
        ctx.write(_FORGET, key=key)
    return None


def keep(ctx: Context, key: str, fingerprint: bytes, *, status: int, body: bytes, request_id: str) -> None:
    """Store the answer, in the transaction of the work. An answer of over 256 KiB is not replayed but refused."""
    ctx.write_later(
        _KEEP,
        key=key,
        fingerprint=fingerprint,
        status=status,
        body=body[: BODY_LIMIT + 1],
        request_id=request_id,
        completed_at=ctx.now,
    )


def sweep(ctx: Context, batch: int = 1000) -> int:
    """Delete expired answers, at most a batch; answers how many."""
    return ctx.write(_SWEEP, expired_before=ctx.now - WINDOW, batch=batch)


def in_progress() -> Conflict:
    """Another request with the same key is running: come back in a second."""
    return Conflict(
        "A request with this Idempotency-Key is in progress. Retry in a second.", reason="idempotency_in_progress"
    )


def _nothing_to_say(_row: object) -> None:
    """A claim that did not raise is a claim. To be asked at all makes it one of the statements to be settled."""


_KEY = bindparam("key", type_=Answer.key.type)
_OWN = (Answer.workspace_id == workspace()) & (Answer.user_id == actor()) & (Answer.key == _KEY)
_CLAIM_NEW = Prepared(select(func.claim_key(workspace(), actor(), _KEY)))
_LOCK = Prepared(select(func.pg_try_advisory_xact_lock(func.key_lock(workspace(), actor(), _KEY))))
_ANSWER = Prepared(
    select(Answer.fingerprint, Answer.status, Answer.body, Answer.request_id, Answer.completed_at).where(_OWN)
)
_KEEP = Prepared(
    insert(Answer).values(
        workspace_id=workspace(),
        user_id=actor(),
        key=_KEY,
        fingerprint=bindparam("fingerprint", type_=LargeBinary()),
        status=bindparam("status", type_=Answer.status.type),
        body=bindparam("body", type_=LargeBinary()),
        request_id=bindparam("request_id", type_=Answer.request_id.type),
        completed_at=bindparam("completed_at", type_=Answer.completed_at.type),
    )
)
_FORGET = Prepared(delete(Answer).where(_OWN))
_EXPIRED = Answer.completed_at <= bindparam("expired_before", type_=Answer.completed_at.type)
_SWEEP = Prepared(
    delete(Answer).where(
        Answer.key.in_(select(Answer.key).where(_EXPIRED).limit(bindparam("batch", type_=Answer.status.type))), _EXPIRED
    )
)

SENTENCES["pk_idempotency_answers"] = in_progress()
