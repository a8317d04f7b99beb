"""Clients: who the work is for, and the defaults of their invoices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, ClassVar, Literal, get_args

from sqlalchemy import CheckConstraint, ColumnElement, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Counted, Id, Money, one_of, table_of, within_workspace
from tallystick.db.session import Prepared
from tallystick.domain import categories, dated_rates
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.listing import Listing
from tallystick.domain.workspaces import (
    Workspace,
    check_country,
    check_currency,
    check_endpoint,
    check_language,
    check_percent,
    check_tax_id,
    current,
)
from tallystick.values.document import PROFILES
from tallystick.values.duration import ROUNDING_MINUTES, ROUNDING_MODES, RoundingRule
from tallystick.values.errors import Conflict, Invalid
from tallystick.values.look import LANGUAGES
from tallystick.values.tax import TAX_CATEGORIES

Status = Literal["ACTIVE", "SUSPENDED"]
STATUSES: tuple[Status, ...] = get_args(Status)
PortalPart = Literal["invoices", "hours", "notes", "budget"]
PORTAL_PARTS: tuple[PortalPart, ...] = get_args(PortalPart)


class Client(Counted):
    """A client. Edits apply forward only: invoices keep the client as it was when they were issued."""

    __tablename__ = "clients"
    noun: ClassVar[str] = "client"
    money: ClassVar[frozenset[str]] = frozenset({"default_rate", "default_tax_rate"})

    name: Mapped[str]
    contact_name: Mapped[str | None]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    website: Mapped[str | None]
    currency: Mapped[str]
    notes: Mapped[str | None]
    billing_address: Mapped[str | None]
    billing_line1: Mapped[str | None]
    billing_line2: Mapped[str | None]
    billing_city: Mapped[str | None]
    billing_region: Mapped[str | None]
    billing_postal_code: Mapped[str | None]
    billing_country: Mapped[str | None]
    country_code: Mapped[str | None]
    """ISO 3166-1 alpha-2, such as DE."""
    tax_number: Mapped[str | None]
    registration: Mapped[str | None]
    """In the trade register; `0106:12345678` says its scheme (ISO 6523)."""
    buyer_reference: Mapped[str | None]
    """What they want to read on invoices: a Leitweg-ID, a cost centre."""
    einvoice_profile: Mapped[str | None]
    """In which their invoices are data too; None: in none."""
    endpoint_scheme: Mapped[str | None]
    """Of the electronic address: a code of the EAS list, such as 0208 or EM."""
    endpoint: Mapped[str | None]
    language: Mapped[str | None]
    """Of their documents; None: the workspace's."""
    locale: Mapped[str | None]
    """For numbers and days on them, such as `de_CH`; None: by the language and the country."""
    default_rate: Mapped[Money | None]
    """Today's: what it is on other days, where it was or will be another, is in `rates`."""
    rates_from: Mapped[date | None]
    """Since when its rows in `rates` count; before, and where there are none, the column does."""
    default_payment_terms: Mapped[str | None]
    default_tax_rate: Mapped[Money | None]
    rounding_minutes: Mapped[int | None]
    """How billed hours are rounded; null: as the workspace says."""
    rounding_mode: Mapped[str | None]
    default_tax_category: Mapped[str | None]
    """How their invoices are taxed, such as REVERSE_CHARGE; None: as the rate says, else as the workspace's."""
    prices_include_tax: Mapped[bool | None]
    """None: as the workspace's."""
    require_po_number: Mapped[bool] = mapped_column(default=False)
    billing_email: Mapped[str | None]
    category_id: Mapped[Id]
    status: Mapped[str] = mapped_column(default="ACTIVE")
    """A note to ourselves: work for a suspended client goes on."""
    tags: Mapped[list[str]] = mapped_column(default=[])
    portal_shows: Mapped[list[str]] = mapped_column(default=["invoices"])
    """What their people see in the portal; empty: it is closed to them."""
    created_by: Mapped[Id | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    @classmethod
    def read_as(cls) -> dict[str, ColumnElement[Any]]:
        return {"default_rate": dated_rates.on_day(table_of(cls), "default_rate", dated_rates.today())}

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("category_id", "categories.id"),
            within_workspace("created_by", "members.user_id"),
            one_of("status", STATUSES),
            CheckConstraint("default_rate >= 0", name="default_rate"),
            CheckConstraint("default_tax_rate BETWEEN 0 AND 100", name="default_tax_rate"),
            CheckConstraint("rounding_minutes IN (0, 1, 5, 6, 10, 15, 30, 60)", name="rounding_minutes"),
            one_of("rounding_mode", ROUNDING_MODES),
            one_of("default_tax_category", TAX_CATEGORIES),
            CheckConstraint("country_code ~ '^[A-Z]{2}$'", name="country_code"),
            CheckConstraint("(endpoint_scheme IS NULL) = (endpoint IS NULL)", name="endpoint"),
            one_of("einvoice_profile", PROFILES),
            one_of("language", LANGUAGES),
            CheckConstraint(
                "portal_shows <@ ARRAY['invoices', 'hours', 'notes', 'budget']::text[] "
                "AND cardinality(portal_shows) <= 4",
                name="portal_shows",
            ),
            Index("ix_clients_created", "workspace_id", "created_at", "id"),
            Index("ix_clients_category", "workspace_id", "category_id"),
        )

    def rounding(self, studio: Workspace) -> RoundingRule:
        """How hours are rounded on this client's invoices: as is said here, else as the workspace says."""
        usual = studio.rounding
        minutes = usual.minutes if self.rounding_minutes is None else self.rounding_minutes
        mode = usual.mode if self.rounding_mode is None else self.rounding_mode
        return RoundingRule(minutes, mode)  # type: ignore[arg-type]  # the CHECKs say so

    def terms_days(self) -> int | None:
        """Days until an invoice is due, read from the free text of `default_payment_terms`; None: the workspace's."""
        return days_of_terms(self.default_payment_terms)


CLIENTS = Listing(
    Client,
    sorts=("created_at", "id", "name", "updated_at"),
    search=("name", "contact_name", "email"),
    instants=("created_at", "updated_at"),
)


CLIENTS_BY_NAME = Listing(Client, sorts=("created_at",), search=("name",))
"""Clients where only their name is searched."""


def create(ctx: Context, *, name: str, currency: str | None = None, **facts: Any) -> Client:
    """Add a client. No currency: the workspace's."""
    ctx.require(Permission.CHANGE_CLIENTS)
    _check({"currency": currency, **facts} if currency else facts)
    facts = _each_part_once(check_language(facts))
    check_endpoint(None, facts)
    check_tax_id(facts.get("tax_number"), facts.get("country_code"), "tax_number")
    facts["category_id"] = categories.filed_under(ctx, "client", facts.get("category_id"))
    client = ctx.add(Client(name=name, currency=currency or current(ctx).default_currency, **each_tag_once(facts)))
    ctx.record("created", client)
    return client


def read(ctx: Context, client_id: str) -> Client:
    """One client."""
    ctx.require(Permission.READ_CLIENTS)
    return ctx.find(Client, client_id)


def change(ctx: Context, client_id: str, **facts: Any) -> Client:
    """Change some facts of a client. Another rate holds from today on (`dated_rates.settle`)."""
    ctx.require(Permission.CHANGE_CLIENTS)
    if "currency" in facts and facts["currency"] is None:
        facts["currency"] = current(ctx).default_currency
    _check(facts)
    facts = _each_part_once(check_language(facts))
    client = ctx.find(Client, client_id, lock="update")
    check_endpoint(client, facts)
    if facts.get("tax_number", client.tax_number) != client.tax_number:  # what was there before may stay
        check_tax_id(facts["tax_number"], facts.get("country_code", client.country_code), "tax_number")
    if facts.get("category_id", client.category_id) != client.category_id:
        facts["category_id"] = categories.filed_under(ctx, "client", facts["category_id"])
    priced = "default_rate" in facts and dated_rates.settle(ctx, client, "default_rate", facts.pop("default_rate"))
    if ctx.change(client, **each_tag_once(facts)) or priced:
        ctx.record("updated", client)
    return client


def delete(ctx: Context, client_id: str) -> None:
    """Delete a client that nothing depends on; otherwise it stays, and the sentence says why."""
    ctx.require(Permission.CHANGE_CLIENTS)
    client = ctx.find(Client, client_id, lock="update")
    if ctx.row(_DEPENDENTS, client_id=client.id) is not None:
        raise Conflict("Cannot delete a client with projects, invoices, or time entries. Archive it instead.")
    ctx.change(client, deleted_at=ctx.now)
    ctx.write(_LET_CONTACTS_GO, client_id=client.id, now=ctx.now)
    ctx.record("deleted", client)


def named(ctx: Context, client_ids: Sequence[str]) -> dict[str, tuple[str, str | None]]:
    """Name and e-mail of clients, deleted ones too, by their ids."""
    ctx.require(Permission.READ_CLIENTS)
    return {identity: (name, email) for identity, name, email in ctx.rows(_NAMED, ids=list(client_ids))}


def days_of_terms(terms: str | None) -> int | None:
    """`Net 30` → 30, `Due on receipt` → 0; None where the text says nothing we know."""
    said = (terms or "").strip().lower()
    if said in ("due on receipt", "due_on_receipt", "on receipt"):
        return 0
    digits = said.replace("_", " ").replace("-", " ").removeprefix("net").strip().removesuffix("days").strip()
    if digits.isascii() and digits.isdigit() and len(digits) <= 3:
        return min(int(digits), 365)
    return None


def each_tag_once(facts: dict[str, Any]) -> dict[str, Any]:
    """Facts of which the tags, if they are among them, are each there once."""
    return {**facts, "tags": list(dict.fromkeys(facts["tags"]))} if "tags" in facts else facts


def _each_part_once(facts: dict[str, Any]) -> dict[str, Any]:
    given = facts.get("portal_shows")
    return facts if given is None else {**facts, "portal_shows": [one for one in PORTAL_PARTS if one in given]}


def _check(facts: dict[str, Any]) -> None:
    status = facts.get("status", "ACTIVE")
    if status not in STATUSES:
        raise Invalid(fields={"status": f"one of {', '.join(STATUSES)}"})
    if "currency" in facts:
        check_currency(facts["currency"])
    check_percent(facts.get("default_tax_rate"), "default_tax_rate")
    if facts.get("default_tax_category") not in (None, *TAX_CATEGORIES):
        raise Invalid(fields={"default_tax_category": f"one of {', '.join(TAX_CATEGORIES)}"})
    dated_rates.check(facts.get("default_rate"), "default_rate")
    if facts.get("rounding_minutes") not in (None, *ROUNDING_MINUTES):
        raise Invalid(fields={"rounding_minutes": f"one of {', '.join(map(str, ROUNDING_MINUTES))}"})
    if facts.get("rounding_mode") not in (None, *ROUNDING_MODES):
        raise Invalid(fields={"rounding_mode": f"one of {', '.join(ROUNDING_MODES)}"})
    country = facts.get("billing_country")
    if country is not None and len(country) > 60:
        raise Invalid(fields={"billing_country": "at most 60 characters"})
    check_country(facts.get("country_code"))
    parts = facts.get("portal_shows", ())
    if parts is None or not set(parts) <= set(PORTAL_PARTS):
        raise Invalid(fields={"portal_shows": f"some of {', '.join(PORTAL_PARTS)}, or none"})
    if facts.get("einvoice_profile") not in (None, *PROFILES):
        raise Invalid(fields={"einvoice_profile": f"one of {', '.join(PROFILES)}"})


_LET_CONTACTS_GO = Prepared(
    text("""
        UPDATE contacts SET deleted_at = :now, updated_at = :now
        WHERE workspace_id = :workspace AND client_id = :client_id AND deleted_at IS NULL
    """)
)
_NAMED = Prepared(
    text("SELECT id, name, email FROM clients WHERE workspace_id = :workspace AND id = ANY(CAST(:ids AS uuid[]))")
)
_DEPENDENTS = Prepared(
    # By table, not by class: projects, entries, expenses and invoices are nouns above this one.
    text("""
        SELECT 1 FROM projects WHERE client_id = :client_id AND deleted_at IS NULL AND status <> 'ARCHIVED'
        UNION ALL SELECT 1 FROM invoices WHERE client_id = :client_id AND deleted_at IS NULL
        UNION ALL SELECT 1 FROM expenses WHERE client_id = :client_id AND deleted_at IS NULL
        UNION ALL SELECT 1 FROM time_entries JOIN projects ON projects.id = time_entries.project_id
                  WHERE projects.client_id = :client_id AND time_entries.deleted_at IS NULL
        LIMIT 1
    """)
)
