"""A calendar for what runs by itself: recurring invoices of a studio, a clock to travel with, and runners."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from tallystick.db.session import Prepared
from tallystick.domain.access import Actor
from tallystick.domain.context import Context, open_workspace
from tallystick.domain.invoices import invoice as invoices
from tallystick.domain.invoices.draft import CustomLine
from tallystick.domain.invoices.invoice import Invoice
from tallystick.domain.recurring import recurring, runs
from tallystick.domain.recurring.recurring import RecurringInvoice, RecurringRun, Template
from tests.domain.invoices.conftest import bench, own_database
from tests.studio import SERVER, Studio

__all__ = ["bench", "own_database"]

RETAINER = Template(lines=(CustomLine("Retainer {{mm}}/{{yyyy}}", Decimal(1), Decimal(1500)),))


class Calendar:
    """What the tests of this package do, each verb in a transaction of its own."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.server = replace(SERVER, sender=None)
        """Without mail, unless a test sets it up."""

    def on(self, day: str, hour: int = 12) -> Calendar:
        """Travel to noon, or another hour, of a day in UTC."""
        self.studio.clock.now = datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC).replace(hour=hour)
        return self

    def at(self, moment: str) -> Calendar:
        """Travel to an instant."""
        self.studio.clock.now = datetime.fromisoformat(moment)
        return self

    @contextlib.contextmanager
    def itself(self) -> Generator[Context]:
        """A transaction of the server itself."""
        actor = Actor(self.studio.workspace_id, "", "OWNER", time_zone="Europe/Berlin", credential_name="server")
        with self.studio.database.transaction() as connection:
            open_workspace(connection, self.studio.workspace_id)
            yield Context(actor, connection, self.studio.clock, self.server)

    def create(self, rule: str = "FREQ=MONTHLY", start: str = "2026-06-30", **facts: Any) -> RecurringInvoice:
        with self.studio.context("manager") as ctx:
            return recurring.create(
                ctx,
                rule=rule,
                start_date=date.fromisoformat(start),
                **{"client_id": self.studio.ids["client"], "template": RETAINER, **facts},
            )

    def do(self, verb: Callable[..., Any], *words: Any, who: str = "manager", **facts: Any) -> Any:
        with self.studio.context(who) as ctx:
            return verb(ctx, *words, **facts)

    def read(self, made: RecurringInvoice) -> RecurringInvoice:
        return self.do(recurring.read, made.id)

    def run(self) -> list[RecurringRun]:
        return runs.run_due(self.itself)

    def history(self, made: RecurringInvoice) -> list[tuple[str, str]]:
        """Day and outcome of every run, in order."""
        found = self.do(recurring.runs, made.id)
        return [(run.occurs_on.isoformat(), run.outcome) for run in reversed(found)]

    def invoices(self) -> list[Invoice]:
        """All that there are, in the order in which they were made."""
        with self.studio.context() as ctx:
            return sorted(ctx.select(Invoice, Invoice.deleted_at.is_(None)), key=lambda one: one.id)

    def descriptions(self, invoice: Invoice) -> list[str]:
        with self.studio.context() as ctx:
            return [line.description for line in invoices.lines_of(ctx, invoice.id)]

    def rows(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        with self.studio.context() as ctx:
            return ctx.rows(Prepared(text(sql)), **values)


@pytest.fixture
def calendar(studio: Studio) -> Calendar:
    return Calendar(studio)
