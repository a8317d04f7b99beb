"""`tallystick oauth-app`: apps made, listed and ended by whoever runs the server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tallystick.auth import oauth2
from tallystick.cli import application
from tallystick.cli.console import CommandError
from tallystick.domain.oauth import OAuthApp
from tallystick.values.errors import Invalid
from tests.studio import KEY, Studio


@pytest.fixture
def data(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    key = tmp_path / "secret.key"
    key.touch(mode=0o600)
    key.write_bytes(KEY)
    monkeypatch.setenv("TALLYSTICK_DATABASE_URL", database_url)
    return tmp_path


def run(data: Path, *words: str) -> str:
    result = CliRunner().invoke(application(), ["oauth-app", *words, "--data", str(data)])
    if result.exception is not None:
        raise result.exception
    return result.stdout


def test_an_app_is_made_listed_and_ended(studio: Studio, data: Path) -> None:
    here = ("--workspace", studio.workspace_id)
    uri = "https://charts.example/callback"
    made = json.loads(run(data, "create", "Charts", "--redirect", uri, "--confidential", *here, "--json"))
    assert oauth2.is_kind("secret", made["client_secret"])
    with studio.context() as ctx:
        assert ctx.find(OAuthApp, made["client_id"]).secret_digest == oauth2.digest(KEY, made["client_secret"])
    (listed,) = json.loads(run(data, "list", *here, "--json"))
    assert (listed["client_id"], listed["redirect_uris"], listed["confidential"]) == (made["client_id"], [uri], True)
    assert made["client_secret"] not in run(data, "list", *here)
    assert run(data, "revoke", made["client_id"]) == "Revoked Charts.\n"
    assert run(data, "list", *here) == "No apps.\n"
    with pytest.raises(CommandError, match="no app"):
        run(data, "revoke", made["client_id"])


def test_a_public_app_has_no_secret(studio: Studio, data: Path) -> None:
    here = ("--workspace", studio.workspace_id)
    said = run(data, "create", "Phone", "--redirect", "http://127.0.0.1/callback", *here)
    assert said.startswith("client_id ")
    assert "secret" not in said


def test_an_unsafe_address_is_refused(studio: Studio, data: Path) -> None:
    with pytest.raises(Invalid):
        run(data, "create", "Bad", "--redirect", "http://evil.example/", "--workspace", studio.workspace_id)
    with pytest.raises(CommandError):
        run(data, "revoke", "x")
