"""OAuth apps and grants on the wire: apps for owners and admins, what one granted for everybody."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from tallystick.api.native.views import View
from tallystick.api.native.wire import read_only
from tallystick.api.wire import Ask, Nothing, Operation
from tallystick.domain import oauth
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.oauth import OAuthApp

Address = Annotated[str, Meta(min_length=1, max_length=2000)]


class OAuthAppJson(Struct, rename="camel", gc=False):
    id: str
    """Its `client_id`."""
    name: str
    redirect_uris: list[str]
    verified: bool
    created_at: datetime


class OAuthAppFields(Struct, rename="camel"):
    name: Annotated[str, Meta(min_length=1, max_length=100)] | UnsetType = UNSET
    redirect_uris: Annotated[list[Address], Meta(min_length=1, max_length=20)] | UnsetType = UNSET


class OAuthGrantJson(Struct, rename="camel", gc=False):
    id: str
    app_id: str
    app_name: str
    scopes: list[str]
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime


APP = View(OAuthApp, OAuthAppJson)


def list_apps(ctx: Context, _ask: Ask) -> list[Struct]:
    return [APP.one(ctx.actor, app) for app in oauth.apps(ctx)]


def create_app(ctx: Context, ask: Ask) -> Struct:
    """Always one without a secret: an answer that is kept for retries is no place for it."""
    return APP.one(ctx.actor, oauth.create_app(ctx, **ask.facts))


def revoke_app(ctx: Context, ask: Ask) -> None:
    oauth.revoke_app(ctx, ask.id)


def list_grants(ctx: Context, _ask: Ask) -> list[OAuthGrantJson]:
    return [
        OAuthGrantJson(
            id=granted.id,
            app_id=granted.app_id,
            app_name=name,
            scopes=granted.scopes,
            created_at=granted.created_at,
            last_used_at=granted.last_used_at,
            expires_at=granted.expires_at,
        )
        for granted, name in oauth.grants_of(ctx, ctx.actor.user_id)
    ]


def revoke_grant(ctx: Context, ask: Ask) -> None:
    oauth.revoke_grant(ctx, ask.id)


OPERATIONS = (
    Operation(
        "listOauthApps", "GET", "/oauth-apps", list_apps, "List the apps that may ask people for access",
        Permission.CHANGE_WORKSPACE, OAuthAppJson, many=True, tag="OAuth",
    ),
    Operation(
        "createOauthApp", "POST", "/oauth-apps", create_app, "Register an app without a secret (PKCE)",
        Permission.CHANGE_WORKSPACE, OAuthAppJson, status=201, body=OAuthAppFields,
        required=("name", "redirect_uris"), read_only=read_only(OAuthAppJson, OAuthAppFields), tag="OAuth",
    ),
    Operation(
        "revokeOauthApp", "DELETE", "/oauth-apps/{id}", revoke_app, "End an app, and all that was granted to it",
        Permission.CHANGE_WORKSPACE, status=204, body=Nothing, tag="OAuth",
    ),
    Operation(
        "listOauthGrants", "GET", "/oauth-grants", list_grants, "List what you granted to apps",
        Permission.READ_SELF, OAuthGrantJson, many=True, tag="OAuth",
    ),
    Operation(
        "revokeOauthGrant", "DELETE", "/oauth-grants/{id}", revoke_grant, "Take back what was granted to an app",
        Permission.READ_SELF, status=204, body=Nothing, tag="OAuth",
    ),
)  # fmt: skip
