"""Comments: said by whoever sees the task, deleted by who said it or whoever may change tasks."""

from __future__ import annotations

import pytest

from tallystick.domain import checklists, comments, tasks
from tallystick.domain.comments import COMMENTS
from tallystick.values.errors import Forbidden, Invalid, NotFound
from tests.domain.conftest import Desk


def test_a_comment_says_who_said_it(desk: Desk):
    said = desk.do(comments.create, task_id=desk["task"], text=" Bigger? ", who="member")
    desk.do(comments.create, task_id=desk["task"], text="Smaller.")
    assert desk.events(said.id) == ["comment.created"]
    columns = ("text", "creator_name", "creator_number")
    assert desk.page(COMMENTS, columns, task_id=desk["task"], sort="created_at") == [
        ("Bigger?", "Member", 4),
        ("Smaller.", "Owner", 1),
    ]


def test_whoever_does_not_see_the_task_neither_comments_nor_reads(desk: Desk):
    said = desk.do(comments.create, task_id=desk["task"], text="x")
    step = desk.do(checklists.create, task_id=desk["task"], text="Sketch").id
    for place in ({"task_id": desk["task"]}, {"checklist_item_id": step}):
        with pytest.raises(NotFound):
            desk.do(comments.create, text="x", who="second", **place)
    with pytest.raises(NotFound):
        desk.do(comments.read, said.id, who="second")
    assert desk.page(COMMENTS, ("text",), who="second", task_id=desk["task"]) == []
    assert desk.do(comments.read, said.id, who="member").text == "x"


def test_members_delete_only_their_own(desk: Desk):
    own = desk.do(comments.create, task_id=desk["task"], text="x", who="member")
    other = desk.do(comments.create, task_id=desk["task"], text="x")
    desk.do(comments.delete, own.id, task_id=desk["task"], who="member")
    with pytest.raises(Forbidden):
        desk.do(comments.delete, other.id, task_id=desk["task"], who="member")
    desk.do(comments.delete, other.id, task_id=desk["task"], who="manager")
    with pytest.raises(NotFound):
        desk.do(comments.delete, other.id, task_id=desk["task"])
    assert desk.events(own.id) == ["comment.created", "comment.deleted"]


def test_a_comment_is_of_its_task_alone(desk: Desk):
    said = desk.do(comments.create, task_id=desk["task"], text="x")
    elsewhere = desk.do(tasks.create, project_id=desk["project"], name="Copy").id
    step = desk.do(checklists.create, task_id=desk["task"], text="Sketch").id
    for place in ({"task_id": elsewhere}, {"checklist_item_id": step}):
        with pytest.raises(NotFound):
            desk.do(comments.delete, said.id, **place)
    assert desk.do(comments.read, said.id).text == "x"


@pytest.mark.parametrize("text", ["", " ", "x" * 10_001])
def test_a_text_that_cannot_be_is_refused(desk: Desk, text: str):
    with pytest.raises(Invalid) as refused:
        desk.do(comments.create, task_id=desk["task"], text=text)
    assert list(refused.value.fields) == ["text"]
