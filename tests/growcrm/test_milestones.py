"""Milestones (contract growcrm 6.1)."""

from __future__ import annotations

from typing import Any

import pytest

from tallystick.domain import tasks
from tests.growcrm.world import GrowCrm, number
from tests.studio import Studio


@pytest.fixture
def project(studio: Studio) -> int:
    return number(studio, "project", studio.ids["project"])


@pytest.fixture
def task(studio: Studio) -> int:
    return number(studio, "task", studio.ids["task"])


def add(api: GrowCrm, project: int, title: str, color: str = "success") -> int:
    given = {"milestone_projectid": project, "milestone_title": title, "milestone_color": color}
    return api.post("/milestones", given)["id"]


def move(api: GrowCrm, studio: Studio, milestone: int) -> None:
    """Put the task of the studio into a milestone."""
    with studio.context() as ctx:
        row = ctx.connection.execute(b"SELECT id FROM milestones WHERE serial = %s", [milestone]).fetchone()
        assert row is not None
        tasks.change(ctx, studio.ids["task"], milestone_id=row[0])


def test_a_new_milestone_is_the_object_of_the_page(api: GrowCrm, project: int) -> None:
    given = {"milestone_projectid": project, "milestone_title": "Concept", "milestone_color": "warning"}
    result = api("POST", "/milestones", given)
    assert result.status_code == 201, result.text
    made = result.json["data"]
    assert result.json == {
        "data": {
            "id": made["id"],
            "title": "Concept",
            "project_id": project,
            "type": "categorised",
            "color": "warning",
            "position": 2,
            "creator_id": 1,
            "tasks_count": 0,
            "dates": {"created": "2026-06-15T09:30:00.000000Z", "updated": "2026-06-15T09:30:00.000000Z"},
        },
        "message": "Milestone created successfully.",
    }
    one = api("GET", f"/milestones/{made['id']}")
    assert one.json == {"data": made, "message": "Milestone retrieved successfully."}


def test_every_project_has_one_for_the_tasks_of_no_other(api: GrowCrm, project: int) -> None:
    [default] = api.get("/milestones", project_id=project)
    assert (default["type"], default["title"], default["tasks_count"]) == ("uncategorised", "Uncategorised", 1)
    api.refused("DELETE", f"/milestones/{default['id']}", status=409)


def test_wrong_values(api: GrowCrm, project: int) -> None:
    answer = api.refused("POST", "/milestones", {}, status=422)
    assert list(answer["errors"]) == ["milestone_title", "milestone_color", "milestone_projectid"]
    answer = api.refused(
        "POST", "/milestones", {"milestone_projectid": 9999, "milestone_title": "x", "milestone_color": "x"}, status=422
    )
    assert answer["errors"] == {"milestone_projectid": ["The selected milestone projectid is invalid."]}
    first, second = add(api, project, "Concept"), add(api, project, "Build")
    same = {"milestone_projectid": project, "milestone_title": "concept", "milestone_color": "x"}
    answer = api.refused("POST", "/milestones", same, status=409)
    assert answer["message"] == "This project has a milestone with this title already."
    api.refused("PATCH", f"/milestones/{second}", same, status=409)
    assert api.patch(f"/milestones/{first}", same)["color"] == "x"


def test_tasks_of_a_deleted_milestone_go_to_the_default_or_with_it(
    api: GrowCrm, project: int, task: int, studio: Studio
) -> None:
    first = add(api, project, "Concept")
    move(api, studio, first)
    assert api.get(f"/milestones/{first}")["tasks_count"] == 1
    assert api("DELETE", f"/milestones/{first}").json == {
        "data": {"id": first}, "message": "Milestone deleted successfully."
    }  # fmt: skip
    assert api.get(f"/tasks/{task}")["milestone"]["name"] == "Uncategorised"
    second = add(api, project, "Build")
    move(api, studio, second)
    assert api("DELETE", f"/milestones/{second}", {"delete_tasks": "yes"}).status_code == 200
    api.refused("GET", f"/tasks/{task}", status=404)
    api.refused("GET", f"/milestones/{second}", status=404)


def test_the_query_may_say_that_tasks_go_too(api: GrowCrm, project: int, task: int, studio: Studio) -> None:
    first = add(api, project, "Concept")
    move(api, studio, first)
    assert api("DELETE", f"/milestones/{first}", params={"delete_tasks": "yes"}).status_code == 200
    api.refused("GET", f"/tasks/{task}", status=404)


def test_positions(api: GrowCrm, project: int, studio: Studio) -> None:
    [default] = [one["id"] for one in api.get("/milestones", project_id=project)]
    first, second = add(api, project, "A"), add(api, project, "B")
    wanted = [second, default, first]
    result = api("PUT", "/milestones/positions", [("milestones[]", one) for one in wanted])
    assert result.json == {"data": {"milestones": wanted}, "message": "Milestone positions updated successfully."}
    found = api.get("/milestones", project_id=project, sort="milestone_position", order="asc")
    assert [(one["id"], one["position"]) for one in found] == [(second, 1), (default, 2), (first, 3)]
    other = add(api, number(studio, "project", studio.ids["hidden_project"]), "C")
    for wrong, why in (([first, other], "must be milestones of one project"), ([9999], "is invalid"), ([], "required")):
        answer = api.refused("PUT", "/milestones/positions", json={"milestones": wrong}, status=422)
        assert why in answer["errors"]["milestones"][0]


def test_filters_and_sorts(api: GrowCrm, project: int) -> None:
    add(api, project, "Build")
    add(api, project, "Alpha")
    answer = api.refused("GET", "/milestones", status=422)
    assert answer["errors"] == {"project_id": ["The project id field is required."]}
    asked: dict[str, Any]
    for asked, found in [
        ({}, ["Alpha", "Build", "Uncategorised"]),
        ({"type": "uncategorised"}, ["Uncategorised"]),
        ({"type": "categorised"}, ["Alpha", "Build"]),
        ({"search": "BUI"}, ["Build"]),
        ({"sort": "milestone_title", "order": "asc"}, ["Alpha", "Build", "Uncategorised"]),
        ({"sort": "milestone_position"}, ["Alpha", "Build", "Uncategorised"]),
    ]:
        assert [one["title"] for one in api.get("/milestones", project_id=project, **asked)] == found, asked
    assert api.get("/milestones", project_id=99999) == []
