"""`tallystick member reset-link`: a link of the public address, for somebody who belongs to a workspace."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from falcon import testing
from typer.testing import CliRunner

from tallystick.auth.sessions import CodeNeeded
from tallystick.cli import application
from tallystick.cli.console import CommandError
from tallystick.domain import members
from tallystick.values.errors import Conflict
from tests.sign_in.conftest import signed_in, submit
from tests.studio import KEY, Studio

NEW = "nine grey geese over the weir"


@pytest.fixture
def data(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory with the studio's key, over the test's database."""
    key = tmp_path / "secret.key"
    key.touch(mode=0o600)
    key.write_bytes(KEY)
    monkeypatch.setenv("TALLYSTICK_DATABASE_URL", database_url)
    monkeypatch.setenv("TALLYSTICK_PUBLIC_URL", "https://time.example.com")
    return tmp_path


def run(data: Path, *words: str, command: str = "reset-link") -> str:
    result = CliRunner().invoke(application(), ["member", command, *words, "--data", str(data)])
    if result.exception is not None:
        raise result.exception
    return result.stdout


def test_it_prints_a_link_that_sets_the_password(with_password: Studio, data: Path, door: testing.TestClient) -> None:
    said = json.loads(run(data, with_password.owner.email.upper(), "--json"))
    assert said["link"].startswith("https://time.example.com/reset/hsl_")
    with_password.clock.now = datetime.now(UTC)  # the command has the machine's clock
    path = said["link"].removeprefix("https://time.example.com")
    assert submit(door, path, {"new_password": NEW, "again": NEW}).status_code == 303
    assert signed_in(with_password, password=NEW).jwt


def test_it_says_for_people_what_to_do_with_it(with_password: Studio, data: Path) -> None:
    said = run(data, with_password.owner.email)
    assert said.startswith("https://time.example.com/reset/hsl_")
    assert "works once" in said


def test_for_nobody_there_is_none(data: Path) -> None:
    with pytest.raises(CommandError, match="Nobody with the e-mail"):
        run(data, "nobody@studio.example")


def test_whoever_lost_their_authenticator_is_let_in_with_the_password_alone(with_password: Studio, data: Path) -> None:
    with with_password.context() as ctx:
        members.turn_on_second_factor(ctx, secret=b"sealed", step=1, backup_codes=["x"])
    with pytest.raises(CodeNeeded):
        signed_in(with_password)
    assert "password alone" in run(data, with_password.owner.email, command="second-factor-off")
    assert signed_in(with_password).jwt
    with pytest.raises(Conflict, match="is off"):
        run(data, with_password.owner.email, command="second-factor-off")
