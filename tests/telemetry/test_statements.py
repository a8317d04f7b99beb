"""Slow statements are told with their text, without their values; statements are counted for whoever is at work."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from sqlalchemy import bindparam, select

from tallystick.db.session import Database, Prepared
from tallystick.domain.clients import Client
from tallystick.telemetry import statements
from tallystick.telemetry.work import Work, current
from tests.studio import Api, Studio
from tests.telemetry.conftest import Told


@pytest.fixture
def everything_is_slow() -> Iterator[None]:
    statements.limit.seconds = 0.0
    yield
    statements.slow_from(0)


def slow(told: Told) -> list[dict[str, object]]:
    return [line for line in told.lines if line["logger"] == "tallystick.slow"]


@pytest.mark.usefixtures("everything_is_slow")
def test_a_slow_statement_is_told_without_its_values(api: Api, studio: Studio, told: Told):
    answer = api("POST", "/clients", {"name": "C4n4ry Ltd", "currency": "EUR"})
    assert answer.status_code == 201
    lines = slow(told)
    inserts = [line for line in lines if "INSERT INTO clients" in str(line["event"])]
    assert inserts
    for line in lines:
        assert line["request_id"] == answer.headers["X-Request-Id"]
        assert line["level"] == "warning"
        assert isinstance(line["milliseconds"], int)
        assert int(str(line["statements"])) >= 0
    assert "%(name)s" in str(inserts[0]["event"])
    assert "C4n4ry" not in told.text
    assert studio.owner.token not in told.text


@pytest.mark.usefixtures("everything_is_slow")
def test_plain_statements_are_told_without_their_values_too(database: Database, told: Told):
    token = current.set(Work(name="send_mail 42"))
    with database.transaction() as connection:
        connection.execute("SELECT %s::text", ["c4n4ry"])
    current.reset(token)
    line = next(line for line in slow(told) if "SELECT %s::text" in str(line["event"]))
    assert line["job"] == "send_mail 42"
    assert "c4n4ry" not in told.text


@pytest.mark.usefixtures("everything_is_slow")
def test_a_statement_that_fails_is_told_too(database: Database, told: Told):
    with pytest.raises(Exception, match="division by zero"), database.transaction() as connection:
        connection.run(Prepared("SELECT 1 / %(by)s::int"), {"by": 0})
    assert any("SELECT 1 / %(by)s::int" in str(line["event"]) for line in slow(told))


def test_nothing_is_slow_where_it_is_turned_off(api: Api, told: Told):
    statements.slow_from(0)
    api.get("/clients")
    assert slow(told) == []


def test_the_limit_is_the_setting_s():
    statements.slow_from(500)
    assert statements.limit.seconds == 0.5
    statements.slow_from(0)
    assert statements.limit.seconds == float("inf")


def test_statements_are_counted_for_whoever_is_at_work(database: Database):
    work = Work(request_id="one")
    token = current.set(work)
    statement = Prepared(select(Client.id).where(Client.name == bindparam("name")))
    with database.transaction(reading=True) as connection:
        connection.later(statement, {"name": "a"})
        connection.run(statement, {"name": "b"})
        connection.run(statement, {"name": "c"})
    current.reset(token)
    assert (work.statements, work.trips) == (3, 2)
    assert work.database_seconds > 0
    assert work.waited > 0


def test_two_threads_do_not_count_for_each_other(database: Database):
    """A context is a thread's, or a task's: what runs elsewhere meanwhile is somebody else's work."""

    async def one(times: int) -> int:
        work = Work(name=f"task {times}")
        current.set(work)

        def statements_of_it() -> None:
            with database.transaction(reading=True) as connection:
                for _ in range(times):
                    connection.execute("SELECT 1")

        await asyncio.to_thread(statements_of_it)
        return work.statements

    async def both() -> list[int]:
        return await asyncio.gather(one(2), one(5))

    assert asyncio.run(both()) == [2, 5]
