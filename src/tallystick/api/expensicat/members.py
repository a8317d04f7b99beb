"""Members on the wire (contract expensicat 5). A path names the person, not the membership."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from tallystick.api.expensicat.wire import Part
from tallystick.api.wire import Ask, Operation
from tallystick.domain import members, time_entries
from tallystick.domain.access import Permission, Role
from tallystick.domain.context import Context
from tallystick.domain.listing import Filter
from tallystick.domain.members import MEMBERS
from tallystick.values.errors import Conflict

Shown = Literal["owner", "admin", "member"]
SHOWN: dict[Role, Shown] = {"OWNER": "owner", "ADMIN": "admin", "MANAGER": "member", "MEMBER": "member"}
"""A role of the record → how Expensicat calls it: it has no managers."""


class MemberUser(Struct, gc=False):
    id: str
    email: str
    full_name: str | None
    avatar_url: str | None


class MemberJson(Struct, gc=False):
    id: str
    role: Shown
    user: MemberUser


class MemberFields(Struct):
    role: Annotated[Literal["admin", "member"], Meta(description="The owner cannot be assigned.")] | UnsetType = UNSET


def list_members(ctx: Context, ask: Ask) -> Part:
    wanted: str | None = ask.query.get("role")
    page = MEMBERS.page(ctx, _COLUMNS, {}, sort="created_at", limit=_ALL)
    return Part([_shown(*row) for row in page.rows if wanted is None or SHOWN[row[1]] == wanted], None)


def update_member(ctx: Context, ask: Ask) -> Struct:
    member = members.of_person(ctx, ask.ids["user_id"])
    if member.role == "MANAGER":
        raise Conflict("This member is a manager, a role that only Tallystick itself can change.", reason="manager")
    member = members.set_role(ctx, member, "ADMIN" if ask.facts["role"] == "admin" else "MEMBER")
    return _shown(member.id, member.role, member.user_id, member.email, member.name)


def remove_member(ctx: Context, ask: Ask) -> None:
    time_entries.let_go(ctx, members.of_person(ctx, ask.ids["user_id"]))


def _shown(member_id: str, role: Any, user_id: str, email: str, name: str) -> MemberJson:
    return MemberJson(member_id, SHOWN[role], MemberUser(user_id, email, name or None, None))


_ALL = 100_000
"""This list has no pages (contract expensicat 1.5)."""
_COLUMNS = ("id", "role", "user_id", "email", "name")
_NONE: Any = None
_READ, _ADMIN, _TAG = "team:read", "team:admin", "Members"
_OWNER = "The member is the owner"

OPERATIONS = (
    Operation(
        "listMembers", "GET", "/members", list_members, "List members", Permission.READ_MEMBERS, MemberJson,
        many=True, parameters={"role": Filter("choice", _NONE, choices=("owner", "admin", "member"))}, scope=_READ,
        tag=_TAG,
    ),
    Operation(
        "updateMember", "PATCH", "/members/{user_id}", update_member, "Change a member's role",
        Permission.CHANGE_MEMBERS, MemberJson, body=MemberFields, required=("role",),
        conflicts=f"{_OWNER}, or a manager.", scope=_ADMIN, tag=_TAG,
    ),
    Operation(
        "removeMember", "DELETE", "/members/{user_id}", remove_member, "Remove a member; their work stays",
        Permission.CHANGE_MEMBERS, status=204, conflicts=f"{_OWNER}.", scope=_ADMIN, tag=_TAG,
    ),
)  # fmt: skip
