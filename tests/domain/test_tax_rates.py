"""Rates with names, and how it is decided how a supply is taxed."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tallystick.domain import clients, tax_rates, workspaces
from tallystick.domain.context import Context
from tallystick.domain.invoices import draft, papers
from tallystick.domain.invoices import invoice as invoices
from tallystick.domain.invoices.draft import CustomLine
from tallystick.domain.invoices.invoice import Invoice
from tallystick.domain.invoices.totals import Discount
from tallystick.domain.tax_rates import Said, TaxRate
from tallystick.values.errors import Conflict, Forbidden, Invalid, NotFound
from tests.studio import Studio

SMALL = "Kein Ausweis von Umsatzsteuer, da Kleinunternehmer gemäß § 19 UStG"
FEE = CustomLine("Fee", Decimal(1), Decimal(100))


def do(studio: Studio, verb: Callable[..., Any], *given: Any, who: str = "owner", **facts: Any) -> Any:
    with studio.context(who) as ctx:
        return verb(ctx, *given, **facts)


def bill(studio: Studio, *lines: CustomLine, **facts: Any) -> Invoice:
    made = do(studio, draft.draft, client_id=studio.ids["client"], project_ids=[], lines=lines or [FEE], **facts)
    return made.invoice


def taxes(studio: Studio, invoice_id: str) -> list[tuple[Any, ...]]:
    return [
        (one.category, one.rate, one.reason, one.amount)
        for one in do(studio, invoices.taxes, invoice_id)
    ]  # fmt: skip


class TestKeeping:
    def test_a_category_follows_from_the_percentage(self, studio: Studio):
        made = [
            do(studio, tax_rates.create, name=name, percent=percent)
            for name, percent in (("Normal", Decimal(19)), ("Zero", Decimal(0)), ("None", None))
        ]
        assert [(one.number, one.category, one.percent) for one in made] == [
            (2, "STANDARD", 19),
            (3, "ZERO", 0),
            (4, "OUTSIDE_SCOPE", None),
        ]

    @pytest.mark.parametrize(
        ("facts", "field"),
        [
            ({"percent": Decimal(101)}, "percent"),
            ({"percent": Decimal(-1)}, "percent"),
            ({"percent": Decimal("1.00001")}, "percent"),
            ({"category": "STANDARD"}, "percent"),
            ({"category": "EXEMPT", "percent": Decimal(7)}, "percent"),
            ({"category": "SOME"}, "category"),
            ({"percent": Decimal(7), "reason": "Because"}, "reason"),
            ({"name": " "}, "name"),
        ],
    )
    def test_what_cannot_be_is_refused(self, studio: Studio, facts: dict[str, Any], field: str):
        with pytest.raises(Invalid) as refused:
            do(studio, tax_rates.create, **{"name": "New", **facts})
        assert field in refused.value.fields

    def test_a_name_is_there_once_in_whatever_case(self, studio: Studio):
        first = do(studio, tax_rates.create, name="Reduced", percent=Decimal(7))
        with pytest.raises(Conflict):
            do(studio, tax_rates.create, name="REDUCED", percent=Decimal(5))
        do(studio, tax_rates.delete, first.id)
        do(studio, tax_rates.create, name="Reduced", percent=Decimal(5))

    def test_one_at_most_is_the_default(self, studio: Studio):
        first = do(studio, tax_rates.create, name="Normal", percent=Decimal(19), is_default=True)
        second = do(studio, tax_rates.create, name="Reduced", percent=Decimal(7), is_default=True)
        assert not do(studio, tax_rates.read, first.id).is_default
        do(studio, tax_rates.change, first.id, is_default=True)
        assert not do(studio, tax_rates.read, second.id).is_default
        gone = do(studio, tax_rates.change, first.id, archived=True)
        assert (gone.archived, gone.is_default) == (True, False)
        with pytest.raises(Conflict):
            do(studio, tax_rates.change, first.id, is_default=True)
        back = do(studio, tax_rates.change, first.id, archived=False, is_default=True)
        assert back.is_default

    def test_one_that_is_on_an_invoice_is_archived_and_one_that_is_on_none_is_deleted(self, studio: Studio):
        used = do(studio, tax_rates.create, name="Reduced", percent=Decimal(7), is_default=True)
        free = do(studio, tax_rates.create, name="Normal", percent=Decimal(19))
        bill(studio)
        assert do(studio, tax_rates.delete, used.id).archived
        do(studio, tax_rates.delete, free.id)
        assert do(studio, tax_rates.read, used.id).archived
        with pytest.raises(NotFound):
            do(studio, tax_rates.read, free.id)
        with pytest.raises(Invalid) as refused:
            bill(studio, tax_rate_id=used.id)
        assert "tax_rate_id" in refused.value.fields

    def test_a_change_of_kind_brings_the_rest_with_it(self, studio: Studio):
        made = do(studio, tax_rates.create, name="Own", category="EXEMPT", reason=SMALL)
        assert made.percent == 0
        with pytest.raises(Invalid):
            do(studio, tax_rates.change, made.id, category="STANDARD")
        made = do(studio, tax_rates.change, made.id, category="STANDARD", percent=Decimal(19))
        assert (made.percent, made.reason) == (19, None)
        made = do(studio, tax_rates.change, made.id, category="OUTSIDE_SCOPE")
        assert made.percent is None

    def test_managers_read_and_do_not_write(self, studio: Studio):
        made = do(studio, tax_rates.create, name="Normal", percent=Decimal(19))
        assert do(studio, tax_rates.read, made.id, who="manager").name == "Normal"
        for verb, facts in ((tax_rates.change, {"name": "x"}), (tax_rates.delete, {})):
            with pytest.raises(Forbidden):
                do(studio, verb, made.id, who="manager", **facts)
        with pytest.raises(Forbidden):
            do(studio, tax_rates.create, name="x", who="manager")
        with pytest.raises(Forbidden):
            do(studio, tax_rates.read, made.id, who="member")


class TestHowASupplyIsTaxed:
    def test_line_invoice_client_named_rate_workspace(self, studio: Studio):
        assert taxes(studio, bill(studio).id) == [("OUTSIDE_SCOPE", None, None, 0)]
        do(studio, workspaces.change, default_tax_rate=Decimal(20))
        assert taxes(studio, bill(studio).id) == [("STANDARD", 20, None, 20)]
        do(studio, tax_rates.create, name="Normal", percent=Decimal(19), is_default=True)
        assert taxes(studio, bill(studio).id) == [("STANDARD", 19, None, 19)]
        do(studio, clients.change, studio.ids["client"], default_tax_rate=Decimal(7))
        assert taxes(studio, bill(studio).id) == [("STANDARD", 7, None, 7)]
        do(studio, clients.change, studio.ids["client"], default_tax_category="REVERSE_CHARGE")
        assert taxes(studio, bill(studio).id) == [("REVERSE_CHARGE", 0, None, 0)]
        standard = bill(studio, tax_category="STANDARD")
        assert taxes(studio, standard.id) == [("STANDARD", 7, None, 7)], "the client's rate, where it is needed"
        assert taxes(studio, bill(studio, tax_rate=Decimal(5)).id) == [("STANDARD", 5, None, 5)]
        mixed = bill(studio, FEE, CustomLine("Book", Decimal(1), Decimal(10), tax=Said(tax_rate=Decimal(5))))
        assert taxes(studio, mixed.id) == [("STANDARD", 5, None, Decimal("0.5")), ("REVERSE_CHARGE", 0, None, 0)]
        assert (mixed.tax_rate, mixed.tax_category, mixed.total) == (None, None, Decimal("110.5"))

    def test_a_rate_of_nothing_leaves_an_untaxed_category_as_it_is(self, studio: Studio):
        do(studio, clients.change, studio.ids["client"], default_tax_category="EXPORT")
        assert taxes(studio, bill(studio, tax_rate=Decimal(0)).id) == [("EXPORT", 0, None, 0)]
        assert taxes(studio, bill(studio, tax_rate=None).id) == [("OUTSIDE_SCOPE", None, None, 0)]

    def test_words_of_ones_own_go_before_the_usual_ones(self, studio: Studio):
        do(studio, tax_rates.create, name="Kleinunternehmer", category="EXEMPT", reason=SMALL, is_default=True)
        assert taxes(studio, bill(studio).id) == [("EXEMPT", 0, SMALL, 0)]
        assert taxes(studio, bill(studio, tax_reason="Other").id) == [("EXEMPT", 0, "Other", 0)]
        said = bill(studio, tax_category="REVERSE_CHARGE")
        paper = do(studio, papers.of_invoice, said.id)
        assert [(one.reason, one.reason_code) for one in paper.taxes] == [
            ("Reverse charge: the recipient is liable for the VAT", "VATEX-EU-AE")
        ]
        own = bill(studio, CustomLine("Course", Decimal(1), Decimal(10), tax=Said(tax_category="EXEMPT")))
        assert taxes(studio, own.id) == [("EXEMPT", 0, SMALL, 0)], "the workspace's own words for the category"

    def test_two_reasons_of_one_category_are_both_told(self, studio: Studio):
        lines = [
            CustomLine(reason, Decimal(1), Decimal(10), tax=Said(tax_category="EXEMPT", tax_reason=reason))
            for reason in ("Teaching", "Health", "Teaching")
        ]
        assert taxes(studio, bill(studio, *lines).id) == [("EXEMPT", 0, "Teaching; Health", 0)]

    @pytest.mark.parametrize(
        ("facts", "field"),
        [
            ({"tax_category": "STANDARD"}, "tax_rate"),
            ({"tax_category": "STANDARD", "tax_rate": Decimal(0)}, "tax_rate"),
            ({"tax_category": "EXEMPT", "tax_rate": Decimal(7)}, "tax_rate"),
            ({"tax_rate": Decimal("0.00001")}, "tax_rate"),
            ({"tax_rate": Decimal(7), "tax_reason": "Because"}, "tax_reason"),
        ],
    )
    def test_what_cannot_be_is_refused_on_the_invoice_and_on_a_line(self, studio: Studio, facts: Any, field: str):
        with pytest.raises(Invalid) as refused:
            bill(studio, **facts)
        assert field in refused.value.fields
        with pytest.raises(Invalid) as refused:
            bill(studio, FEE, CustomLine("Second", Decimal(1), Decimal(1), tax=Said(**facts)))
        assert refused.value.fields["lines"].startswith(f"line 2: {field.replace('_', ' ')}: ")

    def test_a_named_rate_stands_for_rate_and_category(self, studio: Studio):
        named = do(studio, tax_rates.create, name="Reduced", percent=Decimal(7))
        made = bill(studio, tax_rate_id=named.id)
        assert (made.tax_rate, made.default_tax_rate_id) == (7, named.id)
        with pytest.raises(Invalid) as refused:
            bill(studio, tax_rate_id=named.id, tax_rate=Decimal(7))
        assert "tax_rate_id" in refused.value.fields
        do(studio, tax_rates.change, named.id, percent=Decimal(8))
        with studio.context() as ctx:
            assert ctx.find(Invoice, made.id).tax_rate == 7
            assert ctx.find(TaxRate, named.id).percent == 8

    def test_a_change_of_the_default_reaches_the_lines_that_say_nothing(self, studio: Studio):
        made = bill(studio, FEE, CustomLine("Book", Decimal(1), Decimal(10), tax=Said(tax_rate=Decimal(5))))
        do(studio, draft.change, made.id, tax_rate=Decimal(20))
        assert taxes(studio, made.id) == [("STANDARD", 20, None, 20), ("STANDARD", 5, None, Decimal("0.5"))]
        do(studio, draft.change, made.id, tax_category="INTRA_EU")
        assert taxes(studio, made.id) == [("STANDARD", 5, None, Decimal("0.5")), ("INTRA_EU", 0, None, 0)]
        with pytest.raises(Invalid):
            do(studio, draft.change, made.id, tax_category="STANDARD")


class TestALine:
    def test_is_changed_by_itself(self, studio: Studio):
        made = bill(studio, FEE, FEE, tax_rate=Decimal(20))
        first, second = do(studio, invoices.lines, made.id)

        def change(line: Any, **facts: Any) -> Any:
            return do(studio, draft.change_line, made.id, line.id, **facts)

        told = change(first, heading=" Design ", discount=Discount(percent=Decimal(10)), tax_rate=Decimal(7))
        assert (told.lines[0].heading, told.lines[0].total, told.lines[0].tax_given) == ("Design", 90, True)
        assert (told.invoice.subtotal, told.invoice.tax_amount, told.invoice.tax_rate) == (190, Decimal("26.3"), None)
        told = change(first, tax_as_usual=True)
        assert (told.lines[0].tax_rate, told.invoice.tax_rate, told.invoice.tax_amount) == (20, 20, 38)
        told = change(second, quantity=Decimal(2), rate=Decimal("9.99"), unit=None, description="Book")
        assert (told.lines[1].total, told.lines[1].unit) == (Decimal("19.98"), "fixed fee")
        told = change(first, discount=None)
        assert told.invoice.subtotal == Decimal("119.98")
        with pytest.raises(Invalid) as refused:
            change(second, discount=Discount(amount=Decimal(20)))
        assert "discount" in refused.value.fields
        do(studio, draft.change, made.id, prices_include_tax=True)
        told = change(second, discount=Discount(amount=Decimal(9)))
        assert (told.lines[1].gross_discount, told.lines[1].gross_total) == (9, Decimal("10.98"))
        assert told.invoice.total == Decimal("110.98")
        with pytest.raises(NotFound):
            do(studio, draft.change_line, bill(studio).id, first.id, heading="x")

    def test_of_recorded_work_keeps_hours_and_rate(self, studio: Studio):
        from tallystick.domain import time_entries

        with studio.context() as ctx:
            time_entries.log(
                ctx, project_id=studio.ids["project"], entry_date=studio.clock.now.date(), duration_seconds=3600
            )
        made = do(studio, draft.draft, client_id=studio.ids["client"])
        (line,) = made.lines
        for name in ("quantity", "rate", "unit", "project_id"):
            with pytest.raises(Invalid) as refused:
                do(studio, draft.change_line, made.invoice.id, line.id, **{name: Decimal(1)})
            assert name in refused.value.fields
        told = do(studio, draft.change_line, made.invoice.id, line.id, description="Design", tax_rate=Decimal(19))
        assert (told.lines[0].description, told.invoice.tax_amount) == ("Design", Decimal("17.1"))

    def test_of_an_issued_invoice_stays(self, studio: Studio):
        from tallystick.domain.invoices import lifecycle

        made = bill(studio)
        (line,) = do(studio, invoices.lines, made.id)
        do(studio, lifecycle.mark_sent, made.id)
        with pytest.raises(Conflict):
            do(studio, draft.change_line, made.id, line.id, heading="x")


def test_prices_include_the_tax_where_client_or_workspace_say_so(studio: Studio):
    def including(ctx: Context) -> bool:
        return draft.draft(
            ctx, client_id=studio.ids["client"], project_ids=[], lines=[FEE], tax_rate=Decimal(25)
        ).invoice.prices_include_tax

    assert do(studio, including) is False
    do(studio, workspaces.change, prices_include_tax=True)
    assert do(studio, including) is True
    do(studio, clients.change, studio.ids["client"], prices_include_tax=False)
    assert do(studio, including) is False
    gross = bill(studio, tax_rate=Decimal(25), prices_include_tax=True)
    assert (gross.total, gross.subtotal, gross.tax_amount) == (100, 80, 20)


@pytest.mark.parametrize(
    ("verb", "field"), [("client", "tax_number"), ("new client", "tax_number"), ("workspace", "tax_id")]
)
def test_a_tax_id_must_be_right_when_it_changes(studio: Studio, verb: str, field: str):
    def write(number: str | None) -> None:
        if verb == "client":
            do(studio, clients.change, studio.ids["client"], tax_number=number)
        elif verb == "workspace":
            do(studio, workspaces.change, tax_id=number)
        else:
            do(studio, clients.create, name="New", tax_number=number)

    write("DE 136695976")
    write(None)
    with pytest.raises(Invalid) as refused:
        write("DE 136695975")
    assert refused.value.fields == {field: "is not a VAT number of DE; one looks like DE136695976"}


def test_a_tax_id_of_before_may_stay(studio: Studio):
    with studio.context() as ctx:
        client = clients.read(ctx, studio.ids["client"])
        ctx.change(client, tax_number="DE 1")
    do(studio, clients.change, studio.ids["client"], tax_number="DE 1", name="Renamed")
