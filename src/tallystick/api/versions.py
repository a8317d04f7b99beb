"""Which version of a resource a request speaks of: ETag, If-Match, If-None-Match and Prefer (RFC 9110, RFC 7240)."""

from __future__ import annotations

import hashlib
import re
from typing import Any, Final

from msgspec import Struct

from tallystick.values.errors import Invalid

_TAG: Final = re.compile(r'(W/)?"[\x21\x23-\x7e\x80-\xff]*"')


class Named(Struct):
    """As much of a resource as says where it is."""

    id: str


class Answered(Struct):
    """As much of an answer as says where its resource is."""

    data: Named


def etag(body: bytes) -> str:
    """The tag of an answer as it is: another byte is another tag, and whoever may see less has tags of their own."""
    return f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


def tags_in(header: str, name: str) -> frozenset[str]:
    """The strong tags in If-Match, and the weak ones in If-None-Match too; `*` for any. Raises Invalid."""
    given = [part.strip() for part in header.split(",")]
    if given == ["*"]:
        return frozenset("*")
    if not all(_TAG.fullmatch(one) for one in given):
        raise Invalid(fields={name: 'must be * or the ETag of an answer, in its quotes: "…"'})
    if name == "If-None-Match":  # compared weakly
        return frozenset(one.removeprefix("W/") for one in given)
    return frozenset(one for one in given if not one.startswith("W/"))


def wants_nothing_back(prefer: str | None) -> bool:
    """Whether `Prefer` asks for an answer without the resource."""
    if prefer is None:
        return False
    asked = [part.partition(";")[0].replace(" ", "").lower() for part in prefer.split(",")]
    return next((one for one in asked if one.startswith("return=")), "") in ("return=minimal", 'return="minimal"')


def single_in(operations: Any) -> tuple[dict[str, Any], dict[Any, str]]:
    """Of a table of operations: path → the GET that answers one resource there; resource → the path of its own."""
    single = [
        one for one in operations
        if one.method == "GET" and one.answer is not None
        and not (one.listing or one.many or one.file or one.whole or one.sorts)
    ]  # fmt: skip
    return {one.path: one for one in single}, {one.answer: one.path for one in single if one.path.endswith("/{id}")}


def reader_of(operation: Any, single: dict[str, Any]) -> Any:
    """The GET that answers the resource which an operation is about; None: it is about no single one."""
    head, found, _ = operation.path.partition("{id}")
    return single.get(operation.path) or (single.get(head + found) if found else None)
