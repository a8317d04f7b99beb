"""What a banking app reads from the square."""

from __future__ import annotations

from decimal import Decimal

from msgspec import structs

from tallystick.documents.codes import payment_code
from tallystick.values.document import Address, Document
from tests.documents import papers


def paying(document: Document, **payment: str | None) -> Document:
    assert document.payment is not None
    return structs.replace(document, payment=structs.replace(document.payment, **payment))


def test_euros_are_paid_by_an_epc_code() -> None:
    code = payment_code(papers.invoice())
    assert code is not None
    assert code.payload.split("\n") == [
        "BCD", "002", "1", "SCT", "COBADEFFXXX", "Studio Nord GmbH", "DE89370400440532013000", "EUR8048.74",
        "", "", "2026-0042",
    ]  # fmt: skip


def test_francs_are_paid_by_a_swiss_code() -> None:
    code = payment_code(papers.swiss())
    assert code is not None
    lines = code.payload.split("\n")
    assert len(lines) == 31
    assert lines[:4] == ["SPC", "0200", "1", "CH9300762011623852957"]
    assert lines[4:11] == ["S", "Atelier Limmat GmbH", "Limmatquai 80", "", "8001", "Zürich", "CH"]
    assert lines[11:18] == [""] * 7
    assert lines[18:20] == ["7352.42", "CHF"]
    assert lines[20:27] == ["S", "Alpenverlag AG", "Bundesgasse 12", "", "3011", "Bern", "CH"]
    assert lines[27:] == ["NON", "", "2026-0042", "EPD"]


def test_no_code_is_better_than_a_wrong_one() -> None:
    assert payment_code(papers.credit_note()) is None
    assert payment_code(papers.empty()) is None
    assert payment_code(papers.american()) is None
    assert payment_code(papers.arabic()) is None
    assert payment_code(paying(papers.invoice(), iban=None)) is None
    assert payment_code(papers.invoice(due=Decimal("1000000000.00"))) is None
    assert payment_code(papers.invoice(currency="USD")) is None
    # a QR-IBAN wants a QR reference
    assert payment_code(paying(papers.swiss(), iban="CH4431999123000889012")) is None
    unknown = structs.replace(papers.swiss().seller, address=Address(text="Somewhere in Zurich"))
    assert payment_code(papers.swiss(seller=unknown)) is None


def test_a_code_holds_no_line_that_was_not_meant() -> None:
    code = payment_code(paying(papers.invoice(), account_holder="Evil\nEUR1.00", reference="a\r\nb" * 90))
    assert code is not None
    lines = code.payload.split("\n")
    assert len(lines) == 11
    assert lines[5] == "Evil EUR1.00"
    assert len(lines[10]) <= 140
