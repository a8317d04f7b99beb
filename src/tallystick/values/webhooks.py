"""What goes to a webhook's receiver and what comes back: signatures, the times of retries, what an attempt came to."""

from __future__ import annotations

import base64
import hashlib
import hmac
import random
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, NamedTuple, Protocol

WAITS: Final = tuple(timedelta(seconds=one) for one in (5, 60, 300, 1800, 7200, 21_600, 86_400))
"""After each failed attempt of a delivery, until the next; after the last there is none."""
JITTER: Final = 0.2
"""How far a wait strays either way, so that what failed together is not tried together."""
LONGEST_WAIT: Final = timedelta(hours=24)
"""What a receiver may ask for with Retry-After."""
KEPT_ANSWER: Final = 2048
"""So many bytes of an answer are kept."""
SECRET_BYTES: Final = 32
_PATIENT: Final = frozenset({429, 503})


class Attempt(NamedTuple):
    """What became of one request to a receiver."""

    status: int | None
    """Of the answer; None: there was none."""
    milliseconds: int
    answer: bytes = b""
    """The beginning of its body."""
    error: str | None = None
    """Why there was no answer."""
    retry_after: str | None = None

    @property
    def delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class Courier(Protocol):
    """Takes a body to an address that a workspace names; `outgoing.http` does."""

    def address(self, url: str) -> str:
        """An address as it is kept. Raises `values.egress.Unusable`, as far as it can be told from its text."""
        ...

    def take(self, url: str, headers: Mapping[str, str], body: bytes) -> Attempt:
        """One request. What goes wrong is told and not raised."""
        ...


def mint() -> str:
    """A new signing secret: shown once, kept locked up."""
    return f"wsk_{secrets.token_urlsafe(SECRET_BYTES)}"


def signed(signing: Sequence[str], event_id: str, body: bytes, at: datetime) -> dict[str, str]:
    """The headers that prove who sends a body, by each of these secrets: Hoursmith's, and those of Standard Webhooks.

    The key is the secret as it is shown, with its prefix.
    """
    second = str(int(at.timestamp()))
    ours = [_digest(one, f"{second}.".encode() + body).hex() for one in signing]
    standard = [_digest(one, f"{event_id}.{second}.".encode() + body) for one in signing]
    return {
        "Hoursmith-Signature": ",".join([f"t={second}", *(f"v1={one}" for one in ours)]),
        "webhook-id": event_id,
        "webhook-timestamp": second,
        "webhook-signature": " ".join(f"v1,{base64.b64encode(one).decode()}" for one in standard),
    }


def wait_after(tries: int, attempt: Attempt, now: datetime) -> timedelta | None:
    """How long to wait after so many tries in a row have failed; None: it was the last.

    A receiver that says 429 or 503 is not asked again before the time it names.
    """
    if tries > len(WAITS):
        return None
    wait = WAITS[tries - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - jitter
    asked = _asked(attempt.retry_after, now) if attempt.status in _PATIENT else None
    return wait if asked is None else max(wait, min(asked, LONGEST_WAIT))


def _digest(secret: str, signed_text: bytes) -> bytes:
    return hmac.digest(secret.encode(), signed_text, hashlib.sha256)


def _asked(text: str | None, now: datetime) -> timedelta | None:
    """Retry-After: seconds, or a date."""
    text = (text or "").strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:9]), 10**9))
    try:
        return max(parsedate_to_datetime(text) - now, timedelta())
    except (TypeError, ValueError, OverflowError):
        return None
