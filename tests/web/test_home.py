from __future__ import annotations

from pathlib import Path

from tallystick.db.session import Database
from tests.studio import Clock, app_client


def test_whoever_opens_the_server_signs_in_first(database: Database, tmp_path: Path) -> None:
    app = app_client(database, Clock(), tmp_path)
    home = app.simulate_get("/")
    assert (home.status_code, home.headers["location"]) == (303, "/sign-in")
    assert app.simulate_get(home.headers["location"]).status_code == 200
    assert home.headers["x-request-id"]
