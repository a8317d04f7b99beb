"""The OpenAPI document of the Expensicat-compatible API, at `/v1/openapi.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

_WORDS: Final[Mapping[str, str]] = {
    "start_time": "ISO 8601; without a time zone it is UTC.",
    "end_time": "Null while it runs; without one a timer starts.",
    "duration": "Whole seconds; 0 while it runs.",
    "billable": "False for what no customer can be billed for.",
    "invoice_id": "Set once it is on an invoice: then it is locked.",
    "invoice": "Null while there is none.",
    "avatar_url": "Always null.",
    "Organization.avatar_url": "The logo.",
    "active": "False: archived, it takes no more time.",
    "currency": "ISO 4217; the customer's, else the base currency.",
    "Project.hourly_rate": "Null for people who see no amounts.",
    "EntryProject.hourly_rate": "Null for people who see no amounts.",
    "customer_id": "Without one its time is not billable.",
    "country_code": "ISO 3166, two letters.",
    "Organization.slug": "Made from the name.",
    "logo": "A web address.",
    "period": "The first day of the month.",
    "MemberUser.id": "This one stands in paths.",
}
"""What fields mean, by name or by noun and name, where the name does not say it all."""


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
    made = document(operations, dialect, version=version, server=server)
    for name, schema in made["components"]["schemas"].items():
        _describe(schema, name)  # bodies share their fields with these
    for parameter in made["paths"]["/time-entries"]["get"]["parameters"]:
        if parameter["name"] == "user_id":
            parameter |= {"schema": {"type": "string", "pattern": _ME_OR_ID}, "description": _WHOSE}
    return made


_ME_OR_ID: Final = "^(me|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$"
_WHOSE: Final = "`me`, or the id of a user; left out: all that you may see."


def _describe(schema: dict[str, Any], called: str) -> None:
    """Say of each field what it means, and of the texts of an answer which are instants."""
    noun = called.removesuffix("Json")
    for name, field in schema.get("properties", {}).items():
        about = _WORDS.get(f"{noun}.{name}") or _WORDS.get(name)
        if about is not None:
            field.setdefault("description", about)
        if name.endswith(("_time", "_at")) and not called.endswith("Fields"):
            field.get("anyOf", [field])[0].setdefault("format", "date-time")


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
