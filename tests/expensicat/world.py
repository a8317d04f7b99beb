"""Requests of one person to the Expensicat-compatible API, and a stand-in for their credentials."""

from __future__ import annotations

import dataclasses
import json as jsons
from datetime import datetime
from pathlib import Path
from typing import Any

import falcon
from falcon import testing

from tallystick.api.expensicat.wire import EVERYTHING
from tallystick.api.native.wire import NativeApi
from tallystick.api.wire import Wire
from tallystick.auth.rate_limits import Policy, RateLimits
from tallystick.db.session import Database, Prepared
from tallystick.domain.access import Actor
from tallystick.domain.context import Connection, Transactions
from tallystick.main import mount_expensicat
from tallystick.settings import Settings
from tallystick.values.errors import Unauthenticated
from tests.studio import KEY, Clock, Studio

OPEN = Prepared("SELECT set_config('tallystick.workspace', %(workspace)s::text, true)")
FIND = Prepared("""
    SELECT m.role, w.plan, coalesce(p.time_zone, w.time_zone) FROM members m
    JOIN people p ON p.id = m.user_id JOIN workspaces w ON w.id = m.workspace_id
    WHERE m.user_id = %(user)s::uuid AND m.workspace_id = %(workspace)s::uuid AND m.removed_at IS NULL
""")


class Credentials:
    """Tokens that name a person and scopes: what a session or a grant would say, without either."""

    def __init__(self, *studios: Studio) -> None:
        self._studios = {studio.workspace_id: studio for studio in studios}

    def __call__(self, connection: Connection, token: str, now: datetime) -> Actor:
        del now
        try:
            workspace_id, who, scopes = token.split("/")
            studio = self._studios[workspace_id]
            person = studio.people[who]
        except (ValueError, KeyError):
            raise Unauthenticated from None
        connection.later(OPEN, {"workspace": workspace_id})
        connection.reopen(OPEN, {"workspace": workspace_id})
        found = connection.run(FIND, {"user": person.user_id, "workspace": workspace_id}).fetchone()
        if found is None:
            raise Unauthenticated
        role, plan, zone = found
        actor = studio.actor(who)
        return dataclasses.replace(
            actor, role=role, plan=plan, time_zone=zone, scopes=frozenset(scopes.split()), credential=f"{who}{scopes}"
        )


def token_of(studio: Studio, who: str = "owner", scopes: str = EVERYTHING) -> str:
    return f"{studio.workspace_id}/{who}/{scopes}"


def expensicat_client(
    transactions: Transactions | Database, clock: Clock, data: Path, *studios: Studio, burst: int = 0
) -> testing.TestClient:
    """An app with nothing but this API."""
    app: falcon.App[falcon.Request, falcon.Response] = falcon.App()
    settings = Settings(data=data, rate_limit_burst=burst, rate_limit_sustained=0, rate_limit_address=0)
    limits = RateLimits(data / "limits", clock=lambda: clock().timestamp())
    native = Wire(
        NativeApi(KEY, ()), transactions, limits, clock=clock, address_of=lambda _: "address:test",
        address_policy=Policy(burst=0, burst_window=10, sustained=0, sustained_window=60),
    )  # fmt: skip
    mount_expensicat(app, settings, native, KEY, Credentials(*studios))
    return testing.TestClient(app)


class Expensicat:
    """One person's requests."""

    def __init__(self, client: testing.TestClient, token: str | None, prefix: str = "/v1") -> None:
        self._client = client
        self._token = token
        self._prefix = prefix

    def __call__(self, method: str, path: str, json: Any = None, **more: Any) -> testing.Result:
        headers = dict(more.pop("headers", {}))
        if self._token is not None:
            headers.setdefault("Authorization", f"Bearer {self._token}")
        if json is not None:
            headers.setdefault("Content-Type", "application/json")
            more["body"] = jsons.dumps(json)
        return self._client.simulate_request(method, self._prefix + path, headers=headers, **more)

    def get(self, path: str, **params: Any) -> Any:
        """The `data` of a 200."""
        return self.page(path, **params)["data"]

    def page(self, path: str, **params: Any) -> Any:
        """The whole body of a 200."""
        result = self("GET", path, params=params)
        assert result.status_code == 200, result.text
        return result.json

    def post(self, path: str, json: Any) -> Any:
        """The `data` of a 201."""
        result = self("POST", path, json)
        assert result.status_code == 201, result.text
        return result.json["data"]

    def patch(self, path: str, json: Any) -> Any:
        """The `data` of a 200."""
        result = self("PATCH", path, json)
        assert result.status_code == 200, result.text
        return result.json["data"]

    def refused(self, method: str, path: str, json: Any = None, *, status: int, **more: Any) -> Any:
        """The `error` of a refusal."""
        result = self(method, path, json, **more)
        assert result.status_code == status, result.text
        assert set(result.json) == {"error"}
        assert {"code", "message"} <= set(result.json["error"]) <= {"code", "message", "details"}
        return result.json["error"]
