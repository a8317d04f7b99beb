"""Passkeys: keys of a person's devices, each of which is a whole sign-in in every workspace of theirs."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Final

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, bindparam, delete
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Blob, Id, Row, table_of
from tallystick.db.session import Prepared
from tallystick.domain import members
from tallystick.domain.access import Permission
from tallystick.domain.context import SENTENCES, Context, actor
from tallystick.values.errors import Conflict, Invalid, NotFound

MOST: Final = 20
"""How many a person has at once."""
LONGEST_NAME: Final = 80


class Passkey(Row):
    """One key: the device has the private half."""

    __tablename__ = "passkeys"
    __table_args__ = (
        ForeignKeyConstraint(["user_id"], ["people.id"]),
        UniqueConstraint("credential_id"),
        CheckConstraint("sign_count >= 0", name="sign_count"),
        CheckConstraint(f"char_length(name) BETWEEN 1 AND {LONGEST_NAME}", name="name"),
        Index("ix_passkeys_user_id", "user_id"),
    )
    noun: ClassVar[str] = "passkey"

    id: Mapped[Id] = mapped_column(primary_key=True)
    user_id: Mapped[Id]
    name: Mapped[str]
    """What its owner calls it."""
    credential_id: Mapped[Blob]
    public_key: Mapped[Blob]
    """As COSE writes it."""
    sign_count: Mapped[int]
    """What the device counted at its last sign-in; one that counts must have gone on. 0: it does not count."""
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]


def of_self(ctx: Context) -> list[Passkey]:
    """The actor's own, the oldest first."""
    ctx.require(Permission.READ_SELF)
    mine = ctx.select(Passkey, Passkey.user_id == bindparam("user_id"), user_id=ctx.actor.user_id)
    return sorted(mine, key=lambda one: (one.created_at, one.id))


def add(ctx: Context, *, name: str, credential_id: bytes, public_key: bytes, sign_count: int) -> Passkey:
    """Keep a key of the actor's. That it is theirs was seen by the caller."""
    ctx.require(Permission.READ_SELF)
    name = _named(name)
    if len(of_self(ctx)) >= MOST:
        raise Conflict("You have as many passkeys as one may have. Remove one first.")
    key = ctx.add(
        Passkey(
            user_id=ctx.actor.user_id,
            name=name,
            credential_id=credential_id,
            public_key=public_key,
            sign_count=sign_count,
        )
    )
    ctx.record_facts("passkey_added", members.of_self(ctx), name=name)
    return key


def rename(ctx: Context, passkey_id: str, name: str) -> Passkey:
    """Call one of the actor's own something else."""
    key = _own(ctx, passkey_id)
    if ctx.change(key, name=_named(name)):
        ctx.record_facts("passkey_renamed", members.of_self(ctx), name=key.name)
    return key


def remove(ctx: Context, passkey_id: str) -> Passkey:
    """Forget one of the actor's own: nobody signs in with it any more."""
    key = _own(ctx, passkey_id)
    ctx.write(_REMOVE, id=key.id)
    ctx.record_facts("passkey_removed", members.of_self(ctx), name=key.name)
    return key


def _own(ctx: Context, passkey_id: str) -> Passkey:
    key = next((one for one in of_self(ctx) if one.id == passkey_id), None)
    if key is None:
        raise NotFound("No such passkey.")
    return key


def _named(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise Invalid("Give the passkey a name of at most 80 characters.", fields={"name": "1 to 80 characters"})
    return name


_table = table_of(Passkey)
_REMOVE = Prepared(
    delete(_table).where(_table.c.id == bindparam("id", type_=_table.c.id.type), _table.c.user_id == actor())
)
SENTENCES["uq_passkeys_credential_id"] = Conflict("This passkey is known already.")
