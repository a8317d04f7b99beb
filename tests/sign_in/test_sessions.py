"""Promise B5: a session is new at each sign-in, and ends at once when it should."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tallystick.auth import sessions as ways
from tallystick.auth.passwords import hash_password
from tallystick.auth.remembered import Outdated
from tallystick.auth.session_tokens import cookie_digest
from tallystick.auth.sessions import SignedIn, actor_of_cookie, actor_of_jwt, session_by_cookie, session_of_jwt
from tallystick.db.session import Connection, Database, Prepared
from tallystick.domain import members, sessions
from tallystick.domain.access import Actor, Permission
from tallystick.domain.sessions import Session
from tallystick.server.upkeep import LastUse
from tallystick.values.errors import Invalid, NotFound, Unauthenticated
from tests.sign_in.conftest import ISSUER, PASSWORD, bearer, give_password, signed_in
from tests.studio import KEY, Studio, app_client, found_studio

NEW = "nine grey geese over the weir"


def is_live(studio: Studio, signed: SignedIn) -> bool:
    """Both by JWT and by cookie, or by neither."""
    by_jwt = acts(studio, lambda connection: actor_of_jwt(connection, KEY, signed.jwt, studio.clock(), ISSUER))
    by_cookie = acts(studio, lambda connection: actor_of_cookie(connection, KEY, signed.cookie_secret, studio.clock()))
    assert by_jwt == by_cookie
    return by_jwt


def acts(studio: Studio, way: Callable[[Connection], Actor]) -> bool:
    try:
        with studio.database.transaction() as connection:
            way(connection)
    except Outdated:
        return acts(studio, way)
    except Unauthenticated:
        return False
    return True


def by_cookie(studio: Studio, signed: SignedIn) -> ways.Live:
    with studio.database.transaction() as connection:
        return session_by_cookie(connection, KEY, signed.cookie_secret, studio.clock())


def used(studio: Studio, signed: SignedIn) -> None:
    """The session is used, and that is written down."""
    last_use = LastUse(studio.clock)
    last_use.note(by_cookie(studio, signed).actor)
    assert last_use.flush(studio.database.url) == 1


def test_a_session_acts_as_the_member_it_is_of(with_password: Studio) -> None:
    signed = signed_in(with_password, "member")
    person = with_password.people["member"]
    with with_password.database.transaction() as connection:
        actor = actor_of_jwt(connection, KEY, signed.jwt, with_password.clock(), ISSUER)
        shown = connection.execute("SELECT current_setting('tallystick.workspace')").fetchone()
    assert (actor.workspace_id, actor.user_id, actor.role) == (with_password.workspace_id, person.user_id, "MEMBER")
    assert actor.scopes == {"*"}
    assert actor.time_zone == "Europe/Berlin"
    assert not actor.may(Permission.SEE_MONEY)
    assert shown == (with_password.workspace_id,)


def test_a_role_counts_from_the_next_request(with_password: Studio) -> None:
    signed = signed_in(with_password, "member")
    with with_password.context() as ctx:
        members.set_role(ctx, members.by_email(ctx, with_password.people["member"].email), "ADMIN")
    assert by_cookie(with_password, signed).actor.role == "ADMIN"


@pytest.mark.parametrize(
    "spoiled",
    [
        lambda secret: "",
        lambda secret: secret[:-1],
        lambda secret: secret + "A",
        lambda secret: secret[:-1] + ("A" if secret[-1] != "A" else "B"),
        lambda secret: secret.replace("hss_", "hsk_"),
        lambda secret: secret.upper(),
        lambda secret: "hss_" + "0" * 32 + secret[36:],
        lambda secret: secret + "\n",
        lambda secret: "é" + secret,
    ],
)
def test_another_cookie_is_nobodys_and_opens_nothing(with_password: Studio, spoiled: Callable[[str], str]) -> None:
    signed = signed_in(with_password)
    with with_password.database.transaction() as connection:
        with pytest.raises(Unauthenticated):
            session_by_cookie(connection, KEY, spoiled(signed.cookie_secret), with_password.clock())
        assert connection.execute("SELECT count(*) FROM members").fetchone() == (0,)


def test_only_a_digest_of_the_cookie_is_kept(with_password: Studio) -> None:
    signed = signed_in(with_password)
    with with_password.context() as ctx:
        session = ctx.find(Session, signed.session.id)
    assert session.digest == cookie_digest(KEY, signed.cookie_secret) != cookie_digest(bytes(32), signed.cookie_secret)
    assert signed.cookie_secret not in repr(signed)
    assert signed.jwt not in repr(signed)


def test_signing_out_ends_it_at_once_and_only_it(with_password: Studio) -> None:
    one, other = signed_in(with_password), signed_in(with_password)
    with with_password.database.transaction() as connection:
        live = session_of_jwt(connection, KEY, one.jwt, with_password.clock(), ISSUER)
        ways.sign_out(connection, live, with_password.clock())
    assert not is_live(with_password, one)
    assert is_live(with_password, other)
    with with_password.context() as ctx:
        ended = ctx.find(Session, one.session.id)
    assert (ended.ending, ended.ended_at) == ("signed_out", with_password.clock())


def test_removal_ends_sessions_at_once_and_coming_back_does_not_revive_them(with_password: Studio) -> None:
    signed = signed_in(with_password, "member")
    email = with_password.people["member"].email
    with with_password.context() as ctx:
        members.remove(ctx, members.by_email(ctx, email))
    assert not is_live(with_password, signed)
    with pytest.raises(Unauthenticated):
        signed_in(with_password, "member")
    with with_password.context() as ctx:
        members.add(ctx, email=email, name="Member", role="MEMBER")
    assert not is_live(with_password, signed)
    assert is_live(with_password, signed_in(with_password, "member"))


def test_a_membership_that_ended_by_whatever_way_is_asked_for_at_each_request(with_password: Studio) -> None:
    signed = signed_in(with_password, "member")
    with with_password.context() as ctx:
        member = members.by_email(ctx, with_password.people["member"].email)
        ctx.change(member, removed_at=ctx.now)
    assert not is_live(with_password, signed)


def test_a_changed_password_ends_the_others_everywhere(with_password: Studio, database: Database) -> None:
    there = found_studio(database, KEY, name="Second home")
    with there.context() as ctx:
        members.add(ctx, email=with_password.owner.email, name="Owner", role="MEMBER")
    here, other = signed_in(with_password), signed_in(with_password)
    abroad = signed_in(with_password, workspace_id=there.workspace_id)
    stranger = signed_in(with_password, "member")
    live = by_cookie(with_password, here)
    change = {"address": "192.0.2.1", "now": with_password.clock()}
    ways.change_password(database, KEY, live, old=PASSWORD, new=NEW, **change)
    assert is_live(with_password, here)
    assert not is_live(with_password, other)
    assert not is_live(with_password, abroad)
    assert is_live(with_password, stranger)
    with pytest.raises(Unauthenticated):
        signed_in(with_password)
    assert signed_in(with_password, password=NEW).jwt


def test_a_password_is_changed_only_with_the_old_one_and_to_a_good_one(with_password: Studio) -> None:
    live = by_cookie(with_password, signed_in(with_password))
    database = with_password.database
    change = {"address": "192.0.2.1", "now": with_password.clock()}
    with pytest.raises(Invalid) as refused:
        ways.change_password(database, KEY, live, old="wrong", new=NEW, **change)
    assert set(refused.value.fields) == {"old_password"}
    for poor in ("short", with_password.owner.email, "a" * 20, "Studio North Studio North"):
        with pytest.raises(Invalid) as refused:
            ways.change_password(database, KEY, live, old=PASSWORD, new=poor, **change)
        assert set(refused.value.fields) == {"new_password"}
    assert signed_in(with_password).jwt


def test_a_sign_in_that_hashed_while_the_password_changed_is_refused(
    with_password: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(stored: str | None, password: str) -> bool:
        give_password(with_password, "owner", NEW)
        return password == PASSWORD and stored is not None

    monkeypatch.setattr(ways, "verify_password", slow)
    with pytest.raises(Unauthenticated):
        signed_in(with_password)
    with with_password.context() as ctx:
        assert sessions.of_member(ctx, with_password.owner.user_id) == []


def test_a_sign_in_ends_the_session_the_browser_came_with(with_password: Studio) -> None:
    first = signed_in(with_password)
    second = signed_in(with_password, replaces=first.cookie_secret)
    assert second.session.id != first.session.id
    assert not is_live(with_password, first)
    assert is_live(with_password, second)


def test_a_planted_cookie_of_somebody_else_ends_and_does_not_become_ours(with_password: Studio) -> None:
    planted = signed_in(with_password, "member")
    mine = signed_in(with_password, replaces=planted.cookie_secret)
    assert by_cookie(with_password, mine).user.email == with_password.owner.email
    assert not is_live(with_password, planted)


def test_a_session_rests_half_a_day_at_most(with_password: Studio) -> None:
    signed = signed_in(with_password)
    for _ in range(3):
        with_password.clock.now += timedelta(hours=11, minutes=59)
        used(with_password, signed)
    with_password.clock.now += timedelta(hours=12)
    assert not is_live(with_password, signed)


def test_a_session_lasts_two_weeks_at_most(with_password: Studio) -> None:
    signed = signed_in(with_password)
    for _ in range(28):
        with_password.clock.now += timedelta(hours=11, minutes=59)
        used(with_password, signed)
    with_password.clock.now = signed.session.expires_at
    assert not is_live(with_password, signed)


def test_a_remembered_session_rests_as_long_as_it_likes_for_thirty_days(with_password: Studio) -> None:
    signed = signed_in(with_password, remember=True)
    with_password.clock.now += timedelta(days=29)
    assert by_cookie(with_password, signed)
    with_password.clock.now += timedelta(days=1)
    assert not is_live(with_password, signed)


def test_a_jwt_never_outlives_its_session(with_password: Studio) -> None:
    signed = signed_in(with_password, remember=True)
    with_password.clock.now = signed.session.expires_at - timedelta(minutes=5)
    live = by_cookie(with_password, signed)
    jwt = ways.refresh(KEY, live, issuer=ISSUER, now=with_password.clock(), lifetime=timedelta(days=30))
    assert jwt.expires_at == signed.session.expires_at.replace(microsecond=0)


def test_whatever_the_session_is_used_for_counts_as_use(with_password: Studio, tmp_path: Path) -> None:
    signed, last_use = signed_in(with_password), LastUse(with_password.clock)
    door = app_client(with_password.database, with_password.clock, tmp_path, seen=last_use.note)
    jwt, cookie = bearer(signed.jwt), {"Cookie": f"tallystick={signed.cookie_secret}"}
    for path, headers in (
        ("/v1/time-entries", jwt), ("/api/auth/token", jwt), ("/api/auth/token", cookie), ("/password", cookie),
    ):  # fmt: skip
        with_password.clock.now += timedelta(minutes=1)
        assert door.simulate_get(path, headers=headers).status_code == 200, path
        assert last_use.flush(with_password.database.url) == 1, path
        with with_password.context() as ctx:
            assert ctx.find(Session, signed.session.id).last_seen_at == with_password.clock()


def test_looking_a_session_up_writes_nothing(with_password: Studio) -> None:
    signed = signed_in(with_password)
    with_password.clock.now += timedelta(hours=1)
    with with_password.database.transaction(reading=True) as connection:
        connection.later(Prepared("SELECT set_config('transaction_read_only', 'on', true)"), {})
        assert session_by_cookie(connection, KEY, signed.cookie_secret, with_password.clock())


def test_a_person_sees_their_live_sessions_and_ends_them(with_password: Studio) -> None:
    kept, ended = signed_in(with_password, user_agent="Netscape"), signed_in(with_password)
    signed_in(with_password, "member")
    with with_password.context() as ctx:
        found = sessions.of_member(ctx, with_password.owner.user_id)
        assert {one.id for one in found} == {kept.session.id, ended.session.id}
        assert {(one.user_agent, one.address) for one in found} == {("Netscape", "192.0.2.1"), ("", "192.0.2.1")}
        assert sessions.end_all(ctx, with_password.owner.user_id, "revoked", but=kept.session.id) == 1
        assert [one.id for one in sessions.of_member(ctx, with_password.owner.user_id)] == [kept.session.id]
    assert not is_live(with_password, ended)


def test_the_workspace_used_last_is_the_one_signed_in_to(with_password: Studio, database: Database) -> None:
    there = found_studio(database, KEY, name="Second home")
    with there.context() as ctx:
        members.add(ctx, email=with_password.owner.email, name="Owner", role="MEMBER")
    first = signed_in(with_password)
    assert first.session.workspace_id == with_password.workspace_id
    assert {place.id for place in first.places} == {with_password.workspace_id, there.workspace_id}
    with_password.clock.now += timedelta(minutes=1)
    with database.transaction() as connection:
        live = session_by_cookie(connection, KEY, first.cookie_secret, with_password.clock())
        moved = ways.switch(
            connection, KEY, live, there.workspace_id,
            issuer=ISSUER, now=with_password.clock(), user_agent="", address="",
        )  # fmt: skip
    assert moved.session.workspace_id == there.workspace_id
    assert moved.session.expires_at == first.session.expires_at, "it is the same sign-in still"
    with database.transaction() as connection:
        live = session_by_cookie(connection, KEY, moved.cookie_secret, with_password.clock())
        assert not ways.proof_of(connection, live, with_password.clock()).fresh, "nobody showed who they are"
    assert by_cookie(with_password, moved).actor.role == "MEMBER"
    assert not is_live(with_password, first)
    with_password.clock.now += timedelta(minutes=1)
    assert signed_in(with_password).session.workspace_id == there.workspace_id
    chosen = signed_in(with_password, workspace_id=with_password.workspace_id)
    assert chosen.session.workspace_id == with_password.workspace_id


def test_nobody_signs_in_or_moves_to_a_workspace_of_others(with_password: Studio, other_studio: Studio) -> None:
    with pytest.raises(Unauthenticated):
        signed_in(with_password, workspace_id=other_studio.workspace_id)
    signed = signed_in(with_password)
    with pytest.raises(NotFound), with_password.database.transaction() as connection:
        ways.switch(
            connection, KEY, session_by_cookie(connection, KEY, signed.cookie_secret, with_password.clock()),
            other_studio.workspace_id, issuer=ISSUER, now=with_password.clock(), user_agent="", address="",
        )  # fmt: skip
    assert is_live(with_password, signed)


def test_the_rows_of_another_workspace_are_not_shown(with_password: Studio, other_studio: Studio) -> None:
    signed_in(with_password)
    with other_studio.context() as ctx:
        for table in ("sessions", "password_links"):
            assert ctx.connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone() == (0,)


@pytest.mark.parametrize("email", ["", "@", "nobody", "a\x00b@c", "\ud800@x", "x" * 100_000, "' OR 1=1 --"])
def test_strange_addresses_are_strangers(with_password: Studio, email: str) -> None:
    with_password.people["second"].email = email
    with pytest.raises(Unauthenticated):
        signed_in(with_password, "second")


def test_an_address_is_read_as_people_write_it(with_password: Studio) -> None:
    with_password.owner.email = f"  {with_password.owner.email.upper()} "
    assert signed_in(with_password).jwt


def test_a_hash_of_other_parameters_is_made_anew_at_the_next_sign_in(
    with_password: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pwdlib.hashers.argon2 import Argon2Hasher

    from tallystick.auth import passwords

    def stored() -> str:
        with with_password.context() as ctx:
            row = ctx.connection.execute(
                "SELECT password_hash FROM people WHERE id = %s", [with_password.owner.user_id]
            ).fetchone()
        assert row is not None
        return str(row[0])

    kept = signed_in(with_password)
    before = stored()
    signed_in(with_password)
    assert stored() == before
    monkeypatch.setattr(passwords, "_HASHER", Argon2Hasher(memory_cost=128, time_cost=1, parallelism=1))
    signed_in(with_password)
    assert "m=128" in stored()
    assert signed_in(with_password).jwt
    assert is_live(with_password, kept)  # the password is the same
    assert hash_password("x")
