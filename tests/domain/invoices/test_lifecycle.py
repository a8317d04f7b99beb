"""An invoice's life: sent with a number, settled, cancelled, restored; the table of moves; what stays as it was."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import psycopg
import pytest

from tallystick.db.base import columns_of
from tallystick.domain import expenses, projects, time_entries
from tallystick.domain.access import Permission
from tallystick.domain.invoices import draft, invoice, lifecycle
from tallystick.domain.invoices.draft import CustomLine
from tallystick.domain.invoices.invoice import MOVES, STATUSES, Invoice
from tallystick.domain.invoices.totals import Discount
from tallystick.values.errors import Conflict, Forbidden, Invalid, NotFound
from tests.domain.invoices.conftest import DAY, Bench, Counted, amounts

TODAY = date(2026, 6, 15)
FEE = CustomLine("Set-up", Decimal(1), Decimal(100))


def in_state(bench: Bench, status: str) -> Invoice:
    made = bench.draft(project_ids=[], lines=[FEE]).invoice
    if status in ("SENT", "PAID"):
        made = bench.send(made.id)
    if status == "PAID":
        made = bench.mark_paid(made.id)
    if status == "CANCELLED":
        made = bench.cancel(made.id)
    assert made.status == status
    return made


class TestMoves:
    @pytest.mark.parametrize("was", STATUSES)
    @pytest.mark.parametrize("to", STATUSES)
    def test_only_the_moves_of_the_table_are_possible(self, bench: Bench, was: str, to: str):
        verbs = {
            "SENT": lifecycle.mark_sent,
            "PAID": lifecycle.mark_paid,
            "CANCELLED": lifecycle.cancel,
            "DRAFT": lifecycle.restore,
        }
        made = in_state(bench, was)
        allowed = to in MOVES[was] and was != "PAID"  # what leads on from there is the deletion of a payment
        with bench.studio.context("manager") as ctx:
            if allowed:
                verbs[to](ctx, made.id)
            else:
                with pytest.raises(Conflict) as refused:
                    verbs[to](ctx, made.id)
                assert was.title() in refused.value.message
                assert to.title() in refused.value.message
        assert bench.read(made.id).status == (to if allowed else was)

    @pytest.mark.parametrize("verb", ["mark_sent", "mark_paid", "cancel", "restore"])
    def test_members_may_not_move_it(self, bench: Bench, verb: str):
        made = in_state(bench, "DRAFT")
        with bench.studio.context("member") as ctx, pytest.raises(Forbidden):
            getattr(lifecycle, verb)(ctx, made.id)
        assert not bench.studio.actor("member").may(Permission.CHANGE_INVOICES)

    def test_the_database_refuses_a_state_without_its_facts(self, bench: Bench):
        made = in_state(bench, "SENT")
        for wrong in (
            "status = 'PAID'",
            "status = 'DRAFT'",
            "sent_at = NULL",
            "due_date = NULL",
            "total = 1",
            "discount_amount = 101, total = -1",
            "amount_paid = 101",
            "amount_paid = -1",
            "deleted_at = now()",
            "number = 'DRAFT-0123ABCD'",
            "status = 'LOST'",
            "tax_rate = 101",
        ):
            with pytest.raises((psycopg.errors.CheckViolation, psycopg.errors.RestrictViolation)):
                bench.sql(f"UPDATE invoices SET {wrong} WHERE workspace_id = :workspace AND id = :id", id=made.id)

    @pytest.mark.parametrize("state", ["SENT", "PAID", "CANCELLED"])
    def test_the_database_refuses_to_rewrite_what_was_issued(self, bench: Bench, state: str):
        made = in_state(bench, state)
        for statement in (
            "UPDATE invoices SET notes = 'other' WHERE id = :id",
            "UPDATE invoices SET bill_to_name = 'other' WHERE id = :id",
            "UPDATE invoices SET issue_date = issue_date + 1 WHERE id = :id",
            "UPDATE invoices SET subtotal = subtotal + 1, total = total + 1 WHERE id = :id",
            "DELETE FROM invoices WHERE id = :id",
            "UPDATE invoice_lines SET description = 'other' WHERE invoice_id = :id",
            "DELETE FROM invoice_lines WHERE invoice_id = :id",
            "UPDATE invoice_lines SET tax_rate = 7, tax_category = 'STANDARD' WHERE invoice_id = :id",
            "UPDATE invoice_taxes SET reason = 'other' WHERE invoice_id = :id",
            "DELETE FROM invoice_taxes WHERE invoice_id = :id",
        ):
            with pytest.raises(psycopg.errors.RestrictViolation):
                bench.sql(statement, id=made.id)


class TestSend:
    def test_it_gets_number_dates_and_state(self, bench: Bench):
        sent = in_state(bench, "SENT")
        assert (sent.number, sent.issue_date, sent.due_date) == ("INV-0001", TODAY, TODAY + timedelta(days=14))
        assert sent.sent_at == bench.studio.clock.now
        assert bench.events(sent.id) == ["invoice.created", "invoice.sent"]
        ledger = bench.sql("SELECT value, number, invoice_id FROM issued_numbers WHERE workspace_id = :workspace")
        assert ledger == [(1, "INV-0001", sent.id)]
        assert bench.read(sent.id).number == "INV-0001"

    def test_the_date_somebody_chose_stays(self, bench: Bench):
        sent = bench.sent(issue_date=DAY)
        assert (sent.issue_date, sent.due_date) == (DAY, DAY + timedelta(days=14))

    def test_a_draft_of_last_week_is_dated_today(self, bench: Bench):
        made = in_state(bench, "DRAFT")
        bench.studio.clock.now += timedelta(days=7)
        assert bench.send(made.id).issue_date == TODAY + timedelta(days=7)

    @pytest.mark.parametrize(
        ("of_client", "of_studio", "days"),
        [(None, None, 14), (None, 30, 30), ("Net 7", 30, 7), ("Due on receipt", 30, 0)],
    )
    def test_it_is_due_by_the_clients_terms_else_the_studios(self, bench: Bench, of_client, of_studio, days):
        bench.client_is(default_payment_terms=of_client)
        bench.studio_is(payment_terms_days=of_studio)
        assert bench.sent().due_date == TODAY + timedelta(days=days)

    def test_a_due_date_that_somebody_chose_stays(self, bench: Bench):
        assert bench.sent(due_date=date(2026, 12, 24)).due_date == date(2026, 12, 24)

    def test_a_due_date_that_is_past_is_refused(self, bench: Bench):
        made = bench.draft(lines=[FEE], due_date=TODAY).invoice
        bench.studio.clock.now += timedelta(days=7)
        with pytest.raises(Invalid) as refused:
            bench.send(made.id)
        assert "due_date" in refused.value.fields

    def test_a_client_who_requires_a_po_number_gets_one(self, bench: Bench):
        bench.client_is(require_po_number=True)
        made = bench.draft(lines=[FEE], po_number="  ").invoice
        with pytest.raises(Invalid) as refused:
            bench.send(made.id)
        assert "po_number" in refused.value.fields
        bench.change(made.id, po_number="PO-7")
        assert bench.send(made.id).number == "INV-0001"

    def test_the_prefix_is_the_studios_and_may_hold_the_day(self, bench: Bench):
        bench.studio_is(invoice_prefix="N/{{yyyy}}-{{yy}}{{mm}}{{dd}}/")
        assert bench.sent(issue_date=DAY).number == "N/2026-260601/0001"
        bench.studio_is(invoice_prefix="")
        assert bench.sent().number == "0002"

    def test_a_number_taken_under_another_prefix_is_refused_and_none_is_lost(self, bench: Bench):
        bench.studio_is(invoice_prefix="A0002")
        bench.sent()  # A00020001
        bench.sql("UPDATE invoice_series SET next = 20001 WHERE workspace_id = :workspace")
        bench.studio_is(invoice_prefix="A000")
        with pytest.raises(Conflict, match="taken"):
            bench.sent()
        assert bench.sql("SELECT next FROM invoice_series WHERE workspace_id = :workspace") == [(20001,)]

    def test_a_prefix_that_makes_a_number_look_like_a_drafts_is_refused(self, bench: Bench):
        bench.studio_is(invoice_prefix="DRAFT-ABCD")
        with pytest.raises(Conflict, match="prefix"):
            bench.sent()

    def test_the_ledger_of_numbers_never_changes(self, bench: Bench):
        bench.sent()
        for statement in ("UPDATE issued_numbers SET value = 7", "DELETE FROM issued_numbers"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                bench.sql(f"{statement} WHERE workspace_id = :workspace")

    def test_what_was_sent_stays_as_it_was_sent(self, bench: Bench):
        bench.log()
        made = bench.draft(lines=[FEE], tax_rate=Decimal(19))
        bench.client_is(name="Globex AG", billing_line1="New Street 1")
        sent = bench.send(made.invoice.id)
        assert (sent.bill_to_name, sent.bill_to_address) == ("Globex AG", "New Street 1")
        lines = [line.__dict__ | {"_sa_instance_state": None} for line in bench.lines(sent.id)]
        bench.client_is(
            name="Initrode", currency="JPY", billing_line1="Elsewhere", tax_number="X", default_rate=Decimal(1),
            default_tax_rate=Decimal(1), default_payment_terms="Net 90",
        )  # fmt: skip
        bench.studio_is(name="South", legal_name="South", rounding_minutes=60, default_tax_rate=Decimal(2), tax_id="Y")
        with bench.studio.context() as ctx:
            projects.change(ctx, bench.project, name="Site", hourly_rate=Decimal(1))
        after = bench.read(sent.id)
        kept = {name: getattr(after, name) for name in columns_of(Invoice)}
        assert kept == {name: getattr(sent, name) for name in kept}
        assert [line.__dict__ | {"_sa_instance_state": None} for line in bench.lines(sent.id)] == lines


class TestMarkPaid:
    def test_what_is_left_is_settled_without_a_payment(self, bench: Bench):
        sent = bench.sent("100")
        bench.pay(sent.id, "30")
        paid = bench.mark_paid(sent.id)
        assert (paid.status, paid.payment_status) == ("PAID", "paid")
        assert (paid.amount_paid, paid.settled, paid.paid_at) == (100, 70, bench.studio.clock.now)
        assert bench.events(sent.id)[-1] == "invoice.paid"
        assert bench.sql("SELECT sum(amount) FROM payments WHERE workspace_id = :workspace") == [(30,)]
        stored = bench.read(sent.id)
        assert (stored.payment_status, stored.settled) == ("paid", 70)

    def test_an_invoice_over_nothing_can_be_paid(self, bench: Bench):
        assert bench.mark_paid(bench.sent("0").id).payment_status == "paid"


class TestCancel:
    def test_the_work_is_free_the_number_used_and_the_lines_remembered(self, bench: Bench):
        entry_id, expense_id = bench.log(), bench.spend("5")
        sent = bench.send(bench.draft(include_expenses=True).invoice.id)
        cancelled = bench.cancel(sent.id)
        assert (cancelled.status, cancelled.sent_at, cancelled.number) == ("CANCELLED", None, "INV-0001")
        assert cancelled.cancelled_at == bench.studio.clock.now
        assert bench.entry(entry_id).invoice_id is None
        assert bench.expense(expense_id).invoice_id is None
        assert [(line.entry_ids, line.expense_ids) for line in bench.lines(sent.id)] == [
            ((entry_id,), ()),
            ((), (expense_id,)),
        ]
        again = bench.send(bench.draft().invoice.id)
        assert (again.number, again.total) == ("INV-0002", 90)

    def test_payments_come_first(self, bench: Bench):
        sent = bench.sent("100")
        bench.pay(sent.id, "30")
        with pytest.raises(Conflict, match="Delete them before you cancel it"):
            bench.cancel(sent.id)
        assert bench.read(sent.id).status == "SENT"

    def test_a_paid_invoice_stays(self, bench: Bench):
        with pytest.raises(Conflict, match="Paid invoices cannot become Cancelled"):
            bench.cancel(in_state(bench, "PAID").id)


class TestRestore:
    def test_a_draft_again_with_its_work_and_a_fresh_number_when_sent(self, bench: Bench):
        entry_id, expense_id = bench.log(), bench.spend("5")
        made = bench.draft(include_expenses=True, lines=[FEE], issue_date=DAY, due_date=DAY, tax_rate=Decimal(10))
        before = bench.lines(made.invoice.id)
        bench.send(made.invoice.id)
        bench.cancel(made.invoice.id)
        restored = bench.restore(made.invoice.id)
        back = restored.invoice
        assert (back.status, back.cancelled_at, restored.warnings) == ("DRAFT", None, [])
        assert back.number.startswith("DRAFT-")
        assert (back.issue_date, back.issue_date_given, back.due_date) == (TODAY, False, None)
        assert back.total == made.invoice.total
        shown = [(line.description, line.total, line.entry_ids, line.expense_ids) for line in restored.lines]
        assert shown == [(line.description, line.total, line.entry_ids, line.expense_ids) for line in before]
        assert bench.entry(entry_id).invoice_id == bench.expense(expense_id).invoice_id == back.id
        assert bench.send(back.id).number == "INV-0002"
        ledger = bench.sql(
            "SELECT value, number FROM issued_numbers WHERE workspace_id = :workspace AND invoice_id = :id ORDER BY 1",
            id=back.id,
        )
        assert ledger == [(1, "INV-0001"), (2, "INV-0002")]
        assert bench.events(back.id)[-2:] == ["invoice.restored", "invoice.sent"]

    def test_work_that_is_gone_is_left_out_with_a_warning(self, bench: Bench):
        kept, deleted, unbillable = bench.log(3600), bench.log(7200), bench.log(60)
        billed, removed = bench.spend("5"), bench.spend("7")
        made = bench.draft(include_expenses=True).invoice
        bench.cancel(made.id)
        with bench.studio.context() as ctx:
            time_entries.delete(ctx, deleted)
            time_entries.change(ctx, unbillable, billable=False)
            expenses.delete(ctx, removed)
        other = bench.draft(project_ids=[], lines=[FEE])
        bench.sql("UPDATE expenses SET invoice_id = :other WHERE id = :id", other=other.invoice.id, id=billed)
        restored = bench.restore(made.id)
        (warning,) = restored.warnings
        assert warning.code == "work_gone"
        assert sorted(warning.entry_ids) == sorted([deleted, unbillable])
        assert sorted(warning.expense_ids) == sorted([billed, removed])
        assert [(line.kind, line.quantity, line.entry_ids) for line in restored.lines] == [("TIME", 1, (kept,))]
        assert restored.invoice.total == 90

    def test_work_billed_elsewhere_meanwhile_stays_there(self, bench: Bench):
        entry_id = bench.log()
        first = bench.draft(lines=[FEE]).invoice
        bench.cancel(first.id)
        second = bench.draft().invoice
        restored = bench.restore(first.id)
        assert amounts(restored.lines) == [100]
        assert restored.warnings[0].entry_ids == (entry_id,)
        assert bench.entry(entry_id).invoice_id == second.id

    def test_work_that_was_corrected_meanwhile_comes_back_as_it_is_now(self, bench: Bench):
        entry_id = bench.log()
        made = bench.draft().invoice
        bench.cancel(made.id)
        with bench.studio.context() as ctx:
            time_entries.change(ctx, entry_id, duration_seconds=1800)
        assert bench.restore(made.id).invoice.total == 45

    def test_with_all_its_work_gone_it_cannot_be_sent(self, bench: Bench):
        entry_id = bench.log()
        made = bench.draft().invoice
        bench.cancel(made.id)
        with bench.studio.context() as ctx:
            time_entries.delete(ctx, entry_id)
        restored = bench.restore(made.id)
        assert (restored.lines, restored.invoice.total) == ([], 0)
        with pytest.raises(Invalid, match="at least one line"):
            bench.send(made.id)

    def test_a_discount_that_is_too_much_for_what_is_left_shrinks_with_a_warning(self, bench: Bench):
        entry_id = bench.log()
        made = bench.draft(lines=[CustomLine("Bit", Decimal(1), Decimal(10))], discount=Discount(amount=Decimal(50)))
        bench.cancel(made.invoice.id)
        with bench.studio.context() as ctx:
            time_entries.delete(ctx, entry_id)
        restored = bench.restore(made.invoice.id)
        assert (restored.invoice.discount_amount, restored.invoice.total) == (10, 0)
        assert [warning.code for warning in restored.warnings] == ["work_gone", "discount_reduced"]

    def test_work_added_meanwhile_is_not_taken(self, bench: Bench):
        bench.log()
        made = bench.draft().invoice
        bench.cancel(made.id)
        bench.log()
        assert bench.restore(made.id).invoice.total == 90


def test_a_stranger_finds_nothing_to_move(bench: Bench, other_studio):
    made = in_state(bench, "DRAFT")
    for verb in (lifecycle.mark_sent, lifecycle.mark_paid, lifecycle.cancel, lifecycle.restore, invoice.lines_of):
        with other_studio.context() as ctx, pytest.raises(NotFound):
            verb(ctx, made.id)


class TestFailure:
    """E5: a failure leaves nothing marked, wherever it happens."""

    @pytest.mark.parametrize("verb", ["draft", "send", "cancel", "restore"])
    def test_a_failure_after_any_statement_leaves_everything_as_it_was(self, bench: Bench, verb: str):
        bench.log()
        bench.spend("5")
        made = None if verb == "draft" else bench.draft(include_expenses=True, lines=[FEE]).invoice
        if verb == "restore":
            bench.cancel(made.id)
        acts = {
            "draft": lambda ctx: draft.draft(ctx, client_id=bench.client, include_expenses=True),
            "send": lambda ctx: lifecycle.mark_sent(ctx, made.id),
            "cancel": lambda ctx: lifecycle.cancel(ctx, made.id),
            "restore": lambda ctx: lifecycle.restore(ctx, made.id),
        }
        before = self.world(bench)
        for allowed in range(100):
            try:
                with bench.studio.context("manager") as ctx:
                    Counted(ctx, allowed)
                    acts[verb](ctx)
            except ConnectionError:
                assert self.world(bench) == before
            else:
                break
        assert 3 < allowed < 99
        assert self.world(bench) != before

    def world(self, bench: Bench) -> list[object]:
        tables = ("invoices", "invoice_lines", "billed_work", "time_entries", "expenses", "issued_numbers", "events")
        rows = [
            bench.sql(f"SELECT * FROM {table} WHERE workspace_id = :workspace ORDER BY 1, 2, 3") for table in tables
        ]
        return [*rows, bench.sql("SELECT next FROM invoice_series WHERE workspace_id = :workspace")]
