"""Payment instructions as a square that banking apps read: EPC069-12 in the euro area, the Swiss QR-bill for francs."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, Literal, NamedTuple

import segno

from tallystick.values.document import Address, Document, Party, Payment

MOST: Final = Decimal("999999999.99")
SEPA: Final = frozenset(
    [
        "AD",
        "AT",
        "BE",
        "BG",
        "CH",
        "CY",
        "CZ",
        "DE",
        "DK",
        "EE",
        "ES",
        "FI",
        "FR",
        "GB",
        "GI",
        "GR",
        "HR",
        "HU",
        "IE",
        "IS",
        "IT",
        "LI",
        "LT",
        "LU",
        "LV",
        "MC",
        "MT",
        "NL",
        "NO",
        "PL",
        "PT",
        "RO",
        "SE",
        "SI",
        "SK",
        "SM",
        "VA",
        "AL",
        "ME",
        "MD",
        "MK",
        "RS",
    ]
)
"""Countries whose IBANs a SEPA credit transfer reaches."""
QUIET: Final = 4
"""Modules of white around the code."""


class Code(NamedTuple):
    """A code as a picture."""

    kind: Literal["EPC", "SWISS"]
    payload: str
    svg: str


def payment_code(document: Document) -> Code | None:
    """What the payer scans; None where no such code exists for this account and currency, or nothing is to be paid."""
    payment = document.payment
    if payment is None or not payment.iban or not 0 < document.due <= MOST or document.kind == "CREDIT_NOTE":
        return None
    country = payment.iban[:2].upper()
    if country in ("CH", "LI") and document.currency in ("CHF", "EUR"):
        payload = swiss_payload(document, payment)
        if payload is not None:
            return Code("SWISS", payload, _drawn(payload, cross=True))
    if document.currency == "EUR" and country in SEPA:
        payload = epc_payload(document, payment)
        return Code("EPC", payload, _drawn(payload))
    return None


def epc_payload(document: Document, payment: Payment) -> str:
    """EPC069-12, version 002: a SEPA credit transfer."""
    name = _line(payment.account_holder or document.seller.name, 70)
    fields = (
        "BCD",
        "002",
        "1",  # UTF-8
        "SCT",
        _line(payment.bic or "", 11),
        name,
        payment.iban or "",
        f"EUR{document.due:.2f}",
        "",
        "",
        _line(payment.reference, 140),
    )
    return "\n".join(fields)


def swiss_payload(document: Document, payment: Payment) -> str | None:
    """Swiss Implementation Guidelines QR-bill 2.3; None where the seller's address is not known in its parts."""
    iban = payment.iban or ""
    if iban[4:9].isdigit() and 30000 <= int(iban[4:9]) <= 31999:
        return None  # a QR-IBAN, which wants a QR reference that we do not have
    creditor = _swiss_party(payment.account_holder or document.seller.name, document.seller.address)
    if creditor is None:
        return None
    fields = (
        "SPC",
        "0200",
        "1",
        iban,
        *creditor,
        *([""] * 7),
        f"{document.due:.2f}",
        document.currency,
        *(_swiss_debtor(document.buyer) or [""] * 7),
        "NON",
        "",
        _line(payment.reference, 140),
        "EPD",
    )
    return "\n".join(fields)


def _swiss_debtor(buyer: Party) -> list[str] | None:
    return _swiss_party(buyer.name, buyer.address)


def _swiss_party(name: str, address: Address) -> list[str] | None:
    if not (address.country_code and address.postal_code and address.city):
        return None
    street = " ".join(one for one in (address.line1, address.line2) if one)
    return [
        "S",
        _line(name, 70),
        _line(street, 70),
        "",
        _line(address.postal_code, 16),
        _line(address.city, 35),
        address.country_code,
    ]


def _line(text: str, most: int) -> str:
    """As a field of a code has it: no line break, no half of a character."""
    return " ".join(text.encode("utf-8", "ignore").decode().split())[:most].strip()


def _drawn(payload: str, *, cross: bool = False) -> str:
    """The code as an SVG of one path."""
    code = segno.make(payload, error="m", micro=False, encoding="utf-8", boost_error=False)
    size = len(code.matrix)
    path: list[str] = []
    for y, row in enumerate(code.matrix):
        x = 0
        while x < size:
            if not row[x]:
                x += 1
                continue
            start = x
            while x < size and row[x]:
                x += 1
            path.append(f"M{start} {y}h{x - start}v1H{start}z")
    whole = size + 2 * QUIET
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-{QUIET} -{QUIET} {whole} {whole}">'
        f'<path fill="#fff" d="M-{QUIET} -{QUIET}h{whole}v{whole}h-{whole}z"/>'
        f'<path fill="#000" d="{"".join(path)}"/>{_cross(size) if cross else ""}</svg>'
    )


def _cross(size: int) -> str:
    """The Swiss cross in the middle: 7 mm of the code's 46."""
    side = size * 7 / 46
    left = (size - side) / 2
    arm, width = side * 0.62, side * 0.19
    at = (size - arm) / 2, (size - width) / 2
    edge = side * 0.08

    def square(x: float, y: float, w: float, h: float, fill: str) -> str:
        return f'<rect x="{x:.3f}" y="{y:.3f}" width="{w:.3f}" height="{h:.3f}" fill="{fill}"/>'

    inner = side - 2 * edge
    return (
        square(left, left, side, side, "#fff")
        + square(left + edge, left + edge, inner, inner, "#000")
        + square(at[0], at[1], arm, width, "#fff")
        + square(at[1], at[0], width, arm, "#fff")
    )
