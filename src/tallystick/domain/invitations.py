"""Invitations: somebody is asked by mail to join, and becomes a member when they accept."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, Literal, NamedTuple, get_args

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from tallystick.db.base import Blob, Id, Tenant, one_of, within_workspace
from tallystick.db.session import Prepared
from tallystick.domain import members
from tallystick.domain.access import ENTITLEMENTS, Permission, Role, plan_for_seats
from tallystick.domain.context import SENTENCES, Context
from tallystick.domain.members import Member
from tallystick.values.errors import Conflict, Invalid, NotFound, PlanForbids

LIFETIME: Final = timedelta(days=7)
Invited = Literal["ADMIN", "MANAGER", "MEMBER"]
INVITED: Final[tuple[Invited, ...]] = get_args(Invited)


class Invitation(Tenant):
    """One that waits, was accepted, or was taken back. Its secret is kept as a keyed digest."""

    __tablename__ = "invitations"
    noun: ClassVar[str] = "invitation"

    email: Mapped[str]
    name: Mapped[str | None]
    role: Mapped[str]
    digest: Mapped[Blob]
    created_by: Mapped[Id | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    """Accepted, taken back, or replaced by a newer one."""

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("created_by", "members.user_id"),
            one_of("role", INVITED),
            UniqueConstraint("digest"),
            CheckConstraint("email = lower(email)", name="email_is_lower"),
            CheckConstraint("accepted_at IS NULL OR ended_at IS NOT NULL", name="accepted_is_over"),
            Index("uq_invitations_live", "workspace_id", "email", unique=True, postgresql_where="ended_at IS NULL"),
        )


class Seats(NamedTuple):
    taken: int
    most: int | None


def invite(ctx: Context, *, email: str, role: Invited, digest: bytes, name: str | None = None) -> Invitation:
    """Keep an invitation; the caller, who made its secret, mails it. One that waits for the address is replaced.

    Whether somebody is known by the address elsewhere is not told: they learn of it, and nobody of them.
    """
    ctx.require(Permission.CHANGE_MEMBERS)
    address = members.checked_address(email)
    if name is not None and not name.isprintable():
        raise Invalid(fields={"name": "must not hold control characters"})
    if ctx.row(_IS_MEMBER, email=address) is not None:
        raise Conflict(f"{address} is a member already.", reason="member")
    ctx.row(_LOCK, key=ctx.actor.workspace_id)
    ctx.write(_REPLACE, email=address, now=ctx.now)
    _check_seats(ctx)
    invitation = ctx.add(
        Invitation(
            email=address, name=(name or "").strip() or None, role=role, digest=digest, expires_at=ctx.now + LIFETIME
        )
    )
    ctx.record_facts("made", invitation, email=address, role=role)
    return invitation


def waiting(ctx: Context) -> list[Invitation]:
    """Those that can still be accepted, newest first."""
    ctx.require(Permission.CHANGE_MEMBERS)
    found = ctx.select(Invitation, Invitation.ended_at.is_(None))
    live = [one for one in found if one.expires_at > ctx.now]
    return sorted(live, key=lambda one: (one.created_at, one.id), reverse=True)


def take_back(ctx: Context, invitation_id: str) -> None:
    """End an invitation: its link is not valid any more."""
    ctx.require(Permission.CHANGE_MEMBERS)
    invitation = ctx.find(Invitation, invitation_id, lock="update")
    if invitation.ended_at is not None:
        raise NotFound(f"No such {Invitation.noun}.")
    ctx.change(invitation, ended_at=ctx.now)
    ctx.record_facts("ended", invitation, email=invitation.email)


def accept(ctx: Context, invitation_id: str, *, name: str, password_hash: str | None) -> Member:
    """Make the person who was invited a member. The context is the workspace's own; the caller has seen the secret."""
    invitation = ctx.find(Invitation, invitation_id, lock="update")
    if invitation.ended_at is not None or invitation.expires_at <= ctx.now:
        raise NotFound("This invitation is not valid any more. Ask for a new one.")
    role: Role = invitation.role  # type: ignore[assignment]  # the CHECK says so
    member = members.add(ctx, email=invitation.email, name=name, role=role, password_hash=password_hash)
    ctx.change(invitation, accepted_at=ctx.now, ended_at=ctx.now)
    ctx.record_facts("accepted", invitation, email=invitation.email, user_id=member.user_id)
    return member


def seats(ctx: Context) -> Seats:
    """How many seats are taken, invitations that wait included, and how many the plan has."""
    (taken,) = ctx.row(_TAKEN, now=ctx.now) or (0,)
    return Seats(taken, ENTITLEMENTS[ctx.actor.plan].seats)


def _check_seats(ctx: Context) -> None:
    taken, most = seats(ctx)
    if most is not None and taken >= most:
        raise PlanForbids(
            f"Your plan has {most} seats, and all are taken.", required_plan=plan_for_seats(taken + 1), feature="seats"
        )


_IS_MEMBER = Prepared("""
    SELECT 1 FROM members JOIN people ON people.id = members.user_id
    WHERE members.workspace_id = %(workspace)s::uuid AND members.removed_at IS NULL AND people.email = %(email)s::text
""")
_LOCK = Prepared("SELECT 1 FROM workspaces WHERE id = %(key)s::uuid FOR NO KEY UPDATE")
_REPLACE = Prepared("""
    UPDATE invitations SET ended_at = %(now)s::timestamptz
    WHERE workspace_id = %(workspace)s::uuid AND email = %(email)s::text AND ended_at IS NULL
""")
_TAKEN = Prepared("""
    SELECT (SELECT count(*) FROM members WHERE workspace_id = %(workspace)s::uuid AND removed_at IS NULL)
         + (SELECT count(*) FROM invitations WHERE workspace_id = %(workspace)s::uuid AND ended_at IS NULL
              AND expires_at > %(now)s::timestamptz)
""")
SENTENCES["uq_invitations_live"] = Conflict("Somebody was invited at this moment. Try again.", reason="try_again")
