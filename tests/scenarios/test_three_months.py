"""Three months of a studio: a retainer and tracked time bill themselves, with a week of downtime."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import text

from tallystick.db.session import Prepared
from tallystick.domain import time_entries
from tallystick.domain.invoices.draft import CustomLine
from tallystick.domain.recurring import automatic_billing, runs
from tallystick.domain.recurring.recurring import Template
from tests.domain.recurring.conftest import Calendar
from tests.studio import Studio

FIRST, LAST = date(2026, 9, 1), date(2026, 12, 1)
DOWN = (date(2026, 10, 28), date(2026, 11, 4))
"""The server is away over the end of a month, and over the day on which clocks have just gone back."""


def test_three_months_bill_themselves(studio: Studio) -> None:
    calendar = Calendar(studio).on(FIRST.isoformat())
    ids = studio.ids
    retainer = Template(
        lines=(CustomLine("Retainer {{mm}}/{{yyyy}}", Decimal(1), Decimal("1234.56")),), tax_rate=Decimal(19)
    )
    made = calendar.create("FREQ=MONTHLY;BYMONTHDAY=-1", FIRST.isoformat(), template=retainer, mode="SEND")
    calendar.do(automatic_billing.arrange, ids["client"], every="TWO_WEEKS", mode="SEND", minimum_amount=Decimal(300))
    calendar.do(automatic_billing.arrange, ids["other_client"], every="HOURS", hours=Decimal(40))
    day, worked = FIRST, 0
    while day < LAST:
        moment = datetime(day.year, day.month, day.day, 16, tzinfo=UTC)
        studio.clock.now = moment
        if day.weekday() < 5:
            for project, seconds in ((ids["project"], 5400 + 37 * day.day), (ids["hidden_project"], 7200)):
                with studio.context("manager") as ctx:
                    time_entries.log(ctx, project_id=project, entry_date=day, duration_seconds=seconds)
                worked += seconds
        if not DOWN[0] <= day < DOWN[1]:
            for hour in (0, 8, 23):  # before midnight in Berlin, and after it
                studio.clock.now = moment.replace(hour=hour)
                runs.run_due(calendar.itself)
                automatic_billing.run_due(calendar.itself)
        day += timedelta(days=1)
    assert calendar.history(made) == [("2026-09-30", "MADE"), ("2026-10-31", "MADE"), ("2026-11-30", "MADE")]

    def rows(sql: str) -> list[tuple[object, ...]]:
        with studio.context() as ctx:
            return ctx.rows(Prepared(text(sql)))

    dates = rows("""
        SELECT invoice.issue_date, invoice.total FROM invoices AS invoice
        JOIN recurring_runs AS run ON run.invoice_id = invoice.id ORDER BY run.occurs_on
    """)
    assert [str(issued) for issued, _ in dates] == ["2026-09-30", "2026-11-04", "2026-11-30"]
    assert {total for _, total in dates} == {Decimal("1469.13")}  # 1234.56 + 234.57
    fortnights = rows("SELECT period_to, outcome FROM billing_runs WHERE every = 'TWO_WEEKS' ORDER BY period_to")
    assert [str(period) for period, _ in fortnights] == [
        "2026-09-06", "2026-09-20", "2026-10-04", "2026-10-18", "2026-11-01", "2026-11-15", "2026-11-29",
    ]  # fmt: skip
    assert {outcome for _, outcome in fortnights} == {"MADE"}
    hours = rows("""
        SELECT sum(billed.seconds) FROM billing_runs AS run
        JOIN billed_work AS billed ON billed.invoice_id = run.invoice_id
        WHERE run.every = 'HOURS' GROUP BY run.id ORDER BY run.id
    """)
    assert [int(seconds) >= 40 * 3600 for (seconds,) in hours] == [True] * 3  # type: ignore[call-overload]
    # Each second is billed once, or waits.
    ((billed,),) = rows("SELECT sum(seconds) FROM billed_work WHERE released_at IS NULL")
    ((waiting,),) = rows("SELECT sum(duration_seconds) FROM time_entries WHERE invoice_id IS NULL")
    assert int(billed) + int(waiting) == worked  # type: ignore[call-overload]
    numbers = rows("SELECT value FROM issued_numbers WHERE series = 'invoice' OR series LIKE 'invoice%' ORDER BY value")
    assert [value for (value,) in numbers] == list(range(1, 11))
