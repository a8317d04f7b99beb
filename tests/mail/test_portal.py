"""`/portal`: who is let in by which link, for how long, and that they see one client of one workspace and no more."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from falcon import testing
from markupsafe import escape

from tallystick.domain import clients, contacts, portal, projects, sending, time_entries
from tallystick.domain.credit_notes.credit import credit
from tallystick.domain.mails.mail import Mail
from tallystick.domain.portal import PortalLink, PortalSession
from tallystick.jobs import tasks
from tallystick.values.errors import Conflict, Invalid
from tallystick.values.look import LANGUAGES
from tallystick.web.portal_words import WORDS
from tests.mail.conftest import Office
from tests.mail.test_sending import drafted
from tests.studio import Studio, app_client

OURS = {"Sec-Fetch-Site": "same-origin"}
FORM = {**OURS, "Content-Type": "application/x-www-form-urlencoded"}
ADA = "ada@globex.example"


@pytest.fixture
def client(office: Office, tmp_path: Path) -> testing.TestClient:
    with office.context() as ctx:
        who = {"first_name": "Ada", "last_name": "B", "email": ada(office)}
        contacts.create(ctx, client_id=office.studio.ids["client"], **who)
    return app_client(office.studio.database, office.studio.clock, tmp_path)


def ada(office: Office) -> str:
    """The tests share a database: everybody has an address of their own."""
    return f"{office.box.port}.{ADA}"


def asked(office: Office, client: testing.TestClient, email: str) -> testing.Result:
    """Ask for a link on the page, and let the worker do what it left."""
    answer = client.simulate_post("/portal", headers=FORM, body=f"email={email}")
    tasks.send_portal_link(office.desk, email.strip().lower())
    return answer


def link_in(office: Office) -> str:
    """The path of the last link that arrived."""
    with office.context() as ctx:
        waiting = [one for one in ctx.select(Mail, Mail.kind == "portal") if one.state == "queued"]
    for mail in waiting:
        assert office.send(mail) is None
    letter = office.box.letters[-1]
    text = str(letter.get_body(("plain",)).get_content())
    found = re.search(r"http://127\.0\.0\.1:8000(/portal/in/hsp_[\w-]{43})", text)
    assert found, text
    return found[1]


def entered(client: testing.TestClient, path: str, cookie: str = "") -> str:
    """The cookie that a link gives."""
    headers = {**FORM, "Cookie": cookie} if cookie else FORM
    answer = client.simulate_post(path, headers=headers)
    assert answer.status_code == 303, answer.text
    return answer.headers["set-cookie"].split(";")[0]


def let_in(office: Office, client: testing.TestClient) -> str:
    asked(office, client, ada(office))
    return entered(client, link_in(office))


def seen(client: testing.TestClient, path: str, cookie: str) -> testing.Result:
    return client.simulate_get(path, headers={"Cookie": cookie})


def test_a_link_by_mail_lets_a_contact_in_to_their_invoices_and_to_nothing_else(
    office: Office, client: testing.TestClient
) -> None:
    invoice_id = drafted(office)
    with office.context() as ctx:
        sending.send(ctx, invoice_id)
    draft_id = drafted(office)
    cookie = let_in(office, client)
    here = f"/portal/{office.studio.ids['client']}"
    on = seen(client, "/portal", cookie)
    assert (on.status_code, on.headers["location"]) == (303, here)
    page = seen(client, here, cookie)
    assert page.status_code == 200
    for text in ("Studio North", "Globex", "INV-0001", "€1,234.50", "Open"):
        assert text in page.text, text
    assert "DRAFT-" not in page.text
    assert draft_id not in page.text
    for hidden in (WORDS["en"].hours, WORDS["en"].budget):
        assert hidden not in page.text
    to_invoice = seen(client, f"{here}/invoices/{invoice_id}", cookie)
    assert to_invoice.status_code == 303
    public = client.simulate_get(to_invoice.headers["location"])
    assert (public.status_code, "INV-0001" in public.text) == (200, True)
    assert seen(client, f"{here}/invoices/{draft_id}", cookie).status_code == 404


def test_a_link_works_once_and_for_half_an_hour(office: Office, client: testing.TestClient) -> None:
    asked(office, client, ada(office))
    path = link_in(office)
    assert client.simulate_get(path).status_code == 200  # a program that looks at links uses nothing up
    entered(client, path)
    again = client.simulate_post(path, headers=FORM)
    assert (again.status_code, "set-cookie" in again.headers) == (404, False)
    office.studio.clock.now += timedelta(minutes=5)
    asked(office, client, ada(office))
    late = link_in(office)
    office.studio.clock.now += timedelta(minutes=30)
    assert client.simulate_post(late, headers=FORM).status_code == 404


def test_the_answer_is_the_same_for_an_address_that_nobody_has(office: Office, client: testing.TestClient) -> None:
    known = client.simulate_post("/portal", headers=FORM, body=f"email={ada(office)}")
    unknown = client.simulate_post("/portal", headers=FORM, body="email=nobody@nowhere.example")
    nonsense = client.simulate_post("/portal", headers=FORM, body="email=%00")
    assert known.status_code == unknown.status_code == nonsense.status_code == 200
    assert known.content == unknown.content == nonsense.content
    tasks.send_portal_link(office.desk, "nobody@nowhere.example")
    with office.context() as ctx:
        assert ctx.select(Mail, Mail.kind == "portal") == []


def test_five_tries_in_ten_minutes_by_mail_address_and_by_network(office: Office, client: testing.TestClient) -> None:
    for email in (ada(office), "nobody@nowhere.example"):
        answers = [
            client.simulate_post("/portal", headers=FORM, body=f"email={email}", remote_addr=f"10.{len(email)}.0.{n}")
            for n in range(6)
        ]
        assert [one.status_code for one in answers] == [200] * 5 + [429]
    one_place = [
        client.simulate_post("/portal", headers=FORM, body=f"email=n{number}@x.example", remote_addr="10.9.9.9")
        for number in range(6)
    ]
    assert [one.status_code for one in one_place] == [200] * 5 + [429]
    guessed = [
        client.simulate_post(f"/portal/in/hsp_{'x' * 42}{number}", headers=FORM, remote_addr="10.9.9.8")
        for number in range(6)
    ]
    assert [one.status_code for one in guessed] == [404] * 5 + [429]


def test_secrets_are_kept_as_digests_and_the_letter_is_forgotten(office: Office, client: testing.TestClient) -> None:
    asked(office, client, ada(office))
    path = link_in(office)
    cookie = entered(client, path)
    with office.context() as ctx:
        link, session = ctx.select(PortalLink)[0], ctx.select(PortalSession)[0]
        mail = ctx.select(Mail, Mail.kind == "portal")[0]
    secret = cookie.partition("=")[2]
    assert (len(link.digest), len(session.digest), mail.content) == (32, 32, None)
    assert secret.encode() not in session.digest
    assert path.rpartition("/")[2].encode() not in link.digest


def test_a_visitor_of_one_client_sees_no_other_and_no_other_workspace(
    office: Office, client: testing.TestClient, other_studio: Studio
) -> None:
    with office.context() as ctx:
        clients.change(ctx, office.studio.ids["other_client"], email=f"x{ada(office)}")
    invoice_id = drafted(office)
    with office.context() as ctx:
        sending.send(ctx, invoice_id)
    with other_studio.context() as ctx:
        clients.change(ctx, other_studio.ids["client"], email=f"y{ada(office)}")
    cookie = let_in(office, client)
    for foreign in (office.studio.ids["other_client"], other_studio.ids["client"], "nonsense", invoice_id):
        for below in ("", f"/invoices/{invoice_id}", f"/credit-notes/{invoice_id}/pdf"):
            answer = seen(client, f"/portal/{foreign}{below}", cookie)
            assert (answer.status_code, answer.headers.get("location")) == (303, "/portal"), foreign
    # Their own page, with an invoice of another client of the same workspace: moved there behind the verbs' back.
    with office.context() as ctx:
        stranger = clients.create(ctx, name="Umbrella", email=f"z{ada(office)}")
    asked(office, client, f"z{ada(office)}")
    other_cookie = entered(client, link_in(office))
    answer = seen(client, f"/portal/{stranger.id}/invoices/{invoice_id}", other_cookie)
    assert answer.status_code == 404
    assert "INV-0001" not in seen(client, f"/portal/{stranger.id}", other_cookie).text


def test_who_is_known_in_several_places_chooses(
    office: Office, client: testing.TestClient, other_studio: Studio
) -> None:
    with office.context() as ctx:
        clients.change(ctx, office.studio.ids["other_client"], billing_email=ada(office))
    with other_studio.context() as ctx:
        clients.change(ctx, other_studio.ids["client"], email=ada(office).upper(), name="Elsewhere")
    cookie = let_in_each(office, client, other_studio)
    page = seen(client, "/portal", cookie).text
    for text in ("Globex", "Initech", "Elsewhere", "Studio North", "Canary &amp; Co"):
        assert text in page, text
    for place in (office.studio.ids["client"], office.studio.ids["other_client"], other_studio.ids["client"]):
        assert seen(client, f"/portal/{place}", cookie).status_code == 200
    client.simulate_post("/portal/out", headers={**FORM, "Cookie": cookie})
    assert "Elsewhere" not in seen(client, "/portal", cookie).text


def let_in_each(office: Office, client: testing.TestClient, other: Studio) -> str:
    """By the letter of each workspace, in one browser."""
    asked(office, client, ada(office))
    cookie = entered(client, link_in(office))
    with other.context() as ctx:
        mail = ctx.select(Mail, Mail.kind == "portal")[0]
    tasks.send_mail(office.desk, other.workspace_id, mail.id)
    letter = str(office.box.letters[-1].get_body(("plain",)).get_content())
    found = re.search(r"(/portal/in/hsp_[\w-]{43})", letter)
    assert found
    fresh = entered(client, found[1], cookie)
    assert fresh != cookie
    assert "Globex" not in seen(client, "/portal", cookie).text  # the old secret opens nothing any more
    return fresh


def test_a_new_link_takes_nothing_over_from_the_session_of_somebody_else(
    office: Office, client: testing.TestClient
) -> None:
    """Else whoever could plant a cookie in a browser would see what its owner sees."""
    with office.context() as ctx:
        clients.change(ctx, office.studio.ids["other_client"], email=f"x{ada(office)}")
    asked(office, client, f"x{ada(office)}")
    planted = entered(client, link_in(office))
    asked(office, client, ada(office))
    cookie = entered(client, link_in(office), planted)
    assert "Initech" not in seen(client, "/portal", cookie).text
    assert seen(client, f"/portal/{office.studio.ids['client']}", planted).status_code == 303


def test_a_session_lasts_seven_days_and_ends_at_once_when_it_is_ended(
    office: Office, client: testing.TestClient
) -> None:
    here = f"/portal/{office.studio.ids['client']}"
    cookie = let_in(office, client)
    office.studio.clock.now += timedelta(days=7, seconds=-1)
    assert seen(client, here, cookie).status_code == 200
    with office.context() as ctx:
        assert [one.email for one in portal.sessions_of(ctx, office.studio.ids["client"])] == [ada(office)]
    office.studio.clock.now += timedelta(seconds=1)
    assert seen(client, here, cookie).status_code == 303
    cookie = let_in(office, client)
    assert seen(client, here, cookie).status_code == 200
    with office.context() as ctx:
        portal.end_sessions(ctx, office.studio.ids["client"])
        assert portal.sessions_of(ctx, office.studio.ids["client"]) == []
    assert seen(client, here, cookie).status_code == 303


@pytest.mark.parametrize("what", ["contact", "closed", "deleted"])
def test_who_is_no_contact_any_more_sees_nothing_any_more(
    office: Office, client: testing.TestClient, what: str
) -> None:
    cookie = let_in(office, client)
    client_id = office.studio.ids["client"]
    with office.context() as ctx:
        if what == "contact":
            contacts.change(ctx, contacts.primary_of(ctx, client_id).id, email=f"new.{ada(office)}")  # type: ignore[union-attr]
        elif what == "closed":
            clients.change(ctx, client_id, portal_shows=[])
        else:
            ctx.change(ctx.find(clients.Client, client_id), deleted_at=ctx.now)
    assert seen(client, f"/portal/{client_id}", cookie).status_code == 303
    assert "Globex" not in seen(client, "/portal", cookie).text


def test_hours_notes_and_budget_are_shown_where_the_workspace_chose_so(
    office: Office, client: testing.TestClient
) -> None:
    ids = office.studio.ids
    with office.context() as ctx:
        projects.change(ctx, ids["project"], budget_hours=Decimal(10))
        for day, seconds, note in ((14, 5400, "Only for us"), (1, 3600, "Older")):
            time_entries.log(
                ctx, project_id=ids["project"], task_id=ids["task"], entry_date=date(2026, 6, day),
                duration_seconds=seconds, note=note,
            )  # fmt: skip
    cookie = let_in(office, client)
    here = f"/portal/{ids['client']}"

    def page(shows: list[str], query: str = "") -> str:
        with office.context() as ctx:
            clients.change(ctx, ids["client"], portal_shows=shows)
        return seen(client, here + query, cookie).text

    assert "2.50 h" in page(["hours"])
    assert "1.50 h" in page(["hours"], "?from=2026-06-10&to=2026-06-14")
    hidden = page(["hours"])
    for text in ("Only for us", "Older", "90.00", "Invoices", "Budget"):
        assert text not in hidden, text
    assert "Only for us" in page(["hours", "notes"])
    assert "Only for us" not in page(["notes"])
    left = page(["budget"])
    assert "7.50 h of 10.00 h left" in left
    assert "Website" in left
    assert "2.50 h" not in page(["invoices"])


def test_credit_notes_are_there_with_their_paper(office: Office, client: testing.TestClient) -> None:
    invoice_id = drafted(office)
    with office.context() as ctx:
        sending.send(ctx, invoice_id)
        note, *_ = credit(ctx, invoice_id, reason="Wrong")
    cookie = let_in(office, client)
    here = f"/portal/{office.studio.ids['client']}"
    assert note.number in seen(client, here, cookie).text
    pdf = seen(client, f"{here}/credit-notes/{note.id}/pdf", cookie)
    assert (pdf.status_code, pdf.content[:5]) == (200, b"%PDF-")
    with office.context() as ctx:
        clients.change(ctx, office.studio.ids["client"], portal_shows=["hours"])
    assert seen(client, f"{here}/credit-notes/{note.id}/pdf", cookie).status_code == 404


@pytest.mark.parametrize("language", LANGUAGES)
def test_letter_and_page_speak_the_clients_language(office: Office, client: testing.TestClient, language: str) -> None:
    with office.context() as ctx:
        clients.change(
            ctx, office.studio.ids["client"], language=language, portal_shows=["invoices", "hours", "budget"]
        )
    cookie = let_in(office, client)
    page = seen(client, f"/portal/{office.studio.ids['client']}", cookie).text
    assert f'<html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}">' in page
    assert str(escape(WORDS[language].no_invoices)) in page
    assert str(escape(WORDS[language].hours)) in page
    form = client.simulate_get("/portal", headers={"Accept-Language": f"{language}-XX,en;q=0.5"}).text
    assert str(escape(WORDS[language].ask)) in form


@pytest.mark.parametrize("path", ["/portal", "/portal/in/hsp_x", "/portal/nonsense", "/portal/x/invoices/y"])
def test_nobody_indexes_keeps_or_frames_it(client: testing.TestClient, path: str) -> None:
    headers = client.simulate_get(path).headers
    assert "noindex" in headers["x-robots-tag"]
    assert headers["cache-control"] == "no-store"
    assert headers["x-frame-options"] == "DENY"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert "unsafe" not in headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/portal", "/portal/out", "/portal/in/hsp_x"])
def test_another_sites_page_makes_nobody_do_anything(client: testing.TestClient, path: str) -> None:
    answer = client.simulate_post(path, headers={**FORM, "Sec-Fetch-Site": "cross-site"}, body="email=a@b.example")
    assert answer.status_code == 403


def test_a_page_of_odd_days_is_refused_in_a_sentence(office: Office, client: testing.TestClient) -> None:
    with office.context() as ctx:
        clients.change(ctx, office.studio.ids["client"], portal_shows=["hours"])
    cookie = let_in(office, client)
    here = f"/portal/{office.studio.ids['client']}"
    for query in (
        "from=x",
        "from=2026-06-10&to=2026-06-01",
        "from=0001-01-01",
        "to=9999-12-31",
        "from=2020-01-01",
        "from=%00",
    ):
        answer = seen(client, f"{here}?{query}", cookie)
        assert answer.status_code == 400, (query, answer.status_code)


def test_staff_send_a_link_only_to_addresses_of_the_client_and_once_a_minute(
    office: Office, client: testing.TestClient
) -> None:
    del client
    client_id = office.studio.ids["client"]
    with office.context() as ctx, pytest.raises(Invalid) as wrong:
        portal.send_link(ctx, client_id, "eve@evil.example")
    assert "email" in wrong.value.fields
    with office.context() as ctx:
        assert portal.send_link(ctx, client_id).recipients == [ada(office)]
    with office.context() as ctx, pytest.raises(Conflict, match="moment ago"):
        portal.send_link(ctx, client_id)
    with office.context() as ctx:
        clients.change(ctx, client_id, portal_shows=[])
    with office.context() as ctx, pytest.raises(Conflict, match="closed"):
        portal.send_link(ctx, client_id)


def test_a_link_that_staff_sent_opens_that_client_alone(office: Office, client: testing.TestClient) -> None:
    with office.context() as ctx:
        clients.change(ctx, office.studio.ids["other_client"], billing_email=ada(office))
        portal.send_link(ctx, office.studio.ids["client"], ada(office))
    cookie = entered(client, link_in(office))
    assert seen(client, f"/portal/{office.studio.ids['client']}", cookie).status_code == 200
    assert seen(client, f"/portal/{office.studio.ids['other_client']}", cookie).status_code == 303
