"""A studio followed through its change feed."""

from __future__ import annotations

from pathlib import Path

import pytest
from falcon import testing

from tallystick.db.session import Database
from tests.changes.replica import Replica
from tests.studio import Api, Studio, app_client


@pytest.fixture
def client(database: Database, studio: Studio, tmp_path: Path) -> testing.TestClient:
    return app_client(database, studio.clock, tmp_path)


@pytest.fixture
def api(client: testing.TestClient, studio: Studio) -> Api:
    return Api(client, studio.owner.token)


@pytest.fixture
def member(client: testing.TestClient, studio: Studio) -> Api:
    return Api(client, studio.people["member"].token)


@pytest.fixture
def replica(api: Api) -> Replica:
    return Replica(api)
