from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from falcon import testing

from tallystick.db.session import Database
from tests.expensicat.world import Expensicat, expensicat_client, token_of
from tests.studio import Studio


@pytest.fixture
def app(database: Database, studio: Studio, other_studio: Studio, tmp_path: Path) -> testing.TestClient:
    return expensicat_client(database, studio.clock, tmp_path, studio, other_studio)


@pytest.fixture
def api(app: testing.TestClient, studio: Studio) -> Expensicat:
    """As the owner."""
    return Expensicat(app, token_of(studio))


@pytest.fixture
def api_as(app: testing.TestClient, studio: Studio) -> Callable[..., Expensicat]:
    """As one of the studio's people, with everything or with scopes."""
    return lambda who, scopes="*": Expensicat(app, token_of(studio, who, scopes))
