from __future__ import annotations

import pytest

from tallystick.db.session import Database
from tests.matrix.stage import Stage, set_up
from tests.studio import app_client


@pytest.fixture(scope="package")
def stage(database: Database, database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return set_up(
        Stage, database, database_url,
        lambda over, world, _: app_client(over, world.studio.clock, tmp_path_factory.mktemp("limits")),
    )  # fmt: skip
