"""Expenses on the wire (contract growcrm 7.5): money spent, for a client, for a project, or for neither."""

from __future__ import annotations

from datetime import date
from typing import Any, Final, Literal

from msgspec import UNSET, Struct, UnsetType

from tallystick.api.growcrm import laravel
from tallystick.api.growcrm.laravel import Amount, Flag, Whole, in_terms_of
from tallystick.api.growcrm.numbers import YesNo, money, stamp
from tallystick.api.growcrm.parts import Booked, Named, TagsField, named, referred, told
from tallystick.api.growcrm.wire import NOTHING, Id, Page, page_of
from tallystick.api.wire import Ask, Operation
from tallystick.domain import expenses, overviews
from tallystick.domain.access import Permission
from tallystick.domain.categories import Category
from tallystick.domain.clients import Client
from tallystick.domain.context import Context
from tallystick.domain.expenses import Expense
from tallystick.domain.listing import Filter
from tallystick.domain.overviews.expenses import ExpenseSeen, one, page
from tallystick.domain.projects import Project


class Recurring(Struct, gc=False):
    is_recurring: YesNo = "no"


class Attachment(Struct, gc=False):
    uniqueid: str
    filename: str


class ExpenseOut(Struct, gc=False):
    id: int
    description: str
    date: date
    amount: str
    type: str | None
    billable: Literal["billable", "not_billable"]
    billing_status: Literal["not_invoiced", "invoiced"]
    category: Named
    client: Named | None
    project_id: int | None
    creator_id: int
    dates: Booked
    recurring: Recurring
    attachments: list[Attachment]
    tags: list[str]


class ExpenseFields(Struct):
    expense_description: str | UnsetType = UNSET
    expense_date: date | UnsetType = UNSET
    expense_amount: Amount | UnsetType = UNSET
    expense_categoryid: Whole | UnsetType = UNSET
    expense_projectid: Whole | UnsetType | None = UNSET
    expense_clientid: Whole | UnsetType | None = UNSET
    expense_billable: Flag | UnsetType | None = UNSET


class AttachFields(Struct):
    expense_projectid: Whole | UnsetType | None = UNSET
    expense_clientid: Whole | UnsetType | None = UNSET


def list_expenses(ctx: Context, ask: Ask) -> Page:
    query = ask.query
    if NOTHING in query:
        return Page([], 0)
    filters = {domain: query.get(wire) for wire, domain in _FILTERS.items()}
    filters["billable"] = None if "billable" not in query else query["billable"] == "billable"
    filters["invoiced"] = None if "billing_status" not in query else query["billing_status"] == "invoiced"
    rows, total = page(ctx, filters, **page_of(query))
    return Page([_shown(row) for row in rows], total)


def get_expense(ctx: Context, ask: Ask) -> Struct:
    return _shown(one(ctx, int(ask.id)))


def create_expense(ctx: Context, ask: Ask) -> Struct:
    facts = _facts(ctx, ask.facts)
    facts.setdefault("billable", False)
    with in_terms_of(_NAMES):
        made = expenses.record(ctx, **facts)
    return _shown(one(ctx, made.id))


def update_expense(ctx: Context, ask: Ask) -> Struct:
    expense_id = _id(ctx, ask)
    facts = _facts(ctx, ask.facts)
    with in_terms_of(_NAMES):
        expenses.change(ctx, expense_id, **facts)
    return _shown(one(ctx, expense_id))


def delete_expense(ctx: Context, ask: Ask) -> Id:
    expenses.delete(ctx, _id(ctx, ask))
    return Id(int(ask.id))


def set_expense_tags(ctx: Context, ask: Ask) -> Struct:
    return _shown(one(ctx, expenses.tag(ctx, _id(ctx, ask), ask.facts.get("tags") or []).id))


def attach_expense(ctx: Context, ask: Ask) -> Struct:
    return update_expense(ctx, ask)


def clone_expense(ctx: Context, ask: Ask) -> Struct:
    expense_id = _id(ctx, ask)
    facts = _facts(ctx, ask.facts)
    with in_terms_of(_NAMES):
        copy = expenses.copy(ctx, expense_id, **facts)
    return _shown(one(ctx, copy.id))


def _id(ctx: Context, ask: Ask) -> str:
    return overviews.id_of(ctx, Expense, int(ask.id))


def _facts(ctx: Context, given: dict[str, Any]) -> dict[str, Any]:
    """What a body says. A project brings its client, unless the body names one."""
    facts = {**told(given, _PLAIN), **referred(ctx, given, _REFERRED)}
    if "expense_billable" in given:
        facts["billable"] = bool(given["expense_billable"])
    if facts.get("project_id") is not None and facts.get("client_id") is None:
        facts["client_id"] = ctx.find(Project, facts["project_id"]).client_id
    return facts


def _check_amount(given: dict[str, Any]) -> None:
    if given.get("expense_amount") == 0:
        raise laravel.wrong("expense_amount", "must be greater than 0.")


def _shown(row: ExpenseSeen) -> ExpenseOut:
    return ExpenseOut(
        row.serial,
        row.description,
        row.expense_date,
        money(row.amount),
        None,
        "billable" if row.billable else "not_billable",
        "not_invoiced" if row.invoice_id is None else "invoiced",
        Named(row.category, row.category_name),
        named(row.client, row.client_name),
        row.project,
        row.creator,
        Booked(row.expense_date, stamp(row.created_at)),
        Recurring(),
        [],
        row.tags,
    )


_PLAIN: Final = {
    "expense_description": "description",
    "expense_date": "expense_date",
    "expense_amount": "amount",
}
_REFERRED: Final = {
    "expense_categoryid": ("category_id", Category),
    "expense_projectid": ("project_id", Project),
    "expense_clientid": ("client_id", Client),
}
_NAMES: Final = {
    **{domain: wire for wire, domain in _PLAIN.items()},
    "category_id": "expense_categoryid",
    "client_id": "expense_clientid",
    "project_id": "expense_clientid",
}
"""What is wrong with a project that exists is that the client is another."""
_FILTERS: Final = {
    "category_id": "category",
    "client_id": "client",
    "project_id": "project",
    "amount_min": "amount_min",
    "amount_max": "amount_max",
    "date_start": "date_from",
    "date_end": "date_to",
    "search": "search",
    "tags": "tags",
}
_NONE: Final[Any] = None
_PARAMETERS: Final = {
    **dict.fromkeys(("category_id", "client_id", "project_id"), Filter("number", _NONE)),
    "billable": Filter("choice", _NONE, choices=("billable", "not_billable")),
    "billing_status": Filter("choice", _NONE, choices=("not_invoiced", "invoiced")),
    "amount_min": Filter("least", _NONE),
    "amount_max": Filter("most", _NONE),
    "date_start": Filter("day", _NONE, about="The first day, YYYY-MM-DD."),
    "date_end": Filter("day", _NONE, about="The last day, YYYY-MM-DD; it is included."),
    "search": Filter("text", _NONE, about="A part of the description, in whatever case."),
    "tags": Filter("texts", _NONE, about="At least one of these."),
}
_SORTS: Final = {"expense_created": "created_at", "expense_date": "expense_date", "expense_amount": "amount"}
_REQUIRED: Final = ("expense_description", "expense_date", "expense_amount", "expense_categoryid")
_CHANGE: Final = Permission.CHANGE_EXPENSES
_LOCKED: Final = "The expense is on an invoice."
_TAG: Final = "Expenses"

OPERATIONS = (
    Operation(
        "listExpenses", "GET", "/expenses", list_expenses, "List and search expenses", Permission.READ_EXPENSES,
        ExpenseOut, parameters=_PARAMETERS, sorts=_SORTS, message="Expenses retrieved successfully.", tag=_TAG,
    ),
    Operation(
        "createExpense", "POST", "/expenses", create_expense, "Record an expense", _CHANGE, ExpenseOut, status=201,
        body=ExpenseFields, required=_REQUIRED, check=_check_amount, message="Expense created successfully.", tag=_TAG,
    ),
    Operation(
        "getExpense", "GET", "/expenses/{id}", get_expense, "Get an expense", Permission.READ_EXPENSES, ExpenseOut,
        message="Expense retrieved successfully.", tag=_TAG,
    ),
    Operation(
        "updateExpense", "PATCH", "/expenses/{id}", update_expense, "Correct an expense; what is left out stays",
        _CHANGE, ExpenseOut, body=ExpenseFields, required=_REQUIRED, check=_check_amount, conflicts=_LOCKED,
        message="Expense updated successfully.", tag=_TAG,
    ),
    Operation(
        "deleteExpense", "DELETE", "/expenses/{id}", delete_expense, "Delete an expense", _CHANGE, Id,
        conflicts=_LOCKED, message="Expense deleted successfully.", tag=_TAG,
    ),
    Operation(
        "setExpenseTags", "PUT", "/expenses/{id}/tags", set_expense_tags, "Set the tags of an expense: exactly these",
        _CHANGE, ExpenseOut, body=TagsField, message="Expense tags updated successfully.", tag=_TAG,
    ),
    Operation(
        "attachExpense", "PUT", "/expenses/{id}/attach", attach_expense,
        "Say for which project and client an expense is; empty: for none", _CHANGE, ExpenseOut, body=AttachFields,
        conflicts=_LOCKED, message="Expense attached successfully.", tag=_TAG,
    ),
    Operation(
        "cloneExpense", "POST", "/expenses/{id}/clone", clone_expense, "Record an expense like another", _CHANGE,
        ExpenseOut, status=201, body=ExpenseFields, required=("expense_date",), check=_check_amount,
        message="Expense cloned successfully.", tag=_TAG,
    ),
)  # fmt: skip
