from __future__ import annotations

from datetime import date
from typing import Any

from tallystick.domain import approvals, workspaces
from tests.cli.conftest import Filled, Tallystick


def test_time_is_locked_told_and_opened_again(filled: Filled, tallystick: Tallystick) -> None:
    def studio(*words: str) -> Any:
        return tallystick(*words, "-w", filled.studio.workspace_id)

    told = studio("time", "lock", "2026-05-31", "--month-after-days", "5", "--json").json
    assert told == {"locked_until": "2026-05-31", "lock_month_after_days": 5}
    with filled.studio.context() as ctx:
        assert workspaces.current(ctx).locked_until == date(2026, 5, 31)
    assert "2026-05-31 is closed. Each month closes 5 days" in studio("time", "lock").out
    assert studio("time", "lock", "9999-01-01").code == 1
    assert "No day is closed." in studio("time", "unlock").out
    with filled.studio.context() as ctx:
        workspaces.change(ctx, approve_weeks=True)
        approvals.submit(ctx, date(2026, 6, 8))
    (week,) = studio("time", "weeks", "--status", "SUBMITTED", "--json").json
    assert (week["first_day"], week["person"], week["status"]) == ("2026-06-08", "Owner", "SUBMITTED")
    assert "No weeks" in studio("time", "weeks", "--status", "APPROVED").out
    assert studio("time", "weeks", "--status", "GONE").code == 1
