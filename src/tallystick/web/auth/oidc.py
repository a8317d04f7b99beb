"""`/sign-in/oidc`: to the provider that the operator named, and back with its word."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

import falcon
import msgspec

from tallystick.auth import single_sign_on
from tallystick.auth.session_tokens import count_key
from tallystick.auth.single_sign_on import SingleSignOn
from tallystick.domain import sessions
from tallystick.values.errors import Conflict, Forbidden, Invalid
from tallystick.values.oidc import NotVouched, Unreachable
from tallystick.values.seal import derive, seal, unseal
from tallystick.web.auth.entrance import Entrance
from tallystick.web.auth.next_path import same_site_path
from tallystick.web.auth.pages import go
from tallystick.web.auth.sign_in_pages import HOME, SIGN_IN, Page, arrive, page

START: Final = "/sign-in/oidc"
BACK: Final = "/sign-in/oidc/callback"
LIFETIME: Final = timedelta(minutes=10)
TOO_LATE: Final = "That took too long, was begun in another browser, or came twice. Start again from the sign-in page."
AWAY: Final = "The sign-in provider does not answer. Try again in a moment."
NOT_RIGHT: Final = "The sign-in provider's answer was not right. Start again from the sign-in page."
DENIED: Final = "The sign-in provider did not let you in."

log = logging.getLogger("tallystick.sign_in")


class _Errand(msgspec.Struct, array_like=True):
    """What goes along with the browser, sealed: the answer is only good for the one that asked."""

    state: str
    nonce: str
    verifier: str
    goal: str
    until: int
    anew: bool = False
    """Whoever comes back has shown again that it is them."""


def mount(app: falcon.App[falcon.Request, falcon.Response], entrance: Entrance) -> None:
    """Add the pages, where the operator has named a provider."""
    if entrance.single_sign_on is not None:
        app.add_route(START, StartPage(entrance))
        app.add_route(BACK, BackPage(entrance))


class _Provided(Page):
    @property
    def rules(self) -> SingleSignOn:
        assert self.entrance.single_sign_on is not None  # noqa: S101 - mounted with it
        return self.entrance.single_sign_on

    @property
    def back(self) -> str:
        return f"{self.entrance.public_url}{BACK}"


class StartPage(_Provided):
    """To the provider."""

    @page
    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        entrance = self.entrance
        until = int((entrance.clock() + LIFETIME).timestamp())
        goal = same_site_path(request.get_param("next"), HOME)
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        anew = request.get_param("again") == "yes"
        errand = _Errand(state, nonce, verifier, goal if len(goal) < 800 else HOME, until, anew)
        challenge = urlsafe_b64encode(hashlib.sha256(errand.verifier.encode()).digest()).rstrip(b"=").decode()
        try:
            there = self.rules.provider.address(
                state=errand.state, nonce=errand.nonce, challenge=challenge, back=self.back, anew=anew
            )
        except Unreachable as error:
            log.warning("sign-in provider: %s", error)
            raise Conflict(AWAY) from None
        entrance.keep_errand(response, seal(_key(entrance), msgspec.json.encode(errand)), int(LIFETIME.total_seconds()))
        go(response, there)


class BackPage(_Provided):
    """From the provider, with a code."""

    @page
    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        entrance = self.entrance
        entrance.require_few_failures(request)
        now = entrance.clock()
        errand = self._errand(request, now)
        entrance.keep_errand(response, "", 0)
        if request.get_param("error"):
            log.warning("sign-in provider answers %r", (request.get_param("error") or "")[:100])
            raise Forbidden(DENIED)
        try:
            vouched = self.rules.provider.vouched(
                code=request.get_param("code") or "",
                verifier=errand.verifier,
                nonce=errand.nonce,
                back=self.back,
                now=now,
                since=datetime.fromtimestamp(errand.until, UTC) - LIFETIME if errand.anew else None,
            )
        except Unreachable as error:
            log.warning("sign-in provider: %s", error)
            raise Conflict(AWAY) from None
        except NotVouched as error:
            log.warning("sign-in provider: %s", error)
            entrance.failed(request)
            raise Forbidden(NOT_RIGHT) from None
        facts = entrance.came_with(request)
        signed = single_sign_on.sign_in(entrance.database, entrance.key, self.rules, vouched, **facts)
        entrance.give_cookies(response, signed)
        if len(signed.places) > 1 and errand.goal == HOME:
            go(response, f"{SIGN_IN}/workspace?{urlencode({'next': errand.goal})}")
        else:
            arrive(response, errand.goal)

    def _errand(self, request: falcon.Request, now: datetime) -> _Errand:
        """What this browser was sent for, if it comes from there, in time, and for the first time."""
        entrance = self.entrance
        payload = unseal(_key(entrance), entrance.errand(request))
        errand = None if payload is None else msgspec.json.decode(payload, type=_Errand)
        given = (request.get_param("state") or "").encode("utf-8", "surrogatepass")
        if errand is None or errand.until <= now.timestamp() or not hmac.compare_digest(errand.state.encode(), given):
            raise Invalid(TOO_LATE)
        spent = count_key(entrance.key, "oidc-state", errand.state)
        with entrance.database.transaction() as connection:
            if not sessions.spend(connection, spent, now, datetime.fromtimestamp(errand.until, UTC)):
                raise Invalid(TOO_LATE)
        return errand


def _key(entrance: Entrance) -> bytes:
    return derive(entrance.key, "oidc-errand/v1")
