"""A workspace of before: 0005 numbers what it has, files it, and leaves what was issued as it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool
from tests.conftest import create_database, superuser, with_database

from tallystick.cli.doctor import examine
from tallystick.db import migrations
from tallystick.values.ids import new_id

WORK, FOUNDER, ADMIN, CLIENT = (new_id() for _ in range(4))
STARTED, UNTOUCHED, FINISHED, AWAY, GONE = (new_id() for _ in range(5))
OPEN_TASK, DONE_TASK, LOW_TASK = (new_id() for _ in range(3))
INVOICE, LINE, ENTRY, PAYMENT = (new_id() for _ in range(4))
OF_BEFORE = f"""
INSERT INTO workspaces (id, name, plan, default_currency, time_zone, invoice_prefix, rounding_minutes, rounding_mode,
                        created_at, updated_at)
VALUES ('{WORK}', 'Old', 'agency', 'EUR', 'UTC', 'INV-', 0, 'UP', now(), now());
INSERT INTO people (id, email, name, created_at, updated_at)
VALUES ('{ADMIN}', 'ann@old.example', 'Ann', now(), now()), ('{FOUNDER}', 'otto@old.example', 'Otto', now(), now());
INSERT INTO members (id, workspace_id, user_id, role, created_at, updated_at)
VALUES ('{ADMIN}', '{WORK}', '{ADMIN}', 'ADMIN', now(), now()),
       ('{FOUNDER}', '{WORK}', '{FOUNDER}', 'OWNER', now(), now());
INSERT INTO clients (id, workspace_id, name, currency, require_po_number, created_at, updated_at)
VALUES ('{CLIENT}', '{WORK}', 'Globex', 'EUR', false, now(), now());
INSERT INTO projects (id, workspace_id, client_id, name, status, rate_type, created_at, updated_at, deleted_at)
VALUES ('{STARTED}', '{WORK}', '{CLIENT}', 'Started', 'ACTIVE', 'HOURLY', now(), now(), NULL),
       ('{UNTOUCHED}', '{WORK}', '{CLIENT}', 'Untouched', 'ACTIVE', 'HOURLY', now(), now(), NULL),
       ('{FINISHED}', '{WORK}', '{CLIENT}', 'Finished', 'COMPLETED', 'HOURLY', now(), now(), NULL),
       ('{AWAY}', '{WORK}', '{CLIENT}', 'Away', 'ARCHIVED', 'HOURLY', now(), now(), NULL),
       ('{GONE}', '{WORK}', '{CLIENT}', 'Gone', 'ACTIVE', 'HOURLY', now(), now(), now());
INSERT INTO tasks (id, workspace_id, project_id, name, status, priority, billable, tags, created_at, updated_at)
VALUES ('{OPEN_TASK}', '{WORK}', '{STARTED}', 'Open', 'IN_PROGRESS', 'HIGH', true, '{{}}', now(), now()),
       ('{DONE_TASK}', '{WORK}', '{STARTED}', 'Done', 'DONE', 'MEDIUM', true, '{{}}', now(), '2026-06-01T10:00Z'),
       ('{LOW_TASK}', '{WORK}', '{AWAY}', 'Low', 'TODO', 'LOW', true, '{{}}', now(), now());
INSERT INTO invoices (id, workspace_id, client_id, number, status, currency, subtotal, discount_amount, tax_amount,
                      total, amount_paid, settled, issue_date, issue_date_given, grouping, created_at, updated_at)
VALUES ('{INVOICE}', '{WORK}', '{CLIENT}', 'DRAFT-1A2B3C4D', 'DRAFT', 'EUR', 90, 0, 0, 90, 0, 0, '2026-06-01', true,
        'ITEMIZED', now(), now());
INSERT INTO invoice_lines (id, workspace_id, invoice_id, position, kind, description, quantity, unit, rate, total)
VALUES ('{LINE}', '{WORK}', '{INVOICE}', 1, 'TIME', 'Work', 1, 'h', 90, 90);
INSERT INTO time_entries (id, workspace_id, user_id, project_id, task_id, invoice_id, duration_seconds, billable,
                          entry_date, hourly_rate, created_at, updated_at)
VALUES ('{ENTRY}', '{WORK}', '{ADMIN}', '{STARTED}', '{OPEN_TASK}', '{INVOICE}', 3600, true, '2026-05-30', 90,
        now(), now());
INSERT INTO billed_work (id, workspace_id, invoice_id, line_id, entry_id, seconds, billed_seconds)
VALUES ('{new_id()}', '{WORK}', '{INVOICE}', '{LINE}', '{ENTRY}', 3600, 3600);
UPDATE invoices SET number = 'INV-0001', status = 'SENT', sent_at = now(), due_date = '2026-06-15', amount_paid = 10;
INSERT INTO payments (id, workspace_id, invoice_id, amount, currency, paid_on, created_at)
VALUES ('{PAYMENT}', '{WORK}', '{INVOICE}', 10, 'EUR', '2026-06-02', now());
INSERT INTO invoice_series (workspace_id, series, next) VALUES ('{WORK}', 'invoice', 2);
INSERT INTO issued_numbers (workspace_id, series, value, number, invoice_id, issued_at)
VALUES ('{WORK}', 'invoice', 1, 'INV-0001', '{INVOICE}', now());
"""
TOLD = "".join(
    f"""
    INSERT INTO events (id, workspace_id, type, resource, resource_id, data, occurred_at)
    SELECT gen_random_uuid(), workspace_id, '{noun}.created', '{noun}', id, '{{}}', now() FROM {table};
    """
    for table, noun in (
        ("members", "member"), ("clients", "client"), ("projects", "project"), ("tasks", "task"),
        ("invoices", "invoice"), ("time_entries", "time_entry"), ("payments", "payment"),
    )
)  # fmt: skip


@pytest.fixture
def url_of_before(cluster_url: str) -> Iterator[str]:
    """A database at revision 0004, with a workspace in which something happened."""
    name = f"tallystick_before_{uuid4().hex[:12]}"
    create_database(cluster_url, name)
    url = with_database(cluster_url, name)
    upgrade_to(url, "0004")
    with psycopg.connect(url) as connection:
        connection.execute(OF_BEFORE.encode())
        connection.execute(TOLD.encode())
    yield url
    with psycopg.connect(superuser(cluster_url), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def upgrade_to(url: str, revision: str) -> None:
    """`migrate`, but not all the way."""
    scripts = ScriptDirectory(str(Path(migrations.__file__).parent))
    engine = create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=NullPool)

    def steps(current: object, _: object) -> object:
        return scripts._upgrade_revs(revision, current)  # pyright: ignore[reportArgumentType]

    with engine.connect() as connection:
        migrations._make_role(connection.connection.driver_connection)  # type: ignore[arg-type]
        connection.commit()
        with EnvironmentContext(migrations._config(), scripts, fn=steps) as environment:
            environment.configure(connection=connection, transaction_per_migration=True)
            environment.run_migrations()
        connection.commit()
    engine.dispose()


def rows(url: str, sql: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(sql.encode()).fetchall()


@pytest.fixture
def url(url_of_before: str) -> str:
    assert migrations.migrate(url_of_before)[0] == "0005"
    return url_of_before


def test_every_rule_holds_afterwards(url: str) -> None:
    findings = examine(url, now=datetime.now(UTC))
    assert [(finding.rule, finding.rows) for finding in findings if not finding.holds] == []


def test_the_founder_is_number_one_also_where_somebody_was_added_in_the_same_moment(url: str) -> None:
    assert rows(url, "SELECT user_id::text, number FROM members ORDER BY number") == [(FOUNDER, 1), (ADMIN, 2)]


def test_statuses_priorities_and_categories_have_the_numbers_they_have_everywhere(url: str) -> None:
    assert rows(url, "SELECT number, kind FROM task_statuses ORDER BY 1") == [
        (1, "TODO"), (2, "IN_PROGRESS"), (3, "DONE"),
    ]  # fmt: skip
    assert rows(url, "SELECT number, title, kind FROM task_priorities ORDER BY 1") == [
        (1, "Low", "LOW"), (2, "Normal", "MEDIUM"), (3, "High", "HIGH"), (4, "Urgent", "HIGH"),
    ]  # fmt: skip
    assert rows(url, "SELECT number, type FROM categories WHERE system_default ORDER BY 1") == [
        (1, "project"), (2, "client"), (3, "invoice"), (4, "expense"),
    ]  # fmt: skip
    versions = {str(one)[14] for (one,) in rows(url, "SELECT id FROM task_statuses UNION ALL SELECT id FROM events"
                                                     " WHERE resource = 'category'")}  # fmt: skip
    assert versions == {"7"}


def test_tasks_are_what_they_were(url: str) -> None:
    found = rows(
        url,
        """
        SELECT task.name, status.number, priority.number, milestone.uncategorised,
               milestone.project_id = task.project_id, completed_at IS NOT NULL, task.position
        FROM tasks AS task JOIN task_statuses AS status ON status.id = status_id
        JOIN task_priorities AS priority ON priority.id = priority_id
        JOIN milestones AS milestone ON milestone.id = milestone_id ORDER BY task.name
        """,
    )
    assert found == [
        ("Done", 3, 2, True, True, True, 2),
        ("Low", 1, 1, True, True, False, 1),
        ("Open", 2, 3, True, True, False, 1),
    ]
    ((completed,),) = rows(url, f"SELECT completed_at FROM tasks WHERE id = '{DONE_TASK}'")
    assert completed == datetime(2026, 6, 1, 10, tzinfo=UTC)


def test_projects_are_as_far_as_they_were(url: str) -> None:
    assert rows(url, "SELECT name, stage FROM projects WHERE deleted_at IS NULL ORDER BY name") == [
        ("Away", "NOT_STARTED"), ("Finished", "COMPLETED"), ("Started", "IN_PROGRESS"), ("Untouched", "NOT_STARTED"),
    ]  # fmt: skip


def test_what_was_issued_is_filed_and_still_cannot_change(url: str) -> None:
    assert rows(url, "SELECT number, total, status FROM invoices") == [("INV-0001", 90, "SENT")]
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE invoices SET tags = '{paper}'")
        for change in ("total = 91, subtotal = 91", "terms = 'Now'", "project_id = NULL, notes = 'x'"):
            with pytest.raises(psycopg.errors.RestrictViolation), connection.transaction():
                connection.execute(f"UPDATE invoices SET {change}".encode())


def test_what_was_issued_is_taxed_as_it_was(url: str) -> None:
    assert rows(
        url,
        """
        SELECT invoice.tax_category, invoice.default_tax_rate, invoice.prices_include_tax, line.tax_category,
               tax.category, tax.rate, tax.subtotal, tax.basis, tax.amount, tax.reason_code
        FROM invoices AS invoice JOIN invoice_lines AS line ON line.invoice_id = invoice.id
        JOIN invoice_taxes AS tax ON tax.invoice_id = invoice.id
        """,
    ) == [("OUTSIDE_SCOPE", None, False, "OUTSIDE_SCOPE", "OUTSIDE_SCOPE", None, 90, 90, 0, "VATEX-EU-O")]
    with psycopg.connect(url) as connection:
        for change in (
            "UPDATE invoice_taxes SET reason = 'x'",
            "DELETE FROM invoice_taxes",
            "UPDATE invoice_lines SET heading = 'x'",
            "UPDATE invoices SET tax_category = 'EXEMPT'",
        ):
            with pytest.raises(psycopg.errors.RestrictViolation), connection.transaction():
                connection.execute(change.encode())


def test_everything_that_is_called_by_a_number_has_one(url: str) -> None:
    for table in ("clients", "projects", "tasks", "time_entries", "invoices", "invoice_lines", "payments"):
        ((count, counted, least),) = rows(url, f"SELECT count(*), count(DISTINCT serial), min(serial) FROM {table}")
        assert count == counted, table
        assert least == 1, table
