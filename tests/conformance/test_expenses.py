"""Expenses (contract hoursmith 2.8)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.lists import Listed, assert_ids, assert_list, assert_sorted, directions
from tests.conformance.world import (
    AT,
    CURRENCY,
    FLAG,
    ID,
    NOBODY,
    ON,
    PRICE,
    TEXT,
    Form,
    World,
    assert_shape,
    invalid,
    listed,
    refused,
)

CATEGORIES = ("TRAVEL", "MEALS", "SOFTWARE", "EQUIPMENT", "CONTRACTORS", "OTHER")
EXPENSE = {
    "id": ID, "orgId": ID, "clientId": ID, "projectId": ID | None, "invoiceId": ID | None,
    "category": Form(CATEGORIES), "customCategory": TEXT | None, "description": TEXT, "amount": PRICE,
    "currency": Form(CURRENCY), "billable": FLAG, "expenseDate": ON, "createdAt": AT, "updatedAt": AT,
    "deletedAt": AT | None, "writtenOffAt": AT | None, "writeOffReason": TEXT | None,
}  # fmt: skip
EXPENSES = Listed(
    "/expenses",
    ("amount", "createdAt", "expenseDate", "id", "updatedAt"),
    search=("description", "customCategory"),
    exact=("clientId", "projectId"),
    choices={"category": CATEGORIES},
    flags=("billable",),
    dates=("expenseDate",),
    amounts=("amount",),
)


def body(world: World, **facts: Any) -> dict[str, Any]:
    return {
        "clientId": world.studio.ids["client"], "description": "Train", "amount": "42.50", "expenseDate": "2026-06-10",
        **facts,
    }  # fmt: skip


def make(world: World, /, **facts: Any) -> Any:
    return world.api().post("/expenses", body(world, **facts))


def patch(world: World, expense: dict[str, Any], /, **facts: Any) -> Any:
    return world.api()("PATCH", f"/expenses/{expense['id']}", facts)


@pytest.fixture(scope="module")
def rows(world: World) -> list[dict[str, Any]]:
    made: tuple[dict[str, Any], ...] = (
        {"amount": "9.99", "category": "MEALS", "description": "Lunch 100%"},
        {"amount": 10, "customCategory": "snake_case", "billable": False},
        {"amount": "1000000", "expenseDate": "2025-12-31", "category": "EQUIPMENT"},
        {"amount": "10.00", "clientId": world.studio.ids["other_client"]},
        {"amount": "0.01", "projectId": world.studio.ids["project"], "description": "It's a\\b"},
        {"amount": "150", "category": "TRAVEL", "expenseDate": "2026-07-01"},
    )
    for number, facts in enumerate(made):
        make(world, **facts)
        if number % 2:
            world.later(days=1, hours=3)
    patch(world, listed(world.api(), "/expenses", sort="createdAt")[0], description="touched last")
    return listed(world.api(), "/expenses")


def test_an_expense_has_exactly_the_documented_fields(world: World) -> None:
    facts = body(
        world, projectId=world.studio.ids["project"], category="OTHER", customCategory="Visa", billable=False
    )  # fmt: skip
    made = world.api().post("/expenses", facts)
    assert_shape(made, EXPENSE)
    assert {name: made[name] for name in facts} == facts
    assert made["currency"] == "EUR"
    assert made["invoiceId"] is None
    assert world.api().get(f"/expenses/{made['id']}") == made
    assert made in listed(world.api(), "/expenses")


def test_an_expense_is_other_and_billable_unless_said(world: World) -> None:
    made = make(world)
    assert (made["category"], made["billable"], made["projectId"]) == ("OTHER", True, None)


def test_client_description_amount_and_day_are_required(world: World) -> None:
    names = ("clientId", "description", "amount", "expenseDate")
    invalid(world.api()("POST", "/expenses", {}), **dict.fromkeys(names, "required"))
    invalid(world.api()("POST", "/expenses", dict.fromkeys(names, "")), **dict.fromkeys(names, "required"))


@pytest.mark.parametrize("amount", [0, "0.00", -1, "-5", "1.234", 0.001, "x", True, [], "1e2", "1000000000.01"])
def test_an_amount_is_more_than_nothing_with_two_decimals(world: World, amount: Any) -> None:
    invalid(world.api()("POST", "/expenses", body(world, amount=amount)), "amount")
    invalid(patch(world, make(world), amount=amount), "amount")


@pytest.mark.parametrize(("amount", "shown"), [(5, "5.00"), (1.5, "1.50"), ("0.01", "0.01"), (1e3, "1000.00")])
def test_an_amount_is_a_number_or_a_decimal_string(world: World, amount: Any, shown: str) -> None:
    assert make(world, amount=amount)["amount"] == shown


def test_a_description_has_at_most_500_characters(world: World) -> None:
    assert make(world, description="é" * 500)["description"] == "é" * 500
    invalid(world.api()("POST", "/expenses", body(world, description="é" * 501)), "description")


def test_the_currency_is_the_clients_at_that_time_whatever_is_sent(world: World) -> None:
    client = world.api().post("/clients", {"name": "Swiss", "currency": "CHF"})
    made = make(world, clientId=client["id"], currency="USD")
    assert made["currency"] == "CHF"
    world.api()("PATCH", f"/clients/{client['id']}", {"currency": "EUR"})
    assert world.api().get(f"/expenses/{made['id']}")["currency"] == "CHF"
    assert make(world, clientId=client["id"])["currency"] == "EUR"


def test_an_amount_fits_the_currency(world: World) -> None:
    client = world.api().post("/clients", {"name": "Tokyo", "currency": "JPY"})
    assert make(world, clientId=client["id"], amount="100")["currency"] == "JPY"
    invalid(world.api()("POST", "/expenses", body(world, clientId=client["id"], amount="1.50")), "amount")


def test_the_project_belongs_to_the_client(world: World, stranger: World) -> None:
    hidden = world.studio.ids["hidden_project"]
    for wrong in (hidden, NOBODY, stranger.studio.ids["project"], "x"):
        invalid(world.api()("POST", "/expenses", body(world, projectId=wrong)), "projectId")
        invalid(patch(world, make(world), projectId=wrong), "projectId")
    moved = patch(world, make(world), clientId=world.studio.ids["other_client"], projectId=hidden).json["data"]
    assert (moved["projectId"], moved["currency"]) == (hidden, "USD")
    of_project = make(world, projectId=world.studio.ids["project"])
    invalid(
        patch(world, of_project, clientId=world.studio.ids["other_client"], projectId=world.studio.ids["project"]),
        "projectId",
    )


def test_patch_is_partial_or_full_and_null_clears(world: World) -> None:
    made = make(world, projectId=world.studio.ids["project"], customCategory="c", category="MEALS")
    world.later(seconds=1)
    data = patch(world, made, projectId=None, customCategory="").json["data"]
    assert data == {**made, "projectId": None, "customCategory": None, "updatedAt": data["updatedAt"]}
    again = patch(world, made, **{**made, "invoiceId": NOBODY, "amount": "1"}).json["data"]
    assert again == {**made, "amount": "1.00", "updatedAt": again["updatedAt"]}
    for name in ("clientId", "description", "amount", "expenseDate", "category", "billable"):
        invalid(patch(world, made, **{name: None}), name)


def test_every_wrong_field_is_named_at_once(world: World) -> None:
    wrong = {
        "clientId": 1, "projectId": "p", "category": "Travel", "customCategory": [], "description": {}, "amount": "",
        "billable": 1, "expenseDate": 0, "colour": 1,
    }  # fmt: skip
    invalid(world.api()("POST", "/expenses", wrong), *wrong)


def test_a_deleted_expense_is_gone(world: World) -> None:
    made = make(world)
    gone = world.api()("DELETE", f"/expenses/{made['id']}")
    assert (gone.status_code, gone.content) == (204, b"")
    for method in ("GET", "PATCH", "DELETE"):
        path = f"/expenses/{made['id']}"
        refused(world.api()(method, path, {} if method == "PATCH" else None), 404, "not_found")
    assert made["id"] not in {row["id"] for row in listed(world.api(), "/expenses")}


def test_members_have_nothing_to_do_with_expenses(world: World) -> None:
    path = f"/expenses/{make(world)['id']}"
    for method, where, sent in (
        ("GET", "/expenses", None), ("POST", "/expenses", body(world)), ("GET", path, None), ("PATCH", path, {}),
        ("DELETE", path, None),
    ):  # fmt: skip
        refused(world.api("member")(method, where, sent), 403, "forbidden_scope")


@pytest.mark.parametrize("who", ["admin", "manager"])
def test_the_manage_tier_has_expenses_in_full(world: World, who: str) -> None:
    made = world.api(who).post("/expenses", body(world))
    assert_shape(made, EXPENSE)
    assert world.api(who)("PATCH", f"/expenses/{made['id']}", {"amount": 1}).json["data"]["amount"] == "1.00"
    assert world.api(who)("DELETE", f"/expenses/{made['id']}").status_code == 204


def test_expenses_of_another_workspace_do_not_exist(world: World, stranger: World) -> None:
    theirs = f"/expenses/{make(stranger)['id']}"
    for method in ("GET", "PATCH", "DELETE"):
        refused(world.api()(method, theirs, {} if method == "PATCH" else None), 404, "not_found")
    invalid(world.api()("POST", "/expenses", body(world, clientId=stranger.studio.ids["client"])), "clientId")


@pytest.mark.parametrize("sort", directions(EXPENSES))
def test_expenses_come_in_the_order_asked_for(world: World, rows: list[dict[str, Any]], sort: str) -> None:
    span = {"createdAtFrom": rows[-1]["createdAt"], "createdAtTo": rows[0]["createdAt"]}
    assert_sorted(world.api(), EXPENSES, sort, **span)


def test_expenses_filter_as_documented(world: World, rows: list[dict[str, Any]]) -> None:
    assert_list(world.api(), EXPENSES)


def test_bounds_keep_their_precision(world: World, rows: list[dict[str, Any]]) -> None:
    every = listed(world.api(), "/expenses")
    for text, least in (("9.990", "9.99"), ("9.9901", "10.00"), ("10", "10.00"), ("-1", "0.01")):
        assert_ids(
            listed(world.api(), "/expenses", amountMin=text),
            [row for row in every if float(row["amount"]) >= float(least)],
        )
    found = listed(world.api(), "/expenses", amountMin="10", amountMax="10.00")
    assert {row["amount"] for row in found} == {"10.00"}


def test_expenses_are_found_by_their_clients_name(world: World, rows: list[dict[str, Any]]) -> None:
    every = listed(world.api(), "/expenses")
    theirs = [row for row in every if row["clientId"] == world.studio.ids["other_client"]]
    assert theirs
    assert_ids(listed(world.api(), "/expenses", clientName="INITECH"), theirs)
