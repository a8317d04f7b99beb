"""`bin/bench` in small: it fills, serves, asks and writes its figures. What they are depends on the machine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parents[1] / "bench" / "run.py"


def test_a_small_bench_measures_everything_once(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    small = ["--entries", "2000", "--seconds", "0.1", "--rounds", "1", "--json", str(figures)]
    ended = subprocess.run([sys.executable, BENCH, *small], capture_output=True, text=True, timeout=180, check=False)
    assert ended.returncode in (0, 1), ended.stderr  # 1: a target missed, as may be with so few requests
    found = json.loads(figures.read_text())
    assert set(found) == {
        "get one", "list of 50", "list of 200", "create", "expensicat get one", "expensicat list of 50",
        "expensicat create", "growcrm list of 50", "growcrm create", "depth", "growth", "jwt first seen",
        "invoice of 1,000 entries", "invoice of 10,000 entries", "e-invoice of 50 lines",
        "e-invoice of 500 lines", "PDF of 50 lines", "PDF of 500 lines", "month of 500 entries", "webhooks",
    }  # fmt: skip
    for name in (
        "get one",
        "list of 50",
        "list of 200",
        "create",
        *(name for name in found if name.startswith(("expensicat", "growcrm"))),
    ):
        assert found[name]["product"]["per_second"] > 0
        assert found[name]["floor"]["server"] > 0
