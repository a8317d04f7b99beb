"""Signing in by page: without script, from our own pages only, and never on to another site."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote, urljoin, urlsplit

import pytest
from falcon import testing

from tallystick.domain import members
from tallystick.web.auth.next_path import same_site_path
from tests.sign_in.conftest import PASSWORD, cookies_of, csrf_in, sign_in_by_api, signed_in, submit
from tests.sign_in.test_api import app_at
from tests.studio import KEY, Studio, found_studio

ELSEWHERE = [
    "https://evil.example",
    "http://evil.example/",
    "HTTPS://evil.example",
    "//evil.example",
    "///evil.example",
    "////evil.example/x",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/\\/evil.example",
    "/x\\y",
    "https:evil.example",
    "https:/evil.example",
    "https:\\\\evil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "evil.example",
    "evil.example/x",
    "@evil.example",
    "/%2f/evil.example",
    "/%2F%2Fevil.example",
    "/%5cevil.example",
    "/%5C%5Cevil.example",
    "/%252f/evil.example",
    "/%255cevil.example",
    "/.//evil.example",
    "/..//evil.example",
    "/x/..//evil.example",
    "/./../x",
    "/%2e%2e/x",
    "/%2e/%2fevil.example",
    "/x//evil.example",
    " //evil.example",
    " /x",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\nSet-Cookie: a=b",
    "/%0d%0aSet-Cookie:a=b",
    "/%09/evil.example",
    "\t//evil.example",
    "\x00/x",
    "/\x00",
    "/%00",
    "/é",
    "/\u2028/evil.example",
    "／evil.example",
    "/／evil.example",
    "/%ef%bc%8f/%2fevil.example",
    "?next=//evil.example",
    "#//evil.example",
    "/x#//evil.example",
    "/x?y=\\",
    "/x?y=<script>",
    '/x?y="',
    "/" + "x" * 5000,
    "",
    "x",
]
HERE = [
    "/",
    "/x",
    "/x/",
    "/x?y=z",
    "/x?next=//evil.example",  # a path of ours with a question
    "/api/auth/oauth2/authorize?client_id=1&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&scope=entries%3Aread%20team",
    "/a:b@c",
    "/.well-known/x",
]


class Names(HTMLParser):
    """Elements of a page and what stands in their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, {name: value or "" for name, value in attrs}))

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.seen if name == tag]


def form_of(studio: Studio, who: str = "owner", **more: str) -> dict[str, str]:
    return {"email": studio.people[who].email, "password": PASSWORD, **more}


def cookie_of(result: testing.Result) -> str:
    return f"tallystick={cookies_of(result)['tallystick']}"


def get(door: testing.TestClient, path: str, cookie: str = "") -> testing.Result:
    return door.simulate_get(path, headers={"Cookie": cookie} if cookie else {})


@pytest.mark.parametrize("path", ELSEWHERE)
def test_another_place_is_the_default(with_password: Studio, door: testing.TestClient, path: str) -> None:
    assert same_site_path(path, "/default") == "/default"
    gone = submit(door, "/sign-in", form_of(with_password, next=path))
    assert (gone.status_code, gone.headers["Location"]) == (303, "/")


def test_there_are_as_many_places_as_promised() -> None:
    assert len(ELSEWHERE) >= 40


@pytest.mark.parametrize("path", HERE)
def test_a_path_of_ours_is_gone_to(with_password: Studio, door: testing.TestClient, path: str) -> None:
    assert same_site_path(path, "/default") == path
    assert urlsplit(urljoin("https://time.example.com/sign-in", path)).netloc == "time.example.com"
    answer = submit(door, "/sign-in", form_of(with_password, next=path))
    if path.startswith("/api/auth/"):
        assert answer.status_code == 200
        (refresh,) = [meta for meta in Names(answer.text).all("meta") if "http-equiv" in meta]
        assert refresh == {"http-equiv": "refresh", "content": f"0; url={path}"}
        assert [link["href"] for link in Names(answer.text).all("a")] == [path]
    else:
        assert (answer.status_code, answer.headers["Location"]) == (303, path)


def test_the_form_carries_on_where_to_go(with_password: Studio, door: testing.TestClient) -> None:
    page = get(door, f"/sign-in?next={quote('/x?y=z&a=b', safe='')}")
    assert {"type": "hidden", "name": "next", "value": "/x?y=z&a=b"} in Names(page.text).all("input")
    page = get(door, f"/sign-in?next={quote('//evil.example', safe='')}")
    assert "evil" not in page.text
    again = submit(door, "/sign-in", form_of(with_password, password="wrong", next="/x?y=z&a=b"))
    assert {"type": "hidden", "name": "next", "value": "/x?y=z&a=b"} in Names(again.text).all("input")


def test_signed_in_one_is_at_home_and_signs_out(with_password: Studio, door: testing.TestClient) -> None:
    cookie = cookie_of(submit(door, "/sign-in", form_of(with_password)))
    assert get(door, "/sign-in", cookie).headers["Location"] == "/"
    assert with_password.owner.email in get(door, "/", cookie).text
    assert get(door, "/sign-in?next=/x", cookie).headers["Location"] == "/x"
    button = get(door, "/sign-out", cookie)
    out = submit(door, "/sign-out", {"csrf_token": csrf_in(button)}, Cookie=cookie)
    assert (out.status_code, out.headers["Location"]) == (303, "/sign-in?done=out")
    assert cookies_of(out) == {"tallystick": ""}
    assert "You are signed out" in get(door, "/sign-in?done=out").text
    assert "Password" in get(door, "/sign-in", cookie).text
    assert get(door, "/sign-out", cookie).headers["Location"] == "/sign-in"


def test_a_form_sent_by_another_site_does_nothing(with_password: Studio, door: testing.TestClient) -> None:
    for site in ("cross-site", "same-site", "SAME-ORIGIN", ""):
        refused = submit(door, "/sign-in", form_of(with_password), Sec_Fetch_Site=site)
        assert (refused.status_code, refused.cookies) == (403, {})
    cookie = cookie_of(submit(door, "/sign-in", form_of(with_password)))
    csrf = csrf_in(get(door, "/sign-out", cookie))
    for path in ("/sign-out", "/password", "/sign-in/workspace"):
        fields = {"csrf_token": csrf, "workspace": with_password.workspace_id}
        assert submit(door, path, fields, Cookie=cookie, Sec_Fetch_Site="cross-site").status_code == 403
        fields["csrf_token"] = "x"
        assert submit(door, path, fields, Cookie=cookie).status_code == 403
        del fields["csrf_token"]
        assert submit(door, path, fields, Cookie=cookie).status_code == 403
    assert get(door, "/sign-out", cookie).status_code == 200
    # not even out: what another site sends comes without the cookie
    refused = submit(door, "/sign-out", {}, Sec_Fetch_Site="cross-site")
    assert (refused.status_code, refused.cookies) == (403, {})


def test_an_old_browser_that_says_only_its_origin_is_served(with_password: Studio, door: testing.TestClient) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    body = f"email={quote(with_password.owner.email)}&password={quote(PASSWORD)}"
    for origin, status in (("http://127.0.0.1:8000", 303), ("http://127.0.0.1:9000", 403), ("null", 403), (None, 403)):
        given = headers if origin is None else {**headers, "Origin": origin}
        assert door.simulate_post("/sign-in", body=body, headers=given).status_code == status


def test_a_wrong_password_is_said_and_never_shown_again(with_password: Studio, door: testing.TestClient) -> None:
    page = submit(door, "/sign-in", {**form_of(with_password), "password": "quite wrong <b>"})
    assert page.status_code == 401
    assert 'role="alert"' in page.text
    assert "quite wrong" not in page.text
    assert f'value="{with_password.owner.email}"' in page.text
    assert "tallystick" not in cookies_of(page)
    for _ in range(9):
        submit(door, "/sign-in", form_of(with_password, password="wrong"))
    waiting = submit(door, "/sign-in", form_of(with_password))
    assert waiting.status_code == 429
    assert waiting.headers["Retry-After"] == "60"
    assert "Try again in a minute" in waiting.text


def test_what_is_typed_is_text_on_the_page(door: testing.TestClient) -> None:
    for nasty in ('"><script>alert(1)</script>', "' onfocus='x", "{{7331*7331}}", "</title><script>"):
        page = submit(door, "/sign-in", {"email": nasty, "password": "x", "next": nasty})
        assert page.status_code == 401
        assert not Names(page.text).all("script")
        assert not any("onfocus" in given for _, given in Names(page.text).seen)
        assert "53743561" not in page.text


def test_a_form_that_cannot_be_read_is_a_page(door: testing.TestClient) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
    for body, headers, status in (
        ("email=%ff", form, 400),
        ("email=a&email=b", form, 400),
        ("&".join(f"a{n}=1" for n in range(100)), form, 400),
        ("x" * 70_000, form, 413),
        ('{"email":"x"}', {**form, "Content-Type": "application/json"}, 415),
        ("", form, 401),
    ):
        page = door.simulate_post("/sign-in", body=body, headers=headers)
        assert page.status_code == status, page.text
        assert page.headers["Content-Type"].startswith("text/html")


def test_somebody_of_several_workspaces_chooses(with_password: Studio, door: testing.TestClient) -> None:
    there = found_studio(with_password.database, KEY, name="Second <home>")
    with there.context() as ctx:
        members.add(ctx, email=with_password.owner.email, name="Owner", role="MEMBER")
    came = submit(door, "/sign-in", form_of(with_password, next="/x"))
    assert (came.status_code, came.headers["Location"]) == (303, "/sign-in/workspace?next=%2Fx")
    cookie = cookie_of(came)
    page = get(door, came.headers["Location"], cookie)
    assert {button["value"] for button in Names(page.text).all("button")} == {
        with_password.workspace_id,
        there.workspace_id,
    }
    assert "Second &lt;home&gt;" in page.text
    fields = {"csrf_token": csrf_in(page), "next": "/x"}
    strange = submit(door, "/sign-in/workspace", {**fields, "workspace": "x"}, Cookie=cookie)
    assert strange.status_code == 404
    stay = submit(door, "/sign-in/workspace", {**fields, "workspace": with_password.workspace_id}, Cookie=cookie)
    assert (stay.status_code, stay.headers["Location"], cookies_of(stay)) == (303, "/x", {})
    moved = submit(door, "/sign-in/workspace", {**fields, "workspace": there.workspace_id}, Cookie=cookie)
    assert (moved.status_code, moved.headers["Location"]) == (303, "/x")
    assert "Second &lt;home&gt;" in get(door, "/", cookie_of(moved)).text
    assert "Password" in get(door, "/sign-in", cookie).text  # the session from before is over


def test_a_password_is_changed_by_page(with_password: Studio, door: testing.TestClient) -> None:
    elsewhere = cookie_of(submit(door, "/sign-in", form_of(with_password)))
    cookie = cookie_of(submit(door, "/sign-in", form_of(with_password)))
    page = get(door, "/password", cookie)
    new = "nine grey geese over the weir"
    fields = {"csrf_token": csrf_in(page), "password": PASSWORD, "new_password": new, "again": new}
    for wrong, why in (
        ({"password": "wrong"}, "old password is not right"),
        ({"again": "x"}, "differ"),
        ({"new_password": "short", "again": "short"}, "at least 15"),
    ):
        refused = submit(door, "/password", {**fields, **wrong}, Cookie=cookie)
        assert refused.status_code == 400
        assert why in refused.text
    assert "is changed" in submit(door, "/password", fields, Cookie=cookie).text
    assert with_password.owner.email in get(door, "/", cookie).text
    assert get(door, "/", elsewhere).headers["Location"] == "/sign-in"
    assert get(door, "/password").headers["Location"] == "/sign-in?next=%2Fpassword"
    assert signed_in(with_password, password=new).jwt


def pages_of(studio: Studio, door: testing.TestClient) -> dict[str, testing.Result]:
    cookie = cookie_of(submit(door, "/sign-in", form_of(studio)))
    return {
        "sign in": get(door, "/sign-in"),
        "wrong": submit(door, "/sign-in", form_of(studio, password="x")),
        "workspace": get(door, "/sign-in/workspace", cookie),
        "sign out": get(door, "/sign-out", cookie),
        "password": get(door, "/password", cookie),
        "no link": get(door, "/reset/x"),
        "refused": submit(door, "/sign-out", {}, Cookie=cookie),
        "onward": submit(door, "/sign-in", form_of(studio, next="/api/auth/x")),
        "gone": submit(door, "/sign-in", form_of(studio, next="/x")),
    }


def test_every_page_is_guarded_and_needs_no_script(with_password: Studio, door: testing.TestClient) -> None:
    for name, page in pages_of(with_password, door).items():
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "form-action 'self'" in policy
        assert "base-uri 'none'" in policy
        assert "script" not in policy
        assert "unsafe" not in policy
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Referrer-Policy"] == "same-origin"
        assert page.headers["X-Frame-Options"] == "DENY"
        if name == "gone":
            continue
        (style,) = re.findall(r"<style>(.*?)</style>", page.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
        names = Names(page.text)
        assert not names.all("script")
        assert not any(attribute.startswith("on") or attribute == "style" for _, a in names.seen for attribute in a)


def test_every_field_has_a_label_and_every_page_a_name(with_password: Studio, door: testing.TestClient) -> None:
    for name, page in pages_of(with_password, door).items():
        if name == "gone":
            continue
        names = Names(page.text)
        assert names.all("html") == [{"lang": "en"}]
        assert len(names.all("h1")) == 1
        assert names.all("title")
        labelled = {label.get("for") for label in names.all("label")}
        ids = [given["id"] for _, given in names.seen if "id" in given]
        assert len(ids) == len(set(ids)), name
        for field in names.all("input"):
            assert field["type"] in {"hidden", "checkbox"} or "hidden" in field or field["id"] in labelled, (
                name,
                field,
            )
            assert set(field.get("aria-describedby", "").split()) <= set(ids), (name, field)
            if field["type"] in {"password", "email"}:
                assert field["autocomplete"] in {"username", "current-password", "new-password"}


def test_plain_http_is_said(with_password: Studio, door: testing.TestClient, tmp_path: Path) -> None:
    assert "without encryption" in get(door, "/sign-in").text
    (tmp_path / "https").mkdir()
    safe = app_at(with_password, "https://time.example.com", tmp_path / "https")
    assert "without encryption" not in get(safe, "/sign-in").text


def test_a_cookie_of_the_page_is_one_of_the_api(with_password: Studio, door: testing.TestClient) -> None:
    cookie = cookie_of(submit(door, "/sign-in", form_of(with_password, remember="yes")))
    assert get(door, "/api/auth/token", cookie).status_code == 200
    assert with_password.owner.email in get(door, "/", cookie_of(sign_in_by_api(door, with_password))).text
