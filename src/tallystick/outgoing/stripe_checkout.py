"""Stripe Checkout: opens sessions through Stripe's own library, which is loaded only here, and reads its callbacks."""

from __future__ import annotations

import hashlib
import hmac
import importlib
from datetime import datetime
from typing import Any, Final

import msgspec

from tallystick.values.cards import Declined, Forged, Notice, Opened, Order, Unreachable

API: Final = "https://api.stripe.com"
SECONDS: Final = 8.0
TOLERANCE_SECONDS: Final = 300
LONGEST: Final = 500


class StripeTill:
    """`values.cards.Till` over Stripe. It connects to `api` and nowhere else."""

    def __init__(self, api: str = API) -> None:
        self._api = api

    def open(self, secret_key: str, order: Order) -> Opened:
        """Open a Checkout session; the same `once` opens the same one."""
        stripe: Any = importlib.import_module("stripe")
        stripe.enable_telemetry = False
        client = stripe.StripeClient(
            secret_key,
            base_addresses={"api": self._api},
            max_network_retries=0,
            http_client=stripe.RequestsClient(timeout=SECONDS),
        )
        try:
            session = client.v1.checkout.sessions.create(_parameters(order), {"idempotency_key": order.once})
        except (stripe.AuthenticationError, stripe.PermissionError):
            raise Declined("Stripe does not accept the secret key.") from None
        except stripe.InvalidRequestError as error:
            raise Declined(str(error.user_message or error)[:LONGEST]) from None
        except stripe.StripeError as error:
            raise Unreachable(type(error).__name__) from None
        return Opened(str(session.id), str(session.url))

    def read(self, body: bytes, signature: str, secret: str, now: datetime) -> Notice:
        """The event in a callback, signed with the endpoint's secret at most five minutes ago."""
        _check_signature(body, signature, secret, now)
        try:
            event = msgspec.json.decode(body, type=_Event)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            raise Forged("The body is no event of Stripe.") from None
        thing = event.data.object
        if thing.object == "checkout.session":
            return Notice(
                id=event.id, type=event.type, session_id=thing.id, payment_intent=thing.payment_intent,
                paid=thing.payment_status == "paid", currency=_upper(thing.currency), amount=thing.amount_total,
            )  # fmt: skip
        return Notice(
            id=event.id, type=event.type, payment_intent=thing.payment_intent, currency=_upper(thing.currency),
            refunded=thing.amount_refunded,
        )  # fmt: skip


class _Thing(msgspec.Struct):
    id: str = ""
    object: str = ""
    payment_intent: str | None = None
    payment_status: str | None = None
    currency: str | None = None
    amount_total: int | None = None
    amount_refunded: int | None = None


class _Data(msgspec.Struct):
    object: _Thing


class _Event(msgspec.Struct):
    id: str
    type: str
    data: _Data


def _parameters(order: Order) -> dict[str, Any]:
    def line(name: str, units: int) -> dict[str, Any]:
        price = {"currency": order.currency.lower(), "unit_amount": units, "product_data": {"name": name}}
        return {"quantity": 1, "price_data": price}

    lines = [line(order.what, order.amount)]
    if order.fee:
        lines.append(line(order.fee_label, order.fee))
    return {
        "mode": "payment",
        "line_items": lines,
        "client_reference_id": order.reference,
        "success_url": order.success_url,
        "cancel_url": order.cancel_url,
        "expires_at": int(order.expires_at.timestamp()),
        **({"customer_email": order.email} if order.email else {}),
    }


def _check_signature(body: bytes, signature: str, secret: str, now: datetime) -> None:
    """`t=<seconds>,v1=<hex>`, of which several may stand there while a secret is being rolled."""
    pairs = [part.partition("=")[::2] for part in signature[:2_000].split(",")]
    at = next((value for name, value in pairs if name.strip() == "t"), "")
    if not (at.isascii() and at.isdigit() and len(at) <= 12):
        raise Forged("The signature is missing.")
    if abs(now.timestamp() - int(at)) > TOLERANCE_SECONDS:
        raise Forged("The signature is too old.")
    right = hmac.new(secret.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
    if not any(hmac.compare_digest(right.encode(), value.encode()) for name, value in pairs if name.strip() == "v1"):
        raise Forged("The signature is wrong.")


def _upper(currency: str | None) -> str | None:
    return None if currency is None else currency.upper()
