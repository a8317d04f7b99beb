"""Rates that begin on a day, on the wire: what an hour costs, since when, and what another rate would do."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from msgspec import UNSET, Struct, UnsetType

from tallystick.api.fields import Money, Uuid
from tallystick.api.native.views import MONEY_FIELDS, View
from tallystick.api.native.wire import lists, read_only
from tallystick.api.wire import Ask, Nothing, Operation
from tallystick.domain import rates
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.dated_rates import Rate, Scope
from tallystick.domain.invoices import rerating
from tallystick.domain.invoices.rerating import Change, Effect
from tallystick.values.errors import Invalid
from tallystick.values.money import decimal_text


class RateJson(Struct, rename="camel", gc=False):
    id: str
    org_id: str
    scope: Scope
    client_id: str | None
    project_id: str | None
    task_id: str | None
    amount: str | None
    effective_from: date
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


class RateFields(Struct, rename="camel"):
    amount: Money | UnsetType | None = UNSET
    effective_from: date | UnsetType | None = UNSET
    client_id: Uuid | UnsetType | None = UNSET
    project_id: Uuid | UnsetType | None = UNSET
    task_id: Uuid | UnsetType | None = UNSET


class RateChangeFields(RateFields, rename="camel"):
    effective_to: date | UnsetType | None = UNSET


class RateApplication(RateChangeFields, rename="camel"):
    re_rate: bool | UnsetType = UNSET


class PartJson(Struct, rename="camel", gc=False):
    client_id: str
    client_name: str
    project_id: str
    project_name: str
    currency: str
    entries: int
    duration_seconds: int
    old_amount: str
    new_amount: str
    difference: str


class KeptJson(Struct, rename="camel", gc=False):
    entry_id: str
    why: str
    invoice_number: str | None


class EffectJson(Struct, rename="camel", gc=False):
    effective_from: date
    effective_to: date | None
    entries: int
    duration_seconds: int
    parts: list[PartJson]
    entry_ids: list[str]
    kept: list[KeptJson]


class AppliedJson(EffectJson, rename="camel", gc=False):
    rate: RateJson | None = None


RATE = View(Rate, RateJson)
MONEY_FIELDS[PartJson] = frozenset({"oldAmount", "newAmount", "difference"})
_READ_ONLY: Final = read_only(RateJson, RateFields)


def get_rate(ctx: Context, ask: Ask) -> Struct:
    return RATE.one(ctx.actor, rates.read(ctx, ask.id))


def create_rate(ctx: Context, ask: Ask) -> Struct:
    return RATE.one(ctx.actor, rates.begin(ctx, **_place(ask.facts)))


def delete_rate(ctx: Context, ask: Ask) -> None:
    rates.remove(ctx, ask.id)


def preview_rate(ctx: Context, ask: Ask) -> Struct:
    return _shown(EffectJson, rerating.preview(ctx, Change(**_place(ask.facts))))


def apply_rate(ctx: Context, ask: Ask) -> Struct:
    facts = _place(ask.facts)
    re_rate = bool(facts.pop("re_rate", False))
    done = rerating.apply(ctx, Change(**facts), re_rate=re_rate)
    assert done.rate is not None  # noqa: S101 - it was applied
    return _shown(AppliedJson, done, rate=RATE.one(ctx.actor, done.rate))


def _place(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name == "amount" or value is not None}


def _shown(shape: type[EffectJson], effect: Effect, **more: Any) -> Struct:
    parts = [PartJson(*[_plain(value) for value in (*part, part.difference)]) for part in effect.parts]
    return shape(
        effect.effective_from,
        effect.effective_to,
        effect.entries,
        effect.seconds,
        parts,
        effect.entry_ids,
        [KeptJson(*one) for one in effect.kept],
        **more,
    )


def _plain(value: Any) -> Any:
    return decimal_text(value) if value.__class__ is Decimal else value


def _checked(facts: dict[str, Any]) -> None:
    """An amount is said, be it null."""
    if "amount" not in facts:
        raise Invalid(fields={"amount": "required: an amount, or null for none"})


_CHANGE: Final = Permission.CHANGE_RATES
_TAG: Final = "Rates"

OPERATIONS = (
    Operation(
        "listRates", "GET", "/rates", lists(rates.RATES, RATE), "List rates that begin on a day",
        Permission.SEE_MONEY, RateJson, listing=rates.RATES, tag=_TAG,
    ),
    Operation(
        "createRate", "POST", "/rates", create_rate, "Let a rate begin on a day", _CHANGE, RateJson, status=201,
        body=RateFields, read_only=_READ_ONLY, check=_checked, tag=_TAG,
    ),
    Operation(
        "previewRate", "POST", "/rates/preview", preview_rate, "What another rate would do to unbilled work",
        _CHANGE, EffectJson, body=RateChangeFields, read_only=read_only(EffectJson, RateChangeFields), check=_checked,
        tag=_TAG,
    ),
    Operation(
        "applyRate", "POST", "/rates/apply", apply_rate, "Set a rate for a period, for unbilled work in it too",
        _CHANGE, AppliedJson, body=RateApplication, read_only=read_only(AppliedJson, RateApplication), check=_checked,
        tag=_TAG,
    ),
    Operation("getRate", "GET", "/rates/{id}", get_rate, "Get a rate", Permission.SEE_MONEY, RateJson, tag=_TAG),
    Operation(
        "deleteRate", "DELETE", "/rates/{id}", delete_rate, "Take a rate away; what held before it holds on",
        _CHANGE, status=204, body=Nothing, tag=_TAG,
    ),
)  # fmt: skip
