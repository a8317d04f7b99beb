"""Beside the requests: tokens remember when they were used, and expired answers go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tallystick.auth import sessions
from tallystick.db.session import Prepared, owner_connection
from tallystick.domain import api_keys, idempotency, invariants, oauth
from tallystick.domain import sessions as domain_sessions
from tallystick.domain.access import Actor
from tallystick.domain.api_keys import ApiKey
from tallystick.domain.context import Context
from tallystick.domain.notifications import notification
from tallystick.domain.oauth import GRANT, OAuthGrant
from tallystick.domain.sessions import SESSION, Session
from tallystick.server import upkeep
from tallystick.server.upkeep import LastUse, sweep_answers, sweep_credentials
from tallystick.values.ids import new_id
from tests.notifications.test_letters import FACTS
from tests.studio import KEY, Clock, Studio

BEFORE = datetime(2026, 6, 15, 9, 0, tzinfo=UTC)


def used(studio: Studio, who: str) -> datetime | None:
    with studio.context() as ctx:
        found = ctx.connection.execute(
            "SELECT last_used_at FROM tokens WHERE user_id = %s", [studio.people[who].user_id]
        ).fetchone()
    assert found is not None
    return found[0]


def actor(studio: Studio, who: str) -> Actor:
    prefix = studio.people[who].token.split("_")[2]
    return Actor(studio.workspace_id, studio.people[who].user_id, "MEMBER", credential=prefix)


def test_tokens_of_every_workspace_remember_their_last_use(database_url: str, studio: Studio, other_studio: Studio):
    clock = Clock(BEFORE)
    last_use = LastUse(clock)
    last_use.note(actor(studio, "owner"))
    clock.now += timedelta(seconds=30)
    last_use.note(actor(studio, "owner"))
    last_use.note(actor(other_studio, "member"))
    assert used(studio, "owner") is None
    assert last_use.flush(database_url) == 2
    assert used(studio, "owner") == used(other_studio, "member") == BEFORE + timedelta(seconds=30)
    assert used(studio, "member") is None
    assert last_use.flush(database_url) == 0


def test_a_process_that_saw_a_token_earlier_does_not_take_it_back(database_url: str, studio: Studio):
    late, early = LastUse(Clock(BEFORE + timedelta(minutes=5))), LastUse(Clock(BEFORE))
    for last_use in (late, early):
        last_use.note(actor(studio, "owner"))
        last_use.flush(database_url)
    assert used(studio, "owner") == BEFORE + timedelta(minutes=5)


def test_a_credential_that_is_not_there_changes_nothing(database_url: str, studio: Studio):
    last_use = LastUse(Clock(BEFORE))
    for name in ("", "nothing", SESSION + new_id(), GRANT + new_id()):
        last_use.note(Actor(studio.workspace_id, studio.owner.user_id, "OWNER", credential=name))
    assert last_use.flush(database_url) == 0
    assert used(studio, "owner") is None


def test_sessions_and_grants_remember_their_last_use_too(database_url: str, studio: Studio):
    now = studio.clock() + timedelta(minutes=7)
    with studio.context() as ctx:
        session, _ = sessions.begin(ctx, KEY)
        other, _ = sessions.begin(ctx, KEY)
        granted = grant(ctx)
    last_use = LastUse(Clock(now))
    for name in (SESSION + session.id, GRANT + granted.id, studio.owner.token.split("_")[2]):
        last_use.note(Actor(studio.workspace_id, studio.owner.user_id, "OWNER", credential=name))
    assert last_use.flush(database_url) == 3
    early = LastUse(Clock(now - timedelta(minutes=1)))
    early.note(Actor(studio.workspace_id, studio.owner.user_id, "OWNER", credential=SESSION + session.id))
    assert early.flush(database_url) == 0
    with studio.context() as ctx:
        assert ctx.find(Session, session.id).last_seen_at == now
        assert ctx.find(Session, other.id).last_seen_at == studio.clock()
        assert ctx.find(OAuthGrant, granted.id).last_used_at == now
    assert used(studio, "owner") == now


def test_api_keys_remember_their_last_use_too(database_url: str, studio: Studio):
    now = studio.clock() + timedelta(minutes=7)
    with studio.context() as ctx:
        prefixes = [new_id()[-12:] for _ in range(2)]
        used_one, other = (api_keys.issue(ctx, name="x", prefix=prefix, digest=b"") for prefix in prefixes)
    last_use = LastUse(Clock(now))
    last_use.note(Actor(studio.workspace_id, studio.owner.user_id, "OWNER", credential=f"hgk_{used_one.prefix}"))
    assert last_use.flush(database_url) == 1
    with studio.context() as ctx:
        assert ctx.find(ApiKey, used_one.id).last_used_at == now
        assert ctx.find(ApiKey, other.id).last_used_at is None


def keep_answers(studio: Studio, count: int, *, at: datetime) -> None:
    studio.clock.now = at
    with studio.context() as ctx:
        for number in range(count):
            idempotency.keep(ctx, f"{at} {number}", b"print", status=201, body=b"{}", request_id="one")


def answers(studio: Studio) -> int:
    with studio.context() as ctx:
        found = ctx.connection.execute("SELECT count(*) FROM idempotency_answers").fetchone()
    assert found is not None
    return found[0]


def test_answers_go_when_they_have_expired_in_every_workspace(database_url: str, studio: Studio, other_studio: Studio):
    now = BEFORE + idempotency.WINDOW
    keep_answers(studio, 5, at=BEFORE)
    keep_answers(studio, 2, at=BEFORE + timedelta(minutes=1))
    keep_answers(other_studio, 3, at=BEFORE - timedelta(days=3))
    swept = sweep_answers(database_url, clock=Clock(now), batch=2)
    assert swept >= 8  # what other tests left may go as well
    assert (answers(studio), answers(other_studio)) == (2, 0)
    assert sweep_answers(database_url, clock=Clock(now)) == 0


def test_only_one_server_sweeps(database_url: str, studio: Studio):
    keep_answers(studio, 1, at=BEFORE)
    with psycopg.connect(database_url) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [upkeep._SWEEP_LOCK])
        assert sweep_answers(database_url, clock=Clock(BEFORE + idempotency.WINDOW)) == 0
    assert answers(studio) == 1


def grant(ctx: Context) -> OAuthGrant:
    app = oauth.create_app(ctx, name="Charts", redirect_uris=["https://charts.example/callback"])
    return oauth.grant(ctx, app, ["entries:read"])


def left(studio: Studio) -> dict[str, int]:
    """How many rows of a workspace each table of credentials has that is swept."""
    tables = [table for table in upkeep._OVER if table not in ("device_actions", "notifications")]
    with studio.context() as ctx:
        return {table: ctx.rows(Prepared(f"SELECT count(*) FROM {table}"))[0][0] for table in tables}


def test_what_people_were_told_goes_after_ninety_days_unless_it_is_still_so(studio: Studio, database_url: str) -> None:
    project = studio.ids["project"]
    with studio.context() as ctx:
        for kind, occasion in (("invoice_overdue", ""), ("budget_threshold", "80"), ("budget_threshold", "100")):
            notification.tell(ctx, kind, project, occasion, dict(FACTS[kind]), to=studio.owner.user_id)
        notification.clear(ctx, "budget_threshold", project, "100")
    for days, expected in ((89.9, ["", "100", "80"]), (90.1, ["80"])):
        sweep_credentials(database_url, clock=Clock(studio.clock() + timedelta(days=days)))
        with studio.context() as ctx:
            found = ctx.rows(Prepared("SELECT occasion FROM notifications ORDER BY occasion"))
        assert [occasion for (occasion,) in found] == expected


class TestCredentials:
    @pytest.fixture
    def both(self, studio: Studio, other_studio: Studio) -> list[Studio]:
        """In two workspaces a session, a link, and a grant whose code was used for tokens, one of them spent."""
        for one in (studio, other_studio):
            with one.context() as ctx:
                sessions.begin(ctx, KEY)
                sessions.offer_password_link(ctx, KEY, one.people["member"].user_id)
                granted = grant(ctx)
                for number in range(2):
                    code = oauth.add_code(
                        ctx, granted, digest=f"{one.workspace_id} {number}".encode(), redirect_uri="x", challenge="x"
                    )
                    oauth.add_token(ctx, granted, "access", f"{one.workspace_id} access {number}".encode())
                oauth.use_code(ctx, code)
                spent, successor = (
                    oauth.add_token(ctx, granted, "refresh", f"{one.workspace_id} {n}".encode()) for n in "ab"
                )
                oauth.spend(ctx, spent, successor, b"sealed")
        return [studio, other_studio]

    @pytest.mark.parametrize(
        ("days", "expected"),
        [
            (0.9, (4, 2, 1, 1, 1)),
            (1.1, (2, 1, 1, 1, 1)),  # access tokens, and the code that nobody used
            (30.5, (2, 1, 1, 1, 1)),
            (31.1, (0, 1, 1, 1, 1)),  # refresh tokens
            (90.9, (0, 1, 1, 1, 1)),
            (91.1, (0, 1, 1, 1, 0)),  # the link
            (103.9, (0, 1, 1, 1, 0)),
            (104.1, (0, 1, 1, 0, 0)),  # the session of two weeks
            (179.9, (0, 1, 1, 0, 0)),
            (180.1, (0, 0, 1, 0, 0)),  # the used code, when the grant is over
            (270.1, (0, 0, 0, 0, 0)),
        ],
    )
    def test_each_goes_when_nobody_needs_it(
        self, days: float, expected: tuple[int, ...], both: list[Studio], database_url: str
    ) -> None:
        clock = Clock(both[0].clock() + timedelta(days=days))
        sweep_credentials(database_url, clock=clock, batch=1)
        assert [tuple(left(one).values()) for one in both] == [expected, expected]
        assert sweep_credentials(database_url, clock=clock) == 0

    def test_what_ended_goes_sooner(self, both: list[Studio], database_url: str) -> None:
        studio = both[0]
        with studio.context() as ctx:
            domain_sessions.end_all(ctx, studio.owner.user_id, "signed_out")
            oauth.end_all_of(ctx, studio.owner.user_id, "revoked")
        for days, expected in ((89.9, (0, 0, 1, 1, 1)), (90.1, (0, 0, 0, 0, 1))):
            sweep_credentials(database_url, clock=Clock(studio.clock() + timedelta(days=days)))
            assert tuple(left(studio).values()) == expected

    def test_the_record_stays_whole(self, both: list[Studio], database_url: str) -> None:
        sweep_credentials(database_url, clock=Clock(both[0].clock() + timedelta(days=400)))
        with owner_connection(database_url) as connection:
            found = {
                one.rule: one
                for one in invariants.check(connection, now=both[0].clock(), workspace_id=both[0].workspace_id)
            }
        assert found["references"].holds
        assert found["events"].holds

    def test_only_one_server_sweeps(self, both: list[Studio], database_url: str) -> None:
        with psycopg.connect(database_url) as other:
            other.execute("SELECT pg_advisory_lock(%s)", [upkeep._SWEEP_LOCK])
            assert sweep_credentials(database_url, clock=Clock(both[0].clock() + timedelta(days=400))) == 0
        assert left(both[0])["sessions"] == 1


def test_upkeep_goes_on_after_a_failure(caplog: pytest.LogCaptureFixture):
    tries: list[int] = []

    def work() -> None:
        tries.append(1)
        if len(tries) == 1:
            raise psycopg.OperationalError("the database is away")
        if len(tries) == 2:
            raise ValueError("a mistake of ours")
        raise SystemExit

    with pytest.raises(SystemExit):
        upkeep._repeat(0.001, work)
    assert len(tries) == 3
    assert "upkeep has to wait: the database is away" in caplog.text
    assert "a mistake of ours" in caplog.text
