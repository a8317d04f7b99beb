"""The team by number: members with what is known of their person, also those who left."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import ARRAY, BigInteger, ColumnElement, bindparam, func, or_, select

from tallystick.db.base import table_of
from tallystick.db.session import Prepared
from tallystick.domain.access import Permission
from tallystick.domain.context import Context, workspace
from tallystick.domain.listing import Filter, Listing
from tallystick.domain.members import Member, Person


class Colleague(NamedTuple):
    """A member, and their person."""

    id: str
    user_id: str
    number: int
    name: str
    email: str
    phone: str | None
    job_position: str | None
    role: str
    removed_at: datetime | None
    created_at: datetime
    changed_at: datetime
    """When the membership or the person was changed last."""


def one(ctx: Context, number: int) -> Colleague:
    """One member who has not left."""
    ctx.require(Permission.READ_MEMBERS)
    return Colleague._make(TEAM.one(ctx, Colleague._fields, number, "number"))


def page(ctx: Context, filters: dict[str, Any], *, left: bool = False, **where: Any) -> tuple[list[Colleague], int]:
    """One page of the team by its number, and how many there are on all of them."""
    ctx.require(Permission.READ_MEMBERS)
    found = (FORMER if left else TEAM).numbered(ctx, Colleague._fields, filters, **where)
    return [Colleague._make(row) for row in found.rows], found.total


def user_ids(ctx: Context, numbers: Sequence[int]) -> list[str] | None:
    """Whose numbers these are, each once; None where one of them is nobody's who is still here."""
    ctx.require(Permission.READ_MEMBERS)
    wanted = sorted(set(numbers))
    found = [user_id for (user_id,) in ctx.rows(_USER_IDS, numbers=wanted)]
    return found if len(found) == len(wanted) else None


_member, _person = table_of(Member), table_of(Person)


def _of_person(value: ColumnElement[Any]) -> ColumnElement[Any]:
    return select(value).where(_person.c.id == _member.c.user_id).scalar_subquery()


_name = _of_person(_person.c.name)
_email = _of_person(_person.c.email)
_last_name = _of_person(func.name_key(func.split_part(_person.c.name, " ", -1)))


def _members(live: ColumnElement[bool]) -> Listing:
    return Listing(
        Member,
        sorts=("created_at", "name", "last_name", "email"),
        searched=(_name, _email),
        computed={
            "name": _name,
            "email": _email,
            "last_name": _last_name,
            "changed_at": func.greatest(_member.c.updated_at, _of_person(_person.c.updated_at)),
        },
        extra={"administrator": Filter("switch", or_(_member.c.role == "OWNER", _member.c.role == "ADMIN"))},
        live=live,
    )


TEAM: Final = _members(_member.c.removed_at.is_(None))
FORMER: Final = _members(_member.c.removed_at.is_not(None))
_USER_IDS: Final = Prepared(
    select(_member.c.user_id)
    .where(
        _member.c.workspace_id == workspace(),
        _member.c.number == func.any(bindparam("numbers", type_=ARRAY(BigInteger()))),
        _member.c.removed_at.is_(None),
    )
    .order_by(_member.c.number)
)
