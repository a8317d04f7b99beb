"""What the official rules say of a client's invoices, before and when they go out."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from decimal import Decimal
from typing import Any

import pytest

from tallystick.domain import clients, workspaces
from tallystick.domain.invoices import conformity, lifecycle, papers
from tallystick.domain.invoices.draft import CustomLine, draft
from tallystick.domain.invoices.invoice import Invoice
from tallystick.values.document import PROFILES
from tallystick.values.errors import Invalid
from tests.studio import Studio

WORKSPACE: dict[str, Any] = {
    "legal_name": "Studio North GmbH",
    "tax_id": "DE815204334",
    "business_email": "hello@north.example",
    "business_phone": "+49 40 5550 1270",
    "business_line1": "Kai 1",
    "business_city": "Hamburg",
    "business_postal_code": "20457",
    "country_code": "DE",
    "registration": "HRB 170 001",
    "contact_name": "Ines Halvorsen",
    "endpoint_scheme": "9930",
    "endpoint": "DE815204334",
    "default_tax_rate": 19,
}
CLIENT: dict[str, Any] = {
    "billing_line1": "Speicherstraße 12",
    "billing_city": "Hamburg",
    "billing_postal_code": "20457",
    "billing_country": "Deutschland",
    "email": "invoices@globex.example",
    "tax_number": "DE290118457",
    "buyer_reference": "04011000-12345-34",
    "endpoint_scheme": "9930",
    "endpoint": "DE290118457",
}


def ready(studio: Studio, client_id: str) -> dict[str, list[str]]:
    """For each profile the fields that are in the way."""
    with studio.context() as ctx:
        ask = conformity.readiness(ctx, client_id)
    return {one.profile: [problem.field for problem in one.problems if problem.fatal] for one in ask()}


@pytest.fixture
def client_id(studio: Studio) -> str:
    with studio.context() as ctx:
        workspaces.change(ctx, **WORKSPACE)
        return clients.create(ctx, name="Hafen AG", currency="EUR", einvoice_profile="cii", **CLIENT).id


def a_draft(studio: Studio, client_id: str) -> str:
    with studio.context() as ctx:
        lines = (CustomLine(description="Concept", quantity=Decimal(2), rate=Decimal(95)),)
        return draft(ctx, client_id=client_id, lines=lines).invoice.id


def test_with_all_that_is_asked_for_a_client_is_ready(studio: Studio, client_id: str) -> None:
    found = ready(studio, client_id)
    assert list(found) == list(PROFILES)
    assert (found["cii"], found["ubl"], found["peppol"]) == ([], [], [])


@pytest.mark.parametrize(
    ("facts", "profile", "field"),
    [
        ({"buyer_reference": None}, "xrechnung", "client.buyerReference"),
        ({"buyer_reference": None}, "peppol", "client.buyerReference"),
        ({"endpoint": None, "endpoint_scheme": None}, "peppol", "client.endpoint"),
        ({"billing_country": None}, "cii", "client.countryCode"),
        ({"billing_city": None}, "xrechnung", "client.billingCity"),
    ],
)
def test_what_is_missing_of_the_client_is_named(
    studio: Studio, client_id: str, facts: dict[str, Any], profile: str, field: str
) -> None:
    with studio.context() as ctx:
        clients.change(ctx, client_id, **facts)
    assert field in ready(studio, client_id)[profile]


@pytest.mark.parametrize(
    ("name", "profile", "field"),
    [
        ("country_code", "ubl", "workspace.countryCode"),
        ("business_city", "xrechnung", "workspace.businessCity"),
        ("business_phone", "xrechnung", "workspace.businessPhone"),
        ("contact_name", "xrechnung", "workspace.contactName"),
        ("tax_id", "cii", "workspace.taxId"),
    ],
)
def test_what_is_missing_of_the_workspace_is_named(
    studio: Studio, client_id: str, name: str, profile: str, field: str
) -> None:
    with studio.context() as ctx:
        workspaces.change(ctx, **{name: None})
    assert field in ready(studio, client_id)[profile]


def test_a_purchase_order_number_is_a_reference_for_peppol(studio: Studio, client_id: str) -> None:
    with studio.context() as ctx:
        clients.change(ctx, client_id, buyer_reference=None, require_po_number=True)
    found = ready(studio, client_id)
    assert found["peppol"] == []
    assert "client.buyerReference" in found["xrechnung"]


@pytest.mark.parametrize("category", ["EXEMPT", "REVERSE_CHARGE", "INTRA_EU", "EXPORT", "OUTSIDE_SCOPE"])
def test_the_sample_is_taxed_as_the_clients_invoices_are(studio: Studio, client_id: str, category: str) -> None:
    with studio.context() as ctx:
        clients.change(ctx, client_id, default_tax_category=category)
    found = ready(studio, client_id)
    assert (found["cii"], found["ubl"]) == ([], [])
    with studio.context() as ctx:
        sample = papers.sample(ctx, ctx.find(clients.Client, client_id))
    assert [line.tax_category for line in sample.lines] == [category]


def test_xml_is_in_the_clients_profile_unless_another_is_asked_for(studio: Studio, client_id: str) -> None:
    invoice_id = a_draft(studio, client_id)
    with studio.context() as ctx:
        usual, asked = conformity.xml(ctx, invoice_id), conformity.xml(ctx, invoice_id, "peppol")
    assert (usual.profile, asked.profile) == ("cii", "peppol")
    assert ET.fromstring(usual.make()).tag.endswith("CrossIndustryInvoice")
    assert b"peppol.eu" in asked.make()
    assert usual.number.startswith("DRAFT-")


def test_who_has_no_profile_gets_en_16931_in_cii(studio: Studio, client_id: str) -> None:
    with studio.context() as ctx:
        clients.change(ctx, client_id, einvoice_profile=None)
    invoice_id = a_draft(studio, client_id)
    with studio.context() as ctx:
        assert conformity.xml(ctx, invoice_id).profile == "cii"


def test_what_conforms_passes_the_gate_and_what_does_not_is_told_why(studio: Studio, client_id: str) -> None:
    invoice_id = a_draft(studio, client_id)
    with studio.context() as ctx:
        conformity.check(ctx, papers.of_invoice(ctx, invoice_id), "peppol")
    with studio.context() as ctx:
        clients.change(ctx, client_id, buyer_reference=None, endpoint=None, endpoint_scheme=None)
        document = papers.of_invoice(ctx, invoice_id)
        with pytest.raises(Invalid) as refused:
            conformity.check(ctx, document, "peppol")
    assert refused.value.reason == "einvoice_rules"
    assert "PEPPOL-EN16931-R003" in refused.value.message
    assert set(refused.value.fields) == {"client.buyerReference", "client.endpoint"}
    assert "participant id" in refused.value.fields["client.endpoint"]
    assert "PEPPOL-EN16931-R010" in refused.value.fields["client.endpoint"]


def test_an_invoice_that_breaks_its_clients_profile_is_not_issued_and_burns_no_number(
    studio: Studio, client_id: str
) -> None:
    with studio.context() as ctx:
        clients.change(ctx, client_id, einvoice_profile="peppol", endpoint=None, endpoint_scheme=None)
    invoice_id = a_draft(studio, client_id)
    with pytest.raises(Invalid) as refused, studio.context() as ctx:
        lifecycle.mark_sent(ctx, invoice_id)
    assert (refused.value.reason, list(refused.value.fields)) == ("einvoice_rules", ["client.endpoint"])
    with studio.context() as ctx:
        assert ctx.find(Invoice, invoice_id).status == "DRAFT"
        clients.change(ctx, client_id, endpoint="DE290118457", endpoint_scheme="9930")
    with studio.context() as ctx:
        assert lifecycle.mark_sent(ctx, invoice_id).number.endswith("0001")


def test_whoever_has_no_profile_is_asked_for_nothing(studio: Studio, client_id: str) -> None:
    with studio.context() as ctx:
        clients.change(ctx, client_id, einvoice_profile=None, billing_country=None, tax_number=None)
    invoice_id = a_draft(studio, client_id)
    with studio.context() as ctx:
        assert lifecycle.mark_sent(ctx, invoice_id).status == "SENT"
