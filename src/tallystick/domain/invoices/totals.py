"""The sums of an invoice, as EN 16931 has them: each line rounded once, the tax of a category once for the document.

Prices are net, or include the tax. In both cases `subtotal`, `discount_amount` and a line's `total` are net, so that
total = subtotal − discount + tax; where prices include the tax, the gross amounts stand beside them, and the total is
the gross lines less the gross discount, to the cent (docs/invoices.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, NamedTuple

from tallystick.domain.workspaces import check_percent
from tallystick.values.errors import Invalid
from tallystick.values.money import included_tax, line_total, minor_unit, percent_of, round_money, split
from tallystick.values.tax import TaxCategory, Treatment, order_of

LARGEST: Final = Decimal(10**14)
"""Amounts stay below this: the columns are NUMERIC(19, 4), and tax may double a sum."""
NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Discount:
    """Taken off a line or off the subtotal: an amount, or a percentage of it. As the prices: net, or with the tax."""

    amount: Decimal | None = None
    percent: Decimal | None = None


class Priced(NamedTuple):
    """What a line's sums are made from."""

    quantity: Decimal
    rate: Decimal
    treatment: Treatment
    discount: Discount | None = None


class LineSums(NamedTuple):
    """What is written on a line; the names are those of its columns."""

    discount_percent: Decimal | None
    discount_amount: Decimal
    total: Decimal
    gross_discount: Decimal | None
    gross_total: Decimal | None


class TaxSums(NamedTuple):
    """The tax of one category and rate, on what its lines come to less their share of the document's discount."""

    category: TaxCategory
    rate: Decimal | None
    reason: str | None
    """In words of one's own; None: the usual ones."""
    subtotal: Decimal
    discount: Decimal
    basis: Decimal
    amount: Decimal


class Totals(NamedTuple):
    """What is written on the invoice; the names are those of its columns."""

    subtotal: Decimal
    discount_percent: Decimal | None
    discount_amount: Decimal
    gross_discount: Decimal | None
    prices_include_tax: bool
    tax_category: TaxCategory | None
    tax_rate: Decimal | None
    tax_amount: Decimal
    total: Decimal


class Sums(NamedTuple):
    """All that is computed of an invoice."""

    totals: Totals
    lines: list[LineSums]
    taxes: list[TaxSums]


def sums_of(
    lines: Sequence[Priced],
    currency: str,
    *,
    usual: Treatment,
    discount: Discount | None = None,
    prices_include_tax: bool = False,
) -> Sums:
    """The sums of an invoice. `usual` is what an invoice without lines says of its tax."""
    asked = [_line(line, currency) for line in lines]
    listed = sum((price - off for price, off in asked), NOTHING)  # as the prices are: net, or with the tax
    if listed >= LARGEST:
        raise Invalid("The lines add up to more than an invoice can hold.")
    off = taken_off(listed, discount or Discount(), currency, "discount", "the subtotal")
    groups = _groups(lines)
    shares = split(off, [_of(places, asked) for places in groups.values()], currency)
    sums: list[LineSums | None] = [None] * len(lines)
    taxes: list[TaxSums] = []
    for ((category, rate), places), share in zip(groups.items(), shares, strict=True):
        summed = _gross_group if prices_include_tax else _net_group
        made, group = summed([asked[place] for place in places], rate or NOTHING, share, currency)
        for place, line in zip(places, made, strict=True):
            given = lines[place].discount
            sums[place] = line._replace(discount_percent=None if given is None else given.percent)
        reasons = dict.fromkeys(reason for place in places if (reason := lines[place].treatment.reason))
        taxes.append(TaxSums(category, rate, "; ".join(reasons) or None, *group))
    subtotal = round_money(sum((one.subtotal for one in taxes), NOTHING), currency)
    discount_amount = round_money(sum((one.discount for one in taxes), NOTHING), currency)
    tax_amount = round_money(sum((one.amount for one in taxes), NOTHING), currency)
    category, rate = _single(taxes, usual)
    totals = Totals(
        subtotal,
        None if discount is None else discount.percent,
        discount_amount,
        off if prices_include_tax else None,
        prices_include_tax,
        category,
        rate,
        tax_amount,
        subtotal - discount_amount + tax_amount,
    )
    return Sums(totals, [line for line in sums if line is not None], taxes)


def taken_off(listed: Decimal, discount: Discount, currency: str, field: str, what: str) -> Decimal:
    """What a discount comes to, of what is listed. Raises Invalid that names the field."""
    if discount.amount is not None and discount.percent is not None:
        raise Invalid(fields={field: "give either an amount or a percentage, not both"})
    if discount.percent is not None:
        check_percent(discount.percent, field)
        check_decimals(discount.percent, field)
        return percent_of(listed, discount.percent, currency)
    amount = NOTHING if discount.amount is None else discount.amount
    check_decimals(amount, field, minor_unit(currency))
    if amount < 0:
        raise Invalid(fields={field: "must not be negative"})
    if amount > listed:
        raise Invalid(fields={field: f"is more than {what} of {listed} {currency}"})
    return amount


def check_decimals(value: Decimal, field: str, places: int = 4) -> None:
    """Refuse what a column or a currency cannot hold exactly."""
    if not value.is_finite() or abs(value) >= LARGEST:
        raise Invalid(fields={field: "must be a number that an invoice can hold"})
    if value != round(value, places):
        raise Invalid(fields={field: f"at most {places} decimals"})


class _Asked(NamedTuple):
    """A line as its prices are: quantity × rate, and what is taken off it."""

    price: Decimal
    off: Decimal


class _Group(NamedTuple):
    subtotal: Decimal
    discount: Decimal
    basis: Decimal
    amount: Decimal


def _line(line: Priced, currency: str) -> _Asked:
    price = line_total(line.quantity, line.rate, currency)
    if price >= LARGEST:
        raise Invalid("A line comes to more than an invoice can hold.")
    return _Asked(price, taken_off(price, line.discount or Discount(), currency, "lines", "the line"))


def _of(places: Sequence[int], asked: Sequence[_Asked]) -> Decimal:
    return sum((asked[place].price - asked[place].off for place in places), NOTHING)


def _groups(lines: Sequence[Priced]) -> dict[tuple[TaxCategory, Decimal | None], list[int]]:
    """The places of the lines of each category and rate, in the order in which their taxes are shown."""
    groups: dict[tuple[TaxCategory, Decimal | None], list[int]] = {}
    for place, line in enumerate(lines):
        groups.setdefault((line.treatment.category, line.treatment.rate), []).append(place)
    return dict(sorted(groups.items(), key=lambda one: order_of(*one[0])))


def _net_group(asked: Sequence[_Asked], rate: Decimal, share: Decimal, currency: str) -> tuple[list[LineSums], _Group]:
    """Prices without the tax: it is put on top of what is left after the discount."""
    lines = [LineSums(None, one.off, one.price - one.off, None, None) for one in asked]
    subtotal = sum((line.total for line in lines), NOTHING)
    basis = subtotal - share
    return lines, _Group(subtotal, share, basis, percent_of(basis, rate, currency))


def _gross_group(
    asked: Sequence[_Asked], rate: Decimal, share: Decimal, currency: str
) -> tuple[list[LineSums], _Group]:
    """Prices with the tax: it is taken out of their sum, and what is left is spread over the lines."""
    totals = [one.price - one.off for one in asked]
    gross = sum(totals, NOTHING) - share
    tax = included_tax(gross, rate, currency)
    discount = share - included_tax(share, rate, currency)
    subtotal = gross - tax + discount
    lines = [
        LineSums(None, one.off - included_tax(one.off, rate, currency), net, one.off, total)
        for one, total, net in zip(asked, totals, split(subtotal, totals, currency), strict=True)
    ]
    return lines, _Group(subtotal, discount, gross - tax, tax)


def _single(taxes: Sequence[TaxSums], usual: Treatment) -> tuple[TaxCategory | None, Decimal | None]:
    """The category and the rate of the whole, where there is exactly one of each."""
    if not taxes:
        return usual.category, usual.rate
    categories, rates = {one.category for one in taxes}, {one.rate for one in taxes}
    first = taxes[0]
    return first.category if len(categories) == 1 else None, first.rate if len(rates) == 1 else None
