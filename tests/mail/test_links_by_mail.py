"""A password forgotten, and an invitation: a link by mail, once, in time, and nobody learns who is known here."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from falcon import testing

from tallystick.auth import invitations as invitation_links
from tallystick.auth.passwords import hash_password, verify_password
from tallystick.auth.sessions import password_link
from tallystick.db.session import Database, owner_connection, text_query
from tallystick.domain import invitations, members
from tallystick.domain.context import Context
from tallystick.domain.mails.mail import Mail
from tallystick.domain.members import Person
from tallystick.jobs import tasks
from tallystick.values.errors import NotFound, PlanForbids
from tallystick.values.ids import new_id
from tests.mail.conftest import Office
from tests.studio import KEY, Api, Studio, app_client, found_studio

OURS = {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"}
LONG = "four unrelated words of mine"


@pytest.fixture
def client(office: Office, tmp_path: Path) -> testing.TestClient:
    return app_client(office.studio.database, office.studio.clock, tmp_path)


@pytest.fixture
def api(office: Office, client: testing.TestClient) -> Callable[[str], Api]:
    return lambda who: Api(client, office.studio.people[who].token)


def post(client: testing.TestClient, path: str, headers: dict[str, str] | None = None, **fields: str) -> testing.Result:
    return client.simulate_post(path, body=urlencode(fields), headers={**OURS, **(headers or {})})


def asked_jobs(url: str, email: str) -> int:
    """How often somebody asked for a link, as the worker will find it."""
    sql = "SELECT count(*) FROM jobs.procrastinate_jobs WHERE task_name = 'send_reset_link' AND args->>'email' = %s"
    with owner_connection(url) as connection:
        found = connection.execute(text_query(sql), [email]).fetchone()
    assert found is not None
    return int(found[0])


def link_in(office: Office, what: str) -> str:
    """The path of the link in the last letter."""
    body = office.box.letters[-1].get_body(("plain",))
    assert body is not None
    found = re.search(rf"http://127\.0\.0\.1:8000(/{what}/\S+)", body.get_content())
    assert found
    return found[1]


def send_all(office: Office) -> None:
    with office.context() as ctx:
        waiting = ctx.select(Mail, Mail.state == "queued")
    for mail in waiting:
        assert office.send(mail) is None


# --- a password forgotten


def test_whoever_forgot_their_password_sets_a_new_one(
    office: Office, client: testing.TestClient, database_url: str
) -> None:
    email = office.studio.people["member"].email
    page = post(client, "/forgot-password", email=f" {email.upper()} ")
    assert (page.status_code, "is on its way" in page.text) == (200, True)
    assert asked_jobs(database_url, email) == 1
    tasks.send_reset_link(office.desk, email)
    send_all(office)
    (letter,) = office.box.letters
    assert letter["To"] == email
    path = link_in(office, "reset")
    assert client.simulate_get(path).status_code == 200
    done = post(client, path, new_password=LONG, again=LONG)
    assert (done.status_code, done.headers["location"]) == (303, "/sign-in?done=password")
    assert post(client, path, new_password=LONG, again=LONG).status_code == 404  # once


def test_a_stranger_hears_the_same_and_nothing_is_sent(
    office: Office, client: testing.TestClient, database_url: str
) -> None:
    known = post(client, "/forgot-password", email=office.studio.owner.email)
    strange = post(client, "/forgot-password", email="nobody@nowhere.example")
    assert (known.status_code, known.text) == (strange.status_code, strange.text)
    assert asked_jobs(database_url, "nobody@nowhere.example") == 1  # the same work, whoever it is
    tasks.send_reset_link(office.desk, "nobody@nowhere.example")
    send_all(office)
    assert not office.box.letters


def test_five_links_in_ten_minutes_and_no_word_of_it(
    office: Office, client: testing.TestClient, database_url: str
) -> None:
    email = office.studio.people["second"].email
    said = {post(client, "/forgot-password", email=email).text for _ in range(8)}
    assert len(said) == 1
    assert asked_jobs(database_url, email) == 5


def test_the_link_follows_the_public_url_and_no_header(office: Office, client: testing.TestClient) -> None:
    evil = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    assert post(client, "/forgot-password", evil, email=office.studio.owner.email).status_code == 200
    tasks.send_reset_link(office.desk, office.studio.owner.email)
    send_all(office)
    text = office.box.letters[0].as_string()
    assert "evil" not in text
    assert "http://127.0.0.1:8000/reset/" in text.replace("=\r\n", "").replace("=\n", "")


def test_a_newer_link_ends_the_older(office: Office, client: testing.TestClient) -> None:
    for _ in range(2):
        tasks.send_reset_link(office.desk, office.studio.owner.email)
    with office.context() as ctx:
        first, second = sorted(ctx.select(Mail), key=lambda mail: mail.id)
    office.send(first)
    older = link_in(office, "reset")
    office.send(second)
    assert client.simulate_get(older).status_code == 404
    assert client.simulate_get(link_in(office, "reset")).status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_asks_for_nobody(client: testing.TestClient, site: str) -> None:
    assert post(client, "/forgot-password", {"Sec-Fetch-Site": site}, email="a@b.example").status_code == 403


def test_a_server_without_mail_says_so(office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests import studio

    monkeypatch.setattr(studio, "MAIL", {})
    client = app_client(office.studio.database, office.studio.clock, tmp_path)
    assert "sends no mail" in client.simulate_get("/forgot-password").text


def test_the_secret_is_in_no_table(office: Office, database_url: str) -> None:
    tasks.send_reset_link(office.desk, office.studio.owner.email)
    send_all(office)
    secret = link_in(office, "reset").removeprefix("/reset/")
    with owner_connection(database_url) as connection:
        for table in ("mails", "password_links", "events", "jobs.procrastinate_jobs"):
            rows = connection.execute(text_query(f"SELECT to_jsonb(t)::text FROM {table} t")).fetchall()
            assert secret not in str(rows), table
        opened = password_link(connection, KEY, secret, office.studio.clock.now)
    assert opened.user.email == office.studio.owner.email


# --- a password that was changed


def told(office: Office, url: str) -> list[EmailMessage]:
    """The letters that jobs left by what happened until now make, each job done twice."""
    sql = "SELECT args::text FROM jobs.procrastinate_jobs WHERE task_name = 'tell_password_changed' ORDER BY id"
    with owner_connection(url) as connection:
        jobs = [msgspec.json.decode(args) for (args,) in connection.execute(text_query(sql)).fetchall()]
    ours = [args for args in jobs if args["workspace_id"] == office.studio.workspace_id]
    before = len(office.box.letters)
    for args in [*ours, *ours]:
        tasks.tell_password_changed(office.desk, **args)
    send_all(office)
    return office.box.letters[before:]


FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0 https://evil.example <b>"


def test_whoever_sets_a_password_with_a_link_is_told_once_and_from_where(
    office: Office, client: testing.TestClient, database_url: str
) -> None:
    tasks.send_reset_link(office.desk, office.studio.owner.email)
    send_all(office)
    path = link_in(office, "reset")
    refused = post(client, path, {"User-Agent": FIREFOX}, new_password="short", again="short")
    assert (refused.status_code, told(office, database_url)) == (400, [])
    assert post(client, path, {"User-Agent": FIREFOX}, new_password=LONG, again=LONG).status_code == 303
    (letter,) = told(office, database_url)
    assert letter["To"] == office.studio.owner.email
    assert letter["Subject"] == "Your password for Tallystick was changed"
    body = letter.get_body(("plain",))
    assert body is not None
    said = body.get_content()
    assert "From: 127.0.0.1, Firefox · Linux\n" in said.replace("\r", "")
    assert "(Europe/Berlin)" in said
    assert "http://127.0.0.1:8000/forgot-password" in said
    assert "evil" not in letter.as_string()  # who changes it does not write the letter
    with office.context() as ctx:
        assert {mail.content for mail in ctx.select(Mail) if mail.kind == "password"} == {None}


def test_whoever_changes_their_password_is_told_in_their_language(
    office: Office, client: testing.TestClient, database_url: str
) -> None:
    owner = office.studio.owner
    with office.context() as ctx:
        members.set_password(ctx, owner.user_id, hash_password(LONG))
        ctx.change(ctx.find(Person, owner.user_id), language="de", time_zone="America/New_York")
    signed = post(client, "/sign-in", email=owner.email, password=LONG)
    (cookie,) = [one for one in signed.cookies.values() if one.name.endswith("tallystick")]
    headers = {"Cookie": f"{cookie.name}={cookie.value}"}
    csrf = re.search(r'name="csrf_token" value="([^"]+)"', client.simulate_get("/password", headers=headers).text)
    assert csrf
    fields = {"csrf_token": csrf[1], "password": LONG, "new_password": f"{LONG} too", "again": f"{LONG} too"}
    assert post(client, "/password", headers, **{**fields, "password": "wrong"}).status_code == 400
    assert told(office, database_url) == []
    assert "Ihr Passwort ist geändert." in post(client, "/password", headers, **fields).text
    (letter,) = told(office, database_url)
    assert (letter["Subject"], letter["Content-Language"]) == ("Ihr Passwort für Tallystick wurde geändert", "de")
    body = letter.get_body(("plain",))
    assert body is not None
    assert "(America/New_York)" in body.get_content()
    assert "Von wo: 127.0.0.1\n" in body.get_content().replace("\r", "")


def test_where_there_is_no_mail_or_nobody_any_more_nothing_is_told(
    office: Office, client: testing.TestClient, database_url: str
) -> None:
    tasks.send_reset_link(office.desk, office.studio.owner.email)
    send_all(office)
    post(client, link_in(office, "reset"), new_password=LONG, again=LONG)
    mute = replace(office.desk, server=replace(office.server, sender=None))
    assert told(replace(office, desk=mute), database_url) == []
    tasks.tell_password_changed(
        office.desk, office.studio.workspace_id, user_id=new_id(), changed_at=office.studio.clock().isoformat(),
        address="", browser="",
    )  # fmt: skip
    send_all(office)
    assert len(office.box.letters) == 1


# --- invitations


def test_somebody_new_joins_by_mail(office: Office, api: Callable[[str], Api], client: testing.TestClient) -> None:
    told = api("admin").post("/members/invite", {"email": "Lin@new.example", "name": "Lin", "role": "MANAGER"})
    assert (told["email"], told["role"]) == ("lin@new.example", "MANAGER")
    assert [one["id"] for one in api("owner").get("/invitations")] == [told["id"]]
    assert "lin@new.example" not in [one["email"] for one in api("owner").get("/members")]
    send_all(office)
    path = link_in(office, "invitation")
    assert "Join Studio North" in client.simulate_get(path).text
    assert "differ" in post(client, path, name="Lin Park", new_password=LONG, again="x").text
    assert "Enter your name" in post(client, path, name=" ", new_password=LONG, again=LONG).text
    assert post(client, path, name="Lin Park", new_password="short", again="short").status_code == 400
    assert (
        post(client, path, name="Lin Park", new_password=LONG, again=LONG).headers["location"] == "/sign-in?done=joined"
    )
    member = next(one for one in api("owner").get("/members") if one["email"] == "lin@new.example")
    assert (member["name"], member["role"]) == ("Lin Park", "MANAGER")
    assert api("owner").get("/invitations") == []
    assert client.simulate_get(path).status_code == 404  # once
    signed = client.simulate_post("/api/auth/sign-in/email", json={"email": "lin@new.example", "password": LONG})
    assert signed.status_code == 200


def test_somebody_known_elsewhere_joins_with_their_own_password(
    office: Office, api: Callable[[str], Api], client: testing.TestClient, other_studio: Studio
) -> None:
    person = other_studio.people["member"]
    with other_studio.context() as ctx:
        members.set_password(ctx, person.user_id, hash_password(LONG))
    told = api("owner").post("/members/invite", {"email": person.email, "role": "MEMBER"})
    assert told["name"] is None  # who invites learns nothing of them
    send_all(office)
    path = link_in(office, "invitation")
    page = client.simulate_get(path).text
    assert "You sign in here already" in page
    assert "new_password" not in page
    assert post(client, path, name="Mallory", new_password="x", again="y").status_code == 303
    with office.context() as ctx:
        member = members.of_person(ctx, person.user_id)
        assert (member.name, member.role) == ("Member", "MEMBER")
    with owner_connection(office.desk.owner_url) as connection:
        (stored,) = connection.execute(
            b"SELECT password_hash FROM people WHERE id = %s", [person.user_id]
        ).fetchone() or ("",)
    assert verify_password(stored, LONG)


def test_an_invitation_is_good_for_a_week_until_it_is_taken_back_or_replaced(
    office: Office, api: Callable[[str], Api], client: testing.TestClient
) -> None:
    def invited() -> tuple[str, str]:
        made = api("owner").post("/members/invite", {"email": "lin@new.example", "role": "MEMBER"})
        send_all(office)
        return made["id"], link_in(office, "invitation")

    _, first = invited()
    second_id, second = invited()
    assert client.simulate_get(first).status_code == 404
    assert client.simulate_get(second).status_code == 200
    assert api("owner")("DELETE", f"/invitations/{second_id}").status_code == 204
    assert client.simulate_get(second).status_code == 404
    assert api("owner")("DELETE", f"/invitations/{second_id}").status_code == 404
    _, third = invited()
    office.studio.clock.now += timedelta(days=7)
    assert client.simulate_get(third).status_code == 404
    assert post(client, third, name="Lin", new_password=LONG, again=LONG).status_code == 404


def test_bad_links_are_few(client: testing.TestClient) -> None:
    codes = [client.simulate_get(f"/invitation/hsi_{'x' * 43}").status_code for _ in range(7)]
    assert codes == [404] * 5 + [429] * 2


def test_who_is_a_member_is_not_invited(office: Office, api: Callable[[str], Api]) -> None:
    email = office.studio.people["second"].email
    answer = api("owner")("POST", "/members/invite", {"email": email, "role": "MEMBER"})
    assert (answer.status_code, answer.json["error"]["reason"]) == (409, "member")


@pytest.mark.parametrize("body", [{"role": "OWNER"}, {"role": "member"}, {"email": "x"}, {"email": "a@b\nc"}])
def test_nobody_is_invited_as_owner_or_without_an_address(api: Callable[[str], Api], body: dict[str, Any]) -> None:
    given = {"email": "lin@new.example", "role": "MEMBER", **body}
    assert api("owner")("POST", "/members/invite", given).status_code == 422


@pytest.mark.parametrize("who", ["manager", "member"])
def test_only_owner_and_admin_invite(api: Callable[[str], Api], who: str) -> None:
    assert api(who)("POST", "/members/invite", {"email": "l@new.example", "role": "MEMBER"}).status_code == 403
    assert api(who)("GET", "/invitations").status_code == 403


def test_a_plan_has_so_many_seats(database: Database, office: Office) -> None:
    studio = found_studio(database, KEY, plan="studio")  # five people, ten seats
    with studio.context() as plain:
        ctx = Context(replace(plain.actor, plan="studio"), plain.connection, studio.clock, office.server)
        for number in range(5):
            invitation_links.invite(ctx, email=f"p{number}@new.example", role="MEMBER")
        assert invitations.seats(ctx) == (10, 10)
        invitation_links.invite(ctx, email="p1@new.example", role="ADMIN")  # one that waits is replaced
        with pytest.raises(PlanForbids) as refused:
            invitation_links.invite(ctx, email="p6@new.example", role="MEMBER")
    assert (refused.value.required_plan, refused.value.feature) == ("agency", "seats")


def test_credentials_are_not_mixed_up(office: Office, database_url: str) -> None:
    """A link of one kind opens nothing of another."""
    tasks.send_reset_link(office.desk, office.studio.owner.email)
    send_all(office)
    secret = link_in(office, "reset").removeprefix("/reset/")
    with owner_connection(database_url) as connection:
        for opens in (secret, f"hsi_{secret.removeprefix('hsl_')}"):
            with pytest.raises(NotFound):
                invitation_links.invitee(connection, KEY, opens, office.studio.clock.now)
