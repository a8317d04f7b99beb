"""The audit log, in words that can be read: who did what, when and from where, with before and after."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any, Final, NamedTuple, cast
from zoneinfo import ZoneInfo

import msgspec

from tallystick.domain import audit
from tallystick.domain.access import Permission
from tallystick.domain.audit import Change, Entry
from tallystick.domain.desk import shell
from tallystick.values.ids import parse_id
from tallystick.web.app.visit import Answer, File, Page, Visit

SHOWN: Final = 50
"""Entries on a page."""
LONGEST: Final = 200
"""So much of a text is shown; the table has all of it."""

KIND_NAMES: Final = {
    "api_key": "Grow CRM key",
    "automatic_billing": "Automatic billing",
    "billed_work": "Billed work",
    "billing_run": "Run of automatic billing",
    "card_checkout": "Card payment",
    "card_settings": "Card settings",
    "category": "Category",
    "checklist_item": "Step",
    "client": "Client",
    "client_credit": "Client's credit",
    "comment": "Comment",
    "contact": "Contact",
    "credit_entry": "Booking of a client's credit",
    "credit_note": "Credit note",
    "expense": "Expense",
    "export": "Export",
    "file": "File",
    "invitation": "Invitation",
    "invoice": "Invoice",
    "invoice_link": "Public link",
    "issued_document": "Issued document",
    "mail": "Letter",
    "mail_settings": "Mail settings",
    "mail_template": "Words of letters",
    "member": "Member",
    "milestone": "Milestone",
    "note": "Note",
    "number_series": "Number series",
    "oauth_app": "App",
    "oauth_grant": "Grant to an app",
    "password_link": "Password link",
    "payment": "Payment",
    "payment_method": "Payment method",
    "person": "Person",
    "portal_link": "Portal link",
    "portal_session": "Sign-in to the portal",
    "project": "Project",
    "rate": "Rate",
    "recurring_invoice": "Recurring invoice",
    "recurring_run": "Run of a recurring invoice",
    "refund": "Refund",
    "reminder": "Reminder",
    "reminder_pause": "Pause of reminders",
    "report_view": "View of a report",
    "session": "Sign-in",
    "task": "Task",
    "task_priority": "Priority",
    "task_status": "Status of tasks",
    "tax_rate": "Tax rate",
    "time_entry": "Time entry",
    "token": "API token",
    "week": "Week",
    "webhook_endpoint": "Webhook",
    "workspace": "Workspace",
}
VERB_NAMES: Final = {
    "accepted": "accepted",
    "added": "added",
    "applied": "applied",
    "approved": "approved",
    "archived": "archived",
    "began": "began",
    "closed": "closed",
    "backup_codes_renewed": "backup codes renewed",
    "booked": "booked",
    "cancelled": "cancelled",
    "changed": "changed",
    "completed": "completed",
    "created": "created",
    "deleted": "deleted",
    "disabled": "turned off by the server",
    "ended": "ended",
    "failed": "failed",
    "failing": "began to fail",
    "issued": "issued",
    "made": "made",
    "opened": "opened",
    "paid": "paid",
    "password_changed": "password changed",
    "paused": "paused",
    "queued": "queued",
    "reached": "reached",
    "recorded": "recorded",
    "recovered": "works again",
    "removed": "removed",
    "replayed": "sent events again",
    "reopened": "opened again",
    "restored": "restored",
    "resumed": "taken up again",
    "retried": "tried again",
    "returned": "returned",
    "revoked": "revoked",
    "role_changed": "role changed",
    "run": "run",
    "secret_rotated": "got a new secret",
    "second_factor_off": "two-factor sign-in turned off",
    "second_factor_on": "two-factor sign-in turned on",
    "identity_linked": "sign-in provider linked",
    "looks_as_member": "looks at pages as a member does",
    "looks_as_themselves": "looks at pages as themselves again",
    "passkey_added": "passkey added",
    "refused": "change refused",
    "sign_in_failed": "sign-in failed",
    "passkey_removed": "passkey removed",
    "passkey_renamed": "passkey renamed",
    "sent": "sent",
    "skipped": "passed over",
    "started": "started",
    "stopped": "stopped",
    "submitted": "submitted",
    "tested": "tested",
    "ticked": "ticked",
    "time_settings_changed": "settings of time changed",
    "updated": "changed",
    "viewed": "looked at",
    "withdrawn": "withdrawn",
    "written_off": "written off",
}
FIELD_NAMES: Final = {
    "address": "Address",
    "amount": "Amount",
    "amount_paid": "Paid",
    "app": "App",
    "approve_weeks": "Approvals",
    "balance": "Balance",
    "bill_approved_only": "Only approved time goes on invoices",
    "billable": "Billable",
    "brand_color": "Colour",
    "category": "Category",
    "client_id": "Client",
    "color": "Colour",
    "currency": "Currency",
    "default_currency": "Currency",
    "default_rate": "Default rate",
    "default_tax_rate": "Default tax rate",
    "description": "Description",
    "discount": "Discount",
    "due_date": "Due",
    "duration_seconds": "Duration",
    "email": "E-mail",
    "ending": "Reason",
    "entry_date": "Date",
    "expense_date": "Date",
    "expires_at": "Ends",
    "first_day": "Week",
    "first_name": "First name",
    "hourly_rate": "Hourly rate",
    "iban": "IBAN",
    "invoice_id": "Invoice",
    "issue_date": "Date",
    "kind": "Kind",
    "language": "Language",
    "last_name": "Last name",
    "legal_name": "Legal name",
    "locked_until": "Lock date",
    "name": "Name",
    "note": "Note",
    "notes": "Notes",
    "number": "Number",
    "paid_on": "Received on",
    "percent": "Percent",
    "phone": "Phone",
    "prefix": "Begins with",
    "project_id": "Project",
    "quantity": "Quantity",
    "rate": "Rate",
    "reason": "Reason",
    "recipients": "Recipients",
    "redirect_uris": "Redirect addresses",
    "reference": "Reference",
    "role": "Role",
    "scopes": "May",
    "status": "State",
    "subject": "Subject",
    "subtotal": "Subtotal",
    "tags": "Tags",
    "task_id": "Task",
    "tax_amount": "Tax",
    "tax_id": "Tax number",
    "terms": "Terms",
    "text": "Text",
    "time_zone": "Time zone",
    "title": "Title",
    "total": "Total",
    "user_id": "Person",
    "website": "Website",
    "week_start": "The week begins on",
}
_SILENT: Final = frozenset({"id", "workspace_id", "created_at", "updated_at", "created_by", "position"})
"""What says nothing that the line does not say already."""
_CALLED: Final = ("name", "title", "number", "subject", "email", "description", "text", "note", "first_name")


class Field(NamedTuple):
    """One fact of a change."""

    name: str
    before: str
    after: str


class Told(NamedTuple):
    """A change in words."""

    kind: str
    verb: str
    id: str
    called: str
    """How the thing is called; empty where it has no name."""
    was: bool
    """Whether there is a before to compare with."""
    fields: list[Field]


def page(visit: Visit) -> Answer:
    wanted, query = _wanted(visit), visit.query
    before = query.whole("before", least=1, most=2**62)
    found, following = audit.page(visit.ctx, before=before, limit=SHOWN, **wanted)
    people = shell.colleagues(visit.ctx)
    names = {user_id: name for user_id, name, _ in people}
    kept = ("person", "kind", "thing", "from", "to")
    return visit.show(
        "audit_log.html",
        entries=[(entry, _where(entry), [_told(visit, names, one) for one in entry.changes]) for entry in found],
        people=[(user_id, name) for user_id, name, _ in people],
        kinds=sorted(((kind, visit.say(name)) for kind, name in KIND_NAMES.items()), key=lambda one: one[1].casefold()),
        wanted=wanted,
        filtered=any(query.kept(name) for name in kept),
        older=None if following is None else visit.here(before=following),
        newest=visit.here(before=None) if before else None,
        table=visit.here(before=None).replace("/settings/audit", "/settings/audit/csv", 1),
    )


def table(visit: Visit) -> Answer:
    """What the filters leave, as a table; the same as the API's and never more than `audit.EXPORTED` entries."""
    found, _ = audit.page(visit.ctx, limit=audit.EXPORTED, **_wanted(visit))
    return File("audit-log.csv", "text/csv; charset=utf-8", lambda: audit.as_csv(found))


def _wanted(visit: Visit) -> dict[str, Any]:
    """The filters of the address; one that cannot be read is none."""
    query = visit.query
    zone = visit.formats.zone
    kind = query.kept("kind")
    return {
        "actor_id": parse_id(query.kept("person")),
        "resource": kind if kind in KIND_NAMES else None,
        "resource_id": parse_id(query.kept("thing")),
        "since": _edge(query.day("from"), time.min, zone),
        "until": _edge(query.day("to"), time.max, zone),
    }


def _edge(day: date | None, clock: time, zone: ZoneInfo) -> datetime | None:
    """The first or last instant of a day where the reader is."""
    return None if day is None else datetime.combine(day, clock, zone)


def _where(entry: Entry) -> str:
    """From where it came, as far as it is known: the page or operation, and the address."""
    origin = entry.came_from
    return " · ".join(one for one in (origin.action, origin.address.removeprefix("address:")) if one)


def _told(visit: Visit, names: dict[str, str], change: Change) -> Told:
    verb = change.type.rpartition(".")[2]
    after: dict[str, Any] = cast("dict[str, Any]", change.after) if isinstance(change.after, dict) else {}
    before = cast("dict[str, Any]", change.before) if isinstance(change.before, dict) else None
    shown = after if before is None else before
    fields = [
        Field(
            _label(visit, name),
            "" if before is None else _value(visit, names, name, before[name]),
            _value(visit, names, name, after.get(name)),
        )
        for name in shown
        if name not in _SILENT and (before is not None or after[name] not in (None, "", [], {}))
    ]
    called = next((str(after[name]) for name in _CALLED if after.get(name)), names.get(str(after.get("user_id")), ""))
    return Told(
        visit.say(KIND_NAMES.get(change.resource, _plain(change.resource).capitalize())),
        visit.say(VERB_NAMES.get(verb, _plain(verb))),
        change.id,
        _short(called),
        before is not None,
        fields,
    )


def _label(visit: Visit, name: str) -> str:
    return visit.say(FIELD_NAMES.get(name) or _plain(name.removesuffix("_id").removesuffix("_seconds")).capitalize())


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _value(visit: Visit, names: dict[str, str], name: str, value: Any) -> str:
    """A kept fact as people read it."""
    if value is None or value == "":
        return visit.say("none")
    if isinstance(value, bool):
        return visit.say("yes" if value else "no")
    if isinstance(value, int) and name.endswith("_seconds"):
        return visit.formats.hours(value)
    if isinstance(value, list | dict):
        try:
            texts = msgspec.convert(value, list[str])
        except msgspec.ValidationError:
            return _short(msgspec.json.encode(value).decode())
        return _short(", ".join(names.get(one, one) for one in texts)) or visit.say("none")
    return _short(names.get(str(value)) or _moment(visit, name, str(value)) or str(value))


def _moment(visit: Visit, name: str, text: str) -> str:
    try:
        if name.endswith("_at"):
            return visit.formats.moment(datetime.fromisoformat(text))
        if name.endswith(("_date", "_on", "_from", "_to")):
            return visit.formats.day(date.fromisoformat(text))
    except (ValueError, OverflowError):
        pass
    return ""


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


_READ: Final = Permission.READ_AUDIT

PAGES = (
    Page("/settings/audit", _READ, page, label="Audit log", section="settings", icon="list", enters=True),
    Page("/settings/audit/csv", _READ, table, file=True, enters=True),
)
