"""Clients on the wire (contract growcrm 5.2): a company, and the contact who is its account owner."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from tallystick.api.growcrm import laravel
from tallystick.api.growcrm.laravel import Flag, Whole, in_terms_of
from tallystick.api.growcrm.parts import (
    Email,
    Name,
    Named,
    Stamps,
    Tag,
    TagsField,
    Title,
    named,
    reference,
    referred,
    stamps,
    told,
)
from tallystick.api.growcrm.wire import NOTHING, Id, Page, page_of
from tallystick.api.wire import Ask, Operation
from tallystick.domain import clients, contacts, overviews, wholes, workspaces
from tallystick.domain.access import Permission
from tallystick.domain.categories import Category
from tallystick.domain.clients import Client, days_of_terms
from tallystick.domain.contacts import Contact
from tallystick.domain.context import Context
from tallystick.domain.listing import Filter
from tallystick.domain.overviews.clients import ClientSeen, one, page
from tallystick.domain.workspaces import DEFAULT_TERMS_DAYS

Country = Annotated[str, Meta(max_length=60)]
MOST_DUE_DAYS: Final = 365


class Billed(Struct, gc=False):
    street: str | None
    city: str | None
    state: str | None
    zip: str | None
    country: str | None
    invoice_due_days: str


class Shipping(Struct, gc=False):
    """Nothing is shipped."""

    street: str | None = None
    city: str | None = None
    state: str | None = None
    zip: str | None = None
    country: str | None = None


class ClientJson(Struct, gc=False):
    id: int
    company_name: str
    description: str | None
    status: Literal["active", "suspended"]
    phone: str | None
    website: str | None
    vat: str | None
    category: Named
    owner: Named | None
    billing: Billed
    shipping: Shipping
    dates: Stamps
    tags: list[str]


class ClientFields(Struct):
    first_name: Name | UnsetType = UNSET
    last_name: Name | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    client_company_name: Title | UnsetType = UNSET
    client_categoryid: Whole | UnsetType = UNSET
    client_description: str | UnsetType | None = UNSET
    client_phone: Title | UnsetType | None = UNSET
    client_website: Title | UnsetType | None = UNSET
    client_vat: Title | UnsetType | None = UNSET
    client_billing_street: Title | UnsetType | None = UNSET
    client_billing_city: Title | UnsetType | None = UNSET
    client_billing_state: Title | UnsetType | None = UNSET
    client_billing_zip: Title | UnsetType | None = UNSET
    client_billing_country: Country | UnsetType | None = UNSET
    client_billing_invoice_due_days: Whole | UnsetType | None = UNSET
    tags: list[Tag] | UnsetType | None = UNSET
    send_email: Flag | UnsetType | None = UNSET
    """Nothing is mailed."""


class ClientChange(Struct):
    client_company_name: Title | UnsetType = UNSET
    client_categoryid: Whole | UnsetType = UNSET
    client_description: str | UnsetType | None = UNSET
    client_phone: Title | UnsetType | None = UNSET
    client_website: Title | UnsetType | None = UNSET
    client_vat: Title | UnsetType | None = UNSET
    client_billing_street: Title | UnsetType | None = UNSET
    client_billing_city: Title | UnsetType | None = UNSET
    client_billing_state: Title | UnsetType | None = UNSET
    client_billing_zip: Title | UnsetType | None = UNSET
    client_billing_country: Country | UnsetType | None = UNSET
    client_billing_invoice_due_days: Whole | UnsetType | None = UNSET


class ClientStatus(Struct):
    status: Literal["active", "suspended"] | UnsetType = UNSET


class OwnerField(Struct):
    owner: Whole | UnsetType = UNSET


def list_clients(ctx: Context, ask: Ask) -> Page:
    query = ask.query
    if NOTHING in query:
        return Page([], 0)
    filters = {"category": query.get("category_id"), "search": query.get("search")}
    filters["status"] = query["status"].upper() if "status" in query else None
    usual = _usual_days(ctx)
    rows, total = page(ctx, filters, **page_of(query))
    return Page([_shown(row, usual) for row in rows], total)


def get_client(ctx: Context, ask: Ask) -> Struct:
    return _again(ctx, int(ask.id))


def create_client(ctx: Context, ask: Ask) -> Struct:
    given = ask.facts
    name = given.get("client_company_name") or f"{given['first_name']} {given['last_name']}"
    with in_terms_of(_NAMES):
        client = clients.create(ctx, name=name, tags=given.get("tags") or [], **_facts(ctx, given))
        contacts.create(
            ctx,
            client_id=client.id,
            first_name=given["first_name"],
            last_name=given["last_name"],
            email=given["email"],
            phone=given.get("client_phone"),
        )
    return _again(ctx, client.id)


def update_client(ctx: Context, ask: Ask) -> Struct:
    client_id = _id(ctx, ask)
    with in_terms_of(_NAMES):
        clients.change(ctx, client_id, name=ask.facts["client_company_name"], **_facts(ctx, ask.facts))
    return _again(ctx, client_id)


def delete_client(ctx: Context, ask: Ask) -> Id:
    wholes.delete_client(ctx, _id(ctx, ask))
    return Id(int(ask.id))


def set_client_tags(ctx: Context, ask: Ask) -> Struct:
    return _again(ctx, clients.change(ctx, _id(ctx, ask), tags=ask.facts.get("tags") or []).id)


def set_client_status(ctx: Context, ask: Ask) -> Struct:
    return _again(ctx, clients.change(ctx, _id(ctx, ask), status=ask.facts["status"].upper()).id)


def set_client_owner(ctx: Context, ask: Ask) -> Struct:
    client_id = _id(ctx, ask)
    contact_id = reference(ctx, Contact, ask.facts["owner"], "owner")
    if contacts.read(ctx, contact_id).client_id != client_id:
        raise laravel.selected("owner")
    contacts.make_primary(ctx, contact_id)
    return _again(ctx, client_id)


def _id(ctx: Context, ask: Ask) -> str:
    return overviews.id_of(ctx, Client, int(ask.id))


def _again(ctx: Context, identity: str | int) -> ClientJson:
    return _shown(one(ctx, identity), _usual_days(ctx))


def _facts(ctx: Context, given: dict[str, Any]) -> dict[str, Any]:
    facts = {**told(given, _PLAIN), **referred(ctx, given, {"client_categoryid": ("category_id", Category)})}
    if "client_billing_invoice_due_days" in given:
        days = given["client_billing_invoice_due_days"]
        facts["default_payment_terms"] = None if days is None else f"Net {days}"
    return facts


def _check_days(given: dict[str, Any]) -> None:
    days = given.get("client_billing_invoice_due_days")
    if days is not None and not 0 <= days <= MOST_DUE_DAYS:
        raise laravel.wrong("client_billing_invoice_due_days", f"must be between 0 and {MOST_DUE_DAYS}.")


def _usual_days(ctx: Context) -> int:
    """Days until an invoice is due, of a client with whom nothing else is agreed."""
    days = workspaces.read(ctx).payment_terms_days
    return DEFAULT_TERMS_DAYS if days is None else days


def _shown(row: ClientSeen, usual: int) -> ClientJson:
    days = days_of_terms(row.default_payment_terms)
    return ClientJson(
        row.serial,
        row.name,
        row.notes,
        "active" if row.status == "ACTIVE" else "suspended",
        row.phone,
        row.website,
        row.tax_number,
        Named(row.category, row.category_name),
        named(row.owner, f"{row.owner_first_name} {row.owner_last_name}"),
        Billed(
            row.billing_line1,
            row.billing_city,
            row.billing_region,
            row.billing_postal_code,
            row.billing_country,
            str(usual if days is None else days),
        ),
        Shipping(),
        stamps(row.created_at, row.updated_at),
        row.tags,
    )


_PLAIN: Final = {
    "client_description": "notes",
    "client_phone": "phone",
    "client_website": "website",
    "client_vat": "tax_number",
    "client_billing_street": "billing_line1",
    "client_billing_city": "billing_city",
    "client_billing_state": "billing_region",
    "client_billing_zip": "billing_postal_code",
    "client_billing_country": "billing_country",
}
_NAMES: Final = {**{domain: wire for wire, domain in _PLAIN.items()}, "category_id": "client_categoryid"}
_NONE: Final[Any] = None
_PARAMETERS: Final = {
    "status": Filter("choice", _NONE, choices=("active", "suspended")),
    "category_id": Filter("number", _NONE),
    "search": Filter("text", _NONE, about="A part of the company's name, in whatever case."),
}
_SORTS: Final = {
    "client_created": "created_at",
    "client_company_name": "name",
    "client_status": "status",
    "client_updated": "updated_at",
}
_TAG: Final = "Clients"

OPERATIONS = (
    Operation(
        "listClients", "GET", "/clients", list_clients, "List and search clients", Permission.READ_CLIENTS, ClientJson,
        parameters=_PARAMETERS, sorts=_SORTS, message="Clients retrieved successfully.", tag=_TAG,
    ),
    Operation(
        "createClient", "POST", "/clients", create_client, "Create a client, with the contact who is its owner",
        Permission.CHANGE_CLIENTS, ClientJson, status=201, body=ClientFields,
        required=("first_name", "last_name", "email"), check=_check_days, message="Client created successfully.",
        tag=_TAG,
    ),
    Operation(
        "getClient", "GET", "/clients/{id}", get_client, "Get a client", Permission.READ_CLIENTS, ClientJson,
        message="Client retrieved successfully.", tag=_TAG,
    ),
    Operation(
        "updateClient", "PATCH", "/clients/{id}", update_client, "Change a client; what is left out stays",
        Permission.CHANGE_CLIENTS, ClientJson, body=ClientChange, required=("client_company_name",),
        check=_check_days, message="Client updated successfully.", tag=_TAG,
    ),
    Operation(
        "deleteClient", "DELETE", "/clients/{id}", delete_client,
        "Delete a client with its contacts, projects, drafts, and time and expenses that are not billed",
        Permission.CHANGE_CLIENTS, Id, conflicts="Something was issued to the client, or billed.",
        message="Client deleted successfully.", tag=_TAG,
    ),
    Operation(
        "setClientTags", "PUT", "/clients/{id}/tags", set_client_tags, "Set the tags of a client: exactly these",
        Permission.CHANGE_CLIENTS, ClientJson, body=TagsField, message="Client tags updated successfully.", tag=_TAG,
    ),
    Operation(
        "setClientStatus", "PUT", "/clients/{id}/status", set_client_status, "Set the status of a client",
        Permission.CHANGE_CLIENTS, ClientJson, body=ClientStatus, required=("status",),
        message="Client status updated successfully.", tag=_TAG,
    ),
    Operation(
        "setClientOwner", "PUT", "/clients/{id}/owner", set_client_owner,
        "Make one of its contacts the owner of a client", Permission.CHANGE_CLIENTS, ClientJson, body=OwnerField,
        required=("owner",), message="Client account owner updated successfully.", tag=_TAG,
    ),
)  # fmt: skip
