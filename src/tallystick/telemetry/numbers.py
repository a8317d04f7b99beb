"""Counters and histograms of one process, and the file in which the others of this machine read them.

A process counts in dicts of its own. Every few seconds it writes all of them to a file of its own in the data
directory; whoever is asked for `/metrics` adds up the files. What a process counted stays counted when it ends, until
the server is started anew.
"""

from __future__ import annotations

import contextlib
import os
import threading
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Literal, NamedTuple

import msgspec
from msgspec import Struct

from tallystick.telemetry.work import Work
from tallystick.values.ids import new_id

KEEP_SECONDS: Final = 2.0
"""How often a process writes its numbers down: they are that old at most where another process is asked."""
REQUEST_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds, in seconds."""
WAIT_BUCKETS: Final = (0.0001, 0.001, 0.01, 0.1, 1.0, 10.0)
JOB_BUCKETS: Final = (0.01, 0.1, 1.0, 10.0, 60.0, 600.0)

Key = tuple[str, ...]
"""The name of a family, and the value of each of its labels."""


class Family(NamedTuple):
    """A metric: what it counts, and by what."""

    help: str
    labels: tuple[str, ...] = ()
    kind: Literal["counter", "histogram", "gauge"] = "counter"
    buckets: tuple[float, ...] = ()


COUNTED: Final[Mapping[str, Family]] = {
    "tallystick_requests": Family("Requests answered.", ("api", "operation", "status")),
    "tallystick_request_seconds": Family("Until an answer was made.", ("api",), "histogram", REQUEST_BUCKETS),
    "tallystick_connection_wait_seconds": Family(
        "What a request waited for a database connection.", (), "histogram", WAIT_BUCKETS
    ),
    "tallystick_connection_refusals": Family("Times that no database connection was to be had."),
    "tallystick_statements": Family("Statements sent to the database.", ("by",)),
    "tallystick_round_trips": Family("Round trips to the database.", ("by",)),
    "tallystick_database_seconds": Family("Seconds waited for the database's answers.", ("by",)),
    "tallystick_slow_statements": Family("Round trips over TALLYSTICK_SLOW_QUERY_MS."),
    "tallystick_jobs_done": Family("Jobs that were run.", ("task", "outcome")),
    "tallystick_job_seconds": Family("What a job took.", ("task",), "histogram", JOB_BUCKETS),
    "tallystick_mails": Family("Attempts to hand a mail over.", ("outcome",)),
    "tallystick_webhook_deliveries": Family("Requests to receivers of webhooks.", ("outcome",)),
}
"""What processes count. A counter's name ends with `_total` where it is shown."""


class Times(Struct):
    """A histogram: how many fell into each bucket, those over the last bound at the end, and their sum in seconds."""

    counts: list[int]
    seconds: float = 0.0

    def add(self, other: Times) -> None:
        self.counts = [mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)]
        self.seconds += other.seconds


class Seen(Struct):
    """The numbers of a process at a moment, or of several together."""

    counts: list[tuple[Key, float]]
    times: list[tuple[Key, Times]]


class _Requests:
    """What requests of one kind came to."""

    __slots__ = ("seconds", "spent", "times", "waited", "waits")

    def __init__(self) -> None:
        self.times = [0] * (len(REQUEST_BUCKETS) + 1)
        self.seconds = 0.0
        self.waits = [0] * (len(WAIT_BUCKETS) + 1)
        self.waited = 0.0
        self.spent = [0, 0, 0.0]
        """Statements, round trips, seconds of the database."""


class Numbers:
    """One for a process. Threads may count at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: dict[tuple[str, str, str], _Requests] = {}
        self._counts: dict[Key, float] = {}
        self._times: dict[Key, Times] = {}

    def count(self, *key: str, by: float = 1) -> None:
        """Count something: the family, and the values of its labels."""
        with self._lock:
            self._counts[key] = self._counts.get(key, 0) + by

    def answered(self, work: Work, operation: str, status: str, seconds: float) -> None:
        """A request is over. Every request comes through here: it is summed up when somebody asks."""
        key = (work.api, operation, status)
        with self._lock:
            one = self._requests.get(key)
            if one is None:
                one = self._requests[key] = _Requests()
            one.times[bisect_left(REQUEST_BUCKETS, seconds)] += 1
            one.seconds += seconds
            if work.trips:
                one.waits[bisect_left(WAIT_BUCKETS, work.waited)] += 1
                one.waited += work.waited
                spent = one.spent
                spent[0] += work.statements
                spent[1] += work.trips
                spent[2] += work.database_seconds

    def worked(self, work: Work, task: str, outcome: str, seconds: float) -> None:
        """A job is over."""
        self.count("tallystick_jobs_done", task, outcome)
        for name, amount in zip(_SPENT, (work.statements, work.trips, work.database_seconds), strict=True):
            self.count(name, "job", by=amount)
        with self._lock:
            key = ("tallystick_job_seconds", task)
            times = self._times.setdefault(key, Times([0] * (len(JOB_BUCKETS) + 1)))
            times.counts[bisect_left(JOB_BUCKETS, seconds)] += 1
            times.seconds += seconds

    def seen(self) -> Seen:
        """The numbers now."""
        with self._lock:
            counts: list[tuple[Key, float]] = list(self._counts.items())
            times = [(key, Times(list(one.counts), one.seconds)) for key, one in self._times.items()]
            for (api, operation, status), one in self._requests.items():
                counts.append((("tallystick_requests", api, operation, status), sum(one.times)))
                counts += [((name, "request"), amount) for name, amount in zip(_SPENT, one.spent, strict=True)]
                times.append((("tallystick_request_seconds", api), Times(list(one.times), one.seconds)))
                times.append((("tallystick_connection_wait_seconds",), Times(list(one.waits), one.waited)))
        return _sum([Seen(counts, times)])


numbers: Final = Numbers()
"""Those of this process."""


class Ledger:
    """The folder in which the processes of a machine write their numbers down, each in a file of its own."""

    def __init__(self, folder: Path, counted: Numbers = numbers) -> None:
        self._folder = folder
        self._counted = counted
        self._mine = f"{new_id()}.json"
        self._kept = b""
        self._lock = threading.Lock()

    def clear(self) -> None:
        """Begin anew, before the processes of a server are started."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in self._folder.iterdir():
            path.unlink(missing_ok=True)

    def keep(self) -> None:
        """Write the numbers of this process down, if there are new ones."""
        with self._lock:
            text = msgspec.json.encode(self._counted.seen())
            if text == self._kept:
                return
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            begun = self._folder / f"{self._mine}.new"
            begun.write_bytes(text)
            os.replace(begun, self._folder / self._mine)  # noqa: PTH105 - readers see the old file or the new one
            self._kept = text

    def together(self) -> Seen:
        """The numbers of all processes: this one's as they are now, those of others as they were last written down.

        What is told is written down first: whichever process is asked next, no number is lower then.
        """
        self.keep()
        return _sum(self._files())

    def _files(self) -> Iterable[Seen]:
        for path in sorted(self._folder.glob("*.json")):
            with contextlib.suppress(OSError, msgspec.MsgspecError):
                yield msgspec.json.decode(path.read_bytes(), type=Seen)


def _sum(seen: Iterable[Seen]) -> Seen:
    counts: dict[Key, float] = {}
    times: dict[Key, Times] = {}
    for one in seen:
        for key, value in one.counts:
            counts[key] = counts.get(key, 0) + value
        for key, found in one.times:
            if key in times:
                times[key].add(found)
            else:
                times[key] = Times(list(found.counts), found.seconds)
    return Seen(sorted(counts.items()), sorted(times.items(), key=lambda pair: pair[0]))


_SPENT: Final = ("tallystick_statements", "tallystick_round_trips", "tallystick_database_seconds")
