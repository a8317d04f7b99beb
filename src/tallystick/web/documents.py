"""Documents that are made once when the server starts, and addresses that point to them."""

from __future__ import annotations

import hashlib

import falcon


class Document:
    """Fixed bytes at an address, readable from any origin."""

    def __init__(self, body: bytes, content_type: str) -> None:
        self._body = body
        self._content_type = content_type
        self._etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        response.set_header("ETag", self._etag)
        response.set_header("Cache-Control", "no-cache")
        response.set_header("X-Content-Type-Options", "nosniff")
        response.set_header("Access-Control-Allow-Origin", "*")
        if request.get_header("If-None-Match") == self._etag:
            response.status = 304
            return
        response.content_type = self._content_type
        response.data = self._body

    on_head = on_get
