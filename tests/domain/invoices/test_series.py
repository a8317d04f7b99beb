"""Series of numbers: how they are written, how they begin anew each year, and with which number they go on."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tallystick.domain.access import Permission
from tallystick.domain.invoices import lifecycle, series
from tallystick.domain.invoices.draft import CustomLine
from tallystick.domain.invoices.series import KINDS, Series
from tallystick.values.errors import Forbidden, Invalid
from tests.domain.invoices.conftest import Bench

FEE = CustomLine("Fee", Decimal(1), Decimal(100))


def change(bench: Bench, kind: Any = "invoice", who: str = "admin", **facts: Any) -> Series:
    with bench.studio.context(who) as ctx:
        return series.change(ctx, kind, **facts)


def both(bench: Bench) -> dict[str, Series]:
    with bench.studio.context() as ctx:
        return {one.kind: one for one in series.read(ctx)}


def values(bench: Bench) -> list[tuple[str, int, str]]:
    return bench.sql("SELECT series, value, number FROM issued_numbers WHERE workspace_id = :workspace ORDER BY 1, 2")


class TestWriting:
    def test_both_begin_at_1_with_four_digits(self, bench: Bench):
        shown = both(bench)
        assert tuple(shown) == KINDS
        assert [one.next_number for one in shown.values()] == ["INV-0001", "CN-0001"]

    def test_prefix_and_digits_are_the_studios(self, bench: Bench):
        bench.sent()
        shown = change(bench, prefix="N/{{yy}}{{mm}}{{dd}}/", digits=2)
        assert shown.next_number == "N/260615/02"
        assert bench.sent().number == "N/260615/02"
        assert both(bench)["credit_note"].next_number == "CN-0001"

    def test_more_numbers_than_digits_are_written_in_full(self, bench: Bench):
        change(bench, digits=1, next=12)
        assert bench.sent().number == "INV-12"

    @pytest.mark.parametrize(
        ("facts", "field"),
        [
            ({"prefix": "N{{month}}-"}, "prefix"),
            ({"prefix": "x" * 61}, "prefix"),
            ({"prefix": "a\nb"}, "prefix"),
            ({"digits": 0}, "digits"),
            ({"digits": 13}, "digits"),
            ({"yearly_reset": True}, "prefix"),
            ({"next": 0}, "next"),
            ({"next": 10**12}, "next"),
        ],
    )
    def test_what_cannot_be_is_refused(self, bench: Bench, facts: dict[str, Any], field: str):
        with pytest.raises(Invalid) as refused:
            change(bench, **facts)
        assert field in refused.value.fields

    def test_managers_read_and_do_not_change(self, bench: Bench):
        assert bench.studio.actor("manager").may(Permission.READ_WORKSPACE)
        with pytest.raises(Forbidden):
            change(bench, who="manager", digits=5)


class TestNext:
    def test_it_goes_on_where_somebody_says_and_the_gap_is_written_down(self, bench: Bench):
        bench.sent()
        assert change(bench, next=120).next_number == "INV-0120"
        assert bench.sent().number == "INV-0120"
        assert [value for _, value, _ in values(bench)] == [1, 120]
        jumps = bench.sql("SELECT series, value FROM number_jumps WHERE workspace_id = :workspace")
        assert jumps == [("invoice", 120)]

    def test_not_with_one_that_was_used_nor_below_the_highest(self, bench: Bench):
        change(bench, next=5)
        bench.sent()
        for value in (1, 5):
            with pytest.raises(Invalid):
                change(bench, next=value)
        assert change(bench, next=6).next == 6

    def test_not_with_one_that_reads_like_one_of_before(self, bench: Bench):
        change(bench, prefix="A", digits=1, next=11)
        bench.sent()  # A11
        change(bench, prefix="A1", yearly_reset=False)
        bench.sql("UPDATE invoice_series SET next = 1 WHERE workspace_id = :workspace")
        bench.sql("SELECT 1")
        with pytest.raises(Invalid) as refused:
            change(bench, "credit_note", prefix="A", digits=1, next=11)
        assert refused.value.fields == {"next": "A11 was used already"}

    def test_a_step_back_over_numbers_that_nobody_got_is_fine(self, bench: Bench):
        change(bench, next=500)
        assert change(bench, next=2).next == 2
        assert bench.sent().number == "INV-0002"


class TestYears:
    def test_the_count_begins_anew_with_the_year_of_the_issue_date(self, bench: Bench):
        change(bench, prefix="{{yyyy}}-", yearly_reset=True)
        assert bench.sent().number == "2026-0001"
        bench.studio.clock.now = datetime(2027, 1, 4, 9, tzinfo=UTC)
        assert bench.sent().number == "2027-0001"
        assert bench.sent(issue_date=date(2026, 12, 31)).number == "2026-0002"
        assert bench.sent().number == "2027-0002"
        assert values(bench) == [
            ("invoice/2026", 1, "2026-0001"),
            ("invoice/2026", 2, "2026-0002"),
            ("invoice/2027", 1, "2027-0001"),
            ("invoice/2027", 2, "2027-0002"),
        ]

    def test_the_year_is_the_workspaces(self, bench: Bench):
        change(bench, prefix="{{yyyy}}-", yearly_reset=True)
        bench.studio.clock.now = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)  # in Berlin it is 2027
        assert both(bench)["invoice"].next_number == "2027-0001"
        assert bench.sent().number == "2027-0001"

    def test_it_goes_on_within_the_year_in_which_it_is_switched_and_back(self, bench: Bench):
        change(bench, prefix="{{yyyy}}-")
        assert bench.sent().number == "2026-0001"
        assert change(bench, yearly_reset=True).next_number == "2026-0002"
        assert bench.sent().number == "2026-0002"
        assert change(bench, yearly_reset=False).next_number == "2026-0003"
        assert bench.sent().number == "2026-0003"

    def test_a_prefix_that_loses_its_year_is_refused_meanwhile(self, bench: Bench):
        change(bench, prefix="{{yy}}-", yearly_reset=True)
        with pytest.raises(Invalid) as refused:
            change(bench, prefix="N-")
        assert "year" in refused.value.fields["prefix"]


def test_who_changes_a_series_waits_for_who_issues(bench: Bench):
    """16 send while four switch the series to and fro: every number is one of a series, once, without a hole."""
    change(bench, prefix="{{yyyy}}-")
    drafts = iter([bench.draft(lines=[FEE]).invoice.id for _ in range(16)])
    switches = iter([True, False, True, False])
    turns = iter(["switch", "send", "send", "send", "send"] * 4)

    def act(ctx: Any) -> Any:
        if next(turns) == "switch":
            return series.change(ctx, "invoice", yearly_reset=next(switches))
        return lifecycle.mark_sent(ctx, next(drafts))

    answers = bench.refused(20, act)
    assert not [one for one in answers if isinstance(one, Exception)]
    numbers = sorted(number for _, _, number in values(bench))
    assert numbers == [f"2026-{value:04d}" for value in range(1, 17)]
