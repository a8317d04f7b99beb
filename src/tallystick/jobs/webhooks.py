"""Webhooks on their way: a thread that makes deliveries, one that looks what is due, and as many as carry it."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Final

import psycopg
from psycopg_pool import PoolTimeout, TooManyRequests

from tallystick import __version__
from tallystick.api.native.webhook_bodies import compose
from tallystick.db.session import Connection, owner_connection
from tallystick.domain import entering
from tallystick.domain.webhooks import sending
from tallystick.domain.webhooks.sending import AT_ONCE, Claimed
from tallystick.jobs.desk import Desk
from tallystick.telemetry.numbers import numbers
from tallystick.values.webhooks import Attempt

LOOK_SECONDS: Final = 0.2
"""How often it looks where there are endpoints; what is being carried wakes it as well."""
SPREAD_SECONDS: Final = 0.1
"""How often at most it makes deliveries of what happened: many together cost little more than one."""
IDLE_SECONDS: Final = 0.5
"""How often it looks where there is no endpoint; what is committed enters feed and audit log as often."""
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


class Owner:
    """The connection of a loop that looks across workspaces, opened when it is needed."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Connection | None = None

    def connection(self) -> Connection:
        """The one there is, or a new one."""
        if self._connection is None or self._connection.closed:
            self._connection = owner_connection(self._url)
        return self._connection

    def close(self) -> None:
        """Let go of it; the next use opens another."""
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                self._connection.close()
            self._connection = None


class Dispatcher:
    """One for a worker process."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._woken = threading.Event()
        self._carrying: set[Future[None]] = set()
        self._carriers = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhook")

    def run(self) -> None:
        """Have what is due carried, until the worker is told to stop."""
        try:
            self._again_and_again(self._look, self._woken)
        finally:
            self._leave()

    def spread(self) -> None:
        """Make deliveries of what happens, until the worker is told to stop: carriers do not wait for it."""
        self._again_and_again(self._spread, self._desk.leaving)

    def drain(self) -> None:
        """Do all that can be done now."""
        owner = Owner(self._desk.owner_url)
        try:
            while self.look(owner) or self._carrying:
                wait(self._carrying)
                self._done()
        finally:
            self._leave()
            owner.close()

    def wake(self) -> None:
        """Look now."""
        self._woken.set()

    def look(self, owner: Owner) -> bool:
        """Make deliveries of what happened, and have those carried that are due. True: there may be more at once."""
        made = self._made(owner)
        return bool(self._claimed(owner)) or bool(made)

    def _again_and_again(self, step: Callable[[Owner], float], woken: threading.Event) -> None:
        """Do a step, and wait as long as it says or until woken. What goes wrong is told, and tried again."""
        owner = Owner(self._desk.owner_url)
        while not self._desk.leaving.is_set():
            try:
                pause = step(owner)
            except (psycopg.Error, PoolTimeout, TooManyRequests) as error:
                log.warning("webhooks have to wait: %s", error)
                owner.close()
                pause = TROUBLE_SECONDS
            except Exception:
                log.exception("webhooks have to wait")
                owner.close()
                pause = TROUBLE_SECONDS
            if pause > 0:
                woken.wait(pause)
            if woken is not self._desk.leaving:
                woken.clear()
        owner.close()

    def _spread(self, owner: Owner) -> float:
        if self._made(owner):
            self.wake()
            return SPREAD_SECONDS
        return LOOK_SECONDS if self._any(owner) else IDLE_SECONDS

    def _look(self, owner: Owner) -> float:
        if self._claimed(owner):
            return 0.0
        return LOOK_SECONDS if self._carrying or self._any(owner) else IDLE_SECONDS

    def _made(self, owner: Owner) -> int:
        """How many messages were made of what is committed by now, which enters feed and audit log before."""
        made = 0
        connection = owner.connection()
        entering.enter_all(connection)
        for workspace_id in sending.behind(connection):
            with self._desk.workspace(workspace_id) as ctx:
                made += sending.fan_out(ctx, compose)
        connection.commit()
        return made

    def _claimed(self, owner: Owner) -> int:
        """How many were claimed; they are being carried."""
        self._done()
        free = AT_ONCE - len(self._carrying)
        if free <= 0:
            return 0
        connection = owner.connection()
        claimed = sending.claim(connection, self._desk.clock(), free)
        connection.commit()
        for one in claimed:
            carrying = self._carriers.submit(self._carry, one)
            self._carrying.add(carrying)
            carrying.add_done_callback(lambda _: self._woken.set())
        return len(claimed)

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

    def _any(self, owner: Owner) -> bool:
        connection = owner.connection()
        found = connection.execute(_ANY_ENDPOINT).fetchone()
        connection.commit()
        return found == (True,)

    def _leave(self) -> None:
        wait(self._carrying, timeout=FINISH_SECONDS)
        self._carriers.shutdown(wait=False, cancel_futures=True)


def _outcome(attempt: Attempt) -> str:
    if attempt.delivered:
        return "delivered"
    return "unreachable" if attempt.status is None else "refused"


@contextlib.contextmanager
def carrying(desk: Desk) -> Generator[None]:
    """Webhooks are carried for the length of the block."""
    dispatcher = Dispatcher(desk)
    threads = [
        threading.Thread(target=dispatcher.run, name="webhooks", daemon=True),
        threading.Thread(target=dispatcher.spread, name="webhooks-spread", daemon=True),
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        desk.leaving.set()
        dispatcher.wake()
        for thread in threads:
            thread.join(FINISH_SECONDS + 1)


def deliver_due(desk: Desk) -> None:
    """Carry all that can be carried now."""
    Dispatcher(desk).drain()
