"""The server's processes: a parent that holds the port and keeps workers, each with the app in many threads."""

from __future__ import annotations

import contextlib
import http.client
import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import fields
from functools import partial
from multiprocessing import process
from typing import Any, Final

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer as Granian

from tallystick.main import metrics_folder, worker_app
from tallystick.server.connections import Bodies, Warden, WsgiApp, connections_on
from tallystick.server.jobs import kept_workers
from tallystick.server.upkeep import FLUSH_SECONDS, SWEEP_SECONDS, LastUse, every, sweep
from tallystick.settings import Settings, variable
from tallystick.telemetry.numbers import KEEP_SECONDS, Ledger

BACKLOG: Final = 2048
CONNECTIONS_PER_PROCESS: Final = 4096
"""Open connections are cheap: the slow ones of a few clients must not keep the others out."""
BODIES_PER_PROCESS: Final = 256
"""Request bodies on their way at once; threads that wait for them come on top of those that answer."""
HEADER_MILLISECONDS: Final = 30_000
"""For the head of a request, and between two requests of a connection."""
LONGEST_HEAD: Final = 32 * 1024
DRAIN_SECONDS: Final = 30
"""How long an orderly stop waits for requests that are being answered."""
TRY_AGAIN_SECONDS: Final = 1.0
LOGGERS: Final[dict[str, Any]] = {"loggers": {"_granian": {"propagate": True}}}
"""What the server underneath says goes where our own lines go, in the same form."""

log = logging.getLogger("tallystick.server")
_at_first: Final = signal.getsignal(signal.SIGHUP)


class PortError(Exception):
    """A sentence about an address that cannot be listened on."""


def run(settings: Settings, database_url: str, *, ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; then requests under way are finished. Called in the main thread.

    `ready` is told the address once it answers. Workers that die are replaced; where they die faster than that makes
    sense, all of them are started anew after a pause.
    """
    os.environ.update(environment_of(settings, database_url))
    every(SWEEP_SECONDS, lambda: sweep(database_url))
    # A forked worker would share our locks, threads and connections in the middle of whatever they do.
    multiprocessing.set_start_method("spawn", force=True)
    answering = threading.Event()
    threading.Thread(target=_tell_when_ready, args=(settings, ready, answering), daemon=True).start()
    with kept_workers(settings.job_workers, answering):
        while True:
            granian = _granian(settings)
            granian.on_startup(partial(_stop_on_hangup, granian))
            with contextlib.suppress(SystemExit):  # what granian says when its workers keep dying
                granian.serve()
            if granian.interrupt_signal:
                return
            if not answering.is_set():
                raise PortError("The server's processes do not start; what they said is above.")
            log.error("the server's processes keep ending; starting them anew")
            time.sleep(TRY_AGAIN_SECONDS)


def worker() -> WsgiApp:
    """The app of one worker process, which ends with its parent, however that ends."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a closed terminal tells the parent, and the parent us
    threading.Thread(target=_end_with_parent, daemon=True).start()
    settings = Settings.from_environment(os.environ)
    last_use = LastUse()
    every(FLUSH_SECONDS, lambda: last_use.flush(settings.database_url or ""))
    ledger = Ledger(metrics_folder(settings.data))
    if settings.metrics_token is not None:
        every(KEEP_SECONDS, ledger.keep)
    bodies = Bodies(worker_app(seen=last_use.note, ledger=ledger), most=BODIES_PER_PROCESS)
    Warden(bodies, partial(connections_on, settings.port)).start()
    return bodies


@contextlib.contextmanager
def held_port(settings: Settings) -> Generator[None]:
    """Keep the port for our workers from now on, or raise PortError where somebody else has it.

    Workers each bind it for themselves and share it (SO_REUSEPORT); so would a second server of the same user, without
    a word. That is why it is first asked for alone.
    """
    family, address = address_of(settings)
    deadline = time.monotonic() + TRY_AGAIN_SECONDS
    while True:
        with socket.socket(family, socket.SOCK_STREAM) as alone:
            alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                alone.bind((address, settings.port))
                break
            except OSError as error:
                # Workers of a server that was killed end a moment after it.
                if time.monotonic() > deadline:
                    why = os.strerror(error.errno or 0)
                    raise PortError(
                        f"Tallystick cannot listen on {settings.host}, port {settings.port} ({why}). "
                        "Stop what uses it, or choose another with --port or TALLYSTICK_PORT."
                    ) from error
        time.sleep(0.05)
    if sys.platform != "linux":
        yield
        return
    with socket.socket(family, socket.SOCK_STREAM) as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind((address, settings.port))
        yield


def address_of(settings: Settings) -> tuple[socket.AddressFamily, str]:
    """The numeric address of the host to listen on."""
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise PortError(f"{settings.host} is not an address of this machine ({error.strerror}).") from error
    return found[0][0], str(found[0][4][0])


def environment_of(settings: Settings, database_url: str) -> dict[str, str]:
    """The variables from which a worker reads these settings again."""
    values: dict[str, Any] = {one.name: getattr(settings, one.name) for one in fields(settings)}
    values["database_url"] = database_url
    for name in ("trusted_proxies", "egress_allow"):
        values[name] = ",".join(str(network) for network in values[name])
    return {variable(name): "" if value is None else str(value) for name, value in values.items()}


def local_address(settings: Settings) -> tuple[str, int]:
    """Where this machine reaches the server."""
    _, address = address_of(settings)
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - read, not bound
    return everywhere.get(address, address), settings.port


def _granian(settings: Settings) -> Granian:
    return Granian(
        f"{__name__}:{worker.__name__}",
        address=address_of(settings)[1],
        port=settings.port,
        interface=Interfaces.WSGI,
        factory=True,
        http=HTTPModes.http1,
        websockets=False,
        workers=settings.workers,
        blocking_threads=settings.threads + BODIES_PER_PROCESS,
        backlog=BACKLOG,
        backpressure=CONNECTIONS_PER_PROCESS,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_MILLISECONDS, max_buffer_size=LONGEST_HEAD),
        respawn_failed_workers=True,
        workers_kill_timeout=DRAIN_SECONDS,
        log_level=LogLevels.debug if settings.log_level == "debug" else LogLevels.error,
        log_dictconfig=LOGGERS,
    )


def _stop_on_hangup(granian: Granian) -> None:
    """A closed terminal stops the server, unless it was started to outlive it (nohup)."""

    def stop(*_: Any) -> None:
        granian.interrupt_signal = True
        granian.main_loop_interrupt.set()

    signal.signal(signal.SIGHUP, signal.SIG_IGN if _at_first is signal.SIG_IGN else stop)


def _end_with_parent() -> None:
    parent = process.parent_process()
    if parent is not None:
        parent.join()  # a pipe whose other end only the parent holds
        os._exit(1)


def _tell_when_ready(settings: Settings, ready: Callable[[str], None], answering: threading.Event) -> None:
    host, port = local_address(settings)
    while not _answers(host, port):
        time.sleep(0.02)
    answering.set()
    shown = f"[{host}]" if ":" in host else host
    ready(f"http://{shown}:{port}")


def _answers(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
