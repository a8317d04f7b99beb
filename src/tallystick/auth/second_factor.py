"""The second factor: codes of an authenticator app (RFC 6238), whose secret is kept sealed, and backup codes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from datetime import datetime
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pyotp.totp import TOTP

from tallystick.values.seal import derive

SECONDS: Final = 30
_LABEL: Final = "totp-secret/v1"
_BACKUP_LABEL: Final = "backup-code/v1"
_BACKUP: Final = re.compile(r"[0-9]{10}", re.ASCII)
BACKUP_CODES: Final = 8
_NONCE_BYTES: Final = 12
_STEPS: Final = (0, -1, 1)
"""A clock may go wrong by one step."""


def new_secret() -> str:
    """A secret in base 32, for a person's authenticator app."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def address_of(secret: str, email: str) -> str:
    """What the picture says that an authenticator app reads."""
    return TOTP(secret, interval=SECONDS).provisioning_uri(name=email, issuer_name="Tallystick")


def new_backup_codes() -> list[str]:
    """Codes for when the authenticator is not at hand; of digits, as a phone's field for codes has no letters."""
    numbers: set[str] = set()
    while len(numbers) < BACKUP_CODES:
        numbers.add(f"{secrets.randbelow(10**10):010}")
    return [f"{number[:5]}-{number[5:]}" for number in sorted(numbers)]


def backup_digest(key: bytes, user_id: str, code: str) -> str | None:
    """What is stored of a backup code; None for what is none. Good for its person and this server only."""
    number = "".join(code.split()).replace("-", "")
    if _BACKUP.fullmatch(number) is None:
        return None
    return hmac.digest(derive(key, _BACKUP_LABEL), f"{user_id}/{number}".encode(), hashlib.sha256).hex()


def seal_secret(key: bytes, user_id: str, secret: str) -> bytes:
    """What is stored: nobody reads it without the server's key, nor moves it to another person."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(derive(key, _LABEL)).encrypt(nonce, secret.encode(), user_id.encode())


def unseal_secret(key: bytes, user_id: str, sealed: bytes) -> str | None:
    """The secret; None where it was sealed for somebody else, or with another server's key: then no code fits."""
    try:
        secret = AESGCM(derive(key, _LABEL)).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], user_id.encode())
    except (InvalidTag, ValueError):
        return None
    return secret.decode()


def matching_step(key: bytes, user_id: str, sealed: bytes, code: str, now: datetime) -> int | None:
    """The time step that a code is of, or None; the caller sees to it that each step is used once."""
    secret = unseal_secret(key, user_id, sealed)
    if secret is None:
        return None
    totp = TOTP(secret, interval=SECONDS)
    given = "".join(code.split()).encode("utf-8", "surrogatepass")
    current = int(now.timestamp()) // SECONDS
    steps = [current + step for step in _STEPS]
    return next((step for step in steps if hmac.compare_digest(totp.generate_otp(step).encode(), given)), None)
