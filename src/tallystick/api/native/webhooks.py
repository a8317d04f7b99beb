"""Webhooks on the wire: endpoints, whose secret is shown once, and what became of each delivery. Ours."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

from msgspec import UNSET, Meta, Struct, UnsetType, structs

from tallystick.api.native.views import View
from tallystick.api.native.wire import LIMIT, Part, camel, read_only
from tallystick.api.wire import Ask, Nothing, Operation
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.listing import Filter
from tallystick.domain.webhooks import deliveries, endpoints
from tallystick.domain.webhooks.deliveries import DELIVERIES, STATES, State, Told, WebhookDelivery
from tallystick.domain.webhooks.endpoints import Made, Reason, Status, WebhookEndpoint

Url = Annotated[str, Meta(min_length=1, max_length=2000)]
EventName = Annotated[str, Meta(min_length=1, max_length=80)]
Events = Annotated[list[EventName], Meta(min_length=1, max_length=100)]
Description = Annotated[str, Meta(max_length=500)]
Instant = Annotated[datetime, Meta(tz=True)]


class WebhookEndpointJson(Struct, rename="camel", gc=False):
    id: str
    org_id: str
    url: str
    description: str | None
    events: list[str]
    status: Status
    disabled_reason: Reason | None
    secret_prefix: str
    previous_secret_until: datetime | None
    failing_since: datetime | None
    last_success_at: datetime | None
    created_at: datetime
    updated_at: datetime


class WebhookSecretJson(WebhookEndpointJson, rename="camel", gc=False):
    """An endpoint with its secret, this one time; a retry of the same request hears that it was shown."""

    secret: str | None
    secret_shown: bool


class WebhookEndpointFields(Struct, rename="camel"):
    url: Url | UnsetType = UNSET
    events: Events | UnsetType = UNSET
    description: Description | UnsetType | None = UNSET


class WebhookEndpointChanges(WebhookEndpointFields, rename="camel"):
    status: Status | UnsetType = UNSET


class WebhookDeliveryJson(Struct, rename="camel", gc=False):
    id: str
    endpoint_id: str
    event_id: str
    type: str
    state: State
    attempts: int
    next_attempt_at: datetime | None
    last_status: int | None
    last_error: str | None
    created_at: datetime
    finished_at: datetime | None


class WebhookAttemptJson(Struct, rename="camel", gc=False):
    number: int
    attempted_at: datetime
    milliseconds: int
    status: int | None
    answer: str
    error: str | None


class WebhookDeliveryDetailJson(WebhookDeliveryJson, rename="camel", gc=False):
    """A delivery with the very bytes that were sent, as text, and each attempt, the newest first."""

    body: str
    attempt_log: list[WebhookAttemptJson]


def _range_names(name: str) -> str:
    return {"date_from": "from", "date_to": "to"}.get(name, camel(name))


class WebhookReplayFields(Struct, rename=_range_names):
    date_from: Instant | UnsetType = UNSET
    date_to: Instant | UnsetType | None = UNSET
    only_undelivered: bool | UnsetType = UNSET


class WebhookReplayJson(Struct, rename="camel", gc=False):
    deliveries: int


ENDPOINT = View(WebhookEndpoint, WebhookEndpointJson)
DELIVERY = View(WebhookDelivery, WebhookDeliveryJson)
_FIELDS: Final = WebhookEndpointJson.__struct_fields__


def list_endpoints(ctx: Context, _ask: Ask) -> list[Struct]:
    return [ENDPOINT.one(ctx.actor, one) for one in endpoints.every(ctx)]


def create_endpoint(ctx: Context, ask: Ask) -> Struct:
    return _with_secret(ctx, endpoints.create(ctx, **ask.facts))


def get_endpoint(ctx: Context, ask: Ask) -> Struct:
    return ENDPOINT.one(ctx.actor, endpoints.read(ctx, ask.id))


def update_endpoint(ctx: Context, ask: Ask) -> Struct:
    return ENDPOINT.one(ctx.actor, endpoints.change(ctx, ask.id, **ask.facts))


def delete_endpoint(ctx: Context, ask: Ask) -> None:
    endpoints.delete(ctx, ask.id)


def rotate_secret(ctx: Context, ask: Ask) -> Struct:
    return _with_secret(ctx, endpoints.rotate(ctx, ask.id))


def test_endpoint(ctx: Context, ask: Ask) -> Struct:
    return DELIVERY.one(ctx.actor, deliveries.test(ctx, ask.id))


def list_deliveries(ctx: Context, ask: Ask) -> Part:
    endpoints.read(ctx, ask.id)
    query = dict(ask.query)
    after, limit = query.pop("after", None), query.pop("limit", LIMIT)
    page = DELIVERIES.page(ctx, DELIVERY.columns(ctx.actor), {**query, "endpoint_id": ask.id}, limit=limit, after=after)
    return Part(DELIVERY.rows(ctx.actor, page.rows), page.after)


def get_delivery(ctx: Context, ask: Ask) -> Struct:
    return _whole(ctx, deliveries.read(ctx, ask.id))


def replay_delivery(ctx: Context, ask: Ask) -> Struct:
    return DELIVERY.one(ctx.actor, deliveries.replay(ctx, ask.id))


def replay_range(ctx: Context, ask: Ask) -> Struct:
    facts = ask.facts
    count = deliveries.replay_range(
        ctx,
        ask.id,
        since=facts["date_from"],
        until=facts.get("date_to") or ctx.now,
        only_undelivered=facts.get("only_undelivered", False),
    )
    return WebhookReplayJson(count)


def _with_secret(ctx: Context, made: Made) -> WebhookSecretJson:
    shown = ENDPOINT.one(ctx.actor, made.endpoint)
    facts = {name: getattr(shown, name) for name in _FIELDS}
    return WebhookSecretJson(**facts, secret=made.secret, secret_shown=False)


def _without_secret(shown: Any) -> WebhookSecretJson:
    return structs.replace(shown, secret=None, secret_shown=True)


def _whole(ctx: Context, told: Told) -> WebhookDeliveryDetailJson:
    shown = DELIVERY.one(ctx.actor, told.delivery)
    log = [
        WebhookAttemptJson(
            one.number, one.attempted_at, one.milliseconds, one.status, one.answer.decode("utf-8", "replace"), one.error
        )
        for one in told.attempts
    ]
    facts = {name: getattr(shown, name) for name in WebhookDeliveryJson.__struct_fields__}
    return WebhookDeliveryDetailJson(**facts, body=told.message.body.decode(), attempt_log=log)


_NONE: Any = None
_KEEP: Final = Permission.CHANGE_WORKSPACE
_TAG: Final = "Webhooks"
_PATH: Final = "/webhook-endpoints"
_DISABLED: Final = "The endpoint is disabled."

OPERATIONS = (
    Operation(
        "listWebhookEndpoints", "GET", _PATH, list_endpoints, "List webhook endpoints", _KEEP, WebhookEndpointJson,
        many=True, tag=_TAG,
    ),
    Operation(
        "createWebhookEndpoint", "POST", _PATH, create_endpoint,
        "Have events sent to an address; its secret is shown once",
        _KEEP, WebhookSecretJson, status=201, body=WebhookEndpointFields, required=("url", "events"),
        read_only=read_only(WebhookSecretJson, WebhookEndpointFields), kept=_without_secret,
        conflicts="There are as many endpoints as a workspace may have.", tag=_TAG,
    ),
    Operation(
        "getWebhookEndpoint", "GET", f"{_PATH}/{{id}}", get_endpoint, "Get a webhook endpoint", _KEEP,
        WebhookEndpointJson, tag=_TAG,
    ),
    Operation(
        "updateWebhookEndpoint", "PATCH", f"{_PATH}/{{id}}", update_endpoint,
        "Change a webhook endpoint; `disabled` pauses it, `enabled` takes it up again", _KEEP, WebhookEndpointJson,
        body=WebhookEndpointChanges, read_only=read_only(WebhookEndpointJson, WebhookEndpointChanges), tag=_TAG,
    ),
    Operation(
        "deleteWebhookEndpoint", "DELETE", f"{_PATH}/{{id}}", delete_endpoint, "Send nothing to an endpoint any more",
        _KEEP, status=204, body=Nothing, tag=_TAG,
    ),
    Operation(
        "rotateWebhookSecret", "POST", f"{_PATH}/{{id}}/rotate-secret", rotate_secret,
        "Give an endpoint another secret; for 24 hours both sign", _KEEP, WebhookSecretJson, body=Nothing,
        kept=_without_secret, tag=_TAG,
    ),
    Operation(
        "testWebhookEndpoint", "POST", f"{_PATH}/{{id}}/test", test_endpoint, "Send a test to an endpoint", _KEEP,
        WebhookDeliveryJson, status=201, body=Nothing, conflicts=_DISABLED, tag=_TAG,
    ),
    Operation(
        "listWebhookDeliveries", "GET", f"{_PATH}/{{id}}/deliveries", list_deliveries,
        "What became of what was sent to an endpoint, the newest first", _KEEP, WebhookDeliveryJson, many=True,
        parameters={
            "cursor": Filter("text", _NONE, about="Opaque pagination cursor: nextCursor from a previous response."),
            "limit": Filter("least_count", _NONE, about="Page size (1–200, default 50)."),
            "state": Filter("choice", _NONE, choices=STATES),
        },
        tag=_TAG,
    ),
    Operation(
        "replayWebhookRange", "POST", f"{_PATH}/{{id}}/replay", replay_range,
        "Send all that happened in a time once more, and what an endpoint missed", _KEEP, WebhookReplayJson,
        body=WebhookReplayFields, required=("date_from",), conflicts=f"{_DISABLED} Or it is too much at once.",
        tag=_TAG,
    ),
    Operation(
        "getWebhookDelivery", "GET", f"{_PATH}/deliveries/{{id}}", get_delivery,
        "Get a delivery with its body and its attempts", _KEEP, WebhookDeliveryDetailJson, tag=_TAG,
    ),
    Operation(
        "replayWebhookDelivery", "POST", f"{_PATH}/deliveries/{{id}}/replay", replay_delivery,
        "Send an event once more, with the same id and the same bytes", _KEEP, WebhookDeliveryJson, body=Nothing,
        conflicts=_DISABLED, tag=_TAG,
    ),
)  # fmt: skip
