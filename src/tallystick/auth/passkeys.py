"""Passkeys (WebAuthn): adding one, and signing in with it alone, for the device has asked who holds it.

A challenge goes along with the browser in a cookie that we sealed, and is good once, within five minutes. The origin
and the name of this server come from its public URL, never from a request.
"""

from __future__ import annotations

import ipaddress
import logging
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
import webauthn
from webauthn.helpers import options_to_json, parse_authentication_credential_json, parse_registration_credential_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticationCredential,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from tallystick.auth import notices
from tallystick.auth.session_tokens import count_key
from tallystick.auth.sessions import Identity, Live, SignedIn, let_in, origin_of, places_of, tell_failed
from tallystick.db.connection import Row
from tallystick.db.session import Connection, Prepared
from tallystick.domain import passkeys, sessions
from tallystick.domain.context import Context, Transactions, open_workspace
from tallystick.domain.passkeys import Passkey
from tallystick.values.errors import Invalid, Unauthenticated
from tallystick.values.seal import derive, seal, unseal

LIFETIME: Final = timedelta(minutes=5)
"""How long a challenge is good for."""
NAME: Final = "Tallystick"
LONGEST: Final = 16 * 1024
NOT_KNOWN: Final = "This passkey is not known here, or did not answer for this server."
TOO_LATE: Final = "That took too long, or was sent twice. Try again."
HOW: Final = "/sign-in/passkey"
NOT_ADDED: Final = "The passkey could not be added. Try again."

_PASSKEY_OF: Final = Prepared("SELECT * FROM passkey_of(%(credential)s::bytea)")
_USED: Final = Prepared("""
    UPDATE passkeys SET sign_count = %(count)s, last_used_at = %(now)s
    WHERE id = %(id)s::uuid AND sign_count = %(before)s
""")
"""Of two that come with the same count, the second finds it gone on."""

log = logging.getLogger("tallystick.sign_in")


class Site(NamedTuple):
    """What devices know this server by."""

    id: str
    origin: str


class Offer(NamedTuple):
    """A question for a device, and the sealed cookie that goes along with it."""

    options: str
    """JSON, as browsers read it."""
    sealed: str


class _Challenge(msgspec.Struct, array_like=True):
    value: str
    what: str
    whose: str
    until: int


def site_of(public_url: str) -> Site | None:
    """The server's name for devices; None where they would not have it: it wants a name, not an address, and https."""
    parts = urlsplit(public_url)
    host = parts.hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return Site(host, public_url) if parts.scheme == "https" or host == "localhost" else None
    return None


# --- adding one


def offer_to_add(ctx: Context, key: bytes, site: Site, live: Live) -> Offer:
    """Ask a device of somebody who has just shown that it is them for a new key."""
    known = [PublicKeyCredentialDescriptor(id=one.credential_id) for one in passkeys.of_self(ctx)]
    options = webauthn.generate_registration_options(
        rp_id=site.id,
        rp_name=NAME,
        user_name=live.user.email,
        user_id=UUID(live.user.id).bytes,
        user_display_name=live.user.name,
        exclude_credentials=known,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
    )
    return Offer(options_to_json(options), _sealed(key, options.challenge, "add", live.session_id, ctx.now))


def add(
    ctx: Context, key: bytes, site: Site, live: Live, *, sealed: str, answer: str, name: str, address: str, agent: str
) -> Passkey:
    """Keep the key that a device made for the offer. Its owner is told by mail."""
    challenge = _spent(ctx.connection, key, sealed, "add", live.session_id, now=ctx.now)
    try:
        made = webauthn.verify_registration_response(
            credential=parse_registration_credential_json(answer[:LONGEST]),
            expected_challenge=challenge,
            expected_rp_id=site.id,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError):
        raise Invalid(NOT_ADDED, fields={"answer": "is not right"}) from None
    added = passkeys.add(
        ctx,
        name=name,
        credential_id=made.credential_id,
        public_key=made.credential_public_key,
        sign_count=made.sign_count,
    )
    notices.tell(ctx, live.user.id, "passkey_added", address=address, agent=agent, name=added.name)
    return added


def remove(ctx: Context, passkey_id: str, *, address: str, agent: str) -> Passkey:
    """Forget a key of somebody who has just shown that it is them, and tell them by mail."""
    gone = passkeys.remove(ctx, passkey_id)
    notices.tell(ctx, ctx.actor.user_id, "passkey_removed", address=address, agent=agent, name=gone.name)
    return gone


# --- signing in


def offer_to_sign_in(key: bytes, site: Site, now: datetime) -> Offer:
    """Ask any device for a key that it has for this server."""
    options = webauthn.generate_authentication_options(
        rp_id=site.id, user_verification=UserVerificationRequirement.REQUIRED
    )
    return Offer(options_to_json(options), _sealed(key, options.challenge, "sign in", "", now))


def sign_in(
    database: Transactions, key: bytes, site: Site, *, sealed: str, answer: str, now: datetime, **facts: Any
) -> SignedIn:
    """Begin a session of whoever's device answered, in the workspace they used last. Raises Unauthenticated.

    A wrong answer for a key that somebody has is told to the audit log, as a wrong password is.
    `facts`: as `sessions.let_in` takes them.
    """
    with database.transaction() as connection:
        # Spent in any case, and for good: what is wrong with the answer is not found out by trying.
        challenge = _spent(connection, key, sealed, "sign in", "", now=now)
    try:
        given = parse_authentication_credential_json(answer[:LONGEST])
    except (WebAuthnException, ValueError, KeyError, TypeError):
        raise Unauthenticated(NOT_KNOWN) from None
    with database.transaction() as connection:
        found = connection.run(_PASSKEY_OF, {"credential": given.raw_id}).fetchone()
    if found is None:
        log.warning("sign-in failed by a passkey which nobody has, from %s", facts["address"])
        raise Unauthenticated(NOT_KNOWN)
    try:
        return _recognised(database, key, site, found, given, challenge=challenge, now=now, **facts)
    except Unauthenticated:
        came = origin_of(HOW, facts["address"], facts["user_agent"])
        tell_failed(database, key, found[2], why="passkey", came=came, now=now)
        raise


def _recognised(
    database: Transactions,
    key: bytes,
    site: Site,
    found: Row,
    given: AuthenticationCredential,
    *,
    challenge: bytes,
    now: datetime,
    **facts: Any,
) -> SignedIn:
    """A session of whoever has the key, if it is their device that answered with it."""
    passkey_id, user_id, email, name, public_key, before = found
    with database.transaction() as connection:
        if given.response.user_handle != UUID(user_id).bytes:
            raise Unauthenticated(NOT_KNOWN)
        try:
            seen = webauthn.verify_authentication_response(
                credential=given,
                expected_challenge=challenge,
                expected_rp_id=site.id,
                expected_origin=site.origin,
                credential_public_key=bytes(public_key),
                credential_current_sign_count=before,
                require_user_verification=True,
            )
        except (WebAuthnException, ValueError):
            raise Unauthenticated(NOT_KNOWN) from None
        places = places_of(connection, email)
        if not places:
            raise Unauthenticated(NOT_KNOWN)
        open_workspace(connection, places[0].id)
        used = {"id": passkey_id, "before": before, "count": seen.new_sign_count, "now": now}
        if connection.run(_USED, used).rowcount != 1:
            raise Unauthenticated(NOT_KNOWN)
        user = Identity(user_id, email, name)
        return let_in(connection, key, user, places[0], places=places, now=now, how=HOW, **facts)


# --- challenges


def _sealed(key: bytes, challenge: bytes, what: str, whose: str, now: datetime) -> str:
    until = int((now + LIFETIME).timestamp())
    value = urlsafe_b64encode(challenge).decode()
    return seal(derive(key, "passkey-challenge/v1"), msgspec.json.encode(_Challenge(value, what, whose, until)))


def _spent(connection: Connection, key: bytes, sealed: str, what: str, whose: str, *, now: datetime) -> bytes:
    """The challenge of a cookie, which is worth nothing from now on. Raises Invalid."""
    payload = unseal(derive(key, "passkey-challenge/v1"), sealed)
    asked = None if payload is None else msgspec.json.decode(payload, type=_Challenge)
    if asked is None or (asked.what, asked.whose) != (what, whose) or asked.until <= now.timestamp():
        raise Invalid(TOO_LATE)
    until = datetime.fromtimestamp(asked.until, UTC)
    if not sessions.spend(connection, count_key(key, "challenge", asked.value), now, until):
        raise Invalid(TOO_LATE)
    return urlsafe_b64decode(asked.value)
