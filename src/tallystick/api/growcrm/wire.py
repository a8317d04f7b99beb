"""The manners of the Grow CRM-compatible API: API keys, forms, page numbers, `{data, meta, message}`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, NamedTuple

import falcon
import msgspec
from msgspec import UNSET, Struct, UnsetType

from tallystick.api.fields import Malformed
from tallystick.api.growcrm import forms, laravel
from tallystick.api.growcrm.forms import Fields
from tallystick.api.growcrm.numbers import number_of
from tallystick.api.wire import (
    Ask,
    NotAllowed,
    Occupied,
    Operation,
    TooLarge,
    TooSlow,
    Unavailable,
    Unsupported,
    policies,
)
from tallystick.auth.api_keys import actor_of
from tallystick.auth.rate_limits import Policy
from tallystick.domain.access import ENTITLEMENTS, Actor, plan_with
from tallystick.domain.context import Connection, Context, Row
from tallystick.domain.listing import Filter
from tallystick.values.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    PlanForbids,
    Refusal,
    TooMany,
    Unauthenticated,
)

PREFIX: Final = "/api"
LIMIT: Final = 25
MOST: Final = 100
DEEPEST_PAGE: Final = 1_000_000
"""Beyond it there is nothing, wherever the rows end."""

STATUS: Final[Mapping[type[Exception], int]] = {
    Malformed: 400,
    Unauthenticated: 401,
    PlanForbids: 402,
    Forbidden: 403,
    NotFound: 404,
    NotAllowed: 405,
    TooSlow: 408,
    Conflict: 409,
    TooLarge: 413,
    Unsupported: 415,
    Invalid: 422,
    TooMany: 429,
    Occupied: 503,
    Unavailable: 503,
}
"""Refusals and facts about requests → status (contract growcrm 1.6)."""

SENTENCES: Final[Mapping[int, str]] = {
    401: "Unauthorized. A valid API key is required.",
    404: "Resource not found.",
    429: "Too Many Attempts.",
    500: "Server Error",
    503: "The server cannot reach its database at the moment. Try again in a second.",
}
"""Statuses that always say the same."""


class Meta(Struct, gc=False):
    current_page: int
    per_page: int
    total: int
    last_page: int


class Page(NamedTuple):
    """A page on its way out: its items, and how many there are on all pages."""

    items: Sequence[Struct]
    total: int
    more: Fields = {}  # noqa: RUF012 - never written
    """What `meta` says besides."""


class Id(Struct, gc=False):
    """What is left of something deleted, or stopped."""

    id: int


class ErrorAnswer(Struct):
    message: str
    errors: dict[str, list[str]] | UnsetType = UNSET
    """Field → what is wrong with it, on 422 only."""


class GrowCrmApi:
    """`/api`, as `api.wire.Wire` asks for it."""

    name = "growcrm"
    prefix = PREFIX
    needs_idempotency_key = False
    held: Mapping[str, type[Row]] | None = None

    def __init__(
        self, key: bytes, table: Sequence[Operation], *, burst: int | None = None, sustained: int | None = None
    ) -> None:
        self._key = key
        self._table = tuple(table)
        self._policies = policies(burst, sustained)

    def operations(self) -> tuple[Operation, ...]:
        return self._table

    def policy(self, actor: Actor) -> Policy:
        return self._policies[actor.plan]

    def authenticate(self, connection: Connection, request: falcon.Request, now: datetime) -> Actor:
        """The owner of the workspace whose API key this is; credentials of other kinds are nobody's here."""
        scheme, _, text = (request.get_header("Authorization") or "").partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated
        return actor_of(connection, self._key, text.strip(), now)

    def admit(self, actor: Actor, operation: Operation | None) -> None:
        """The plan has the API. A key reaches everything here."""
        del operation
        if "apiAccess" not in ENTITLEMENTS[actor.plan].features:
            raise PlanForbids(
                "Your plan does not include API access.", required_plan=plan_with("apiAccess"), feature="apiAccess"
            )

    def check_media(self, media: str) -> None:
        if media not in forms.MEDIA:
            raise Unsupported(f"The body must be one of {', '.join(forms.MEDIA)}.")

    def parse(self, body: bytes, request: falcon.Request) -> Fields:
        """The fields of the body; those of the query where the body has none of the name, as Laravel's input is."""
        given = forms.parse(body, request.content_type or "application/json")
        query = forms.nested(forms.pairs_of(request.query_string.encode())) if request.query_string else {}
        return {**query, **given}

    def facts(self, operation: Operation, given: Fields) -> Fields:
        assert operation.body is not None  # noqa: S101 - asked for bodies only
        return laravel.facts_of(operation.body, given, operation.required)

    def identity(self, text: str) -> str | None:
        return number_of(text)

    def query(self, operation: Operation, pairs: list[tuple[str, str]], actor: Actor) -> Fields:
        """Filters by their names, and `page`, `limit`, `sort` (`-` in front: descending) for lists.

        Nothing here is refused but a day that is none: what no row can have is `NOTHING`, an unknown name is ignored.
        """
        del actor
        given = forms.nested(pairs)
        found: Fields = {}
        wrong: dict[str, str] = {}
        for name, rule in operation.parameters.items():
            value = given.get(name)
            if isinstance(value, str):
                value = value.strip()
            if value in (None, "", {}):
                if rule.required:
                    wrong[name] = "field is required."
                continue
            try:
                read = _FILTERS[rule.kind](value, rule)
            except ValueError as reason:
                wrong[name] = str(reason)
                continue
            if read is None:
                found[NOTHING] = True
            else:
                found[name] = read
        if wrong:
            raise Invalid(laravel.INVALID, fields={name: laravel.sentence(name, why) for name, why in wrong.items()})
        if operation.sorts:
            found |= {"sort": _sort(operation, given), "page": _count(given.get("page"), 1, DEEPEST_PAGE)}
            found["limit"] = min(_count(given.get("limit"), LIMIT, 10**9), MOST)
        return found

    def envelope(self, ctx: Context, operation: Operation, ask: Ask, value: Any) -> bytes:
        """`{"data": …, "message": …}`, and for a page its `meta`."""
        del ctx
        if not isinstance(value, Page):
            return _ENCODER.encode({"data": value, "message": operation.message})
        limit: int = ask.query["limit"]
        meta = Meta(ask.query["page"], limit, value.total, max(1, -(-value.total // limit)))
        said = msgspec.to_builtins(meta) | value.more if value.more else meta
        return _ENCODER.encode({"data": value.items, "meta": said, "message": operation.message})

    def error(self, refusal: Exception, request_id: str, accept: str | None) -> tuple[int, bytes, dict[str, str]]:
        """Status, body and headers for what went wrong; JSON whatever `accept` says."""
        del request_id, accept
        status = next((STATUS[kind] for kind in type(refusal).__mro__ if kind in STATUS), 500)
        extra: dict[str, str] = {}
        errors: dict[str, list[str]] | UnsetType = UNSET
        if status == 401:
            extra["WWW-Authenticate"] = "Bearer"
        if status == 503 or (isinstance(refusal, Refusal) and refusal.reason == "idempotency_in_progress"):
            extra["Retry-After"] = "1"
        message = SENTENCES.get(status) or (refusal.message if isinstance(refusal, Refusal) else str(refusal))
        if isinstance(refusal, Invalid):
            message = laravel.INVALID
            fields = refusal.fields or {"body": refusal.message}
            errors = {name: [why if why.endswith(".") else laravel.sentence(name, f"{why}.")]
                      for name, why in fields.items()}  # fmt: skip
        return status, _ENCODER.encode(ErrorAnswer(message, errors)), extra


NOTHING: Final = ""
"""The name in a query that says: some filter asks for what no row can have."""


def page_of(query: Mapping[str, Any]) -> Fields:
    """What a query says of the page: which one, how long it is, and how the rows are sorted."""
    return {name: query[name] for name in ("sort", "page", "limit")}


def _number(value: object, _rule: Filter) -> int | None:
    text = number_of(value) if isinstance(value, str) else None
    return None if text is None else int(text)


def _choice(value: object, rule: Filter) -> str | None:
    return value if isinstance(value, str) and value in rule.choices else None


def _text(value: object, _rule: Filter) -> str | None:
    return value if isinstance(value, str) and len(value) <= 200 and "\x00" not in value else None


def _texts(value: object, _rule: Filter) -> list[str] | None:
    found = [value] if isinstance(value, str) else forms.listed(value) or []
    texts = [one for one in found if isinstance(one, str) and "\x00" not in one]
    return texts if texts and len(texts) == len(found) else None


def _day(value: object, _rule: Filter) -> date:
    return laravel.day(value)


def _amount(value: object, _rule: Filter) -> Any:
    return laravel.Numeric.read(value)


_FILTERS: Final[Mapping[str, Callable[[object, Filter], Any]]] = {
    "number": _number,
    "choice": _choice,
    "text": _text,
    "texts": _texts,
    "day": _day,
    "least": _amount,
    "most": _amount,
}
"""How a filter of each kind is read: None is what no row can have."""


def _count(value: object, usual: int, most: int) -> int:
    """A whole number from 1 on as PHP's integer; anything else is the usual one."""
    text = value.strip() if isinstance(value, str) else ""
    whole = text.isascii() and text.isdigit() and int(text[:20]) > 0
    return min(int(text[:20]), most) if whole else usual


def _sort(operation: Operation, given: Fields) -> str:
    """The name of the sort in the domain, `-` in front for descending; an unknown one is the usual one."""
    asked, order = given.get("sort"), given.get("order")
    usual = next(iter(operation.sorts.values()))
    known = operation.sorts.get(asked, usual) if isinstance(asked, str) else usual
    upwards = (
        order.lower() == "asc" if isinstance(order, str) and order.lower() in ("asc", "desc") else operation.upwards
    )
    return known if upwards else f"-{known}"


_ENCODER: Final = msgspec.json.Encoder()
