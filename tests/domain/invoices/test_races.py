"""Many at once: work is billed once, numbers leave no hole; and each guard is seen to fail when it is taken away."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from tallystick.db.session import Prepared, owner_connection
from tallystick.domain import time_entries
from tallystick.domain.context import Context
from tallystick.domain.invoices import draft, invoice, lifecycle, series, work
from tallystick.domain.invoices.draft import CustomLine, Draft
from tallystick.domain.invoices.invoice import Invoice
from tallystick.values.errors import Conflict, Invalid, NotFound, Refusal
from tests.domain.invoices.conftest import Bench
from tests.studio import Studio

FEE = CustomLine("Fee", Decimal(1), Decimal(100))


def billed_once(bench: Bench) -> None:
    """What the record must say of billed work, whatever happened (E4)."""
    twice = bench.sql("""
        SELECT entry_id FROM billed_work WHERE workspace_id = :workspace AND released_at IS NULL
        GROUP BY entry_id HAVING count(*) > 1
    """)
    assert twice == []
    unlike = bench.sql("""
        SELECT entry.id, entry.invoice_id, held.invoice_id
        FROM time_entries AS entry
        FULL JOIN (SELECT * FROM billed_work WHERE released_at IS NULL) AS held ON held.entry_id = entry.id
        WHERE COALESCE(entry.workspace_id, held.workspace_id) = :workspace
          AND entry.invoice_id IS DISTINCT FROM held.invoice_id
    """)
    assert unlike == []
    drifted = bench.sql("""
        SELECT work.id FROM billed_work AS work JOIN time_entries AS entry ON entry.id = work.entry_id
        WHERE work.workspace_id = :workspace AND released_at IS NULL AND work.seconds <> entry.duration_seconds
    """)
    assert drifted == []
    wrong = bench.sql("""
        SELECT invoices.id FROM invoices LEFT JOIN invoice_lines AS line ON line.invoice_id = invoices.id
        WHERE invoices.workspace_id = :workspace
        GROUP BY invoices.id HAVING invoices.subtotal <> COALESCE(sum(line.total), 0)
    """)
    assert wrong == []


def no_hole(bench: Bench) -> None:
    """Numbers of issued invoices are 1..n, each drawn once (E6)."""
    values = [
        value
        for (value,) in bench.sql("SELECT value FROM issued_numbers WHERE workspace_id = :workspace ORDER BY value")
    ]
    assert values == list(range(1, len(values) + 1))
    sent = bench.sql("SELECT number FROM invoices WHERE workspace_id = :workspace AND status = 'SENT' ORDER BY 1")
    assert [number for (number,) in sent] == [f"INV-{value:04}" for value in values]


class TestBilledOnce:
    def test_of_16_drafts_over_the_same_1000_entries_one_has_them(self, bench: Bench):
        bench.log_many(1_000)
        answers = bench.refused(16, lambda ctx: draft.draft(ctx, client_id=bench.client))
        (made,) = [answer for answer in answers if isinstance(answer, Draft)]
        refusals = [answer for answer in answers if isinstance(answer, Refusal)]
        assert all(isinstance(refusal, Invalid) and "nothing to bill" in refusal.message for refusal in refusals)
        assert made.invoice.total == 90_000
        assert len(made.lines[0].entry_ids) == 1_000
        billed_once(bench)

    def test_drafts_cancels_restores_deletions_and_edits_at_once_keep_the_record_straight(self, bench: Bench):
        ids = [bench.log(600 + number) for number in range(40)]
        for _ in range(4):
            bench.draft(lines=[FEE])
        dice = random.Random(7)
        made = [identity for (identity,) in bench.sql("SELECT id FROM invoices WHERE workspace_id = :workspace")]
        plans: list[Callable[[Context], Any]] = []
        for number in range(64):
            invoice_id, entry_id = dice.choice(made), dice.choice(ids)
            plans.append(
                dice.choice(
                    [
                        lambda ctx: draft.draft(ctx, client_id=bench.client, lines=[FEE]),
                        lambda ctx, i=invoice_id: lifecycle.cancel(ctx, i),
                        lambda ctx, i=invoice_id: lifecycle.restore(ctx, i),
                        lambda ctx, i=invoice_id: draft.delete(ctx, i),
                        lambda ctx, i=invoice_id: draft.change(ctx, i, grouping="ITEMIZED"),
                        lambda ctx, e=entry_id, n=number: time_entries.change(ctx, e, duration_seconds=n),
                    ]
                )
            )
        steps = iter(plans)

        def step(ctx: Context) -> Any:
            return next(steps)(ctx)

        for _ in range(4):
            answers = bench.refused(16, step)
            assert all(isinstance(one, Conflict | Invalid | NotFound) for one in answers if isinstance(one, Refusal))
            billed_once(bench)
        # That work is released at the end is luck: a restored invoice has it again.
        happened = bench.sql(
            "SELECT DISTINCT type FROM events WHERE workspace_id = :workspace AND resource = 'invoice'"
        )
        assert {"invoice.cancelled", "invoice.deleted"} & {what for (what,) in happened}

    def test_without_the_lock_the_index_still_refuses(self, bench: Bench, monkeypatch: pytest.MonkeyPatch):
        bench.log_many(10)
        pick_without_lock(monkeypatch, callers=4)
        answers = bench.refused(4, lambda ctx: draft.draft(ctx, client_id=bench.client))
        assert sum(isinstance(answer, Draft) for answer in answers) == 1
        assert sum(isinstance(answer, Conflict) for answer in answers) == 3
        billed_once(bench)

    def test_without_lock_count_and_index_work_is_billed_twice(
        self, own_database: tuple[Bench, str], monkeypatch: pytest.MonkeyPatch
    ):
        """The guards seen to fail."""
        bench, url = own_database
        bench.log_many(10)
        pick_without_lock(monkeypatch, callers=4)
        careless = work._BILL_ENTRIES.sql.replace("AND entry.invoice_id IS NULL", "")
        monkeypatch.setattr(work, "_BILL_ENTRIES", as_it_is(careless))
        with owner_connection(url) as connection:
            connection.execute("DROP INDEX uq_billed_work_entry")
        answers = bench.refused(4, lambda ctx: draft.draft(ctx, client_id=bench.client))
        assert sum(isinstance(answer, Draft) for answer in answers) == 4
        with pytest.raises(AssertionError):
            billed_once(bench)

    def test_whoever_waits_too_long_is_told(self, bench: Bench):
        bench.log()
        with bench.studio.context() as holder:
            draft.draft(holder, client_id=bench.client)
            with bench.studio.context() as ctx:
                ctx.connection.execute("SET LOCAL lock_timeout = '10ms'")
                with pytest.raises(Conflict, match="at this moment"):
                    draft.draft(ctx, client_id=bench.client)


class TestNumbers:
    def test_16_senders_at_once_draw_16_numbers_without_a_hole(self, bench: Bench):
        made = iter([bench.draft(lines=[FEE]).invoice.id for _ in range(16)])
        answers = bench.refused(16, lambda ctx: lifecycle.mark_sent(ctx, next(made)))
        assert sorted(answer.number for answer in answers) == [f"INV-{value:04}" for value in range(1, 17)]
        no_hole(bench)

    def test_an_invoice_sent_by_16_at_once_is_sent_once(self, bench: Bench):
        made = bench.draft(lines=[FEE]).invoice.id
        answers = bench.refused(16, lambda ctx: lifecycle.mark_sent(ctx, made))
        assert sum(isinstance(answer, Invoice) for answer in answers) == 1
        assert all(isinstance(answer, Conflict) for answer in answers if isinstance(answer, Refusal))
        no_hole(bench)

    def test_what_is_rolled_back_burns_no_number(self, bench: Bench):
        answers = bench.refused(20, some_fail(bench))
        assert sum(isinstance(answer, Invoice) for answer in answers) == 15
        no_hole(bench)

    def test_a_sequence_instead_of_the_locked_row_leaves_holes(
        self, own_database: tuple[Bench, str], monkeypatch: pytest.MonkeyPatch
    ):
        """The guard seen to fail."""
        bench, url = own_database
        with owner_connection(url) as connection:
            connection.execute("CREATE SEQUENCE careless")
            connection.execute("GRANT USAGE ON careless TO tallystick_app")
        monkeypatch.setattr(series, "_DRAW", Prepared(text("SELECT nextval('careless')")))
        bench.refused(20, some_fail(bench))
        with pytest.raises(AssertionError):
            no_hole(bench)

    def test_a_number_read_without_the_lock_is_drawn_twice_and_refused_by_the_ledger(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ):
        """The guard seen to fail: nobody gets a wrong number, but somebody gets none."""
        made = iter([bench.draft(lines=[FEE]).invoice.id for _ in range(2)])
        read = "SELECT COALESCE(max(value), 0) + 1 FROM issued_numbers WHERE workspace_id = :workspace"
        monkeypatch.setattr(series, "_DRAW", Prepared(text(read)))
        have_read, real = threading.Barrier(2), series.on_day

        def wait(prefix: str, day: Any) -> str:
            have_read.wait(30)
            return real(prefix, day)

        monkeypatch.setattr(series, "on_day", wait)
        with pytest.raises(psycopg.errors.UniqueViolation):
            bench.refused(2, lambda ctx: lifecycle.mark_sent(ctx, next(made)))

    def test_two_studios_do_not_wait_for_each_other(self, bench: Bench, other_studio: Studio):
        other = Bench(other_studio)
        mine, theirs = bench.draft(lines=[FEE]).invoice, other.draft(lines=[FEE]).invoice
        with bench.studio.context() as ctx:
            assert lifecycle.mark_sent(ctx, mine.id).number == "INV-0001"
            assert other.send(theirs.id).number == "INV-0001"


def test_a_sender_and_a_changer_at_once_leave_a_sent_invoice_that_adds_up(bench: Bench):
    for _ in range(5):
        made = bench.draft(lines=[FEE]).invoice.id
        acts = iter(
            [
                lambda ctx, i=made: lifecycle.mark_sent(ctx, i),
                lambda ctx, i=made: draft.change(ctx, i, lines=[FEE, FEE]),
                lambda ctx, i=made: lifecycle.cancel(ctx, i),
                lambda ctx, i=made: draft.duplicate(ctx, i),
            ]
        )

        def act(ctx: Context, acts: Iterator[Callable[[Context], Any]] = acts) -> Any:
            return next(acts)(ctx)

        bench.refused(4, act)
        after = bench.read(made)
        assert after.subtotal == sum(line.total for line in bench.lines(made))
        assert after.status in invoice.STATUSES


def some_fail(bench: Bench) -> Callable[[Context], Invoice]:
    """Send one of twenty drafts; every fourth sender changes their mind after the number was drawn."""
    made = enumerate([bench.draft(lines=[FEE]).invoice.id for _ in range(20)])

    def send(ctx: Context) -> Invoice:
        number, invoice_id = next(made)
        sent = lifecycle.mark_sent(ctx, invoice_id)
        if number % 4 == 0:
            raise Conflict("Changed my mind.")
        return sent

    return send


def pick_without_lock(monkeypatch: pytest.MonkeyPatch, *, callers: int) -> None:
    """Take the row locks out, and let everyone pick before anyone writes."""
    monkeypatch.setattr(work, "_PICK_ENTRIES", as_it_is(work._PICK_ENTRIES.sql.replace("FOR UPDATE OF entry", "")))
    have_picked, real = threading.Barrier(callers), work.plan

    def plan(*args: Any) -> Any:
        have_picked.wait(30)
        return real(*args)

    monkeypatch.setattr(work, "plan", plan)


def as_it_is(sql: str) -> Prepared:
    """A statement of the driver's own SQL."""
    return Prepared(sql)
