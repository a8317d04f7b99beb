"""`tallystick doctor`: checks that everything adds up, and names the rows that do not. It changes nothing."""

from __future__ import annotations

import contextlib
from datetime import datetime
from typing import Annotated

import psycopg
import typer
from rich.table import Table
from rich.text import Text

from tallystick.cli.console import Data, Json, Operator, out, print_json, reached_database, read_settings
from tallystick.db import schema
from tallystick.db.session import Connection, Database, owner_connection
from tallystick.domain import invariants
from tallystick.domain.context import utc_now
from tallystick.domain.invariants import Finding

REVISION = "The schema is the one this version of Tallystick was written for."
TABLES = "Tables, columns, indexes and constraints are as this version made them."


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("doctor", epilog="Example: tallystick doctor --workspace 'Studio North'")
    def doctor(  # pyright: ignore[reportUnusedFunction] - typer's
        workspace: Annotated[
            str | None, typer.Option("--workspace", "-w", help="Only the rows of this one, by name or id.")
        ] = None,
        data: Data = None,
        json: Json = False,
    ) -> None:
        """Check every rule of the record, read-only, also while it serves. Exit code 1 when one does not hold."""
        settings = read_settings(data)
        with reached_database(settings) as url:
            workspace_id = None
            if workspace is not None:
                workspace_id = Operator(settings, url, Database(url), b"").find_workspace(workspace)[0]
            findings = examine(url, now=utc_now(), workspace_id=workspace_id)
        healthy = all(finding.holds for finding in findings)
        if json:
            print_json({"ok": healthy, "rules": [_json(finding) for finding in findings]})
        else:
            _print(findings)
        if not healthy:
            raise typer.Exit(1)


def examine(url: str, *, now: datetime, workspace_id: str | None = None) -> list[Finding]:
    """Every rule, as of one moment. Where the schema is another one, the rules about rows cannot be asked."""
    with contextlib.closing(owner_connection(url)) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        revision = _revision(connection)
        if not revision.holds:
            return [revision]
        findings = invariants.check(connection, now=now, workspace_id=workspace_id)
        connection.rollback()
    differences = schema.differences(url)
    tables = Finding("schema", TABLES, len(differences), differences)
    return [revision, tables, *findings]


def _revision(connection: Connection) -> Finding:
    found, newest = schema.revision_of(connection), schema.known_revisions()[0]
    if found == newest:
        return Finding("revision", REVISION, 0, [])
    if found is None:
        what = "no schema yet: run tallystick migrate"
    elif found in schema.known_revisions():
        what = f"{found}, which is older than {newest}: run tallystick migrate"
    else:
        what = f"{found}, which is newer than {newest}: run the version of Tallystick that made it"
    return Finding("revision", REVISION, 1, [what])


def _json(finding: Finding) -> dict[str, object]:
    return {
        "rule": finding.rule,
        "sentence": finding.sentence,
        "ok": finding.holds,
        "count": finding.count,
        "rows": finding.rows,
    }


def _print(findings: list[Finding]) -> None:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for finding in findings:
        verdict = "[green]ok[/green]" if finding.holds else "[red]failed[/red]"
        table.add_row(verdict, finding.rule, finding.sentence)
        for row in finding.rows:
            table.add_row("", "", Text(f"  {row}"))  # not markup: a key may hold brackets
        if finding.count > len(finding.rows):
            table.add_row("", "", f"  and {finding.count - len(finding.rows)} more")
    out.print(table)
    failed = [finding for finding in findings if not finding.holds]
    if failed:
        out.print(f"{len(failed)} of {len(findings)} rules do not hold.", style="red")
    else:
        out.print(f"All {len(findings)} rules hold.")
