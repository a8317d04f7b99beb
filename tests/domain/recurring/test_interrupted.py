"""A runner that is cut off anywhere leaves nothing behind, and the next one makes each day once."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import psycopg

from tallystick.domain.invoices.draft import CustomLine
from tallystick.domain.recurring import recurring, runs
from tallystick.domain.recurring.attempts import Failed
from tallystick.domain.recurring.recurring import Template
from tallystick.values.duration import local_date
from tests.domain.invoices.conftest import Bench, Counted
from tests.domain.recurring.conftest import Calendar
from tests.studio import KEY

KILLS = 4


def test_cut_off_before_any_statement_nothing_has_happened(calendar: Calendar) -> None:
    made = calendar.on("2026-06-15").create(mode="SEND")
    calendar.on("2026-06-30")
    allowed = 0
    while True:
        try:
            with calendar.itself() as ctx:
                Counted(ctx, allowed)
                run = runs.run_next(ctx, made.id)
            break
        except (ConnectionError, Failed):
            allowed += 1
        assert calendar.invoices() == []
        assert calendar.history(made) == []
        assert calendar.rows("SELECT 1 FROM issued_numbers") == []
    assert allowed > 8
    assert run is not None
    assert [one.status for one in calendar.invoices()] == ["SENT"]
    assert calendar.run() == []


def test_killed_runners_make_each_day_once(own_database: tuple[Bench, str], tmp_path: Path) -> None:
    bench, url = own_database
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    (data / "secret.key").write_bytes(KEY)
    (data / "secret.key").chmod(0o600)
    studio = bench.studio
    studio.clock.now = datetime.now(UTC) - timedelta(days=40)
    with studio.context() as ctx:
        for name in ("One", "Two"):
            recurring.create(
                ctx, client_id=studio.ids["client"], rule="FREQ=DAILY", start_date=date(2026, 1, 1), name=name,
                mode="SEND", template=Template(lines=(CustomLine("Care", Decimal(1), Decimal(80)),)),
            )  # fmt: skip
    chance = random.Random(7)
    environment = {**os.environ, "TALLYSTICK_DATABASE_URL": url, "TALLYSTICK_DATA": str(data)}
    command = [sys.executable, "-m", "tallystick", "recurring", "run"]
    for _ in range(KILLS):
        runner = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        before = count(url)
        wanted, deadline = before + chance.randrange(1, 6), time.monotonic() + 120
        while runner.poll() is None and count(url) < wanted:
            assert time.monotonic() < deadline
        with contextlib.suppress(ProcessLookupError):
            os.kill(runner.pid, signal.SIGKILL)
        runner.wait()
    subprocess.run(command, env=environment, check=True, capture_output=True)
    with psycopg.connect(url) as connection:
        ((runs_made, days, invoices, numbers),) = connection.execute("""
            SELECT (SELECT count(*) FROM recurring_runs WHERE outcome = 'MADE'),
                   (SELECT count(DISTINCT (recurring_id, occurs_on)) FROM recurring_runs),
                   (SELECT count(*) FROM invoices WHERE status = 'SENT'),
                   (SELECT max(value) FROM issued_numbers)
        """).fetchall()
    assert runs_made == days == invoices == numbers
    today = local_date(datetime.now(UTC), "Europe/Berlin")
    since = local_date(studio.clock.now, "Europe/Berlin")  # an hour of summer time may make it another day
    assert (today - since).days * 2 <= runs_made <= ((today - since).days + 1) * 2  # midnight may have struck


def count(url: str) -> int:
    with psycopg.connect(url) as connection:
        ((found,),) = connection.execute("SELECT count(*) FROM recurring_runs").fetchall()
    return found
