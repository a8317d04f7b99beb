"""Expenses on the wire (contract hoursmith 2.8)."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, ClassVar

from msgspec import UNSET, Meta, Struct, UnsetType

from tallystick.api.fields import Number, Uuid
from tallystick.api.native.views import View
from tallystick.api.native.wire import lists, read_only
from tallystick.api.wire import Ask, Nothing, Operation
from tallystick.domain import expenses
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.expenses import Category, Expense


class Amount(Number):
    """An expense's amount: more than nothing, at most two decimals."""

    places: ClassVar[int] = 2
    least: ClassVar[Decimal] = Decimal("0.01")


class ExpenseJson(Struct, rename="camel", gc=False):
    id: str
    org_id: str
    client_id: str | None
    """Null: spent for no client."""
    project_id: str | None
    invoice_id: str | None
    category: Category
    custom_category: str | None
    description: str
    amount: str
    currency: str
    billable: bool
    expense_date: date
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    written_off_at: datetime | None
    write_off_reason: str | None


class ExpenseFields(Struct, rename="camel"):
    client_id: Uuid | UnsetType = UNSET
    project_id: Uuid | UnsetType | None = UNSET
    category: Category | UnsetType = UNSET
    custom_category: Annotated[str, Meta(max_length=100)] | UnsetType | None = UNSET
    description: Annotated[str, Meta(min_length=1, max_length=500)] | UnsetType = UNSET
    amount: Amount | UnsetType = UNSET
    billable: bool | UnsetType = UNSET
    expense_date: date | UnsetType = UNSET


EXPENSE = View(Expense, ExpenseJson)
_READ_ONLY = read_only(ExpenseJson, ExpenseFields)


def create_expense(ctx: Context, ask: Ask) -> Struct:
    return EXPENSE.one(ctx.actor, expenses.record(ctx, **ask.facts))


def get_expense(ctx: Context, ask: Ask) -> Struct:
    return EXPENSE.one(ctx.actor, expenses.read(ctx, ask.id))


def update_expense(ctx: Context, ask: Ask) -> Struct:
    return EXPENSE.one(ctx.actor, expenses.change(ctx, ask.id, **ask.facts))


def delete_expense(ctx: Context, ask: Ask) -> None:
    expenses.delete(ctx, ask.id)


_LOCKED = "The expense is on an invoice."

OPERATIONS = (
    Operation(
        "listExpenses", "GET", "/expenses", lists(expenses.EXPENSES, EXPENSE), "List expenses",
        Permission.READ_EXPENSES, ExpenseJson, listing=expenses.EXPENSES, tag="Expenses",
    ),
    Operation(
        "createExpense", "POST", "/expenses", create_expense, "Record an expense", Permission.CHANGE_EXPENSES,
        ExpenseJson, status=201, body=ExpenseFields,
        required=("client_id", "description", "amount", "expense_date"), read_only=_READ_ONLY, tag="Expenses",
    ),
    Operation(
        "getExpense", "GET", "/expenses/{id}", get_expense, "Get an expense",
        Permission.READ_EXPENSES, ExpenseJson, tag="Expenses",
    ),
    Operation(
        "updateExpense", "PATCH", "/expenses/{id}", update_expense, "Correct an expense",
        Permission.CHANGE_EXPENSES, ExpenseJson, body=ExpenseFields, read_only=_READ_ONLY, conflicts=_LOCKED,
        tag="Expenses",
    ),
    Operation(
        "deleteExpense", "DELETE", "/expenses/{id}", delete_expense, "Delete an expense",
        Permission.CHANGE_EXPENSES, status=204, body=Nothing, conflicts=_LOCKED, tag="Expenses",
    ),
)  # fmt: skip
