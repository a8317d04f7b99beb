"""API keys: a credential of the workspace itself, which acts as its owner."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Final

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped

from tallystick.db.base import Blob, Id, Tenant, within_workspace
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.values.errors import Conflict, Invalid

LIVE: Final = 50
LONGEST_NAME: Final = 100
KEY: Final = "hgk_"
"""How the credential of an actor begins that came with a key; its public prefix follows."""


class ApiKey(Tenant):
    """A key as we know it: its public prefix, and a keyed digest of the whole. The key itself is shown once."""

    __tablename__ = "api_keys"
    noun: ClassVar[str] = "api key"

    name: Mapped[str]
    prefix: Mapped[str]
    digest: Mapped[Blob]
    created_by: Mapped[Id | None]
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    """Kept in batches, about once a minute."""
    revoked_at: Mapped[datetime | None]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("created_by", "members.user_id"),
            UniqueConstraint("prefix"),
        )


def issue(ctx: Context, *, name: str, prefix: str, digest: bytes) -> ApiKey:
    """Keep a freshly minted key. It is the owner's to give away: whoever holds it may do what the owner may."""
    ctx.require(Permission.KEEP_API_KEYS)
    name = name.strip()
    if not 1 <= len(name) <= LONGEST_NAME:
        raise Invalid(fields={"name": f"1 to {LONGEST_NAME} characters"})
    if sum(key.revoked_at is None for key in ctx.select(ApiKey)) >= LIVE:
        raise Conflict(f"A workspace has at most {LIVE} live API keys. Revoke one that is no longer used.")
    key = ctx.add(ApiKey(name=name, prefix=prefix, digest=digest))
    ctx.record_facts("issued", key, name=name, prefix=prefix)
    return key


def revoke(ctx: Context, key: ApiKey) -> None:
    """End a key; the very next request with it is refused."""
    ctx.require(Permission.KEEP_API_KEYS)
    if key.revoked_at is None:
        ctx.change(key, revoked_at=ctx.now)
        ctx.record_facts("revoked", key, prefix=key.prefix)


def all_of(ctx: Context) -> list[ApiKey]:
    """Every key of the workspace, live and ended, newest first."""
    ctx.require(Permission.KEEP_API_KEYS)
    return sorted(ctx.select(ApiKey), key=lambda key: key.created_at, reverse=True)
