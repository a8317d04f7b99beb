"""Promise B7: guessing is slowed down; nobody is locked out for ever or by strangers, or let in without cookies."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from tallystick.domain.sessions import ACCOUNT, ADDRESS, Count
from tallystick.values.errors import TooMany, Unauthenticated
from tests.sign_in.conftest import PASSWORD, Hashes, signed_in
from tests.studio import Studio

MINUTE = timedelta(minutes=1)
NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)


def fail(studio: Studio, who: str = "owner", **more: object) -> None:
    with pytest.raises(Unauthenticated):
        signed_in(studio, who, "wrong", **more)


def wait_told(studio: Studio, who: str = "owner", password: str = PASSWORD, **more: object) -> timedelta:
    with pytest.raises(TooMany) as refused:
        signed_in(studio, who, password, **more)
    return timedelta(seconds=refused.value.retry_after)


def elsewhere(number: int) -> dict[str, object]:
    return {"address": f"198.51.100.{number}"}


# --- the arithmetic


def test_the_wait_doubles_from_a_minute_to_a_quarter_of_an_hour() -> None:
    count, now = Count(0, NOON), NOON
    waits = []
    for _ in range(16):
        count = count.with_failure(now, ACCOUNT)
        waits.append(count.wait(now) // MINUTE)
        now += count.wait(now)
    assert waits == [0] * 9 + [1, 2, 4, 8, 15, 15, 15]


def test_ten_failures_in_a_longer_time_are_nothing() -> None:
    count, now = Count(0, NOON), NOON
    for _ in range(50):
        count = count.with_failure(now, ACCOUNT)
        now += 2 * MINUTE
    assert count.blocked_until is None


def test_a_quarter_of_an_hour_without_failures_forgets_them() -> None:
    count = Count(12, NOON, NOON + MINUTE)
    assert count.with_failure(NOON + 15 * MINUTE, ACCOUNT).failures == 13
    assert count.with_failure(NOON + 16 * MINUTE, ACCOUNT) == Count(1, NOON + 16 * MINUTE)


def test_an_address_waits_a_quarter_of_an_hour_and_begins_anew() -> None:
    count = Count(0, NOON)
    for _ in range(30):
        assert count.wait(NOON) == timedelta(0)
        count = count.with_failure(NOON, ADDRESS)
    assert count.wait(NOON) == 15 * MINUTE
    assert count.with_failure(NOON + 15 * MINUTE, ADDRESS).failures == 1


def test_a_failure_taken_back_takes_its_wait_back() -> None:
    nine = Count(9, NOON)
    assert nine.with_failure(NOON, ACCOUNT).without_failure(ACCOUNT) == nine
    assert Count(0, NOON).without_failure(ACCOUNT).failures == 0


def test_years_of_failures_wait_no_longer() -> None:
    assert Count(100_000, NOON, NOON).with_failure(NOON, ACCOUNT).wait(NOON) == 15 * MINUTE


# --- at the door


def test_after_ten_failures_even_the_right_password_waits_and_then_works(with_password: Studio) -> None:
    for _ in range(10):
        fail(with_password)
    assert wait_told(with_password) == MINUTE
    with_password.clock.now += MINUTE - timedelta(seconds=1)
    assert wait_told(with_password) == timedelta(seconds=1)
    with_password.clock.now += timedelta(seconds=1)
    assert signed_in(with_password).jwt


def test_waiting_is_not_counted_as_failing(with_password: Studio) -> None:
    for _ in range(10):
        fail(with_password)
    for _ in range(5):
        wait_told(with_password, password="wrong")
    with_password.clock.now += MINUTE
    fail(with_password)
    assert wait_told(with_password) == 2 * MINUTE


def test_who_signs_in_begins_anew(with_password: Studio) -> None:
    for _ in range(3):
        for _ in range(9):
            fail(with_password, **elsewhere(1))
        signed_in(with_password, **elsewhere(2))


def test_a_stranger_cannot_lock_out_the_owners_own_browser(with_password: Studio) -> None:
    device = signed_in(with_password).device
    for _ in range(10):
        fail(with_password, **elsewhere(9))
    assert wait_told(with_password)
    assert signed_in(with_password, device=device).jwt
    # and what the stranger failed at stays counted
    assert wait_told(with_password, **elsewhere(9))


def test_a_browser_is_slowed_down_too(with_password: Studio) -> None:
    device = signed_in(with_password).device
    for _ in range(10):
        fail(with_password, device=device)
    assert wait_told(with_password, device=device) == MINUTE
    assert signed_in(with_password).jwt  # others are not


def test_a_browsers_mark_is_good_for_its_account_only_and_for_a_year(with_password: Studio) -> None:
    device = signed_in(with_password, "member").device
    for _ in range(10):
        fail(with_password)
    assert wait_told(with_password, device=device)
    for forged in (device[:-1] + ("0" if device[-1] != "0" else "1"), "hsd_", device.upper(), device + "x", "é"):
        for _ in range(10):
            with contextlib.suppress(Unauthenticated, TooMany):
                signed_in(with_password, "member", "wrong", device=forged)
    assert wait_told(with_password, "member", device=None)
    assert signed_in(with_password, "member", device=device).jwt
    with_password.clock.now += timedelta(days=366)
    for _ in range(10):
        fail(with_password, "member", **elsewhere(3))
    assert wait_told(with_password, "member", device=device, **elsewhere(4))


def test_an_address_that_tries_many_accounts_waits(with_password: Studio) -> None:
    owner = with_password.owner.email
    for number in range(30):
        with_password.owner.email = f"nobody{number}@studio.example"
        fail(with_password, **elsewhere(1))
    with_password.owner.email = owner
    assert wait_told(with_password, **elsewhere(1)) == 15 * MINUTE
    assert signed_in(with_password, **elsewhere(2)).jwt


def test_signing_in_does_not_clear_the_address(with_password: Studio) -> None:
    for _ in range(4):
        for number in range(9):
            with contextlib.suppress(TooMany):
                fail(with_password, "member", **elsewhere(1))
            del number
        with contextlib.suppress(TooMany):
            signed_in(with_password, "member", **elsewhere(1))
    assert wait_told(with_password, **elsewhere(1)) == 15 * MINUTE


def test_an_account_that_does_not_exist_waits_the_same(with_password: Studio, hashes: Hashes) -> None:
    def answers(who: str) -> list[str]:
        found: list[str] = []
        for number in range(12):
            with pytest.raises((Unauthenticated, TooMany)) as refused:
                signed_in(with_password, who, "wrong", **elsewhere(number))
            found.append(f"{type(refused.value).__name__} {refused.value} {getattr(refused.value, 'retry_after', '')}")
        return found

    known = answers("owner")
    work = hashes.all
    with_password.people["ghost"] = with_password.people["second"]
    with_password.people["ghost"].email = f"ghost.{with_password.workspace_id[-6:]}@studio.example"
    assert answers("ghost") == known
    assert hashes.all == 2 * work == 20


def test_a_person_without_a_password_is_answered_as_a_stranger(with_password: Studio, hashes: Hashes) -> None:
    with pytest.raises(Unauthenticated) as theirs:
        signed_in(with_password, "second", "wrong")
    assert hashes.all == 1
    with pytest.raises(Unauthenticated) as known:
        signed_in(with_password, "owner", "wrong")
    assert str(theirs.value) == str(known.value)
    assert hashes.all == 2


@pytest.mark.parametrize("addresses", [1, 50])
@pytest.mark.parametrize("cookies", [False, True])
def test_of_a_thousand_guesses_few_are_heard(
    with_password: Studio, hashes: Hashes, addresses: int, cookies: bool
) -> None:
    """In a quarter of an hour: from one address or many, with made-up marks of browsers or without."""

    def guess(number: int) -> None:
        device = f"hsd_{number:032x}{number:010x}_{number:064x}" if cookies else None
        with contextlib.suppress(Unauthenticated, TooMany):
            signed_in(with_password, "owner", f"guess {number}", device=device, **elsewhere(number % addresses))

    with ThreadPoolExecutor(8) as crowd:
        for minute in range(15):
            list(crowd.map(guess, range(minute * 67, (minute + 1) * 67)))
            with_password.clock.now += MINUTE
    assert hashes.all <= 30
    assert hashes.all >= 10
    with_password.clock.now += 15 * MINUTE
    assert signed_in(with_password, **elsewhere(200)).jwt


def test_a_crowd_at_one_moment_is_counted(with_password: Studio, hashes: Hashes) -> None:
    def guess(number: int) -> None:
        with contextlib.suppress(Unauthenticated, TooMany):
            signed_in(with_password, "owner", "wrong", **elsewhere(number))

    with ThreadPoolExecutor(20) as crowd:
        list(crowd.map(guess, range(100)))
    assert hashes.all == 10


def test_counts_say_nothing_about_whom_and_go_away(with_password: Studio) -> None:
    fail(with_password)
    with with_password.database.transaction() as connection:
        rows = connection.execute(
            "SELECT key, failures FROM sign_in_counts WHERE forget_at > %s", [with_password.clock()]
        ).fetchall()
    assert rows
    assert not any(with_password.owner.email.encode() in key or b"192.0.2" in key for key, _ in rows)
    for number in range(60):
        with_password.clock.now += timedelta(hours=1)
        fail(with_password, **elsewhere(number))
    with with_password.database.transaction() as connection:
        left = connection.execute("SELECT count(*) FROM sign_in_counts").fetchone()
    assert left == (2,)
