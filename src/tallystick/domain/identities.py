"""Identities: who a person is to a sign-in provider, by the name that it gives them and never changes."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import ForeignKeyConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Id, Row
from tallystick.domain import members
from tallystick.domain.access import Permission
from tallystick.domain.context import SENTENCES, Context
from tallystick.domain.members import Member
from tallystick.values.errors import Conflict


class Identity(Row):
    """One person at one provider."""

    __tablename__ = "identities"
    __table_args__ = (
        ForeignKeyConstraint(["user_id"], ["people.id"]),
        UniqueConstraint("issuer", "subject"),
        UniqueConstraint("user_id", "issuer"),
    )
    noun: ClassVar[str] = "identity"

    id: Mapped[Id] = mapped_column(primary_key=True)
    user_id: Mapped[Id]
    issuer: Mapped[str]
    subject: Mapped[str]
    """The provider's name for them. An e-mail may change hands, this does not."""
    created_at: Mapped[datetime]


def link(ctx: Context, member: Member, *, issuer: str, subject: str) -> Identity:
    """Remember whom the provider means. That it vouches for their e-mail was seen by the caller."""
    ctx.require(Permission.CHANGE_MEMBERS)
    identity = ctx.add(Identity(user_id=member.user_id, issuer=issuer, subject=subject))
    ctx.record_facts("identity_linked", member, issuer=issuer)
    return identity


def follow(ctx: Context, member: Member, role: members.Role) -> None:
    """Give a member the role that their groups stand for. The owner stays the owner."""
    if member.role not in (role, "OWNER"):
        members.set_role(ctx, member, role)


SENTENCES["uq_identities_user_id_issuer"] = Conflict(
    "Somebody else signs in here with this e-mail by the same provider. Ask whoever runs this server."
)
SENTENCES["uq_identities_issuer_subject"] = Conflict("You came in twice at this moment. Try again.")
