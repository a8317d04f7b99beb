"""Turns a bearer token into an Actor, and opens its workspace for the transaction, in one round trip."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from tallystick.auth import tokens
from tallystick.auth.remembered import Lookup
from tallystick.db.connection import Connection, Row
from tallystick.domain.access import Actor
from tallystick.values.errors import Unauthenticated

_TOKENS: Final = Lookup("open_by_token(%(prefix)s::text)")


def actor_of(connection: Connection, key: bytes, header: str | None, now: datetime) -> Actor:
    """The member that the token in an `Authorization` header acts as, with their role of this moment.

    Raises Unauthenticated, the same for each way in which a token can be wrong. The order is shape, checksum, prefix,
    digest, status: a mistyped token never reaches the database. `Outdated` may be raised by a later statement.
    """
    scheme, _, token = (header or "").partition(" ")
    token = token.strip()
    shape = tokens.shape(token) if scheme.lower() == "bearer" else None
    if shape is None:
        raise Unauthenticated
    found = _TOKENS.find(
        connection, shape.prefix, {"prefix": shape.prefix}, lambda found: _opens(found, key, token, now)
    )
    _, _, _, scopes, name, workspace_id, workspace_name, plan, user_id, role, time_zone, *_ = found
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
