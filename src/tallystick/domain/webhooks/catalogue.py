"""Every event there is by its name, and how somebody says which of them they want."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

EVENTS: Final[dict[str, tuple[str, ...]]] = {
    "client": ("created", "updated", "deleted", "payment_method_changed"),
    "contact": ("created", "updated", "made_primary", "deleted"),
    "project": (
        "created", "updated", "archived", "deleted", "managers_changed", "staffed", "time_deleted",
    ),
    "milestone": ("created", "updated", "reached", "reopened", "deleted", "ordered"),
    "task": ("created", "updated", "completed", "shelved", "unshelved", "archived"),
    "task_status": ("created", "updated", "deleted"),
    "task_priority": ("created", "updated", "deleted"),
    "checklist_item": ("created", "updated", "ticked", "unticked", "ordered", "deleted"),
    "comment": ("created", "deleted"),
    "note": ("created", "updated", "deleted"),
    "time_entry": ("created", "started", "stopped", "updated", "written_off", "write_off_undone", "deleted"),
    "expense": ("created", "updated", "written_off", "write_off_undone", "deleted"),
    "file": ("created", "changed", "deleted"),
    "category": ("created", "updated", "deleted", "migrated", "team_changed"),
    "rate": ("created", "updated", "applied", "deleted"),
    "invoice": (
        "created", "updated", "sent", "paid", "payment_failed", "reopened", "cancelled", "restored", "written_off",
        "write_off_taken_back", "payment_method_changed", "deleted",
    ),
    "invoice_link": ("made", "viewed"),
    "payment": ("recorded", "updated", "deleted"),
    "refund": ("recorded", "updated", "deleted"),
    "credit_note": ("issued",),
    "credit_entry": ("booked",),
    "card_checkout": ("opened", "paid", "flagged"),
    "recurring_invoice": (
        "created", "updated", "paused", "resumed", "skipped", "run", "failed", "cancelled", "deleted",
    ),
    "automatic_billing": ("created", "updated", "run", "failed", "deleted"),
    "reminder_pause": ("created",),
    "mail": ("queued", "sent", "failed", "retried"),
    "mail_settings": ("updated",),
    "mail_template": ("created", "updated", "deleted"),
    "card_settings": ("updated",),
    "tax_rate": ("created", "updated", "deleted"),
    "number_series": ("changed",),
    "report_view": ("created", "updated", "deleted"),
    "week": ("submitted", "withdrawn", "approved", "returned", "reopened"),
    "workspace": ("updated", "time_settings_changed", "closed", "reopened"),
    "export": ("asked", "finished", "failed", "downloaded"),
    "portal_link": ("sent",),
    "portal_session": ("begun", "ended"),
    "member": (
        "added", "updated", "role_changed", "removed", "second_factor_on", "second_factor_off",
        "backup_codes_renewed",
        "identity_linked", "sign_in_failed", "refused", "passkey_added", "passkey_renamed", "passkey_removed",
    ),
    "invitation": ("made", "accepted", "ended"),
    "session": ("began", "ended", "looks_as_member", "looks_as_themselves"),
    "password_link": ("made",),
    "token": ("issued", "revoked"),
    "api_key": ("issued", "revoked"),
    "oauth_app": ("created", "revoked"),
    "oauth_grant": ("created", "ended"),
    "webhook_endpoint": (
        "created", "updated", "secret_rotated", "tested", "replayed", "failing", "recovered", "disabled", "deleted",
    ),
}  # fmt: skip
"""Resource → what happens to it. A test holds this and what verbs record together."""
HOURSMITH: Final = (
    "invoice.sent", "invoice.paid", "invoice.payment_failed", "time_entry.created", "task.completed", "task.created",
    "client.created", "project.created",
)  # fmt: skip
"""The events of the origin, byte-compatible (contract hoursmith 3.16)."""
ALSO: Final[dict[str, str]] = {"time_entry.started": "time_entry.created"}
"""Event → another one that it also is: whoever starts a timer makes an entry."""
EVERYTHING: Final = "*"
TEST: Final = "webhook_endpoint.test"
"""What a test is called; it is sent to whoever asks for it, whatever else they want."""
MOST: Final = 100
"""Names and patterns of one endpoint."""


def names() -> list[str]:
    """All events, in the order of the table."""
    return [f"{resource}.{what}" for resource, whats in EVENTS.items() for what in whats]


def unknown(wanted: Iterable[str]) -> str | None:
    """The first that is neither an event, nor `*`, nor all events of a resource (`invoice.*`)."""
    known = {EVERYTHING, *names(), *(f"{resource}.*" for resource in EVENTS)}
    return next((one for one in wanted if one not in known), None)


def wants(patterns: Sequence[str], event: str) -> bool:
    """Whether somebody who wants these wants an event."""
    return EVERYTHING in patterns or event in patterns or f"{event.partition('.')[0]}.*" in patterns
