"""Taxes over the native API: several on one invoice, named rates, prices with the tax in them. All of it is ours."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.world import World, invalid, refused

FEE = {"description": "Fee", "quantity": "1", "rate": "100"}
BOOK = {"description": "Book", "quantity": "7", "rate": "14.99", "taxRate": "7"}


def post(world: World, *lines: dict[str, Any], **facts: Any) -> Any:
    body = {"clientId": world.studio.ids["client"], "projectIds": [], "lines": list(lines), **facts}
    return world.api().post("/invoices", body)


def test_several_rates_on_one_invoice(world: World) -> None:
    design = {"description": "Design", "quantity": "3.25", "rate": "90"}
    made = post(world, design, BOOK, taxRate="19", discount={"amount": "10"})
    assert (made["subtotal"], made["discountAmount"], made["taxAmount"], made["total"]) == (
        "397.43", "10.00", "61.34", "448.77",
    )  # fmt: skip
    assert (made["taxRate"], made["taxCategory"], made["defaultTaxRate"]) == (None, "STANDARD", "19.00")
    assert [(one["rate"], one["discount"], one["basis"], one["amount"]) for one in made["taxes"]] == [
        ("19.00", "7.36", "285.14", "54.18"),
        ("7.00", "2.64", "102.29", "7.16"),
    ]
    assert world.api().get(f"/invoices/{made['id']}/taxes") == made["taxes"]
    assert world.api().get(f"/invoices/{made['id']}/lines") == made["lines"]
    changed = world.api()("PATCH", f"/invoices/{made['id']}", {"lines": [design]}).json["data"]
    assert changed["taxRate"] == "19.00"


def test_what_is_not_taxed_says_why(world: World) -> None:
    made = post(world, FEE, taxCategory="REVERSE_CHARGE")
    (tax,) = made["taxes"]
    assert (tax["category"], tax["rate"], tax["reasonCode"]) == ("REVERSE_CHARGE", "0.00", "VATEX-EU-AE")
    assert tax["reason"] == "Reverse charge: the recipient is liable for the VAT"
    made = post(world, FEE, taxCategory="EXEMPT", taxReason="§ 19 UStG")
    assert made["taxes"][0]["reason"] == "§ 19 UStG"
    assert (made["taxRate"], made["taxCategory"], made["defaultTaxReason"]) == ("0.00", "EXEMPT", "§ 19 UStG")


def test_prices_with_the_tax_in_them_come_to_what_they_say(world: World) -> None:
    half = {**FEE, "rate": "99.99", "discount": {"percent": "50"}}
    made = post(world, {**FEE, "rate": "99.99"}, half, taxRate="19", pricesIncludeTax=True)
    first, second = made["lines"]
    assert (first["grossTotal"], second["grossTotal"], second["grossDiscount"]) == ("99.99", "49.99", "50.00")
    assert (made["total"], made["subtotal"], made["taxAmount"]) == ("149.98", "126.03", "23.95")
    assert [line["total"] for line in made["lines"]] == ["84.02", "42.01"]


def test_a_line_of_a_draft_is_changed_by_itself(world: World) -> None:
    made = post(world, FEE, BOOK, taxRate="19")
    path = f"/invoices/{made['id']}/lines/{made['lines'][1]['id']}"
    changed = world.api()("PATCH", path, {"taxAsUsual": True, "heading": "Reading", "quantity": 1}).json["data"]
    assert (changed["lines"][1]["taxRate"], changed["lines"][1]["heading"]) == ("19.00", "Reading")
    assert (changed["subtotal"], changed["taxRate"]) == ("114.99", "19.00")
    invalid(world.api()("PATCH", path, {"taxCategory": "STANDARD", "taxRate": 0}), "taxRate")
    invalid(world.api()("PATCH", path, {"discount": {"amount": "15"}}), "discount")
    world.api().post(f"/invoices/{made['id']}/mark-sent", status=200)
    refused(world.api()("PATCH", path, {"heading": "Late"}), 409, "conflict")


def test_rates_have_names(world: World) -> None:
    api = world.api()
    made = api.post("/tax-rates", {"name": "Books", "percent": "7"})
    assert (made["category"], made["percent"], made["archived"]) == ("STANDARD", "7.00", False)
    assert post(world, {**FEE, "taxRateId": made["id"]})["lines"][0]["taxRateId"] == made["id"]
    assert api("DELETE", f"/tax-rates/{made['id']}").status_code == 204
    assert api.get(f"/tax-rates/{made['id']}")["archived"] is True
    body = {"clientId": world.studio.ids["client"], "projectIds": [], "lines": [FEE], "taxRateId": made["id"]}
    invalid(api("POST", "/invoices", body), taxRateId="archived")
    assert api("PATCH", f"/tax-rates/{made['id']}", {"archived": False}).json["data"]["archived"] is False
    refused(api("POST", "/tax-rates", {"name": "BOOKS"}), 409, "conflict")
    invalid(api("POST", "/tax-rates", {"name": "x", "category": "EXEMPT", "percent": 7}), "percent")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ({"taxCategory": "STANDARD", "taxRate": "0"}, "tax rate"),
        ({"taxCategory": "EXPORT", "taxRate": "19"}, "tax rate"),
        ({"taxRate": "19", "taxReason": "x"}, "tax reason"),
        ({"discount": {"amount": "100.01"}}, "more than the line"),
        ({"discount": {"amount": "1", "percent": "1"}}, "not both"),
    ],
)
def test_a_wrong_line_is_named(world: World, line: dict[str, Any], why: str) -> None:
    body = {"clientId": world.studio.ids["client"], "projectIds": [], "lines": [FEE, {**FEE, **line}]}
    error = invalid(world.api()("POST", "/invoices", body), lines="line 2")
    assert why in error["fields"]["lines"]
