"""What a worker does: a few lines over a verb each. A task may run twice, and does the thing once."""

from __future__ import annotations

from collections.abc import Sequence

from tallystick.domain.context import Context
from tallystick.domain.mails import delivery
from tallystick.jobs.desk import Desk
from tallystick.values.letter import Attachment


def send_mail(desk: Desk, workspace_id: str, mail_id: str) -> None:
    """Deliver one letter."""
    delivery.deliver(desk.opens(workspace_id), mail_id, _attach)


def _attach(_ctx: Context, _invoice_id: str, _names: Sequence[str]) -> Sequence[Attachment]:
    return ()
