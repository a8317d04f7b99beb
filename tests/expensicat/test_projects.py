"""Projects as contract expensicat 3 has them."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tallystick.domain import clients, projects
from tallystick.domain.invoices import draft
from tests.expensicat.world import Expensicat
from tests.studio import Studio

KEYS = [
    "id", "organization_id", "name", "customer_id", "hourly_rate", "currency", "active", "created_at", "updated_at",
    "customer",
]  # fmt: skip
NOTHING = "497f6eca-6276-4993-bfeb-53cbbbba6f08"
Of = Callable[..., Expensicat]


def test_a_project_has_exactly_the_documented_fields(api: Expensicat, studio: Studio) -> None:
    body = {"name": "Relaunch", "customer_id": studio.ids["client"], "hourly_rate": 95.5, "currency": "eur"}
    made = api.post("/projects", body)
    assert list(made) == KEYS
    assert made["customer"] == {"id": studio.ids["client"], "name": "Globex", "email": None}
    assert (made["hourly_rate"], made["currency"], made["active"]) == ("95.50", "EUR", True)
    assert made["organization_id"] == studio.workspace_id
    assert api.get(f"/projects/{made['id']}") == made
    assert api.get("/projects")[0] == made


def test_only_a_name_is_needed(api: Expensicat) -> None:
    made = api.post("/projects", {"name": "Loose"})
    assert (made["customer_id"], made["customer"], made["hourly_rate"], made["currency"]) == (None, None, None, "EUR")
    error = api.refused("POST", "/projects", {"hourly_rate": "95"}, status=400)
    assert error["details"] == {"name": "required"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""), ("name", None), ("name", "x" * 201), ("hourly_rate", "ten"), ("hourly_rate", -1),
        ("hourly_rate", "1e5"), ("hourly_rate", 1e300), ("currency", "EURO"), ("currency", "XXX"), ("currency", 5),
        ("customer_id", 7), ("customer_id", "cus_1"),
    ],
)  # fmt: skip
def test_bad_input_is_400_and_names_the_field(api: Expensicat, field: str, value: Any) -> None:
    error = api.refused("POST", "/projects", {"name": "x", field: value}, status=400)
    assert list(error["details"]) == [field]


def test_an_unknown_customer_is_not_found(api: Expensicat, other_studio: Studio, studio: Studio) -> None:
    for customer in (NOTHING, other_studio.ids["client"]):
        api.refused("POST", "/projects", {"name": "x", "customer_id": customer}, status=404)
        api.refused("PATCH", f"/projects/{studio.ids['project']}", {"customer_id": customer}, status=404)


class TestCurrency:
    def test_a_new_customer_takes_the_currency_of_its_first_project(self, api: Expensicat, studio: Studio) -> None:
        customer = api.post("/customers", {"name": "Hooli"})
        made = api.post("/projects", {"name": "First", "customer_id": customer["id"], "currency": "CHF"})
        assert made["currency"] == "CHF"
        with studio.context() as ctx:
            assert clients.read(ctx, customer["id"]).currency == "CHF"
        error = api.refused(
            "POST", "/projects", {"name": "Second", "customer_id": customer["id"], "currency": "EUR"}, status=400
        )
        assert error["details"] == {"currency": "the client and its projects are in CHF"}

    def test_the_only_project_may_change_it(self, api: Expensicat, studio: Studio) -> None:
        assert api.patch(f"/projects/{studio.ids['project']}", {"currency": "CHF"})["currency"] == "CHF"

    def test_after_an_invoice_it_stays(self, api: Expensicat, studio: Studio) -> None:
        with studio.context() as ctx:
            draft.draft(
                ctx,
                client_id=studio.ids["client"],
                project_ids=[],
                lines=[draft.CustomLine("x", Decimal(1), Decimal(1))],
            )
        api.refused("PATCH", f"/projects/{studio.ids['project']}", {"currency": "CHF"}, status=400)

    def test_without_a_customer_it_is_the_workspaces(self, api: Expensicat) -> None:
        assert api.post("/projects", {"name": "Ours", "currency": "EUR"})["currency"] == "EUR"
        error = api.refused("POST", "/projects", {"name": "Ours", "currency": "USD"}, status=400)
        assert list(error["details"]) == ["currency"]


class TestChange:
    def test_fields_change_and_null_clears(self, api: Expensicat, studio: Studio) -> None:
        path = f"/projects/{studio.ids['hidden_project']}"
        assert api.patch(path, {"name": "New"})["name"] == "New"
        assert api.patch(path, {"hourly_rate": None})["hourly_rate"] is None
        changed = api.patch(path, {"customer_id": None})
        assert (changed["customer_id"], changed["customer"]) == (None, None)
        assert api.patch(path, {"customer_id": studio.ids["client"]})["currency"] == "EUR"

    def test_active_is_not_archived(self, api: Expensicat, studio: Studio) -> None:
        path = f"/projects/{studio.ids['project']}"
        assert api.patch(path, {"active": False})["active"] is False
        with studio.context() as ctx:
            assert projects.read(ctx, studio.ids["project"]).status == "ARCHIVED"
        assert api.patch(path, {"active": True})["active"] is True
        with studio.context() as ctx:
            projects.change(ctx, studio.ids["project"], status="COMPLETED")
        assert api.patch(path, {"active": True, "name": "Done"})["active"] is True
        with studio.context() as ctx:
            assert projects.read(ctx, studio.ids["project"]).status == "COMPLETED"

    def test_deleting_archives(self, api: Expensicat, studio: Studio) -> None:
        result = api("DELETE", f"/projects/{studio.ids['project']}")
        assert (result.status_code, result.content) == (204, b"")
        assert api.get(f"/projects/{studio.ids['project']}")["active"] is False

    def test_billable_time_keeps_its_customer(self, api: Expensicat, studio: Studio) -> None:
        body = {"start_time": "2026-06-15T07:00:00Z", "end_time": "2026-06-15T08:00:00Z", "description": "x"}
        api.post("/time-entries", {**body, "project_id": studio.ids["project"]})
        error = api.refused("PATCH", f"/projects/{studio.ids['project']}", {"customer_id": None}, status=400)
        assert list(error["details"]) == ["customer_id"]


def test_the_list_is_searched_by_name_and_paged(api: Expensicat) -> None:
    for name in ("Alpha", "Beta", "alphabet"):
        api.post("/projects", {"name": name})
    assert [one["name"] for one in api.get("/projects", q="ALPHA")] == ["alphabet", "Alpha"]
    page = api.page("/projects", limit=3)
    assert page["meta"]["count"] == 3
    rest = api.page("/projects", limit=3, cursor=page["meta"]["next_cursor"])
    assert rest["meta"] == {"count": 2, "next_cursor": None}


def test_a_member_sees_their_projects_without_rate_and_customer(api_as: Of, studio: Studio) -> None:
    (mine,) = api_as("member").get("/projects")
    assert list(mine) == KEYS
    assert (mine["id"], mine["customer_id"]) == (studio.ids["project"], studio.ids["client"])
    assert (mine["hourly_rate"], mine["customer"], mine["currency"]) == (None, None, "EUR")
    api_as("member").refused("GET", f"/projects/{studio.ids['hidden_project']}", status=404)
