"""Refunds (contract growcrm 7.3, 7.4): money that went back, and what becomes of payment and invoice."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tallystick.domain import overviews, payments, refunds
from tallystick.domain.invoices import draft, lifecycle
from tallystick.domain.payments import Payment
from tests.growcrm.world import GrowCrm, number
from tests.studio import Studio

DAY = date(2026, 6, 12)


@pytest.fixture
def invoice(studio: Studio) -> int:
    """An issued invoice over 300."""
    with studio.context() as ctx:
        made = draft.blank(ctx, client_id=studio.ids["client"], issue_date=DAY)
        draft.itemize(ctx, made.id, [draft.CustomLine("Fee", Decimal(1), Decimal(300))], taxed=False)
        lifecycle.mark_sent(ctx, made.id)
    return number(studio, "invoice", made.id)


@pytest.fixture
def payment(api: GrowCrm, invoice: int) -> int:
    """All of it, paid."""
    return paid(api, invoice, "300")


def paid(api: GrowCrm, invoice: int, amount: str, day: str = "2026-06-13") -> int:
    made = {"payment_invoiceid": invoice, "payment_amount": amount, "payment_date": day}
    return api.post("/payments", made)["id"]


def body(payment: int, **more: Any) -> dict[str, Any]:
    return {"refund_paymentid": payment, "refund_date": "2026-06-14", **more}


def standing(api: GrowCrm, invoice: int) -> str:
    return api.get(f"/invoices/{invoice}")["status"]["title"]


def test_a_refund_is_the_object_of_the_page(api: GrowCrm, invoice: int, payment: int, studio: Studio) -> None:
    result = api("POST", "/refunds", body(payment, refund_notes="Cancelled"))
    assert result.status_code == 201, result.text
    made = result.json["data"]
    assert result.json == {
        "data": {
            "id": made["id"],
            "formatted_id": f"#{made['id']:06}",
            "amount": "300.00",
            "date": "2026-06-14",
            "notes": "Cancelled",
            "payment": {"id": payment},
            "invoice_id": invoice,
            "client": {"id": number(studio, "client", studio.ids["client"]), "name": "Globex"},
            "creator_id": 1,
            "dates": {"date": "2026-06-14", "created": "2026-06-15T09:30:00.000000Z"},
            "tags": [],
        },
        "message": "Refund created successfully.",
    }
    one = api("GET", f"/refunds/{made['id']}").json
    assert one == {"data": made, "message": "Refund retrieved successfully."}
    assert standing(api, invoice) == "Due"


def test_all_of_a_payment_is_returned_and_taken_back(api: GrowCrm, invoice: int, payment: int) -> None:
    path = f"/payments/{payment}/refund"
    result = api("POST", path, {"refund_date": "2026-06-14", "refund_notes": "Cancelled"})
    assert (result.status_code, result.json["message"]) == (201, "Payment refunded successfully.")
    shown = result.json["data"]
    assert shown == api.get(f"/payments/{payment}")
    (refund,) = api.get("/refunds", payment_id=payment)
    assert (shown["id"], shown["status"]) == (payment, "refunded")
    assert shown["refund"] == {
        "has_refund": "yes", "id": refund["id"], "amount": "300.00", "date": "2026-06-14", "notes": "Cancelled",
    }  # fmt: skip
    for again in (api.refused("POST", path, {"refund_date": "2026-06-14"}, status=409),
                  api.refused("POST", "/refunds", body(payment), status=409)):  # fmt: skip
        assert again == {"message": "All of this payment is returned already."}
    result = api("DELETE", path)
    assert (result.status_code, result.json["message"]) == (200, "Payment refund deleted successfully.")
    assert (result.json["data"]["id"], result.json["data"]["status"]) == (payment, "paid")
    assert result.json["data"]["refund"]["has_refund"] == "no"
    assert standing(api, invoice) == "Paid"
    api.refused("DELETE", path, status=404)
    api.refused("GET", f"/refunds/{refund['id']}", status=404)


def test_what_is_left_of_a_payment_is_returned(api: GrowCrm, payment: int, studio: Studio) -> None:
    """A part of it was returned in the app, which knows such; here it is all or nothing."""
    with studio.context() as ctx:
        payment_id = overviews.id_of(ctx, Payment, payment)
        invoice_id = ctx.find(Payment, payment_id).invoice_id
        refunds.record(ctx, invoice_id, payment_id, amount=Decimal(80), refunded_on=date(2026, 6, 14))
    assert api.post("/refunds", body(payment))["amount"] == "220.00"
    shown = api.get(f"/payments/{payment}")
    assert (shown["status"], shown["refund"]["amount"]) == ("refunded", "300.00")
    assert api.delete(f"/payments/{payment}/refund")["status"] == "paid"
    assert api.get("/refunds") == []


def test_a_refund_is_corrected_tagged_and_deleted(api: GrowCrm, invoice: int, payment: int) -> None:
    path = f"/refunds/{api.post('/refunds', body(payment, refund_notes='x'))['id']}"
    result = api("PATCH", path, {"refund_date": "2026-06-15", "refund_amount": "1"})
    assert result.json["message"] == "Refund updated successfully."
    seen = result.json["data"]
    assert (seen["date"], seen["notes"], seen["amount"]) == ("2026-06-15", "x", "300.00")
    assert api.patch(path, {"refund_date": "2026-06-15", "refund_notes": ""})["notes"] is None
    assert api.put(f"{path}/tags", {"tags[]": "late"})["tags"] == ["late"]
    deleted = api("DELETE", path).json
    assert deleted == {"data": {"id": seen["id"]}, "message": "Refund deleted successfully."}
    assert standing(api, invoice) == "Paid"


def test_what_was_paid_otherwise_meanwhile_comes_first(api: GrowCrm, invoice: int, payment: int) -> None:
    refund = api.post("/refunds", body(payment))["id"]
    paid(api, invoice, "300")
    for path in (f"/refunds/{refund}", f"/payments/{payment}/refund"):
        answer = api.refused("DELETE", path, status=409)
        assert answer["message"].startswith("What was returned is no longer open on this invoice")
    assert api.get(f"/payments/{payment}")["status"] == "refunded"


def test_credit_that_was_spent_is_no_money_that_came(api: GrowCrm, invoice: int, studio: Studio) -> None:
    with studio.context() as ctx:
        first, second = (
            draft.draft(ctx, client_id=studio.ids["client"], project_ids=[], lines=[line]).invoice.id
            for line in [draft.CustomLine("Fee", Decimal(1), Decimal(100))] * 2
        )
        for one in (first, second):
            lifecycle.mark_sent(ctx, one)
        payments.record(ctx, first, amount=Decimal(150), paid_on=DAY, overpayment="credit")
        spent, _ = payments.apply_credit(ctx, second)
    answer = api.refused("POST", "/refunds", body(number(studio, "payment", spent.id)), status=409)
    assert answer["message"].startswith("No money came with this payment")


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"refund_paymentid": ""}, {"refund_paymentid": ["The refund paymentid field is required."]}),
        ({"refund_date": ""}, {"refund_date": ["The refund date field is required."]}),
        ({"refund_date": "soon"}, {"refund_date": ["The refund date is not a valid date."]}),
        ({"refund_paymentid": "99999"}, {"refund_paymentid": ["The selected refund paymentid is invalid."]}),
        ({"refund_date": "2026-06-16"}, {"refund_date": ["The refund date must not be in the future."]}),
        (
            {"refund_date": "2026-06-12"},
            {"refund_date": ["The refund date must not be before the day of the payment."]},
        ),
    ],
)
def test_wrong_values(api: GrowCrm, payment: int, change: dict[str, str], errors: dict[str, list[str]]) -> None:
    assert api.refused("POST", "/refunds", body(payment, **change), status=422)["errors"] == errors
    if "refund_paymentid" not in change:
        path = f"/payments/{payment}/refund"
        assert api.refused("POST", path, {"refund_date": change["refund_date"]}, status=422)["errors"] == errors
    assert api.get("/refunds") == []


def test_filters_and_sorts(api: GrowCrm, invoice: int, studio: Studio) -> None:
    given = [("10", "2026-06-14", "Twice"), ("30", "2026-06-13", ""), ("20", "2026-06-15", "")]
    found = {}
    for name, (amount, day, notes) in zip("abc", given, strict=True):
        payment = paid(api, invoice, amount)
        made = api.post("/refunds", body(payment, refund_date=day, refund_notes=notes))
        found[made["id"]] = (name, payment)
        studio.clock.now += timedelta(minutes=1)
    names = {identity: name for identity, (name, _) in found.items()}
    last = next(payment for name, payment in found.values() if name == "c")
    tagged = next(identity for identity, name in names.items() if name == "b")
    api.put(f"/refunds/{tagged}/tags", [("tags[]", "x"), ("tags[]", "y")])
    client = number(studio, "client", studio.ids["client"])
    other = number(studio, "client", studio.ids["other_client"])
    asked: dict[str, Any]
    for asked, expected in [
        ({}, "cba"),
        ({"payment_id": last}, "c"),
        ({"invoice_id": invoice}, "cba"),
        ({"invoice_id": invoice + 1000}, ""),
        ({"client_id": client}, "cba"),
        ({"client_id": other}, ""),
        ({"date_start": "2026-06-14"}, "ca"),
        ({"date_end": "2026-06-14"}, "ba"),
        ({"search": "TWICE"}, "a"),
        ({"search": "inv-"}, "cba"),
        ({"tags[]": "y"}, "b"),
        ({"tags[]": "z"}, ""),
        ({"sort": "refund_date", "order": "asc"}, "bac"),
        ({"sort": "refund_amount"}, "bca"),
    ]:
        page = api.page("/refunds", **asked)
        assert "".join(names[one["id"]] for one in page["data"]) == expected, asked
        assert page["meta"]["total"] == len(expected)
