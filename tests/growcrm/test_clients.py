"""Clients (contract growcrm 5.2)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tallystick.domain import clients, expenses, projects, time_entries, workspaces
from tallystick.domain.invoices import draft, lifecycle
from tests.growcrm.world import GrowCrm, number
from tests.studio import Studio

BODY = {"first_name": "Ada", "last_name": "Lovelace", "email": "Ada@Engine.example"}
DAY = date(2026, 6, 12)


@pytest.fixture
def client(studio: Studio) -> int:
    return number(studio, "client", studio.ids["client"])


def invoiced(studio: Studio, *, sent: bool = False) -> str:
    """An invoice of the first client over an hour of work."""
    with studio.context() as ctx:
        time_entries.log(ctx, project_id=studio.ids["project"], entry_date=DAY, duration_seconds=3600)
        invoice = draft.draft(ctx, client_id=studio.ids["client"]).invoice
        if sent:
            lifecycle.mark_sent(ctx, invoice.id)
    return invoice.id


def test_a_new_client_is_the_object_of_the_page(api: GrowCrm) -> None:
    result = api(
        "POST",
        "/clients",
        [
            *BODY.items(),
            ("client_company_name", "Analytical Engines"),
            ("client_description", "Punched cards"),
            ("client_phone", "123"),
            ("client_website", "https://engine.example"),
            ("client_vat", "GB1"),
            ("client_billing_street", "1 Mill"),
            ("client_billing_city", "London"),
            ("client_billing_state", "LDN"),
            ("client_billing_zip", "W1"),
            ("client_billing_country", "United Kingdom"),
            ("client_billing_invoice_due_days", "30"),
            ("tags[]", "vip"),
            ("tags[]", "cards"),
            ("send_email", "yes"),
        ],
    )
    assert result.status_code == 201, result.text
    made = result.json["data"]
    owner = api.get("/clients/" + str(made["id"]))["owner"]
    assert result.json == {
        "data": {
            "id": made["id"],
            "company_name": "Analytical Engines",
            "description": "Punched cards",
            "status": "active",
            "phone": "123",
            "website": "https://engine.example",
            "vat": "GB1",
            "category": {"id": 2, "name": "Default"},
            "owner": {"id": owner["id"], "name": "Ada Lovelace"},
            "billing": {
                "street": "1 Mill", "city": "London", "state": "LDN", "zip": "W1", "country": "United Kingdom",
                "invoice_due_days": "30",
            },
            "shipping": {"street": None, "city": None, "state": None, "zip": None, "country": None},
            "dates": {"created": "2026-06-15T09:30:00.000000Z", "updated": "2026-06-15T09:30:00.000000Z"},
            "tags": ["vip", "cards"],
        },
        "message": "Client created successfully.",
    }  # fmt: skip
    one = api("GET", f"/clients/{made['id']}")
    assert one.json == {"data": made, "message": "Client retrieved successfully."}


def test_without_a_company_it_has_the_name_of_its_owner(api: GrowCrm, studio: Studio) -> None:
    made = api.post("/clients", BODY)
    assert (made["company_name"], made["billing"]["invoice_due_days"]) == ("Ada Lovelace", "14")
    with studio.context() as ctx:
        workspaces.change(ctx, payment_terms_days=21)
    assert api.get(f"/clients/{made['id']}")["billing"]["invoice_due_days"] == "21"


def test_a_client_of_the_record_has_no_owner_before_it_has_contacts(api: GrowCrm, client: int) -> None:
    seen = api.get(f"/clients/{client}")
    assert (seen["company_name"], seen["owner"]) == ("Globex", None)


def test_what_is_required_is_named(api: GrowCrm) -> None:
    assert api.refused("POST", "/clients", {}, status=422)["errors"] == {
        "first_name": ["The first name field is required."],
        "last_name": ["The last name field is required."],
        "email": ["The email field is required."],
    }


def test_an_email_is_of_one_person_alone(api: GrowCrm, studio: Studio) -> None:
    api.post("/clients", BODY)
    for email in ("ada@engine.example", studio.owner.email):
        answer = api.refused("POST", "/clients", {**BODY, "email": email}, status=422)
        assert answer["errors"] == {"email": ["The email has already been taken."]}
    assert len(api.get("/clients")) == 3, "nothing is left of what was refused"


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("email", "nobody", "The email must be a valid email address."),
        ("client_billing_invoice_due_days", "366", "The client billing invoice due days must be between 0 and 365."),
        ("client_billing_invoice_due_days", "soon", "The client billing invoice due days must be an integer."),
        ("client_categoryid", "1", "The selected client categoryid is invalid."),
        ("client_categoryid", "99", "The selected client categoryid is invalid."),
    ],
)
def test_wrong_values(api: GrowCrm, field: str, value: str, sentence: str) -> None:
    answer = api.refused("POST", "/clients", {**BODY, field: value}, status=422)
    assert answer["errors"] == {field: [sentence]}


def test_a_change_leaves_what_it_does_not_say(api: GrowCrm, client: int) -> None:
    api.patch(f"/clients/{client}", {"client_company_name": "Globex", "client_vat": "DE136695976", "client_phone": "7"})
    result = api("PATCH", f"/clients/{client}", {"client_company_name": "Globex Ltd", "client_phone": ""})
    assert result.json["message"] == "Client updated successfully."
    seen = api.get(f"/clients/{client}")
    assert (seen["company_name"], seen["vat"], seen["phone"]) == ("Globex Ltd", "DE136695976", None)
    answer = api.refused("PATCH", f"/clients/{client}", {"client_vat": "X"}, status=422)
    assert answer["errors"] == {"client_company_name": ["The client company name field is required."]}


def test_tags_and_status_are_set(api: GrowCrm, client: int, studio: Studio) -> None:
    result = api("PUT", f"/clients/{client}/tags", [("tags[]", "a"), ("tags[]", "b"), ("tags[]", "a")])
    assert (result.json["data"]["tags"], result.json["message"]) == (["a", "b"], "Client tags updated successfully.")
    assert api.put(f"/clients/{client}/tags")["tags"] == []
    result = api("PUT", f"/clients/{client}/status", {"status": "suspended"})
    assert (result.json["data"]["status"], result.json["message"]) == (
        "suspended", "Client status updated successfully."
    )  # fmt: skip
    with studio.context() as ctx:
        assert clients.read(ctx, studio.ids["client"]).status == "SUSPENDED"
    answer = api.refused("PUT", f"/clients/{client}/status", {"status": "gone"}, status=422)
    assert answer["errors"] == {"status": ["The selected status is invalid."]}


def test_the_owner_is_one_of_its_own_contacts(api: GrowCrm, client: int, studio: Studio) -> None:
    first = api.post("/clients", BODY)
    answer = api.refused("PUT", f"/clients/{client}/owner", {"owner": first["owner"]["id"]}, status=422)
    assert answer["errors"] == {"owner": ["The selected owner is invalid."]}
    api.refused("PUT", f"/clients/{client}/owner", {"owner": "999999"}, status=422)
    with studio.context() as ctx:
        from tallystick.domain import contacts

        [mine] = [row.id for row in ctx.select(clients.Client, clients.Client.serial == first["id"])]
        second = contacts.create(ctx, client_id=mine, first_name="Charles", last_name="Babbage", email="c@x.example")
    result = api("PUT", f"/clients/{first['id']}/owner", {"owner": number(studio, "contact", second.id)})
    assert result.json["message"] == "Client account owner updated successfully."
    assert result.json["data"]["owner"]["name"] == "Charles Babbage"


# --- delete


def test_a_client_goes_with_what_was_never_billed(api: GrowCrm, client: int, studio: Studio) -> None:
    with studio.context() as ctx:
        entry = time_entries.start(ctx, project_id=studio.ids["project"])
        draft.blank(ctx, client_id=studio.ids["client"], issue_date=DAY)
        expenses.record(
            ctx, client_id=studio.ids["client"], description="Train", amount=Decimal(10), expense_date=DAY
        )  # fmt: skip
    result = api("DELETE", f"/clients/{client}")
    assert result.json == {"data": {"id": client}, "message": "Client deleted successfully."}
    api.refused("GET", f"/clients/{client}", status=404)
    with studio.context() as ctx:
        left = [
            table
            for table in ("projects", "tasks", "time_entries", "invoices", "expenses")
            for (serial,) in ctx.connection.execute(
                f"SELECT serial FROM {table} WHERE deleted_at IS NULL AND id = ANY(%s)".encode(),
                [[*studio.ids.values(), entry.id]],
            ).fetchall()
            if serial != number(studio, "project", studio.ids["hidden_project"])
        ]
        assert left == []
        assert ctx.connection.execute(b"SELECT 1 FROM invoices WHERE deleted_at IS NULL").fetchone() is None
        assert ctx.connection.execute(b"SELECT 1 FROM expenses WHERE deleted_at IS NULL").fetchone() is None


def test_a_client_with_an_issued_invoice_stays(api: GrowCrm, client: int, studio: Studio) -> None:
    invoice = invoiced(studio, sent=True)
    answer = api.refused("DELETE", f"/clients/{client}", status=409)
    assert answer["message"] == "This client has issued invoices or billed work. Suspend it instead."
    assert api.get(f"/clients/{client}")["company_name"] == "Globex"
    with studio.context() as ctx:
        lifecycle.cancel(ctx, invoice)
    api.refused("DELETE", f"/clients/{client}", status=409)


def test_a_draft_goes_with_its_client(api: GrowCrm, client: int, studio: Studio) -> None:
    invoiced(studio)
    api.delete(f"/clients/{client}")
    with studio.context() as ctx:
        assert ctx.connection.execute(b"SELECT status FROM invoices WHERE deleted_at IS NULL").fetchall() == []


# --- lists


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["Acme", "Initech", "Globex"]),
        ({"status": "suspended"}, ["Acme"]),
        ({"status": "active"}, ["Initech", "Globex"]),
        ({"status": "x"}, []),
        ({"category_id": "2"}, ["Acme", "Initech", "Globex"]),
        ({"category_id": "1"}, []),
        ({"search": "iTE"}, ["Initech"]),
        ({"search": "%"}, []),
        ({"sort": "client_company_name"}, ["Initech", "Globex", "Acme"]),
        ({"sort": "client_company_name", "order": "asc"}, ["Acme", "Globex", "Initech"]),
        ({"sort": "client_status", "order": "asc"}, ["Globex", "Initech", "Acme"]),
        ({"sort": "client_updated", "order": "asc"}, ["Globex", "Initech", "Acme"]),
    ],
)
def test_filters_and_sorts(api: GrowCrm, studio: Studio, asked: dict[str, Any], found: list[str]) -> None:
    with studio.context() as ctx:
        clients.create(ctx, name="Acme", status="SUSPENDED", email="ite@acme.example")
    page = api.page("/clients", **asked)
    assert [one["company_name"] for one in page["data"]] == found
    assert page["message"] == "Clients retrieved successfully."
    assert page["meta"]["total"] == len(found)


def test_projects_of_a_client_go_even_when_archived(api: GrowCrm, client: int, studio: Studio) -> None:
    with studio.context() as ctx:
        projects.archive(ctx, studio.ids["project"])
    api.delete(f"/clients/{client}")
    with studio.context() as ctx:
        row = ctx.connection.execute(b"SELECT deleted_at FROM projects WHERE id = %s", [studio.ids["project"]])
        assert row.fetchone() != (None,)


def test_a_vat_number_that_cannot_be_is_told_with_an_example(api: GrowCrm, studio: Studio) -> None:
    (client,) = [one["id"] for one in api.get("/clients") if one["company_name"] == "Globex"]
    body = {"client_company_name": "Globex", "client_vat": "DE 136 695 975"}
    answer = api.refused("PATCH", f"/clients/{client}", body, status=422)
    assert answer["errors"] == {
        "client_vat": ["The client vat is not a VAT number of DE; one looks like DE136695976."]
    }  # fmt: skip
