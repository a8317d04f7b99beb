"""A client whose host is `…/expensicat`, and which appends `/api/…` to it, finds everything below it."""

from __future__ import annotations

import pytest
from falcon import testing

from tallystick.db.session import Database
from tests.studio import Clock, app_client


@pytest.fixture(scope="module")
def app(database: Database, tmp_path_factory: pytest.TempPathFactory) -> testing.TestClient:
    return app_client(database, Clock(), tmp_path_factory.mktemp("suffix"))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/auth/oauth2/authorize?client_id=nobody"),
        ("POST", "/api/auth/oauth2/token"),
        ("POST", "/api/auth/sign-in/email"),
        ("GET", "/api/auth/token"),
        ("GET", "/v1/time-entries"),
    ],
)
def test_below_the_host_are_the_same_answers(app: testing.TestClient, method: str, path: str) -> None:
    plain = app.simulate_request(method, path)
    below = app.simulate_request(method, f"/expensicat{'' if path.startswith('/api') else '/api'}{path}")
    assert plain.status_code in (400, 401, 415)
    assert (below.status_code, below.text) == (plain.status_code, plain.text)


def test_nothing_else_is_below_it(app: testing.TestClient) -> None:
    for path in ("/expensicat/api/authority", "/expensicat/healthz", "/expensicat/sign-in"):
        assert app.simulate_get(path).status_code == 404
