"""Small files of the data directory: the locks and the secret key."""

import contextlib
import fcntl
import os
import secrets
import stat
from pathlib import Path
from types import TracebackType
from typing import Self

from tallystick.db.local_postgres.errors import LocalPostgresError

KEY_BYTES = 32


def make_data_directory(data: Path) -> Path:
    """Create the data directory where it is missing, open to its owner only, and return its real path."""
    try:
        data.mkdir(parents=True, mode=0o700, exist_ok=True)
        path = data.resolve(strict=True)
        if not os.access(path, os.W_OK | os.X_OK):
            raise PermissionError(13, os.strerror(13), str(path))
    except OSError as error:
        raise LocalPostgresError(
            f"The data directory {data} cannot be used ({error.strerror}). "
            "Create it for this user, or set TALLYSTICK_DATA to a directory that this user may write."
        ) from error
    return path


def give_to_owner(path: Path) -> None:
    """Give a file that root made to the owner of its directory, who must be able to open it later."""
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


class FileLock:
    """One flock on one file; the kernel lets go of it when the process dies, however it dies."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = -1

    def open(self) -> None:
        try:
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            give_to_owner(self.path)
        except OSError as error:
            raise LocalPostgresError(f"{self.path} cannot be opened ({error.strerror}).") from error

    def exclusive(self) -> None:
        fcntl.flock(self._fd, fcntl.LOCK_EX)

    def shared(self) -> None:
        fcntl.flock(self._fd, fcntl.LOCK_SH)

    def try_exclusive(self) -> bool:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def read(self) -> str:
        return os.pread(self._fd, 64, 0).decode(errors="replace")

    def write(self, text: str) -> None:
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, text.encode(), 0)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class ServeLock:
    """One `tallystick serve` for each data directory; a second is told which one runs."""

    def __init__(self, data: Path) -> None:
        self._lock = FileLock(make_data_directory(data) / "serve.lock")

    def __enter__(self) -> Self:
        self._lock.open()
        if not self._lock.try_exclusive():
            pid = self._lock.read().strip() or "unknown"
            self._lock.close()
            raise LocalPostgresError(
                f"Tallystick already serves {self._lock.path.parent} (process {pid}). "
                f"Stop that one first (kill {pid}), or give this one its own TALLYSTICK_DATA and TALLYSTICK_PORT."
            )
        self._lock.write(f"{os.getpid()}\n")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.close()


def key_file(data: Path) -> bytes:
    """Return the 32 secret bytes of this installation, drawn on first use.

    They lie beside the cluster and not in it: a copied database alone opens nothing.
    """
    path = make_data_directory(data) / "secret.key"
    if not path.exists():
        _draw_key(path)
    try:
        mode = path.stat().st_mode
        key = path.read_bytes()
    except OSError as error:
        raise LocalPostgresError(f"The secret key {path} cannot be read ({error.strerror}).") from error
    if stat.S_IMODE(mode) & 0o077:
        raise LocalPostgresError(
            f"The secret key {path} may be read by others (mode {stat.S_IMODE(mode):04o}). "
            f"Run: chmod 600 '{path}', and ask yourself who has read it."
        )
    if len(key) != KEY_BYTES or len(set(key)) == 1:
        raise LocalPostgresError(
            f"The secret key {path} is not one that Tallystick made ({KEY_BYTES} random bytes). "
            "Put the file from your backup back; only where there is none, remove it and a new one is drawn "
            "(everybody signs in again and stored secrets are lost)."
        )
    return key


def _draw_key(path: Path) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        give_to_owner(draft)
        # A link fails where the file exists: of two processes at once the first wins and both read its key.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make names in a directory as lasting as the files they name."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
