"""The cluster of one data directory and everybody who uses it at the moment."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from tallystick.db.local_postgres.account import account_for
from tallystick.db.local_postgres.binaries import find_binaries, reachable
from tallystick.db.local_postgres.cluster import Cluster
from tallystick.db.local_postgres.errors import LocalPostgresError
from tallystick.db.local_postgres.files import FileLock, make_data_directory
from tallystick.db.local_postgres.upgrade import finish_upgrade, upgrade


class LocalPostgres:
    """The PostgreSQL of one data directory: created on first use, shared by our processes, stopped by the last.

    Every user holds a shared lock on `postgres.users`; who leaves and can have it alone is the last. `postgres.lock`
    is held only while one comes or goes. The kernel lets go of both when a process is killed.
    """

    def __init__(self, data: Path) -> None:
        self._data = data
        self._cluster: Cluster | None = None
        self._users: FileLock | None = None

    def __enter__(self) -> str:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> str:
        """Return the URL of the database for its owner role, with the server running.

        Called again, it finds the server running or starts it anew: whoever runs for long asks now and then.
        """
        data = make_data_directory(self._data)
        with _gate(data):
            users = self._users or _open_lock(data / "postgres.users")
            try:
                cluster = self._cluster or _ready_cluster(data, alone=self._users is None and users.try_exclusive())
                users.shared()
                cluster.start()
            except BaseException:
                if self._users is None:
                    users.close()
                raise
            self._users, self._cluster = users, cluster
            return cluster.url()

    def stop(self) -> None:
        """Leave; whoever leaves last stops the server."""
        if self._users is None or self._cluster is None:
            return
        with _gate(make_data_directory(self._data)):
            try:
                if self._users.try_exclusive():
                    self._cluster.stop()
                else:
                    self._cluster.leave_running()
            finally:
                self._users.close()
                self._users = self._cluster = None


def _ready_cluster(data: Path, *, alone: bool) -> Cluster:
    """Return the cluster of this data directory in the version we have programs for, made or upgraded if need be."""
    path = data / "postgres"
    account = account_for(path if path.exists() else data)
    finish_upgrade(path)
    binaries = reachable(find_binaries(), account)
    cluster = Cluster(path, binaries, account)
    if not path.exists():
        draft = Cluster(path.with_name("postgres.new"), binaries, account)
        draft.remove()
        draft.create()
        draft.stop()
        return draft.rename(path)
    if cluster.path.stat().st_uid != account.uid:
        account.take(cluster.path)  # copied here by root, without its owner
    written_by = cluster.major()
    if written_by > binaries.major:
        raise LocalPostgresError(
            f"The database in {path} was written by PostgreSQL {written_by}, but here is only {binaries}. "
            f"Install PostgreSQL {written_by} (run bin/setup, or your system's package postgresql-{written_by})."
        )
    if written_by < binaries.major:
        if not alone:
            raise LocalPostgresError(
                f"The database in {path} must be upgraded from PostgreSQL {written_by} to {binaries.major}, "
                "but another Tallystick process uses it. Stop that one (tallystick serve) and start again."
            )
        return upgrade(cluster, written_by)
    return cluster


@contextmanager
def _gate(data: Path) -> Generator[None]:
    """Let one come or go at a time."""
    lock = _open_lock(data / "postgres.lock")
    try:
        lock.exclusive()
        yield
    finally:
        lock.close()


def _open_lock(path: Path) -> FileLock:
    lock = FileLock(path)
    lock.open()
    return lock
