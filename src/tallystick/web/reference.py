"""The reference pages of the APIs: an OpenAPI document as a page for people, rendered once, when somebody opens it."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import falcon
from markupsafe import Markup, escape

from tallystick.domain.access import GRANTS, ROLES, Permission
from tallystick.web.assets import Assets
from tallystick.web.documents import Once
from tallystick.web.samples import EXPENSICAT as EXPENSICAT_SAMPLES
from tallystick.web.samples import FILES, Samples, sample
from tallystick.web.samples import GROWCRM as GROWCRM_SAMPLES
from tallystick.web.samples import NATIVE as NATIVE_SAMPLES
from tallystick.web.templating import templates_in

POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
FORM: Final = "application/x-www-form-urlencoded"
CODES: Final[Mapping[int, tuple[str, ...]]] = {
    400: ("bad_request",),
    401: ("unauthenticated",),
    402: ("forbidden_plan",),
    403: ("forbidden_scope",),
    404: ("not_found",),
    405: ("bad_request",),
    408: ("bad_request",),
    409: ("conflict",),
    412: ("precondition_failed",),
    413: ("bad_request",),
    415: ("bad_request",),
    422: ("validation_error",),
    429: ("rate_limited",),
    500: ("internal",),
    503: ("internal",),
}
"""Status → what `code` in the error body may be."""
EXPENSICAT_CODES: Final[Mapping[int, tuple[str, ...]]] = {
    400: ("BAD_REQUEST", "VALIDATION_ERROR"),
    401: ("UNAUTHORIZED",),
    402: ("PLAN_REQUIRED",),
    403: ("FORBIDDEN",),
    404: ("NOT_FOUND",),
    405: ("METHOD_NOT_ALLOWED",),
    408: ("REQUEST_TIMEOUT",),
    409: ("CONFLICT",),
    413: ("PAYLOAD_TOO_LARGE",),
    415: ("UNSUPPORTED_MEDIA_TYPE",),
    429: ("RATE_LIMITED",),
    500: ("INTERNAL_ERROR",),
    503: ("SERVICE_UNAVAILABLE",),
}


@dataclass(frozen=True, slots=True)
class Guide:
    """What the page of an API says beside its document."""

    template: str
    """What holds for every operation, in the sections that the contents name."""
    first: tuple[str, str]
    """A first request: what it asks, and its path."""
    codes: Mapping[int, tuple[str, ...]]
    """Status → what `code` in the error body may be; none where errors have no codes."""
    samples: Samples
    roles: bool = True
    """Whether it matters who asks, and with which scope."""


NATIVE: Final = Guide("native.html", ("Who does this token act as?", "/me"), CODES, NATIVE_SAMPLES)
EXPENSICAT: Final = Guide(
    "expensicat.html",
    ("Whose record does this token open?", "/organizations/current"),
    EXPENSICAT_CODES,
    EXPENSICAT_SAMPLES,
)
GROWCRM: Final = Guide("growcrm.html", ("Who is on the team?", "/team"), {}, GROWCRM_SAMPLES, roles=False)


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter, or a field of a body or an answer, with the parts it has itself."""

    name: str
    kind: str
    notes: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    about: str = ""
    required: bool = False
    nullable: bool = False
    money: bool = False
    parts: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """A way in which an operation is refused."""

    status: int
    codes: tuple[str, ...]
    about: str


@dataclass(frozen=True, slots=True)
class Shown:
    """One operation as the page shows it."""

    id: str
    method: str
    path: str
    summary: str
    short: str
    """The summary up to its first pause, for the contents."""
    scope: str
    permission: str
    roles: tuple[str, ...]
    parameters: tuple[tuple[str, tuple[Field, ...]], ...]
    """Place (path, query, header) and what goes there."""
    body: tuple[Field, ...]
    ignored: tuple[str, ...]
    """Fields of the body that are accepted and change nothing."""
    status: int
    answer: str
    """What the answer is, in words."""
    fields: tuple[Field, ...]
    faults: tuple[Fault, ...]
    curl: str
    example: str | None
    words: str
    """What the filter looks in."""


@dataclass(frozen=True, slots=True)
class Group:
    """The operations of one tag."""

    name: str
    slug: str
    operations: tuple[Shown, ...]


class Reference:
    """The page. Its policy allows nothing but our own files: no inline style or script, no other host."""

    def __init__(
        self,
        document: Callable[[], Mapping[str, Any]],
        assets: Assets,
        guide: Guide = NATIVE,
        machine: str = "/api/openapi.json",
    ) -> None:
        def make() -> tuple[bytes, bytes, str]:
            plain = render(document(), assets.url, guide, machine).encode()
            return plain, gzip.compress(plain, mtime=0), hashlib.sha256(plain).hexdigest()[:32]

        self._page = Once(make)

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        packed = "gzip" in (request.get_header("Accept-Encoding") or "")
        plain, small, digest = self._page()
        etag = f'"{digest}-gzip"' if packed else f'"{digest}"'
        response.set_header("Content-Security-Policy", POLICY)
        response.set_header("Referrer-Policy", "no-referrer")
        response.set_header("X-Content-Type-Options", "nosniff")
        response.set_header("Cache-Control", "no-cache")
        response.set_header("Vary", "Accept-Encoding")
        response.set_header("ETag", etag)
        if request.get_header("If-None-Match") == etag:
            response.status = 304
            return
        response.content_type = "text/html; charset=utf-8"
        if packed:
            response.set_header("Content-Encoding", "gzip")
        response.data = small if packed else plain

    on_head = on_get


def render(
    document: Mapping[str, Any], url: Callable[[str], str], guide: Guide = NATIVE, machine: str = "/api/openapi.json"
) -> str:
    """The page of a document; `url` gives the address of a file by its name, `machine` is the document's own."""
    environment = templates_in(Path(__file__).parent / "templates")
    environment.filters.update(prose=_prose, shell=_shell_colours, json=_json_colours)
    server: str = document["servers"][0]["url"]
    faults: dict[int, str] = {}
    groups = groups_of(document, guide)
    for group in groups:
        for operation in group.operations:
            for fault in operation.faults:
                if fault.status != 409:
                    faults.setdefault(fault.status, fault.about)
    faults |= {
        405: "The path is known, the method is not; `Allow` names those that are.",
        409: "The state of things forbids it, or the `Idempotency-Key` was used for another request.",
        500: "Our mistake; the server's log has the details under the answer's `X-Request-Id`.",
    }
    return environment.get_template("reference.html").render(
        info=document["info"],
        server=server,
        groups=groups,
        faults=[Fault(status, guide.codes.get(status, ()), about) for status, about in sorted(faults.items())],
        guide=guide,
        machine=machine,
        url=url,
    )


def groups_of(document: Mapping[str, Any], guide: Guide = NATIVE) -> list[Group]:
    """The operations of a document by tag, in the document's order."""
    found: dict[str, list[Shown]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, said in methods.items():
            found[said["tags"][0]].append(_shown(document, guide, path, method.upper(), said))
    return [Group(name, _slug(name), tuple(operations)) for name, operations in found.items()]


def _shown(document: Mapping[str, Any], guide: Guide, path: str, method: str, said: Mapping[str, Any]) -> Shown:
    schemas: Mapping[str, Any] = document["components"]["schemas"]
    body_schema: Mapping[str, Any] = (
        said.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    )
    body, ignored = _body_fields(body_schema, schemas)
    status, success = next((int(code), answer) for code, answer in said["responses"].items() if code < "300")
    answer_schema: Mapping[str, Any] | None = success.get("content", {}).get("application/json", {}).get("schema")
    answer, fields = _answer(answer_schema, schemas)
    permission = Permission[said["x-permission"]]
    roles = tuple(role.title() for role in ROLES if permission in GRANTS[role])
    places = ("path", "query", "header")
    given = tuple(
        (place, tuple(_parameter(one) for one in said["parameters"] if one["in"] == place)) for place in places
    )
    words = " ".join(
        [method, path, said["operationId"], said["summary"], *(name.name for _, names in given for name in names)]
        + [field.name for field in (*body, *fields)]
    )
    example = None if answer_schema is None else sample(answer_schema, schemas, guide.samples.values)
    return Shown(
        id=said["operationId"],
        method=method,
        path=path,
        summary=said["summary"],
        short=re.split("[;:]", said["summary"])[0],
        scope=said["x-scope"],
        permission=str(permission),
        roles=roles,
        parameters=tuple((place, names) for place, names in given if names),
        body=body,
        ignored=ignored,
        status=status,
        answer=answer,
        fields=fields,
        faults=tuple(
            Fault(int(code), guide.codes.get(int(code), ()), fault["description"])
            for code, fault in said["responses"].items()
            if code >= "400"
        ),
        curl=_curl(document["servers"][0]["url"] + path, guide.samples, method, said, body),
        example=None if example is None else json.dumps(example, indent=2, ensure_ascii=False),
        words=words.lower(),
    )


def _parameter(said: Mapping[str, Any]) -> Field:
    kind, notes, choices, _ = _kind(said["schema"], {})
    about = said.get("description", "The id of the resource." if said["in"] == "path" else "")
    return Field(said["name"], kind, notes, choices, about, required=said.get("required", False))


def _body_fields(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> tuple[tuple[Field, ...], tuple[str, ...]]:
    ignored = tuple(sorted(name for name, part in schema.get("properties", {}).items() if set(part) == {"description"}))
    return tuple(one for one in _fields(schema, schemas) if one.name not in ignored), ignored


def _answer(schema: Mapping[str, Any] | None, schemas: Mapping[str, Any]) -> tuple[str, tuple[Field, ...]]:
    """What an answer is, in words, and the fields of the resource in it."""
    if schema is None:
        return "No body.", ()
    schema = _resolved(schema, schemas)
    data: Mapping[str, Any] = schema["properties"]["data"]
    if data.get("type") == "array":
        item: Mapping[str, Any] = data["items"]
        return f"A list of {_plural(_called(item))}.", _fields(_resolved(item, schemas), _below(item, schemas))
    parts: Sequence[Mapping[str, Any]] = data.get("anyOf", [data])
    there = next(part for part in parts if part.get("type") != "null")
    maybe = ", or null" if len(parts) > 1 else ""
    return f"{_called(there)}{maybe}.", _fields(_resolved(there, schemas), _below(there, schemas))


def _fields(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> tuple[Field, ...]:
    required = set(schema.get("required", ()))
    return tuple(
        _field(name, part, schemas, required=name in required) for name, part in schema.get("properties", {}).items()
    )


def _field(name: str, schema: Mapping[str, Any], schemas: Mapping[str, Any], *, required: bool) -> Field:
    options = schema.get("anyOf", [schema])
    there = [option for option in options if option.get("type") != "null"]
    inner: Mapping[str, Any] = there[0] if len(there) == 1 else {**schema, "anyOf": there}
    kind, notes, choices, parts = _kind(inner, schemas)
    return Field(
        name,
        kind,
        notes,
        choices,
        schema.get("description", ""),
        required=required,
        nullable=len(there) < len(options),
        money=bool(schema.get("x-money")),
        parts=parts,
    )


def _kind(
    schema: Mapping[str, Any], schemas: Mapping[str, Any]
) -> tuple[str, tuple[str, ...], tuple[str, ...], tuple[Field, ...]]:
    """A schema in words: what it is, its bounds, its choices, and its parts."""
    below = _below(schema, schemas)
    schema = _resolved(schema, schemas)
    if "anyOf" in schema:  # only numbers that may come as text are two things at once
        options: Sequence[Mapping[str, Any]] = schema["anyOf"]
        if options[0].get("type") == "integer":
            return "integer", _range(options[0]), (), ()
        notes = _range(options[0])
        places = re.search(r"1,(\d)\}\)\?\$$", str(options[-1].get("pattern", "")))
        return "decimal", (*notes, *((f"≤ {places[1]} decimals",) if places else ())), (), ()
    if "enum" in schema:
        return "choice", (), tuple(str(choice) for choice in schema["enum"]), ()
    if schema.get("type") == "array":
        kind, notes, choices, parts = _kind(schema.get("items", {}), schemas)
        most = (f"≤ {schema['maxItems']} items",) if "maxItems" in schema else ()
        return f"list of {kind}s", (*most, *notes), choices, parts
    if schema.get("type") == "object":
        return "object", (), (), _fields(schema, below)
    kind = _FORMATS.get(schema.get("format", ""), str(schema.get("type", "any")))
    return kind, (*_lengths(schema), *_range(schema)), (), ()


_FORMATS: Final = {"uuid": "id", "date": "date", "date-time": "timestamp"}


def _lengths(schema: Mapping[str, Any]) -> tuple[str, ...]:
    most = schema.get("maxLength")
    return () if most is None else (f"≤ {most:,} characters",)


def _range(schema: Mapping[str, Any]) -> tuple[str, ...]:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is None or most is None or most >= 1e9:
        return () if not least else (f"≥ {least:,g}",)
    return (f"{least:,g} to {most:,.10g}",)


def _resolved(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a reference leads to; where that is what it stands in, only that it is an object."""
    return schemas.get(str(schema["$ref"]).rpartition("/")[2], {"type": "object"}) if "$ref" in schema else schema


def _below(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schemas without the one that is referred to: a tree is described once."""
    here = str(schema.get("$ref", "")).rpartition("/")[2]
    return {name: one for name, one in schemas.items() if name != here} if here else schemas


def _called(schema: Mapping[str, Any]) -> str:
    """`ClientJson` is Client, `TimeEntryJson` is Time entry."""
    name = str(schema.get("$ref", "Object")).rpartition("/")[2].removesuffix("Json")
    return re.sub(r"(?<=[a-z])([A-Z])", lambda found: f" {found[1].lower()}", name)


def _plural(noun: str) -> str:
    return (f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s").lower()


def _curl(address: str, samples: Samples, method: str, said: Mapping[str, Any], body: Sequence[Field]) -> str:
    """A request to copy: with the token of the environment, and ids to be replaced."""
    ids = re.sub(r"\{(\w+)\}", lambda found: "$ID" if found[1] == "id" else f"${found[1].upper()}", address)
    query = samples.queries.get(said["operationId"])
    lines = [f'curl "{ids}{"?" + query if query else ""}"', '-H "Authorization: Bearer $TOKEN"']
    if method not in ("GET", "POST"):
        lines.insert(1, f"-X {method}")
    if method == "POST" and not body:
        lines.insert(1, "-X POST")
    if any(one["name"] == "Idempotency-Key" and one["required"] for one in said["parameters"]):
        lines.append('-H "Idempotency-Key: $(uuidgen)"')
    example = samples.bodies.get(said["operationId"], {})
    if body and FORM in said["requestBody"]["content"]:
        lines += [f"-d '{name}={value}'" for name, value in _pairs(example)]
    elif said["operationId"] in FILES:
        media, file = FILES[said["operationId"]]
        lines += [f'-H "Content-Type: {media}"', f"--data-binary @{file}"]
    elif body:
        given = json.dumps(example, indent=2, ensure_ascii=False).replace("\n", "\n  ")
        lines += ['-H "Content-Type: application/json"', f"-d '{given}'"]
    return " \\\n  ".join(lines)


def _pairs(example: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The fields of a form: those in lists and in fields by brackets."""
    for name, value in example.items():
        if isinstance(value, Mapping):
            inner = cast("Mapping[str, Any]", value)
            yield from ((f"{name}[{part}]", one) for part, one in inner.items())
        elif isinstance(value, list):
            yield from ((f"{name}[]", one) for one in cast("list[Any]", value))
        else:
            yield name, value


def _slug(name: str) -> str:
    return re.sub(r"\W+", "-", name.lower())


def _prose(text: str) -> Markup:
    """Text with `code` in backticks and blank lines between paragraphs."""
    paragraphs = [
        re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(part.strip())))
        for part in text.split("\n\n")
        if part.strip()
    ]
    if len(paragraphs) == 1:
        return Markup(paragraphs[0])  # noqa: S704 - escaped above
    return Markup("".join(f"<p>{part}</p>" for part in paragraphs))  # noqa: S704


def _json_colours(text: str) -> Markup:
    """JSON with its keys, strings and words in spans."""
    return _coloured(text, r'(?P<k>"[^"\n]*")(?=:)|(?P<s>"[^"\n]*")|(?P<n>\b(?:true|false|null|-?\d[\d.]*)\b)')


def _shell_colours(text: str) -> Markup:
    """A curl command with its options, strings and variables in spans."""
    return _coloured(text, r'(?P<k>"[^"\n]*")(?=:)|(?P<c>^curl\b)|(?P<o>(?<=\s)-\w\b)|(?P<s>"[^"\n]*")')


def _coloured(text: str, pattern: str) -> Markup:
    parts: list[Markup] = []
    at = 0
    for found in re.finditer(pattern, text):
        parts.append(escape(text[at : found.start()]))
        parts.append(Markup('<span class="{}">{}</span>').format(found.lastgroup, found[0]))
        at = found.end()
    return Markup("").join([*parts, escape(text[at:])])
