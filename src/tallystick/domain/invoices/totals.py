"""The sums of an invoice: subtotal, discount, tax and total, each rounded once to the currency's minor unit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, NamedTuple

from tallystick.domain.workspaces import check_percent
from tallystick.values.errors import Invalid
from tallystick.values.money import minor_unit, percent_of, round_money

LARGEST: Final = Decimal(10**14)
"""Amounts stay below this: the columns are NUMERIC(19, 4), and tax may double a sum."""


@dataclass(frozen=True, slots=True)
class Discount:
    """Taken off the subtotal: an amount, or a percentage of it."""

    amount: Decimal | None = None
    percent: Decimal | None = None


class Totals(NamedTuple):
    """What is written on the invoice; the names are those of its columns."""

    subtotal: Decimal
    discount_percent: Decimal | None
    discount_amount: Decimal
    tax_rate: Decimal | None
    tax_amount: Decimal
    total: Decimal


def totals_of(
    lines: Iterable[Decimal], currency: str, *, discount: Discount | None = None, tax_rate: Decimal | None = None
) -> Totals:
    """Subtotal = Σ lines; tax on (subtotal − discount); total = subtotal − discount + tax (contract hoursmith 3.8)."""
    check_percent(tax_rate, "tax_rate")
    subtotal = round_money(sum(lines, Decimal(0)), currency)
    if subtotal >= LARGEST:
        raise Invalid("The lines add up to more than an invoice can hold.")
    taken_off = _discount_amount(subtotal, discount or Discount(), currency)
    tax_amount = percent_of(subtotal - taken_off, tax_rate or Decimal(0), currency)
    return Totals(
        subtotal,
        None if discount is None else discount.percent,
        taken_off,
        tax_rate,
        tax_amount,
        subtotal - taken_off + tax_amount,
    )


def check_decimals(value: Decimal, field: str, places: int = 4) -> None:
    """Refuse what a column or a currency cannot hold exactly."""
    if not value.is_finite() or abs(value) >= LARGEST:
        raise Invalid(fields={field: "must be a number that an invoice can hold"})
    if value != round(value, places):
        raise Invalid(fields={field: f"at most {places} decimals"})


def _discount_amount(subtotal: Decimal, discount: Discount, currency: str) -> Decimal:
    if discount.amount is not None and discount.percent is not None:
        raise Invalid(fields={"discount": "give either an amount or a percentage, not both"})
    if discount.percent is not None:
        check_percent(discount.percent, "discount")
        check_decimals(discount.percent, "discount")
        return percent_of(subtotal, discount.percent, currency)
    amount = Decimal(0) if discount.amount is None else discount.amount
    check_decimals(amount, "discount", minor_unit(currency))
    if amount < 0:
        raise Invalid(fields={"discount": "must not be negative"})
    if amount > subtotal:
        raise Invalid(fields={"discount": f"is more than the subtotal of {subtotal} {currency}"})
    return amount
