"""Automatic billing of tracked time on the wire; Hoursmith's API has none."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from tallystick.api.fields import Hours, Money
from tallystick.api.native.invoices import Grouping
from tallystick.api.native.views import View
from tallystick.api.native.wire import read_only
from tallystick.api.wire import Ask, Nothing, Operation
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.recurring import automatic_billing
from tallystick.domain.recurring.automatic_billing import AutomaticBilling, BillingOutcome, BillingRun, Every
from tallystick.domain.recurring.recurring import Mode
from tallystick.values.recurrence import Weekday


class AutomaticBillingJson(Struct, rename="camel", gc=False):
    id: str
    org_id: str
    client_id: str
    every: Every
    weekday: Weekday | None
    month_day: int | None
    amount: str | None
    hours: str | None
    mode: Mode
    grouping: str
    include_expenses: bool
    minimum_amount: str | None
    period_ends_on: date | None
    failure: str | None
    created_at: datetime
    updated_at: datetime


class AutomaticBillingFields(Struct, rename="camel"):
    every: Every | UnsetType = UNSET
    weekday: Weekday | UnsetType | None = UNSET
    month_day: Annotated[int, Meta(ge=-28, le=31)] | UnsetType | None = UNSET
    amount: Money | UnsetType | None = UNSET
    hours: Hours | UnsetType | None = UNSET
    mode: Mode | UnsetType = UNSET
    grouping: Grouping | UnsetType = UNSET
    include_expenses: bool | UnsetType = UNSET
    minimum_amount: Money | UnsetType | None = UNSET
    period_ends_on: date | UnsetType | None = UNSET


class BillingRunJson(Struct, rename="camel", gc=False):
    id: str
    org_id: str
    client_id: str
    every: Every
    period_to: date
    outcome: BillingOutcome
    invoice_id: str | None
    note: str | None
    failure: str | None
    attempts: int
    retry_at: datetime | None
    created_at: datetime
    updated_at: datetime


BILLING = View(AutomaticBilling, AutomaticBillingJson)
RUN = View(BillingRun, BillingRunJson)


def get_automatic_billing(ctx: Context, ask: Ask) -> Struct:
    return BILLING.one(ctx.actor, automatic_billing.of_client(ctx, ask.id))


def put_automatic_billing(ctx: Context, ask: Ask) -> Struct:
    return BILLING.one(ctx.actor, automatic_billing.arrange(ctx, ask.id, **ask.facts))


def delete_automatic_billing(ctx: Context, ask: Ask) -> None:
    automatic_billing.stop(ctx, ask.id)


def list_billing_runs(ctx: Context, ask: Ask) -> list[Struct]:
    return [RUN.one(ctx.actor, run) for run in automatic_billing.runs(ctx, ask.id)]


_TAG = "Automatic billing"

OPERATIONS = (
    Operation(
        "getAutomaticBilling", "GET", "/clients/{id}/automatic-billing", get_automatic_billing,
        "How a client's unbilled work bills itself", Permission.READ_INVOICES, AutomaticBillingJson, tag=_TAG,
    ),
    Operation(
        "putAutomaticBilling", "PUT", "/clients/{id}/automatic-billing", put_automatic_billing,
        "Let a client's unbilled work bill itself, in this way and no other", Permission.CHANGE_INVOICES,
        AutomaticBillingJson, body=AutomaticBillingFields, required=("every",),
        read_only=read_only(AutomaticBillingJson, AutomaticBillingFields), tag=_TAG,
    ),
    Operation(
        "deleteAutomaticBilling", "DELETE", "/clients/{id}/automatic-billing", delete_automatic_billing,
        "Let it wait for somebody to bill it", Permission.CHANGE_INVOICES, status=204, body=Nothing, tag=_TAG,
    ),
    Operation(
        "listBillingRuns", "GET", "/clients/{id}/automatic-billing/runs", list_billing_runs,
        "What became of a client's periods: the last 200, the latest first", Permission.READ_INVOICES, BillingRunJson,
        many=True, tag=_TAG,
    ),
)  # fmt: skip
