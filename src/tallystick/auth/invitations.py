"""What is mailed about letting somebody in: an invitation, a link for a password forgotten, that one was changed."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import datetime
from typing import Final, NamedTuple

from tallystick.auth.notices import Letter, mail_once
from tallystick.auth.passwords import hash_password
from tallystick.auth.sessions import check_password, offer_password_link, places_of
from tallystick.db.session import Connection, Prepared
from tallystick.domain import invitations
from tallystick.domain.access import Actor
from tallystick.domain.context import Context, Transactions, open_workspace
from tallystick.domain.invitations import Invitation, Invited
from tallystick.domain.mails import mail as mails
from tallystick.domain.mails.mail import Mail, Words
from tallystick.domain.sessions import LINK_LIFETIME
from tallystick.values.errors import NotFound
from tallystick.values.seal import derive

_SECRET: Final = re.compile(r"hsi_[A-Za-z0-9_-]{43}", re.ASCII)
_OPEN: Final = Prepared("SELECT * FROM open_by_invitation(%(digest)s, %(now)s)")


class Invitee(NamedTuple):
    """Who was asked to join what."""

    invitation_id: str
    email: str
    name: str | None
    role: str
    known: bool
    """Whether they sign in here already."""
    workspace_id: str
    workspace_name: str


def invite(ctx: Context, *, email: str, role: Invited, name: str | None = None) -> Invitation:
    """Ask somebody to join by mail; the link in it is good for a week."""
    mails.require_sender(ctx, "invitation")
    secret = f"hsi_{secrets.token_urlsafe(32)}"
    digest = invitation_digest(ctx.server.key, secret) or b""
    invitation = invitations.invite(ctx, email=email, role=role, name=name, digest=digest)
    studio = ctx.actor.workspace_name or "a workspace"
    url = f"{ctx.server.public_url}/invitation/{secret}"
    mails.enqueue(
        ctx,
        "invitation",
        to=[invitation.email],
        subject=f"{studio} invites you to Tallystick",
        words=Words(
            text=(
                f"Hello{f' {invitation.name}' if invitation.name else ''},\n\n{studio} invites you to track time and "
                f"work together in Tallystick. Join here within a week:\n\n{url}\n\n"
                "If you did not expect this, there is nothing to do."
            ),
            link=url,
            link_label="Join",
            automatic=True,
        ),
    )
    return invitation


def invitee(connection: Connection, key: bytes, secret: str, now: datetime) -> Invitee:
    """Whom a link invites; the workspace is open for this transaction. NotFound: it is not valid now."""
    digest = invitation_digest(key, secret)
    found = None if digest is None else connection.run(_OPEN, {"digest": digest, "now": now}).fetchone()
    if found is None:
        raise NotFound("This invitation is not valid any more. Ask for a new one.")
    return Invitee(*found[:7])


def accept(
    database: Transactions, key: bytes, secret: str, *, name: str, password: str | None, now: datetime
) -> Invitee:
    """Join with a link, once. Whoever is new here sets a password; whoever is known keeps theirs."""
    with database.transaction() as connection:
        asked = invitee(connection, key, secret, now)
    fresh = None
    if not asked.known:
        check_password(password or "", "password", (asked.email, name, asked.workspace_name))
        fresh = hash_password(password or "")
    with database.transaction() as connection:
        asked = invitee(connection, key, secret, now)
        # As nobody in particular: it is the link that lets them in.
        ctx = Context(
            Actor(asked.workspace_id, "", "OWNER", workspace_name=asked.workspace_name), connection, lambda: now
        )
        invitations.accept(ctx, asked.invitation_id, name=name or asked.name or asked.email, password_hash=fresh)
    return asked


def send_reset_link(ctx: Context, user_id: str, email: str) -> Mail:
    """Mail a link to set a password; the context is one of their workspaces."""
    secret = offer_password_link(ctx, ctx.server.key, user_id)
    url = f"{ctx.server.public_url}/reset/{secret}"
    hours = int(LINK_LIFETIME.total_seconds() // 3600)
    return mails.enqueue(
        ctx,
        "password",
        to=[email],
        subject="Set a new password for Tallystick",
        words=Words(
            text=(
                f"Somebody, most likely you, asked for a new password for {email}. Set it here within {hours} hours:"
                f"\n\n{url}\n\nThe link works once. If it was not you, there is nothing to do: your password stays."
            ),
            link=url,
            link_label="Set a new password",
            automatic=True,
        ),
    )


def welcome(ctx: Context, user_id: str, email: str) -> Mail | None:
    """Mail a new member a link to set their password; None where this server sends no mail, and nothing is mailed."""
    if ctx.server.sender is None:
        return None
    secret = offer_password_link(ctx, ctx.server.key, user_id)
    url = f"{ctx.server.public_url}/reset/{secret}"
    hours = int(LINK_LIFETIME.total_seconds() // 3600)
    studio = ctx.actor.workspace_name or "a workspace"
    return mails.enqueue(
        ctx,
        "invitation",
        to=[email],
        subject=f"Welcome to {studio}",
        words=Words(
            text=(
                f"{studio} has made you a member in Tallystick, where you sign in with {email}. Set a password here "
                f"within {hours} hours:\n\n{url}\n\nAfter that, ask for a new link at {ctx.server.public_url}"
                "/forgot-password."
            ),
            link=url,
            link_label="Set a password",
            automatic=True,
        ),
    )


def tell_password_changed(
    ctx: Context, user_id: str, *, changed_at: datetime, address: str, browser: str
) -> Mail | None:
    """Tell a person that their password was changed, as `notices.mail_once` does."""
    return mail_once(ctx, user_id, CHANGED, changed_at=changed_at, address=address, browser=browser)


CHANGED: Final = {
    "en": Letter(
        "Your password for Tallystick was changed",
        "The password of {email} was changed.\n\nWhen: {when}\nFrom: {where}\n\n"
        "If that was you, there is nothing to do. You are signed out everywhere else.\n\n"
        "If it was not you, somebody else can sign in as you. Set another password at once:\n\n{url}\n\n"
        "Then tell the owner of your workspace.",
        "It was not me: set another password",
        "unknown",
    ),
    "de": Letter(
        "Ihr Passwort für Tallystick wurde geändert",
        "Das Passwort von {email} wurde geändert.\n\nWann: {when}\nVon wo: {where}\n\n"
        "Wenn Sie das waren, ist nichts zu tun. Überall sonst sind Sie abgemeldet.\n\n"
        "Wenn Sie es nicht waren, kann sich jemand anderes als Sie anmelden. Setzen Sie sofort ein neues Passwort:"
        "\n\n{url}\n\nSagen Sie dann der Inhaberin oder dem Inhaber Ihres Arbeitsbereichs Bescheid.",
        "Das war ich nicht: neues Passwort setzen",
        "unbekannt",
    ),
}


def known_as(connection: Connection, email: str) -> str | None:
    """The workspace that somebody used last, by their e-mail; None: nobody has it."""
    places = places_of(connection, email.strip().lower())
    if not places:
        return None
    open_workspace(connection, places[0].id)
    return places[0].id


def invitation_digest(key: bytes, secret: str) -> bytes | None:
    """What is stored of an invitation's secret; None for what cannot be one."""
    if _SECRET.fullmatch(secret) is None:
        return None
    return hmac.digest(derive(key, "invitation/v1"), secret.encode(), hashlib.sha256)
