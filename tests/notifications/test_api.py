"""Notifications over the native API: pages by cursor, read and unread, and the choices."""

from __future__ import annotations

from pathlib import Path

import pytest

from tallystick.domain.notifications import notification
from tallystick.domain.notifications.choices import KINDS
from tests.notifications.conftest import Office
from tests.notifications.test_letters import FACTS
from tests.studio import Api, app_client


@pytest.fixture
def api(office: Office, tmp_path: Path) -> Api:
    return Api(app_client(office.studio.database, office.studio.clock, tmp_path), office.studio.owner.token)


def tell(office: Office) -> None:
    with office.studio.context() as ctx:
        for kind in KINDS:
            notification.tell(ctx, kind, office.studio.ids["project"], "once", dict(FACTS[kind]))


def test_they_are_paged_by_cursor_the_newest_first(office: Office, api: Api) -> None:
    tell(office)
    seen: list[str] = []
    query = {"limit": "3"}
    while True:
        answer = api("GET", "/notifications", params=query)
        assert answer.status_code == 200, answer.text
        seen += [one["kind"] for one in answer.json["data"]]
        following = answer.json["pagination"]["nextCursor"]
        if following is None:
            break
        query["cursor"] = following
    assert seen == list(reversed(KINDS))


def test_read_ones_and_unread_ones(office: Office, api: Api) -> None:
    tell(office)
    first, *rest = api.get("/notifications")
    done = api("POST", f"/notifications/{first['id']}/read", {})
    assert done.json["data"]["readAt"] == "2026-06-15T09:30:00Z"
    office.studio.clock.now = office.studio.clock.now.replace(hour=12)
    again = api("POST", f"/notifications/{first['id']}/read", {})
    assert again.json["data"]["readAt"] == "2026-06-15T09:30:00Z"
    assert api.get("/notifications?unread=true") == rest
    assert [one["id"] for one in api.get("/notifications?unread=false")] == [first["id"]]
    assert api("POST", "/notifications/read-all", {}).json["data"] == {"read": len(rest)}
    assert api.get("/notifications?unread=true") == []


def test_facts_are_named_as_everything_on_the_wire(office: Office, api: Api) -> None:
    tell(office)
    by_kind = {one["kind"]: one for one in api.get("/notifications")}
    assert by_kind["invoice_overdue"]["facts"]["dueDate"] == "2026-06-14"
    assert by_kind["timer_forgotten"]["facts"]["limitMinutes"] == 90
    assert by_kind["week_returned"]["path"] == "/time/week?week=2026-06-08"


def test_choices_are_changed_one_kind_at_a_time(api: Api) -> None:
    before = {one["kind"]: one for one in api.get("/notification-settings")}
    assert list(before) == list(KINDS)
    answer = api("PATCH", "/notification-settings", {"kind": "invoice_overdue", "byMail": True})
    after = {one["kind"]: one for one in answer.json["data"]}
    assert after == {**before, "invoice_overdue": {"kind": "invoice_overdue", "inApp": True, "byMail": True}}
    api("PATCH", "/notification-settings", {"kind": "invoice_overdue", "inApp": False})
    kept = {one["kind"]: one for one in api.get("/notification-settings")}
    assert kept["invoice_overdue"] == {"kind": "invoice_overdue", "inApp": False, "byMail": True}


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "kind"), ({"kind": "birthday"}, "kind"), ({"kind": "week_returned", "inApp": "yes"}, "inApp")],
)
def test_what_is_wrong_is_named(api: Api, body: dict[str, object], field: str) -> None:
    answer = api("PATCH", "/notification-settings", body)
    assert answer.status_code == 422
    assert list(answer.json["error"]["fields"]) == [field]


def test_a_member_chooses_only_of_their_own_kinds(office: Office, tmp_path: Path) -> None:
    member = Api(
        app_client(office.studio.database, office.studio.clock, tmp_path), office.studio.people["member"].token
    )
    assert len(member.get("/notification-settings")) == 3
    answer = member("PATCH", "/notification-settings", {"kind": "budget_threshold", "inApp": True})
    assert list(answer.json["error"]["fields"]) == ["kind"]
