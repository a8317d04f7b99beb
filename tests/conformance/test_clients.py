"""Clients (contract hoursmith 2.4, seed 002)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.lists import (
    Listed,
    assert_defaults,
    assert_empty_parameters_are_no_filter,
    assert_exact,
    assert_ranges,
    assert_search,
    assert_sorted,
    assert_sorts_are,
    assert_wrong_filters_are_named,
    directions,
)
from tests.conformance.world import (
    AT,
    CURRENCY,
    FLAG,
    ID,
    LIST,
    NOBODY,
    PRICE,
    TEXT,
    Form,
    World,
    ask,
    assert_shape,
    invalid,
    listed,
    refused,
)

TAX_CATEGORIES = ("STANDARD", "ZERO", "EXEMPT", "REVERSE_CHARGE", "INTRA_EU", "EXPORT", "OUTSIDE_SCOPE")
LINES = (
    "contactName", "email", "phone", "website", "notes", "billingAddress", "billingLine1", "billingLine2",
    "billingCity", "billingRegion", "billingPostalCode", "billingCountry", "taxNumber", "defaultPaymentTerms",
    "billingEmail", "registration", "buyerReference",
)  # fmt: skip
CLIENT = {
    "id": ID, "orgId": ID, "name": TEXT, "currency": Form(CURRENCY), **dict.fromkeys(LINES, TEXT | None),
    "defaultRate": PRICE | None, "defaultTaxRate": PRICE | None, "requirePoNumber": FLAG,
    "createdAt": AT, "updatedAt": AT, "deletedAt": AT | None, "countryCode": TEXT | None,
    "einvoiceProfile": Form(("cii", "ubl", "xrechnung", "peppol")) | None, "endpointScheme": TEXT | None,
    "language": TEXT | None, "locale": TEXT | None, "roundingMinutes": Form(int) | None,
    "roundingMode": Form(("UP", "NEAREST", "DOWN")) | None,
    "endpoint": TEXT | None, "defaultTaxCategory": Form(TAX_CATEGORIES) | None, "pricesIncludeTax": FLAG | None,
    "portalShows": LIST,
}  # fmt: skip
CLIENTS = Listed(
    "/clients",
    ("createdAt", "id", "name", "updatedAt"),
    search=("name", "contactName", "email"),
    instants=("createdAt", "updatedAt"),
)
FULL: dict[str, Any] = {
    "name": "Umbrella", "contactName": "Ada", "email": "ada@umbrella.example", "phone": "+49 30 1",
    "website": "u.example",
    "currency": "GBP", "notes": "Pays late.", "billingAddress": "1 Way\nTown", "billingLine1": "1 Way",
    "billingLine2": "Floor 2", "billingCity": "Town", "billingRegion": "Shire", "billingPostalCode": "AB1",
    "billingCountry": "GB", "taxNumber": "GB1", "defaultRate": "120.5", "defaultPaymentTerms": "Net 30",
    "defaultTaxRate": "19", "requirePoNumber": True, "billingEmail": "pay@umbrella.example", "countryCode": "GB",
    "registration": "0088:4035811991014", "buyerReference": "04011000-12345-34", "einvoiceProfile": "peppol",
    "endpointScheme": "0088", "endpoint": "4035811991014", "defaultTaxCategory": "STANDARD", "pricesIncludeTax": True,
    "language": "de", "locale": "de_CH",
}  # fmt: skip


@pytest.fixture(scope="module")
def rows(world: World) -> list[dict[str, Any]]:
    """Ten clients made over four days, two at the same instant, some changed later."""
    people = (
        ("Aa%b works", "Rob_ert", "x@one.example"),
        ("Zebra", None, None),
        ("beta_max", "Mia", "MIA@two.example"),
        ("Beta Two", None, "it's@three.example"),
        ("back\\slash", "Ümit", None),
        ("delta", "Zoë", None),
    )
    for number, (name, contact, email) in enumerate(people):
        world.api().post("/clients", {"name": name, "contactName": contact, "email": email})
        if number != 2:
            world.later(hours=7, minutes=15, milliseconds=1)
    world.at("2026-06-20T23:59:59.999999Z")
    late = world.api().post("/clients", {"name": "last of the day"})
    world.at("2026-06-21T00:00:00Z")
    world.api().post("/clients", {"name": "first of the day"})
    world.at("2026-06-25T10:00:00Z")
    world.api()("PATCH", f"/clients/{late['id']}", {"notes": "changed"})
    return listed(world.api(), "/clients")


def test_a_client_has_exactly_the_documented_fields(world: World) -> None:
    made = world.api().post("/clients", FULL)
    assert_shape(made, CLIENT)
    sent = {**FULL, "defaultRate": "120.50", "defaultTaxRate": "19.00"}
    assert {name: made[name] for name in FULL} == sent
    assert made["orgId"] == world.studio.workspace_id
    assert made["deletedAt"] is None
    assert made["createdAt"] == made["updatedAt"]
    assert world.api().get(f"/clients/{made['id']}") == made
    assert made in listed(world.api(), "/clients")


def test_only_a_name_is_required_and_the_rest_has_defaults(world: World) -> None:
    made = world.api().post("/clients", {"name": "Bare"})
    assert_shape(made, CLIENT)
    assert made["currency"] == "EUR"
    assert made["requirePoNumber"] is False
    assert [made[name] for name in (*LINES, "defaultRate", "defaultTaxRate")] == [None] * (len(LINES) + 2)
    invalid(world.api()("POST", "/clients", {}), name="required")
    invalid(world.api()("POST", "/clients", {"name": None}), name="required")
    invalid(world.api()("POST", "/clients", {"name": ""}), name="required")


def test_the_first_walkthrough_of_the_documentation_works(world: World) -> None:
    made = world.api().post("/clients", {"name": "Globex", "email": "billing@globex.com", "currency": "USD"})
    project = world.api().post("/projects", {"clientId": made["id"], "name": "Website redesign"})
    assert (project["clientId"], project["rateType"]) == (made["id"], "HOURLY")


def test_empty_strings_become_null(world: World) -> None:
    blank = dict.fromkeys((*LINES, "currency", "defaultRate", "defaultTaxRate"), "")
    made = world.api().post("/clients", {"name": "Blank", **blank})
    assert {made[name] for name in (*LINES, "defaultRate", "defaultTaxRate")} == {None}
    assert made["currency"] == "EUR"
    full = world.api().post("/clients", FULL)
    changed = world.api()("PATCH", f"/clients/{full['id']}", blank).json["data"]
    assert {changed[name] for name in (*LINES, "defaultRate", "defaultTaxRate")} == {None}
    assert (changed["currency"], changed["name"]) == ("EUR", "Umbrella")


def test_a_partial_patch_leaves_the_rest_alone_and_null_clears(world: World) -> None:
    made = world.api().post("/clients", FULL)
    world.later(minutes=5)
    changed = world.api()("PATCH", f"/clients/{made['id']}", {"phone": "1", "notes": None})
    assert changed.status_code == 200
    assert changed.json["data"] == {
        **made, "phone": "1", "notes": None, "updatedAt": changed.json["data"]["updatedAt"],
    }  # fmt: skip
    assert changed.json["data"]["updatedAt"] > made["updatedAt"]
    assert world.api().get(f"/clients/{made['id']}") == changed.json["data"]


def test_what_was_read_can_be_sent_back_whole(world: World) -> None:
    made = world.api().post("/clients", FULL)
    again = {**made, "id": NOBODY, "orgId": NOBODY, "createdAt": "never", "deletedAt": 0, "name": "Renamed"}
    changed = world.api()("PATCH", f"/clients/{made['id']}", again).json["data"]
    assert changed == {**made, "name": "Renamed", "updatedAt": changed["updatedAt"]}
    copy = world.api().post("/clients", made)
    assert copy["id"] != made["id"]


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (90, "90.00"), ("90", "90.00"), (90.5, "90.50"), ("0.1234", "0.1234"), ("12.340", "12.34"), (0, "0.00"),
        ("999999999.9999", "999999999.9999"), (1e2, "100.00"), ("0", "0.00"), ("-0", "0.00"),
    ],
)  # fmt: skip
def test_money_comes_in_as_number_or_string_and_leaves_as_string(world: World, sent: Any, shown: str) -> None:
    made = world.api().post("/clients", {"name": "Money", "defaultRate": sent})
    assert made["defaultRate"] == shown
    changed = world.api()("PATCH", f"/clients/{made['id']}", {"defaultRate": sent})
    assert changed.json["data"]["defaultRate"] == shown


@pytest.mark.parametrize("sent", [-1, "-0.01", "1.23456", 1.23456, "1,5", "€5", "1e2", "NaN", True, [], {}, " 1"])
def test_money_that_is_none_is_named(world: World, sent: Any) -> None:
    invalid(world.api()("POST", "/clients", {"name": "Money", "defaultRate": sent}), "defaultRate")


def test_every_wrong_field_is_named_at_once(world: World) -> None:
    wrong = {
        "name": 1,
        "email": [],
        "currency": "EURO",
        "defaultTaxRate": 101,
        "requirePoNumber": "yes",
        "colour": "red",
    }
    invalid(world.api()("POST", "/clients", wrong), *wrong)
    made = world.api().post("/clients", {"name": "Wrong"})
    invalid(world.api()("PATCH", f"/clients/{made['id']}", wrong), *wrong)
    assert world.api().get(f"/clients/{made['id']}") == made


def test_an_unknown_field_is_named_as_it_was_written(world: World) -> None:
    invalid(world.api()("POST", "/clients", {"name": "x", "contact_name": "y"}), contact_name="contactName")


def test_a_tax_number_that_cannot_be_is_told_with_an_example(world: World) -> None:
    wrong = {"name": "Tax", "taxNumber": "DE 136695975"}
    invalid(world.api()("POST", "/clients", wrong), taxNumber="DE136695976")
    made = world.api().post("/clients", {"name": "Tax", "countryCode": "DE"})
    path = f"/clients/{made['id']}"
    invalid(world.api()("PATCH", path, {"taxNumber": "136695975"}), taxNumber="wrong check digit")
    assert world.api()("PATCH", path, {"taxNumber": "DE 136695976"}).json["data"]["taxNumber"] == "DE 136695976"


@pytest.mark.parametrize("code", ["EUX", "eur", "XXX", "12A"])
def test_a_currency_is_an_iso_4217_code(world: World, code: str) -> None:
    invalid(world.api()("POST", "/clients", {"name": "x", "currency": code}), "currency")


def test_a_name_cannot_be_cleared(world: World) -> None:
    made = world.api().post("/clients", {"name": "Named"})
    for nothing in (None, ""):
        invalid(world.api()("PATCH", f"/clients/{made['id']}", {"name": nothing}), "name")


def test_a_deleted_client_is_gone_from_everywhere(world: World) -> None:
    made = world.api().post("/clients", {"name": "Short-lived"})
    gone = world.api()("DELETE", f"/clients/{made['id']}")
    assert (gone.status_code, gone.content) == (204, b"")
    for method in ("GET", "PATCH", "DELETE"):
        body = {} if method == "PATCH" else None
        refused(world.api()(method, f"/clients/{made['id']}", body), 404, "not_found")
    assert made["id"] not in {client["id"] for client in listed(world.api(), "/clients")}
    invalid(world.api()("POST", "/projects", {"clientId": made["id"], "name": "x"}), "clientId")


def test_a_client_with_a_project_cannot_be_deleted_but_one_with_only_an_archived_one_can(fresh: World) -> None:
    api = fresh.api()
    client = api.post("/clients", {"name": "Busy"})
    project = api.post("/projects", {"clientId": client["id"], "name": "P"})
    error = refused(api("DELETE", f"/clients/{client['id']}"), 409, "conflict")
    assert error["message"] == "Cannot delete a client with projects, invoices, or time entries. Archive it instead."
    assert api.get(f"/clients/{client['id']}") == client
    api.post(f"/projects/{project['id']}/archive", status=200)
    assert api("DELETE", f"/clients/{client['id']}").status_code == 204


def test_a_client_with_time_on_an_archived_project_cannot_be_deleted(fresh: World) -> None:
    api = fresh.api()
    client = api.post("/clients", {"name": "Busy"})
    project = api.post("/projects", {"clientId": client["id"], "name": "P"})
    api.post("/time-entries", {"projectId": project["id"], "entryDate": "2026-06-01", "durationSeconds": 1})
    api.post(f"/projects/{project['id']}/archive", status=200)
    refused(api("DELETE", f"/clients/{client['id']}"), 409, "conflict")


def test_members_have_nothing_to_do_with_clients(world: World) -> None:
    client = f"/clients/{world.studio.ids['client']}"
    asked = (("GET", "/clients"), ("POST", "/clients"), ("GET", client), ("PATCH", client), ("DELETE", client))
    for method, path in asked:
        body = {"name": "x"} if method in ("POST", "PATCH") else None
        refused(world.api("member")(method, path, body), 403, "forbidden_scope")


@pytest.mark.parametrize("who", ["owner", "admin", "manager"])
def test_the_manage_tier_has_clients_in_full(world: World, who: str) -> None:
    made = world.api(who).post("/clients", {"name": f"By {who}", "defaultRate": 1})
    assert_shape(made, CLIENT)
    assert world.api(who)("PATCH", f"/clients/{made['id']}", {"name": "Other"}).status_code == 200
    assert world.api(who)("DELETE", f"/clients/{made['id']}").status_code == 204


def test_clients_of_another_workspace_do_not_exist(world: World, stranger: World) -> None:
    theirs = f"/clients/{stranger.studio.ids['client']}"
    for method in ("GET", "PATCH", "DELETE"):
        refused(world.api()(method, theirs, {} if method == "PATCH" else None), 404, "not_found")
    assert stranger.studio.ids["client"] not in {row["id"] for row in listed(world.api(), "/clients")}


@pytest.mark.parametrize("sort", directions(CLIENTS))
def test_clients_come_in_the_order_asked_for(world: World, rows: list[dict[str, Any]], sort: str) -> None:
    names = [row["name"] for row in sorted(rows, key=lambda row: row["name"].lower())]
    if sort.endswith("name"):  # names are sorted without case, which the oracle does not know
        found = [row["name"] for row in listed(world.api(), "/clients", sort=sort, createdAtTo="2026-06-21")]
        wanted = [name for name in names if name in found]
        assert found == (wanted[::-1] if sort.startswith("-") else wanted)
    else:
        assert_sorted(world.api(), CLIENTS, sort)


def test_clients_filter_as_documented(world: World, rows: list[dict[str, Any]]) -> None:
    every = listed(world.api(), "/clients")
    assert_defaults(world.api(), CLIENTS)
    assert_sorts_are(world.api(), CLIENTS)
    assert_exact(world.api(), CLIENTS, every)
    assert_ranges(world.api(), CLIENTS, every)
    assert_search(world.api(), CLIENTS, every)
    assert_wrong_filters_are_named(world.api(), CLIENTS)
    assert_empty_parameters_are_no_filter(world.api(), CLIENTS, every)


def test_filters_combine_with_and(world: World, rows: list[dict[str, Any]]) -> None:
    found = listed(world.api(), "/clients", search="e", createdAtFrom="2026-06-16", createdAtTo="2026-06-16")
    assert {row["id"] for row in found} == {
        row["id"]
        for row in listed(world.api(), "/clients")
        if row["createdAt"].startswith("2026-06-16")
        and any("e" in (row[name] or "").lower() for name in ("name", "contactName", "email"))
    }


def test_a_search_of_200_characters_is_allowed(world: World) -> None:
    assert ask(world.api(), "/clients", search="x" * 200).status_code == 200
    invalid(ask(world.api(), "/clients", search="x" * 201), "search")
