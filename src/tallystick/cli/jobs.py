"""`tallystick jobs`: what waits to be done, is being done, or has failed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
import typer

from tallystick.cli.console import CommandError, Data, Json, Operator, open_database, out, say
from tallystick.cli.workspaces import print_rows
from tallystick.db.session import APPLICATION_ROLE, text_query
from tallystick.domain.access import Actor
from tallystick.domain.context import Context, open_workspace
from tallystick.domain.mails import mail as mails
from tallystick.jobs.lag import Lag, queued
from tallystick.main import lent

State = Literal["queued", "retry", "running", "failed"]
MOST: Final = 200
_LIST: Final = """
    SELECT job.id,
           CASE WHEN job.status = 'doing' THEN 'running'
                WHEN job.status = 'todo' AND job.attempts > 0 THEN 'retry'
                WHEN job.status = 'todo' THEN 'queued'
                ELSE 'failed' END AS state,
           job.task_name, job.attempts, job.scheduled_at, job.args::text,
           (SELECT max(event.at) FROM jobs.procrastinate_events AS event WHERE event.job_id = job.id)
    FROM jobs.procrastinate_jobs AS job
    WHERE job.status <> 'succeeded'
    ORDER BY job.id DESC
    LIMIT %s
"""
_ONE: Final = "SELECT status::text, task_name, args::text FROM jobs.procrastinate_jobs WHERE id = %s FOR UPDATE"
_RETRY: Final = "SELECT jobs.procrastinate_retry_job_v2(%s, now(), NULL, NULL, NULL)"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    commands = typer.Typer(help="What waits to be done, is being done, or has failed.", invoke_without_command=True)
    commands.callback()(list_all)
    commands.command("list")(list_all)
    commands.command("lag", epilog="Example: tallystick jobs lag --json")(lag)
    commands.command("retry", epilog="Example: tallystick jobs retry 42")(retry)
    app.add_typer(commands, name="jobs")


def list_all(
    context: typer.Context,
    state: Annotated[
        State | None, typer.Option("--state", help="Only those: queued, retry, running or failed.")
    ] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """List jobs, the newest first. Those that are done are forgotten; a mail tells for itself that it was sent."""
    if context.invoked_subcommand is not None:
        return
    with open_database(data=data) as operator, operator.owner() as connection:
        found = connection.execute(_LIST, [MOST]).fetchall()
        behind = queued(connection).lag
    rows = [_row(row) for row in found]
    shown = [row for row in rows if state in (None, row["state"])]
    print_rows(shown, json=json, empty="Nothing to do.")
    if shown and not json:
        out.print(_sentence(behind), markup=False)


def lag(data: Data = None, json: Json = False) -> None:
    """Tell how far the queue is behind: what waits, what of it is due, and for how long the oldest of that waits."""
    with open_database(data=data) as operator, operator.owner() as connection:
        behind = queued(connection).lag
    say(behind, json=json, text=_sentence(behind))


def retry(job: Annotated[int, typer.Argument(help="Its number.")], data: Data = None, json: Json = False) -> None:
    """Do a job that failed once more. A mail that failed is sent again with it."""
    with open_database(data=data) as operator:
        _retry(operator, job)
    say({"id": job, "state": "queued"}, json=json, text=f"Job {job} is done once more.")


def _retry(operator: Operator, number: int) -> None:
    with operator.owner() as connection:
        found = connection.execute(_ONE, [number]).fetchone()
        if found is None:
            raise CommandError(f"There is no job {number}. Those that were done are forgotten.")
        status, task, args = found
        if status != "failed":
            raise CommandError(f"Job {number} has not failed: it is {'running' if status == 'doing' else status}.")
        about: dict[str, Any] = msgspec.json.decode(args)
        if task == "send_mail":
            connection.execute(text_query(f"SET LOCAL ROLE {APPLICATION_ROLE}"))
            open_workspace(connection, about["workspace_id"])
            ctx = Context(
                Actor(about["workspace_id"], "", "OWNER", credential_name="operator"),
                connection,
                server=lent(operator.settings, operator.key),
            )
            mails.requeue(ctx, about["mail_id"])
            connection.execute("RESET ROLE")
        connection.execute(_RETRY, [number])


def _sentence(behind: Lag) -> str:
    oldest = f", the oldest for {behind.oldest_due_seconds:g} seconds" if behind.due else ""
    return (
        f"{behind.waiting} waiting, {behind.due} of them due{oldest}; {behind.running} running, {behind.failed} failed."
    )


def _row(row: tuple[Any, ...]) -> dict[str, object]:
    number, state, task, attempts, at, args, last = row
    about: dict[str, Any] = msgspec.json.decode(args)
    about.pop("timestamp", None)
    moment: datetime | None = at
    return {
        "id": number,
        "state": state,
        "task": task,
        "attempts": attempts,
        "not_before": moment,
        "workspace": about.pop("workspace_id", None),
        "about": ", ".join(f"{name} {value}" for name, value in about.items()),
        "last_event_at": last,
    }
