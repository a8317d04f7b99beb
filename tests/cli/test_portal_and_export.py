"""`tallystick portal` and `tallystick export`, as an operator types them."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tallystick.domain import clients
from tests.cli.conftest import Filled, Tallystick


def test_a_link_is_sent_and_everybody_is_signed_out(
    filled: Filled, tallystick: Tallystick, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TALLYSTICK_SMTP_URL", "smtp://127.0.0.1:9?tls=none")
    monkeypatch.setenv("TALLYSTICK_MAIL_FROM", "Tally <tally@server.example>")
    here = ("-w", filled.studio.workspace_id)
    with filled.studio.context() as ctx:
        clients.change(ctx, filled.studio.ids["client"], billing_email="ap@globex.example")
    sent = tallystick("portal", "send", "Globex", "--email", "ap@globex.example", *here, "--json").json
    assert (sent["state"], sent["to"]) == ("queued", ["ap@globex.example"])
    wrong = tallystick("portal", "send", "Globex", "--email", "eve@evil.example", *here)
    assert (wrong.code, "not an address of Globex" in wrong.err) == (1, True)
    assert tallystick("portal", "sessions", "Globex", *here, "--json").json == []
    assert tallystick("portal", "end", "Globex", *here, "--json").json == {"ended": 0}


def test_everything_is_written_to_a_file_that_was_not_there(
    filled: Filled, tallystick: Tallystick, tmp_path: Path
) -> None:
    here = ("-w", filled.studio.workspace_id)
    path = tmp_path / "studio.zip"
    made = tallystick("export", "--output", str(path), *here, "--json").json
    assert made["size"] == path.stat().st_size
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert b"Globex" in archive.read("csv/clients.csv")
        assert filled.studio.name in archive.read("README.txt").decode()
    again = tallystick("export", "--output", str(path), *here)
    assert (again.code, "cannot be written" in again.err) == (1, True)
