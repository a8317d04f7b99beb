"""What many objects and bodies of the Grow CRM-compatible API are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from tallystick.api.growcrm import laravel
from tallystick.api.growcrm.numbers import stamp
from tallystick.domain import overviews
from tallystick.domain.categories import Category
from tallystick.domain.context import Context
from tallystick.domain.members import Member
from tallystick.domain.overviews.team import user_ids
from tallystick.domain.tax_rates import TaxRate
from tallystick.values.errors import NotFound

Name = Annotated[str, Meta(max_length=100)]
Title = Annotated[str, Meta(max_length=200)]
Tag = Annotated[str, Meta(max_length=60)]
Email = Annotated[str, Meta(max_length=254, extra_json_schema={"format": "email"})]


class Named(Struct, gc=False):
    id: int
    name: str


class Stamps(Struct, gc=False):
    created: str
    updated: str


class Booked(Struct, gc=False):
    date: date
    created: str


class TagsField(Struct):
    tags: list[Tag] | UnsetType | None = UNSET


class StatusWord(Struct):
    status: Title | UnsetType = UNSET


def named(number: int | None, name: str | None) -> Named | None:
    """Something by number and name, where there is such."""
    return None if number is None else Named(number, name or "")


def stamps(created: datetime, updated: datetime) -> Stamps:
    """When something was made, and changed last."""
    return Stamps(stamp(created), stamp(updated))


def told(given: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """What a body says, by the domain's names."""
    return {domain: given[wire] for wire, domain in names.items() if wire in given}


def referred(ctx: Context, given: Mapping[str, Any], kinds: Mapping[str, tuple[str, Any]]) -> dict[str, Any]:
    """The ids behind the numbers that a body gives, by the domain's names: field → name, and kind of row."""
    return {
        domain: None if given[wire] is None else reference(ctx, kind, given[wire], wire)
        for wire, (domain, kind) in kinds.items()
        if wire in given
    }


def reference(ctx: Context, kind: Any, number: int, field: str) -> str:
    """The id behind a number in a body. What is not there is a wrong value of the field."""
    try:
        if kind in _BY_NUMBER:
            return overviews.id_of(ctx, kind, number, column=_BY_NUMBER[kind], by="number")
        return overviews.id_of(ctx, kind, number)
    except NotFound:
        raise laravel.selected(field) from None


def people(ctx: Context, numbers: Sequence[int] | None, field: str) -> list[str]:
    """The user ids of members by their numbers."""
    found = user_ids(ctx, numbers or [])
    if found is None:
        raise laravel.selected(field)
    return found


_BY_NUMBER: Final[Mapping[Any, str]] = {Member: "user_id", Category: "id", TaxRate: "id"}
"""What is counted in each workspace → the column by which others refer to it."""
