"""The change feed: one gap-free order of all changes in a workspace, for whoever keeps a copy of the record.

The database notes each write (`db.migrations.following`), so no verb can forget to; what is committed gets its number
when somebody reads, or a moment later (`entering`). The feed says that something changed; what it is now is read when
the feed is read, through the actor: nobody learns of the past what they may not see today.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Id, Row, one_of, within_workspace
from tallystick.db.session import Prepared
from tallystick.domain.access import Permission
from tallystick.domain.approvals import WEEKS
from tallystick.domain.clients import CLIENTS
from tallystick.domain.context import Context
from tallystick.domain.credit_notes.credit_note import CREDIT_NOTES
from tallystick.domain.entering import enter
from tallystick.domain.expenses import EXPENSES
from tallystick.domain.invoices.invoice import INVOICES
from tallystick.domain.listing import After, Listing
from tallystick.domain.members import MEMBERS
from tallystick.domain.milestones import MILESTONES
from tallystick.domain.payments import PAYMENTS, REFUNDS
from tallystick.domain.projects import PROJECTS
from tallystick.domain.rates import RATES
from tallystick.domain.recurring.recurring import RECURRING_INVOICES
from tallystick.domain.tasks import TASKS
from tallystick.domain.tax_rates import TAX_RATES
from tallystick.domain.time_entries import TIME_ENTRIES
from tallystick.values.errors import Invalid

WHAT: Final = ("created", "updated", "deleted")


class Followed(NamedTuple):
    """A resource of the feed."""

    listing: Listing
    permission: Permission


FOLLOWED: Final[dict[str, Followed]] = {
    "member": Followed(MEMBERS, Permission.READ_MEMBERS),
    "client": Followed(CLIENTS, Permission.READ_CLIENTS),
    "project": Followed(PROJECTS, Permission.READ_PROJECTS),
    "task": Followed(TASKS, Permission.READ_TASKS),
    "timeEntry": Followed(TIME_ENTRIES, Permission.TRACK_TIME),
    "expense": Followed(EXPENSES, Permission.READ_EXPENSES),
    "invoice": Followed(INVOICES, Permission.READ_INVOICES),
    "payment": Followed(PAYMENTS, Permission.READ_INVOICES),
    "refund": Followed(REFUNDS, Permission.READ_INVOICES),
    "creditNote": Followed(CREDIT_NOTES, Permission.READ_INVOICES),
    "recurringInvoice": Followed(RECURRING_INVOICES, Permission.READ_INVOICES),
    "milestone": Followed(MILESTONES, Permission.READ_PROJECTS),
    "rate": Followed(RATES, Permission.SEE_MONEY),
    "taxRate": Followed(TAX_RATES, Permission.READ_WORKSPACE),
    "week": Followed(WEEKS, Permission.TRACK_TIME),
}
"""Resource → how it is read. The migration that follows a table has a trigger for it; a test holds both together."""


class Change(Row):
    """That something changed. Its number is its place in the order of the workspace."""

    __tablename__ = "changes"
    noun: ClassVar[str] = "change"

    workspace_id: Mapped[Id] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    resource: Mapped[str]
    resource_id: Mapped[Id]
    person_id: Mapped[Id | None]
    """Whose view of it changed: other Members do not hear of it. Null: everybody does who may see it."""
    what: Mapped[str]
    changed_at: Mapped[datetime]

    __table_args__ = (within_workspace("workspace_id", "workspaces.id"), one_of("what", WHAT))


class Told(NamedTuple):
    """A change as the actor hears of it. `row`: what the resource is now; None: gone, or gone from their sight."""

    sequence: int
    resource: str
    id: str
    what: str
    row: tuple[Any, ...] | None


class Feed(NamedTuple):
    changes: list[Told]
    last: int
    """Where to go on from: the number of the last change looked at, also of those that were not told."""
    more: bool


def feed(
    ctx: Context, columns: dict[str, tuple[str, ...]], *, after: int, limit: int, resources: Iterable[str] | None = None
) -> Feed:
    """What changed behind a number, the oldest first. `columns`: resource → what to read of its rows."""
    ctx.require(Permission.READ_SELF)
    wanted = [one for one in resources or FOLLOWED if ctx.actor.may(FOLLOWED[one].permission)]
    head = enter(ctx)  # asked first: what is committed by then, the next statement sees
    if after > head:
        raise Invalid(fields={"after": f"is beyond the last change, {head}; start anew without it"})
    everyone = ctx.actor.sees_everyone
    found = ctx.rows(_FEED, after=after, limit=limit + 1, resources=wanted, everyone=everyone)
    more, found = len(found) > limit, found[:limit]
    rows = _now(ctx, columns, found)
    told: list[Told] = []
    for sequence, resource, identity, person_id, what in found:
        known = rows[resource].get(identity)
        if known is None and person_id is None:
            continue  # never theirs to see
        row = known[:-1] if known is not None and known[-1] else None
        told.append(Told(sequence, resource, identity, "deleted" if row is None else what, row))
    seen = found[-1][0] if found else 0
    return Feed(told, seen if more else max(seen, head), more)


def everything(ctx: Context, resource: str, columns: tuple[str, ...]) -> Iterator[tuple[Any, ...]]:
    """These columns of all rows of a resource that the actor may see, by id."""
    listing, permission = FOLLOWED[resource]
    after: After | None = None
    while ctx.actor.may(permission):
        page = listing.page(ctx, columns, {}, sort="id", limit=1000, after=after)
        yield from page.rows
        after = page.after
        if after is None:
            return


def _now(
    ctx: Context, columns: dict[str, tuple[str, ...]], found: Sequence[tuple[Any, ...]]
) -> dict[str, dict[str, tuple[Any, ...]]]:
    """Resource → id → its row as it is now, and whether it is still there."""
    ids: dict[str, set[str]] = {}
    for _, resource, identity, *_ in found:
        ids.setdefault(resource, set()).add(identity)
    return {
        resource: {row[0]: row[1:] for row in FOLLOWED[resource].listing.some(ctx, columns[resource], sorted(wanted))}
        for resource, wanted in ids.items()
    }


_FEED = Prepared(
    text("""
        SELECT sequence, resource, resource_id, person_id, what FROM changes
        WHERE workspace_id = :workspace AND sequence > :after AND resource = ANY(CAST(:resources AS text[]))
          AND (person_id IS NULL OR person_id = :actor OR :everyone)
        ORDER BY sequence LIMIT :limit
    """)
)
