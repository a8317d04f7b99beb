"""Personal access tokens: `hsk_<env>_<prefix12>_<secret32>`, of which only a keyed digest is kept."""

import hashlib
import hmac
import re
import secrets
import string
from typing import Literal, NamedTuple, TypeAlias
from zlib import crc32

from tallystick.values.seal import derive

Env: TypeAlias = Literal["live", "test"]

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM_CHARACTERS = 26  # 154 bits
_CHECK_CHARACTERS = 6  # 62**6 is more than 2**32
_TOKEN = re.compile(r"hsk_(live|test)_([0-9a-f]{12})_[0-9A-Za-z]{32}", re.ASCII)

_LABEL = "pat/v1"
_NOBODYS = bytes(32)


class TokenShape(NamedTuple):
    """What a token says about itself before anybody is asked; the prefix is public."""

    env: str
    prefix: str


def mint(env: Env) -> str:
    """A new token. It is shown once: keep its `shape(...).prefix` and `digest(...)`, never the token."""
    secret = "".join(secrets.choice(BASE62) for _ in range(_RANDOM_CHARACTERS))
    body = f"hsk_{env}_{secrets.token_hex(6)}_{secret}"
    return body + checksum(body)


def shape(token: str) -> TokenShape | None:
    """Environment and prefix of a well-formed token, or None; a mistyped one fails its own checksum."""
    match = _TOKEN.fullmatch(token)
    if match is None or checksum(token[:-_CHECK_CHARACTERS]) != token[-_CHECK_CHARACTERS:]:
        return None
    return TokenShape(match[1], match[2])


def digest(key: bytes, token: str) -> bytes:
    """What is stored: an HMAC under a key the database does not hold, so a written row is no way in either."""
    return hmac.digest(derive(key, _LABEL), token.encode(), hashlib.sha256)


def matches(given: bytes, stored: bytes | None) -> bool:
    """Whether two digests are one; an unknown prefix (None) takes the same time to refuse."""
    same = hmac.compare_digest(given, _NOBODYS if stored is None else stored)
    return same and stored is not None


def checksum(body: str) -> str:
    """The last characters of a token, which a mistyped one does not have."""
    rest = crc32(body.encode())
    digits = ""
    for _ in range(_CHECK_CHARACTERS):
        rest, digit = divmod(rest, 62)
        digits = BASE62[digit] + digits
    return digits
