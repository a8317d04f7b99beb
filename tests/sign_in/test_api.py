"""Signing in by API: shapes, cookies and refusals, as an Expensicat client and a browser see them."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from falcon import testing

from tallystick.auth.rate_limits import RateLimits
from tallystick.main import build
from tallystick.settings import Settings
from tests.sign_in.conftest import PASSWORD, Hashes, bearer, cookies_of, sign_in_by_api, signed_in
from tests.studio import KEY, Studio, app_client

SIGN_IN = "/api/auth/sign-in/email"
SAME = {"Sec-Fetch-Site": "same-origin"}


def with_cookie(result: testing.Result, name: str = "tallystick") -> dict[str, str]:
    return {"Cookie": f"{name}={cookies_of(result)[name]}"}


def app_at(studio: Studio, public_url: str, data: Path) -> testing.TestClient:
    settings = Settings(data=data, public_url=public_url, rate_limit_address=0)
    limits = RateLimits(data / "limits", clock=lambda: studio.clock().timestamp())
    return testing.TestClient(build(settings, studio.database, KEY, clock=studio.clock, limits=limits))


def error_of(result: testing.Result, status: int, code: str) -> dict[str, Any]:
    assert (result.status_code, result.json["error"]["code"]) == (status, code), result.text
    assert result.json["error"]["message"]
    assert set(result.json) == {"error"}
    assert result.headers["Cache-Control"] == "no-store"
    return dict(result.json["error"])


def test_a_password_gives_a_token_its_end_and_the_person(with_password: Studio, door: testing.TestClient) -> None:
    answer = sign_in_by_api(door, with_password)
    owner = with_password.owner
    assert answer.status_code == 200
    assert set(answer.json) == {"token", "expiresAt", "user"}
    assert answer.json["expiresAt"] == "2026-06-15T10:30:00.000Z"
    assert answer.json["user"] == {"id": owner.user_id, "email": owner.email, "name": "Owner"}
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_token_or_the_cookie_gives_a_fresh_token_of_the_same_session(
    with_password: Studio, door: testing.TestClient
) -> None:
    answer = sign_in_by_api(door, with_password)
    with_password.clock.now += timedelta(minutes=40)
    for headers in (bearer(answer.json["token"]), with_cookie(answer)):
        fresh = door.simulate_get("/api/auth/token", headers=headers)
        assert fresh.status_code == 200
        assert set(fresh.json) == {"token", "expiresAt"}
        assert fresh.json["expiresAt"] == "2026-06-15T11:10:00.000Z"
        assert fresh.json["token"] != answer.json["token"]
    with_password.clock.now += timedelta(minutes=40)
    assert door.simulate_get("/api/auth/token", headers=bearer(answer.json["token"])).status_code == 401
    assert door.simulate_get("/api/auth/token", headers=bearer(fresh.json["token"])).status_code == 200


def test_signing_out_by_token_ends_the_cookie_too(with_password: Studio, door: testing.TestClient) -> None:
    answer = sign_in_by_api(door, with_password)
    out = door.simulate_post("/api/auth/sign-out", headers=bearer(answer.json["token"]))
    assert (out.status_code, out.text) == (204, "")
    for headers in (bearer(answer.json["token"]), with_cookie(answer)):
        error_of(door.simulate_get("/api/auth/token", headers=headers), 401, "UNAUTHORIZED")
        error_of(door.simulate_post("/api/auth/sign-out", headers={**headers, **SAME}), 401, "UNAUTHORIZED")


def test_signing_out_by_cookie_needs_our_page_and_its_token(with_password: Studio, door: testing.TestClient) -> None:
    answer = sign_in_by_api(door, with_password)
    cookie, csrf = with_cookie(answer), {"X-CSRF-Token": answer.headers["X-CSRF-Token"]}
    other = sign_in_by_api(door, with_password, "member")
    for headers in (
        {**csrf},
        {**csrf, "Sec-Fetch-Site": "cross-site"},
        {**csrf, "Sec-Fetch-Site": "same-site"},
        {**csrf, "Origin": "https://evil.example"},
        {**csrf, "Origin": "null"},
        {**csrf, "Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1:8000"},
        {**SAME},
        {**SAME, "X-CSRF-Token": "x"},
        {**SAME, "X-CSRF-Token": other.headers["X-CSRF-Token"]},
    ):
        error_of(door.simulate_post("/api/auth/sign-out", headers={**cookie, **headers}), 403, "FORBIDDEN")
    out = door.simulate_post("/api/auth/sign-out", headers={**cookie, **csrf, "Origin": "http://127.0.0.1:8000"})
    assert out.status_code == 204
    assert cookies_of(out) == {"tallystick": ""}
    assert out.headers["Clear-Site-Data"] == '"cache", "storage"'
    error_of(door.simulate_get("/api/auth/token", headers=cookie), 401, "UNAUTHORIZED")


def test_where_there_is_an_authorization_cookies_are_not_looked_at(
    with_password: Studio, door: testing.TestClient
) -> None:
    answer = sign_in_by_api(door, with_password)
    for wrong in ("Bearer x", "Bearer", "", "Basic eDp5"):
        headers = {**with_cookie(answer), **SAME, "Authorization": wrong}
        error_of(door.simulate_get("/api/auth/token", headers=headers), 401, "UNAUTHORIZED")
    by_both = {**with_cookie(answer), **bearer(answer.json["token"]), "Sec-Fetch-Site": "cross-site"}
    assert door.simulate_post("/api/auth/sign-out", headers=by_both).status_code == 204


def test_a_cookie_gives_its_token_to_no_other_site(with_password: Studio, door: testing.TestClient) -> None:
    cookie = with_cookie(sign_in_by_api(door, with_password))
    for site in ("cross-site", "same-site"):
        refused = door.simulate_get("/api/auth/token", headers={**cookie, "Sec-Fetch-Site": site})
        error_of(refused, 403, "FORBIDDEN")
        assert "Access-Control-Allow-Origin" not in refused.headers
    allowed = door.simulate_get("/api/auth/token", headers={**cookie, **SAME})
    assert "Access-Control-Allow-Origin" not in allowed.headers
    assert allowed.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_of_two_cookies_of_one_name_none_counts(with_password: Studio, door: testing.TestClient) -> None:
    mine, planted = (cookies_of(sign_in_by_api(door, with_password, who))["tallystick"] for who in ("owner", "member"))
    both = {"Cookie": f"tallystick={planted}; tallystick={mine}"}
    error_of(door.simulate_get("/api/auth/token", headers=both), 401, "UNAUTHORIZED")


@pytest.mark.parametrize(
    ("public_url", "name", "secure"),
    [
        ("http://127.0.0.1:8000", "tallystick", False),
        ("https://time.example.com", "__Host-tallystick", True),
    ],
)
def test_cookies_have_the_flags_that_the_public_url_asks_for(
    with_password: Studio, tmp_path: Path, public_url: str, name: str, secure: bool
) -> None:
    door = app_at(with_password, public_url, tmp_path)
    for claimed in ("http", "https"):  # never what a request claims
        answer = sign_in_by_api(door, with_password, headers={"X-Forwarded-Proto": claimed, "Host": "evil.example"})
        assert set(answer.cookies) == {name, f"{name}-browser"}
        for cookie in answer.cookies.values():
            assert (cookie.http_only, cookie.secure, cookie.path) == (True, secure, "/")
            assert (cookie.same_site, cookie.domain) == ("Lax", None)
        assert answer.cookies[name].max_age is None
    assert sign_in_by_api(door, with_password, remember=True).cookies[name].max_age == 30 * 24 * 3600
    assert door.simulate_get("/api/auth/token", headers=with_cookie(answer, name)).status_code == 200
    other = "tallystick" if secure else "__Host-tallystick"
    renamed = {"Cookie": f"{other}={cookies_of(answer)[name]}"}
    assert door.simulate_get("/api/auth/token", headers=renamed).status_code == 401


def test_a_token_is_for_the_server_of_its_public_url(with_password: Studio, tmp_path: Path) -> None:
    one = app_at(with_password, "https://time.example.com", tmp_path)
    (tmp_path / "two").mkdir()
    two = app_at(with_password, "https://other.example.com", tmp_path / "two")
    token = sign_in_by_api(one, with_password).json["token"]
    assert one.simulate_get("/api/auth/token", headers=bearer(token)).status_code == 200
    assert two.simulate_get("/api/auth/token", headers=bearer(token)).status_code == 401


def test_the_same_answer_for_a_wrong_password_an_unknown_account_and_one_without(
    with_password: Studio, door: testing.TestClient, hashes: Hashes
) -> None:
    answers = []
    for email in (with_password.owner.email, with_password.people["second"].email, "nobody@studio.example", "x", "é\0"):
        before = hashes.all
        answer = door.simulate_post(SIGN_IN, json={"email": email, "password": "wrong"})
        assert hashes.all == before + 1
        answers.append((answer.status_code, answer.text, sorted(set(answer.headers) - {"x-request-id"})))
    assert len(set(map(str, answers))) == 1
    assert answers[0][0] == 401


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"email", "password"}),
        ({"email": "a@b.example"}, {"password"}),
        ({"email": None, "password": "x"}, {"email"}),
        ({"email": 1, "password": ["x"]}, {"email", "password"}),
        ({"email": "", "password": ""}, {"email", "password"}),
        ({"email": "a@b.example", "password": "x", "totp": 123456}, {"totp"}),
        ({"email": "a@b.example", "password": "x", "workspaceId": "x"}, {"workspaceId"}),
    ],
)
def test_what_is_wrong_with_a_body_is_said_by_field(door: testing.TestClient, body: Any, fields: set[str]) -> None:
    assert set(error_of(door.simulate_post(SIGN_IN, json=body), 400, "VALIDATION_ERROR")["details"]) == fields


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", {}, 400),
        (b"{", {}, 400),
        (b"[]", {}, 400),
        (b"null", {}, 400),
        (b'"x"', {}, 400),
        (b"\xff", {}, 400),
        (b'{"email":"\\ud800","password":"x"}', {}, 400),
        (b"[" * 60_000, {}, 400),
        (b'{"a":' * 10_000, {}, 400),
        (b" " * 70_000, {}, 413),
        (b"email=a&password=b", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        (b'{"email":"a","password":"b"}', {"Content-Type": "text/plain"}, 415),
        (b'{"email":"a","password":"b"}', {"Content-Type": "multipart/form-data; boundary=x"}, 415),
        (b"x", {"Content-Encoding": "gzip"}, 415),
    ],
)
def test_a_body_that_cannot_be_read_is_a_plain_refusal(
    door: testing.TestClient, body: bytes, headers: dict[str, str], status: int
) -> None:
    answer = door.simulate_post(SIGN_IN, body=body, headers={"Content-Type": "application/json", **headers})
    error_of(answer, status, "BAD_REQUEST")


def test_fields_nobody_knows_are_ignored(with_password: Studio, door: testing.TestClient) -> None:
    assert sign_in_by_api(door, with_password, callbackURL="https://evil.example", rememberMe=True).status_code == 200


def test_other_methods_are_named_and_preflights_allow_tokens_but_no_cookies(door: testing.TestClient) -> None:
    for path, method in ((SIGN_IN, "POST"), ("/api/auth/token", "GET"), ("/api/auth/sign-out", "POST")):
        refused = door.simulate_request("DELETE", path)
        error_of(refused, 405, "METHOD_NOT_ALLOWED")
        assert refused.headers["Allow"] == f"{method}, OPTIONS"
        preflight = door.simulate_options(path, headers={"Origin": "https://app.example"})
        assert preflight.status_code == 204
        assert preflight.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in preflight.headers


def test_after_ten_failures_it_says_how_long_to_wait(with_password: Studio, door: testing.TestClient) -> None:
    for _ in range(10):
        error_of(sign_in_by_api(door, with_password, password="wrong"), 401, "UNAUTHORIZED")
    waiting = sign_in_by_api(door, with_password)
    assert error_of(waiting, 429, "RATE_LIMITED")["details"] == {"retryAfter": 60}
    assert waiting.headers["Retry-After"] == "60"


def test_failures_count_with_all_others_of_the_address(with_password: Studio, tmp_path: Path, hashes: Hashes) -> None:
    door = app_client(with_password.database, with_password.clock, tmp_path, address=10)
    marked = sign_in_by_api(door, with_password)
    for number in range(5):
        body = {"email": f"nobody{number}@studio.example", "password": "x"}
        assert door.simulate_post(SIGN_IN, json=body).status_code == 401
        assert door.simulate_get("/api/v1/me", headers=bearer("hsk_live_x")).status_code == 401
    work = hashes.all
    waiting = sign_in_by_api(door, with_password)
    error_of(waiting, 429, "RATE_LIMITED")
    assert 0 < int(waiting.headers["Retry-After"]) <= 60
    assert hashes.all == work
    assert door.simulate_get("/api/auth/token", headers=bearer("x")).status_code == 429
    assert door.simulate_get("/api/v1/me", headers=bearer("x")).status_code == 429
    # its own browser, another address and a valid token are not kept out
    own = {"Cookie": f"tallystick-browser={cookies_of(marked)['tallystick-browser']}"}
    assert sign_in_by_api(door, with_password, headers=own).status_code == 200
    assert door.simulate_get("/api/auth/token", headers=bearer(marked.json["token"])).status_code == 200
    body = {"email": with_password.owner.email, "password": PASSWORD}
    assert door.simulate_post(SIGN_IN, json=body, remote_addr="198.51.100.7").status_code == 200
    with_password.clock.now += timedelta(minutes=1)
    assert sign_in_by_api(door, with_password).status_code == 200


def test_a_database_that_is_away_is_a_503(with_password: Studio, door: testing.TestClient, monkeypatch: Any) -> None:
    import psycopg

    def away(*_: object) -> None:
        raise psycopg.OperationalError("the connection is lost")

    token = signed_in(with_password).jwt
    monkeypatch.setattr(type(with_password.database), "transaction", away)
    for answer in (
        sign_in_by_api(door, with_password),
        door.simulate_get("/api/auth/token", headers=bearer(token)),
        door.simulate_post("/api/auth/sign-out", headers=bearer(token)),
    ):
        error_of(answer, 503, "UNAVAILABLE")
        assert "lost" not in answer.text


def test_no_secret_is_logged(with_password: Studio, door: testing.TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    answer = sign_in_by_api(door, with_password)
    sign_in_by_api(door, with_password, password="wrong horse, no staple")
    door.simulate_get("/api/auth/token", headers=bearer(answer.json["token"]))
    said = caplog.text + json.dumps([str(record.__dict__) for record in caplog.records])
    secrets = (PASSWORD, "wrong horse", answer.json["token"], *cookies_of(answer).values())
    assert not any(secret in said for secret in secrets)
    with with_password.context() as ctx:
        told = str(ctx.connection.execute("SELECT events::text FROM events").fetchall())
    assert not any(secret in told for secret in secrets)
