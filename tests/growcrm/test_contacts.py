"""Contacts (contract growcrm 5.3)."""

from __future__ import annotations

from typing import Any

import pytest

from tallystick.domain import clients
from tests.growcrm.world import GrowCrm, number
from tests.studio import Studio

ADA = {"first_name": "Ada", "last_name": "Lovelace", "email": "ada@engine.example", "phone": "12", "position": "CTO"}


@pytest.fixture
def client(studio: Studio) -> int:
    return number(studio, "client", studio.ids["client"])


def add(api: GrowCrm, client: int, first: str, last: str, **more: str) -> dict[str, Any]:
    given = {"first_name": first, "last_name": last, "email": f"{first}@x.example", "clientid": client, **more}
    return api.post("/contacts", given)


def test_a_new_contact_is_the_object_of_the_page(api: GrowCrm, client: int, studio: Studio) -> None:
    result = api("POST", "/contacts", {**ADA, "clientid": client, "send_email": "yes"})
    assert result.status_code == 201, result.text
    made = result.json["data"]
    assert result.json == {
        "data": {
            "id": made["id"],
            "first_name": "Ada",
            "last_name": "Lovelace",
            "name": "Ada Lovelace",
            "email": "ada@engine.example",
            "phone": "12",
            "job_position": "CTO",
            "account_owner": "yes",
            "status": "active",
            "client": {"id": client, "company_name": "Globex"},
            "role": {"id": 2, "name": "Client"},
            "social": {"facebook": None, "twitter": None, "linkedin": None, "github": None, "dribbble": None},
            "dates": {"created": "2026-06-15T09:30:00.000000Z", "updated": "2026-06-15T09:30:00.000000Z"},
        },
        "message": "Contact created successfully.",
    }
    assert api("GET", f"/contacts/{made['id']}").json == {"data": made, "message": "Contact retrieved successfully."}
    with studio.context() as ctx:
        written_to = clients.read(ctx, studio.ids["client"])
        assert (written_to.contact_name, written_to.email) == ("Ada Lovelace", "ada@engine.example")


def test_wrong_values(api: GrowCrm, client: int, studio: Studio) -> None:
    answer = api.refused("POST", "/contacts", {}, status=422)
    assert list(answer["errors"]) == ["first_name", "last_name", "email", "clientid"]
    answer = api.refused("POST", "/contacts", {**ADA, "clientid": "99999"}, status=422)
    assert answer["errors"] == {"clientid": ["The selected clientid is invalid."]}
    api.post("/contacts", {**ADA, "clientid": client})
    for email in ("ADA@engine.example", studio.owner.email):
        answer = api.refused("POST", "/contacts", {**ADA, "email": email, "clientid": client}, status=422)
        assert answer["errors"] == {"email": ["The email has already been taken."]}


def test_a_change_leaves_what_it_does_not_say(api: GrowCrm, client: int) -> None:
    made = api.post("/contacts", {**ADA, "clientid": client})
    changed = {"first_name": "Augusta", "last_name": "King", "email": "ada@engine.example", "position": ""}
    result = api("PATCH", f"/contacts/{made['id']}", changed)
    assert result.json["message"] == "Contact updated successfully."
    seen = result.json["data"]
    assert (seen["name"], seen["phone"], seen["job_position"]) == ("Augusta King", "12", None)
    assert list(api.refused("PATCH", f"/contacts/{made['id']}", {}, status=422)["errors"]) == [
        "first_name", "last_name", "email"
    ]  # fmt: skip


def test_one_contact_is_the_owner(api: GrowCrm, client: int) -> None:
    first, second = add(api, client, "Ada", "L"), add(api, client, "Bob", "M")
    assert second["account_owner"] == "no"
    assert api.put(f"/contacts/{second['id']}/account-owner")["account_owner"] == "yes"
    assert api.get(f"/contacts/{first['id']}")["account_owner"] == "no"
    assert api.get(f"/clients/{client}")["owner"] == {"id": second["id"], "name": "Bob M"}
    assert "primary contact" in api.refused("DELETE", f"/contacts/{second['id']}", status=409)["message"]
    assert api.delete(f"/contacts/{first['id']}") == {"id": first["id"]}
    assert api.delete(f"/contacts/{second['id']}") == {"id": second["id"]}, "the last one may go"
    for method, path in (("GET", ""), ("DELETE", ""), ("PUT", "/account-owner")):
        api.refused(method, f"/contacts/{first['id']}{path}", status=404)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["Ada", "Zoe", "Bob"]),
        ({"order": "desc"}, ["Bob", "Zoe", "Ada"]),
        ({"client_id": "client"}, ["Ada", "Zoe"]),
        ({"account_owner": "yes"}, ["Ada", "Bob"]),
        ({"account_owner": "no"}, ["Zoe"]),
        ({"status": "active"}, ["Ada", "Zoe", "Bob"]),
        ({"status": "suspended"}, []),
        ({"search": "zoe@"}, ["Zoe"]),
        ({"search": "bob mel"}, ["Bob"]),
        ({"search": "777"}, ["Ada"]),
        ({"sort": "first_name"}, ["Ada", "Bob", "Zoe"]),
        ({"sort": "last_name"}, ["Zoe", "Ada", "Bob"]),
        ({"sort": "email", "order": "desc"}, ["Zoe", "Bob", "Ada"]),
        ({"sort": "updated"}, ["Ada", "Zoe", "Bob"]),
    ],
)
def test_filters_and_sorts(api: GrowCrm, client: int, studio: Studio, asked: dict[str, Any], found: list[str]) -> None:
    add(api, client, "Ada", "Lund", phone="777")
    add(api, client, "Zoe", "Abel")
    add(api, number(studio, "client", studio.ids["other_client"]), "Bob", "Meller")
    asked = {name: client if value == "client" else value for name, value in asked.items()}
    assert [one["first_name"] for one in api.get("/contacts", **asked)] == found
