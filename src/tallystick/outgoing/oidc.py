"""OpenID Connect: discovery, the code's exchange with PKCE, and everything that is checked of an ID token."""

from __future__ import annotations

import hashlib
import threading
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import httpx2
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from tallystick.values.oidc import NotVouched, Unreachable, Vouched

SECONDS: Final = 5.0
KNOWN_SECONDS: Final = 3600.0
"""How long what the provider says of itself is believed."""
AGAIN_SECONDS: Final = 30.0
"""How soon its keys are asked for again, where a token names one that is not known."""
SKEW_SECONDS: Final = 60
LONGEST: Final = 256 * 1024
ALGORITHMS: Final = (
    "RS256",
    "PS256",
    "ES256",
    "RS384",
    "PS384",
    "ES384",
    "RS512",
    "PS512",
    "ES512",
    "EdDSA",
    "Ed25519",
)
"""Signatures that only the provider can make: never a shared secret, never none."""
_HALF: Final = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512, "EdDSA": hashlib.sha512}
_MOST_GROUPS: Final = 1000


class OidcProvider:
    """`values.oidc.Provider` over HTTP. It connects to the issuer and to what its own document names."""

    def __init__(self, issuer: str, client_id: str, secret: str | None, *, scopes: str, group_claim: str) -> None:
        self._issuer = issuer
        self._client_id = client_id
        self._secret = secret
        self._scopes = scopes
        self._group_claim = group_claim
        self._lock = threading.Lock()
        self._document: Mapping[str, Any] = {}
        self._keys: KeySet | None = None
        self._read_at = 0.0
        self._keys_at = 0.0

    def address(self, *, state: str, nonce: str, challenge: str, back: str, anew: bool = False) -> str:
        """Where the browser goes."""
        endpoint = self._named("authorization_endpoint")
        asked = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": back,
            "scope": self._scopes,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **({"prompt": "login", "max_age": "0"} if anew else {}),
        }
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"

    def vouched(
        self, *, code: str, verifier: str, nonce: str, back: str, now: datetime, since: datetime | None = None
    ) -> Vouched:
        """Change the code for tokens, and check the one that says who it is."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier}
        given = self._posted(self._named("token_endpoint"), form)
        access = given.get("access_token")
        claims = self._claims(str(given.get("id_token", "")), access, nonce=nonce, now=now, since=since)
        wanted = {"email", "name", self._group_claim}
        if not wanted <= claims.keys() and isinstance(access, str) and self._known().get("userinfo_endpoint"):
            more = self._asked(self._named("userinfo_endpoint"), {"Authorization": f"Bearer {access}"})
            if more.get("sub") != claims["sub"]:
                raise NotVouched("The provider's second answer is about somebody else.")
            claims = {**more, **claims}
        email, name = claims.get("email"), claims.get("name")
        verified = claims.get("email_verified") is True and isinstance(email, str)
        listed = _listed(claims.get(self._group_claim) or [])
        return Vouched(
            issuer=self._issuer,
            subject=str(claims["sub"]),
            email=str(email).strip().lower() if verified else None,
            name=name.strip()[:120] if isinstance(name, str) and name.strip().isprintable() else None,
            groups=tuple(one for one in listed[:_MOST_GROUPS] if isinstance(one, str)),
        )

    # --- the ID token

    def _claims(self, token: str, access: Any, *, nonce: str, now: datetime, since: datetime | None) -> dict[str, Any]:
        try:
            read = jwt.decode(token, self._key_set(), algorithms=list(ALGORITHMS))
        except (JoseError, ValueError):
            if not self._keys_are_old():
                raise NotVouched("The ID token is not signed by the provider.") from None
            try:
                read = jwt.decode(token, self._key_set(anew=True), algorithms=list(ALGORITHMS))
            except (JoseError, ValueError):
                raise NotVouched("The ID token is not signed by the provider.") from None
        claims: dict[str, Any] = dict(read.claims)
        seconds = now.timestamp()
        audiences = _listed(claims.get("aud"))
        expires, made = _number(claims.get("exp")), _number(claims.get("iat"))
        begins = _number(claims.get("nbf", 0))
        shown = _number(claims.get("auth_time"))
        subject = claims.get("sub")
        wrong = (
            "iss" if claims.get("iss") != self._issuer
            else "aud" if self._client_id not in audiences
            else "azp" if claims.get("azp", self._client_id if len(audiences) == 1 else None) != self._client_id
            else "exp" if expires is None or expires + SKEW_SECONDS <= seconds
            else "iat" if made is None or made - SKEW_SECONDS > seconds
            else "nbf" if begins is None or begins - SKEW_SECONDS > seconds
            else "auth_time" if since is not None and shown is not None and shown + SKEW_SECONDS < since.timestamp()
            else "nonce" if claims.get("nonce") != nonce
            else "sub" if not isinstance(subject, str) or not 0 < len(subject) <= 255
            else "at_hash" if "at_hash" in claims and claims["at_hash"] != _half(str(read.header.get("alg")), access)
            else ""
        )  # fmt: skip
        if wrong:
            raise NotVouched(f"The ID token's {wrong} is not right.")
        return claims

    def _key_set(self, *, anew: bool = False) -> KeySet:
        with self._lock:
            keys = self._keys
        if keys is None or anew:
            try:
                keys = KeySet.import_key_set(dict(self._asked(self._named("jwks_uri"))))  # pyright: ignore[reportArgumentType]
            except (JoseError, ValueError, KeyError, TypeError):
                raise Unreachable("The provider's keys cannot be read.") from None
            with self._lock:
                self._keys, self._keys_at = keys, time.monotonic()
        return keys

    def _keys_are_old(self) -> bool:
        return time.monotonic() - self._keys_at > AGAIN_SECONDS

    # --- what the provider says of itself

    def _known(self) -> Mapping[str, Any]:
        with self._lock:
            if self._document and time.monotonic() - self._read_at < KNOWN_SECONDS:
                return self._document
        found = self._asked(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self._issuer:
            raise Unreachable("The provider calls itself by another name than the issuer of the settings.")
        with self._lock:
            self._document, self._read_at, self._keys = found, time.monotonic(), None
        return found

    def _named(self, name: str) -> str:
        value = self._known().get(name)
        parts = urlsplit(value) if isinstance(value, str) else None
        plain = urlsplit(self._issuer).scheme == "http"
        if parts is None or not parts.netloc or parts.scheme not in ({"http", "https"} if plain else {"https"}):
            raise Unreachable(f"The provider names no usable {name}.")
        return str(value)

    # --- HTTP

    def _asked(self, url: str, headers: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        return self._answered("GET", url, headers=dict(headers or {}))

    def _posted(self, url: str, form: dict[str, str]) -> Mapping[str, Any]:
        headers: dict[str, str] = {}
        methods = self._known().get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if self._secret is None:
            form["client_id"] = self._client_id
        elif "client_secret_basic" in methods:
            pair = f"{quote(self._client_id, safe='')}:{quote(self._secret, safe='')}"
            headers["Authorization"] = f"Basic {_b64(pair.encode(), padded=True)}"
        else:
            form |= {"client_id": self._client_id, "client_secret": self._secret}
        return self._answered("POST", url, headers=headers, data=form)

    def _answered(self, method: str, url: str, **more: Any) -> Mapping[str, Any]:
        try:
            with (
                httpx2.Client(timeout=SECONDS, follow_redirects=False, trust_env=False) as client,
                client.stream(method, url, **more) as response,
            ):
                body = b""
                for part in response.iter_bytes():
                    body += part
                    if len(body) > LONGEST:
                        raise Unreachable("The provider's answer is too long.")
                status = response.status_code
                found = httpx2.Response(status, content=body).json()
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            raise Unreachable(f"The provider does not answer as one does ({type(error).__name__}).") from None
        if status in (400, 401, 403) and method == "POST":
            raise NotVouched("The provider does not accept the code.")
        if status != 200 or not isinstance(found, dict):
            raise Unreachable(f"The provider answers with {status}.")
        return dict(found)  # pyright: ignore[reportUnknownArgumentType] - keys of JSON are text


def _half(algorithm: str, access: Any) -> str | None:
    """What `at_hash` is: the left half of the access token's digest."""
    digest = _HALF.get(algorithm if algorithm in _HALF else algorithm[2:], hashlib.sha512)
    if not isinstance(access, str):
        return None
    full = digest(access.encode()).digest()
    return _b64(full[: len(full) // 2])


def _b64(data: bytes, *, padded: bool = False) -> str:
    if padded:
        return b64encode(data).decode()
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _number(value: Any) -> float | None:
    """A time as a token has it."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _listed(value: Any) -> list[Any]:
    """One thing or a list of them."""
    return list(value) if isinstance(value, list) else [value]  # pyright: ignore[reportUnknownArgumentType] - of whatever
