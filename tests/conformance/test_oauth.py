"""OAuth apps and grants: Tallystick's own, in the manners of the rest (docs/native-api.md)."""

from __future__ import annotations

import pytest

from tallystick.auth import oauth2
from tallystick.domain import oauth
from tallystick.values.ids import new_id
from tests.conformance.world import AT, FLAG, ID, LIST, NOBODY, TEXT, World, assert_shape, invalid, refused
from tests.studio import KEY, Api

APP = {"id": ID, "name": TEXT, "redirectUris": LIST, "verified": FLAG, "createdAt": AT}
GRANT = {
    "id": ID, "appId": ID, "appName": TEXT, "scopes": LIST, "createdAt": AT, "lastUsedAt": AT | None, "expiresAt": AT,
}  # fmt: skip
CALLBACK = "https://charts.example/callback"
NEW = {"name": "Charts", "redirectUris": [CALLBACK, "http://127.0.0.1/callback"]}


def granted(world: World, who: str, app_id: str, *scopes: str) -> tuple[str, str]:
    """What a person allowed an app, and an access token that came of it."""
    text = oauth2.mint("access")
    with world.studio.context(who) as ctx:
        made = oauth.grant(ctx, ctx.find(oauth.OAuthApp, app_id), list(scopes or ["entries:read"]))
        oauth.add_token(ctx, made, "access", oauth2.digest(KEY, text))
    return made.id, text


def status_of(world: World, token: str) -> int:
    """What the API for apps answers to an access token."""
    return Api(world.app, token, prefix="/v1")("GET", "/time-entries").status_code


def test_an_app_has_no_secret_and_is_listed_until_it_ends(fresh: World) -> None:
    owner = fresh.api()
    first = owner.post("/oauth-apps", NEW)
    fresh.later(minutes=1)
    second = fresh.api("admin").post("/oauth-apps", {**NEW, "name": " Ledger "})
    for app in (first, second):
        assert_shape(app, APP)
    assert (first["name"], second["name"], first["redirectUris"]) == ("Charts", "Ledger", NEW["redirectUris"])
    assert first["verified"] is True
    assert owner.get("/oauth-apps") == [second, first]
    assert owner("DELETE", f"/oauth-apps/{first['id']}").status_code == 204
    assert owner.get("/oauth-apps") == [second]
    refused(owner("DELETE", f"/oauth-apps/{first['id']}"), 404, "not_found")
    refused(owner("DELETE", f"/oauth-apps/{NOBODY}"), 404, "not_found")


def test_what_the_server_decides_is_ignored_in_a_body(fresh: World) -> None:
    given = {**NEW, "id": new_id(), "verified": False, "createdAt": "2020-01-01T00:00:00Z"}
    app = fresh.api().post("/oauth-apps", given)
    assert app["id"] != given["id"]
    assert app["verified"] is True


@pytest.mark.parametrize(
    "address",
    [
        "http://charts.example/callback", "https://charts.example/#part", "https://me:secret@charts.example/",
        "javascript:alert(1)", "//charts.example", "/callback", "charts", "http://localhost/", "http://127.0.0.2/",
        "https://", "https://charts.example:x/", "https://chärts.example/", "custom:/callback", " https://a.example",
    ],
)  # fmt: skip
def test_an_unsafe_address_is_refused_by_its_field(world: World, address: str) -> None:
    invalid(world.api()("POST", "/oauth-apps", {**NEW, "redirectUris": [CALLBACK, address]}), "redirectUris")


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, ("name", "redirectUris")),
        ({**NEW, "name": ""}, ("name",)),
        ({**NEW, "name": "x" * 101}, ("name",)),
        ({**NEW, "redirectUris": []}, ("redirectUris",)),
        ({**NEW, "redirectUris": [CALLBACK] * 21}, ("redirectUris",)),
        ({**NEW, "redirectUris": CALLBACK}, ("redirectUris",)),
        ({**NEW, "secret": "x"}, ("secret",)),
    ],
)
def test_a_wrong_app_names_every_wrong_field(world: World, body: dict[str, object], wrong: tuple[str, ...]) -> None:
    invalid(world.api()("POST", "/oauth-apps", body), *wrong)


def test_an_app_that_ends_takes_everything_with_it(fresh: World) -> None:
    app = fresh.api().post("/oauth-apps", NEW)
    tokens = [granted(fresh, who, app["id"])[1] for who in ("owner", "member")]
    assert [status_of(fresh, token) for token in tokens] == [200, 200]
    assert fresh.api("admin")("DELETE", f"/oauth-apps/{app['id']}").status_code == 204
    assert [status_of(fresh, token) for token in tokens] == [401, 401]
    assert fresh.api().get("/oauth-grants") == fresh.api("member").get("/oauth-grants") == []


def test_one_sees_and_takes_back_what_one_granted_oneself(fresh: World) -> None:
    app = fresh.api().post("/oauth-apps", NEW)
    first, token = granted(fresh, "member", app["id"])
    fresh.later(minutes=1)
    second, other = granted(fresh, "member", app["id"], "team:read", "entries:read")
    granted(fresh, "owner", app["id"])
    member = fresh.api("member")
    shown = member.get("/oauth-grants")
    for one in shown:
        assert_shape(one, GRANT)
    assert [one["id"] for one in shown] == [second, first]
    assert (shown[0]["appId"], shown[0]["appName"]) == (app["id"], "Charts")
    assert shown[0]["scopes"] == ["entries:read", "team:read"]
    assert member("DELETE", f"/oauth-grants/{first}").status_code == 204
    assert [one["id"] for one in member.get("/oauth-grants")] == [second]
    assert (status_of(fresh, token), status_of(fresh, other)) == (401, 200)
    refused(member("DELETE", f"/oauth-grants/{first}"), 404, "not_found")


def test_a_grant_of_somebody_else_is_ended_by_owners_and_admins_only(fresh: World) -> None:
    app = fresh.api().post("/oauth-apps", NEW)
    grant, token = granted(fresh, "member", app["id"])
    for who in ("second", "manager"):
        refused(fresh.api(who)("DELETE", f"/oauth-grants/{grant}"), 404, "not_found")
    assert status_of(fresh, token) == 200
    assert fresh.api("admin")("DELETE", f"/oauth-grants/{grant}").status_code == 204
    assert status_of(fresh, token) == 401


def test_apps_of_another_workspace_are_not_there(world: World, stranger: World) -> None:
    app = stranger.api().post("/oauth-apps", NEW)
    grant, token = granted(stranger, "owner", app["id"])
    refused(world.api()("DELETE", f"/oauth-apps/{app['id']}"), 404, "not_found")
    refused(world.api()("DELETE", f"/oauth-grants/{grant}"), 404, "not_found")
    assert app["id"] not in {one["id"] for one in world.api().get("/oauth-apps")}
    assert status_of(stranger, token) == 200
