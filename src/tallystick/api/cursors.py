"""Cursors on the wire: signed, readable, and bound to the workspace, the list and the filters they came from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from tallystick.domain.listing import After
from tallystick.values.errors import Invalid
from tallystick.values.seal import seal, unseal


class Cursor(Struct, gc=False):
    """What a cursor says."""

    v: str | None
    id: str
    b: str
    """What it is bound to, hashed."""


def to_cursor(key: bytes, after: After | None, workspace_id: str, listed: str, query: Mapping[str, Any]) -> str | None:
    """The cursor of the next page; None at the end. `listed` names the API and its list."""
    if after is None:
        return None
    return seal(key, msgspec.json.encode(Cursor(after.value, after.id, _bound(workspace_id, listed, query))))


def from_cursor(key: bytes, text: str, workspace_id: str, listed: str, query: Mapping[str, Any]) -> After:
    """Where the page starts. Raises Invalid for what is not a cursor of this very list."""
    payload = unseal(key, text)
    if payload is None:
        raise Invalid(fields={"cursor": "is not a cursor of this server"})
    cursor = msgspec.json.decode(payload, type=Cursor)
    if cursor.b != _bound(workspace_id, listed, query):
        raise Invalid(fields={"cursor": "belongs to another list: keep the same sort and filters while paging"})
    return After(cursor.v, cursor.id)


def _bound(workspace_id: str, listed: str, query: Mapping[str, Any]) -> str:
    rest = sorted((name, str(value)) for name, value in query.items() if name not in ("after", "cursor", "limit"))
    return hashlib.blake2b(repr((workspace_id, listed, rest)).encode(), digest_size=8).hexdigest()
