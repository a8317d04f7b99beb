"""An invoice with all there is to it, made through one API, is the same invoice through the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from tests.growcrm.world import number
from tests.scenarios.faces import Faces
from tests.studio import Studio

pytestmark = pytest.mark.usefixtures("sound")

CENT = Decimal("0.01")
STANDS = {"DRAFT": "Draft", "PAID": "Paid", "CANCELLED": "Cancelled"}
"""Status of the native API → title in Grow CRM's; what is sent depends on the payments."""


@dataclass
class Table:
    """Where the faces are compared."""

    faces: Faces
    studio: Studio
    entries: list[str] = field(default_factory=list)

    def native(self, method: str, path: str, json: Any = None, status: int = 200) -> Any:
        result = self.faces.native(method, path, json)
        assert result.status_code == status, result.text
        return result.json["data"] if result.text else None

    def seen(self, invoice_id: str) -> Any:
        """The invoice as Grow CRM has it."""
        return self.faces.growcrm.get(f"/invoices/{number(self.studio, 'invoice', invoice_id)}")

    def track(self, seconds: int = 3600) -> str:
        made = self.faces.native.post(
            "/time-entries",
            {"projectId": self.studio.ids["project"], "entryDate": "2026-06-12", "durationSeconds": seconds},
        )
        self.entries.append(made["id"])
        return made["id"]

    def agrees(self, invoice_id: str) -> Any:
        """Whatever the faces say of an invoice says the same; answers it as the native API has it."""
        invoice = self.native("GET", f"/invoices/{invoice_id}")
        self._sums(invoice)
        self._status(invoice)
        self._money(invoice)
        self._work(invoice)
        return invoice

    def _sums(self, invoice: Any) -> None:
        shown = self.seen(invoice["id"])
        totals = {name: Decimal(value) for name, value in shown["totals"].items() if _is_number(value)}
        here = [Decimal(invoice[name]) for name in ("subtotal", "discountAmount", "taxAmount", "total")]
        assert [totals[name] for name in ("subtotal", "discount_amount", "tax_total_amount", "final_amount")] == here
        assert totals["amount_before_tax"] == totals["subtotal"] - totals["discount_amount"]
        assert totals["final_amount"] == totals["amount_before_tax"] + totals["tax_total_amount"]
        lines = shown["line_items"]
        off = sum(Decimal(line["discount"]["amount"]) for line in lines)
        assert totals["subtotal"] == sum(Decimal(line["total"]) for line in lines)
        assert totals["subtotal_before_discount"] == totals["subtotal"] + off
        for line in lines:
            asked = Decimal(line["quantity"]) * Decimal(line["rate"]) - Decimal(line["discount"]["amount"])
            assert abs(asked - Decimal(line["total"])) <= CENT
        taxes = self.native("GET", f"/invoices/{invoice['id']}/taxes")
        rates = {Decimal(tax["rate"]) for tax in taxes if tax["rate"] is not None}
        assert {Decimal(tax["rate"]) for tax in shown["taxes"]} == rates
        if shown["tax_type"] == "inline":
            assert {tax["lineitem_id"] for tax in shown["taxes"]} <= {line["id"] for line in lines}
        else:
            assert [tax["lineitem_id"] for tax in shown["taxes"]] == [None] * len(rates)
            assert len(rates) <= 1

    def _status(self, invoice: Any) -> None:
        title = STANDS.get(invoice["status"]) or ("Part Paid" if Decimal(invoice["amountPaid"]) else "Due")
        assert self.seen(invoice["id"])["status"]["title"] == title

    def _money(self, invoice: Any) -> None:
        here = self.native("GET", f"/invoices/{invoice['id']}/payments")
        there = self.faces.growcrm.get("/payments", invoice_id=number(self.studio, "invoice", invoice["id"]))
        assert [(one["amount"], one["refund"]["amount"] or "0.00", one["status"]) for one in reversed(there)] == [
            (one["amount"], one["amountRefunded"], one["status"]) for one in here
        ]
        refunds = self.faces.growcrm.get("/refunds", invoice_id=number(self.studio, "invoice", invoice["id"]))
        assert sum(Decimal(one["amount"]) for one in refunds) == Decimal(invoice["amountRefunded"])
        if invoice["status"] == "SENT":
            every = self.native("GET", "/invoices?status=SENT&limit=100")
            open_here = [Decimal(one["balance"]) for one in every if Decimal(one["balance"])]
            aging = self.faces.expensicat.get("/metrics/invoice-aging")
            outstanding = Decimal(str(aging["total_outstanding"]))
            assert (outstanding, aging["invoice_count"]) == (sum(open_here), len(open_here))

    def _work(self, invoice: Any) -> None:
        """Time that is on the invoice says so everywhere; time that is not on one is free everywhere."""
        listed = {one["id"]: one for one in self.faces.expensicat.get("/time-entries")}
        for entry_id in self.entries:
            on = self.native("GET", f"/time-entries/{entry_id}")["invoiceId"]
            there = self.faces.growcrm.get(f"/timesheets/{number(self.studio, 'entry', entry_id)}")["billing"]
            if on is None:
                assert (listed[entry_id]["invoice"], listed[entry_id]["invoice_id"]) == (None, None)
                assert there == {"status": "not_invoiced", "invoice_id": None}
            else:
                assert there == {"status": "invoiced", "invoice_id": number(self.studio, "invoice", on)}
            if on == invoice["id"]:
                assert listed[entry_id]["invoice"] == {
                    "id": on, "number": invoice["number"], "status": invoice["status"].lower(),
                    "date": invoice["issueDate"], "due_date": invoice["dueDate"],
                }  # fmt: skip


def _is_number(value: Any) -> bool:
    return isinstance(value, str) and value.replace(".", "").isdigit()


@pytest.fixture
def table(owner: Faces, studio: Studio) -> Table:
    return Table(owner, studio)


def drafted(table: Table, **more: Any) -> str:
    """Time and lines of three taxes, with discounts of lines and of the whole."""
    table.track(5400)
    lines = [
        {"description": "Concept", "quantity": "2", "rate": "100", "discount": {"percent": "12.5"}},
        {"description": "Book", "quantity": "3", "rate": "9.99", "taxRate": "7", "discount": {"amount": "1.11"}},
        {"description": "Abroad", "quantity": "1", "rate": "33.33", "taxCategory": "EXPORT"},
    ]
    body = {"clientId": table.studio.ids["client"], "taxRate": "19", "lines": lines, "discount": {"percent": "5"}}
    made = table.faces.native.post("/invoices", {**body, **more})
    table.agrees(made["id"])
    return made["id"]


def issued(table: Table, **more: Any) -> str:
    made = drafted(table, **more)
    table.native("POST", f"/invoices/{made}/mark-sent", {})
    table.agrees(made)
    return made


@pytest.mark.parametrize("gross", [False, True])
def test_several_taxes_and_discounts_add_up_everywhere(table: Table, gross: bool) -> None:
    made = issued(table, pricesIncludeTax=gross)
    assert table.seen(made)["tax_type"] == "inline"
    copy = table.native("POST", f"/invoices/{made}/duplicate", {}, status=201)
    table.agrees(copy["id"])


def test_an_inline_invoice_made_there_is_a_lawful_one_here(table: Table, studio: Studio) -> None:
    client = number(studio, "client", studio.ids["client"])
    table.native("PATCH", f"/clients/{studio.ids['client']}", {"defaultTaxRate": "19"})
    seven = table.native("POST", "/tax-rates", {"name": "Books", "percent": "7"}, status=201)
    grow = table.faces.growcrm
    given = {"bill_clientid": client, "bill_categoryid": 3, "bill_date": "2026-06-15", "bill_tax_type": "inline"}
    made = grow.post("/invoices", given)["id"]
    items = [
        {"description": "Design", "quantity": "2", "rate": "80.125", "tax_rate_id": 1},
        {"description": "Book", "quantity": "1", "rate": "20", "tax_rate_id": seven["number"],
         "discount_type": "percentage", "discount_value": "50"},
        {"description": "Gift", "quantity": "1", "rate": "5"},
    ]  # fmt: skip
    shown = grow.put(f"/invoices/{made}/items", json={"items": items})
    assert shown["line_items"][0]["rate"] == "80.125"
    (invoice,) = table.native("GET", "/invoices")
    assert (invoice["subtotal"], invoice["taxAmount"], invoice["total"], invoice["taxRate"]) == (
        "175.25", "31.15", "206.40", None,
    )  # fmt: skip
    lines = table.native("GET", f"/invoices/{invoice['id']}/lines")
    assert [(line["taxCategory"], line["taxRate"], line["taxRateId"], line["total"]) for line in lines] == [
        ("STANDARD", "19.00", None, "160.25"),
        ("STANDARD", "7.00", seven["id"], "10.00"),
        ("OUTSIDE_SCOPE", None, None, "5.00"),
    ]
    table.native("PATCH", f"/clients/{studio.ids['client']}", {"email": "ap@globex.example"})
    grow.put(f"/invoices/{made}/publish")
    after = table.agrees(invoice["id"])
    assert (after["status"], after["balance"]) == ("SENT", "206.40")
    (mail,) = table.native("GET", "/mails")
    assert (mail["kind"], mail["to"], mail["invoiceId"]) == ("invoice", ["ap@globex.example"], invoice["id"])


def test_a_part_that_is_credited_lowers_what_is_open(table: Table) -> None:
    made = issued(table)
    line = next(one for one in table.native("GET", f"/invoices/{made}/lines") if one["description"] == "Concept")
    given = {"reason": "Late", "lines": [{"lineId": line["id"], "amount": "50"}]}
    note = table.native("POST", f"/invoices/{made}/credit", given, status=201)
    after = table.agrees(made)
    assert Decimal(after["balance"]) == Decimal(after["total"]) - Decimal(note["total"])
    answer = table.faces.growcrm.refused(
        "POST", "/payments",
        {"payment_invoiceid": number(table.studio, "invoice", made), "payment_amount": after["total"],
         "payment_date": "2026-06-15"}, status=422,
    )  # fmt: skip
    assert "is more than the balance" in answer["errors"]["payment_amount"][0]
    rest = {"payment_invoiceid": number(table.studio, "invoice", made), "payment_amount": after["balance"]}
    table.faces.growcrm.post("/payments", {**rest, "payment_date": "2026-06-15"})
    assert table.agrees(made)["status"] == "PAID"


def test_what_is_credited_in_full_is_cancelled_and_its_work_is_free(table: Table) -> None:
    made = issued(table)
    table.native("POST", f"/invoices/{made}/credit", {"reason": "Never done"}, status=201)
    assert table.agrees(made)["status"] == "CANCELLED"
    assert table.native("GET", f"/time-entries/{table.entries[0]}")["invoiceId"] is None
    again = table.faces.native.post("/invoices", {"clientId": table.studio.ids["client"]})
    table.agrees(again["id"])
    loss = table.faces.expensicat.get("/metrics/profit-loss", start_date="2026-06-01", end_date="2026-06-30")
    assert loss[0]["total_revenue"] == 0


def test_a_refund_there_opens_the_invoice_here_and_back(table: Table) -> None:
    made = issued(table)
    total = table.native("GET", f"/invoices/{made}")["total"]
    paid = {"amount": total, "paidOn": "2026-06-15"}
    payment = table.native("POST", f"/invoices/{made}/payments", paid, status=201)["id"]
    assert table.agrees(made)["status"] == "PAID"
    there = f"/payments/{number(table.studio, 'payment', payment)}/refund"
    table.faces.growcrm.post(there, {"refund_date": "2026-06-15"})
    after = table.agrees(made)
    assert (after["status"], after["paymentStatus"], after["balance"]) == ("SENT", "refunded", total)
    table.faces.growcrm.delete(there)
    assert table.agrees(made)["status"] == "PAID"
    some = {"amount": "10", "refundedOn": "2026-06-15"}
    table.native("POST", f"/invoices/{made}/payments/{payment}/refund", some, status=201)
    after = table.agrees(made)
    assert (after["paymentStatus"], after["balance"]) == ("partially_paid", "10.00")


def test_what_was_paid_too_much_pays_another_invoice_everywhere(table: Table) -> None:
    first, second = issued(table), issued(table)
    total = Decimal(table.native("GET", f"/invoices/{first}")["total"])
    paid = {"amount": str(total + 25), "paidOn": "2026-06-15", "overpayment": "credit"}
    table.native("POST", f"/invoices/{first}/payments", paid, status=201)
    after = table.agrees(first)
    assert (after["status"], after["amountPaid"]) == ("PAID", str(total))
    table.native("POST", f"/invoices/{second}/apply-credit", {}, status=201)
    after = table.agrees(second)
    assert (after["paymentStatus"], after["amountPaid"]) == ("partially_paid", "25.00")
    (shown,) = table.faces.growcrm.get("/payments", invoice_id=number(table.studio, "invoice", second))
    assert (shown["gateway"], shown["amount"]) == ("credit", "25.00")
    table.faces.growcrm.delete(f"/payments/{shown['id']}")
    assert table.agrees(second)["paymentStatus"] == "unpaid"


def test_what_is_written_off_is_open_nowhere(table: Table) -> None:
    made = issued(table)
    table.native("POST", f"/invoices/{made}/write-off", {"reason": "Insolvent"})
    after = table.agrees(made)
    assert (after["status"], after["balance"]) == ("SENT", "0.00")
    late = {"payment_invoiceid": number(table.studio, "invoice", made), "payment_amount": "1"}
    answer = table.faces.growcrm.refused("POST", "/payments", {**late, "payment_date": "2026-06-15"}, status=409)
    assert answer["message"].startswith("This invoice is written off.")
