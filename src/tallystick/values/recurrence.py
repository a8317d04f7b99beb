"""On which days something recurs: a subset of iCalendar's rules (RFC 5545), and what short months do to them."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from functools import lru_cache
from itertools import groupby, islice, takewhile
from typing import Any, Final, Literal, cast, get_args

import msgspec
from dateutil import rrule

Frequency = Literal["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]
FREQUENCIES: Final[tuple[Frequency, ...]] = get_args(Frequency)
MonthEnd = Literal["LAST_DAY", "SKIP"]
MONTH_ENDS: Final[tuple[MonthEnd, ...]] = get_args(MonthEnd)
"""What a day does that a month does not have: it is the month's last one, or left out (as RFC 5545 has it)."""
Weekday = Literal["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
WEEKDAYS: Final[tuple[Weekday, ...]] = get_args(Weekday)

FIRST: Final = date(2000, 1, 1)
HORIZON: Final = date(2199, 12, 31)
"""Nothing recurs outside of these days."""
LONGEST: Final = 200
SHORTEST_MONTH: Final = 28
MOST: Final = {"INTERVAL": 1000, "COUNT": 10_000}


class Day(msgspec.Struct, frozen=True):
    """A weekday, or the nth of a month: `-1FR` is its last Friday."""

    weekday: Weekday
    nth: int = 0

    def __str__(self) -> str:
        return f"{self.nth or ''}{self.weekday}"


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """Which days. Counting begins with the first day that the rule falls on; with both, the earlier end counts."""

    frequency: Frequency
    interval: int = 1
    count: int | None = None
    until: date | None = None
    month_days: tuple[int, ...] = ()
    """1 to 31, or from the end of the month, -1 to -28."""
    days: tuple[Day, ...] = ()
    positions: tuple[int, ...] = ()
    """Which of the `days` of a month: `-1` of MO to FR is its last working day."""

    def __str__(self) -> str:
        parts: list[tuple[str, object]] = [("FREQ", self.frequency)]
        if self.interval != 1:
            parts.append(("INTERVAL", self.interval))
        if self.count is not None:
            parts.append(("COUNT", self.count))
        if self.until is not None:
            parts.append(("UNTIL", self.until.strftime("%Y%m%d")))
        for name, values in (("BYMONTHDAY", self.month_days), ("BYDAY", self.days), ("BYSETPOS", self.positions)):
            if values:
                parts.append((name, ",".join(map(str, values))))
        return ";".join(f"{name}={value}" for name, value in parts)

    def dates(self, start: date, month_end: MonthEnd = "LAST_DAY") -> Iterator[date]:
        """The days from `start` on, in order. A start on which the rule does not fall is none of them."""
        found = self._endless(start, month_end)
        if self.count is not None:
            found = islice(found, self.count)
        until = self.until
        return found if until is None else takewhile(lambda day: day <= until, found)

    def first(self, start: date, month_end: MonthEnd = "LAST_DAY", *, since: date) -> date | None:
        """The first of the days that is not before `since`; None: there is none any more."""
        return next((day for day in self.dates(start, month_end) if day >= since), None)

    def _endless(self, start: date, month_end: MonthEnd) -> Iterator[date]:
        if self.frequency == "DAILY":
            return self._walk(start, byweekday=self._byweekday())
        if self.frequency == "WEEKLY":
            return self._walk(start, byweekday=self._byweekday(), wkst=rrule.MO)
        if self.frequency == "MONTHLY" and self.days:
            return self._walk(start, byweekday=self._byweekday(), bysetpos=self.positions or None)
        walks = [self._month_day(start, day, month_end) for day in self.month_days or (start.day,)]
        return (day for day, _ in groupby(heapq.merge(*walks)))

    def _month_day(self, start: date, day: int, month_end: MonthEnd) -> Iterator[date]:
        """One day of a month, which a short month may not have."""
        month = start.month if self.frequency == "YEARLY" else None
        if day <= SHORTEST_MONTH or month_end == "SKIP":
            return self._walk(start, bymonth=month, bymonthday=day)
        return self._walk(start, bymonth=month, bymonthday=range(SHORTEST_MONTH, day + 1), bysetpos=-1)

    def _byweekday(self) -> list[Any] | None:
        named = [getattr(rrule, day.weekday) for day in self.days]
        return [one(day.nth) if day.nth else one for one, day in zip(named, self.days, strict=True)] or None

    def _walk(self, start: date, **by: Any) -> Iterator[date]:
        walk = rrule.rrule(
            getattr(rrule, self.frequency),
            dtstart=datetime.combine(start, time.min),
            interval=self.interval,
            until=datetime.combine(HORIZON, time.min),
            **{name: value for name, value in by.items() if value is not None},
        )
        return (moment.date() for moment in cast("Iterable[datetime]", walk))


@lru_cache(maxsize=1024)
def parse_rule(text: str) -> Rule:
    """A rule as iCalendar writes it, `FREQ=MONTHLY;BYMONTHDAY=-1`. Raises ValueError with what it must be."""
    if len(text) > LONGEST:
        raise ValueError(f"at most {LONGEST} characters")
    parts: dict[str, str] = {}
    for part in text.strip().upper().removeprefix("RRULE:").split(";"):
        name, equals, value = part.partition("=")
        if not equals or name not in _READERS:
            raise ValueError(f"is made of {', '.join(_READERS)}, such as FREQ=MONTHLY;BYMONTHDAY=-1")
        if name in parts:
            raise ValueError(f"{name} must be given once")
        parts[name] = value
    if "FREQ" not in parts:
        raise ValueError("FREQ is missing, such as in FREQ=MONTHLY;BYMONTHDAY=-1")
    facts: dict[str, Any] = {}
    for name, value in parts.items():
        field, read = _READERS[name]
        facts[field] = read(name, value)
    rule = Rule(**facts)
    _check(rule)
    return rule


def every(frequency: Frequency, interval: int = 1, *, count: int | None = None, until: date | None = None) -> Rule:
    """The plain rule: on the day of its start."""
    return Rule(frequency=frequency, interval=interval, count=count, until=until)


def _check(rule: Rule) -> None:
    if rule.month_days and rule.frequency != "MONTHLY":
        raise ValueError("BYMONTHDAY goes with FREQ=MONTHLY")
    if rule.days and rule.frequency == "YEARLY":
        raise ValueError("BYDAY goes with FREQ=DAILY, WEEKLY or MONTHLY")
    if rule.days and rule.frequency == "DAILY" and rule.interval != 1:
        raise ValueError("BYDAY goes with FREQ=DAILY only where INTERVAL is 1")
    if rule.days and rule.month_days:
        raise ValueError("give either BYDAY or BYMONTHDAY")
    if any(day.nth for day in rule.days) and rule.frequency != "MONTHLY":
        raise ValueError("BYDAY has a number, such as -1FR, only with FREQ=MONTHLY")
    if rule.positions and (rule.frequency != "MONTHLY" or not rule.days or any(day.nth for day in rule.days)):
        raise ValueError("BYSETPOS goes with FREQ=MONTHLY and days without a number, such as BYDAY=MO,TU,WE,TH,FR")


def _frequency(name: str, value: str) -> Frequency:
    if value not in FREQUENCIES:
        raise ValueError(f"{name} must be one of {', '.join(FREQUENCIES)}")
    return FREQUENCIES[FREQUENCIES.index(value)]


def _number(name: str, value: str) -> int:
    most = MOST[name]
    if not (value.isascii() and value.isdigit() and len(value) <= 6 and 1 <= int(value) <= most):
        raise ValueError(f"{name} must be a whole number from 1 to {most}")
    return int(value)


def _day(name: str, value: str) -> date:
    wrong = ValueError(f"{name} must be a day such as 20271231")
    if re.fullmatch(r"[0-9]{8}", value) is None:
        raise wrong
    try:
        return date(int(value[:4]), int(value[4:6]), int(value[6:]))
    except ValueError:
        raise wrong from None


def _numbers(least: int, most: int) -> Any:
    def read(name: str, value: str) -> tuple[int, ...]:
        given = [one for one in value.split(",") if re.fullmatch(r"[+-]?[0-9]{1,2}", one)]
        numbers = {int(one) for one in given}
        if len(given) != value.count(",") + 1 or not all(least <= one <= most and one for one in numbers):
            raise ValueError(f"{name} must be numbers from 1 to {most}, or from -1 to {least} counted from the end")
        return tuple(sorted(numbers, key=lambda one: (one < 0, one)))

    return read


def _weekdays(name: str, value: str) -> tuple[Day, ...]:
    found: list[Day] = []
    for one in value.split(","):
        matched = re.fullmatch(rf"([+-]?[1-5])?({'|'.join(WEEKDAYS)})", one)
        if matched is None:
            raise ValueError(f"{name} must be of {', '.join(WEEKDAYS)}; of a month also such as 2TU or -1FR")
        day = Day(cast("Weekday", matched[2]), int(matched[1] or 0))
        if day not in found:
            found.append(day)
    return tuple(found)


_READERS: Final[dict[str, tuple[str, Any]]] = {
    "FREQ": ("frequency", _frequency),
    "INTERVAL": ("interval", _number),
    "COUNT": ("count", _number),
    "UNTIL": ("until", _day),
    "BYMONTHDAY": ("month_days", _numbers(-SHORTEST_MONTH, 31)),
    "BYDAY": ("days", _weekdays),
    "BYSETPOS": ("positions", _numbers(-31, 31)),
}
