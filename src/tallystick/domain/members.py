"""People and their memberships: one sign-in and e-mail for a person, one role for each workspace."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Literal, get_args

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKeyConstraint,
    Index,
    Text,
    UniqueConstraint,
    bindparam,
    func,
    null,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Blob, Id, Money, Row, Tenant, one_of, table_of
from tallystick.db.session import Prepared
from tallystick.domain import numbers, oauth, sessions, tokens
from tallystick.domain.access import ROLES, Permission, Role
from tallystick.domain.context import SENTENCES, Context, hydrate, workspace
from tallystick.domain.listing import Listing
from tallystick.domain.workspaces import WEEK_STARTS, check_capacity, check_time_zone
from tallystick.values.errors import Conflict, Invalid, NotFound
from tallystick.values.ids import new_id

Language = Literal["en", "de"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
ClockHours = Literal["12", "24"]
CLOCKS: tuple[ClockHours, ...] = get_args(ClockHours)


class Person(Row):
    """Somebody who signs in. Seen only in workspaces they belong to."""

    __tablename__ = "people"
    __table_args__ = (
        UniqueConstraint("email"),
        CheckConstraint("email = lower(email)", name="email_is_lower"),
        one_of("language", LANGUAGES),
        one_of("clock", CLOCKS),
        one_of("week_start", WEEK_STARTS),
        CheckConstraint("cardinality(backup_codes) = 0 OR totp_secret IS NOT NULL", name="backup_codes"),
    )
    noun: ClassVar[str] = "person"

    id: Mapped[Id] = mapped_column(primary_key=True)
    email: Mapped[str]
    name: Mapped[str]
    time_zone: Mapped[str | None]
    """Null: the workspace's."""
    password_hash: Mapped[str | None]
    totp_secret: Mapped[Blob | None]
    """The secret of their authenticator, sealed with the server's key. Null: the password is enough."""
    totp_step: Mapped[int | None]
    """The time step of the code used last: each is good once."""
    backup_codes: Mapped[list[str]] = mapped_column(default=[], server_default="{}")
    """Keyed digests of the codes that are left for when the authenticator is not."""
    language: Mapped[str | None]
    """In which they read the app. Null: as their browser says."""
    clock: Mapped[str | None]
    """Whether they read 15:30 or 3:30 pm. Null: as their language does."""
    week_start: Mapped[str | None]
    """Null: as their language does."""
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Member(Tenant):
    """A person in a workspace. Whoever left keeps the row, so that their work keeps its author."""

    __tablename__ = "members"
    noun: ClassVar[str] = "member"

    user_id: Mapped[Id]
    role: Mapped[str]
    number: Mapped[int]
    """Counted from 1 in each workspace: its founding owner is 1. Whoever comes back keeps theirs."""
    phone: Mapped[str | None]
    job_position: Mapped[str | None]
    weekly_capacity_hours: Mapped[Money | None]
    """How much they work in a week; null: as the workspace says."""
    removed_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    name: str = ""
    """The person's name and e-mail; filled by `read`."""
    email: str = ""

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            ForeignKeyConstraint(["user_id"], ["people.id"]),
            UniqueConstraint("workspace_id", "user_id"),
            UniqueConstraint("workspace_id", "number"),
            CheckConstraint("number >= 1", name="number"),
            CheckConstraint("weekly_capacity_hours BETWEEN 0 AND 168", name="weekly_capacity_hours"),
            one_of("role", ROLES),
            Index(
                "uq_members_owner",
                "workspace_id",
                unique=True,
                postgresql_where="role = 'OWNER' AND removed_at IS NULL",
            ),
        )

    @classmethod
    def seen_by(cls, user_id: ColumnElement[str]) -> ColumnElement[bool] | None:
        return table_of(cls).c.user_id == user_id


def add(
    ctx: Context,
    *,
    email: str,
    name: str,
    role: Role,
    password_hash: str | None = None,
    time_zone: str | None = None,
    strangers: bool = True,
) -> Member:
    """Add a person to the workspace: somebody known by that e-mail joins with their own sign-in.

    `strangers`: also whoever was never in this workspace. Without them, nobody learns their names by adding them.
    """
    ctx.require(Permission.CHANGE_MEMBERS)
    address = checked_address(email)
    if time_zone is not None:
        check_time_zone(time_zone)
    (user_id,) = ctx.row(_PERSON_BY_EMAIL, email=address) or (None,)
    known = user_id is not None
    if user_id is None:
        person = Person(id=new_id(), email=address, name=name.strip(), time_zone=time_zone, password_hash=password_hash)
        user_id = ctx.add(person).id
    found = ctx.row(_MEMBERSHIP, user_id=user_id)
    former = None if found is None else hydrate(Member, found)
    if known and not strangers and (former is None or former.removed_at is None):
        raise Invalid(fields={"email": TAKEN})
    if former is None:
        member = ctx.add(Member(user_id=user_id, role=role, number=numbers.draw(ctx, Member)))
    else:
        member = former
        if member.removed_at is None:
            raise Conflict(f"{address} is a member already.")
        ctx.change(member, role=role, removed_at=None)
    ctx.record("added", member)
    return member


def change(ctx: Context, member_id: str, **facts: Any) -> Member:
    """Correct a member's `phone` and `job_position`, and their person's `name` and `email`.

    Who they are and how they sign in is not changed behind the back of other workspaces they belong to.
    """
    ctx.require(Permission.CHANGE_MEMBERS)
    member = ctx.find(Member, member_id, lock="update")
    if member.removed_at is not None:
        raise NotFound("No such member.")
    name, email = ctx.row(_PERSON, user_id=member.user_id) or ("", "")
    member.name = str(facts.pop("name", name)).strip()
    member.email = checked_address(facts.pop("email", email))
    renamed = (member.name, member.email) != (name, email)
    if renamed:
        if ctx.row(_ELSEWHERE, email=email) is not None:
            raise Conflict("This person belongs to other workspaces too: only they change their name and e-mail.")
        if member.email != email and ctx.row(_PERSON_BY_EMAIL, email=member.email) != (None,):
            raise Invalid(fields={"email": TAKEN})
        ctx.write(_IDENTIFY, user_id=member.user_id, name=member.name, email=member.email, now=ctx.now)
    if ctx.change(member, **facts) or renamed:
        ctx.record("updated", member)
    return member


def present(ctx: Context, **facts: Any) -> None:
    """Change what a person says of themselves: `name`, `time_zone`, `language`, `clock`, `week_start`.

    It is theirs in every workspace they belong to.
    """
    ctx.require(Permission.READ_SELF)
    if facts.keys() - {"name", "time_zone", "language", "clock", "week_start"}:
        raise TypeError("Only name, time zone, language, clock and week start change.")
    person = ctx.find(Person, ctx.actor.user_id, lock="update")
    if not str(facts.get("name", person.name)).strip():
        raise Invalid(fields={"name": "required"})
    if facts.get("time_zone") is not None:
        check_time_zone(facts["time_zone"])
    for field, choices in (("language", LANGUAGES), ("clock", CLOCKS), ("week_start", WEEK_STARTS)):
        if facts.get(field) is not None and facts[field] not in choices:
            raise Invalid(fields={field: f"one of {', '.join(choices)}"})
    if ctx.change(person, **facts):
        ctx.record("updated", of_self(ctx))


def has_password(ctx: Context, user_id: str) -> bool:
    """Whether a person of this workspace can sign in with a password already."""
    ctx.require(Permission.CHANGE_MEMBERS)
    return ctx.find(Person, user_id).password_hash is not None


def of_self(ctx: Context) -> Member:
    """The actor's own membership."""
    return active(ctx, ctx.actor.user_id)


def set_role(ctx: Context, member: Member, role: Role) -> Member:
    """Change what a member may do. The one owner stays: ownership is transferred, not given up."""
    ctx.require(Permission.CHANGE_MEMBERS)
    if member.role == "OWNER" and role != "OWNER":
        raise Conflict("A workspace has exactly one owner. Transfer ownership first.")
    if role == "OWNER" and member.role != "OWNER":
        former = ctx.select(Member, Member.role == "OWNER", Member.removed_at.is_(None))
        for owner in former:
            ctx.change(owner, role="ADMIN")
            ctx.record("role_changed", owner)
    if ctx.change(member, role=role):
        ctx.record("role_changed", member)
    return member


def set_capacity(ctx: Context, member_id: str, hours: Decimal | None) -> Member:
    """Say how much a member works in a week; None: as the workspace says."""
    ctx.require(Permission.CHANGE_MEMBERS)
    check_capacity(hours)
    member = read(ctx, member_id)
    if ctx.change(member, weekly_capacity_hours=hours):
        ctx.record("updated", member)
    return member


def remove(ctx: Context, member: Member) -> None:
    """End a membership: sessions, tokens and grants die with it, the work stays. See also `time_entries.let_go`."""
    ctx.require(Permission.CHANGE_MEMBERS)
    if member.role == "OWNER":
        raise Conflict("The owner cannot be removed. Transfer ownership first.")
    tokens.revoke_all(ctx, member.user_id)
    sessions.end_all(ctx, member.user_id, "removed")
    oauth.end_all_of(ctx, member.user_id, "removed")
    ctx.change(member, removed_at=ctx.now)
    ctx.record("removed", member)


def set_password(ctx: Context, user_id: str, password_hash: str, *, keep_session: str | None = None) -> None:
    """Give a person of this workspace a new password. Sessions and grants end everywhere, but for the session they use.

    Who may is decided by the caller, who has seen the old password or a link.
    """
    ctx.write(_SET_PASSWORD, user_id=user_id, password_hash=password_hash, now=ctx.now)
    sessions.end_everywhere(ctx, user_id, "password_changed", but=keep_session)
    ctx.row(_END_GRANTS, user_id=user_id, why="password_changed", now=ctx.now)


def turn_on_second_factor(ctx: Context, *, secret: bytes, step: int, backup_codes: list[str]) -> None:
    """Ask the actor for a code from now on. Who they are was seen by the caller, and that `step`'s code is right."""
    ctx.require(Permission.READ_SELF)
    if ctx.write(_TURN_ON, user_id=ctx.actor.user_id, secret=secret, step=step, codes=backup_codes, now=ctx.now) != 1:
        raise Conflict("Two-factor sign-in is on already.")
    ctx.record_facts("second_factor_on", of_self(ctx))


def renew_backup_codes(ctx: Context, backup_codes: list[str]) -> None:
    """Other backup codes for the actor; those before are worth nothing."""
    ctx.require(Permission.READ_SELF)
    if ctx.write(_RENEW_CODES, user_id=ctx.actor.user_id, codes=backup_codes, now=ctx.now) != 1:
        raise Conflict("Two-factor sign-in is off.")
    ctx.record_facts("backup_codes_renewed", of_self(ctx))


def turn_off_second_factor(ctx: Context, user_id: str) -> None:
    """Ask a person for the password alone. Who may is decided by the caller: themselves, or the operator."""
    if ctx.write(_TURN_OFF, user_id=user_id, now=ctx.now) != 1:
        raise Conflict("Two-factor sign-in is off.")
    ctx.record_facts("second_factor_off", active(ctx, user_id))


def tell_failed(ctx: Context, user_id: str, why: str) -> None:
    """Tell that a sign-in as somebody failed. The context is nobody's: it was not them, as far as is known."""
    ctx.even_closed()
    ctx.record_facts("sign_in_failed", active(ctx, user_id), why=why)


def tell_refused(ctx: Context, why: str) -> None:
    """Tell that the actor was refused a change."""
    ctx.even_closed()
    ctx.record_facts("refused", of_self(ctx), why=why[:200])


def second_factor_of(ctx: Context) -> int | None:
    """How many backup codes the actor has left; None where they sign in with the password alone."""
    ctx.require(Permission.READ_SELF)
    person = ctx.find(Person, ctx.actor.user_id)
    return None if person.totp_secret is None else len(person.backup_codes)


def sign_out_everywhere(ctx: Context, user_id: str, *, keep_session: str | None = None) -> None:
    """End a person's sessions and what they granted to apps, in every workspace of theirs."""
    sessions.end_everywhere(ctx, user_id, "revoked", but=keep_session)
    ctx.row(_END_GRANTS, user_id=user_id, why="revoked", now=ctx.now)


def read(ctx: Context, member_id: str) -> Member:
    """One membership that has not ended; a Member's own only."""
    ctx.require(Permission.READ_MEMBERS)
    member = ctx.find(Member, member_id)
    if member.removed_at is not None:
        raise NotFound("No such member.")
    member.name, member.email = ctx.row(_PERSON, user_id=member.user_id) or ("", "")
    return member


def of_person(ctx: Context, user_id: str) -> Member:
    """The active membership of a person, for whoever may change members."""
    ctx.require(Permission.CHANGE_MEMBERS)
    found = ctx.row(_MEMBERSHIP, user_id=user_id)
    if found is None or (member := hydrate(Member, found)).removed_at is not None:
        raise NotFound("No such member.")
    member.name, member.email = ctx.row(_PERSON, user_id=user_id) or ("", "")
    return member


def by_email(ctx: Context, email: str) -> Member:
    """The active member with this e-mail."""
    found = ctx.row(_BY_EMAIL, email=email.strip().lower())
    if found is None:
        raise NotFound(f"No member with the e-mail {email}.")
    return hydrate(Member, found)


def active(ctx: Context, user_id: str, field: str = "user_id") -> Member:
    """The active membership of a person, for an id in a body."""
    found = ctx.row(_MEMBERSHIP, user_id=user_id)
    if found is None or (member := hydrate(Member, found)).removed_at is not None:
        raise Invalid(fields={field: "no such member"})
    return member


def owner(ctx: Context) -> Member:
    """The owner of the workspace."""
    found = ctx.select(Member, Member.role == "OWNER", Member.removed_at.is_(None))
    if not found:
        raise NotFound("This workspace has no owner yet.")
    return found[0]


def name_of(ctx: Context, user_id: str | None) -> str:
    """What a person of the workspace is called; nobody is called nothing."""
    found = None if user_id is None else ctx.row(_PERSON, user_id=user_id)
    return "" if found is None else found[0]


def address_of(ctx: Context, user_id: str) -> str | None:
    """The e-mail of an active member, for a letter to them; None where the actor is nobody. No permission asked."""
    if not user_id:
        return None
    return (ctx.row(_PERSON, user_id=user_id) or ("", None))[1]


def person_of(ctx: Context, user_id: str) -> Person | None:
    """Who an active member is, for a letter to them; None where nobody is. No permission asked."""
    return None if address_of(ctx, user_id) is None else ctx.find(Person, user_id)


def checked_address(email: str) -> str:
    """An e-mail address as it is stored. Raises Invalid."""
    address = email.strip().lower()
    if address.count("@") != 1 or len(address) > 254 or address.startswith("@") or address.endswith("@"):
        raise Invalid(fields={"email": "must be an e-mail address"})
    return address


TAKEN = "has already been taken"
_table = table_of(Member)
_person = table_of(Person)
_NAME = select(_person.c.name).where(_person.c.id == _table.c.user_id).scalar_subquery()
_EMAIL = select(_person.c.email).where(_person.c.id == _table.c.user_id).scalar_subquery()

MEMBERS = Listing(
    Member,
    sorts=("created_at", "id", "role"),
    searched=(_NAME, _EMAIL),
    exact=("role",),
    choices={"role": ROLES},
    instants=("created_at",),
    ranks={"role": ROLES},
    computed={"name": _NAME, "email": _EMAIL},
    live=_table.c.removed_at.is_(None),
)

_email = bindparam("email", type_=Text())
_PERSON_BY_EMAIL = Prepared(select(func.person_by_email(_email)))
_MEMBERSHIP = Prepared(
    select(_table).where(
        _table.c.workspace_id == workspace(), _table.c.user_id == bindparam("user_id", type_=_table.c.user_id.type)
    )
)
_PERSON = Prepared(
    select(_person.c.name, _person.c.email).where(_person.c.id == bindparam("user_id", type_=_person.c.id.type))
)
_ELSEWHERE = Prepared(
    text("SELECT 1 FROM sign_in_of(:email) WHERE workspace_id <> :workspace LIMIT 1").bindparams(_email)
)
_IDENTIFY = Prepared(
    update(_person)
    .where(_person.c.id == bindparam("user_id", type_=_person.c.id.type))
    .values(
        name=bindparam("name", type_=Text()),
        email=bindparam("email", type_=Text()),
        updated_at=bindparam("now", type_=_person.c.updated_at.type),
    )
)
_END_GRANTS = Prepared(
    select(
        func.end_oauth_grants_of(
            bindparam("user_id", type_=_person.c.id.type),
            bindparam("why", type_=Text()),
            bindparam("now", type_=_person.c.updated_at.type),
        )
    )
)
_SET_PASSWORD = Prepared(
    update(_person)
    .where(_person.c.id == bindparam("user_id", type_=_person.c.id.type))
    .values(
        password_hash=bindparam("password_hash", type_=Text()),
        updated_at=bindparam("now", type_=_person.c.updated_at.type),
    )
)
_this_person = _person.c.id == bindparam("user_id", type_=_person.c.id.type)
_touched = {"updated_at": bindparam("now", type_=_person.c.updated_at.type)}
_codes = bindparam("codes", type_=_person.c.backup_codes.type)
_TURN_ON = Prepared(
    update(_person)
    .where(_this_person, _person.c.totp_secret.is_(None))
    .values(
        totp_secret=bindparam("secret", type_=_person.c.totp_secret.type),
        totp_step=bindparam("step", type_=_person.c.totp_step.type),
        backup_codes=_codes,
        **_touched,
    )
)
_RENEW_CODES = Prepared(
    update(_person).where(_this_person, _person.c.totp_secret.is_not(None)).values(backup_codes=_codes, **_touched)
)
_TURN_OFF = Prepared(
    update(_person)
    .where(_this_person, _person.c.totp_secret.is_not(None))
    .values(totp_secret=null(), totp_step=null(), backup_codes=text("'{}'"), **_touched)
)
_BY_EMAIL = Prepared(
    select(_table)
    .join(_person, _person.c.id == _table.c.user_id)
    .where(_table.c.workspace_id == workspace(), _person.c.email == _email, _table.c.removed_at.is_(None))
)

SENTENCES["uq_people_email"] = Conflict(
    "Somebody with this e-mail was added at this moment. Try again.", reason="try_again"
)
SENTENCES["uq_members_owner"] = Conflict("A workspace has exactly one owner.")
