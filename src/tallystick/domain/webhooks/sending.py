"""How an event becomes deliveries, and what an attempt leaves behind.

The audit log is the outbox: it holds the events of a workspace without a gap, in one order. What is
behind the workspace's head becomes messages, numbered and frozen; who changes something pays nothing for it.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec

from tallystick.db.session import Connection, Prepared
from tallystick.domain.access import ENTITLEMENTS
from tallystick.domain.context import Context, Origin
from tallystick.domain.notifications import notification as notifications
from tallystick.domain.notifications.choices import Kind
from tallystick.domain.webhooks import catalogue, endpoints
from tallystick.domain.webhooks.deliveries import KEPT, Envelope, WebhookAttempt, WebhookDelivery
from tallystick.domain.webhooks.endpoints import WebhookEndpoint
from tallystick.values.errors import NotFound
from tallystick.values.ids import new_id
from tallystick.values.webhooks import Attempt, signed, wait_after

AT_ONCE: Final = 32
"""Requests of all workers together."""
OF_ONE: Final = 4
"""Requests to one endpoint at a time; one whose last attempt failed gets a single one."""
OF_FAILING: Final = 16
"""Places that endpoints may hold together whose last attempt failed: the other half is for those that work."""
LEASE: Final = timedelta(seconds=60)
HOPELESS: Final = timedelta(days=5)
"""After so long without a success an endpoint is disabled."""
ENTRIES: Final = 200
"""Audit entries that become messages in one transaction."""
_ALSO: Final = uuid.UUID("6a2f6c5e-4c0e-5b43-9d0a-7b1b8f5d3c11")

Opened = Callable[[], AbstractContextManager[Context]]


class Happened(NamedTuple):
    """An event as it was written down, in the transaction of the change."""

    id: str
    type: str
    resource: str
    resource_id: str
    occurred_at: datetime
    facts: Mapping[str, Any]


Compose = Callable[[Happened, Sequence[Happened]], Any]
"""The `data` of an event, from what was written down of it and of the events of the same transaction; nothing else."""


class Claimed(NamedTuple):
    """A delivery that is this worker's until its lease ends."""

    delivery_id: str
    workspace_id: str
    endpoint_id: str
    event_id: str
    url: str
    secret: bytes
    previous_secret: bytes | None
    previous_secret_until: datetime | None
    body: bytes
    leased_until: datetime

    def headers(self, key: bytes, now: datetime) -> dict[str, str] | None:
        """Those that prove whose it is; None: the secret cannot be read with this server's key."""
        both = self.previous_secret_until is not None and now < self.previous_secret_until
        secrets = endpoints.signing(key, self.endpoint_id, self.secret, self.previous_secret if both else None)
        return signed(secrets, self.event_id, self.body, now) if secrets else None


# --- from events to deliveries


def behind(connection: Connection) -> list[str]:
    """Workspaces in which something happened that is not a message yet; asked as the owner of the tables."""
    return [workspace_id for (workspace_id,) in connection.run(_BEHIND, {}).fetchall()]


def fan_out(ctx: Context, compose: Compose) -> int:
    """Make messages and deliveries of what happened next; answers how many messages, 0 where another is at it."""
    head = ctx.row(_HEAD)
    if head is None:
        return 0
    audited, sequence, last, plan = head
    until = min(last, audited + ENTRIES)
    entitled = endpoints.FEATURE in ENTITLEMENTS[plan].features
    live = ctx.select(WebhookEndpoint, WebhookEndpoint.deleted_at.is_(None))
    messages: list[tuple[Any, ...]] = []
    sent: list[tuple[Any, ...]] = []
    for entry, events in _entries(ctx, audited, until) if entitled and live else ():
        for event in events:
            for identity, name in _known_as(event):
                sequence += 1
                data = compose(event, events)
                body = Envelope(
                    identity, name, int(event.occurred_at.timestamp()), ctx.actor.workspace_id, ctx.server.live,
                    sequence, data,
                )  # fmt: skip
                messages.append((identity, sequence, name, msgspec.json.encode(body), event.occurred_at))
                sent += [
                    (new_id(), one.id, identity, name)
                    for one in live
                    if one.status != "disabled"
                    and one.since < entry
                    and one.id != event.resource_id  # of itself it need not be told
                    and catalogue.wants(one.events, name)
                ]
    if messages:
        ids, numbers, names, bodies, times = (list(column) for column in zip(*messages, strict=True))
        ctx.write(_ADD_MESSAGES, ids=ids, sequences=numbers, types=names, bodies=bodies, times=times)
    if sent:
        ids, to, of, names = (list(column) for column in zip(*sent, strict=True))
        ctx.write(_ADD_DELIVERIES, ids=ids, endpoints=to, events=of, types=names, now=ctx.now)
    ctx.write(_MOVE_HEAD, audited=until, sequence=sequence)
    return len(messages)


# --- an attempt


def claim(connection: Connection, now: datetime, most: int) -> list[Claimed]:
    """Take deliveries that are due, each endpoint its share; asked as the owner of the tables, in one transaction.

    One worker claims at a time, so that the shares hold for all of them together; who comes in between gets nothing.
    """
    connection.later(_HASTILY, {})
    connection.later(_ALONE, {})
    values = {"now": now, "until": now + LEASE, "most": most, "one": OF_ONE, "failing": OF_FAILING, "all": AT_ONCE}
    return [Claimed(*row) for row in connection.run(_CLAIM, values).fetchall()]


def settle(opened: Opened, claimed: Claimed, attempt: Attempt, at: datetime) -> Outcome | None:
    """Write down what an attempt came to. None: the delivery was begun anew meanwhile, or is no more."""
    with opened() as ctx:
        ctx.comes_from(Origin("webhook"))
        ctx.write_later(_HASTILY)
        try:
            delivery = ctx.find(WebhookDelivery, claimed.delivery_id, lock="update")
        except NotFound:
            return None
        ours = delivery.state == "pending" and delivery.leased_until == claimed.leased_until
        ctx.add(
            WebhookAttempt(
                delivery_id=delivery.id,
                number=delivery.attempts + 1,
                attempted_at=at,
                milliseconds=attempt.milliseconds,
                status=attempt.status,
                answer=attempt.answer,
                error=attempt.error,
            )
        )
        seen: dict[str, Any] = {
            "attempts": delivery.attempts + 1, "last_status": attempt.status, "last_error": attempt.error
        }  # fmt: skip
        if not ours:
            ctx.change(delivery, **seen)
            return None
        wait = None if attempt.delivered else wait_after(delivery.tries + 1, attempt, ctx.now)
        state = "delivered" if attempt.delivered else "pending" if wait is not None else "failed"
        gone = attempt.status == 410
        ctx.change(
            delivery,
            **seen,
            state="failed" if gone else state,
            tries=delivery.tries + 1,
            leased_until=None,
            next_attempt_at=None if wait is None or gone else ctx.now + wait,
            finished_at=None if state == "pending" and not gone else ctx.now,
        )
        return _tell_endpoint(ctx, delivery, attempt, given_up=state == "failed")


class Outcome(NamedTuple):
    """What an attempt changed for its endpoint."""

    endpoint: WebhookEndpoint
    became: str
    """`failing`, `recovered`, `disabled`, or empty: nothing that anybody need be told."""


def forget(connection: Connection, now: datetime) -> int:
    """Delete messages that are too old to be told of, with their deliveries; answers how many. As the owner."""
    return connection.run(_FORGET, {"before": now - KEPT}).rowcount


def _tell_endpoint(ctx: Context, delivery: WebhookDelivery, attempt: Attempt, *, given_up: bool) -> Outcome | None:
    """What an endpoint learns of an attempt. On the usual way, success after success, nearly nothing is written."""
    if attempt.delivered and ctx.row(_WELL, id=delivery.endpoint_id, fresh=ctx.now - LEASE) is not None:
        return None
    endpoint = next(iter(ctx.rows(_LOCK_ENDPOINT, id=delivery.endpoint_id)), None)
    if endpoint is None:
        return None
    (deleted,) = endpoint
    if deleted:
        return None
    found = ctx.find(WebhookEndpoint, delivery.endpoint_id)
    became = ""
    if attempt.delivered:
        became = "recovered" if found.status == "failing" else ""
        status = "enabled" if found.status == "failing" else found.status
        ctx.change(found, status=status, failures=0, failing_since=None, last_success_at=ctx.now)
    else:
        since = found.failing_since or ctx.now
        facts: dict[str, Any] = {"failures": found.failures + 1, "failing_since": since}
        reason = "gone" if attempt.status == 410 else "unreachable" if ctx.now - since >= HOPELESS else None
        if reason is not None and found.status != "disabled":
            facts |= {"status": "disabled", "disabled_reason": reason}
            became = "disabled"
        elif given_up and found.status == "enabled":
            facts |= {"status": "failing"}
            became = "failing"
        ctx.change(found, **facts)
    if became:
        ctx.record_facts(became, found, **endpoints.told(found))
        _tell_people(ctx, found, became)
    return Outcome(found, became)


def _tell_people(ctx: Context, endpoint: WebhookEndpoint, became: str) -> None:
    """Owners and admins hear that an endpoint does not work, once for each time that it does not."""
    kind: Kind | None = (
        "webhook_failing" if became == "failing" else "webhook_disabled" if became == "disabled" else None
    )
    since = endpoint.failing_since
    if kind is None or since is None:
        return
    facts = {"url": endpoint.url, "reason": endpoint.disabled_reason, "since": since}
    notifications.tell(ctx, kind, endpoint.id, since.isoformat(), facts)


def _entries(ctx: Context, after: int, until: int) -> Iterable[tuple[int, list[Happened]]]:
    """Audit entries with the events of each, in order."""
    found: dict[int, list[Happened]] = {}
    for entry, *event, data in ctx.rows(_ENTRIES, after=after, until=until):
        found.setdefault(entry, []).append(_happened(event, data))
    return found.items()


def _happened(event: Sequence[Any], data: str) -> Happened:
    identity, name, resource, resource_id, occurred_at = event
    return Happened(identity, name, resource, resource_id, occurred_at, msgspec.json.decode(data))


def _known_as(event: Happened) -> list[tuple[str, str]]:
    """The names under which an event is sent, each with an id that is always the same."""
    also = catalogue.ALSO.get(event.type)
    if also is None:
        return [(event.id, event.type)]
    return [(str(uuid.uuid5(_ALSO, f"{event.id} {also}")), also), (event.id, event.type)]


_BEHIND = Prepared("""
    SELECT head.workspace_id FROM webhook_heads AS head
    JOIN change_heads AS written ON written.workspace_id = head.workspace_id
    WHERE written.audited > head.audited
      AND head.workspace_id IN (SELECT id FROM workspaces WHERE closed_at IS NULL)
      AND EXISTS (SELECT FROM webhook_endpoints AS one
                  WHERE one.workspace_id = head.workspace_id AND one.deleted_at IS NULL)
""")
_HEAD = Prepared("""
    SELECT head.audited, head.sequence, written.audited, workspace.plan
    FROM webhook_heads AS head
    JOIN change_heads AS written ON written.workspace_id = head.workspace_id
    JOIN workspaces AS workspace ON workspace.id = head.workspace_id
    WHERE head.workspace_id = %(workspace)s::uuid AND written.audited > head.audited
    FOR UPDATE OF head SKIP LOCKED
""")
_ENTRIES = Prepared("""
    SELECT entry.sequence, event.id, event.type, event.resource, event.resource_id, event.occurred_at, event.data
    FROM audit_log AS entry
    CROSS JOIN LATERAL unnest(entry.event_ids) WITH ORDINALITY AS told(id, place)
    JOIN events AS event ON event.workspace_id = entry.workspace_id AND event.id = told.id
    WHERE entry.workspace_id = %(workspace)s::uuid
      AND entry.sequence > %(after)s::bigint AND entry.sequence <= %(until)s::bigint
    ORDER BY entry.sequence, told.place
""")
_ADD_MESSAGES = Prepared("""
    INSERT INTO webhook_messages (id, workspace_id, sequence, type, body, occurred_at)
    SELECT one.id, %(workspace)s::uuid, one.sequence, one.type, one.body, one.occurred_at
    FROM unnest(%(ids)s::uuid[], %(sequences)s::bigint[], %(types)s::text[], %(bodies)s::bytea[],
                %(times)s::timestamptz[]) AS one(id, sequence, type, body, occurred_at)
""")
_ADD_DELIVERIES = Prepared("""
    INSERT INTO webhook_deliveries (id, workspace_id, endpoint_id, event_id, type, state, tries, attempts,
                                    next_attempt_at, created_at)
    SELECT one.id, %(workspace)s::uuid, one.endpoint_id, one.event_id, one.type, 'pending', 0, 0,
           %(now)s::timestamptz, %(now)s::timestamptz
    FROM unnest(%(ids)s::uuid[], %(endpoints)s::uuid[], %(events)s::uuid[], %(types)s::text[])
      AS one(id, endpoint_id, event_id, type)
""")
_MOVE_HEAD = Prepared("""
    UPDATE webhook_heads SET audited = %(audited)s::bigint, sequence = %(sequence)s::bigint
    WHERE workspace_id = %(workspace)s::uuid
""")
_HASTILY = Prepared("SET LOCAL synchronous_commit TO off")
"""Neither a lease nor what became of an attempt waits for the disk: what a crash takes is sent once more, as it was."""
_ALONE = Prepared("""
    SELECT set_config('tallystick.claims', pg_try_advisory_xact_lock(7461209438110571031)::text, true)
""")
# The planner takes what waits for few rows, however many wait: each step names rows by an index of just those it needs.
_CLAIM = Prepared("""
    WITH busy AS (
        SELECT endpoint_id, count(*) AS held FROM webhook_deliveries
        WHERE leased_until > %(now)s::timestamptz GROUP BY endpoint_id
    ), share AS (
        SELECT endpoint.id, endpoint.failures > 0 AS failing, COALESCE(busy.held, 0) AS held,
               CASE WHEN endpoint.failures > 0 THEN 1 ELSE %(one)s::bigint END - COALESCE(busy.held, 0) AS free
        FROM webhook_endpoints AS endpoint LEFT JOIN busy ON busy.endpoint_id = endpoint.id
        WHERE current_setting('tallystick.claims') = 'true'
          AND endpoint.status <> 'disabled' AND endpoint.deleted_at IS NULL
          AND endpoint.workspace_id IN (SELECT id FROM workspaces WHERE closed_at IS NULL)
    ), due AS (
        SELECT delivery.id, delivery.next_attempt_at, share.failing,
               row_number() OVER (PARTITION BY share.id ORDER BY delivery.next_attempt_at, delivery.id) AS turn
        FROM share CROSS JOIN LATERAL (
            SELECT one.id, one.next_attempt_at FROM webhook_deliveries AS one
            WHERE one.endpoint_id = share.id AND one.state = 'pending'
              AND one.next_attempt_at <= %(now)s::timestamptz
              AND (one.leased_until IS NULL OR one.leased_until <= %(now)s::timestamptz)
            ORDER BY one.next_attempt_at, one.id LIMIT GREATEST(share.free, 0)
        ) AS delivery
    ), ranked AS (
        SELECT id, turn, next_attempt_at, failing,
               row_number() OVER (PARTITION BY failing ORDER BY turn, next_attempt_at, id) AS place
        FROM due
    ), chosen AS (
        SELECT id FROM ranked
        WHERE NOT failing
           OR place <= %(failing)s::bigint - (SELECT COALESCE(sum(held), 0) FROM share WHERE failing)
        ORDER BY failing, turn, next_attempt_at, id
        LIMIT LEAST(%(most)s::bigint, GREATEST(%(all)s::bigint - (SELECT COALESCE(sum(held), 0) FROM busy), 0))
    ), taken AS (
        SELECT id FROM webhook_deliveries WHERE id = ANY(ARRAY(SELECT id FROM chosen)) AND state = 'pending'
        FOR UPDATE SKIP LOCKED
    ), leased AS (
        UPDATE webhook_deliveries AS delivery SET leased_until = %(until)s::timestamptz
        FROM taken WHERE delivery.id = taken.id
        RETURNING delivery.*
    )
    SELECT leased.id, leased.workspace_id, endpoint.id, message.id, endpoint.url, endpoint.secret,
           endpoint.previous_secret, endpoint.previous_secret_until, message.body, leased.leased_until
    FROM leased
    JOIN webhook_endpoints AS endpoint ON endpoint.id = leased.endpoint_id
    JOIN webhook_messages AS message ON message.id = leased.event_id
    ORDER BY leased.next_attempt_at, leased.id
""")
_WELL = Prepared("""
    SELECT 1 FROM webhook_endpoints
    WHERE workspace_id = %(workspace)s::uuid AND id = %(id)s::uuid AND failures = 0 AND status <> 'failing'
      AND last_success_at > %(fresh)s::timestamptz
""")
_LOCK_ENDPOINT = Prepared("""
    SELECT deleted_at IS NOT NULL FROM webhook_endpoints
    WHERE workspace_id = %(workspace)s::uuid AND id = %(id)s::uuid FOR NO KEY UPDATE
""")
_FORGET = Prepared("""
    WITH old AS (
        SELECT message.id FROM webhook_messages AS message
        WHERE message.occurred_at < %(before)s::timestamptz
          AND NOT EXISTS (SELECT FROM webhook_deliveries AS one
                          WHERE one.workspace_id = message.workspace_id AND one.event_id = message.id
                            AND one.next_attempt_at >= %(before)s::timestamptz)
        LIMIT 1000
    ), delivered AS (
        SELECT one.id FROM webhook_deliveries AS one WHERE one.event_id IN (SELECT id FROM old)
    ), told AS (
        DELETE FROM webhook_attempts WHERE delivery_id IN (SELECT id FROM delivered)
    ), sent AS (
        DELETE FROM webhook_deliveries WHERE id IN (SELECT id FROM delivered)
    )
    DELETE FROM webhook_messages WHERE id IN (SELECT id FROM old)
""")
