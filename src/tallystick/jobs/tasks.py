"""What a worker does: a few lines over a verb each. A task may run twice, and does the thing once."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Generator
from datetime import datetime
from typing import Final

import psycopg

from tallystick.auth import invitations, notices
from tallystick.auth import portal as portal_doors
from tallystick.domain import closing, exports, members, noticing, portal, reminders, sending
from tallystick.domain.context import Context
from tallystick.domain.entering import enter
from tallystick.domain.mails import delivery
from tallystick.domain.recurring import automatic_billing, runs
from tallystick.domain.webhooks import sending as webhooks
from tallystick.jobs.desk import Desk
from tallystick.telemetry.numbers import numbers
from tallystick.values.errors import NotFound, Refusal

_REMINDING: Final = """
    SELECT workspace_id FROM mail_settings WHERE cardinality(reminder_days) > 0 AND workspace_id IN (
        SELECT id FROM workspaces WHERE closed_at IS NULL) ORDER BY 1
"""

log = logging.getLogger("tallystick.jobs")


class _Rests(Exception):  # noqa: N818 - what is found of a letter
    """It waits until its workspace is open again."""


def send_mail(desk: Desk, workspace_id: str, mail_id: str) -> None:
    """Deliver one letter; those of a closed workspace rest, but for the one that says so."""

    @contextlib.contextmanager
    def opened() -> Generator[Context]:
        with desk.workspace(workspace_id) as ctx:
            if closing.rests(ctx, mail_id):
                raise _Rests
            yield ctx

    try:
        handed_over = delivery.deliver(opened, mail_id, sending.attached)
    except _Rests:
        return
    except delivery.TryLater:
        numbers.count("tallystick_mails", "put off")
        raise
    except delivery.Failed:
        numbers.count("tallystick_mails", "failed")
        raise
    if handed_over:
        numbers.count("tallystick_mails", "sent")


def bill_what_is_due(desk: Desk) -> None:
    """Make the recurring invoices that are due, and bill tracked time, workspace by workspace."""
    with desk.owner() as connection:
        workspaces = connection.execute(_BILLING_ITSELF).fetchall()
    for (workspace_id,) in workspaces:
        if desk.leaving.is_set():
            return
        runs.run_due(desk.opens(workspace_id))
        automatic_billing.run_due(desk.opens(workspace_id))


_BILLING_ITSELF: Final = """
    SELECT id FROM workspaces WHERE closed_at IS NULL AND id IN (
        SELECT workspace_id FROM recurring_invoices WHERE status = 'ACTIVE' AND deleted_at IS NULL
        UNION SELECT workspace_id FROM automatic_billing)
"""


def forget_old_webhooks(desk: Desk) -> None:
    """Delete messages that are too old to be told of, a batch at a time."""
    gone = True
    while gone and not desk.leaving.is_set():
        with desk.owner() as connection:
            gone = webhooks.forget(connection, desk.clock()) > 0


def send_reset_link(desk: Desk, email: str) -> None:
    """Mail somebody a link to set their password. For an address that nobody has, nothing: and nobody waits for it."""
    with desk.database.transaction() as connection:
        workspace_id = invitations.known_as(connection, email)
    if workspace_id is None:
        return
    with desk.workspace(workspace_id) as ctx:
        try:
            member = members.by_email(ctx, email)
        except NotFound:
            return
        invitations.send_reset_link(ctx, member.user_id, email.strip().lower())


def send_portal_link(desk: Desk, email: str) -> None:
    """Mail somebody at a client a link to the portal, one of each workspace that knows them; to a stranger nothing."""
    with desk.database.transaction() as connection:
        workspaces = portal_doors.workspaces_knowing(connection, email)
    for workspace_id in workspaces:
        with desk.workspace(workspace_id) as ctx:
            portal.offer(ctx, email)


def tell_password_changed(
    desk: Desk, workspace_id: str, *, user_id: str, changed_at: str, address: str, browser: str
) -> None:
    """Mail somebody that their password was changed, and from where."""
    with desk.workspace(workspace_id) as ctx:
        invitations.tell_password_changed(
            ctx, user_id, changed_at=datetime.fromisoformat(changed_at), address=address, browser=browser
        )


def tell_sign_in_changed(
    desk: Desk, workspace_id: str, *, user_id: str, what: str, changed_at: str, address: str, browser: str, name: str
) -> None:
    """Mail somebody that how they sign in was changed, and from where."""
    with desk.workspace(workspace_id) as ctx:
        notices.write(
            ctx,
            user_id,
            what,
            changed_at=datetime.fromisoformat(changed_at),
            address=address,
            browser=browser,
            name=name,
        )


def remind(desk: Desk) -> None:
    """Send the reminders whose day has come, invoice by invoice: what one of them lacks does not keep the others."""
    with desk.owner() as connection:
        workspaces = [workspace_id for (workspace_id,) in connection.execute(_REMINDING).fetchall()]
    for workspace_id in workspaces:
        if desk.leaving.is_set():
            return
        with desk.workspace(workspace_id) as ctx:
            due = reminders.due(ctx)
        for invoice_id in due:
            try:
                with desk.workspace(workspace_id) as ctx:
                    reminders.send(ctx, invoice_id)
            except Refusal as refusal:
                log.warning("no reminder of invoice %s: %s", invoice_id, refusal.fields or refusal.message)
            except psycopg.Error:
                raise  # the database is away: all of it is tried again
            except Exception:
                log.exception("no reminder of invoice %s", invoice_id)


def notice(desk: Desk) -> None:
    """Tell people what is so by now, workspace by workspace and kind by kind; a failure keeps nobody else."""
    with desk.owner() as connection:
        workspaces = [workspace_id for (workspace_id,) in connection.execute(_OPEN).fetchall()]
    for workspace_id in workspaces:
        for look in noticing.LOOKS:
            if desk.leaving.is_set():
                return
            try:
                with desk.workspace(workspace_id) as ctx:
                    look(ctx)
            except psycopg.Error:
                raise  # the database is away: all of it is tried again
            except Exception:
                log.exception("nobody was told what %s finds in workspace %s", look.__name__, workspace_id)


_OPEN: Final = "SELECT id FROM workspaces WHERE closed_at IS NULL ORDER BY id"


def export_everything(desk: Desk, workspace_id: str, export_id: str) -> None:
    """Write the zip of a workspace, piece by piece."""
    with desk.workspace(workspace_id) as ctx:
        if not exports.begin(ctx, export_id):
            return
        named = ctx.actor.workspace_name
    position, told = 0, 0

    def sink(content: bytes) -> None:
        nonlocal position
        with desk.workspace(workspace_id) as ctx:
            exports.keep_piece(ctx, export_id, position, content)
        position += 1

    def ahead(progress: int) -> None:
        nonlocal told
        if progress >= told + 5:
            told = progress
            with desk.workspace(workspace_id) as ctx:
                exports.tell(ctx, export_id, min(progress, 99))

    try:
        with desk.workspace(workspace_id) as ctx:
            enter(ctx)
        with desk.snapshot(workspace_id) as connection:
            size = exports.write(connection, workspace_id, named, sink=sink, ahead=ahead, at=desk.clock())
        with desk.workspace(workspace_id) as ctx:
            exports.finish(ctx, export_id, size)
    except Exception as error:
        with desk.workspace(workspace_id) as ctx:
            exports.fail(ctx, export_id, f"{type(error).__name__}: {error}")
        raise


def forget_exports(desk: Desk) -> None:
    """Delete the zips that were kept for long enough."""
    with desk.owner() as connection:
        due = connection.execute(
            "SELECT DISTINCT workspace_id FROM exports WHERE expires_at <= %s", [desk.clock()]
        ).fetchall()
    for (workspace_id,) in due:
        with desk.workspace(workspace_id) as ctx:
            exports.forget(ctx)


def erase_closed(desk: Desk) -> None:
    """Erase the workspaces that were closed a month ago, each in its own transaction."""
    before = desk.clock() - closing.KEPT
    with desk.owner() as connection:
        due = closing.overdue(connection, before)
    for workspace_id in due:
        with desk.owner() as connection:
            if closing.erase(connection, workspace_id, before):
                log.warning("erased workspace %s, which was closed a month ago", workspace_id)
