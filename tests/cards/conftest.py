"""A studio that takes cards at a small Stripe on loopback."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from tallystick.db.session import Prepared
from tallystick.domain import payments
from tallystick.domain.access import Actor
from tallystick.domain.cards import checkouts, settings
from tallystick.domain.cards.checkouts import CardCheckout
from tallystick.domain.context import Context, open_workspace
from tallystick.domain.invoices import draft, lifecycle
from tallystick.domain.invoices.draft import CustomLine
from tallystick.domain.invoices.invoice import Invoice
from tallystick.domain.payments import Payment
from tallystick.outgoing.stripe_checkout import StripeTill
from tests.cards.fake import SECRET_KEY, WEBHOOK_SECRET, FakeStripe, fake_stripe, signed
from tests.studio import SERVER, Studio


class Shop:
    """What the tests do, each in a transaction of its own."""

    def __init__(self, studio: Studio, stripe: FakeStripe) -> None:
        self.studio = studio
        self.stripe = stripe
        self.server = replace(SERVER, till=StripeTill(stripe.url))

    @contextlib.contextmanager
    def context(self, who: str = "owner") -> Generator[Context]:
        with self.studio.database.transaction() as connection:
            open_workspace(connection, self.studio.workspace_id)
            yield Context(self.studio.actor(who), connection, self.studio.clock, self.server)

    @contextlib.contextmanager
    def itself(self) -> Generator[Context]:
        actor = Actor(self.studio.workspace_id, "", "OWNER", time_zone="Europe/Berlin", credential_name="stripe")
        with self.studio.database.transaction() as connection:
            open_workspace(connection, self.studio.workspace_id)
            yield Context(actor, connection, self.studio.clock, self.server)

    def take_cards(self, **facts: Any) -> None:
        self.do(settings.change, secret_key=SECRET_KEY, webhook_secret=WEBHOOK_SECRET, **facts)

    def do(self, verb: Any, *words: Any, who: str = "owner", **facts: Any) -> Any:
        with self.context(who) as ctx:
            return verb(ctx, *words, **facts)

    def invoice(self, rate: str = "100", client: str = "client") -> Invoice:
        """A sent one."""
        with self.context() as ctx:
            line = CustomLine("Concept", Decimal(1), Decimal(rate))
            made = draft.draft(ctx, client_id=self.studio.ids[client], project_ids=[], lines=[line])
            return lifecycle.mark_sent(ctx, made.invoice.id)

    def checkout(self, invoice: Invoice, who: str = "manager") -> CardCheckout:
        return checkouts.open_checkout(lambda: self.context(who), invoice.id)

    def hear(self, event: dict[str, Any]) -> str | None:
        body, signature = signed(event, self.studio.clock())
        with self.itself() as ctx:
            return checkouts.hear(ctx, body, signature)

    def again(self, invoice: Invoice) -> Invoice:
        with self.context() as ctx:
            return ctx.find(Invoice, invoice.id)

    def state(self, checkout: CardCheckout) -> CardCheckout:
        with self.context() as ctx:
            return ctx.find(CardCheckout, checkout.id)

    def payments(self, invoice: Invoice) -> list[Payment]:
        return self.do(payments.of_invoice, invoice.id)

    def rows(self, sql: str, **values: Any) -> list[tuple[Any, ...]]:
        with self.context() as ctx:
            return ctx.rows(Prepared(text(sql)), **values)


@pytest.fixture
def stripe() -> Iterator[FakeStripe]:
    with fake_stripe() as fake:
        yield fake


@pytest.fixture
def shop(studio: Studio, stripe: FakeStripe) -> Shop:
    """It takes cards without a fee."""
    made = Shop(studio, stripe)
    made.take_cards()
    return made
