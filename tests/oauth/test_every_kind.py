"""Every credential there is, presented at every place that takes one: it opens its own and no other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest

from tallystick.api.cursors import to_cursor
from tallystick.auth.session_tokens import csrf_token, mint_link
from tallystick.auth.sessions import offer_password_link
from tallystick.domain.listing import After
from tests.oauth.conftest import AUTHORIZE, CALLBACK, TOKEN, App
from tests.sign_in.conftest import signed_in, submit
from tests.studio import KEY

KINDS = (
    "pat", "jwt", "session cookie", "browser mark", "csrf", "access", "refresh", "code", "secret", "link", "cursor",
    "client id", "unknown link", "nothing",
)  # fmt: skip
OPENS = {
    "native api": {"pat"},
    "expensicat api": {"jwt", "access"},
    "fresh token by bearer": {"jwt"},
    "fresh token by cookie": {"session cookie"},
    "exchange": {"code"},
    "refresh": {"refresh"},
    "introspect": {"access", "refresh"},
    "client secret": {"secret"},
    "consent by cookie": {"session cookie"},
    "csrf": {"csrf"},
    "reset link": {"link"},
}


@dataclass
class Bunch:
    """One live credential of each kind, all of the same person, and the app they belong to."""

    app: App
    kept: dict[str, str]

    def opens(self, place: str, text: str) -> bool:
        app, door = self.app, self.app.door
        if place == "exchange":
            status = app.exchange(text).status_code
        elif place == "refresh":
            status = app.refresh(text).status_code
        elif place == "introspect":
            return bool(app.introspect(text)["active"])
        elif place == "client secret":
            status = app.post("/api/auth/oauth2/introspect", client_secret=text, token="x").status_code
        elif place == "csrf":
            fields = {**app.parameters(), "csrf_token": text, "decision": "deny"}
            status = submit(door, AUTHORIZE, fields, Cookie=app.cookie).status_code
            return {303: True, 403: False}[status]
        elif place == "consent by cookie":
            shown = App(door, app.studio, app.client_id, f"tallystick={text}").ask()
            return {200: True, 303: False}[shown.status_code]
        elif place == "reset link":
            app.studio.clock.now += timedelta(minutes=11)  # five wrong links in ten minutes, and one waits
            status = door.simulate_get(f"/reset/{text}").status_code
            return {200: True, 404: False}[status]
        elif place == "fresh token by cookie":
            status = door.simulate_get("/api/auth/token", headers={"Cookie": f"tallystick={text}"}).status_code
        else:
            path = {
                "native api": "/api/v1/me", "expensicat api": "/v1/time-entries",
                "fresh token by bearer": "/api/auth/token",
            }[place]  # fmt: skip
            status = door.simulate_get(path, headers={"Authorization": f"Bearer {text}"}).status_code
        assert status in (200, 400, 401), status
        return status == 200


@pytest.fixture
def bunch(keeper: App) -> Bunch:
    studio = keeper.studio
    signed = signed_in(studio)
    tokens = keeper.tokens()
    with studio.context() as ctx:
        link = offer_password_link(ctx, KEY, studio.people["member"].user_id)
    page_session = keeper.cookie.removeprefix("tallystick=")
    digits = page_session.split("_")[1]
    session_id = f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
    cursor = to_cursor(KEY, After(None, studio.owner.user_id), studio.workspace_id, "listMembers", {})
    assert keeper.secret is not None
    assert cursor is not None
    return Bunch(
        keeper,
        {
            "pat": studio.owner.token,
            "jwt": signed.jwt,
            "session cookie": signed.cookie_secret,
            "browser mark": signed.device,
            "csrf": csrf_token(KEY, session_id),
            "access": tokens["access_token"],
            "refresh": tokens["refresh_token"],
            "code": keeper.code(),
            "secret": keeper.secret,
            "link": link,
            "cursor": cursor,
            "client id": keeper.client_id,
            "unknown link": mint_link(),
            "nothing": "x",
        },
    )


@pytest.mark.parametrize("place", OPENS)
def test_a_credential_opens_its_own_place_and_no_other(bunch: Bunch, place: str) -> None:
    assert set(bunch.kept) == set(KINDS)
    kinds = sorted(KINDS, key=lambda kind: kind in OPENS[place])  # what opens comes last: it may be used up
    opened = {kind for kind in kinds if bunch.opens(place, bunch.kept[kind])}
    assert opened == OPENS[place]


def test_a_credential_is_taken_only_where_it_is_looked_for(bunch: Bunch) -> None:
    door, access = bunch.app.door, bunch.kept["access"]
    for name in ("access_token", "token"):
        assert door.simulate_get("/v1/time-entries", params={name: access}).status_code == 401
    assert door.simulate_get("/v1/time-entries", headers={"Cookie": f"tallystick={access}"}).status_code == 401
    assert door.simulate_get("/v1/time-entries", headers={"Authorization": f"Basic {access}"}).status_code == 401
    assert door.simulate_get("/v1/time-entries", headers={"Authorization": access}).status_code == 401
    form = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": f"Bearer {access}"}
    body = f"grant_type=refresh_token&refresh_token={bunch.kept['refresh']}&client_id={bunch.app.client_id}"
    refused = door.simulate_post(TOKEN, body=body, headers=form)
    assert (refused.status_code, refused.json["error"]) == (401, "invalid_client")
    assert CALLBACK not in refused.text


def test_scopes_of_a_grant_are_what_its_token_reaches(bunch: Bunch) -> None:
    door = bunch.app.door
    reading = bunch.app.tokens(scope="entries:read")["access_token"]
    headers = {"Authorization": f"Bearer {reading}"}
    assert door.simulate_get("/v1/time-entries", headers=headers).status_code == 200
    assert door.simulate_get("/v1/customers", headers=headers).status_code == 403
    refused = door.simulate_post("/v1/projects", headers=headers, json={"name": "x"})
    assert refused.status_code == 403
    assert 'error="insufficient_scope"' in refused.headers["WWW-Authenticate"]
