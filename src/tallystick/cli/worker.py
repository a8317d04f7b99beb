"""`tallystick worker`: does the jobs that requests leave behind, beside a server or on another machine."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from typing import Annotated, Final

import typer

from tallystick.cli.console import CommandError, Data, out, reached_database, read_settings
from tallystick.db.migrations import migrate
from tallystick.main import begin_telling, desk_of, metrics_folder
from tallystick.server.upkeep import every
from tallystick.settings import Settings
from tallystick.telemetry.numbers import KEEP_SECONDS, Ledger

PAUSE_SECONDS: Final = 2.0

log = logging.getLogger("tallystick.jobs")


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("worker")
    def worker_command(  # pyright: ignore[reportUnusedFunction] - typer's
        data: Data = None,
        beside: Annotated[
            bool, typer.Option("--beside", help="End with the process that started it.", hidden=True)
        ] = False,
    ) -> None:
        """Do jobs until stopped: mail, reminders. `serve` has one of its own unless TALLYSTICK_JOB_WORKERS is 0."""
        settings = read_settings(data)
        begin_telling(settings)
        ledger = Ledger(metrics_folder(settings.data))
        if settings.metrics_token is not None:
            every(KEEP_SECONDS, ledger.keep)
        if beside:
            # The thread that starts us hears no signals, and we inherit that.
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
            threading.Thread(target=_end_with_parent, daemon=True).start()
            if not _work(settings, settings.database_url or "", say=False):
                sys.exit(1)  # whoever started us does it again
            return
        if settings.database_url is not None and not (settings.data / "secret.key").exists():
            raise CommandError(
                f"There is no secret.key in {settings.data}. Copy the server's there: without it this worker cannot "
                "read what the server has locked up."
            )
        with reached_database(settings) as url:
            migrate(url)
            while not _work(settings, url, say=True):
                log.error("the worker cannot go on; it begins anew")
                threading.Event().wait(PAUSE_SECONDS)


def _work(settings: Settings, url: str, *, say: bool) -> bool:
    from tallystick.jobs.worker import work  # noqa: PLC0415 - the queue takes half a second, and other commands have none

    with desk_of(settings, url) as desk:
        return work(desk, ready=lambda: out.print("Tallystick works.", markup=False) if say else None)


def _end_with_parent() -> None:
    """The parent holds the other end of our standard input, and nobody else."""
    while os.read(0, 1024):
        pass
    os._exit(1)
