"""Notifications on the wire: what the caller was told of, and how they want to hear of it. Ours."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from msgspec import UNSET, Struct, UnsetType

from tallystick.api.native.wire import LIMIT, Part, camel
from tallystick.api.wire import Ask, Nothing, Operation
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.listing import After, Filter
from tallystick.domain.notifications import choices, notification
from tallystick.domain.notifications.choices import Choice, Kind
from tallystick.domain.notifications.notification import Told


class NotificationJson(Struct, rename="camel", gc=False):
    id: str
    kind: Kind
    subject_id: str
    facts: dict[str, Any]
    path: str
    created_at: datetime
    read_at: datetime | None


class ReadAllJson(Struct, rename="camel", gc=False):
    read: int


class NotificationSettingJson(Struct, rename="camel", gc=False):
    kind: Kind
    in_app: bool
    by_mail: bool


class NotificationSettingFields(Struct, rename="camel"):
    kind: Kind | UnsetType = UNSET
    in_app: bool | UnsetType = UNSET
    by_mail: bool | UnsetType = UNSET


def list_notifications(ctx: Context, ask: Ask) -> Part:
    after: After | None = ask.query.get("after")
    found, more = notification.page(
        ctx,
        unread=ask.query.get("unread"),
        before=None if after is None else after.id,
        limit=ask.query.get("limit", LIMIT),
    )
    return Part([_json(one) for one in found], After(None, found[-1].id) if more else None)


def read_notification(ctx: Context, ask: Ask) -> Struct:
    return _json(notification.read(ctx, ask.id))


def read_notifications(ctx: Context, _ask: Ask) -> Struct:
    return ReadAllJson(notification.read_all(ctx))


def list_settings(ctx: Context, _ask: Ask) -> list[Struct]:
    return _settings(choices.read(ctx))


def update_settings(ctx: Context, ask: Ask) -> list[Struct]:
    return _settings(choices.choose(ctx, **ask.facts))


def _json(told: Told) -> NotificationJson:
    facts = {camel(name): fact for name, fact in told.facts.items()}
    return NotificationJson(told.id, told.kind, told.subject_id, facts, told.path, told.created_at, told.read_at)


def _settings(chosen: dict[Kind, Choice]) -> list[Struct]:
    return [NotificationSettingJson(kind, *choice) for kind, choice in chosen.items()]


_NONE: Any = None
_SELF: Final = Permission.READ_SELF
_TAG: Final = "Notifications"

OPERATIONS = (
    Operation(
        "listNotifications", "GET", "/notifications", list_notifications,
        "The caller's notifications, the newest first",
        _SELF, NotificationJson, many=True, tag=_TAG,
        parameters={
            "cursor": Filter("text", _NONE, about="Opaque pagination cursor: nextCursor from a previous response."),
            "limit": Filter("least_count", _NONE, about="Page size (1–200, default 50)."),
            "unread": Filter("flag", _NONE, about="Only those that are not read, or only those that are."),
        },
    ),
    Operation(
        "readNotification", "POST", "/notifications/{id}/read", read_notification, "Mark a notification as read",
        _SELF, NotificationJson, body=Nothing, tag=_TAG,
    ),
    Operation(
        "readAllNotifications", "POST", "/notifications/read-all", read_notifications,
        "Mark all notifications as read", _SELF, ReadAllJson, body=Nothing, tag=_TAG,
    ),
    Operation(
        "listNotificationSettings", "GET", "/notification-settings", list_settings,
        "How the caller hears of each kind", _SELF, NotificationSettingJson, many=True, tag=_TAG,
    ),
    Operation(
        "updateNotificationSettings", "PATCH", "/notification-settings", update_settings,
        "Choose how to hear of a kind; what is left out stays", _SELF, NotificationSettingJson,
        body=NotificationSettingFields, required=("kind",), many=True, tag=_TAG,
    ),
)  # fmt: skip
