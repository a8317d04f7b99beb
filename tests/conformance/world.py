"""What the contract says about every answer: the scalars, the envelopes, the refusals."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote

from falcon import testing

from tests.studio import Api, Studio

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", re.ASCII)
DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
MONEY = re.compile(r"\d+\.\d{2,4}", re.ASCII)
CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
ERROR_KEYS = {"code", "message", "fields", "requiredPlan", "feature", "reason", "requestId"}
NOBODY = "01890000-0000-7000-8000-000000000000"


@dataclass
class World:
    studio: Studio
    app: testing.TestClient

    def api(self, who: str = "owner") -> Api:
        return Api(self.app, self.studio.people[who].token)

    def at(self, text: str) -> None:
        """Set the clock: `2026-06-15T09:30:00Z`."""
        self.studio.clock.now = datetime.fromisoformat(text)

    def later(self, **more: float) -> datetime:
        """Move the clock on."""
        self.studio.clock.now += timedelta(**more)
        return self.studio.clock.now


class Form:
    """What a field looks like on the wire. `Form(...) | None` says that it may be null."""

    def __init__(self, rule: re.Pattern[str] | type | tuple[str, ...], *, nullable: bool = False) -> None:
        self.rule = rule
        self.nullable = nullable

    def __or__(self, other: None) -> Form:
        return Form(self.rule, nullable=True)

    def fits(self, value: Any) -> bool:
        if value is None:
            return self.nullable
        if isinstance(self.rule, type):
            return type(value) is self.rule
        if isinstance(self.rule, tuple):
            return value in self.rule
        return isinstance(value, str) and self.rule.fullmatch(value) is not None


ID, AT, ON, PRICE = Form(UUID), Form(INSTANT), Form(DAY), Form(MONEY)
TEXT, FLAG, COUNT, LIST = Form(str), Form(bool), Form(int), Form(list)
Shape = Mapping[str, Form]


def assert_shape(resource: dict[str, Any], shape: Shape) -> None:
    """Exactly these keys, each in its form."""
    assert set(resource) == set(shape)
    misshapen = {name: value for name, value in resource.items() if not shape[name].fits(value)}
    assert misshapen == {}


def refused(result: testing.Result, status: int, code: str, /, **fields: str | None) -> dict[str, Any]:
    """The error of an answer in the contract's envelope. `fields` are all the wrong fields, each with part of its
    reason (None: any)."""
    assert result.status_code == status, result.text
    assert set(result.json) == {"error"}
    error: dict[str, Any] = result.json["error"]
    assert error["code"] == code
    assert {"code", "message", "requestId"} <= set(error) <= ERROR_KEYS
    assert error["message"]
    assert error["requestId"] == result.headers["X-Request-Id"]
    named = {name.partition("[")[0]: reason for name, reason in error.get("fields", {}).items()}
    assert set(named) == set(fields), error
    for name, why in fields.items():
        assert why is None or why in named[name], error
    return error


def invalid(result: testing.Result, /, *names: str, **fields: str | None) -> dict[str, Any]:
    """A 422 that names exactly these fields."""
    error = refused(result, 422, "validation_error", **dict.fromkeys(names), **fields)
    assert all(isinstance(why, str) and why for why in error.get("fields", {}).values())
    return error


def listed(api: Api, path: str, /, **query: Any) -> list[dict[str, Any]]:
    """The rows of one page that holds them all."""
    result = ask(api, path, limit=200, **query)
    assert result.status_code == 200, result.text
    assert result.json["pagination"] == {"limit": 200, "nextCursor": None}
    return result.json["data"]


def ask(api: Api, path: str, /, **query: Any) -> testing.Result:
    text = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in query.items())
    return api("GET", path, query_string=text)


def walked(api: Api, path: str, limit: int, /, **query: Any) -> Iterator[dict[str, Any]]:
    """Every row, page by page."""
    cursor: dict[str, str] = {}
    while True:
        result = ask(api, path, limit=limit, **query, **cursor)
        assert result.status_code == 200, result.text
        page = result.json
        assert set(page) == {"data", "pagination"}
        assert set(page["pagination"]) == {"limit", "nextCursor"}
        assert page["pagination"]["limit"] == limit
        yield from page["data"]
        following = page["pagination"]["nextCursor"]
        if following is None:
            return
        assert len(page["data"]) == limit
        cursor = {"cursor": following}


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def day(text: str) -> date:
    return date.fromisoformat(text)
