"""Categories (contract growcrm 6.3)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.growcrm.world import GrowCrm, number
from tests.studio import Studio


def test_each_type_has_a_default_with_the_same_number_everywhere(api: GrowCrm) -> None:
    found = api.get("/categories", order="asc")
    assert [(one["id"], one["type"], one["name"], one["system_default"]) for one in found] == [
        (1, "project", "Default", "yes"),
        (2, "client", "Default", "yes"),
        (3, "invoice", "Default", "yes"),
        (4, "expense", "Default", "yes"),
    ]
    assert [one["count"] for one in found] == [2, 2, 0, 0]


def test_a_new_category_is_the_object_of_the_page(api: GrowCrm) -> None:
    result = api("POST", "/categories", {"category_name": "Web & Apps", "category_type": "project"})
    assert result.status_code == 201
    assert result.json == {
        "data": {
            "id": 5,
            "name": "Web & Apps",
            "description": None,
            "type": "project",
            "visibility": "everyone",
            "icon": None,
            "system_default": "no",
            "slug": "5-web-apps",
            "count": 0,
            "users_count": 0,
            "dates": {"created": "2026-06-15T09:30:00.000000Z", "updated": "2026-06-15T09:30:00.000000Z"},
        },
        "message": "Category created successfully.",
    }
    one = api("GET", "/categories/5")
    assert one.json == {"data": result.json["data"], "message": "Category retrieved successfully."}


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"category_type": "project"}, {"category_name": ["The category name field is required."]}),
        ({"category_name": "A"}, {"category_type": ["The category type field is required."]}),
        (
            {"category_name": "A", "category_type": "lead"},
            {"category_type": ["The selected category type is invalid."]},
        ),
        (
            {"category_name": "default", "category_type": "client"},
            {"category_name": ["A category with this name already exists."]},
        ),
    ],
)
def test_wrong_values(api: GrowCrm, body: dict[str, str], errors: dict[str, list[str]]) -> None:
    assert api.refused("POST", "/categories", body, status=422)["errors"] == errors


def test_a_change_keeps_the_type(api: GrowCrm) -> None:
    api.post("/categories", {"category_name": "Web", "category_type": "project"})
    result = api(
        "PATCH", "/categories/5", {"category_name": "Apps", "category_type": "client", "category_description": "x"}
    )
    assert result.json["message"] == "Category updated successfully."
    seen = result.json["data"]
    assert (seen["name"], seen["type"], seen["description"], seen["slug"]) == ("Apps", "project", "x", "5-apps")
    answer = api.refused("PATCH", "/categories/5", {}, status=422)
    assert answer["errors"] == {"category_name": ["The category name field is required."]}


def test_what_holds_something_or_is_the_default_stays(api: GrowCrm, studio: Studio) -> None:
    api.refused("DELETE", "/categories/1", status=409)
    api.post("/categories", {"category_name": "Key accounts", "category_type": "client"})
    client = number(studio, "client", studio.ids["client"])
    api.patch(f"/clients/{client}", {"client_company_name": "Globex", "client_categoryid": "5"})
    answer = api.refused("DELETE", "/categories/5", status=409)
    assert answer["message"] == "There are clients in this category. Move them to another one first."
    answer = api.refused("PUT", "/categories/5/migrate", {"target_id": "1"}, status=422)
    assert answer["errors"] == {"target_id": ["The target id must be a category of clients."]}
    api.refused("PUT", "/categories/5/migrate", {"target_id": "5"}, status=422)
    api.refused("PUT", "/categories/5/migrate", {"target_id": "99"}, status=422)
    moved = api.put("/categories/5/migrate", {"target_id": "2"})
    assert (moved["id"], moved["count"]) == (5, 0)
    assert api.get(f"/clients/{client}")["category"] == {"id": 2, "name": "Default"}
    assert api.delete("/categories/5") == {"id": 5}
    api.refused("GET", "/categories/5", status=404)


def test_people_look_after_it(api: GrowCrm) -> None:
    assert api.put("/categories/1/team", [("users[]", "1"), ("users[]", "3")])["users_count"] == 2
    assert api.put("/categories/1/team", [("users[]", "2")])["users_count"] == 1
    answer = api.refused("PUT", "/categories/1/team", [("users[]", "99")], status=422)
    assert answer["errors"] == {"users": ["The selected users is invalid."]}
    assert api.put("/categories/1/team")["users_count"] == 0


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"type": "client"}, ["Key accounts", "Default"]),
        ({"type": "ticket"}, []),
        ({"visibility": "everyone"}, ["Key accounts", "Default", "Default", "Default", "Default"]),
        ({"visibility": "me"}, []),
        ({"search": "ACC"}, ["Key accounts"]),
        ({"sort": "category_name", "type": "client", "order": "asc"}, ["Default", "Key accounts"]),
        ({"sort": "category_type", "order": "asc", "limit": "1"}, ["Default"]),
    ],
)
def test_filters_and_sorts(api: GrowCrm, asked: dict[str, Any], found: list[str]) -> None:
    api.post("/categories", {"category_name": "Key accounts", "category_type": "client"})
    assert [one["name"] for one in api.get("/categories", **asked)] == found
