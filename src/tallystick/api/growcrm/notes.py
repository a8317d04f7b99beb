"""Notes on the wire (contract growcrm 6.4): what is written down, about something or nothing."""

from __future__ import annotations

from typing import Annotated, Any, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from tallystick.api.growcrm import laravel
from tallystick.api.growcrm.laravel import Whole, in_terms_of
from tallystick.api.growcrm.parts import Stamps, TagsField, Title, reference, stamps, told
from tallystick.api.growcrm.wire import NOTHING, Id, Page, page_of
from tallystick.api.wire import Ask, Operation
from tallystick.domain import notes, overviews
from tallystick.domain.access import Permission
from tallystick.domain.clients import Client
from tallystick.domain.context import Context
from tallystick.domain.listing import Filter
from tallystick.domain.members import Member
from tallystick.domain.notes import RESOURCE_TYPES, VISIBILITIES, Note, ResourceType, Visibility
from tallystick.domain.overviews.notes import NoteSeen, one, page
from tallystick.domain.projects import Project
from tallystick.domain.tasks import Task

LongText = Annotated[str, Meta(max_length=50_000)]
SUBJECTS: Final[dict[str, Any]] = {"client": Client, "project": Project, "task": Task, "user": Member}


class NoteResource(Struct, gc=False):
    type: ResourceType | None
    id: int | None


class NoteJson(Struct, gc=False):
    id: int
    title: str
    description: str
    visibility: str
    resource: NoteResource
    creator_id: int
    tags: list[str]
    dates: Stamps


class NoteChange(Struct):
    note_title: Title | UnsetType = UNSET
    note_description: LongText | UnsetType = UNSET
    note_visibility: Visibility | UnsetType = UNSET


class NoteFields(NoteChange):
    noteresource_type: ResourceType | UnsetType = UNSET
    noteresource_id: Whole | UnsetType = UNSET


def list_notes(ctx: Context, ask: Ask) -> Page:
    query = ask.query
    if NOTHING in query:
        return Page([], 0)
    filters = {name: query.get(name) for name in ("resource_type", "visibility", "search")}
    filters[query.get("resource_type", "resource")] = query.get("resource_id")
    rows, total = page(ctx, filters, **page_of(query))
    return Page([_shown(row) for row in rows], total)


def get_note(ctx: Context, ask: Ask) -> Struct:
    return _shown(one(ctx, int(ask.id)))


def create_note(ctx: Context, ask: Ask) -> Struct:
    facts = told(ask.facts, _PLAIN)
    if "noteresource_type" in ask.facts:
        kind = facts["resource_type"] = ask.facts["noteresource_type"]
        facts["resource_id"] = reference(ctx, SUBJECTS[kind], ask.facts["noteresource_id"], "noteresource_id")
    with in_terms_of(_NAMES):
        made = notes.create(ctx, **facts)
    return _shown(one(ctx, made.id))


def update_note(ctx: Context, ask: Ask) -> Struct:
    with in_terms_of(_NAMES):
        changed = notes.change(ctx, _id(ctx, ask), **told(ask.facts, _PLAIN))
    return _shown(one(ctx, changed.id))


def delete_note(ctx: Context, ask: Ask) -> Id:
    notes.delete(ctx, _id(ctx, ask))
    return Id(int(ask.id))


def set_note_tags(ctx: Context, ask: Ask) -> Struct:
    return _shown(one(ctx, notes.change(ctx, _id(ctx, ask), tags=ask.facts.get("tags") or []).id))


def _id(ctx: Context, ask: Ask) -> str:
    """The id of a note that one may see: another's private note is not there."""
    return notes.read(ctx, overviews.id_of(ctx, Note, int(ask.id))).id


def _check_resource(given: dict[str, Any]) -> None:
    if "noteresource_type" in given and "noteresource_id" not in given:
        raise laravel.wrong("noteresource_id", "field is required when noteresource type is present.")


def _shown(row: NoteSeen) -> NoteJson:
    kind, number = row.resource or (None, None)
    return NoteJson(
        row.serial,
        row.title,
        row.description,
        row.visibility,
        NoteResource(kind, number),
        row.creator,
        row.tags,
        stamps(row.created_at, row.updated_at),
    )


_PLAIN: Final = {"note_title": "title", "note_description": "description", "note_visibility": "visibility"}
_NAMES: Final = {**{domain: wire for wire, domain in _PLAIN.items()}, "resource_id": "noteresource_id"}
_NONE: Final[Any] = None
_PARAMETERS: Final = {
    "resource_type": Filter("choice", _NONE, choices=RESOURCE_TYPES),
    "resource_id": Filter("number", _NONE),
    "visibility": Filter("choice", _NONE, choices=VISIBILITIES),
    "search": Filter("text", _NONE, about="A part of the title or the description, in whatever case."),
}
_SORTS: Final = {"note_created": "created_at", "note_title": "title", "note_updated": "updated_at"}
_REQUIRED: Final = ("note_title", "note_description")
_KEEP: Final = Permission.KEEP_NOTES
_TAG: Final = "Notes"

OPERATIONS = (
    Operation(
        "listNotes", "GET", "/notes", list_notes, "List and search notes", _KEEP, NoteJson, parameters=_PARAMETERS,
        sorts=_SORTS, message="Notes retrieved successfully.", tag=_TAG,
    ),
    Operation(
        "createNote", "POST", "/notes", create_note, "Write a note", _KEEP, NoteJson, status=201, body=NoteFields,
        required=_REQUIRED, check=_check_resource, message="Note created successfully.", tag=_TAG,
    ),
    Operation(
        "getNote", "GET", "/notes/{id}", get_note, "Get a note", _KEEP, NoteJson,
        message="Note retrieved successfully.", tag=_TAG,
    ),
    Operation(
        "updateNote", "PATCH", "/notes/{id}", update_note, "Change a note; what it is about stays", _KEEP, NoteJson,
        body=NoteChange, required=_REQUIRED, message="Note updated successfully.", tag=_TAG,
    ),
    Operation(
        "deleteNote", "DELETE", "/notes/{id}", delete_note, "Delete a note", _KEEP, Id,
        message="Note deleted successfully.", tag=_TAG,
    ),
    Operation(
        "setNoteTags", "PUT", "/notes/{id}/tags", set_note_tags, "Set the tags of a note: exactly these", _KEEP,
        NoteJson, body=TagsField, message="Note tags updated successfully.", tag=_TAG,
    ),
)  # fmt: skip
