"""Checkouts: a page of Stripe where an invoice is paid, and what Stripe tells of it, which changes nothing twice.

One is opened in three steps: it is claimed in a transaction, Stripe is asked without one, and what it answers is
recorded in another. Who is interrupted in between leaves a claim; whoever asks next finishes it, and Stripe answers
the same page to the same question.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, Final, Literal, get_args

import msgspec
from sqlalchemy import CheckConstraint, Index, UniqueConstraint, bindparam, text
from sqlalchemy.orm import Mapped, mapped_column

from tallystick.db.base import Id, Money, Tenant, columns_of, one_of, within_workspace
from tallystick.db.session import Prepared
from tallystick.domain import payments, refunds
from tallystick.domain.access import Permission
from tallystick.domain.cards import settings as card_settings
from tallystick.domain.context import SENTENCES, Context, cast_rows, hydrate
from tallystick.domain.invoices.invoice import Invoice
from tallystick.domain.payments import Payment
from tallystick.values.cards import (
    Declined,
    Forged,
    Notice,
    Opened,
    Order,
    Till,
    Unreachable,
    in_currency,
    smallest_units,
)
from tallystick.values.errors import Conflict, Refusal, Unauthenticated
from tallystick.values.ids import new_id
from tallystick.values.money import percent_of, round_money

CheckoutStatus = Literal["OPENING", "OPEN", "PAID", "FAILED", "EXPIRED", "FLAGGED"]
STATUSES: Final[tuple[CheckoutStatus, ...]] = get_args(CheckoutStatus)
Outcome = Literal["APPLIED", "NOTHING", "WAITING", "FLAGGED"]
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)

OPEN_FOR: Final = timedelta(hours=23)
SPARE: Final = timedelta(minutes=5)
"""So long before it expires a checkout is not handed out any more."""
SPARE_UNASKED: Final = timedelta(hours=1)
"""Likewise one of which Stripe is still to be asked: it opens none that expires within half an hour."""
GATEWAY: Final = "stripe"
PAID: Final = frozenset({"checkout.session.completed", "checkout.session.async_payment_succeeded"})
LOST: Final = {"checkout.session.async_payment_failed": "FAILED", "checkout.session.expired": "EXPIRED"}
REFUNDED: Final = "charge.refunded"
LONGEST: Final = 255

_PLACES: Final = threading.BoundedSemaphore(4)
"""So many requests of a process wait for Stripe at a time: the others have its threads to work with."""

Contexts = Callable[[], AbstractContextManager[Context]]
"""Opens a transaction in the invoice's workspace."""


class CardCheckout(Tenant):
    """One page where one invoice is paid: for its balance at the time, and a fee on top."""

    __tablename__ = "card_checkouts"
    noun: ClassVar[str] = "card checkout"
    money: ClassVar[frozenset[str]] = frozenset({"amount", "fee"})

    invoice_id: Mapped[Id]
    session_id: Mapped[str | None]
    """Stripe's; null while it is being opened, and where that came to nothing."""
    url: Mapped[str | None]
    amount: Mapped[Money]
    fee: Mapped[Money]
    currency: Mapped[str]
    status: Mapped[str] = mapped_column(default="OPENING")
    note: Mapped[str | None]
    """What somebody has to look at."""
    payment_intent: Mapped[str | None]
    payment_id: Mapped[Id | None]
    expires_at: Mapped[datetime]
    created_by: Mapped[Id | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            within_workspace("invoice_id", "invoices.id"),
            within_workspace("payment_id", "payments.id"),
            within_workspace("created_by", "members.user_id"),
            one_of("status", STATUSES),
            CheckConstraint("amount > 0 AND fee >= 0", name="amount"),
            CheckConstraint("(status = 'PAID') = (payment_id IS NOT NULL)", name="payment_id"),
            CheckConstraint("(session_id IS NULL) = (url IS NULL)", name="url"),
            CheckConstraint(
                "CASE status WHEN 'OPENING' THEN session_id IS NULL WHEN 'EXPIRED' THEN true "
                "ELSE session_id IS NOT NULL END",
                name="session_id",
            ),
            UniqueConstraint("workspace_id", "session_id"),
            Index(
                "uq_card_checkouts_open",
                "workspace_id",
                "invoice_id",
                unique=True,
                postgresql_where="status IN ('OPENING', 'OPEN')",
            ),
        )


class CardEvent(Tenant):
    """What Stripe told, once each, and what became of it."""

    __tablename__ = "card_events"
    noun: ClassVar[str] = "card event"

    event_id: Mapped[str]
    type: Mapped[str]
    session_id: Mapped[str | None]
    payment_intent: Mapped[str | None]
    refunded: Mapped[int | None]
    """In Stripe's units: all that was returned of the charge by then."""
    outcome: Mapped[str]
    note: Mapped[str | None]
    created_at: Mapped[datetime]

    @classmethod
    def constraints(cls) -> tuple[Any, ...]:
        return (
            *super().constraints(),
            one_of("outcome", OUTCOMES),
            UniqueConstraint("workspace_id", "event_id"),
            Index("ix_card_events_intent", "workspace_id", "payment_intent"),
        )


@dataclass(frozen=True, slots=True)
class Claim:
    """A checkout that is claimed: what to ask of Stripe, once its transaction is over."""

    checkout_id: str
    till: Till
    secret_key: str
    order: Order

    def ask(self) -> Opened | Declined:
        """Have Stripe open it; holds no transaction. Asked once more, Stripe answers the same page.

        Refused where Stripe does not answer: whether it opened one, nobody knows, and the claim stays.
        """
        if not _PLACES.acquire(timeout=1.0):
            raise Conflict("Too many checkouts are being opened at this moment. Try again.", reason="try_again")
        try:
            return self.till.open(self.secret_key, self.order)
        except Declined as declined:
            return declined
        except Unreachable:
            raise Conflict("Stripe does not answer at the moment. Try again.", reason="try_again") from None
        finally:
            _PLACES.release()


def open_checkout(contexts: Contexts, invoice_id: str, *, back: str | None = None) -> CardCheckout:
    """A page where the balance of a sent invoice is paid by card; the one there is, while it is for that balance.

    `back`: where whoever pays came from, and returns to. For callers with transactions of their own; who has but one
    goes from `claim` to `record` by itself.
    """
    with contexts() as ctx:
        claimed = claim(ctx, invoice_id, back=back)
    if isinstance(claimed, CardCheckout):
        return claimed
    answer = claimed.ask()
    with contexts() as ctx:
        made = record(ctx, claimed, answer)
    if isinstance(made, Conflict):
        raise made
    return made


def claim(ctx: Context, invoice_id: str, *, back: str | None = None) -> CardCheckout | Claim:
    """The checkout that is open for this balance, or one to ask Stripe for: anew, or for whoever was interrupted."""
    ctx.require(Permission.CHANGE_INVOICES)
    invoice = ctx.find(Invoice, invoice_id, lock="update")  # callers at once queue up here
    settings = card_settings.current(ctx)
    if invoice.status != "SENT":
        raise Conflict(f"{invoice.status.title()} invoices take no payments", reason="invoice_state")
    if invoice.balance <= 0:
        raise Conflict("Nothing is open on this invoice", reason="invoice_state")
    if not settings.takes_cards or card_settings.holds(ctx, invoice) == "BANK":
        raise Conflict(
            "This invoice is not paid by card: see the card settings, and its payment method.", reason="cards_off"
        )
    amount, fee = invoice.balance, _fee(settings, invoice)
    claimed: CardCheckout | None = None
    for checkout in cast_rows(ctx.rows(_OF_INVOICE, invoice_id=invoice.id), CardCheckout):
        if checkout.status not in ("OPENING", "OPEN"):
            continue
        spare = SPARE if checkout.status == "OPEN" else SPARE_UNASKED
        if (checkout.amount, checkout.fee) == (amount, fee) and checkout.expires_at > ctx.now + spare:
            if checkout.status == "OPEN":
                return checkout
            claimed = checkout
        else:
            # Whoever still pays there pays all the same: what is too much becomes the client's credit.
            ctx.change(checkout, status="EXPIRED")
    return _claim(ctx, invoice, settings, claimed, amount=amount, fee=fee, back=back)


def record(ctx: Context, claimed: Claim, answer: Opened | Declined) -> CardCheckout | Conflict:
    """Write down what Stripe answered; a refusal is answered and not raised, so that the claim is given up."""
    ctx.require(Permission.CHANGE_INVOICES)
    checkout = ctx.find(CardCheckout, claimed.checkout_id, lock="update")
    if checkout.status == "OPENING" and isinstance(answer, Declined):
        ctx.change(checkout, status="EXPIRED", note=str(answer)[:LONGEST])
        return Conflict(f"Stripe refused: {answer}", reason="card_gateway")
    if checkout.status == "OPENING" and isinstance(answer, Opened):
        ctx.change(checkout, status="OPEN", session_id=answer.session_id, url=answer.url)
        ctx.record("opened", checkout)
    if checkout.url is None:
        return Conflict("The invoice changed while its checkout was opened. Try again.", reason="try_again")
    return checkout  # opened now, or by whoever asked at the same moment


def fee_of(ctx: Context, invoice: Invoice) -> Decimal | None:
    """What is paid on top of an invoice's balance by card; None: it is not paid by card, or not any more."""
    ctx.require(Permission.READ_INVOICES)
    settings = card_settings.current(ctx)
    if invoice.status != "SENT" or invoice.balance <= 0 or ctx.server.till is None or not settings.takes_cards:
        return None
    return None if card_settings.holds(ctx, invoice) == "BANK" else _fee(settings, invoice)


def of_invoice(ctx: Context, invoice_id: str) -> list[CardCheckout]:
    """The checkouts of an invoice, the last one first."""
    ctx.require(Permission.READ_INVOICES)
    invoice = ctx.find(Invoice, invoice_id)
    return cast_rows(ctx.rows(_OF_INVOICE, invoice_id=invoice.id), CardCheckout)


def hear(ctx: Context, body: bytes, signature: str) -> Outcome | None:
    """Take in what Stripe tells, as the server itself; None: it was told before. Whatever it is changes nothing twice.

    Refused where Stripe did not sign it.
    """
    ctx.require(Permission.RECORD_PAYMENTS)
    settings = card_settings.current(ctx)
    if ctx.server.till is None or not settings.takes_cards:
        raise Unauthenticated
    try:
        notice = ctx.server.till.read(
            body, signature, card_settings.secret_of(ctx, settings, "webhook_secret"), ctx.now
        )
    except Forged as forged:
        raise Unauthenticated(str(forged)) from None
    event = {
        "id": new_id(), "event_id": notice.id[:LONGEST], "type": notice.type[:LONGEST],
        "session_id": notice.session_id, "payment_intent": notice.payment_intent, "refunded": notice.refunded,
        "now": ctx.now,
    }  # fmt: skip
    if notice.payment_intent is not None:  # a payment and its refund, told at once, would not see each other
        ctx.row(_QUEUE, about=notice.payment_intent)
    if not ctx.write(_HEARD, **event):  # a second one waits here for the first
        return None
    outcome, note = _apply(ctx, notice)
    ctx.write(_BECAME, id=event["id"], outcome=outcome, note=note)
    return outcome


# --- private


def _fee(settings: card_settings.CardSettings, invoice: Invoice) -> Decimal:
    return percent_of(invoice.balance, settings.fee_percent or Decimal(0), invoice.currency)


def _claim(
    ctx: Context,
    invoice: Invoice,
    settings: card_settings.CardSettings,
    claimed: CardCheckout | None,
    *,
    amount: Decimal,
    fee: Decimal,
    back: str | None,
) -> Claim:
    till = ctx.server.till
    units, fee_units = smallest_units(amount, invoice.currency), smallest_units(fee, invoice.currency)
    if till is None:
        raise Conflict(
            "Card payments need the extra of this server: pip install tallystick[stripe].", reason="cards_off"
        )
    if units is None or fee_units is None:
        raise Conflict(
            f"{round_money(amount, invoice.currency)} {invoice.currency} cannot be charged to a card exactly.",
            reason="cards_off",
        )
    if claimed is None:
        expires_at = (ctx.now + OPEN_FOR).replace(microsecond=0)
        claimed = ctx.add(
            CardCheckout(
                invoice_id=invoice.id, amount=amount, fee=fee, currency=invoice.currency, expires_at=expires_at
            )
        )
    order = Order(
        once=claimed.id,
        reference=claimed.id,
        what=f"Invoice {invoice.number}",
        currency=invoice.currency,
        amount=units,
        fee=fee_units,
        email=invoice.bill_to_email,
        success_url=back or f"{ctx.server.public_url}/paid",
        cancel_url=back or f"{ctx.server.public_url}/not-paid",
        expires_at=claimed.expires_at,
    )
    # The same key with another question is refused by Stripe: the question is a part of the key.
    said = hashlib.sha256(msgspec.json.encode(order)).hexdigest()[:16]
    secret_key = card_settings.secret_of(ctx, settings, "secret_key")
    return Claim(claimed.id, till, secret_key, msgspec.structs.replace(order, once=f"{claimed.id}/{said}"))


def _apply(ctx: Context, notice: Notice) -> tuple[Outcome, str | None]:
    if notice.type == REFUNDED:
        return _returned(ctx, notice.payment_intent, notice.refunded)
    if notice.type not in PAID and notice.type not in LOST:
        return "NOTHING", None
    found = ctx.row(_LOCK, session_id=notice.session_id)
    if found is None:
        return "NOTHING", "no checkout of ours"
    checkout = hydrate(CardCheckout, found)
    if notice.type in LOST:
        if checkout.status != "OPEN":  # it was paid all the same, or told before
            return "NOTHING", None
        status = LOST[notice.type]
        ctx.change(checkout, status=status)
        if status == "FAILED":
            ctx.record("payment_failed", ctx.find(Invoice, checkout.invoice_id))
        return "APPLIED", None
    if not notice.paid or checkout.status in ("PAID", "FLAGGED"):
        return "NOTHING", None
    return _paid(ctx, checkout, notice)


def _paid(ctx: Context, checkout: CardCheckout, notice: Notice) -> tuple[Outcome, str | None]:
    due = smallest_units(checkout.amount + checkout.fee, checkout.currency)
    if (notice.amount, notice.currency) != (due, checkout.currency):
        return _flag(ctx, checkout, notice, "Stripe tells of another amount or currency than we asked for.")
    intent = (notice.payment_intent or notice.session_id or "")[:LONGEST]
    try:
        payment, _ = payments.record(
            ctx,
            checkout.invoice_id,
            amount=checkout.amount,
            paid_on=ctx.today(),
            external_id=f"{GATEWAY}:{intent}",
            gateway=GATEWAY,
            transaction_id=intent,
            fee=checkout.fee or None,
            overpayment="credit",
        )
    except Refusal as refusal:
        if refusal.reason == "try_again":
            raise
        return _flag(
            ctx, checkout, notice, f"The money came, but the invoice cannot take it: {refusal.message}. Refund it."
        )
    ctx.change(checkout, status="PAID", payment_id=payment.id, payment_intent=intent)
    ctx.record("paid", checkout)
    waiting = [refunded for (refunded,) in ctx.rows(_WAITING, payment_intent=intent)]
    if waiting:  # the refund was told before the payment
        ctx.write(_WAITED, payment_intent=intent)
        return _returned(ctx, intent, max(waiting))
    return "APPLIED", None


def _flag(ctx: Context, checkout: CardCheckout, notice: Notice, note: str) -> tuple[Outcome, str | None]:
    ctx.change(checkout, status="FLAGGED", note=note, payment_intent=notice.payment_intent)
    ctx.record("flagged", checkout)
    return "FLAGGED", note


def _returned(ctx: Context, intent: str | None, units: int | None) -> tuple[Outcome, str | None]:
    """So much was returned of a charge by now; what is not recorded yet is. The fee is the last to be returned."""
    if intent is None or units is None:
        return "NOTHING", None
    found = ctx.select(
        Payment, Payment.transaction_id == bindparam("intent"), Payment.gateway == GATEWAY,
        Payment.deleted_at.is_(None), intent=intent,
    )  # fmt: skip
    if not found:
        return "WAITING", "no payment of ours, or not yet"
    ctx.find(Invoice, found[0].invoice_id, lock="update")
    payment = ctx.find(Payment, found[0].id, lock="update")
    amount = min(in_currency(units, payment.currency), payment.amount) - payment.amount_refunded
    if amount <= 0:
        return "NOTHING", None
    try:
        refunds.record(
            ctx,
            payment.invoice_id,
            payment.id,
            refunded_on=ctx.today(),
            amount=amount,
            external_id=f"{GATEWAY}:{intent}:{units}",
        )
    except Refusal as refusal:
        if refusal.reason == "try_again":
            raise
        return "FLAGGED", refusal.message
    return "APPLIED", None


_COLUMNS: Final = ", ".join(columns_of(CardCheckout))
_OF_INVOICE = Prepared(
    text(f"""
        SELECT {_COLUMNS} FROM card_checkouts
        WHERE workspace_id = :workspace AND invoice_id = :invoice_id ORDER BY created_at DESC, id DESC
    """)
)
_LOCK = Prepared(
    text(f"""
        SELECT {_COLUMNS} FROM card_checkouts
        WHERE workspace_id = :workspace AND session_id = :session_id FOR NO KEY UPDATE
    """)
)
_QUEUE = Prepared(text("SELECT pg_advisory_xact_lock(hashtextextended(CAST(:about AS text), 7))"))
_HEARD = Prepared(
    text("""
        INSERT INTO card_events
            (id, workspace_id, event_id, type, session_id, payment_intent, refunded, outcome, created_at)
        VALUES (:id, :workspace, :event_id, :type, :session_id, :payment_intent, :refunded, 'NOTHING', :now)
        ON CONFLICT (workspace_id, event_id) DO NOTHING
    """)
)
_BECAME = Prepared(
    text("UPDATE card_events SET outcome = :outcome, note = :note WHERE workspace_id = :workspace AND id = :id")
)
_WAITING = Prepared(
    text("""
        SELECT refunded FROM card_events
        WHERE workspace_id = :workspace AND payment_intent = :payment_intent AND outcome = 'WAITING'
    """)
)
_WAITED = Prepared(
    text("""
        UPDATE card_events SET outcome = 'APPLIED', note = NULL
        WHERE workspace_id = :workspace AND payment_intent = :payment_intent AND outcome = 'WAITING'
    """)
)

SENTENCES["uq_card_checkouts_open"] = Conflict(
    "Another checkout is being opened at this moment. Try again.", reason="try_again"
)
