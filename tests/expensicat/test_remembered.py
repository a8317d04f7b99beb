"""What a session or a grant was the last time is only a guess, as a token's is: it saves a trip and decides nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from falcon import testing

from tallystick.api.expensicat.credentials import reader
from tallystick.api.expensicat.operations import OPERATIONS
from tallystick.api.wire import Operation
from tallystick.auth import oauth2, passwords, sessions
from tallystick.auth.passwords import Argon2Hasher
from tallystick.auth.remembered import Outdated
from tallystick.db.connection import Prepared
from tallystick.db.session import Database
from tallystick.domain import members, oauth, workspaces
from tallystick.domain.oauth import OAUTH_SCOPES, OAuthApp, OAuthGrant
from tests.expensicat.test_matrix import example
from tests.expensicat.world import Expensicat
from tests.matrix.world import World, furnish
from tests.sign_in.conftest import ISSUER, give_password, signed_in
from tests.studio import KEY, Studio, app_client, round_trips

READS = [operation for operation in OPERATIONS if not operation.writes]
TRIPS = {"getProfitLoss": 3, "getInvoiceAging": 2, "listRecurringInvoices": 3, "getRecurringInvoice": 3}
"""What a read costs where it asks for more than one thing."""


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_HASHER", Argon2Hasher(memory_cost=64, time_cost=1, parallelism=1))


@dataclass
class Credential:
    """Somebody's credential, and how its owner ends it."""

    text: str
    end: Callable[[], None]


def session_of(studio: Studio, who: str) -> Credential:
    give_password(studio, who)
    signed = signed_in(studio, who)

    def sign_out() -> None:
        with studio.database.transaction() as connection:
            live = sessions.session_of_jwt(connection, KEY, signed.jwt, studio.clock.now, ISSUER)
            sessions.sign_out(connection, live, studio.clock.now)

    return Credential(signed.jwt, sign_out)


def grant_of(studio: Studio, who: str) -> Credential:
    text = oauth2.mint("access")
    with studio.context() as ctx:
        app = oauth.create_app(ctx, name="Chart Room", redirect_uris=["https://app.example/callback"])
    with studio.context(who) as ctx:
        granted = oauth.grant(ctx, app, list(OAUTH_SCOPES))
        oauth.add_token(ctx, granted, "access", oauth2.digest(KEY, text))

    def revoke() -> None:
        with studio.context(who) as ctx:
            oauth.revoke_grant(ctx, granted.id)

    return Credential(text, revoke)


KINDS = [pytest.param(session_of, id="session"), pytest.param(grant_of, id="grant")]


@pytest.fixture
def app(database: Database, studio: Studio, tmp_path: Path) -> testing.TestClient:
    return app_client(database, studio.clock, tmp_path)


@pytest.fixture(scope="module")
def world(database: Database) -> World:
    return furnish(database)


@pytest.mark.parametrize("of", KINDS)
@pytest.mark.parametrize("operation", READS, ids=lambda one: one.id)
def test_a_read_with_a_known_credential_is_one_trip(
    operation: Operation, of: Callable[..., Credential], world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = app_client(world.studio.database, world.studio.clock, tmp_path)
    credential, request = of(world.studio, "owner"), example(operation, world)
    trips = round_trips(monkeypatch)
    expected = TRIPS.get(operation.id, 1)
    for known in (False, True):
        assert request.send(client, credential.text).status_code == 200
        assert len(trips) == expected + (not known), "a new one is asked for first"
        trips.clear()


@pytest.mark.parametrize("of", KINDS)
class TestNextRequest:
    def test_what_is_ended_is_refused_at_once(
        self, of: Callable[..., Credential], app: testing.TestClient, studio: Studio
    ) -> None:
        credential = of(studio, "member")
        api = Expensicat(app, credential.text)
        for path, status in (("/time-entries", 200), ("/time-entries/no-id", 404), ("/projects", 200)):
            assert api("GET", path).status_code == status
        credential.end()
        for path in ("/time-entries/no-id", "/time-entries", "/projects"):
            assert api("GET", path).status_code == 401

    def test_what_is_ended_changes_nothing_any_more(
        self, of: Callable[..., Credential], app: testing.TestClient, studio: Studio
    ) -> None:
        credential = of(studio, "owner")
        api = Expensicat(app, credential.text)
        api.post("/customers", {"name": "Before"})
        credential.end()
        api.refused("POST", "/customers", {"name": "After"}, status=401)
        with studio.context() as ctx:
            assert ctx.rows(Prepared("SELECT FROM clients WHERE name = 'After'")) == []

    def test_another_role_counts_at_once(
        self, of: Callable[..., Credential], app: testing.TestClient, studio: Studio
    ) -> None:
        api = Expensicat(app, of(studio, "member").text)
        assert api("GET", "/customers").status_code == 403
        for role, status in (("MANAGER", 200), ("MEMBER", 403)):
            with studio.context() as ctx:
                members.set_role(ctx, members.by_email(ctx, studio.people["member"].email), role)  # type: ignore[arg-type]
            assert api("GET", "/customers").status_code == status

    def test_whoever_is_removed_is_out_at_once(
        self, of: Callable[..., Credential], app: testing.TestClient, studio: Studio
    ) -> None:
        api = Expensicat(app, of(studio, "member").text)
        assert api("GET", "/time-entries").status_code == 200
        with studio.context() as ctx:
            ctx.write(Prepared("UPDATE members SET removed_at = now() WHERE id = %(id)s::uuid"),
                      id=studio.people["member"].member_id)  # fmt: skip
        assert api("GET", "/time-entries").status_code == 401

    def test_another_plan_counts_at_once(
        self, of: Callable[..., Credential], app: testing.TestClient, studio: Studio
    ) -> None:
        api = Expensicat(app, of(studio, "owner").text)
        for plan, status in (("agency", 200), ("free", 402), ("studio", 200)):
            with studio.context() as ctx:
                workspaces.change(ctx, plan=plan)
            assert api("GET", "/time-entries").status_code == status

    def test_its_time_ends(self, of: Callable[..., Credential], app: testing.TestClient, studio: Studio) -> None:
        api = Expensicat(app, of(studio, "owner").text)
        assert api("GET", "/time-entries").status_code == 200
        studio.clock.now += timedelta(hours=2)
        assert api("GET", "/time-entries").status_code == 401

    def test_another_workspace_sees_nothing_of_it(
        self, of: Callable[..., Credential], app: testing.TestClient, studio: Studio, other_studio: Studio
    ) -> None:
        here, there = (Expensicat(app, of(one, "owner").text) for one in (studio, other_studio))
        for _ in range(2):
            for api, one in ((here, studio), (there, other_studio)):
                assert api.get("/organizations/current")["id"] == one.workspace_id


@pytest.mark.parametrize("of", KINDS)
class TestReading:
    @pytest.mark.parametrize("remembered", [False, True])
    def test_what_only_reads_cannot_write(
        self, of: Callable[..., Credential], remembered: bool, database: Database, studio: Studio
    ) -> None:
        read, credential = reader(KEY, ISSUER), of(studio, "owner")
        if remembered:
            with database.transaction(reading=True) as connection:
                read(connection, credential.text, studio.clock())
        with database.transaction(reading=True) as connection:
            read(connection, credential.text, studio.clock())
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                connection.run(Prepared("UPDATE clients SET name = 'Changed'"), {})

    def test_each_trip_sees_its_workspace_and_no_other_request_does(
        self, of: Callable[..., Credential], database: Database, studio: Studio, other_studio: Studio
    ) -> None:
        del other_studio
        read, credential = reader(KEY, ISSUER), of(studio, "owner")
        seen = Prepared("SELECT id FROM workspaces")
        for _ in range(2):
            with database.transaction(reading=True) as connection:
                read(connection, credential.text, studio.clock())
                for _ in range(3):
                    assert connection.run(seen, {}).fetchall() == [(studio.workspace_id,)]
            with database.transaction(reading=True) as connection:
                assert connection.run(seen, {}).fetchall() == []

    def test_nothing_is_told_that_went_by_what_was(
        self, of: Callable[..., Credential], database: Database, studio: Studio
    ) -> None:
        read, credential = reader(KEY, ISSUER), of(studio, "owner")
        with database.transaction(reading=True) as connection:
            read(connection, credential.text, studio.clock())
        credential.end()
        with pytest.raises(Outdated), database.transaction(reading=True) as connection:  # noqa: PT012 - raised at its end
            read(connection, credential.text, studio.clock())
            raise LookupError


def test_an_app_that_is_revoked_is_out_at_once(app: testing.TestClient, studio: Studio) -> None:
    api = Expensicat(app, grant_of(studio, "owner").text)
    assert api("GET", "/time-entries").status_code == 200
    with studio.context() as ctx:
        (one,) = ctx.select(OAuthApp)
        oauth.revoke_app(ctx, one.id)
        assert [granted.ending for granted in ctx.select(OAuthGrant)] == ["app_revoked"]
    assert api("GET", "/time-entries").status_code == 401
