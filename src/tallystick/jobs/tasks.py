"""What a worker does: a few lines over a verb each. A task may run twice, and does the thing once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tallystick.domain.context import Context
from tallystick.domain.mails import delivery
from tallystick.domain.recurring import automatic_billing, runs
from tallystick.jobs.desk import Desk
from tallystick.values.letter import Attachment


def send_mail(desk: Desk, workspace_id: str, mail_id: str) -> None:
    """Deliver one letter."""
    delivery.deliver(desk.opens(workspace_id), mail_id, _attach)


def bill_what_is_due(desk: Desk) -> None:
    """Make the recurring invoices that are due, and bill tracked time, workspace by workspace."""
    with desk.owner() as connection:
        workspaces = connection.execute(_BILLING_ITSELF).fetchall()
    for (workspace_id,) in workspaces:
        runs.run_due(desk.opens(workspace_id))
        automatic_billing.run_due(desk.opens(workspace_id))


def _attach(_ctx: Context, _invoice_id: str, _names: Sequence[str]) -> Sequence[Attachment]:
    return ()


_BILLING_ITSELF: Final = """
    SELECT workspace_id FROM recurring_invoices WHERE status = 'ACTIVE' AND deleted_at IS NULL
    UNION SELECT workspace_id FROM automatic_billing
"""
