"""Checklists (contract growcrm 6.2)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.growcrm.world import GrowCrm, number
from tests.studio import Studio


@pytest.fixture
def task(studio: Studio) -> int:
    return number(studio, "task", studio.ids["task"])


def add(api: GrowCrm, task: int, text: str, kind: str = "task") -> int:
    given = {"checklistresource_type": kind, "checklistresource_id": task, "checklist_text": text}
    return api.post("/checklists", given)["id"]


def steps(api: GrowCrm, task: int, **asked: Any) -> Any:
    return api.page("/checklists", resource_type="task", resource_id=task, **asked)


def test_a_new_step_is_the_object_of_the_page(api: GrowCrm, task: int) -> None:
    given = {"checklistresource_type": "task", "checklistresource_id": task, "checklist_text": "Sketch"}
    result = api("POST", "/checklists", given)
    assert result.status_code == 201, result.text
    made = result.json["data"]
    assert result.json == {
        "data": {
            "id": made["id"],
            "text": "Sketch",
            "status": "pending",
            "position": 1,
            "resource": {"type": "task", "id": task},
            "comments_count": 0,
            "dates": {"created": "2026-06-15T09:30:00.000000Z", "updated": "2026-06-15T09:30:00.000000Z"},
        },
        "message": "Checklist created successfully.",
    }
    one = api("GET", f"/checklists/{made['id']}")
    assert one.json == {"data": made, "message": "Checklist retrieved successfully."}


def test_a_project_has_steps_of_its_own(api: GrowCrm, task: int, studio: Studio) -> None:
    project = number(studio, "project", studio.ids["project"])
    made = add(api, project, "Kick-off", "project")
    add(api, task, "Sketch")
    [seen] = api.get("/checklists", resource_type="project", resource_id=project)
    assert (seen["id"], seen["resource"]) == (made, {"type": "project", "id": project})


def test_wrong_values(api: GrowCrm, task: int) -> None:
    answer = api.refused("POST", "/checklists", {}, status=422)
    assert list(answer["errors"]) == ["checklistresource_type", "checklistresource_id", "checklist_text"]
    given = {"checklistresource_type": "lead", "checklistresource_id": task, "checklist_text": "x"}
    answer = api.refused("POST", "/checklists", given, status=422)
    assert answer["errors"] == {"checklistresource_type": ["The selected checklistresource type is invalid."]}
    given = {"checklistresource_type": "task", "checklistresource_id": "99999", "checklist_text": "x"}
    answer = api.refused("POST", "/checklists", given, status=422)
    assert answer["errors"] == {"checklistresource_id": ["The selected checklistresource id is invalid."]}


def test_steps_are_reworded_ticked_and_counted(api: GrowCrm, task: int) -> None:
    first, _, third = (add(api, task, text) for text in "abc")
    assert api.patch(f"/checklists/{first}", {"checklist_text": "A"})["text"] == "A"
    assert steps(api, task)["meta"]["progress"] == {"total": 3, "completed": 0, "percentage": 0}
    result = api("PUT", f"/checklists/{third}/status", {"status": "completed"})
    assert result.json["message"] == "Checklist status updated successfully."
    assert result.json["data"]["status"] == "completed"
    page = steps(api, task, limit=1)
    assert page["meta"] == {
        "current_page": 1, "per_page": 1, "total": 3, "last_page": 3,
        "progress": {"total": 3, "completed": 1, "percentage": 33},
    }  # fmt: skip
    assert api.put(f"/checklists/{third}/status", {"status": "pending"})["status"] == "pending"
    api.refused("PUT", f"/checklists/{third}/status", {"status": "x"}, status=422)


def test_positions(api: GrowCrm, task: int, studio: Studio) -> None:
    made = [add(api, task, text) for text in "abc"]
    wanted = [made[2], made[0], made[1]]
    result = api("PUT", "/checklists/positions", [("checklist_ids[]", one) for one in wanted])
    assert result.json == {"data": {"checklist_ids": wanted}, "message": "Checklist positions updated successfully."}
    assert [one["text"] for one in steps(api, task)["data"]] == ["c", "a", "b"]
    assert [one["text"] for one in steps(api, task, order="desc")["data"]] == ["b", "a", "c"]
    other = add(api, number(studio, "project", studio.ids["project"]), "x", "project")
    for wrong in ([made[0], other], [99999], []):
        api.refused("PUT", "/checklists/positions", json={"checklist_ids": wrong}, status=422)


def test_comments(api: GrowCrm, task: int) -> None:
    step = add(api, task, "Sketch")
    result = api("POST", f"/checklists/{step}/comments", {"comment": "Soon"})
    assert result.status_code == 201
    made = result.json["data"]
    assert made == {"id": made["id"], "text": "Soon", "creator": {"id": 1, "name": "Owner"}}
    api.post(f"/checklists/{step}/comments", {"comment": "Done"})
    assert [one["text"] for one in api.get(f"/checklists/{step}/comments")] == ["Soon", "Done"]
    assert api.get(f"/checklists/{step}")["comments_count"] == 2
    api.refused("DELETE", f"/tasks/{task}/comments/{made['id']}", status=404)
    assert api.delete(f"/checklists/{step}/comments/{made['id']}") == {"id": made["id"]}
    assert api.get(f"/checklists/{step}")["comments_count"] == 1
    assert api.delete(f"/checklists/{step}") == {"id": step}
    api.refused("GET", f"/checklists/{step}/comments", status=404)


def test_steps_of_what_is_gone_are_gone(api: GrowCrm, task: int) -> None:
    step = add(api, task, "Sketch")
    api.delete(f"/tasks/{task}")
    api.refused("GET", f"/checklists/{step}", status=404)
    page = steps(api, task)
    assert (page["data"], page["meta"]["progress"]["total"]) == ([], 0)


def test_a_list_is_of_one_resource(api: GrowCrm, task: int) -> None:
    answer = api.refused("GET", "/checklists", status=422)
    assert answer["errors"] == {
        "resource_type": ["The resource type field is required."],
        "resource_id": ["The resource id field is required."],
    }
    page = api.page("/checklists", resource_type="lead", resource_id=task)
    assert (page["data"], page["meta"]["progress"]["total"]) == ([], 0)
