"""Time entries on the wire (contract expensicat 2, seed 001): each is an interval, and an open one is a timer."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from tallystick.api.expensicat.wire import Part, filters_of, in_domain, number, page_of, utc
from tallystick.api.fields import Uuid
from tallystick.api.wire import Ask, AtEnd, Operation
from tallystick.domain import time_entries
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.reports import joined as reports
from tallystick.domain.reports.joined import ENTRIES, EntrySeen

Description = Annotated[str, Meta(max_length=10_000)]


class Worker(Struct, gc=False):
    id: str
    full_name: str | None
    email: str
    avatar_url: str | None


class EntryCustomer(Struct, gc=False):
    id: str
    name: str


class EntryProject(Struct, gc=False):
    id: str
    name: str
    customer_id: str | None
    hourly_rate: float | None
    currency: str | None
    customer: EntryCustomer | None


class EntryInvoice(Struct, gc=False):
    id: str
    number: str
    status: str
    date: date
    due_date: date | None


class TimeEntryJson(Struct, gc=False):
    id: str
    organization_id: str
    user_id: str
    project_id: str | None
    start_time: datetime
    end_time: datetime | None
    duration: int
    description: str
    billable: bool
    invoice_id: str | None
    created_at: datetime
    updated_at: datetime
    user: Worker
    project: EntryProject | None


class ListedTimeEntry(TimeEntryJson, gc=False):
    invoice: EntryInvoice | None


class TimeEntryFields(Struct):
    start_time: datetime | UnsetType = UNSET
    end_time: datetime | UnsetType | None = UNSET
    description: Description | UnsetType = UNSET
    project_id: Uuid | UnsetType | None = UNSET
    billable: bool | UnsetType | None = UNSET


def list_time_entries(ctx: Context, ask: Ask) -> Part:
    rows, after = reports.page(ctx, ENTRIES, EntrySeen, filters_of(ask.query), sort="-begins_at", **page_of(ask.query))
    return Part([ListedTimeEntry(*_fields(ctx, row), invoice=_invoice(row)) for row in rows], after)


def create_time_entry(ctx: Context, ask: Ask) -> AtEnd:
    facts = _facts(ask)
    project_id, stopped_at = facts.pop("project_id", None), facts.pop("stopped_at", None)
    if stopped_at is None:
        entry = time_entries.start(ctx, project_id=project_id, **facts)
    else:
        entry = time_entries.log_interval(ctx, project_id=project_id, stopped_at=stopped_at, **facts)
    return _written(ctx, entry.id)


def get_time_entry(ctx: Context, ask: Ask) -> Struct:
    return _shown(ctx, reports.entry(ctx, ask.id))


def update_time_entry(ctx: Context, ask: Ask) -> AtEnd:
    return _written(ctx, time_entries.change(ctx, ask.id, **_facts(ask)).id)


def delete_time_entry(ctx: Context, ask: Ask) -> None:
    time_entries.delete(ctx, ask.id)


def _facts(ask: Ask) -> dict[str, Any]:
    facts = in_domain(utc(dict(ask.facts), "start_time", "end_time"))
    if "note" in facts:
        facts["note"] = facts["note"] or None
    if facts.get("billable", True) is None:
        del facts["billable"]
    return facts


def _written(ctx: Context, entry_id: str) -> AtEnd:
    seen = reports.entry_at_end(ctx, entry_id)
    return AtEnd(lambda: _shown(ctx, seen()))


def _shown(ctx: Context, row: EntrySeen) -> TimeEntryJson:
    return TimeEntryJson(*_fields(ctx, row))


def _fields(ctx: Context, row: EntrySeen) -> tuple[Any, ...]:
    """The fields that single and listed entries share, in order."""
    project = None
    if row.project_id is not None and row.project_name is not None:
        customer = None
        if row.client_id is not None and row.client_name is not None:
            customer = EntryCustomer(row.client_id, row.client_name)
        project = EntryProject(
            row.project_id, row.project_name, row.client_id, number(row.project_rate), row.currency, customer
        )
    return (
        row.id,
        ctx.actor.workspace_id,
        row.user_id,
        row.project_id,
        row.begins_at,
        row.ends_at,
        row.duration_seconds,
        row.note or "",
        row.billable,
        row.invoice_id,
        row.created_at,
        row.updated_at,
        Worker(row.user_id, row.user_name or None, row.user_email, None),
        project,
    )


def _invoice(row: EntrySeen) -> EntryInvoice | None:
    if row.invoice_id is None or row.invoice_number is None or row.invoice_date is None:
        return None
    status = (row.invoice_status or "").lower()
    return EntryInvoice(row.invoice_id, row.invoice_number, status, row.invoice_date, row.invoice_due)


_LISTING = ENTRIES.everyone
_PARAMETERS = {
    "start_date": _LISTING.filters["date_from"],
    "end_date": _LISTING.filters["date_to"],
    "q": _LISTING.filters["search"],
    "project_id": _LISTING.filters["project_id"],
    "user_id": _LISTING.filters["user_id"],
}
_BILLED = "The entry is on an invoice, or another timer of this person runs."
_READ, _WRITE, _TAG = "entries:read", "entries:write", "Time entries"

OPERATIONS = (
    Operation(
        "listTimeEntries", "GET", "/time-entries", list_time_entries,
        "List time entries with filtering and pagination, newest start first", Permission.TRACK_TIME,
        ListedTimeEntry, listing=_LISTING, parameters=_PARAMETERS, scope=_READ, tag=_TAG,
    ),
    Operation(
        "createTimeEntry", "POST", "/time-entries", create_time_entry,
        "Create a new time entry; without an end it is a running timer", Permission.TRACK_TIME, TimeEntryJson,
        status=201, body=TimeEntryFields, required=("start_time", "description"), scope=_WRITE, tag=_TAG,
    ),
    Operation(
        "getTimeEntry", "GET", "/time-entries/{id}", get_time_entry, "Get a single time entry by ID",
        Permission.TRACK_TIME, TimeEntryJson, scope=_READ, tag=_TAG,
    ),
    Operation(
        "updateTimeEntry", "PATCH", "/time-entries/{id}", update_time_entry, "Update time entry fields",
        Permission.TRACK_TIME, TimeEntryJson, body=TimeEntryFields, conflicts=_BILLED, scope=_WRITE, tag=_TAG,
    ),
    Operation(
        "deleteTimeEntry", "DELETE", "/time-entries/{id}", delete_time_entry, "Delete a time entry by ID",
        Permission.TRACK_TIME, status=204, conflicts="The entry is on an invoice.", scope=_WRITE, tag=_TAG,
    ),
)  # fmt: skip
