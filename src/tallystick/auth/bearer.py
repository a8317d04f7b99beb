"""Turns a bearer token into an Actor, and opens its workspace for the transaction, in one round trip."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import text

from tallystick.auth import tokens
from tallystick.db.session import Connection, Prepared
from tallystick.domain.access import Actor
from tallystick.values.errors import Unauthenticated

_OPEN: Final = Prepared(text("SELECT * FROM open_by_token(CAST(:prefix AS text))"))
_REOPEN: Final = Prepared(
    text(
        "SELECT set_config('tallystick.workspace', CAST(:workspace AS text), true), "
        "set_config('transaction_read_only', 'on', true)"
    )
)


def actor_of(connection: Connection, key: bytes, header: str | None, now: datetime) -> Actor:
    """The member that the token in an `Authorization` header acts as, with their role of this moment.

    Raises Unauthenticated, the same for each way in which a token can be wrong. The order is shape, checksum, prefix,
    digest, status: a mistyped token never reaches the database.
    """
    scheme, _, token = (header or "").partition(" ")
    token = token.strip()
    shape = tokens.shape(token) if scheme.lower() == "bearer" else None
    if shape is None:
        raise Unauthenticated
    found = connection.run(_OPEN, {"prefix": shape.prefix}).fetchone()
    if not tokens.matches(key, token, found[1] if found else None) or found is None:
        raise Unauthenticated
    _, _, expires_at, scopes, name, workspace_id, workspace_name, plan, user_id, role, time_zone, _ = found
    if expires_at is not None and expires_at <= now:
        raise Unauthenticated
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
