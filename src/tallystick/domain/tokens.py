"""Personal access tokens: a credential that acts as the member who made it, never wider."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from sqlalchemy import Index, UniqueConstraint, bindparam, update
from sqlalchemy.orm import Mapped

from tallystick.db.base import Blob, Id, Tenant, table_of, within_workspace
from tallystick.db.session import Prepared
from tallystick.domain.access import SCOPES, Permission, Scope
from tallystick.domain.context import Context, workspace
from tallystick.values.errors import Conflict, Invalid, NotFound

LIFETIME: Final = timedelta(days=365)
LIVE_PER_PERSON: Final = 50


class Token(Tenant):
    """A token as we know it: its public prefix, and a keyed digest of the whole. The token itself is shown once."""

    __tablename__ = "tokens"
    noun: ClassVar[str] = "token"

    user_id: Mapped[Id]
    name: Mapped[str]
    prefix: Mapped[str]
    digest: Mapped[Blob]
    scopes: Mapped[list[str]]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    """Kept in batches, about once a minute."""
    created_at: Mapped[datetime]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("user_id", "members.user_id"),
            UniqueConstraint("prefix"),
            Index("ix_tokens_of_member", "workspace_id", "user_id"),
        )


def issue(
    ctx: Context,
    *,
    user_id: str,
    name: str,
    prefix: str,
    digest: bytes,
    scopes: tuple[Scope, ...] = SCOPES,
    expires_at: datetime | None,
) -> Token:
    """Keep a freshly minted token. Who mints and who may is decided by the caller, who holds the secret."""
    if not scopes or set(scopes) - set(SCOPES):
        raise Invalid(fields={"scopes": f"one or more of {', '.join(SCOPES)}"})
    live = [token for token in of_member(ctx, user_id) if is_live(token, ctx.now)]
    if len(live) >= LIVE_PER_PERSON:
        raise Conflict(f"A person has at most {LIVE_PER_PERSON} live tokens. Revoke one that is no longer used.")
    token = ctx.add(
        Token(user_id=user_id, name=name, prefix=prefix, digest=digest, scopes=list(scopes), expires_at=expires_at),
    )
    ctx.record_facts("issued", token, name=name, prefix=prefix, scopes=list(scopes))
    return token


def revoke(ctx: Context, token: Token) -> None:
    """End a token; the very next request with it is refused."""
    if token.revoked_at is None:
        ctx.change(token, revoked_at=ctx.now)
        ctx.record_facts("revoked", token, prefix=token.prefix)


def seen(ctx: Context) -> list[Token]:
    """The tokens that the actor may see, newest first: their own, and everybody's for whoever changes members."""
    ctx.require(Permission.READ_SELF)
    return all_of(ctx) if ctx.actor.may(Permission.CHANGE_MEMBERS) else of_member(ctx, ctx.actor.user_id)


def revoke_seen(ctx: Context, token_id: str) -> Token:
    """Revoke one of the tokens that the actor may see."""
    token = next((one for one in seen(ctx) if one.id == token_id), None)
    if token is None:
        raise NotFound("No such token.")
    revoke(ctx, token)
    return token


def revoke_all(ctx: Context, user_id: str) -> int:
    """End all tokens of a person in this workspace."""
    return ctx.write(_REVOKE_ALL, user_id=user_id, now=ctx.now)


def of_member(ctx: Context, user_id: str) -> list[Token]:
    """A person's tokens, live and ended, newest first."""
    found = ctx.select(Token, Token.user_id == bindparam("user_id"), user_id=user_id)
    return sorted(found, key=lambda token: token.created_at, reverse=True)


def all_of(ctx: Context) -> list[Token]:
    """Every token of the workspace, newest first."""
    return sorted(ctx.select(Token), key=lambda token: token.created_at, reverse=True)


def is_live(token: Token, now: datetime) -> bool:
    """Neither revoked nor expired."""
    return token.revoked_at is None and (token.expires_at is None or token.expires_at > now)


_table = table_of(Token)
_REVOKE_ALL = Prepared(
    update(_table)
    .where(
        _table.c.workspace_id == workspace(),
        _table.c.user_id == bindparam("user_id", type_=_table.c.user_id.type),
        _table.c.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("now", type_=_table.c.revoked_at.type))
)
