"""An invoice says the same to the cent wherever it is read: page, public page, PDF, CII, UBL and API."""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as ET
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tallystick.domain import clients
from tallystick.domain.invoices import draft, lifecycle, links
from tallystick.domain.invoices.draft import CustomLine
from tests.app.conftest import Pages
from tests.documents.reading import plain, text_of
from tests.domain.invoices.test_sums import PLACES, invoices_of, said
from tests.studio import Api

CII = {
    "LineTotalAmount": "subtotal", "AllowanceTotalAmount": "discountAmount", "TaxTotalAmount": "taxAmount",
    "GrandTotalAmount": "total", "DuePayableAmount": "total",
}  # fmt: skip
UBL = {
    "LineExtensionAmount": "subtotal", "AllowanceTotalAmount": "discountAmount", "TaxInclusiveAmount": "total",
    "PayableAmount": "total",
}  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(invoices_of())
def test_it_says_the_same_everywhere(shared: Pages, made: Any) -> None:
    check(shared, made)


@pytest.mark.long
@settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(invoices_of())
def test_it_says_the_same_everywhere_ten_thousand_times(shared: Pages, made: Any) -> None:
    check(shared, made)


def check(pages: Pages, made: Any) -> None:
    currency, lines, discount, gross = made
    studio, places = pages.studio, PLACES[currency]
    custom = [
        CustomLine(f"Line {number}", line.quantity, line.rate, discount=line.discount, tax=said(line.treatment))
        for number, line in enumerate(lines)
    ]
    client_id = studio.ids["client"]
    with studio.context() as ctx:
        clients.change(ctx, client_id, currency=currency, language="en", einvoice_profile=None)
        one = draft.draft(ctx, client_id=client_id, project_ids=[], lines=custom, discount=discount,
                          prices_include_tax=gross)  # fmt: skip
        invoice_id = lifecycle.mark_sent(ctx, one.invoice.id).id
        link = links.live(ctx, invoice_id)
        assert link is not None
        public = str(links.url_of(ctx, link)).removeprefix(ctx.server.public_url)
    api, path = Api(pages.app, studio.owner.token), f"/invoices/{invoice_id}"
    told, rows, taxes = api.get(path), api.get(f"{path}/lines"), api.get(f"{path}/taxes")

    # As data: the very numbers.
    for syntax, names in (("cii", CII), ("ubl", UBL)):
        root = ET.fromstring(api("GET", f"{path}/xml?format={syntax}").content)
        sums = next(one for one in root.iter() if local(one) in ("LegalMonetaryTotal", MONETARY))
        found = {local(one): Decimal(one.text or "") for one in sums}
        for name, field in names.items():
            assert found.get(name, Decimal(0)) == Decimal(told[field]), (syntax, name)
        of_lines = [Decimal(one.text or "") for line in root.iter() if local(line) in LINES for one in line.iter()
                    if local(one) in ("LineTotalAmount", "LineExtensionAmount")]  # fmt: skip
        assert of_lines == [Decimal(one["total"]) for one in rows], syntax
        of_taxes = [[Decimal(one.text or "") for one in tax if local(one) in AMOUNTS]
                    for tax in root.iter() if local(tax) in TAXES]  # fmt: skip
        shown = [sorted((Decimal(one["basis"]), Decimal(one["amount"]))) for one in taxes]
        assert sorted(sorted(one) for one in of_taxes if one) == sorted(shown), syntax  # a line of CII names no amount

    # As text: each amount as it is written in English, whoever writes it.
    amounts = [told["total"], *(one["grossTotal"] or one["total"] for one in rows)]
    amounts += [one["amount"] for one in taxes if one["rate"] is not None or Decimal(one["amount"])]
    if Decimal(told["discountAmount"]):
        amounts += [told["subtotal"], told["discountAmount"]]
    wanted = {f"{Decimal(one):,.{places}f}" for one in amounts}
    paper = text_of(api("GET", f"{path}/pdf").content)
    assert {one for one in wanted if one not in paper} == set()
    for page in (pages.app.simulate_get(public).text, pages["owner"].see(path)):
        read = seen(page)
        assert {one for one in wanted if not re.search(rf"(?<![\d,.]){re.escape(one)}(?![\d,])", read)} == set()


def seen(page: str) -> str:
    """What somebody reads on a page; a space stays between its parts."""
    body = re.sub(r"<(script|style|svg).*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(plain(part) for part in html.unescape(re.sub(r"<[^>]*>", "\n", body)).split("\n"))


def local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


MONETARY = "SpecifiedTradeSettlementHeaderMonetarySummation"
LINES = ("IncludedSupplyChainTradeLineItem", "InvoiceLine")
TAXES = ("TaxSubtotal", "ApplicableTradeTax")
AMOUNTS = ("TaxableAmount", "TaxAmount", "BasisAmount", "CalculatedAmount")
