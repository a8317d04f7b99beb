"""Workers in processes of their own: they send what was committed, once, also when one is killed in the middle."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import psycopg
import pytest

from tallystick.cli import main
from tallystick.db.session import Database, owner_connection, text_query
from tallystick.domain import jobs
from tallystick.domain.mails import delivery
from tallystick.domain.mails import mail as mails
from tallystick.domain.mails.mail import Mail, Words
from tallystick.jobs.desk import Desk
from tallystick.jobs.worker import work
from tests.conftest import TEMPLATE, create_database, superuser, with_database
from tests.live import live_server
from tests.mail.conftest import Office, server_at
from tests.mail.postbox import Postbox
from tests.studio import KEY, found_studio


class Said(NamedTuple):
    """How a command ended, and what it said."""

    returncode: int
    stdout: str
    stderr: str


@dataclass
class Works:
    """An office over a database of its own, where workers find nothing else to do."""

    office: Office
    url: str
    data: Path

    @property
    def environment(self) -> dict[str, str]:
        ours = {
            "TALLYSTICK_DATABASE_URL": self.url,
            "TALLYSTICK_DATA": str(self.data),
            "TALLYSTICK_SMTP_URL": f"smtp://127.0.0.1:{self.office.box.port}?tls=none",
            "TALLYSTICK_MAIL_FROM": "Tally <tally@server.example>",
        }
        return {**{name: value for name, value in os.environ.items() if not name.startswith("TALLYSTICK_")}, **ours}

    @contextlib.contextmanager
    def worker(self) -> Generator[subprocess.Popen[str]]:
        """A worker that has said that it works."""
        command = [sys.executable, "-m", "tallystick", "worker"]
        with subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                assert "works" in process.stdout.readline()
                yield process
            finally:
                process.terminate()
                process.wait(30)

    def command(self, *words: str) -> Said:
        """What an operator types, in this process."""
        out, err = io.StringIO(), io.StringIO()
        with (
            mock.patch.dict(os.environ, self.environment, clear=True),
            mock.patch.object(sys, "argv", ["tallystick", *words]),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            pytest.raises(SystemExit) as ended,
        ):
            main()
        return Said(int(ended.value.code or 0), out.getvalue(), err.getvalue())

    def jobs(self, *words: str) -> list[dict[str, Any]]:
        """The jobs of letters that `tallystick jobs` lists; a worker may have left what comes each minute behind."""
        said = self.command("jobs", *words, "--json").stdout
        return [job for job in json.loads(said) if job["task"] == "send_mail"]

    def letters(self, count: int) -> list[Mail]:
        words = Words(text="Good day")
        with self.office.context() as ctx:
            return [
                mails.enqueue(ctx, "invoice", to=[f"ada{number}@client.example"], subject="Hello", words=words)
                for number in range(count)
            ]

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(owner_connection(self.url)) as connection, connection:
            cursor = connection.execute(text_query(sql))
            return cursor.fetchall() if cursor.description else []

    def until(self, there: Callable[[], object], seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not there():
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.fixture
def works(cluster_url: str, box: Postbox, tmp_path: Path) -> Iterator[Works]:
    name = f"tallystick_test_{uuid.uuid4().hex[:12]}"
    create_database(cluster_url, name, template=TEMPLATE)
    url = with_database(cluster_url, name)
    database = Database(url, size=8)
    database.open()
    key = tmp_path / "secret.key"
    key.touch(mode=0o600)
    key.write_bytes(KEY)
    studio = found_studio(database, KEY)
    desk = Desk(url, database, server_at(box), studio.clock)
    yield Works(Office(studio, box, desk), url, tmp_path)
    database.close()
    with psycopg.connect(superuser(cluster_url), autocommit=True) as connection:
        connection.execute(text_query(f"DROP DATABASE {name} WITH (FORCE)"))


def test_a_job_is_there_when_its_cause_is_and_not_otherwise(works: Works) -> None:
    count = "SELECT count(*) FROM jobs.procrastinate_jobs"
    with contextlib.suppress(RuntimeError), works.office.context() as ctx:
        mails.enqueue(ctx, "invoice", to=["ada@client.example"], subject="Hello", words=Words(text="Good day"))
        raise RuntimeError
    assert works.execute(count) == [(0,)]
    works.letters(1)
    assert works.execute(count) == [(1,)]
    ((args,),) = works.execute("SELECT args::text FROM jobs.procrastinate_jobs")
    assert json.loads(args)["workspace_id"] == works.office.studio.workspace_id


def test_one_that_waits_is_enough(works: Works) -> None:
    for _ in range(3):
        with works.office.context() as ctx:
            jobs.defer(ctx, "send_mail", once="one", mail_id="x")
    assert works.execute("SELECT count(*) FROM jobs.procrastinate_jobs") == [(1,)]


def test_a_request_can_do_nothing_with_the_queue_but_add_to_it(works: Works) -> None:
    for sql in ("SELECT * FROM jobs.procrastinate_jobs", "SELECT jobs.procrastinate_register_worker_v1()"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege), works.office.context() as ctx:
            ctx.connection.execute(text_query(sql))


def test_a_worker_sends_what_was_committed_and_stops_in_order(works: Works) -> None:
    with works.worker() as worker:
        (mail,) = works.letters(1)
        works.office.box.wait_for(1)
        works.until(lambda: works.office.again(mail).state == "sent")
        works.until(lambda: works.execute("SELECT count(*) FROM jobs.procrastinate_jobs") == [(0,)])
        worker.terminate()
        assert worker.wait(30) == 0
    assert works.office.box.letters[0]["From"] == "Tally <tally@server.example>"


def test_two_workers_send_each_letter_once(works: Works) -> None:
    with works.worker(), works.worker():
        made = works.letters(40)
        works.until(lambda: all(works.office.again(mail).state == "sent" for mail in made), 60)
    to = sorted(envelope[1][0] for envelope in works.office.box.envelopes)
    assert to == sorted(f"ada{number}@client.example" for number in range(40))


def test_a_worker_that_is_killed_while_it_hands_over_is_not_followed_by_a_second_letter(works: Works) -> None:
    box = works.office.box
    box.hold = threading.Event()
    (mail,) = works.letters(1)
    with works.worker() as worker:
        assert box.received.wait(30)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    box.hold.set()
    assert works.office.again(mail).state == "sending"
    # As if the time had passed after which it counts as gone.
    works.execute("UPDATE jobs.procrastinate_workers SET last_heartbeat = now() - interval '1 hour'")
    works.office.studio.clock.now = works.office.again(mail).attempted_at + delivery.LEASE  # type: ignore[operator]
    take_up_stalled(works)
    work(works.office.desk, wait=False)
    left = works.office.again(mail)
    assert (left.state, left.last_error) == ("failed", delivery.INTERRUPTED)
    assert len(box.letters) == 1
    (job,) = works.jobs("--state", "failed")
    assert (job["task"], job["state"], job["attempts"]) == ("send_mail", "failed", 2)
    assert "retry" in works.command("jobs", "--help").stdout
    again = works.command("jobs", "retry", str(job["id"]))
    assert again.returncode == 0, again.stderr
    assert works.office.again(mail).state == "queued"
    work(works.office.desk, wait=False)
    assert works.office.again(mail).state == "sent"
    assert [one["Message-ID"] for one in box.letters] == [mail.message_id] * 2  # a person asked for it
    assert works.command("jobs", "retry", str(job["id"])).returncode == 1
    assert works.jobs() == []


def test_a_job_of_a_worker_that_is_gone_is_taken_up_again(works: Works) -> None:
    (mail,) = works.letters(1)
    works.execute("INSERT INTO jobs.procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour')")
    works.execute("""
        UPDATE jobs.procrastinate_jobs
        SET status = 'doing', worker_id = (SELECT max(id) FROM jobs.procrastinate_workers)
    """)
    take_up_stalled(works)
    work(works.office.desk, wait=False)
    assert works.office.again(mail).state == "sent"


def take_up_stalled(works: Works) -> None:
    """What the worker does each minute."""
    works.execute("""
        INSERT INTO jobs.procrastinate_jobs (queue_name, task_name, args)
        VALUES ('default', 'take_up_stalled', '{"timestamp": 0}')
    """)
    work(works.office.desk, wait=False)


def test_a_letter_that_is_put_off_shows_when_it_is_tried_again(works: Works) -> None:
    works.office.studio.clock.now = datetime.now(UTC)  # the queue's clock is the database's
    works.office.box.answers = ["451 4.7.1 come back"]
    works.letters(1)
    work(works.office.desk, wait=False)
    (job,) = works.jobs()
    assert (job["state"], job["attempts"]) == ("retry", 1)
    assert works.command("jobs", "retry", str(job["id"])).returncode == 1  # it is not failed
    assert "451 4.7.1" not in works.command("jobs").stderr


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks at processes in /proc")
def test_the_server_keeps_a_worker_beside_it(works: Works) -> None:
    environment = {
        name: works.environment[name] for name in ("TALLYSTICK_SMTP_URL", "TALLYSTICK_MAIL_FROM")
    }  # fmt: skip
    with live_server(works.url, works.data, TALLYSTICK_JOB_WORKERS="1", **environment):
        works.until(lambda: len(workers_of(works.data)) == 1)
        (first,) = workers_of(works.data)
        works.letters(1)
        works.office.box.wait_for(1)
        os.kill(first, signal.SIGKILL)
        works.until(lambda: workers_of(works.data) and workers_of(works.data) != {first})
        works.letters(1)
        works.office.box.wait_for(2)
    works.until(lambda: not workers_of(works.data))


def workers_of(data: Path) -> set[int]:
    """The workers that live over a data directory, whoever started them."""
    found: set[int] = set()
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            ours = process.name.isdigit() and b"\0worker\0--beside\0" in (process / "cmdline").read_bytes()
            if ours and f"TALLYSTICK_DATA={data}".encode() in (process / "environ").read_bytes().split(b"\0"):
                found.add(int(process.name))
    return found
