"""The secrets of a session as texts: the cookie, the JWT, the CSRF token, the browser's own cookie, password links."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jws
from joserfc.errors import UnsupportedAlgorithmError
from joserfc.jwk import OKPKey
from joserfc.jws import JWSRegistry

from tallystick.values.ids import new_id, parse_id
from tallystick.values.seal import derive

JWT_LIFETIME: Final = timedelta(minutes=60)
SKEW_SECONDS: Final = 30
"""How far the clocks of two machines may be apart."""
DEVICE_LIFETIME: Final = timedelta(days=365)

_LONGEST_JWT: Final = 2048
_JWT_LABEL: Final = "session-jwt/v1"
_HEADER: Final = {"alg": "EdDSA", "typ": "at+jwt"}
_HEAD: Final = urlsafe_b64encode(msgspec.json.encode(_HEADER)).rstrip(b"=").decode() + "."
"""How each of our JWTs begins. Nothing else is read from a header: neither algorithm, type nor key."""

_COOKIE: Final = re.compile(r"hss_([0-9a-f]{32})_[A-Za-z0-9_-]{43}", re.ASCII)
_LINK: Final = re.compile(r"hsl_[A-Za-z0-9_-]{43}", re.ASCII)
_DEVICE: Final = re.compile(r"hsd_([0-9a-f]{32})([0-9a-f]{10})_([0-9a-f]{64})", re.ASCII)


class Claims(msgspec.Struct, frozen=True, gc=False):
    """What a session's JWT says. A time is a whole number of seconds and nothing else."""

    iss: str
    aud: str
    sub: str
    """The person."""
    org: str
    """The workspace."""
    sid: str
    """The session, asked for at each request."""
    jti: str
    iat: int
    nbf: int
    exp: int


# --- JWT


def audience(issuer: str) -> str:
    """Whom our JWTs are for: the APIs of this server."""
    return f"{issuer}/api"


def mint_jwt(
    key: bytes, *, issuer: str, user_id: str, workspace_id: str, session_id: str, now: datetime, expires_at: datetime
) -> str:
    """A signed JWT for a session; RFC 9068's type, so that no other kind of JWT is taken for it."""
    seconds = int(now.timestamp())
    claims = Claims(
        iss=issuer,
        aud=audience(issuer),
        sub=user_id,
        org=workspace_id,
        sid=session_id,
        jti=new_id(),
        iat=seconds,
        nbf=seconds,
        exp=int(expires_at.timestamp()),
    )
    private, _ = _keys(key)
    return jws.serialize_compact(dict(_HEADER), msgspec.json.encode(claims), private, registry=_ONLY_EDDSA)


def claims_of(key: bytes, token: str, now: datetime, issuer: str) -> Claims | None:
    """The claims of a JWT that we signed, for us, that is valid now; or None."""
    if len(token) > _LONGEST_JWT or not token.startswith(_HEAD) or not token.isascii():
        return None
    claims = _signed_claims(key, token)
    if claims is None or claims.iss != issuer or claims.aud != audience(issuer):
        return None
    seconds = now.timestamp()
    if claims.exp + SKEW_SECONDS <= seconds or max(claims.nbf, claims.iat) - SKEW_SECONDS > seconds:
        return None
    return claims


class _OnlyEdDsa(JWSRegistry):
    """One algorithm. RFC 9864 has another name for it, and joserfc says so at each use."""

    def get_alg(self, name: str) -> Any:
        if name != _HEADER["alg"]:
            raise UnsupportedAlgorithmError
        return self.algorithms[name]


_ONLY_EDDSA: Final = _OnlyEdDsa(algorithms=[_HEADER["alg"]])


# A signature stays right, and to check one takes a fraction of a millisecond: the texts seen last are remembered.
# What changes with time (expiry, the session) is looked at each time.
@lru_cache(maxsize=2048)
def _verified(key: bytes, token: str) -> Claims:
    # The header was compared byte for byte, so there is nothing in it to read: a payload and a signature are left.
    signed, _, signature = token.rpartition(".")
    _, public = _keys(key)
    public.verify(_decoded(signature), signed.encode())
    claims = msgspec.json.decode(_decoded(signed.removeprefix(_HEAD)), type=Claims)
    if not all(parse_id(one) == one for one in (claims.sub, claims.org, claims.sid)):
        raise ValueError("A claim is no id of ours.")
    return claims


def _signed_claims(key: bytes, token: str) -> Claims | None:
    try:
        return _verified(key, token)
    except (InvalidSignature, ValueError):  # msgspec's errors are ValueErrors, as are those of base64
        return None


def _decoded(text: str) -> bytes:
    """The bytes of base64url without padding; there is one way to write them. Raises ValueError."""
    found = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _encoded(found) != text:
        raise ValueError("This is not how base64url writes it.")
    return found


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


@lru_cache(maxsize=8)
def _keys(key: bytes) -> tuple[OKPKey, Ed25519PublicKey]:
    private = Ed25519PrivateKey.from_private_bytes(derive(key, _JWT_LABEL))
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return OKPKey.import_key(pem), private.public_key()


# --- the cookie of a session


def mint_cookie(session_id: str) -> str:
    """A new secret for a session's cookie: `hss_<session>_<256 random bits>`."""
    return f"hss_{session_id.replace('-', '')}_{secrets.token_urlsafe(32)}"


def session_of_cookie(cookie: str) -> str | None:
    """The id of the session that a well-formed cookie names, or None."""
    match = _COOKIE.fullmatch(cookie)
    return _dashed(match[1]) if match else None


def cookie_digest(key: bytes, cookie: str) -> bytes:
    """What is stored of a cookie."""
    return _mac(key, "session-cookie/v1", cookie)


def csrf_token(key: bytes, session_id: str) -> str:
    """What a page of ours knows and another site's does not: sent along with what a cookie authenticates."""
    return _mac(key, "csrf/v1", session_id).hex()


def is_csrf_token(key: bytes, session_id: str, given: str) -> bool:
    """Whether that is the session's token."""
    return hmac.compare_digest(csrf_token(key, session_id).encode(), given.encode("utf-8", "surrogatepass"))


# --- the cookie of a browser


def mint_device(key: bytes, email: str, now: datetime) -> str:
    """A mark for a browser from which this account signed in: it counts its failures for itself from then on."""
    body = secrets.token_hex(16) + f"{int(now.timestamp()):010x}"
    return f"hsd_{body}_{_mac(key, 'device/v1', f'{body} {email}').hex()}"


def device_of(key: bytes, email: str, mark: str | None, now: datetime) -> str | None:
    """The name of the browser with a valid mark for this account, or None."""
    match = _DEVICE.fullmatch(mark or "")
    if match is None:
        return None
    name, minted, mac = match.groups()
    if not hmac.compare_digest(_mac(key, "device/v1", f"{name}{minted} {email}").hex(), mac):
        return None
    return name if int(minted, 16) + DEVICE_LIFETIME.total_seconds() > now.timestamp() else None


# --- links to set a password


def mint_link() -> str:
    """A new secret for a link to set a password."""
    return f"hsl_{secrets.token_urlsafe(32)}"


def link_digest(key: bytes, secret: str) -> bytes | None:
    """What is stored of a link's secret; None for what cannot be one."""
    return _mac(key, "password-link/v1", secret) if _LINK.fullmatch(secret) else None


def count_key(key: bytes, kind: str, whose: str) -> bytes:
    """The key under which failures of an account, an address or a browser are counted."""
    return _mac(key, "sign-in-counts/v1", f"{kind} {whose}")


def _mac(key: bytes, label: str, text: str) -> bytes:
    return hmac.digest(derive(key, label), text.encode("utf-8", "surrogatepass"), hashlib.sha256)


def _dashed(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
