"""A studio with a worker's desk, whose webhooks may go to loopback."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from tallystick.db.session import Database
from tallystick.domain import clients
from tallystick.domain.context import Context, open_workspace
from tallystick.domain.webhooks import deliveries, endpoints
from tallystick.domain.webhooks.deliveries import Told
from tallystick.domain.webhooks.endpoints import Made, WebhookEndpoint
from tallystick.jobs.desk import Desk
from tallystick.jobs.webhooks import deliver_due
from tallystick.outgoing.http import HttpCourier
from tests.conftest import fresh_database, opened
from tests.studio import SERVER, Api, Studio, app_client
from tests.webhooks.receivers import Receiver, receiver

LOOPBACK = (ip_network("127.0.0.0/8"),)


@dataclass
class Hooks:
    """A studio and the worker that carries its webhooks."""

    studio: Studio
    desk: Desk

    @contextlib.contextmanager
    def context(self, who: str = "owner") -> Generator[Context]:
        with self.studio.database.transaction() as connection:
            open_workspace(connection, self.studio.workspace_id)
            yield Context(self.studio.actor(who), connection, self.studio.clock, self.desk.server)

    def endpoint(self, url: str, *events: str, **facts: Any) -> Made:
        with self.context() as ctx:
            return endpoints.create(ctx, url=url, events=events or ("*",), **facts)

    def client(self, name: str) -> str:
        """Something happens."""
        with self.context() as ctx:
            return clients.create(ctx, name=name).id

    def carry(self) -> None:
        """What a worker does until nothing is due."""
        deliver_due(self.desk)

    def sent(self, endpoint: WebhookEndpoint) -> list[Told]:
        """The deliveries of an endpoint, the oldest first."""
        with self.context() as ctx:
            rows = deliveries.DELIVERIES.page(ctx, ("id",), {"endpoint_id": endpoint.id}, sort="id", limit=500).rows
            return [deliveries.read(ctx, one) for (one,) in rows]

    def again(self, endpoint: WebhookEndpoint) -> WebhookEndpoint:
        with self.context() as ctx:
            return endpoints.read(ctx, endpoint.id)


@pytest.fixture(scope="module")
def database_url(cluster_url: str) -> Generator[str]:
    """Of these tests alone: whatever waits in it is carried."""
    with fresh_database(cluster_url) as url:
        yield url


@pytest.fixture(scope="module")
def database(database_url: str) -> Iterator[Database]:
    with opened(database_url) as pool:
        yield pool


@pytest.fixture
def hooks(studio: Studio, database_url: str) -> Iterator[Hooks]:
    server = replace(SERVER, courier=HttpCourier(LOOPBACK))
    made = Hooks(studio, Desk(database_url, studio.database, server, studio.clock))
    yield made
    with made.context() as ctx:  # what is left must not be carried by the worker of another test
        for one in endpoints.every(ctx):
            endpoints.delete(ctx, one.id)


@pytest.fixture
def sink() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


@pytest.fixture
def api(database: Database, studio: Studio, tmp_path: Path) -> Api:
    """The owner at the native API, on a server that lets receivers be on loopback."""
    return Api(app_client(database, studio.clock, tmp_path), studio.owner.token)
