"""Checklists: steps of tasks and projects, in order, ticked by whoever may change the task."""

from __future__ import annotations

import pytest

from tallystick.domain import checklists, comments, tasks
from tallystick.domain.checklists import CHECKLISTS, ChecklistItem
from tallystick.domain.tasks import Task
from tallystick.values.errors import Absent, Forbidden, Invalid, NotFound
from tests.domain.conftest import Desk


@pytest.fixture
def steps(desk: Desk) -> list[str]:
    return [desk.do(checklists.create, task_id=desk["task"], text=text).id for text in ("Sketch", "Draw", "Colour")]


def listed(desk: Desk, **where: str) -> list[tuple[object, ...]]:
    return desk.page(CHECKLISTS, ("text", "position", "done"), sort="position", **where)


def test_a_step_comes_at_the_end(desk: Desk, steps: list[str]):
    assert listed(desk, task_id=desk["task"]) == [("Sketch", 1, False), ("Draw", 2, False), ("Colour", 3, False)]
    of_project = desk.do(checklists.create, project_id=desk["project"], text=" Contract ")
    assert (of_project.text, of_project.position, of_project.task_id) == ("Contract", 1, None)
    assert listed(desk, project_id=desk["project"]) == [("Contract", 1, False)]
    assert desk.events(steps[0]) == ["checklist_item.created"]


def test_steps_are_ticked_and_counted(desk: Desk, steps: list[str]):
    desk.do(checklists.tick, steps[0], done=True)
    desk.do(checklists.tick, steps[1], done=True)
    desk.do(checklists.tick, steps[1], done=False)
    assert desk.do(checklists.progress, task_id=desk["task"]) == (3, 1)
    assert desk.do(checklists.progress, project_id=desk["project"]) == (0, 0)
    assert desk.events(steps[1]) == ["checklist_item.created", "checklist_item.ticked", "checklist_item.unticked"]


def test_a_step_is_put_into_other_words_and_deleted_with_what_was_said(desk: Desk, steps: list[str]):
    said = desk.do(comments.create, checklist_item_id=steps[0], text="Which paper?")
    assert desk.page(CHECKLISTS, ("comments_count",), task_id=desk["task"], sort="position") == [(1,), (0,), (0,)]
    assert desk.do(checklists.change, steps[0], text="Sketch it").text == "Sketch it"
    desk.do(checklists.delete, steps[0])
    for verb, identity in ((checklists.read, steps[0]), (comments.read, said.id)):
        with pytest.raises(NotFound):
            desk.do(verb, identity)
    assert desk.do(checklists.progress, task_id=desk["task"]) == (2, 0)


def test_they_are_put_in_order(desk: Desk, steps: list[str]):
    desk.do(checklists.put_in_order, [steps[2], steps[0], steps[1]])
    assert [text for text, *_ in listed(desk, task_id=desk["task"])] == ["Colour", "Sketch", "Draw"]
    elsewhere = desk.do(checklists.create, project_id=desk["project"], text="Contract").id
    with pytest.raises(Invalid):
        desk.do(checklists.put_in_order, [steps[0], elsewhere])
    with pytest.raises(Absent):
        desk.do(checklists.put_in_order, ["0192d3a4-5b6c-7def-8123-456789abcdef"])


def test_a_copied_task_has_the_same_steps_and_none_of_them_done(desk: Desk, steps: list[str]):
    desk.do(checklists.tick, steps[0], done=True)
    with desk.studio.context() as ctx:
        copy = tasks.clone(ctx, desk["task"], project_id=desk["hidden_project"], name="Again")
        checklists.copy(ctx, ctx.find(Task, desk["task"]), copy)
    assert listed(desk, task_id=copy.id) == [("Sketch", 1, False), ("Draw", 2, False), ("Colour", 3, False)]
    assert desk.do(checklists.progress, task_id=desk["task"]) == (3, 1)


def test_members_tick_those_of_their_own_tasks_and_only_read_others(desk: Desk, steps: list[str]):
    assert desk.do(checklists.tick, steps[0], done=True, who="member").done
    other = desk.do(tasks.create, project_id=desk["project"], name="Copy").id
    theirs = desk.do(checklists.create, task_id=other, text="Write").id
    assert desk.do(checklists.read, theirs, who="member").text == "Write"
    with pytest.raises(Forbidden):
        desk.do(checklists.tick, theirs, done=True, who="member")
    with pytest.raises(Forbidden):
        desk.do(checklists.create, project_id=desk["project"], text="x", who="member")
    with pytest.raises(NotFound):
        desk.do(checklists.read, steps[0], who="second")
    with pytest.raises(NotFound):
        desk.do(checklists.tick, steps[0], done=False, who="second")
    assert desk.find(ChecklistItem, steps[0]).done


def test_those_of_a_task_that_was_put_away_are_gone(desk: Desk, steps: list[str]):
    desk.do(tasks.archive, desk["task"])
    with pytest.raises(NotFound):
        desk.do(checklists.read, steps[0])
    with pytest.raises(Absent) as refused:
        desk.do(checklists.create, task_id=desk["task"], text="x")
    assert list(refused.value.fields) == ["task_id"]


@pytest.mark.parametrize("text", [" ", "x" * 10_001])
def test_a_text_that_cannot_be_is_refused(desk: Desk, text: str):
    with pytest.raises(Invalid) as refused:
        desk.do(checklists.create, task_id=desk["task"], text=text)
    assert list(refused.value.fields) == ["text"]
