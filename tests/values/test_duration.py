"""Durations: as typed, as rounded for a bill, and as they really went by."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.values.duration import (
    LONGEST_SECONDS,
    RoundingRule,
    elapsed_seconds,
    hours,
    is_zone,
    local_date,
    parse_duration,
    rounded_seconds,
)

ZONES = sorted(available_timezones() - {"localtime"})


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1h30m", 5400),
        ("1h 30m", 5400),
        (" 1 H\t30 M ", 5400),
        ("1:30", 5400),
        ("0:05", 300),
        ("001:30", 5400),
        ("1:30:15", 5415),
        ("90m", 5400),
        ("1.5h", 5400),
        ("1,5h", 5400),
        ("45s", 45),
        ("1h30m15s", 5415),
        ("2h5s", 7205),
        ("1.5h 15.5m", 6330),
        ("0h", 0),
        ("0.0001h", 0),
        ("0.00013888h", 0),
        ("0.00013889h", 1),
        ("0.025m", 2),  # a second and a half
        ("0.075m", 5),  # half-even would give 4
        ("0.3333333333333333333333333333h", 1200),
        ("8784h", LONGEST_SECONDS),
        ("8784:00:00", LONGEST_SECONDS),
    ],
)
def test_a_duration_is_read_as_people_write_it(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "5", "1.5", "90", "h", ":", "1:", ":30", "1:3", "1:60", "1:00:60", "1:2:3:4", "1:30h", "-1h", "+1h"),
        *(
            "1h30",
            "30m1h",
            "1h1h",
            "1m1m",
            "1s1m",
            ".5h",
            "1.h",
            "1..5h",
            "1.5.5h",
            "1_0h",
            "1e3h",
            "1.5s",
            "1d",
            "1hr",
        ),
        *(
            "1h\n",
            "1h\x00",
            "1h\u00a030m",
            "١h",
            "१:30",
            "1：30",
            "5\u017f",
            "1h and 30m",
            "nan",
            "0x1h",
            "1" * 31 + "hh",
        ),
    ],
)
def test_anything_else_is_refused_with_the_accepted_forms(text: str) -> None:
    with pytest.raises(ValueError, match=r"1h30m, 1:30, 90m or 1\.5h"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["8784h1s", "8784:00:01", "8785h", "9" * 28 + ":00", "9" * 31 + "h"])
def test_more_than_a_year_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="at most one year"):
        parse_duration(text)


def test_a_long_text_is_refused_unread() -> None:
    assert parse_duration("0" * 30 + "1h") == 3600
    with pytest.raises(ValueError):
        parse_duration("0" * 31 + "1h")
    with pytest.raises(ValueError):
        parse_duration("1" * 10_000_000)


@given(st.integers(0, LONGEST_SECONDS), st.sampled_from(["", " "]), st.booleans())
def test_every_duration_written_out_is_read_back(seconds: int, blank: str, upper: bool) -> None:
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    written = f"{hour}h{blank}{minute}m{blank}{second}s"
    assert parse_duration(written.upper() if upper else written) == seconds
    assert parse_duration(f"{hour}:{minute:02d}:{second:02d}") == seconds


@given(st.text(st.sampled_from("0123456789hmsHMS:., \t\u017f\u0661"), max_size=34) | st.text(max_size=40))
def test_no_text_does_anything_but_parse_or_raise_value_error(text: str) -> None:
    try:
        seconds = parse_duration(text)
    except ValueError:
        return
    assert 0 <= seconds <= LONGEST_SECONDS


@pytest.mark.parametrize(
    ("minutes", "mode", "seconds", "billed"),
    [
        (0, "UP", 61, 61),
        (15, "UP", 0, 0),
        (15, "UP", 1, 900),
        (15, "UP", 900, 900),
        (15, "UP", 901, 1800),
        (15, "NEAREST", 449, 0),
        (15, "NEAREST", 450, 900),
        (15, "NEAREST", 1349, 900),
        (15, "DOWN", 899, 0),
        (15, "DOWN", 900, 900),
        (1, "NEAREST", 30, 60),
        (5, "NEAREST", 149, 0),
        (5, "NEAREST", 150, 300),
        (6, "UP", 361, 720),
        (10, "DOWN", 1199, 600),
        (30, "UP", 1, 1800),
        (60, "NEAREST", 1800, 3600),
    ],
)
def test_billed_time_is_rounded_by_the_rule(minutes: int, mode: str, seconds: int, billed: int) -> None:
    assert rounded_seconds(seconds, RoundingRule(minutes, mode)) == billed


@pytest.mark.parametrize(("minutes", "mode"), [(7, "UP"), (-15, "UP"), (15, "up"), (15, "SIDEWAYS")])
def test_there_is_no_other_rule(minutes: int, mode: str) -> None:
    with pytest.raises(ValueError, match="NEAREST"):
        RoundingRule(minutes, mode)


@given(st.integers(0, LONGEST_SECONDS), st.sampled_from([1, 5, 6, 10, 15, 30, 60]))
def test_rounding_never_moves_time_by_a_step_or_more(seconds: int, minutes: int) -> None:
    step = minutes * 60
    down, nearest, up = (rounded_seconds(seconds, RoundingRule(minutes, mode)) for mode in ("DOWN", "NEAREST", "UP"))
    assert seconds - step < down <= seconds <= up < seconds + step
    assert nearest == (up if seconds - down >= up - seconds else down)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0"), (5400, "1.5"), (36_000, "10"), (3_600_000, "1000"), (900, "0.25"), (1, "0.0003"), (100, "0.0278")],
)
def test_hours_have_up_to_four_decimals_and_no_exponent(seconds: int, text: str) -> None:
    assert str(hours(seconds)) == text


@given(st.integers(-LONGEST_SECONDS, LONGEST_SECONDS))
def test_hours_are_rounded_half_up(seconds: int) -> None:
    assert hours(seconds) == (Decimal(seconds) / 3600).quantize(Decimal("0.0001"), ROUND_HALF_UP)


def instant_around_a_change_of_the_clock(zone: ZoneInfo, year: int) -> Iterator[datetime]:
    """The UTC instants of a year at which the zone's offset changes, to the second."""
    months = [datetime(year, month, 1, tzinfo=UTC) for month in range(1, 13)] + [datetime(year + 1, 1, 1, tzinfo=UTC)]
    for before, after in pairwise(months):
        if before.astimezone(zone).utcoffset() == after.astimezone(zone).utcoffset():
            continue
        low, high = before, after
        while high - low > timedelta(seconds=1):
            middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
            if middle.astimezone(zone).utcoffset() == low.astimezone(zone).utcoffset():
                low = middle
            else:
                high = middle
        yield high


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(ZONES), st.integers(1900, 2099), st.integers(0, 30_000), st.integers(0, 30_000))
def test_time_worked_over_any_change_of_any_clock_is_real_time(zone: str, year: int, early: int, late: int) -> None:
    wall = ZoneInfo(zone)
    edges = [*instant_around_a_change_of_the_clock(wall, year), datetime(year, 2, 28, 23, 30, tzinfo=UTC)]
    for edge in edges:
        start, stop = edge - timedelta(seconds=early), edge + timedelta(seconds=late)
        assert elapsed_seconds(start.astimezone(wall), stop.astimezone(wall)) == early + late
        assert elapsed_seconds(stop.astimezone(wall), start.astimezone(wall)) == 0
        for instant in (start, edge, stop):
            shown = instant.astimezone(wall)
            offset = shown.utcoffset()
            assert offset is not None
            assert local_date(instant, zone) == (instant.replace(tzinfo=None) + offset).date()
            assert local_date(shown, zone) == local_date(instant, zone)


def test_every_zone_changes_its_clock_correctly_in_a_year_of_many_changes() -> None:
    changes = 0
    for zone in ZONES:
        wall = ZoneInfo(zone)
        for edge in instant_around_a_change_of_the_clock(wall, 2011):
            changes += 1
            start, stop = (edge + timedelta(hours=way) for way in (-3, 3))
            assert elapsed_seconds(start.astimezone(wall), stop.astimezone(wall)) == 6 * 3600
    assert changes > 300


@pytest.mark.parametrize(
    ("start", "stop", "seconds"),
    [
        ((2026, 3, 29, 1, 30, 0), (2026, 3, 29, 3, 30, 0), 3600),  # spring: two to three did not happen
        ((2026, 3, 29, 2, 30, 0), (2026, 3, 29, 3, 30, 0), 0),  # a time that did not exist, read as before the change
        ((2026, 10, 25, 1, 30, 0), (2026, 10, 25, 3, 30, 0), 10_800),  # autumn: two to three happened twice
        ((2026, 10, 25, 2, 30, 0), (2026, 10, 25, 2, 30, 1), 3600),
        ((2028, 2, 28, 12, 0, 0), (2028, 3, 1, 12, 0, 0), 172_800),
    ],
)
def test_daylight_saving_does_not_add_or_take_time(start: tuple[int, ...], stop: tuple[int, ...], seconds: int) -> None:
    berlin = ZoneInfo("Europe/Berlin")

    def at(wall: tuple[int, ...]) -> datetime:
        *parts, fold = wall
        return datetime(*parts, tzinfo=berlin, fold=fold)

    assert elapsed_seconds(at(start), at(stop)) == seconds


def test_a_clock_that_went_back_gives_no_time_rather_than_negative_time() -> None:
    start = datetime(2026, 5, 1, 12, tzinfo=UTC)
    assert elapsed_seconds(start, start - timedelta(hours=1)) == 0
    assert elapsed_seconds(start, start - timedelta(microseconds=1)) == 0
    assert elapsed_seconds(start, start + timedelta(seconds=59, microseconds=999_999)) == 59


def test_an_instant_without_a_zone_is_refused() -> None:
    naive = datetime(2026, 5, 1)  # noqa: DTZ001 - the very thing
    with pytest.raises(ValueError, match="time zone"):
        elapsed_seconds(naive, datetime(2026, 5, 1, tzinfo=UTC))
    with pytest.raises(ValueError, match="time zone"):
        local_date(naive, "UTC")


def test_the_day_is_that_of_the_wall() -> None:
    instant = datetime(2026, 5, 1, 11, 30, tzinfo=UTC)
    assert local_date(instant, "Pacific/Kiritimati") == date(2026, 5, 2)
    assert local_date(instant, "Pacific/Pago_Pago") == date(2026, 5, 1)
    assert local_date(datetime(2026, 5, 1, 10, 30, tzinfo=UTC), "Pacific/Pago_Pago") == date(2026, 4, 30)


@pytest.mark.parametrize(
    "name", ["", "America", "Mars/Phobos", "../../etc/passwd", "/etc/localtime", "localtime", "utc\0"]
)
def test_only_names_of_the_tz_database_are_zones(name: str) -> None:
    assert not is_zone(name)
    assert is_zone("Europe/Berlin")
    assert is_zone("UTC")
