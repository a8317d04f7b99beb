"""What the heaviest page costs: a month of five hundred entries."""

from __future__ import annotations

from datetime import date, timedelta
from unittest import mock

from tallystick.db.connection import Connection
from tallystick.domain import time_entries
from tests.app.conftest import Pages

MONTH = "/time?from=2026-06-01&to=2026-06-30"


def log(pages: Pages, count: int) -> None:
    with pages.studio.context() as ctx:
        for number in range(count):
            time_entries.log(
                ctx, project_id=pages.studio.ids["project"], task_id=pages.studio.ids["task"],
                entry_date=date(2026, 6, 1) + timedelta(days=number % 30), duration_seconds=900 + number,
                note=f"No. {number}",
            )  # fmt: skip


def test_a_month_of_five_hundred_entries_costs_no_more_statements_than_one_of_thirty(pages: Pages) -> None:
    statements: list[int] = []
    for more in (30, 470):
        log(pages, more)
        with mock.patch.object(Connection, "run", autospec=True, side_effect=Connection.run) as run:
            page = pages["owner"].get(MONTH, **{"Accept-Encoding": "gzip"})
        assert page.status_code == 200
        statements.append(run.call_count)
    assert len(page.content) < 100_000
    assert statements[0] == statements[1] > 0
