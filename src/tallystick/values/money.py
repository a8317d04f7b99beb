"""Exact amounts: Decimal only, rounded half-up to the currency's minor unit in one function."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from functools import cache

from iso4217 import Currency

# The ambient decimal context (28 digits, half-even) is anybody's to change; money never depends on it.
_EXACT = Context(prec=80, rounding=ROUND_HALF_UP, traps=[InvalidOperation])

_TEN_THOUSANDTH = Decimal("0.0001")
_HUNDRED = Decimal(100)

# Metals, funds and test codes are in ISO 4217 without a minor unit; nobody can be billed in them.
_MINOR_UNITS = {currency.code: currency.exponent for currency in Currency if currency.exponent is not None}


def is_currency(code: str) -> bool:
    """Whether this is an ISO 4217 code (upper case) in which an amount can be written."""
    return code in _MINOR_UNITS


def minor_unit(currency: str) -> int:
    """How many decimals the currency has: 2 for EUR, 0 for JPY, 3 for KWD."""
    try:
        return _MINOR_UNITS[currency]
    except KeyError:
        raise ValueError(f"{currency!r} is not an ISO 4217 currency code, such as EUR.") from None


def round_money(amount: Decimal, currency: str) -> Decimal:
    """The amount in whole minor units of its currency; a half goes away from zero."""
    return _quantized(amount, _step(currency))


def line_total(quantity: Decimal, rate: Decimal, currency: str) -> Decimal:
    """What a line costs: quantity × rate, rounded once."""
    return round_money(_EXACT.multiply(quantity, rate), currency)


def percent_of(amount: Decimal, percent: Decimal, currency: str) -> Decimal:
    """A tax or a discount: percent of the amount, rounded once."""
    return round_money(_EXACT.divide(_EXACT.multiply(amount, percent), _HUNDRED), currency)


def included_tax(gross: Decimal, percent: Decimal, currency: str) -> Decimal:
    """The tax in an amount that includes it: gross × percent / (100 + percent), rounded once."""
    return round_money(_EXACT.divide(_EXACT.multiply(gross, percent), _HUNDRED + percent), currency)


def without_tax(gross: Decimal, percent: Decimal) -> Decimal:
    """What is left of an amount without the tax in it, not rounded."""
    return _EXACT.divide(_EXACT.multiply(gross, _HUNDRED), _HUNDRED + percent)


def share_of(amount: Decimal, part: Decimal, whole: Decimal, currency: str) -> Decimal:
    """So much of an amount as a part is of a whole, rounded once."""
    return round_money(_EXACT.divide(_EXACT.multiply(amount, part), whole), currency)


def split(amount: Decimal, weights: Sequence[Decimal], currency: str) -> list[Decimal]:
    """Parts of an amount by their weights, each in whole minor units, which add up to it exactly.

    What rounding leaves over goes, a unit each, to the parts that lost most by it; of equals to the first. Amount and
    weights are in whole minor units and not negative; an amount up to the sum of the weights gives no part more than
    its weight. Without any weight there are only nothings.
    """
    scale = minor_unit(currency)
    whole = int(amount.scaleb(scale, _EXACT))
    units = [int(weight.scaleb(scale, _EXACT)) for weight in weights]
    total = sum(units)
    if total == 0:
        return [Decimal(0)] * len(units)
    parts = [whole * unit // total for unit in units]
    lost = sorted(range(len(units)), key=lambda place: (-(whole * units[place] % total), place))
    for place in lost[: whole - sum(parts)]:
        parts[place] += 1
    return [Decimal(part).scaleb(-scale, _EXACT) for part in parts]


def decimal_text(value: Decimal) -> str:
    """The wire form of money, rates and hours: at least two decimals, up to four, never an exponent."""
    text = f"{_quantized(value, _TEN_THOUSANDTH):f}"
    return text[:-2] if text.endswith("00") else text.removesuffix("0")


@cache
def _step(currency: str) -> Decimal:
    return Decimal(1).scaleb(-minor_unit(currency))


def _quantized(value: Decimal, step: Decimal) -> Decimal:
    if not value.is_finite():
        raise ValueError("An amount is a finite number.")
    rounded = value.quantize(step, rounding=ROUND_HALF_UP, context=_EXACT)
    return rounded or rounded.copy_abs()  # no amount is minus nothing
