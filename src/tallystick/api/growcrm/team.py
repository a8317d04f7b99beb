"""The team on the wire (contract growcrm 5.1): the members of the workspace, by their numbers."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from tallystick.api.growcrm import laravel
from tallystick.api.growcrm.laravel import Flag, Whole, in_terms_of
from tallystick.api.growcrm.numbers import YesNo, full_name, parts_of, stamp
from tallystick.api.growcrm.wire import NOTHING, Id, Page, page_of
from tallystick.api.wire import Ask, Operation
from tallystick.auth import invitations
from tallystick.domain import members, time_entries
from tallystick.domain.access import Permission, Role
from tallystick.domain.context import Context
from tallystick.domain.listing import Filter
from tallystick.domain.overviews.team import Colleague, one, page

ADMINISTRATOR: Final = 1
STAFF: Final = 3
"""Role ids; 2 is that of a client's contacts."""

First = Annotated[str, Meta(max_length=100)]
Line = Annotated[str, Meta(max_length=200)]
Email = Annotated[str, Meta(max_length=254, extra_json_schema={"format": "email"})]


class RoleJson(Struct, gc=False):
    id: int
    name: str


class Social(Struct, gc=False):
    facebook: str | None = None
    twitter: str | None = None
    linkedin: str | None = None
    github: str | None = None
    dribbble: str | None = None


class MemberDates(Struct, gc=False):
    created: str
    updated: str


class TeamMemberJson(Struct, gc=False):
    id: int
    first_name: str
    last_name: str
    name: str
    email: str
    phone: str | None
    job_position: str | None
    role: RoleJson
    status: Literal["active", "suspended", "deleted"]
    dashboard_access: YesNo
    social: Social
    dates: MemberDates


class TeamFields(Struct):
    first_name: First | UnsetType = UNSET
    last_name: First | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    role_id: Whole | UnsetType = UNSET
    phone: Line | UnsetType | None = UNSET
    position: Line | UnsetType | None = UNSET
    send_email: Annotated[Flag | UnsetType | None, Meta(description="`yes` mails a link to set a password.")] = UNSET


class TeamChange(Struct):
    first_name: First | UnsetType = UNSET
    last_name: First | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    role_id: Whole | UnsetType | None = UNSET
    phone: Line | UnsetType | None = UNSET
    position: Line | UnsetType | None = UNSET
    password: Annotated[Line | UnsetType | None, Meta(description="Refused: people set their own.")] = UNSET


def list_team(ctx: Context, ask: Ask) -> Page:
    query = ask.query
    role, status = query.get("role_id"), query.get("status")
    if NOTHING in query or status == "suspended" or role not in (None, ADMINISTRATOR, STAFF):
        return Page([], 0)
    filters = {"search": query.get("search"), "administrator": None if role is None else role == ADMINISTRATOR}
    rows, total = page(ctx, filters, left=status == "deleted", **page_of(query))
    return Page([_shown(row) for row in rows], total)


def get_team_member(ctx: Context, ask: Ask) -> Struct:
    return _shown(one(ctx, int(ask.id)))


def create_team_member(ctx: Context, ask: Ask) -> Struct:
    facts = ask.facts
    role = _role(facts["role_id"])
    name = full_name(facts["first_name"], facts["last_name"])
    with in_terms_of(_NAMES):
        member = members.add(ctx, email=facts["email"], name=name, role=role, strangers=False)
        members.change(ctx, member.id, name=name, **_about(facts))
    if facts.get("send_email"):
        invitations.welcome(ctx, member.user_id, members.checked_address(facts["email"]))
    return _shown(one(ctx, member.number))


def update_team_member(ctx: Context, ask: Ask) -> Struct:
    facts = ask.facts
    if facts.get("password") is not None:
        raise laravel.wrong("password", "cannot be set here. Its person does so: at /forgot-password, by a link.")
    before = one(ctx, int(ask.id))
    role = None if facts.get("role_id") is None else _role(facts["role_id"])
    with in_terms_of(_NAMES):
        name = full_name(facts["first_name"], facts["last_name"])
        member = members.change(ctx, before.id, name=name, email=facts["email"], **_about(facts))
    if role is not None and _role_id(before.role) != facts["role_id"]:
        members.set_role(ctx, member, role)
    return _shown(one(ctx, before.number))


def delete_team_member(ctx: Context, ask: Ask) -> Id:
    gone = one(ctx, int(ask.id))
    time_entries.let_go(ctx, members.of_person(ctx, gone.user_id))
    return Id(gone.number)


def _role(number: int) -> Role:
    if number not in (ADMINISTRATOR, STAFF):
        raise laravel.selected("role_id")
    return "ADMIN" if number == ADMINISTRATOR else "MEMBER"


def _role_id(role: str) -> int:
    return ADMINISTRATOR if role in ("OWNER", "ADMIN") else STAFF


def _about(facts: dict[str, Any]) -> dict[str, Any]:
    known = {"phone": "phone", "position": "job_position"}
    return {domain: facts[wire] for wire, domain in known.items() if wire in facts}


def _shown(row: Colleague) -> TeamMemberJson:
    first, last = parts_of(row.name)
    number = _role_id(row.role)
    return TeamMemberJson(
        row.number,
        first,
        last,
        f"{first} {last}".strip(),
        row.email,
        row.phone,
        row.job_position,
        RoleJson(number, "Administrator" if number == ADMINISTRATOR else "Staff"),
        "active" if row.removed_at is None else "deleted",
        "yes",
        Social(),
        MemberDates(stamp(row.created_at), stamp(row.changed_at)),
    )


_NAMES: Final = {"job_position": "position", "name": "first_name"}
_NONE: Final[Any] = None
_PARAMETERS: Final = {
    "status": Filter(
        "choice", _NONE, choices=("active", "suspended", "deleted"), about="Whoever left is listed only as `deleted`."
    ),
    "role_id": Filter("number", _NONE, about="1 Administrator, 3 Staff."),
    "search": Filter("text", _NONE, about="A part of the name or the e-mail, in whatever case."),
}
_SORTS: Final = {"created": "created_at", "first_name": "name", "last_name": "last_name", "email": "email"}
_ELSEWHERE: Final = "The person belongs to other workspaces too, or is the owner."
_TAG: Final = "Team"

OPERATIONS = (
    Operation(
        "listTeam", "GET", "/team", list_team, "List and search the team", Permission.READ_MEMBERS, TeamMemberJson,
        parameters=_PARAMETERS, sorts=_SORTS, message="Team members retrieved successfully.", tag=_TAG,
    ),
    Operation(
        "createTeamMember", "POST", "/team", create_team_member, "Add somebody to the team",
        Permission.CHANGE_MEMBERS, TeamMemberJson, status=201, body=TeamFields,
        required=("first_name", "last_name", "email", "role_id"), message="Team member created successfully.",
        tag=_TAG,
    ),
    Operation(
        "getTeamMember", "GET", "/team/{id}", get_team_member, "Get a member of the team", Permission.READ_MEMBERS,
        TeamMemberJson, message="Team member retrieved successfully.", tag=_TAG,
    ),
    Operation(
        "updateTeamMember", "PATCH", "/team/{id}", update_team_member, "Change a member of the team",
        Permission.CHANGE_MEMBERS, TeamMemberJson, body=TeamChange, required=("first_name", "last_name", "email"),
        conflicts=_ELSEWHERE, message="Team member updated successfully.", tag=_TAG,
    ),
    Operation(
        "deleteTeamMember", "DELETE", "/team/{id}", delete_team_member, "Remove somebody; their work stays",
        Permission.CHANGE_MEMBERS, Id, conflicts="The member is the owner.",
        message="Team member deleted successfully.", tag=_TAG,
    ),
)  # fmt: skip
