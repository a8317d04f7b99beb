"""Rules fall on the days that RFC 5545 says, and short months do to them what was asked."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.values.recurrence import FREQUENCIES, MonthEnd, Rule, every, parse_rule


def days(rule: str, start: str, month_end: MonthEnd = "LAST_DAY", count: int = 5) -> list[str]:
    found = parse_rule(rule).dates(date.fromisoformat(start), month_end)
    return [day.isoformat() for day in islice(found, count)]


@pytest.mark.parametrize(
    ("rule", "start", "expected"),
    [
        ("FREQ=DAILY;INTERVAL=10", "2026-02-20", "2026-02-20 2026-03-02 2026-03-12 2026-03-22 2026-04-01"),
        ("FREQ=DAILY;BYDAY=MO,FR", "2026-01-01", "2026-01-02 2026-01-05 2026-01-09 2026-01-12 2026-01-16"),
        ("FREQ=WEEKLY", "2026-06-15", "2026-06-15 2026-06-22 2026-06-29 2026-07-06 2026-07-13"),
        ("FREQ=WEEKLY;INTERVAL=2", "2026-06-15", "2026-06-15 2026-06-29 2026-07-13 2026-07-27 2026-08-10"),
        # Weeks begin on Monday: of the second Monday and Thursday, those of every other week.
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH", "2026-01-01", "2026-01-01 2026-01-12 2026-01-15 2026-01-26 2026-01-29"),
        ("FREQ=MONTHLY", "2026-01-31", "2026-01-31 2026-02-28 2026-03-31 2026-04-30 2026-05-31"),
        ("FREQ=MONTHLY", "2023-12-30", "2023-12-30 2024-01-30 2024-02-29 2024-03-30 2024-04-30"),
        ("FREQ=MONTHLY;INTERVAL=3", "2025-11-30", "2025-11-30 2026-02-28 2026-05-30 2026-08-30 2026-11-30"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "2024-01-15", "2024-01-31 2024-02-29 2024-03-31 2024-04-30 2024-05-31"),
        ("FREQ=MONTHLY;BYMONTHDAY=15,31", "2026-01-20", "2026-01-31 2026-02-15 2026-02-28 2026-03-15 2026-03-31"),
        ("FREQ=MONTHLY;BYMONTHDAY=30,31", "2026-02-01", "2026-02-28 2026-03-30 2026-03-31 2026-04-30 2026-05-30"),
        ("FREQ=MONTHLY;BYMONTHDAY=1", "2026-01-02", "2026-02-01 2026-03-01 2026-04-01 2026-05-01 2026-06-01"),
        ("FREQ=MONTHLY;BYDAY=-1FR", "2026-01-20", "2026-01-30 2026-02-27 2026-03-27 2026-04-24 2026-05-29"),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "2026-01-01",
         "2026-01-30 2026-02-27 2026-03-31 2026-04-30 2026-05-29"),
        ("FREQ=YEARLY", "2024-02-29", "2024-02-29 2025-02-28 2026-02-28 2027-02-28 2028-02-29"),
        ("FREQ=YEARLY", "2026-07-01", "2026-07-01 2027-07-01 2028-07-01 2029-07-01 2030-07-01"),
        ("FREQ=MONTHLY;COUNT=2", "2026-01-31", "2026-01-31 2026-02-28"),
        ("FREQ=MONTHLY;UNTIL=20260331", "2026-01-31", "2026-01-31 2026-02-28 2026-03-31"),
        ("FREQ=MONTHLY;UNTIL=20260330", "2026-01-31", "2026-01-31 2026-02-28"),
        ("FREQ=MONTHLY;COUNT=3;UNTIL=20260228", "2026-01-31", "2026-01-31 2026-02-28"),
        ("FREQ=MONTHLY;COUNT=1;UNTIL=20260331", "2026-01-31", "2026-01-31"),
    ],
)  # fmt: skip
def test_a_rule_falls_on_these_days(rule: str, start: str, expected: str) -> None:
    assert days(rule, start) == expected.split()


@pytest.mark.parametrize(
    ("rule", "start", "expected"),
    [
        ("FREQ=MONTHLY", "2026-01-31", "2026-01-31 2026-03-31 2026-05-31 2026-07-31 2026-08-31"),
        ("FREQ=YEARLY", "2024-02-29", "2024-02-29 2028-02-29 2032-02-29 2036-02-29 2040-02-29"),
        ("FREQ=MONTHLY;BYMONTHDAY=15,31", "2026-01-20", "2026-01-31 2026-02-15 2026-03-15 2026-03-31 2026-04-15"),
    ],
)
def test_short_months_are_left_out_where_that_is_asked(rule: str, start: str, expected: str) -> None:
    assert days(rule, start, "SKIP") == expected.split()


def test_a_rule_may_fall_on_no_day_at_all() -> None:
    assert days("FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=30", "2026-02-01", "SKIP") == []
    assert days("FREQ=MONTHLY;UNTIL=20251231", "2026-02-01") == []
    assert days("FREQ=YEARLY", "2199-12-31") == ["2199-12-31"]


def test_the_first_day_since_another_is_found() -> None:
    rule = parse_rule("FREQ=MONTHLY;COUNT=3")
    start = date(2026, 1, 31)
    assert rule.first(start, since=date(2026, 2, 1)) == date(2026, 2, 28)
    assert rule.first(start, since=date(2026, 2, 28)) == date(2026, 2, 28)
    assert rule.first(start, since=date(2026, 4, 1)) is None


@pytest.mark.parametrize(
    ("given", "canonical"),
    [
        ("rrule:freq=monthly;bymonthday=-1", "FREQ=MONTHLY;BYMONTHDAY=-1"),
        ("FREQ=WEEKLY;INTERVAL=1;BYDAY=MO,MO,FR", "FREQ=WEEKLY;BYDAY=MO,FR"),
        ("COUNT=3;FREQ=MONTHLY;BYMONTHDAY=-1,31,+1", "FREQ=MONTHLY;COUNT=3;BYMONTHDAY=1,31,-1"),
    ],
)
def test_a_rule_is_written_in_one_way(given: str, canonical: str) -> None:
    assert str(parse_rule(given)) == canonical
    assert parse_rule(canonical) == parse_rule(given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "FREQ=MONTHLY"),
        ("MONTHLY", "such as FREQ=MONTHLY"),
        ("INTERVAL=2", "FREQ is missing"),
        ("FREQ=HOURLY", "DAILY, WEEKLY"),
        ("FREQ=DAILY;FREQ=DAILY", "once"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL must be"),
        ("FREQ=DAILY;INTERVAL=²", "INTERVAL must be"),
        ("FREQ=DAILY;COUNT=-1", "COUNT must be"),
        ("FREQ=DAILY;COUNT=99999999999", "COUNT must be"),
        ("FREQ=DAILY;UNTIL=2026-12-31", "such as 20271231"),
        ("FREQ=DAILY;UNTIL=20260231", "such as 20271231"),
        ("FREQ=DAILY;UNTIL=00000101", "such as 20271231"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY must be"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY must be"),
        ("FREQ=MONTHLY;BYMONTHDAY=-29", "BYMONTHDAY must be"),
        ("FREQ=MONTHLY;BYMONTHDAY=1,,2", "BYMONTHDAY must be"),
        ("FREQ=WEEKLY;BYMONTHDAY=1", "FREQ=MONTHLY"),
        ("FREQ=WEEKLY;BYDAY=1MO", "only with FREQ=MONTHLY"),
        ("FREQ=WEEKLY;BYDAY=XX", "MO, TU"),
        ("FREQ=YEARLY;BYDAY=MO", "BYDAY goes with"),
        ("FREQ=DAILY;INTERVAL=7;BYDAY=MO", "INTERVAL is 1"),
        ("FREQ=MONTHLY;BYDAY=MO;BYMONTHDAY=1", "either"),
        ("FREQ=MONTHLY;BYSETPOS=1", "BYSETPOS goes with"),
        ("FREQ=MONTHLY;BYDAY=1MO;BYSETPOS=1", "BYSETPOS goes with"),
        ("FREQ=MONTHLY;BYHOUR=9", "is made of"),
        ("FREQ=MONTHLY;" * 30, "at most 200"),
    ],
)
def test_what_is_no_rule_is_refused_with_what_it_must_be(given: str, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace(".", r"\.")):
        parse_rule(given)


@given(
    st.sampled_from(FREQUENCIES),
    st.integers(1, 40),
    st.dates(date(2000, 1, 1), date(2100, 1, 1)),
    st.sampled_from(["LAST_DAY", "SKIP"]),
)
def test_days_rise_and_begin_with_the_start(frequency: str, interval: int, start: date, month_end: MonthEnd) -> None:
    rule: Rule = every(frequency, interval)  # type: ignore[arg-type]
    found = list(islice(rule.dates(start, month_end), 12))
    assert found[0] == start
    assert all(one < other for one, other in pairwise(found))


@given(st.dates(date(2000, 1, 1), date(2130, 1, 1)), st.integers(1, 12))
def test_a_monthly_rule_has_each_month_once_whatever_its_day(start: date, interval: int) -> None:
    found = list(islice(every("MONTHLY", interval).dates(start), 60))
    months = [day.year * 12 + day.month for day in found]
    assert months == list(range(months[0], months[0] + 60 * interval, interval))
    for day in found:
        assert day.day == start.day or (day.day < start.day and (day + timedelta(days=1)).day == 1)
