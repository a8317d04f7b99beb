"""Codes and tokens: each works once, in its own app's hands, in time; what is used twice ends what it gave."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

import pytest
from falcon import testing

from tallystick.auth import oauth2
from tallystick.domain import members, oauth
from tallystick.domain.oauth import OAuthGrant
from tests.oauth.conftest import CALLBACK, LOOPBACK, TOKEN, App, cookie_for, refused, register
from tests.studio import KEY, Studio


def later(app: App, **span: int) -> None:
    app.studio.clock.now += timedelta(**span)


def test_a_code_and_its_verifier_give_tokens_that_reach_the_api(app: App) -> None:
    answer = app.exchange(app.code())
    assert answer.status_code == 200
    assert set(answer.json) == {"access_token", "token_type", "expires_in", "refresh_token", "scope"}
    assert (answer.json["token_type"], answer.json["expires_in"]) == ("Bearer", 900)
    assert answer.json["scope"] == "entries:read entries:write"
    assert answer.headers["Cache-Control"] == "no-store"
    assert app.reaches(answer.json["access_token"])
    later(app, minutes=15)
    assert not app.reaches(answer.json["access_token"])
    assert app.refresh(answer.json["refresh_token"]).status_code == 200


def test_json_is_taken_as_well_as_a_form(app: App) -> None:
    body = {"grant_type": "authorization_code", "code": app.code(), "redirect_uri": CALLBACK,
            "client_id": app.client_id, "code_verifier": app.verifier}  # fmt: skip
    assert app.door.simulate_post(TOKEN, json=body).status_code == 200
    for wrong in ({**body, "code": 5}, [body], "x", None):
        refused(app.door.simulate_post(TOKEN, json=wrong), "invalid_request")
    refused(app.door.simulate_post(TOKEN, body="{", headers={"Content-Type": "application/json"}), "invalid_request")
    refused(app.door.simulate_post(TOKEN, body="x", headers={"Content-Type": "text/plain"}), "invalid_request")


def test_a_code_used_twice_is_refused_and_ends_what_it_gave(app: App) -> None:
    code = app.code()
    given = app.exchange(code).json
    fresh = app.refresh(given["refresh_token"]).json
    refused(app.exchange(code))
    for tokens in (given, fresh):
        assert not app.reaches(tokens["access_token"])
        refused(app.refresh(tokens["refresh_token"]))
    assert app.reaches(app.tokens()["access_token"])


def test_a_code_used_again_long_after_still_ends_what_it_gave(app: App) -> None:
    code = app.code()
    given = app.exchange(code).json
    later(app, days=3)
    refused(app.exchange(code))
    refused(app.refresh(given["refresh_token"]))


@pytest.mark.parametrize(
    "changed",
    [
        {"code_verifier": "w" * 43},
        {"code_verifier": "w" * 42},
        {"code_verifier": "w" * 129},
        {"code_verifier": "w" * 42 + "\n"},
        {"code_verifier": "é" * 43},
        {"redirect_uri": LOOPBACK},
        {"redirect_uri": f"{CALLBACK}/"},
        {"code": "hsc_" + "A" * 49},
        {"code": "x"},
        {"code": "hso_" + "A" * 49},
    ],
)
def test_a_code_with_something_wrong_gives_nothing(app: App, changed: dict[str, str]) -> None:
    refused(app.exchange(app.code(), **changed))


@pytest.mark.parametrize("name", ["code", "redirect_uri", "code_verifier", "client_id", "grant_type"])
def test_every_part_of_an_exchange_is_needed(app: App, name: str) -> None:
    code = app.code()
    refused(app.exchange(code, **{name: None}), "invalid_request")
    refused(app.exchange(code, **{name: ""}), "invalid_request")


def test_the_challenge_itself_is_no_verifier(app: App) -> None:
    code = app.code()
    refused(app.exchange(code, code_verifier=app.parameters()["code_challenge"]))


def test_a_code_lives_for_a_minute(app: App) -> None:
    code = app.code()
    later(app, seconds=59)
    other = app.code()
    assert app.exchange(code).status_code == 200
    later(app, seconds=60)
    refused(app.exchange(other))


def test_a_code_is_of_use_to_its_own_app_only(app: App, keeper: App) -> None:
    code = app.code()
    keeper.verifier = app.verifier
    refused(keeper.exchange(code))
    assert app.exchange(code).status_code == 200


def test_a_code_of_another_workspace_is_not_known(app: App, other_studio: Studio) -> None:
    stranger, _ = register(other_studio)
    refused(app.exchange(app.code(), client_id=stranger))


@pytest.mark.parametrize("kind", ["password", "client_credentials", "implicit", "urn:ietf:params:oauth:grant-type:x"])
def test_there_are_two_grant_types(app: App, kind: str) -> None:
    refused(app.post(TOKEN, grant_type=kind, username="x", password="y"), "unsupported_grant_type")


# --- who asks


def test_an_app_that_keeps_a_secret_must_say_it(keeper: App) -> None:
    code = keeper.code()
    for secret in (None, "", "x", oauth2.mint("secret")):
        refused(keeper.exchange(code, client_secret=secret), "invalid_client", 401)
    assert keeper.exchange(code).status_code == 200


def test_an_app_says_its_secret_by_basic_authentication_too(keeper: App) -> None:
    def basic(name: str, secret: str | None, body_secret: str | None = None) -> testing.Result:
        text = base64.b64encode(f"{quote(name)}:{quote(secret or '')}".encode()).decode()
        extra = f"&client_secret={body_secret}" if body_secret else ""
        return keeper.door.simulate_post(
            TOKEN, body=f"grant_type=refresh_token&refresh_token={refresh}{extra}",
            headers={"Authorization": f"Basic {text}", "Content-Type": "application/x-www-form-urlencoded"},
        )  # fmt: skip

    refresh = keeper.tokens()["refresh_token"]
    wrong = basic(keeper.client_id, "x")
    refused(wrong, "invalid_client", 401)
    assert wrong.headers["WWW-Authenticate"].startswith("Basic")
    refused(basic("nobody", keeper.secret), "invalid_client", 401)
    refused(basic(keeper.client_id, keeper.secret, keeper.secret), "invalid_request")
    assert basic(keeper.client_id, keeper.secret).status_code == 200


def test_a_public_app_must_not_claim_a_secret(app: App) -> None:
    refused(app.exchange(app.code(), client_secret=oauth2.mint("secret")), "invalid_client", 401)


@pytest.mark.parametrize("name", ["x", "00000000-0000-7000-8000-000000000000", "' OR 1=1", "é", "\x00"])
def test_an_unknown_app_is_refused_everywhere(app: App, name: str) -> None:
    for path in ("token", "revoke", "introspect"):
        given = {"client_id": name, "token": "x", "grant_type": "refresh_token", "refresh_token": "x"}
        refused(app.post(f"/api/auth/oauth2/{path}", **given), "invalid_client", 401)


def test_a_revoked_app_and_its_tokens_are_refused(app: App) -> None:
    tokens, code = app.tokens(), app.code()
    with app.studio.context() as ctx:
        oauth.revoke_app(ctx, app.client_id)
    assert not app.reaches(tokens["access_token"])
    refused(app.refresh(tokens["refresh_token"]), "invalid_client", 401)
    refused(app.exchange(code), "invalid_client", 401)
    page = app.ask()
    assert (page.status_code, page.headers.get("Location")) == (400, None)


# --- fresh tokens


def test_a_refresh_token_gives_the_next_pair_and_is_spent(app: App) -> None:
    first = app.tokens()
    second = app.refresh(first["refresh_token"]).json
    assert second["refresh_token"] != first["refresh_token"]
    assert app.reaches(second["access_token"])
    third = app.refresh(second["refresh_token"]).json
    later(app, seconds=3)
    refused(app.refresh(first["refresh_token"]))
    for tokens in (first, second, third):
        assert not app.reaches(tokens["access_token"])
    refused(app.refresh(third["refresh_token"]))


def test_a_lost_answer_is_given_again_for_ten_seconds(app: App) -> None:
    first = app.tokens()
    second = app.refresh(first["refresh_token"]).json
    later(app, seconds=10)
    again = app.refresh(first["refresh_token"])
    assert again.status_code == 200
    assert again.json == {**second, "expires_in": 890}
    later(app, seconds=1)
    refused(app.refresh(first["refresh_token"]))
    refused(app.refresh(second["refresh_token"]))
    assert not app.reaches(second["access_token"])


def test_a_lost_answer_is_not_given_to_another_app(app: App, keeper: App) -> None:
    first = app.tokens()
    second = app.refresh(first["refresh_token"]).json
    refused(keeper.refresh(first["refresh_token"]))
    assert app.refresh(second["refresh_token"]).status_code == 200


def test_fifty_refreshes_at_once_leave_one_family(app: App) -> None:
    first = app.tokens()
    with ThreadPoolExecutor(25) as pool:
        answers = list(pool.map(lambda _: app.refresh(first["refresh_token"]), range(50)))
    pairs = {answer.json["refresh_token"] for answer in answers if answer.status_code == 200}
    assert len(pairs) == 1, [answer.text for answer in answers]
    with app.studio.context() as ctx:
        assert len([one for one in ctx.select(OAuthGrant) if one.ended_at is None]) == 1
    assert app.refresh(pairs.pop()).status_code == 200


def test_fifty_exchanges_at_once_of_one_code_leave_no_tokens(app: App) -> None:
    code = app.code()
    with ThreadPoolExecutor(25) as pool:
        answers = list(pool.map(lambda _: app.exchange(code), range(50)))
    given = [answer.json for answer in answers if answer.status_code == 200]
    assert len(given) == 1
    assert not app.reaches(given[0]["access_token"])


def test_a_refresh_asks_for_no_more_than_was_granted(app: App) -> None:
    first = app.tokens(scope="entries:read")
    refused(app.refresh(first["refresh_token"], scope="entries:read entries:write"), "invalid_scope")
    refused(app.refresh(first["refresh_token"], scope="everything"), "invalid_scope")
    assert app.refresh(first["refresh_token"], scope="entries:read").json["scope"] == "entries:read"


def test_a_refresh_token_idles_for_thirty_days_and_a_grant_lives_for_180(app: App) -> None:
    idle = app.tokens()["refresh_token"]
    kept = app.tokens()["refresh_token"]
    for _ in range(6):
        later(app, days=29)
        answer = app.refresh(kept)
        assert answer.status_code == 200
        kept = answer.json["refresh_token"]
    later(app, days=6)
    refused(app.refresh(kept))
    refused(app.refresh(idle))


def test_an_access_token_is_no_refresh_token(app: App) -> None:
    tokens = app.tokens()
    refused(app.refresh(tokens["access_token"]))
    assert not app.reaches(tokens["refresh_token"])


# --- the end


def test_to_revoke_either_token_ends_the_family(app: App) -> None:
    for name in ("access_token", "refresh_token"):
        tokens = app.tokens()
        answer = app.post("/api/auth/oauth2/revoke", token=tokens[name], token_type_hint="nonsense")
        assert answer.status_code == 200
        assert not app.reaches(tokens["access_token"])
        refused(app.refresh(tokens["refresh_token"]))


def test_to_revoke_what_is_not_known_is_fine(app: App, keeper: App) -> None:
    tokens = app.tokens()
    for token in ("x", oauth2.mint("access"), oauth2.mint("refresh"), oauth2.mint("code"), "é"):
        assert app.post("/api/auth/oauth2/revoke", token=token).status_code == 200
    assert keeper.post("/api/auth/oauth2/revoke", token=tokens["access_token"]).status_code == 200
    assert app.reaches(tokens["access_token"])
    refused(app.post("/api/auth/oauth2/revoke"), "invalid_request")


def test_introspection_tells_an_app_of_its_own_tokens_only(app: App, keeper: App) -> None:
    tokens = app.tokens()
    found = app.introspect(tokens["access_token"])
    assert found["active"] is True
    assert (found["client_id"], found["sub"]) == (app.client_id, app.studio.owner.user_id)
    assert (found["scope"], found["exp"] - found["iat"]) == ("entries:read entries:write", 900)
    assert app.introspect(tokens["refresh_token"])["active"] is True
    for other in (tokens["access_token"], tokens["refresh_token"], "x", app.studio.owner.token):
        assert keeper.introspect(other) == {"active": False}
    app.refresh(tokens["refresh_token"])
    assert app.introspect(tokens["refresh_token"]) == {"active": False}
    later(app, minutes=15)
    assert app.introspect(tokens["access_token"]) == {"active": False}


def test_a_new_password_and_a_left_membership_end_grants(app: App) -> None:
    tokens = app.tokens()
    with app.studio.context() as ctx:
        members.set_password(ctx, app.studio.owner.user_id, "x")
    assert not app.reaches(tokens["access_token"])
    refused(app.refresh(tokens["refresh_token"]))
    theirs = replace(app, cookie=cookie_for(app.door, app.studio, "member")).tokens()
    with app.studio.context() as ctx:
        members.remove(ctx, members.active(ctx, app.studio.people["member"].user_id))
    assert not app.reaches(theirs["access_token"])
    refused(app.refresh(theirs["refresh_token"]))


def test_nothing_is_stored_as_it_is(app: App) -> None:
    code = app.code()
    first = app.exchange(code).json
    second = app.refresh(first["refresh_token"]).json
    secrets = [code] + [pair[name] for pair in (first, second) for name in ("access_token", "refresh_token")]
    with app.studio.context() as ctx:
        tables = "oauth_apps", "oauth_grants", "oauth_codes", "oauth_tokens", "events"
        rows = [ctx.connection.execute(f"SELECT t::text FROM {one} t").fetchall() for one in tables]
        kept = ctx.connection.execute("SELECT sealed_successor FROM oauth_tokens WHERE spent_at IS NOT NULL").fetchall()
    said = json.dumps(rows)
    for secret in secrets:
        assert secret not in said
        assert secret.encode().hex() not in said
        assert oauth2.digest(KEY, secret).hex() in said
    assert len(kept) == 1
    app.refresh(second["refresh_token"])
    with app.studio.context() as ctx:
        kept = ctx.connection.execute("SELECT FROM oauth_tokens WHERE sealed_successor IS NOT NULL").fetchall()
    assert len(kept) == 1
