"""How far the queue is behind: what waits, what is due, and for how long."""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

from tallystick.db.session import Connection


class Lag(Struct, frozen=True):
    """The queue at a moment, in jobs and seconds."""

    waiting: int
    """Those that nobody is at, put off or due."""
    due: int
    """Those of them that a worker would take now."""
    running: int
    failed: int
    oldest_due_seconds: float
    """For how long the oldest of those that are due waits; 0: none is."""


class Queued(Struct, frozen=True):
    """`Lag`, and the jobs by task and state."""

    lag: Lag
    by_task: tuple[tuple[str, str, int], ...]
    """Task, state (`waiting`, `running`, `failed`) and how many there are."""

    @property
    def oldest_due_seconds(self) -> float:
        return self.lag.oldest_due_seconds


def queued(connection: Connection) -> Queued:
    """What is in the queue, for the role that owns it. The clock is the database's, as the workers' is."""
    rows = connection.execute(_QUEUE).fetchall()
    by_task = tuple((task, state, count) for task, state, count, *_ in rows)
    return Queued(
        Lag(
            waiting=_total(rows, "waiting"),
            due=sum(due for *_, due, _ in rows),
            running=_total(rows, "running"),
            failed=_total(rows, "failed"),
            oldest_due_seconds=max((float(age) for *_, age in rows if age is not None), default=0.0),
        ),
        by_task,
    )


def _total(rows: list[tuple[Any, ...]], state: str) -> int:
    return sum(count for _, found, count, *_ in rows if found == state)


_QUEUE: Final = """
    SELECT found.task_name, found.state, found.count, found.due,
           round(greatest(0, extract(epoch FROM now() - least(found.due_since, (
               SELECT min(event.at) FROM jobs.procrastinate_events AS event WHERE event.job_id = found.oldest)))), 1)
    FROM (
        SELECT job.task_name, job.state, count(*) AS count, count(*) FILTER (WHERE job.due) AS due,
               min(job.scheduled_at) FILTER (WHERE job.due) AS due_since,
               min(job.id) FILTER (WHERE job.due AND job.scheduled_at IS NULL) AS oldest
        FROM (
            SELECT id, task_name, scheduled_at,
                   CASE status WHEN 'todo' THEN 'waiting' WHEN 'doing' THEN 'running' ELSE 'failed' END AS state,
                   status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now()) AS due
            FROM jobs.procrastinate_jobs
            WHERE status IN ('todo', 'doing', 'failed')
        ) AS job
        GROUP BY job.task_name, job.state
    ) AS found
    ORDER BY found.task_name, found.state
"""
"""A job that was not put off is due since the first event of it; the lowest number is the oldest of these."""
