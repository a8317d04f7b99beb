"""A process that takes from a shared limit and prints how many it got: `hammer.py FILE spawn|fork|threads|hold N MAX`.

It says "ready", waits for a line, and starts, so that all who were started together also take together.
"""

import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tallystick.auth import rate_limits
from tallystick.auth.rate_limits import Policy, RateLimits

WORKERS = 8
PATIENCE_SECONDS = 60  # a lock that is never given back ends the process, not the test run


def main(path: str, how: str, takes: int, quota: int) -> None:
    signal.alarm(PATIENCE_SECONDS)
    limits = RateLimits(Path(path), clock=lambda: 1_800_000_000.0)
    policy = Policy(0, 0, quota, 60)

    def hammer(_worker: int = 0) -> int:
        return sum(limits.take("token:shared", policy).allowed for _ in range(takes))

    if how == "hold":
        with rate_limits._held(limits._file):
            wait_for_a_line()
        return
    wait_for_a_line()
    if how == "spawn":
        print(hammer())
    elif how == "threads":
        sys.setswitchinterval(1e-6)
        with ThreadPoolExecutor(WORKERS) as pool:
            print(sum(pool.map(hammer, range(WORKERS))))
    elif how == "fork":
        print(sum(in_forks(hammer)))


def in_forks(hammer: Callable[[], int]) -> list[int]:
    """What eight children got that share one RateLimits, its descriptor and its map with their parent."""
    pipes: list[int] = []
    children: list[int] = []
    for _ in range(WORKERS):
        reading, writing = os.pipe()
        held = rate_limits._threads
        held.acquire()  # as if another thread were just counting
        child = os.fork()
        if child == 0:
            signal.alarm(PATIENCE_SECONDS)  # a fork does not inherit it
            os.write(writing, str(hammer()).encode())
            os._exit(0)
        held.release()
        os.close(writing)
        pipes.append(reading)
        children.append(child)
    got = [int(os.read(pipe, 20)) for pipe in pipes]
    for child in children:
        os.waitpid(child, 0)
    return got


def wait_for_a_line() -> None:
    print("ready", flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
