"""Phrases: an English sentence with its facts apart, so that a page says it in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import cast

from tallystick.values.money import decimal_text


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sentence; a fact stands where its name is in braces. As text it is English, with numbers and days as data."""

    text: str
    facts: Mapping[str, Fact] = field(default_factory=lambda: cast("dict[str, Fact]", {}))

    def __str__(self) -> str:
        return (
            self.text.format(**{name: _plain(name, fact) for name, fact in self.facts.items()})
            if self.facts
            else self.text
        )


Fact = str | int | Decimal | date | datetime | Phrase


def phrase(text: str, **facts: Fact) -> Phrase:
    """A sentence with its facts by name."""
    return Phrase(text, facts)


def counted(one: str, many: str, count: int, **facts: Fact) -> Phrase:
    """`phrase` for a number of things: it stands where `{count}` is."""
    return Phrase(one if count == 1 else many, {"count": count, **facts})


def _plain(name: str, fact: Fact) -> str:
    if isinstance(fact, datetime):
        return fact.isoformat(timespec="seconds")
    if isinstance(fact, date):
        return fact.isoformat()
    if isinstance(fact, Decimal):
        return f"{fact.normalize():f}" if name == "percent" else decimal_text(fact)
    return str(fact)
