"""`tallystick backup` and `restore`: the whole record as one file, and back."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from pathlib import Path
from typing import Annotated, Final

import typer

from tallystick import __version__
from tallystick.cli.console import CommandError, Data, Json, reached_database, read_settings, say
from tallystick.db import backup as backups
from tallystick.db.local_postgres import ServeLock, key_file
from tallystick.domain.context import utc_now

ANOTHER_KEY: Final = (
    "It was made without secret.key, and this installation has another one: every API token stops working and must be "
    "made anew (tallystick token create), and secrets that are stored encrypted cannot be read. Where you still have "
    "that file, put it into the data directory."
)


def register(app: typer.Typer) -> None:
    """Add the commands."""

    @app.command("backup", epilog="Example: tallystick backup --with-key /safe/tallystick-$(date +%F).tar")
    def backup(  # pyright: ignore[reportUnusedFunction] - typer's
        file: Annotated[Path, typer.Argument(help="Where to write it; a file that is there is replaced.")],
        with_key: Annotated[
            bool, typer.Option("--with-key", help="Put secret.key inside: keep the file like a password.")
        ] = False,
        data: Data = None,
        json: Json = False,
    ) -> None:
        """Write the whole record, as of one moment, into a file; also while it serves."""
        settings = read_settings(data)
        with _sentences(), reached_database(settings) as url:
            made = backups.write(
                url,
                file.absolute(),
                version=__version__,
                made_at=utc_now(),
                key=key_file(settings.data),
                with_key=with_key,
            )
        size = file.stat().st_size
        inside = "with the key" if with_key else "without the key (--with-key puts it inside)"
        text = f"Backed up to {file}: {size / 1e6:.1f} MB, {inside}."
        say({"file": str(file.absolute()), "bytes": size, "manifest": made}, json=json, text=text)

    @app.command("restore", epilog="Example: tallystick restore /safe/tallystick-2026-11-20.tar --data /srv/tallystick")
    def restore(  # pyright: ignore[reportUnusedFunction] - typer's
        file: Annotated[Path, typer.Argument(help="A file that tallystick backup wrote.")],
        data: Data = None,
        force: Annotated[
            bool,
            typer.Option("--force", help="Replace what the database holds, and put another secret.key aside."),
        ] = False,
        json: Json = False,
    ) -> None:
        """Put a backup into an empty database. All of it is checked first, and all of it is restored or nothing."""
        settings = read_settings(data)
        file = file.absolute()
        with _sentences(), ServeLock(settings.data):
            here = settings.data / backups.KEY
            found = backups.read(file, key=key_file(settings.data) if here.exists() else None)
            if found.key is not None:
                backups.check_key(settings.data, found.key, force=force)
            with reached_database(settings) as url:
                backups.check_restorable(url, found, force=force)
                applied = backups.restore(url, found)
            if found.key is not None:
                backups.install_key(settings.data, found.key, force=force)
        same_key = backups.fingerprint(key_file(settings.data)) == found.manifest.key_fingerprint
        text = f"Restored the record of {found.manifest.made_at:%Y-%m-%d %H:%M} UTC."
        if applied:
            text += f" Its schema was brought up to date ({', '.join(applied)})."
        if not same_key:
            text += f"\n{ANOTHER_KEY}"
        result = {"manifest": found.manifest, "applied": applied, "same_key": same_key}
        say(result, json=json, text=text)


@contextlib.contextmanager
def _sentences() -> Generator[None]:
    try:
        yield
    except backups.BackupError as error:
        raise CommandError(str(error)) from error
