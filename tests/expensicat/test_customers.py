"""Customers as contract expensicat 4 has them."""

from __future__ import annotations

from typing import Any

import pytest

from tallystick.domain import clients
from tests.expensicat.world import Expensicat
from tests.studio import Studio

KEYS = [
    "id", "organization_id", "name", "email", "phone", "website", "contact_person", "address_line1", "address_line2",
    "country", "city", "state", "postal_code", "tax_id", "notes", "created_at", "updated_at", "country_code",
]  # fmt: skip
FACTS = {
    "name": "Hooli", "email": "ap@hooli.example", "phone": "+1 555", "website": "https://hooli.example",
    "contact_person": "Gavin", "address_line1": "1 Way", "address_line2": "Floor 2", "country": "Germany",
    "city": "Berlin", "state": "BE", "postal_code": "10115", "tax_id": "DE136695976", "notes": "Net 30",
    "country_code": "DE",
}  # fmt: skip


def test_every_documented_field_is_kept(api: Expensicat, studio: Studio) -> None:
    made = api.post("/customers", {**FACTS, "id": "ours", "anything": [1]})
    assert list(made) == KEYS
    assert {name: made[name] for name in FACTS} == FACTS
    assert made["organization_id"] == studio.workspace_id
    assert api.get(f"/customers/{made['id']}") == made
    assert api.get("/customers")[0] == made
    with studio.context() as ctx:
        client = clients.read(ctx, made["id"])
        assert (client.contact_name, client.billing_line1, client.tax_number) == ("Gavin", "1 Way", "DE136695976")
        assert client.currency == "EUR"


def test_only_a_name_is_needed_and_the_rest_is_null(api: Expensicat) -> None:
    made = api.post("/customers", {"name": "Hooli", "email": "", "country_code": ""})
    assert {made[name] for name in FACTS if name != "name"} == {None}
    assert api.refused("POST", "/customers", {}, status=400)["details"] == {"name": "required"}


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("name", 5), ("email", ["a"]), ("country_code", "DEU"), ("notes", "x" * 10_001), ("city", {})],
)
def test_bad_input_is_400_and_names_the_field(api: Expensicat, field: str, value: Any) -> None:
    assert list(api.refused("POST", "/customers", {**FACTS, field: value}, status=400)["details"]) == [field]


def test_a_change_leaves_the_rest_and_null_clears(api: Expensicat) -> None:
    made = api.post("/customers", FACTS)
    changed = api.patch(f"/customers/{made['id']}", {"country_code": "at", "notes": None})
    assert {name: changed[name] for name in FACTS} == {**FACTS, "country_code": "AT", "notes": None}


def test_a_customer_goes_only_when_nothing_depends_on_it(api: Expensicat, studio: Studio) -> None:
    made = api.post("/customers", {"name": "Free"})
    assert api("DELETE", f"/customers/{made['id']}").status_code == 204
    api.refused("GET", f"/customers/{made['id']}", status=404)
    assert api.refused("DELETE", f"/customers/{studio.ids['client']}", status=409)["code"] == "CONFLICT"


def test_the_list_is_searched_by_name_alone(api: Expensicat) -> None:
    api.post("/customers", {"name": "Hooli", "email": "globex@hooli.example"})
    assert [one["name"] for one in api.get("/customers", q="globe")] == ["Globex"]


def test_a_tax_id_that_cannot_be_is_told_with_an_example(api: Expensicat) -> None:
    answer = api.refused("POST", "/customers", {"name": "Hooli", "tax_id": "DE 136 695 975"}, status=400)
    assert answer["details"] == {"tax_id": "is not a VAT number of DE; one looks like DE136695976"}
