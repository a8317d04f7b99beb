"""Exports on the wire: everything as one zip, asked for here, and fetched on its page by the owner."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from tallystick.api.native.views import View
from tallystick.api.wire import Ask, Nothing, Operation
from tallystick.domain import exports
from tallystick.domain.access import Permission
from tallystick.domain.context import Context
from tallystick.domain.exports import Export, State


class ExportJson(Struct, rename="camel", gc=False):
    id: str
    org_id: str
    state: State
    progress: int
    size: int
    failure: str | None
    created_at: datetime
    finished_at: datetime | None
    expires_at: datetime | None


EXPORT = View(Export, ExportJson)


def request_export(ctx: Context, _ask: Ask) -> Struct:
    return EXPORT.one(ctx.actor, exports.ask(ctx))


def list_exports(ctx: Context, _ask: Ask) -> list[Struct]:
    return [EXPORT.one(ctx.actor, one) for one in exports.listed(ctx)]


def get_export(ctx: Context, ask: Ask) -> Struct:
    return EXPORT.one(ctx.actor, exports.read(ctx, ask.id))


OPERATIONS = (
    Operation(
        "requestExport", "POST", "/exports", request_export, "Have everything exported", Permission.EXPORT_EVERYTHING,
        ExportJson, status=201, body=Nothing, conflicts="An export is under way.", tag="Exports",
    ),
    Operation(
        "listExports", "GET", "/exports", list_exports, "List the last exports", Permission.EXPORT_EVERYTHING,
        ExportJson, many=True, tag="Exports",
    ),
    Operation(
        "getExport", "GET", "/exports/{id}", get_export, "Get an export, and how far it is",
        Permission.EXPORT_EVERYTHING, ExportJson, tag="Exports",
    ),
)  # fmt: skip
