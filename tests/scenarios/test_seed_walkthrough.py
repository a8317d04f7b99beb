"""The walkthrough that Hoursmith documents, typed with real curl against a real server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.live import live_server
from tests.studio import Studio

FUNCTIONS = """
curl() { command curl --silent --show-error --fail-with-body "$@"; }
id() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["data"]["id"])' "$OUT/$1"; }
uuidgen() { cat /proc/sys/kernel/random/uuid; }
"""


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_documented_walkthrough_works_as_it_is_typed(studio: Studio, database_url: str, tmp_path: Path) -> None:
    script = Path(__file__).with_name("walkthrough.sh").read_text()
    with live_server(database_url, tmp_path / "data") as url:
        subprocess.run(
            ["bash", "-c", FUNCTIONS + script],
            env={**os.environ, "BASE": f"{url}/api/v1", "TOKEN": studio.owner.token, "OUT": str(tmp_path)},
            check=True,
        )

    def said(name: str) -> object:
        return json.loads((tmp_path / name).read_text())["data"]

    client, project = said("client"), said("project")
    assert client["name"] == "Globex"
    assert client["currency"] == "USD"
    assert project["clientId"] == client["id"]
    assert project["rateType"] == "HOURLY"
    entry, human = said("entry"), said("human")
    assert entry["durationSeconds"] == human["durationSeconds"] == 5400
    assert entry["note"] == "Homepage layout"
    assert entry["billable"] is True
    assert said("running") == []
    assert {one["id"] for one in said("month")} == {entry["id"], human["id"]}
    assert said("invoices") == []
