"""Invoices to try things on: a whole one of a German studio, and the random ones of hypothesis, which all add up."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import strategies as st

from tallystick.values.document import Address, Discount, Document, Kind, Line, Party, Payment, Tax
from tallystick.values.money import line_total, percent_of, round_money
from tallystick.values.tax import TaxCategory

SELLER = Party(
    name="Nordlicht Studio GmbH",
    trade_name="Nordlicht",
    address=Address(
        line1="Bernstorffstraße 118", city="Hamburg", postal_code="22767", country="Germany", country_code="DE"
    ),
    vat_id="DE815204334",
    tax_number="41/765/02231",
    registration="HRB 170 001",
    contact_name="Ines Halvorsen",
    phone="+49 40 5550 1270",
    email="hello@nordlicht.example",
    endpoint_scheme="9930",
    endpoint="DE815204334",
)
BUYER = Party(
    name="Alster Coffee Roasters GmbH",
    address=Address(line1="Speicherstraße 12", city="Hamburg", postal_code="20457", country_code="DE"),
    vat_id="DE290118457",
    contact_name="Henrike Vogt",
    email="invoices@alster-coffee.example",
    endpoint_scheme="9930",
    endpoint="DE290118457",
)
ABROAD = msgspec.structs.replace(
    BUYER,
    name="Brasserie Maël SARL",
    address=Address(line1="3 quai du Port", city="Brest", postal_code="29200", country_code="FR"),
    vat_id="FR40303265045",
    endpoint_scheme="9957",
    endpoint="FR40303265045",
)
PAYMENT = Payment(
    iban="DE02120300000000202051", bic="BYLADEM1001", account_holder="Nordlicht Studio GmbH", reference="NL-2026-0042"
)
REASONS: dict[TaxCategory, str] = {
    "EXEMPT": "Exempt under § 19 UStG",
    "REVERSE_CHARGE": "Reverse charge",
    "INTRA_EU": "Intra-community supply",
    "EXPORT": "Export",
    "OUTSIDE_SCOPE": "Not subject to VAT",
}


def line(
    number: int = 1,
    *,
    description: str = "Design",
    quantity: str = "7.5",
    price: str = "95",
    percent: str | None = None,
    off: str | None = None,
    category: TaxCategory = "STANDARD",
    rate: str | None = "19",
    currency: str = "EUR",
    **facts: Any,
) -> Line:
    """A line that adds up: quantity × price, less a discount in percent or of an amount."""
    whole = line_total(Decimal(quantity), Decimal(price), currency)
    taken = percent_of(whole, Decimal(percent), currency) if percent else Decimal(off or 0)
    return Line(
        number=number,
        id=f"line-{number}",
        description=description,
        quantity=Decimal(quantity),
        unit="h",
        unit_code="HUR",
        price=Decimal(price),
        discount_percent=Decimal(percent) if percent else None,
        discount_amount=taken,
        total=whole - taken,
        tax_category=category,
        tax_rate=None if rate is None or category == "OUTSIDE_SCOPE" else Decimal(rate),
        **facts,
    )


def document(
    *lines: Line, kind: Kind = "INVOICE", percent: str | None = None, currency: str = "EUR", **facts: Any
) -> Document:
    """A document over lines, with what follows from them; `percent` is the document's discount."""
    lines = lines or (line(),)
    subtotal = sum((one.total for one in lines), Decimal(0))
    parts: dict[tuple[TaxCategory, Decimal | None], Decimal] = {}
    for one in lines:
        key = one.tax_category, one.tax_rate
        parts[key] = parts.get(key, Decimal(0)) + one.total
    discounts = [
        Discount(
            amount=percent_of(part, Decimal(percent), currency),
            percent=Decimal(percent),
            tax_category=category,
            tax_rate=rate,
            reason="Discount",
        )
        for (category, rate), part in parts.items()
        if percent and percent_of(part, Decimal(percent), currency)
    ]
    discount = sum((one.amount for one in discounts), Decimal(0))
    taxes: list[Tax] = []
    for (category, rate), part in parts.items():
        basis = part - sum((one.amount for one in discounts if (one.tax_category, one.tax_rate) == (category, rate)), 0)
        taxes.append(
            Tax(
                category=category,
                rate=rate,
                name="VAT",
                basis=basis,
                amount=percent_of(basis, rate or Decimal(0), currency),
                reason=REASONS.get(category),
            )
        )
    tax = sum((one.amount for one in taxes), Decimal(0))
    total = subtotal - discount + tax
    paid = facts.pop("paid", Decimal(0))
    credit: dict[str, Any] = (
        {"preceding_number": "NL-2026-0041", "preceding_date": date(2026, 10, 31), "reason": "Wrong hours"}
        if kind == "CREDIT_NOTE"
        else {"due_date": date(2026, 12, 13)}
    )
    usual: dict[str, Any] = {
        "id": "0198c0de-0000-7000-8000-000000000001",
        "number": "NL-2026-0042",
        "issue_date": date(2026, 11, 29),
        "period_from": date(2026, 11, 1),
        "period_to": date(2026, 11, 28),
        "seller": SELLER,
        "buyer": BUYER,
        "buyer_reference": "04011000-12345-34",
        "notes": "Thank you.",
        "terms": "Net 14",
        "payment": PAYMENT,
        **credit,
    }
    return Document(
        kind=kind,
        currency=currency,
        lines=lines,
        discounts=discounts,
        taxes=taxes,
        subtotal=subtotal,
        discount=discount,
        net=subtotal - discount,
        tax=tax,
        total=total,
        paid=paid,
        due=total - paid,
        **{**usual, **facts},
    )


def long(lines: int) -> Document:
    """A document with many lines, no two alike."""
    return document(
        *(
            line(
                number,
                description=f"Design of page {number}\nDrafts, two rounds of changes and the hand-over",
                quantity=f"{number % 7 + 1}.25",
                price="95",
                percent="5" if number % 10 == 0 else None,
                rate="7" if number % 5 == 0 else "19",
                period_from=date(2026, 11, 1) + timedelta(days=number % 20),
                period_to=date(2026, 11, 1) + timedelta(days=number % 20 + 2),
            )
            for number in range(1, lines + 1)
        ),
        percent="2",
    )


# --- random ones

CATEGORIES: tuple[TaxCategory, ...] = ("STANDARD", "ZERO", "EXEMPT", "REVERSE_CHARGE", "INTRA_EU", "EXPORT")


@st.composite
def documents(draw: st.DrawFn, texts: st.SearchStrategy[str] | None = None) -> Document:
    """A valid document: categories, rates, discounts, gross prices, kinds and periods as they come."""
    texts = texts or st.text(min_size=1, max_size=40)
    some = st.text("abcdefghijklmnop äßé-&<>'\"", min_size=1, max_size=30).map(lambda text: f"x{text}")
    only_outside = draw(st.integers(0, 9)) == 0
    first = date(2026, 10, 1) + timedelta(days=draw(st.integers(0, 60)))
    last = first + timedelta(days=draw(st.integers(0, 40)))
    lines: list[Line] = []
    for number in range(1, draw(st.integers(1, 6)) + 1):
        category: TaxCategory = "OUTSIDE_SCOPE" if only_outside else draw(st.sampled_from(CATEGORIES))
        rate = draw(st.sampled_from(["19", "7", "5.5", "20"])) if category == "STANDARD" else "0"
        gross = category == "STANDARD" and draw(st.booleans())
        price = draw(st.decimals("0", "5000", places=draw(st.sampled_from([0, 2, 4]))))
        if gross:
            price = (price / (1 + Decimal(rate) / 100)).quantize(Decimal("0.00000001"))
        start = first + timedelta(days=draw(st.integers(0, (last - first).days)))
        lines.append(
            line(
                number,
                description=f"x{draw(texts)}",
                heading=draw(st.none() | some),
                quantity=str(draw(st.decimals("0", "300", places=2))),
                price=f"{price:f}",
                percent=draw(st.none() | st.integers(1, 100).map(str)),
                category=category,
                rate=rate,
                period_from=start,
                period_to=draw(st.sampled_from([start, last])),
            )
        )
    kind: Kind = draw(st.sampled_from(["INVOICE", "CREDIT_NOTE"]))
    optional: dict[str, Any] = {
        "notes": draw(st.none() | texts),
        "terms": draw(st.none() | some),
        "footer": draw(st.none() | texts),
        "po_number": draw(st.none() | some),
        "project": draw(st.none() | some),
        "payment": draw(st.sampled_from([None, PAYMENT])),
    }
    made = document(
        *lines,
        kind=kind,
        percent=draw(st.none() | st.integers(1, 60).map(str)),
        period_from=first,
        period_to=last,
        buyer=draw(st.sampled_from([BUYER, ABROAD])),
        **optional,
    )
    if draw(st.booleans()) and kind == "INVOICE":
        paid = round_money(made.total * draw(st.integers(0, 100)) / 100, made.currency)
        made = msgspec.structs.replace(made, paid=paid, due=made.total - paid)
    return made
