"""What the database itself refuses, whatever the program does: foreign rows, foreign references, rewritten history."""

from __future__ import annotations

import importlib
import os
import pkgutil
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Barrier
from typing import Any
from uuid import uuid4

import msgspec
import psycopg
import pytest
from psycopg import errors
from sqlalchemy import UUID, ForeignKeyConstraint, Table
from tests.conftest import TEMPLATE, create_database, superuser, with_database
from tests.matrix.world import World, furnish
from tests.studio import KEY, Api, app_client, found_studio

import tallystick.domain
from tallystick.auth import oauth2
from tallystick.auth.sessions import begin, offer_password_link
from tallystick.db import schema
from tallystick.db.base import Row
from tallystick.db.local_postgres import LocalPostgres, binaries, installation
from tallystick.db.migrations import MigrationError, migrate
from tallystick.db.session import APPLICATION_ROLE, Connection, Database, owner_connection
from tallystick.domain import idempotency, identities, members, oauth, passkeys
from tallystick.domain.context import open_workspace
from tallystick.domain.webhooks.deliveries import WebhookAttempt
from tallystick.values.ids import new_id

for module in pkgutil.walk_packages(tallystick.domain.__path__, "tallystick.domain."):
    importlib.import_module(module.name)

TABLES: list[Table[Any]] = list(Row.metadata.sorted_tables)
TENANT_TABLES = [table for table in TABLES if "workspace_id" in table.c]
OTHERS = {"workspaces", "people", "passkeys", "identities", "sign_in_counts"}
"""Tables that are no tenant's: a workspace, people, who may belong to several, and sign-ins that failed."""
UNGUARDED = {"sign_in_counts"}
"""Counted before anybody knows which workspace is meant; keys are digests, and tell nothing."""
APPEND_ONLY = (
    "events",
    "issued_numbers",
    "number_jumps",
    "client_credit_entries",
    "credit_notes",
    "credit_note_lines",
    "credit_note_taxes",
    "issued_documents",
    "changes",
    "audit_log",
)
BY_TRIGGERS = {"changes", "change_heads", "change_queue", "audit_log"}
"""Written by triggers alone; the queue is empty outside of a transaction that writes."""
REFERENCES = [
    pytest.param(key, id=str(key.name))
    for table in TENANT_TABLES
    for key in sorted(table.foreign_key_constraints, key=lambda key: str(key.name))
    if key.referred_table.name not in ("workspaces", "people")  # people are in no workspace
]

Workspaces = tuple[World, World]


@pytest.fixture(scope="module")
def worlds(database: Database) -> Workspaces:
    made = furnish(database), furnish(database, name="Canary & Co", word="Canary")
    for world in made:
        with world.studio.context() as ctx:
            idempotency.keep(ctx, "k", b"f", status=201, body=b"{}", request_id=new_id())
            begin(ctx, KEY, user_agent="Netscape", address="192.0.2.1")
            offer_password_link(ctx, KEY, world.studio.owner.user_id)
            app = oauth.create_app(ctx, name="Charts", redirect_uris=["https://charts.example/callback"])
            granted = oauth.grant(ctx, app, ["entries:read"])
            oauth.add_token(ctx, granted, "access", oauth2.digest(KEY, oauth2.mint("access")))
            code = {"redirect_uri": app.redirect_uris[0], "challenge": "x" * 43}
            delivery = ctx.add(
                WebhookAttempt(
                    delivery_id=world["delivery"], number=1, attempted_at=ctx.now, milliseconds=3, answer=b"no"
                )
            )
            assert delivery.status is None
            passkeys.add(ctx, name="Phone", credential_id=new_id().encode(), public_key=b"x", sign_count=0)
            owner_of = members.active(ctx, world.studio.owner.user_id)
            identities.link(ctx, owner_of, issuer="https://id.example", subject=new_id())
            oauth.add_code(ctx, granted, digest=oauth2.digest(KEY, oauth2.mint("code")), **code)
    return made


@pytest.fixture
def owner(database_url: str) -> Iterator[Connection]:
    """A connection of the owner role, for whom there is no row-level security; nothing it does is kept."""
    with owner_connection(database_url) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def as_application(database_url: str) -> Callable[[str | None], AbstractContextManager[Connection]]:
    """A transaction of the application role, inside a workspace or none; nothing it does is kept."""

    @contextmanager
    def connect(workspace_id: str | None) -> Generator[Connection]:
        with owner_connection(database_url) as connection:
            run(connection, f"SET ROLE {APPLICATION_ROLE}")
            if workspace_id is not None:
                open_workspace(connection, workspace_id)
            yield connection
            connection.rollback()

    return connect


def run(connection: Connection, sql: str, *values: object) -> list[tuple[Any, ...]]:
    cursor = connection.execute(sql.encode(), values or None)
    return cursor.fetchall() if cursor.description else []


def tables_of(connection: Connection) -> set[str]:
    rows = run(connection, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return {name for (name,) in rows}


def columns(table: Table[Any]) -> list[str]:
    """What an INSERT may name."""
    return [column.name for column in table.c if column.computed is None and column.identity is None]


def copy_of(
    connection: Connection, table: Table[Any], workspace_id: str, **changed: object
) -> tuple[str, list[object]]:
    """An INSERT of a copy of some row of a workspace, with a new key."""
    row = run(connection, f"SELECT to_jsonb(t)::text FROM {table.name} t WHERE workspace_id = %s LIMIT 1", workspace_id)
    assert row, f"the world has no row of {table.name}"
    if "id" in table.c:
        changed.setdefault("id", new_id())
    names = ", ".join(columns(table))
    made = f"jsonb_populate_record(NULL::{table.name}, %s::jsonb || %s::jsonb)"
    sql = f"INSERT INTO {table.name} ({names}) SELECT {names} FROM {made}"
    return sql, [row[0][0], msgspec.json.encode(changed).decode()]


# --- row-level security


def test_every_table_of_a_tenant_is_under_row_level_security(owner: Connection) -> None:
    assert tables_of(owner) == {table.name for table in TABLES} | {"alembic_version"}
    assert {table.name for table in TABLES} - {table.name for table in TENANT_TABLES} == OTHERS
    secured = {
        name for (name,) in run(owner, "SELECT relname FROM pg_class WHERE relrowsecurity AND relkind = 'r'")
    }  # fmt: skip
    assert secured == {table.name for table in TABLES} - UNGUARDED
    policies = run(owner, "SELECT tablename, policyname, permissive, cmd, qual, with_check FROM pg_policies")
    for table in TENANT_TABLES:
        ((_, name, permissive, command, using, check),) = [row for row in policies if row[0] == table.name]
        assert (name, permissive, command) == ("own_workspace", "PERMISSIVE", "ALL")
        for condition in (using, check):
            assert condition.startswith("(workspace_id = ")
            assert "current_setting('tallystick.workspace'::text, true)" in condition


def test_every_tenant_row_names_its_workspace() -> None:
    for table in TENANT_TABLES:
        assert not table.c.workspace_id.nullable, table.name


@pytest.mark.parametrize(
    "table",
    [table for table in TABLES if table.name not in {*UNGUARDED, "change_queue"}],
    ids=lambda table: table.name,
)
def test_without_a_workspace_there_are_no_rows(
    table: Table[Any], worlds: Workspaces, owner: Connection, as_application: Any
) -> None:
    assert run(owner, f"SELECT count(*) FROM {table.name}") != [(0,)], "there are some"
    with as_application(None) as app:
        assert run(app, f"SELECT * FROM {table.name}") == []
        for write in (f"UPDATE {table.name} SET {table.c[0].name} = {table.c[0].name}", f"DELETE FROM {table.name}"):
            try:
                cursor = app.execute(write.encode())
                assert cursor.rowcount == 0
            except errors.InsufficientPrivilege:
                app.rollback()
                run(app, f"SET ROLE {APPLICATION_ROLE}")


@pytest.mark.parametrize("table", sorted(BY_TRIGGERS))
def test_what_triggers_write_nobody_else_writes(table: str, worlds: Workspaces, as_application: Any) -> None:
    for write in (f"INSERT INTO {table} (workspace_id) VALUES (NULL)", f"UPDATE {table} SET workspace_id = NULL",
                  f"DELETE FROM {table}"):  # fmt: skip
        with (
            as_application(worlds[0].studio.workspace_id) as app,
            pytest.raises(errors.InsufficientPrivilege, match="permission denied"),
        ):
            run(app, write)


@pytest.mark.parametrize(
    "table", [one for one in TENANT_TABLES if one.name not in BY_TRIGGERS], ids=lambda table: table.name
)
def test_a_row_is_written_only_inside_its_workspace(
    table: Table[Any], worlds: Workspaces, owner: Connection, as_application: Any
) -> None:
    mine, theirs = (world.studio.workspace_id for world in worlds)
    sql, values = copy_of(owner, table, theirs)
    for inside in (None, mine):
        with as_application(inside) as app, pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
            run(app, sql, *values)
    with as_application(mine) as app:
        assert run(app, f"SELECT count(*) FROM {table.name} WHERE workspace_id = %s", theirs) == [(0,)]
        assert run(app, f"SELECT count(*) FROM {table.name}") != [(0,)]
    if table.name not in APPEND_ONLY:
        # A trigger may be faster than the policy: an issued invoice and its lines change for nobody.
        refused = (errors.InsufficientPrivilege, errors.RestrictViolation)
        how = r"row-level security|issued invoice|was issued and cannot change"
        with as_application(mine) as app, pytest.raises(refused, match=how):
            run(app, f"UPDATE {table.name} SET workspace_id = %s", theirs)


def test_people_are_seen_only_by_their_colleagues(worlds: Workspaces, as_application: Any) -> None:
    mine, theirs = worlds
    with as_application(mine.studio.workspace_id) as app:
        seen = {str(user_id) for (user_id,) in run(app, "SELECT id FROM people")}
        assert {person.user_id for person in mine.studio.people.values()} <= seen
        assert not {person.user_id for person in theirs.studio.people.values()} & seen
        victim = theirs.studio.owner.user_id
        assert app.execute(b"UPDATE people SET name = 'x' WHERE id = %s", [victim]).rowcount == 0
        assert [str(one) for (one,) in run(app, "SELECT id FROM workspaces")] == [mine.studio.workspace_id]


def test_the_workspace_does_not_go_to_the_next_borrower(database_url: str, worlds: Workspaces, tmp_path: Path) -> None:
    """One connection, many transactions: what one opened is closed for the next, however it ended."""
    pool = Database(database_url, size=1)
    pool.open()

    def left() -> tuple[object, int]:
        with pool.transaction() as connection:
            ((setting, count),) = run(
                connection, "SELECT current_setting('tallystick.workspace', true), (SELECT count(*) FROM clients)"
            )
            return setting or "", count

    try:
        with pool.transaction() as connection:
            backend = connection.info.backend_pid
            open_workspace(connection, worlds[0].studio.workspace_id)
            assert run(connection, "SELECT count(*) FROM clients") != [(0,)]
        assert left() == ("", 0)
        with pytest.raises(ZeroDivisionError):
            fail(pool, worlds[0], lambda _: 1 / 0)
        assert left() == ("", 0)
        with pytest.raises(errors.DivisionByZero):
            fail(pool, worlds[0], lambda connection: run(connection, "SELECT 1 / 0"))
        assert left() == ("", 0)
        api = Api(app_client(pool, worlds[0].studio.clock, tmp_path), worlds[0].studio.owner.token)
        for request in (("GET", "/clients"), ("POST", "/clients", {"name": "Hooli"}), ("GET", f"/clients/{new_id()}")):
            api(*request)
            assert left() == ("", 0), request
        with pool.transaction() as connection:
            assert connection.info.backend_pid == backend, "it was the same connection all the time"
            # The check itself: a setting of the session would be there for the next one.
            run(connection, "SELECT set_config('tallystick.workspace', %s, false)", worlds[0].studio.workspace_id)
        assert left()[1] > 0
    finally:
        pool.close()


def fail(pool: Database, world: World, what: Callable[[Connection], object]) -> None:
    """A transaction that opens a workspace and then goes wrong."""
    with pool.transaction() as connection:
        open_workspace(connection, world.studio.workspace_id)
        what(connection)


# --- the application role


def test_the_application_role_owns_nothing_and_may_little(owner: Connection) -> None:
    ((superuser, login, create_role, create_db, bypass),) = run(
        owner,
        "SELECT rolsuper, rolcanlogin, rolcreaterole, rolcreatedb, rolbypassrls FROM pg_roles WHERE rolname = %s",
        APPLICATION_ROLE,
    )
    assert not any((superuser, login, create_role, create_db, bypass))
    for catalog, column in (("pg_class", "relowner"), ("pg_proc", "proowner"), ("pg_namespace", "nspowner")):
        owned = run(
            owner, f"SELECT 1 FROM {catalog} WHERE {column} = (SELECT oid FROM pg_roles WHERE rolname = %s)",
            APPLICATION_ROLE,
        )  # fmt: skip
        assert owned == []
    memberships = "SELECT 1 FROM pg_auth_members WHERE member = (SELECT oid FROM pg_roles WHERE rolname = %s)"
    assert run(owner, memberships, APPLICATION_ROLE) == []
    for what in ("TRUNCATE", "REFERENCES", "TRIGGER"):
        for table in TABLES:
            assert run(owner, "SELECT has_table_privilege(%s, %s, %s)", APPLICATION_ROLE, table.name, what) == [
                (False,)
            ]
    assert run(owner, "SELECT has_schema_privilege(%s, 'public', 'CREATE')", APPLICATION_ROLE) == [(False,)]


def test_only_known_functions_see_past_the_policies(owner: Connection) -> None:
    """Each of them has a fixed search path, and nobody but the application role may call it."""
    rows = run(
        owner,
        "SELECT proname, proconfig, has_function_privilege('public', p.oid, 'EXECUTE') FROM pg_proc p"
        " JOIN pg_namespace n ON n.oid = p.pronamespace WHERE prosecdef AND nspname = 'public'",
    )
    known = {name for name, _, _ in rows if not name.startswith("note_")}  # triggers of the change feed
    assert known == {
        "defer_job",
        "end_oauth_grants_of",
        "end_password_links_of",
        "end_portal_sessions",
        "end_sessions_of",
        "enter_changes",
        "erase_workspace",
        "keep_portal_sessions",
        "has_changes",
        "identity_of",
        "is_first_run",
        "keep_closed",
        "open_by_access_token",
        "open_by_api_key",
        "open_by_invitation",
        "open_by_invoice_link",
        "open_by_oauth_app",
        "open_by_oauth_secret",
        "open_by_password_link",
        "open_by_portal_session",
        "open_by_session",
        "open_by_token",
        "passkey_of",
        "person_by_email",
        "places_open_to",
        "portal_places",
        "portal_sessions_of",
        "sign_in_of",
        "use_portal_link",
        "workspace_named",
    }
    for name, config, public in rows:
        assert any(setting.startswith("search_path=pg_catalog") for setting in config or []), name
        assert not public, name


# --- references


@pytest.mark.parametrize("key", REFERENCES)
def test_a_reference_into_another_workspace_cannot_be_stored(
    key: ForeignKeyConstraint, worlds: Workspaces, owner: Connection
) -> None:
    """Not even by the owner role, for whom there are no policies."""
    mine, theirs = (world.studio.workspace_id for world in worlds)
    assert key.column_keys[0] == "workspace_id", "a reference between tenants names the workspace"
    local, remote = key.column_keys[1], key.elements[1].column.name
    target = key.referred_table.name
    draft_first = "ORDER BY status <> 'DRAFT'" if target == "invoices" else ""  # what was issued takes no line
    wanted = f"SELECT {remote} FROM {target} WHERE workspace_id = %s {draft_first} LIMIT 1"
    ((foreign,),) = run(owner, wanted, theirs)
    table = next(table for table in TENANT_TABLES if table.name == key.table.name)  # type: ignore[union-attr]
    sql, values = copy_of(owner, table, mine, **{**unique(table), local: str(foreign)})
    for name in ONE_OF_MANY:
        run(owner, f"ALTER TABLE {name.split('.')[0]} DROP CONSTRAINT {name.split('.')[1]}")
    with pytest.raises(errors.ForeignKeyViolation) as refusal:
        run(owner, sql, *values)
    assert local in str(refusal.value.diag.message_detail)


ONE_OF_MANY = (
    "billed_work.ck_billed_work_one_piece_of_work",
    "checklist_items.ck_checklist_items_task_or_project",
    "comments.ck_comments_task_or_checklist_item",
    "issued_documents.ck_issued_documents_of_one",
    "issued_numbers.ck_issued_numbers_of_one",
    "milestones.ck_milestones_billed_was_reached",
    "notes.ck_notes_one_resource",
    "pinned_work.ck_pinned_work_of_one",
    "rates.ck_rates_one_place",
    "recurring_runs.ck_recurring_runs_invoice_id",
    "billing_runs.ck_billing_runs_invoice_id",
    "card_checkouts.ck_card_checkouts_payment_id",
    "payment_methods.ck_payment_methods_client_or_invoice",
    "automatic_billing.uq_automatic_billing_workspace_id_client_id",
    "reminder_pauses.ck_reminder_pauses_client_or_invoice",
)
"""What would refuse a second reference before the reference itself is refused."""


def unique(table: Table[Any]) -> dict[str, object]:
    """Values that keep a copy of a row from being refused as a duplicate first."""
    fresh: dict[str, object] = {
        "number": f"DRAFT-{uuid4().hex[:8].upper()}",
        "value": 999,
        "key": str(uuid4()),
        "prefix": uuid4().hex[:12],
        "position": 9,
        "digest": f"\\x{uuid4().hex}",
        "visitor": f"\\x{uuid4().hex}",
        "step": 999,
        "email": f"{uuid4().hex}@new.example",
    }
    if table.name in ("members", "task_statuses", "task_priorities", "categories", "tax_rates", "webhook_attempts"):
        fresh["number"] = 999
    if table.name == "tax_rates":
        fresh |= {"name": uuid4().hex, "is_default": False}
    if table.name == "reminder_pauses":
        fresh |= {"client_id": None, "invoice_id": None}
    if table.name == "categories":
        fresh |= {"name": uuid4().hex, "system_default": False}
    if table.name == "milestones":
        fresh |= {"title": uuid4().hex, "uncategorised": False}
    if table.name == "weeks":
        fresh["first_day"] = f"{1900 + uuid4().int % 100}-01-01"
    if table.name == "rates":
        fresh["effective_from"] = f"{1900 + uuid4().int % 100}-01-01"
    if table.name == "contacts":
        fresh |= {"email": f"{uuid4().hex}@client.example", "is_primary": False}
    if table.name in ("notifications", "notification_choices"):
        fresh |= {"occasion": uuid4().hex, "kind": "webhook_failing"}
    if table.name == "pinned_work":
        fresh |= {"project_id": None, "task_id": None}
    found = {name: value for name, value in fresh.items() if name in table.c}
    if table.name == "time_entries":
        found |= {"started_at": None, "stopped_at": None}
    if table.name == "payments":
        found["external_id"] = None
    if table.name == "billing_runs":
        found |= {"period_to": "2099-01-31", "invoice_id": None}
    if table.name == "invoices":  # whichever is copied, the copy is a draft
        nothing = ("sent_at", "paid_at", "cancelled_at", "written_off_at", "write_off_reason")
        zero = ("amount_paid", "settled", "amount_credited", "amount_refunded", "amount_written_off")
        draft = {"status": "DRAFT", **dict.fromkeys(nothing), **dict.fromkeys(zero, 0)}
        found |= {name: value for name, value in draft.items() if name in table.c}
    if table.name == "card_events":
        found["event_id"] = str(uuid4())
    if table.name == "card_checkouts":
        found |= {"session_id": str(uuid4()), "status": "EXPIRED"}
    if table.name == "payment_methods":
        found |= {"client_id": None, "invoice_id": None}
    if table.name == "recurring_runs":
        found |= {"occurs_on": "2099-01-31", "invoice_id": None}
    if table.name == "billed_work":
        found["released_at"] = "2026-01-01T00:00:00Z"
    return found


def test_every_id_of_another_row_is_a_reference() -> None:
    """A column that names a row has a foreign key, or is listed here with the reason why not."""
    free = {
        ("events", "resource_id"),  # of whichever noun
        ("audit_log", "actor_id"),  # as in an event
        ("changes", "resource_id"),
        ("changes", "person_id"),  # as in an event
        ("change_queue", "workspace_id"),  # what it tells of has the reference
        ("change_queue", "resource_id"),
        ("change_queue", "person_id"),
        ("notifications", "subject_id"),  # of whichever noun
        ("events", "actor_id"),  # history outlives the membership
        ("idempotency_answers", "user_id"),  # swept after a day
        ("oauth_apps", "created_by"),  # as in an event
        ("rates", "place_id"),  # computed of the others
        ("oauth_tokens", "successor_id"),  # swept before what came before it
    }
    for table in TENANT_TABLES:
        referring = {name for key in table.foreign_key_constraints for name in key.column_keys}
        for column in table.c:
            names_a_row = isinstance(column.type, UUID) and column.name != "id"
            if names_a_row and (table.name, column.name) not in free:
                assert column.name in referring, f"{table.name}.{column.name}"


# --- history


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_history_is_not_rewritten_by_anyone(
    table: str, worlds: Workspaces, cluster_url: str, database_url: str, as_application: Any
) -> None:
    name = psycopg.conninfo.conninfo_to_dict(database_url)["dbname"]
    column = {
        "issued_numbers": "number", "audit_log": "origin", "number_jumps": "series", "credit_note_taxes": "category",
        "credit_note_lines": "description", "issued_documents": "number", "credit_notes": "number",
        "client_credit_entries": "currency",
    }.get(table, "resource")  # fmt: skip
    writes = (f"UPDATE {table} SET {column} = NULL", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE")
    for url in (database_url, psycopg.conninfo.make_conninfo(superuser(cluster_url), dbname=str(name))):
        for write in writes:
            with psycopg.connect(url) as connection, pytest.raises(errors.RestrictViolation, match="append-only"):
                connection.execute(write.encode())
    for write in writes:
        with as_application(worlds[0].studio.workspace_id) as app, pytest.raises(errors.InsufficientPrivilege):
            run(app, write)


# --- the schema


@pytest.fixture
def fresh_url(cluster_url: str) -> Iterator[str]:
    """An empty database of the test's own."""
    name = f"tallystick_fresh_{uuid4().hex[:12]}"
    create_database(cluster_url, name)
    yield with_database(cluster_url, name)
    with psycopg.connect(superuser(cluster_url), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def own_url(cluster_url: str) -> Iterator[str]:
    """A migrated database of the test's own."""
    name = f"tallystick_own_{uuid4().hex[:12]}"
    create_database(cluster_url, name, template=TEMPLATE)
    yield with_database(cluster_url, name)
    with psycopg.connect(superuser(cluster_url), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def test_the_migrated_schema_is_what_the_rows_say(own_url: str) -> None:
    assert schema.differences(own_url) == []
    with psycopg.connect(own_url, autocommit=True) as connection:  # the check itself
        connection.execute("ALTER TABLE clients ADD COLUMN forgotten text")
        connection.execute("DROP INDEX uq_time_entries_running")
        connection.execute("ALTER TABLE payments DROP CONSTRAINT ck_payments_amount")
    found = " ".join(schema.differences(own_url))
    assert "forgotten" in found
    assert "uq_time_entries_running" in found
    assert "ck_payments_amount" in found


def test_two_servers_that_start_at_once_migrate_once(fresh_url: str) -> None:
    together = Barrier(2)

    def start() -> list[str]:
        together.wait(30)
        return migrate(fresh_url)

    with ThreadPoolExecutor(2) as pool:
        applied = [run.result() for run in [pool.submit(start), pool.submit(start)]]
    assert sorted(applied, key=len) == [[], list(reversed(schema.known_revisions()))]
    assert migrate(fresh_url) == []
    assert schema.differences(fresh_url) == []


def test_an_older_program_refuses_a_newer_database(own_url: str) -> None:
    with psycopg.connect(own_url, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(MigrationError, match=r"9999.*newer version"):
        migrate(own_url)
    with psycopg.connect(own_url, autocommit=True) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999",)
        connection.execute("UPDATE alembic_version SET version_num = %s", [schema.known_revisions()[0]])
    assert migrate(own_url) == [], "the lock was given back"


def test_a_database_that_may_lose_what_it_acknowledged_is_refused(
    fresh_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tallystick.db import migrations

    monkeypatch.setattr(migrations, "OLDEST_POSTGRESQL", 99)
    with pytest.raises(MigrationError, match="needs 99 or newer"):
        migrate(fresh_url)


@pytest.mark.skipif(not binaries.installed(15), reason="PostgreSQL 15 is not installed on this machine")
@pytest.mark.skipif(
    bool(os.environ.get("TALLYSTICK_TEST_DATABASE_URL")), reason="runs on a given server, not on one of its own"
)
def test_it_runs_on_postgresql_15(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "find_binaries", lambda: binaries.installed(15)[0])
    postgres = LocalPostgres(tmp_path / "old")
    url = postgres.start()
    try:
        assert migrate(url) == list(reversed(schema.known_revisions()))
        assert schema.differences(url) == []
        database = Database(url, size=2)
        database.open()
        try:
            check_a_days_work(database, tmp_path)
        finally:
            database.close()
    finally:
        postgres.stop()


def check_a_days_work(database: Database, data: Path) -> None:
    """From a timer to money, through the API."""
    with database.transaction() as connection:
        assert connection.info.server_version // 10_000 == 15
    studio = found_studio(database, KEY)
    api = Api(app_client(database, studio.clock, data), studio.owner.token)
    project, client = studio.ids["project"], studio.ids["client"]
    api.post("/time-entries/start", {"projectId": project})
    api.post("/time-entries/stop", status=200)
    entry = {"projectId": project, "entryDate": "2026-06-12", "duration": "1h30m"}
    key = {"headers": {"Idempotency-Key": "k"}}
    first = api("POST", "/time-entries", entry, **key)
    assert api("POST", "/time-entries", entry, **key).content == first.content
    assert len(api.get("/time-entries?search=&sort=-entryDate")) == 2
    assert [one["name"] for one in api.get("/clients?sort=name&search=GLO")] == ["Globex"]
    invoice = api.post("/invoices", {"clientId": client, "taxRate": 19})
    assert invoice["total"] == "160.65"
    number = api.post(f"/invoices/{invoice['id']}/mark-sent", status=200)["number"]
    assert number.endswith("0001")
    api.post(f"/invoices/{invoice['id']}/payments", {"amount": "160.65", "paidOn": "2026-06-15"})
    assert api.get(f"/invoices/{invoice['id']}")["paymentStatus"] == "paid"
    other = found_studio(database, KEY, name="Canary & Co")
    assert api("GET", f"/clients/{other.ids['client']}").status_code == 404
