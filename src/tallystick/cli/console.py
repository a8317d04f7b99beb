"""What every command shares: how it speaks, which options it takes, and how it reaches the database as the operator."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import psycopg
import typer
from psycopg_pool import PoolTimeout
from rich.console import Console

from tallystick.db.local_postgres import LocalPostgres, LocalPostgresError, key_file
from tallystick.db.migrations import MigrationError, migrate
from tallystick.db.session import Connection, Database, owner_connection
from tallystick.domain.access import Actor
from tallystick.domain.context import Clock, Context, Origin, open_workspace, utc_now
from tallystick.main import lent
from tallystick.settings import Settings, SettingsError
from tallystick.values.errors import NotFound, Refusal
from tallystick.values.ids import parse_id

Data = Annotated[
    Path | None,
    typer.Option("--data", help="The data directory, else TALLYSTICK_DATA.", file_okay=False, show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

out: Final = Console(highlight=False, soft_wrap=True)
err: Final = Console(stderr=True, highlight=False, soft_wrap=True)


class CommandError(Exception):
    """A sentence for the operator about what they typed; the command ends with exit code 1."""


@contextlib.contextmanager
def sentences() -> Generator[None]:
    """What goes wrong in a way we know is one sentence on standard error and exit code 1."""
    try:
        yield
    except (CommandError, SettingsError, LocalPostgresError, MigrationError) as error:
        fail(str(error))
    except Refusal as refusal:
        wrong = "".join(f" {name}: {why}." for name, why in refusal.fields.items())
        fail(refusal.message + wrong)
    except (psycopg.OperationalError, PoolTimeout) as error:
        fail(f"The database cannot be reached: {str(error).strip()}")


def fail(sentence: str) -> None:
    """Say what is wrong and end."""
    err.print(sentence, style="red", markup=False)
    sys.exit(1)


def say(value: Any, *, json: bool, text: str) -> None:
    """Print a result: as JSON for programs, or as a line for people."""
    if json:
        print_json(value)
    else:
        out.print(text, markup=False)


def print_json(value: Any) -> None:
    """A value (Structs, dataclasses, dicts, dates, decimals) as indented JSON on standard output."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")
    sys.stdout.flush()


def read_settings(data: Path | None = None, **flags: Any) -> Settings:
    """The settings of the environment; flags that were given count more."""
    settings = Settings.from_environment(
        {
            **os.environ,
            **{f"TALLYSTICK_{name.upper()}": str(value) for name, value in flags.items() if value is not None},
        }
    )
    return settings if data is None else replace(settings, data=data.absolute())


@dataclass(frozen=True)
class Operator:
    """Whoever may run commands on the machine: reaches every workspace, and acts inside one at a time."""

    settings: Settings
    owner_url: str
    """The database as the role that owns the tables; row-level security does not hold for it."""
    database: Database
    """The pool under the application role, as requests use it."""
    key: bytes
    """The installation's secret key."""

    @contextlib.contextmanager
    def workspace(self, name_or_id: str, *, clock: Clock = utc_now) -> Generator[Context]:
        """One transaction inside a workspace, with the rights of its owner."""
        workspace_id, name, _ = self.find_workspace(name_or_id)
        with self.transaction(workspace_id, workspace_name=name, clock=clock) as ctx:
            yield ctx

    @contextlib.contextmanager
    def transaction(self, workspace_id: str, *, workspace_name: str = "", clock: Clock = utc_now) -> Generator[Context]:
        """`workspace` by an id that is known, or about to be founded."""
        actor = Actor(workspace_id, "", "OWNER", workspace_name=workspace_name, credential_name="operator")
        with self.database.transaction() as connection:
            open_workspace(connection, workspace_id)
            known = connection.execute("SELECT time_zone FROM workspaces WHERE id = %s", [workspace_id]).fetchone()
            if known is not None:
                actor = replace(actor, time_zone=known[0])
            ctx = Context(actor, connection, clock, lent(self.settings, self.key))
            ctx.comes_from(Origin(" ".join(["tallystick", *sys.argv[1:3]])))
            yield ctx

    def workspaces(self) -> list[tuple[str, str, str]]:
        """Id, name and plan of every workspace, by name."""
        with self.owner() as connection:
            return connection.execute("SELECT id, name, plan FROM workspaces ORDER BY lower(name), id").fetchall()  # type: ignore[return-value]

    def find_workspace(self, name_or_id: str) -> tuple[str, str, str]:
        """A workspace by its id, or by its name where only one has it. Raises NotFound with what there is."""
        known = self.workspaces()
        wanted = parse_id(name_or_id)
        found = [one for one in known if one[0] == wanted] or [
            one for one in known if one[1].casefold() == name_or_id.casefold()
        ]
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(one[0] for one in found)
            raise NotFound(f"More than one workspace is called {name_or_id}. Name it by its id: {ids}.")
        names = ", ".join(one[1] for one in known) or "none yet"
        raise NotFound(f"There is no workspace {name_or_id}. There are: {names}.")

    @contextlib.contextmanager
    def owner(self) -> Generator[Connection]:
        """A connection of the owner role, for what spans workspaces; committed at the end of the block."""
        with contextlib.closing(owner_connection(self.owner_url)) as connection, connection:
            yield connection


@contextlib.contextmanager
def reached_database(settings: Settings) -> Generator[str]:
    """The owner's URL of the database: the given one, or our own PostgreSQL, started or found running."""
    if settings.database_url is not None:
        yield settings.database_url
        return
    with LocalPostgres(settings.data) as url:
        yield url


@contextlib.contextmanager
def open_database(settings: Settings | None = None, data: Path | None = None) -> Generator[Operator]:
    """The database at the newest schema, beside a running server or without one."""
    settings = settings or read_settings(data)
    with reached_database(settings) as url:
        migrate(url)
        with open_pool(settings, url) as operator:
            yield operator


@contextlib.contextmanager
def open_pool(settings: Settings, owner_url: str) -> Generator[Operator]:
    """The operator over a database that is migrated."""
    database = Database(owner_url, size=2)
    database.open()
    try:
        yield Operator(settings, owner_url, database, key_file(settings.data))
    finally:
        database.close()
