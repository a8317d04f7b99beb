"""Signing in by page: the form, the choice of a workspace, signing out, and setting a password. No script needed."""

from __future__ import annotations

import io
import logging
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

import falcon
import segno
from markupsafe import Markup

from tallystick.auth import second_factor, sessions
from tallystick.auth.sessions import CodeNeeded, Live, WrongCode
from tallystick.domain.context import Connection
from tallystick.values.errors import Forbidden, Invalid, NotFound, PlanForbids, Refusal, TooMany, Unauthenticated
from tallystick.values.ids import parse_id
from tallystick.web.auth.bodies import BadBody, read_form
from tallystick.web.auth.entrance import Busy, Entrance
from tallystick.web.auth.next_path import same_site_path
from tallystick.web.auth.pages import Reader, begin_reading, go, show, words_of

HOME: Final = "/"
"""Where somebody goes who wants nothing else."""
SIGN_IN: Final = "/sign-in"
DONE: Final = {
    "password": "Your password is set. Sign in with it.",
    "out": "You are signed out.",
    "joined": "You have joined. Sign in.",
}
_AWAY: Final = frozenset({"OperationalError", "PoolTimeout", "TooManyRequests"})

log = logging.getLogger("tallystick.sign_in")


def mount(app: falcon.App[falcon.Request, falcon.Response], entrance: Entrance) -> None:
    """Add the pages."""
    app.add_route("/sign-in", SignInPage(entrance))
    app.add_route("/sign-in/workspace", WorkspacePage(entrance))
    app.add_route("/sign-out", SignOutPage(entrance))
    app.add_route("/password", PasswordPage(entrance))
    app.add_route("/two-factor", TwoFactorPage(entrance))
    app.add_route("/reset/{secret}", ResetPage(entrance))


class Page:
    """What the pages share: refusals are pages too."""

    def __init__(self, entrance: Entrance) -> None:
        self.entrance = entrance

    def visitor(self, connection: Connection, request: falcon.Request) -> Live | None:
        """Whose browser asks; None for a stranger's. Pages speak their language from here on."""
        try:
            live = self.entrance.visitor(connection, request)
        except Unauthenticated:
            return None
        reader: Reader | None = getattr(request.context, "reader", None)
        if reader is not None:
            reader.is_known(sessions.language_of(connection, live))
        return live

    def known(self, request: falcon.Request) -> Live | None:
        with self.entrance.database.transaction() as connection:
            return self.visitor(connection, request)


Shown = Callable[..., None]


def page(responder: Shown) -> Shown:
    """A responder whose refusals are shown as a page."""

    def respond(self: Page, request: falcon.Request, response: falcon.Response, **parts: str) -> None:
        begin_reading(request, response)
        try:
            responder(self, request, response, **parts)
        except Exception as error:  # noqa: BLE001 - no input may produce a bare 500
            status, message = explained(error, response)
            show(response, "refusal.html", status=status, message=message)

    return respond


def explained(error: Exception, response: falcon.Response) -> tuple[int, str]:
    """The status of a refusal, and the sentence for the person before the page."""
    if isinstance(error, BadBody):
        return error.status, str(error)
    if isinstance(error, TooMany):
        response.set_header("Retry-After", str(error.retry_after))
        words = words_of(response)
        minutes = -(-error.retry_after // 60)
        wait = words.count("Try again in a minute.", "Try again in {count} minutes.", minutes)
        return 429, f"{words.refusal(error.message).rstrip('.')}. {wait}"
    if isinstance(error, Refusal):
        kinds = {Invalid: 400, Unauthenticated: 401, PlanForbids: 402, Forbidden: 403, NotFound: 404}
        return next((kinds[kind] for kind in type(error).__mro__ if kind in kinds), 409), error.message
    if isinstance(error, Busy) or is_away(error):
        response.set_header("Retry-After", "1")
        return 503, "The server is busy. Try again in a moment."
    log.error("internal error", exc_info=error)
    return 500, "Something went wrong on our side. Try again; if it stays, tell whoever runs this server."


def again(goal: str) -> str:
    """The address where somebody signed in signs in again, and comes to the goal."""
    return f"{SIGN_IN}?{urlencode({'again': 'yes', 'next': goal})}"


def _start(goal: str, *, anew: bool) -> str:
    """Where the provider's button leads."""
    facts = {**({"next": goal} if goal != HOME else {}), **({"again": "yes"} if anew else {})}
    return f"{SIGN_IN}/oidc?{urlencode(facts)}" if facts else f"{SIGN_IN}/oidc"


def is_away(error: Exception) -> bool:
    """Whether the database cannot be reached or has no connection free. By name: a page knows no driver."""
    return not _AWAY.isdisjoint(kind.__name__ for kind in type(error).__mro__)


class SignInPage(Page):
    """`/sign-in?next=…`: the form; who is signed in goes on, unless they are to sign in again (`again`)."""

    @page
    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        live = self.known(request)
        given = request.get_param("next")
        goal = same_site_path(given, HOME)
        anew = request.get_param("again") == "yes"
        if live is None or anew:
            self.form(response, goal, notice=DONE.get(request.get_param("done") or "", ""), anew=anew)
        else:
            go(response, goal)

    @page
    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        self.entrance.require_our_page(request)
        fields = read_form(request)
        email = fields.get("email", "").strip()
        goal = same_site_path(fields.get("next"), HOME)
        try:
            signed = self.entrance.sign_in(
                request,
                email,
                fields.get("password", ""),
                totp=fields.get("totp") or None,
                remember=fields.get("remember") == "yes",
            )
        except (Unauthenticated, TooMany, Busy) as error:
            status, problem = explained(error, response)
            self.form(
                response,
                goal,
                status=status,
                email=email,
                problem=problem,
                code=isinstance(error, CodeNeeded | WrongCode),
                remember=fields.get("remember") == "yes",
            )
            return
        self.entrance.give_cookies(response, signed)
        if len(signed.places) > 1:
            go(response, f"/sign-in/workspace?{urlencode({'next': goal})}")
        else:
            arrive(response, goal)

    def form(
        self,
        response: falcon.Response,
        goal: str,
        *,
        status: int = 200,
        email: str = "",
        problem: str = "",
        notice: str = "",
        code: bool = False,
        remember: bool = False,
        anew: bool = False,
    ) -> None:
        """The form, again where something is wrong."""
        first_run = self.entrance.first_run
        if first_run is not None and first_run.is_open():
            show(response, "first_run.html", status=status)
            return
        show(
            response,
            "sign_in.html",
            status=status,
            next="" if goal == HOME else goal,
            email=email,
            problem=problem,
            notice=notice,
            code=code,
            remember=remember,
            plain=not self.entrance.secure,
            passkeys=self.entrance.site is not None,
            provider=None if self.entrance.single_sign_on is None else self.entrance.single_sign_on.label,
            start=_start(goal, anew=anew),
            script=self.entrance.asset("passkeys.js") if self.entrance.site is not None else "",
        )


class WorkspacePage(Page):
    """`/sign-in/workspace`: which workspace to work in, for somebody who belongs to several."""

    @page
    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        goal = same_site_path(request.get_param("next"), HOME)
        live = self.known(request)
        if live is None:
            go(response, SIGN_IN)
            return
        with self.entrance.database.transaction() as connection:
            places = sessions.places_of(connection, live.user.email)
        show(
            response,
            "workspace.html",
            live=live,
            places=sorted(places, key=lambda place: (place.name.casefold(), place.id)),
            csrf=self.entrance.csrf_of(live),
            next="" if goal == HOME else goal,
        )

    @page
    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        entrance = self.entrance
        fields = read_form(request)
        goal = same_site_path(fields.get("next"), HOME)
        with entrance.database.transaction() as connection:
            live = self.visitor(connection, request)
            if live is None:
                go(response, SIGN_IN)
                return
            entrance.require_csrf(request, live, fields.get("csrf_token"))
            wanted = parse_id(fields.get("workspace", "")) or ""
            if wanted != live.actor.workspace_id:
                signed = sessions.switch(
                    connection,
                    entrance.key,
                    live,
                    wanted,
                    issuer=entrance.public_url,
                    now=entrance.clock(),
                    user_agent=request.user_agent or "",
                    address=entrance.where(request),
                )
                entrance.give_cookies(response, signed)
        arrive(response, goal)


class SignOutPage(Page):
    """`/sign-out`: a button, and what it does."""

    @page
    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        live = self.known(request)
        if live is None:
            go(response, SIGN_IN)
        else:
            show(response, "sign_out.html", live=live, csrf=self.entrance.csrf_of(live))

    @page
    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        self.entrance.require_our_page(request)
        fields = read_form(request)
        with self.entrance.database.transaction() as connection:
            live = self.visitor(connection, request)
            if live is not None:
                self.entrance.require_csrf(request, live, fields.get("csrf_token"))
                sessions.sign_out(connection, live, self.entrance.clock())
        self.entrance.take_cookies(response)
        go(response, f"{SIGN_IN}?done=out")


class PasswordPage(Page):
    """`/password`: a new password for whoever knows the old one."""

    @page
    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        live = self.known(request)
        if live is None:
            go(response, f"{SIGN_IN}?{urlencode({'next': '/password'})}")
        else:
            self._form(response, live)

    @page
    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        entrance = self.entrance
        fields = read_form(request)
        live = self.known(request)
        if live is None:
            go(response, f"{SIGN_IN}?{urlencode({'next': '/password'})}")
            return
        entrance.require_csrf(request, live, fields.get("csrf_token"))
        new = fields.get("new_password", "")
        if new != fields.get("again"):
            self._form(response, live, status=400, problem="The two new passwords differ.")
            return
        try:
            with entrance.busy():
                sessions.change_password(
                    entrance.database,
                    entrance.key,
                    live,
                    old=fields.get("password", ""),
                    new=new,
                    address=entrance.where(request),
                    now=entrance.clock(),
                    agent=request.user_agent or "",
                )
        except Invalid as refusal:
            problem = refusal.fields.get("new_password") or "The old password is not right."
            self._form(response, live, status=400, problem=problem)
            return
        self._form(response, live, notice="Your password is changed. You are signed out everywhere else.")

    def _form(
        self, response: falcon.Response, live: Live, *, status: int = 200, problem: str = "", notice: str = ""
    ) -> None:
        with self.entrance.database.transaction() as connection:
            second_factor = sessions.second_factor_of(connection, live, self.entrance.clock()) is not None
        csrf = self.entrance.csrf_of(live)
        show(
            response,
            "password.html",
            status=status,
            live=live,
            csrf=csrf,
            problem=problem,
            notice=notice,
            second_factor=second_factor,
        )


class TwoFactorPage(Page):
    """`/two-factor`: an authenticator for one's own account, its backup codes, and the end of it."""

    @page
    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        live = self.known(request)
        if live is None:
            go(response, f"{SIGN_IN}?{urlencode({'next': '/two-factor'})}")
        else:
            self._form(response, live)

    @page
    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        entrance = self.entrance
        fields = read_form(request)
        live = self.known(request)
        if live is None:
            go(response, f"{SIGN_IN}?{urlencode({'next': '/two-factor'})}")
            return
        entrance.require_csrf(request, live, fields.get("csrf_token"))
        asked: dict[str, Any] = {
            "password": fields.get("password", ""),
            "address": entrance.where(request),
            "now": entrance.clock(),
            "agent": request.user_agent or "",
        }
        sealed = _unpacked(fields.get("secret", ""))
        try:
            with entrance.busy():
                if fields.get("do") == "off":
                    sessions.turn_off_second_factor(entrance.database, entrance.key, live, **asked)
                    self._form(response, live, notice="Two-factor sign-in is off.")
                    return
                if fields.get("do") == "renew":
                    codes = sessions.renew_backup_codes(entrance.database, entrance.key, live, **asked)
                else:
                    codes = sessions.turn_on_second_factor(
                        entrance.database, entrance.key, live, sealed=sealed, code=fields.get("code", ""), **asked
                    )
        except Invalid as refusal:
            if "code" in refusal.fields:
                problem = "That code is not right. Enter the one that your authenticator shows now."
            else:
                problem = "The password is not right." if refusal.message == Invalid.usual else refusal.message
            self._form(response, live, status=400, problem=problem, sealed=sealed)
            return
        show(response, "backup_codes.html", codes=codes)

    def _form(
        self,
        response: falcon.Response,
        live: Live,
        *,
        status: int = 200,
        problem: str = "",
        notice: str = "",
        sealed: bytes = b"",
    ) -> None:
        """`sealed`: the secret that was offered before, which a mistyped code leaves as it is."""
        entrance = self.entrance
        with entrance.database.transaction() as connection:
            left = sessions.second_factor_of(connection, live, entrance.clock())
        secret = second_factor.unseal_secret(entrance.key, live.user.id, sealed) or second_factor.new_secret()
        show(
            response,
            "two_factor.html",
            status=status,
            live=live,
            csrf=entrance.csrf_of(live),
            problem=problem,
            notice=notice,
            left=left,
            secret=secret,
            sealed=urlsafe_b64encode(second_factor.seal_secret(entrance.key, live.user.id, secret)).decode(),
            picture=_qr(second_factor.address_of(secret, live.user.email)),
        )


def _unpacked(text: str) -> bytes:
    """The sealed secret of a form; nothing where somebody wrote into it."""
    try:
        return urlsafe_b64decode(text.encode("ascii"))[:200]
    except ValueError:
        return b""


def _qr(text: str) -> Markup:
    found = io.BytesIO()
    code = segno.make(text, error="m", micro=False)
    code.save(found, kind="svg", scale=4, border=2, xmldecl=False, svgns=True, dark="#000", light="#fff", omitsize=True)
    return Markup(found.getvalue().decode())  # noqa: S704 - drawn by segno, of squares alone


class ResetPage(Page):
    """`/reset/{secret}`: a password for whoever was given the link, once and in time."""

    @page
    def on_get(self, request: falcon.Request, response: falcon.Response, secret: str) -> None:
        self._form(response, self._owner(request, secret))

    @page
    def on_post(self, request: falcon.Request, response: falcon.Response, secret: str) -> None:
        entrance = self.entrance
        entrance.require_our_page(request)
        fields = read_form(request)
        owner = self._owner(request, secret)
        password = fields.get("new_password", "")
        if password != fields.get("again"):
            self._form(response, owner, status=400, problem="The two passwords differ.")
            return
        try:
            with entrance.busy():
                sessions.set_password(
                    entrance.database,
                    entrance.key,
                    secret,
                    password,
                    entrance.clock(),
                    address=entrance.where(request),
                    agent=request.user_agent or "",
                )
        except Invalid as refusal:
            self._form(response, owner, status=400, problem=refusal.message)
            return
        entrance.take_cookies(response)
        go(response, f"{SIGN_IN}?done=password")

    def _owner(self, request: falcon.Request, secret: str) -> sessions.PasswordLinkOwner:
        entrance = self.entrance
        entrance.require_few_bad_links(request, counting=False)
        try:
            with entrance.database.transaction() as connection:
                return sessions.password_link(connection, entrance.key, secret, entrance.clock())
        except NotFound:
            entrance.require_few_bad_links(request, counting=True)
            raise

    def _form(
        self, response: falcon.Response, owner: sessions.PasswordLinkOwner, *, status: int = 200, problem: str = ""
    ) -> None:
        show(response, "reset.html", status=status, owner=owner, problem=problem)


def arrive(response: falcon.Response, path: str) -> None:
    """Go on after a form; to an authorization by a page of its own.

    That one may lead on to another site, and browsers hold every step of a form's way against the form's policy.
    """
    if path.startswith("/api/auth/"):
        show(response, "onward.html", path=path)
    else:
        go(response, path)
