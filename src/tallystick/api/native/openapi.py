"""The native API's OpenAPI document, at `/api/openapi.json`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from tallystick.api.native.views import MONEY_FIELDS
from tallystick.api.native.wire import PREFIX, ErrorAnswer, camel, parameters_of
from tallystick.api.native.words import WORDS
from tallystick.api.openapi import Dialect, document
from tallystick.api.wire import Operation

_ID: Final = re.compile(r"(?<!tax)Ids?$")
_DESCRIPTION: Final = """\
Clients, projects, tasks, time, expenses and invoices of one workspace, for the person whose token asks.

Send `Authorization: Bearer hsk_…`. Every `POST` needs an `Idempotency-Key`: a retry with the same key and body gets
the first answer again, with `Idempotent-Replayed: true`. An `ETag` names a version, and `If-Match` changes that version
and no other. Lists page by `nextCursor`; keep sort and filters while paging. Money travels as decimal strings. Errors
name every wrong field at once.
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
        versioned=True,
    )
    made = document(operations, dialect, version=version, server=server)
    for name, schema in made["components"]["schemas"].items():
        _describe(schema, name)
    for operation in operations:
        body = made["paths"][operation.path][operation.method.lower()].get("requestBody")
        if body is not None and operation.body is not None:
            _describe(body["content"]["application/json"]["schema"], operation.body.__name__)
    return made


def _describe(schema: dict[str, Any], called: str) -> None:
    """Say of each field what it means, and of text what it holds; the name tells where the type does not."""
    noun = called.removesuffix("Json").removesuffix("Fields").replace("Draft", "Invoice")
    properties: dict[str, dict[str, Any]] = schema.get("properties", {})
    for name, field in properties.items():
        about = WORDS.get(f"{noun}.{name}") or WORDS.get(name)
        if about is not None:
            field.setdefault("description", about)
        form = "date-time" if name.endswith("At") else "uuid" if name == "id" or _ID.search(name) else None
        options: list[dict[str, Any]] = field.get("anyOf", [field])
        for option in options:
            text = option.get("items", option)
            if form is not None and text.get("type") == "string":
                text["format"] = form


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
