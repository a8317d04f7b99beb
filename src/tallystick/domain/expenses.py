"""Expenses: money spent for a client, to be passed on or not."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar, Literal, get_args

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Counted, Id, Money, one_of, table_of, within_workspace
from tallystick.domain import categories
from tallystick.domain.access import Permission
from tallystick.domain.clients import Client, each_tag_once
from tallystick.domain.context import Context
from tallystick.domain.listing import Listing
from tallystick.domain.projects import Project, client_name_filter
from tallystick.domain.workspaces import current
from tallystick.values.errors import Conflict, Invalid
from tallystick.values.money import minor_unit

Category = Literal["TRAVEL", "MEALS", "SOFTWARE", "EQUIPMENT", "CONTRACTORS", "OTHER"]
CATEGORIES: tuple[Category, ...] = get_args(Category)
_COPIED = (
    "amount",
    "billable",
    "category",
    "category_id",
    "client_id",
    "custom_category",
    "description",
    "expense_date",
    "project_id",
)
LOCKED = "Invoiced expenses are locked"
WRITTEN_OFF = "An expense that was written off is locked. Undo the write-off before you change it."


class Expense(Counted):
    """Money spent, in the currency the client had then; spent for no client, in the workspace's."""

    __tablename__ = "expenses"
    noun: ClassVar[str] = "expense"
    money: ClassVar[frozenset[str]] = frozenset({"amount"})

    client_id: Mapped[Id | None]
    project_id: Mapped[Id | None]
    invoice_id: Mapped[Id | None]
    category: Mapped[str] = mapped_column(default="OTHER")
    custom_category: Mapped[str | None]
    description: Mapped[str]
    amount: Mapped[Money]
    currency: Mapped[str]
    billable: Mapped[bool] = mapped_column(default=True)
    expense_date: Mapped[date]
    category_id: Mapped[Id]
    """Where it is filed; `category` and `custom_category` say what kind of money it was."""
    tags: Mapped[list[str]] = mapped_column(default=[])
    written_off_at: Mapped[datetime | None]
    """Set: nobody is billed for it, and it is locked until that is undone."""
    write_off_reason: Mapped[str | None]
    created_by: Mapped[Id | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("client_id", "clients.id"),
            within_workspace("project_id", "projects.id"),
            within_workspace("invoice_id", "invoices.id"),
            within_workspace("category_id", "categories.id"),
            within_workspace("created_by", "members.user_id"),
            one_of("category", CATEGORIES),
            CheckConstraint("amount > 0", name="amount"),
            CheckConstraint("invoice_id IS NULL OR deleted_at IS NULL", name="billed_is_live"),
            CheckConstraint("(written_off_at IS NULL) = (write_off_reason IS NULL)", name="write_off_reason"),
            CheckConstraint(
                "written_off_at IS NULL OR (billable AND invoice_id IS NULL AND deleted_at IS NULL)",
                name="written_off_is_unbilled",
            ),
            Index("ix_expenses_created", "workspace_id", "created_at", "id"),
            Index("ix_expenses_client", "workspace_id", "client_id", "expense_date"),
            Index("ix_expenses_category", "workspace_id", "category_id"),
        )


EXPENSES = Listing(
    Expense,
    sorts=("amount", "created_at", "expense_date", "id", "updated_at"),
    search=("description", "custom_category"),
    exact=("client_id", "project_id", "category", "billable"),
    choices={"category": CATEGORIES},
    dates=("expense_date",),
    instants=("created_at",),
    amounts=("amount",),
    extra={"client_name": client_name_filter(table_of(Expense).c.client_id)},
)


def record(
    ctx: Context,
    *,
    description: str,
    amount: Decimal,
    expense_date: date,
    client_id: str | None = None,
    project_id: str | None = None,
    **facts: Any,
) -> Expense:
    """Record an expense, in the client's currency of today. One on a project is for the project's client."""
    ctx.require(Permission.CHANGE_EXPENSES)
    client = _client(ctx, client_id, project_id)
    currency = current(ctx).default_currency if client is None else client.currency
    _check_amount(amount, currency)
    facts["category_id"] = categories.filed_under(ctx, "expense", facts.get("category_id"))
    expense = ctx.add(
        Expense(
            client_id=None if client is None else client.id,
            project_id=project_id,
            currency=currency,
            description=description,
            amount=amount,
            expense_date=expense_date,
            **each_tag_once(facts),
        ),
    )
    ctx.record("created", expense)
    return expense


def copy(ctx: Context, expense_id: str, **facts: Any) -> Expense:
    """Record an expense like another, on no invoice and without its tags; facts are those of `record`."""
    source = read(ctx, expense_id)
    if "client_id" in facts:
        facts.setdefault("project_id", None)
    elif facts.get("project_id") is not None:
        facts["client_id"] = None
    return record(ctx, **{**{name: getattr(source, name) for name in _COPIED}, **facts})


def read(ctx: Context, expense_id: str) -> Expense:
    """One expense."""
    ctx.require(Permission.READ_EXPENSES)
    return ctx.find(Expense, expense_id)


def change(ctx: Context, expense_id: str, **facts: Any) -> Expense:
    """Correct an expense that is on no invoice. Another client means that client's currency."""
    ctx.require(Permission.CHANGE_EXPENSES)
    expense = _unlocked(ctx, expense_id)
    client_id = facts.get("client_id", expense.client_id)
    if client_id != expense.client_id:
        facts.setdefault("project_id", None)
    project_id = facts.get("project_id", expense.project_id)
    if (client_id, project_id) != (expense.client_id, expense.project_id):
        client = _client(ctx, client_id, project_id)
        facts["client_id"] = None if client is None else client.id
        if facts["client_id"] != expense.client_id:
            facts["currency"] = current(ctx).default_currency if client is None else client.currency
    _check_amount(facts.get("amount", expense.amount), facts.get("currency", expense.currency))
    if facts.get("category_id", expense.category_id) != expense.category_id:
        facts["category_id"] = categories.filed_under(ctx, "expense", facts["category_id"])
    if ctx.change(expense, **each_tag_once(facts)):
        ctx.record("updated", expense)
    return expense


def tag(ctx: Context, expense_id: str, tags: list[str]) -> Expense:
    """Set the tags of an expense: they are ours, also once it is on an invoice."""
    ctx.require(Permission.CHANGE_EXPENSES)
    expense = ctx.find(Expense, expense_id, lock="update")
    if ctx.change(expense, **each_tag_once({"tags": tags})):
        ctx.record("updated", expense)
    return expense


def delete(ctx: Context, expense_id: str) -> None:
    """Delete an expense that is on no invoice."""
    ctx.require(Permission.CHANGE_EXPENSES)
    expense = _unlocked(ctx, expense_id)
    ctx.change(expense, deleted_at=ctx.now)
    ctx.record("deleted", expense)


def _unlocked(ctx: Context, expense_id: str) -> Expense:
    expense = ctx.find(Expense, expense_id, lock="update")
    if expense.invoice_id is not None:
        raise Conflict(LOCKED, reason="invoiced")
    if expense.written_off_at is not None:
        raise Conflict(WRITTEN_OFF, reason="written_off")
    return expense


def _client(ctx: Context, client_id: str | None, project_id: str | None) -> Client | None:
    """The client an expense is for: the one given, who must be that of the project; else the project's."""
    client = None if client_id is None else ctx.reference(Client, client_id, "client_id", lock="share")
    if project_id is None:
        return client
    owner = ctx.reference(Project, project_id, "project_id").client_id
    if client is not None and owner != client.id:
        raise Invalid(fields={"project_id": "this project belongs to another client"})
    return None if owner is None else client or ctx.find(Client, owner, lock="share")


def _check_amount(amount: Decimal, currency: str) -> None:
    if amount <= 0:
        raise Invalid(fields={"amount": "must be more than 0"})
    places = min(minor_unit(currency), 2)
    if amount != round(amount, places):
        raise Invalid(fields={"amount": f"at most {places} decimals in {currency}"})
