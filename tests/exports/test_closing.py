"""Closing a workspace: who is nobody from then on, what rests, how it is taken back, and that nothing of it is left."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from tallystick.auth import sessions
from tallystick.auth.invitations import invite
from tallystick.db.base import Row
from tallystick.db.session import owner_connection
from tallystick.domain import clients, closing, exports, members, workspaces
from tallystick.domain.invoices import links
from tallystick.domain.mails.mail import Mail
from tallystick.jobs import tasks
from tallystick.jobs.desk import Desk
from tallystick.values.errors import Conflict, Forbidden, Invalid, Unauthenticated
from tests.app.conftest import Visitor
from tests.matrix.world import World, contents
from tests.sign_in.conftest import PASSWORD, cheap_hashes, give_password, nothing_counted, signed_in  # noqa: F401
from tests.studio import KEY, SERVER, Api, Studio, app_client, found_studio


def close(studio: Studio) -> None:
    with studio.context() as ctx:
        closing.close(ctx, name=studio.name)


def reopen(studio: Studio) -> None:
    with studio.context() as ctx:
        closing.reopen(ctx)


def open_again(studio: Studio) -> bool:
    with studio.context() as ctx:
        return workspaces.current(ctx).closed_at is None


def test_who_comes_when_too_many_prove_who_they_are_is_asked_to_come_again(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_password(studio, "owner")
    monkeypatch.setattr("tallystick.web.auth.entrance.AT_ONCE", 0)
    owner = Visitor(app_client(studio.database, studio.clock, tmp_path), signed_in(studio, "owner"))
    refused = owner.post("/settings/close/confirm", {"name": studio.name, "password": PASSWORD})
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert owner.get("/settings/close").status_code == 200


def test_its_owner_closes_it_by_page_with_name_and_password_and_takes_it_back(studio: Studio, tmp_path: Path) -> None:
    give_password(studio, "owner")
    give_password(studio, "admin")
    door = app_client(studio.database, studio.clock, tmp_path)
    owner, admin = (Visitor(door, signed_in(studio, who)) for who in ("owner", "admin"))
    right = {"name": studio.name, "password": PASSWORD}
    for wrong in ({"name": "Another"}, {"password": "not that one at all"}, {"csrf_token": "0" * 64}):
        assert owner.post("/settings/close/confirm", {**right, **wrong}).status_code in (400, 403), wrong
    assert admin.post("/settings/close/confirm", right).status_code == 403
    assert open_again(studio)
    done = owner.post("/settings/close/confirm", right)
    assert (done.status_code, done.headers["Location"]) == (303, "/settings/close")
    assert "15 Jul 2026" in owner.see("/settings/close")  # thirty days after 15 June
    for path in ("/", "/invoices", "/settings", "/time/week"):
        assert owner.get(path).headers["Location"] == "/settings/close", path
    assert owner.post("/clients/new", {"name": "Late"}).headers["Location"] == "/settings/close"
    assert admin.get("/").headers["Location"] == "/sign-in"
    with pytest.raises(Unauthenticated):
        signed_in(studio, "admin")
    again = Visitor(door, signed_in(studio))  # the owner still signs in
    assert again.post("/settings/export").status_code == 303
    assert again.see("/settings/export").count("data-export") == 1
    assert again.post("/settings/reopen").status_code == 303
    assert again.get("/").status_code == 200
    assert admin.get("/").status_code == 200
    with studio.context() as ctx:
        told = [one.subject for one in ctx.select(Mail, Mail.kind == "notice")]
    assert sorted(told) == [f"{studio.name} is closed", f"{studio.name} is open again"]
    with owner_connection(studio.database.url) as connection:
        events = connection.execute(
            "SELECT type FROM events WHERE workspace_id = %s AND type LIKE 'workspace.%%' ORDER BY 1",
            [studio.workspace_id],
        ).fetchall()
    assert events == [("workspace.closed",), ("workspace.reopened",)]


def test_every_other_way_in_is_nobody_and_works_again_afterwards(furnished_world: World, tmp_path: Path) -> None:
    studio = furnished_world.studio
    give_password(studio, "owner")
    door = app_client(studio.database, studio.clock, tmp_path)
    signed = signed_in(studio)
    with studio.context() as ctx:
        link = links.of_invoice(ctx, furnished_world["invoice.sent"])
        assert link is not None
        url = links.url_of(ctx, link)
    assert url is not None
    path = url.removeprefix(SERVER.public_url)
    api = Api(door, studio.owner.token)

    def ways() -> list[int]:
        with studio.database.transaction() as connection:
            try:
                sessions.session_of_jwt(connection, KEY, signed.jwt, studio.clock(), "http://127.0.0.1:8000")
                by_jwt = 200
            except Unauthenticated:
                by_jwt = 401
        return [api("GET", "/clients").status_code, door.simulate_get(path).status_code, by_jwt]

    before = ways()
    assert before == [200, 200, 200]
    close(studio)
    assert ways() == [401, 404, 401]
    reopen(studio)
    assert ways() == before


def test_every_function_that_opens_a_workspace_asks_whether_it_is_closed(database_url: str) -> None:
    with owner_connection(database_url) as connection:
        found = connection.execute("""
            SELECT proname, prosrc LIKE '%closed_at%' OR prosrc LIKE '%portal_knows(%' FROM pg_proc
            WHERE pronamespace = 'public'::regnamespace AND prosrc LIKE '%set_config(''tallystick.workspace''%'
        """).fetchall()
    assert len(found) >= 9
    assert [name for name, asks in found if not asks] == []


def test_what_is_written_meanwhile_is_refused_with_a_sentence(studio: Studio) -> None:
    close(studio)
    with pytest.raises(Conflict, match="closed") as refused, studio.context() as ctx:
        clients.create(ctx, name="Late")
    assert refused.value.reason == "workspace_closed"
    with pytest.raises(Conflict, match="closed already"):
        close(studio)
    reopen(studio)
    with studio.context() as ctx:
        clients.create(ctx, name="Late")
    with pytest.raises(Conflict, match="not closed"):
        reopen(studio)


def test_nobody_but_an_owner_closes_and_nobody_by_a_wrong_name(studio: Studio) -> None:
    for who in ("admin", "manager", "member"):
        with pytest.raises(Forbidden), studio.context(who) as ctx:
            closing.close(ctx, name=studio.name)
    with pytest.raises(Invalid) as wrong, studio.context() as ctx:
        closing.close(ctx, name="Studio South")
    assert set(wrong.value.fields) == {"name"}
    assert open_again(studio)


def test_letters_rest_until_it_is_open_again(studio: Studio, database_url: str) -> None:
    desk = Desk(database_url, studio.database, SERVER, studio.clock)
    give_password(studio, "owner")
    with studio.context() as ctx:
        invite(ctx, email="new@studio.example", role="MEMBER")
        (letter,) = ctx.select(Mail, Mail.kind == "invitation")
    close(studio)
    tasks.send_mail(desk, studio.workspace_id, letter.id)
    with studio.context() as ctx:
        assert ctx.find(Mail, letter.id).state == "queued"
        assert ctx.find(Mail, letter.id).attempts == 0
    reopen(studio)
    with owner_connection(database_url) as connection:
        jobs = connection.execute(
            "SELECT count(*) FROM jobs.procrastinate_jobs WHERE args->>'mail_id' = %s", [letter.id]
        ).fetchone()
    assert jobs == (2,)


def test_after_a_month_it_is_erased_and_its_neighbour_is_as_it_was(furnished_world: World) -> None:
    mine = furnished_world.studio
    url = mine.database.url
    theirs = found_studio(mine.database, KEY, name="Next door")
    with theirs.context() as ctx:  # somebody who is in both
        members.add(ctx, email=mine.people["admin"].email, name="Admin", role="MEMBER")
    desk = Desk(url, mine.database, SERVER, mine.clock)
    close(mine)
    with mine.context() as ctx:
        exports.ask(ctx)
    before = contents(url, theirs.workspace_id)
    mine.clock.now += closing.KEPT - timedelta(seconds=1)
    tasks.erase_closed(desk)
    assert contents(url, mine.workspace_id)["workspaces"].startswith("1 ")
    mine.clock.now += timedelta(seconds=1)
    with pytest.raises(Conflict, match="being erased"):
        reopen(mine)
    tasks.erase_closed(desk)
    left = {table: rows for table, rows in contents(url, mine.workspace_id).items() if not rows.startswith("0 ")}
    assert left == {}
    assert contents(url, theirs.workspace_id) == before
    with owner_connection(url) as connection:
        known = connection.execute(
            "SELECT email FROM people WHERE email = ANY (%s) ORDER BY 1", [[one.email for one in mine.people.values()]]
        ).fetchall()
        guards = connection.execute("SELECT count(*) FROM pg_trigger WHERE tgenabled = 'D'").fetchone()
        of_workspaces = {name for name, table in Row.metadata.tables.items() if "workspace_id" in table.c}
    assert known == [(mine.people["admin"].email,)]
    assert guards == (0,)
    assert len(of_workspaces) > 50
    with pytest.raises(psycopg.errors.InsufficientPrivilege), mine.database.transaction() as connection:
        connection.execute("SELECT erase_workspace(%s, now())", [theirs.workspace_id])
