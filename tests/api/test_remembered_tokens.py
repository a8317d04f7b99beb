"""What a token was the last time is only a guess: each request goes by what it is now."""

from __future__ import annotations

import psycopg
import pytest
from falcon import testing

from tallystick.auth import bearer
from tallystick.db.session import Database, Prepared
from tallystick.domain.access import Role
from tests.studio import KEY, Api, Studio


def role_of(studio: Studio, who: str, role: Role) -> None:
    with studio.context() as ctx:
        ctx.write(
            Prepared("UPDATE members SET role = %(role)s WHERE id = %(id)s::uuid"),
            role=role,
            id=studio.people[who].member_id,
        )


def test_who_was_promoted_may_at_once_what_was_refused_before(app: testing.TestClient, studio: Studio) -> None:
    member = Api(app, studio.people["member"].token)
    assert member("GET", "/clients").status_code == 403
    role_of(studio, "member", "MANAGER")
    assert member("GET", "/clients").status_code == 200
    role_of(studio, "member", "MEMBER")
    assert member("GET", "/clients").status_code == 403


def test_a_revoked_token_is_refused_where_nothing_else_would_have_asked_the_database(
    app: testing.TestClient, studio: Studio
) -> None:
    member = Api(app, studio.people["member"].token)
    assert member("GET", "/time-entries").status_code == 200
    assert member("GET", "/time-entries/no-id").status_code == 404
    with studio.context() as ctx:
        ctx.write(
            Prepared("UPDATE tokens SET revoked_at = now() WHERE user_id = %(user_id)s::uuid"),
            user_id=studio.people["member"].user_id,
        )
    assert member("GET", "/time-entries/no-id").status_code == 401


@pytest.mark.parametrize("remembered", [False, True])
def test_what_only_reads_cannot_write(database: Database, studio: Studio, remembered: bool) -> None:
    token = f"Bearer {studio.owner.token}"
    bearer._TOKENS.forget()
    if remembered:
        with database.transaction(reading=True) as connection:
            bearer.actor_of(connection, KEY, token, studio.clock())
    with database.transaction(reading=True) as connection:
        bearer.actor_of(connection, KEY, token, studio.clock())
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.run(Prepared("UPDATE clients SET name = 'Changed'"), {})


def test_each_trip_of_a_reading_request_sees_its_workspace_and_no_other_request_does(
    database: Database, studio: Studio, other_studio: Studio
) -> None:
    del other_studio
    seen = Prepared("SELECT id FROM workspaces")
    with database.transaction(reading=True) as connection:
        bearer.actor_of(connection, KEY, f"Bearer {studio.owner.token}", studio.clock())
        for _ in range(3):
            assert connection.run(seen, {}).fetchall() == [(studio.workspace_id,)]
    with database.transaction(reading=True) as connection:
        assert connection.run(seen, {}).fetchall() == []
