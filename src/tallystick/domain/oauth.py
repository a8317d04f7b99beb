"""OAuth apps and what people granted them: a grant is a family of tokens that lives and dies together."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, Literal, get_args
from urllib.parse import urlsplit

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint, bindparam, null, select, update
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Blob, Id, Tenant, one_of, table_of, within_workspace
from tallystick.db.session import Prepared
from tallystick.domain.access import Permission
from tallystick.domain.context import Context, hydrate, workspace
from tallystick.values.errors import Invalid, NotFound

GRANT: Final = "hsg_"
"""How the name of a grant begins, where it stands for a credential."""
CODE_LIFETIME: Final = timedelta(seconds=60)
ACCESS_LIFETIME: Final = timedelta(minutes=15)
REFRESH_IDLE: Final = timedelta(days=30)
GRANT_LIFETIME: Final = timedelta(days=180)
LOST_ANSWER: Final = timedelta(seconds=10)
"""A refresh repeated so soon, its successor unused, is a lost answer and not a theft: it is answered again."""

OAuthScope = Literal[
    "transactions:read",
    "transactions:write",
    "entries:read",
    "entries:write",
    "invoices:read",
    "invoices:write",
    "banking:read",
    "banking:write",
    "documents:read",
    "documents:write",
    "team:read",
    "team:admin",
    "analytics:read",
]
OAUTH_SCOPES: Final[tuple[OAuthScope, ...]] = get_args(OAuthScope)
"""What an app may ask for (contract expensicat 1.2)."""

_HOST: Final = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", re.ASCII)
"""What may stand in a policy of a page, too."""

Ending = Literal["revoked", "replayed", "password_changed", "removed", "app_revoked"]
ENDINGS: Final[tuple[Ending, ...]] = get_args(Ending)


class OAuthApp(Tenant):
    """A program that may ask the people of this workspace for access. Its id is its `client_id`."""

    __tablename__ = "oauth_apps"
    noun: ClassVar[str] = "oauth app"

    name: Mapped[str]
    redirect_uris: Mapped[list[str]]
    """Compared byte for byte; a loopback literal may come with any port."""
    secret_digest: Mapped[Blob | None]
    """Null: a public client, which cannot keep a secret."""
    verified: Mapped[bool] = mapped_column(default=True)
    """False for one that registered itself: the consent page says so."""
    created_by: Mapped[Id | None]
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            CheckConstraint("cardinality(redirect_uris) BETWEEN 1 AND 20", name="redirect_uris"),
        )


class OAuthGrant(Tenant):
    """What one person allowed one app: the family of all tokens that come of it."""

    __tablename__ = "oauth_grants"
    noun: ClassVar[str] = "oauth grant"

    app_id: Mapped[Id]
    user_id: Mapped[Id]
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ending: Mapped[str | None]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("app_id", "oauth_apps.id"),
            within_workspace("user_id", "members.user_id"),
            one_of("ending", ENDINGS),
            CheckConstraint("(ended_at IS NULL) = (ending IS NULL)", name="ended_for_a_reason"),
            Index("ix_oauth_grants_of_member", "workspace_id", "user_id"),
            Index("ix_oauth_grants_of_app", "workspace_id", "app_id"),
        )


class OAuthCode(Tenant):
    """An authorization code: good once, for a minute, for the redirect and the challenge it was asked with."""

    __tablename__ = "oauth_codes"
    noun: ClassVar[str] = "oauth code"

    grant_id: Mapped[Id]
    digest: Mapped[Blob]
    redirect_uri: Mapped[str]
    challenge: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("grant_id", "oauth_grants.id"),
            UniqueConstraint("digest"),
        )


class OAuthToken(Tenant):
    """An access or refresh token, as a keyed digest.

    A refresh token is spent once; its successor lies sealed beside it for the seconds in which the answer may be lost.
    """

    __tablename__ = "oauth_tokens"
    noun: ClassVar[str] = "oauth token"

    grant_id: Mapped[Id]
    kind: Mapped[str]
    digest: Mapped[Blob]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    spent_at: Mapped[datetime | None]
    successor_id: Mapped[Id | None]
    sealed_successor: Mapped[Blob | None]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("grant_id", "oauth_grants.id"),
            one_of("kind", ("access", "refresh")),
            CheckConstraint("kind = 'refresh' OR spent_at IS NULL", name="only_refresh_is_spent"),
            UniqueConstraint("digest"),
            Index("ix_oauth_tokens_of_grant", "workspace_id", "grant_id"),
        )


# --- apps, for owners and admins


def create_app(
    ctx: Context, *, name: str, redirect_uris: list[str], secret_digest: bytes | None = None, verified: bool = True
) -> OAuthApp:
    """Register an app. Whoever holds its secret is decided by the caller, who made it."""
    ctx.require(Permission.CHANGE_WORKSPACE)
    if not name.strip() or len(name) > 100:
        raise Invalid(fields={"name": "1 to 100 characters"})
    if not 1 <= len(redirect_uris) <= 20:
        raise Invalid(fields={"redirect_uris": "1 to 20 addresses"})
    for uri in redirect_uris:
        check_redirect(uri)
    app = ctx.add(
        OAuthApp(
            name=name.strip(),
            redirect_uris=list(redirect_uris),
            secret_digest=secret_digest,
            verified=verified,
            created_by=ctx.actor.user_id or None,
        )
    )
    ctx.record_facts("created", app, name=app.name, redirect_uris=app.redirect_uris)
    return app


def apps(ctx: Context) -> list[OAuthApp]:
    """The live apps of the workspace, newest first."""
    ctx.require(Permission.CHANGE_WORKSPACE)
    return sorted(ctx.select(OAuthApp, _apps.c.revoked_at.is_(None)), key=lambda app: app.created_at, reverse=True)


def revoke_app(ctx: Context, app_id: str) -> OAuthApp:
    """End an app, and with it everything that was granted to it."""
    ctx.require(Permission.CHANGE_WORKSPACE)
    app = ctx.find(OAuthApp, app_id, lock="update")
    if app.revoked_at is not None:
        raise NotFound(f"No such {OAuthApp.noun}.")
    ctx.change(app, revoked_at=ctx.now)
    ctx.write(_END_OF_APP, app_id=app.id, now=ctx.now, ending="app_revoked")
    ctx.record_facts("revoked", app, name=app.name)
    return app


def check_redirect(uri: str, field: str = "redirect_uris") -> None:
    """https, or http to a loopback literal; absolute, without fragment and credentials; printable ASCII."""
    wrong = Invalid(
        fields={field: "must be an https address, or http on 127.0.0.1 or [::1], without fragment and credentials"}
    )
    if not (uri.isascii() and uri.isprintable() and " " not in uri and "\\" not in uri and len(uri) <= 2000):
        raise wrong
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        raise wrong from None
    loopback = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1")
    plain = loopback or _HOST.fullmatch(parts.hostname or "") is not None
    if not (loopback or parts.scheme == "https") or not plain or "#" in uri or "@" in parts.netloc:
        raise wrong


# --- grants


def grant(ctx: Context, app: OAuthApp, scopes: list[str]) -> OAuthGrant:
    """The actor allows an app these scopes. They never reach wider than the actor's role."""
    granted = ctx.add(
        OAuthGrant(app_id=app.id, user_id=ctx.actor.user_id, scopes=sorted(scopes), expires_at=ctx.now + GRANT_LIFETIME)
    )
    ctx.record_facts("created", granted, app=app.name, scopes=granted.scopes)
    return granted


def end(ctx: Context, granted: OAuthGrant, ending: Ending) -> None:
    """End a grant: every token of the family is refused from now on."""
    if granted.ended_at is None:
        ctx.change(granted, ended_at=ctx.now, ending=ending)
        ctx.record_facts("ended", granted, ending=ending)


def grants_of(ctx: Context, user_id: str) -> list[tuple[OAuthGrant, str]]:
    """A person's live grants with the names of the apps, newest first."""
    rows = ctx.rows(_LIVE_OF_MEMBER, user_id=user_id, now=ctx.now)
    return [(hydrate(OAuthGrant, row[:-1]), row[-1]) for row in rows]


def revoke_grant(ctx: Context, grant_id: str) -> None:
    """A person takes back what they granted; owners and admins take back anybody's."""
    granted = ctx.find(OAuthGrant, grant_id, lock="update")
    theirs = granted.user_id == ctx.actor.user_id or ctx.actor.may(Permission.CHANGE_MEMBERS)
    if not theirs or granted.ended_at is not None:
        raise NotFound(f"No such {OAuthGrant.noun}.")
    end(ctx, granted, "revoked")


def end_all_of(ctx: Context, user_id: str, ending: Ending) -> int:
    """End all grants of a person in this workspace."""
    return ctx.write(_END_OF_MEMBER, user_id=user_id, now=ctx.now, ending=ending)


# --- codes and tokens


def add_code(ctx: Context, granted: OAuthGrant, *, digest: bytes, redirect_uri: str, challenge: str) -> OAuthCode:
    """Keep a fresh code, by its digest."""
    return ctx.add(
        OAuthCode(
            grant_id=granted.id,
            digest=digest,
            redirect_uri=redirect_uri,
            challenge=challenge,
            expires_at=ctx.now + CODE_LIFETIME,
        )
    )


def code_of(ctx: Context, digest: bytes) -> OAuthCode | None:
    """The code with this digest, locked: two uses at once queue up."""
    found = ctx.row(_CODE, digest=digest)
    return None if found is None else hydrate(OAuthCode, found)


def token_of(ctx: Context, digest: bytes) -> OAuthToken | None:
    """The token with this digest, locked."""
    found = ctx.row(_TOKEN, digest=digest)
    return None if found is None else hydrate(OAuthToken, found)


def add_token(ctx: Context, granted: OAuthGrant, kind: Literal["access", "refresh"], digest: bytes) -> OAuthToken:
    """Keep a fresh token of a grant, by its digest; none outlives its grant."""
    lifetime = ACCESS_LIFETIME if kind == "access" else REFRESH_IDLE
    return ctx.add(
        OAuthToken(
            grant_id=granted.id,
            kind=kind,
            digest=digest,
            expires_at=min(ctx.now + lifetime, granted.expires_at),
        )
    )


def use_code(ctx: Context, code: OAuthCode) -> None:
    """A code is exchanged, once."""
    ctx.change(code, used_at=ctx.now)


def spend(ctx: Context, refresh: OAuthToken, successor: OAuthToken, sealed: bytes) -> None:
    """A refresh token is used: its successor is kept sealed, as its answer may get lost; the copy before it goes."""
    ctx.write(_FORGET_SUCCESSORS, grant_id=refresh.grant_id)
    ctx.change(refresh, spent_at=ctx.now, successor_id=successor.id, sealed_successor=sealed)


_table = table_of(OAuthGrant)
_apps = table_of(OAuthApp)
_codes = table_of(OAuthCode)
_tokens = table_of(OAuthToken)
_user_id = bindparam("user_id", type_=UUID(as_uuid=False))
_now = bindparam("now", type_=TIMESTAMP(timezone=True))
_digest = bindparam("digest", type_=LargeBinary())
_live = (_table.c.workspace_id == workspace()) & _table.c.ended_at.is_(None)
_ended = {"ended_at": _now, "ending": bindparam("ending", type_=_table.c.ending.type)}

_LIVE_OF_MEMBER = Prepared(
    select(_table, _apps.c.name)
    .join(_apps, _apps.c.id == _table.c.app_id)
    .where(_live, _table.c.user_id == _user_id, _table.c.expires_at > _now)
    .order_by(_table.c.created_at.desc(), _table.c.id.desc())
)
_END_OF_MEMBER = Prepared(update(_table).where(_live, _table.c.user_id == _user_id).values(_ended))
_END_OF_APP = Prepared(
    update(_table).where(_live, _table.c.app_id == bindparam("app_id", type_=UUID(as_uuid=False))).values(_ended)
)
_CODE = Prepared(
    select(_codes).where(_codes.c.workspace_id == workspace(), _codes.c.digest == _digest).with_for_update()
)
_TOKEN = Prepared(
    select(_tokens).where(_tokens.c.workspace_id == workspace(), _tokens.c.digest == _digest).with_for_update()
)
_FORGET_SUCCESSORS = Prepared(
    update(_tokens)
    .where(
        _tokens.c.workspace_id == workspace(),
        _tokens.c.grant_id == bindparam("grant_id", type_=UUID(as_uuid=False)),
        _tokens.c.sealed_successor.is_not(None),
    )
    .values(sealed_successor=null())
)
