"""Expenses (contract growcrm 7.5)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from tallystick.domain.invoices import draft
from tests.growcrm.world import GrowCrm, number
from tests.studio import Studio

DAY = date(2026, 6, 12)
BODY = {
    "expense_description": "Train", "expense_date": "2026-06-12", "expense_amount": "12.5", "expense_categoryid": "4",
}  # fmt: skip


@pytest.fixture
def client(studio: Studio) -> int:
    return number(studio, "client", studio.ids["client"])


@pytest.fixture
def project(studio: Studio) -> int:
    return number(studio, "project", studio.ids["project"])


def invoiced(studio: Studio, expense: int) -> None:
    with studio.context() as ctx:
        made = draft.draft(ctx, client_id=studio.ids["client"], include_expenses=True)
        assert [line.kind for line in made.lines] == ["EXPENSE"], expense


def test_a_recorded_expense_is_the_object_of_the_page(api: GrowCrm, client: int, project: int) -> None:
    result = api("POST", "/expenses", {**BODY, "expense_projectid": project, "expense_billable": "yes"})
    assert result.status_code == 201, result.text
    made = result.json["data"]
    assert result.json == {
        "data": {
            "id": made["id"],
            "description": "Train",
            "date": "2026-06-12",
            "amount": "12.50",
            "type": None,
            "billable": "billable",
            "billing_status": "not_invoiced",
            "category": {"id": 4, "name": "Default"},
            "client": {"id": client, "name": "Globex"},
            "project_id": project,
            "creator_id": 1,
            "dates": {"date": "2026-06-12", "created": "2026-06-15T09:30:00.000000Z"},
            "recurring": {"is_recurring": "no"},
            "attachments": [],
            "tags": [],
        },
        "message": "Expense created successfully.",
    }
    assert api("GET", f"/expenses/{made['id']}").json == {"data": made, "message": "Expense retrieved successfully."}


def test_it_may_be_for_nobody(api: GrowCrm, studio: Studio) -> None:
    made = api.post("/expenses", BODY)
    assert (made["client"], made["project_id"], made["billable"]) == (None, None, "not_billable")
    with studio.context() as ctx:
        row = ctx.connection.execute(b"SELECT currency FROM expenses WHERE serial = %s", [made["id"]]).fetchone()
        assert row == ("EUR",)


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"expense_description": ""}, {"expense_description": ["The expense description field is required."]}),
        ({"expense_date": ""}, {"expense_date": ["The expense date field is required."]}),
        ({"expense_amount": ""}, {"expense_amount": ["The expense amount field is required."]}),
        ({"expense_categoryid": ""}, {"expense_categoryid": ["The expense categoryid field is required."]}),
        ({"expense_categoryid": "1"}, {"expense_categoryid": ["The selected expense categoryid is invalid."]}),
        ({"expense_clientid": "99999"}, {"expense_clientid": ["The selected expense clientid is invalid."]}),
        ({"expense_projectid": "99999"}, {"expense_projectid": ["The selected expense projectid is invalid."]}),
        ({"expense_amount": "0"}, {"expense_amount": ["The expense amount must be greater than 0."]}),
        ({"expense_amount": "1.005"}, {"expense_amount": ["At most 2 decimals in EUR."]}),
    ],
)
def test_wrong_values(api: GrowCrm, change: dict[str, str], errors: dict[str, list[str]]) -> None:
    assert api.refused("POST", "/expenses", {**BODY, **change}, status=422)["errors"] == errors
    assert api.get("/expenses") == []


def test_the_client_is_that_of_the_project(api: GrowCrm, client: int, project: int, studio: Studio) -> None:
    other = number(studio, "client", studio.ids["other_client"])
    both = {**BODY, "expense_projectid": project, "expense_clientid": other}
    answer = api.refused("POST", "/expenses", both, status=422)
    assert answer["errors"] == {"expense_clientid": ["This project belongs to another client."]}
    made = api.post("/expenses", {**BODY, "expense_clientid": other})
    assert made["client"]["name"] == "Initech"
    moved = api.patch(f"/expenses/{made['id']}", {**BODY, "expense_projectid": project})
    assert (moved["client"]["id"], moved["project_id"]) == (client, project)
    free = api.put(f"/expenses/{made['id']}/attach", {"expense_projectid": "", "expense_clientid": ""})
    assert (free["client"], free["project_id"]) == (None, None)
    attached = api.put(f"/expenses/{made['id']}/attach", {"expense_projectid": project})
    assert (attached["client"]["id"], attached["project_id"]) == (client, project)
    detached = api.put(f"/expenses/{made['id']}/attach", {"expense_projectid": ""})
    assert (detached["client"]["id"], detached["project_id"]) == (client, None)


def test_a_change_leaves_what_it_does_not_say(api: GrowCrm, client: int) -> None:
    made = api.post("/expenses", {**BODY, "expense_clientid": client, "expense_billable": "yes"})
    result = api("PATCH", f"/expenses/{made['id']}", {**BODY, "expense_amount": "20"})
    assert result.json["message"] == "Expense updated successfully."
    assert result.json["data"] == {**made, "amount": "20.00"}


def test_an_invoiced_expense_is_locked(api: GrowCrm, client: int, studio: Studio) -> None:
    made = api.post("/expenses", {**BODY, "expense_clientid": client, "expense_billable": "yes"})
    invoiced(studio, made["id"])
    path = f"/expenses/{made['id']}"
    assert api.get(path)["billing_status"] == "invoiced"
    for method, where in (("PATCH", path), ("DELETE", path), ("PUT", f"{path}/attach")):
        answer = api.refused(method, where, {**BODY, "expense_clientid": ""}, status=409)
        assert answer["message"] == "Invoiced expenses are locked"
    assert api.put(f"{path}/tags", {"tags[]": "late"})["tags"] == ["late"]
    copy = api.post(f"{path}/clone", {"expense_date": "2026-06-14"})
    assert (copy["billing_status"], copy["amount"], copy["date"], copy["tags"]) == (
        "not_invoiced", "12.50", "2026-06-14", []
    )  # fmt: skip


def test_a_clone_takes_what_is_said_over_what_was(api: GrowCrm, client: int, project: int, studio: Studio) -> None:
    made = api.post("/expenses", {**BODY, "expense_projectid": project})
    other = number(studio, "client", studio.ids["other_client"])
    result = api("POST", f"/expenses/{made['id']}/clone", {"expense_date": "2026-06-14", "expense_clientid": other})
    assert (result.status_code, result.json["message"]) == (201, "Expense cloned successfully.")
    assert (result.json["data"]["client"]["id"], result.json["data"]["project_id"]) == (other, None)
    answer = api.refused("POST", f"/expenses/{made['id']}/clone", {}, status=422)
    assert answer["errors"] == {"expense_date": ["The expense date field is required."]}


def test_delete(api: GrowCrm) -> None:
    made = api.post("/expenses", BODY)
    assert api("DELETE", f"/expenses/{made['id']}").json == {
        "data": {"id": made["id"]}, "message": "Expense deleted successfully."
    }  # fmt: skip
    api.refused("GET", f"/expenses/{made['id']}", status=404)


def test_filters_and_sorts(api: GrowCrm, client: int, project: int, studio: Studio) -> None:
    a = api.post("/expenses", {**BODY, "expense_projectid": project, "expense_billable": "on"})
    invoiced(studio, a["id"])
    studio.clock.now += timedelta(minutes=1)
    b = api.post(
        "/expenses", {**BODY, "expense_amount": "30", "expense_date": "2026-06-10", "expense_clientid": client}
    )
    studio.clock.now += timedelta(minutes=1)
    c = api.post("/expenses", {**BODY, "expense_amount": "20", "expense_description": "Hotel"})
    api.put(f"/expenses/{c['id']}/tags", {"tags[]": "night"})
    names = {a["id"]: "a", b["id"]: "b", c["id"]: "c"}
    asked: dict[str, Any]
    for asked, found in [
        ({}, "cba"),
        ({"category_id": "4"}, "cba"),
        ({"category_id": "3"}, ""),
        ({"client_id": client}, "ba"),
        ({"project_id": project}, "a"),
        ({"billable": "billable"}, "a"),
        ({"billable": "not_billable"}, "cb"),
        ({"billing_status": "invoiced"}, "a"),
        ({"billing_status": "not_invoiced"}, "cb"),
        ({"amount_min": "20"}, "cb"),
        ({"amount_max": "20"}, "ca"),
        ({"date_start": "2026-06-11"}, "ca"),
        ({"date_end": "2026-06-11"}, "b"),
        ({"search": "hot"}, "c"),
        ({"tags[]": "night"}, "c"),
        ({"sort": "expense_date", "order": "asc"}, "bac"),
        ({"sort": "expense_amount"}, "bca"),
    ]:
        assert "".join(names[one["id"]] for one in api.get("/expenses", **asked)) == found, asked
