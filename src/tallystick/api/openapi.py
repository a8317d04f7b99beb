"""An OpenAPI 3.1 document from a table of operations: what the router serves is what the document says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from msgspec import Struct

from tallystick.api.fields import schema_of_ours
from tallystick.api.versions import reader_of, single_in
from tallystick.api.wire import Operation
from tallystick.domain.listing import Filter

ERRORS: Final[Mapping[int, str]] = {
    400: "The request cannot be read.",
    401: "The token is missing, malformed, expired or revoked.",
    402: "The workspace's plan does not include the API.",
    403: "The role or the token's scopes do not allow this.",
    404: "It does not exist, or the caller may not see it.",
    405: "The method is not allowed here.",
    408: "The body did not arrive in time.",
    409: "The state of things forbids it, or the Idempotency-Key was used for another request.",
    412: "It is no longer the version that `If-Match` names.",
    413: "The body is too large.",
    415: "The body is of a type that is not read here.",
    422: "A field is wrong, or the Idempotency-Key is missing; `fields` names each one.",
    429: "Too many requests; `Retry-After` says when to come back.",
    503: "The database is away for a moment; `Retry-After` says when to come back.",
}


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs between the documents of the APIs."""

    title: str
    description: str
    prefix: str
    security_name: str
    security: Mapping[str, Any]
    error: type[Struct]
    parameters_of: Any
    """Operation → its query parameters by domain name."""
    wire_name: Any
    """Domain name → the name on the wire."""
    page: Any
    """Schema of items → schema of a page of them."""
    money_fields: Mapping[type[Struct], frozenset[str]]
    """Answer → its fields that money-blind people do not receive."""
    default_limit: int = 50
    most: int = 200
    needs_idempotency_key: bool = True
    lenient: bool = False
    """Whether unknown body fields are ignored."""
    invalid: int = 422
    """The status of a wrong field."""
    absent: int = 422
    """The status of a body that names what does not exist."""
    unknown: frozenset[int] = frozenset()
    """Statuses that this API never answers."""
    media: tuple[str, ...] = ("application/json",)
    """The types of bodies it reads."""
    versioned: bool = False
    """Whether answers say their version, and changes may be made on condition of it."""
    path_id: Mapping[str, Any] = field(default_factory=lambda: {"type": "string", "format": "uuid"})
    """The schema of an id in a path."""
    answer: Any = None
    """Schema of a resource → schema of an answer with it; None: `{"data": …}`."""


def document(operations: Sequence[Operation], dialect: Dialect, *, version: str, server: str) -> dict[str, Any]:
    """The whole document, ready to be encoded."""
    kinds: list[Any] = [dialect.error]
    for operation in operations:
        kinds += [kind for kind in (operation.answer, operation.body) if kind is not None]
    schemas, components = msgspec.json.schema_components(
        kinds, schema_hook=schema_of_ours, ref_template="#/components/schemas/{name}"
    )
    by_kind = dict(zip(kinds, schemas, strict=True))
    single, places = single_in(operations) if dialect.versioned else ({}, {})
    for kind, names in dialect.money_fields.items():
        _mark_money(components.get(kind.__name__, {}), names)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(
            operation, dialect, by_kind, components
        )
        if dialect.versioned:
            _add_versions(paths[operation.path][operation.method.lower()], operation, single, places)
    return {
        "openapi": "3.1.0",
        "info": {"title": dialect.title, "version": version, "description": dialect.description},
        "servers": [{"url": server + dialect.prefix}],
        "security": [{dialect.security_name: []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(operation.tag for operation in operations)],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {dialect.security_name: dict(dialect.security)},
        },
    }


def _operation(
    operation: Operation, dialect: Dialect, by_kind: Mapping[Any, Any], components: dict[str, Any]
) -> dict[str, Any]:
    said: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": _parameters(operation, dialect),
        "responses": _responses(operation, dialect, by_kind),
        "x-permission": operation.permission.name,
        "x-scope": operation.scope or ("write" if operation.writes else "read"),
    }
    if operation.body is not None and operation.body.__struct_fields__:
        said["requestBody"] = {
            "required": bool(operation.required),
            "content": {media: {"schema": _body_schema(operation, dialect, components)} for media in dialect.media},
        }
    if operation.upload is not None:
        binary = {"schema": {"type": "string", "format": "binary", "maxLength": operation.upload.limit}}
        said["requestBody"] = {"required": True, "content": dict.fromkeys(operation.upload.media, binary)}
    return said


def _add_versions(
    said: dict[str, Any], operation: Operation, single: dict[str, Operation], places: Mapping[Any, str]
) -> None:
    """The headers of RFC 9110 and RFC 7240 where they mean something, and what is answered to them."""
    text = {"type": "string"}
    if not operation.writes:
        if single.get(operation.path) is operation:
            said["parameters"].append(
                {"name": "If-None-Match", "in": "header", "schema": text, "description": "ETags that you have."}
            )
            said["responses"]["200"]["headers"] = {"ETag": {"schema": text, "description": "The version."}}
            said["responses"]["304"] = {"description": "It is still the version that `If-None-Match` names; no body."}
        return
    if reader_of(operation, single) is not None:
        said["parameters"].append(
            {
                "name": "If-Match",
                "in": "header",
                "schema": text,
                "description": "The ETag of the version that is to be changed, and of no other.",
            }
        )
        said["responses"]["412"] = {**said["responses"]["422"], "description": ERRORS[412]}
    if operation.answer in places and not operation.many:
        preference = {**text, "enum": ["return=minimal", "return=representation"]}
        about = "`return=minimal`: the answer without the resource."
        said["parameters"].append({"name": "Prefer", "in": "header", "schema": preference, "description": about})
        answer = said["responses"][str(operation.status)]
        answer["headers"] = {"ETag": {"schema": text, "description": "The version."}}
        if operation.status == 201:
            answer["headers"]["Location"] = {"schema": text, "description": "Where it is."}
        else:
            said["responses"]["204"] = {"description": "Done; `Prefer: return=minimal` asked for no body."}


def _mark_money(schema: dict[str, Any], names: frozenset[str]) -> None:
    """Fields that are absent, not null, for people who may not see money."""
    for name in names:
        if name in schema.get("properties", {}):
            schema["properties"][name]["x-money"] = True
    if names and "required" in schema:
        schema["required"] = [name for name in schema["required"] if name not in names]


def _parameters(operation: Operation, dialect: Dialect) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": dict(dialect.path_id)}
        for name in _path_names(operation.path)
    ]
    for name, rule in dialect.parameters_of(operation).items():
        wire_name = dialect.wire_name(name)
        schema = _filter_schema(wire_name, rule, dialect)
        found.append({"name": wire_name, "in": "query", "schema": schema, "description": _about(rule)})
        if rule.required:
            found[-1]["required"] = True
    if operation.method == "POST":
        found.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": dialect.needs_idempotency_key,
                "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-+\\--~]+$"},
                "description": "One key for one logical write; a retry with it gets the first answer again.",
            }
        )
    return found


def _path_names(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


def _filter_schema(name: str, rule: Filter, dialect: Dialect) -> dict[str, Any]:
    if name == "limit":
        return {"type": "integer", "minimum": 1, "maximum": dialect.most, "default": dialect.default_limit}
    schemas: dict[str, dict[str, Any]] = {
        "id": {"type": "string", "format": "uuid"},
        "text": {"type": "string", "maxLength": 200 if name not in ("cursor", "sort") else 2048},
        "day": {"type": "string", "format": "date"},
        "flag": {"type": "boolean"},
        "switch": {"type": "boolean"},
        "choice": {"type": "string", "enum": list(rule.choices)},
        "since": {"type": "string"},
        "until": {"type": "string"},
        "least": {"type": "string", "pattern": r"^-?\d{1,15}(\.\d{1,15})?$"},
        "most": {"type": "string", "pattern": r"^-?\d{1,15}(\.\d{1,15})?$"},
        "least_count": {"type": "integer", "minimum": 0, "maximum": 999_999_999_999_999},
        "most_count": {"type": "integer", "minimum": 0, "maximum": 999_999_999_999_999},
        "number": {"type": "integer", "minimum": 1},
        "texts": {"type": "array", "items": {"type": "string"}},
    }
    return schemas[rule.kind]


def _about(rule: Filter) -> str:
    if rule.about:
        return rule.about
    usual = {
        "since": "Inclusive lower bound: YYYY-MM-DD (UTC midnight of that day) or an ISO 8601 timestamp.",
        "until": "Inclusive upper bound: YYYY-MM-DD (the whole day is included) or an ISO 8601 timestamp.",
        "least": "Inclusive lower bound; a decimal such as 150.00 keeps its precision.",
        "most": "Inclusive upper bound.",
        "least_count": "Inclusive lower bound.",
        "most_count": "Inclusive upper bound.",
        "flag": "true or false; 1, 0, yes and no are understood.",
        "choice": "Case-insensitive.",
    }
    return usual.get(rule.kind, "Exact match.")


def _responses(operation: Operation, dialect: Dialect, by_kind: Mapping[Any, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if operation.status == 204:
        found["204"] = {"description": "Done; no body."}
    elif operation.file:
        binary = {"schema": {"type": "string", "format": "binary"}}
        found[str(operation.status)] = {"description": "The file.", "content": dict.fromkeys(operation.file, binary)}
    else:
        item = by_kind[operation.answer]
        if operation.nullable:
            item = {"anyOf": [item, {"type": "null"}]}
        if operation.whole:
            schema = item
        elif operation.many and dialect.answer is not None:
            schema = dialect.answer({"type": "array", "items": item})
        elif operation.listing is not None or operation.many or operation.sorts:
            schema = dialect.page(item)
        else:
            schema = (dialect.answer or _answer)(item)
        found[str(operation.status)] = {
            "description": "Created." if operation.status == 201 else "Found.",
            "content": {"application/json": {"schema": schema}},
        }
    statuses = {400, 401, 402, 403, dialect.invalid, 429, 503}
    if "{" in operation.path or operation.absent:
        statuses.add(404)
    if operation.writes:
        statuses |= {408, 409, 413, 415}
    if operation.body is not None:
        statuses.add(dialect.absent)
    error = {"application/json": {"schema": by_kind[dialect.error]}}
    for status in sorted(statuses - dialect.unknown):
        about = {404: operation.absent, 409: operation.conflicts}.get(status) or ERRORS[status]
        if status == dialect.invalid == 400:
            about = ERRORS[400] + " A field or a parameter is wrong; `details` names each one."
        found[str(status)] = {"description": about, "content": error}
    return found


def _answer(item: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"data": item}, "required": ["data"]}


def _body_schema(operation: Operation, dialect: Dialect, components: dict[str, Any]) -> Any:
    """The body's schema inline: one struct serves create and change, and only create has required fields."""
    assert operation.body is not None  # noqa: S101 - asked by the caller
    plain = components[operation.body.__name__]
    schema: dict[str, Any] = {**plain, "properties": dict(plain["properties"])}
    schema["additionalProperties"] = dialect.lenient
    schema.pop("title", None)
    for name in operation.read_only:
        schema["properties"][name] = {"description": "Accepted and ignored: clients send back what they read."}
    if operation.required:
        wire_names = dict(zip(operation.body.__struct_fields__, operation.body.__struct_encode_fields__, strict=True))
        schema["required"] = [wire_names[name] for name in operation.required]
    return schema
