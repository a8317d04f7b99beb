"""Under which account the database server runs: PostgreSQL refuses to run as root."""

import os
import pwd
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tallystick.db.local_postgres.errors import LocalPostgresError

# Numbers that no distribution hands out: between systemd's homed and dynamic ranges (systemd.io/UIDS-GIDS).
PRIVATE_UIDS = range(60706, 61184)

# initdb, unlike the server, insists on a name for its uid: these exist nearly everywhere.
NAMED_ACCOUNTS = ("postgres", "nobody", "daemon")

CANNOT_SWITCH = (
    "Tallystick runs as root here, but may not start PostgreSQL as an unprivileged user ({reason}). "
    "Run Tallystick as a normal user, or set TALLYSTICK_DATABASE_URL."
)


@dataclass(frozen=True)
class Account:
    uid: int
    gid: int

    @property
    def is_ours(self) -> bool:
        return self.uid == os.geteuid()

    def run(self, command: Sequence[str], descriptors: Sequence[int] = ()) -> subprocess.CompletedProcess[str]:
        """Run a command to its end under this account and return what it said."""
        try:
            return subprocess.run(
                command,
                cwd="/",  # ours may be closed to this account
                pass_fds=descriptors,
                env=plain_environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                umask=0o077,
                user=None if self.is_ours else self.uid,
                group=None if self.is_ours else self.gid,
                extra_groups=None if self.is_ours else [],
            )
        except subprocess.SubprocessError as error:
            raise LocalPostgresError(CANNOT_SWITCH.format(reason=error)) from error

    def spawn(
        self, command: Sequence[str], descriptors: Sequence[int], *, environment: Mapping[str, str], output: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        """Start a server of its own session: a Ctrl-C meant for us must not reach it."""
        try:
            return subprocess.Popen(
                command,
                cwd="/",  # ours may be closed to this account
                pass_fds=descriptors,
                env={**plain_environment(), **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                umask=0o077,
                user=None if self.is_ours else self.uid,
                group=None if self.is_ours else self.gid,
                extra_groups=None if self.is_ours else [],
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise LocalPostgresError(f"PostgreSQL could not be started from {command[0]} ({error}).") from error

    def take(self, tree: Path) -> None:
        """Make a directory and all in it this account's own."""
        if not self.is_ours or os.geteuid() == 0:
            try:
                os.chown(tree, self.uid, self.gid)
                for folder, names, files in os.walk(tree):
                    for name in (*names, *files):
                        os.chown(Path(folder) / name, self.uid, self.gid, follow_symlinks=False)
            except OSError as error:
                raise LocalPostgresError(CANNOT_SWITCH.format(reason=error)) from error

    def named(self) -> "Account":
        """Return this account, or a stand-in that has a name where this one is only a number."""
        if self.is_ours:
            return self
        try:
            pwd.getpwuid(self.uid)
        except KeyError:
            for name in NAMED_ACCOUNTS:
                try:
                    entry = pwd.getpwnam(name)
                except KeyError:
                    continue
                return Account(entry.pw_uid, entry.pw_gid)
        return self


def plain_environment() -> dict[str, str]:
    # Nothing of the caller's (PGOPTIONS, LC_*, LD_*) may change how the cluster is made or run.
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def account_for(owned: Path) -> Account:
    """Return who runs the server for this cluster, or for a new one in this data directory: its owner."""
    owner = owned.stat()
    if os.geteuid() != 0:
        if owner.st_uid != os.geteuid():
            raise LocalPostgresError(
                f"{owned} belongs to another user (uid {owner.st_uid}). Run Tallystick as that user or as root, "
                "or set TALLYSTICK_DATA to a directory of your own."
            )
        return Account(os.geteuid(), os.getegid())
    if owner.st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    number = next(uid for uid in PRIVATE_UIDS if not _has_a_name(uid))
    return Account(number, number)


def _has_a_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True
