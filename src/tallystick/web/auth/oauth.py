"""OAuth 2 over HTTP: the authorization with its consent page, the endpoints for apps, and what describes them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

import falcon
import msgspec
from authlib.oauth2.rfc6749.errors import (
    AccessDeniedError,
    InvalidClientError,
    InvalidRequestError,
    OAuth2Error,
)

from tallystick.auth import oauth2, sessions
from tallystick.auth.oauth2 import Credentials, Errand, Issued, NoSuchApp, Wish, WrongRedirect
from tallystick.auth.sessions import Live
from tallystick.domain.context import Context
from tallystick.domain.oauth import OAUTH_SCOPES, OAuthScope
from tallystick.values.errors import Forbidden, TooMany
from tallystick.web.auth.bodies import FORM, JSON, BadBody, parse_form, parse_json, read_body, read_form
from tallystick.web.auth.entrance import Busy, Entrance
from tallystick.web.auth.next_path import LONGEST
from tallystick.web.auth.pages import go, show, words_of
from tallystick.web.auth.sign_in import Endpoint, json_body, log
from tallystick.web.auth.sign_in_pages import SIGN_IN, Page, is_away, page
from tallystick.web.documents import Document

BASE: Final = "/api/auth/oauth2"
AUTHORIZE: Final = f"{BASE}/authorize"

WORDS: Final[Mapping[OAuthScope, str]] = {
    "transactions:read": "see expenses and payments",
    "transactions:write": "record, change and delete expenses and payments",
    "entries:read": "see time entries and projects",
    "entries:write": "record, change and delete time entries and projects",
    "invoices:read": "see invoices and customers",
    "invoices:write": "write, change and send invoices, and change customers",
    "banking:read": "see bank accounts",
    "banking:write": "change bank accounts",
    "documents:read": "see documents",
    "documents:write": "add, change and delete documents",
    "team:read": "see who is on the team",
    "team:admin": "add, change and remove people of the team",
    "analytics:read": "see reports and figures",
}
"""What a scope means to whoever is asked for it."""

_CREDENTIALS: Final = ("client_secret_basic", "client_secret_post", "none")


def mount_oauth(app: falcon.App[falcon.Request, falcon.Response], entrance: Entrance) -> None:
    """Add the endpoints and their metadata to the app."""
    app.add_route(AUTHORIZE, Authorize(entrance))
    app.add_route(f"{BASE}/token", Endpoint("POST", AppEndpoint(entrance, give_token)))
    app.add_route(f"{BASE}/revoke", Endpoint("POST", AppEndpoint(entrance, revoke)))
    app.add_route(f"{BASE}/introspect", Endpoint("POST", AppEndpoint(entrance, introspect)))
    app.add_route(f"{BASE}/register", Endpoint("POST", refuse_registration))
    server = Document(msgspec.json.encode(server_metadata(entrance.public_url)), "application/json")
    for path in (
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-authorization-server/api/auth",
        "/api/auth/.well-known/oauth-authorization-server",
    ):
        app.add_route(path, server)
    resource = Document(msgspec.json.encode(resource_metadata(entrance.public_url)), "application/json")
    app.add_route("/.well-known/oauth-protected-resource", resource)


# --- the authorization


class Authorize(Page):
    """`/api/auth/oauth2/authorize`: judges what an app asks, asks the person, and sends them back with the answer."""

    @page
    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        try:
            given = parse_qs(request.query_string, keep_blank_values=True, errors="strict", max_num_fields=50)
        except ValueError:
            raise BadBody(400, "The address cannot be read.") from None
        asked = self._judged(response, given)
        if asked is None:
            return
        live = self.known(request)
        if live is None or live.actor.workspace_id != asked.app.workspace_id:
            self._elsewhere(response, asked, live)
            return
        show(
            response,
            "consent.html",
            form_targets=_form_targets(asked.redirect_uri),
            app=asked.app,
            live=live,
            words=[_sentence(WORDS[one]) for one in OAUTH_SCOPES if one in asked.scopes],
            csrf=self.entrance.csrf_of(live),
            fields=_parameters(asked),
            destination=urlsplit(asked.redirect_uri).netloc,
        )

    @page
    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        entrance = self.entrance
        fields = read_form(request)
        csrf, decision = fields.pop("csrf_token", None), fields.pop("decision", None)
        asked = self._judged(response, {name: [value] for name, value in fields.items()})
        if asked is None:
            return
        with entrance.database.transaction() as connection:
            live = self.visitor(connection, request)
            if live is not None and live.actor.workspace_id == asked.app.workspace_id:
                entrance.require_csrf(request, live, csrf)
                if decision != "approve":
                    self._refused(response, asked, AccessDeniedError("The request was denied."))
                    return
                ctx = Context(live.actor, connection, entrance.clock)
                code = oauth2.allow(ctx, entrance.key, asked)
                self._back(response, asked, {"code": code})
                return
        self._elsewhere(response, asked, live)

    def _judged(self, response: falcon.Response, given: dict[str, list[str]]) -> Wish | None:
        """The request, if it is right. Else it is answered: by a page, or at the app's own address."""
        entrance = self.entrance
        try:
            with entrance.database.transaction() as connection:
                start = oauth2.errand(connection, given, entrance.clock())
        except (NoSuchApp, WrongRedirect) as refusal:
            show(response, "refusal.html", status=400, message=refusal.message)
            return None
        try:
            asked = oauth2.wish(start, given)
            if len(_address(asked)) > LONGEST:
                raise InvalidRequestError("The request is too long.")
        except OAuth2Error as error:
            self._refused(response, start, error)
            return None
        return asked

    def _elsewhere(self, response: falcon.Response, asked: Wish, live: Live | None) -> None:
        """To the sign-in page, or to the choice of the workspace that the app belongs to, and back here."""
        onward = urlencode({"next": _address(asked)})
        if live is None:
            go(response, f"{SIGN_IN}?{onward}")
            return
        with self.entrance.database.transaction() as connection:
            places = sessions.places_of(connection, live.user.email)
        if all(place.id != asked.app.workspace_id for place in places):
            said = "{app} belongs to a workspace that {email} is no member of."
            raise Forbidden(words_of(response).say(said, app=asked.app.name, email=live.user.email))
        go(response, f"{SIGN_IN}/workspace?{onward}")

    def _refused(self, response: falcon.Response, start: Errand | Wish, error: OAuth2Error) -> None:
        self._back(response, start, _body(error))

    def _back(self, response: falcon.Response, start: Errand | Wish, answer: dict[str, str]) -> None:
        """To the app with an answer: the redirect address as it is, byte for byte, and the answer behind it."""
        if start.state is not None:
            answer["state"] = start.state
        answer["iss"] = self.entrance.public_url
        sign = "&" if "?" in start.redirect_uri else "?"
        go(response, f"{start.redirect_uri}{sign}{urlencode(answer)}")


def _parameters(asked: Wish) -> list[tuple[str, str]]:
    given = [
        ("client_id", asked.app.id),
        ("redirect_uri", asked.redirect_uri),
        ("response_type", "code"),
        ("scope", " ".join(asked.scopes)),
        ("code_challenge", asked.challenge),
        ("code_challenge_method", "S256"),
    ]
    return given if asked.state is None else [*given, ("state", asked.state)]


def _address(asked: Wish) -> str:
    return f"{AUTHORIZE}?{urlencode(_parameters(asked))}"


def _form_targets(redirect_uri: str) -> tuple[str, ...]:
    """Where the form may lead. A policy has no words for an IPv6 address: there the scheme has to do."""
    parts = urlsplit(redirect_uri)
    return (f"{parts.scheme}:",) if "[" in parts.netloc else (f"{parts.scheme}://{parts.netloc}",)


def _sentence(words: str) -> str:
    return words[0].upper() + words[1:]


# --- the endpoints for apps

Answer = tuple[int, Mapping[str, Any] | None]


class AppEndpoint:
    """What the endpoints for apps share: who asks, in a form or as JSON, and errors in OAuth's shape."""

    def __init__(self, entrance: Entrance, answer: Callable[[Entrance, Credentials, dict[str, str]], Answer]) -> None:
        self._entrance = entrance
        self._answer = answer

    def __call__(self, request: falcon.Request, response: falcon.Response) -> None:
        try:
            given = _fields(request)
            who = credentials(request.get_header("Authorization"), given)
            try:
                status, body = self._answer(self._entrance, who, given)
            except InvalidClientError:
                if who.secret is not None:
                    self._entrance.failed(request)
                raise
        except Exception as error:  # noqa: BLE001 - no input may produce a bare 500
            refuse(response, error)
            return
        response.set_header("Pragma", "no-cache")  # RFC 6749 5.1, beside no-store
        json_body(response, status, body or {})


def give_token(entrance: Entrance, who: Credentials, given: dict[str, str]) -> Answer:
    """`POST /api/auth/oauth2/token`."""
    now = entrance.clock()
    issued: Issued = oauth2.token(entrance.database, entrance.key, who, given, now)
    return 200, {
        "access_token": issued.access_token,
        "token_type": "Bearer",
        "expires_in": max(0, int((issued.expires_at - now).total_seconds())),
        "refresh_token": issued.refresh_token,
        "scope": " ".join(issued.scopes),
    }


def revoke(entrance: Entrance, who: Credentials, given: dict[str, str]) -> Answer:
    """`POST /api/auth/oauth2/revoke` (RFC 7009)."""
    oauth2.revoke(entrance.database, entrance.key, who, _token(given), entrance.clock())
    return 200, None


def introspect(entrance: Entrance, who: Credentials, given: dict[str, str]) -> Answer:
    """`POST /api/auth/oauth2/introspect` (RFC 7662)."""
    now = entrance.clock()
    return 200, oauth2.introspect(
        entrance.database, entrance.key, who, _token(given), issuer=entrance.public_url, now=now
    )


def refuse_registration(_request: falcon.Request, response: falcon.Response) -> None:
    """`POST /api/auth/oauth2/register` (RFC 7591): off."""
    reason = "Apps do not register themselves here. An owner of the workspace adds them."
    json_body(response, 403, {"error": "access_denied", "error_description": reason})


def credentials(header: str | None, given: dict[str, str]) -> Credentials:
    """How the app says which one it is: by `Authorization: Basic`, or in the body; never both."""
    if header is None:
        if not given.get("client_id"):
            raise InvalidRequestError("client_id is missing.")
        return Credentials(given["client_id"], given.get("client_secret") or None)
    scheme, _, text = header.partition(" ")
    try:
        if scheme.lower() != "basic":
            raise ValueError(scheme)  # noqa: TRY301 - the same answer for all of these
        name, colon, secret = base64.b64decode(text.strip(), validate=True).decode().partition(":")
        if not colon:
            raise ValueError(text)  # noqa: TRY301 - the same
        who = Credentials(unquote_plus(name), unquote_plus(secret) or None, basic=True)
    except (ValueError, binascii.Error):
        raise InvalidClientError("Authorization must be Basic, with client_id and secret.", status_code=401) from None
    if given.get("client_secret"):
        raise InvalidRequestError("The secret must be sent in one place only.")
    if given.get("client_id", who.client_id) != who.client_id:
        raise InvalidRequestError("client_id is not that of the Authorization header.")
    return who


def refuse(response: falcon.Response, error: Exception) -> None:
    """An error as OAuth says it."""
    if isinstance(error, BadBody):
        status = 400 if error.status == 415 else error.status
        _error(response, status, "invalid_request", str(error))
    elif isinstance(error, OAuth2Error):
        if error.status_code == 401:
            response.set_header("WWW-Authenticate", 'Basic realm="oauth2"')
        json_body(response, error.status_code, _body(error))
    elif isinstance(error, TooMany):
        response.set_header("Retry-After", str(error.retry_after))
        _error(response, 429, "temporarily_unavailable", error.message)
    elif isinstance(error, Busy) or is_away(error):
        response.set_header("Retry-After", "1")
        _error(response, 503, "temporarily_unavailable", "The server is busy. Try again in a moment.")
    else:
        log.error("internal error", exc_info=error)
        _error(response, 500, "server_error", "Something went wrong on our side; the log says what.")


def _body(error: OAuth2Error) -> dict[str, str]:
    body = {"error": error.error or "server_error"}
    description = error.get_error_description()
    return {**body, "error_description": description} if description else body


def _error(response: falcon.Response, status: int, code: str, description: str) -> None:
    json_body(response, status, {"error": code, "error_description": description})


def _fields(request: falcon.Request) -> dict[str, str]:
    media, raw = read_body(request, (FORM, JSON))
    if media == FORM:
        return parse_form(raw)
    found = parse_json(raw)
    if not all(isinstance(value, str) for value in found.values()):
        raise BadBody(400, "Every field of the JSON object must be text.")
    return found


def _token(given: dict[str, str]) -> str:
    if not given.get("token"):
        raise InvalidRequestError("token is missing.")
    return given["token"]


# --- what describes them


def server_metadata(public_url: str) -> dict[str, Any]:
    """RFC 8414, with RFC 9207's word on `iss`."""
    return {
        "issuer": public_url,
        "authorization_endpoint": f"{public_url}{AUTHORIZE}",
        "token_endpoint": f"{public_url}{BASE}/token",
        "revocation_endpoint": f"{public_url}{BASE}/revoke",
        "introspection_endpoint": f"{public_url}{BASE}/introspect",
        "scopes_supported": list(OAUTH_SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": list(_CREDENTIALS),
        "revocation_endpoint_auth_methods_supported": list(_CREDENTIALS),
        "introspection_endpoint_auth_methods_supported": list(_CREDENTIALS),
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
    }


def resource_metadata(public_url: str) -> dict[str, Any]:
    """RFC 9728: who gives tokens for this server's APIs, and how they are sent."""
    return {
        "resource": public_url,
        "authorization_servers": [public_url],
        "scopes_supported": list(OAUTH_SCOPES),
        "bearer_methods_supported": ["header"],
        "resource_name": "Tallystick",
    }
