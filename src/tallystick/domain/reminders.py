"""Reminders by schedule: each step once for an invoice, on its day, as long as it is unpaid."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Final, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Id, Tenant, within_workspace
from tallystick.db.session import Prepared
from tallystick.domain.access import Permission
from tallystick.domain.clients import Client
from tallystick.domain.context import SENTENCES, Context
from tallystick.domain.invoices.invoice import Invoice
from tallystick.domain.mails.mail import Mail
from tallystick.domain.mails.settings import current_settings
from tallystick.domain.sending import Message, today_of, write_reminder
from tallystick.domain.workspaces import current
from tallystick.values.duration import local_date
from tallystick.values.errors import Conflict

HOURS: Final = range(9, 18)
"""When the clock of the workspace allows a reminder."""
CAUGHT_UP: Final = timedelta(days=2)
"""A reminder whose day passed while nobody worked is sent so much later at most; then it is left out."""


class Reminder(Tenant):
    """That an invoice was reminded of, by one step of the schedule."""

    __tablename__ = "reminders"
    noun: ClassVar[str] = "reminder"

    invoice_id: Mapped[Id]
    due_date: Mapped[date]
    """Then due: an invoice that was cancelled and issued again begins anew."""
    step: Mapped[int]
    """Days from the due date."""
    mail_id: Mapped[Id]
    created_at: Mapped[datetime]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("invoice_id", "invoices.id"),
            within_workspace("mail_id", "mails.id"),
            UniqueConstraint("workspace_id", "invoice_id", "due_date", "step"),
        )


class ReminderPause(Tenant):
    """That a client, or one invoice, is not reminded by schedule."""

    __tablename__ = "reminder_pauses"
    noun: ClassVar[str] = "reminder pause"

    client_id: Mapped[Id | None]
    invoice_id: Mapped[Id | None]
    created_by: Mapped[Id | None] = mapped_column()
    created_at: Mapped[datetime]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("client_id", "clients.id"),
            within_workspace("invoice_id", "invoices.id"),
            within_workspace("created_by", "members.user_id"),
            CheckConstraint("num_nonnulls(client_id, invoice_id) = 1", name="client_or_invoice"),
            Index("uq_reminder_pauses_client", "client_id", unique=True, postgresql_where="client_id IS NOT NULL"),
            Index("uq_reminder_pauses_invoice", "invoice_id", unique=True, postgresql_where="invoice_id IS NOT NULL"),
        )


Whom = Literal["client", "invoice"]
_ROWS: Final[dict[Whom, type[Client | Invoice]]] = {"client": Client, "invoice": Invoice}


def are_on(ctx: Context, whom: Whom, thing_id: str) -> bool:
    """Whether a client, or an invoice, is reminded by schedule; the schedule itself is the workspace's."""
    ctx.require(Permission.READ_INVOICES)
    ctx.find(_ROWS[whom], thing_id)
    return ctx.row(_PAUSED[whom], thing_id=thing_id) is None


def switch(ctx: Context, whom: Whom, thing_id: str, *, on: bool) -> bool:
    """Let a client, or an invoice, be reminded by schedule or not."""
    ctx.require(Permission.CHANGE_INVOICES)
    ctx.find(_ROWS[whom], thing_id, lock="share")
    paused = ctx.row(_PAUSED[whom], thing_id=thing_id) is not None
    if on and paused:
        ctx.write(_RESUME[whom], thing_id=thing_id)
    elif not on and not paused:
        pause = ctx.add(ReminderPause(**{f"{whom}_id": thing_id}))
        ctx.record("created", pause)
    return on


def due(ctx: Context) -> list[str]:
    """The invoices to remind of now, at this hour of the workspace's day; their ids."""
    studio = current(ctx)
    if ctx.now.astimezone(ZoneInfo(studio.time_zone)).hour not in HOURS:
        return []
    days = current_settings(ctx).reminder_days
    if not days:
        return []
    rows = ctx.rows(_DUE, days=days, today=today_of(ctx), late=CAUGHT_UP.days, zone=studio.time_zone)
    return [invoice_id for (invoice_id,) in rows]


def send(ctx: Context, invoice_id: str) -> Mail | None:
    """Remind of an invoice by the latest step whose day has come; None where there is nothing to remind of any more.

    A second worker at the same moment waits for the invoice's row, and finds it done.
    """
    invoice = ctx.find(Invoice, invoice_id, lock="update")
    if invoice.status != "SENT" or invoice.due_date is None or invoice.balance <= 0:
        return None
    if any(ctx.row(_PAUSED[whom], thing_id=one) for whom, one in _whose(invoice)):
        return None
    today, due_date = today_of(ctx), invoice.due_date
    assert invoice.sent_at is not None  # noqa: S101 - the CHECK says so
    sent_on = local_date(invoice.sent_at, current(ctx).time_zone)
    steps = [(day, due_date + timedelta(days=day)) for day in current_settings(ctx).reminder_days]
    come = [day for day, on in steps if on > sent_on and timedelta(0) <= today - on <= CAUGHT_UP]
    if not come or ctx.row(_DONE, invoice_id=invoice.id, due_date=due_date, step=max(come)) is not None:
        return None
    mail = write_reminder(ctx, invoice, Message(files=()))
    ctx.add(Reminder(invoice_id=invoice.id, due_date=due_date, step=max(come), mail_id=mail.id))
    return mail


def _whose(invoice: Invoice) -> tuple[tuple[Whom, str], ...]:
    return ("invoice", invoice.id), ("client", invoice.client_id)


_PAUSED: Final = {
    whom: Prepared(
        f"SELECT 1 FROM reminder_pauses WHERE workspace_id = %(workspace)s::uuid AND {whom}_id = %(thing_id)s::uuid"
    )
    for whom in _ROWS
}
_RESUME: Final = {
    whom: Prepared(
        f"DELETE FROM reminder_pauses WHERE workspace_id = %(workspace)s::uuid AND {whom}_id = %(thing_id)s::uuid"
    )
    for whom in _ROWS
}
_DONE = Prepared("""
    SELECT 1 FROM reminders
    WHERE workspace_id = %(workspace)s::uuid AND invoice_id = %(invoice_id)s::uuid
      AND due_date = %(due_date)s::date AND step = %(step)s::bigint
""")
_DUE = Prepared("""
    SELECT DISTINCT invoice.id
    FROM invoices AS invoice CROSS JOIN unnest(%(days)s::int[]) AS day
    WHERE invoice.workspace_id = %(workspace)s::uuid AND invoice.status = 'SENT'
      AND %(today)s::date - invoice.due_date - day BETWEEN 0 AND %(late)s::int
      AND invoice.due_date + day > (invoice.sent_at AT TIME ZONE %(zone)s::text)::date
      AND NOT EXISTS (SELECT FROM reminders AS done
                      WHERE done.workspace_id = invoice.workspace_id AND done.invoice_id = invoice.id
                        AND done.due_date = invoice.due_date AND done.step >= day)
      AND NOT EXISTS (SELECT FROM reminder_pauses AS pause
                      WHERE pause.workspace_id = invoice.workspace_id
                        AND (pause.invoice_id = invoice.id OR pause.client_id = invoice.client_id))
    ORDER BY invoice.id
""")

SENTENCES["uq_reminders_workspace_id_invoice_id_due_date_step"] = Conflict(
    "This reminder was sent at this moment.", reason="try_again"
)
SENTENCES["uq_reminder_pauses_client"] = SENTENCES["uq_reminder_pauses_invoice"] = Conflict(
    "Somebody switched it at this moment. Try again.", reason="try_again"
)
