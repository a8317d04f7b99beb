"""The OpenAPI document of the Grow CRM-compatible API, at `/api/growcrm/openapi.json`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from tallystick.api.growcrm.forms import FORM
from tallystick.api.growcrm.wire import LIMIT, MOST, PREFIX, ErrorAnswer
from tallystick.api.openapi import Dialect, document
from tallystick.api.wire import Operation
from tallystick.domain.listing import Filter

_DESCRIPTION: Final = """\
Timesheets, tasks, projects, clients and the rest of the record of one workspace, in the shapes of Grow CRM's API.

Send `Authorization: Bearer …` with an API key of the workspace; it acts as its owner. Bodies are forms or JSON; \
fields that are not known are ignored. Lists have page numbers. An `Idempotency-Key` may be sent with any write: a \
retry with the same key and body gets the first answer again.
"""


def growcrm_document(operations: Sequence[Operation], *, version: str, server: str) -> dict[str, Any]:
    """The document for a server at this public URL."""
    dialect = Dialect(
        title="Tallystick API for Grow CRM clients",
        description=_DESCRIPTION,
        prefix=PREFIX,
        security_name="apiKey",
        security={"type": "http", "scheme": "bearer", "description": "API key of the workspace"},
        error=ErrorAnswer,
        parameters_of=parameters_of,
        wire_name=str,
        page=_page,
        answer=_answer,
        money_fields={},
        default_limit=LIMIT,
        most=MOST,
        needs_idempotency_key=False,
        lenient=True,
        unknown=frozenset({403}),
        media=("application/json", FORM),
        path_id={"type": "integer", "minimum": 1, "maximum": 999_999_999_999_999_999},
    )
    return document(operations, dialect, version=version, server=server)


def parameters_of(operation: Operation) -> dict[str, Filter]:
    """The query parameters of an operation, in the order they are documented."""
    if not operation.sorts:
        return dict(operation.parameters)
    none: Any = None
    usual = "asc" if operation.upwards else "desc"
    return {
        "page": Filter("number", none, about="The number of the page, from 1."),
        "limit": Filter("number", none, about=f"Rows on a page, {LIMIT} unless told; above {MOST} counts as {MOST}."),
        "sort": Filter(
            "choice", none, choices=tuple(operation.sorts), about=f"{next(iter(operation.sorts))} unless told."
        ),
        "order": Filter("choice", none, choices=("asc", "desc"), about=f"{usual} unless told."),
        **operation.parameters,
    }


def _answer(item: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"data": item, "message": {"type": "string", "description": "What was done, for people."}},
        "required": ["data", "message"],
    }


def _page(item: Any) -> dict[str, Any]:
    count = {"type": "integer", "minimum": 0}
    answer = _answer({"type": "array", "items": item})
    answer["properties"]["meta"] = {
        "type": "object",
        "properties": {
            "current_page": count,
            "per_page": count,
            "total": {**count, "description": "How many rows there are; far behind this page they are not counted."},
            "last_page": count,
        },
        "required": ["current_page", "per_page", "total", "last_page"],
    }
    answer["required"].append("meta")
    return answer
