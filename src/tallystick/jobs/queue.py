"""The queue: every task by its name, how often it is tried, and what a worker does by the clock."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final

import procrastinate
import psycopg
from procrastinate import JobContext, RetryDecision
from procrastinate.jobs import Job
from psycopg import AsyncConnection

from tallystick.db.session import text_query
from tallystick.domain.mails import delivery
from tallystick.jobs import tasks
from tallystick.jobs.desk import AT_ONCE, Desk
from tallystick.telemetry import spans
from tallystick.telemetry.numbers import numbers
from tallystick.telemetry.work import Work, current
from tallystick.values.errors import Refusal

SCHEMA: Final = "jobs"
"""The PostgreSQL schema of the queue."""
WAITS: Final = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 3600, 14_400, 43_200))
"""After each failure that nobody foresaw: a database that is away, a bug that is being mended."""
KEPT_HOURS: Final = 24 * 30
"""How long a job that failed can be told of."""

log = logging.getLogger("tallystick.jobs")


class Patience(procrastinate.BaseRetryStrategy):
    """When a job that raised is tried again: when it says so itself, else after a wait that grows; refusals never."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """As procrastinate asks; None: the job has failed."""
        if isinstance(exception, delivery.TryLater):
            return RetryDecision(retry_at=exception.at)
        if isinstance(exception, delivery.Failed | Refusal) or job.attempts >= len(WAITS):
            return None
        return RetryDecision(retry_in={"seconds": int(WAITS[job.attempts].total_seconds())})


def queue_of(desk: Desk) -> procrastinate.App:
    """The queue with all its tasks, for a worker at this desk."""
    app = procrastinate.App(
        connector=procrastinate.PsycopgConnector(
            conninfo=desk.owner_url, min_size=1, max_size=AT_ONCE + 2, configure=_configure, name="tallystick-jobs"
        ),
        worker_defaults={"worker_middleware": [watched]},
    )

    def task(name: str, **options: Any) -> Any:
        return app.task(name=name, retry=Patience(), **options)  # pyright: ignore[reportUnknownVariableType]

    @task("send_mail")
    def send_mail(workspace_id: str, mail_id: str) -> None:  # pyright: ignore[reportUnusedFunction] - the app's
        tasks.send_mail(desk, workspace_id, mail_id)

    @task("send_reset_link")
    def send_reset_link(email: str) -> None:  # pyright: ignore[reportUnusedFunction]
        tasks.send_reset_link(desk, email)

    @task("send_portal_link")
    def send_portal_link(email: str) -> None:  # pyright: ignore[reportUnusedFunction]
        tasks.send_portal_link(desk, email)

    @task("tell_password_changed")
    def tell_password_changed(workspace_id: str, **about: str) -> None:  # pyright: ignore[reportUnusedFunction]
        tasks.tell_password_changed(desk, workspace_id, **about)

    @task("tell_sign_in_changed")
    def tell_sign_in_changed(workspace_id: str, **about: str) -> None:  # pyright: ignore[reportUnusedFunction]
        tasks.tell_sign_in_changed(desk, workspace_id, **about)

    @app.periodic(cron="*/15 * * * *")
    @task("remind", queueing_lock="remind", lock="remind")
    def remind(timestamp: int) -> None:  # pyright: ignore[reportUnusedFunction]
        del timestamp
        tasks.remind(desk)

    @app.periodic(cron="*/10 * * * *")
    @task("notice", queueing_lock="notice", lock="notice")
    def notice(timestamp: int) -> None:  # pyright: ignore[reportUnusedFunction]
        del timestamp
        tasks.notice(desk)

    @app.periodic(cron="* * * * *")
    @task("take_up_stalled", queueing_lock="take_up_stalled", pass_context=True)
    async def take_up_stalled(context: JobContext, timestamp: int) -> None:  # pyright: ignore[reportUnusedFunction]
        """What a worker had in hand that is gone: its heart beats no more."""
        del timestamp
        for job in await context.app.job_manager.get_stalled_jobs():
            log.warning("taking up %s of a worker that is gone", job.call_string)
            await context.app.job_manager.retry_job(job)

    @app.periodic(cron="*/10 * * * *")
    @task("bill_what_is_due", queueing_lock="bill_what_is_due", lock="bill_what_is_due")
    def bill_what_is_due(timestamp: int) -> None:  # pyright: ignore[reportUnusedFunction]
        del timestamp
        tasks.bill_what_is_due(desk)

    @task("export_everything")
    def export_everything(workspace_id: str, export_id: str) -> None:  # pyright: ignore[reportUnusedFunction]
        tasks.export_everything(desk, workspace_id, export_id)

    @app.periodic(cron="23 * * * *")
    @task("forget_exports", queueing_lock="forget_exports")
    def forget_exports(timestamp: int) -> None:  # pyright: ignore[reportUnusedFunction]
        del timestamp
        tasks.forget_exports(desk)

    @app.periodic(cron="47 * * * *")
    @task("forget_old_webhooks", queueing_lock="forget_old_webhooks")
    def forget_old_webhooks(timestamp: int) -> None:  # pyright: ignore[reportUnusedFunction]
        del timestamp
        tasks.forget_old_webhooks(desk)

    @app.periodic(cron="41 * * * *")
    @task("erase_closed", queueing_lock="erase_closed", lock="erase_closed")
    def erase_closed(timestamp: int) -> None:  # pyright: ignore[reportUnusedFunction]
        del timestamp
        tasks.erase_closed(desk)

    @app.periodic(cron="17 4 * * *")
    @task("forget_old_jobs", queueing_lock="forget_old_jobs", pass_context=True)
    async def forget_old_jobs(context: JobContext, timestamp: int) -> None:  # pyright: ignore[reportUnusedFunction]
        del timestamp
        await context.app.job_manager.delete_old_jobs(
            KEPT_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
        )

    return app


async def watched(call_next: Callable[[], Awaitable[Any]], context: JobContext, worker: Any) -> Any:
    """Run a job, count it, and have what is logged meanwhile say whose it is."""
    del worker
    name = context.job.task_name
    work = Work(name=f"{name} {context.job.id}")
    token = current.set(work)
    spans.start(work, job=True)
    outcome = "failed"
    try:
        result = await call_next()
        outcome = "done"
    except delivery.TryLater:
        outcome = "put off"
        raise
    except Exception as error:
        foreseen = isinstance(error, delivery.Failed | Refusal)
        log.warning("the job failed: %s", error, exc_info=None if foreseen else error)
        raise
    finally:
        current.reset(token)
        numbers.worked(work, name, outcome, time.perf_counter() - work.began)
        facts: dict[str, str | int] = {"tallystick.task": name, "tallystick.outcome": outcome}
        spans.finish(work, name, facts, failed=outcome == "failed")
    return result


async def _configure(connection: AsyncConnection[Any]) -> None:
    await connection.execute(text_query(f"SET search_path = {SCHEMA}"))
    if connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
        await connection.commit()
