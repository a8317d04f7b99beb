"""What the heaviest page costs: a month of five hundred entries."""

from __future__ import annotations

import time
from datetime import date, timedelta

from tallystick.domain import time_entries
from tests.app.conftest import Pages


def test_a_month_of_five_hundred_entries_costs_little(pages: Pages) -> None:
    with pages.studio.context() as ctx:
        for number in range(500):
            time_entries.log(
                ctx, project_id=pages.studio.ids["project"], task_id=pages.studio.ids["task"],
                entry_date=date(2026, 6, 1) + timedelta(days=number % 30), duration_seconds=900 + number,
                note=f"No. {number}",
            )  # fmt: skip
    took: list[float] = []
    for _ in range(6):
        began = time.thread_time()
        result = pages["owner"].get("/time?from=2026-06-01&to=2026-06-30", **{"Accept-Encoding": "gzip"})
        took.append(time.thread_time() - began)
        assert result.status_code == 200
    assert len(result.content) < 100_000
    assert min(took) < 0.060, took
