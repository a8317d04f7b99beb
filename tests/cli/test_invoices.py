from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tallystick.domain import clients
from tests.cli.conftest import Answer, Filled, Tallystick


@pytest.fixture
def invoice(filled: Filled, tallystick: Tallystick) -> Any:
    """`tallystick invoice …` inside the studio."""

    def run(*words: str) -> Answer:
        return tallystick("invoice", *words, "-w", filled.studio.workspace_id)

    return run


def numbers(answer: Answer) -> list[str]:
    return [one["number"] for one in answer.json]


def test_unbilled_work_becomes_a_draft(filled: Filled, invoice: Any, own_url: str) -> None:
    made = invoice(
        "draft", "Globex", "--from", "2026-06-07", "--to", "2026-06-08", "--grouping", "itemized",
        "--tax-rate", "19", "--discount", "10%", "--notes", "Thank you", "--po-number", "PO-7",
        "--issue-date", "2026-06-20", "--due-date", "2026-07-20", "--json",
    ).json  # fmt: skip
    # 9006 s are 2.5017 h and 9607 s are 2.6686 h, at 90.
    assert [(line["quantity"], line["total"]) for line in made["lines"]] == [("2.5017", "225.15"), ("2.6686", "240.17")]
    sums = made["invoice"]
    assert (sums["subtotal"], sums["discount_amount"], sums["tax_amount"]) == ("465.32", "46.53", "79.57")
    assert (sums["total"], sums["balance"], sums["status"]) == ("498.36", "498.36", "DRAFT")
    assert (sums["issue_date"], sums["due_date"]) == ("2026-06-20", "2026-07-20")
    with psycopg.connect(own_url) as connection:
        locked = connection.execute("SELECT count(*) FROM time_entries WHERE invoice_id = %s", [sums["id"]]).fetchone()
        kept = connection.execute("SELECT notes, po_number FROM invoices WHERE id = %s", [sums["id"]]).fetchone()
    assert (locked, kept) == ((2,), ("Thank you", "PO-7"))


def test_a_person_sees_lines_sums_and_warnings(filled: Filled, invoice: Any) -> None:
    with filled.studio.context() as ctx:
        clients.change(ctx, filled.ids["client"], default_rate=None)
    said = invoice("draft", filled.ids["client"], "--project", "Website", "--tax-rate", "19")
    assert said.code == 0
    for word in ("Globex", "Website · Design", "subtotal", "tax", "total", "EUR"):
        assert word in said.out


def test_only_the_named_projects_are_billed(filled: Filled, invoice: Any) -> None:
    wrong = invoice("draft", "Globex", "--project", "Rollout")
    assert (wrong.code, "There is no project of Globex called Rollout" in wrong.err) == (1, True)
    by_id = invoice("draft", "Globex", "--project", filled.ids["hidden_project"])
    assert by_id.code == 1
    assert "project of this client" in by_id.err
    assert invoice("draft", "Globex", "--project", filled.ids["project"]).code == 0


def test_a_draft_is_sent_and_paid_by_its_number(filled: Filled, invoice: Any) -> None:
    drafted = invoice("draft", "Globex", "--from", "2026-06-07", "--json").json["invoice"]
    sent = invoice("mark-sent", drafted["number"], "--json").json
    assert (sent["number"], sent["status"], sent["id"]) == ("INV-0005", "SENT", drafted["id"])
    part = invoice("pay", "INV-0005", "65.33", "--on", "2025-01-14", "--note", "cash", "--json").json
    assert (part["amount"], part["paid_on"], part["invoice"]["balance"]) == ("65.33", "2025-01-14", "400.00")
    rest = invoice("pay", drafted["id"], "400")
    assert rest.out == "Recorded 400.00 EUR for INV-0005. It is paid.\n"
    too_much = invoice("pay", "INV-0005", "1")
    assert too_much.code == 1


def test_the_same_external_id_is_recorded_once(filled: Filled, invoice: Any) -> None:
    first = invoice("pay", "INV-0004", "10", "--external-id", "wire-9", "--json").json
    again = invoice("pay", "INV-0004", "10", "--external-id", "wire-9", "--json").json
    assert first["payment_id"] == again["payment_id"]
    assert again["invoice"]["amount_paid"] == "10.00"


def test_invoices_are_listed_by_status_client_and_what_is_open(filled: Filled, invoice: Any) -> None:
    assert len(numbers(invoice("list", "--json"))) == 6
    assert numbers(invoice("list", "--status", "cancelled", "--json")) == ["INV-0003"]
    assert numbers(invoice("list", "--client", "Initech", "--json")) == ["INV-0004"]
    assert numbers(invoice("list", "--unpaid", "--json")) == ["INV-0004", "INV-0001"]
    assert numbers(invoice("list", "--unpaid", "--client", "Globex", "--json")) == ["INV-0001"]
    said = invoice("list")
    assert "INV-0001" in said.out
    assert invoice("list", "--unpaid", "--status", "PAID").code == 1


def test_an_overdue_invoice_says_so(filled: Filled, invoice: Any) -> None:
    days = ("--issue-date", "2025-01-01", "--due-date", "2025-01-02")
    invoice("mark-sent", invoice("draft", "Globex", *days, "--json").json["invoice"]["number"])
    listed = {one["number"]: one["status"] for one in invoice("list", "--unpaid", "--json").json}
    assert listed["INV-0005"] == "SENT (overdue)"


def test_what_the_operator_did_is_in_the_events_as_nobodys(filled: Filled, invoice: Any, own_url: str) -> None:
    made = invoice("draft", "Globex", "--from", "2026-06-07", "--json").json["invoice"]
    with psycopg.connect(own_url) as connection:
        row = connection.execute("SELECT type, actor_id FROM events WHERE resource_id = %s", [made["id"]]).fetchone()
    assert row == ("invoice.created", None)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("draft", "Nobody"), "There is no client called Nobody"),
        (("draft", "Initech"), "nothing to bill"),
        (("mark-sent", "INV-9999"), "There is no invoice called INV-9999"),
        (("mark-sent", "INV-0001"), "already"),
        (("pay", "INV-0001", "999999"), "more than the balance"),
        (("pay", "INV-0001", "1", "--on", "2999-01-01"), "must not be in the future"),
        (("list", "--client", "Nobody"), "There is no client called Nobody"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(filled: Filled, invoice: Any, words: tuple[str, ...], sentence: str) -> None:
    said = invoice(*words)
    assert (said.code, said.out) == (1, "")
    assert sentence in said.err


@pytest.mark.parametrize(
    "words",
    [
        ("pay", "INV-0001", "1e3"),
        ("pay", "INV-0001", "NaN"),
        ("pay", "INV-0001", "1,5"),
        ("pay", "INV-0001", "--", "-5"),
        ("pay", "INV-0001", "1.00001"),
        ("draft", "Globex", "--from", "2026-02-30"),
        ("draft", "Globex", "--tax-rate", "much"),
        ("draft", "Globex", "--discount", "%"),
        ("draft", "Globex", "--grouping", "COLOUR"),
        ("list", "--status", "LOST"),
        ("pay", "INV-0001"),
    ],
)
def test_wrong_use_ends_with_2(filled: Filled, tallystick: Tallystick, words: tuple[str, ...]) -> None:
    said = tallystick("invoice", *words)
    assert (said.code, said.out) == (2, "")


def test_a_name_that_two_clients_have_is_refused_with_both_ids(filled: Filled, invoice: Any) -> None:
    with filled.studio.context() as ctx:
        second = clients.create(ctx, name="Globex", currency="EUR")
    said = invoice("draft", "Globex")
    assert said.code == 1
    assert second.id in said.err
    assert filled.ids["client"] in said.err


def test_another_workspaces_client_and_invoice_are_not_found(filled: Filled, tallystick: Tallystick) -> None:
    for words in (("draft", filled.ids["client"]), ("mark-sent", filled.ids["draft"]), ("pay", "INV-0001", "1")):
        said = tallystick("invoice", *words, "-w", filled.other.workspace_id)
        assert (said.code, said.out) == (1, "")


def test_a_credit_note_is_written_as_pdf_and_as_data(invoice: Any, tmp_path: Path) -> None:
    number = invoice("mark-sent", invoice("draft", "Globex", "--json").json["invoice"]["number"], "--json").json[
        "number"
    ]
    note = invoice("credit", number, "--reason", "Billed twice", "--json").json
    file = tmp_path / "note.pdf"
    for named in (note["number"], note["credit_note_id"]):
        assert invoice("pdf", named, "--out", str(file)).code == 0
        assert file.read_bytes().startswith(b"%PDF-")
    assert "<ram:TypeCode>381</ram:TypeCode>" in invoice("xml", note["number"]).out
    assert "There is no invoice or credit note called CN-9" in invoice("xml", "CN-9").err


def test_an_invoice_is_written_as_data(invoice: Any, tmp_path: Path) -> None:
    number = invoice("draft", "Globex", "--json").json["invoice"]["number"]
    shown = invoice("xml", number)
    assert shown.out.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<rsm:CrossIndustryInvoice')
    file = tmp_path / "invoice.xml"
    said = invoice("xml", number, "--format", "peppol", "--output", str(file))
    assert f"{number} is in {file} (peppol)" in said.out
    assert b"urn:fdc:peppol.eu:2017:poacc:billing:3.0" in file.read_bytes()
    assert invoice("xml", number, "--output", str(tmp_path / "no" / "where")).code == 1


def test_whether_a_client_is_ready_is_told_with_what_to_do(filled: Filled, invoice: Any) -> None:
    asked = invoice("ready", "Globex", "--format", "xrechnung")
    assert asked.code == 1
    for word in ("xrechnung: not ready", "BR-DE-15", "client.buyerReference", "Leitweg-ID"):
        assert word in asked.out
    (one,) = json.loads(invoice("ready", "Globex", "--format", "xrechnung", "--json").out)
    assert (one["profile"], one["ready"]) == ("xrechnung", False)
    assert {"rule", "field", "message", "remedy", "fatal"} == set(one["problems"][0])
