"""Named tax rates on the wire; Hoursmith's API has none."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from tallystick.api.fields import Percent
from tallystick.api.native.views import View
from tallystick.api.native.wire import lists, read_only
from tallystick.api.wire import Ask, Nothing, Operation
from tallystick.domain import tax_rates
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.tax_rates import TaxRate
from tallystick.values.tax import TaxCategory

Name = Annotated[str, Meta(min_length=1, max_length=100)]


class TaxRateJson(Struct, rename="camel", gc=False):
    id: str
    org_id: str
    number: int
    name: str
    category: TaxCategory
    percent: str | None
    reason: str | None
    is_default: bool
    archived: bool
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None


class TaxRateFields(Struct, rename="camel"):
    name: Name | UnsetType = UNSET
    category: TaxCategory | UnsetType = UNSET
    percent: Percent | UnsetType | None = UNSET
    reason: Annotated[str, Meta(max_length=500)] | UnsetType | None = UNSET
    is_default: bool | UnsetType = UNSET


class TaxRateChange(TaxRateFields, rename="camel"):
    archived: bool | UnsetType = UNSET


TAX_RATE = View(TaxRate, TaxRateJson)


def create_tax_rate(ctx: Context, ask: Ask) -> Struct:
    return TAX_RATE.one(ctx.actor, tax_rates.create(ctx, **ask.facts))


def get_tax_rate(ctx: Context, ask: Ask) -> Struct:
    return TAX_RATE.one(ctx.actor, tax_rates.read(ctx, ask.id))


def update_tax_rate(ctx: Context, ask: Ask) -> Struct:
    return TAX_RATE.one(ctx.actor, tax_rates.change(ctx, ask.id, **ask.facts))


def delete_tax_rate(ctx: Context, ask: Ask) -> None:
    tax_rates.delete(ctx, ask.id)


_TAKEN = "There is a rate of this name already."
_TAG = "Tax rates"

OPERATIONS = (
    Operation(
        "listTaxRates", "GET", "/tax-rates", lists(tax_rates.TAX_RATES, TAX_RATE), "List tax rates",
        Permission.READ_WORKSPACE, TaxRateJson, listing=tax_rates.TAX_RATES, tag=_TAG,
    ),
    Operation(
        "createTaxRate", "POST", "/tax-rates", create_tax_rate, "Give a tax rate a name", Permission.CHANGE_WORKSPACE,
        TaxRateJson, status=201, body=TaxRateFields, required=("name",),
        read_only=read_only(TaxRateJson, TaxRateFields), conflicts=_TAKEN, tag=_TAG,
    ),
    Operation(
        "getTaxRate", "GET", "/tax-rates/{id}", get_tax_rate, "Get a tax rate", Permission.READ_WORKSPACE, TaxRateJson,
        tag=_TAG,
    ),
    Operation(
        "updateTaxRate", "PATCH", "/tax-rates/{id}", update_tax_rate, "Change, archive or bring back a tax rate",
        Permission.CHANGE_WORKSPACE, TaxRateJson, body=TaxRateChange, read_only=read_only(TaxRateJson, TaxRateChange),
        conflicts=_TAKEN, tag=_TAG,
    ),
    Operation(
        "deleteTaxRate", "DELETE", "/tax-rates/{id}", delete_tax_rate,
        "Delete a tax rate; one that is on an invoice is archived", Permission.CHANGE_WORKSPACE, status=204,
        body=Nothing, tag=_TAG,
    ),
)  # fmt: skip
