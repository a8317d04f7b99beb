"""Task statuses and priorities: the ones everybody has, more of one's own, and tasks that stay in step with them."""

from __future__ import annotations

import pytest

from tallystick.domain import task_statuses, tasks
from tallystick.domain.task_statuses import TASK_PRIORITIES, TASK_STATUSES, TaskPriority, TaskStatus
from tallystick.domain.tasks import Task
from tallystick.values.errors import Conflict, Forbidden, Invalid, NotFound
from tests.domain.conftest import Desk
from tests.studio import Studio


def status(desk: Desk, number: int) -> str:
    ((found,),) = desk.rows("SELECT id FROM task_statuses WHERE number = :number", number=number)
    return found


def priority(desk: Desk, number: int) -> str:
    ((found,),) = desk.rows("SELECT id FROM task_priorities WHERE number = :number", number=number)
    return found


def test_a_new_workspace_has_those_that_clients_know_by_number(desk: Desk):
    columns = ("number", "title", "kind", "position")
    assert desk.page(TASK_STATUSES, columns, sort="number") == [
        (1, "To do", "TODO", 1),
        (2, "In progress", "IN_PROGRESS", 2),
        (3, "Completed", "DONE", 3),
    ]
    assert desk.page(TASK_PRIORITIES, columns, sort="position") == [
        (1, "Low", "LOW", 1),
        (2, "Normal", "MEDIUM", 2),
        (3, "High", "HIGH", 3),
        (4, "Urgent", "HIGH", 4),
    ]
    assert desk.events(status(desk, 1)) == ["task_status.created"]


def test_one_of_ones_own_comes_behind_the_others(desk: Desk, other_studio: Studio):
    made = desk.do(task_statuses.create, TaskStatus, title=" In review ", means="IN_PROGRESS", color="warning")
    assert (made.number, made.title, made.kind, made.color, made.position) == (
        4,
        "In review",
        "IN_PROGRESS",
        "warning",
        4,
    )
    assert desk.do(task_statuses.create, TaskPriority, title="Someday", means="LOW").number == 5
    with other_studio.context() as ctx:
        assert task_statuses.create(ctx, TaskStatus, title="Elsewhere", means="DONE").number == 4
    assert desk.do(task_statuses.read, TaskStatus, made.id, who="member").title == "In review"


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"title": " ", "means": "TODO"}, "title"),
        ({"title": "x" * 101, "means": "TODO"}, "title"),
        ({"title": "x", "means": "LOW"}, "kind"),
        ({"title": "x", "means": "TODO", "color": ""}, "color"),
    ],
)
def test_what_cannot_be_is_refused(desk: Desk, facts: dict[str, str], field: str):
    with pytest.raises(Invalid) as refused:
        desk.do(task_statuses.create, TaskStatus, **facts)
    assert list(refused.value.fields) == [field]


def test_only_whoever_may_change_the_workspace_changes_them(desk: Desk):
    for verb, words in (
        (task_statuses.create, {"title": "x", "means": "TODO"}),
        (task_statuses.change, {"title": "x"}),
        (task_statuses.delete, {}),
    ):
        more = () if verb is task_statuses.create else (status(desk, 1),)
        with pytest.raises(Forbidden):
            desk.do(verb, TaskStatus, *more, who="manager", **words)


def test_title_and_color_change_and_the_kind_does_not(desk: Desk):
    changed = desk.do(task_statuses.change, TaskStatus, status(desk, 1), title="Backlog", color="info", position=9)
    assert (changed.title, changed.color, changed.position, changed.kind) == ("Backlog", "info", 9, "TODO")
    assert desk.events(changed.id) == ["task_status.created", "task_status.updated"]
    with pytest.raises(TypeError):
        desk.do(task_statuses.change, TaskStatus, changed.id, kind="DONE")


def test_those_that_everybody_has_are_not_deleted(desk: Desk):
    for number in (1, 2, 3):
        with pytest.raises(Conflict, match="Every workspace has"):
            desk.do(task_statuses.delete, TaskStatus, status(desk, number))
    with pytest.raises(Conflict, match="Every workspace has"):
        desk.do(task_statuses.delete, TaskPriority, priority(desk, 4))


def test_one_that_a_task_has_is_not_deleted(desk: Desk):
    made = desk.do(task_statuses.create, TaskStatus, title="In review", means="IN_PROGRESS")
    desk.do(tasks.change, desk["task"], status_id=made.id)
    with pytest.raises(Conflict, match="Tasks have the task status In review"):
        desk.do(task_statuses.delete, TaskStatus, made.id)
    desk.do(tasks.change, desk["task"], status_id=status(desk, 1))
    desk.do(task_statuses.delete, TaskStatus, made.id)
    with pytest.raises(NotFound):
        desk.do(task_statuses.read, TaskStatus, made.id)
    assert desk.do(task_statuses.create, TaskStatus, title="Again", means="DONE").number == 5, "numbers are not reused"


class TestInStep:
    def test_a_native_status_brings_the_first_of_its_kind(self, desk: Desk):
        for kind, number in (("DONE", 3), ("IN_PROGRESS", 2), ("TODO", 1)):
            assert desk.do(tasks.change, desk["task"], status=kind).status_id == status(desk, number)

    def test_a_status_brings_its_kind(self, desk: Desk):
        for number, kind in ((3, "DONE"), (2, "IN_PROGRESS"), (1, "TODO")):
            assert desk.do(tasks.change, desk["task"], status_id=status(desk, number)).status == kind

    def test_a_kind_that_it_has_already_keeps_the_status(self, desk: Desk):
        review = desk.do(task_statuses.create, TaskStatus, title="In review", means="IN_PROGRESS")
        desk.do(tasks.change, desk["task"], status_id=review.id)
        assert desk.do(tasks.change, desk["task"], status="IN_PROGRESS", name="Design").status_id == review.id

    def test_priorities_likewise(self, desk: Desk):
        urgent = desk.do(tasks.change, desk["task"], priority_id=priority(desk, 4))
        assert urgent.priority == "HIGH"
        assert desk.do(tasks.change, desk["task"], priority="HIGH").priority_id == priority(desk, 4)
        assert desk.do(tasks.change, desk["task"], priority="LOW").priority_id == priority(desk, 1)

    def test_a_new_task_has_the_usual_ones_or_those_given(self, desk: Desk):
        plain = desk.do(tasks.create, project_id=desk["project"], name="Copy")
        assert (plain.status, plain.status_id) == ("TODO", status(desk, 1))
        assert (plain.priority, plain.priority_id) == ("MEDIUM", priority(desk, 2))
        given = desk.do(
            tasks.create,
            project_id=desk["project"],
            name="Copy",
            status_id=status(desk, 3),
            priority_id=priority(desk, 4),
        )
        assert (given.status, given.priority) == ("DONE", "HIGH")
        assert desk.events(given.id) == ["task.created", "task.completed"]

    def test_who_completed_it_and_when_is_known_as_long_as_it_is(self, desk: Desk):
        done = desk.do(tasks.change, desk["task"], status_id=status(desk, 3), who="member")
        now = desk.studio.clock.now
        assert (done.completed_at, done.completed_by, done.status_changed_at) == (now, desk.user("member"), now)
        assert desk.events(desk["task"])[-2:] == ["task.updated", "task.completed"]
        again = desk.do(tasks.change, desk["task"], status="TODO")
        assert (again.completed_at, again.completed_by, again.status_changed_at) == (None, None, now)

    def test_the_database_refuses_a_status_of_another_kind(self, desk: Desk, database_url: str):
        import psycopg

        with psycopg.connect(database_url) as connection, pytest.raises(psycopg.errors.ForeignKeyViolation):
            connection.execute("UPDATE tasks SET status = 'IN_PROGRESS' WHERE id = %s", [desk["task"]])

    def test_a_status_of_another_workspace_or_deleted_is_none(self, desk: Desk, other_studio: Studio):
        with other_studio.context() as ctx:
            theirs = task_statuses.of_kind(ctx, TaskStatus, "TODO")
        gone = desk.do(task_statuses.create, TaskStatus, title="Gone", means="TODO")
        desk.do(task_statuses.delete, TaskStatus, gone.id)
        for wrong in (theirs, gone.id):
            with pytest.raises(Invalid) as refused:
                desk.do(tasks.change, desk["task"], status_id=wrong)
            assert refused.value.fields == {"status_id": "no such task status"}
        assert desk.find(Task, desk["task"]).status == "TODO"
