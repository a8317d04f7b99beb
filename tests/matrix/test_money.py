"""Members never receive rates and amounts: not in an answer, not in an error, not by sorting or filtering."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy.sql import visitors

from tallystick.api.native.operations import OPERATIONS
from tallystick.api.native.wire import camel
from tallystick.api.wire import Operation
from tallystick.values.errors import Invalid
from tests.matrix.requests import BY_ID, data_of, example, said
from tests.matrix.stage import Stage
from tests.matrix.world import MONEY

MONEY_KEYS = frozenset(
    {
        "hourlyRate", "fixedFeeAmount", "budgetHours", "budgetAmount", "defaultRate", "defaultTaxRate", "amount",
        "subtotal", "discount", "discountAmount", "discountPercent", "taxRate", "taxAmount", "total", "amountPaid",
        "settled", "rate", "price", "fee", "balance",
    }
)  # fmt: skip
LISTS = [operation for operation in OPERATIONS if operation.listing is not None]


def keys(value: Any) -> Iterator[str]:
    """Every key in a JSON value, however deep."""
    if isinstance(value, dict):
        yield from value
        for part in value.values():
            yield from keys(part)
    elif isinstance(value, list):
        for part in value:
            yield from keys(part)


def hidden_in(operation: Operation) -> set[str]:
    """The domain names of what a Member may not see in a list."""
    assert operation.listing is not None
    return set(operation.listing.kind.money)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
def test_no_operation_tells_a_member_an_amount(operation: Operation, stage: Stage) -> None:
    request = example(operation, stage.world, "member")
    requests = [request]
    if operation.body is not None and request.body is not None:
        for key in sorted(MONEY_KEYS):
            requests.append(example(operation, stage.world, "member"))
            requests[-1].body = {**request.body, key: "1"}
    for one in requests:
        answer = stage.ask(one, "member")
        assert answer.status_code < 500
        text = said(answer).decode()
        assert not [amount for amount in MONEY if amount in text]
        told = answer.json if "json" in answer.headers.get("content-type", "") else {}
        found = MONEY_KEYS & set(keys(told))
        if answer.status_code == 422:  # it may name the field that was sent, as unknown
            fields = told["error"]["fields"]
            assert all("unknown field" in fields[key] for key in found), told
            continue
        assert not found, answer.text


def test_the_owner_does_see_them(stage: Stage) -> None:
    """The check itself."""
    seen = set()
    text = ""
    for operation in OPERATIONS:
        if operation.method == "GET":
            answer = stage.ask(example(operation, stage.world))
            seen |= set(keys(data_of(answer)))
            text += answer.content.decode(errors="replace")
    assert {"hourlyRate", "budgetAmount", "defaultRate", "amount", "total", "rate"} <= seen
    assert all(amount in text for amount in MONEY)


@pytest.mark.parametrize("operation", LISTS, ids=lambda operation: operation.id)
def test_a_member_neither_sorts_nor_filters_by_an_amount(operation: Operation, stage: Stage) -> None:
    listing = operation.listing
    assert listing is not None
    queries = [
        {"sort": sign + camel(name)} for name in listing.sorts for sign in ("", "-") if name in hidden_in(operation)
    ]
    queries += [{camel(name): "1"} for name, rule in listing.filters.items() if rule.money]
    for query in queries:
        request = example(operation, stage.world)
        request.query = query
        assert stage.ask(request).status_code == 200
        assert stage.ask(request, "member").status_code in (403, 422), query


@pytest.mark.parametrize("operation", LISTS, ids=lambda operation: operation.id)
def test_a_list_refuses_hidden_sorts_and_filters_whoever_calls_it(operation: Operation, stage: Stage) -> None:
    """Today no Member reaches a list with amounts; the list itself must hold all the same."""
    listing = operation.listing
    assert listing is not None
    with stage.world.studio.context("member") as ctx:
        for name in listing.sorts:
            if name in hidden_in(operation):
                with pytest.raises(Invalid):
                    listing.page(ctx, ("id",), {}, sort=name)
        for name, rule in listing.filters.items():
            if rule.money:
                with pytest.raises(Invalid):
                    listing.page(ctx, ("id",), {name: 1})


@pytest.mark.parametrize("operation", LISTS, ids=lambda operation: operation.id)
def test_every_filter_over_an_amount_says_that_it_is_one(operation: Operation) -> None:
    listing = operation.listing
    assert listing is not None
    for name, rule in listing.filters.items():
        columns = {getattr(part, "key", "") for part in visitors.iterate(rule.clause)}
        assert rule.money or not columns & hidden_in(operation), name
    assert not set(listing.search) & hidden_in(operation)


def test_there_are_amounts_to_hide() -> None:
    assert {name for operation in LISTS for name in operation.listing.sorts if name in hidden_in(operation)} >= {  # type: ignore[union-attr]
        "amount",
        "total",
    }
    assert BY_ID["listProjects"].listing.kind.money >= {"hourly_rate", "budget_amount", "budget_hours"}  # type: ignore[union-attr]
