"""Promise B8: a link to set a password is random, good once, for a day, and dies with a changed password."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from falcon import testing

from tallystick.auth.sessions import offer_password_link, password_link, set_password, sign_in
from tallystick.db.session import Database
from tallystick.domain import members
from tallystick.domain.sessions import LINK_LIFETIME
from tallystick.values.errors import NotFound, Unauthenticated
from tests.sign_in.conftest import ISSUER, PASSWORD, give_password, signed_in, submit
from tests.studio import KEY, Studio, found_studio

NEW = "nine grey geese over the weir"
TWICE = {"new_password": NEW, "again": NEW}


def link_for(studio: Studio, who: str = "owner") -> str:
    with studio.context() as ctx:
        return offer_password_link(ctx, KEY, studio.people[who].user_id)


def is_good(studio: Studio, secret: str) -> bool:
    try:
        with studio.database.transaction() as connection:
            password_link(connection, KEY, secret, studio.clock())
    except NotFound:
        return False
    return True


def test_it_sets_a_password_once(with_password: Studio, door: testing.TestClient) -> None:
    before = signed_in(with_password)
    secret = link_for(with_password)
    page = door.simulate_get(f"/reset/{secret}")
    assert page.status_code == 200
    assert with_password.owner.email in page.text
    done = submit(door, f"/reset/{secret}", TWICE)
    assert (done.status_code, done.headers["Location"]) == (303, "/sign-in?done=password")
    assert "Sign in with it" in door.simulate_get("/sign-in?done=password").text
    assert signed_in(with_password, password=NEW).jwt
    with pytest.raises(Unauthenticated):
        signed_in(with_password)
    for again in (door.simulate_get(f"/reset/{secret}"), submit(door, f"/reset/{secret}", TWICE)):
        assert again.status_code == 404
        assert "not valid any more" in again.text
    answer = door.simulate_get("/api/auth/token", headers={"Authorization": f"Bearer {before.jwt}"})
    assert answer.status_code == 401  # sessions from before are over


def test_it_lets_in_somebody_who_never_had_a_password(with_password: Studio, door: testing.TestClient) -> None:
    assert submit(door, f"/reset/{link_for(with_password, 'second')}", TWICE).status_code == 303
    assert signed_in(with_password, "second", NEW).jwt


def test_after_a_day_it_neither_shows_nor_sets(with_password: Studio, door: testing.TestClient) -> None:
    secret = link_for(with_password)
    with_password.clock.now += LINK_LIFETIME - timedelta(seconds=1)
    assert door.simulate_get(f"/reset/{secret}").status_code == 200
    with_password.clock.now += timedelta(seconds=1)
    assert door.simulate_get(f"/reset/{secret}").status_code == 404
    assert submit(door, f"/reset/{secret}", TWICE).status_code == 404
    assert signed_in(with_password).jwt


def test_it_dies_with_a_changed_password_and_with_a_newer_link(with_password: Studio, database: Database) -> None:
    there = found_studio(database, KEY, name="Second home")
    with there.context() as ctx:
        member = members.add(ctx, email=with_password.owner.email, name="Owner", role="MEMBER")
        abroad = offer_password_link(ctx, KEY, member.user_id)
    assert is_good(with_password, abroad)
    newer = link_for(with_password)
    assert not is_good(with_password, abroad)
    assert is_good(with_password, newer)
    give_password(with_password, "owner", NEW)
    assert not is_good(with_password, newer)


def test_it_dies_with_the_membership(with_password: Studio) -> None:
    secret = link_for(with_password, "member")
    with with_password.context() as ctx:
        members.remove(ctx, members.by_email(ctx, with_password.people["member"].email))
    assert not is_good(with_password, secret)
    with with_password.context() as ctx:
        members.add(ctx, email=with_password.people["member"].email, name="Member", role="MEMBER")
    assert not is_good(with_password, secret)


def test_of_two_at_once_one_sets_its_password(with_password: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = link_for(with_password)
    both = threading.Barrier(2)
    set_it = members.set_password

    def slowly(*facts: Any, **more: Any) -> None:
        # Where both get here, both set it; where one is kept waiting, the other goes on alone.
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(timeout=1)
        set_it(*facts, **more)

    def use(number: int) -> str | None:
        password = f"{NEW} number {number}"
        try:
            set_password(with_password.database, KEY, secret, password, with_password.clock())
        except NotFound:
            return None
        return password

    monkeypatch.setattr(members, "set_password", slowly)
    with ThreadPoolExecutor(2) as crowd:
        used = [password for password in crowd.map(use, range(2)) if password]
    assert len(used) == 1
    assert signed_in(with_password, password=used[0]).jwt


def test_it_ends_a_lock_out(with_password: Studio) -> None:
    for _ in range(10):
        with pytest.raises(Unauthenticated):
            signed_in(with_password, password="wrong")
    set_password(with_password.database, KEY, link_for(with_password), NEW, with_password.clock())
    assert signed_in(with_password, password=NEW).jwt


def test_a_poor_password_is_refused_and_the_link_stays_good(with_password: Studio, door: testing.TestClient) -> None:
    secret = link_for(with_password)
    for password, why in (
        ("short", "at least 15 characters"),
        (with_password.owner.email, "first a stranger would try"),
        ("Studio North, Studio North", "first a stranger would try"),
        ("x" * 129, "at most 128 characters"),
    ):
        refused = submit(door, f"/reset/{secret}", {"new_password": password, "again": password})
        assert refused.status_code == 400
        assert why in refused.text
        assert refused.text.count(password) <= refused.text.count(with_password.owner.email)
    assert "differ" in submit(door, f"/reset/{secret}", {**TWICE, "again": "x"}).text
    assert submit(door, f"/reset/{secret}", TWICE).status_code == 303


@pytest.mark.parametrize(
    "secret", ["", "hsl_", "hsl_" + "A" * 43, "hsk_live_0", "..", "%00", "é", "' OR 1=1", "A" * 5000]
)
def test_another_link_is_none(with_password: Studio, door: testing.TestClient, secret: str) -> None:
    assert door.simulate_get(f"/reset/{secret}").status_code == 404
    assert submit(door, f"/reset/{secret}", TWICE).status_code == 404


def test_links_are_long_and_never_alike_and_only_their_digest_is_kept(with_password: Studio) -> None:
    secrets = {link_for(with_password) for _ in range(50)}
    assert len(secrets) == 50
    assert all(len(secret) == 47 for secret in secrets)
    with with_password.context() as ctx:
        rows = str(ctx.connection.execute("SELECT password_links::text FROM password_links").fetchall())
    assert not any(secret[4:] in rows or secret.encode().hex() in rows for secret in secrets)


def test_whoever_tries_links_waits_after_five(with_password: Studio, door: testing.TestClient) -> None:
    secret = link_for(with_password)
    for number in range(5):
        assert door.simulate_get(f"/reset/hsl_{number:043}").status_code == 404
    waiting = door.simulate_get(f"/reset/{secret}")
    assert waiting.status_code == 429
    assert int(waiting.headers["Retry-After"]) == 600
    assert door.simulate_get(f"/reset/{secret}", remote_addr="198.51.100.7").status_code == 200
    with_password.clock.now += timedelta(minutes=10)
    assert door.simulate_get(f"/reset/{secret}").status_code == 200


def test_it_is_set_from_its_own_page_only(with_password: Studio, door: testing.TestClient) -> None:
    secret = link_for(with_password)
    assert submit(door, f"/reset/{secret}", TWICE, Sec_Fetch_Site="cross-site").status_code == 403
    assert is_good(with_password, secret)


def test_nothing_on_its_page_names_the_host_of_the_request(with_password: Studio, door: testing.TestClient) -> None:
    page = door.simulate_get(
        f"/reset/{link_for(with_password)}", headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    )
    assert page.status_code == 200
    assert "evil.example" not in page.text + str(page.headers)


def test_a_link_is_no_credential_elsewhere(with_password: Studio, door: testing.TestClient) -> None:
    secret = link_for(with_password)
    signed = signed_in(with_password)
    for credential in (secret, signed.cookie_secret, signed.device, signed.csrf):
        answer = door.simulate_get("/api/auth/token", headers={"Authorization": f"Bearer {credential}"})
        assert answer.status_code == 401
        assert door.simulate_get("/api/v1/me", headers={"Authorization": f"Bearer {credential}"}).status_code == 401
    for credential in (secret, signed.jwt, signed.device, signed.csrf, with_password.owner.token):
        answer = door.simulate_get("/api/auth/token", headers={"Cookie": f"tallystick={credential}"})
        assert answer.status_code == 401
    for credential in (signed.jwt, signed.cookie_secret, signed.device, with_password.owner.token):
        assert not is_good(with_password, credential)
        assert door.simulate_get("/api/auth/token", headers={"Authorization": f"Basic {credential}"}).status_code == 401
    for device in (signed.cookie_secret, signed.jwt, secret):
        facts = {"issuer": ISSUER, "address": "192.0.2.1", "now": with_password.clock(), "device": device}
        assert sign_in(with_password.database, KEY, with_password.owner.email, PASSWORD, **facts).jwt  # type: ignore[arg-type]
