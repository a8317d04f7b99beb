"""Clients on the wire (contract hoursmith 2.4)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from tallystick.api.fields import Money, Percent
from tallystick.api.native.views import View
from tallystick.api.native.wire import lists, read_only
from tallystick.api.wire import Ask, Later, Nothing, Operation
from tallystick.domain import clients
from tallystick.domain.access import Permission
from tallystick.domain.clients import Client, PortalPart
from tallystick.domain.context import Context
from tallystick.domain.invoices import conformity
from tallystick.values.document import Profile
from tallystick.values.duration import RoundingMinutes, RoundingMode
from tallystick.values.look import Language
from tallystick.values.tax import TaxCategory

Country = Annotated[str, Meta(pattern="^[A-Z]{2}$")]
Scheme = Annotated[str, Meta(pattern="^([0-9]{4}|EM|A[A-Z])$")]
Line = Annotated[str, Meta(max_length=200)]
Address = Annotated[str, Meta(max_length=254)]
Text = Annotated[str, Meta(max_length=10_000)]


class ClientJson(Struct, rename="camel", gc=False):
    id: str
    org_id: str
    name: str
    contact_name: str | None
    email: str | None
    phone: str | None
    website: str | None
    currency: str
    notes: str | None
    billing_address: str | None
    billing_line1: str | None
    billing_line2: str | None
    billing_city: str | None
    billing_region: str | None
    billing_postal_code: str | None
    billing_country: str | None
    tax_number: str | None
    default_rate: str | None
    default_payment_terms: str | None
    default_tax_rate: str | None
    require_po_number: bool
    billing_email: str | None
    rounding_minutes: RoundingMinutes | None
    rounding_mode: RoundingMode | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    default_tax_category: TaxCategory | None
    prices_include_tax: bool | None
    country_code: str | None
    registration: str | None
    buyer_reference: str | None
    einvoice_profile: Profile | None
    endpoint_scheme: str | None
    endpoint: str | None
    language: Language | None
    locale: str | None
    portal_shows: list[PortalPart]


class ClientFields(Struct, rename="camel"):
    name: Annotated[str, Meta(min_length=1, max_length=200)] | UnsetType = UNSET
    contact_name: Line | UnsetType | None = UNSET
    email: Address | UnsetType | None = UNSET
    phone: Line | UnsetType | None = UNSET
    website: Annotated[str, Meta(max_length=2000)] | UnsetType | None = UNSET
    currency: Annotated[str, Meta(min_length=3, max_length=3)] | UnsetType | None = UNSET
    notes: Text | UnsetType | None = UNSET
    billing_address: Text | UnsetType | None = UNSET
    billing_line1: Line | UnsetType | None = UNSET
    billing_line2: Line | UnsetType | None = UNSET
    billing_city: Line | UnsetType | None = UNSET
    billing_region: Line | UnsetType | None = UNSET
    billing_postal_code: Line | UnsetType | None = UNSET
    billing_country: Line | UnsetType | None = UNSET
    tax_number: Line | UnsetType | None = UNSET
    default_rate: Money | UnsetType | None = UNSET
    default_payment_terms: Line | UnsetType | None = UNSET
    default_tax_rate: Percent | UnsetType | None = UNSET
    require_po_number: bool | UnsetType = UNSET
    billing_email: Address | UnsetType | None = UNSET
    default_tax_category: TaxCategory | UnsetType | None = UNSET
    prices_include_tax: bool | UnsetType | None = UNSET
    rounding_minutes: RoundingMinutes | UnsetType | None = UNSET
    rounding_mode: RoundingMode | UnsetType | None = UNSET
    country_code: Country | UnsetType | None = UNSET
    registration: Line | UnsetType | None = UNSET
    buyer_reference: Line | UnsetType | None = UNSET
    einvoice_profile: Profile | UnsetType | None = UNSET
    endpoint_scheme: Scheme | UnsetType | None = UNSET
    endpoint: Line | UnsetType | None = UNSET
    language: Language | UnsetType | None = UNSET
    locale: Annotated[str, Meta(max_length=20)] | UnsetType | None = UNSET
    portal_shows: Annotated[list[PortalPart], Meta(max_length=4)] | UnsetType = UNSET


class ProblemJson(Struct, rename="camel", gc=False):
    rule: str
    field: str
    message: str
    remedy: str
    fatal: bool


class ReadinessJson(Struct, rename="camel", gc=False):
    profile: Profile
    chosen: bool
    ready: bool
    problems: list[ProblemJson]


CLIENT = View(Client, ClientJson)
_READ_ONLY = read_only(ClientJson, ClientFields)


def create_client(ctx: Context, ask: Ask) -> Struct:
    return CLIENT.one(ctx.actor, clients.create(ctx, **ask.facts))


def get_client(ctx: Context, ask: Ask) -> Struct:
    return CLIENT.one(ctx.actor, clients.read(ctx, ask.id))


def update_client(ctx: Context, ask: Ask) -> Struct:
    return CLIENT.one(ctx.actor, clients.change(ctx, ask.id, **ask.facts))


def delete_client(ctx: Context, ask: Ask) -> None:
    clients.delete(ctx, ask.id)


def get_readiness(ctx: Context, ask: Ask) -> Later:
    ask_rules = conformity.readiness(ctx, ask.id)
    return Later(
        lambda: [
            ReadinessJson(
                profile=one.profile,
                chosen=one.chosen,
                ready=one.ready,
                problems=[ProblemJson(*problem) for problem in one.problems],
            )
            for one in ask_rules()
        ]
    )


OPERATIONS = (
    Operation(
        "listClients", "GET", "/clients", lists(clients.CLIENTS, CLIENT), "List clients",
        Permission.READ_CLIENTS, ClientJson, listing=clients.CLIENTS, tag="Clients",
    ),
    Operation(
        "createClient", "POST", "/clients", create_client, "Create a client", Permission.CHANGE_CLIENTS, ClientJson,
        status=201, body=ClientFields, required=("name",), read_only=_READ_ONLY, tag="Clients",
    ),
    Operation(
        "getClient", "GET", "/clients/{id}", get_client, "Get a client",
        Permission.READ_CLIENTS, ClientJson, tag="Clients",
    ),
    Operation(
        "updateClient", "PATCH", "/clients/{id}", update_client, "Change a client", Permission.CHANGE_CLIENTS,
        ClientJson, body=ClientFields, read_only=_READ_ONLY, tag="Clients",
    ),
    Operation(
        "deleteClient", "DELETE", "/clients/{id}", delete_client, "Delete a client that nothing depends on",
        Permission.CHANGE_CLIENTS, status=204, body=Nothing, tag="Clients",
        conflicts="The client has projects, invoices, expenses or time entries.",
    ),
    Operation(
        "getClientReadiness", "GET", "/clients/{id}/readiness", get_readiness,
        "Whether the client's invoices would conform to each e-invoice profile", Permission.READ_INVOICES,
        ReadinessJson, many=True, tag="Clients",
    ),
)  # fmt: skip
