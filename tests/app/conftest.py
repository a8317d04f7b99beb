"""The studio with something of everything, and visitors who are signed in to its pages."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from falcon import testing
from pwdlib.hashers.argon2 import Argon2Hasher

from tallystick.auth import passwords
from tallystick.auth.sessions import SignedIn
from tallystick.db.session import Database
from tallystick.domain import (
    checklists,
    comments,
    contacts,
    expenses,
    files,
    payments,
    rates,
    receipts,
    refunds,
    sending,
    tasks,
    tax_rates,
    time_entries,
    tokens,
)
from tallystick.domain.credit_notes import credit
from tallystick.domain.credit_notes.credit import CreditLine
from tallystick.domain.invoices import invoice as invoices
from tallystick.domain.invoices import lifecycle
from tallystick.domain.invoices.draft import CustomLine, draft
from tallystick.domain.notifications import notification
from tallystick.domain.recurring import recurring
from tallystick.domain.recurring.recurring import Template
from tallystick.domain.sending import Message
from tallystick.domain.webhooks import deliveries, endpoints
from tests.sign_in.conftest import cheap_hashes, give_password, nothing_counted, signed_in  # noqa: F401 - fixtures
from tests.studio import KEY, Studio, app_client, found_studio

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
ROLES = ("owner", "admin", "manager", "member")


@dataclass
class Visitor:
    """Somebody signed in, in front of the pages."""

    app: testing.TestClient
    signed: SignedIn

    @property
    def headers(self) -> dict[str, str]:
        return {"Cookie": f"tallystick={self.signed.cookie_secret}", "Accept-Language": "en-GB"}

    def get(self, path: str, **headers: str) -> testing.Result:
        path, _, query = path.partition("?")
        return self.app.simulate_get(path, query_string=query, headers={**self.headers, **headers})

    def see(self, path: str) -> str:
        """The text of a page that is there."""
        result = self.get(path)
        assert result.status_code == 200, (path, result.status_code, result.headers, result.text[-600:])
        return result.text

    def post(self, path: str, fields: dict[str, Any] | None = None, **headers: str) -> testing.Result:
        """A form as one of our pages sends it."""
        given = {"csrf_token": self.signed.csrf, **(fields or {})}
        sent = {
            **self.headers,
            "Content-Type": "application/x-www-form-urlencoded",
            "Sec-Fetch-Site": "same-origin",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        return self.app.simulate_post(path, body=urlencode(given, doseq=True), headers=sent)

    def do(self, path: str, fields: dict[str, Any] | None = None) -> str:
        """A form that is accepted; answers where it leads."""
        result = self.post(path, fields)
        problem = re.findall(r'role="alert">.*?</div>|class="why".*?</p>', result.text, re.DOTALL)
        assert result.status_code == 303, (path, result.status_code, problem, result.text[-300:])
        return str(result.headers["Location"])


@dataclass
class Pages:
    """The studio with its pages; `people` are signed in."""

    studio: Studio
    app: testing.TestClient
    people: dict[str, Visitor]
    ids: dict[str, str]

    def __getitem__(self, who: str) -> Visitor:
        return self.people[who]

    def path(self, pattern: str) -> str:
        """A page's address, with ids of what is there."""
        noun = {"projects": "project", "tasks": "task", "clients": "client", "invoices": "sent", "time": "entry"}
        own = {
            "expenses": "expense",
            "account": "session",
            "settings": "member",
            "credit-notes": "note",
            "recurring": "recurring",
            "notifications": "told",
        }
        first = pattern.split("/")[1]
        found = {"id": self.ids[{**noun, **own}.get(first, "entry")]}
        if "{kind}" in pattern:
            found |= {"kind": "invoice" if "words" in pattern else "invoices", "language": "en"}
        if pattern.startswith("/settings/api"):
            found["id"] = self.ids["token"]
        if pattern.startswith("/settings/webhooks"):
            found["id"] = self.ids["delivery" if "deliveries" in pattern else "endpoint"]
        if pattern in ("/invoices/{id}/edit", "/invoices/{id}/lines/{line}"):
            found["id"] = self.ids["draft"]
        return re.sub(r"\{(\w+)\}", lambda part: found.get(part[1]) or self.ids[part[1]], pattern)


def fill(studio: Studio) -> dict[str, str]:
    """Something of every noun in the studio: ids by noun."""
    ids = dict(studio.ids)
    with studio.context() as ctx:
        contact = contacts.create(
            ctx,
            client_id=ids["client"],
            first_name="Bo",
            last_name="Berg",
            email=f"bo.{ids['client'][-8:]}@globex.example",
        )
        entry = time_entries.log(
            ctx, project_id=ids["project"], task_id=ids["task"], entry_date=date(2026, 6, 12), duration_seconds=5400,
            note="Sketches", user_id=studio.people["member"].user_id,
        )  # fmt: skip
        billed = time_entries.log(
            ctx, project_id=ids["project"], entry_date=date(2026, 5, 4), duration_seconds=7200, note="Before"
        )
        other = time_entries.log(
            ctx,
            project_id=ids["hidden_project"],
            entry_date=date(2026, 6, 12),
            duration_seconds=3600,
            note="Hidden work",
        )
        sent = draft(ctx, client_id=ids["client"], date_to=date(2026, 5, 31)).invoice
        lifecycle.mark_sent(ctx, sent.id)
        payment, _ = payments.record(ctx, sent.id, amount=Decimal(50), paid_on=date(2026, 6, 1))
        refund, _, _ = refunds.record(ctx, sent.id, payment.id, refunded_on=date(2026, 6, 5), amount=Decimal(10))
        drafted = draft(ctx, client_id=ids["other_client"]).invoice
        credited = draft(
            ctx, client_id=ids["client"], project_ids=[], lines=[CustomLine("Copy", Decimal(1), Decimal(80))]
        )
        lifecycle.mark_sent(ctx, credited.invoice.id)
        note, _ = credit.credit(
            ctx, credited.invoice.id, reason="Half", lines=[CreditLine(credited.lines[0].id, Decimal(40))]
        )
        line = invoices.lines_of(ctx, drafted.id)[0]
        tax = tax_rates.create(ctx, name="Reduced", percent=Decimal(7))
        files.set_logo(ctx, content=PNG, media="image/png")
        rate = rates.begin(ctx, amount=Decimal(95), effective_from=date(2026, 7, 1), client_id=ids["client"])
        again = recurring.create(
            ctx, client_id=ids["client"], rule="FREQ=MONTHLY", start_date=date(2026, 6, 20), name="Hosting",
            template=Template(lines=(CustomLine("Hosting {{mm}}", Decimal(1), Decimal(30)),)),
        )  # fmt: skip
        mail = sending.send(ctx, credited.invoice.id, Message(to=["bo@globex.example"])).mail
        expense = expenses.record(
            ctx, description="Paper", amount=Decimal("12.50"), expense_date=date(2026, 6, 2), client_id=ids["client"]
        )
        receipt = receipts.add(ctx, expense.id, content=PNG, media="image/png", name="Paper.png")
        step = checklists.create(ctx, text="Choose a colour", task_id=ids["task"])
        comment = comments.create(ctx, text="Looks good", task_id=ids["task"])
        spare = tasks.create(ctx, project_id=ids["project"], name="Spare task")
        token = tokens.issue(
            ctx, user_id=ctx.actor.user_id, name="Spare", prefix=ids["client"][-12:], digest=b"x" * 32,
            expires_at=datetime(2027, 1, 1, tzinfo=UTC),
        )  # fmt: skip
        endpoint = endpoints.create(ctx, url="https://hooks.example/in", events=["invoice.*"]).endpoint
        ids |= {"endpoint": endpoint.id, "delivery": deliveries.test(ctx, endpoint.id).id}
        notification.tell(
            ctx,
            "invoice_overdue",
            sent.id,
            "2026-06-14",
            {
                "number": sent.number,
                "client": "Globex",
                "due_date": "2026-06-14",
                "balance": "4321.00",
                "currency": "EUR",
            },
        )
        ids["told"] = notification.page(ctx)[0][0].id
    return ids | {
        "contact": contact.id, "entry": entry.id, "billed": billed.id, "hidden_entry": other.id, "sent": sent.id,
        "draft": drafted.id, "payment": payment.id, "expense": expense.id, "step": step.id, "comment": comment.id,
        "spare": spare.id, "token": token.id, "member": studio.people["second"].member_id,
        "refund": refund.id, "note": note.id, "mail": mail.id, "line": line.id, "recurring": again.id, "rate": rate.id,
        "tax": tax.id, "receipt": receipt.id,
    }  # fmt: skip


def made(studio: Studio, data: Path) -> Pages:
    """The pages of a studio."""
    for who in ROLES:
        give_password(studio, who)
    app = app_client(studio.database, studio.clock, data)
    people = {who: Visitor(app, signed_in(studio, who)) for who in ROLES}
    ids = fill(studio)
    ids["session"] = signed_in(studio, "owner").session.id
    return Pages(studio, app, people, ids)


@pytest.fixture
def pages(studio: Studio, tmp_path: Path, cheap_hashes: None) -> Pages:  # noqa: F811
    return made(studio, tmp_path)


@pytest.fixture(scope="module")
def shared(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Pages:
    """Pages for many tests that change nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", Argon2Hasher(memory_cost=64, time_cost=1, parallelism=1))
        with database.transaction() as connection:
            connection.execute("DELETE FROM sign_in_counts")
        return made(found_studio(database, KEY), tmp_path_factory.mktemp("pages"))
