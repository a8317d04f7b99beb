"""Timesheets on the wire (contract growcrm 2, seed 003): each is a time entry of the record."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, Final, Literal

from msgspec import UNSET, Struct, UnsetType

from tallystick.api.growcrm import laravel
from tallystick.api.growcrm.laravel import AtLeastNothing, Whole, in_terms_of
from tallystick.api.growcrm.numbers import readable, seconds_in, stamp
from tallystick.api.growcrm.wire import NOTHING, Id, Page, page_of
from tallystick.api.wire import Ask, AtEnd, Operation
from tallystick.domain import overviews, time_entries
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.listing import Filter
from tallystick.domain.overviews.timesheets import Timesheet, one, one_at_end, page, place
from tallystick.domain.time_entries import TimeEntry
from tallystick.values.duration import LONGEST_SECONDS
from tallystick.values.errors import NotFound


class Billing(Struct, gc=False):
    status: Literal["not_invoiced", "invoiced"]
    invoice_id: int | None


class Dates(Struct, gc=False):
    created: date
    """The day of the work."""
    started: str | None
    stopped: str | None


class TimesheetJson(Struct, gc=False):
    id: int
    task_id: int | None
    project_id: int | None
    client_id: int | None
    worked_by_id: int
    recorded_by_id: int
    time_seconds: int
    time_readable: str
    status: Literal["stopped", "running"]
    billing: Billing
    dates: Dates


class TimesheetFields(Struct):
    task_id: Whole | UnsetType = UNSET
    user_id: Whole | UnsetType = UNSET
    hours: AtLeastNothing | UnsetType = UNSET
    minutes: AtLeastNothing | UnsetType = UNSET
    timer_created: date | UnsetType = UNSET


class TimeFields(Struct):
    hours: AtLeastNothing | UnsetType = UNSET
    minutes: AtLeastNothing | UnsetType = UNSET


def list_timesheets(ctx: Context, ask: Ask) -> Page:
    if NOTHING in ask.query:
        return Page([], 0)
    query = ask.query
    filters = {domain: query.get(wire) for wire, domain in _NUMBERS.items()}
    filters |= {"date_from": query.get("date_start"), "date_to": query.get("date_end")}
    filters |= {
        "running": None if "status" not in query else query["status"] == "running",
        "invoiced": None if "billing_status" not in query else query["billing_status"] == "invoiced",
    }
    rows, total = page(ctx, filters, **page_of(query))
    return Page([_shown(ctx, row) for row in rows], total)


def get_timesheet(ctx: Context, ask: Ask) -> Struct:
    return _shown(ctx, one(ctx, int(ask.id)))


def create_timesheet(ctx: Context, ask: Ask) -> AtEnd:
    facts = ask.facts
    here = place(ctx, facts["task_id"], facts["user_id"])
    if here.task_id is None:
        raise NotFound
    if here.user_id is None:
        raise laravel.selected("user_id")
    with in_terms_of({"project_id": "task_id", "entry_date": "timer_created"}):
        entry = time_entries.log(
            ctx,
            project_id=here.project_id,
            task_id=here.task_id,
            user_id=here.user_id,
            entry_date=facts["timer_created"],
            duration_seconds=_seconds(facts),
        )
    return _written(ctx, entry.id)


def update_timesheet(ctx: Context, ask: Ask) -> AtEnd:
    entry_id = overviews.id_of(ctx, TimeEntry, int(ask.id))
    time_entries.change(ctx, entry_id, duration_seconds=_seconds(ask.facts))
    return _written(ctx, entry_id)


def delete_timesheet(ctx: Context, ask: Ask) -> Id:
    time_entries.delete(ctx, overviews.id_of(ctx, TimeEntry, int(ask.id)))
    return Id(int(ask.id))


def _seconds(facts: dict[str, Any]) -> int:
    hours: Decimal = facts["hours"]
    minutes: Decimal = facts["minutes"]
    return seconds_in(hours, minutes)


def _check_time(facts: dict[str, Any]) -> None:
    seconds = _seconds(facts)
    if seconds < 60:
        raise laravel.wrong("minutes", "The total time must be at least one minute.")
    if seconds > LONGEST_SECONDS:
        raise laravel.wrong("hours", f"The total time must not be greater than {LONGEST_SECONDS // 3600} hours.")


def _written(ctx: Context, entry_id: str) -> AtEnd:
    seen = one_at_end(ctx, entry_id)
    return AtEnd(lambda: _shown(ctx, seen()))


def _shown(ctx: Context, row: Timesheet) -> TimesheetJson:
    seconds = row.seconds(ctx.now)
    return TimesheetJson(
        row.serial,
        row.task,
        row.project,
        row.client,
        row.worker,
        row.recorder,
        seconds,
        readable(seconds),
        "running" if row.running else "stopped",
        Billing("not_invoiced" if row.invoice is None else "invoiced", row.invoice),
        Dates(
            row.entry_date,
            None if row.started_at is None else stamp(row.started_at),
            None if row.stopped_at is None else stamp(row.stopped_at),
        ),
    )


_NONE: Final[Any] = None
_NUMBERS: Final = {"task_id": "task", "project_id": "project", "client_id": "client", "user_id": "worker"}
_PARAMETERS: Final = {
    **dict.fromkeys(("task_id", "project_id", "client_id"), Filter("number", _NONE)),
    "user_id": Filter("number", _NONE, about="Who did the work."),
    "status": Filter("choice", _NONE, choices=("stopped", "running")),
    "billing_status": Filter("choice", _NONE, choices=("not_invoiced", "invoiced")),
    "date_start": Filter("day", _NONE, about="The first day of work, YYYY-MM-DD."),
    "date_end": Filter("day", _NONE, about="The last day of work, YYYY-MM-DD; it is included."),
}
_LOCKED: Final = "The timesheet is on an invoice, or its timer is running."
_TAG: Final = "Timesheets"

OPERATIONS = (
    Operation(
        "listTimesheets", "GET", "/timesheets", list_timesheets, "List and search timesheets", Permission.TRACK_TIME,
        TimesheetJson, parameters=_PARAMETERS, sorts={"timer_created": "entry_date", "timer_time": "duration_seconds"},
        message="Timesheets retrieved successfully.", tag=_TAG,
    ),
    Operation(
        "createTimesheet", "POST", "/timesheets", create_timesheet,
        "Record a timesheet; project and client are those of the task", Permission.REASSIGN_TIME, TimesheetJson,
        status=201, body=TimesheetFields, required=("task_id", "user_id", "hours", "minutes", "timer_created"),
        check=_check_time, absent="The task does not exist.", message="Timesheet created successfully.", tag=_TAG,
    ),
    Operation(
        "getTimesheet", "GET", "/timesheets/{id}", get_timesheet, "Get a timesheet", Permission.TRACK_TIME,
        TimesheetJson, message="Timesheet retrieved successfully.", tag=_TAG,
    ),
    Operation(
        "updateTimesheet", "PATCH", "/timesheets/{id}", update_timesheet,
        "Change the time of a timesheet; its task, person and day stay", Permission.TRACK_TIME, TimesheetJson,
        body=TimeFields, required=("hours", "minutes"), check=_check_time, conflicts=_LOCKED,
        message="Timesheet updated successfully.", tag=_TAG,
    ),
    Operation(
        "deleteTimesheet", "DELETE", "/timesheets/{id}", delete_timesheet, "Delete a timesheet", Permission.TRACK_TIME,
        Id, conflicts="The timesheet is on an invoice.", message="Timesheet deleted successfully.", tag=_TAG,
    ),
)  # fmt: skip
