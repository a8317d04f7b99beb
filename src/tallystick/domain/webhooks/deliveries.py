"""Deliveries: one message to one endpoint, tried until it arrives or nobody hopes any more, with a log of attempts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, Literal, NamedTuple, get_args

import msgspec
from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Blob, Id, Tenant, one_of, within_workspace
from tallystick.db.session import Prepared
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.listing import Listing
from tallystick.domain.webhooks import catalogue, endpoints
from tallystick.domain.webhooks.endpoints import WebhookEndpoint
from tallystick.values.errors import Conflict, Invalid
from tallystick.values.ids import new_id

KEPT: Final = timedelta(days=30)
"""How long messages and their deliveries can be told of and replayed."""
MOST_REPLAYED: Final = 10_000

State = Literal["pending", "delivered", "failed"]
STATES: Final[tuple[State, ...]] = get_args(State)


class WebhookMessage(Tenant):
    """An event as receivers are told of it: the very bytes, for every attempt and replay. Its id is the event's."""

    __tablename__ = "webhook_messages"
    noun: ClassVar[str] = "webhook message"

    sequence: Mapped[int]
    """Its place in the workspace's order; 0: a test."""
    type: Mapped[str]
    body: Mapped[Blob]
    occurred_at: Mapped[datetime]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            CheckConstraint("sequence >= 0", name="sequence"),
            Index(
                "uq_webhook_messages_sequence", "workspace_id", "sequence", unique=True,
                postgresql_where="sequence > 0",
            ),
            Index("ix_webhook_messages_occurred", "workspace_id", "occurred_at", "id"),
        )  # fmt: skip


class WebhookDelivery(Tenant):
    """A message on its way to an endpoint."""

    __tablename__ = "webhook_deliveries"
    noun: ClassVar[str] = "webhook delivery"

    endpoint_id: Mapped[Id]
    event_id: Mapped[Id]
    type: Mapped[str]
    state: Mapped[str] = mapped_column(default="pending")
    tries: Mapped[int] = mapped_column(default=0)
    """Attempts since it was last begun; a replay begins anew."""
    attempts: Mapped[int] = mapped_column(default=0)
    """All of them."""
    next_attempt_at: Mapped[datetime | None]
    leased_until: Mapped[datetime | None]
    """Somebody is at it; after that another may be."""
    last_status: Mapped[int | None]
    last_error: Mapped[str | None]
    finished_at: Mapped[datetime | None]
    created_at: Mapped[datetime]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("endpoint_id", "webhook_endpoints.id"),
            within_workspace("event_id", "webhook_messages.id"),
            one_of("state", STATES),
            CheckConstraint("(state = 'pending') = (next_attempt_at IS NOT NULL)", name="next_attempt_at"),
            CheckConstraint("state = 'pending' OR leased_until IS NULL", name="leased_until"),
            Index("uq_webhook_deliveries_event", "workspace_id", "endpoint_id", "event_id", unique=True),
            Index("ix_webhook_deliveries_created", "workspace_id", "endpoint_id", "created_at", "id"),
            Index(
                "ix_webhook_deliveries_due", "endpoint_id", "next_attempt_at", "id",
                postgresql_where="state = 'pending'",
            ),
            Index("ix_webhook_deliveries_leased", "leased_until", postgresql_where="leased_until IS NOT NULL"),
            Index("ix_webhook_deliveries_of_message", "workspace_id", "event_id"),
        )  # fmt: skip


class WebhookAttempt(Tenant):
    """One request, and what came of it."""

    __tablename__ = "webhook_attempts"
    noun: ClassVar[str] = "webhook attempt"

    delivery_id: Mapped[Id]
    number: Mapped[int]
    attempted_at: Mapped[datetime]
    milliseconds: Mapped[int]
    status: Mapped[int | None]
    answer: Mapped[Blob]
    """The first 2 KiB of the answer's body."""
    error: Mapped[str | None]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("delivery_id", "webhook_deliveries.id"),
            Index("ix_webhook_attempts_of_delivery", "workspace_id", "delivery_id", "number"),
        )


class Told(NamedTuple):
    """A delivery with its body and its attempts, the newest first."""

    delivery: WebhookDelivery
    message: WebhookMessage
    attempts: list[WebhookAttempt]


class Envelope(msgspec.Struct, rename="camel", frozen=True):
    """What every receiver reads (contract hoursmith 3.16); `sequence` is ours."""

    id: str
    type: str
    created: int
    org_id: str
    livemode: bool
    sequence: int
    data: Any


DELIVERIES = Listing(
    WebhookDelivery,
    sorts=("created_at", "id"),
    exact=("endpoint_id", "state", "event_id"),
    choices={"state": STATES},
    instants=("created_at",),
)


# --- verbs


def test(ctx: Context, endpoint_id: str) -> WebhookDelivery:
    """Send a test to an endpoint, whatever it wants to hear of."""
    endpoints.require_plan(ctx)
    endpoint = _awake(ctx.find(WebhookEndpoint, endpoint_id, lock="share"))
    identity = new_id()
    about = {"id": endpoint.id, "url": endpoint.url, "events": endpoint.events}
    body = Envelope(
        id=identity,
        type=catalogue.TEST,
        created=int(ctx.now.timestamp()),
        org_id=ctx.actor.workspace_id,
        livemode=False,
        sequence=0,
        data={"test": True, "webhookEndpoint": about},
    )
    message = ctx.add(
        WebhookMessage(id=identity, sequence=0, type=body.type, body=msgspec.json.encode(body), occurred_at=ctx.now)
    )
    delivery = ctx.add(
        WebhookDelivery(endpoint_id=endpoint.id, event_id=message.id, type=message.type, next_attempt_at=ctx.now)
    )
    ctx.record_facts("tested", endpoint, **endpoints.told(endpoint))
    return delivery


def replay(ctx: Context, delivery_id: str) -> WebhookDelivery:
    """Send a message once more, the same bytes under the same id, from the beginning of the schedule."""
    endpoints.require_plan(ctx)
    delivery = ctx.find(WebhookDelivery, delivery_id, lock="update")
    endpoint = _awake(ctx.find(WebhookEndpoint, delivery.endpoint_id, lock="share"))
    begun: dict[str, Any] = {"state": "pending", "tries": 0, "next_attempt_at": ctx.now, "finished_at": None}
    ctx.change(delivery, **begun, leased_until=None)
    ctx.record_facts("replayed", endpoint, url=endpoint.url, deliveries=1)
    return delivery


def replay_range(
    ctx: Context, endpoint_id: str, *, since: datetime, until: datetime, only_undelivered: bool = False
) -> int:
    """Send all that happened in a time and that an endpoint wants, also what it never got; answers how many."""
    endpoints.require_plan(ctx)
    endpoint = _awake(ctx.find(WebhookEndpoint, endpoint_id, lock="update"))
    if until < since:
        raise Invalid(fields={"date_to": "must not be before the beginning"})
    wanted = [one for one in catalogue.names() if catalogue.wants(endpoint.events, one)]
    everything = catalogue.EVERYTHING in endpoint.events
    values = {"endpoint": endpoint.id, "since": since, "until": until, "wanted": wanted, "everything": everything}
    (count,) = ctx.row(_IN_RANGE, **values, only=only_undelivered, most=MOST_REPLAYED + 1) or (0,)
    if count > MOST_REPLAYED:
        raise Conflict(f"More than {MOST_REPLAYED} events: choose a shorter time.", reason="too_many")
    ids = [new_id() for _ in range(count)]
    ctx.write(_REPLAY_RANGE, **values, only=only_undelivered, ids=ids, now=ctx.now)
    ctx.record_facts("replayed", endpoint, url=endpoint.url, deliveries=count, since=since, until=until)
    return count


# --- queries


def read(ctx: Context, delivery_id: str) -> Told:
    """One delivery, whole."""
    ctx.require(Permission.CHANGE_WORKSPACE)
    delivery = ctx.find(WebhookDelivery, delivery_id)
    message = ctx.find(WebhookMessage, delivery.event_id)
    attempts = ctx.select(WebhookAttempt, WebhookAttempt.delivery_id == delivery.id)
    return Told(delivery, message, sorted(attempts, key=lambda one: one.number, reverse=True))


def _awake(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    if endpoint.status == "disabled":
        why = endpoints.reason_in_words(endpoint.disabled_reason or "paused")
        raise Conflict(f"This endpoint is disabled: {why}. Enable it first.", reason="endpoint_disabled")
    return endpoint


_CHOSEN: Final = """
    FROM webhook_messages AS message
    LEFT JOIN webhook_deliveries AS delivery ON delivery.workspace_id = message.workspace_id
         AND delivery.endpoint_id = %(endpoint)s::uuid AND delivery.event_id = message.id
    WHERE message.workspace_id = %(workspace)s::uuid AND message.sequence > 0
      AND message.occurred_at >= %(since)s::timestamptz AND message.occurred_at <= %(until)s::timestamptz
      AND (%(everything)s::boolean OR message.type = ANY(%(wanted)s::text[]))
      AND (delivery.state IS DISTINCT FROM 'delivered' OR NOT %(only)s::boolean)
"""
_IN_RANGE = Prepared(f"SELECT count(*) FROM (SELECT {_CHOSEN} LIMIT %(most)s::bigint) AS chosen")
_REPLAY_RANGE = Prepared(f"""
    INSERT INTO webhook_deliveries AS known (id, workspace_id, endpoint_id, event_id, type, state, tries, attempts,
                                             next_attempt_at, created_at)
    SELECT fresh.id, chosen.workspace_id, %(endpoint)s::uuid, chosen.id, chosen.type, 'pending', 0, 0,
           %(now)s::timestamptz, %(now)s::timestamptz
    FROM (SELECT message.*, row_number() OVER (ORDER BY message.sequence) AS place {_CHOSEN}) AS chosen
    JOIN unnest(%(ids)s::uuid[]) WITH ORDINALITY AS fresh(id, place) ON fresh.place = chosen.place
    ON CONFLICT (workspace_id, endpoint_id, event_id) DO UPDATE
    SET state = 'pending', tries = 0, next_attempt_at = EXCLUDED.next_attempt_at, finished_at = NULL,
        leased_until = NULL
""")
