"""Categories on the wire (contract growcrm 6.3): headings of one type, counted per workspace."""

from __future__ import annotations

from typing import Any, Final

from msgspec import UNSET, Struct, UnsetType

from tallystick.api.growcrm.laravel import Whole, in_terms_of
from tallystick.api.growcrm.numbers import YesNo, yes_no
from tallystick.api.growcrm.parts import Name, Stamps, Title, people, reference, stamps, told
from tallystick.api.growcrm.wire import NOTHING, Id, Page, page_of
from tallystick.api.wire import Ask, Operation
from tallystick.domain import categories, overviews
from tallystick.domain.access import Permission
from tallystick.domain.categories import TYPES, Category, Type
from tallystick.domain.context import Context
from tallystick.domain.listing import Filter
from tallystick.domain.overviews.categories import CategorySeen, one, page


class CategoryJson(Struct, gc=False):
    id: int
    name: str
    description: str | None
    type: str
    visibility: str | None
    icon: str | None
    system_default: YesNo
    slug: str
    count: int
    users_count: int
    dates: Stamps


class CategoryFields(Struct):
    category_name: Name | UnsetType = UNSET
    category_type: Type | UnsetType = UNSET
    category_visibility: Name | UnsetType = UNSET
    category_description: str | UnsetType | None = UNSET
    category_icon: Title | UnsetType | None = UNSET


class CategoryChange(Struct):
    category_name: Name | UnsetType = UNSET
    category_visibility: Name | UnsetType = UNSET
    category_description: str | UnsetType | None = UNSET
    category_icon: Title | UnsetType | None = UNSET


class UsersField(Struct):
    users: list[Whole] | UnsetType | None = UNSET


class TargetField(Struct):
    target_id: Whole | UnsetType = UNSET


def list_categories(ctx: Context, ask: Ask) -> Page:
    if NOTHING in ask.query:
        return Page([], 0)
    filters = {name: ask.query.get(name) for name in _PARAMETERS}
    rows, total = page(ctx, filters, **page_of(ask.query))
    return Page([_shown(row) for row in rows], total)


def get_category(ctx: Context, ask: Ask) -> Struct:
    return _shown(one(ctx, int(ask.id)))


def create_category(ctx: Context, ask: Ask) -> Struct:
    with in_terms_of(_NAMES):
        made = categories.create(ctx, type=ask.facts["category_type"], **told(ask.facts, _PLAIN))
    return _shown(one(ctx, made.id))


def update_category(ctx: Context, ask: Ask) -> Struct:
    with in_terms_of(_NAMES):
        changed = categories.change(ctx, _id(ctx, ask), **told(ask.facts, _PLAIN))
    return _shown(one(ctx, changed.id))


def delete_category(ctx: Context, ask: Ask) -> Id:
    categories.delete(ctx, _id(ctx, ask))
    return Id(int(ask.id))


def set_category_team(ctx: Context, ask: Ask) -> Struct:
    category_id = _id(ctx, ask)
    categories.set_team(ctx, category_id, people(ctx, ask.facts.get("users"), "users"))
    return _shown(one(ctx, category_id))


def migrate_category(ctx: Context, ask: Ask) -> Struct:
    category_id = _id(ctx, ask)
    target_id = reference(ctx, Category, ask.facts["target_id"], "target_id")
    with in_terms_of({}):
        categories.migrate(ctx, category_id, target_id)
    return _shown(one(ctx, category_id))


def _id(ctx: Context, ask: Ask) -> str:
    return overviews.id_of(ctx, Category, int(ask.id), by="number")


def _shown(row: CategorySeen) -> CategoryJson:
    return CategoryJson(
        row.number,
        row.name,
        row.description,
        row.type,
        row.visibility,
        row.icon,
        yes_no(row.system_default),
        row.slug,
        row.filed,
        row.users_count,
        stamps(row.created_at, row.updated_at),
    )


_PLAIN: Final = {
    "category_name": "name",
    "category_visibility": "visibility",
    "category_description": "description",
    "category_icon": "icon",
}
_NAMES: Final = {"type": "category_type", **{domain: wire for wire, domain in _PLAIN.items()}}
_NONE: Final[Any] = None
_PARAMETERS: Final = {
    "type": Filter("choice", _NONE, choices=TYPES),
    "visibility": Filter("text", _NONE),
    "search": Filter("text", _NONE, about="A part of the name or the description, in whatever case."),
}
_SORTS: Final = {"category_created": "created_at", "category_name": "name", "category_type": "type"}
_TAG: Final = "Categories"

OPERATIONS = (
    Operation(
        "listCategories", "GET", "/categories", list_categories, "List and search categories",
        Permission.READ_CATEGORIES, CategoryJson, parameters=_PARAMETERS, sorts=_SORTS,
        message="Categories retrieved successfully.", tag=_TAG,
    ),
    Operation(
        "createCategory", "POST", "/categories", create_category, "Create a category", Permission.CHANGE_CATEGORIES,
        CategoryJson, status=201, body=CategoryFields, required=("category_name", "category_type"),
        message="Category created successfully.", tag=_TAG,
    ),
    Operation(
        "getCategory", "GET", "/categories/{id}", get_category, "Get a category", Permission.READ_CATEGORIES,
        CategoryJson, message="Category retrieved successfully.", tag=_TAG,
    ),
    Operation(
        "updateCategory", "PATCH", "/categories/{id}", update_category, "Change a category; its type stays",
        Permission.CHANGE_CATEGORIES, CategoryJson, body=CategoryChange, required=("category_name",),
        message="Category updated successfully.", tag=_TAG,
    ),
    Operation(
        "deleteCategory", "DELETE", "/categories/{id}", delete_category, "Delete an empty category",
        Permission.CHANGE_CATEGORIES, Id, conflicts="The category is not empty, or is the default of its type.",
        message="Category deleted successfully.", tag=_TAG,
    ),
    Operation(
        "setCategoryTeam", "PUT", "/categories/{id}/team", set_category_team,
        "Set who looks after a category: exactly these people", Permission.CHANGE_CATEGORIES, CategoryJson,
        body=UsersField, message="Category team updated successfully.", tag=_TAG,
    ),
    Operation(
        "migrateCategory", "PUT", "/categories/{id}/migrate", migrate_category,
        "File everything of a category under another one of its type", Permission.CHANGE_CATEGORIES, CategoryJson,
        body=TargetField, required=("target_id",), message="Category items migrated successfully.", tag=_TAG,
    ),
)  # fmt: skip
