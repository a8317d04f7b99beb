"""What is asked of a card gateway and what it tells: plain facts between the record and who speaks to Stripe."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple, Protocol

import msgspec

WHOLE: Final = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"}
)
"""Currencies of which Stripe counts whole units."""
THOUSANDTHS: Final = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
"""Of these thousandths, the last digit of which is 0."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A checkout to open. Amounts are in the gateway's smallest units."""

    once: str
    """The same text opens the same checkout, however often it is asked."""
    reference: str
    what: str
    currency: str
    amount: int
    fee: int = 0
    fee_label: str = "Card fee"
    email: str | None = None
    success_url: str
    cancel_url: str
    expires_at: datetime


class Opened(NamedTuple):
    """A page where somebody pays."""

    session_id: str
    url: str


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway tells: something happened to a checkout or a charge."""

    id: str
    """The gateway's own; the same one may come more than once."""
    type: str
    session_id: str | None = None
    payment_intent: str | None = None
    paid: bool = False
    currency: str | None = None
    amount: int | None = None
    refunded: int | None = None
    """All that was returned of a charge by then."""


class Unreachable(Exception):  # noqa: N818 - a fact about a gateway
    """The gateway does not answer, or asks to wait."""


class Declined(Exception):  # noqa: N818 - a fact about an order
    """The gateway does not take the key or the order; the text says why."""


class Forged(Exception):  # noqa: N818 - a fact about a notice
    """A notice that the gateway did not sign, or long ago."""


class Till(Protocol):
    """Speaks to the gateway; `outgoing` implements it, and `main` lends it."""

    def open(self, secret_key: str, order: Order) -> Opened:
        """Raises Unreachable or Declined."""
        ...

    def read(self, body: bytes, signature: str, secret: str, now: datetime) -> Notice:
        """The notice in a body. Raises Forged."""
        ...


def smallest_units(amount: Decimal, currency: str) -> int | None:
    """An amount as Stripe counts it; None where it cannot be charged exactly."""
    places = 0 if currency in WHOLE else 3 if currency in THOUSANDTHS else 2
    units = amount.scaleb(places)
    if units != units.to_integral_value() or (places == 3 and units % 10):
        return None
    return int(units)


def in_currency(units: int, currency: str) -> Decimal:
    """The amount that so many of Stripe's units are."""
    return Decimal(units).scaleb(0 if currency in WHOLE else -3 if currency in THOUSANDTHS else -2)
