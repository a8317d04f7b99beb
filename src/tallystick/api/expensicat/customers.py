"""Customers on the wire (contract expensicat 4): the clients of the record."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from tallystick.api.expensicat.wire import FIELD_NAMES, Part, filters_of, in_domain, page_of
from tallystick.api.wire import Ask, Operation
from tallystick.domain import clients
from tallystick.domain.access import Permission
from tallystick.domain.clients import CLIENTS_BY_NAME, Client
from tallystick.domain.context import Context

Line = Annotated[str, Meta(max_length=200)]
Text = Annotated[str, Meta(max_length=10_000)]
CountryCode = Annotated[str, Meta(pattern="^([A-Za-z]{2})?$")]


class CustomerJson(Struct, gc=False):
    id: str
    organization_id: str
    name: str
    email: str | None
    phone: str | None
    website: str | None
    contact_person: str | None
    address_line1: str | None
    address_line2: str | None
    country: str | None
    city: str | None
    state: str | None
    postal_code: str | None
    tax_id: str | None
    notes: str | None
    created_at: datetime
    updated_at: datetime
    country_code: str | None


class CustomerFields(Struct):
    name: Annotated[str, Meta(min_length=1, max_length=200)] | UnsetType = UNSET
    email: Annotated[str, Meta(max_length=254)] | UnsetType | None = UNSET
    phone: Line | UnsetType | None = UNSET
    website: Annotated[str, Meta(max_length=2000)] | UnsetType | None = UNSET
    contact_person: Line | UnsetType | None = UNSET
    address_line1: Line | UnsetType | None = UNSET
    address_line2: Line | UnsetType | None = UNSET
    country: Annotated[str, Meta(max_length=60)] | UnsetType | None = UNSET
    city: Line | UnsetType | None = UNSET
    state: Line | UnsetType | None = UNSET
    postal_code: Line | UnsetType | None = UNSET
    tax_id: Line | UnsetType | None = UNSET
    notes: Text | UnsetType | None = UNSET
    country_code: CountryCode | UnsetType | None = UNSET


def list_customers(ctx: Context, ask: Ask) -> Part:
    page = CLIENTS_BY_NAME.page(ctx, _COLUMNS, filters_of(ask.query), **page_of(ask.query))
    return Part([CustomerJson(*row) for row in page.rows], page.after)


def create_customer(ctx: Context, ask: Ask) -> Struct:
    return _shown(clients.create(ctx, **_facts(ask)))


def get_customer(ctx: Context, ask: Ask) -> Struct:
    return _shown(clients.read(ctx, ask.id))


def update_customer(ctx: Context, ask: Ask) -> Struct:
    return _shown(clients.change(ctx, ask.id, **_facts(ask)))


def delete_customer(ctx: Context, ask: Ask) -> None:
    clients.delete(ctx, ask.id)


def _facts(ask: Ask) -> dict[str, Any]:
    facts: dict[str, Any] = {name: value or None for name, value in in_domain(ask.facts).items()}
    if facts.get("country_code") is not None:
        facts["country_code"] = facts["country_code"].upper()
    return facts


def _shown(client: Client) -> CustomerJson:
    return CustomerJson(*[getattr(client, name) for name in _COLUMNS])


_BY_WIRE_NAME = {wire: domain for domain, wire in FIELD_NAMES.items()} | {"organization_id": "workspace_id"}
_COLUMNS = tuple(_BY_WIRE_NAME.get(name, name) for name in CustomerJson.__struct_fields__)
_READ, _WRITE, _TAG = "invoices:read", "invoices:write", "Customers"

OPERATIONS = (
    Operation(
        "listCustomers", "GET", "/customers", list_customers, "List customers, newest first",
        Permission.READ_CLIENTS, CustomerJson, listing=CLIENTS_BY_NAME,
        parameters={"q": CLIENTS_BY_NAME.filters["search"]}, scope=_READ, tag=_TAG,
    ),
    Operation(
        "createCustomer", "POST", "/customers", create_customer, "Create a customer", Permission.CHANGE_CLIENTS,
        CustomerJson, status=201, body=CustomerFields, required=("name",), scope=_WRITE, tag=_TAG,
    ),
    Operation(
        "getCustomer", "GET", "/customers/{id}", get_customer, "Get a customer", Permission.READ_CLIENTS,
        CustomerJson, scope=_READ, tag=_TAG,
    ),
    Operation(
        "updateCustomer", "PATCH", "/customers/{id}", update_customer, "Update customer fields",
        Permission.CHANGE_CLIENTS, CustomerJson, body=CustomerFields, scope=_WRITE, tag=_TAG,
    ),
    Operation(
        "deleteCustomer", "DELETE", "/customers/{id}", delete_customer, "Delete a customer that nothing depends on",
        Permission.CHANGE_CLIENTS, status=204, conflicts="The customer has projects, invoices, expenses or time.",
        scope=_WRITE, tag=_TAG,
    ),
)  # fmt: skip
