"""The audit log: who did what, from where, with before and after; one entry a transaction, chained by hashes.

The database notes the events of a transaction in it (`db.migrations.following`), so no verb can forget to, and makes an
entry of them when somebody reads, or a moment later (`entering`). Changing a byte of an entry or of its events breaks
the chain, and `verify` finds the place.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, Final, NamedTuple

import msgspec
from sqlalchemy import ARRAY, UUID, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Blob, Id, Json, Row, within_workspace
from tallystick.db.session import Prepared
from tallystick.domain.access import Permission
from tallystick.domain.context import Context, Origin
from tallystick.values.spreadsheet import csv_of

EXPORTED: Final = 50_000
"""How many entries one export has at most, the newest."""


class AuditEntry(Row):
    """An entry. `hash` is over the hash before it, the entry and its events."""

    __tablename__ = "audit_log"
    noun: ClassVar[str] = "audit entry"

    workspace_id: Mapped[Id] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    occurred_at: Mapped[datetime]
    actor_id: Mapped[Id | None]
    """Null: the operator, or the server itself."""
    origin: Mapped[Json | None]
    event_ids: Mapped[list[str]] = mapped_column(ARRAY(UUID(as_uuid=False)))
    hash: Mapped[Blob]

    __table_args__ = (
        within_workspace("workspace_id", "workspaces.id"),
        Index("ix_audit_log_occurred", "workspace_id", "occurred_at"),
    )


class Entry(NamedTuple):
    """An entry as it is read."""

    sequence: int
    occurred_at: datetime
    actor_id: str | None
    actor_name: str | None
    origin: str | None
    hash: bytes
    events: str
    """A JSON array of `{type, resource, id, before, after}`."""

    @property
    def came_from(self) -> Origin:
        """Whence it was asked for; empty texts where that is not known."""
        return Origin("") if self.origin is None else msgspec.json.decode(self.origin, type=Origin)

    @property
    def changes(self) -> list[Change]:
        """What was done in it, in order."""
        return msgspec.json.decode(self.events, type=list[Change])


class Change(msgspec.Struct, frozen=True, gc=False):
    """One thing that was done to a row."""

    type: str
    resource: str
    id: str
    before: Any
    """The fields that changed, as they were; null where nothing was there, or only the facts are kept."""
    after: Any


def page(ctx: Context, *, before: int | None = None, limit: int = 50, **wanted: Any) -> tuple[list[Entry], int | None]:
    """Entries, the newest first, and from which number the next page goes on. What is committed is entered before.

    Filters: `actor_id`, `action`, `resource`, `resource_id`, `since`, `until` (both inclusive).
    """
    ctx.require(Permission.READ_AUDIT)
    values = {name: wanted.get(name) for name in _FILTERS}
    rows = ctx.rows(_PAGE, **values, before=before, limit=limit + 1)
    found = [Entry(*row) for row in rows[:limit]]
    return found, found[-1].sequence if len(rows) > limit else None


def as_csv(entries: Sequence[Entry]) -> bytes:
    """Entries as a table, a line for each change."""
    return csv_of(
        ("Number", "When", "Who", "Action", "Credential", "Address", "User agent", "Request", "Type", "Resource", "Id",
         "Before", "After", "Hash"),
        (
            (one.sequence, one.occurred_at.isoformat(), one.actor_name or one.actor_id, origin.action or None,
             origin.credential or None, origin.address or None, origin.agent or None, origin.request or None,
             change.type, change.resource, change.id, _text(change.before), _text(change.after), one.hash.hex())
            for one in entries for origin in [one.came_from] for change in one.changes
        ),
    )  # fmt: skip


def broken(ctx: Context) -> Sequence[int]:
    """Numbers of entries that are not what they were, or not where they were; none: the chain holds."""
    ctx.require(Permission.READ_AUDIT)
    return [number for (number,) in ctx.rows(_BROKEN)]


def length(ctx: Context) -> int:
    """How many entries there are."""
    ctx.require(Permission.READ_AUDIT)
    found = ctx.row(_LENGTH)
    return found[0] if found else 0


def _text(value: Any) -> str:
    return "" if value is None else msgspec.json.encode(value).decode()


_FILTERS: Final = ("actor_id", "action", "resource", "resource_id", "since", "until")
BROKEN_SQL: Final = """
    SELECT workspace_id, sequence FROM (
        SELECT entry.workspace_id, entry.sequence, entry.hash,
               lag(entry.sequence, 1, 0::bigint) OVER chain AS number_before,
               audit_digest(lag(entry.hash, 1, ''::bytea) OVER chain, entry) AS computed
        FROM audit_log AS entry
        WINDOW chain AS (PARTITION BY entry.workspace_id ORDER BY entry.sequence)
    ) AS checked
    WHERE hash <> computed OR sequence <> number_before + 1
    UNION ALL
    SELECT head.workspace_id, head.audited FROM change_heads AS head
    WHERE head.audited > 0 AND NOT EXISTS (
        SELECT FROM audit_log AS entry
        WHERE entry.workspace_id = head.workspace_id AND entry.sequence = head.audited AND entry.hash = head.audit_hash)
"""
"""Entries that are not what they were: by their hash, by a hole before them, or because the last one is missing."""
_BROKEN = Prepared(text(f"SELECT DISTINCT sequence FROM ({BROKEN_SQL}) AS broken ORDER BY sequence"))
_LENGTH = Prepared(text("SELECT audited FROM change_heads WHERE workspace_id = :workspace"))
_PAGE = Prepared(
    text("""
        SELECT entry.sequence, entry.occurred_at, entry.actor_id, person.name, entry.origin, entry.hash,
               (SELECT jsonb_agg(jsonb_build_object('type', event.type, 'resource', event.resource,
                                 'id', event.resource_id, 'before', event.before, 'after', event.data)
                                 ORDER BY event.id)
                FROM events AS event
                WHERE event.workspace_id = entry.workspace_id AND event.id = ANY(entry.event_ids))
        FROM audit_log AS entry LEFT JOIN people AS person ON person.id = entry.actor_id
        WHERE entry.workspace_id = :workspace
          AND (CAST(:before AS bigint) IS NULL OR entry.sequence < CAST(:before AS bigint))
          AND (CAST(:actor_id AS uuid) IS NULL OR entry.actor_id = CAST(:actor_id AS uuid))
          AND (CAST(:action AS text) IS NULL OR entry.origin ->> 'action' = CAST(:action AS text))
          AND (CAST(:since AS timestamptz) IS NULL OR entry.occurred_at >= CAST(:since AS timestamptz))
          AND (CAST(:until AS timestamptz) IS NULL OR entry.occurred_at <= CAST(:until AS timestamptz))
          AND (COALESCE(CAST(:resource AS text), CAST(:resource_id AS text)) IS NULL OR EXISTS (
               SELECT FROM events AS event
               WHERE event.workspace_id = entry.workspace_id AND event.id = ANY(entry.event_ids)
                 AND (CAST(:resource AS text) IS NULL OR event.resource = CAST(:resource AS text))
                 AND (CAST(:resource_id AS uuid) IS NULL OR event.resource_id = CAST(:resource_id AS uuid))))
        ORDER BY entry.sequence DESC LIMIT :limit
    """)
)
