"""Commands as an operator types them, in this process, and a workspace with a month of everything in it."""

from __future__ import annotations

import io
import json
import sys
import uuid
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tallystick.auth import api_keys as key_texts
from tallystick.auth import oauth2, sessions
from tallystick.cli import main
from tallystick.db.session import Database, text_query
from tallystick.domain import (
    api_keys,
    categories,
    checklists,
    comments,
    contacts,
    expenses,
    idempotency,
    members,
    milestones,
    notes,
    oauth,
    payments,
    projects,
    tasks,
    time_entries,
)
from tallystick.domain.entering import enter
from tallystick.domain.invoices import draft, lifecycle
from tallystick.domain.invoices.draft import CustomLine
from tallystick.domain.invoices.totals import Discount
from tallystick.domain.recurring import automatic_billing, recurring, runs
from tallystick.domain.recurring.automatic_billing import BillingRun
from tallystick.domain.recurring.recurring import Template
from tests.conftest import TEMPLATE, create_database, superuser, with_database
from tests.studio import KEY, Studio, found_studio


@dataclass
class Answer:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)


Tallystick = Callable[..., Answer]


@pytest.fixture
def new_database(cluster_url: str) -> Generator[Callable[..., str]]:
    """Makes databases, from the migrated template unless said otherwise; answers the URL for the owner role."""
    made: list[str] = []

    def make(template: str | None = TEMPLATE) -> str:
        name = f"tallystick_cli_{uuid.uuid4().hex[:12]}"
        create_database(cluster_url, name, template=template)
        made.append(name)
        return with_database(cluster_url, name)

    yield make
    with psycopg.connect(superuser(cluster_url), autocommit=True) as connection:
        for name in made:
            connection.execute(text_query(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def own_url(new_database: Callable[..., str]) -> str:
    """A database of this test's own, migrated and empty."""
    return new_database()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory with the key of the tests."""
    path = tmp_path / "data"
    path.mkdir(mode=0o700)
    (path / "secret.key").write_bytes(KEY)
    (path / "secret.key").chmod(0o600)
    return path


@pytest.fixture
def tallystick(
    own_url: str, data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Tallystick:
    """Types a command: `tallystick("member", "list", "--json")`, against the test's own database."""
    monkeypatch.setenv("TALLYSTICK_DATA", str(data))
    monkeypatch.setenv("TALLYSTICK_DATABASE_URL", own_url)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: str, stdin: str = "", url: str | None = None) -> Answer:
        monkeypatch.setenv("TALLYSTICK_DATABASE_URL", url or own_url)
        monkeypatch.setattr(sys, "argv", ["tallystick", *words])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Answer(int(ended.value.code or 0), said.out, said.err)

    return run


@pytest.fixture
def own_pool(own_url: str) -> Iterator[Database]:
    """The pool of the test's own database."""
    pool = Database(own_url, size=4)
    pool.open()
    yield pool
    pool.close()


@dataclass
class Filled:
    """A workspace in which everything has happened once, beside another one; `ids` names what was made."""

    studio: Studio
    other: Studio
    ids: dict[str, str]


@pytest.fixture
def filled(own_pool: Database) -> Filled:
    """The test's own database, filled."""
    return fill(own_pool)


def fill(database: Database) -> Filled:
    """A month of work in a studio: time, a timer, expenses, invoices in every state, payments, somebody who left."""
    studio = found_studio(database, KEY)
    other = found_studio(database, KEY, name="Canary & Co")
    ids = dict(studio.ids)
    ids |= {
        "workspace": studio.workspace_id,
        "other_workspace": other.workspace_id,
        "others_client": other.ids["client"],
    }
    ids |= {who: person.user_id for who, person in studio.people.items()}
    start = datetime(2026, 6, 1, 8, tzinfo=UTC)
    with studio.context("member") as ctx:
        for number, day in enumerate(range(1, 9)):
            entry = time_entries.log(
                ctx, project_id=ids["project"], task_id=ids["task"], entry_date=date(2026, 6, day),
                duration_seconds=5400 + 601 * number, started_at=start + timedelta(days=number),
                stopped_at=start + timedelta(days=number, seconds=5400 + 601 * number),
            )  # fmt: skip
            ids[f"entry{day}"] = entry.id
    with studio.context("manager") as ctx:
        ids["timer"] = time_entries.start(ctx, project_id=ids["project"]).id
    with studio.context() as ctx:
        for name, amount in (("expense1", "120.50"), ("expense2", "9.99")):
            ids[name] = expenses.record(
                ctx, client_id=ids["client"], description=name, amount=Decimal(amount), expense_date=date(2026, 6, 2)
            ).id
        other_task = tasks.create(ctx, project_id=ids["hidden_project"], name="Cables")
        ids["other_task"] = other_task.id
    with studio.context() as ctx:
        sent = draft.draft(
            ctx, client_id=ids["client"], date_to=date(2026, 6, 3), grouping="ITEMIZED", include_expenses=True,
            discount=Discount(percent=Decimal("7.5")), tax_rate=Decimal(19),
        )  # fmt: skip
        lifecycle.mark_sent(ctx, sent.invoice.id)
        payment, _ = payments.record(
            ctx, sent.invoice.id, amount=Decimal(100), paid_on=date(2026, 6, 15), external_id="bank-1"
        )
        ids |= {"sent": sent.invoice.id, "line": sent.lines[0].id, "payment": payment.id}
        ids["expense_line"] = next(line.id for line in sent.lines if line.expense_ids)
    with studio.context() as ctx:
        paid = draft.draft(ctx, client_id=ids["client"], date_to=date(2026, 6, 4)).invoice
        lifecycle.mark_sent(ctx, paid.id)
        second, _ = payments.record(ctx, paid.id, amount=Decimal(1), paid_on=date(2026, 6, 15), external_id="bank-2")
        lifecycle.mark_paid(ctx, paid.id)
        cancelled = draft.draft(ctx, client_id=ids["client"], date_to=date(2026, 6, 5)).invoice
        lifecycle.mark_sent(ctx, cancelled.id)
        lifecycle.cancel(ctx, cancelled.id)
        thrown = draft.draft(ctx, client_id=ids["client"], date_to=date(2026, 6, 5)).invoice
        draft.delete(ctx, thrown.id)
        kept = draft.draft(ctx, client_id=ids["client"], date_to=date(2026, 6, 6)).invoice
        yen = draft.draft(
            ctx, client_id=ids["other_client"], project_ids=[],
            lines=[CustomLine("Cables", Decimal("2.5"), Decimal("33.3333"))],
        ).invoice  # fmt: skip
        lifecycle.mark_sent(ctx, yen.id)
        ids |= {"paid": paid.id, "cancelled": cancelled.id, "draft": kept.id, "thrown": thrown.id, "custom": yen.id}
        ids["payment2"] = second.id
    with studio.context() as ctx:
        again = recurring.create(
            ctx, client_id=ids["client"], rule="FREQ=DAILY", start_date=date(2026, 6, 15), name="Care",
            template=Template(lines=(CustomLine("Care {{dd}}", Decimal(1), Decimal(80)),)),
        )  # fmt: skip
        (run,) = runs.run_now(ctx, again.id)
        billing = automatic_billing.arrange(ctx, ids["client"], every="WEEK", period_ends_on=date(2026, 6, 21))
        billed = ctx.add(
            BillingRun(
                client_id=ids["client"], every="WEEK", period_to=date(2026, 6, 14), outcome="MADE",
                invoice_id=ids["draft"],
            )
        )  # fmt: skip
        ids |= {"billing": billing.id, "billing_run": billed.id}
        ids |= {"recurring": again.id, "run": run.id, "recurred": run.invoice_id or ""}
    with studio.context() as ctx:
        time_entries.let_go(ctx, members.active(ctx, ids["second"]))
        ids["gone"] = ids["second"]
        idempotency.keep(ctx, "a key", b"print", status=201, body=b"{}", request_id="one")
    with studio.context() as ctx:
        sessions.begin(ctx, KEY, user_agent="Netscape", address="192.0.2.1")
        sessions.offer_password_link(ctx, KEY, ids["member"])
        app = oauth.create_app(ctx, name="Charts", redirect_uris=["https://charts.example/callback"])
        granted = oauth.grant(ctx, app, ["entries:read"])
        oauth.add_token(ctx, granted, "access", oauth2.digest(KEY, oauth2.mint("access")))
        rows = ctx.connection.execute("SELECT id, user_id FROM tokens WHERE revoked_at IS NOT NULL").fetchall()
        ids["dead_token"] = next(token for token, user in rows if user == ids["gone"])
        ids["contact"] = contacts.create(
            ctx, client_id=ids["client"], first_name="Jun", last_name="Sato", email="jun@globex.example"
        ).id
        contacts.create(ctx, client_id=ids["client"], first_name="Max", last_name="Mora", email="max@globex.example")
        ids["milestone"] = milestones.create(ctx, project_id=ids["project"], title="Launch").id
        ids["others_milestone"] = projects.uncategorised(ctx, ids["hidden_project"])
        ids["category"] = categories.create(ctx, name="Branding", type="project").id
        projects.change(ctx, ids["project"], category_id=ids["category"])
        step = checklists.create(ctx, task_id=ids["task"], text="Sketch")
        ids["remark"] = comments.create(ctx, checklist_item_id=step.id, text="Bigger").id
        notes.create(ctx, title="Fonts", description="Two", resource_type="client", resource_id=ids["client"])
        ids["first_status"] = tasks.read(ctx, ids["task"]).status_id
        key = key_texts.mint()
        api_keys.issue(ctx, name="Books", prefix=str(key_texts.prefix_of(key)), digest=key_texts.digest(KEY, key))
        ids["live_token"] = ctx.connection.execute(
            "SELECT id FROM tokens WHERE user_id = %s", [ids["owner"]]
        ).fetchone()[0]  # type: ignore[index]
    for one in (studio, other):
        with one.context() as ctx:
            enter(ctx)
    return Filled(studio, other, ids)
