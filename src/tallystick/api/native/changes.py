"""The change feed on the wire: all changes in one order, and digests that prove a copy equal."""

from __future__ import annotations

import hashlib
from typing import Any, Final

import msgspec
from msgspec import Struct

from tallystick.api.native.clients import CLIENT
from tallystick.api.native.credit_notes import CREDIT_NOTE
from tallystick.api.native.expenses import EXPENSE
from tallystick.api.native.invoices import INVOICE, PAYMENT, REFUND
from tallystick.api.native.milestones import MILESTONE
from tallystick.api.native.people import MEMBER
from tallystick.api.native.projects import PROJECT
from tallystick.api.native.rates import RATE
from tallystick.api.native.recurring_invoices import RECURRING_INVOICE, RecurringInvoices
from tallystick.api.native.tasks import TASK
from tallystick.api.native.tax_rates import TAX_RATE
from tallystick.api.native.time_entries import TIME_ENTRY
from tallystick.api.native.views import View
from tallystick.api.native.weeks import WEEK
from tallystick.api.wire import Ask, Awaited, Operation
from tallystick.domain import changes
from tallystick.domain.access import Permission
from tallystick.domain.changes import FOLLOWED
from tallystick.domain.context import Context
from tallystick.domain.entering import enter, has_changes
from tallystick.domain.listing import Filter
from tallystick.values.errors import Conflict, Invalid

VIEWS: Final[dict[str, View[Any] | RecurringInvoices]] = {
    "member": MEMBER,
    "client": CLIENT,
    "project": PROJECT,
    "task": TASK,
    "timeEntry": TIME_ENTRY,
    "expense": EXPENSE,
    "invoice": INVOICE,
    "payment": PAYMENT,
    "refund": REFUND,
    "creditNote": CREDIT_NOTE,
    "recurringInvoice": RECURRING_INVOICE,
    "milestone": MILESTONE,
    "rate": RATE,
    "taxRate": TAX_RATE,
    "week": WEEK,
}
LIMIT: Final = 50
MOST: Final = 200
LONGEST_WAIT: Final = 25
TRIES: Final = 5


class ChangeJson(Struct, rename="camel", gc=False):
    sequence: int
    type: str
    resource: str
    id: str
    deleted: bool
    data: Any


class FeedPagination(Struct, rename="camel", gc=False):
    limit: int
    next_cursor: str
    has_more: bool


class Feed(Struct, rename="camel", gc=False):
    """A page of the feed; `nextCursor` is never null, there is always something to come."""

    data: list[ChangeJson]
    pagination: FeedPagination


class Digest(Struct, rename="camel", gc=False):
    count: int
    digest: str


class DigestsJson(Struct, rename="camel", gc=False):
    """What a copy must come to that has followed the feed up to `sequence`."""

    sequence: int
    resources: dict[str, Digest]


def list_changes(ctx: Context, ask: Ask) -> Feed | Awaited:
    query = ask.query
    limit, wait = query.get("limit", LIMIT), query.get("wait", 0)
    if wait > LONGEST_WAIT:
        raise Invalid(fields={"wait": f"must be a whole number of seconds between 0 and {LONGEST_WAIT}"})
    told = changes.feed(ctx, _columns(ctx), after=query.get("after", 0), limit=limit, resources=_resources(ask))
    shown = [
        ChangeJson(
            one.sequence,
            f"{one.resource}.{one.what}",
            one.resource,
            one.id,
            one.row is None,
            None if one.row is None else _shown(ctx, one.resource, one.row),
        )
        for one in told.changes
    ]
    page = Feed(shown, FeedPagination(limit, str(told.last), told.more))
    if shown or told.more or not wait:
        return page
    return Awaited(page, wait, lambda again: has_changes(again, told.last))


def get_digests(ctx: Context, ask: Ask) -> DigestsJson:
    wanted = [one for one in _resources(ask) if ctx.actor.may(FOLLOWED[one].permission)]
    for _ in range(TRIES):
        last = enter(ctx)
        found = {resource: _digest(ctx, resource) for resource in wanted}
        if enter(ctx) == last:
            return DigestsJson(last, found)
    raise Conflict("The record changes faster than it can be summed up. Try again.", reason="try_again")


def _columns(ctx: Context) -> dict[str, tuple[str, ...]]:
    return {resource: view.columns(ctx.actor) for resource, view in VIEWS.items()}


def _shown(ctx: Context, resource: str, row: tuple[Any, ...]) -> Struct:
    view = VIEWS[resource]
    return view.rows(ctx.actor, [row])[0] if isinstance(view, View) else view.shown(ctx, row)


def _digest(ctx: Context, resource: str) -> Digest:
    summed, count = hashlib.sha256(), 0
    for row in changes.everything(ctx, resource, VIEWS[resource].columns(ctx.actor)):
        summed.update(msgspec.json.encode(_shown(ctx, resource, row), order="sorted") + b"\n")
        count += 1
    return Digest(count, summed.hexdigest())


def _resources(ask: Ask) -> tuple[str, ...]:
    """`client,timeEntry` in the query: names of resources with commas between; none: all."""
    text: str = ask.query.get("resources", "")
    names = tuple(dict.fromkeys(one.strip() for one in text.split(",") if one.strip()))
    if any(name not in VIEWS for name in names):
        raise Invalid(fields={"resources": f"must be some of {', '.join(VIEWS)}, with commas between"})
    return names or tuple(VIEWS)


_NONE: Any = None
_RESOURCES: Final = Filter("text", _NONE, about=f"Only these, with commas between: {', '.join(VIEWS)}.")

OPERATIONS = (
    Operation(
        "listChanges", "GET", "/changes", list_changes, "All changes in one order, from a cursor on",
        Permission.READ_SELF, Feed, whole=True, enters=True, tag="Changes",
        parameters={
            "after": Filter("least_count", _NONE, about="`nextCursor` of the page before; without it: all there is."),
            "limit": Filter("least_count", _NONE, about=f"Page size (1–{MOST}, default {LIMIT})."),
            "resources": _RESOURCES,
            "wait": Filter("least_count", _NONE, about=f"Seconds to wait where there is no news (0–{LONGEST_WAIT})."),
        },
    ),
    Operation(
        "getChangeDigests", "GET", "/changes/digest", get_digests, "What a faithful copy of the record comes to",
        Permission.READ_SELF, DigestsJson, enters=True, tag="Changes", parameters={"resources": _RESOURCES},
    ),
)  # fmt: skip
