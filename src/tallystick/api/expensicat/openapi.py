"""The OpenAPI document of the Expensicat-compatible API, at `/v1/openapi.json`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from tallystick.api.expensicat.wire import LIMIT, MOST, ErrorAnswer, parameters_of
from tallystick.api.openapi import Dialect, document
from tallystick.api.wire import Operation

_DESCRIPTION: Final = """\
Time entries, projects, customers, members and metrics of one organization, in the shapes of Expensicat's API.

Send `Authorization: Bearer …` with a session JWT or an OAuth 2 access token. Lists page by `meta.next_cursor`; keep
the filters while paging. Unknown body fields and parameters are ignored. An `Idempotency-Key` may be sent with any
write: a retry with the same key and body gets the first answer again.
"""


def expensicat_document(operations: Sequence[Operation], *, version: str, server: str, prefix: str) -> dict[str, Any]:
    """The document for a server at this public URL."""
    dialect = Dialect(
        title="Tallystick API for Expensicat clients",
        description=_DESCRIPTION,
        prefix=prefix,
        security_name="bearerAuth",
        security={"type": "http", "scheme": "bearer", "description": "Session JWT or OAuth2 access token"},
        error=ErrorAnswer,
        parameters_of=parameters_of,
        wire_name=str,
        page=_page,
        money_fields={},
        default_limit=LIMIT,
        most=MOST,
        needs_idempotency_key=False,
        lenient=True,
        invalid=400,
        absent=404,
    )
    return document(operations, dialect, version=version, server=server)


def _page(item: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "data": {"type": "array", "items": item},
            "meta": {
                "type": "object",
                "properties": {
                    "count": {"type": "integer", "description": "How many items this page has."},
                    "next_cursor": {"type": ["string", "null"], "description": "Null on the last page."},
                },
                "required": ["count", "next_cursor"],
            },
        },
        "required": ["data", "meta"],
    }
