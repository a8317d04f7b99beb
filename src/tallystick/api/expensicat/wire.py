"""The manners of the Expensicat-compatible API: scopes, `data` and `meta` around answers, and its table of errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

import falcon
import msgspec
from msgspec import UNSET, Struct, UnsetType

from tallystick.api.cursors import from_cursor, to_cursor
from tallystick.api.fields import Malformed, read_filter, read_limit
from tallystick.api.wire import (
    Ask,
    JsonManners,
    NotAllowed,
    Occupied,
    Operation,
    TooLarge,
    TooSlow,
    Unavailable,
    Unsupported,
    policies,
)
from tallystick.auth.rate_limits import Policy
from tallystick.domain.access import ENTITLEMENTS, Actor, plan_with
from tallystick.domain.context import Connection, Context
from tallystick.domain.listing import After, Filter
from tallystick.values.errors import (
    Absent,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    PlanForbids,
    Refusal,
    TooMany,
    Unauthenticated,
)
from tallystick.values.money import decimal_text

PREFIXES: Final = ("/v1", "/expensicat/api/v1")
"""Where it is mounted: as its newer reference writes paths, and for clients that append `/api/v1` to a base URL."""

LIMIT: Final = 20
MOST: Final = 100
EVERYTHING: Final = "*"
"""The scope of credentials that no scope limits: session JWTs."""

STATUS: Final[Mapping[type[Exception], tuple[int, str]]] = {
    Malformed: (400, "BAD_REQUEST"),
    Invalid: (400, "VALIDATION_ERROR"),
    Unauthenticated: (401, "UNAUTHORIZED"),
    PlanForbids: (402, "PLAN_REQUIRED"),
    Forbidden: (403, "FORBIDDEN"),
    NotFound: (404, "NOT_FOUND"),
    Absent: (404, "NOT_FOUND"),
    NotAllowed: (405, "METHOD_NOT_ALLOWED"),
    TooSlow: (408, "REQUEST_TIMEOUT"),
    Conflict: (409, "CONFLICT"),
    TooLarge: (413, "PAYLOAD_TOO_LARGE"),
    Unsupported: (415, "UNSUPPORTED_MEDIA_TYPE"),
    TooMany: (429, "RATE_LIMITED"),
    Occupied: (503, "SERVICE_UNAVAILABLE"),
    Unavailable: (503, "SERVICE_UNAVAILABLE"),
}
"""Refusals and facts about requests → status and code (contract expensicat 1.6)."""

Authenticate = Callable[[Connection, str, datetime], Actor]
"""The text of a bearer token → who it acts as, with the workspace opened. Raises Unauthenticated."""


class Meta(Struct, gc=False):
    count: int
    """How many items this page has."""
    next_cursor: str | None


class Listed(Struct, gc=False):
    data: Sequence[Struct]
    meta: Meta


class ErrorBody(Struct):
    code: str
    message: str
    details: dict[str, str] | UnsetType = UNSET
    """Field → what is wrong with it; `reason`, `required_scope`: machine words."""


class ErrorAnswer(Struct):
    error: ErrorBody


class Part(NamedTuple):
    """A page on its way out: its items, and where the next one starts."""

    items: Sequence[Struct]
    after: After | None


class ExpensicatApi(JsonManners):
    """`/v1`, as `api.wire.Wire` asks for it."""

    name = "expensicat"
    needs_idempotency_key = False
    lenient = True

    def __init__(
        self,
        prefix: str,
        key: bytes,
        table: Sequence[Operation],
        authenticate: Authenticate,
        *,
        server: str = "",
        burst: int | None = None,
        sustained: int | None = None,
    ) -> None:
        self.prefix = prefix
        self._key = key
        self._table = tuple(table)
        self._authenticate = authenticate
        self._challenge = f'Bearer resource_metadata="{server}/.well-known/oauth-protected-resource"'
        self._policies = policies(burst, sustained)

    def operations(self) -> tuple[Operation, ...]:
        return self._table

    def policy(self, actor: Actor) -> Policy:
        return self._policies[actor.plan]

    def authenticate(self, connection: Connection, request: falcon.Request, now: datetime) -> Actor:
        """The member that a session JWT or an OAuth access token acts as; a token of another kind is nobody's."""
        scheme, _, token = (request.get_header("Authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthenticated
        return self._authenticate(connection, token.strip(), now)

    def admit(self, actor: Actor, operation: Operation | None) -> None:
        """The plan has the API, and the token's scopes reach the operation."""
        if "apiAccess" not in ENTITLEMENTS[actor.plan].features:
            raise PlanForbids(
                "Your plan does not include API access.", required_plan=plan_with("apiAccess"), feature="apiAccess"
            )
        if operation is not None and EVERYTHING not in actor.scopes and operation.scope not in actor.scopes:
            raise Forbidden(f"This token lacks the scope {operation.scope}.", reason="insufficient_scope")

    def query(self, operation: Operation, pairs: list[tuple[str, str]], actor: Actor) -> dict[str, Any]:
        """Parameters by their names in the domain. Unknown ones are ignored; Invalid names every wrong one."""
        known = parameters_of(operation)
        wrong: dict[str, str] = {}
        found: dict[str, Any] = {}
        for name, text in pairs:
            if name not in known or text == "":
                continue
            key = QUERY_NAMES.get(name, name)
            if key in found:
                wrong[name] = "must be given once"
                continue
            try:
                found[key] = _read(operation, name, known[name], text, actor)
            except ValueError as error:
                wrong[name] = str(error)
        for name, rule in known.items():
            if rule.required and QUERY_NAMES.get(name, name) not in found:
                wrong.setdefault(name, "required")
        if wrong:
            raise Invalid(fields=wrong)
        if "cursor" in found:
            cursor = found.pop("cursor")
            found["after"] = from_cursor(self._key, cursor, actor.workspace_id, _listed(operation), found)
        return found

    def envelope(self, ctx: Context, operation: Operation, ask: Ask, value: Any) -> bytes:
        """`{"data": …}`, and for a list its `meta`."""
        if not isinstance(value, Part):
            return _ENCODER.encode({"data": value})
        cursor = to_cursor(self._key, value.after, ctx.actor.workspace_id, _listed(operation), ask.query)
        return _ENCODER.encode(Listed(value.items, Meta(len(value.items), cursor)))

    def error(self, refusal: Exception, request_id: str, accept: str | None) -> tuple[int, bytes, dict[str, str]]:
        """Status, body and headers for what went wrong."""
        del request_id, accept
        known = (STATUS[kind] for kind in type(refusal).__mro__ if kind in STATUS)
        status, code = next(known, (500, "INTERNAL_ERROR"))
        details: dict[str, str] = {}
        extra: dict[str, str] = {}
        if isinstance(refusal, Refusal):
            details |= {FIELD_NAMES.get(name, name): why for name, why in refusal.fields.items()}
            if refusal.reason is not None:
                details["reason"] = refusal.reason
        if isinstance(refusal, PlanForbids):
            details["required_plan"] = refusal.required_plan
        if status == 401:
            extra["WWW-Authenticate"] = self._challenge
        elif details.get("reason") == "insufficient_scope":
            extra["WWW-Authenticate"] = f'{self._challenge}, error="insufficient_scope"'
        if status == 503 or details.get("reason") == "idempotency_in_progress":
            extra["Retry-After"] = "1"
        body = ErrorBody(code, _message(refusal, status), details or UNSET)
        return status, msgspec.json.encode(ErrorAnswer(body)), extra


QUERY_NAMES: Final[Mapping[str, str]] = {"q": "search", "start_date": "date_from", "end_date": "date_to"}
"""Parameter → the filter of the domain it stands for, where that has another name."""

FIELD_NAMES: Final[Mapping[str, str]] = {
    "client_id": "customer_id",
    "started_at": "start_time",
    "stopped_at": "end_time",
    "note": "description",
    "date_from": "start_date",
    "date_to": "end_date",
    "contact_name": "contact_person",
    "billing_line1": "address_line1",
    "billing_line2": "address_line2",
    "billing_city": "city",
    "billing_region": "state",
    "billing_postal_code": "postal_code",
    "billing_country": "country",
    "tax_number": "tax_id",
    "rule": "frequency",
    "lines": "items",
}
"""A fact of the domain → its name in this API, where that is another."""

_DOMAIN_NAMES: Final = {wire: domain for domain, wire in FIELD_NAMES.items()}


def in_domain(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a body by their names in the domain."""
    return {_DOMAIN_NAMES.get(name, name): value for name, value in facts.items()}


def parameters_of(operation: Operation) -> dict[str, Filter]:
    """The query parameters of an operation, in the order they are documented."""
    if operation.listing is None:
        return dict(operation.parameters)
    none: Any = None
    return {
        "cursor": Filter("text", none, about="Opaque: `meta.next_cursor` of the page before. Keep the filters."),
        "limit": Filter("least_count", none, about=f"Number of items per page (1–{MOST}, default {LIMIT})."),
        **operation.parameters,
    }


def page_of(query: Mapping[str, Any]) -> dict[str, Any]:
    """What a query says of the page: its size, and where it starts."""
    return {"limit": query.get("limit", LIMIT), "after": query.get("after")}


def filters_of(query: Mapping[str, Any]) -> dict[str, Any]:
    """What a query says of the rows."""
    return {name: value for name, value in query.items() if name not in ("limit", "after")}


def utc(facts: dict[str, Any], *names: str) -> dict[str, Any]:
    """Facts with these instants in UTC; one without a time zone is meant so."""
    for name in names:
        given: datetime | None = facts.get(name)
        if given is not None:
            try:
                facts[name] = given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)
            except OverflowError:
                raise Invalid(fields={name: "is not on the calendar"}) from None
    return facts


def number(value: Decimal | None) -> Any:
    """An amount as a JSON number, exact and with two decimals at least."""
    return None if value is None else Decimal(decimal_text(value))


def _read(operation: Operation, name: str, rule: Filter, text: str, actor: Actor) -> Any:
    if name == "limit":
        return read_limit(text, MOST)
    if name == "cursor":
        return text
    if name == "user_id" and text.lower() in ("me", "none", "all"):
        return actor.user_id if text.lower() == "me" else None
    return read_filter(operation.listing, name, rule, text)


def _listed(operation: Operation) -> str:
    return f"expensicat {operation.id}"


def _message(error: Exception, status: int) -> str:
    if status == 500:
        return "Something went wrong on our side. The server's log has the details under the answer's X-Request-Id."
    if status == 503:
        return "The server cannot reach its database at the moment. Try again in a second."
    if status == 404:
        return "Resource not found"
    return error.message if isinstance(error, Refusal) else str(error)


_ENCODER = msgspec.json.Encoder(decimal_format="number")
