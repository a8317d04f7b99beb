"""Contacts: the people at a client, one of whom is the first to write to."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Counted, Id, within_workspace


class Contact(Counted):
    """A person at a client. The primary one's name and e-mail are the client's `contact_name` and `email`."""

    __tablename__ = "contacts"
    noun: ClassVar[str] = "contact"

    client_id: Mapped[Id]
    first_name: Mapped[str]
    last_name: Mapped[str]
    email: Mapped[str]
    phone: Mapped[str | None]
    job_position: Mapped[str | None]
    is_primary: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("client_id", "clients.id"),
            CheckConstraint("email = lower(email)", name="email_is_lower"),
            Index("uq_contacts_email", "workspace_id", "email", unique=True, postgresql_where="deleted_at IS NULL"),
            Index(
                "uq_contacts_primary", "workspace_id", "client_id", unique=True,
                postgresql_where="is_primary AND deleted_at IS NULL",
            ),
            Index("ix_contacts_client", "workspace_id", "client_id"),
        )  # fmt: skip
