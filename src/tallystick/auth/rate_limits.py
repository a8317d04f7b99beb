"""How often one credential or address may ask: counted in a file that all processes of the machine share.

The file is a hash table of fixed size, mapped into memory. It is changed under a lock of the file, which the kernel
takes back when its holder dies, and a thread lock, because the kernel's counts for a process, not a thread.
"""

import ctypes
import fcntl
import hashlib
import mmap
import os
import secrets
import struct
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

QuotaName: TypeAlias = Literal["burst", "sustained"]

_MAGIC = b"tallystick-lim1\n"
_SALT = slice(16, 32)
_HEADER_BYTES = 64
_SLOTS = 65_536
_SLOTS_A_BUCKET = 8
_BUCKETS = _SLOTS // _SLOTS_A_BUCKET

# digest of the key; in milliseconds: start of burst, start of sustained, end of the later one; counts of both
_SLOT = struct.Struct("<16sqqqII")
_BUCKET_BYTES = _SLOTS_A_BUCKET * _SLOT.size
_FILE_BYTES = _HEADER_BYTES + _BUCKETS * _BUCKET_BYTES


class Policy(NamedTuple):
    """So many requests in so many seconds, twice; 0 requests switches that quota off."""

    burst: int
    burst_window: int
    sustained: int
    sustained_window: int


class Quota(NamedTuple):
    """One of the two as it stands now: `remaining` of `limit`, full again after `seconds`, at Unix time `reset`."""

    name: QuotaName
    limit: int
    window: int
    remaining: int
    seconds: int
    reset: int


class Verdict(NamedTuple):
    """Whether to answer; `limit`, `remaining` and `reset` are the sustained quota's, or those of the only one.

    `retry_after` is 0 unless refused, and `bucket` names the quota that refused.
    """

    allowed: bool
    limit: int
    remaining: int
    reset: int
    retry_after: int
    bucket: QuotaName | None
    quotas: tuple[Quota, ...]


_UNLIMITED = Verdict(allowed=True, limit=0, remaining=0, reset=0, retry_after=0, bucket=None, quotas=())


class RateLimits:
    """Fixed windows, each beginning with the first request counted in it, exact across processes.

    When all eight slots of a bucket are taken, the one that ends first is given away: its key starts afresh.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._file = _opened(path)
        self._map = mmap.mmap(self._file, _FILE_BYTES)

    def take(self, key: str, policy: Policy) -> Verdict:
        """Count one request of this key, unless a quota is used up; a refused request counts nothing."""
        return self._judge(key, policy, counting=True)

    def peek(self, key: str, policy: Policy) -> Verdict:
        """How the key stands, without counting: whether the next request would be allowed."""
        return self._judge(key, policy, counting=False)

    def close(self) -> None:
        """Let go of the file, between two counts: closing it drops every lock this process has on it (fcntl(2))."""
        with _threads:
            self._map.close()
            os.close(self._file)

    def _judge(self, key: str, policy: Policy, *, counting: bool) -> Verdict:
        if not policy.burst and not policy.sustained:
            return _UNLIMITED
        digest = hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=16, key=self._map[_SALT]).digest()
        start = _HEADER_BYTES + int.from_bytes(digest[:4], "little") % _BUCKETS * _BUCKET_BYTES
        with _held(self._file):
            # Read under the lock, so that nobody comes with a time older than the one written.
            now = round(self._clock() * 1000)
            at, burst_start, burst, sustained_start, sustained = _looked_up(self._map, start, digest)
            burst_start, burst = _window(burst_start, burst, policy.burst_window * 1000, now)
            sustained_start, sustained = _window(sustained_start, sustained, policy.sustained_window * 1000, now)
            allowed = not (0 < policy.burst <= burst or 0 < policy.sustained <= sustained)
            if allowed and counting:
                burst += policy.burst > 0
                sustained += policy.sustained > 0
                end = max(burst_start + policy.burst_window * 1000, sustained_start + policy.sustained_window * 1000)
                # The whole slot in one copy, so that a process killed here cannot leave a key with another's counts.
                self._map[at : at + _SLOT.size] = _SLOT.pack(
                    digest, burst_start, sustained_start, end, burst, sustained
                )
        quotas: tuple[Quota, ...] = ()
        if policy.burst:
            quotas += (_quota("burst", policy.burst, policy.burst_window, burst, start=burst_start, now=now),)
        if policy.sustained:
            window = policy.sustained_window
            quotas += (_quota("sustained", policy.sustained, window, sustained, start=sustained_start, now=now),)
        return _verdict(allowed, quotas)


def address_key(ip: str) -> str:
    """The key of a caller without a credential: an IPv4 address, or the /64 that one IPv6 subscriber has."""
    return _address_key(ip[:64])


def headers(verdict: Verdict, policy: Policy) -> list[tuple[str, str]]:
    """The headers of every answer: X-RateLimit-*, the IETF draft's RateLimit fields, Retry-After when refused."""
    if not verdict.quotas:
        return []
    fullest_last = sorted(verdict.quotas, key=lambda quota: quota.remaining / quota.limit)
    found = [
        ("X-RateLimit-Limit", str(verdict.limit)),
        ("X-RateLimit-Remaining", str(verdict.remaining)),
        ("X-RateLimit-Reset", str(verdict.reset)),
        ("RateLimit-Policy", _policy_text(policy)),
        ("RateLimit", ", ".join(f'"{quota.name}";r={quota.remaining};t={quota.seconds}' for quota in fullest_last)),
    ]
    if not verdict.allowed:
        found.append(("Retry-After", str(verdict.retry_after)))
    return found


def _opened(path: Path) -> int:
    """A descriptor of the table; a file that is none is made into an empty one."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with _held(file):
        if os.fstat(file).st_size != _FILE_BYTES or os.pread(file, len(_MAGIC), 0) != _MAGIC:
            # In place, for others may have it mapped; written out, for a hole on a full disk would kill the process
            # that touches it; and the magic word last, for we may be killed before that.
            os.truncate(file, _FILE_BYTES)
            with os.fdopen(file, "r+b", closefd=False) as table:
                table.write(bytes(_FILE_BYTES))
            os.pwrite(file, secrets.token_bytes(_SALT.stop - _SALT.start), _SALT.start)
            os.pwrite(file, _MAGIC, 0)
            os.lseek(file, 0, os.SEEK_SET)  # where the lock begins
    return file


class _held:  # noqa: N801 - read as `with _held(file):`
    """The lock of a file, for as long as the block lasts; a generator would take longer than that."""

    __slots__ = ("_file",)

    def __init__(self, file: int) -> None:
        self._file = file

    def __enter__(self) -> None:
        _threads.acquire()
        try:
            if _lockf(self._file, _TRY_TO_LOCK, 0) != 0:
                fcntl.lockf(self._file, fcntl.LOCK_EX)
        except BaseException:
            _threads.release()
            raise

    def __exit__(self, *_: object) -> None:
        _lockf(self._file, _UNLOCK, 0)
        _threads.release()


# lockf(3), called without letting go of the interpreter: `fcntl.lockf` does let go of it, and under load that costs
# many times what the lock does. So here nobody waits; who has to, waits there.
_lockf = ctypes.PyDLL(None).lockf
_lockf.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_long)
_UNLOCK, _TRY_TO_LOCK = 0, 2

# One for every table: to the kernel, two tables on one file are the same owner and do not exclude each other.
_threads = threading.Lock()


def _forget_the_lock() -> None:
    # A fork may happen while another thread holds the lock, which nobody would ever release in the child.
    global _threads  # noqa: PLW0603 - there is one for the process
    _threads = threading.Lock()


os.register_at_fork(after_in_child=_forget_the_lock)


def _looked_up(table: mmap.mmap, start: int, digest: bytes) -> tuple[int, int, int, int, int]:
    """Where the key's slot is, its two windows and counts; for a new key, the slot that ended (or ends) first."""
    bucket = table[start : start + _BUCKET_BYTES]
    at = bucket.find(digest)
    if at >= 0 and at % _SLOT.size == 0:
        _, burst_start, sustained_start, _, burst, sustained = _SLOT.unpack_from(bucket, at)
        return start + at, burst_start, burst, sustained_start, sustained
    ends: list[int] = [slot[3] for slot in _SLOT.iter_unpack(bucket)]
    return start + ends.index(min(ends)) * _SLOT.size, 0, 0, 0, 0


def _window(start: int, count: int, length: int, now: int) -> tuple[int, int]:
    """The window now: still the one that began, or a new one once it is over or the clock was set far back."""
    return (start, count) if abs(now - start) < length else (now, 0)


def _quota(name: QuotaName, limit: int, window: int, used: int, *, start: int, now: int) -> Quota:
    end = start + window * 1000
    return Quota(name, limit, window, max(0, limit - used), -((now - end) // 1000), -(-end // 1000))


def _verdict(allowed: bool, quotas: tuple[Quota, ...]) -> Verdict:
    shown = quotas[-1]
    if allowed:
        return Verdict(allowed, shown.limit, shown.remaining, shown.reset, 0, None, quotas)
    empty = max((quota for quota in quotas if not quota.remaining), key=lambda quota: quota.seconds)
    return Verdict(allowed, shown.limit, shown.remaining, shown.reset, empty.seconds, empty.name, quotas)


@lru_cache(maxsize=256)
def _policy_text(policy: Policy) -> str:
    quotas = (
        ("burst", policy.burst, policy.burst_window),
        ("sustained", policy.sustained, policy.sustained_window),
    )
    return ", ".join(f'"{name}";q={limit};w={window}' for name, limit, window in quotas if limit)


@lru_cache(maxsize=4096)
def _address_key(ip: str) -> str:
    try:
        address = ip_address(ip)
    except ValueError:
        return "address:unknown"
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    if isinstance(address, IPv4Address):
        return f"address:{address}"
    return f"address:{IPv6Address(int(address) >> 64 << 64)}/64"
