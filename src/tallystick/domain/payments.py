"""Payments: money received for an invoice, never more than its balance."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped

from tallystick.db.base import Id, Money, Tenant, within_workspace


class Payment(Tenant):
    """Money received, in the invoice's currency. One recorded by mistake is deleted; its row stays."""

    __tablename__ = "payments"
    noun: ClassVar[str] = "payment"
    money: ClassVar[frozenset[str]] = frozenset({"amount"})

    invoice_id: Mapped[Id]
    amount: Mapped[Money]
    currency: Mapped[str]
    paid_on: Mapped[date]
    note: Mapped[str | None]
    external_id: Mapped[str | None]
    """What the bank or gateway calls it: the same one is recorded once."""
    created_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("invoice_id", "invoices.id"),
            CheckConstraint("amount > 0", name="amount"),
            Index(
                "uq_payments_external_id",
                "workspace_id",
                "external_id",
                unique=True,
                postgresql_where="external_id IS NOT NULL AND deleted_at IS NULL",
            ),
            Index("ix_payments_invoice", "workspace_id", "invoice_id", "created_at"),
        )
