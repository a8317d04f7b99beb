"""Files that pages ask for: read once by a process, kept under an address that changes with their content."""

from __future__ import annotations

import gzip
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Final

import falcon

from tallystick.web.documents import Document

FOLDER: Final = Path(__file__).parent / "static"
TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}
YEAR: Final = "public, max-age=31536000, immutable"
_IMPORT: Final = re.compile(r'(?<=from "\./)[\w-]+\.js(?=";)')


class Assets:
    """`/static/{name}`. The address that `url` gives changes with the content, so it may be kept for ever.

    A script names the scripts that it imports by such addresses too: a page has each module once.
    """

    def __init__(self, folder: Path) -> None:
        self._bodies: dict[str, bytes] = {}
        self._versions: dict[str, str] = {}
        for file in sorted(folder.iterdir()):
            if file.suffix in TYPES:
                self._read(file)
        self._documents = {name: Document(body, TYPES[Path(name).suffix]) for name, body in self._bodies.items()}
        self._packed = {name: gzip.compress(body, 9, mtime=0) for name, body in self._bodies.items()}

    def url(self, name: str) -> str:
        """The address of a file for a page."""
        return f"/static/{name}?v={self._versions[name]}"

    def text(self, name: str) -> str:
        """What a script or a style says, as it is served."""
        return self._bodies[name].decode()

    def urls(self) -> list[str]:
        """The addresses of all files."""
        return [self.url(name) for name in self._bodies]

    def on_get(self, request: falcon.Request, response: falcon.Response, name: str) -> None:
        document = self._documents.get(name)
        if document is None:
            raise falcon.HTTPNotFound
        document.on_get(request, response)
        if request.get_param("v") == self._versions[name]:
            response.set_header("Cache-Control", YEAR)
        packed = self._packed[name]
        response.set_header("Vary", "Accept-Encoding")
        smaller = len(packed) < len(self._bodies[name])
        if response.data and smaller and "gzip" in (request.get_header("Accept-Encoding") or ""):
            response.set_header("Content-Encoding", "gzip")
            response.set_header("ETag", f'"{self._versions[name]}-gzip"')
            response.data = packed

    on_head = on_get

    def _read(self, file: Path) -> str:
        """Read a file, after those that it imports; answers its version."""
        if file.name not in self._versions:
            body = file.read_bytes()
            if file.suffix == ".js":
                script = body.decode()
                body = _IMPORT.sub(lambda found: f"{found[0]}?v={self._read(file.parent / found[0])}", script).encode()
            self._bodies[file.name] = body
            self._versions[file.name] = hashlib.sha256(body).hexdigest()[:16]
        return self._versions[file.name]


@cache
def load_assets() -> Assets:
    """Those of this process, read when they are asked for first."""
    return Assets(FOLDER)
