"""Weeks on the wire: submitted, withdrawn, approved, returned and reopened. Ours."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from tallystick.api.fields import Uuid
from tallystick.api.native.views import View
from tallystick.api.native.wire import lists
from tallystick.api.wire import Ask, Nothing, Operation
from tallystick.domain import approvals
from tallystick.domain.access import Permission
from tallystick.domain.approvals import WEEKS, Week
from tallystick.domain.context import Context


class WeekJson(Struct, rename="camel", gc=False):
    id: str
    org_id: str
    user_id: str
    first_day: date
    status: str
    duration_seconds: int
    submitted_at: datetime | None
    submitted_by: str | None
    decided_at: datetime | None
    decided_by: str | None
    reason: str | None
    created_at: datetime
    updated_at: datetime


class SubmitFields(Struct, rename="camel"):
    first_day: date | UnsetType = UNSET
    user_id: Uuid | UnsetType | None = UNSET


class ReasonFields(Struct):
    reason: Annotated[str, Meta(min_length=1, max_length=500)] | UnsetType = UNSET


class WeekIds(Struct, rename="camel"):
    week_ids: Annotated[list[Uuid], Meta(min_length=1, max_length=200)] | UnsetType = UNSET


WEEK = View(Week, WeekJson)


def get_week(ctx: Context, ask: Ask) -> Struct:
    return WEEK.one(ctx.actor, approvals.read(ctx, ask.id))


def submit_week(ctx: Context, ask: Ask) -> Struct:
    return WEEK.one(ctx.actor, approvals.submit(ctx, **ask.facts))


def withdraw_week(ctx: Context, ask: Ask) -> Struct:
    return WEEK.one(ctx.actor, approvals.withdraw(ctx, ask.id))


def approve_week(ctx: Context, ask: Ask) -> Struct:
    return WEEK.one(ctx.actor, approvals.approve(ctx, ask.id))


def approve_weeks(ctx: Context, ask: Ask) -> list[Struct]:
    return [WEEK.one(ctx.actor, one) for one in approvals.approve_many(ctx, ask.facts["week_ids"])]


def return_week(ctx: Context, ask: Ask) -> Struct:
    return WEEK.one(ctx.actor, approvals.return_(ctx, ask.id, ask.facts["reason"]))


def reopen_week(ctx: Context, ask: Ask) -> Struct:
    return WEEK.one(ctx.actor, approvals.reopen(ctx, ask.id, ask.facts["reason"]))


_OFF: Final = "The workspace does not approve weeks"
_TRACK, _APPROVE = Permission.TRACK_TIME, Permission.APPROVE_TIME

OPERATIONS = (
    Operation(
        "listWeeks", "GET", "/weeks", lists(WEEKS, WEEK), "List weeks that were submitted once", _TRACK, WeekJson,
        listing=WEEKS, tag="Weeks",
    ),
    Operation(
        "submitWeek", "POST", "/weeks/submit", submit_week, "Submit a week to be approved", _TRACK, WeekJson,
        body=SubmitFields, required=("first_day",), tag="Weeks",
        conflicts=f"{_OFF}, the week is submitted or approved already, or a timer runs in it.",
    ),
    Operation(
        "approveWeeks", "POST", "/weeks/approve", approve_weeks, "Approve several weeks, all of them or none", _APPROVE,
        WeekJson, body=WeekIds, required=("week_ids",), many=True, tag="Weeks",
        conflicts=f"{_OFF}, or one of them is not submitted.",
    ),
    Operation("getWeek", "GET", "/weeks/{id}", get_week, "Get a week", _TRACK, WeekJson, tag="Weeks"),
    Operation(
        "withdrawWeek", "POST", "/weeks/{id}/withdraw", withdraw_week, "Take one's own submitted week back", _TRACK,
        WeekJson, body=Nothing, conflicts="It is not submitted.", tag="Weeks",
    ),
    Operation(
        "approveWeek", "POST", "/weeks/{id}/approve", approve_week, "Approve a submitted week", _APPROVE, WeekJson,
        body=Nothing, conflicts=f"{_OFF}, or it is not submitted.", tag="Weeks",
    ),
    Operation(
        "returnWeek", "POST", "/weeks/{id}/return", return_week, "Return a submitted week with a reason", _APPROVE,
        WeekJson, body=ReasonFields, required=("reason",), conflicts=f"{_OFF}, or it is not submitted.", tag="Weeks",
    ),
    Operation(
        "reopenWeek", "POST", "/weeks/{id}/reopen", reopen_week, "Open an approved week again, with a reason", _APPROVE,
        WeekJson, body=ReasonFields, required=("reason",), conflicts=f"{_OFF}, or it is not approved.", tag="Weeks",
    ),
)  # fmt: skip
