"""Requests that no decent client would send, straight into the WSGI callable."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from tests.studio import Studio

VAGUE = ("Request validation failed.", "A value is outside of what can be stored.")
App = Callable[..., Iterable[bytes]]


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes
    asked: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        return self.json["error"]

    @property
    def named(self) -> set[str]:
        """The fields at fault, without where inside them."""
        details = {name for name in self.error.get("details") or {} if name != "reason"}
        fields = self.error.get("fields") or details
        return {name.partition("[")[0].partition(".")[0] for name in fields}


class Trickle(io.RawIOBase):
    """A body that arrives in pieces and says nothing of its length."""

    def __init__(self, body: bytes, piece: int = 1000) -> None:
        self._rest = memoryview(body)
        self._piece = piece

    def read(self, size: int = -1) -> bytes:
        size = self._piece if size < 0 else min(size, self._piece)
        part, self._rest = bytes(self._rest[:size]), self._rest[size:]
        return part


@dataclass
class Attacker:
    """Somebody with a valid token and bad intentions."""

    app: App
    studio: Studio
    keys: int = 0
    prefix: str = "/api/v1"
    token: str = ""
    """Empty: the owner's."""

    def __call__(
        self,
        method: str,
        path: str,
        body: bytes | str | None = None,
        *,
        query: str = "",
        headers: Mapping[str, str | None] = {},
        environ: Mapping[str, Any] = {},
    ) -> Answer:
        """`path` is below the prefix and may hold percent escapes; a header that is None is not sent."""
        self.keys += 1
        content = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
        given: dict[str, str | None] = {
            "Authorization": f"Bearer {self.token or self.studio.owner.token}",
            "Idempotency-Key": f"hostile-{self.keys}" if method == "POST" else None,
            "Content-Type": "application/json" if content is not None else None,
            **headers,
        }
        env: dict[str, Any] = {
            "REQUEST_METHOD": method, "SCRIPT_NAME": "", "QUERY_STRING": query, "SERVER_NAME": "localhost",
            "PATH_INFO": unquote_to_bytes(self.prefix + path).decode("latin-1"), "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "203.0.113.7", "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(content or b""), "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True, "wsgi.multiprocess": True, "wsgi.run_once": False,
        }  # fmt: skip
        if content is not None:
            env["CONTENT_LENGTH"] = str(len(content))
        for name, value in given.items():
            if value is not None:
                key = name.upper().replace("-", "_")
                env[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
        env.update(environ)
        told: list[Any] = []
        parts = self.app(env, lambda status, heads, _exc=None: told.extend((status, heads)))
        answered = b"".join(parts)
        status, heads = told
        return Answer(
            int(status.split()[0]),
            {name.title(): value for name, value in heads},
            answered,
            f"{method} {path[:200]}?{query[:200]} {(content or b'')[:300]!r}",
        )


def assert_civil(answer: Answer) -> None:
    """Handled, or refused in the envelope: never a fault of ours, never without the request's id."""
    assert answer.status < 500, f"{answer.asked} -> {answer.status} {answer.body[:400]!r}"
    assert answer.headers.get("X-Request-Id"), answer.asked
    if answer.status >= 400 and answer.body:
        assert set(answer.json) == {"error"}, answer.asked
        assert answer.error.get("requestId", answer.headers["X-Request-Id"]) == answer.headers["X-Request-Id"]
        assert answer.error["message"], answer.asked
    if answer.status in (400, 422) and not answer.named:
        # A rule between things may have a sentence of its own; what every 422 says does not help anybody.
        assert answer.error["message"] not in VAGUE, f"{answer.asked} -> names nothing: {answer.body[:400]!r}"
