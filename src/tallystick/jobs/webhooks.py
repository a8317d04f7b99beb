"""Webhooks on their way: a thread that looks what is due, and as many as are needed that carry it."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Final

import psycopg
from psycopg_pool import PoolTimeout, TooManyRequests

from tallystick import __version__
from tallystick.api.native.webhook_bodies import compose
from tallystick.db.session import Connection, owner_connection
from tallystick.domain.webhooks import sending
from tallystick.domain.webhooks.sending import AT_ONCE, Claimed
from tallystick.jobs.desk import Desk
from tallystick.telemetry.numbers import numbers
from tallystick.values.webhooks import Attempt

LOOK_SECONDS: Final = 0.2
"""How often it looks where there are endpoints; what is being carried wakes it as well."""
IDLE_SECONDS: Final = 2.0
"""How often it looks whether there is an endpoint at all."""
TROUBLE_SECONDS: Final = 2.0
SETTLE_TRIES: Final = 5
FINISH_SECONDS: Final = 12.0
"""How long a stop waits for requests that are under way; what is not written down by then is sent once more."""
UNREADABLE: Final = Attempt(
    None, 0, error="The secret was locked up with another server's key. Rotate it, and this can be sent."
)
_FIXED: Final = {"Content-Type": "application/json", "User-Agent": f"Tallystick/{__version__}"}
_ANY_ENDPOINT: Final = "SELECT EXISTS (SELECT FROM webhook_endpoints WHERE deleted_at IS NULL)"

log = logging.getLogger("tallystick.webhooks")


class Dispatcher:
    """One for a worker process."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._woken = threading.Event()
        self._carrying: set[Future[None]] = set()
        self._carriers = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhook")
        self._connection: Connection | None = None

    def run(self) -> None:
        """Until the worker is told to stop."""
        try:
            while not self._desk.leaving.is_set():
                pause = LOOK_SECONDS
                try:
                    busy = self.look()
                    pause = 0.0 if busy else LOOK_SECONDS if self._carrying or self._any() else IDLE_SECONDS
                except (psycopg.Error, PoolTimeout, TooManyRequests) as error:
                    log.warning("webhooks have to wait: %s", error)
                    self._let_go()
                    pause = TROUBLE_SECONDS
                except Exception:
                    log.exception("webhooks have to wait")
                    self._let_go()
                    pause = TROUBLE_SECONDS
                self._pause(pause)
        finally:
            self._leave()

    def drain(self) -> None:
        """Do all that can be done now."""
        try:
            while self.look() or self._carrying:
                wait(self._carrying)
                self._done()
        finally:
            self._leave()

    def wake(self) -> None:
        """Look now."""
        self._woken.set()

    def look(self) -> bool:
        """Make deliveries of what happened, and have those carried that are due. True: there may be more at once."""
        connection = self._owner()
        made = 0
        for workspace_id in sending.behind(connection):
            with self._desk.workspace(workspace_id) as ctx:
                made += sending.fan_out(ctx, compose)
        connection.commit()
        self._done()
        free = AT_ONCE - len(self._carrying)
        claimed = sending.claim(connection, self._desk.clock(), free) if free > 0 else []
        connection.commit()
        for one in claimed:
            carrying = self._carriers.submit(self._carry, one)
            self._carrying.add(carrying)
            carrying.add_done_callback(lambda _: self._woken.set())
        return bool(made) or bool(claimed)

    def _carry(self, claimed: Claimed) -> None:
        desk = self._desk
        at = desk.clock()
        headers = claimed.headers(desk.server.key, at)
        courier = desk.server.courier
        if headers is None or courier is None:
            attempt = UNREADABLE
        else:
            attempt = courier.take(claimed.url, {**_FIXED, **headers}, claimed.body)
        numbers.count("tallystick_webhook_deliveries", _outcome(attempt))
        for number in range(SETTLE_TRIES):
            try:
                sending.settle(desk.opens(claimed.workspace_id), claimed, attempt, at)
            except (psycopg.OperationalError, PoolTimeout, TooManyRequests) as error:
                log.warning("an attempt cannot be written down: %s", error)
                time.sleep(0.05 * 4**number)  # its lease ends by itself, and then it is sent once more
            except Exception:
                log.exception("an attempt cannot be written down")
                return
            else:
                return

    def _done(self) -> None:
        self._carrying = {one for one in self._carrying if not one.done()}

    def _any(self) -> bool:
        found = self._owner().execute(_ANY_ENDPOINT).fetchone()
        self._owner().commit()
        return found == (True,)

    def _pause(self, seconds: float) -> None:
        """For so long, or until something that was carried has arrived."""
        if seconds > 0:
            self._woken.wait(seconds)
        self._woken.clear()

    def _owner(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = owner_connection(self._desk.owner_url)
        return self._connection

    def _let_go(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                self._connection.close()
            self._connection = None

    def _leave(self) -> None:
        wait(self._carrying, timeout=FINISH_SECONDS)
        self._carriers.shutdown(wait=False, cancel_futures=True)
        self._let_go()


def _outcome(attempt: Attempt) -> str:
    if attempt.delivered:
        return "delivered"
    return "unreachable" if attempt.status is None else "refused"


@contextlib.contextmanager
def carrying(desk: Desk) -> Generator[None]:
    """Webhooks are carried for the length of the block."""
    dispatcher = Dispatcher(desk)
    thread = threading.Thread(target=dispatcher.run, name="webhooks", daemon=True)
    thread.start()
    try:
        yield
    finally:
        desk.leaving.set()
        dispatcher.wake()
        thread.join(FINISH_SECONDS + 1)


def deliver_due(desk: Desk) -> None:
    """Carry all that can be carried now."""
    Dispatcher(desk).drain()
