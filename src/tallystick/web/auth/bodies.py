"""Small request bodies: a JSON object or a form, read whole before anything is decided."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

import falcon
import msgspec

LONGEST: Final = 64 * 1024
SECONDS: Final = 10.0
JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"


class BadBody(Exception):  # noqa: N818 - a fact about a request
    """A body that cannot be read, with the status that says why."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def read_json(request: falcon.Request) -> dict[str, Any]:
    """The JSON object of a request."""
    _, raw = read_body(request, (JSON,))
    return parse_json(raw)


def read_form(request: falcon.Request) -> dict[str, str]:
    """The fields of a form. A field that comes twice is refused: two readers could each take another one."""
    _, raw = read_body(request, (FORM,))
    return parse_form(raw)


def parse_json(raw: bytes) -> dict[str, Any]:
    """A JSON object; anything else is a 400."""
    try:
        found = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise BadBody(400, "The body is not valid JSON.") from None
    if not isinstance(found, dict):
        raise BadBody(400, "The body must be a JSON object.")
    return dict(found)  # pyright: ignore[reportUnknownArgumentType] - keys of JSON are text


def parse_form(raw: bytes) -> dict[str, str]:
    """The fields of a form in UTF-8."""
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=50)
    except ValueError:
        raise BadBody(400, "The form cannot be read.") from None
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise BadBody(400, "A field of the form comes twice.")
    return fields


def read_body(
    request: falcon.Request, types: tuple[str, ...], *, most: int = LONGEST, seconds: float = SECONDS
) -> tuple[str, bytes]:
    """The media type, one of `types`, and the bytes of a body, chunked or not: within `most` bytes and so long."""
    media = (request.content_type or "").partition(";")[0].strip().lower()
    if media not in types:
        raise BadBody(415, f"Send the body as {' or '.join(types)}.")
    if request.get_header("Content-Encoding", default="identity") != "identity":
        raise BadBody(415, "Compressed request bodies are not read. Send the body as it is.")
    try:
        declared = request.content_length
    except falcon.HTTPError:
        raise BadBody(400, "Content-Length is not a number.") from None
    chunked = "chunked" in (request.get_header("Transfer-Encoding") or "").lower()
    left = declared if declared is not None else most + 1 if chunked else 0
    stream = request.env["wsgi.input"]
    deadline = time.monotonic() + seconds
    parts: list[bytes] = []
    size = 0
    if declared is not None and declared > most:
        raise BadBody(413, f"The body may have at most {most // 1024} KiB.")
    while size < left and (part := stream.read(left - size)):
        parts.append(part)
        size += len(part)
        if size > most:
            raise BadBody(413, f"The body may have at most {most // 1024} KiB.")
        if time.monotonic() > deadline:
            raise BadBody(408, f"The body did not arrive within {seconds:.0f} seconds.")
    return media, b"".join(parts)


def text_field(fields: Mapping[str, Any], name: str) -> str:
    """A field that is text; empty where it is missing or null."""
    value = fields.get(name)
    return value if isinstance(value, str) else ""
