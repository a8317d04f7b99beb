"""What is told of the queue, and of what a worker does."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tallystick.db.session import Database, owner_connection
from tallystick.domain import clients, jobs
from tallystick.domain.mails import mail as mails
from tallystick.domain.mails.mail import Words
from tallystick.domain.webhooks import endpoints
from tallystick.jobs.desk import Desk
from tallystick.jobs.lag import queued
from tallystick.jobs.webhooks import deliver_due
from tallystick.jobs.worker import work
from tallystick.main import queue_of
from tallystick.outgoing.http import HttpCourier
from tallystick.telemetry.numbers import numbers
from tests.cli.conftest import Tallystick, data, new_database, own_url, tallystick  # noqa: F401 - fixtures
from tests.conftest import TEMPLATE, create_database, drop_database, with_database
from tests.mail.conftest import Office, server_at
from tests.mail.postbox import postbox
from tests.studio import KEY, SENDER, found_studio
from tests.telemetry.conftest import Told, client
from tests.webhooks.conftest import LOOPBACK
from tests.webhooks.receivers import receiver

_BROKEN = b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"
_SECOND = timedelta(seconds=1)


@pytest.fixture
def url(cluster_url: str) -> Generator[str]:
    """A database whose queue is nobody else's."""
    name = "tallystick_lag"
    create_database(cluster_url, name, template=TEMPLATE)
    yield with_database(cluster_url, name)
    drop_database(cluster_url, name)


@pytest.fixture
def office(url: str) -> Generator[Office]:
    pool = Database(url, size=6)
    pool.open()
    with postbox() as box:
        studio = found_studio(pool, KEY)
        yield Office(studio, box, Desk(url, pool, server_at(box), studio.clock))
    pool.close()


def put(url: str, *jobs_: tuple[str, str, str | None]) -> None:
    """Jobs by task, status and when they are due (an interval from now)."""
    with owner_connection(url) as connection:
        for task, status, due in jobs_:
            connection.execute(
                "INSERT INTO jobs.procrastinate_jobs (queue_name, task_name, args, status, scheduled_at) "
                "VALUES ('default', %s, '{}', %s::jobs.procrastinate_job_status, now() + %s::interval)",
                [task, status, due],
            )


def counted() -> dict[tuple[str, ...], float]:
    return dict(numbers.seen().counts)


def more(before: dict[tuple[str, ...], float], *key: str) -> float:
    return counted().get(key, 0) - before.get(key, 0)


def test_an_empty_queue_is_not_behind(url: str):
    with owner_connection(url) as connection:
        found = queued(connection)
    assert found.by_task == ()
    assert (found.lag.waiting, found.lag.due, found.lag.oldest_due_seconds) == (0, 0, 0)


def test_the_queue_is_as_old_as_the_oldest_job_that_is_due(url: str):
    put(url, ("send_mail", "todo", "-1 hour"), ("send_mail", "todo", "1 hour"), ("remind", "todo", "-5 minutes"))
    put(url, ("remind", "failed", None), ("send_mail", "doing", "-1 day"), ("remind", "succeeded", None))
    with owner_connection(url) as connection:
        found = queued(connection)
    assert (found.lag.waiting, found.lag.due, found.lag.running, found.lag.failed) == (3, 2, 1, 1)
    assert 3600 <= found.lag.oldest_due_seconds < 3700
    assert found.by_task == (
        ("remind", "failed", 1), ("remind", "waiting", 1), ("send_mail", "running", 1), ("send_mail", "waiting", 2)
    )  # fmt: skip


def test_a_job_that_was_not_put_off_is_due_since_it_was_put_there(office: Office, url: str):
    with office.context() as ctx:
        jobs.defer(ctx, "send_reset_link", email="a@b.example")
    with owner_connection(url) as connection:
        assert queued(connection).lag.due == 1
        connection.execute("UPDATE jobs.procrastinate_events SET at = at - interval '2 hours'")
        assert 7200 <= queued(connection).lag.oldest_due_seconds < 7300


def test_readyz_tells_how_far_the_queue_is_behind(office: Office, url: str, tmp_path: Path):
    studio = office.studio
    server = client(studio.database, tmp_path, studio.clock)
    assert server.simulate_get("/readyz").json == {
        "status": "ready", "jobs": {"waiting": 0, "due": 0, "oldest_due_seconds": 0}
    }  # fmt: skip
    put(url, ("send_mail", "todo", "-1 hour"))
    assert server.simulate_get("/readyz").json["jobs"]["due"] == 0  # it was looked at within this second
    studio.clock.now += _SECOND
    answer = server.simulate_get("/readyz")
    assert answer.status_code == 200
    assert answer.json["jobs"]["due"] == 1
    assert answer.json["jobs"]["oldest_due_seconds"] >= 3600


def test_a_queue_that_cannot_be_seen_makes_nobody_unready(office: Office, url: str, tmp_path: Path, told: Told):
    with owner_connection(url) as connection:
        connection.execute("ALTER TABLE jobs.procrastinate_jobs RENAME TO hidden")
    assert queue_of(office.studio.database) is None
    answer = client(office.studio.database, tmp_path).simulate_get("/readyz")
    assert (answer.status_code, answer.json) == (200, {"status": "ready"})
    assert "the queue cannot be seen" in told.text


def test_what_is_looked_at_as_owner_ends_with_the_transaction(url: str):
    database = Database(url, size=1)  # the next one gets the same connection
    database.open()
    with database.as_owner() as connection:
        before = connection.execute("SELECT current_user = session_user").fetchone()
    with database.transaction() as connection:
        after = connection.execute("SELECT current_user").fetchone()
    database.close()
    assert (before, after) == ((True,), ("tallystick_app",))


def test_a_worker_counts_its_jobs_and_says_which_one_a_line_belongs_to(office: Office, url: str, told: Told):
    with office.context() as ctx:
        mail = mails.enqueue(ctx, "test", to=["lin@studio.example"], subject="Hi", words=Words(text="Hello"))
        jobs.defer(ctx, "tell_password_changed", user_id="no uuid", changed_at="never", address="", browser="")
    before = counted()
    assert not work(office.desk, wait=False)
    assert office.again(mail).state == "sent"
    assert more(before, "tallystick_mails", "sent") == 1
    assert more(before, "tallystick_jobs_done", "send_mail", "done") == 1
    assert more(before, "tallystick_jobs_done", "tell_password_changed", "failed") >= 1
    assert more(before, "tallystick_statements", "job") > 0
    times = dict(numbers.seen().times)["tallystick_job_seconds", "send_mail"]
    assert sum(times.counts) >= 1
    (line,) = [one for one in told.lines if one["event"].startswith("the job failed")]
    assert line["job"].startswith("tell_password_changed ")
    assert "Traceback" in line["exception"]
    with owner_connection(url) as connection:
        assert ("tell_password_changed", "waiting", 1) in queued(connection).by_task


def test_mails_that_are_not_sent_are_counted_by_what_became_of_them(office: Office):
    office = Office(office.studio, office.box, replace(office.desk, server=replace(office.server, sender=SENDER)))
    before = counted()
    with office.context() as ctx:
        words = Words(text="Hello")
        waiting = [
            mails.enqueue(ctx, kind, to=["lin@studio.example"], subject="Hi", words=words)
            for kind in ("test", "invoice")  # a test is tried once
        ]
    for mail in waiting:
        assert office.send(mail) is not None
    assert more(before, "tallystick_mails", "failed") == 1
    assert more(before, "tallystick_mails", "put off") == 1


def test_webhooks_are_counted_by_what_became_of_them(office: Office):
    server = replace(office.server, courier=HttpCourier(LOOPBACK))
    office = Office(office.studio, office.box, replace(office.desk, server=server))
    before = counted()
    with receiver(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as good, receiver(_BROKEN) as bad:
        with office.context() as ctx:
            for url in (good.url, bad.url, "http://127.0.0.1:9/none"):
                endpoints.create(ctx, url=url, events=("client.created",))
            clients.create(ctx, name="Told of")
        deliver_due(office.desk)
    outcomes = [more(before, "tallystick_webhook_deliveries", one) for one in ("delivered", "refused", "unreachable")]
    assert outcomes == [1, 1, 1]


def test_an_operator_is_told_how_far_the_queue_is_behind(tallystick: Tallystick, own_url: str):  # noqa: F811
    assert tallystick("jobs", "lag", "--json").json == {
        "waiting": 0, "due": 0, "running": 0, "failed": 0, "oldest_due_seconds": 0
    }  # fmt: skip
    assert tallystick("jobs", "--json").json == []
    put(own_url, ("send_mail", "todo", "-1 hour"), ("remind", "todo", "1 day"), ("remind", "failed", None))
    said = tallystick("jobs", "lag").out
    assert said.startswith("2 waiting, 1 of them due, the oldest for 36")
    assert "0 running, 1 failed." in said
    assert "2 waiting, 1 of them due" in tallystick("jobs").out
    assert len(tallystick("jobs", "list", "--json").json) == 3  # as it was
