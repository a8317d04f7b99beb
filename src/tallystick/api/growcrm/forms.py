"""Bodies and queries as PHP reads them: `items[0][description]=x` is a field in a field, a later name wins."""

from __future__ import annotations

import re
from typing import Any, Final, cast
from urllib.parse import parse_qsl

from tallystick.api.fields import Malformed, parse_json

FORM: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"
MEDIA: Final = (FORM, MULTIPART, "application/json")

DEEPEST: Final = 5
MOST_FIELDS: Final = 1000

Fields = dict[str, Any]


def parse(body: bytes, content_type: str) -> Fields:
    """The fields of a body, whatever of the three types it is. Raises Malformed for what cannot be read."""
    media = content_type.partition(";")[0].strip().lower()
    if not body:
        return {}
    if media == FORM:
        return nested(pairs_of(body))
    if media == MULTIPART:
        return nested(_parts(body, content_type))
    return _bounded(parse_json(body))


def pairs_of(text: bytes) -> list[tuple[str, str]]:
    """Names and values of a urlencoded text, in order. Raises Malformed."""
    try:
        return parse_qsl(text.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:  # bytes beyond ASCII, percent signs that stand for no UTF-8, too many fields
        raise Malformed(
            f"The form is not valid UTF-8 in URL encoding, or has more than {MOST_FIELDS} fields."
        ) from None


def nested(pairs: list[tuple[str, str]]) -> Fields:
    """Fields in fields by their brackets. `a[]` takes the next number, and what comes later takes the place."""
    fields: Fields = {}
    for name, value in pairs:
        path = _path(name)
        if path is None:
            continue  # PHP has no field without a name either
        here = fields
        for part in path[:-1]:
            key = _next(here) if part == "" else part
            inner = here.get(key)
            if not isinstance(inner, dict):
                inner = here[key] = {}
            here = cast("Fields", inner)
        here[_next(here) if path[-1] == "" else path[-1]] = value
    return fields


def listed(value: object) -> list[Any] | None:
    """The items of what PHP calls an array: a list, or fields by whatever keys; None for anything else."""
    if isinstance(value, list):
        return cast("list[Any]", value)
    return list(cast("Fields", value).values()) if isinstance(value, dict) else None


_NAME: Final = re.compile(r"([^\[]*)((?:\[[^\[\]]*\])*)(.*)", re.DOTALL)
_KEY: Final = re.compile(r"\[([^\[\]]*)\]")


def _path(name: str) -> list[str] | None:
    """`a[b][]` → a, b, and an empty part for the next number; None: no name at all."""
    if "\x00" in name:
        raise Malformed("A name contains the NUL character.")
    found = _NAME.fullmatch(name.lstrip(" "))
    if found is None or not found[1]:
        return None
    keys = _KEY.findall(found[2])
    if len(keys) >= DEEPEST:
        raise Malformed(f"A name has more than {DEEPEST - 1} brackets.")
    if not keys and found[3]:
        return [_mangled(name.lstrip(" "))]  # a bracket that nothing closes is a letter
    return [_mangled(found[1]), *keys]


def _mangled(name: str) -> str:
    """A name as a variable of PHP could have it."""
    return re.sub(r"[ .\[]", "_", name)


def _next(fields: Fields) -> str:
    """The key after the highest number."""
    numbers = [int(key) for key in fields if key.isascii() and key.isdigit() and len(key) < 10]
    return str(max(numbers, default=-1) + 1)


def _parts(body: bytes, content_type: str) -> list[tuple[str, str]]:
    """The fields of a multipart body (RFC 7578); files are left out: nothing here takes one."""
    boundary = _BOUNDARY.search(content_type)
    parts = (b"\r\n" + body).split(b"\r\n--" + boundary[1].encode()) if boundary else []
    if not 2 < len(parts) <= MOST_FIELDS + 2 or not parts[-1].startswith(b"--"):
        raise Malformed(f"The parts of the body cannot be read, or are more than {MOST_FIELDS}.")
    pairs: list[tuple[str, str]] = []
    for part in parts[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        try:
            said = head.decode()
            name = _FIELD.search(said)
            if name is not None and not _FILE.search(said):
                pairs.append((name[1], content.decode()))
        except UnicodeDecodeError:
            raise Malformed("A part of the body is not valid UTF-8.") from None
    return pairs


_BOUNDARY: Final = re.compile(r"boundary=\"?([0-9A-Za-z'()+_,./:=? -]{1,70})\"?", re.IGNORECASE)
_FIELD: Final = re.compile(r"content-disposition:[^\r\n]*;\s*name=\"([^\"\r\n]*)\"", re.IGNORECASE)
_FILE: Final = re.compile(r";\s*filename\*?=", re.IGNORECASE)


def _bounded(fields: Fields) -> Fields:
    """JSON within the bounds that a form has. Not recursive: it may be nested deeper than calls reach."""
    level: list[object] = [fields]
    count = 0
    for _ in range(DEEPEST):
        level = [part for one in level for part in _inside(one)]
        count += len(level)
        if count > MOST_FIELDS:
            raise Malformed(f"The body has more than {MOST_FIELDS} fields.")
    if any(_inside(one) for one in level):
        raise Malformed(f"The body is nested more than {DEEPEST} deep.")
    return fields


def _inside(value: object) -> list[Any]:
    if isinstance(value, dict):
        return list(cast("Fields", value).values())
    return cast("list[Any]", value) if isinstance(value, list) else []
