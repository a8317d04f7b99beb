from __future__ import annotations

import pytest
from falcon import testing
from psycopg.conninfo import conninfo_to_dict

from tallystick.db.session import Database
from tallystick.domain.context import Transactions
from tests.matrix.stage import Stage
from tests.matrix.world import Rehearsal, furnish
from tests.studio import app_client


@pytest.fixture(scope="package")
def stage(database: Database, database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """Two furnished workspaces, and the app over them; nothing a request does lasts longer than the request."""
    world = furnish(database)
    other = furnish(database, name="Canary & Co", word="Canary")
    clock = world.studio.clock
    owner = conninfo_to_dict(database_url)["user"]

    def app(transactions: Transactions) -> testing.TestClient:
        return app_client(transactions, clock, tmp_path_factory.mktemp("limits"))  # type: ignore[arg-type]

    return Stage(
        database_url,
        world,
        other,
        client=app(Rehearsal(database)),
        looking=app(Rehearsal(database, "SET TRANSACTION READ ONLY")),
        lasting=app(database),
        unwalled=app(Rehearsal(database, f"SET LOCAL ROLE {owner}")),
    )
