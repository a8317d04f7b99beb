"""Signing in by API: a JWT for a password, a fresh one for a session, and the end of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import falcon
import msgspec

from tallystick.auth import sessions
from tallystick.auth.first_run import FirstRun
from tallystick.auth.rate_limits import Policy, RateLimits
from tallystick.auth.sessions import CodeNeeded, WrongCode
from tallystick.auth.single_sign_on import SingleSignOn
from tallystick.domain.access import Actor
from tallystick.domain.context import Clock, Transactions
from tallystick.values.errors import Conflict, Forbidden, Invalid, NotFound, Refusal, TooMany, Unauthenticated
from tallystick.values.ids import parse_id
from tallystick.web.auth import invited, oidc, pages, passkeys, set_up, sign_in_pages
from tallystick.web.auth.bodies import BadBody, read_json
from tallystick.web.auth.entrance import Busy, Entrance

STATUS: Final[Mapping[type[Exception], tuple[int, str]]] = {
    Invalid: (400, "VALIDATION_ERROR"),
    Unauthenticated: (401, "UNAUTHORIZED"),
    Forbidden: (403, "FORBIDDEN"),
    NotFound: (404, "NOT_FOUND"),
    Conflict: (409, "CONFLICT"),
    TooMany: (429, "RATE_LIMITED"),
}
_ALLOWED_HEADERS: Final = "Authorization, Content-Type, X-CSRF-Token"

log = logging.getLogger("tallystick.sign_in")

Responder = Callable[[falcon.Request, falcon.Response], None]


def mount_sign_in(
    app: falcon.App[falcon.Request, falcon.Response],
    database: Transactions,
    key: bytes,
    limits: RateLimits,
    *,
    public_url: str,
    address_of: Callable[[falcon.Request], str],
    address_policy: Policy,
    clock: Clock,
    seen: Callable[[Actor], None] | None = None,
    mailing: bool = False,
    first_run: str = "",
    asset: Callable[[str], str] = lambda name: f"/static/{name}",
    single_sign_on: SingleSignOn | None = None,
) -> Entrance:
    """Add the ways in to the app; answers what other pages need to know their visitor.

    `first_run`: the digest of the secret with which the first workspace is made.
    """
    start = FirstRun(database, key, first_run)
    entrance = Entrance(
        database,
        key,
        limits,
        public_url,
        address_of,
        address_policy,
        clock,
        seen,
        mailing,
        start,
        asset,
        single_sign_on,
    )
    app.add_route("/api/auth/sign-in/email", Endpoint("POST", SignInByEmail(entrance)))
    app.add_route("/api/auth/token", Endpoint("GET", FreshToken(entrance)))
    app.add_route("/api/auth/sign-out", Endpoint("POST", SignOut(entrance)))
    sign_in_pages.mount(app, entrance)
    invited.mount(app, entrance)
    set_up.mount(app, entrance)
    passkeys.mount(app, entrance)
    oidc.mount(app, entrance)
    return entrance


class Endpoint:
    """One address with one method, for Falcon's router; every answer is JSON in this API's shape."""

    def __init__(self, method: str, responder: Responder) -> None:
        self._method = method
        self._responder = responder
        for other in falcon.COMBINED_METHODS:
            setattr(self, f"on_{other.lower()}", self._refuse)
        self.on_options = self._preflight
        setattr(self, f"on_{method.lower()}", self._answer)

    def _answer(self, request: falcon.Request, response: falcon.Response) -> None:
        pages.guard(response)
        if request.get_header("Cookie") is None:
            response.set_header("Access-Control-Allow-Origin", "*")
            response.set_header("Cross-Origin-Resource-Policy", "cross-origin")
        try:
            self._responder(request, response)
        except Exception as error:  # noqa: BLE001 - no input may produce a bare 500
            refuse(response, error)

    def _refuse(self, _request: falcon.Request, response: falcon.Response) -> None:
        pages.guard(response)
        response.set_header("Allow", f"{self._method}, OPTIONS")
        error_body(response, 405, "METHOD_NOT_ALLOWED", f"This method is not allowed here. Allowed: {self._method}.")

    def _preflight(self, _request: falcon.Request, response: falcon.Response) -> None:
        """A browser's question for a program from elsewhere, which may ask with a JWT, and never with our cookies."""
        response.status = 204
        response.set_header("Allow", f"{self._method}, OPTIONS")
        response.set_header("Access-Control-Allow-Origin", "*")
        response.set_header("Access-Control-Allow-Methods", self._method)
        response.set_header("Access-Control-Allow-Headers", _ALLOWED_HEADERS)
        response.set_header("Access-Control-Max-Age", "86400")


class SignInByEmail:
    """`POST /api/auth/sign-in/email`: e-mail and password, and a code where the person has an authenticator."""

    def __init__(self, entrance: Entrance) -> None:
        self._entrance = entrance

    def __call__(self, request: falcon.Request, response: falcon.Response) -> None:
        fields = read_json(request)
        wrong = {name: "must be text" for name in ("email", "password") if not isinstance(fields.get(name), str)}
        wrong |= {name: "must not be empty" for name in ("email", "password") if fields.get(name) == ""}
        totp = fields.get("totp")
        if not (totp is None or isinstance(totp, str)):
            wrong["totp"] = "must be text"
        workspace_id = fields.get("workspaceId")
        if workspace_id is not None and (not isinstance(workspace_id, str) or parse_id(workspace_id) is None):
            wrong["workspaceId"] = "must be the id of a workspace"
        if wrong:
            raise Invalid(fields=wrong)
        signed = self._entrance.sign_in(
            request,
            fields["email"],
            fields["password"],
            totp=totp,
            workspace_id=None if workspace_id is None else parse_id(workspace_id),
            remember=fields.get("remember") is True,
        )
        self._entrance.give_cookies(response, signed)
        response.set_header("X-CSRF-Token", signed.csrf)
        json_body(
            response,
            200,
            {
                "token": signed.jwt,
                "expiresAt": timestamp(signed.expires_at),
                "user": {"id": signed.user.id, "email": signed.user.email, "name": signed.user.name},
            },
        )


class FreshToken:
    """`GET /api/auth/token`: a fresh JWT for a session that lasts, by its JWT or its cookie."""

    def __init__(self, entrance: Entrance) -> None:
        self._entrance = entrance

    def __call__(self, request: falcon.Request, response: falcon.Response) -> None:
        entrance = self._entrance
        try:
            with entrance.database.transaction() as connection:
                caller = entrance.caller(connection, request)
        except Unauthenticated:
            entrance.failed(request)
            raise
        if caller.by_cookie:
            # Only a page of ours, or a program, reads a secret by cookie.
            if request.get_header("Sec-Fetch-Site") not in {None, "same-origin", "none"}:
                raise Forbidden("A token is given by cookie only to pages of this server.")
            response.set_header("X-CSRF-Token", entrance.csrf_of(caller.live))
        jwt = sessions.refresh(entrance.key, caller.live, issuer=entrance.public_url, now=entrance.clock())
        json_body(response, 200, {"token": jwt.token, "expiresAt": timestamp(jwt.expires_at)})


class SignOut:
    """`POST /api/auth/sign-out`: ends the session, with every JWT of it."""

    def __init__(self, entrance: Entrance) -> None:
        self._entrance = entrance

    def __call__(self, request: falcon.Request, response: falcon.Response) -> None:
        entrance = self._entrance
        try:
            with entrance.database.transaction() as connection:
                caller = entrance.caller(connection, request)
                if caller.by_cookie:
                    entrance.require_csrf(request, caller.live, request.get_header("X-CSRF-Token"))
                sessions.sign_out(connection, caller.live, entrance.clock())
        except Unauthenticated:
            entrance.failed(request)
            raise
        if caller.by_cookie:
            entrance.take_cookies(response)
        response.status = 204


def refuse(response: falcon.Response, error: Exception) -> None:
    """An error in this API's shape."""
    if isinstance(error, BadBody):
        error_body(response, error.status, "BAD_REQUEST", str(error))
        return
    if isinstance(error, Refusal):
        status, code = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), (400, "BAD_REQUEST"))
        details: dict[str, Any] = dict(error.fields)
        if isinstance(error, CodeNeeded):
            details["totp"] = "required"
        elif isinstance(error, WrongCode):
            details["totp"] = "is not right, or was used already"
        if isinstance(error, TooMany):
            response.set_header("Retry-After", str(error.retry_after))
            details["retryAfter"] = error.retry_after
        if status == 401:
            response.set_header("WWW-Authenticate", "Bearer")
        error_body(response, status, code, error.message, details)
        return
    if isinstance(error, Busy) or sign_in_pages.is_away(error):
        response.set_header("Retry-After", "1")
        error_body(response, 503, "UNAVAILABLE", "The server is busy. Try again in a moment.")
        return
    log.error("internal error", exc_info=error)
    error_body(response, 500, "INTERNAL_ERROR", "Something went wrong on our side; the log says what.")


def error_body(
    response: falcon.Response, status: int, code: str, message: str, details: Mapping[str, Any] | None = None
) -> None:
    """`{"error": {"code", "message", "details"}}`; details only where there are some."""
    error: dict[str, Any] = {"code": code, "message": message}
    if details:
        error["details"] = dict(details)
    json_body(response, status, {"error": error})


def json_body(response: falcon.Response, status: int, body: Mapping[str, Any]) -> None:
    """A JSON answer."""
    response.status = status
    response.content_type = "application/json"
    response.data = msgspec.json.encode(body)


def timestamp(instant: datetime) -> str:
    """An instant as this API writes it."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
