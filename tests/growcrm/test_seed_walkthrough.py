"""The page on timesheets (seed 003), typed with real curl against a real server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.growcrm.world import key_of, number
from tests.live import live_server
from tests.studio import Studio

FUNCTIONS = """
curl() { command curl --silent --show-error --fail-with-body "$@"; }
id() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["data"]["id"])' "$OUT/$1"; }
"""


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_documented_calls_work_as_they_are_typed(studio: Studio, database_url: str, tmp_path: Path) -> None:
    script = Path(__file__).with_name("walkthrough.sh").read_text()
    task, project = number(studio, "task", studio.ids["task"]), number(studio, "project", studio.ids["project"])
    worker = number(studio, "user", studio.people["second"].user_id)
    with live_server(database_url, tmp_path / "data") as url:
        subprocess.run(
            ["bash", "-c", FUNCTIONS + script],
            env={
                **os.environ, "BASE": f"{url}/api", "KEY": key_of(studio), "OUT": str(tmp_path), "TASK": str(task),
                "PROJECT": str(project), "USER_ID": str(worker),
            },
            check=True,
        )  # fmt: skip

    def said(name: str) -> Any:
        return json.loads((tmp_path / name).read_text())

    recorded = said("recorded")["data"]
    assert recorded == {
        "id": recorded["id"],
        "task_id": task,
        "project_id": project,
        "client_id": number(studio, "client", studio.ids["client"]),
        "worked_by_id": worker,
        "recorded_by_id": 1,
        "time_seconds": 5400,
        "time_readable": "1h 30m",
        "status": "stopped",
        "billing": {"status": "not_invoiced", "invoice_id": None},
        "dates": {"created": "2026-06-20", "started": None, "stopped": None},
    }
    assert said("one")["data"] == recorded
    assert said("listed") == {
        "data": [recorded],
        "meta": {"current_page": 1, "per_page": 25, "total": 1, "last_page": 1},
        "message": "Timesheets retrieved successfully.",
    }
    assert said("updated")["data"] == recorded | {"time_seconds": 7200, "time_readable": "2h"}
    assert said("deleted")["data"] == {"id": recorded["id"]}
    statuses = {name: (tmp_path / f"{name}.status").read_text() for name in ("gone", "short", "missing", "nobody")}
    assert statuses == {"gone": "404", "short": "422", "missing": "422", "nobody": "401"}
    assert set(said("missing")["errors"]) == {"task_id", "user_id", "timer_created"}
    assert said("nobody") == {"message": "Unauthorized. A valid API key is required."}
