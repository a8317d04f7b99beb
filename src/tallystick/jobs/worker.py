"""A worker: takes jobs from the queue until it is told to stop, and says so when it cannot go on."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable
from typing import Final

from tallystick.jobs.desk import AT_ONCE, Desk
from tallystick.jobs.queue import queue_of
from tallystick.jobs.webhooks import carrying, deliver_due

FINISH_SECONDS: Final = 25.0
"""How long an orderly stop waits for jobs that are being done."""
POLL_SECONDS: Final = 5.0
"""How often it looks by itself; new jobs are told of at once."""

log = logging.getLogger("tallystick.jobs")


def work(desk: Desk, *, ready: Callable[[], None] = lambda: None, wait: bool = True) -> bool:
    """Do what is in the queue. Answers True when it was stopped (SIGTERM, SIGINT), False when it cannot go on.

    `wait=False`: only what can be done now.
    """
    logging.getLogger("procrastinate").setLevel(logging.WARNING)  # it tells of every job that comes and goes
    with carrying(desk) if wait else contextlib.nullcontext():
        stopped = asyncio.run(_work(desk, ready, wait=wait))
    if not wait:
        deliver_due(desk)
    return stopped


async def _work(desk: Desk, ready: Callable[[], None], *, wait: bool) -> bool:
    app = queue_of(desk)
    loop = asyncio.get_running_loop()
    stopped = False
    async with app.open_async():
        running = asyncio.create_task(
            app.run_worker_async(
                wait=wait,
                concurrency=AT_ONCE,
                fetch_job_polling_interval=POLL_SECONDS,
                shutdown_graceful_timeout=FINISH_SECONDS,
                delete_jobs="successful",
                install_signal_handlers=False,
                listen_notify=wait,
            )
        )

        def stop() -> None:
            nonlocal stopped
            stopped = True
            desk.leaving.set()
            running.cancel()

        if wait:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, stop)
        ready()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    return stopped
