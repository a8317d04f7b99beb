from __future__ import annotations

import pytest

from tallystick.db.session import Database
from tests.hostile.wsgi import Attacker
from tests.studio import KEY, app_client, found_studio


@pytest.fixture(scope="module")
def attack(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Attacker:
    """The whole app in process with a studio of the module's own, without rate limits."""
    studio = found_studio(database, KEY)
    client = app_client(database, studio.clock, tmp_path_factory.mktemp("limits"))
    return Attacker(client.app, studio)
