"""Every page of the way in speaks German, whole: what is not a fact on it has gone through the catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from types import MappingProxyType

import pytest
from falcon import testing

from tallystick.auth import sessions
from tallystick.auth.invitations import invitation_digest
from tallystick.domain import invitations, members, oauth
from tallystick.web.app import words
from tests.sign_in.conftest import PASSWORD, cookies_of, csrf_in, submit
from tests.studio import KEY, Studio, found_studio

GERMAN = {"Accept-Language": "de-DE,de;q=0.9,en;q=0.1"}
MARKED = re.compile(r"⟦.*?⟧", re.DOTALL)


class Texts(HTMLParser):
    """What a person reads, or is read to them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._within: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._within.append(tag)
        self.found += [
            value for name, value in attrs if name in ("aria-label", "alt", "placeholder", "title") and value
        ]

    def handle_endtag(self, tag: str) -> None:
        while self._within and self._within.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not {"style", "script", "option"} & set(self._within):
            self.found.append(data)


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A German that marks each text it was asked for, so that what was never asked for can be told."""
    german = {text: f"⟦{text}⟧" for text in words.CATALOGUES["de"]}
    monkeypatch.setattr(words, "CATALOGUES", MappingProxyType({**words.CATALOGUES, "de": german}))


def unmarked(page: testing.Result, facts: set[str]) -> str:
    """What of a page did not go through the catalogue and is no fact."""
    text = MARKED.sub(" ", " ".join(Texts(page.text).found))
    for fact in sorted(facts, key=len, reverse=True):
        text = text.replace(fact, " ")
    return " ".join(re.findall(r"[^\W\d_]{2,}", text))


def seen(studio: Studio, door: testing.TestClient) -> Iterator[tuple[str, testing.Result]]:
    """Every page of the way in, and what goes wrong on each."""
    owner = studio.owner

    def get(path: str, cookie: str = "") -> testing.Result:
        path, _, query = path.partition("?")
        return door.simulate_get(path, query_string=query, headers={**GERMAN, **({"Cookie": cookie} if cookie else {})})

    def post(path: str, fields: dict[str, str], cookie: str = "") -> testing.Result:
        return submit(
            door,
            path,
            fields,
            Accept_Language=GERMAN["Accept-Language"],
            **({"Cookie": cookie} if cookie else {}),
        )

    for done in ("password", "out", "joined"):
        yield f"sign in, {done}", get(f"/sign-in?done={done}")
    yield "wrong password", post("/sign-in", {"email": owner.email, "password": "x"})
    yield "a field twice", door.simulate_post(
        "/sign-in", body="email=a&email=b",
        headers={**GERMAN, "Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"},
    )  # fmt: skip
    yield "another site", submit(door, "/sign-in", {}, Sec_Fetch_Site="cross-site", Accept_Language="de")
    yield "forgotten", get("/forgot-password")
    yield "no address", post("/forgot-password", {"email": "x"})
    yield "asked", post("/forgot-password", {"email": owner.email})
    yield "set up", get("/setup")
    came = post("/sign-in", {"email": owner.email, "password": PASSWORD, "next": "/api/auth/x"})
    yield "onward", came
    cookie = f"tallystick={cookies_of(came)['tallystick']}"
    with found_studio(studio.database, KEY, name="Zweitbüro").context() as ctx:
        members.add(ctx, email=owner.email, name="Owner", role="MEMBER")
    csrf = csrf_in(get("/sign-out", cookie))
    yield "sign out", get("/sign-out", cookie)
    yield "workspaces", get("/sign-in/workspace", cookie)
    yield "no such workspace", post("/sign-in/workspace", {"csrf_token": csrf, "workspace": "x"}, cookie)
    yield "out of date", post("/sign-out", {"csrf_token": "x"}, cookie)
    yield "password", get("/password", cookie)
    fields = {"csrf_token": csrf, "password": PASSWORD}
    for new, again in (("a", "b"), ("short", "short"), (PASSWORD, PASSWORD)):
        yield f"password {new}", post("/password", {**fields, "new_password": new, "again": again}, cookie)
    yield (
        "wrong old",
        post("/password", {**fields, "password": "x", "new_password": PASSWORD, "again": PASSWORD}, cookie),
    )
    yield "two factors", get("/two-factor", cookie)
    yield "wrong code", post("/two-factor", {**fields, "secret": "", "code": "123456"}, cookie)
    yield "passkeys", get("/passkeys", cookie)
    yield "no such passkey", post("/passkeys", {**fields, "do": "rename", "name": "x"}, cookie)
    yield "no link", get("/reset/x")
    with studio.context() as ctx:
        secret = sessions.offer_password_link(ctx, KEY, studio.people["member"].user_id)
        asked = f"hsi_{'x' * 43}"
        digest = invitation_digest(KEY, asked) or b""
        invitations.invite(ctx, email="bo@new.example", role="MEMBER", name=None, digest=digest)
        app = oauth.create_app(ctx, name="Charts", redirect_uris=["https://charts.example/callback"])
    yield "link", get(f"/reset/{secret}")
    yield "weak", post(f"/reset/{secret}", {"new_password": "x", "again": "x"})
    yield "differ", post(f"/reset/{secret}", {"new_password": "x", "again": "y"})
    invitation = f"/invitation/{asked}"
    yield "invited", get(invitation)
    yield "nameless", post(invitation, {"name": ""})
    yield "no invitation", get("/invitation/x")
    query = (
        f"client_id={app.id}&redirect_uri=https%3A%2F%2Fcharts.example%2Fcallback&response_type=code"
        f"&scope={'+'.join(oauth.OAUTH_SCOPES)}&code_challenge={'x' * 43}&code_challenge_method=S256"
    )
    yield "consent", get(f"/api/auth/oauth2/authorize?{query}", cookie)
    yield "no app", get("/api/auth/oauth2/authorize?client_id=x", cookie)
    for _ in range(8):
        waiting = post("/sign-in", {"email": owner.email, "password": "x"})
    yield "waiting", waiting


def test_no_word_of_english_is_left(with_password: Studio, door: testing.TestClient, marked: None) -> None:
    facts = {
        "Tallystick", "Studio North", "Zweitbüro", "Owner", "Member", "Charts", "charts.example", "bo@new.example",
        with_password.owner.email, with_password.people["member"].email,
    }  # fmt: skip
    for name, page in seen(with_password, door):
        secret = re.findall(r"<code[^>]*>([^<]*)</code>", page.text)
        assert unmarked(page, facts | set(secret)) == "", name
        assert '<html lang="de">' in page.text, name


def test_a_person_is_spoken_to_in_their_language_once_they_are_known(
    with_password: Studio, door: testing.TestClient
) -> None:
    came = submit(door, "/sign-in", {"email": with_password.owner.email, "password": PASSWORD})
    cookie = {"Cookie": f"tallystick={cookies_of(came)['tallystick']}"}
    with with_password.context() as ctx:
        members.present(ctx, language="de")
    english = {"Accept-Language": "en-GB"}
    assert "Passwort ändern" in door.simulate_get("/password", headers={**cookie, **english}).text
    assert "Sign in" in door.simulate_get("/sign-in", headers=english).text
    assert "Anmelden" in door.simulate_get("/sign-in", headers=GERMAN).text


def test_every_template_of_the_way_in_was_looked_at() -> None:
    folder = Path(words.__file__).parents[1] / "auth" / "templates"
    for file in folder.glob("*.html"):
        bare = re.sub(r"\{[{%#].*?[}%#]\}|<[^>]*>", " ", file.read_text(), flags=re.DOTALL)
        assert not re.findall(r"[A-Za-z]{4,}", bare.replace("Tallystick", "")), file.name
