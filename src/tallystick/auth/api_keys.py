"""API keys: `hgk_<prefix12>_<secret32>`, of which only a keyed digest is kept; they act as the workspace's owner."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import datetime
from typing import Final

from tallystick.auth.remembered import Lookup
from tallystick.auth.tokens import BASE62, checksum, matches
from tallystick.db.connection import Connection
from tallystick.domain.access import Actor
from tallystick.domain.api_keys import KEY
from tallystick.values.errors import Unauthenticated
from tallystick.values.seal import derive

_RANDOM_CHARACTERS: Final = 26  # 154 bits; six more check them
_SHAPE: Final = re.compile(r"hgk_([0-9a-f]{12})_[0-9A-Za-z]{32}", re.ASCII)
_LABEL: Final = "api-key/v1"
_KEYS: Final = Lookup("open_by_api_key(%(prefix)s::text)")


def mint() -> str:
    """A new key. It is shown once: keep its `prefix_of(...)` and `digest(...)`, never the key."""
    secret = "".join(secrets.choice(BASE62) for _ in range(_RANDOM_CHARACTERS))
    body = f"hgk_{secrets.token_hex(6)}_{secret}"
    return body + checksum(body)


def prefix_of(text: str) -> str | None:
    """The public prefix of a well-formed key, or None; a mistyped one fails its own checksum."""
    match = _SHAPE.fullmatch(text)
    if match is None or checksum(text[:-6]) != text[-6:]:
        return None
    return match[1]


def digest(key: bytes, text: str) -> bytes:
    """What is stored: an HMAC under a key the database does not hold."""
    return hmac.digest(derive(key, _LABEL), text.encode(), hashlib.sha256)


def actor_of(connection: Connection, key: bytes, text: str, now: datetime) -> Actor:
    """The owner of the workspace, as whom an API key acts. Its transaction is opened for the workspace.

    Raises Unauthenticated, the same for each way in which a key can be wrong. `Outdated` may be raised by a later
    statement.
    """
    del now  # a key lives until it is revoked
    prefix = prefix_of(text)
    if prefix is None:
        raise Unauthenticated
    given = digest(key, text)
    found = _KEYS.find(
        connection, prefix, {"prefix": prefix}, lambda found: matches(given, found[1] if found else None)
    )
    _, _, name, workspace_id, workspace_name, plan, user_id, role, time_zone, founder_id, *_ = found
    return Actor(
        workspace_id=workspace_id,
        user_id=user_id,
        role=role,
        plan=plan,
        workspace_name=workspace_name,
        time_zone=time_zone,
        credential=KEY + prefix,
        credential_name=name,
        founder_id=founder_id,
    )
