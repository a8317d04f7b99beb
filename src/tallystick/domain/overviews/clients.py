"""Clients by number: each with its category, and with the contact it is written to."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Text, and_, bindparam, select

from tallystick.db.base import table_of
from tallystick.domain.access import Permission
from tallystick.domain.categories import Category
from tallystick.domain.clients import STATUSES, Client
from tallystick.domain.contacts import Contact
from tallystick.domain.context import Context
from tallystick.domain.listing import Filter, Listing
from tallystick.domain.overviews import beside, numbered


class ClientSeen(NamedTuple):
    """A client, with numbers and names of what stands around it."""

    id: str
    serial: int
    name: str
    notes: str | None
    status: str
    phone: str | None
    website: str | None
    tax_number: str | None
    category: int
    category_name: str
    owner: int | None
    """Its primary contact."""
    owner_first_name: str | None
    owner_last_name: str | None
    billing_line1: str | None
    billing_city: str | None
    billing_region: str | None
    billing_postal_code: str | None
    billing_country: str | None
    default_payment_terms: str | None
    tags: list[str]
    created_at: datetime
    updated_at: datetime


def one(ctx: Context, identity: str | int) -> ClientSeen:
    """One client: by its number, or by its id where that is at hand."""
    ctx.require(Permission.READ_CLIENTS)
    by = "serial" if isinstance(identity, int) else "id"
    return ClientSeen._make(CLIENTS.one(ctx, ClientSeen._fields, identity, by))


def page(ctx: Context, filters: dict[str, Any], **where: Any) -> tuple[list[ClientSeen], int]:
    """One page of clients by its number, and how many there are on all of them."""
    ctx.require(Permission.READ_CLIENTS)
    found = CLIENTS.numbered(ctx, ClientSeen._fields, filters, **where)
    return [ClientSeen._make(row) for row in found.rows], found.total


_client, _contact = table_of(Client), table_of(Contact)


def _primary(column: ColumnElement[Any]) -> ColumnElement[Any]:
    here = and_(_contact.c.workspace_id == _client.c.workspace_id, _contact.c.client_id == _client.c.id)
    live = and_(_contact.c.is_primary, _contact.c.deleted_at.is_(None))
    return select(column).where(here, live).correlate(_client).scalar_subquery()


CLIENTS: Final = Listing(
    Client,
    sorts=("created_at", "updated_at", "name", "status"),
    searched=(_client.c.name,),
    computed={
        "category": beside(Client, Category, "number", _client.c.category_id),
        "category_name": beside(Client, Category, "name", _client.c.category_id),
        "owner": _primary(_contact.c.serial),
        "owner_first_name": _primary(_contact.c.first_name),
        "owner_last_name": _primary(_contact.c.last_name),
    },
    extra={
        "status": Filter("choice", _client.c.status == bindparam("status", type_=Text()), choices=STATUSES),
        "category": Filter("number", _client.c.category_id == numbered(Category, "category", by="number")),
    },
    ranks={"status": STATUSES},
)
"""Clients of the workspace, by pages with numbers."""
