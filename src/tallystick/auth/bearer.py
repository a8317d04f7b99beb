"""Turns a bearer token into an Actor, and opens its workspace for the transaction, in one round trip."""

from __future__ import annotations

from datetime import datetime
from typing import Final

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
    scheme, _, token = (header or "").partition(" ")
    token = token.strip()
    shape = tokens.shape(token) if scheme.lower() == "bearer" else None
    if shape is None:
        raise Unauthenticated
    opening = {"prefix": shape.prefix, "reading": "on" if connection.reading else "off"}
    remembered = _remembered.get(shape.prefix)
    if remembered is not None and _opens(remembered, key, token, now):
        found = remembered
        connection.later(_OPEN, opening, _same(remembered, shape.prefix))
    else:
        found = connection.run(_OPEN, opening).fetchone()
        if not _opens(found, key, token, now) or found is None:
            raise Unauthenticated
        _remember(shape.prefix, found)
    _, _, _, scopes, name, workspace_id, workspace_name, plan, user_id, role, time_zone, *_ = found
    connection.reopening = _REOPEN, {"workspace": workspace_id}
    return Actor(
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


def _opens(found: Row | None, key: bytes, token: str, now: datetime) -> bool:
    """Whether the token is the one found, and still lives."""
    if not tokens.matches(key, token, found[1] if found else None) or found is None:
        return False
    return found[2] is None or found[2] > now


_remembered: dict[str, Row] = {}
"""What each token was found to be the last time. A guess that saves a round trip, and is checked on the next one."""


def _remember(prefix: str, found: Row) -> None:
    if len(_remembered) >= REMEMBERED_AT_MOST:
        _remembered.clear()
    _remembered[prefix] = found


def _same(remembered: Row, prefix: str) -> Check:
    def check(found: Row | None) -> None:
        if found is None or found[:-1] != remembered[:-1]:
            _remembered.pop(prefix, None)
            raise Outdated

    return check
