"""Passkeys by page: signing in with one, and one's own list of them. A browser needs script for it, a small module."""

from __future__ import annotations

from urllib.parse import urlencode

import falcon

from tallystick.auth import passkeys as ways
from tallystick.auth import sessions
from tallystick.auth.passkeys import Offer, Site
from tallystick.auth.sessions import Live
from tallystick.domain import passkeys
from tallystick.domain.context import Context
from tallystick.values.errors import Invalid, NotFound, Refusal, TooMany, Unauthenticated
from tallystick.values.ids import parse_id
from tallystick.web.auth.bodies import read_form
from tallystick.web.auth.entrance import Busy, Entrance
from tallystick.web.auth.next_path import same_site_path
from tallystick.web.auth.pages import begin_reading, go, guard, show, words_of
from tallystick.web.auth.sign_in_pages import HOME, SIGN_IN, Page, SignInPage, arrive, explained, page

HERE = "/passkeys"


def mount(app: falcon.App[falcon.Request, falcon.Response], entrance: Entrance) -> None:
    """Add the pages, where browsers would have passkeys for this server."""
    app.add_route(HERE, PasskeysPage(entrance))
    app.add_route(f"{HERE}/offer", AddOffer(entrance))
    app.add_route("/sign-in/passkey", PasskeySignIn(entrance))
    app.add_route("/sign-in/passkey/offer", SignInOffer(entrance))


class _Ours(Page):
    @property
    def site(self) -> Site:
        site = self.entrance.site
        if site is None:
            raise NotFound("Passkeys need https and a name for the server: they are not to be had at this address.")
        return site


class _OfferPage(_Ours):
    """An answer for the module: the question for the device as JSON, or what is wrong."""

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        begin_reading(request, response)
        guard(response)
        try:
            self.entrance.require_our_page(request)
            offer = self.offer(request)
        except Exception as error:  # noqa: BLE001 - no input may produce a bare 500
            status, problem = explained(error, response)
            if isinstance(error, Invalid) and "password" in error.fields:
                problem = "The password is not right."
            response.status = status
            response.media = {"problem": words_of(response).refusal(problem)}
            return
        self.entrance.keep_challenge(response, offer.sealed)
        response.content_type = "application/json"
        response.data = offer.options.encode()

    def offer(self, request: falcon.Request) -> Offer:
        raise NotImplementedError


class SignInOffer(_OfferPage):
    """`POST /sign-in/passkey/offer`."""

    def offer(self, request: falcon.Request) -> Offer:
        del request
        return ways.offer_to_sign_in(self.entrance.key, self.site, self.entrance.clock())


class AddOffer(_OfferPage):
    """`POST /passkeys/offer`: for whoever shows with their password that it is them."""

    def offer(self, request: falcon.Request) -> Offer:
        entrance = self.entrance
        fields = read_form(request)
        live = self.known(request)
        if live is None:
            raise Unauthenticated
        entrance.require_csrf(request, live, fields.get("csrf_token"))
        entrance.prove(request, live, fields.get("password", ""))
        with entrance.database.transaction() as connection:
            live = entrance.visitor(connection, request)
            ctx = Context(live.actor, connection, entrance.clock)
            return ways.offer_to_add(ctx, entrance.key, self.site, live)


class PasskeySignIn(_Ours):
    """`POST /sign-in/passkey`: the device's answer."""

    @page
    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        entrance = self.entrance
        entrance.require_our_page(request)
        fields = read_form(request)
        goal = same_site_path(fields.get("next"), HOME)
        site = self.site
        try:
            entrance.require_few_failures(request)
            signed = ways.sign_in(
                entrance.database,
                entrance.key,
                site,
                sealed=entrance.challenge(request),
                answer=fields.get("answer", ""),
                remember=fields.get("remember") == "yes",
                **entrance.came_with(request),
            )
        except (Unauthenticated, Invalid, TooMany, Busy) as error:
            if isinstance(error, Unauthenticated):
                entrance.failed(request)
            status, problem = explained(error, response)
            SignInPage(entrance).form(response, goal, status=status, problem=problem)
            return
        finally:
            entrance.keep_challenge(response, "")
        entrance.give_cookies(response, signed)
        if len(signed.places) > 1:
            go(response, f"{SIGN_IN}/workspace?{urlencode({'next': goal})}")
        else:
            arrive(response, goal)


class PasskeysPage(_Ours):
    """`/passkeys`: one's own, to be added, named and removed."""

    @page
    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        live = self.known(request)
        if live is None:
            go(response, f"{SIGN_IN}?{urlencode({'next': HERE})}")
        else:
            self._form(response, live)

    @page
    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        entrance = self.entrance
        fields = read_form(request)
        live = self.known(request)
        if live is None:
            go(response, f"{SIGN_IN}?{urlencode({'next': HERE})}")
            return
        entrance.require_csrf(request, live, fields.get("csrf_token"))
        try:
            notice = self._done(request, response, live, fields)
        except Invalid as refusal:
            problem = "The password is not right." if "password" in refusal.fields else refusal.message
            self._form(response, live, status=400, problem=problem)
            return
        self._form(response, live, notice=notice)

    def _done(self, request: falcon.Request, response: falcon.Response, live: Live, fields: dict[str, str]) -> str:
        entrance = self.entrance
        came_from = {"address": entrance.where(request), "agent": request.user_agent or ""}
        wanted = parse_id(fields.get("passkey", "")) or ""
        if fields.get("do") == "remove":
            entrance.prove(request, live, fields.get("password", ""))
        with entrance.database.transaction() as connection:
            live = entrance.visitor(connection, request)
            ctx = Context(live.actor, connection, entrance.clock)
            ctx.comes_from(sessions.origin_of(HERE, came_from["address"], came_from["agent"]))
            if fields.get("do") == "remove":
                ways.remove(ctx, wanted, **came_from)
                return "The passkey is removed."
            if fields.get("do") == "rename":
                passkeys.rename(ctx, wanted, fields.get("name", ""))
                return "Saved."
            entrance.keep_challenge(response, "")
            ways.add(
                ctx,
                entrance.key,
                self.site,
                live,
                sealed=entrance.challenge(request),
                answer=fields.get("answer", ""),
                name=fields.get("name", ""),
                **came_from,
            )
            return "The passkey is added. You can sign in with it from now on."

    def _form(
        self, response: falcon.Response, live: Live, *, status: int = 200, problem: str = "", notice: str = ""
    ) -> None:
        entrance = self.entrance
        try:
            site = self.site
        except Refusal:
            site = None
        with entrance.database.transaction() as connection:
            known, password = sessions.own_passkeys(connection, live, entrance.clock())
        show(
            response,
            "passkeys.html",
            status=status,
            live=live,
            csrf=entrance.csrf_of(live),
            problem=problem,
            notice=notice,
            known=known,
            password=password,
            possible=site is not None,
            script=entrance.asset("passkeys.js") if site is not None else "",
        )
