"""Documents as a studio would send them, and as nobody would: for whoever renders, checks or sends one."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tallystick.values.document import Address, Discount, Document, Line, Look, Party, Payment, Tax, TimesheetRow
from tallystick.values.money import line_total, percent_of
from tallystick.values.tax import TaxCategory

D = Decimal
D0 = Decimal(0)

LOGO = b"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 220 48">
<path fill="#1f6f5c" d="M4 6h8v36H4zM18 6h8v36h-8zM32 6h8v36h-8z"/><path fill="#e2b714" d="M0 30 44 14v6L0 36z"/>
<path fill="#22302c" d="M62 38V10h5l14 19V10h5v28h-5L67 19v19zM108 39a11 11 0 1 1 0-22 11 11 0 0 1 0 22m0-4.500a6.500\
 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13M126 38V17h4.600v3c1.600-2.400 4-3.500 7-3.400v4.800c-4-.4-6.800 1.600-6.800\
 5.600v11zM145 31V10h4.800v7h6v4h-6v9.500c0 2.500 1 3.600 3.300 3.600h2.700V38h-3.600c-4.800 0-7.200-2.400-7.200-7M163\
 38V8h4.800v11.500c1.500-2 3.600-3 6.300-3 4.700 0 7.700 3.200 7.700 8.300V38H177V25.500c0-3-1.600-4.800-4.300-4.800-3\
 0-4.900 2-4.900 5.200V38z"/></svg>"""
"""Three notched sticks and a word, as SVG."""


def png(width: int, height: int) -> bytes:
    """A plain square of colour, as a PNG."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + b"\x1f\x6f\x5c" * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


DOT = png(10, 10)
"""Ten by ten pixels, as PNG."""

STUDIO = Party(
    name="Studio Nord GmbH",
    trade_name="Studio Nord",
    address=Address(line1="Oranienstraße 25", city="Berlin", postal_code="10999", country="Germany", country_code="DE"),
    vat_id="DE136695976",
    registration="HRB 86786, Amtsgericht Charlottenburg",
    contact_name="Ada Lindgren",
    phone="+49 30 901820",
    email="hello@studionord.example",
    website="studionord.example",
    endpoint_scheme="EM",
    endpoint="hello@studionord.example",
)

GLOBEX = Party(
    name="Globex Handels AG",
    address=Address(
        line1="Marktplatz 3",
        line2="Aufgang B",
        city="Hamburg",
        postal_code="20095",
        country="Germany",
        country_code="DE",
    ),
    vat_id="DE129273398",
    contact_name="Jonas Weber",
    email="rechnung@globex.example",
    endpoint_scheme="EM",
    endpoint="rechnung@globex.example",
)

BANK = Payment(
    iban="DE89370400440532013000",
    bic="COBADEFFXXX",
    bank="Commerzbank Berlin",
    account_holder="Studio Nord GmbH",
    reference="2026-0042",
)


def line(
    number: int,
    description: str,
    quantity: str,
    price: str,
    *,
    unit: str = "h",
    rate: str | None = "19",
    category: TaxCategory = "STANDARD",
    currency: str = "EUR",
    **more: Any,
) -> Line:
    """One line, with its total."""
    codes = {"h": "HUR", "each": "C62", "fixed fee": "LS"}
    discount = D(0)
    whole = line_total(D(quantity), D(price), currency)
    percent = more.get("discount_percent")
    if percent is not None:
        discount = percent_of(whole, percent, currency)
    return Line(
        number=number,
        id=f"line-{number}",
        description=description,
        quantity=D(quantity),
        unit=unit,
        unit_code=codes.get(unit, "C62"),
        price=D(price),
        total=whole - discount,
        discount_amount=discount,
        tax_category=category,
        tax_rate=None if rate is None else D(rate),
        **more,
    )


def totalled(
    lines: Sequence[Line],
    *,
    currency: str = "EUR",
    discount_percent: Decimal | None = None,
    tax_name: str = "VAT",
    reasons: dict[TaxCategory, str] | None = None,
    paid: Decimal = D0,
) -> dict[str, Any]:
    """The sums of lines, as EN 16931 wants them: the tax by category and rate, on the document."""
    subtotal = sum((one.total for one in lines), D(0))
    groups: dict[tuple[TaxCategory, Decimal | None], Decimal] = {}
    for one in lines:
        key = (one.tax_category, one.tax_rate)
        groups[key] = groups.get(key, D(0)) + one.total
    discounts: list[Discount] = []
    taxes: list[Tax] = []
    for (category, rate), basis in groups.items():
        off = D(0) if discount_percent is None else percent_of(basis, discount_percent, currency)
        if off:
            discounts.append(
                Discount(amount=off, percent=discount_percent, tax_category=category, tax_rate=rate, reason="Discount")
            )
        amount = D(0) if rate is None else percent_of(basis - off, rate, currency)
        taxes.append(
            Tax(
                category=category,
                rate=rate,
                name=tax_name,
                basis=basis - off,
                amount=amount,
                reason=(reasons or {}).get(category),
            )
        )
    discount = sum((one.amount for one in discounts), D(0))
    tax = sum((one.amount for one in taxes), D(0))
    net = subtotal - discount
    return {
        "lines": lines,
        "currency": currency,
        "discounts": discounts,
        "taxes": taxes,
        "subtotal": subtotal,
        "discount": discount,
        "net": net,
        "tax": tax,
        "total": net + tax,
        "paid": paid,
        "due": net + tax - paid,
    }


WORK = (
    line(1, "Concept and wireframes for the new shop", "14.5", "95.00", heading="Website relaunch"),
    line(2, "Visual design, two rounds of changes", "22.25", "95.00", heading="Website relaunch"),
    line(3, "Front-end development", "31", "95.00", heading="Website relaunch"),
    line(4, "Monthly care: updates, backups, small fixes", "1", "240.00", unit="fixed fee", heading="Maintenance"),
    line(5, "Train Berlin–Hamburg, 12 June", "1", "87.40", unit="each", heading="Expenses"),
)


def invoice(**changes: Any) -> Document:
    """An ordinary one: hours, a fixed fee, an expense; in English, to a client in Hamburg."""
    facts: dict[str, Any] = {
        "id": "0197a3f0-0000-7000-8000-000000000042",
        "number": "2026-0042",
        "issue_date": date(2026, 6, 30),
        "due_date": date(2026, 7, 14),
        "period_from": date(2026, 6, 1),
        "period_to": date(2026, 6, 30),
        "seller": STUDIO,
        "buyer": GLOBEX,
        "project": "Website relaunch",
        "po_number": "PO-7731",
        "notes": "Thank you for the good work together. The hours of each day are on the timesheet that comes along.",
        "terms": "Payable within 14 days without deduction.",
        "footer": "Studio Nord GmbH · Amtsgericht Charlottenburg, HRB 86786 · Managing director: Ada Lindgren",
        "payment": BANK,
        "look": Look(color="#1f6f5c", logo=LOGO),
        **totalled(WORK),
    }
    return Document(**{**facts, **changes})


def in_language(language: str, **changes: Any) -> Document:
    """The ordinary one, in another language; where it is usual with another currency and other prices."""
    if language == "ja":
        return japanese(**changes)
    if language == "ar":
        return arabic(**changes)
    lines = TRANSLATED.get(language, WORK)
    texts = {"notes": NOTES[language], "terms": None} if language in NOTES else {}
    names = {"de": "USt.", "fr": "TVA", "es": "IVA", "it": "IVA", "nl": "btw", "pt": "IVA", "pl": "VAT"}
    more = totalled(lines, tax_name=names.get(language, "VAT"))
    return invoice(**{**more, **texts, "look": Look(color="#1f6f5c", logo=LOGO, language=language), **changes})


def _told(heading: str, *texts: str) -> tuple[Line, ...]:
    return (
        line(1, texts[0], "14.5", "95.00", heading=heading),
        line(2, texts[1], "22.25", "95.00", heading=heading, discount_percent=D(10)),
        line(3, texts[2], "1", "240.00", unit="fixed fee"),
    )


TRANSLATED: dict[str, tuple[Line, ...]] = {
    "de": _told(
        "Neuer Webauftritt", "Konzept und Seitenaufbau", "Gestaltung, zwei Korrekturrunden", "Monatliche Pflege"
    ),
    "fr": _told("Refonte du site", "Conception et maquettes", "Création graphique, deux allers-retours", "Maintenance"),
    "es": _told(
        "Nuevo sitio web", "Concepto y bocetos", "Diseño visual, dos rondas de cambios", "Mantenimiento mensual"
    ),
    "it": _told("Nuovo sito", "Progetto e bozzetti", "Grafica, due giri di correzioni", "Manutenzione mensile"),
    "nl": _told("Nieuwe website", "Concept en schetsen", "Vormgeving, twee correctierondes", "Maandelijks onderhoud"),
    "pt": _told("Novo site", "Conceito e esboços", "Design visual, duas rondas de alterações", "Manutenção mensal"),
    "pl": _told("Nowa strona", "Koncepcja i makiety", "Projekt graficzny, dwie rundy poprawek", "Miesięczna opieka"),
}
NOTES = {
    "de": "Vielen Dank für die gute Zusammenarbeit. Die Stunden jedes Tages stehen auf dem Stundennachweis.",
    "fr": "Merci pour cette belle collaboration. Le détail des heures figure sur le relevé joint.",
    "es": "Gracias por la colaboración. Las horas de cada día figuran en la hoja adjunta.",
    "it": "Grazie per la bella collaborazione. Le ore di ogni giorno sono nel rapporto allegato.",
    "nl": "Dank voor de prettige samenwerking. De uren per dag staan op de bijgevoegde urenstaat.",
    "pt": "Obrigado pela colaboração. As horas de cada dia estão na folha em anexo.",
    "pl": "Dziękujemy za współpracę. Godziny z każdego dnia są w załączonym zestawieniu.",
}


def japanese(**changes: Any) -> Document:
    """In yen, which have no decimals."""
    seller = Party(
        name="北村デザイン株式会社",
        address=Address(
            line1="神南1-19-11",
            city="渋谷区",
            region="東京都",
            postal_code="150-0041",
            country="日本",
            country_code="JP",
        ),
        vat_id="T1234567890123",
        email="info@kitamura.example",
    )
    buyer = Party(
        name="株式会社グローベックス 御中",
        address=Address(
            line1="梅田3-1-3",
            city="大阪市北区",
            region="大阪府",
            postal_code="530-0001",
            country="日本",
            country_code="JP",
        ),
    )
    lines = (
        line(1, "ウェブサイト設計", "14.5", "12000", rate="10", heading="ウェブサイト刷新", currency="JPY"),
        line(
            2,
            "ビジュアルデザイン（修正2回を含む）",
            "22.25",
            "12000",
            rate="10",
            heading="ウェブサイト刷新",
            currency="JPY",
        ),
        line(3, "交通費（新大阪）", "1", "13870", unit="each", rate="10", heading="経費", currency="JPY"),
    )
    facts: dict[str, Any] = {
        "seller": seller,
        "buyer": buyer,
        "payment": Payment(reference="2026-0042", instructions="みずほ銀行 渋谷支店 普通 1234567"),
        "notes": "いつもお世話になっております。",
        "terms": None,
        "footer": None,
        "project": "ウェブサイト刷新",
        "look": Look(color="#b0413e", language="ja"),
        **totalled(lines, currency="JPY", tax_name="消費税"),
    }
    return invoice(**{**facts, **changes})


def arabic(**changes: Any) -> Document:
    """From right to left, in dinars with three decimals."""
    seller = Party(
        name="استوديو الشمال",
        address=Address(
            line1="شارع الخليج العربي 12", city="مدينة الكويت", postal_code="13001", country="الكويت", country_code="KW"
        ),
        email="hello@north.example",
    )
    buyer = Party(
        name="شركة جلوبكس التجارية (Globex)",
        address=Address(
            line1="شارع الملك فهد 7", city="الرياض", postal_code="11564", country="السعودية", country_code="SA"
        ),
        vat_id="300123456700003",
    )
    lines = (
        line(1, "تصميم الموقع الجديد", "14.5", "25.500", rate="5", heading="تجديد الموقع", currency="KWD"),
        line(
            2, "برمجة الواجهة (React, TypeScript)", "31.25", "25.500", rate="5", heading="تجديد الموقع", currency="KWD"
        ),
        line(3, "صيانة شهرية", "1", "75.250", unit="fixed fee", rate="5", currency="KWD"),
    )
    facts: dict[str, Any] = {
        "seller": seller,
        "buyer": buyer,
        "payment": Payment(iban="KW81CBKU0000000000001234560101", bank="البنك التجاري", reference="2026-0042"),
        "notes": "شكرًا لتعاونكم معنا.",
        "terms": None,
        "footer": None,
        "project": "تجديد الموقع",
        "look": Look(color="#0f5e7a", language="ar"),
        **totalled(lines, currency="KWD", tax_name="ضريبة القيمة المضافة"),
    }
    return invoice(**{**facts, **changes})


def swiss(**changes: Any) -> Document:
    """In francs, to an account in Zurich."""
    seller = Party(
        name="Atelier Limmat GmbH",
        address=Address(line1="Limmatquai 80", city="Zürich", postal_code="8001", country="Schweiz", country_code="CH"),
        vat_id="CHE123456788MWST",
        email="post@limmat.example",
    )
    buyer = Party(
        name="Alpenverlag AG",
        address=Address(line1="Bundesgasse 12", city="Bern", postal_code="3011", country="Schweiz", country_code="CH"),
    )
    lines = (
        line(1, "Gestaltung des Jahresberichts", "46.75", "140.00", rate="8.1", currency="CHF"),
        line(2, "Bildrechte", "3", "85.50", unit="each", rate="8.1", currency="CHF"),
    )
    facts: dict[str, Any] = {
        "seller": seller,
        "buyer": buyer,
        "payment": Payment(
            iban="CH9300762011623852957",
            bank="Zürcher Kantonalbank",
            account_holder="Atelier Limmat GmbH",
            reference="2026-0042",
        ),
        "project": "Jahresbericht",
        "notes": None,
        "terms": "Zahlbar innert 14 Tagen.",
        "footer": None,
        "look": Look(color="#c8102e", language="de"),
        **totalled(lines, currency="CHF", tax_name="MWST"),
    }
    return invoice(**{**facts, **changes})


def american(**changes: Any) -> Document:
    """On Letter, with sales tax on a part, an order number and a fixed discount."""
    seller = Party(
        name="North & Co. LLC",
        address=Address(
            line1="548 Market St",
            line2="Suite 600",
            city="San Francisco",
            region="CA",
            postal_code="94104",
            country="United States",
            country_code="US",
        ),
        tax_number="12-3456789",
        email="billing@north.example",
        phone="+1 415 555 0142",
    )
    buyer = Party(
        name="Initech, Inc.",
        address=Address(
            line1="4120 Freidrich Ln",
            city="Austin",
            region="TX",
            postal_code="78744",
            country="United States",
            country_code="US",
        ),
        contact_name="Accounts Payable",
    )
    lines = (
        line(
            1,
            "Product strategy workshop",
            "2",
            "3200.00",
            unit="days",
            rate=None,
            category="OUTSIDE_SCOPE",
            currency="USD",
        ),
        line(2, "Software licences", "12", "49.99", unit="each", rate="8.625", currency="USD"),
    )
    facts: dict[str, Any] = {
        "seller": seller,
        "buyer": buyer,
        "payment": Payment(
            reference="INV-1042",
            instructions="Wire: First Bay Bank, routing 121140399, account 3301234567\nOr mail a check to us.",
        ),
        "number": "INV-1042",
        "terms": "Net 14. Late payments bear interest at 1% per month.",
        "look": Look(color="#2b4c9b", paper="LETTER"),
        **totalled(lines, currency="USD", tax_name="Sales tax", discount_percent=D(5), paid=D("1000.00")),
    }
    return invoice(**{**facts, **changes})


def mixed(**changes: Any) -> Document:
    """Several rates and categories on one invoice, with a discount on all of it."""
    lines = (
        line(1, "Design of the catalogue", "20", "95.00"),
        line(2, "Printed catalogues", "250", "3.4550", unit="each", rate="7"),
        line(3, "Author's royalties", "1", "500.00", unit="fixed fee", rate="0", category="EXEMPT"),
        line(4, "Workshop in Vienna", "6", "110.00", rate="0", category="REVERSE_CHARGE", discount_percent=D("12.5")),
    )
    reasons: dict[TaxCategory, str] = {
        "EXEMPT": "Exempt under § 4 no. 20 UStG.",
        "REVERSE_CHARGE": "Reverse charge: the recipient is liable for the tax (Article 196, Directive 2006/112/EC).",
    }
    return invoice(**{**totalled(lines, discount_percent=D(3), reasons=reasons), "project": None, **changes})


def reverse_charge(**changes: Any) -> Document:
    """To a business in another country of the union: no tax, and why."""
    buyer = Party(
        name="Maison Fabre SARL",
        address=Address(
            line1="14 rue des Lilas", city="Lyon", postal_code="69003", country="France", country_code="FR"
        ),
        vat_id="FR40303265045",
        email="compta@fabre.example",
    )
    lines = (line(1, "Illustrations for the spring campaign", "18", "90.00", rate="0", category="REVERSE_CHARGE"),)
    reasons: dict[TaxCategory, str] = {"REVERSE_CHARGE": "Reverse charge: the recipient is liable for the tax."}
    return invoice(**{"buyer": buyer, "project": None, **totalled(lines, reasons=reasons), **changes})


def gross(**changes: Any) -> Document:
    """Prices that include the tax."""
    lines = (
        line(1, "Portrait session", "1", "126.0504", unit="each", gross_price=D("150.00"), gross_total=D("150.00")),
        line(2, "Prints", "3", "21.0084", unit="each", gross_price=D("25.00"), gross_total=D("75.00")),
    )
    return invoice(**{**totalled(lines), "prices_include_tax": True, "project": None, **changes})


def credit_note(**changes: Any) -> Document:
    """For a part of the ordinary invoice."""
    lines = (line(1, "Front-end development: hours charged twice", "4", "95.00"),)
    facts: dict[str, Any] = {
        "kind": "CREDIT_NOTE",
        "number": "CN-2026-0003",
        "preceding_number": "2026-0042",
        "preceding_date": date(2026, 6, 30),
        "reason": "Four hours were on the invoice twice.",
        "due_date": None,
        "payment": None,
        "terms": None,
        "notes": None,
        "issue_date": date(2026, 7, 6),
        **totalled(lines),
    }
    return invoice(**{**facts, **changes})


def draft(**changes: Any) -> Document:
    """Not issued yet."""
    return invoice(**{"draft": True, "number": "DRAFT-1A2B3C4D", **changes})


def of_many_lines(count: int, **changes: Any) -> Document:
    """An invoice of so many days."""
    day = date(2026, 1, 1)
    lines = [
        line(
            n + 1,
            f"{day + timedelta(days=n):%d %b}: {_TASKS[n % len(_TASKS)]}",
            str(D(15 + n * 7 % 120) / 20),
            "95.00",
            heading=f"Month {n // 20 + 1}",
        )
        for n in range(count)
    ]
    return invoice(**{**totalled(lines), **changes})


_TASKS = (
    "Interviews with four users of the shop, notes and summary",
    "Checkout: address form, validation, error texts",
    "Review with the client",
    "Performance of the product list; images in modern formats with fallbacks for old browsers",
    "Accessibility: keyboard, focus order, contrast",
)


def empty(**changes: Any) -> Document:
    """No lines, and nothing to pay."""
    return invoice(**{**totalled(()), "notes": None, "terms": None, **changes})


def free(**changes: Any) -> Document:
    """A line that costs nothing."""
    return invoice(**{**totalled((line(1, "Goodwill: repair of the contact form", "2.5", "0.00"),)), **changes})


def enormous(**changes: Any) -> Document:
    """Amounts of fifteen digits, with three decimals."""
    lines = (
        line(1, "Construction of a harbour", "999999.9999", "987654.3210", currency="KWD"),
        line(2, "Dredging", "123456.7891", "55555.5555", currency="KWD"),
    )
    return invoice(**{**totalled(lines, currency="KWD"), **changes})


HOSTILE_TEXTS = (
    '#import "/etc/passwd": *',
    '#read("/etc/passwd")',
    '#image("/etc/hostname")',
    '#import "@preview/cetz:0.3.0"',
    "$ integral_0^1 x dif x $ and $100",
    "*bold* _emph_ `code` ```raw``` <label> @ref = Heading",
    "= Not a heading\n- not a list\n+ nor this\n/ term: none",
    "\\ back\\slash \\u{1F600} // comment /* none */",
    "#{ while true {} }",
    "#sys.inputs.data ]) #panic() (( [[ {{ }} ]] ))",
    "{{ 7 * 7 }} {% include 'x' %} ${jndi:ldap://x} <img src=file:///etc/passwd onerror=alert(1)>",
    "<script>alert(1)</script> &amp; &#x41; %00 ../../../etc/passwd",
    "{amount} {day} {number} {0} {} %s %(name)s",
    "=cmd|'/C calc'!A0",
    "Ünïcödé ﬁ ﬂ ß ẞ İ ı ǅ ½ № ™ … — “”",
    "שלום עולם – فاتورة – 請求書 – 안녕 – สวัสดี – हिन्दी – 😀🚀👨‍👩‍👧",
    "a\u202eevil\u202c \u2066x\u2069 \ufeff \u0007 \u0000 \ue000 \ud800 \U000e0041 \u200b",
    "e" + "\u0301" * 60 + " zalgo",
    "x" * 400,
    "https://example.com/" + "very/long/path/" * 20,
    "\n\n\n  \t lines \r\n and \r returns \u2028 too",
)


def hostile(text: str, **changes: Any) -> Document:
    """One text in every place where a person may write."""
    address = Address(line1=text, line2=text, city=text, postal_code=text, region=text, country=text)
    party = dict.fromkeys(
        ("name", "vat_id", "tax_number", "registration", "contact_name", "phone", "email", "website"), text
    )
    lines = (
        line(1, text, "1", "10.00", unit=text[:40], heading=text),
        line(2, text, "1", "20.00", heading=text + " 2"),
    )
    facts: dict[str, Any] = {
        "number": text,
        "seller": Party(address=address, **party),
        "buyer": Party(address=Address(text=f"{text}\n{text}"), **party),
        "buyer_reference": text,
        "po_number": text,
        "project": text,
        "notes": text,
        "terms": text,
        "footer": text,
        "payment": Payment(
            iban="DE89370400440532013000", bic=text, bank=text, account_holder=text, reference=text, instructions=text
        ),
        **totalled(lines, tax_name=text, reasons={"STANDARD": text}),
    }
    return invoice(**{**facts, **changes})


def timesheet_rows(count: int = 24, people: Sequence[str] = ("Ada Lindgren", "Noor Haddad")) -> list[TimesheetRow]:
    """Entries behind an invoice."""
    return [
        TimesheetRow(
            entry_date=date(2026, 6, 1) + timedelta(days=n // 2),
            project="Website relaunch" if n % 5 else "Maintenance",
            task=("Design", "Front end", None)[n % 3],
            note=None if n % 7 == 0 else _TASKS[n % len(_TASKS)],
            person=people[n % len(people)],
            seconds=900 * (1 + n * 5 % 17),
        )
        for n in range(count)
    ]
