"""Card payments: opened for the balance, recorded once whatever Stripe tells how often and in which order."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tallystick.domain import payments, refunds
from tallystick.domain.cards import checkouts, settings
from tallystick.domain.cards.checkouts import Claim
from tallystick.domain.invoices import lifecycle
from tallystick.domain.invoices.invoice import Invoice
from tallystick.outgoing.stripe_checkout import StripeTill
from tallystick.values.cards import Opened, Order, in_currency, smallest_units
from tallystick.values.errors import Conflict, Forbidden, Invalid, Unauthenticated
from tests.cards.conftest import Shop
from tests.cards.fake import FakeStripe, signed

# --- opening


def test_a_checkout_is_for_the_balance_and_the_fee_on_top(shop: Shop, stripe: FakeStripe) -> None:
    shop.take_cards(fee_percent=Decimal("2.9"))
    invoice = shop.invoice("100")
    shop.do(payments.record, invoice.id, amount=Decimal(40), paid_on=shop.studio.clock().date())
    made = shop.checkout(invoice)
    assert (made.amount, made.fee, made.currency, made.status) == (60, Decimal("1.74"), "EUR", "OPEN")
    ((key, asked),) = stripe.asked
    assert key.startswith(f"{made.id}/")
    assert {name: asked[name] for name in asked if "amount" in name or name in ("mode", "client_reference_id")} == {
        "mode": "payment", "client_reference_id": made.id,
        "line_items[0][price_data][unit_amount]": "6000", "line_items[1][price_data][unit_amount]": "174",
    }  # fmt: skip
    assert made.url == f"https://checkout.stripe.example/{made.session_id}"


def test_the_same_balance_is_one_checkout(shop: Shop, stripe: FakeStripe) -> None:
    invoice = shop.invoice()
    first = shop.checkout(invoice)
    assert shop.checkout(invoice).id == first.id
    shop.studio.clock.now += timedelta(hours=23)
    second = shop.checkout(invoice)
    assert second.id != first.id
    assert shop.state(first).status == "EXPIRED"
    shop.do(payments.record, invoice.id, amount=Decimal(40), paid_on=shop.studio.clock().date())
    third = shop.checkout(invoice)
    assert third.amount == 60
    assert [key.split("/")[0] for key, _ in stripe.asked] == [first.id, second.id, third.id]


def test_only_what_can_be_paid_by_card_is(shop: Shop) -> None:
    sent = shop.invoice()
    for facts, reason in (({"method": "BANK"}, "cards_off"), ({"method": "CARD"}, None)):
        shop.do(settings.change, **facts)
        if reason is None:
            shop.checkout(sent)
            continue
        with pytest.raises(Conflict) as refused:
            shop.checkout(sent)
        assert refused.value.reason == reason
    paid = shop.invoice()
    shop.do(lifecycle.mark_paid, paid.id)
    with pytest.raises(Conflict, match="Paid invoices take no payments"):
        shop.checkout(paid)
    shop.do(settings.change, secret_key=None)
    with pytest.raises(Conflict, match="not paid by card"):
        shop.checkout(shop.invoice())


def test_what_stripe_says_is_told(shop: Shop, stripe: FakeStripe) -> None:
    with pytest.raises(Conflict, match="at least 50 cents"):
        shop.checkout(shop.invoice("0.10"))
    stripe.down = True
    with pytest.raises(Conflict) as refused:
        shop.checkout(shop.invoice())
    assert refused.value.reason == "try_again"
    stripe.down = False
    shop.do(settings.change, secret_key="sk_test_another")
    with pytest.raises(Conflict, match="does not accept the secret key"):
        shop.checkout(shop.invoice())
    told = shop.rows("SELECT status, note, session_id FROM card_checkouts ORDER BY created_at, id")
    assert told == [
        ("EXPIRED", "Amount must be at least 50 cents", None),
        ("OPENING", None, None),
        ("EXPIRED", "Stripe does not accept the secret key.", None),
    ]


def test_stripe_is_asked_while_no_transaction_is_open(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    invoice, seen = shop.invoice(), list[Any]()

    def open_it(till: StripeTill, secret_key: str, order: Order) -> Opened:
        # Somebody else may change the invoice meanwhile, and sees the claim.
        with shop.context() as ctx:
            ctx.connection.execute("SET LOCAL lock_timeout = '1s'")
            ctx.find(Invoice, invoice.id, lock="update")
            seen.append([one.status for one in checkouts.of_invoice(ctx, invoice.id)])
        return real(till, secret_key, order)

    real = StripeTill.open
    monkeypatch.setattr(StripeTill, "open", open_it)
    assert (shop.checkout(invoice).status, seen) == ("OPEN", [["OPENING"]])


def test_what_was_interrupted_is_finished_by_whoever_asks_next(shop: Shop, stripe: FakeStripe) -> None:
    invoice = shop.invoice()
    claimed = shop.do(checkouts.claim, invoice.id)
    assert isinstance(claimed, Claim)
    opened = claimed.ask()  # and then the server is killed
    assert isinstance(opened, Opened)
    shop.studio.clock.now += timedelta(hours=20)
    made = shop.checkout(invoice)
    assert (made.id, made.session_id, made.status) == (claimed.checkout_id, opened.session_id, "OPEN")
    assert len(stripe.sessions) == 1


def test_an_answer_that_was_lost_is_heard_the_next_time(shop: Shop, stripe: FakeStripe) -> None:
    invoice = shop.invoice()
    stripe.mute = True
    with pytest.raises(Conflict, match="does not answer"):
        shop.checkout(invoice)
    stripe.mute = False
    made = shop.checkout(invoice)
    assert [*stripe.sessions] == [made.session_id]
    assert len({key for key, _ in stripe.asked}) == 1


def test_a_claim_of_another_balance_or_an_old_one_is_given_up(shop: Shop, stripe: FakeStripe) -> None:
    invoice = shop.invoice()
    first = shop.do(checkouts.claim, invoice.id)
    shop.do(payments.record, invoice.id, amount=Decimal(40), paid_on=shop.studio.clock().date())
    second = shop.do(checkouts.claim, invoice.id)
    shop.studio.clock.now += timedelta(hours=22, minutes=1)
    made = shop.checkout(invoice)
    assert made.id not in (first.checkout_id, second.checkout_id)
    told = shop.do(checkouts.record, first, first.ask())  # too late: the address of what was opened is told to nobody
    assert (told.reason, [one.status for one in shop.do(checkouts.of_invoice, invoice.id)]) == (
        "try_again", ["OPEN", "EXPIRED", "EXPIRED"],
    )  # fmt: skip


def test_callers_at_once_get_one_page(shop: Shop, stripe: FakeStripe) -> None:
    for _ in range(4):
        invoice = shop.invoice()
        with ThreadPoolExecutor(4) as pool:
            made = list(pool.map(lambda _: shop.checkout(invoice), range(4)))  # noqa: B023 - done before the next
        assert len({(one.id, one.url) for one in made}) == 1
    assert len(stripe.sessions) == 4


def test_another_way_back_is_another_question(shop: Shop, stripe: FakeStripe) -> None:
    """Stripe refuses a key that comes with other facts; the claim of the API may be finished on the public page."""
    invoice = shop.invoice()
    claimed = shop.do(checkouts.claim, invoice.id)
    claimed.ask()
    made = checkouts.open_checkout(shop.context, invoice.id, back="http://127.0.0.1:8000/i/secret")
    assert (made.id, len(stripe.sessions)) == (claimed.checkout_id, 2)
    assert shop.do(checkouts.record, claimed, claimed.ask()).session_id == made.session_id
    assert not any("secret" in str(row) for row in shop.rows("SELECT * FROM card_checkouts"))


def test_how_to_pay_is_said_by_the_invoice_else_the_client_else_the_workspace(shop: Shop) -> None:
    client, invoice = shop.studio.ids["client"], shop.invoice()
    assert shop.do(settings.method_of, "invoice", invoice.id) == (None, "BOTH")
    assert shop.do(settings.choose, "client", client, "BANK", who="manager") == ("BANK", "BANK")
    assert shop.do(settings.method_of, "invoice", invoice.id) == (None, "BANK")
    assert shop.do(settings.choose, "invoice", invoice.id, "CARD") == ("CARD", "CARD")
    assert shop.do(settings.choose, "invoice", invoice.id, "BOTH") == ("BOTH", "BOTH")
    assert shop.do(settings.choose, "invoice", invoice.id, None) == (None, "BANK")
    assert shop.do(settings.choose, "client", client, None) == (None, "BOTH")


# --- settings


def test_secrets_are_locked_up_and_told_to_nobody(shop: Shop) -> None:
    for sql in ("SELECT secret_key, webhook_secret FROM card_settings", "SELECT data FROM events"):
        assert not any("studio" in str(row) and "whsec" in str(row) for row in shop.rows(sql))
        assert not any(b"sk_test" in bytes(part) for row in shop.rows(sql) for part in row if isinstance(part, bytes))


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"fee_percent": Decimal(0)}, "fee_percent"), ({"fee_percent": Decimal("10.01")}, "fee_percent"),
        ({"secret_key": "pk_live_1"}, "secret_key"), ({"webhook_secret": "secret"}, "webhook_secret"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused(shop: Shop, facts: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        shop.do(settings.change, **facts)
    assert list(refused.value.fields) == [field]


def test_only_owners_and_admins_set_them_up(shop: Shop) -> None:
    for verb in (settings.read, settings.change):
        with pytest.raises(Forbidden):
            shop.do(verb, who="manager")
    with pytest.raises(Forbidden):
        shop.checkout(shop.invoice(), who="member")


@pytest.mark.parametrize(
    ("amount", "currency", "units"),
    [
        ("10.5", "EUR", 1050), ("1050", "JPY", 1050), ("1.5", "JPY", None), ("1.230", "KWD", 1230),
        ("1.234", "KWD", None), ("700", "MGA", 700), ("700.2", "MGA", None), ("5", "UGX", 500),
    ],
)  # fmt: skip
def test_amounts_are_counted_as_stripe_does(amount: str, currency: str, units: int | None) -> None:
    assert smallest_units(Decimal(amount), currency) == units
    if units is not None:
        assert in_currency(units, currency) == Decimal(amount)


# --- what Stripe tells


def test_a_payment_is_recorded_with_its_fee(shop: Shop, stripe: FakeStripe) -> None:
    shop.take_cards(fee_percent=Decimal(3))
    invoice = shop.invoice()
    checkout = shop.checkout(invoice)
    assert shop.hear(stripe.pay(checkout.session_id)) == "APPLIED"
    (payment,) = shop.payments(invoice)
    assert (payment.amount, payment.fee, payment.gateway) == (100, 3, "stripe")
    assert payment.transaction_id == f"pi_{checkout.session_id}"
    assert (shop.again(invoice).status, shop.again(invoice).amount_paid) == ("PAID", 100)
    assert (shop.state(checkout).status, shop.state(checkout).payment_id) == ("PAID", payment.id)


def test_the_same_event_twice_changes_nothing_twice(shop: Shop, stripe: FakeStripe) -> None:
    invoice = shop.invoice()
    event = stripe.pay(shop.checkout(invoice).session_id)
    assert [shop.hear(event) for _ in range(3)] == ["APPLIED", None, None]
    assert shop.hear({**event, "id": "evt_other"}) == "NOTHING"
    assert len(shop.payments(invoice)) == 1


def test_the_same_event_at_once_changes_nothing_twice(shop: Shop, stripe: FakeStripe) -> None:
    invoice = shop.invoice()
    event = stripe.pay(shop.checkout(invoice).session_id)
    events = [event] * 4 + [{**event, "id": f"evt_again_{at}"} for at in range(4)]
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(shop.hear, events))
    assert told.count("APPLIED") == 1
    assert len(shop.payments(invoice)) == 1


def test_a_bank_debit_is_paid_when_it_arrives(shop: Shop, stripe: FakeStripe) -> None:
    invoice = shop.invoice()
    session = stripe.sessions[shop.checkout(invoice).session_id]
    session["payment_intent"] = f"pi_{session['id']}"
    assert shop.hear(stripe.event("checkout.session.completed", session)) == "NOTHING"
    assert shop.payments(invoice) == []
    session["payment_status"] = "paid"
    assert shop.hear(stripe.event("checkout.session.async_payment_succeeded", session)) == "APPLIED"
    assert shop.again(invoice).status == "PAID"


@pytest.mark.parametrize(
    ("kind", "status"), [("checkout.session.async_payment_failed", "FAILED"), ("checkout.session.expired", "EXPIRED")]
)
def test_what_is_lost_is_told_and_does_not_undo_a_payment(
    shop: Shop, stripe: FakeStripe, kind: str, status: str
) -> None:
    lost, paid = shop.checkout(shop.invoice()), shop.checkout(shop.invoice())
    assert shop.hear(stripe.event(kind, stripe.sessions[lost.session_id])) == "APPLIED"
    assert shop.state(lost).status == status
    shop.hear(stripe.pay(paid.session_id))
    assert shop.hear(stripe.event(kind, stripe.sessions[paid.session_id])) == "NOTHING"
    assert shop.state(paid).status == "PAID"
    assert shop.hear(stripe.pay(lost.session_id)) == "APPLIED"  # tried again and paid after all


def test_money_beyond_the_balance_becomes_the_clients_credit(shop: Shop, stripe: FakeStripe) -> None:
    invoice = shop.invoice()
    checkout = shop.checkout(invoice)
    shop.do(payments.record, invoice.id, amount=Decimal(70), paid_on=shop.studio.clock().date())
    assert shop.hear(stripe.pay(checkout.session_id)) == "APPLIED"
    assert (shop.again(invoice).status, shop.again(invoice).amount_paid) == ("PAID", 100)
    assert shop.payments(invoice)[-1].surplus == 70
    assert shop.rows("SELECT amount FROM client_credits") == [(70,)]


def test_money_that_the_invoice_cannot_take_is_flagged(shop: Shop, stripe: FakeStripe) -> None:
    invoice = shop.invoice()
    checkout = shop.checkout(invoice)
    shop.do(lifecycle.cancel, invoice.id)
    event = stripe.pay(checkout.session_id)
    assert [shop.hear(event), shop.hear(event)] == ["FLAGGED", None]
    assert shop.state(checkout).status == "FLAGGED"
    assert "Refund it" in (shop.state(checkout).note or "")


@pytest.mark.parametrize("changed", [{"amount_total": 9999}, {"currency": "usd"}, {"amount_total": None}])
def test_another_amount_or_currency_pays_nothing(shop: Shop, stripe: FakeStripe, changed: dict[str, Any]) -> None:
    invoice = shop.invoice()
    checkout = shop.checkout(invoice)
    assert shop.hear(stripe.pay(checkout.session_id, **changed)) == "FLAGGED"
    assert shop.payments(invoice) == []


def test_events_of_others_are_taken_note_of(shop: Shop, stripe: FakeStripe) -> None:
    foreign = {"id": "cs_foreign", "object": "checkout.session", "payment_status": "paid"}
    assert shop.hear(stripe.event("checkout.session.completed", foreign)) == "NOTHING"
    assert shop.hear(stripe.event("customer.created", {"id": "cus_1", "object": "customer"})) == "NOTHING"
    assert shop.rows("SELECT count(*) FROM card_events") == [(2,)]


# --- refunds


def test_refunds_follow_the_whole_of_what_was_returned(shop: Shop, stripe: FakeStripe) -> None:
    shop.take_cards(fee_percent=Decimal(3))
    invoice = shop.invoice()
    session = shop.checkout(invoice).session_id
    shop.hear(stripe.pay(session))
    assert shop.hear(stripe.refunded(session, 2500)) == "APPLIED"
    assert shop.again(invoice).balance == 25
    assert shop.hear(stripe.refunded(session, 6000)) == "APPLIED"
    assert shop.hear(stripe.refunded(session, 4000)) == "NOTHING"  # late
    assert shop.payments(invoice)[0].amount_refunded == 60
    assert shop.hear(stripe.refunded(session, 10300)) == "APPLIED"
    assert shop.payments(invoice)[0].amount_refunded == 100  # the fee is no part of the payment
    assert shop.again(invoice).payment_status == "refunded"


def test_a_refund_that_somebody_recorded_is_not_recorded_again(shop: Shop, stripe: FakeStripe) -> None:
    invoice = shop.invoice()
    session = shop.checkout(invoice).session_id
    shop.hear(stripe.pay(session))
    payment = shop.payments(invoice)[0]
    shop.do(refunds.record, invoice.id, payment.id, amount=Decimal(30), refunded_on=shop.studio.clock().date())
    assert shop.hear(stripe.refunded(session, 3000)) == "NOTHING"
    assert shop.payments(invoice)[0].amount_refunded == 30


@pytest.mark.parametrize("seed", range(12))
def test_any_order_and_any_number_of_times_ends_the_same(shop: Shop, stripe: FakeStripe, seed: int) -> None:
    chance = random.Random(seed)
    invoice = shop.invoice()
    session = shop.checkout(invoice).session_id
    paid = stripe.pay(session)
    events = [
        paid,
        stripe.event("checkout.session.async_payment_succeeded", stripe.sessions[session]),
        stripe.event("checkout.session.expired", stripe.sessions[session]),
        stripe.refunded(session, 1000),
        stripe.refunded(session, 3500),
    ]
    events += chance.sample(events, 3)
    chance.shuffle(events)
    for event in events:
        shop.hear(event)
    (payment,) = shop.payments(invoice)
    assert (payment.amount, payment.amount_refunded) == (100, 35)
    assert (shop.again(invoice).balance, shop.again(invoice).amount_paid) == (35, 65)


def test_a_payment_and_its_refund_told_at_once_both_count(shop: Shop, stripe: FakeStripe) -> None:
    for _ in range(4):
        invoice = shop.invoice()
        session = shop.checkout(invoice).session_id
        events = [stripe.pay(session), stripe.refunded(session, 2000)]
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(shop.hear, events))
        assert shop.payments(invoice)[0].amount_refunded == 20


# --- signatures


def test_what_stripe_did_not_sign_changes_nothing(shop: Shop, stripe: FakeStripe) -> None:
    event = stripe.pay(shop.checkout(shop.invoice()).session_id)
    now = shop.studio.clock()
    body, signature = signed(event, now)
    _, other = signed(event, now, "whsec_other")
    _, old = signed(event, now - timedelta(seconds=301))
    for sent, header in (
        (body, other), (body, old), (body, ""), (body, "t=,v1="), (body, "t=1e9,v1=00"),
        (body, signature.partition(",v0")[0][:-1]),
        (body.replace(b"10000", b"10001"), signature), (body + b" ", signature), (body, "v1=00"), (b"", signature),
    ):  # fmt: skip
        with pytest.raises(Unauthenticated), shop.itself() as ctx:
            checkouts.hear(ctx, sent, header)
    assert shop.rows("SELECT 1 FROM card_events") == []
    with shop.itself() as ctx:
        assert checkouts.hear(ctx, body, f"t=0,{signature},v1=00".replace("t=0,", "")) == "APPLIED"
