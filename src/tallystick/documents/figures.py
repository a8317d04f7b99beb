"""Numbers, amounts and days as a reader's country writes them (CLDR, by Babel). Nothing is rounded here."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_interval
from babel.languages import get_official_languages
from babel.numbers import get_currency_symbol, get_decimal_symbol, get_group_symbol, get_minus_sign_symbol

from tallystick.values.money import minor_unit

MARKS: Final = "\u200e\u200f\u061c"
"""Direction marks in the locales' patterns; the paper isolates every amount by itself."""
SPACE: Final = "\u00a0"
USUAL: Final = {"en": "en_GB", "pt": "pt_PT"}
"""The locale of a language whose plain name means a country that is not the reader's."""


class Figures:
    """How one locale writes them."""

    def __init__(self, locale: Locale) -> None:
        self._locale = locale
        # Babel takes the Swiss apostrophe for a quotation mark; the typographic one is what is meant.
        self._group = get_group_symbol(locale).replace("'", "’")
        self._decimal = get_decimal_symbol(locale)
        self._minus = get_minus_sign_symbol(locale).strip(MARKS).replace("-", "−")
        self._grouping: tuple[int, int] = locale.decimal_formats[None].grouping
        self._before, self._after = (_bare(part[0]) for part in _affixes(locale))
        self._percent = "\u00a0%" if "\u00a0%" in locale.percent_formats[None].pattern else "%"

    def number(self, value: Decimal, places: int) -> str:
        """With at least so many decimals, and with all that it has."""
        text = f"{abs(value):f}"
        whole, _, rest = text.partition(".")
        rest = rest.rstrip("0").ljust(places, "0")
        shown = self._grouped(whole) + (self._decimal + rest if rest else "")
        return self._minus + shown if value < 0 else shown

    def amount(self, value: Decimal, currency: str) -> str:
        """In a column of its currency: without its sign."""
        return self.number(value, minor_unit(currency))

    def money(self, value: Decimal, currency: str) -> str:
        """With the currency's sign, where the locale puts it."""
        symbol = get_currency_symbol(currency, self._locale).strip(MARKS).strip()
        before, after = self._before.replace("¤", symbol), self._after.replace("¤", symbol)
        if before and before[-1].isalpha():
            before += SPACE
        minus = self._minus if value < 0 else ""
        # In a line from right to left the minus stays before its number.
        first = "\u200e" if self._locale.text_direction == "rtl" and minus else ""
        return first + minus + before + self.amount(abs(value), currency) + after

    def percent(self, value: Decimal) -> str:
        """19 → `19 %`."""
        return self.number(value, 0) + self._percent

    def day(self, day: date) -> str:
        """15 June 2026."""
        return format_date(day, "long", self._locale)

    def short_day(self, day: date) -> str:
        """15 Jun 2026, for a column."""
        return format_date(day, "medium", self._locale).strip(MARKS)

    def span(self, first: date | None, last: date | None) -> str:
        """1–30 June 2026; empty where neither is known."""
        if first is None or last is None or first == last:
            one = first or last
            return "" if one is None else self.day(one)
        return format_interval(first, last, "yMMMd", locale=self._locale)

    def _grouped(self, digits: str) -> str:
        last, other = self._grouping
        groups = [digits[-last:]]
        digits = digits[:-last]
        while digits:
            groups.insert(0, digits[-other:])
            digits = digits[:-other]
        return self._group.join(groups)


@lru_cache(maxsize=128)
def figures(locale: str) -> Figures:
    """Those of a locale, such as `de_CH`; those of its language, or of English, where it is not known."""
    for name in (locale, locale.partition("_")[0], "en_GB"):
        try:
            return Figures(Locale.parse(name))
        except (UnknownLocaleError, ValueError):
            continue
    raise AssertionError("English is always known.")


def locale_of(language: str, *countries: str | None) -> str:
    """The language as it is written in the first of the countries that speaks it."""
    for country in countries:
        if country and language in get_official_languages(country, de_facto=True):
            return f"{language}_{country}"
    return USUAL.get(language, language)


def _affixes(locale: Locale) -> tuple[tuple[str, str], tuple[str, str]]:
    pattern = locale.currency_formats["standard"]
    return pattern.prefix, pattern.suffix


def _bare(affix: str) -> str:
    return affix.strip(MARKS)
