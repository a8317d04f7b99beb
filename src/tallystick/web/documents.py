"""Documents that are made once, when somebody asks for them the first time, and then are the same for everybody."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

import falcon

Made = TypeVar("Made")


class Once(Generic[Made]):
    """What takes a while to make, and a server may never be asked for."""

    def __init__(self, make: Callable[[], Made]) -> None:
        self._make = make
        self._made: Made | None = None
        self._lock = threading.Lock()

    def __call__(self) -> Made:
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made


class Document:
    """Fixed bytes at an address, readable from any origin."""

    def __init__(self, body: bytes | Callable[[], bytes], content_type: str) -> None:
        def make() -> tuple[bytes, str]:
            made = body if isinstance(body, bytes) else body()
            return made, f'"{hashlib.sha256(made).hexdigest()[:32]}"'

        self._made = Once(make)
        self._content_type = content_type

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        body, etag = self._made()
        response.set_header("ETag", etag)
        response.set_header("Cache-Control", "no-cache")
        response.set_header("X-Content-Type-Options", "nosniff")
        response.set_header("Access-Control-Allow-Origin", "*")
        if request.get_header("If-None-Match") == etag:
            response.status = 304
            return
        response.content_type = self._content_type
        response.data = body

    on_head = on_get
