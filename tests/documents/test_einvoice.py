"""E-invoices conform to the official rules, and the product's own run is not the only judge; broken ones do not."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tallystick.documents import Documents, einvoice
from tallystick.documents.einvoice.remedies import REMEDIES
from tallystick.values.document import Address, Document, Kind, Line, Party, Profile
from tallystick.values.tax import TAX_CATEGORIES, TaxCategory
from tests.documents import samples
from tests.documents.judges import Judges
from tests.documents.samples import ABROAD, BUYER, PAYMENT, SELLER, document, line, long

PROFILES: tuple[Profile, ...] = ("cii", "ubl", "xrechnung", "peppol")
SYNTAXES: tuple[Profile, ...] = ("cii", "ubl")
replaced = msgspec.structs.replace


def fatal(documents: Documents, made: Document, profile: Profile) -> list[str]:
    return [f"{one.rule} at {one.field}: {one.message}" for one in documents.problems(made, profile) if one.fatal]


def texts(xml: bytes, name: str) -> list[str]:
    """The texts of every element of a name, whatever its namespace."""
    return [one.text or "" for one in ET.fromstring(xml).iter() if one.tag.rpartition("}")[2] == name]


# --- golden


def golden(category: TaxCategory, kind: Kind) -> Document:
    """Discounts on lines and document, two rates where there are such, a gross price, a zero line, two days apart."""
    taxed = category == "STANDARD"
    return document(
        line(category=category, rate="19" if taxed else "0", percent="10", heading="November"),
        line(2, category=category, rate="7" if taxed else "0", quantity="3", price="84.03361345", off="5.50"),
        line(3, category=category, rate="19" if taxed else "0", quantity="0", description="Free of charge\nAs agreed"),
        kind=kind,
        percent="2.5",
        buyer=ABROAD if category in ("INTRA_EU", "REVERSE_CHARGE") else BUYER,
        po_number="PO-7 & more",
        project="Online <shop>",
        footer="Amtsgericht Hamburg",
    )


@pytest.mark.parametrize("kind", ["INVOICE", "CREDIT_NOTE"])
@pytest.mark.parametrize("category", TAX_CATEGORIES)
@pytest.mark.parametrize("profile", PROFILES)
def test_every_tax_category_conforms_in_every_profile_whoever_judges(
    documents: Documents, judges: Judges, profile: Profile, category: TaxCategory, kind: Kind
) -> None:
    made = golden(category, kind)
    assert fatal(documents, made, profile) == []
    assert judges.against(documents.xml(made, profile), profile) == []


@pytest.mark.parametrize("profile", PROFILES)
def test_an_invoice_of_many_rates_paid_in_part_conforms(documents: Documents, judges: Judges, profile: Profile) -> None:
    mixed = document(*long(30).lines, line(31, category="EXEMPT", rate="0"), percent="3", paid=Decimal("100.00"))
    assert fatal(documents, mixed, profile) == []
    assert judges.against(documents.xml(mixed, profile), profile) == []


@pytest.mark.parametrize("profile", SYNTAXES)
def test_the_amounts_are_those_of_the_document(documents: Documents, profile: Profile) -> None:
    made = golden("STANDARD", "INVOICE")
    xml = documents.xml(made, profile)
    line_total, due = (
        ("LineTotalAmount", "DuePayableAmount") if profile == "cii" else ("LineExtensionAmount", "PayableAmount")
    )
    assert [Decimal(one) for one in texts(xml, due)] == [made.due]
    assert sorted(Decimal(one) for one in texts(xml, line_total)) == sorted(
        [*(one.total for one in made.lines), made.subtotal]
    )
    assert Decimal("1.00") * sum(one.amount for one in made.taxes) == made.tax


@pytest.mark.parametrize("profile", PROFILES)
def test_no_element_is_empty(documents: Documents, profile: Profile) -> None:
    bare = Party(name="Somebody", address=Address(), website=" ")
    made = replaced(
        document(terms=" ", notes="", buyer_reference="\t"), seller=bare, buyer=bare, payment=None, due_date=None
    )
    for element in ET.fromstring(documents.xml(made, profile)).iter():
        assert len(element) or (element.text or "").strip(), element.tag


def test_money_from_the_database_has_two_decimals(documents: Documents) -> None:
    made = document(line(price="95.0000", quantity="7.5000"))
    stored = replaced(made, due=Decimal(f"{made.due}00"), total=Decimal(f"{made.total}00"))
    assert fatal(documents, stored, "ubl") == []
    assert texts(documents.xml(stored, "ubl"), "PriceAmount") == ["95"]


@pytest.mark.parametrize("profile", PROFILES)
def test_free_text_addresses_become_lines(documents: Documents, profile: Profile) -> None:
    written = replaced(
        BUYER, address=Address(text="Hof 3\n\nSpeicherstraße 12\n20457 Hamburg\nGermany", country_code="DE")
    )
    xml = documents.xml(document(buyer=written), profile)
    assert "20457 Hamburg, Germany" in xml.decode()


def test_an_email_is_an_electronic_address_save_in_peppol(documents: Documents) -> None:
    by_mail = replaced(BUYER, endpoint=None, endpoint_scheme=None)
    made = document(buyer=by_mail)
    assert fatal(documents, made, "xrechnung") == []
    assert [one.field for one in documents.problems(made, "peppol")] == ["client.endpoint"]


def test_a_scheme_of_addresses_that_is_newer_than_the_rules_of_peppol_is_only_warned_of(documents: Documents) -> None:
    newer = replaced(ABROAD, endpoint_scheme="0225", endpoint="303265045")
    (told,) = documents.problems(document(buyer=newer), "peppol")
    assert (told.rule, told.field, told.fatal) == ("PEPPOL-EN16931-CL008", "client.endpointScheme", False)


# --- broken


@dataclass(frozen=True)
class Broken:
    """A document that breaks one rule: which, in which profile, and which field of ours says so."""

    rule: str
    profile: Profile
    field: str
    made: Document
    elsewhere: bool = True
    """Whether the other judges know the rule."""


def seller(**facts: Any) -> Document:
    return document(seller=replaced(SELLER, **facts))


def buyer(*lines: Line, **facts: Any) -> Document:
    return document(*lines, buyer=replaced(BUYER, **facts))


def placed(party: Party, **facts: Any) -> Address:
    return replaced(party.address, **facts)


UNREASONED = document(line(category="EXEMPT", rate="0"))
UNREASONED = replaced(UNREASONED, taxes=[replaced(tax, reason=None) for tax in UNREASONED.taxes])
NO_LINES = replaced(document(), lines=())
KUWAITI = document(line(price="1.234", quantity="1", currency="KWD"), currency="KWD")
NOBODY_TO_ASK = seller(contact_name=None, phone=None, email=None)
EARLY = document(line(period_from=date(2026, 9, 1), period_to=date(2026, 11, 3)))
UNPAID_HOURS = document(replaced(line(), quantity=Decimal(3)))

BROKEN = [
    Broken("BR-02", "ubl", "invoice.number", document(number=" ")),
    Broken("BR-06", "ubl", "workspace.legalName", seller(name="")),
    Broken("BR-07", "cii", "client.name", buyer(name="")),
    Broken("BR-09", "ubl", "workspace.countryCode", seller(address=placed(SELLER, country_code=None))),
    Broken("BR-11", "ubl", "client.countryCode", buyer(address=placed(BUYER, country_code=None))),
    Broken("BR-16", "ubl", "invoice.lines", NO_LINES),
    Broken("BR-25", "cii", "lines[1].description", document(line(), line(2, description=" "))),
    Broken("BR-27", "ubl", "lines[0].rate", document(line(price="-3", quantity="1"), line(2))),
    Broken("BR-29", "cii", "invoice.period", document(period_from=date(2026, 11, 3), period_to=date(2026, 11, 2))),
    Broken("BR-CO-09", "cii", "client.taxNumber", buyer(vat_id="290118457")),
    Broken("BR-CO-09", "ubl", "workspace.taxId", seller(vat_id="815204334")),
    Broken("BR-CO-10", "ubl", "invoice.subtotal", replaced(document(), subtotal=Decimal("700.00"))),
    Broken("BR-CO-15", "cii", "invoice.total", replaced(document(), total=Decimal("900.00"))),
    Broken("BR-CO-16", "cii", "invoice.balance", replaced(document(), due=Decimal("1.00"))),
    Broken("BR-CO-26", "cii", "workspace.registration", seller(vat_id=None, registration=None)),
    Broken("BR-S-02", "cii", "workspace.taxId", seller(vat_id=None, tax_number=None)),
    Broken("BR-S-05", "ubl", "lines[0].taxRate", document(line(rate="0"))),
    Broken("BR-AE-02", "cii", "client.taxNumber", buyer(line(category="REVERSE_CHARGE"), vat_id=None)),
    Broken("BR-AE-05", "ubl", "lines[0].taxRate", document(line(category="REVERSE_CHARGE"))),
    Broken("BR-IC-02", "ubl", "client.taxNumber", buyer(line(category="INTRA_EU", rate="0"), vat_id=None)),
    Broken("BR-E-10", "cii", "invoice.taxReason", UNREASONED),
    Broken("BR-O-11", "ubl", "lines[].taxCategory", document(line(category="OUTSIDE_SCOPE"), line(2))),
    Broken("BR-CL-25", "ubl", "client.endpointScheme", buyer(endpoint_scheme="1234")),
    Broken("BR-CL-23", "cii", "lines[0].unit", document(replaced(line(), unit_code="hours"))),
    Broken("BR-DEC-23", "ubl", "invoice.currency", KUWAITI),
    Broken("BR-DE-1", "xrechnung", "workspace.iban", document(payment=None)),
    Broken("BR-DE-2", "xrechnung", "workspace.contactName", NOBODY_TO_ASK),
    Broken("BR-DE-3", "xrechnung", "workspace.businessCity", seller(address=placed(SELLER, city=None))),
    Broken("BR-DE-4", "xrechnung", "workspace.businessPostalCode", seller(address=placed(SELLER, postal_code=None))),
    Broken("BR-DE-6", "xrechnung", "workspace.businessPhone", seller(phone=None)),
    Broken("BR-DE-8", "xrechnung", "client.billingCity", buyer(address=placed(BUYER, city=None))),
    Broken("BR-DE-15", "xrechnung", "client.buyerReference", document(buyer_reference=None)),
    Broken("BR-DE-18", "xrechnung", "client.defaultPaymentTerms", document(terms="#SKONTO#2 percent")),
    Broken("PEPPOL-EN16931-R010", "xrechnung", "client.endpoint", buyer(endpoint=None, email=None), elsewhere=False),
    Broken("PEPPOL-EN16931-R003", "peppol", "client.buyerReference", document(buyer_reference=None), elsewhere=False),
    Broken("PEPPOL-EN16931-R010", "peppol", "client.endpoint", buyer(endpoint=None), elsewhere=False),
    Broken("PEPPOL-EN16931-R020", "peppol", "workspace.endpoint", seller(endpoint=None), elsewhere=False),
    Broken("PEPPOL-EN16931-R110", "peppol", "lines[0].period", EARLY, elsewhere=False),
    Broken("PEPPOL-EN16931-R120", "peppol", "lines[0].total", UNPAID_HOURS, elsewhere=False),
]  # fmt: skip


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: f"{broken.rule}-{broken.profile}")
def test_what_breaks_a_rule_is_told_by_its_name_with_field_and_remedy(
    documents: Documents, judges: Judges, broken: Broken
) -> None:
    told = {one.rule: one for one in documents.problems(broken.made, broken.profile)}
    assert broken.rule in told
    problem = told[broken.rule]
    assert problem.field == broken.field
    assert problem.fatal
    assert problem.message
    assert problem.remedy.endswith(".")
    if broken.elsewhere:
        assert judges.against(documents.xml(broken.made, broken.profile), broken.profile)


def test_what_the_schema_forbids_is_told_where_no_rule_says_so_better(documents: Documents) -> None:
    surprising = documents.xml(document(), "cii").replace(b"<ram:TypeCode>380", b"<ram:Surprise/><ram:TypeCode>380")
    (told,) = documents.rules.findings(surprising, "cii", "INVOICE")
    assert (told.rule, told.fatal) == ("XSD", True)
    assert "Surprise" in told.message


def test_rules_that_are_missing_are_no_reason_to_send(documents: Documents, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tallystick.documents.einvoice.rules.find_spec", lambda _: None)
    einvoice.rules._file.cache_clear()
    (told,) = documents.problems(document(), "peppol")
    monkeypatch.undo()
    einvoice.rules._file.cache_clear()
    assert (told.rule, told.field, told.fatal) == ("RULES-MISSING", "server", True)
    assert documents.problems(document(), "peppol") == []


def test_every_remedy_is_of_a_rule_that_exists() -> None:
    files = [einvoice.rules._file(place) for places in einvoice.rules._RULES.values() for place in places]
    known = set(re.findall(r"[A-Z]+[A-Z0-9]*(?:-[A-Za-z0-9]+)+", "".join(path.read_text() for path in files)))
    assert set(REMEDIES) <= known, set(REMEDIES) - known


# --- random and hostile ones


@pytest.mark.parametrize("profile", SYNTAXES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=samples.documents())
def test_whatever_adds_up_conforms(documents: Documents, profile: Profile, made: Document) -> None:
    assert fatal(documents, made, profile) == []


HOSTILE = [
    "\x00\x01\x08\x0b\x0c\x1f\x7f",
    "\ud800 lone \udfff",
    "\ufffe\uffff",
    "</ram:Name><evil/>",
    "]]>",
    "<![CDATA[x",
    "<!ENTITY x 'y'>&x;&amp;",
    "\"'>",
    "🧾👩‍👩‍👧 \u202eright to left\u202c שלום مرحبا",
    "a\r\nb\rc\u2028d\u0085e",
    "x" * 10_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("profile", PROFILES)
def test_no_text_breaks_the_xml(documents: Documents, profile: Profile, text: str) -> None:
    made = document(
        line(description=f"a{text}", heading=f"h{text}"),
        notes=text,
        terms=f"t{text}",
        footer=text,
        po_number=text,
        project=text,
        buyer_reference=f"r{text}",
        seller=replaced(SELLER, registration=text, contact_name=f"c{text}", trade_name=text),
        buyer=replaced(BUYER, name=f"n{text}", address=replaced(BUYER.address, line2=text)),
        payment=replaced(PAYMENT, account_holder=text, instructions=text),
    )
    xml = documents.xml(made, profile)
    assert ET.fromstring(xml).tag.endswith(("CrossIndustryInvoice", "Invoice"))
    assert b"<evil" not in xml
    assert fatal(documents, made, profile) == []


ALLOWED = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(), max_size=60))
def test_every_character_is_kept_or_left_out(documents: Documents, text: str) -> None:
    xml = documents.xml(document(notes=f"begin {text} end"), "ubl")
    kept = texts(xml, "Note")[0]
    assert kept.startswith("begin")
    assert kept.endswith("end")
    assert "".join(kept.split()) == "".join(f"begin {ALLOWED.sub('', text)} end".split())
