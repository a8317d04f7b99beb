from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Callable, Generator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from tallystick.auth import api_keys, oauth2, session_tokens
from tallystick.cli.doctor import examine
from tallystick.db.session import Connection, Database, owner_connection, text_query
from tallystick.demo import sign_ins
from tallystick.demo.load import load
from tallystick.domain import approvals, invariants, payments, refunds, workspaces
from tallystick.domain.context import utc_now
from tallystick.domain.credit_notes import credit
from tallystick.domain.credit_notes.credit import CreditLine
from tallystick.domain.invoices import balance, draft, lifecycle, series
from tallystick.domain.invoices import invoice as invoices
from tallystick.domain.invoices.draft import CustomLine
from tallystick.values.ids import new_id
from tests.cli.conftest import Filled, Tallystick, fill
from tests.conftest import TEMPLATE, create_database, superuser, with_database
from tests.studio import KEY, SERVER

NOW = datetime(2026, 6, 15, tzinfo=UTC)
LETTING_IN = (
    api_keys.mint(),
    *(oauth2.mint(kind) for kind in oauth2.PREFIXES),
    session_tokens.mint_cookie(new_id()),
    session_tokens.mint_link(),
    session_tokens.mint_device(KEY, "ada@studio.example", NOW),
    session_tokens.mint_jwt(
        KEY, issuer="https://time.example", user_id=new_id(), workspace_id=new_id(), session_id=new_id(),
        now=NOW, expires_at=NOW,
    ),
)  # fmt: skip
"""One of each kind of secret that is no personal token."""

CORRUPTIONS: list[tuple[str, str, str]] = [
    ("references", "UPDATE projects SET client_id = '{others_client}' WHERE id = '{project}'",
     "projects {project} client_id"),
    ("references", "UPDATE time_entries SET workspace_id = '{other_workspace}' WHERE id = '{entry7}'",
     "time_entries {entry7} user_id"),
    ("references", "UPDATE invoices SET client_id = gen_random_uuid() WHERE id = '{sent}'",
     "invoices {sent} client_id"),
    ("references", "UPDATE tokens SET user_id = gen_random_uuid() WHERE id = '{live_token}'",
     "tokens {live_token} user_id"),
    ("references", "DELETE FROM people WHERE id = '{member}'", "members"),
    ("one-owner", "UPDATE members SET role = 'ADMIN' WHERE user_id = '{owner}'", "workspaces {workspace}"),
    ("one-owner", "UPDATE members SET role = 'OWNER' WHERE user_id = '{admin}'", "workspaces {workspace}"),
    ("one-timer",
     "UPDATE time_entries SET user_id = '{manager}', stopped_at = NULL, duration_seconds = 0 WHERE id = '{entry7}'",
     "time_entries {entry7}"),
    ("durations", "UPDATE time_entries SET duration_seconds = duration_seconds + 1 WHERE id = '{entry7}'",
     "time_entries {entry7}"),
    ("durations", ("UPDATE time_entries SET duration_seconds = -1, started_at = NULL, stopped_at = NULL "
     "WHERE id = '{entry7}'"), "time_entries {entry7}"),
    ("durations", "UPDATE time_entries SET started_at = NULL WHERE id = '{entry7}'", "time_entries {entry7}"),
    ("tasks-in-project", "UPDATE time_entries SET task_id = '{other_task}' WHERE id = '{entry7}'",
     "time_entries {entry7}"),
    ("of-all", "UPDATE task_statuses SET deleted_at = now() WHERE id = '{first_status}'",
     "workspaces {workspace} status 1 TODO"),
    ("of-all", "UPDATE task_priorities SET number = 9 WHERE number = 4", "workspaces {workspace} priority 4 HIGH"),
    ("of-all", "DELETE FROM categories WHERE system_default AND type = 'client'",
     "workspaces {workspace} category client"),
    ("of-all", "UPDATE members SET number = 77 WHERE user_id = '{owner}'", "workspaces {workspace} member 1"),
    ("task-words", "UPDATE tasks SET status = 'IN_PROGRESS' WHERE id = '{task}'", "tasks {task}"),
    ("task-words", "UPDATE tasks SET priority = 'LOW' WHERE id = '{task}'", "tasks {task}"),
    ("task-words", "UPDATE tasks SET completed_at = now() WHERE id = '{task}'", "tasks {task}"),
    ("task-words", "UPDATE milestones SET deleted_at = now() WHERE project_id = '{project}'", "tasks {task}"),
    ("task-words", "UPDATE task_statuses SET deleted_at = now() WHERE id = '{first_status}'", "tasks {task}"),
    ("rates", "UPDATE clients SET rates_from = '2026-01-01' WHERE id = '{client}'", "clients {client}"),
    ("rates", "UPDATE projects SET rates_from = '2026-01-01' WHERE id = '{project}'", "projects {project}"),
    ("fees", "UPDATE milestones SET amount = 10 WHERE id = '{milestone}'", "projects {project}"),
    ("reconciled", "UPDATE billed_work SET released_at = now() WHERE invoice_id = '{sent}'",
     "clients {client} time_entries"),
    ("reconciled", "UPDATE expenses SET invoice_id = NULL WHERE id = '{expense1}'", "expenses {expense1}"),
    ("milestones", "UPDATE milestones SET uncategorised = false WHERE project_id = '{project}'", "projects {project}"),
    ("milestones", "UPDATE milestones SET uncategorised = true WHERE id = '{milestone}'", "projects {project}"),
    ("categories", "UPDATE categories SET type = 'invoice' WHERE id = '{category}'", "projects {project}"),
    ("categories", "UPDATE categories SET deleted_at = now() WHERE id = '{category}'", "projects {project}"),
    ("primary-contacts", "UPDATE contacts SET is_primary = false", "clients {client}"),
    ("primary-contacts", "UPDATE contacts SET is_primary = true", "clients {client}"),
    ("references", "UPDATE tasks SET milestone_id = '{others_milestone}' WHERE id = '{task}'",
     "tasks {task} milestone_id"),
    ("recurring", "UPDATE recurring_invoices SET client_id = '{other_client}'", "recurring_runs {run}"),
    ("recurring", "UPDATE recurring_invoices SET next_run_on = '2026-06-15'", "recurring_invoices {recurring}"),
    ("automatic-billing", "UPDATE billing_runs SET client_id = '{other_client}'", "billing_runs {billing_run}"),
    ("automatic-billing", "UPDATE automatic_billing SET period_ends_on = '2026-06-14'", "automatic_billing {billing}"),
    ("audit", "DELETE FROM audit_log WHERE sequence = 2", "audit_log 3"),
    ("audit", "UPDATE audit_log SET hash = prev.hash FROM audit_log AS prev WHERE prev.sequence = 1", "audit_log 2"),
    ("audited", "DELETE FROM audit_log WHERE sequence > 2", "events "),
    ("events", "DELETE FROM events WHERE resource_id = '{billing}'", "automatic_billing {billing}"),
    ("events", "DELETE FROM events WHERE resource_id = '{recurring}'", "recurring_invoices {recurring}"),
    ("deleted-parents", "UPDATE clients SET deleted_at = now() WHERE id = '{client}'", "contacts {contact}"),
    ("deleted-parents", "UPDATE projects SET deleted_at = now() WHERE id = '{project}'", "milestones {milestone}"),
    ("deleted-parents", "UPDATE checklist_items SET deleted_at = now()", "comments {remark}"),
    ("events", "DELETE FROM events WHERE resource = 'api_key'", "api_keys"),
    ("events", "DELETE FROM events WHERE resource_id = '{remark}'", "comments {remark}"),
    ("billed-once", "UPDATE billed_work SET released_at = NULL WHERE invoice_id = '{cancelled}'",
     "time_entries {entry5}"),
    ("billed-once", ("INSERT INTO billed_work SELECT (jsonb_populate_record(billed, jsonb_build_object("
     "'id', gen_random_uuid()))).* FROM billed_work AS billed WHERE expense_id = '{expense1}'"), "expenses {expense1}"),
    ("billed-agrees", "UPDATE time_entries SET invoice_id = NULL WHERE id = '{entry1}'", "time_entries {entry1}"),
    ("billed-agrees", "UPDATE time_entries SET invoice_id = '{sent}' WHERE id = '{entry7}'", "time_entries {entry7}"),
    ("billed-agrees", "UPDATE time_entries SET invoice_id = '{paid}' WHERE id = '{entry1}'", "time_entries {entry1}"),
    ("billed-agrees", "UPDATE expenses SET invoice_id = NULL WHERE id = '{expense2}'", "expenses {expense2}"),
    ("billed-agrees", "UPDATE expenses SET deleted_at = now() WHERE id = '{expense2}'", "expenses {expense2}"),
    ("billed-agrees", "UPDATE billed_work SET released_at = now() WHERE expense_id = '{expense2}'",
     "expenses {expense2}"),
    ("billed-agrees", "UPDATE invoices SET status = 'CANCELLED' WHERE id = '{sent}'", "time_entries {entry1}"),
    ("billed-agrees", "UPDATE invoices SET deleted_at = now() WHERE id = '{draft}'", "time_entries {entry6}"),
    ("billed-agrees", "UPDATE billed_work SET line_id = '{line}' WHERE entry_id = '{entry4}'", "time_entries {entry4}"),
    ("billed-as-tracked", ("UPDATE time_entries SET duration_seconds = 60, started_at = NULL, stopped_at = NULL "
     "WHERE id = '{entry1}'"), "time_entries {entry1}"),
    ("billed-hours", "UPDATE billed_work SET billed_seconds = billed_seconds + 60 WHERE line_id = '{line}'",
     "invoice_lines {line}"),
    ("billed-hours", "DELETE FROM billed_work WHERE line_id = '{line}'", "invoice_lines {line}"),
    ("lines", "UPDATE invoice_lines SET total = total + 0.01 WHERE id = '{line}'", "invoice_lines {line}"),
    ("lines", "UPDATE invoices SET currency = 'JPY' WHERE id = '{custom}'", "invoice_lines"),
    ("totals", "UPDATE invoice_lines SET total = total + 0.01 WHERE id = '{line}'", "invoices {sent}"),
    ("totals", "UPDATE invoices SET total = total + 1 WHERE id = '{sent}'", "invoices {sent}"),
    ("totals", "UPDATE invoices SET tax_rate = 7 WHERE id = '{sent}'", "invoices {sent}"),
    ("totals", "UPDATE invoices SET discount_percent = 8 WHERE id = '{sent}'", "invoices {sent}"),
    ("totals", "UPDATE invoices SET subtotal = subtotal + 1, total = total + 1 WHERE id = '{draft}'",
     "invoices {draft}"),
    ("totals", "DELETE FROM invoice_lines WHERE invoice_id = '{custom}'", "invoices {custom}"),
    ("taxes", "UPDATE invoice_taxes SET amount = amount + 0.01 WHERE invoice_id = '{sent}'", "invoice_taxes"),
    ("taxes", "UPDATE invoice_taxes SET subtotal = subtotal + 1, discount = discount + 1 WHERE invoice_id = '{sent}'",
     "invoice_taxes"),
    ("taxes", "DELETE FROM invoice_taxes WHERE invoice_id = '{sent}'", "invoice_taxes {sent} STANDARD"),
    ("taxes", "UPDATE invoice_lines SET tax_category = 'EXEMPT', tax_rate = 0 WHERE id = '{line}'",
     "invoice_taxes {sent} EXEMPT"),
    ("lines", "UPDATE invoices SET prices_include_tax = true, gross_discount = 0 WHERE id = '{sent}'",
     "invoice_lines {line}"),
    ("paid", "UPDATE payments SET amount = amount + 1 WHERE id = '{payment}'", "invoices {sent}"),
    ("paid", "UPDATE payments SET deleted_at = now() WHERE id = '{payment}'", "invoices {sent}"),
    ("paid", "UPDATE invoices SET settled = settled - 1 WHERE id = '{paid}'", "invoices {paid}"),
    ("paid", "UPDATE invoices SET amount_paid = total + 1, settled = total + 1 WHERE id = '{custom}'",
     "invoices {custom}"),
    ("paid", "UPDATE invoices SET settled = total, amount_paid = total WHERE id = '{custom}'", "invoices {custom}"),
    ("paid", "UPDATE invoices SET status = 'PAID' WHERE id = '{sent}'", "invoices {sent}"),
    ("paid", "UPDATE invoices SET settled = 1, amount_paid = 1 WHERE id = '{draft}'", "invoices {draft}"),
    ("paid", "UPDATE invoices SET amount_refunded = 1 WHERE id = '{over}'", "invoices {over}"),
    ("paid", "UPDATE invoices SET amount_written_off = 1 WHERE id = '{paid}'", "invoices {paid}"),
    ("paid", "UPDATE refunds SET deleted_at = now() WHERE id = '{refund}'", "invoices {over}"),
    ("paid", "DELETE FROM client_credit_entries WHERE cause = 'OVERPAYMENT'", "invoices {over}"),
    ("refunds", "UPDATE refunds SET amount = amount + 1 WHERE id = '{refund}'", "payments {payment3}"),
    ("refunds", "UPDATE refunds SET currency = 'USD' WHERE id = '{refund}'", "payments {payment3}"),
    ("refunds", "UPDATE payments SET amount_refunded = 1 WHERE id = '{payment}'", "payments {payment}"),
    ("client-credit", "UPDATE client_credits SET amount = amount + 1", "clients {client}"),
    ("client-credit", "DELETE FROM client_credits", "clients {client}"),
    ("client-credit", "UPDATE payments SET from_credit = true WHERE id = '{payment}'", "payments {payment}"),
    ("credited", "UPDATE invoices SET amount_credited = amount_credited + 1 WHERE id = '{sent}'", "invoices {sent}"),
    ("credited", "DELETE FROM credit_notes WHERE id = '{note}'", "invoices {taken}"),
    ("credited", "UPDATE invoice_lines SET credited = 1 WHERE id = '{line}'", "invoice_lines {line}"),
    ("credited", "DELETE FROM credit_note_lines WHERE credit_note_id = '{some}'", "invoice_lines"),
    ("credit-notes", "UPDATE credit_notes SET tax_amount = tax_amount + 1 WHERE id = '{note}'", "credit_notes {note}"),
    ("credit-notes", "DELETE FROM credit_note_taxes WHERE credit_note_id = '{some}'", "credit_notes {some}"),
    ("credit-notes", "UPDATE credit_notes SET applied = 5, surplus = 0 WHERE id = '{some}'", "credit_notes {some}"),
    ("credit-notes", "UPDATE credit_note_taxes SET basis = basis - 1, discount = 1 WHERE credit_note_id = '{note}'",
     "invoices {taken}"),
    ("issued-numbers", "UPDATE credit_notes SET number = 'CN-9999' WHERE id = '{note}'", "credit_notes {note}"),
    ("issued-documents", "UPDATE issued_documents SET pdf = 'other' WHERE invoice_id = '{sent}'", "issued_documents"),
    ("issued-documents", "UPDATE issued_documents SET xml = 'other' WHERE invoice_id = '{sent}'", "issued_documents"),
    ("issued-documents", "UPDATE issued_documents SET invoice_id = '{paid}' WHERE invoice_id = '{sent}'",
     "issued_documents"),
    ("issued-documents", ("UPDATE issued_numbers SET issued_at = issued_at + interval '1 s'; "
     "DELETE FROM issued_documents WHERE credit_note_id = '{note}'"), "issued_numbers credit_note"),
    ("payment-currency", "UPDATE payments SET currency = 'USD' WHERE id = '{payment}'", "payments {payment}"),
    ("external-payments", "UPDATE payments SET external_id = 'bank-1' WHERE id = '{payment2}'", "payments {payment}"),
    ("numbers", "DELETE FROM issued_numbers WHERE invoice_id = '{paid}'", "issued_numbers invoice/3"),
    ("numbers", "UPDATE invoice_series SET next = next + 1", "invoice_series invoice"),
    ("numbers", "UPDATE invoice_series SET next = 20", "invoice_series invoice"),
    ("numbers", "DELETE FROM number_jumps", "issued_numbers invoice/20"),
    ("numbers", "DELETE FROM invoice_series", "invoice_series invoice"),
    ("numbers", "DELETE FROM issued_numbers", "invoice_series invoice"),
    ("issued-numbers", "DELETE FROM issued_numbers WHERE invoice_id = '{cancelled}'", "invoices {cancelled}"),
    ("issued-numbers", "UPDATE invoices SET number = 'INV-9999' WHERE id = '{sent}'", "invoices {sent}"),
    ("issued-numbers", "UPDATE invoices SET number = 'DRAFT-00000000' WHERE id = '{sent}'", "invoices {sent}"),
    ("issued-numbers", "UPDATE invoices SET status = 'DRAFT' WHERE id = '{sent}'", "invoices {sent}"),
    ("deleted-parents", "UPDATE clients SET deleted_at = now() WHERE id = '{client}'", "projects {project}"),
    ("deleted-parents", "UPDATE clients SET deleted_at = now() WHERE id = '{client}'", "expenses {expense1}"),
    ("deleted-parents", "UPDATE clients SET deleted_at = now() WHERE id = '{client}'", "invoices {sent}"),
    ("deleted-parents", "UPDATE clients SET deleted_at = now() WHERE id = '{client}'", "time_entries {entry7}"),
    ("deleted-parents", "UPDATE projects SET deleted_at = now() WHERE id = '{project}'", "time_entries {entry7}"),
    ("deleted-parents", "UPDATE projects SET deleted_at = now() WHERE id = '{project}'", "tasks {task}"),
    ("deleted-parents", "UPDATE invoices SET deleted_at = now() WHERE id = '{sent}'", "payments {payment}"),
    ("approved-weeks", "UPDATE weeks SET duration_seconds = duration_seconds + 1", "weeks"),
    ("removed-members", "UPDATE tokens SET revoked_at = NULL WHERE id = '{dead_token}'", "tokens {dead_token}"),
    ("removed-members", "UPDATE time_entries SET user_id = '{gone}' WHERE id = '{timer}'", "time_entries {timer}"),
    ("removed-members", "UPDATE sessions SET user_id = '{gone}'", "sessions"),
    ("removed-members", "UPDATE oauth_grants SET user_id = '{gone}'", "oauth_grants"),
    ("answers", "UPDATE idempotency_answers SET status = 503", "idempotency_answers {owner}/a key"),
    ("answers", "UPDATE idempotency_answers SET status = 429", "idempotency_answers {owner}/a key"),
    ("answers", "UPDATE idempotency_answers SET completed_at = completed_at + interval '11 minutes'",
     "idempotency_answers {owner}/a key"),
    ("answers", "UPDATE idempotency_answers SET fingerprint = ''", "idempotency_answers {owner}/a key"),
    ("answers", "UPDATE idempotency_answers SET body = decode(repeat('00', 300000), 'hex')",
     "idempotency_answers {owner}/a key"),
    ("events", "DELETE FROM events WHERE resource_id = '{entry7}'", "time_entries {entry7}"),
    ("events", "DELETE FROM events WHERE resource = 'payment'", "payments {payment}"),
    ("events", "DELETE FROM events WHERE resource = 'session'", "sessions"),
    ("events", "DELETE FROM events WHERE resource = 'oauth_grant'", "oauth_grants"),
    ("secrets", "UPDATE time_entries SET note = 'use {token} for it' WHERE id = '{entry7}'", "time_entries {entry7}"),
    ("secrets", "UPDATE tasks SET tags = ARRAY['a', '{token}'] WHERE id = '{task}'", "tasks {task}"),
    ("secrets", "UPDATE invoices SET selection = '[\"{token}\"]' WHERE id = '{draft}'", "invoices {draft}"),
    ("secrets", "UPDATE idempotency_answers SET body = '[\"{token}\"]'", "idempotency_answers {owner}/a key"),
    ("secrets", "UPDATE workspaces SET name = '{token}' WHERE id = '{workspace}'", "workspaces {workspace}"),
    *((("secrets", f"UPDATE time_entries SET note = 'use {text}.' WHERE id = '{{entry7}}'", "time_entries {entry7}"))
      for text in LETTING_IN),
    ("row-security", "ALTER TABLE time_entries DISABLE ROW LEVEL SECURITY", "time_entries"),
    ("row-security", "DROP POLICY own_workspace ON payments", "payments"),
    ("row-security", "ALTER POLICY own_workspace ON clients USING (true)", "clients"),
    ("row-security", "CREATE TABLE newcomers (workspace_id uuid NOT NULL)", "newcomers"),
    ("application-role", "ALTER TABLE payments OWNER TO tallystick_app", "owns table payments"),
    ("application-role", "ALTER ROLE tallystick_app BYPASSRLS", "role tallystick_app"),
    ("kept", "DROP TRIGGER append_only ON events", "events append_only"),
    ("kept", "ALTER TABLE issued_numbers DISABLE TRIGGER append_only_whole", "issued_numbers append_only_whole"),
]  # fmt: skip


@pytest.fixture(scope="module")
def examined_url(cluster_url: str) -> Generator[str]:
    """A database of this module's own: the doctor looks at all of it, also at what other tests leave behind."""
    name = f"tallystick_doctor_{uuid.uuid4().hex[:12]}"
    create_database(cluster_url, name, template=TEMPLATE)
    yield with_database(cluster_url, name)
    with psycopg.connect(superuser(cluster_url), autocommit=True) as connection:
        connection.execute(text_query(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(scope="module")
def filled_once(examined_url: str) -> Generator[Filled]:
    pool = Database(examined_url, size=4)
    pool.open()
    yield settle(fill(pool))
    pool.close()


def settle(filled: Filled) -> Filled:
    """What else happens to money: credit, refunds, a write-off, a number that somebody chose."""
    ids = filled.ids
    logo = [CustomLine("Logo", Decimal(1), Decimal(300))]
    with filled.studio.context() as ctx:
        series.change(ctx, "invoice", next=20)
        workspaces.change(ctx, approve_weeks=True)
        approvals.approve(ctx, approvals.submit(ctx, date(2026, 3, 2)).id)
        over, lost = (
            lifecycle.mark_sent(ctx, draft.draft(ctx, client_id=ids["client"], project_ids=[], lines=logo).invoice.id)
            for _ in range(2)
        )
        more, _ = payments.record(
            ctx, over.id, amount=Decimal(350), paid_on=date(2026, 6, 15), overpayment="credit", fee=Decimal(3)
        )
        again, _, _ = refunds.record(ctx, over.id, more.id, amount=Decimal(20), refunded_on=date(2026, 6, 15))
        payments.apply_credit(ctx, ids["sent"], amount=Decimal(10))
        balance.write_off(ctx, lost.id, reason="Insolvent")
        taken = lifecycle.mark_sent(
            ctx, draft.draft(ctx, client_id=ids["client"], project_ids=[], lines=logo, tax_rate=Decimal(19)).invoice.id
        )
        note, _ = credit.credit(ctx, taken.id, reason="Wrong")
        some, _ = credit.credit(
            ctx, over.id, reason="Wrong", lines=[CreditLine(invoices.lines(ctx, over.id)[0].id, Decimal(5))]
        )
        ids |= {"taken": taken.id, "note": note.id, "some": some.id}
    ids |= {"over": over.id, "lost": lost.id, "payment3": more.id, "refund": again.id}
    return filled


@pytest.fixture
def tampering(cluster_url: str, examined_url: str) -> Generator[Connection]:
    """A superuser's transaction in which nothing guards the rows any more; it is rolled back."""
    name = psycopg.conninfo.conninfo_to_dict(examined_url)["dbname"]
    url = psycopg.conninfo.make_conninfo(superuser(cluster_url), dbname=name)
    with contextlib.closing(owner_connection(url)) as connection:
        connection.execute("SET session_replication_role = replica")  # neither triggers nor foreign keys
        for drop in connection.execute("""
            SELECT format('ALTER TABLE %s DROP CONSTRAINT %I CASCADE', conrelid::regclass, conname) FROM pg_constraint
            WHERE contype = 'c' AND connamespace = 'public'::regnamespace
            UNION ALL
            SELECT format('DROP INDEX %s', indexrelid::regclass) FROM pg_index
            WHERE indisunique AND indpred IS NOT NULL AND indrelid::regclass::text !~ '^pg_'
        """).fetchall():
            connection.execute(text_query(drop[0]))
        yield connection
        connection.rollback()


def test_a_workspace_in_which_everything_happened_is_healthy(examined_url: str, filled_once: Filled) -> None:
    findings = examine(examined_url, now=filled_once.studio.clock())
    assert [finding.rule for finding in findings if not finding.holds] == []
    assert len(findings) == len(invariants.INVARIANTS) + 2


def test_the_demo_is_healthy(own_pool: Database, own_url: str, tmp_path: Path) -> None:
    now = utc_now()
    load(own_pool, SERVER, sign_ins.kept_in(tmp_path, "live"), now, lambda _: None)
    assert [finding for finding in examine(own_url, now=now) if not finding.holds] == []


@pytest.mark.parametrize(
    ("rule", "sql", "what"), CORRUPTIONS, ids=[f"{rule}-{number}" for number, (rule, *_) in enumerate(CORRUPTIONS)]
)
def test_each_corruption_is_found_by_its_rule(
    rule: str, sql: str, what: str, filled_once: Filled, tampering: Connection
) -> None:
    names = {**filled_once.ids, "token": filled_once.studio.owner.token}
    tampering.execute(text_query(sql.format(**names)))
    findings = invariants.check(tampering, now=filled_once.studio.clock())
    found = next(finding for finding in findings if finding.rule == rule)
    assert any(row.startswith(what.format(**names)) for row in found.rows), found
    assert found.count >= 1


def test_every_rule_has_a_corruption_that_it_finds() -> None:
    assert {rule for rule, *_ in CORRUPTIONS} == {invariant.rule for invariant in invariants.INVARIANTS}


def test_rules_are_named_once_and_say_a_sentence() -> None:
    rules = [invariant.rule for invariant in invariants.INVARIANTS]
    assert len(set(rules)) == len(rules)
    assert all(invariant.sentence.endswith(".") for invariant in invariants.INVARIANTS)


def test_the_rules_hold_while_nothing_is_tampered_with_but_the_guards_are_gone(
    filled_once: Filled, tampering: Connection
) -> None:
    findings = invariants.check(tampering, now=filled_once.studio.clock())
    assert [finding.rule for finding in findings if not finding.holds] == []


def test_a_corruption_is_shown_for_its_own_workspace_only(filled_once: Filled, tampering: Connection) -> None:
    tampering.execute(
        text_query("UPDATE time_entries SET duration_seconds = -1, started_at = NULL, stopped_at = NULL WHERE id = %s"),
        [filled_once.ids["entry7"]],
    )

    def durations(workspace_id: str | None) -> int:
        findings = invariants.check(tampering, now=filled_once.studio.clock(), workspace_id=workspace_id)
        return next(finding.count for finding in findings if finding.rule == "durations")

    assert durations(None) == durations(filled_once.studio.workspace_id) == 1
    assert durations(filled_once.other.workspace_id) == 0


def test_many_rows_are_counted_and_the_first_are_named(filled_once: Filled, tampering: Connection) -> None:
    tampering.execute("""
        INSERT INTO idempotency_answers SELECT workspace_id, user_id, 'key ' || number, '', 200, '', '', completed_at
        FROM idempotency_answers, generate_series(1, 120) AS number WHERE key = 'a key'
    """)
    findings = invariants.check(tampering, now=filled_once.studio.clock())
    answers = next(finding for finding in findings if finding.rule == "answers")
    assert (answers.count, len(answers.rows)) == (120, invariants.SHOWN)


def test_doctor_says_that_all_rules_hold(filled: Filled, tallystick: Tallystick) -> None:
    said = tallystick("doctor")
    assert (said.code, said.err) == (0, "")
    assert said.out.rstrip().endswith("rules hold.")
    report = tallystick("doctor", "--json").json
    assert report["ok"] is True
    assert [rule["rule"] for rule in report["rules"]][:2] == ["revision", "schema"]


def test_doctor_names_the_rows_and_ends_with_1(filled: Filled, tallystick: Tallystick, own_url: str) -> None:
    with psycopg.connect(own_url) as connection:
        connection.execute("ALTER TABLE time_entries DROP CONSTRAINT ck_time_entries_duration_is_elapsed")
        connection.execute("UPDATE time_entries SET duration_seconds = 7 WHERE id = %s", [filled.ids["entry8"]])
    said = tallystick("doctor")
    assert said.code == 1
    assert f"time_entries {filled.ids['entry8']}" in said.out
    assert "add_check ck_time_entries_duration_is_elapsed" in said.out
    assert "2 of " in said.out
    assert tallystick("doctor", "--json").code == 1
    here = tallystick("doctor", "--json", "--workspace", filled.studio.name)
    elsewhere = tallystick("doctor", "--json", "--workspace", filled.other.workspace_id)
    assert filled.ids["entry8"] in here.out
    assert filled.ids["entry8"] not in elsewhere.out


def test_doctor_changes_nothing_not_even_the_schema(new_database: Callable[..., str], tallystick: Tallystick) -> None:
    empty = new_database(None)
    said = tallystick("doctor", url=empty)
    assert said.code == 1
    assert "no schema yet: run tallystick migrate" in said.out
    with psycopg.connect(empty) as connection:
        assert connection.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,)


def test_doctor_tells_an_older_schema_from_a_newer_one(tallystick: Tallystick, own_url: str) -> None:
    with psycopg.connect(own_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    said = tallystick("doctor")
    assert said.code == 1
    assert "9999, which is newer than" in said.out


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("ALTER TABLE clients DROP COLUMN notes", "add_column"),
        ("ALTER TABLE clients ADD COLUMN extra text", "remove_column"),
        ("DROP INDEX uq_time_entries_running", "add_index uq_time_entries_running"),
        ("ALTER TABLE invoices DROP CONSTRAINT ck_invoices_adds_up", "add_check ck_invoices_adds_up"),
        ("ALTER TABLE clients ALTER COLUMN name DROP NOT NULL", "modify_nullable"),
        ("ALTER TABLE payments DROP CONSTRAINT fk_payments_workspace_id_invoice_id", "add_fk"),
    ],
)
def test_a_schema_that_was_changed_by_hand_is_seen(tallystick: Tallystick, own_url: str, sql: str, what: str) -> None:
    with psycopg.connect(own_url) as connection:
        connection.execute(text_query(sql))
    rules = {rule["rule"]: rule for rule in _report(tallystick)}
    assert [row for row in rules["schema"]["rows"] if row.startswith(what)], rules["schema"]


def _report(tallystick: Tallystick) -> list[dict[str, object]]:
    return json.loads(tallystick("doctor", "--json").out)["rules"]
