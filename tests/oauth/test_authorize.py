"""What an app may ask for, and where the answer goes: to the address it registered, or nowhere."""

from __future__ import annotations

from dataclasses import replace
from html import unescape
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
from authlib.common.security import generate_token
from authlib.oauth2 import rfc9207
from authlib.oauth2.client import OAuth2Client
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from falcon import testing

from tallystick.domain import members, oauth
from tallystick.domain.oauth import OAUTH_SCOPES, OAuthCode, OAuthGrant
from tallystick.values.errors import Invalid
from tallystick.web.auth.oauth import WORDS, server_metadata
from tests.oauth.conftest import AUTHORIZE, CALLBACK, ISSUER, LOOPBACK, TOKEN, App, answer_of, cookie_for, register
from tests.sign_in.conftest import PASSWORD, csrf_in, submit
from tests.studio import KEY, Studio, found_studio

NEAR_MISSES = [
    "https://app.example/callback/",
    "https://app.example/Callback",
    "https://APP.example/callback",
    "HTTPS://app.example/callback",
    "https://app.example/callback?",
    "https://app.example/callback?x=y",
    "https://app.example/callback#",
    "https://app.example/callback#x",
    "https://app.example:443/callback",
    "https://app.example:8443/callback",
    "http://app.example/callback",
    "https://app.example./callback",
    "https://evil.app.example/callback",
    "https://app.example.evil.example/callback",
    "https://evil.example/callback",
    "https://user@app.example/callback",
    "https://app.example@evil.example/callback",
    "https://app.example/x/../callback",
    "https://app.example/./callback",
    "https://app.example//callback",
    "https://app.example/%63allback",
    "https://app.example/callback%2f",
    "https://app.example/callback\n",
    " https://app.example/callback",
    "https://app.example\\callback",
    "//app.example/callback",
    "/callback",
    "javascript:alert(1)",
    "http://127.0.0.1:99999/callback",
    "http://127.0.0.1:0/callback",
    "http://127.0.0.1:080/callback",
    "http://127.0.0.1:/callback",
    "http://127.0.0.1:8000/callback/x",
    "http://127.0.0.1.evil.example/callback",
    "http://127.0.0.1:8000@evil.example/callback",
    "http://localhost/callback",
    "http://127.0.0.2/callback",
    "https://127.0.0.1/callback",
    "",
    None,
]


def page_only(result: testing.Result) -> None:
    """A page for the person, and nobody is sent anywhere."""
    assert result.status_code == 400
    assert "Location" not in result.headers
    assert "http-equiv" not in result.text
    assert result.headers["Content-Type"].startswith("text/html")
    assert "evil" not in result.text


def error_of(result: testing.Result, error: str, at: str = CALLBACK) -> dict[str, str]:
    said = answer_of(result, at)
    assert said["error"] == error, said
    assert said["error_description"]
    assert "code" not in said
    return said


@pytest.mark.parametrize("uri", NEAR_MISSES)
def test_nobody_is_sent_to_an_address_that_only_looks_right(app: App, uri: str | None) -> None:
    page_only(app.ask(redirect_uri=uri))
    page_only(replace(app, cookie="").ask(redirect_uri=uri))
    page_only(app.ask(redirect_uri=uri, response_type="token"))
    page_only(submit(app.door, AUTHORIZE, {**app.parameters(redirect_uri=uri), "decision": "deny"}, Cookie=app.cookie))


def test_an_address_given_twice_is_none(app: App) -> None:
    page_only(app.ask(redirect_uri=[CALLBACK, "https://evil.example/"]))
    page_only(app.ask(redirect_uri=[CALLBACK, CALLBACK]))
    page_only(app.ask(client_id=[app.client_id, app.client_id]))


@pytest.mark.parametrize("name", ["", None, "x", "00000000-0000-7000-8000-000000000000", "' OR 1=1", "\x00", "é"])
def test_an_unknown_app_sends_nobody_anywhere(app: App, name: str | None) -> None:
    page_only(app.ask(client_id=name))


def test_an_id_in_capitals_is_another(app: App) -> None:
    page_only(app.ask(client_id=app.client_id.upper()))


def test_an_address_that_cannot_be_read_is_a_page(app: App) -> None:
    page_only(app.ask_raw("client_id=%ff"))
    page_only(app.ask_raw("&".join(f"a{n}=1" for n in range(100))))


@pytest.mark.parametrize("port", ["", ":1", ":8080", ":65535"])
def test_a_loopback_address_may_have_any_port(app: App, port: str) -> None:
    uri = f"http://127.0.0.1{port}/callback"
    code = answer_of(app.decide(redirect_uri=uri), uri)["code"]
    assert app.exchange(code, redirect_uri="http://127.0.0.1:9/callback").json["error"] == "invalid_grant"
    assert app.exchange(code, redirect_uri=uri).status_code == 200


def test_an_address_with_a_query_keeps_it(app: App) -> None:
    uri = "https://app.example/cb?a=%2F&b"
    client_id, _ = register(app.studio, uri)
    result = replace(app, client_id=client_id).decide(redirect_uri=uri)
    assert result.headers["Location"].startswith(f"{uri}&code=hsc_")


@pytest.mark.parametrize(
    "uri",
    [
        "http://app.example/cb", "http://localhost/cb", "https://a@app.example/", "https://app.example/#", "/cb", "",
        "app:/cb", "javascript:alert(1)", "https://", "https://é.example/", "https://app.example/ x", "data:,x",
        "https://app.example;script-src/", "https://app.example,x/", "https://app.example\\x", "https://*.example/",
        "https://app.example:x/", "https://app.example/\n",
    ],
)  # fmt: skip
def test_an_app_registers_only_addresses_that_can_be_safe(studio: Studio, uri: str) -> None:
    with studio.context() as ctx, pytest.raises(Invalid):
        oauth.create_app(ctx, name="x", redirect_uris=[uri])


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"response_type": None}, "invalid_request"),
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": "code token"}, "unsupported_response_type"),
    ({"response_type": "CODE"}, "unsupported_response_type"),
    ({"response_type": ["code", "code"]}, "invalid_request"),
    ({"response_mode": "fragment"}, "invalid_request"),
    ({"scope": None}, "invalid_scope"),
    ({"scope": ""}, "invalid_scope"),
    ({"scope": "everything"}, "invalid_scope"),
    ({"scope": "entries:read everything"}, "invalid_scope"),
    ({"scope": "ENTRIES:READ"}, "invalid_scope"),
    ({"scope": "entries:read,entries:write"}, "invalid_scope"),
    ({"scope": "*"}, "invalid_scope"),
    ({"scope": "read write"}, "invalid_scope"),
    ({"scope": 'x"\\é'}, "invalid_scope"),
    ({"code_challenge": None}, "invalid_request"),
    ({"code_challenge": ""}, "invalid_request"),
    ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
    ({"code_challenge_method": None}, "invalid_request"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge_method": "s256"}, "invalid_request"),
    ({"code_challenge": "short"}, "invalid_request"),
    ({"code_challenge": "x" * 44}, "invalid_request"),
    ({"code_challenge": "x" * 42 + "="}, "invalid_request"),
    ({"request": "eyJ"}, "request_not_supported"),
    ({"request_uri": "https://evil.example"}, "request_uri_not_supported"),
    ({"state": "x" * 5000}, "invalid_request"),
]


@pytest.mark.parametrize(("changed", "error"), WRONG)
def test_what_else_is_wrong_is_told_to_the_app_before_anybody_signs_in(
    app: App, changed: dict[str, Any], error: str
) -> None:
    for one in (app, replace(app, cookie="")):
        said = error_of(one.ask(**changed), error)
        assert said["state"] == changed.get("state", "a state & more=ü")
    assert "state" not in error_of(app.ask(**changed, **({} if "state" in changed else {"state": None})), error) or (
        "state" in changed
    )


def test_a_stranger_signs_in_and_comes_back(app: App) -> None:
    stranger = replace(app, cookie="")
    sent = stranger.ask()
    assert sent.status_code == 303
    path = urlsplit(sent.headers["Location"])
    assert path.path == "/sign-in"
    goal = parse_qs(path.query)["next"][0]
    assert goal.startswith(f"{AUTHORIZE}?")
    form = {"email": app.studio.owner.email, "password": PASSWORD, "next": goal}
    onward = submit(app.door, "/sign-in", form)
    assert unescape(onward.text).count(goal) == 2
    stranger.cookie = cookie_for(app.door, app.studio)
    assert "Chart Room" in stranger.ask_raw(goal.partition("?")[2]).text


def test_the_consent_page_says_who_what_and_where(app: App) -> None:
    page = app.ask(scope=" ".join(OAUTH_SCOPES))
    for said in ("Chart Room", "Studio North", app.studio.owner.email, "app.example", "Allow", "Deny"):
        assert said in page.text
    for words in WORDS.values():
        assert words[1:] in page.text
    assert set(WORDS) == set(OAUTH_SCOPES)
    assert "checked this app" not in page.text
    assert "<script" not in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "form-action 'self' https://app.example" in policy
    assert policy.endswith("form-action 'self' https://app.example")
    assert "frame-ancestors 'none'" in policy
    assert page.headers["X-Frame-Options"] == "DENY"
    assert page.headers["Cache-Control"] == "no-store"
    loopback = app.ask(redirect_uri="http://127.0.0.1:4711/callback")
    assert loopback.headers["Content-Security-Policy"].endswith("form-action 'self' http://127.0.0.1:4711")


def test_an_app_that_registered_itself_is_marked_and_its_name_is_text(app: App) -> None:
    with app.studio.context() as ctx:
        made = oauth.create_app(ctx, name="<b>Bank</b>", redirect_uris=[CALLBACK], verified=False)
    page = replace(app, client_id=made.id).ask()
    assert "Nobody of this workspace has checked this app" in page.text
    assert "<b>" not in page.text


def test_approval_answers_with_a_code_state_and_issuer(app: App) -> None:
    said = answer_of(app.decide())
    assert set(said) == {"code", "state", "iss"}
    assert said["state"] == "a state & more=ü"
    assert said["code"].startswith("hsc_")
    assert "state" not in answer_of(app.decide(state=None))


def test_denial_gives_nothing(app: App) -> None:
    said = error_of(app.decide("deny"), "access_denied")
    assert said["state"] == "a state & more=ü"
    error_of(app.decide("whatever"), "access_denied")
    with app.studio.context() as ctx:
        assert not [*ctx.select(OAuthGrant), *ctx.select(OAuthCode)]


def test_a_decision_comes_from_our_own_page_in_the_same_session(app: App) -> None:
    fields = {**app.parameters(), "csrf_token": csrf_in(app.ask()), "decision": "approve"}
    for headers, changed in (
        ({"Cookie": app.cookie, "Sec_Fetch_Site": "cross-site"}, {}),
        ({"Cookie": app.cookie, "Sec_Fetch_Site": "same-site"}, {}),
        ({"Cookie": app.cookie}, {"csrf_token": "x"}),
        ({"Cookie": cookie_for(app.door, app.studio)}, {}),
    ):
        result = submit(app.door, AUTHORIZE, {**fields, **changed}, **headers)
        assert (result.status_code, result.headers.get("Location")) == (403, None)
    gone = submit(app.door, AUTHORIZE, fields)
    assert gone.headers["Location"].startswith("/sign-in?next=")
    with app.studio.context() as ctx:
        assert not ctx.select(OAuthGrant)


def test_a_decision_is_judged_like_the_question(app: App) -> None:
    fields = {**app.parameters(), "csrf_token": csrf_in(app.ask()), "decision": "approve"}
    error_of(submit(app.door, AUTHORIZE, {**fields, "scope": "all"}, Cookie=app.cookie), "invalid_scope")
    plain = {**fields, "code_challenge_method": "plain"}
    error_of(submit(app.door, AUTHORIZE, plain, Cookie=app.cookie), "invalid_request")


def test_an_app_is_allowed_in_its_own_workspace_only(app: App) -> None:
    elsewhere = found_studio(app.studio.database, KEY, name="Second")
    client_id, _ = register(elsewhere)
    theirs = replace(app, client_id=client_id)
    refused = theirs.ask()
    assert (refused.status_code, refused.headers.get("Location")) == (403, None)
    with elsewhere.context() as ctx:
        members.add(ctx, email=app.studio.owner.email, name="Owner", role="MEMBER")
    assert theirs.ask().headers["Location"].startswith("/sign-in/workspace?next=")


@pytest.mark.parametrize(
    "path",
    [
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-authorization-server/api/auth",
        "/api/auth/.well-known/oauth-authorization-server",
    ],
)
def test_the_server_describes_itself(app: App, path: str) -> None:
    found = app.door.simulate_get(path).json
    assert found == server_metadata(ISSUER)
    assert found["issuer"] == ISSUER
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert "registration_endpoint" not in found
    safe = AuthorizationServerMetadata(server_metadata("https://time.example.com"))
    safe.validate(metadata_classes=[rfc9207.AuthorizationServerMetadata])


def test_the_apis_say_whose_tokens_they_take(app: App) -> None:
    found = app.door.simulate_get("/.well-known/oauth-protected-resource").json
    assert found["authorization_servers"] == [ISSUER]
    assert found["scopes_supported"] == list(OAUTH_SCOPES)
    challenge = app.door.simulate_get("/v1/time-entries").headers["WWW-Authenticate"]
    assert f"{ISSUER}/.well-known/oauth-protected-resource" in challenge


def test_apps_do_not_register_themselves(app: App) -> None:
    result = app.door.simulate_post("/api/auth/oauth2/register", json={"redirect_uris": [CALLBACK]})
    assert (result.status_code, result.json["error"]) == (403, "access_denied")


def test_the_endpoints_take_posts_from_programs_of_any_origin(app: App) -> None:
    for name in ("token", "revoke", "introspect"):
        path = f"/api/auth/oauth2/{name}"
        assert app.door.simulate_get(path).status_code == 405
        allowed = app.door.simulate_options(path, headers={"Origin": "https://app.example"})
        assert allowed.headers["Access-Control-Allow-Origin"] == "*"
        assert app.post(path).headers["Access-Control-Allow-Origin"] == "*"


class InProcess:
    """What Authlib's client core asks of an HTTP session."""

    def __init__(self, door: testing.TestClient) -> None:
        self._door = door

    def post(self, url: str, data: dict[str, str], headers: dict[str, str], auth: Any) -> Answer:
        url, headers, body = auth.prepare("POST", url, headers, urlencode(data))
        return Answer(self._door.simulate_post(urlsplit(url).path, body=body, headers=headers))


class Answer:
    def __init__(self, result: testing.Result) -> None:
        self.status_code = result.status_code
        self._json = result.json

    def json(self) -> Any:
        return self._json


@pytest.mark.parametrize("method", ["none", "client_secret_post", "client_secret_basic"])
def test_a_client_we_did_not_write_goes_all_the_way(app: App, keeper: App, method: str) -> None:
    one = app if method == "none" else keeper
    client = OAuth2Client(
        InProcess(one.door), client_id=one.client_id, client_secret=one.secret, token_endpoint_auth_method=method,
        scope="entries:read", redirect_uri=CALLBACK, code_challenge_method="S256",
    )  # fmt: skip
    verifier = generate_token(48)
    url, state = client.create_authorization_url(f"{ISSUER}{AUTHORIZE}", code_verifier=verifier)
    page = one.ask_raw(urlsplit(url).query)
    fields = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    said = submit(
        one.door, AUTHORIZE, {**fields, "csrf_token": csrf_in(page), "decision": "approve"}, Cookie=one.cookie
    )
    token = client.fetch_token(
        f"{ISSUER}{TOKEN}", authorization_response=said.headers["Location"], state=state, code_verifier=verifier
    )
    assert one.reaches(token["access_token"])
    fresh = client.refresh_token(f"{ISSUER}{TOKEN}", refresh_token=token["refresh_token"])
    assert fresh["refresh_token"] != token["refresh_token"]
    assert one.reaches(fresh["access_token"])


def test_the_answer_is_encoded_for_the_address_it_goes_to(app: App) -> None:
    nasty = "\r\nSet-Cookie: a=b&code=evil#<script>"
    result = app.decide(state=nasty)
    location = result.headers["Location"]
    assert quote("\r\nSet") in location
    assert "#" not in location
    assert answer_of(result)["state"] == nasty
    assert location.count("code=") == 1
    assert LOOPBACK not in location
