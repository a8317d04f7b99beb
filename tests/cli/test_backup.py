from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import tarfile
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
import pytest

from tallystick.cli.doctor import examine
from tallystick.db import backup as backups
from tallystick.db import schema
from tallystick.db.backup import BackupError
from tallystick.db.local_postgres import ServeLock
from tallystick.db.session import text_query
from tallystick.domain import time_entries
from tests.cli.conftest import Answer, Filled, Tallystick
from tests.studio import KEY

NOW = datetime(2026, 6, 15, 10, tzinfo=UTC)
NewDatabase = Callable[..., str]


def everything(url: str) -> dict[str, list[str]]:
    """Every row of every table, as text."""
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1"
        ).fetchall()
        return {
            table: sorted(row for (row,) in connection.execute(text_query(f"SELECT t::text FROM {table} AS t")))
            for (table,) in tables
        }


def write(url: str, file: Path, *, with_key: bool = False) -> Path:
    backups.write(url, file, version="0.1.0", made_at=NOW, key=KEY, with_key=with_key)
    return file


def members_of(file: Path) -> list[str]:
    with tarfile.open(file) as archive:
        return archive.getnames()


def rewritten(file: Path, **changed: bytes) -> Path:
    """The archive with other contents in some members, as somebody with tar could make it."""
    target = file.with_name("rewritten.tar")
    with tarfile.open(file) as archive, tarfile.open(target, "w") as other:
        for member in archive.getmembers():
            body = changed.get(member.name.partition(".")[0])
            if body is None:
                body = archive.extractfile(member).read()  # type: ignore[union-attr]
            member.size = len(body)
            other.addfile(member, io.BytesIO(body))
    return target


# --- the whole way


def test_a_restored_database_holds_the_same_rows_and_passes_the_doctor(
    filled: Filled, own_url: str, new_database: NewDatabase, tmp_path: Path
) -> None:
    file = write(own_url, tmp_path / "one.tar")
    for target in (new_database(None), new_database()):
        found = backups.read(file)
        backups.check_restorable(target, found)
        assert backups.restore(target, found) == []
        assert everything(target) == everything(own_url)
        findings = examine(target, now=filled.studio.clock())
        assert [finding for finding in findings if not finding.holds] == []


def test_what_waited_to_enter_the_audit_log_has_entered_it_where_it_is_restored(
    filled: Filled, own_url: str, new_database: NewDatabase, tmp_path: Path
) -> None:
    with filled.studio.context() as ctx:
        time_entries.log(ctx, project_id=filled.ids["project"], entry_date=date(2026, 6, 9), duration_seconds=60)
    file, target, before = write(own_url, tmp_path / "one.tar"), new_database(), everything(own_url)
    assert len(before["change_queue"]) == 2
    backups.restore(target, backups.read(file))
    found = everything(target)
    assert found["change_queue"] == []
    assert len(found["audit_log"]) == len(before["audit_log"]) + 1
    assert [one for one in examine(target, now=filled.studio.clock()) if not one.holds] == []


def test_the_commands_back_up_and_restore(
    filled: Filled, tallystick: Tallystick, own_url: str, new_database: NewDatabase, tmp_path: Path
) -> None:
    file = tmp_path / "one.tar"
    made = tallystick("backup", str(file), "--json").json
    assert made["manifest"]["revision"] == schema.known_revisions()[0]
    assert made["bytes"] == file.stat().st_size
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    target = new_database(None)
    said = tallystick("restore", str(file), url=target)
    assert (said.code, said.err) == (0, "")
    assert "stops working" not in said.out, "the key is the same"
    assert everything(target) == everything(own_url)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["data", "one.tar"]


def test_restored_requests_still_cannot_see_another_workspace(
    filled: Filled, own_url: str, new_database: NewDatabase, tmp_path: Path
) -> None:
    target = new_database(None)
    backups.restore(target, backups.read(write(own_url, tmp_path / "one.tar")))
    with psycopg.connect(target) as connection:
        connection.execute("SET ROLE tallystick_app")
        assert connection.execute("SELECT count(*) FROM time_entries").fetchone() == (0,)
        connection.execute("SELECT set_config('tallystick.workspace', %s, true)", [filled.studio.workspace_id])
        assert connection.execute("SELECT count(*) FROM time_entries").fetchone() == (9,)
        prefix = filled.studio.owner.token.split("_")[2]
        assert connection.execute("SELECT count(*) FROM open_by_token(%s)", [prefix]).fetchone() == (1,)


def test_a_backup_of_a_busy_database_is_of_one_moment(
    filled: Filled, own_url: str, new_database: NewDatabase, tmp_path: Path
) -> None:
    stopping = threading.Event()
    logged: list[str] = []

    def work() -> None:
        while not stopping.is_set():
            with filled.studio.context("member") as ctx:
                entry = time_entries.log(
                    ctx, project_id=filled.ids["project"], entry_date=date(2026, 6, 9), duration_seconds=60
                )
            logged.append(entry.id)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        while len(logged) < 20:
            stopping.wait(0.001)
        before = len(logged)
        file = write(own_url, tmp_path / "busy.tar")
        after = len(logged) + 1
    finally:
        stopping.set()
        worker.join()
    target = new_database(None)
    backups.restore(target, backups.read(file))
    with psycopg.connect(target) as connection:
        rows = connection.execute("SELECT id::text FROM time_entries WHERE entry_date = '2026-06-09'").fetchall()
    kept = {row for (row,) in rows}
    assert kept == set(logged[: len(kept)]), "what is in it was logged before what is not"
    assert before <= len(kept) <= after
    assert [one for one in examine(target, now=filled.studio.clock()) if not one.holds] == []


def test_text_of_every_kind_survives(filled: Filled, own_url: str, new_database: NewDatabase, tmp_path: Path) -> None:
    odd = "SET transaction_timeout = 0;\n\\.\nCOMMIT;\n\tü 🪵 \\N \\restrict ';--"
    with filled.studio.context() as ctx:
        time_entries.log(
            ctx, project_id=filled.ids["project"], entry_date=date(2026, 6, 9), duration_seconds=60, note=odd
        )
    target = new_database(None)
    backups.restore(target, backups.read(write(own_url, tmp_path / "one.tar")))
    with psycopg.connect(target) as connection:
        rows = connection.execute("SELECT note FROM time_entries WHERE entry_date = '2026-06-09'").fetchall()
    assert rows == [(odd,)]


# --- where it is written


def test_a_backup_that_fails_leaves_the_last_one_and_nothing_else(
    tallystick: Tallystick, new_database: NewDatabase, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    file = folder / "one.tar"
    assert tallystick("backup", str(file)).code == 0
    before = file.read_bytes()
    empty = new_database(None)
    with pytest.raises(BackupError, match="no schema"):
        write(empty, file)
    assert (file.read_bytes(), list(folder.iterdir())) == (before, [file])


def test_a_place_that_cannot_be_written_is_a_sentence(tallystick: Tallystick, tmp_path: Path) -> None:
    said = tallystick("backup", str(tmp_path / "missing" / "one.tar"))
    assert said.code == 1
    assert "cannot be written (No such file or directory)" in said.err


def test_a_password_of_the_database_is_in_no_list_of_processes(own_url: str) -> None:
    dsn, environment = backups._connection("postgresql://tallystick:canary@db.example/tallystick?sslmode=require")
    assert "canary" not in dsn
    assert environment["PGPASSWORD"] == "canary"
    assert "sslmode=require" in dsn
    assert "PGPASSWORD" not in backups._connection(own_url)[1] or "PGPASSWORD" in os.environ


def test_programs_older_than_the_server_are_refused_with_what_to_install() -> None:
    with pytest.raises(BackupError, match="postgresql-client-99"):
        backups._programs(99)


# --- the key


def test_the_key_is_inside_only_when_asked_for(own_url: str, tmp_path: Path) -> None:
    without = write(own_url, tmp_path / "without.tar")
    inside = write(own_url, tmp_path / "with.tar", with_key=True)
    assert members_of(without) == ["database.dump", "manifest.json", "seal.json"]
    assert members_of(inside) == ["database.dump", "secret.key", "manifest.json", "seal.json"]
    assert KEY not in without.read_bytes()
    assert KEY in inside.read_bytes()


def restore_elsewhere(tallystick: Tallystick, url: str, file: Path, data: Path, *words: str) -> Answer:
    return tallystick("restore", str(file), "--data", str(data), *words, url=url)


def test_with_the_key_the_tokens_keep_working_elsewhere(
    filled: Filled, tallystick: Tallystick, own_url: str, new_database: NewDatabase, tmp_path: Path
) -> None:
    file = write(own_url, tmp_path / "one.tar", with_key=True)
    elsewhere = tmp_path / "elsewhere"
    said = restore_elsewhere(tallystick, new_database(None), file, elsewhere)
    assert (said.code, said.err) == (0, "")
    assert "stops working" not in said.out
    assert (elsewhere / "secret.key").read_bytes() == KEY
    assert stat.S_IMODE((elsewhere / "secret.key").stat().st_mode) == 0o600


def test_without_the_key_it_says_what_is_lost_and_keeps_the_one_that_is_there(
    filled: Filled, tallystick: Tallystick, own_url: str, new_database: NewDatabase, tmp_path: Path
) -> None:
    file = write(own_url, tmp_path / "one.tar")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    other = bytes(reversed(range(32)))
    (elsewhere / "secret.key").write_bytes(other)
    (elsewhere / "secret.key").chmod(0o600)
    said = restore_elsewhere(tallystick, new_database(None), file, elsewhere)
    assert said.code == 0
    assert "every API token stops working" in said.out
    assert (elsewhere / "secret.key").read_bytes() == other


def test_another_key_is_overwritten_only_by_force_and_then_put_aside(
    filled: Filled, tallystick: Tallystick, own_url: str, new_database: NewDatabase, tmp_path: Path
) -> None:
    file = write(own_url, tmp_path / "one.tar", with_key=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    other = bytes(reversed(range(32)))
    (elsewhere / "secret.key").write_bytes(other)
    (elsewhere / "secret.key").chmod(0o600)
    target = new_database(None)
    said = restore_elsewhere(tallystick, target, file, elsewhere)
    assert said.code == 1
    assert "another key" in said.err
    with psycopg.connect(target) as connection:
        assert connection.execute("SELECT to_regclass('workspaces')").fetchone() == (None,), "it changed nothing"
    assert restore_elsewhere(tallystick, target, file, elsewhere, "--force").code == 0
    assert (elsewhere / "secret.key").read_bytes() == KEY
    assert [one.read_bytes() for one in elsewhere.glob("secret.key.before-restore.*")] == [other]


# --- what is refused


def test_a_database_that_holds_something_is_replaced_only_by_force(
    filled: Filled, tallystick: Tallystick, own_url: str, tmp_path: Path
) -> None:
    file = write(own_url, tmp_path / "one.tar")
    then = everything(own_url)
    with filled.studio.context() as ctx:
        time_entries.log(ctx, project_id=filled.ids["project"], entry_date=date(2026, 6, 9), duration_seconds=60)
    filled.studio.database.close()
    later = everything(own_url)
    said = tallystick("restore", str(file))
    assert said.code == 1
    assert "not empty" in said.err
    assert "--force" in said.err
    assert everything(own_url) == later
    assert tallystick("restore", str(file), "--force").code == 0
    assert everything(own_url) == then


def test_what_force_replaces_may_hold_more_than_tables(own_url: str, new_database: NewDatabase, tmp_path: Path) -> None:
    target = new_database()
    with psycopg.connect(target) as connection:
        for sql in (
            "CREATE TYPE mood AS ENUM ('well')",
            "CREATE TABLE diary (id serial PRIMARY KEY, mood mood)",
            "CREATE VIEW moods AS SELECT mood FROM diary",
            "CREATE MATERIALIZED VIEW all_moods AS SELECT mood FROM diary",
            "CREATE FUNCTION one(mood) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
            "CREATE SEQUENCE lonely",
            "CREATE SCHEMA chores",
            "CREATE TABLE chores.queue (id integer)",
            "INSERT INTO chores.queue VALUES (1)",
        ):
            connection.execute(text_query(sql))
    found = backups.read(write(own_url, tmp_path / "one.tar"))
    with pytest.raises(BackupError, match=r"chores\.queue"):
        backups.check_restorable(target, found)
    backups.check_restorable(target, found, force=True)
    backups.restore(target, found)
    assert everything(target) == everything(own_url)
    with psycopg.connect(target) as connection:
        assert connection.execute("SELECT to_regclass('chores.queue'), to_regtype('mood')").fetchone() == (None, None)


def test_a_restore_that_breaks_off_changes_nothing(
    filled: Filled, own_url: str, new_database: NewDatabase, tmp_path: Path
) -> None:
    found = backups.read(write(own_url, tmp_path / "one.tar"))
    target = new_database()
    with psycopg.connect(target) as connection:
        connection.execute("CREATE TABLE kept (id integer)")
        connection.execute("INSERT INTO kept VALUES (42)")
    before = everything(target)
    # Cut where the dump was read completely when it was checked: what is in the file now is not what was checked.
    with found.file.open("r+b") as file:
        file.truncate(found.dump_offset + 60_000)
    with pytest.raises(BackupError, match="the database is as it was"):
        backups.restore(target, found)
    assert everything(target) == before


def test_an_error_of_the_database_in_the_middle_changes_nothing(
    filled: Filled, own_url: str, new_database: NewDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = backups.read(write(own_url, tmp_path / "one.tar"))
    target = new_database()
    before = everything(target)
    monkeypatch.setattr(backups, "_COMMIT", b"SELECT 1 / 0;\nCOMMIT;\n")
    with pytest.raises(BackupError, match="division by zero"):
        backups.restore(target, found)
    assert everything(target) == before


def test_a_backup_that_was_cut_short_is_refused_wherever(own_url: str, tmp_path: Path) -> None:
    whole = write(own_url, tmp_path / "one.tar", with_key=True).read_bytes()
    cut = tmp_path / "cut.tar"
    for length in (
        0,
        100,
        512,
        5_000,
        len(whole) // 2,
        len(whole) - 10_240 // 2,
        len(whole) - 1_100,
        len(whole) - 1_600,
    ):
        cut.write_bytes(whole[:length])
        with pytest.raises(BackupError, match="cut short or altered"):
            backups.read(cut)


def test_a_backup_with_one_altered_byte_is_refused_wherever(own_url: str, tmp_path: Path) -> None:
    file = write(own_url, tmp_path / "one.tar", with_key=True)
    whole = file.read_bytes()
    with tarfile.open(file) as archive:
        spans = [(one.offset, one.offset_data + one.size) for one in archive.getmembers()]
    altered = tmp_path / "altered.tar"
    for start, end in spans:
        for position in {start, start + 130, *range(start + 512, end, max(1, (end - start) // 6)), end - 1}:
            altered.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
            with pytest.raises(BackupError):
                backups.read(altered)


def test_a_manifest_rewritten_without_the_key_is_refused_by_whoever_has_it(own_url: str, tmp_path: Path) -> None:
    file = write(own_url, tmp_path / "one.tar")
    with tarfile.open(file) as archive:
        manifest = json.loads(archive.extractfile("manifest.json").read())  # type: ignore[union-attr]
        seal = json.loads(archive.extractfile("seal.json").read())  # type: ignore[union-attr]
    note = json.dumps({**manifest, "version": "9.9.9"}).encode()
    forged = rewritten(
        file, manifest=note, seal=json.dumps({**seal, "sha256": hashlib.sha256(note).hexdigest()}).encode()
    )
    assert backups.read(forged).manifest.version == "9.9.9", "nobody without the key can tell"
    with pytest.raises(BackupError, match="altered by somebody"):
        backups.read(forged, key=KEY)
    assert backups.read(file, key=KEY).manifest.version == "0.1.0"


def test_a_file_that_is_no_backup_is_refused(tallystick: Tallystick, tmp_path: Path) -> None:
    for name, body in (("text", b"hello"), ("zeros", bytes(10_240))):
        (tmp_path / name).write_bytes(body)
        said = tallystick("restore", str(tmp_path / name))
        assert said.code == 1
        assert "is no backup of Tallystick" in said.err
    missing = tallystick("restore", str(tmp_path / "missing"))
    assert (missing.code, "No such file" in missing.err) == (1, True)


def test_a_newer_schema_is_refused_before_anything_changes(
    tallystick: Tallystick, own_url: str, new_database: NewDatabase, tmp_path: Path
) -> None:
    with psycopg.connect(own_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    file = write(own_url, tmp_path / "one.tar")
    target = new_database(None)
    said = tallystick("restore", str(file), "--force", url=target)
    assert said.code == 1
    assert "newer schema 9999" in said.err
    with psycopg.connect(target) as connection:
        assert connection.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,)


def test_a_backup_of_another_format_is_refused(own_url: str, tmp_path: Path) -> None:
    note = b'{"format": 2, "something": "else"}'
    seal = json.dumps({"sha256": hashlib.sha256(note).hexdigest(), "mac": ""}).encode()
    with pytest.raises(BackupError, match="of a kind"):
        backups.read(rewritten(write(own_url, tmp_path / "one.tar"), manifest=note, seal=seal))


def test_nothing_is_restored_while_it_serves(tallystick: Tallystick, own_url: str, data: Path, tmp_path: Path) -> None:
    file = write(own_url, tmp_path / "one.tar")
    with ServeLock(data):
        said = tallystick("restore", str(file))
        assert said.code == 1
        assert "already serves" in said.err
        assert tallystick("backup", str(tmp_path / "two.tar")).code == 0, "a backup may be made meanwhile"


def test_a_database_that_others_use_is_not_restored_into(
    tallystick: Tallystick, own_url: str, new_database: NewDatabase, tmp_path: Path
) -> None:
    file = write(own_url, tmp_path / "one.tar")
    target = new_database()
    with psycopg.connect(target):
        said = tallystick("restore", str(file), url=target)
    assert said.code == 1
    assert "Something else is connected" in said.err
