"""People of the studio with passwords, and sign-ins as the sign-in page and API make them."""

from __future__ import annotations

import pytest

from tallystick.auth import passwords
from tallystick.auth.passwords import Argon2Hasher
from tallystick.auth.sessions import SignedIn, sign_in
from tallystick.domain import members
from tests.studio import KEY, Studio

PASSWORD = "seven tall herons wade upstream"
ISSUER = "http://127.0.0.1:8000"


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same algorithm with less memory: these tests hash some thousand times."""
    monkeypatch.setattr(passwords, "_HASHER", Argon2Hasher(memory_cost=64, time_cost=1, parallelism=1))


@pytest.fixture
def with_password(studio: Studio, cheap_hashes: None) -> Studio:
    """The studio, whose owner and member have a password."""
    give_password(studio, "owner")
    give_password(studio, "member")
    return studio


def give_password(studio: Studio, who: str, password: str = PASSWORD) -> None:
    with studio.context() as ctx:
        members.set_password(ctx, studio.people[who].user_id, passwords.hash_password(password))


def signed_in(studio: Studio, who: str = "owner", password: str = PASSWORD, **more: object) -> SignedIn:
    """A sign-in through the front door, at the studio's time."""
    facts = {"issuer": ISSUER, "address": "192.0.2.1", "now": studio.clock(), **more}
    return sign_in(studio.database, KEY, studio.people[who].email, password, **facts)  # type: ignore[arg-type]
