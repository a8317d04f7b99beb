"""The workspace's settings, and who belongs to it."""

from __future__ import annotations

from typing import Any

from tallystick.auth.sessions import offer_password_link
from tallystick.domain import members, time_entries, workspaces
from tallystick.domain.access import ROLES, Permission, Role
from tallystick.domain.members import MEMBERS
from tallystick.values.errors import Conflict
from tallystick.web.app.account import zones
from tallystick.web.app.visit import Answer, Page, Visit

_MEMBER = ("id", "user_id", "name", "email", "role", "created_at", "weekly_capacity_hours")
_TEXTS = {
    "legal_name": 200,
    "tax_id": 60,
    "business_email": 254,
    "business_phone": 60,
    "business_website": 300,
    "business_address": 1000,
    "business_line1": 200,
    "business_line2": 200,
    "business_city": 100,
    "business_postal_code": 30,
    "business_region": 100,
    "country_code": 2,
    "registration": 100,
    "tax_number": 60,
    "contact_name": 200,
    "endpoint_scheme": 4,
    "endpoint": 200,
    "logo": 500,
}


def page(visit: Visit) -> Answer:
    return visit.show("settings.html", studio=workspaces.read(visit.ctx), zones=zones())


def change(visit: Visit) -> Answer:
    form = visit.form
    facts: dict[str, Any] = {
        "name": form.need("name", longest=120),
        "time_zone": form.need("time_zone", longest=60),
        "timer_limit_minutes": _minutes(visit),
        "weekly_capacity_hours": form.need_number("weekly_capacity_hours"),
    }
    for name, longest in _TEXTS.items():
        facts[name] = form.text(name, longest=longest)
    for name in ("country_code", "endpoint_scheme"):
        facts[name] = facts[name] and facts[name].upper()
    form.check()
    workspaces.change(visit.ctx, **facts)
    return visit.go("/settings", "Saved.")


def _minutes(visit: Visit) -> int:
    seconds = visit.form.duration("timer_limit")
    if seconds is None or not 60 <= seconds <= 24 * 3600:
        visit.form.wrong.setdefault("timer_limit", "must be between 0:01 and 24:00")
        return 480
    return seconds // 60


def members_page(visit: Visit, link: str = "", invited: str = "") -> Answer:
    found = MEMBERS.page(visit.ctx, _MEMBER, {}, sort="role", limit=200).rows
    return visit.show(
        "members.html",
        members=[dict(zip(_MEMBER, row, strict=True)) for row in found],
        usual_capacity=workspaces.read(visit.ctx).weekly_capacity_hours,
        roles=[role for role in ROLES if role != "OWNER"],
        link=link,
        invited=invited,
    )


def add_member(visit: Visit) -> Answer:
    """Add somebody new, and show the link with which they set their password, this one time."""
    form = visit.form
    email = form.need("email", longest=254)
    name = form.need("name", longest=120)
    role = _role(visit)
    form.check()
    member = members.add(visit.ctx, email=email, name=name, role=role, strangers=False)
    if members.has_password(visit.ctx, member.user_id):
        return visit.go("/settings/members", "{name} is a member again, with their old password.", name=name)
    secret = offer_password_link(visit.ctx, visit.ctx.server.key, member.user_id)
    form.given.clear()
    return members_page(visit, link=f"{visit.ctx.server.public_url}/reset/{secret}", invited=name)


def set_role(visit: Visit) -> Answer:
    role = _role(visit)
    visit.form.check()
    member = members.read(visit.ctx, visit.id())
    members.set_role(visit.ctx, member, role)
    return visit.go("/settings/members", "Saved.")


def set_capacity(visit: Visit) -> Answer:
    """How much somebody works in a week; nothing: as the workspace says."""
    hours = visit.form.number("weekly_capacity_hours")
    visit.form.check()
    members.set_capacity(visit.ctx, visit.id(), hours)
    return visit.go("/settings/members", "Saved.")


def make_owner(visit: Visit) -> Answer:
    """Hand the workspace over; who was the owner stays as an admin."""
    if visit.actor.role != "OWNER":
        raise Conflict("Only the owner hands the workspace over.")
    member = members.read(visit.ctx, visit.id())
    members.set_role(visit.ctx, member, "OWNER")
    return visit.go("/settings/members", "{name} is the owner now.", name=member.name)


def remove(visit: Visit) -> Answer:
    member = members.read(visit.ctx, visit.id())
    if member.user_id == visit.actor.user_id:
        raise Conflict("You cannot remove yourself.")
    time_entries.let_go(visit.ctx, member)
    return visit.go("/settings/members", "{name} is no longer a member. Their work stays.", name=member.name)


def _role(visit: Visit) -> Role:
    allowed: dict[str, Role] = {"ADMIN": "ADMIN", "MANAGER": "MANAGER", "MEMBER": "MEMBER"}
    chosen = visit.form.choice("role", allowed)
    if chosen is None:
        visit.form.wrong.setdefault("role", "required")
    return allowed.get(chosen or "", "MEMBER")


_READ, _CHANGE = Permission.READ_WORKSPACE, Permission.CHANGE_WORKSPACE
_PEOPLE = Permission.CHANGE_MEMBERS

PAGES = (
    Page(
        "/settings", _READ, page, change, label="Settings: workspace", section="settings", icon="gear",
        change=_CHANGE,
    ),
    Page(
        "/settings/members", _READ, members_page, add_member, label="Members", section="settings", icon="users",
        change=_PEOPLE,
    ),
    Page("/settings/members/{id}/role", _PEOPLE, post=set_role, again=members_page),
    Page("/settings/members/{id}/capacity", _PEOPLE, post=set_capacity, again=members_page),
    Page("/settings/members/{id}/owner", _PEOPLE, post=make_owner, again=members_page),
    Page("/settings/members/{id}/remove", _PEOPLE, post=remove, again=members_page),
)  # fmt: skip
