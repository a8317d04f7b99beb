"""A document on paper: its facts as the words and figures that the template sets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final, TypeVar

from msgspec import structs

from tallystick.documents import codes, pictures, words
from tallystick.documents.figures import Figures, figures, locale_of
from tallystick.documents.words import Words
from tallystick.values.document import Address, Document, Line, Party, Payment, Tax
from tallystick.values.look import LAYOUTS

PAPERS: Final = {"A4": "a4", "LETTER": "us-letter"}
Said = TypeVar("Said", str, str | None)
MOST_TAXES: Final = 8
"""Rates in the sum; where there are more, they get a table of their own."""
SHORT_FOOTER: Final = 240
CHUNK: Final = 8
"""Rows of text that stay together in one line of the table; a longer description may go on overleaf."""
ROW: Final = 60
"""Letters in such a row, about."""
POSTCODE_LAST: Final = frozenset({"US", "CA", "AU", "GB", "IE", "NZ", "IN", "ZA"})


class Sheet:
    """What documents of one kind of look share: language, figures, colours."""

    def __init__(self, document: Document) -> None:
        look = document.look
        self.document = document
        self.language = language_of(look.language)
        self.words: Words = words.ALL[self.language]
        locale = look.locale or locale_of(
            self.language, document.buyer.address.country_code, document.seller.address.country_code
        )
        self.figures: Figures = figures(locale)

    def data(self) -> dict[str, Any]:
        """What every template needs."""
        document, look = self.document, self.document.look
        return {
            "language": self.language,
            "rtl": self.language == "ar",
            "paper": PAPERS.get(look.paper, "a4"),
            "layout": look.layout if look.layout in LAYOUTS else LAYOUTS[0],
            "brand": colors(look.color),
            "logo": self._logo(),
            "draft": {"word": self.words.draft} if document.draft else None,
            "seller": {"name": document.seller.name, "label": self.words.bill_from, "lines": self.seller_lines()},
            "footer": self._footer(),
            "page": self.words.page,
        }

    def own(self, text: str) -> str:
        """A text among ours, which keeps its own direction: an invoice number between Arabic words is not turned."""
        return f"\u2068{text}\u2069" if self.language == "ar" and text else text

    def money(self, value: Decimal) -> str:
        return self.figures.money(value, self.document.currency)

    def amount(self, value: Decimal) -> str:
        return self.figures.amount(value, self.document.currency)

    def seller_lines(self) -> list[str]:
        """Below the seller's name: where they are, and how to reach them."""
        document = self.document
        seller = document.seller
        lines = address_lines(seller.address, home=document.buyer.address.country_code)
        lines += [one for one in (seller.email, seller.phone) if one]
        return [*map(self.own, lines), *self.tax_ids(seller)]

    def tax_ids(self, party: Party) -> list[str]:
        """The numbers by which a party pays taxes, with what they are called."""
        vat = "MWST-Nr." if self.language == "de" and (party.vat_id or "").startswith("CHE") else self.words.vat_id
        known = ((vat, party.vat_id), (self.words.tax_number, party.tax_number))
        return [f"{label} {self.own(value)}" for label, value in known if value]

    def _logo(self) -> dict[str, Any] | None:
        logo = self.document.look.logo
        picture = None if logo is None else pictures.picture(logo)
        if picture is None:
            return None
        return {
            "svg": picture.svg,
            "ratio": picture.width / picture.height,
            "alt": self.words.logo.format(name=self.document.seller.name),
        }

    def _footer(self) -> str:
        footer = self.document.footer
        if footer and is_short(footer):
            return footer
        seller = self.document.seller
        known = (
            seller.name,
            seller.registration and f"{self.words.registration} {seller.registration}",
            seller.website,
            seller.email,
        )
        return " · ".join(self.own(one) for one in known if one)


def data_of(document: Document) -> dict[str, Any]:
    """The document, in the words of `templates/document.typ`."""
    document = in_one_row(document)
    sheet = Sheet(document)
    said = sheet.words
    credit = document.kind == "CREDIT_NOTE"
    word = said.credit_note if credit else said.invoice
    payable = sheet.money(document.total if credit else document.due)
    mixed = len({(line.tax_category, line.tax_rate) for line in document.lines}) > 1
    taxes = _shown_taxes(document)
    crowded = len(taxes) > MOST_TAXES
    rows = _rows(sheet)
    sender = address_lines(document.seller.address, home=document.seller.address.country_code)[:3]
    return {
        **sheet.data(),
        "title": f"{word} {sheet.own(document.number)}",
        "heading": {"word": word, "number": document.number},
        "sender": " · ".join(sheet.own(one) for one in (document.seller.name, *sender)),
        "buyer": {"label": said.bill_to, "name": document.buyer.name, "lines": _buyer_lines(sheet, document.buyer)},
        "meta": _meta(sheet),
        "headline": {"label": said.total_credit if credit else said.due, "value": payable},
        "intro": said.draft_note if document.draft else "",
        "columns": {
            "description": said.description,
            "quantity": said.quantity,
            "price": said.price,
            "tax": said.tax,
            "amount": said.amount,
            "under": said.gross if document.prices_include_tax else "",
            "with-tax": mixed,
        },
        "rows": kept_together(_with_headings(document.lines, rows)),
        "totals": _totals(sheet, taxes, crowded=crowded),
        "taxes": [
            {"label": _tax_label(sheet, tax), "basis": sheet.money(tax.basis), "amount": sheet.money(tax.amount)}
            for tax in (taxes if crowded else ())
        ],
        "words": {"tax-rates": said.tax_rates, "tax": said.tax, "basis": said.basis, "tax-amount": said.amount},
        "reasons": list(dict.fromkeys(tax.reason for tax in document.taxes if tax.reason)),
        "payment": None if credit or document.payment is None else _payment(sheet, document.payment),
        "sections": [
            {"title": title, "text": text}
            for title, text in (
                (said.notes, document.notes),
                (said.terms, document.terms),
                (document.seller.name, None if is_short(document.footer or "") else document.footer),
            )
            if text
        ],
    }


def on_screen(document: Document) -> dict[str, Any]:
    """The same for a page, to the letter: each line whole, with its heading; every tax in the sum."""
    document = in_one_row(document)
    sheet = Sheet(document)
    lines = [{**row, "heading": line.heading} for line, row in zip(document.lines, _rows(sheet), strict=True)]
    totals = _totals(sheet, _shown_taxes(document), crowded=False)
    return {**data_of(document), "lines": lines, "totals": totals, "words": sheet.words, "money": sheet.money}


def in_one_row(document: Document) -> Document:
    """The document with names, numbers and parts of addresses in one row each, whatever was typed."""
    return structs.replace(
        document,
        number=_flat(document.number),
        seller=_flat_party(document.seller),
        buyer=_flat_party(document.buyer),
        buyer_reference=_flat(document.buyer_reference),
        po_number=_flat(document.po_number),
        project=_flat(document.project),
        preceding_number=_flat(document.preceding_number),
        reason=_flat(document.reason),
    )


def language_of(tag: str) -> str:
    """The language of ours that a BCP 47 tag means; English where we do not speak it."""
    language = tag.replace("_", "-").partition("-")[0].lower()
    return language if language in words.ALL else "en"


def is_short(text: str) -> bool:
    """Whether it fits below each page."""
    return len(text) <= SHORT_FOOTER and text.count("\n") < 3


def address_lines(address: Address, *, home: str | None = None) -> list[str]:
    """An address as its country writes it; the country itself only where it is not `home`."""
    if not any((address.line1, address.line2, address.city, address.postal_code)):
        return [line.strip() for line in (address.text or "").splitlines() if line.strip()][:8]
    code, town = address.postal_code, address.city
    if address.country_code == "JP":
        place = "".join(one for one in (address.region, town, address.line1) if one)
        abroad = None if home == "JP" else address.country
        return [one for one in (code and f"〒{code}", place, address.line2, abroad) if one]
    if address.country_code in POSTCODE_LAST:
        place = ", ".join(one for one in (town, " ".join(one for one in (address.region, code) if one)) if one)
        region = None
    else:
        place = " ".join(one for one in (code, town) if one)
        region = address.region
    abroad = None if home is not None and home == address.country_code else address.country
    return [one for one in (address.line1, address.line2, place, region, abroad) if one]


def colors(color: str) -> dict[str, str]:
    """The brand's colour as a ground, what is legible on it, itself as legible letters, and a breath of it."""
    rgb = _rgb(color)
    dark = rgb
    while _contrast(dark, (255, 255, 255)) < 4.5:
        dark = tuple(int(part * 0.92) for part in dark)
    white = _contrast(rgb, (255, 255, 255)) >= 3.5
    return {
        "fill": _hex(rgb),
        "on": "#ffffff" if white else "#141414",
        "text": _hex(dark),
        "tint": _hex(tuple(round(255 - (255 - part) * 0.09) for part in rgb)),
    }


def kept_together(rows: Iterable[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Rows in groups that no page break parts: a heading and its first line, the last line and the sum."""
    groups: list[list[dict[str, Any]]] = []
    heading = False
    for row in rows:
        if heading:
            groups[-1].append(row)
        else:
            groups.append([row])
        heading = row["kind"] == "heading"
    totals = {"kind": "totals"}
    if groups:
        groups[-1].append(totals)
    else:
        groups.append([totals])
    return groups


def _meta(sheet: Sheet) -> list[dict[str, str]]:
    document, said = sheet.document, sheet.words
    credit = document.kind == "CREDIT_NOTE"
    before = document.preceding_number
    if before and document.preceding_date is not None:
        before = said.of_day.format(number=sheet.own(before), day=sheet.figures.day(document.preceding_date))
    known = (
        (said.credit_note_number if credit else said.invoice_number, document.number),
        (said.issue_date, sheet.figures.day(document.issue_date)),
        (said.due_date, None if document.due_date is None or credit else sheet.figures.day(document.due_date)),
        (said.corrects, before),
        (said.reason, document.reason),
        (said.period, sheet.figures.span(document.period_from, document.period_to)),
        (said.project, document.project),
        (said.order, document.po_number),
        (said.reference, document.buyer_reference),
    )
    return [{"label": label, "value": sheet.own(_folded(value))} for label, value in known if value]


def _buyer_lines(sheet: Sheet, buyer: Party) -> list[str]:
    home = sheet.document.seller.address.country_code
    lines = [one for one in (buyer.contact_name,) if one and one != buyer.name]
    lines += address_lines(buyer.address, home=home)
    return [*map(sheet.own, lines), *sheet.tax_ids(buyer)]


def _price(document: Document, line: Line) -> Decimal:
    if document.prices_include_tax and line.gross_price is not None:
        return line.gross_price
    return line.price


def _rows(sheet: Sheet) -> list[dict[str, Any]]:
    """The lines; quantities of one unit have as many decimals, so that they stand below each other."""
    document = sheet.document
    places: dict[str, int] = {}
    for line in document.lines:
        places[line.unit] = min(2, max(places.get(line.unit, 0), _places(line.quantity)))
    return [_row(sheet, line, places[line.unit]) for line in document.lines]


def _row(sheet: Sheet, line: Line, places: int) -> dict[str, Any]:
    document = sheet.document
    gross = document.prices_include_tax and line.gross_total is not None
    total = line.gross_total if gross and line.gross_total is not None else line.total
    quantity = sheet.figures.number(line.quantity, places)
    unit = sheet.words.units.get(line.unit, _flat(line.unit))
    return {
        "kind": "line",
        "description": line.description,
        "details": _details(sheet, line),
        "quantity": f"{quantity} {unit}".rstrip(),
        "price": sheet.amount(_price(document, line)),
        "tax": "–" if line.tax_rate is None else sheet.figures.percent(line.tax_rate),
        "amount": sheet.amount(total),
        "more": False,
        "open": False,
    }


def _details(sheet: Sheet, line: Line) -> list[str]:
    details: list[str] = []
    whole = (sheet.document.period_from, sheet.document.period_to)
    if (line.period_from, line.period_to) not in ((None, None), whole):
        details.append(sheet.figures.span(line.period_from, line.period_to))
    if line.discount_percent is not None and line.discount_percent:
        what = f"{sheet.figures.percent(line.discount_percent)} (−{sheet.amount(line.discount_amount)})"
        details.append(sheet.words.line_discount.format(what=what))
    elif line.discount_amount:
        details.append(sheet.words.line_discount.format(what=f"−{sheet.amount(line.discount_amount)}"))
    return details


def _with_headings(lines: Sequence[Line], rows: Sequence[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """Each heading once above its lines; a description too long to stay together in rows of its own."""
    above: str | None = None
    for line, row in zip(lines, rows, strict=True):
        if line.heading and line.heading != above:
            yield {"kind": "heading", "text": _flat(line.heading)}
        above = line.heading
        yield from _chunks(row)


def _chunks(row: dict[str, Any]) -> list[dict[str, Any]]:
    parts = _folds(row["description"])
    if len(parts) == 1:
        return [row]
    chunks: list[dict[str, Any]] = [
        {"kind": "line", "description": part, "details": [], "more": True, "open": True} for part in parts
    ]
    chunks[0] = {**row, "details": [], "open": True}
    chunks[0]["description"] = parts[0]
    chunks[-1] |= {"details": row["details"], "open": False}
    return chunks


def _folds(text: str) -> list[str]:
    """The text in parts of a few rows each, cut between words."""
    rows: list[str] = []
    for line in text.split("\n"):
        rows += _rows_of(line)
    if len(rows) <= 2 * CHUNK:
        return [text]
    return ["".join(rows[at : at + CHUNK]).removesuffix("\n") for at in range(0, len(rows), CHUNK)]


def _rows_of(line: str) -> list[str]:
    """A line of text as rows of about `ROW` letters, the last with its line break."""
    rows: list[str] = []
    while len(line) > ROW:
        cut = line.rfind(" ", 1, ROW) + 1 or ROW
        rows.append(line[:cut])
        line = line[cut:]
    return [*rows, line + "\n"]


def _shown_taxes(document: Document) -> list[Tax]:
    return [tax for tax in document.taxes if tax.rate is not None or tax.amount]


def _totals(sheet: Sheet, taxes: Sequence[Tax], *, crowded: bool) -> list[dict[str, str]]:
    document, said = sheet.document, sheet.words
    credit = document.kind == "CREDIT_NOTE"
    rows: list[dict[str, str]] = []

    def row(label: str, value: Decimal, kind: str = "") -> None:
        rows.append({"label": label, "value": sheet.money(value), "kind": kind})

    if document.discount:
        row(said.subtotal, document.subtotal)
        percents = {one.percent for one in document.discounts}
        percent = percents.pop() if len(percents) == 1 else None
        row(said.discount if not percent else f"{said.discount} {sheet.figures.percent(percent)}", -document.discount)
    if taxes:
        row(said.net, document.net)
    if crowded:
        row(said.tax, document.tax)
    else:
        for tax in taxes:
            row(said.tax_on.format(tax=_tax_label(sheet, tax), basis=sheet.own(sheet.money(tax.basis))), tax.amount)
    total = said.total_credit if credit else said.total
    if document.paid:
        row(total, document.total, "total")
        row(said.paid, -document.paid)
        row(said.due, document.due, "payable")
    else:
        row(total, document.total, "payable")
    return rows


def _tax_label(sheet: Sheet, tax: Tax) -> str:
    if not tax.rate and tax.category in sheet.words.untaxed:
        return sheet.words.untaxed[tax.category]
    return tax.name if tax.rate is None else f"{sheet.own(tax.name)} {sheet.figures.percent(tax.rate)}"


def _payment(sheet: Sheet, payment: Payment) -> dict[str, Any] | None:
    document, said = sheet.document, sheet.words
    amount = sheet.own(sheet.money(document.due))
    if document.due <= 0:
        if not document.paid:
            return None
        return {"title": said.payment, "sentence": said.settled, "facts": [], "instructions": "", "code": None}
    if document.due_date is None:
        sentence = said.pay.format(amount=amount)
    else:
        sentence = said.pay_by.format(amount=amount, day=sheet.own(sheet.figures.day(document.due_date)))
    known = (
        (said.holder, payment.iban and _flat(payment.account_holder or document.seller.name)),
        ("IBAN", payment.iban and grouped(payment.iban)),
        ("BIC", _flat(payment.bic)),
        (said.bank, _flat(payment.bank)),
        (said.transfer_reference, _flat(payment.reference)),
    )
    code = None if document.draft else codes.payment_code(document)
    return {
        "title": said.payment,
        "sentence": sentence,
        "facts": [{"label": label, "value": sheet.own(value)} for label, value in known if value],
        "instructions": payment.instructions or "",
        "code": code
        and {
            "svg": code.svg,
            "width": 30 if code.kind == "EPC" else 34,
            "caption": said.scan,
            "alt": said.code.format(amount=amount, name=payment.account_holder or document.seller.name),
        },
    }


def grouped(iban: str) -> str:
    """An IBAN in fours, as it is read out."""
    bare = re.sub(r"\s", "", iban)
    return "\u00a0".join(bare[at : at + 4] for at in range(0, len(bare), 4))


def _flat_party(party: Party) -> Party:
    address = party.address
    names = (name for name in Address.__struct_fields__ if name != "text")
    flat = {name: _flat(getattr(address, name)) for name in names}
    facts = {name: _flat(getattr(party, name)) for name in Party.__struct_fields__ if name != "address"}
    return structs.replace(party, **facts, address=structs.replace(address, **flat))


def _flat(text: Said) -> Said:
    return " ".join(text.split()) if text else text  # type: ignore[return-value]


def _folded(text: str) -> str:
    """A fact in a narrow column, in short rows."""
    rows: list[str] = []
    for line in text.split("\n")[:6]:
        while len(line) > 34:
            cut = line.rfind(" ", 1, 34) + 1 or 34
            rows.append(line[:cut].rstrip())
            line = line[cut:]  # noqa: PLW2901 - what is left of it
        rows.append(line)
    return "\n".join(rows)


def _places(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _rgb(color: str) -> tuple[int, ...]:
    return tuple(int(color[at : at + 2], 16) for at in (1, 3, 5))


def _hex(rgb: tuple[int, ...]) -> str:
    return "#" + "".join(f"{part:02x}" for part in rgb)


def _contrast(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    """WCAG 2."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(rgb: tuple[int, ...]) -> float:
    parts = [part / 255 for part in rgb]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
