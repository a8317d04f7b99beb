from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from falcon import testing

from tallystick.db.session import Database
from tests.studio import Api, Studio, app_client


@pytest.fixture
def app(database: Database, studio: Studio, tmp_path: Path) -> testing.TestClient:
    """The whole app in process, on the studio's clock, without rate limits."""
    return app_client(database, studio.clock, tmp_path)


@pytest.fixture
def api(app: testing.TestClient, studio: Studio) -> Api:
    """The native API as the owner."""
    return Api(app, studio.owner.token)


@pytest.fixture
def api_as(app: testing.TestClient, studio: Studio) -> Callable[[str], Api]:
    """The native API as one of the studio's people."""
    return lambda who: Api(app, studio.people[who].token)
