"""Members and the current organization as contract expensicat 5 has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tallystick.api.expensicat.organization import slug
from tallystick.domain import members, time_entries
from tests.expensicat.world import Expensicat
from tests.studio import Studio

Of = Callable[..., Expensicat]


def role_of(studio: Studio, who: str) -> str:
    with studio.context() as ctx:
        return members.active(ctx, studio.people[who].user_id).role


class TestMembers:
    def test_a_manager_shows_as_a_member(self, api: Expensicat, studio: Studio) -> None:
        page = api.page("/members")
        assert page["meta"] == {"count": 5, "next_cursor": None}
        assert [one["role"] for one in page["data"]] == ["owner", "admin", "member", "member", "member"]
        owner = studio.owner
        assert page["data"][0] == {
            "id": owner.member_id,
            "role": "owner",
            "user": {"id": owner.user_id, "email": owner.email, "full_name": "Owner", "avatar_url": None},
        }

    @pytest.mark.parametrize(("role", "count"), [("owner", 1), ("admin", 1), ("member", 3), ("", 5)])
    def test_the_role_filter(self, api: Expensicat, role: str, count: int) -> None:
        assert len(api.get("/members", role=role)) == count

    def test_a_wrong_role_filter_is_400(self, api: Expensicat) -> None:
        assert list(api.refused("GET", "/members", status=400, params={"role": "manager"})["details"]) == ["role"]

    def test_a_path_names_the_person(self, api: Expensicat, studio: Studio) -> None:
        person = studio.people["member"]
        changed = api.patch(f"/members/{person.user_id}", {"role": "admin"})
        assert (changed["id"], changed["role"], changed["user"]["email"]) == (person.member_id, "admin", person.email)
        assert role_of(studio, "member") == "ADMIN"
        assert api.patch(f"/members/{person.user_id}", {"role": "member"})["role"] == "member"
        api.refused("PATCH", f"/members/{person.member_id}", {"role": "admin"}, status=404)

    @pytest.mark.parametrize("role", ["owner", "manager", "ADMIN", None, 5])
    def test_the_owner_cannot_be_assigned(self, api: Expensicat, studio: Studio, role: Any) -> None:
        path = f"/members/{studio.people['member'].user_id}"
        assert list(api.refused("PATCH", path, {"role": role}, status=400)["details"]) == ["role"]
        api.refused("PATCH", path, {}, status=400)

    def test_a_manager_and_the_owner_stay_what_they_are(self, api: Expensicat, studio: Studio) -> None:
        for who in ("manager", "owner"):
            for role in ("member", "admin"):
                api.refused("PATCH", f"/members/{studio.people[who].user_id}", {"role": role}, status=409)
        assert (role_of(studio, "manager"), role_of(studio, "owner")) == ("MANAGER", "OWNER")

    def test_removing_ends_access_and_keeps_the_work(self, api: Expensicat, api_as: Of, studio: Studio) -> None:
        member = api_as("member")
        body = {"start_time": "2026-06-15T07:00:00Z", "description": "x"}
        entry = member.post("/time-entries", body)
        result = api("DELETE", f"/members/{studio.people['member'].user_id}")
        assert (result.status_code, result.content) == (204, b"")
        member.refused("GET", "/time-entries", status=401)
        assert api.get(f"/time-entries/{entry['id']}")["duration"] == 9000
        api.refused("DELETE", f"/members/{studio.people['member'].user_id}", status=404)
        api.refused("DELETE", f"/members/{studio.owner.user_id}", status=409)

    def test_a_member_sees_themselves_and_changes_nobody(self, api_as: Of, studio: Studio) -> None:
        member = api_as("member")
        assert [one["user"]["id"] for one in member.get("/members")] == [studio.people["member"].user_id]
        for method, body in (("PATCH", {"role": "admin"}), ("DELETE", None)):
            member.refused(method, f"/members/{studio.people['second'].user_id}", body, status=403)


class TestOrganization:
    def test_it_is_the_workspace_of_the_token(self, api: Expensicat, studio: Studio) -> None:
        found = api.get("/organizations/current")
        assert list(found) == ["id", "name", "slug", "logo", "base_currency", "avatar_url", "created_at"]
        assert (found["id"], found["name"], found["slug"]) == (studio.workspace_id, "Studio North", "studio-north")
        assert (found["base_currency"], found["logo"]) == ("EUR", None)

    def test_name_and_logo_change_and_nothing_else(self, api: Expensicat) -> None:
        before = api.get("/organizations/current")
        body = {"name": "Müller & Søn", "logo": "https://x.example/l.png", "slug": "mine", "base_currency": "USD"}
        changed = api.patch("/organizations/current", body)
        assert (changed["name"], changed["slug"], changed["logo"]) == ("Müller & Søn", "muller-sn", body["logo"])
        assert changed["base_currency"] == "EUR"
        assert api.patch("/organizations/current", {"logo": None})["logo"] is None
        assert api.patch("/organizations/current", {})["id"] == before["id"]

    @pytest.mark.parametrize("body", [{"name": ""}, {"name": None}, {"logo": "javascript:alert(1)"}, {"logo": 5}])
    def test_bad_input_is_400(self, api: Expensicat, body: dict[str, Any]) -> None:
        assert list(api.refused("PATCH", "/organizations/current", body, status=400)["details"]) == list(body)

    def test_everybody_reads_it_and_admins_change_it(self, api_as: Of) -> None:
        for who in ("owner", "admin", "manager", "member"):
            assert api_as(who).get("/organizations/current")["name"] == "Studio North"
            status = 200 if who in ("owner", "admin") else 403
            assert api_as(who)("PATCH", "/organizations/current", {"name": "Studio North"}).status_code == status

    @pytest.mark.parametrize(("name", "expected"), [("A  b", "a-b"), ("北", "organization"), ("--", "organization")])
    def test_slugs(self, name: str, expected: str) -> None:
        assert slug(name) == expected


def test_a_timer_of_somebody_removed_stops(api: Expensicat, studio: Studio) -> None:
    with studio.context("member") as ctx:
        timer = time_entries.start(ctx, project_id=None)
    api("DELETE", f"/members/{studio.people['member'].user_id}")
    assert api.get(f"/time-entries/{timer.id}")["end_time"] == "2026-06-15T09:30:00Z"
