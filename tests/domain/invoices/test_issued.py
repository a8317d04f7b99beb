"""What is issued is kept as it is: its facts, its PDF and its XML, each with its hash, whatever changes afterwards."""

from __future__ import annotations

import hashlib
import io
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from pypdf import PdfReader

from tallystick.domain import sending
from tallystick.domain.credit_notes.credit import credit
from tallystick.domain.invoices import appendix, conformity, issued, lifecycle, papers
from tallystick.domain.invoices.draft import CustomLine
from tallystick.domain.invoices.issued import IssuedDocument
from tallystick.values.document import Problem
from tallystick.values.errors import Conflict, Invalid
from tests.domain.invoices.conftest import Bench
from tests.studio import SERVER


def kept(bench: Bench, number: str = "INV-0001") -> IssuedDocument:
    with bench.studio.context() as ctx:
        found = issued.issued_as(ctx, number)
    assert found is not None
    return found


def test_facts_and_pdf_with_their_hashes(bench: Bench) -> None:
    sent = bench.sent("100", notes="Thanks")
    found = kept(bench)
    assert (found.invoice_id, found.issued_at, found.profile, found.xml) == (
        sent.id,
        bench.studio.clock.now,
        None,
        None,
    )
    assert found.facts_sha256 == hashlib.sha256(found.facts).digest()
    assert found.pdf_sha256 == hashlib.sha256(found.pdf).digest()
    with bench.studio.context() as ctx:
        assert issued.document_of(found) == papers.of_invoice(ctx, sent.id)
    assert "INV-0001" in PdfReader(io.BytesIO(found.pdf)).pages[0].extract_text()


@pytest.mark.parametrize(
    ("profile", "inside"),
    [("cii", ["factur-x.xml"]), ("ubl", []), ("xrechnung", ["xrechnung.xml"]), ("peppol", [])],
)
def test_with_a_profile_there_is_xml_and_the_pdf_has_it_inside_where_it_is_factur_x(
    bench: Bench, profile: str, inside: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SERVER.renderer, "problems", lambda document, profile: [])
    bench.client_is(einvoice_profile=profile)
    bench.sent("100")
    found = kept(bench)
    assert found.profile == profile
    assert found.xml is not None
    assert found.xml_sha256 == hashlib.sha256(found.xml).digest()
    assert b"INV-0001" in found.xml
    attached = PdfReader(io.BytesIO(found.pdf)).attachments
    assert {name: files[0] for name, files in attached.items()} == dict.fromkeys(inside, found.xml)


def test_what_the_official_rules_forbid_is_not_issued(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def problems(document: Any, profile: str) -> list[Problem]:
        asked.append(document.number)
        return [Problem("BR-DE-15", "client.buyerReference", "The buyer reference is missing.", "Set it.")]

    monkeypatch.setattr(SERVER.renderer, "problems", problems)
    bench.client_is(einvoice_profile="xrechnung")
    with pytest.raises(Invalid) as refused:
        bench.sent("100")
    assert refused.value.reason == "einvoice_rules"
    assert "BR-DE-15" in refused.value.fields["client.buyerReference"]
    assert "Set it." in refused.value.fields["client.buyerReference"]
    assert asked[0].startswith("DRAFT-"), "before a number is drawn"
    assert bench.sql("SELECT count(*) FROM issued_numbers WHERE workspace_id = :workspace") == [(0,)]


def test_nothing_that_changes_afterwards_changes_it(bench: Bench) -> None:
    sent = bench.sent("100")
    before = kept(bench)
    bench.client_is(name="Initrode", billing_line1="Elsewhere")
    bench.studio_is(name="South", legal_name="South")
    bench.pay(sent.id, "40")
    assert (kept(bench).facts, kept(bench).pdf) == (before.facts, before.pdf)


def test_cancelling_keeps_it_and_sending_again_keeps_both(bench: Bench) -> None:
    sent = bench.sent("100")
    first = kept(bench)
    bench.cancel(sent.id)
    bench.restore(sent.id)
    bench.send(sent.id)
    assert kept(bench).pdf == first.pdf
    assert kept(bench, "INV-0002").invoice_id == sent.id


def test_a_credit_note_is_kept_too_and_says_what_the_invoice_said(bench: Bench) -> None:
    sent = bench.sent("100")
    bench.client_is(name="Initrode")
    with bench.studio.context() as ctx:
        note, _ = credit(ctx, sent.id, reason="Wrong")
    found = kept(bench, "CN-0001")
    assert (found.credit_note_id, found.invoice_id) == (note.id, None)
    said = issued.document_of(found)
    assert (said.kind, said.buyer.name, said.preceding_number) == ("CREDIT_NOTE", "Globex", "INV-0001")


def test_what_cannot_be_rendered_is_not_issued(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def pdf(*_: Any) -> bytes:
        raise Conflict("No fonts.")

    bench.sent("1")
    monkeypatch.setattr(SERVER.renderer, "pdf", pdf)
    with pytest.raises(Conflict):
        bench.sent("100")
    assert bench.sql("SELECT next FROM invoice_series WHERE workspace_id = :workspace") == [(2,)]


def test_the_database_refuses_to_change_it_and_hashes_that_do_not_fit(bench: Bench) -> None:
    bench.sent("100")
    for statement in ("UPDATE issued_documents SET number = 'X'", "DELETE FROM issued_documents"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            bench.sql(f"{statement} WHERE workspace_id = :workspace")
    with pytest.raises(psycopg.errors.CheckViolation):
        bench.sql("""
            INSERT INTO issued_documents (workspace_id, id, number, invoice_id, facts, facts_sha256, pdf, pdf_sha256,
                                          issued_at)
            SELECT workspace_id, gen_random_uuid(), number, invoice_id, 'other', facts_sha256, pdf, pdf_sha256,
                   issued_at
            FROM issued_documents WHERE workspace_id = :workspace
        """)


def test_16_senders_at_once_leave_no_hole_and_16_documents(bench: Bench) -> None:
    line = CustomLine("Fee", Decimal(1), Decimal(100))
    made = iter([bench.draft(project_ids=[], lines=[line]).invoice.id for _ in range(16)])
    answers = bench.refused(16, lambda ctx: lifecycle.mark_sent(ctx, next(made)))
    assert sorted(answer.number for answer in answers) == [f"INV-{value:04}" for value in range(1, 17)]
    assert bench.sql("SELECT count(*) FROM issued_documents WHERE workspace_id = :workspace") == [(16,)]


def test_pdf_xml_and_mail_are_what_was_issued_not_made_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SERVER.renderer, "problems", lambda document, profile: [])
    bench.client_is(einvoice_profile="xrechnung")
    sent = bench.sent("100")
    found = kept(bench)

    def never(*_: Any) -> bytes:
        raise AssertionError("Rendered again.")

    monkeypatch.setattr(SERVER.renderer, "pdf", never)
    monkeypatch.setattr(SERVER.renderer, "xml", never)
    bench.client_is(name="Initrode", einvoice_profile=None)
    with bench.studio.context() as ctx:
        assert appendix.pdf(ctx, sent.id).make() == found.pdf
        assert conformity.xml(ctx, sent.id).make() == found.xml
        mailed = sending.attached(ctx, sent.id, ["pdf", "xml"])
    assert [one.content for one in mailed] == [found.pdf, found.xml]
