"""The arithmetic of an invoice, for any lines, discount, tax and currency."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import floor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.domain.invoices.draft import CustomLine
from tallystick.domain.invoices.totals import LARGEST, Discount, Priced, Totals, sums_of
from tallystick.domain.invoices.work import Picked, Worked, plan
from tallystick.values.duration import RoundingRule, rounded_seconds
from tallystick.values.errors import Invalid
from tallystick.values.money import line_total
from tallystick.values.tax import of_rate
from tests.domain.invoices.conftest import DAY, Bench

CURRENCIES = {"JPY": 0, "EUR": 2, "KWD": 3}
currencies = st.sampled_from(sorted(CURRENCIES))
quantities = st.decimals(0, 1_000_000, places=4)
rates = st.decimals(0, 10_000, places=4)
percents = st.decimals(0, 100, places=4)


def half_up(exact: Fraction, currency: str) -> Decimal:
    """Independent of Decimal: to the minor unit, a half goes up."""
    scale = 10 ** CURRENCIES[currency]
    return Decimal(floor(exact * scale + Fraction(1, 2))).scaleb(-CURRENCIES[currency])


def totals_of(
    work: list[tuple[Decimal, Decimal]], currency: str, *, discount: Discount | None = None,
    tax_rate: Decimal | None = None,
) -> Totals:  # fmt: skip
    """Of lines with one tax."""
    usual = of_rate(tax_rate)
    lines = [Priced(quantity, rate, usual) for quantity, rate in work]
    return sums_of(lines, currency, usual=usual, discount=discount).totals


@given(st.lists(st.tuples(quantities, rates), min_size=1, max_size=20), currencies, percents, percents)
def test_an_invoice_adds_up(work: list[tuple[Decimal, Decimal]], currency: str, off: Decimal, tax_rate: Decimal):
    lines = [line_total(quantity, rate, currency) for quantity, rate in work]
    sums = totals_of(work, currency, discount=Discount(percent=off), tax_rate=tax_rate)
    exact = sum((half_up(Fraction(quantity) * Fraction(rate), currency) for quantity, rate in work), Decimal(0))
    assert sums.subtotal == sum(lines) == exact
    assert sums.discount_amount == half_up(Fraction(sums.subtotal) * Fraction(off) / 100, currency)
    left = sums.subtotal - sums.discount_amount
    assert sums.tax_amount == half_up(Fraction(left) * Fraction(tax_rate) / 100, currency)
    assert sums.total == left + sums.tax_amount >= 0
    assert 0 <= sums.discount_amount <= sums.subtotal


@given(st.lists(quantities, max_size=5), currencies, st.data())
def test_an_amount_up_to_the_subtotal_can_be_taken_off(lines: list[Decimal], currency: str, data: st.DataObject):
    totals = [(line, Decimal(1)) for line in lines]
    subtotal = sum((line_total(*line, currency) for line in totals), Decimal(0))
    off = data.draw(st.decimals(0, subtotal, places=CURRENCIES[currency]))
    sums = totals_of(totals, currency, discount=Discount(amount=off))
    assert (sums.discount_amount, sums.total) == (off, subtotal - off)
    assert sums.tax_amount == 0
    with pytest.raises(Invalid):
        totals_of(totals, currency, discount=Discount(amount=subtotal + 1))


def test_a_sum_that_no_column_holds_is_refused():
    with pytest.raises(Invalid, match="more than an invoice can hold"):
        totals_of([(Decimal(1), LARGEST - 1), (Decimal(1), Decimal(1))], "EUR")


@given(
    st.lists(st.tuples(st.integers(0, 90_000), st.sampled_from([None, 0, 80, Decimal("99.9999")]), st.integers(0, 2))),
    st.sampled_from(["ITEMIZED", "PROJECT", "TASK", "PROJECT_TASK", "PROJECT_TIME"]),
    st.sampled_from([0, 1, 5, 6, 10, 15, 30, 60]),
    st.sampled_from(["UP", "NEAREST", "DOWN"]),
    st.randoms(use_true_random=False),
)
def test_every_entry_is_on_exactly_one_line_in_an_order_of_its_own(work, grouping, minutes, mode, random):
    worked = [
        Worked(
            f"{number:04}", f"p{p}", None, DAY, seconds, None, None if r is None else Decimal(r), f"Project {p}", None
        )
        for number, (seconds, r, p) in enumerate(work)
    ]
    rule = RoundingRule(minutes, mode)
    lines, warnings = plan(Picked(worked, []), grouping, rule, "EUR")
    parts = [part for line in lines for part in line.parts]
    assert sorted(part.id for part in parts) == [one.id for one in worked]
    assert sum(part.billed_seconds for part in parts) == sum(rounded_seconds(one.seconds, rule) for one in worked)
    assert sum(part.seconds for part in parts) == sum(one.seconds for one in worked)
    rate_of = {one.id: one.rate or 0 for one in worked}
    assert all(rate_of[part.id] == line.rate for line in lines for part in line.parts)
    assert all(line.total == line_total(line.quantity, line.rate, "EUR") for line in lines)
    unpriced = {identity for warning in warnings for identity in warning.entry_ids}
    assert unpriced == {one.id for one in worked if one.rate is None}
    random.shuffle(worked)
    assert plan(Picked(worked, []), grouping, rule, "EUR") == (lines, warnings)


custom_lines = st.lists(
    st.builds(
        CustomLine, st.just("Line"), st.decimals("0.0001", 1_000_000, places=4), st.decimals(0, 10_000, places=4)
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=25, deadline=None)
@given(currencies, custom_lines, st.one_of(st.none(), percents), st.one_of(st.none(), percents))
def test_what_is_stored_is_what_its_lines_come_to(fresh: Bench, currency, lines, percent, tax_rate):
    fresh.client_is(currency=currency)
    discount = None if percent is None else Discount(percent=percent)
    made = fresh.draft(project_ids=[], lines=lines, discount=discount, tax_rate=tax_rate).invoice
    stored, rows = fresh.read(made.id), fresh.lines(made.id)
    assert [row.total for row in rows] == [line_total(row.quantity, row.rate, currency) for row in rows]
    again = totals_of([(row.quantity, row.rate) for row in rows], currency, discount=discount, tax_rate=tax_rate)
    kept = {name: getattr(stored, name) for name in again._fields}
    assert kept == again._asdict()
    assert {name: getattr(made, name) for name in again._fields} == kept


@pytest.fixture(scope="module")
def fresh(database) -> Bench:
    from tests.studio import KEY, found_studio

    return Bench(found_studio(database, KEY))
