"""UUIDv7 identifiers (RFC 9562): sortable by creation, strictly rising within a process."""

import os
import re
import struct
import threading
import time

_CANONICAL = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)

_COUNTER_END = 1 << 12
_VARIANT = 0b10 << 62
_RANDOM = (1 << 62) - 1
_TAILS = struct.Struct("64Q")


def new_id() -> str:
    """A fresh id in canonical lower case, greater than every one this process made before."""
    return _sequence.draw()


def parse_id(text: str) -> str | None:
    """The canonical form of an id, or None; braces, `urn:` and missing dashes are not tolerated."""
    return text.lower() if _CANONICAL.fullmatch(text) else None


class _Sequence:
    """The last millisecond used and a 12-bit counter inside it (RFC 9562, section 6.2, method 1)."""

    __slots__ = ("_counter", "_lock", "_millisecond", "_random")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._millisecond = 0
        self._counter = 0
        self._random: list[int] = []

    def draw(self) -> str:
        try:
            tail = self._random.pop()
        except IndexError:
            # Many at a time: each call of the system lets another thread run, which costs more than the bytes.
            tail, *more = _TAILS.unpack(os.urandom(_TAILS.size))
            self._random += more
        with self._lock:
            now = time.time_ns() // 1_000_000
            if now > self._millisecond:
                self._millisecond = now
                self._counter = 0
            else:  # the same millisecond, or the clock went back: count on
                self._counter += 1
                if self._counter == _COUNTER_END:
                    self._millisecond += 1
                    self._counter = 0
            head = self._millisecond << 16 | 0x7000 | self._counter
        digits = f"{head:016x}{_VARIANT | tail & _RANDOM:016x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


_sequence = _Sequence()


def _forget_the_lock() -> None:
    # A fork may happen while another thread holds the lock, which nobody would ever release in the child.
    global _sequence  # noqa: PLW0603 - one sequence a process is the point
    _sequence = _Sequence()


os.register_at_fork(after_in_child=_forget_the_lock)
