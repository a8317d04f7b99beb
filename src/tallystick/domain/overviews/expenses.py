"""Expenses by number: each with its client, project and category."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from sqlalchemy import Date, bindparam

from tallystick.db.base import table_of
from tallystick.domain.access import Permission
from tallystick.domain.categories import Category
from tallystick.domain.clients import Client
from tallystick.domain.context import Context
from tallystick.domain.expenses import Expense
from tallystick.domain.listing import Filter, Listing
from tallystick.domain.overviews import beside, creator, numbered, tagged
from tallystick.domain.projects import Project


class ExpenseSeen(NamedTuple):
    """An expense, with numbers and names of what stands around it."""

    id: str
    serial: int
    description: str
    expense_date: date
    amount: Decimal
    billable: bool
    invoice_id: str | None
    category: int
    category_name: str
    client: int | None
    client_name: str | None
    project: int | None
    creator: int
    created_at: datetime
    tags: list[str]


def one(ctx: Context, identity: str | int) -> ExpenseSeen:
    """One expense: by its number, or by its id where that is at hand."""
    ctx.require(Permission.READ_EXPENSES)
    by = "serial" if isinstance(identity, int) else "id"
    return ExpenseSeen._make(EXPENSES.one(ctx, ExpenseSeen._fields, identity, by))


def page(ctx: Context, filters: dict[str, Any], **where: Any) -> tuple[list[ExpenseSeen], int]:
    """One page of expenses by its number, and how many there are on all of them."""
    ctx.require(Permission.READ_EXPENSES)
    found = EXPENSES.numbered(ctx, ExpenseSeen._fields, filters, **where)
    return [ExpenseSeen._make(row) for row in found.rows], found.total


_expense = table_of(Expense)

EXPENSES: Final = Listing(
    Expense,
    sorts=("created_at", "expense_date", "amount"),
    search=("description",),
    amounts=("amount",),
    computed={
        # `category` of the row itself says what kind of money it was.
        "category": beside(Expense, Category, "number", _expense.c.category_id),
        "category_name": beside(Expense, Category, "name", _expense.c.category_id),
        "client": beside(Expense, Client, "serial", _expense.c.client_id),
        "client_name": beside(Expense, Client, "name", _expense.c.client_id),
        "project": beside(Expense, Project, "serial", _expense.c.project_id),
        "creator": creator(Expense),
    },
    extra={
        "client": Filter("number", _expense.c.client_id == numbered(Client, "client")),
        "project": Filter("number", _expense.c.project_id == numbered(Project, "project")),
        "category": Filter("number", _expense.c.category_id == numbered(Category, "category", by="number")),
        "billable": Filter("switch", _expense.c.billable),
        "invoiced": Filter("switch", _expense.c.invoice_id.is_not(None)),
        "date_from": Filter("day", _expense.c.expense_date >= bindparam("date_from", type_=Date())),
        "date_to": Filter("day", _expense.c.expense_date <= bindparam("date_to", type_=Date())),
        "tags": tagged(Expense),
    },
)
"""Expenses of the workspace, by pages with numbers."""
