"""The demo's doors for clients of other products: session tokens that outlive a look around, an app, API keys."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import bindparam

from tallystick.auth import api_keys as key_texts
from tallystick.auth import sessions
from tallystick.db.session import Connection, Database
from tallystick.demo.sign_ins import Expensicat, OAuthDoor, PortalDoor, SignIns
from tallystick.domain import api_keys, clients, members, oauth, portal
from tallystick.domain.access import Actor
from tallystick.domain.context import Context, open_workspace

LIFETIME: Final = timedelta(days=30)
CLIENT: Final = "Alster Coffee Roasters"
"""Whose person may look at the portal."""
APP: Final = "Demo charts"
REDIRECT: Final = "http://127.0.0.1:8765/callback"
"""Nobody listens there: the code stands in the browser's address. Any other port of 127.0.0.1 does as well."""


def open_doors(database: Database, key: bytes, sign_ins: SignIns, issuer: str, now: datetime) -> Expensicat:
    """Sign three people in anew, as each start may have another address; the tokens of earlier starts go on."""

    def token(workspace_id: str, email: str) -> str:
        with database.transaction() as connection:
            operator = _operator(connection, workspace_id, now)
            member = members.by_email(operator, email)
            actor = Actor(workspace_id, member.user_id, "MEMBER")
            session, _ = sessions.begin(
                Context(actor, connection, lambda: now), key, remember=True, user_agent="tallystick demo"
            )
        return sessions.jwt_of(key, session, issuer=issuer, now=now, lifetime=LIFETIME).token

    return Expensicat(
        session_token=token(sign_ins.workspace.id, sign_ins.owner.email),
        member_session_token=token(sign_ins.workspace.id, sign_ins.member.email),
        other_session_token=token(sign_ins.other.workspace.id, sign_ins.other.owner.email),
        oauth=_app(database, sign_ins.workspace.id, now),
    )


def hang_up_keys(database: Database, key: bytes, sign_ins: SignIns, now: datetime) -> None:
    """Let the API keys that were drawn open their workspaces, unless they do so from an earlier start."""
    if sign_ins.growcrm is None:
        return
    for workspace_id, text in (
        (sign_ins.workspace.id, sign_ins.growcrm.api_key),
        (sign_ins.other.workspace.id, sign_ins.growcrm.other_api_key),
    ):
        prefix = key_texts.prefix_of(text)
        with database.transaction() as connection:
            ctx = _operator(connection, workspace_id, now)
            if prefix is not None and prefix not in {known.prefix for known in api_keys.all_of(ctx)}:
                api_keys.issue(ctx, name="Demo", prefix=prefix, digest=key_texts.digest(key, text))


def open_portal(database: Database, key: bytes, sign_ins: SignIns, issuer: str, now: datetime) -> PortalDoor | None:
    """Let somebody at a client in, who sees all that a portal can show."""
    with database.transaction() as connection:
        ctx = _operator(connection, sign_ins.workspace.id, now)
        known = ctx.select(clients.Client, clients.Client.name == bindparam("name"), name=CLIENT)
        email = next(iter(portal.addresses_of(ctx, known[0].id)), None) if known else None
        if email is None:
            return None
        clients.change(ctx, known[0].id, portal_shows=list(clients.PORTAL_PARTS))
        cookie, secret = portal.mint("session"), portal.mint("link")
        digest = portal.digest_of(key, "session", cookie) or b""
        portal.begin(
            ctx, client_id=known[0].id, email=email, digest=digest, address="127.0.0.1", user_agent="tallystick demo"
        )
        ctx.add(
            portal.PortalLink(
                client_id=known[0].id,
                email=email,
                digest=portal.digest_of(key, "link", secret) or b"",
                expires_at=now + portal.LINK_LIFETIME,
            )
        )
        return PortalDoor(email, f"{issuer}/portal/in/{secret}", f"{issuer}/portal/{known[0].id}", cookie)


def _app(database: Database, workspace_id: str, now: datetime) -> OAuthDoor:
    """The app that was registered at the first start, or is now."""
    with database.transaction() as connection:
        ctx = _operator(connection, workspace_id, now)
        known = [app for app in oauth.apps(ctx) if app.name == APP]
        app = known[0] if known else oauth.create_app(ctx, name=APP, redirect_uris=[REDIRECT])
        return OAuthDoor(app.id, app.redirect_uris[0])


def _operator(connection: Connection, workspace_id: str, now: datetime) -> Context:
    open_workspace(connection, workspace_id)
    return Context(Actor(workspace_id, "", "OWNER"), connection, lambda: now)
