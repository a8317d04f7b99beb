"""How people type, and how a locale reads."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from tallystick.web.app.formats import Formats, locale_of, parse_hours
from tallystick.web.app.forms import Fields
from tallystick.web.app.paint import dot, initials, linked


def formats(language: str, accepted: str = "", **more: str | None) -> Formats:
    return Formats(
        locale_of(language, accepted), clock=more.get("clock"), week_start=more.get("week_start"), zone="Europe/Berlin"
    )


@pytest.mark.parametrize(
    ("typed", "seconds"),
    [("1:30", 5400), ("1h30", 5400), ("1 h 5", 3900),
     ("1h30m", 5400), ("90m", 5400), ("1.5", 5400), ("1,5", 5400), ("2", 7200), (".5", 1800),
     (":30", 1800), ("24", 86400), ("25", None), ("90", None), ("x", None), ("-1", None), ("1e3", None)],
)  # fmt: skip
def test_a_duration_as_it_is_typed(typed: str, seconds: int | None) -> None:
    if seconds is None:
        with pytest.raises(ValueError, match="duration"):
            parse_hours(typed)
    else:
        assert parse_hours(typed) == seconds


@pytest.mark.parametrize(
    ("language", "typed", "value"),
    [("en", "1,234.5", "1234.5"), ("en", "1234.5", "1234.5"), ("de", "1.234,5", "1234.5"), ("de", "1234,5", "1234.5"),
     ("de", "1234.5", "1234.5"), ("de", "0,05", "0.05"),
     ("en", "1,5", None), ("de", "1,5.0", None), ("en", "NaN", None),
     ("en", "1e9", None), ("en", "∞", None), ("en", "--1", None)],
)  # fmt: skip
def test_a_number_as_the_locale_writes_it(language: str, typed: str, value: str | None) -> None:
    fields = Fields({"n": [typed]}, formats(language))
    assert fields.number("n") == (None if value is None else Decimal(value))
    assert bool(fields.wrong) == (value is None)


def test_money_has_the_decimals_of_its_currency() -> None:
    english, german = formats("en"), formats("de")
    assert english.money(Decimal("1234.5"), "USD") == "$1,234.50"
    assert english.money(Decimal(1234), "JPY") == "¥1,234"
    assert english.money(Decimal("1.2345"), "USD") == "$1.2345"
    assert english.money(Decimal("1.5"), "KWD").endswith("1.500")
    assert german.money(Decimal("1234.5"), "EUR") == "1.234,50\N{NARROW NO-BREAK SPACE}€"
    assert german.editable(Decimal("0.5000")) == "0,50"
    assert english.editable(Decimal(19)) == "19"


def test_days_and_clocks_are_the_locales_or_ones_own() -> None:
    noon = datetime(2026, 6, 15, 13, 30, tzinfo=UTC)
    assert formats("en").time(noon).replace("\N{NARROW NO-BREAK SPACE}", " ") == "3:30 PM"
    assert formats("en", "en-GB,en;q=0.8").time(noon) == "15:30"
    assert formats("en", clock="24").time(noon) == "15:30"
    assert formats("de").time(noon) == "15:30"
    day = date(2026, 6, 17)
    assert formats("de").week_of(day) == date(2026, 6, 15)
    assert formats("en").week_of(day) == date(2026, 6, 14)
    assert formats("de", week_start="saturday").week_of(day) == date(2026, 6, 13)
    assert locale_of(None, "de-AT,de;q=0.9,en;q=0.8").language == "de"
    assert locale_of(None, "fr,xx;q=0.9").language == "en"
    assert locale_of(None, ",;q=x,,de;q=abc").language == "de"


def test_text_stays_text() -> None:
    assert linked('<b> https://x.example/a"b') == (
        '&lt;b&gt; <a href="https://x.example/a" rel="noopener noreferrer nofollow" target="_blank">https://x.example/a</a>&#34;b'
    )
    assert "javascript" not in linked("javascript:alert(1)").partition("href")[2]
    assert 'fill="#' in dot('red" onload="x', "x")
    assert initials("  ") == "?"
    assert initials("Ada Lovelace") == "AL"
