"""Sign-ins: sessions and why they ended, failures counted until they are forgotten, and links to set a password."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, Literal, NamedTuple, get_args

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint, bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID, insert
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Blob, Id, Row, Tenant, one_of, table_of, within_workspace
from tallystick.db.session import Connection, Prepared, run
from tallystick.domain.access import Permission
from tallystick.domain.context import Context, workspace
from tallystick.values.errors import NotFound, TooMany

SESSION: Final = "hss_"
"""How the name of a session begins, where it stands for a credential."""
IDLE: Final = timedelta(hours=12)
"""A session that is not remembered ends when nothing is asked for so long; `open_by_session` knows it too."""
LIFETIME: Final = timedelta(days=14)
REMEMBERED: Final = timedelta(days=30)
LINK_LIFETIME: Final = timedelta(hours=24)

Ending = Literal["signed_out", "replaced", "revoked", "password_changed", "removed"]
ENDINGS: Final[tuple[Ending, ...]] = get_args(Ending)


class Session(Tenant):
    """A person signed in to a workspace from one browser or program. Ended ones are kept, to be told of."""

    __tablename__ = "sessions"
    noun: ClassVar[str] = "session"

    user_id: Mapped[Id]
    digest: Mapped[Blob]
    """A keyed digest of the cookie's secret."""
    remember: Mapped[bool] = mapped_column(default=False)
    user_agent: Mapped[str]
    address: Mapped[str]
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    """Kept to the minute or so (server.upkeep)."""
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ending: Mapped[str | None]
    """Why it ended."""

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("user_id", "members.user_id"),
            one_of("ending", ENDINGS),
            CheckConstraint("(ended_at IS NULL) = (ending IS NULL)", name="ended_for_a_reason"),
            UniqueConstraint("digest"),
            Index("ix_sessions_of_member", "workspace_id", "user_id"),
            Index("ix_sessions_live", "user_id", postgresql_where="ended_at IS NULL"),
        )


class PasswordLink(Tenant):
    """A link with which somebody sets their password, once. It was made in one of their workspaces."""

    __tablename__ = "password_links"
    noun: ClassVar[str] = "password link"

    user_id: Mapped[Id]
    digest: Mapped[Blob]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    """Used, replaced by a newer one, or overtaken by a changed password."""

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("user_id", "members.user_id"),
            UniqueConstraint("digest"),
            Index("ix_password_links_live", "user_id", postgresql_where="ended_at IS NULL"),
        )


class SignInCount(Row):
    """Failed sign-ins of one account, address or browser. Whose is not told: the key is a keyed digest."""

    __tablename__ = "sign_in_counts"
    __table_args__ = (
        CheckConstraint("failures >= 0", name="failures"),
        Index("ix_sign_in_counts_forget", "forget_at"),
    )
    noun: ClassVar[str] = "sign-in count"

    key: Mapped[Blob] = mapped_column(primary_key=True)
    failures: Mapped[int]
    since: Mapped[datetime]
    blocked_until: Mapped[datetime | None]
    forget_at: Mapped[datetime]


# --- sessions


def begin(
    ctx: Context,
    *,
    session_id: str,
    digest: bytes,
    remember: bool = False,
    user_agent: str = "",
    address: str = "",
    lifetime: timedelta | None = None,
) -> Session:
    """Sign the actor in. Whether they are who they say was decided by the caller, who holds the secret."""
    ctx.even_closed()
    session = ctx.add(
        Session(
            id=session_id,
            user_id=ctx.actor.user_id,
            digest=digest,
            remember=remember,
            user_agent=user_agent[:300],
            address=address,
            last_seen_at=ctx.now,
            expires_at=ctx.now + (lifetime or (REMEMBERED if remember else LIFETIME)),
        )
    )
    ctx.record_facts("began", session, user_id=session.user_id, address=address)
    return session


def end(ctx: Context, session: Session, why: Ending) -> None:
    """End a session; the very next request with it is refused."""
    if session.ended_at is None:
        ctx.even_closed()
        ctx.change(session, ended_at=ctx.now, ending=why)
        ctx.record_facts("ended", session, user_id=session.user_id, why=why)


def end_all(ctx: Context, user_id: str, why: Ending, *, but: str | None = None) -> int:
    """End a person's sessions in this workspace, all or all but one. Their links to set a password end too."""
    ctx.write(_END_LINKS, user_id=user_id, now=ctx.now)
    return ctx.write(_END_ALL, user_id=user_id, but=but, why=why, now=ctx.now)


def end_everywhere(ctx: Context, user_id: str, why: Ending, *, but: str | None = None) -> int:
    """`end_all` in every workspace of the person: what a changed password asks for."""
    (ended,) = ctx.row(_END_EVERYWHERE, person=user_id, but=but, why=why, at=ctx.now) or (0,)
    return ended


def of_member(ctx: Context, user_id: str) -> list[Session]:
    """A person's live sessions in this workspace, the latest seen first."""
    found = ctx.select(Session, Session.user_id == bindparam("user_id"), user_id=user_id)
    live = [session for session in found if is_live(session, ctx.now)]
    return sorted(live, key=lambda session: session.last_seen_at, reverse=True)


def end_own(ctx: Context, session_id: str) -> None:
    """End one of the actor's own sessions."""
    session = next((one for one in of_member(ctx, ctx.actor.user_id) if one.id == session_id), None)
    if session is None:
        raise NotFound("No such session.")
    end(ctx, session, "revoked")


def is_live(session: Session, now: datetime) -> bool:
    """Neither ended, expired nor idle for too long."""
    rested = not session.remember and session.last_seen_at + IDLE <= now
    return session.ended_at is None and session.expires_at > now and not rested


# --- looking at pages as a member does


def look_as_member(ctx: Context, session_id: str) -> None:
    """Tell that somebody begins to look at pages as a member does; the edge has their pages so from now on."""
    ctx.require(Permission.LOOK_AS_MEMBER)
    ctx.record_facts("looks_as_member", ctx.find(Session, session_id), user_id=ctx.actor.user_id)


def look_as_themselves(ctx: Context, session_id: str) -> None:
    """Tell that they look with their own eyes again. The context is their own."""
    ctx.require(Permission.LOOK_AS_MEMBER)
    ctx.record_facts("looks_as_themselves", ctx.find(Session, session_id), user_id=ctx.actor.user_id)


# --- links to set a password


def offer_link(ctx: Context, user_id: str, *, link_id: str, digest: bytes) -> PasswordLink:
    """Keep a fresh link for a person; those made before, in any workspace, no longer work."""
    ctx.row(_END_LINKS_EVERYWHERE, person=user_id, at=ctx.now)
    link = ctx.add(PasswordLink(id=link_id, user_id=user_id, digest=digest, expires_at=ctx.now + LINK_LIFETIME))
    ctx.record_facts("made", link, user_id=user_id)
    return link


# --- failures


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many failures within the window, then a wait that doubles with each further one, and always ends."""

    failures: int
    window: timedelta
    first_wait: timedelta
    longest_wait: timedelta
    remembered: timedelta
    """How long after a wait the next failure is still a further one."""


_QUARTER: Final = timedelta(minutes=15)
ACCOUNT: Final = Allowance(10, _QUARTER, timedelta(minutes=1), _QUARTER, remembered=_QUARTER)
ADDRESS: Final = Allowance(30, _QUARTER, _QUARTER, _QUARTER, remembered=timedelta(0))


class Count(NamedTuple):
    """Failures of one key as they stand."""

    failures: int
    since: datetime
    blocked_until: datetime | None = None

    def wait(self, now: datetime) -> timedelta:
        """How long until the next attempt is heard."""
        return max(self.blocked_until - now, timedelta(0)) if self.blocked_until else timedelta(0)

    def with_failure(self, now: datetime, allowance: Allowance) -> Count:
        """The count after one more failure that was not made to wait."""
        start = Count(0, now) if self.forget_at(allowance) <= now else self
        failures = start.failures + 1
        further = failures - allowance.failures
        if further < 0:
            return Count(failures, start.since)
        wait = min(allowance.first_wait * 2 ** min(further, 16), allowance.longest_wait)
        return Count(failures, start.since, now + wait)

    def without_failure(self, allowance: Allowance) -> Count:
        """The count when what was taken for a failure was none."""
        failures = max(0, self.failures - 1)
        return Count(failures, self.since, self.blocked_until if failures >= allowance.failures else None)

    def forget_at(self, allowance: Allowance) -> datetime:
        """When the failures no longer count."""
        if self.blocked_until is None:
            return self.since + allowance.window
        return self.blocked_until + allowance.remembered


def charge(connection: Connection, keys: Mapping[bytes, Allowance], now: datetime) -> None:
    """Count an attempt as failed before it is looked at, or raise TooMany: so that a crowd at one moment counts too.

    Committed before the password is checked; `forgive` takes it back.
    """
    counts = {key: _locked(connection, key, now) for key in sorted(keys)}
    wait = max(count.wait(now) for count in counts.values())
    if wait:
        raise TooMany(
            "Too many sign-ins failed. Wait before the next try.",
            retry_after=-(-wait // timedelta(seconds=1)),
        )
    for key, count in counts.items():
        _keep(connection, key, count.with_failure(now, keys[key]), keys[key])
    run(connection, _FORGET, {"now": now})


def forgive(
    connection: Connection, keys: Mapping[bytes, Allowance], now: datetime, *, entirely: frozenset[bytes]
) -> None:
    """Take back the failure that `charge` counted; of some keys, all failures."""
    for key in sorted(keys):
        count = _locked(connection, key, now)
        _keep(connection, key, Count(0, now) if key in entirely else count.without_failure(keys[key]), keys[key])


def spend(connection: Connection, key: bytes, now: datetime, until: datetime) -> bool:
    """Note that something was used that is good once; answers whether that was the first time."""
    values = {"key": key, "failures": 0, "since": now, "blocked_until": None, "forget_at": until}
    return run(connection, _SPEND, values).rowcount == 1


def _locked(connection: Connection, key: bytes, now: datetime) -> Count:
    values = {"key": key, "failures": 0, "since": now, "blocked_until": None, "forget_at": now}
    found = run(connection, _LOCK_COUNT, values).fetchone()
    return Count(*found) if found else Count(0, now)


def _keep(connection: Connection, key: bytes, count: Count, allowance: Allowance) -> None:
    values = {**count._asdict(), "forget_at": count.forget_at(allowance), "wanted": key}
    run(connection, _CHANGE_COUNT, values)


_instant = TIMESTAMP(timezone=True)
_uuid = UUID(as_uuid=False)
_now = bindparam("now", type_=_instant)
_sessions = table_of(Session)
_links = table_of(PasswordLink)
_counts = table_of(SignInCount)

_END_ALL = Prepared(
    update(_sessions)
    .where(
        _sessions.c.workspace_id == workspace(),
        _sessions.c.user_id == bindparam("user_id", type_=_uuid),
        _sessions.c.ended_at.is_(None),
        _sessions.c.id.is_distinct_from(bindparam("but", type_=_uuid)),
    )
    .values(ended_at=_now, ending=bindparam("why", type_=_sessions.c.ending.type))
)
_END_LINKS = Prepared(
    update(_links)
    .where(
        _links.c.workspace_id == workspace(),
        _links.c.user_id == bindparam("user_id", type_=_uuid),
        _links.c.ended_at.is_(None),
    )
    .values(ended_at=_now)
)
_person = bindparam("person", type_=_uuid)
_at = bindparam("at", type_=_instant)
_END_EVERYWHERE = Prepared(
    select(
        func.end_sessions_of(
            _person, bindparam("but", type_=_uuid), bindparam("why", type_=_sessions.c.ending.type), _at
        )
    )
)
_END_LINKS_EVERYWHERE = Prepared(select(func.end_password_links_of(_person, _at)))
_fresh = insert(_counts).values(
    {column.key: bindparam(column.key, type_=column.type) for column in _counts.columns},
)
_LOCK_COUNT = Prepared(
    _fresh.on_conflict_do_update(index_elements=["key"], set_={"key": _fresh.excluded.key}).returning(
        _counts.c.failures, _counts.c.since, _counts.c.blocked_until
    )  # pyright: ignore[reportUnknownArgumentType] - SQLAlchemy's stubs lose the type of `returning`
)
_SPEND = Prepared(_fresh.on_conflict_do_nothing(index_elements=["key"]))
_CHANGE_COUNT = Prepared(
    update(_counts)
    .where(_counts.c.key == bindparam("wanted", type_=LargeBinary()))
    .values(
        {
            name: bindparam(name, type_=_counts.c[name].type)
            for name in ("failures", "since", "blocked_until", "forget_at")
        }
    )
)
_FORGET = Prepared(
    delete(_counts).where(
        _counts.c.key.in_(
            select(_counts.c.key)
            .where(_counts.c.forget_at < _now)
            .order_by(_counts.c.forget_at)
            .limit(10)
            .with_for_update(skip_locked=True)
            .scalar_subquery()
        )
    )
)
