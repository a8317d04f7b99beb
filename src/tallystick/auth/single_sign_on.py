"""Sign-in by the provider that the operator named: whom it vouches for is a member, with the role of their groups."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from tallystick.auth.sessions import Identity, Place, SignedIn, let_in, origin_of, places_of
from tallystick.db.session import Prepared
from tallystick.domain import identities, members
from tallystick.domain.access import Actor, Role
from tallystick.domain.context import Context, Origin, Transactions, open_workspace
from tallystick.domain.members import Member
from tallystick.values.errors import Conflict, Forbidden, NotFound
from tallystick.values.oidc import Provider, Vouched

HOW: Final = "/sign-in/oidc"
NO_GROUP: Final = "None of your groups lets you in here. Ask whoever keeps them."
NO_MEMBER: Final = "You are no member here, and this server lets only members in this way. Ask for an invitation."
NO_EMAIL: Final = "The provider has not verified your e-mail address, so nobody here can be found by it."
NO_WORKSPACE: Final = "This server does not say which workspace that leads to. Tell whoever runs it."

log = logging.getLogger("tallystick.sign_in")

_IDENTITY_OF: Final = Prepared("SELECT * FROM identity_of(%(issuer)s, %(subject)s)")
_WORKSPACE: Final = Prepared("SELECT * FROM workspace_named(%(wanted)s)")


@dataclass(frozen=True, slots=True)
class SingleSignOn:
    """What the operator said of it."""

    provider: Provider
    label: str
    workspace: str = ""
    """By id or name; empty: the only one."""
    roles: tuple[tuple[str, Role], ...] = ()
    """Group → role, the first that is theirs counts. None: whoever is vouched for comes in, as a Member."""
    strangers: bool = False
    """Whether somebody who is no member becomes one."""


def role_of(rules: SingleSignOn, groups: tuple[str, ...]) -> Role | None:
    """The role that groups stand for; None where the operator named none. Raises Forbidden."""
    if not rules.roles:
        return None
    for group, role in rules.roles:
        if group in groups:
            return role
    raise Forbidden(NO_GROUP)


def sign_in(
    database: Transactions, key: bytes, rules: SingleSignOn, vouched: Vouched, *, now: datetime, **facts: Any
) -> SignedIn:
    """Begin a session of whom the provider vouches for. Their role follows their groups. Raises Forbidden or Conflict.

    That somebody who is a member is not let in is told to the audit log, as a wrong password is.
    `facts`: as `sessions.let_in` takes them.
    """
    try:
        return _signed_in(database, key, rules, vouched, now=now, **facts)
    except (Forbidden, Conflict):
        _tell_failed(database, rules, vouched, now=now, came=origin_of(HOW, facts["address"], facts["user_agent"]))
        raise


def _signed_in(
    database: Transactions, key: bytes, rules: SingleSignOn, vouched: Vouched, *, now: datetime, **facts: Any
) -> SignedIn:
    role = role_of(rules, vouched.groups)
    with database.transaction() as connection:
        found = connection.run(_WORKSPACE, {"wanted": rules.workspace}).fetchone()
        if found is None:
            raise NotFound(NO_WORKSPACE)
        workspace_id, name, zone = found
        known = connection.run(_IDENTITY_OF, {"issuer": vouched.issuer, "subject": vouched.subject}).fetchone()
        if known is None and vouched.email is None:
            raise Forbidden(NO_EMAIL)
        email: str = known[1] if known is not None else str(vouched.email)
        open_workspace(connection, workspace_id)
        # As nobody in particular: it is the provider that lets them in, by the operator's word.
        operator = Actor(workspace_id, "", "OWNER", workspace_name=name, time_zone=zone)
        ctx = Context(operator, connection, lambda: now)
        ctx.comes_from(origin_of(HOW, facts["address"], facts["user_agent"]))
        member = _member(ctx, rules, email, vouched, role)
        if known is None:
            identities.link(ctx, member, issuer=vouched.issuer, subject=vouched.subject)
        if role is not None:
            identities.follow(ctx, member, role)
        person = members.person_of(ctx, member.user_id)
        assert person is not None  # noqa: S101 - an active member is somebody
        place = Place(workspace_id, name, member.role)
        user = Identity(person.id, person.email, person.name)
        return let_in(
            connection, key, user, place, places=places_of(connection, person.email), now=now, how=HOW, **facts
        )


def _tell_failed(database: Transactions, rules: SingleSignOn, vouched: Vouched, *, now: datetime, came: Origin) -> None:
    with database.transaction() as connection:
        found = connection.run(_WORKSPACE, {"wanted": rules.workspace}).fetchone()
        known = connection.run(_IDENTITY_OF, {"issuer": vouched.issuer, "subject": vouched.subject}).fetchone()
        email = known[1] if known is not None else vouched.email
        if found is None:
            return
        open_workspace(connection, found[0])
        # As nobody: that it was them is what is not known.
        ctx = Context(Actor(found[0], "", "OWNER"), connection, lambda: now)
        ctx.comes_from(came)
        try:
            members.tell_failed(ctx, members.by_email(ctx, email or "").user_id, "provider")
        except NotFound:
            log.warning("sign-in by the provider failed for %r, who is no member, from %s", email, came.address)


def _member(ctx: Context, rules: SingleSignOn, email: str, vouched: Vouched, role: Role | None) -> Member:
    try:
        return members.by_email(ctx, email)
    except NotFound:
        if not rules.strangers:
            raise Forbidden(NO_MEMBER) from None
    name = vouched.name or email.partition("@")[0]
    return members.add(ctx, email=email, name=name, role=role or "MEMBER")
