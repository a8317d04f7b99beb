"""A credit note on paper and as data: the very bytes that were issued, of type 381, asked of the rules in time."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from decimal import Decimal
from typing import Any

import pytest
from pypdf import PdfReader

from tallystick.domain.credit_notes import papers
from tallystick.domain.credit_notes.credit import CreditLine, credit
from tallystick.domain.invoices import issued, series
from tallystick.domain.invoices.draft import CustomLine
from tallystick.domain.invoices.totals import Discount
from tallystick.domain.tax_rates import Said
from tallystick.values.document import Problem, Profile
from tallystick.values.errors import Invalid
from tests.documents.judges import Judges
from tests.domain.invoices.conftest import Bench
from tests.studio import SERVER

SELLER: dict[str, Any] = {
    "legal_name": "Studio North GmbH", "country_code": "DE", "business_line1": "Kai 1", "business_postal_code": "20457",
    "business_city": "Hamburg", "tax_id": "DE136695976", "contact_name": "Ada Lindgren",
    "business_phone": "+49 30 901820",
    "business_email": "hello@north.example", "iban": "DE89370400440532013000", "endpoint_scheme": "9930",
    "endpoint": "DE136695976",
}  # fmt: skip
BUYER: dict[str, Any] = {
    "country_code": "DE", "billing_line1": "Weg 1", "billing_postal_code": "10115", "billing_city": "Berlin",
    "buyer_reference": "04011000-12345-34", "endpoint_scheme": "9930", "endpoint": "DE129273398",
}  # fmt: skip
PROFILES: tuple[Profile, ...] = ("cii", "ubl", "xrechnung", "peppol")


def credited(bench: Bench, profile: Profile | None, *, part: bool = False) -> tuple[str, str]:
    """A credit note of an invoice with two taxes and a discount: its id and its number."""
    bench.studio_is(**SELLER)
    bench.client_is(**BUYER, einvoice_profile=profile)
    lines = [
        CustomLine("Design", Decimal(3), Decimal("33.33"), tax=Said(tax_rate=Decimal(19))),
        CustomLine("Book", Decimal(1), Decimal("50.01"), tax=Said(tax_rate=Decimal(7))),
    ]
    sent = bench.send(bench.draft(project_ids=[], lines=lines, discount=Discount(percent=Decimal("3.3"))).invoice.id)
    wanted = [CreditLine(bench.lines(sent.id)[0].id, Decimal("12.34"))] if part else None
    with bench.studio.context() as ctx:
        note, _ = credit(ctx, sent.id, reason="Billed twice", lines=wanted)
    return note.id, note.number


@pytest.mark.parametrize("part", [False, True])
@pytest.mark.parametrize("profile", PROFILES)
def test_it_conforms_whoever_judges_and_is_what_was_issued(
    bench: Bench, judges: Judges, profile: Profile, part: bool
) -> None:
    note_id, number = credited(bench, profile, part=part)
    with bench.studio.context() as ctx:
        data, paper, kept = papers.xml(ctx, note_id), papers.pdf(ctx, note_id), issued.issued_as(ctx, number)
    assert kept is not None
    assert (data.number, data.profile, data.make()) == (number, profile, kept.xml)
    assert (paper.name, paper.make()) == (f"{number}.pdf", kept.pdf)
    assert judges.against(data.make(), profile) == []
    codes = {"TypeCode", "CreditNoteTypeCode"}
    assert "381" in [one.text for one in ET.fromstring(data.make()).iter() if one.tag.rpartition("}")[2] in codes]
    inside = PdfReader(io.BytesIO(kept.pdf)).attachments
    assert [files[0] for files in inside.values()] == ([kept.xml] if profile in ("cii", "xrechnung") else [])


@pytest.mark.parametrize("profile", PROFILES)
def test_in_another_profile_than_the_clients(bench: Bench, judges: Judges, profile: Profile) -> None:
    note_id, _ = credited(bench, None, part=True)
    with bench.studio.context() as ctx:
        assert papers.xml(ctx, note_id).profile == "cii"
        data = papers.xml(ctx, note_id, profile)
    assert judges.against(data.make(), profile) == []


def test_the_paper_says_what_it_takes_back_and_why(bench: Bench) -> None:
    note_id, number = credited(bench, None, part=True)
    with bench.studio.context() as ctx:
        text = PdfReader(io.BytesIO(papers.pdf(ctx, note_id).make())).pages[0].extract_text()
    for said in (number, "INV-0001", "Billed twice", "12.34", "Studio North GmbH", "Globex"):
        assert said in text, said


def test_the_rules_are_asked_before_a_number_is_drawn(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for the rules of somebody else's credit note: they are over when the series is locked."""
    told: list[str] = []
    draw = series.draw

    def problems(document: Any, _profile: str) -> list[Problem]:
        told.append(document.kind)
        return [Problem("BR-01", "client.name", "No.", "Yes.")] if refuse else []

    def drawn(*given: Any) -> series.Drawn:
        told.append("drawn")
        return draw(*given)

    monkeypatch.setattr(SERVER.renderer, "problems", problems)
    monkeypatch.setattr(series, "draw", drawn)
    refuse = False
    credited(bench, "peppol", part=True)
    assert told == ["INVOICE", "drawn", "CREDIT_NOTE", "drawn"]
    (invoice_id,) = (one for (one,) in bench.sql("SELECT id FROM invoices WHERE workspace_id = :workspace"))
    refuse = True
    with pytest.raises(Invalid) as refused, bench.studio.context() as ctx:
        credit(ctx, str(invoice_id), reason="Wrong")
    assert (refused.value.reason, told[-1]) == ("einvoice_rules", "CREDIT_NOTE")
    assert bench.sql("SELECT count(*) FROM issued_numbers WHERE workspace_id = :workspace") == [(2,)]
