"""The native API's OpenAPI document, at `/api/openapi.json`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from tallystick.api.native.views import MONEY_FIELDS
from tallystick.api.native.wire import PREFIX, ErrorAnswer, camel, parameters_of
from tallystick.api.openapi import Dialect, document
from tallystick.api.wire import Operation

_DESCRIPTION: Final = """\
Clients, projects, tasks, time, expenses and invoices of one workspace, for the person whose token asks.

Send `Authorization: Bearer hsk_…`. Every `POST` needs an `Idempotency-Key`: a retry with the same key and body gets
the first answer again, with `Idempotent-Replayed: true`. Lists page by `nextCursor`; keep sort and filters while
paging. Money travels as decimal strings. Errors name every wrong field at once.
"""


def native_document(operations: Sequence[Operation], *, version: str, server: str) -> dict[str, Any]:
    """The document for a server at this public URL."""
    dialect = Dialect(
        title="Tallystick API",
        description=_DESCRIPTION,
        prefix=PREFIX,
        security_name="BearerAuth",
        security={
            "type": "http",
            "scheme": "bearer",
            "description": "Personal Access Token. Token shape: hsk_<env>_<prefix12>_<secret32>.",
        },
        error=ErrorAnswer,
        parameters_of=parameters_of,
        wire_name=camel,
        page=_page,
        money_fields=MONEY_FIELDS,
    )
    return document(operations, dialect, version=version, server=server)


def _page(item: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "data": {"type": "array", "items": item},
            "pagination": {
                "type": "object",
                "properties": {
                    "limit": {"type": "integer"},
                    "nextCursor": {"type": ["string", "null"]},
                },
                "required": ["limit", "nextCursor"],
            },
        },
        "required": ["data", "pagination"],
    }
