"""Payments, credit notes, refunds, credit and write-offs in any order: the record says what a small model says."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from tallystick.cli.doctor import examine
from tallystick.db.session import Database
from tallystick.domain import client_credit, payments, refunds
from tallystick.domain.credit_notes.credit import CreditLine, credit
from tallystick.domain.invoices import balance, lifecycle
from tallystick.domain.invoices.draft import CustomLine
from tallystick.values.errors import Refusal
from tests.domain.invoices.conftest import Bench
from tests.studio import KEY, found_studio

TODAY = date(2026, 6, 15)
LINES = (60, 40)
amounts = st.integers(1, 130)
places = st.integers(0, 7)


@dataclass
class Paid:
    """A payment as the model has it."""

    id: str
    amount: int
    surplus: int = 0
    from_credit: bool = False
    refunds: list[list[Any]] = field(default_factory=list)
    """[id, amount, of which from credit]."""

    @property
    def left(self) -> int:
        return self.amount - sum(one[1] for one in self.refunds)


@dataclass
class Sheet:
    """An invoice over 100 as the model has it."""

    id: str
    lines: list[str]
    credited: list[int] = field(default_factory=lambda: [0, 0])
    paid: list[Paid] = field(default_factory=list)
    settled: int = 0
    given: int = 0
    """What of the money for it is the client's credit."""
    lost: int = 0

    @property
    def received(self) -> int:
        return sum(one.left for one in self.paid) + self.settled - self.given

    @property
    def returned(self) -> int:
        return sum(one.amount - one.left for one in self.paid)

    @property
    def open(self) -> int:
        return 100 - self.received - sum(self.credited) - self.lost

    @property
    def status(self) -> str:
        """By its amounts alone, whatever came first."""
        if self.open > 0 or self.lost:
            return "SENT"
        return "PAID" if self.received + self.given + self.returned else "CANCELLED"


class Money(RuleBasedStateMachine):
    """Three invoices of one client, and whatever people do with them."""

    database: Database
    url: str

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench(found_studio(self.database, KEY))
        self.credit = 0
        self.sheets: list[Sheet] = []
        for _ in range(3):
            lines = [CustomLine(f"Part of {amount}", Decimal(1), Decimal(amount)) for amount in LINES]
            sent = self.bench.send(self.bench.draft(project_ids=[], lines=lines).invoice.id)
            self.sheets.append(Sheet(sent.id, [line.id for line in self.bench.lines(sent.id)]))

    def attempt(self, allowed: bool, verb: Any, *words: Any, **facts: Any) -> Any:
        """Do it; it is refused exactly where the model says so."""
        with contextlib.ExitStack() as stack:
            if not allowed:
                stack.enter_context(pytest.raises(Refusal))
            with self.bench.studio.context() as ctx:
                return verb(ctx, *words, **facts)
        return None

    @rule(at=st.integers(0, 2), amount=amounts, over=st.booleans())
    def pay(self, at: int, amount: int, over: bool) -> None:
        sheet = self.sheets[at]
        may = sheet.status != "CANCELLED" and not sheet.lost and (over or amount <= sheet.open)
        words = {"amount": Decimal(amount), "paid_on": TODAY, "overpayment": "credit" if over else None}
        done = self.attempt(may, payments.record, sheet.id, **words)
        if done:
            surplus = max(amount - sheet.open, 0)
            sheet.paid.append(Paid(done[0].id, amount, surplus))
            sheet.given += surplus
            self.credit += surplus

    @rule(at=st.integers(0, 2), amount=amounts)
    def spend(self, at: int, amount: int) -> None:
        sheet = self.sheets[at]
        may = sheet.status == "SENT" and not sheet.lost and amount <= min(self.credit, sheet.open)
        done = self.attempt(may, payments.apply_credit, sheet.id, amount=Decimal(amount))
        if done:
            sheet.paid.append(Paid(done[0].id, amount, from_credit=True))
            self.credit -= amount

    @rule(at=st.integers(0, 2), line=st.integers(0, 1), amount=amounts)
    def credit_line(self, at: int, line: int, amount: int) -> None:
        sheet = self.sheets[at]
        left = LINES[line] - sheet.credited[line]
        may = sheet.status in ("SENT", "PAID") and not sheet.lost and amount <= left
        lines = [CreditLine(sheet.lines[line], Decimal(amount))]
        if self.attempt(may, credit, sheet.id, reason="Wrong", lines=lines):
            surplus = max(amount - sheet.open, 0)
            sheet.credited[line] += amount
            sheet.given += surplus
            self.credit += surplus

    @rule(at=st.integers(0, 2), place=places, amount=amounts)
    def refund(self, at: int, place: int, amount: int) -> None:
        sheet = self.sheets[at]
        if not sheet.paid:
            return
        paid = sheet.paid[place % len(sheet.paid)]
        from_credit = max(min(amount, self.credit, sheet.given), 0)
        may = not paid.from_credit and amount <= paid.left and amount - from_credit <= sheet.received
        words = {"amount": Decimal(amount), "refunded_on": TODAY}
        done = self.attempt(may, refunds.record, sheet.id, paid.id, **words)
        if done:
            paid.refunds.append([done[0].id, amount, from_credit])
            sheet.given -= from_credit
            self.credit -= from_credit

    @rule(at=st.integers(0, 2), place=places)
    def forget_refund(self, at: int, place: int) -> None:
        sheet = self.sheets[at]
        returned = [(paid, one) for paid in sheet.paid for one in paid.refunds]
        if not returned:
            return
        paid, one = returned[place % len(returned)]
        again = one[1] - one[2]
        may = again <= sheet.open and sheet.status != "CANCELLED"
        if self.attempt(may, refunds.delete, sheet.id, paid.id, one[0]):
            paid.refunds.remove(one)
            sheet.given += one[2]
            self.credit += one[2]

    @rule(at=st.integers(0, 2), place=places)
    def forget_payment(self, at: int, place: int) -> None:
        sheet = self.sheets[at]
        if not sheet.paid:
            return
        paid = sheet.paid[place % len(sheet.paid)]
        money = sheet.received - sheet.settled
        kept = money + sheet.given - paid.left
        surplus = max(paid.surplus - sum(one[2] for one in paid.refunds), 0)
        back = max(min(surplus, sheet.given), sheet.given - kept)
        has = self.credit + (paid.amount if paid.from_credit else 0)
        if self.attempt(back <= has, payments.delete, sheet.id, paid.id):
            sheet.paid.remove(paid)
            self.credit = has - back
            sheet.given -= back
            if kept - sheet.given != money:
                sheet.settled = 0

    @rule(at=st.integers(0, 2))
    def settle(self, at: int) -> None:
        sheet = self.sheets[at]
        if self.attempt(sheet.status == "SENT" and not sheet.lost, lifecycle.mark_paid, sheet.id):
            sheet.settled += sheet.open

    @rule(at=st.integers(0, 2))
    def write_off(self, at: int) -> None:
        sheet = self.sheets[at]
        if self.attempt(sheet.open > 0, balance.write_off, sheet.id, reason="Insolvent"):
            sheet.lost += sheet.open

    @precondition(lambda self: any(sheet.lost for sheet in self.sheets))
    @rule()
    def expect_again(self) -> None:
        sheet = next(sheet for sheet in self.sheets if sheet.lost)
        self.attempt(True, balance.expect_again, sheet.id)
        sheet.lost = 0

    @invariant()
    def the_record_says_the_same(self) -> None:
        for sheet in self.sheets:
            found = self.bench.read(sheet.id)
            assert (found.status, found.amount_paid, found.amount_refunded, found.amount_credited, found.balance) == (
                sheet.status, sheet.received, sheet.returned, sum(sheet.credited), sheet.open,
            )  # fmt: skip
        with self.bench.studio.context() as ctx:
            assert client_credit.available(ctx, self.bench.client, "EUR") == self.credit >= 0

    def teardown(self) -> None:
        findings = examine(self.url, now=datetime.now(UTC), workspace_id=self.bench.studio.workspace_id)
        assert [(one.rule, one.rows) for one in findings if not one.holds] == []


def test_whatever_people_do_with_money(database: Database, database_url: str) -> None:
    machine = type("Machine", (Money,), {"database": database, "url": database_url})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=12, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
