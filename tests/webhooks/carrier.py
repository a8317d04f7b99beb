"""Carries webhooks again and again in processes that kill themselves, at statements and requests drawn by lot."""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from tallystick.db.connection import Connection
from tallystick.db.session import Database
from tallystick.jobs.desk import Desk
from tallystick.jobs.webhooks import deliver_due
from tallystick.outgoing.http import HttpCourier
from tests.mail.conftest import LOOPBACK
from tests.studio import SERVER, Clock


def die_at(n: int) -> None:
    """Let this process die by SIGKILL at its n-th step: before or after a statement, a commit, a request."""
    count = 0

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **facts: Any) -> Any:
            nonlocal count
            count += 1
            if count == n:
                os.kill(os.getpid(), signal.SIGKILL)
            done = real(*args, **facts)
            count += 1
            if count == n:
                os.kill(os.getpid(), signal.SIGKILL)
            return done

        return call

    for kind, names in ((Connection, ("run", "commit")), (HttpCourier, ("take",))):
        for name in names:
            setattr(kind, name, counted(getattr(kind, name)))


def carry(url: str, now: datetime) -> None:
    database = Database(url, size=6)
    database.open()
    from dataclasses import replace

    server = replace(SERVER, courier=HttpCourier(LOOPBACK))
    deliver_due(Desk(url, database, server, Clock(now)))


def main() -> None:
    url, at, kills, seed = sys.argv[1:]
    lot, now = random.Random(int(seed)), datetime.fromisoformat(at)
    for _ in range(int(kills)):
        child = os.fork()
        if child == 0:
            die_at(lot.randint(1, 120))
            carry(url, now)
            os._exit(0)
        os.waitpid(child, 0)
        lot.random()
        now += timedelta(seconds=61)  # leases of the dead have ended
    print(now.isoformat())


if __name__ == "__main__":
    main()
