"""Turns a bearer token into an Actor, and opens its workspace for the transaction, in one round trip."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Final, NamedTuple

from tallystick.auth import tokens
from tallystick.auth.remembered import Lookup
from tallystick.db.connection import Connection, Row
from tallystick.domain.access import Actor
from tallystick.values.errors import Unauthenticated

_TOKENS: Final = Lookup("open_by_token(%(prefix)s::text)")
_READ_AT_MOST: Final = 10_000


def actor_of(connection: Connection, key: bytes, header: str | None, now: datetime) -> Actor:
    """The member that the token in an `Authorization` header acts as, with their role of this moment.

    Raises Unauthenticated, the same for each way in which a token can be wrong. The order is shape, checksum, prefix,
    digest, status: a mistyped token never reaches the database. `Outdated` may be raised by a later statement.
    """
    prefix, digest = _read(key, header or "")
    found = _TOKENS.find(connection, prefix, {"prefix": prefix}, lambda found: _opens(found, digest, now))
    _, _, _, scopes, name, workspace_id, workspace_name, plan, user_id, role, time_zone, *_ = found
    return Actor(
        workspace_id=workspace_id,
        user_id=user_id,
        role=role,
        plan=plan,
        scopes=frozenset(scopes),
        workspace_name=workspace_name,
        time_zone=time_zone,
        credential=prefix,
        credential_name=name,
    )


def _opens(found: Row | None, digest: bytes, now: datetime) -> bool:
    """Whether the token is the one found, and still lives."""
    if not tokens.matches(digest, found[1] if found else None) or found is None:
        return False
    return found[2] is None or found[2] > now


class _Known(NamedTuple):
    prefix: str
    digest: bytes


_marks: Final = secrets.token_bytes(32)
_known: dict[bytes, _Known] = {}
"""What headers were read as, by their own digest under a key of this process: to read one takes longer than that."""


def _read(key: bytes, header: str) -> _Known:
    """Prefix and digest of the token in a header. Raises Unauthenticated."""
    mark = hashlib.blake2b(key + header.encode(errors="replace"), key=_marks, digest_size=32).digest()
    known = _known.get(mark)
    if known is None:
        scheme, _, token = header.partition(" ")
        token = token.strip()
        shape = tokens.shape(token) if scheme.lower() == "bearer" else None
        if shape is None:
            raise Unauthenticated
        if len(_known) >= _READ_AT_MOST:
            _known.clear()
        known = _known[mark] = _Known(shape.prefix, tokens.digest(key, token))
    return known
