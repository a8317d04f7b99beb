"""Invoices (contract growcrm 7.1): drafts with items, one tax on their sum, and the moves of the domain."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tallystick.domain import clients, payments, projects, time_entries, workspaces
from tallystick.domain.invoices import draft, lifecycle
from tests.growcrm.world import GrowCrm, number
from tests.studio import Studio

DAY = date(2026, 6, 12)
ITEMS = [
    {"description": "Design", "quantity": "2", "rate": "100", "unit": "h"},
    {"description": "Fonts", "quantity": "1", "rate": "50.00"},
]


@pytest.fixture
def client(studio: Studio) -> int:
    with studio.context() as ctx:
        workspaces.change(ctx, default_tax_rate=Decimal(10))
    return number(studio, "client", studio.ids["client"])


@pytest.fixture
def made(api: GrowCrm, client: int) -> dict[str, Any]:
    """A draft with two items."""
    invoice = api.post("/invoices", body(client))
    return api.put(f"/invoices/{invoice['id']}/items", json={"items": ITEMS})


def body(client: int, **more: Any) -> dict[str, Any]:
    return {"bill_clientid": client, "bill_categoryid": 3, "bill_date": "2026-06-12", **more}


def with_work(studio: Studio) -> str:
    with studio.context() as ctx:
        time_entries.log(ctx, project_id=studio.ids["project"], entry_date=DAY, duration_seconds=5400)
        return draft.draft(ctx, client_id=studio.ids["client"]).invoice.id


def status(api: GrowCrm, invoice: int, wanted: int) -> Any:
    return api.put(f"/invoices/{invoice}/status", {"status": wanted})["status"]


def test_a_new_invoice_is_a_draft_with_nothing_on_it(api: GrowCrm, client: int, studio: Studio) -> None:
    project = number(studio, "project", studio.ids["project"])
    result = api("POST", "/invoices", body(client, bill_projectid=project, bill_notes="Hi", bill_terms="Soon"))
    assert result.status_code == 201, result.text
    made = result.json["data"]
    assert result.json == {
        "data": {
            "id": made["id"],
            "status": {"id": 1, "title": "Draft", "color": "default"},
            "client": {"id": client, "name": "Globex"},
            "project_id": project,
            "category": {"id": 3, "name": "Default"},
            "dates": {"date": "2026-06-12", "due_date": "2026-06-26", "created": "2026-06-15T09:30:00.000000Z"},
            "notes": "Hi",
            "terms": "Soon",
            "tax_type": "summary",
            "totals": {
                "subtotal": "0.00", "subtotal_before_discount": "0.00", "discount_type": "none",
                "discount_percentage": "0.00", "discount_amount": "0.00", "amount_before_tax": "0.00",
                "tax_total_percentage": "10.00", "tax_total_amount": "0.00", "adjustment_description": None,
                "adjustment_amount": "0.00", "final_amount": "0.00",
            },
            "line_items": [],
            "taxes": [{"name": "Tax", "rate": "10.00", "lineitem_id": None}],
            "tags": [],
        },
        "message": "Invoice created successfully.",
    }  # fmt: skip
    one = api("GET", f"/invoices/{made['id']}")
    assert one.json == {"data": made, "message": "Invoice retrieved successfully."}


def test_items_discount_and_tax_add_up_as_on_the_page(api: GrowCrm, made: dict[str, Any]) -> None:
    changed = api.patch(
        f"/invoices/{made['id']}",
        {"bill_categoryid": 3, "bill_date": "2026-06-12", "bill_discount_type": "percentage",
         "bill_discount_percentage": "10"},
    )  # fmt: skip
    assert changed["totals"] == {
        "subtotal": "250.00", "subtotal_before_discount": "250.00", "discount_type": "percentage",
        "discount_percentage": "10.00", "discount_amount": "25.00", "amount_before_tax": "225.00",
        "tax_total_percentage": "10.00", "tax_total_amount": "22.50", "adjustment_description": None,
        "adjustment_amount": "0.00", "final_amount": "247.50",
    }  # fmt: skip
    first = changed["line_items"][0]
    assert first == {
        "id": first["id"], "description": "Design", "unit": "h", "quantity": "2.00", "rate": "100.00",
        "total": "200.00", "type": "plain", "tax_status": "yes",
        "discount": {"type": "none", "value": "0.00", "amount": "0.00"},
    }  # fmt: skip
    fixed = {"bill_categoryid": 3, "bill_date": "2026-06-12", "bill_discount_amount": "50"}
    totals = api.patch(f"/invoices/{made['id']}", fixed)["totals"]
    assert (totals["discount_type"], totals["discount_amount"], totals["final_amount"]) == ("fixed", "50.00", "220.00")
    none = {"bill_categoryid": 3, "bill_date": "2026-06-12", "bill_discount_type": "none"}
    assert api.patch(f"/invoices/{made['id']}", none)["totals"]["final_amount"] == "275.00"


def test_items_come_as_a_form_too_and_replace_all_there_were(api: GrowCrm, made: dict[str, Any]) -> None:
    form = [
        ("items[0][description]", "All"), ("items[0][quantity]", "3"), ("items[0][rate]", "33.33"),
        ("items[0][unit]", "day"), ("tax_rate_ids[]", "1"),
    ]  # fmt: skip
    result = api("PUT", f"/invoices/{made['id']}/items", form)
    assert result.json["message"] == "Invoice items updated successfully."
    seen = result.json["data"]
    assert [(line["description"], line["total"]) for line in seen["line_items"]] == [("All", "99.99")]
    assert (seen["totals"]["tax_total_amount"], seen["totals"]["final_amount"]) == ("10.00", "109.99")
    untaxed = api.put(f"/invoices/{made['id']}/items", json={"items": ITEMS, "tax_rate_ids": []})
    assert (untaxed["taxes"], untaxed["totals"]["final_amount"]) == ([], "250.00")
    assert untaxed["line_items"][0]["tax_status"] == "no"
    assert api.put(f"/invoices/{made['id']}/items", json={"items": ITEMS})["taxes"] == [], "it stays as it was"


@pytest.mark.parametrize(
    ("items", "errors"),
    [
        ({}, {"items": ["The items field is required."]}),
        ({"items": []}, {"items": ["The items field is required."]}),
        ({"items": "x"}, {"items": ["The items must be an array."]}),
        (
            {"items": [{"quantity": 1}]},
            {
                "items.0.description": ["The items.0.description field is required."],
                "items.0.rate": ["The items.0.rate field is required."],
            },
        ),
        (
            {"items": [{"description": "x", "quantity": "many", "rate": -1}]},
            {
                "items.0.quantity": ["The items.0.quantity must be a number."],
                "items.0.rate": ["The items.0.rate must be at least 0."],
            },
        ),
        (
            {"items": [{"description": "x", "quantity": 0, "rate": 1}]},
            {"items": ["Line 1: quantity: must be more than 0."]},
        ),
        ({"items": ITEMS, "tax_rate_ids": [2]}, {"tax_rate_ids": ["The selected tax rate ids is invalid."]}),
    ],
)  # fmt: skip
def test_wrong_items(api: GrowCrm, made: dict[str, Any], items: Any, errors: dict[str, list[str]]) -> None:
    assert api.refused("PUT", f"/invoices/{made['id']}/items", json=items, status=422)["errors"] == errors
    assert api.get(f"/invoices/{made['id']}") == made


def test_without_a_tax_rate_there_is_no_tax_to_ask_for(api: GrowCrm, studio: Studio) -> None:
    made = api.post("/invoices", body(number(studio, "client", studio.ids["client"])))
    asked = {"items": ITEMS, "tax_rate_ids": [1]}
    answer = api.refused("PUT", f"/invoices/{made['id']}/items", json=asked, status=422)
    assert answer["errors"] == {"tax_rate_ids": ["The selected tax rate ids is invalid."]}


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"bill_clientid": ""}, {"bill_clientid": ["The bill clientid field is required."]}),
        ({"bill_categoryid": ""}, {"bill_categoryid": ["The bill categoryid field is required."]}),
        ({"bill_date": ""}, {"bill_date": ["The bill date field is required."]}),
        ({"bill_clientid": "999999"}, {"bill_clientid": ["The selected bill clientid is invalid."]}),
        ({"bill_categoryid": "1"}, {"bill_categoryid": ["The selected bill categoryid is invalid."]}),
        ({"bill_projectid": "hidden"}, {"bill_projectid": ["The selected bill projectid is invalid."]}),
        ({"bill_tax_type": "inline"}, {"bill_tax_type": ["The selected bill tax type is invalid."]}),
        (
            {"bill_due_date": "2026-06-11"},
            {"bill_due_date": ["The bill due date must be a date after or equal to bill date."]},
        ),
    ],
)
def test_wrong_values(
    api: GrowCrm, client: int, studio: Studio, change: dict[str, Any], errors: dict[str, list[str]]
) -> None:
    if change.get("bill_projectid"):
        change = {"bill_projectid": number(studio, "project", studio.ids["hidden_project"])}
    assert api.refused("POST", "/invoices", body(client, **change), status=422)["errors"] == errors
    assert api.get("/invoices") == []


def test_an_adjustment_is_refused_rather_than_lost(api: GrowCrm, made: dict[str, Any]) -> None:
    given = {"bill_categoryid": 3, "bill_date": "2026-06-12", "bill_adjustment_amount": "-5"}
    answer = api.refused("PATCH", f"/invoices/{made['id']}", given, status=422)
    assert list(answer["errors"]) == ["bill_adjustment_amount"]
    given["bill_adjustment_amount"] = "0"
    assert api.patch(f"/invoices/{made['id']}", given)["totals"] == made["totals"]


# --- status


def test_an_invoice_goes_from_draft_to_due_to_paid(api: GrowCrm, made: dict[str, Any], studio: Studio) -> None:
    assert status(api, made["id"], 2) == {"id": 2, "title": "Due", "color": "warning"}
    with studio.context() as ctx:
        row = ctx.connection.execute(b"SELECT number FROM invoices WHERE serial = %s", [made["id"]]).fetchone()
        assert row == ("INV-0001",)
    assert status(api, made["id"], 2)["id"] == 2, "what it is already, it stays"
    assert status(api, made["id"], 5) == {"id": 5, "title": "Paid", "color": "success"}


def test_overdue_and_part_paid_follow_from_days_and_payments(
    api: GrowCrm, made: dict[str, Any], studio: Studio
) -> None:
    status(api, made["id"], 2)
    studio.clock.now += timedelta(days=12)
    assert api.get(f"/invoices/{made['id']}")["status"] == {"id": 3, "title": "Overdue", "color": "danger"}
    assert [one["id"] for one in api.get("/invoices", status="3")] == [made["id"]]
    assert api.get("/invoices", status="2") == []
    answer = api.refused("PUT", f"/invoices/{made['id']}/status", {"status": "4"}, status=409)
    assert answer["message"].startswith("Whether an invoice is due, overdue or part paid follows")
    api.post("/payments", {"payment_invoiceid": made["id"], "payment_amount": "100", "payment_date": "2026-06-27"})
    assert api.get(f"/invoices/{made['id']}")["status"] == {"id": 4, "title": "Part Paid", "color": "info"}
    assert [one["id"] for one in api.get("/invoices", status="4")] == [made["id"]]
    assert api.get("/invoices", status="3") == []
    answer = api.refused("PUT", f"/invoices/{made['id']}/status", {"status": "20"}, status=409)
    assert answer["message"].startswith("Payments of 100.00 EUR are recorded on this invoice.")


def test_cancelled_and_restored(api: GrowCrm, made: dict[str, Any]) -> None:
    status(api, made["id"], 2)
    assert status(api, made["id"], 20) == {"id": 20, "title": "Cancelled", "color": "default"}
    answer = api.refused("PUT", f"/invoices/{made['id']}/status", {"status": "5"}, status=409)
    assert answer["message"] == "The status of this cancelled invoice cannot be set to Paid."
    assert status(api, made["id"], 1)["id"] == 1


@pytest.mark.parametrize("wanted", [3, 4, 5])
def test_a_draft_is_issued_first(api: GrowCrm, made: dict[str, Any], wanted: int) -> None:
    api.refused("PUT", f"/invoices/{made['id']}/status", {"status": wanted}, status=409)
    assert api.get(f"/invoices/{made['id']}")["status"]["id"] == 1


def test_what_cannot_be_sent_is_a_wrong_status(api: GrowCrm, client: int, studio: Studio) -> None:
    made = api.post("/invoices", body(client))
    answer = api.refused("PUT", f"/invoices/{made['id']}/status", {"status": "2"}, status=422)
    assert answer["errors"] == {"status": ["An invoice needs at least one line before it is sent."]}
    api.put(f"/invoices/{made['id']}/items", json={"items": ITEMS})
    with studio.context() as ctx:
        clients.change(ctx, studio.ids["client"], require_po_number=True)
    answer = api.refused("PUT", f"/invoices/{made['id']}/status", {"status": "2"}, status=422)
    assert answer["errors"] == {"status": ["Globex requires a PO number on every invoice."]}
    answer = api.refused("PUT", f"/invoices/{made['id']}/status", {"status": "6"}, status=422)
    assert answer["errors"] == {"status": ["The selected status is invalid."]}


def test_an_issued_invoice_is_not_rewritten_or_deleted(api: GrowCrm, made: dict[str, Any]) -> None:
    status(api, made["id"], 2)
    before = api.get(f"/invoices/{made['id']}")
    change = {"bill_categoryid": 3, "bill_date": "2026-06-13"}
    path = f"/invoices/{made['id']}"
    assert api.refused("PATCH", path, change, status=409)["message"] == "Only Draft invoices can be edited"
    assert api.refused("DELETE", path, status=409)["message"] == "Only Draft invoices can be deleted"
    api.refused("PUT", f"{path}/items", json={"items": ITEMS}, status=409)
    assert api.get(path) == before
    assert api.put(f"{path}/tags", {"tags[]": "late"})["tags"] == ["late"], "tags are ours, not the document's"


def test_recorded_time_on_a_draft_is_not_replaced_by_items(api: GrowCrm, studio: Studio, client: int) -> None:
    invoice = number(studio, "invoice", with_work(studio))
    seen = api.get(f"/invoices/{invoice}")
    assert [(line["type"], line["quantity"], line["rate"]) for line in seen["line_items"]] == [
        ("time", "1.50", "90.00")
    ]
    answer = api.refused("PUT", f"/invoices/{invoice}/items", json={"items": ITEMS}, status=409)
    assert answer["message"].startswith("This invoice bills recorded time or expenses")
    assert api.get("/timesheets")[0]["billing"] == {"status": "invoiced", "invoice_id": invoice}
    assert api.delete(f"/invoices/{invoice}") == {"id": invoice}
    assert api.get("/timesheets")[0]["billing"] == {"status": "not_invoiced", "invoice_id": None}
    api.refused("GET", f"/invoices/{invoice}", status=404)


def test_a_clone_is_a_draft_with_the_same_items(
    api: GrowCrm, made: dict[str, Any], client: int, studio: Studio
) -> None:
    status(api, made["id"], 2)
    given = {"bill_clientid": client, "bill_date": "2026-07-01", "bill_due_date": "2026-07-31"}
    result = api("POST", f"/invoices/{made['id']}/clone", given)
    assert (result.status_code, result.json["message"]) == (201, "Invoice cloned successfully.")
    copy = result.json["data"]
    assert (copy["status"]["id"], copy["dates"]["date"], copy["dates"]["due_date"]) == (1, "2026-07-01", "2026-07-31")
    assert [line["description"] for line in copy["line_items"]] == ["Design", "Fonts"]
    assert copy["totals"] == made["totals"]
    dollars = {**given, "bill_clientid": number(studio, "client", studio.ids["other_client"])}
    answer = api.refused("POST", f"/invoices/{made['id']}/clone", dollars, status=422)
    assert answer["errors"] == {"bill_clientid": ["The bill clientid must be a client whose invoices are in EUR."]}
    with studio.context() as ctx:
        acme = clients.create(ctx, name="Acme", currency="EUR").id
        projects.create(ctx, client_id=acme, name="Apps")
    other = {**given, "bill_clientid": number(studio, "client", acme)}
    assert api.post(f"/invoices/{made['id']}/clone", other)["client"]["name"] == "Acme"
    answer = api.refused("POST", f"/invoices/{made['id']}/clone", {}, status=422)
    assert list(answer["errors"]) == ["bill_clientid", "bill_date", "bill_due_date"]


def test_filters_and_sorts(api: GrowCrm, made: dict[str, Any], studio: Studio) -> None:
    other = api.post(
        "/invoices",
        {
            "bill_clientid": number(studio, "client", studio.ids["other_client"]), "bill_categoryid": 3,
            "bill_date": "2026-06-01", "bill_due_date": "2026-12-31",
        },
    )  # fmt: skip
    with studio.context() as ctx:
        paid = draft.blank(ctx, client_id=studio.ids["client"], issue_date=DAY, project_id=studio.ids["project"])
        draft.itemize(ctx, paid.id, [draft.CustomLine("Fee", Decimal(1), Decimal(1))], taxed=False)
        lifecycle.mark_sent(ctx, paid.id)
        payments.record(ctx, paid.id, amount=Decimal(1), paid_on=DAY)
    third = number(studio, "invoice", paid.id)
    globex = number(studio, "client", studio.ids["client"])
    project = number(studio, "project", studio.ids["project"])
    names = {made["id"]: "a", other["id"]: "b", third: "c"}
    for asked, found in [
        ({}, "cba"),
        ({"status": "1"}, "ba"),
        ({"status": "5"}, "c"),
        ({"status": "20"}, ""),
        ({"status": "7"}, ""),
        ({"status": "x"}, ""),
        ({"client_id": globex}, "ca"),
        ({"project_id": project}, "c"),
        ({"category_id": "3"}, "cba"),
        ({"category_id": "4"}, ""),
        ({"search": "inv-0001"}, "c"),
        ({"search": "initech"}, "b"),
        ({"sort": "bill_date", "order": "asc"}, "bac"),
        ({"sort": "bill_due_date"}, "bca"),
        ({"sort": "bill_final_amount"}, "acb"),
    ]:
        page = api.page("/invoices", **asked)
        assert "".join(names[one["id"]] for one in page["data"]) == found, asked
        assert page["meta"]["total"] == len(found)
