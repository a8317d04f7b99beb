"""The cookie of somebody at a client → a context that sees that client's workspace; and the link that gives it."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from tallystick.db.session import Connection, Prepared
from tallystick.domain import portal
from tallystick.domain.access import Actor
from tallystick.domain.context import Clock, Context, Origin, Server, open_workspace
from tallystick.values.errors import NotFound, Unauthenticated

_USE: Final = Prepared("SELECT * FROM use_portal_link(%(digest)s::bytea, %(now)s::timestamptz)")
_KEEP: Final = Prepared(
    "SELECT keep_portal_sessions(%(was)s::bytea, %(digest)s::bytea, %(email)s::text, %(now)s::timestamptz)"
)
_OPEN: Final = Prepared(
    "SELECT * FROM open_by_portal_session(%(digest)s::bytea, %(client)s::uuid, %(now)s::timestamptz)"
)
_PLACES: Final = Prepared("SELECT * FROM portal_sessions_of(%(digest)s::bytea, %(now)s::timestamptz)")
_END: Final = Prepared("SELECT end_portal_sessions(%(digest)s::bytea, %(now)s::timestamptz)")
_ASKED: Final = Prepared("SELECT DISTINCT workspace_id FROM portal_places(%(email)s::text)")


class Opened(NamedTuple):
    """A client that one of its people looks at."""

    ctx: Context
    client_id: str
    email: str
    studio: str


class Place(NamedTuple):
    """A client that a browser may look at."""

    client_id: str
    client: str
    studio: str
    email: str


def enter(
    connection: Connection, server: Server, secret: str, clock: Clock, *, cookie: str | None, address: str, agent: str
) -> str:
    """Use a link, once; answers the secret of the cookie that takes its place. NotFound: it is not valid now.

    What the browser could see before with the same address, in other workspaces too, it still can.
    """
    now = clock()
    digest = portal.digest_of(server.key, "link", secret)
    found = None if digest is None else connection.run(_USE, {"digest": digest, "now": now}).fetchone()
    if found is None:
        raise NotFound
    workspace_id, client_id, email, name, time_zone, _ = found
    fresh = portal.mint("session")
    kept = portal.digest_of(server.key, "session", fresh) or b""
    was = None if cookie is None else portal.digest_of(server.key, "session", cookie)
    if was is not None:
        connection.run(_KEEP, {"was": was, "digest": kept, "email": email, "now": now})
        open_workspace(connection, workspace_id)
    ctx = Context(_nobody(workspace_id, name, time_zone), connection, clock, server)
    ctx.comes_from(Origin("/portal/in/{secret}", "portal link", address, agent))
    if not portal.begin(ctx, client_id=client_id, email=email, digest=kept, address=address, user_agent=agent):
        raise NotFound
    return fresh


def look(connection: Connection, server: Server, cookie: str | None, client_id: str, clock: Clock) -> Opened:
    """The client of a session; its workspace is open for this transaction. Unauthenticated: not for this browser."""
    digest = None if cookie is None else portal.digest_of(server.key, "session", cookie)
    if digest is None:
        raise Unauthenticated
    found = connection.run(_OPEN, {"digest": digest, "client": client_id, "now": clock()}).fetchone()
    if found is None:
        raise Unauthenticated
    session_id, email, last_seen_at, workspace_id, name, time_zone, _ = found
    ctx = Context(_nobody(workspace_id, name, time_zone), connection, clock, server)
    portal.note_seen(ctx, session_id, last_seen_at)
    return Opened(ctx, client_id, email, name)


def places(connection: Connection, key: bytes, cookie: str | None, now: datetime) -> list[Place]:
    """The clients that a browser may look at now."""
    digest = None if cookie is None else portal.digest_of(key, "session", cookie)
    if digest is None:
        return []
    return [Place(*row) for row in connection.run(_PLACES, {"digest": digest, "now": now}).fetchall()]


def leave(connection: Connection, key: bytes, cookie: str | None, now: datetime) -> None:
    """End all that a browser may look at."""
    digest = None if cookie is None else portal.digest_of(key, "session", cookie)
    if digest is not None:
        connection.run(_END, {"digest": digest, "now": now})


def workspaces_knowing(connection: Connection, email: str) -> list[str]:
    """The workspaces in which a client has this address and a portal."""
    return [workspace_id for (workspace_id,) in connection.run(_ASKED, {"email": email}).fetchall()]


def _nobody(workspace_id: str, name: str, time_zone: str) -> Actor:
    """It may read what the portal shows, and is handed to no verb but the portal's."""
    return Actor(workspace_id, "", "MANAGER", workspace_name=name, time_zone=time_zone, credential_name="portal")
