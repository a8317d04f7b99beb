"""Ids rise, are unique, and have exactly one written form."""

import os
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.values import ids
from tallystick.values.ids import new_id, parse_id


def test_an_id_is_a_canonical_uuid_of_version_seven() -> None:
    made = new_id()
    read = uuid.UUID(made)
    assert (str(read), read.version, read.variant) == (made, 7, uuid.RFC_4122)


def test_ids_rise_even_inside_one_millisecond_and_when_the_clock_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    nanoseconds = [2_000_000_000_000_000_000]
    monkeypatch.setattr(ids.time, "time_ns", lambda: nanoseconds[0])
    made = [new_id() for _ in range(9_000)]
    nanoseconds[0] -= 3_600 * 10**9
    made += [new_id() for _ in range(10)]
    assert made == sorted(set(made))


def test_threads_never_draw_the_same_id_and_each_sees_its_own_rise() -> None:
    with ThreadPoolExecutor(8) as pool:
        drawn = list(pool.map(lambda _: [new_id() for _ in range(2_000)], range(8)))
    assert all(own == sorted(own) for own in drawn)
    assert len({made for own in drawn for made in own}) == 16_000


def test_threads_count_on_together_inside_one_millisecond(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ids.time, "time_ns", lambda: 2_000_000_000_000_000_000)
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            drawn = list(pool.map(lambda _: [new_id()[:18] for _ in range(2_000)], range(8)))
    finally:
        sys.setswitchinterval(usual)
    assert len({head for own in drawn for head in own}) == 16_000


def test_a_forked_child_draws_other_ids_even_when_the_lock_was_held() -> None:
    reading, writing = os.pipe()
    with ids._sequence._lock:
        child = os.fork()
        if child == 0:  # pragma: no cover
            os.write(writing, new_id().encode())
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    theirs = os.read(reading, 36).decode()
    os.close(reading)
    assert parse_id(theirs) == theirs
    assert theirs != new_id()


@given(st.uuids())
def test_any_case_of_the_canonical_form_is_read(made: uuid.UUID) -> None:
    assert parse_id(str(made)) == parse_id(str(made).upper()) == str(made)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "01a1fc83c9a870008c03c3c7d9130991",
        "{01a1fc83-c9a8-7000-8c03-c3c7d9130991}",
        "urn:uuid:01a1fc83-c9a8-7000-8c03-c3c7d9130991",
        "01a1fc83-c9a8-7000-8c03-c3c7d9130991\n",
        " 01a1fc83-c9a8-7000-8c03-c3c7d9130991",
        "01a1fc83-c9a8-7000-8c03-c3c7d913099",
        "01a1fc83-c9a8-7000-8c03c-3c7d9130991",
        "01a1fc83-c9a8-7000-8c03-c3c7d913099g",
        "٠1a1fc83-c9a8-7000-8c03-c3c7d9130991",
        "0_a1fc83-c9a8-7000-8c03-c3c7d9130991",
    ],
)
def test_any_other_spelling_is_no_id(text: str) -> None:
    assert parse_id(text) is None
