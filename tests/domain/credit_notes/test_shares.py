"""What goes with crediting a part: never less than nothing, and with all other parts the whole, to the cent."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.domain.credit_notes.shares import Group, credited
from tallystick.domain.invoices.totals import Discount, Priced, sums_of
from tallystick.values.money import minor_unit
from tallystick.values.tax import Treatment

cents = st.integers(0, 100_000).map(lambda units: Decimal(units) / 100)
rates = st.sampled_from(["5", "7", "7.7", "8.1", "19", "20", "21", "25"]).map(Decimal)


@st.composite
def groups(draw: st.DrawFn) -> tuple[Group, str]:
    """The lines of one category of an invoice as the domain sums it up, net or gross."""
    prices = draw(st.lists(st.decimals(0, 5000, places=2), min_size=1, max_size=6))
    percent, gross, rate = draw(st.integers(0, 100)), draw(st.booleans()), draw(rates)
    treatment = Treatment("STANDARD", rate)
    summed = sums_of(
        [Priced(Decimal(1), price, treatment) for price in prices],
        "EUR",
        usual=treatment,
        discount=Discount(percent=Decimal(percent)),
        prices_include_tax=gross,
    )
    (tax,) = summed.taxes
    listed = {
        str(place): line.total if line.gross_total is None else line.gross_total
        for place, line in enumerate(summed.lines)
    }
    return Group(listed, gross, tax.discount, tax.basis, tax.amount), "EUR"


@given(groups(), st.data())
def test_parts_are_together_the_whole(made: tuple[Group, str], data: st.DataObject) -> None:
    group, currency = made
    left = dict(group.listed)
    before = Decimal(0)
    sums = [Decimal(0)] * 4
    for step in range(8):
        if not any(left.values()):
            break
        now: dict[str, Decimal] = {}
        for line, amount in left.items():
            units = int(amount.scaleb(minor_unit(currency)))
            part = units if step == 7 else data.draw(st.integers(0, units))
            if part:
                now[line] = Decimal(part).scaleb(-minor_unit(currency))
        if not now:
            continue
        one = credited(group, before, now, currency)
        assert min(one.subtotal, one.discount, one.basis, one.tax) >= 0
        assert one.basis == one.subtotal - one.discount
        assert sum(one.lines.values()) == one.subtotal
        if group.gross and not group.discount:
            assert one.basis + one.tax == sum(now.values()), "what is asked for is what is taken back"
        sums = [
            so_far + part for so_far, part in zip(sums, (one.subtotal, one.discount, one.basis, one.tax), strict=True)
        ]
        before += sum(now.values())
        left = {line: amount - now.get(line, 0) for line, amount in left.items()}
    if not any(left.values()) and group.whole:
        assert sums == [group.basis + group.discount, group.discount, group.basis, group.tax]


@pytest.mark.parametrize("gross", [False, True])
def test_a_free_line_takes_nothing(gross: bool) -> None:
    group = Group({"a": Decimal(0)}, gross, Decimal(0), Decimal(0), Decimal(0))
    assert credited(group, Decimal(0), {"a": Decimal(0)}, "EUR")[1:] == (0, 0, 0, 0)
