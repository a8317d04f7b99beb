"""Invoices as they are read (contract hoursmith 2.9, seed 004), and what they lock. Making them is ours."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.lists import Listed, assert_ids, assert_list, assert_sorted, directions
from tests.conformance.world import (
    AT,
    CURRENCY,
    FLAG,
    ID,
    LIST,
    NOBODY,
    ON,
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

STATUSES = ("DRAFT", "SENT", "PAID", "CANCELLED")
PAYMENT_STATUSES = ("unpaid", "partially_paid", "paid", "refunded")
DOCUMENTED = {
    "id": ID, "orgId": ID, "clientId": ID, "number": TEXT, "status": Form(STATUSES),
    "paymentStatus": Form(PAYMENT_STATUSES), "subtotal": PRICE, "discountAmount": PRICE, "taxRate": PRICE | None,
    "total": PRICE, "amountPaid": PRICE, "currency": Form(CURRENCY), "notes": TEXT | None, "billToName": TEXT | None,
    "issueDate": ON, "dueDate": ON | None, "sentAt": AT | None, "paidAt": AT | None, "createdAt": AT, "updatedAt": AT,
    "deletedAt": AT | None,
}  # fmt: skip
OURS = {
    "taxAmount": PRICE, "poNumber": TEXT | None, "taxCategory": TEXT | None, "pricesIncludeTax": FLAG,
    "discountPercent": PRICE | None, "grossDiscount": PRICE | None, "defaultTaxCategory": TEXT,
    "defaultTaxRate": PRICE | None, "defaultTaxReason": TEXT | None,
    "amountCredited": PRICE, "amountRefunded": PRICE,
    "amountWrittenOff": PRICE, "balance": PRICE, "writtenOffAt": AT | None, "writeOffReason": TEXT | None,
    "attachTimesheet": FLAG, "attachReceipts": FLAG, "receiptIds": LIST,
}  # fmt: skip
"""What we add: a client of the contract does not look at it."""
INVOICE = {**DOCUMENTED, **OURS}
INVOICES = Listed(
    "/invoices",
    (
        "amountPaid", "createdAt", "dueDate", "id", "issueDate", "number", "paidAt", "paymentStatus", "sentAt",
        "status", "total", "updatedAt",
    ),
    search=("number",),
    exact=("clientId",),
    choices={"status": STATUSES, "paymentStatus": PAYMENT_STATUSES},
    dates=("issueDate", "dueDate"),
    amounts=("total", "amountPaid"),
)  # fmt: skip


def draft(world: World, /, rate: Any = 100, **facts: Any) -> Any:
    lines = [{"description": "Work", "quantity": 1, "rate": rate}]
    return world.api().post("/invoices", {"clientId": world.studio.ids["client"], "lines": lines, **facts})


def act(world: World, invoice: dict[str, Any], verb: str) -> Any:
    result = world.api()("POST", f"/invoices/{invoice['id']}/{verb}")
    assert result.status_code in (200, 201), result.text
    return result.json["data"]


def pay(world: World, invoice: dict[str, Any], amount: Any) -> Any:
    return world.api().post(f"/invoices/{invoice['id']}/payments", {"amount": amount, "paidOn": "2026-06-15"})


def read(world: World, invoice: dict[str, Any]) -> Any:
    return world.api().get(f"/invoices/{invoice['id']}")


@pytest.fixture(scope="module")
def rows(world: World) -> list[dict[str, Any]]:
    """Invoices in every state, some alike, over several days."""
    draft(world, dueDate="2026-07-01")
    draft(world, rate="150.00", clientId=world.studio.ids["other_client"])
    world.later(days=1, hours=3)
    act(world, draft(world, rate="150"), "mark-sent")
    partly = draft(world, rate="200")
    act(world, partly, "mark-sent")
    world.later(days=1, hours=3)
    pay(world, partly, "50")
    paid = draft(world, rate="99.99", taxRate="19")
    act(world, paid, "mark-sent")
    pay(world, paid, read(world, paid)["total"])
    world.later(days=1, hours=3)
    cancelled = draft(world, rate=1)
    act(world, cancelled, "mark-sent")
    act(world, cancelled, "cancel")
    settled = draft(world, rate=2)
    act(world, settled, "mark-sent")
    act(world, settled, "mark-paid")
    return listed(world.api(), "/invoices")


def test_an_invoice_has_the_documented_fields(world: World, rows: list[dict[str, Any]]) -> None:
    assert {row["status"] for row in rows} == set(STATUSES)
    assert {row["paymentStatus"] for row in rows} >= {"unpaid", "partially_paid", "paid"}
    for row in rows:
        assert_shape(row, INVOICE)
        assert read(world, row) == row


def test_a_payment_grows_the_amount_paid_and_the_full_balance_pays_the_invoice(fresh: World) -> None:
    invoice = act(fresh, draft(fresh, rate="100.00"), "mark-sent")
    assert (invoice["status"], invoice["paymentStatus"], invoice["amountPaid"]) == ("SENT", "unpaid", "0.00")
    assert invoice["sentAt"] is not None
    pay(fresh, invoice, 40)
    partly = read(fresh, invoice)
    assert (partly["status"], partly["paymentStatus"], partly["amountPaid"]) == ("SENT", "partially_paid", "40.00")
    result = fresh.api()("POST", f"/invoices/{invoice['id']}/payments", {"amount": "60.01", "paidOn": "2026-06-15"})
    assert result.status_code in (409, 422)
    pay(fresh, invoice, "60")
    paid = read(fresh, invoice)
    assert (paid["status"], paid["paymentStatus"], paid["amountPaid"]) == ("PAID", "paid", "100.00")
    assert paid["paidAt"] is not None


def test_the_amounts_add_up(fresh: World) -> None:
    invoice = draft(fresh, rate="33.33", discount={"percent": 10}, taxRate=19)
    shown = {name: invoice[name] for name in ("subtotal", "discountAmount", "taxRate", "taxAmount", "total")}
    assert shown == {
        "subtotal": "33.33", "discountAmount": "3.33", "taxRate": "19.00", "taxAmount": "5.70", "total": "35.70",
    }  # fmt: skip


def test_billed_time_and_expenses_are_locked_for_everyone(fresh: World) -> None:
    api, ids = fresh.api(), fresh.studio.ids
    entry = api.post("/time-entries", {"projectId": ids["project"], "entryDate": "2026-06-01", "duration": "1h"})
    expense = api.post(
        "/expenses",
        {
            "clientId": ids["client"], "projectId": ids["project"], "description": "Train", "amount": 5,
            "expenseDate": "2026-06-01",
        },
    )  # fmt: skip
    invoice = api.post("/invoices", {"clientId": ids["client"], "includeExpenses": True})
    assert api.get(f"/time-entries/{entry['id']}")["invoiceId"] == invoice["id"]
    assert api.get(f"/expenses/{expense['id']}")["invoiceId"] == invoice["id"]
    locked = (
        (f"/time-entries/{entry['id']}", "Invoiced time entries are locked"),
        (f"/expenses/{expense['id']}", "Invoiced expenses are locked"),
    )
    for who in ("owner", "admin", "manager"):
        for path, sentence in locked:
            for method, body in (("PATCH", {"billable": False}), ("DELETE", None)):
                error = refused(fresh.api(who)(method, path, body), 409, "conflict")
                assert error["message"] == sentence
    refused(api("DELETE", f"/clients/{ids['client']}"), 409, "conflict")
    assert api("DELETE", f"/invoices/{invoice['id']}").status_code == 204
    assert api("PATCH", f"/time-entries/{entry['id']}", {"billable": False}).status_code == 200
    assert api("DELETE", f"/expenses/{expense['id']}").status_code == 204


def test_cancelling_frees_the_work_and_burns_the_number(fresh: World) -> None:
    api, ids = fresh.api(), fresh.studio.ids
    entry = api.post("/time-entries", {"projectId": ids["project"], "entryDate": "2026-06-01", "duration": "1h"})
    invoice = act(fresh, api.post("/invoices", {"clientId": ids["client"]}), "mark-sent")
    cancelled = act(fresh, invoice, "cancel")
    assert (cancelled["status"], cancelled["number"]) == ("CANCELLED", invoice["number"])
    assert cancelled["sentAt"] is None
    assert api.get(f"/time-entries/{entry['id']}")["invoiceId"] is None
    following = act(fresh, draft(fresh), "mark-sent")
    assert following["number"] != invoice["number"]


def test_an_issued_invoice_does_not_follow_its_client(fresh: World) -> None:
    invoice = act(fresh, draft(fresh), "mark-sent")
    assert invoice["billToName"] == "Globex"
    fresh.api()("PATCH", f"/clients/{fresh.studio.ids['client']}", {"name": "Other", "currency": "USD"})
    assert read(fresh, invoice) == invoice


def test_only_drafts_are_deleted_and_a_deleted_one_is_gone(fresh: World) -> None:
    sent = act(fresh, draft(fresh), "mark-sent")
    refused(fresh.api()("DELETE", f"/invoices/{sent['id']}"), 409, "conflict")
    made = draft(fresh)
    assert fresh.api()("DELETE", f"/invoices/{made['id']}").status_code == 204
    refused(fresh.api()("GET", f"/invoices/{made['id']}"), 404, "not_found")
    assert made["id"] not in {row["id"] for row in listed(fresh.api(), "/invoices")}


def test_members_have_nothing_to_do_with_invoices(world: World, rows: list[dict[str, Any]]) -> None:
    path = f"/invoices/{rows[0]['id']}"
    for method, where in (("GET", "/invoices"), ("GET", path), ("GET", f"{path}/lines"), ("POST", f"{path}/cancel")):
        refused(world.api("member")(method, where), 403, "forbidden_scope")


def test_invoices_of_another_workspace_do_not_exist(world: World, stranger: World) -> None:
    theirs = f"/invoices/{draft(stranger)['id']}"
    for method, path in (
        ("GET", theirs), ("PATCH", theirs), ("DELETE", theirs), ("GET", f"{theirs}/lines"),
        ("POST", f"{theirs}/cancel"), ("GET", f"{theirs}/payments"), ("POST", f"{theirs}/mark-sent"),
        ("POST", f"{theirs}/duplicate"),
        ("DELETE", f"{theirs}/payments/{NOBODY}"),
    ):  # fmt: skip
        refused(world.api()(method, path, {} if method == "PATCH" else None), 404, "not_found")


@pytest.mark.parametrize("sort", directions(INVOICES))
def test_invoices_come_in_the_order_asked_for(world: World, rows: list[dict[str, Any]], sort: str) -> None:
    assert_sorted(world.api(), INVOICES, sort)


def test_invoices_filter_as_documented(world: World, rows: list[dict[str, Any]]) -> None:
    assert_list(world.api(), INVOICES)


@pytest.mark.parametrize("name", ["sentAt", "paidAt"])
def test_invoices_are_found_by_when_they_were_sent_and_paid(
    world: World, rows: list[dict[str, Any]], name: str
) -> None:
    known = sorted({row[name] for row in rows if row[name] is not None})
    assert known
    for moment in known:
        since = [row for row in rows if row[name] is not None and row[name] >= moment]
        until = [row for row in rows if row[name] is not None and row[name] <= moment]
        assert_ids(listed(world.api(), "/invoices", **{f"{name}From": moment}), since)
        assert_ids(listed(world.api(), "/invoices", **{f"{name}To": moment}), until)
        whole = [row for row in rows if row[name] is not None and row[name][:10] == moment[:10]]
        found = listed(world.api(), "/invoices", **{f"{name}From": moment[:10], f"{name}To": moment[:10]})
        assert_ids(found, whole)
    invalid(ask(world.api(), "/invoices", **{f"{name}From": "soon"}), f"{name}From")


def test_invoices_are_found_by_their_clients_name(world: World, rows: list[dict[str, Any]]) -> None:
    theirs = [row for row in rows if row["clientId"] == world.studio.ids["other_client"]]
    assert theirs
    assert_ids(listed(world.api(), "/invoices", clientName="INITECH"), theirs)


def test_the_unpaid_invoices_of_the_documentation_are_found(world: World, rows: list[dict[str, Any]]) -> None:
    sent = listed(world.api(), "/invoices", status="sent", sort="-issueDate")
    assert {row["status"] for row in sent} == {"SENT"}
    assert {row["paymentStatus"] for row in sent} == {"unpaid", "partially_paid"}
