"""Drafts: which work is picked, how it becomes lines, what is summed up, and how a draft changes."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from tallystick.domain import expenses, projects, time_entries
from tallystick.domain.invoices import draft, invoice
from tallystick.domain.invoices.draft import CustomLine
from tallystick.domain.invoices.totals import Discount
from tallystick.values.errors import Conflict, Forbidden, Invalid, NotFound
from tests.domain.invoices.conftest import DAY, Bench, Counted, amounts
from tests.studio import Studio

FEE = CustomLine("Set-up", Decimal(1), Decimal("250.5"))


class TestWhatIsPicked:
    def test_unbilled_billable_work_of_the_client_is_billed_and_locked(self, bench: Bench):
        entry_id = bench.log(5400, task_id=bench.task)
        made = bench.draft()
        (line,) = made.lines
        assert (line.kind, line.description, line.quantity, line.unit) == (
            "TIME",
            "Website · Design",
            Decimal("1.5"),
            "h",
        )
        assert (line.rate, line.total, line.project_id, line.task_id) == (90, 135, bench.project, bench.task)
        assert line.entry_ids == (entry_id,)
        assert bench.entry(entry_id).invoice_id == made.invoice.id
        assert made.invoice.total == 135
        with pytest.raises(Conflict, match="Invoiced time entries are locked"), bench.studio.context() as ctx:
            time_entries.change(ctx, entry_id, duration_seconds=1)

    def test_other_work_is_not(self, bench: Bench):
        bench.log()
        bench.log(billable=False)
        bench.log(project=bench.studio.ids["hidden_project"])  # another client's
        bench.log(project=bench.new_project("Relaunch", rate_type="FIXED", fixed_fee_amount=Decimal(5000)))
        gone = bench.log()
        with bench.studio.context() as ctx:
            time_entries.delete(ctx, gone)
            time_entries.start(ctx, project_id=bench.project)
        assert bench.draft().invoice.total == 90

    def test_both_days_of_the_range_count(self, bench: Bench):
        for day in range(1, 6):
            bench.log(on=date(2026, 6, day), note=str(day))
        made = bench.draft(date_from=date(2026, 6, 2), date_to=date(2026, 6, 4), grouping="ITEMIZED")
        assert [line.description[-1] for line in made.lines] == ["2", "3", "4"]

    def test_a_range_that_ends_before_it_starts_is_refused(self, bench: Bench):
        with pytest.raises(Invalid) as refused:
            bench.draft(date_from=DAY, date_to=DAY - timedelta(days=1))
        assert "date_to" in refused.value.fields

    def test_only_the_chosen_projects_count(self, bench: Bench):
        bench.log()
        shop = bench.new_project("Shop")
        bench.log(7200, project=shop)
        assert bench.draft(project_ids=[shop]).invoice.total == 180

    def test_a_project_of_another_client_is_a_wrong_value(self, bench: Bench):
        bench.log()
        with pytest.raises(Invalid) as refused:
            bench.draft(project_ids=[bench.studio.ids["hidden_project"]])
        assert "project_ids" in refused.value.fields

    def test_a_client_of_another_studio_is_a_wrong_value(self, bench: Bench, other_studio: Studio):
        with pytest.raises(Invalid) as refused:
            bench.draft(client_id=other_studio.ids["client"])
        assert "client_id" in refused.value.fields

    def test_nothing_to_bill_is_said_with_what_to_do(self, bench: Bench):
        bench.log(on=DAY - timedelta(days=1))
        with pytest.raises(Invalid, match="There is nothing to bill: Globex has no unbilled work from 2026-06-01"):
            bench.draft(date_from=DAY)

    def test_an_empty_list_of_projects_means_only_lines_of_ones_own(self, bench: Bench):
        entry_id = bench.log()
        made = bench.draft(project_ids=[], lines=[FEE])
        assert amounts(made.lines) == [Decimal("250.5")]
        assert bench.entry(entry_id).invoice_id is None

    def test_members_may_not_draft_or_read(self, bench: Bench):
        made = bench.draft(project_ids=[], lines=[FEE])
        with bench.studio.context("member") as ctx:
            with pytest.raises(Forbidden):
                draft.draft(ctx, client_id=bench.client)
            with pytest.raises(Forbidden):
                invoice.read(ctx, made.invoice.id)
            with pytest.raises(Forbidden):
                invoice.lines_of(ctx, made.invoice.id)

    def test_another_studio_does_not_find_it(self, bench: Bench, other_studio: Studio):
        made = bench.draft(project_ids=[], lines=[FEE])
        with other_studio.context() as ctx, pytest.raises(NotFound):
            invoice.read(ctx, made.invoice.id)


class TestGrouping:
    @pytest.fixture(autouse=True)
    def work(self, bench: Bench) -> None:
        """Two projects, a task of the same name in each, two days."""
        app = bench.new_project("App")
        design = bench.new_task("Design", project=app)
        bench.log(3600, task_id=bench.task, note="Header")
        bench.log(1800, task_id=bench.task, on=DAY + timedelta(days=1), note="Footer")
        bench.log(3600, note="Call")
        bench.log(7200, project=app, task_id=design)

    @pytest.mark.parametrize(
        ("grouping", "expected"),
        [
            ("PROJECT", [("App", 2), ("Website", Decimal("2.5"))]),
            ("TASK", [("Design", Decimal("3.5")), ("Website", 1)]),
            ("PROJECT_TASK", [("App · Design", 2), ("Website", 1), ("Website · Design", Decimal("1.5"))]),
            (
                "PROJECT_TIME",
                [("App · 2026-06-01", 2), ("Website · 2026-06-01", 2), ("Website · 2026-06-02", Decimal("0.5"))],
            ),
            (
                "ITEMIZED",
                [
                    ("App · Design · 2026-06-01", 2),
                    ("Website · 2026-06-01 · Call", 1),
                    ("Website · Design · 2026-06-01 · Header", 1),
                    ("Website · Design · 2026-06-02 · Footer", Decimal("0.5")),
                ],
            ),
        ],
    )  # fmt: skip
    def test_lines_are_grouped_and_ordered(self, bench: Bench, grouping: str, expected: list[tuple[str, Decimal]]):
        made = bench.draft(grouping=grouping)
        assert [(line.description, line.quantity) for line in made.lines] == expected
        assert made.invoice.subtotal == 90 * Decimal("4.5")
        assert [line.position for line in made.lines] == list(range(1, len(expected) + 1))

    def test_a_line_of_several_projects_names_none(self, bench: Bench):
        lines = {line.description: line for line in bench.draft(grouping="TASK").lines}
        assert (lines["Design"].project_id, lines["Design"].task_id) == (None, None)
        assert lines["Website"].project_id == bench.project

    def test_the_same_work_gives_the_same_lines(self, bench: Bench):
        made = bench.draft()
        again = bench.change(made.invoice.id, grouping="PROJECT_TASK")
        assert [(line.description, line.total, line.entry_ids) for line in again.lines] == [
            (line.description, line.total, line.entry_ids) for line in made.lines
        ]

    def test_an_unknown_grouping_is_refused(self, bench: Bench):
        with pytest.raises(Invalid) as refused:
            bench.draft(grouping="BY_MOON")
        assert "grouping" in refused.value.fields


class TestRates:
    def test_different_rates_never_share_a_line(self, bench: Bench):
        bench.log(3600)
        bench.log(3600, rate=Decimal(100))
        made = bench.draft(grouping="PROJECT")
        assert [(line.rate, line.total) for line in made.lines] == [(90, 90), (100, 100)]

    def test_the_rate_of_the_moment_of_work_counts(self, bench: Bench):
        bench.log(3600)
        bench.client_is(default_rate=Decimal(500))
        assert bench.draft().invoice.total == 90

    @pytest.mark.parametrize("level", ["task", "project", "client", "workspace"])
    def test_work_without_a_rate_is_priced_now_and_keeps_it(self, bench: Bench, level: str):
        bench.client_is(default_rate=None)
        entry_id = bench.log(3600, task_id=bench.task)
        bench.studio_is(default_rate=Decimal(40))
        if level != "workspace":
            bench.client_is(default_rate=Decimal(50))
        with bench.studio.context() as ctx:
            if level in ("project", "task"):
                projects.change(ctx, bench.project, hourly_rate=Decimal(60))
        if level == "task":
            bench.sql("UPDATE tasks SET hourly_rate = 70 WHERE workspace_id = :workspace AND id = :id", id=bench.task)
        expected = {"workspace": 40, "client": 50, "project": 60, "task": 70}[level]
        made = bench.draft()
        assert (made.lines[0].rate, made.warnings) == (expected, [])
        assert bench.entry(entry_id).hourly_rate == expected

    def test_work_that_nobody_priced_is_billed_at_nothing_with_a_warning(self, bench: Bench):
        bench.client_is(default_rate=None)
        entry_ids = sorted([bench.log(3600), bench.log(60)])
        made = bench.draft()
        assert made.invoice.total == 0
        (warning,) = made.warnings
        assert (warning.code, sorted(warning.entry_ids)) == ("no_rate", entry_ids)
        assert "Website" in warning.message
        assert bench.entry(entry_ids[0]).hourly_rate is None


class TestRounding:
    def test_each_entry_is_rounded_by_the_rule_before_it_is_summed(self, bench: Bench):
        bench.studio_is(rounding_minutes=15, rounding_mode="UP")
        ids = [bench.log(60), bench.log(60), bench.log(1000)]
        made = bench.draft()
        assert (made.lines[0].quantity, made.invoice.total) == (Decimal(1), 90)
        assert sum(bench.entry(identity).duration_seconds for identity in ids) == 1120
        billed = bench.sql("SELECT sum(seconds), sum(billed_seconds) FROM billed_work WHERE workspace_id = :workspace")
        assert billed == [(1120, 3600)]

    def test_the_line_is_the_shown_quantity_times_the_rate(self, bench: Bench):
        bench.log(1, rate=Decimal(100))
        bench.log(100, rate=Decimal(100))
        (line,) = bench.draft().lines
        assert (line.quantity, line.total) == (Decimal("0.0281"), Decimal("2.81"))


class TestExpenses:
    def test_they_are_opt_in(self, bench: Bench):
        bench.log()
        bench.spend("12.50")
        assert bench.draft().invoice.total == 90

    def test_they_come_after_the_time_one_line_each_and_are_locked(self, bench: Bench):
        bench.log()
        late = bench.spend("12.50", description="Taxi", on=DAY + timedelta(days=1), project_id=bench.project)
        early = bench.spend("99.99", description="Train")
        made = bench.draft(include_expenses=True, lines=[FEE])
        assert [(line.kind, line.description, line.total, line.expense_ids) for line in made.lines] == [
            ("TIME", "Website", 90, ()),
            ("EXPENSE", "Train · 2026-06-01", Decimal("99.99"), (early,)),
            ("EXPENSE", "Taxi · 2026-06-02", Decimal("12.50"), (late,)),
            ("CUSTOM", "Set-up", Decimal("250.5"), ()),
        ]
        assert made.lines[1].unit == "each"
        with pytest.raises(Conflict, match="Invoiced expenses are locked"), bench.studio.context() as ctx:
            expenses.delete(ctx, late)

    def test_only_billable_ones_of_the_range_and_the_chosen_projects(self, bench: Bench):
        bench.spend("1", billable=False)
        bench.spend("2", on=DAY - timedelta(days=1))
        bench.spend("4")
        mine = bench.spend("8", project_id=bench.project)
        made = bench.draft(date_from=DAY, project_ids=[bench.project], include_expenses=True)
        assert [line.expense_ids for line in made.lines] == [(mine,)]

    def test_another_currency_is_left_out_with_a_warning(self, bench: Bench):
        bench.log()
        foreign = bench.spend("10")
        bench.client_is(currency="CHF")
        made = bench.draft(include_expenses=True)
        (warning,) = made.warnings
        assert (warning.code, warning.expense_ids) == ("other_currency", (foreign,))
        assert "EUR" in warning.message
        assert [line.kind for line in made.lines] == ["TIME"]
        assert bench.expense(foreign).invoice_id is None


class TestCustomLines:
    def test_quantity_is_taken_as_it_is(self, bench: Bench):
        bench.studio_is(rounding_minutes=60)
        made = bench.draft(lines=[CustomLine("Hosting", Decimal("0.3333"), Decimal("10.0001"), "month", bench.project)])
        (line,) = made.lines
        assert (line.quantity, line.rate, line.total) == (Decimal("0.3333"), Decimal("10.0001"), Decimal("3.33"))
        assert (line.unit, line.project_id) == ("month", bench.project)

    def test_the_unit_is_a_fixed_fee_unless_said(self, bench: Bench):
        assert bench.draft(lines=[FEE]).lines[0].unit == "fixed fee"

    @pytest.mark.parametrize(
        "line",
        [
            CustomLine("Fee", Decimal(0), Decimal(1)),
            CustomLine("Fee", Decimal(-1), Decimal(1)),
            CustomLine("Fee", Decimal(1), Decimal("-0.01")),
            CustomLine("Fee", Decimal("0.00001"), Decimal(1)),
            CustomLine("Fee", Decimal(1), Decimal("0.00001")),
            CustomLine("  ", Decimal(1), Decimal(1)),
            CustomLine("Fee", Decimal("NaN"), Decimal(1)),
            CustomLine("Fee", Decimal(10**13), Decimal(10)),
            CustomLine("Fee", Decimal(10**20), Decimal(0)),
        ],
    )
    def test_what_cannot_be_billed_is_refused(self, bench: Bench, line: CustomLine):
        with pytest.raises(Invalid) as refused:
            bench.draft(lines=[FEE, line])
        assert refused.value.fields["lines"].startswith("line 2")

    def test_the_project_is_the_clients(self, bench: Bench):
        with pytest.raises(Invalid) as refused:
            bench.draft(lines=[CustomLine("Fee", Decimal(1), Decimal(1), None, bench.studio.ids["hidden_project"])])
        assert "lines" in refused.value.fields


class TestFacts:
    def test_a_draft_has_a_provisional_number_and_burns_none(self, bench: Bench):
        made = bench.draft(lines=[FEE]).invoice
        assert made.number.startswith("DRAFT-")
        assert len(made.number) == len("DRAFT-1A2B3C4D")
        assert (made.status, made.payment_status) == ("DRAFT", "unpaid")
        assert bench.sql("SELECT * FROM invoice_series WHERE workspace_id = :workspace") == []
        assert bench.events(made.id) == ["invoice.created"]

    def test_it_shows_client_and_studio_as_they_are(self, bench: Bench):
        bench.client_is(
            billing_line1="1 Main St", billing_postal_code="10115", billing_city="Berlin", billing_country="DE",
            tax_number="DE136695976", billing_email="bills@globex.example",
        )  # fmt: skip
        bench.studio_is(legal_name="Studio North GmbH", tax_id="DE136695976", business_address="2 Side St")
        made = bench.draft(lines=[FEE]).invoice
        assert made.bill_to_name == "Globex"
        assert made.bill_to_address == "1 Main St\n10115 Berlin\nDE"
        assert (made.bill_to_tax_number, made.bill_to_email) == ("DE136695976", "bills@globex.example")
        assert (made.issuer_name, made.issuer_tax_id, made.issuer_address) == (
            "Studio North GmbH",
            "DE136695976",
            "2 Side St",
        )

    def test_dates_and_words_are_kept(self, bench: Bench):
        made = bench.draft(
            lines=[FEE], issue_date=DAY, due_date=DAY + timedelta(days=5), po_number="PO 7", notes="Thank you"
        ).invoice
        assert (made.issue_date, made.due_date) == (DAY, DAY + timedelta(days=5))
        assert (made.po_number, made.notes) == ("PO 7", "Thank you")

    def test_without_dates_it_is_of_today_and_not_due_yet(self, bench: Bench):
        made = bench.draft(lines=[FEE]).invoice
        assert (made.issue_date, made.due_date) == (date(2026, 6, 15), None)

    def test_notes_are_the_studios_unless_given(self, bench: Bench):
        bench.studio_is(invoice_notes="Net 14. Thanks!")
        assert bench.draft(lines=[FEE]).invoice.notes == "Net 14. Thanks!"
        assert bench.draft(lines=[FEE], notes="").invoice.notes is None

    def test_nothing_is_due_before_it_is_issued(self, bench: Bench):
        with pytest.raises(Invalid) as refused:
            bench.draft(lines=[FEE], issue_date=DAY, due_date=DAY - timedelta(days=1))
        assert "due_date" in refused.value.fields


class TestDiscountAndTax:
    def test_tax_is_on_what_is_left_after_the_discount(self, bench: Bench):
        made = bench.draft(lines=[FEE], discount=Discount(percent=Decimal(10)), tax_rate=Decimal(19)).invoice
        assert (made.subtotal, made.discount_amount) == (Decimal("250.50"), Decimal("25.05"))
        assert (made.discount_percent, made.tax_rate) == (10, 19)
        assert (made.tax_amount, made.total) == (Decimal("42.84"), Decimal("268.29"))

    @pytest.mark.parametrize(
        ("of_client", "of_studio", "given", "expected"),
        [
            (None, None, {}, None),
            (None, 20, {}, 20),
            (7, 20, {}, 7),
            (0, 20, {}, 0),
            (7, 20, {"tax_rate": Decimal(19)}, 19),
            (7, 20, {"tax_rate": None}, None),
        ],
    )
    def test_the_tax_rate_falls_back_from_client_to_studio(self, bench: Bench, of_client, of_studio, given, expected):
        bench.client_is(default_tax_rate=None if of_client is None else Decimal(of_client))
        bench.studio_is(default_tax_rate=None if of_studio is None else Decimal(of_studio))
        assert bench.draft(lines=[FEE], **given).invoice.tax_rate == expected

    @pytest.mark.parametrize(
        "discount",
        [
            Discount(amount=Decimal("250.51")),
            Discount(amount=Decimal(-1)),
            Discount(amount=Decimal("0.001")),
            Discount(percent=Decimal(101)),
            Discount(percent=Decimal(1), amount=Decimal(1)),
        ],
    )
    def test_a_discount_that_cannot_be_is_refused(self, bench: Bench, discount: Discount):
        with pytest.raises(Invalid) as refused:
            bench.draft(lines=[FEE], discount=discount)
        assert "discount" in refused.value.fields

    def test_all_of_it_may_be_taken_off(self, bench: Bench):
        assert (
            bench.draft(lines=[FEE], discount=Discount(amount=Decimal("250.5")), tax_rate=Decimal(19)).invoice.total
            == 0
        )

    @pytest.mark.parametrize("tax_rate", [Decimal(-1), Decimal(101)])
    def test_a_tax_rate_is_a_percentage(self, bench: Bench, tax_rate: Decimal):
        with pytest.raises(Invalid) as refused:
            bench.draft(lines=[FEE], tax_rate=tax_rate)
        assert "tax_rate" in refused.value.fields


class TestChange:
    def test_plain_facts_and_sums_follow(self, bench: Bench):
        made = bench.draft(lines=[FEE])
        changed = bench.change(
            made.invoice.id, notes="New", po_number="7", due_date=date(2026, 7, 1), tax_rate=Decimal(20),
            discount=Discount(amount=Decimal(50)),
        ).invoice  # fmt: skip
        assert (changed.notes, changed.po_number, changed.due_date) == ("New", "7", date(2026, 7, 1))
        assert (changed.tax_amount, changed.total) == (Decimal("40.10"), Decimal("240.60"))
        stored = bench.read(made.invoice.id)
        assert (stored.total, stored.notes) == (Decimal("240.60"), "New")
        assert bench.events(made.invoice.id) == ["invoice.created", "invoice.updated"]

    def test_nothing_changed_is_nothing_told(self, bench: Bench):
        made = bench.draft(lines=[FEE])
        bench.change(made.invoice.id, notes=None)
        assert bench.events(made.invoice.id) == ["invoice.created"]

    def test_a_date_given_and_taken_back(self, bench: Bench):
        made = bench.draft(lines=[FEE])
        given = bench.change(made.invoice.id, issue_date=DAY).invoice
        assert (given.issue_date, given.issue_date_given) == (DAY, True)
        back = bench.change(made.invoice.id, issue_date=None).invoice
        assert (back.issue_date, back.issue_date_given) == (date(2026, 6, 15), False)

    def test_lines_replaces_the_custom_lines_and_leaves_the_work(self, bench: Bench):
        entry_id = bench.log()
        made = bench.draft(lines=[FEE, FEE], discount=Discount(percent=Decimal(10)))
        changed = bench.change(made.invoice.id, lines=[CustomLine("Other", Decimal(2), Decimal(5))])
        assert [(line.description, line.position) for line in changed.lines] == [("Website", 1), ("Other", 2)]
        assert (changed.invoice.subtotal, changed.invoice.discount_amount) == (100, 10)
        assert changed.lines[0].entry_ids == (entry_id,)

    def test_a_new_selection_frees_the_old_work_and_takes_the_new(self, bench: Bench):
        first, second = bench.log(on=DAY), bench.log(7200, on=DAY + timedelta(days=1))
        made = bench.draft(date_to=DAY, lines=[FEE])
        changed = bench.change(made.invoice.id, date_from=DAY + timedelta(days=1), date_to=None)
        assert [(line.kind, line.entry_ids) for line in changed.lines] == [("TIME", (second,)), ("CUSTOM", ())]
        assert bench.entry(first).invoice_id is None
        assert bench.entry(second).invoice_id == made.invoice.id
        assert changed.invoice.subtotal == Decimal("430.50")
        assert bench.sql("SELECT count(*) FROM billed_work WHERE workspace_id = :workspace") == [(1,)]

    def test_a_rebuild_repeats_what_the_draft_was_picked_by(self, bench: Bench):
        shop = bench.new_project("Shop")
        bench.log(project=shop)
        bench.log()
        made = bench.draft(project_ids=[shop], date_from=DAY)
        later = bench.log(1800, project=shop, on=DAY + timedelta(days=3))
        changed = bench.change(made.invoice.id, grouping="PROJECT_TIME")
        assert [line.description for line in changed.lines] == ["Shop · 2026-06-01", "Shop · 2026-06-04"]
        assert bench.entry(later).invoice_id == made.invoice.id

    def test_expenses_can_be_added_later(self, bench: Bench):
        bench.log()
        made = bench.draft(lines=[FEE])
        bench.spend("10")
        changed = bench.change(made.invoice.id, include_expenses=True)
        assert [line.kind for line in changed.lines] == ["TIME", "EXPENSE", "CUSTOM"]
        assert [line.position for line in changed.lines] == [1, 2, 3]

    def test_a_failed_rebuild_leaves_the_draft_as_it_was(self, bench: Bench):
        entry_id = bench.log()
        made = bench.draft()
        with pytest.raises(Invalid, match="nothing to bill"):
            bench.change(made.invoice.id, date_from=DAY + timedelta(days=1))
        assert bench.entry(entry_id).invoice_id == made.invoice.id
        assert amounts(bench.lines(made.invoice.id)) == [90]

    def test_grouping_alone_brings_no_work_to_an_invoice_without(self, bench: Bench):
        made = bench.draft(project_ids=[], lines=[FEE])
        entry_id = bench.log()
        bench.change(made.invoice.id, grouping="PROJECT", date_from=DAY)
        assert bench.entry(entry_id).invoice_id is None
        bench.change(made.invoice.id, project_ids=None)
        assert bench.entry(entry_id).invoice_id == made.invoice.id

    def test_a_discount_that_became_too_much_is_refused(self, bench: Bench):
        made = bench.draft(lines=[FEE], discount=Discount(amount=Decimal(200)))
        with pytest.raises(Invalid) as refused:
            bench.change(made.invoice.id, lines=[CustomLine("Less", Decimal(1), Decimal(100))])
        assert "discount" in refused.value.fields
        assert bench.change(made.invoice.id, discount=None).invoice.total == Decimal("250.5")

    def test_the_client_stays(self, bench: Bench):
        made = bench.draft(lines=[FEE])
        bench.change(made.invoice.id, client_id=bench.client)
        with pytest.raises(Invalid) as refused:
            bench.change(made.invoice.id, client_id=bench.studio.ids["other_client"])
        assert "client_id" in refused.value.fields

    def test_an_issued_invoice_does_not_change(self, bench: Bench):
        sent = bench.sent()
        with pytest.raises(Conflict, match="Only Draft invoices can be edited"):
            bench.change(sent.id, notes="Late")

    def test_what_an_invoice_has_not_is_a_mistake_of_the_caller(self, bench: Bench):
        made = bench.draft(lines=[FEE])
        with pytest.raises(TypeError, match="colour"):
            bench.change(made.invoice.id, colour="red")


class TestDelete:
    def test_the_work_is_free_again_and_the_draft_is_gone(self, bench: Bench):
        entry_id, expense_id = bench.log(), bench.spend("5")
        made = bench.draft(include_expenses=True).invoice
        bench.delete(made.id)
        assert bench.entry(entry_id).invoice_id is None
        assert bench.expense(expense_id).invoice_id is None
        with pytest.raises(NotFound):
            bench.read(made.id)
        assert bench.events(made.id) == ["invoice.created", "invoice.deleted"]
        assert bench.draft(include_expenses=True).invoice.total == 95

    def test_only_drafts_go(self, bench: Bench):
        sent = bench.sent()
        with pytest.raises(Conflict, match="Only Draft invoices can be deleted"):
            bench.delete(sent.id)


class TestDuplicate:
    def test_the_copy_has_the_lines_but_bills_no_hours_twice(self, bench: Bench):
        entry_id = bench.log()
        made = bench.draft(
            lines=[FEE], discount=Discount(percent=Decimal(10)), tax_rate=Decimal(19), notes="Hi", po_number="7"
        )
        sent = bench.send(made.invoice.id)
        with bench.studio.context("manager") as ctx:
            copy = draft.duplicate(ctx, sent.id)
        assert [(line.kind, line.description, line.quantity, line.unit, line.total) for line in copy.lines] == [
            ("CUSTOM", "Website", 1, "h", 90),
            ("CUSTOM", "Set-up", 1, "fixed fee", Decimal("250.5")),
        ]
        assert (copy.invoice.total, copy.invoice.notes) == (sent.total, "Hi")
        assert (copy.invoice.status, copy.invoice.sent_at, copy.invoice.amount_paid) == ("DRAFT", None, 0)
        assert copy.invoice.number.startswith("DRAFT-")
        assert bench.entry(entry_id).invoice_id == sent.id

    def test_changing_the_copy_takes_no_work_by_itself(self, bench: Bench):
        made = bench.draft(lines=[FEE])
        with bench.studio.context("manager") as ctx:
            copy = draft.duplicate(ctx, made.invoice.id)
        entry_id = bench.log()
        bench.change(copy.invoice.id, grouping="ITEMIZED")
        assert bench.entry(entry_id).invoice_id is None


def test_ten_thousand_entries_become_lines_with_one_statement_more_than_ten(bench: Bench):
    def statements(count: int) -> int:
        bench.log_many(count)
        with bench.studio.context("manager") as ctx:
            counted = Counted(ctx)
            draft.draft(ctx, client_id=bench.client, grouping="ITEMIZED")
            return counted.count

    assert statements(10) + 1 == statements(10_000)  # it plans anew


class TestListing:
    def page(self, bench: Bench, sort: str = "-created_at", **filters: object) -> list[str]:
        with bench.studio.context("manager") as ctx:
            return [row[0] for row in invoice.INVOICES.page(ctx, ("id", "status"), filters, sort=sort).rows]

    @pytest.mark.parametrize("sort", invoice.INVOICES.sorts)
    def test_every_sort_works_both_ways(self, bench: Bench, sort: str):
        ids = {bench.draft(lines=[FEE]).invoice.id, bench.sent().id}
        assert set(self.page(bench, sort)) == set(self.page(bench, f"-{sort}")) == ids

    def test_filters_find(self, bench: Bench):
        bench.draft(lines=[FEE])
        sent = bench.sent("100")
        bench.pay(sent.id, "40")
        for filters in (
            {"status": "SENT"},
            {"payment_status": "partially_paid"},
            {"total_max": Decimal(100)},
            {"amount_paid_min": Decimal(1)},
            {"search": "inv-00"},
            {"sent_at_from": DAY, "client_name": "glob", "client_id": bench.client},
            {"due_date_from": DAY},
        ):
            assert self.page(bench, **filters) == [sent.id], filters

    def test_states_sort_by_their_order(self, bench: Bench):
        cancelled, paid, made = bench.sent(), bench.sent(), bench.draft(lines=[FEE]).invoice
        bench.cancel(cancelled.id)
        bench.mark_paid(paid.id)
        assert self.page(bench, "status") == [made.id, paid.id, cancelled.id]

    def test_deleted_drafts_are_not_listed(self, bench: Bench):
        bench.delete(bench.draft(lines=[FEE]).invoice.id)
        assert self.page(bench) == []
