"""Payments (contract growcrm 7.3)."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tallystick.domain import clients, overviews, refunds
from tallystick.domain.invoices import draft, lifecycle
from tallystick.domain.invoices.invoice import Invoice
from tallystick.domain.mails import mail as mails
from tallystick.domain.mails.mail import Mail
from tallystick.domain.payments import Payment
from tests.growcrm.world import GrowCrm, number
from tests.studio import Studio

DAY = date(2026, 6, 12)


@pytest.fixture
def invoice(studio: Studio) -> int:
    """An issued invoice over 300."""
    with studio.context() as ctx:
        made = draft.blank(ctx, client_id=studio.ids["client"], issue_date=DAY, project_id=studio.ids["project"])
        draft.itemize(ctx, made.id, [draft.CustomLine("Fee", Decimal(1), Decimal(300))], taxed=False)
        lifecycle.mark_sent(ctx, made.id)
    return number(studio, "invoice", made.id)


def body(invoice: int, **more: Any) -> dict[str, Any]:
    return {"payment_invoiceid": invoice, "payment_amount": "100", "payment_date": "2026-06-14", **more}


def standing(api: GrowCrm, invoice: int) -> str:
    return api.get(f"/invoices/{invoice}")["status"]["title"]


def test_a_recorded_payment_is_the_object_of_the_page(api: GrowCrm, invoice: int, studio: Studio) -> None:
    result = api(
        "POST",
        "/payments",
        body(invoice, payment_gateway="paypal", payment_transaction_id="T-1", payment_notes="Thanks",
             send_payment_email="yes"),
    )  # fmt: skip
    assert result.status_code == 201, result.text
    made = result.json["data"]
    assert result.json == {
        "data": {
            "id": made["id"],
            "status": "paid",
            "amount": "100.00",
            "date": "2026-06-14",
            "gateway": "paypal",
            "transaction_id": "T-1",
            "notes": "Thanks",
            "invoice": {"id": invoice, "formatted_id": "INV-0001"},
            "client": {"id": number(studio, "client", studio.ids["client"]), "name": "Globex"},
            "project_id": number(studio, "project", studio.ids["project"]),
            "creator_id": 1,
            "dates": {"date": "2026-06-14", "created": "2026-06-15T09:30:00.000000Z"},
            "refund": {"has_refund": "no", "id": None, "amount": None, "date": None, "notes": None},
            "tags": [],
        },
        "message": "Payment created successfully.",
    }
    assert api("GET", f"/payments/{made['id']}").json == {"data": made, "message": "Payment retrieved successfully."}
    assert api.post("/payments", body(invoice))["gateway"] == "bank"
    assert standing(api, invoice) == "Part Paid"
    api.post("/payments", body(invoice))
    assert standing(api, invoice) == "Paid"


@pytest.mark.parametrize(("asked", "language"), [("yes", "en"), ("yes", "de"), ("no", "en"), ("", "en")])
def test_a_client_is_thanked_when_asked_for(
    api: GrowCrm, invoice: int, studio: Studio, asked: str, language: str
) -> None:
    with studio.context() as ctx:
        clients.change(ctx, studio.ids["client"], email="ap@globex.example", language=language)
    api.post("/payments", body(invoice, send_payment_email=asked))
    with studio.context() as ctx:
        found = ctx.select(Mail)
        words = [mails.words_of(ctx, one) for one in found]
    if asked != "yes":
        assert found == []
        return
    (mail,), (said,) = found, words
    assert said is not None
    assert (mail.kind, mail.recipients, mail.subject) == (
        "payment",
        ["ap@globex.example"],
        "Thank you for your payment of invoice INV-0001"
        if language == "en"
        else "Danke für Ihre Zahlung der Rechnung INV-0001",
    )
    assert "100" in said.text
    assert "200" in said.text, "what is still open"
    assert "{{" not in said.text
    assert "/i/" in (said.link or "")


def test_a_payment_is_recorded_where_nobody_can_be_thanked(api: GrowCrm, invoice: int, studio: Studio) -> None:
    """No address of the client is known."""
    api.post("/payments", body(invoice, send_payment_email="yes"))
    with studio.context() as ctx:
        assert ctx.select(Mail) == []


def test_what_was_returned_of_it_is_shown(api: GrowCrm, invoice: int, studio: Studio) -> None:
    made = api.post("/payments", body(invoice))
    with studio.context() as ctx:
        payment_id = overviews.id_of(ctx, Payment, made["id"])
        invoice_id = overviews.id_of(ctx, Invoice, invoice)
        given = {"amount": Decimal(60), "refunded_on": date(2026, 6, 15)}
        refunds.record(ctx, invoice_id, payment_id, **given)
    shown = api.get(f"/payments/{made['id']}")
    assert (shown["status"], shown["refund"]["has_refund"], shown["refund"]["amount"]) == ("paid", "yes", "60.00")
    with studio.context() as ctx:
        refunds.record(ctx, invoice_id, payment_id, refunded_on=date(2026, 6, 15), note="All of it")
    shown = api.get(f"/payments/{made['id']}")
    assert (shown["status"], shown["refund"]["amount"], shown["refund"]["notes"]) == ("refunded", "100.00", "All of it")
    assert shown["refund"]["date"] == "2026-06-15"
    assert standing(api, invoice) == "Due"


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"payment_invoiceid": ""}, {"payment_invoiceid": ["The payment invoiceid field is required."]}),
        ({"payment_amount": ""}, {"payment_amount": ["The payment amount field is required."]}),
        ({"payment_date": ""}, {"payment_date": ["The payment date field is required."]}),
        ({"payment_invoiceid": "99999"}, {"payment_invoiceid": ["The selected payment invoiceid is invalid."]}),
        ({"payment_amount": "0"}, {"payment_amount": ["The payment amount must be greater than 0."]}),
        ({"payment_amount": "-1"}, {"payment_amount": ["The payment amount must be at least 0."]}),
        ({"payment_amount": "300.01"}, {"payment_amount": ["300.01 is more than the balance of 300.00 EUR."]}),
        ({"payment_date": "2026-06-16"}, {"payment_date": ["The payment date must not be in the future."]}),
    ],
)
def test_wrong_values(api: GrowCrm, invoice: int, change: dict[str, str], errors: dict[str, list[str]]) -> None:
    assert api.refused("POST", "/payments", body(invoice, **change), status=422)["errors"] == errors
    assert standing(api, invoice) == "Due"


def test_a_draft_takes_no_payments(api: GrowCrm, studio: Studio) -> None:
    with studio.context() as ctx:
        made = draft.blank(ctx, client_id=studio.ids["client"], issue_date=DAY)
    answer = api.refused("POST", "/payments", body(number(studio, "invoice", made.id)), status=409)
    assert answer["message"] == "Draft invoices take no payments"


def test_a_correction_is_followed_by_the_invoice(api: GrowCrm, invoice: int) -> None:
    made = api.post("/payments", body(invoice, payment_amount="300", payment_gateway="paypal"))
    assert standing(api, invoice) == "Paid"
    path = f"/payments/{made['id']}"
    result = api("PATCH", path, {"payment_amount": "120", "payment_date": "2026-06-13"})
    assert result.json["message"] == "Payment updated successfully."
    seen = result.json["data"]
    assert (seen["amount"], seen["date"], seen["gateway"]) == ("120.00", "2026-06-13", "paypal")
    assert standing(api, invoice) == "Part Paid"
    answer = api.refused("PATCH", path, {"payment_amount": "301", "payment_date": "2026-06-13"}, status=422)
    assert answer["errors"] == {"payment_amount": ["301 is more than the balance of 300.00 EUR."]}
    api.patch(path, {"payment_amount": "300", "payment_date": "2026-06-13"})
    assert standing(api, invoice) == "Paid"
    answer = api.refused("PATCH", path, {}, status=422)
    assert list(answer["errors"]) == ["payment_amount", "payment_date"]


def test_what_was_settled_on_top_is_open_again_when_a_payment_is_less(api: GrowCrm, invoice: int) -> None:
    made = api.post("/payments", body(invoice))
    api.put(f"/invoices/{invoice}/status", {"status": "5"})
    api.patch(f"/payments/{made['id']}", {"payment_amount": "50", "payment_date": "2026-06-13"})
    assert standing(api, invoice) == "Part Paid"
    api.post("/payments", body(invoice, payment_amount="250"))
    assert standing(api, invoice) == "Paid"


def test_a_deleted_payment_reopens_its_invoice(api: GrowCrm, invoice: int) -> None:
    made = api.post("/payments", body(invoice, payment_amount="300"))
    assert api("DELETE", f"/payments/{made['id']}").json == {
        "data": {"id": made["id"]}, "message": "Payment deleted successfully."
    }  # fmt: skip
    assert standing(api, invoice) == "Due"
    api.refused("GET", f"/payments/{made['id']}", status=404)


def test_tags(api: GrowCrm, invoice: int) -> None:
    made = api.post("/payments", body(invoice))
    assert api.put(f"/payments/{made['id']}/tags", {"tags[]": "cash"})["tags"] == ["cash"]
    assert standing(api, invoice) == "Part Paid"


def test_filters_and_sorts(api: GrowCrm, invoice: int, studio: Studio) -> None:
    a = api.post("/payments", body(invoice, payment_amount="10", payment_date="2026-06-10", payment_notes="first"))
    studio.clock.now += timedelta(minutes=1)
    b = api.post(
        "/payments", body(invoice, payment_amount="30", payment_gateway="Stripe", payment_transaction_id="ch_1")
    )
    studio.clock.now += timedelta(minutes=1)
    c = api.post("/payments", body(invoice, payment_amount="20", payment_date="2026-06-12"))
    api.put(f"/payments/{c['id']}/tags", [("tags[]", "x"), ("tags[]", "y")])
    names = {a["id"]: "a", b["id"]: "b", c["id"]: "c"}
    client = number(studio, "client", studio.ids["client"])
    other = number(studio, "client", studio.ids["other_client"])
    project = number(studio, "project", studio.ids["project"])
    asked: dict[str, Any]
    for asked, found in [
        ({}, "cba"),
        ({"invoice_id": invoice}, "cba"),
        ({"invoice_id": invoice + 1000}, ""),
        ({"client_id": client}, "cba"),
        ({"client_id": other}, ""),
        ({"project_id": project}, "cba"),
        ({"gateway": "stripe"}, "b"),
        ({"amount_min": "20"}, "cb"),
        ({"amount_max": "20.00"}, "ca"),
        ({"date_start": "2026-06-12"}, "cb"),
        ({"date_end": "2026-06-12"}, "ca"),
        ({"search": "FIRST"}, "a"),
        ({"search": "ch_"}, "b"),
        ({"search": "inv-"}, "cba"),
        ({"tags[]": "y"}, "c"),
        ({"tags[]": "z"}, ""),
        ({"sort": "payment_date", "order": "asc"}, "acb"),
        ({"sort": "payment_amount"}, "bca"),
    ]:
        assert "".join(names[one["id"]] for one in api.get("/payments", **asked)) == found, asked
