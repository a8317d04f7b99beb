"""Limits are exact across threads, forks and processes, and survive whatever happens to the file or the clock."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.auth import rate_limits
from tallystick.auth.rate_limits import Policy, RateLimits, address_key, headers

STUDIO = Policy(burst=30, burst_window=10, sustained=600, sustained_window=60)
NOON = 1_800_000_000.0


class Clock:
    now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limits(tmp_path: Path, clock: Clock) -> Iterator[RateLimits]:
    opened = RateLimits(tmp_path / "limits", clock)
    yield opened
    opened.close()


def started(path: Path, how: str, takes: int = 0, quota: int = 1) -> subprocess.Popen[str]:
    hammer = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("hammer.py")), str(path), how, str(takes), str(quota)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert hammer.stdout is not None
    assert hammer.stdout.readline() == "ready\n"
    return hammer


def test_the_burst_is_refused_first_and_a_refusal_counts_nothing(limits: RateLimits, clock: Clock) -> None:
    for taken in range(30):
        verdict = limits.take("token:a", STUDIO)
        assert (verdict.allowed, verdict.remaining, verdict.retry_after, verdict.bucket) == (True, 599 - taken, 0, None)
    clock.now += 2.5
    for _ in range(100):
        refused = limits.take("token:a", STUDIO)
        assert (refused.allowed, refused.bucket, refused.retry_after, refused.remaining) == (False, "burst", 8, 570)
    clock.now += 7.5
    assert limits.take("token:a", STUDIO).remaining == 569


def test_the_sustained_quota_is_refused_until_its_window_is_over(limits: RateLimits, clock: Clock) -> None:
    for _ in range(20):
        for _ in range(30):
            assert limits.take("token:a", STUDIO).allowed
        clock.now += 10 if clock.now < NOON + 50 else 0
        if clock.now == NOON + 50:
            break
    policy = STUDIO._replace(sustained=150)
    refused = limits.take("token:a", policy)
    assert (refused.allowed, refused.bucket, refused.retry_after) == (False, "sustained", 10)
    assert (refused.limit, refused.remaining, refused.reset) == (150, 0, int(NOON) + 60)
    clock.now = refused.reset
    assert limits.take("token:a", policy).remaining == 149


def test_when_both_are_used_up_the_longer_wait_is_told(limits: RateLimits) -> None:
    policy = Policy(1, 10, 1, 60)
    assert limits.take("token:a", policy).allowed
    refused = limits.take("token:a", policy)
    assert (refused.bucket, refused.retry_after) == ("sustained", 60)


def test_looking_does_not_count(limits: RateLimits) -> None:
    policy = Policy(0, 0, 2, 60)
    assert [limits.peek("token:a", policy).remaining for _ in range(5)] == [2] * 5
    limits.take("token:a", policy)
    assert limits.peek("token:a", policy).remaining == 1
    limits.take("token:a", policy)
    seen = limits.peek("token:a", policy)
    assert (seen.allowed, seen.retry_after, seen.bucket) == (False, 60, "sustained")


def test_a_quota_of_nought_is_switched_off(limits: RateLimits) -> None:
    off = Policy(0, 10, 0, 60)
    assert all(limits.take("token:a", off).allowed for _ in range(100))
    assert headers(limits.take("token:a", off), off) == []
    burst_only = Policy(2, 10, 0, 0)
    assert [limits.take("token:b", burst_only).allowed for _ in range(3)] == [True, True, False]
    assert limits.peek("token:b", burst_only).limit == 2


def test_keys_do_not_share_a_quota(limits: RateLimits) -> None:
    policy = Policy(0, 0, 1, 60)
    keys = [f"token:{number:012x}" for number in range(500)]
    assert all(limits.take(key, policy).allowed for key in keys)
    assert not any(limits.take(key, policy).allowed for key in keys)


@settings(deadline=None)
@given(
    st.builds(Policy, st.integers(0, 4), st.integers(1, 5), st.integers(1, 12), st.integers(1, 12)),
    st.lists(st.integers(0, 4_000) | st.just(0), min_size=1, max_size=80),
)
def test_any_walk_through_time_keeps_to_the_quota(
    tmp_path_factory: pytest.TempPathFactory, policy: Policy, pauses: list[int]
) -> None:
    clock, later = Clock(), Clock()
    limits = RateLimits(tmp_path_factory.getbasetemp() / "walked", clock)
    patient = RateLimits(tmp_path_factory.getbasetemp() / "walked", later)
    key = f"token:{os.urandom(8).hex()}"
    now, burst, sustained = int(NOON) * 1000, Window(*policy[:2]), Window(*policy[2:])
    for pause in pauses:
        now += pause
        clock.now = now / 1000
        verdict = limits.take(key, policy)
        assert verdict.allowed == (burst.has_room(now) and sustained.has_room(now))
        if verdict.allowed:
            burst.count(now)
            sustained.count(now)
        else:
            later.now = clock.now + verdict.retry_after
            assert patient.peek(key, policy).allowed
        assert verdict.remaining == policy.sustained - sustained.used(now)
    limits.close()
    patient.close()


class Window:
    """The model: requests counted since the first one of the window, in milliseconds."""

    def __init__(self, limit: int, seconds: int) -> None:
        self.limit, self.length = limit, seconds * 1000
        self.counted: list[int] = []

    def used(self, now: int) -> int:
        return len(self.counted) if self.counted and now - self.counted[0] < self.length else 0

    def has_room(self, now: int) -> bool:
        return not self.limit or self.used(now) < self.limit

    def count(self, now: int) -> None:
        self.counted = [*self.counted, now] if self.used(now) else [now]


def test_a_clock_set_back_a_little_opens_no_new_window_and_set_back_far_locks_nobody_out(
    limits: RateLimits, clock: Clock
) -> None:
    policy = Policy(0, 0, 1, 60)
    assert limits.take("token:a", policy).allowed
    clock.now -= 5
    assert not limits.take("token:a", policy).allowed
    clock.now -= 3600
    assert limits.take("token:a", policy).allowed


def test_eight_processes_get_exactly_the_quota_between_them(tmp_path: Path) -> None:
    hammers = [started(tmp_path / "limits", "spawn", takes=2_000, quota=4_000) for _ in range(8)]
    for hammer in hammers:
        assert hammer.stdin is not None
        hammer.stdin.write("go\n")
        hammer.stdin.flush()
    assert sum(int(hammer.communicate(timeout=120)[0]) for hammer in hammers) == 4_000


@pytest.mark.parametrize("how", ["threads", "fork"])
def test_eight_threads_or_forks_get_exactly_the_quota_between_them(tmp_path: Path, how: str) -> None:
    hammer = started(tmp_path / "limits", how, takes=1_000, quota=3_000)
    assert hammer.communicate("go\n", timeout=120)[0] == "3000\n"


def test_two_tables_on_one_file_in_one_process_count_together(tmp_path: Path, clock: Clock) -> None:
    one, other = RateLimits(tmp_path / "limits", clock), RateLimits(tmp_path / "limits", clock)
    policy = Policy(0, 0, 3, 60)
    assert [table.take("token:a", policy).remaining for table in (one, other, one)] == [2, 1, 0]
    one.close()
    assert not other.take("token:a", policy).allowed
    other.close()


def test_a_process_killed_while_it_holds_the_lock_leaves_it_free(limits: RateLimits, tmp_path: Path) -> None:
    holder = started(tmp_path / "limits", "hold")
    holder.kill()
    holder.communicate(timeout=60)
    assert limits.take("token:a", STUDIO).allowed


@pytest.mark.parametrize("how_long", ["empty", "short", "long", "exact"])
def test_a_file_that_is_no_table_becomes_an_empty_one(tmp_path: Path, clock: Clock, how_long: str) -> None:
    size = {"empty": 0, "short": 100, "long": rate_limits._FILE_BYTES + 5, "exact": rate_limits._FILE_BYTES}[how_long]
    path = tmp_path / "limits"
    path.write_bytes(b"\xff" * size)
    limits = RateLimits(path, clock)
    assert path.stat().st_size == rate_limits._FILE_BYTES
    assert path.read_bytes().startswith(rate_limits._MAGIC)
    assert not any(path.read_bytes()[rate_limits._HEADER_BYTES :])
    assert limits.take("token:a", STUDIO).remaining == 599
    limits.close()


def test_a_table_cut_short_starts_afresh(tmp_path: Path, clock: Clock) -> None:
    RateLimits(tmp_path / "limits", clock).close()
    os.truncate(tmp_path / "limits", 5_000)
    limits = RateLimits(tmp_path / "limits", clock)
    assert limits.take("token:a", STUDIO).remaining == 599
    limits.close()


def test_rubbish_in_the_slots_is_outlived(limits: RateLimits, tmp_path: Path) -> None:
    with (tmp_path / "limits").open("r+b") as table:
        table.seek(rate_limits._HEADER_BYTES)
        table.write(b"\x7f" * (rate_limits._FILE_BYTES - rate_limits._HEADER_BYTES))
    policy = Policy(0, 0, 2, 60)
    assert [limits.take("token:a", policy).allowed for _ in range(3)] == [True, True, False]


def test_counts_outlive_the_process_that_made_them(tmp_path: Path, clock: Clock) -> None:
    for remaining in (599, 598):
        limits = RateLimits(tmp_path / "limits", clock)
        assert limits.take("token:a", STUDIO).remaining == remaining
        limits.close()


def test_only_the_owner_may_read_the_file_and_a_link_is_not_followed(limits: RateLimits, tmp_path: Path) -> None:
    assert (tmp_path / "limits").stat().st_mode & 0o777 == 0o600
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError):
        RateLimits(tmp_path / "link")
    assert not (tmp_path / "elsewhere").exists()


def test_a_full_bucket_gives_away_the_slot_that_ends_first(
    limits: RateLimits, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limits, "_BUCKETS", 1)
    policy = Policy(0, 0, 1, 60)
    for number in range(9):
        clock.now += 1
        assert limits.take(f"token:{number}", policy).allowed
    assert [limits.peek(f"token:{number}", policy).allowed for number in range(9)] == [True] + [False] * 8


def test_the_headers_tell_both_quotas_the_one_nearer_to_empty_first(limits: RateLimits, clock: Clock) -> None:
    for _ in range(17):
        limits.take("token:a", STUDIO)
        clock.now += 0.5
    assert headers(limits.peek("token:a", STUDIO), STUDIO) == [
        ("X-RateLimit-Limit", "600"),
        ("X-RateLimit-Remaining", "583"),
        ("X-RateLimit-Reset", str(int(NOON) + 60)),
        ("RateLimit-Policy", '"burst";q=30;w=10, "sustained";q=600;w=60'),
        ("RateLimit", '"burst";r=13;t=2, "sustained";r=583;t=52'),
    ]
    clock.now += 10
    policy = STUDIO._replace(sustained=17)
    refused = limits.take("token:a", policy)
    told = dict(headers(refused, policy))
    assert told["RateLimit"] == '"sustained";r=0;t=42, "burst";r=30;t=10'
    assert told["Retry-After"] == "42"


@pytest.mark.parametrize(
    ("ip", "key"),
    [
        ("192.0.2.7", "address:192.0.2.7"),
        ("::ffff:192.0.2.7", "address:192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "address:2001:db8:1:2::/64"),
        ("2001:0DB8:0001:0002::", "address:2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "address:2001:db8:1:3::/64"),
        ("fe80::1%eth0", "address:fe80::/64"),
        ("::1", "address:::/64"),
        ("", "address:unknown"),
        ("unix:", "address:unknown"),
        ("192.0.2.07", "address:unknown"),
        ("x" * 10_000, "address:unknown"),
    ],
)
def test_an_address_is_counted_as_one_subscriber(ip: str, key: str) -> None:
    assert address_key(ip) == key


def test_a_key_of_any_text_can_be_counted(limits: RateLimits) -> None:
    assert limits.take("token:\ud800", STUDIO).allowed
    assert limits.take("x" * 100_000, STUDIO).allowed
