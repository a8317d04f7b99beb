"""Me, the organization and its members."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from tallystick.api.native.views import View
from tallystick.api.native.wire import lists
from tallystick.api.wire import Ask, Operation
from tallystick.domain import members, projects, workspaces
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.members import Member
from tallystick.domain.workspaces import Workspace


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


class MemberJson(Struct, rename="camel", gc=False):
    id: str
    org_id: str
    user_id: str
    role: str
    name: str
    email: str
    created_at: datetime


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


def get_member(ctx: Context, ask: Ask) -> Struct:
    return MEMBER.one(ctx.actor, members.read(ctx, ask.id))


OPERATIONS = (
    Operation("getMe", "GET", "/me", get_me, "Who this token acts as", Permission.READ_SELF, Me, tag="Me"),
    Operation(
        "getOrganization", "GET", "/organization", get_organization, "Get the organization",
        Permission.READ_WORKSPACE, Organization, tag="Organization",
    ),
    Operation(
        "listMembers", "GET", "/members", lists(members.MEMBERS, MEMBER), "List members",
        Permission.READ_MEMBERS, MemberJson, listing=members.MEMBERS, tag="Members",
    ),
    Operation(
        "getMember", "GET", "/members/{id}", get_member, "Get a member",
        Permission.READ_MEMBERS, MemberJson, tag="Members",
    ),
)  # fmt: skip
