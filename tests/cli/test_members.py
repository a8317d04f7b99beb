from __future__ import annotations

import psycopg

from tests.cli.conftest import Filled, Tallystick


def role_of(tallystick: Tallystick, email: str, workspace: str) -> str | None:
    listed = tallystick("member", "list", "-w", workspace, "--json").json
    return next((member["role"] for member in listed if member["email"] == email), None)


def test_a_member_is_added_listed_and_promoted(filled: Filled, tallystick: Tallystick) -> None:
    here = filled.studio.workspace_id
    said = tallystick("member", "add", "Lin@studio.example", "--name", " Lin Park ", "--role", "manager", "-w", here)
    assert (said.code, said.err) == (0, "")
    assert said.out == "Added Lin Park <lin@studio.example> as MANAGER.\n"
    assert role_of(tallystick, "lin@studio.example", here) == "MANAGER"
    assert tallystick("member", "set-role", "lin@studio.example", "ADMIN", "-w", here).code == 0
    assert role_of(tallystick, "lin@studio.example", here) == "ADMIN"
    assert "Lin Park" in tallystick("member", "list", "-w", here).out


def test_a_member_is_added_once(filled: Filled, tallystick: Tallystick) -> None:
    email = filled.studio.people["member"].email
    said = tallystick("member", "add", email, "--name", "x", "--role", "ADMIN", "-w", filled.studio.workspace_id)
    assert said.code == 1
    assert "is a member already" in said.err


def test_ownership_is_handed_over_not_given_up(filled: Filled, tallystick: Tallystick) -> None:
    here = filled.studio.workspace_id
    owner, admin = filled.studio.owner.email, filled.studio.people["admin"].email
    refused = tallystick("member", "set-role", owner, "ADMIN", "-w", here)
    assert (refused.code, "Transfer ownership first" in refused.err) == (1, True)
    assert tallystick("member", "set-role", admin, "OWNER", "-w", here).code == 0
    assert (role_of(tallystick, owner, here), role_of(tallystick, admin, here)) == ("ADMIN", "OWNER")


def test_whoever_is_removed_loses_tokens_and_timer_and_keeps_their_time(
    filled: Filled, tallystick: Tallystick, own_url: str
) -> None:
    manager = filled.studio.people["manager"]
    said = tallystick("member", "remove", manager.email, "-w", filled.studio.workspace_id)
    assert (said.code, said.err) == (0, "")
    assert role_of(tallystick, manager.email, filled.studio.workspace_id) is None
    with psycopg.connect(own_url) as connection:
        live = connection.execute(
            "SELECT count(*) FROM tokens WHERE user_id = %s AND revoked_at IS NULL", [manager.user_id]
        ).fetchone()
        timer = connection.execute(
            "SELECT stopped_at IS NOT NULL FROM time_entries WHERE id = %s", [filled.ids["timer"]]
        ).fetchone()
    assert (live, timer) == ((0,), (True,))
    back = tallystick(
        "member", "add", manager.email, "--name", "x", "--role", "MEMBER", "-w", filled.studio.workspace_id
    )
    assert back.code == 0


def test_the_owner_cannot_be_removed(filled: Filled, tallystick: Tallystick) -> None:
    said = tallystick("member", "remove", filled.studio.owner.email, "-w", filled.studio.workspace_id)
    assert said.code == 1
    assert "The owner cannot be removed" in said.err


def test_a_member_of_another_workspace_is_not_found(filled: Filled, tallystick: Tallystick) -> None:
    stranger = filled.other.people["member"].email
    for command in (("remove", stranger), ("set-role", stranger, "ADMIN")):
        said = tallystick("member", *command, "-w", filled.studio.workspace_id)
        assert (said.code, "No member with the e-mail" in said.err) == (1, True)


def test_an_unknown_role_is_wrong_use(filled: Filled, tallystick: Tallystick) -> None:
    assert tallystick("member", "set-role", filled.studio.owner.email, "BOSS").code == 2
