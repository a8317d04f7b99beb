"""Every timer of a task or a project stops in one instant; a Member stops only their own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from tallystick.domain import projects, tasks, time_entries
from tallystick.domain.members import active
from tallystick.domain.projects import Project
from tallystick.domain.time_entries import TimeEntry
from tallystick.values.errors import NotFound
from tests.domain.conftest import Desk


@pytest.fixture
def timers(desk: Desk) -> dict[str, str]:
    """Owner and member on the task, admin on the project alone, manager elsewhere."""
    with desk.studio.context() as ctx:
        projects.put_on(ctx, ctx.find(Project, desk["project"]), active(ctx, desk.user("second")))
    places = {
        "owner": {"project_id": desk["project"], "task_id": desk["task"]},
        "member": {"project_id": desk["project"], "task_id": desk["task"]},
        "admin": {"project_id": desk["project"]},
        "manager": {"project_id": desk["hidden_project"]},
    }
    ids = {who: desk.do(time_entries.start, who=who, **place).id for who, place in places.items()}
    desk.studio.clock.now += timedelta(minutes=25)
    return ids


def stopped(desk: Desk, timers: dict[str, str]) -> set[str]:
    return {who for who, identity in timers.items() if not desk.find(TimeEntry, identity).running}


def test_those_of_a_task_stop_in_one_instant(desk: Desk, timers: dict[str, str]):
    ended = desk.do(time_entries.stop_all, task_id=desk["task"])
    assert {entry.id for entry in ended} == {timers["owner"], timers["member"]}
    assert stopped(desk, timers) == {"owner", "member"}
    for entry in ended:
        kept = desk.find(TimeEntry, entry.id)
        assert (kept.stopped_at, kept.duration_seconds) == (desk.studio.clock.now, 25 * 60)
        assert desk.events(entry.id) == ["time_entry.started", "time_entry.stopped"]
    assert desk.do(time_entries.stop_all, task_id=desk["task"]) == [], "nothing is left to stop"


def test_of_many_stops_at_the_same_moment_each_timer_ends_once(desk: Desk, timers: dict[str, str]):
    start = Barrier(6)

    def stop(_: int) -> list[str]:
        start.wait(20)
        return [entry.id for entry in desk.do(time_entries.stop_all, project_id=desk["project"])]

    with ThreadPoolExecutor(6) as pool:
        ended = [identity for found in pool.map(stop, range(6)) for identity in found]
    assert sorted(ended) == sorted(timers[who] for who in ("owner", "member", "admin"))
    for identity in ended:
        assert desk.events(identity) == ["time_entry.started", "time_entry.stopped"]


def test_those_of_a_project_stop_whatever_the_task(desk: Desk, timers: dict[str, str]):
    assert len(desk.do(time_entries.stop_all, project_id=desk["project"], who="manager")) == 3
    assert stopped(desk, timers) == {"owner", "member", "admin"}


def test_a_member_stops_only_their_own(desk: Desk, timers: dict[str, str]):
    assert [entry.id for entry in desk.do(time_entries.stop_all, task_id=desk["task"], who="member")] == [
        timers["member"]
    ]
    assert desk.do(time_entries.stop_all, project_id=desk["project"], who="second") == []
    assert stopped(desk, timers) == {"member"}


def test_a_task_that_is_not_seen_is_not_found(desk: Desk, timers: dict[str, str]):
    hidden = desk.do(tasks.create, project_id=desk["hidden_project"], name="x").id
    for place in ({"task_id": hidden}, {"project_id": desk["hidden_project"]}):
        with pytest.raises(NotFound):
            desk.do(time_entries.stop_all, who="member", **place)
    assert stopped(desk, timers) == set()
