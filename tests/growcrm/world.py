"""Requests with one API key to the Grow CRM-compatible API, and the numbers by which it calls what is there."""

from __future__ import annotations

import json as jsons
from typing import Any
from urllib.parse import urlencode

from falcon import testing

from tallystick.auth import api_keys as key_texts
from tallystick.domain import api_keys
from tests.studio import KEY, Studio

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
TABLES = {
    "entry": "time_entries", "user": "members", "checklist": "checklist_items", "remark": "comments",
    "category": "categories", "status": "task_statuses", "priority": "task_priorities",
}  # fmt: skip
"""A noun of the tests → its table, where that is not its plural."""


def key_of(studio: Studio) -> str:
    """A fresh API key of a workspace."""
    text = key_texts.mint()
    prefix = key_texts.prefix_of(text)
    assert prefix is not None
    with studio.context() as ctx:
        api_keys.issue(ctx, name="tests", prefix=prefix, digest=key_texts.digest(KEY, text))
    return text


def number(studio: Studio, noun: str, identity: str) -> int:
    """The number of a row: its serial; of people, statuses, priorities and categories the one in the workspace."""
    noun = noun.partition(".")[0]
    table = TABLES.get(noun) or f"{noun}s"
    column = "user_id" if noun == "user" else "id"
    counted = "number" if noun in ("user", "member", "category", "status", "priority", "tax_rate") else "serial"
    with studio.context() as ctx:
        row = ctx.connection.execute(
            f"SELECT {counted} FROM {table} WHERE {column} = %s AND workspace_id = %s".encode(),
            [identity, studio.workspace_id],
        ).fetchone()
    assert row is not None, f"no {noun} {identity}"
    return row[0]


class GrowCrm:
    """The requests of one API key."""

    def __init__(self, client: testing.TestClient, key: str | None, prefix: str = "/api") -> None:
        self._client = client
        self._key = key
        self._prefix = prefix

    def __call__(self, method: str, path: str, form: Any = None, json: Any = None, **more: Any) -> testing.Result:
        """`form` is sent as a form (a list of pairs, or fields), `json` as JSON."""
        headers = dict(more.pop("headers", {}))
        if self._key is not None:
            headers.setdefault("Authorization", f"Bearer {self._key}")
        if form is not None:
            headers = {**FORM, **headers}
            more["body"] = urlencode(form)
        if json is not None:
            headers.setdefault("Content-Type", "application/json")
            more["body"] = jsons.dumps(json)
        return self._client.simulate_request(method, self._prefix + path, headers=headers, **more)

    def page(self, path: str, **params: Any) -> Any:
        """The whole body of a 200."""
        result = self("GET", path, params=params)
        assert result.status_code == 200, result.text
        return result.json

    def get(self, path: str, **params: Any) -> Any:
        """The `data` of a 200."""
        return self.page(path, **params)["data"]

    def post(self, path: str, form: Any = None, **more: Any) -> Any:
        """The `data` of a 201."""
        return self._done(201, "POST", path, form, **more)

    def patch(self, path: str, form: Any = None, **more: Any) -> Any:
        """The `data` of a 200."""
        return self._done(200, "PATCH", path, form, **more)

    def put(self, path: str, form: Any = None, **more: Any) -> Any:
        """The `data` of a 200."""
        return self._done(200, "PUT", path, form, **more)

    def delete(self, path: str) -> Any:
        """The `data` of a 200."""
        return self._done(200, "DELETE", path)

    def refused(self, method: str, path: str, form: Any = None, *, status: int, **more: Any) -> Any:
        """The body of a refusal."""
        result = self(method, path, form, **more)
        assert result.status_code == status, result.text
        assert result.headers["Content-Type"] == "application/json"
        assert set(result.json) == ({"message", "errors"} if status == 422 else {"message"})
        return result.json

    def _done(self, status: int, method: str, path: str, form: Any = None, **more: Any) -> Any:
        result = self(method, path, form, **more)
        assert result.status_code == status, result.text
        assert set(result.json) == {"data", "message"}
        return result.json["data"]
