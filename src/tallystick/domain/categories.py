"""Categories: under which heading a studio files its projects, clients, invoices and expenses."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from typing import Any, ClassVar, Final, Literal, get_args

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint, bindparam, literal_column, select, text
from sqlalchemy import delete as delete_rows
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Id, Row, Tenant, one_of, table_of, within_workspace
from tallystick.db.session import Prepared
from tallystick.domain import numbers
from tallystick.domain.access import Permission
from tallystick.domain.context import SENTENCES, Context, workspace
from tallystick.domain.listing import Listing
from tallystick.values.errors import Absent, Conflict, Invalid

Type = Literal["project", "client", "invoice", "expense"]
TYPES: Final[tuple[Type, ...]] = get_args(Type)
FILED: Final[dict[str, str]] = {
    "project": "projects",
    "client": "clients",
    "invoice": "invoices",
    "expense": "expenses",
}
"""Type → the table of what is filed under categories of that type."""
LONGEST_NAME: Final = 100


class CategoryMember(Row):
    """Who looks after a category."""

    __tablename__ = "category_members"

    workspace_id: Mapped[Id] = mapped_column(primary_key=True)
    category_id: Mapped[Id] = mapped_column(primary_key=True)
    user_id: Mapped[Id] = mapped_column(primary_key=True)

    __table_args__ = (
        within_workspace("category_id", "categories.id"),
        within_workspace("user_id", "members.user_id"),
    )


class Category(Tenant):
    """A heading of one type. Of each type there is one that is the system's: what has no other is filed there."""

    __tablename__ = "categories"
    noun: ClassVar[str] = "category"

    number: Mapped[int]
    name: Mapped[str]
    type: Mapped[str]
    visibility: Mapped[str] = mapped_column(default="everyone")
    description: Mapped[str | None]
    icon: Mapped[str | None]
    slug: Mapped[str]
    system_default: Mapped[bool] = mapped_column(default=False)
    created_by: Mapped[Id | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("created_by", "members.user_id"),
            UniqueConstraint("workspace_id", "number"),
            CheckConstraint("number >= 1", name="number"),
            CheckConstraint("NOT system_default OR deleted_at IS NULL", name="system_default_stays"),
            one_of("type", TYPES),
            Index(
                "uq_categories_name", "workspace_id", "type", text("lower(name)"), unique=True,
                postgresql_where="deleted_at IS NULL",
            ),
            Index(
                "uq_categories_system_default", "workspace_id", "type", unique=True,
                postgresql_where="system_default",
            ),
        )  # fmt: skip


_table = table_of(Category)
_team = table_of(CategoryMember)
_COUNTS = [
    # By table, not by class: what is filed is above this noun.
    f"WHEN '{kind}' THEN (SELECT count(*) FROM {table} WHERE {table}.workspace_id = categories.workspace_id "
    f"AND {table}.category_id = categories.id AND {table}.deleted_at IS NULL)"
    for kind, table in FILED.items()
]
_COUNT = literal_column(f"CASE categories.type {' '.join(_COUNTS)} END", BigInteger())
_USERS_COUNT = literal_column(
    "(SELECT count(*) FROM category_members WHERE category_members.workspace_id = categories.workspace_id "
    "AND category_members.category_id = categories.id)",
    BigInteger(),
)

CATEGORIES = Listing(
    Category,
    sorts=("name", "type", "created_at", "number"),
    search=("name", "description"),
    exact=("type", "visibility"),
    choices={"type": TYPES},
    computed={"filed": _COUNT, "users_count": _USERS_COUNT},
)


def found(ctx: Context) -> None:
    """Give a new workspace a default category of each type."""
    for number, kind in enumerate(TYPES, 1):
        category = Category(number=number, name="Default", type=kind, slug=f"{number}-default", system_default=True)
        ctx.add(category, later=True)
        ctx.record("created", category)


def create(ctx: Context, *, name: str, type: Type, **facts: Any) -> Category:  # noqa: A002 - the trade's word
    """Add a category of a type. Each type has a name once."""
    ctx.require(Permission.CHANGE_CATEGORIES)
    if type not in TYPES:
        raise Invalid(fields={"type": f"one of {', '.join(TYPES)}"})
    name = _checked(name)
    _refuse_taken(ctx, name, type)
    number = numbers.draw(ctx, Category)
    category = ctx.add(Category(number=number, name=name, type=type, slug=_slug(number, name), **facts))
    ctx.record("created", category)
    return category


def read(ctx: Context, category_id: str) -> Category:
    """One category."""
    ctx.require(Permission.READ_CATEGORIES)
    return ctx.find(Category, category_id)


def change(ctx: Context, category_id: str, **facts: Any) -> Category:
    """Change a category's name, description, icon or visibility. Its type stays, and what is filed with it."""
    ctx.require(Permission.CHANGE_CATEGORIES)
    if facts.keys() - {"name", "description", "icon", "visibility"}:
        raise TypeError("Only name, description, icon and visibility change.")
    category = ctx.find(Category, category_id, lock="update")
    if "name" in facts:
        facts["name"] = _checked(facts["name"])
        facts["slug"] = _slug(category.number, facts["name"])
        if facts["name"].lower() != category.name.lower():
            _refuse_taken(ctx, facts["name"], category.type)
    if ctx.change(category, **facts):
        ctx.record("updated", category)
    return category


def delete(ctx: Context, category_id: str) -> None:
    """Delete a category under which nothing is filed; see `migrate`."""
    ctx.require(Permission.CHANGE_CATEGORIES)
    category = ctx.find(Category, category_id, lock="update")
    if category.system_default:
        raise Conflict("This is the system's default category. It cannot be deleted.")
    if ctx.row(_HOLDS[category.type], id=category.id) is not None:
        raise Conflict(f"There are {FILED[category.type]} in this category. Move them to another one first.")
    ctx.change(category, deleted_at=ctx.now)
    ctx.record("deleted", category)


def migrate(ctx: Context, category_id: str, target_id: str) -> Category:
    """File everything of one category under another of the same type. Answers the one that is empty now."""
    ctx.require(Permission.CHANGE_CATEGORIES)
    if category_id == target_id:
        raise Invalid(fields={"target_id": "must be another category"})
    first, second = sorted((category_id, target_id))
    locked = {one.id: one for one in (_locked(ctx, first, target_id), _locked(ctx, second, target_id))}
    category, target = locked[category_id], locked[target_id]
    if target.type != category.type:
        raise Invalid(fields={"target_id": f"must be a category of {FILED[category.type]}"})
    ctx.write(_MIGRATE[category.type], id=category.id, target=target.id, now=ctx.now)
    ctx.record_facts("migrated", category, target_id=target.id)
    return category


def set_team(ctx: Context, category_id: str, user_ids: list[str]) -> Category:
    """Say who looks after a category: exactly these people."""
    ctx.require(Permission.CHANGE_CATEGORIES)
    category = ctx.find(Category, category_id, lock="update")
    wanted = sorted(set(user_ids))
    if len(ctx.rows(_COLLEAGUES, user_ids=wanted)) != len(wanted):
        raise Absent(fields={"users": "no such member"})
    ctx.write(_CLEAR, id=category.id)
    for user_id in wanted:
        ctx.write(_PUT_ON, id=category.id, user_id=user_id)
    ctx.change(category, updated_at=ctx.now)
    ctx.record_facts("team_changed", category, users=wanted)
    return category


def team(ctx: Context, category_id: str) -> list[str]:
    """The user ids of those who look after a category."""
    ctx.require(Permission.READ_CATEGORIES)
    return [user_id for (user_id,) in ctx.rows(_TEAM, id=ctx.find(Category, category_id).id)]


def default(ctx: Context, kind: Type) -> str:
    """The id of the system's category of a type."""
    found = ctx.row(_DEFAULT, type=kind)
    assert found is not None  # noqa: S101 - every workspace has one of each, and they are never deleted
    return found[0]


def filed_under(ctx: Context, kind: Type, category_id: str | None) -> str:
    """The id of the category under which something of a type is to be filed; None: the system's.

    It is there until the transaction ends: `delete` waits.
    """
    if category_id is None:
        return default(ctx, kind)
    category = ctx.reference(Category, category_id, "category_id", lock="share")
    if category.type != kind:
        raise Absent(fields={"category_id": f"no such category of {FILED[kind]}"})
    return category.id


def _locked(ctx: Context, category_id: str, target_id: str) -> Category:
    if category_id == target_id:
        # Shared with whoever files something under it meanwhile: they may hold a row that is about to move.
        return ctx.reference(Category, category_id, "target_id", lock="share")
    return ctx.find(Category, category_id, lock="update")


def _checked(name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= LONGEST_NAME:
        raise Invalid(fields={"name": f"1 to {LONGEST_NAME} characters"})
    return name


def _refuse_taken(ctx: Context, name: str, kind: str) -> None:
    if ctx.row(_NAMED, name=name, type=kind) is not None:
        raise Invalid(TAKEN, fields={"name": TAKEN})


def _slug(number: int, name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return "-".join((str(number), *re.findall("[a-z0-9]+", plain)))


TAKEN: Final = "A category with this name already exists."
_id = bindparam("id", type_=_table.c.id.type)
_user_id = bindparam("user_id", type_=_table.c.id.type)
_DEFAULT = Prepared(
    select(_table.c.id).where(
        _table.c.workspace_id == workspace(),
        _table.c.type == bindparam("type", type_=_table.c.type.type),
        _table.c.system_default,
    )
)
_NAMED = Prepared(
    text("""
        SELECT 1 FROM categories
        WHERE workspace_id = :workspace AND type = :type AND lower(name) = lower(:name) AND deleted_at IS NULL
    """)
)
_HOLDS = {
    kind: Prepared(
        text(f"""
            SELECT 1 FROM {table}
            WHERE workspace_id = :workspace AND category_id = :id AND deleted_at IS NULL LIMIT 1
        """)
    )
    for kind, table in FILED.items()
}
_MIGRATE = {
    # What was deleted goes along: nothing is left that refers to the category.
    kind: Prepared(
        text(f"""
            UPDATE {table} SET category_id = :target, updated_at = :now
            WHERE workspace_id = :workspace AND category_id = :id
        """)
    )
    for kind, table in FILED.items()
}
_COLLEAGUES = Prepared(
    text("""
        SELECT 1 FROM members
        WHERE workspace_id = :workspace AND user_id = ANY(CAST(:user_ids AS uuid[])) AND removed_at IS NULL
    """)
)
_TEAM = Prepared(select(_team.c.user_id).where(_team.c.category_id == _id).order_by(_team.c.user_id))
_CLEAR = Prepared(delete_rows(CategoryMember).where(_team.c.category_id == _id))
_PUT_ON = Prepared(insert(CategoryMember).values(workspace_id=workspace(), category_id=_id, user_id=_user_id))

SENTENCES["uq_categories_name"] = Invalid(TAKEN, fields={"name": TAKEN})
