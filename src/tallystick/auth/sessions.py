"""Signing in and staying so: from a password to a session, and from a session's JWT or cookie to an Actor.

RELIABILITY of this page in short: failures are counted before a password is looked at, in a transaction of their own;
no connection is held while it is hashed; an unknown account gets the same answer for the same work; each request asks
the session's row, so that what ends a session ends it at once.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, cast

from tallystick.auth import notices, second_factor
from tallystick.auth.passwords import hash_password, needs_rehash, problem_with, verify_password
from tallystick.auth.remembered import Lookup
from tallystick.auth.session_tokens import (
    JWT_LIFETIME,
    Claims,
    claims_of,
    cookie_digest,
    count_key,
    csrf_token,
    device_of,
    link_digest,
    mint_cookie,
    mint_device,
    mint_jwt,
    mint_link,
    session_of_cookie,
)
from tallystick.db.connection import Row
from tallystick.db.session import Connection, Prepared, Values
from tallystick.domain import jobs, members, passkeys, sessions
from tallystick.domain.access import Actor, Role, as_themselves
from tallystick.domain.context import Context, Origin, Transactions, open_workspace
from tallystick.domain.passkeys import Passkey
from tallystick.domain.sessions import ACCOUNT, ADDRESS, SESSION, Allowance, Ending, Session
from tallystick.values.browsers import browser_named
from tallystick.values.errors import Invalid, NotFound, Unauthenticated
from tallystick.values.ids import new_id

log = logging.getLogger("tallystick.sign_in")

EVERYTHING: Final = frozenset({"*"})
"""The scopes of a session: whatever the person's role may do."""

_SESSIONS: Final = Lookup("open_by_session(%(session)s::uuid, %(digest)s::bytea, %(now)s::timestamptz)")
_SIGN_IN: Final = Prepared("SELECT * FROM places_open_to(%(email)s)")
_OPEN_LINK: Final = Prepared("SELECT * FROM open_by_password_link(%(digest)s, %(now)s)")
_LOCK_PERSON: Final = Prepared("SELECT FROM people WHERE id = %(person)s::uuid FOR UPDATE")
_STILL: Final = Prepared("""
    SELECT password_hash FROM people WHERE id = %(person)s::uuid AND EXISTS (
        SELECT FROM members WHERE user_id = people.id AND workspace_id = %(workspace)s::uuid AND removed_at IS NULL
    ) FOR NO KEY UPDATE
""")
"""Who signs in twice at once queues here: two that only shared the row would wait for each other to write it."""
_USE_STEP: Final = Prepared("""
    UPDATE people SET totp_step = %(step)s
    WHERE id = %(person)s::uuid AND (totp_step IS NULL OR totp_step < %(step)s)
""")
_USE_BACKUP: Final = Prepared("""
    UPDATE people SET backup_codes = array_remove(backup_codes, %(digest)s::text)
    WHERE id = %(person)s::uuid AND %(digest)s::text = ANY (backup_codes)
""")
"""Of two that come with the same code, the second finds it gone."""
_REHASH: Final = Prepared("""
    UPDATE people SET password_hash = %(fresh)s WHERE id = %(person)s::uuid AND password_hash = %(stored)s
""")


_BEGAN: Final = Prepared("SELECT created_at FROM sessions WHERE id = %(session)s::uuid")
_LANGUAGE: Final = Prepared("SELECT language FROM people WHERE id = %(person)s::uuid")


class Identity(NamedTuple):
    """A person as an answer names them."""

    id: str
    email: str
    name: str


class Place(NamedTuple):
    """A workspace that a person may sign in to."""

    id: str
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class Jwt:
    """A fresh JWT and when it expires."""

    token: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Live:
    """A session that is valid in this transaction, whose workspace is open."""

    actor: Actor
    session_id: str
    expires_at: datetime
    remember: bool
    user: Identity


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What a sign-in answers. `jwt`, `cookie_secret` and `device` are secrets that nobody can ask for again."""

    jwt: str = field(repr=False)
    expires_at: datetime
    """The JWT's."""
    cookie_secret: str = field(repr=False)
    csrf: str = field(repr=False)
    device: str = field(repr=False)
    session: Session
    user: Identity
    places: tuple[Place, ...]


class CodeNeeded(Unauthenticated):
    """The password is right, and the person has an authenticator: a code is asked for."""

    usual = "Enter the code that your authenticator shows."


class WrongCode(Unauthenticated):
    """The password is right, the code is not, or was used before."""

    usual = "That code is not right, or was used already. Wait for the next one."


WRONG: Final = "The e-mail or the password is not right."


# --- signing in


def sign_in(
    database: Transactions,
    key: bytes,
    email: str,
    password: str,
    *,
    issuer: str,
    address: str,
    now: datetime,
    totp: str | None = None,
    workspace_id: str | None = None,
    remember: bool = False,
    user_agent: str = "",
    device: str | None = None,
    replaces: str | None = None,
) -> SignedIn:
    """Begin a session of whoever knows the password, in the workspace asked for or the one they used last.

    `device` is the browser's mark, `replaces` the cookie it came with: that session ends, so that nobody can give a
    person a session of theirs. Raises Unauthenticated (also CodeNeeded, WrongCode), or TooMany with how long to wait.
    """
    email = email.strip().lower()
    browser = device_of(key, email, device, now)
    counted = _counted(key, email, address, browser)
    known = len(email) <= 254 and email.isprintable()
    with database.transaction() as connection:
        sessions.charge(connection, counted, now)
        rows = connection.run(_SIGN_IN, {"email": email}).fetchall() if known else []
    stored = cast("str | None", rows[0][2]) if rows else None
    came = origin_of("/sign-in", address, user_agent)
    if not verify_password(stored, password) or stored is None:
        _tell_failed(database, key, email, rows[0] if rows else None, why="password", came=came, now=now)
        raise Unauthenticated(WRONG)
    user_id, name, _, sealed = rows[0][:4]
    places = tuple(Place(*row[5:8]) for row in rows)
    place = next((one for one in places if workspace_id in (None, one.id)), None)
    if place is None:
        raise Unauthenticated(WRONG)
    if sealed is not None and not totp:
        with database.transaction() as connection:
            sessions.forgive(connection, counted, now, entirely=frozenset())
        raise CodeNeeded
    fresh = hash_password(password) if needs_rehash(stored) else None
    user = Identity(user_id, email, name)
    try:
        with database.transaction() as connection:
            open_workspace(connection, place.id)
            if not _is_still(connection, user_id, place.id, stored):
                raise Unauthenticated(WRONG)  # changed or removed while we hashed
            if sealed is not None:
                _use_code(connection, key, user_id, sealed=sealed, code=totp or "", now=now)
            if fresh is not None:
                connection.run(_REHASH, {"fresh": fresh, "person": user_id, "stored": stored})
            # What strangers fail at this account stays counted when its own browser succeeds.
            own = next(iter(counted))
            sessions.forgive(connection, counted, now, entirely=frozenset({own}))
            return let_in(
                connection,
                key,
                user,
                place,
                places=places,
                issuer=issuer,
                now=now,
                remember=remember,
                user_agent=user_agent,
                address=address,
                replaces=replaces,
            )
    except WrongCode:
        _tell_failed(database, key, email, rows[0], why="code", came=came, now=now)
        raise


def let_in(
    connection: Connection,
    key: bytes,
    user: Identity,
    place: Place,
    *,
    replaces: str | None = None,
    **facts: Any,
) -> SignedIn:
    """Begin a session of somebody whom the caller has recognised, and end the one that their browser came with."""
    if replaces is not None:
        _end_replaced(connection, key, replaces, facts["now"])
    open_workspace(connection, place.id)
    return _begun(connection, key, user, place, **facts)


def switch(
    connection: Connection,
    key: bytes,
    live: Live,
    workspace_id: str,
    *,
    issuer: str,
    now: datetime,
    user_agent: str,
    address: str,
) -> SignedIn:
    """Leave a session for one in another workspace of the same person. Raises NotFound where they are no member.

    It is the same sign-in still, and over when it would have been.
    """
    places = places_of(connection, live.user.email)
    place = next((one for one in places if one.id == workspace_id), None)
    if place is None:
        raise NotFound("You are not a member of this workspace.")
    _end(connection, live, "replaced", now)
    open_workspace(connection, place.id)
    return _begun(
        connection,
        key,
        live.user,
        place,
        places=places,
        issuer=issuer,
        now=now,
        remember=live.remember,
        user_agent=user_agent,
        address=address,
        lifetime=live.expires_at - now,
    )


def places_of(connection: Connection, email: str) -> tuple[Place, ...]:
    """The workspaces of a person, the last one used first."""
    return tuple(Place(*row[5:8]) for row in connection.run(_SIGN_IN, {"email": email}).fetchall())


# --- staying signed in


def session_of_jwt(connection: Connection, key: bytes, token: str, now: datetime, issuer: str) -> Live:
    """The live session of a JWT, its workspace open for this transaction. Raises Unauthenticated."""
    claims = _claims(key, token, now, issuer)
    return _live(_SESSIONS.ask(connection, _opening(claims.sid, None, now), lambda found: _is_of(found, claims, now)))


def session_by_cookie(connection: Connection, key: bytes, cookie: str, now: datetime) -> Live:
    """The live session of a cookie, its workspace open for this transaction. Raises Unauthenticated."""
    session_id = session_of_cookie(cookie)
    if session_id is None:
        raise Unauthenticated
    opening = _opening(session_id, cookie_digest(key, cookie), now)
    return _live(_SESSIONS.ask(connection, opening, lambda found: found is not None))


def actor_of_jwt(connection: Connection, key: bytes, token: str, now: datetime, issuer: str) -> Actor:
    """The member that a session's JWT acts as, with their role of this moment. Raises Unauthenticated.

    A session that was here before is looked up with the next statement, which may raise `Outdated`.
    """
    claims = _claims(key, token, now, issuer)
    opening = _opening(claims.sid, None, now)
    return _live(_SESSIONS.find(connection, claims.sid, opening, lambda found: _is_of(found, claims, now))).actor


def actor_of_cookie(connection: Connection, key: bytes, cookie: str, now: datetime) -> Actor:
    """The member that a session's cookie acts as. Raises Unauthenticated."""
    return session_by_cookie(connection, key, cookie, now).actor


def refresh(key: bytes, live: Live, *, issuer: str, now: datetime, lifetime: timedelta = JWT_LIFETIME) -> Jwt:
    """A fresh JWT for a live session; it never outlives the session."""
    expires_at = min(now + lifetime, live.expires_at).replace(microsecond=0)
    token = mint_jwt(
        key,
        issuer=issuer,
        user_id=live.user.id,
        workspace_id=live.actor.workspace_id,
        session_id=live.session_id,
        now=now,
        expires_at=expires_at,
    )
    return Jwt(token, expires_at)


def sign_out(connection: Connection, live: Live, now: datetime) -> None:
    """End a session: its cookie and every JWT of it are refused from now on."""
    _end(connection, live, "signed_out", now)


# --- passwords


def change_password(
    database: Transactions, key: bytes, live: Live, *, old: str, new: str, address: str, now: datetime, agent: str = ""
) -> None:
    """Give the person of a session a new password, who must know the old one. Their other sessions end everywhere.

    They are told of it by mail.
    """
    known = _known(database, key, live, old, address=address, now=now, field="old_password")
    check_password(new, "new_password", known.words, second_factor=known.sealed is not None)
    fresh = hash_password(new)
    with database.transaction() as connection:
        ctx = _acting(connection, live, known, now)
        members.set_password(ctx, live.user.id, fresh, keep_session=live.session_id)
        _tell(ctx, live.user.id, address, agent)


class Known(NamedTuple):
    """Somebody signed in, whose password was seen just now; counted as a failure until `_acting` forgives it."""

    counted: dict[bytes, Allowance]
    stored: str | None
    sealed: bytes | None
    words: tuple[str, ...]
    """What their password should not be made of."""


def _known(
    database: Transactions,
    key: bytes,
    live: Live,
    password: str,
    *,
    address: str,
    now: datetime,
    field: str = "password",
) -> Known:
    """Whoever is signed in knows the password, too. No connection is held while it is hashed."""
    email = live.user.email
    counted = _counted(key, email, address, None)
    with database.transaction() as connection:
        sessions.charge(connection, counted, now)
        rows = connection.run(_SIGN_IN, {"email": email}).fetchall()
    stored = cast("str | None", rows[0][2]) if rows else None
    if not verify_password(stored, password):
        raise Invalid(fields={field: "is not right"})
    return Known(counted, stored, rows[0][3], (email, live.user.name, *(row[6] for row in rows)))


def _acting(connection: Connection, live: Live, known: Known, now: datetime) -> Context:
    """The context of somebody known, in which their password is still the one that was looked at."""
    sessions.forgive(connection, known.counted, now, entirely=frozenset())
    open_workspace(connection, live.actor.workspace_id)
    if not _is_still(connection, live.user.id, live.actor.workspace_id, known.stored):
        raise Unauthenticated
    return Context(live.actor, connection, lambda: now)


FRESH: Final = timedelta(minutes=10)
"""How young a session is whose beginning still says that it is them."""


class SignInAgain(Invalid):
    """Whoever has no password is to sign in again first, by passkey or by their provider."""

    usual = "Sign out and in again first: this asks for a sign-in of the last ten minutes."


class Proof(NamedTuple):
    """How somebody signed in can show again that it is them."""

    password: bool
    """They have one, and say it."""
    fresh: bool
    """They have signed in just now, which is enough for who has none."""


def proof_of(connection: Connection, live: Live, now: datetime) -> Proof:
    """What `prove` will ask for."""
    rows = connection.run(_SIGN_IN, {"email": live.user.email}).fetchall()
    open_workspace(connection, live.actor.workspace_id)
    began = connection.run(_BEGAN, {"session": live.session_id}).fetchone()
    # A sign-in lasts its whole lifetime; a session that somebody switched to has what was left of it.
    whole = sessions.REMEMBERED if live.remember else sessions.LIFETIME
    fresh = began is not None and began[0] + FRESH > now and began[0] + whole <= live.expires_at
    return Proof(not rows or rows[0][2] is not None, fresh)


def prove(database: Transactions, key: bytes, live: Live, password: str, *, address: str, now: datetime) -> None:
    """Have somebody signed in show again that it is them, before something that matters: by their password.

    Who has none has signed in just now. Raises Invalid, SignInAgain where that is too long ago.
    """
    with database.transaction() as connection:
        proof = proof_of(connection, live, now)
    if not proof.password:
        if not proof.fresh:
            raise SignInAgain
        return
    known = _known(database, key, live, password, address=address, now=now)
    with database.transaction() as connection:
        _acting(connection, live, known, now)


def own_passkeys(connection: Connection, live: Live, now: datetime) -> tuple[list[Passkey], bool]:
    """The passkeys of somebody signed in, and whether they have a password as well."""
    rows = connection.run(_SIGN_IN, {"email": live.user.email}).fetchall()
    open_workspace(connection, live.actor.workspace_id)
    known = passkeys.of_self(Context(live.actor, connection, lambda: now))
    return known, bool(rows) and rows[0][2] is not None


# --- the second factor


def turn_on_second_factor(
    database: Transactions,
    key: bytes,
    live: Live,
    *,
    sealed: bytes,
    code: str,
    password: str,
    address: str,
    now: datetime,
    agent: str = "",
) -> list[str]:
    """Ask for a code at sign-in from now on; answers the backup codes, which nobody can ask for again.

    The code proves that the authenticator has the secret; a wrong one counts as a failed sign-in.
    """
    known = _known(database, key, live, password, address=address, now=now)
    step = second_factor.matching_step(key, live.user.id, sealed, code, now)
    if step is None:
        raise Invalid(fields={"code": "is not right"})
    codes = second_factor.new_backup_codes()
    with database.transaction() as connection:
        ctx = _acting(connection, live, known, now)
        members.turn_on_second_factor(ctx, secret=sealed, step=step, backup_codes=_digests(key, live, codes))
        notices.tell(ctx, live.user.id, "second_factor_on", address=address, agent=agent)
    return codes


def renew_backup_codes(
    database: Transactions, key: bytes, live: Live, *, password: str, address: str, now: datetime, agent: str = ""
) -> list[str]:
    """Eight other backup codes for whoever knows the password."""
    known = _known(database, key, live, password, address=address, now=now)
    codes = second_factor.new_backup_codes()
    with database.transaction() as connection:
        ctx = _acting(connection, live, known, now)
        members.renew_backup_codes(ctx, _digests(key, live, codes))
        notices.tell(ctx, live.user.id, "backup_codes_renewed", address=address, agent=agent)
    return codes


def turn_off_second_factor(
    database: Transactions, key: bytes, live: Live, *, password: str, address: str, now: datetime, agent: str = ""
) -> None:
    """Ask for the password alone, which must be good enough for that."""
    known = _known(database, key, live, password, address=address, now=now)
    problem = problem_with(password, words=known.words)
    with database.transaction() as connection:
        ctx = _acting(connection, live, known, now)
        if problem is None:
            members.turn_off_second_factor(ctx, live.user.id)
            notices.tell(ctx, live.user.id, "second_factor_off", address=address, agent=agent)
    if problem is not None:
        raise Invalid("Your password is too weak to stand alone. Change it first.", fields={"password": problem})


def language_of(connection: Connection, live: Live) -> str | None:
    """The language that somebody signed in has chosen for themselves; their workspace is open."""
    (language,) = connection.run(_LANGUAGE, {"person": live.user.id}).fetchone() or (None,)
    return language


def second_factor_of(connection: Connection, live: Live, now: datetime) -> int | None:
    """How many backup codes somebody has left; None where the password is enough."""
    open_workspace(connection, live.actor.workspace_id)
    return members.second_factor_of(Context(live.actor, connection, lambda: now))


def _digests(key: bytes, live: Live, codes: list[str]) -> list[str]:
    return [found for code in codes if (found := second_factor.backup_digest(key, live.user.id, code))]


def offer_password_link(ctx: Context, key: bytes, user_id: str) -> str:
    """The secret of a new link to set a person's password; links made before no longer work."""
    secret = mint_link()
    sessions.offer_link(ctx, user_id, link_id=new_id(), digest=link_digest(key, secret) or b"")
    return secret


class PasswordLinkOwner(NamedTuple):
    """Who may set a password with a link."""

    link_id: str
    user: Identity
    second_factor: bool
    workspace_id: str
    workspace_name: str


def password_link(connection: Connection, key: bytes, secret: str, now: datetime) -> PasswordLinkOwner:
    """Whose password a link sets; its workspace is open for this transaction. NotFound: it is not valid now."""
    digest = link_digest(key, secret)
    found = None if digest is None else connection.run(_OPEN_LINK, {"digest": digest, "now": now}).fetchone()
    if found is None:
        raise NotFound("This link is not valid any more. Ask for a new one.")
    link_id, user_id, email, name, second, workspace_id, workspace_name, _ = found
    return PasswordLinkOwner(link_id, Identity(user_id, email, name), second, workspace_id, workspace_name)


def set_password(
    database: Transactions,
    key: bytes,
    secret: str,
    password: str,
    now: datetime,
    *,
    address: str = "",
    agent: str = "",
) -> Identity:
    """Set a password with a link, once. All of the person's sessions end, in every workspace; they are told by mail."""
    with database.transaction() as connection:
        owner = password_link(connection, key, secret, now)
    words = (owner.user.email, owner.user.name, owner.workspace_name)
    check_password(password, "password", words, second_factor=owner.second_factor)
    fresh = hash_password(password)
    with database.transaction() as connection:
        # The row of the person lets one of two requests with the same link go first; the other finds it used.
        open_workspace(connection, owner.workspace_id)
        connection.run(_LOCK_PERSON, {"person": owner.user.id})
        owner = password_link(connection, key, secret, now)
        ctx = Context(Actor(owner.workspace_id, owner.user.id, "MEMBER"), connection, lambda: now)
        members.set_password(ctx, owner.user.id, fresh)
        _tell(ctx, owner.user.id, address, agent)
    with database.transaction() as connection:
        counted = {count_key(key, "account", owner.user.email): ACCOUNT}
        sessions.forgive(connection, counted, now, entirely=frozenset(counted))
    return owner.user


def _tell(ctx: Context, user_id: str, address: str, agent: str) -> None:
    """Have a worker mail a person that their password was changed, from where: if it was not them, they learn of it."""
    jobs.defer(
        ctx,
        "tell_password_changed",
        lock=f"password/{user_id}",
        user_id=user_id,
        changed_at=ctx.now.isoformat(),
        address=address,
        browser=browser_named(agent),
    )


def begin(
    ctx: Context,
    key: bytes,
    *,
    remember: bool = False,
    user_agent: str = "",
    address: str = "",
    lifetime: timedelta | None = None,
) -> tuple[Session, str]:
    """Begin a session of the context's actor; answers it with the secret of its cookie."""
    session_id = new_id()
    secret = mint_cookie(session_id)
    session = sessions.begin(
        ctx,
        session_id=session_id,
        digest=cookie_digest(key, secret),
        remember=remember,
        user_agent=user_agent,
        address=address,
        lifetime=lifetime,
    )
    return session, secret


def jwt_of(key: bytes, session: Session, *, issuer: str, now: datetime, lifetime: timedelta = JWT_LIFETIME) -> Jwt:
    """A JWT for a session that was just begun; it never outlives the session."""
    expires_at = min(now + lifetime, session.expires_at).replace(microsecond=0)
    token = mint_jwt(
        key,
        issuer=issuer,
        user_id=session.user_id,
        workspace_id=session.workspace_id,
        session_id=session.id,
        now=now,
        expires_at=expires_at,
    )
    return Jwt(token, expires_at)


def _counted(key: bytes, email: str, address: str, browser: str | None) -> dict[bytes, Allowance]:
    """What an attempt counts for: a browser known to the account for itself, all others for account and address."""
    if browser is not None:
        return {count_key(key, "device", browser): ACCOUNT}
    return {count_key(key, "account", email): ACCOUNT, count_key(key, "address", address): ADDRESS}


def _use_code(connection: Connection, key: bytes, user_id: str, *, sealed: bytes, code: str, now: datetime) -> None:
    step = second_factor.matching_step(key, user_id, sealed, code, now)
    if step is not None and connection.run(_USE_STEP, {"step": step, "person": user_id}).rowcount == 1:
        return
    digest = second_factor.backup_digest(key, user_id, code)
    if digest is None or connection.run(_USE_BACKUP, {"digest": digest, "person": user_id}).rowcount != 1:
        raise WrongCode


def _begun(
    connection: Connection,
    key: bytes,
    user: Identity,
    place: Place,
    *,
    places: tuple[Place, ...],
    issuer: str,
    now: datetime,
    how: str = "/sign-in",
    **facts: Any,
) -> SignedIn:
    ctx = Context(Actor(place.id, user.id, cast("Role", place.role)), connection, lambda: now)
    ctx.comes_from(origin_of(how, facts.get("address", ""), facts.get("user_agent", "")))
    session, secret = begin(ctx, key, **facts)
    jwt = jwt_of(key, session, issuer=issuer, now=now)
    csrf = csrf_token(key, session.id)
    return SignedIn(jwt.token, jwt.expires_at, secret, csrf, mint_device(key, user.email, now), session, user, places)


def tell_failed(database: Transactions, key: bytes, email: str, *, why: str, came: Origin, now: datetime) -> None:
    """Tell the audit log that a sign-in as somebody failed in another way than by password: `why` names it."""
    with database.transaction() as connection:
        rows = connection.run(_SIGN_IN, {"email": email}).fetchall()
    _tell_failed(database, key, email, rows[0] if rows else None, why=why, came=came, now=now)


def _tell_failed(
    database: Transactions, key: bytes, email: str, found: Row | None, *, why: str, came: Origin, now: datetime
) -> None:
    """Tell the audit log of the workspace used last that a sign-in failed; of an account that nobody has, our own log.

    A write either way: whoever watches the clock does not learn which.
    """
    with database.transaction() as connection:
        if found is None:
            log.warning("sign-in failed for %r, which nobody has, from %s", email[:254], came.address)
            sessions.spend(connection, count_key(key, "nobody", email), now, now)
            return
        open_workspace(connection, found[5])
        # As nobody: that it was them is what is not known.
        ctx = Context(Actor(found[5], "", "OWNER"), connection, lambda: now)
        ctx.comes_from(came)
        members.tell_failed(ctx, found[0], why)


def origin_of(action: str, address: str, agent: str) -> Origin:
    """For the audit log: what was done to come in, and from where."""
    return Origin(action, "", address, "".join(one for one in agent[:200] if one.isprintable()))


def _is_still(connection: Connection, user_id: str, workspace_id: str, stored: str | None) -> bool:
    """Whether a member has the password that was looked at; it stays so until the transaction ends."""
    found = connection.run(_STILL, {"person": user_id, "workspace": workspace_id}).fetchone()
    return found == (stored,)


def _claims(key: bytes, token: str, now: datetime, issuer: str) -> Claims:
    claims = claims_of(key, token, now, issuer)
    if claims is None:
        raise Unauthenticated
    return claims


def _opening(session_id: str, digest: bytes | None, now: datetime) -> Values:
    return {"session": session_id, "digest": digest, "now": now}


def _is_of(found: Row | None, claims: Claims, now: datetime) -> bool:
    """Whether a session is the one that a JWT was made for, and still lives."""
    if found is None or found[1] <= now:
        return False
    return (found[8], found[5]) == (claims.sub, claims.org)


def _live(found: Row) -> Live:
    session_id, expires_at, remember, email, name, workspace_id, workspace_name, plan, user_id, role, time_zone, *_ = (
        found
    )
    actor = Actor(
        workspace_id=workspace_id,
        user_id=user_id,
        role=role,
        plan=plan,
        scopes=EVERYTHING,
        workspace_name=workspace_name,
        time_zone=time_zone,
        credential=SESSION + session_id,
        credential_name="session",
    )
    return Live(actor, session_id, expires_at, remember, Identity(user_id, email, name))


def _end(connection: Connection, live: Live, why: Ending, now: datetime) -> None:
    ctx = Context(as_themselves(live.actor), connection, lambda: now)
    for session in ctx.select(Session, Session.id == live.session_id):
        sessions.end(ctx, session, why)


def _end_replaced(connection: Connection, key: bytes, cookie: str, now: datetime) -> None:
    try:
        live = session_by_cookie(connection, key, cookie, now)
    except Unauthenticated:
        return
    _end(connection, live, "replaced", now)


def check_password(password: str, field: str, words: tuple[str, ...], *, second_factor: bool = False) -> None:
    """Refuse a password that is too short, too common, or made of the words around it."""
    problem = problem_with(password, words=words, second_factor=second_factor)
    if problem is not None:
        raise Invalid(problem, fields={field: problem})
