"""A bench for invoices: log time, spend money, draft and look, each in a transaction of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from tallystick.db.session import Database, Prepared, text_query
from tallystick.domain import clients, expenses, payments, projects, tasks, time_entries, workspaces
from tallystick.domain.context import Context
from tallystick.domain.expenses import Expense
from tallystick.domain.invoices import draft, invoice, lifecycle
from tallystick.domain.invoices.draft import Draft
from tallystick.domain.invoices.invoice import Invoice, InvoiceLine
from tallystick.domain.time_entries import TimeEntry
from tallystick.values.errors import Refusal
from tests.conftest import TEMPLATE, create_database, superuser, with_database
from tests.studio import KEY, Studio, found_studio

DAY = date(2026, 6, 1)


class Bench:
    """What the tests of invoices do, in the words they use."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.client = studio.ids["client"]
        self.project = studio.ids["project"]
        self.task = studio.ids["task"]

    def log(self, seconds: int = 3600, *, on: date = DAY, project: str | None = None, **facts: Any) -> str:
        """The id of a new time entry, of the website unless said otherwise."""
        with self.studio.context() as ctx:
            entry = time_entries.log(
                ctx, project_id=project or self.project, entry_date=on, duration_seconds=seconds, **facts
            )
            return entry.id

    def log_many(self, count: int, *, seconds: int = 3600, rate: Decimal | None = Decimal(90)) -> None:
        """Many entries at once, as the table holds them."""
        self.sql(
            """
            INSERT INTO time_entries (workspace_id, id, user_id, project_id, duration_seconds, billable, entry_date,
                                      hourly_rate, created_at, updated_at)
            SELECT CAST(:workspace AS uuid), gen_random_uuid(), CAST(:actor AS uuid), CAST(:project AS uuid), :seconds,
                   true, CAST(:day AS date), :rate, now(), now()
            FROM generate_series(1, :count)
            """,
            project=self.project,
            seconds=seconds,
            day=DAY,
            rate=rate,
            count=count,
        )

    def spend(self, amount: str, *, on: date = DAY, description: str = "Train", **facts: Any) -> str:
        with self.studio.context() as ctx:
            return expenses.record(
                ctx,
                client_id=facts.pop("client_id", self.client),
                description=description,
                amount=Decimal(amount),
                expense_date=on,
                **facts,
            ).id

    def new_project(self, name: str, **facts: Any) -> str:
        with self.studio.context() as ctx:
            return projects.create(ctx, client_id=facts.pop("client_id", self.client), name=name, **facts).id

    def new_task(self, name: str, *, project: str | None = None, **facts: Any) -> str:
        with self.studio.context() as ctx:
            return tasks.create(ctx, project_id=project or self.project, name=name, **facts).id

    def client_is(self, **facts: Any) -> None:
        with self.studio.context() as ctx:
            clients.change(ctx, self.client, **facts)

    def studio_is(self, **facts: Any) -> None:
        with self.studio.context() as ctx:
            workspaces.change(ctx, **facts)

    def draft(self, **facts: Any) -> Draft:
        with self.studio.context("manager") as ctx:
            return draft.draft(ctx, **{"client_id": self.client, **facts})

    def change(self, invoice_id: str, **facts: Any) -> Draft:
        with self.studio.context("manager") as ctx:
            return draft.change(ctx, invoice_id, **facts)

    def delete(self, invoice_id: str) -> None:
        with self.studio.context("manager") as ctx:
            draft.delete(ctx, invoice_id)

    def send(self, invoice_id: str) -> Invoice:
        with self.studio.context("manager") as ctx:
            return lifecycle.mark_sent(ctx, invoice_id)

    def mark_paid(self, invoice_id: str) -> Invoice:
        with self.studio.context("manager") as ctx:
            return lifecycle.mark_paid(ctx, invoice_id)

    def cancel(self, invoice_id: str) -> Invoice:
        with self.studio.context("manager") as ctx:
            return lifecycle.cancel(ctx, invoice_id)

    def restore(self, invoice_id: str) -> Draft:
        with self.studio.context("manager") as ctx:
            return lifecycle.restore(ctx, invoice_id)

    def pay(self, invoice_id: str, amount: str, **facts: Any) -> tuple[payments.Payment, Invoice]:
        with self.studio.context("admin") as ctx:
            return payments.record(
                ctx, invoice_id, amount=Decimal(amount), **{"paid_on": self.studio.clock.now.date(), **facts}
            )

    def sent(self, total: str = "100", **facts: Any) -> Invoice:
        """A sent invoice over this total."""
        one = draft.CustomLine("Fee", Decimal(1), Decimal(total))
        return self.send(self.draft(project_ids=[], lines=[one], **facts).invoice.id)

    def read(self, invoice_id: str) -> Invoice:
        with self.studio.context("manager") as ctx:
            return invoice.read(ctx, invoice_id)

    def lines(self, invoice_id: str) -> list[InvoiceLine]:
        with self.studio.context("manager") as ctx:
            return invoice.lines_of(ctx, invoice_id)

    def entry(self, entry_id: str) -> TimeEntry:
        with self.studio.context() as ctx:
            return time_entries.read(ctx, entry_id)

    def expense(self, expense_id: str) -> Expense:
        with self.studio.context() as ctx:
            return expenses.read(ctx, expense_id)

    def events(self, resource_id: str) -> list[str]:
        """What was told of one thing, in order."""
        return [
            what
            for (what,) in self.sql(
                "SELECT type FROM events WHERE workspace_id = :workspace AND resource_id = :id ORDER BY id",
                id=resource_id,
            )
        ]

    def sql(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """The rows of a statement in the studio's workspace."""
        with self.studio.context() as ctx:
            return ctx.rows(Prepared(text(statement)), **values)

    def refused(self, count: int, act: Callable[[Context], Any], who: str = "admin") -> list[Refusal | Any]:
        """What each of many callers at once got: an answer, or the refusal."""
        start = threading.Barrier(count)

        def call(_: int) -> Any:
            start.wait(30)
            try:
                with self.studio.context(who) as ctx:
                    return act(ctx)
            except Refusal as refusal:
                return refusal

        with ThreadPoolExecutor(count) as callers:
            return list(callers.map(call, range(count)))


@pytest.fixture
def bench(studio: Studio) -> Bench:
    return Bench(studio)


@pytest.fixture
def own_database(cluster_url: str) -> Generator[tuple[Bench, str]]:
    """A bench in a database of its own, whose guards a test may take away; and the owner's URL."""
    name = f"tallystick_sabotage_{threading.get_native_id()}"
    create_database(cluster_url, name, template=TEMPLATE)
    url = with_database(cluster_url, name)
    pool = Database(url, size=40, wait_seconds=30)
    pool.open()
    yield Bench(found_studio(pool, KEY)), url
    pool.close()
    with psycopg.connect(superuser(cluster_url), autocommit=True) as connection:
        connection.execute(text_query(f"DROP DATABASE {name} WITH (FORCE)"))


class Counted:
    """A connection that counts its statements, and fails at the one after the allowed."""

    def __init__(self, ctx: Context, allowed: int = 1_000_000) -> None:
        self.connection = ctx.connection
        self.allowed = allowed
        self.count = 0
        ctx.connection = self  # type: ignore[assignment]

    def run(self, *args: Any) -> Any:
        self._count()
        return self.connection.run(*args)

    def later(self, *args: Any) -> Any:
        self._count()
        return self.connection.later(*args)

    def _count(self) -> None:
        if self.count == self.allowed:
            raise ConnectionError
        self.count += 1


def amounts(lines: Sequence[InvoiceLine]) -> list[Decimal]:
    """The totals of the lines, in their order."""
    return [line.total for line in lines]
