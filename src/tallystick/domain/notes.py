"""Notes: what people write down, about somebody or something or nothing, for everybody or for themselves."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Final, Literal, get_args

from sqlalchemy import CheckConstraint, ColumnElement, Index, Text, and_, bindparam, case, exists, or_
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Counted, Id, one_of, table_of, within_workspace
from tallystick.domain import members
from tallystick.domain.access import Permission
from tallystick.domain.clients import Client, each_tag_once
from tallystick.domain.context import Context, maker
from tallystick.domain.listing import Filter, Listing
from tallystick.domain.projects import Project, on_project
from tallystick.domain.tasks import Task
from tallystick.values.errors import Forbidden, Invalid, NotFound

Visibility = Literal["public", "private"]
VISIBILITIES: Final[tuple[Visibility, ...]] = get_args(Visibility)
ResourceType = Literal["client", "project", "task", "user"]
RESOURCE_TYPES: Final[tuple[ResourceType, ...]] = get_args(ResourceType)
LONGEST_TITLE: Final = 200
LONGEST_TEXT: Final = 50_000


class Note(Counted):
    """A note. A private one is its maker's alone."""

    __tablename__ = "notes"
    noun: ClassVar[str] = "note"

    title: Mapped[str]
    description: Mapped[str]
    visibility: Mapped[str] = mapped_column(default="public")
    client_id: Mapped[Id | None]
    project_id: Mapped[Id | None]
    task_id: Mapped[Id | None]
    user_id: Mapped[Id | None]
    tags: Mapped[list[str]] = mapped_column(default=[])
    created_by: Mapped[Id | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("client_id", "clients.id"),
            within_workspace("project_id", "projects.id"),
            within_workspace("task_id", "tasks.id"),
            within_workspace("user_id", "members.user_id"),
            within_workspace("created_by", "members.user_id"),
            one_of("visibility", VISIBILITIES),
            CheckConstraint("num_nonnulls(client_id, project_id, task_id, user_id) <= 1", name="one_resource"),
            Index("ix_notes_created", "workspace_id", "created_at", "id"),
        )

    @classmethod
    def seen_by(cls, user_id: ColumnElement[str]) -> ColumnElement[bool] | None:
        own, task = table_of(cls).c, table_of(Task).c
        about_nothing = and_(own.project_id.is_(None), own.task_id.is_(None), own.user_id.is_(None))
        return or_(
            own.created_by == user_id,
            and_(own.client_id.is_(None), about_nothing),
            own.user_id == user_id,
            on_project(own.project_id, user_id),
            exists().where(task.id == own.task_id, on_project(task.project_id, user_id)),
        )

    @property
    def resource(self) -> tuple[ResourceType, str] | None:
        """What it is about: the type, and the id of which; None: nothing."""
        for kind in RESOURCE_TYPES:
            identity = getattr(self, f"{kind}_id")
            if identity is not None:
                return kind, identity
        return None


_table = table_of(Note)
_resource_id = bindparam("resource_id", type_=_table.c.id.type)

NOTES = Listing(
    Note,
    sorts=("title", "created_at", "updated_at"),
    search=("title", "description"),
    exact=("visibility", "client_id", "project_id", "task_id", "user_id"),
    choices={"visibility": VISIBILITIES},
    extra={
        "resource_type": Filter(
            "choice",
            case(
                {kind: _table.c[f"{kind}_id"].is_not(None) for kind in RESOURCE_TYPES},
                value=bindparam("resource_type", type_=Text()),
            ),
            choices=RESOURCE_TYPES,
        ),
        "resource_id": Filter("id", or_(*[_table.c[f"{kind}_id"] == _resource_id for kind in RESOURCE_TYPES])),
    },
    names=("title",),
    live=and_(_table.c.deleted_at.is_(None), or_(_table.c.visibility == "public", _table.c.created_by == maker())),
)


def create(
    ctx: Context,
    *,
    title: str,
    description: str,
    resource_type: ResourceType | None = None,
    resource_id: str | None = None,
    **facts: Any,
) -> Note:
    """Write something down, about a client, a project, a task, a person, or nothing of these."""
    ctx.require(Permission.KEEP_NOTES)
    about = {} if resource_type is None else _resource(ctx, resource_type, resource_id)
    facts = each_tag_once({"title": title, "description": description, **facts})
    _check(facts)
    note = ctx.add(Note(**facts, **about))
    ctx.record_facts("created", note, **_told(note))
    return note


def read(ctx: Context, note_id: str) -> Note:
    """One note; a private one is found by its maker alone."""
    ctx.require(Permission.KEEP_NOTES)
    return _found(ctx, ctx.find(Note, note_id))


def change(ctx: Context, note_id: str, **facts: Any) -> Note:
    """Change title, description, visibility or tags of a note. What it is about stays."""
    if facts.keys() - {"title", "description", "visibility", "tags"}:
        raise TypeError("Only title, description, visibility and tags change.")
    note = _own(ctx, note_id)
    facts = each_tag_once(facts)
    _check(facts)
    if "visibility" in facts and facts["visibility"] != note.visibility and note.created_by != ctx.actor.maker:
        raise Forbidden("Only its maker may say who sees a note.")
    if ctx.change(note, **facts):
        ctx.record_facts("updated", note, **_told(note))
    return note


def delete(ctx: Context, note_id: str) -> None:
    """Delete a note."""
    note = _own(ctx, note_id)
    ctx.change(note, deleted_at=ctx.now)
    ctx.record_facts("deleted", note, **_told(note))


def _own(ctx: Context, note_id: str) -> Note:
    """A note for whoever may change it: its maker, and for a public one whoever may change anybody's."""
    ctx.require(Permission.KEEP_NOTES)
    note = _found(ctx, ctx.find(Note, note_id, lock="update"))
    if note.created_by != ctx.actor.maker and not ctx.actor.may(Permission.CHANGE_ANY_NOTE):
        raise Forbidden("You may change only your own notes.")
    return note


def _found(ctx: Context, note: Note) -> Note:
    if note.visibility == "private" and note.created_by != ctx.actor.maker:
        raise NotFound("No such note.")
    return note


def _resource(ctx: Context, kind: ResourceType, identity: str | None) -> dict[str, str]:
    """The column of what a note is about, which the actor must see."""
    if kind not in RESOURCE_TYPES:
        raise Invalid(fields={"resource_type": f"one of {', '.join(RESOURCE_TYPES)}"})
    if identity is None:
        raise Invalid(fields={"resource_id": "required with a resource_type"})
    if kind == "user":
        return {"user_id": members.active(ctx, identity, "resource_id").user_id}
    if kind == "client":
        ctx.require(Permission.READ_CLIENTS)
    nouns = {"client": Client, "project": Project, "task": Task}
    return {f"{kind}_id": ctx.reference(nouns[kind], identity, "resource_id", lock="share").id}


def _check(facts: dict[str, Any]) -> None:
    wrong: dict[str, str] = {}
    for name, longest in (("title", LONGEST_TITLE), ("description", LONGEST_TEXT)):
        if name in facts and not 1 <= len(facts[name].strip()) <= longest:
            wrong[name] = f"1 to {longest} characters"
    if facts.get("visibility", "public") not in VISIBILITIES:
        wrong["visibility"] = f"one of {', '.join(VISIBILITIES)}"
    if wrong:
        raise Invalid(fields=wrong)


def _told(note: Note) -> dict[str, Any]:
    """What its events tell: events are for everybody, and a private note is not."""
    return {"title": note.title if note.visibility == "public" else None, "visibility": note.visibility}
