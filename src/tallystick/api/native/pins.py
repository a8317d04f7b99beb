"""Pinned work on the wire: what the caller wants at hand when they start a timer. Ours."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from tallystick.api.wire import Ask, Nothing, Operation
from tallystick.domain import pins
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.pins import Pin


class PinnedWorkJson(Struct, rename="camel", gc=False):
    id: str
    project_id: str
    task_id: str | None
    project_name: str
    task_name: str | None
    position: int
    created_at: datetime


class PinFields(Struct, rename="camel"):
    position: Annotated[int, Meta(ge=1, le=pins.MOST)] | UnsetType | None = UNSET


def list_pinned_work(ctx: Context, _ask: Ask) -> list[Struct]:
    return [_json(one) for one in pins.pinned(ctx)]


def pin_work(ctx: Context, ask: Ask) -> Struct:
    return _json(pins.pin(ctx, ask.id, position=ask.facts.get("position")))


def unpin_work(ctx: Context, ask: Ask) -> None:
    pins.unpin(ctx, ask.id)


def _json(pin: Pin) -> Struct:
    return PinnedWorkJson(*pin)


_TAG: Final = "Time entries"

OPERATIONS = (
    Operation(
        "listPinnedWork", "GET", "/pinned-work", list_pinned_work, "The caller's pinned projects and tasks, in order",
        Permission.TRACK_TIME, PinnedWorkJson, many=True, tag=_TAG,
    ),
    Operation(
        "pinWork", "PUT", "/pinned-work/{id}", pin_work, "Pin a project or a task by its id, or move the pin",
        Permission.TRACK_TIME, PinnedWorkJson, body=PinFields, conflicts="Fifty things are pinned already.", tag=_TAG,
    ),
    Operation(
        "unpinWork", "DELETE", "/pinned-work/{id}", unpin_work, "Take a pin away", Permission.TRACK_TIME, status=204,
        body=Nothing, tag=_TAG,
    ),
)  # fmt: skip
