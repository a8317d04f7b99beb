"""Invoices (contract growcrm 7.1): drafts with items and their taxes, and the moves of the domain."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tallystick.db.session import Database
from tallystick.domain import clients, payments, projects, tax_rates, time_entries, workspaces
from tallystick.domain.invoices import draft, lifecycle
from tallystick.domain.mails.mail import Mail
from tests.growcrm.world import GrowCrm, key_of, number
from tests.studio import Studio, app_client

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
        ({"bill_tax_type": "both"}, {"bill_tax_type": ["The selected bill tax type is invalid."]}),
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


# --- taxes and discounts of lines


@pytest.fixture
def rates(studio: Studio, client: int) -> dict[str, int]:
    """Rates with names, by the numbers that this API has for them."""
    with studio.context() as ctx:
        made = {
            "food": tax_rates.create(ctx, name="Food", percent=Decimal(7)),
            "export": tax_rates.create(ctx, name="Export", category="EXPORT"),
        }
    return {name: number(studio, "tax_rate", rate.id) for name, rate in made.items()}


def test_each_line_has_the_tax_it_says(api: GrowCrm, client: int, rates: dict[str, int]) -> None:
    made = api.post("/invoices", body(client, bill_tax_type="inline"))
    assert (made["tax_type"], made["taxes"]) == ("inline", [])
    form = [
        ("items[0][description]", "Design"), ("items[0][quantity]", "2"), ("items[0][rate]", "100"),
        ("items[0][tax_rate_id]", "1"), ("items[0][discount_type]", "percentage"), ("items[0][discount_value]", "10"),
        ("items[1][description]", "Bread"), ("items[1][quantity]", "1"), ("items[1][rate]", "50"),
        ("items[1][tax_rate_id]", str(rates["food"])), ("items[1][discount_type]", "fixed"),
        ("items[1][discount_value]", "5.50"),
        ("items[2][description]", "Abroad"), ("items[2][quantity]", "1"), ("items[2][rate]", "30"),
        ("items[2][tax_rate_id]", str(rates["export"])),
        ("items[3][description]", "Gift"), ("items[3][quantity]", "1"), ("items[3][rate]", "20"),
        ("items[3][discount_type]", "none"), ("items[3][discount_value]", "9"),
    ]  # fmt: skip
    seen = api.put(f"/invoices/{made['id']}/items", form)
    lines = seen["line_items"]
    assert seen["tax_type"] == "inline"
    assert [(line["total"], line["tax_status"], line["discount"]) for line in lines] == [
        ("180.00", "yes", {"type": "percentage", "value": "10.00", "amount": "20.00"}),
        ("44.50", "yes", {"type": "fixed", "value": "5.50", "amount": "5.50"}),
        ("30.00", "no", {"type": "none", "value": "0.00", "amount": "0.00"}),
        ("20.00", "no", {"type": "none", "value": "0.00", "amount": "0.00"}),
    ]
    assert seen["taxes"] == [
        {"name": "Tax", "rate": "10.00", "lineitem_id": lines[0]["id"]},
        {"name": "Food", "rate": "7.00", "lineitem_id": lines[1]["id"]},
        {"name": "Export", "rate": "0.00", "lineitem_id": lines[2]["id"]},
    ]
    totals = seen["totals"]
    assert (totals["subtotal_before_discount"], totals["subtotal"]) == ("300.00", "274.50")
    assert (totals["tax_total_percentage"], totals["tax_total_amount"]) == ("0.00", "21.12"), "18.00 and 3.12"
    assert totals["final_amount"] == "295.62"
    copy = {"bill_clientid": client, "bill_date": "2026-07-01", "bill_due_date": "2026-07-31"}
    cloned = api.post(f"/invoices/{made['id']}/clone", copy)
    assert (cloned["tax_type"], cloned["totals"]) == ("inline", totals)


def test_one_tax_for_all_is_a_named_one_too(api: GrowCrm, made: dict[str, Any], rates: dict[str, int]) -> None:
    seen = api.put(f"/invoices/{made['id']}/items", json={"items": ITEMS, "tax_rate_ids": [rates["food"]]})
    assert seen["tax_type"] == "summary"
    assert seen["taxes"] == [{"name": "Food", "rate": "7.00", "lineitem_id": None}]
    assert (seen["totals"]["tax_total_percentage"], seen["totals"]["tax_total_amount"]) == ("7.00", "17.50")
    two = {"items": ITEMS, "tax_rate_ids": [1, rates["food"]]}
    answer = api.refused("PUT", f"/invoices/{made['id']}/items", json=two, status=422)
    assert list(answer["errors"]) == ["tax_rate_ids"]
    assert api.get(f"/invoices/{made['id']}") == seen


def test_what_says_nothing_is_taxed_as_all_are_where_that_is_said(
    api: GrowCrm, made: dict[str, Any], rates: dict[str, int]
) -> None:
    items = [ITEMS[0], {**ITEMS[1], "tax_rate_id": 1}]
    seen = api.put(f"/invoices/{made['id']}/items", json={"items": items, "tax_rate_ids": [rates["food"]]})
    assert [(tax["name"], tax["rate"]) for tax in seen["taxes"]] == [("Food", "7.00"), ("Tax", "10.00")]
    assert seen["totals"]["tax_total_amount"] == "19.00"


def test_an_invoice_by_lines_becomes_one_on_the_sum(api: GrowCrm, made: dict[str, Any], rates: dict[str, int]) -> None:
    item = {"tax_rate_id": rates["food"], "discount_type": "fixed", "discount_value": "20"}
    path = f"/invoices/{made['id']}"
    by_line = api.put(f"{path}/items", json={"items": [{**ITEMS[0], **item}, ITEMS[1]]})
    assert (by_line["tax_type"], by_line["totals"]["final_amount"]) == ("inline", "242.60")
    change = {"bill_categoryid": 3, "bill_date": "2026-06-12"}
    assert api.patch(path, change)["totals"] == by_line["totals"], "left out, it stays"
    summed = api.patch(path, {**change, "bill_tax_type": "summary"})
    assert summed["tax_type"] == "summary"
    assert summed["taxes"] == [{"name": "Tax", "rate": "10.00", "lineitem_id": None}]
    assert summed["totals"] == made["totals"]
    assert api.patch(path, {**change, "bill_tax_type": "inline"})["tax_type"] == "inline"


@pytest.mark.parametrize(
    ("item", "errors"),
    [
        ({"tax_rate_id": 999}, {"items.0.tax_rate_id": ["The selected items.0.tax rate id is invalid."]}),
        ({"tax_rate_id": "x"}, {"items.0.tax_rate_id": ["The items.0.tax rate id must be an integer."]}),
        ({"discount_type": "half"}, {"items.0.discount_type": ["The selected items.0.discount type is invalid."]}),
        (
            {"discount_type": "fixed", "discount_value": "200.01"},
            {"items": ["Line 1: discount: is more than the line of 200.00 EUR."]},
        ),
        (
            {"discount_type": "percentage", "discount_value": "101"},
            {"items": ["Line 1: discount: must be a percentage between 0 and 100."]},
        ),
    ],
)
def test_wrong_taxes_and_discounts_of_items(
    api: GrowCrm, made: dict[str, Any], item: dict[str, Any], errors: dict[str, list[str]]
) -> None:
    asked = {"items": [{**ITEMS[0], **item}]}
    assert api.refused("PUT", f"/invoices/{made['id']}/items", json=asked, status=422)["errors"] == errors
    assert api.get(f"/invoices/{made['id']}") == made


def test_items_are_priced_without_tax_whatever_the_studio_usually_does(
    api: GrowCrm, client: int, studio: Studio
) -> None:
    with studio.context() as ctx:
        workspaces.change(ctx, prices_include_tax=True)
        line = draft.CustomLine("Design", Decimal(3), Decimal(11))
        gross = draft.draft(ctx, client_id=studio.ids["client"], project_ids=[], lines=[line]).invoice.id
    made = api.post("/invoices", body(client))
    seen = api.put(f"/invoices/{made['id']}/items", json={"items": ITEMS})
    assert (seen["totals"]["subtotal"], seen["totals"]["final_amount"]) == ("250.00", "275.00")
    shown = api.get(f"/invoices/{number(studio, 'invoice', gross)}")
    (line_shown,) = shown["line_items"]
    assert (line_shown["rate"], line_shown["total"]) == ("10.00", "30.00"), "of which the sums are made"
    assert (shown["totals"]["subtotal"], shown["totals"]["final_amount"]) == ("30.00", "33.00")


def test_a_long_description_stands_below(api: GrowCrm, made: dict[str, Any]) -> None:
    items = [{**ITEMS[0], "long_description": "In two drafts"}]
    seen = api.put(f"/invoices/{made['id']}/items", json={"items": items})
    assert seen["line_items"][0]["description"] == "Design\nIn two drafts"


def test_an_adjustment_is_refused_rather_than_lost(api: GrowCrm, made: dict[str, Any]) -> None:
    given = {"bill_categoryid": 3, "bill_date": "2026-06-12", "bill_adjustment_amount": "-5"}
    answer = api.refused("PATCH", f"/invoices/{made['id']}", given, status=422)
    assert list(answer["errors"]) == ["bill_adjustment_amount"]
    given["bill_adjustment_amount"] = "0"
    assert api.patch(f"/invoices/{made['id']}", given)["totals"] == made["totals"]


# --- publishing and mailing


def letters(studio: Studio) -> list[tuple[str, list[str]]]:
    with studio.context() as ctx:
        return [(mail.kind, mail.recipients) for mail in ctx.select(Mail)]


def with_address(studio: Studio) -> None:
    with studio.context() as ctx:
        clients.change(ctx, studio.ids["client"], email="ap@globex.example")


def test_a_published_draft_is_issued_and_mailed(api: GrowCrm, made: dict[str, Any], studio: Studio) -> None:
    with_address(studio)
    path = f"/invoices/{made['id']}"
    result = api("PUT", f"{path}/publish")
    assert (result.status_code, result.json["message"]) == (200, "Invoice published successfully.")
    assert result.json["data"] == api.get(path)
    assert result.json["data"]["status"] == {"id": 2, "title": "Due", "color": "warning"}
    assert letters(studio) == [("invoice", ["ap@globex.example"])]
    answer = api.refused("PUT", f"{path}/publish", status=409)
    assert answer["message"].startswith("Only a draft is published.")
    assert len(letters(studio)) == 1


def test_an_issued_invoice_is_mailed_again_and_a_draft_is_not(
    api: GrowCrm, made: dict[str, Any], studio: Studio
) -> None:
    with_address(studio)
    path = f"/invoices/{made['id']}"
    assert (
        api.refused("POST", f"{path}/send-email", status=409)["message"] == "A draft is not mailed. Publish it first."
    )
    assert letters(studio) == []
    status(api, made["id"], 2)
    result = api("POST", f"{path}/send-email")
    assert (result.status_code, result.json["message"]) == (200, "Invoice email sent successfully.")
    assert result.json["data"] == api.get(path)
    assert api.refused("POST", f"{path}/send-email", status=409)["message"].startswith("This was mailed a moment ago")
    assert letters(studio) == [("invoice", ["ap@globex.example"])]
    status(api, made["id"], 20)
    assert "are not sent" in api.refused("POST", f"{path}/send-email", status=409)["message"]


def test_what_is_not_ready_is_not_published(api: GrowCrm, client: int, studio: Studio) -> None:
    made = api.post("/invoices", body(client))
    path = f"/invoices/{made['id']}/publish"
    answer = api.refused("PUT", path, status=422)
    assert answer["errors"] == {"invoice": ["Required: no e-mail address of Globex is known."]}
    with_address(studio)
    answer = api.refused("PUT", path, status=422)
    assert answer["errors"] == {"invoice": ["An invoice needs at least one line before it is sent."]}
    assert api.get(f"/invoices/{made['id']}")["status"]["title"] == "Draft"


def test_without_a_mail_server_nothing_is_issued_in_silence(
    database: Database, made: dict[str, Any], studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_address(studio)
    monkeypatch.setattr("tests.studio.MAIL", {})
    quiet = GrowCrm(app_client(database, studio.clock, tmp_path), key_of(studio))
    answer = quiet.refused("PUT", f"/invoices/{made['id']}/publish", status=409)
    assert answer["message"].startswith("Mail is not set up")
    assert quiet.get(f"/invoices/{made['id']}")["status"]["title"] == "Draft"


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
