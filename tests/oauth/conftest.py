"""An app of the studio, a signed-in browser, and the steps between them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from falcon import testing

from tallystick.auth import oauth2
from tallystick.domain import oauth
from tests.sign_in.conftest import (  # noqa: F401 - fixtures
    cheap_hashes,
    cookies_of,
    csrf_in,
    door,
    nothing_counted,
    sign_in_by_api,
    submit,
    with_password,
)
from tests.studio import KEY, Studio

AUTHORIZE = "/api/auth/oauth2/authorize"
TOKEN = "/api/auth/oauth2/token"
CALLBACK = "https://app.example/callback"
LOOPBACK = "http://127.0.0.1/callback"
SCOPE = "entries:read entries:write"
VERIFIER = "v" * 43 + secrets.token_urlsafe(20)
ISSUER = "http://127.0.0.1:8000"


@dataclass
class App:
    """One app, in front of one browser, at one server."""

    door: testing.TestClient
    studio: Studio
    client_id: str
    cookie: str
    secret: str | None = None
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    def parameters(self, **changed: Any) -> dict[str, Any]:
        """An authorization request; a parameter that is None is left out."""
        given = {
            "client_id": self.client_id,
            "redirect_uri": CALLBACK,
            "response_type": "code",
            "scope": SCOPE,
            "code_challenge": create_s256_code_challenge(self.verifier),
            "code_challenge_method": "S256",
            "state": "a state & more=ü",
            **changed,
        }
        return {name: value for name, value in given.items() if value is not None}

    def ask(self, **changed: Any) -> testing.Result:
        return self.ask_raw(urlencode(self.parameters(**changed), doseq=True))

    def ask_raw(self, query: str) -> testing.Result:
        headers = {"Cookie": self.cookie} if self.cookie else {}
        return self.door.simulate_get(AUTHORIZE, query_string=query, headers=headers)

    def decide(self, decision: str = "approve", **changed: Any) -> testing.Result:
        page = self.ask(**changed)
        assert page.status_code == 200, (page.status_code, page.headers, page.text)
        fields = {**self.parameters(**changed), "csrf_token": csrf_in(page), "decision": decision}
        return submit(self.door, AUTHORIZE, fields, Cookie=self.cookie)

    def code(self, **changed: Any) -> str:
        return answer_of(self.decide(**changed))["code"]

    def exchange(self, code: str, /, **changed: Any) -> testing.Result:
        given = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK,
            "code_verifier": self.verifier, **changed,
        }  # fmt: skip
        return self.post(TOKEN, **given)

    def refresh(self, token: str, **changed: Any) -> testing.Result:
        return self.post(TOKEN, grant_type="refresh_token", refresh_token=token, **changed)

    def tokens(self, **changed: Any) -> dict[str, Any]:
        result = self.exchange(self.code(**changed))
        assert result.status_code == 200, result.text
        return dict(result.json)

    def introspect(self, token: str) -> dict[str, Any]:
        result = self.post("/api/auth/oauth2/introspect", token=token)
        assert result.status_code == 200, result.text
        return dict(result.json)

    def post(self, path: str, **given: Any) -> testing.Result:
        given = {"client_id": self.client_id, **({"client_secret": self.secret} if self.secret else {}), **given}
        given = {name: value for name, value in given.items() if value is not None}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.door.simulate_post(path, body=urlencode(given), headers=headers)

    def reaches(self, token: str) -> bool:
        """Whether a token opens the API."""
        answer = self.door.simulate_get("/v1/time-entries", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code in (200, 401), answer.text
        return answer.status_code == 200


def answer_of(result: testing.Result, at: str = CALLBACK) -> dict[str, str]:
    """What a redirect to the app says."""
    assert result.status_code == 303, (result.status_code, result.text)
    location = result.headers["Location"]
    assert location.startswith(f"{at}?"), location
    found = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
    assert found["iss"] == ISSUER
    return found


def refused(result: testing.Result, error: str = "invalid_grant", status: int = 400) -> None:
    assert (result.status_code, result.json["error"]) == (status, error), result.text
    assert result.json["error_description"]
    assert result.headers["Cache-Control"] == "no-store"


def register(
    studio: Studio, *uris: str, confidential: bool = False, name: str = "Chart Room"
) -> tuple[str, str | None]:
    secret = oauth2.mint("secret") if confidential else None
    with studio.context() as ctx:
        app = oauth.create_app(
            ctx, name=name, redirect_uris=list(uris) or [CALLBACK, LOOPBACK],
            secret_digest=None if secret is None else oauth2.digest(KEY, secret),
        )  # fmt: skip
    return app.id, secret


def cookie_for(door: testing.TestClient, studio: Studio, who: str = "owner") -> str:  # noqa: F811
    return f"tallystick={cookies_of(sign_in_by_api(door, studio, who))['tallystick']}"


@pytest.fixture
def app(with_password: Studio, door: testing.TestClient, tmp_path: Path) -> App:  # noqa: F811
    """A public app, and the owner's browser."""
    client_id, _ = register(with_password)
    return App(door, with_password, client_id, cookie_for(door, with_password))


@pytest.fixture
def keeper(with_password: Studio, door: testing.TestClient) -> App:  # noqa: F811
    """An app that keeps a secret."""
    client_id, secret = register(with_password, confidential=True, name="Ledger")
    return App(door, with_password, client_id, cookie_for(door, with_password), secret)
