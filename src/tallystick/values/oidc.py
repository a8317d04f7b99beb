"""Sign-in by a provider (OpenID Connect): what it vouches for, and what somebody must do who speaks to it."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, Protocol


class Vouched(NamedTuple):
    """Whom a provider says it has before it; checked for signature, issuer, audience, time and nonce."""

    issuer: str
    subject: str
    email: str | None
    """Only where the provider has verified it."""
    name: str | None
    groups: tuple[str, ...]


class Unreachable(Exception):  # noqa: N818 - a fact about the network
    """The provider does not answer, or not as a provider does."""


class NotVouched(Exception):  # noqa: N818 - a fact about an answer
    """What came is not what the provider would say to us now."""


class Provider(Protocol):
    """Who speaks to the provider; `outgoing.oidc` is one."""

    def address(self, *, state: str, nonce: str, challenge: str, back: str, anew: bool = False) -> str:
        """Where the browser goes. `anew`: whoever is signed in there shows it again. Raises Unreachable."""
        ...

    def vouched(
        self, *, code: str, verifier: str, nonce: str, back: str, now: datetime, since: datetime | None = None
    ) -> Vouched:
        """What the code is worth. `since`: they must have signed in there since, if the provider says when.

        Raises Unreachable or NotVouched.
        """
        ...
