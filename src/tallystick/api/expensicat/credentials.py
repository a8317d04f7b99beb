"""Which credentials this API takes: the JWT of a session. A personal access token opens nothing here."""

from __future__ import annotations

from datetime import datetime

from tallystick.api.expensicat.wire import Authenticate
from tallystick.auth.sessions import actor_of_jwt
from tallystick.domain.access import Actor
from tallystick.domain.context import Connection


def reader(key: bytes, issuer: str) -> Authenticate:
    """From the text of a bearer token to an Actor, for the server whose public URL is `issuer`."""

    def read(connection: Connection, token: str, now: datetime) -> Actor:
        return actor_of_jwt(connection, key, token, now, issuer)

    return read
