"""`/portal`: what a client's people see without an account: they ask for a link by mail, and it lets them in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final

import falcon
from babel.numbers import format_decimal

from tallystick.auth import portal as doors
from tallystick.auth.portal import Opened
from tallystick.auth.rate_limits import Policy
from tallystick.domain import jobs, portal
from tallystick.domain.context import Server
from tallystick.domain.portal import LIFETIME
from tallystick.values.errors import Invalid, NotFound, TooMany, Unauthenticated
from tallystick.values.ids import parse_id
from tallystick.values.letter import is_address
from tallystick.values.look import LANGUAGES
from tallystick.values.wording import amount_in, day_in, locale_of
from tallystick.web.assets import Assets
from tallystick.web.auth.bodies import read_form
from tallystick.web.auth.entrance import Entrance, cookie_of
from tallystick.web.auth.pages import guard
from tallystick.web.auth.sign_in_pages import explained
from tallystick.web.invoice_words import WORDS as INVOICE_WORDS
from tallystick.web.portal_words import WORDS, PortalWords
from tallystick.web.templating import templates_in

FOLDER: Final = Path(__file__).parent / "templates"
POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
TRIES: Final = Policy(burst=5, burst_window=600, sustained=0, sustained_window=0)
"""Links asked for in ten minutes, for an address of mail and from an address of the network; links tried, too."""
Responder = Callable[..., None]


def mount_portal(
    app: falcon.App[falcon.Request, falcon.Response], entrance: Entrance, server: Server, assets: Assets
) -> None:
    """Add the pages."""
    app.add_route("/portal", Ask(entrance, server, assets))
    app.add_route("/portal/out", Leave(entrance, server, assets))
    app.add_route("/portal/in/{secret}", Enter(entrance, server, assets))
    app.add_route("/portal/{client}", ClientPage(entrance, server, assets))
    app.add_route("/portal/{client}/invoices/{invoice}", ToInvoice(entrance, server, assets))
    app.add_route("/portal/{client}/credit-notes/{note}/pdf", CreditNotePdf(entrance, server, assets))


class _Portal:
    """What the pages share."""

    def __init__(self, entrance: Entrance, server: Server, assets: Assets) -> None:
        self.entrance = entrance
        self.server = server
        self._environment = templates_in(FOLDER)
        self._asset = assets.url

    @property
    def cookie(self) -> str:
        return "__Host-tallystick-portal" if self.entrance.secure else "tallystick-portal"

    def given(self, request: falcon.Request) -> str | None:
        return cookie_of(request, self.cookie)

    def look(self, connection: Any, request: falcon.Request, client: str) -> Opened:
        """The client in the address, for who may look at it. Raises Unauthenticated."""
        client_id = parse_id(client)
        if client_id is None:
            raise Unauthenticated
        return doors.look(connection, self.server, self.given(request), client_id, self.entrance.clock)

    def set_cookie(self, response: falcon.Response, value: str, seconds: int) -> None:
        secure = "; Secure" if self.entrance.secure else ""
        response.append_header(
            "Set-Cookie", f"{self.cookie}={value}; Path=/; Max-Age={seconds}{secure}; HttpOnly; SameSite=Lax"
        )

    def take(self, *names: str) -> None:
        """Count a try against each; raises TooMany."""
        for name in names:
            verdict = self.entrance.limits.take(f"portal:{name}", TRIES)
            if not verdict.allowed:
                raise TooMany("Too many tries.", retry_after=verdict.retry_after)

    def show(self, response: falcon.Response, template: str, language: str, **facts: Any) -> None:
        response.content_type = "text/html; charset=utf-8"
        rendered = self._environment.get_template(template).render(
            facts, asset=self._asset, language=language, rtl=language == "ar", t=WORDS[language]
        )
        response.data = rendered.encode()


def _guarded(responder: Responder) -> Responder:
    """An answer that nobody indexes, keeps or frames; refusals are pages, and strangers are asked who they are."""

    def respond(self: _Portal, request: falcon.Request, response: falcon.Response, **parts: str) -> None:
        response.set_header("Content-Security-Policy", POLICY)
        response.set_header("X-Robots-Tag", "noindex, nofollow, noarchive")
        guard(response)
        try:
            responder(self, request, response, **parts)
        except Unauthenticated:
            response.status = 303
            response.set_header("Location", "/portal")
        except Exception as error:  # noqa: BLE001 - no input may produce a bare 500
            response.status, message = explained(error, response)
            if isinstance(error, Invalid):
                message = next(iter(error.fields.values()), message)
            self.show(response, "portal_refusal.html", _language(request), message=message)

    return respond


class Ask(_Portal):
    """`/portal`: for who is in, on to what they may see; else the form."""

    @_guarded
    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        with self.entrance.database.transaction() as connection:
            found = doors.places(connection, self.server.key, self.given(request), self.entrance.clock())
        if len(found) == 1:
            response.status = 303
            response.set_header("Location", f"/portal/{found[0].client_id}")
        elif found:
            self.show(response, "portal_choose.html", _language(request), places=found)
        else:
            self.show(response, "portal_ask.html", _language(request), asked=False)

    @_guarded
    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        self.entrance.require_our_page(request)
        email = read_form(request).get("email", "").strip().lower()
        self.take(self.entrance.address_of(request))
        if is_address(email):
            self.take(f"email:{email}")
            with self.entrance.database.transaction() as connection:
                jobs.defer_for_nobody(connection, "send_portal_link", email=email)
        # The same for an address that nobody has: who has one is told by mail.
        self.show(response, "portal_ask.html", _language(request), asked=True)

    on_head = on_get


class Enter(_Portal):
    """`/portal/in/{secret}`: a page with a button; pressing it uses the link up."""

    @_guarded
    def on_get(self, request: falcon.Request, response: falcon.Response, secret: str) -> None:
        del secret
        self.show(response, "portal_enter.html", _language(request))

    @_guarded
    def on_post(self, request: falcon.Request, response: falcon.Response, secret: str) -> None:
        self.entrance.require_our_page(request)
        name = f"portal:link:{self.entrance.address_of(request)}"
        if not (verdict := self.entrance.limits.peek(name, TRIES)).allowed:
            raise TooMany("Too many links that are not valid.", retry_after=verdict.retry_after)
        agent = "".join(one for one in (request.user_agent or "")[:200] if one.isprintable())
        try:
            with self.entrance.database.transaction() as connection:
                fresh = doors.enter(
                    connection, self.server, secret, self.entrance.clock,
                    cookie=self.given(request), address=self.entrance.where(request), agent=agent,
                )  # fmt: skip
        except NotFound:
            self.entrance.limits.take(name, TRIES)
            response.status = 404
            self.show(response, "portal_gone.html", _language(request))
            return
        self.set_cookie(response, fresh, int(LIFETIME.total_seconds()))
        response.status = 303
        response.set_header("Location", "/portal")

    on_head = on_get


class Leave(_Portal):
    """`POST /portal/out`."""

    @_guarded
    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        self.entrance.require_our_page(request)
        with self.entrance.database.transaction() as connection:
            doors.leave(connection, self.server.key, self.given(request), self.entrance.clock())
        self.set_cookie(response, "", 0)
        response.status = 303
        response.set_header("Location", "/portal")


class ClientPage(_Portal):
    """`/portal/{client}`: what one client sees."""

    @_guarded
    def on_get(self, request: falcon.Request, response: falcon.Response, client: str) -> None:
        with self.entrance.database.transaction() as connection:
            opened = self.look(connection, request, client)
            days = (_day(request.get_param(name), name) for name in ("from", "to"))
            seen = portal.of_client(opened.ctx, opened.client_id, *days)
        with self.entrance.database.transaction() as connection:
            others = doors.places(connection, self.server.key, self.given(request), self.entrance.clock())
        language = seen.language if seen.language in WORDS else "en"
        self.show(
            response,
            "portal.html",
            language,
            seen=seen,
            opened=opened,
            several=len(others) > 1,
            base=f"/portal/{opened.client_id}",
            states=INVOICE_WORDS[language],
            money=partial(amount_in, language),
            day=partial(day_in, language),
            hours=partial(_hours, language),
            stand=partial(_stand, language, WORDS[language]),
        )

    on_head = on_get


class ToInvoice(_Portal):
    """`/portal/{client}/invoices/{invoice}`: on to the public page of the invoice."""

    @_guarded
    def on_get(self, request: falcon.Request, response: falcon.Response, client: str, invoice: str) -> None:
        with self.entrance.database.transaction() as connection:
            opened = self.look(connection, request, client)
            url = portal.way_to_invoice(opened.ctx, opened.client_id, _id(invoice))
        response.status = 303
        response.set_header("Location", url.removeprefix(self.server.public_url))


class CreditNotePdf(_Portal):
    """`/portal/{client}/credit-notes/{note}/pdf`."""

    @_guarded
    def on_get(self, request: falcon.Request, response: falcon.Response, client: str, note: str) -> None:
        with self.entrance.database.transaction() as connection:
            opened = self.look(connection, request, client)
            file = portal.credit_note_pdf(opened.ctx, opened.client_id, _id(note))
            content = file.make()
        response.content_type = file.media
        response.set_header("Content-Disposition", f'attachment; filename="{file.name}"')
        response.set_header("Content-Security-Policy", "default-src 'none'; sandbox")
        response.data = content


def _language(request: falcon.Request) -> str:
    """The first language that the browser asks for and we have; English."""
    for part in (request.get_header("Accept-Language") or "").split(","):
        found = part.strip()[:2].lower()
        if found in LANGUAGES:
            return found
    return "en"


def _day(text: str | None, field: str) -> date | None:
    if not text:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise Invalid(fields={field: "must be a date such as 2026-06-30"}) from None
    if not 1900 <= found.year <= 2999:
        raise Invalid(fields={field: "must be a date such as 2026-06-30"})
    return found


def _id(text: str) -> str:
    found = parse_id(text)
    if found is None:
        raise NotFound
    return found


def _hours(language: str, seconds: int) -> str:
    figure = format_decimal(Decimal(seconds) / 3600, format="#,##0.00", locale=locale_of(language))
    return f"{figure} {WORDS[language].hour}"


def _stand(language: str, words: PortalWords, one: portal.Budget) -> str:
    """`12.5 h of 40 h left`."""
    if one.seconds is not None and one.left_seconds is not None:
        left, every = one.left_seconds, _hours(language, one.seconds)
        if left < 0:
            return words.over.format(over=_hours(language, -left), all=every)
        return words.left.format(left=_hours(language, left), all=every)
    left_amount, amount = one.left_amount or Decimal(0), amount_in(language, one.amount or Decimal(0), one.currency)
    if left_amount < 0:
        return words.over.format(over=amount_in(language, -left_amount, one.currency), all=amount)
    return words.left.format(left=amount_in(language, left_amount, one.currency), all=amount)
