"""What a credit note is: its rows, which never change, and how they are read."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, bindparam, select, true
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Counted, Id, Money, Tenant, one_of, table_of, within_workspace
from tallystick.db.session import Prepared
from tallystick.domain.access import Permission
from tallystick.domain.context import Context, cast_rows, workspace
from tallystick.domain.listing import Listing
from tallystick.domain.projects import client_name_filter
from tallystick.domain.tax_rates import PERCENT
from tallystick.values.tax import TAX_CATEGORIES


class CreditNote(Counted):
    """A credit note. It is issued when it is made: its rows never change. Its amounts are positive."""

    __tablename__ = "credit_notes"
    noun: ClassVar[str] = "credit note"
    money: ClassVar[frozenset[str]] = frozenset(
        {"subtotal", "discount_amount", "tax_amount", "total", "applied", "surplus"}
    )

    invoice_id: Mapped[Id]
    client_id: Mapped[Id]
    """The invoice's."""
    number: Mapped[str]
    currency: Mapped[str]
    issue_date: Mapped[date]
    reason: Mapped[str]
    subtotal: Mapped[Money]
    discount_amount: Mapped[Money]
    """Its share of the invoice's discount, net."""
    tax_amount: Mapped[Money]
    total: Mapped[Money]
    applied: Mapped[Money]
    """What of it lowered the balance of the invoice."""
    surplus: Mapped[Money]
    """What of it was paid before, and became the client's credit."""
    created_by: Mapped[Id | None]
    created_at: Mapped[datetime]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("invoice_id", "invoices.id"),
            within_workspace("client_id", "clients.id"),
            within_workspace("created_by", "members.user_id"),
            UniqueConstraint("workspace_id", "number"),
            CheckConstraint("total = subtotal - discount_amount + tax_amount AND total > 0", name="adds_up"),
            CheckConstraint("discount_amount BETWEEN 0 AND subtotal AND tax_amount >= 0", name="not_negative"),
            CheckConstraint("applied >= 0 AND surplus >= 0 AND applied + surplus = total", name="goes_somewhere"),
            Index("ix_credit_notes_created", "workspace_id", "created_at", "id"),
            Index("ix_credit_notes_invoice", "workspace_id", "invoice_id"),
            Index("ix_credit_notes_client", "workspace_id", "client_id"),
        )


class CreditNoteLine(Tenant):
    """What is taken back of one line of the invoice: the whole line as it was, else an amount of it."""

    __tablename__ = "credit_note_lines"
    noun: ClassVar[str] = "credit note line"
    money: ClassVar[frozenset[str]] = frozenset(
        {
            "rate",
            "discount_percent",
            "discount_amount",
            "total",
            "gross_discount",
            "gross_total",
            "tax_rate",
        }
    )

    credit_note_id: Mapped[Id]
    line_id: Mapped[Id]
    position: Mapped[int]
    description: Mapped[str]
    quantity: Mapped[Money]
    unit: Mapped[str]
    rate: Mapped[Money]
    discount_percent: Mapped[Money | None]
    discount_amount: Mapped[Money] = mapped_column(default=Decimal(0))
    total: Mapped[Money]
    """Net."""
    gross_discount: Mapped[Money | None]
    gross_total: Mapped[Money | None]
    """With the tax in it; set exactly where the invoice's prices include it."""
    tax_category: Mapped[str]
    tax_rate: Mapped[Money | None]
    whole: Mapped[bool] = mapped_column(default=False)
    """Whether it is the line as it was billed; otherwise it is an amount of it."""

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("credit_note_id", "credit_notes.id"),
            within_workspace("line_id", "invoice_lines.id"),
            UniqueConstraint("workspace_id", "credit_note_id", "line_id", name="uq_credit_note_lines_line"),
            one_of("tax_category", TAX_CATEGORIES),
            CheckConstraint("total >= 0 AND (total > 0 OR gross_total > 0)", name="total"),
            Index("ix_credit_note_lines_line", "workspace_id", "line_id"),
        )


class CreditNoteTax(Tenant):
    """The tax of one category and rate that is taken back."""

    __tablename__ = "credit_note_taxes"
    noun: ClassVar[str] = "credit note tax"
    money: ClassVar[frozenset[str]] = frozenset({"rate", "subtotal", "discount", "basis", "amount"})

    credit_note_id: Mapped[Id]
    position: Mapped[int]
    category: Mapped[str]
    rate: Mapped[Money | None]
    subtotal: Mapped[Money]
    discount: Mapped[Money]
    basis: Mapped[Money]
    amount: Mapped[Money]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("credit_note_id", "credit_notes.id"),
            UniqueConstraint("workspace_id", "credit_note_id", "position", name="uq_credit_note_taxes_position"),
            one_of("category", TAX_CATEGORIES),
            CheckConstraint(PERCENT.format(category="category", rate="rate"), name="rate"),
            CheckConstraint("basis = subtotal - discount AND discount >= 0 AND basis >= 0", name="basis"),
            CheckConstraint("amount >= 0 AND (category = 'STANDARD' OR amount = 0)", name="amount"),
        )


CREDIT_NOTES = Listing(
    CreditNote,
    sorts=("created_at", "id", "issue_date", "number", "total"),
    search=("number",),
    exact=("client_id", "invoice_id"),
    dates=("issue_date",),
    instants=("created_at",),
    amounts=("total",),
    extra={"client_name": client_name_filter(table_of(CreditNote).c.client_id)},
    live=true(),
)


def read(ctx: Context, credit_note_id: str) -> CreditNote:
    """One credit note."""
    ctx.require(Permission.READ_INVOICES)
    return ctx.find(CreditNote, credit_note_id)


def lines_of(ctx: Context, credit_note_id: str) -> list[CreditNoteLine]:
    """The lines of a credit note, in order."""
    return lines(ctx, read(ctx, credit_note_id).id)


def taxes_of(ctx: Context, credit_note_id: str) -> list[CreditNoteTax]:
    """The taxes of a credit note, a row for each category and rate."""
    return taxes(ctx, read(ctx, credit_note_id).id)


def lines(ctx: Context, credit_note_id: str) -> list[CreditNoteLine]:
    """`lines_of` for the verbs of this package: no permission asked."""
    return cast_rows(ctx.rows(_LINES, credit_note_id=credit_note_id), CreditNoteLine)


def taxes(ctx: Context, credit_note_id: str) -> list[CreditNoteTax]:
    """`taxes_of` for the verbs of this package: no permission asked."""
    return cast_rows(ctx.rows(_TAXES, credit_note_id=credit_note_id), CreditNoteTax)


_line, _tax = table_of(CreditNoteLine), table_of(CreditNoteTax)
_LINES = Prepared(
    select(_line)
    .where(
        _line.c.workspace_id == workspace(),
        _line.c.credit_note_id == bindparam("credit_note_id", type_=_line.c.id.type),
    )
    .order_by(_line.c.position)
)
_TAXES = Prepared(
    select(_tax)
    .where(
        _tax.c.workspace_id == workspace(),
        _tax.c.credit_note_id == bindparam("credit_note_id", type_=_tax.c.id.type),
    )
    .order_by(_tax.c.position)
)
