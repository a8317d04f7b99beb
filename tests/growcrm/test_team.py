"""The team (contract growcrm 5.1): members of the workspace by their numbers."""

from __future__ import annotations

from typing import Any

import pytest

from tallystick.domain import members
from tallystick.domain.mails.mail import Mail
from tests.growcrm.world import GrowCrm, number
from tests.studio import Studio


def who(studio: Studio, name: str) -> int:
    return number(studio, "user", studio.people[name].user_id)


def body(**more: Any) -> dict[str, Any]:
    return {"first_name": "Ada", "last_name": "Berg", "email": "ada@studio.example", "role_id": 3, **more}


@pytest.fixture
def ada(api: GrowCrm, studio: Studio) -> dict[str, Any]:
    return api.post("/team", body(email=f"ada.{studio.workspace_id[-12:]}@studio.example"))


def test_somebody_new_is_the_object_of_the_page(api: GrowCrm, studio: Studio) -> None:
    email = f"ada.{studio.workspace_id[-12:]}@studio.example"
    result = api("POST", "/team", body(email=email.upper(), phone="+49 30 1", position="Designer", send_email="yes"))
    assert result.status_code == 201
    assert result.json == {
        "data": {
            "id": 6,
            "first_name": "Ada",
            "last_name": "Berg",
            "name": "Ada Berg",
            "email": email,
            "phone": "+49 30 1",
            "job_position": "Designer",
            "role": {"id": 3, "name": "Staff"},
            "status": "active",
            "dashboard_access": "yes",
            "social": dict.fromkeys(("facebook", "twitter", "linkedin", "github", "dribbble")),
            "dates": {"created": "2026-06-15T09:30:00.000000Z", "updated": "2026-06-15T09:30:00.000000Z"},
        },
        "message": "Team member created successfully.",
    }
    one = api("GET", "/team/6")
    assert (one.json["data"], one.json["message"]) == (result.json["data"], "Team member retrieved successfully.")
    with studio.context() as ctx:
        added = members.by_email(ctx, email)
        row = ctx.connection.execute("SELECT password_hash FROM people WHERE id = %s", [added.user_id]).fetchone()
    assert (added.role, row) == ("MEMBER", (None,))


@pytest.mark.parametrize(
    ("first", "last"), [("Ada", "Berg"), ("Anna Maria", "Berg"), ("Vincent", "van Gogh"), ("Jean Luc", "de la Cruz")]
)
def test_names_come_back_as_they_were_given(api: GrowCrm, studio: Studio, first: str, last: str) -> None:
    made = api.post(
        "/team", body(first_name=first, last_name=last, email=f"{studio.workspace_id[-12:]}@studio.example")
    )
    assert (made["first_name"], made["last_name"], made["name"]) == (first, last, f"{first} {last}")


@pytest.mark.parametrize(
    ("wrong", "errors"),
    [
        (
            dict.fromkeys(("first_name", "last_name", "email", "role_id"), ""),
            {
                "first_name": ["The first name field is required."],
                "last_name": ["The last name field is required."],
                "email": ["The email field is required."],
                "role_id": ["The role id field is required."],
            },
        ),
        ({"email": "nobody"}, {"email": ["The email must be a valid email address."]}),
        ({"role_id": 2}, {"role_id": ["The selected role id is invalid."]}),
        ({"role_id": 7}, {"role_id": ["The selected role id is invalid."]}),
    ],
)
def test_what_is_wrong_is_named(api: GrowCrm, wrong: dict[str, Any], errors: dict[str, Any]) -> None:
    assert api.refused("POST", "/team", body(**wrong), status=422)["errors"] == errors
    assert api.page("/team")["meta"]["total"] == 5


def test_an_email_that_is_somebodys_is_taken(api: GrowCrm, studio: Studio, other_studio: Studio) -> None:
    """Also one that only another workspace knows: nobody learns whose it is."""
    taken = {"email": ["The email has already been taken."]}
    for email in (studio.people["admin"].email, other_studio.owner.email):
        assert api.refused("POST", "/team", body(email=email), status=422)["errors"] == taken
        answer = api.refused("PATCH", f"/team/{who(studio, 'member')}", body(email=email), status=422)
        assert answer["errors"] == taken
    assert api.page("/team")["meta"]["total"] == 5


def test_a_change_of_name_email_and_role(api: GrowCrm, studio: Studio, ada: dict[str, Any]) -> None:
    path = f"/team/{ada['id']}"
    studio.clock.now = studio.clock.now.replace(hour=10)
    result = api("PATCH", path, body(last_name="Holm", email=ada["email"], role_id=1, position="Lead"))
    assert (result.status_code, result.json["message"]) == (200, "Team member updated successfully.")
    changed = result.json["data"]
    assert (changed["name"], changed["role"]) == ("Ada Holm", {"id": 1, "name": "Administrator"})
    assert (changed["job_position"], changed["dates"]["updated"]) == ("Lead", "2026-06-15T10:30:00.000000Z")
    kept = api.patch(path, {"first_name": "Ada", "last_name": "Holm", "email": f"new.{ada['email']}"})
    assert (kept["role"]["id"], kept["job_position"], kept["email"]) == (1, "Lead", f"new.{ada['email']}")
    assert api.patch(path, body(email=kept["email"], position=""))["job_position"] is None


def test_a_role_that_reads_the_same_is_kept(api: GrowCrm, studio: Studio) -> None:
    """A manager reads as Staff, the owner as Administrator: whoever sends back what they read changes nothing."""
    for name, role in (("manager", "MANAGER"), ("owner", "OWNER")):
        seen = api.get(f"/team/{who(studio, name)}")
        api.patch(f"/team/{seen['id']}", {"first_name": seen["first_name"], "last_name": "X", "email": seen["email"],
                                          "role_id": seen["role"]["id"]})  # fmt: skip
        with studio.context() as ctx:
            assert members.by_email(ctx, seen["email"]).role == role
    owner = api.get("/team/1")
    answer = api.refused("PATCH", "/team/1", body(email=owner["email"], role_id=3), status=409)
    assert "owner" in answer["message"]
    assert api.get("/team/1") == owner


def test_nobody_sets_the_password_of_another(api: GrowCrm, ada: dict[str, Any]) -> None:
    answer = api.refused("PATCH", f"/team/{ada['id']}", body(email=ada["email"], password="secret"), status=422)
    assert list(answer["errors"]) == ["password"]


def test_whoever_is_in_other_workspaces_keeps_name_and_email(
    api: GrowCrm, studio: Studio, other_studio: Studio
) -> None:
    seen = api.get(f"/team/{who(studio, 'member')}")
    with other_studio.context() as ctx:
        members.add(ctx, email=seen["email"], name="Whoever", role="MEMBER")
    given = {"first_name": seen["first_name"], "last_name": "", "email": seen["email"]}
    answer = api.refused("PATCH", f"/team/{seen['id']}", {**given, "last_name": "Changed"}, status=409)
    assert "other workspaces" in answer["message"]
    assert api.get(f"/team/{seen['id']}") == seen


def test_whoever_leaves_is_deleted_and_their_work_stays(api: GrowCrm, studio: Studio) -> None:
    member = who(studio, "member")
    task = number(studio, "task", studio.ids["task"])
    entry = api.post(
        "/timesheets", {"task_id": task, "user_id": member, "hours": 1, "minutes": 0, "timer_created": "2026-06-12"}
    )
    result = api("DELETE", f"/team/{member}")
    assert result.json == {"data": {"id": member}, "message": "Team member deleted successfully."}
    for method in ("GET", "DELETE"):
        api.refused(method, f"/team/{member}", status=404)
    assert member not in [one["id"] for one in api.get("/team")]
    assert [(one["id"], one["status"]) for one in api.get("/team", status="deleted")] == [(member, "deleted")]
    assert api.get(f"/tasks/{task}")["assigned"] == []
    assert api.get(f"/timesheets/{entry['id']}")["worked_by_id"] == member
    assert "owner" in api.refused("DELETE", "/team/1", status=409)["message"]
    back = api.post("/team", body(email=studio.people["member"].email))
    assert (back["id"], back["name"]) == (member, "Ada Berg"), "whoever comes back has their number"


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"order": "asc"}, ["owner", "admin", "manager", "member", "second"]),
        ({"sort": "first_name", "order": "asc"}, ["admin", "manager", "member", "owner", "second"]),
        ({"sort": "first_name"}, ["second", "owner", "member", "manager", "admin"]),
        ({"sort": "email", "order": "asc"}, ["admin", "manager", "member", "owner", "second"]),
        ({"role_id": 1, "order": "asc"}, ["owner", "admin"]),
        ({"role_id": 3, "order": "asc"}, ["manager", "member", "second"]),
        ({"role_id": 2}, []),
        ({"role_id": "x"}, []),
        ({"status": "active", "order": "asc"}, ["owner", "admin", "manager", "member", "second"]),
        ({"status": "suspended"}, []),
        ({"status": "deleted"}, []),
        ({"search": "MANAG"}, ["manager"]),
        ({"search": "studio.example", "limit": 2, "page": 3, "order": "asc"}, ["second"]),
    ],
)
def test_filters_and_sorts(api: GrowCrm, studio: Studio, asked: dict[str, Any], found: list[str]) -> None:
    for place, person in enumerate(studio.people.values()):  # who was added at one instant has no order
        with studio.context() as ctx:
            ctx.connection.execute(
                "UPDATE members SET created_at = created_at + make_interval(secs => %s) WHERE user_id = %s",
                [place, person.user_id],
            )
    seen = api.page("/team", **asked)
    assert [one["id"] for one in seen["data"]] == [who(studio, name) for name in found]
    assert seen["message"] == "Team members retrieved successfully."


def test_last_names_sort_without_accents(api: GrowCrm, studio: Studio) -> None:
    for name in ("Zora Ähren", "Ada Zuse"):
        first, last = name.split()
        email = f"{first}.{studio.workspace_id[-12:]}@studio.example"
        api.post("/team", body(first_name=first, last_name=last, email=email))
    names = [one["name"] for one in api.get("/team", sort="last_name", order="asc")]
    assert names.index("Zora Ähren") < names.index("Ada Zuse")


@pytest.mark.parametrize("send_email", ["yes", "no", None])
def test_a_link_to_set_a_password_is_mailed_when_asked_for(
    api: GrowCrm, studio: Studio, send_email: str | None
) -> None:
    email = f"ada.{studio.workspace_id[-12:]}@studio.example"
    api.post("/team", body(email=email, **({} if send_email is None else {"send_email": send_email})))
    with studio.context() as ctx:
        found = [(mail.kind, mail.recipients) for mail in ctx.select(Mail)]
    assert found == ([("invitation", [email])] if send_email == "yes" else [])
