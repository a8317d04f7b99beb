"""Categories by number: each with how much is filed under it, and by how many it is looked after."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from tallystick.domain.access import Permission
from tallystick.domain.categories import CATEGORIES
from tallystick.domain.context import Context


class CategorySeen(NamedTuple):
    """A category."""

    id: str
    number: int
    name: str
    description: str | None
    type: str
    visibility: str
    icon: str | None
    system_default: bool
    slug: str
    filed: int
    """How much."""
    users_count: int
    created_at: datetime
    updated_at: datetime


def one(ctx: Context, identity: str | int) -> CategorySeen:
    """One category: by its number, or by its id where that is at hand."""
    ctx.require(Permission.READ_CATEGORIES)
    by = "number" if isinstance(identity, int) else "id"
    return CategorySeen._make(CATEGORIES.one(ctx, CategorySeen._fields, identity, by))


def page(ctx: Context, filters: dict[str, Any], **where: Any) -> tuple[list[CategorySeen], int]:
    """One page of categories by its number, and how many there are on all of them."""
    ctx.require(Permission.READ_CATEGORIES)
    found = CATEGORIES.numbered(ctx, CategorySeen._fields, filters, **where)
    return [CategorySeen._make(row) for row in found.rows], found.total
