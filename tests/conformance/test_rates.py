"""The rate an entry was made with stays with it: entry, task, project, client, workspace (DESIGN, section 4)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tallystick.domain import time_entries, workspaces
from tallystick.domain.tasks import Task
from tests.conformance.world import World


def rate_of(world: World, entry: dict[str, Any]) -> Decimal | None:
    with world.studio.context() as ctx:
        return time_entries.read(ctx, entry["id"]).hourly_rate


def log(world: World, **facts: Any) -> Any:
    given = {"projectId": world.studio.ids["project"], "entryDate": "2026-06-11", "durationSeconds": 60, **facts}
    return world.api().post("/time-entries", given)


def test_the_nearest_rate_is_found(fresh: World) -> None:
    ids = fresh.studio.ids
    assert rate_of(fresh, log(fresh)) == 90  # the client's
    assert rate_of(fresh, log(fresh, projectId=ids["hidden_project"])) == 120  # the project's own
    with fresh.studio.context() as ctx:
        ctx.change(ctx.find(Task, ids["task"]), hourly_rate=Decimal(150))
        workspaces.change(ctx, default_rate=Decimal("55.5"))
    assert rate_of(fresh, log(fresh, taskId=ids["task"])) == 150
    client = fresh.api().post("/clients", {"name": "No rate"})
    project = fresh.api().post("/projects", {"clientId": client["id"], "name": "P"})
    assert rate_of(fresh, log(fresh, projectId=project["id"])) == Decimal("55.5")


def test_no_rate_anywhere_is_none(fresh: World) -> None:
    client = fresh.api().post("/clients", {"name": "No rate"})
    project = fresh.api().post("/projects", {"clientId": client["id"], "name": "P"})
    assert rate_of(fresh, log(fresh, projectId=project["id"])) is None


def test_a_rate_of_zero_is_a_rate(fresh: World) -> None:
    facts = {"clientId": fresh.studio.ids["client"], "name": "Gift", "hourlyRate": 0}
    project = fresh.api().post("/projects", facts)
    assert rate_of(fresh, log(fresh, projectId=project["id"])) == 0


def test_later_rates_leave_recorded_time_alone(fresh: World) -> None:
    api, ids = fresh.api(), fresh.studio.ids
    entry = log(fresh)
    timer = api.post("/time-entries/start", {"projectId": ids["project"]})
    assert api("PATCH", f"/clients/{ids['client']}", {"defaultRate": 200}).status_code == 200
    assert api("PATCH", f"/projects/{ids['project']}", {"hourlyRate": 300}).status_code == 200
    fresh.later(minutes=1)
    api.post("/time-entries/stop", status=200)
    api("PATCH", f"/time-entries/{entry['id']}", {"note": "n", "durationSeconds": 120, "billable": False})
    assert (rate_of(fresh, entry), rate_of(fresh, timer)) == (90, 90)
    assert rate_of(fresh, log(fresh)) == 300


def test_moving_an_entry_takes_the_rate_of_the_new_place(fresh: World) -> None:
    entry = log(fresh)
    fresh.api()("PATCH", f"/time-entries/{entry['id']}", {"projectId": fresh.studio.ids["hidden_project"]})
    assert rate_of(fresh, entry) == 120


def test_the_rate_is_not_on_the_wire(fresh: World) -> None:
    assert not [name for name in log(fresh) if "rate" in name.lower()]
