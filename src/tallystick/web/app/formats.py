"""Dates, times, numbers and money as the reader's locale writes them."""

from __future__ import annotations

import re
from copy import copy
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_skeleton, format_time
from babel.numbers import NumberFormatError, NumberPattern, format_decimal, parse_decimal

from tallystick.domain.members import LANGUAGES
from tallystick.values.duration import parse_duration
from tallystick.values.money import minor_unit

_TAG: Final = re.compile(r"([a-z]{2})(?:[-_]([A-Za-z]{2}))?(?:\s*;\s*q=([0-9.]+))?", re.ASCII)
_BARE: Final = re.compile(r"[0-9]{0,3}(?:[.,][0-9]{1,2})?", re.ASCII)
_SHORT: Final = re.compile(r"[0-9]{1,2}\s?h\s?[0-5]?[0-9]", re.ASCII | re.IGNORECASE)
_NUMBER: Final = re.compile(r"-?[0-9][0-9.,'’]*", re.ASCII)
_PLAIN: Final = re.compile(r"-?[0-9]+(?:\.[0-9]{1,4})?", re.ASCII)
_LONG: Final = "EEEEMMMMd"
_FIRST: Final = {"monday": 0, "saturday": 5, "sunday": 6}


def locale_of(language: str | None, accepted: str | None) -> Locale:
    """The reader's locale: their own language, else the best that their browser accepts, else American English."""
    wanted: list[tuple[float, str, str]] = []
    for part in (accepted or "").split(",")[:20]:
        found = _TAG.match(part.strip().lower())
        if found and found[1] in LANGUAGES:
            weight = float(found[3]) if found[3] and found[3].replace(".", "", 1).isdigit() else 1.0
            wanted.append((-weight, found[1], (found[2] or "").upper()))
    wanted.sort(key=lambda one: one[0])
    if language is None:
        language = wanted[0][1] if wanted else "en"
    territory = next((place for _, spoken, place in wanted if spoken == language and place), "")
    return _locale(language, territory)


@lru_cache(maxsize=64)
def _locale(language: str, territory: str) -> Locale:
    usual = {"en": "US", "de": "DE"}[language]
    for place in (territory or usual, usual):
        try:
            return Locale(language, place)
        except (ValueError, LookupError):
            continue
        except Exception:  # noqa: BLE001, S112 - babel's UnknownLocaleError is an Exception of its own
            continue
    return Locale(language)


class Formats:
    """How one reader reads."""

    def __init__(self, locale: Locale, *, clock: str | None, week_start: str | None, zone: str) -> None:
        self.locale = locale
        self.zone = ZoneInfo(zone)
        self.first_weekday = locale.first_week_day if week_start is None else _FIRST[week_start]
        pattern = str(locale.time_formats["short"].pattern)
        self.half_days = clock == "12" if clock else "a" in pattern or "b" in pattern

    # --- days

    def day(self, day: date) -> str:
        """3 Jun 2026."""
        return _day(day, "medium", self.locale)

    def short_day(self, day: date) -> str:
        """3 Jun."""
        return _skeleton(day, "MMMd", self.locale)

    def weekday(self, day: date) -> str:
        """Wed."""
        return _day(day, "ccc", self.locale)

    def long_day(self, day: date) -> str:
        """Wednesday, 3 June."""
        return _skeleton(day, _LONG, self.locale)

    def month(self, day: date) -> str:
        """June 2026."""
        return _skeleton(day, "yMMMM", self.locale)

    def short_month(self, day: date) -> str:
        """Jun; Jan 2026 where a year begins."""
        return _skeleton(day, "yMMM" if day.month == 1 else "MMM", self.locale)

    def span(self, first: date, last: date) -> str:
        """1 – 7 Jun 2026."""
        if first == last:
            return self.day(first)
        left = _skeleton(first, "MMMd" if first.year == last.year else "yMMMd", self.locale)
        return f"{left} – {_skeleton(last, 'yMMMd', self.locale)}"

    def week_of(self, day: date) -> date:
        """The first day of the week that a day is in."""
        return day - timedelta(days=(day.weekday() - self.first_weekday) % 7)

    # --- moments

    def time(self, instant: datetime) -> str:
        """15:30, or 3:30 PM, where the reader is."""
        return format_time(instant, "h:mm a" if self.half_days else "HH:mm", tzinfo=self.zone, locale=self.locale)

    def moment(self, instant: datetime) -> str:
        """A day and a time of day."""
        day = format_datetime(instant, "medium", tzinfo=self.zone, locale=self.locale)
        local = instant.astimezone(self.zone)
        return f"{self.day(local.date())}, {self.time(instant)}" if day else ""

    # --- amounts

    def hours(self, seconds: int) -> str:
        """1:30 for five thousand four hundred seconds; half a minute counts as one."""
        minutes = (seconds + 30) // 60
        return f"{minutes // 60}:{minutes % 60:02d}"

    def clock(self, seconds: int) -> str:
        """1:30:00."""
        return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"

    def number(self, value: Decimal | int, places: int = 2) -> str:
        """A number with at most so many decimals."""
        pattern = "#,##0" + ("." + "#" * places if places else "")
        return format_decimal(value, format=pattern, locale=self.locale)

    def figure(self, value: Decimal) -> str:
        """An amount without its currency: two to four decimals."""
        return format_decimal(value, format="#,##0.00##", locale=self.locale)

    def percent(self, value: Decimal | float) -> str:
        """Of a hundred, whole."""
        return f"{self.number(Decimal(str(value)), 0)} %"

    def money(self, amount: Decimal, currency: str) -> str:
        """An amount in its currency, with that currency's decimals; a rate may have more."""
        least = minor_unit(currency)
        given = -int(amount.normalize().as_tuple().exponent) if amount else 0  # never NaN: it comes from NUMERIC
        places = max(least, min(given, 4))
        pattern = _money_pattern(str(self.locale), places)
        text = pattern.apply(amount, self.locale, currency=currency, currency_digits=False)
        return text.replace("\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}")

    def editable(self, amount: Decimal | None) -> str:
        """A number for an input of the reader's: no grouping, their own decimal sign."""
        if amount is None:
            return ""
        text = f"{amount.normalize():f}"
        whole, _, part = text.partition(".")
        sign = "," if format_decimal(Decimal("0.5"), locale=self.locale)[1] == "," else "."
        return f"{whole}{sign}{part.ljust(2, '0')}" if part else whole

    # --- what people type

    def parse_number(self, text: str) -> Decimal:
        """A number as the reader's locale writes it, or with a point. Raises ValueError."""
        plain = text.strip().replace("\N{NO-BREAK SPACE}", "").replace("\N{NARROW NO-BREAK SPACE}", "").replace(" ", "")
        if len(plain) > 30 or _NUMBER.fullmatch(plain) is None:
            raise ValueError("not a number")
        try:
            return parse_decimal(plain, locale=self.locale, strict=True)
        except NumberFormatError:
            if _PLAIN.fullmatch(plain):
                return Decimal(plain)
            raise ValueError("not a number") from None


def parse_hours(text: str) -> int:
    """Seconds of a duration as people type it in the app: a bare number is hours. Raises ValueError."""
    typed = text.strip()
    if _SHORT.fullmatch(typed):
        typed += "m"
    if typed and _BARE.fullmatch(typed):
        if float(typed.replace(",", ".")) > 24:
            raise ValueError("Write a duration like 1h30m, 1:30, 90m or 1.5.")
        typed = ("0" if typed[0] in ".," else "") + typed + "h"
    return parse_duration(f"0{typed}" if typed.startswith(":") else typed)


@cache
def _cached_locale(name: str) -> Locale:
    return Locale.parse(name)


@cache
def _money_pattern(locale: str, places: int) -> NumberPattern:
    """The locale's way to write money, with as many decimals as are wanted: babel's are wrong for some currencies."""
    pattern = copy(_cached_locale(locale).currency_formats["standard"])
    pattern.frac_prec = (places, places)
    return pattern


@lru_cache(maxsize=4096)
def _day_text(day: date, form: str, locale: str) -> str:
    return format_date(day, form, locale=_cached_locale(locale))


@lru_cache(maxsize=4096)
def _skeleton_text(day: date, form: str, locale: str) -> str:
    known = _cached_locale(locale)
    if form == _LONG and form not in known.datetime_skeletons:  # Babel falls back to the short name of the weekday
        return format_date(day, str(known.datetime_skeletons["MMMMEd"].pattern).replace("E", "EEEE"), locale=known)
    return format_skeleton(form, datetime(day.year, day.month, day.day), locale=known)  # noqa: DTZ001


def _day(day: date, form: str, locale: Locale) -> str:
    return _day_text(day, form, str(locale))


def _skeleton(day: date, form: str, locale: Locale) -> str:
    return _skeleton_text(day, form, str(locale))
