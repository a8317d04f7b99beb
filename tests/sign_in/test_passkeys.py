"""Passkeys: a whole sign-in, good for this server alone, whose every forgery and repetition is refused."""

from __future__ import annotations

import hashlib
import json
import os
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from falcon import testing
from webauthn.helpers import base64url_to_bytes, encode_cbor

from tallystick.auth import second_factor
from tallystick.domain import audit, passkeys
from tallystick.domain.entering import enter
from tallystick.domain.members import Person
from tests.sign_in.conftest import PASSWORD, cookies_of, csrf_in, submit
from tests.sign_in.test_api import app_at
from tests.sign_in.test_second_factor import SECRET
from tests.sign_in.test_told import told
from tests.studio import KEY, Studio

HOME = "https://time.example.com"
SESSION, CHALLENGE = "__Host-tallystick", "__Host-tallystick-challenge"


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Device:
    """A device that holds one key, and says what it is told to."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    id: bytes = field(default_factory=lambda: os.urandom(24))
    count: int = 0
    owner: bytes = b""

    def _data(self, site: str, flags: int) -> bytes:
        self.count += 1
        return hashlib.sha256(site.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def make(self, options: dict[str, Any], *, origin: str = HOME, flags: int = 0x45) -> str:
        self.owner = base64url_to_bytes(options["user"]["id"])
        numbers = self.key.public_key().public_numbers()
        cose = encode_cbor({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})
        data = self._data(options["rp"]["id"], flags) + bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cose
        attested = encode_cbor({"fmt": "none", "attStmt": {}, "authData": data})
        said = self._said("webauthn.create", options["challenge"], origin)
        return self._answer({"clientDataJSON": b64(said), "attestationObject": b64(attested)})

    def sign(
        self,
        options: dict[str, Any],
        *,
        origin: str = HOME,
        site: str = "",
        flags: int = 0x05,
        owner: bytes | None = None,
    ) -> str:
        said = self._said("webauthn.get", options["challenge"], origin)
        data = self._data(site or options["rpId"], flags)
        signature = self.key.sign(data + hashlib.sha256(said).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(
            {
                "clientDataJSON": b64(said),
                "authenticatorData": b64(data),
                "signature": b64(signature),
                "userHandle": b64(self.owner if owner is None else owner),
            }
        )

    def _said(self, what: str, challenge: str, origin: str) -> bytes:
        return json.dumps({"type": what, "challenge": challenge, "origin": origin, "crossOrigin": False}).encode()

    def _answer(self, response: dict[str, str]) -> str:
        return json.dumps({"id": b64(self.id), "rawId": b64(self.id), "type": "public-key", "response": response})


@dataclass
class Browser:
    """Somebody's browser at the server's own name."""

    app: testing.TestClient
    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def _cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items() if value)

    def get(self, path: str) -> testing.Result:
        return self._kept(self.app.simulate_get(path, headers={"Cookie": self._cookie}))

    def post(self, path: str, fields: dict[str, str], **headers: str) -> testing.Result:
        return self._kept(submit(self.app, path, fields, Cookie=self._cookie, **headers))

    def _kept(self, result: testing.Result) -> testing.Result:
        self.cookies |= cookies_of(result)
        return result

    def comes_in(self, studio: Studio, who: str = "owner") -> None:
        assert self.post("/sign-in", {"email": studio.people[who].email, "password": PASSWORD}).status_code == 303

    @property
    def csrf(self) -> str:
        return csrf_in(self.get("/sign-out"))

    def adds(self, device: Device, name: str = "Laptop", **how: Any) -> testing.Result:
        csrf = self.csrf
        offer = self.post("/passkeys/offer", {"csrf_token": csrf, "password": PASSWORD})
        assert offer.status_code == 200, offer.text
        fields = {"csrf_token": csrf, "do": "add", "name": name, "answer": device.make(offer.json, **how)}
        return self.post("/passkeys", fields)

    def offer(self) -> dict[str, Any]:
        return dict(self.post("/sign-in/passkey/offer", {}).json)

    def answers(self, answer: str) -> testing.Result:
        return self.post("/sign-in/passkey", {"answer": answer})


@pytest.fixture
def safe(with_password: Studio, tmp_path: Path) -> testing.TestClient:
    return app_at(with_password, HOME, tmp_path)


@pytest.fixture
def device(with_password: Studio, safe: testing.TestClient) -> Device:
    """The owner's, which is known here."""
    device = Device()
    browser = Browser(safe)
    browser.comes_in(with_password)
    assert browser.adds(device).status_code == 200
    return device


def is_in(browser: Browser, studio: Studio, who: str = "owner") -> bool:
    page = browser.get("/account")
    return page.status_code == 200 and studio.people[who].email in page.text


def kept(studio: Studio, who: str = "owner") -> list[tuple[str, int]]:
    with studio.context(who) as ctx:
        return [(one.name, one.sign_count) for one in passkeys.of_self(ctx)]


def types(studio: Studio) -> list[str]:
    with studio.context() as ctx:
        enter(ctx)
        entries, _ = audit.page(ctx)
        return [change.type for entry in entries for change in entry.changes]


def test_a_passkey_is_added_and_signs_its_owner_in(
    with_password: Studio, safe: testing.TestClient, device: Device
) -> None:
    assert kept(with_password) == [("Laptop", 1)]
    browser = Browser(safe)
    assert "Sign in with a passkey" in browser.get("/sign-in").text
    came = browser.answers(device.sign(browser.offer()))
    assert (came.status_code, came.headers["Location"]) == (303, "/")
    assert is_in(browser, with_password)
    assert kept(with_password) == [("Laptop", 2)]
    assert "member.passkey_added" in types(with_password)
    assert "Laptop" in browser.get("/account").text


def test_it_needs_no_code_beside_it(with_password: Studio, safe: testing.TestClient, device: Device) -> None:
    with with_password.context() as ctx:
        (owner,) = ctx.select(Person, Person.id == with_password.owner.user_id)
        ctx.change(owner, totp_secret=second_factor.seal_secret(KEY, owner.id, SECRET))
    browser = Browser(safe)
    assert browser.answers(device.sign(browser.offer())).status_code == 303
    assert is_in(browser, with_password)


def test_a_challenge_is_good_once_and_for_five_minutes(
    with_password: Studio, safe: testing.TestClient, device: Device
) -> None:
    browser = Browser(safe)
    offer, sealed = browser.offer(), browser.cookies[CHALLENGE]
    answer = device.sign(offer)
    assert browser.answers(answer).status_code == 303
    again = Browser(safe, {CHALLENGE: sealed})
    replayed = again.answers(answer)
    assert replayed.status_code == 400
    assert "sent twice" in replayed.text
    assert not is_in(again, with_password)
    again.cookies[CHALLENGE] = sealed
    assert again.answers(device.sign(offer)).status_code == 400
    late = Browser(safe)
    offer = late.offer()
    with_password.clock.now += timedelta(minutes=5)
    assert late.answers(device.sign(offer)).status_code == 400
    assert not is_in(late, with_password)


@pytest.mark.parametrize(
    "how",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://time.example.com"},
        {"origin": "https://time.example.com:8443"},
        {"site": "evil.example"},
        {"flags": 0x01},  # present, and nobody asked who it is
        {"flags": 0x04},
        {"owner": b""},
        {"owner": UUID(int=7).bytes},
    ],
    ids=str,
)
def test_an_answer_for_another_place_or_person_is_refused(
    with_password: Studio, safe: testing.TestClient, device: Device, how: dict[str, Any]
) -> None:
    browser = Browser(safe)
    refused = browser.answers(device.sign(browser.offer(), **how))
    assert refused.status_code == 401
    assert "not known here" in refused.text
    assert not is_in(browser, with_password)
    assert kept(with_password) == [("Laptop", 1)]
    assert told(with_password, "member.sign_in_failed") == [(None, "/sign-in/passkey", "127.0.0.1", "passkey")]


def test_a_forged_answer_is_refused(with_password: Studio, safe: testing.TestClient, device: Device) -> None:
    browser = Browser(safe)
    thief = Device(id=device.id, owner=device.owner, count=9)
    assert browser.answers(thief.sign(browser.offer())).status_code == 401
    assert len(told(with_password, "member.sign_in_failed")) == 1
    assert browser.answers(Device(owner=device.owner).sign(browser.offer())).status_code == 401
    assert len(told(with_password, "member.sign_in_failed")) == 1, "a key that nobody has is nobody's"
    for nonsense in (
        "",
        "{}",
        "[]",
        "null",
        '{"id": 1}',
        "x" * 40_000,
        '{"id":"a","rawId":"!","response":{},"type":"x"}',
    ):
        browser.offer()
        assert browser.answers(nonsense).status_code == 401, nonsense[:20]
    mixed = device.sign(browser.offer())
    browser.offer()  # the cookie is another one now
    assert browser.answers(mixed).status_code == 401
    browser.cookies[CHALLENGE] = "x.y"
    assert browser.answers(device.sign(browser.offer() | {"challenge": "eA"})).status_code == 401
    assert not is_in(browser, with_password)


def test_a_copy_of_the_key_is_found_by_its_count(
    with_password: Studio, safe: testing.TestClient, device: Device
) -> None:
    copy = Device(device.key, device.id, device.count, device.owner)
    browser = Browser(safe)
    assert browser.answers(device.sign(browser.offer())).status_code == 303
    other = Browser(safe)
    assert other.answers(copy.sign(other.offer())).status_code == 401
    assert not is_in(other, with_password)


def test_it_is_added_only_by_whoever_shows_that_it_is_them(with_password: Studio, safe: testing.TestClient) -> None:
    browser, device = Browser(safe), Device()
    browser.comes_in(with_password)
    csrf = browser.csrf
    refused = browser.post("/passkeys/offer", {"csrf_token": csrf, "password": "wrong"})
    assert (refused.status_code, refused.json) == (400, {"problem": "The password is not right."})
    assert browser.post("/passkeys/offer", {"csrf_token": "x", "password": PASSWORD}).status_code == 403
    assert Browser(safe).post("/passkeys/offer", {"password": PASSWORD}).status_code == 401
    offer = browser.post("/passkeys/offer", {"csrf_token": csrf, "password": PASSWORD}).json
    stranger = Browser(safe)
    stranger.comes_in(with_password, "member")
    stranger.cookies[CHALLENGE] = browser.cookies[CHALLENGE]
    fields = {"csrf_token": stranger.csrf, "do": "add", "name": "x", "answer": device.make(offer)}
    assert stranger.post("/passkeys", fields).status_code == 400
    assert browser.adds(Device(), origin="https://evil.example").status_code == 400
    assert browser.adds(Device(), flags=0x41).status_code == 400
    assert kept(with_password) == kept(with_password, "member") == []


def test_a_person_keeps_several_names_them_and_removes_them(
    with_password: Studio, safe: testing.TestClient, device: Device
) -> None:
    browser = Browser(safe)
    browser.comes_in(with_password)
    phone = Device()
    assert browser.adds(phone, "Phone").status_code == 200
    assert browser.adds(phone, "Phone again").status_code == 409
    with with_password.context() as ctx:
        ids = {one.name: one.id for one in passkeys.of_self(ctx)}
    fields = {"csrf_token": browser.csrf, "passkey": ids["Laptop"]}
    assert browser.post("/passkeys", {**fields, "do": "rename", "name": "Old <laptop>"}).status_code == 200
    assert "Old &lt;laptop&gt;" in browser.get("/passkeys").text
    wrong = browser.post("/passkeys", {**fields, "do": "remove", "password": "wrong"})
    assert wrong.status_code == 400
    stranger = Browser(safe)
    stranger.comes_in(with_password, "member")
    theirs = {**fields, "csrf_token": stranger.csrf, "do": "remove", "password": PASSWORD}
    assert stranger.post("/passkeys", theirs).status_code == 404
    assert browser.post("/passkeys", {**fields, "do": "remove", "password": PASSWORD}).status_code == 200
    assert [name for name, _ in kept(with_password)] == ["Phone"]
    gone = Browser(safe)
    assert gone.answers(device.sign(gone.offer())).status_code == 401
    assert gone.answers(phone.sign(gone.offer())).status_code == 303
    assert {"member.passkey_renamed", "member.passkey_removed"} <= set(types(with_password))


def test_where_browsers_would_have_none_nothing_is_offered(with_password: Studio, door: testing.TestClient) -> None:
    page = door.simulate_get("/sign-in")
    assert "Sign in with a passkey" not in page.text
    assert "script" not in page.headers["Content-Security-Policy"]
    assert submit(door, "/sign-in/passkey/offer", {}).status_code == 404
    browser = Browser(door)
    browser.comes_in(with_password)
    assert "need https and a name" in browser.get("/passkeys").text
