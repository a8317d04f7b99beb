"""Keys for one purpose each, and texts that come back to us unchanged or not at all."""

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SERVER_KEY_BYTES = 32
LONGEST_SEALED = 2048

_CURSOR = "cursor/v2"
_MAC_BYTES = 16
_NONCE_BYTES = 12
_SEALED = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{22})", re.ASCII)


@lru_cache(maxsize=64)
def derive(key: bytes, label: str) -> bytes:
    """The 32-byte key for one purpose: a single HKDF-Expand step (RFC 5869) of the server's random key.

    A key per label keeps a value made for one use from being accepted in another.
    """
    if len(key) != SERVER_KEY_BYTES:
        raise ValueError("The server's key is 32 random bytes.")
    return hmac.digest(key, label.encode() + b"\x01", hashlib.sha256)


def seal(key: bytes, payload: bytes) -> str:
    """A cursor on the wire: `base64url(payload).base64url(mac16)`, readable by anyone, forgeable by nobody."""
    sealed = f"{_encoded(payload)}.{_encoded(_mac(key, payload))}"
    if not payload or len(sealed) > LONGEST_SEALED:
        raise ValueError("A sealed payload is neither empty nor longer than a cursor may be.")
    return sealed


def unseal(key: bytes, text: str) -> bytes | None:
    """The payload that was sealed under this key, or None for anything else, however close."""
    if len(text) > LONGEST_SEALED or (match := _SEALED.fullmatch(text)) is None:
        return None
    payload, mac = _decoded(match[1]), _decoded(match[2])
    if payload is None or mac is None or not hmac.compare_digest(mac, _mac(key, payload)):
        return None
    return payload


def lock_up(key: bytes, label: str, secret: bytes, about: str) -> bytes:
    """A secret as the database may hold it: nobody reads it without the server's key, nor moves it to another row.

    `about` is what it belongs to, such as the id of its row.
    """
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(derive(key, label)).encrypt(nonce, secret, about.encode())


def open_up(key: bytes, label: str, locked: bytes, about: str) -> bytes | None:
    """The secret; None where it was locked up with another key, for another purpose or another row."""
    try:
        return AESGCM(derive(key, label)).decrypt(locked[:_NONCE_BYTES], locked[_NONCE_BYTES:], about.encode())
    except (InvalidTag, ValueError):
        return None


def _mac(key: bytes, payload: bytes) -> bytes:
    return hashlib.blake2b(payload, key=derive(key, _CURSOR), digest_size=_MAC_BYTES).digest()


def _encoded(payload: bytes) -> str:
    return urlsafe_b64encode(payload).rstrip(b"=").decode()


def _decoded(text: str) -> bytes | None:
    if len(text) % 4 == 1:
        return None
    payload = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    # Unused bits of the last character would let several texts stand for one payload.
    return payload if _encoded(payload) == text else None
