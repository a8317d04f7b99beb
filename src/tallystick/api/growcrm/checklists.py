"""Checklists on the wire (contract growcrm 6.2): steps of a task or a project, and what is said about them."""

from __future__ import annotations

from typing import Any, Final, Literal

from msgspec import UNSET, Struct, UnsetType

from tallystick.api.growcrm.laravel import Whole, in_terms_of
from tallystick.api.growcrm.parts import Stamps, reference, stamps
from tallystick.api.growcrm.tasks import CommentField, CommentJson, comments_of, shown_comment
from tallystick.api.growcrm.wire import NOTHING, Id, Page, page_of
from tallystick.api.wire import Ask, Operation
from tallystick.domain import checklists, comments, overviews
from tallystick.domain.access import Permission
from tallystick.domain.checklists import ChecklistItem
from tallystick.domain.comments import Comment
from tallystick.domain.context import Context
from tallystick.domain.listing import Filter
from tallystick.domain.overviews.checklists import StepSeen, one, page
from tallystick.domain.projects import Project
from tallystick.domain.tasks import Task
from tallystick.values.errors import NotFound

Subject = Literal["task", "project"]
SUBJECTS: Final = {"task": Task, "project": Project}


class Resource(Struct, gc=False):
    type: Subject
    id: int


class ChecklistJson(Struct, gc=False):
    id: int
    text: str
    status: Literal["pending", "completed"]
    position: int
    resource: Resource
    comments_count: int
    dates: Stamps


class ChecklistOrder(Struct, gc=False):
    checklist_ids: list[int]


class ChecklistFields(Struct):
    checklistresource_type: Subject | UnsetType = UNSET
    checklistresource_id: Whole | UnsetType = UNSET
    checklist_text: str | UnsetType = UNSET


class ChecklistChange(Struct):
    checklist_text: str | UnsetType = UNSET


class ChecklistStatus(Struct):
    status: Literal["pending", "completed"] | UnsetType = UNSET


class ChecklistIdsField(Struct):
    checklist_ids: list[Whole] | UnsetType = UNSET


def list_checklists(ctx: Context, ask: Ask) -> Page:
    query = ask.query
    nothing = Page([], 0, {"progress": _progress(0, 0)})
    if NOTHING in query:
        return nothing
    kind: Subject = query["resource_type"]
    try:
        subject_id = overviews.id_of(ctx, SUBJECTS[kind], query["resource_id"])
    except NotFound:  # the steps of what is gone are gone
        return nothing
    rows, total = page(ctx, {kind: query["resource_id"]}, **page_of(query))
    steps, done = checklists.progress(ctx, **{f"{kind}_id": subject_id})
    return Page([_shown(row) for row in rows], total, {"progress": _progress(steps, done)})


def get_checklist(ctx: Context, ask: Ask) -> Struct:
    return _shown(one(ctx, int(ask.id)))


def create_checklist(ctx: Context, ask: Ask) -> Struct:
    given = ask.facts
    kind: Subject = given["checklistresource_type"]
    subject_id = reference(ctx, SUBJECTS[kind], given["checklistresource_id"], "checklistresource_id")
    with in_terms_of(_NAMES):
        made = checklists.create(ctx, text=given["checklist_text"], **{f"{kind}_id": subject_id})
    return _shown(one(ctx, made.id))


def update_checklist(ctx: Context, ask: Ask) -> Struct:
    with in_terms_of(_NAMES):
        changed = checklists.change(ctx, _id(ctx, ask), text=ask.facts["checklist_text"])
    return _shown(one(ctx, changed.id))


def delete_checklist(ctx: Context, ask: Ask) -> Id:
    checklists.delete(ctx, _id(ctx, ask))
    return Id(int(ask.id))


def set_checklist_status(ctx: Context, ask: Ask) -> Struct:
    changed = checklists.tick(ctx, _id(ctx, ask), done=ask.facts["status"] == "completed")
    return _shown(one(ctx, changed.id))


def set_checklist_positions(ctx: Context, ask: Ask) -> ChecklistOrder:
    numbers: list[int] = ask.facts["checklist_ids"]
    wanted = [reference(ctx, ChecklistItem, number, "checklist_ids") for number in numbers]
    with in_terms_of({}):
        checklists.put_in_order(ctx, wanted)
    return ChecklistOrder(numbers)


def list_checklist_comments(ctx: Context, ask: Ask) -> list[CommentJson]:
    return comments_of(ctx, checklist_item_id=one(ctx, int(ask.id)).id)


def create_checklist_comment(ctx: Context, ask: Ask) -> Struct:
    made = comments.create(ctx, text=ask.facts["comment"], checklist_item_id=_id(ctx, ask))
    return shown_comment(ctx, made.id)


def delete_checklist_comment(ctx: Context, ask: Ask) -> Id:
    number = int(ask.ids["comment_id"])
    comments.delete(ctx, overviews.id_of(ctx, Comment, number), checklist_item_id=_id(ctx, ask))
    return Id(number)


def _id(ctx: Context, ask: Ask) -> str:
    return overviews.id_of(ctx, ChecklistItem, int(ask.id))


def _progress(total: int, done: int) -> dict[str, int]:
    return {"total": total, "completed": done, "percentage": round(100 * done / total) if total else 0}


def _shown(row: StepSeen) -> ChecklistJson:
    return ChecklistJson(
        row.serial,
        row.text,
        "completed" if row.done else "pending",
        row.position,
        Resource("project", row.project or 0) if row.task is None else Resource("task", row.task),
        row.comments_count,
        stamps(row.created_at, row.updated_at),
    )


_NAMES: Final = {"text": "checklist_text"}
_NONE: Final[Any] = None
_PARAMETERS: Final = {
    "resource_type": Filter("choice", _NONE, choices=tuple(SUBJECTS), required=True),
    "resource_id": Filter("number", _NONE, required=True),
}
_SORTS: Final = {
    "checklist_position": "position",
    "checklist_status": "done",
    "checklist_created": "created_at",
}
_CHANGE: Final = Permission.CHANGE_OWN_TASKS
_TAG: Final = "Checklists"

OPERATIONS = (
    Operation(
        "listChecklists", "GET", "/checklists", list_checklists, "List the checklist of a task or a project",
        Permission.READ_TASKS, ChecklistJson, parameters=_PARAMETERS, sorts=_SORTS, upwards=True,
        absent="The task or project does not exist.", message="Checklists retrieved successfully.", tag=_TAG,
    ),
    Operation(
        "createChecklist", "POST", "/checklists", create_checklist, "Add a step at the end of a checklist", _CHANGE,
        ChecklistJson, status=201, body=ChecklistFields,
        required=("checklistresource_type", "checklistresource_id", "checklist_text"),
        message="Checklist created successfully.", tag=_TAG,
    ),
    Operation(
        "setChecklistPositions", "PUT", "/checklists/positions", set_checklist_positions,
        "Put the steps of a checklist in this order", _CHANGE, ChecklistOrder, body=ChecklistIdsField,
        required=("checklist_ids",), message="Checklist positions updated successfully.", tag=_TAG,
    ),
    Operation(
        "getChecklist", "GET", "/checklists/{id}", get_checklist, "Get a step of a checklist", Permission.READ_TASKS,
        ChecklistJson, message="Checklist retrieved successfully.", tag=_TAG,
    ),
    Operation(
        "updateChecklist", "PATCH", "/checklists/{id}", update_checklist, "Put a step into other words", _CHANGE,
        ChecklistJson, body=ChecklistChange, required=("checklist_text",), message="Checklist updated successfully.",
        tag=_TAG,
    ),
    Operation(
        "deleteChecklist", "DELETE", "/checklists/{id}", delete_checklist, "Delete a step with its comments", _CHANGE,
        Id, message="Checklist deleted successfully.", tag=_TAG,
    ),
    Operation(
        "setChecklistStatus", "PUT", "/checklists/{id}/status", set_checklist_status,
        "Say whether a step is completed", _CHANGE, ChecklistJson, body=ChecklistStatus, required=("status",),
        message="Checklist status updated successfully.", tag=_TAG,
    ),
    Operation(
        "listChecklistComments", "GET", "/checklists/{id}/comments", list_checklist_comments,
        "List the comments on a step, oldest first", Permission.READ_TASKS, CommentJson, many=True,
        message="Comments retrieved successfully.", tag=_TAG,
    ),
    Operation(
        "createChecklistComment", "POST", "/checklists/{id}/comments", create_checklist_comment,
        "Comment on a step", Permission.COMMENT, CommentJson, status=201, body=CommentField, required=("comment",),
        message="Comment created successfully.", tag=_TAG,
    ),
    Operation(
        "deleteChecklistComment", "DELETE", "/checklists/{id}/comments/{comment_id}", delete_checklist_comment,
        "Delete a comment on a step", Permission.COMMENT, Id, message="Comment deleted successfully.", tag=_TAG,
    ),
)  # fmt: skip
