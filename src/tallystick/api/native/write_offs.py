"""Writing unbilled work off on the wire, and undoing it. Ours."""

from __future__ import annotations

from typing import Annotated, Any, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from tallystick.api.fields import Uuid
from tallystick.api.native.expenses import EXPENSE, ExpenseJson
from tallystick.api.native.time_entries import TIME_ENTRY, TimeEntryJson
from tallystick.api.native.views import View
from tallystick.api.wire import Ask, Handler, Nothing, Operation
from tallystick.domain import write_offs
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.expenses import Expense
from tallystick.domain.time_entries import TimeEntry
from tallystick.domain.write_offs import Work

Reason = Annotated[str, Meta(min_length=1, max_length=500)]
Ids = Annotated[list[Uuid], Meta(min_length=1, max_length=200)]


class WriteOffFields(Struct):
    reason: Reason | UnsetType = UNSET


class TimeIds(Struct, rename="camel"):
    entry_ids: Ids | UnsetType = UNSET


class TimeWriteOffFields(TimeIds, rename="camel"):
    reason: Reason | UnsetType = UNSET


class ExpenseIds(Struct, rename="camel"):
    expense_ids: Ids | UnsetType = UNSET


class ExpenseWriteOffFields(ExpenseIds, rename="camel"):
    reason: Reason | UnsetType = UNSET


def _one(kind: type[Work], view: View[Any]) -> tuple[Handler, Handler]:
    """The handlers that write one piece of work off, and undo it."""

    def write_off(ctx: Context, ask: Ask) -> Struct:
        (done,) = write_offs.write_off(ctx, kind, [ask.id], ask.facts["reason"])
        return view.one(ctx.actor, done)

    def undo(ctx: Context, ask: Ask) -> Struct:
        (done,) = write_offs.undo(ctx, kind, [ask.id])
        return view.one(ctx.actor, done)

    return write_off, undo


def _many(kind: type[Work], view: View[Any], field: str) -> tuple[Handler, Handler]:
    """The handlers that write several pieces of work off, all or none, and undo it."""

    def write_off(ctx: Context, ask: Ask) -> list[Struct]:
        done = write_offs.write_off(ctx, kind, ask.facts[field], ask.facts["reason"], field=field)
        return [view.one(ctx.actor, one) for one in done]

    def undo(ctx: Context, ask: Ask) -> list[Struct]:
        done = write_offs.undo(ctx, kind, ask.facts[field], field=field)
        return [view.one(ctx.actor, one) for one in done]

    return write_off, undo


_MAY: Final = Permission.WRITE_OFF
_TIME, _UNDO_TIME = _one(TimeEntry, TIME_ENTRY)
_TIMES, _UNDO_TIMES = _many(TimeEntry, TIME_ENTRY, "entry_ids")
_EXPENSE, _UNDO_EXPENSE = _one(Expense, EXPENSE)
_EXPENSES, _UNDO_EXPENSES = _many(Expense, EXPENSE, "expense_ids")
_NOT: Final = "It is on an invoice, not billable, or its timer is running."

OPERATIONS = (
    Operation(
        "writeOffTimeEntries", "POST", "/time-entries/write-off", _TIMES, "Write time off, all of it or nothing",
        _MAY, TimeEntryJson, body=TimeWriteOffFields, required=("entry_ids", "reason"), many=True, conflicts=_NOT,
        tag="Time entries",
    ),
    Operation(
        "undoTimeEntriesWriteOff", "POST", "/time-entries/undo-write-off", _UNDO_TIMES,
        "Undo the write-off of several time entries", _MAY, TimeEntryJson, body=TimeIds, required=("entry_ids",),
        many=True, tag="Time entries",
    ),
    Operation(
        "writeOffTimeEntry", "POST", "/time-entries/{id}/write-off", _TIME, "Write a time entry off", _MAY,
        TimeEntryJson, body=WriteOffFields, required=("reason",), conflicts=_NOT, tag="Time entries",
    ),
    Operation(
        "undoTimeEntryWriteOff", "POST", "/time-entries/{id}/undo-write-off", _UNDO_TIME,
        "Undo the write-off of a time entry", _MAY, TimeEntryJson, body=Nothing, tag="Time entries",
    ),
    Operation(
        "writeOffExpenses", "POST", "/expenses/write-off", _EXPENSES, "Write expenses off, all of them or none",
        _MAY, ExpenseJson, body=ExpenseWriteOffFields, required=("expense_ids", "reason"), many=True,
        conflicts=_NOT, tag="Expenses",
    ),
    Operation(
        "undoExpensesWriteOff", "POST", "/expenses/undo-write-off", _UNDO_EXPENSES,
        "Undo the write-off of several expenses", _MAY, ExpenseJson, body=ExpenseIds, required=("expense_ids",),
        many=True, tag="Expenses",
    ),
    Operation(
        "writeOffExpense", "POST", "/expenses/{id}/write-off", _EXPENSE, "Write an expense off", _MAY, ExpenseJson,
        body=WriteOffFields, required=("reason",), conflicts=_NOT, tag="Expenses",
    ),
    Operation(
        "undoExpenseWriteOff", "POST", "/expenses/{id}/undo-write-off", _UNDO_EXPENSE,
        "Undo the write-off of an expense", _MAY, ExpenseJson, body=Nothing, tag="Expenses",
    ),
)  # fmt: skip
