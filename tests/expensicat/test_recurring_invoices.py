"""Recurring invoices as contract expensicat 6 has them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tallystick.domain import clients
from tallystick.domain.invoices.draft import CustomLine
from tallystick.domain.recurring import recurring, runs
from tallystick.domain.recurring.recurring import Template
from tests.expensicat.world import Expensicat
from tests.studio import Studio

KEYS = [
    "id", "organization_id", "customer_id", "frequency", "start_date", "end_date", "max_invoices",
    "invoices_generated", "items", "notes", "auto_send", "status", "next_generation_date", "last_generated_date",
    "created_by", "created_at", "updated_at", "customer",
]  # fmt: skip
ITEM = {"name": "Retainer", "description": "Design and care", "quantity": 1.5, "price": 1000}


@pytest.fixture
def body(studio: Studio) -> dict[str, Any]:
    return {
        "customer_id": studio.ids["client"], "frequency": "monthly", "start_date": "2026-06-30", "items": [ITEM],
    }  # fmt: skip


def test_four_facts_are_enough(api: Expensicat, studio: Studio, body: dict[str, Any]) -> None:
    made = api.post("/recurring-invoices", {**body, "id": "ours", "anything": [1]})
    assert list(made) == KEYS
    assert made["items"] == [ITEM]
    assert {name: made[name] for name in KEYS if name not in ("id", "items", "created_at", "updated_at")} == {
        "organization_id": studio.workspace_id, "customer_id": studio.ids["client"], "frequency": "monthly",
        "start_date": "2026-06-30", "end_date": None, "max_invoices": None, "invoices_generated": 0, "notes": None,
        "auto_send": False, "status": "active", "next_generation_date": "2026-06-30", "last_generated_date": None,
        "created_by": studio.owner.user_id,
        "customer": {"id": studio.ids["client"], "name": "Globex", "email": None},
    }  # fmt: skip
    assert api.get(f"/recurring-invoices/{made['id']}") == made
    assert api.get("/recurring-invoices") == [made]


@pytest.mark.parametrize(
    ("frequency", "following"),
    [
        ("weekly", "2026-07-07"), ("biweekly", "2026-07-14"), ("monthly", "2026-07-30"),
        ("quarterly", "2026-09-30"), ("yearly", "2027-06-30"),
    ],
)  # fmt: skip
def test_each_frequency_has_its_beat(
    api: Expensicat, studio: Studio, body: dict[str, Any], frequency: str, following: str
) -> None:
    made = api.post("/recurring-invoices", {**body, "frequency": frequency})
    assert made["frequency"] == frequency
    studio.clock.now = studio.clock.now.replace(day=30)
    with studio.context() as ctx:
        runs.run_now(ctx, made["id"])
    shown = api.get(f"/recurring-invoices/{made['id']}")
    assert (shown["next_generation_date"], shown["last_generated_date"], shown["invoices_generated"]) == (
        following, "2026-06-30", 1,
    )  # fmt: skip


def test_it_ends_with_a_day_or_a_number_whichever_is_first(
    api: Expensicat, studio: Studio, body: dict[str, Any]
) -> None:
    ending = {"end_date": "2026-12-31", "max_invoices": 1, "notes": "Thanks", "auto_send": True}
    api.patch(f"/customers/{body['customer_id']}", {"email": "billing@globex.example"})
    made = api.post("/recurring-invoices", {**body, **ending})
    assert {name: made[name] for name in ending} == ending
    studio.clock.now = studio.clock.now.replace(day=30)
    with studio.context() as ctx:
        clients.change(ctx, body["customer_id"], email="ap@globex.example")
        (run,) = runs.run_now(ctx, made["id"])
        row = ctx.connection.execute("SELECT status, notes FROM invoices WHERE id = %s", [run.invoice_id]).fetchone()
    assert row == ("SENT", "Thanks")
    shown = api.get(f"/recurring-invoices/{made['id']}")
    assert (shown["status"], shown["next_generation_date"]) == ("completed", None)


def test_it_is_changed_paused_resumed_cancelled_and_deleted(api: Expensicat, body: dict[str, Any]) -> None:
    path = f"/recurring-invoices/{api.post('/recurring-invoices', body)['id']}"
    changed = api.patch(path, {"frequency": "quarterly", "max_invoices": 4, "items": [{**ITEM, "price": "9.95"}]})
    assert (changed["frequency"], changed["max_invoices"], changed["items"][0]["price"]) == ("quarterly", 4, 9.95)
    assert api.patch(path, {"max_invoices": None, "auto_send": True})["frequency"] == "quarterly"
    assert api.patch(path, {"status": "paused"})["status"] == "paused"
    assert api.patch(path, {"status": "active"})["status"] == "active"
    cancelled = api.patch(path, {"status": "cancelled"})
    assert (cancelled["status"], cancelled["next_generation_date"]) == ("cancelled", None)
    assert api.refused("PATCH", path, {"status": "paused"}, status=409)["details"] == {"reason": "recurring_state"}
    assert "status" in api.refused("PATCH", path, {"status": "completed"}, status=400)["details"]
    assert api("DELETE", path).status_code == 204
    api.refused("GET", path, status=404)


def test_lists_are_filtered_by_status_and_customer(api: Expensicat, studio: Studio, body: dict[str, Any]) -> None:
    first = api.post("/recurring-invoices", body)
    second = api.post("/recurring-invoices", {**body, "customer_id": studio.ids["other_client"]})
    api.patch(f"/recurring-invoices/{first['id']}", {"status": "cancelled"})

    def found(**filters: str) -> list[str]:
        return [one["id"] for one in api.get("/recurring-invoices", **filters)]

    assert found() == [second["id"], first["id"]]
    assert found(status="cancelled") == found(customer_id=studio.ids["client"]) == [first["id"]]
    assert found(status="active") == [second["id"]]
    page = api.page("/recurring-invoices", limit="1")
    assert page["meta"]["count"] == 1
    assert api.page("/recurring-invoices", limit="1", cursor=page["meta"]["next_cursor"])["data"][0] == {
        **api.get(f"/recurring-invoices/{first['id']}")
    }
    assert "status" in api.refused("GET", "/recurring-invoices?status=DRAFT", status=400)["details"]


def test_one_of_another_rule_is_custom(api: Expensicat, studio: Studio) -> None:
    with studio.context() as ctx:
        made = recurring.create(
            ctx, client_id=studio.ids["client"], rule="FREQ=MONTHLY;BYMONTHDAY=-1", start_date=date(2026, 6, 30),
            template=Template(lines=(CustomLine("Care", Decimal(1), Decimal(80)),)),
        )  # fmt: skip
    shown = api.get(f"/recurring-invoices/{made.id}")
    assert (shown["frequency"], shown["items"][0]["description"]) == ("custom", None)
    assert api.patch(f"/recurring-invoices/{made.id}", {"max_invoices": 3})["frequency"] == "custom"
    with studio.context() as ctx:
        assert recurring.read(ctx, made.id).rule == "FREQ=MONTHLY;COUNT=3;BYMONTHDAY=-1"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("frequency", "daily"), ("start_date", "30.6.2026"), ("items", []), ("items", [{"name": "x", "price": 1}]),
        ("items", [{**ITEM, "quantity": -1}]), ("end_date", "2026-06-29"), ("max_invoices", 0), ("auto_send", "yes"),
        ("start_date", "1999-01-01"), ("items", [{**ITEM, "quantity": 0}]),
    ],
)  # fmt: skip
def test_bad_input_is_400_and_names_the_field(api: Expensicat, body: dict[str, Any], field: str, value: Any) -> None:
    details = api.refused("POST", "/recurring-invoices", {**body, field: value}, status=400)["details"]
    assert [name.partition("[")[0] for name in details] == [field]


def test_an_unknown_customer_is_not_found(api: Expensicat, studio: Studio, body: dict[str, Any]) -> None:
    for customer in (studio.workspace_id, studio.ids["project"]):
        api.refused("POST", "/recurring-invoices", {**body, "customer_id": customer}, status=404)


def test_a_grant_needs_the_scope_of_invoices(api_as: Callable[..., Expensicat], body: dict[str, Any]) -> None:
    reading = api_as("owner", "invoices:read")
    assert reading.get("/recurring-invoices") == []
    reading.refused("POST", "/recurring-invoices", body, status=403)
    api_as("owner", "entries:read").refused("GET", "/recurring-invoices", status=403)
