"""A backup: one tar file with a dump of the database, a manifest that says what it is, and the key when asked for.

It is made from one moment of a database in use. It is restored in one transaction: all of it, or nothing happened.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Final

import msgspec
import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tallystick.db.local_postgres.binaries import SYSTEM, embedded
from tallystick.db.local_postgres.files import KEY_BYTES, give_to_owner, sync_directory
from tallystick.db.migrations import migrate
from tallystick.db.schema import known_revisions, revision_of
from tallystick.db.session import Connection, owner_connection, text_query
from tallystick.values.seal import derive

FORMAT: Final = 1
DUMP: Final = "database.dump"
KEY: Final = "secret.key"
MANIFEST: Final = "manifest.json"
SEAL: Final = "seal.json"

_CHUNK: Final = 1 << 20
_LONGEST_NOTE: Final = 1 << 16  # of manifest and seal
_LABEL: Final = "backup/v1"
_FINGERPRINT: Final = "fingerprint/v1"


class BackupError(Exception):
    """A sentence for the operator: why there is no backup, or why it is not restored."""


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a backup says about itself."""

    format: int
    version: str
    """The version of Tallystick that made it."""
    revision: str
    """The schema in it."""
    made_at: datetime
    pg_dump: int
    """The major version of the program that wrote the dump: an older one cannot read it."""
    dump_sha256: str
    key_fingerprint: str
    """Of the key of the installation, whether it is inside or not; it reveals nothing about the key."""
    with_key: bool


class Seal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What shows that a manifest was altered: by accident to everybody, on purpose to whoever has the key."""

    sha256: str
    mac: str


def fingerprint(key: bytes) -> str:
    """A name for a key, to tell whether two are the same."""
    return derive(key, _FINGERPRINT)[:8].hex()


# --- making one


def write(url: str, file: Path, *, version: str, made_at: datetime, key: bytes, with_key: bool = False) -> Manifest:
    """Back the database up into a file, while it is in use. It appears under its name only when it is complete."""
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}.draft")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as archive:
            manifest = _fill(archive, url, version=version, made_at=made_at, key=key, with_key=with_key)
            archive.flush()
            os.fsync(archive.fileno())
        draft.replace(file)
        sync_directory(file.parent)
    except OSError as error:
        raise BackupError(f"{file} cannot be written ({error.strerror}). Nothing was changed there.") from error
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
    return manifest


def _fill(archive: IO[bytes], url: str, *, version: str, made_at: datetime, key: bytes, with_key: bool) -> Manifest:
    with contextlib.closing(owner_connection(url)) as connection:
        programs = _programs(connection.info.server_version // 10_000)
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        revision = revision_of(connection)
        if revision is None:
            raise BackupError("There is nothing to back up: this database has no schema of Tallystick yet.")
        connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        # The dump is of the very moment that the manifest speaks of.
        snapshot = str((connection.execute("SELECT pg_export_snapshot()").fetchone() or [""])[0])
        dump = [programs.program("pg_dump"), "--format=custom", "--no-owner", f"--snapshot={snapshot}"]
        with contextlib.closing(_output(dump, url)) as chunks:
            digest = _add(archive, DUMP, made_at, chunks)
    if with_key:
        _add(archive, KEY, made_at, [key])
    manifest = Manifest(
        format=FORMAT,
        version=version,
        revision=revision,
        made_at=made_at,
        pg_dump=programs.major,
        dump_sha256=digest,
        key_fingerprint=fingerprint(key),
        with_key=with_key,
    )
    note = msgspec.json.format(msgspec.json.encode(manifest))
    seal = Seal(hashlib.sha256(note).hexdigest(), _mac(key, note))
    _add(archive, MANIFEST, made_at, [note])
    _add(archive, SEAL, made_at, [msgspec.json.encode(seal)])
    archive.write(bytes(2 * tarfile.BLOCKSIZE))
    return manifest


def _add(archive: IO[bytes], name: str, made_at: datetime, chunks: Iterable[bytes]) -> str:
    """Write a member whose size is known only at its end: its header is filled in then. Answers its SHA-256."""
    start = archive.tell()
    archive.write(bytes(tarfile.BLOCKSIZE))
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
        archive.write(chunk)
    member = tarfile.TarInfo(name)
    member.size = archive.tell() - start - tarfile.BLOCKSIZE
    member.mtime = int(made_at.timestamp())
    member.mode = 0o600
    archive.write(bytes(-member.size % tarfile.BLOCKSIZE))
    end = archive.tell()
    archive.seek(start)
    archive.write(member.tobuf(tarfile.GNU_FORMAT))
    archive.seek(end)
    return digest.hexdigest()


def _output(command: list[str], url: str) -> Generator[bytes]:
    """What a program of PostgreSQL writes; its complaint is raised when it fails."""
    dsn, environment = _connection(url)
    with (
        tempfile.TemporaryFile() as complaint,
        subprocess.Popen(  # noqa: S603 - a program of PostgreSQL, with words of our own
            [*command, f"--dbname={dsn}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaint,
            env=environment,
        ) as process,
    ):
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        try:
            while chunk := process.stdout.read(_CHUNK):
                yield chunk
        except GeneratorExit:
            process.kill()
            raise
        if process.wait() != 0:
            raise BackupError(f"The database could not be read:\n{_tail(complaint)}")


# --- reading one


@dataclass(frozen=True)
class Backup:
    """A backup that was read and found complete and unaltered."""

    file: Path
    manifest: Manifest
    key: bytes | None
    """The key that is inside."""
    dump_offset: int
    """Where in the file the dump begins."""


def read(file: Path, *, key: bytes | None = None) -> Backup:
    """Read a backup and check all of it. With the key of its installation, also that nobody rewrote it."""
    try:
        with tarfile.open(file, "r:") as archive:
            return _checked(file, archive, key)
    except (tarfile.TarError, msgspec.MsgspecError, EOFError) as error:
        raise _damaged(file) from error
    except OSError as error:
        raise BackupError(f"{file} cannot be read ({error.strerror}).") from error


def _checked(file: Path, archive: tarfile.TarFile, known: bytes | None) -> Backup:
    names = [member.name for member in archive.getmembers() if member.isreg()]
    if MANIFEST not in names or SEAL not in names:
        raise _damaged(file)
    note = _small(archive, MANIFEST)
    seal = msgspec.json.decode(_small(archive, SEAL), type=Seal)
    if hashlib.sha256(note).hexdigest() != seal.sha256:
        raise _damaged(file)
    if (made_as := msgspec.json.decode(note, type=_Format).format) != FORMAT:
        raise BackupError(f"{file} is a backup of a kind ({made_as}) that this version of Tallystick does not know.")
    manifest = msgspec.json.decode(note, type=Manifest)
    if names != [DUMP, *([KEY] if manifest.with_key else []), MANIFEST, SEAL]:
        raise _damaged(file)
    with _member(archive, DUMP) as dump:
        if hashlib.file_digest(dump, "sha256").hexdigest() != manifest.dump_sha256:  # pyright: ignore[reportArgumentType] - reads into a buffer, as it must
            raise _damaged(file)
    key = _small(archive, KEY) if manifest.with_key else None
    if key is not None and (len(key) != KEY_BYTES or fingerprint(key) != manifest.key_fingerprint):
        raise _damaged(file)
    for one in (key, known):
        if one is not None and fingerprint(one) == manifest.key_fingerprint and _mac(one, note) != seal.mac:
            raise BackupError(f"{file} was altered by somebody who does not have the key. It is not restored.")
    return Backup(file, manifest, key, archive.getmember(DUMP).offset_data)


class _Format(msgspec.Struct):
    format: int


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    found = archive.extractfile(name)
    if found is None:  # no file: it was checked to be one
        raise tarfile.ReadError(name)
    return found


def _small(archive: tarfile.TarFile, name: str) -> bytes:
    with _member(archive, name) as file:
        return file.read(_LONGEST_NOTE)


def _damaged(file: Path) -> BackupError:
    return BackupError(f"{file} is no backup of Tallystick, or it was cut short or altered. It is not restored.")


def _mac(key: bytes, note: bytes) -> str:
    return hmac.new(derive(key, _LABEL), note, hashlib.sha256).hexdigest()


# --- restoring one


def check_restorable(url: str, backup: Backup, *, force: bool = False) -> None:
    """Refuse a backup of a newer schema, and a database that is in use or holds something; `force` overrules those."""
    manifest = backup.manifest
    if manifest.revision not in known_revisions():
        raise BackupError(
            f"{backup.file} was made by Tallystick {manifest.version} with the newer schema {manifest.revision}. "
            "Restore it with that version."
        )
    _programs(manifest.pg_dump)
    if force:
        return
    with contextlib.closing(owner_connection(url)) as connection:
        filled = _filled_tables(connection)
        if filled:
            listed = ", ".join(filled[:5]) + (" and more" if len(filled) > 5 else "")
            raise BackupError(
                f"The database is not empty (it has rows in {listed}). Restore into an empty one, by another "
                "TALLYSTICK_DATA or TALLYSTICK_DATABASE_URL; or replace all that is in it with --force."
            )
        if others := _others_connected(connection):
            raise BackupError(
                f"Something else is connected to the database ({others} connections). Stop it first; "
                "--force restores all the same."
            )


def restore(url: str, backup: Backup) -> list[str]:
    """Replace all that is in the database by the backup, in one transaction. Answers the revisions migrated after it.

    Ask `check_restorable` first.
    """
    with contextlib.closing(owner_connection(url)) as connection:
        never_migrated = revision_of(connection) is None
    if never_migrated:
        migrate(url)  # for what no dump brings: the application's role
    _load(url, backup, _programs(backup.manifest.pg_dump))
    applied = migrate(url)
    with contextlib.closing(owner_connection(url)) as connection:
        connection.execute("ANALYZE")
        connection.commit()
        _enter(connection)
    return applied


def _enter(connection: Connection) -> None:
    """Enter what waited in the queue of changes: its transactions have numbers that this server will give again."""
    while waiting := connection.execute("SELECT DISTINCT workspace_id FROM change_queue").fetchall():
        for workspace in waiting:
            connection.execute("SELECT set_config('tallystick.workspace', %s, true)", workspace)
            connection.execute("SELECT enter_changes()")
            connection.commit()


def _filled_tables(connection: Connection) -> list[str]:
    """Tables that hold rows; the note of the schema's revision is none."""
    tables = connection.execute("""
        SELECT pg_class.oid::regclass::text FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE relkind IN ('r', 'p') AND nspname !~ '^pg_' AND nspname <> 'information_schema'
          AND relname <> 'alembic_version'
        ORDER BY 1
    """).fetchall()
    return [
        table
        for (table,) in tables
        if connection.execute(text_query(f"SELECT EXISTS (SELECT FROM {table})")).fetchone() == (True,)
    ]


def _others_connected(connection: Connection) -> int:
    """How many sessions the database has besides ours. Those just closed take a moment to go."""
    deadline = time.monotonic() + 2
    while True:
        (others,) = connection.execute("""
            SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename IS NOT NULL
        """).fetchone() or (0,)
        connection.rollback()
        if not others or time.monotonic() > deadline:
            return others
        time.sleep(0.05)


_BEGIN: Final = b"""
BEGIN;
SET lock_timeout = '10s';
DO $drop$
DECLARE command text;
BEGIN
  FOREACH command IN ARRAY ARRAY(
    SELECT format('DROP SCHEMA IF EXISTS %I CASCADE', nspname) FROM pg_namespace
    WHERE nspowner = current_user::regrole AND nspname NOT IN ('public', 'information_schema') AND nspname !~ '^pg_'
    UNION ALL
    SELECT format('DROP %s IF EXISTS %s CASCADE', kind, name) FROM (
      SELECT CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE'
                          ELSE 'TABLE' END AS kind, oid::regclass::text AS name, 'pg_class'::regclass AS class, oid
      FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S')
      UNION ALL
      SELECT 'ROUTINE', oid::regprocedure::text, 'pg_proc'::regclass, oid
      FROM pg_proc WHERE pronamespace = 'public'::regnamespace
      UNION ALL
      SELECT 'TYPE', oid::regtype::text, 'pg_type'::regclass, oid
      FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype IN ('d', 'e')) AS object
    WHERE NOT EXISTS (SELECT FROM pg_depend WHERE classid = class AND objid = object.oid AND deptype IN ('e', 'i')))
  LOOP EXECUTE command; END LOOP;
END $drop$;
"""
_COMMIT: Final = b"\nCOMMIT;\n"
# Written by pg_dump 17 and newer; an older server does not know it, and it is 0 there as well.
_UNKNOWN_TO_OLDER: Final = b"SET transaction_timeout = 0;\n"


def _load(url: str, backup: Backup, programs: _Programs) -> None:
    """Feed the dump as a script to psql. The COMMIT is ours: whatever breaks off before it changes nothing."""
    dsn, environment = _connection(url)
    with (
        tempfile.TemporaryFile() as reading,
        tempfile.TemporaryFile() as loading,
        backup.file.open("rb", buffering=0) as dump,
    ):
        dump.seek(backup.dump_offset)
        reader = subprocess.Popen(  # noqa: S603 - as above
            [programs.program("pg_restore"), "--no-owner", "--file=-"],
            stdin=dump,
            stdout=subprocess.PIPE,
            stderr=reading,
            env=environment,
        )
        loader = subprocess.Popen(  # noqa: S603 - as above
            [programs.program("psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--dbname={dsn}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=loading,
            env=environment,
        )
        with reader, loader:
            try:
                loaded = _pump(reader, loader)
            except BaseException:
                loader.kill()
                reader.kill()
                raise
        if not loaded or loader.returncode != 0:
            raise BackupError(
                f"{backup.file} could not be restored; the database is as it was:\n{_tail(loading, reading)}"
            )


def _pump(reader: subprocess.Popen[bytes], loader: subprocess.Popen[bytes]) -> bool:
    """Whether all that the reader says went to the loader, and the reader ended well."""
    assert reader.stdout is not None  # noqa: S101 - pipes were asked for
    assert loader.stdin is not None  # noqa: S101
    try:
        loader.stdin.write(_BEGIN)
        head = True
        for line in reader.stdout:
            head = head and not line.startswith(b"CREATE ")  # further down the same words would be somebody's data
            if not (head and line == _UNKNOWN_TO_OLDER):
                loader.stdin.write(line)
        whole = reader.wait() == 0
        if whole:
            loader.stdin.write(_COMMIT)
        loader.stdin.close()
    except BrokenPipeError:  # it stopped at an error and has said which
        reader.kill()
        with contextlib.suppress(BrokenPipeError):
            loader.stdin.close()
        return False
    return whole


def install_key(data: Path, key: bytes, *, force: bool = False) -> None:
    """Put the key of a backup into the data directory. Another one that is there is put aside, only by `force`."""
    path = data / KEY
    check_key(data, key, force=force)
    if path.exists():
        if path.read_bytes() == key:
            return
        aside = path.with_name(f"{KEY}.before-restore.{secrets.token_hex(4)}")
        path.rename(aside)
    draft = path.with_name(f"{KEY}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    give_to_owner(draft)
    draft.replace(path)
    sync_directory(data)


def check_key(data: Path, key: bytes, *, force: bool = False) -> None:
    """Refuse to overwrite a key that is not this one."""
    path = data / KEY
    if not force and path.exists() and path.read_bytes() != key:
        raise BackupError(
            f"{path} is another key than the one in the backup. Restore into another TALLYSTICK_DATA; or put it "
            "aside with --force: what it protects can then not be read any more."
        )


# --- PostgreSQL's programs


@dataclass(frozen=True)
class _Programs:
    """The clients of one version."""

    folder: Path
    major: int

    def program(self, name: str) -> str:
        return str(self.folder / name)


def _programs(needed: int) -> _Programs:
    """The newest clients here; they must not be older than the server or the dump they meet."""
    found = [_Programs(folder, int(folder.parent.name)) for folder in SYSTEM.glob("[0-9]*/bin")]
    if (wheel := embedded()) is not None:
        found.append(_Programs(wheel.folder, wheel.major))
    usable = [one for one in found if all(os.access(one.program(name), os.X_OK) for name in _NAMES)]
    newest = max(usable, key=lambda one: one.major, default=None)
    if newest is None or newest.major < needed:
        here = "are none" if newest is None else f"is only {newest.major}"
        raise BackupError(
            f"This needs pg_dump, pg_restore and psql of PostgreSQL {needed} or newer, but here {here}. "
            f"Install them (Debian: apt-get install postgresql-client-{needed}) and try again."
        )
    return newest


_NAMES: Final = ("pg_dump", "pg_restore", "psql")


def _connection(url: str) -> tuple[str, dict[str, str]]:
    """How a program is told where to connect: the password by its environment, for its words are seen by everybody."""
    parts = conninfo_to_dict(url)
    password = parts.pop("password", None)
    environment = {**os.environ, "LC_ALL": "C"}
    if password is not None:
        environment["PGPASSWORD"] = str(password)
    return make_conninfo("", **parts), environment


def _tail(*complaints: IO[bytes], lines: int = 12) -> str:
    said = ""
    for complaint in complaints:
        complaint.seek(0)
        said += complaint.read().decode(errors="replace")
    return "\n".join(said.strip().splitlines()[-lines:])
