from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from falcon import testing

from tallystick.db.session import Database
from tests.matrix.world import Rehearsal, World, furnish
from tests.studio import app_client


@pytest.fixture(scope="package")
def world(database: Database) -> World:
    return furnish(database)


@pytest.fixture(scope="package")
def other(database: Database) -> World:
    """Another workspace; whatever of it is seen in an answer is a leak."""
    return furnish(database, name="Canary & Co", word="Canary")


@pytest.fixture(scope="package")
def rehearse(database: Database, world: World, tmp_path_factory: pytest.TempPathFactory) -> testing.TestClient:
    """The app over the world; nothing it does lasts longer than its request."""
    return app_client(Rehearsal(database), world.studio.clock, tmp_path_factory.mktemp("limits"))  # type: ignore[arg-type]


@pytest.fixture(scope="package")
def looking(database: Database, world: World, tmp_path_factory: pytest.TempPathFactory) -> testing.TestClient:
    """The app over the world, in transactions that may not write."""
    return app_client(
        Rehearsal(database, read_only=True),  # type: ignore[arg-type]
        world.studio.clock,
        tmp_path_factory.mktemp("limits"),
    )


@pytest.fixture(scope="package")
def token(world: World) -> Callable[[str], str]:
    return lambda who: world.studio.people[who].token
