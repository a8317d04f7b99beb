"""One PostgreSQL cluster on disk: made, configured, started, found running and stopped.

As root the server's account may be unable to walk to the cluster (its parents may be closed to everybody but root).
It does not have to: it is handed the open directory and knows it only as `/proc/self/fd/N`. Clients come by the path.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg

from tallystick.db.local_postgres.account import Account
from tallystick.db.local_postgres.binaries import Binaries
from tallystick.db.local_postgres.errors import LocalPostgresError
from tallystick.db.local_postgres.files import give_to_owner, sync_directory

PORT = 5432  # a name of the socket file, not a TCP port: there is none
OWNER = "tallystick"
DATABASE = "tallystick"
SUPERUSER = "postgres"

# sun_path holds 108 bytes on Linux and 104 on macOS, with a closing NUL.
LONGEST_SOCKET_PATH = 100
START_SECONDS = 300  # crash recovery of a large write-ahead log takes its time
FAST_STOP_SECONDS = 60
PAUSE_SECONDS = 0.02

CONFIGURATION = """\
# Written by Tallystick at every start. Your own settings go to postgresql.conf, below its include line.
timezone = 'UTC'
log_timezone = 'UTC'
fsync = on
full_page_writes = on
synchronous_commit = on
max_connections = 100
shared_buffers = 64MB
work_mem = 8MB
maintenance_work_mem = 64MB
effective_cache_size = 512MB
random_page_cost = 1.1
max_wal_size = 512MB
jit = off
password_encryption = 'scram-sha-256'
unix_socket_permissions = 0700
logging_collector = on
log_directory = 'log'
log_filename = 'postgres-%a.log'
log_file_mode = 0600
log_rotation_age = 1d
log_rotation_size = 0
log_truncate_on_rotation = on
log_line_prefix = '%m [%p] %q%u@%d '
log_min_messages = warning
log_checkpoints = off
"""
CONFIGURATION_18 = "io_method = sync\n"  # no idle I/O workers on a small machine

POSTGRESQL_CONF = """\
# Tallystick's settings come first; what is written below the next line counts more.
include 'tallystick.conf'
"""
PG_HBA_CONF = """\
# There is no TCP. The directory of the socket is closed to everybody but the server's own account and root.
local all all trust
"""


class Cluster:
    def __init__(self, path: Path, binaries: Binaries, account: Account) -> None:
        self.path = path
        self.binaries = binaries
        self.account = account
        self._process: subprocess.Popen[bytes] | None = None
        self._start_log = path.with_name("postgres.log")

    def url(self, role: str = OWNER, database: str = DATABASE) -> str:
        return f"postgresql://{role}@/{database}?host={quote(str(self.socket_directory()), safe='')}&port={PORT}"

    # Make

    def create(self) -> None:
        """Make an empty cluster with the owner role and the database in it."""
        self.path.mkdir(mode=0o700)
        maker = self.account.named()
        maker.take(self.path)
        command = [
            self.binaries.program("initdb"),
            f"--username={SUPERUSER}",
            "--auth=trust",
            "--encoding=UTF8",
            "--data-checksums",
        ]
        complaints: list[str] = []
        with self._handed_over() as (view, descriptors):
            for locale in self._locales():
                made = maker.run([*command, *locale, f"--pgdata={view}"], descriptors)
                if made.returncode == 0:
                    break
                complaints.append(made.stdout + made.stderr)
            else:
                raise LocalPostgresError(f"No PostgreSQL cluster could be made in {self.path}:\n{tail(complaints[-1])}")
        (self.path / "postgresql.conf").write_text(POSTGRESQL_CONF)
        (self.path / "pg_hba.conf").write_text(PG_HBA_CONF)
        self.account.take(self.path)
        self.start()
        with self.connect() as connection:
            connection.execute(f"CREATE ROLE {OWNER} LOGIN CREATEROLE")
            connection.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")

    def _locales(self) -> list[list[str]]:
        # The builtin provider sorts the same on every machine and for ever; it came with PostgreSQL 17.
        if self.binaries.major >= 17:
            return [["--locale-provider=builtin", "--locale=C.UTF-8", "--lc-messages=C"]]
        return [["--locale=C.UTF-8", "--lc-messages=C"], ["--locale=C"]]

    # Start

    def start(self) -> None:
        """Start the server, or find it running, and wait until it takes connections."""
        deadline = time.monotonic() + START_SECONDS
        launched = False
        while time.monotonic() < deadline:
            if self._listens():
                try:
                    self.connect().close()
                except psycopg.OperationalError:
                    pass  # it is starting up, or on its way down
                else:
                    return
            elif self.postmaster() is None:
                if launched:
                    self._refuse_unless_passing()
                self._launch()
                launched = True
            time.sleep(PAUSE_SECONDS)
        raise LocalPostgresError(
            f"PostgreSQL did not get ready within {START_SECONDS} seconds. Its log ends:\n{self.log_tail()}"
        )

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """Connect as the superuser, for whom the server keeps places free."""
        return psycopg.connect(self.url(SUPERUSER, database), autocommit=True, connect_timeout=10)

    def postmaster(self) -> int | None:
        """Return the process of this cluster's server; a number that now belongs to something else is none."""
        pid = self._noted_pid()
        return pid if pid and self._mark() in _command_line(pid) else None

    def _launch(self) -> None:
        if self._process is not None:
            self._process.wait()  # one of ours that has ended since
        self._write_configuration()
        stale = self._noted_pid()
        with self._start_log.open("wb") as log, self._handed_over() as (view, descriptors):
            give_to_owner(self._start_log)
            self._process = self.account.spawn(
                [
                    self.binaries.program("postgres"),
                    *("-D", view),
                    *("-p", str(PORT)),
                    *("-c", "listen_addresses="),
                    *("-c", "unix_socket_directories=."),
                    *("-c", self._mark()),
                ],
                descriptors,
                # The server refuses to start while the number in a left-over postmaster.pid is alive as some other
                # process of its account, unless that is its parent or this "grandparent" (miscinit.c).
                # Its interlocks on shared memory still hold.
                environment={"PG_GRANDPARENT_PID": str(stale)} if stale else {},
                output=log,
            )
        # Until it has written postmaster.pid, only we know that it is on its way.
        self._wait(lambda: self.postmaster() is not None or self._exited(), seconds=START_SECONDS)

    def _refuse_unless_passing(self) -> None:
        """Raise what the last try said, unless the next one may do better."""
        # After a kill -9 of the server its children end a moment later.
        if "is still in use" not in self._start_log.read_text(errors="replace"):
            raise LocalPostgresError(f"PostgreSQL did not start ({self.binaries}). Its log ends:\n{self.log_tail()}")

    def _exited(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def _write_configuration(self) -> None:
        path = self.path / "tallystick.conf"
        draft = path.with_suffix(".draft")
        draft.write_text(CONFIGURATION + (CONFIGURATION_18 if self.binaries.major >= 18 else ""))
        give_to_owner(draft)
        draft.replace(path)

    @contextmanager
    def _handed_over(self) -> Generator[tuple[str, tuple[int, ...]]]:
        """Yield how the server's account calls the cluster, and what it must be handed for that."""
        if self.account.is_ours:
            yield str(self.path), ()
            return
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield f"/proc/self/fd/{descriptor}", (descriptor,)
        finally:
            os.close(descriptor)

    def _mark(self) -> str:
        """Return the word of the server's command line that tells it from every other process."""
        return f"tallystick.cluster={self.path}"

    def _noted_pid(self) -> int | None:
        try:
            pid = int((self.path / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None
        return pid if pid > 0 else None

    def _listens(self) -> bool:
        # Asked by the socket, not by the pid: the server may run in another container on the same volume.
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            try:
                client.connect(str(self.socket_directory() / f".s.PGSQL.{PORT}"))
            except OSError:
                return False
            return True

    # The socket

    def socket_directory(self) -> Path:
        """Return a path to the cluster that fits into a socket address: its own, or a link from the temp directory."""
        usual = os.fsencode(self.path)
        if len(usual) + len(f"/.s.PGSQL.{PORT}") <= LONGEST_SOCKET_PATH and b"," not in usual:
            return self.path  # libpq reads a comma as the start of another host
        data = self.path.parent
        note = data / "postgres.socket"
        try:
            link = Path(note.read_text())
            if link.readlink() == data and link.parent.lstat().st_uid == note.stat().st_uid:
                return link / self.path.name
        except OSError:
            pass  # not there yet, or swept away with the temp directory
        link = Path(tempfile.mkdtemp(prefix="tallystick-")) / "data"
        link.symlink_to(data)
        draft = note.with_suffix(".draft")
        draft.write_text(str(link))
        give_to_owner(draft)
        if os.geteuid() == 0:
            owner = data.stat()
            os.chown(link.parent, owner.st_uid, owner.st_gid)
        draft.replace(note)
        return link / self.path.name

    # Stop

    def stop(self) -> None:
        """Stop the server: connections are closed, nothing that was committed is lost."""
        for order in (signal.SIGINT, signal.SIGQUIT):  # "fast", then "immediate": the next start recovers
            pid = self.postmaster()
            if pid is None:
                break
            os.kill(pid, order)
            if self._wait(lambda: self.postmaster() is None, seconds=FAST_STOP_SECONDS):
                break
        else:
            raise LocalPostgresError(
                f"PostgreSQL (process {self.postmaster()}) does not stop. Its log: {self.path}/log"
            )
        if self._process is not None:
            self._process.wait()
            self._process = None

    def leave_running(self) -> None:
        """Let go of a server that others still use."""
        if self._process is not None:
            self._process.returncode = 0  # Popen warns about a child that outlives it; here that is the purpose
            self._process = None

    def _wait(self, done: Callable[[], bool], *, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not done():
            if time.monotonic() > deadline:
                return False
            if self._process is not None:
                self._process.poll()  # reap it, or it stays as a zombie
            time.sleep(PAUSE_SECONDS / 2)
        return True

    # Disk

    def major(self) -> int:
        """Return the major version that wrote this cluster."""
        return int((self.path / "PG_VERSION").read_text().strip())

    def remove(self) -> None:
        if self.path.exists():
            self.stop()
            shutil.rmtree(self.path)

    def rename(self, path: Path) -> "Cluster":
        self.path.rename(path)
        sync_directory(path.parent)
        return Cluster(path, self.binaries, self.account)

    def log_tail(self) -> str:
        logs = [self._start_log, *sorted(self.path.glob("log/*.log"), key=lambda log: log.stat().st_mtime)[-1:]]
        return "\n".join(tail(log.read_text(errors="replace")) for log in logs if log.is_file())


def tail(text: str, lines: int = 12) -> str:
    return "\n".join(text.strip().splitlines()[-lines:])


def _command_line(pid: int) -> list[str]:
    """Return the words a process was started with; none for one that has ended, also as a zombie."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
        except OSError:
            return []
    ps = ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)]  # no /proc: macOS
    return subprocess.run(ps, capture_output=True, text=True, check=False).stdout.strip().split(" -c ")
