"""Values as Grow CRM writes them: ids that are numbers, money with two decimals, `1h 30m`, `yes` and `no`."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

from tallystick.values.money import round_money

YesNo = Literal["yes", "no"]


def number_of(text: str) -> str | None:
    """The id in a path, without leading zeros; None for what no row can have as its number."""
    digits = text.isascii() and text.isdigit() and len(text) <= 18
    return str(int(text)) if digits and int(text) > 0 else None


def readable(seconds: int) -> str:
    """Whole minutes in words: `1h 30m`, `2h`, `45m`, `0m`."""
    hours, minutes = divmod(seconds // 60, 60)
    words = [f"{hours}h"] if hours else []
    if minutes or not hours:
        words.append(f"{minutes}m")
    return " ".join(words)


def seconds_in(hours: Decimal, minutes: Decimal) -> int:
    """Seconds in hours and minutes, either of which may have decimals; a part of a second is dropped."""
    return int(hours * 3600 + minutes * 60)


def stamp(instant: datetime) -> str:
    """An instant in UTC with microseconds, as Laravel writes it: `2026-06-15T09:30:00.000000Z`."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z")


def money(amount: Decimal) -> str:
    """An amount with two decimals, whatever its currency."""
    return f"{round_money(amount, 'EUR'):.2f}"


def yes_no(fact: bool) -> YesNo:
    """`yes` or `no`."""
    return "yes" if fact else "no"


def full_name(first: str, last: str) -> str:
    """The name of a person, of whom the record keeps no parts: they are told apart by the first plain space."""
    return f"{first.replace(' ', _HARD_SPACE)} {last}".strip()


def parts_of(name: str) -> tuple[str, str]:
    """First and last name."""
    first, _, last = name.partition(" ")
    return first.replace(_HARD_SPACE, " "), last


_HARD_SPACE = "\N{NO-BREAK SPACE}"
