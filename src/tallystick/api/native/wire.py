"""The manners of the native API: bearer tokens, camelCase JSON, cursors, and its table of errors."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import falcon
import msgspec
from msgspec import Struct

from tallystick.api.cursors import from_cursor, to_cursor
from tallystick.api.fields import Malformed, read_filter, read_limit
from tallystick.api.native.views import View
from tallystick.api.wire import (
    Ask,
    Handler,
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
from tallystick.auth.bearer import actor_of
from tallystick.auth.rate_limits import Policy
from tallystick.domain.access import ENTITLEMENTS, Actor, plan_with
from tallystick.domain.approvals import Week
from tallystick.domain.clients import Client
from tallystick.domain.context import Connection, Context, Row
from tallystick.domain.credit_notes.credit_note import CreditNote
from tallystick.domain.dated_rates import Rate
from tallystick.domain.expenses import Expense
from tallystick.domain.invoices.invoice import Invoice
from tallystick.domain.listing import After, Filter, Listing
from tallystick.domain.mails.mail import Mail
from tallystick.domain.members import Member
from tallystick.domain.projects import Milestone, Project
from tallystick.domain.recurring.recurring import RecurringInvoice
from tallystick.domain.reports.views import ReportView
from tallystick.domain.tasks import Task
from tallystick.domain.tax_rates import TaxRate
from tallystick.domain.time_entries import TimeEntry
from tallystick.domain.webhooks.deliveries import WebhookDelivery
from tallystick.domain.webhooks.endpoints import WebhookEndpoint
from tallystick.values.errors import (
    Absent,
    Changed,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    PlanForbids,
    Refusal,
    TooMany,
    Unauthenticated,
)

PREFIX: Final = "/api/v1"
LIMIT: Final = 50
MOST: Final = 200

STATUS: Final[Mapping[type[Exception], tuple[int, str]]] = {
    Malformed: (400, "bad_request"),
    NotAllowed: (405, "bad_request"),
    TooSlow: (408, "bad_request"),
    TooLarge: (413, "bad_request"),
    Unsupported: (415, "bad_request"),
    Unauthenticated: (401, "unauthenticated"),
    PlanForbids: (402, "forbidden_plan"),
    Forbidden: (403, "forbidden_scope"),
    NotFound: (404, "not_found"),
    Conflict: (409, "conflict"),
    Changed: (412, "precondition_failed"),
    Invalid: (422, "validation_error"),
    Absent: (422, "validation_error"),
    TooMany: (429, "rate_limited"),
    Occupied: (503, "internal"),
    Unavailable: (503, "internal"),
}
"""Refusals and facts about requests → status and code (contract hoursmith 1.5)."""

HELD: Final[Mapping[str, type[Row]]] = {
    "/clients/": Client,
    "/credit-notes/": CreditNote,
    "/expenses/": Expense,
    "/invoices/": Invoice,
    "/mails/": Mail,
    "/members/": Member,
    "/milestones/": Milestone,
    "/projects/": Project,
    "/rates/": Rate,
    "/recurring-invoices/": RecurringInvoice,
    "/report-views/": ReportView,
    "/tasks/": Task,
    "/tax-rates/": TaxRate,
    "/time-entries/": TimeEntry,
    "/weeks/": Week,
    "/webhook-endpoints/": WebhookEndpoint,
    "/webhook-endpoints/deliveries/": WebhookDelivery,
}
"""Before the id of a resource → the row that holds still while the resource is changed on condition of its version."""

WIRE_NAMES: Final[Mapping[str, str]] = {
    "date_from": "from",
    "date_to": "to",
    "smtp_host": "host",
    "smtp_port": "port",
    "smtp_tls": "tls",
    "smtp_user": "user",
}
"""Where a field's wire name is not its domain name in camelCase."""

REASONS: Final[Mapping[type[Exception], str]] = {
    NotAllowed: "method_not_allowed",
    TooSlow: "body_too_slow",
    TooLarge: "body_too_large",
    Unsupported: "unsupported_media_type",
    Occupied: "busy",
    Unavailable: "unavailable",
}


class Pagination(Struct, rename="camel", gc=False):
    limit: int
    next_cursor: str | None


class Listed(Struct, gc=False):
    data: list[Any]
    pagination: Pagination


class Part(NamedTuple):
    """A page on its way out: its items, and where the next one starts."""

    items: list[Struct]
    after: After | None


class ErrorBody(Struct, rename="camel", omit_defaults=True):
    code: str
    message: str
    fields: dict[str, str] | None = None
    required_plan: str | None = None
    feature: str | None = None
    reason: str | None = None
    request_id: str | None = None


class ErrorAnswer(Struct):
    error: ErrorBody


class NativeApi(JsonManners):
    """`/api/v1`, as `api.wire.Wire` asks for it."""

    name = "native"
    prefix = PREFIX
    needs_idempotency_key = True
    held: Mapping[str, type[Row]] | None = HELD
    lenient = False

    def __init__(
        self, key: bytes, table: Sequence[Operation], *, burst: int | None = None, sustained: int | None = None
    ) -> None:
        self._key = key
        self._table = tuple(table)
        self._parameters = {
            operation.id: {camel(name): (name, rule) for name, rule in parameters_of(operation).items()}
            for operation in self._table
        }
        self._policies = policies(burst, sustained)

    def operations(self) -> tuple[Operation, ...]:
        return self._table

    def policy(self, actor: Actor) -> Policy:
        return self._policies[actor.plan]

    def authenticate(self, connection: Connection, request: falcon.Request, now: datetime) -> Actor:
        """The member a personal access token acts as; one answer for every way in which it can be wrong."""
        return actor_of(connection, self._key, request.get_header("Authorization"), now)

    def admit(self, actor: Actor, operation: Operation | None) -> None:
        """The plan has the API, and the token's scopes reach the operation."""
        if "apiAccess" not in ENTITLEMENTS[actor.plan].features:
            raise PlanForbids(
                "Your plan does not include API access.", required_plan=plan_with("apiAccess"), feature="apiAccess"
            )
        needed = "write" if operation is not None and operation.writes else "read"
        if needed not in actor.scopes:
            raise Forbidden(f"This token has no {needed} scope.")

    def query(self, operation: Operation, pairs: list[tuple[str, str]], actor: Actor) -> dict[str, Any]:
        """Filters, sort, limit and cursor by their domain names. Raises Invalid that names every wrong one."""
        known = self._parameters[operation.id]
        wrong: dict[str, str] = {}
        found: dict[str, Any] = {}
        for name, text in pairs:
            if name not in known:
                wrong[name] = "unknown parameter"
                continue
            if text == "":
                continue
            key, rule = known[name]
            if key in found:
                wrong[name] = "must be given once"
                continue
            try:
                found[key] = self._read(operation, key, rule, text)
            except ValueError as error:
                wrong[name] = str(error)
        if not wrong and "cursor" in found:
            cursor = found.pop("cursor")
            found["after"] = from_cursor(self._key, cursor, actor.workspace_id, operation.id, found)
        if wrong:
            raise Invalid(fields=wrong)
        return found

    def envelope(self, ctx: Context, operation: Operation, ask: Ask, value: Any) -> bytes:
        """`{"data": …}`, and for a page the signed cursor of the next one."""
        if operation.whole:
            return _ENCODER.encode(value)
        if operation.many and not isinstance(value, Part):
            return _ENCODER.encode(Listed(value, Pagination(max(len(value), 1), None)))
        if not isinstance(value, Part):
            return _ENCODER.encode({"data": value})
        cursor = to_cursor(self._key, value.after, ctx.actor.workspace_id, operation.id, ask.query)
        return _ENCODER.encode(Listed(value.items, Pagination(ask.query.get("limit", LIMIT), cursor)))

    def error(self, refusal: Exception, request_id: str, accept: str | None) -> tuple[int, bytes, dict[str, str]]:
        """Status, body and headers for what went wrong: Hoursmith's envelope, or RFC 9457 where it is asked for."""
        status, code = STATUS.get(type(refusal), (500, "internal"))
        body = ErrorBody(code, _message(refusal, status), reason=REASONS.get(type(refusal)), request_id=request_id)
        extra: dict[str, str] = {}
        if isinstance(refusal, Refusal):
            body.reason = refusal.reason
            if refusal.fields:
                body.fields = {_wire_name(name, why): why for name, why in refusal.fields.items()}
        if isinstance(refusal, PlanForbids):
            body.required_plan, body.feature = refusal.required_plan, refusal.feature
        if isinstance(refusal, Unauthenticated):
            extra["WWW-Authenticate"] = "Bearer"
        if status == 503 or body.reason == "idempotency_in_progress":
            extra["Retry-After"] = "5" if isinstance(refusal, Occupied) else "1"
        if accept is not None and "application/problem+json" in accept:
            extra["Content-Type"] = "application/problem+json"
            return status, msgspec.json.encode(_problem(body, status)), extra
        return status, msgspec.json.encode(ErrorAnswer(body)), extra

    def _read(self, operation: Operation, name: str, rule: Filter, text: str) -> Any:
        if name == "limit":
            return read_limit(text, MOST)
        if name == "sort" and operation.listing is not None:
            return _read_sort(operation, text)
        if name == "cursor":
            return text
        return read_filter(operation.listing, name, rule, text)


def parameters_of(operation: Operation) -> dict[str, Filter]:
    """The query parameters of an operation by domain name, in the order they are documented."""
    if operation.listing is None:
        return dict(operation.parameters)
    none: Any = None
    sorts = ", ".join(camel(name) for name in operation.listing.sorts)
    return {
        "cursor": Filter("text", none, about="Opaque pagination cursor: nextCursor from a previous response."),
        "limit": Filter("least_count", none, about=f"Page size (1–{MOST}, default {LIMIT})."),
        "sort": Filter(
            "text", none, about=f"Field, with - in front for descending; default -createdAt. One of {sorts}."
        ),
        **operation.listing.filters,
    }


def lists(listing: Listing, view: View[Any]) -> Handler:
    """The handler of a list operation."""

    def handle(ctx: Context, ask: Ask) -> Part:
        query = ask.query
        page = listing.page(
            ctx,
            view.columns(ctx.actor),
            {name: value for name, value in query.items() if name in listing.filters},
            sort=query.get("sort", "-created_at"),
            limit=query.get("limit", LIMIT),
            after=query.get("after"),
        )
        return Part(view.rows(ctx.actor, page.rows), page.after)

    return handle


@functools.lru_cache(maxsize=4096)
def camel(name: str) -> str:
    """`entry_date` → `entryDate`; a dotted or indexed path keeps its form."""
    head, *rest = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


def _wire_name(name: str, why: str) -> str:
    """The name of a field at fault; one that we do not know stays as the client wrote it."""
    return name if why.startswith("unknown") else WIRE_NAMES.get(name) or camel(name)


def _problem(body: ErrorBody, status: int) -> dict[str, Any]:
    """The same error as RFC 9457 says it."""
    plain: dict[str, Any] = msgspec.to_builtins(body)
    detail = plain.pop("message")
    instance = f"urn:uuid:{plain.pop('requestId')}"
    return {
        "type": "about:blank",
        "title": body.code,
        "status": status,
        "detail": detail,
        "instance": instance,
        **plain,
    }


def _message(error: Exception, status: int) -> str:
    if status == 500:
        return "Something went wrong on our side. The server's log has the details under this request id."
    if status == 503 and not isinstance(error, Occupied):
        return "The server cannot reach its database at the moment. Try again in a second."
    return error.message if isinstance(error, Refusal) else str(error)


def _read_sort(operation: Operation, text: str) -> str:
    assert operation.listing is not None  # noqa: S101
    by_wire = {camel(name): name for name in operation.listing.sorts}
    name = by_wire.get(text.removeprefix("-"))
    if name is None:
        raise ValueError(f"must be one of {', '.join(by_wire)}, with - in front for descending")
    return f"-{name}" if text.startswith("-") else name


_ENCODER = msgspec.json.Encoder()


def read_only(shown: type[Struct], written: type[Struct]) -> frozenset[str]:
    """The wire names that a resource shows but nobody may write: accepted in a body, changing nothing."""
    return frozenset(shown.__struct_encode_fields__) - frozenset(written.__struct_encode_fields__)
