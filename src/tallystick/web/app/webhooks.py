"""Webhooks: who is told of what happens, and each delivery with what was sent and answered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import msgspec

from tallystick.domain.access import Permission
from tallystick.domain.listing import After
from tallystick.domain.webhooks import catalogue, deliveries, endpoints
from tallystick.domain.webhooks.deliveries import DELIVERIES
from tallystick.domain.webhooks.endpoints import WebhookEndpoint
from tallystick.values.ids import parse_id
from tallystick.web.app.audit_log import KIND_NAMES
from tallystick.web.app.visit import Answer, Page, Visit

SHOWN: Final = 30
_DELIVERY: Final = (
    "id", "type", "state", "attempts", "last_status", "last_error", "next_attempt_at", "created_at",
)  # fmt: skip
STATUS_NAMES: Final = {"enabled": "Works", "failing": "Failing", "disabled": "Off"}
REASON_NAMES: Final = {
    "paused": "Paused",
    "gone": "The receiver answered 410: it wants no more events.",
    "unreachable": "Nothing arrived there for five days.",
}
STATE_NAMES: Final = {"pending": "Waits", "delivered": "Arrived", "failed": "Failed"}
SPANS: Final = {"1": "The last hour", "24": "The last 24 hours", "168": "The last 7 days", "720": "The last 30 days"}


def page(visit: Visit) -> Answer:
    return visit.show("webhooks.html", endpoints=endpoints.every(visit.ctx), **_names(visit), picker=_picker(visit, []))


def add(visit: Visit) -> Answer:
    """Add an endpoint, and show its secret, this one time."""
    form = visit.form
    url = form.need("url", longest=2000)
    description = form.text("description", longest=endpoints.LONGEST_DESCRIPTION)
    events = form.given.get("events", [])
    if not events:
        form.wrong.setdefault("events", "choose at least one event")
    form.check()
    made = endpoints.create(visit.ctx, url=url, events=events, description=description)
    form.given.clear()
    return _one(visit, made.endpoint, made.secret)


def one(visit: Visit) -> Answer:
    return _one(visit, endpoints.read(visit.ctx, visit.id()))


def change(visit: Visit) -> Answer:
    form = visit.form
    url = form.need("url", longest=2000)
    description = form.text("description", longest=endpoints.LONGEST_DESCRIPTION)
    events = form.given.get("events", [])
    if not events:
        form.wrong.setdefault("events", "choose at least one event")
    form.check()
    changed = endpoints.change(visit.ctx, visit.id(), url=url, events=events, description=description)
    return visit.go(f"/settings/webhooks/{changed.id}", "Saved.")


def pause(visit: Visit) -> Answer:
    changed = endpoints.change(visit.ctx, visit.id(), status="disabled")
    return visit.go(f"/settings/webhooks/{changed.id}", "It is paused: nothing is sent there.")


def resume(visit: Visit) -> Answer:
    changed = endpoints.change(visit.ctx, visit.id(), status="enabled")
    return visit.go(f"/settings/webhooks/{changed.id}", "It is enabled. What waited is sent now.")


def rotate(visit: Visit) -> Answer:
    made = endpoints.rotate(visit.ctx, visit.id())
    visit.form.given.clear()
    return _one(visit, made.endpoint, made.secret)


def delete(visit: Visit) -> Answer:
    gone = endpoints.delete(visit.ctx, visit.id())
    return visit.go("/settings/webhooks", "Nothing is sent to {url} any more.", url=gone.url)


def test(visit: Visit) -> Answer:
    sent = deliveries.test(visit.ctx, visit.id())
    return visit.go(f"/settings/webhooks/deliveries/{sent.id}", "A test is on its way. Look again in a moment.")


def replay_span(visit: Visit) -> Answer:
    hours = int(visit.form.choice("span", SPANS) or "24")
    only = visit.form.flag("only_undelivered")
    visit.form.check()
    now = visit.ctx.now
    count = deliveries.replay_range(
        visit.ctx, visit.id(), since=now - timedelta(hours=hours), until=now, only_undelivered=only
    )
    return visit.go(f"/settings/webhooks/{visit.id()}", "Events that are sent again: {count}.", count=count)


def delivery(visit: Visit) -> Answer:
    told = deliveries.read(visit.ctx, visit.id())
    return visit.show(
        "webhook_delivery.html",
        delivery=told.delivery,
        message=told.message,
        endpoint=endpoints.of_delivery(visit.ctx, told.delivery.endpoint_id),
        attempts=told.attempts,
        body=msgspec.json.format(told.message.body, indent=2).decode(),
        **_names(visit),
    )


def replay(visit: Visit) -> Answer:
    again = deliveries.replay(visit.ctx, visit.id())
    return visit.go(f"/settings/webhooks/deliveries/{again.id}", "It is sent again. Look again in a moment.")


def _one(visit: Visit, endpoint: WebhookEndpoint, secret: str = "") -> Answer:
    before = parse_id(visit.query.kept("before"))
    state = visit.query.kept("state")
    filters: dict[str, Any] = {"endpoint_id": endpoint.id, "state": state if state in STATE_NAMES else None}
    after = None if before is None else After(before, before)
    found = DELIVERIES.page(visit.ctx, _DELIVERY, filters, sort="-id", limit=SHOWN, after=after)
    return visit.show(
        "webhook.html",
        endpoint=endpoint,
        secret=secret,
        both=endpoint.previous_secret_until
        if (endpoint.previous_secret_until or visit.ctx.now) > visit.ctx.now
        else None,
        deliveries=[dict(zip(_DELIVERY, row, strict=True)) for row in found.rows],
        older=None if found.after is None else visit.here(before=found.after.id),
        state=filters["state"],
        spans=[(hours, visit.say(name)) for hours, name in SPANS.items()],
        picker=_picker(visit, endpoint.events),
        **_names(visit),
    )


def _names(visit: Visit) -> dict[str, Any]:
    return {
        "statuses": {value: visit.say(name) for value, name in STATUS_NAMES.items()},
        "reasons": {value: visit.say(name) for value, name in REASON_NAMES.items()},
        "states": {value: visit.say(name) for value, name in STATE_NAMES.items()},
    }


def _picker(visit: Visit, events: list[str]) -> list[tuple[str, str, list[tuple[str, bool]], bool]]:
    """Each resource: its name, what it is called, its events with whether they are chosen, and whether any is."""
    chosen = visit.form.given.get("events", []) if visit.form else events
    found: list[tuple[str, str, list[tuple[str, bool]], bool]] = []
    for resource, whats in catalogue.EVENTS.items():
        names = [f"{resource}.*", *(f"{resource}.{what}" for what in whats)]
        ticked = [(name, name in chosen) for name in names]
        called = visit.say(KIND_NAMES[resource])
        found.append((resource, called, ticked, any(is_chosen for _, is_chosen in ticked)))
    return found


_KEEP: Final = Permission.CHANGE_WORKSPACE
_HERE: Final = "/settings/webhooks"

PAGES = (
    Page(_HERE, _KEEP, page, add, label="Webhooks", section="settings", icon="right"),
    Page(f"{_HERE}/{{id}}", _KEEP, one, change, section="settings"),
    Page(f"{_HERE}/{{id}}/pause", _KEEP, post=pause, again=one),
    Page(f"{_HERE}/{{id}}/resume", _KEEP, post=resume, again=one),
    Page(f"{_HERE}/{{id}}/rotate", _KEEP, post=rotate, again=one, section="settings"),
    Page(f"{_HERE}/{{id}}/delete", _KEEP, post=delete, again=one),
    Page(f"{_HERE}/{{id}}/test", _KEEP, post=test, again=one),
    Page(f"{_HERE}/{{id}}/replay", _KEEP, post=replay_span, again=one),
    Page(f"{_HERE}/deliveries/{{id}}", _KEEP, delivery, section="settings"),
    Page(f"{_HERE}/deliveries/{{id}}/replay", _KEEP, post=replay, again=delivery),
)
