"""Beside the requests: tokens remember when they were used, and expired answers go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tallystick.domain import idempotency
from tallystick.domain.access import Actor
from tallystick.server import upkeep
from tallystick.server.upkeep import LastUse, sweep_answers
from tests.studio import Clock, Studio

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


def test_a_credential_that_is_no_token_changes_nothing(database_url: str, studio: Studio):
    last_use = LastUse(Clock(BEFORE))
    last_use.note(Actor(studio.workspace_id, studio.owner.user_id, "OWNER", credential="session"))
    assert last_use.flush(database_url) == 0
    assert used(studio, "owner") is None


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
