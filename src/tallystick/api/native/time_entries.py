"""Time entries and timers on the wire (contract hoursmith 2.7; start and stop are ours)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from tallystick.api.fields import Duration, Uuid
from tallystick.api.native.invoices import StepJson, step_json
from tallystick.api.native.views import View
from tallystick.api.native.wire import lists, read_only
from tallystick.api.wire import Ask, Nothing, Operation
from tallystick.domain import explanations, time_entries
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.time_entries import TimeEntry
from tallystick.values.errors import Invalid

Note = Annotated[str, Meta(max_length=10_000)]
Seconds = Annotated[int, Meta(ge=0, le=31_622_400)]


class TimeEntryJson(Struct, rename="camel", gc=False):
    id: str
    org_id: str
    user_id: str
    project_id: str | None
    task_id: str | None
    invoice_id: str | None
    duration_seconds: int
    billable: bool
    note: str | None
    entry_date: date
    started_at: datetime | None
    stopped_at: datetime | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    written_off_at: datetime | None
    write_off_reason: str | None


class TimeEntryFields(Struct, rename="camel"):
    project_id: Uuid | UnsetType = UNSET
    task_id: Uuid | UnsetType | None = UNSET
    user_id: Uuid | UnsetType | None = UNSET
    entry_date: date | UnsetType = UNSET
    duration_seconds: Seconds | UnsetType | None = UNSET
    duration: Duration | UnsetType | None = UNSET
    billable: bool | UnsetType | None = UNSET
    note: Note | UnsetType | None = UNSET


class TimerFields(Struct, rename="camel"):
    project_id: Uuid | UnsetType = UNSET
    task_id: Uuid | UnsetType | None = UNSET
    note: Note | UnsetType | None = UNSET
    billable: bool | UnsetType | None = UNSET


TIME_ENTRY = View(TimeEntry, TimeEntryJson)
_READ_ONLY = read_only(TimeEntryJson, TimeEntryFields)


def explain_time_entry(ctx: Context, ask: Ask) -> Struct:
    return step_json(explanations.of_time_entry(ctx, ask.id))


def create_time_entry(ctx: Context, ask: Ask) -> Struct:
    return TIME_ENTRY.one(ctx.actor, time_entries.log(ctx, **_seconds(ask.facts)))


def get_time_entry(ctx: Context, ask: Ask) -> Struct:
    row = time_entries.read_shown(ctx, ask.id, TIME_ENTRY.columns(ctx.actor))
    return TIME_ENTRY.rows(ctx.actor, [row])[0]


def update_time_entry(ctx: Context, ask: Ask) -> Struct:
    facts = {name: value for name, value in _seconds(ask.facts).items() if name != "billable" or value is not None}
    return TIME_ENTRY.one(ctx.actor, time_entries.change(ctx, ask.id, **facts))


def delete_time_entry(ctx: Context, ask: Ask) -> None:
    time_entries.delete(ctx, ask.id)


def get_running_time_entry(ctx: Context, _ask: Ask) -> Struct | None:
    entry = time_entries.running(ctx)
    return None if entry is None else TIME_ENTRY.one(ctx.actor, entry)


def start_timer(ctx: Context, ask: Ask) -> Struct:
    return TIME_ENTRY.one(ctx.actor, time_entries.start(ctx, **ask.facts))


def stop_timer(ctx: Context, ask: Ask) -> Struct:
    return TIME_ENTRY.one(ctx.actor, time_entries.stop(ctx, ask.ids.get("id")))


def _check_duration(facts: dict[str, Any]) -> None:
    if facts.get("duration_seconds") is None and facts.get("duration") is None:
        raise Invalid(fields={"duration_seconds": "required: send durationSeconds, or duration such as 1h30m"})


def _seconds(facts: dict[str, Any]) -> dict[str, Any]:
    """One of `durationSeconds` and `duration`; when both are sent `durationSeconds` wins."""
    human = facts.get("duration")
    rest = {name: value for name, value in facts.items() if name != "duration"}
    if rest.get("duration_seconds") is None:
        rest.pop("duration_seconds", None)
        if human is not None:
            rest["duration_seconds"] = int(human)
    return rest


_LOCKED = "The entry is on an invoice, its timer is running, or its day is closed: approved, submitted or locked."
_CLOSED = "The day is closed: its week is approved or submitted, or it lies before the lock date."

OPERATIONS = (
    Operation(
        "listTimeEntrys", "GET", "/time-entries", lists(time_entries.TIME_ENTRIES, TIME_ENTRY), "List time entries",
        Permission.TRACK_TIME, TimeEntryJson, listing=time_entries.TIME_ENTRIES, tag="Time entries",
    ),
    Operation(
        "createTimeEntry", "POST", "/time-entries", create_time_entry, "Log time", Permission.TRACK_TIME,
        TimeEntryJson, status=201, body=TimeEntryFields, required=("project_id", "entry_date"),
        read_only=_READ_ONLY, check=_check_duration, conflicts=_CLOSED, tag="Time entries",
    ),
    Operation(
        "getRunningTimeEntry", "GET", "/time-entries/running", get_running_time_entry, "The caller's running timer",
        Permission.TRACK_TIME, TimeEntryJson, nullable=True, tag="Time entries",
    ),
    Operation(
        "startTimer", "POST", "/time-entries/start", start_timer,
        "Start a timer; one that runs stops in the same instant", Permission.TRACK_TIME, TimeEntryJson,
        status=201, body=TimerFields, required=("project_id",), conflicts=_CLOSED, tag="Time entries",
    ),
    Operation(
        "stopTimer", "POST", "/time-entries/stop", stop_timer, "Stop the caller's timer", Permission.TRACK_TIME,
        TimeEntryJson, body=Nothing, conflicts="No timer is running.", tag="Time entries",
    ),
    Operation(
        "stopTimeEntry", "POST", "/time-entries/{id}/stop", stop_timer, "Stop this timer", Permission.TRACK_TIME,
        TimeEntryJson, body=Nothing, conflicts="This timer is not running.", tag="Time entries",
    ),
    Operation(
        "getTimeEntry", "GET", "/time-entries/{id}", get_time_entry, "Get a time entry",
        Permission.TRACK_TIME, TimeEntryJson, tag="Time entries",
    ),
    Operation(
        "explainTimeEntry", "GET", "/time-entries/{id}/explain", explain_time_entry,
        "Where the hours of an entry and what they cost come from", Permission.TRACK_TIME, StepJson,
        tag="Time entries",
    ),
    Operation(
        "updateTimeEntry", "PATCH", "/time-entries/{id}", update_time_entry, "Correct a time entry",
        Permission.TRACK_TIME, TimeEntryJson, body=TimeEntryFields, read_only=_READ_ONLY, conflicts=_LOCKED,
        tag="Time entries",
    ),
    Operation(
        "deleteTimeEntry", "DELETE", "/time-entries/{id}", delete_time_entry, "Delete a time entry",
        Permission.TRACK_TIME, status=204, body=Nothing, conflicts=_LOCKED, tag="Time entries",
    ),
)  # fmt: skip
