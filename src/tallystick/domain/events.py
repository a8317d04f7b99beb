"""What happened: one append-only row for each fact, written in the transaction of the fact it tells."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Id, Json, Tenant


class Event(Tenant):
    """A fact and its row as it was then. Triggers refuse UPDATE and DELETE."""

    __tablename__ = "events"

    type: Mapped[str]
    """`time_entry.created`: the noun, then the past tense of the verb."""
    resource: Mapped[str]
    resource_id: Mapped[Id]
    actor_id: Mapped[Id | None]
    """The person who did it; null when the operator or the server itself did."""
    before: Mapped[Json | None]
    """The columns that changed, as they were; null where that is not known, or there was nothing before."""
    data: Mapped[Json]
    origin: Mapped[Json | None]
    """How it came about: `action`, and where known `credential`, `address`, `agent`, `request`."""
    occurred_at: Mapped[datetime] = mapped_column()

    @classmethod
    def constraints(cls) -> tuple[object, ...]:
        return (
            *super().constraints(),
            Index("ix_events_of_resource", "workspace_id", "resource", "resource_id", "occurred_at"),
        )
