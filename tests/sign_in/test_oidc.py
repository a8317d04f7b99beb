"""Sign-in by a provider over real HTTP: whom it vouches for comes in, and nothing that it did not say."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import threading
import warnings
from base64 import urlsafe_b64encode
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

import pytest
from falcon import testing
from joserfc import jws, jwt
from joserfc.jwk import ECKey, KeySet

from tallystick.auth.rate_limits import RateLimits
from tallystick.domain import audit, members
from tallystick.domain.context import utc_now
from tallystick.domain.entering import enter
from tallystick.main import build
from tallystick.settings import Settings
from tests.sign_in.test_passkeys import Browser
from tests.sign_in.test_told import told
from tests.studio import KEY, Studio

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it uses a part of authlib that is about to go
    from oidc_provider_mock import User, run_server_in_thread

pytestmark = pytest.mark.filterwarnings("ignore")  # of the mock, which uses a part of authlib that is about to go
ROLES = "bosses=ADMIN,leads=MANAGER,staff=MEMBER"
BACK = "/sign-in/oidc/callback"


def app_of(studio: Studio, issuer: str, data: Path, **more: Any) -> testing.TestClient:
    studio.clock.now = utc_now()  # the provider's clock is the machine's
    given = {"oidc_client_id": "tally", "oidc_client_secret": "s3cret", "oidc_workspace": studio.workspace_id, **more}
    settings = Settings(data=data, rate_limit_address=0, oidc_issuer=issuer, **given)
    limits = RateLimits(data / "limits", clock=lambda: studio.clock().timestamp())
    return testing.TestClient(build(settings, studio.database, KEY, clock=studio.clock, limits=limits))


def begin(browser: Browser, path: str = "/sign-in/oidc") -> dict[str, str]:
    """To the provider: what it is asked."""
    gone = browser.get(path)
    assert gone.status_code == 303, gone.text
    query = urlsplit(gone.headers["Location"]).query
    return {name: values[0] for name, values in parse_qs(query).items()} | {"": gone.headers["Location"]}


def finish(browser: Browser, state: str, code: str = "c") -> testing.Result:
    query = urlencode({"state": state, "code": code})
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items() if value)
    result = browser.app.simulate_get(BACK, query_string=query, headers={"Cookie": cookie})
    return browser._kept(result)


def is_in(browser: Browser, email: str) -> bool:
    page = browser.get("/account")
    return page.status_code == 200 and email in page.text


# --- a provider as they are


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def pressed(address: str, subject: str) -> dict[str, str]:
    """Somebody presses the provider's button; answers what it sends the browser back with."""
    request = Request(address, data=urlencode({"sub": subject}).encode())
    try:
        build_opener(_Stay).open(request, timeout=10)
    except Exception as moved:  # noqa: BLE001 - a redirect that is not followed
        location = moved.headers["Location"]  # type: ignore[attr-defined]
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


@contextmanager
def provider(*users: User) -> Generator[str]:
    with run_server_in_thread(user_claims=users) as server:
        yield f"http://localhost:{server.server_port}"


def come(app: testing.TestClient, subject: str, path: str = "/sign-in/oidc") -> tuple[Browser, testing.Result]:
    browser = Browser(app)
    back = pressed(begin(browser, path)[""], subject)
    return browser, finish(browser, back["state"], back["code"])


def user(subject: str, email: str, *groups: str, verified: bool = True) -> User:
    claims = {"email": email, "email_verified": verified, "name": "Somebody New", "groups": list(groups)}
    return User(sub=subject, claims=claims)


def role_of(studio: Studio, email: str) -> str:
    with studio.context() as ctx:
        return members.by_email(ctx, email).role


def test_members_come_in_and_their_role_follows_their_groups(with_password: Studio, tmp_path: Path) -> None:
    member, owner = with_password.people["member"].email, with_password.owner.email
    people = (
        user("m", member, "leads", "staff"), user("o", owner, "staff"), user("x", "x@elsewhere.example", "staff"),
        user("g", with_password.people["second"].email, "cooks"),
        user("u", with_password.people["second"].email, "staff", verified=False),
    )  # fmt: skip
    with provider(*people) as issuer:
        app = app_of(with_password, issuer, tmp_path, oidc_roles=ROLES, oidc_label="Log in with Keys")
        assert "Log in with Keys" in app.simulate_get("/sign-in").text
        browser, came = come(app, "m", "/sign-in/oidc?next=/time")
        assert (came.status_code, came.headers["Location"]) == (303, "/time"), came.text
        assert is_in(browser, member)
        assert role_of(with_password, member) == "MANAGER"
        _, came = come(app, "o")
        assert came.status_code == 303
        assert role_of(with_password, owner) == "OWNER"
        for subject, why in (("x", "no member here"), ("g", "None of your groups"), ("u", "not verified")):
            browser, refused = come(app, subject)
            assert refused.status_code == 403, refused.text
            assert why in refused.text
            assert "tallystick" not in browser.cookies
    assert told(with_password, "member.sign_in_failed") == [(None, "/sign-in/oidc", "127.0.0.1", "provider")]
    with with_password.context() as ctx:
        enter(ctx)
        entries, _ = audit.page(ctx)
        types = [
            change.type for entry in entries if entry.came_from.action == "/sign-in/oidc" for change in entry.changes
        ]
    assert {"member.identity_linked", "member.role_changed", "session.began"} <= set(types)


def test_it_is_the_subject_that_is_remembered(with_password: Studio, tmp_path: Path) -> None:
    member, second = (with_password.people[who].email for who in ("member", "second"))
    with provider(user("m", member)) as issuer:
        assert come(app_of(with_password, issuer, tmp_path), "m")[1].status_code == 303
        port = urlsplit(issuer).port
    changed = (user("m", "new@elsewhere.example", verified=False), user("thief", member), user("s", second))
    with run_server_in_thread(port=port, user_claims=changed):  # type: ignore[arg-type]
        app = app_of(with_password, issuer, tmp_path)
        browser, came = come(app, "m")
        assert came.status_code == 303
        assert is_in(browser, member)
        _, refused = come(app, "thief")
        assert refused.status_code == 409
        assert "Somebody else signs in here" in refused.text
        assert len(told(with_password, "member.sign_in_failed")) == 1
        assert come(app, "s")[1].status_code == 303


def test_strangers_become_members_where_the_operator_says_so(with_password: Studio, tmp_path: Path) -> None:
    email = f"new.{with_password.workspace_id[-6:]}@elsewhere.example"
    with provider(user("n", email, "leads"), user("w", "w@elsewhere.example", "leads", verified=False)) as issuer:
        app = app_of(with_password, issuer, tmp_path, oidc_roles=ROLES, oidc_strangers="join")
        browser, came = come(app, "n")
        assert came.status_code == 303, came.text
        assert is_in(browser, email)
        assert "Somebody New" in browser.get("/account").text
        assert role_of(with_password, email) == "MANAGER"
        assert come(app, "w")[1].status_code == 403
        with with_password.context() as ctx:
            members.remove(ctx, members.by_email(ctx, email))
        app = app_of(with_password, issuer, tmp_path, oidc_roles=ROLES)
        assert come(app, "n")[1].status_code == 403


# --- one that lies


class Liar(ThreadingHTTPServer):
    """A provider that answers what a test says."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Lies)
        self.issuer = f"http://127.0.0.1:{self.server_port}"
        self.key = ECKey.generate_key("P-256", {"kid": "one"})
        self.token: Callable[[], str] = str
        self.told: list[dict[str, str]] = []
        self.named = self.issuer

    def claims(self, studio: Studio, right: str, /, **more: Any) -> dict[str, Any]:
        now = int(studio.clock().timestamp())
        email = studio.people["member"].email
        usual = {
            "iss": self.issuer, "aud": "tally", "sub": "m", "nonce": right, "iat": now, "exp": now + 300,
            "email": email, "email_verified": True, "name": "M", "groups": [],
        }  # fmt: skip
        return {name: value for name, value in {**usual, **more}.items() if value is not None}

    def signed(self, claims: dict[str, Any], key: Any = None, header: dict[str, str] | None = None) -> str:
        head = {"alg": "ES256", "kid": "one", **(header or {})}
        return jwt.encode(head, claims, key or self.key, algorithms=[head["alg"]])


class _Lies(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server: Liar = self.server  # type: ignore[assignment]
        home = server.issuer
        if self.path.startswith("/.well-known"):
            places = {"authorization_endpoint": "go", "token_endpoint": "token", "jwks_uri": "keys"}
            self._say({"issuer": server.named, **{name: f"{home}/{place}" for name, place in places.items()}})
        else:
            self._say(KeySet([server.key]).as_dict(private=False))

    def do_POST(self) -> None:
        server: Liar = self.server  # type: ignore[assignment]
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        server.told.append({**{name: values[0] for name, values in parse_qs(body).items()},
                            "auth": self.headers.get("Authorization", "")})  # fmt: skip
        self._say({"access_token": "access", "token_type": "Bearer", "id_token": server.token()})

    def _say(self, body: Any) -> None:
        sent = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def liar() -> Iterator[Liar]:
    server = Liar()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


Token = Callable[[dict[str, str]], str]


def attempt(
    app: testing.TestClient, liar: Liar, token: Callable[[dict[str, str]], str]
) -> tuple[Browser, testing.Result]:
    browser = Browser(app)
    asked = begin(browser)
    liar.token = lambda: token(asked)
    return browser, finish(browser, asked["state"])


def test_what_is_asked_is_bound_to_the_code_and_the_browser(with_password: Studio, liar: Liar, tmp_path: Path) -> None:
    app = app_of(with_password, liar.issuer, tmp_path)
    browser = Browser(app)
    asked = begin(browser)
    assert (asked["response_type"], asked["code_challenge_method"], asked["client_id"]) == ("code", "S256", "tally")
    assert asked["redirect_uri"] == f"http://127.0.0.1:8000{BACK}"
    assert "openid" in asked["scope"].split()
    liar.token = lambda: liar.signed(liar.claims(with_password, asked["nonce"]))
    sealed = dict(browser.cookies)
    stranger = Browser(app)
    begin(stranger)
    assert finish(stranger, asked["state"]).status_code == 400
    assert finish(Browser(app), asked["state"]).status_code == 400
    assert finish(browser, "x").status_code == 400
    browser.cookies = dict(sealed)
    assert liar.told == []
    assert finish(browser, asked["state"]).status_code == 303
    (told,) = liar.told
    digest = urlsafe_b64encode(hashlib.sha256(told["code_verifier"].encode()).digest()).rstrip(b"=").decode()
    assert digest == asked["code_challenge"]
    assert told["auth"].startswith("Basic ")
    again = Browser(app, sealed)
    assert finish(again, asked["state"]).status_code == 400
    assert len(liar.told) == 1
    late = Browser(app)
    asked = begin(late)
    with_password.clock.now += timedelta(minutes=10)
    assert finish(late, asked["state"]).status_code == 400


LIES: list[dict[str, Any]] = [
    {"iss": "https://evil.example"}, {"aud": "another"}, {"aud": ["tally", "another"]}, {"aud": None},
    {"azp": "another"}, {"exp": 1}, {"exp": None}, {"exp": "soon"}, {"iat": 9_999_999_999}, {"iat": None},
    {"nonce": "x"}, {"nonce": None}, {"sub": None}, {"sub": ""}, {"sub": 7}, {"at_hash": "x"},
    {"nbf": 9_999_999_999},
]  # fmt: skip


def test_a_token_that_says_something_else_is_refused(with_password: Studio, liar: Liar, tmp_path: Path) -> None:
    app = app_of(with_password, liar.issuer, tmp_path)
    for lie in LIES:

        def token(asked: dict[str, str], lie: dict[str, Any] = lie) -> str:
            return liar.signed(liar.claims(with_password, asked["nonce"], **lie))

        browser, refused = attempt(app, liar, token)
        assert refused.status_code == 403, lie
        assert "was not right" in refused.text, lie
        assert "tallystick" not in browser.cookies, lie


def test_who_is_to_sign_in_again_does_so_at_the_provider(with_password: Studio, liar: Liar, tmp_path: Path) -> None:
    app = app_of(with_password, liar.issuer, tmp_path)
    assert "prompt" not in begin(Browser(app))
    form = app.simulate_get("/sign-in", query_string="again=yes&next=/settings/export").text
    (start,) = {unescape(link) for link in re.findall(r'href="(/sign-in/oidc[^"]*)"', form)}
    began = int(with_password.clock().timestamp())
    for shown, status in ((began - 3600, 403), (began, 303), (None, 303)):
        browser = Browser(app)
        asked = begin(browser, start)
        assert (asked["prompt"], asked["max_age"]) == ("login", "0")
        said = liar.signed(liar.claims(with_password, asked["nonce"], auth_time=shown))
        liar.token = lambda said=said: said  # type: ignore[misc]
        came = finish(browser, asked["state"])
        assert came.status_code == status, came.text
    assert came.headers["Location"] == "/settings/export"


def test_a_token_that_somebody_else_signed_is_refused(with_password: Studio, liar: Liar, tmp_path: Path) -> None:
    app = app_of(with_password, liar.issuer, tmp_path)
    other = ECKey.generate_key("P-256", {"kid": "one"})
    public = liar.key.as_pem(private=False)

    def unsigned(asked: dict[str, str]) -> str:
        whole = liar.signed(liar.claims(with_password, asked["nonce"]))
        head = jws.extract_compact(whole.encode())  # to be sure that it is one
        assert head
        none = "eyJhbGciOiJub25lIn0"
        return f"{none}.{whole.split('.')[1]}."

    def shared(asked: dict[str, str]) -> str:
        """Signed with the public key, as if it were a secret."""
        body = liar.signed(liar.claims(with_password, asked["nonce"])).split(".")[1]
        head = urlsafe_b64encode(b'{"alg":"HS256","kid":"one"}').rstrip(b"=").decode()
        mac = hmac.digest(public, f"{head}.{body}".encode(), hashlib.sha256)
        return f"{head}.{body}.{urlsafe_b64encode(mac).rstrip(b'=').decode()}"

    forged: list[Token] = [
        lambda asked: liar.signed(liar.claims(with_password, asked["nonce"]), other),
        unsigned,
        shared,
        lambda asked: liar.signed(liar.claims(with_password, asked["nonce"]))[:-6] + "AAAAAA",
        lambda _: "x.y.z",
        lambda _: "",
    ]
    for token in forged:
        browser, refused = attempt(app, liar, token)
        assert refused.status_code == 403, refused.text
        assert "tallystick" not in browser.cookies
    right, came = attempt(app, liar, lambda asked: liar.signed(liar.claims(with_password, asked["nonce"])))
    assert came.status_code == 303
    assert is_in(right, with_password.people["member"].email)


def test_one_that_is_away_or_another_is_said(with_password: Studio, liar: Liar, tmp_path: Path) -> None:
    liar.named = "https://evil.example"
    page = Browser(app_of(with_password, liar.issuer, tmp_path)).get("/sign-in/oidc")
    assert page.status_code == 409
    assert "does not answer" in page.text
    denied = Browser(app_of(with_password, "http://127.0.0.1:9", tmp_path)).get("/sign-in/oidc")
    assert denied.status_code == 409


def test_without_the_setting_there_is_no_such_page(with_password: Studio, door: testing.TestClient) -> None:
    assert door.simulate_get("/sign-in/oidc").status_code == 404
    assert "oidc" not in door.simulate_get("/sign-in").text
