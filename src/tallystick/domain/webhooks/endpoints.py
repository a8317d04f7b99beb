"""Endpoints: where events go, which of them, signed with what; kept by owners and admins."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, Literal, NamedTuple, get_args

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Blob, Id, Row, Tenant, one_of, table_of, within_workspace
from tallystick.db.session import Prepared
from tallystick.domain.access import ENTITLEMENTS, Permission, plan_with
from tallystick.domain.context import Context
from tallystick.domain.entering import enter
from tallystick.domain.webhooks import catalogue
from tallystick.values import webhooks
from tallystick.values.egress import Unusable
from tallystick.values.errors import Conflict, Invalid, PlanForbids
from tallystick.values.ids import new_id
from tallystick.values.seal import lock_up, open_up

FEATURE: Final = "outboundWebhooks"
MOST: Final = 50
"""Endpoints of a workspace."""
OVERLAP: Final = timedelta(hours=24)
"""How long both secrets sign after a rotation."""
PREFIX: Final = 8
"""So much of a secret is shown afterwards."""
LONGEST_DESCRIPTION: Final = 500
_LABEL: Final = "webhook/v1"

Status = Literal["enabled", "failing", "disabled"]
STATUSES: Final[tuple[Status, ...]] = get_args(Status)
Reason = Literal["paused", "gone", "unreachable"]
REASONS: Final[tuple[Reason, ...]] = get_args(Reason)
_WORDS: Final = {"paused": "paused", "gone": "it answered 410", "unreachable": "nothing arrived for 5 days"}


class WebhookEndpoint(Tenant):
    """A receiver. Its secrets are locked up; `prefix` is what is shown of the one that holds."""

    __tablename__ = "webhook_endpoints"
    noun: ClassVar[str] = "webhook endpoint"

    url: Mapped[str]
    description: Mapped[str | None]
    events: Mapped[list[str]]
    """Names, `resource.*`, or `*`."""
    status: Mapped[str] = mapped_column(default="enabled")
    disabled_reason: Mapped[str | None]
    secret: Mapped[Blob]
    secret_prefix: Mapped[str]
    previous_secret: Mapped[Blob | None]
    previous_secret_until: Mapped[datetime | None]
    since: Mapped[int]
    """The last audit entry before it was there: what happened earlier is not for it."""
    failures: Mapped[int] = mapped_column(default=0)
    """Attempts in a row that failed."""
    failing_since: Mapped[datetime | None]
    last_success_at: Mapped[datetime | None]
    created_by: Mapped[Id | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("created_by", "members.user_id"),
            one_of("status", STATUSES),
            one_of("disabled_reason", REASONS),
            CheckConstraint("(status = 'disabled') = (disabled_reason IS NOT NULL)", name="disabled_for_a_reason"),
            CheckConstraint("cardinality(events) >= 1", name="events"),
            CheckConstraint("failures >= 0", name="failures"),
            Index("ix_webhook_endpoints_live", "workspace_id", postgresql_where="deleted_at IS NULL"),
        )


class WebhookHead(Row):
    """How far a workspace's audit log has become messages, and the number of the last one."""

    __tablename__ = "webhook_heads"

    workspace_id: Mapped[Id] = mapped_column(primary_key=True)
    audited: Mapped[int]
    sequence: Mapped[int]

    __table_args__ = (within_workspace("workspace_id", "workspaces.id"),)


class Made(NamedTuple):
    """An endpoint with the secret that is shown this one time."""

    endpoint: WebhookEndpoint
    secret: str


# --- verbs


def create(ctx: Context, *, url: str, events: Sequence[str], description: str | None = None) -> Made:
    """Let events go to an address from now on."""
    require_plan(ctx)
    wanted = _checked_events(events)
    address = _checked_url(ctx, url)
    ctx.write(_QUEUE_UP)
    (live,) = ctx.row(_COUNT) or (0,)
    if live >= MOST:
        raise Conflict(f"A workspace has at most {MOST} webhook endpoints.", reason="too_many")
    enter(ctx)  # what is committed by now is nobody's news
    if live == 0:
        ctx.write(_BEGIN_ANEW)
    (since,) = ctx.row(_AUDITED) or (0,)
    identity, secret = new_id(), webhooks.mint()
    endpoint = ctx.add(
        WebhookEndpoint(
            id=identity,
            url=address,
            description=_text(description),
            events=wanted,
            secret=lock_up(ctx.server.key, _LABEL, secret.encode(), identity),
            secret_prefix=secret[:PREFIX],
            since=since,
        )
    )
    ctx.record_facts("created", endpoint, **told(endpoint))
    return Made(endpoint, secret)


def change(ctx: Context, endpoint_id: str, **facts: Any) -> WebhookEndpoint:
    """Change `url`, `events`, `description`, or `status`: `disabled` pauses it, `enabled` takes it up again.

    What waited is tried at once then; what happened meanwhile is had by a replay.
    """
    require_plan(ctx)
    endpoint = ctx.find(WebhookEndpoint, endpoint_id, lock="update")
    if "url" in facts:
        facts["url"] = _checked_url(ctx, facts["url"])
    if "events" in facts:
        facts["events"] = _checked_events(facts["events"])
    if "description" in facts:
        facts["description"] = _text(facts["description"])
    status = facts.pop("status", None)
    if status == "disabled" and endpoint.status != "disabled":
        facts |= {"status": "disabled", "disabled_reason": "paused"}
    elif status == "enabled" and endpoint.status == "disabled":
        facts |= {"status": "enabled", "disabled_reason": None, "failures": 0, "failing_since": None}
        ctx.write(_TRY_NOW, id=endpoint.id, now=ctx.now)
    elif status not in (None, "enabled", "disabled"):
        raise Invalid(fields={"status": "must be enabled or disabled"})
    if ctx.change(endpoint, **facts):
        ctx.record_facts("updated", endpoint, **told(endpoint))
    return endpoint


def rotate(ctx: Context, endpoint_id: str) -> Made:
    """Another secret from now on; for a day the one until now signs too."""
    require_plan(ctx)
    endpoint = ctx.find(WebhookEndpoint, endpoint_id, lock="update")
    secret = webhooks.mint()
    ctx.change(
        endpoint,
        secret=lock_up(ctx.server.key, _LABEL, secret.encode(), endpoint.id),
        secret_prefix=secret[:PREFIX],
        previous_secret=endpoint.secret,
        previous_secret_until=ctx.now + OVERLAP,
    )
    ctx.record_facts("secret_rotated", endpoint, **told(endpoint))
    return Made(endpoint, secret)


def delete(ctx: Context, endpoint_id: str) -> WebhookEndpoint:
    """Send nothing there any more. Its deliveries can be told of for as long as all are."""
    ctx.require(Permission.CHANGE_WORKSPACE)
    endpoint = ctx.find(WebhookEndpoint, endpoint_id, lock="update")
    ctx.change(endpoint, deleted_at=ctx.now, previous_secret=None, previous_secret_until=None)
    ctx.write(_GIVE_UP, id=endpoint.id, now=ctx.now)
    ctx.record_facts("deleted", endpoint, **told(endpoint))
    return endpoint


# --- queries


def read(ctx: Context, endpoint_id: str) -> WebhookEndpoint:
    """One endpoint."""
    ctx.require(Permission.CHANGE_WORKSPACE)
    return ctx.find(WebhookEndpoint, endpoint_id)


def of_delivery(ctx: Context, endpoint_id: str) -> WebhookEndpoint | None:
    """The endpoint of a delivery; None: it is deleted."""
    ctx.require(Permission.CHANGE_WORKSPACE)
    return next(iter(ctx.select(WebhookEndpoint, _table.c.id == endpoint_id, _table.c.deleted_at.is_(None))), None)


def every(ctx: Context) -> list[WebhookEndpoint]:
    """All endpoints, the newest first."""
    ctx.require(Permission.CHANGE_WORKSPACE)
    return sorted(ctx.select(WebhookEndpoint, _table.c.deleted_at.is_(None)), key=lambda one: one.id, reverse=True)


def signing(key: bytes, identity: str, secret: bytes, previous: bytes | None) -> list[str]:
    """The secrets that sign, the newest first. Empty: they were locked up with another server's key."""
    locked = [secret] if previous is None else [secret, previous]
    return [opened.decode() for one in locked if (opened := open_up(key, _LABEL, one, identity)) is not None]


def told(endpoint: WebhookEndpoint) -> dict[str, Any]:
    """What its events tell: never a secret."""
    return {
        "url": endpoint.url,
        "description": endpoint.description,
        "events": endpoint.events,
        "status": endpoint.status,
        "disabled_reason": endpoint.disabled_reason,
    }


def reason_in_words(reason: str) -> str:
    """Why an endpoint is disabled."""
    return _WORDS[reason]


def require_plan(ctx: Context) -> None:
    """Whoever sees to webhooks may, and the workspace's plan has them."""
    ctx.require(Permission.CHANGE_WORKSPACE)
    if FEATURE not in ENTITLEMENTS[ctx.actor.plan].features:
        raise PlanForbids("Your plan does not include webhooks.", required_plan=plan_with(FEATURE), feature=FEATURE)


def _checked_events(events: Sequence[str]) -> list[str]:
    found = list(dict.fromkeys(one.strip() for one in events))
    if not 1 <= len(found) <= catalogue.MOST:
        raise Invalid(fields={"events": f'1 to {catalogue.MOST} names of events, or ["*"] for all'})
    wrong = catalogue.unknown(found)
    if wrong is not None:
        raise Invalid(fields={"events": f"{wrong[:80]!r} is no event; such as invoice.paid, invoice.* or *"})
    return [catalogue.EVERYTHING] if catalogue.EVERYTHING in found else found


def _checked_url(ctx: Context, url: str) -> str:
    courier = ctx.server.courier
    if courier is None:
        raise RuntimeError("This server was made without a way out.")
    try:
        return courier.address(url.strip())
    except Unusable as reason:
        raise Invalid(fields={"url": str(reason)}) from None


def _text(description: str | None) -> str | None:
    text = (description or "").strip()
    if len(text) > LONGEST_DESCRIPTION:
        raise Invalid(fields={"description": f"at most {LONGEST_DESCRIPTION} characters"})
    return text or None


_table = table_of(WebhookEndpoint)
_AUDITED = Prepared("SELECT audited FROM change_heads WHERE workspace_id = %(workspace)s::uuid")
_QUEUE_UP = Prepared("""
    INSERT INTO webhook_heads AS known (workspace_id, audited, sequence) VALUES (%(workspace)s::uuid, 0, 0)
    ON CONFLICT (workspace_id) DO UPDATE SET sequence = known.sequence
""")
"""Makes the head of a workspace, or waits for whoever has it."""
_COUNT = Prepared("""
    SELECT count(*) FROM webhook_endpoints WHERE workspace_id = %(workspace)s::uuid AND deleted_at IS NULL
""")
_BEGIN_ANEW = Prepared("""
    UPDATE webhook_heads SET audited = COALESCE((
        SELECT audited FROM change_heads WHERE workspace_id = %(workspace)s::uuid), 0)
    WHERE workspace_id = %(workspace)s::uuid
""")
"""The first one after a time without any: what happened in it is nobody's."""
_TRY_NOW = Prepared("""
    UPDATE webhook_deliveries SET next_attempt_at = %(now)s::timestamptz
    WHERE workspace_id = %(workspace)s::uuid AND endpoint_id = %(id)s::uuid AND state = 'pending'
      AND next_attempt_at > %(now)s::timestamptz
""")
_GIVE_UP = Prepared("""
    UPDATE webhook_deliveries SET state = 'failed', finished_at = %(now)s::timestamptz, next_attempt_at = NULL,
           leased_until = NULL
    WHERE workspace_id = %(workspace)s::uuid AND endpoint_id = %(id)s::uuid AND state = 'pending'
""")
