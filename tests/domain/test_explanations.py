"""Explanations: every figure is told with those it is made from, and they come to it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest

from tallystick.domain import clients, expenses, explanations, payments, projects, rates, time_entries, workspaces
from tallystick.domain.explanations import SHOWN, Step
from tallystick.domain.invoices import draft, lifecycle
from tallystick.domain.invoices.draft import CustomLine
from tallystick.domain.invoices.totals import Discount
from tallystick.domain.tax_rates import Said
from tallystick.values.errors import Forbidden, NotFound
from tests.studio import Studio

DAY = date(2026, 6, 1)


def log(studio: Studio, seconds: int = 3600, who: str = "member", **facts: object) -> str:
    with studio.context(who) as ctx:
        given = {"project_id": studio.ids["project"], "entry_date": DAY, "duration_seconds": seconds, **facts}
        return time_entries.log(ctx, **given).id  # type: ignore[arg-type]


def explain(studio: Studio, invoice_id: str, who: str = "owner") -> Step:
    with studio.context(who) as ctx:
        return explanations.of_invoice(ctx, invoice_id)


def entry(studio: Studio, entry_id: str, who: str = "owner") -> Step:
    with studio.context(who) as ctx:
        return explanations.of_time_entry(ctx, entry_id)


def all_of(step: Step) -> Iterator[Step]:
    yield step
    for one in step.steps:
        yield from all_of(one)


def only(step: Step, what: str) -> Step:
    (found,) = [one for one in step.steps if one.what == what]
    return found


def value(step: Step) -> Decimal:
    assert step.value is not None
    return Decimal(step.value)


def check(root: Step) -> None:
    """Whatever is a sum is the sum of what stands below it."""
    assert value(root) == value(only(root, "total")) - value(only(root, "paid"))
    for one in all_of(root):
        below = sum((value(part) for part in one.steps if part.value is not None), Decimal(0))
        if one.what in ("subtotal", "tax") and not any(part.what == "basis" for part in one.steps):
            assert value(one) == below, one
        if one.what in ("paid", "discount") and one.steps:
            assert value(one) == below, one
        if one.what == "total":
            off = sum((value(part) for part in one.steps if part.what == "discount"), Decimal(0))
            assert value(one) == value(only(one, "subtotal")) - off + value(only(one, "tax"))


@pytest.mark.parametrize("gross", [False, True])
def test_an_invoice_is_told_from_the_balance_to_the_second(studio: Studio, gross: bool):
    with studio.context() as ctx:
        workspaces.change(ctx, rounding_minutes=15, rounding_mode="UP", default_tax_rate=Decimal(19))
        clients.change(ctx, studio.ids["client"], prices_include_tax=gross)
    first = log(studio, 3700, task_id=studio.ids["task"])
    with studio.context() as ctx:
        expenses.record(ctx, client_id=studio.ids["client"], description="Train", amount=Decimal("84.50"),
                        expense_date=DAY)  # fmt: skip
        book = CustomLine("Book", Decimal(7), Decimal("14.99"), discount=Discount(percent=Decimal(10)),
                          tax=Said(tax_rate=Decimal(7)))  # fmt: skip
        made = draft.draft(ctx, client_id=studio.ids["client"], include_expenses=True, lines=[book],
                           discount=Discount(amount=Decimal(10)))  # fmt: skip
        lifecycle.mark_sent(ctx, made.invoice.id)
        payments.record(ctx, made.invoice.id, amount=Decimal(50), paid_on=DAY)
    root = explain(studio, made.invoice.id)
    check(root)
    total = only(root, "total")
    assert value(total) == made.invoice.total
    subtotal = only(total, "subtotal")
    assert [value(one) for one in subtotal.steps] == [line.total for line in made.lines]
    work, train, custom = subtotal.steps
    assert (work.resource, work.resource_id) == ("invoice_line", made.lines[0].id)
    hours = only(work, "quantity")
    assert (hours.value, hours.unit) == ("1.25", "h")
    (of_entry,) = hours.steps
    assert (of_entry.resource_id, of_entry.value) == (first, "1.25")
    assert "rounded up, in steps of 15 minutes" in of_entry.text
    assert (of_entry.steps[0].value, of_entry.steps[0].unit) == ("3700", "s")
    rate = only(work, "rate")
    assert (rate.value, rate.resource, rate.resource_id) == ("90.00", "client", studio.ids["client"])
    assert only(train, "quantity").text == "an expense"
    assert value(only(custom, "discount")) == Decimal("10.49")
    assert ("share" in {one.what for one in custom.steps}) == gross
    taxes = only(total, "tax").steps
    assert [one.text.split(" of ")[0].split(" in ")[0] for one in taxes] == ["19 %", "7 %"]
    shares = only(total, "discount").steps
    assert [value(only(one, "basis")) for one in taxes] == [
        tax.basis for tax in taxes_of(studio, made.invoice.id)
    ]  # fmt: skip
    assert len(shares) == 2
    assert [one.what for one in only(root, "paid").steps] == ["payment"]


def taxes_of(studio: Studio, invoice_id: str):
    from tallystick.domain.invoices import invoice as invoices

    with studio.context() as ctx:
        return invoices.taxes(ctx, invoice_id)


def test_the_place_of_a_rate_is_told_with_the_day_on_which_it_began(studio: Studio):
    ids = studio.ids
    old = log(studio)
    assert only(entry(studio, old), "rate").text == "the rate of the client Globex"
    with studio.context() as ctx:
        rates.begin(ctx, client_id=ids["client"], amount=Decimal(95), effective_from=date(2026, 5, 1))
    new = log(studio)
    told = only(entry(studio, new), "rate")
    assert (told.text, told.value) == ("the rate of the client Globex, since 2026-05-01", "95.00")
    kept = only(entry(studio, old), "rate")
    assert (kept.text, kept.value) == ("the rate that was found when the entry was made, and kept", "90.00")
    with studio.context() as ctx:
        projects.change(ctx, ids["project"], hourly_rate=Decimal(110))
    told = only(entry(studio, log(studio)), "rate")
    assert told.resource == "project"
    with studio.context() as ctx:
        other = clients.create(ctx, name="Free")
        project = projects.create(ctx, client_id=other.id, name="Gift").id
    assert "nobody set a rate" in only(entry(studio, log(studio, who="owner", project_id=project)), "rate").text


def test_a_member_hears_of_time_and_not_of_money(studio: Studio):
    mine = log(studio, 5400)
    told = entry(studio, mine, "member")
    assert {one.what for one in all_of(told)} == {"quantity", "tracked", "billable"}
    assert {one.unit for one in all_of(told)} == {"h", "s", None}
    with pytest.raises(NotFound):
        entry(studio, log(studio, who="owner"), "member")
    with pytest.raises(Forbidden):
        explain(studio, mine, "member")


def test_an_entry_is_told_in_every_state(studio: Studio):
    with studio.context() as ctx:
        running = time_entries.start(ctx, project_id=studio.ids["project"]).id
        nowhere = time_entries.log(ctx, project_id=None, entry_date=DAY, duration_seconds=60, billable=False).id
    assert "a timer that runs since" in next(
        one.text for one in all_of(entry(studio, running)) if one.what == "tracked"
    )
    told = entry(studio, nowhere)
    assert (told.value, only(told, "billable").text) == ("0.00", "not billable")
    billed = log(studio, 5400)
    with studio.context() as ctx:
        made = draft.draft(ctx, client_id=studio.ids["client"]).invoice.id
    told = entry(studio, billed)
    assert (told.value, only(told, "billable").resource_id) == ("135.00", made)


def test_of_many_entries_the_rest_is_told_together(studio: Studio):
    from tests.domain.invoices.conftest import Bench

    Bench(studio).log_many(SHOWN + 5)
    with studio.context() as ctx:
        made = draft.draft(ctx, client_id=studio.ids["client"]).invoice
    hours = only(only(only(explain(studio, made.id), "total"), "subtotal").steps[0], "quantity")
    assert len(hours.steps) == SHOWN + 1
    assert sum(value(one) for one in hours.steps) == value(hours) == SHOWN + 5
    assert (hours.steps[-1].what, hours.steps[-1].text) == ("more", "5 more entries")


def test_a_draft_with_nothing_on_it_is_told_too(studio: Studio):
    with studio.context() as ctx:
        made = draft.blank(ctx, client_id=studio.ids["client"], issue_date=DAY)
    root = explain(studio, made.id)
    check(root)
    assert root.value == "0.00"
