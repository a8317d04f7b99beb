"""Notes (contract growcrm 6.4)."""

from __future__ import annotations

from typing import Any

import pytest

from tallystick.domain import notes
from tests.growcrm.world import GrowCrm, number
from tests.studio import Studio

BODY = {"note_title": "Call", "note_description": "They want it in blue."}


def test_a_new_note_is_the_object_of_the_page(api: GrowCrm, studio: Studio) -> None:
    client = number(studio, "client", studio.ids["client"])
    result = api("POST", "/notes", {**BODY, "noteresource_type": "client", "noteresource_id": client})
    assert result.status_code == 201, result.text
    made = result.json["data"]
    assert result.json == {
        "data": {
            "id": made["id"],
            "title": "Call",
            "description": "They want it in blue.",
            "visibility": "public",
            "resource": {"type": "client", "id": client},
            "creator_id": 1,
            "tags": [],
            "dates": {"created": "2026-06-15T09:30:00.000000Z", "updated": "2026-06-15T09:30:00.000000Z"},
        },
        "message": "Note created successfully.",
    }
    assert api("GET", f"/notes/{made['id']}").json == {"data": made, "message": "Note retrieved successfully."}


@pytest.mark.parametrize("kind", ["client", "project", "task", "user"])
def test_what_a_note_is_about(api: GrowCrm, studio: Studio, kind: str) -> None:
    about = 4 if kind == "user" else number(studio, kind, studio.ids[kind])
    made = api.post("/notes", {**BODY, "noteresource_type": kind, "noteresource_id": about})
    assert made["resource"] == {"type": kind, "id": about}
    loose = api.post("/notes", BODY)
    assert loose["resource"] == {"type": None, "id": None}
    for asked in ({"resource_type": kind}, {"resource_id": about}, {"resource_type": kind, "resource_id": about}):
        assert made["id"] in [one["id"] for one in api.get("/notes", **asked)]
        assert loose["id"] not in [one["id"] for one in api.get("/notes", **asked)]
    assert api.get("/notes", resource_type=kind, resource_id=99_999) == []
    answer = api.refused("POST", "/notes", {**BODY, "noteresource_type": kind, "noteresource_id": "99999"}, status=422)
    assert answer["errors"] == {"noteresource_id": ["The selected noteresource id is invalid."]}


def test_wrong_values(api: GrowCrm) -> None:
    assert list(api.refused("POST", "/notes", {}, status=422)["errors"]) == ["note_title", "note_description"]
    answer = api.refused("POST", "/notes", {**BODY, "noteresource_type": "task"}, status=422)
    assert answer["errors"] == {
        "noteresource_id": ["The noteresource id field is required when noteresource type is present."]
    }
    answer = api.refused("POST", "/notes", {**BODY, "noteresource_type": "lead", "noteresource_id": "1"}, status=422)
    assert answer["errors"] == {"noteresource_type": ["The selected noteresource type is invalid."]}
    answer = api.refused("POST", "/notes", {**BODY, "note_visibility": "me"}, status=422)
    assert answer["errors"] == {"note_visibility": ["The selected note visibility is invalid."]}


def test_a_note_is_changed_tagged_and_deleted(api: GrowCrm) -> None:
    made = api.post("/notes", BODY)
    path = f"/notes/{made['id']}"
    result = api("PATCH", path, {"note_title": "Mail", "note_description": "Green", "note_visibility": "private"})
    assert result.json["message"] == "Note updated successfully."
    assert (result.json["data"]["title"], result.json["data"]["visibility"]) == ("Mail", "private")
    assert api.patch(path, BODY)["visibility"] == "private", "what is left out stays"
    assert api.put(f"{path}/tags", [("tags[]", "a"), ("tags[]", "b")])["tags"] == ["a", "b"]
    assert api.put(f"{path}/tags")["tags"] == []
    assert api("DELETE", path).json == {"data": {"id": made["id"]}, "message": "Note deleted successfully."}
    api.refused("GET", path, status=404)


def test_private_notes_of_others_are_not_there(api: GrowCrm, studio: Studio) -> None:
    with studio.context("manager") as ctx:
        hidden = notes.create(ctx, title="Mine", description="x", visibility="private").id
    theirs = number(studio, "note", hidden)
    assert api.get("/notes") == []
    for method, path, form in (
        ("GET", "", None), ("PATCH", "", BODY), ("DELETE", "", None), ("PUT", "/tags", {"tags[]": "x"}),
    ):  # fmt: skip
        api.refused(method, f"/notes/{theirs}{path}", form, status=404)


def test_filters_and_sorts(api: GrowCrm) -> None:
    api.post("/notes", BODY)
    api.post("/notes", {"note_title": "Ask", "note_description": "Budget", "note_visibility": "private"})
    asked: dict[str, Any]
    for asked, found in [
        ({}, ["Ask", "Call"]),
        ({"order": "asc"}, ["Call", "Ask"]),
        ({"visibility": "public"}, ["Call"]),
        ({"visibility": "private"}, ["Ask"]),
        ({"search": "BUDG"}, ["Ask"]),
        ({"search": "call"}, ["Call"]),
        ({"sort": "note_title"}, ["Call", "Ask"]),
        ({"sort": "note_updated", "order": "asc"}, ["Call", "Ask"]),
        ({"resource_type": "lead"}, []),
    ]:
        assert [one["title"] for one in api.get("/notes", **asked)] == found, asked
