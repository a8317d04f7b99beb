"""One studio for each module of the conformance tests: they read what they wrote themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from tallystick.db.session import Database
from tests.conformance.world import World
from tests.studio import KEY, app_client, found_studio


@pytest.fixture(scope="module")
def world(database: Database, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A studio of the module's own, asked over HTTP in process, without rate limits."""
    return new_world(database, tmp_path_factory.mktemp("limits"))


@pytest.fixture
def fresh(database: Database, tmp_path: Path) -> World:
    """A studio of the test's own."""
    return new_world(database, tmp_path)


@pytest.fixture(scope="module")
def stranger(database: Database, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Another workspace, whose rows nobody here may see."""
    return new_world(database, tmp_path_factory.mktemp("limits"), name="Canary & Co")


def new_world(database: Database, limits: Path, *, name: str = "Studio North") -> World:
    studio = found_studio(database, KEY, name=name)
    return World(studio, app_client(database, studio.clock, limits))
