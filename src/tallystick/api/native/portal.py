"""The client portal on the wire: a link for somebody at a client, and who looks."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from tallystick.api.native.mails import MAIL, MailJson
from tallystick.api.native.views import View
from tallystick.api.wire import Ask, Nothing, Operation
from tallystick.domain import portal
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.portal import PortalSession


class PortalLinkFields(Struct, rename="camel"):
    email: Annotated[str, Meta(max_length=254)] | UnsetType | None = UNSET


class PortalSessionJson(Struct, rename="camel", gc=False):
    id: str
    org_id: str
    client_id: str
    email: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


SESSION = View(PortalSession, PortalSessionJson)


def send_link(ctx: Context, ask: Ask) -> Struct:
    return MAIL.one(ctx.actor, portal.send_link(ctx, ask.id, ask.facts.get("email")))


def list_sessions(ctx: Context, ask: Ask) -> list[Struct]:
    return [SESSION.one(ctx.actor, one) for one in portal.sessions_of(ctx, ask.id)]


def end_sessions(ctx: Context, ask: Ask) -> None:
    portal.end_sessions(ctx, ask.id)


OPERATIONS = (
    Operation(
        "sendPortalLink", "POST", "/clients/{id}/portal-link", send_link,
        "Mail somebody at a client a link to the portal", Permission.CHANGE_CLIENTS, MailJson, status=201,
        body=PortalLinkFields, tag="Portal",
        conflicts="The portal is closed to the client, mail is not set up, or a link was mailed a moment ago.",
    ),
    Operation(
        "listPortalSessions", "GET", "/clients/{id}/portal-sessions", list_sessions,
        "Who at a client can look at the portal now", Permission.READ_CLIENTS, PortalSessionJson, many=True,
        tag="Portal",
    ),
    Operation(
        "endPortalSessions", "DELETE", "/clients/{id}/portal-sessions", end_sessions,
        "End every session of a client's people in the portal", Permission.CHANGE_CLIENTS, status=204, body=Nothing,
        tag="Portal",
    ),
)  # fmt: skip
