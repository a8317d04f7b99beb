"""One's own account: name and how one reads, password, sessions, access tokens."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import available_timezones

from tallystick.auth import tokens as token_texts
from tallystick.domain import api_keys, members, oauth, passkeys, sessions, tokens
from tallystick.domain.access import SCOPES, Permission
from tallystick.domain.desk import shell
from tallystick.domain.members import CLOCKS, LANGUAGES
from tallystick.domain.sessions import Session
from tallystick.domain.tokens import Token
from tallystick.domain.workspaces import WEEK_STARTS
from tallystick.values.browsers import browser_named
from tallystick.web.app import notifications
from tallystick.web.app.visit import Answer, Go, Page, Visit

NAMES = {"en": "English", "de": "Deutsch"}
"""Languages, each in itself."""


def page(visit: Visit) -> Answer:
    return visit.show(
        "account.html",
        languages=[(one, NAMES[one]) for one in LANGUAGES],
        clocks=[("24", "15:30"), ("12", "3:30 pm")],
        zones=zones(),
        sessions=[_session(visit, one) for one in sessions.of_member(visit.ctx, visit.actor.user_id)],
        backup_codes=members.second_factor_of(visit.ctx),
        passkeys=passkeys.of_self(visit.ctx),
        grants=oauth.grants_of(visit.ctx, visit.actor.user_id),
        kinds=notifications.offered(visit),
    )


def change(visit: Visit) -> Answer:
    form = visit.form
    facts: dict[str, Any] = {
        "name": form.need("name", longest=120),
        "language": form.choice("language", LANGUAGES),
        "clock": form.choice("clock", CLOCKS),
        "week_start": form.choice("week_start", WEEK_STARTS),
        "time_zone": form.text("time_zone", longest=60),
    }
    form.check()
    members.present(visit.ctx, **facts)
    return visit.go("/account", "Saved.")


def theme(visit: Visit) -> Answer:
    """Light, dark, or as the system has it: kept by the browser, not by us."""
    chosen = visit.form.kept("theme")
    chosen = chosen if chosen in ("light", "dark") else ""
    name = "__Host-tallystick-theme" if visit.ctx.server.public_url.startswith("https://") else "tallystick-theme"
    return Go(visit.back("/").path, cookies={name: chosen})


def look(visit: Visit) -> Answer:
    """Look at pages as a member does, in this session, until one has seen enough."""
    sessions.look_as_member(visit.ctx, visit.live.session_id)
    name, value = visit.look
    return Go("/", cookies={name: value})


def look_end(visit: Visit) -> Answer:
    """Back to one's own view."""
    if visit.actor.own_role is not None:
        sessions.look_as_themselves(visit.ctx.with_own_eyes(), visit.live.session_id)
    return Go("/", cookies={visit.look[0]: ""})


def end_session(visit: Visit) -> Answer:
    sessions.end_own(visit.ctx, visit.id())
    return visit.go("/account", "That browser is signed out.")


def end_others(visit: Visit) -> Answer:
    members.sign_out_everywhere(visit.ctx, visit.actor.user_id, keep_session=visit.live.session_id)
    return visit.go("/account", "You are signed out everywhere else.")


def take_back(visit: Visit) -> Answer:
    """End what one granted an app."""
    oauth.revoke_grant(visit.ctx, visit.id())
    return visit.go("/account", "The app may do nothing for you any more.")


def tokens_page(visit: Visit, fresh: str = "", fresh_key: str = "") -> Answer:
    names = {user_id: name for user_id, name, _ in shell.colleagues(visit.ctx)}
    return visit.show(
        "tokens.html",
        tokens=[(token, names.get(token.user_id, ""), _token_state(visit, token)) for token in tokens.seen(visit.ctx)],
        fresh=fresh,
        fresh_key=fresh_key,
        keys=api_keys.all_of(visit.ctx) if visit.may("KEEP_API_KEYS") else [],
    )


def make_token(visit: Visit) -> Answer:
    """Make a token and show it, this one time: the page is kept by nobody."""
    form = visit.form
    name = form.need("name", longest=120)
    days = form.whole("days", least=1, most=3650)
    readonly = form.kept("scope") == "read"
    form.check()
    text = token_texts.mint(visit.env)
    shape = token_texts.shape(text)
    assert shape is not None  # noqa: S101 - it was just made
    tokens.issue(
        visit.ctx,
        user_id=visit.actor.user_id,
        name=name,
        prefix=shape.prefix,
        digest=token_texts.digest(visit.ctx.server.key, text),
        scopes=("read",) if readonly else SCOPES,
        expires_at=None if days is None else datetime.combine(visit.ctx.today() + timedelta(days=days), time(), UTC),
    )
    form.given.clear()
    return tokens_page(visit, fresh=text)


def revoke_token(visit: Visit) -> Answer:
    token = tokens.revoke_seen(visit.ctx, visit.id())
    return visit.go("/settings/api", "{name} is revoked.", name=token.name)


def zones() -> list[tuple[str, str]]:
    """Time zones for a list, those of places only."""
    return [(zone, zone.replace("_", " ")) for zone in sorted(available_timezones()) if "/" in zone or zone == "UTC"]


def _session(visit: Visit, session: Session) -> dict[str, Any]:
    return {
        "id": session.id,
        "here": session.id == visit.live.session_id,
        "agent": browser_named(session.user_agent) or session.user_agent[:60],
        "address": session.address,
        "seen_at": session.last_seen_at,
        "created_at": session.created_at,
    }


def _token_state(visit: Visit, token: Token) -> str:
    if token.revoked_at is not None:
        return "revoked"
    return "live" if tokens.is_live(token, visit.ctx.now) else "expired"


_SELF = Permission.READ_SELF

PAGES = (
    Page("/account", _SELF, page, change, label="Your account", section="account", icon="person"),
    Page("/account/theme", _SELF, post=theme, always=True),
    Page("/account/look", Permission.LOOK_AS_MEMBER, post=look),
    Page("/account/look/end", _SELF, post=look_end, always=True),
    Page("/account/sessions/others", _SELF, post=end_others),
    Page("/account/sessions/{id}/end", _SELF, post=end_session),
    Page("/account/grants/{id}/end", _SELF, post=take_back),
    Page("/settings/api", _SELF, tokens_page, make_token, label="API tokens", section="settings", icon="key"),
    Page("/settings/api/{id}/revoke", _SELF, post=revoke_token),
)
