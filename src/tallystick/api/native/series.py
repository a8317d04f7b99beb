"""Series of numbers, and the credit of clients, on the wire; both are ours."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from tallystick.api.native.views import View
from tallystick.api.wire import Ask, Operation
from tallystick.domain import client_credit
from tallystick.domain.access import Permission
from tallystick.domain.client_credit import Cause, ClientCredit, CreditEntry
from tallystick.domain.context import Context
from tallystick.domain.invoices import series
from tallystick.domain.invoices.series import HIGHEST, LONGEST, Kind, Series


class SeriesJson(Struct, rename="camel", gc=False):
    kind: Kind
    prefix: str
    digits: int
    yearly_reset: bool
    next: int
    next_number: str


class SeriesFields(Struct, rename="camel"):
    prefix: Annotated[str, Meta(max_length=LONGEST)] | UnsetType | None = UNSET
    digits: Annotated[int, Meta(ge=1, le=12)] | UnsetType | None = UNSET
    yearly_reset: bool | UnsetType | None = UNSET
    next: Annotated[int, Meta(ge=1, le=HIGHEST)] | UnsetType | None = UNSET


class HeldJson(Struct, rename="camel", gc=False):
    currency: str
    amount: str


class CreditEntryJson(Struct, rename="camel", gc=False):
    id: str
    cause: Cause
    amount: str
    currency: str
    invoice_id: str
    payment_id: str | None
    credit_note_id: str | None
    refund_id: str | None
    created_at: datetime


class ClientCreditJson(Struct, rename="camel", gc=False):
    client_id: str
    balances: list[HeldJson]
    entries: list[CreditEntryJson]


HELD = View(ClientCredit, HeldJson)
ENTRY = View(CreditEntry, CreditEntryJson)
_READ_ONLY = frozenset({"kind", "nextNumber"})


def list_series(ctx: Context, _ask: Ask) -> list[Struct]:
    return [_shown(one) for one in series.read(ctx)]


def update_invoice_series(ctx: Context, ask: Ask) -> Struct:
    return _shown(series.change(ctx, "invoice", **_given(ask)))


def update_credit_note_series(ctx: Context, ask: Ask) -> Struct:
    return _shown(series.change(ctx, "credit_note", **_given(ask)))


def get_client_credit(ctx: Context, ask: Ask) -> Struct:
    found = client_credit.of_client(ctx, ask.id)
    return ClientCreditJson(
        found.client_id,
        [HELD.one(ctx.actor, one) for one in found.balances],  # type: ignore[misc]
        [ENTRY.one(ctx.actor, one) for one in found.entries],  # type: ignore[misc]
    )


def _given(ask: Ask) -> dict[str, Any]:
    """Null, and an empty prefix with it, is a change to nothing in front."""
    facts = {name: value for name, value in ask.facts.items() if value is not None}
    if ask.facts.get("prefix", UNSET) is None:
        facts["prefix"] = ""
    return facts


def _shown(one: Series) -> SeriesJson:
    return SeriesJson(one.kind, one.prefix, one.digits, one.yearly_reset, one.next, one.next_number)


OPERATIONS = (
    Operation(
        "listNumberSeries", "GET", "/number-series", list_series, "How invoices and credit notes are numbered",
        Permission.READ_WORKSPACE, SeriesJson, many=True, tag="Number series",
    ),
    Operation(
        "updateInvoiceSeries", "PATCH", "/number-series/invoice", update_invoice_series,
        "Change how invoices are numbered", Permission.CHANGE_WORKSPACE, SeriesJson, body=SeriesFields,
        read_only=_READ_ONLY, tag="Number series",
    ),
    Operation(
        "updateCreditNoteSeries", "PATCH", "/number-series/credit-note", update_credit_note_series,
        "Change how credit notes are numbered", Permission.CHANGE_WORKSPACE, SeriesJson, body=SeriesFields,
        read_only=_READ_ONLY, tag="Number series",
    ),
    Operation(
        "getClientCredit", "GET", "/clients/{id}/credit", get_client_credit, "What a client has as credit",
        Permission.READ_INVOICES, ClientCreditJson, tag="Payments",
    ),
)  # fmt: skip
