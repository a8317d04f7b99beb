"""Who loses access has lost it by their next request: also for a timer that runs, and for an answer given before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from falcon import testing

from tallystick.db.session import Database
from tallystick.domain import members, tasks, time_entries, tokens
from tallystick.domain.access import Role
from tallystick.domain.context import Context
from tallystick.domain.members import Member
from tallystick.domain.projects import Project
from tests.matrix.world import World, furnish, mint
from tests.studio import Api, app_client


@pytest.fixture
def world(database: Database) -> World:
    return furnish(database)


@pytest.fixture
def app(database: Database, world: World, tmp_path: Path) -> testing.TestClient:
    return app_client(database, world.studio.clock, tmp_path)


@pytest.fixture
def api_as(app: testing.TestClient, world: World) -> Callable[[str], Api]:
    return lambda who: Api(app, world.studio.people[who].token)


def member_of(ctx: Context, world: World, who: str) -> Member:
    return ctx.find(Member, world[f"member.{who}"])


def remove(world: World, who: str) -> None:
    with world.studio.context() as ctx:
        time_entries.let_go(ctx, member_of(ctx, world, who))


def become(world: World, who: str, role: Role) -> None:
    with world.studio.context() as ctx:
        members.set_role(ctx, member_of(ctx, world, who), role)


def take_off(world: World, who: str) -> None:
    with world.studio.context() as ctx:
        tasks.take_off(ctx, ctx.find(Project, world["project"]), member_of(ctx, world, who))


def with_key(key: str) -> dict[str, Any]:
    return {"headers": {"Idempotency-Key": key}}


def test_a_removed_member_is_nobody_at_once(world: World, api_as: Callable[[str], Api]) -> None:
    member = api_as("member")
    entry = {"projectId": world["project"], "entryDate": "2026-06-15", "durationSeconds": 60}
    assert member("POST", "/time-entries", entry, **with_key("k")).status_code == 201
    remove(world, "member")
    for method, path, body in (
        ("GET", "/me", None),
        ("GET", "/time-entries/running", None),
        ("POST", "/time-entries/stop", {}),
        ("POST", "/time-entries/start", {"projectId": world["project"]}),
    ):
        assert member(method, path, body).status_code == 401
    assert member("POST", "/time-entries", entry, **with_key("k")).status_code == 401


def test_a_removed_members_timer_stops_and_their_time_stays(world: World, api_as: Callable[[str], Api]) -> None:
    owner = api_as("owner")
    assert owner.get(f"/time-entries/{world['running.member']}")["stoppedAt"] is None
    remove(world, "member")
    stopped = owner.get(f"/time-entries/{world['running.member']}")
    assert stopped["stoppedAt"] is not None
    assert owner.get(f"/time-entries/{world['entry.member']}")["userId"] == world["user.member"]
    assert world["member.member"] not in [one["id"] for one in owner.get("/members")]


def test_a_demoted_manager_is_a_member_by_the_next_request(world: World, api_as: Callable[[str], Api]) -> None:
    manager = api_as("manager")
    created = manager("POST", "/clients", {"name": "Umbrella"}, **with_key("k"))
    client_id = created.json["data"]["id"]
    assert manager.get(f"/clients/{client_id}")["name"] == "Umbrella"
    become(world, "manager", "MEMBER")
    assert manager("GET", f"/clients/{client_id}").status_code == 403
    assert manager("GET", f"/projects/{world['project']}").status_code == 404
    assert manager("PATCH", f"/time-entries/{world['entry.second']}", {"note": "mine"}).status_code == 404
    replay = manager("POST", "/clients", {"name": "Umbrella"}, **with_key("k"))
    assert replay.status_code == 403
    assert "Umbrella" not in replay.text
    assert "idempotent-replayed" not in replay.headers
    become(world, "manager", "MANAGER")
    replay = manager("POST", "/clients", {"name": "Umbrella"}, **with_key("k"))
    assert (replay.status_code, replay.content) == (201, created.content)


def test_a_demoted_manager_no_longer_hears_what_they_did_for_others(world: World, api_as: Callable[[str], Api]) -> None:
    """An operation that a Member still has must not replay what only a Manager could be answered."""
    manager = api_as("manager")
    path = f"/tasks/{world['task.hidden']}"
    changed = manager("PATCH", path, {"name": "Secret rollout"}, **with_key("k"))
    assert changed.status_code == 200
    become(world, "manager", "MEMBER")
    replay = manager("PATCH", path, {"name": "Secret rollout"}, **with_key("k"))
    assert replay.status_code in (403, 404, 409)
    assert "rollout" not in replay.text.lower()


def test_who_is_taken_off_a_project_has_lost_it_but_not_their_time(world: World, api_as: Callable[[str], Api]) -> None:
    member = api_as("member")
    project, task = world["project"], world["task"]
    assert member.get(f"/tasks/{task}")["id"] == task
    take_off(world, "member")
    assert member("GET", f"/projects/{project}").status_code == 404
    assert member("GET", f"/tasks/{task}").status_code == 404
    assert member("PATCH", f"/tasks/{task}", {"status": "DONE"}).status_code == 404
    assert member.get("/projects") == member.get("/tasks") == member.get("/me")["projectIds"] == []
    refused = member("POST", "/time-entries/start", {"projectId": project})
    assert (refused.status_code, list(refused.json["error"]["fields"])) == (422, ["projectId"])
    mine = {one["id"] for one in member.get("/time-entries")}
    assert mine == {world["entry.member"], world["running.member"]}
    assert member("POST", "/time-entries/stop", {}).json["data"]["id"] == world["running.member"]


def test_who_is_taken_off_a_project_no_longer_hears_of_its_tasks(world: World, api_as: Callable[[str], Api]) -> None:
    member = api_as("member")
    path = f"/tasks/{world['task']}"
    assert member("PATCH", path, {"name": "Plain secret"}, **with_key("k")).status_code == 200
    take_off(world, "member")
    replay = member("PATCH", path, {"name": "Plain secret"}, **with_key("k"))
    assert replay.status_code in (403, 404, 409)
    assert "secret" not in replay.text


def test_a_revoked_token_is_dead_and_the_next_one_retries_in_its_place(
    world: World, app: testing.TestClient, api_as: Callable[[str], Api]
) -> None:
    member = api_as("member")
    entry = {"projectId": world["project"], "entryDate": "2026-06-15", "durationSeconds": 60}
    first = member("POST", "/time-entries", entry, **with_key("k"))
    fresh = mint(world, "member").token
    with world.studio.context() as ctx:
        for token in tokens.of_member(ctx, world["user.member"]):
            if token.prefix == member.token.split("_")[2]:
                tokens.revoke(ctx, token)
    assert member("GET", "/me").status_code == 401
    assert member("POST", "/time-entries", entry, **with_key("k")).status_code == 401
    replay = Api(app, fresh)("POST", "/time-entries", entry, **with_key("k"))
    assert (replay.status_code, replay.content) == (201, first.content)
    assert replay.headers["idempotent-replayed"] == "true"
