"""Client credit: what a client paid or was credited beyond what they owed, kept for other invoices or paid back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Final, Literal, get_args

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, bindparam, select, text
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Id, Money, Tenant, one_of, table_of, within_workspace
from tallystick.db.session import Prepared
from tallystick.domain.access import Permission
from tallystick.domain.clients import Client
from tallystick.domain.context import SENTENCES, Context, cast_rows, workspace
from tallystick.values.errors import Conflict
from tallystick.values.ids import new_id

Cause = Literal["OVERPAYMENT", "CREDIT_NOTE", "APPLIED", "REFUND"]
CAUSES: Final[tuple[Cause, ...]] = get_args(Cause)


class ClientCredit(Tenant):
    """What a client has in a currency: the sum of its entries. Its row is the lock behind which spenders queue up."""

    __tablename__ = "client_credits"
    noun: ClassVar[str] = "client credit"
    money: ClassVar[frozenset[str]] = frozenset({"amount"})

    client_id: Mapped[Id]
    currency: Mapped[str]
    amount: Mapped[Money] = mapped_column(default=Decimal(0))

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("client_id", "clients.id"),
            UniqueConstraint("workspace_id", "client_id", "currency", name="uq_client_credits_currency"),
            CheckConstraint("amount >= 0", name="amount"),
        )


class CreditEntry(Tenant):
    """One movement of a client's credit. Rows never change: what is taken back has an entry of its own."""

    __tablename__ = "client_credit_entries"
    noun: ClassVar[str] = "credit entry"
    money: ClassVar[frozenset[str]] = frozenset({"amount"})

    client_id: Mapped[Id]
    currency: Mapped[str]
    amount: Mapped[Money]
    """Gained, or with a minus spent."""
    cause: Mapped[str]
    invoice_id: Mapped[Id]
    """Of which it came; of an application, the one it pays."""
    payment_id: Mapped[Id | None]
    credit_note_id: Mapped[Id | None]
    refund_id: Mapped[Id | None]
    created_by: Mapped[Id | None]
    created_at: Mapped[datetime]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("client_id", "clients.id"),
            within_workspace("invoice_id", "invoices.id"),
            within_workspace("payment_id", "payments.id"),
            within_workspace("credit_note_id", "credit_notes.id"),
            within_workspace("refund_id", "refunds.id"),
            within_workspace("created_by", "members.user_id"),
            one_of("cause", CAUSES),
            CheckConstraint("amount <> 0", name="amount"),
            Index("ix_client_credit_entries_client", "workspace_id", "client_id", "created_at"),
            Index("ix_client_credit_entries_invoice", "workspace_id", "invoice_id"),
        )


@dataclass(frozen=True, slots=True)
class Credit:
    """A client's credit in each currency, and how it came about, newest first."""

    client_id: str
    balances: Sequence[ClientCredit]
    entries: Sequence[CreditEntry]


def of_client(ctx: Context, client_id: str) -> Credit:
    """What a client has, and the last 200 movements."""
    ctx.require(Permission.READ_INVOICES)
    client = ctx.find(Client, client_id)
    balances = ctx.select(ClientCredit, ClientCredit.client_id == bindparam("client_id"), client_id=client.id)
    entries = cast_rows(ctx.rows(_ENTRIES, client_id=client.id), CreditEntry)
    return Credit(client.id, sorted(balances, key=lambda one: one.currency), entries)


def available(ctx: Context, client_id: str, currency: str) -> Decimal:
    """What a client has in a currency, locked until the end: nobody else spends it meanwhile."""
    found = ctx.row(_AVAILABLE, client_id=client_id, currency=currency)
    return Decimal(0) if found is None else found[0]


def book(ctx: Context, client_id: str, currency: str, amount: Decimal, cause: Cause, **of: str | None) -> None:
    """A movement: gained, or with a minus spent; never more than there is. `of` says of what it came."""
    if amount == 0:
        return
    ctx.write(_MOVE, id=new_id(), client_id=client_id, currency=currency, amount=amount)
    entry = ctx.add(CreditEntry(client_id=client_id, currency=currency, amount=amount, cause=cause, **of))
    ctx.record("booked", entry)


def given_by(ctx: Context, invoice_id: str) -> Decimal:
    """So much of what was paid for an invoice is the client's credit, or was, before it was spent elsewhere."""
    (given,) = ctx.row(_GIVEN, invoice_id=invoice_id) or (Decimal(0),)
    return given


_table = table_of(CreditEntry)
_ENTRIES = Prepared(
    select(_table)
    .where(
        _table.c.workspace_id == workspace(),
        _table.c.client_id == bindparam("client_id", type_=_table.c.client_id.type),
    )
    .order_by(_table.c.created_at.desc(), _table.c.id.desc())
    .limit(200)
)
_AVAILABLE = Prepared(
    text("""
        SELECT amount FROM client_credits
        WHERE workspace_id = :workspace AND client_id = :client_id AND currency = :currency FOR NO KEY UPDATE
    """)
)
# GREATEST: a CHECK looks at the proposed row before it finds that there is one already.
_MOVE = Prepared(
    text("""
        INSERT INTO client_credits AS held (workspace_id, id, client_id, currency, amount)
        VALUES (:workspace, :id, :client_id, :currency, GREATEST(:amount, 0))
        ON CONFLICT (workspace_id, client_id, currency) DO UPDATE SET amount = held.amount + :amount
    """)
)
_GIVEN = Prepared(
    text("""
        SELECT COALESCE(sum(amount), 0) FROM client_credit_entries
        WHERE workspace_id = :workspace AND invoice_id = :invoice_id AND cause <> 'APPLIED'
    """)
)

SENTENCES["ck_client_credits_amount"] = Conflict(
    "This credit was spent on another invoice or paid back. Take that back first.", reason="credit_spent"
)
