"""Reconciliation on the wire: what became of the work, for each client and for one project. Ours."""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

from tallystick.api.wire import Ask, Operation
from tallystick.domain import reconciliation
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.listing import Filter
from tallystick.domain.reconciliation import Fees, OfClient, Sum, Sums
from tallystick.values.money import decimal_text


class SumJson(Struct, rename="camel", gc=False):
    seconds: int
    amount: str


class SumsJson(Struct, rename="camel", gc=False):
    tracked: SumJson
    billed: SumJson
    unbilled: SumJson
    non_billable: SumJson
    written_off: SumJson


class FeesJson(Struct, rename="camel", gc=False):
    agreed: str
    billed: str
    unbilled: str


class ReconciliationJson(Struct, rename="camel", gc=False):
    client_id: str | None
    client_name: str | None
    currency: str
    adds_up: bool
    time: SumsJson
    expenses: SumsJson
    fees: FeesJson
    invoiced: SumJson


class ProjectNumbersJson(Struct, rename="camel", gc=False):
    project_id: str
    currency: str
    time: SumsJson
    expenses: SumsJson
    fee: FeesJson | None
    effective_hourly_rate: str | None


def get_reconciliation(ctx: Context, ask: Ask) -> list[Struct]:
    found = reconciliation.reconcile(ctx, client_id=ask.query.get("client_id"))
    return [_of_client(one) for one in found]


def get_project_numbers(ctx: Context, ask: Ask) -> Struct:
    found = reconciliation.of_project(ctx, ask.id)
    rate = found.effective_hourly_rate
    return ProjectNumbersJson(
        found.project_id,
        found.currency,
        _sums(found.time),
        _sums(found.expenses),
        None if found.fee is None else _fees(found.fee),
        None if rate is None else decimal_text(rate),
    )


def _of_client(one: OfClient) -> Struct:
    return ReconciliationJson(
        one.client_id,
        one.client_name,
        one.currency,
        one.adds_up,
        _sums(one.time),
        _sums(one.expenses),
        _fees(one.fees),
        _sum(one.invoiced),
    )


def _sum(one: Sum) -> SumJson:
    return SumJson(one.seconds, decimal_text(one.amount))


def _sums(all_of_it: Sums) -> SumsJson:
    return SumsJson(*[_sum(one) for one in all_of_it])


def _fees(fees: Fees) -> FeesJson:
    return FeesJson(decimal_text(fees.agreed), decimal_text(fees.billed), decimal_text(fees.unbilled))


_NONE: Final[Any] = None
_TAG: Final = "Reports"

OPERATIONS = (
    Operation(
        "getReconciliation", "GET", "/reports/reconciliation", get_reconciliation,
        "For each client: tracked = billed + unbilled + non-billable + written off", Permission.SEE_MONEY,
        ReconciliationJson, many=True, tag=_TAG,
        parameters={"client_id": Filter("id", _NONE, about="Only this client.")},
    ),
    Operation(
        "getProjectNumbers", "GET", "/projects/{id}/numbers", get_project_numbers,
        "What became of the work on a project, and of its fee", Permission.SEE_MONEY, ProjectNumbersJson, tag=_TAG,
    ),
)  # fmt: skip
