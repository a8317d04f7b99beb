"""The worker beside the server: `tallystick worker` in a process of its own, started anew when it ends."""

from __future__ import annotations

import contextlib
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from typing import Final

from tallystick.server.upkeep import leave_signals_to_the_main_thread

STOP_SECONDS: Final = 30.0
PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE: Final = 60.0
HEALTHY_SECONDS: Final = 60.0
"""Whoever lived that long is started anew without a pause that grows."""

log = logging.getLogger("tallystick.server")


@contextlib.contextmanager
def kept_workers(count: int, begin: threading.Event) -> Generator[None]:
    """Keep so many workers once `begin` is set, until the end of the block. Their settings are our environment."""
    leaving = threading.Event()
    keepers = [threading.Thread(target=_keep, args=(begin, leaving), daemon=True) for _ in range(count)]
    for keeper in keepers:
        keeper.start()
    try:
        yield
    finally:
        leaving.set()
        begin.set()
        for keeper in keepers:
            keeper.join(STOP_SECONDS + PAUSE_SECONDS)


def _keep(begin: threading.Event, leaving: threading.Event) -> None:
    leave_signals_to_the_main_thread()
    begin.wait()
    pause = PAUSE_SECONDS
    while not leaving.is_set():
        started = time.monotonic()
        # Its standard input is a pipe whose other end only we hold: it ends with us, however we end.
        process = subprocess.Popen(
            [sys.executable, "-m", "tallystick", "worker", "--beside"], stdin=subprocess.PIPE, start_new_session=True
        )
        try:
            while process.poll() is None and not leaving.wait(0.2):
                pass
        finally:
            _end(process)
        if leaving.is_set():
            return
        pause = PAUSE_SECONDS if time.monotonic() - started > HEALTHY_SECONDS else min(pause * 2, LONGEST_PAUSE)
        log.error("the worker ended with %s; starting it anew", process.returncode)
        leaving.wait(pause)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdin is not None:
        process.stdin.close()
