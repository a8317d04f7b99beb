"""`tallystick serve`: the database, its schema and the server's processes, started and stopped in order."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.panel import Panel

from tallystick import server
from tallystick.auth import first_run as first_runs
from tallystick.cli.console import CommandError, Data, Operator, open_pool, out, read_settings
from tallystick.db.local_postgres import LocalPostgres, LocalPostgresError, ServeLock, key_file
from tallystick.db.migrations import migrate
from tallystick.db.session import owner_connection
from tallystick.main import begin_telling, metrics_folder
from tallystick.server.upkeep import leave_signals_to_the_main_thread
from tallystick.settings import Settings
from tallystick.telemetry.numbers import Ledger

LOOK_SECONDS: Final = 2.0
"""How often the parent looks whether its PostgreSQL still runs."""

log = logging.getLogger("tallystick.serve")


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("serve")
    def serve_command(  # pyright: ignore[reportUnusedFunction] - typer's
        host: Annotated[str | None, typer.Option(help="The address to listen on.", show_default=False)] = None,
        port: Annotated[int | None, typer.Option(help="The port to listen on.", show_default=False)] = None,
        data: Data = None,
        workers: Annotated[int | None, typer.Option(help="Server processes.", show_default=False)] = None,
    ) -> None:
        """Serve until stopped with Ctrl-C or SIGTERM."""
        settings = read_settings(data, host=host, port=port, workers=workers)
        serve(
            settings, ready=lambda url: out.print(f"Tallystick serves {url}", markup=False), first_run=_show_first_run
        )


def serve(
    settings: Settings,
    *,
    ready: Callable[[str], None],
    prepare: Callable[[Operator], None] | None = None,
    first_run: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve until SIGTERM or SIGINT. PostgreSQL starts first and stops last.

    `prepare` may fill the migrated database before anybody asks; `ready` is told the address once it answers, and
    `first_run` then where the first workspace is made, if there is none.
    """
    begin_telling(settings)
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells everybody which dialect it speaks
    try:
        with (
            _signals_interrupt(),
            ServeLock(settings.data),
            server.held_port(settings),
            _kept_database(settings) as url,
        ):
            Ledger(metrics_folder(settings.data)).clear()
            migrate(url)
            key = key_file(settings.data)
            if prepare is not None:
                with open_pool(settings, url) as operator:
                    prepare(operator)
            secret = _drawn(url, key)

            def told(here: str) -> None:
                ready(here)
                if secret is not None:
                    first_run(f"{settings.public_url}/setup#{secret}")

            server.run(settings, url, ready=told)
    except KeyboardInterrupt:
        pass  # stopped before the workers were there
    except server.PortError as error:
        raise CommandError(str(error)) from error


def _drawn(owner_url: str, key: bytes) -> str | None:
    """The secret of the set-up, of which our processes get the digest; None where there is a workspace."""
    os.environ.pop(first_runs.VARIABLE, None)
    with contextlib.closing(owner_connection(owner_url)) as connection:
        if not first_runs.is_needed(connection):
            return None
    secret = first_runs.mint()
    os.environ[first_runs.VARIABLE] = first_runs.digest_of(key, secret)
    return secret


def _show_first_run(address: str) -> None:
    """Where to make the first workspace; the address without a frame or a break, to be copied."""
    said = "There is no workspace yet. Make the first one in a browser,\n"
    said += "at the address below: it works once, until the next start."
    out.print(Panel(said, title="First run", border_style="cyan", expand=False, padding=(1, 2)))
    out.print(address, style="bold cyan", markup=False)


@contextlib.contextmanager
def _signals_interrupt() -> Generator[None]:
    """Until the workers run, SIGTERM and a closed terminal are Ctrl-C: what was begun is undone in order."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, interrupt)
    yield


@contextlib.contextmanager
def _kept_database(settings: Settings) -> Generator[str]:
    """The owner's URL; our own PostgreSQL is started anew when it ends under us."""
    if settings.database_url is not None:
        yield settings.database_url
        return
    leaving = threading.Event()
    postgres = LocalPostgres(settings.data)
    with postgres as url:
        keeper = threading.Thread(target=_keep, args=(postgres, leaving, settings.data), daemon=True)
        keeper.start()
        try:
            yield url
        finally:
            leaving.set()
            keeper.join()


def _keep(postgres: LocalPostgres, leaving: threading.Event, data: Path) -> None:
    leave_signals_to_the_main_thread()
    while not leaving.wait(LOOK_SECONDS):
        try:
            postgres.start()
        except LocalPostgresError as error:
            log.error("the database in %s does not start: %s", data, error)  # noqa: TRY400 - a sentence, not a bug
