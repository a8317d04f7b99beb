"""Card payments on the wire; in Hoursmith they are in the app (contract hoursmith 3.9)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from tallystick.api.fields import Percent
from tallystick.api.native.views import View
from tallystick.api.native.wire import read_only
from tallystick.api.wire import Ask, Errand, Nothing, Operation
from tallystick.domain.access import Permission
from tallystick.domain.cards import checkouts, settings
from tallystick.domain.cards.checkouts import CardCheckout, CheckoutStatus, Claim
from tallystick.domain.cards.settings import CardSettings, Method, Of
from tallystick.domain.context import Context
from tallystick.values.errors import Conflict
from tallystick.values.money import decimal_text

Secret = Annotated[str, Meta(max_length=300)]


class CardSettingsJson(Struct, rename="camel", gc=False):
    method: Method
    fee_percent: str | None
    secret_key_set: bool
    webhook_secret_set: bool
    webhook_url: str


class CardSettingsFields(Struct, rename="camel"):
    method: Method | UnsetType = UNSET
    fee_percent: Percent | UnsetType | None = UNSET
    secret_key: Secret | UnsetType | None = UNSET
    webhook_secret: Secret | UnsetType | None = UNSET


class PaymentMethodJson(Struct, gc=False):
    method: Method | None
    effective: Method


class PaymentMethodFields(Struct):
    method: Method | UnsetType | None = UNSET


class CheckoutJson(Struct, rename="camel", gc=False):
    id: str
    org_id: str
    invoice_id: str
    url: str | None
    amount: str
    fee: str
    currency: str
    status: CheckoutStatus
    note: str | None
    payment_id: str | None
    expires_at: datetime
    created_at: datetime
    updated_at: datetime


CHECKOUT = View(CardCheckout, CheckoutJson)


def get_card_settings(ctx: Context, ask: Ask) -> Struct:
    del ask
    return _settings(ctx, settings.read(ctx))


def update_card_settings(ctx: Context, ask: Ask) -> Struct:
    return _settings(ctx, settings.change(ctx, **ask.facts))


def get_client_payment_method(ctx: Context, ask: Ask) -> Struct:
    return PaymentMethodJson(*settings.method_of(ctx, "client", ask.id))


def set_client_payment_method(ctx: Context, ask: Ask) -> Struct:
    return _chosen(ctx, "client", ask)


def get_invoice_payment_method(ctx: Context, ask: Ask) -> Struct:
    return PaymentMethodJson(*settings.method_of(ctx, "invoice", ask.id))


def set_invoice_payment_method(ctx: Context, ask: Ask) -> Struct:
    return _chosen(ctx, "invoice", ask)


def create_checkout(ctx: Context, ask: Ask) -> Struct | Errand | Conflict:
    found = checkouts.claim(ctx, ask.id) if ask.brought is None else checkouts.record(ctx, *ask.brought)
    if isinstance(found, Claim):
        return Errand(lambda: (found, found.ask()))
    return found if isinstance(found, Conflict) else CHECKOUT.one(ctx.actor, found)


def list_checkouts(ctx: Context, ask: Ask) -> list[Struct]:
    return [CHECKOUT.one(ctx.actor, one) for one in checkouts.of_invoice(ctx, ask.id)]


def _chosen(ctx: Context, of: Of, ask: Ask) -> Struct:
    return PaymentMethodJson(*settings.choose(ctx, of, ask.id, ask.facts.get("method")))


def _settings(ctx: Context, row: CardSettings) -> CardSettingsJson:
    return CardSettingsJson(
        method=row.method,  # type: ignore[arg-type]  # the CHECK says so
        fee_percent=None if row.fee_percent is None else decimal_text(row.fee_percent),
        secret_key_set=row.secret_key is not None,
        webhook_secret_set=row.webhook_secret is not None,
        webhook_url=f"{ctx.server.public_url}/stripe/webhook/{ctx.actor.workspace_id}",
    )


_TAG = "Card payments"
_METHOD_READ_ONLY = read_only(PaymentMethodJson, PaymentMethodFields)

OPERATIONS = (
    Operation(
        "getCardSettings", "GET", "/card-settings", get_card_settings, "How cards are taken",
        Permission.CHANGE_WORKSPACE, CardSettingsJson, tag=_TAG,
    ),
    Operation(
        "updateCardSettings", "PUT", "/card-settings", update_card_settings,
        "Say how cards are taken; what is left out stays", Permission.CHANGE_WORKSPACE, CardSettingsJson,
        body=CardSettingsFields, read_only=read_only(CardSettingsJson, CardSettingsFields), tag=_TAG,
    ),
    Operation(
        "getClientPaymentMethod", "GET", "/clients/{id}/payment-method", get_client_payment_method,
        "How a client is to pay", Permission.READ_INVOICES, PaymentMethodJson, tag=_TAG,
    ),
    Operation(
        "setClientPaymentMethod", "PUT", "/clients/{id}/payment-method", set_client_payment_method,
        "Say how a client is to pay", Permission.CHANGE_INVOICES, PaymentMethodJson, body=PaymentMethodFields,
        read_only=_METHOD_READ_ONLY, tag=_TAG,
    ),
    Operation(
        "getInvoicePaymentMethod", "GET", "/invoices/{id}/payment-method", get_invoice_payment_method,
        "How an invoice is to be paid", Permission.READ_INVOICES, PaymentMethodJson, tag=_TAG,
    ),
    Operation(
        "setInvoicePaymentMethod", "PUT", "/invoices/{id}/payment-method", set_invoice_payment_method,
        "Say how an invoice is to be paid, also when it is sent", Permission.CHANGE_INVOICES, PaymentMethodJson,
        body=PaymentMethodFields, read_only=_METHOD_READ_ONLY, tag=_TAG,
    ),
    Operation(
        "createInvoiceCheckout", "POST", "/invoices/{id}/checkout", create_checkout,
        "A page where the balance is paid by card", Permission.CHANGE_INVOICES, CheckoutJson, status=201,
        body=Nothing, conflicts="The invoice is not sent, or not paid by card.", tag=_TAG,
    ),
    Operation(
        "listInvoiceCheckouts", "GET", "/invoices/{id}/checkouts", list_checkouts,
        "The checkouts of an invoice, the last one first", Permission.READ_INVOICES, CheckoutJson, many=True, tag=_TAG,
    ),
)  # fmt: skip
