"""The second factor: codes of an authenticator app (RFC 6238), whose secret the database holds only sealed."""

from __future__ import annotations

import base64
import hmac
import secrets
from datetime import datetime
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pyotp.totp import TOTP

from tallystick.values.seal import derive

SECONDS: Final = 30
_LABEL: Final = "totp-secret/v1"
_NONCE_BYTES: Final = 12
_STEPS: Final = (0, -1, 1)
"""A clock may go wrong by one step."""


def new_secret() -> str:
    """A secret in base 32, for a person's authenticator app."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def seal_secret(key: bytes, user_id: str, secret: str) -> bytes:
    """What is stored: nobody reads it without the server's key, nor moves it to another person."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(derive(key, _LABEL)).encrypt(nonce, secret.encode(), user_id.encode())


def matching_step(key: bytes, user_id: str, sealed: bytes, code: str, now: datetime) -> int | None:
    """The time step that a code is of, or None; the caller sees to it that each step is used once."""
    try:
        secret = AESGCM(derive(key, _LABEL)).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], user_id.encode())
    except InvalidTag:
        return None  # sealed with another server's key: no code fits
    totp = TOTP(secret.decode(), interval=SECONDS)
    given = "".join(code.split()).encode("utf-8", "surrogatepass")
    current = int(now.timestamp()) // SECONDS
    steps = [current + step for step in _STEPS]
    return next((step for step in steps if hmac.compare_digest(totp.generate_otp(step).encode(), given)), None)
