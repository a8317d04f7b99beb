"""What both syntaxes are made of: elements as text, of which none is ever empty, and the choices that they share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

from tallystick.values.document import Address, Discount, Document, Line, Party, Payment, Profile, Tax
from tallystick.values.money import percent_of
from tallystick.values.tax import CODES, REASON_CODES, TaxCategory

INVOICE: Final = "380"
CREDIT_NOTE: Final = "381"
DISCOUNT: Final = "95"
"""UNCL 5189: a discount."""

SPECIFICATIONS: Final[Mapping[Profile, str]] = {
    "cii": "urn:cen.eu:en16931:2017",
    "ubl": "urn:cen.eu:en16931:2017",
    "xrechnung": "urn:cen.eu:en16931:2017#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0",
    "peppol": "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0",
}
"""BT-24: whose rules a document follows. `cii` is also what Factur-X and ZUGFeRD call their profile EN 16931."""
PROCESS: Final = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0"
"""BT-23, which XRechnung and Peppol ask for."""

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SCHEME = re.compile(r"([0-9]{4}):(.+)", re.ASCII)
_SLACK = Decimal("0.02")


# --- elements


def leaf(name: str, value: str | None, /, **attributes: str | None) -> str:
    """An element with text. What is empty, or only blanks, is no element."""
    said = clean(value)
    return f"<{name}{_attributes(attributes)}>{_escaped(said)}</{name}>" if said else ""


def group(name: str, /, *inside: str, **attributes: str) -> str:
    """An element with elements in it; without any, nothing."""
    content = "".join(inside)
    return f"<{name}{_attributes(attributes)}>{content}</{name}>" if content else ""


def clean(text: str | None) -> str:
    """Text as XML 1.0 can hold it: control characters and lone surrogates are left out, line ends are one character."""
    return _NOT_XML.sub("", (text or "").replace("\r\n", "\n").replace("\r", "\n")).strip()


def amount(value: Decimal) -> str:
    """Money: two decimals, more only where the currency has more."""
    whole, _, decimals = f"{value:f}".partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"


def number(value: Decimal) -> str:
    """A quantity, price or percentage, exact, without zeros at its end."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


# --- choices


class Endpoint(NamedTuple):
    """An electronic address: where a network delivers (BT-34, BT-49)."""

    scheme: str
    address: str


def endpoint(party: Party, profile: Profile) -> Endpoint | None:
    """The party's electronic address, else its e-mail address; Peppol delivers to none of those."""
    if party.endpoint and party.endpoint_scheme:
        return Endpoint(party.endpoint_scheme, party.endpoint)
    if clean(party.email) and profile != "peppol":
        return Endpoint("EM", party.email or "")
    return None


def process(profile: Profile) -> str | None:
    return PROCESS if profile in ("xrechnung", "peppol") else None


def title(line: Line) -> str:
    """The name of what was sold (BT-153): the first line of its description."""
    return clean(line.description).partition("\n")[0]


def more(line: Line) -> str:
    """What the description says below its first line (BT-154)."""
    return clean(clean(line.description).partition("\n")[2])


def address_lines(address: Address) -> tuple[str, str, str]:
    """Up to three lines; free text where that is all there is."""
    if address.line1 or address.line2 or address.city or not address.text:
        return clean(address.line1), clean(address.line2), ""
    first, *rest = [line.strip() for line in clean(address.text).splitlines() if line.strip()] or [""]
    return first, rest[0] if rest else "", ", ".join(rest[1:])


def registration(party: Party) -> tuple[str | None, str | None]:
    """Scheme and number in the register: `0106:12345678` is the number 12345678 of scheme 0106 (ISO 6523)."""
    given = clean(party.registration)
    schemed = _SCHEME.fullmatch(given)
    return (schemed[1], schemed[2].strip()) if schemed else (None, given or None)


def vat_id(party: Party, document: Document) -> str | None:
    """The VAT id, which must not be on a document about what is outside of VAT (BR-O-02)."""
    if any(tax.category == "OUTSIDE_SCOPE" for tax in document.taxes):
        return None
    return "".join(clean(party.vat_id).split()) or None


def rate(category: TaxCategory, percent: Decimal | None) -> str | None:
    """BT-119, BT-152: none outside of the scope of VAT, 0 for whatever else is not taxed."""
    if category == "OUTSIDE_SCOPE":
        return None
    if percent is None:
        return None if category == "STANDARD" else "0"
    return number(percent)


def rate_of_tax(tax: Tax, profile: Profile) -> str | None:
    """BT-119. XRechnung wants one also outside of the scope of VAT (BR-DE-14)."""
    return rate(tax.category, tax.rate) or ("0" if profile == "xrechnung" and tax.category == "OUTSIDE_SCOPE" else None)


def category(of: TaxCategory) -> str:
    return CODES[of]


def exemption(tax: Tax) -> tuple[str | None, str | None]:
    """Code and text of why it is not taxed; what is taxed, or taxed at 0 %, has neither (BR-S-10, BR-Z-10)."""
    if tax.category in ("STANDARD", "ZERO"):
        return None, None
    return tax.reason_code or REASON_CODES.get(tax.category), tax.reason


class Basis(NamedTuple):
    """Of what a percentage was taken."""

    amount: Decimal
    percent: Decimal


def basis_of_line(line: Line, currency: str) -> Basis | None:
    """What a line's discount was a percentage of, where the two agree to the cent or two that the rules forgive."""
    return _basis(line.total + line.discount_amount, line.discount_percent, line.discount_amount, currency)


def basis_of_discount(discount: Discount, document: Document) -> Basis | None:
    """The lines of the category and rate that a share of the document's discount was taken from."""
    alike = (
        line.total
        for line in document.lines
        if line.tax_category == discount.tax_category and line.tax_rate == discount.tax_rate
    )
    return _basis(sum(alike, Decimal(0)), discount.percent, discount.amount, document.currency)


def delivered_on(document: Document) -> date:
    """BT-72: the last day of the work; what was sold without such days counts as delivered on the day of issue."""
    return document.period_to or document.period_from or document.issue_date


def delivered_to(document: Document) -> Address | None:
    """BG-15, which supplies within the EU must say (BR-IC-12)."""
    return document.buyer.address if any(tax.category == "INTRA_EU" for tax in document.taxes) else None


def note(document: Document) -> str:
    """BT-22, as one note: Peppol takes no second."""
    return "\n\n".join(text for text in (clean(document.reason), clean(document.notes)) if text)


def terms(document: Document) -> str:
    """BT-20: the terms, and how to pay in words."""
    instructions = document.payment.instructions if document.payment else None
    return "\n".join(text for text in (clean(document.terms), clean(instructions)) if text)


def due_date(document: Document) -> date | None:
    """BT-9. A credit note without terms is due as it is issued: many who receive it want to read when."""
    if document.due_date is None and document.kind == "CREDIT_NOTE" and not terms(document):
        return document.issue_date
    return document.due_date


def means(payment: Payment, currency: str) -> str:
    """UNCL 4461: a SEPA transfer, another transfer, or what nothing more is said of."""
    if not clean(payment.iban):
        return "1"
    return "58" if currency == "EUR" else "30"


def _basis(of: Decimal, percent: Decimal | None, taken: Decimal, currency: str) -> Basis | None:
    if percent is None or abs(percent_of(of, percent, currency) - taken) >= _SLACK:
        return None
    return Basis(of, percent)


def _attributes(given: Mapping[str, str | None]) -> str:
    return "".join(
        f' {name}="{_escaped(said, quotes=True)}"' for name, value in given.items() if (said := clean(value))
    )


def _escaped(text: str, *, quotes: bool = False) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace('"', "&quot;").replace("\n", " ") if quotes else text
