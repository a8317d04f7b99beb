"""Metrics as contract expensicat 6 has them, from invoices and expenses of the base currency."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tallystick.domain import expenses, payments
from tallystick.domain.credit_notes import credit
from tallystick.domain.credit_notes.credit import CreditLine
from tallystick.domain.invoices import draft, lifecycle
from tallystick.domain.invoices import invoice as invoices
from tests.expensicat.world import Expensicat
from tests.studio import Studio

TODAY = date(2026, 6, 15)
Of = Callable[..., Expensicat]


def issue(studio: Studio, amount: int, issued: date, due: date, *, client: str = "client", tax: int = 19) -> str:
    with studio.context() as ctx:
        made = draft.draft(
            ctx, client_id=studio.ids[client], project_ids=[], issue_date=issued, due_date=due,
            lines=[draft.CustomLine("Work", Decimal(1), Decimal(amount))], tax_rate=Decimal(tax),
        ).invoice  # fmt: skip
        return lifecycle.mark_sent(ctx, made.id).id


def spend(studio: Studio, amount: int, day: date, *, client: str = "client") -> None:
    with studio.context() as ctx:
        expenses.record(ctx, client_id=studio.ids[client], description="x", amount=Decimal(amount), expense_date=day)


class TestProfitLoss:
    def test_months_with_what_was_issued_and_spent_in_the_period(self, api: Expensicat, studio: Studio) -> None:
        issue(studio, 1000, date(2026, 4, 10), date(2026, 5, 1))
        issue(studio, 100, date(2026, 4, 9), date(2026, 5, 1))  # the day before
        issue(studio, 250, date(2026, 6, 15), date(2026, 7, 1))
        issue(studio, 9999, date(2026, 6, 1), date(2026, 7, 1), client="other_client")  # dollars
        spend(studio, 300, date(2026, 6, 1))
        spend(studio, 77, date(2026, 6, 1), client="other_client")
        with studio.context() as ctx:  # a draft is no revenue
            draft.draft(
                ctx, client_id=studio.ids["client"], project_ids=[],
                lines=[draft.CustomLine("x", Decimal(1), Decimal(5))],
            )  # fmt: skip
        found = api.get("/metrics/profit-loss", start_date="2026-04-10", end_date="2026-06-15")
        assert found == [
            {"period": "2026-04-01", "total_revenue": 1000, "total_expenses": 0, "net_profit_loss": 1000},
            {"period": "2026-05-01", "total_revenue": 0, "total_expenses": 0, "net_profit_loss": 0},
            {"period": "2026-06-01", "total_revenue": 250, "total_expenses": 300, "net_profit_loss": -50},
        ]

    def test_a_credit_note_takes_back_what_it_credits_in_its_own_month(self, api: Expensicat, studio: Studio) -> None:
        first = issue(studio, 1000, date(2026, 5, 10), date(2026, 5, 20))
        second = issue(studio, 300, date(2026, 5, 11), date(2026, 5, 20))
        with studio.context() as ctx:
            line = invoices.lines(ctx, first)[0].id
            credit.credit(ctx, first, reason="Late", lines=[CreditLine(line, Decimal(400))])
            assert credit.credit(ctx, second, reason="Never done")[1].status == "CANCELLED"
        found = api.get("/metrics/profit-loss", start_date="2026-05-01", end_date="2026-06-30")
        assert [month["total_revenue"] for month in found] == [1300, -700]
        aging = api.get("/metrics/invoice-aging")
        assert (aging["total_outstanding"], aging["invoice_count"]) == (714, 1), "600 and their tax"

    @pytest.mark.parametrize(
        ("params", "named"),
        [
            ({}, ["start_date", "end_date"]),
            ({"start_date": "2026-01-01"}, ["end_date"]),
            ({"start_date": "2026-02-01", "end_date": "2026-01-01"}, ["end_date"]),
            ({"start_date": "0001-01-01", "end_date": "9999-12-31"}, ["end_date"]),
            ({"start_date": "x", "end_date": "2026-01-01"}, ["start_date"]),
        ],
    )
    def test_a_period_is_needed(self, api: Expensicat, params: dict[str, str], named: list[str]) -> None:
        error = api.refused("GET", "/metrics/profit-loss", status=400, params=params)
        assert list(error["details"]) == named


def test_open_balances_by_when_they_are_due(api: Expensicat, studio: Studio) -> None:
    first = date(2026, 1, 1)
    for late, amount in ((-61, 1), (-60, 2), (-31, 4), (-14, 8), (0, 16), (1, 32), (30, 64), (31, 128), (61, 256)):
        issue(studio, amount, first, TODAY - timedelta(days=late), tax=0)
    issue(studio, 5000, first, TODAY, client="other_client", tax=0)
    cancelled = issue(studio, 1024, first, TODAY, tax=0)
    with studio.context() as ctx:
        lifecycle.cancel(ctx, cancelled)
        line = draft.CustomLine("Draft", Decimal(1), Decimal(2048))
        draft.draft(ctx, client_id=studio.ids["client"], project_ids=[], lines=[line], due_date=TODAY)
    paid = issue(studio, 512, first, TODAY, tax=0)
    with studio.context() as ctx:
        payments.record(ctx, paid, amount=Decimal(500), paid_on=TODAY)
    expected: dict[str, Any] = {
        "total_outstanding": 511 + 12,
        "invoice_count": 10,
        "current_amount": 1 + 2 + 4 + 8 + 16 + 12,
        "overdue_0_to_30": 32 + 64,
        "overdue_31_to_60": 128,
        "overdue_60_plus": 256,
        "expected_14_days": 8 + 16 + 12,
        "expected_30_days": 8 + 16 + 12,
        "expected_60_days": 2 + 4 + 8 + 16 + 12,
    }
    assert api.get("/metrics/invoice-aging") == expected


def test_a_member_learns_no_amounts(api_as: Of) -> None:
    member = api_as("member")
    member.refused("GET", "/metrics/invoice-aging", status=403)
    params = {"start_date": "2026-01-01", "end_date": "2026-01-02"}
    member.refused("GET", "/metrics/profit-loss", status=403, params=params)
