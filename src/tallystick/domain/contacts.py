"""Contacts: the people at a client, one of whom is the first to write to."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import CheckConstraint, Index, bindparam, select, text
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Counted, Id, table_of, within_workspace
from tallystick.db.session import Prepared
from tallystick.domain import clients
from tallystick.domain.access import Permission
from tallystick.domain.clients import Client
from tallystick.domain.context import SENTENCES, Context, hydrate, workspace
from tallystick.domain.listing import Listing
from tallystick.values.errors import Conflict, Invalid

TAKEN = "has already been taken"
LONGEST_NAME = 100


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

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}".strip()


CONTACTS = Listing(
    Contact,
    sorts=("first_name", "last_name", "email", "created_at", "updated_at"),
    search=("first_name", "last_name", "email", "phone"),
    exact=("client_id", "is_primary"),
    names=("first_name", "last_name"),
)


def create(ctx: Context, *, client_id: str, first_name: str, last_name: str, email: str, **facts: Any) -> Contact:
    """Add a person at a client. The first one is the primary contact."""
    ctx.require(Permission.CHANGE_CLIENTS)
    client = ctx.reference(Client, client_id, "client_id", lock="update")  # those who add one queue up
    facts |= _checked(ctx, first_name=first_name, last_name=last_name, email=email)
    first = primary_of(ctx, client.id) is None
    contact = ctx.add(Contact(client_id=client.id, is_primary=first, **facts))
    ctx.record("created", contact)
    if first:
        _introduce(ctx, contact)
    return contact


def read(ctx: Context, contact_id: str) -> Contact:
    """One contact."""
    ctx.require(Permission.READ_CLIENTS)
    return ctx.find(Contact, contact_id)


def change(ctx: Context, contact_id: str, **facts: Any) -> Contact:
    """Change names, e-mail, phone or position of a contact. It stays with its client."""
    ctx.require(Permission.CHANGE_CLIENTS)
    if facts.keys() - {"first_name", "last_name", "email", "phone", "job_position"}:
        raise TypeError("Only names, e-mail, phone and position change.")
    contact = _queue_up(ctx, contact_id)
    if "email" in facts and facts["email"].strip().lower() == contact.email:
        del facts["email"]
    facts |= _checked(ctx, **{name: facts[name] for name in ("first_name", "last_name", "email") if name in facts})
    if ctx.change(contact, **facts):
        ctx.record("updated", contact)
        if contact.is_primary:
            _introduce(ctx, contact)
    return contact


def make_primary(ctx: Context, contact_id: str) -> Contact:
    """Make a contact the primary one of its client, in the place of whoever was."""
    ctx.require(Permission.CHANGE_CLIENTS)
    contact = _queue_up(ctx, contact_id)
    if not contact.is_primary:
        former = primary_of(ctx, contact.client_id)
        if former is not None:
            ctx.change(former, is_primary=False)
            ctx.record("updated", former)
        ctx.change(contact, is_primary=True)
        ctx.record("made_primary", contact)
        _introduce(ctx, contact)
    return contact


def delete(ctx: Context, contact_id: str) -> None:
    """Delete a contact. The primary one goes last: whoever is left must have one."""
    ctx.require(Permission.CHANGE_CLIENTS)
    contact = _queue_up(ctx, contact_id)
    if contact.is_primary and ctx.row(_OTHERS, client_id=contact.client_id, id=contact.id) is not None:
        raise Conflict("This is the client's primary contact. Make another one the primary first.")
    ctx.change(contact, deleted_at=ctx.now)
    ctx.record("deleted", contact)


def primary_of(ctx: Context, client_id: str) -> Contact | None:
    """The primary contact of a client; None where it has no contacts."""
    ctx.require(Permission.READ_CLIENTS)
    found = ctx.row(_PRIMARY, client_id=client_id)
    return None if found is None else hydrate(Contact, found)


def _queue_up(ctx: Context, contact_id: str) -> Contact:
    """The contact, behind whoever else is at the contacts of its client."""
    ctx.find(Client, ctx.find(Contact, contact_id).client_id, lock="update")
    return ctx.find(Contact, contact_id, lock="update")


def _introduce(ctx: Context, contact: Contact) -> None:
    """The client is written to at its primary contact."""
    clients.change(ctx, contact.client_id, contact_name=contact.name, email=contact.email)


def _checked(ctx: Context, **facts: str) -> dict[str, str]:
    facts = {name: value.strip() for name, value in facts.items()}
    wrong = {
        name: f"1 to {LONGEST_NAME} characters"
        for name in ("first_name", "last_name")
        if name in facts and not 1 <= len(facts[name]) <= LONGEST_NAME
    }
    if "email" in facts:
        address = facts["email"] = facts["email"].lower()
        if address.count("@") != 1 or len(address) > 254 or address.startswith("@") or address.endswith("@"):
            wrong["email"] = "must be an e-mail address"
        elif ctx.row(_KNOWN, email=address) is not None:
            raise Invalid(fields={**wrong, "email": TAKEN})
    if wrong:
        raise Invalid(fields=wrong)
    return facts


_table = table_of(Contact)
_of_client = (
    _table.c.workspace_id == workspace(),
    _table.c.client_id == bindparam("client_id", type_=_table.c.id.type),
    _table.c.deleted_at.is_(None),
)
_PRIMARY = Prepared(select(_table).where(*_of_client, _table.c.is_primary))
_OTHERS = Prepared(select(_table.c.id).where(*_of_client, _table.c.id != bindparam("id", type_=_table.c.id.type)))
_KNOWN = Prepared(
    text("""
        SELECT 1 FROM contacts WHERE workspace_id = :workspace AND email = :email AND deleted_at IS NULL
        UNION ALL
        SELECT 1 FROM members JOIN people ON people.id = members.user_id
        WHERE members.workspace_id = :workspace AND members.removed_at IS NULL AND people.email = :email
    """)
)

SENTENCES["uq_contacts_email"] = Invalid(fields={"email": TAKEN})
