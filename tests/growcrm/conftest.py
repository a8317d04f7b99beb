from __future__ import annotations

from pathlib import Path

import pytest
from falcon import testing

from tallystick.db.session import Database
from tests.growcrm.world import GrowCrm, key_of
from tests.studio import Studio, app_client


@pytest.fixture
def app(database: Database, studio: Studio, other_studio: Studio, tmp_path: Path) -> testing.TestClient:
    del other_studio
    return app_client(database, studio.clock, tmp_path)


@pytest.fixture
def api(app: testing.TestClient, studio: Studio) -> GrowCrm:
    return GrowCrm(app, key_of(studio))
