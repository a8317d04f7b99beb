"""From an older major version of PostgreSQL to ours: dump, load, and put the old cluster aside.

The new cluster grows in `postgres.new`; the old one is only read. When all is loaded a mark is written, and from
then on the two renames are finished by whoever comes next. A crash before the mark has changed nothing.
"""

import re
import subprocess
from pathlib import Path

from psycopg import sql

from tallystick.db.local_postgres.binaries import SYSTEM, Binaries, installed, reachable
from tallystick.db.local_postgres.cluster import DATABASE, OWNER, SUPERUSER, Cluster, tail
from tallystick.db.local_postgres.errors import LocalPostgresError
from tallystick.db.local_postgres.files import sync_directory

LOADED = "TALLYSTICK_LOADED"

# Exist in the new cluster already; the database keeps the new one's locale.
ROLES = re.compile(rf"CREATE ROLE ({SUPERUSER}|{OWNER});\n")
DATABASES = re.compile(rf"CREATE DATABASE {DATABASE} .*;\n")

ROLES_TO_RULE = f"""
    SELECT rolname FROM pg_roles AS role
    WHERE NOT rolsuper AND rolname !~ '^pg_' AND rolname <> '{OWNER}' AND NOT EXISTS (
        SELECT FROM pg_auth_members WHERE roleid = role.oid AND member = '{OWNER}'::regrole AND admin_option)
"""


def upgrade(old: Cluster, written_by: int) -> Cluster:
    """Return a cluster of our version with the contents of the old one."""
    binaries = next(iter(installed(written_by)), None)
    if binaries is None:
        raise LocalPostgresError(
            f"The database in {old.path} was written by PostgreSQL {written_by} and this Tallystick brings "
            f"{old.binaries.major}. To upgrade it, the programs of {written_by} are needed once, in "
            f"{SYSTEM}/{written_by}/bin (Debian: apt-get install postgresql-{written_by}); then start again. "
            "Or go back to the Tallystick you had."
        )
    new = Cluster(old.path.with_name("postgres.new"), old.binaries, old.account)
    new.remove()
    new.create()
    reader = Cluster(old.path, reachable(binaries, old.account), old.account)
    dump = new.path / "tallystick-upgrade.sql"
    try:
        reader.start()
        _dump(reader, new.binaries, dump)
        _load(new, dump)
    finally:
        reader.stop()
        new.stop()
    dump.unlink()
    (new.path / LOADED).write_text(f"{written_by}\n")
    sync_directory(new.path)
    finish_upgrade(old.path)
    return old


def finish_upgrade(path: Path) -> None:
    """Put a loaded cluster in the place of the old one, which stays beside it under its version."""
    new = path.with_name("postgres.new")
    mark = new / LOADED
    if mark.exists():
        if path.exists():
            path.rename(_free_name(path.with_name(f"postgres-{mark.read_text().strip()}")))
        new.rename(path)
        sync_directory(path.parent)
    (path / LOADED).unlink(missing_ok=True)


def _dump(old: Cluster, programs: Binaries, dump: Path) -> None:
    """Write roles and database as one script; the newer programs do it, who know what has changed since."""
    source = old.url(SUPERUSER, DATABASE)
    roles = [programs.program("pg_dumpall"), "--globals-only", "--no-tablespaces", f"--dbname={source}"]
    database = [programs.program("pg_dump"), "--create", f"--dbname={source}"]
    with dump.open("w", encoding="utf-8", newline="") as script:
        for command, existing, most in ((roles, ROLES, 2), (database, DATABASES, 1)):
            with subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
            ) as process:
                left = most  # further down the same words would be somebody's data
                for line in process.stdout or ():
                    if left and existing.fullmatch(line):
                        left -= 1
                    else:
                        script.write(line)
                complaint = process.stderr.read() if process.stderr else ""
            if process.returncode != 0:
                raise LocalPostgresError(
                    f"{old.path} could not be read for the upgrade; it is untouched:\n{tail(complaint)}"
                )


def _load(new: Cluster, dump: Path) -> None:
    command = [new.binaries.program("psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--file={dump}"]
    loaded = subprocess.run(
        [*command, f"--dbname={new.url(SUPERUSER, 'postgres')}"], capture_output=True, text=True, check=False
    )
    if loaded.returncode != 0:
        raise LocalPostgresError(
            f"The new cluster {new.path} could not be filled; the old one is untouched:\n{tail(loaded.stderr)}"
        )
    with new.connect(DATABASE) as connection:
        # Until 15 whoever may create roles ruled over all of them; since 16 over those granted with ADMIN.
        for (role,) in connection.execute(ROLES_TO_RULE).fetchall():
            connection.execute(
                sql.SQL("GRANT {} TO {} WITH ADMIN TRUE, SET FALSE, INHERIT FALSE").format(
                    sql.Identifier(role), sql.Identifier(OWNER)
                )
            )
        connection.execute("ANALYZE")


def _free_name(path: Path) -> Path:
    names = (path.with_name(f"{path.name}{suffix}") for suffix in ("", *(f"-{number}" for number in range(2, 100))))
    return next(name for name in names if not name.exists())
