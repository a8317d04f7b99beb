"""Milestones: each project has one for the rest, and no task is ever without."""

from __future__ import annotations

import psycopg
import pytest

from tallystick.domain import milestones, projects, tasks
from tallystick.domain.milestones import MILESTONES
from tallystick.domain.projects import Milestone
from tallystick.domain.tasks import Task
from tallystick.values.errors import Absent, Conflict, Forbidden, Invalid, NotFound
from tests.domain.conftest import Desk


@pytest.fixture
def launch(desk: Desk) -> Milestone:
    return desk.do(milestones.create, project_id=desk["project"], title="Launch", color="success")


def rest(desk: Desk, project: str = "project") -> str:
    return desk.do(projects.uncategorised, desk[project])


def test_a_project_begins_with_the_one_for_the_rest(desk: Desk):
    ((title, position, uncategorised, count),) = desk.page(
        MILESTONES, ("title", "position", "uncategorised", "tasks_count"), project_id=desk["project"]
    )
    assert (title, position, uncategorised, count) == ("Uncategorised", 1, True, 1)
    assert desk.find(Task, desk["task"]).milestone_id == rest(desk)
    assert desk.events(rest(desk)) == ["milestone.created"]


def test_a_new_one_comes_behind_the_others(desk: Desk, launch: Milestone):
    assert (launch.title, launch.color, launch.position, launch.uncategorised) == ("Launch", "success", 2, False)
    assert desk.find(Milestone, launch.id).serial > 0
    assert desk.do(milestones.create, project_id=desk["project"], title="Care").position == 3
    assert desk.do(milestones.read, launch.id, who="member").title == "Launch"


def test_a_project_has_a_title_once(desk: Desk, launch: Milestone):
    with pytest.raises(Conflict, match="this title already"):
        desk.do(milestones.create, project_id=desk["project"], title="launch ")
    assert desk.do(milestones.create, project_id=desk["hidden_project"], title="Launch").position == 2
    care = desk.do(milestones.create, project_id=desk["project"], title="Care")
    with pytest.raises(Conflict):
        desk.do(milestones.change, care.id, title="LAUNCH", color="info")
    assert desk.do(milestones.change, launch.id, title="LAUNCH", color="info").color == "info"


def test_members_see_those_of_their_projects_and_change_none(desk: Desk, launch: Milestone):
    with pytest.raises(NotFound):
        desk.do(milestones.read, rest(desk, "hidden_project"), who="member")
    for verb, words, facts in (
        (milestones.create, (), {"project_id": desk["project"], "title": "x"}),
        (milestones.change, (launch.id,), {"title": "x", "color": "x"}),
        (milestones.delete, (launch.id,), {}),
        (milestones.put_in_order, ([launch.id],), {}),
    ):
        with pytest.raises(Forbidden):
            desk.do(verb, *words, who="member", **facts)


class TestTasks:
    def test_a_task_is_in_a_milestone_of_its_project(self, desk: Desk, launch: Milestone):
        assert desk.do(tasks.change, desk["task"], milestone_id=launch.id).milestone_id == launch.id
        with pytest.raises(Conflict, match="of another project"):
            desk.do(tasks.create, project_id=desk["hidden_project"], name="x", milestone_id=launch.id)
        with pytest.raises(Conflict, match="of another project"):
            desk.do(tasks.change, desk["task"], milestone_id=rest(desk, "hidden_project"))

    def test_a_task_that_moves_goes_to_the_rest_of_its_new_project(self, desk: Desk, launch: Milestone):
        desk.do(tasks.change, desk["task"], milestone_id=launch.id)
        moved = desk.do(tasks.change, desk["task"], project_id=desk["hidden_project"])
        assert moved.milestone_id == rest(desk, "hidden_project")
        with pytest.raises(Conflict):
            desk.do(tasks.change, desk["task"], project_id=desk["project"], milestone_id=moved.milestone_id)

    def test_the_database_refuses_a_milestone_of_another_project(self, desk: Desk, database_url: str):
        with psycopg.connect(database_url) as connection, pytest.raises(psycopg.errors.ForeignKeyViolation):
            connection.execute(
                "UPDATE tasks SET milestone_id = %s WHERE id = %s", [rest(desk, "hidden_project"), desk["task"]]
            )


class TestGoing:
    def test_the_one_for_the_rest_stays(self, desk: Desk):
        with pytest.raises(Conflict, match="default milestone"):
            desk.do(milestones.delete, rest(desk))

    def test_its_tasks_go_to_the_rest(self, desk: Desk, launch: Milestone):
        desk.do(tasks.change, desk["task"], milestone_id=launch.id)
        gone = desk.do(tasks.create, project_id=desk["project"], name="Gone", milestone_id=launch.id)
        desk.do(tasks.archive, gone.id)
        desk.do(milestones.delete, launch.id)
        assert desk.find(Task, desk["task"]).milestone_id == rest(desk)
        assert desk.rows("SELECT count(*) FROM tasks WHERE milestone_id = :id", id=launch.id) == [(0,)]
        with pytest.raises(NotFound):
            desk.do(milestones.read, launch.id)
        with pytest.raises(Absent):
            desk.do(tasks.change, desk["task"], milestone_id=launch.id)
        assert desk.do(milestones.create, project_id=desk["project"], title="Launch").id != launch.id

    def test_or_go_with_it(self, desk: Desk, launch: Milestone):
        desk.do(tasks.change, desk["task"], milestone_id=launch.id)
        desk.do(milestones.delete, launch.id, with_tasks=True)
        with pytest.raises(NotFound):
            desk.do(tasks.read, desk["task"])
        assert desk.events(desk["task"])[-1] == "task.archived"


class TestOrder:
    def test_positions_are_as_named(self, desk: Desk, launch: Milestone):
        care = desk.do(milestones.create, project_id=desk["project"], title="Care")
        desk.do(milestones.put_in_order, [care.id, rest(desk), launch.id])
        titles = desk.page(MILESTONES, ("title", "position"), project_id=desk["project"], sort="position")
        assert titles == [("Care", 1), ("Uncategorised", 2), ("Launch", 3)]

    def test_only_of_one_project_and_only_those_there_are(self, desk: Desk, launch: Milestone):
        with pytest.raises(Invalid, match="validation"):
            desk.do(milestones.put_in_order, [launch.id, rest(desk, "hidden_project")])
        with pytest.raises(Absent):
            desk.do(milestones.put_in_order, [launch.id, "0192d3a4-5b6c-7def-8123-456789abcdef"])
        assert desk.find(Milestone, launch.id).position == 2


@pytest.mark.parametrize(
    ("title", "color", "field"), [(" ", "x", "title"), ("x" * 201, "x", "title"), ("x", "", "color")]
)
def test_what_cannot_be_is_refused(desk: Desk, title: str, color: str, field: str):
    with pytest.raises(Invalid) as refused:
        desk.do(milestones.create, project_id=desk["project"], title=title, color=color)
    assert list(refused.value.fields) == [field]
