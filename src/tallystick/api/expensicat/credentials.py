"""Which credentials this API takes: a session's JWT, or an OAuth access token. No other kind opens anything."""

from __future__ import annotations

from datetime import datetime

from tallystick.api.expensicat.wire import Authenticate
from tallystick.auth.oauth2 import actor_of_access_token, is_kind
from tallystick.auth.sessions import actor_of_jwt
from tallystick.domain.access import Actor
from tallystick.domain.context import Connection


def reader(key: bytes, issuer: str) -> Authenticate:
    """From the text of a bearer token to an Actor, for the server whose public URL is `issuer`."""

    def read(connection: Connection, token: str, now: datetime) -> Actor:
        if is_kind("access", token):
            return actor_of_access_token(connection, key, token, now)
        return actor_of_jwt(connection, key, token, now, issuer)

    return read
