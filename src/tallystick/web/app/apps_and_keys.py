"""What programs come in with: OAuth apps of the workspace, and its Grow CRM keys. Each secret is shown once."""

from __future__ import annotations

from tallystick.auth import api_keys as key_texts
from tallystick.auth import oauth2
from tallystick.domain import api_keys, oauth
from tallystick.domain.access import Permission
from tallystick.domain.api_keys import ApiKey
from tallystick.domain.oauth import OAuthApp
from tallystick.web.app.account import tokens_page
from tallystick.web.app.visit import Answer, Page, Visit


def apps_page(visit: Visit, fresh: OAuthApp | None = None, secret: str = "") -> Answer:
    return visit.show("apps.html", apps=oauth.apps(visit.ctx), fresh=fresh, secret=secret)


def register(visit: Visit) -> Answer:
    """Register an app, and show its secret where it has one, this one time."""
    form = visit.form
    name = form.need("name", longest=100)
    lines = (form.text("redirect_uris") or "").splitlines()
    addresses = [line.strip() for line in lines if line.strip()]
    if not addresses:
        form.wrong.setdefault("redirect_uris", "required")
    form.check()
    secret = oauth2.mint("secret") if form.flag("confidential") else ""
    digest = oauth2.digest(visit.ctx.server.key, secret) if secret else None
    app = oauth.create_app(visit.ctx, name=name, redirect_uris=addresses, secret_digest=digest)
    form.given.clear()
    return apps_page(visit, app, secret)


def end_app(visit: Visit) -> Answer:
    app = oauth.revoke_app(visit.ctx, visit.id())
    return visit.go("/settings/apps", "{name} is ended, with all that people granted it.", name=app.name)


def make_key(visit: Visit) -> Answer:
    """Make a key and show it, this one time: the page is kept by nobody."""
    form = visit.form
    name = form.need("key_name", longest=api_keys.LONGEST_NAME)
    form.check()
    text = key_texts.mint()
    prefix = key_texts.prefix_of(text)
    assert prefix is not None  # noqa: S101 - it was just made
    api_keys.issue(visit.ctx, name=name, prefix=prefix, digest=key_texts.digest(visit.ctx.server.key, text))
    form.given.clear()
    return tokens_page(visit, fresh_key=text)


def revoke_key(visit: Visit) -> Answer:
    key = visit.ctx.find(ApiKey, visit.id(), lock="update")
    api_keys.revoke(visit.ctx, key)
    return visit.go("/settings/api", "{name} is revoked.", name=key.name)


_CHANGE, _KEYS = Permission.CHANGE_WORKSPACE, Permission.KEEP_API_KEYS

PAGES = (
    Page("/settings/apps", _CHANGE, apps_page, register, label="Apps", section="settings", icon="key"),
    Page("/settings/apps/{id}/end", _CHANGE, post=end_app, again=apps_page),
    Page("/settings/api/keys", _KEYS, post=make_key, again=tokens_page, section="settings"),
    Page("/settings/api/keys/{id}/revoke", _KEYS, post=revoke_key, again=tokens_page, section="settings"),
)
