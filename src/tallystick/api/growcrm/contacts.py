"""Contacts on the wire (contract growcrm 5.3): the people of a client, one of whom is the account owner."""

from __future__ import annotations

from typing import Any, Final, Literal

from msgspec import UNSET, Struct, UnsetType

from tallystick.api.growcrm.laravel import Flag, Whole, in_terms_of
from tallystick.api.growcrm.numbers import YesNo, yes_no
from tallystick.api.growcrm.parts import Email, Name, Stamps, Title, reference, stamps, told
from tallystick.api.growcrm.team import RoleJson, Social
from tallystick.api.growcrm.wire import NOTHING, Id, Page, page_of
from tallystick.api.wire import Ask, Nothing, Operation
from tallystick.domain import contacts, overviews
from tallystick.domain.access import Permission
from tallystick.domain.clients import Client
from tallystick.domain.contacts import Contact
from tallystick.domain.context import Context
from tallystick.domain.listing import Filter
from tallystick.domain.overviews.contacts import ContactSeen, one, page

CLIENT_ROLE: Final = 2


class Company(Struct, gc=False):
    id: int
    company_name: str


class ContactJson(Struct, gc=False):
    id: int
    first_name: str
    last_name: str
    name: str
    email: str
    phone: str | None
    job_position: str | None
    account_owner: YesNo
    status: Literal["active"]
    client: Company
    role: RoleJson
    social: Social
    dates: Stamps


class ContactChange(Struct):
    first_name: Name | UnsetType = UNSET
    last_name: Name | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    phone: Title | UnsetType | None = UNSET
    position: Title | UnsetType | None = UNSET


class ContactFields(ContactChange):
    clientid: Whole | UnsetType = UNSET
    send_email: Flag | UnsetType | None = UNSET
    """Nothing is mailed."""


def list_contacts(ctx: Context, ask: Ask) -> Page:
    query = ask.query
    if NOTHING in query or query.get("status", "active") != "active":
        return Page([], 0)
    filters = {"client": query.get("client_id"), "search": query.get("search")}
    filters["primary"] = None if "account_owner" not in query else query["account_owner"] == "yes"
    rows, total = page(ctx, filters, **page_of(query))
    return Page([_shown(row) for row in rows], total)


def get_contact(ctx: Context, ask: Ask) -> Struct:
    return _shown(one(ctx, int(ask.id)))


def create_contact(ctx: Context, ask: Ask) -> Struct:
    client_id = reference(ctx, Client, ask.facts["clientid"], "clientid")
    with in_terms_of(_NAMES):
        made = contacts.create(ctx, client_id=client_id, **told(ask.facts, _PLAIN))
    return _shown(one(ctx, made.id))


def update_contact(ctx: Context, ask: Ask) -> Struct:
    with in_terms_of(_NAMES):
        changed = contacts.change(ctx, _id(ctx, ask), **told(ask.facts, _PLAIN))
    return _shown(one(ctx, changed.id))


def delete_contact(ctx: Context, ask: Ask) -> Id:
    contacts.delete(ctx, _id(ctx, ask))
    return Id(int(ask.id))


def make_account_owner(ctx: Context, ask: Ask) -> Struct:
    return _shown(one(ctx, contacts.make_primary(ctx, _id(ctx, ask)).id))


def _id(ctx: Context, ask: Ask) -> str:
    return overviews.id_of(ctx, Contact, int(ask.id))


def _shown(row: ContactSeen) -> ContactJson:
    return ContactJson(
        row.serial,
        row.first_name,
        row.last_name,
        f"{row.first_name} {row.last_name}",
        row.email,
        row.phone,
        row.job_position,
        yes_no(row.is_primary),
        "active",
        Company(row.client, row.client_name),
        RoleJson(CLIENT_ROLE, "Client"),
        Social(),
        stamps(row.created_at, row.updated_at),
    )


_PLAIN: Final = {
    "first_name": "first_name",
    "last_name": "last_name",
    "email": "email",
    "phone": "phone",
    "position": "job_position",
}
_NAMES: Final = {domain: wire for wire, domain in _PLAIN.items()}
_NONE: Final[Any] = None
_PARAMETERS: Final = {
    "status": Filter("choice", _NONE, choices=("active", "suspended", "deleted"), about="All there are are active."),
    "client_id": Filter("number", _NONE),
    "account_owner": Filter("choice", _NONE, choices=("yes", "no")),
    "search": Filter("text", _NONE, about="A part of the name, the e-mail or the phone number, in whatever case."),
}
_SORTS: Final = {
    "created": "created_at",
    "first_name": "first_name",
    "last_name": "last_name",
    "email": "email",
    "updated": "updated_at",
}
_TAG: Final = "Contacts"

OPERATIONS = (
    Operation(
        "listContacts", "GET", "/contacts", list_contacts, "List and search contacts", Permission.READ_CLIENTS,
        ContactJson, parameters=_PARAMETERS, sorts=_SORTS, upwards=True, message="Contacts retrieved successfully.",
        tag=_TAG,
    ),
    Operation(
        "createContact", "POST", "/contacts", create_contact, "Add a contact to a client; the first is its owner",
        Permission.CHANGE_CLIENTS, ContactJson, status=201, body=ContactFields,
        required=("first_name", "last_name", "email", "clientid"), message="Contact created successfully.", tag=_TAG,
    ),
    Operation(
        "getContact", "GET", "/contacts/{id}", get_contact, "Get a contact", Permission.READ_CLIENTS, ContactJson,
        message="Contact retrieved successfully.", tag=_TAG,
    ),
    Operation(
        "updateContact", "PATCH", "/contacts/{id}", update_contact, "Change a contact; the client stays",
        Permission.CHANGE_CLIENTS, ContactJson, body=ContactChange, required=("first_name", "last_name", "email"),
        message="Contact updated successfully.", tag=_TAG,
    ),
    Operation(
        "deleteContact", "DELETE", "/contacts/{id}", delete_contact, "Delete a contact", Permission.CHANGE_CLIENTS,
        Id, conflicts="The contact is the account owner, and there are others.",
        message="Contact deleted successfully.", tag=_TAG,
    ),
    Operation(
        "makeAccountOwner", "PUT", "/contacts/{id}/account-owner", make_account_owner,
        "Make a contact the owner of its client's account", Permission.CHANGE_CLIENTS, ContactJson, body=Nothing,
        message="Contact account owner updated successfully.", tag=_TAG,
    ),
)  # fmt: skip
