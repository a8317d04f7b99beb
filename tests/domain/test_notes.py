"""Notes: for everybody who sees what they are about, or for oneself alone."""

from __future__ import annotations

from typing import Any

import pytest

from tallystick.domain import notes
from tallystick.domain.notes import NOTES, Note
from tallystick.values.errors import Absent, Forbidden, Invalid, NotFound
from tests.domain.conftest import Desk
from tests.studio import Studio


def write(desk: Desk, title: str = "Fonts", who: str = "owner", **facts: Any) -> Note:
    return desk.do(notes.create, title=title, description="Two of them", who=who, **facts)


def test_a_note_is_about_something_or_nothing(desk: Desk):
    for kind, identity in (
        ("client", desk["client"]),
        ("project", desk["project"]),
        ("task", desk["task"]),
        ("user", desk.user("member")),
    ):
        note = write(desk, resource_type=kind, resource_id=identity, tags=["a", "b", "a"])
        assert (note.resource, note.tags, note.created_by) == ((kind, identity), ["a", "b"], desk.user("owner"))
        found = desk.page(NOTES, ("id",), resource_type=kind, resource_id=identity)
        assert found == [(note.id,)]
    assert write(desk).resource is None
    assert len(desk.page(NOTES, ("id",))) == 5


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"title": " "}, "title"),
        ({"description": ""}, "description"),
        ({"visibility": "secret"}, "visibility"),
        ({"resource_type": "lead", "resource_id": "1"}, "resource_type"),
        ({"resource_type": "client"}, "resource_id"),
        ({"resource_type": "task", "resource_id": "0192d3a4-5b6c-7def-8123-456789abcdef"}, "resource_id"),
        ({"resource_type": "user", "resource_id": "0192d3a4-5b6c-7def-8123-456789abcdef"}, "resource_id"),
    ],
)
def test_what_cannot_be_is_refused(desk: Desk, facts: dict[str, Any], field: str):
    with pytest.raises(Invalid) as refused:
        desk.do(notes.create, **{"title": "x", "description": "x", **facts})
    assert list(refused.value.fields) == [field]


def test_a_private_note_is_its_makers_alone(desk: Desk):
    mine = write(desk, visibility="private", who="member")
    assert desk.do(notes.read, mine.id, who="member").title == "Fonts"
    assert desk.page(NOTES, ("id",), who="member") == [(mine.id,)]
    for who in ("owner", "admin", "manager", "second"):
        assert desk.page(NOTES, ("id",), who=who) == []
        for verb, facts in ((notes.read, {}), (notes.change, {"title": "x"}), (notes.delete, {})):
            with pytest.raises(NotFound):
                desk.do(verb, mine.id, who=who, **facts)
    told = desk.rows("SELECT data::text FROM events WHERE resource_id = :id", id=mine.id)
    assert "Fonts" not in str(told)


def test_members_see_notes_of_what_they_see(desk: Desk):
    seen = [
        write(desk).id,
        write(desk, resource_type="project", resource_id=desk["project"]).id,
        write(desk, resource_type="task", resource_id=desk["task"]).id,
        write(desk, resource_type="user", resource_id=desk.user("member")).id,
    ]
    unseen = [
        write(desk, resource_type="client", resource_id=desk["client"]).id,
        write(desk, resource_type="project", resource_id=desk["hidden_project"]).id,
        write(desk, resource_type="user", resource_id=desk.user("second")).id,
    ]
    assert sorted(one for (one,) in desk.page(NOTES, ("id",), who="member")) == sorted(seen)
    for hidden in unseen:
        with pytest.raises(NotFound):
            desk.do(notes.read, hidden, who="member")
    with pytest.raises(Forbidden):
        write(desk, resource_type="client", resource_id=desk["client"], who="member")
    with pytest.raises(Absent):
        write(desk, resource_type="project", resource_id=desk["hidden_project"], who="member")


def test_ones_own_change_and_others_only_for_the_manage_tier(desk: Desk, other_studio: Studio):
    own, other = write(desk, who="member"), write(desk)
    assert desk.do(notes.change, own.id, title="Faces", tags=["x", "x"], who="member").tags == ["x"]
    with pytest.raises(Forbidden):
        desk.do(notes.change, other.id, title="x", who="member")
    with pytest.raises(Forbidden):
        desk.do(notes.delete, other.id, who="member")
    assert desk.do(notes.change, own.id, description="Three", who="manager").description == "Three"
    with pytest.raises(Forbidden, match="Only its maker"):
        desk.do(notes.change, own.id, visibility="private", who="manager")
    with pytest.raises(TypeError):
        desk.do(notes.change, own.id, client_id=desk["client"])
    desk.do(notes.delete, own.id, who="manager")
    with pytest.raises(NotFound):
        desk.do(notes.read, own.id, who="member")
    assert desk.events(own.id) == ["note.created", "note.updated", "note.updated", "note.deleted"]
    with pytest.raises(NotFound), other_studio.context() as ctx:
        notes.read(ctx, other.id)
