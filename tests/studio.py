"""The named world of the tests: a studio with an owner, an admin, a manager and two members, and two clients."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from falcon import testing

from tallystick.auth import tokens as token_texts
from tallystick.auth.rate_limits import RateLimits
from tallystick.db.connection import Connection
from tallystick.db.session import Database
from tallystick.documents import Documents
from tallystick.domain import clients, members, projects, tasks, tokens, workspaces
from tallystick.domain.access import Actor, Role
from tallystick.domain.context import Context, Server, open_workspace
from tallystick.main import build
from tallystick.outgoing.http import HttpCourier
from tallystick.settings import Settings
from tallystick.values.ids import new_id
from tallystick.values.letter import Sender

KEY = bytes(range(32))
MAIL = {"smtp_url": "smtp://127.0.0.1:9?tls=none", "mail_from": "Tally <tally@server.example>"}
"""A server's mail is set up, and no worker sends it."""
SENDER = Sender(host="127.0.0.1", port=9, tls="none", from_address="tally@server.example", from_name="Tally")
SERVER = Server(Documents(), KEY, "http://127.0.0.1:8000", sender=SENDER, courier=HttpCourier())
_numbers = itertools.count(1)


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: datetime = datetime(2026, 6, 15, 9, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Person:
    user_id: str
    member_id: str
    role: Role
    email: str
    token: str


@dataclass
class Studio:
    """A workspace with people in the four roles; `contexts` opens a transaction as one of them."""

    database: Database
    workspace_id: str
    name: str
    clock: Clock
    people: dict[str, Person] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def owner(self) -> Person:
        return self.people["owner"]

    def actor(self, who: str = "owner") -> Actor:
        person = self.people[who]
        return Actor(
            self.workspace_id, person.user_id, person.role, workspace_name=self.name, time_zone="Europe/Berlin"
        )

    @contextlib.contextmanager
    def context(self, who: str = "owner") -> Generator[Context]:
        """A transaction as one of the people; committed at the end of the block."""
        with self.database.transaction() as connection:
            open_workspace(connection, self.workspace_id)
            yield Context(self.actor(who), connection, self.clock, SERVER)


def found_studio(database: Database, key: bytes, *, name: str = "Studio North", plan: str = "agency") -> Studio:
    clock = Clock()
    number = next(_numbers)
    workspace_id = new_id()
    studio = Studio(database, workspace_id, name, clock)
    operator = Actor(workspace_id, "", "OWNER", time_zone="Europe/Berlin")
    with database.transaction() as connection:
        open_workspace(connection, workspace_id)
        ctx = Context(operator, connection, clock)
        workspaces.found(ctx, name=name, currency="EUR", time_zone="Europe/Berlin", plan=plan)  # type: ignore[arg-type]
        roles: dict[str, Role] = {
            "owner": "OWNER", "admin": "ADMIN", "manager": "MANAGER", "member": "MEMBER", "second": "MEMBER",
        }  # fmt: skip
        for who, role in roles.items():
            email = f"{who}.{number}.{workspace_id[-6:]}@studio.example"
            member = members.add(ctx, email=email, name=who.title(), role=role)
            text = token_texts.mint("live")
            shape = token_texts.shape(text)
            assert shape is not None
            tokens.issue(
                ctx, user_id=member.user_id, name=f"{who}'s token", prefix=shape.prefix,
                digest=token_texts.digest(key, text), expires_at=None,
            )  # fmt: skip
            studio.people[who] = Person(member.user_id, member.id, role, email, text)
    with studio.context() as ctx:
        globex = clients.create(ctx, name="Globex", currency="EUR", default_rate=Decimal(90))
        initech = clients.create(ctx, name="Initech", currency="USD")
        website = projects.create(ctx, client_id=globex.id, name="Website")
        hidden = projects.create(ctx, client_id=initech.id, name="Rollout", hourly_rate=Decimal(120))
        member = members.active(ctx, studio.people["member"].user_id)
        projects.put_on(ctx, website, member)
        design = tasks.create(ctx, project_id=website.id, name="Design", assignee_ids=[member.user_id])
        studio.ids = {
            "client": globex.id, "other_client": initech.id, "project": website.id, "hidden_project": hidden.id,
            "task": design.id,
        }  # fmt: skip
    return studio


class Api:
    """HTTP requests of one person against the native API, in process."""

    def __init__(self, client: testing.TestClient, token: str, prefix: str = "/api/v1") -> None:
        self._client = client
        self._prefix = prefix
        self.token = token

    def __call__(self, method: str, path: str, json: Any = None, **more: Any) -> testing.Result:
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        if method == "POST" and "Idempotency-Key" not in headers:
            headers["Idempotency-Key"] = new_id()
        if json is not None:
            more["json"] = json
        return self._client.simulate_request(method, self._prefix + path, headers=headers, **more)

    def get(self, path: str, **more: Any) -> Any:
        """The `data` of a 200."""
        result = self("GET", path, **more)
        assert result.status_code == 200, result.text
        return result.json["data"]

    def post(self, path: str, json: Any = None, status: int = 201, **more: Any) -> Any:
        """The `data` of a successful POST."""
        result = self("POST", path, json if json is not None else {}, **more)
        assert result.status_code == status, result.text
        return result.json["data"] if result.text else None


def app_client(
    database: Database, clock: Clock, data: Path, *, burst: int = 0, sustained: int = 0, address: int = 0,
    seen: Callable[[Actor], None] | None = None,
) -> testing.TestClient:  # fmt: skip
    settings = Settings(
        data=data, rate_limit_burst=burst, rate_limit_sustained=sustained, rate_limit_address=address, **MAIL
    )
    limits = RateLimits(data / "limits", clock=lambda: clock().timestamp())
    return testing.TestClient(build(settings, database, KEY, clock=clock, limits=limits, seen=seen))


def round_trips(monkeypatch: pytest.MonkeyPatch) -> list[bytes | None]:
    """The round trips from now on, each by how it ends; what begins a transaction of its own is a mistake."""
    trips: list[bytes | None] = []
    together = Connection._together

    def watched(connection: Connection, last: bytes | None = None) -> Any:
        trips.append(last)
        return together(connection, last)

    def never(*_: Any) -> Any:
        raise AssertionError("psycopg's own way begins a transaction in what only reads")

    monkeypatch.setattr(Connection, "_together", watched)
    monkeypatch.setattr(Connection, "execute", never)
    return trips
