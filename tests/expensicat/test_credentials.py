"""The real credentials of this API, each in its own place and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tallystick.api.expensicat.wire import PREFIXES
from tallystick.auth import passwords, sessions
from tallystick.auth.passwords import Argon2Hasher
from tallystick.db.session import Database
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
