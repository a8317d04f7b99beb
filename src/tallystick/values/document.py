"""What an invoice or a credit note says: the facts that its PDF, its XML and its public page are all made from.

`papers.of_invoice` reads them from the rows; what is issued is frozen as these facts, and nothing asks the rows again.
Amounts are exact, in the document's currency, rounded already: whoever renders computes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Final, Literal, NamedTuple, Protocol, get_args

import msgspec

from tallystick.values.report import Format, Report
from tallystick.values.tax import TaxCategory

Kind = Literal["INVOICE", "CREDIT_NOTE"]
Profile = Literal["cii", "ubl", "xrechnung", "peppol"]
"""EN 16931 in CII or UBL, XRechnung 3 (CII), Peppol BIS Billing 3 (UBL)."""
PROFILES: Final[tuple[Profile, ...]] = get_args(Profile)


class Address(msgspec.Struct, frozen=True, kw_only=True):
    line1: str | None = None
    line2: str | None = None
    city: str | None = None
    postal_code: str | None = None
    region: str | None = None
    country: str | None = None
    """As it is written, such as `Germany`."""
    country_code: str | None = None
    """ISO 3166-1 alpha-2, such as `DE`."""
    text: str | None = None
    """The whole as free text, where no lines are known."""


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """The seller (BG-4) or the buyer (BG-7)."""

    name: str
    trade_name: str | None = None
    """What it is called, where that is not the legal name (BT-28, BT-45)."""
    address: Address
    vat_id: str | None = None
    """With its country, without blanks, such as `DE136695976` (BT-31, BT-48)."""
    tax_number: str | None = None
    """The tax office's number, where that is not the VAT id (BT-32)."""
    registration: str | None = None
    """In the trade register (BT-30, BT-47)."""
    contact_name: str | None = None
    phone: str | None = None
    email: str | None = None
    website: str | None = None
    endpoint_scheme: str | None = None
    """EAS code of the electronic address, such as `0204` or `EM` (BT-34-1, BT-49-1)."""
    endpoint: str | None = None


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line (BG-25). `price` and `total` are net; `gross_*` stand beside them where prices include the tax."""

    number: int
    """1, 2, 3 …"""
    id: str
    heading: str | None = None
    """Lines in a row with one heading stand below it."""
    description: str
    quantity: Decimal
    unit: str
    """As it is written: `h`, `each`, `fixed fee` …"""
    unit_code: str
    """UN/ECE Recommendation 20: `HUR`, `C62`, `LS` …"""
    price: Decimal
    """Net price of one unit, before the line's discount (BT-146); up to 4 decimals, more where prices include tax."""
    discount_percent: Decimal | None = None
    discount_amount: Decimal = Decimal(0)
    """Net, already rounded (BT-136)."""
    total: Decimal
    """Net, quantity × price − discount (BT-131)."""
    gross_price: Decimal | None = None
    gross_total: Decimal | None = None
    tax_category: TaxCategory
    tax_rate: Decimal | None = None
    """In percent; None outside of the scope of VAT, or where no tax is shown."""
    period_from: date | None = None
    period_to: date | None = None


class Tax(msgspec.Struct, frozen=True, kw_only=True):
    """The tax of one category and rate (BG-23)."""

    category: TaxCategory
    rate: Decimal | None
    name: str
    """What it is called: `VAT`, `USt.` …"""
    basis: Decimal
    amount: Decimal
    reason: str | None = None
    """Why it is not taxed (BT-120), in the document's language."""
    reason_code: str | None = None


class Discount(msgspec.Struct, frozen=True, kw_only=True):
    """A share of the document's discount, taken from one tax category (BG-20)."""

    amount: Decimal
    percent: Decimal | None = None
    tax_category: TaxCategory
    tax_rate: Decimal | None = None
    reason: str


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """How to pay (BG-16): a bank account, and words."""

    iban: str | None = None
    bic: str | None = None
    bank: str | None = None
    account_holder: str | None = None
    reference: str
    """What the payer writes with the transfer; the document's number."""
    instructions: str | None = None
    card: bool = False
    """Whether the public page takes cards."""


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """How it looks on paper."""

    layout: str = "classic"
    """One of `documents.LAYOUTS`."""
    paper: Literal["A4", "LETTER"] = "A4"
    color: str = "#2f5d50"
    """The brand's, `#rrggbb`."""
    language: str = "en"
    """BCP 47, one of `documents.LANGUAGES`."""
    locale: str | None = None
    """For numbers and dates, where they are not the language's: `de_CH`."""
    logo: bytes | None = None
    """PNG, JPEG or SVG."""


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """An invoice, or a credit note (its amounts are positive, too)."""

    kind: Kind = "INVOICE"
    id: str
    number: str
    draft: bool = False
    """Not issued: the number is provisional, and it says so on the paper."""
    currency: str
    issue_date: date
    due_date: date | None = None
    period_from: date | None = None
    """First and last day of the work on it (BG-14)."""
    period_to: date | None = None
    seller: Party
    buyer: Party
    buyer_reference: str | None = None
    """What the buyer wants to read (BT-10), a Leitweg-ID for instance."""
    po_number: str | None = None
    """BT-13."""
    project: str | None = None
    """The name of the project it is about, where it is about one."""
    preceding_number: str | None = None
    """Of a credit note: the invoice (BG-3)."""
    preceding_date: date | None = None
    reason: str | None = None
    """Of a credit note: why."""
    lines: Sequence[Line]
    discounts: Sequence[Discount] = ()
    taxes: Sequence[Tax]
    prices_include_tax: bool = False
    subtotal: Decimal
    """Σ of the lines, net (BT-106)."""
    discount: Decimal
    """Of the document, net (BT-107)."""
    net: Decimal
    """subtotal − discount (BT-109)."""
    tax: Decimal
    """Σ of the taxes (BT-110)."""
    total: Decimal
    """net + tax (BT-112)."""
    paid: Decimal = Decimal(0)
    """Paid before it was issued (BT-113)."""
    due: Decimal
    """total − paid (BT-115)."""
    notes: str | None = None
    terms: str | None = None
    footer: str | None = None
    payment: Payment | None = None
    look: Look = Look()


class TimesheetRow(msgspec.Struct, frozen=True, kw_only=True):
    """One entry on the timesheet that goes with an invoice. Never a rate."""

    entry_date: date
    project: str
    task: str | None = None
    note: str | None = None
    person: str
    seconds: int
    """As billed: rounded."""


class Problem(NamedTuple):
    """A rule that a document breaks, where, and what to do about it."""

    rule: str
    """The official id, `BR-DE-15`."""
    field: str
    """Ours, such as `client.buyerReference`."""
    message: str
    """The rule in its own words."""
    remedy: str
    """What the person does now."""
    fatal: bool = True


class Renderer(Protocol):
    """Makes bytes from facts; `documents` implements it, and `main` hands it to whoever needs it."""

    def pdf(self, document: Document, xml: bytes | None = None) -> bytes:
        """PDF/A-3, tagged; with `xml` it is a Factur-X invoice, which has that file in it."""
        ...

    def pictures(self, document: Document, density: int = 110) -> list[bytes]:
        """The pages of that PDF as PNGs: for a preview, which no browser has to be able to read PDF for."""
        ...

    def xml(self, document: Document, profile: Profile) -> bytes: ...

    def problems(self, document: Document, profile: Profile) -> list[Problem]:
        """What the official rules of the profile say against it; empty when it conforms."""
        ...

    def timesheet(self, document: Document, rows: Sequence[TimesheetRow]) -> bytes:
        """PDF of the hours behind an invoice."""
        ...

    def report(self, report: Report, form: Format) -> bytes:
        """A report as PDF or XLSX."""
        ...
