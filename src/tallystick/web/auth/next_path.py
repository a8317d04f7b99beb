"""Where to go after signing in: a path of this server, whatever a link says (no open redirect, ASVS 3.7.2)."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

LONGEST: Final = 4000
_PATH: Final = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@%-]*)+", re.ASCII)
_QUERY: Final = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%/?\[\]{}|-]*", re.ASCII)


def same_site_path(text: str | None, default: str) -> str:
    """The path and query to go to, or the default for whatever a browser or a proxy might read as another place."""
    if not text or len(text) > LONGEST:
        return default
    path, _, query = text.partition("?")
    if _PATH.fullmatch(path) is None or _QUERY.fullmatch(query) is None:
        return default
    plain = unquote(unquote(path))
    dots = any(part in {".", ".."} for part in plain.split("/"))
    if "//" in plain or dots or "\\" in plain or not plain.isprintable() or plain != plain.strip():
        return default
    return text
