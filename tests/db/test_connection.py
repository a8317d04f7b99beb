"""Statements sent together: their order, their errors, and what is left of them."""

from __future__ import annotations

import psycopg
import pytest
from tests.studio import round_trips

from tallystick.db.connection import PREPARED_AT_MOST, Connection, Prepared
from tallystick.db.session import Database, owner_connection


def number(value: int) -> Prepared:
    return Prepared(f"SELECT {value}, %(given)s::int")


def test_what_waits_runs_before_what_is_asked(database: Database) -> None:
    with database.transaction() as connection:
        connection.later(Prepared("CREATE TEMPORARY TABLE kept (n int) ON COMMIT DROP"), {})
        connection.later(Prepared("INSERT INTO kept VALUES (%(n)s)"), {"n": 7})
        assert connection.run(Prepared("SELECT n FROM kept"), {}).fetchall() == [(7,)]


def test_the_error_of_what_waits_is_raised_and_nothing_is_committed(database: Database) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero), database.transaction() as connection:
        connection.later(Prepared("SELECT 1 / 0"), {})
    with database.transaction() as connection:
        assert connection.run(number(1), {"given": 2}).fetchone() == (1, 2)


def test_after_an_error_statements_prepared_with_it_still_run(database_url: str) -> None:
    with Connection.connect(database_url) as connection:
        for broken in range(3):
            connection.later(number(broken), {"given": 1})
            connection.later(Prepared("SELECT 1 / 0"), {})
            connection.later(number(100 + broken), {"given": 1})
            with pytest.raises(psycopg.errors.DivisionByZero):
                connection.run(number(200 + broken), {"given": 1})
            connection.rollback()
        for value in (0, 1, 2, 100, 102, 201, 300):
            assert connection.run(number(value), {"given": 5}).fetchone() == (value, 5)


def test_a_check_sees_its_answer_before_later_ones_are_told(database: Database) -> None:
    seen: list[object] = []

    def check(row: object) -> None:
        seen.append(row)
        raise LookupError

    with database.transaction() as connection:
        connection.later(number(1), {"given": 2}, check)
        with pytest.raises(LookupError):
            connection.run(number(3), {"given": 4})
        assert seen == [(1, 2)]


def test_who_decides_nothing_is_told_along_with_the_commit(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[object] = []
    trips = round_trips(monkeypatch)
    with database.transaction() as connection:
        connection.later(number(1), {"given": 2}, heard.append, decides=False)
        assert heard == []
    assert (heard, trips) == ([(1, 2)], [b"COMMIT"])
    with database.transaction() as connection:
        connection.later(number(1), {"given": 3}, heard.append, decides=False)
        connection.later(number(1), {"given": 4}, heard.append)
    assert (heard[1:], trips[1:]) == ([(1, 3), (1, 4)], [None, b"COMMIT"]), "who decides is heard before"


def test_what_cannot_be_committed_is_told_also_where_somebody_listened(database: Database) -> None:
    heard: list[object] = []
    unique = "CREATE TEMPORARY TABLE once (n int UNIQUE DEFERRABLE INITIALLY DEFERRED) ON COMMIT DROP"

    def write_twice() -> None:
        with database.transaction() as connection:
            connection.run(Prepared(unique), {})
            connection.run(Prepared("INSERT INTO once VALUES (1), (1)"), {})
            connection.later(number(1), {"given": 2}, heard.append, decides=False)

    with pytest.raises(psycopg.errors.UniqueViolation):
        write_twice()
    with database.transaction() as connection:
        assert connection.run(number(1), {"given": 2}).fetchone() == (1, 2)


def test_no_more_than_so_many_statements_stay_prepared(database_url: str) -> None:
    with Connection.connect(database_url) as connection:
        for value in range(PREPARED_AT_MOST + 1):
            connection.run(number(value), {"given": 1})
        connection.commit()
        connection.start(reading=False)
        (left,) = connection.execute("SELECT count(*) FROM pg_prepared_statements").fetchone() or (None,)
        assert left == 0
        assert connection.run(number(1), {"given": 2}).fetchone() == (1, 2)


def end_and_ask(connection: Connection, database_url: str) -> None:
    with owner_connection(database_url) as owner:
        owner.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.info.backend_pid])
    connection.run(number(1), {"given": 2})


def test_a_lost_connection_is_told_and_replaced(database: Database, database_url: str) -> None:
    with pytest.raises(psycopg.OperationalError), database.transaction() as connection:
        end_and_ask(connection, database_url)
    with database.transaction() as connection:
        assert connection.run(number(1), {"given": 2}).fetchone() == (1, 2)
