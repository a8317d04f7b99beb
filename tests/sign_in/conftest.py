"""People of the studio with passwords, and sign-ins as the sign-in page and API make them."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from falcon import testing
from pwdlib.hashers.argon2 import Argon2Hasher

from tallystick.auth import passwords
from tallystick.auth.sessions import SignedIn, sign_in
from tallystick.db.session import Database
from tallystick.domain import members
from tests.studio import KEY, Studio, app_client

PASSWORD = "seven tall herons wade upstream"
ISSUER = "http://127.0.0.1:8000"


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same algorithm with less memory: these tests hash some thousand times."""
    monkeypatch.setattr(passwords, "_HASHER", Argon2Hasher(memory_cost=64, time_cost=1, parallelism=1))


@pytest.fixture(autouse=True)
def nothing_counted(database: Database) -> None:
    """The tests share their addresses, and their clocks all stand at the same time."""
    with database.transaction() as connection:
        connection.execute("DELETE FROM sign_in_counts")


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


@pytest.fixture
def door(with_password: Studio, tmp_path: Path) -> testing.TestClient:
    """The app in process on the studio's clock, where an address may fail as often as it likes."""
    return app_client(with_password.database, with_password.clock, tmp_path)


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> Hashes:
    """Watches how many passwords are hashed, and how many at once."""
    watching = Hashes()
    monkeypatch.setattr(passwords, "_HASHER", watching)
    return watching


class Hashes(Argon2Hasher):
    """The cheap hasher, with counts."""

    def __init__(self) -> None:
        super().__init__(memory_cost=64, time_cost=1, parallelism=1)
        self.all = self.now = self.most = 0
        self._lock = threading.Lock()

    def verify(self, password: str | bytes, hash: str | bytes) -> bool:  # noqa: A002 - pwdlib's name
        with self._counted():
            return super().verify(password, hash)

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        with self._counted():
            return super().hash(password, salt=salt)

    @contextlib.contextmanager
    def _counted(self) -> Generator[None]:
        with self._lock:
            self.all += 1
            self.now += 1
            self.most = max(self.most, self.now)
        try:
            yield
        finally:
            with self._lock:
                self.now -= 1


def sign_in_by_api(door: testing.TestClient, studio: Studio, who: str = "owner", **more: Any) -> testing.Result:
    """`POST /api/auth/sign-in/email` as one of the people."""
    headers = more.pop("headers", {})
    body = {"email": studio.people[who].email, "password": PASSWORD, **more}
    return door.simulate_post("/api/auth/sign-in/email", json=body, headers=headers)


def submit(door: testing.TestClient, path: str, fields: dict[str, str], **headers: str) -> testing.Result:
    """A form sent from a page of ours."""
    return door.simulate_post(
        path,
        body=urlencode(fields),
        headers={
            "Content-Type": "application/x-www-form-urlencoded",
            "Sec-Fetch-Site": "same-origin",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        },
    )


def cookies_of(result: testing.Result) -> dict[str, str]:
    """What a browser would send back: name and value of each cookie that is set."""
    return {name: cookie.value for name, cookie in result.cookies.items()}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def csrf_in(page: testing.Result) -> str:
    """The token in a page's form."""
    found = re.search(r'name="csrf_token" value="([0-9a-f]+)"', page.text)
    assert found is not None, page.text
    return found[1]
