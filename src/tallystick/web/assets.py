"""Files that pages ask for: read once when the server starts, kept under an address that changes with their content."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import falcon

from tallystick.web.documents import Document

FOLDER: Final = Path(__file__).parent / "static"
TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
YEAR: Final = "public, max-age=31536000, immutable"


class Assets:
    """`/static/{name}`. The address that `url` gives changes with the content, so it may be kept for ever."""

    def __init__(self, folder: Path = FOLDER) -> None:
        bodies = {file.name: file.read_bytes() for file in sorted(folder.iterdir()) if file.suffix in TYPES}
        self._documents = {name: Document(body, TYPES[Path(name).suffix]) for name, body in bodies.items()}
        self._versions = {name: hashlib.sha256(body).hexdigest()[:16] for name, body in bodies.items()}

    def url(self, name: str) -> str:
        """The address of a file for a page."""
        return f"/static/{name}?v={self._versions[name]}"

    def on_get(self, request: falcon.Request, response: falcon.Response, name: str) -> None:
        document = self._documents.get(name)
        if document is None:
            raise falcon.HTTPNotFound
        document.on_get(request, response)
        if request.get_param("v") == self._versions[name]:
            response.set_header("Cache-Control", YEAR)

    on_head = on_get
