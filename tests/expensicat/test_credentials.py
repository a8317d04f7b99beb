"""The real credentials of this API, each in its own place and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tallystick.api.expensicat.operations import SCOPES
from tallystick.api.expensicat.wire import PREFIXES
from tallystick.auth import oauth2, passwords, sessions
from tallystick.auth.passwords import Argon2Hasher
from tallystick.db.session import Database
from tallystick.domain import oauth
from tests.expensicat.world import Expensicat
from tests.sign_in.conftest import ISSUER, give_password, signed_in
from tests.studio import KEY, Api, Studio, app_client


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_HASHER", Argon2Hasher(memory_cost=64, time_cost=1, parallelism=1))


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_session_jwt_acts_as_far_as_the_role_goes_until_the_session_ends(
    database: Database, studio: Studio, tmp_path: Path, prefix: str
) -> None:
    give_password(studio, "member")
    signed = signed_in(studio, "member")
    client = app_client(database, studio.clock, tmp_path)
    api = Expensicat(client, signed.jwt, prefix)
    made = api.post("/time-entries", {"start_time": "2026-06-15T07:00:00Z", "description": "x"})
    assert made["user_id"] == studio.people["member"].user_id
    api.refused("POST", "/customers", {"name": "x"}, status=403)
    assert Api(client, signed.jwt)("GET", "/me").status_code == 401
    with database.transaction() as connection:
        live = sessions.session_of_jwt(connection, KEY, signed.jwt, studio.clock.now, ISSUER)
        sessions.sign_out(connection, live, studio.clock.now)
    api.refused("GET", "/time-entries", status=401)


@pytest.mark.parametrize("prefix", PREFIXES)
def test_an_access_token_acts_within_what_was_granted_until_the_grant_ends(
    database: Database, studio: Studio, tmp_path: Path, prefix: str
) -> None:
    text = oauth2.mint("access")
    with studio.context() as ctx:
        app = oauth.create_app(ctx, name="Chart Room", redirect_uris=["https://app.example/callback"])
    with studio.context("member") as ctx:
        granted = oauth.grant(ctx, app, ["entries:read", "invoices:write"])
        oauth.add_token(ctx, granted, "access", oauth2.digest(KEY, text))
    client = app_client(database, studio.clock, tmp_path)
    api = Expensicat(client, text, prefix)
    assert api.get("/time-entries") == []
    for method, path, body in (
        ("POST", "/time-entries", {"start_time": "2026-06-15T07:00:00Z", "description": "x"}),
        ("GET", "/members", None),
        ("GET", "/metrics/invoice-aging", None),
    ):
        result = api(method, path, body)
        assert result.status_code == 403
        assert result.json["error"]["details"] == {"reason": "insufficient_scope"}
        assert 'error="insufficient_scope"' in result.headers["WWW-Authenticate"]
    error = api.refused("POST", "/customers", {"name": "x"}, status=403)
    assert "details" not in error, "the scope is there; a Member may not all the same"
    assert Api(client, text)("GET", "/me").status_code == 401
    with studio.context("member") as ctx:
        oauth.end(ctx, granted, "revoked")
    api.refused("GET", "/time-entries", status=401)


def test_every_scope_can_be_granted() -> None:
    assert set(SCOPES) <= set(oauth.OAUTH_SCOPES)
