"""The audit log on the wire: pages of it, and all of it as a table."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any, Final

from msgspec import Struct

from tallystick.api.native.wire import LIMIT, Part
from tallystick.api.wire import Ask, File, Operation
from tallystick.domain import audit
from tallystick.domain.access import Permission
from tallystick.domain.audit import Entry
from tallystick.domain.context import Context
from tallystick.domain.entering import enter
from tallystick.domain.listing import After, Filter

NOWHERE: Final = "00000000-0000-0000-0000-000000000000"


class AuditChangeJson(Struct, rename="camel", gc=False):
    type: str
    resource: str
    id: str
    before: Any
    after: Any


class AuditEntryJson(Struct, rename="camel", gc=False):
    sequence: int
    occurred_at: datetime
    actor_id: str | None
    actor_name: str | None
    action: str | None
    credential: str | None
    address: str | None
    user_agent: str | None
    request_id: str | None
    changes: list[AuditChangeJson]
    hash: str


def list_audit_log(ctx: Context, ask: Ask) -> Part:
    enter(ctx)
    query = dict(ask.query)
    after: After | None = query.pop("after", None)
    limit = query.pop("limit", LIMIT)
    before = None if after is None else int(after.value or 0)
    found, following = audit.page(ctx, before=before, limit=limit, **_filters(query))
    return Part([_shown(one) for one in found], None if following is None else After(str(following), NOWHERE))


def export_audit_log(ctx: Context, ask: Ask) -> File:
    enter(ctx)
    found, _ = audit.page(ctx, limit=audit.EXPORTED, **_filters(ask.query))
    return File("audit-log.csv", "text/csv; charset=utf-8", lambda: audit.as_csv(found))


def _filters(query: dict[str, Any]) -> dict[str, Any]:
    found = dict(query)
    for name, edge in (("since", time.min), ("until", time.max)):
        day = found.get(name)
        if isinstance(day, date) and not isinstance(day, datetime):
            found[name] = datetime.combine(day, edge, UTC)
    return found


def _shown(entry: Entry) -> AuditEntryJson:
    origin = entry.came_from
    return AuditEntryJson(
        entry.sequence,
        entry.occurred_at,
        entry.actor_id,
        entry.actor_name,
        origin.action or None,
        origin.credential or None,
        origin.address or None,
        origin.agent or None,
        origin.request or None,
        [AuditChangeJson(one.type, one.resource, one.id, one.before, one.after) for one in entry.changes],
        entry.hash.hex(),
    )


_NONE: Any = None
_PARAMETERS: Final = {
    "actor_id": Filter("id", _NONE, about="Who did it: a user id."),
    "action": Filter("text", _NONE, about="An operation id such as `updateClient`, or a command."),
    "resource": Filter("text", _NONE, about="`client`, `time_entry`, `invoice` …"),
    "resource_id": Filter("id", _NONE, about="The id of a row."),
    "since": Filter("since", _NONE),
    "until": Filter("until", _NONE),
}

OPERATIONS = (
    Operation(
        "listAuditLog", "GET", "/audit-log", list_audit_log, "Who did what, the newest first",
        Permission.READ_AUDIT, AuditEntryJson, many=True, enters=True, tag="Audit log",
        parameters={
            "cursor": Filter("text", _NONE, about="Opaque pagination cursor: nextCursor from a previous response."),
            "limit": Filter("least_count", _NONE, about="Page size (1–200, default 50)."),
            **_PARAMETERS,
        },
    ),
    Operation(
        "exportAuditLog", "GET", "/audit-log.csv", export_audit_log, "The audit log as a table",
        Permission.READ_AUDIT, file=("text/csv",), enters=True, tag="Audit log", parameters=_PARAMETERS,
    ),
)  # fmt: skip
