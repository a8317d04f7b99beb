"""The first workspace of a server: made once, by whoever reads what the server printed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier
from uuid import uuid4

import pytest
from falcon import testing

from tallystick.auth import first_run
from tallystick.auth.rate_limits import RateLimits
from tallystick.cli import serve
from tallystick.db.session import Database, owner_connection
from tallystick.main import build
from tallystick.settings import Settings
from tests.conftest import TEMPLATE, create_database, with_database
from tests.sign_in.conftest import PASSWORD, cookies_of, submit
from tests.studio import KEY, Clock, found_studio


@dataclass
class Fresh:
    """A server that nobody has set up."""

    door: testing.TestClient
    database: Database
    secret: str

    def workspaces(self) -> list[tuple[str, str]]:
        with owner_connection(self.database.url) as connection:
            return connection.execute(
                "SELECT w.name, p.email FROM workspaces w JOIN members m ON m.workspace_id = w.id"
                " JOIN people p ON p.id = m.user_id ORDER BY 1, 2"
            ).fetchall()  # type: ignore[return-value]


@pytest.fixture
def fresh(cluster_url: str, database: Database, tmp_path: Path) -> Iterator[Fresh]:
    del database  # the template is there
    name = f"tallystick_fresh_{uuid4().hex[:12]}"
    create_database(cluster_url, name, template=TEMPLATE)
    pool = Database(with_database(cluster_url, name), size=4)
    pool.open()
    secret = first_run.mint()
    app = build(
        Settings(data=tmp_path, rate_limit_address=0),
        pool,
        KEY,
        clock=Clock(),
        limits=RateLimits(tmp_path / "limits", clock=Clock().now.timestamp),
        first_run=first_run.digest_of(KEY, secret),
    )
    yield Fresh(testing.TestClient(app), pool, secret)
    pool.close()


def form(fresh: Fresh, **more: str) -> dict[str, str]:
    return {
        "code": fresh.secret, "workspace": "Atelier Nord", "currency": "eur", "time_zone": "Europe/Berlin",
        "name": "Ada Berg", "email": "Ada@Atelier.example", "new_password": PASSWORD, "again": PASSWORD, **more,
    }  # fmt: skip


def test_a_stranger_is_told_what_to_do(fresh: Fresh) -> None:
    assert fresh.door.simulate_get("/").headers["Location"] == "/sign-in"
    page = fresh.door.simulate_get("/sign-in")
    assert page.status_code == 200
    assert "This server has no workspace yet." in page.text
    assert "tallystick serve" in page.text
    assert "<form" not in page.text


def test_the_code_makes_the_first_workspace_and_signs_its_owner_in(fresh: Fresh) -> None:
    page = fresh.door.simulate_get("/setup")
    assert fresh.secret not in page.text
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    came = submit(fresh.door, "/setup", form(fresh))
    assert (came.status_code, came.headers["Location"]) == (303, "/")
    assert fresh.workspaces() == [("Atelier Nord", "ada@atelier.example")]
    home = fresh.door.simulate_get("/", headers={"Cookie": f"tallystick={cookies_of(came)['tallystick']}"})
    assert home.status_code == 200
    assert "Ada Berg" in home.text
    again = submit(fresh.door, "/sign-in", {"email": "ada@atelier.example", "password": PASSWORD})
    assert again.status_code == 303
    with fresh.database.transaction() as connection:
        connection.execute("SELECT set_config('tallystick.workspace', (SELECT workspace_id::text FROM"
                           " sign_in_of('ada@atelier.example')), true)")  # fmt: skip
        connection.execute("SELECT enter_changes()")
        origins = connection.execute("SELECT DISTINCT origin ->> 'action' FROM audit_log ORDER BY 1").fetchall()
    assert origins == [("/setup",), ("/sign-in",)]


def test_it_is_good_once(fresh: Fresh) -> None:
    assert submit(fresh.door, "/setup", form(fresh)).status_code == 303
    for page in (
        submit(fresh.door, "/setup", form(fresh, workspace="Second", email="eve@evil.example")),
        fresh.door.simulate_get("/setup"),
    ):
        assert page.status_code == 409
        assert "set up already" in page.text
    assert len(fresh.workspaces()) == 1
    assert "Password" in fresh.door.simulate_get("/sign-in").text


@pytest.mark.parametrize("code", ["", "x", "hsu_" + "A" * 43, "hsu_" + "é" * 43])
def test_another_code_does_nothing(fresh: Fresh, code: str) -> None:
    page = submit(fresh.door, "/setup", form(fresh, code=code))
    assert page.status_code == 403
    assert "set-up code is not valid" in page.text
    assert PASSWORD not in page.text
    assert fresh.workspaces() == []


def test_guessing_has_to_wait(fresh: Fresh) -> None:
    for _ in range(5):
        submit(fresh.door, "/setup", form(fresh, code="x"))
    assert submit(fresh.door, "/setup", form(fresh)).status_code == 429
    assert fresh.workspaces() == []


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"workspace": " "}, "Enter a name for the workspace"),
        ({"name": ""}, "Enter your name"),
        ({"email": "ada"}, "Enter your e-mail"),
        ({"currency": "EURO"}, "Enter a currency"),
        ({"time_zone": "Mars/Base"}, "Choose a time zone"),
        ({"again": "x"}, "The two passwords differ"),
        ({"new_password": "short", "again": "short"}, "at least 15"),
        ({"new_password": "Atelier Nord Atelier", "again": "Atelier Nord Atelier"}, "a stranger would try"),
    ],
)
def test_what_cannot_be_is_said_and_the_rest_stays_typed(fresh: Fresh, wrong: dict[str, str], why: str) -> None:
    page = submit(fresh.door, "/setup", form(fresh, **wrong))
    assert page.status_code == 400
    assert why in page.text
    assert f'value="{fresh.secret}"' in page.text
    assert fresh.workspaces() == []


def test_another_site_sets_nothing_up(fresh: Fresh) -> None:
    assert submit(fresh.door, "/setup", form(fresh), Sec_Fetch_Site="cross-site").status_code == 403
    assert fresh.workspaces() == []


def test_of_two_browsers_at_one_moment_one_makes_the_workspace(fresh: Fresh) -> None:
    start = Barrier(2)

    def come(number: int) -> testing.Result:
        start.wait()
        return submit(fresh.door, "/setup", form(fresh, workspace=f"Atelier {number}", email=f"a{number}@a.example"))

    with ThreadPoolExecutor(2) as pool:
        came = sorted(pool.map(come, (1, 2)), key=lambda page: page.status_code)
    assert [page.status_code for page in came] == [303, 409]
    assert "set up already" in came[1].text
    assert len(fresh.workspaces()) == 1


def test_each_start_draws_another_code_and_none_where_there_is_a_workspace(
    fresh: Fresh, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(first_run.VARIABLE, raising=False)
    first, second = (serve._drawn(fresh.database.url, KEY) for _ in range(2))
    assert first
    assert second
    assert first != second
    told = serve.os.environ[first_run.VARIABLE]
    assert told == first_run.digest_of(KEY, second)
    assert second not in told
    serve._show_first_run(f"http://127.0.0.1:8000/setup#{second}")
    said = capsys.readouterr().out
    assert re.search(rf"^http://127\.0\.0\.1:8000/setup#{second}$", said, re.MULTILINE), said
    found_studio(fresh.database, KEY)
    assert serve._drawn(fresh.database.url, KEY) is None
    assert first_run.VARIABLE not in serve.os.environ
