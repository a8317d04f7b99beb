"""Amounts and days as a person reads them in a language."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_currency

from tallystick.values.money import minor_unit


def locale_of(language: str) -> Locale:
    """The locale of a language such as `de` or `pt-BR`; English for one that nobody knows."""
    try:
        return Locale.parse(language.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return Locale("en")


def amount_in(language: str, amount: Decimal, currency: str) -> str:
    """`1.234,50 €`, with as many decimals as the currency has."""
    exact = amount.quantize(Decimal(1).scaleb(-minor_unit(currency)))
    return format_currency(
        exact, currency, locale=locale_of(language), currency_digits=False, decimal_quantization=False
    ).replace("\xa0", " ")


def day_in(language: str, day: date | None) -> str:
    """`15. Juni 2026`."""
    return "" if day is None else format_date(day, "long", locale=locale_of(language))
