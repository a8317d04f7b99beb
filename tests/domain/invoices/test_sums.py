"""The sums of any invoice at all: parts are the whole, the rules of EN 16931 hold, paper and API say the same."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.api.native.invoices import INVOICE, LINE, TAX
from tallystick.db.session import owner_connection
from tallystick.domain import invariants
from tallystick.domain.invoices import draft, papers
from tallystick.domain.invoices import invoice as invoices
from tallystick.domain.invoices.draft import CustomLine
from tallystick.domain.invoices.totals import Discount, Priced, Sums, sums_of
from tallystick.domain.tax_rates import Said
from tallystick.values.document import Document
from tallystick.values.errors import Invalid
from tallystick.values.money import line_total, split
from tallystick.values.tax import NO_TAX, TAX_CATEGORIES, UNTAXED, Treatment, of_rate
from tests.domain.invoices.conftest import Bench

PLACES = {"JPY": 0, "EUR": 2, "USD": 2, "KWD": 3}
RATES = [Decimal(text) for text in ("19", "7", "20", "5.5", "2.1", "25", "0.1", "100", "33.3333")]

currencies = st.sampled_from(sorted(PLACES))
quantities = st.one_of(
    st.sampled_from([Decimal(1), Decimal(3), Decimal("0.25"), Decimal("0.3333")]),
    st.decimals("0.0001", 5_000, places=4),
)
prices = st.one_of(st.sampled_from([Decimal("0.01"), Decimal("9.99"), Decimal(90)]), st.decimals(0, 5_000, places=4))
percents = st.one_of(st.sampled_from([Decimal(0), Decimal(100), Decimal(5)]), st.decimals(0, 100, places=4))
treatments = st.one_of(
    st.sampled_from(RATES).map(of_rate),
    st.decimals("0.0001", 100, places=4).map(of_rate),
    st.sampled_from(sorted(UNTAXED)).map(
        lambda category: NO_TAX if category == "OUTSIDE_SCOPE" else Treatment(category, Decimal(0))
    ),
)


@st.composite
def invoices_of(draw: st.DrawFn) -> tuple[str, list[Priced], Discount | None, bool]:
    """Currency, lines, the discount of the whole, and whether prices have the tax in them."""
    currency = draw(currencies)
    lines: list[Priced] = []
    chosen = draw(st.lists(treatments, min_size=1, max_size=4))
    for _ in range(draw(st.integers(1, 12))):
        line = Priced(draw(quantities), draw(prices), draw(st.sampled_from(chosen)))
        price = line_total(line.quantity, line.rate, currency)
        lines.append(line._replace(discount=draw(st.none() | discounts(price, currency))))
    listed = sum((one.gross_total or one.total for one in _sums(currency, lines, None, True).lines), Decimal(0))
    return currency, lines, draw(st.none() | discounts(listed, currency)), draw(st.booleans())


def discounts(listed: Decimal, currency: str) -> st.SearchStrategy[Discount]:
    return st.one_of(
        percents.map(lambda percent: Discount(percent=percent)),
        st.decimals(0, listed, places=PLACES[currency]).map(lambda amount: Discount(amount=amount)),
    )


def _sums(currency: str, lines: Sequence[Priced], discount: Discount | None, gross: bool) -> Sums:
    return sums_of(lines, currency, usual=NO_TAX, discount=discount, prices_include_tax=gross)


def half_up(exact: Fraction, places: int) -> Decimal:
    """Independent of Decimal: to the minor unit, a half goes up."""
    return Decimal(floor(exact * 10**places + Fraction(1, 2))).scaleb(-places)


def asked_of(discount: Discount | None, listed: Decimal, places: int) -> Decimal:
    if discount is None:
        return Decimal(0)
    if discount.percent is not None:
        return half_up(Fraction(listed) * Fraction(discount.percent) / 100, places)
    return discount.amount or Decimal(0)


@settings(max_examples=1500, deadline=None)
@given(invoices_of())
def test_the_parts_are_the_whole(made: tuple[str, list[Priced], Discount | None, bool]):
    check_sums(made)


@pytest.mark.long
@settings(max_examples=10_000, deadline=None)
@given(invoices_of())
def test_the_parts_are_the_whole_ten_thousand_times(made: tuple[str, list[Priced], Discount | None, bool]):
    check_sums(made)


def check_sums(made: tuple[str, list[Priced], Discount | None, bool]) -> None:
    currency, lines, discount, gross = made
    places = PLACES[currency]
    sums = _sums(currency, lines, discount, gross)
    totals = sums.totals
    listed = Decimal(0)
    for line, one in zip(lines, sums.lines, strict=True):
        price = half_up(Fraction(line.quantity) * Fraction(line.rate), places)
        off = asked_of(line.discount, price, places)
        shown = (one.gross_total, one.gross_discount) if gross else (one.total, one.discount_amount)
        assert shown == (price - off, off)
        assert (one.gross_total is None) == (not gross)
        assert 0 <= one.total <= price - off
        assert 0 <= one.discount_amount <= off
        assert one.discount_percent == (None if line.discount is None else line.discount.percent)
        listed += price - off
    taken_off = asked_of(discount, listed, places)
    assert totals.subtotal == sum(one.total for one in sums.lines) == sum(one.subtotal for one in sums.taxes)
    assert totals.discount_amount == sum(one.discount for one in sums.taxes)
    assert totals.tax_amount == sum(one.amount for one in sums.taxes)
    assert totals.total == totals.subtotal - totals.discount_amount + totals.tax_amount
    assert totals.gross_discount == (taken_off if gross else None)
    if gross:
        assert totals.total == listed - taken_off, "to the cent what the gross lines come to"
    else:
        assert totals.subtotal == listed
        assert totals.discount_amount == taken_off
    by_treatment = {(one.treatment.category, one.treatment.rate) for one in lines}
    assert {(one.category, one.rate) for one in sums.taxes} == by_treatment
    assert len(sums.taxes) == len(by_treatment)
    assert totals.tax_rate == (sums.taxes[0].rate if len({rate for _, rate in by_treatment}) == 1 else None)
    assert totals.tax_category == (sums.taxes[0].category if len({c for c, _ in by_treatment}) == 1 else None)
    for tax in sums.taxes:
        rate = Fraction(tax.rate or 0)
        mine = [one for line, one in zip(lines, sums.lines, strict=True) if line.treatment[:2] == tax[:2]]
        assert tax.subtotal == sum(one.total for one in mine)
        assert tax.basis == tax.subtotal - tax.discount >= 0
        if gross:
            whole = Fraction(tax.basis + tax.amount)
            assert tax.amount == half_up(whole * rate / (100 + rate), places)
        else:
            assert tax.amount == half_up(Fraction(tax.basis) * rate / 100, places)
        for number in (tax.subtotal, tax.discount, tax.basis, tax.amount):
            assert number == round(number, places)
    again = _sums(currency, lines, discount, gross)
    assert again == sums, "the same is always summed up the same"


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_split_gives_each_its_share_and_loses_nothing(data: st.DataObject):
    currency = data.draw(currencies)
    places = PLACES[currency]
    weights = data.draw(st.lists(st.decimals(0, 10_000, places=places), max_size=20))
    whole = sum(weights, Decimal(0))
    amount = data.draw(st.decimals(0, whole, places=places))
    parts = split(amount, weights, currency)
    assert sum(parts, Decimal(0)) == (amount if whole else 0)
    unit = Decimal(1).scaleb(-places)
    for part, weight in zip(parts, weights, strict=True):
        assert 0 <= part <= weight
        if whole:
            assert abs(Fraction(part) - Fraction(amount) * Fraction(weight) / Fraction(whole)) < Fraction(unit)
    order = sorted(range(len(weights)), key=lambda place: (weights[place], parts[place]))
    assert [parts[place] for place in order] == sorted(parts), "who weighs more never gets less"


# --- the rules of EN 16931, on the document


def check_rules(document: Document, places: int) -> None:
    """The rules of arithmetic, by their official names."""
    unit = Decimal(1).scaleb(-places)
    lines, taxes, discounts = document.lines, document.taxes, document.discounts
    assert document.subtotal == sum(line.total for line in lines), "BR-CO-10"
    assert document.discount == sum(one.amount for one in discounts), "BR-CO-11"
    assert document.net == document.subtotal - document.discount, "BR-CO-13"
    assert document.tax == sum(one.amount for one in taxes), "BR-CO-14"
    assert document.total == document.net + document.tax, "BR-CO-15"
    assert document.due == document.total - document.paid, "BR-CO-16"
    assert taxes, "BR-CO-18"
    keys = [(one.category, one.rate) for one in taxes]
    assert len(set(keys)) == len(keys)
    for tax in taxes:
        key = (tax.category, tax.rate)
        mine = sum((line.total for line in lines if (line.tax_category, line.tax_rate) == key), Decimal(0))
        off = sum((one.amount for one in discounts if (one.tax_category, one.tax_rate) == key), Decimal(0))
        assert tax.basis == mine - off, "BR-S-08, BR-Z-08, BR-E-08, BR-AE-08, BR-IC-08, BR-G-08, BR-O-08"
        by_rate = half_up(Fraction(tax.basis) * Fraction(tax.rate or 0) / 100, places)
        if document.prices_include_tax:
            assert abs(tax.amount - by_rate) <= unit, "BR-CO-17"
        else:
            assert tax.amount == by_rate, "BR-CO-17"
        if tax.category == "STANDARD":
            assert (tax.rate or 0) > 0, "BR-S-05"
            assert (tax.reason, tax.reason_code) == (None, None), "BR-S-10"
        else:
            assert tax.amount == 0, "BR-Z-09, BR-E-09, BR-AE-09, BR-IC-09, BR-G-09, BR-O-09"
            assert tax.rate == (None if tax.category == "OUTSIDE_SCOPE" else 0)
            assert (tax.reason is None) == (tax.category == "ZERO"), "BR-Z-10, BR-E-10, BR-AE-10, BR-IC-10, BR-G-10"
    for line in lines:
        assert (line.tax_category, line.tax_rate) in keys
        net = line_total(line.quantity, line.price, document.currency) - line.discount_amount
        assert line.total == net, "PEPPOL-EN16931-R120"
        assert line.price >= 0, "BR-27"


@pytest.fixture(scope="module")
def fresh(database) -> Bench:
    from tests.studio import KEY, found_studio

    return Bench(found_studio(database, KEY))


ways = st.sampled_from(["draft", "change", "lines"])


@settings(max_examples=100, deadline=None)
@given(invoices_of(), ways)
def test_rows_paper_and_api_say_the_same(fresh: Bench, made: Any, way: str):
    check_rows(fresh, made, way)


@pytest.mark.long
@settings(max_examples=3_000, deadline=None)
@given(invoices_of(), ways)
def test_rows_paper_and_api_say_the_same_thousands_of_times(fresh: Bench, made: Any, way: str):
    check_rows(fresh, made, way)


def check_rows(fresh: Bench, made: Any, way: str) -> None:
    currency, lines, discount, gross = made
    places = PLACES[currency]
    fresh.client_is(currency=currency)
    custom = [
        CustomLine(
            f"Line {number}", line.quantity, line.rate, discount=line.discount, tax=said(line.treatment),
            heading="Odd" if number % 2 else None,
        )
        for number, line in enumerate(lines)
    ]  # fmt: skip
    with fresh.studio.context("manager") as ctx:
        if way == "draft":
            one = draft.draft(ctx, client_id=fresh.client, project_ids=[], lines=custom, discount=discount,
                              prices_include_tax=gross)  # fmt: skip
        else:  # by whatever way it came there, it says the same
            first = CustomLine("First", Decimal(1), Decimal(1_000_000))
            one = draft.draft(ctx, client_id=fresh.client, project_ids=[], lines=[first], discount=None,
                              prices_include_tax=not gross)  # fmt: skip
            facts: dict[str, Any] = {"discount": discount, "prices_include_tax": gross}
            if way == "change":
                one = draft.change(ctx, one.invoice.id, lines=custom, **facts)
            else:
                draft.change(ctx, one.invoice.id, lines=custom)
                one = draft.change(ctx, one.invoice.id, **facts)
        sums = _sums(currency, lines, discount, gross)
        assert [draft.sums_on(line) for line in one.lines] == sums.lines
        assert {name: getattr(one.invoice, name) for name in sums.totals._fields} == sums.totals._asdict()
        stored = invoices.read(ctx, one.invoice.id)
        rows, taxes = invoices.lines(ctx, stored.id), invoices.taxes(ctx, stored.id)
        assert [draft.sums_on(line) for line in rows] == sums.lines
        assert [(tax.category, tax.rate, tax.subtotal, tax.discount, tax.basis, tax.amount) for tax in taxes] == [
            (*tax[:2], *tax[3:]) for tax in sums.taxes
        ]
        paper = papers.of_invoice(ctx, stored.id)
        check_rules(paper, places)
        shown = INVOICE.one(ctx.actor, stored)
        for name, value in (
            ("subtotal", paper.subtotal), ("discount_amount", paper.discount), ("tax_amount", paper.tax),
            ("total", paper.total),
        ):  # fmt: skip
            assert Decimal(getattr(shown, name)) == value
        for row, line in zip(rows, paper.lines, strict=True):
            said_line = LINE.one(ctx.actor, row)
            assert Decimal(said_line.total) == line.total  # type: ignore[attr-defined]
            assert said_line.heading == line.heading  # type: ignore[attr-defined]
            assert said_line.gross_total is None or Decimal(said_line.gross_total) == line.gross_total  # type: ignore[attr-defined]
        for row, tax in zip(taxes, paper.taxes, strict=True):
            said_tax = TAX.one(ctx.actor, row)
            assert (Decimal(said_tax.basis), Decimal(said_tax.amount)) == (tax.basis, tax.amount)  # type: ignore[attr-defined]
        assert paper.draft
        copy = draft.duplicate(ctx, stored.id).invoice
        assert {name: getattr(copy, name) for name in sums.totals._fields} == sums.totals._asdict()
        check_rules(papers.of_invoice(ctx, copy.id), places)


def said(treatment: Treatment) -> Said:
    if treatment.category == "STANDARD":
        return Said(tax_rate=treatment.rate)
    return Said(tax_category=treatment.category)


def test_the_doctor_finds_nothing_against_them(fresh: Bench, database_url: str):
    """What the two tests above left behind; the doctor's rules are written in SQL, apart from the code."""
    with owner_connection(database_url) as connection:
        findings = invariants.check(connection, now=fresh.studio.clock(), workspace_id=fresh.studio.workspace_id)
    assert [one for one in findings if not one.holds] == []


def test_a_line_cannot_be_less_than_nothing():
    one = Priced(Decimal(1), Decimal(10), NO_TAX)
    for discount in (Discount(amount=Decimal("10.01")), Discount(percent=Decimal(101)), Discount(amount=Decimal(-1))):
        with pytest.raises(Invalid) as refused:
            _sums("EUR", [one._replace(discount=discount)], None, False)
        assert "lines" in refused.value.fields
        with pytest.raises(Invalid) as refused:
            _sums("EUR", [one], discount, False)
        assert "discount" in refused.value.fields


def test_every_category_has_its_place():
    lines = [
        Priced(Decimal(1), Decimal(10), Treatment(category, rate))
        for category, rate in itertools.product(TAX_CATEGORIES, [Decimal(7), Decimal(0), None])
        if (category == "STANDARD") == bool(rate) and (category == "OUTSIDE_SCOPE") == (rate is None)
    ]
    taxes = _sums("EUR", list(reversed(lines)), None, False).taxes
    assert [one.category for one in taxes] == list(TAX_CATEGORIES)
