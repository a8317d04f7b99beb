"""Me, the organization and its members."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from tallystick.api.fields import Hours, Percent
from tallystick.api.native.clients import Address as Mail
from tallystick.api.native.clients import Country, Line, Scheme
from tallystick.api.native.views import View
from tallystick.api.native.wire import lists, read_only
from tallystick.api.wire import Ask, Operation
from tallystick.domain import members, projects, workspaces
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.members import Member
from tallystick.domain.workspaces import WeekStart, Workspace
from tallystick.values.look import Language, Layout, Paper


class Me(Struct, rename="camel", gc=False):
    org_id: str
    org_name: str
    plan: str
    role: str
    token_name: str
    scopes: list[str]
    project_ids: list[str]


class Organization(Struct, rename="camel", gc=False):
    id: str
    name: str
    plan: str
    default_currency: str
    invoice_prefix: str
    legal_name: str | None
    tax_id: str | None
    business_email: str | None
    business_website: str | None
    created_at: datetime
    business_phone: str | None
    business_address: str | None
    business_line1: str | None
    business_line2: str | None
    business_city: str | None
    business_postal_code: str | None
    business_region: str | None
    country_code: str | None
    registration: str | None
    tax_number: str | None
    contact_name: str | None
    endpoint_scheme: str | None
    endpoint: str | None
    tax_label: str | None
    default_tax_rate: str | None
    prices_include_tax: bool
    invoice_layout: Layout
    invoice_paper: Paper
    brand_color: str
    invoice_footer: str | None
    language: Language
    locale: str | None
    iban: str | None
    bic: str | None
    bank_name: str | None
    account_holder: str | None
    payment_instructions: str | None
    weekly_capacity_hours: str
    week_start: WeekStart
    approve_weeks: bool
    lock_submitted_weeks: bool
    bill_approved_only: bool
    locked_until: date | None
    lock_month_after_days: int | None


class OrganizationFields(Struct, rename="camel"):
    name: Annotated[str, Meta(min_length=1, max_length=200)] | UnsetType = UNSET
    legal_name: Line | UnsetType | None = UNSET
    tax_id: Line | UnsetType | None = UNSET
    business_email: Mail | UnsetType | None = UNSET
    business_website: Annotated[str, Meta(max_length=2000)] | UnsetType | None = UNSET
    business_phone: Line | UnsetType | None = UNSET
    business_address: Annotated[str, Meta(max_length=10_000)] | UnsetType | None = UNSET
    business_line1: Line | UnsetType | None = UNSET
    business_line2: Line | UnsetType | None = UNSET
    business_city: Line | UnsetType | None = UNSET
    business_postal_code: Line | UnsetType | None = UNSET
    business_region: Line | UnsetType | None = UNSET
    country_code: Country | UnsetType | None = UNSET
    registration: Line | UnsetType | None = UNSET
    tax_number: Line | UnsetType | None = UNSET
    contact_name: Line | UnsetType | None = UNSET
    endpoint_scheme: Scheme | UnsetType | None = UNSET
    endpoint: Line | UnsetType | None = UNSET
    tax_label: Annotated[str, Meta(max_length=40)] | UnsetType | None = UNSET
    default_tax_rate: Percent | UnsetType | None = UNSET
    prices_include_tax: bool | UnsetType = UNSET
    invoice_layout: Layout | UnsetType = UNSET
    invoice_paper: Paper | UnsetType = UNSET
    brand_color: Annotated[str, Meta(pattern="^#[0-9a-fA-F]{6}$")] | UnsetType = UNSET
    invoice_footer: Annotated[str, Meta(max_length=2_000)] | UnsetType | None = UNSET
    language: Language | UnsetType = UNSET
    locale: Annotated[str, Meta(max_length=20)] | UnsetType | None = UNSET
    iban: Annotated[str, Meta(max_length=50)] | UnsetType | None = UNSET
    bic: Annotated[str, Meta(max_length=20)] | UnsetType | None = UNSET
    bank_name: Line | UnsetType | None = UNSET
    account_holder: Annotated[str, Meta(max_length=70)] | UnsetType | None = UNSET
    payment_instructions: Annotated[str, Meta(max_length=2_000)] | UnsetType | None = UNSET
    weekly_capacity_hours: Hours | UnsetType = UNSET
    week_start: WeekStart | UnsetType = UNSET
    approve_weeks: bool | UnsetType = UNSET
    lock_submitted_weeks: bool | UnsetType = UNSET
    bill_approved_only: bool | UnsetType = UNSET
    locked_until: date | UnsetType | None = UNSET
    lock_month_after_days: Annotated[int, Meta(ge=0, le=365)] | UnsetType | None = UNSET


class MemberJson(Struct, rename="camel", gc=False):
    id: str
    org_id: str
    user_id: str
    role: str
    name: str
    email: str
    created_at: datetime
    weekly_capacity_hours: str | None


class MemberFields(Struct, rename="camel"):
    weekly_capacity_hours: Hours | UnsetType | None = UNSET


_READ_ONLY = read_only(Organization, OrganizationFields)
ORGANIZATION = View(Workspace, Organization)
MEMBER = View(Member, MemberJson)


def get_me(ctx: Context, _ask: Ask) -> Me:
    actor = ctx.actor
    return Me(
        org_id=actor.workspace_id,
        org_name=actor.workspace_name,
        plan=actor.plan,
        role=actor.role,
        token_name=actor.credential_name,
        scopes=sorted(actor.scopes),
        project_ids=projects.of_actor(ctx),
    )


def get_organization(ctx: Context, _ask: Ask) -> Struct:
    return ORGANIZATION.one(ctx.actor, workspaces.read(ctx))


def update_organization(ctx: Context, ask: Ask) -> Struct:
    return ORGANIZATION.one(ctx.actor, workspaces.change(ctx, **ask.facts))


def get_member(ctx: Context, ask: Ask) -> Struct:
    return MEMBER.one(ctx.actor, members.read(ctx, ask.id))


def update_member(ctx: Context, ask: Ask) -> Struct:
    if "weekly_capacity_hours" in ask.facts:
        return MEMBER.one(ctx.actor, members.set_capacity(ctx, ask.id, ask.facts["weekly_capacity_hours"]))
    return get_member(ctx, ask)


OPERATIONS = (
    Operation("getMe", "GET", "/me", get_me, "Who this token acts as", Permission.READ_SELF, Me, tag="Me"),
    Operation(
        "getOrganization", "GET", "/organization", get_organization, "Get the organization",
        Permission.READ_WORKSPACE, Organization, tag="Organization",
    ),
    Operation(
        "updateOrganization", "PATCH", "/organization", update_organization, "Change the organization's settings",
        Permission.CHANGE_WORKSPACE, Organization, body=OrganizationFields, read_only=_READ_ONLY, tag="Organization",
    ),
    Operation(
        "listMembers", "GET", "/members", lists(members.MEMBERS, MEMBER), "List members",
        Permission.READ_MEMBERS, MemberJson, listing=members.MEMBERS, tag="Members",
    ),
    Operation(
        "getMember", "GET", "/members/{id}", get_member, "Get a member",
        Permission.READ_MEMBERS, MemberJson, tag="Members",
    ),
    Operation(
        "updateMember", "PATCH", "/members/{id}", update_member, "Say how much a member works in a week",
        Permission.CHANGE_MEMBERS, MemberJson, body=MemberFields, read_only=read_only(MemberJson, MemberFields),
        tag="Members",
    ),
)  # fmt: skip
