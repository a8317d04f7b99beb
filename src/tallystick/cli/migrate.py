"""`tallystick migrate`: brings the database's schema up to date, as `serve` does at its start."""

from __future__ import annotations

import typer

from tallystick.cli.console import Data, Json, reached_database, read_settings, say
from tallystick.db.migrations import migrate


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("migrate")
    def migrate_command(data: Data = None, json: Json = False) -> None:  # pyright: ignore[reportUnusedFunction] - typer's
        """Bring the schema of the database up to date, and say which steps were applied."""
        with reached_database(read_settings(data)) as url:
            applied = migrate(url)
        steps = ", ".join(applied)
        say({"applied": applied}, json=json, text=f"Applied {steps}." if applied else "The schema was up to date.")
