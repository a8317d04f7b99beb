"""Tasks: put aside and taken up again, copied, and who is on them."""

from __future__ import annotations

import pytest

from tallystick.domain import projects, tasks, time_entries
from tallystick.domain.tasks import TASKS, Task
from tallystick.values.errors import Absent, Forbidden, Invalid, NotFound
from tests.domain.conftest import Desk


def test_a_task_put_aside_is_still_found(desk: Desk):
    shelved = desk.do(tasks.shelve, desk["task"])
    assert shelved.archived_at == desk.studio.clock.now
    assert desk.do(tasks.read, desk["task"]).archived_at is not None
    assert desk.page(TASKS, ("name",)) == [("Design",)]
    desk.do(tasks.shelve, desk["task"])
    assert desk.do(tasks.unshelve, desk["task"]).archived_at is None
    desk.do(tasks.unshelve, desk["task"])
    assert desk.events(desk["task"]) == ["task.created", "task.shelved", "task.unshelved"]


def test_a_copy_is_new_and_nobody_is_on_it(desk: Desk):
    desk.do(tasks.change, desk["task"], status="DONE", priority="HIGH", tags=["web"], description="Two pages")
    copy = desk.do(tasks.clone, desk["task"], project_id=desk["project"], name="Design again")
    source = desk.find(Task, desk["task"])
    assert (copy.priority_id, copy.tags, copy.description) == (source.priority_id, ["web"], "Two pages")
    assert (copy.status, copy.completed_at, copy.assignee_ids, copy.position) == ("TODO", None, (), source.position + 1)
    elsewhere = desk.do(tasks.clone, desk["task"], project_id=desk["hidden_project"], name="There", status="DONE")
    assert elsewhere.milestone_id == desk.do(projects.uncategorised, desk["hidden_project"])
    assert elsewhere.status == "DONE"
    with pytest.raises(Absent):
        desk.do(tasks.clone, desk["task"], project_id="0192d3a4-5b6c-7def-8123-456789abcdef", name="x")


def test_members_do_none_of_it(desk: Desk):
    for verb, facts in (
        (tasks.shelve, {}),
        (tasks.unshelve, {}),
        (tasks.clone, {"project_id": desk["project"], "name": "x"}),
    ):
        with pytest.raises(Forbidden):
            desk.do(verb, desk["task"], who="member", **facts)
    with pytest.raises(Forbidden):
        desk.do(tasks.staff, desk["project"], [], who="member")


def test_exactly_these_people_are_on_a_project(desk: Desk):
    with desk.studio.context() as ctx:
        entry = time_entries.log(
            ctx, project_id=desk["project"], task_id=desk["task"], entry_date=ctx.today(), duration_seconds=60,
            user_id=desk.user("member"),
        )  # fmt: skip
    desk.do(tasks.staff, desk["project"], [desk.user("second"), desk.user("manager")])
    on = desk.rows("SELECT user_id FROM project_members WHERE project_id = :id ORDER BY 1", id=desk["project"])
    assert on == [(one,) for one in sorted([desk.user("second"), desk.user("manager")])]
    assert desk.do(tasks.read, desk["task"]).assignee_ids == ()
    assert desk.do(time_entries.read, entry.id).user_id == desk.user("member"), "their time stays"
    with pytest.raises(NotFound):
        desk.do(projects.read, desk["project"], who="member")
    assert desk.do(projects.read, desk["project"], who="second").name == "Website"
    assert desk.events(desk["project"])[-1] == "project.staffed"
    with pytest.raises(Invalid):
        desk.do(tasks.staff, desk["project"], ["0192d3a4-5b6c-7def-8123-456789abcdef"])
