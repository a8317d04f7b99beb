"""What happens on a day of a recurring invoice: its invoice is made, once; or why not is kept, and tried again."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple, cast

from sqlalchemy import text

from tallystick.db.session import Prepared
from tallystick.domain.access import Permission
from tallystick.domain.clients import Client
from tallystick.domain.context import Context
from tallystick.domain.recurring.attempts import Contexts, Failed, attempt, retry_at, send, work_off
from tallystick.domain.recurring.recurring import (
    RecurringInvoice,
    RecurringRun,
    draft_of,
    failed_runs,
    pass_over,
    settle,
    upcoming,
)
from tallystick.values.duration import local_date
from tallystick.values.errors import Conflict


class Due(NamedTuple):
    """A day whose invoice is to be made, and the run of it where it was tried before."""

    day: date
    run: RecurringRun | None


def run_due(contexts: Contexts) -> list[RecurringRun]:
    """Make all recurring invoices of a workspace that are due; each in a transaction of its own."""
    with contexts() as ctx:
        keys = due(ctx)
    return work_off(contexts, keys, run_next, fail)


def due(ctx: Context) -> list[str]:
    """Ids of what may be due: whether its day has begun where it lives, `run_next` says."""
    ctx.require(Permission.CHANGE_INVOICES)
    return [identity for (identity,) in ctx.rows(_DUE, now=ctx.now)]


def run_now(ctx: Context, recurring_id: str) -> list[RecurringRun]:
    """Make all that is due of one, what failed before included, in this transaction. Refused where nothing is due."""
    found: list[RecurringRun] = []
    try:
        while (run := run_next(ctx, recurring_id, again=True)) is not None:
            found.append(run)
    except Failed as failed:
        if failed.__cause__ is not None:
            raise failed.__cause__ from None
        raise
    if not found:
        recurring = ctx.find(RecurringInvoice, recurring_id)
        if recurring.status != "ACTIVE":
            raise Conflict(f"This recurring invoice is {recurring.status.lower()}", reason="recurring_state")
        raise Conflict(f"Nothing is due before {recurring.next_run_on}", reason="nothing_due")
    return found


def run_next(ctx: Context, recurring_id: str, *, again: bool = False) -> RecurringRun | None:
    """Make the invoice of the first day that is due; None: none is. Runners of one queue up at its row.

    `again`: what failed is tried at once, not when its time has come. Raises Failed with the day.
    """
    ctx.require(Permission.CHANGE_INVOICES)
    recurring = ctx.find(RecurringInvoice, recurring_id, lock="update")
    found = _due_day(ctx, recurring, again=again)
    if found is None:
        return None
    return attempt(found.day, lambda: _make(ctx, recurring, found))


def fail(ctx: Context, recurring_id: str, failed: Failed) -> None:
    """Keep that a day failed, and why. Its day is not lost: it is tried again, and others go on meanwhile."""
    ctx.require(Permission.CHANGE_INVOICES)
    recurring = ctx.find(RecurringInvoice, recurring_id, lock="update")
    found = _due_day(ctx, recurring, again=True, day=cast("date", failed.piece))
    if found is None:  # made, skipped or paused meanwhile
        return
    if found.run is None:
        run = RecurringRun(
            recurring_id=recurring.id,
            occurs_on=found.day,
            outcome="FAILED",
            failure=failed.sentence,
            retry_at=retry_at(ctx.now, 1),
        )
        ctx.add(run)
        following = recurring.day_after(found.day)
    else:
        attempts = found.run.attempts + 1
        ctx.change(found.run, failure=failed.sentence, attempts=attempts, retry_at=retry_at(ctx.now, attempts))
        following = recurring.next_run_on
    settle(ctx, recurring, next_run_on=following)
    ctx.record("failed", recurring)


def _due_day(ctx: Context, recurring: RecurringInvoice, *, again: bool = False, day: date | None = None) -> Due | None:
    """The first day to make an invoice for, or that day; what the catch-up policy leaves out is passed over."""
    if recurring.status != "ACTIVE":
        return None
    for run in failed_runs(ctx, recurring):
        retry = run.retry_at
        if day in (None, run.occurs_on) and (again or (retry is not None and retry <= ctx.now)):
            return Due(run.occurs_on, run)
    since = _caught_up(ctx, recurring)
    if day is not None and day != since:
        return None
    if since is None or since > local_date(ctx.now, recurring.time_zone):
        return None
    return Due(since, None)


def _caught_up(ctx: Context, recurring: RecurringInvoice) -> date | None:
    """The next day by the catch-up policy."""
    since, today = recurring.next_run_on, local_date(ctx.now, recurring.time_zone)
    if since is None or since >= today or recurring.catch_up == "ALL":
        return since
    keep = today
    if recurring.catch_up == "LATEST":
        for one in upcoming(recurring, since):
            if one > today:
                break
            keep = one
    following = pass_over(ctx, recurring, before=keep)
    settle(ctx, recurring, next_run_on=following)
    return following


def _make(ctx: Context, recurring: RecurringInvoice, found: Due) -> RecurringRun:
    client = ctx.reference(Client, recurring.client_id, "client_id", lock="share")
    if client.currency != recurring.currency:
        raise Conflict(
            f"Its prices are in {recurring.currency}, but {client.name} is billed in {client.currency} now. "
            "Give it lines with prices in that currency."
        )
    itself = recurring.mode == "SEND"
    today = local_date(ctx.now, recurring.time_zone)
    made = draft_of(ctx, recurring, found.day, issue_date=today if itself else None)
    if itself:
        send(ctx, made.invoice.id)
    if found.run is None:
        run = ctx.add(
            RecurringRun(recurring_id=recurring.id, occurs_on=found.day, outcome="MADE", invoice_id=made.invoice.id)
        )
        following = recurring.day_after(found.day)
    else:
        run, following = found.run, recurring.next_run_on
        ctx.change(run, outcome="MADE", invoice_id=made.invoice.id, failure=None, retry_at=None)
    settle(ctx, recurring, next_run_on=following)
    ctx.record("run", recurring)
    return run


_DUE = Prepared(
    # A day begins up to 14 hours before it does in UTC.
    text("""
        SELECT id FROM recurring_invoices AS recurring
        WHERE workspace_id = :workspace AND status = 'ACTIVE' AND deleted_at IS NULL
          AND (next_run_on <= (CAST(:now AS timestamptz) AT TIME ZONE 'UTC' + interval '14 hours')::date
               OR EXISTS (SELECT FROM recurring_runs
                          WHERE workspace_id = :workspace AND recurring_id = recurring.id
                            AND outcome = 'FAILED' AND retry_at <= :now))
        ORDER BY next_run_on, id
    """)
)
