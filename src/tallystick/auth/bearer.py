"""Turns a bearer token into an Actor, and opens its workspace for the transaction, in one round trip."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import text

from tallystick.auth import tokens
from tallystick.db.connection import Check, Connection, Prepared, Row
from tallystick.domain.access import Actor
from tallystick.values.errors import Unauthenticated

_OPEN: Final = Prepared(
    text(
        "SELECT opened.*, set_config('transaction_read_only', CAST(:reading AS text), true) "
        "FROM open_by_token(CAST(:prefix AS text)) AS opened"
    )
)
_REOPEN: Final = Prepared(
    text(
        "SELECT set_config('tallystick.workspace', CAST(:workspace AS text), true), "
        "set_config('transaction_read_only', 'on', true)"
    )
)
REMEMBERED_AT_MOST: Final = 10_000


class Outdated(Exception):  # noqa: N818 - a fact about what we remembered
    """A token, or whom it stands for, has changed since it was last used: ask again."""


def actor_of(connection: Connection, key: bytes, header: str | None, now: datetime) -> Actor:
    """The member that the token in an `Authorization` header acts as, with their role of this moment.

    Raises Unauthenticated, the same for each way in which a token can be wrong. The order is shape, checksum, prefix,
    digest, status: a mistyped token never reaches the database.

    A token that was here before is looked up along with the first statement of its request, which goes by what it was
    the last time. Where it is no longer the same, that statement's answer is never seen: `Outdated` is raised instead.
    """
    mark = hashlib.blake2b((header or "").encode(errors="replace"), key=_KEY, digest_size=32).digest()
    remembered = _remembered.get(mark)
    if remembered is not None and (remembered.expires is None or remembered.expires > now):
        opening = {"prefix": remembered.actor.credential, "reading": "on" if connection.reading else "off"}
        connection.later(_OPEN, opening, _same(remembered, mark))
    else:
        remembered = _looked_up(connection, key, header or "", now)
        if len(_remembered) >= REMEMBERED_AT_MOST:
            _remembered.clear()
        _remembered[mark] = remembered
    connection.reopen(_REOPEN, {"workspace": remembered.actor.workspace_id})
    return remembered.actor


def _looked_up(connection: Connection, key: bytes, header: str, now: datetime) -> _Remembered:
    scheme, _, token = header.partition(" ")
    token = token.strip()
    shape = tokens.shape(token) if scheme.lower() == "bearer" else None
    if shape is None:
        raise Unauthenticated
    opening = {"prefix": shape.prefix, "reading": "on" if connection.reading else "off"}
    found = connection.run(_OPEN, opening).fetchone()
    if not tokens.matches(key, token, found[1] if found else None) or found is None:
        raise Unauthenticated
    _, _, expires, scopes, name, workspace_id, workspace_name, plan, user_id, role, time_zone, *_ = found
    if expires is not None and expires <= now:
        raise Unauthenticated
    actor = Actor(
        workspace_id=workspace_id,
        user_id=user_id,
        role=role,
        plan=plan,
        scopes=frozenset(scopes),
        workspace_name=workspace_name,
        time_zone=time_zone,
        credential=shape.prefix,
        credential_name=name,
    )
    return _Remembered(found, expires, actor)


class _Remembered(NamedTuple):
    """What a header was found to stand for the last time. A guess that saves a round trip, checked on the next one."""

    found: Row
    expires: datetime | None
    actor: Actor


_KEY: Final = secrets.token_bytes(32)
_remembered: dict[bytes, _Remembered] = {}
"""By a digest of the header under a key of this process: no token is kept."""


def _same(remembered: _Remembered, mark: bytes) -> Check:
    def check(found: Row | None) -> None:
        if found is None or found[:-1] != remembered.found[:-1]:
            _remembered.pop(mark, None)
            raise Outdated

    return check
