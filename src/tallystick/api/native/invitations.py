"""Invitations on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from tallystick.api.native.views import View
from tallystick.api.native.wire import read_only
from tallystick.api.wire import Ask, Nothing, Operation
from tallystick.auth import invitations as invitation_links
from tallystick.domain import invitations
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.invitations import Invitation, Invited


class InvitationJson(Struct, rename="camel", gc=False):
    id: str
    org_id: str
    email: str
    name: str | None
    role: Invited
    created_at: datetime
    expires_at: datetime


class InvitationFields(Struct, rename="camel"):
    email: Annotated[str, Meta(max_length=254)] | UnsetType = UNSET
    name: Annotated[str, Meta(max_length=200)] | UnsetType | None = UNSET
    role: Invited | UnsetType = UNSET


INVITATION = View(Invitation, InvitationJson)


def list_invitations(ctx: Context, _ask: Ask) -> list[Struct]:
    return [INVITATION.one(ctx.actor, one) for one in invitations.waiting(ctx)]


def invite_member(ctx: Context, ask: Ask) -> Struct:
    return INVITATION.one(ctx.actor, invitation_links.invite(ctx, **ask.facts))


def take_back_invitation(ctx: Context, ask: Ask) -> None:
    invitations.take_back(ctx, ask.id)


OPERATIONS = (
    Operation(
        "inviteMember", "POST", "/members/invite", invite_member, "Invite somebody by mail",
        Permission.CHANGE_MEMBERS, InvitationJson, status=201, body=InvitationFields, required=("email", "role"),
        read_only=read_only(InvitationJson, InvitationFields),
        conflicts="They are a member, or mail is not set up.", tag="Members",
    ),
    Operation(
        "listInvitations", "GET", "/invitations", list_invitations, "List the invitations that wait",
        Permission.CHANGE_MEMBERS, InvitationJson, many=True, tag="Members",
    ),
    Operation(
        "takeBackInvitation", "DELETE", "/invitations/{id}", take_back_invitation,
        "Take an invitation back; its link is not valid any more", Permission.CHANGE_MEMBERS, status=204, body=Nothing,
        tag="Members",
    ),
)  # fmt: skip
