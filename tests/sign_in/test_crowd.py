"""Promise B9: however many sign in at once, two passwords are hashed at a time, and threads stay free for others."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from falcon import testing

from tallystick.auth import passwords
from tallystick.auth.sessions import sign_in
from tallystick.values.errors import Unauthenticated
from tallystick.web.auth.entrance import AT_ONCE
from tests.sign_in.conftest import ISSUER, Hashes, sign_in_by_api
from tests.studio import KEY, Studio


def test_two_hundred_at_once_hash_two_at_a_time(with_password: Studio, hashes: Hashes) -> None:
    together = threading.Barrier(50)

    def arrive(number: int) -> bool:
        together.wait()
        email = with_password.owner.email if number % 25 == 0 else f"stranger{number}@studio.example"
        password = "seven tall herons wade upstream"
        try:
            sign_in(
                with_password.database, KEY, email, password,
                issuer=ISSUER, address=f"198.51.100.{number}", now=with_password.clock(),
            )  # fmt: skip
        except Unauthenticated:
            return False
        return True

    with ThreadPoolExecutor(50) as crowd:
        let_in = sum(crowd.map(arrive, range(200)))
    assert let_in == 8
    assert hashes.all == 200
    assert 1 <= hashes.most <= 2


def test_while_many_wait_the_next_is_told_to_come_again(
    with_password: Studio, door: testing.TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    going, here = threading.Event(), threading.Semaphore(0)

    class Slow(Hashes):
        def verify(self, password: str | bytes, hash: str | bytes) -> bool:  # noqa: A002 - pwdlib's name
            here.release()
            assert going.wait(30)
            return super().verify(password, hash)

    monkeypatch.setattr(passwords, "_HASHER", Slow())
    monkeypatch.setattr(passwords, "_SLOTS", threading.BoundedSemaphore(AT_ONCE))  # all of them at the hasher
    with ThreadPoolExecutor(AT_ONCE) as crowd:
        waiting = [
            crowd.submit(sign_in_by_api, door, with_password, "owner" if number % 2 else "member")
            for number in range(AT_ONCE)
        ]
        for _ in range(AT_ONCE):
            assert here.acquire(timeout=30)
        refused = sign_in_by_api(door, with_password, "admin")
        page = door.simulate_get("/sign-in")
        going.set()
        answers = [one.result().status_code for one in waiting]
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert refused.json["error"]["code"] == "UNAVAILABLE"
    assert page.status_code == 200
    assert answers == [200] * AT_ONCE
    assert sign_in_by_api(door, with_password).status_code == 200
