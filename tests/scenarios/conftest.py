from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tallystick.db.session import Database, owner_connection
from tallystick.domain import invariants
from tests.expensicat.world import Expensicat, expensicat_client, token_of
from tests.growcrm.world import GrowCrm, key_of
from tests.scenarios.faces import Faces
from tests.studio import Api, Studio, app_client


@pytest.fixture
def sound(studio: Studio, database_url: str) -> Any:
    """Whatever was done, the record is sound after it."""
    yield
    with owner_connection(database_url) as connection:
        found = invariants.check(connection, now=studio.clock.now, workspace_id=studio.workspace_id)
    assert [finding for finding in found if finding.count] == []


@pytest.fixture
def as_(database: Database, studio: Studio, tmp_path: Path) -> Callable[[str], Faces]:
    native = app_client(database, studio.clock, tmp_path)
    expensicat = expensicat_client(database, studio.clock, tmp_path, studio)
    growcrm = GrowCrm(native, key_of(studio))
    return lambda who: Faces(
        Api(native, studio.people[who].token), Expensicat(expensicat, token_of(studio, who)), growcrm
    )


@pytest.fixture
def owner(as_: Callable[[str], Faces]) -> Faces:
    return as_("owner")
