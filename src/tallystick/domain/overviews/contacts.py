"""Contacts by number: each with its client."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NamedTuple

from tallystick.db.base import table_of
from tallystick.domain.access import Permission
from tallystick.domain.clients import Client
from tallystick.domain.contacts import Contact
from tallystick.domain.context import Context
from tallystick.domain.listing import Filter, Listing
from tallystick.domain.overviews import beside, numbered


class ContactSeen(NamedTuple):
    """A contact, with number and name of the client."""

    id: str
    serial: int
    first_name: str
    last_name: str
    email: str
    phone: str | None
    job_position: str | None
    is_primary: bool
    client: int
    client_name: str
    created_at: datetime
    updated_at: datetime


def one(ctx: Context, identity: str | int) -> ContactSeen:
    """One contact: by its number, or by its id where that is at hand."""
    ctx.require(Permission.READ_CLIENTS)
    by = "serial" if isinstance(identity, int) else "id"
    return ContactSeen._make(CONTACTS.one(ctx, ContactSeen._fields, identity, by))


def page(ctx: Context, filters: dict[str, Any], **where: Any) -> tuple[list[ContactSeen], int]:
    """One page of contacts by its number, and how many there are on all of them."""
    ctx.require(Permission.READ_CLIENTS)
    found = CONTACTS.numbered(ctx, ContactSeen._fields, filters, **where)
    return [ContactSeen._make(row) for row in found.rows], found.total


_contact = table_of(Contact)

CONTACTS: Final = Listing(
    Contact,
    sorts=("created_at", "first_name", "last_name", "email", "updated_at"),
    search=("email", "phone"),
    searched=(_contact.c.first_name.op("||")(" ").op("||")(_contact.c.last_name),),
    computed={
        "client": beside(Contact, Client, "serial", _contact.c.client_id),
        "client_name": beside(Contact, Client, "name", _contact.c.client_id),
    },
    extra={
        "client": Filter("number", _contact.c.client_id == numbered(Client, "client")),
        "primary": Filter("switch", _contact.c.is_primary),
    },
    names=("first_name", "last_name"),
)
"""Contacts of all clients, by pages with numbers."""
