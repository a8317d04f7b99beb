"""The locks and the secret key of a data directory."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tallystick.db import local_postgres
from tallystick.db.local_postgres import LocalPostgresError, ServeLock, files, key_file

SOURCE = Path(local_postgres.__file__).parents[3]


def python(script: str, data: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", f"import sys, pathlib\nfrom tallystick.db.local_postgres import *\n{script}", str(data)],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@contextmanager
def a_server(data: Path) -> Iterator[subprocess.Popen[str]]:
    script = "with ServeLock(pathlib.Path(sys.argv[1])):\n    print('serving', flush=True)\n    sys.stdin.read()"
    with python(script, data) as process:
        assert process.stdout.readline() == "serving\n"
        yield process
        process.kill()


def test_a_second_server_is_told_which_one_runs(tmp_path: Path):
    with (
        a_server(tmp_path) as first,
        pytest.raises(LocalPostgresError, match=rf"already serves .*\(process {first.pid}\)"),
        ServeLock(tmp_path),
    ):
        pass


def test_one_server_after_the_other(tmp_path: Path):
    for _ in range(2):
        with ServeLock(tmp_path):
            assert (tmp_path / "serve.lock").read_text() == f"{os.getpid()}\n"


def test_a_killed_server_is_not_in_the_way(tmp_path: Path):
    with a_server(tmp_path) as first:
        first.kill()
        first.wait()
        with ServeLock(tmp_path):
            pass


def test_data_directories_are_served_beside_each_other(tmp_path: Path):
    with ServeLock(tmp_path / "one"), ServeLock(tmp_path / "two"):
        pass


def test_a_data_directory_that_cannot_be_made_stops_with_a_sentence(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(LocalPostgresError, match="set TALLYSTICK_DATA"):
        ServeLock(tmp_path / "file" / "data")


def test_the_key_is_drawn_once_and_only_the_owner_may_read_it(tmp_path: Path):
    key = key_file(tmp_path)
    assert len(key) == 32
    assert key_file(tmp_path) == key
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]
    assert key_file(tmp_path / "other") != key


def test_two_processes_at_once_get_the_same_key(tmp_path: Path):
    script = "sys.stdin.read(1); print(key_file(pathlib.Path(sys.argv[1])).hex())"
    processes = [python(script, tmp_path) for _ in range(4)]
    with ThreadPoolExecutor() as threads:
        keys = list(threads.map(lambda process: process.communicate(".")[0], processes))
    assert keys == [f"{key_file(tmp_path).hex()}\n"] * 4


def test_whoever_draws_second_takes_the_key_of_the_first(tmp_path: Path):
    key = key_file(tmp_path)
    files._draw_key(tmp_path / "secret.key")
    assert key_file(tmp_path) == key


@pytest.mark.parametrize("content", [b"", b"x" * 31, bytes(32), b"a" * 32, bytes(range(33))])
def test_what_is_no_key_is_refused(tmp_path: Path, content: bytes):
    path = tmp_path / "secret.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(LocalPostgresError, match="not one that Tallystick made"):
        key_file(tmp_path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, mode: int):
    key_file(tmp_path)
    (tmp_path / "secret.key").chmod(mode)
    with pytest.raises(LocalPostgresError, match="chmod 600"):
        key_file(tmp_path)
