"""What the audit log hears of the way in: who came, who did not, and what was refused."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from falcon import testing

from tallystick.auth.sessions import WrongCode
from tallystick.domain import audit
from tallystick.domain.entering import enter
from tallystick.values.errors import Unauthenticated
from tests.sign_in.conftest import PASSWORD, cookies_of, csrf_in, signed_in, submit
from tests.sign_in.test_second_factor import careful  # noqa: F401 - a fixture
from tests.studio import Api, Studio, app_client


def told(studio: Studio, kind: str) -> list[tuple[str | None, str, str, str]]:
    with studio.context() as ctx:
        enter(ctx)
        entries, _ = audit.page(ctx)
        return [
            (entry.actor_id, entry.came_from.action, entry.came_from.address, change.after.get("why", ""))
            for entry in entries for change in entry.changes if change.type == kind
        ]  # fmt: skip


def test_who_came_and_from_where(with_password: Studio, door: testing.TestClient) -> None:
    came = submit(door, "/sign-in", {"email": with_password.owner.email, "password": PASSWORD})
    assert came.status_code == 303
    ((actor, action, address, _), *_rest) = told(with_password, "session.began")
    assert (actor, action, address) == (with_password.owner.user_id, "/sign-in", "127.0.0.1")


def test_a_failed_sign_in_is_nobodys_and_says_what_was_wrong(careful: Studio) -> None:  # noqa: F811
    with pytest.raises(Unauthenticated):
        signed_in(careful, password="wrong")
    with pytest.raises(WrongCode):
        signed_in(careful, totp="000000")
    assert told(careful, "member.sign_in_failed") == [
        (None, "/sign-in", "192.0.2.1", "code"),
        (None, "/sign-in", "192.0.2.1", "password"),
    ]


def test_an_account_that_nobody_has_is_in_no_workspace(
    with_password: Studio, door: testing.TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert submit(door, "/sign-in", {"email": "no\none@nowhere.example", "password": "x"}).status_code == 401
    assert "which nobody has" in caplog.text
    assert told(with_password, "member.sign_in_failed") == []


def test_a_change_that_was_refused_is_told_by_page_and_by_api(
    with_password: Studio, door: testing.TestClient, tmp_path: Path
) -> None:
    member = with_password.people["member"]
    came = submit(door, "/sign-in", {"email": member.email, "password": PASSWORD})
    cookie = f"tallystick={cookies_of(came)['tallystick']}"
    csrf = csrf_in(door.simulate_get("/sign-out", headers={"Cookie": cookie}))
    assert submit(door, "/clients/new", {"csrf_token": csrf, "name": "X"}, Cookie=cookie).status_code == 403
    (tmp_path / "api").mkdir()
    api = Api(app_client(with_password.database, with_password.clock, tmp_path / "api"), member.token)
    assert api("POST", "/clients", {"name": "X"}).status_code == 403
    assert api("GET", "/clients").status_code == 403  # nothing would have changed
    refused = told(with_password, "member.refused")
    assert [(actor, action) for actor, action, _, _ in refused] == [
        (member.user_id, "createClient"), (member.user_id, "/clients/new"),
    ]  # fmt: skip
    assert all("may not" in why for *_, why in refused)
