"""Durations as people type them, as the clock measures them, and as they are billed: whole seconds."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import cache
from math import floor
from typing import Literal, TypeAlias, get_args
from zoneinfo import ZoneInfo, available_timezones

import msgspec

LONGEST_SECONDS = 31_622_400  # a leap year
LONGEST_TEXT = 32

RoundingMinutes: TypeAlias = Literal[0, 1, 5, 6, 10, 15, 30, 60]
RoundingMode: TypeAlias = Literal["UP", "NEAREST", "DOWN"]
ROUNDING_MINUTES: tuple[RoundingMinutes, ...] = get_args(RoundingMinutes)
ROUNDING_MODES: tuple[RoundingMode, ...] = get_args(RoundingMode)

_CLOCK = re.compile(r"([0-9]+):([0-5][0-9])(?::([0-5][0-9]))?")
# ASCII matters: with IGNORECASE alone, U+017F would pass for an s.
_PARTS = re.compile(
    r"(?:([0-9]+(?:[.,][0-9]+)?)[ \t]*h[ \t]*)?(?:([0-9]+(?:[.,][0-9]+)?)[ \t]*m[ \t]*)?(?:([0-9]+)[ \t]*s)?",
    re.ASCII | re.IGNORECASE,
)


class RoundingRule(msgspec.Struct, frozen=True):
    """To which step billed time is rounded; 0 minutes leaves it as it is."""

    minutes: RoundingMinutes = 0
    mode: RoundingMode = "UP"

    def __post_init__(self) -> None:
        if self.minutes not in get_args(RoundingMinutes) or self.mode not in get_args(RoundingMode):
            raise ValueError("Time is rounded to 0, 1, 5, 6, 10, 15, 30 or 60 minutes, UP, NEAREST or DOWN.")


def parse_duration(text: str) -> int:
    """Seconds in a duration as typed: `1h30m`, `1:30`, `1:30:15`, `90m`, `1.5h`, `1,5h`, `45s`.

    A bare number is refused, because nobody can tell whether it is hours or minutes. Raises ValueError with a
    sentence that shows the accepted forms.
    """
    if len(text) > LONGEST_TEXT:
        raise ValueError(_FORMS)
    typed = text.strip(" \t")
    if clock := _CLOCK.fullmatch(typed):
        seconds = int(clock[1]) * 3600 + int(clock[2]) * 60 + int(clock[3] or 0)
    elif typed and (parts := _PARTS.fullmatch(typed)):
        exact = _number(parts[1]) * 3600 + _number(parts[2]) * 60 + _number(parts[3])
        seconds = floor(exact + Fraction(1, 2))
    else:
        raise ValueError(_FORMS)
    if seconds > LONGEST_SECONDS:
        raise ValueError("A duration is at most one year (8784h).")
    return seconds


def rounded_seconds(seconds: int, rule: RoundingRule) -> int:
    """Time as it is billed; exactly half a step goes up under NEAREST."""
    step = rule.minutes * 60
    if step == 0:
        return seconds
    if rule.mode == "UP":
        return -(-seconds // step) * step
    if rule.mode == "NEAREST":
        return (seconds + step // 2) // step * step
    return seconds // step * step


def hours(seconds: int) -> Decimal:
    """Hours with up to four decimals, half-up, without trailing zeros: 5400 is 1.5, 36000 is 10."""
    whole, part = divmod((abs(seconds) * 10_000 + 1800) // 3600, 10_000)
    decimals = f"{part:04d}".rstrip("0")
    sign = "-" if seconds < 0 and (whole or part) else ""
    return Decimal(f"{sign}{whole}.{decimals}" if decimals else f"{sign}{whole}")


def elapsed_seconds(start: datetime, stop: datetime) -> int:
    """Whole seconds really gone by between two aware instants; none when the clock went back.

    Always counted in UTC: subtracting two times of one zone ignores what daylight saving did in between.
    """
    gone = _utc(stop) - _utc(start)
    return max(0, gone.days * 86_400 + gone.seconds)


def local_date(instant: datetime, zone: str) -> date:
    """The day it is on the wall calendar of the zone at an aware instant."""
    return _utc(instant).astimezone(ZoneInfo(zone)).date()


def midnight_seconds(day: date, zone: str) -> int:
    """Seconds from midnight UTC to the beginning of the day in the zone: −7200 in Berlin in summer."""
    offset = datetime.combine(day, datetime.min.time(), ZoneInfo(zone)).utcoffset()
    seconds = -round(offset.total_seconds()) if offset is not None else 0
    return max(seconds, 0) if day == date.min else seconds  # nothing begins before the calendar


def is_zone(name: str) -> bool:
    """Whether this is a time zone of the tz database, such as Europe/Berlin."""
    return name in _zones()


_FORMS = "Write a duration like 1h30m, 1:30, 90m or 1.5h."


def _number(text: str | None) -> Fraction:
    return Fraction(text.replace(",", ".")) if text else Fraction(0)


def _utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("An instant needs its time zone.")
    return instant.astimezone(UTC)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones() - {"localtime"})  # the server's own zone is nobody's name for it
