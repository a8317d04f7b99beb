"""OAuth 2 between an app and this server: what may be asked for, codes for tokens, tokens for fresh ones, their end.

The promises (RFC 9700): redirect addresses byte for byte, PKCE with S256 for every client, a code works once and its
second use ends what the first one gave, a refresh token works once and its reuse ends the family. An ending is
committed before the refusal is told, so the functions that may end something open their own transaction.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple, cast

import msgspec
from authlib.oauth2.rfc6749.errors import (
    InvalidClientError,
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    OAuth2Error,
    UnsupportedGrantTypeError,
    UnsupportedResponseTypeError,
)
from authlib.oauth2.rfc7636.challenge import (
    CODE_VERIFIER_PATTERN,
    compare_s256_code_challenge,  # pyright: ignore[reportUnknownVariableType] - its parameters have no types
)
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tallystick.auth.remembered import Lookup
from tallystick.auth.tokens import BASE62, checksum
from tallystick.db.session import Connection, Prepared
from tallystick.domain import oauth
from tallystick.domain.access import Actor
from tallystick.domain.context import Context, Transactions
from tallystick.domain.oauth import GRANT, LOST_ANSWER, OAUTH_SCOPES, OAuthApp, OAuthGrant, OAuthToken
from tallystick.values.errors import NotFound, Unauthenticated
from tallystick.values.ids import parse_id
from tallystick.values.seal import derive

Kind = Literal["access", "refresh", "code", "secret"]

PREFIXES: Final[dict[Kind, str]] = {"access": "hso_", "refresh": "hsr_", "code": "hsc_", "secret": "hsx_"}
_RANDOM_CHARACTERS: Final = 43  # 256 bits
_CHECK_CHARACTERS: Final = 6
_BODY: Final = re.compile(r"[0-9A-Za-z]{49}", re.ASCII)
_LABEL: Final = "oauth/v1"
_SEAL_LABEL: Final = "oauth-successor/v1"
_NONCE_BYTES: Final = 12

_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_LOOPBACK: Final = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]))(?::([1-9][0-9]{0,4}))?((?:[/?].*)?)", re.ASCII)

_OPEN_APP: Final = Prepared("SELECT open_by_oauth_app(%(app)s::uuid)")
_ACCESS_TOKENS: Final = Lookup("open_by_access_token(%(digest)s::bytea)")


# --- texts


def mint(kind: Kind) -> str:
    """A new code, token or client secret: 256 random bits and a checksum. Keep its `digest`, never the text."""
    body = PREFIXES[kind] + "".join(secrets.choice(BASE62) for _ in range(_RANDOM_CHARACTERS))
    return body + checksum(body)


def is_kind(kind: Kind, text: str) -> bool:
    """Whether a text has the shape of this kind; a mistyped one fails its own checksum."""
    prefix, body = text[:4], text[4:]
    shaped = prefix == PREFIXES[kind] and _BODY.fullmatch(body) is not None
    return shaped and checksum(text[:-_CHECK_CHARACTERS]) == text[-_CHECK_CHARACTERS:]


def digest(key: bytes, text: str) -> bytes:
    """What is stored of a code, token or client secret."""
    return hmac.digest(derive(key, _LABEL), text.encode(), hashlib.sha256)


# --- who acts


def actor_of_access_token(connection: Connection, key: bytes, token: str, now: datetime) -> Actor:
    """The member that an access token acts as, with their role of this moment and the scopes they granted.

    Opens the workspace for the transaction. Raises Unauthenticated, the same for each way in which it can be wrong. A
    token that was here before is looked up with the next statement, which may raise `Outdated`.
    """
    if not is_kind("access", token):
        raise Unauthenticated
    known = digest(key, token)
    found = _ACCESS_TOKENS.find(
        connection, known, {"digest": known}, lambda found: found is not None and found[1] > now
    )
    grant_id, _, scopes, app_name, workspace_id, workspace_name, plan, user_id, role, time_zone, *_ = found
    return Actor(
        workspace_id=workspace_id,
        user_id=user_id,
        role=role,
        plan=plan,
        scopes=frozenset(scopes),
        workspace_name=workspace_name,
        time_zone=time_zone,
        credential=GRANT + grant_id,
        credential_name=app_name,
    )


# --- what an app asks a person


class NoSuchApp(NotFound):
    """No live app has this client_id."""

    usual = "No app is known by this client_id."


class WrongRedirect(NotFound):
    """The address to return to is none that the app registered: nobody is sent there."""

    usual = "The address to return to (redirect_uri) is not one that this app registered."


@dataclass(frozen=True, slots=True)
class Wish:
    """An authorization request whose every part was judged and found right."""

    app: OAuthApp
    redirect_uri: str
    scopes: tuple[str, ...]
    challenge: str
    state: str | None


@dataclass(frozen=True, slots=True)
class Errand:
    """A request of a known app to a registered address: whatever else is wrong with it may be told there."""

    app: OAuthApp
    redirect_uri: str
    state: str | None


def errand(connection: Connection, given: dict[str, list[str]], now: datetime) -> Errand:
    """The app and the address of a request. Raises NoSuchApp, WrongRedirect: those are never told by redirect."""
    app = app_of(connection, _once(given, "client_id") or "", now)
    if app is None:
        raise NoSuchApp
    uri = _once(given, "redirect_uri")
    if uri is None or not any(same_redirect(registered, uri) for registered in app.redirect_uris):
        raise WrongRedirect
    return Errand(app, uri, _once(given, "state"))


def wish(start: Errand, given: dict[str, list[str]]) -> Wish:
    """What the app wants, if it asked rightly. Raises OAuth2Error, for the redirect address."""
    for name, values in given.items():
        if len(values) > 1:
            raise InvalidRequestError(f"{_plain(name)} must be given once.")
    if "request" in given:
        raise OAuth2Error("Request objects are not read here.", error="request_not_supported")
    if "request_uri" in given:
        raise OAuth2Error("Request objects are not read here.", error="request_uri_not_supported")
    response_type = _once(given, "response_type")
    if not response_type:
        raise InvalidRequestError("response_type is missing: it must be code.")
    if response_type != "code":
        raise UnsupportedResponseTypeError(_plain(response_type))
    if _once(given, "response_mode") not in (None, "query"):
        raise InvalidRequestError("response_mode must be query.")
    scopes = _scopes(_once(given, "scope"))
    challenge = _once(given, "code_challenge")
    if not challenge:
        raise InvalidRequestError("code_challenge is missing: PKCE is required, with S256.")
    if _once(given, "code_challenge_method") != "S256":
        raise InvalidRequestError("code_challenge_method must be S256.")
    if _CHALLENGE.fullmatch(challenge) is None:
        raise InvalidRequestError("code_challenge must be the base64url of a SHA-256, 43 characters.")
    return Wish(start.app, start.redirect_uri, scopes, challenge, start.state)


def same_redirect(registered: str, given: str) -> bool:
    """Byte for byte; a loopback literal may come with any port (RFC 8252 7.3)."""
    if registered == given:
        return True
    known, asked = _LOOPBACK.fullmatch(registered), _LOOPBACK.fullmatch(given)
    if known is None or asked is None:
        return False
    return known.group(1, 3) == asked.group(1, 3) and int(asked[2] or 80) <= 65535


def allow(ctx: Context, key: bytes, asked: Wish) -> str:
    """The context's person allows what the app asked for; answers the code for it."""
    app = ctx.find(OAuthApp, asked.app.id, lock="share")
    if app.revoked_at is not None:
        raise NoSuchApp
    code = mint("code")
    granted = oauth.grant(ctx, app, list(asked.scopes))
    oauth.add_code(ctx, granted, digest=digest(key, code), redirect_uri=asked.redirect_uri, challenge=asked.challenge)
    return code


def app_of(connection: Connection, client_id: str, now: datetime) -> OAuthApp | None:
    """The live app with this client_id, its workspace open for this transaction."""
    if parse_id(client_id) != client_id:
        return None
    (workspace_id,) = connection.run(_OPEN_APP, {"app": client_id}).fetchone() or (None,)
    if workspace_id is None:
        return None
    app = _context(connection, workspace_id, now).find(OAuthApp, client_id)
    return app if app.revoked_at is None else None


# --- what an app asks this server


class Credentials(NamedTuple):
    """How an app says which one it is."""

    client_id: str
    secret: str | None
    basic: bool = False
    """By an `Authorization` header, else in the body."""


@dataclass(frozen=True, slots=True)
class Issued:
    """An access token and the refresh token that follows it."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime
    scopes: tuple[str, ...]


class _Sealed(msgspec.Struct):
    """An answer kept for the seconds in which it may be lost."""

    access_token: str
    refresh_token: str
    expires_at: datetime


def token(database: Transactions, key: bytes, who: Credentials, given: dict[str, str], now: datetime) -> Issued:
    """Tokens for a code or a refresh token. Raises OAuth2Error; what it ends is ended by then."""
    exchanges = {"authorization_code": _exchange, "refresh_token": _refresh}
    wanted = given.get("grant_type")
    if not wanted:
        raise InvalidRequestError("grant_type is missing.")
    if wanted not in exchanges:
        raise UnsupportedGrantTypeError(_plain(wanted))
    with database.transaction() as connection:
        ctx, app = _authenticated(connection, key, who, now)
        outcome = exchanges[wanted](ctx, key, app, given)
    if isinstance(outcome, OAuth2Error):
        raise outcome
    return outcome


def revoke(database: Transactions, key: bytes, who: Credentials, text: str, now: datetime) -> None:
    """End the family of a token of this app; of any other text, nothing (RFC 7009). Raises InvalidClientError."""
    with database.transaction() as connection:
        ctx, app = _authenticated(connection, key, who, now)
        found = _own_token(ctx, key, app, text)
        if found is not None:
            oauth.end(ctx, found[1], "revoked")


def introspect(
    database: Transactions, key: bytes, who: Credentials, text: str, *, issuer: str, now: datetime
) -> dict[str, Any]:
    """What there is to know of a token of this app (RFC 7662). Raises InvalidClientError."""
    with database.transaction() as connection:
        ctx, app = _authenticated(connection, key, who, now)
        found = _own_token(ctx, key, app, text)
    if found is None:
        return {"active": False}
    stored, granted = found
    if granted.ended_at is not None or stored.spent_at is not None or stored.expires_at <= now:
        return {"active": False}
    return {
        "active": True,
        "scope": " ".join(granted.scopes),
        "client_id": app.id,
        "token_type": "Bearer" if stored.kind == "access" else "refresh_token",
        "exp": int(stored.expires_at.timestamp()),
        "iat": int(stored.created_at.timestamp()),
        "sub": granted.user_id,
        "org": granted.workspace_id,
        "iss": issuer,
    }


def _authenticated(connection: Connection, key: bytes, who: Credentials, now: datetime) -> tuple[Context, OAuthApp]:
    """The app, by its secret where it can keep one; its workspace is open."""
    app = app_of(connection, who.client_id, now)
    # An unknown app takes as long as a wrong secret, and a public one must not claim to have any.
    stored = None if app is None else app.secret_digest
    right = hmac.compare_digest(digest(key, who.secret or ""), stored or bytes(32))
    if app is None or ((who.secret is not None or stored is not None) and not (stored is not None and right)):
        raise InvalidClientError("The client is not known, or its secret is wrong.", status_code=401)
    return _context(connection, app.workspace_id, now), app


def _exchange(ctx: Context, key: bytes, app: OAuthApp, given: dict[str, str]) -> Issued | OAuth2Error:
    text, uri, verifier = (_given(given, name) for name in ("code", "redirect_uri", "code_verifier"))
    code = oauth.code_of(ctx, digest(key, text)) if is_kind("code", text) else None
    if code is None:
        return InvalidGrantError("The code is not valid.")
    granted = ctx.find(OAuthGrant, code.grant_id, lock="update")
    if granted.app_id != app.id:
        return InvalidGrantError("The code is not valid.")
    if code.used_at is not None:
        oauth.end(ctx, granted, "replayed")
        return InvalidGrantError("The code was used before. What it gave is revoked.")
    if granted.ended_at is not None or code.expires_at <= ctx.now:
        return InvalidGrantError("The code is expired, or was revoked.")
    if code.redirect_uri != uri:
        return InvalidGrantError("redirect_uri is not the one that the code was asked with.")
    if CODE_VERIFIER_PATTERN.fullmatch(verifier) is None or not compare_s256_code_challenge(verifier, code.challenge):
        return InvalidGrantError("code_verifier does not match the code_challenge.")
    oauth.use_code(ctx, code)
    issued, _ = _issue(ctx, key, granted)
    return issued


def _refresh(ctx: Context, key: bytes, app: OAuthApp, given: dict[str, str]) -> Issued | OAuth2Error:
    text = _given(given, "refresh_token")
    stored = oauth.token_of(ctx, digest(key, text)) if is_kind("refresh", text) else None
    if stored is None:
        return InvalidGrantError("The refresh token is not valid.")
    granted = ctx.find(OAuthGrant, stored.grant_id, lock="update")
    if granted.app_id != app.id:
        return InvalidGrantError("The refresh token is not valid.")
    if granted.ended_at is not None or stored.expires_at <= ctx.now or granted.expires_at <= ctx.now:
        return InvalidGrantError("The refresh token is expired, or was revoked.")
    if given.get("scope") and not set(_scopes(given["scope"])) <= set(granted.scopes):
        return InvalidScopeError("A refresh cannot ask for more than was granted.")
    if stored.spent_at is None:
        issued, successor = _issue(ctx, key, granted)
        oauth.spend(ctx, stored, successor, _seal(key, text, issued))
        return issued
    again = _lost_answer(key, text, stored, ctx.now)
    if again is None:
        oauth.end(ctx, granted, "replayed")
        return InvalidGrantError("The refresh token was used before. All tokens that came of it are revoked.")
    return Issued(again.access_token, again.refresh_token, again.expires_at, tuple(granted.scopes))


def _lost_answer(key: bytes, text: str, spent: OAuthToken, now: datetime) -> _Sealed | None:
    """The answer that a refresh got moments ago. It is there until its own refresh token is used (`oauth.spend`)."""
    if spent.spent_at is None or spent.sealed_successor is None or now - spent.spent_at > LOST_ANSWER:
        return None
    return _unseal(key, text, spent.sealed_successor)


def _issue(ctx: Context, key: bytes, granted: OAuthGrant) -> tuple[Issued, OAuthToken]:
    access, refresh = mint("access"), mint("refresh")
    kept = oauth.add_token(ctx, granted, "access", digest(key, access))
    successor = oauth.add_token(ctx, granted, "refresh", digest(key, refresh))
    ctx.change(granted, last_used_at=ctx.now)
    return Issued(access, refresh, kept.expires_at, tuple(granted.scopes)), successor


def _own_token(ctx: Context, key: bytes, app: OAuthApp, text: str) -> tuple[OAuthToken, OAuthGrant] | None:
    if not (is_kind("access", text) or is_kind("refresh", text)):
        return None
    stored = oauth.token_of(ctx, digest(key, text))
    if stored is None:
        return None
    granted = ctx.find(OAuthGrant, stored.grant_id, lock="update")
    return (stored, granted) if granted.app_id == app.id else None


def _seal(key: bytes, spent: str, issued: Issued) -> bytes:
    """An answer that only the token which got it opens again: the database and the server's key do not."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    answer = _Sealed(issued.access_token, issued.refresh_token, issued.expires_at)
    return nonce + AESGCM(_seal_key(key, spent)).encrypt(nonce, msgspec.json.encode(answer), None)


def _unseal(key: bytes, spent: str, sealed: bytes) -> _Sealed | None:
    try:
        plain = AESGCM(_seal_key(key, spent)).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)
    except InvalidTag:
        return None
    return msgspec.json.decode(plain, type=_Sealed)


def _seal_key(key: bytes, spent: str) -> bytes:
    return hmac.digest(derive(key, _SEAL_LABEL), spent.encode(), hashlib.sha256)


def _context(connection: Connection, workspace_id: str, now: datetime) -> Context:
    """Nobody in particular: an app on its own errands, in its workspace."""
    return Context(Actor(workspace_id, "", "MEMBER"), connection, lambda: now)


def _scopes(text: str | None) -> tuple[str, ...]:
    """The scopes of a request, in the order they are documented. Raises InvalidScopeError."""
    asked = [one for one in (text or "").split(" ") if one]
    if not asked:
        raise InvalidScopeError("scope is missing: say what the app needs.")
    unknown = next((one for one in asked if one not in OAUTH_SCOPES), None)
    if unknown is not None:
        raise InvalidScopeError(f"There is no scope {_plain(unknown)}.")
    return tuple(one for one in cast("tuple[str, ...]", OAUTH_SCOPES) if one in asked)


def _once(given: dict[str, list[str]], name: str) -> str | None:
    values = given.get(name, [])
    return values[0] if len(values) == 1 else None


def _given(given: dict[str, str], name: str) -> str:
    if not given.get(name):
        raise InvalidRequestError(f"{name} is missing.")
    return given[name]


def _plain(text: str) -> str:
    """A text of somebody else's in the characters that RFC 6749 lets a description have."""
    return re.sub(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]", "?", text[:80])
