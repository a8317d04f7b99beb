"""What an e-invoice costs with all official rules of its profile, against the same stylesheets run by Saxon alone."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from importlib import import_module
from typing import Any

from tallystick.documents import Documents
from tallystick.documents.einvoice import rules
from tallystick.values.document import Address, Document, Line, Party, Payment, Profile, Tax

PROFILES: tuple[Profile, ...] = ("xrechnung", "peppol")
"""The two whose rules are more than those of EN 16931 alone."""


def measured(lines: int, rounds: int = 5) -> dict[str, Any]:
    """Seconds of the slower profile, and of its floor; the first run, which compiles, does not count."""
    documents, made = Documents(), document(lines)
    found: list[dict[str, Any]] = []
    for profile in PROFILES:
        floor = _floor(documents.xml(made, profile), profile)
        pairs = [
            (_seconds(lambda: _conforms(documents, made, profile)), _seconds(floor))  # noqa: B023 - called at once
            for _ in range(rounds + 1)
        ][1:]
        product, alone = (statistics.median(one) for one in zip(*pairs, strict=True))
        found.append({"seconds": product, "floor": alone, "ratio": statistics.median(a / b for a, b in pairs)})
    documents.rules.close()
    return max(found, key=lambda one: one["seconds"])


def _conforms(documents: Documents, document: Document, profile: Profile) -> None:
    documents.xml(document, profile)
    assert not documents.problems(document, profile)


def _floor(xml: bytes, profile: Profile) -> Callable[[], None]:
    """The bare rules: the document is parsed and transformed, and nobody reads what comes of it."""
    saxon = import_module("saxonche").PySaxonProcessor(license=False)
    compiler = saxon.new_xslt30_processor()
    sheets = [compiler.compile_stylesheet(stylesheet_file=str(path)) for path in rules.files(profile)]

    def run() -> None:
        node = saxon.parse_xml(xml_text=xml.decode())
        for sheet in sheets:
            sheet.transform_to_string(xdm_node=node)

    return run


def _seconds(work: Callable[[], None]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def document(count: int) -> Document:
    party = Party(
        name="Studio North GmbH",
        address=Address(line1="Kai 1", city="Hamburg", postal_code="20457", country_code="DE"),
        vat_id="DE815204334",
        contact_name="Ines Halvorsen",
        phone="+49 40 5550 1270",
        email="hello@north.example",
        endpoint_scheme="9930",
        endpoint="DE815204334",
    )
    lines = [
        Line(
            number=number,
            id=str(number),
            description=f"Design of page {number}\nDrafts and two rounds of changes",
            quantity=Decimal("7.25"),
            unit="h",
            unit_code="HUR",
            price=Decimal(95),
            total=Decimal("688.75"),
            tax_category="STANDARD",
            tax_rate=Decimal(19),
            period_from=date(2026, 11, 2),
            period_to=date(2026, 11, 6),
        )
        for number in range(1, count + 1)
    ]
    net = Decimal("688.75") * count
    tax = round(net * 19 / 100, 2)
    return Document(
        id="1",
        number="NL-2026-0042",
        currency="EUR",
        issue_date=date(2026, 11, 29),
        due_date=date(2026, 12, 13),
        period_from=date(2026, 11, 1),
        period_to=date(2026, 11, 28),
        seller=party,
        buyer=party,
        buyer_reference="04011000-12345-34",
        lines=lines,
        taxes=[Tax(category="STANDARD", rate=Decimal(19), name="VAT", basis=net, amount=tax)],
        subtotal=net,
        discount=Decimal(0),
        net=net,
        tax=tax,
        total=net + tax,
        due=net + tax,
        payment=Payment(iban="DE02120300000000202051", reference="NL-2026-0042"),
    )
