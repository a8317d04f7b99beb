"""From a request to a page and back: one transaction, whoever is signed in, and no answer without its headers."""

from __future__ import annotations

import gzip
import logging
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import falcon
import msgspec

from tallystick.auth import sessions
from tallystick.auth.sessions import Live
from tallystick.auth.tokens import Env
from tallystick.domain import members
from tallystick.domain.access import Actor
from tallystick.domain.closing import CLOSED
from tallystick.domain.context import Context, Origin, Server, open_workspace, refusal_of
from tallystick.domain.desk.shell import shell
from tallystick.domain.entering import enter
from tallystick.values.errors import Forbidden, Invalid, NotFound, Refusal, Unauthenticated
from tallystick.values.seal import derive, seal, unseal
from tallystick.web.app.formats import Formats, locale_of
from tallystick.web.app.forms import Fields, Upload, read_fields, read_query, read_upload
from tallystick.web.app.paint import Painter
from tallystick.web.app.visit import Answer, Data, File, Go, Page, Show, Visit
from tallystick.web.app.words import Words
from tallystick.web.assets import Assets
from tallystick.web.auth.entrance import Entrance
from tallystick.web.auth.next_path import same_site_path
from tallystick.web.auth.pages import guard
from tallystick.web.auth.pages import show as show_plainly
from tallystick.web.auth.sign_in_pages import explained

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SWAP: Final = "X-Tallystick-Swap"
"""A script that asks says so, and is told where it was sent."""
THEMES: Final = ("light", "dark")
TRIES: Final = 3
_AGAIN: Final = frozenset({"DeadlockDetected", "SerializationFailure"})
_PACKED_FROM: Final = 1400

log = logging.getLogger("tallystick.web")


@dataclass(frozen=True, slots=True)
class Front:
    """What all pages share."""

    entrance: Entrance
    server: Server
    painter: Painter
    env: Env = "live"

    @property
    def said_cookie(self) -> str:
        return "__Host-tallystick-said" if self.entrance.secure else "tallystick-said"

    @property
    def theme_cookie(self) -> str:
        return "__Host-tallystick-theme" if self.entrance.secure else "tallystick-theme"


def mount_app(
    app: falcon.App[falcon.Request, falcon.Response],
    entrance: Entrance,
    server: Server,
    assets: Assets,
    pages: Sequence[Page],
    *,
    env: Env = "live",
) -> Front:
    """Add the pages. `env`: what tokens made here say they are for."""
    front = Front(entrance, server, Painter(assets, pages), env)
    for page in pages:
        app.add_route(page.path, Door(front, page))
    return front


class Door:
    """The address of one page."""

    def __init__(self, front: Front, page: Page) -> None:
        self._front = front
        self._page = page

    def on_get(self, request: falcon.Request, response: falcon.Response, **ids: str) -> None:
        _Exchange(self._front, self._page, request, response, ids).answer(posting=False)

    on_head = on_get

    def on_post(self, request: falcon.Request, response: falcon.Response, **ids: str) -> None:
        _Exchange(self._front, self._page, request, response, ids).answer(posting=True)


class _Exchange:
    """One request and its answer."""

    def __init__(
        self,
        front: Front,
        page: Page,
        request: falcon.Request,
        response: falcon.Response,
        ids: Mapping[str, str],
    ) -> None:
        self.front = front
        self.entrance = front.entrance
        self.page = page
        self.request = request
        self.response = response
        self.ids = ids
        self.form: dict[str, list[str]] = {}
        self.files: list[Upload] = []
        self.path = request.path + (f"?{request.query_string}" if request.query_string else "")
        self.swaps = request.get_header(SWAP) is not None
        self.asked: Actor | None = None
        """Whose form it is, once that is known."""

    def answer(self, *, posting: bool) -> None:
        _guard(self.response)
        try:
            self._answer(posting=posting)
        except Unauthenticated:
            self._to_sign_in(posting=posting)
        except Exception as error:  # noqa: BLE001 - no input may produce a bare 500
            self._explain(error)

    def _answer(self, *, posting: bool) -> None:
        if (self.page.post if posting else self.page.get) is None:
            self.response.set_header("Allow", "POST" if posting is False else "GET, HEAD")
            self._method_not_allowed()
            return
        if posting:
            self.entrance.require_our_page(self.request)
            if self.page.upload:
                self.form, self.files = read_upload(self.request, self.page.upload)
            else:
                self.form = read_fields(self.request)
        try:
            self._patiently(posting=posting)
        except (Invalid, Refusal) as refusal:
            if isinstance(refusal, Forbidden):
                self._tell_refused(refusal)
            if not posting or isinstance(refusal, Unauthenticated | NotFound):
                raise
            self._again(refusal)

    def _patiently(self, *, posting: bool) -> None:
        """Try again what lost against another transaction."""
        for attempt in range(TRIES):
            try:
                if self.page.enters:
                    self._enter()
                with self.entrance.database.transaction() as connection:
                    visit = self._visit(connection)
                    if visit.shell.closed_at is not None and not (self.page.closed or self.page.always):
                        self._send(visit, visit.go("/settings/close", CLOSED if posting else ""), b"")
                        return
                    if posting:
                        token = self.request.get_header("X-CSRF-Token") or visit.form.kept("csrf_token")
                        self.entrance.require_csrf(self.request, visit.live, token)
                        self.asked = visit.actor
                        if not self.page.always:
                            visit.ctx.require_changing()
                        visit.ctx.require(self.page.change or self.page.permission)
                        visit.ctx.comes_from(self._origin(visit.actor))
                        for identity, _, version in (one.partition(":") for one in visit.form.given.get("seen", [])):
                            visit.ctx.saw(identity, version)
                    else:
                        visit.ctx.require(self.page.permission)
                    answer = self._handle(visit, posting=posting)
                    body = self._painted(visit, answer)
                self._send(visit, answer, body or self._made(visit, answer))
            except Exception as error:
                if any(kind.__name__ == "IntegrityError" for kind in type(error).__mro__):
                    raise refusal_of(error) from error  # type: ignore[arg-type]  # a page knows no driver
                again = not _AGAIN.isdisjoint(kind.__name__ for kind in type(error).__mro__)
                if not again or attempt == TRIES - 1:
                    raise
                time.sleep(0.01 * (attempt + 1))
            else:
                return

    def _handle(self, visit: Visit, *, posting: bool) -> Answer:
        responder = self.page.post if posting else self.page.get
        assert responder is not None  # noqa: S101 - asked before
        return responder(visit)

    def _enter(self) -> None:
        """Have what is committed enter the audit log, in a transaction that is over before the page is made."""
        with self.entrance.database.transaction() as connection:
            live = self.entrance.visitor(connection, self.request)
            ctx = Context(live.actor, connection, self.entrance.clock)
            ctx.require(self.page.permission)
            enter(ctx)

    def _visit(self, connection: Any) -> Visit:
        if self.request.get_header("Authorization") is not None:
            raise Unauthenticated  # a page is opened by cookie; whoever sends a token meant an API
        live = self.entrance.visitor(connection, self.request)
        ctx = Context(live.actor, connection, self.entrance.clock, self.front.server)
        here = shell(ctx)
        locale = locale_of(here.language, self.request.get_header("Accept-Language"))
        formats = Formats(locale, clock=here.clock, week_start=here.week_start, zone=live.actor.time_zone)
        theme = self.request.cookies.get(self.front.theme_cookie, "")
        return Visit(
            page=self.page,
            ctx=ctx,
            live=live,
            shell=here,
            csrf=self.entrance.csrf_of(live),
            words=Words(locale.language),
            formats=formats,
            path=self.path,
            ids=self.ids,
            query=Fields(read_query(self.request), formats),
            form=Fields(self.form, formats),
            files=self.files,
            swaps=self.swaps,
            said=self._said(live),
            theme=theme if theme in THEMES else "",
            env=self.front.env,
            look=(self.entrance.look_cookie, self.entrance.look_of(live)),
        )

    def _tell_refused(self, refusal: Forbidden) -> None:
        """The audit log hears of a change that was refused to somebody; whoever only looks meant none."""
        if self.asked is None or self.asked.own_role is not None:
            return
        with self.entrance.database.transaction() as connection:
            open_workspace(connection, self.asked.workspace_id)
            ctx = Context(self.asked, connection, self.entrance.clock)
            ctx.comes_from(self._origin(self.asked))
            members.tell_refused(ctx, refusal.message)

    def _origin(self, actor: Actor) -> Origin:
        """For the audit log: the page, and from where its form came."""
        agent = "".join(one for one in (self.request.user_agent or "")[:200] if one.isprintable())
        return Origin(self.page.path, actor.credential, self.entrance.where(self.request), agent)

    def _again(self, refusal: Refusal) -> None:
        """Show a refused form again with what is wrong, or go back with the sentence."""
        show = self.page.again or self.page.get
        with self.entrance.database.transaction() as connection:
            visit = self._visit(connection)
            visit.problem = visit.explain(refusal)
            visit.reason = refusal.reason or ""
            visit.errors = {field: visit.words.refusal(why) for field, why in refusal.fields.items()}
            if visit.errors and refusal.message == Invalid.usual:
                visit.problem = visit.say("Please look at the marked fields.")
            if isinstance(refusal, Forbidden):
                raise refusal
            status = 422 if isinstance(refusal, Invalid) else 409
            if show is None:
                wrong = next(iter(visit.errors.values()), visit.problem)
                goal = same_site_path(visit.form.kept("back") or None, "") or self._referer() or "/"
                if self.swaps:
                    answer: Answer = Data({"problem": wrong, "fields": visit.errors}, status)
                else:
                    answer = Go(goal, wrong)
            else:
                shown = show(visit)
                answer = replace(shown, status=status) if isinstance(shown, Show) else shown
            body = self._painted(visit, answer)
        self._send(visit, answer, body or self._made(visit, answer))

    def _referer(self) -> str:
        parts = urlsplit(self.request.get_header("Referer") or "")
        if f"{parts.scheme}://{parts.netloc}" != self.entrance.public_url:
            return ""
        return same_site_path(parts.path + (f"?{parts.query}" if parts.query else ""), "")

    def _painted(self, visit: Visit, answer: Answer) -> bytes:
        if isinstance(answer, Show) and not answer.late:
            return self.front.painter.paint(visit, answer).encode()
        return msgspec.json.encode(answer.facts) if isinstance(answer, Data) else b""

    def _made(self, visit: Visit, answer: Answer) -> bytes:
        """What is made when the transaction is over."""
        if isinstance(answer, Show):
            late = {name: make() for name, make in answer.late.items()}
            return self.front.painter.paint(visit, replace(answer, facts={**answer.facts, **late})).encode()
        return answer.make() if isinstance(answer, File) else b""

    def _send(self, visit: Visit, answer: Answer, body: bytes) -> None:
        response = self.response
        if isinstance(answer, Go):
            response.status = 303
            response.set_header("Location", answer.path)
            for name, value in answer.cookies.items():
                self._set_cookie(name, value, 365 * 24 * 3600 if value else 0)
            if answer.said:
                self._tell(visit.live, answer.said)
            if answer.sign_out:
                self.entrance.take_cookies(response)
            return
        if isinstance(answer, File):
            how = "inline" if answer.inline else "attachment"
            plain = re.sub(r"[^\w .()-]", "_", answer.name, flags=re.ASCII)
            response.content_type = answer.media
            response.set_header(
                "Content-Disposition", f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quote(answer.name)}"
            )
            response.set_header("Vary", "Cookie")
            response.data = body
            return
        response.status = answer.status
        response.content_type = "text/html; charset=utf-8" if isinstance(answer, Show) else "application/json"
        if visit.said and isinstance(answer, Show):
            self._set_cookie(self.front.said_cookie, "", 0)
        _pack(self.request, response, body)

    def _to_sign_in(self, *, posting: bool) -> None:
        """A stranger signs in first, and comes back to where they wanted."""
        if self.swaps:
            self.response.status = 401
            self.response.content_type = "application/json"
            self.response.data = b'{"problem": "signed out"}'
            return
        goal = (self._referer() or "/") if posting else same_site_path(self.path, "/")
        self.response.status = 303
        self.response.set_header("Location", "/sign-in" if goal == "/" else f"/sign-in?{urlencode({'next': goal})}")

    def _explain(self, error: Exception) -> None:
        status, message = explained(error, self.response)
        if isinstance(error, Invalid):
            status = 422
        if self.swaps and self.request.method == "POST":
            self.response.status = status
            self.response.content_type = "application/json"
            self.response.data = msgspec.json.encode({"problem": message})
            return
        try:
            with self.entrance.database.transaction() as connection:
                visit = self._visit(connection)
                shown = visit.show("problem.html", http=status, message=visit.words.refusal(message), code=status)
                body = self._painted(visit, shown)
            self._send(visit, shown, body)
        except Exception:  # noqa: BLE001 - then as plainly as can be
            show_plainly(self.response, "refusal.html", status=status, message=message)

    def _method_not_allowed(self) -> None:
        self.response.status = 405
        show_plainly(self.response, "refusal.html", status=405, message="This address does something else.")

    # --- what is said once

    def _tell(self, live: Live, said: str) -> None:
        payload = msgspec.json.encode([live.session_id, said[:300]])
        key = derive(self.entrance.key, "said/v1")
        self._set_cookie(self.front.said_cookie, seal(key, payload), 120)

    def _said(self, live: Live) -> str:
        sealed = self.request.cookies.get(self.front.said_cookie)
        payload = unseal(derive(self.entrance.key, "said/v1"), sealed) if sealed else None
        if payload is None:
            return ""
        session_id, said = msgspec.json.decode(payload, type=tuple[str, str])
        return said if session_id == live.session_id else ""

    def _set_cookie(self, name: str, value: str, seconds: int) -> None:
        secure = "; Secure" if self.entrance.secure else ""
        self.response.append_header(
            "Set-Cookie", f"{name}={value}; Path=/; Max-Age={seconds}{secure}; HttpOnly; SameSite=Lax"
        )


def places(front: Front, live: Live) -> tuple[sessions.Place, ...]:
    """The workspaces of whoever is here."""
    with front.entrance.database.transaction() as connection:
        return sessions.places_of(connection, live.user.email)


def _guard(response: falcon.Response) -> None:
    """The headers of every page. Nobody keeps it, frames it, or learns its address from a link on it."""
    response.set_header("Content-Security-Policy", POLICY)
    guard(response)
    response.set_header("Permissions-Policy", "camera=(), geolocation=(), microphone=()")


def _pack(request: falcon.Request, response: falcon.Response, body: bytes) -> None:
    """Send it compressed where that is understood. The cookie is SameSite, so no other site can make us say a guess."""
    response.set_header("Vary", "Accept-Encoding, Cookie")
    if len(body) >= _PACKED_FROM and "gzip" in (request.get_header("Accept-Encoding") or ""):
        response.set_header("Content-Encoding", "gzip")
        body = gzip.compress(body, 4, mtime=0)
    response.data = body
