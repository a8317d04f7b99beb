"""Notes by number: each with what it is about, and who wrote it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import Text, bindparam, or_

from tallystick.db.base import table_of
from tallystick.domain import notes
from tallystick.domain.access import Permission
from tallystick.domain.clients import Client
from tallystick.domain.context import Context
from tallystick.domain.listing import Filter, Listing
from tallystick.domain.members import Member
from tallystick.domain.notes import VISIBILITIES, Note, ResourceType
from tallystick.domain.overviews import beside, creator, numbered
from tallystick.domain.projects import Project
from tallystick.domain.tasks import Task


class NoteSeen(NamedTuple):
    """A note, with the number of what it is about."""

    id: str
    serial: int
    title: str
    description: str
    visibility: str
    client: int | None
    project: int | None
    task: int | None
    user: int | None
    creator: int
    tags: list[str]
    created_at: datetime
    updated_at: datetime

    @property
    def resource(self) -> tuple[ResourceType, int] | None:
        """What it is about: the type, and the number of which; None: nothing."""
        about: dict[ResourceType, int | None] = {
            "client": self.client,
            "project": self.project,
            "task": self.task,
            "user": self.user,
        }
        return next(((kind, number) for kind, number in about.items() if number is not None), None)


def one(ctx: Context, identity: str | int) -> NoteSeen:
    """One note: by its number, or by its id where that is at hand."""
    ctx.require(Permission.KEEP_NOTES)
    by = "serial" if isinstance(identity, int) else "id"
    return NoteSeen._make(NOTES.one(ctx, NoteSeen._fields, identity, by))


def page(ctx: Context, filters: dict[str, Any], **where: Any) -> tuple[list[NoteSeen], int]:
    """One page of notes by its number, and how many there are on all of them."""
    ctx.require(Permission.KEEP_NOTES)
    found = NOTES.numbered(ctx, NoteSeen._fields, filters, **where)
    return [NoteSeen._make(row) for row in found.rows], found.total


_note = table_of(Note)

NOTES: Final = Listing(
    Note,
    sorts=("created_at", "title", "updated_at"),
    search=("title", "description"),
    computed={
        "client": beside(Note, Client, "serial", _note.c.client_id),
        "project": beside(Note, Project, "serial", _note.c.project_id),
        "task": beside(Note, Task, "serial", _note.c.task_id),
        "user": beside(Note, Member, "number", _note.c.user_id, by="user_id"),
        "creator": creator(Note),
    },
    extra={
        "visibility": Filter(
            "choice", _note.c.visibility == bindparam("visibility", type_=Text()), choices=VISIBILITIES
        ),
        "resource_type": notes.NOTES.filters["resource_type"],
        "client": Filter("number", _note.c.client_id == numbered(Client, "client")),
        "project": Filter("number", _note.c.project_id == numbered(Project, "project")),
        "task": Filter("number", _note.c.task_id == numbered(Task, "task")),
        "user": Filter("number", _note.c.user_id == numbered(Member, "user", column="user_id", by="number")),
        "resource": Filter(
            "number",
            or_(
                _note.c.client_id == numbered(Client, "resource"),
                _note.c.project_id == numbered(Project, "resource"),
                _note.c.task_id == numbered(Task, "resource"),
                _note.c.user_id == numbered(Member, "resource", column="user_id", by="number"),
            ),
        ),
    },
    names=("title",),
    live=notes.NOTES.live,
)
"""Notes that one may see, by pages with numbers."""
