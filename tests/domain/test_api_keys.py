"""API keys: the owner's to give, shown once, acting as the owner for as long as they are not revoked."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tallystick.auth import api_keys as texts
from tallystick.auth import bearer
from tallystick.auth.tokens import checksum
from tallystick.db.session import Database
from tallystick.domain import api_keys, expenses, members, notes, time_entries
from tallystick.domain.access import Actor
from tallystick.domain.api_keys import ApiKey
from tallystick.domain.context import Context
from tallystick.domain.notes import NOTES
from tallystick.values.errors import Conflict, Forbidden, Invalid, Unauthenticated
from tests.domain.conftest import Desk
from tests.studio import KEY


def issue(desk: Desk, who: str = "owner", name: str = "Books") -> tuple[str, ApiKey]:
    text = texts.mint()
    key = desk.do(api_keys.issue, name=name, prefix=texts.prefix_of(text), digest=texts.digest(KEY, text), who=who)
    return text, key


def act(database: Database, desk: Desk, text: str) -> Actor:
    with database.transaction() as connection:
        return texts.actor_of(connection, KEY, text, desk.studio.clock())


def test_a_key_acts_as_the_owner_of_its_workspace(desk: Desk, database: Database):
    text, key = issue(desk)
    actor = act(database, desk, text)
    assert (actor.workspace_id, actor.user_id, actor.role) == (desk.studio.workspace_id, desk.user("owner"), "OWNER")
    assert (actor.credential, actor.credential_name) == (f"hgk_{key.prefix}", "Books")
    assert actor.founder_id == desk.user("owner")
    assert desk.events(key.id) == ["api_key.issued"]


def test_it_opens_only_its_own_workspace(desk: Desk, database: Database):
    text, _ = issue(desk)
    for _ in range(2):  # looked up, then remembered
        with database.transaction() as connection:
            texts.actor_of(connection, KEY, text, desk.studio.clock())
            found = connection.execute("SELECT id FROM workspaces").fetchall()
            assert found == [(desk.studio.workspace_id,)]


def test_what_it_makes_is_the_founders_whoever_owns_the_workspace_now(desk: Desk, database: Database):
    text, _ = issue(desk)
    with desk.studio.context() as ctx:
        members.set_role(ctx, members.active(ctx, desk.user("admin")), "OWNER")
    with database.transaction() as connection:
        actor = texts.actor_of(connection, KEY, text, desk.studio.clock())
        assert (actor.user_id, actor.role) == (desk.user("admin"), "OWNER")
        ctx = Context(actor, connection, desk.studio.clock)
        entry = time_entries.log(
            ctx, project_id=desk["project"], entry_date=ctx.today(), duration_seconds=60, user_id=desk.user("member")
        )
        private = notes.create(ctx, title="x", description="x", visibility="private")
        assert notes.read(ctx, private.id).title == "x"
        assert len(NOTES.page(ctx, ("id",), {}).rows) == 1
    assert desk.do(time_entries.read, entry.id).created_by == desk.user("owner")
    assert desk.do(time_entries.read, entry.id).user_id == desk.user("member")


def test_what_people_make_is_their_own(desk: Desk):
    with desk.studio.context("manager") as ctx:
        spent = expenses.record(
            ctx,
            client_id=desk["client"],
            description="x",
            amount=1,
            expense_date=ctx.today(),  # type: ignore[arg-type]
        )
    assert spent.created_by == desk.user("manager")


def test_a_revoked_key_is_refused_at_the_next_request(desk: Desk, database: Database):
    text, key = issue(desk)
    act(database, desk, text)
    desk.do(api_keys.revoke, key)
    desk.do(api_keys.revoke, key)
    texts._KEYS.forget()
    with pytest.raises(Unauthenticated):
        act(database, desk, text)
    assert desk.events(key.id) == ["api_key.issued", "api_key.revoked"]


def test_what_is_no_key_of_ours_is_refused(desk: Desk, database: Database):
    text, _ = issue(desk)
    stranger = texts.mint()
    forged = f"{text[:-32]}{'0' * 26}"
    for wrong in ("", "hgk_", text[:-1], text + "x", text.swapcase(), stranger, forged + checksum(forged), "é"):
        with pytest.raises(Unauthenticated):
            act(database, desk, wrong)
    with pytest.raises(Unauthenticated), database.transaction() as connection:
        texts.actor_of(connection, bytes(32), text, desk.studio.clock())


def test_the_native_api_takes_none(desk: Desk, database: Database):
    text, _ = issue(desk)
    with database.transaction() as connection, pytest.raises(Unauthenticated):
        bearer.actor_of(connection, KEY, f"Bearer {text}", desk.studio.clock())


def test_only_the_owner_gives_and_takes_them(desk: Desk):
    _, key = issue(desk)
    for who in ("admin", "manager", "member"):
        with pytest.raises(Forbidden):
            issue(desk, who)
        with pytest.raises(Forbidden):
            desk.do(api_keys.all_of, who=who)
        with pytest.raises(Forbidden):
            desk.do(api_keys.revoke, key, who=who)


def test_they_are_listed_newest_first_without_what_is_secret(desk: Desk):
    text, old = issue(desk)
    desk.studio.clock.now += timedelta(minutes=1)
    _, new = issue(desk, name="Other")
    assert [key.prefix for key in desk.do(api_keys.all_of)] == [new.prefix, old.prefix]
    told = str(desk.rows("SELECT data::text FROM events WHERE resource = 'api_key'"))
    assert old.prefix in told
    assert text not in told
    assert old.digest.hex() not in told


def test_there_are_not_too_many(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(api_keys, "LIVE", 1)
    _, key = issue(desk)
    with pytest.raises(Conflict):
        issue(desk)
    desk.do(api_keys.revoke, key)
    issue(desk)


@pytest.mark.parametrize("name", ["", " ", "x" * 101])
def test_a_name_that_cannot_be_is_refused(desk: Desk, name: str):
    with pytest.raises(Invalid):
        issue(desk, name=name)
